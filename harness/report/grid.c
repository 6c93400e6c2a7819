/* The cells of a matrix, gathered from results. Where a cell stands follows from the values of its scenario alone, so
 * the order in which cases end does not matter; the values of an axis are in the order in which the matrix brings them
 * first, which is the file's. */
#include "report/grid.h"
#include "report/grid_private.h"

#include <string.h>

static void clear_axis(gpointer data)
{
    hp_grid_axis *axis = data;
    g_free(axis->name);
    g_free(axis->path);
    g_ptr_array_unref(axis->values);
}

static void clear_pair(gpointer data)
{
    hp_grid_pair *pair = data;
    g_free(pair->a);
    g_free(pair->b);
}

static void free_cell(gpointer data)
{
    hp_grid_cell *cell = data;
    g_free(cell->name);
    g_free(cell->evidence);
    g_free(cell->values);
    g_array_unref(cell->pairs);
    g_free(cell);
}

/* -1: the axis has no such value. */
static int find_value(const hp_grid_axis *axis, const char *value)
{
    for (unsigned i = 0; i < axis->values->len; i++) {
        if (strcmp(axis->values->pdata[i], value) == 0) {
            return (int)i;
        }
    }
    return -1;
}

/* False: the scenario is of another matrix. */
static bool values_of(const hp_grid *grid, const hp_scenario *s, unsigned *ret)
{
    bool all = s->n_axes == grid->axes->len;
    for (unsigned a = 0; all && a < s->n_axes; a++) {
        const int value = find_value(&g_array_index(grid->axes, hp_grid_axis, a), s->axes[a].value);
        all = value >= 0;
        ret[a] = all ? (unsigned)value : 0;
    }
    return all;
}

static void add_axes(hp_grid *grid, const hp_scenario *s)
{
    for (unsigned a = 0; a < s->n_axes; a++) {
        const hp_grid_axis axis = {g_strdup(s->axes[a].name), g_strdup(s->axes[a].path),
                                   g_ptr_array_new_with_free_func(g_free)};
        g_array_append_val(grid->axes, axis);
    }
}

hp_grid *hp_grid_new(const GPtrArray *scenarios)
{
    hp_grid *grid = g_new0(hp_grid, 1);
    grid->axes = g_array_new(FALSE, FALSE, sizeof(hp_grid_axis));
    g_array_set_clear_func(grid->axes, clear_axis);
    grid->cells = g_ptr_array_new_with_free_func(free_cell);
    if (scenarios->len > 0) {
        add_axes(grid, scenarios->pdata[0]);
    }
    grid->n_planned = scenarios->len;
    grid->planned = g_new(unsigned, MAX((size_t)scenarios->len * grid->axes->len, 1));
    for (unsigned i = 0; i < scenarios->len; i++) {
        const hp_scenario *s = scenarios->pdata[i];
        for (unsigned a = 0; a < grid->axes->len; a++) {
            hp_grid_axis *axis = &g_array_index(grid->axes, hp_grid_axis, a);
            int value = find_value(axis, s->axes[a].value);
            if (value < 0) {
                value = (int)axis->values->len;
                g_ptr_array_add(axis->values, g_strdup(s->axes[a].value));
            }
            grid->planned[(size_t)i * grid->axes->len + a] = (unsigned)value;
        }
    }
    return grid;
}

void hp_grid_free(hp_grid *grid)
{
    if (grid == NULL) {
        return;
    }
    g_array_unref(grid->axes);
    g_ptr_array_unref(grid->cells);
    g_free(grid->planned);
    g_free(grid);
}

static GArray *pairs_of(const hp_result *result)
{
    GArray *pairs = g_array_new(FALSE, FALSE, sizeof(hp_grid_pair));
    g_array_set_clear_func(pairs, clear_pair);
    for (unsigned i = 0; i < result->n_predictions; i++) {
        const hp_oracle_result *r = &result->predictions[i];
        const hp_grid_pair pair = {
            .a = g_strdup(r->a),
            .b = g_strdup(r->b),
            .predicted = r->prediction->outcome,
            .worst = r->prediction->worst,
            .known = r->verdict != HP_ORACLE_SILENT && r->verdict != HP_ORACLE_UNDECIDED,
            .happened = r->happened,
            .local = r->local,
            .remote = r->remote,
            .verdict = r->verdict,
            .shortfall = r->shortfall,
            .took = r->connected ? r->took : HP_NEVER,
        };
        g_array_append_val(pairs, pair);
    }
    return pairs;
}

void hp_grid_add(hp_grid *grid, const hp_result *result, const char *evidence)
{
    hp_grid_cell *cell = g_new0(hp_grid_cell, 1);
    cell->values = g_new0(unsigned, MAX(grid->axes->len, 1));
    cell->name = g_strdup(result->plan->case_name);
    cell->evidence = g_strdup(evidence);
    cell->verdict = result->verdict;
    cell->seed = result->plan->seed;
    cell->pairs = pairs_of(result);
    if (values_of(grid, result->plan->scenario, cell->values)) {
        g_ptr_array_add(grid->cells, cell);
    } else {
        free_cell(cell);
    }
}

static gint by_values(gconstpointer a, gconstpointer b, gpointer user)
{
    const hp_grid_cell *x = *(const hp_grid_cell *const *)a, *y = *(const hp_grid_cell *const *)b;
    const unsigned n = ((const hp_grid *)user)->axes->len;
    for (unsigned i = 0; i < n; i++) {
        if (x->values[i] != y->values[i]) {
            return x->values[i] < y->values[i] ? -1 : 1;
        }
    }
    return strcmp(x->name, y->name); /* repeated, or of another seed */
}

void hp_grid_sort(hp_grid *grid)
{
    g_ptr_array_sort_with_data(grid->cells, by_values, grid);
}

hp_grid_summary hp_grid_summarise(const hp_grid_cell *cell)
{
    hp_grid_summary s = {.failed = hp_verdict_is_bad(cell->verdict)};
    for (unsigned i = 0; i < cell->pairs->len; i++) {
        const hp_grid_pair *pair = &g_array_index(cell->pairs, hp_grid_pair, i);
        s.shortfall = s.shortfall != NULL ? s.shortfall : pair->shortfall;
        if (!pair->known) {
            s.pair = s.pair != NULL ? s.pair : pair;
            continue;
        }
        s.unlucky |= pair->verdict == HP_ORACLE_AGREES && pair->happened < pair->predicted;
        if (!s.known || pair->happened < s.outcome) {
            s.known = true;
            s.outcome = pair->happened;
            s.pair = pair;
        }
    }
    return s;
}

char *hp_grid_types(const hp_grid_pair *pair)
{
    if (pair->local == 0 && pair->remote == 0) {
        return g_strdup("");
    }
    g_autofree char *local = hp_types_text(pair->local);
    g_autofree char *remote = hp_types_text(pair->remote);
    return g_strdup_printf("%s/%s", local, remote);
}

unsigned hp_grid_not_run(const hp_grid *grid)
{
    return grid->n_planned > grid->cells->len ? grid->n_planned - grid->cells->len : 0;
}

void hp_grid_count(const hp_grid *grid, hp_grid_totals *ret)
{
    *ret = (hp_grid_totals){.cells = grid->cells->len};
    while (ret->n_shortfalls < HP_GRID_MAX_SHORTFALLS && hp_shortfall_nth(ret->n_shortfalls) != NULL) {
        ret->n_shortfalls++;
    }
    for (unsigned i = 0; i < grid->cells->len; i++) {
        const hp_grid_cell *cell = grid->cells->pdata[i];
        const hp_grid_summary s = hp_grid_summarise(cell);
        ret->failed += s.failed;
        ret->unknown += !s.known;
        if (s.known) {
            ret->by_outcome[s.outcome]++;
        }
        for (unsigned k = 0; k < cell->pairs->len; k++) {
            const hp_time took = g_array_index(cell->pairs, hp_grid_pair, k).took;
            if (took != HP_NEVER && (ret->slowest == NULL || took > ret->slowest_took)) {
                ret->slowest = cell;
                ret->slowest_took = took;
            }
        }
        if (s.unlucky && ret->unlucky++ == 0) {
            ret->unlucky_example = cell;
        }
        for (unsigned k = 0; k < ret->n_shortfalls; k++) {
            hp_grid_kind *kind = &ret->shortfalls[k];
            if (s.shortfall == hp_shortfall_nth(k) && kind->n++ == 0) {
                kind->example = cell;
            }
        }
    }
}
