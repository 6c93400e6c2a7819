/* The grid on a terminal.
 *
 *   servers=stun
 *                           1  2  3
 *    1 full-cone            D  D  D
 *    2 symmetric            D  .  .!
 *    3 udp-blocking-office  .  .  .
 *
 * A cell is a letter for the kind of path and a mark; what it says stands in the legend, and no place stays empty. Columns have their values as
 * headers where these fit, else numbers, which are the numbers of the rows where both axes have the same values and are
 * told above otherwise. A grid that is wider than the terminal is cut into blocks of columns. */
#include "report/grid_private.h"

#include <assert.h>
#include <string.h>

#include "base/decimal.h"
#include "report/terminal.h"

#define NOT_RUN '_'
#define NO_CASE 'x'

enum { CELL = 2, MOST_LABEL = 30 };

static const struct {
    char letter;
    const char *colour;
} looks[] = {
    [HP_OUTCOME_NONE] = {'.', HP_TERM_DIM},
    [HP_OUTCOME_RELAY] = {'R', HP_TERM_YELLOW},
    [HP_OUTCOME_HAIRPIN] = {'H', HP_TERM_CYAN},
    [HP_OUTCOME_DIRECT] = {'D', HP_TERM_GREEN},
};
static_assert(G_N_ELEMENTS(looks) == HP_OUTCOME_N, "one look an outcome");

typedef struct drawing {
    hp_output *o;
    const hp_grid *grid;
    const hp_report_style *style;
    unsigned width;
    const hp_grid_axis *rows, *columns; /* columns NULL: one axis alone */
    unsigned n_columns;
    bool named; /* column headers are values, not numbers */
    bool same; /* rows and columns have the same values, so one numbering */
    bool folded[16]; /* this axis has no grids of its own */
    unsigned label_width; /* with the blank behind it */
    bool gaps, holes; /* some place was drawn as not run; as no case */
} drawing;

static const hp_grid_axis *axis_of(const hp_grid *grid, unsigned a)
{
    return &g_array_index(grid->axes, hp_grid_axis, a);
}

/* ---- cells ---- */

/* The cells of one place, folded: the worst outcome, the gravest mark. */
typedef struct place {
    bool any, known, failed, shortfall, unlucky;
    bool planned; /* there is a case, be it run or not */
    hp_outcome outcome;
} place;

static void join(place *p, const hp_grid_cell *cell)
{
    const hp_grid_summary s = hp_grid_summarise(cell);
    p->any = true;
    p->failed |= s.failed;
    p->shortfall |= s.shortfall != NULL;
    p->unlucky |= s.unlucky;
    if (s.known) {
        p->outcome = p->known ? MIN(p->outcome, s.outcome) : s.outcome;
        p->known = true;
    }
}

/* Blanks wait for something to follow: no line ends in one. */
static void put_place(const drawing *d, const place *p, unsigned *blanks)
{
    const char letter = p->known ? looks[p->outcome].letter : '?';
    const char mark = p->failed ? '!' : p->shortfall ? '-' : p->unlucky ? '~' : '\0';
    const char text[] = {p->any ? letter : p->planned ? NOT_RUN : NO_CASE, mark, '\0'};
    hp_output_printf(d->o, "%*s", (int)*blanks, "");
    hp_term_coloured(d->o, d->style,
                     !p->any                  ? HP_TERM_DIM
                     : p->failed || !p->known ? HP_TERM_RED
                                              : looks[p->outcome].colour,
                     0, text);
    *blanks = mark == '\0' ? 1 : 0;
}

/* ---- one grid ---- */

static bool equal_values(const hp_grid_axis *a, const hp_grid_axis *b)
{
    bool equal = a->values->len == b->values->len;
    for (unsigned i = 0; equal && i < a->values->len; i++) {
        equal = strcmp(a->values->pdata[i], b->values->pdata[i]) == 0;
    }
    return equal;
}

static unsigned longest(const hp_grid_axis *axis)
{
    glong most = 0;
    for (unsigned i = 0; i < axis->values->len; i++) {
        most = MAX(most, g_utf8_strlen(axis->values->pdata[i], -1));
    }
    return (unsigned)most;
}

static void pad(GString *text, unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        g_string_append_c(text, ' ');
    }
}

/* Of a column with its header, a blank before it included. */
static unsigned column_width(const drawing *d, unsigned column)
{
    return d->named ? 1 + MAX((unsigned)g_utf8_strlen(d->columns->values->pdata[column], -1), (unsigned)CELL) : CELL;
}

/* A text cut to, and filled up to, so many columns. */
static void put_padded(hp_output *o, const char *text, unsigned width)
{
    const unsigned length = (unsigned)g_utf8_strlen(text, -1);
    g_autofree char *shown = g_utf8_substring(text, 0, (glong)MIN(length, width));
    hp_output_text(o, shown);
    for (unsigned i = length; i < width; i++) {
        hp_output_char(o, ' ');
    }
}

/* Numbers stand upright, a digit a line, so that a column is no wider than a cell. */
static void put_headers(const drawing *d, unsigned first, unsigned last)
{
    if (d->columns == NULL) {
        return; /* one axis alone */
    }
    const unsigned lines = d->named ? 1 : d->n_columns >= 100 ? 3 : d->n_columns >= 10 ? 2 : 1;
    for (unsigned line = 0; line < lines; line++) {
        g_autoptr(GString) text = g_string_new(NULL);
        g_string_append_printf(text, "%*s", (int)d->label_width, "");
        for (unsigned c = first; c < last; c++) {
            if (d->named) {
                g_string_append_printf(text, " %s", (const char *)d->columns->values->pdata[c]);
                pad(text, column_width(d, c) - (unsigned)g_utf8_strlen(d->columns->values->pdata[c], -1) - 1);
                continue;
            }
            g_autofree char *number = g_strdup_printf("%*u", (int)lines, c + 1);
            g_string_append_printf(text, "%c ", number[line]);
        }
        g_strchomp(text->str);
        hp_term_coloured(d->o, d->style, HP_TERM_DIM, 0, text->str);
        hp_output_char(d->o, '\n');
    }
}

static void put_label(const drawing *d, unsigned row)
{
    const bool numbered = d->same && !d->named;
    unsigned width = d->label_width - 1;
    if (numbered) {
        hp_output_printf(d->o, "%3u ", row + 1);
        width -= 4;
    }
    put_padded(d->o, d->rows->values->pdata[row], width);
}

static void put_row(const drawing *d, const place *places, unsigned row, unsigned first, unsigned last)
{
    unsigned blanks = 1;
    put_label(d, row);
    for (unsigned c = first; c < last; c++) {
        blanks += d->named;
        put_place(d, &places[(size_t)row * d->n_columns + c], &blanks);
        blanks += column_width(d, c) - CELL - d->named;
    }
    hp_output_char(d->o, '\n');
}

static bool is_empty_row(const drawing *d, const place *places, unsigned row)
{
    bool any = false;
    for (unsigned c = 0; c < d->n_columns; c++) {
        any |= places[(size_t)row * d->n_columns + c].any;
    }
    return !any;
}

static void note_gaps(drawing *d, const place *places, unsigned row)
{
    for (unsigned c = 0; c < d->n_columns; c++) {
        const place *p = &places[(size_t)row * d->n_columns + c];
        d->gaps |= !p->any && p->planned;
        d->holes |= !p->any && !p->planned;
    }
}

static void put_grid(drawing *d, const place *places)
{
    for (unsigned first = 0, last = 0; first < d->n_columns; first = last) {
        unsigned at = d->label_width;
        while (last < d->n_columns && (last == first || at + column_width(d, last) <= d->width)) {
            at += column_width(d, last++);
        }
        put_headers(d, first, last);
        for (unsigned row = 0; row < d->rows->values->len; row++) {
            if (!is_empty_row(d, places, row)) {
                note_gaps(d, places, row);
                put_row(d, places, row, first, last);
            }
        }
    }
}

/* ---- all grids ---- */

/* Of values of all axes. */
static bool is_same_grid(const drawing *d, const unsigned *a, const unsigned *b)
{
    bool same = true;
    for (unsigned i = 2; i < d->grid->axes->len; i++) {
        same &= d->folded[i] || a[i] == b[i];
    }
    return same;
}

static void put_title(const drawing *d, const hp_grid_cell *cell)
{
    g_autoptr(GString) title = g_string_new(NULL);
    for (unsigned i = 2; i < d->grid->axes->len; i++) {
        const hp_grid_axis *axis = axis_of(d->grid, i);
        if (!d->folded[i]) {
            g_string_append_printf(title, "%s%s=%s", title->len > 0 ? ", " : "", axis->name,
                                   (const char *)axis->values->pdata[cell->values[i]]);
        }
    }
    if (title->len > 0) {
        hp_output_text(d->o, title->str);
        hp_output_char(d->o, '\n');
    }
}

static place *place_of(const drawing *d, place *places, const unsigned *values)
{
    return &places[(size_t)values[0] * d->n_columns + (d->columns != NULL ? values[1] : 0)];
}

static void put_grids(drawing *d)
{
    const GPtrArray *cells = d->grid->cells;
    const size_t n = (size_t)d->rows->values->len * d->n_columns;
    g_autoptr(GArray) drawn_room = g_array_set_size(g_array_new(FALSE, TRUE, sizeof(bool)), MAX(cells->len, 1));
    bool *drawn = (bool *)(void *)drawn_room->data;
    g_autoptr(GArray) places_room = g_array_set_size(g_array_new(FALSE, TRUE, sizeof(place)), (guint)MAX(n, 1));
    place *places = (place *)(void *)places_room->data;
    for (unsigned i = 0; i < cells->len; i++) {
        if (drawn[i]) {
            continue;
        }
        const unsigned *here = ((const hp_grid_cell *)cells->pdata[i])->values;
        memset(places, 0, n * sizeof *places);
        for (unsigned k = 0; k < d->grid->n_planned; k++) {
            const unsigned *values = d->grid->planned + (size_t)k * d->grid->axes->len;
            if (is_same_grid(d, here, values)) {
                place_of(d, places, values)->planned = true;
            }
        }
        for (unsigned k = i; k < cells->len; k++) {
            const hp_grid_cell *cell = cells->pdata[k];
            if (!drawn[k] && is_same_grid(d, here, cell->values)) {
                drawn[k] = true;
                join(place_of(d, places, cell->values), cell);
            }
        }
        put_title(d, cells->pdata[i]);
        put_grid(d, places);
        hp_output_char(d->o, '\n');
    }
}

/* Seeds are no grids of their own, nor is anything where most combinations are no case. */
static void fold(drawing *d)
{
    uint64_t all = 1;
    for (unsigned a = 0; a < d->grid->axes->len; a++) {
        all *= axis_of(d->grid, a)->values->len;
        all = MIN(all, UINT32_MAX);
    }
    const bool sparse = (uint64_t)d->grid->n_planned * 2 <= all;
    for (unsigned a = 2; a < d->grid->axes->len && a < G_N_ELEMENTS(d->folded); a++) {
        d->folded[a] = sparse || strcmp(axis_of(d->grid, a)->path, "seed") == 0;
    }
}

static void measure(drawing *d)
{
    unsigned named = 0;
    d->rows = axis_of(d->grid, 0);
    g_assert(d->rows != NULL);
    d->columns = d->grid->axes->len > 1 ? axis_of(d->grid, 1) : NULL;
    d->n_columns = d->columns != NULL ? d->columns->values->len : 1;
    d->same = d->columns != NULL && equal_values(d->rows, d->columns);
    d->label_width = MIN(longest(d->rows), (unsigned)MOST_LABEL) + 1;
    d->named = d->columns != NULL;
    for (unsigned c = 0; d->named && c < d->n_columns && named <= d->width; c++) {
        named += column_width(d, c);
    }
    d->named = d->columns != NULL && d->label_width + named <= d->width;
    d->label_width += d->same && !d->named ? 4 : 0;
}

/* ---- what stands around them ---- */

static void put_heading(const drawing *d)
{
    hp_output_printf(d->o, "rows: %s", d->rows->name);
    if (d->columns != NULL) {
        hp_output_printf(d->o, ", columns: %s", d->columns->name);
    }
    bool first = true;
    for (unsigned a = 2; a < d->grid->axes->len; a++) {
        if (d->folded[a]) {
            hp_output_printf(d->o, "%s%s", first ? "; a cell shows the worst over " : ", ", axis_of(d->grid, a)->name);
            first = false;
        }
    }
    hp_output_char(d->o, '\n');
    if (d->columns == NULL || d->named || d->same) {
        hp_output_char(d->o, '\n');
        return;
    }
    unsigned at = 0;
    for (unsigned c = 0; c < d->n_columns; c++) {
        g_autofree char *item = g_strdup_printf("%u %s", c + 1, (const char *)d->columns->values->pdata[c]);
        const unsigned length = (unsigned)g_utf8_strlen(item, -1);
        if (at > 0 && at + 2 + length > d->width) {
            hp_output_char(d->o, '\n');
            at = 0;
        }
        hp_output_printf(d->o, "%s%s", at > 0 ? "  " : "", item);
        at += length + (at > 0 ? 2 : 0);
    }
    hp_output_literal(d->o, "\n\n");
}

static void put_legend(const drawing *d, const hp_grid_totals *t)
{
    hp_output_literal(d->o, "D direct, H hairpin, R relay, . no path, ? nothing came about\n"
                            "! failed, - a known shortfall of libnice, ~ less than there might be, by ill luck\n");
    if (d->gaps || d->holes) {
        hp_output_printf(d->o, "%s%s%s\n", d->gaps ? "_ not run (a filter, another shard, --fail-fast)" : "",
                         d->gaps && d->holes ? ", " : "", d->holes ? "x no case (an exception, pairwise)" : "");
    }
    hp_output_printf(d->o, "\n%u %s: %u direct, %u hairpin, %u relay, %u no path", t->cells,
                     t->cells == 1 ? "cell" : "cells", t->by_outcome[HP_OUTCOME_DIRECT],
                     t->by_outcome[HP_OUTCOME_HAIRPIN], t->by_outcome[HP_OUTCOME_RELAY],
                     t->by_outcome[HP_OUTCOME_NONE]);
    if (t->unknown > 0) {
        hp_output_printf(d->o, ", %u unknown", t->unknown);
    }
    hp_output_literal(d->o, "; ");
    g_autofree char *failed = g_strdup_printf("%u failed", t->failed);
    hp_term_coloured(d->o, d->style, t->failed > 0 ? HP_TERM_RED : HP_TERM_PLAIN, 0, failed);
    if (hp_grid_not_run(d->grid) > 0) {
        hp_output_printf(d->o, "; %u not run", hp_grid_not_run(d->grid));
    }
    hp_output_char(d->o, '\n');
    if (t->slowest != NULL) {
        g_autoptr(GString) took = g_string_new(NULL);
        hp_decimal_append(took, t->slowest_took, HP_MS, 3, false);
        hp_output_printf(d->o, "slowest to connect: %s ms, in %s\n", took->str, t->slowest->name);
    }
}

static void put_kind(const drawing *d, unsigned n, const char *name, const char *cause, const hp_grid_cell *example)
{
    hp_output_printf(d->o, "  %6u  %s: %s\n          as in %s\n", n, name, cause, example->name);
}

static void put_reasons(const drawing *d, const hp_grid_totals *t)
{
    bool any = false;
    for (unsigned i = 0; i < t->n_shortfalls; i++) {
        if (t->shortfalls[i].n == 0) {
            continue;
        }
        if (!any) {
            hp_output_literal(d->o, "Where libnice is known to do less than ICE could:\n");
        }
        any = true;
        const hp_shortfall *s = hp_shortfall_nth(i);
        put_kind(d, t->shortfalls[i].n, s->name, s->cause, t->shortfalls[i].example);
    }
    if (t->unlucky > 0) {
        hp_output_literal(d->o, "Where luck decides:\n");
        put_kind(d, t->unlucky, "ill luck", "less came about than with other ports, addresses or another order",
                 t->unlucky_example);
    }
}

char *hp_grid_text(const hp_grid *grid, const hp_report_style *style, unsigned width)
{
    drawing d = {.o = hp_output_memory(), .grid = grid, .style = style, .width = MAX(width, 40)};
    hp_grid_totals totals;
    hp_grid_count(grid, &totals);
    if (grid->axes->len > 0 && grid->cells->len > 0) {
        measure(&d);
        fold(&d);
        put_heading(&d);
        put_grids(&d);
    }
    put_legend(&d, &totals);
    put_reasons(&d, &totals);
    return hp_output_take(d.o, NULL);
}
