/* Calls with media on the LAN of lan.h, and what the trace says of their tracks. */
#ifndef TESTS_ACTORS_MEDIA_LAN_H
#define TESTS_ACTORS_MEDIA_LAN_H

#include "lan.h"

#include "actors/media_private.h"
#include "seam/seam.h"
#include "wire/demux.h"
#include "wire/rtp.h"

static const hp_call_config media_audio = {.media = {true, false}, .bundle = true, .rtcp_mux = true};
static const hp_call_config media_video = {.media = {false, true}, .bundle = true, .rtcp_mux = true};
static const hp_call_config media_both = {.media = {true, true}, .bundle = true, .rtcp_mux = true};

/* What became of a track's packets. */
typedef struct media_count {
    unsigned sent, refused, repeated; /* repeated: retransmissions sent */
    unsigned received, recovered, useless, duplicates, reordered, late, discarded; /* received: first copies */
    unsigned frames, key_frames;
    hp_time first_sent, last_sent, first_received, last_received;
    hp_time latency_min, latency_max; /* of first copies that came as media */
    hp_time frame_latency_min, frame_latency_max;
} media_count;

static inline void media_call(lan *l, unsigned from, const char *to, const hp_call_config *call)
{
    g_autoptr(GError) error = NULL;
    if (!hp_peer_call(l->peers[from], to, call, &error)) {
        fail_msg("%s", error->message);
    }
}

static inline lan *media_lan(uint64_t seed)
{
    lan *l = lan_new(seed);
    lan_add_peer(l, "alice");
    lan_add_peer(l, "bob");
    return l;
}

/* The number of the latest track of that kind from a peer; 0: none began. */
static inline unsigned media_track(const lan *l, const char *from, const char *kind)
{
    hp_record r;
    unsigned number = 0;
    for (unsigned n = 0; lan_find(l, HP_EV_MEDIA_TRACK, from, "media", kind, n, &r); n++) {
        number = (unsigned)hp_record_u64(&r, "track");
    }
    return number;
}

static inline void media_count_sent(media_count *count, const hp_record *r, hp_time *sent_at)
{
    const hp_media_record *m = &r->media;
    if (m->flags & HP_MEDIA_F_RTX) {
        count->repeated++;
        return;
    }
    count->first_sent = count->sent == 0 ? r->at : count->first_sent;
    count->last_sent = r->at;
    count->sent++;
    count->refused += m->flags & HP_MEDIA_F_REFUSED ? 1 : 0;
    sent_at[m->sequence & 0xffff] = r->at;
}

static inline void media_count_received(media_count *count, const hp_record *r, const hp_time *sent_at)
{
    const hp_media_record *m = &r->media;
    bool first = !(m->flags & (HP_MEDIA_F_RTX | HP_MEDIA_F_DUPLICATE | HP_MEDIA_F_DISCARDED));
    count->useless += m->flags & HP_MEDIA_F_USELESS ? 1 : 0;
    count->recovered += (m->flags & HP_MEDIA_F_RTX) && !(m->flags & HP_MEDIA_F_USELESS) ? 1 : 0;
    count->duplicates += m->flags & HP_MEDIA_F_DUPLICATE ? 1 : 0;
    count->reordered += m->flags & HP_MEDIA_F_REORDERED ? 1 : 0;
    count->late += m->flags & HP_MEDIA_F_LATE ? 1 : 0;
    count->discarded += m->flags & HP_MEDIA_F_DISCARDED ? 1 : 0;
    if (!first) {
        return;
    }
    count->first_received = count->received == 0 ? r->at : count->first_received;
    count->last_received = r->at;
    count->received++;
    hp_time latency = r->at - sent_at[m->sequence & 0xffff];
    count->latency_min = MIN(count->latency_min, latency);
    count->latency_max = MAX(count->latency_max, latency);
}

/* Over [from, until) of run time. Good for calls of up to 65,536 packets a track. */
static inline media_count media_count_between(const lan *l, unsigned track, hp_time from, hp_time until)
{
    static hp_time sent_at[65536];
    media_count count = {.latency_min = HP_NEVER, .frame_latency_min = HP_NEVER};
    hp_trace_cursor cursor = {0};
    hp_record r;
    while (hp_trace_next_of(l->trace, &cursor, 1U << HP_RECORD_MEDIA, &r)) {
        if (r.media.track != track || r.at < from || r.at >= until) {
            continue;
        }
        switch ((hp_media_record_kind)r.media.kind) {
        case HP_MEDIA_SENT:
            media_count_sent(&count, &r, sent_at);
            break;
        case HP_MEDIA_RECEIVED:
            media_count_received(&count, &r, sent_at);
            break;
        case HP_MEDIA_FRAME:
            count.frames++;
            count.key_frames += r.media.flags & HP_MEDIA_F_KEY ? 1 : 0;
            count.frame_latency_min = MIN(count.frame_latency_min, r.media.span);
            count.frame_latency_max = MAX(count.frame_latency_max, r.media.span);
            break;
        case HP_MEDIA_RECORD_N:
            break;
        }
    }
    return count;
}

static inline media_count media_count_of(const lan *l, unsigned track)
{
    return media_count_between(l, track, 0, HP_NEVER);
}

/* Media records that belong to no track. */
static inline unsigned media_count_foreign(const lan *l)
{
    media_count count = media_count_of(l, 0);
    return count.sent + count.received + count.recovered + count.useless + count.duplicates + count.discarded +
           count.frames;
}

/* Datagrams of a kind that left a peer's host on their way to another. */
static inline unsigned media_count_datagrams(const lan *l, const char *tap, hp_wire_kind kind)
{
    hp_trace_cursor cursor = {0};
    hp_record r;
    unsigned n = 0;
    while (hp_trace_next_of(l->trace, &cursor, 1U << HP_RECORD_PACKET, &r)) {
        n += r.packet.dir == HP_DIR_OUT && strcmp(hp_trace_tap_name(l->trace, r.packet.tap), tap) == 0 &&
                     r.packet.payload && hp_wire_classify(r.packet.payload, r.packet.payload_length) == kind
                 ? 1
                 : 0;
    }
    return n;
}

/* The n-th (from 0) event, which must be there. */
static inline hp_record media_event(const lan *l, hp_event_kind kind, const char *subject, const char *key,
                                    const char *text, unsigned n)
{
    hp_record r = {0};
    if (!lan_find(l, kind, subject, key, text, n, &r)) {
        fail_msg("no %s number %u about %s with %s %s", hp_event_name(kind), n, subject, key ? key : "anything",
                 text ? text : "");
    }
    return r;
}

static inline hp_time media_time(const lan *l, hp_event_kind kind, const char *subject, const char *key,
                                 const char *text)
{
    return media_event(l, kind, subject, key, text, 0).at;
}

static inline void media_set_link(hp_link *link, const hp_link_config *config)
{
    hp_link_configure(link, config, "test");
}

/* For cmocka_run_group_tests(). */
static inline int media_start(void **state)
{
    return hp_seam_start(NULL, NULL) ? 0 : -1;
}

#endif
