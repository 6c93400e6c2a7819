/* Private to plan/: a plan while it is made, and the numbering of its networks. */
#ifndef HP_PLAN_NUMBERING_H
#define HP_PLAN_NUMBERING_H

#include "plan/addressing.h"
#include "plan/plan.h"

typedef struct hp_plan_builder {
    hp_plan *plan;
    hp_diags *diags;
    const hp_scenario *scenario;
    unsigned *attached; /* how many attachments a zone holds */
    bool *carrier; /* zones that hold a NAT's outside */
    hp_address_pool *pool4, *pool6; /* of each zone, while it is numbered */
    bool failed;
} hp_plan_builder;

/* ---- plan.c ---- */

/* The memory is freed with the plan. Gives it back. */
void *hp_plan_own(hp_plan *plan, void *memory);
#define HP_PLAN_OWN_ARRAY(plan, type, n) ((type *)hp_plan_own((plan), g_new0(type, MAX((n), 1))))
/* An error at that place, told once; hint may be NULL. There will be no plan. */
void hp_plan_complain(hp_plan_builder *b, hp_mark mark, const char *hint, const char *format, ...) G_GNUC_PRINTF(4, 5);

/* ---- numbering.c ---- */

/* Gives networks to the zones, and addresses to NATs, servers, peers and firewalls, which are attached already. */
void hp_plan_number(hp_plan_builder *b);

#endif
