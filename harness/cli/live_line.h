/* The line at the bottom of a terminal that tells how far a run is. Does nothing where no terminal is listening. */
#ifndef HP_CLI_LIVE_LINE_H
#define HP_CLI_LIVE_LINE_H

#include "check/result.h"
#include "plan/plan.h"

typedef struct hp_live_line hp_live_line;

/* wanted false: never shows anything. The plans outlive it. */
hp_live_line *hp_live_line_new(hp_plan *const *plans, unsigned n_plans, bool wanted);
/* Clears the line. */
void hp_live_line_free(hp_live_line *line);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(hp_live_line, hp_live_line_free)
void hp_live_line_begun(hp_live_line *line, unsigned index);
void hp_live_line_done(hp_live_line *line, unsigned index, hp_verdict verdict, hp_time ended);
/* Before anything else is printed. */
void hp_live_line_clear(hp_live_line *line);
/* After that, and whenever something changed: draws, but not more than ten times a second. */
void hp_live_line_draw(hp_live_line *line);

#endif
