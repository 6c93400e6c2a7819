/* A hash index of small integers: open addressing with linear probing, four bytes a slot, nothing else stored.
 *
 * A slot holds an 8-bit tag of the hash above a 24-bit id; 0 is an empty slot, so ids start at 1. Keys stay with
 * their owner: a lookup walks the ids whose tag fits and the caller compares. Removing closes the gap (no tombstones),
 * for which, as for growing, the owner says the hash of an id again. The order of slots never leaves this file. */
#ifndef HP_WORLD_NAT_INDEX_H
#define HP_WORLD_NAT_INDEX_H

#include <glib.h>
#include <stddef.h>
#include <stdint.h>

#include "world/prefetch.h"

#define HP_NAT_INDEX_MAX_ID UINT32_C(0xffffff)

typedef struct hp_nat_index {
    uint32_t *slots; /* NULL until the first insertion */
    uint32_t mask; /* number of slots - 1 */
    uint32_t count;
} hp_nat_index;

/* The hash under which id was inserted. */
typedef uint64_t hp_nat_index_hash(const void *owner, uint32_t id);

typedef struct hp_nat_probe {
    uint32_t position, tag;
} hp_nat_probe;

static inline hp_nat_probe hp_nat_index_start(const hp_nat_index *index, uint64_t hash)
{
    return (hp_nat_probe){.position = (uint32_t)hash & index->mask, .tag = (uint32_t)(hash >> 56)};
}

/* Brings the place where the probe begins into the cache. */
static inline void hp_nat_index_prefetch(const hp_nat_index *index, const hp_nat_probe *probe)
{
    if (index->slots)
        hp_prefetch(&index->slots[probe->position]);
}

/* The next id that may be the one, 0 when there is none. */
static inline uint32_t hp_nat_index_next(const hp_nat_index *index, hp_nat_probe *probe)
{
    if (!index->slots)
        return 0;
    for (uint32_t slot; (slot = index->slots[probe->position]) != 0;) {
        probe->position = (probe->position + 1) & index->mask;
        if (slot >> 24 == probe->tag)
            return slot & HP_NAT_INDEX_MAX_ID;
    }
    return 0;
}

static inline void hp_nat_index_place(hp_nat_index *index, uint64_t hash, uint32_t id)
{
    uint32_t position = (uint32_t)hash & index->mask;
    while (index->slots[position])
        position = (position + 1) & index->mask;
    index->slots[position] = (uint32_t)(hash >> 56) << 24 | id;
}

static inline void hp_nat_index_grow(hp_nat_index *index, hp_nat_index_hash *hash_of, const void *owner)
{
    hp_nat_index old = *index;
    uint32_t n = old.slots ? (old.mask + 1) * 2 : 16;
    index->slots = g_new0(uint32_t, n);
    index->mask = n - 1;
    for (uint32_t i = 0; old.slots && i <= old.mask; i++) {
        uint32_t id = old.slots[i] & HP_NAT_INDEX_MAX_ID;
        if (id)
            hp_nat_index_place(index, hash_of(owner, id), id);
    }
    g_free(old.slots);
}

static inline void hp_nat_index_insert(hp_nat_index *index, uint64_t hash, uint32_t id, hp_nat_index_hash *hash_of,
                                       const void *owner)
{
    /* Four fifths full at most: with tags, a lookup still compares little more than one key. */
    if (!index->slots || (uint64_t)(index->count + 1) * 5 > (uint64_t)(index->mask + 1) * 4)
        hp_nat_index_grow(index, hash_of, owner);
    hp_nat_index_place(index, hash, id);
    index->count++;
}

static inline void hp_nat_index_remove(hp_nat_index *index, uint64_t hash, uint32_t id, hp_nat_index_hash *hash_of,
                                       const void *owner)
{
    uint32_t hole = (uint32_t)hash & index->mask;
    while ((index->slots[hole] & HP_NAT_INDEX_MAX_ID) != id) {
        g_assert(index->slots[hole] != 0);
        hole = (hole + 1) & index->mask;
    }
    for (uint32_t next = (hole + 1) & index->mask; index->slots[next]; next = (next + 1) & index->mask) {
        uint32_t home = (uint32_t)hash_of(owner, index->slots[next] & HP_NAT_INDEX_MAX_ID) & index->mask;
        /* An entry may move into the hole unless that would put it before its home. */
        if (((next - home) & index->mask) >= ((next - hole) & index->mask)) {
            index->slots[hole] = index->slots[next];
            hole = next;
        }
    }
    index->slots[hole] = 0;
    index->count--;
}

static inline void hp_nat_index_clear(hp_nat_index *index)
{
    g_free(index->slots);
    *index = (hp_nat_index){0};
}

static inline size_t hp_nat_index_memory(const hp_nat_index *index)
{
    return index->slots ? ((size_t)index->mask + 1) * sizeof *index->slots : 0;
}

#endif
