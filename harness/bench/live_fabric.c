/* The live fabric measured: hosts made and taken away, packets carried, delays kept.
 *
 * Every figure has one sample a pass (passes.h). Packets cross a link of 20 ms and a NAT and are recorded at all taps,
 * as in a run, and the loop is as punctual as a run's; CPU and loss are measured at a few rates, delays at a low one. A
 * packet's delay is too long by what it waited for the fabric, before and after its link.
 *
 * The machine decides most of this: three of four nanoseconds are the kernel's. What it does meanwhile is seen in these
 * figures too, so they compare on an idle machine alone. */
#include "bench/live_fabric.h"

#include "bench/live_load.h"
#include "bench/passes.h"
#include "live/rights.h"

#define DELAY (20 * HP_MS)

hp_bench_live_fabric_options hp_bench_live_fabric_defaults(void)
{
    return (hp_bench_live_fabric_options){
        .repeats = 5, .hosts = 20, .rates = {50000, 100000, 250000}, .quiet_rate = 1000, .duration = HP_S};
}

void hp_bench_live_fabric_quick(hp_bench_live_fabric_options *options)
{
    *options = (hp_bench_live_fabric_options){
        .repeats = 1, .hosts = 3, .rates = {1000, 2000, 5000}, .quiet_rate = 1000, .duration = 100 * HP_MS};
}

enum {
    FIGURE_SET_UP,
    FIGURE_TEAR_DOWN,
    FIGURE_CPU, /* one for each rate */
    FIGURE_LOSS = FIGURE_CPU + HP_BENCH_LIVE_RATES,
    FIGURE_ERROR = FIGURE_LOSS + HP_BENCH_LIVE_RATES, /* median, p99, max */
    FIGURE_LATENESS = FIGURE_ERROR + 3,
    FIGURE_N = FIGURE_LATENESS + 3
};

/* ---- a pass ---- */

static void add_histogram(const hp_lateness *lateness, double ret[static 3])
{
    ret[0] = (double)hp_lateness_percentile(lateness, 500) / 1e3;
    ret[1] = (double)hp_lateness_percentile(lateness, 990) / 1e3;
    ret[2] = (double)lateness->max / 1e3;
}

static bool measure(const hp_bench_live_fabric_options *o, double *ret, GError **error)
{
    hp_time set_up, tear_down;
    hp_bench_live_result r;
    if (!hp_bench_live_hosts(o->hosts, &set_up, &tear_down, error)) {
        return false;
    }
    ret[FIGURE_SET_UP] = (double)set_up / 1e6;
    ret[FIGURE_TEAR_DOWN] = (double)tear_down / 1e6;
    for (unsigned i = 0; i < HP_BENCH_LIVE_RATES; i++) {
        hp_bench_live_load load = {
            .rate = o->rates[i], .duration = o->duration, .delay = DELAY, .traced = true, .punctual = true};
        if (!hp_bench_live(&load, &r, error)) {
            return false;
        }
        ret[FIGURE_CPU + i] = r.cpu_ns / 1e3;
        ret[FIGURE_LOSS + i] = 100.0 * (double)(r.sent - r.received) / (double)r.sent;
    }
    hp_bench_live_load quiet = {
        .rate = o->quiet_rate, .duration = o->duration, .delay = DELAY, .traced = true, .punctual = true};
    if (!hp_bench_live(&quiet, &r, error)) {
        return false;
    }
    add_histogram(&r.error, &ret[FIGURE_ERROR]);
    add_histogram(&r.lateness, &ret[FIGURE_LATENESS]);
    return true;
}

/* ---- the document ---- */

static void add_all(hp_bench_document *d, const hp_bench_passes *p, const hp_bench_live_fabric_options *o)
{
    static const char *const points[] = {"median", "p99", "max"};
    static const hp_bench_subject hosts = {.name = "live-hosts",
                                           .about = "hosts in namespaces with a device, made and taken away",
                                           .unit = "ms",
                                           .better = HP_BENCH_LOWER,
                                           .x_name = "hosts",
                                           .x_unit = ""};
    static const hp_bench_subject cpu = {.name = "live-cpu",
                                         .about = "CPU of the fabric for a packet through a link and a NAT",
                                         .unit = "us",
                                         .better = HP_BENCH_LOWER,
                                         .x_name = "packets a second",
                                         .x_unit = ""};
    static const hp_bench_subject loss = {.name = "live-loss",
                                          .about = "packets that the fabric was too slow for",
                                          .unit = "%",
                                          .better = HP_BENCH_LOWER,
                                          .x_name = "packets a second",
                                          .x_unit = ""};
    static const hp_bench_subject late = {.name = "live-delay-error",
                                          .about = "how much longer than the link's delay a packet took",
                                          .unit = "us",
                                          .better = HP_BENCH_LOWER};
    static const hp_bench_subject lateness = {.name = "live-lateness",
                                              .about = "how late the fabric's own timers fired",
                                              .unit = "us",
                                              .better = HP_BENCH_LOWER};
    hp_bench_passes_add(p, d, &hosts, "set-up", o->hosts, FIGURE_SET_UP);
    hp_bench_passes_add(p, d, &hosts, "tear-down", o->hosts, FIGURE_TEAR_DOWN);
    for (unsigned i = 0; i < HP_BENCH_LIVE_RATES; i++) {
        hp_bench_passes_add(p, d, &cpu, "nat", o->rates[i], FIGURE_CPU + i);
        hp_bench_passes_add(p, d, &loss, "nat", o->rates[i], FIGURE_LOSS + i);
    }
    for (unsigned i = 0; i < G_N_ELEMENTS(points); i++) {
        hp_bench_passes_add(p, d, &late, points[i], 0, FIGURE_ERROR + i);
        hp_bench_passes_add(p, d, &lateness, points[i], 0, FIGURE_LATENESS + i);
    }
}

hp_bench_document *hp_bench_live_fabric(const hp_bench_live_fabric_options *options, GError **error)
{
    if (!hp_rights_check(error) || !hp_rights_enter(error)) {
        return NULL;
    }
    g_autoptr(hp_bench_passes) passes = hp_bench_passes_new(options->repeats, FIGURE_N);
    for (unsigned i = 0; i < options->repeats; i++) {
        if (!measure(options, hp_bench_passes_at(passes, i), error)) {
            return NULL;
        }
    }
    g_autofree char *about = g_strdup_printf("the live world's fabric on this machine, %u samples", options->repeats);
    g_autoptr(hp_bench_document) d = hp_bench_document_new(HP_BENCH_LIVE_FABRIC_KIND, about);
    char duration[HP_TIME_TEXT];
    hp_bench_document_set_seeds(d, options->repeats);
    hp_bench_document_set(d, "duration", "%s", hp_time_format(options->duration, duration));
    hp_bench_document_set(d, "quiet-rate", "%u", options->quiet_rate);
    add_all(d, passes, options);
    return g_steal_pointer(&d);
}
