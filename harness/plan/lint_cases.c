/* The lint of a whole file. What a case says of a step or an expectation is told, since `when` may put it into some
 * cases only; what it says of anything else is told when every case says so: a server that one value of the matrix
 * leaves idle is there for the other values. */
#include "plan/plan.h"

static bool same_place(hp_mark a, hp_mark b)
{
    return a.line == b.line && a.column == b.column;
}

static bool is_of_step_or_expectation(const hp_scenario *scenario, hp_mark mark)
{
    for (unsigned i = 0; i < scenario->n_steps; i++)
        if (same_place(scenario->steps[i].mark, mark))
            return true;
    for (unsigned i = 0; i < scenario->n_expects; i++)
        if (same_place(scenario->expects[i].mark, mark))
            return true;
    return false;
}

void hp_plan_lint_cases(hp_plan *const *plans, unsigned n_plans, hp_diags *diags)
{
    g_autoptr(GHashTable) counts = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    for (unsigned i = 0; i < n_plans; i++) {
        hp_diags *found = hp_diags_new();
        hp_plan_lint(plans[i], found);
        for (unsigned k = 0; k < found->list->len; k++) {
            const hp_diag *d = found->list->pdata[k];
            char *key = g_strdup_printf("%u:%u:%s", d->mark.line, d->mark.column, d->message);
            unsigned before = GPOINTER_TO_UINT(g_hash_table_lookup(counts, key));
            g_hash_table_insert(counts, key, GUINT_TO_POINTER(before + 1));
            if (before + 1 < n_plans && !is_of_step_or_expectation(plans[i]->scenario, d->mark))
                continue;
            if (!hp_plan_is_told(diags, d->mark, d->message))
                hp_diags_add(diags, d->severity, d->mark, d->source_line, d->hint, "%s", d->message);
        }
        hp_diags_free(found);
    }
}
