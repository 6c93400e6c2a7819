/* A router: the Internet's core, or a LAN's switch and gateway in one. Forwards by longest prefix; optional default.
 * Decrements TTL only when told to be a hop (a LAN's switch is none). Unroutable packets are dropped (no-route), with
 * ICMP when `unreachable` is set: net unreachable without a route, host unreachable when the route leads to a port that
 * nothing is connected to. So a LAN's own prefix, routed to an unused port, stands for the hosts that are not there.
 *
 * Multicast: a switch hands a copy to every connected port but the one it came from; whoever is no member of the group
 * drops it. Any other router passes none (no-route). */
#ifndef HP_WORLD_ROUTER_H
#define HP_WORLD_ROUTER_H

#include "world/world.h"

typedef struct hp_router hp_router;

typedef struct hp_router_config {
    bool hop; /* decrements the TTL */
    bool unreachable; /* answers unroutable packets with ICMP */
    bool multicast; /* a switch: floods multicast */
    hp_addr address4, address6; /* its own, source of ICMP errors; family none: it sends none */
} hp_router_config;

hp_router *hp_router_new(hp_world *world, const char *name, const hp_router_config *config);
hp_node *hp_router_node(hp_router *router);
/* Host routes (all bits) are kept in a hash table, shorter prefixes in a list by length. Replaces an equal prefix. */
void hp_router_add_route(hp_router *router, const hp_prefix *prefix, unsigned port);
void hp_router_remove_route(hp_router *router, const hp_prefix *prefix);
/* port for everything else; -1 = none. */
void hp_router_set_default(hp_router *router, int port);

#endif
