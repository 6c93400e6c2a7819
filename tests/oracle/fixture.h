/* Predictions for a scenario's text. */
#ifndef TESTS_ORACLE_FIXTURE_H
#define TESTS_ORACLE_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "oracle/oracle.h"

typedef struct asked {
    hp_diags *diags;
    GPtrArray *scenarios;
    hp_plan *plan;
    hp_oracle *oracle;
    const hp_prediction *p; /* of the first peer and the second */
} asked;

static inline asked ask(const char *text)
{
    asked a = {.diags = hp_diags_new()};
    a.scenarios = hp_scenario_parse("test.yaml", text, strlen(text), a.diags);
    a.plan = a.scenarios ? hp_plan_new(a.scenarios->pdata[0], "test", 7, a.diags) : NULL;
    if (!a.plan) {
        g_autofree char *errors = hp_diags_format(a.diags);
        fail_msg("%s", errors);
    }
    a.oracle = hp_oracle_new(a.plan);
    a.p = hp_oracle_pair(a.oracle, 0, 1);
    return a;
}

static inline void clear(asked *a)
{
    hp_oracle_free(a->oracle);
    hp_plan_free(a->plan);
    g_ptr_array_unref(a->scenarios);
    hp_diags_free(a->diags);
}

/* "direct srflx/prflx", with what luck may make of it "direct..relay srflx/srflx". Caller frees. */
static inline char *told(const hp_prediction *p)
{
    g_autofree char *local = hp_types_text(p->types[p->outcome].local);
    g_autofree char *remote = hp_types_text(p->types[p->outcome].remote);
    g_autofree char *luck = p->worst == p->outcome ? g_strdup("") : g_strdup_printf("..%s", hp_outcome_name(p->worst));
    return p->outcome == HP_OUTCOME_NONE
               ? g_strdup("no path")
               : g_strdup_printf("%s%s %s/%s", hp_outcome_name(p->outcome), luck, local, remote);
}

#define assert_told(text, expected)                                                                                    \
    do {                                                                                                               \
        asked asked_ = ask(text);                                                                                      \
        g_autofree char *told_ = told(asked_.p);                                                                       \
        assert_string_equal(told_, expected);                                                                          \
        clear(&asked_);                                                                                                \
    } while (0)

/* All reasons, each on a line of its own. Caller frees. */
static inline char *reasons(const char *text)
{
    asked a = ask(text);
    char *all = g_strjoinv("\n", a.p->reasons);
    assert_int_equal(a.p->n_reasons, g_strv_length(a.p->reasons));
    clear(&a);
    return all;
}

#endif
