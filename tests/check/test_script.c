/* script: what a raw peer's script told in the trace, as a verdict. */
#include "fixture.h"

static hp_expect *add_script(fixture *f)
{
    hp_expect *e = add_expect(f, HP_EXPECT_SCRIPT, "script: carol");
    e->script.peer = "carol";
    return e;
}

static void sent(fixture *f, hp_time at, const char *who, unsigned line)
{
    EVENT(f, at, HP_EV_RAW_SENT, who, HP_FU("line", line), HP_FS("action", "send"), HP_FS("what", "5 bytes"));
}

static void ended(fixture *f, hp_time at, const char *who, const char *outcome)
{
    EVENT(f, at, HP_EV_RAW_DONE, who, HP_FS("script", "script"), HP_FS("outcome", outcome));
}

static void missed(fixture *f, hp_time at, const char *nearest, unsigned packet)
{
    EVENT(f, at, HP_EV_RAW_MISSED, "carol", HP_FU("line", 14), HP_FS("action", "receive"),
          HP_FS("expected", "Allocate success"), HP_FT("waited", HP_S), HP_FS("nearest", nearest),
          HP_FS("why", "its code is 401, not 438"), HP_FU("packet", packet));
}

static void carried_out(void **state)
{
    fixture *f = *state;
    add_script(f);
    sent(f, HP_S, "carol", 10);
    ended(f, HP_S, "bob", "failed"); /* somebody else's */
    assert_false(hp_checker_decided(f->checker));
    ended(f, 2 * HP_S, "carol", "done");
    assert_true(hp_checker_decided(f->checker));
    fixture_finish(f, 9 * HP_S);
    ASSERT_EXPECT(f, 0, true, 2 * HP_S, 0, "done at 2.000s");
    assert_string_equal(nth(f, 0)->expected, "the script of carol is carried out");
}

static void the_first_miss_is_told(void **state)
{
    fixture *f = *state;
    add_script(f);
    ev_packet(f, HP_S, "bob", HP_DIR_IN, 1, "", 0);
    missed(f, 2 * HP_S, "Allocate error 401 Unauthorized", 1);
    EVENT(f, 2 * HP_S, HP_EV_RAW_ERROR, "carol", HP_FU("line", 15), HP_FS("action", "send"), HP_FS("message", "no"));
    ended(f, 2 * HP_S, "carol", "failed");
    fixture_finish(f, 9 * HP_S);
    ASSERT_EXPECT(f, 0, false, 2 * HP_S, 1,
                  "after 1.000s the nearest was packet 1, Allocate error 401 Unauthorized: its code is 401, not 438");
    assert_string_equal(nth(f, 0)->expected, "line 14: receive Allocate success");
}

static void nothing_came_near(void **state)
{
    fixture *f = *state;
    add_script(f);
    missed(f, 2 * HP_S, "", 0);
    ended(f, 2 * HP_S, "carol", "failed");
    fixture_finish(f, 9 * HP_S);
    ASSERT_EXPECT(f, 0, false, 2 * HP_S, 0, "nothing came within 1.000s");
}

static void an_action_that_could_not_be_done(void **state)
{
    fixture *f = *state;
    add_script(f);
    EVENT(f, 3 * HP_S, HP_EV_RAW_ERROR, "carol", HP_FU("line", 15), HP_FS("action", "send"),
          HP_FS("message", "socket `t` is not open"));
    ended(f, 3 * HP_S, "carol", "failed");
    fixture_finish(f, 9 * HP_S);
    ASSERT_EXPECT(f, 0, false, 3 * HP_S, 0, "socket `t` is not open");
    assert_string_equal(nth(f, 0)->expected, "line 15: send can be done");
}

static void failing_as_it_should(void **state)
{
    fixture *f = *state;
    add_script(f)->script.fails = true;
    add_script(f);
    missed(f, 2 * HP_S, "", 0);
    ended(f, 2 * HP_S, "carol", "failed");
    fixture_finish(f, 9 * HP_S);
    ASSERT_EXPECT(f, 0, true, 2 * HP_S, 0, "nothing came within 1.000s");
    assert_string_equal(nth(f, 0)->expected, "the script of carol fails");
    ASSERT_EXPECT(f, 1, false, 2 * HP_S, 0, "nothing came within 1.000s");
}

static void too_late(void **state)
{
    fixture *f = *state;
    hp_expect *e = add_script(f);
    e->script.has_within = true;
    e->script.within = HP_S;
    ended(f, 2 * HP_S, "carol", "done");
    fixture_finish(f, 9 * HP_S);
    ASSERT_EXPECT(f, 0, false, 2 * HP_S, 0, "done at 2.000s");
    assert_string_equal(nth(f, 0)->expected, "the script of carol is carried out by 1.000s");
}

/* A trace that breaks off. */
static void never_ended(void **state)
{
    fixture *f = *state;
    add_script(f);
    sent(f, HP_S, "carol", 12);
    fixture_finish(f, 9 * HP_S);
    ASSERT_EXPECT(f, 0, false, 9 * HP_S, 0, "it never ended: the last that was done is line 12");
}

static void the_result_tells_of_scripts(void **state)
{
    static hp_raw_action action;
    fixture *f = *state;
    f->sc_peers[2].is_raw = true;
    f->sc_peers[2].raw.script = (hp_raw_script){.actions = &action, .n_actions = 1};
    add_script(f);
    sent(f, HP_S, "carol", 10);
    sent(f, HP_S, "carol", 11);
    EVENT(f, HP_S, HP_EV_RAW_RECEIVED, "carol", HP_FS("what", "1 bytes"));
    ended(f, 2 * HP_S, "carol", "done");
    EVENT(f, 3 * HP_S, HP_EV_RAW_UNEXPECTED, "carol", HP_FS("what", "1 bytes"));
    fixture_finish(f, 9 * HP_S);
    assert_int_equal(f->result->n_scripts, 1);
    const hp_script_result *s = &f->result->scripts[0];
    assert_string_equal(s->peer, "carol");
    assert_string_equal(s->outcome, "done");
    assert_int_equal(s->ended, 2 * HP_S);
    assert_int_equal(s->line, 11);
    assert_int_equal(s->sent, 2);
    assert_int_equal(s->received, 1);
    assert_int_equal(s->unexpected, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(carried_out, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(the_first_miss_is_told, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(nothing_came_near, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(an_action_that_could_not_be_done, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(failing_as_it_should, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(too_late, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(never_ended, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(the_result_tells_of_scripts, fixture_setup, fixture_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
