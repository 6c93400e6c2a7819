/* How late things happened: a histogram on a logarithmic scale, 16 steps an octave (6 % wide), from 1 ns to hours. */
#ifndef HP_LIVE_LATENESS_H
#define HP_LIVE_LATENESS_H

#include "base/time.h"

enum {
    HP_LATENESS_STEPS = 16,
    HP_LATENESS_OCTAVES = 44,
    HP_LATENESS_BUCKETS = HP_LATENESS_STEPS * HP_LATENESS_OCTAVES,
};

/* Zero it to start. Plain data: it may be copied, sent and put into shared memory. */
typedef struct hp_lateness {
    uint64_t n;
    hp_time max; /* exact */
    uint64_t counts[HP_LATENESS_BUCKETS];
} hp_lateness;

void hp_lateness_add(hp_lateness *lateness, hp_time late);
/* The time that per_mille of 1000 were no later than (500: the median, 990: p99): the upper end of a bucket, so at most
 * 7 % too much, and never more than max. 0 when there is none. */
hp_time hp_lateness_percentile(const hp_lateness *lateness, unsigned per_mille);

#endif
