/* What GitHub Actions is told: workflow commands, and the page of a step. */
#include "report/fixture.h"

#include "report/github.h"

static void add(hp_report *report, const char *name, hp_verdict verdict, const char *evidence)
{
    fixture f;
    fixture_init(&f, name, verdict);
    if (verdict == HP_VERDICT_FIXED || verdict == HP_VERDICT_EXPECTED_FAILURE) {
        f.scenario.known_bug = (char *)"https://example.org/<1>";
    } else if (!hp_verdict_is_good(verdict)) {
        fixture_expect(&f, 31, "connected", "connected within 3s", "failed");
    }
    hp_report_add(report, fixture_case(&f, evidence));
}

static unsigned count(const char *text, const char *what)
{
    unsigned n = 0;
    for (const char *at = strstr(text, what); at != NULL; at = strstr(at + 1, what)) {
        n++;
    }
    return n;
}

static void a_failure_is_an_error_at_its_line(void **state)
{
    g_autoptr(hp_trace) trace = fixture_trace();
    g_autoptr(hp_report) report = hp_report_new();
    fixture f;
    fixture_init(&f, "nat/odd, 50%", HP_VERDICT_FAIL);
    f.scenario.file = (char *)"scenarios/a,b:c%.yaml";
    fixture_expect(&f, 31, "latency: {p95: \"< 90%\"}", "< 90%", "one\r\ntwo\x1b")->packet = 1;
    fixture_expect(&f, 32, "connected", "a", "b");
    hp_report_add(report, hp_report_case_new(&f.result, trace, NULL));
    fixture_clear(&f);
    add(report, "nat/good", HP_VERDICT_PASS, NULL);
    g_autofree char *got = hp_github_report(report);
    assert_string_equal(got, "::error file=scenarios/a%2Cb%3Ac%25.yaml,line=31,title=fail%3A nat/odd%2C 50%25::"
                             "latency: {p95: \"< 90%25\"}: expected < 90%25, got one%0D%0Atwo\xef\xbf\xbd, at 3.250s"
                             "%0Apacket 1: alice out 192.168.1.2:5000 > 203.0.113.1:3478 Binding request"
                             "%0Aconnected: expected a, got b, at 3.250s"
                             "%0Aagain: hairpin run 'scenarios/a,b:c%25.yaml' --seed 7\n");
}

static void a_bug_that_is_gone_is_a_warning(void **state)
{
    g_autoptr(hp_report) report = hp_report_new();
    add(report, "nat/fixed", HP_VERDICT_FIXED, NULL);
    add(report, "nat/known", HP_VERDICT_EXPECTED_FAILURE, NULL);
    g_autofree char *got = hp_github_report(report);
    assert_string_equal(got, "::warning file=scenarios/nat/strict.yaml,title=fixed%3A nat/fixed::everything held: the "
                             "known bug is gone (https://example.org/<1>), remove `known-bug`%0Aagain: hairpin run "
                             "scenarios/nat/strict.yaml --seed 7\n");
}

static void a_repeated_case_is_told_once(void **state)
{
    g_autoptr(hp_report) report = hp_report_new();
    add(report, "nat/strict#1", HP_VERDICT_PASS, NULL);
    add(report, "nat/strict#2", HP_VERDICT_FAIL, NULL);
    add(report, "nat/strict#3", HP_VERDICT_FAIL, NULL);
    g_autofree char *got = hp_github_report(report);
    assert_int_equal(count(got, "::error "), 1);
    assert_non_null(strstr(got, "title=fail%3A nat/strict#2::1 of 3 good; the first that is not: seed 7%0A"));
}

/* GitHub shows ten of a kind. */
static void the_rest_is_counted(void **state)
{
    for (unsigned n = 9; n <= 12; n++) {
        g_autoptr(hp_report) report = hp_report_new();
        for (unsigned i = 0; i < n; i++) {
            g_autofree char *bad = g_strdup_printf("bad%u", i), *fixed = g_strdup_printf("fixed%u", i);
            add(report, bad, HP_VERDICT_FAIL, NULL);
            add(report, fixed, HP_VERDICT_FIXED, NULL);
        }
        g_autofree char *got = hp_github_report(report);
        g_autofree char *rest = g_strdup_printf("::error title=Hairpin::and %u more failures: see the log\n", n - 9);
        g_autofree char *gone =
            g_strdup_printf("::warning title=Hairpin::and %u more known bugs that are gone: see the log\n", n - 1);
        assert_int_equal(count(got, "::error "), MIN(n, 10));
        assert_int_equal(count(got, rest), n > 10);
        assert_int_equal(count(got, "::warning "), 2);
        assert_int_equal(count(got, gone), 1);
    }
}

static void mistakes_and_oddities(void **state)
{
    g_autoptr(hp_diags) diags = hp_diags_new();
    hp_diags_add(diags, HP_SEVERITY_ERROR, (hp_mark){"a.yaml", 3, 5}, NULL, "did you mean `b`?", "no key `%s`", "c");
    for (unsigned i = 0; i < 9; i++) {
        hp_diags_add(diags, HP_SEVERITY_WARNING, (hp_mark){"a.yaml", 0, 0}, NULL, NULL, "odd %u", i);
    }
    g_autofree char *got = hp_github_diags(diags);
    assert_true(g_str_has_prefix(got,
                                 "::error file=a.yaml,line=3,col=5,title=Hairpin scenario::no key `c` (did you mean "
                                 "`b`?)\n::warning file=a.yaml,title=Hairpin scenario::odd 0\n"));
    assert_int_equal(count(got, "::warning "), 8); /* two are left for the cases */
    assert_true(g_str_has_suffix(got, "::warning title=Hairpin::and 2 more warnings about scenarios: see the log\n"));
}

static void the_page(void **state)
{
    g_autoptr(hp_report) report = hp_report_new();
    fixture f;
    fixture_init(&f, "nat/<b>`x`|y", HP_VERDICT_FAIL);
    fixture_expect(&f, 31, "a ``` b", "connected", "`failed`")->packet = 17;
    fixture_expect(&f, 32, "delivery", NULL, "fine");
    hp_session_result session = {.peer = "alice", .with = "bob", .state = "ready", .connected = 363 * HP_MS};
    f.result.sessions = &session;
    f.result.n_sessions = 1;
    f.result.first_call = 100 * HP_MS;
    hp_report_add(report, fixture_case(&f, "out/nat"));
    fixture_init(&f, "nat/fast", HP_VERDICT_PASS);
    session.connected = 120 * HP_MS;
    f.result.sessions = &session;
    f.result.n_sessions = 1;
    f.result.first_call = 100 * HP_MS;
    hp_report_add(report, fixture_case(&f, NULL));
    add(report, "nat/known", HP_VERDICT_EXPECTED_FAILURE, NULL);
    g_autofree char *got = hp_github_summary(report, 2, HP_GITHUB_SUMMARY_MAX);
    assert_string_equal(got, "### Hairpin: 1 of 3 cases not as expected\n\n"
                             "| verdict | cases |\n| --- | ---: |\n| pass | 1 |\n| fail | 1 |\n"
                             "| expected-failure | 1 |\n| not run (`--fail-fast`) | 2 |\n\n"
                             "#### Not as expected\n\n"
                             "<details><summary><b>fail</b> <code>nat/&lt;b&gt;`x`|y</code>: 1 of 2 expectations failed"
                             "</summary>\n\n"
                             "- `scenarios/nat/strict.yaml:31` ````a ``` b````\n"
                             "  - expected `connected`\n"
                             "  - got `` `failed` ``\n"
                             "  - at 3.250s\n"
                             "  - packet 17 `of the capture`\n"
                             "\nSeed 7. Again:\n\n```sh\nhairpin run scenarios/nat/strict.yaml --seed 7\n```\n"
                             "\nEvidence: `out/nat`\n"
                             "\n</details>\n\n"
                             "#### Known bugs\n\n- `nat/known`: https://example.org/&lt;1&gt;\n\n"
                             "#### Slowest to connect\n\n"
                             "| case | first call to first connection |\n| --- | ---: |\n"
                             "| ``nat/<b>`x`\\|y`` | 263ms |\n| `nat/fast` | 20ms |\n\n");
}

static void a_page_never_outgrows_its_room(void **state)
{
    g_autoptr(hp_report) report = hp_report_new();
    for (unsigned i = 0; i < 100; i++) {
        g_autofree char *name = g_strdup_printf("bad%02u", i);
        add(report, name, HP_VERDICT_FAIL, NULL);
    }
    g_autofree char *whole = hp_github_summary(report, 0, HP_GITHUB_SUMMARY_MAX);
    assert_null(strstr(whole, "left out"));
    assert_int_equal(count(whole, "<details>"), 100);
    const size_t all = strlen(whole);
    unsigned before = 0;
    for (size_t room = 0; room < all + 600; room += 97) {
        g_autofree char *page = hp_github_summary(report, 0, room);
        const unsigned n = count(page, "<details>");
        assert_true(strlen(page) <= room);
        assert_true(n >= before); /* more room, no fewer cases */
        before = n;
        if (*page != '\0' && n < 100) {
            g_autofree char *word = g_strdup_printf("\n**%u more piece%s left out: a step summary holds 1 MiB.**",
                                                    100 - n, n == 99 ? " was" : "s were");
            assert_non_null(strstr(page, word));
        }
    }
    assert_int_equal(before, 100);
}

static void nothing_ran(void **state)
{
    g_autoptr(hp_report) report = hp_report_new();
    g_autofree char *page = hp_github_summary(report, 0, HP_GITHUB_SUMMARY_MAX);
    assert_true(g_str_has_prefix(page, "### Hairpin: no scenario ran\n"));
    g_autofree char *commands = hp_github_report(report);
    assert_string_equal(commands, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_failure_is_an_error_at_its_line),
        cmocka_unit_test(a_bug_that_is_gone_is_a_warning),
        cmocka_unit_test(a_repeated_case_is_told_once),
        cmocka_unit_test(the_rest_is_counted),
        cmocka_unit_test(mistakes_and_oddities),
        cmocka_unit_test(the_page),
        cmocka_unit_test(a_page_never_outgrows_its_room),
        cmocka_unit_test(nothing_ran),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
