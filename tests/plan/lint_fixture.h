/* The warnings about a scenario, as a reader sees them. */
#ifndef TESTS_PLAN_LINT_FIXTURE_H
#define TESTS_PLAN_LINT_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "plan/plan.h"

/* A capture file with RTP in it. */
#define RECORDING HAIRPIN_SOURCE_DIR "/fixtures/media/voice.pcap"

/* The warnings about all cases of a text: "line:column: message" lines. */
static inline char *lint(const char *text)
{
    g_autoptr(hp_diags) diags = hp_diags_new();
    GPtrArray *cases = hp_scenario_parse("t.yaml", text, strlen(text), diags);
    g_autofree char *errors = hp_diags_format(diags);
    assert_string_equal(errors, "");
    for (unsigned i = 0; i < cases->len; i++) {
        g_autoptr(hp_plan) plan = hp_plan_new(g_ptr_array_index(cases, i), "t", 1, diags);
        g_autofree char *said = hp_diags_format(diags);
        if (plan == NULL) {
            fail_msg("%s", said);
        }
        hp_plan_lint(plan, diags);
    }
    assert_int_equal(diags->n_errors, 0);
    hp_diags_sort(diags);
    GString *out = g_string_new(NULL);
    for (unsigned i = 0; i < diags->list->len; i++) {
        const hp_diag *d = g_ptr_array_index(diags->list, i);
        g_string_append_printf(out, "%u:%u: %s\n", d->mark.line, d->mark.column, d->message);
    }
    g_ptr_array_unref(cases);
    return g_string_free(out, FALSE);
}

#define assert_lint(text, expected)                                                                                    \
    do {                                                                                                               \
        g_autofree char *said_ = lint(text);                                                                           \
        assert_string_equal(said_, expected);                                                                          \
    } while (0)

#endif
