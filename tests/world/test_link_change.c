/* Changes of a link's settings while packets wait, are being sent or fly. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "world/link_rig.h"

static void test_configure(void **state)
{
    hp_packet_range ranges[] = {{2, 2}, {4, 0}};
    bench b = bench_new(1, &(hp_link_config){.delay_ns = 50 * HP_MS, .drop = ranges, .n_drop = 2});
    put(&b, 0);
    run(&b, 10 * HP_MS);
    hp_link_config config = *hp_link_get_config(b.link); /* its drop list is the link's own */
    config.delay_ns = 5 * HP_MS;
    hp_link_configure(b.link, &config, "delay");
    assert_int_equal(hp_link_get_config(b.link)->n_drop, 2);
    put(&b, 0); /* the second: dropped */
    put(&b, 0); /* does not overtake the first */
    run(&b, 100 * HP_MS);
    config = *hp_link_get_config(b.link);
    config.n_drop = 0;
    hp_link_configure(b.link, &config, "no drops");
    put(&b, 0);
    run(&b, HP_S);
    assert_int_equal(b.far->hits->len, 3);
    assert_int_equal(probe_at(b.far, 0)->at, 50 * HP_MS);
    assert_int_equal(probe_at(b.far, 1)->at, 50 * HP_MS);
    assert_int_equal(probe_at(b.far, 1)->p->uid, 3);
    assert_int_equal(probe_at(b.far, 2)->at, 105 * HP_MS);

    hp_trace_cursor cursor = {0};
    hp_record r = {0};
    unsigned changes = 0;
    while (hp_trace_next(b.trace, &cursor, &r)) {
        if (r.type == HP_RECORD_EVENT && r.event.kind == HP_EV_LINK_CHANGED) {
            assert_string_equal(r.event.subject, "a>b");
            assert_string_equal(hp_record_text(&r, "what"), changes == 0 ? "delay" : "no drops");
            changes++;
        }
    }
    assert_int_equal(changes, 2);
    bench_free(&b);
}

static void test_rate_taken_away_while_packets_wait(void **state)
{
    bench b = bench_new(1, &(hp_link_config){.rate_bps = 1000000});
    put(&b, PAYLOAD_1000);
    put(&b, PAYLOAD_1000);
    hp_link_configure(b.link, &(hp_link_config){0}, "no rate");
    put(&b, 0); /* behind the two */
    hp_link_configure(b.link, &(hp_link_config){.rate_bps = 1000000}, "a rate again");
    put(&b, PAYLOAD_1000);
    run(&b, HP_S);
    assert_int_equal(b.far->hits->len, 4);
    assert_int_equal(probe_at(b.far, 0)->at, 8 * HP_MS);
    assert_int_equal(probe_at(b.far, 1)->at, 8 * HP_MS);
    assert_int_equal(probe_at(b.far, 2)->at, 8 * HP_MS);
    assert_int_equal(probe_at(b.far, 3)->at, 16 * HP_MS);
    for (unsigned i = 0; i < 4; i++) {
        assert_int_equal(probe_at(b.far, i)->p->uid, i + 1);
    }
    bench_free(&b);
}

static void test_what_waits_is_sent_at_the_new_rate(void **state)
{
    hp_link_config config = {.rate_bps = 1000, .delay_ns = 20 * HP_MS, .queue_packets = 3};
    bench b = bench_new(1, &config); /* 8 s a packet */
    for (unsigned i = 0; i < 4; i++) {
        put(&b, PAYLOAD_1000);
    }
    run(&b, HP_S);
    config.loss_ppb = 1; /* another setting moves nobody */
    hp_link_configure(b.link, &config, "loss");
    config.rate_bps = 1000000; /* 8 ms; the first is half way out and stays at its rate */
    hp_link_configure(b.link, &config, "faster");
    put(&b, 0); /* they still wait: no room */
    assert_int_equal(hp_link_get_stats(b.link).queue_drops, 1);
    run(&b, 8 * HP_S); /* the second is on the wire: neither is it stopped */
    config.rate_bps = 2000000;
    hp_link_configure(b.link, &config, "faster still");
    put(&b, PAYLOAD_1000);
    run(&b, 100 * HP_S);
    static const hp_time wanted[] = {8020 * HP_MS, 8028 * HP_MS, 8032 * HP_MS, 8036 * HP_MS, 8040 * HP_MS};
    static const unsigned uids[] = {1, 2, 3, 4, 6};
    assert_int_equal(b.far->hits->len, 5);
    for (unsigned i = 0; i < 5; i++) {
        assert_int_equal(probe_at(b.far, i)->at, wanted[i]);
        assert_int_equal(probe_at(b.far, i)->p->uid, uids[i]);
    }
    bench_free(&b);
}

static void test_a_lower_rate_slows_what_waits(void **state)
{
    bench b = bench_new(1, &(hp_link_config){.rate_bps = 1000000, .duplicate_ppb = HP_PPB});
    put(&b, PAYLOAD_1000);
    put(&b, PAYLOAD_1000);
    hp_link_configure(b.link, &(hp_link_config){.rate_bps = 100000}, "slower");
    put(&b, PAYLOAD_1000);
    run(&b, HP_S);
    static const hp_time wanted[] = {8 * HP_MS, 8 * HP_MS, 88 * HP_MS, 88 * HP_MS, 168 * HP_MS}; /* twins together */
    assert_int_equal(b.far->hits->len, 5);
    for (unsigned i = 0; i < 5; i++) {
        assert_int_equal(probe_at(b.far, i)->at, wanted[i]);
        assert_int_equal(probe_at(b.far, i)->p->uid, 1 + i / 2);
    }
    bench_free(&b);
}

/* Jitter's draws are kept, and so is the order that it must not break, but for packets that were held back. */
static void test_a_new_rate_keeps_the_order(void **state)
{
    hp_link_config config = {
        .rate_bps = 1000000, .jitter_ns = 50 * HP_MS, .reorder_ppb = HP_PPB / 10, .reorder_by_ns = HP_S};
    bench b = bench_new(1, &config);
    for (unsigned i = 0; i < 200; i++) {
        put(&b, PAYLOAD_1000);
    }
    run(&b, 100 * HP_MS);
    uint64_t reordered = hp_link_get_stats(b.link).reordered;
    config.rate_bps = 100000000; /* 80 us */
    hp_link_configure(b.link, &config, "faster");
    run(&b, 10 * HP_S);
    assert_int_equal(b.far->hits->len, 200);
    unsigned passed = 0;
    uint64_t highest = 0;
    for (unsigned i = 0; i < 200; i++) {
        const probe_hit *hit = probe_at(b.far, i);
        passed += hit->p->uid < highest;
        highest = MAX(highest, hit->p->uid);
        /* All have left at 104 ms + 187 * 80 us. */
        assert_true(hit->at <= 119 * HP_MS + config.jitter_ns + HP_S);
    }
    assert_true(reordered > 0);
    assert_int_equal(passed, reordered);
    bench_free(&b);
}

static void test_flying_packets_keep_their_delivery_and_waiting_ones_meet_the_new_delay(void **state)
{
    hp_link_config config = {.rate_bps = 1000000, .delay_ns = 50 * HP_MS};
    bench b = bench_new(1, &config);
    put_times(&b, 3, PAYLOAD_1000);
    run(&b, 10 * HP_MS); /* one has left, one is on the wire, one waits */
    config.delay_ns = 100 * HP_MS;
    hp_link_configure(b.link, &config, "delay");
    run(&b, HP_S);
    static const arrival wanted[] = {{1, 58 * HP_MS}, {2, 66 * HP_MS}, {3, 124 * HP_MS}};
    expect_arrivals(&b, wanted, 3);
    bench_free(&b);
}

static void test_a_smaller_queue_drops_from_its_tail(void **state)
{
    hp_link_config config = {.rate_bps = 1000000};
    bench b = bench_new(1, &config);
    put_times(&b, 6, PAYLOAD_1000); /* five wait */
    config.queue_packets = 3;
    hp_link_configure(b.link, &config, "three packets");
    hp_record r = {0};
    assert_int_equal(count_drops(b.trace, HP_DROP_LINK_QUEUE, &r), 2);
    assert_int_equal(r.drop.uid, 5);
    assert_string_equal(r.drop.detail, "the queue was made smaller");
    config.queue_bytes = 1999;
    hp_link_configure(b.link, &config, "one packet's worth of bytes");
    assert_int_equal(hp_link_get_stats(b.link).queue_drops, 4);
    put(&b, PAYLOAD_1000); /* no room */
    assert_int_equal(hp_link_get_stats(b.link).queue_drops, 5);
    run(&b, HP_S);
    static const arrival wanted[] = {{1, 8 * HP_MS}, {2, 16 * HP_MS}};
    expect_arrivals(&b, wanted, 2);
    bench_free(&b);
}

/* On the wire of a rate that changes: back to the queue with its twin, and the order is as if it had never left. */
static void test_a_packet_stuck_on_the_wire_begins_anew(void **state)
{
    hp_rate_step steps[] = {{4 * HP_MS, 0}};
    hp_link_config config = {
        .rate_bps = 1000000, .rate_steps = steps, .n_rate_steps = 1, .duplicate_ppb = HP_PPB, .delay_ns = HP_MS};
    bench b = bench_new(1, &config);
    put_times(&b, 2, PAYLOAD_1000);
    run(&b, 100 * HP_MS);
    hp_link_configure(b.link, &(hp_link_config){.rate_bps = 2000000}, "constant");
    put(&b, 0);
    run(&b, HP_S);
    static const arrival wanted[] = {
        {1, 104 * HP_MS}, {1, 104 * HP_MS}, {2, 108 * HP_MS}, {2, 108 * HP_MS}, {3, 108112 * HP_US}};
    expect_arrivals(&b, wanted, 5);
    bench_free(&b);
}

static void test_a_packet_on_the_wire_of_a_trace_leaves_with_the_rate(void **state)
{
    hp_time list[] = {10 * HP_MS};
    bench b = bench_new(1, &(hp_link_config){.opportunities = list, .n_opportunities = 1, .mtu = 9000});
    put_times(&b, 2, 4000); /* 4032 bytes: three opportunities */
    run(&b, 15 * HP_MS); /* it has got one */
    hp_link_configure(b.link, &(hp_link_config){.delay_ns = HP_MS}, "no rate");
    run(&b, HP_S);
    static const arrival wanted[] = {{1, 16 * HP_MS}, {2, 16 * HP_MS}};
    expect_arrivals(&b, wanted, 2);
    bench_free(&b);
}

static void test_the_same_rate_again_moves_nobody(void **state)
{
    hp_rate_step steps[] = {{4 * HP_MS, 0}, {20 * HP_MS, 1000000}};
    hp_link_config config = {.rate_bps = 1000000, .rate_steps = steps, .n_rate_steps = 2, .times_from_change = true};
    bench b = bench_new(1, &config);
    put_times(&b, 2, PAYLOAD_1000);
    run(&b, 10 * HP_MS);
    config.loss_ppb = 1;
    hp_link_configure(b.link, &config, "loss");
    hp_link_configure(b.link, hp_link_get_config(b.link), "its own settings");
    run(&b, HP_S);
    static const arrival wanted[] = {{1, 24 * HP_MS}, {2, 32 * HP_MS}};
    expect_arrivals(&b, wanted, 2);
    bench_free(&b);
}

static void test_what_waited_in_a_standstill_starts_with_the_change(void **state)
{
    hp_rate_step steps[] = {{0, 0}};
    bench b = bench_new(1, &(hp_link_config){.rate_steps = steps, .n_rate_steps = 1});
    run(&b, 25 * HP_MS);
    put_times(&b, 2, PAYLOAD_1000);
    run(&b, 100 * HP_MS);
    hp_link_configure(b.link, &(hp_link_config){.rate_bps = 1000000}, "a rate");
    run(&b, HP_S);
    static const arrival wanted[] = {{1, 108 * HP_MS}, {2, 116 * HP_MS}};
    expect_arrivals(&b, wanted, 2);
    bench_free(&b);
}

static void test_order_is_kept_again_after_overtaking(void **state)
{
    hp_time list[] = {50 * HP_MS, 10 * HP_MS, 0};
    hp_link_config config = {
        .jitter_kind = HP_JITTER_LIST, .jitter_list = list, .n_jitter_list = 3, .jitter_overtakes = true};
    bench b = bench_new(1, &config);
    put_times(&b, 2, 0); /* the second is faster */
    config.jitter_overtakes = false;
    hp_link_configure(b.link, &config, "in order");
    put(&b, 0); /* behind both */
    run(&b, HP_S);
    static const arrival wanted[] = {{2, 10 * HP_MS}, {1, 50 * HP_MS}, {3, 50 * HP_MS}};
    expect_arrivals(&b, wanted, 3);
    bench_free(&b);
}

static void test_codel_is_turned_on_and_off(void **state)
{
    hp_link_config config = {.rate_bps = 12000000};
    bench b = bench_new(1, &config);
    put_times(&b, 800, PAYLOAD_1500); /* 1 ms each */
    run(&b, 200 * HP_MS);
    config.queue_kind = HP_QUEUE_CODEL;
    hp_link_configure(b.link, &config, "codel");
    run(&b, 300 * HP_MS);
    assert_int_equal(hp_link_get_stats(b.link).codel_drops, 0); /* too long from 201 ms on: dropped from 301 on */
    run(&b, 301 * HP_MS);
    assert_int_equal(hp_link_get_stats(b.link).codel_drops, 1);
    config.queue_kind = HP_QUEUE_DROP_TAIL;
    hp_link_configure(b.link, &config, "tail");
    run(&b, 420 * HP_MS); /* the second drop would have been at 401 ms */
    config.queue_kind = HP_QUEUE_CODEL;
    hp_link_configure(b.link, &config, "codel again");
    run(&b, 520 * HP_MS); /* looked at from 421 ms on */
    assert_int_equal(hp_link_get_stats(b.link).codel_drops, 1);
    run(&b, 521 * HP_MS);
    assert_int_equal(hp_link_get_stats(b.link).codel_drops, 2);
    config.queue_kind = HP_QUEUE_DROP_TAIL;
    hp_link_configure(b.link, &config, "tail");
    run(&b, HP_S);
    assert_int_equal(b.far->hits->len, 798);
    bench_free(&b);
}

static void test_what_waits_is_freed_with_the_link(void **state)
{
    hp_rate_step steps[] = {{0, 0}};
    bench b = bench_new(1, &(hp_link_config){.rate_steps = steps, .n_rate_steps = 1});
    put_times(&b, 20, PAYLOAD_1000);
    run(&b, HP_S);
    expect_arrivals(&b, NULL, 0);
    bench_free(&b); /* the sanitizer looks for the twenty */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_configure),
        cmocka_unit_test(test_rate_taken_away_while_packets_wait),
        cmocka_unit_test(test_what_waits_is_sent_at_the_new_rate),
        cmocka_unit_test(test_a_lower_rate_slows_what_waits),
        cmocka_unit_test(test_a_new_rate_keeps_the_order),
        cmocka_unit_test(test_flying_packets_keep_their_delivery_and_waiting_ones_meet_the_new_delay),
        cmocka_unit_test(test_a_smaller_queue_drops_from_its_tail),
        cmocka_unit_test(test_a_packet_stuck_on_the_wire_begins_anew),
        cmocka_unit_test(test_a_packet_on_the_wire_of_a_trace_leaves_with_the_rate),
        cmocka_unit_test(test_the_same_rate_again_moves_nobody),
        cmocka_unit_test(test_what_waited_in_a_standstill_starts_with_the_change),
        cmocka_unit_test(test_order_is_kept_again_after_overtaking),
        cmocka_unit_test(test_codel_is_turned_on_and_off),
        cmocka_unit_test(test_what_waits_is_freed_with_the_link),
    };
    return cmocka_run_group_tests_name("link change", tests, NULL, NULL);
}
