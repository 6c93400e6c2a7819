/* Theory of operation.
 *
 * Series: point k covers run time [k * 100 ms, (k + 1) * 100 ms), so that the points of all streams of a run line up. The
 * series begins with the point of the stream's first packet; points in between without packets are there, with zeros and
 * the jitter carried on. After an hour (HP_MEDIA_MAX_POINTS) no more are kept.
 *
 * Histogram: times in units of 1024 ns. Below 128 units a bin is one unit wide; above, each doubling has 128 bins, so
 * that a bin is less than 1 % of its value. The top is 2^33 units, two and a half hours; longer times count there. */
#include "engines/media_receiver_private.h"

hp_media_point *hp_media_series_at(hp_media_series *series, hp_time now)
{
    if (!series->points)
        return NULL;
    uint64_t number = now / HP_MEDIA_POINT;
    if (series->points->len == 0)
        series->first = number;
    uint64_t index = number - series->first;
    if (index >= HP_MEDIA_MAX_POINTS)
        return NULL;
    guint before = series->points->len;
    if (index >= before) {
        g_array_set_size(series->points, (guint)index + 1); /* new ones are zero */
        hp_media_point *points = (hp_media_point *)(void *)series->points->data;
        for (guint i = before; before > 0 && i < series->points->len; i++)
            points[i].jitter = points[before - 1].jitter;
    }
    return &g_array_index(series->points, hp_media_point, index);
}

uint32_t hp_media_series_number(const hp_media_series *series, hp_time now)
{
    return (uint32_t)(now / HP_MEDIA_POINT - series->first);
}

void hp_media_series_unlose(hp_media_series *series, uint32_t number)
{
    if (!series->points || number >= series->points->len)
        return;
    hp_media_point *point = &g_array_index(series->points, hp_media_point, number);
    if (point->lost > 0)
        point->lost--;
}

static unsigned bin_of(hp_time value)
{
    uint64_t units = value >> 10;
    if (units < 128)
        return (unsigned)units;
    unsigned octave = 63 - (unsigned)__builtin_clzll(units) - 7; /* 0 for 128..255 */
    unsigned bin = 128 + octave * 128 + (unsigned)(units >> octave) - 128;
    return MIN(bin, HP_MEDIA_BINS - 1);
}

void hp_media_histogram_add(hp_media_histogram *h, hp_time value)
{
    h->total++;
    h->bins[bin_of(value)]++;
}

/* The last nanosecond that a bin covers. */
static hp_time bin_end(unsigned bin)
{
    if (bin < 128)
        return ((hp_time)bin + 1) * 1024 - 1;
    unsigned octave = (bin - 128) / 128;
    uint64_t units = (uint64_t)((bin - 128) % 128 + 128 + 1) << octave;
    return units * 1024 - 1;
}

hp_time hp_media_histogram_quantile(const hp_media_histogram *h, unsigned permille)
{
    if (h->total == 0)
        return HP_NEVER;
    /* The rank, rounded up, and at least the first. */
    uint64_t rank = MAX((h->total * MIN(permille, 1000) + 999) / 1000, 1), seen = 0;
    for (unsigned i = 0; i < HP_MEDIA_BINS; i++) {
        seen += h->bins[i];
        if (seen >= rank)
            return bin_end(i);
    }
    return bin_end(HP_MEDIA_BINS - 1);
}
