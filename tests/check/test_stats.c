/* Distributions against sorting. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>

#include "base/rng.h"
#include "check/stats.h"

static int by_value(const void *a, const void *b)
{
    const hp_time x = *(const hp_time *)a, y = *(const hp_time *)b;
    return (x > y) - (x < y);
}

static void assert_distribution(hp_time *samples, size_t n)
{
    hp_time sorted[300];
    memcpy(sorted, samples, n * sizeof *samples);
    qsort(sorted, n, sizeof *sorted, by_value);
    uint64_t sum = 0;
    for (size_t i = 0; i < n; i++) {
        sum += sorted[i];
    }
    const hp_distribution d = hp_distribution_of(samples, n);
    assert_int_equal(d.count, n);
    assert_int_equal(d.min, sorted[0]);
    assert_int_equal(d.median, sorted[(n - 1) / 2]);
    assert_int_equal(d.mean, sum / n);
    assert_int_equal(d.p95, sorted[(n * 95 + 99) / 100 - 1]);
    assert_int_equal(d.max, sorted[n - 1]);
}

static void of_nothing(void **state)
{
    const hp_distribution d = hp_distribution_of(NULL, 0);
    assert_int_equal(d.count + d.min + d.median + d.mean + d.p95 + d.max, 0);
}

static void of_anything(void **state)
{
    hp_rng rng;
    hp_rng_init(&rng, 1, "distributions");
    hp_time samples[300];
    for (size_t n = 1; n <= G_N_ELEMENTS(samples); n++) {
        for (unsigned kind = 0; kind < 6; kind++) {
            for (size_t i = 0; i < n; i++) {
                const hp_time values[] = {i, n - i, 7, hp_rng_u64(&rng) >> 20, i % 3, i < n / 2 ? i : n - i};
                samples[i] = values[kind];
            }
            assert_distribution(samples, n);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(of_nothing),
        cmocka_unit_test(of_anything),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
