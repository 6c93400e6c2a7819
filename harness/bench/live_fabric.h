/* `hairpin bench --live-fabric`: how much the live world's fabric carries on this machine, and how exactly. */
#ifndef HP_BENCH_LIVE_FABRIC_H
#define HP_BENCH_LIVE_FABRIC_H

#include "base/time.h"
#include "bench/document.h"

#define HP_BENCH_LIVE_FABRIC_KIND "live-fabric"

enum { HP_BENCH_LIVE_RATES = 3 };

typedef struct hp_bench_live_fabric_options {
    unsigned repeats; /* samples of each figure */
    unsigned hosts; /* that are made and taken away */
    unsigned rates[HP_BENCH_LIVE_RATES]; /* packets a second */
    unsigned quiet_rate; /* at which delays are measured */
    hp_time duration; /* of each measurement */
} hp_bench_live_fabric_options;

hp_bench_live_fabric_options hp_bench_live_fabric_defaults(void);
/* For a smoke test in CI. */
void hp_bench_live_fabric_quick(hp_bench_live_fabric_options *options);

/* NULL: HP_ERROR_ENVIRONMENT where the live world cannot run, HP_ERROR_REFUSED when nothing arrived. */
hp_bench_document *hp_bench_live_fabric(const hp_bench_live_fabric_options *options, GError **error);

#endif
