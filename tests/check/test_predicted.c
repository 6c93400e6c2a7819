/* `predicted`: hand-made traces of calls whose plan comes from a scenario. */
// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>
// clang-format on

#include "check/check.h"

typedef struct run {
    hp_diags *diags;
    GPtrArray *scenarios;
    hp_plan *plan;
    hp_trace *trace;
    hp_checker *checker;
    hp_result *result;
} run;

/* %s: the keys of the expectation. A relay is predicted: home is symmetric. */
#define RELAYED                                                                                                        \
    "network: {nats: {home: symmetric, office: port-restricted-cone}}\n"                                               \
    "servers: {turn: turn}\ndefaults: {ice: {turn: turn, trickle: false}}\n"                                           \
    "peers: {alice: {behind: home}, bob: {behind: office}}\nsteps: [{call: {from: bob, to: alice}}]\n"                 \
    "expect: [{predicted: {%s}}]\n"
/* No path is predicted: nobody knows an address outside. */
#define HOPELESS                                                                                                       \
    "network: {nats: {home: full-cone, office: full-cone}}\npeers: {alice: {behind: home}, bob: {behind: office}}\n"   \
    "steps: [{call: {from: alice, to: bob}}]\nexpect: [predicted]\n"

static run begin(const char *format, const char *keys)
{
    run r = {.diags = hp_diags_new()};
    g_auto(GStrv) parts = g_strsplit(format, "%s", -1);
    g_autofree char *text = g_strjoinv(keys, parts);
    r.scenarios = hp_scenario_parse("test.yaml", text, strlen(text), r.diags);
    r.plan = r.scenarios ? hp_plan_new(r.scenarios->pdata[0], "test", 7, r.diags) : NULL;
    if (!r.plan) {
        g_autofree char *errors = hp_diags_format(r.diags);
        fail_msg("%s", errors);
    }
    r.trace = hp_trace_new_sized(1 << 20, NULL);
    r.checker = hp_checker_new(r.plan, NULL);
    hp_trace_event(r.trace, 100 * HP_MS, HP_EV_STEP, "call", HP_FU("step", 1));
    return r;
}

static bool is_decided(run *r)
{
    hp_checker_feed(r->checker, r->trace);
    return hp_checker_decided(r->checker);
}

/* Something that says nothing but the time. */
static bool is_decided_at(run *r, hp_time at)
{
    hp_trace_event(r->trace, at, HP_EV_RUN_END, "test", HP_FS("reason", ""));
    return is_decided(r);
}

static void state(run *r, hp_time at, const char *peer, const char *with, const char *to)
{
    hp_trace_event(r->trace, at, HP_EV_ICE_STATE, peer, HP_FU("session", 1), HP_FS("with", with), HP_FU("stream", 1),
                   HP_FU("component", 1), HP_FS("state", to), HP_FS("previous", ""));
}

static void gathered(run *r, hp_time at, const char *peer, const char *with)
{
    hp_trace_event(r->trace, at, HP_EV_GATHERING_DONE, peer, HP_FU("session", 1), HP_FS("with", with),
                   HP_FU("stream", 1));
}

static void both(run *r, hp_time at, const char *to)
{
    state(r, at, "alice", "bob", to);
    state(r, at, "bob", "alice", to);
}

static void pair(run *r, hp_time at, const char *peer, const char *with, const char *local, const char *remote)
{
    hp_addr a = {0};
    assert_true(hp_addr_parse("198.51.100.1:1", &a));
    hp_trace_event(r->trace, at, HP_EV_SELECTED_PAIR, peer, HP_FU("session", 1), HP_FS("with", with),
                   HP_FU("stream", 1), HP_FU("component", 1), HP_FS("local", local), HP_FS("remote", remote),
                   HP_FA("local-address", a), HP_FA("remote-address", a), HP_FA("local-base", a));
}

static void both_pair(run *r, hp_time at, const char *alice, const char *bob)
{
    pair(r, at, "alice", "bob", alice, bob);
    pair(r, at, "bob", "alice", bob, alice);
}

/* Judges by a second checker too, in one go: the verdict depends on the trace alone. Frees all. */
static void end(run *r, hp_time at, bool passed, const char *expected, const char *got)
{
    for (unsigned i = 0; i < 2; i++) {
        g_autoptr(hp_checker) fresh = i == 0 ? NULL : hp_checker_new(r->plan, NULL);
        hp_checker *checker = i == 0 ? r->checker : fresh;
        g_autoptr(hp_result) result = hp_checker_finish(checker, r->trace, HP_VERDICT_PASS, NULL, "decided", at);
        const hp_expect_result *e = result->expects->pdata[0];
        assert_string_equal(e->got, got);
        assert_string_equal(e->expected, expected);
        assert_int_equal(e->passed, passed);
    }
    hp_checker_free(r->checker);
    hp_trace_free(r->trace);
    hp_plan_free(r->plan);
    g_ptr_array_unref(r->scenarios);
    hp_diags_free(r->diags);
}

#define RELAY "alice and bob as predicted: relay, prflx or relay/srflx or relay"

static void as_predicted(void **ignored)
{
    run r = begin(RELAYED, "");
    both(&r, HP_S, "connecting");
    both_pair(&r, 2 * HP_S, "prflx", "relay");
    both(&r, 2 * HP_S, "connected");
    assert_false(is_decided(&r));
    state(&r, 3 * HP_S, "alice", "bob", "ready");
    assert_false(is_decided(&r));
    state(&r, 3 * HP_S, "bob", "alice", "ready");
    assert_true(is_decided(&r)); /* and not a second later */
    end(&r, 3 * HP_S, true, RELAY, "relay, prflx/relay, 1.900s");
}

static void late_is_wrong(void **ignored)
{
    for (unsigned late = 0; late < 2; late++) {
        run r = begin(RELAYED, "within: 2s");
        const hp_time at = 2100 * HP_MS + late;
        both(&r, HP_S, "connecting");
        both_pair(&r, at, "relay", "relay");
        both(&r, at, "ready");
        assert_true(is_decided(&r));
        end(&r, at, !late, RELAY ", within 2.000s", "relay, relay/relay, 2.000s");
    }
}

static void another_path_is_wrong(void **ignored)
{
    run r = begin(RELAYED, "");
    both(&r, HP_S, "connecting");
    both_pair(&r, 2 * HP_S, "prflx", "srflx");
    both(&r, 2 * HP_S, "ready");
    assert_true(is_decided(&r));
    end(&r, 2 * HP_S, false, RELAY, "direct, prflx/srflx, 1.900s");
    r = begin(RELAYED, "");
    both_pair(&r, 2 * HP_S, "host", "relay"); /* a relay, but not by that candidate */
    both(&r, 2 * HP_S, "ready");
    end(&r, 2 * HP_S, false, RELAY, "relay, host/relay, 1.900s");
}

/* Failed on both sides, all gathered, and nothing under way any more: two seconds and what signalling takes. */
static void failed_for_good(void **ignored)
{
    run r = begin(HOPELESS, "");
    both(&r, HP_S, "connecting");
    state(&r, 7 * HP_S, "alice", "bob", "failed");
    assert_false(is_decided_at(&r, 12 * HP_S)); /* bob has not */
    state(&r, 13 * HP_S, "bob", "alice", "failed");
    assert_false(is_decided_at(&r, 20 * HP_S)); /* more candidates may come */
    gathered(&r, 21 * HP_S, "alice", "bob");
    gathered(&r, 21 * HP_S, "bob", "alice");
    assert_true(is_decided(&r));
    end(&r, 21 * HP_S, true, "alice and bob as predicted: no path", "no path");

    r = begin(HOPELESS, "");
    gathered(&r, HP_S, "alice", "bob");
    gathered(&r, HP_S, "bob", "alice");
    both(&r, 7 * HP_S, "failed");
    assert_false(is_decided_at(&r, 9049 * HP_MS));
    assert_true(is_decided_at(&r, 9050 * HP_MS));
    end(&r, 9050 * HP_MS, true, "alice and bob as predicted: no path", "no path");
}

static void patience_ends(void **ignored)
{
    run r = begin(HOPELESS, "");
    both(&r, HP_S, "connecting");
    assert_false(is_decided_at(&r, 31 * HP_S - 1));
    assert_true(is_decided_at(&r, 31 * HP_S));
    end(&r, 31 * HP_S, true, "alice and bob as predicted: no path", "no path");
    r = begin(HOPELESS, ""); /* too short a run says nothing */
    both(&r, HP_S, "connecting");
    end(&r, 20 * HP_S, false, "alice and bob as predicted: no path",
        "no path so far: ICE was still at work when the run ended");
    r = begin(RELAYED, "");
    both(&r, HP_S, "connecting");
    end(&r, 20 * HP_S, false, RELAY,
        "no path so far: ICE was still at work when the run, or the network as it was, ended");
    r = begin(RELAYED, "");
    both(&r, HP_S, "connecting");
    end(&r, 31 * HP_S, false, RELAY, "no path");
}

/* Nothing may connect where nothing was predicted. */
static void a_path_out_of_nowhere(void **ignored)
{
    run r = begin(HOPELESS, "");
    both_pair(&r, 2 * HP_S, "host", "host");
    both(&r, 2 * HP_S, "ready");
    assert_true(is_decided(&r));
    end(&r, 2 * HP_S, false, "alice and bob as predicted: no path", "direct, host/host, 1.900s");
}

static void the_other_end_never_took_part(void **ignored)
{
    run r = begin(HOPELESS, "");
    state(&r, HP_S, "alice", "bob", "gathering");
    assert_false(is_decided_at(&r, 50 * HP_S));
    end(&r, 60 * HP_S, true, "alice and bob as predicted: no path", "no path: the other end never took part");
    r = begin(RELAYED, "");
    state(&r, HP_S, "bob", "alice", "gathering");
    end(&r, 60 * HP_S, false, RELAY, "no path: the other end never took part");
}

#define LATE                                                                                                           \
    "network: {nats: {home: restricted-cone, office: symmetric}}\nservers: {turn: turn}\n"                             \
    "defaults: {ice: {stun: turn, turn: turn, trickle: false}}\n"                                                      \
    "peers: {alice: {behind: home}, bob: {behind: office}}\nsteps: [{call: {from: alice, to: bob}}]\n"                 \
    "expect: [{predicted: {%s}}]\n"

static void a_known_shortfall_holds_and_is_told(void **ignored)
{
    for (unsigned strict = 0; strict < 2; strict++) {
        run r = begin(LATE, strict ? "strict: true" : "");
        both_pair(&r, 2 * HP_S, "relay", "relay");
        both(&r, 2 * HP_S, "ready");
        assert_true(is_decided(&r));
        end(&r, 2 * HP_S, !strict, "alice and bob as predicted: direct, srflx/prflx",
            "relay, relay/relay, 1.900s, a known shortfall (gives-up-early): libnice checks as soon as it has the "
            "offer and gives a check up after two seconds, while its answer still waits for candidates");
    }
}

static void silence_asserts_nothing(void **ignored)
{
    run r = begin("signaling: {loss: 10%}\n" RELAYED, "");
    both_pair(&r, 2 * HP_S, "relay", "relay");
    both(&r, 2 * HP_S, "ready");
    end(&r, 2 * HP_S, false, "alice and bob as predicted", "the oracle has no opinion: signalling loses messages");
}

#define THREE                                                                                                          \
    "peers: {alice: , bob: , carol: }\ndefaults: {ice: {trickle: false}}\n"                                            \
    "steps: [{call: {from: alice, to: [bob, carol]}}]\nexpect: [{predicted: {%s}}]\n"

static void whom_it_is_about(void **ignored)
{
    run r = begin(THREE, "between: [bob, alice]");
    both_pair(&r, 2 * HP_S, "host", "host");
    both(&r, 2 * HP_S, "ready");
    assert_true(is_decided(&r));
    end(&r, 2 * HP_S, true, "alice and bob as predicted: direct, host/host", "direct, host/host, 1.900s");
    r = begin(THREE, "");
    both_pair(&r, 2 * HP_S, "host", "host");
    both(&r, 2 * HP_S, "ready");
    assert_false(is_decided(&r));
    end(&r, 40 * HP_S, false,
        "alice and bob as predicted: direct, host/host, alice and carol as predicted: direct, host/host",
        "alice and bob: direct, host/host, 1.900s, alice and carol: no path: the other end never took part");
    r = begin(THREE, "between: [bob, carol]");
    end(&r, 40 * HP_S, false, "bob and carol as predicted: direct, host/host", "no call was made");
}

/* The prediction ends where the network changes. */
static void until_the_network_changes(void **ignored)
{
    run r = begin("network: {nats: {home: full-cone}}\nservers: {stun: stun}\n"
                  "peers: {alice: {behind: home, ice: {stun: stun}}, bob: }\n"
                  "steps: [{call: {from: alice, to: bob}}, {wait: 1s}, {reboot: home}]\nexpect: [predicted]\n",
                  "");
    both_pair(&r, 2 * HP_S, "srflx", "host");
    both(&r, 2 * HP_S, "connected");
    assert_false(is_decided(&r));
    hp_trace_event(r.trace, 3 * HP_S, HP_EV_STEP, "reboot", HP_FU("step", 3));
    assert_true(is_decided(&r));
    both(&r, 20 * HP_S, "failed");
    end(&r, 40 * HP_S, true, "alice and bob as predicted: direct, srflx/host", "direct, srflx/host, 1.900s");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(as_predicted),
        cmocka_unit_test(late_is_wrong),
        cmocka_unit_test(another_path_is_wrong),
        cmocka_unit_test(failed_for_good),
        cmocka_unit_test(patience_ends),
        cmocka_unit_test(a_path_out_of_nowhere),
        cmocka_unit_test(the_other_end_never_took_part),
        cmocka_unit_test(a_known_shortfall_holds_and_is_told),
        cmocka_unit_test(silence_asserts_nothing),
        cmocka_unit_test(whom_it_is_about),
        cmocka_unit_test(until_the_network_changes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
