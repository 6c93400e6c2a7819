/* The trace of a run: an append-only log of packets, drops and events in the order they happened, and the only thing
 * that checks and reports read.
 *
 * The log lies in one sparse shared mapping (memfd), so that a parent process still holds everything up to the moment
 * when the process under test died. Records are 8-byte aligned and never move. Times never go back.
 *
 * Record numbers: packets are numbered 1, 2, 3... in log order; that is also their number in trace.pcapng. */
#ifndef HP_TRACE_TRACE_H
#define HP_TRACE_TRACE_H

#include <glib.h>

#include "base/time.h"
#include "trace/event.h"
#include "wire/match.h"
#include "wire/packet.h"

typedef struct hp_trace hp_trace;

/* Bytes of records one trace can hold; only those that are written take memory. */
#define HP_TRACE_CAPACITY (UINT64_C(8) << 30)
/* A text value longer than this is cut. */
#define HP_TRACE_MAX_TEXT (UINT32_C(1) << 20)
/* Taps one trace can have. */
#define HP_TRACE_MAX_TAPS (UINT32_C(1) << 18)

/* An empty trace in shared memory. NULL and HP_ERROR_ENVIRONMENT when it cannot be had. */
hp_trace *hp_trace_new(GError **error);
/* The same with room for `capacity` bytes of records instead of HP_TRACE_CAPACITY. Either has less where the process
 * may not make files of that size. */
hp_trace *hp_trace_new_sized(size_t capacity, GError **error);
void hp_trace_free(hp_trace *trace);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(hp_trace, hp_trace_free)
/* Forgets all records, keeping the memory for the next run. */
void hp_trace_reset(hp_trace *trace);
/* Before something is added after the writer died, which may have written over the head of the log: where that makes no
 * sense any more, the log is empty from now on, as readers see it already. */
void hp_trace_mend(hp_trace *trace);
/* Processes forked from now on do not have it in their memory, and must not use the handle they inherit. Those that have
 * it keep it. */
void hp_trace_keep_from_forks(hp_trace *trace);
/* From now on this process records nothing more, and counts nothing as lost: for the tear-down after a run's end.
 * hp_trace_reset() opens it again. */
void hp_trace_seal(hp_trace *trace);
/* True once the cap on the log's size was reached; later records are counted, not kept. */
bool hp_trace_overflowed(const hp_trace *trace);
uint64_t hp_trace_n_lost(const hp_trace *trace); /* how many those are */

/* A place where packets are seen: "alice", "alice/wifi", "home/in", "home/out". The same name gives the same tap. */
uint32_t hp_trace_tap(hp_trace *trace, const char *name);
unsigned hp_trace_n_taps(const hp_trace *trace);
const char *hp_trace_tap_name(const hp_trace *trace, uint32_t tap);
/* A name for an address, for the capture's name resolution block: ("alice", 192.168.1.2). */
void hp_trace_name_address(hp_trace *trace, const char *name, const hp_addr *addr);

typedef enum hp_direction { HP_DIR_IN, HP_DIR_OUT } hp_direction; /* as the tap's owner sees it */

/* Records a packet at a tap; sets p->last_record. Returns its number, or 0 after an overflow. */
uint32_t hp_trace_packet(hp_trace *trace, hp_time at, uint32_t tap, hp_direction dir, hp_packet *p);
/* Records that p went no further. place: "home", "link alice>internet". detail may be NULL. Also ties the drop to
 * p->last_record, so that the capture shows it as a comment there. */
void hp_trace_drop(hp_trace *trace, hp_time at, const char *place, const hp_packet *p, hp_drop_reason reason,
                   const char *detail);
/* A remark on a packet record, shown as its comment in the capture. */
void hp_trace_note(hp_trace *trace, hp_time at, uint32_t packet_number, const char *text);
void hp_trace_event_fields(hp_trace *trace, hp_time at, hp_event_kind kind, const char *subject, const hp_field *fields,
                           size_t n_fields);
/* hp_trace_event(trace, now, HP_EV_ICE_STATE, "alice", HP_FS("state", "ready"), HP_FU("component", 1)); trace may be
 * NULL everywhere in the writing half: nothing is recorded then. */
#define hp_trace_event(trace, at, kind, subject, ...)                                                                  \
    hp_trace_event_fields((trace), (at), (kind), (subject), (const hp_field[]){__VA_ARGS__},                           \
                          sizeof((const hp_field[]){__VA_ARGS__}) / sizeof(hp_field))

/* ---- media: what happens for every packet of audio or video, and so has a record of its own ---- */

typedef enum hp_media_record_kind {
    HP_MEDIA_SENT, /* handed to the agent, protected */
    HP_MEDIA_RECEIVED, /* out of the agent, authenticated, and looked at by the receiver */
    HP_MEDIA_FRAME, /* of video: shown */
    HP_MEDIA_RECORD_N
} hp_media_record_kind;

enum {
    HP_MEDIA_F_RTX = 1 << 0, /* a retransmission; received: sequence is that of the packet it repeats */
    HP_MEDIA_F_REFUSED = 1 << 1, /* sent: the agent did not take it */
    HP_MEDIA_F_DUPLICATE = 1 << 2, /* received: a copy of what was there; nothing else is said of it */
    HP_MEDIA_F_REORDERED = 1 << 3, /* received: a first copy behind a higher number */
    HP_MEDIA_F_LATE = 1 << 4, /* received: too late to be played or shown */
    HP_MEDIA_F_DISCARDED = 1 << 5, /* received: outside any window, not used */
    HP_MEDIA_F_KEY = 1 << 6, /* frame: a key frame */
    HP_MEDIA_F_USELESS = 1 << 7, /* received, retransmission: of what was there, or never missed */
    HP_MEDIA_F_TIMED = 1 << 8, /* received: span is known */
};

typedef struct hp_media_record {
    uint8_t kind; /* hp_media_record_kind */
    uint8_t reserved;
    uint16_t flags;
    uint32_t track; /* the number of its media-track event */
    uint32_t sequence; /* packet: sequence number without wraps: the first one plus the packets before; frame: its id */
    uint32_t size; /* packet: octets of payload */
    uint32_t packet; /* received: its capture record, 0: none */
    uint32_t jitter; /* received: RFC 3550 section 6.4.1, as of this packet, in timestamp units */
    hp_time span; /* received audio: from mouth to ear, when TIMED; frame: from capture until it could be shown */
} hp_media_record;

void hp_trace_media(hp_trace *trace, hp_time at, const hp_media_record *media);

/* ---- reading ---- */

typedef enum hp_record_type {
    HP_RECORD_PACKET,
    HP_RECORD_DROP,
    HP_RECORD_NOTE,
    HP_RECORD_EVENT,
    HP_RECORD_MEDIA,
} hp_record_type;

/* A view of one record; pointers stay valid as long as the trace is neither reset nor freed. */
typedef struct hp_record {
    hp_record_type type;
    hp_time at;
    uint64_t index; /* position among all records, from 0 */
    union {
        struct {
            uint32_t number, tap;
            hp_direction dir;
            uint64_t uid;
            hp_addr src, dst;
            uint8_t proto, ttl, tos, icmp_kind;
            bool fragment, corrupt;
            const uint8_t *bytes; /* the whole IP packet */
            uint32_t length;
            const uint8_t *payload; /* what follows the UDP header; NULL for other protocols and later fragments */
            uint32_t payload_length;
        } packet;
        struct {
            const char *place, *detail; /* detail may be "" */
            hp_drop_reason reason;
            uint64_t uid;
            uint32_t packet; /* the capture record it ends at, 0 = none */
            hp_addr src, dst;
            uint8_t proto;
        } drop;
        struct {
            uint32_t packet;
            const char *text;
        } note;
        struct {
            hp_event_kind kind;
            const char *subject;
            unsigned n_fields;
            const void *fields; /* read with hp_record_field() */
            size_t fields_size, offset; /* for hp_record_field() alone */
        } event;
        hp_media_record media;
    };
} hp_record;

typedef struct hp_trace_cursor {
    uint64_t offset, index;
} hp_trace_cursor; /* zero it to start */

/* The next record, or false at the (present) end; call again after more was appended. */
bool hp_trace_next(const hp_trace *trace, hp_trace_cursor *cursor, hp_record *ret);
/* The same, passing over records of other types than those whose bit (1 << hp_record_type) is set in `types`. */
bool hp_trace_next_of(const hp_trace *trace, hp_trace_cursor *cursor, unsigned types, hp_record *ret);
/* The packet record of that number (from 1); walks the log from the start. False when there is none. */
bool hp_trace_find_packet(const hp_trace *trace, uint32_t number, hp_record *ret);
/* A cursor at the present end: hp_trace_next() then gives what is appended from now on. */
hp_trace_cursor hp_trace_tail(const hp_trace *trace);
uint64_t hp_trace_n_records(const hp_trace *trace);
uint32_t hp_trace_n_packets(const hp_trace *trace);
/* Time of the last record, 0 when empty. */
hp_time hp_trace_end(const hp_trace *trace);
/* The i-th field of an event record (key is interned text). False past the last. */
bool hp_record_field(const hp_record *r, unsigned i, hp_field *ret);
/* All fields in order, in one pass. */
typedef struct hp_record_iter {
    const hp_record *record;
    size_t at;
    unsigned n;
} hp_record_iter;
static inline void hp_record_iter_init(hp_record_iter *iter, const hp_record *r)
{
    *iter = (hp_record_iter){.record = r};
}
bool hp_record_iter_next(hp_record_iter *iter, hp_field *ret);
/* By key. u64 reads u, i and t fields; 0, "" or the zero address when absent. */
bool hp_record_find(const hp_record *r, const char *key, hp_field *ret);
uint64_t hp_record_u64(const hp_record *r, const char *key);
const char *hp_record_text(const hp_record *r, const char *key);
hp_addr hp_record_addr(const hp_record *r, const char *key);

/* A packet record as a protocol match sees it. */
hp_match_subject hp_record_subject(const hp_record *r);

/* ---- writing it out (pcapng.c, jsonl.c) ---- */

/* pcapng: one section, one interface a tap (if_name, raw IP link type 101, nanoseconds), a name resolution block,
 * a decryption secrets block when DTLS was keyed, an enhanced packet block a packet with direction flags and, as
 * comments, drops and notes that speak of it. Run time 0 is HP_EPOCH_S on the capture's clock. Bytes depend on the
 * trace alone. The file appears under its name only when it is whole. False and HP_ERROR_IO naming the path. */
bool hp_trace_write_pcapng(const hp_trace *trace, const char *path, const char *comment, GError **error);
/* events.jsonl: {"at":ns,"event":"ice-state","subject":"alice",...} a line; drops and notes too, packets and
 * media records not. */
bool hp_trace_write_events(const hp_trace *trace, const char *path, GError **error);

#endif
