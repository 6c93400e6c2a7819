/* The TURN server's state. Private to the folder.
 *
 *   allocation   a client's 5-tuple and up to two relayed addresses, one a family. Alive while it has one.
 *   relay        a relayed address: socket, lifetime, permissions, channels by peer, counters. Alive until it expires,
 *                is deleted by Refresh, forgotten, or the server ends it; its channels and permissions go with it.
 *   permission   an IP address that may exchange data with the relay while now < expires. Kept when expired (a channel
 *                may point to it) until the table is full and nobody points to it.
 *   channel      a number tied to a peer's transport address while now < expires. An expired one counts as unbound,
 *                and goes when its number or its peer is bound anew, or with the relay.
 *   reservation  the upper port of a pair, its socket open, waiting for its token. */
#ifndef HP_ENGINES_TURN_PRIVATE_H
#define HP_ENGINES_TURN_PRIVATE_H

#include "engines/stun_request.h"
#include "engines/turn_ports.h"
#include "engines/turn_server.h"

typedef struct hp_turn_allocation hp_turn_allocation;
typedef struct hp_turn_relay hp_turn_relay;

typedef struct hp_turn_permission {
    hp_addr ip; /* port 0 */
    hp_time expires;
    unsigned n_channels; /* that point to it, expired ones included */
} hp_turn_permission;

typedef struct hp_turn_channel {
    hp_addr peer;
    hp_time expires;
    hp_turn_relay *relay;
    hp_turn_permission *permission;
    uint16_t number;
} hp_turn_channel;

struct hp_turn_relay {
    hp_turn_server *server;
    hp_turn_allocation *allocation;
    hp_addr addr;
    void *handle; /* the driver's */
    hp_deadline expiry;
    GHashTable *permissions; /* hp_addr without port -> hp_turn_permission, owned */
    GHashTable *channels; /* peer's hp_addr -> hp_turn_channel, owned */
    uint64_t bytes_to_peer, bytes_to_client, packets_to_peer, packets_to_client;
};

/* Relays by family. */
enum { HP_TURN_V4 = 0, HP_TURN_V6 = 1 };
static inline unsigned hp_turn_slot(uint8_t family)
{
    return family == HP_AF_IPV6 ? HP_TURN_V6 : HP_TURN_V4;
}

struct hp_turn_allocation {
    hp_stun_path path;
    const hp_stun_user *user;
    uint8_t transaction[12]; /* of the Allocate that made it */
    uint8_t token[8]; /* it was answered with */
    bool has_token;
    uint8_t refused_family; /* HP_AF_* of ADDRESS-ERROR-CODE in that answer, HP_AF_NONE without */
    unsigned refused_code;
    hp_turn_relay *relays[2];
    GHashTable *channels; /* number -> hp_turn_channel of either relay, not owned */
    hp_turn_allocation *next, *previous; /* in the order of creation */
};

typedef struct hp_turn_reservation {
    hp_turn_server *server;
    uint64_t token;
    const hp_stun_user *user;
    hp_addr addr;
    void *handle;
    hp_deadline expiry;
} hp_turn_reservation;

struct hp_turn_server {
    hp_stun_server *stun;
    hp_addr relay_address[2]; /* family none where it has none; port 0 */
    hp_time lifetime, max_lifetime, permission_lifetime, channel_lifetime;
    hp_turn_ports ports;
    GHashTable *by_path; /* &allocation->path -> allocation */
    GHashTable *by_relay; /* &relay->addr -> relay */
    GHashTable *reservations; /* &reservation->token -> reservation, owned */
    hp_turn_allocation *first, *last;
    unsigned n_allocations;
    unsigned *user_allocations, *user_reservations; /* by user index */
};

/* ---- turn_alloc.c: life cycles ---- */

/* What a request wants. */
typedef struct hp_turn_wish {
    bool family[2];
    bool dual; /* half of it is better than nothing */
    hp_port_shape shape;
    const uint8_t *token; /* 8 bytes, or NULL */
    hp_time lifetime;
} hp_turn_wish;

/* Makes an allocation; returns 0 or 508 (440 where both families are missing). */
unsigned hp_turn_allocation_new(hp_turn_server *server, const hp_stun_request *r, const hp_turn_wish *wish,
                                hp_turn_allocation **ret);
hp_turn_allocation *hp_turn_find(const hp_turn_server *server, const hp_stun_path *path);
/* Ends one relayed address, and the allocation with its last one. reason NULL: without an event. */
void hp_turn_relay_end(hp_turn_relay *relay, hp_time now, const char *reason);
void hp_turn_allocation_end(hp_turn_allocation *allocation, hp_time now, const char *reason);
void hp_turn_set_expiry(hp_turn_relay *relay, hp_time at);
hp_turn_reservation *hp_turn_reservation_find(const hp_turn_server *server, const uint8_t token[static 8]);
/* Closes the socket unless it was taken over (handle NULL). */
void hp_turn_reservation_end(hp_turn_reservation *reservation, hp_time now);

/* ---- turn_allocate.c: Allocate and Refresh ---- */

unsigned hp_turn_allocate(hp_turn_server *server, hp_stun_request *r);
unsigned hp_turn_refresh(hp_turn_server *server, hp_stun_request *r, hp_turn_allocation *allocation);

/* ---- turn_permission.c: CreatePermission and ChannelBind ---- */

unsigned hp_turn_create_permission(hp_turn_server *server, hp_stun_request *r, hp_turn_allocation *allocation);
unsigned hp_turn_channel_bind(hp_turn_server *server, hp_stun_request *r, hp_turn_allocation *allocation);
/* Whether data may flow between the relay and that peer's IP address. */
bool hp_turn_permits(const hp_turn_relay *relay, hp_time now, const hp_addr *peer);

/* ---- turn_peer.c: addresses that nobody may reach through the server ---- */

bool hp_turn_peer_allowed(const hp_turn_server *server, const hp_addr *peer);
/* One of the server's own listening addresses, port included: relaying there would loop. */
bool hp_turn_peer_is_self(const hp_turn_server *server, const hp_addr *peer);
/* Teredo and 6to4 (RFC 8656 section 21.4). */
bool hp_turn_is_tunnel(const hp_addr *a);

/* ---- turn_relay.c: data ---- */

void hp_turn_send(hp_turn_server *server, hp_time now, const hp_stun_msg *m, const hp_stun_path *path,
                  const hp_stun_meta *meta);
void hp_turn_channel_data(hp_turn_server *server, hp_time now, const hp_stun_path *path, const uint8_t *data,
                          size_t len, const hp_stun_meta *meta);

#endif
