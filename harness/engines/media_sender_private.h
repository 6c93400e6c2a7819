/* A sender from inside: media_sender.c has its life and its RTCP, media_pace.c decides what leaves when, media_packet.c
 * writes packets and keeps what it takes to write them again. */
#ifndef HP_ENGINES_MEDIA_SENDER_PRIVATE_H
#define HP_ENGINES_MEDIA_SENDER_PRIVATE_H

#include "engines/media_mark.h"
#include "engines/media_rtcp_timer.h"
#include "engines/media_sender.h"

/* A run() that comes later than this skips what it missed. */
#define HP_MEDIA_CATCH_UP HP_S
/* Payload filler; a power of two of start offsets and then the longest payload. */
#define HP_MEDIA_FILLER_OFFSETS 256

typedef enum hp_sender_state {
    HP_SENDER_CREATED, /* start, stop */
    HP_SENDER_RUNNING, /* hold, stop; ticks and reports are due */
    HP_SENDER_HELD, /* resume, stop; reports are due */
    HP_SENDER_STOPPED, /* nothing */
} hp_sender_state;

/* A packet, from which its bytes can be made any number of times. */
typedef struct hp_sent_packet {
    bool valid, marker;
    uint16_t size; /* of the payload */
    uint32_t timestamp;
    uint64_t number; /* the first packet has the first RTP sequence number, and so on without wraps */
    hp_media_mark mark;
} hp_sent_packet;

struct hp_media_sender {
    hp_media_config config;
    hp_rng rng;
    const hp_media_sender_ops *ops;
    void *user;
    hp_sender_state state;

    uint32_t ssrc, rtx_ssrc, first_timestamp;
    uint16_t first_sequence;
    uint64_t next_number;
    uint16_t next_rtx_sequence;
    uint32_t next_frame;

    hp_time origin; /* tick 0 */
    uint64_t tick; /* the next one */

    /* DTX */
    bool talking, marker_due;
    uint64_t spell_start, spell_end; /* ticks */

    /* video: what is left of the frame being sent */
    unsigned burst_n, burst_i;
    uint64_t burst_size;
    hp_time burst_tick, burst_span;
    bool burst_key;
    uint32_t burst_frame;
    /* video: key frames and rate */
    bool key_wanted, any_key;
    const char *key_reason; /* for the next one */
    hp_time last_key;
    unsigned frames_since_key;
    uint64_t rate_tick; /* where the present bit rate began */
    uint64_t rate_octets; /* sent since */
    uint8_t fir_command;
    bool fir_seen;

    hp_sent_packet *history;
    unsigned history_mask;
    uint8_t filler[HP_MEDIA_FILLER_OFFSETS + HP_MEDIA_PACKET_MAX];

    hp_rtcp_timer rtcp;
    hp_media_sender_stats stats;
};

void hp_sender_tell(hp_media_sender *s, hp_time now, const hp_media_event *event);
/* Writes packet number next_number, sends it and remembers it. */
void hp_sender_emit(hp_media_sender *s, hp_time now, hp_time capture, uint8_t flags, uint32_t frame, bool marker,
                    unsigned size);
/* Sends the packet with that RTP sequence number again. False when it is not in the history. */
bool hp_sender_repeat(hp_media_sender *s, hp_time now, uint16_t sequence);
/* A media clock's timestamp at a time not before the origin. */
uint32_t hp_sender_timestamp(const hp_media_sender *s, hp_time at);

hp_time hp_sender_tick_time(const hp_media_sender *s, uint64_t tick);
/* The first tick at or after a time. */
uint64_t hp_sender_tick_from(const hp_media_sender *s, hp_time at);
void hp_sender_pace_start(hp_media_sender *s, hp_time now);
void hp_sender_pace_pause(hp_media_sender *s);
hp_time hp_sender_pace_deadline(const hp_media_sender *s);
/* Sends what is due first, at its time; only legal when something is due. */
void hp_sender_pace_step(hp_media_sender *s, hp_time now);

#endif
