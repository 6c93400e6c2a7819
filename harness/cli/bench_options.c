/* What `hairpin bench` was asked for. Each bench passes over nothing in silence: an option that means nothing to it is bad
 * usage, told with the bench that it belongs to. */
#include "cli/bench_options.h"

#include <string.h>

#include "base/compare.h"
#include "cli/cli.h"

void hp_bench_options_clear(hp_bench_options *o)
{
    char *texts[] = {o->seeds,     o->clients,           o->link,  o->jitter, o->loss,
                     o->rate,      o->duration,          o->ways,  o->jobs,   o->hang,
                     o->json,      o->repeats,           o->save,  o->html,   o->compare,
                     o->threshold, o->virtual_threshold, o->relay, o->world,  o->turn};
    for (unsigned i = 0; i < G_N_ELEMENTS(texts); i++)
        g_free(texts[i]);
    g_strfreev(o->paths);
}

bool hp_bench_options_read(hp_bench_options *o, int *argc, char ***argv)
{
    const GOptionEntry entries[] = {
        {"self", 0, 0, G_OPTION_ARG_NONE, &o->self, "Hairpin's own servers, fabric and calls instead", NULL},
        {"live-fabric", 0, 0, G_OPTION_ARG_NONE, &o->live_fabric, "the live world's fabric on this machine instead",
         NULL},
        {"relay", 0, 0, G_OPTION_ARG_STRING, &o->relay, "TURN servers as processes under load instead: builtin, coturn",
         "LIST"},
        {"world", 0, 0, G_OPTION_ARG_STRING, &o->world,
         "virtual (default), or live: calls between processes, on this machine's kernels", "WORLD"},
        {"turn", 0, 0, G_OPTION_ARG_STRING, &o->turn,
         "with --world live: the TURN servers (default builtin, and coturn where it is installed)", "LIST"},
        {"seeds", 0, 0, G_OPTION_ARG_STRING, &o->seeds, "runs of each kind, with the seeds 1 to N (default 10; live 4)",
         "N"},
        {"clients", 0, 0, G_OPTION_ARG_STRING, &o->clients,
         "calls at once, each number for itself (default 1,10,100; live 4)", "LIST"},
        {"variants", 0, 0, G_OPTION_ARG_STRING, &o->ways,
         "what direct is compared with (default turn-udp,turn-tcp,turn-tls)", "LIST"},
        {"ways", 0, 0, G_OPTION_ARG_STRING, &o->ways, "the same; udp, tcp and tls will do", "LIST"},
        {"link", 0, 0, G_OPTION_ARG_STRING, &o->link, "delay of each access link, one way (default 20ms)", "TIME"},
        {"jitter", 0, 0, G_OPTION_ARG_STRING, &o->jitter, "at most so much more, uniform (default 2ms)", "TIME"},
        {"loss", 0, 0, G_OPTION_ARG_STRING, &o->loss, "of each access link, each way (default 0.1%)", "RATIO"},
        {"rate", 0, 0, G_OPTION_ARG_STRING, &o->rate, "of the uplink that is saturated (default 4Mbit/s)", "RATE"},
        {"duration", 0, 0, G_OPTION_ARG_STRING, &o->duration,
         "of the calls, until their media stops (default 5s, from 100 calls on 3s; live 3s)", "TIME"},
        {"no-throughput", 0, 0, G_OPTION_ARG_NONE, &o->no_throughput,
         "leave out the search for the highest load (live: the servers under load)", NULL},
        {"repeats", 0, 0, G_OPTION_ARG_STRING, &o->repeats,
         "samples of each figure, with --self (default 7), --live-fabric (5), --relay and --world live (3)", "N"},
        {"quick", 0, 0, G_OPTION_ARG_NONE, &o->quick, "a smoke test: few seeds, clients and rounds", NULL},
        {"jobs", 'j', 0, G_OPTION_ARG_STRING, &o->jobs, "runs at once (default: one a core; one in the live world)",
         "N"},
        {"hang-after", 0, 0, G_OPTION_ARG_STRING, &o->hang,
         "real seconds without progress until a run counts as hung (default 10)", "S"},
        {"json", 0, 0, G_OPTION_ARG_FILENAME, &o->json, "write the figures as JSON", "FILE"},
        {"save", 0, 0, G_OPTION_ARG_FILENAME, &o->save, "the same, as a baseline for --compare", "FILE"},
        {"html", 0, 0, G_OPTION_ARG_FILENAME, &o->html, "draw them in a report of one file", "FILE"},
        {"compare", 0, 0, G_OPTION_ARG_FILENAME, &o->compare,
         "compare with the figures of that file; exit 1 when worse", "FILE"},
        {"threshold", 0, 0, G_OPTION_ARG_STRING, &o->threshold,
         "how much worse a figure of this machine may be (default 10%)", "PERCENT"},
        {"virtual-threshold", 0, 0, G_OPTION_ARG_STRING, &o->virtual_threshold,
         "how much worse a virtual figure may be (default 0%)", "PERCENT"},
        {G_OPTION_REMAINING, 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &o->paths, NULL, "[FILE]"},
        {NULL}};
    return hp_cli_options(
        "- measure TURN against direct, or Hairpin itself",
        "Without FILE built-in calls are measured; the call of a scenario FILE is run as it is without "
        "its TURN servers, and by relays alone.",
        entries, argc, argv);
}

/* ---- values ---- */

bool hp_bench_read_number(const char *name, const char *text, guint64 min, guint64 max, unsigned *ret)
{
    guint64 value;
    if (!text)
        return true;
    if (!g_ascii_string_to_unsigned(text, 10, min, max, &value, NULL)) {
        hp_cli_usage("bench: --%s takes a number from %" G_GUINT64_FORMAT " to %" G_GUINT64_FORMAT ", not `%s`", name,
                     min, max, text);
        return false;
    }
    *ret = (unsigned)value;
    return true;
}

static bool read_time(const char *name, const char *text, hp_time min, hp_time max, hp_time *ret)
{
    hp_time value;
    if (!text)
        return true;
    if (!hp_time_parse(text, &value) || value < min || value > max) {
        char low[HP_TIME_TEXT], high[HP_TIME_TEXT];
        hp_cli_usage("bench: --%s takes a time from %s to %s, such as 20ms, not `%s`", name, hp_time_format(min, low),
                     hp_time_format(max, high), text);
        return false;
    }
    *ret = value;
    return true;
}

static bool read_ratio(const char *name, const char *text, int64_t max_ppb, int64_t *ret_ppb)
{
    int64_t value;
    if (!text)
        return true;
    if (!hp_unit_parse(text, HP_UNIT_RATIO, &value) || value < 0 || value > max_ppb) {
        g_autofree char *max = hp_unit_format(HP_UNIT_RATIO, max_ppb);
        hp_cli_usage("bench: --%s takes a ratio from 0 to %s, such as 10%%, not `%s`", name, max, text);
        return false;
    }
    *ret_ppb = value;
    return true;
}

/* A share that may well be above 100 %, as a double: it is held against measured figures. */
bool hp_bench_read_threshold(const char *name, const char *text, double *ret)
{
    char *end = NULL;
    double percent = text ? g_ascii_strtod(text, &end) : 0;
    if (!text)
        return true;
    if (end == text || strcmp(end, "%") != 0 || !(percent >= 0 && percent <= 100000)) {
        hp_cli_usage("bench: --%s takes a percentage from 0%% to 100000%%, such as 10%%, not `%s`", name, text);
        return false;
    }
    *ret = percent / 100;
    return true;
}

static bool read_rate(const char *text, uint64_t *ret)
{
    int64_t value;
    if (!text)
        return true;
    if (!hp_unit_parse(text, HP_UNIT_RATE, &value) || value < 100000 || value > 100000000) {
        hp_cli_usage("bench: --rate takes a rate from 100kbit/s to 100Mbit/s, not `%s`", text);
        return false;
    }
    *ret = (uint64_t)value;
    return true;
}

/* ret points into `clients`. */
static bool read_clients(const char *text, GArray *clients, const unsigned **ret, unsigned *ret_n)
{
    if (!text)
        return true;
    g_auto(GStrv) parts = g_strsplit(*text ? text : "none", ",", -1);
    for (char **part = parts; *part; part++) {
        guint64 n = 0;
        bool bad = !g_ascii_string_to_unsigned(*part, 10, 1, HP_BENCH_MAX_CLIENTS, &n, NULL);
        for (unsigned i = 0; i < clients->len; i++)
            bad |= g_array_index(clients, unsigned, i) == n;
        if (bad) {
            hp_cli_usage("bench: --clients takes different numbers from 1 to %d, such as 1,10,100, not `%s`",
                         HP_BENCH_MAX_CLIENTS, text);
            return false;
        }
        unsigned value = (unsigned)n;
        g_array_append_val(clients, value);
    }
    *ret = (const unsigned *)(const void *)clients->data;
    *ret_n = clients->len;
    return true;
}

static bool read_network(const hp_bench_options *o, hp_bench_network *network)
{
    int64_t loss = network->loss_ppb;
    if (!read_time("link", o->link, 0, 10 * HP_S, &network->link) ||
        !read_time("jitter", o->jitter, 0, 10 * HP_S, &network->jitter) ||
        !read_ratio("loss", o->loss, 500000000, &loss) || !read_rate(o->rate, &network->rate))
        return false;
    network->loss_ppb = (uint32_t)loss;
    return true;
}

static bool read_ways(const char *text, bool ways[static HP_BENCH_WAY_N])
{
    if (!text)
        return true;
    for (unsigned way = HP_BENCH_DIRECT + 1; way < HP_BENCH_WAY_N; way++)
        ways[way] = false;
    g_auto(GStrv) parts = g_strsplit(text, ",", -1);
    for (char **part = parts; *part; part++) {
        bool known = false;
        for (unsigned way = 0; way < HP_BENCH_WAY_N; way++) {
            const char *name = hp_bench_way_name(way);
            if (strcmp(*part, name) != 0 && !(g_str_has_prefix(name, "turn-") && strcmp(*part, name + 5) == 0))
                continue;
            ways[way] = known = true;
        }
        if (!known) {
            hp_cli_usage("bench: --variants takes direct, turn-udp, turn-tcp and turn-tls, not `%s`", *part);
            return false;
        }
    }
    return true;
}

/* Options that the other kind of bench would pass over in silence. */
bool hp_bench_options_fit(const hp_bench_options *o)
{
    const struct {
        const char *name, *text;
    } of_network[] = {{"clients", o->clients}, {"variants", o->ways}, {"link", o->link},        {"jitter", o->jitter},
                      {"loss", o->loss},       {"rate", o->rate},     {"duration", o->duration}};
    const char *own = o->self ? "--self" : o->live_fabric ? "--live-fabric" : NULL;
    if (o->self && o->live_fabric)
        return hp_cli_usage("bench: --self and --live-fabric are two benches: one at a time"), false;
    for (unsigned i = 0; i < G_N_ELEMENTS(of_network); i++)
        if (of_network[i].text && (own || o->paths)) {
            hp_cli_usage("bench: --%s is about the built-in calls, and means nothing with %s", of_network[i].name,
                         own ? own : "a FILE");
            return false;
        }
    if (own && (o->paths || o->seeds || o->jobs || o->hang || o->no_throughput)) {
        hp_cli_usage("bench: %s takes no %s", own,
                     o->paths   ? "FILE"
                     : o->seeds ? "--seeds (but --repeats)"
                     : o->jobs  ? "--jobs: it measures one process"
                     : o->hang  ? "--hang-after"
                                : "--no-throughput");
        return false;
    }
    if (o->repeats && !own)
        return hp_cli_usage("bench: --repeats is about --self; runs with seeds are told by --seeds"), false;
    if (o->paths && o->no_throughput)
        return hp_cli_usage("bench: --no-throughput means nothing with a FILE"), false;
    if (o->turn)
        return hp_cli_usage("bench: --turn is about --world live"), false;
    if (o->rate && o->no_throughput)
        return hp_cli_usage("bench: --rate is about the search that --no-throughput leaves out"), false;
    if (o->paths && o->paths[1])
        return hp_cli_usage("bench: one FILE at a time"), false;
    return true;
}

/* ---- the benches ---- */

bool hp_bench_options_turn(const hp_bench_options *o, GArray *clients, hp_bench_turn_options *t)
{
    if (o->quick)
        hp_bench_turn_quick(t);
    if (o->no_throughput)
        t->load_duration = 0;
    bool ok = hp_bench_read_number("seeds", o->seeds, 1, HP_BENCH_MAX_SEEDS, &t->n_seeds) &&
              hp_bench_read_number("jobs", o->jobs, 1, 64, &t->jobs) &&
              hp_bench_read_number("hang-after", o->hang, 1, 86400, &t->hang_s) &&
              read_clients(o->clients, clients, &t->clients, &t->n_clients) && read_ways(o->ways, t->ways) &&
              read_network(o, &t->network) && read_time("duration", o->duration, HP_S, 3600 * HP_S, &t->duration);
    t->many_duration = o->duration ? 0 : t->many_duration;
    t->file = o->paths ? o->paths[0] : NULL;
    return ok;
}

static bool read_relays(const char *option, const char *text, bool servers[static HP_BENCH_RELAY_N])
{
    g_auto(GStrv) parts = g_strsplit(text, ",", -1);
    for (unsigned i = 0; i < HP_BENCH_RELAY_N; i++)
        servers[i] = false;
    for (char **part = parts; *part; part++) {
        bool known = false;
        for (unsigned i = 0; i < HP_BENCH_RELAY_N; i++)
            if (strcmp(*part, hp_bench_relay_name(i)) == 0)
                servers[i] = known = true;
        if (!known) {
            hp_cli_usage("bench: --%s takes builtin and coturn, not `%s`", option, *part);
            return false;
        }
    }
    return *parts != NULL || (hp_cli_usage("bench: --%s takes builtin and coturn", option), false);
}

bool hp_bench_options_relay(const hp_bench_options *o, GArray *clients, hp_bench_relay_options *ret)
{
    *ret = hp_bench_relay_defaults();
    ret->highest = !o->no_throughput;
    if (o->quick) {
        ret->repeats = 1;
        ret->window = HP_S / 5;
        ret->n_clients = 1;
    }
    if (o->self || o->turn || o->paths || o->seeds || o->ways || o->link || o->jitter || o->loss || o->rate ||
        o->jobs || o->hang) {
        hp_cli_usage("bench: --relay takes --clients, --repeats, --duration, --no-throughput and --quick, and the "
                     "options of its figures");
        return false;
    }
    return read_relays("relay", o->relay, ret->servers) &&
           hp_bench_read_number("repeats", o->repeats, 1, 64, &ret->repeats) &&
           read_time("duration", o->duration, HP_S / 10, 60 * HP_S, &ret->window) &&
           read_clients(o->clients, clients, &ret->clients, &ret->n_clients);
}

static bool fit_live(const hp_bench_options *o)
{
    const char *stray = o->self          ? "--self"
                        : o->live_fabric ? "--live-fabric"
                        : o->relay       ? "--relay, which is a part of it"
                        : o->paths       ? "FILE"
                        : o->rate        ? "--rate"
                                         : NULL;
    if (stray)
        return hp_cli_usage("bench: --world live takes no %s", stray), false;
    if (o->repeats && o->no_throughput)
        return hp_cli_usage("bench: --repeats is about the servers under load, which --no-throughput leaves out"),
               false;
    return true;
}

bool hp_bench_options_live(const hp_bench_options *o, GArray *clients, hp_bench_turn_live_options *t)
{
    *t = hp_bench_turn_live_defaults();
    if (o->quick)
        hp_bench_turn_live_quick(t);
    t->load = !o->no_throughput;
    if (!o->turn) {
        g_autofree char *coturn = g_find_program_in_path("turnserver");
        t->servers[HP_BENCH_RELAY_COTURN] = coturn != NULL;
    }
    bool ok = fit_live(o) && (!o->turn || read_relays("turn", o->turn, t->servers)) &&
              hp_bench_read_number("seeds", o->seeds, 1, HP_BENCH_MAX_SEEDS, &t->n_seeds) &&
              hp_bench_read_number("jobs", o->jobs, 1, 64, &t->jobs) &&
              hp_bench_read_number("hang-after", o->hang, 1, 86400, &t->hang_s) &&
              hp_bench_read_number("repeats", o->repeats, 1, 64, &t->relay.repeats) &&
              read_clients(o->clients, clients, &t->clients, &t->n_clients) && read_ways(o->ways, t->ways) &&
              read_network(o, &t->network) && read_time("duration", o->duration, HP_S, 600 * HP_S, &t->duration);
    for (unsigned i = 0; ok && i < t->n_clients; i++)
        if (t->clients[i] > HP_BENCH_LIVE_MAX_CLIENTS)
            return hp_cli_usage("bench: in the live world --clients takes up to %d", HP_BENCH_LIVE_MAX_CLIENTS), false;
    return ok;
}
