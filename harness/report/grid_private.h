/* What the drawings of a grid share. Private to report/. */
#ifndef HP_REPORT_GRID_PRIVATE_H
#define HP_REPORT_GRID_PRIVATE_H

#include "report/grid.h"

enum { HP_GRID_MAX_SHORTFALLS = 32 };

typedef struct hp_grid_kind {
    unsigned n;
    const hp_grid_cell *example; /* the first */
} hp_grid_kind;

typedef struct hp_grid_totals {
    unsigned cells, by_outcome[HP_OUTCOME_N], unknown, failed, unlucky;
    const hp_grid_cell *unlucky_example;
    const hp_grid_cell *slowest; /* to connect, the first of them; NULL: nothing connected */
    hp_time slowest_took;
    hp_grid_kind shortfalls[HP_GRID_MAX_SHORTFALLS]; /* as hp_shortfall_nth() */
    unsigned n_shortfalls;
} hp_grid_totals;

/* Cases that have no cell. */
unsigned hp_grid_not_run(const hp_grid *grid);
void hp_grid_count(const hp_grid *grid, hp_grid_totals *ret);

#endif
