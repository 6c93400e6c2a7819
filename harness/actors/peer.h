/* A peer: a signalling client and its libnice agents, one for each session, on one virtual host.
 *
 * Life of a session: the offerer makes an agent, gathers, sends {id, type: "offer", sdp, to}; candidates follow one by
 * one with trickle, or stand in the SDP without. The answerer makes its own agent when the offer reaches it. The client
 * behaves as hp_peer_client says: careful by default, with the sample's weak points on request. */
#ifndef HP_ACTORS_PEER_H
#define HP_ACTORS_PEER_H

#include "actors/signaling.h"
#include "config/ice.h"
#include "world/host.h"

typedef struct hp_peer hp_peer;

/* A server as an agent is told of it. */
typedef struct hp_peer_turn {
    const char *name; /* the server's name in the scenario */
    hp_addr addr;
    const char *user, *password;
} hp_peer_turn;

typedef struct hp_peer_client {
    bool queue_early_candidates, send_before_set, ignores_own, answers_any_offer;
    hp_time null_id_until, answer_delay;
} hp_peer_client;

typedef struct hp_peer_config {
    const char *name;
    const hp_ice_config *ice; /* outlives the peer */
    hp_addr stun; /* family none: no STUN server */
    const char *stun_name;
    const hp_peer_turn *turn; /* copied; strings outlive the peer */
    unsigned n_turn;
    hp_peer_client client;
} hp_peer_config;

hp_peer *hp_peer_new(hp_host *host, hp_signaling *signaling, const hp_peer_config *config);
/* Closes every agent and frees it; the world must not be stepped from inside. */
void hp_peer_free(hp_peer *peer);
const char *hp_peer_name(const hp_peer *peer);

/* Offers a session. to NULL: the offer names nobody. False and error when libnice refuses (also traced). */
bool hp_peer_call(hp_peer *peer, const char *to, unsigned streams, unsigned components, GError **error);
/* Of several sessions, those that can be are restarted; false and error: the first that could not. */
bool hp_peer_restart(hp_peer *peer, const char *with /* NULL: all sessions */, GError **error);
/* Begins an orderly close of the session(s): TURN allocations are given back. */
void hp_peer_close(hp_peer *peer, const char *with /* NULL: all */);
/* Sends one datagram on the session with `with`. False when the agent does not take it (no session, not connected). */
bool hp_peer_send(hp_peer *peer, const char *with, unsigned stream, unsigned component, const void *data, size_t len);
/* Every datagram that arrives; record: its capture record. From a reliable agent: bytes as pseudo-TCP hands them up,
 * cut anywhere. */
typedef void (*hp_peer_receive)(void *user, hp_peer *peer, const char *with, unsigned stream, unsigned component,
                                const uint8_t *data, size_t len, uint32_t record);
void hp_peer_set_receive(hp_peer *peer, hp_peer_receive receive, void *user);

/* The worst ICE state over the peer's open sessions' components, as its name ("connected"); NULL without a session.
 * with NULL: over all sessions. */
const char *hp_peer_state(const hp_peer *peer, const char *with);
unsigned hp_peer_n_sessions(const hp_peer *peer);
/* Its agents send over pseudo-TCP. */
bool hp_peer_is_reliable(const hp_peer *peer);
/* The number, within the peer, of the open session with that name; 0 without one. */
uint64_t hp_peer_session_number(const hp_peer *peer, const char *with);

#endif
