/* Flows of numbered datagrams: what was sent, what came, how late.
 *
 * A flow's number is unique in a run, so that an arrival finds its flow whoever received it. A sequence number counts
 * as received once; later copies are duplicates. A datagram is reordered when one with a higher number came before it
 * (RFC 4737 section 3.3 counts the same way); duplicates are not looked at for that. */
#include <string.h>

#include "check/facts.h"

#define MAX_SEQUENCE (UINT64_C(1) << 28) /* a set of bits of 32 MiB */

bool hp_sequences_add(hp_sequences *set, uint64_t sequence)
{
    if (sequence >= MAX_SEQUENCE) {
        return true;
    }
    const uint64_t word = sequence / 64;
    const uint64_t bit = UINT64_C(1) << (sequence % 64);
    if (word >= set->n_words) {
        const uint64_t n = MAX(word + 1, set->n_words * 2);
        set->words = g_renew(uint64_t, set->words, n);
        memset(set->words + set->n_words, 0, (n - set->n_words) * sizeof *set->words);
        set->n_words = n;
    }
    const bool added = (set->words[word] & bit) == 0;
    set->words[word] |= bit;
    return added;
}

bool hp_sequences_has(const hp_sequences *set, uint64_t sequence)
{
    const uint64_t word = sequence / 64;
    return word < set->n_words && (set->words[word] >> (sequence % 64) & 1) != 0;
}

void hp_sequences_clear(hp_sequences *set)
{
    g_free(set->words);
    *set = (hp_sequences){0};
}

void hp_flow_facts_free(void *p)
{
    hp_flow_facts *flow = p;
    hp_sequences_clear(&flow->got);
    g_array_unref(flow->arrivals);
    g_free(flow);
}

static hp_flow_facts *get_flow(hp_facts *facts, uint64_t number)
{
    const gint64 key = (gint64)number;
    hp_flow_facts *flow = g_hash_table_lookup(facts->flow_index, &key);
    if (flow == NULL) {
        flow = g_new0(hp_flow_facts, 1);
        flow->number = number;
        flow->index = facts->flows->len;
        flow->from = flow->to = flow->channel = "";
        flow->started = flow->done = flow->last_sent = flow->last_received = HP_NEVER;
        flow->done_index = UINT64_MAX;
        flow->arrivals = g_array_new(FALSE, FALSE, sizeof(hp_arrival));
        g_ptr_array_add(facts->flows, flow);
        g_hash_table_insert(facts->flow_index, &flow->number, flow);
    }
    return flow;
}

typedef void (*flow_handler)(hp_facts *facts, hp_flow_facts *flow, const hp_record *r);

static void flow_begins(hp_facts *facts, hp_flow_facts *flow, const hp_record *r)
{
    flow->from = hp_facts_string(facts, r->event.subject);
    flow->to = hp_facts_string(facts, hp_record_text(r, "to"));
    flow->channel = hp_facts_string(facts, hp_record_text(r, "channel"));
    flow->started = r->at;
}

static void flow_done(hp_facts *facts, hp_flow_facts *flow, const hp_record *r)
{
    flow->done = r->at;
    flow->done_index = r->index;
}

static void sent(hp_facts *facts, hp_flow_facts *flow, const hp_record *r)
{
    flow->sent++;
    flow->last_sent = r->at;
    flow->next_sequence = MAX(flow->next_sequence, facts->current.sequence + 1);
}

static void refused(hp_facts *facts, hp_flow_facts *flow, const hp_record *r)
{
    flow->refused++;
    flow->next_sequence = MAX(flow->next_sequence, facts->current.sequence + 1);
}

static void received(hp_facts *facts, hp_flow_facts *flow, const hp_record *r)
{
    const uint64_t sequence = facts->current.sequence;
    facts->current.reordered = false;
    facts->current.duplicate = !hp_sequences_add(&flow->got, sequence);
    if (facts->current.duplicate) {
        flow->duplicates++;
        return;
    }
    g_array_append_val(flow->arrivals, facts->current.arrival);
    if (flow->received > 0 && sequence < flow->highest_received) {
        facts->current.reordered = true;
        flow->reordered++;
    } else {
        flow->highest_received = sequence;
    }
    flow->received++;
    flow->last_received = r->at;
}

static const flow_handler handlers[HP_EV_N] = {
    [HP_EV_FLOW] = flow_begins,     [HP_EV_FLOW_DONE] = flow_done,    [HP_EV_DATA_SENT] = sent,
    [HP_EV_DATA_REFUSED] = refused, [HP_EV_DATA_RECEIVED] = received,
};

/* These are the most frequent events of a run, so their fields are read in one pass and kept for the expectations. */
void hp_facts_flow_event(hp_facts *facts, const hp_record *r)
{
    uint64_t number = 0;
    hp_record_iter iter;
    hp_field field;
    hp_record_iter_init(&iter, r);
    facts->current.sequence = 0;
    facts->current.arrival = (hp_arrival){0};
    while (hp_record_iter_next(&iter, &field)) {
        if (strcmp(field.key, "flow") == 0) {
            number = field.u;
        } else if (strcmp(field.key, "sequence") == 0) {
            facts->current.sequence = field.u;
        } else if (strcmp(field.key, "latency") == 0) {
            facts->current.arrival.latency = field.t;
        } else if (strcmp(field.key, "packet") == 0) {
            facts->current.arrival.packet = (uint32_t)field.u;
        }
    }
    facts->current.flow = get_flow(facts, number);
    handlers[r->event.kind](facts, facts->current.flow, r);
}
