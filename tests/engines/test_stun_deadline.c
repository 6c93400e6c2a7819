/* The engines' heap of deadlines: order, ties, and changes from inside a callback. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <glib.h>

#include "base/rng.h"
#include "engines/stun_deadline.h"

typedef struct item {
    hp_deadline due;
    hp_deadlines *set;
    struct item *other;
    unsigned number;
    GArray *fired;
    hp_time again;
} item;

static void fire(void *owner, hp_time now)
{
    item *i = owner;
    g_array_append_val(i->fired, i->number);
    if (i->other != NULL) {
        hp_deadlines_clear(i->set, &i->other->due);
    }
    if (i->again != 0) {
        hp_deadlines_set(i->set, &i->due, i->again);
        i->again = 0;
    }
}

static void item_init(item *i, hp_deadlines *set, GArray *fired, unsigned number)
{
    *i = (item){.set = set, .fired = fired, .number = number};
    i->due.fire = fire;
    i->due.owner = i;
}

/* Equal times fire in the order they were set; setting anew goes to the end. */
static void ties(void **state)
{
    hp_deadlines set = {0};
    GArray *fired = g_array_new(FALSE, FALSE, sizeof(unsigned));
    item items[40];
    for (unsigned i = 0; i < 40; i++) {
        item_init(&items[i], &set, fired, i);
        hp_deadlines_set(&set, &items[i].due, 100);
    }
    hp_deadlines_set(&set, &items[3].due, 100);
    assert_int_equal(hp_deadlines_next(&set), 100);
    hp_deadlines_run(&set, 99);
    assert_int_equal(fired->len, 0);
    hp_deadlines_run(&set, 100);
    assert_int_equal(fired->len, 40);
    for (unsigned i = 0; i < 39; i++) {
        assert_int_equal(g_array_index(fired, unsigned, i), i < 3 ? i : i + 1);
    }
    assert_int_equal(g_array_index(fired, unsigned, 39), 3);
    assert_int_equal(hp_deadlines_next(&set), HP_NEVER);
    g_array_unref(fired);
    hp_deadlines_free(&set);
}

/* Random sets and clears against a plain search for the least. */
static void random_order(void **state)
{
    hp_deadlines set = {0};
    GArray *fired = g_array_new(FALSE, FALSE, sizeof(unsigned));
    item items[64];
    hp_rng rng;
    hp_rng_init(&rng, 9, "deadlines");
    for (unsigned i = 0; i < 64; i++) {
        item_init(&items[i], &set, fired, i);
    }
    for (unsigned round = 0; round < 5000; round++) {
        item *i = &items[hp_rng_below(&rng, 64)];
        if (hp_rng_below(&rng, 3) == 0) {
            hp_deadlines_clear(&set, &i->due);
        } else {
            hp_deadlines_set(&set, &i->due, hp_rng_below(&rng, 50));
        }
        hp_time least = HP_NEVER;
        unsigned n = 0;
        for (unsigned k = 0; k < 64; k++) {
            if (items[k].due.index != 0) {
                assert_ptr_equal(set.items[items[k].due.index], &items[k].due);
                least = MIN(least, items[k].due.at);
                n++;
            }
        }
        assert_int_equal(hp_deadlines_next(&set), least);
        assert_int_equal(set.n, n);
    }
    g_array_unref(fired);
    hp_deadlines_free(&set);
    assert_int_equal(items[0].due.index, 0);
}

/* A callback may clear another that is due, and set itself again: within what is due, it fires in the same run. */
static void from_inside(void **state)
{
    hp_deadlines set = {0};
    GArray *fired = g_array_new(FALSE, FALSE, sizeof(unsigned));
    item items[3];
    for (unsigned i = 0; i < 3; i++) {
        item_init(&items[i], &set, fired, i);
        hp_deadlines_set(&set, &items[i].due, 10 + i);
    }
    items[0].other = &items[1];
    items[0].again = 15;
    hp_deadlines_run(&set, 20);
    assert_int_equal(fired->len, 3);
    assert_int_equal(g_array_index(fired, unsigned, 0), 0);
    assert_int_equal(g_array_index(fired, unsigned, 1), 2);
    assert_int_equal(g_array_index(fired, unsigned, 2), 0);
    hp_deadlines_set(&set, &items[1].due, HP_NEVER);
    assert_int_equal(hp_deadlines_next(&set), HP_NEVER);
    g_array_unref(fired);
    hp_deadlines_free(&set);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ties),
        cmocka_unit_test(random_order),
        cmocka_unit_test(from_inside),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
