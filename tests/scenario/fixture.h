/* Loading scenarios from text, and the diagnostics as a user sees them. */
#ifndef TESTS_SCENARIO_FIXTURE_H
#define TESTS_SCENARIO_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "scenario/model.h"

/* All cases of a text that must be good. */
static inline GPtrArray *load_all(const char *text)
{
    g_autoptr(hp_diags) diags = hp_diags_new();
    GPtrArray *cases = hp_scenario_parse("t.yaml", text, strlen(text), diags);
    g_autofree char *said = hp_diags_format(diags);
    assert_string_equal(said, "");
    assert_non_null(cases);
    return cases;
}

/* The only case of a text that must be good. Free with hp_scenario_free(). */
static inline hp_scenario *load_one(const char *text)
{
    GPtrArray *cases = load_all(text);
    assert_int_equal(cases->len, 1);
    g_ptr_array_set_free_func(cases, NULL);
    hp_scenario *scenario = g_ptr_array_index(cases, 0);
    g_ptr_array_unref(cases);
    return scenario;
}

/* What is said about a bad text: "line:column: message (hint)" lines. Caller frees. */
static inline char *complaints_n(const char *text, size_t len)
{
    g_autoptr(hp_diags) diags = hp_diags_new();
    GPtrArray *cases = hp_scenario_parse("t.yaml", text, len, diags);
    GString *out = g_string_new(NULL);

    assert_null(cases);
    assert_true(diags->n_errors > 0);
    for (unsigned i = 0; i < diags->list->len; i++) {
        const hp_diag *d = g_ptr_array_index(diags->list, i);
        g_string_append_printf(out, "%u:%u: %s", d->mark.line, d->mark.column, d->message);
        if (d->hint != NULL) {
            g_string_append_printf(out, " (%s)", d->hint);
        }
        g_string_append_c(out, '\n');
    }
    return g_string_free(out, FALSE);
}

static inline char *complaints(const char *text)
{
    return complaints_n(text, strlen(text));
}

#define assert_complains(text, expected)                                                                               \
    do {                                                                                                               \
        g_autofree char *said_ = complaints(text);                                                                     \
        assert_string_equal(said_, expected);                                                                          \
    } while (0)

#define assert_compare(c, u, lo, hi)                                                                                   \
    do {                                                                                                               \
        assert_true((c).set);                                                                                          \
        assert_int_equal((c).unit, (u));                                                                               \
        assert_true((c).min == (lo));                                                                                  \
        assert_true((c).max == (hi));                                                                                  \
    } while (0)

#endif
