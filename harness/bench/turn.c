/* TURN against direct.
 *
 * Per number of clients and way there is one scenario, run once a seed; the figures of a run are one sample. What a relay
 * adds is taken seed by seed (relay minus direct of the same seed), so that what both have in common falls out of the
 * interval. Throughput (bench/saturation.h) and memory (bench/engine.h) are measured apart.
 *
 * The CPU of the servers is real: of the engine, in the run itself, by a stop-watch around its calls
 * (actors/server_meter.h). It is the only thing in a run that depends on the machine, and nothing in the run can see it.
 *
 * Samples are filed by index, not by the order in which runs end. */
#include "bench/turn.h"

#include <math.h>
#include <stddef.h>

#include "base/compare.h"
#include "base/error.h"
#include "bench/engine.h"
#include "bench/figures.h"
#include "bench/runs.h"
#include "bench/saturation.h"
#include "bench/subjects.h"

static const unsigned default_clients[] = {1, 10, 100}, quick_clients[] = {1, 10};

hp_bench_turn_options hp_bench_turn_defaults(void)
{
    return (hp_bench_turn_options){
        .n_seeds = 10,
        .clients = default_clients,
        .n_clients = G_N_ELEMENTS(default_clients),
        .ways = {true, true, true, true},
        .network = {.link = 20 * HP_MS, .jitter = 2 * HP_MS, .loss_ppb = 1000000, .rate = 4000000},
        .duration = 5 * HP_S,
        .many_duration = 3 * HP_S,
        .load_duration = 10 * HP_S,
        .load_size = 1000,
        .load_rounds = 8,
    };
}

void hp_bench_turn_quick(hp_bench_turn_options *options)
{
    options->n_seeds = 3;
    options->clients = quick_clients;
    options->n_clients = G_N_ELEMENTS(quick_clients);
    options->duration = options->many_duration = 3 * HP_S;
    options->load_duration = 2 * HP_S;
    options->load_rounds = 5;
}

/* ---- metrics that are no figures of a run ---- */

#define CLIENTS .x_name = "clients", .x_unit = ""

static const hp_bench_subject memory = {.name = "server-memory",
                                        .about = "that the server's engine holds for an allocation with a channel",
                                        .unit = "B",
                                        .better = HP_BENCH_LOWER,
                                        CLIENTS};
static const hp_bench_subject throughput = {.name = "throughput",
                                            .about = "payload that arrives in time at the highest load of which one "
                                                     "percent does not (loss at a tenth of the rate taken off)",
                                            .unit = "bit/s",
                                            .better = HP_BENCH_HIGHER,
                                            .is_virtual = true};
/* Where the next higher load ends up that was tried. */
static const hp_bench_subject beyond_refused = {.name = "beyond-refused",
                                                .about = "of datagrams at the next higher load: not taken by the "
                                                         "sender's agent, as its socket is full",
                                                .unit = "%",
                                                .better = HP_BENCH_NEITHER,
                                                .is_virtual = true};
static const hp_bench_subject beyond_late = {.name = "beyond-late",
                                             .about = "of the same: more than 400 ms later than the fastest",
                                             .unit = "%",
                                             .better = HP_BENCH_NEITHER,
                                             .is_virtual = true};
static const hp_bench_subject beyond_lost = {.name = "beyond-lost",
                                             .about = "of the same: lost on the way, or thrown away by the relay",
                                             .unit = "%",
                                             .better = HP_BENCH_NEITHER,
                                             .is_virtual = true};
static const hp_bench_subject overhead = {.name = "overhead",
                                          .about = "what the caller's uplink carries beyond the payload (IP and up)",
                                          .unit = "%",
                                          .better = HP_BENCH_LOWER,
                                          .is_virtual = true};

/* ---- runs ---- */

/* One number of clients: figures by way, by seed. */
typedef struct stage {
    const hp_bench_turn_options *options;
    hp_bench_figures *by_way[HP_BENCH_WAY_N]; /* NULL: not asked for */
    hp_bench_figures *now; /* those of the way that runs */
} stage;

static void one_run(void *user, unsigned index, const hp_result *result, const hp_trace *trace,
                    const hp_server_meter *meter)
{
    stage *s = user;
    hp_bench_figures_of(result, meter, &s->now[index]);
}

static hp_time duration_of(const hp_bench_turn_options *o, unsigned n)
{
    return n >= HP_BENCH_MANY && o->many_duration > 0 ? o->many_duration : o->duration;
}

static bool make_cases(const hp_bench_turn_options *o, hp_bench_way way, unsigned n, hp_bench_cases *ret,
                       GError **error)
{
    if (o->file)
        return hp_bench_cases_of_file(o->file, way, o->n_seeds, ret, error);
    g_autofree char *text = hp_bench_calls_text(&o->network, way, n, duration_of(o, n));
    g_autofree char *name = g_strdup_printf("%u calls %s", n, hp_bench_way_name(way));
    return hp_bench_cases_of_text(text, name, 1, o->n_seeds, ret, error);
}

static bool any_connected(const hp_bench_figures *figures, unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        if (!isnan(figures[i].of[HP_BENCH_CONNECT]))
            return true;
    return false;
}

static bool run_way(stage *s, hp_bench_way way, unsigned n, GError **error)
{
    const hp_bench_turn_options *o = s->options;
    const hp_bench_runs_options runs = {.jobs = o->jobs, .hang_s = o->hang_s, .metered = true};
    g_auto(hp_bench_cases) cases = {0};
    s->now = s->by_way[way] = g_new0(hp_bench_figures, o->n_seeds);
    if (!make_cases(o, way, n, &cases, error) ||
        !hp_bench_runs((hp_plan *const *)cases.plans->pdata, cases.plans->len, &runs, one_run, s, error))
        return false;
    if (any_connected(s->now, o->n_seeds))
        return true;
    const hp_plan *first = cases.plans->pdata[0];
    g_set_error(error, HP_ERROR, HP_ERROR_REFUSED,
                "%s: no call connects with any seed, so that there is nothing to compare%s", first->case_name,
                way == HP_BENCH_DIRECT ? " (is direct impossible here?)" : "");
    return false;
}

/* ---- samples ---- */

static const char *name_of(const hp_bench_turn_options *o, hp_bench_way way)
{
    return o->file && way != HP_BENCH_DIRECT ? "relay" : hp_bench_way_name(way);
}

static void add_figure(hp_bench_document *d, const stage *s, hp_bench_figure figure, hp_bench_way way, double x)
{
    const unsigned n = s->options->n_seeds;
    g_autoptr(GArray) samples_room = g_array_set_size(g_array_new(FALSE, TRUE, sizeof(double)), n);
    double *samples = (double *)(void *)samples_room->data;
    unsigned have = 0;
    for (unsigned i = 0; i < n; i++)
        if (!isnan(s->by_way[way][i].of[figure]))
            samples[have++] = s->by_way[way][i].of[figure];
    const hp_bench_subject subject = hp_bench_figure_subject(figure, false);
    hp_bench_document_add(d, &subject, name_of(s->options, way), x, samples, have);
}

static void add_latency_over_direct(hp_bench_document *d, const stage *s, hp_bench_way way, double x)
{
    const unsigned n = s->options->n_seeds;
    g_autoptr(GArray) samples_room = g_array_set_size(g_array_new(FALSE, TRUE, sizeof(double)), n);
    double *samples = (double *)(void *)samples_room->data;
    unsigned have = 0;
    for (unsigned i = 0; i < n; i++) {
        double added =
            s->by_way[way][i].of[HP_BENCH_LATENCY_MEAN] - s->by_way[HP_BENCH_DIRECT][i].of[HP_BENCH_LATENCY_MEAN];
        if (!isnan(added))
            samples[have++] = added;
    }
    const hp_bench_subject subject = hp_bench_added_latency_subject(false);
    hp_bench_document_add(d, &subject, name_of(s->options, way), x, samples, have);
}

static void add_stage(hp_bench_document *d, const stage *s, double x)
{
    for (unsigned figure = 0; figure < HP_BENCH_FIGURE_N; figure++) {
        for (unsigned way = 0; way < HP_BENCH_WAY_N; way++)
            if (s->by_way[way])
                add_figure(d, s, figure, way, x);
        for (unsigned way = HP_BENCH_DIRECT + 1; figure == HP_BENCH_LATENCY_MEAN && way < HP_BENCH_WAY_N; way++)
            if (s->by_way[way])
                add_latency_over_direct(d, s, way, x);
    }
}

/* ---- the parts ---- */

static bool bench_calls(hp_bench_document *d, const hp_bench_turn_options *o, unsigned n, GError **error)
{
    stage s = {.options = o};
    bool ok = true;
    for (unsigned way = 0; ok && way < HP_BENCH_WAY_N; way++)
        if (way == HP_BENCH_DIRECT || (o->file ? way == HP_BENCH_TURN_UDP : o->ways[way]))
            ok = run_way(&s, way, n, error);
    if (ok)
        add_stage(d, &s, n);
    for (unsigned way = 0; way < HP_BENCH_WAY_N; way++)
        g_free(s.by_way[way]);
    return ok;
}

/* One member of what was found, of all seeds that know it. */
static void add_found(hp_bench_document *d, const hp_bench_subject *subject, hp_bench_way way,
                      const hp_bench_saturation *found, unsigned n, size_t member)
{
    g_autoptr(GArray) samples_room = g_array_set_size(g_array_new(FALSE, TRUE, sizeof(double)), n);
    double *samples = (double *)(void *)samples_room->data;
    unsigned have = 0;
    for (unsigned i = 0; i < n; i++) {
        double value = G_STRUCT_MEMBER(double, &found[i], member);
        if (!isnan(value))
            samples[have++] = value;
    }
    hp_bench_document_add(d, subject, hp_bench_way_name(way), 0, samples, have);
}

static bool bench_throughput(hp_bench_document *d, const hp_bench_turn_options *o, GError **error)
{
    static const struct {
        const hp_bench_subject *subject;
        size_t member;
    } told[] = {{&throughput, offsetof(hp_bench_saturation, goodput)},
                {&beyond_refused, offsetof(hp_bench_saturation, refused)},
                {&beyond_late, offsetof(hp_bench_saturation, late)},
                {&beyond_lost, offsetof(hp_bench_saturation, lost)},
                {&overhead, offsetof(hp_bench_saturation, overhead)}};
    const hp_bench_saturation_options saturation = {.network = o->network,
                                                    .size = o->load_size,
                                                    .duration = o->load_duration,
                                                    .rounds = o->load_rounds,
                                                    .runs = {.jobs = o->jobs, .hang_s = o->hang_s}};
    g_autoptr(GArray) found_room = g_array_set_size(g_array_new(FALSE, TRUE, sizeof(hp_bench_saturation)), o->n_seeds);
    hp_bench_saturation *found = (hp_bench_saturation *)(void *)found_room->data;
    for (unsigned way = 0; way < HP_BENCH_WAY_N; way++) {
        if (way != HP_BENCH_DIRECT && !o->ways[way])
            continue;
        if (!hp_bench_saturate(&saturation, way, o->n_seeds, found, error))
            return false;
        for (unsigned i = 0; i < G_N_ELEMENTS(told); i++)
            add_found(d, told[i].subject, way, found, o->n_seeds, told[i].member);
    }
    return true;
}

static void bench_memory(hp_bench_document *d, const hp_bench_turn_options *o)
{
    g_autoptr(GArray) samples_room = g_array_set_size(g_array_new(FALSE, TRUE, sizeof(double)), o->n_seeds);
    double *samples = (double *)(void *)samples_room->data;
    for (unsigned i = 0; i < o->n_clients; i++) {
        unsigned have = 0;
        for (unsigned seed = 1; seed <= o->n_seeds; seed++) {
            double bytes = hp_bench_engine_memory(2 * o->clients[i], seed); /* both ends allocate */
            if (bytes > 0)
                samples[have++] = bytes;
        }
        hp_bench_document_add(d, &memory, hp_bench_way_name(HP_BENCH_TURN_UDP), o->clients[i], samples, have);
    }
}

static void tell_settings(hp_bench_document *d, const hp_bench_turn_options *o)
{
    char text[HP_TIME_TEXT];
    g_autofree char *rate = hp_unit_format(HP_UNIT_RATE, (int64_t)o->network.rate);
    hp_bench_document_set_seeds(d, o->n_seeds);
    if (o->file) {
        g_autofree char *base = g_path_get_basename(o->file);
        hp_bench_document_set(d, "file", "%s", base);
        return;
    }
    hp_bench_tell_calls(d, &o->network, o->clients, o->n_clients, o->duration);
    if (duration_of(o, HP_BENCH_MANY) != o->duration)
        hp_bench_document_set(d, "duration of " G_STRINGIFY(HP_BENCH_MANY) " calls and more", "%s",
                              hp_time_format(o->many_duration, text));
    if (o->load_duration == 0)
        return;
    hp_bench_document_set(d, "rate", "%s", rate);
    hp_bench_document_set(d, "load", "%u B for %s, %u rounds", o->load_size, hp_time_format(o->load_duration, text),
                          o->load_rounds);
}

hp_bench_document *hp_bench_turn(const hp_bench_turn_options *options, GError **error)
{
    g_autofree char *about =
        options->file
            ? g_strdup_printf("The call of %s, direct and by relay, %u seeds", options->file, options->n_seeds)
            : g_strdup_printf("TURN against direct: calls with audio, %u seeds", options->n_seeds);
    g_autoptr(hp_bench_document) d = hp_bench_document_new(HP_BENCH_TURN_KIND, about);
    tell_settings(d, options);
    if (options->file) {
        if (!bench_calls(d, options, 1, error))
            return NULL;
        return g_steal_pointer(&d);
    }
    for (unsigned i = 0; i < options->n_clients; i++)
        if (!bench_calls(d, options, options->clients[i], error))
            return NULL;
    bench_memory(d, options);
    if (options->load_duration > 0 && !bench_throughput(d, options, error))
        return NULL;
    return g_steal_pointer(&d);
}
