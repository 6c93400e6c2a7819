/* The port mapping services of a NAT: NAT-PMP, PCP and UPnP IGD, on its inside addresses.
 *
 * A host of the NAT's own box (HP_NAT_LOCAL) carries the engines; what they grant becomes explicit mappings of the NAT.
 * Every request and every change of a mapping is traced (gateway-request, gateway-mapping, subject: the NAT); what an
 * engine makes nothing of is a request that was ignored. */
#ifndef HP_ACTORS_GATEWAY_H
#define HP_ACTORS_GATEWAY_H

#include "config/port_mapping.h"
#include "world/nat.h"

typedef struct hp_gateway hp_gateway;

/* Whether any of its services is on. */
bool hp_port_mapping_is_on(const hp_port_mapping_config *config);

/* inside: the NAT's inside addresses, of either family or both (IPv6 serves PCP alone). name: the NAT's. It was
 * there before the world began, and announces nothing yet. NULL and HP_ERROR_INVALID when an address cannot be
 * listened at. */
hp_gateway *hp_gateway_new(hp_world *world, hp_nat *nat, const char *name, const hp_addr *inside, unsigned n_inside,
                           const hp_port_mapping_config *config, GError **error);
/* Before the world is freed. NULL is allowed. */
void hp_gateway_free(hp_gateway *gateway);
/* The NAT was rebooted, or has other external addresses: its explicit mappings are gone, and so is all that the
 * services knew. They announce themselves anew. */
void hp_gateway_restart(hp_gateway *gateway);

#endif
