/* What the media engines tell of, and the check of their configuration. */
#ifndef HP_ENGINES_MEDIA_EVENT_H
#define HP_ENGINES_MEDIA_EVENT_H

#include <glib.h>

#include "base/time.h"
#include "config/media.h"

typedef enum hp_media_event_kind {
    /* of a sender */
    HP_MEDIA_EV_STARTED, /* reason "start" or "resume" */
    HP_MEDIA_EV_STOPPED, /* reason "hold" or "stop" */
    HP_MEDIA_EV_TALK, /* DTX: a spell of talk begins; count: packets it will have */
    HP_MEDIA_EV_SILENCE, /* DTX: a spell of silence begins; count: packet times it will last */
    HP_MEDIA_EV_KEY_FRAME, /* frame, count packets; reason "start", "interval" or "request" */
    HP_MEDIA_EV_NACK_HEARD, /* count packets asked for, answered of them */
    HP_MEDIA_EV_PLI_HEARD, /* a picture was asked for, by PLI or FIR */
    HP_MEDIA_EV_REPORT_HEARD, /* a block on this stream: fraction_lost, lost, jitter, and span: the round trip, or
                                 HP_NEVER without one */
    HP_MEDIA_EV_REPORT_SENT, /* count octets */
    /* of a receiver */
    HP_MEDIA_EV_STREAM, /* the first packet of an SSRC */
    HP_MEDIA_EV_FIRST_FRAME, /* the first picture shown: frame, key; span: its latency, HP_NEVER where not measured */
    HP_MEDIA_EV_FRAME, /* every picture shown, the first one too: the same */
    HP_MEDIA_EV_FRAME_LOST, /* frame (0: not known); reason "incomplete" or "undecodable" */
    HP_MEDIA_EV_FREEZE, /* span: how long, told when it ends */
    HP_MEDIA_EV_NACK, /* count packets asked for */
    HP_MEDIA_EV_PLI, /* a key frame was asked for */
    HP_MEDIA_EV_SENDER_REPORT, /* count: packets it says it sent */
    HP_MEDIA_EV_RESTART, /* the sequence numbers began anew */
    HP_MEDIA_EV_BYE,
    HP_MEDIA_EV_N
} hp_media_event_kind;

typedef struct hp_media_event {
    hp_media_event_kind kind;
    uint32_t ssrc; /* of the media stream it is about */
    uint32_t frame;
    bool key; /* whether that is known to be a key frame */
    unsigned count, answered;
    uint8_t fraction_lost; /* of 256 */
    int32_t lost;
    uint32_t jitter; /* timestamp units */
    hp_time span;
    const char *reason; /* a literal, or NULL */
} hp_media_event;

/* Fills *ret with config, every default in place of its 0. HP_ERROR_INVALID for what no stream can be. */
bool hp_media_config_resolve(const hp_media_config *config, hp_media_config *ret, GError **error);

/* The largest packet an engine makes. */
#define HP_MEDIA_PACKET_MAX 2048

static inline uint32_t hp_media_clock(const hp_media_config *config)
{
    return config->kind == HP_MEDIA_AUDIO ? config->audio.clock : config->video.clock;
}

#endif
