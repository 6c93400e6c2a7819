/* Traces of opportunities and lists of delays, read from text. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "base/error.h"
#include "config/link_files.h"

typedef hp_time *read_func(const char *text, gsize length, const char *name, unsigned *ret_n, GError **error);

static void expect_entries(read_func *read, const char *text, const hp_time *wanted, unsigned n_wanted)
{
    g_autoptr(GError) error = NULL;
    unsigned n = 0;
    g_autofree hp_time *entries = read(text, strlen(text), "f", &n, &error);
    assert_null(error);
    assert_int_equal(n, n_wanted);
    assert_memory_equal(entries, wanted, n_wanted * sizeof *wanted);
}

static void expect_error(read_func *read, const char *text, gsize length, const char *message)
{
    g_autoptr(GError) error = NULL;
    unsigned n = 77;
    assert_null(read(text, length, "traces/lte.up", &n, &error));
    assert_int_equal(n, 77);
    assert_true(g_error_matches(error, HP_ERROR, HP_ERROR_INVALID));
    assert_string_equal(error->message, message);
}

static void test_opportunities(void **state)
{
    static const hp_time wanted[] = {0, 1 * HP_MS, 1 * HP_MS, 25 * HP_MS};
    expect_entries(hp_link_file_opportunities, "0\n1\n1\n25\n", wanted, 4);
    expect_entries(hp_link_file_opportunities, "0\n1\n1\n25", wanted, 4);
    expect_entries(hp_link_file_opportunities, "# LTE\r\n\r\n 0 \r\n1\t# twice\r\n1\r\n\n025\r\n\n", wanted, 4);
}

static void test_bad_opportunities(void **state)
{
    read_func *read = hp_link_file_opportunities;
    expect_error(read, "1\n2\n\n1\n", 7, "traces/lte.up:4: `1` is smaller than the number before");
    expect_error(read, "1\n2.5\n", 6, "traces/lte.up:2: `2.5` is no whole number of milliseconds");
    expect_error(read, "-1\n", 3, "traces/lte.up:1: `-1` is no whole number of milliseconds");
    expect_error(read, "1 2\n", 4, "traces/lte.up:1: `1 2` is no whole number of milliseconds");
    expect_error(read, "18446744073710\n", 15, "traces/lte.up:1: `18446744073710` is no whole number of milliseconds");
    expect_error(read, "0\n0\n", 4, "traces/lte.up: every opportunity is at 0: the trace must last some time");
    expect_error(read, "", 0, "traces/lte.up:1: there is not one entry");
    expect_error(read, "# none\n", 7, "traces/lte.up:2: there is not one entry");
    expect_error(read, "1\n2\0003\n", 6, "traces/lte.up:2: `2` is no number");
    expect_error(read, "1\n\t\xff\x01\n", 6, "traces/lte.up:2: `\\377\\001` is no whole number of milliseconds");
    expect_error(read, "1\n1111111111222222222233333333334444444444555\n", 46,
                 "traces/lte.up:2: `1111111111222222222233333333334444444444...` is no number");
}

static void test_delays(void **state)
{
    static const hp_time wanted[] = {12500 * HP_US, 3 * HP_MS, 800 * HP_US, 0, HP_S, 250 * HP_US};
    expect_entries(hp_link_file_delays, "12.5ms\n3\n800us\n0\n1s\n0.25 # bare\n", wanted, 6);
}

static void test_bad_delays(void **state)
{
    read_func *read = hp_link_file_delays;
    expect_error(read, "3\nfast\n", 7,
                 "traces/lte.up:2: `fast` is no span of time (12.5ms, 800us; a bare number is milliseconds)");
    expect_error(read, "-3\n", 3,
                 "traces/lte.up:1: `-3` is no span of time (12.5ms, 800us; a bare number is milliseconds)");
    expect_error(read, ".\n", 2,
                 "traces/lte.up:1: `.` is no span of time (12.5ms, 800us; a bare number is milliseconds)");
    expect_error(read, "\n\n", 2, "traces/lte.up:3: there is not one entry");
}

static void test_too_many(void **state)
{
    GString *text = g_string_sized_new(2 * (HP_LINK_FILE_MAX + 1));
    for (unsigned i = 0; i < HP_LINK_FILE_MAX; i++) {
        g_string_append(text, "1\n");
    }
    unsigned n = 0;
    g_autofree hp_time *entries = hp_link_file_opportunities(text->str, text->len, "f", &n, NULL);
    assert_non_null(entries);
    assert_int_equal(n, HP_LINK_FILE_MAX);
    g_string_append(text, "1\n");
    g_autoptr(GError) error = NULL;
    assert_null(hp_link_file_opportunities(text->str, text->len, "f", &n, &error));
    assert_true(g_error_matches(error, HP_ERROR, HP_ERROR_LIMIT));
    assert_string_equal(error->message, "f:4000001: more than 4000000 entries");
    g_string_free(text, TRUE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_opportunities), cmocka_unit_test(test_bad_opportunities), cmocka_unit_test(test_delays),
        cmocka_unit_test(test_bad_delays),    cmocka_unit_test(test_too_many),
    };
    return cmocka_run_group_tests_name("link files", tests, NULL, NULL);
}
