/* Deadlines of an engine, soonest first: a binary heap of items embedded in their owners. Equal times fire in the
 * order they were set. Private to the folder. */
#ifndef HP_ENGINES_STUN_DEADLINE_H
#define HP_ENGINES_STUN_DEADLINE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/time.h"

/* Zero it and fill fire and owner. Set: legal to set again or clear; its owner must clear it before it is freed. */
typedef struct hp_deadline {
    hp_time at;
    uint64_t order;
    uint32_t index; /* 0 = not set */
    void (*fire)(void *owner, hp_time now);
    void *owner;
} hp_deadline;

typedef struct hp_deadlines {
    hp_deadline **items; /* [1..n] */
    uint32_t n, capacity;
    uint64_t next_order;
} hp_deadlines;

void hp_deadlines_free(hp_deadlines *set);
/* HP_NEVER clears. */
void hp_deadlines_set(hp_deadlines *set, hp_deadline *item, hp_time at);
void hp_deadlines_clear(hp_deadlines *set, hp_deadline *item);
/* HP_NEVER when empty. */
static inline hp_time hp_deadlines_next(const hp_deadlines *set)
{
    return set->n > 0 ? set->items[1]->at : HP_NEVER;
}
/* Fires all that is due. An item may set, clear or free itself and others from its callback. */
void hp_deadlines_run(hp_deadlines *set, hp_time now);

#endif
