/* The self-check of live runs: from which figures on a run says nothing, whatever its expectations say. */
#include "media.h"

typedef struct figures {
    hp_time p99, max, worst_record, stall, stopped;
    uint64_t timers, tx_dropped, receive_errors, refused, untold;
} figures;

static void tell(fixture *f, const figures *g)
{
    hp_trace_event(f->trace, 9 * HP_S, HP_EV_LIVE_FABRIC, "fabric", HP_FU("timers", g->timers), HP_FT("median", 1000),
                   HP_FT("p99", g->p99), HP_FT("max", g->max), HP_FU("late-records", 1),
                   HP_FT("worst-record", g->worst_record), HP_FT("stopped", g->stopped), HP_FU("fifo", 1),
                   HP_FU("awake", 1), HP_FS("refused", ""));
    hp_trace_event(f->trace, 9 * HP_S, HP_EV_LIVE_HOST, "alice", HP_FS("device", "tun"), HP_FU("from-kernel", 10),
                   HP_FU("to-kernel", 20), HP_FU("tx-dropped", g->tx_dropped), HP_FU("noise", 1), HP_FU("malformed", 2),
                   HP_FU("refused", g->refused), HP_FU("receive-errors", g->receive_errors), HP_FU("send-full", 3),
                   HP_FU("untold", g->untold));
    hp_trace_event(f->trace, 9 * HP_S, HP_EV_LIVE_PROGRAM, "alice", HP_FS("kind", "libnice"), HP_FT("user", 5),
                   HP_FT("system", 6), HP_FU("peak-kb", 7), HP_FS("scheduling", "rr"), HP_FU("beats", 50),
                   HP_FT("stall-p99", g->stall / 2), HP_FT("stall-max", g->stall));
}

static hp_expect *expect_failed_state(fixture *f)
{
    hp_expect *e = add_expect(f, HP_EXPECT_EVENT, "event: {...}");
    e->event.pattern.kind = HP_EV_ICE_STATE;
    e->event.pattern.subject = "alice";
    return e;
}

static hp_verdict verdict_of(fixture *f, const figures *g)
{
    add_call(f);
    expect_failed_state(f);
    ev_step(f, 0, 1);
    ev_state(f, HP_S, "alice", "failed");
    tell(f, g);
    fixture_finish(f, 9 * HP_S);
    return f->result->verdict;
}

static void figures_of_a_quiet_machine_are_told(void **state)
{
    fixture *f = *state;
    const figures g = {.p99 = 5 * HP_MS,
                       .max = 50 * HP_MS,
                       .worst_record = 100 * HP_MS,
                       .stall = 100 * HP_MS,
                       .timers = 5000,
                       .refused = 9};
    assert_int_equal(verdict_of(f, &g), HP_VERDICT_PASS);
    const hp_live_result *live = f->result->live;
    assert_non_null(live);
    assert_true(live->told);
    assert_null(live->too_slow);
    assert_int_equal(live->timers, 5000);
    assert_int_equal(live->p99, 5 * HP_MS);
    assert_int_equal(live->n_hosts, 1);
    assert_string_equal(live->hosts[0].host, "alice");
    assert_string_equal(live->hosts[0].device, "tun");
    assert_int_equal(live->hosts[0].to_kernel, 20);
    assert_int_equal(live->hosts[0].refused, 9); /* while an interface was down: no ground */
    assert_int_equal(live->n_programs, 1);
    assert_string_equal(live->programs[0].kind, "libnice");
    assert_int_equal(live->programs[0].peak_kb, 7);
    assert_string_equal(live->programs[0].scheduling, "rr");
    assert_int_equal(live->programs[0].stall_max, 100 * HP_MS);
}

static void of_few_timers_one_in_a_hundred_is_any(void **state)
{
    const figures g = {.p99 = 30 * HP_MS, .max = 30 * HP_MS, .timers = 26};
    assert_int_equal(verdict_of(*state, &g), HP_VERDICT_PASS);
}

#define ASSERT_INVALID(state, words, ...)                                                                              \
    do {                                                                                                               \
        fixture *fixture_ = *(state);                                                                                  \
        const figures figures_ = {__VA_ARGS__};                                                                        \
        assert_int_equal(verdict_of(fixture_, &figures_), HP_VERDICT_INVALID);                                         \
        assert_true(g_str_has_prefix(fixture_->result->message, "the machine was too slow: "));                        \
        assert_non_null(strstr(fixture_->result->message, words));                                                     \
    } while (0)

static void many_late_timers(void **state)
{
    ASSERT_INVALID(state, "one timer of the network in 100 was 6ms late", .p99 = 6 * HP_MS, .timers = 1000);
}

static void one_very_late_timer(void **state)
{
    ASSERT_INVALID(state, "one timer of the network was 51ms late", .max = 51 * HP_MS);
}

static void a_record_out_of_its_place(void **state)
{
    ASSERT_INVALID(state, "told 101ms too late", .worst_record = 101 * HP_MS);
}

static void a_program_that_got_no_cpu(void **state)
{
    ASSERT_INVALID(state, "alice waited 101ms for a CPU", .stall = 101 * HP_MS);
}

static void a_packet_that_the_network_did_not_take(void **state)
{
    ASSERT_INVALID(state, "alice's kernel dropped 1 packets", .tx_dropped = 1);
}

static void a_mapping_that_was_not_told(void **state)
{
    ASSERT_INVALID(state, "alice's connection tracking had more to tell", .untold = 1);
}

static void a_datagram_that_a_program_did_not_read(void **state)
{
    ASSERT_INVALID(state, "alice's kernel dropped 2 datagrams", .receive_errors = 2);
}

static void neither_a_failure_nor_a_known_bug_counts_then(void **state)
{
    fixture *f = *state;
    f->scenario.known_bug = "https://example.org/1";
    add_call(f);
    expect_failed_state(f);
    const figures g = {.max = HP_S};
    tell(f, &g);
    fixture_finish(f, 9 * HP_S);
    assert_int_equal(f->result->verdict, HP_VERDICT_INVALID);
}

/* One datagram, 30 ms under way where less than 21 ms are asked for (so 9 ms and a nanosecond too long), on a machine
 * that is late by what g says. */
static hp_verdict verdict_of_latency(fixture *f, const figures *g, const char *loss)
{
    add_send(f, false);
    add_expect(f, HP_EXPECT_LATENCY, "latency: {...}")->latency.max = compare("< 21ms", HP_UNIT_TIME);
    if (loss != NULL) {
        add_expect(f, HP_EXPECT_DELIVERY, "delivery: {...}")->delivery.loss = compare(loss, HP_UNIT_RATIO);
    }
    ev_step(f, 0, 1);
    ev_flow(f, 0, 1, "alice", "bob");
    ev_sent(f, HP_S, 1, 1);
    ev_sent(f, HP_S, 1, 2);
    ev_received(f, HP_S + 30 * HP_MS, 1, 1, 30 * HP_MS, 0);
    ev_flow_done(f, 2 * HP_S, 1, "alice");
    tell(f, g);
    fixture_finish(f, 9 * HP_S);
    return f->result->verdict;
}

static void what_is_too_long_by_what_the_machine_was_late_says_nothing(void **state)
{
    fixture *f = *state;
    const figures late = {.max = HP_MS, .stall = 4 * HP_MS + 1}; /* sender, network, receiver: just enough */
    assert_int_equal(verdict_of_latency(f, &late, NULL), HP_VERDICT_INVALID);
    assert_string_equal(
        f->result->message,
        "the machine was too slow: line 30 (latency: {...}) failed by 9ms, and the network and programs "
        "were up to 9ms late");
}

static void what_is_too_long_by_more_fails(void **state)
{
    const figures late = {.max = HP_MS, .stall = 4 * HP_MS};
    assert_int_equal(verdict_of_latency(*state, &late, NULL), HP_VERDICT_FAIL);
}

static void what_fails_otherwise_fails_on_any_machine(void **state)
{
    const figures late = {.max = 20 * HP_MS, .stall = 20 * HP_MS};
    assert_int_equal(verdict_of_latency(*state, &late, "0%"), HP_VERDICT_FAIL);
}

/* Ten packets, 20 ms under way each, one every 10 ms; the network stops at 85 ms, and the programs do at 100 ms;
 * what was there in the last 15 ms may not have been read. */
static void what_is_sent_to_a_network_that_stands_still_is_not_lost(void **state)
{
    fixture *f = *state;
    ev_track(f, 0, 1, HP_MEDIA_VIDEO, "alice", "bob");
    for (unsigned i = 0; i < 10; i++) {
        ev_media_sent(f, i * 10 * HP_MS, 1, i, 0);
        if (i < 5 && i != 1) {
            ev_media_got(f, i * 10 * HP_MS + 20 * HP_MS, 1, i, 0, 0);
        }
    }
    const figures g = {.stopped = 85 * HP_MS, .max = 5 * HP_MS, .stall = 10 * HP_MS};
    tell(f, &g);
    const hp_result *r = fixture_finish(f, 100 * HP_MS);
    assert_int_equal(r->tracks[0].figures.received, 4);
    assert_int_equal(r->tracks[0].figures.lost, 1);
    assert_int_equal(r->tracks[0].figures.in_flight, 5);
}

static void the_virtual_world_says_nothing_of_it(void **state)
{
    fixture *f = *state;
    add_call(f);
    expect_failed_state(f);
    fixture_finish(f, 9 * HP_S);
    assert_null(f->result->live);
}

static void what_is_skipped_was_not_judged(void **state)
{
    const fixture *f = *state;
    g_autoptr(hp_result) result = hp_result_skip(&f->plan, "no browser");
    assert_int_equal(result->verdict, HP_VERDICT_SKIPPED);
    assert_string_equal(result->message, "no browser");
    assert_int_equal(result->expects->len, 0);
    assert_false(hp_verdict_is_good(result->verdict));
    assert_false(hp_verdict_is_bad(result->verdict));
    assert_true(hp_verdict_says_nothing(result->verdict));
    assert_true(hp_verdict_is_bad(HP_VERDICT_INVALID) && hp_verdict_says_nothing(HP_VERDICT_INVALID));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(figures_of_a_quiet_machine_are_told),
        TEST(of_few_timers_one_in_a_hundred_is_any),
        TEST(many_late_timers),
        TEST(one_very_late_timer),
        TEST(a_record_out_of_its_place),
        TEST(a_program_that_got_no_cpu),
        TEST(a_packet_that_the_network_did_not_take),
        TEST(a_mapping_that_was_not_told),
        TEST(a_datagram_that_a_program_did_not_read),
        TEST(neither_a_failure_nor_a_known_bug_counts_then),
        TEST(what_is_too_long_by_what_the_machine_was_late_says_nothing),
        TEST(what_is_too_long_by_more_fails),
        TEST(what_fails_otherwise_fails_on_any_machine),
        TEST(what_is_sent_to_a_network_that_stands_still_is_not_lost),
        TEST(the_virtual_world_says_nothing_of_it),
        TEST(what_is_skipped_was_not_judged),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
