/* Theory of operation: a k-way merge over logs that others are still writing.
 *
 * Of each source the next visible record is looked at and kept (`ahead`) until its turn comes. The source whose record is
 * earliest gives records until another's is earlier: most records are packets of one source, and come in long stretches.
 *
 * References point into the source's own strings, and are made anew: events are read field by field and written as any
 * event is; the names of taps are looked up once a tap. Packets, the bulk, are copied as they lie there. Names of
 * addresses are hidden records without a time of their own and are taken on sight.
 *
 * The sources are written by processes that run foreign software and may scribble over them: everything is read through
 * the checks of read.c, and a source that stops making sense has ended. */
#include "trace/merge.h"

#include <string.h>

#include "trace/log.h"

enum { MAX_FIELDS = 32 };

typedef struct source {
    const hp_trace *trace;
    uint64_t offset; /* where the next record is looked for */
    hp_record ahead;
    const hp_log_head *head; /* of `ahead`, in the log */
    bool has_ahead;
    GArray *taps; /* of uint32_t: number in there -> number in the merged trace */
} source;

struct hp_trace_merge {
    hp_trace *into;
    GArray *sources;
    hp_time end; /* of the run; HP_NEVER while it goes on */
    hp_trace_merge_stats stats;
};

hp_trace_merge *hp_trace_merge_new(hp_trace *into)
{
    hp_trace_merge *merge = g_new0(hp_trace_merge, 1);
    merge->into = into;
    merge->end = HP_NEVER;
    merge->sources = g_array_new(FALSE, TRUE, sizeof(source));
    return merge;
}

static source *source_at(const hp_trace_merge *merge, unsigned i)
{
    return &g_array_index(merge->sources, source, i);
}

void hp_trace_merge_free(hp_trace_merge *merge)
{
    if (merge == NULL) {
        return;
    }
    for (unsigned i = 0; i < merge->sources->len; i++) {
        g_array_unref(source_at(merge, i)->taps);
    }
    g_array_unref(merge->sources);
    g_free(merge);
}

void hp_trace_merge_add(hp_trace_merge *merge, const hp_trace *from)
{
    const source s = {.trace = from, .offset = HP_LOG_RECORDS, .taps = g_array_new(FALSE, FALSE, sizeof(uint32_t))};
    g_array_append_val(merge->sources, s);
}

/* ---- looking ahead ---- */

static void take_name(hp_trace_merge *merge, const source *s, const hp_log_head *head, uint64_t end)
{
    const hp_log_name *r = (const hp_log_name *)(const void *)head;
    hp_trace_name_address(merge->into, hp_log_text(s->trace->base, end, r->name), &r->addr);
}

/* `ahead` of a run that has ended: media after the end is left out, what else was told later bears its time. */
static void hold_to_end(const hp_trace_merge *merge, source *s)
{
    s->has_ahead = s->ahead.at <= merge->end || s->ahead.type != HP_RECORD_MEDIA;
    s->ahead.at = MIN(s->ahead.at, merge->end);
}

/* True when `ahead` holds the source's next record. */
static bool look_ahead(hp_trace_merge *merge, source *s, bool packets)
{
    const uint64_t end = hp_log_end(s->trace);
    const hp_log_head *head;
    while (!s->has_ahead && (head = hp_log_checked(s->trace, s->offset, end)) != NULL) {
        hp_trace_cursor cursor = {.offset = s->offset};
        s->offset += head->size;
        if (head->kind == HP_LOG_NAME) {
            take_name(merge, s, head, end);
        } else if (head->kind < HP_LOG_STRING && (packets || head->kind != HP_LOG_PACKET)) {
            if (!hp_trace_next(s->trace, &cursor, &s->ahead)) {
                s->offset = UINT64_MAX; /* it makes no sense any more */
                return false;
            }
            s->head = head;
            hold_to_end(merge, s);
        }
    }
    return s->has_ahead;
}

/* ---- appending ---- */

static uint32_t tap_in_merged(hp_trace_merge *merge, source *s, uint32_t tap)
{
    while (s->taps->len <= tap && s->taps->len < hp_trace_n_taps(s->trace)) {
        const uint32_t merged = hp_trace_tap(merge->into, hp_trace_tap_name(s->trace, s->taps->len));
        g_array_append_val(s->taps, merged);
    }
    return tap < s->taps->len ? g_array_index(s->taps, uint32_t, tap) : hp_trace_tap(merge->into, "");
}

static void append_packet(hp_trace_merge *merge, source *s)
{
    const uint32_t tap = tap_in_merged(merge, s, s->ahead.packet.tap);
    const size_t size = (sizeof(hp_log_packet) + s->ahead.packet.length + 7) / 8 * 8;
    hp_log_packet *r = hp_log_begin(merge->into, size);
    if (r == NULL) {
        return;
    }
    memcpy((uint8_t *)r + sizeof r->head, (const uint8_t *)s->head + sizeof r->head, size - sizeof r->head);
    r->tap = tap;
    r->head.packets++;
    hp_log_commit_visible(merge->into, &r->head, HP_LOG_PACKET, size, s->ahead.at);
}

static void append_drop(hp_trace_merge *merge, const hp_record *record)
{
    const hp_packet dropped = {.uid = record->drop.uid,
                               .src = record->drop.src,
                               .dst = record->drop.dst,
                               .proto = record->drop.proto,
                               .last_record = record->drop.packet};
    hp_trace_drop(merge->into, record->at, record->drop.place, &dropped, record->drop.reason, record->drop.detail);
}

static void append_event(hp_trace_merge *merge, const hp_record *record)
{
    hp_field fields[MAX_FIELDS];
    unsigned n = 0;
    hp_record_iter iter;
    hp_record_iter_init(&iter, record);
    while (n < MAX_FIELDS && hp_record_iter_next(&iter, &fields[n])) {
        n++;
    }
    hp_trace_event_fields(merge->into, record->at, record->event.kind, record->event.subject, fields, n);
}

static void append(hp_trace_merge *merge, source *s)
{
    const hp_record *record = &s->ahead;
    const hp_time end = hp_trace_end(merge->into);
    merge->stats.records++;
    if (record->at < end) {
        merge->stats.late++;
        merge->stats.worst = MAX(merge->stats.worst, end - record->at);
    }
    switch (record->type) {
    case HP_RECORD_PACKET:
        append_packet(merge, s);
        break;
    case HP_RECORD_DROP:
        append_drop(merge, record);
        break;
    case HP_RECORD_NOTE:
        hp_trace_note(merge->into, record->at, record->note.packet, record->note.text);
        break;
    case HP_RECORD_EVENT:
        append_event(merge, record);
        break;
    case HP_RECORD_MEDIA:
        hp_trace_media(merge->into, record->at, &record->media);
        break;
    }
    s->has_ahead = false;
}

/* The source whose next record is the earliest and not after `until`, or NULL. *ret_limit: up to where it is alone: the
 * time of the next one's, and whether that one goes first at the same time. */
static source *earliest(hp_trace_merge *merge, hp_time until, hp_time *ret_limit, bool *ret_open)
{
    int best = -1, second = -1;
    for (unsigned i = 0; i < merge->sources->len; i++) {
        if (!look_ahead(merge, source_at(merge, i), i == 0) || source_at(merge, i)->ahead.at > until) {
            continue;
        }
        if (best < 0 || source_at(merge, i)->ahead.at < source_at(merge, (unsigned)best)->ahead.at) {
            second = best;
            best = (int)i;
        } else if (second < 0 || source_at(merge, i)->ahead.at < source_at(merge, (unsigned)second)->ahead.at) {
            second = (int)i;
        }
    }
    *ret_limit = second >= 0 ? source_at(merge, (unsigned)second)->ahead.at : until;
    *ret_open = second < 0 || second > best;
    return best >= 0 ? source_at(merge, (unsigned)best) : NULL;
}

bool hp_trace_merge_run(hp_trace_merge *merge, hp_time until, uint64_t most)
{
    const uint64_t stop = most > UINT64_MAX - merge->stats.records ? UINT64_MAX : merge->stats.records + most;
    hp_time limit;
    bool open;
    source *s;
    while ((s = earliest(merge, until, &limit, &open)) != NULL) {
        const bool packets = s == source_at(merge, 0);
        do {
            if (merge->stats.records == stop) {
                return false;
            }
            append(merge, s);
        } while (look_ahead(merge, s, packets) && (s->ahead.at < limit || (open && s->ahead.at == limit)));
    }
    return true;
}

void hp_trace_merge_close(hp_trace_merge *merge, hp_time end)
{
    merge->end = end;
    for (unsigned i = 0; i < merge->sources->len; i++) {
        source *s = source_at(merge, i);
        if (s->has_ahead) { /* looked at before it had ended */
            hold_to_end(merge, s);
        }
    }
    hp_trace_merge_run(merge, HP_NEVER, UINT64_MAX);
}

hp_trace_merge_stats hp_trace_merge_get_stats(const hp_trace_merge *merge)
{
    return merge->stats;
}
