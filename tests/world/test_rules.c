/* The scripted middlebox: which packets a rule hits, what is done to their passage, and what the trace says of it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "base/error.h"
#include "world/rules_rig.h"

static void test_no_rules_pass_everything(void **state)
{
    rig r = rig_new(NULL, 0);
    hp_packet *p = udp_packet(r.world, ALICE, SERVER, 20);
    uint8_t ttl = p->ttl;
    rig_up(&r, p);
    rig_give(&r, HP_RULES_FAR, udp_packet(r.world, SERVER, ALICE, 5));
    assert_int_equal(r.far->hits->len, 1);
    assert_ptr_equal(probe_at(r.far, 0)->p, p);
    assert_int_equal(p->ttl, ttl);
    assert_int_equal(r.near->hits->len, 1);
    assert_int_equal(probe_at(r.near, 0)->p->length, 5);
    rig_free(&r);
}

static void test_drop_by_number_and_direction(void **state)
{
    hp_rule_action drop = {.what = HP_RULE_DROP};
    hp_packet_range nth[] = {{6, 0}, {2, 3}}; /* any order */
    hp_rule rule = {.direction = HP_RULE_UP, .nth = nth, .n_nth = 2, .actions = &drop, .n_actions = 1};
    rig r = rig_new(&rule, 1);
    for (uint8_t i = 1; i <= 8; i++) {
        rig_send(&r, i);
        rig_give(&r, HP_RULES_FAR, udp_packet(r.world, SERVER, ALICE, 5)); /* not counted */
    }
    assert_int_equal(r.far->hits->len, 3);
    assert_int_equal(rig_mark(r.far, 0), 1);
    assert_int_equal(rig_mark(r.far, 1), 4);
    assert_int_equal(rig_mark(r.far, 2), 5);
    assert_int_equal(r.near->hits->len, 8);
    hp_rule_counts counts = hp_rules_counts(r.box, 0);
    assert_int_equal(counts.matched, 8);
    assert_int_equal(counts.hits, 5);
    hp_record last;
    assert_int_equal(count_drops(r.trace, HP_DROP_RULE, &last), 5);
    assert_string_equal(last.drop.place, "box");
    assert_string_equal(last.drop.detail, "rule 1: dropped");
    assert_int_equal(last.drop.packet, 15); /* the tap's record of the eighth */
    assert_null(rig_note(&r, 0, NULL)); /* the drop says it */
    rig_free(&r);
}

/* A rule counts only within its window, and its limit ends it. */
static void test_window_and_limit(void **state)
{
    hp_rule_action drop = {.what = HP_RULE_DROP};
    hp_packet_range second = {2, 0};
    hp_rule rules[] = {
        {.from = 10 * HP_MS, .to = 30 * HP_MS, .nth = &second, .n_nth = 1, .actions = &drop, .n_actions = 1},
        {.from = 40 * HP_MS, .limit = 2, .actions = &drop, .n_actions = 1},
    };
    rig r = rig_new(rules, 2);
    for (uint8_t i = 0; i < 8; i++) { /* at 0, 10, 20, ... */
        rig_run(&r, i * 10 * HP_MS);
        rig_send(&r, i);
    }
    static const uint8_t expected[] = {0, 1, 3, 6, 7};
    assert_int_equal(r.far->hits->len, sizeof expected);
    for (unsigned i = 0; i < sizeof expected; i++) {
        assert_int_equal(rig_mark(r.far, i), expected[i]);
    }
    assert_int_equal(hp_rules_counts(r.box, 0).matched, 2);
    assert_int_equal(hp_rules_counts(r.box, 1).matched, 4);
    assert_int_equal(hp_rules_counts(r.box, 1).hits, 2);
    rig_free(&r);
}

static unsigned dropped_of(const hp_rule *rules, unsigned n, unsigned index)
{
    rig r = rig_new(rules, n);
    for (unsigned i = 0; i < 10000; i++) {
        rig_send(&r, 0);
    }
    unsigned hits = (unsigned)hp_rules_counts(r.box, index).hits;
    rig_free(&r);
    return hits;
}

/* Luck: about what was asked for, the same again, and no other for a rule that has a label and gets a neighbour. */
static void test_chance(void **state)
{
    hp_rule_action drop = {.what = HP_RULE_DROP}, pass = {.what = HP_RULE_PASS};
    char label[] = "thin";
    hp_rule rules[] = {
        {.chance_ppb = HP_PPB / 2, .actions = &pass, .n_actions = 1, .go_on = true, .quiet = true},
        {.label = label, .chance_ppb = HP_PPB / 10, .actions = &drop, .n_actions = 1},
    };
    unsigned both = dropped_of(rules, 2, 1), alone = dropped_of(rules + 1, 1, 0);
    assert_in_range(both, 1000 - 4 * 30, 1000 + 4 * 30); /* sigma is 30 */
    assert_int_equal(alone, both);
}

/* The first rule that hits has the packet, unless it lets the list go on. */
static void test_order_and_going_on(void **state)
{
    hp_rule_action pass = {.what = HP_RULE_PASS}, drop = {.what = HP_RULE_DROP};
    hp_rule_action ttl = {.what = HP_RULE_REWRITE, .rewrite = {.has_ttl = true, .ttl = 1}};
    hp_match_detail one = {0};
    assert_true(hp_compare_parse("1", HP_UNIT_COUNT, &one.ttl));
    hp_packet_range first = {1, 1};
    hp_rule rules[] = {
        {.nth = &first, .n_nth = 1, .actions = &pass, .n_actions = 1},
        {.actions = &ttl, .n_actions = 1, .go_on = true},
        {.match.detail = one, .actions = &drop, .n_actions = 1}, /* sees what the rule before has made of it */
    };
    rig r = rig_new(rules, 3);
    rig_send(&r, 1);
    rig_send(&r, 2);
    assert_int_equal(r.far->hits->len, 1);
    assert_int_equal(rig_mark(r.far, 0), 1);
    assert_int_equal(hp_rules_counts(r.box, 1).hits, 1);
    assert_int_equal(hp_rules_counts(r.box, 2).hits, 1);
    assert_string_equal(rig_note(&r, 0, NULL), "rule 1: passed");
    assert_string_equal(rig_note(&r, 1, NULL), "rule 2: TTL now 1");
    rig_free(&r);
}

static bool odd(const hp_packet *p, void *calls)
{
    ++*(unsigned *)calls;
    return p->payload[0] % 2 == 1;
}

static void test_filter_runs_after_the_match(void **state)
{
    unsigned calls = 0;
    hp_rule_action drop = {.what = HP_RULE_DROP};
    hp_rule rule = {
        .match = {.proto = HP_MATCH_UDP}, .filter = odd, .filter_data = &calls, .actions = &drop, .n_actions = 1};
    rig r = rig_new(&rule, 1);
    rig_send(&r, 1);
    rig_send(&r, 2);
    rig_up(&r, tcp_packet(r.world, ALICE, SERVER, HP_TCP_SYN, 1, 0, ""));
    assert_int_equal(calls, 2);
    assert_int_equal(r.far->hits->len, 2);
    assert_int_equal(rig_mark(r.far, 0), 2);
    rig_free(&r);
}

static void test_delay(void **state)
{
    hp_rule_action late = {.what = HP_RULE_DELAY, .delay = {.fixed = 20 * HP_MS}};
    hp_packet_range first = {1, 1};
    hp_rule rule = {.nth = &first, .n_nth = 1, .actions = &late, .n_actions = 1};
    rig r = rig_new(&rule, 1);
    rig_run(&r, 5 * HP_MS);
    rig_send(&r, 1);
    rig_send(&r, 2);
    assert_int_equal(hp_rules_n_waiting(r.box), 1);
    rig_run(&r, HP_S);
    assert_int_equal(r.far->hits->len, 2);
    assert_int_equal(rig_mark(r.far, 0), 2);
    assert_int_equal(probe_at(r.far, 0)->at, 5 * HP_MS);
    assert_int_equal(rig_mark(r.far, 1), 1);
    assert_int_equal(probe_at(r.far, 1)->at, 25 * HP_MS);
    uint32_t packet;
    assert_string_equal(rig_note(&r, 0, &packet), "rule 1: delayed by 20ms");
    assert_int_equal(packet, 1);
    rig_free(&r);
}

/* Jittered packets keep their order unless they may overtake. */
static void test_jitter(void **state)
{
    for (unsigned overtake = 0; overtake < 2; overtake++) {
        hp_rule_action late = {.what = HP_RULE_DELAY,
                               .delay = {.fixed = 5 * HP_MS, .jitter = 50 * HP_MS, .overtake = overtake != 0}};
        hp_rule rule = {.actions = &late, .n_actions = 1};
        rig r = rig_new(&rule, 1);
        for (uint8_t i = 0; i < 100; i++) {
            rig_run(&r, i * HP_MS);
            rig_send(&r, i);
        }
        rig_run(&r, HP_S);
        assert_int_equal(r.far->hits->len, 100);
        unsigned inversions = 0;
        for (unsigned i = 0; i < 100; i++) {
            hp_time delay = probe_at(r.far, i)->at - rig_mark(r.far, i) * HP_MS;
            assert_in_range(delay, 5 * HP_MS, 55 * HP_MS);
            inversions += i > 0 && rig_mark(r.far, i) < rig_mark(r.far, i - 1);
        }
        assert_int_equal(inversions > 0, overtake != 0);
        rig_free(&r);
    }
}

static void test_duplicate(void **state)
{
    hp_rule_action twice = {.what = HP_RULE_DUPLICATE, .duplicate = {.copies = 2, .spacing = 3 * HP_MS}};
    hp_rule rule = {.actions = &twice, .n_actions = 1};
    rig r = rig_new(&rule, 1);
    rig_send(&r, 9);
    uint64_t uid = probe_at(r.far, 0)->p->uid;
    rig_run(&r, HP_S);
    assert_int_equal(r.far->hits->len, 3);
    for (unsigned i = 0; i < 3; i++) {
        assert_int_equal(probe_at(r.far, i)->at, i * 3 * HP_MS);
        assert_int_equal(rig_mark(r.far, i), 9);
        assert_int_equal(probe_at(r.far, i)->p->uid, uid);
    }
    rig_free(&r);
}

/* What comes before a copy is made concerns the copy, what comes after does not. */
static void test_duplicate_amid_other_actions(void **state)
{
    hp_rule_action actions[] = {
        {.what = HP_RULE_DELAY, .delay = {.fixed = 10 * HP_MS}},
        {.what = HP_RULE_DUPLICATE},
        {.what = HP_RULE_DROP},
    };
    hp_rule rule = {.actions = actions, .n_actions = 3};
    rig r = rig_new(&rule, 1);
    rig_send(&r, 9);
    assert_int_equal(count_drops(r.trace, HP_DROP_RULE, NULL), 1);
    rig_run(&r, HP_S);
    assert_int_equal(r.far->hits->len, 1);
    assert_int_equal(probe_at(r.far, 0)->at, 10 * HP_MS);
    rig_free(&r);
}

static void test_reorder_by_packets(void **state)
{
    hp_rule_action hold = {.what = HP_RULE_REORDER, .reorder = {.packets = 2, .at_most = HP_S}};
    hp_packet_range first = {1, 1};
    hp_rule rule = {.direction = HP_RULE_UP, .nth = &first, .n_nth = 1, .actions = &hold, .n_actions = 1};
    rig r = rig_new(&rule, 1);
    rig_send(&r, 1);
    assert_int_equal(hp_rules_n_waiting(r.box), 1);
    rig_send(&r, 2);
    rig_up(&r, udp_packet(r.world, "10.0.0.2:5001", SERVER, 20)); /* another flow's */
    rig_give(&r, HP_RULES_FAR, udp_packet(r.world, SERVER, ALICE, 5)); /* the other way */
    assert_int_equal(r.far->hits->len, 2);
    rig_send(&r, 3);
    assert_int_equal(r.far->hits->len, 4); /* in the same call */
    assert_int_equal(rig_mark(r.far, 2), 3);
    assert_int_equal(rig_mark(r.far, 3), 1);
    assert_int_equal(probe_at(r.far, 3)->at, 0);
    assert_int_equal(hp_world_next_deadline(r.world), HP_NEVER);
    assert_string_equal(rig_note(&r, 0, NULL), "rule 1: held until 2 later packets have left");
    rig_free(&r);
}

static void test_reorder_by_time(void **state)
{
    hp_rule_action hold = {.what = HP_RULE_REORDER};
    hp_packet_range first = {1, 2};
    hp_rule rule = {.nth = &first, .n_nth = 1, .actions = &hold, .n_actions = 1};
    rig r = rig_new(&rule, 1);
    rig_send(&r, 1);
    rig_run(&r, 4 * HP_MS);
    rig_send(&r, 2); /* held as well: it has not left, and sets nobody free */
    rig_run(&r, HP_S);
    assert_int_equal(r.far->hits->len, 2);
    assert_int_equal(rig_mark(r.far, 0), 1);
    assert_int_equal(probe_at(r.far, 0)->at, 10 * HP_MS);
    assert_int_equal(rig_mark(r.far, 1), 2);
    assert_int_equal(probe_at(r.far, 1)->at, 14 * HP_MS);
    rig_free(&r);
}

/* No more than 256 are held; the next one passes. */
static void test_reorder_is_bounded(void **state)
{
    hp_rule_action hold = {.what = HP_RULE_REORDER, .reorder = {.packets = 100000, .at_most = HP_S}};
    hp_rule rule = {.actions = &hold, .n_actions = 1, .quiet = true};
    rig r = rig_new(&rule, 1);
    for (unsigned i = 0; i < 300; i++) {
        rig_send(&r, 0);
    }
    assert_int_equal(r.far->hits->len, 44);
    assert_int_equal(hp_rules_n_waiting(r.box), 256);
    rig_run(&r, 2 * HP_S);
    assert_int_equal(r.far->hits->len, 300);
    rig_free(&r);
}

/* 48 bytes on the wire each; the bucket holds two packets and gains one every 48 ms. */
static void test_rate_limit(void **state)
{
    hp_rule_action limit = {.what = HP_RULE_RATE_LIMIT, .rate = {.rate_bps = 8000, .burst_bytes = 96}};
    hp_rule rule = {.actions = &limit, .n_actions = 1};
    rig r = rig_new(&rule, 1);
    rig_send(&r, 1);
    rig_send(&r, 2);
    rig_send(&r, 3); /* dropped */
    rig_run(&r, 48 * HP_MS - 1);
    rig_send(&r, 4); /* one nanosecond early */
    rig_run(&r, 48 * HP_MS);
    rig_send(&r, 5);
    rig_send(&r, 6); /* dropped */
    rig_run(&r, 100 * HP_S); /* full again, and no fuller */
    rig_send(&r, 7);
    rig_send(&r, 8);
    rig_send(&r, 9);
    static const uint8_t expected[] = {1, 2, 5, 7, 8};
    assert_int_equal(r.far->hits->len, sizeof expected);
    for (unsigned i = 0; i < sizeof expected; i++) {
        assert_int_equal(rig_mark(r.far, i), expected[i]);
    }
    hp_record last;
    assert_int_equal(count_drops(r.trace, HP_DROP_RULE, &last), 4);
    assert_string_equal(last.drop.detail, "rule 1: over the rate");
    rig_free(&r);
}

/* Each hit is an event of its own, named after label or number; a quiet rule's are not told. */
static void test_hits_are_events(void **state)
{
    hp_rule_action both[] = {{.what = HP_RULE_PASS}, {.what = HP_RULE_DUPLICATE}}, drop = {.what = HP_RULE_DROP};
    hp_packet_range third = {3, 3};
    hp_rule list[] = {
        {.actions = both, .n_actions = 2, .number = 9, .go_on = true},
        {.actions = both, .n_actions = 1, .quiet = true, .go_on = true},
        {.actions = &drop, .n_actions = 1, .label = "third", .nth = &third, .n_nth = 1},
    };
    rig r = rig_new(list, 3);
    rig_send(&r, 1);
    rig_send(&r, 2);
    rig_send(&r, 3);
    hp_trace_cursor cursor = {0};
    hp_record record;
    unsigned n = 0;
    while (hp_trace_next(r.trace, &cursor, &record)) {
        if (record.type != HP_RECORD_EVENT) {
            continue;
        }
        n++;
        assert_int_equal(record.event.kind, HP_EV_RULE_HIT);
        assert_string_equal(hp_record_text(&record, "place"), "box");
        assert_int_equal(hp_record_u64(&record, "packet"), MIN(n, 3));
        assert_int_equal(hp_record_u64(&record, "number"), MIN(n, 3));
        assert_string_equal(record.event.subject, n == 4 ? "third" : "9");
        assert_string_equal(hp_record_text(&record, "do"), n == 4 ? "drop" : "pass, duplicate");
        assert_int_equal(hp_record_u64(&record, "hits"), n == 4 ? 1 : n);
    }
    assert_int_equal(n, 4);
    hp_record last;
    assert_int_equal(count_drops(r.trace, HP_DROP_RULE, &last), 1);
    assert_string_equal(last.drop.detail, "rule 3 (third): dropped");
    rig_free(&r);
}

/* The largest bucket and rate: nothing overflows. */
static void test_rate_limit_at_its_bounds(void **state)
{
    hp_rule_action limit = {.what = HP_RULE_RATE_LIMIT,
                            .rate = {.rate_bps = HP_RULE_MAX_RATE, .burst_bytes = HP_RULE_MAX_BURST}};
    hp_rule rule = {.actions = &limit, .n_actions = 1};
    rig r = rig_new(&rule, 1);
    rig_send(&r, 1);
    rig_run(&r, 1);
    rig_send(&r, 2);
    rig_run(&r, UINT64_C(1) << 62);
    rig_send(&r, 3);
    assert_int_equal(r.far->hits->len, 3);
    rig_free(&r);
}

static void test_new_list_and_switch(void **state)
{
    hp_rule_action drop = {.what = HP_RULE_DROP}, late = {.what = HP_RULE_DELAY, .delay = {.fixed = HP_S}};
    char label[] = "no calls";
    hp_rule rule = {.label = label, .off = true, .actions = &drop, .n_actions = 1};
    hp_rule slow = {.actions = &late, .n_actions = 1};
    rig r = rig_new(&slow, 1);
    rig_send(&r, 1);
    assert_true(hp_rules_set(r.box, &rule, 1, NULL)); /* what is under way stays so */
    rig_send(&r, 2);
    hp_rules_switch(r.box, 0, true);
    rig_send(&r, 3);
    hp_rules_switch(r.box, 0, false);
    rig_send(&r, 4);
    assert_int_equal(hp_rules_counts(r.box, 0).hits, 1);

    hp_rule_action bad = {.what = HP_RULE_RATE_LIMIT};
    rule.actions = &bad;
    g_autoptr(GError) error = NULL;
    assert_false(hp_rules_set(r.box, &rule, 1, &error));
    assert_true(g_error_matches(error, HP_ERROR, HP_ERROR_INVALID));
    assert_string_equal(error->message,
                        "rule 1 (no calls): a rate limit needs a rate of up to 1 Tbit/s and a burst of up to 2 GiB");
    assert_int_equal(hp_rules_counts(r.box, 0).hits, 1); /* the old list stands */
    hp_record last;
    count_drops(r.trace, HP_DROP_RULE, &last);
    assert_string_equal(last.drop.detail, "rule 1 (no calls): dropped");
    rig_run(&r, 2 * HP_S);
    assert_int_equal(r.far->hits->len, 3);
    assert_int_equal(rig_mark(r.far, 2), 1);
    assert_int_equal(probe_at(r.far, 2)->at, HP_S);
    rig_free(&r);
}

static unsigned n_hints;

static void count_hint(const hp_node *node, unsigned port, const hp_packet *p, hp_hint hint)
{
    n_hints += port == 3 && hint == HP_HINT_NEAR;
}

/* A hint goes to what is beyond, if that wants one. */
static void test_hints_go_through(void **state)
{
    static hp_node_ops wanting;
    wanting = probe_ops;
    wanting.hint = count_hint;
    rig r = rig_new(NULL, 0);
    hp_node *box = hp_rules_node(r.box);
    g_autoptr(hp_packet) p = udp_packet(r.world, ALICE, SERVER, 20);
    box->ops->hint(box, HP_RULES_NEAR, p, HP_HINT_NEAR);
    r.far->node.ops = &wanting;
    hp_node_connect(box, HP_RULES_FAR, &r.far->node, 3);
    box->ops->hint(box, HP_RULES_NEAR, p, HP_HINT_NEAR);
    assert_int_equal(n_hints, 1);
    assert_int_equal(r.far->hits->len, 0);
    rig_free(&r);
}

/* A world may end with packets under way. */
static void test_freed_with_packets_inside(void **state)
{
    hp_rule_action late = {.what = HP_RULE_DELAY, .delay = {.fixed = HP_S}}, hold = {.what = HP_RULE_REORDER};
    hp_packet_range first = {1, 1};
    hp_rule rules[] = {
        {.nth = &first, .n_nth = 1, .actions = &hold, .n_actions = 1},
        {.actions = &late, .n_actions = 1},
    };
    rig r = rig_new(rules, 2);
    rig_send(&r, 1);
    rig_send(&r, 2);
    assert_int_equal(hp_rules_n_waiting(r.box), 2);
    rig_free(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_no_rules_pass_everything),
        cmocka_unit_test(test_drop_by_number_and_direction),
        cmocka_unit_test(test_window_and_limit),
        cmocka_unit_test(test_chance),
        cmocka_unit_test(test_order_and_going_on),
        cmocka_unit_test(test_filter_runs_after_the_match),
        cmocka_unit_test(test_delay),
        cmocka_unit_test(test_jitter),
        cmocka_unit_test(test_duplicate),
        cmocka_unit_test(test_duplicate_amid_other_actions),
        cmocka_unit_test(test_reorder_by_packets),
        cmocka_unit_test(test_reorder_by_time),
        cmocka_unit_test(test_reorder_is_bounded),
        cmocka_unit_test(test_rate_limit),
        cmocka_unit_test(test_hits_are_events),
        cmocka_unit_test(test_rate_limit_at_its_bounds),
        cmocka_unit_test(test_new_list_and_switch),
        cmocka_unit_test(test_hints_go_through),
        cmocka_unit_test(test_freed_with_packets_inside),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
