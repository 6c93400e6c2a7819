/* The reading half of the trace: views of records, straight from the mapping.
 *
 * A reader may be another process than the writer, after the writer died. Two things can then be wrong: the last
 * record may be unfinished (it is not visible, see log.h), and the software under test may have written over the
 * mapping with a wild pointer before it crashed. So every size and reference is checked against the end of the log
 * before it is followed; the log then reads as ending where it stops making sense. The checks keep reads inside the
 * mapping; they cannot tell a changed byte from a true one. */
#include "trace/trace.h"

#include <string.h>

#include "trace/log.h"

/* Bytes a record of that kind has at least. */
static const uint32_t least_size[] = {
    [HP_LOG_PACKET] = sizeof(hp_log_packet), [HP_LOG_DROP] = sizeof(hp_log_drop) + 8,
    [HP_LOG_NOTE] = sizeof(hp_log_note) + 8, [HP_LOG_EVENT] = sizeof(hp_log_event),
    [HP_LOG_MEDIA] = sizeof(hp_log_media),   [HP_LOG_STRING] = sizeof(hp_log_string) + 8,
    [HP_LOG_NAME] = sizeof(hp_log_name),
};
G_STATIC_ASSERT(G_N_ELEMENTS(least_size) == HP_LOG_N_KINDS);

static bool head_is_sound(const hp_log_head *head, uint64_t room)
{
    return head->size <= room && head->size % 8 == 0 && head->kind < HP_LOG_N_KINDS &&
           head->size >= least_size[head->kind];
}

uint64_t hp_log_end(const hp_trace *trace)
{
    const uint64_t last = hp_log_last(trace);
    if (last < HP_LOG_RECORDS || last % 8 != 0 || last > trace->size - sizeof(hp_log_head)) {
        return HP_LOG_RECORDS;
    }
    const hp_log_head *head = hp_log_head_at(trace, last);
    return head_is_sound(head, trace->size - last) ? last + head->size : HP_LOG_RECORDS;
}

const hp_log_head *hp_log_checked(const hp_trace *trace, uint64_t offset, uint64_t end)
{
    if (offset < HP_LOG_RECORDS || offset > end || end - offset < sizeof(hp_log_head)) {
        return NULL;
    }
    const hp_log_head *head = hp_log_head_at(trace, offset);
    return head_is_sound(head, end - offset) ? head : NULL;
}

/* True when `length` bytes and their NUL are inside a record that leaves `room` bytes for them. */
static bool text_is_sound(const char *text, uint32_t length, uint64_t room)
{
    return length < room && text[length] == '\0';
}

const char *hp_log_text(const uint8_t *base, uint64_t end, uint32_t ref)
{
    const uint64_t offset = (uint64_t)ref * 8;
    if (offset < HP_LOG_RECORDS || offset > end || end - offset < sizeof(hp_log_string) + 8) {
        return "";
    }
    const hp_log_string *s = (const hp_log_string *)(const void *)(base + offset);
    if (s->head.kind != HP_LOG_STRING || !text_is_sound(s->text, s->length, end - offset - sizeof *s)) {
        return "";
    }
    return s->text;
}

/* ---- taps ---- */

unsigned hp_trace_n_taps(const hp_trace *trace)
{
    const uint32_t n = __atomic_load_n(&trace->log->n_taps, __ATOMIC_ACQUIRE);
    return MIN(n, HP_TRACE_MAX_TAPS);
}

const char *hp_trace_tap_name(const hp_trace *trace, uint32_t tap)
{
    if (tap >= hp_trace_n_taps(trace)) {
        return "";
    }
    const uint32_t *table = (const uint32_t *)(const void *)(trace->base + HP_LOG_TAPS);
    return hp_log_text(trace->base, hp_log_end(trace), table[tap]);
}

/* ---- records ---- */

static bool view_packet(const hp_log_packet *r, hp_record *ret)
{
    if (r->length > r->head.size - sizeof *r || r->payload_length > r->length) {
        return false;
    }
    const bool has_payload = (r->flags & HP_LOG_F_PAYLOAD) != 0;
    ret->packet.number = r->head.packets;
    ret->packet.tap = r->tap;
    ret->packet.dir = (r->flags & HP_LOG_F_IN) != 0 ? HP_DIR_IN : HP_DIR_OUT;
    ret->packet.uid = r->uid;
    ret->packet.src = r->src;
    ret->packet.dst = r->dst;
    ret->packet.proto = r->proto;
    ret->packet.ttl = r->ttl;
    ret->packet.tos = r->tos;
    ret->packet.icmp_kind = r->icmp_kind;
    ret->packet.fragment = (r->flags & HP_LOG_F_FRAGMENT) != 0;
    ret->packet.corrupt = (r->flags & HP_LOG_F_CORRUPT) != 0;
    ret->packet.bytes = r->bytes;
    ret->packet.length = r->length;
    ret->packet.payload = has_payload ? r->bytes + (r->length - r->payload_length) : NULL;
    ret->packet.payload_length = has_payload ? r->payload_length : 0;
    return true;
}

static bool view_drop(const hp_trace *trace, uint64_t end, const hp_log_drop *r, hp_record *ret)
{
    if (!text_is_sound(r->detail, r->detail_length, r->head.size - sizeof *r) || r->reason >= HP_DROP_N) {
        return false;
    }
    ret->drop.place = hp_log_text(trace->base, end, r->place);
    ret->drop.detail = r->detail;
    ret->drop.reason = (hp_drop_reason)r->reason;
    ret->drop.uid = r->uid;
    ret->drop.packet = r->packet;
    ret->drop.src = r->src;
    ret->drop.dst = r->dst;
    ret->drop.proto = (uint8_t)r->proto;
    return true;
}

static bool view_event(const hp_trace *trace, uint64_t end, const hp_log_event *r, hp_record *ret)
{
    if (r->kind >= HP_EV_N) {
        return false;
    }
    ret->event.kind = (hp_event_kind)r->kind;
    ret->event.subject = hp_log_text(trace->base, end, r->subject);
    ret->event.n_fields = r->n_fields;
    ret->event.fields = r->fields;
    ret->event.fields_size = r->head.size - sizeof *r;
    ret->event.offset = (uint64_t)(r->fields - trace->base);
    return true;
}

/* Fills ret from a visible record whose head is sound. */
static bool view(const hp_trace *trace, uint64_t end, const hp_log_head *head, hp_record *ret)
{
    ret->type = (hp_record_type)head->kind;
    ret->at = head->at;
    ret->index = head->records - 1;
    switch ((hp_log_kind)head->kind) {
    case HP_LOG_PACKET:
        return view_packet((const hp_log_packet *)(const void *)head, ret);
    case HP_LOG_DROP:
        return view_drop(trace, end, (const hp_log_drop *)(const void *)head, ret);
    case HP_LOG_NOTE: {
        const hp_log_note *r = (const hp_log_note *)(const void *)head;
        if (!text_is_sound(r->text, r->length, r->head.size - sizeof *r)) {
            return false;
        }
        ret->note.packet = r->packet;
        ret->note.text = r->text;
        return true;
    }
    case HP_LOG_EVENT:
        return view_event(trace, end, (const hp_log_event *)(const void *)head, ret);
    case HP_LOG_MEDIA:
        ret->media = ((const hp_log_media *)(const void *)head)->media;
        return ret->media.kind < HP_MEDIA_RECORD_N;
    case HP_LOG_STRING:
    case HP_LOG_NAME:
    case HP_LOG_N_KINDS:
        break;
    }
    return false;
}

hp_trace_cursor hp_trace_tail(const hp_trace *trace)
{
    return (hp_trace_cursor){.offset = hp_log_end(trace), .index = hp_trace_n_records(trace)};
}

bool hp_trace_next(const hp_trace *trace, hp_trace_cursor *cursor, hp_record *ret)
{
    return hp_trace_next_of(trace, cursor, ~0u, ret);
}

bool hp_trace_next_of(const hp_trace *trace, hp_trace_cursor *cursor, unsigned types, hp_record *ret)
{
    const uint64_t end = hp_log_end(trace);
    uint64_t offset = cursor->offset != 0 ? cursor->offset : HP_LOG_RECORDS;
    types &= (1u << HP_LOG_STRING) - 1; /* strings and names are hidden */
    const hp_log_head *head;
    while ((head = hp_log_checked(trace, offset, end)) != NULL) {
        offset += head->size;
        if ((types >> head->kind & 1) != 0) {
            if (!view(trace, end, head, ret)) {
                return false;
            }
            cursor->offset = offset;
            cursor->index = ret->index + 1;
            return true;
        }
        if (head->kind < HP_LOG_STRING) {
            cursor->offset = offset;
            cursor->index = head->records;
        }
    }
    return false;
}

bool hp_trace_find_packet(const hp_trace *trace, uint32_t number, hp_record *ret)
{
    if (number == 0) {
        return false;
    }
    const uint64_t end = hp_log_end(trace);
    uint64_t offset = HP_LOG_RECORDS;
    const hp_log_head *head;
    while ((head = hp_log_checked(trace, offset, end)) != NULL) {
        if (head->kind == HP_LOG_PACKET && head->packets == number) {
            hp_record record;
            if (!view(trace, end, head, &record)) {
                return false;
            }
            *ret = record;
            return true;
        }
        offset += head->size;
    }
    return false;
}

static const hp_log_head *last_head(const hp_trace *trace)
{
    return hp_log_checked(trace, hp_log_last(trace), hp_log_end(trace));
}

uint64_t hp_trace_n_records(const hp_trace *trace)
{
    const hp_log_head *head = last_head(trace);
    return head != NULL ? head->records : 0;
}

uint32_t hp_trace_n_packets(const hp_trace *trace)
{
    const hp_log_head *head = last_head(trace);
    return head != NULL ? head->packets : 0;
}

hp_time hp_trace_end(const hp_trace *trace)
{
    const hp_log_head *head = last_head(trace);
    return head != NULL ? head->at : 0;
}

/* ---- fields ---- */

/* Reads the field at *at, and moves *at past it. */
static bool next_field(const hp_record *r, size_t *at, hp_field *ret)
{
    const uint8_t *fields = r->event.fields;
    if (r->event.fields_size - *at < sizeof(hp_log_field)) {
        return false;
    }
    const hp_log_field *f = (const hp_log_field *)(const void *)(fields + *at);
    const size_t size = (size_t)(f->meta >> 8) * 8;
    if (size < 8 || size > r->event.fields_size - *at - sizeof *f) {
        return false;
    }
    hp_field field = {0};
    field.type = (char)(f->meta & 0xff);
    field.key = hp_log_text(fields - r->event.offset, r->event.offset, f->key);
    if (field.type == 's') {
        if (f->value[size - 1] != '\0') {
            return false;
        }
        field.s = (const char *)f->value;
    } else if (field.type == 'a') {
        if (size < sizeof field.a) {
            return false;
        }
        memcpy(&field.a, f->value, sizeof field.a);
    } else {
        memcpy(&field.u, f->value, 8);
    }
    *at += sizeof *f + size;
    *ret = field;
    return true;
}

bool hp_record_iter_next(hp_record_iter *iter, hp_field *ret)
{
    const hp_record *r = iter->record;
    if (r->type != HP_RECORD_EVENT || iter->n >= r->event.n_fields || !next_field(r, &iter->at, ret)) {
        return false;
    }
    iter->n++;
    return true;
}

bool hp_record_field(const hp_record *r, unsigned i, hp_field *ret)
{
    hp_record_iter iter;
    hp_record_iter_init(&iter, r);
    hp_field field;
    while (hp_record_iter_next(&iter, &field)) {
        if (iter.n == i + 1) {
            *ret = field;
            return true;
        }
    }
    return false;
}

bool hp_record_find(const hp_record *r, const char *key, hp_field *ret)
{
    hp_record_iter iter;
    hp_record_iter_init(&iter, r);
    hp_field field;
    while (hp_record_iter_next(&iter, &field)) {
        if (strcmp(field.key, key) == 0) {
            *ret = field;
            return true;
        }
    }
    return false;
}

uint64_t hp_record_u64(const hp_record *r, const char *key)
{
    hp_field field;
    return hp_record_find(r, key, &field) && field.type != 's' && field.type != 'a' ? field.u : 0;
}

const char *hp_record_text(const hp_record *r, const char *key)
{
    hp_field field;
    return hp_record_find(r, key, &field) && field.type == 's' ? field.s : "";
}

hp_addr hp_record_addr(const hp_record *r, const char *key)
{
    hp_field field;
    return hp_record_find(r, key, &field) && field.type == 'a' ? field.a : (hp_addr){0};
}

/* ---- packets ---- */

/* Where a whole TCP segment goes on behind its ports: our captures have no IP options and no extension headers but that
 * of a fragment. NULL for other packets. */
static const uint8_t *segment_of(const hp_record *r, size_t *ret_length)
{
    const size_t start = (r->packet.src.family == HP_AF_IPV4 ? 20 : 40) + 4;
    if (r->packet.proto != HP_PROTO_TCP || r->packet.fragment || r->packet.length < start) {
        return NULL;
    }
    *ret_length = r->packet.length - start;
    return r->packet.bytes + start;
}

hp_match_subject hp_record_subject(const hp_record *r)
{
    g_assert(r->type == HP_RECORD_PACKET);
    size_t segment_length = 0;
    const uint8_t *segment = segment_of(r, &segment_length);
    return (hp_match_subject){
        .src = r->packet.src,
        .dst = r->packet.dst,
        .proto = r->packet.proto,
        .icmp_kind = r->packet.icmp_kind,
        .fragment = r->packet.fragment,
        .corrupt = r->packet.corrupt,
        .payload = r->packet.payload,
        .payload_length = r->packet.payload_length,
        .ttl = r->packet.ttl,
        .tos = r->packet.tos,
        .segment = segment,
        .segment_length = segment_length,
    };
}
