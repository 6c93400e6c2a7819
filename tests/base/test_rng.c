/* Random streams: reference values, independence of elements, bounds, moments. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <glib.h>

#include "base/rng.h"

static void test_reference(void **state)
{
    /* The generator's published first outputs from state 1, 2, 3, 4. */
    hp_rng rng = {{1, 2, 3, 4}};
    assert_true(hp_rng_u64(&rng) == 11520);
    assert_true(hp_rng_u64(&rng) == 0);
    assert_true(hp_rng_u64(&rng) == 1509978240);
    assert_true(hp_rng_u64(&rng) == UINT64_C(1215971899390074240));
}

static void test_stream_of_an_element(void **state)
{
    /* Computed with an independent implementation; they may never change, or saved seeds lose their meaning. */
    hp_rng rng;
    hp_rng_init(&rng, 1, "alice");
    assert_true(hp_rng_u64(&rng) == UINT64_C(0x50e21422e6edec07));
    assert_true(hp_rng_u64(&rng) == UINT64_C(0xd6f642db84ebd184));
    assert_true(hp_rng_u64(&rng) == UINT64_C(0xc942e9902e0e8b14));

    hp_rng a, b, c;
    hp_rng_init(&a, 1, "alice");
    hp_rng_init(&b, 1, "bob");
    hp_rng_init(&c, 2, "alice");
    uint64_t first = hp_rng_u64(&a);
    assert_true(first != hp_rng_u64(&b));
    assert_true(first != hp_rng_u64(&c));
}

static void test_bytes(void **state)
{
    static const uint8_t expected[12] = {0x07, 0xec, 0xed, 0xe6, 0x22, 0x14, 0xe2, 0x50, 0x84, 0xd1, 0xeb, 0xaa};
    uint8_t out[12] = {[11] = 0xaa};
    hp_rng rng;
    hp_rng_init(&rng, 1, "alice");
    hp_rng_bytes(&rng, out, 11);
    assert_memory_equal(out, expected, 12);
    hp_rng_bytes(&rng, out, 0);
}

static void test_below(void **state)
{
    hp_rng rng;
    unsigned seen[6] = {0};
    hp_rng_init(&rng, 1, "alice");
    assert_true(hp_rng_below(&rng, 6) == 1);
    assert_true(hp_rng_below(&rng, 0) == 0);
    assert_true(hp_rng_below(&rng, 1) == 0);
    for (unsigned i = 0; i < 60000; i++) {
        uint64_t value = hp_rng_below(&rng, 6);
        assert_true(value < 6);
        seen[value]++;
    }
    for (unsigned i = 0; i < 6; i++) {
        assert_in_range(seen[i], 9700, 10300); /* 3.3 standard deviations; fixed seed */
    }
    for (unsigned i = 0; i < 1000; i++) {
        assert_true(hp_rng_below(&rng, UINT64_C(0xC000000000000000)) < UINT64_C(0xC000000000000000));
    }
}

static void test_chance(void **state)
{
    hp_rng rng, untouched;
    unsigned hits = 0;
    hp_rng_init(&rng, 7, "link");
    untouched = rng;
    assert_false(hp_rng_chance(&rng, 0));
    assert_true(hp_rng_chance(&rng, HP_PPB));
    assert_true(hp_rng_chance(&rng, UINT32_MAX));
    assert_memory_equal(&rng, &untouched, sizeof rng);
    for (unsigned i = 0; i < 10000; i++) {
        hits += hp_rng_chance(&rng, HP_PPB / 10);
    }
    assert_int_equal(hits, 1013);
}

static void test_normal(void **state)
{
    hp_rng rng;
    hp_rng_init(&rng, 1, "alice");
    assert_int_equal(hp_rng_normal(&rng, 1000), 1216);
    int64_t sum = 0, squares = 0;
    for (unsigned i = 0; i < 100000; i++) {
        int64_t x = hp_rng_normal(&rng, 1000);
        assert_true(x >= -6000 && x <= 6000);
        sum += x;
        squares += x * x;
    }
    assert_in_range(sum / 100000 + 1000, 990, 1010);
    assert_in_range(squares / 100000, 980000, 1020000);
    assert_int_equal(hp_rng_normal(&rng, 0), 0);
    for (unsigned i = 0; i < 100; i++) { /* the widest sigma must not overflow */
        int64_t x = hp_rng_normal(&rng, UINT64_MAX);
        assert_true(x != 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reference), cmocka_unit_test(test_stream_of_an_element),
        cmocka_unit_test(test_bytes),     cmocka_unit_test(test_below),
        cmocka_unit_test(test_chance),    cmocka_unit_test(test_normal),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
