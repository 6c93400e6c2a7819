/* When mappings expire.
 *
 * A mapping expires one timeout after it was last refreshed, to the nanosecond. There are only a few timeouts, so there
 * is one heap for each, ordered by the time of the last refresh and not by deadline: changing a timeout at run time
 * then needs no reordering, and the head of each heap is also its least recently used mapping, which eviction asks for.
 *
 * Refreshing is what every packet does, so it must not touch a heap: a mapping's `refreshed` moves on while its entry
 * keeps the time at which it was queued. An entry is thus never later than the truth. Whoever needs the true head
 * (hp_nat_timer_first) puts stale heads back at their true place first; that costs one sift for each mapping and
 * timeout, not for each packet.
 *
 * Ties are broken by id, so that the order of expiry is the same on every run. Four children a node: entries are 16
 * bytes, and a family of siblings fills one cache line. */
#include "world/nat_table.h"

static bool entry_before(const hp_nat_heap_entry *a, const hp_nat_heap_entry *b)
{
    return a->refreshed != b->refreshed ? a->refreshed < b->refreshed : a->id < b->id;
}

static void heap_put(const hp_nat_table *t, hp_nat_heap *heap, uint32_t at, hp_nat_heap_entry entry)
{
    heap->entries[at] = entry;
    hp_nat_cold(t, entry.id)->heap_index = at;
}

static void sift_up(const hp_nat_table *t, hp_nat_heap *heap, uint32_t at, hp_nat_heap_entry entry)
{
    while (at > 0) {
        uint32_t parent = (at - 1) / 4;
        if (!entry_before(&entry, &heap->entries[parent]))
            break;
        heap_put(t, heap, at, heap->entries[parent]);
        at = parent;
    }
    heap_put(t, heap, at, entry);
}

static void sift_down(const hp_nat_table *t, hp_nat_heap *heap, uint32_t at, hp_nat_heap_entry entry)
{
    for (uint32_t first; (first = at * 4 + 1) < heap->n;) {
        uint32_t best = first;
        for (uint32_t child = first + 1; child < heap->n && child < first + 4; child++) {
            if (entry_before(&heap->entries[child], &heap->entries[best]))
                best = child;
        }
        if (!entry_before(&heap->entries[best], &entry))
            break;
        heap_put(t, heap, at, heap->entries[best]);
        at = best;
    }
    heap_put(t, heap, at, entry);
}

void hp_nat_timer_add(hp_nat_table *t, uint32_t id)
{
    const hp_nat_mapping *m = hp_nat_hot(t, id);
    hp_nat_heap *heap = &t->heaps[m->timer];

    if (heap->n == heap->capacity) {
        /* Grows by a fifth: the memory of a million mappings counts more than a few copies on the way there. */
        heap->capacity += heap->capacity / 5 + 64;
        heap->entries = g_renew(hp_nat_heap_entry, heap->entries, heap->capacity);
    }
    hp_nat_heap_entry entry = {.refreshed = m->refreshed, .id = id};
    sift_up(t, heap, heap->n++, entry);
}

void hp_nat_timer_remove(hp_nat_table *t, uint32_t id)
{
    hp_nat_heap *heap = &t->heaps[hp_nat_hot(t, id)->timer];
    uint32_t at = hp_nat_cold(t, id)->heap_index;

    g_assert(at < heap->n && heap->entries[at].id == id);
    hp_nat_heap_entry last = heap->entries[--heap->n];
    if (heap->capacity > 256 && heap->n < heap->capacity / 4) {
        /* Mappings that were answered move from one heap to another in their thousands. */
        heap->capacity /= 2;
        heap->entries = g_renew(hp_nat_heap_entry, heap->entries, heap->capacity);
    }
    if (last.id == id)
        return;
    if (at > 0 && entry_before(&last, &heap->entries[(at - 1) / 4]))
        sift_up(t, heap, at, last);
    else
        sift_down(t, heap, at, last);
}

void hp_nat_timer_change(hp_nat_table *t, uint32_t id, hp_nat_timer timer)
{
    hp_nat_timer_remove(t, id);
    hp_nat_hot(t, id)->timer = (uint8_t)timer;
    hp_nat_timer_add(t, id);
}

hp_time hp_nat_timer_bound(const hp_nat_table *t, hp_nat_timer timer)
{
    const hp_nat_heap *heap = &t->heaps[timer];
    return heap->n ? heap->entries[0].refreshed : HP_NEVER;
}

uint32_t hp_nat_timer_first(hp_nat_table *t, hp_nat_timer timer)
{
    hp_nat_heap *heap = &t->heaps[timer];

    while (heap->n) {
        hp_nat_heap_entry head = heap->entries[0];
        hp_time refreshed = hp_nat_hot(t, head.id)->refreshed;
        if (refreshed == head.refreshed)
            return head.id;
        head.refreshed = refreshed;
        sift_down(t, heap, 0, head);
    }
    return 0;
}

void hp_nat_timers_clear(hp_nat_table *t)
{
    for (unsigned i = 0; i < HP_NAT_N_TIMERS; i++) {
        g_free(t->heaps[i].entries);
        t->heaps[i] = (hp_nat_heap){0};
    }
}
