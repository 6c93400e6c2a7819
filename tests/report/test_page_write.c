/* A page of many cases: the same bytes with one thread and with several, every case in its place. */
#include "report/fixture.h"

#include <glib/gstdio.h>

#include "base/error.h"
#include "report/page.h"

enum { CASES = 70 };

static char *folder_of(const char *root, unsigned i)
{
    g_autofree char *name = g_strdup_printf("case-%02u", i);
    return g_build_filename(root, name, NULL);
}

static int setup(void **state)
{
    char *root = g_dir_make_tmp("page-XXXXXX", NULL);
    assert_non_null(root);
    for (unsigned i = 0; i < CASES; i++) {
        g_autofree char *folder = folder_of(root, i), *path = g_build_filename(folder, "result.json", NULL);
        g_autofree char *text = g_strdup_printf("{\"format\":\"hairpin-result/1\",\"case\":\"case-%02u\","
                                                "\"verdict\":\"%s\",\"good\":%s,\"seed\":%u}\n",
                                                i, i == 5 ? "fail" : "pass", i == 5 ? "false" : "true", i);
        assert_int_equal(g_mkdir(folder, 0777), 0);
        assert_true(g_file_set_contents(path, text, -1, NULL));
    }
    *state = root;
    return 0;
}

static int teardown(void **state)
{
    g_autofree char *root = *state;
    static const char *const names[] = {"one.html", "many.html", "bad.json"};
    for (unsigned i = 0; i < CASES; i++) {
        g_autofree char *folder = folder_of(root, i), *path = g_build_filename(folder, "result.json", NULL);
        (void)g_unlink(path);
        (void)g_rmdir(folder);
    }
    for (unsigned i = 0; i < G_N_ELEMENTS(names); i++) {
        g_autofree char *path = g_build_filename(root, names[i], NULL);
        (void)g_unlink(path);
    }
    (void)g_rmdir(root);
    return 0;
}

static char *page(const char *root, const char *name, unsigned jobs, hp_page_figures *ret)
{
    g_autofree char *path = g_build_filename(root, name, NULL);
    g_autoptr(GError) error = NULL;
    const hp_page_options options = {.title = "t", .jobs = jobs};
    char *text;
    if (!hp_page_write(root, path, &options, ret, &error)) {
        fail_msg("%s", error->message);
    }
    gsize length;
    assert_true(g_file_get_contents(path, &text, &length, NULL));
    assert_int_equal(length, ret->bytes);
    return text;
}

static void threads_make_no_difference(void **state)
{
    hp_page_figures figures, others;
    g_autofree char *one = page(*state, "one.html", 1, &figures), *many = page(*state, "many.html", 3, &others);
    assert_string_equal(one, many);
    assert_int_equal(figures.cases, CASES);
    assert_int_equal(figures.chunks, 3); /* parts of 32 cases, each small */
    assert_int_equal(figures.with_evidence, 0);
    assert_int_equal(figures.spoilt, 0);
    assert_non_null(strstr(one, "\"totals\":{\"cases\":70,\"pass\":69,\"fail\":1,\"expected-failure\":0,"));
    assert_non_null(strstr(one, "\"chunks\":3,"));
    const char *at = one;
    for (unsigned i = 0; i < CASES; i++) {
        g_autofree char *name = g_strdup_printf("{\"name\":\"case-%02u\"", i);
        g_autofree char *place = g_strdup_printf("\"chunk\":%u,\"at\":%u}", i / 32, i % 32);
        at = strstr(at, name);
        assert_non_null(at);
        assert_true(g_str_has_prefix(strstr(at, "\"chunk\""), place));
    }
}

static void an_unreadable_bench(void **state)
{
    g_autofree char *bench = g_build_filename(*state, "bad.json", NULL);
    g_autofree char *path = g_build_filename(*state, "one.html", NULL);
    g_autoptr(GError) error = NULL;
    const hp_page_options options = {.bench = bench};
    assert_true(g_file_set_contents(bench, "{\"format\":\"other\"}", -1, NULL));
    assert_false(hp_page_write(*state, path, &options, NULL, &error));
    assert_true(g_error_matches(error, HP_ERROR, HP_ERROR_INVALID));
    assert_false(g_file_test(path, G_FILE_TEST_EXISTS));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(threads_make_no_difference, setup, teardown),
        cmocka_unit_test_setup_teardown(an_unreadable_bench, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
