/* The grid as JSON, "hairpin-grid/1". */
#include "report/grid.h"
#include "report/grid_private.h"
#include "report/json_writer.h"

#include <assert.h>

static void put_axes(hp_json *j, const hp_grid *grid)
{
    hp_json_open(j, "axes", '[');
    for (unsigned a = 0; a < grid->axes->len; a++) {
        const hp_grid_axis *axis = &g_array_index(grid->axes, hp_grid_axis, a);
        hp_json_open(j, NULL, '{');
        hp_json_text(j, "name", axis->name);
        hp_json_text(j, "path", axis->path);
        hp_json_open(j, "values", '[');
        for (unsigned i = 0; i < axis->values->len; i++) {
            hp_json_text(j, NULL, axis->values->pdata[i]);
        }
        hp_json_close(j, ']');
        hp_json_close(j, '}');
    }
    hp_json_close(j, ']');
}

static void put_types(hp_json *j, const char *key, uint8_t types)
{
    g_autofree char *text = types != 0 ? hp_types_text(types) : NULL;
    hp_json_text(j, key, text);
}

static void put_pairs(hp_json *j, const hp_grid_cell *cell)
{
    hp_json_open(j, "pairs", '[');
    for (unsigned i = 0; i < cell->pairs->len; i++) {
        const hp_grid_pair *pair = &g_array_index(cell->pairs, hp_grid_pair, i);
        hp_json_open(j, NULL, '{');
        hp_json_text(j, "a", pair->a);
        hp_json_text(j, "b", pair->b);
        hp_json_text(j, "oracle", hp_oracle_verdict_name(pair->verdict));
        hp_json_text(j, "shortfall", pair->shortfall != NULL ? pair->shortfall->name : NULL);
        hp_json_text(j, "predicted", hp_outcome_name(pair->predicted));
        hp_json_text(j, "at_worst", hp_outcome_name(pair->worst));
        hp_json_text(j, "happened", pair->known ? hp_outcome_name(pair->happened) : NULL);
        put_types(j, "a_type", pair->local);
        put_types(j, "b_type", pair->remote);
        hp_json_time(j, "connected_ns", pair->took);
        hp_json_close(j, '}');
    }
    hp_json_close(j, ']');
}

static void put_cells(hp_json *j, const hp_grid *grid)
{
    hp_json_open(j, "cells", '[');
    for (unsigned i = 0; i < grid->cells->len; i++) {
        const hp_grid_cell *cell = grid->cells->pdata[i];
        hp_json_open(j, NULL, '{');
        hp_json_text(j, "case", cell->name);
        hp_json_open(j, "values", '{');
        for (unsigned a = 0; a < grid->axes->len; a++) {
            const hp_grid_axis *axis = &g_array_index(grid->axes, hp_grid_axis, a);
            hp_json_text(j, axis->name, axis->values->pdata[cell->values[a]]);
        }
        hp_json_close(j, '}');
        hp_json_text(j, "verdict", hp_verdict_name(cell->verdict));
        hp_json_u64(j, "seed", cell->seed);
        hp_json_text(j, "evidence", cell->evidence);
        put_pairs(j, cell);
        hp_json_close(j, '}');
    }
    hp_json_close(j, ']');
}

static void put_totals(hp_json *j, const hp_grid_totals *t, unsigned not_run)
{
    static const char *const keys[] = {"none", "relay", "hairpin", "direct"};
    static_assert(G_N_ELEMENTS(keys) == HP_OUTCOME_N, "one key an outcome");
    hp_json_open(j, "totals", '{');
    hp_json_u64(j, "cells", t->cells);
    for (unsigned i = 0; i < HP_OUTCOME_N; i++) {
        hp_json_u64(j, keys[i], t->by_outcome[i]);
    }
    hp_json_u64(j, "unknown", t->unknown);
    hp_json_u64(j, "failed", t->failed);
    hp_json_u64(j, "unlucky", t->unlucky);
    hp_json_u64(j, "not_run", not_run);
    hp_json_time(j, "slowest_ns", t->slowest != NULL ? t->slowest_took : HP_NEVER);
    hp_json_close(j, '}');
    hp_json_open(j, "shortfalls", '[');
    for (unsigned i = 0; i < t->n_shortfalls; i++) {
        if (t->shortfalls[i].n == 0) {
            continue;
        }
        hp_json_open(j, NULL, '{');
        hp_json_text(j, "name", hp_shortfall_nth(i)->name);
        hp_json_text(j, "cause", hp_shortfall_nth(i)->cause);
        hp_json_text(j, "where", hp_shortfall_nth(i)->where);
        hp_json_u64(j, "cells", t->shortfalls[i].n);
        hp_json_text(j, "example", t->shortfalls[i].example->name);
        hp_json_close(j, '}');
    }
    hp_json_close(j, ']');
}

char *hp_grid_json(const hp_grid *grid)
{
    hp_json j = {.o = hp_output_memory(), .depth = 1, .first = true};
    hp_grid_totals totals;
    hp_grid_count(grid, &totals);
    hp_output_char(j.o, '{');
    hp_json_text(&j, "format", "hairpin-grid/1");
    hp_json_text(&j, "hairpin", HAIRPIN_VERSION);
    put_axes(&j, grid);
    put_totals(&j, &totals, hp_grid_not_run(grid));
    put_cells(&j, grid);
    hp_output_literal(j.o, "\n}\n");
    return hp_output_take(j.o, NULL);
}
