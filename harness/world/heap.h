/* The world's timers as a 4-ary heap. Private to the folder. */
#ifndef HP_WORLD_HEAP_H
#define HP_WORLD_HEAP_H

#include <stdbool.h>
#include <stdint.h>

#include "world/world.h"

/* What decides the order lies in the heap itself, so that sifting touches no timer but the one it moves. */
typedef struct hp_heap_entry {
    hp_time at;
    uint64_t order;
    hp_timer *timer;
} hp_heap_entry;

typedef struct hp_heap {
    hp_heap_entry *entries; /* [1..n]; index 0 is never used, it means "not armed" */
    uint32_t n, capacity;
    bool hole; /* the root was taken and not yet filled; counted in n */
    uint64_t next_sequence;
} hp_heap;

void hp_heap_clear(hp_heap *heap);
/* Arms, or arms anew, with a fresh sequence number. */
void hp_heap_arm(hp_heap *heap, hp_timer *timer, hp_time at);
/* Nothing when it is not armed. */
void hp_heap_cancel(hp_heap *heap, hp_timer *timer);
/* Takes the first timer out; NULL when empty. */
hp_timer *hp_heap_take(hp_heap *heap);
/* The first timer, or NULL. */
hp_timer *hp_heap_first(const hp_heap *heap);

static inline uint32_t hp_heap_size(const hp_heap *heap)
{
    return heap->n - (heap->hole ? 1 : 0);
}

#endif
