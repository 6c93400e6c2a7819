/* TAP version 14. */
#include "report/fixture.h"

#include <glib/gstdio.h>

static void every_kind_of_point(void **state)
{
    g_autoptr(hp_report) report = hp_report_new();
    fixture f;
    fixture_init(&f, "nat/#1 \\ odd\nname", HP_VERDICT_PASS);
    hp_report_add(report, fixture_case(&f, NULL));
    fixture_init(&f, "nat/strict", HP_VERDICT_FAIL);
    fixture_expect(&f, 31, "latency: {p95: \"< 90ms\"}", "< 90ms", "95ms")->packet = 4;
    hp_report_add(report, fixture_case(&f, "out/nat/strict"));
    fixture_init(&f, "nat/bug", HP_VERDICT_EXPECTED_FAILURE);
    f.scenario.known_bug = (char *)"https://example.org/#1";
    hp_report_add(report, fixture_case(&f, NULL));
    fixture_init(&f, "nat/fixed", HP_VERDICT_FIXED);
    f.scenario.known_bug = (char *)"https://example.org/2";
    hp_report_add(report, fixture_case(&f, NULL));
    fixture_init(&f, "nat/crash", HP_VERDICT_CRASHED);
    f.result.message = (char *)"SIGABRT\n  ...\nok 1";
    hp_report_add(report, fixture_case(&f, NULL));
    g_autofree char *tap = hp_report_tap(report);
    assert_string_equal(tap, "TAP version 14\n"
                             "1..5\n"
                             "ok 1 - nat/\\#1 \\\\ odd name\n"
                             "not ok 2 - nat/strict\n"
                             "  ---\n"
                             "  verdict: \"fail\"\n"
                             "  failures:\n"
                             "    - what: \"latency: {p95: \\\"< 90ms\\\"}\"\n"
                             "      file: \"scenarios/nat/strict.yaml\"\n"
                             "      line: 31\n"
                             "      expected: \"< 90ms\"\n"
                             "      got: \"95ms\"\n"
                             "      at_ns: 3250000000\n"
                             "      packet: 4\n"
                             "  ended_ns: 12500000000\n"
                             "  seed: 7\n"
                             "  again: \"hairpin run scenarios/nat/strict.yaml --seed 7\"\n"
                             "  evidence: \"out/nat/strict\"\n"
                             "  ...\n"
                             "not ok 3 - nat/bug # TODO known bug: https://example.org/\\#1\n"
                             "  ---\n"
                             "  verdict: \"expected-failure\"\n"
                             "  known_bug: \"https://example.org/#1\"\n"
                             "  ended_ns: 12500000000\n"
                             "  seed: 7\n"
                             "  again: \"hairpin run scenarios/nat/strict.yaml --seed 7\"\n"
                             "  ...\n"
                             "not ok 4 - nat/fixed\n"
                             "  ---\n"
                             "  verdict: \"fixed\"\n"
                             "  known_bug: \"https://example.org/2\"\n"
                             "  ended_ns: 12500000000\n"
                             "  seed: 7\n"
                             "  again: \"hairpin run scenarios/nat/strict.yaml --seed 7\"\n"
                             "  ...\n"
                             "not ok 5 - nat/crash\n"
                             "  ---\n"
                             "  verdict: \"crashed\"\n"
                             "  message: \"SIGABRT\\n  ...\\nok 1\"\n"
                             "  ended_ns: 12500000000\n"
                             "  seed: 7\n"
                             "  again: \"hairpin run scenarios/nat/strict.yaml --seed 7\"\n"
                             "  ...\n");
}

static void what_says_nothing_is_skipped(void **state)
{
    g_autoptr(hp_report) report = hp_report_new();
    fixture f;
    fixture_init(&f, "live/browser", HP_VERDICT_SKIPPED);
    f.result.message = (char *)"no Chromium: install #1";
    hp_report_add(report, fixture_case(&f, NULL));
    fixture_init(&f, "live/slow", HP_VERDICT_INVALID);
    f.result.message = (char *)"the machine was too slow";
    hp_report_add(report, fixture_case(&f, NULL));
    g_autofree char *tap = hp_report_tap(report);
    assert_string_equal(tap, "TAP version 14\n"
                             "1..2\n"
                             "ok 1 - live/browser # SKIP skipped: no Chromium: install \\#1\n"
                             "ok 2 - live/slow # SKIP invalid: the machine was too slow\n"
                             "  ---\n"
                             "  verdict: \"invalid\"\n"
                             "  message: \"the machine was too slow\"\n"
                             "  ended_ns: 12500000000\n"
                             "  seed: 7\n"
                             "  again: \"hairpin run scenarios/nat/strict.yaml --seed 7\"\n"
                             "  ...\n");
}

static void a_run_that_hairpin_could_not_carry_on(void **state)
{
    g_autoptr(hp_report) report = hp_report_new();
    fixture f;
    fixture_init(&f, "nat/basic", HP_VERDICT_PASS);
    hp_report_add(report, fixture_case(&f, NULL));
    g_autofree char *tap = hp_report_tap_bail_out(report, 3, "out/#1\\x: No space\nleft");
    assert_string_equal(tap, "TAP version 14\n"
                             "1..3\n"
                             "ok 1 - nat/basic\n"
                             "Bail out! out/\\#1\\\\x: No space left\n");
}

static void an_empty_run(void **state)
{
    g_autoptr(hp_report) report = hp_report_new();
    g_autofree char *tap = hp_report_tap(report);
    assert_string_equal(tap, "TAP version 14\n1..0 # no scenario ran\n");
}

static void written_to_a_file(void **state)
{
    g_autoptr(hp_report) report = hp_report_new();
    g_autofree char *dir = g_dir_make_tmp("hairpin-tap-XXXXXX", NULL);
    g_autofree char *path = g_build_filename(dir, "run.tap", NULL);
    assert_true(hp_report_write_tap(report, path, NULL));
    g_autofree char *got = NULL;
    assert_true(g_file_get_contents(path, &got, NULL, NULL));
    assert_string_equal(got, "TAP version 14\n1..0 # no scenario ran\n");
    g_unlink(path);
    g_rmdir(dir);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_kind_of_point),
        cmocka_unit_test(what_says_nothing_is_skipped),
        cmocka_unit_test(a_run_that_hairpin_could_not_carry_on),
        cmocka_unit_test(an_empty_run),
        cmocka_unit_test(written_to_a_file),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
