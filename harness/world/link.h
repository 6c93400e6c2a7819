/* A link, one direction: a node with one port in (0) and one out (0); ICMP errors about packets that are too big leave
 * by out port 1, towards the sender, when something is connected there. See config/link.h for what it does to packets.
 *
 * Order of effects for a packet: count it (and among those that the drop list speaks of), down, outages, drop list,
 * burst and random loss, MTU, queue, rate, delay, jitter, reorder, corruption, duplication. Each draws from the link's
 * own stream. The queue holds the packets that wait for the rate, not the one being sent. */
#ifndef HP_WORLD_LINK_H
#define HP_WORLD_LINK_H

#include "config/link.h"
#include "world/world.h"

typedef struct hp_link hp_link;

/* Copies config, arrays and match too; it must pass hp_link_config_check(). name: "alice>internet". */
hp_link *hp_link_new(hp_world *world, const char *name, const hp_link_config *config);
hp_node *hp_link_node(hp_link *link);
/* Replaces the settings. Packets in flight keep their delivery times; those that wait for the rate go at the new one,
 * and those for which a smaller queue has no room are dropped, the last first. Numbers of the drop list go on as they
 * were, but those of packets that match begin anew with another match. Instants of rates and outages count on as they
 * did, or from now where the settings say so and they are others. config may be, or share with, what
 * hp_link_get_config() gave. Traces link-changed with `what`. */
void hp_link_configure(hp_link *link, const hp_link_config *config, const char *what);
const hp_link_config *hp_link_get_config(const hp_link *link);

typedef struct hp_link_stats {
    uint64_t packets, bytes, delivered, lost, queue_drops, duplicated, reordered, corrupted, too_big;
    uint64_t codel_drops, marked; /* by CoDel; its drops are not among queue_drops */
} hp_link_stats;
hp_link_stats hp_link_get_stats(const hp_link *link);

/* What frag-needed errors carry as their source: the router at the link's near end. */
void hp_link_set_router_address(hp_link *link, const hp_addr *ipv4, const hp_addr *ipv6);

#endif
