/* A raw peer's insides. Private to actors/raw_*.c. */
#ifndef HP_ACTORS_RAW_PRIVATE_H
#define HP_ACTORS_RAW_PRIVATE_H

#include "actors/raw_peer.h"
#include "engines/raw.h"
#include "seam/seam.h"
#include "world/tcp.h"

typedef struct raw_socket {
    hp_raw_peer *peer;
    unsigned number;
    hp_socket *udp;
    hp_tcp_listener *listener;
    hp_tcp_socket *tcp;
    bool told_end;
} raw_socket;

struct hp_raw_peer {
    hp_host *host;
    hp_world *world;
    hp_signaling *signaling;
    const char *name;
    const hp_raw_config *config;
    hp_raw *engine;
    raw_socket *sockets;
    hp_seam_env *env; /* the clock that OpenSSL sees */
    hp_timer timer, start;
    unsigned client; /* at the broker */
    bool opened, started, finishing;
    hp_raw_peer_resolve resolve;
    void *user;
    char *offer_ufrag; /* of the last offer that came: what an answer is for */
    char *last_from; /* who signalled last */
};

/* After anything that went into the engine. */
void hp_raw_peer_settle(hp_raw_peer *peer);

/* ---- raw_socket.c: the engine's sockets ---- */

bool hp_raw_socket_open(void *user, unsigned number, const hp_raw_socket *config, const hp_addr *remote,
                        hp_addr *ret_local, GError **error);
void hp_raw_socket_close(void *user, unsigned number, bool reset);
bool hp_raw_socket_send(void *user, unsigned number, const hp_addr *to, const uint8_t *data, size_t len, uint8_t ttl,
                        uint8_t tos, bool dont_fragment, uint32_t *ret_packet);
size_t hp_raw_socket_write(void *user, unsigned number, const uint8_t *data, size_t len, uint32_t *ret_packet);

/* ---- raw_signal.c: signalling ---- */

void hp_raw_signal_join(hp_raw_peer *peer);
bool hp_raw_signal_send(void *user, hp_time now, const hp_raw_signal *signal, GError **error);

#endif
