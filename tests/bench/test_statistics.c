/* Means, intervals and Student's t against values that are printed in every table. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bench/statistics.h"

#define assert_near(a, b, within) assert_true(fabs((a) - (b)) <= (within))

static void test_quantiles(void **state)
{
    /* Two-sided 95 %, to the three decimals of printed tables. */
    static const struct {
        unsigned degrees;
        double t;
    } table[] = {{1, 12.706}, {2, 4.303},  {3, 3.182},  {4, 2.776},  {5, 2.571},   {9, 2.262},
                 {10, 2.228}, {29, 2.045}, {30, 2.042}, {60, 2.000}, {120, 1.980}, {100000, 1.960}};
    for (unsigned i = 0; i < sizeof table / sizeof *table; i++)
        assert_near(hp_bench_t_95(table[i].degrees), table[i].t, 0.0005001);
}

static void test_distribution(void **state)
{
    assert_near(hp_bench_t_within(0, 1), 0, 0);
    assert_near(hp_bench_t_within(1, 1), 0.5, 1e-15); /* Cauchy: 2/pi * atan(1) */
    assert_near(hp_bench_t_within(1, 2), 1 / sqrt(3), 1e-15); /* t / sqrt(2 + t^2) */
    assert_near(hp_bench_t_within(2.571, 5), 0.95, 0.0001);
    assert_near(hp_bench_t_within(3.169, 10), 0.99, 0.0001);
}

static void test_interval(void **state)
{
    /* 1..5: s = sqrt(2.5), half = 2.776 * s / sqrt(5) = 1.9632. In another order. */
    const double samples[] = {4, 1, 5, 2, 3};
    hp_bench_summary s = hp_bench_summarize(samples, 5);
    assert_int_equal(s.n, 5);
    assert_near(s.mean, 3, 0);
    assert_near(s.low, 3 - 1.96324, 0.00001);
    assert_near(s.high, 3 + 1.96324, 0.00001);
    assert_near(s.min, 1, 0);
    assert_near(s.median, 3, 0);
    assert_near(s.max, 5, 0);
    const double two[] = {10, 12}; /* half = 12.7062 * sqrt(2) / sqrt(2) */
    s = hp_bench_summarize(two, 2);
    assert_near(s.median, 11, 0);
    assert_near(s.high - s.mean, 12.7062, 0.0001);
}

static void test_degenerate(void **state)
{
    const double one[] = {7.5}, same[] = {0.1, 0.1, 0.1};
    hp_bench_summary s = hp_bench_summarize(one, 1);
    assert_true(s.mean == 7.5 && s.low == 7.5 && s.high == 7.5 && s.median == 7.5 && s.min == 7.5 && s.max == 7.5);
    s = hp_bench_summarize(same, 3);
    assert_true(s.mean == 0.1 && s.low == 0.1 && s.high == 0.1);
}

static void test_order_does_not_matter(void **state)
{
    const double a[] = {1e16, 1, -1e16, 3.3, 0.1}, b[] = {0.1, -1e16, 3.3, 1e16, 1};
    hp_bench_summary x = hp_bench_summarize(a, 5), y = hp_bench_summarize(b, 5);
    assert_true(x.mean == y.mean && x.low == y.low && x.high == y.high);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_quantiles),
        cmocka_unit_test(test_distribution),
        cmocka_unit_test(test_interval),
        cmocka_unit_test(test_degenerate),
        cmocka_unit_test(test_order_does_not_matter),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
