/* A link's list of exact losses, brought into the form in which it can be walked once, from the front, while packets
 * are counted: sorted, disjoint, with gaps between. A range that ends before it starts is empty; packet numbers start
 * at 1, so 0 means 1 as a start and no end as an end. */
#include "world/packet_ranges.h"

#include <glib.h>
#include <stdlib.h>

static int compare_ranges(const void *a, const void *b)
{
    const hp_packet_range *x = a;
    const hp_packet_range *y = b;
    return x->first < y->first ? -1 : x->first > y->first;
}

hp_packet_range *hp_packet_ranges_merge(const hp_packet_range *ranges, unsigned n, unsigned *ret_n)
{
    hp_packet_range *sorted = g_new(hp_packet_range, MAX(n, 1));
    unsigned kept = 0;
    for (unsigned i = 0; i < n; i++) {
        hp_packet_range range = ranges[i];
        range.first = MAX(range.first, 1);
        if (range.last == 0 || range.last >= range.first) {
            sorted[kept++] = range;
        }
    }
    qsort(sorted, kept, sizeof *sorted, compare_ranges);
    unsigned merged = 0;
    for (unsigned i = 0; i < kept; i++) {
        hp_packet_range *before = merged > 0 ? &sorted[merged - 1] : NULL;
        if (before == NULL || (before->last != 0 && sorted[i].first - 1 > before->last)) {
            sorted[merged++] = sorted[i];
        } else if (before->last != 0) {
            before->last = sorted[i].last == 0 ? 0 : MAX(before->last, sorted[i].last);
        }
    }
    *ret_n = merged;
    if (merged == 0) {
        g_free(sorted);
        return NULL;
    }
    return sorted;
}
