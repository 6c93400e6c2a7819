/* A stateful firewall between an inside (port 0) and an outside (port 1), for both families. Every knob:
 * config/firewall.h. It translates nothing and has no addresses but those that its own ICMP errors come from. */
#ifndef HP_WORLD_FIREWALL_H
#define HP_WORLD_FIREWALL_H

#include "config/firewall.h"
#include "world/world.h"

typedef struct hp_firewall hp_firewall;

enum { HP_FIREWALL_INSIDE = 0, HP_FIREWALL_OUTSIDE = 1 };

/* Copies config, which must pass hp_firewall_config_check(). */
hp_firewall *hp_firewall_new(hp_world *world, const char *name, const hp_firewall_config *config);
hp_node *hp_firewall_node(hp_firewall *firewall);
/* Its address of that family towards one side, source of the ICMP errors it sends there. */
void hp_firewall_set_address(hp_firewall *firewall, unsigned side, const hp_addr *addr);
/* Addresses of the inside: nothing else may come from there, and nothing from them may come from outside (RFC 6092
 * REC-5, REC-6). None for a family: every source of it is believed. */
void hp_firewall_add_inside_prefix(hp_firewall *firewall, const hp_prefix *prefix);

/* Replaces the knobs. Known flows go on, under the new timeouts counted from their last refresh, whatever the new
 * policies say of their kind; only policies for each packet reach them. config may be what hp_firewall_get_config()
 * gave. */
void hp_firewall_configure(hp_firewall *firewall, const hp_firewall_config *config);
const hp_firewall_config *hp_firewall_get_config(const hp_firewall *firewall);
/* Forgets all flows, and the fragments and SYNs that it holds, as a restart does. */
void hp_firewall_flush(hp_firewall *firewall);

typedef struct hp_firewall_stats {
    uint64_t passed, refused; /* packets; refused: dropped for any reason */
    uint64_t flows, flows_peak, created, expired, evicted;
    uint64_t limit_drops;
} hp_firewall_stats;
hp_firewall_stats hp_firewall_get_stats(const hp_firewall *firewall);
/* Whether there is a flow of that protocol between these two ends. */
bool hp_firewall_knows(const hp_firewall *firewall, uint8_t proto, const hp_addr *inside, const hp_addr *outside);

#endif
