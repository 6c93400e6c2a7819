/* Raw rtnetlink: just what setting up a host takes. Every call is one request and waits for its answer; an error names
 * what was asked for and what the kernel said (HP_ERROR_ENVIRONMENT). */
#ifndef HP_LIVE_NETLINK_H
#define HP_LIVE_NETLINK_H

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/addr.h"

typedef struct hp_netlink hp_netlink;

/* In the namespace that the calling thread is in; it stays there. */
hp_netlink *hp_netlink_new(GError **error);
void hp_netlink_free(hp_netlink *nl);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(hp_netlink, hp_netlink_free)

/* 0 when there is none of that name. */
int hp_netlink_index(hp_netlink *nl, const char *name);

/* What a link can be told; what is zero stays as it is. */
typedef struct hp_netlink_link {
    uint32_t mtu, queue_length;
    bool no_addresses; /* IPv6: none made up by the kernel */
    bool set_up, up; /* up is looked at when set_up is true */
    bool no_arp;
} hp_netlink_link;
bool hp_netlink_set_link(hp_netlink *nl, int index, const hp_netlink_link *link, GError **error);

typedef struct hp_netlink_end {
    const char *name;
    const uint8_t *mac; /* 6 bytes; NULL: a random one */
} hp_netlink_end;
/* A veth pair, one end here, the other in the namespace of that descriptor. */
bool hp_netlink_add_veth(hp_netlink *nl, const hp_netlink_end *here, const hp_netlink_end *there, int there_namespace,
                         GError **error);
bool hp_netlink_remove_link(hp_netlink *nl, int index, GError **error);

/* To a link that is up, without duplicate address detection; returns when packets for it arrive. One that is there is no
 * error. */
bool hp_netlink_add_address(hp_netlink *nl, int index, const hp_addr *ip, uint8_t bits, GError **error);
bool hp_netlink_remove_address(hp_netlink *nl, int index, const hp_addr *ip, uint8_t bits, GError **error);

typedef struct hp_netlink_route {
    hp_prefix to; /* bits 0 and the family: the default route */
    hp_addr gateway; /* family none: straight into the device. It need not be in any network of the device */
    hp_addr source; /* preferred; family none: the kernel's choice */
    int index;
    uint32_t table; /* 0: main */
    uint32_t metric; /* 0: the kernel's choice */
} hp_netlink_route;
/* One that is there is replaced. */
bool hp_netlink_add_route(hp_netlink *nl, const hp_netlink_route *route, GError **error);

/* What comes from that address looks into that table. */
bool hp_netlink_add_rule(hp_netlink *nl, const hp_addr *from, uint32_t table, uint32_t priority, GError **error);
bool hp_netlink_remove_rule(hp_netlink *nl, const hp_addr *from, uint32_t table, uint32_t priority, GError **error);

/* Packets of that link that were dropped on their way out. */
bool hp_netlink_tx_dropped(hp_netlink *nl, int index, uint64_t *ret, GError **error);

#endif
