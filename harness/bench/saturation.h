/* What fits through a bottleneck, directly and by a relay. */
#ifndef HP_BENCH_SATURATION_H
#define HP_BENCH_SATURATION_H

#include "bench/runs.h"
#include "bench/variants.h"

typedef struct hp_bench_saturation_options {
    hp_bench_network network; /* rate: that of the callers' uplink */
    unsigned size; /* bytes of a datagram */
    hp_time duration; /* of sending */
    unsigned rounds; /* halvings of the range; each makes the answer twice as exact */
    hp_bench_runs_options runs;
} hp_bench_saturation_options;

/* Of one seed; NAN where the call did not come to be. */
typedef struct hp_bench_saturation {
    double load; /* bits of payload a second that were offered, the most that fit */
    double goodput; /* of which arrived in time */
    double overhead; /* %: what the caller's uplink carried beyond the payload, at a tenth of its rate */
    double refused, late, lost; /* %: what became of datagrams at the least load that did not fit (bench/delivery.h);
                                   NAN: every load fitted */
} hp_bench_saturation;

/* ret has room for n_seeds. */
bool hp_bench_saturate(const hp_bench_saturation_options *options, hp_bench_way way, unsigned n_seeds,
                       hp_bench_saturation *ret, GError **error);

#endif
