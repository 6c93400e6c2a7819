/* The heap against a sorted list, its order at one instant, and its growth. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "world/heap.h"

static void never_fires(void *owner, hp_time now)
{
    fail();
}

static void test_order_at_one_instant(void **state)
{
    /* In the order expected; armed in another. */
    static const struct {
        hp_timer_class cls;
        uint32_t element;
        hp_time at;
    } wanted[] = {
        {HP_TIMER_SCRIPT, 9, 4},        {HP_TIMER_LINK, 1, 5},  {HP_TIMER_LINK, 2, 5},
        {HP_TIMER_LINK, 0xffffffff, 5}, {HP_TIMER_NODE, 1, 5},  {HP_TIMER_NODE, 3, 5},
        {HP_TIMER_ACTOR, 0, 5},         {HP_TIMER_ACTOR, 7, 5}, {HP_TIMER_ACTOR, 7, 5} /* later */,
        {HP_TIMER_SCRIPT, 0, 5},        {HP_TIMER_LINK, 0, 6},
    };
    static const unsigned armed_as[] = {10, 3, 0, 7, 9, 8, 2, 1, 6, 5, 4};
    enum { N = G_N_ELEMENTS(wanted) };
    hp_timer timers[N];
    hp_heap heap = {0};
    for (unsigned i = 0; i < N; i++) {
        hp_timer_init(&timers[i], wanted[i].cls, wanted[i].element, never_fires, NULL);
    }
    for (unsigned i = 0; i < N; i++) {
        hp_heap_arm(&heap, &timers[armed_as[i]], wanted[armed_as[i]].at);
    }
    for (unsigned i = 0; i < N; i++) {
        assert_ptr_equal(hp_heap_first(&heap), &timers[i]);
        assert_ptr_equal(hp_heap_take(&heap), &timers[i]);
        assert_false(hp_timer_is_armed(&timers[i]));
    }
    assert_null(hp_heap_take(&heap));
    hp_heap_clear(&heap);
}

static void test_arming_again_goes_to_the_back(void **state)
{
    hp_timer a, b;
    hp_heap heap = {0};
    hp_timer_init(&a, HP_TIMER_ACTOR, 1, never_fires, NULL);
    hp_timer_init(&b, HP_TIMER_ACTOR, 1, never_fires, NULL);
    hp_heap_arm(&heap, &a, 5);
    hp_heap_arm(&heap, &b, 5);
    hp_heap_arm(&heap, &a, 5);
    assert_int_equal(hp_heap_size(&heap), 2);
    assert_ptr_equal(hp_heap_take(&heap), &b);
    assert_ptr_equal(hp_heap_take(&heap), &a);
    hp_heap_clear(&heap);
}

static bool earlier(const hp_timer *a, const hp_timer *b)
{
    if (a->at != b->at) {
        return a->at < b->at;
    }
    return a->order != b->order ? a->order < b->order : a->sequence < b->sequence;
}

/* Random arming, re-arming, cancelling and taking, each answer compared with a search through all timers. */
static void test_against_a_plain_search(void **state)
{
    enum { N = 200, ROUNDS = 20000 };
    static hp_timer timers[N];
    hp_rng rng;
    hp_heap heap = {0};
    hp_rng_init(&rng, 1, "heap");
    for (unsigned i = 0; i < N; i++) {
        hp_timer_init(&timers[i], (hp_timer_class)(i % 4), i / 8, never_fires, NULL);
    }
    for (unsigned round = 0; round < ROUNDS; round++) {
        hp_timer *one = &timers[hp_rng_below(&rng, N)];
        switch (hp_rng_below(&rng, 4)) {
        case 0:
        case 1:
            hp_heap_arm(&heap, one, hp_rng_below(&rng, 50));
            break;
        case 2:
            hp_heap_cancel(&heap, one);
            assert_false(hp_timer_is_armed(one));
            break;
        case 3: {
            hp_timer *first = NULL;
            unsigned n = 0;
            for (unsigned i = 0; i < N; i++) {
                if (hp_timer_is_armed(&timers[i])) {
                    n++;
                    first = first == NULL || earlier(&timers[i], first) ? &timers[i] : first;
                }
            }
            assert_int_equal(hp_heap_size(&heap), n);
            assert_ptr_equal(hp_heap_first(&heap), first);
            assert_ptr_equal(hp_heap_take(&heap), first);
            break;
        }
        }
    }
    hp_heap_clear(&heap);
}

static void test_a_million(void **state)
{
    enum { N = 1000000 };
    hp_timer *timers = g_new0(hp_timer, N);
    hp_rng rng;
    hp_heap heap = {0};
    hp_rng_init(&rng, 1, "million");
    for (unsigned i = 0; i < N; i++) {
        hp_timer_init(&timers[i], HP_TIMER_NODE, i, never_fires, NULL);
        hp_heap_arm(&heap, &timers[i], hp_rng_below(&rng, 1000000));
    }
    assert_int_equal(hp_heap_size(&heap), N);
    const hp_timer *before = hp_heap_take(&heap);
    for (unsigned i = 1; i < N; i++) {
        const hp_timer *next = hp_heap_take(&heap);
        assert_true(earlier(before, next));
        before = next;
    }
    assert_int_equal(hp_heap_size(&heap), 0);
    hp_heap_clear(&heap);
    g_free(timers);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_order_at_one_instant),
        cmocka_unit_test(test_arming_again_goes_to_the_back),
        cmocka_unit_test(test_against_a_plain_search),
        cmocka_unit_test(test_a_million),
    };
    return cmocka_run_group_tests_name("heap", tests, NULL, NULL);
}
