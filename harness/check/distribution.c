/* Distributions of times.
 *
 * Percentiles are nearest-rank: the smallest sample that at least that share of all samples does not exceed, so that
 * every figure but the mean is a sample. The mean is rounded down to a nanosecond. Two samples are looked for by their
 * rank, for which the others need not be sorted. */
#include "check/stats.h"

static void exchange(hp_time *a, hp_time *b)
{
    const hp_time t = *a;
    *a = *b;
    *b = t;
}

/* Puts the k-th smallest sample into its place, what is not larger before it and what is not smaller behind it: Hoare's
 * quickselect, with the middle one of three as pivot. */
static hp_time select_kth(hp_time *samples, size_t n, size_t k)
{
    size_t from = 0, to = n - 1;
    while (from < to) {
        const hp_time x = samples[from], y = samples[from + (to - from) / 2], z = samples[to];
        const hp_time pivot = MAX(MIN(x, y), MIN(MAX(x, y), z));
        size_t i = from, j = to;
        for (;;) {
            while (samples[i] < pivot) {
                i++;
            }
            while (samples[j] > pivot) {
                j--;
            }
            if (i >= j) {
                break;
            }
            exchange(&samples[i++], &samples[j--]);
        }
        /* All up to j are not larger than the pivot, all from j + 1 on not smaller; where both stopped on one sample,
         * it is the pivot. */
        if (k <= j) {
            to = j;
        } else {
            from = j + 1;
        }
    }
    return samples[k];
}

hp_distribution hp_distribution_of(hp_time *samples, size_t n)
{
    hp_distribution d = {.count = n};
    if (n == 0) {
        return d;
    }
    unsigned __int128 sum = 0;
    d.min = d.max = samples[0];
    for (size_t i = 0; i < n; i++) {
        sum += samples[i];
        d.min = MIN(d.min, samples[i]);
        d.max = MAX(d.max, samples[i]);
    }
    d.median = select_kth(samples, n, (n - 1) / 2);
    d.mean = (hp_time)(sum / n);
    d.p95 = select_kth(samples, n, (n * 95 + 99) / 100 - 1);
    return d;
}
