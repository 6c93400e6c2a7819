/* What happens in the middle: `mappings` of NATs and what TURN servers `relayed`.
 *
 * mappings: count is those created in the window, or with `ended` those that ended in it for that reason;
 * external-ports is how many distinct external addresses and ports those had, each protocol apart; at-end is how many
 * were alive at the window's end, whenever they were created.
 *
 * relayed: allocations made in the window, and the packets and bytes, both ways, of those that ended in it. A server
 * reports what is still alive when the run ends; a trace that breaks off lacks those figures, and the text says so. */
#include <string.h>

#include "check/expectation.h"

/* ---- mappings ---- */

typedef struct external {
    hp_addr addr;
    uint8_t proto[8]; /* the protocol's name, zero-padded: the key is compared as bytes */
} external;

static guint external_hash(gconstpointer p)
{
    const external *x = p;
    const uint64_t h = hp_addr_hash(&x->addr) ^ x->proto[0];
    return (guint)(h ^ h >> 32);
}

static gboolean external_equal(gconstpointer a, gconstpointer b)
{
    return memcmp(a, b, sizeof(external)) == 0;
}

typedef struct mappings {
    hp_tally count, ports;
    uint64_t created, ended; /* in the run, up to the window's end */
    uint64_t ended_otherwise; /* in the window, for another reason than asked for */
    GHashTable *externals; /* external* -> itself; NULL when not asked for */
} mappings;

static bool mappings_init(hp_expectation *e, GError **error)
{
    mappings *m = e->state;
    const hp_expect *x = e->expect;
    const bool asks_more = x->mappings.at_end.set || x->mappings.external_ports.set;
    hp_tally_init(&m->count, &x->mappings.count, asks_more ? 0 : 1);
    hp_tally_init(&m->ports, &x->mappings.external_ports, 0);
    if (x->mappings.external_ports.set) {
        m->externals = g_hash_table_new_full(external_hash, external_equal, g_free, NULL);
    }
    return true;
}

static void mappings_clear(hp_expectation *e)
{
    mappings *m = e->state;
    g_clear_pointer(&m->externals, g_hash_table_unref);
}

static void count_external(mappings *m, const hp_record *r)
{
    external key = {.addr = hp_record_addr(r, "external")};
    const char *proto = hp_record_text(r, "proto");
    memcpy(key.proto, proto, MIN(strlen(proto), sizeof key.proto));
    if (!g_hash_table_contains(m->externals, &key)) {
        g_hash_table_add(m->externals, g_memdup2(&key, sizeof key));
        hp_tally_add(&m->ports, 1, r->at, 0);
    }
}

static void mappings_record(hp_expectation *e, const hp_trace *trace, const hp_record *r)
{
    mappings *m = e->state;
    const hp_expect *x = e->expect;
    const bool is_end = r->event.kind == HP_EV_NAT_MAPPING_ENDED;
    if (e->window.closed || (x->mappings.nat != NULL && strcmp(x->mappings.nat, r->event.subject) != 0)) {
        return;
    }
    m->created += !is_end;
    m->ended += is_end;
    if (!e->window.opened || is_end != (x->mappings.ended != NULL)) {
        return;
    }
    if (is_end && strcmp(x->mappings.ended, hp_record_text(r, "reason")) != 0) {
        m->ended_otherwise++;
        return;
    }
    hp_tally_add(&m->count, 1, r->at, 0);
    if (m->externals != NULL) {
        count_external(m, r);
    }
    /* Alive at the end can still change; the others are broken for good once they are above their range. */
    e->fixed = m->count.broken_at != HP_NEVER || m->ports.broken_at != HP_NEVER ||
               (!x->mappings.at_end.set && hp_tally_is_fixed(&m->count) && hp_tally_is_fixed(&m->ports));
}

static void mappings_judge(const hp_expectation *e, hp_judgement *j)
{
    const mappings *m = e->state;
    const hp_expect *x = e->expect;
    const uint64_t alive = m->created > m->ended ? m->created - m->ended : 0;
    if (x->mappings.nat != NULL) {
        g_string_append_printf(j->expected, "%s: ", x->mappings.nat);
    }
    if (x->mappings.ended != NULL) {
        g_string_append_printf(j->expected, "ended by %s ", x->mappings.ended);
    }
    if (x->mappings.count.set || m->count.range.min > 0) {
        hp_text_compare(j->expected, "count",
                        &(hp_compare){m->count.range.min, m->count.range.max, true, m->count.range.unit});
    }
    hp_text_compare(j->expected, "at end", &x->mappings.at_end);
    hp_text_compare(j->expected, "external ports", &x->mappings.external_ports);
    hp_text_window(j->expected, x);

    g_string_append_printf(j->got, "%" G_GUINT64_FORMAT " %s", m->count.value,
                           x->mappings.ended != NULL ? "ended so" : "created");
    if (m->ended_otherwise > 0) {
        g_string_append_printf(j->got, ", %" G_GUINT64_FORMAT " ended otherwise", m->ended_otherwise);
    }
    g_string_append_printf(j->got, ", %" G_GUINT64_FORMAT " alive at the end", alive);
    if (m->externals != NULL) {
        g_string_append_printf(j->got, ", %" G_GUINT64_FORMAT " external ports", m->ports.value);
    }
    if (!hp_tally_holds(&m->count)) {
        hp_tally_judge(&m->count, j);
    } else if (!hp_tally_holds(&m->ports)) {
        hp_tally_judge(&m->ports, j);
    } else if (x->mappings.at_end.set) {
        j->passed = hp_compare_holds(&x->mappings.at_end, (int64_t)alive);
    } else if (x->mappings.external_ports.set) {
        hp_tally_judge(&m->ports, j);
    } else {
        hp_tally_judge(&m->count, j);
    }
}

const hp_expectation_ops hp_expect_mappings_ops = {
    .init = mappings_init,
    .record = mappings_record,
    .judge = mappings_judge,
    .clear = mappings_clear,
    .state_size = sizeof(mappings),
    .events = HP_EVENT_BIT(HP_EV_NAT_MAPPING) | HP_EVENT_BIT(HP_EV_NAT_MAPPING_ENDED),
};

/* ---- relayed ---- */

typedef struct relayed {
    hp_tally allocations, packets, bytes;
    uint64_t open; /* allocations whose end was not seen yet */
} relayed;

static bool relayed_init(hp_expectation *e, GError **error)
{
    relayed *r = e->state;
    const hp_expect *x = e->expect;
    const bool asks = x->relayed.packets.set || x->relayed.bytes.set || x->relayed.allocations.set;
    hp_tally_init(&r->allocations, &x->relayed.allocations, 0);
    hp_tally_init(&r->packets, &x->relayed.packets, asks ? 0 : 1);
    hp_tally_init(&r->bytes, &x->relayed.bytes, 0);
    return true;
}

static void relayed_record(hp_expectation *e, const hp_trace *trace, const hp_record *r)
{
    relayed *x = e->state;
    const bool is_end = r->event.kind == HP_EV_TURN_ALLOCATION_ENDED;
    if (e->expect->relayed.at != NULL && strcmp(e->expect->relayed.at, r->event.subject) != 0) {
        return;
    }
    if (!is_end) {
        x->open++;
    } else if (x->open > 0) {
        x->open--;
    }
    if (!hp_expectation_in_window(e)) {
        return;
    }
    if (!is_end) {
        hp_tally_add(&x->allocations, 1, r->at, 0);
    } else {
        hp_tally_add(&x->packets, hp_record_u64(r, "packets-to-peer") + hp_record_u64(r, "packets-to-client"), r->at,
                     0);
        hp_tally_add(&x->bytes, hp_record_u64(r, "bytes-to-peer") + hp_record_u64(r, "bytes-to-client"), r->at, 0);
    }
    e->fixed = x->allocations.broken_at != HP_NEVER || x->packets.broken_at != HP_NEVER ||
               x->bytes.broken_at != HP_NEVER ||
               (hp_tally_is_fixed(&x->allocations) && hp_tally_is_fixed(&x->packets) && hp_tally_is_fixed(&x->bytes));
}

static void relayed_judge(const hp_expectation *e, hp_judgement *j)
{
    const relayed *x = e->state;
    const hp_expect *expect = e->expect;
    const hp_tally *const tallies[] = {&x->allocations, &x->packets, &x->bytes};
    g_string_append_printf(j->expected, "%s: ", expect->relayed.at != NULL ? expect->relayed.at : "all servers");
    const size_t start = j->expected->len;
    hp_text_compare(j->expected, "packets", &expect->relayed.packets);
    hp_text_compare(j->expected, "bytes", &expect->relayed.bytes);
    hp_text_compare(j->expected, "allocations", &expect->relayed.allocations);
    if (j->expected->len == start) {
        g_string_append(j->expected, "packets >= 1");
    }
    hp_text_window(j->expected, expect);

    hp_text_count(j->got, x->packets.value, "packet", "packets");
    g_string_append_printf(j->got, ", %" G_GUINT64_FORMAT " bytes, ", x->bytes.value);
    hp_text_count(j->got, x->allocations.value, "allocation", "allocations");
    if (x->open > 0) {
        g_string_append_printf(j->got, " (%" G_GUINT64_FORMAT " still open: what they relayed is not known)", x->open);
    }
    const hp_time end = j->ended;
    hp_time last = 0;
    for (unsigned i = 0; i < G_N_ELEMENTS(tallies); i++) {
        j->at = end;
        hp_tally_judge(tallies[i], j);
        if (!j->passed) {
            return;
        }
        if (tallies[i]->range.min > 0 || tallies[i]->range.max != INT64_MAX) {
            last = MAX(last, j->at);
        }
    }
    j->at = last > 0 ? last : end;
}

const hp_expectation_ops hp_expect_relayed_ops = {
    .init = relayed_init,
    .record = relayed_record,
    .judge = relayed_judge,
    .state_size = sizeof(relayed),
    .events = HP_EVENT_BIT(HP_EV_TURN_ALLOCATION) | HP_EVENT_BIT(HP_EV_TURN_ALLOCATION_ENDED),
};
