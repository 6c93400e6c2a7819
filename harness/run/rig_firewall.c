/* Firewalls in the rig. Three kinds, by where they stand:
 *
 *   within a NAT, before its inside port: "home/firewall". It sees inside addresses, and speaks from the NAT's.
 *   before a host's interface: "alice/firewall". It speaks from the host's address.
 *   with a zone of its own, a router without translation, under its own name. Its inside network is routed to it in the
 *   zone it is behind, and in every zone beyond that has to pass through a firewall to get there; a NAT on the way
 *   takes it for a part of its inside, and ends the walk unless it routes IPv6.
 *
 * Only the last kind knows which addresses are inside (RFC 6092 REC-5, REC-6): the others stand where somebody else
 * looks at sources, and a NAT that hairpins with internal sources must not meet a firewall that calls them forged. */
#include "run/rig_private.h"

static hp_firewall *make_firewall(hp_rig *rig, const char *name, const hp_sc_firewall *source)
{
    hp_firewall_config config;
    hp_sc_firewall_config(source, &config);
    hp_firewall *firewall = hp_firewall_new(rig->world, name, &config);
    hp_firewall_config_clear(&config);
    return firewall;
}

static void set_addresses(hp_firewall *firewall, unsigned side, const hp_addr *ipv4, const hp_addr *ipv6)
{
    if (ipv4->family)
        hp_firewall_set_address(firewall, side, ipv4);
    if (ipv6->family)
        hp_firewall_set_address(firewall, side, ipv6);
}

static void connect_both_ways(hp_node *a, unsigned a_port, hp_node *b, unsigned b_port)
{
    hp_node_connect(a, a_port, b, b_port);
    hp_node_connect(b, b_port, a, a_port);
}

void hp_rig_attach_nat_inside(hp_rig *rig, unsigned nat)
{
    const hp_plan_nat *plan = &rig->plan->nats[nat];
    const hp_plan_zone *zone = &rig->plan->zones[plan->inside_zone];
    hp_node *node = hp_rig_nat_node(rig, nat);
    if (!plan->source->firewall.on) {
        hp_rig_attach_inside(rig, &rig->nat_insides[nat], plan->inside_zone, node, HP_NAT_INSIDE);
        return;
    }
    g_autofree char *name = g_strdup_printf("%s/firewall", plan->source->name);
    hp_firewall *firewall = rig->nat_firewalls[nat] = make_firewall(rig, name, &plan->source->firewall);
    set_addresses(firewall, HP_FIREWALL_INSIDE, &zone->router4, &zone->router6);
    set_addresses(firewall, HP_FIREWALL_OUTSIDE, &zone->router4, &zone->router6);
    connect_both_ways(node, HP_NAT_INSIDE, hp_firewall_node(firewall), HP_FIREWALL_OUTSIDE);
    hp_rig_attach_inside(rig, &rig->nat_insides[nat], plan->inside_zone, hp_firewall_node(firewall),
                         HP_FIREWALL_INSIDE);
}

hp_firewall *hp_rig_host_firewall(hp_rig *rig, hp_node *host, unsigned port, const hp_plan_attachment *at,
                                  const hp_sc_firewall *source)
{
    g_autofree char *name = g_strdup_printf("%s/firewall", at->tap);
    hp_firewall *firewall = make_firewall(rig, name, source);
    hp_addr ipv4 = hp_rig_first_of(at->addresses, at->n_addresses, HP_AF_IPV4);
    hp_addr ipv6 = hp_rig_first_of(at->addresses, at->n_addresses, HP_AF_IPV6);
    set_addresses(firewall, HP_FIREWALL_INSIDE, &ipv4, &ipv6);
    set_addresses(firewall, HP_FIREWALL_OUTSIDE, &ipv4, &ipv6);
    connect_both_ways(host, port, hp_firewall_node(firewall), HP_FIREWALL_INSIDE);
    return firewall;
}

/* ---- with a zone ---- */

/* What is inside is known there, and the way to it everywhere beyond. */
static void announce(hp_rig *rig, unsigned firewall, const hp_prefix *prefix)
{
    if (!prefix->base.family)
        return;
    hp_firewall_add_inside_prefix(rig->firewalls[firewall], prefix);
    hp_rig_route_prefix(rig, &rig->firewall_outsides[firewall], prefix);
}

void hp_rig_build_firewalls(hp_rig *rig)
{
    const hp_plan *plan = rig->plan;
    rig->firewalls = g_new0(hp_firewall *, plan->n_firewalls);
    rig->firewall_outsides = g_new0(hp_rig_attachment, plan->n_firewalls);
    rig->firewall_insides = g_new0(hp_rig_inside, plan->n_firewalls);
    for (unsigned i = 0; i < plan->n_firewalls; i++) {
        const hp_plan_firewall *f = &plan->firewalls[i];
        const hp_plan_zone *inside = &plan->zones[f->inside_zone];
        hp_firewall *firewall = rig->firewalls[i] = make_firewall(rig, f->source->name, &f->source->firewall);
        hp_node *node = hp_firewall_node(firewall);
        set_addresses(firewall, HP_FIREWALL_INSIDE, &inside->router4, &inside->router6);
        set_addresses(firewall, HP_FIREWALL_OUTSIDE, &f->outside4, &f->outside6);
        hp_rig_attach_inside(rig, &rig->firewall_insides[i], f->inside_zone, node, HP_FIREWALL_INSIDE);
        hp_rig_attach(rig, &rig->firewall_outsides[i], &f->outside, node, HP_FIREWALL_OUTSIDE, f->source->name);
    }
    for (unsigned i = 0; i < plan->n_firewalls; i++) {
        const hp_plan_zone *inside = &plan->zones[plan->firewalls[i].inside_zone];
        announce(rig, i, &inside->prefix4);
        announce(rig, i, &inside->prefix6);
    }
}

/* ---- at run time ---- */

static void tell(hp_rig *rig, const char *name, const char *what)
{
    hp_trace_event(hp_world_trace(rig->world), hp_world_now(rig->world), HP_EV_FIREWALL_CHANGED, name,
                   HP_FS("what", what));
}

void hp_rig_reboot(hp_rig *rig, const char *name)
{
    int nat = hp_plan_find_nat(rig->plan, name), firewall = hp_plan_find_firewall(rig->plan, name);
    hp_firewall *flushed = nat >= 0 ? rig->nat_firewalls[nat] : rig->firewalls[firewall];
    if (nat >= 0)
        hp_rig_nat_reboot(rig, (unsigned)nat);
    if (nat >= 0 && rig->gateways[nat])
        hp_gateway_restart(rig->gateways[nat]);
    if (flushed) {
        hp_firewall_flush(flushed);
        tell(rig, name, "reboot");
    }
}

void hp_rig_set_firewall(hp_rig *rig, const hp_step *step)
{
    const hp_plan *plan = rig->plan;
    const char *of = step->firewall.of;
    int zone = hp_plan_find_firewall(plan, of), nat = hp_plan_find_nat(plan, of);
    int server = hp_plan_find_server(plan, of), peer = hp_plan_find_peer(plan, of);
    hp_firewall_config config;
    hp_sc_firewall_config(&step->firewall.firewall, &config);
    if (peer >= 0) {
        for (unsigned k = 0; k < plan->peers[peer].n_interfaces; k++) {
            const char *name = plan->peers[peer].interfaces[k].name;
            if (rig->peer_firewalls[peer][k] &&
                (!step->firewall.interface || g_strcmp0(name, step->firewall.interface) == 0))
                hp_firewall_configure(rig->peer_firewalls[peer][k], &config);
        }
    } else {
        hp_firewall_configure(zone >= 0  ? rig->firewalls[zone]
                              : nat >= 0 ? rig->nat_firewalls[nat]
                                         : rig->server_firewalls[server],
                              &config);
    }
    hp_firewall_config_clear(&config);
    tell(rig, of, step->firewall.text);
}
