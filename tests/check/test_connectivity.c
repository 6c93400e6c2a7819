/* connected and not-connected, passing and failing, with exact texts and times. */
#include "fixture.h"

static void connected_passes_with_the_last_session(void **state)
{
    fixture *f = *state;
    add_call(f);
    hp_expect *e = add_expect(f, HP_EXPECT_CONNECTED, "connected: {within: 3s}");
    e->connected.has_within = true;
    e->connected.within = 3 * HP_S;
    ev_step(f, 100 * HP_MS, 1);
    ev_state(f, 200 * HP_MS, "alice", "connecting");
    ev_state(f, 700 * HP_MS, "alice", "connected");
    assert_false(hp_checker_decided(f->checker)); /* bob has no session yet */
    ev_state(f, 800 * HP_MS, "bob", "connecting");
    assert_false(hp_checker_decided(f->checker));
    ev_state(f, 834 * HP_MS, "bob", "ready"); /* ready counts as connected */
    assert_true(hp_checker_decided(f->checker));
    ev_state(f, 5 * HP_S, "bob", "failed"); /* too late to matter */
    const hp_result *r = fixture_finish(f, 6 * HP_S);
    assert_int_equal(r->verdict, HP_VERDICT_PASS);
    assert_int_equal(r->first_call, 100 * HP_MS);
    ASSERT_EXPECT(f, 0, true, 834 * HP_MS, 0, "after 734ms (alice with bob at 700ms, bob with alice at 834ms)");
    assert_string_equal(nth(f, 0)->expected, "every peer in a call connected within 3.000s");
    assert_int_equal(nth(f, 0)->mark.line, FIXTURE_LINE);
}

static void connected_fails_at_its_deadline(void **state)
{
    fixture *f = *state;
    add_call(f);
    hp_expect *e = add_expect(f, HP_EXPECT_CONNECTED, "connected: {within: 3s}");
    e->connected.has_within = true;
    e->connected.within = 3 * HP_S;
    ev_step(f, 100 * HP_MS, 1);
    ev_state(f, 200 * HP_MS, "alice", "connecting");
    ev_state(f, 800 * HP_MS, "bob", "connected");
    ev_drop(f, HP_S, "alice", "home", HP_DROP_NAT_FILTERED, "x", 1);
    ev_drop(f, HP_S, "alice", "home", HP_DROP_NAT_FILTERED, "x", 1);
    ev_drop(f, HP_S, "alice", "link alice>internet", HP_DROP_LINK_LOSS, "x", 1);
    assert_false(hp_checker_decided(f->checker));
    ev_state(f, 3100 * HP_MS + 1, "alice", "connected"); /* a nanosecond late */
    assert_true(hp_checker_decided(f->checker));
    assert_int_equal(fixture_finish(f, 6 * HP_S)->verdict, HP_VERDICT_FAIL);
    ASSERT_EXPECT(
        f, 0, false, 3100 * HP_MS, 0,
        "alice with bob: connected since 3.100s (0 local and 0 remote candidates; 0 checks sent, 0 answered); "
        "2 dropped at home: filtered; 1 dropped at link alice>internet: loss");
}

static void connected_at_the_very_deadline_passes(void **state)
{
    fixture *f = *state;
    add_call(f);
    hp_expect *e = add_expect(f, HP_EXPECT_CONNECTED, "connected: {within: 3s}");
    e->connected.has_within = true;
    e->connected.within = 3 * HP_S;
    ev_step(f, 100 * HP_MS, 1);
    ev_state(f, HP_S, "alice", "connected");
    ev_state(f, 3100 * HP_MS, "bob", "connected");
    fixture_finish(f, 6 * HP_S);
    assert_true(nth(f, 0)->passed);
    assert_int_equal(nth(f, 0)->at, 3100 * HP_MS);
}

static void connected_counts_checks_and_answers(void **state)
{
    /* A Binding request with PRIORITY; the same without; a Binding success. Transaction ids are zero. */
    static const uint8_t check[28] = {0, 1, 0, 8, 0x21, 0x12, 0xa4, 0x42, [20] = 0, 0x24, 0, 4, 0x6e, 0, 1, 0xff};
    static const uint8_t plain[20] = {0, 1, 0, 0, 0x21, 0x12, 0xa4, 0x42};
    static const uint8_t answer[20] = {1, 1, 0, 0, 0x21, 0x12, 0xa4, 0x42};
    fixture *f = *state;
    add_call(f);
    add_expect(f, HP_EXPECT_CONNECTED, "connected");
    ev_step(f, 0, 1);
    ev_state(f, 200 * HP_MS, "alice", "connecting");
    ev_state(f, 800 * HP_MS, "bob", "ready");
    EVENT(f, HP_S, HP_EV_CANDIDATE, "alice", HP_FU("session", 1), HP_FU("stream", 1), HP_FU("component", 1),
          HP_FS("type", "host"));
    EVENT(f, HP_S, HP_EV_REMOTE_CANDIDATE, "alice", HP_FU("session", 1), HP_FU("stream", 1), HP_FU("component", 1),
          HP_FS("type", "host"));
    ev_packet(f, HP_S, "alice/wifi", HP_DIR_OUT, 2000, check, sizeof check);
    ev_packet(f, HP_S, "alice/wifi", HP_DIR_OUT, 2000, check, sizeof check);
    ev_packet(f, HP_S, "alice", HP_DIR_OUT, 3478, plain, sizeof plain);
    ev_packet(f, HP_S, "home/in", HP_DIR_IN, 2000, check, sizeof check);
    ev_packet(f, HP_S, "alice", HP_DIR_IN, 2000, answer, sizeof answer);
    /* A server's answer tells an address; it answers no check. */
    const hp_addr alice = hp_addr_v4(0x0a000001, 1000);
    const hp_addr server = hp_addr_with_port(f->server_address, 3478);
    g_autoptr(hp_packet) p = hp_packet_new(HP_PROTO_UDP, &server, &alice, answer, sizeof answer);
    hp_trace_packet(f->trace, HP_S, hp_trace_tap(f->trace, "alice"), HP_DIR_IN, p);
    fixture_finish(f, 6 * HP_S);
    ASSERT_EXPECT(f, 0, false, 6 * HP_S, 0,
                  "alice with bob: connecting since 200ms (1 local and 1 remote candidates; 2 checks sent, 1 "
                  "answered)");
}

static void connected_waits_for_every_component(void **state)
{
    fixture *f = *state;
    add_call(f)->call.config.components = 2;
    add_expect(f, HP_EXPECT_CONNECTED, "connected");
    ev_step(f, 0, 1);
    ev_state_of(f, HP_S, "alice", 1, "bob", 1, "connected");
    ev_state_of(f, HP_S, "bob", 1, "alice", 1, "connected");
    ev_state_of(f, HP_S, "bob", 1, "alice", 2, "connected");
    assert_false(hp_checker_decided(f->checker));
    fixture_finish(f, 6 * HP_S);
    ASSERT_EXPECT(f, 0, false, 6 * HP_S, 0,
                  "alice with bob: 1 of 2 components known (0 local and 0 remote candidates; 0 checks sent, 0 "
                  "answered)");
    ev_state_of(f, 7 * HP_S, "alice", 1, "bob", 2, "connected");
    assert_true(hp_checker_decided(f->checker));
    fixture_finish(f, 8 * HP_S);
    assert_true(nth(f, 0)->passed);
    assert_int_equal(nth(f, 0)->at, 7 * HP_S);
}

static void connected_misses_a_peer_without_a_session(void **state)
{
    fixture *f = *state;
    add_call(f);
    add_expect(f, HP_EXPECT_CONNECTED, "connected");
    ev_step(f, 0, 1);
    ev_state(f, HP_S, "alice", "connected");
    fixture_finish(f, 6 * HP_S);
    ASSERT_EXPECT(f, 0, false, 6 * HP_S, 0, "bob has no session with alice");
}

static void connected_fails_without_a_call(void **state)
{
    fixture *f = *state;
    add_call(f);
    add_expect(f, HP_EXPECT_CONNECTED, "connected");
    fixture_finish_with(f, 6 * HP_S, HP_VERDICT_PASS, NULL, "decided");
    ASSERT_EXPECT(f, 0, false, 6 * HP_S, 0, "no call was made");
}

static void connected_looks_only_at_the_peers_it_names(void **state)
{
    static char *peers[] = {"alice", NULL};
    fixture *f = *state;
    add_call(f);
    hp_expect *e = add_expect(f, HP_EXPECT_CONNECTED, "connected: {peers: [alice]}");
    e->connected.peers = peers;
    e->connected.state = "ready";
    ev_step(f, 0, 1);
    ev_state(f, HP_S, "alice", "connected");
    assert_false(hp_checker_decided(f->checker)); /* ready is asked for */
    ev_state(f, 2 * HP_S, "alice", "ready");
    assert_true(hp_checker_decided(f->checker));
    fixture_finish(f, 6 * HP_S);
    ASSERT_EXPECT(f, 0, true, 2 * HP_S, 0, "after 2.000s (alice with bob at 2.000s)");
    assert_string_equal(nth(f, 0)->expected, "alice ready");
}

static void connected_forgets_the_session_that_lost_a_glare(void **state)
{
    fixture *f = *state;
    add_call(f);
    add_expect(f, HP_EXPECT_CONNECTED, "connected");
    ev_step(f, 0, 1);
    ev_state_of(f, HP_S, "alice", 1, "bob", 1, "gathering");
    ev_state_of(f, HP_S, "alice", 2, "bob", 1, "connected");
    ev_state_of(f, HP_S, "bob", 1, "alice", 1, "connected");
    assert_false(hp_checker_decided(f->checker));
    EVENT(f, 2 * HP_S, HP_EV_PEER_CLOSED, "alice", HP_FU("session", 1));
    assert_true(hp_checker_decided(f->checker));
    fixture_finish(f, 6 * HP_S);
    assert_true(nth(f, 0)->passed);
}

static void connected_waits_for_calls_to_come(void **state)
{
    static char *carol[] = {"carol", NULL};
    fixture *f = *state;
    add_call(f);
    add_call(f)->call.to = carol;
    add_expect(f, HP_EXPECT_CONNECTED, "connected");
    ev_step(f, 0, 1);
    ev_state(f, HP_S, "alice", "connected");
    ev_state(f, HP_S, "bob", "connected");
    assert_false(hp_checker_decided(f->checker));
    ev_step(f, 2 * HP_S, 2);
    assert_false(hp_checker_decided(f->checker));
    ev_state_of(f, 3 * HP_S, "alice", 2, "carol", 1, "connected");
    assert_false(hp_checker_decided(f->checker));
    ev_state_of(f, 4 * HP_S, "carol", 1, "alice", 1, "connected");
    assert_true(hp_checker_decided(f->checker));
    fixture_finish(f, 6 * HP_S);
    assert_int_equal(nth(f, 0)->at, 4 * HP_S);
}

static void connected_after_a_step_needs_a_state_in_the_window(void **state)
{
    fixture *f = *state;
    add_call(f);
    add_step(f, HP_STEP_REBOOT);
    hp_expect *e = add_expect(f, HP_EXPECT_CONNECTED, "connected: {after: reboot, within: 2s}");
    e->window.after_step = "reboot";
    e->connected.has_within = true;
    e->connected.within = 2 * HP_S;
    ev_step(f, 0, 1);
    ev_state(f, HP_S, "alice", "connected");
    ev_state(f, HP_S, "bob", "connected");
    ev_state(f, 2 * HP_S, "bob", "failed");
    assert_false(hp_checker_decided(f->checker));
    ev_step(f, 10 * HP_S, 2);
    assert_false(hp_checker_decided(f->checker)); /* bob is failed */
    ev_state(f, 12 * HP_S, "bob", "connected");
    assert_true(hp_checker_decided(f->checker));
    fixture_finish(f, 20 * HP_S);
    assert_true(nth(f, 0)->passed);
    assert_int_equal(nth(f, 0)->at, 12 * HP_S);
}

static void not_connected_passes_at_the_end(void **state)
{
    fixture *f = *state;
    add_call(f);
    add_expect(f, HP_EXPECT_NOT_CONNECTED, "not-connected");
    ev_step(f, 0, 1);
    ev_state(f, HP_S, "alice", "connecting");
    ev_state(f, 2 * HP_S, "alice", "failed");
    assert_false(hp_checker_decided(f->checker));
    fixture_finish(f, 6 * HP_S);
    ASSERT_EXPECT(f, 0, true, 6 * HP_S, 0, "alice with bob: failed since 2.000s");
    assert_string_equal(nth(f, 0)->expected, "every peer in a call never connected");
}

static void not_connected_fails_at_once(void **state)
{
    fixture *f = *state;
    add_call(f);
    add_expect(f, HP_EXPECT_NOT_CONNECTED, "not-connected");
    ev_step(f, 0, 1);
    ev_state(f, 2 * HP_S, "bob", "connected");
    assert_true(hp_checker_decided(f->checker));
    fixture_finish(f, 6 * HP_S);
    ASSERT_EXPECT(f, 0, false, 2 * HP_S, 0, "bob with alice connected at 2.000s");
}

static void not_connected_fails_without_a_call(void **state)
{
    fixture *f = *state;
    add_expect(f, HP_EXPECT_NOT_CONNECTED, "not-connected");
    fixture_finish(f, 6 * HP_S);
    ASSERT_EXPECT(f, 0, false, 6 * HP_S, 0, "no call was made");
}

static void connected_before_a_time(void **state)
{
    fixture *f = *state;
    add_call(f);
    add_expect(f, HP_EXPECT_CONNECTED, "connected: {before: 5s}")->window.before = 5 * HP_S;
    ev_step(f, 0, 1);
    ev_state(f, HP_S, "alice", "connected");
    ev_state(f, 4 * HP_S, "bob", "connecting");
    assert_false(hp_checker_decided(f->checker));
    ev_state(f, 5 * HP_S, "bob", "connected");
    assert_true(hp_checker_decided(f->checker));
    fixture_finish(f, 9 * HP_S);
    assert_false(nth(f, 0)->passed);
    assert_int_equal(nth(f, 0)->at, 5 * HP_S);
    assert_true(g_str_has_prefix(nth(f, 0)->got, "bob with alice: connecting since 4.000s ("));
}

static void connected_waits_for_the_session_of_a_second_call(void **state)
{
    fixture *f = *state;
    add_call(f);
    add_call(f);
    add_expect(f, HP_EXPECT_CONNECTED, "connected");
    ev_step(f, 0, 1);
    ev_state_of(f, HP_S, "alice", 1, "bob", 1, "connected");
    ev_state_of(f, HP_S, "bob", 1, "alice", 1, "connected");
    ev_step(f, 2 * HP_S, 2);
    ev_state_of(f, 3 * HP_S, "alice", 2, "bob", 1, "connected");
    assert_false(hp_checker_decided(f->checker)); /* bob's second session has not shown yet */
    ev_state_of(f, 4 * HP_S, "bob", 2, "alice", 1, "connected");
    assert_true(hp_checker_decided(f->checker));
    fixture_finish(f, 9 * HP_S);
    ASSERT_EXPECT(
        f, 0, true, 4 * HP_S, 0,
        "after 4.000s (alice with bob at 1.000s, alice with bob at 3.000s, bob with alice at 1.000s, bob with "
        "alice at 4.000s)");
}

static void connected_fails_when_every_try_was_closed(void **state)
{
    fixture *f = *state;
    add_call(f);
    add_expect(f, HP_EXPECT_CONNECTED, "connected");
    ev_step(f, 0, 1);
    ev_state(f, HP_S, "bob", "connected");
    for (unsigned i = 1; i <= 2; i++) {
        ev_state_of(f, HP_S, "alice", i, "bob", 1, "connecting");
        EVENT(f, 2 * HP_S, HP_EV_PEER_CLOSED, "alice", HP_FU("session", i));
    }
    fixture_finish(f, 9 * HP_S);
    assert_false(nth(f, 0)->passed);
}

static void connected_by_broadcast_counts_whoever_answers(void **state)
{
    fixture *f = *state;
    hp_step *step = add_call(f);
    step->call.to = NULL;
    step->call.broadcast = true;
    step->call.config.components = 2;
    add_expect(f, HP_EXPECT_CONNECTED, "connected");
    ev_step(f, 0, 1);
    ev_state_of(f, HP_S, "alice", 1, "", 1, "gathering"); /* nobody has answered yet */
    ev_state_of(f, 2 * HP_S, "carol", 1, "alice", 1, "connected");
    ev_state_of(f, 2 * HP_S, "carol", 1, "alice", 2, "connected");
    ev_state_of(f, 3 * HP_S, "alice", 1, "carol", 1, "connected");
    assert_false(hp_checker_decided(f->checker)); /* the second component */
    ev_state_of(f, 3 * HP_S, "bob", 1, "alice", 1, "connecting");
    ev_state_of(f, 4 * HP_S, "alice", 1, "carol", 2, "connected");
    assert_false(hp_checker_decided(f->checker)); /* bob answered too, and has no path */
    fixture_finish(f, 9 * HP_S);
    ASSERT_EXPECT(f, 0, false, 9 * HP_S, 0,
                  "bob with alice: connecting since 3.000s 1 of 2 components known (0 local and 0 remote candidates; 0 "
                  "checks sent, 0 answered)");
}

static void connected_lists_only_the_first_few(void **state)
{
    static char *carol[] = {"bob", "carol", NULL};
    fixture *f = *state;
    add_call(f)->call.to = carol;
    add_expect(f, HP_EXPECT_CONNECTED, "connected");
    ev_step(f, 0, 1);
    for (unsigned i = 1; i <= 6; i++) {
        ev_state_of(f, HP_S, "alice", i, "bob", 1, "connecting");
    }
    fixture_finish(f, 9 * HP_S);
    assert_true(g_str_has_suffix(nth(f, 0)->got, ", and 2 more, bob has no session with alice"));
}

static void failure_lists_the_worst_places(void **state)
{
    static const char *const places[] = {"a", "b", "c", "d", "e", "f"};
    fixture *f = *state;
    add_call(f);
    add_expect(f, HP_EXPECT_CONNECTED, "connected");
    ev_step(f, 0, 1);
    ev_state(f, HP_S, "bob", "connected");
    for (unsigned i = 0; i < G_N_ELEMENTS(places); i++) {
        for (unsigned k = 0; k <= i / 2; k++) {
            ev_drop(f, HP_S, "alice", places[i], HP_DROP_LINK_LOSS, "x", 1);
        }
    }
    fixture_finish(f, 9 * HP_S);
    ASSERT_EXPECT(f, 0, false, 9 * HP_S, 0,
                  "alice has no session; 3 dropped at e: loss; 3 dropped at f: loss; 2 dropped at c: loss; 2 dropped "
                  "at d: loss; 2 elsewhere");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FIXTURE_TEST(connected_passes_with_the_last_session),
        FIXTURE_TEST(connected_fails_at_its_deadline),
        FIXTURE_TEST(connected_at_the_very_deadline_passes),
        FIXTURE_TEST(connected_counts_checks_and_answers),
        FIXTURE_TEST(connected_waits_for_every_component),
        FIXTURE_TEST(connected_misses_a_peer_without_a_session),
        FIXTURE_TEST(connected_fails_without_a_call),
        FIXTURE_TEST(connected_looks_only_at_the_peers_it_names),
        FIXTURE_TEST(connected_forgets_the_session_that_lost_a_glare),
        FIXTURE_TEST(connected_waits_for_calls_to_come),
        FIXTURE_TEST(connected_after_a_step_needs_a_state_in_the_window),
        FIXTURE_TEST(connected_before_a_time),
        FIXTURE_TEST(connected_waits_for_the_session_of_a_second_call),
        FIXTURE_TEST(connected_fails_when_every_try_was_closed),
        FIXTURE_TEST(connected_by_broadcast_counts_whoever_answers),
        FIXTURE_TEST(connected_lists_only_the_first_few),
        FIXTURE_TEST(failure_lists_the_worst_places),
        FIXTURE_TEST(not_connected_passes_at_the_end),
        FIXTURE_TEST(not_connected_fails_at_once),
        FIXTURE_TEST(not_connected_fails_without_a_call),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
