/* `rule`: hits as they happen, what is counted at the end, and the finding about a rule that did nothing. */
#include "fixture.h"

static hp_sc_rule two_rules[2];

static fixture *with_rules(void **state, bool quiet)
{
    fixture *f = *state;
    memset(two_rules, 0, sizeof two_rules);
    two_rules[0].rule.label = (char *)"sharp";
    two_rules[0].rule.quiet = quiet;
    two_rules[0].mark = (hp_mark){"test.yaml", 5, 5};
    two_rules[1].mark = (hp_mark){"test.yaml", 6, 5};
    f->scenario.rules = two_rules;
    f->scenario.n_rules = 2;
    return f;
}

static hp_expect *expect_rule(fixture *f, const char *hits, const char *matched)
{
    hp_expect *e = add_expect(f, HP_EXPECT_RULE, (char *)"rule");
    e->rule.rule = (char *)"sharp";
    if (hits != NULL) {
        e->rule.hits = compare(hits, HP_UNIT_COUNT);
    }
    if (matched != NULL) {
        e->rule.matched = compare(matched, HP_UNIT_COUNT);
    }
    return e;
}

static void hit(fixture *f, hp_time at, const char *rule, uint64_t packet)
{
    hp_trace_event(f->trace, at, HP_EV_RULE_HIT, rule, HP_FS("place", "rules alice"), HP_FS("do", "drop"),
                   HP_FU("packet", packet), HP_FU("number", 1), HP_FU("hits", 1));
    hp_checker_feed(f->checker, f->trace);
}

static void counts(fixture *f, hp_time at, const char *rule, uint64_t matched, uint64_t hits)
{
    hp_trace_event(f->trace, at, HP_EV_RULE_COUNTS, rule, HP_FU("matched", matched), HP_FU("hits", hits));
    hp_checker_feed(f->checker, f->trace);
}

static void hits_are_counted(void **state)
{
    fixture *f = with_rules(state, false);
    expect_rule(f, NULL, NULL);
    expect_rule(f, "2", NULL);
    expect_rule(f, "1", NULL);
    expect_rule(f, NULL, ">= 5");
    follow(f);
    ev_packet(f, HP_S, "alice", HP_DIR_OUT, 5000, "x", 1);
    assert_false(hp_checker_decided(f->checker));
    hit(f, HP_S, "blunt", 1);
    hit(f, 2 * HP_S, "sharp", 1);
    hit(f, 3 * HP_S, "sharp", 1);
    counts(f, 4 * HP_S, "sharp", 5, 2);
    counts(f, 4 * HP_S, "2", 1, 0);
    fixture_finish(f, 4 * HP_S);
    assert_int_equal(f->result->expects->len, 4); /* no findings: each rule matched something */
    assert_true(nth(f, 0)->passed);
    assert_true(nth(f, 0)->at == 2 * HP_S);
    assert_int_equal(nth(f, 0)->packet, 1);
    assert_string_equal(nth(f, 0)->expected, "hits >= 1 of rule sharp");
    assert_string_equal(nth(f, 0)->got, "2 hits, the first at 2.000s, 5 packets matched");
    assert_true(nth(f, 1)->passed);
    assert_false(nth(f, 2)->passed);
    assert_true(nth(f, 2)->at == 3 * HP_S);
    assert_true(nth(f, 3)->passed);
    assert_string_equal(nth(f, 3)->expected, "matched >= 5 of rule sharp");
}

static void a_window_is_looked_at(void **state)
{
    fixture *f = with_rules(state, false);
    expect_rule(f, "1", NULL)->window.after = 3 * HP_S;
    expect_rule(f, "0", NULL)->window.before = HP_S;
    follow(f);
    hit(f, 2 * HP_S, "sharp", 0);
    hit(f, 4 * HP_S, "sharp", 0);
    counts(f, 5 * HP_S, "sharp", 2, 2);
    fixture_finish(f, 5 * HP_S);
    assert_true(nth(f, 0)->passed);
    assert_string_equal(nth(f, 0)->got, "1 hit, the first at 4.000s, 2 packets matched");
    assert_true(nth(f, 1)->passed);
}

static void a_quiet_rule_tells_at_the_end(void **state)
{
    fixture *f = with_rules(state, true);
    expect_rule(f, "3", "4");
    expect_rule(f, "> 3", NULL);
    follow(f);
    assert_false(hp_checker_decided(f->checker));
    counts(f, 5 * HP_S, "sharp", 4, 3);
    fixture_finish(f, 5 * HP_S);
    assert_true(nth(f, 0)->passed);
    assert_false(nth(f, 1)->passed);
    assert_string_equal(nth(f, 1)->got, "3 hits, 4 packets matched");
}

static void what_never_matched_is_a_finding(void **state)
{
    fixture *f = with_rules(state, false);
    follow(f);
    counts(f, 5 * HP_S, "sharp", 0, 0);
    counts(f, 5 * HP_S, "2", 0, 0);
    fixture_finish(f, 5 * HP_S);
    assert_int_equal(f->result->verdict, HP_VERDICT_FAIL);
    assert_int_equal(f->result->expects->len, 2);
    assert_string_equal(nth(f, 0)->got, "rule sharp never matched");
    assert_int_equal(nth(f, 0)->mark.line, 5);
    assert_string_equal(nth(f, 1)->got, "rule 2 never matched");
}

static void unless_the_scenario_knows_of_it_or_the_run_broke_off(void **state)
{
    fixture *f = with_rules(state, false);
    expect_rule(f, "<= 4", NULL);
    follow(f);
    counts(f, 5 * HP_S, "sharp", 0, 0); /* of the second one nothing is known */
    fixture_finish(f, 5 * HP_S);
    assert_int_equal(f->result->verdict, HP_VERDICT_PASS);
    assert_int_equal(f->result->expects->len, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(hits_are_counted, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(a_window_is_looked_at, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(a_quiet_rule_tells_at_the_end, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(what_never_matched_is_a_finding, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(unless_the_scenario_knows_of_it_or_the_run_broke_off, fixture_setup,
                                        fixture_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
