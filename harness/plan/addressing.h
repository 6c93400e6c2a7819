/* Private to plan/: which addresses an element gets when the scenario gives none. */
#ifndef HP_PLAN_ADDRESSING_H
#define HP_PLAN_ADDRESSING_H

#include <glib.h>

#include "base/addr.h"

/* What an address is for; on the Internet each has a documentation network of its own. */
typedef enum hp_address_use { HP_USE_SERVER, HP_USE_PEER, HP_USE_NAT, HP_USE_N } hp_address_use;

/* Hands out the addresses of one zone, one family; never one that was reserved. */
typedef struct hp_address_pool {
    hp_prefix prefix; /* of the zone; family none for the Internet, where the networks go by use */
    uint8_t family;
    uint32_t next[HP_USE_N], spilled;
    GHashTable *taken; /* hp_addr (port 0) -> itself */
} hp_address_pool;

void hp_address_pool_init(hp_address_pool *pool, const hp_prefix *prefix, uint8_t family);
void hp_address_pool_clear(hp_address_pool *pool);
/* Marks an address as taken; false when it was. */
bool hp_address_pool_reserve(hp_address_pool *pool, const hp_addr *a);
/* The next free one; false when the network is full. */
bool hp_address_pool_take(hp_address_pool *pool, hp_address_use use, hp_addr *ret);

/* Inside networks: number `index` of those the plan picks. carrier: for a NAT that has NATs behind it. hosts: how many
 * addresses it must hold. */
hp_prefix hp_inside_prefix4(unsigned index, bool carrier, unsigned hosts);
hp_prefix hp_inside_prefix6(unsigned index);
/* One that is nobody else's, for an inside whose addresses are seen outside; of 48 to 64 bits. */
hp_prefix hp_routed_prefix6(unsigned index, uint8_t bits);
/* Whether addresses of the Internet that the plan gives out may lie in the prefix. */
bool hp_internet_overlaps6(const hp_prefix *prefix);
/* Behind a firewall: addresses that are known outside. */
hp_prefix hp_firewall_prefix4(unsigned index);
hp_prefix hp_firewall_prefix6(unsigned index);
hp_prefix hp_lan_prefix4(unsigned index, unsigned hosts);
hp_prefix hp_lan_prefix6(unsigned index);

#endif
