/* `hairpin bench --world live`: TURN against direct on real kernels, each way by each server. */
#ifndef HP_BENCH_TURN_LIVE_H
#define HP_BENCH_TURN_LIVE_H

#include "bench/document.h"
#include "bench/relay_live.h"
#include "bench/variants.h"

#define HP_BENCH_TURN_LIVE_KIND "turn-vs-direct-live"
/* Calls at once, the most that can be asked for: two processes each. */
#define HP_BENCH_LIVE_MAX_CLIENTS 50

typedef struct hp_bench_turn_live_options {
    bool servers[HP_BENCH_RELAY_N];
    bool ways[HP_BENCH_WAY_N]; /* direct is always one of them */
    unsigned n_seeds; /* 1..n_seeds */
    const unsigned *clients; /* calls at once, each number for itself */
    unsigned n_clients;
    hp_bench_network network; /* its server is passed over */
    hp_time duration; /* of a call, from its first message until its media stops */
    bool load; /* the servers under load too (relay_live.h) */
    hp_bench_relay_options relay; /* of that; its servers are passed over */
    unsigned jobs, hang_s; /* see run/batch.h; 0 jobs: one at a time */
} hp_bench_turn_live_options;

hp_bench_turn_live_options hp_bench_turn_live_defaults(void);
/* For a smoke test in CI. */
void hp_bench_turn_live_quick(hp_bench_turn_live_options *options);

/* NULL: HP_ERROR_ENVIRONMENT when the live world cannot run here, a server is missing, or the machine was too slow for more
 * than half of the runs of some variant; HP_ERROR_REFUSED as hp_bench_turn(). */
hp_bench_document *hp_bench_turn_live(const hp_bench_turn_live_options *options, GError **error);

#endif
