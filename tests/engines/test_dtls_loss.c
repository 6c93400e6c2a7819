/* The handshake on a bad path, in exact virtual times. One-way delay 20 ms. Alice's timer runs from 0 for the
 * ClientHello and from 40 ms for her second flight, bob's from 20 ms; each takes a second first. */
#include "engines/dtls_pipe.h"

static void any_lost_datagram_costs_a_timer(void **state)
{
    /* Without loss bob is done at 60 ms and alice at 80.
     *
     * 0, the ClientHello: alice says it again at 1000, and all happens a second later.
     * 1, bob's flight: alice's ClientHello of 1000 arrives as bob's own timer runs out at 1020.
     * 2, alice's flight: bob's flight of 1020 arrives as alice's own timer runs out at 1040.
     * 3, bob's last: bob is done; alice asks for it at 1040 with her flight, and has it at 1080. */
    static const hp_time bob_ms[] = {1060, 1060, 1060, 60};
    for (unsigned n = 0; n < G_N_ELEMENTS(bob_ms); n++) {
        pipe_t p;
        pipe_init(&p, 2);
        p.lost[n] = true;
        pipe_open(&p);
        pipe_run(&p, HP_NEVER);
        pipe_assert_connected(&p);
        assert_int_equal(pipe_connected_at(&p, BOB), bob_ms[n] * HP_MS);
        assert_int_equal(pipe_connected_at(&p, ALICE), 1080 * HP_MS);
        assert_true(pipe_count(&p, ALICE, HP_DTLS_EV_TIMEOUT) == 1);
        assert_int_equal(pipe_find(&p, ALICE, HP_DTLS_EV_TIMEOUT, 0)->at, (n < 2 ? 1000 : 1040) * HP_MS);
        pipe_close(&p);
    }
}

static void any_lost_fragment_costs_a_timer(void **state)
{
    for (unsigned n = 0; n < 6; n++) {
        pipe_t p;
        pipe_init(&p, 2);
        p.end[ALICE].config.mtu = p.end[BOB].config.mtu = 400;
        p.lost[n] = true;
        pipe_open(&p);
        pipe_run(&p, HP_NEVER);
        pipe_assert_connected(&p);
        assert_int_equal(pipe_connected_at(&p, BOB), (n < 5 ? 1060 : 60) * HP_MS);
        assert_int_equal(pipe_connected_at(&p, ALICE), 1080 * HP_MS);
        for (unsigned i = 0; i < p.sent->len; i++) {
            assert_in_range(pipe_sent_at(&p, i)->bytes->len, 13, 400);
        }
        pipe_close(&p);
    }
}

static void any_lost_datagram_with_a_cookie(void **state)
{
    for (unsigned n = 0; n < 6; n++) {
        pipe_t p;
        pipe_init(&p, 2);
        p.end[BOB].config.cookie = true;
        p.lost[n] = true;
        pipe_open(&p);
        pipe_run(&p, HP_NEVER);
        pipe_assert_connected(&p);
        assert_int_equal(pipe_connected_at(&p, BOB), (n < 5 ? 1100 : 100) * HP_MS);
        assert_int_equal(pipe_connected_at(&p, ALICE), 1120 * HP_MS);
        pipe_close(&p);
    }
}

/* A shorter first timeout, as browsers have it. */
static void the_timer_is_a_setting(void **state)
{
    pipe_t p;
    pipe_init(&p, 2);
    p.end[ALICE].config.retransmit_initial = p.end[BOB].config.retransmit_initial = 50 * HP_MS;
    p.lost[0] = true;
    p.lost[1] = true; /* the second ClientHello: the next comes after 100 ms */
    pipe_open(&p);
    assert_int_equal(hp_dtls_deadline(p.end[ALICE].dtls), 50 * HP_MS);
    pipe_run(&p, 50 * HP_MS);
    assert_int_equal(hp_dtls_deadline(p.end[ALICE].dtls), 150 * HP_MS);
    pipe_run(&p, HP_NEVER);
    pipe_assert_connected(&p);
    assert_int_equal(pipe_connected_at(&p, ALICE), (150 + 80) * HP_MS);
    pipe_close(&p);
}

/* Times that are no whole microseconds: the deadline is exact to the nanosecond all the same. */
static void a_deadline_is_exact(void **state)
{
    pipe_t p;
    pipe_init(&p, 2);
    p.now = 123456789;
    p.lost[0] = true;
    pipe_open(&p);
    assert_int_equal(hp_dtls_deadline(p.end[ALICE].dtls), 123456789 + HP_S);
    hp_dtls_run(p.end[ALICE].dtls, 123456788 + HP_S);
    assert_int_equal(p.sent->len, 1);
    pipe_run(&p, HP_NEVER);
    pipe_assert_connected(&p);
    assert_int_equal(pipe_sent_at(&p, 1)->at, 123456789 + HP_S);
    pipe_close(&p);
}

/* A driver whose times run ahead of the clock that OpenSSL sees, as real clocks may: the timer waits for that clock. */
static void a_clock_that_lags_is_waited_for(void **state)
{
    pipe_t p;
    pipe_init(&p, 2);
    pipe_make(&p);
    hp_rng rng;
    hp_rng_init(&rng, 2, "dtls:carol");
    hp_dtls_ops ops = {.send = pipe_op_send};
    g_autoptr(hp_dtls) carol =
        hp_dtls_new(&p.end[ALICE].config, p.end[ALICE].identity, &rng, &ops, &p.end[ALICE], NULL);
    p.cut = true;
    pipe_clock.now = 0;
    hp_dtls_start(carol, 0);
    assert_int_equal(hp_dtls_deadline(carol), HP_S);
    pipe_clock.now = 700 * HP_MS;
    p.now = HP_S;
    hp_dtls_run(carol, p.now);
    assert_int_equal(p.sent->len, 1);
    assert_int_equal(hp_dtls_deadline(carol), 1300 * HP_MS);
    pipe_clock.now = HP_S;
    p.now = 1300 * HP_MS;
    hp_dtls_run(carol, p.now);
    assert_int_equal(p.sent->len, 2);
    assert_int_equal(hp_dtls_deadline(carol), 3300 * HP_MS);
    pipe_clock.looked_outside = 0; /* carol has no hook */
    pipe_close(&p);
}

/* 1 + 2 + 4 + ... s, doubling up to 60 s: twelve retransmissions, and at the thirteenth it gives up. */
static void a_dead_path_is_given_up(void **state)
{
    static const unsigned at_s[] = {1, 3, 7, 15, 31, 63, 123, 183, 243, 303, 363, 423, 483};
    pipe_t p;
    pipe_init(&p, 2);
    p.cut = true;
    pipe_open(&p);
    pipe_run(&p, HP_NEVER);
    pipe_assert_failed(&p, ALICE, HP_DTLS_FAIL_TIMEOUT);
    assert_int_equal(pipe_count(&p, ALICE, HP_DTLS_EV_TIMEOUT), G_N_ELEMENTS(at_s));
    for (unsigned i = 0; i < G_N_ELEMENTS(at_s); i++) {
        const pipe_told *t = pipe_find(&p, ALICE, HP_DTLS_EV_TIMEOUT, i);
        assert_int_equal(t->at, at_s[i] * HP_S);
        assert_int_equal(t->event.number, i + 1);
    }
    assert_int_equal(p.sent->len, 1 + HP_DTLS_MAX_TIMEOUTS);
    assert_int_equal(pipe_find(&p, ALICE, HP_DTLS_EV_FAILED, 0)->at, 483 * HP_S);
    /* Every ClientHello is the same but for its record's sequence number. */
    const pipe_sent *first = pipe_sent_at(&p, 0), *last = pipe_sent_at(&p, 12);
    assert_int_equal(first->bytes->len, last->bytes->len);
    assert_memory_equal(first->bytes->data + 13, last->bytes->data + 13, first->bytes->len - 13);
    assert_int_equal(last->bytes->data[10], 12);
    pipe_close(&p);
}

/* Bob's last flight is lost again and again. He is done and answers every time; alice never is, and gives up. */
static void a_last_flight_may_never_arrive(void **state)
{
    pipe_t p;
    pipe_init(&p, 2);
    pipe_open(&p);
    pipe_run(&p, 50 * HP_MS);
    p.end[BOB].mute = true;
    pipe_run(&p, HP_NEVER);
    pipe_assert_failed(&p, ALICE, HP_DTLS_FAIL_TIMEOUT);
    assert_int_equal(pipe_find(&p, ALICE, HP_DTLS_EV_FAILED, 0)->at, 483 * HP_S + 40 * HP_MS);
    assert_int_equal(pipe_connected_at(&p, BOB), 60 * HP_MS);
    assert_int_equal(hp_dtls_get_state(p.end[BOB].dtls), HP_DTLS_CONNECTED);
    /* Once when he was done, and once for each of alice's retransmissions: five datagrams from her, three from him, of
     * which the Finished brings the first. */
    unsigned from[2] = {0};
    for (unsigned n = 3; n < p.sent->len; n++) {
        from[pipe_sent_at(&p, n)->from]++;
    }
    assert_int_equal(from[ALICE], 5 * HP_DTLS_MAX_TIMEOUTS);
    assert_true(from[BOB] > 2 * HP_DTLS_MAX_TIMEOUTS);
    pipe_close(&p);
}

static void a_path_that_comes_back_in_time_serves(void **state)
{
    pipe_t p;
    pipe_init(&p, 2);
    p.cut = true;
    pipe_open(&p);
    pipe_run(&p, 100 * HP_S);
    p.cut = false;
    pipe_run(&p, HP_NEVER);
    pipe_assert_connected(&p);
    assert_int_equal(pipe_connected_at(&p, ALICE), 123 * HP_S + 80 * HP_MS);
    pipe_close(&p);
}

/* A round trip of two seconds outlasts the first timer: flights go twice, and their copies do no harm. */
static void a_slow_path_makes_copies(void **state)
{
    pipe_t p;
    pipe_init(&p, 2);
    p.delay = HP_S;
    pipe_open(&p);
    pipe_run(&p, HP_NEVER);
    pipe_assert_connected(&p);
    assert_int_equal(pipe_connected_at(&p, BOB), 3 * HP_S);
    assert_int_equal(pipe_connected_at(&p, ALICE), 4 * HP_S);
    pipe_close(&p);
}

static void any_doubled_datagram_is_harmless(void **state)
{
    for (unsigned n = 0; n < 6; n++) {
        pipe_t p;
        pipe_init(&p, 2);
        p.end[ALICE].config.mtu = p.end[BOB].config.mtu = 400;
        p.twice[n] = true;
        pipe_open(&p);
        pipe_run(&p, HP_NEVER);
        pipe_assert_connected(&p);
        assert_int_equal(pipe_connected_at(&p, ALICE), 80 * HP_MS);
        assert_int_equal(p.sent->len, 6);
        pipe_close(&p);
    }
}

/* The first half of a flight overtaken by the second. The handshake waits for it, but for one case: alice's second half
 * ends in a ChangeCipherSpec, which OpenSSL does not keep, so that her flight has to come again. */
static void any_late_datagram_is_waited_for(void **state)
{
    for (unsigned n = 0; n < 6; n++) {
        pipe_t p;
        pipe_init(&p, 2);
        p.end[ALICE].config.mtu = p.end[BOB].config.mtu = 400;
        p.later[n] = 30 * HP_MS;
        pipe_open(&p);
        pipe_run(&p, HP_NEVER);
        pipe_assert_connected(&p);
        hp_time bob_ms = n == 3 ? 1060 : n == 5 ? 60 : 90;
        assert_int_equal(pipe_connected_at(&p, BOB), bob_ms * HP_MS);
        assert_int_equal(pipe_connected_at(&p, ALICE), (n == 3 ? 1080 : 110) * HP_MS);
        assert_int_equal(pipe_count(&p, ALICE, HP_DTLS_EV_TIMEOUT), n == 3);
        pipe_close(&p);
    }
}

/* Bob's data overtakes his last flight: alice has no keys for it yet, and gets it once she has. */
static void data_that_overtakes_the_last_flight_waits(void **state)
{
    pipe_t p;
    pipe_init(&p, 2);
    p.later[3] = 10 * HP_MS;
    pipe_open(&p);
    pipe_run(&p, 60 * HP_MS);
    assert_int_equal(hp_dtls_get_state(p.end[BOB].dtls), HP_DTLS_CONNECTED);
    assert_true(hp_dtls_send(p.end[BOB].dtls, p.now, (const uint8_t *)"a", 1, NULL));
    pipe_run(&p, 85 * HP_MS);
    assert_int_equal(hp_dtls_get_state(p.end[ALICE].dtls), HP_DTLS_HANDSHAKING);
    assert_int_equal(pipe_count(&p, ALICE, HP_DTLS_EV_DATA), 0);
    pipe_run(&p, HP_NEVER);
    pipe_assert_connected(&p);
    assert_int_equal(pipe_connected_at(&p, ALICE), 90 * HP_MS);
    assert_int_equal(pipe_find(&p, ALICE, HP_DTLS_EV_DATA, 0)->at, 90 * HP_MS);
    const pipe_told *last = p.end[ALICE].told->pdata[p.end[ALICE].told->len - 1];
    assert_int_equal(last->event.kind, HP_DTLS_EV_DATA);
    pipe_close(&p);
}

/* A third of all datagrams lost, duplicated or late, and small ones at that: it always ends with the same keys. */
static void chance_does_not_break_it(void **state)
{
    for (uint64_t seed = 0; seed < 60; seed++) {
        pipe_t p;
        hp_rng chance;
        pipe_init(&p, seed);
        hp_rng_init(&chance, seed, "path");
        p.end[ALICE].config.mtu = p.end[BOB].config.mtu = 300 + (unsigned)hp_rng_below(&chance, 900);
        p.end[BOB].config.cookie = hp_rng_chance(&chance, HP_PPB / 2);
        for (unsigned n = 0; n < 100; n++) {
            p.lost[n] = hp_rng_chance(&chance, HP_PPB / 5);
            p.twice[n] = hp_rng_chance(&chance, HP_PPB / 10);
            p.later[n] = hp_rng_chance(&chance, HP_PPB / 10) ? hp_rng_below(&chance, HP_S) : 0;
        }
        pipe_open(&p);
        pipe_run(&p, HP_NEVER);
        pipe_assert_connected(&p);
        assert_in_range(p.now, 80 * HP_MS, 130 * HP_S);
        pipe_close(&p);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(any_lost_datagram_costs_a_timer),
        cmocka_unit_test(any_lost_fragment_costs_a_timer),
        cmocka_unit_test(any_lost_datagram_with_a_cookie),
        cmocka_unit_test(the_timer_is_a_setting),
        cmocka_unit_test(a_deadline_is_exact),
        cmocka_unit_test(a_clock_that_lags_is_waited_for),
        cmocka_unit_test(a_dead_path_is_given_up),
        cmocka_unit_test(a_last_flight_may_never_arrive),
        cmocka_unit_test(a_path_that_comes_back_in_time_serves),
        cmocka_unit_test(a_slow_path_makes_copies),
        cmocka_unit_test(any_doubled_datagram_is_harmless),
        cmocka_unit_test(any_late_datagram_is_waited_for),
        cmocka_unit_test(data_that_overtakes_the_last_flight_waits),
        cmocka_unit_test(chance_does_not_break_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
