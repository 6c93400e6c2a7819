/* Private to plan/: the places where rules stand. */
#ifndef HP_PLAN_RULES_H
#define HP_PLAN_RULES_H

#include "plan/plan.h"

/* Fills the plan's middleboxes; their memory goes to `owned`. False, and told to diags, when a rule is at no place. */
bool hp_plan_place_rules(hp_plan *plan, GPtrArray *owned, hp_diags *diags);

#endif
