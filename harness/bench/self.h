/* `hairpin bench --self`: the built-in servers' engines, the fabric and whole calls, as fast as they go. */
#ifndef HP_BENCH_SELF_H
#define HP_BENCH_SELF_H

#include "bench/document.h"

#define HP_BENCH_SELF_KIND "self"

typedef struct hp_bench_self_options {
    unsigned repeats; /* samples of each figure, each with a seed of its own */
    unsigned clients, engine_rounds; /* of the server's engine: clients at once, messages of each in a sample */
    unsigned packets; /* through the fabric in a sample */
    unsigned mappings[2]; /* of the NAT, each for itself */
    unsigned calls; /* in a sample */
} hp_bench_self_options;

hp_bench_self_options hp_bench_self_defaults(void);
/* For a smoke test in CI. */
void hp_bench_self_quick(hp_bench_self_options *options);

/* NULL: HP_ERROR_REFUSED when something did not do what it should, HP_ERROR_ENVIRONMENT. Runs in this process. */
hp_bench_document *hp_bench_self(const hp_bench_self_options *options, GError **error);

#endif
