/* A router: forwards by longest prefix. Host routes (all bits) lie in a hash table, as nearly every route of a rig is
 * one; shorter prefixes in a list that runs from long to short, tried in turn; then the default.
 *
 * A route to a port to which nothing is connected stands for a network that is directly attached and has no such host:
 * with `unreachable`, what meets it gets ICMP host unreachable, what meets no route at all net unreachable (RFC 1812
 * section 5.2.7.1, RFC 4443 section 3.1).
 *
 * A hop (RFC 1812 section 5.3.1) drops a packet whose TTL would become zero, with ICMP time exceeded. Errors leave by
 * the route to the offender's source, from the router's address of that family; without an address or a route there is
 * none. The router answers nothing else: it is no host.
 *
 * Multicast never meets a route. A switch does not snoop on memberships (RFC 4541): it floods, as most do with
 * 224.0.0.x in any case. A hop floods nothing, so that what goes round between switches would need a loop of cables,
 * which a rig, where zones form a tree with a NAT at each joint, cannot have. No ICMP error is ever about multicast
 * (RFC 1122 section 3.2.2).
 *
 * Limits: no equal-cost routes; no multicast routing; a packet may leave by the port it came from, so that two routers
 * which are no hops can pass a packet to and fro as long as the links between them take. */
#include "world/router.h"

#include "world/addr_map.h"

typedef struct route {
    hp_prefix prefix;
    unsigned port;
} route;

struct hp_router {
    hp_node node;
    hp_router_config config;
    hp_addr_map hosts; /* port 0 addresses -> port */
    GArray *prefixes; /* of route, longest first, equal lengths in order of addition */
    int default_port;
};

static unsigned all_bits(uint8_t family)
{
    return family == HP_AF_IPV6 ? 128 : 32;
}

static bool find_port(const hp_router *router, const hp_addr *dst, unsigned *ret_port)
{
    hp_addr host = hp_addr_with_port(*dst, 0);
    const uintptr_t *exact = hp_addr_map_find(&router->hosts, &host);
    if (exact != NULL) {
        *ret_port = (unsigned)*exact;
        return true;
    }
    if (G_UNLIKELY(hp_addr_is_multicast(&host))) {
        return false;
    }
    for (unsigned i = 0; i < router->prefixes->len; i++) {
        const route *candidate = &g_array_index(router->prefixes, route, i);
        if (hp_prefix_contains(&candidate->prefix, &host)) {
            *ret_port = candidate->port;
            return true;
        }
    }
    if (router->default_port >= 0) {
        *ret_port = (unsigned)router->default_port;
        return true;
    }
    return false;
}

static void send_error(hp_router *router, hp_icmp_kind kind, const hp_packet *offending)
{
    const hp_addr *from = offending->src.family == HP_AF_IPV6 ? &router->config.address6 : &router->config.address4;
    unsigned port;
    if (from->family == HP_AF_NONE || !find_port(router, &offending->src, &port) ||
        !hp_node_is_connected(&router->node, port)) {
        return;
    }
    hp_packet *icmp = hp_packet_icmp_error(kind, from, offending, 0);
    if (icmp == NULL) {
        return;
    }
    icmp->uid = hp_world_new_uid(router->node.world);
    hp_node_emit(&router->node, port, icmp);
}

/* The original goes out of the last of the ports, the others get copies. */
static void flood(hp_router *router, unsigned in_port, hp_packet *p)
{
    hp_node *node = &router->node;
    int last = -1;
    if (!router->config.multicast) {
        hp_node_drop(node, p, HP_DROP_NO_ROUTE, "multicast stays on its link");
        return;
    }
    if (!hp_node_is_connected(node, in_port)) {
        /* It came by a way in that many share, as with rules at a whole LAN: its source tells whom not to give it. */
        find_port(router, &p->src, &in_port);
    }
    for (unsigned port = 0; port < node->n_out; port++) {
        if (port == in_port || !hp_node_is_connected(node, port)) {
            continue;
        }
        if (last >= 0) {
            hp_node_emit(node, (unsigned)last, hp_packet_copy(p));
        }
        last = (int)port;
    }
    if (last >= 0) {
        hp_node_emit(node, (unsigned)last, p);
    } else {
        hp_node_drop(node, p, HP_DROP_NO_ROUTE, "nobody else is on this link");
    }
}

static void refuse(hp_router *router, hp_packet *p, hp_icmp_kind kind, const char *detail)
{
    if (router->config.unreachable) {
        send_error(router, kind, p);
    }
    hp_node_drop(&router->node, p, HP_DROP_NO_ROUTE, detail);
}

static void router_receive(hp_node *node, unsigned in_port, hp_packet *p)
{
    hp_router *router = (hp_router *)node;
    if (router->config.hop) {
        if (p->ttl <= 1) {
            send_error(router, HP_ICMP_TTL_EXCEEDED, p);
            hp_node_drop(node, p, HP_DROP_TTL, NULL);
            return;
        }
        p->ttl--;
    }
    unsigned port;
    if (G_UNLIKELY(!find_port(router, &p->dst, &port))) {
        if (hp_addr_is_multicast(&p->dst)) {
            flood(router, in_port, p);
            return;
        }
        refuse(router, p, HP_ICMP_NET_UNREACHABLE, "no route");
    } else if (G_UNLIKELY(!hp_node_is_connected(node, port))) {
        refuse(router, p, HP_ICMP_HOST_UNREACHABLE, "a route to where nothing is connected");
    } else {
        hp_node_emit(node, port, p);
    }
}

static void router_free(hp_node *node)
{
    hp_router *router = (hp_router *)node;
    hp_addr_map_clear(&router->hosts);
    g_array_free(router->prefixes, TRUE);
    hp_node_clear(node);
    g_free(router);
}

static const hp_node_ops router_ops = {.kind = "router", .receive = router_receive, .free = router_free};

hp_router *hp_router_new(hp_world *world, const char *name, const hp_router_config *config)
{
    hp_router *router = g_new0(hp_router, 1);
    hp_node_init(&router->node, &router_ops, world, name);
    router->config = *config;
    router->prefixes = g_array_new(FALSE, FALSE, sizeof(route));
    router->default_port = -1;
    return router;
}

hp_node *hp_router_node(hp_router *router)
{
    return &router->node;
}

void hp_router_add_route(hp_router *router, const hp_prefix *prefix, unsigned port)
{
    if (prefix->bits >= all_bits(prefix->base.family)) {
        hp_addr host = hp_addr_with_port(prefix->base, 0);
        hp_addr_map_set(&router->hosts, &host, port);
        return;
    }
    unsigned at = 0;
    for (; at < router->prefixes->len; at++) {
        route *other = &g_array_index(router->prefixes, route, at);
        if (other->prefix.bits == prefix->bits && hp_addr_same_ip(&other->prefix.base, &prefix->base)) {
            other->port = port;
            return;
        }
        if (other->prefix.bits < prefix->bits) {
            break;
        }
    }
    route fresh = {.prefix = *prefix, .port = port};
    g_array_insert_val(router->prefixes, at, fresh);
}

void hp_router_remove_route(hp_router *router, const hp_prefix *prefix)
{
    if (prefix->bits >= all_bits(prefix->base.family)) {
        hp_addr host = hp_addr_with_port(prefix->base, 0);
        hp_addr_map_remove(&router->hosts, &host);
        return;
    }
    for (unsigned i = 0; i < router->prefixes->len; i++) {
        const route *other = &g_array_index(router->prefixes, route, i);
        if (other->prefix.bits == prefix->bits && hp_addr_same_ip(&other->prefix.base, &prefix->base)) {
            g_array_remove_index(router->prefixes, i);
            return;
        }
    }
}

void hp_router_set_default(hp_router *router, int port)
{
    router->default_port = port;
}
