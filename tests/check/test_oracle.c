/* Prediction against run: hand-made traces of a call whose plan comes from a scenario. */
// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>
// clang-format on

#include "check/check.h"
#include "oracle/shortfalls.h"

typedef struct run {
    hp_diags *diags;
    GPtrArray *scenarios;
    hp_plan *plan;
    hp_trace *trace;
    hp_result *result;
} run;

#define SYMMETRIC                                                                                                      \
    "network: {nats: {home: symmetric, office: port-restricted-cone}}\n"                                               \
    "servers: {turn: {kind: turn, users: {u: p}}}\ndefaults: {ice: {turn: turn, trickle: false}}\n"                    \
    "peers: {alice: {behind: home}, bob: {behind: office}}\n"                                                          \
    "steps: [{call: {from: alice, to: bob}}, {wait: 1s}, {reboot: home}]\n"

static run begin(const char *text)
{
    run r = {.diags = hp_diags_new()};
    r.scenarios = hp_scenario_parse("test.yaml", text, strlen(text), r.diags);
    r.plan = r.scenarios ? hp_plan_new(r.scenarios->pdata[0], "test", 7, r.diags) : NULL;
    if (!r.plan) {
        g_autofree char *errors = hp_diags_format(r.diags);
        fail_msg("%s", errors);
    }
    r.trace = hp_trace_new_sized(1 << 20, NULL);
    hp_trace_event(r.trace, 0, HP_EV_STEP, "call", HP_FU("step", 1));
    return r;
}

static void end(run *r, hp_time at)
{
    g_autoptr(hp_checker) checker = hp_checker_new(r->plan, NULL);
    r->result = hp_checker_finish(checker, r->trace, HP_VERDICT_PASS, NULL, "decided", at);
}

static void clear(run *r)
{
    hp_result_free(r->result);
    hp_trace_free(r->trace);
    hp_plan_free(r->plan);
    g_ptr_array_unref(r->scenarios);
    hp_diags_free(r->diags);
}

static void state(run *r, hp_time at, const char *peer, const char *with, const char *to)
{
    hp_trace_event(r->trace, at, HP_EV_ICE_STATE, peer, HP_FU("session", 1), HP_FS("with", with), HP_FU("stream", 1),
                   HP_FU("component", 1), HP_FS("state", to), HP_FS("previous", ""));
}

static void pair(run *r, hp_time at, const char *peer, const char *with, const char *local, const char *remote,
                 const char *remote_address)
{
    hp_addr a = {0};
    assert_true(hp_addr_parse(remote_address, &a));
    hp_trace_event(r->trace, at, HP_EV_SELECTED_PAIR, peer, HP_FU("session", 1), HP_FS("with", with),
                   HP_FU("stream", 1), HP_FU("component", 1), HP_FS("local", local), HP_FS("remote", remote),
                   HP_FA("local-address", a), HP_FA("remote-address", a), HP_FA("local-base", a));
}

static void both(run *r, hp_time at, const char *to)
{
    state(r, at, "alice", "bob", to);
    state(r, at, "bob", "alice", to);
}

/* alice's types, bob sees the mirror image. */
static void both_pair(run *r, hp_time at, const char *alice, const char *bob)
{
    pair(r, at, "alice", "bob", alice, bob, "198.51.100.1:1");
    pair(r, at, "bob", "alice", bob, alice, "198.51.100.2:1");
}

static void assert_verdict(run *r, hp_oracle_verdict verdict, const char *why)
{
    assert_int_equal(r->result->n_predictions, 1);
    assert_string_equal(hp_oracle_verdict_name(r->result->predictions[0].verdict), hp_oracle_verdict_name(verdict));
    assert_string_equal(r->result->predictions[0].why, why);
    assert_int_equal(r->result->expects->len, verdict == HP_ORACLE_DISAGREES);
    assert_int_equal(r->result->verdict, verdict == HP_ORACLE_DISAGREES ? HP_VERDICT_FAIL : HP_VERDICT_PASS);
}

static void a_run_as_predicted(void **ignored)
{
    run r = begin(SYMMETRIC);
    both(&r, HP_S, "connecting");
    both_pair(&r, 2 * HP_S, "prflx", "relay");
    both(&r, 2 * HP_S, "ready");
    end(&r, 9 * HP_S);
    assert_verdict(&r, HP_ORACLE_AGREES, "");
    assert_int_equal(r.result->predictions[0].happened, HP_OUTCOME_RELAY);
    assert_string_equal(r.result->predictions[0].a, "alice");
    clear(&r);
}

static void better_than_can_be(void **ignored)
{
    run r = begin(SYMMETRIC);
    both(&r, HP_S, "connecting");
    both_pair(&r, 2 * HP_S, "prflx", "srflx");
    both(&r, 2 * HP_S, "connected"); /* not through yet, but it cannot be */
    end(&r, 9 * HP_S);
    assert_verdict(&r, HP_ORACLE_DISAGREES, "");
    const hp_expect_result *finding = r.result->expects->pdata[0];
    assert_true(finding->of_oracle);
    assert_null(finding->expect);
    assert_string_equal(finding->what, "oracle: alice and bob");
    assert_string_equal(finding->got, "direct, alice prflx, bob srflx");
    assert_string_equal(finding->expected,
                        "relay, alice prflx or relay, bob srflx or relay (direct is impossible because home maps per "
                        "destination address and port, office filters by address and port and home filters by address "
                        "and port; a relay works because alice reaches turn over UDP and bob reaches turn over UDP)");
    assert_int_equal(finding->mark.line, 4);
    clear(&r);
}

/* alice's pair is as predicted; what bob says of his is not. */
static void each_end_sees_for_itself(void **ignored)
{
    run r = begin(SYMMETRIC);
    both(&r, HP_S, "connecting");
    pair(&r, 2 * HP_S, "alice", "bob", "prflx", "relay", "198.51.100.1:1");
    pair(&r, 2 * HP_S, "bob", "alice", "relay", "host", "198.51.100.2:1");
    both(&r, 2 * HP_S, "ready");
    end(&r, 9 * HP_S);
    assert_verdict(&r, HP_ORACLE_DISAGREES, "");
    assert_true(r.result->predictions[0].b_differs);
    const hp_expect_result *finding = r.result->expects->pdata[0];
    assert_string_equal(finding->got, "relay, as bob sees it alice host, bob relay");
    assert_true(g_str_has_prefix(finding->expected,
                                 "relay, as bob sees it alice prflx or relay, bob srflx or relay (direct is"));
    clear(&r);
}

static void nothing_where_something_can_be(void **ignored)
{
    run r = begin(SYMMETRIC);
    both(&r, HP_S, "connecting");
    end(&r, 30 * HP_S);
    assert_verdict(&r, HP_ORACLE_UNDECIDED, "ICE was still at work when the run, or the network as it was, ended");
    clear(&r);
    r = begin(SYMMETRIC);
    both(&r, HP_S, "connecting");
    end(&r, 31 * HP_S); /* patience is over */
    assert_verdict(&r, HP_ORACLE_DISAGREES, "");
    assert_string_equal(((hp_expect_result *)r.result->expects->pdata[0])->got, "no path");
    clear(&r);
    r = begin(SYMMETRIC);
    both(&r, HP_S, "connecting");
    state(&r, 8 * HP_S, "bob", "alice", "failed");
    end(&r, 9 * HP_S);
    assert_verdict(&r, HP_ORACLE_DISAGREES, "");
    clear(&r);
}

/* What comes after the NAT was rebooted is another story. */
static void until_the_network_changes(void **ignored)
{
    run r = begin(SYMMETRIC);
    both(&r, HP_S, "connecting");
    both_pair(&r, 2 * HP_S, "relay", "relay");
    both(&r, 2 * HP_S, "ready");
    hp_trace_event(r.trace, 3 * HP_S, HP_EV_STEP, "reboot", HP_FU("step", 3));
    both_pair(&r, 4 * HP_S, "host", "host");
    end(&r, 9 * HP_S);
    assert_verdict(&r, HP_ORACLE_AGREES, "");
    clear(&r);
    r = begin(SYMMETRIC);
    both(&r, HP_S, "connecting");
    hp_trace_event(r.trace, 3 * HP_S, HP_EV_STEP, "reboot", HP_FU("step", 3));
    both(&r, 5 * HP_S, "failed");
    end(&r, 40 * HP_S);
    assert_verdict(&r, HP_ORACLE_UNDECIDED, "ICE was still at work when the run, or the network as it was, ended");
    clear(&r);
}

/* A path that died later was there. */
static void connected_and_lost(void **ignored)
{
    run r = begin(SYMMETRIC);
    both_pair(&r, 2 * HP_S, "relay", "relay");
    both(&r, 2 * HP_S, "ready");
    both(&r, 20 * HP_S, "failed");
    end(&r, 40 * HP_S);
    assert_verdict(&r, HP_ORACLE_AGREES, "");
    clear(&r);
}

static void hairpins_are_told_by_address(void **ignored)
{
    const char *text = "network: {nats: {carrier: {preset: full-cone, hairpin: external-source},"
                       " home: {preset: full-cone, behind: carrier}, flat: {preset: full-cone, behind: carrier}}}\n"
                       "servers: {stun: stun}\ndefaults: {ice: {stun: stun}}\n"
                       "peers: {alice: {behind: home}, bob: {behind: flat}}\n"
                       "steps: [{call: {from: alice, to: bob}}]\n";
    run r = begin(text);
    pair(&r, HP_S, "alice", "bob", "srflx", "srflx", "192.0.2.10:5000"); /* the carrier's */
    pair(&r, HP_S, "bob", "alice", "srflx", "srflx", "192.0.2.10:5001");
    both(&r, HP_S, "ready");
    end(&r, 9 * HP_S);
    assert_verdict(&r, HP_ORACLE_AGREES, "");
    assert_int_equal(r.result->predictions[0].happened, HP_OUTCOME_HAIRPIN);
    clear(&r);
    r = begin(text);
    pair(&r, HP_S, "alice", "bob", "srflx", "srflx", "100.64.0.13:5000"); /* within: it should not be known */
    pair(&r, HP_S, "bob", "alice", "srflx", "srflx", "100.64.0.12:5001");
    both(&r, HP_S, "ready");
    end(&r, 9 * HP_S);
    assert_verdict(&r, HP_ORACLE_DISAGREES, "");
    clear(&r);
}

static void known_bugs_are_no_findings(void **ignored)
{
    g_autofree char *text = g_strconcat("known-bug: https://example.org/1\n", SYMMETRIC, NULL);
    run r = begin(text);
    both(&r, HP_S, "failed");
    end(&r, 9 * HP_S);
    assert_int_equal(r.result->predictions[0].verdict, HP_ORACLE_DISAGREES);
    assert_int_equal(r.result->expects->len, 0);
    clear(&r);
}

static void silence_and_shortfalls(void **ignored)
{
    g_autofree char *silent = g_strconcat("signaling: {loss: 10%}\n", SYMMETRIC, NULL);
    run r = begin(silent);
    both(&r, HP_S, "failed");
    end(&r, 9 * HP_S);
    assert_verdict(&r, HP_ORACLE_SILENT, "signalling loses messages");
    clear(&r);
    r = begin("network: {nats: {home: full-cone}}\nservers: {stun: {kind: stun, accept-rfc3489: false}}\n"
              "defaults: {ice: {trickle: false}}\npeers: {alice: {behind: home, ice: {stun: stun}}, bob: }\n"
              "steps: [{call: {from: alice, to: bob}}]\n");
    both_pair(&r, HP_S, "prflx", "host");
    both(&r, HP_S, "ready");
    end(&r, 9 * HP_S);
    assert_verdict(&r, HP_ORACLE_SHORTFALL,
                   "libnice asks STUN servers without the magic cookie, which this server does not answer");
    clear(&r);
}

/* The direct way is there once the filter of home has been opened; libnice may have chosen by then. */
static void a_relay_chosen_early(void **ignored)
{
    static const struct {
        const char *nomination, *local;
        hp_oracle_verdict verdict;
    } cases[] = {
        {"regular", "srflx", HP_ORACLE_SHORTFALL},
        {"regular", "host", HP_ORACLE_DISAGREES}, /* no such relayed pair */
        {"aggressive", "srflx", HP_ORACLE_DISAGREES},
    };
    for (unsigned i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *text = g_strdup_printf(
            "network: {nats: {home: restricted-cone, office: symmetric}}\nservers: {turn: turn}\n"
            "defaults: {ice: {turn: turn, stun: turn, nomination: %s}}\n"
            "peers: {alice: {behind: home}, bob: {behind: office}}\nsteps: [{call: {from: alice, to: bob}}]\n",
            cases[i].nomination);
        run r = begin(text);
        both_pair(&r, HP_S, cases[i].local, "relay");
        both(&r, HP_S, "ready");
        end(&r, 9 * HP_S);
        const hp_oracle_result *told = &r.result->predictions[0];
        assert_int_equal(told->prediction->outcome, HP_OUTCOME_DIRECT);
        assert_int_equal(told->verdict, cases[i].verdict);
        if (cases[i].verdict == HP_ORACLE_SHORTFALL) {
            assert_string_equal(told->shortfall->name, "nominates-early");
        }
        clear(&r);
    }
    /* Where signalled candidates are enough, nothing waits for a check to be sent again. */
    run r = begin("network: {nats: {home: full-cone, office: full-cone}}\nservers: {turn: turn}\n"
                  "defaults: {ice: {turn: turn, stun: turn, nomination: regular}}\n"
                  "peers: {alice: {behind: home}, bob: {behind: office}}\nsteps: [{call: {from: alice, to: bob}}]\n");
    both_pair(&r, HP_S, "srflx", "relay");
    both(&r, HP_S, "ready");
    end(&r, 9 * HP_S);
    assert_int_equal(r.result->predictions[0].verdict, HP_ORACLE_DISAGREES);
    clear(&r);
}

static void only_those_who_called(void **ignored)
{
    run r = begin("peers: {alice: , bob: , carol: }\nsteps: [{call: {from: alice, to: carol}}]\n");
    state(&r, HP_S, "alice", "carol", "connecting");
    state(&r, HP_S, "carol", "alice", "connecting");
    end(&r, 2 * HP_S);
    assert_int_equal(r.result->n_predictions, 1);
    assert_string_equal(r.result->predictions[0].b, "carol");
    clear(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_run_as_predicted),           cmocka_unit_test(better_than_can_be),
        cmocka_unit_test(each_end_sees_for_itself),     cmocka_unit_test(nothing_where_something_can_be),
        cmocka_unit_test(until_the_network_changes),    cmocka_unit_test(connected_and_lost),
        cmocka_unit_test(hairpins_are_told_by_address), cmocka_unit_test(known_bugs_are_no_findings),
        cmocka_unit_test(silence_and_shortfalls),       cmocka_unit_test(a_relay_chosen_early),
        cmocka_unit_test(only_those_who_called),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
