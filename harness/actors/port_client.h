/* A host asks its gateway for ports, by NAT-PMP, PCP or UPnP IGD: the client engines attached. Every mapping's way is
 * traced (port-mapping, subject: the peer). */
#ifndef HP_ACTORS_PORT_CLIENT_H
#define HP_ACTORS_PORT_CLIENT_H

#include "config/port_mapping.h"
#include "world/host.h"

typedef struct hp_port_client hp_port_client;

/* local: the host's address whose ports are mapped; NAT-PMP and UPnP have IPv4 alone. config: `gateway` need be set for
 * NAT-PMP and PCP. NULL and HP_ERROR_INVALID when its sockets cannot be opened, or the family is not the protocol's. */
hp_port_client *hp_port_client_new(hp_host *host, const char *peer, hp_port_mapping_protocol protocol,
                                   const hp_addr *local, const hp_port_client_config *config, GError **error);
/* Says nothing to the gateway; before the host goes. NULL is allowed. */
void hp_port_client_free(hp_port_client *client);
hp_port_mapping_protocol hp_port_client_protocol(const hp_port_client *client);
hp_addr hp_port_client_local(const hp_port_client *client); /* port 0 */

typedef struct hp_port_wish {
    uint8_t protocol; /* HP_LEASE_UDP, HP_LEASE_TCP */
    uint16_t internal_port, external_port; /* external 0: any */
    bool exact; /* that external port or none: not with NAT-PMP, whose gateway chooses */
    /* PCP and UPnP: only this address may send; with a port it is PCP's PEER (not UPnP); family none: anyone */
    hp_addr remote;
    hp_time lifetime; /* 0: the configured one */
} hp_port_wish;

/* The mapping's external address, now and whenever it changes; of family none when it is not to be had, or gone for
 * good. */
typedef void (*hp_port_changed)(void *user, uint64_t mapping, const hp_addr *external);

/* Keeps a mapping until it is ended, refused or lost. Returns its number, never 0. changed may be NULL; it is never
 * called from within. */
uint64_t hp_port_client_map(hp_port_client *client, const hp_port_wish *wish, hp_port_changed changed, void *user);
/* Asks the gateway to end it; `changed` is not called any more. An unknown number is no matter. */
void hp_port_client_unmap(hp_port_client *client, uint64_t mapping);
/* The latest mapping of that inside port that was not ended, 0 without one. */
uint64_t hp_port_client_find(const hp_port_client *client, uint8_t protocol, uint16_t internal_port);

#endif
