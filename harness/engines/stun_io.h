/* What the STUN and TURN server engines exchange with whoever drives them: the path a message took, the IP header
 * fields worth keeping, the calls the engine makes, and the events it tells of.
 *
 * An engine owns no socket, clock or loop. Datagrams are handed in with the present time; everything it wants done
 * comes out through hp_server_ops. Sending is the last thing an input does, so that a driver may deliver synchronously
 * (and thereby call the engine again) from inside send() and relay(); the other ops must not call the engine. Times
 * handed in never go back. */
#ifndef HP_ENGINES_STUN_IO_H
#define HP_ENGINES_STUN_IO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/time.h"

/* A 5-tuple as the server sees it. Equal bytes are an equal tuple: zero it before filling it. */
typedef struct hp_stun_path {
    hp_addr client; /* where requests come from: behind a NAT, the reflexive address */
    hp_addr server; /* the address they were sent to, and from which answers leave */
    uint8_t transport; /* HP_STUN_OVER_* */
    uint8_t reserved[3]; /* always 0 */
} hp_stun_path;

/* Protocol numbers, with the top bit where a security layer lies in between. */
enum {
    HP_STUN_OVER_TCP = 6,
    HP_STUN_OVER_UDP = 17,
    HP_STUN_OVER_TLS = 0x80 | HP_STUN_OVER_TCP,
    HP_STUN_OVER_DTLS = 0x80 | HP_STUN_OVER_UDP,
};
const char *hp_stun_transport_name(uint8_t transport); /* "udp", "tcp", "tls", "dtls"; "none" */

/* Messages come as a byte stream. */
static inline bool hp_stun_is_stream(uint8_t transport)
{
    return (transport & 0x7f) == HP_STUN_OVER_TCP;
}

static inline hp_stun_path hp_stun_path_udp(const hp_addr *client, const hp_addr *server)
{
    return (hp_stun_path){.client = *client, .server = *server, .transport = HP_STUN_OVER_UDP};
}

/* IP header fields of a datagram (RFC 8656 sections 13 and 14). */
typedef struct hp_stun_meta {
    uint8_t ttl; /* 0: unknown when it comes in, the system's default when it goes out */
    uint8_t tos; /* DSCP << 2 | ECN */
    bool dont_fragment; /* DF is set */
    /* Of what goes out: */
    bool relayed; /* its DF is what is said here, and not left to the host */
    bool never_cut; /* DF is there to stay: rather lost than sent in fragments (DONT-FRAGMENT) */
} hp_stun_meta;

typedef enum hp_server_answer {
    HP_ANSWER_SUCCESS,
    HP_ANSWER_ERROR,
    HP_ANSWER_SILENCE,
    HP_ANSWER_FAULT, /* a scripted fault shaped, delayed or ate the answer */
} hp_server_answer;
const char *hp_server_answer_name(hp_server_answer answer); /* "success" */

typedef enum hp_server_event_kind {
    HP_SERVER_EV_REQUEST, /* client transport method answer code user */
    HP_SERVER_EV_ALLOCATION, /* client transport relay user lifetime; one for each relayed address */
    HP_SERVER_EV_ALLOCATION_ENDED, /* client relay reason, counters; one for each relayed address */
    HP_SERVER_EV_PERMISSION, /* client peer; a new one, not a refresh */
    HP_SERVER_EV_CHANNEL, /* client channel peer; a new one, not a refresh */
    HP_SERVER_EV_DROPPED, /* client peer reason; peer is of family none where none is known */
    HP_SERVER_EV_STREAM, /* client transport state reason: a client's TCP or TLS connection is open or closed */
    HP_SERVER_EV_CONNECTION, /* client relay peer connection state reason: RFC 6062; connecting, pending, bound,
                                closed */
} hp_server_event_kind;

typedef struct hp_server_event {
    hp_server_event_kind kind;
    hp_addr client, peer, relay;
    uint8_t transport; /* HP_STUN_OVER_*; 0 where it is not told */
    const char *user; /* a configured name, or "" */
    uint16_t method;
    hp_server_answer answer;
    unsigned code; /* of an error answer, 0 otherwise */
    const char *reason; /* a literal, NULL without one */
    const char *state; /* a literal */
    uint32_t connection; /* its CONNECTION-ID; 0 while it has none */
    hp_time lifetime;
    uint16_t channel;
    uint64_t bytes_to_peer, bytes_to_client, packets_to_peer, packets_to_client;
} hp_server_event;

/* A byte stream of a client or a peer, as the engine knows it. */
typedef struct hp_turn_stream hp_turn_stream;

typedef struct hp_server_ops {
    /* Sends a datagram (UDP or DTLS) from path->server to path->client. meta is never NULL. False: nothing was sent
     * (and the engine not called meanwhile); the same for relay(). */
    bool (*send)(void *user, hp_time now, const hp_stun_path *path, const uint8_t *data, size_t len,
                 const hp_stun_meta *meta);
    /* May be NULL. */
    void (*event)(void *user, hp_time now, const hp_server_event *event);
    /* TURN only. Opens a relay socket at that very address; *ret_handle comes back in the calls below. False when it
     * cannot be had (the engine then tries another port). */
    bool (*open_relay)(void *user, const hp_addr *relay, void **ret_handle);
    void (*close_relay)(void *user, const hp_addr *relay, void *handle);
    /* Sends from the relayed address to a peer. */
    bool (*relay)(void *user, hp_time now, const hp_addr *relay, void *handle, const hp_addr *peer, const uint8_t *data,
                  size_t len, const hp_stun_meta *meta);

    /* ---- byte streams; see engines/turn_server.h. None of these may call the engine ---- */

    /* Takes what has come, up to cap. 0: nothing for now, or for good. */
    size_t (*read)(void *user, hp_time now, void *handle, uint8_t *out, size_t cap);
    /* Returns how much was taken; less than len means that hp_turn_stream_writable() follows once more can be. */
    size_t (*write)(void *user, hp_time now, void *handle, const uint8_t *data, size_t len);
    /* In order: what was taken is still delivered. The handle is not used again. */
    void (*close)(void *user, hp_time now, void *handle);
    /* Relays for TCP (RFC 6062); NULL: there are none. Listens at that very address. */
    bool (*open_tcp_relay)(void *user, const hp_addr *relay, void **ret_handle);
    /* Connections that have begun there stay. */
    void (*close_tcp_relay)(void *user, const hp_addr *relay, void *handle);
    /* Begins to connect from the relayed address to a peer; NULL: it cannot even begin. What becomes of it is told by
     * hp_turn_stream_connected() or hp_turn_stream_lost(). */
    void *(*connect)(void *user, hp_time now, const hp_addr *relay, void *relay_handle, const hp_addr *peer,
                     hp_turn_stream *stream);
} hp_server_ops;

#endif
