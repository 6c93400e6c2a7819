/* Hairpin measured by itself: the engines of its servers, its fabric, and whole calls.
 *
 * Each figure has `repeats` samples, one a pass (passes.h). Ratios are taken within a pass: both halves had the same
 * weather. Times are CPU of this process, in which everything runs, one thing after the other.
 *
 * What a call is made of (packets in its capture, and bytes that a relay puts around a payload) is virtual: the same on
 * every machine. Those figures tell whether two runs measured the same work. */
#include "bench/self.h"

#include <assert.h>
#include <string.h>

#include "base/error.h"
#include "bench/clock.h"
#include "bench/engine.h"
#include "bench/fabric.h"
#include "bench/passes.h"
#include "bench/variants.h"
#include "run/run.h"

hp_bench_self_options hp_bench_self_defaults(void)
{
    return (hp_bench_self_options){.repeats = 7,
                                   .clients = 1000,
                                   .engine_rounds = 20,
                                   .packets = 1000000,
                                   .mappings = {1000, 100000},
                                   .calls = 20};
}

void hp_bench_self_quick(hp_bench_self_options *options)
{
    options->repeats = 3;
    options->clients = 100;
    options->engine_rounds = 3;
    options->packets = 20000;
    options->mappings[1] = 10000;
    options->calls = 2;
}

/* ---- samples by figure ---- */

enum {
    FIGURE_ENGINE, /* one for each operation of the engine */
    FIGURE_FABRIC = FIGURE_ENGINE + HP_BENCH_OP_N, /* one for each row below */
    N_ROWS = 7,
    FIGURE_NEW = FIGURE_FABRIC + N_ROWS,
    FIGURE_NAT_RATIO,
    FIGURE_CALL_DIRECT,
    FIGURE_CALL_TURN,
    FIGURE_CALL_RATIO,
    FIGURE_PACKETS_DIRECT,
    FIGURE_PACKETS_TURN,
    FIGURE_FRAMING,
    FIGURE_N
};

/* NAT rows are in pairs: with the first number of mappings, then with the second. */
enum { ROW_LINK, ROW_ROUTER, ROW_NAT_OUT, ROW_NAT_IN = ROW_NAT_OUT + 2, ROW_RULES = ROW_NAT_IN + 2 };
static_assert(ROW_RULES + 1 == N_ROWS, "all rows have a figure");

static void make_rows(const hp_bench_self_options *o, hp_bench_fabric_row rows[static N_ROWS])
{
    const uint32_t few = o->mappings[0], many = o->mappings[1];
    rows[ROW_LINK] = (hp_bench_fabric_row){"link", few, HP_BENCH_FABRIC_PLAIN, false, false};
    rows[ROW_ROUTER] = (hp_bench_fabric_row){"router", few, HP_BENCH_FABRIC_ROUTER, false, false};
    rows[ROW_NAT_OUT] = (hp_bench_fabric_row){"nat-out", few, HP_BENCH_FABRIC_NAT, false, false};
    rows[ROW_NAT_OUT + 1] = (hp_bench_fabric_row){"nat-out", many, HP_BENCH_FABRIC_NAT, false, false};
    rows[ROW_NAT_IN] = (hp_bench_fabric_row){"nat-in", few, HP_BENCH_FABRIC_NAT, true, false};
    rows[ROW_NAT_IN + 1] = (hp_bench_fabric_row){"nat-in", many, HP_BENCH_FABRIC_NAT, true, false};
    rows[ROW_RULES] = (hp_bench_fabric_row){"nat-rules-out", few, HP_BENCH_FABRIC_NAT, false, true};
}

/* ---- a pass ---- */

static bool measure_engine(const hp_bench_self_options *o, uint64_t seed, double *ret, GError **error)
{
    g_autoptr(hp_bench_engine) engine = hp_bench_engine_new(o->clients, seed);
    for (unsigned op = 0; op < HP_BENCH_OP_N; op++) {
        /* These two make state, once a client. */
        bool once = op == HP_BENCH_OP_ALLOCATE || op == HP_BENCH_OP_CHALLENGE;
        unsigned rounds = once ? 1 : o->engine_rounds;
        uint64_t ns;
        if (!hp_bench_engine_do(engine, op, rounds, &ns)) {
            g_set_error(error, HP_ERROR, HP_ERROR_REFUSED, "%s: the server did not do what it should",
                        hp_bench_op_name(op));
            return false;
        }
        ret[FIGURE_ENGINE + op] = (double)rounds * o->clients * HP_S / (double)MAX(ns, 1);
        if (op == HP_BENCH_OP_CHANNEL_IN)
            ret[FIGURE_FRAMING] = (double)hp_bench_engine_last_size(engine) - HP_BENCH_PAYLOAD;
    }
    return true;
}

static bool measure_fabric(const hp_bench_self_options *o, uint64_t seed, double *ret, GError **error)
{
    hp_bench_fabric_row rows[N_ROWS];
    make_rows(o, rows);
    for (unsigned i = 0; i < N_ROWS; i++) {
        hp_bench_fabric_cost cost;
        if (!hp_bench_fabric(&rows[i], o->packets, seed, &cost, error))
            return false;
        ret[FIGURE_FABRIC + i] = 1e9 / cost.packet_ns;
        if (i == ROW_NAT_OUT + 1)
            ret[FIGURE_NEW] = 1e9 / cost.new_ns;
    }
    ret[FIGURE_NAT_RATIO] = ret[FIGURE_FABRIC + ROW_LINK] / ret[FIGURE_FABRIC + ROW_NAT_OUT];
    return true;
}

/* Calls a second, each from the plan to the verdict; all of them are the same call, that of seed 1. */
static bool measure_calls(const hp_bench_self_options *o, hp_bench_way way, hp_trace *trace, double *ret_rate,
                          double *ret_packets, GError **error)
{
    const hp_bench_network network = {.link = 20 * HP_MS};
    g_autofree char *text = hp_bench_speech_text(&network, way, 2 * HP_S);
    g_auto(hp_bench_cases) cases = {0};
    if (!hp_bench_cases_of_text(text, hp_bench_way_name(way), 1, 1, &cases, error) ||
        !hp_run_warm_up((hp_plan *const *)cases.plans->pdata, cases.plans->len, error))
        return false;
    uint64_t started = hp_bench_cpu();
    for (unsigned i = 0; i < o->calls; i++) {
        hp_trace_reset(trace);
        g_autoptr(hp_result) result = hp_run_plan(cases.plans->pdata[0], trace, NULL, error);
        if (!result)
            return false;
        if (result->verdict != HP_VERDICT_PASS) {
            g_set_error(error, HP_ERROR, HP_ERROR_REFUSED, "a call, %s, did not pass: %s", hp_bench_way_name(way),
                        hp_verdict_name(result->verdict));
            return false;
        }
    }
    *ret_rate = (double)o->calls * HP_S / (double)(hp_bench_cpu() - started);
    *ret_packets = hp_trace_n_packets(trace);
    return true;
}

static bool measure(const hp_bench_self_options *o, uint64_t seed, hp_trace *trace, double *of, GError **error)
{
    if (!measure_engine(o, seed, of, error) || !measure_fabric(o, seed, of, error) ||
        !measure_calls(o, HP_BENCH_DIRECT, trace, &of[FIGURE_CALL_DIRECT], &of[FIGURE_PACKETS_DIRECT], error) ||
        !measure_calls(o, HP_BENCH_TURN_UDP, trace, &of[FIGURE_CALL_TURN], &of[FIGURE_PACKETS_TURN], error))
        return false;
    of[FIGURE_CALL_RATIO] = of[FIGURE_CALL_DIRECT] / of[FIGURE_CALL_TURN];
    return true;
}

/* ---- the document ---- */

static void add_machine(hp_bench_document *d, const hp_bench_passes *p, const hp_bench_self_options *o)
{
    static const hp_bench_subject engine = {.name = "server",
                                            .about = "messages a second through the server's engine alone",
                                            .unit = "1/s",
                                            .better = HP_BENCH_HIGHER};
    static const hp_bench_subject fabric = {.name = "fabric",
                                            .about = "packets a second, host to host over two links",
                                            .unit = "1/s",
                                            .better = HP_BENCH_HIGHER,
                                            .x_name = "endpoints",
                                            .x_unit = ""};
    static const hp_bench_subject created = {.name = "new-mappings",
                                             .about = "first packets of an endpoint through the NAT, a second",
                                             .unit = "1/s",
                                             .better = HP_BENCH_HIGHER,
                                             .x_name = "endpoints",
                                             .x_unit = ""};
    static const hp_bench_subject calls = {.name = "calls",
                                           .about = "calls with 2 s of audio a second, from plan to verdict",
                                           .unit = "1/s",
                                           .better = HP_BENCH_HIGHER};
    static const hp_bench_subject ratios = {.name = "ratios",
                                            .about = "times as long: a packet through a NAT as through links alone, a "
                                                     "call by TURN as a direct one",
                                            .unit = "",
                                            .better = HP_BENCH_LOWER};
    hp_bench_fabric_row rows[N_ROWS];
    make_rows(o, rows);
    for (unsigned op = 0; op < HP_BENCH_OP_N; op++)
        hp_bench_passes_add(p, d, &engine, hp_bench_op_name(op), 0, FIGURE_ENGINE + op);
    for (unsigned i = 0; i < N_ROWS; i++)
        hp_bench_passes_add(p, d, &fabric, rows[i].label, rows[i].n_endpoints, FIGURE_FABRIC + i);
    hp_bench_passes_add(p, d, &created, "nat", o->mappings[1], FIGURE_NEW);
    hp_bench_passes_add(p, d, &calls, hp_bench_way_name(HP_BENCH_DIRECT), 0, FIGURE_CALL_DIRECT);
    hp_bench_passes_add(p, d, &calls, hp_bench_way_name(HP_BENCH_TURN_UDP), 0, FIGURE_CALL_TURN);
    hp_bench_passes_add(p, d, &ratios, "nat-to-links", 0, FIGURE_NAT_RATIO);
    hp_bench_passes_add(p, d, &ratios, "turn-to-direct", 0, FIGURE_CALL_RATIO);
}

static void add_virtual(hp_bench_document *d, const hp_bench_passes *p)
{
    static const hp_bench_subject packets = {.name = "call-packets",
                                             .about = "packets in the capture of such a call",
                                             .unit = "",
                                             .better = HP_BENCH_NEITHER,
                                             .is_virtual = true};
    static const hp_bench_subject framing = {.name = "framing",
                                             .about = "what ChannelData puts before a payload of audio",
                                             .unit = "B",
                                             .better = HP_BENCH_LOWER,
                                             .is_virtual = true};
    hp_bench_passes_add(p, d, &packets, hp_bench_way_name(HP_BENCH_DIRECT), 0, FIGURE_PACKETS_DIRECT);
    hp_bench_passes_add(p, d, &packets, hp_bench_way_name(HP_BENCH_TURN_UDP), 0, FIGURE_PACKETS_TURN);
    hp_bench_passes_add(p, d, &framing, "channel-data", 0, FIGURE_FRAMING);
}

hp_bench_document *hp_bench_self(const hp_bench_self_options *options, GError **error)
{
    g_autoptr(hp_trace) trace = hp_trace_new(error);
    if (!trace)
        return NULL;
    g_autoptr(hp_bench_passes) passes = hp_bench_passes_new(options->repeats, FIGURE_N);
    /* One pass that does not count: libraries, types and caches are warm then. */
    for (unsigned i = 0; i <= options->repeats; i++)
        if (!measure(options, MAX(i, 1), trace, hp_bench_passes_at(passes, MAX(i, 1) - 1), error))
            return NULL;
    g_autofree char *about =
        g_strdup_printf("Hairpin's servers, fabric and calls on one core, %u samples", options->repeats);
    g_autoptr(hp_bench_document) d = hp_bench_document_new(HP_BENCH_SELF_KIND, about);
    hp_bench_document_set_seeds(d, options->repeats);
    hp_bench_document_set(d, "clients", "%u", options->clients);
    hp_bench_document_set(d, "rounds", "%u", options->engine_rounds);
    hp_bench_document_set(d, "packets", "%u", options->packets);
    hp_bench_document_set(d, "mappings", "%u,%u", options->mappings[0], options->mappings[1]);
    hp_bench_document_set(d, "calls", "%u", options->calls);
    add_machine(d, passes, options);
    add_virtual(d, passes);
    return g_steal_pointer(&d);
}
