/* One line that tells how far a run is, for a terminal. */
#ifndef HP_REPORT_PROGRESS_H
#define HP_REPORT_PROGRESS_H

#include <glib.h>

#include "base/time.h"

typedef struct hp_progress {
    unsigned n_done, n_cases, n_bad;
    hp_time virtual_time; /* that the cases that are done came to, together */
    uint64_t real_us; /* that it took, by the wall clock: for this line and nothing else */
    const char *const *running; /* names of the cases under way, the longest under way first */
    unsigned n_running;
} hp_progress;

/* "12/355, 1 not good, 64x real time: nat/strict, turn/basic +2", of at most `width` columns. As many names as there is
 * room for, then how many more. Caller frees. */
char *hp_progress_text(const hp_progress *progress, unsigned width);

#endif
