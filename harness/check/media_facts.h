/* What the trace tells of audio, video and the DTLS beneath them. Part of facts.h; private to check/.
 *
 * What happens for each packet is one entry of 56 bytes, made when it is sent and completed when it comes; what is rare
 * (a duplicate, a NACK) is an incident. Both carry record indices, so that any window can be asked for later; a freeze
 * lasts, and is a span of time. */
#ifndef HP_CHECK_MEDIA_FACTS_H
#define HP_CHECK_MEDIA_FACTS_H

#include <glib.h>

#include "base/time.h"
#include "config/media.h"
#include "trace/trace.h"

/* A packet that a track's sender sent as media. Sorted by sequence number, each number once. */
typedef struct hp_media_packet {
    hp_time sent;
    hp_time received; /* the first copy that came as media; HP_NEVER */
    hp_time repaired; /* the first retransmission that was of use; HP_NEVER */
    hp_time mouth_to_ear; /* HP_NEVER: not known */
    uint32_t index; /* of the record that says it was sent; a trace holds fewer than 2^32 */
    uint32_t sequence;
    uint32_t size; /* octets of payload */
    uint32_t packet; /* capture record of the first copy as media, else of the repair; 0: none */
    uint32_t jitter; /* with the first copy as media; timestamp units */
    uint16_t flags; /* HP_MEDIA_F_REFUSED, _REORDERED, _LATE */
} hp_media_packet;

/* When it first came in any way; HP_NEVER. */
static inline hp_time hp_media_packet_arrival(const hp_media_packet *p)
{
    return MIN(p->received, p->repaired);
}
/* Never there, or too late to be played or shown. */
static inline bool hp_media_packet_is_unusable(const hp_media_packet *p)
{
    return hp_media_packet_arrival(p) == HP_NEVER || (p->flags & HP_MEDIA_F_LATE) != 0;
}

typedef struct hp_media_frame_shown {
    hp_time at;
    hp_time span; /* since its capture; HP_NEVER: not known */
    bool key;
} hp_media_frame_shown;

typedef enum hp_incident_kind {
    HP_INCIDENT_DUPLICATE, /* a copy of what was there */
    HP_INCIDENT_DISCARDED, /* received, but out of the receiver's window */
    HP_INCIDENT_FOREIGN, /* received, but never sent */
    HP_INCIDENT_AUTH_FAILED,
    HP_INCIDENT_REPLAYED, /* refused as a replay, or too old to tell */
    HP_INCIDENT_WITHOUT_KEYS, /* refused before there were keys */
    HP_INCIDENT_MALFORMED, /* refused as no RTP */
    HP_INCIDENT_RETRANSMITTED, /* the sender sent a packet again */
    HP_INCIDENT_NACK,
    HP_INCIDENT_PLI,
    HP_INCIDENT_FRAME_LOST,
    HP_INCIDENT_N
} hp_incident_kind;

typedef struct hp_media_incident {
    hp_incident_kind kind;
    uint32_t packet; /* capture record, 0: none */
    uint64_t index; /* of a duplicate or discarded packet: where it was sent; else the incident's own record */
} hp_media_incident;

typedef struct hp_media_freeze {
    hp_time from, to;
} hp_media_freeze;

typedef enum hp_track_state {
    HP_TRACK_STARTED,
    HP_TRACK_HELD, /* may be resumed */
    HP_TRACK_RESUMED,
    HP_TRACK_STOPPED, /* for good */
    HP_TRACK_STATE_N
} hp_track_state;

typedef struct hp_track_change {
    uint64_t index; /* of the record */
    hp_time at;
    hp_track_state state;
} hp_track_change;

/* What a program that is not ours had counted at some time (media-stats): of what it sends, or of what it receives. What
 * it does not tell is not `told`. */
enum {
    HP_COUNTED_PACKETS = 1 << 0,
    HP_COUNTED_OCTETS = 1 << 1,
    HP_COUNTED_LOST = 1 << 2,
    HP_COUNTED_JITTER = 1 << 3,
    HP_COUNTED_FRAMES = 1 << 4,
};
typedef struct hp_media_counts {
    uint64_t index; /* of the record */
    hp_time at;
    unsigned told; /* HP_COUNTED_* */
    uint64_t packets, octets, frames, lost;
    hp_time jitter;
} hp_media_counts;

/* Tracks between two programs that are not ours have no number of their own; they get those from here on. Above what
 * the programs of a run can number. */
enum { HP_TRACK_FIRST_COUNTED = 16385 };

/* One sender of audio or video, and what came of it. What is known of it depends on whose its ends are: a program of
 * ours tells of each packet, another counts at best. */
typedef struct hp_track_facts {
    unsigned number;
    hp_media_kind kind;
    const char *from, *to;
    uint32_t ssrc, clock; /* clock: timestamp units a second, at least 1 */
    hp_time began; /* its media-track event */
    uint64_t began_index;
    GArray *packets; /* hp_media_packet */
    GArray *frames; /* hp_media_frame_shown, by time */
    GArray *incidents; /* hp_media_incident, by occurrence; strays (below) last */
    GArray *freezes; /* hp_media_freeze, by time */
    GArray *states; /* hp_track_change; empty: started with its event */
    hp_time deaf; /* when the receiver hung up, or a live run's network stood still; HP_NEVER */
    uint64_t heard_index; /* the largest `index` of a packet that came as media; valid when heard */
    bool heard;
    bool foreign_sender, foreign_receiver; /* programs that are not ours */
    GArray *counted_out, *counted_in; /* hp_media_counts of the sender and of the receiver where foreign, by time */
} hp_track_facts;

/* A packet that was received under an SSRC nobody sends. */
typedef struct hp_media_stray {
    uint64_t index;
    uint32_t packet; /* its capture record tells who received it; 0: nobody knows */
} hp_media_stray;

/* ---- DTLS ---- */

typedef struct hp_dtls_change {
    uint64_t index;
    hp_time at;
    const char *state, *reason;
} hp_dtls_change;

/* An association as one end sees it. */
typedef struct hp_dtls_facts {
    const char *peer, *with; /* with "" while unknown */
    unsigned session, stream, component;
    const char *role, *profile; /* the last that was told, or "" */
    GArray *changes; /* hp_dtls_change */
    GArray *timeouts; /* uint64_t: record indices */
} hp_dtls_facts;

/* The first change to that state; NULL. */
const hp_dtls_change *hp_dtls_first(const hp_dtls_facts *a, const char *state);
/* The last change; NULL when only a time-out was heard of. */
const hp_dtls_change *hp_dtls_last(const hp_dtls_facts *a);
/* Flights sent again before record `index`. */
uint64_t hp_dtls_timeouts_before(const hp_dtls_facts *a, uint64_t index);

#endif
