/* Lint: each rule speaks where it should, and says nothing of a scenario that is sound. */
#include "lint_fixture.h"

#define SOUND                                                                                                          \
    "network: {nats: {home: }}\nservers: {turn: turn}\n"                                                               \
    "peers: {alice: {behind: home, ice: {stun: turn, turn: turn}}, bob: }\n"                                           \
    "steps:\n- call: {from: alice, to: bob}\n- send: {from: alice, to: bob}\n- reboot: home\n"                         \
    "expect:\n- connected: {within: 5s}\n- pair: {alice: [relay, srflx], bob: host}\n"                                 \
    "- delivery: {from: bob, loss: 0, after: 1s, before: 30s}\n- recovered: {after: reboot, within: 10s}\n"            \
    "- packets: {at: alice, count: 1}\n- packets: {at: home/in, count: 1}\n- drops: {at: home}\n"                      \
    "- relayed: {at: turn, packets: 0}\n- candidates: {peer: bob, type: relay, count: 0}\n"

static void nothing_to_say_of_what_is_sound(void **state)
{
    assert_lint(SOUND, "");
}

static void what_is_there_for_nothing(void **state)
{
    assert_lint("network: {nats: {home: , outer: , inner: {behind: outer}}, lans: {attic: , office: }}\n"
                "servers: {a: stun, b: {kind: turn, redirect: c}, c: turn, d: {kind: stun, behind: office}}\n"
                "peers: {x: {behind: home, ice: {turn: b}}, y: {ice: {force-relay: true}}, z: }\n"
                "steps: [{call: {from: x, to: y}}]\nexpect: [connected]\n",
                "1:35: nobody is behind NAT `inner`\n"
                "1:67: nobody is on LAN `attic`\n"
                "2:11: nobody uses server `a`\n"
                "2:59: nobody uses server `d`\n"
                "3:44: peer `y` wants only relayed candidates, but has no TURN server\n"
                "3:75: peer `z` is in no call\n");
}

static void anyone_may_answer_a_broadcast(void **state)
{
    assert_lint("peers: {x: , y: , z: }\nsteps: [{call: {from: x, broadcast: true}}, {send: {from: y, to: z}}]\n"
                "expect: [connected]\n",
                "");
}

static void an_empty_scenario(void **state)
{
    assert_lint("peers: {x: }\n", "0:0: nothing happens: there are no steps\n"
                                  "0:0: nothing is expected: the run always passes\n");
}

static void steps_that_come_too_late(void **state)
{
    assert_lint("peers: {a: , b: }\nuntil: 30s\nsteps:\n- call: {from: a, to: b}\n- at: 10s\n  wait: 15s\n"
                "- at: 20s\n  ice-restart: a\n- wait: 5s\n- close: a\n- close: b\nexpect: [connected]\n",
                "7:3: step `ice-restart` is for 20s, but not carried out before 25s\n"
                "10:3: step `close` is never reached: not before 30s, and the run ends at 30s\n");
    assert_lint("peers: {a: , b: }\nuntil: 30s\nsteps:\n- call: {from: a, to: b}\n"
                "- send: {from: a, to: b, for: 40s, wait: true}\n- label: end\n  close: a\nexpect: [connected]\n",
                "6:3: step `end` is never reached: not before 40s, and the run ends at 30s\n");
}

static void steps_without_a_session(void **state)
{
    assert_lint("peers: {a: , b: , c: }\nsteps:\n- wait-for: ready\n- send: {from: a, to: b}\n- ice-restart: a\n"
                "- call: {from: a, to: b}\n- send: {from: b, to: a}\n- send: {from: a, to: c}\n"
                "- close: {peer: b, with: c}\n- call: {from: c, to: a}\nexpect: [connected]\n",
                "3:3: no session exists at this step, so none gets `ready`\n"
                "4:3: no call joins `a` and `b` before this step\n"
                "5:3: `a` has no session at this step\n"
                "8:3: no call joins `a` and `c` before this step\n"
                "9:3: `b` has no session at this step\n");
}

static void expectations_that_no_step_can_reach(void **state)
{
    assert_lint("peers: {a: , b: }\nsteps: [wait: 1s]\nexpect:\n- connected\n- not-connected\n- pair: {a: host}\n"
                "- state: {peer: a, state: ready}\n- candidates: {peer: a}\n- consent: {peer: a, state: lost}\n"
                "- delivery: {loss: 0}\n- latency: {from: a, to: b, max: 1s}\n- recovered: {after: wait, within: 1s}\n",
                "4:3: `connected` is about calls, and no step makes one\n"
                "5:3: `not-connected` is about calls, and no step makes one\n"
                "6:3: `pair` is about calls, and no step makes one\n"
                "7:3: `state` is about calls, and no step makes one\n"
                "8:3: `candidates` is about calls, and no step makes one\n"
                "9:3: `consent` is about calls, and no step makes one\n"
                "10:3: `delivery`: no step sends anything\n"
                "11:3: `latency`: no step sends anything from a to b\n"
                "12:3: no flow is running when step `wait` is carried out\n");
}

static void one_way_is_one_way(void **state)
{
    assert_lint("peers: {a: , b: , c: }\nsteps:\n- call: {from: a, to: [b, c]}\n- send: {from: a, to: b, both: false}\n"
                "- wait: 1s\nexpect:\n- delivery: {from: a, loss: 0}\n- delivery: {from: b, loss: 0}\n"
                "- recovered: {after: wait, within: 1s, to: a}\n- recovered: {after: call, within: 1s}\n"
                "- latency: {to: c, max: 1s}\n",
                "8:3: `delivery`: no step sends anything from b\n"
                "9:3: no flow is running when step `wait` is carried out\n"
                "10:3: no flow is running when step `call` is carried out\n"
                "11:3: `latency`: no step sends anything to c\n");
}

static void times_beyond_the_end(void **state)
{
    assert_lint("peers: {a: , b: }\nuntil: 20s\nsteps:\n- call: {from: a, to: b}\n- send: {from: a, to: b}\n"
                "- at: 15s\n  wait: 1s\nexpect:\n- connected: {within: 20s}\n- connected: {within: 21s}\n"
                "- state: {peer: a, state: ready, within: 1m}\n- recovered: {after: wait, within: 6s}\n"
                "- recovered: {after: wait, within: 5s}\n- delivery: {loss: 0, after: 20s}\n"
                "- delivery: {loss: 0, after: 5s, before: 5s}\n- delivery: {loss: 0, after: wait, before: 14s}\n",
                "10:3: `connected` may take until 21s, but the run ends at 20s\n"
                "11:3: `state` may take until 60s, but the run ends at 20s\n"
                "12:3: `recovered` may take until 21s, but the run ends at 20s\n"
                "14:3: `delivery` looks at a window in which there is no time\n"
                "15:3: `delivery` looks at a window in which there is no time\n"
                "16:3: `delivery` looks at a window in which there is no time\n");
}

/* `extra` are lines of the scenario; the warnings of all its cases together. */
static char *lint_all_cases(const char *extra)
{
    g_autofree char *text = g_strconcat("servers: {s: stun, t: stun}\ndefaults: {ice: {stun: s}}\npeers: {a: , b: }\n"
                                        "steps: [{call: {from: a, to: b}}]\nexpect:\n- connected: {after: 10s}\n",
                                        extra, NULL);
    g_autoptr(hp_diags) diags = hp_diags_new();
    g_autoptr(GPtrArray) cases = hp_scenario_parse("t.yaml", text, strlen(text), diags);
    g_autoptr(GPtrArray) plans = g_ptr_array_new_with_free_func((GDestroyNotify)hp_plan_free);
    assert_non_null(cases);
    for (unsigned i = 0; i < cases->len; i++)
        g_ptr_array_add(plans, hp_plan_new(g_ptr_array_index(cases, i), "t", 1, diags));
    hp_plan_lint_cases((hp_plan *const *)plans->pdata, plans->len, diags);
    GString *said = g_string_new(NULL);
    for (unsigned i = 0; i < diags->list->len; i++) {
        const hp_diag *d = g_ptr_array_index(diags->list, i);
        g_string_append_printf(said, "%u:%u: %s\n", d->mark.line, d->mark.column, d->message);
    }
    return g_string_free(said, FALSE);
}

/* A step or an expectation is looked at in every case, once; a server must be idle in all of them. */
static void all_cases_of_a_matrix(void **state)
{
    static const char window[] = "6:3: `connected` looks at a window in which there is no time\n";
    static const char idle[] = "1:20: nobody uses server `t`\n";
    g_autofree char *both = lint_all_cases("matrix: {until: [60s, 5s, 6s]}\n");
    g_autofree char *expected = g_strconcat(window, idle, NULL);
    assert_string_equal(both, expected);
    g_autofree char *used = lint_all_cases("matrix: {defaults.ice.stun: [s, t], until: [60s, 70s]}\n");
    assert_string_equal(used, "");
}

static void candidates_that_no_server_gives(void **state)
{
    assert_lint(
        "servers: {s: stun, t: turn}\npeers: {a: {ice: {stun: s}}, b: {ice: {turn: t}}, c: }\n"
        "steps: [{call: {from: a, to: [b, c]}}]\nexpect:\n- pair: {a: relay}\n- pair: {a: srflx, b: relay, c: host}\n"
        "- pair: {c: srflx|relay}\n- pair: {c: srflx|prflx}\n- candidates: {peer: c, type: srflx}\n"
        "- candidates: {peer: b, server: s}\n- candidates: {peer: a, type: relay, count: 0}\n"
        "- relayed: {at: t, packets: 1}\n",
        "5:3: peer `a` has no server to get a candidate of type relay from\n"
        "7:3: peer `c` has no server to get a candidate of type srflx|relay from\n"
        "9:3: peer `c` has no server to get a candidate of type srflx from\n"
        "10:3: peer `b` does not use server `s`\n");
    assert_lint("servers: {t: turn}\npeers: {a: {ice: {stun: t}}, b: }\nsteps: [{call: {from: a, to: b}}]\n"
                "expect:\n- relayed: {at: t, packets: 1}\n- relayed: {packets: 0}\n",
                "5:3: no peer uses TURN server t\n"
                "6:3: no peer uses a TURN server\n");
}

static void cases_repeat_nothing(void **state)
{
    assert_lint("servers: {s: stun}\npeers: {a: , b: }\nsteps: [{call: {from: a, to: b}}]\nexpect: [connected]\n"
                "matrix: {seed: [1, 2, 3]}\n",
                "1:11: nobody uses server `s`\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_to_say_of_what_is_sound),
        cmocka_unit_test(what_is_there_for_nothing),
        cmocka_unit_test(anyone_may_answer_a_broadcast),
        cmocka_unit_test(an_empty_scenario),
        cmocka_unit_test(steps_that_come_too_late),
        cmocka_unit_test(steps_without_a_session),
        cmocka_unit_test(expectations_that_no_step_can_reach),
        cmocka_unit_test(one_way_is_one_way),
        cmocka_unit_test(times_beyond_the_end),
        cmocka_unit_test(all_cases_of_a_matrix),
        cmocka_unit_test(candidates_that_no_server_gives),
        cmocka_unit_test(cases_repeat_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
