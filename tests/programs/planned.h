/* A plan made of a text. */
#ifndef TESTS_PROGRAMS_PLANNED_H
#define TESTS_PROGRAMS_PLANNED_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "plan/plan.h"

typedef struct planned {
    GPtrArray *scenarios;
    hp_plan *plan; /* of the first */
} planned;

/* file: where the text would lie. Fails the test with what is wrong with it. */
static inline planned planned_of(const char *file, const char *text)
{
    g_autoptr(hp_diags) diags = hp_diags_new();
    planned p = {.scenarios = hp_scenario_parse(file, text, strlen(text), diags)};
    p.plan = p.scenarios ? hp_plan_new(p.scenarios->pdata[0], "t", 1, diags) : NULL;
    g_autofree char *said = hp_diags_format(diags);
    if (!p.plan)
        fail_msg("%s", said);
    g_assert(p.plan); /* fail_msg() does not return, which nobody tells the compiler */
    return p;
}

static inline void planned_clear(planned *p)
{
    hp_plan_free(p->plan);
    g_ptr_array_unref(p->scenarios);
}

#endif
