/* A TURN server, sans-IO (RFC 8656), with a STUN server (engines/stun_server.h) as its front: it answers Binding too.
 * See engines/stun_io.h for how it is driven.
 *
 * With a config of kind HP_SERVER_STUN it is that STUN server alone: TURN methods are not supported then. */
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

typedef struct hp_turn_server hp_turn_server;

/* addresses, config, rng, ops: as for hp_stun_server_new(). Relayed addresses lie on the first address of each family
 * that is not link-local; a family without one is not supported (440). */
hp_turn_server *hp_turn_server_new(const hp_server_config *config, const hp_addr *addresses, size_t n_addresses,
                                   const hp_rng *rng, const hp_server_ops *ops, void *user);
/* Closes relays that are still open, without events. */
void hp_turn_server_free(hp_turn_server *server);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(hp_turn_server, hp_turn_server_free)

/* The transport addresses it must be reachable at. Returns how many; fills up to cap. */
size_t hp_turn_server_bindings(const hp_turn_server *server, hp_addr *ret, size_t cap);

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
/* When run() is wanted next; HP_NEVER: not at all. */
hp_time hp_turn_server_deadline(const hp_turn_server *server);
/* Does what is due: allocations and reservations that expire, delayed answers. */
void hp_turn_server_run(hp_turn_server *server, hp_time now);
/* Ends every allocation and reservation. reason: a literal, "stopped" or "run-end". */
void hp_turn_server_end_all(hp_turn_server *server, hp_time now, const char *reason);

/* Allocations alive (a dual one counts once), relay sockets open, reservations held. */
typedef struct hp_turn_stats {
    unsigned allocations, relays, reservations;
} hp_turn_stats;
hp_turn_stats hp_turn_server_stats(const hp_turn_server *server);

#endif
