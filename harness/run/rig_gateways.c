/* Port mapping in a rig: a NAT that maps ports on request gets its services. A peer is told who they are by
 * programs/peer_setup.c. */
#include "run/rig.h"

bool hp_rig_build_gateway(hp_rig *rig, unsigned i, GError **error)
{
    const hp_plan_nat *plan = &rig->plan->nats[i];
    const hp_plan_zone *zone = &rig->plan->zones[plan->inside_zone];
    const hp_addr *const given[] = {&zone->router4, &zone->router6};
    hp_addr inside[2];
    unsigned n = 0;
    if (!hp_port_mapping_is_on(&plan->source->port_mapping))
        return true;
    for (unsigned k = 0; k < G_N_ELEMENTS(given); k++) {
        if (given[k]->family == HP_AF_NONE)
            continue;
        inside[n++] = *given[k];
        if (hp_world_trace(rig->world))
            hp_trace_name_address(hp_world_trace(rig->world), plan->source->name, given[k]);
    }
    rig->gateways[i] =
        hp_gateway_new(rig->world, rig->nats[i], plan->source->name, inside, n, &plan->source->port_mapping, error);
    return rig->gateways[i] != NULL;
}
