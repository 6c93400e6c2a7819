/* Comparisons and quantities: exact bounds, exact text. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/compare.h"

static void test_parse(void **state)
{
    static const struct {
        const char *text;
        hp_unit unit;
        int64_t min, max;
    } cases[] = {
        {"< 90ms", HP_UNIT_TIME, INT64_MIN, 89999999},
        {"<=90ms", HP_UNIT_TIME, INT64_MIN, 90000000},
        {"> 1.5s", HP_UNIT_TIME, 1500000001, INT64_MAX},
        {">= 0", HP_UNIT_TIME, 0, INT64_MAX},
        {"10ms..20ms", HP_UNIT_TIME, 10000000, 20000000},
        {"0 .. 1.5s", HP_UNIT_TIME, 0, 1500000000},
        {"2h", HP_UNIT_TIME, 7200000000000, 7200000000000},
        {"1..3", HP_UNIT_COUNT, 1, 3},
        {"5", HP_UNIT_COUNT, 5, 5},
        {"== 5", HP_UNIT_COUNT, 5, 5},
        {">= 2", HP_UNIT_COUNT, 2, INT64_MAX},
        {"< 0", HP_UNIT_COUNT, INT64_MIN, -1},
        {" <\t2 ", HP_UNIT_COUNT, INT64_MIN, 1},
        {"9223372036854775807", HP_UNIT_COUNT, INT64_MAX, INT64_MAX},
        {"0.1%", HP_UNIT_RATIO, 1000000, 1000000},
        {"> 99%", HP_UNIT_RATIO, 990000001, INT64_MAX},
        {"< 0.25", HP_UNIT_RATIO, INT64_MIN, 249999999},
        {"1", HP_UNIT_RATIO, 1000000000, 1000000000},
        {"0.0000001%", HP_UNIT_RATIO, 1, 1},
        {"0.5..75%", HP_UNIT_RATIO, 500000000, 750000000},
        {"1.5kB", HP_UNIT_BYTES, 1500, 1500},
        {"64KiB", HP_UNIT_BYTES, 65536, 65536},
        {"<= 2MiB", HP_UNIT_BYTES, INT64_MIN, 2097152},
        {"100..1200", HP_UNIT_BYTES, 100, 1200},
        {"12B", HP_UNIT_BYTES, 12, 12},
        {">= 2.5Mbit/s", HP_UNIT_RATE, 2500000, INT64_MAX},
        {"1Gbit/s", HP_UNIT_RATE, 1000000000, 1000000000},
        {"900kbps..1.1Mbps", HP_UNIT_RATE, 900000, 1100000},
        {"2Gbps", HP_UNIT_RATE, 2000000000, 2000000000},
        {"7bps", HP_UNIT_RATE, 7, 7},
        {"4.05", HP_UNIT_MILLI, 4050, 4050},
        {"> 4", HP_UNIT_MILLI, 4001, INT64_MAX},
        {">= 29.97", HP_UNIT_MILLI, 29970, INT64_MAX},
        {"< 4.5", HP_UNIT_MILLI, INT64_MIN, 4499},
        {"3.9..4.5", HP_UNIT_MILLI, 3900, 4500},
        {"3..4", HP_UNIT_MILLI, 3000, 4000},
        {"0.001", HP_UNIT_MILLI, 1, 1},
        {"4.0500", HP_UNIT_MILLI, 4050, 4050},
        {"9223372036854775.807", HP_UNIT_MILLI, INT64_MAX, INT64_MAX},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        hp_compare c = {0};
        assert_true(hp_compare_parse(cases[i].text, cases[i].unit, &c));
        assert_true(c.set);
        assert_int_equal(c.unit, cases[i].unit);
        assert_true(c.min == cases[i].min);
        assert_true(c.max == cases[i].max);
    }
}

static void test_parse_refuses(void **state)
{
    static const struct {
        const char *text;
        hp_unit unit;
    } cases[] = {
        {"", HP_UNIT_COUNT},
        {"<", HP_UNIT_COUNT},
        {"< x", HP_UNIT_COUNT},
        {"5 6", HP_UNIT_COUNT},
        {"3..1", HP_UNIT_COUNT},
        {"1..", HP_UNIT_COUNT},
        {"..3", HP_UNIT_COUNT},
        {"< 1..3", HP_UNIT_COUNT},
        {"1...3", HP_UNIT_COUNT},
        {"1.5", HP_UNIT_COUNT},
        {"-1", HP_UNIT_COUNT},
        {"!= 3", HP_UNIT_COUNT},
        {"=3", HP_UNIT_COUNT},
        {"5ms", HP_UNIT_COUNT},
        {"90", HP_UNIT_TIME},
        {"10..20ms", HP_UNIT_TIME},
        {"< 90 ms", HP_UNIT_TIME},
        {"0.5ns", HP_UNIT_TIME},
        {"101%", HP_UNIT_RATIO},
        {"1.1", HP_UNIT_RATIO},
        {"0.00000001%", HP_UNIT_RATIO},
        {"5 %", HP_UNIT_RATIO},
        {"5Kb", HP_UNIT_BYTES},
        {"1.5B", HP_UNIT_BYTES},
        {"5", HP_UNIT_RATE},
        {"5Kbps", HP_UNIT_RATE},
        {"5kBps", HP_UNIT_RATE},
        {"4.0505", HP_UNIT_MILLI},
        {"4.0001", HP_UNIT_MILLI},
        {"4%", HP_UNIT_MILLI},
        {"4fps", HP_UNIT_MILLI},
        {"4.", HP_UNIT_MILLI},
        {".5", HP_UNIT_MILLI},
        {"-4", HP_UNIT_MILLI},
        {"4.5..3.9", HP_UNIT_MILLI},
        {"9223372036854775.808", HP_UNIT_MILLI},
        {"9223372036854775808", HP_UNIT_COUNT},
        {"> 9223372036854775807", HP_UNIT_COUNT},
        {"2562048h", HP_UNIT_TIME},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        hp_compare c = {.min = 42};
        assert_false(hp_compare_parse(cases[i].text, cases[i].unit, &c));
        assert_int_equal(c.min, 42);
        assert_false(c.set);
    }
}

static void test_holds(void **state)
{
    hp_compare c;
    assert_true(hp_compare_parse("< 90ms", HP_UNIT_TIME, &c));
    assert_true(hp_compare_holds(&c, 89999999));
    assert_false(hp_compare_holds(&c, 90000000));
    assert_true(hp_compare_parse("1..3", HP_UNIT_COUNT, &c));
    assert_false(hp_compare_holds(&c, 0));
    assert_true(hp_compare_holds(&c, 1));
    assert_true(hp_compare_holds(&c, 3));
    assert_false(hp_compare_holds(&c, 4));
}

static void test_compare_text(void **state)
{
    static const struct {
        hp_unit unit;
        const char *text, *written;
    } cases[] = {
        {HP_UNIT_TIME, "<90ms", "< 90ms"},
        {HP_UNIT_TIME, "<= 90ms", "<= 90ms"},
        {HP_UNIT_TIME, ">1.5s", "> 1.5s"},
        {HP_UNIT_TIME, ">= 1.5s", ">= 1.5s"},
        {HP_UNIT_COUNT, "1..3", "1..3"},
        {HP_UNIT_COUNT, "==5", "5"},
        {HP_UNIT_COUNT, "< 3", "<= 2"},
        {HP_UNIT_COUNT, "> 0", ">= 1"},
        {HP_UNIT_COUNT, "< 0", "< 0"},
        {HP_UNIT_RATIO, "> 99%", "> 99%"},
        {HP_UNIT_RATIO, "< 0.01", "< 1%"},
        {HP_UNIT_RATE, ">= 2500kbit/s", ">= 2.5Mbit/s"},
        {HP_UNIT_RATE, "> 300kbps", "> 300kbit/s"},
        {HP_UNIT_BYTES, "100..1200", "100B..1.2kB"},
        {HP_UNIT_COUNT, ">= 0", ">= 0"},
        {HP_UNIT_TIME, "0", "0"},
        {HP_UNIT_MILLI, "4.050", "4.05"},
        {HP_UNIT_MILLI, "> 4", "> 4"},
        {HP_UNIT_MILLI, "<= 4.5", "<= 4.5"},
        {HP_UNIT_MILLI, "< 4.5", "< 4.5"},
        {HP_UNIT_MILLI, "3.9 .. 4.5", "3.9..4.5"},
        {HP_UNIT_MILLI, "< 0", "< 0"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        hp_compare c, again;
        assert_true(hp_compare_parse(cases[i].text, cases[i].unit, &c));
        g_autofree char *text = hp_compare_format(&c);
        assert_string_equal(text, cases[i].written);
        assert_true(hp_compare_parse(text, cases[i].unit, &again));
        assert_true(again.min == c.min && again.max == c.max);
    }
    hp_compare unset = {0};
    g_autofree char *text = hp_compare_format(&unset);
    assert_string_equal(text, "any");
}

static void test_unit_text(void **state)
{
    static const struct {
        hp_unit unit;
        int64_t value;
        const char *text;
    } cases[] = {
        {HP_UNIT_TIME, 20500000, "20.5ms"},
        {HP_UNIT_TIME, 91203411, "91.203411ms"},
        {HP_UNIT_TIME, 1000000001, "1.000000001s"},
        {HP_UNIT_TIME, 999, "999ns"},
        {HP_UNIT_TIME, 600000000000, "600s"},
        {HP_UNIT_RATIO, 1000000, "0.1%"},
        {HP_UNIT_RATIO, 0, "0%"},
        {HP_UNIT_RATIO, 1000000000, "100%"},
        {HP_UNIT_RATIO, 1, "0.0000001%"},
        {HP_UNIT_COUNT, 17, "17"},
        {HP_UNIT_COUNT, 0, "0"},
        {HP_UNIT_BYTES, 999, "999B"},
        {HP_UNIT_BYTES, 1200, "1.2kB"},
        {HP_UNIT_BYTES, 1234567, "1234.567kB"},
        {HP_UNIT_BYTES, 65536, "65.536kB"},
        {HP_UNIT_RATE, 1500000, "1.5Mbit/s"},
        {HP_UNIT_RATE, 999, "999bit/s"},
        {HP_UNIT_MILLI, 4050, "4.05"},
        {HP_UNIT_MILLI, 4500, "4.5"},
        {HP_UNIT_MILLI, 30000, "30"},
        {HP_UNIT_MILLI, 1, "0.001"},
        {HP_UNIT_MILLI, 0, "0"},
        {HP_UNIT_MILLI, INT64_MAX, "9223372036854775.807"},
        {HP_UNIT_TIME, INT64_MAX, "9223372036.854775807s"},
        {HP_UNIT_COUNT, INT64_MAX, "9223372036854775807"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        int64_t back = -1;
        g_autofree char *text = hp_unit_format(cases[i].unit, cases[i].value);
        assert_string_equal(text, cases[i].text);
        assert_true(hp_unit_parse(text, cases[i].unit, &back));
        assert_true(back == cases[i].value);
    }
    g_autofree char *negative = hp_unit_format(HP_UNIT_TIME, -20500000);
    assert_string_equal(negative, "-20.5ms");
    g_autofree char *least = hp_unit_format(HP_UNIT_COUNT, INT64_MIN);
    assert_string_equal(least, "-9223372036854775808");
    int64_t value = 3;
    assert_false(hp_unit_parse("5ms x", HP_UNIT_TIME, &value));
    assert_false(hp_unit_parse("< 5ms", HP_UNIT_TIME, &value));
    assert_int_equal(value, 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_parse),        cmocka_unit_test(test_parse_refuses), cmocka_unit_test(test_holds),
        cmocka_unit_test(test_compare_text), cmocka_unit_test(test_unit_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
