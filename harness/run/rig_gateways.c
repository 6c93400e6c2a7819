/* Port mapping in a rig: a NAT that maps ports on request gets its services, and a peer is told who they are.
 *
 * A peer's gateway is the NAT of the zone that its interface is in: behind two NATs that is the inner one, as it is in a
 * home, and the other is never asked. */
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

GArray *hp_rig_gateways_of(const hp_rig *rig, const hp_plan_peer *peer)
{
    GArray *gateways = g_array_new(FALSE, FALSE, sizeof(hp_peer_gateway));
    for (unsigned k = 0; k < peer->n_interfaces; k++) {
        const hp_plan_attachment *at = &peer->interfaces[k];
        const hp_plan_zone *zone = &rig->plan->zones[at->zone];
        for (unsigned i = 0; i < at->n_addresses && zone->nat >= 0; i++) {
            bool v6 = at->addresses[i].family == HP_AF_IPV6;
            hp_peer_gateway gateway = {.local = at->addresses[i], .gateway = v6 ? zone->router6 : zone->router4};
            if (gateway.gateway.family != HP_AF_NONE)
                g_array_append_val(gateways, gateway);
        }
    }
    return gateways;
}
