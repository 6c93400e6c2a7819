/* Multicast DNS on a virtual host: one engine (engines/mdns.h) for each interface, and names made up for the host's
 * addresses, as WebRTC does to hide them (draft-ietf-mmusic-mdns-ice-candidates). */
#ifndef HP_ACTORS_MDNS_HOST_H
#define HP_ACTORS_MDNS_HOST_H

#include "config/dns.h"
#include "engines/mdns.h"
#include "world/host.h"

typedef struct hp_mdns_host hp_mdns_host;

typedef struct hp_mdns_found {
    const char *name;
    hp_mdns_status status;
    hp_addr address; /* port 0; family none unless found */
    unsigned sent; /* queries, over all interfaces */
    hp_time took;
} hp_mdns_found;

/* Called from a packet or a timer. It may look up and cancel. */
typedef void (*hp_mdns_host_done)(void *user, const hp_mdns_found *found);

/* Takes port 5353 of the first address of each family on each interface. config is copied. Traces mdns-name under that
 * name. NULL and HP_ERROR_INVALID when the port is taken. */
hp_mdns_host *hp_mdns_host_new(hp_host *host, const char *name, const hp_mdns_config *config, GError **error);
void hp_mdns_host_free(hp_mdns_host *m);
/* The name of an address of the host: "UUID.local", made up and announced when it is asked for first. NULL when the
 * address is not on an interface that takes part. */
const char *hp_mdns_host_name_of(hp_mdns_host *m, const hp_addr *address);
/* Looks for a name's address of either family on every interface; the first one found counts. Returns the lookup's
 * number; 0 for a name outside .local. */
uint64_t hp_mdns_host_lookup(hp_mdns_host *m, const char *name, hp_mdns_host_done done, void *user);
void hp_mdns_host_cancel(hp_mdns_host *m, uint64_t lookup);

#endif
