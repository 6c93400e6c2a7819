/* Warnings about raw peers, and warnings about others that they make untrue. */
#include "lint_fixture.h"

static void assert_warns(const char *text, const char *said)
{
    g_autofree char *actual = lint(text);
    assert_string_equal(actual, said);
}

static void scripts_that_never_begin(void **state)
{
    assert_warns("peers: {m: {kind: raw, start: 70s, script: [wait: 1s]}}\n",
                 "1:44: the script of `m` never begins: the run ends before\n");
    assert_warns("peers: {m: {kind: raw, start: late, script: [wait: 1s]}}\n"
                 "steps: [{at: 61s, wait: 1s, label: late}]\n",
                 "1:45: the script of `m` never begins: the run ends before\n"
                 "2:9: step `late` is never reached: not before 61s, and the run ends at 60s\n");
    assert_warns("peers: {m: {kind: raw, start: 59s, script: [wait: 1s]}}\n", "");
}

static void actions_beyond_the_end(void **state)
{
    assert_warns("peers: {m: {kind: raw, script: [{wait: 30s}, {nothing: 31s}, {wait: 1s}]}}\n",
                 "1:46: the script of `m` never gets past this: the run ends before\n");
    assert_warns("peers: {m: {kind: raw, script: [{wait-until: 61s}]}}\n",
                 "1:33: the script of `m` never gets past this: the run ends before\n");
}

static void scripts_of_nobody(void **state)
{
    assert_warns("peers: {m: {kind: raw, script: [do: a], scripts: {a: [wait: 1s], b: [wait: 1s]}}}\n",
                 "1:66: nobody carries out script `b`\n");
}

/* A server that a script speaks of is used; a raw peer needs no call, and one that signals makes one. */
static void what_raw_peers_make_untrue(void **state)
{
    assert_warns("servers: {turn: turn}\n"
                 "peers: {m: {kind: raw, script: [{send: {to: turn, text: a}}]}}\n"
                 "expect: [relayed: {at: turn, packets: 0}]\n",
                 "");
    assert_warns("servers: {dns: dns}\n"
                 "peers: {m: {kind: raw, script: [{send: {to: dns, text: a}}]}}\n",
                 "");
    assert_warns("servers: {stun: stun}\n"
                 "peers: {m: {kind: raw, script: [{wait: 1s}]}}\n",
                 "1:11: nobody uses server `stun`\n");
    assert_warns("peers: {a: , m: {kind: raw, script: [{signal: {offer: {}, to: a}}]}}\n"
                 "steps: [{wait-for: ready}, {close: a}]\n"
                 "expect: [connected: {peers: a}]\n",
                 "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(scripts_that_never_begin),
        cmocka_unit_test(actions_beyond_the_end),
        cmocka_unit_test(scripts_of_nobody),
        cmocka_unit_test(what_raw_peers_make_untrue),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
