/* A built-in DNS server on a virtual host: the engine (engines/dns_server.h), UDP and TCP, the clock, the trace. */
#ifndef HP_ACTORS_DNS_SERVICE_H
#define HP_ACTORS_DNS_SERVICE_H

#include "config/dns.h"
#include "world/host.h"

typedef struct hp_dns_service hp_dns_service;

/* Listens on every address of the host. config is copied shallowly: what it points to must outlive the service. Traces
 * server-started, and dns-query for every message that comes in. NULL and HP_ERROR_INVALID without an address, or when
 * the configuration makes no sense. */
hp_dns_service *hp_dns_service_new(hp_host *host, const char *name, const hp_dns_config *config, GError **error);
void hp_dns_service_free(hp_dns_service *service);
/* Stop: sockets close, what was delayed is never sent. Start: faults count anew. Starting what runs is no matter. */
void hp_dns_service_stop(hp_dns_service *service);
bool hp_dns_service_start(hp_dns_service *service, GError **error);
bool hp_dns_service_is_running(const hp_dns_service *service);
/* The name has these records from now on, and no others; its texts must outlive the service, its addresses need not.
 * False and HP_ERROR_INVALID when that cannot be: all is as it was. */
bool hp_dns_service_set_host(hp_dns_service *service, const hp_dns_host *host, GError **error);

#endif
