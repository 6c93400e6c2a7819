/* A peer and its servers have a transport in common, or the plan says so. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "plan/plan.h"

/* All that is said against a text, with its hints; "" when a plan comes of it. */
static char *objections(const char *text)
{
    g_autoptr(hp_diags) diags = hp_diags_new();
    GPtrArray *scenarios = hp_scenario_parse("t.yaml", text, strlen(text), diags);
    assert_non_null(scenarios);
    g_autoptr(hp_plan) plan = hp_plan_new(scenarios->pdata[0], "t", 1, diags);
    assert_true((plan == NULL) == (diags->n_errors > 0));
    GString *out = g_string_new(NULL);
    for (unsigned i = 0; i < diags->list->len; i++) {
        const hp_diag *d = diags->list->pdata[i];
        g_string_append_printf(out, "%u:%u: %s (%s)\n", d->mark.line, d->mark.column, d->message, d->hint);
    }
    g_clear_pointer(&plan, hp_plan_free); /* before its scenario */
    g_ptr_array_unref(scenarios);
    return g_string_free(out, FALSE);
}

#define assert_objections(text, expected)                                                                              \
    do {                                                                                                               \
        g_autofree char *said_ = objections(text);                                                                     \
        assert_string_equal(said_, expected);                                                                          \
    } while (0)

#define SERVERS                                                                                                        \
    "servers:\n  all: {kind: turn, transports: [udp, tcp, tls]}\n  tcp: {kind: turn, transports: [tcp, tls]}\n"        \
    "  odd: {kind: turn, transports: dtls}\npeers:\n"

static void what_fits(void **state)
{
    assert_objections(SERVERS "  a: {ice: {turn: all}}\n  b: {ice: {turn: [all, tcp], turn-transports: [tls, tcp]}}\n"
                              "  c: {ice: {stun: all, turn: all, turn-transports: [udp, tcp, tls]}}\n",
                      "");
}

static void what_does_not(void **state)
{
    assert_objections(
        SERVERS "  a: {ice: {turn: tcp}}\n  b: {ice: {turn: [all, tcp], turn-transports: [udp, tcp]}}\n"
                "  c: {ice: {stun: tcp}}\n  d: {ice: {turn: odd, turn-transports: [tcp, tls]}}\n",
        "6:3: peer `a` asks server `tcp` over udp, which it does not offer: it has tcp, tls (did you mean "
        "`turn-transports: tcp`?)\n"
        "7:3: peer `b` asks server `tcp` over udp, which it does not offer: it has tcp, tls (did you mean "
        "`turn-transports: tcp`?)\n"
        "8:3: peer `c` asks server `tcp` over udp, which it does not offer: it has tcp, tls (add `udp` to its "
        "`transports`)\n"
        "9:3: peer `d` asks server `odd` over tcp, tls, which it does not offer: it has dtls (add `tcp, tls` to its "
        "`transports`)\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_fits),
        cmocka_unit_test(what_does_not),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
