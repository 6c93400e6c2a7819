/* A stub resolver on a virtual host: the engine (engines/dns_client.h) with sockets, and names asked for in both
 * families at once. */
#ifndef HP_ACTORS_RESOLVER_H
#define HP_ACTORS_RESOLVER_H

#include "config/dns.h"
#include "engines/dns_client.h"
#include "world/host.h"

typedef struct hp_resolver hp_resolver;

typedef struct hp_resolved {
    const char *name;
    hp_addr address; /* the best one, without a port; family none: there is none that the host could use */
    hp_dns_status status; /* HP_DNS_FOUND with an address; else that of the last query */
    hp_time took;
} hp_resolved;

/* Called from a packet or a timer, never from hp_resolver_lookup(). It may look up and cancel. */
typedef void (*hp_resolver_done)(void *user, const hp_resolved *resolved);

/* config is copied with its servers. Traces dns-answer under that name. */
hp_resolver *hp_resolver_new(hp_host *host, const char *name, const hp_resolver_config *config);
void hp_resolver_free(hp_resolver *resolver);
/* Looks for the addresses of a name in the families that the host has now. Returns the lookup's number, never 0. */
uint64_t hp_resolver_lookup(hp_resolver *resolver, const char *name, hp_resolver_done done, void *user);
/* done will not be called. An unknown number is no matter. */
void hp_resolver_cancel(hp_resolver *resolver, uint64_t lookup);

#endif
