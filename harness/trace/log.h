/* How a trace lies in its mapping; private to trace/.
 *
 *   0        hp_log            one page: the commit mark, and counts that only grow
 *   4096     uint32_t[]        the tap table: references to names, in order of creation
 *   ...      records           each a hp_log_head and what its kind adds, 8-byte aligned, without gaps
 *
 * A record becomes visible in one store: hp_log.last takes its offset. Everything a reader wants to know about the log
 * as a whole (how many records and packets, the latest time, where the log ends) is in the head of the last record, so
 * that it changes with that same store, and a writer killed between any two instructions leaves a whole log.
 *
 * A reference is the offset of a string record divided by 8. Strings are records too, written before whatever speaks
 * of them, and hidden from readers, as are address names. */
#ifndef HP_TRACE_LOG_H
#define HP_TRACE_LOG_H

#include "trace/trace.h"

#define HP_LOG_MAGIC UINT64_C(0x31676f4c6e697048) /* "HpinLog1" */

typedef struct hp_log {
    uint64_t magic;
    uint64_t last; /* offset of the last record, 0 = none; stored last, with release order */
    uint64_t lost; /* records that found no room */
    uint64_t generation; /* counts resets, so that a process knows its caches of references are stale */
    uint64_t filled; /* offset up to which pages are known to be there; resets keep them */
    uint32_t n_taps; /* stored after the entry it makes visible */
} hp_log;

#define HP_LOG_TAPS UINT64_C(4096)
#define HP_LOG_RECORDS (HP_LOG_TAPS + HP_TRACE_MAX_TAPS * sizeof(uint32_t))

/* The first five are the public kinds, in the order of hp_record_type. */
typedef enum hp_log_kind {
    HP_LOG_PACKET,
    HP_LOG_DROP,
    HP_LOG_NOTE,
    HP_LOG_EVENT,
    HP_LOG_MEDIA,
    HP_LOG_STRING,
    HP_LOG_NAME,
    HP_LOG_N_KINDS
} hp_log_kind;

typedef struct hp_log_head {
    uint32_t size; /* of the whole record, a multiple of 8 */
    uint32_t kind; /* hp_log_kind */
    uint32_t records; /* visible records up to here, this one included */
    uint32_t packets; /* the same of packets; a packet record's own number */
    hp_time at; /* of a hidden record: the time of the record before it */
} hp_log_head;

enum { HP_LOG_F_IN = 1, HP_LOG_F_FRAGMENT = 2, HP_LOG_F_CORRUPT = 4, HP_LOG_F_PAYLOAD = 8 };

typedef struct hp_log_packet {
    hp_log_head head;
    uint64_t uid;
    hp_addr src, dst;
    uint32_t tap;
    uint32_t length, payload_length; /* the payload is the tail of bytes when F_PAYLOAD is set */
    uint8_t proto, ttl, tos, icmp_kind;
    uint32_t flags; /* HP_LOG_F_* */
    uint32_t reserved;
    uint8_t bytes[];
} hp_log_packet;

typedef struct hp_log_drop {
    hp_log_head head;
    uint64_t uid;
    hp_addr src, dst;
    uint32_t packet;
    uint32_t place; /* reference */
    uint32_t reason;
    uint32_t proto;
    uint32_t detail_length;
    uint32_t reserved;
    char detail[]; /* NUL-terminated, as all text here */
} hp_log_drop;

typedef struct hp_log_note {
    hp_log_head head;
    uint32_t packet, length;
    char text[];
} hp_log_note;

typedef struct hp_log_event {
    hp_log_head head;
    uint16_t kind, n_fields;
    uint32_t subject; /* reference */
    uint8_t fields[]; /* of hp_log_field */
} hp_log_event;

typedef struct hp_log_field {
    uint32_t key; /* reference */
    uint32_t meta; /* type in the low byte, the value's length in 8-byte words above */
    uint8_t value[]; /* 8 bytes, or an hp_addr and 4 zero bytes, or text with its NUL, padded with zeroes */
} hp_log_field;

typedef struct hp_log_media {
    hp_log_head head;
    hp_media_record media;
} hp_log_media;

typedef struct hp_log_string {
    hp_log_head head;
    uint32_t hash, length;
    char text[];
} hp_log_string;

typedef struct hp_log_name {
    hp_log_head head;
    hp_addr addr;
    uint32_t name; /* reference */
} hp_log_name;

typedef struct hp_log_ref {
    uint32_t hash, ref; /* ref 0 = free slot */
} hp_log_ref;

/* A direct-mapped cache from a text's place in memory to its reference, checked against the text on every use (a
 * caller's buffer may hold another word by then). */
enum { HP_LOG_N_SEEN = 512 };
typedef struct hp_log_seen {
    const char *text;
    uint32_t ref;
} hp_log_seen;

/* One process's handle on the mapping. Everything but log is a cache that can be made again from the mapping. */
struct hp_trace {
    union {
        hp_log *log;
        uint8_t *base;
    };
    uint64_t size; /* of the mapping */
    uint64_t generation; /* of the caches below */
    int fd; /* of the mapping's memory */
    uint64_t ready; /* from here on pages may have to be found first; UINT64_MAX: that is left to chance */
    bool sealed; /* this process writes nothing more */
    hp_log_seen seen[HP_LOG_N_SEEN];
    hp_log_ref *refs; /* open addressing over the hash */
    uint32_t n_refs, refs_mask;
    GHashTable *taps; /* name in the mapping -> number + 1 */
    uint32_t n_taps; /* how many of the mapping's taps are in there */
};

static inline uint64_t hp_log_last(const hp_trace *trace)
{
    return __atomic_load_n(&trace->log->last, __ATOMIC_ACQUIRE);
}
static inline const hp_log_head *hp_log_head_at(const hp_trace *trace, uint64_t offset)
{
    return (const hp_log_head *)(const void *)(trace->base + offset);
}
static inline const hp_log_string *hp_log_string_at(const hp_trace *trace, uint32_t ref)
{
    return (const hp_log_string *)(const void *)(trace->base + (uint64_t)ref * 8);
}

/* ---- writing (log.c) ---- */

/* Where the next record goes, when `need` bytes fit there; else counts a loss and returns NULL. Its head continues the
 * last record's counts and time. */
void *hp_log_begin(hp_trace *trace, uint64_t need);
/* Bytes from a begun record to the end of the mapping, a multiple of 8. */
uint64_t hp_log_room_after(const hp_trace *trace, const void *record);
/* Makes a hidden record of that size part of the log. */
void hp_log_commit(hp_trace *trace, hp_log_head *head, hp_log_kind kind, size_t size);
/* The same for a record that readers see. */
void hp_log_commit_visible(hp_trace *trace, hp_log_head *head, hp_log_kind kind, size_t size, hp_time at);
/* Counts a record that found no room; the log ends here. */
void hp_log_lose(hp_trace *trace);
/* A reference to text (NULL counts as ""), 0 when there was no room for it. */
uint32_t hp_log_intern(hp_trace *trace, const char *text);
/* Text of that length as it will be kept: cut at the cap, but not inside a UTF-8 sequence. */
uint32_t hp_log_kept_length(const char *text, size_t length);
/* What text takes with its NUL, in whole words; and how it is written there. */
size_t hp_log_padded_text(uint32_t length);
void hp_log_put_text(char *to, const char *text, uint32_t length);

/* ---- reading (read.c) ---- */

/* Text behind a reference, "" when the reference cannot be right (the mapping was scribbled on by the software under
 * test). `end`: where the log ends. */
const char *hp_log_text(const uint8_t *base, uint64_t end, uint32_t ref);
/* The record at offset if it is whole and inside the log, else NULL. */
const hp_log_head *hp_log_checked(const hp_trace *trace, uint64_t offset, uint64_t end);
/* Where the log ends: the first byte after the last record. */
uint64_t hp_log_end(const hp_trace *trace);

#endif
