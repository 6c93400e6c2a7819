/* Whether a case can run in a world on this machine, before anything is started. */
#ifndef HP_RUN_LIVE_APPLIES_H
#define HP_RUN_LIVE_APPLIES_H

#include "plan/plan.h"

/* Why the case is skipped in that world, in a sentence without its full stop; NULL: it can run. Caller frees. What the
 * machine lacks is looked for once in a process. */
char *hp_world_refuses(const hp_plan *plan, bool live);

#endif
