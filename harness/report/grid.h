/* The grid of a matrix: what became of every combination of values.
 *
 * It is filled case by case, in any order, and drawn when all is over: as text for a terminal, as JSON, as CSV. A cell
 * is one case; it copies what it shows, so results may be freed. A case that was not run (a filter, another shard,
 * --fail-fast) has no cell, but the grid knows it from its scenario; a combination that is no case (an exception, the
 * reduction) has neither. */
#ifndef HP_REPORT_GRID_H
#define HP_REPORT_GRID_H

#include <glib.h>

#include "check/result.h"
#include "oracle/shortfalls.h"
#include "report/report.h"

typedef struct hp_grid_axis {
    char *name, *path; /* as of hp_sc_axis */
    GPtrArray *values; /* char*, in the matrix's order */
} hp_grid_axis;

/* Two peers that called each other, as hp_oracle_result has them. */
typedef struct hp_grid_pair {
    char *a, *b;
    hp_outcome predicted, worst; /* the best and the worst that the oracle has for it */
    bool known; /* the run lasted long enough to say, and the oracle has an opinion */
    hp_outcome happened; /* of what is known */
    uint8_t local, remote; /* types of the pair that `a` selected; 0 when none */
    hp_oracle_verdict verdict;
    const hp_shortfall *shortfall; /* or NULL */
    hp_time took; /* from the call to both ends connected; HP_NEVER */
} hp_grid_pair;

typedef struct hp_grid_cell {
    char *name; /* of the case */
    char *evidence; /* folder, or NULL */
    unsigned *values; /* an index for each axis */
    hp_verdict verdict;
    uint64_t seed;
    GArray *pairs; /* hp_grid_pair; empty when nothing came about */
} hp_grid_cell;

typedef struct hp_grid {
    GArray *axes; /* hp_grid_axis */
    GPtrArray *cells; /* hp_grid_cell*, by the matrix's order once hp_grid_sort() was called */
    unsigned *planned; /* of every case, run or not: an index for each axis */
    unsigned n_planned;
} hp_grid;

/* scenarios: hp_scenario*, all of one matrix in its order, from which axes and values come. */
hp_grid *hp_grid_new(const GPtrArray *scenarios);
void hp_grid_free(hp_grid *grid);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(hp_grid, hp_grid_free)
/* evidence: folder, or NULL. A result of another matrix is ignored. */
void hp_grid_add(hp_grid *grid, const hp_result *result, const char *evidence);
/* Puts the cells in the matrix's order: the last axis turns fastest. */
void hp_grid_sort(hp_grid *grid);

/* What a cell came to: of several pairs the least. */
typedef struct hp_grid_summary {
    bool known;
    hp_outcome outcome; /* when known */
    bool failed; /* the case is not good */
    const hp_shortfall *shortfall; /* of the first pair with one; NULL */
    bool unlucky; /* less than the best that was predicted, where luck decides */
    const hp_grid_pair *pair; /* that came to this; NULL: there is none */
} hp_grid_summary;
hp_grid_summary hp_grid_summarise(const hp_grid_cell *cell);

/* "srflx/relay"; "" when nothing was selected. Caller frees. */
char *hp_grid_types(const hp_grid_pair *pair);

/* Grids for a terminal of `width` columns, a legend, and below them what libnice is known to fall short in and where
 * luck decided. Rows are the first axis, columns the second; each combination of the others that was run is a grid of its
 * own, but seeds are folded, and so are all of them where half of all combinations or more are no case: then a cell shows the worst of
 * its cases. A place without a cell has a mark that says why; rows without any are left out. Call hp_grid_sort() before, as for the others. Caller frees. */
char *hp_grid_text(const hp_grid *grid, const hp_report_style *style, unsigned width);
/* The text of "hairpin-grid/1": axes, cells, totals, shortfalls. Caller frees. */
char *hp_grid_json(const hp_grid *grid);
/* RFC 4180 with LF, a line a cell: the axes, then case, verdict, outcome, types, predicted, at_worst, oracle, shortfall,
 * connected_ms, seed, evidence. Caller frees. */
char *hp_grid_csv(const hp_grid *grid);

#endif
