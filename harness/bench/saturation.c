/* Throughput to saturation: the load is raised until datagrams no longer arrive, or not in time.
 *
 * A load fits when all but one percent (beyond what is lost anyway, which a first run at a tenth of the uplink's rate
 * tells) arrives, and not too late (bench/delivery.h); so the answer means the same over a datagram transport, which
 * loses what does not fit, and over a reliable one, which delays it or takes no more. The largest load that fits is
 * found by halving, `rounds` times, between that tenth and 1.1 times the rate. Every seed is searched for itself; all
 * seeds take their steps together, so that each round is one batch.
 *
 * Time is virtual: a load is an interval between datagrams in nanoseconds, and equal on every machine.
 *
 * Over UDP the share that arrives falls with the load, sharply where the uplink is full. Over TCP it does not quite: a
 * lost segment halves the window, and which one is lost is another matter of luck at every load. What is found is then
 * a load that fits, with one that does not a step above it; the interval over the seeds says how far that is luck. Why
 * TCP stops far below the rate: with loss p its mean window is about 1.2 segments / sqrt(p) (Mathis et al.), which at
 * 0.2 % and 80 ms is 2.7 Mbit/s of segments of 1000 bytes for a sender that always has something to say; one that says
 * it at a steady pace has to make do with the window as it is after a loss, on both halves of the way, and what does not
 * fit meanwhile waits in its socket. libnice's TCP socket keeps one message that the kernel does not take, and refuses
 * further ones of an unreliable agent until that is gone
 * (socket_send_message() in socket/tcp-bsd.c): those are the `refused` ones. Over TLS the tunnel's buffers lie between,
 * so that fewer are refused and more are late.
 *
 * The overhead comes from the first run, where nothing is lost to the queue: every IP packet that left the caller with a
 * datagram in it - over TCP every segment of the connection with the server while datagrams were sent, acknowledgements
 * included, as they are what TCP costs. */
#include "bench/saturation.h"

#include <math.h>

#include "bench/delivery.h"
#include "wire/packet.h"

#define POINT 0.01
#define ROUNDING 1e-12 /* of shares of some thousand datagrams */

typedef struct search {
    double low, high, tried; /* payload bits a second */
    double floor; /* share that does not arrive in time at the first load */
    hp_bench_saturation best;
    bool dead; /* no call */
} search;

typedef struct round_state {
    const hp_bench_saturation_options *options;
    search *searches;
    bool first;
} round_state;

static hp_time interval_of(const hp_bench_saturation_options *o, double load)
{
    return (hp_time)(o->size * 8.0 * HP_S / load + 0.5);
}

/* ---- what the uplink carried ---- */

static hp_time flow_started(const hp_trace *trace)
{
    hp_trace_cursor cursor = {0};
    hp_record r;
    while (hp_trace_next_of(trace, &cursor, 1u << HP_RECORD_EVENT, &r))
        if (r.event.kind == HP_EV_FLOW)
            return r.at;
    return HP_NEVER;
}

static uint64_t bytes_carried(const hp_trace *trace, const char *tap, hp_time from, hp_time to, unsigned size)
{
    uint64_t bytes = 0;
    hp_trace_cursor cursor = {0};
    hp_record r;
    while (hp_trace_next_of(trace, &cursor, 1u << HP_RECORD_PACKET, &r)) {
        if (r.packet.dir != HP_DIR_OUT || r.at < from || r.at >= to ||
            g_strcmp0(hp_trace_tap_name(trace, r.packet.tap), tap) != 0)
            continue;
        bool carries = r.packet.proto == HP_PROTO_TCP || r.packet.payload_length >= size;
        bytes += carries ? r.packet.length : 0;
    }
    return bytes;
}

static double overhead_of(const hp_bench_saturation_options *o, const hp_trace *trace, uint64_t sent)
{
    hp_time from = flow_started(trace);
    if (from == HP_NEVER || sent == 0)
        return NAN;
    double payload = (double)sent * o->size;
    uint64_t carried = bytes_carried(trace, "a0", from, hp_time_add(from, o->duration), o->size);
    return 100 * ((double)carried / payload - 1);
}

/* Bits a second from the first arrival to the last: the last datagram waited as long as any, the first not at all. */
static double goodput_of(const hp_bench_saturation_options *o, const hp_bench_delivery *d)
{
    return (double)d->in_time * o->size * 8 * HP_S / (double)(o->duration + d->spread);
}

/* ---- one run ---- */

static double percent(uint64_t part, uint64_t whole)
{
    return 100 * (double)part / (double)whole;
}

static void one_run(void *user, unsigned index, const hp_result *result, const hp_trace *trace,
                    const hp_server_meter *meter)
{
    const round_state *round = user;
    search *s = &round->searches[index];
    const hp_bench_delivery d = hp_bench_delivery_of(trace);
    if (d.sent == 0) {
        s->dead = true;
        return;
    }
    double missing = 1 - (double)d.in_time / (double)d.sent;
    if (round->first) {
        s->floor = missing;
        s->best.overhead = overhead_of(round->options, trace, d.sent);
    }
    if (missing <= s->floor + POINT + ROUNDING) {
        s->low = s->best.load = s->tried;
        s->best.goodput = goodput_of(round->options, &d);
    } else {
        s->high = s->tried;
        s->best.refused = percent(d.refused, d.sent);
        s->best.late = percent(d.late, d.sent);
        s->best.lost = percent(d.lost, d.sent);
    }
}

/* Each seed has a plan of its own, as each tries another load. */
static bool plan_round(const hp_bench_saturation_options *o, hp_bench_way way, unsigned n, search *searches,
                       hp_bench_cases *cases, GPtrArray *plans, GError **error)
{
    for (unsigned i = 0; i < n; i++) {
        search *s = &searches[i];
        hp_time interval = interval_of(o, s->tried);
        s->tried = o->size * 8.0 * HP_S / (double)interval; /* what it really is */
        g_autofree char *text = hp_bench_load_text(&o->network, way, o->size, interval, o->duration);
        g_autofree char *name = g_strdup_printf("throughput %s", hp_bench_way_name(way));
        if (!hp_bench_cases_of_text(text, name, i + 1, 1, &cases[i], error))
            return false;
        g_ptr_array_add(plans, cases[i].plans->pdata[0]);
    }
    return true;
}

static bool run_round(const hp_bench_saturation_options *o, hp_bench_way way, unsigned n, search *searches, bool first,
                      GError **error)
{
    g_autoptr(GArray) cases_room = g_array_set_size(g_array_new(FALSE, TRUE, sizeof(hp_bench_cases)), n);
    hp_bench_cases *cases = (hp_bench_cases *)(void *)cases_room->data;
    g_autoptr(GPtrArray) plans = g_ptr_array_new();
    round_state round = {.options = o, .searches = searches, .first = first};
    bool ok = plan_round(o, way, n, searches, cases, plans, error) &&
              hp_bench_runs((hp_plan *const *)plans->pdata, plans->len, &o->runs, one_run, &round, error);
    for (unsigned i = 0; i < n; i++)
        hp_bench_cases_clear(&cases[i]);
    return ok;
}

bool hp_bench_saturate(const hp_bench_saturation_options *options, hp_bench_way way, unsigned n_seeds,
                       hp_bench_saturation *ret, GError **error)
{
    const double rate = (double)options->network.rate;
    g_autoptr(GArray) searches_room = g_array_set_size(g_array_new(FALSE, TRUE, sizeof(search)), n_seeds);
    search *searches = (search *)(void *)searches_room->data;
    for (unsigned i = 0; i < n_seeds; i++)
        searches[i] =
            (search){.high = 1.1 * rate, .tried = rate / 10, .best = {.refused = NAN, .late = NAN, .lost = NAN}};
    bool ok = run_round(options, way, n_seeds, searches, true, error);
    for (unsigned round = 0; ok && round < options->rounds; round++) {
        for (unsigned i = 0; i < n_seeds; i++)
            searches[i].tried = (searches[i].low + searches[i].high) / 2;
        ok = run_round(options, way, n_seeds, searches, false, error);
    }
    for (unsigned i = 0; ok && i < n_seeds; i++) {
        const search *s = &searches[i];
        ret[i] = s->dead ? (hp_bench_saturation){NAN, NAN, NAN, NAN, NAN, NAN} : s->best;
    }
    return ok;
}
