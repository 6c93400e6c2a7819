/* A TLS tunnel beside a client that speaks TCP alone, as users run one (stunnel's way): it listens on the client's own
 * host, and carries each connection to a server's TLS port. libnice reaches TURN over TLS through one.
 *
 * It answers on every address of the host. The server's certificate is not verified unless a fingerprint is given. */
#ifndef HP_ACTORS_TLS_TUNNEL_H
#define HP_ACTORS_TLS_TUNNEL_H

#include "engines/tls.h"
#include "world/host.h"

typedef struct hp_tls_tunnel hp_tls_tunnel;

typedef struct hp_tls_tunnel_config {
    const char *name; /* the peer whose it is: subject of its events */
    const char *to; /* the server's name */
    hp_addr server;
    const hp_dtls_fingerprint *expected; /* what the server's certificate has to be; NULL: whatever it is */
} hp_tls_tunnel_config;

/* config is copied. */
hp_tls_tunnel *hp_tls_tunnel_new(hp_host *host, const hp_tls_tunnel_config *config);
/* The world is stepped no more: connections are left as they are. NULL is allowed. */
void hp_tls_tunnel_free(hp_tls_tunnel *tunnel);
/* Where a client of this host connects to: the host's first address of the server's family at present, or unspecified
 * where it has none. */
hp_addr hp_tls_tunnel_address(const hp_tls_tunnel *tunnel);
/* Connections from now on go there. False, and nothing changed, for another family than that of the first server. */
bool hp_tls_tunnel_set_server(hp_tls_tunnel *tunnel, const hp_addr *server);
unsigned hp_tls_tunnel_n_connections(const hp_tls_tunnel *tunnel);

#endif
