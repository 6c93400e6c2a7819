/* The grid as CSV. A cell with several pairs of peers tells of the one that came to least; JSON has them all. */
#include "base/decimal.h"
#include "report/grid.h"

#include <string.h>

typedef struct table {
    GString *text;
    unsigned n; /* fields of this line */
} table;

/* Quoted where RFC 4180 asks for it. */
static void put(table *t, const char *field)
{
    if (t->n++ > 0) {
        g_string_append_c(t->text, ',');
    }
    if (strpbrk(field, ",\"\r\n") == NULL) {
        g_string_append(t->text, field);
        return;
    }
    g_string_append_c(t->text, '"');
    for (const char *p = field; *p != '\0'; p++) {
        g_string_append_c(t->text, *p);
        if (*p == '"') {
            g_string_append_c(t->text, '"');
        }
    }
    g_string_append_c(t->text, '"');
}

static void end_line(table *t)
{
    g_string_append_c(t->text, '\n');
    t->n = 0;
}

static void put_pair(table *t, const hp_grid_summary *s)
{
    const hp_grid_pair *pair = s->pair;
    g_autofree char *types = pair != NULL ? hp_grid_types(pair) : g_strdup("");
    g_autoptr(GString) took = g_string_new(NULL);
    if (pair != NULL && pair->took != HP_NEVER) {
        hp_decimal_append(took, pair->took, HP_MS, 3, false);
    }
    put(t, s->known ? hp_outcome_name(s->outcome) : "");
    put(t, types);
    put(t, pair != NULL ? hp_outcome_name(pair->predicted) : "");
    put(t, pair != NULL ? hp_outcome_name(pair->worst) : "");
    put(t, pair != NULL ? hp_oracle_verdict_name(pair->verdict) : "");
    put(t, s->shortfall != NULL ? s->shortfall->name : "");
    put(t, took->str);
}

char *hp_grid_csv(const hp_grid *grid)
{
    static const char *const columns[] = {"case",   "verdict",   "outcome",      "types", "predicted", "at_worst",
                                          "oracle", "shortfall", "connected_ms", "seed",  "evidence"};
    table t = {.text = g_string_new(NULL)};
    for (unsigned a = 0; a < grid->axes->len; a++) {
        put(&t, g_array_index(grid->axes, hp_grid_axis, a).name);
    }
    for (unsigned i = 0; i < G_N_ELEMENTS(columns); i++) {
        put(&t, columns[i]);
    }
    end_line(&t);
    for (unsigned i = 0; i < grid->cells->len; i++) {
        const hp_grid_cell *cell = grid->cells->pdata[i];
        const hp_grid_summary s = hp_grid_summarise(cell);
        g_autofree char *seed = g_strdup_printf("%" G_GUINT64_FORMAT, cell->seed);
        for (unsigned a = 0; a < grid->axes->len; a++) {
            put(&t, g_array_index(grid->axes, hp_grid_axis, a).values->pdata[cell->values[a]]);
        }
        put(&t, cell->name);
        put(&t, hp_verdict_name(cell->verdict));
        put_pair(&t, &s);
        put(&t, seed);
        put(&t, cell->evidence != NULL ? cell->evidence : "");
        end_line(&t);
    }
    return g_string_free(t.text, FALSE);
}
