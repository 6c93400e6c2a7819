/* The histogram of lateness: a bucket is an octave (the highest bit) and the next four bits below it.
 *
 * Values under 16 ns share the first buckets one by one. What is later than the last bucket counts there. */
#include "live/lateness.h"

#include <glib.h>

enum { STEP_BITS = 4 };
G_STATIC_ASSERT(1 << STEP_BITS == HP_LATENESS_STEPS);

static unsigned bucket_of(hp_time late)
{
    if (late < HP_LATENESS_STEPS) {
        return (unsigned)late;
    }
    unsigned highest = 63U - (unsigned)__builtin_clzll(late);
    unsigned octave = highest - STEP_BITS + 1;
    unsigned step = (unsigned)(late >> (highest - STEP_BITS)) & (HP_LATENESS_STEPS - 1);
    return MIN(octave * HP_LATENESS_STEPS + step, (unsigned)HP_LATENESS_BUCKETS - 1);
}

/* The first value that is above the bucket. */
static hp_time bucket_end(unsigned bucket)
{
    if (bucket < HP_LATENESS_STEPS) {
        return bucket + 1;
    }
    unsigned octave = bucket / HP_LATENESS_STEPS, step = bucket % HP_LATENESS_STEPS;
    return (hp_time)(HP_LATENESS_STEPS + step + 1) << (octave - 1);
}

void hp_lateness_add(hp_lateness *lateness, hp_time late)
{
    lateness->n++;
    lateness->max = MAX(lateness->max, late);
    lateness->counts[bucket_of(late)]++;
}

hp_time hp_lateness_percentile(const hp_lateness *lateness, unsigned per_mille)
{
    if (lateness->n == 0) {
        return 0;
    }
    /* The rank of the one that is looked for, from 1. */
    uint64_t rank = MAX((lateness->n * MIN(per_mille, 1000U) + 999) / 1000, 1U);
    uint64_t seen = 0;
    for (unsigned i = 0; i < HP_LATENESS_BUCKETS - 1; i++) {
        seen += lateness->counts[i];
        if (seen >= rank) {
            return MIN(bucket_end(i), lateness->max);
        }
    }
    return lateness->max;
}
