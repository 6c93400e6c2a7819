/* A host's network interface in its namespace, whose wire is the fabric.
 *
 * A TUN device; where /dev/net/tun cannot be opened, a veth pair whose other end an AF_PACKET ring reads in a namespace
 * of its own (no ARP, no offloads). Packets are whole IP packets either way.
 *
 * hp_device_attach() ties it to an interface of an outboard host (world/host.h): what the kernel sends goes past the
 * host's tap into the world, what arrives for the host goes past its tap to the kernel. Until the run begins
 * (live/clock.h) what the kernel sends is swallowed.
 *
 * Dropped without a word, as no simulated host sends it and nobody is there to hear it: IGMP, ICMPv6 neighbour and
 * router discovery and multicast listener messages, and packets that no IP stack would take (malformed). They are
 * counted. Everything else, multicast included, goes on. */
#ifndef HP_LIVE_DEVICE_H
#define HP_LIVE_DEVICE_H

#include "base/addr.h"
#include "live/loop.h"
#include "live/netns.h"
#include "world/host.h"

typedef struct hp_device hp_device;

typedef enum hp_device_kind {
    HP_DEVICE_ANY, /* TUN, else veth; the environment variable HAIRPIN_LIVE_DEVICE (tun, veth) decides otherwise */
    HP_DEVICE_TUN,
    HP_DEVICE_VETH,
} hp_device_kind;

typedef struct hp_device_address {
    hp_addr ip; /* the port is not looked at */
    uint8_t bits; /* of the network it is on; 0: all (32 or 128) */
} hp_device_address;

typedef struct hp_device_config {
    const char *name; /* "eth0" */
    hp_device_kind kind;
    uint32_t mtu; /* 0: 1500 */
    const hp_device_address *addresses;
    unsigned n_addresses;
    bool default_route; /* of each family that has an address */
    hp_addr gateway4, gateway6; /* the default route's next hop; family none: straight into the device */
    uint32_t metric; /* of the default routes in the main table; 0: 100 */
    uint32_t table; /* > 0: a routing table of its own for what its addresses send (hosts with several interfaces): the
                     * default routes are in that table too, and a rule for each address leads there */
} hp_device_config;

/* Made, addressed and up. NULL and HP_ERROR_ENVIRONMENT saying what the kernel refused. */
hp_device *hp_device_new(hp_netns *ns, const hp_device_config *config, GError **error);
/* Fast: leaves the device to the namespace, which is to be freed next. */
void hp_device_free(hp_device *device);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(hp_device, hp_device_free)

hp_device_kind hp_device_get_kind(const hp_device *device); /* TUN or VETH */
const char *hp_device_kind_name(hp_device_kind kind); /* "tun", "veth" */
const char *hp_device_name(const hp_device *device);
int hp_device_index(const hp_device *device); /* in its namespace */

/* The host's interface becomes outboard. loop and host must outlive the device, or the device be freed first. */
bool hp_device_attach(hp_device *device, hp_loop *loop, hp_host *host, unsigned interface, GError **error);

/* The kernel's side of the interface alone: hp_host_set_interface_up() and hp_host_add_address() are the fabric's. Up
 * again: addresses and routes are as they were. */
bool hp_device_set_up(hp_device *device, bool up, GError **error);
bool hp_device_add_address(hp_device *device, const hp_device_address *address, GError **error);
bool hp_device_remove_address(hp_device *device, const hp_addr *ip, GError **error);

typedef struct hp_device_counters {
    uint64_t from_kernel, to_kernel; /* packets that went on */
    uint64_t early; /* swallowed before the run began */
    uint64_t noise, malformed; /* see above */
    uint64_t refused; /* in either direction: the device is down, or was taken away */
    uint64_t tx_dropped; /* by the kernel, as the fabric did not read in time: the machine was too slow */
} hp_device_counters;
/* Adds all of `more`. */
void hp_device_counters_add(hp_device_counters *sum, const hp_device_counters *more);
bool hp_device_count(hp_device *device, hp_device_counters *ret, GError **error);

#endif
