/* Fixed-point mathematics against values known exactly, or to more digits than it has. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <glib.h>

#include "world/fixed_point.h"

#define ONE (UINT64_C(1) << 32)

static void assert_near(int64_t value, int64_t wanted, int64_t bound)
{
    if (value < wanted - bound || value > wanted + bound) {
        fail_msg("%" G_GINT64_FORMAT " is not within %" G_GINT64_FORMAT " of %" G_GINT64_FORMAT, value, bound, wanted);
    }
}

static void test_logarithm(void **state)
{
    for (unsigned i = 0; i < 64; i++) {
        assert_int_equal(hp_fixed_log2(UINT64_C(1) << i), i * ONE);
    }
    assert_near((int64_t)hp_fixed_log2(3), INT64_C(6807362105), 4);
    assert_near((int64_t)hp_fixed_log2(10), INT64_C(14267572527), 4);
    assert_near((int64_t)hp_fixed_log2(1000000007), INT64_C(128408152788), 4);
    assert_int_equal(hp_fixed_log2(UINT64_MAX), 64 * ONE - 1);
}

static void test_powers(void **state)
{
    assert_int_equal(hp_fixed_scale_up(1000, 0), 1000);
    assert_int_equal(hp_fixed_scale_up(1000, 5 * ONE), 32000);
    assert_int_equal(hp_fixed_scale_up(1, 63 * ONE), UINT64_C(1) << 63);
    assert_int_equal(hp_fixed_scale_up(1, 64 * ONE), UINT64_MAX);
    assert_int_equal(hp_fixed_scale_up(3, 63 * ONE), UINT64_MAX);
    assert_int_equal(hp_fixed_scale_up(0, 100 * ONE), 0);
    assert_int_equal(hp_fixed_scale_up(UINT64_MAX, ONE / 2), UINT64_MAX);
    assert_int_equal(hp_fixed_scale_up(UINT64_MAX, UINT64_MAX), UINT64_MAX);
    assert_near((int64_t)hp_fixed_scale_up(1000000000000, ONE / 2), 1414213562373, 1);
    assert_near((int64_t)hp_fixed_scale_up(1000000000000, ONE / 4), 1189207115002, 1);
    assert_near((int64_t)hp_fixed_scale_up(1000000000000, ONE * 3 + ONE / 8 * 7), INT64_C(14672064691274), 9);
    assert_near((int64_t)hp_fixed_scale_up(1, 62 * ONE + ONE / 2), INT64_C(6521908912666391106), 512);
}

/* 2^(e/2) taken twice is 2^e, down to the last bit of the exponent. */
static void test_powers_multiply(void **state)
{
    uint64_t a = UINT64_C(1) << 61;
    for (unsigned i = 1; i < 32; i++) {
        uint64_t half = ONE >> (i + 1);
        uint64_t twice = hp_fixed_scale_up(hp_fixed_scale_up(a, half), half);
        assert_near((int64_t)twice, (int64_t)hp_fixed_scale_up(a, 2 * half), 8);
    }
}

static void test_logarithm_undoes_power(void **state)
{
    for (uint64_t e = 0; e < 40 * ONE; e += ONE / 7) {
        uint64_t x = hp_fixed_scale_up(UINT64_C(1) << 23, e);
        assert_near((int64_t)hp_fixed_log2(x), (int64_t)(e + 23 * ONE), 1500); /* x is a whole number of 24 bits */
    }
}

static void test_roots(void **state)
{
    assert_int_equal(hp_fixed_sqrt(0), 0);
    assert_int_equal(hp_fixed_sqrt(1), 1);
    assert_int_equal(hp_fixed_sqrt(3), 1);
    assert_int_equal(hp_fixed_sqrt(4), 2);
    assert_int_equal(hp_fixed_sqrt(99), 9);
    assert_int_equal(hp_fixed_sqrt(~(unsigned __int128)0), UINT64_MAX);
    for (uint64_t x = 1; x < 1000000; x += 997) {
        assert_int_equal(hp_fixed_sqrt((unsigned __int128)x * x), x);
        assert_int_equal(hp_fixed_sqrt((unsigned __int128)x * x - 1), x - 1);
    }
}

static void test_normal_quantiles(void **state)
{
    static const struct {
        uint64_t u; /* of 2^64 */
        int64_t wanted; /* in 10^-9 */
    } known[] = {
        {UINT64_C(18), INT64_C(-8756965283)},
        {UINT64_C(18446), INT64_C(-7941346967)},
        {UINT64_C(18446744), INT64_C(-7034483822)},
        {UINT64_C(18446744073), INT64_C(-5997807015)},
        {UINT64_C(18446744073709), INT64_C(-4753424309)},
        {UINT64_C(1844674407370955), INT64_C(-3719016485)},
        {UINT64_C(18446744073709552), INT64_C(-3090232306)},
        {UINT64_C(184467440737095520), INT64_C(-2326347874)},
        {UINT64_C(922337203685477632), INT64_C(-1644853627)},
        {UINT64_C(1383505805528216320), INT64_C(-1439531471)},
        {UINT64_C(1844674407370955264), INT64_C(-1281551566)},
        {UINT64_C(4611686018427387904), INT64_C(-674489750)},
        {UINT64_C(7378697629483821056), INT64_C(-253347103)},
        {UINT64_C(9038904596117680128), INT64_C(-25068908)},
    };
    for (unsigned i = 0; i < G_N_ELEMENTS(known); i++) {
        int64_t z = hp_fixed_normal_quantile(known[i].u);
        int64_t billionths = (int64_t)((__int128)z * 1000000000 / (int64_t)ONE);
        assert_near(billionths, known[i].wanted, 1000);
        assert_int_equal(hp_fixed_normal_quantile(~known[i].u), -z);
    }
    assert_near(hp_fixed_normal_quantile(UINT64_C(1) << 63), 0, 2);
}

static void test_normal_quantiles_rise(void **state)
{
    int64_t before = hp_fixed_normal_quantile(0);
    assert_near(before / (int64_t)(ONE / 1000), -9155, 2); /* in thousandths */
    for (unsigned bits = 3; bits < 64; bits++) {
        for (uint64_t eighth = 8; eighth < 16; eighth++) {
            int64_t z = hp_fixed_normal_quantile(eighth << (bits - 3));
            assert_true(z > before);
            before = z;
        }
    }
    assert_true(before > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_logarithm),
        cmocka_unit_test(test_powers),
        cmocka_unit_test(test_powers_multiply),
        cmocka_unit_test(test_logarithm_undoes_power),
        cmocka_unit_test(test_roots),
        cmocka_unit_test(test_normal_quantiles),
        cmocka_unit_test(test_normal_quantiles_rise),
    };
    return cmocka_run_group_tests_name("fixed point", tests, NULL, NULL);
}
