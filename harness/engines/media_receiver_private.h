/* A receiver from inside.
 *
 * media_receiver.c   sources, dispatch, reports, feedback messages
 * media_stream.c     the packet window of one SSRC: lost, late, twice, out of order
 * media_missing.c    video: gaps, when to ask for them, when to give them up
 * media_frames.c     video: packets to frames, frames to pictures, freezes
 * media_playout.c    audio: when a packet has to be there */
#ifndef HP_ENGINES_MEDIA_RECEIVER_PRIVATE_H
#define HP_ENGINES_MEDIA_RECEIVER_PRIVATE_H

#include "engines/media_mark.h"
#include "engines/media_receiver.h"
#include "engines/media_rtcp_timer.h"
#include "wire/rtp.h"
#include "wire/rtp_sequence.h"

/* Packets behind the newest that are told apart; a power of two. */
#define HP_MEDIA_WINDOW 1024
#define HP_MEDIA_MAX_MISSING 512
#define HP_MEDIA_MAX_FRAMES 64
/* Frame durations that make the mean of HP_FREEZE_W3C. */
#define HP_MEDIA_FREEZE_MEMORY 30

/* ---- media_playout.c ---- */

typedef struct hp_media_playout {
    const hp_media_config *config;
    bool started;
    uint32_t last_timestamp;
    int64_t media_units; /* of the last packet, since the first */
    hp_time origin; /* arrival of the first packet */
    /* Since the origin, on the axis of (arrival - media time), nanoseconds: */
    int64_t offset; /* playout */
    int64_t mean, deviation; /* adaptive: of arrivals, in 1/32 ns */
} hp_media_playout;

/* A packet came: *ret_due is when it had to be there. False when that is past. */
bool hp_media_playout_arrive(hp_media_playout *p, hp_time now, uint32_t timestamp, hp_time *ret_due);
/* Present distance from mean transit (fixed: from the first packet's) to playout. */
hp_time hp_media_playout_delay(const hp_media_playout *p);

/* ---- media_missing.c ---- */

typedef struct hp_media_gap {
    int64_t number;
    hp_time noticed, next_nack;
    unsigned tries;
} hp_media_gap;

typedef struct hp_media_missing {
    hp_media_gap gaps[HP_MEDIA_MAX_MISSING]; /* rising numbers */
    unsigned n;
} hp_media_missing;

/* False when there is no room: the list is then empty. */
bool hp_media_missing_add(hp_media_missing *m, int64_t number, hp_time now, hp_time delay);
void hp_media_missing_remove(hp_media_missing *m, int64_t number);
/* Forgets all up to and with number. */
void hp_media_missing_forget(hp_media_missing *m, int64_t number);
/* Whether a number up to and with `number` is missing. */
static inline bool hp_media_missing_until(const hp_media_missing *m, int64_t number)
{
    return m->n > 0 && m->gaps[0].number <= number;
}
/* Removes what was noticed `wait` ago or earlier; returns the highest number of it in *ret_number, false if none. */
bool hp_media_missing_expire(hp_media_missing *m, hp_time now, hp_time wait, int64_t *ret_number);
/* Up to cap numbers to ask for now, which count as asked for. */
unsigned hp_media_missing_ask(hp_media_missing *m, hp_time now, hp_time again, unsigned tries, uint16_t *ret,
                              unsigned cap);
hp_time hp_media_missing_deadline(const hp_media_missing *m, hp_time wait, unsigned tries, bool ask);

/* ---- streams ---- */

typedef enum hp_slot_state {
    HP_SLOT_EMPTY, /* nobody knows: before the first packet */
    HP_SLOT_MISSING,
    HP_SLOT_RECEIVED, /* as media */
    HP_SLOT_RECOVERED, /* by retransmission */
    HP_SLOT_LATE, /* as media, or by retransmission: too late */
} hp_slot_state;

typedef struct hp_media_slot {
    uint32_t timestamp;
    uint8_t state; /* hp_slot_state */
    bool came_as_media, asked; /* asked: by NACK */
} hp_media_slot;

typedef struct hp_media_frame {
    uint32_t timestamp, id;
    int64_t first, last; /* lowest and highest number that is there */
    unsigned n;
    bool start, end; /* first and last are the frame's */
    bool key, measured;
    hp_time capture;
} hp_media_frame;

typedef struct hp_media_stream {
    hp_media_receiver *receiver;
    uint32_t ssrc;
    hp_media_stream_stats stats; /* without what hp_media_stream_snapshot() works out */

    bool rtx_known;
    uint32_t rtx_ssrc; /* what repairs this stream */

    hp_rtp_receipt receipt;
    hp_rtp_jitter jitter;
    uint32_t received_at_report;
    uint32_t last_sr;
    hp_time last_sr_time; /* HP_NEVER: none */

    int64_t base,
        highest; /* numbers: sequence numbers without wraps; the first packet's is its sequence number + 2^32 */
    uint64_t expected_before, received_before; /* of before a restart */
    bool in_run; /* the last packet that left the window was not played */
    int64_t settled; /* all numbers below have left the window */
    hp_media_slot window[HP_MEDIA_WINDOW];

    hp_media_playout playout;

    hp_media_missing missing;
    hp_media_frame frames[HP_MEDIA_MAX_FRAMES]; /* by rising timestamp */
    unsigned n_frames;
    bool any_done, any_frame_done; /* done_number, done_timestamp mean something */
    int64_t done_number; /* the last number of what was shown or dropped */
    uint32_t done_timestamp;
    bool needs_key; /* measured streams: nothing is shown before the next key frame */
    hp_time pli_next;
    bool heard_since_pli;
    hp_time shown_before; /* the freeze clock: HP_NEVER when it stands */
    hp_time durations[HP_MEDIA_FREEZE_MEMORY];
    hp_time durations_sum;
    unsigned n_durations, next_duration;
} hp_media_stream;

struct hp_media_receiver {
    hp_media_config config;
    hp_rng rng;
    const hp_media_receiver_ops *ops;
    void *user;
    uint32_t ssrc;
    bool held, finished;
    hp_time round_trip; /* 0: not known */
    hp_rtcp_timer rtcp;
    GPtrArray *streams; /* of hp_media_stream */
    hp_media_receiver_stats stats;
};

void hp_receiver_tell(const hp_media_stream *s, hp_time now, const hp_media_event *event);

hp_media_stream *hp_media_stream_new(hp_media_receiver *r, hp_time now, const hp_rtp_packet *p);
void hp_media_stream_free(hp_media_stream *s);
/* A media packet of this SSRC, its first one too. */
void hp_media_stream_media(hp_media_stream *s, hp_time now, const hp_rtp_packet *p);
/* Whether a retransmission is of a packet that this stream misses, or asked for. */
bool hp_media_stream_awaits(hp_media_stream *s, const hp_rtp_packet *rtx);
void hp_media_stream_repair(hp_media_stream *s, hp_time now, const hp_rtp_packet *rtx);
hp_media_stream_stats hp_media_stream_snapshot(const hp_media_stream *s);

static inline hp_media_slot *hp_media_stream_slot(hp_media_stream *s, int64_t number)
{
    return &s->window[(uint64_t)number & (HP_MEDIA_WINDOW - 1)];
}

/* media_frames.c. A packet is new to its stream: false when it comes too late for its frame. */
bool hp_media_frames_add(hp_media_stream *s, hp_time now, const hp_rtp_packet *p, int64_t number,
                         const hp_media_mark *mark);
/* Shows what can be shown, drops what cannot. */
void hp_media_frames_process(hp_media_stream *s, hp_time now);
/* Everything up to that number that is not there will not come. */
void hp_media_frames_give_up(hp_media_stream *s, hp_time now, int64_t number);
void hp_media_frames_reset(hp_media_stream *s, hp_time now);
/* Whether to ask for a key frame, once pli_next has come. */
bool hp_media_frames_want_key(const hp_media_stream *s);
/* Ends the present freeze, if it is one, and stands the freeze clock. */
void hp_media_frames_pause(hp_media_stream *s, hp_time now);

#endif
