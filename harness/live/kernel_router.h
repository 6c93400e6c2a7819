/* A NAT that is a kernel's: a namespace of its own with two devices, whose kernel forwards between them and masquerades
 * by nftables. On the fabric it is a node with the ports of a hp_nat (world/nat.h), the same taps "name/in" and
 * "name/out", and the same events; between its ports packets go through the kernel.
 *
 * Of the knobs of a hp_nat it knows: udp_timeout, udp_unreplied_timeout, icmp_timeout (0: as the kernel is), ipv6
 * (translated or routed), inbound_first (false: what comes from outside for the router itself and belongs to nothing is
 * dropped) and answers_ping. Which ports it chooses is the kind's matter; everything else is the kernel's. */
#ifndef HP_LIVE_KERNEL_ROUTER_H
#define HP_LIVE_KERNEL_ROUTER_H

#include "config/nat.h"
#include "config/program.h"
#include "live/device.h"
#include "live/loop.h"
#include "world/world.h"

typedef struct hp_kernel_router hp_kernel_router;

/* kind: not HP_KERNEL_NAT_NONE. The world owns it, as it does every node. */
hp_kernel_router *hp_kernel_router_new(hp_world *world, const char *name, hp_kernel_nat kind,
                                       const hp_nat_config *config);
hp_node *hp_kernel_router_node(hp_kernel_router *router);

/* Before it is opened. One external address of each family. */
void hp_kernel_router_set_external(hp_kernel_router *router, const hp_addr *addrs, size_t n);
/* Its own address inside, one of each family. */
void hp_kernel_router_set_internal(hp_kernel_router *router, const hp_addr *addr);
/* What is inside. */
void hp_kernel_router_add_inside_prefix(hp_kernel_router *router, const hp_prefix *prefix);

/* Makes namespace, devices and rules. Until then, and after closing, packets are dropped (host-down). False and
 * HP_ERROR_ENVIRONMENT saying what is missing. */
bool hp_kernel_router_open(hp_kernel_router *router, hp_loop *loop, GError **error);
/* Takes all of it away again, before the loop goes. NULL, or not open: nothing. */
void hp_kernel_router_close(hp_kernel_router *router);

/* All that connection tracking knows is forgotten. */
void hp_kernel_router_reboot(hp_kernel_router *router);
/* Other external addresses, and the same. */
void hp_kernel_router_renumber(hp_kernel_router *router, const hp_addr *addrs, size_t n);

typedef struct hp_kernel_router_stats {
    uint64_t to_kernel[2], from_kernel[2]; /* packets: inside, outside */
    uint64_t matched; /* of those from the kernel: known to be one that went in on the other side */
    hp_device_counters devices; /* of both together */
    const char *device; /* of which kind they are: "tun", "veth" */
    uint64_t untold; /* how often connection tracking had more to tell than there was room for */
} hp_kernel_router_stats;
hp_kernel_router_stats hp_kernel_router_get_stats(hp_kernel_router *router);

/* The rules, as nft takes them: for tests and for the log. */
char *hp_kernel_router_rules(hp_kernel_nat kind, const hp_nat_config *config);

#endif
