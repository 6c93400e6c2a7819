/* The receiving half of a media stream, sans-IO: what arrived, what was lost, late, twice or out of order, what could
 * be played and shown of it, and when; receiver reports, NACK and PLI.
 *
 * One receiver serves one m-line: every SSRC with its payload types. The engine owns no socket, clock or loop. RTCP
 * comes out through ops, from inside the functions that take a time; the ops must not call the engine. Times handed in
 * never go back. Packets are handed in after authentication, so that the first packet of an SSRC counts at once (no
 * probation). */
#ifndef HP_ENGINES_MEDIA_RECEIVER_H
#define HP_ENGINES_MEDIA_RECEIVER_H

#include <glib.h>

#include "base/rng.h"
#include "engines/media_event.h"
#include "wire/rtcp.h"

/* Sources at a time; further SSRCs are counted and ignored. */
#define HP_MEDIA_MAX_STREAMS 32
typedef struct hp_media_receiver hp_media_receiver;

/* What became of one packet that belongs to a stream. */
typedef struct hp_media_arrival {
    uint32_t ssrc; /* of the media stream, also for a retransmission */
    uint32_t sequence; /* without wraps, as far as it is known: a measured packet's own; else extended from the first */
    uint32_t octets; /* of payload */
    uint32_t jitter; /* as of this packet; timestamp units */
    bool rtx, useless, duplicate, reordered, late, discarded;
    hp_time mouth_to_ear; /* audio, measured and in time: until it is played; else HP_NEVER */
} hp_media_arrival;

typedef struct hp_media_receiver_ops {
    /* An RTCP packet, to be protected and sent. NULL: it reports and asks for nothing. */
    void (*rtcp)(void *user, hp_time now, const uint8_t *data, size_t len);
    /* May be NULL. */
    void (*event)(void *user, hp_time now, const hp_media_event *event);
    /* May be NULL. Every packet of a stream, once, when all else has been told of it. */
    void (*packet)(void *user, hp_time now, const hp_media_arrival *arrival);
} hp_media_receiver_ops;

typedef struct hp_media_stream_stats {
    uint32_t ssrc;
    bool measured; /* the packets carry the measuring header; latencies and key frames are only known then */
    bool ended; /* by BYE */
    hp_time first_packet, last_packet; /* HP_NEVER: none */
    uint32_t first_sequence; /* the lowest that was seen of the first cycle */

    /* Packets. expected = received + lost; media that could not be used: lost - recovered + late. */
    uint64_t expected; /* from the lowest to the highest sequence number */
    uint64_t received; /* of those, first copies that came as media */
    uint64_t lost; /* by the network: the others */
    uint64_t recovered; /* of the lost: by retransmission */
    uint64_t late; /* received or recovered, too late to be played or shown */
    uint64_t duplicates, reordered; /* reordered: first copies behind a higher number */
    uint64_t discarded; /* out of any window: neither counted above nor used */
    uint64_t octets; /* payload of received and recovered */
    uint64_t rtx_packets, rtx_useless; /* retransmissions heard; of what was there already, or never missed */
    uint64_t restarts;
    uint32_t jitter, jitter_max; /* timestamp units */

    /* One-way latency of packets, network alone; retransmissions left out. */
    uint64_t n_latency;
    hp_time latency_min, latency_max, latency_sum;

    /* Frames (video). A frame's latency is from its capture until it could be shown. */
    uint64_t frames; /* shown */
    uint64_t key_frames; /* of those */
    uint64_t frames_incomplete; /* given up for want of packets; frames of which nothing came are not seen */
    uint64_t frames_undecodable; /* complete, but without what they refer to */
    hp_time first_frame, last_frame; /* when shown; HP_NEVER: none */
    uint64_t n_frame_latency;
    hp_time frame_latency_min, frame_latency_max, frame_latency_sum;
    uint64_t freezes;
    hp_time freeze_total, freeze_longest;

    /* Playout (audio). */
    uint64_t played; /* in time */
    uint64_t loss_runs; /* of neighbouring packets that were not there in time */
    hp_time playout_delay; /* the present one: from mean transit to playout */
    uint64_t n_mouth_to_ear;
    hp_time mouth_to_ear_sum; /* from the first sample spoken, a packet time before capture, to playout */

    /* RTCP. */
    uint64_t nacks, nacked_packets, plis, sender_reports;
} hp_media_stream_stats;

typedef struct hp_media_receiver_stats {
    uint64_t malformed, unknown_pt, too_many_sources, stray_rtx, reports_sent;
} hp_media_receiver_stats;

/* config is resolved and copied, NULL and HP_ERROR_INVALID when it cannot be. Of config.id, ssrc is the participant
 * that reports (that of the sender beside it; drawn when not set) and rtx_ssrc is not looked at: retransmissions are
 * known by what they answer (RFC 4588 section 5.3). With config.rtcp.off no reports leave, feedback does. rng is
 * copied. */
hp_media_receiver *hp_media_receiver_new(const hp_media_config *config, const hp_rng *rng, hp_time now,
                                         const hp_media_receiver_ops *ops, void *user, GError **error);
void hp_media_receiver_free(hp_media_receiver *r);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(hp_media_receiver, hp_media_receiver_free)

/* A packet came, in the clear. Anything at all may come. */
void hp_media_receiver_rtp(hp_media_receiver *r, hp_time now, const uint8_t *data, size_t len);
void hp_media_receiver_rtcp(hp_media_receiver *r, hp_time now, const uint8_t *data, size_t len);
/* The round trip time, as the sender beside it knows it: paces repeated NACKs. */
void hp_media_receiver_set_round_trip(hp_media_receiver *r, hp_time round_trip);
/* While the far end is known to be on hold, nothing freezes. */
void hp_media_receiver_hold(hp_media_receiver *r, hp_time now, bool on);
hp_time hp_media_receiver_deadline(const hp_media_receiver *r);
void hp_media_receiver_run(hp_media_receiver *r, hp_time now);
/* The call is over: what is still open (a freeze, missing packets) is counted. Nothing is taken after it. */
void hp_media_receiver_finish(hp_media_receiver *r, hp_time now);

/* Report blocks on what was heard since the last call, for whoever sends this participant's reports. A block's interval
 * ends with the call. */
size_t hp_media_receiver_blocks(hp_media_receiver *r, hp_time now, hp_rtcp_report_block *ret, size_t cap);

/* Streams in the order of their first packets; i < n. */
unsigned hp_media_receiver_n_streams(const hp_media_receiver *r);
hp_media_stream_stats hp_media_receiver_stream(const hp_media_receiver *r, unsigned i);
/* Pictures shown, in thousandths a second, between the first and the last; 0 for fewer than two. */
uint64_t hp_media_frame_rate_milli(const hp_media_stream_stats *stats);
/* Payload bits a second from the first packet to the last one; 0 for fewer than two. */
uint64_t hp_media_bit_rate(const hp_media_stream_stats *stats);
hp_media_receiver_stats hp_media_receiver_get_stats(const hp_media_receiver *r);

#endif
