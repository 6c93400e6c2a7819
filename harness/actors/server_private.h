/* A built-in server's insides. Private to actors/server*.c. */
#ifndef HP_ACTORS_SERVER_PRIVATE_H
#define HP_ACTORS_SERVER_PRIVATE_H

#include "actors/server.h"
#include "engines/dtls_server.h"
#include "engines/stun_server.h"
#include "engines/tls.h"
#include "engines/turn_server.h"
#include "seam/seam.h"
#include "world/tcp.h"

struct hp_server {
    hp_host *host;
    hp_world *world;
    char *name;
    hp_server_config config;
    hp_rng rng;
    hp_turn_server *engine; /* NULL while stopped */
    GArray *sockets; /* of server_socket (server.c) */
    hp_timer timer;
    bool finishing; /* nothing more is sent */
    hp_server_totals totals;
    hp_server_meter *meter; /* NULL: nobody wants to know */
    hp_dtls_identity *identity; /* NULL without TLS and DTLS */
    hp_rng security_rng; /* of one life */
    /* server_stream.c */
    GPtrArray *listeners; /* of hp_tcp_listener, those of clients */
    struct server_stream *first_stream;
    GQueue ended; /* of server_stream: the engine has read all there will ever be */
    GPtrArray *graves; /* of server_stream: closed, and perhaps still looked at */
    hp_tls_context *tls;
    /* server_dtls.c */
    hp_dtls_server *dtls; /* NULL while stopped, or without DTLS */
    hp_seam_env *env; /* the clock that OpenSSL sees */
    hp_stun_meta meta_in, meta_out; /* of the datagram under way, and of what is being sent */
};

/* After anything that went into the engine. */
void hp_server_settle(hp_server *server);
/* From path->server to path->client. False when it cannot go. */
bool hp_server_send_datagram(hp_server *server, const hp_stun_path *path, const uint8_t *data, size_t len,
                             const hp_stun_meta *meta);
/* reason may be NULL. */
void hp_server_trace_stream(hp_server *server, hp_time now, const hp_addr *client, uint8_t transport, const char *state,
                            const char *reason);

/* ---- server_stream.c: clients on TCP and TLS, and the TCP connections of relays ---- */

void hp_server_init_streams(hp_server *server);
bool hp_server_listen_streams(hp_server *server, GError **error);
/* Tells the engine of streams that have ended, frees those that are closed. */
void hp_server_settle_streams(hp_server *server);
/* The engine is gone: listeners and what is left of streams. */
void hp_server_close_streams(hp_server *server);
void hp_server_free_streams(hp_server *server);
/* The engine's ops (engines/stun_io.h). */
size_t hp_server_read(void *user, hp_time now, void *handle, uint8_t *out, size_t cap);
size_t hp_server_write(void *user, hp_time now, void *handle, const uint8_t *data, size_t len);
void hp_server_close(void *user, hp_time now, void *handle);
bool hp_server_open_tcp_relay(void *user, const hp_addr *relay, void **ret_handle);
void hp_server_close_tcp_relay(void *user, const hp_addr *relay, void *handle);
void *hp_server_connect(void *user, hp_time now, const hp_addr *relay, void *relay_handle, const hp_addr *peer,
                        hp_turn_stream *stream);

/* ---- server_dtls.c ---- */

bool hp_server_dtls_start(hp_server *server, GError **error);
void hp_server_dtls_input(hp_server *server, hp_time now, const hp_stun_path *path, const uint8_t *data, size_t len,
                          const hp_stun_meta *meta);
bool hp_server_dtls_send(hp_server *server, hp_time now, const hp_stun_path *path, const uint8_t *data, size_t len,
                         const hp_stun_meta *meta);
hp_time hp_server_dtls_deadline(const hp_server *server);
void hp_server_dtls_run(hp_server *server, hp_time now);
/* Takes leave of the clients. */
void hp_server_dtls_close(hp_server *server, hp_time now);
void hp_server_dtls_stop(hp_server *server);
void hp_server_dtls_free(hp_server *server);

#endif
