/* Storage and indices of mappings; the life of a mapping is told in nat_table.h.
 *
 * Invariants, for every living id:
 *   - the inside index holds it under (kind, protocol, internal endpoint, what the kind fixes of the remote), once;
 *   - the creation list holds it, sorted by `created`;
 *   - the heap of its timer holds it, at its heap_index;
 *   - the tuple index holds it if and only if HP_NAT_TUPLED is set.
 * Two living mappings never share an inside key. They share a tuple never, an external port only when overloaded. */
#include "world/nat_table.h"

#include <string.h>

static uint64_t mix(uint64_t h, uint64_t v)
{
    h = (h ^ v) * UINT64_C(0x9fb21c651e98df25);
    return h ^ h >> 32;
}

static uint64_t remote_hash(hp_nat_behaviour kind, const hp_addr *remote)
{
    hp_addr ip;
    switch (kind) {
    case HP_NAT_ENDPOINT_INDEPENDENT:
        return 0;
    case HP_NAT_ADDRESS_DEPENDENT:
        ip = hp_addr_with_port(*remote, 0);
        return hp_addr_hash(&ip);
    case HP_NAT_ADDRESS_AND_PORT_DEPENDENT:
        return hp_addr_hash(remote);
    }
    return 0;
}

static uint64_t inside_hash(hp_nat_behaviour kind, hp_nat_proto proto, const hp_addr *internal, const hp_addr *remote)
{
    uint64_t h = hp_addr_hash(internal) ^ (uint64_t)(proto << 2 | kind) << 40;
    return mix(h, remote_hash(kind, remote));
}

static uint64_t inside_hash_of(const void *owner, uint32_t id)
{
    const hp_nat_mapping *m = hp_nat_hot(owner, id);
    return inside_hash(m->kind, m->proto, &m->internal, &m->remote);
}

static uint64_t tuple_hash(hp_nat_behaviour kind, hp_nat_proto proto, uint16_t external, uint16_t port,
                           const hp_addr *remote)
{
    return mix(remote_hash(kind, remote),
               (uint64_t)(proto << 2 | kind) << 40 | (uint64_t)external << 16 | (uint64_t)port);
}

static uint64_t tuple_hash_of(const void *owner, uint32_t id)
{
    const hp_nat_mapping *m = hp_nat_hot(owner, id);
    return tuple_hash(m->kind, m->proto, m->external, m->port, &m->remote);
}

/* ---- the creation list ---- */

static void creation_append(hp_nat_table *t, uint32_t id)
{
    uint32_t newest = t->by_creation.previous;
    hp_nat_cold(t, id)->by_creation = (hp_nat_links){.previous = newest};
    if (newest)
        hp_nat_cold(t, newest)->by_creation.next = id;
    else
        t->by_creation.next = id;
    t->by_creation.previous = id;
}

static void creation_remove(hp_nat_table *t, uint32_t id)
{
    hp_nat_links links = hp_nat_cold(t, id)->by_creation;
    if (links.previous)
        hp_nat_cold(t, links.previous)->by_creation.next = links.next;
    else
        t->by_creation.next = links.next;
    if (links.next)
        hp_nat_cold(t, links.next)->by_creation.previous = links.previous;
    else
        t->by_creation.previous = links.previous;
}

/* ---- ids ---- */

static uint32_t id_new(hp_nat_table *t)
{
    uint32_t id = t->free;
    if (id) {
        t->free = hp_nat_cold(t, id)->by_creation.next;
        return id;
    }
    if (t->n_ids == 0)
        t->n_ids = 1;
    if (t->n_ids > HP_NAT_INDEX_MAX_ID)
        return 0;
    if (t->n_ids >> HP_NAT_CHUNK_SHIFT >= t->n_chunks) {
        if (t->n_chunks == t->chunks_capacity) {
            t->chunks_capacity = t->chunks_capacity ? t->chunks_capacity * 2 : 4;
            t->chunks = g_renew(hp_nat_chunk, t->chunks, t->chunks_capacity);
        }
        t->chunks[t->n_chunks++] = (hp_nat_chunk){
            .hot = g_aligned_alloc(HP_NAT_CHUNK, sizeof(hp_nat_mapping), 64),
            .cold = g_new(hp_nat_mapping_cold, HP_NAT_CHUNK),
        };
    }
    return t->n_ids++;
}

uint32_t hp_nat_table_add(hp_nat_table *t, const hp_nat_mapping *m, hp_time now)
{
    uint32_t id = id_new(t);
    if (!id)
        return 0;
    *hp_nat_hot(t, id) = *m;
    *hp_nat_cold(t, id) = (hp_nat_mapping_cold){.created = now};
    hp_nat_index_insert(&t->inside, inside_hash_of(t, id), id, inside_hash_of, t);
    creation_append(t, id);
    hp_nat_timer_add(t, id);
    t->n_of_kind[m->proto][m->kind]++;
    t->n++;
    return id;
}

void hp_nat_table_remove(hp_nat_table *t, uint32_t id)
{
    hp_nat_mapping *m = hp_nat_hot(t, id);

    if (m->flags & HP_NAT_TUPLED)
        hp_nat_tuple_remove(t, id);
    hp_nat_timer_remove(t, id);
    creation_remove(t, id);
    hp_nat_index_remove(&t->inside, inside_hash_of(t, id), id, inside_hash_of, t);
    hp_nat_session_remove_all(t, id);
    t->n_of_kind[m->proto][m->kind]--;
    t->n--;
    hp_nat_cold(t, id)->by_creation.next = t->free;
    t->free = id;
}

void hp_nat_table_renew(hp_nat_table *t, uint32_t id, hp_time now)
{
    creation_remove(t, id);
    hp_nat_cold(t, id)->created = now;
    creation_append(t, id);
}

void hp_nat_table_clear(hp_nat_table *t)
{
    for (uint32_t i = 0; i < t->n_chunks; i++) {
        g_aligned_free(t->chunks[i].hot);
        g_free(t->chunks[i].cold);
    }
    g_free(t->chunks);
    hp_nat_index_clear(&t->inside);
    hp_nat_index_clear(&t->tuples);
    hp_nat_timers_clear(t);
    hp_nat_sessions_clear(&t->sessions);
    *t = (hp_nat_table){0};
}

size_t hp_nat_table_memory(const hp_nat_table *t)
{
    size_t n = t->chunks_capacity * sizeof *t->chunks;
    n += (size_t)t->n_chunks * HP_NAT_CHUNK * (sizeof(hp_nat_mapping) + sizeof(hp_nat_mapping_cold));
    n += hp_nat_index_memory(&t->inside) + hp_nat_index_memory(&t->tuples);
    for (unsigned i = 0; i < HP_NAT_N_TIMERS; i++)
        n += t->heaps[i].capacity * sizeof *t->heaps[i].entries;
    return n + hp_nat_sessions_memory(&t->sessions);
}

/* ---- lookups ---- */

uint32_t hp_nat_table_find(const hp_nat_table *t, hp_nat_behaviour kind, hp_nat_proto proto, const hp_addr *internal,
                           const hp_addr *remote)
{
    hp_nat_probe probe = hp_nat_index_start(&t->inside, inside_hash(kind, proto, internal, remote));
    uint32_t id;
    while ((id = hp_nat_index_next(&t->inside, &probe)) != 0) {
        const hp_nat_mapping *m = hp_nat_hot(t, id);
        if (hp_addr_equal(&m->internal, internal) && m->kind == kind && m->proto == proto &&
            hp_nat_same_remote(kind, &m->remote, remote))
            break;
    }
    return id;
}

void hp_nat_table_hint(const hp_nat_table *t, hp_nat_behaviour kind, hp_nat_proto proto, const hp_addr *internal,
                       const hp_addr *remote, hp_hint hint)
{
    hp_nat_probe probe = hp_nat_index_start(&t->inside, inside_hash(kind, proto, internal, remote));
    switch (hint) {
    case HP_HINT_FAR:
        hp_nat_index_prefetch(&t->inside, &probe);
        break;
    case HP_HINT_NEAR: {
        uint32_t id = hp_nat_index_next(&t->inside, &probe);
        if (id)
            hp_prefetch_write(hp_nat_hot(t, id));
        break;
    }
    }
}

void hp_nat_tuple_add(hp_nat_table *t, uint32_t id)
{
    hp_nat_index_insert(&t->tuples, tuple_hash_of(t, id), id, tuple_hash_of, t);
    hp_nat_hot(t, id)->flags |= HP_NAT_TUPLED;
}

void hp_nat_tuple_remove(hp_nat_table *t, uint32_t id)
{
    hp_nat_index_remove(&t->tuples, tuple_hash_of(t, id), id, tuple_hash_of, t);
    hp_nat_hot(t, id)->flags &= (uint8_t)~HP_NAT_TUPLED;
}

uint32_t hp_nat_tuple_find(const hp_nat_table *t, hp_nat_behaviour kind, hp_nat_proto proto, uint16_t external,
                           uint16_t port, const hp_addr *remote)
{
    hp_nat_probe probe = hp_nat_index_start(&t->tuples, tuple_hash(kind, proto, external, port, remote));
    uint32_t id;
    while ((id = hp_nat_index_next(&t->tuples, &probe)) != 0) {
        const hp_nat_mapping *m = hp_nat_hot(t, id);
        if (m->port == port && m->external == external && m->kind == kind && m->proto == proto &&
            hp_nat_same_remote(kind, &m->remote, remote))
            break;
    }
    return id;
}
