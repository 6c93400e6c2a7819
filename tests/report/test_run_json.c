/* OUT/result.json: order, totals, what is kept outside memory, and what was there before. */
#include "fixture.h"

#include <glib/gstdio.h>
#include <json-glib/json-glib.h>

#include "report/run_json.h"

static char *folder_new(void)
{
    char *folder = g_dir_make_tmp("hairpin-run-json-XXXXXX", NULL);
    assert_non_null(folder);
    return folder;
}

static void folder_free(char *folder)
{
    g_autofree char *path = g_build_filename(folder, "result.json", NULL);
    (void)g_unlink(path);
    assert_int_equal(g_rmdir(folder), 0); /* nothing else is left in it */
    g_free(folder);
}

static char *content(const char *folder)
{
    g_autofree char *path = g_build_filename(folder, "result.json", NULL);
    char *text = NULL;
    assert_true(g_file_get_contents(path, &text, NULL, NULL));
    return text;
}

static void the_order_is_that_of_the_indices(void **state)
{
    char *folder = folder_new();
    g_autoptr(hp_run_json) run = hp_run_json_new(folder, 4, NULL);
    assert_non_null(run);
    hp_run_json_add_document(run, 3, HP_VERDICT_CRASHED, "{\"case\":\"d\"}", 12);
    hp_run_json_add_document(run, 0, HP_VERDICT_PASS, "{\"case\":\"a\"}", 12);
    hp_run_json_add_document(run, 1, HP_VERDICT_PASS, "{\"case\":\"b\"}", 12);
    assert_true(hp_run_json_write(run, folder, NULL));
    g_autofree char *text = content(folder);
    assert_string_equal(text, "{\n\"format\": \"hairpin-run/1\",\n\"hairpin\": \"" HAIRPIN_VERSION "\",\n"
                              "\"totals\": {\"cases\": 3, \"pass\": 2, \"fail\": 0, \"expected-failure\": 0, "
                              "\"fixed\": 0, \"crashed\": 1, \"hung\": 0, \"error\": 0},\n\"cases\": [\n"
                              "{\"case\":\"a\"},\n{\"case\":\"b\"},\n{\"case\":\"d\"}\n]\n}\n");
    folder_free(folder);
}

static void nothing_ran(void **state)
{
    char *folder = folder_new();
    g_autoptr(hp_run_json) run = hp_run_json_new(folder, 2, NULL);
    assert_true(hp_run_json_write(run, folder, NULL));
    g_autofree char *text = content(folder);
    assert_true(g_str_has_suffix(text, "\"cases\": [\n]\n}\n"));
    g_autoptr(JsonParser) parser = json_parser_new();
    assert_true(json_parser_load_from_data(parser, text, -1, NULL));
    folder_free(folder);
}

/* 300 documents of 20 kB are more than the buffer holds: most come back from the file, the last from memory. */
static void what_does_not_fit_comes_back(void **state)
{
    enum { N = 300, LENGTH = 20000 };
    char *folder = folder_new();
    g_autoptr(hp_run_json) run = hp_run_json_new(folder, N, NULL);
    g_autofree char *line = g_malloc(LENGTH);
    for (unsigned k = 0; k < N; k++) {
        const unsigned index = (k * 7) % N; /* 7 and 300 have no common factor: every index once */
        memset(line, 'a' + (int)(index % 26), LENGTH);
        hp_run_json_add_document(run, index, HP_VERDICT_PASS, line, LENGTH);
    }
    assert_true(hp_run_json_write(run, folder, NULL));
    g_autofree char *text = content(folder);
    const char *at = strstr(text, "\"cases\": [\n");
    assert_non_null(at);
    at += strlen("\"cases\": [\n");
    for (unsigned i = 0; i < N; i++) {
        memset(line, 'a' + (int)(i % 26), LENGTH);
        assert_memory_equal(at, line, LENGTH);
        at += LENGTH;
        assert_true(g_str_has_prefix(at, i + 1 < N ? ",\n" : "\n"));
        at += i + 1 < N ? 2 : 1;
    }
    assert_string_equal(at, "]\n}\n");
    folder_free(folder);
}

static void what_was_there_goes_first(void **state)
{
    char *folder = folder_new();
    g_autofree char *path = g_build_filename(folder, "result.json", NULL);
    assert_true(g_file_set_contents(path, "of another run", -1, NULL));
    g_autoptr(hp_run_json) run = hp_run_json_new(folder, 1, NULL);
    assert_non_null(run);
    assert_false(g_file_test(path, G_FILE_TEST_EXISTS));
    folder_free(folder);
    g_autoptr(GError) error = NULL;
    assert_false(hp_run_json_write(run, "/no/such/folder", &error));
    assert_non_null(strstr(error->message, "/no/such/folder/result.json"));
}

/* One line holds the same document as result.json, member for member. */
static void one_line_is_the_same_document(void **state)
{
    fixture f;
    fixture_init(&f, "nat/strict", HP_VERDICT_FAIL);
    f.scenario.about = (char *)"two\nlines: \"quoted\", {braces}";
    fixture_expect(&f, 31, "connected: {within: 3s}", "connected within 3s", "failed")->packet = 17;
    g_autofree char *pretty = hp_report_json(&f.result);
    size_t length = 0;
    g_autofree char *line = hp_report_json_line(&f.result, &length);
    assert_int_equal(strlen(line), length);
    assert_null(strchr(line, '\n'));
    assert_true(g_str_has_prefix(line, "{\"format\":\"hairpin-result/1\",\"hairpin\":"));
    g_autoptr(JsonNode) a = json_from_string(pretty, NULL), b = json_from_string(line, NULL);
    assert_true(json_node_equal(a, b));
    fixture_clear(&f);
}

static void the_plan_may_know_its_own_command(void **state)
{
    fixture f;
    fixture_init(&f, "nat/strict[a=b c]#3", HP_VERDICT_FAIL);
    f.scenario.label = (char *)"a=b c";
    g_autofree char *made = hp_report_again(&f.plan, false);
    assert_string_equal(made, "hairpin run scenarios/nat/strict.yaml --seed 7 --filter '[a=b c]'");
    f.plan.again = (char *)"hairpin matrix it.yaml";
    g_autofree char *own = hp_report_again(&f.plan, false);
    assert_string_equal(own, "hairpin matrix it.yaml");
    g_autofree char *live = hp_report_again(&f.plan, true);
    assert_string_equal(live, "hairpin matrix it.yaml --world live");
    fixture_clear(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_order_is_that_of_the_indices), cmocka_unit_test(nothing_ran),
        cmocka_unit_test(what_does_not_fit_comes_back),     cmocka_unit_test(what_was_there_goes_first),
        cmocka_unit_test(one_line_is_the_same_document),    cmocka_unit_test(the_plan_may_know_its_own_command),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
