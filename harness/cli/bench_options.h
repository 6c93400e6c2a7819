/* Private to cli/: the options of `hairpin bench`, read for each of its benches. All functions that read tell bad usage
 * themselves, and are false then. */
#ifndef HP_CLI_BENCH_OPTIONS_H
#define HP_CLI_BENCH_OPTIONS_H

#include <glib.h>

#include "bench/relay_live.h"
#include "bench/turn.h"
#include "bench/turn_live.h"

typedef struct hp_bench_options {
    char *seeds, *clients, *link, *jitter, *loss, *rate, *duration, *ways, *jobs, *hang, *repeats;
    char *json, *save, *html, *compare, *threshold, *virtual_threshold, *relay, *world, *turn;
    gboolean self, live_fabric, quick, no_throughput;
    char **paths;
} hp_bench_options;

bool hp_bench_options_read(hp_bench_options *o, int *argc, char ***argv);
void hp_bench_options_clear(hp_bench_options *o);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(hp_bench_options, hp_bench_options_clear)

/* Whether they fit together, without --world live and --relay. */
bool hp_bench_options_fit(const hp_bench_options *o);
/* clients: an empty array of unsigned, which what is filled in may point to. */
bool hp_bench_options_turn(const hp_bench_options *o, GArray *clients, hp_bench_turn_options *t);
bool hp_bench_options_relay(const hp_bench_options *o, GArray *clients, hp_bench_relay_options *ret);
bool hp_bench_options_live(const hp_bench_options *o, GArray *clients, hp_bench_turn_live_options *t);
/* text NULL: nothing is changed. */
bool hp_bench_read_number(const char *name, const char *text, guint64 min, guint64 max, unsigned *ret);
bool hp_bench_read_threshold(const char *name, const char *text, double *ret);

#endif
