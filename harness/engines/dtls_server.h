/* The DTLS side of a server, sans-IO: one endpoint (engines/dtls.h) for each client, found by the path its datagrams
 * take (RFC 8489 section 6.2.3, RFC 7350). */
#ifndef HP_ENGINES_DTLS_SERVER_H
#define HP_ENGINES_DTLS_SERVER_H

#include "engines/dtls.h"
#include "engines/stun_io.h"

/* Clients whose handshake is not done; one more, and the one that began first is forgotten. */
#define HP_DTLS_SERVER_MAX_HANDSHAKES 256
/* Clients in all; datagrams of others are dropped. */
#define HP_DTLS_SERVER_MAX_CLIENTS 4096
/* How long a handshake may take, and how long a client may be silent. */
#define HP_DTLS_SERVER_HANDSHAKE (60 * HP_S)
#define HP_DTLS_SERVER_IDLE (7200 * HP_S)

/* send, data, event and ended may call the server again, but not free it. */
typedef struct hp_dtls_server_ops {
    void (*send)(void *user, hp_time now, const hp_stun_path *path, const uint8_t *data, size_t len);
    /* What a client said, decrypted. */
    void (*data)(void *user, hp_time now, const hp_stun_path *path, const uint8_t *data, size_t len);
    /* Whatever else an endpoint tells; a client is connected with HP_DTLS_EV_HANDSHAKE. May be NULL. */
    void (*event)(void *user, hp_time now, const hp_stun_path *path, const hp_dtls_event *event);
    /* A client that was connected no longer is. reason, a literal: "closed" (by the client), "failed", "idle",
     * "replaced" (by a new association from the same address). May be NULL. */
    void (*ended)(void *user, hp_time now, const hp_stun_path *path, const char *reason);
    void (*enter)(void *user); /* around every call into OpenSSL, as in hp_dtls_ops; may be NULL, as may leave */
    void (*leave)(void *user);
} hp_dtls_server_ops;

typedef struct hp_dtls_server hp_dtls_server;

/* rng and ops are copied; identity must outlive it. */
hp_dtls_server *hp_dtls_server_new(const hp_dtls_identity *identity, const hp_rng *rng, const hp_dtls_server_ops *ops,
                                   void *user);
/* Says nothing to anybody. */
void hp_dtls_server_free(hp_dtls_server *server);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(hp_dtls_server, hp_dtls_server_free)

/* A datagram came. path->transport is HP_STUN_OVER_DTLS, here and in the ops. */
void hp_dtls_server_input(hp_dtls_server *server, hp_time now, const hp_stun_path *path, const uint8_t *data,
                          size_t len);
/* False: that client is not connected, or it is too much for a datagram. */
bool hp_dtls_server_send(hp_dtls_server *server, hp_time now, const hp_stun_path *path, const uint8_t *data,
                         size_t len);
/* When run() is wanted next; HP_NEVER: not at all. */
hp_time hp_dtls_server_deadline(const hp_dtls_server *server);
void hp_dtls_server_run(hp_dtls_server *server, hp_time now);
/* Says close_notify to every client that is connected; ended() is not told. */
void hp_dtls_server_close_all(hp_dtls_server *server, hp_time now);

typedef struct hp_dtls_server_stats {
    unsigned handshakes, clients; /* under way, connected */
} hp_dtls_server_stats;
hp_dtls_server_stats hp_dtls_server_get_stats(const hp_dtls_server *server);

#endif
