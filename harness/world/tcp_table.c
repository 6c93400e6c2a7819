/* The map behind the connections of a host: see tcp_table.h. Invariants: n is at most half of the slots, so that every
 * probe meets an empty one; between an entry's home and its place no slot is empty. It is never iterated, as the order
 * would follow the hash. */
#include "world/tcp_table.h"

#include <glib.h>

enum { FIRST_SLOTS = 16 };

static size_t home_of(const hp_tcp_table *table, const hp_tcp_pair *key)
{
    uint64_t h = hp_addr_hash(&key->local) * UINT64_C(0x9e3779b97f4a7c15) ^ hp_addr_hash(&key->remote);
    h *= UINT64_C(0xd6e8feb86659fd93);
    return (size_t)(h ^ h >> 32) & table->mask;
}

static bool same(const hp_tcp_pair *a, const hp_tcp_pair *b)
{
    return hp_addr_equal(&a->remote, &b->remote) && hp_addr_equal(&a->local, &b->local);
}

/* The slot of key, or the empty one where it would go. */
static hp_tcp_slot *probe(const hp_tcp_table *table, const hp_tcp_pair *key)
{
    size_t i = home_of(table, key);
    while (table->slots[i].value != NULL && !same(&table->slots[i].key, key)) {
        i = (i + 1) & table->mask;
    }
    return &table->slots[i];
}

void hp_tcp_table_clear(hp_tcp_table *table)
{
    g_free(table->slots);
    *table = (hp_tcp_table){0};
}

static void grow(hp_tcp_table *table)
{
    hp_tcp_table old = *table;
    size_t n_slots = old.slots == NULL ? FIRST_SLOTS : (old.mask + 1) * 2;
    *table = (hp_tcp_table){.slots = g_new0(hp_tcp_slot, n_slots), .mask = n_slots - 1, .n = old.n};
    for (size_t i = 0; old.slots != NULL && i <= old.mask; i++) {
        if (old.slots[i].value != NULL) {
            *probe(table, &old.slots[i].key) = old.slots[i];
        }
    }
    g_free(old.slots);
}

void hp_tcp_table_add(hp_tcp_table *table, const hp_tcp_pair *key, void *value)
{
    g_assert(value != NULL);
    if (table->slots == NULL || (table->n + 1) * 2 > table->mask + 1) {
        grow(table);
    }
    hp_tcp_slot *slot = probe(table, key);
    g_assert(slot->value == NULL);
    *slot = (hp_tcp_slot){.key = *key, .value = value};
    table->n++;
}

void *hp_tcp_table_find(const hp_tcp_table *table, const hp_tcp_pair *key)
{
    return table->n > 0 ? probe(table, key)->value : NULL;
}

void hp_tcp_table_remove(hp_tcp_table *table, const hp_tcp_pair *key)
{
    hp_tcp_slot *slot = table->n > 0 ? probe(table, key) : NULL;
    if (slot == NULL || slot->value == NULL) {
        return;
    }
    size_t gap = (size_t)(slot - table->slots);
    for (size_t i = (gap + 1) & table->mask; table->slots[i].value != NULL; i = (i + 1) & table->mask) {
        size_t home = home_of(table, &table->slots[i].key);
        if (((i - home) & table->mask) >= ((i - gap) & table->mask)) { /* its home does not lie behind the gap */
            table->slots[gap] = table->slots[i];
            gap = i;
        }
    }
    table->slots[gap].value = NULL;
    table->n--;
}
