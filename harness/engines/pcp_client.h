/* The PCP client of a host, sans-IO (RFC 6887 sections 8.1, 8.3, 8.5, 11.2, 11.4, 12.2, 14.1.3, 15).
 *
 * Mappings are kept until they are ended. A gateway that speaks NAT-PMP alone shows in HP_PCP_CLIENT_VERSION: the
 * owner turns to hp_nat_pmp_client then. send() is called from run() alone. Times never go back. */
#ifndef HP_ENGINES_PCP_CLIENT_H
#define HP_ENGINES_PCP_CLIENT_H

#include "engines/pcp.h"

typedef enum hp_pcp_client_event_kind {
    HP_PCP_CLIENT_MAPPED, /* mapping external lifetime; the first time, and again when the external address changed */
    HP_PCP_CLIENT_RENEWED, /* mapping external lifetime */
    HP_PCP_CLIENT_UNMAPPED, /* mapping: gone, as was asked for */
    HP_PCP_CLIENT_REFUSED, /* mapping result lifetime (not to be asked again before): it is gone */
    HP_PCP_CLIENT_NO_ANSWER, /* mapping; it is gone unless it was being renewed */
    HP_PCP_CLIENT_EXPIRED, /* mapping: not renewed in time; it is gone */
    HP_PCP_CLIENT_REBOOTED, /* the epoch makes no sense: all mappings are asked for again */
    HP_PCP_CLIENT_VERSION, /* version: the gateway's; no mapping that was not granted is left */
} hp_pcp_client_event_kind;
const char *hp_pcp_client_event_name(hp_pcp_client_event_kind kind); /* "no-answer" */

typedef struct hp_pcp_client_event {
    hp_pcp_client_event_kind kind;
    uint64_t mapping; /* 0: none */
    uint8_t protocol;
    hp_addr internal, external, remote; /* of family none where there is none */
    uint32_t lifetime;
    unsigned result; /* hp_pcp_result, or what a gateway made up */
    uint8_t version;
} hp_pcp_client_event;

typedef struct hp_pcp_client_ops {
    void (*send)(void *user, hp_time now, const hp_addr *to, const uint8_t *data, size_t len);
    /* May start and end mappings. */
    void (*event)(void *user, hp_time now, const hp_pcp_client_event *event);
} hp_pcp_client_ops;

typedef struct hp_pcp_client hp_pcp_client;

/* local: the host's address towards the gateway. config, rng and ops are copied; nonces and delays come from rng. */
hp_pcp_client *hp_pcp_client_new(const hp_port_client_config *config, const hp_addr *local, const hp_rng *rng,
                                 const hp_pcp_client_ops *ops, void *user);
void hp_pcp_client_free(hp_pcp_client *client);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(hp_pcp_client, hp_pcp_client_free)

typedef struct hp_pcp_wish {
    uint8_t protocol; /* HP_LEASE_TCP, HP_LEASE_UDP */
    uint16_t internal_port;
    hp_addr external; /* suggested; family none: no wish */
    bool prefer_failure; /* MAP only */
    hp_addr remote; /* PEER; family none: MAP */
    hp_lease_filter filters[HP_LEASE_MAX_FILTERS]; /* MAP only */
    unsigned n_filters;
    hp_time lifetime; /* 0: the configured one */
} hp_pcp_wish;

/* Keeps a mapping until it is ended. Returns its number, never 0. */
uint64_t hp_pcp_client_map(hp_pcp_client *client, hp_time now, const hp_pcp_wish *wish);
/* Asks the gateway to end it; PEER mappings are only let go. An unknown number is no matter. */
void hp_pcp_client_unmap(hp_pcp_client *client, hp_time now, uint64_t mapping);
/* A datagram to the host's own port, or to the groups on port 5350. */
void hp_pcp_client_input(hp_pcp_client *client, hp_time now, const hp_addr *from, const uint8_t *data, size_t len);
/* ICMP port unreachable from the gateway: nobody there speaks PCP now. */
void hp_pcp_client_unreachable(hp_pcp_client *client, hp_time now);
hp_time hp_pcp_client_deadline(const hp_pcp_client *client);
void hp_pcp_client_run(hp_pcp_client *client, hp_time now);

#endif
