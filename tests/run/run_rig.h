/* A scenario's text, planned and run in this process, and what its trace holds. */
#ifndef HP_TESTS_RUN_RIG_H
#define HP_TESTS_RUN_RIG_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* after the four above */
#include <cmocka.h>

#include "run/run.h"
#include "seam/seam.h"

typedef struct fixture {
    hp_trace *trace;
    GPtrArray *scenarios;
    hp_plan *plan;
    hp_result *result;
} fixture;

/* The text's first case, called "test", with seed 1. Fails the test when there is no plan of it. */
static inline fixture run_text(const char *text)
{
    fixture f = {0};
    g_autoptr(GError) error = NULL;
    g_autoptr(hp_diags) diags = hp_diags_new();
    f.trace = hp_trace_new(&error);
    f.scenarios = hp_scenario_parse("test.yaml", text, strlen(text), diags);
    f.plan = f.scenarios ? hp_plan_new(f.scenarios->pdata[0], "test", 1, diags) : NULL;
    if (!f.plan) {
        g_autofree char *told = hp_diags_format(diags);
        fail_msg("%s", told);
    }
    g_assert(f.plan != NULL); /* for the analyzer, which does not know that fail_msg() jumps */
    f.result = hp_run_plan(f.plan, f.trace, NULL, &error);
    assert_non_null(f.result);
    return f;
}

static inline void clear(fixture *f)
{
    hp_result_free(f->result);
    hp_plan_free(f->plan);
    g_ptr_array_unref(f->scenarios);
    hp_trace_free(f->trace);
}

/* The n-th (from 0) event of that kind and subject (NULL: any). */
static inline hp_record event(const fixture *f, hp_event_kind kind, const char *subject, unsigned n)
{
    hp_trace_cursor cursor = {0};
    hp_record r;
    while (hp_trace_next(f->trace, &cursor, &r)) {
        if (r.type == HP_RECORD_EVENT && r.event.kind == kind && (!subject || strcmp(r.event.subject, subject) == 0) &&
            n-- == 0) {
            return r;
        }
    }
    fail_msg("no such event: %s of %s", hp_event_name(kind), subject ? subject : "anyone");
    return r;
}

/* What a group of tests begins with. */
static inline int start_seam(void **state)
{
    return hp_seam_start(NULL, NULL) ? 0 : -1;
}

#endif
