/* Theory of operation.
 *
 * A plan is a tree of zones: every NAT, and every firewall with a network of its own, joins its inside zone to the zone
 * that its outside is attached to. Within a zone everybody reaches everybody by address; a packet for an address that
 * nobody there has leaves by the zone's way out, or ends. So the only questions are "who has this address in this
 * zone?" and "what leads out?".
 *
 * What is behind a firewall is reached from its outer zone by prefix; so is IPv6 that a NAT routes, or whose prefix it
 * replaces (RFC 6296). From zones further out it is as long as nothing but routing NATs and firewalls is on the way. */
#include "oracle/ground.h"

#include <stdlib.h>
#include <string.h>

bool hp_link_is_cut(const hp_link_config *link)
{
    return link->down || link->loss_ppb >= 1000000000;
}

static int by_zone_and_address(const void *a, const void *b)
{
    const hp_holder *x = a, *y = b;
    if (x->zone != y->zone)
        return x->zone < y->zone ? -1 : 1;
    int difference = (int)x->ip.family - (int)y->ip.family;
    return difference ? difference : memcmp(x->ip.ip, y->ip.ip, sizeof x->ip.ip);
}

static void add(GArray *holders, const hp_plan_attachment *at, hp_holder_kind kind, unsigned index, unsigned interface)
{
    hp_holder holder = {.zone = at->zone, .kind = kind, .index = index, .interface = interface, .at = at};
    for (unsigned i = 0; i < at->n_addresses; i++) {
        holder.ip = hp_addr_with_port(at->addresses[i], 0);
        g_array_append_val(holders, holder);
    }
    if (at->clat6.family) {
        holder.ip = hp_addr_with_port(at->clat6, 0);
        holder.clat = true;
        g_array_append_val(holders, holder);
    }
}

/* A prefix is known in the zone outside of `inner`, and beyond as far as it stays what it is. */
static void add_route(GArray *routes, const hp_plan *plan, unsigned inner, const hp_prefix *prefix)
{
    for (unsigned hops = 0; prefix->base.family && hops <= plan->n_zones; hops++) {
        const hp_plan_attachment *out = hp_ground_way_out(plan, inner);
        hp_ground_route route = {.zone = out->zone, .prefix = *prefix, .inner = inner};
        g_array_append_val(routes, route);
        const hp_plan_zone *beyond = &plan->zones[out->zone];
        bool on = beyond->nat >= 0 ? prefix->base.family == HP_AF_IPV6 &&
                                         plan->nats[beyond->nat].source->config.ipv6 == HP_NAT_IPV6_ROUTE
                                   : beyond->firewall >= 0;
        if (!on)
            return;
        inner = out->zone;
    }
}

static void add_wall(GArray *walls, const hp_sc_firewall *source, const char *name, const hp_plan_attachment *at,
                     unsigned zone)
{
    hp_wall wall = {.name = name, .at = at, .zone = zone};
    if (!source->on)
        return;
    hp_sc_firewall_config(source, &wall.config);
    g_array_append_val(walls, wall);
}

static void add_walls(GArray *walls, const hp_plan *plan)
{
    for (unsigned i = 0; i < plan->n_nats; i++)
        add_wall(walls, &plan->nats[i].source->firewall, plan->nats[i].source->name, NULL, plan->nats[i].inside_zone);
    for (unsigned i = 0; i < plan->n_firewalls; i++)
        add_wall(walls, &plan->firewalls[i].source->firewall, plan->firewalls[i].source->name, NULL,
                 plan->firewalls[i].inside_zone);
    for (unsigned i = 0; i < plan->n_servers; i++)
        add_wall(walls, &plan->servers[i].source->firewall, plan->servers[i].source->name, &plan->servers[i].attachment,
                 0);
    for (unsigned i = 0; i < plan->n_peers; i++)
        for (unsigned k = 0; k < plan->peers[i].n_interfaces; k++)
            add_wall(walls, &plan->peers[i].source->interfaces[k].firewall, plan->peers[i].source->name,
                     &plan->peers[i].interfaces[k], 0);
}

void hp_ground_init(hp_ground *ground, const hp_plan *plan)
{
    GArray *holders = g_array_new(FALSE, FALSE, sizeof(hp_holder));
    GArray *routes = g_array_new(FALSE, FALSE, sizeof(hp_ground_route));
    GArray *walls = g_array_new(FALSE, FALSE, sizeof(hp_wall));
    for (unsigned i = 0; i < plan->n_peers; i++)
        for (unsigned k = 0; k < plan->peers[i].n_interfaces; k++)
            add(holders, &plan->peers[i].interfaces[k], HP_HOLDER_PEER, i, k);
    for (unsigned i = 0; i < plan->n_servers; i++)
        add(holders, &plan->servers[i].attachment, HP_HOLDER_SERVER, i, 0);
    for (unsigned i = 0; i < plan->n_nats; i++) {
        add(holders, &plan->nats[i].outside, HP_HOLDER_NAT, i, 0);
        add_route(routes, plan, plan->nats[i].inside_zone, &plan->nats[i].routed6);
    }
    for (unsigned i = 0; i < plan->n_firewalls; i++) {
        const unsigned zone = plan->firewalls[i].inside_zone;
        add_route(routes, plan, zone, &plan->zones[zone].prefix4);
        add_route(routes, plan, zone, &plan->zones[zone].prefix6);
    }
    add_walls(walls, plan);
    ground->plan = plan;
    ground->n_holders = holders->len;
    ground->holders = (hp_holder *)(void *)g_array_free(holders, FALSE);
    ground->n_routes = routes->len;
    ground->routes = (hp_ground_route *)(void *)g_array_free(routes, FALSE);
    ground->n_walls = walls->len;
    ground->walls = (hp_wall *)(void *)g_array_free(walls, FALSE);
    if (ground->n_holders > 0)
        qsort(ground->holders, ground->n_holders, sizeof(hp_holder), by_zone_and_address);
}

void hp_ground_clear(hp_ground *ground)
{
    g_free(ground->holders);
    g_free(ground->routes);
    for (unsigned i = 0; i < ground->n_walls; i++)
        hp_firewall_config_clear(&ground->walls[i].config);
    g_free(ground->walls);
    *ground = (hp_ground){0};
}

const hp_holder *hp_ground_find(const hp_ground *ground, unsigned zone, const hp_addr *ip)
{
    const hp_holder key = {.zone = zone, .ip = *ip};
    return ground->n_holders == 0
               ? NULL
               : bsearch(&key, ground->holders, ground->n_holders, sizeof(hp_holder), by_zone_and_address);
}

/* The longest prefix wins, as in any router. */
int hp_ground_route_of(const hp_ground *ground, unsigned zone, const hp_addr *ip)
{
    int best = -1;
    for (unsigned i = 0; i < ground->n_routes; i++) {
        const hp_ground_route *route = &ground->routes[i];
        if (route->zone == zone && hp_prefix_contains(&route->prefix, ip) &&
            (best < 0 || route->prefix.bits > ground->routes[best].prefix.bits))
            best = (int)i;
    }
    return best < 0 ? -1 : (int)ground->routes[best].inner;
}

int hp_ground_wall_of(const hp_ground *ground, const hp_plan_attachment *at)
{
    for (unsigned i = 0; i < ground->n_walls; i++)
        if (ground->walls[i].at == at)
            return (int)i;
    return -1;
}

int hp_ground_wall_around(const hp_ground *ground, unsigned zone)
{
    for (unsigned i = 0; i < ground->n_walls; i++)
        if (!ground->walls[i].at && ground->walls[i].zone == zone)
            return (int)i;
    return -1;
}

const hp_plan_attachment *hp_ground_way_out(const hp_plan *plan, unsigned zone)
{
    const hp_plan_zone *z = &plan->zones[zone];
    return z->nat >= 0 ? &plan->nats[z->nat].outside : z->firewall >= 0 ? &plan->firewalls[z->firewall].outside : NULL;
}

bool hp_ground_is_behind(const hp_plan *plan, unsigned zone, unsigned nat)
{
    for (const hp_plan_attachment *out; (out = hp_ground_way_out(plan, zone)); zone = out->zone)
        if (plan->zones[zone].nat == (int)nat)
            return true;
    return false;
}
