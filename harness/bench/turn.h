/* `hairpin bench`: TURN against direct, on identical seeds and networks. */
#ifndef HP_BENCH_TURN_H
#define HP_BENCH_TURN_H

#include "bench/document.h"
#include "bench/variants.h"

#define HP_BENCH_TURN_KIND "turn-vs-direct"
/* Calls at once, the most that can be asked for: peers of one scenario, each with a socket at the same server. */
#define HP_BENCH_MAX_CLIENTS 2000
#define HP_BENCH_MAX_SEEDS 1000
#define HP_BENCH_MANY 100

typedef struct hp_bench_turn_options {
    unsigned n_seeds; /* 1..n_seeds */
    const unsigned *clients; /* calls at once, each number for itself */
    unsigned n_clients;
    bool ways[HP_BENCH_WAY_N]; /* direct is always one of them */
    hp_bench_network network;
    hp_time duration; /* of built-in calls, from their first message until their media stops */
    hp_time
        many_duration; /* the same of HP_BENCH_MANY calls at once and more, which have streams enough; 0: no other */
    hp_time load_duration; /* of the datagrams of a throughput run; 0: throughput is left out */
    unsigned load_size, load_rounds; /* see bench/saturation.h */
    const char *file; /* a scenario of the user's own: only its call, direct and by relay; NULL: the built-in ones */
    unsigned jobs, hang_s; /* see run/batch.h */
} hp_bench_turn_options;

hp_bench_turn_options hp_bench_turn_defaults(void);
/* For a smoke test in CI: few seeds, few clients, rough throughput. */
void hp_bench_turn_quick(hp_bench_turn_options *options);

/* NULL: HP_ERROR_SCENARIO when the file cannot be benched, HP_ERROR_REFUSED naming the seed when a run crashed, hung or
 * no call came to be, HP_ERROR_ENVIRONMENT. */
hp_bench_document *hp_bench_turn(const hp_bench_turn_options *options, GError **error);

#endif
