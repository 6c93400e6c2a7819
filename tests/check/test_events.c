/* event, order, findings, verdicts, and the bookkeeping of results. */
#include "fixture.h"

static hp_expect *add_event(fixture *f, hp_event_kind kind, char *subject)
{
    hp_expect *e = add_expect(f, HP_EXPECT_EVENT, "event: {...}");
    e->event.pattern.kind = kind;
    e->event.pattern.subject = subject;
    return e;
}

static void event_is_counted_in_its_window(void **state)
{
    static char *keys[] = {"state", "component"};
    static char *values[] = {"failed", "1"};
    fixture *f = *state;
    hp_expect *e = add_event(f, HP_EV_ICE_STATE, "alice");
    e->event.pattern.keys = keys;
    e->event.pattern.values = values;
    e->event.pattern.n_where = 2;
    e = add_event(f, HP_EV_ICE_STATE, NULL);
    e->event.count = compare("0", HP_UNIT_COUNT);
    e->window.after = 3 * HP_S;
    e = add_event(f, HP_EV_ICE_STATE, "bob");
    e->event.count = compare("2", HP_UNIT_COUNT);
    ev_state(f, HP_S, "alice", "ready");
    ev_state(f, HP_S, "bob", "failed");
    ev_state_of(f, HP_S, "alice", 1, "bob", 2, "failed");
    ev_state(f, 2 * HP_S, "alice", "failed");
    ev_state(f, 3 * HP_S, "bob", "ready"); /* the window opens with this record */
    fixture_finish(f, 9 * HP_S);
    ASSERT_EXPECT(f, 0, true, 2 * HP_S, 0, "1 time, first at 2.000s");
    assert_string_equal(nth(f, 0)->expected, "ice-state of alice where state is failed and component is 1 >= 1 times");
    ASSERT_EXPECT(f, 1, false, 3 * HP_S, 0, "1 time, first at 3.000s");
    assert_string_equal(nth(f, 1)->expected, "ice-state 0 times after 3.000s");
    ASSERT_EXPECT(f, 2, true, 9 * HP_S, 0, "2 times, first at 1.000s, last at 3.000s");
}

static void event_names_the_packet_it_speaks_of(void **state)
{
    fixture *f = *state;
    add_event(f, HP_EV_DATA_RECEIVED, NULL);
    ev_packet(f, HP_S, "bob", HP_DIR_IN, 1, "", 0);
    ev_received(f, HP_S, 1, 0, 0, 1);
    assert_true(hp_checker_decided(f->checker));
    fixture_finish(f, 9 * HP_S);
    ASSERT_EXPECT(f, 0, true, HP_S, 1, "1 time, first at 1.000s");
}

static void order_needs_each_after_the_one_before(void **state)
{
    static hp_event_pattern patterns[] = {
        {.kind = HP_EV_ICE_STATE, .subject = "alice"},
        {.kind = HP_EV_NAT_CHANGED, .subject = "home"},
        {.kind = HP_EV_ICE_STATE, .subject = "alice"},
    };
    fixture *f = *state;
    hp_expect *e = add_expect(f, HP_EXPECT_ORDER, "order: [...]");
    e->order.patterns = patterns;
    e->order.n = 3;
    EVENT(f, HP_S, HP_EV_NAT_CHANGED, "home", HP_FS("what", "reboot"));
    ev_state(f, 2 * HP_S, "alice", "ready");
    ev_state(f, 3 * HP_S, "alice", "failed");
    fixture_finish(f, 5 * HP_S);
    ASSERT_EXPECT(f, 0, false, 5 * HP_S, 0, "ice-state at 2.000s, then no nat-changed of home");
    assert_string_equal(nth(f, 0)->expected, "ice-state of alice, then nat-changed of home, then ice-state of alice");
    EVENT(f, 6 * HP_S, HP_EV_NAT_CHANGED, "home", HP_FS("what", "reboot"));
    ev_state(f, 7 * HP_S, "bob", "failed");
    assert_false(hp_checker_decided(f->checker));
    ev_state(f, 7 * HP_S, "alice", "failed");
    assert_true(hp_checker_decided(f->checker));
    fixture_finish(f, 9 * HP_S);
    ASSERT_EXPECT(f, 0, true, 7 * HP_S, 0, "ice-state at 2.000s, nat-changed at 6.000s, ice-state at 7.000s");
}

static void order_looks_into_its_window_only(void **state)
{
    static hp_event_pattern patterns[] = {{.kind = HP_EV_NAT_CHANGED}, {.kind = HP_EV_ICE_STATE}};
    fixture *f = *state;
    hp_expect *e = add_expect(f, HP_EXPECT_ORDER, "order: [...]");
    e->order.patterns = patterns;
    e->order.n = 2;
    e->window.after = 2 * HP_S;
    e->window.before = 4 * HP_S;
    EVENT(f, 2 * HP_S - 1, HP_EV_NAT_CHANGED, "home", HP_FS("what", "reboot"));
    ev_state(f, 2 * HP_S, "alice", "ready");
    EVENT(f, 3 * HP_S, HP_EV_NAT_CHANGED, "home", HP_FS("what", "reboot"));
    ev_state(f, 4 * HP_S, "alice", "failed");
    fixture_finish(f, 5 * HP_S);
    ASSERT_EXPECT(f, 0, false, 4 * HP_S, 0, "nat-changed at 3.000s, then no ice-state");
}

static void order_that_never_began(void **state)
{
    static hp_event_pattern patterns[] = {{.kind = HP_EV_NAT_CHANGED}};
    fixture *f = *state;
    hp_expect *e = add_expect(f, HP_EXPECT_ORDER, "order: [...]");
    e->order.patterns = patterns;
    e->order.n = 1;
    fixture_finish(f, 5 * HP_S);
    ASSERT_EXPECT(f, 0, false, 5 * HP_S, 0, "no nat-changed");
}

/* ---- findings ---- */

static void steps_that_time_out_or_are_never_reached_are_findings(void **state)
{
    fixture *f = *state;
    add_call(f);
    add_step(f, HP_STEP_WAIT_FOR)->wait_for.timeout = 30 * HP_S;
    add_step(f, HP_STEP_REBOOT)->label = "power cut";
    ev_step(f, 0, 1);
    ev_step(f, 0, 2);
    ev_step_done(f, 30 * HP_S, 2, "timeout");
    const hp_result *r = fixture_finish(f, 60 * HP_S);
    assert_int_equal(r->verdict, HP_VERDICT_FAIL);
    assert_int_equal(r->expects->len, 2);
    ASSERT_EXPECT(f, 0, false, 30 * HP_S, 0, "it timed out (waiting since 0ns)");
    assert_null(nth(f, 0)->expect);
    assert_string_equal(nth(f, 0)->what, "step 2 (wait-for)");
    assert_string_equal(nth(f, 0)->expected, "what it waits for, within 30.000s");
    assert_int_equal(nth(f, 0)->mark.line, 21);
    ASSERT_EXPECT(f, 1, false, 60 * HP_S, 0, "step 3 (power cut) was never reached");
}

static void wait_cut_short_by_until_is_a_finding(void **state)
{
    fixture *f = *state;
    add_step(f, HP_STEP_WAIT_FOR)->wait_for.timeout = 90 * HP_S;
    ev_step(f, HP_S, 1);
    fixture_finish(f, 60 * HP_S);
    ASSERT_EXPECT(f, 0, false, 60 * HP_S, 0, "still waiting since 1.000s when the run ended");
}

static void run_that_broke_off_has_no_findings_about_steps(void **state)
{
    fixture *f = *state;
    add_call(f);
    add_step(f, HP_STEP_WAIT_FOR);
    add_step(f, HP_STEP_REBOOT);
    ev_step(f, 0, 1);
    ev_step(f, 0, 2);
    const hp_result *r = fixture_finish_with(f, HP_S, HP_VERDICT_CRASHED, "signal 11", "crashed");
    assert_int_equal(r->expects->len, 0);
    assert_int_equal(r->verdict, HP_VERDICT_CRASHED);
    assert_string_equal(r->message, "signal 11");
    assert_string_equal(r->end_reason, "crashed");
}

static void refused_calls_are_findings(void **state)
{
    fixture *f = *state;
    EVENT(f, HP_S, HP_EV_PEER_ERROR, "bob", HP_FU("session", 1), HP_FS("message", "no such stream"));
    EVENT(f, 2 * HP_S, HP_EV_PEER_ERROR, "bob", HP_FU("session", 1), HP_FS("message", "no such stream"));
    EVENT(f, 3 * HP_S, HP_EV_PEER_ERROR, "alice", HP_FU("session", 1), HP_FS("message", "no such stream"));
    const hp_result *r = fixture_finish(f, 5 * HP_S);
    assert_int_equal(r->expects->len, 2);
    ASSERT_EXPECT(f, 0, false, HP_S, 0, "no such stream (2 times)");
    assert_string_equal(nth(f, 0)->what, "peer bob");
    assert_int_equal(nth(f, 0)->mark.line, 11);
    ASSERT_EXPECT(f, 1, false, 3 * HP_S, 0, "no such stream");
}

static void refused_calls_that_the_scenario_asks_for_are_none(void **state)
{
    fixture *f = *state;
    add_event(f, HP_EV_PEER_ERROR, "bob");
    EVENT(f, HP_S, HP_EV_PEER_ERROR, "bob", HP_FU("session", 1), HP_FS("message", "no such stream"));
    const hp_result *r = fixture_finish(f, 5 * HP_S);
    assert_int_equal(r->expects->len, 1);
    assert_int_equal(r->verdict, HP_VERDICT_PASS);
}

/* ---- verdicts ---- */

static void verdicts_with_and_without_a_known_bug(void **state)
{
    static const struct {
        bool holds, known_bug;
        hp_verdict given, wanted;
    } cases[] = {
        {true, false, HP_VERDICT_PASS, HP_VERDICT_PASS},
        {false, false, HP_VERDICT_PASS, HP_VERDICT_FAIL},
        {true, false, HP_VERDICT_CRASHED, HP_VERDICT_CRASHED},
        {false, false, HP_VERDICT_HUNG, HP_VERDICT_HUNG},
        {false, false, HP_VERDICT_ERROR, HP_VERDICT_ERROR},
        {true, true, HP_VERDICT_PASS, HP_VERDICT_FIXED},
        {false, true, HP_VERDICT_PASS, HP_VERDICT_EXPECTED_FAILURE},
        {true, true, HP_VERDICT_CRASHED, HP_VERDICT_EXPECTED_FAILURE},
        {true, true, HP_VERDICT_HUNG, HP_VERDICT_EXPECTED_FAILURE},
        {false, true, HP_VERDICT_ERROR, HP_VERDICT_ERROR},
    };
    fixture *f = *state;
    hp_expect *e = add_event(f, HP_EV_NAT_CHANGED, "home");
    EVENT(f, HP_S, HP_EV_NAT_CHANGED, "home", HP_FS("what", "reboot"));
    for (unsigned i = 0; i < G_N_ELEMENTS(cases); i++) {
        f->scenario.known_bug = cases[i].known_bug ? "https://example.org/1" : NULL;
        e->event.count = compare(cases[i].holds ? "1" : "2", HP_UNIT_COUNT);
        g_clear_pointer(&f->checker, hp_checker_free);
        fixture_finish_with(f, 5 * HP_S, cases[i].given, NULL, "until");
        assert_int_equal(f->result->verdict, cases[i].wanted);
    }
}

static void names_of_verdicts(void **state)
{
    assert_string_equal(hp_verdict_name(HP_VERDICT_PASS), "pass");
    assert_string_equal(hp_verdict_name(HP_VERDICT_EXPECTED_FAILURE), "expected-failure");
    assert_string_equal(hp_verdict_name(HP_VERDICT_ERROR), "error");
    for (int v = 0; v < HP_VERDICT_N; v++) {
        assert_int_equal(hp_verdict_is_good(v), v == HP_VERDICT_PASS || v == HP_VERDICT_EXPECTED_FAILURE);
    }
}

static void full_trace_is_an_error(void **state)
{
    fixture *f = *state;
    for (unsigned i = 0; !hp_trace_overflowed(f->trace); i++) {
        hp_trace_event(f->trace, i, HP_EV_NAT_CHANGED, "home", HP_FS("what", "reboot"));
    }
    const hp_result *r = fixture_finish(f, 5 * HP_S);
    assert_int_equal(r->verdict, HP_VERDICT_ERROR);
    assert_string_equal(r->message, "the trace is full: 1 records were lost");
}

static void decided_waits_for_waits(void **state)
{
    fixture *f = *state;
    add_step(f, HP_STEP_WAIT_FOR);
    add_event(f, HP_EV_NAT_CHANGED, "home");
    EVENT(f, HP_S, HP_EV_NAT_CHANGED, "home", HP_FS("what", "reboot"));
    assert_false(hp_checker_decided(f->checker));
    ev_step(f, HP_S, 1);
    assert_false(hp_checker_decided(f->checker));
    ev_step_done(f, 2 * HP_S, 1, "done");
    assert_true(hp_checker_decided(f->checker));
}

static void scenario_without_expectations_is_never_decided(void **state)
{
    fixture *f = *state;
    EVENT(f, HP_S, HP_EV_NAT_CHANGED, "home", HP_FS("what", "reboot"));
    assert_false(hp_checker_decided(f->checker));
    assert_int_equal(fixture_finish(f, 5 * HP_S)->verdict, HP_VERDICT_PASS);
}

static void window_names_a_step_that_exists(void **state)
{
    fixture *f = *state;
    g_autoptr(GError) error = NULL;
    add_event(f, HP_EV_NAT_CHANGED, "home")->window.before_step = "lunch";
    assert_null(hp_checker_new(&f->plan, &error));
    assert_string_equal(error->message, "test.yaml:30: no step is called `lunch`");
}

static void window_between_steps_goes_by_the_log(void **state)
{
    fixture *f = *state;
    add_step(f, HP_STEP_REBOOT);
    add_step(f, HP_STEP_RENUMBER);
    hp_expect *e = add_event(f, HP_EV_NAT_CHANGED, "home");
    e->event.count = compare("1", HP_UNIT_COUNT);
    e->window.after_step = "reboot";
    e->window.before_step = "renumber";
    EVENT(f, HP_S, HP_EV_NAT_CHANGED, "home", HP_FS("what", "before"));
    ev_step(f, HP_S, 1);
    EVENT(f, HP_S, HP_EV_NAT_CHANGED, "home", HP_FS("what", "reboot"));
    assert_false(hp_checker_decided(f->checker));
    ev_step(f, HP_S, 2);
    assert_true(hp_checker_decided(f->checker));
    EVENT(f, HP_S, HP_EV_NAT_CHANGED, "home", HP_FS("what", "renumber"));
    fixture_finish(f, 5 * HP_S);
    ASSERT_EXPECT(f, 0, true, HP_S, 0, "1 time, first at 1.000s");
    assert_string_equal(nth(f, 0)->expected, "nat-changed of home 1 times after `reboot` before `renumber`");
}

static void sessions_of_a_result(void **state)
{
    fixture *f = *state;
    add_call(f);
    ev_step(f, 100 * HP_MS, 1);
    EVENT(f, 200 * HP_MS, HP_EV_GATHERING_STARTED, "carol", HP_FU("session", 7));
    ev_state(f, 300 * HP_MS, "bob", "connected");
    ev_state(f, 300 * HP_MS, "alice", "gathering");
    EVENT(f, 400 * HP_MS, HP_EV_GATHERING_DONE, "alice", HP_FU("session", 1), HP_FU("stream", 1));
    ev_state(f, 500 * HP_MS, "alice", "connected");
    ev_state(f, 900 * HP_MS, "alice", "ready");
    ev_state(f, 5 * HP_S, "alice", "failed");
    const hp_result *r = fixture_finish(f, 6 * HP_S);
    assert_int_equal(r->n_sessions, 2); /* carol's has no component yet */
    const hp_session_result *s = &r->sessions[0];
    assert_string_equal(s->peer, "alice");
    assert_string_equal(s->with, "bob");
    assert_int_equal(s->session, 1);
    assert_int_equal(s->gathered, 400 * HP_MS);
    assert_int_equal(s->connected, 500 * HP_MS);
    assert_int_equal(s->ready, 900 * HP_MS);
    assert_int_equal(s->failed, 5 * HP_S);
    assert_string_equal(s->state, "failed");
    assert_null(s->local_type);
    assert_string_equal(r->sessions[1].peer, "bob");
    assert_true(r->sessions[1].gathered == HP_NEVER);
    assert_int_equal(r->ended, 6 * HP_S);
    assert_int_equal(r->first_call, 100 * HP_MS);
    assert_int_equal(r->events, 8);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FIXTURE_TEST(event_is_counted_in_its_window),
        FIXTURE_TEST(event_names_the_packet_it_speaks_of),
        FIXTURE_TEST(order_needs_each_after_the_one_before),
        FIXTURE_TEST(order_looks_into_its_window_only),
        FIXTURE_TEST(order_that_never_began),
        FIXTURE_TEST(steps_that_time_out_or_are_never_reached_are_findings),
        FIXTURE_TEST(wait_cut_short_by_until_is_a_finding),
        FIXTURE_TEST(run_that_broke_off_has_no_findings_about_steps),
        FIXTURE_TEST(refused_calls_are_findings),
        FIXTURE_TEST(refused_calls_that_the_scenario_asks_for_are_none),
        FIXTURE_TEST(verdicts_with_and_without_a_known_bug),
        FIXTURE_TEST(names_of_verdicts),
        FIXTURE_TEST(full_trace_is_an_error),
        FIXTURE_TEST(decided_waits_for_waits),
        FIXTURE_TEST(scenario_without_expectations_is_never_decided),
        FIXTURE_TEST(window_names_a_step_that_exists),
        FIXTURE_TEST(window_between_steps_goes_by_the_log),
        FIXTURE_TEST(sessions_of_a_result),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
