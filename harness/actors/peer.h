/* A peer: a signalling client and its libnice agents, one for each session, on one virtual host.
 *
 * Life of a session: the offerer makes an agent, gathers, sends {id, type: "offer", sdp, to}; candidates follow one by
 * one with trickle, or stand in the SDP without. The answerer makes its own agent when the offer reaches it. The client
 * behaves as hp_peer_client says: careful by default, with the sample's weak points on request. */
#ifndef HP_ACTORS_PEER_H
#define HP_ACTORS_PEER_H

#include "actors/media_hub.h"
#include "actors/port_client.h"
#include "actors/signaling.h"
#include "config/dns.h"
#include "config/ice.h"
#include "config/media.h"
#include "config/port_mapping.h"
#include "world/host.h"

typedef struct hp_peer hp_peer;

/* A server as an agent is told of it. */
typedef struct hp_peer_turn {
    const char *name; /* the server's name in the scenario */
    hp_addr addr; /* its port is the transport's; with a resolver: only the port */
    const char *host; /* its name in DNS, for a resolver; else NULL */
    uint8_t
        transport; /* HP_SERVER_UDP, _TCP or _TLS of config/server.h; 0: UDP. TLS goes through a tunnel of the peer's */
    const char *user, *password;
} hp_peer_turn;

/* The gateway of one of the peer's addresses. */
typedef struct hp_peer_gateway {
    hp_addr local, gateway; /* ports 0 */
} hp_peer_gateway;

typedef struct hp_peer_client {
    bool queue_early_candidates, send_before_set, ignores_own, answers_any_offer;
    hp_time null_id_until, answer_delay;
} hp_peer_client;

typedef struct hp_peer_config {
    const char *name;
    const hp_ice_config *ice; /* outlives the peer */
    hp_addr stun; /* family none: no STUN server; with a resolver only the port counts */
    const char *stun_name;
    const char *stun_host; /* as hp_peer_turn.host; NULL: no STUN server */
    const hp_peer_turn *turn; /* copied; strings outlive the peer */
    unsigned n_turn;
    const hp_peer_gateway *gateways; /* copied; of every address that has one */
    unsigned n_gateways;
    hp_peer_client client;
    const hp_peer_media_config *media; /* outlives the peer; NULL: it takes no part in calls with media */
    const hp_captured *replay[HP_MEDIA_N_KINDS]; /* RTP to send in place of made-up media; outlives the peer */
    size_t n_replay[HP_MEDIA_N_KINDS];
    hp_media_hub *hub; /* of the run; NULL only without media */
    const hp_resolver_config *resolver; /* copied; NULL: servers are known by address */
    const hp_mdns_config *mdns; /* copied; NULL: .local names mean nothing */
    bool hides_addresses; /* with mdns: host candidates show names */
} hp_peer_config;

hp_peer *hp_peer_new(hp_host *host, hp_signaling *signaling, const hp_peer_config *config);
/* Closes every agent and frees it; the world must not be stepped from inside. */
void hp_peer_free(hp_peer *peer);
const char *hp_peer_name(const hp_peer *peer);

/* Offers a session. to NULL: the offer names nobody. False and error when libnice refuses (also traced). */
bool hp_peer_call(hp_peer *peer, const char *to, const hp_call_config *call, GError **error);
/* Holds or resumes media of those kinds both ways by a new offer (RFC 3264 section 8.4: inactive, sendrecv). False and
 * HP_ERROR_INVALID without a session with media that is neither being set up nor closed. with NULL: all sessions. */
bool hp_peer_hold(hp_peer *peer, const char *with, const bool kinds[HP_MEDIA_N_KINDS], bool hold, GError **error);
/* The video sender's bit rate from its next frame on. False and HP_ERROR_INVALID without one. */
bool hp_peer_set_video_bitrate(hp_peer *peer, const char *with, uint32_t bitrate, GError **error);
/* Of several sessions, those that can be are restarted; false and error: the first that could not. */
bool hp_peer_restart(hp_peer *peer, const char *with /* NULL: all sessions */, GError **error);
/* Begins an orderly close of the session(s): TURN allocations are given back. */
void hp_peer_close(hp_peer *peer, const char *with /* NULL: all */);
/* Asks the peer's gateway for a port, as an application on its host would. protocol NONE: the one its ICE agent uses.
 * False and HP_ERROR_INVALID without a gateway of a family that the protocol has. */
bool hp_peer_map_port(hp_peer *peer, hp_port_mapping_protocol protocol, const hp_port_wish *wish, GError **error);
/* Ends the latest mapping of that inside port. False and HP_ERROR_INVALID without one. */
bool hp_peer_unmap_port(hp_peer *peer, uint8_t transport, uint16_t internal_port, GError **error);
/* Sends one datagram on the session with `with`. False when the agent does not take it (no session, not connected), and
 * in a session with media. */
bool hp_peer_send(hp_peer *peer, const char *with, unsigned stream, unsigned component, const void *data, size_t len);
/* Every datagram that arrives; record: its capture record. From a reliable agent: bytes as pseudo-TCP hands them up,
 * cut anywhere. */
typedef void (*hp_peer_receive)(void *user, hp_peer *peer, const char *with, unsigned stream, unsigned component,
                                const uint8_t *data, size_t len, uint32_t record);
void hp_peer_set_receive(hp_peer *peer, hp_peer_receive receive, void *user);

/* ---- data channels: over the session's SCTP association, for which the call had to ask (hp_call_config.data) ---- */

/* Opens a channel with config's label (RFC 8832), or finds the open one of that label. It may be asked for before the
 * association is there. False and HP_ERROR_INVALID without a session that has one in its description. */
bool hp_peer_open_channel(hp_peer *peer, const char *with, const hp_channel_config *config, GError **error);
/* One message. False when the channel is not open (yet), or SCTP's buffer is full. */
bool hp_peer_send_channel(hp_peer *peer, const char *with, const char *label, const void *data, size_t len);
/* Every message that arrives; record: the capture record of the packet that completed it. */
typedef void (*hp_peer_channel_receive)(void *user, hp_peer *peer, const char *with, const char *label,
                                        const uint8_t *data, size_t len, uint32_t record);
void hp_peer_set_channel_receive(hp_peer *peer, hp_peer_channel_receive receive, void *user);
/* A channel of that label has opened; or (open false) one has closed or failed, perhaps without ever having opened.
 * label NULL: the session's association is there. */
typedef void (*hp_peer_channel_change)(void *user, hp_peer *peer, const char *with, const char *label, bool open);
void hp_peer_set_channel_change(hp_peer *peer, hp_peer_channel_change change, void *user);
/* Whether one of that label is open, and takes messages. */
bool hp_peer_channel_is_open(const hp_peer *peer, const char *with, const char *label);

/* The run is over: what the media of its sessions still has open is told to the trace, which must be open. Nothing is
 * received after it. */
void hp_peer_finish(hp_peer *peer);
/* The worst ICE state over the peer's open sessions' components, as its name ("connected"); NULL without a session.
 * with NULL: over all sessions. */
const char *hp_peer_state(const hp_peer *peer, const char *with);
unsigned hp_peer_n_sessions(const hp_peer *peer);
/* Its agents send over pseudo-TCP. */
bool hp_peer_is_reliable(const hp_peer *peer);
/* The number, within the peer, of the open session with that name; 0 without one. */
uint64_t hp_peer_session_number(const hp_peer *peer, const char *with);

#endif
