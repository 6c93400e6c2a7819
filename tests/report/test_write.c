/* The evidence folder. */
#include "report/fixture.h"

#include <glib/gstdio.h>

#include "base/error.h"

static char *read_file(const char *folder, const char *name)
{
    g_autofree char *path = g_build_filename(folder, name, NULL);
    char *text = NULL;
    if (!g_file_get_contents(path, &text, NULL, NULL)) {
        return NULL;
    }
    return text;
}

static void remove_file(const char *folder, const char *name)
{
    g_autofree char *path = g_build_filename(folder, name, NULL);
    g_unlink(path);
}

static unsigned count_files(const char *folder)
{
    GDir *dir = g_dir_open(folder, 0, NULL);
    unsigned n = 0;
    while (g_dir_read_name(dir) != NULL) {
        n++;
    }
    g_dir_close(dir);
    return n;
}

static void three_files_in_a_new_folder(void **state)
{
    g_autoptr(hp_trace) trace = fixture_trace();
    fixture f;
    fixture_init(&f, "nat/strict", HP_VERDICT_PASS);
    g_autofree char *out = g_dir_make_tmp("hairpin-write-XXXXXX", NULL);
    g_autofree char *middle = g_build_filename(out, "nat", NULL);
    g_autofree char *folder = g_build_filename(out, "nat", "strict", NULL);
    g_autoptr(GError) error = NULL;
    for (unsigned i = 0; i < 2; i++) { /* the second time over the first's files */
        assert_true(hp_report_write_evidence(folder, &f.plan, trace, &f.result, &error));
        assert_int_equal(count_files(folder), 3);
        g_autofree char *json = read_file(folder, "result.json");
        g_autofree char *expected = hp_report_json(&f.result);
        assert_string_equal(json, expected);
        g_autofree char *events = read_file(folder, "events.jsonl");
        assert_string_equal(events, "{\"at\":2000000,\"event\":\"drop\",\"place\":\"home\",\"reason\":\"blocked\","
                                    "\"packet\":2,\"uid\":0,\"proto\":\"udp\",\"src\":\"192.168.1.2:5000\","
                                    "\"dst\":\"203.0.113.1:3478\"}\n");
        g_autofree char *path = g_build_filename(folder, "trace.pcapng", NULL);
        g_autofree char *capture = NULL;
        gsize length = 0;
        assert_true(g_file_get_contents(path, &capture, &length, NULL));
        assert_memory_equal(capture, "\x0a\x0d\x0d\x0a", 4);
        assert_non_null(memmem(capture, length, "nat/strict, seed 7", 18));
    }
    fixture_clear(&f);
    remove_file(folder, "result.json");
    remove_file(folder, "events.jsonl");
    remove_file(folder, "trace.pcapng");
    g_rmdir(folder);
    g_rmdir(middle);
    g_rmdir(out);
}

static void failures_name_the_path_and_leave_no_result(void **state)
{
    g_autoptr(hp_trace) trace = fixture_trace();
    fixture f;
    fixture_init(&f, "nat/strict", HP_VERDICT_PASS);
    g_autofree char *folder = g_dir_make_tmp("hairpin-write-XXXXXX", NULL);
    g_autoptr(GError) error = NULL;
    assert_true(hp_report_write_evidence(folder, &f.plan, trace, &f.result, &error));
    /* A folder where a file should be: neither can be renamed over. */
    remove_file(folder, "events.jsonl");
    g_autofree char *events = g_build_filename(folder, "events.jsonl", NULL);
    g_autofree char *inside = g_build_filename(events, "inside", NULL);
    assert_int_equal(g_mkdir_with_parents(inside, 0700), 0);
    assert_false(hp_report_write_evidence(folder, &f.plan, trace, &f.result, &error));
    assert_true(g_error_matches(error, HP_ERROR, HP_ERROR_IO));
    assert_true(g_str_has_prefix(error->message, events));
    assert_null(read_file(folder, "result.json"));
    g_clear_error(&error);

    g_autofree char *below_a_file = g_build_filename(folder, "trace.pcapng", "case", NULL);
    assert_false(hp_report_write_evidence(below_a_file, &f.plan, trace, &f.result, &error));
    assert_true(g_error_matches(error, HP_ERROR, HP_ERROR_IO));
    assert_true(g_str_has_prefix(error->message, below_a_file));
    fixture_clear(&f);
    g_rmdir(inside);
    g_rmdir(events);
    remove_file(folder, "trace.pcapng");
    g_rmdir(folder);
}

/* Only its own files go, and what a writer that was killed left of them: what else lies in the folder stays, and with it
 * the folder. */
static void clearing_takes_the_three_files(void **state)
{
    g_autofree char *out = g_dir_make_tmp("hairpin-clear-XXXXXX", NULL);
    g_autofree char *folder = g_build_filename(out, "case", NULL);
    g_autofree char *notes = g_build_filename(folder, "notes.txt", NULL);
    static const char *const names[] = {"trace.pcapng", "events.jsonl",      "result.json",
                                        "notes.txt",    "trace.pcapng.part", "result.json.part"};
    g_autoptr(GError) error = NULL;
    assert_true(hp_report_clear_evidence(folder, &error)); /* not there yet */
    assert_int_equal(g_mkdir(folder, 0777), 0);
    for (unsigned i = 0; i < G_N_ELEMENTS(names); i++) {
        g_autofree char *path = g_build_filename(folder, names[i], NULL);
        assert_true(g_file_set_contents(path, "x", 1, NULL));
    }
    assert_true(hp_report_clear_evidence(folder, &error));
    assert_int_equal(count_files(folder), 1);
    assert_true(g_file_test(notes, G_FILE_TEST_EXISTS));
    remove_file(folder, "notes.txt");
    assert_true(hp_report_clear_evidence(folder, &error));
    assert_false(g_file_test(folder, G_FILE_TEST_EXISTS));

    g_autofree char *blocker = g_build_filename(folder, "result.json", NULL);
    assert_int_equal(g_mkdir_with_parents(blocker, 0777), 0);
    assert_false(hp_report_clear_evidence(folder, &error));
    assert_true(g_error_matches(error, HP_ERROR, HP_ERROR_IO));
    assert_non_null(strstr(error->message, blocker));
    g_rmdir(blocker);
    g_rmdir(folder);
    g_rmdir(out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(three_files_in_a_new_folder),
        cmocka_unit_test(clearing_takes_the_three_files),
        cmocka_unit_test(failures_name_the_path_and_leave_no_result),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
