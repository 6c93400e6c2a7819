/* Fields of the packets that a page tells: those of its ladder's entries, and those that expectations name.
 *
 * An expectation's packet need not be an entry's own: of packets that say the same an entry has the first. Such a one is
 * told by itself, decoded, with the entry that it belongs to: one of the same STUN transaction, seen elsewhere on its
 * way; or one between the same two addresses whose time it is in; or else the last one before it in the capture. */
#include <string.h>

#include "report/evidence.h"
#include "report/fields.h"
#include "report/page_private.h"

typedef struct told {
    uint32_t number;
    bool found;
    hp_time at;
    hp_addr src, dst;
} told;

struct hp_page_packets {
    GHashTable *wanted; /* number */
    GHashTable *texts; /* number to JSON, owned */
    GArray *named; /* told: by expectations, each once */
    uint32_t last; /* the highest wanted */
};

static void want(hp_page_packets *p, uint32_t number)
{
    if (number > 0) {
        g_hash_table_add(p->wanted, GUINT_TO_POINTER(number));
        p->last = MAX(p->last, number);
    }
}

/* Those that are no entry's own. */
static void want_named(hp_page_packets *p, JsonObject *result)
{
    for (unsigned i = 0; i < hp_evidence_n(result, "expectations"); i++) {
        const uint64_t packet = hp_evidence_u64(hp_evidence_at(result, "expectations", i), "packet");
        if (packet > 0 && packet <= UINT32_MAX && !g_hash_table_contains(p->wanted, GUINT_TO_POINTER(packet))) {
            const told t = {.number = (uint32_t)packet};
            g_array_append_val(p->named, t);
            want(p, t.number);
        }
    }
}

/* ---- decoding ---- */

static char *fields_text(const hp_fields *f)
{
    hp_output *o = hp_output_memory();
    hp_output_char(o, '[');
    for (unsigned i = 0; i < hp_fields_n(f); i++) {
        hp_output_text(o, i > 0 ? ",[" : "[");
        hp_output_json(o, hp_fields_name(f, i));
        hp_output_char(o, ',');
        hp_output_json(o, hp_fields_value(f, i));
        hp_output_char(o, ']');
    }
    hp_output_char(o, ']');
    return hp_output_take(o, NULL);
}

static void ignore_tap(const char *name, void *user)
{
}

static void ignore_name(const char *name, const hp_addr *addr, void *user)
{
}

static bool is_wanted(uint32_t number, void *user)
{
    const hp_page_packets *p = user;
    return g_hash_table_contains(p->wanted, GUINT_TO_POINTER(number));
}

static bool decode(const hp_evidence_packet *packet, void *user)
{
    const hp_page_packets *p = user;
    if (packet->packet == NULL || !is_wanted(packet->number, user)) {
        return packet->number < p->last;
    }
    g_autoptr(hp_fields) f = hp_fields_new();
    hp_fields_packet(f, packet->packet);
    g_hash_table_insert(p->texts, GUINT_TO_POINTER(packet->number), fields_text(f));
    for (unsigned i = 0; i < p->named->len; i++) {
        told *t = &g_array_index(p->named, told, i);
        if (t->number == packet->number) {
            *t = (told){packet->number, true, packet->at, packet->packet->src, packet->packet->dst};
        }
    }
    return packet->number < p->last;
}

hp_page_packets *hp_page_packets_read(const hp_ladder *ladder, const GArray *kept, JsonObject *result,
                                      const char *folder)
{
    static const hp_evidence_capture fns = {
        .tap = ignore_tap, .name = ignore_name, .packet = decode, .wanted = is_wanted};
    g_autofree char *path = g_build_filename(folder, "trace.pcapng", NULL);
    hp_page_packets *p = g_new0(hp_page_packets, 1);
    p->wanted = g_hash_table_new(NULL, NULL);
    p->texts = g_hash_table_new_full(NULL, NULL, NULL, g_free);
    p->named = g_array_new(FALSE, FALSE, sizeof(told));
    for (unsigned i = 0; i < kept->len; i++) {
        const hp_ladder_entry *e = g_ptr_array_index(ladder->entries, g_array_index(kept, unsigned, i));
        want(p, e->packet);
    }
    want_named(p, result);
    if (p->last > 0) {
        /* Whatever is wrong with the file was told when it was read for the ladder. */
        (void)hp_evidence_read_capture(path, &fns, p, NULL);
    }
    return p;
}

void hp_page_packets_free(hp_page_packets *p)
{
    if (p == NULL) {
        return;
    }
    g_hash_table_unref(p->wanted);
    g_hash_table_unref(p->texts);
    g_array_unref(p->named);
    g_free(p);
}

/* ---- telling ---- */

void hp_page_put_fields(hp_json *j, const hp_page_packets *p, const hp_ladder_entry *e)
{
    const char *known = e->packet > 0 ? g_hash_table_lookup(p->texts, GUINT_TO_POINTER(e->packet)) : NULL;
    hp_json_member(j, "fields");
    if (known != NULL || e->event == NULL) {
        hp_output_text(j->o, known != NULL ? known : "[]");
        return;
    }
    g_autoptr(hp_fields) f = hp_fields_new();
    hp_fields_event(f, e->event);
    g_autofree char *text = fields_text(f);
    hp_output_text(j->o, text);
}

/* What of its fields says of which STUN transaction a packet is; NULL: none. Caller frees. */
static char *transaction_of(const char *fields)
{
    const char *from = strstr(fields, "[\"transaction id\",");
    const char *to = from != NULL ? strchr(from, ']') : NULL;
    return to != NULL ? g_strndup(from, (gsize)(to - from)) : NULL;
}

static bool is_within(const told *t, const hp_ladder_entry *e)
{
    return e->at <= t->at && t->at <= e->last && hp_addr_equal(&e->src, &t->src) && hp_addr_equal(&e->dst, &t->dst);
}

/* The place among the kept ones; -1: none. */
static int entry_of(const hp_page_packets *p, const told *t, const hp_ladder *ladder, const GArray *kept)
{
    g_autofree char *transaction = transaction_of(g_hash_table_lookup(p->texts, GUINT_TO_POINTER(t->number)));
    int same = -1, within = -1, before = -1;
    for (unsigned i = 0; i < kept->len; i++) {
        const hp_ladder_entry *e = g_ptr_array_index(ladder->entries, g_array_index(kept, unsigned, i));
        if (e->packet == 0 || e->packet > t->number) {
            continue;
        }
        const char *text = g_hash_table_lookup(p->texts, GUINT_TO_POINTER(e->packet));
        if (transaction != NULL && text != NULL && strstr(text, transaction) != NULL) {
            same = (int)i;
        }
        if (is_within(t, e)) {
            within = (int)i;
        }
        before = (int)i;
    }
    return same >= 0 ? same : within >= 0 ? within : before;
}

void hp_page_put_packets(hp_json *j, const hp_page_packets *p, const hp_ladder *ladder, const GArray *kept)
{
    hp_json_open(j, "packets", '[');
    for (unsigned i = 0; i < p->named->len; i++) {
        const told *t = &g_array_index(p->named, told, i);
        const char *text = g_hash_table_lookup(p->texts, GUINT_TO_POINTER(t->number));
        if (!t->found) {
            continue; /* the capture has no such packet, or was cut off before it */
        }
        const int entry = entry_of(p, t, ladder, kept);
        hp_json_open(j, NULL, '{');
        hp_json_u64(j, "packet", t->number);
        hp_json_time(j, "at", t->at);
        if (entry >= 0) {
            hp_json_u64(j, "entry", (unsigned)entry);
        } else {
            hp_json_text(j, "entry", NULL);
        }
        hp_json_member(j, "fields");
        hp_output_text(j->o, text);
        hp_json_close(j, '}');
    }
    hp_json_close(j, ']');
}
