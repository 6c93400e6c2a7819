/* delivery, latency, recovered, and the flows of a result. Flow 1 goes from alice to bob. */
#include "fixture.h"

static hp_expect *add_delivery(fixture *f)
{
    hp_expect *e = add_expect(f, HP_EXPECT_DELIVERY, "delivery: {...}");
    e->delivery.from = "alice";
    e->delivery.to = "bob";
    return e;
}

/* n datagrams from `at`, 20 ms apart, numbered from `first`; those for which lost() is true do not arrive, the others
 * after 40 ms. Sent in one go and received after, which is all one to the checker. */
static void send_some(fixture *f, hp_time at, uint64_t first, unsigned n, unsigned lose_every)
{
    for (unsigned i = 0; i < n; i++) {
        const hp_time t = at + i * 20 * HP_MS;
        ev_sent(f, t, 1, first + i);
        if (lose_every == 0 || i % lose_every != lose_every - 1) {
            ev_received(f, t + 10 * HP_MS, 1, first + i, 10 * HP_MS, 0);
        }
    }
}

static void delivery_passes(void **state)
{
    fixture *f = *state;
    add_send(f, false);
    hp_expect *e = add_delivery(f);
    e->delivery.loss = compare("<= 1%", HP_UNIT_RATIO);
    e->delivery.received = compare(">= 99", HP_UNIT_COUNT);
    e->delivery.sent = compare("100", HP_UNIT_COUNT);
    ev_packet(f, 0, "alice", HP_DIR_IN, 1, "", 0);
    assert_false(hp_checker_decided(f->checker)); /* the step is still to come */
    ev_step(f, HP_S, 1);
    assert_false(hp_checker_decided(f->checker)); /* the flow is still to begin */
    ev_flow(f, HP_S, 1, "alice", "bob");
    send_some(f, HP_S, 0, 100, 100);
    ev_flow_done(f, 3 * HP_S, 1, "alice");
    assert_false(hp_checker_decided(f->checker)); /* one is missing and may still come */
    ev_packet(f, 5 * HP_S - 1, "alice", HP_DIR_IN, 1, "", 0);
    assert_false(hp_checker_decided(f->checker));
    ev_packet(f, 5 * HP_S, "alice", HP_DIR_IN, 1, "", 0);
    assert_true(hp_checker_decided(f->checker));
    const hp_result *r = fixture_finish(f, 5 * HP_S);
    ASSERT_EXPECT(f, 0, true, 5 * HP_S, 0, "1 of 100 lost (1%), 99 received");
    assert_string_equal(nth(f, 0)->expected, "from alice to bob: sent 100, received >= 99, loss <= 1%");
    assert_int_equal(r->n_flows, 1);
    assert_string_equal(r->flows[0].from, "alice");
    assert_string_equal(r->flows[0].to, "bob");
    assert_int_equal(r->flows[0].sent, 100);
    assert_int_equal(r->flows[0].received, 99);
    assert_int_equal(r->flows[0].lost, 1);
    assert_int_equal(r->flows[0].latency.p95, 10 * HP_MS);
}

static void delivery_is_decided_when_all_arrived(void **state)
{
    fixture *f = *state;
    add_send(f, true);
    add_expect(f, HP_EXPECT_DELIVERY, "delivery: {}");
    ev_step(f, HP_S, 1);
    ev_flow(f, HP_S, 1, "alice", "bob");
    send_some(f, HP_S, 0, 10, 0);
    ev_flow_done(f, 2 * HP_S, 1, "alice");
    assert_false(hp_checker_decided(f->checker)); /* both ways: a second flow is promised */
    ev_flow(f, 2 * HP_S, 2, "bob", "alice");
    assert_false(hp_checker_decided(f->checker));
    ev_flow_done(f, 2 * HP_S, 2, "bob");
    assert_true(hp_checker_decided(f->checker));
    fixture_finish(f, 2 * HP_S);
    ASSERT_EXPECT(f, 0, true, 2 * HP_S, 0, "0 of 10 lost (0%)");
}

static void delivery_fails_and_tells_where_packets_went(void **state)
{
    fixture *f = *state;
    add_send(f, false);
    hp_expect *e = add_delivery(f);
    e->delivery.loss = compare("< 0.5%", HP_UNIT_RATIO);
    ev_step(f, 0, 1);
    ev_flow(f, 0, 1, "alice", "bob");
    send_some(f, 0, 0, 500, 166); /* 3 lost */
    static const uint8_t check[20] = {0, 1, 0, 0, 0x21, 0x12, 0xa4, 0x42};
    ev_drop(f, 10 * HP_S, "alice", "home", HP_DROP_NAT_FILTERED, "HPFL", 4);
    ev_drop(f, 10 * HP_S, "alice", "link alice>internet", HP_DROP_LINK_LOSS, "HPFL", 4);
    ev_drop(f, 10 * HP_S, "alice", "link alice>internet", HP_DROP_LINK_LOSS, "HPFL", 4);
    ev_drop(f, 10 * HP_S, "alice", "home", HP_DROP_NAT_NO_MAPPING, check, sizeof check); /* no data */
    EVENT(f, 10 * HP_S, HP_EV_DATA_REFUSED, "alice", HP_FU("flow", 1), HP_FU("sequence", 4));
    for (unsigned i = 0; i < 3; i++) {
        EVENT(f, 10 * HP_S, HP_EV_TURN_DROPPED, "turn", HP_FS("reason", "no-permission"));
    }
    ev_flow_done(f, 10 * HP_S, 1, "alice");
    assert_int_equal(fixture_finish(f, 20 * HP_S)->verdict, HP_VERDICT_FAIL);
    ASSERT_EXPECT(f, 0, false, 20 * HP_S, 0,
                  "3 of 500 lost (0.6%), 1 refused by the agent; 3 dropped at turn: no-permission; 2 dropped at link "
                  "alice>internet: loss; 1 dropped at "
                  "home: filtered");
}

static void delivery_without_any_flow_fails(void **state)
{
    fixture *f = *state;
    add_delivery(f)->delivery.loss = compare("0%", HP_UNIT_RATIO);
    ev_flow(f, 0, 1, "bob", "alice");
    fixture_finish(f, 20 * HP_S);
    ASSERT_EXPECT(f, 0, false, 20 * HP_S, 0, "no such flow began");
}

static void delivery_of_nothing_has_no_loss(void **state)
{
    fixture *f = *state;
    add_delivery(f)->delivery.loss = compare("0%", HP_UNIT_RATIO);
    add_delivery(f)->delivery.received = compare("0", HP_UNIT_COUNT);
    add_delivery(f);
    ev_flow(f, 0, 1, "alice", "bob");
    fixture_finish(f, 20 * HP_S);
    ASSERT_EXPECT(f, 0, false, 20 * HP_S, 0, "0 of 0 lost");
    assert_true(nth(f, 1)->passed);
    assert_string_equal(nth(f, 1)->got, "0 of 0 lost, 0 received");
    assert_false(nth(f, 2)->passed);
    assert_string_equal(nth(f, 2)->expected, "from alice to bob: received >= 1");
}

static void delivery_counts_duplicates_and_reordering(void **state)
{
    fixture *f = *state;
    add_delivery(f)->delivery.duplicates = compare("0", HP_UNIT_COUNT);
    add_delivery(f)->delivery.reordered = compare("< 1", HP_UNIT_COUNT);
    hp_expect *e = add_delivery(f);
    e->delivery.duplicates = compare("2", HP_UNIT_COUNT);
    e->delivery.reordered = compare("1", HP_UNIT_COUNT);
    ev_flow(f, 0, 1, "alice", "bob");
    for (unsigned i = 0; i < 4; i++) {
        ev_sent(f, HP_S, 1, i);
        ev_packet(f, HP_S, "alice", HP_DIR_OUT, 1, "", 0);
    }
    ev_received(f, 2 * HP_S, 1, 0, HP_S, 1);
    ev_received(f, 2 * HP_S, 1, 2, HP_S, 2);
    ev_received(f, 2 * HP_S, 1, 1, HP_S, 3); /* late */
    ev_received(f, 2 * HP_S, 1, 2, HP_S, 4); /* again */
    ev_received(f, 2 * HP_S, 1, 0, HP_S, 4); /* again; an old duplicate is not reordered */
    ev_received(f, 2 * HP_S, 1, 3, HP_S, 4);
    fixture_finish(f, 20 * HP_S);
    ASSERT_EXPECT(f, 0, false, 20 * HP_S, 4, "0 of 4 lost (0%), 2 duplicates, 1 reordered");
    ASSERT_EXPECT(f, 1, false, 20 * HP_S, 3, "0 of 4 lost (0%), 2 duplicates, 1 reordered");
    assert_true(nth(f, 2)->passed);
    assert_int_equal(f->result->flows[0].duplicates, 2);
    assert_int_equal(f->result->flows[0].reordered, 1);
    assert_int_equal(f->result->flows[0].received, 4);
}

static void delivery_takes_a_window_by_sending_time(void **state)
{
    fixture *f = *state;
    add_send(f, false);
    add_step(f, HP_STEP_REBOOT);
    hp_expect *e = add_delivery(f);
    e->window.after_step = "reboot";
    e->window.before = 4 * HP_S;
    e->delivery.received = compare("2", HP_UNIT_COUNT);
    e->delivery.sent = compare("3", HP_UNIT_COUNT);
    ev_step(f, 0, 1);
    ev_flow(f, 0, 1, "alice", "bob");
    ev_sent(f, 2 * HP_S, 1, 0);
    ev_step(f, 2 * HP_S, 2); /* at the same instant, but after it */
    ev_sent(f, 2 * HP_S, 1, 1);
    ev_received(f, 3 * HP_S, 1, 0, HP_S, 0); /* arrives in the window, was sent before */
    ev_sent(f, 3 * HP_S, 1, 2);
    ev_sent(f, 4 * HP_S - 1, 1, 3);
    ev_sent(f, 4 * HP_S, 1, 4);
    ev_received(f, 5 * HP_S, 1, 4, HP_S, 0);
    assert_false(hp_checker_decided(f->checker)); /* the window is over, but not what was sent in it */
    ev_received(f, 6 * HP_S, 1, 3, HP_S, 0); /* arrives after it, was sent in it */
    ev_received(f, 6 * HP_S, 1, 1, HP_S, 0);
    ev_flow_done(f, 6 * HP_S, 1, "alice");
    fixture_finish(f, 20 * HP_S);
    ASSERT_EXPECT(f, 0, true, 20 * HP_S, 0, "1 of 3 lost (33.333%), 2 received, 2 reordered");
}

static void window_that_never_opens_fails(void **state)
{
    fixture *f = *state;
    add_step(f, HP_STEP_REBOOT);
    hp_expect *e = add_delivery(f);
    e->window.after_step = "reboot";
    e->delivery.duplicates = compare("0", HP_UNIT_COUNT);
    e = add_delivery(f);
    e->window.after = 30 * HP_S;
    e->delivery.duplicates = compare("0", HP_UNIT_COUNT);
    ev_flow(f, 0, 1, "alice", "bob");
    fixture_finish(f, 20 * HP_S);
    ASSERT_EXPECT(f, 0, false, 20 * HP_S, 0, "nothing was looked at: the step `reboot` was never carried out");
    ASSERT_EXPECT(f, 1, false, 20 * HP_S, 0, "nothing was looked at: the run ended at 20.000s");
}

static hp_expect *add_latency(fixture *f)
{
    return add_expect(f, HP_EXPECT_LATENCY, "latency: {...}");
}

static void latency_joins_the_selected_flows(void **state)
{
    fixture *f = *state;
    hp_expect *e = add_latency(f);
    e->latency.p95 = compare("<= 95ms", HP_UNIT_TIME);
    e->latency.median = compare("50ms", HP_UNIT_TIME);
    e->latency.max = compare("<= 99ms", HP_UNIT_TIME);
    e = add_latency(f);
    e->latency.from = "bob";
    e->latency.min = compare(">= 51ms", HP_UNIT_TIME);
    ev_flow(f, 0, 1, "alice", "bob");
    ev_flow(f, 0, 2, "bob", "alice");
    for (unsigned i = 1; i <= 100; i++) {
        const uint32_t number = ev_packet(f, i * HP_S, "bob", HP_DIR_IN, 1, "", 0);
        ev_sent(f, i * HP_S, i <= 50 ? 1 : 2, i);
        ev_received(f, i * HP_S, i <= 50 ? 1 : 2, i, i * HP_MS, number);
        ev_received(f, i * HP_S, i <= 50 ? 1 : 2, i, 500 * HP_MS, number); /* a duplicate tells no latency */
    }
    fixture_finish(f, 200 * HP_S);
    ASSERT_EXPECT(f, 0, false, 200 * HP_S, 100,
                  "min 1ms, mean 50.5ms, median 50ms, p95 95ms, max 100ms over 100 datagrams");
    assert_string_equal(nth(f, 0)->expected, "median 50ms, p95 <= 95ms, max <= 99ms");
    ASSERT_EXPECT(f, 1, true, 200 * HP_S, 0,
                  "min 51ms, mean 75.5ms, median 75ms, p95 98ms, max 100ms over 50 datagrams");
    assert_int_equal(f->result->flows[0].latency.count, 50);
    assert_int_equal(f->result->flows[0].latency.mean, 25500000);
    assert_int_equal(f->result->flows[1].latency.min, 51 * HP_MS);
}

static void latency_without_arrivals_fails(void **state)
{
    fixture *f = *state;
    add_latency(f)->latency.max = compare("< 1s", HP_UNIT_TIME);
    add_latency(f)->latency.from = "carol";
    ev_flow(f, 0, 1, "alice", "bob");
    ev_sent(f, 0, 1, 0);
    fixture_finish(f, 2 * HP_S);
    ASSERT_EXPECT(f, 0, false, 2 * HP_S, 0, "no datagram arrived");
    ASSERT_EXPECT(f, 1, false, 2 * HP_S, 0, "no such flow began");
}

static void a_channel_has_flows_of_its_own(void **state)
{
    fixture *f = *state;
    add_send(f, false)->send.channel.label = (char *)"chat";
    add_send(f, false);
    hp_expect *chat = add_delivery(f), *any = add_delivery(f);
    chat->delivery.channel = (char *)"chat";
    chat->delivery.received = compare("2", HP_UNIT_COUNT);
    any->delivery.received = compare("3", HP_UNIT_COUNT);
    hp_expect *late = add_latency(f), *other = add_latency(f);
    late->latency.channel = (char *)"chat";
    late->latency.max = compare("20ms", HP_UNIT_TIME);
    other->latency.channel = (char *)"file";
    ev_step(f, 0, 2);
    ev_flow(f, 0, 1, "alice", "bob");
    ev_sent(f, 0, 1, 0);
    ev_received(f, HP_S, 1, 0, HP_S, 0);
    ev_flow_done(f, HP_S, 1, "alice");
    assert_false(hp_checker_decided(f->checker)); /* the channel's step is still to come */
    ev_step(f, HP_S, 1);
    EVENT(f, HP_S, HP_EV_FLOW, "alice", HP_FU("flow", 2), HP_FS("to", "bob"), HP_FS("channel", "chat"));
    for (unsigned i = 0; i < 2; i++) {
        ev_sent(f, HP_S, 2, i);
        ev_received(f, 2 * HP_S, 2, i, (i + 1) * 10 * HP_MS, 0);
    }
    ev_flow_done(f, 2 * HP_S, 2, "alice");
    assert_true(hp_checker_decided(f->checker));
    const hp_result *r = fixture_finish(f, 20 * HP_S);
    assert_true(nth(f, 0)->passed);
    assert_string_equal(nth(f, 0)->expected, "from alice to bob over channel `chat`: received 2");
    assert_true(nth(f, 1)->passed);
    assert_true(nth(f, 2)->passed);
    assert_string_equal(nth(f, 2)->expected, "over channel `chat`: max 20ms");
    ASSERT_EXPECT(f, 3, false, 20 * HP_S, 0, "no such flow began");
    assert_string_equal(r->flows[0].channel, "");
    assert_string_equal(r->flows[1].channel, "chat");
}

static void a_channel_does_not_wait_for_other_sends(void **state)
{
    fixture *f = *state;
    add_send(f, false)->send.channel.label = (char *)"chat";
    add_send(f, false)->send.channel.label = (char *)"file";
    add_delivery(f)->delivery.channel = (char *)"chat";
    ev_step(f, 0, 1);
    EVENT(f, HP_S, HP_EV_FLOW, "alice", HP_FU("flow", 1), HP_FS("to", "bob"), HP_FS("channel", "chat"));
    ev_sent(f, HP_S, 1, 0);
    ev_received(f, HP_S, 1, 0, 0, 0);
    ev_flow_done(f, HP_S, 1, "alice");
    assert_true(hp_checker_decided(f->checker));
}

static hp_expect *add_recovered(fixture *f, hp_time within)
{
    hp_expect *e = add_expect(f, HP_EXPECT_RECOVERED, "recovered: {after: reboot, within: ...}");
    e->recovered.step = "reboot";
    e->recovered.within = within;
    return e;
}

static void recovered_counts_what_was_sent_after_the_step(void **state)
{
    fixture *f = *state;
    add_send(f, false);
    add_step(f, HP_STEP_REBOOT);
    add_step(f, HP_STEP_REBOOT);
    add_recovered(f, 2 * HP_S);
    add_recovered(f, 1199 * HP_MS);
    ev_step(f, 0, 1);
    ev_flow(f, 0, 1, "alice", "bob");
    ev_sent(f, 9 * HP_S, 1, 0);
    ev_sent(f, 10 * HP_S, 1, 1);
    ev_received(f, 10 * HP_S - 100 * HP_MS, 1, 0, 900 * HP_MS, 0);
    ev_step(f, 10 * HP_S, 2);
    ev_received(f, 10 * HP_S + 10 * HP_MS, 1, 1, 10 * HP_MS, 0); /* was on its way */
    ev_sent(f, 10 * HP_S + 20 * HP_MS, 1, 2); /* lost */
    ev_sent(f, 11 * HP_S, 1, 3);
    const uint32_t number = ev_packet(f, 11 * HP_S, "bob", HP_DIR_IN, 1, "", 0);
    assert_false(hp_checker_decided(f->checker));
    ev_received(f, 11200 * HP_MS, 1, 3, 200 * HP_MS, number);
    assert_true(hp_checker_decided(f->checker));
    ev_step(f, 15 * HP_S, 3); /* the first of that name counts */
    fixture_finish(f, 20 * HP_S);
    ASSERT_EXPECT(f, 0, true, 11200 * HP_MS, number, "from alice to bob after 1.200s (a gap of 1.190s)");
    assert_string_equal(nth(f, 0)->expected, "every flow and track recovered from `reboot` within 2.000s");
    ASSERT_EXPECT(f, 1, false, 11199 * HP_MS, number, "from alice to bob after 1.200s (a gap of 1.190s)");
}

static void recovered_tells_the_longest_silence(void **state)
{
    fixture *f = *state;
    add_step(f, HP_STEP_REBOOT);
    add_recovered(f, 5 * HP_S);
    ev_flow(f, 0, 1, "alice", "bob");
    ev_sent(f, HP_S, 1, 0);
    ev_received(f, 2 * HP_S, 1, 0, HP_S, 0);
    ev_sent(f, 9 * HP_S, 1, 1);
    ev_step(f, 10 * HP_S, 1);
    ev_received(f, 10100 * HP_MS, 1, 1, 1100 * HP_MS, 0); /* sent before, and ends the silence */
    ev_sent(f, 10200 * HP_MS, 1, 2);
    ev_received(f, 10300 * HP_MS, 1, 2, 100 * HP_MS, 0);
    fixture_finish(f, 20 * HP_S);
    ASSERT_EXPECT(f, 0, true, 10300 * HP_MS, 0, "from alice to bob after 300ms (a gap of 8.100s)");
}

static void recovered_fails_for_a_flow_that_stays_dead(void **state)
{
    fixture *f = *state;
    add_step(f, HP_STEP_REBOOT);
    add_recovered(f, 2 * HP_S);
    ev_flow(f, 0, 1, "alice", "bob");
    ev_flow(f, 0, 2, "bob", "alice");
    ev_flow(f, 0, 3, "bob", "alice");
    ev_flow_done(f, HP_S, 3, "bob"); /* not running at the step */
    ev_sent(f, HP_S, 1, 0);
    ev_received(f, HP_S, 1, 0, 0, 0);
    ev_step(f, 10 * HP_S, 1);
    ev_sent(f, 10 * HP_S, 1, 1);
    ev_sent(f, 10 * HP_S, 2, 0);
    ev_received(f, 10500 * HP_MS, 2, 0, 500 * HP_MS, 0);
    ev_drop(f, 11 * HP_S, "alice", "home", HP_DROP_NAT_NO_MAPPING, "HPFL", 4);
    assert_false(hp_checker_decided(f->checker));
    ev_sent(f, 12 * HP_S + 1, 1, 2);
    assert_true(hp_checker_decided(f->checker));
    fixture_finish(f, 20 * HP_S);
    ASSERT_EXPECT(f, 0, false, 12 * HP_S, 0,
                  "from alice to bob did not recover: nothing arrived after 1.000s, from bob to alice after 500ms; "
                  "1 dropped at home: no-mapping");
}

static void recovered_takes_later_flows_when_none_was_running(void **state)
{
    fixture *f = *state;
    add_step(f, HP_STEP_REBOOT);
    add_send(f, false);
    add_recovered(f, 5 * HP_S);
    ev_step(f, 10 * HP_S, 1);
    ev_step(f, 10 * HP_S, 2);
    ev_flow(f, 10 * HP_S, 1, "alice", "bob");
    ev_sent(f, 10 * HP_S, 1, 0);
    ev_received(f, 11 * HP_S, 1, 0, HP_S, 0);
    assert_true(hp_checker_decided(f->checker));
    fixture_finish(f, 20 * HP_S);
    ASSERT_EXPECT(f, 0, true, 11 * HP_S, 0, "from alice to bob after 1.000s");
}

static void recovered_needs_its_step_and_a_flow(void **state)
{
    fixture *f = *state;
    add_step(f, HP_STEP_REBOOT);
    add_recovered(f, 5 * HP_S);
    fixture_finish_with(f, 20 * HP_S, HP_VERDICT_PASS, NULL, "decided");
    ASSERT_EXPECT(f, 0, false, 20 * HP_S, 0, "the step `reboot` was never carried out");
    ev_step(f, 21 * HP_S, 1);
    fixture_finish(f, 22 * HP_S);
    ASSERT_EXPECT(f, 0, false, 22 * HP_S, 0, "no such flow or track was running at the step or began after it");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FIXTURE_TEST(delivery_passes),
        FIXTURE_TEST(delivery_is_decided_when_all_arrived),
        FIXTURE_TEST(delivery_fails_and_tells_where_packets_went),
        FIXTURE_TEST(delivery_without_any_flow_fails),
        FIXTURE_TEST(delivery_of_nothing_has_no_loss),
        FIXTURE_TEST(delivery_counts_duplicates_and_reordering),
        FIXTURE_TEST(delivery_takes_a_window_by_sending_time),
        FIXTURE_TEST(window_that_never_opens_fails),
        FIXTURE_TEST(latency_joins_the_selected_flows),
        FIXTURE_TEST(latency_without_arrivals_fails),
        FIXTURE_TEST(a_channel_has_flows_of_its_own),
        FIXTURE_TEST(a_channel_does_not_wait_for_other_sends),
        FIXTURE_TEST(recovered_counts_what_was_sent_after_the_step),
        FIXTURE_TEST(recovered_tells_the_longest_silence),
        FIXTURE_TEST(recovered_fails_for_a_flow_that_stays_dead),
        FIXTURE_TEST(recovered_takes_later_flows_when_none_was_running),
        FIXTURE_TEST(recovered_needs_its_step_and_a_flow),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
