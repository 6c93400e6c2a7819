/* Theory of operation. A flow's datagrams leave events behind: data-sent for each that the sender meant to arrive,
 * data-refused when its agent did not take it, data-received with its latency. Two passes: the first finds the least
 * latency, the second counts.
 *
 * Why latency is asked: a network loses what it cannot carry, but a reliable transport keeps it. A sender that puts more
 * into a TCP connection than the path takes loses nothing for as long as buffers last, while what arrives is older and
 * older; counting losses alone, throughput would be a measure of buffers.
 *
 * Limits: sequence numbers are looked up in a hash of all that arrived; a run has some thousands. */
#include "bench/delivery.h"

#include <glib.h>

enum { EVENTS = 1u << HP_RECORD_EVENT };

static hp_time least_latency(const hp_trace *trace)
{
    hp_time least = HP_NEVER;
    hp_trace_cursor cursor = {0};
    hp_record r;
    while (hp_trace_next_of(trace, &cursor, EVENTS, &r))
        if (r.event.kind == HP_EV_DATA_RECEIVED)
            least = MIN(least, hp_record_u64(&r, "latency"));
    return least;
}

static void take_arrival(hp_bench_delivery *d, GHashTable *seen, const hp_record *r, hp_time least)
{
    gint64 sequence = (gint64)hp_record_u64(r, "sequence");
    if (!g_hash_table_add(seen, g_memdup2(&sequence, sizeof sequence)))
        return;
    hp_time extra = hp_record_u64(r, "latency") - least;
    if (extra > HP_BENCH_TOO_LATE) {
        d->late++;
        return;
    }
    d->in_time++;
    d->spread = MAX(d->spread, extra);
}

hp_bench_delivery hp_bench_delivery_of(const hp_trace *trace)
{
    g_autoptr(GHashTable) seen = g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free, NULL);
    hp_bench_delivery d = {0};
    hp_time least = least_latency(trace);
    hp_trace_cursor cursor = {0};
    hp_record r;
    while (hp_trace_next_of(trace, &cursor, EVENTS, &r)) {
        d.sent += r.event.kind == HP_EV_DATA_SENT;
        d.refused += r.event.kind == HP_EV_DATA_REFUSED;
        if (r.event.kind == HP_EV_DATA_RECEIVED)
            take_arrival(&d, seen, &r, least);
    }
    uint64_t told = d.in_time + d.late + d.refused;
    d.lost = d.sent > told ? d.sent - told : 0;
    return d;
}
