/* CoDel: the control law, the state machine step by step, and a link's queue under it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "world/codel.h"
#include "world/link_rig.h"

static const hp_codel_settings usual = {.target = 5 * HP_MS, .interval = 100 * HP_MS, .mtu = 1500};

static void test_control_law(void **state)
{
    assert_int_equal(hp_codel_control_law(7, 100 * HP_MS, 1), 7 + 100 * HP_MS);
    assert_int_equal(hp_codel_control_law(0, 100 * HP_MS, 2), 70710678);
    assert_int_equal(hp_codel_control_law(0, 100 * HP_MS, 3), 57735026);
    assert_int_equal(hp_codel_control_law(0, 100 * HP_MS, 4), 50 * HP_MS);
    assert_int_equal(hp_codel_control_law(0, 100 * HP_MS, 1000000), 100 * HP_US);
    assert_int_equal(hp_codel_control_law(0, HP_S, UINT32_MAX), 15258);
    assert_int_equal(hp_codel_control_law(HP_NEVER - 5, HP_S, 1), HP_NEVER);
}

static hp_codel_verdict judge(hp_codel *codel, hp_time now, hp_time waited)
{
    return hp_codel_judge(codel, &usual, now, waited, 3000, false);
}

static void test_a_short_wait_within_the_interval_starts_it_anew(void **state)
{
    hp_codel codel = {0};
    assert_int_equal(judge(&codel, 10 * HP_MS, 5 * HP_MS), HP_CODEL_SEND); /* too long from here on */
    assert_int_equal(judge(&codel, 109 * HP_MS, 50 * HP_MS), HP_CODEL_SEND);
    assert_int_equal(judge(&codel, 109 * HP_MS, 5 * HP_MS - 1), HP_CODEL_SEND);
    assert_int_equal(judge(&codel, 111 * HP_MS, 50 * HP_MS), HP_CODEL_SEND);
    assert_int_equal(judge(&codel, 211 * HP_MS - 1, 50 * HP_MS), HP_CODEL_SEND);
    assert_int_equal(judge(&codel, 211 * HP_MS, 50 * HP_MS), HP_CODEL_DROP);
    assert_int_equal(judge(&codel, 211 * HP_MS, 50 * HP_MS), HP_CODEL_SEND); /* the next one goes in any case */
    assert_int_equal(judge(&codel, 311 * HP_MS - 1, 50 * HP_MS), HP_CODEL_SEND);
    assert_int_equal(judge(&codel, 311 * HP_MS, 50 * HP_MS), HP_CODEL_DROP);
}

static void test_one_packet_behind_is_no_queue(void **state)
{
    hp_codel codel = {0};
    hp_codel_judge(&codel, &usual, 1, HP_S, 1501, false);
    assert_int_equal(hp_codel_judge(&codel, &usual, HP_S, HP_S, 1500, false), HP_CODEL_SEND);
    assert_int_equal(hp_codel_judge(&codel, &usual, HP_S, HP_S, 1501, false), HP_CODEL_SEND);
    assert_int_equal(hp_codel_judge(&codel, &usual, 2 * HP_S, HP_S, 1501, false), HP_CODEL_DROP);
}

static void test_overdue_drops_are_made_up_for(void **state)
{
    hp_codel codel = {0};
    judge(&codel, 1, HP_S);
    assert_int_equal(judge(&codel, HP_S, HP_S), HP_CODEL_DROP); /* the next at 1.1 s, 1.1707, 1.2284, 1.2784 */
    assert_int_equal(judge(&codel, HP_S, HP_S), HP_CODEL_SEND);
    for (unsigned i = 0; i < 3; i++) {
        assert_int_equal(judge(&codel, 1250 * HP_MS, HP_S), HP_CODEL_DROP);
    }
    assert_int_equal(judge(&codel, 1250 * HP_MS, HP_S), HP_CODEL_SEND);
    assert_int_equal(codel.count, 4);
    assert_int_equal(codel.drop_next, 1100 * HP_MS + 70710678 + 57735026 + 50 * HP_MS);
}

static void test_a_short_wait_ends_the_dropping(void **state)
{
    hp_codel codel = {0};
    judge(&codel, 1, HP_S);
    assert_int_equal(judge(&codel, HP_S, HP_S), HP_CODEL_DROP);
    assert_int_equal(judge(&codel, HP_S, 0), HP_CODEL_SEND);
    assert_true(codel.dropping);
    assert_int_equal(judge(&codel, 1200 * HP_MS, 0), HP_CODEL_SEND); /* a drop would have been due */
    assert_false(codel.dropping);
}

static void test_an_empty_queue_ends_the_dropping(void **state)
{
    hp_codel codel = {0};
    judge(&codel, 1, HP_S);
    assert_int_equal(judge(&codel, HP_S, HP_S), HP_CODEL_DROP);
    hp_codel_is_empty(&codel);
    assert_false(codel.dropping);
    assert_int_equal(judge(&codel, 1500 * HP_MS, HP_S), HP_CODEL_SEND); /* one interval from here */
    assert_int_equal(judge(&codel, 1600 * HP_MS, HP_S), HP_CODEL_DROP);
}

/* A spell of six drops that ends at 1.35 s, and another after a pause. */
static hp_codel two_spells(hp_time pause)
{
    hp_codel codel = {0};
    judge(&codel, 1, HP_S);
    for (hp_time now = HP_S; now <= 1350 * HP_MS; now += HP_MS) {
        while (judge(&codel, now, HP_S) == HP_CODEL_DROP) {
        }
    }
    judge(&codel, 1351 * HP_MS, 0);
    assert_false(codel.dropping);
    assert_int_equal(codel.count, 6);
    judge(&codel, 1350 * HP_MS + pause, HP_S);
    assert_int_equal(judge(&codel, 1450 * HP_MS + pause, HP_S), HP_CODEL_DROP);
    return codel;
}

static void test_the_next_spell_goes_on_where_the_last_one_ended(void **state)
{
    hp_codel soon = two_spells(10 * HP_MS);
    assert_int_equal(soon.count, 5); /* six less the one that it began with */
    assert_int_equal(soon.drop_next, 1460 * HP_MS + 44721359);
    /* The last spell's next drop would have been at 1.3639 s: it is forgotten 1.6 s after that. */
    assert_int_equal(two_spells(1500 * HP_MS).count, 5);
    assert_int_equal(two_spells(1700 * HP_MS).count, 1);
}

static void test_marks_instead_of_drops(void **state)
{
    hp_codel codel = {0};
    hp_codel_judge(&codel, &usual, 1, HP_S, 3000, true);
    assert_int_equal(hp_codel_judge(&codel, &usual, HP_S, HP_S, 3000, true), HP_CODEL_MARK);
    assert_int_equal(codel.drop_next, 1100 * HP_MS);
    assert_int_equal(hp_codel_judge(&codel, &usual, HP_S, HP_S, 3000, true), HP_CODEL_SEND);
    assert_int_equal(hp_codel_judge(&codel, &usual, 1100 * HP_MS, HP_S, 3000, true), HP_CODEL_MARK);
    assert_int_equal(codel.drop_next, 1100 * HP_MS + 70710678);
    assert_int_equal(hp_codel_judge(&codel, &usual, 1180 * HP_MS, HP_S, 3000, false), HP_CODEL_DROP);
    codel = (hp_codel){0};
    hp_codel_judge(&codel, &usual, 1, HP_S, 3000, true);
    assert_int_equal(hp_codel_judge(&codel, &usual, HP_S, HP_S, 3000, true), HP_CODEL_MARK);
    assert_int_equal(hp_codel_judge(&codel, &usual, 1100 * HP_MS, HP_S, 3000, true),
                     HP_CODEL_MARK); /* nobody is spared */
}

/* ---- in a link ---- */

/* 12 Mbit/s: a packet of 1500 bytes takes 1 ms. */
static bench standing_queue(hp_link_config config, unsigned n, uint8_t tos)
{
    config.rate_bps = 12000000;
    config.queue_kind = HP_QUEUE_CODEL;
    bench b = bench_new(1, &config);
    for (unsigned i = 0; i < n; i++) {
        hp_packet *p = udp_packet(b.world, A, B, PAYLOAD_1500);
        p->tos = tos;
        give(hp_link_node(b.link), 0, p);
    }
    run(&b, 10 * HP_S);
    return b;
}

static void expect_missing(const bench *b, unsigned n, const uint64_t *missing, unsigned n_missing)
{
    unsigned at = 0;
    for (uint64_t uid = 1; uid <= n; uid++) {
        bool gone = false;
        for (unsigned i = 0; i < n_missing; i++) {
            gone = gone || missing[i] == uid;
        }
        if (!gone) {
            assert_int_equal(probe_at(b->far, at)->p->uid, uid);
            assert_int_equal(probe_at(b->far, at)->at, (at + 1) * HP_MS); /* the wire never pauses */
            at++;
        }
    }
    assert_int_equal(b->far->hits->len, at);
}

/* Packet k is looked at at k - 1 ms, less one for each drop before: the sixth has waited 5 ms, the 106th begins the
 * dropping at 105 ms, the next drops are due at 205, 275.71 and 333.4 ms. */
static void test_drops_at_the_head(void **state)
{
    bench b = standing_queue((hp_link_config){0}, 300, 0);
    static const uint64_t missing[] = {106, 207, 279};
    expect_missing(&b, 300, missing, 3);
    hp_record r = {0};
    assert_int_equal(count_drops(b.trace, HP_DROP_LINK_CODEL, &r), 3);
    assert_int_equal(r.drop.uid, 279);
    assert_string_equal(r.drop.detail, "waited 276ms");
    assert_string_equal(r.drop.place, "link a>b");
    assert_int_equal(r.at, 276 * HP_MS);
    hp_link_stats stats = hp_link_get_stats(b.link);
    assert_int_equal(stats.codel_drops, 3);
    assert_int_equal(stats.queue_drops, 0);
    bench_free(&b);
}

/* The far end sees nothing for a long time, and yet they are dropped at their instants. */
static void test_drops_are_made_when_they_are_due(void **state)
{
    bench b = standing_queue((hp_link_config){.delay_ns = HP_S}, 300, 0);
    static const hp_time wanted[] = {105 * HP_MS, 205 * HP_MS, 276 * HP_MS};
    hp_trace_cursor cursor = {0};
    hp_record r = {0};
    unsigned n = 0;
    while (hp_trace_next_of(b.trace, &cursor, 1u << HP_RECORD_DROP, &r)) {
        hp_time due = n < G_N_ELEMENTS(wanted) ? wanted[n] : HP_NEVER;
        assert_int_equal(r.at, due);
        n++;
    }
    assert_int_equal(n, 3);
    bench_free(&b);
}

static void test_target_and_interval(void **state)
{
    bench b = standing_queue((hp_link_config){.codel_target_ns = 20 * HP_MS, .codel_interval_ns = 40 * HP_MS}, 100, 0);
    static const uint64_t missing[] = {61}; /* 20 ms are reached at 20 ms, the interval is over at 60 */
    expect_missing(&b, 100, missing, 1);
    bench_free(&b);
}

static void test_marks_in_a_link(void **state)
{
    bench b = standing_queue((hp_link_config){.codel_ecn = true}, 300, 0xb8 | 2);
    expect_missing(&b, 300, NULL, 0);
    assert_int_equal(hp_link_get_stats(b.link).marked, 3);
    for (unsigned i = 0; i < 300; i++) {
        uint64_t uid = probe_at(b.far, i)->p->uid;
        bool marked = uid == 106 || uid == 206 || uid == 277;
        assert_int_equal(probe_at(b.far, i)->p->tos, 0xb8 | (marked ? 3 : 2));
    }
    bench_free(&b);
    b = standing_queue((hp_link_config){.codel_ecn = true}, 300, 0xb8); /* they cannot be marked */
    assert_int_equal(hp_link_get_stats(b.link).codel_drops, 3);
    assert_int_equal(hp_link_get_stats(b.link).marked, 0);
    bench_free(&b);
}

static void test_the_tail_still_has_its_limit(void **state)
{
    bench b = standing_queue((hp_link_config){.queue_packets = 50}, 300, 0);
    assert_int_equal(b.far->hits->len, 51);
    assert_int_equal(count_drops(b.trace, HP_DROP_LINK_QUEUE, NULL), 249);
    bench_free(&b);
}

static void test_a_link_without_a_queue_is_left_alone(void **state)
{
    hp_link_config config = {.rate_bps = 12000000, .queue_kind = HP_QUEUE_CODEL, .codel_target_ns = 1};
    bench b = bench_new(1, &config);
    for (unsigned i = 0; i < 2000; i++) {
        run(&b, i * 1100 * HP_US);
        put(&b, PAYLOAD_1500);
    }
    run(&b, 10 * HP_S);
    assert_int_equal(b.far->hits->len, 2000);
    bench_free(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_control_law),
        cmocka_unit_test(test_a_short_wait_within_the_interval_starts_it_anew),
        cmocka_unit_test(test_one_packet_behind_is_no_queue),
        cmocka_unit_test(test_overdue_drops_are_made_up_for),
        cmocka_unit_test(test_a_short_wait_ends_the_dropping),
        cmocka_unit_test(test_an_empty_queue_ends_the_dropping),
        cmocka_unit_test(test_the_next_spell_goes_on_where_the_last_one_ended),
        cmocka_unit_test(test_marks_instead_of_drops),
        cmocka_unit_test(test_drops_at_the_head),
        cmocka_unit_test(test_drops_are_made_when_they_are_due),
        cmocka_unit_test(test_target_and_interval),
        cmocka_unit_test(test_marks_in_a_link),
        cmocka_unit_test(test_the_tail_still_has_its_limit),
        cmocka_unit_test(test_a_link_without_a_queue_is_left_alone),
    };
    return cmocka_run_group_tests_name("link codel", tests, NULL, NULL);
}
