/* A STUN server, sans-IO: Binding (RFC 8489, and RFC 3489 clients), NAT behaviour discovery (RFC 5780), long-term
 * credentials when asked for. See engines/stun_io.h for how it is driven; a TURN server (engines/turn_server.h) has one
 * of these as its front. */
#ifndef HP_ENGINES_STUN_SERVER_H
#define HP_ENGINES_STUN_SERVER_H

#include <glib.h>

#include "base/rng.h"
#include "config/server.h"
#include "engines/stun_io.h"

typedef struct hp_stun_server hp_stun_server;

/* addresses: the server's IP addresses (ports are ignored; at most HP_STUN_MAX_ADDRESSES are kept); with nat_discovery
 * the first two of a family are the RFC 5780 pair. config is copied shallowly: its strings and arrays must outlive the
 * server. ops is copied. rng is copied: the nonce key and all ids come from it. */
#define HP_STUN_MAX_ADDRESSES 16
hp_stun_server *hp_stun_server_new(const hp_server_config *config, const hp_addr *addresses, size_t n_addresses,
                                   const hp_rng *rng, const hp_server_ops *ops, void *user);
void hp_stun_server_free(hp_stun_server *server);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(hp_stun_server, hp_stun_server_free)

/* The transport addresses it must be reachable at: every address with the port, and with nat_discovery with the
 * alternate port too. Returns how many; fills up to cap. */
size_t hp_stun_server_bindings(const hp_stun_server *server, hp_addr *ret, size_t cap);

/* A datagram came over path. meta may be NULL (nothing known). */
void hp_stun_server_input(hp_stun_server *server, hp_time now, const hp_stun_path *path, const uint8_t *data,
                          size_t len, const hp_stun_meta *meta);
/* When run() is wanted next; HP_NEVER: not at all. */
hp_time hp_stun_server_deadline(const hp_stun_server *server);
/* Does what is due: delayed answers. */
void hp_stun_server_run(hp_stun_server *server, hp_time now);

#endif
