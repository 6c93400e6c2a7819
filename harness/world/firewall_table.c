/* The firewall's flows: see firewall_table.h. The index is open-addressing with linear probing, at most half full, and
 * removal moves followers back, so that there are no tombstones. Its slots carry 32 bits of the hash: a probe that is
 * not ours is known for one without a look at its flow. Nothing iterates over it.
 *
 * Heaps have four children a node: entries are 16 bytes, and siblings fill one cache line. */
#include "world/firewall_table.h"

#include <glib.h>

#include "world/prefetch.h"

enum { CACHE_LINE = 64, FIRST_SLOTS = 64 };

/* ---- heaps ---- */

static bool entry_before(const hp_flow_heap_entry *a, const hp_flow_heap_entry *b)
{
    return a->refreshed != b->refreshed ? a->refreshed < b->refreshed : a->id < b->id;
}

static void heap_put(const hp_flow_table *t, hp_flow_heap *heap, uint32_t at, hp_flow_heap_entry entry)
{
    heap->entries[at] = entry;
    hp_flow_at(t, entry.id)->heap_index = at;
}

static void sift_up(const hp_flow_table *t, hp_flow_heap *heap, uint32_t at, hp_flow_heap_entry entry)
{
    for (uint32_t parent; at > 0 && entry_before(&entry, &heap->entries[parent = (at - 1) / 4]); at = parent) {
        heap_put(t, heap, at, heap->entries[parent]);
    }
    heap_put(t, heap, at, entry);
}

static void sift_down(const hp_flow_table *t, hp_flow_heap *heap, uint32_t at, hp_flow_heap_entry entry)
{
    for (uint32_t first; (first = at * 4 + 1) < heap->n;) {
        uint32_t best = first;
        for (uint32_t child = first + 1; child < heap->n && child < first + 4; child++) {
            if (entry_before(&heap->entries[child], &heap->entries[best])) {
                best = child;
            }
        }
        if (!entry_before(&heap->entries[best], &entry)) {
            break;
        }
        heap_put(t, heap, at, heap->entries[best]);
        at = best;
    }
    heap_put(t, heap, at, entry);
}

static void heap_add(hp_flow_table *t, uint32_t id)
{
    const hp_flow *flow = hp_flow_at(t, id);
    hp_flow_heap *heap = &t->heaps[flow->timer];
    hp_flow_heap_entry entry = {.refreshed = flow->refreshed, .id = id};

    if (heap->n == heap->capacity) {
        heap->capacity += heap->capacity / 2 + 64;
        heap->entries = g_renew(hp_flow_heap_entry, heap->entries, heap->capacity);
    }
    sift_up(t, heap, heap->n++, entry);
}

static void heap_remove(hp_flow_table *t, uint32_t id)
{
    const hp_flow *flow = hp_flow_at(t, id);
    hp_flow_heap *heap = &t->heaps[flow->timer];
    uint32_t at = flow->heap_index;

    g_assert(at < heap->n && heap->entries[at].id == id);
    hp_flow_heap_entry last = heap->entries[--heap->n];
    if (last.id == id) {
        return;
    }
    if (at > 0 && entry_before(&last, &heap->entries[(at - 1) / 4])) {
        sift_up(t, heap, at, last);
    } else {
        sift_down(t, heap, at, last);
    }
}

void hp_flow_set_timer(hp_flow_table *t, uint32_t id, hp_flow_timer timer)
{
    hp_flow *flow = hp_flow_at(t, id);
    if (flow->timer == timer) {
        return;
    }
    heap_remove(t, id);
    flow->timer = (uint8_t)timer;
    heap_add(t, id);
}

uint32_t hp_flow_first(hp_flow_table *t, hp_flow_timer timer)
{
    hp_flow_heap *heap = &t->heaps[timer];

    while (heap->n > 0) {
        hp_flow_heap_entry head = heap->entries[0];
        hp_time refreshed = hp_flow_at(t, head.id)->refreshed;
        if (refreshed == head.refreshed) {
            return head.id;
        }
        head.refreshed = refreshed;
        sift_down(t, heap, 0, head);
    }
    return 0;
}

hp_time hp_flow_bound(const hp_flow_table *t, hp_flow_timer timer)
{
    const hp_flow_heap *heap = &t->heaps[timer];
    return heap->n > 0 ? heap->entries[0].refreshed : HP_NEVER;
}

/* ---- index ---- */

static uint32_t hash_of(const hp_addr *inside, const hp_addr *outside, uint8_t proto)
{
    uint64_t h = (hp_addr_hash(inside) + proto) * UINT64_C(0x9e3779b97f4a7c15) + hp_addr_hash(outside);
    /* The index goes by the low bits, and neighbours among addresses must not become neighbours there. */
    h = (h ^ h >> 32) * UINT64_C(0xd6e8feb86659fd93);
    return (uint32_t)(h >> 32);
}

static bool has_key(const hp_flow *flow, const hp_flow_key *key)
{
    return flow->proto == key->proto && hp_addr_equal(&flow->inside, &key->inside) &&
           hp_addr_equal(&flow->outside, &key->outside);
}

uint32_t hp_flow_find(const hp_flow_table *t, const hp_flow_key *key)
{
    if (t->n == 0) {
        return 0;
    }
    uint32_t hash = hash_of(&key->inside, &key->outside, key->proto);
    for (uint32_t i = hash & t->mask; t->slots[i].id != 0; i = (i + 1) & t->mask) {
        if (t->slots[i].hash == hash && has_key(hp_flow_at(t, t->slots[i].id), key)) {
            return t->slots[i].id;
        }
    }
    return 0;
}

void hp_flow_prefetch(const hp_flow_table *t, const hp_flow_key *key, bool near)
{
    if (t->n == 0) {
        return;
    }
    const hp_flow_slot *slot = &t->slots[hash_of(&key->inside, &key->outside, key->proto) & t->mask];
    if (!near) {
        hp_prefetch(slot);
    } else if (slot->id != 0) {
        hp_prefetch_write(hp_flow_at(t, slot->id));
    }
}

static void index_add(hp_flow_table *t, uint32_t hash, uint32_t id)
{
    uint32_t i = hash & t->mask;
    while (t->slots[i].id != 0) {
        i = (i + 1) & t->mask;
    }
    t->slots[i] = (hp_flow_slot){.hash = hash, .id = id};
}

static void index_grow(hp_flow_table *t)
{
    hp_flow_slot *old = t->slots;
    uint32_t n_old = old != NULL ? t->mask + 1 : 0, n = n_old != 0 ? n_old * 2 : FIRST_SLOTS;

    t->slots = g_aligned_alloc0(n, sizeof *t->slots, CACHE_LINE);
    t->mask = n - 1;
    for (uint32_t i = 0; i < n_old; i++) {
        if (old[i].id != 0) {
            index_add(t, old[i].hash, old[i].id);
        }
    }
    g_aligned_free(old);
}

static void index_remove(hp_flow_table *t, const hp_flow *flow, uint32_t id)
{
    uint32_t gap = hash_of(&flow->inside, &flow->outside, flow->proto) & t->mask;
    while (t->slots[gap].id != id) {
        gap = (gap + 1) & t->mask;
    }
    for (uint32_t i = (gap + 1) & t->mask; t->slots[i].id != 0; i = (i + 1) & t->mask) {
        uint32_t home = t->slots[i].hash & t->mask;
        /* Move it unless its home lies behind the gap, going round. */
        if (((i - home) & t->mask) >= ((i - gap) & t->mask)) {
            t->slots[gap] = t->slots[i];
            gap = i;
        }
    }
    t->slots[gap] = (hp_flow_slot){0};
}

/* ---- flows ---- */

static uint32_t new_id(hp_flow_table *t)
{
    uint32_t id = t->free_id;
    if (id != 0) {
        t->free_id = hp_flow_at(t, id)->next_free;
        return id;
    }
    if (t->last_id == t->n_chunks * HP_FLOW_CHUNK) {
        t->chunks = g_renew(hp_flow *, t->chunks, t->n_chunks + 1);
        t->chunks[t->n_chunks++] = g_aligned_alloc0(HP_FLOW_CHUNK, sizeof(hp_flow), CACHE_LINE);
    }
    return ++t->last_id;
}

uint32_t hp_flow_add(hp_flow_table *t, const hp_flow_key *key, hp_time now, hp_flow_timer timer)
{
    if ((t->n + 1) * 2 > t->mask + 1) {
        index_grow(t);
    }
    uint32_t id = new_id(t);
    *hp_flow_at(t, id) = (hp_flow){
        .inside = key->inside,
        .outside = key->outside,
        .refreshed = now,
        .proto = key->proto,
        .timer = (uint8_t)timer,
    };
    index_add(t, hash_of(&key->inside, &key->outside, key->proto), id);
    heap_add(t, id);
    t->n++;
    return id;
}

void hp_flow_remove(hp_flow_table *t, uint32_t id)
{
    hp_flow *flow = hp_flow_at(t, id);
    heap_remove(t, id);
    index_remove(t, flow, id);
    *flow = (hp_flow){.next_free = t->free_id};
    t->free_id = id;
    t->n--;
}

void hp_flow_table_clear(hp_flow_table *t)
{
    for (uint32_t i = 0; i < t->n_chunks; i++) {
        g_aligned_free(t->chunks[i]);
    }
    g_free(t->chunks);
    g_aligned_free(t->slots);
    for (unsigned i = 0; i < HP_FLOW_N_TIMERS; i++) {
        g_free(t->heaps[i].entries);
    }
    *t = (hp_flow_table){0};
}
