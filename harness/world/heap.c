/* A 4-ary min-heap of intrusive timers, ordered by (time, class, element, sequence).
 *
 * Class and element are packed into one word (hp_timer.order) when a timer is initialised, so that nearly every
 * comparison is one of 128 bits; the sequence of arming is looked up in the timer only when two timers of one element
 * stand at one instant. Four children lie in at most three cache lines and halve the depth of a binary heap.
 *
 * Taking the first timer leaves a hole at the root instead of closing the heap at once: a timer that fires mostly arms
 * itself or another again, and the first to do so fills the hole with one sift down instead of a removal and an
 * insertion. Every other change closes the hole first.
 *
 * Invariants: entries[i].timer->heap_index == i for every entry but the hole; a parent never comes after its child;
 * while there is a hole it is the root. Arming, cancelling and taking are O(log n). */
#include "world/heap.h"

#include <glib.h>

static inline uint32_t parent_of(uint32_t i)
{
    return (i + 2) / 4;
}

static inline bool comes_before(const hp_heap_entry *a, const hp_heap_entry *b)
{
    unsigned __int128 key_a = (unsigned __int128)a->at << 64 | a->order;
    unsigned __int128 key_b = (unsigned __int128)b->at << 64 | b->order;
    if (G_LIKELY(key_a != key_b)) {
        return key_a < key_b;
    }
    return a->timer->sequence < b->timer->sequence;
}

static inline void place(hp_heap *heap, uint32_t i, hp_heap_entry entry)
{
    heap->entries[i] = entry;
    entry.timer->heap_index = i;
}

/* Both sifts hold the entry in hand and write it once, where it belongs. */
static void sift_up(hp_heap *heap, uint32_t i, hp_heap_entry entry)
{
    while (i > 1) {
        uint32_t parent = parent_of(i);
        if (!comes_before(&entry, &heap->entries[parent])) {
            break;
        }
        place(heap, i, heap->entries[parent]);
        i = parent;
    }
    place(heap, i, entry);
}

/* The least child of i, or 0 when it has none. */
static inline uint32_t least_child(const hp_heap *heap, uint32_t i)
{
    uint64_t first = (uint64_t)i * 4 - 2;
    if (first > heap->n) {
        return 0;
    }
    uint32_t least = (uint32_t)first;
    uint32_t end = first + 4 <= heap->n ? (uint32_t)first + 4 : heap->n + 1;
    for (uint32_t child = least + 1; child < end; child++) {
        if (comes_before(&heap->entries[child], &heap->entries[least])) {
            least = child;
        }
    }
    return least;
}

static void sift_down(hp_heap *heap, uint32_t i, hp_heap_entry entry)
{
    for (;;) {
        uint32_t child = least_child(heap, i);
        if (child == 0 || !comes_before(&heap->entries[child], &entry)) {
            break;
        }
        place(heap, i, heap->entries[child]);
        i = child;
    }
    place(heap, i, entry);
}

static void close_hole(hp_heap *heap)
{
    if (!heap->hole) {
        return;
    }
    heap->hole = false;
    hp_heap_entry last = heap->entries[heap->n];
    heap->n--;
    if (heap->n > 0) {
        sift_down(heap, 1, last);
    }
}

void hp_heap_clear(hp_heap *heap)
{
    g_free(heap->entries);
    *heap = (hp_heap){0};
}

void hp_heap_arm(hp_heap *heap, hp_timer *timer, hp_time at)
{
    timer->at = at;
    timer->sequence = heap->next_sequence++;
    hp_heap_entry entry = {.at = at, .order = timer->order, .timer = timer};
    if (timer->heap_index != 0) {
        close_hole(heap);
        uint32_t i = timer->heap_index;
        uint32_t parent = parent_of(i);
        if (i > 1 && comes_before(&entry, &heap->entries[parent])) {
            sift_up(heap, i, entry);
        } else {
            sift_down(heap, i, entry);
        }
        return;
    }
    if (heap->hole) {
        heap->hole = false;
        sift_down(heap, 1, entry);
        return;
    }
    if (heap->n + 1 >= heap->capacity) {
        heap->capacity = heap->capacity == 0 ? 64 : heap->capacity * 2;
        heap->entries = g_renew(hp_heap_entry, heap->entries, heap->capacity);
    }
    heap->n++;
    sift_up(heap, heap->n, entry);
}

void hp_heap_cancel(hp_heap *heap, hp_timer *timer)
{
    if (timer->heap_index == 0) {
        return;
    }
    close_hole(heap);
    uint32_t i = timer->heap_index;
    timer->heap_index = 0;
    hp_heap_entry last = heap->entries[heap->n];
    heap->n--;
    if (last.timer == timer) {
        return;
    }
    if (i > 1 && comes_before(&last, &heap->entries[parent_of(i)])) {
        sift_up(heap, i, last);
    } else {
        sift_down(heap, i, last);
    }
}

hp_timer *hp_heap_take(hp_heap *heap)
{
    close_hole(heap);
    if (heap->n == 0) {
        return NULL;
    }
    hp_timer *timer = heap->entries[1].timer;
    timer->heap_index = 0;
    heap->hole = true;
    return timer;
}

hp_timer *hp_heap_first(const hp_heap *heap)
{
    if (!heap->hole) {
        return heap->n > 0 ? heap->entries[1].timer : NULL;
    }
    uint32_t child = least_child(heap, 1);
    return child != 0 ? heap->entries[child].timer : NULL;
}
