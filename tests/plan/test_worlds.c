/* Which worlds can run a plan, and what programs in it cannot be asked for. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "plan/plan.h"

/* The plan of a text, or what is wrong with it: "line: message" lines. */
static hp_plan *plan_of(const char *text, GPtrArray **ret_cases, char **ret_said)
{
    g_autoptr(hp_diags) diags = hp_diags_new();
    g_autoptr(GString) said = g_string_new(NULL);
    *ret_cases = hp_scenario_parse("t.yaml", text, strlen(text), diags);
    hp_plan *plan = *ret_cases ? hp_plan_new(g_ptr_array_index(*ret_cases, 0), "t", 1, diags) : NULL;
    for (unsigned i = 0; i < diags->list->len; i++) {
        const hp_diag *d = g_ptr_array_index(diags->list, i);
        g_string_append_printf(said, "%u: %s\n", d->mark.line, d->message);
    }
    *ret_said = g_string_free(g_steal_pointer(&said), FALSE);
    return plan;
}

static void assert_worlds(const char *text, unsigned worlds, const char *no_virtual, const char *no_live)
{
    GPtrArray *cases;
    g_autofree char *said = NULL;
    g_autoptr(hp_plan) plan = plan_of(text, &cases, &said);
    assert_string_equal(said, "");
    assert_non_null(plan);
    assert_int_equal(plan->worlds, worlds);
    assert_string_equal(plan->no_virtual ? plan->no_virtual : "", no_virtual);
    assert_string_equal(plan->no_live ? plan->no_live : "", no_live);
    g_clear_pointer(&plan, hp_plan_free);
    g_ptr_array_unref(cases);
}

static void assert_refused(const char *text, const char *expected)
{
    GPtrArray *cases;
    g_autofree char *said = NULL;
    hp_plan *plan = plan_of(text, &cases, &said);
    assert_string_equal(said, expected);
    assert_null(plan);
    if (cases)
        g_ptr_array_unref(cases);
}

#define TWO "peers: {a: , b: }\n"

static void worlds_follow_from_what_is_there(void **state)
{
    assert_worlds(TWO, HP_WORLDS_BOTH, "", "");
    assert_worlds("peers: {a: {program: pion}, b: }\n", HP_WORLD_LIVE,
                  "peer `a` is program pion, which is in the live world alone", "");
    assert_worlds("defaults: {exec: [ls, -l]}\npeers: {a: {program: libnice}, b: }\n", HP_WORLD_LIVE,
                  "peer `b` is program exec, which is in the live world alone", "");
    assert_worlds("servers: {s: {kind: turn, program: coturn}}\n" TWO, HP_WORLD_LIVE,
                  "server `s` is program coturn, which is in the live world alone", "");
    assert_worlds("servers: {s: {kind: other, exec: ls, port: 9}}\n" TWO, HP_WORLD_LIVE,
                  "server `s` is program exec, which is in the live world alone", "");
    assert_worlds("servers: {s: {kind: web, root: /tmp}}\n" TWO, HP_WORLD_LIVE,
                  "server `s` is a web server, which is in the live world alone", "");
    assert_worlds("network: {nats: {n: {kernel: masquerade}}}\n" TWO, HP_WORLD_LIVE,
                  "NAT `n` is a kernel's, which is in the live world alone", "");
}

static void worlds_as_they_are_told(void **state)
{
    assert_worlds("worlds: virtual\nworlds-why: it lasts a year\n" TWO, HP_WORLD_VIRTUAL, "",
                  "the scenario is for the virtual world: it lasts a year");
    assert_worlds("worlds: live\n" TWO, HP_WORLD_LIVE, "the scenario is for the live world", "");
    assert_worlds("worlds: both\n" TWO, HP_WORLDS_BOTH, "", "");
    assert_worlds("worlds: live\npeers: {a: {program: pion}, b: }\n", HP_WORLD_LIVE,
                  "peer `a` is program pion, which is in the live world alone", "");
    assert_refused(
        "worlds: both\npeers: {a: {program: pion}, b: }\n",
        "1: the virtual world cannot run this: peer `a` is program pion, which is in the live world alone\n");
}

static void steps_that_a_program_cannot_take(void **state)
{
    static const char peers[] = "peers: {a: {program: aiortc}, b: , c: {program: chromium}}\nsteps:\n";
    const struct {
        const char *step, *said;
    } cases[] = {
        {"- call: {from: b, to: a}", "3: peer `a` is program aiortc, whose calls have media or data channels\n"},
        {"- call: {from: c, to: b}", "3: peer `c` is program chromium, whose calls have media or data channels\n"},
        {"- send: {from: b, to: a}", "3: peer `a` is program aiortc, which sends over data channels alone\n"},
        {"- hold: {peer: a}", "3: peer `a` is program aiortc, which cannot be told to `hold`\n"},
        {"- map-port: {peer: c, internal: 5000}",
         "3: peer `c` is program chromium, which cannot be told to `map-port`\n"},
    };
    for (unsigned i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *text = g_strdup_printf("%s  %s\n", peers, cases[i].step);
        assert_refused(text, cases[i].said);
    }
    const char *const good[] = {"- call: {from: b, to: a, data: true}", "- hold: {peer: c}", "- hold: {peer: b}",
                                "- send: {from: a, to: b, channel: x}", "- ice-restart: a",  "- close: c"};
    for (unsigned i = 0; i < G_N_ELEMENTS(good); i++) {
        g_autofree char *text = g_strdup_printf("%s  %s\n", peers, good[i]);
        assert_worlds(text, HP_WORLD_LIVE, "peer `a` is program aiortc, which is in the live world alone", "");
    }
}

static void flows_that_nobody_knows(void **state)
{
    static const char start[] = "peers: {a: {program: aiortc}, b: , c: }\n"
                                "steps:\n"
                                "  - call: {from: b, to: a, data: true}\n"
                                "  - call: {from: b, to: c}\n"
                                "  - send: {from: b, to: a, channel: x, both: false}\n"
                                "  - send: {from: b, to: c}\n"
                                "expect:\n";
#define UNKNOWN "peer `a` is program aiortc, and what becomes of messages to or from it is not known\n"
    const struct {
        const char *expect, *said;
    } bad[] = {
        {"- delivery: {from: b, to: a, loss: 0%}", "8: `delivery`: " UNKNOWN},
        {"- delivery: {loss: 0%}", "8: `delivery`: " UNKNOWN},
        {"- latency: {channel: x, max: 1s}", "8: `latency`: " UNKNOWN},
        {"- latency: {from: b, max: 1s}", "8: `latency`: " UNKNOWN},
    };
    for (unsigned i = 0; i < G_N_ELEMENTS(bad); i++) {
        g_autofree char *text = g_strdup_printf("%s  %s\n", start, bad[i].expect);
        assert_refused(text, bad[i].said);
    }
    const char *const good[] = {"- delivery: {from: b, to: c, loss: 0%}", "- latency: {from: c, max: 1s}",
                                "- event: {event: channel-message, of: a, count: 3}"};
    for (unsigned i = 0; i < G_N_ELEMENTS(good); i++) {
        g_autofree char *text = g_strdup_printf("%s  %s\n", start, good[i]);
        assert_worlds(text, HP_WORLD_LIVE, "peer `a` is program aiortc, which is in the live world alone", "");
    }
}

static void files_that_are_not_there(void **state)
{
    assert_refused("peers: {a: {exec: [./nothing, x]}, b: }\n", "1: `exec`: ././nothing is no program\n");
    assert_refused("peers: {a: {program: chromium, page: no.html}, b: }\n", "1: `page`: ./no.html is no file\n");
    assert_refused("servers: {w: {kind: web, root: no-such-folder}}\n" TWO,
                   "1: `root`: ./no-such-folder is no folder\n");
    assert_worlds("peers: {a: {program: chromium, page: \"http://www.example/\"}, b: }\n", HP_WORLD_LIVE,
                  "peer `a` is program chromium, which is in the live world alone", "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(worlds_follow_from_what_is_there), cmocka_unit_test(worlds_as_they_are_told),
        cmocka_unit_test(steps_that_a_program_cannot_take), cmocka_unit_test(flows_that_nobody_knows),
        cmocka_unit_test(files_that_are_not_there),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
