/* The terminal's report. */
#include "report/fixture.h"

static const hp_report_style plain = {0};

static void assert_text(hp_report_case *c, const hp_report_style *style, const char *expected)
{
    g_autofree char *got = hp_report_text_case(c, style);
    hp_report_case_free(c);
    assert_string_equal(got, expected);
}

static void a_pass_is_one_line(void **state)
{
    fixture f;
    fixture_init(&f, "nat/strict", HP_VERDICT_PASS);
    fixture_expect(&f, 30, "connected: {}", NULL, "connected after 1s");
    assert_text(fixture_case(&f, "out/nat/strict"), &plain, "ok         nat/strict  (1 expectation, 12.500s)\n");
}

static void a_failure_says_everything(void **state)
{
    g_autoptr(hp_trace) trace = fixture_trace();
    fixture f;
    fixture_init(&f, "nat/strict", HP_VERDICT_FAIL);
    fixture_expect(&f, 30, "connected: {}", NULL, "connected after 1s");
    fixture_expect(&f, 31, "connected: {within: 3s}", "connected within 3s", "failed")->packet = 2;
    hp_expect_result *finding = fixture_expect(&f, 0, "wait-for", "its end within 30s", "nothing");
    finding->expect = NULL;
    finding->mark.file = NULL;
    hp_report_case *c = hp_report_case_new(&f.result, trace, "out/nat/strict");
    fixture_clear(&f);
    assert_text(c, &plain,
                "FAIL       nat/strict  (1 of 2 expectations failed, 12.500s)\n"
                "           scenarios/nat/strict.yaml:31: connected: {within: 3s}\n"
                "             expected  connected within 3s\n"
                "             got       failed\n"
                "             at        3.250s\n"
                "             packet    2: home/in in 192.168.1.2:5000 > 203.0.113.1:3478 Binding request\n"
                "           scenarios/nat/strict.yaml: wait-for\n"
                "             expected  its end within 30s\n"
                "             got       nothing\n"
                "             at        3.250s\n"
                "           seed        7\n"
                "           again       hairpin run scenarios/nat/strict.yaml --seed 7\n"
                "           evidence    out/nat/strict\n");
}

static void a_crash_tells_its_message(void **state)
{
    fixture f;
    fixture_init(&f, "nat/strict[home.preset=symmetric, trickle=false]", HP_VERDICT_CRASHED);
    f.scenario.label = (char *)"home.preset=symmetric, trickle=false";
    f.result.message = (char *)"SIGABRT: assertion failed\nin two lines\n";
    assert_text(fixture_case(&f, NULL), &plain,
                "CRASHED    nat/strict[home.preset=symmetric, trickle=false]  (0 expectations, 12.500s)\n"
                "           message     SIGABRT: assertion failed\n"
                "                       in two lines\n"
                "           seed        7\n"
                "           again       hairpin run scenarios/nat/strict.yaml --seed 7 --filter "
                "'[home.preset=symmetric, trickle=false]'\n");
}

static void media_is_told_to_who_asks(void **state)
{
    hp_track_result tracks[] = {
        {.kind = HP_MEDIA_AUDIO,
         .from = "alice",
         .to = "bob",
         .figures = {.sent = 1500,
                     .lost = 3,
                     .loss_ppb = 2000000,
                     .unusable = 5,
                     .unusable_ppb = 3333333,
                     .foreign = 1,
                     .jitter_mean = 1500 * HP_US,
                     .latency = {.count = 1, .p95 = 20 * HP_MS},
                     .mos_milli = 4370,
                     .first_frame = HP_NEVER}},
        {.kind = HP_MEDIA_VIDEO,
         .from = "bob",
         .to = "alice",
         .called = HP_S,
         .figures = {.sent = 10,
                     .first_frame = 1400 * HP_MS,
                     .frames = 100,
                     .frame_rate_milli = 29970,
                     .freezes = 1,
                     .freeze_longest = 600 * HP_MS}},
        {.kind = HP_MEDIA_VIDEO, .from = "a", .to = "b", .figures = {.first_frame = HP_NEVER}},
    };
    hp_dtls_result dtls[] = {
        {.peer = "alice",
         .with = "bob",
         .state = "connected",
         .reason = "",
         .role = "active",
         .profile = "P",
         .started = HP_S,
         .connected = 1250 * HP_MS,
         .timeouts = 2},
        {.peer = "bob",
         .with = "",
         .state = "failed",
         .reason = "timeout",
         .role = "",
         .profile = "",
         .started = HP_S,
         .connected = HP_NEVER},
    };
    const hp_report_style verbose = {.verbose = true};
    for (unsigned i = 0; i < 2; i++) {
        fixture f;
        fixture_init(&f, "media/call", HP_VERDICT_PASS);
        f.result.tracks = tracks;
        f.result.n_tracks = 3;
        f.result.dtls = dtls;
        f.result.n_dtls = 2;
        assert_text(fixture_case(&f, NULL), i == 0 ? &plain : &verbose,
                    i == 0
                        ? "ok         media/call  (0 expectations, 12.500s)\n"
                        : "ok         media/call  (0 expectations, 12.500s)\n"
                          "           dtls        alice with bob: connected, P, handshake 250ms, 2 flights sent again\n"
                          "           dtls        bob: failed (timeout)\n"
                          "           audio       alice to bob: 1500 sent, 3 lost (0.2%), 5 unusable (0.333%), 1 "
                          "foreign, latency p95 20ms, jitter 1.5ms, mos 4.37\n"
                          "           video       bob to alice: 10 sent, 0 lost (0%), first frame after 400ms, frame "
                          "rate 29.97, 1 freeze, longest 600ms\n"
                          "           video       a to b: 0 sent, 0 lost (0%), no frame was shown\n");
    }
}

static void a_failure_tells_the_first_lines_of_media(void **state)
{
    hp_track_result tracks[8];
    for (unsigned i = 0; i < G_N_ELEMENTS(tracks); i++) {
        tracks[i] = (hp_track_result){.kind = HP_MEDIA_AUDIO, .from = "a", .to = "b", .figures = {.sent = i}};
    }
    fixture f;
    fixture_init(&f, "media/call", HP_VERDICT_FAIL);
    f.result.tracks = tracks;
    f.result.n_tracks = G_N_ELEMENTS(tracks);
    assert_text(fixture_case(&f, NULL), &plain,
                "FAIL       media/call  (0 expectations, 12.500s)\n"
                "           audio       a to b: 0 sent, 0 lost (0%)\n"
                "           audio       a to b: 1 sent, 0 lost (0%)\n"
                "           audio       a to b: 2 sent, 0 lost (0%)\n"
                "           audio       a to b: 3 sent, 0 lost (0%)\n"
                "           audio       a to b: 4 sent, 0 lost (0%)\n"
                "           audio       a to b: 5 sent, 0 lost (0%)\n"
                "                       and 2 more in result.json\n"
                "           seed        7\n"
                "           again       hairpin run scenarios/nat/strict.yaml --seed 7\n");
}

static void a_known_bug_is_told_with_its_link(void **state)
{
    fixture f;
    fixture_init(&f, "nat/strict", HP_VERDICT_EXPECTED_FAILURE);
    f.scenario.known_bug = (char *)"https://example.org/1";
    fixture_expect(&f, 31, "connected: {}", "connected", "failed");
    assert_text(fixture_case(&f, "out/x"), &plain,
                "known bug  nat/strict  (1 of 1 expectation failed, 12.500s)\n"
                "           known bug   https://example.org/1\n");

    fixture_init(&f, "nat/strict", HP_VERDICT_EXPECTED_FAILURE);
    f.scenario.known_bug = (char *)"https://example.org/1";
    fixture_expect(&f, 31, "connected: {}", "connected", "failed")->packet = 9;
    const hp_report_style verbose = {.verbose = true};
    assert_text(fixture_case(&f, "out/x"), &verbose,
                "known bug  nat/strict  (1 of 1 expectation failed, 12.500s)\n"
                "           known bug   https://example.org/1\n"
                "           scenarios/nat/strict.yaml:31: connected: {}\n"
                "             expected  connected\n"
                "             got       failed\n"
                "             at        3.250s\n"
                "             packet    9\n");

    fixture_init(&f, "nat/strict", HP_VERDICT_FIXED);
    f.scenario.known_bug = (char *)"https://example.org/1";
    assert_text(fixture_case(&f, NULL), &plain,
                "FIXED      nat/strict  (0 expectations, 12.500s)\n"
                "           everything held: the known bug is gone, remove `known-bug` from the scenario\n"
                "           known bug   https://example.org/1\n"
                "           seed        7\n"
                "           again       hairpin run scenarios/nat/strict.yaml --seed 7\n");
}

static void colours_only_when_asked(void **state)
{
    fixture f;
    fixture_init(&f, "nat/strict", HP_VERDICT_HUNG);
    f.result.message = (char *)"no step for 10 s";
    const hp_report_style colour = {.colour = true};
    assert_text(fixture_case(&f, NULL), &colour,
                "\x1b[31mHUNG       \x1b[0mnat/strict  (0 expectations, 12.500s)\n"
                "           \x1b[2mmessage     \x1b[0mno step for 10 s\n"
                "           \x1b[2mseed        \x1b[0m7\n"
                "           \x1b[2magain       \x1b[0mhairpin run scenarios/nat/strict.yaml --seed 7\n");
}

static void a_message_cannot_steer_the_terminal(void **state)
{
    fixture f;
    fixture_init(&f, "nat/strict", HP_VERDICT_ERROR);
    f.result.message = (char *)"red \x1b[31m, bell \a, c1 \xc2\x9b, bad \xff, fine \xc3\xbc";
    g_autoptr(hp_report_case) c = fixture_case(&f, NULL);
    g_autofree char *got = hp_report_text_case(c, &plain);
    assert_non_null(strstr(got, "message     red \\x1b[31m, bell \\x07, c1 \\x9b, bad \xef\xbf\xbd, fine \xc3\xbc\n"));
}

static void add(hp_report *report, const char *name, hp_verdict verdict)
{
    fixture f;
    fixture_init(&f, name, verdict);
    const hp_report_case *c = hp_report_add(report, fixture_case(&f, NULL));
    assert_string_equal(c->name, name);
}

static void assert_summary(const hp_report *report, const hp_report_style *style, const char *expected)
{
    g_autofree char *got = hp_report_text_summary(report, style);
    assert_string_equal(got, expected);
}

static void the_summary_counts(void **state)
{
    g_autoptr(hp_report) report = hp_report_new();
    assert_false(hp_report_is_good(report));
    assert_summary(report, &plain, "no scenario ran\n");
    add(report, "a", HP_VERDICT_PASS);
    add(report, "b", HP_VERDICT_EXPECTED_FAILURE);
    assert_true(hp_report_is_good(report));
    assert_summary(report, &plain, "1 passed, 0 failed, 1 expected failure\n");
    add(report, "c", HP_VERDICT_FAIL);
    assert_false(hp_report_is_good(report));
    add(report, "d", HP_VERDICT_EXPECTED_FAILURE);
    add(report, "e", HP_VERDICT_FIXED);
    add(report, "f", HP_VERDICT_CRASHED);
    add(report, "g", HP_VERDICT_HUNG);
    add(report, "h", HP_VERDICT_ERROR);
    assert_summary(report, &plain,
                   "FAIL       c\n"
                   "FIXED      e\n"
                   "CRASHED    f\n"
                   "HUNG       g\n"
                   "ERROR      h\n"
                   "1 passed, 1 failed, 2 expected failures, 1 fixed, 1 crashed, 1 hung, 1 error\n");
}

static void add_seed(hp_report *report, const char *name, hp_verdict verdict, uint64_t seed)
{
    fixture f;
    fixture_init(&f, name, verdict);
    f.plan.seed = seed;
    hp_report_add(report, fixture_case(&f, NULL));
}

static void the_summary_counts_repeats_by_case(void **state)
{
    g_autoptr(hp_report) report = hp_report_new();
    add_seed(report, "a#1", HP_VERDICT_PASS, 7);
    add_seed(report, "a#2", HP_VERDICT_PASS, 8);
    add_seed(report, "b#1", HP_VERDICT_PASS, 7);
    add_seed(report, "b#2", HP_VERDICT_CRASHED, 8);
    add_seed(report, "b#3", HP_VERDICT_FAIL, 9);
    add_seed(report, "b#x", HP_VERDICT_FAIL, 1); /* not one of them */
    add_seed(report, "b", HP_VERDICT_FAIL, 1); /* nor that */
    add_seed(report, "c#1", HP_VERDICT_FAIL, 5);
    add_seed(report, "cc#1", HP_VERDICT_FAIL, 6);
    assert_summary(report, &plain,
                   "CRASHED    b  1 of 3 good; the first that is not: seed 8\n"
                   "           again       hairpin run scenarios/nat/strict.yaml --seed 8\n"
                   "FAIL       b#x\n"
                   "FAIL       b\n"
                   "FAIL       c  0 of 1 good; the first that is not: seed 5\n"
                   "           again       hairpin run scenarios/nat/strict.yaml --seed 5\n"
                   "FAIL       cc  0 of 1 good; the first that is not: seed 6\n"
                   "           again       hairpin run scenarios/nat/strict.yaml --seed 6\n"
                   "3 passed, 5 failed, 1 crashed\n");
}

static void each_bad_verdict_spoils_a_run(void **state)
{
    for (unsigned v = 0; v < HP_VERDICT_N; v++) {
        g_autoptr(hp_report) report = hp_report_new();
        add(report, "good", HP_VERDICT_PASS);
        add(report, "x", (hp_verdict)v);
        assert_int_equal(hp_report_is_good(report),
                         v == HP_VERDICT_PASS || v == HP_VERDICT_EXPECTED_FAILURE || v == HP_VERDICT_SKIPPED);
    }
}

static void what_is_skipped_spoils_nothing(void **state)
{
    const hp_report_style style = {0};
    g_autoptr(hp_report) report = hp_report_new();
    fixture f;
    fixture_init(&f, "live/browser", HP_VERDICT_SKIPPED);
    f.result.message = (char *)"no Chromium";
    f.result.ended = 0;
    const hp_report_case *c = hp_report_add(report, fixture_case(&f, NULL));
    g_autofree char *text = hp_report_text_case(c, &style);
    assert_string_equal(text, "skipped    live/browser  (0 expectations, 0ns)\n"
                              "           message     no Chromium\n");
    assert_false(hp_report_is_good(report)); /* nothing ran */
    assert_true(hp_report_says_nothing(report));
    fixture_init(&f, "nat/basic", HP_VERDICT_PASS);
    hp_report_add(report, fixture_case(&f, NULL));
    assert_true(hp_report_is_good(report));
    assert_false(hp_report_says_nothing(report));
    g_autofree char *summary = hp_report_text_summary(report, &style);
    assert_string_equal(summary, "1 passed, 0 failed, 1 skipped\n");
    fixture_init(&f, "live/slow", HP_VERDICT_INVALID);
    hp_report_add(report, fixture_case(&f, NULL));
    assert_false(hp_report_is_good(report));
    assert_true(hp_report_says_nothing(report));
    fixture_init(&f, "nat/bad", HP_VERDICT_FAIL);
    hp_report_add(report, fixture_case(&f, NULL));
    assert_false(hp_report_is_good(report) || hp_report_says_nothing(report));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_pass_is_one_line),
        cmocka_unit_test(a_failure_says_everything),
        cmocka_unit_test(a_crash_tells_its_message),
        cmocka_unit_test(media_is_told_to_who_asks),
        cmocka_unit_test(a_failure_tells_the_first_lines_of_media),
        cmocka_unit_test(a_known_bug_is_told_with_its_link),
        cmocka_unit_test(colours_only_when_asked),
        cmocka_unit_test(a_message_cannot_steer_the_terminal),
        cmocka_unit_test(the_summary_counts),
        cmocka_unit_test(the_summary_counts_repeats_by_case),
        cmocka_unit_test(what_is_skipped_spoils_nothing),
        cmocka_unit_test(each_bad_verdict_spoils_a_run),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
