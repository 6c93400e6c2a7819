/* JUnit XML. */
#include "report/fixture.h"

#include <glib/gstdio.h>

#include "base/error.h"

static void assert_well_formed(const char *xml)
{
    static const GMarkupParser nothing = {0};
    g_autoptr(GMarkupParseContext) context = g_markup_parse_context_new(&nothing, 0, NULL, NULL);
    g_autoptr(GError) error = NULL;
    assert_true(g_markup_parse_context_parse(context, xml, -1, &error));
    assert_true(g_markup_parse_context_end_parse(context, &error));
}

static void every_verdict(void **state)
{
    g_autoptr(hp_trace) trace = fixture_trace();
    g_autoptr(hp_report) report = hp_report_new();
    fixture f;
    fixture_init(&f, "nat/strict", HP_VERDICT_FAIL);
    fixture_expect(&f, 31, "latency: {p95: \"< 90ms\"}", "< 90ms", "95ms & more")->packet = 1;
    hp_report_add(report, hp_report_case_new(&f.result, trace, "out/nat/strict"));
    fixture_clear(&f);
    fixture_init(&f, "turn/basic", HP_VERDICT_PASS);
    f.scenario.file = (char *)"scenarios/turn/basic.yaml";
    f.result.ended = 1 * HP_S + 2 * HP_US + 3;
    hp_report_add(report, fixture_case(&f, NULL));
    fixture_init(&f, "nat/strict[b]", HP_VERDICT_CRASHED);
    f.scenario.label = (char *)"b";
    f.result.message = (char *)"SIGSEGV";
    hp_report_add(report, fixture_case(&f, NULL));
    fixture_init(&f, "nat/strict[c]", HP_VERDICT_EXPECTED_FAILURE);
    f.scenario.known_bug = (char *)"https://example.org/?a=1&b=2";
    fixture_expect(&f, 31, "connected", "connected", "failed");
    hp_report_add(report, fixture_case(&f, NULL));
    fixture_init(&f, "nat/strict[d]", HP_VERDICT_FIXED);
    f.scenario.known_bug = (char *)"https://example.org/2";
    hp_report_add(report, fixture_case(&f, NULL));
    g_autofree char *xml = hp_report_junit(report);
    assert_well_formed(xml);
    assert_string_equal(
        xml,
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
        "<testsuites name=\"hairpin\" tests=\"5\" failures=\"2\" errors=\"1\" skipped=\"1\" time=\"51.000002\">\n"
        "  <testsuite name=\"scenarios/nat/strict.yaml\" tests=\"4\" failures=\"2\" errors=\"1\" skipped=\"1\" "
        "time=\"50.000000\">\n"
        "    <testcase name=\"nat/strict\" classname=\"scenarios/nat/strict.yaml\" "
        "file=\"scenarios/nat/strict.yaml\" time=\"12.500000\">\n"
        "      <failure type=\"fail\" message=\"latency: {p95: &quot;&lt; 90ms&quot;}: expected &lt; 90ms, got 95ms "
        "&amp; more\">scenarios/nat/strict.yaml:31: latency: {p95: &quot;&lt; 90ms&quot;}: expected &lt; 90ms, got "
        "95ms &amp; more, at 3.250s\n"
        "  packet 1: alice out 192.168.1.2:5000 &gt; 203.0.113.1:3478 Binding request\n"
        "</failure>\n"
        "      <system-out>seed: 7\n"
        "again: hairpin run scenarios/nat/strict.yaml --seed 7\n"
        "evidence: out/nat/strict\n"
        "[[ATTACHMENT|out/nat/strict/trace.pcapng]]\n"
        "</system-out>\n"
        "    </testcase>\n"
        "    <testcase name=\"nat/strict[b]\" classname=\"scenarios/nat/strict.yaml\" "
        "file=\"scenarios/nat/strict.yaml\" time=\"12.500000\">\n"
        "      <error type=\"crashed\" message=\"SIGSEGV\">SIGSEGV\n</error>\n"
        "      <system-out>seed: 7\n"
        "again: hairpin run scenarios/nat/strict.yaml --seed 7 --filter '[b]'\n"
        "</system-out>\n"
        "    </testcase>\n"
        "    <testcase name=\"nat/strict[c]\" classname=\"scenarios/nat/strict.yaml\" "
        "file=\"scenarios/nat/strict.yaml\" time=\"12.500000\">\n"
        "      <skipped message=\"known bug: https://example.org/?a=1&amp;b=2\"/>\n"
        "      <system-out>seed: 7\n"
        "again: hairpin run scenarios/nat/strict.yaml --seed 7\n"
        "</system-out>\n"
        "    </testcase>\n"
        "    <testcase name=\"nat/strict[d]\" classname=\"scenarios/nat/strict.yaml\" "
        "file=\"scenarios/nat/strict.yaml\" time=\"12.500000\">\n"
        "      <failure type=\"fixed\" message=\"everything held: the known bug is gone (https://example.org/2), "
        "remove "
        "`known-bug` from the scenario\">everything held: the known bug is gone (https://example.org/2), remove "
        "`known-bug` from the scenario\n</failure>\n"
        "      <system-out>seed: 7\n"
        "again: hairpin run scenarios/nat/strict.yaml --seed 7\n"
        "</system-out>\n"
        "    </testcase>\n"
        "  </testsuite>\n"
        "  <testsuite name=\"scenarios/turn/basic.yaml\" tests=\"1\" failures=\"0\" errors=\"0\" skipped=\"0\" "
        "time=\"1.000002\">\n"
        "    <testcase name=\"turn/basic\" classname=\"scenarios/turn/basic.yaml\" "
        "file=\"scenarios/turn/basic.yaml\" time=\"1.000002\">\n"
        "      <system-out>seed: 7\n"
        "again: hairpin run scenarios/turn/basic.yaml --seed 7\n"
        "</system-out>\n"
        "    </testcase>\n"
        "  </testsuite>\n"
        "</testsuites>\n");
}

/* `]]` would end the path where GitLab looks for it: the folder is told, nothing is attached. */
static void a_path_that_cannot_be_attached(void **state)
{
    g_autoptr(hp_report) report = hp_report_new();
    fixture f;
    fixture_init(&f, "nat/strict[a=[b]]", HP_VERDICT_PASS);
    hp_report_add(report, fixture_case(&f, "out/nat/strict[a=[b]]"));
    g_autofree char *xml = hp_report_junit(report);
    assert_non_null(strstr(xml, "evidence: out/nat/strict[a=[b]]\n"));
    assert_null(strstr(xml, "ATTACHMENT"));
}

static void any_text_is_valid_xml(void **state)
{
    g_autoptr(hp_report) report = hp_report_new();
    fixture f;
    fixture_init(&f, "x", HP_VERDICT_HUNG);
    f.result.message = (char *)"a\x01"
                               "b\x1b[0m\xff ]]> <!-- 'q' \"q\"\n\ttab\r \xef\xbf\xbe end";
    hp_report_add(report, fixture_case(&f, NULL));
    g_autofree char *xml = hp_report_junit(report);
    assert_well_formed(xml);
#define BAD "\xef\xbf\xbd"
    assert_non_null(strstr(xml, "message=\"a" BAD "b" BAD "[0m" BAD
                                " ]]&gt; &lt;!-- 'q' &quot;q&quot;&#10;&#9;tab&#13; " BAD " end\">"));
}

static void an_empty_run(void **state)
{
    g_autoptr(hp_report) report = hp_report_new();
    g_autofree char *xml = hp_report_junit(report);
    assert_string_equal(xml, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
                             "<testsuites name=\"hairpin\" tests=\"0\" failures=\"0\" errors=\"0\" skipped=\"0\" "
                             "time=\"0.000000\">\n"
                             "</testsuites>\n");
}

static void written_to_a_file(void **state)
{
    g_autoptr(hp_report) report = hp_report_new();
    g_autofree char *dir = g_dir_make_tmp("hairpin-junit-XXXXXX", NULL);
    g_autofree char *path = g_build_filename(dir, "junit.xml", NULL);
    assert_true(hp_report_write_junit(report, path, NULL));
    g_autofree char *got = NULL;
    assert_true(g_file_get_contents(path, &got, NULL, NULL));
    g_autofree char *expected = hp_report_junit(report);
    assert_string_equal(got, expected);
    g_unlink(path);
    g_rmdir(dir);
    g_autoptr(GError) error = NULL;
    assert_false(hp_report_write_junit(report, path, &error));
    assert_true(g_error_matches(error, HP_ERROR, HP_ERROR_IO));
    assert_true(g_str_has_prefix(error->message, path));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_verdict),         cmocka_unit_test(a_path_that_cannot_be_attached),
        cmocka_unit_test(any_text_is_valid_xml), cmocka_unit_test(an_empty_run),
        cmocka_unit_test(written_to_a_file),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
