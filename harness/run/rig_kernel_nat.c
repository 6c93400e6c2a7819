/* NATs of a rig: simulated ones (world/nat.h), and in the live world a kernel's (live/kernel_router.h), which has the
 * same ports and taps, so that the rest of the rig does not tell them apart. What only a simulated one can do (rebind,
 * set-nat, mapping ports on request) the plan refuses for a kernel's.
 *
 * A kernel's NAT is a node like any other from the start; namespace, devices and rules come with
 * hp_rig_open_kernel_nats(), when all that is inside is known. */
#include "run/rig_private.h"

static void build_simulated(hp_rig *rig, unsigned i)
{
    const hp_plan_nat *plan = &rig->plan->nats[i];
    const hp_plan_zone *inside = &rig->plan->zones[plan->inside_zone];
    hp_nat *nat = rig->nats[i] = hp_nat_new(rig->world, plan->source->name, &plan->source->config);
    hp_nat_set_external(nat, plan->outside.addresses, plan->outside.n_addresses);
    if (inside->router4.family)
        hp_nat_set_internal(nat, &inside->router4);
    if (inside->router6.family)
        hp_nat_set_internal(nat, &inside->router6);
}

static void build_kernel(hp_rig *rig, unsigned i)
{
    const hp_plan_nat *plan = &rig->plan->nats[i];
    const hp_plan_zone *inside = &rig->plan->zones[plan->inside_zone];
    hp_kernel_router *router = rig->kernel_nats[i] =
        hp_kernel_router_new(rig->world, plan->source->name, plan->source->kernel, &plan->source->config);
    hp_kernel_router_set_external(router, plan->outside.addresses, plan->outside.n_addresses);
    hp_kernel_router_set_internal(router, &inside->router4);
    hp_kernel_router_set_internal(router, &inside->router6);
}

void hp_rig_build_nat(hp_rig *rig, unsigned i)
{
    const hp_plan_nat *plan = &rig->plan->nats[i];
    const hp_plan_zone *inside = &rig->plan->zones[plan->inside_zone];
    if (plan->source->kernel == HP_KERNEL_NAT_NONE)
        build_simulated(rig, i);
    else
        build_kernel(rig, i);
    if (inside->prefix4.base.family)
        hp_rig_nat_add_inside_prefix(rig, i, &inside->prefix4);
    if (inside->prefix6.base.family)
        hp_rig_nat_add_inside_prefix(rig, i, &inside->prefix6);
}

hp_node *hp_rig_nat_node(const hp_rig *rig, unsigned nat)
{
    return rig->kernel_nats[nat] ? hp_kernel_router_node(rig->kernel_nats[nat]) : hp_nat_node(rig->nats[nat]);
}

void hp_rig_nat_add_inside_prefix(hp_rig *rig, unsigned nat, const hp_prefix *prefix)
{
    if (rig->kernel_nats[nat])
        hp_kernel_router_add_inside_prefix(rig->kernel_nats[nat], prefix);
    else
        hp_nat_add_inside_prefix(rig->nats[nat], prefix);
}

void hp_rig_nat_renumber(hp_rig *rig, unsigned nat, const hp_addr *addresses, unsigned n)
{
    if (rig->kernel_nats[nat])
        hp_kernel_router_renumber(rig->kernel_nats[nat], addresses, n);
    else
        hp_nat_renumber(rig->nats[nat], addresses, n);
}

void hp_rig_nat_reboot(hp_rig *rig, unsigned nat)
{
    if (rig->kernel_nats[nat])
        hp_kernel_router_reboot(rig->kernel_nats[nat]);
    else
        hp_nat_reboot(rig->nats[nat]);
}

bool hp_rig_open_kernel_nats(hp_rig *rig, hp_loop *loop, GError **error)
{
    for (unsigned i = 0; i < rig->plan->n_nats; i++)
        if (rig->kernel_nats[i] && !hp_kernel_router_open(rig->kernel_nats[i], loop, error))
            return false;
    return true;
}

void hp_rig_close_kernel_nats(hp_rig *rig)
{
    for (unsigned i = 0; rig->kernel_nats && i < rig->plan->n_nats; i++)
        hp_kernel_router_close(rig->kernel_nats[i]);
}
