/* The TURN server's state. Private to the folder.
 *
 *   allocation   a client's 5-tuple and up to two relayed addresses, one a family. Alive while it has one.
 *   relay        a relayed address: socket, lifetime, permissions, channels by peer, counters. Alive until it expires,
 *                is deleted by Refresh, forgotten, or the server ends it; its channels and permissions go with it.
 *   permission   an IP address that may exchange data with the relay while now < expires. Kept when expired (a channel
 *                may point to it) until the table is full and nobody points to it.
 *   channel      a number tied to a peer's transport address while now < expires. An expired one counts as unbound,
 *                and goes when its number or its peer is bound anew, or with the relay.
 *   reservation  the upper port of a pair, its socket open, waiting for its token.
 *   stream       a byte stream: a client's that speaks STUN, a client's that became a data connection, or a peer's.
 *   connection   a relay's with a peer (RFC 6062); see hp_turn_connection_state. */
#ifndef HP_ENGINES_TURN_PRIVATE_H
#define HP_ENGINES_TURN_PRIVATE_H

#include "engines/stun_request.h"
#include "engines/stun_stream.h"
#include "engines/turn_ports.h"
#include "engines/turn_server.h"

typedef struct hp_turn_allocation hp_turn_allocation;
typedef struct hp_turn_relay hp_turn_relay;
typedef struct hp_turn_connection hp_turn_connection;

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
    bool tcp;
    hp_turn_connection *first_connection, *last_connection; /* in the order of creation */
    unsigned n_connections;
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

/* All relays of an allocation are of one kind. */
static inline bool hp_turn_is_tcp(const hp_turn_allocation *allocation)
{
    return allocation->relays[allocation->relays[HP_TURN_V4] != NULL ? HP_TURN_V4 : HP_TURN_V6]->tcp;
}

typedef struct hp_turn_reservation {
    hp_turn_server *server;
    uint64_t token;
    const hp_stun_user *user;
    hp_addr addr;
    void *handle;
    hp_deadline expiry;
} hp_turn_reservation;

/* The life of a relay's connection with a peer, and what is legal in it:
 *
 *   CONNECTING  to the peer, for a Connect that is not answered yet: connected, lost, timeout
 *   PENDING     there is a peer's stream and a CONNECTION-ID, and nothing is read: bind, lost, timeout
 *   BOUND       there are both streams, and bytes go through: readable, writable, ended, lost */
typedef enum hp_turn_connection_state { HP_TURN_CONNECTING, HP_TURN_PENDING, HP_TURN_BOUND } hp_turn_connection_state;

struct hp_turn_connection {
    hp_turn_connection_state state;
    hp_turn_relay *relay;
    hp_addr peer;
    uint32_t id;
    bool answered; /* ConnectionBind was: bytes may follow */
    hp_stun_request *connect; /* while CONNECTING */
    hp_turn_stream *peer_stream, *client_stream;
    hp_deadline timeout; /* while CONNECTING or PENDING */
    hp_turn_connection *next, *previous;
};

struct hp_turn_stream {
    hp_turn_server *server;
    void *handle;
    hp_stun_path path; /* of a peer's: client is the peer, server the relayed address */
    bool is_peer;
    hp_turn_connection *connection; /* what it is half of: a peer's always, a client's once it is bound */
    hp_stun_stream in;
    GByteArray *out; /* what the driver did not take yet */
    bool eof, closed;
    hp_deadline idle;
    hp_time heard; /* when the last whole message came */
    hp_turn_stream *next, *previous; /* those of clients, in the order of creation */
};

struct hp_turn_server {
    hp_stun_server *stun;
    hp_addr relay_address[2]; /* family none where it has none; port 0 */
    hp_time lifetime, max_lifetime, permission_lifetime, channel_lifetime;
    hp_turn_ports ports;
    GHashTable *by_path; /* &allocation->path -> allocation */
    GHashTable *by_relay; /* &relay->addr -> relay */
    GHashTable *reservations; /* &reservation->token -> reservation, owned */
    GHashTable *streams; /* &stream->path -> stream, those of clients */
    GHashTable *connections; /* id -> hp_turn_connection, those that have one */
    hp_turn_stream *first_stream, *last_stream;
    GPtrArray *graves; /* of hp_turn_stream, closed ones; freed when no call is under way that may look at them */
    unsigned depth; /* of calls under way */
    unsigned n_connections;
    uint16_t tls_port;
    hp_time stream_idle, connect_timeout, bind_timeout;
    bool relays_udp, relays_tcp;
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
    bool tcp;
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

/* peer may be NULL. */
void hp_turn_tell_dropped(const hp_turn_server *server, hp_time now, const hp_addr *client, const hp_addr *peer,
                          const char *reason);

void hp_turn_send(hp_turn_server *server, hp_time now, const hp_stun_msg *m, const hp_stun_path *path,
                  const hp_stun_meta *meta);
void hp_turn_channel_data(hp_turn_server *server, hp_time now, const hp_stun_path *path, const uint8_t *data,
                          size_t len, const hp_stun_meta *meta);

/* ---- turn_stream.c: byte streams ---- */

hp_turn_stream *hp_turn_stream_new(hp_turn_server *server, const hp_stun_path *path, void *handle, bool is_peer);
/* Closes it, or forgets its handle when it is lost, with all that hangs on it: the client's allocation, or the
 * connection it is half of. reason NULL: without events. */
void hp_turn_stream_end(hp_turn_stream *stream, hp_time now, const char *reason, bool lost);
/* The same without what hangs on it. */
void hp_turn_stream_close(hp_turn_stream *stream, hp_time now, const char *reason, bool lost);
/* Sends a message to the client of that path. */
bool hp_turn_stream_send(void *server, hp_time now, const hp_stun_path *path, const uint8_t *data, size_t len,
                         bool may_drop);
/* Hands bytes to the driver; what it does not take waits. */
void hp_turn_stream_write(hp_turn_stream *stream, hp_time now, const uint8_t *data, size_t len);
void hp_turn_stream_free(gpointer stream);
/* Around every call of the interface that may end a stream. The first lets everything happen that is due. */
void hp_turn_enter(hp_turn_server *server, hp_time now);
void hp_turn_leave(hp_turn_server *server);

/* ---- turn_connection.c: RFC 6062 ---- */

unsigned hp_turn_connect(hp_turn_server *server, hp_stun_request *r, hp_turn_allocation *allocation);
unsigned hp_turn_connection_bind(hp_turn_server *server, hp_stun_request *r);
/* Both streams close; a Connect under way is not answered. lost: the stream, if any, whose handle is gone. reason NULL:
 * without events. */
void hp_turn_connection_end(hp_turn_connection *connection, hp_time now, const char *reason, hp_turn_stream *lost);
/* The same when a stream is lost, and a Connect is answered with 447. */
void hp_turn_connection_lost(hp_turn_connection *connection, hp_time now, hp_turn_stream *stream);
/* ConnectionBind was answered. */
void hp_turn_connection_start(hp_turn_connection *connection, hp_time now);
/* Relays what can be read of `from` as far as it can be written. */
void hp_turn_connection_pump(hp_turn_connection *connection, hp_time now, hp_turn_stream *from);

#endif
