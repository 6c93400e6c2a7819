/* TURN against direct, for real: the calls of the virtual bench (turn.c), carried by the live world's network between
 * processes, with Hairpin's server and coturn as processes too.
 *
 * A variant is a way and a server: "turn-tcp coturn". Direct needs a server for STUN alone, which makes no difference:
 * it is run once. Seeds are gone through one after the other and all variants with each, so that what the machine does
 * besides meets all of them alike; runs are made one at a time unless somebody says otherwise, as two at once share
 * caches and CPUs, and the CPU of a packet is what is measured.
 *
 * A run that the machine was too slow for says nothing: it is left out, and counted in the metric `spoilt`. When more than
 * half of a variant's runs are gone, there are no figures at all. Nothing is run again.
 *
 * Hairpin's server is an ordinary process here, as coturn is (programs/program.c); peers go before both.
 *
 * What a relay adds to latency is taken seed by seed, where both runs are there. The servers under load come last
 * (relay_live.c), with metrics of their own. */
#include "bench/turn_live.h"

#include <math.h>
#include <stddef.h>
#include <string.h>

#include "base/error.h"
#include "bench/live_usage.h"
#include "bench/runs.h"
#include "bench/subjects.h"
#include "live/rights.h"

static const unsigned default_clients[] = {4}, quick_clients[] = {2}, load_clients[] = {100};

/* Both ends have a relay, and the one sends to the other. */
enum { RELAYS = 2, MAX_VARIANTS = 1 + (HP_BENCH_WAY_N - 1) * HP_BENCH_RELAY_N };

hp_bench_turn_live_options hp_bench_turn_live_defaults(void)
{
    hp_bench_turn_live_options options = {
        .servers = {true, true},
        .ways = {true, true, true, true},
        .n_seeds = 4,
        .clients = default_clients,
        .n_clients = G_N_ELEMENTS(default_clients),
        .network = {.link = 20 * HP_MS, .jitter = 2 * HP_MS, .loss_ppb = 1000000, .drain = HP_S},
        .duration = 3 * HP_S,
        .load = true,
        .relay = hp_bench_relay_defaults(),
    };
    options.relay.clients = load_clients;
    options.relay.n_clients = G_N_ELEMENTS(load_clients);
    options.relay.n_shapes = 1;
    options.relay.window = HP_S / 5;
    return options;
}

void hp_bench_turn_live_quick(hp_bench_turn_live_options *options)
{
    options->n_seeds = 2;
    options->clients = quick_clients;
    options->n_clients = G_N_ELEMENTS(quick_clients);
    for (unsigned way = HP_BENCH_TURN_UDP + 1; way < HP_BENCH_WAY_N; way++)
        options->ways[way] = false;
    options->duration = 2 * HP_S;
    options->relay.repeats = 1;
    options->relay.window = HP_S / 10;
}

/* ---- metrics that the virtual bench does not have, or has by another measure ---- */

#define CLIENTS .x_name = "clients", .x_unit = ""

static const hp_bench_subject cpu_packet = {
    .name = "server-cpu-packet",
    .about = "CPU of the server's process for each relayed packet, while media flows",
    .unit = "us",
    .better = HP_BENCH_LOWER,
    CLIENTS};
static const hp_bench_subject cpu_call = {
    .name = "server-cpu-setup",
    .about = "CPU of the server's process until all media flows, without relaying it, each call",
    .unit = "us",
    .better = HP_BENCH_LOWER,
    CLIENTS};
static const hp_bench_subject overhead = {.name = "overhead",
                                          .about =
                                              "that a peer sends (IP and up) beyond the payload, each packet of media",
                                          .unit = "B",
                                          .better = HP_BENCH_LOWER,
                                          CLIENTS};
static const hp_bench_subject spoilt = {.name = "spoilt",
                                        .about = "runs that the machine was too slow for, which are left out",
                                        .unit = "",
                                        .better = HP_BENCH_NEITHER,
                                        CLIENTS};

static const hp_bench_figure told[] = {HP_BENCH_CONNECT,        HP_BENCH_UNCONNECTED, HP_BENCH_LATENCY_MEAN,
                                       HP_BENCH_LATENCY_MEDIAN, HP_BENCH_LATENCY_P95, HP_BENCH_LATENCY_MAX,
                                       HP_BENCH_JITTER,         HP_BENCH_LOSS,        HP_BENCH_MOS};

/* ---- variants and their runs ---- */

typedef struct sample {
    bool valid;
    hp_bench_figures figures;
    hp_bench_live_usage usage;
} sample;

typedef struct variant {
    hp_bench_way way;
    hp_bench_relay server;
    char name[32];
    hp_bench_cases cases;
    sample *samples; /* by seed */
} variant;

/* One number of clients. */
typedef struct stage {
    const hp_bench_turn_live_options *options;
    unsigned n_clients;
    variant variants[MAX_VARIANTS]; /* the first one is direct */
    unsigned n;
    unsigned spoilt;
} stage;

static void stage_clear(stage *s)
{
    for (unsigned i = 0; i < s->n; i++) {
        hp_bench_cases_clear(&s->variants[i].cases);
        g_free(s->variants[i].samples);
    }
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(stage, stage_clear)

static bool add_variant(stage *s, hp_bench_way way, hp_bench_relay server, GError **error)
{
    const hp_bench_turn_live_options *o = s->options;
    variant *v = &s->variants[s->n++];
    hp_bench_network network = o->network;
    *v = (variant){.way = way, .server = server, .samples = g_new0(sample, o->n_seeds)};
    g_snprintf(v->name, sizeof v->name, "%s%s%s", hp_bench_way_name(way), way == HP_BENCH_DIRECT ? "" : " ",
               way == HP_BENCH_DIRECT ? "" : hp_bench_relay_name(server));
    network.server = hp_bench_relay_name(server);
    g_autofree char *text = hp_bench_calls_text(&network, way, s->n_clients, o->duration);
    g_autofree char *name = g_strdup_printf("%u calls %s", s->n_clients, v->name);
    return hp_bench_cases_of_text(text, name, 1, o->n_seeds, &v->cases, error);
}

static bool add_variants(stage *s, GError **error)
{
    const hp_bench_turn_live_options *o = s->options;
    const hp_bench_relay first = o->servers[HP_BENCH_RELAY_BUILTIN] ? HP_BENCH_RELAY_BUILTIN : HP_BENCH_RELAY_COTURN;
    if (!add_variant(s, HP_BENCH_DIRECT, first, error))
        return false;
    for (unsigned way = HP_BENCH_DIRECT + 1; way < HP_BENCH_WAY_N; way++)
        for (unsigned server = 0; o->ways[way] && server < HP_BENCH_RELAY_N; server++)
            if (o->servers[server] && !add_variant(s, way, server, error))
                return false;
    return true;
}

/* Runs are in the order of seeds, the variants within each. */
static void one_run(void *user, unsigned index, const hp_result *result, const hp_trace *trace,
                    const hp_server_meter *meter)
{
    stage *s = user;
    variant *v = &s->variants[index % s->n];
    sample *now = &v->samples[index / s->n];
    now->valid = true;
    hp_bench_figures_of(result, NULL, &now->figures);
    now->usage = hp_bench_live_usage_of(result, trace, v->way == HP_BENCH_DIRECT ? 0 : RELAYS);
}

static unsigned n_valid(const stage *s, const variant *v)
{
    unsigned n = 0;
    for (unsigned i = 0; i < s->options->n_seeds; i++)
        n += v->samples[i].valid;
    return n;
}

static bool any_connected(const stage *s, const variant *v)
{
    for (unsigned i = 0; i < s->options->n_seeds; i++)
        if (v->samples[i].valid && !isnan(v->samples[i].figures.of[HP_BENCH_CONNECT]))
            return true;
    return false;
}

static bool enough(const stage *s, GError **error)
{
    const unsigned n = s->options->n_seeds;
    for (unsigned i = 0; i < s->n; i++) {
        const variant *v = &s->variants[i];
        const unsigned valid = n_valid(s, v);
        if (2 * valid < n || valid == 0) {
            g_set_error(error, HP_ERROR, HP_ERROR_ENVIRONMENT,
                        "%u calls %s: the machine was too slow for %u of %u runs (%u in all): too few figures are left",
                        s->n_clients, v->name, n - valid, n, s->spoilt);
            return false;
        }
        if (!any_connected(s, v)) {
            g_set_error(error, HP_ERROR, HP_ERROR_REFUSED, "%u calls %s: no call connects with any seed", s->n_clients,
                        v->name);
            return false;
        }
    }
    return true;
}

static bool run_all(stage *s, GError **error)
{
    const hp_bench_turn_live_options *o = s->options;
    g_autoptr(GPtrArray) plans = g_ptr_array_new();
    for (unsigned seed = 0; seed < o->n_seeds; seed++)
        for (unsigned i = 0; i < s->n; i++)
            g_ptr_array_add(plans, s->variants[i].cases.plans->pdata[seed]);
    const hp_bench_runs_options runs = {
        .jobs = MAX(o->jobs, 1), .hang_s = o->hang_s, .metered = true, .live = true, .ret_spoilt = &s->spoilt};
    return hp_bench_runs((hp_plan *const *)plans->pdata, plans->len, &runs, one_run, s, error) && enough(s, error);
}

/* ---- samples ---- */

typedef double (*figure_fn)(const stage *s, const variant *v, unsigned seed, unsigned figure);

static double of_figure(const stage *s, const variant *v, unsigned seed, unsigned figure)
{
    return v->samples[seed].valid ? v->samples[seed].figures.of[figure] : NAN;
}

static double of_usage(const stage *s, const variant *v, unsigned seed, unsigned offset)
{
    return v->samples[seed].valid ? G_STRUCT_MEMBER(double, &v->samples[seed].usage, offset) : NAN;
}

static double of_added_latency(const stage *s, const variant *v, unsigned seed, unsigned figure)
{
    return v->way == HP_BENCH_DIRECT ? NAN : of_figure(s, v, seed, figure) - of_figure(s, s->variants, seed, figure);
}

static void add(hp_bench_document *d, const stage *s, const hp_bench_subject *subject, figure_fn fn, unsigned figure)
{
    g_autofree double *values = g_new(double, s->options->n_seeds);
    for (unsigned i = 0; i < s->n; i++) {
        unsigned have = 0;
        for (unsigned seed = 0; seed < s->options->n_seeds; seed++) {
            const double value = fn(s, &s->variants[i], seed, figure);
            if (!isnan(value))
                values[have++] = value;
        }
        hp_bench_document_add(d, subject, s->variants[i].name, s->n_clients, values, have);
    }
}

static void add_stage(hp_bench_document *d, const stage *s)
{
    const hp_bench_subject added = hp_bench_added_latency_subject(true);
    for (unsigned i = 0; i < G_N_ELEMENTS(told); i++) {
        const hp_bench_subject subject = hp_bench_figure_subject(told[i], true);
        add(d, s, &subject, of_figure, told[i]);
        if (told[i] == HP_BENCH_LATENCY_MEAN)
            add(d, s, &added, of_added_latency, told[i]);
    }
    add(d, s, &overhead, of_usage, offsetof(hp_bench_live_usage, overhead));
    add(d, s, &cpu_packet, of_usage, offsetof(hp_bench_live_usage, cpu_packet));
    add(d, s, &cpu_call, of_usage, offsetof(hp_bench_live_usage, cpu_call));
    for (unsigned i = 0; i < s->n; i++) {
        const double n = s->options->n_seeds - n_valid(s, &s->variants[i]);
        hp_bench_document_add(d, &spoilt, s->variants[i].name, s->n_clients, &n, 1);
    }
}

static bool bench_calls(hp_bench_document *d, const hp_bench_turn_live_options *o, unsigned n_clients, GError **error)
{
    g_auto(stage) s = {.options = o, .n_clients = n_clients};
    if (!add_variants(&s, error) || !run_all(&s, error))
        return false;
    add_stage(d, &s);
    return true;
}

/* ---- the whole ---- */

static void tell_settings(hp_bench_document *d, const hp_bench_turn_live_options *o)
{
    char text[HP_TIME_TEXT];
    hp_bench_document_set_seeds(d, o->n_seeds);
    hp_bench_tell_calls(d, &o->network, o->clients, o->n_clients, o->duration);
    hp_bench_document_set(d, "jobs", "%u", MAX(o->jobs, 1));
    if (o->load)
        hp_bench_document_set(d, "load", "%u times, %s a rate", o->relay.repeats,
                              hp_time_format(o->relay.window, text));
}

/* Told before calls are made for minutes. */
static bool may_load(GError **error)
{
    hp_rights rights;
    hp_rights_find(&rights);
    if (rights.root && rights.tun)
        return true;
    g_set_error(error, HP_ERROR, HP_ERROR_ENVIRONMENT,
                "servers are put under load by root with /dev/net/tun alone (--no-throughput leaves that out)");
    return false;
}

hp_bench_document *hp_bench_turn_live(const hp_bench_turn_live_options *options, GError **error)
{
    if (options->load && !may_load(error))
        return NULL;
    g_autofree char *about =
        g_strdup_printf("TURN against direct on this machine's kernels: calls with audio, %u seed%s", options->n_seeds,
                        options->n_seeds == 1 ? "" : "s");
    g_autoptr(hp_bench_document) d = hp_bench_document_new(HP_BENCH_TURN_LIVE_KIND, about);
    tell_settings(d, options);
    for (unsigned i = 0; i < options->n_clients; i++)
        if (!bench_calls(d, options, options->clients[i], error))
            return NULL;
    hp_bench_relay_options relay = options->relay;
    memcpy(relay.servers, options->servers, sizeof relay.servers);
    if (options->load && !hp_bench_relay_add(d, &relay, error))
        return NULL;
    return g_steal_pointer(&d);
}
