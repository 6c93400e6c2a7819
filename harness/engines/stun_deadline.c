/* A binary heap of embedded deadlines.
 *
 * items[1] is the soonest; every item knows its own index, so that it can be moved or taken out in O(log n). Items of
 * one instant fire in the order in which they were set, so that what an engine does never depends on the heap's shape.
 * An item is taken out before it fires: its callback may do with it what it likes. */
#include "engines/stun_deadline.h"

#include <glib.h>

static bool sooner(const hp_deadline *a, const hp_deadline *b)
{
    return a->at != b->at ? a->at < b->at : a->order < b->order;
}

static void put(hp_deadlines *set, uint32_t index, hp_deadline *item)
{
    set->items[index] = item;
    item->index = index;
}

static void sift_up(hp_deadlines *set, uint32_t index, hp_deadline *item)
{
    while (index > 1 && sooner(item, set->items[index / 2])) {
        put(set, index, set->items[index / 2]);
        index /= 2;
    }
    put(set, index, item);
}

static void sift_down(hp_deadlines *set, uint32_t index, hp_deadline *item)
{
    for (;;) {
        uint32_t child = index * 2;
        if (child > set->n) {
            break;
        }
        if (child < set->n && sooner(set->items[child + 1], set->items[child])) {
            child++;
        }
        if (!sooner(set->items[child], item)) {
            break;
        }
        put(set, index, set->items[child]);
        index = child;
    }
    put(set, index, item);
}

void hp_deadlines_free(hp_deadlines *set)
{
    for (uint32_t i = 1; i <= set->n; i++) {
        set->items[i]->index = 0;
    }
    g_free(set->items);
    *set = (hp_deadlines){0};
}

void hp_deadlines_clear(hp_deadlines *set, hp_deadline *item)
{
    uint32_t index = item->index;
    if (index == 0) {
        return;
    }
    item->index = 0;
    hp_deadline *last = set->items[set->n--];
    if (last == item) {
        return;
    }
    if (index > 1 && sooner(last, set->items[index / 2])) {
        sift_up(set, index, last);
    } else {
        sift_down(set, index, last);
    }
}

void hp_deadlines_set(hp_deadlines *set, hp_deadline *item, hp_time at)
{
    hp_deadlines_clear(set, item);
    if (at == HP_NEVER) {
        return;
    }
    if (set->n + 1 >= set->capacity) {
        set->capacity = set->capacity == 0 ? 16 : set->capacity * 2;
        set->items = g_renew(hp_deadline *, set->items, set->capacity);
    }
    item->at = at;
    item->order = set->next_order++;
    sift_up(set, ++set->n, item);
}

void hp_deadlines_run(hp_deadlines *set, hp_time now)
{
    while (set->n > 0 && set->items[1]->at <= now) {
        hp_deadline *item = set->items[1];
        hp_deadlines_clear(set, item);
        item->fire(item->owner, now);
    }
}
