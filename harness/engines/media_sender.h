/* The sending half of a media stream, sans-IO: RTP of audio or video on time, sender reports, retransmissions on NACK,
 * a key frame on PLI.
 *
 * The engine owns no socket, clock or loop. Packets come out through ops, from inside hp_media_sender_run() and
 * hp_media_sender_rtcp(); the ops must not call the engine. Times handed in never go back.
 *
 *   created: only start() does anything
 *   running: start() or resume() was called; media flows
 *   held:    hold() was called; reports go on, media does not
 *   stopped: for good; a BYE was sent */
#ifndef HP_ENGINES_MEDIA_SENDER_H
#define HP_ENGINES_MEDIA_SENDER_H

#include <glib.h>

#include "base/rng.h"
#include "engines/media_event.h"
#include "wire/rtcp.h"

typedef struct hp_media_sender hp_media_sender;

typedef struct hp_media_sender_ops {
    /* An RTP packet and a compound RTCP packet, to be protected and sent. */
    void (*rtp)(void *user, hp_time now, const uint8_t *data, size_t len);
    void (*rtcp)(void *user, hp_time now, const uint8_t *data, size_t len);
    /* May be NULL. */
    void (*event)(void *user, hp_time now, const hp_media_event *event);
    /* May be NULL. What this participant received: up to cap report blocks to go with the sender report; a receiver's
     * hp_media_receiver_blocks(). */
    size_t (*blocks)(void *user, hp_time now, hp_rtcp_report_block *ret, size_t cap);
} hp_media_sender_ops;

typedef struct hp_media_sender_stats {
    uint64_t packets,
        octets; /* of media, headers left out; retransmissions too where they have no stream of their own */
    uint64_t frames, key_frames; /* begun; of audio: packets */
    uint64_t retransmitted, retransmitted_octets, not_in_history; /* asked for by NACK */
    uint64_t nacks, plis, reports_sent, reports_heard;
    uint64_t skipped; /* packet or frame times that passed before run() was called, more than a second late */
    uint64_t malformed; /* RTCP that made no sense */
    hp_time round_trip; /* the latest; HP_NEVER: none known */
} hp_media_sender_stats;

/* config is resolved (hp_media_config_resolve()) and copied; NULL and HP_ERROR_INVALID when it cannot be. rng is
 * copied: identity, spells, frame sizes, payload bytes and report times come from it. */
hp_media_sender *hp_media_sender_new(const hp_media_config *config, const hp_rng *rng, const hp_media_sender_ops *ops,
                                     void *user, GError **error);
void hp_media_sender_free(hp_media_sender *s);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(hp_media_sender, hp_media_sender_free)

uint32_t hp_media_sender_ssrc(const hp_media_sender *s);
uint32_t hp_media_sender_rtx_ssrc(const hp_media_sender *s);

/* The first packet leaves at `now`, in run(). */
void hp_media_sender_start(hp_media_sender *s, hp_time now);
/* On hold nothing is captured; capture times stay on the grid that start() laid. */
void hp_media_sender_hold(hp_media_sender *s, hp_time now);
void hp_media_sender_resume(hp_media_sender *s, hp_time now);
/* Sends a BYE if anything was ever sent (RFC 3550 section 6.3.7). */
void hp_media_sender_stop(hp_media_sender *s, hp_time now, const char *reason);
/* Video only: a new bit rate from the next frame on. 0 is not accepted. */
bool hp_media_sender_set_bitrate(hp_media_sender *s, hp_time now, uint32_t bitrate);
/* The next video frame is a key frame. */
void hp_media_sender_request_key(hp_media_sender *s);

/* RTCP came, in the clear: reports, NACK, PLI, FIR, BYE. Anything at all may come. */
void hp_media_sender_rtcp(hp_media_sender *s, hp_time now, const uint8_t *data, size_t len);

hp_time hp_media_sender_deadline(const hp_media_sender *s);
/* Sends all that is due. */
void hp_media_sender_run(hp_media_sender *s, hp_time now);

const hp_media_sender_stats *hp_media_sender_get_stats(const hp_media_sender *s);

#endif
