/* Private to report/: an evidence folder read back, as report/write.c left it. Nothing of a file is taken on trust. */
#ifndef HP_REPORT_EVIDENCE_H
#define HP_REPORT_EVIDENCE_H

#include <json-glib/json-glib.h>

#include "base/addr.h"
#include "base/time.h"
#include "trace/event.h"
#include "wire/packet.h"

#define HP_EVIDENCE_RESULT_FORMAT "hairpin-result/1"

/* ---- JSON members that may be missing or of another type (evidence_json.c) ---- */

const char *hp_evidence_text(JsonObject *object, const char *key); /* "" when it is not there, or no text */
uint64_t hp_evidence_u64(JsonObject *object, const char *key); /* 0 */
hp_time hp_evidence_time(JsonObject *object, const char *key); /* HP_NEVER, also for null */
bool hp_evidence_bool(JsonObject *object, const char *key); /* false */
JsonObject *hp_evidence_object(JsonObject *object, const char *key); /* NULL */
/* The objects of an array, in order; other elements are passed over. n is 0 when there is no such array. */
unsigned hp_evidence_n(JsonObject *object, const char *key);
JsonObject *hp_evidence_at(JsonObject *object, const char *key, unsigned i); /* NULL when element i is no object */
/* A whole file that holds one object. NULL and HP_ERROR_IO, or HP_ERROR_INVALID when it is none; the message names the
 * path. */
JsonNode *hp_evidence_load_json(const char *path, GError **error);

/* ---- events.jsonl (evidence_events.c) ---- */

typedef enum hp_evidence_line_kind {
    HP_EVIDENCE_EVENT,
    HP_EVIDENCE_DROP,
    HP_EVIDENCE_OVERFLOW,
    HP_EVIDENCE_OTHER, /* a note, or an event that this version does not know */
} hp_evidence_line_kind;

typedef struct hp_evidence_line {
    hp_evidence_line_kind kind;
    hp_event_kind event; /* of HP_EVIDENCE_EVENT */
    hp_time at;
    const char *subject;
    JsonObject *object;
} hp_evidence_line;

typedef void (*hp_evidence_line_fn)(const hp_evidence_line *line, void *user);

/* Gives every line to fn in turn. False and HP_ERROR_IO, or HP_ERROR_INVALID naming path and line at the first line that
 * is none of ours, after those before it were given. */
bool hp_evidence_read_events(const char *path, hp_evidence_line_fn fn, void *user, GError **error);

/* ---- trace.pcapng (evidence_pcapng.c) ---- */

typedef struct hp_evidence_packet {
    uint32_t number; /* from 1, as everywhere */
    hp_time at;
    unsigned tap; /* in the order the taps were told */
    bool inwards;
    const hp_packet *packet; /* NULL: bytes that are no IP packet */
    uint32_t length; /* of the IP packet */
} hp_evidence_packet;

typedef struct hp_evidence_capture {
    void (*tap)(const char *name, void *user);
    void (*name)(const char *name, const hp_addr *addr, void *user); /* after the taps, before the packets */
    bool (*packet)(const hp_evidence_packet *packet, void *user); /* false: enough */
    bool (*wanted)(uint32_t number, void *user); /* NULL: all are; of others `packet` is not told */
} hp_evidence_capture;

/* One pass over the file, up to where it is enough. False and HP_ERROR_IO, or HP_ERROR_INVALID when it is no capture of ours or ends in the middle
 * of a block, after what stands before was told. */
bool hp_evidence_read_capture(const char *path, const hp_evidence_capture *fns, void *user, GError **error);

#endif
