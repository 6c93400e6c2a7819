/* The self-check of the live world.
 *
 * A live run tells at its end how late its network was, what kernels lost because nobody read in time, and which records
 * came too late to stand at their place (run/live_run.c). Past a bound the run is *invalid*: it neither passed nor
 * failed, whatever its expectations say, because what they saw was the machine and not the software under test.
 *
 * Short of those bounds the machine may still be late by more than a scenario leaves room for: a latency of "< 21ms"
 * behind a link of 20 ms does not hold where the receiver waited 10 ms for its CPU. So where everything that failed is a
 * time that was too long, and by no more than the network and the two programs at its ends were late at their worst, the
 * run says nothing of the software either. It never makes a run pass, and no other failure is looked at so.
 *
 * Two things are no grounds: what a device refused while its interface was down, which is what a step asked for, and
 * records that came late, as long as they are few: they are evidence about a process that was off its CPU, and the clamp
 * moves them by what it was off. They count when the worst was as far behind as a packet may be. */
#include "check/live.h"

#include "check/media_facts.h"

typedef struct hp_live_facts {
    hp_live_result figures; /* of the fabric, which may not have told them */
    GArray *hosts; /* of hp_live_host_result */
    GArray *programs; /* of hp_live_program_result */
} hp_live_facts;

static hp_live_facts *live_of(hp_facts *facts)
{
    if (facts->live == NULL) {
        facts->live = g_new0(hp_live_facts, 1);
        facts->live->hosts = g_array_new(FALSE, FALSE, sizeof(hp_live_host_result));
        facts->live->programs = g_array_new(FALSE, FALSE, sizeof(hp_live_program_result));
    }
    return facts->live;
}

void hp_live_facts_free(hp_live_facts *live)
{
    if (live == NULL) {
        return;
    }
    g_array_unref(live->hosts);
    g_array_unref(live->programs);
    g_free(live);
}

static hp_live_result read_fabric(hp_facts *facts, const hp_record *r)
{
    return (hp_live_result){.told = true,
                            .timers = hp_record_u64(r, "timers"),
                            .median = hp_record_u64(r, "median"),
                            .p99 = hp_record_u64(r, "p99"),
                            .max = hp_record_u64(r, "max"),
                            .late_records = hp_record_u64(r, "late-records"),
                            .worst_record = hp_record_u64(r, "worst-record"),
                            .stopped = hp_record_u64(r, "stopped"),
                            .fifo = hp_record_u64(r, "fifo") != 0,
                            .awake = hp_record_u64(r, "awake") != 0,
                            .refused = hp_facts_string(facts, hp_record_text(r, "refused"))};
}

static hp_live_host_result read_host(hp_facts *facts, const hp_record *r)
{
    return (hp_live_host_result){.host = hp_facts_string(facts, r->event.subject),
                                 .device = hp_facts_string(facts, hp_record_text(r, "device")),
                                 .from_kernel = hp_record_u64(r, "from-kernel"),
                                 .to_kernel = hp_record_u64(r, "to-kernel"),
                                 .tx_dropped = hp_record_u64(r, "tx-dropped"),
                                 .noise = hp_record_u64(r, "noise"),
                                 .malformed = hp_record_u64(r, "malformed"),
                                 .refused = hp_record_u64(r, "refused"),
                                 .receive_errors = hp_record_u64(r, "receive-errors"),
                                 .send_full = hp_record_u64(r, "send-full"),
                                 .untold = hp_record_u64(r, "untold")};
}

static hp_live_program_result read_program(hp_facts *facts, const hp_record *r)
{
    return (hp_live_program_result){.program = hp_facts_string(facts, r->event.subject),
                                    .kind = hp_facts_string(facts, hp_record_text(r, "kind")),
                                    .user = hp_record_u64(r, "user"),
                                    .system = hp_record_u64(r, "system"),
                                    .peak_kb = hp_record_u64(r, "peak-kb"),
                                    .scheduling = hp_facts_string(facts, hp_record_text(r, "scheduling")),
                                    .beats = hp_record_u64(r, "beats"),
                                    .stall_p99 = hp_record_u64(r, "stall-p99"),
                                    .stall_max = hp_record_u64(r, "stall-max")};
}

/* Programs end one after the other and send until then: nobody has lost what was sent to a network that stood still.
 * Nor what was there by then and was not read, as the program that was to read it waited for its CPU: `late` is how long
 * that may have been, or how late the network was. */
static void network_stopped(hp_facts *facts, hp_time late)
{
    const hp_live_result *fabric = &facts->live->figures;
    const hp_time heard = fabric->stopped - MIN(fabric->stopped, late);
    for (unsigned i = 0; fabric->stopped != 0 && i < facts->tracks->len; i++) {
        hp_track_facts *track = facts->tracks->pdata[i];
        track->deaf = MIN(track->deaf, heard);
    }
}

void hp_facts_live_event(hp_facts *facts, const hp_record *r)
{
    hp_live_facts *live = live_of(facts);
    if (r->event.kind == HP_EV_LIVE_FABRIC) {
        live->figures = read_fabric(facts, r);
        network_stopped(facts, live->figures.max);
    } else if (r->event.kind == HP_EV_LIVE_HOST) {
        const hp_live_host_result host = read_host(facts, r);
        g_array_append_val(live->hosts, host);
    } else {
        const hp_live_program_result program = read_program(facts, r);
        network_stopped(facts, hp_time_add(live->figures.max, program.stall_max));
        g_array_append_val(live->programs, program);
    }
}

/* ---- judging ---- */

static void complain(GString *text, const char *format, ...) G_GNUC_PRINTF(2, 3);
static void complain(GString *text, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    g_string_append(text, text->len > 0 ? "; " : "the machine was too slow: ");
    g_string_append_vprintf(text, format, args);
    va_end(args);
}

static char *find_too_slow(const hp_live_result *live)
{
    GString *text = g_string_new(NULL);
    char is[HP_TIME_TEXT], most[HP_TIME_TEXT];
    if (live->timers >= HP_LIVE_LEAST_TIMERS && live->p99 > HP_LIVE_MOST_P99) {
        complain(text, "one timer of the network in 100 was %s late or more (%s is the most)",
                 hp_time_format(live->p99, is), hp_time_format(HP_LIVE_MOST_P99, most));
    }
    if (live->max > HP_LIVE_MOST_MAX) {
        complain(text, "one timer of the network was %s late (%s is the most)", hp_time_format(live->max, is),
                 hp_time_format(HP_LIVE_MOST_MAX, most));
    }
    if (live->worst_record > HP_LIVE_MOST_RECORD) {
        complain(text, "what happened was told %s too late (%s is the most)", hp_time_format(live->worst_record, is),
                 hp_time_format(HP_LIVE_MOST_RECORD, most));
    }
    for (unsigned i = 0; i < live->n_programs; i++) {
        const hp_live_program_result *program = &live->programs[i];
        if (program->stall_max > HP_LIVE_MOST_STALL) {
            complain(text, "%s waited %s for a CPU (%s is the most)", program->program,
                     hp_time_format(program->stall_max, is), hp_time_format(HP_LIVE_MOST_STALL, most));
        }
    }
    for (unsigned i = 0; i < live->n_hosts; i++) {
        const hp_live_host_result *host = &live->hosts[i];
        if (host->tx_dropped > 0) {
            complain(text, "%s's kernel dropped %" G_GUINT64_FORMAT " packets that the network did not take in time",
                     host->host, host->tx_dropped);
        }
        if (host->receive_errors > 0) {
            complain(text, "%s's kernel dropped %" G_GUINT64_FORMAT " datagrams that the program did not read in time",
                     host->host, host->receive_errors);
        }
        if (host->untold > 0) {
            complain(text, "%s's connection tracking had more to tell than was read in time", host->host);
        }
    }
    return g_string_free(text, text->len == 0);
}

/* How much longer than the software under test makes it this machine may have made a way from one program to another. */
static hp_time most_added(const hp_live_result *live)
{
    hp_time stall = 0;
    for (unsigned i = 0; i < live->n_programs; i++) {
        stall = MAX(stall, live->programs[i].stall_max);
    }
    return live->max + 2 * stall;
}

void hp_live_ask_expectations(hp_result *result)
{
    hp_live_result *live = result->live;
    const hp_expect_result *worst = NULL;
    if (live == NULL || live->too_slow != NULL) {
        return;
    }
    for (unsigned i = 0; i < result->expects->len; i++) {
        const hp_expect_result *r = result->expects->pdata[i];
        if (r->passed) {
            continue;
        }
        if (r->too_long == 0 || r->too_long > most_added(live)) {
            return;
        }
        worst = worst == NULL || r->too_long > worst->too_long ? r : worst;
    }
    if (worst != NULL) {
        GString *text = g_string_new(NULL);
        char over[HP_TIME_TEXT], late[HP_TIME_TEXT];
        complain(text, "line %u (%s) failed by %s, and the network and programs were up to %s late", worst->mark.line,
                 worst->what, hp_time_format(worst->too_long, over), hp_time_format(most_added(live), late));
        live->too_slow = g_string_free(text, FALSE);
    }
}

static char *summarise(const hp_live_result *live)
{
    char median[HP_TIME_TEXT], p99[HP_TIME_TEXT], max[HP_TIME_TEXT];
    return g_strdup_printf("the network was late by %s (median), %s (p99), %s (max)%s%s%s; %" G_GUINT64_FORMAT
                           " late records",
                           hp_time_format(live->median, median), hp_time_format(live->p99, p99),
                           hp_time_format(live->max, max), *live->refused != '\0' ? "; without " : "", live->refused,
                           live->fifo ? "" : "; not in real-time scheduling", live->late_records);
}

void hp_result_fill_live(hp_result *result, const hp_facts *facts)
{
    const hp_live_facts *facts_live = facts->live;
    if (facts_live == NULL || !facts_live->figures.told) {
        return;
    }
    hp_live_result *live = hp_result_be_live(result);
    hp_live_host_result *hosts = g_memdup2(facts_live->hosts->data, facts_live->hosts->len * sizeof *hosts);
    hp_live_program_result *programs =
        g_memdup2(facts_live->programs->data, facts_live->programs->len * sizeof *programs);
    *live = facts_live->figures;
    live->refused = g_string_chunk_insert_const(result->strings, live->refused);
    live->hosts = hosts;
    live->n_hosts = facts_live->hosts->len;
    live->programs = programs;
    live->n_programs = facts_live->programs->len;
    for (unsigned i = 0; i < live->n_hosts; i++) {
        hosts[i].host = g_string_chunk_insert_const(result->strings, hosts[i].host);
        hosts[i].device = g_string_chunk_insert_const(result->strings, hosts[i].device);
    }
    for (unsigned i = 0; i < live->n_programs; i++) {
        programs[i].program = g_string_chunk_insert_const(result->strings, programs[i].program);
        programs[i].kind = g_string_chunk_insert_const(result->strings, programs[i].kind);
        programs[i].scheduling = g_string_chunk_insert_const(result->strings, programs[i].scheduling);
    }
    live->too_slow = find_too_slow(live);
    live->summary = summarise(live);
}
