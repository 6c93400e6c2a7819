/* Theory of operation: a `renumber` that gives no addresses lets the present ones and the plan's spare ones change places;
 * one that gives some replaces the present ones for good. As steps are carried out in order, every process comes to the
 * same by counting them. */
#include "programs/renumbered.h"

#include <string.h>

const hp_addr *hp_renumbered_server(const hp_plan *plan, unsigned server, unsigned step, unsigned *ret_n)
{
    const hp_plan_attachment *at = &plan->servers[server].attachment;
    const hp_addr *present = at->addresses, *spare = at->spare;
    *ret_n = at->n_addresses;
    for (unsigned i = 0; i <= step && i < plan->scenario->n_steps; i++) {
        const hp_step *s = &plan->scenario->steps[i];
        if (s->kind != HP_STEP_RENUMBER || strcmp(s->nat.nat, plan->servers[server].source->name) != 0)
            continue;
        if (s->nat.n_addresses > 0) {
            present = s->nat.addresses;
            *ret_n = s->nat.n_addresses;
        } else {
            const hp_addr *old = present;
            present = spare;
            spare = old;
            *ret_n = at->n_addresses;
        }
    }
    return present;
}
