/* The kernel's generator in the place of all streams: a program of its own, as it is never taken back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/rng.h"

static void test_seeds_say_nothing(void **state)
{
    hp_rng a, b;
    hp_rng_init(&a, 7, "one");
    hp_rng_init(&b, 7, "one");
    assert_true(hp_rng_u64(&a) == hp_rng_u64(&b));
    assert_true(hp_rng_use_kernel());
    hp_rng_init(&a, 7, "one");
    hp_rng_init(&b, 7, "one");
    unsigned same = 0, ones = 0;
    for (unsigned i = 0; i < 1000; i++) {
        uint64_t x = hp_rng_u64(&a);
        same += x == hp_rng_u64(&b);
        ones += (unsigned)__builtin_popcountll(x);
        assert_true(hp_rng_below(&a, 10) < 10);
    }
    assert_int_equal(same, 0);
    assert_in_range(ones, 31000, 33000); /* 32,000 give or take eight standard deviations */
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_seeds_say_nothing)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
