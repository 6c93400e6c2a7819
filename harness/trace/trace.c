/* The writing half of the trace: packets, drops, notes, events, taps and names of addresses.
 *
 * Each function gathers what its record refers to (strings become records of their own, before it), takes room from
 * the arena (log.c), fills the record and commits it. A record is written whole or not at all; when there is no room
 * for one of its strings, the record is lost too.
 *
 * Time never goes back: a record stamped earlier than the last one takes the last one's time. Packets are numbered
 * from 1 in the order of the log. Every function takes a NULL trace and then does nothing, so that a world can run
 * without one. */
#include "trace/trace.h"

#include <string.h>

#include "trace/log.h"

/* ---- taps and names ---- */

static uint32_t *tap_table(const hp_trace *trace)
{
    return (uint32_t *)(void *)(trace->base + HP_LOG_TAPS);
}

uint32_t hp_trace_tap(hp_trace *trace, const char *name)
{
    if (trace == NULL) {
        return 0;
    }
    const uint32_t ref = hp_log_intern(trace, name);
    const uint32_t n_taps = trace->log->n_taps;
    while (trace->n_taps < n_taps) {
        const char *known = hp_log_string_at(trace, tap_table(trace)[trace->n_taps])->text;
        g_hash_table_insert(trace->taps, (gpointer)known, GUINT_TO_POINTER(++trace->n_taps));
    }
    const uint32_t found = GPOINTER_TO_UINT(g_hash_table_lookup(trace->taps, name));
    if (found != 0) {
        return found - 1;
    }
    if (ref == 0 || trace->sealed) {
        return 0;
    }
    if (n_taps == HP_TRACE_MAX_TAPS) {
        hp_log_lose(trace);
        return 0;
    }
    tap_table(trace)[n_taps] = ref;
    __atomic_store_n(&trace->log->n_taps, n_taps + 1, __ATOMIC_RELEASE);
    trace->n_taps = n_taps + 1;
    g_hash_table_insert(trace->taps, (gpointer)hp_log_string_at(trace, ref)->text, GUINT_TO_POINTER(n_taps + 1));
    return n_taps;
}

void hp_trace_name_address(hp_trace *trace, const char *name, const hp_addr *addr)
{
    if (trace == NULL || addr->family == HP_AF_NONE) {
        return;
    }
    const uint32_t ref = hp_log_intern(trace, name);
    hp_log_name *r = ref != 0 ? hp_log_begin(trace, sizeof *r) : NULL;
    if (r == NULL) {
        return;
    }
    r->addr = hp_addr_with_port(*addr, 0);
    r->name = ref;
    hp_log_commit(trace, &r->head, HP_LOG_NAME, sizeof *r);
}

/* ---- records ---- */

uint32_t hp_trace_packet(hp_trace *trace, hp_time at, uint32_t tap, hp_direction dir, hp_packet *p)
{
    if (trace == NULL) {
        return 0;
    }
    hp_log_packet *r = hp_log_begin(trace, sizeof *r);
    if (r == NULL) {
        return 0;
    }
    /* The codec says whether it fits, so the packet is measured and written in one pass. The mapping ends on a
     * multiple of 8, so there is room for padding too. */
    const uint64_t room = MIN(hp_log_room_after(trace, r) - sizeof *r, UINT64_C(1) << 20);
    const bool summed = p->proto == HP_PROTO_UDP || p->proto == HP_PROTO_TCP;
    if (summed && !p->sum_known && p->frag_total == 0 && p->original_length == 0) {
        p->l4_sum = hp_packet_payload_sum(p); /* a packet is recorded at every tap on its way */
        p->sum_known = true;
    }
    const uint32_t length = (uint32_t)hp_packet_write(p, r->bytes, room);
    if (length == 0) {
        hp_log_lose(trace);
        return 0;
    }
    memset(r->bytes + length, 0, -length & 7);
    r->uid = p->uid;
    r->src = p->src;
    r->dst = p->dst;
    r->tap = tap;
    r->length = length;
    r->proto = p->proto;
    r->ttl = p->ttl;
    r->tos = p->tos;
    r->icmp_kind = p->icmp_kind;
    const bool has_payload = p->proto == HP_PROTO_UDP && p->frag_offset == 0 && p->length <= length;
    r->payload_length = has_payload ? p->length : 0;
    r->flags = (dir == HP_DIR_IN ? HP_LOG_F_IN : 0) | (p->frag_total > 0 ? HP_LOG_F_FRAGMENT : 0) |
               (p->corrupt ? HP_LOG_F_CORRUPT : 0) | (has_payload ? HP_LOG_F_PAYLOAD : 0);
    r->reserved = 0;
    r->head.packets++;
    p->last_record = r->head.packets;
    hp_log_commit_visible(trace, &r->head, HP_LOG_PACKET, (sizeof *r + length + 7) / 8 * 8, at);
    return p->last_record;
}

void hp_trace_drop(hp_trace *trace, hp_time at, const char *place, const hp_packet *p, hp_drop_reason reason,
                   const char *detail)
{
    if (trace == NULL) {
        return;
    }
    const char *text = detail != NULL ? detail : "";
    const uint32_t length = hp_log_kept_length(text, strlen(text));
    const size_t size = sizeof(hp_log_drop) + hp_log_padded_text(length);
    const uint32_t ref = hp_log_intern(trace, place);
    hp_log_drop *r = ref != 0 ? hp_log_begin(trace, size) : NULL;
    if (r == NULL) {
        return;
    }
    r->uid = p->uid;
    r->src = p->src;
    r->dst = p->dst;
    r->packet = p->last_record;
    r->place = ref;
    r->reason = reason;
    r->proto = p->proto;
    r->detail_length = length;
    r->reserved = 0;
    hp_log_put_text(r->detail, text, length);
    hp_log_commit_visible(trace, &r->head, HP_LOG_DROP, size, at);
}

void hp_trace_note(hp_trace *trace, hp_time at, uint32_t packet_number, const char *text)
{
    if (trace == NULL) {
        return;
    }
    const uint32_t length = hp_log_kept_length(text, strlen(text));
    const size_t size = sizeof(hp_log_note) + hp_log_padded_text(length);
    hp_log_note *r = hp_log_begin(trace, size);
    if (r == NULL) {
        return;
    }
    r->packet = packet_number;
    r->length = length;
    hp_log_put_text(r->text, text, length);
    hp_log_commit_visible(trace, &r->head, HP_LOG_NOTE, size, at);
}

void hp_trace_media(hp_trace *trace, hp_time at, const hp_media_record *media)
{
    hp_log_media *r = trace == NULL ? NULL : hp_log_begin(trace, sizeof *r);
    if (r == NULL) {
        return;
    }
    r->media = *media;
    r->media.reserved = 0;
    hp_log_commit_visible(trace, &r->head, HP_LOG_MEDIA, sizeof *r, at);
}

/* Most fields an event has room for, which is far more than the table's longest has. */
enum { MAX_FIELDS = 32 };

void hp_trace_event_fields(hp_trace *trace, hp_time at, hp_event_kind kind, const char *subject, const hp_field *fields,
                           size_t n_fields)
{
    if (trace == NULL) {
        return;
    }
    g_assert(n_fields <= MAX_FIELDS && (unsigned)kind < HP_EV_N);
    uint32_t keys[MAX_FIELDS], lengths[MAX_FIELDS];
    size_t size = sizeof(hp_log_event);
    const uint32_t subject_ref = hp_log_intern(trace, subject);
    bool room = subject_ref != 0;
    for (size_t i = 0; i < n_fields && room; i++) {
        keys[i] = hp_log_intern(trace, fields[i].key);
        room = keys[i] != 0;
        lengths[i] = 0;
        size_t value = 8;
        if (fields[i].type == 's' && fields[i].s != NULL) {
            lengths[i] = hp_log_kept_length(fields[i].s, strlen(fields[i].s));
            value = hp_log_padded_text(lengths[i]);
        } else if (fields[i].type == 'a') {
            value = 24;
        }
        size += sizeof(hp_log_field) + value;
    }
    hp_log_event *r = room ? hp_log_begin(trace, size) : NULL;
    if (r == NULL) {
        return;
    }
    r->kind = (uint16_t)kind;
    r->n_fields = (uint16_t)n_fields;
    r->subject = subject_ref;
    uint8_t *to = r->fields;
    for (size_t i = 0; i < n_fields; i++) {
        hp_log_field *f = (hp_log_field *)(void *)to;
        size_t value = 8;
        if (fields[i].type == 's') {
            value = hp_log_padded_text(lengths[i]);
            hp_log_put_text((char *)f->value, fields[i].s != NULL ? fields[i].s : "", lengths[i]);
        } else if (fields[i].type == 'a') {
            value = 24;
            memcpy(f->value, &fields[i].a, sizeof fields[i].a);
            memset(f->value + sizeof fields[i].a, 0, 4);
        } else {
            memcpy(f->value, &fields[i].u, 8);
        }
        f->key = keys[i];
        f->meta = (uint32_t)(uint8_t)fields[i].type | (uint32_t)(value / 8) << 8;
        to += sizeof *f + value;
    }
    hp_log_commit_visible(trace, &r->head, HP_LOG_EVENT, size, at);
}
