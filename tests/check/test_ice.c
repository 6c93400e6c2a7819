/* pair, state, candidates, consent: each passing and failing, with exact texts and times. */
#include "fixture.h"

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

static void pair_with_one_peer_leaves_the_others_out(void **state)
{
    fixture *f = *state;
    add_call(f);
    add_pair(f, "bob");
    f->expects[0].pair.n = 1;
    add_pair(f, NULL);
    f->expects[1].pair.n = 1;
    ev_step(f, 0, 1);
    ev_pair(f, HP_S, "alice", "relay", "host");
    EVENT(f, 2 * HP_S, HP_EV_SELECTED_PAIR, "alice", HP_FU("session", 2), HP_FS("with", "carol"), HP_FU("stream", 1),
          HP_FU("component", 1), HP_FS("local", "host"), HP_FS("remote", "host"));
    fixture_finish(f, 9 * HP_S);
    ASSERT_EXPECT(f, 0, true, HP_S, 0, "alice: relay since 1.000s");
    assert_string_equal(nth(f, 0)->expected, "alice relay with bob");
    ASSERT_EXPECT(f, 1, false, 9 * HP_S, 0, "alice: relay since 1.000s, alice: host since 2.000s");
}

static void pair_looks_at_sessions_that_were_closed_after_connecting(void **state)
{
    fixture *f = *state;
    add_call(f);
    add_pair(f, NULL);
    f->expects[0].pair.n = 1;
    ev_step(f, 0, 1);
    ev_state(f, HP_S, "alice", "connected");
    ev_pair(f, HP_S, "alice", "host", "host");
    EVENT(f, 2 * HP_S, HP_EV_PEER_CLOSED, "alice", HP_FU("session", 1));
    EVENT(f, 3 * HP_S, HP_EV_SELECTED_PAIR, "alice", HP_FU("session", 2), HP_FS("with", "bob"), HP_FU("stream", 1),
          HP_FU("component", 1), HP_FS("local", "relay"), HP_FS("remote", "host"));
    fixture_finish(f, 9 * HP_S);
    ASSERT_EXPECT(f, 0, false, 9 * HP_S, 0, "alice: host since 1.000s, alice: relay since 3.000s");
}

static void pair_wants_every_component(void **state)
{
    fixture *f = *state;
    add_call(f)->call.config.components = 2;
    add_pair(f, NULL);
    f->expects[0].pair.n = 1;
    ev_step(f, 0, 1);
    ev_pair(f, HP_S, "alice", "relay", "host");
    fixture_finish(f, 9 * HP_S);
    ASSERT_EXPECT(f, 0, false, 9 * HP_S, 0, "alice: relay since 1.000s, alice: 1 of 2 components known");
    ev_state_of(f, 10 * HP_S, "alice", 1, "bob", 2, "connecting");
    fixture_finish(f, 11 * HP_S);
    ASSERT_EXPECT(f, 0, false, 11 * HP_S, 0,
                  "alice: component 1.1 relay since 1.000s, alice: component 1.2 no pair selected");
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
    ev_state(f, 3 * HP_S, "alice", "gathering"); /* at the very instant; it was failed until then */
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

static void state_may_name_session_and_component(void **state)
{
    fixture *f = *state;
    add_call(f);
    hp_expect *e = add_state(f, "connected", false);
    e->state.with = "carol";
    e->state.component = 2;
    e->state.stream = 1;
    ev_step(f, 0, 1);
    ev_state_of(f, HP_S, "alice", 1, "bob", 2, "connected");
    ev_state_of(f, 2 * HP_S, "alice", 2, "carol", 1, "connected");
    assert_false(hp_checker_decided(f->checker));
    fixture_finish(f, 3 * HP_S);
    ASSERT_EXPECT(f, 0, false, 3 * HP_S, 0, "alice: no such session had a state");
    ev_state_of(f, 4 * HP_S, "alice", 2, "carol", 2, "ready"); /* ready counts as connected */
    assert_true(hp_checker_decided(f->checker));
    fixture_finish(f, 5 * HP_S);
    ASSERT_EXPECT(f, 0, true, 4 * HP_S, 0, "alice with carol connected at 4.000s (component 1.2)");
    assert_string_equal(nth(f, 0)->expected, "alice with carol stream 1 component 2 becomes connected");
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
        FIXTURE_TEST(pair_takes_the_last_selection),
        FIXTURE_TEST(pair_fails_on_another_type),
        FIXTURE_TEST(pair_fails_without_session_or_selection),
        FIXTURE_TEST(pair_looks_at_the_end_of_its_window),
        FIXTURE_TEST(pair_with_one_peer_leaves_the_others_out),
        FIXTURE_TEST(pair_looks_at_sessions_that_were_closed_after_connecting),
        FIXTURE_TEST(pair_wants_every_component),
        FIXTURE_TEST(state_passes_when_entered_in_time),
        FIXTURE_TEST(state_fails_when_late),
        FIXTURE_TEST(state_after_a_step_must_be_entered_anew),
        FIXTURE_TEST(state_never_fails_at_once_or_when_it_was_so),
        FIXTURE_TEST(state_refuses_an_unknown_name),
        FIXTURE_TEST(state_may_name_session_and_component),
        FIXTURE_TEST(candidates_are_counted),
        FIXTURE_TEST(remote_candidates_are_their_own_kind),
        FIXTURE_TEST(consent_is_counted_within_its_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
