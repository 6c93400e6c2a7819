/* A TURN server, sans-IO (RFC 8656, and RFC 6062 for relays of TCP), with a STUN server (engines/stun_server.h) as its
 * front: it answers Binding too. See engines/stun_io.h for how it is driven.
 *
 * With a config of kind HP_SERVER_STUN it is that STUN server alone: TURN methods are not supported then.
 *
 * Datagrams are handed in, those of DTLS after decryption. Byte streams are not: the driver says that something can be
 * read or written again, and the engine reads and writes through its ops as much as it wants, so that whoever sends
 * faster than it can be handed on is not read, and feels it. Security layers are the driver's. */
#ifndef HP_ENGINES_TURN_SERVER_H
#define HP_ENGINES_TURN_SERVER_H

#include <glib.h>

#include "base/rng.h"
#include "config/server.h"
#include "engines/stun_io.h"

/* Permissions, and channels, that one relayed address can have at a time (508 beyond). */
#define HP_TURN_MAX_PERMISSIONS 1024
#define HP_TURN_MAX_CHANNELS 1024
/* How long a reserved port is held (RFC 8656 section 7.2: 30 s at least). */
#define HP_TURN_RESERVATION (30 * HP_S)
/* How long a relay port rests before it may have another owner, so that late packets find nobody. */
#define HP_TURN_PORT_REST (60 * HP_S)

/* Connections of clients (beyond: not accepted), and with peers for one relayed address (508 beyond). */
#define HP_TURN_MAX_STREAMS 4096
#define HP_TURN_MAX_CONNECTIONS 256
/* What waits to be sent to a client on a stream before data of peers is thrown away. */
#define HP_TURN_STREAM_BACKLOG 65536

typedef struct hp_turn_server hp_turn_server;

/* addresses, config, rng, ops: as for hp_stun_server_new(). Relayed addresses lie on the first address of each family
 * that is not link-local, or where the configuration says; a family without one is not supported (440). */
hp_turn_server *hp_turn_server_new(const hp_server_config *config, const hp_addr *addresses, size_t n_addresses,
                                   const hp_rng *rng, const hp_server_ops *ops, void *user);
/* Closes relays that are still open, without events. */
void hp_turn_server_free(hp_turn_server *server);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(hp_turn_server, hp_turn_server_free)

/* The transport addresses it must be reachable at over UDP. Returns how many; fills up to cap. */
size_t hp_turn_server_bindings(const hp_turn_server *server, hp_addr *ret, size_t cap);
/* The same for one HP_STUN_OVER_*; none where the configuration does not want it. */
size_t hp_turn_server_listeners(const hp_turn_server *server, uint8_t transport, hp_addr *ret, size_t cap);

/* A datagram from a client came over path. meta may be NULL (nothing known). */
void hp_turn_server_input(hp_turn_server *server, hp_time now, const hp_stun_path *path, const uint8_t *data,
                          size_t len, const hp_stun_meta *meta);
/* A datagram from `peer` came to a relayed address. */
void hp_turn_server_relay_input(hp_turn_server *server, hp_time now, const hp_addr *relay, const hp_addr *peer,
                                const uint8_t *data, size_t len, const hp_stun_meta *meta);
/* An ICMP error came back for what the relayed address sent to `peer`; type and code as on the wire, of the family of
 * the peer's address. mtu: of the next hop, where the error has one. */
void hp_turn_server_relay_icmp(hp_turn_server *server, hp_time now, const hp_addr *relay, const hp_addr *peer,
                               uint8_t type, uint8_t code, uint32_t mtu);
/* The association (DTLS) that this path went through has ended; allocations end with it. */
void hp_turn_server_path_ended(hp_turn_server *server, hp_time now, const hp_stun_path *path);

/* ---- byte streams of clients, and of peers (RFC 6062) ----
 *
 * A stream lives until ops.close() is called with its handle, or hp_turn_stream_lost() returns: its pointer means
 * nothing any more then. Every call below may end it. */

/* A client has connected; over TLS nothing can be read until the handshake is done. NULL: there are too many; the
 * driver closes it. */
hp_turn_stream *hp_turn_server_accept(hp_turn_server *server, hp_time now, const hp_stun_path *path, void *handle);
/* A peer has connected to a relayed address. NULL: it may not; the driver closes it. */
hp_turn_stream *hp_turn_server_accept_peer(hp_turn_server *server, hp_time now, const hp_addr *relay,
                                           const hp_addr *peer, void *handle);
/* What ops.connect() has begun is connected. */
void hp_turn_stream_connected(hp_turn_stream *stream, hp_time now);
/* There is more to read. */
void hp_turn_stream_readable(hp_turn_stream *stream, hp_time now);
/* Nothing more will come than can be read now. */
void hp_turn_stream_ended(hp_turn_stream *stream, hp_time now);
/* More can be written, after a write that took not all. */
void hp_turn_stream_writable(hp_turn_stream *stream, hp_time now);
/* It is gone, or could not be connected. The handle is not used again. */
void hp_turn_stream_lost(hp_turn_stream *stream, hp_time now);

/* When run() is wanted next; HP_NEVER: not at all. */
hp_time hp_turn_server_deadline(const hp_turn_server *server);
/* Does what is due: allocations and reservations that expire, delayed answers. */
void hp_turn_server_run(hp_turn_server *server, hp_time now);
/* Ends every allocation, reservation and stream. reason: a literal, "stopped" or "run-end". */
void hp_turn_server_end_all(hp_turn_server *server, hp_time now, const char *reason);

/* Allocations alive (a dual one counts once), relay sockets open, reservations held; streams of clients, connections
 * with peers (from Connect on). */
typedef struct hp_turn_stats {
    unsigned allocations, relays, reservations, streams, connections;
} hp_turn_stats;
hp_turn_stats hp_turn_server_stats(const hp_turn_server *server);

#endif
