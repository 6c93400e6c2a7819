/* Private to plan/: which worlds can run a plan, and what foreign programs must be able to do. */
#ifndef HP_PLAN_WORLDS_H
#define HP_PLAN_WORLDS_H

#include "plan/numbering.h"

/* Fills worlds, no_virtual and no_live; complains of what cannot be. */
void hp_plan_find_worlds(hp_plan_builder *b);

#endif
