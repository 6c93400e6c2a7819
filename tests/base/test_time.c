/* Spans as text: exact reading, readable writing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <glib.h>

#include "base/time.h"

static void test_parse(void **state)
{
    static const struct {
        const char *text;
        hp_time ns;
    } good[] = {
        {"0", 0},
        {"0.0", 0},
        {"0ms", 0},
        {"5ns", 5},
        {"250us", 250000},
        {"20ms", 20000000},
        {"1.5s", 1500000000},
        {"0.000000001s", 1},
        {"1.50000000000000000000000s", 1500000000},
        {"10m", 600 * HP_S},
        {"2h", 7200 * HP_S},
        {"0.5m", 30 * HP_S},
        {"18446744073709551614ns", UINT64_MAX - 1},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(good); i++) {
        hp_time ns = 77;
        assert_true(hp_time_parse(good[i].text, &ns));
        assert_int_equal(ns, good[i].ns);
    }
}

static void test_parse_refuses(void **state)
{
    static const char *const bad[] = {
        "",         "5",    "1.5",        "ms",    "5 ms",
        " 5ms",     "5ms ", "-5ms",       "5x",    "1.5ns",
        "1..5s",    "1.s",  ".5s",        "1e3s",  "18446744073709551615ns",
        "5MS",      "0x5s", "5124096h60", "never", "99999999999999999999ns",
        "5124096h",
    };
    for (size_t i = 0; i < G_N_ELEMENTS(bad); i++) {
        hp_time ns = 77;
        assert_false(hp_time_parse(bad[i], &ns));
        assert_int_equal(ns, 77);
    }
}

static void test_format(void **state)
{
    static const struct {
        hp_time ns;
        const char *text;
    } cases[] = {
        {0, "0ns"},          {350, "350ns"},           {999, "999ns"},           {1000, "1us"},
        {1500, "1.5us"},     {20500000, "20.5ms"},     {20500999, "20.5ms"},     {999999999, "999.999ms"},
        {HP_S, "1.000s"},    {1250 * HP_MS, "1.250s"}, {600 * HP_S, "600.000s"}, {HP_NEVER - 1, "18446744073.709s"},
        {HP_NEVER, "never"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        char buf[HP_TIME_TEXT];
        assert_ptr_equal(hp_time_format(cases[i].ns, buf), buf);
        assert_string_equal(buf, cases[i].text);
    }
}

static void test_add_saturates(void **state)
{
    assert_int_equal(hp_time_add(1, 2), 3);
    assert_int_equal(hp_time_add(HP_NEVER, 1), HP_NEVER);
    assert_int_equal(hp_time_add(HP_NEVER - 1, 1), HP_NEVER);
    assert_int_equal(hp_time_add(HP_NEVER - 1, 5), HP_NEVER);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_parse),
        cmocka_unit_test(test_parse_refuses),
        cmocka_unit_test(test_format),
        cmocka_unit_test(test_add_saturates),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
