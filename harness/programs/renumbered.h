/* The addresses that a server has after a step: the plan's, or what `renumber` steps made of them. */
#ifndef HP_PROGRAMS_RENUMBERED_H
#define HP_PROGRAMS_RENUMBERED_H

#include "plan/plan.h"

/* After the step of that index was carried out, and all before it. The array is the plan's or the scenario's. */
const hp_addr *hp_renumbered_server(const hp_plan *plan, unsigned server, unsigned step, unsigned *ret_n);

#endif
