/* Theory of operation.
 *
 *   begin            all tracks flow                            media stops
 *     |--- set-up ------>|--- s0 ...... the stretch ...... s1 ---->|
 *
 * The trace of a metered run tells every tenth of a second how much CPU the server's process has used so far
 * (server-usage). The stretch lies between the first of these that is not before all tracks flow, and the last one before
 * media stops: what was used between them, over the packets of media that arrived between them, is the price of relaying
 * one; so neither the start of a process nor its end is in it. What was used before, less that price for what was relayed
 * by then, went into the calls: allocations, permissions, handshakes, checks.
 *
 * Limits: reports (RTCP), checks and refreshes are relayed too, and their cost is in that of the packets of media, which
 * are fifty times as many. A packet that was lost between the server and its receiver was relayed and is not counted.
 * Several servers are taken as one. The builtin server's process is that of a live run, which also writes a trace.
 *
 * The wire is what leaves the peers' hosts while all tracks flow, as the network sees it: of TCP everything,
 * acknowledgements among it; of UDP what is large enough to hold the smallest packet of media, so that checks and
 * reports stay out. */
#include "bench/live_usage.h"

#include <math.h>

#include "bench/figures.h"

enum { SRTP = 12 + 4 }; /* bytes of a header, and of the shortest tag */

typedef struct stretch {
    hp_time from, to;
} stretch;

/* False when some track never came. */
static bool find_flowing(const hp_result *r, stretch *ret)
{
    *ret = (stretch){.from = 0, .to = hp_bench_media_ended(r)};
    for (unsigned i = 0; i < r->n_tracks; i++) {
        if (r->tracks[i].figures.first_packet == HP_NEVER)
            return false;
        ret->from = MAX(ret->from, r->tracks[i].figures.first_packet);
    }
    return r->n_tracks > 0 && ret->from < ret->to;
}

/* ---- the server ---- */

typedef struct samples {
    bool any, in_stretch;
    hp_time first_cpu; /* of the run */
    hp_time from, to, from_cpu, to_cpu; /* s0 and s1 */
} samples;

static samples find_samples(const hp_trace *trace, const stretch *flowing)
{
    samples s = {0};
    hp_trace_cursor cursor = {0};
    hp_record r;
    while (hp_trace_next_of(trace, &cursor, 1u << HP_RECORD_EVENT, &r)) {
        if (r.event.kind != HP_EV_SERVER_USAGE)
            continue;
        const hp_time cpu = hp_record_u64(&r, "cpu");
        if (!s.any)
            s.first_cpu = cpu;
        s.any = true;
        if (r.at < flowing->from || r.at > flowing->to)
            continue;
        if (!s.in_stretch) {
            s.from = r.at;
            s.from_cpu = cpu;
        }
        s.in_stretch = true;
        s.to = r.at;
        s.to_cpu = cpu;
    }
    return s;
}

static bool is_arrival(const hp_record *r)
{
    return r->media.kind == HP_MEDIA_RECEIVED && (r->media.flags & HP_MEDIA_F_DUPLICATE) == 0;
}

static void read_server(const hp_result *result, const hp_trace *trace, const stretch *flowing, unsigned relays,
                        hp_bench_live_usage *ret)
{
    const samples s = find_samples(trace, flowing);
    uint64_t before = 0, within = 0;
    hp_trace_cursor cursor = {0};
    hp_record r;
    if (!s.in_stretch)
        return;
    while (hp_trace_next_of(trace, &cursor, 1u << HP_RECORD_MEDIA, &r)) {
        before += is_arrival(&r) && r.at < s.from;
        within += is_arrival(&r) && r.at >= s.from && r.at < s.to;
    }
    double relaying = 0;
    if (relays > 0 && within > 0) {
        ret->cpu_packet = (double)(s.to_cpu - s.from_cpu) / HP_US / ((double)within * relays);
        relaying = ret->cpu_packet * (double)before * relays;
    }
    const unsigned calls = hp_bench_n_calls(result);
    if (calls > 0)
        ret->cpu_call = fmax(0, (double)(s.from_cpu - s.first_cpu) / HP_US - relaying) / calls;
}

/* ---- the wire ---- */

static bool is_peer(const hp_plan *plan, const char *tap)
{
    return tap && hp_plan_find_peer(plan, tap) >= 0;
}

static bool is_sent(const hp_record *r)
{
    return r->media.kind == HP_MEDIA_SENT && (r->media.flags & HP_MEDIA_F_REFUSED) == 0;
}

static uint32_t least_payload(const hp_trace *trace)
{
    uint32_t least = G_MAXUINT32;
    hp_trace_cursor cursor = {0};
    hp_record r;
    while (hp_trace_next_of(trace, &cursor, 1u << HP_RECORD_MEDIA, &r))
        if (is_sent(&r))
            least = MIN(least, r.media.size);
    return least;
}

static bool carries_media(const hp_plan *plan, const hp_trace *trace, const hp_record *r, uint32_t least)
{
    return r->packet.dir == HP_DIR_OUT && is_peer(plan, hp_trace_tap_name(trace, r->packet.tap)) &&
           (r->packet.proto == HP_PROTO_TCP || r->packet.payload_length >= least + SRTP);
}

static double read_wire(const hp_plan *plan, const hp_trace *trace, const stretch *flowing)
{
    const uint32_t least = least_payload(trace);
    uint64_t carried = 0, payload = 0, packets = 0;
    hp_trace_cursor cursor = {0};
    hp_record r;
    while (hp_trace_next_of(trace, &cursor, 1u << HP_RECORD_PACKET | 1u << HP_RECORD_MEDIA, &r)) {
        if (r.at < flowing->from || r.at >= flowing->to)
            continue;
        if (r.type == HP_RECORD_MEDIA) {
            packets += is_sent(&r);
            payload += is_sent(&r) ? r.media.size : 0;
        } else if (carries_media(plan, trace, &r, least)) {
            carried += r.packet.length;
        }
    }
    return packets > 0 ? ((double)carried - (double)payload) / (double)packets : NAN;
}

hp_bench_live_usage hp_bench_live_usage_of(const hp_result *result, const hp_trace *trace, unsigned relays)
{
    hp_bench_live_usage usage = {NAN, NAN, NAN};
    stretch flowing;
    if (!find_flowing(result, &flowing))
        return usage;
    read_server(result, trace, &flowing, relays, &usage);
    usage.overhead = read_wire(result->plan, trace, &flowing);
    return usage;
}
