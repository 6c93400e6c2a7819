/* How many comparisons the heap makes, to the last one: O(log n) at its worst, not only in the mean.
 *
 * The heap is compiled into this test with a counter in its comparison (G_LIKELY stands there and nowhere else). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <glib.h>

static uint64_t comparisons;
#undef G_LIKELY
#define G_LIKELY(condition) (comparisons++, (condition))
#include "../../harness/world/heap.c"

static void never_fires(void *owner, hp_time now)
{
    fail();
}

/* Levels of a heap of n with four children each: the root alone is one. */
static unsigned levels(uint32_t n)
{
    unsigned depth = 0;
    for (uint64_t held = 0, row = 1; held < n; row *= 4) {
        held += row;
        depth++;
    }
    return depth;
}

static void grows_by_the_logarithm(void **state)
{
    assert_int_equal(levels(1), 1);
    assert_int_equal(levels(2), 2);
    assert_int_equal(levels(5), 2);
    assert_int_equal(levels(6), 3);
    for (uint32_t n = 1000; n <= 1000000; n *= 10) {
        hp_timer *timers = g_new0(hp_timer, n);
        hp_heap heap = {0};
        hp_rng rng;
        hp_rng_init(&rng, 1, "heap");
        uint64_t worst_arm = 0, worst_next = 0, worst_move = 0, counted = 0;
        comparisons = 0;
        for (uint32_t i = 0; i < n; i++) {
            uint64_t before = comparisons;
            hp_timer_init(&timers[i], HP_TIMER_NODE, i, never_fires, NULL);
            hp_heap_arm(&heap, &timers[i], n - i); /* the worst order: each becomes the first */
            worst_arm = MAX(worst_arm, comparisons - before);
        }
        for (uint32_t i = 0; i < 100000; i++) {
            uint64_t before = comparisons;
            hp_timer *first = hp_heap_take(&heap);
            hp_heap_arm(&heap, first, first->at + n); /* behind all others */
            worst_next = MAX(worst_next, comparisons - before);
            before = comparisons;
            hp_heap_cancel(&heap, &timers[hp_rng_below(&rng, n)]);
            worst_move = MAX(worst_move, comparisons - before);
            counted++;
            if (hp_heap_size(&heap) < n / 2) {
                break;
            }
        }
        /* Up: one a level above. Down: three among the children, and one with the least of them. One to choose. */
        assert_in_range(worst_arm, levels(n) - 1, levels(n));
        assert_in_range(worst_next, 4, 4 * (levels(n) - 1) + 1);
        assert_in_range(worst_move, 1, 4 * (levels(n) - 1) + 1);
        assert_true(counted >= 500);
        for (uint32_t i = 0; i < n; i++) {
            hp_heap_cancel(&heap, &timers[i]);
        }
        assert_int_equal(hp_heap_size(&heap), 0);
        hp_heap_clear(&heap);
        g_free(timers);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(grows_by_the_logarithm)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
