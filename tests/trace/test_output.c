/* The buffered writer: text made by hand, and files that are whole or absent. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <glib.h>
#include <glib/gstdio.h>

#include "base/error.h"
#include "trace/output.h"

static void assert_json(const char *text, const char *expected)
{
    hp_output *o = hp_output_memory();
    hp_output_json(o, text);
    g_autofree char *got = hp_output_take(o, NULL);
    assert_string_equal(got, expected);
}

static void json_escapes(void **state)
{
    assert_json("", "\"\"");
    assert_json(NULL, "\"\"");
    assert_json("plain text", "\"plain text\"");
    assert_json("say \"hi\" \\ / bye", "\"say \\\"hi\\\" \\\\ / bye\"");
    assert_json("a\b\t\n\f\rz", "\"a\\b\\t\\n\\f\\rz\"");
    assert_json("\x01\x1f\x7f", "\"\\u0001\\u001f\\u007f\"");
    assert_json("\xc2\x9b \xc2\xa0 \xef\xbf\xbf", "\"\\u009b \xc2\xa0 \\uffff\"");
    assert_json("gr\xc3\xbc\xc3\x9f \xf0\x9f\x98\x80", "\"gr\xc3\xbc\xc3\x9f \xf0\x9f\x98\x80\"");
}

static void json_mends_bad_utf8(void **state)
{
#define BAD "\xef\xbf\xbd"
    assert_json("a\xff"
                "b",
                "\"a" BAD "b\"");
    assert_json("cut \xe2\x82", "\"cut " BAD BAD "\"");
    assert_json("\xc0\x80", "\"" BAD BAD "\""); /* overlong NUL */
    assert_json("\xed\xa0\x80", "\"" BAD BAD BAD "\""); /* a lone surrogate */
}

static void numbers(void **state)
{
    static const uint64_t values[] = {0,    7,     9,     10,        99,         100,        101,       999,
                                      1000, 12345, 65535, 999999999, 1000000000, UINT32_MAX, UINT64_MAX};
    for (unsigned i = 0; i < G_N_ELEMENTS(values); i++) {
        hp_output *o = hp_output_memory();
        hp_output_u64(o, values[i]);
        g_autofree char *got = hp_output_take(o, NULL);
        g_autofree char *expected = g_strdup_printf("%" G_GUINT64_FORMAT, values[i]);
        assert_string_equal(got, expected);
    }
    hp_output *o = hp_output_memory();
    hp_output_i64(o, INT64_MIN);
    hp_output_char(o, ' ');
    hp_output_i64(o, -1);
    hp_output_char(o, ' ');
    hp_output_i64(o, INT64_MAX);
    g_autofree char *got = hp_output_take(o, NULL);
    assert_string_equal(got, "-9223372036854775808 -1 9223372036854775807");
}

static void addresses_read_as_everywhere_else(void **state)
{
    static const char *const texts[] = {"192.0.2.1",       "192.0.2.1:3478",        "0.0.0.0:1",
                                        "255.255.255.255", "255.255.255.255:65535", "10.20.30.4:80",
                                        "2001:db8::1",     "[2001:db8::1]:3478"};
    for (unsigned i = 0; i < G_N_ELEMENTS(texts); i++) {
        hp_addr addr;
        assert_true(hp_addr_parse(texts[i], &addr));
        hp_output *o = hp_output_memory();
        hp_output_addr(o, &addr);
        g_autofree char *got = hp_output_take(o, NULL);
        assert_string_equal(got, texts[i]);
    }
    hp_output *o = hp_output_memory();
    hp_output_addr(o, &(hp_addr){0});
    g_autofree char *got = hp_output_take(o, NULL);
    assert_string_equal(got, "-");
}

static void memory_grows(void **state)
{
    hp_output *o = hp_output_memory();
    for (unsigned i = 0; i < 20000; i++) {
        hp_output_printf(o, "%05u\n", i);
    }
    size_t length = 0;
    g_autofree char *got = hp_output_take(o, &length);
    assert_int_equal(length, 120000);
    assert_int_equal(strlen(got), 120000);
    assert_memory_equal(got + 119994, "19999\n", 6);
}

static char *make_dir(void)
{
    char *dir = g_dir_make_tmp("hairpin-output-XXXXXX", NULL);
    assert_non_null(dir);
    return dir;
}

static void a_file_appears_when_it_is_whole(void **state)
{
    g_autofree char *dir = make_dir();
    g_autofree char *path = g_build_filename(dir, "a.txt", NULL);
    g_autofree char *part = g_strconcat(path, ".part", NULL);
    hp_output *o = hp_output_open(path, NULL);
    assert_non_null(o);
    g_autofree char *big = g_strnfill(300000, 'x'); /* more than the buffer */
    hp_output_text(o, big);
    hp_output_text(o, "end");
    assert_false(g_file_test(path, G_FILE_TEST_EXISTS));
    assert_true(g_file_test(part, G_FILE_TEST_EXISTS));
    assert_true(hp_output_close(o, NULL));
    assert_false(g_file_test(part, G_FILE_TEST_EXISTS));
    g_autofree char *got = NULL;
    gsize length = 0;
    assert_true(g_file_get_contents(path, &got, &length, NULL));
    assert_int_equal(length, 300003);
    assert_memory_equal(got, big, 300000);
    assert_string_equal(got + 300000, "end");

    o = hp_output_open(path, NULL);
    hp_output_text(o, "thrown away");
    hp_output_abandon(o);
    assert_false(g_file_test(part, G_FILE_TEST_EXISTS));
    g_autofree char *still = NULL;
    assert_true(g_file_get_contents(path, &still, &length, NULL));
    assert_int_equal(length, 300003);
    g_unlink(path);
    g_rmdir(dir);
}

static void errors_name_the_path(void **state)
{
    g_autoptr(GError) error = NULL;
    assert_null(hp_output_open("/nonexistent-folder/x.json", &error));
    assert_true(g_error_matches(error, HP_ERROR, HP_ERROR_IO));
    assert_string_equal(error->message,
                        "/nonexistent-folder/x.json: cannot open for writing: No such file or directory");
    g_clear_error(&error);
    hp_output *o = hp_output_open("/dev/full", &error);
    if (o == NULL) {
        skip();
    }
    g_autofree char *big = g_strnfill(600000, 'x');
    hp_output_text(o, big);
    assert_false(hp_output_close(o, &error));
    assert_true(g_error_matches(error, HP_ERROR, HP_ERROR_IO));
    assert_string_equal(error->message, "/dev/full: cannot write: No space left on device");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(json_escapes),
        cmocka_unit_test(json_mends_bad_utf8),
        cmocka_unit_test(numbers),
        cmocka_unit_test(addresses_read_as_everywhere_else),
        cmocka_unit_test(memory_grows),
        cmocka_unit_test(a_file_appears_when_it_is_whole),
        cmocka_unit_test(errors_name_the_path),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
