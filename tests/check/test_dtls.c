/* The `dtls` expectation and the associations of a result. Session 1 is alice's with bob, and bob's with alice. */
#include "media.h"

static void ev_dtls_of(fixture *f, hp_time at, const char *peer, unsigned session, const char *with, unsigned component,
                       const char *state, const char *reason)
{
    const bool connected = strcmp(state, "connected") == 0;
    EVENT(f, at, HP_EV_DTLS_STATE, peer, HP_FU("session", session), HP_FS("with", with), HP_FU("stream", 1),
          HP_FU("component", component), HP_FS("state", state),
          HP_FS("role", strcmp(peer, "alice") == 0 ? "passive" : "active"),
          HP_FS("profile", connected ? "SRTP_AEAD_AES_128_GCM" : ""), HP_FS("reason", reason));
}

static void ev_dtls(fixture *f, hp_time at, const char *peer, const char *state, const char *reason)
{
    ev_dtls_of(f, at, peer, 1, strcmp(peer, "alice") == 0 ? "bob" : "alice", 1, state, reason);
}

static void ev_timeout(fixture *f, hp_time at, const char *peer, unsigned number)
{
    EVENT(f, at, HP_EV_DTLS_TIMEOUT, peer, HP_FU("session", 1), HP_FU("stream", 1), HP_FU("component", 1),
          HP_FU("number", number));
}

static hp_expect *add_dtls(fixture *f, const char *peer)
{
    hp_expect *e = add_expect(f, HP_EXPECT_DTLS, "dtls: {...}");
    if (peer != NULL) {
        static char *lists[][2] = {{"alice", NULL}, {"bob", NULL}};
        e->dtls.peers = lists[strcmp(peer, "bob") == 0];
    }
    return e;
}

/* The call step, ICE for both, and handshakes that begin at 2 s. */
static void begin(fixture *f)
{
    ev_step(f, HP_S, 1);
    ev_state(f, 2 * HP_S, "alice", "connected");
    ev_state(f, 2 * HP_S, "bob", "connected");
    ev_dtls(f, 2 * HP_S, "alice", "handshaking", "");
    ev_dtls(f, 2 * HP_S, "bob", "handshaking", "");
}

static void both_ends_connect(void **state)
{
    fixture *f = *state;
    add_media_call(f, true, true);
    hp_expect *e = add_dtls(f, NULL);
    e->dtls.has_within = true;
    e->dtls.within = 2 * HP_S;
    begin(f);
    ev_dtls(f, 2200 * HP_MS, "alice", "connected", "");
    assert_false(hp_checker_decided(f->checker));
    ev_dtls(f, 2300 * HP_MS, "bob", "connected", "");
    assert_true(hp_checker_decided(f->checker));
    ev_dtls(f, 5 * HP_S, "bob", "closed", ""); /* changes nothing, nor does a session that comes later */
    ev_dtls_of(f, 5 * HP_S, "carol", 1, "bob", 1, "handshaking", "");
    ev_dtls_of(f, 5 * HP_S, "bob", 2, "carol", 1, "failed", "timeout");
    const hp_result *r = fixture_finish(f, 10 * HP_S);
    ASSERT_EXPECT(f, 0, true, 2300 * HP_MS, 0,
                  "alice with bob: connected at 2.200s; bob with alice: connected at 2.300s");
    assert_string_equal(nth(f, 0)->expected, "every peer in a call with media: dtls connected within 2.000s");
    assert_int_equal(r->n_dtls, 4);
    assert_string_equal(r->dtls[1].peer, "bob");
    assert_string_equal(r->dtls[1].with, "alice");
    assert_string_equal(r->dtls[1].role, "active");
    assert_string_equal(r->dtls[1].profile, "SRTP_AEAD_AES_128_GCM");
    assert_string_equal(r->dtls[1].state, "closed");
    assert_string_equal(r->dtls[1].reason, "");
    assert_int_equal(r->dtls[1].session, 1);
    assert_int_equal(r->dtls[1].stream, 1);
    assert_int_equal(r->dtls[1].component, 1);
    assert_int_equal(r->dtls[1].started, 2 * HP_S);
    assert_int_equal(r->dtls[1].connected, 2300 * HP_MS);
    assert_int_equal(r->dtls[1].timeouts, 0);
}

static void too_late_is_never(void **state)
{
    fixture *f = *state;
    add_media_call(f, true, false);
    hp_expect *e = add_dtls(f, NULL);
    e->dtls.has_within = true;
    e->dtls.within = 2 * HP_S;
    begin(f);
    ev_dtls(f, 3 * HP_S, "alice", "connected", "");
    ev_timeout(f, 3 * HP_S, "bob", 1);
    ev_drop(f, 3 * HP_S, "bob", "home", HP_DROP_RULE, "DTLS", 4);
    assert_false(hp_checker_decided(f->checker));
    ev_dtls(f, 3 * HP_S + 1, "bob", "connected", "");
    assert_true(hp_checker_decided(f->checker));
    fixture_finish(f, 10 * HP_S);
    ASSERT_EXPECT(f, 0, false, 3 * HP_S, 0,
                  "bob with alice: connected since 3.000s, 1 flight sent again; 1 dropped at home: rule");
}

static void measures_of_the_handshake(void **state)
{
    fixture *f = *state;
    add_media_call(f, true, false);
    hp_expect *e[6];
    for (unsigned i = 0; i < G_N_ELEMENTS(e); i++) {
        e[i] = add_dtls(f, "bob");
    }
    e[0]->dtls.duration = compare("1.2s", HP_UNIT_TIME);
    e[0]->dtls.retransmissions = compare("1", HP_UNIT_COUNT);
    e[0]->dtls.profile = "aes-128-gcm";
    e[0]->dtls.role = "active";
    e[1]->dtls.duration = compare("< 1.2s", HP_UNIT_TIME);
    e[2]->dtls.retransmissions = compare("0", HP_UNIT_COUNT);
    e[3]->dtls.profile = "aes-256-gcm";
    e[4]->dtls.role = "passive";
    e[5]->dtls.profile = "SRTP_AEAD_AES_128_GCM";
    begin(f);
    ev_timeout(f, 3 * HP_S, "bob", 1);
    ev_dtls(f, 3200 * HP_MS, "bob", "connected", "");
    ev_timeout(f, 4 * HP_S, "bob", 1); /* of later flights */
    fixture_finish(f, 10 * HP_S);
    ASSERT_EXPECT(f, 0, true, 3200 * HP_MS, 0,
                  "bob with alice: connected at 3.200s as active with SRTP_AEAD_AES_128_GCM, handshake 1.200s, 1 "
                  "flight sent again");
    assert_string_equal(nth(f, 0)->expected, "bob: dtls connected, profile aes-128-gcm, role active, handshake 1.2s, "
                                             "retransmissions 1");
    ASSERT_EXPECT(f, 1, false, 10 * HP_S, 0,
                  "bob with alice: connected at 3.200s, handshake 1.200s, 1 flight sent again");
    assert_false(nth(f, 2)->passed);
    ASSERT_EXPECT(f, 3, false, 10 * HP_S, 0,
                  "bob with alice: connected at 3.200s as active with SRTP_AEAD_AES_128_GCM, 1 flight sent again");
    assert_false(nth(f, 4)->passed);
    assert_true(nth(f, 5)->passed);
    assert_int_equal(f->result->dtls[1].timeouts, 2);
}

static void failures_have_reasons(void **state)
{
    fixture *f = *state;
    add_media_call(f, true, false);
    hp_expect *bob = add_dtls(f, "bob");
    bob->dtls.state = "failed";
    bob->dtls.reason = "fingerprint";
    hp_expect *both = add_dtls(f, NULL);
    both->dtls.state = "failed";
    hp_expect *wrong = add_dtls(f, NULL);
    wrong->dtls.state = "failed";
    wrong->dtls.reason = "fingerprint";
    hp_expect *connected = add_dtls(f, NULL);
    connected->dtls.state = "connected";
    begin(f);
    ev_dtls(f, 3 * HP_S, "bob", "failed", "fingerprint");
    ev_dtls(f, 4 * HP_S, "alice", "failed", "alert");
    fixture_finish(f, 10 * HP_S);
    ASSERT_EXPECT(f, 0, true, 3 * HP_S, 0, "bob with alice: failed at 3.000s (fingerprint)");
    assert_string_equal(nth(f, 0)->expected, "bob: dtls failed (fingerprint)");
    ASSERT_EXPECT(f, 1, true, 4 * HP_S, 0,
                  "alice with bob: failed at 4.000s (alert); bob with alice: failed at 3.000s (fingerprint)");
    ASSERT_EXPECT(f, 2, false, 10 * HP_S, 0, "alice with bob: failed since 4.000s (alert)");
    ASSERT_EXPECT(f, 3, false, 10 * HP_S, 0,
                  "alice with bob: failed since 4.000s (alert); bob with alice: failed since 3.000s (fingerprint)");
    assert_string_equal(f->result->dtls[1].reason, "fingerprint");
    assert_int_equal(f->result->dtls[1].connected, HP_NEVER);
}

static void unverified_is_not_connected(void **state)
{
    fixture *f = *state;
    add_media_call(f, true, false);
    add_dtls(f, "bob");
    begin(f);
    ev_dtls(f, 3 * HP_S, "bob", "unverified", "");
    fixture_finish(f, 10 * HP_S);
    ASSERT_EXPECT(f, 0, false, 10 * HP_S, 0, "bob with alice: unverified since 3.000s");
}

static void every_association_is_asked_for(void **state)
{
    fixture *f = *state;
    hp_step *step = add_media_call(f, true, true);
    step->call.config.bundle = false;
    step->call.config.rtcp_mux = false;
    step->call.config.data = true; /* two each for audio and video, one for data */
    add_dtls(f, NULL);
    ev_step(f, HP_S, 1);
    ev_state(f, 2 * HP_S, "alice", "connected");
    ev_state(f, 2 * HP_S, "bob", "connected");
    for (unsigned i = 1; i <= 5; i++) {
        ev_dtls_of(f, 3 * HP_S, "alice", 1, "bob", i, "connected", "");
    }
    for (unsigned i = 1; i <= 4; i++) {
        ev_dtls_of(f, 3 * HP_S, "bob", 1, "alice", i, "connected", "");
    }
    assert_false(hp_checker_decided(f->checker));
    fixture_finish(f, 10 * HP_S);
    ASSERT_EXPECT(f, 0, false, 10 * HP_S, 0, "bob lacks 1 association");
    ev_dtls_of(f, 11 * HP_S, "bob", 1, "alice", 5, "connected", "");
    assert_true(hp_checker_decided(f->checker));
    fixture_finish(f, 12 * HP_S);
    assert_true(nth(f, 0)->passed);
    assert_int_equal(nth(f, 0)->at, 11 * HP_S);
    assert_non_null(strstr(nth(f, 0)->got, "alice with bob component 1.5: connected at 3.000s"));
}

static void ev_data_only(fixture *f, hp_time at, const char *peer, unsigned stream)
{
    EVENT(f, at, HP_EV_DTLS_STATE, peer, HP_FU("session", 1), HP_FU("stream", stream), HP_FU("component", 1),
          HP_FS("state", "connected"), HP_FS("profile", ""));
}

static void data_channels_have_no_profile(void **state)
{
    fixture *f = *state;
    hp_step *call = add_media_call(f, true, false);
    call->call.config.bundle = false;
    call->call.config.data = true;
    hp_expect *right = add_dtls(f, "alice"), *wrong = add_dtls(f, "alice"), *none = add_dtls(f, "bob");
    right->dtls.profile = none->dtls.profile = "aes-128-gcm";
    wrong->dtls.profile = "aes-256-gcm";
    begin(f);
    ev_dtls(f, 2200 * HP_MS, "alice", "connected", "");
    ev_data_only(f, 2300 * HP_MS, "alice", 2);
    ev_data_only(f, 2300 * HP_MS, "bob", 1);
    ev_data_only(f, 2300 * HP_MS, "bob", 2);
    fixture_finish(f, 10 * HP_S);
    assert_true(nth(f, 0)->passed);
    assert_int_equal(nth(f, 0)->at, 2300 * HP_MS);
    assert_false(nth(f, 1)->passed);
    assert_false(nth(f, 2)->passed);
    assert_string_equal(nth(f, 2)->got, "bob has no association with an SRTP profile");
}

static void a_second_call_is_waited_for(void **state)
{
    fixture *f = *state;
    static char *to_carol[] = {"carol", NULL};
    add_media_call(f, true, false);
    add_media_call(f, true, false)->call.to = to_carol;
    add_dtls(f, "alice");
    begin(f);
    ev_dtls(f, 3 * HP_S, "alice", "connected", "");
    assert_false(hp_checker_decided(f->checker)); /* a call is still to come */
    ev_step(f, 4 * HP_S, 2);
    assert_false(hp_checker_decided(f->checker)); /* and has no session yet */
    EVENT(f, 4 * HP_S, HP_EV_GATHERING_STARTED, "alice", HP_FU("session", 2));
    assert_false(hp_checker_decided(f->checker)); /* nor an association */
    ev_dtls_of(f, 5 * HP_S, "alice", 2, "carol", 1, "connected", "");
    assert_true(hp_checker_decided(f->checker));
    fixture_finish(f, 10 * HP_S);
    ASSERT_EXPECT(f, 0, true, 5 * HP_S, 0,
                  "alice with bob: connected at 3.000s; alice with carol: connected at 5.000s");
}

static void superseded_sessions_do_not_count(void **state)
{
    fixture *f = *state;
    add_media_call(f, true, false);
    add_dtls(f, "alice");
    ev_step(f, 0, 1);
    ev_state_of(f, HP_S, "alice", 1, "bob", 1, "gathering");
    ev_dtls_of(f, HP_S, "alice", 1, "bob", 1, "handshaking", "");
    ev_state_of(f, HP_S, "alice", 2, "bob", 1, "connected");
    EVENT(f, HP_S, HP_EV_PEER_CLOSED, "alice", HP_FU("session", 1));
    ev_dtls_of(f, 2 * HP_S, "alice", 2, "bob", 1, "connected", "");
    fixture_finish(f, 10 * HP_S);
    ASSERT_EXPECT(f, 0, true, 2 * HP_S, 0, "alice with bob: connected at 2.000s");
}

static void windows(void **state)
{
    fixture *f = *state;
    add_media_call(f, true, false);
    add_step(f, HP_STEP_ICE_RESTART);
    hp_expect *after = add_dtls(f, "bob"); /* it is connected all the time */
    after->window.after_step = "ice-restart";
    hp_expect *failed = add_dtls(f, "bob");
    failed->window.after_step = "ice-restart";
    failed->dtls.state = "failed";
    hp_expect *closed = add_dtls(f, "bob");
    closed->window.after_step = "ice-restart";
    closed->dtls.state = "closed";
    closed->dtls.has_within = true;
    closed->dtls.within = 3 * HP_S;
    hp_expect *before = add_dtls(f, "bob");
    before->window.before = 2500 * HP_MS;
    hp_expect *ended = add_dtls(f, "bob"); /* connected once, but closed by then */
    ended->window.after = 8 * HP_S;
    begin(f);
    ev_dtls(f, 3 * HP_S, "bob", "connected", "");
    ev_step(f, 5 * HP_S, 2);
    ev_dtls(f, 7 * HP_S, "bob", "closed", "");
    ev_packet(f, 9 * HP_S, "bob", HP_DIR_IN, 1, "", 0);
    fixture_finish(f, 10 * HP_S);
    assert_true(nth(f, 0)->passed);
    assert_int_equal(nth(f, 0)->at, 5 * HP_S);
    assert_string_equal(nth(f, 0)->got, "bob with alice: connected at 3.000s");
    assert_false(nth(f, 1)->passed);
    assert_true(nth(f, 2)->passed);
    assert_int_equal(nth(f, 2)->at, 7 * HP_S);
    assert_false(nth(f, 3)->passed);
    assert_false(nth(f, 4)->passed);
}

static void nobody_and_nothing_fail(void **state)
{
    fixture *f = *state;
    add_dtls(f, NULL);
    add_dtls(f, "bob")->dtls.state = "failed";
    fixture_finish(f, HP_S);
    ASSERT_EXPECT(f, 0, false, HP_S, 0, "no call was made");
    add_call(f); /* without media */
    hp_checker_free(f->checker);
    f->checker = NULL;
    ev_step(f, 2 * HP_S, 1);
    fixture_finish(f, 3 * HP_S);
    ASSERT_EXPECT(f, 0, false, 3 * HP_S, 0, "no peer was in a call with media");
    ASSERT_EXPECT(f, 1, false, 3 * HP_S, 0, "bob has no DTLS association");
}

static void a_state_nobody_can_wait_for_is_an_error(void **state)
{
    fixture *f = *state;
    g_autoptr(GError) error = NULL;
    add_dtls(f, NULL)->dtls.state = "handshaking";
    assert_null(hp_checker_new(&f->plan, &error));
    assert_string_equal(error->message, "test.yaml:30: `handshaking` is no DTLS state to wait for");
}

/* facts_sessions.c: the components a call with media makes. */
static void connected_knows_the_shape_of_a_call(void **state)
{
    static const struct {
        hp_call_config config;
        unsigned components;
    } shapes[] = {
        {{.media = {true, true}, .data = true, .bundle = true, .rtcp_mux = true}, 1},
        {{.media = {true, true}, .data = true, .bundle = true}, 2},
        {{.media = {true, true}, .data = true, .rtcp_mux = true}, 3},
        {{.media = {true, true}, .data = true}, 6},
        {{.data = true, .bundle = true, .rtcp_mux = true}, 1},
        {{.streams = 2, .components = 2}, 4},
    };
    fixture *f = *state;
    hp_step *step = add_call(f);
    add_expect(f, HP_EXPECT_CONNECTED, "connected");
    for (unsigned i = 0; i < G_N_ELEMENTS(shapes); i++) {
        step->call.config = shapes[i].config;
        hp_checker_free(f->checker);
        f->checker = NULL;
        hp_trace_reset(f->trace);
        ev_step(f, 0, 1);
        for (unsigned k = 1; k <= shapes[i].components; k++) {
            assert_false(hp_checker_decided(f->checker));
            ev_state_of(f, HP_S, "alice", 1, "bob", k, "connected");
            ev_state_of(f, HP_S, "bob", 1, "alice", k, "connected");
        }
        assert_true(hp_checker_decided(f->checker));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FIXTURE_TEST(both_ends_connect),
        FIXTURE_TEST(too_late_is_never),
        FIXTURE_TEST(measures_of_the_handshake),
        FIXTURE_TEST(failures_have_reasons),
        FIXTURE_TEST(unverified_is_not_connected),
        FIXTURE_TEST(every_association_is_asked_for),
        FIXTURE_TEST(data_channels_have_no_profile),
        FIXTURE_TEST(a_second_call_is_waited_for),
        FIXTURE_TEST(superseded_sessions_do_not_count),
        FIXTURE_TEST(windows),
        FIXTURE_TEST(nobody_and_nothing_fail),
        FIXTURE_TEST(a_state_nobody_can_wait_for_is_an_error),
        FIXTURE_TEST(connected_knows_the_shape_of_a_call),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
