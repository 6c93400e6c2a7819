/* Storage of TCP sessions: records, an index from (internal, remote) to them, a list for each mapping, a list for each
 * state.
 *
 * All sessions of a state share one timeout, and both entering a state and being refreshed set `refreshed` to the
 * present. So a list to whose end the session is moved is sorted by deadline, and its head is the next to expire: no
 * heap is needed, and a knob that changes a timeout needs no reordering. Sessions of one instant expire in the order in
 * which they were refreshed.
 *
 * Records lie in one array that grows: a pointer to one is good until the next hp_nat_tcp_add(). */
#include "world/nat_tcp.h"

static uint64_t session_hash(const hp_addr *internal, const hp_addr *remote)
{
    uint64_t h = hp_addr_hash(remote) ^ hp_addr_hash(internal) * UINT64_C(0xc2b2ae3d27d4eb4f);
    h *= UINT64_C(0x9e3779b185ebca87);
    return h ^ h >> 32;
}

static uint64_t record_hash(const void *owner, uint32_t id)
{
    const hp_nat_tcp_session *s = &((const hp_nat_tcp_table *)owner)->records[id];
    return session_hash(&s->internal, &s->remote);
}

uint32_t hp_nat_tcp_find(const hp_nat_tcp_table *t, const hp_addr *internal, const hp_addr *remote)
{
    hp_nat_probe probe = hp_nat_index_start(&t->index, session_hash(internal, remote));
    uint32_t id;
    while ((id = hp_nat_index_next(&t->index, &probe)) != 0) {
        if (hp_addr_equal(&t->records[id].internal, internal) && hp_addr_equal(&t->records[id].remote, remote))
            break;
    }
    return id;
}

static void age_append(hp_nat_tcp_table *t, uint32_t id)
{
    hp_nat_links *ends = &t->by_age[t->records[id].state];
    t->records[id].by_age = (hp_nat_links){.previous = ends->previous};
    if (ends->previous)
        t->records[ends->previous].by_age.next = id;
    else
        ends->next = id;
    ends->previous = id;
}

static void age_remove(hp_nat_tcp_table *t, uint32_t id)
{
    hp_nat_links *ends = &t->by_age[t->records[id].state], links = t->records[id].by_age;
    if (links.previous)
        t->records[links.previous].by_age.next = links.next;
    else
        ends->next = links.next;
    if (links.next)
        t->records[links.next].by_age.previous = links.previous;
    else
        ends->previous = links.previous;
}

static uint32_t id_new(hp_nat_tcp_table *t)
{
    uint32_t id = t->free;
    if (id) {
        t->free = t->records[id].by_mapping.next;
        return id;
    }
    t->n = MAX(t->n, 1);
    if (t->n > HP_NAT_INDEX_MAX_ID)
        return 0;
    if (t->n >= t->capacity) {
        t->capacity += t->capacity / 4 + 64;
        t->records = g_renew(hp_nat_tcp_session, t->records, t->capacity);
    }
    return t->n++;
}

uint32_t hp_nat_tcp_add(hp_nat_tcp_table *t, hp_nat_mapping_cold *cold, uint32_t mapping, const hp_addr *internal,
                        const hp_addr *remote, hp_nat_tcp_state state, hp_time now)
{
    uint32_t id = id_new(t);
    if (!id)
        return 0;
    t->records[id] = (hp_nat_tcp_session){.internal = *internal,
                                          .remote = *remote,
                                          .mapping = mapping,
                                          .refreshed = now,
                                          .by_mapping = {.previous = id, .next = id},
                                          .state = (uint8_t)state,
                                          .unchecked = state == HP_NAT_TCP_PICKED_UP};
    hp_nat_tcp_reset_tracking(&t->records[id]);
    if (cold->tcp) {
        uint32_t newest = cold->tcp, oldest = t->records[newest].by_mapping.next;
        t->records[id].by_mapping = (hp_nat_links){.previous = newest, .next = oldest};
        t->records[newest].by_mapping.next = id;
        t->records[oldest].by_mapping.previous = id;
    }
    cold->tcp = id;
    cold->n_tcp++;
    age_append(t, id);
    hp_nat_index_insert(&t->index, record_hash(t, id), id, record_hash, t);
    return id;
}

void hp_nat_tcp_remove(hp_nat_tcp_table *t, hp_nat_mapping_cold *cold, uint32_t session)
{
    hp_nat_links links = t->records[session].by_mapping;
    hp_nat_index_remove(&t->index, record_hash(t, session), session, record_hash, t);
    age_remove(t, session);
    t->records[links.previous].by_mapping.next = links.next;
    t->records[links.next].by_mapping.previous = links.previous;
    if (cold->tcp == session)
        cold->tcp = links.previous == session ? 0 : links.previous;
    cold->n_tcp--;
    t->records[session].by_mapping.next = t->free;
    t->free = session;
}

void hp_nat_tcp_enter(hp_nat_tcp_table *t, uint32_t session, hp_nat_tcp_state state, hp_time now)
{
    age_remove(t, session);
    t->records[session].state = (uint8_t)state;
    t->records[session].refreshed = now;
    age_append(t, session);
}

void hp_nat_tcp_clear(hp_nat_tcp_table *t)
{
    g_free(t->records);
    hp_nat_index_clear(&t->index);
    *t = (hp_nat_tcp_table){0};
}

size_t hp_nat_tcp_memory(const hp_nat_tcp_table *t)
{
    return t->capacity * sizeof *t->records + hp_nat_index_memory(&t->index);
}
