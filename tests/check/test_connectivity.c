/* connected, not-connected, pair, state, candidates, consent: each passing and failing, with exact texts and times. */
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
    add_call(f)->call.components = 2;
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

static void add_pair(fixture *f, char *with)
{
    static char *peers[] = {"alice", "bob"};
    static char *types[] = {"relay", "srflx|prflx"};
    hp_expect *e = add_expect(f, HP_EXPECT_PAIR, "pair: {alice: relay, bob: [srflx, prflx]}");
    e->pair.peers = peers;
    e->pair.types = types;
    e->pair.n = 2;
    e->pair.with = with;
}

static void pair_takes_the_last_selection(void **state)
{
    fixture *f = *state;
    add_call(f);
    add_pair(f, NULL);
    ev_step(f, 0, 1);
    ev_pair(f, HP_S, "alice", "host", "host");
    ev_pair(f, 1234 * HP_MS, "alice", "relay", "prflx");
    ev_pair(f, 1500 * HP_MS, "bob", "prflx", "relay");
    assert_false(hp_checker_decided(f->checker));
    const hp_result *r = fixture_finish(f, 6 * HP_S);
    ASSERT_EXPECT(f, 0, true, 1500 * HP_MS, 0, "alice: relay since 1.234s, bob: prflx since 1.500s");
    assert_string_equal(nth(f, 0)->expected, "alice relay, bob srflx|prflx");
    assert_int_equal(r->n_sessions, 2);
    assert_string_equal(r->sessions[0].local_type, "relay");
    assert_string_equal(r->sessions[0].remote_type, "prflx");
    assert_string_equal(r->sessions[1].peer, "bob");
}

static void pair_fails_on_another_type(void **state)
{
    fixture *f = *state;
    add_call(f);
    add_pair(f, NULL);
    ev_step(f, 0, 1);
    ev_pair(f, 1234 * HP_MS, "alice", "relay", "prflx");
    ev_pair(f, 1500 * HP_MS, "bob", "host", "relay");
    fixture_finish(f, 6 * HP_S);
    ASSERT_EXPECT(f, 0, false, 6 * HP_S, 0, "alice: relay since 1.234s, bob: host since 1.500s");
}

static void pair_fails_without_session_or_selection(void **state)
{
    fixture *f = *state;
    add_call(f);
    add_pair(f, NULL);
    ev_step(f, 0, 1);
    ev_state(f, HP_S, "alice", "connecting");
    fixture_finish(f, 6 * HP_S);
    ASSERT_EXPECT(f, 0, false, 6 * HP_S, 0, "alice: no pair selected, bob: no session");
}

static void pair_looks_at_the_end_of_its_window(void **state)
{
    fixture *f = *state;
    add_call(f);
    add_pair(f, NULL);
    f->expects[0].window.before = 3 * HP_S;
    ev_step(f, 0, 1);
    ev_pair(f, HP_S, "alice", "relay", "prflx");
    ev_pair(f, HP_S, "bob", "srflx", "relay");
    assert_false(hp_checker_decided(f->checker));
    ev_pair(f, 3 * HP_S, "bob", "host", "relay"); /* the window is over */
    assert_true(hp_checker_decided(f->checker));
    fixture_finish(f, 6 * HP_S);
    assert_true(nth(f, 0)->passed);
    assert_int_equal(nth(f, 0)->at, HP_S);
    assert_string_equal(nth(f, 0)->expected, "alice relay, bob srflx|prflx before 3.000s");
}

static hp_expect *add_state(fixture *f, char *wanted, bool never)
{
    hp_expect *e = add_expect(f, HP_EXPECT_STATE, "state: {...}");
    e->state.peer = "alice";
    e->state.state = wanted;
    e->state.never = never;
    return e;
}

static void state_passes_when_entered_in_time(void **state)
{
    fixture *f = *state;
    add_call(f);
    hp_expect *e = add_state(f, "failed", false);
    e->state.has_within = true;
    e->state.within = 5 * HP_S;
    ev_step(f, HP_S, 1);
    ev_state(f, 2 * HP_S, "bob", "failed"); /* not alice */
    assert_false(hp_checker_decided(f->checker));
    ev_state(f, 6 * HP_S, "alice", "failed");
    assert_true(hp_checker_decided(f->checker));
    fixture_finish(f, 9 * HP_S);
    ASSERT_EXPECT(f, 0, true, 6 * HP_S, 0, "alice with bob failed at 6.000s");
    assert_string_equal(nth(f, 0)->expected, "alice becomes failed within 5.000s");
}

static void state_fails_when_late(void **state)
{
    fixture *f = *state;
    add_call(f);
    hp_expect *e = add_state(f, "failed", false);
    e->state.has_within = true;
    e->state.within = 5 * HP_S;
    ev_step(f, HP_S, 1);
    ev_state(f, 2 * HP_S, "alice", "connecting");
    ev_state(f, 6 * HP_S + 1, "alice", "failed");
    assert_true(hp_checker_decided(f->checker));
    fixture_finish(f, 9 * HP_S);
    ASSERT_EXPECT(f, 0, false, 6 * HP_S, 0, "alice with bob failed since 6.000s");
}

static void state_after_a_step_must_be_entered_anew(void **state)
{
    fixture *f = *state;
    add_call(f);
    add_step(f, HP_STEP_ICE_RESTART);
    add_state(f, "ready", false)->window.after_step = "ice-restart";
    add_state(f, "failed", true)->window.after_step = "ice-restart";
    ev_step(f, 0, 1);
    ev_state(f, HP_S, "alice", "ready");
    ev_step(f, 5 * HP_S, 2);
    assert_false(hp_checker_decided(f->checker));
    fixture_finish(f, 9 * HP_S);
    ASSERT_EXPECT(f, 0, false, 9 * HP_S, 0, "alice with bob ready since 1.000s");
    ASSERT_EXPECT(f, 1, true, 9 * HP_S, 0, "alice with bob ready since 1.000s");
    assert_string_equal(nth(f, 1)->expected, "alice never failed after `ice-restart`");
}

static void state_never_fails_at_once_or_when_it_was_so(void **state)
{
    fixture *f = *state;
    add_call(f);
    add_state(f, "failed", true);
    add_state(f, "failed", true)->window.after = 3 * HP_S;
    ev_step(f, 0, 1);
    ev_state(f, HP_S, "alice", "failed");
    fixture_finish(f, 9 * HP_S);
    ASSERT_EXPECT(f, 0, false, HP_S, 0, "alice with bob failed at 1.000s");
    ASSERT_EXPECT(f, 1, false, 3 * HP_S, 0, "alice with bob failed since 1.000s, when the window opened");
}

static void state_refuses_an_unknown_name(void **state)
{
    fixture *f = *state;
    g_autoptr(GError) error = NULL;
    add_state(f, "happy", false);
    assert_null(hp_checker_new(&f->plan, &error));
    assert_string_equal(error->message, "test.yaml:30: `happy` is no ICE state");
}

static void ev_candidate(fixture *f, hp_time at, const char *peer, const char *type, uint32_t address)
{
    EVENT(f, at, HP_EV_CANDIDATE, peer, HP_FU("session", 1), HP_FU("stream", 1), HP_FU("component", 1),
          HP_FS("type", type), HP_FS("transport", "udp"), HP_FA("address", hp_addr_v4(address, 5000)),
          HP_FS("server", strcmp(type, "srflx") == 0 ? "turn" : ""));
}

static void candidates_are_counted(void **state)
{
    fixture *f = *state;
    hp_expect *e = add_expect(f, HP_EXPECT_CANDIDATES, "candidates: {peer: alice, type: srflx}");
    e->candidates.peer = "alice";
    e->candidates.type = "srflx";
    e->candidates.server = "turn";
    e->candidates.address = hp_addr_v4(0xc0000201, 0);
    e = add_expect(f, HP_EXPECT_CANDIDATES, "candidates: {peer: alice, count: 1}");
    e->candidates.peer = "alice";
    e->candidates.count = compare("<= 1", HP_UNIT_COUNT);
    ev_candidate(f, HP_S, "bob", "srflx", 0xc0000201);
    ev_candidate(f, HP_S, "alice", "host", 0x0a000001);
    ev_candidate(f, 2 * HP_S, "alice", "srflx", 0xc0000201);
    assert_true(hp_checker_decided(f->checker));
    fixture_finish(f, 9 * HP_S);
    ASSERT_EXPECT(f, 0, true, 2 * HP_S, 0, "1, the first at 2.000s (and 1 other)");
    assert_string_equal(nth(f, 0)->expected, ">= 1 srflx candidates of alice from turn at 192.0.2.1");
    ASSERT_EXPECT(f, 1, false, 2 * HP_S, 0, "2, the first at 1.000s");
}

static void remote_candidates_are_their_own_kind(void **state)
{
    fixture *f = *state;
    hp_expect *e = add_expect(f, HP_EXPECT_CANDIDATES, "candidates: {peer: alice, remote: true}");
    e->candidates.peer = "alice";
    e->candidates.remote = true;
    ev_candidate(f, HP_S, "alice", "host", 0x0a000001);
    fixture_finish(f, 9 * HP_S);
    ASSERT_EXPECT(f, 0, false, 9 * HP_S, 0, "0");
}

static void consent_is_counted_within_its_time(void **state)
{
    fixture *f = *state;
    add_call(f);
    for (unsigned i = 0; i < 2; i++) {
        hp_expect *e = add_expect(f, HP_EXPECT_CONSENT, "consent: {peer: alice, state: lost}");
        e->consent.peer = "alice";
        e->consent.state = i == 0 ? "lost" : "regained";
        e->consent.has_within = true;
        e->consent.within = 30 * HP_S;
    }
    ev_step(f, 0, 1);
    EVENT(f, HP_S, HP_EV_CONSENT, "alice", HP_FU("session", 1), HP_FS("state", "granted"));
    EVENT(f, 29 * HP_S, HP_EV_CONSENT, "alice", HP_FU("session", 1), HP_FS("state", "lost"));
    assert_false(hp_checker_decided(f->checker));
    EVENT(f, 31 * HP_S, HP_EV_CONSENT, "alice", HP_FU("session", 1), HP_FS("state", "regained"));
    assert_true(hp_checker_decided(f->checker));
    fixture_finish(f, 40 * HP_S);
    ASSERT_EXPECT(f, 0, true, 29 * HP_S, 0, "1 time, first at 29.000s");
    ASSERT_EXPECT(f, 1, false, 30 * HP_S, 0, "0 times; last heard: lost at 29.000s");
    assert_string_equal(nth(f, 0)->expected, "consent of alice lost >= 1 times within 30.000s");
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
        FIXTURE_TEST(not_connected_passes_at_the_end),
        FIXTURE_TEST(not_connected_fails_at_once),
        FIXTURE_TEST(not_connected_fails_without_a_call),
        FIXTURE_TEST(pair_takes_the_last_selection),
        FIXTURE_TEST(pair_fails_on_another_type),
        FIXTURE_TEST(pair_fails_without_session_or_selection),
        FIXTURE_TEST(pair_looks_at_the_end_of_its_window),
        FIXTURE_TEST(state_passes_when_entered_in_time),
        FIXTURE_TEST(state_fails_when_late),
        FIXTURE_TEST(state_after_a_step_must_be_entered_anew),
        FIXTURE_TEST(state_never_fails_at_once_or_when_it_was_so),
        FIXTURE_TEST(state_refuses_an_unknown_name),
        FIXTURE_TEST(candidates_are_counted),
        FIXTURE_TEST(remote_candidates_are_their_own_kind),
        FIXTURE_TEST(consent_is_counted_within_its_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
