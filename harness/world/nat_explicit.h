/* Explicit mappings of a NAT: those that a host asks for by NAT-PMP, PCP or UPnP IGD, instead of sending a packet.
 *
 * One that anybody may send to is of endpoint-independent kind whatever the NAT's mapping behaviour, and lets everyone
 * in whatever its filtering (RFC 6887 section 11.3), TCP's SYNs too, unless filters say otherwise (section 13.3). Its
 * inside endpoint's own traffic leaves by it, except flows under way that have a mapping of their own. It takes part in
 * the NAT's limits, port blocks, parity, pooling and quarantine like any mapping, but never idles out, is never
 * evicted, and keeps its port when others are rebound. A reboot or renumbering ends it.
 *
 * Several grants may hold one mapping: one for anybody, others for remotes. */
#ifndef HP_WORLD_NAT_EXPLICIT_H
#define HP_WORLD_NAT_EXPLICIT_H

#include "base/addr.h"
#include "world/nat.h"

typedef enum hp_nat_map_outcome {
    HP_NAT_MAP_OK,
    HP_NAT_MAP_NOT_INSIDE, /* the internal address is none of the NAT's inside */
    HP_NAT_MAP_NO_ADDRESS, /* the NAT has no external address of that family */
    HP_NAT_MAP_TAKEN, /* `exact`, and the port is somebody else's or not to be had */
    HP_NAT_MAP_NO_PORT,
    HP_NAT_MAP_TABLE_FULL,
    HP_NAT_MAP_HOST_FULL, /* the inside host has its share */
} hp_nat_map_outcome;

typedef struct hp_nat_map_request {
    uint8_t proto; /* HP_PROTO_UDP or HP_PROTO_TCP */
    hp_addr internal;
    /* Family none: anybody may send. Port 0: any port of that address. With a port, the mapping towards that remote:
     * made as a packet to it would make it, by the NAT's mapping behaviour, and filtered as such (RFC 6887 section
     * 12). */
    hp_addr remote;
    hp_addr external; /* wished for: family none for any address, port 0 for any port */
    bool exact; /* that one, or nothing */
    bool move; /* for an exact wish, a mapping that traffic made for the endpoint may change its port */
} hp_nat_map_request;

/* Whom a grant lets in. */
typedef struct hp_nat_map_filter {
    hp_prefix prefix;
    uint16_t port; /* 0: any */
} hp_nat_map_filter;

/* A grant is known by protocol, internal endpoint and remote; there must be none such yet. Outputs only on OK. */
hp_nat_map_outcome hp_nat_map(hp_nat *nat, const hp_nat_map_request *request, hp_addr *ret_external);
/* Gives a grant up. Without another the mapping ends; if its inside endpoint has itself sent through it, it goes on as
 * one that traffic made, with that one's timeout and filter. An unknown grant is no matter. */
void hp_nat_unmap(hp_nat *nat, uint8_t proto, const hp_addr *internal, const hp_addr *remote);
/* Only these may send from now on, beside remotes that the inside endpoint itself has sent to; none: anybody. */
void hp_nat_map_set_filters(hp_nat *nat, uint8_t proto, const hp_addr *internal, const hp_addr *remote,
                            const hp_nat_map_filter *filters, unsigned n);
/* The first external address of a family, port 0. False: there is none. */
bool hp_nat_external_address(const hp_nat *nat, uint8_t family, hp_addr *ret);

#endif
