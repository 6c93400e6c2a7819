/* An emulated NAT between an inside (port 0) and an outside (port 1). Every knob: config/nat.h.
 *
 * It owns its external addresses, answers ping on them when told to, translates UDP, TCP, ICMP queries and ICMP errors
 * with their inner headers, in both directions, hairpins, expires, and traces every mapping's birth and end and every
 * packet at its taps "name/in" and "name/out". It is one hop: it decrements the TTL. */
#ifndef HP_WORLD_NAT_H
#define HP_WORLD_NAT_H

#include "config/nat.h"
#include "world/world.h"

typedef struct hp_nat hp_nat;

/* The third port, where something is connected to it, is the way to a host that lives in the same box and has the NAT's
 * inside addresses: what comes from the inside for these, or for a multicast group, leaves there (echo requests are the
 * NAT's own), and what that host sends goes to the inside. Both pass the tap "name/in". */
enum { HP_NAT_INSIDE = 0, HP_NAT_OUTSIDE = 1, HP_NAT_LOCAL = 2 };

/* Copies config. Without addresses of a family, packets of that family are dropped (no-route). */
hp_nat *hp_nat_new(hp_world *world, const char *name, const hp_nat_config *config);
hp_node *hp_nat_node(hp_nat *nat);
/* External addresses, at least one; both families may be mixed. */
void hp_nat_set_external(hp_nat *nat, const hp_addr *addrs, size_t n);
/* Its own address on the inside, source of ICMP errors it makes towards hosts, and pingable; may be family none. */
void hp_nat_set_internal(hp_nat *nat, const hp_addr *addr);
/* Addresses of the inside, to tell what comes from a wrong source; none: everything on the inside is believed. */
void hp_nat_add_inside_prefix(hp_nat *nat, const hp_prefix *prefix);

/* For HP_NAT_IPV6_PREFIX: which prefix of the inside is which outside. False, and nothing changed, unless both are IPv6
 * prefixes of 1 to 64 bits. The longer of the two lengths holds for both. */
bool hp_nat_set_external_prefix(hp_nat *nat, const hp_prefix *inside, const hp_prefix *outside);

/* All mappings end at once; ports are allocated as from a cold start. */
void hp_nat_reboot(hp_nat *nat);
/* New external addresses: every mapping ends. */
void hp_nat_renumber(hp_nat *nat, const hp_addr *addrs, size_t n);
/* Every mapping of that inside host (NULL: of all), but explicit ones, moves to another external port; filtering state
 * is kept. Returns how many moved. */
unsigned hp_nat_rebind(hp_nat *nat, const hp_addr *inside_ip);
/* Replaces the knobs; existing mappings go on under the new ones. */
void hp_nat_configure(hp_nat *nat, const hp_nat_config *config, const char *what);
const hp_nat_config *hp_nat_get_config(const hp_nat *nat);

typedef struct hp_nat_stats {
    uint64_t mappings, mappings_peak, created, expired, evicted;
    uint64_t tcp_sessions;
    uint64_t out_packets, in_packets, hairpinned, filtered, no_mapping, refused;
} hp_nat_stats;
hp_nat_stats hp_nat_get_stats(const hp_nat *nat);
/* Bytes of memory the NAT holds for its tables (for the benchmark). */
size_t hp_nat_memory(const hp_nat *nat);
/* Looks a mapping up: the external address of an internal one towards `remote` (ignored where mapping is endpoint
 * independent). False when there is none. */
bool hp_nat_lookup(const hp_nat *nat, uint8_t proto, const hp_addr *internal, const hp_addr *remote, hp_addr *ret);
/* The state of the TCP connection between an inside host and a remote, as the NAT sees it: "out-init", "in-init",
 * "handshake", "picked-up", "established", "fin", "half-closed", "closing", "time-wait", "trans"; NULL when it knows of
 * none. */
const char *hp_nat_tcp_state_of(const hp_nat *nat, const hp_addr *internal, const hp_addr *remote);

#endif
