/* Figures kept and compared: the document through JSON and back, and what is said of each kind of change. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <glib/gstdio.h>
#include <unistd.h>

#include "base/error.h"
#include "bench/compare.h"

static const hp_bench_subject latency = {"latency", "one way", "ms", HP_BENCH_LOWER, true, "clients", ""},
                              speed = {"speed", "packets", "1/s", HP_BENCH_HIGHER, false, NULL, NULL},
                              count = {"count", "packets", "", HP_BENCH_NEITHER, true, NULL, NULL};

/* Virtual latency at 1 and 10 clients, a machine's speed with an interval, a count of which no way is better. */
static hp_bench_document *make(double at_1, double at_10, double slow, double fast, double counted)
{
    hp_bench_document *d = hp_bench_document_new("test", "made up");
    hp_bench_document_set_seeds(d, 2);
    hp_bench_document_set(d, "link", "20ms");
    hp_bench_document_add(d, &latency, "direct", 1, &at_1, 1);
    hp_bench_document_add(d, &latency, "direct", 10, &at_10, 1);
    const double samples[] = {slow, (slow + fast) / 2, fast};
    hp_bench_document_add(d, &speed, "fabric", 0, samples, 3);
    hp_bench_document_add(d, &count, "packets", 0, &counted, 1);
    return d;
}

static hp_bench_document *through_json(const hp_bench_document *d)
{
    g_autofree char *path = NULL;
    g_autoptr(GError) error = NULL;
    int fd = g_file_open_tmp("bench-XXXXXX.json", &path, &error);
    assert_true(fd >= 0);
    close(fd);
    assert_true(hp_bench_document_write(d, path, &error));
    hp_bench_document *back = hp_bench_document_read(path, &error);
    assert_non_null(back);
    g_unlink(path);
    return back;
}

static void test_json_round(void **state)
{
    g_autoptr(hp_bench_document) d = make(40, 41.25, 990, 1010, 7);
    g_autoptr(hp_bench_document) back = through_json(d);
    g_autofree char *before = hp_bench_document_json(d), *after = hp_bench_document_json(back);
    assert_string_equal(before, after);
    assert_non_null(strstr(before, "\"format\": \"hairpin-bench/1\""));
    assert_non_null(strstr(before, "\"mean\": 41.25"));
    assert_non_null(strstr(before, "\"better\": null"));
    assert_non_null(strstr(before, "\"x\": null"));
}

static hp_bench_judgement judgement(const GArray *changes, unsigned i)
{
    return g_array_index(changes, hp_bench_change, i).judgement;
}

static const hp_bench_thresholds usual = {.machine = 0.1, .simulated = 0};

static GArray *compare(hp_bench_document *before, hp_bench_document *now, const hp_bench_thresholds *thresholds)
{
    g_autoptr(GError) error = NULL;
    GArray *changes = hp_bench_compare(before, now, thresholds, &error);
    assert_non_null(changes);
    return changes;
}

static void test_equal(void **state)
{
    g_autoptr(hp_bench_document) now = make(1.0 / 3, 41, 990, 1010, 7), before = through_json(now);
    g_autoptr(GArray) changes = compare(before, now, &usual);
    assert_int_equal(changes->len, 4);
    assert_int_equal(judgement(changes, 0), HP_BENCH_EQUAL); /* a third, cut to twelve digits and back */
    assert_int_equal(judgement(changes, 1), HP_BENCH_EQUAL);
    assert_int_equal(judgement(changes, 2), HP_BENCH_WITHIN);
    assert_int_equal(judgement(changes, 3), HP_BENCH_EQUAL);
    assert_true(hp_bench_changes_are_good(changes));
    g_autofree char *text = hp_bench_changes_text(changes);
    assert_string_equal(text, "4 figures compared: 3 equal, 1 within\n");
}

static void test_virtual_figures(void **state)
{
    g_autoptr(hp_bench_document) before = make(40, 40, 990, 1010, 7), now = make(40.001, 39.999, 990, 1010, 8);
    g_autoptr(GArray) changes = compare(before, now, &usual);
    assert_int_equal(judgement(changes, 0), HP_BENCH_WORSE);
    assert_int_equal(judgement(changes, 1), HP_BENCH_IMPROVED);
    assert_int_equal(judgement(changes, 3), HP_BENCH_CHANGED);
    assert_false(hp_bench_changes_are_good(changes));
    const hp_bench_thresholds lenient = {.machine = 0.1, .simulated = 0.01};
    g_autoptr(GArray) again = compare(before, now, &lenient);
    assert_int_equal(judgement(again, 0), HP_BENCH_WITHIN);
    assert_int_equal(judgement(again, 1), HP_BENCH_WITHIN);
    assert_int_equal(judgement(again, 3), HP_BENCH_CHANGED); /* 8 for 7 is 14 % */
    assert_true(hp_bench_changes_are_good(again));
}

static void test_machine_figures(void **state)
{
    const struct {
        double slow, fast;
        hp_bench_judgement expected;
    } cases[] = {
        {950, 960, HP_BENCH_WITHIN}, /* certain, but small */
        {800, 810, HP_BENCH_WORSE},
        {1200, 1210, HP_BENCH_IMPROVED},
        {500, 1100, HP_BENCH_UNCLEAR}, /* 20 % slower, but 55 to 1545 for all that is known */
    };
    g_autoptr(hp_bench_document) before = make(40, 40, 995, 1005, 7);
    for (unsigned i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(hp_bench_document) now = make(40, 40, cases[i].slow, cases[i].fast, 7);
        g_autoptr(GArray) changes = compare(before, now, &usual);
        assert_int_equal(judgement(changes, 2), cases[i].expected);
        assert_int_equal(hp_bench_changes_are_good(changes), cases[i].expected != HP_BENCH_WORSE);
    }
}

static void test_from_nothing(void **state)
{
    g_autoptr(hp_bench_document) before = make(0, 0, 990, 1010, 0), now = make(0.5, 0, 990, 1010, 0);
    g_autoptr(GArray) changes = compare(before, now, &usual);
    assert_int_equal(judgement(changes, 0), HP_BENCH_WORSE);
    assert_int_equal(judgement(changes, 1), HP_BENCH_EQUAL);
    assert_true(isinf(g_array_index(changes, hp_bench_change, 0).share));
    const hp_bench_subject cost = {"cost", "CPU", "us", HP_BENCH_LOWER, false, NULL, NULL};
    const double nothing[] = {0, 0}, something[] = {0.2, 0.2};
    hp_bench_document_add(before, &cost, "direct", 0, nothing, 2);
    hp_bench_document_add(now, &cost, "direct", 0, something, 2);
    g_autoptr(GArray) measured = compare(before, now, &usual);
    assert_int_equal(judgement(measured, 4), HP_BENCH_UNCLEAR); /* too little to measure before */
}

static void test_missing_and_added(void **state)
{
    g_autoptr(hp_bench_document) few = make(40, 40, 990, 1010, 7), many = make(40, 40, 990, 1010, 7);
    const double value = 3;
    hp_bench_document_add(many, &latency, "turn-udp", 1, &value, 1);
    g_autoptr(GArray) lost = compare(many, few, &usual), found = compare(few, many, &usual);
    assert_int_equal(lost->len, 5);
    assert_int_equal(judgement(lost, 2), HP_BENCH_MISSING);
    assert_false(hp_bench_changes_are_good(lost));
    g_autofree char *text = hp_bench_changes_text(lost);
    assert_string_equal(text, "missing   latency turn-udp, 1 clients: 3 ms -> -\n"
                              "5 figures compared: 3 equal, 1 within, 1 missing\n");
    assert_int_equal(judgement(found, 4), HP_BENCH_ADDED);
    assert_true(hp_bench_changes_are_good(found));
}

static void expect_refused(hp_bench_document *before, hp_bench_document *now, const char *message)
{
    g_autoptr(GError) error = NULL;
    assert_null(hp_bench_compare(before, now, &usual, &error));
    assert_true(g_error_matches(error, HP_ERROR, HP_ERROR_SCENARIO));
    assert_string_equal(error->message, message);
}

static void test_other_settings(void **state)
{
    g_autoptr(hp_bench_document) before = make(40, 40, 990, 1010, 7), seeds = make(40, 40, 990, 1010, 7),
                                 more = make(40, 40, 990, 1010, 7);
    hp_bench_document_set_seeds(seeds, 3);
    expect_refused(before, seeds,
                   "the baseline cannot be compared: its list of seeds is 1,2, and that of these figures 1,2,3");
    hp_bench_document_set(more, "loss", "0.1%%");
    expect_refused(before, more,
                   "the baseline cannot be compared: its loss is not told, and that of these figures 0.1%");
    expect_refused(more, before,
                   "the baseline cannot be compared: its loss is 0.1%, and that of these figures not told");
}

static void test_bad_files(void **state)
{
    static const char *const texts[] = {
        "",
        "[]",
        "{\"format\": \"hairpin-result/1\"}",
        "{\"format\": \"hairpin-bench/1\", \"seeds\": [], \"metrics\": []}",
        "{\"format\": \"hairpin-bench/1\", \"seeds\": [1], \"metrics\": []}",
        "{\"format\": \"hairpin-bench/1\", \"seeds\": [], \"metrics\": [{\"name\": \"a\", \"better\": \"up\"}]}",
        "{\"format\": \"hairpin-bench/1\", \"seeds\": [], \"metrics\": [{\"name\": \"a\"}, {\"name\": \"a\"}]}",
        "{\"format\": \"hairpin-bench/1\", \"seeds\": [], \"metrics\": [{\"name\": \"a\", \"variants\": [{\"name\": "
        "\"v\", \"points\": [{\"x\": 1, \"n\": 1, \"mean\": \"fast\"}]}]}]}",
    };
    for (unsigned i = 0; i < G_N_ELEMENTS(texts); i++) {
        g_autofree char *path = NULL;
        g_autoptr(GError) error = NULL;
        int fd = g_file_open_tmp("bench-XXXXXX.json", &path, NULL);
        assert_true(fd >= 0);
        close(fd);
        assert_true(g_file_set_contents(path, texts[i], -1, NULL));
        assert_null(hp_bench_document_read(path, &error));
        assert_true(g_error_matches(error, HP_ERROR, HP_ERROR_SCENARIO));
        assert_true(g_str_has_prefix(error->message, path));
        g_unlink(path);
        g_clear_error(&error);
        assert_null(hp_bench_document_read(path, &error));
        assert_true(g_error_matches(error, HP_ERROR, HP_ERROR_IO));
    }
}

static void test_table(void **state)
{
    g_autoptr(hp_bench_document) d = make(40, 41.25, 990000, 1010000, 7);
    const double value = 80;
    hp_bench_document_add(d, &latency, "turn-udp", 10, &value, 1);
    g_autofree char *text = hp_bench_document_text(d);
    assert_string_equal(text, "made up\n"
                              "link 20ms\n"
                              "\n"
                              "latency: one way, lower is better\n"
                              "  clients  direct    turn-udp\n"
                              "  1        40 ms\n"
                              "  10       41.25 ms  80 ms  x1.94\n"
                              "\n"
                              "speed: packets, higher is better (this machine)\n"
                              "  fabric  1.00 \xc2\xb1"
                              "0.02 M/s\n"
                              "\n"
                              "count: packets\n"
                              "  packets  7\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_json_round),      cmocka_unit_test(test_equal),
        cmocka_unit_test(test_virtual_figures), cmocka_unit_test(test_machine_figures),
        cmocka_unit_test(test_from_nothing),    cmocka_unit_test(test_missing_and_added),
        cmocka_unit_test(test_other_settings),  cmocka_unit_test(test_bad_files),
        cmocka_unit_test(test_table),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
