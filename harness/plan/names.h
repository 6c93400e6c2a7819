/* Private to plan/: names in DNS, and who asks whom for them. */
#ifndef HP_PLAN_NAMES_H
#define HP_PLAN_NAMES_H

#include "plan/plan.h"

/* Fills the servers' names and records and the peers' resolvers. Addresses must be assigned. What is allocated goes to
 * owned. */
void hp_plan_names(hp_plan *plan, GPtrArray *owned);

#endif
