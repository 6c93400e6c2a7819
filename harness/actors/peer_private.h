/* Private to actors/: a peer and its sessions, shared by peer.c (life, API), peer_agent.c (the libnice agent and its
 * context), peer_shape.c (streams and m= lines), peer_negotiation.c (offers and answers), peer_candidates.c (candidates
 * both ways), peer_names.c (names of servers and in candidates), peer_port_mapping.c (candidates of mapped ports) and
 * peer_media.c (what is asked of media). */
#ifndef HP_ACTORS_PEER_PRIVATE_H
#define HP_ACTORS_PEER_PRIVATE_H

#include <nice/nice.h>

#include "actors/client_message.h"
#include "actors/mdns_host.h"
#include "actors/media_session.h"
#include "actors/peer.h"
#include "actors/resolver.h"
#include "actors/sdp.h"
#include "seam/seam.h"

/* Where a session stands; the names are those of the JSEP signalling states (RFC 8829 section 3.2) where one fits. */
typedef enum hp_session_state {
    HP_SESSION_PREPARING, /* gathering before an offer without trickle. Legal: offer sent, rollback, close */
    HP_SESSION_HAVE_LOCAL_OFFER, /* Legal: answer, rollback by glare, restart, close */
    HP_SESSION_HAVE_REMOTE_OFFER, /* thinking, or gathering before the answer. Legal: answer sent, close */
    HP_SESSION_STABLE, /* Legal: restart, a new offer from the other side, close */
    HP_SESSION_CLOSING, /* the agent gives back its TURN allocations. Legal: nothing but waiting */
    HP_SESSION_CLOSED, /* the agent is done; the session is freed when its context has come to rest */
} hp_session_state;

typedef enum hp_consent { HP_CONSENT_NONE, HP_CONSENT_GRANTED, HP_CONSENT_LOST } hp_consent;

typedef struct hp_session_component {
    NiceComponentState state;
    hp_consent consent;
} hp_session_component;

/* A local candidate in the order it was found. */
typedef struct hp_local_candidate {
    unsigned stream;
    char *text; /* "candidate:..."; NULL: it is no more */
} hp_local_candidate;

typedef struct hp_session_host hp_session_host;
typedef struct hp_session_name hp_session_name;

/* An m= line of the session's descriptions. */
typedef struct hp_session_line {
    hp_sdp_kind kind;
    unsigned stream; /* the ICE stream it goes over, from 1 */
    char *mid;
} hp_session_line;

struct hp_session {
    hp_peer *peer;
    uint64_t number; /* 1, 2, ... within the peer */
    char *with; /* NULL until somebody answers an offer that named nobody */
    hp_session_state state;
    unsigned n_streams, n_components;
    GArray *lines; /* of hp_session_line, in order; settled by the offer that began the session */

    /* agent */
    hp_seam_env *env;
    NiceAgent *agent;
    hp_timer run_timer; /* when the context wants to run */
    bool broken; /* an endless loop was found: never run again */
    bool controlling; /* as last traced */
    hp_session_component *components; /* by stream, then component */

    /* local description */
    hp_timer think_timer; /* until the answer is begun */
    bool gathering_started; /* by every stream */
    unsigned n_gathered; /* streams whose candidates are all known */
    bool described; /* the present local description was sent */
    uint64_t origin, version; /* the o= line of the descriptions sent; an offer taken back hands them on */
    char *offer_ufrag; /* of the offer that is being answered; with media its version behind it */
    bool answer_to_named; /* that offer's sender had an id, so the answer can name it */
    bool restarting; /* the offer that is out, or being prepared, restarts ICE */
    bool restart_again; /* such an offer gave way to one that does not: it follows once that is answered */

    /* local candidates */
    GPtrArray *candidates; /* of hp_local_candidate* */
    unsigned n_sent; /* how many of them were sent in messages under the present credentials */
    bool end_sent;
    hp_timer trickle_timer;
    hp_time next_trickle; /* no candidate message before */

    /* mapped ports (peer_port_mapping.c) */
    GPtrArray *ports; /* of hp_session_port* */
    unsigned n_ports_awaited; /* whose answer the end of the candidates waits for */
    hp_timer ports_timer; /* until that wait ends */

    /* remote description */
    char **remote_ufrags; /* by stream, NULL without a remote description */
    uint64_t remote_origin, remote_version; /* its o= line */

    /* names (peer_names.c) */
    hp_addr stun, *turn; /* the servers' addresses; turn as hp_peer.turn. Family none: not known, or none */
    GPtrArray *hosts; /* of hp_session_host*: servers' names looked for */
    GPtrArray *names; /* of hp_session_name*: remote candidates that wait for their names */
    bool remote_done_waits; /* the end of the remote candidates does too */

    hp_call_config call; /* what the offer that began it asks for */
    hp_media_session *media; /* NULL without m-lines of media */
};

/* A candidate message whose description has not come yet. */
typedef struct hp_early_candidate {
    char *from;
    hp_client_message *message;
    uint64_t number;
} hp_early_candidate;

struct hp_peer {
    hp_host *host;
    hp_world *world;
    hp_signaling *signaling;
    unsigned client; /* its number at the broker */
    char *name;
    hp_peer_config config;
    hp_peer_turn *turn;
    struct hp_tls_tunnel **tunnels; /* by turn; NULL where it is not over TLS, or no name has an address yet */
    hp_resolver *resolver; /* NULL: servers are known by address */
    hp_mdns_host *mdns; /* NULL: without */
    hp_peer_gateway *gateways;
    GPtrArray *port_clients; /* of hp_port_client*, made when first used */
    uint32_t element;
    GPtrArray *sessions; /* of hp_session*, in order of creation */
    uint64_t n_sessions_ever;
    GPtrArray *early; /* of hp_early_candidate*, in order of arrival */
    hp_peer_receive receive;
    void *receive_user;
    hp_peer_channel_receive channel_receive;
    void *channel_user;
    hp_peer_channel_change channel_change;
    void *channel_change_user;
};

/* Candidates that wait for a description at most, for one peer. */
enum { HP_PEER_MAX_EARLY = 512 };

#define HP_PEER_TRACE(peer, kind, ...)                                                                                 \
    hp_trace_event(hp_world_trace((peer)->world), hp_world_now((peer)->world), (kind), (peer)->name, __VA_ARGS__)

static inline bool hp_session_is_open(const hp_session *session)
{
    return session->state < HP_SESSION_CLOSING;
}

/* ---- peer.c ---- */
/* call: with the streams and components that the agent is to have. lines: taken. */
hp_session *hp_peer_session_new(hp_peer *peer, const char *with, const hp_call_config *call, GArray *lines);
/* The open session with that name (NULL: one that names nobody yet), or NULL. */
hp_session *hp_peer_find_session(const hp_peer *peer, const char *with);
void hp_peer_error(const hp_session *session, const char *format, ...) G_GNUC_PRINTF(2, 3);
/* The agent is closed: traces it and frees the session. */
void hp_peer_session_gone(hp_session *session);

/* ---- peer_shape.c ---- */
/* The m= lines of our offer, or of theirs. */
GArray *hp_session_lines_of_call(const hp_call_config *call);
GArray *hp_session_lines_of_offer(const hp_sdp *sdp);
/* The description has the session's streams, components and kinds of sections. */
bool hp_session_fits(const hp_session *session, const hp_sdp *sdp);
/* The mid of a stream's first m= line, and that line's number (ret_line may be NULL). */
const char *hp_session_mid(const hp_session *session, unsigned stream, unsigned *ret_line);
/* The ICE stream, from 1, that a candidate message names; past the last when it names none of the session's. */
unsigned hp_session_stream_of(const hp_session *session, const hp_client_message *message);
/* Why a call with that offer cannot be taken; NULL: it can. */
const char *hp_peer_refusal(const hp_peer *peer, const hp_sdp *sdp);

/* ---- peer_media.c ---- */
bool hp_peer_takes_media(const hp_peer *peer);
/* Makes the media that the session's call asks for, if any. After the agent is open. */
bool hp_session_open_media(hp_session *session, GError **error);

/* ---- peer_agent.c ---- */
/* The servers' names were looked for: tells libnice, and gathers. */
void hp_session_servers_known(hp_session *session);
/* Makes the agent with its streams; gathering does not start. False: libnice refused, error set. */
bool hp_session_open_agent(hp_session *session, bool offerer, GError **error);
bool hp_session_gather(hp_session *session, GError **error);
void hp_session_restart_agent(hp_session *session);
/* Runs the context soon, at this instant. After every call on the agent. */
void hp_session_schedule(hp_session *session);
/* One datagram, whole or not at all. False when the agent does not take it. */
bool hp_session_send(hp_session *session, unsigned stream, unsigned component, const void *data, size_t len);
/* Begins the close; hp_peer_session_gone() follows, from a timer. */
void hp_session_close(hp_session *session);
/* At once, without the network: the world is not stepped any more. */
void hp_session_destroy_agent(hp_session *session);

/* ---- peer_names.c ---- */
/* Where the TURN server `turn` is reached from now on, when that is over TLS (peer.c). False when its tunnel cannot. */
bool hp_peer_lead_tunnel(const hp_peer *peer, unsigned turn, const hp_addr *server);
void hp_session_init_names(hp_session *session);
/* Nothing more will come of what is looked for. */
void hp_session_forget_names(hp_session *session);
void hp_session_free_names(hp_session *session);
/* Begins to look for the servers' addresses; hp_session_servers_known() follows, from a packet or a timer. False: there
 * is nothing to look for. */
bool hp_session_find_servers(hp_session *session);
/* A local candidate as it is signalled: with mDNS a host's address is a name, and no related address is a host's.
 * Caller frees. */
char *hp_session_hide_candidate(const hp_session *session, const NiceCandidate *candidate, const char *text);
/* True when the remote candidate's address is a name under .local: it is added when that is found, or never. */
bool hp_session_take_name(hp_session *session, unsigned stream, const char *candidate);

/* ---- peer_role.c ---- */
/* The role that a datagram shows when it is a connectivity check; false when it is none. */
bool hp_role_of_check(const uint8_t *data, size_t length, bool *ret_controlling);

/* ---- peer_negotiation.c ---- */
void hp_session_begin_offer(hp_session *session);
/* New credentials, and an offer that tells them. */
void hp_session_offer_restart(hp_session *session);
/* A stream's candidates are all known: what waited for that goes on. */
void hp_session_gathering_done(hp_session *session);
/* All candidates are known, those of mapped ports too. */
bool hp_session_all_gathered(const hp_session *session);
void hp_peer_handle_offer(hp_peer *peer, const char *from, uint64_t number, const hp_client_message *message);
void hp_peer_handle_answer(hp_peer *peer, const char *from, uint64_t number, const hp_client_message *message);
void hp_session_think_over(void *owner, hp_time now);
void hp_peer_ignore(const hp_peer *peer, const char *from, hp_signal_type type, uint64_t number, const char *reason);
void hp_peer_send_message(hp_peer *peer, hp_client_message *message);

/* ---- peer_candidates.c ---- */
void hp_session_local_candidate(hp_session *session, NiceCandidate *candidate);
/* A candidate of ours that libnice knows nothing of. Takes the text. */
hp_local_candidate *hp_session_add_local(hp_session *session, unsigned stream, char *text);
/* Sends what trickle allows now. */
void hp_session_trickle(hp_session *session);
void hp_session_trickle_due(void *owner, hp_time now);
void hp_peer_handle_candidate(hp_peer *peer, const char *from, bool own, uint64_t number,
                              const hp_client_message *message);
/* "candidate:..." of a description or a message; false when libnice refused it (traced). */
bool hp_session_add_remote(hp_session *session, unsigned stream, const char *candidate);
void hp_session_remote_done(hp_session *session);
/* Hands over what came before the remote description. */
void hp_session_flush_early(hp_session *session);
void hp_early_candidate_free(hp_early_candidate *early);
void hp_local_candidate_free(hp_local_candidate *candidate);

/* ---- peer_port_mapping.c ---- */
/* A host candidate was found: its port is mapped where the peer does that. */
void hp_session_map_port(hp_session *session, const NiceCandidate *candidate);
/* The session has no use for its ports any more: the gateway is told. */
void hp_session_unmap_ports(hp_session *session);
void hp_session_ports_due(void *owner, hp_time now);
void hp_session_ports_free(hp_session *session);
hp_addr hp_peer_from_nice(const NiceAddress *address);

#endif
