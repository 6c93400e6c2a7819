/* The customer side of 464XLAT (RFC 6877): gives a host on an IPv6-only network IPv4, by a NAT64 somewhere on the way.
 *
 * A node between a host (port 0) and its network (port 1). The host's IPv4 packets leave as IPv6, from one IPv6 address
 * that is the CLAT's alone, to addresses of the NAT64's prefix; what comes back for that address arrives as IPv4. Every
 * other IPv6 packet passes as it is, both ways. */
#ifndef HP_WORLD_CLAT_H
#define HP_WORLD_CLAT_H

#include "world/world.h"

typedef struct hp_clat hp_clat;

enum { HP_CLAT_HOST = 0, HP_CLAT_NETWORK = 1 };

typedef struct hp_clat_config {
    hp_addr host4; /* the host's IPv4 address */
    hp_addr own4; /* the CLAT's, source of the ICMP errors it makes; may be family none */
    hp_addr source6; /* what the host's IPv4 traffic has as its IPv6 address */
    hp_prefix pref64; /* the NAT64's (RFC 6052) */
} hp_clat_config;

/* Packets to be translated, and translated ones, are recorded at the taps "name/in" (IPv4) and "name/out" (IPv6). */
hp_clat *hp_clat_new(hp_world *world, const char *name, const hp_clat_config *config);
hp_node *hp_clat_node(hp_clat *clat);

#endif
