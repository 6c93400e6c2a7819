/* Private to gateway*.c. */
#ifndef HP_ACTORS_GATEWAY_PRIVATE_H
#define HP_ACTORS_GATEWAY_PRIVATE_H

#include "actors/byte_stream.h"
#include "actors/gateway.h"
#include "engines/nat_pmp.h"
#include "engines/pcp.h"
#include "engines/upnp_igd.h"
#include "world/host.h"

struct hp_gateway {
    hp_world *world;
    hp_nat *nat;
    char *name;
    hp_host *host; /* the world's */
    hp_addr inside[2]; /* IPv4, IPv6; family none where there is none */
    hp_socket *control[2]; /* of NAT-PMP and PCP, by family */
    hp_timer timer;
    hp_leases *leases;
    hp_nat_pmp_server *nat_pmp; /* NULL: not spoken; so are the others */
    hp_pcp_server *pcp;
    hp_upnp_igd *igd;
    hp_socket *ssdp;
    hp_tcp_listener *http;
    hp_byte_streams streams;
    GPtrArray *conns; /* of gateway_upnp.c */
    uint64_t n_told; /* requests traced */
    uint64_t expiring; /* the lease that ran out last */
};

/* Texts are valid during the call. */
typedef struct hp_gateway_request {
    hp_addr client;
    const char *protocol, *request, *outcome;
    uint8_t transport; /* HP_LEASE_UDP, HP_LEASE_TCP; 0: neither */
    hp_addr internal, external, remote;
    uint32_t lifetime_s;
} hp_gateway_request;

void hp_gateway_trace_request(hp_gateway *g, const hp_gateway_request *request);
void hp_gateway_ignored(hp_gateway *g, const char *protocol, const hp_addr *client);
/* Arms the timer anew; after every input to an engine. */
void hp_gateway_settle(hp_gateway *g);

/* ---- gateway_upnp.c ---- */

bool hp_gateway_start_upnp(hp_gateway *g, GError **error);
/* What it is at any stage of its making. */
void hp_gateway_stop_upnp(hp_gateway *g);

#endif
