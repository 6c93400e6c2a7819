/* The map behind a router's host routes and a host's addresses and sockets: see addr_map.h. Invariants: n is at most
 * half of the slots, so that every probe meets an empty one; no entry is farther from its home than an unbroken run of
 * used slots reaches, which removal restores by moving followers back. */
#include "world/addr_map.h"

#include <assert.h>
#include <glib.h>

enum { CACHE_LINE = 64 };
static_assert(CACHE_LINE % sizeof(hp_addr_slot) == 0, "no slot straddles two lines");

void hp_addr_map_clear(hp_addr_map *map)
{
    g_aligned_free(map->slots);
    *map = (hp_addr_map){0};
}

static void insert(hp_addr_map *map, const hp_addr *key, uintptr_t value)
{
    size_t i = hp_addr_hash(key) & map->mask;
    while (map->slots[i].key.family != HP_AF_NONE) {
        i = (i + 1) & map->mask;
    }
    map->slots[i] = (hp_addr_slot){.key = *key, .value = value};
    map->n++;
}

static void grow(hp_addr_map *map)
{
    hp_addr_map old = *map;
    size_t n_slots = old.slots == NULL ? 8 : (old.mask + 1) * 2;
    *map = (hp_addr_map){.slots = g_aligned_alloc0(n_slots, sizeof(hp_addr_slot), CACHE_LINE), .mask = n_slots - 1};
    for (size_t i = 0; old.slots != NULL && i <= old.mask; i++) {
        if (old.slots[i].key.family != HP_AF_NONE) {
            insert(map, &old.slots[i].key, old.slots[i].value);
        }
    }
    g_aligned_free(old.slots);
}

void hp_addr_map_set(hp_addr_map *map, const hp_addr *key, uintptr_t value)
{
    g_assert(key->family != HP_AF_NONE);
    uintptr_t *present = hp_addr_map_find(map, key);
    if (present != NULL) {
        *present = value;
        return;
    }
    if (map->slots == NULL || (map->n + 1) * 2 > map->mask + 1) {
        grow(map);
    }
    insert(map, key, value);
}

void hp_addr_map_set_pointer(hp_addr_map *map, const hp_addr *key, void *pointer)
{
    hp_addr_map_set(map, key, (uintptr_t)pointer);
}

bool hp_addr_map_remove(hp_addr_map *map, const hp_addr *key)
{
    const hp_addr_slot *slot = hp_addr_map_slot(map, key);
    if (slot == NULL) {
        return false;
    }
    size_t gap = (size_t)(slot - map->slots);
    for (size_t i = (gap + 1) & map->mask; map->slots[i].key.family != HP_AF_NONE; i = (i + 1) & map->mask) {
        size_t home = hp_addr_hash(&map->slots[i].key) & map->mask;
        /* Move it unless its home lies behind the gap, going round. */
        if (((i - home) & map->mask) >= ((i - gap) & map->mask)) {
            map->slots[gap] = map->slots[i];
            gap = i;
        }
    }
    map->slots[gap] = (hp_addr_slot){0};
    map->n--;
    return true;
}
