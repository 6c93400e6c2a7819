/* Private to port_client*.c. */
#ifndef HP_ACTORS_PORT_CLIENT_PRIVATE_H
#define HP_ACTORS_PORT_CLIENT_PRIVATE_H

#include "actors/byte_stream.h"
#include "actors/port_client.h"
#include "engines/nat_pmp.h"
#include "engines/pcp_client.h"
#include "engines/upnp_client.h"

/* A mapping that somebody keeps. */
typedef struct hp_port_entry {
    uint64_t number; /* ours */
    uint64_t engine; /* the engine's; 0: not with it, refused before it was asked */
    hp_port_mapping_protocol asked; /* of which engine */
    hp_port_wish wish;
    hp_addr external; /* family none until it is granted */
    uint32_t lifetime_s; /* granted */
    bool leaving; /* given up: its end is only traced */
    hp_port_changed changed;
    void *user;
} hp_port_entry;

struct hp_port_client {
    hp_host *host;
    hp_world *world;
    char *peer;
    hp_port_mapping_protocol protocol;
    hp_port_client_config config;
    hp_addr local; /* port 0 */
    hp_timer timer;
    GPtrArray *entries; /* of hp_port_entry, in the order made */
    uint64_t next_number;
    hp_nat_pmp_client *nat_pmp; /* also of a PCP client, once its gateway has shown to speak NAT-PMP alone */
    hp_pcp_client *pcp;
    hp_upnp_client *upnp;
    hp_socket *socket; /* what requests leave from */
    hp_socket *group; /* where announcements come */
    hp_byte_streams streams;
    hp_byte_stream *stream; /* of HTTP */
};

/* ---- port_client.c ---- */

/* NULL when it is unknown, or 0. */
hp_port_entry *hp_port_client_entry(const hp_port_client *client, hp_port_mapping_protocol asked, uint64_t engine);
/* Hands a wish to the engine of that protocol. */
void hp_port_client_ask(hp_port_client *client, hp_port_entry *entry, hp_port_mapping_protocol protocol);
/* Traces; entry NULL: of the gateway as a whole. reason may be NULL. */
void hp_port_client_trace(const hp_port_client *client, hp_port_mapping_protocol protocol, const hp_port_entry *entry,
                          const char *state, uint32_t lifetime_s, const char *reason);
/* It is granted, or goes on; lifetime 0: without end. */
void hp_port_client_granted(hp_port_client *client, hp_port_entry *entry, const hp_addr *external, bool renewed,
                            uint32_t lifetime_s);
/* It is no more. */
void hp_port_client_gone(hp_port_client *client, hp_port_entry *entry, const char *state, const char *reason);
/* Arms the timer anew; after everything that went into an engine. */
void hp_port_client_settle(hp_port_client *client);

/* ---- port_client_engines.c ---- */

/* Opens the sockets and makes the engine of that protocol. */
bool hp_port_client_start(hp_port_client *client, hp_port_mapping_protocol protocol, GError **error);
void hp_port_client_stop(hp_port_client *client);

#endif
