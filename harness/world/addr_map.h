/* An open-addressing map from transport addresses to one word, a number or a pointer. Private to the folder.
 *
 * Slots are 32 bytes, so that none straddles a cache line and a hit costs one miss at most. Linear probing, at most
 * half full, removal by shifting back (no tombstones). Iteration is not offered: its order would follow the hash. */
#ifndef HP_WORLD_ADDR_MAP_H
#define HP_WORLD_ADDR_MAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "world/prefetch.h"

typedef struct hp_addr_slot {
    hp_addr key; /* family none: empty */
    uint32_t unused;
    union {
        uintptr_t value;
        void *pointer;
    };
} hp_addr_slot;

/* Zero it to start. */
typedef struct hp_addr_map {
    hp_addr_slot *slots;
    size_t mask; /* number of slots - 1; 0 without slots */
    size_t n;
} hp_addr_map;

void hp_addr_map_clear(hp_addr_map *map);
/* Adds or replaces. The key must have a family. */
void hp_addr_map_set(hp_addr_map *map, const hp_addr *key, uintptr_t value);
void hp_addr_map_set_pointer(hp_addr_map *map, const hp_addr *key, void *pointer);
/* False when there was none. */
bool hp_addr_map_remove(hp_addr_map *map, const hp_addr *key);

static inline hp_addr_slot *hp_addr_map_slot(const hp_addr_map *map, const hp_addr *key)
{
    if (map->n == 0) {
        return NULL;
    }
    for (size_t i = hp_addr_hash(key) & map->mask;; i = (i + 1) & map->mask) {
        hp_addr_slot *slot = &map->slots[i];
        if (hp_addr_equal(&slot->key, key)) {
            return slot;
        }
        if (slot->key.family == HP_AF_NONE) {
            return NULL;
        }
    }
}

/* Brings the slot where the search for key begins into the cache. */
static inline void hp_addr_map_prefetch(const hp_addr_map *map, const hp_addr *key)
{
    if (map->n != 0) {
        hp_prefetch(&map->slots[hp_addr_hash(key) & map->mask]);
    }
}

/* The value's place, or NULL; valid until the map changes. */
static inline uintptr_t *hp_addr_map_find(const hp_addr_map *map, const hp_addr *key)
{
    hp_addr_slot *slot = hp_addr_map_slot(map, key);
    return slot != NULL ? &slot->value : NULL;
}

/* The pointer that was set, or NULL. */
static inline void *hp_addr_map_find_pointer(const hp_addr_map *map, const hp_addr *key)
{
    hp_addr_slot *slot = hp_addr_map_slot(map, key);
    return slot != NULL ? slot->pointer : NULL;
}

#endif
