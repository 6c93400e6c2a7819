/* A peer: its life, its sessions, and what steps of a scenario ask of it.
 *
 * A session is one libnice agent with one other peer, in a simulated environment and main context of its own, which is
 * run from a timer: after every call on the agent, when a datagram has come, and at its next deadline. Nothing of
 * libnice ever runs inside a host's socket callback or another agent's turn.
 *
 * A signalling message is looked at in this order: named for somebody else (skipped silently: on a broadcast that is
 * the rule); not JSON of ours (ignored, traced); its id is the receiver's own (the echo); then by type. Two clients
 * without an id have the same one, null, and so ignore each other; a client that has got its id since then takes the
 * echo of its null-id messages for another's. */
#include <stdarg.h>
#include <string.h>

#include "actors/peer_private.h"
#include "actors/tls_tunnel.h"
#include "base/error.h"

/* ---- sessions ---- */

hp_session *hp_peer_session_new(hp_peer *peer, const char *with, const hp_call_config *call, GArray *lines)
{
    hp_session *session = g_new0(hp_session, 1);
    session->peer = peer;
    session->number = ++peer->n_sessions_ever;
    session->origin = session->number;
    session->with = g_strdup(with);
    session->call = *call;
    session->lines = lines;
    session->n_streams = call->streams;
    session->n_components = call->components;
    session->components = g_new0(hp_session_component, (size_t)call->streams * call->components);
    hp_session_init_names(session);
    session->candidates = g_ptr_array_new_with_free_func((GDestroyNotify)hp_local_candidate_free);
    hp_timer_init(&session->think_timer, HP_TIMER_ACTOR, peer->element, hp_session_think_over, session);
    session->ports = g_ptr_array_new_with_free_func(g_free);
    hp_timer_init(&session->ports_timer, HP_TIMER_ACTOR, peer->element, hp_session_ports_due, session);
    hp_timer_init(&session->trickle_timer, HP_TIMER_ACTOR, peer->element, hp_session_trickle_due, session);
    g_ptr_array_add(peer->sessions, session);
    return session;
}

static void session_free(hp_session *session)
{
    hp_session_destroy_agent(session);
    hp_session_free_names(session);
    hp_session_ports_free(session);
    hp_timer_cancel(session->peer->world, &session->think_timer);
    hp_timer_cancel(session->peer->world, &session->trickle_timer);
    g_strfreev(session->remote_ufrags);
    g_ptr_array_unref(session->candidates);
    g_array_unref(session->lines);
    g_free(session->offer_ufrag);
    g_free(session->components);
    g_free(session->with);
    g_free(session);
}

hp_session *hp_peer_find_session(const hp_peer *peer, const char *with)
{
    for (unsigned i = 0; i < peer->sessions->len; i++) {
        hp_session *session = peer->sessions->pdata[i];
        if (hp_session_is_open(session) && g_strcmp0(session->with, with) == 0) {
            return session;
        }
    }
    return NULL;
}

void hp_peer_error(const hp_session *session, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    g_autofree char *message = g_strdup_vprintf(format, args);
    va_end(args);
    HP_PEER_TRACE(session->peer, HP_EV_PEER_ERROR, HP_FU("session", session->number), HP_FS("message", message));
}

void hp_peer_session_gone(hp_session *session)
{
    HP_PEER_TRACE(session->peer, HP_EV_PEER_CLOSED, HP_FU("session", session->number));
    g_ptr_array_remove(session->peer->sessions, session);
}

/* ---- signalling ---- */

static bool id_is_own(const hp_peer *peer, const hp_client_message *message)
{
    bool have_id = hp_world_now(peer->world) >= peer->config.client.null_id_until;
    return g_strcmp0(message->id, have_id ? peer->name : NULL) == 0;
}

static void on_signal(void *user, const char *from, bool own, uint64_t number, const char *json)
{
    hp_peer *peer = user;
    if (hp_client_message_is_for_another(json, peer->name)) {
        return;
    }
    g_autoptr(hp_client_message) message = hp_client_message_parse(json, NULL);
    if (!message) {
        HP_PEER_TRACE(peer, HP_EV_SIGNAL_IGNORED, HP_FS("from", from), HP_FS("type", ""), HP_FU("message", number),
                      HP_FS("reason", "malformed"));
        return;
    }
    if (message->to && strcmp(message->to, peer->name) != 0) {
        return;
    }
    if (peer->config.client.ignores_own && id_is_own(peer, message)) {
        if (!own) {
            hp_peer_ignore(peer, from, message->type, number, "same-id");
        }
        return;
    }
    switch (message->type) {
    case HP_SIGNAL_OFFER:
        hp_peer_handle_offer(peer, from, number, message);
        return;
    case HP_SIGNAL_ANSWER:
        hp_peer_handle_answer(peer, from, number, message);
        return;
    case HP_SIGNAL_CANDIDATE:
        hp_peer_handle_candidate(peer, from, own, number, message);
        return;
    case HP_SIGNAL_N_TYPES:
        return;
    }
}

/* ---- life ---- */

bool hp_peer_lead_tunnel(const hp_peer *peer, unsigned turn, const hp_addr *server)
{
    if (peer->turn[turn].transport != HP_SERVER_TLS) {
        return true;
    }
    if (peer->tunnels[turn] != NULL) {
        return hp_tls_tunnel_set_server(peer->tunnels[turn], server);
    }
    const hp_tls_tunnel_config config = {.name = peer->name, .to = peer->turn[turn].name, .server = *server};
    peer->tunnels[turn] = hp_tls_tunnel_new(peer->host, &config);
    return true;
}

static void open_tunnels(hp_peer *peer)
{
    peer->tunnels = g_new0(hp_tls_tunnel *, MAX(peer->config.n_turn, 1));
    for (unsigned i = 0; i < peer->config.n_turn && peer->config.resolver == NULL; i++) {
        hp_peer_lead_tunnel(peer, i, &peer->turn[i].addr);
    }
}

hp_peer *hp_peer_new(hp_host *host, hp_signaling *signaling, const hp_peer_config *config)
{
    g_autoptr(GError) error = NULL;
    hp_peer *peer = g_new0(hp_peer, 1);
    peer->host = host;
    peer->world = hp_host_world(host);
    peer->signaling = signaling;
    peer->name = g_strdup(config->name);
    peer->config = *config;
    peer->turn = g_memdup2(config->turn, config->n_turn * sizeof *config->turn);
    peer->gateways = g_memdup2(config->gateways, config->n_gateways * sizeof *config->gateways);
    peer->port_clients = g_ptr_array_new_with_free_func((GDestroyNotify)hp_port_client_free);
    open_tunnels(peer);
    peer->element = hp_world_new_element(peer->world);
    peer->sessions = g_ptr_array_new_with_free_func((GDestroyNotify)session_free);
    peer->early = g_ptr_array_new_with_free_func((GDestroyNotify)hp_early_candidate_free);
    peer->client = hp_signaling_join(signaling, peer->name, on_signal, peer);
    if (config->resolver) {
        peer->resolver = hp_resolver_new(host, peer->name, config->resolver);
    }
    if (config->mdns) {
        peer->mdns = hp_mdns_host_new(host, peer->name, config->mdns, &error);
        g_assert_no_error(error); /* nobody else takes port 5353 of a host of its own */
    }
    return peer;
}

void hp_peer_free(hp_peer *peer)
{
    if (!peer) {
        return;
    }
    g_ptr_array_unref(peer->sessions);
    g_ptr_array_unref(peer->early);
    for (unsigned i = 0; i < peer->config.n_turn; i++) {
        hp_tls_tunnel_free(peer->tunnels[i]);
    }
    g_free(peer->tunnels);
    hp_resolver_free(peer->resolver);
    hp_mdns_host_free(peer->mdns);
    g_ptr_array_unref(peer->port_clients);
    g_free(peer->gateways);
    g_free(peer->turn);
    g_free(peer->name);
    g_free(peer);
}

const char *hp_peer_name(const hp_peer *peer)
{
    return peer->name;
}

/* ---- steps ---- */

/* The call with its streams and components settled; false when it cannot be made. */
static bool settle_call(const hp_peer *peer, const hp_call_config *asked, hp_call_config *ret, GError **error)
{
    hp_call_config call = *asked;
    bool media = hp_call_has_media(&call);
    if (media && !hp_peer_takes_media(peer)) {
        g_set_error(error, HP_ERROR, HP_ERROR_INVALID, "%s: a call with media by a peer that takes no part in them",
                    peer->name);
        return false;
    }
    if (media) {
        hp_media_shape(&call, &call.streams, &call.components);
    }
    if (call.streams < 1 || call.streams > HP_SDP_MAX_STREAMS || call.components < 1 ||
        call.components > HP_SDP_MAX_COMPONENTS) {
        g_set_error(error, HP_ERROR, HP_ERROR_INVALID, "%s: a call of %u streams with %u components", peer->name,
                    call.streams, call.components);
        return false;
    }
    *ret = call;
    return true;
}

bool hp_peer_call(hp_peer *peer, const char *to, const hp_call_config *asked, GError **error)
{
    hp_call_config call;
    if (!settle_call(peer, asked, &call, error)) {
        return false;
    }
    hp_session *existing = hp_peer_find_session(peer, to);
    if (existing) {
        hp_peer_error(existing, "a call while a session with the same peer is open");
        g_set_error(error, HP_ERROR, HP_ERROR_INVALID, "%s: a session with %s is open already", peer->name,
                    to ? to : "anybody");
        return false;
    }
    g_autoptr(GError) refused = NULL;
    hp_session *session = hp_peer_session_new(peer, to, &call, hp_session_lines_of_call(&call));
    if (!hp_session_open_agent(session, true, &refused) || !hp_session_open_media(session, &refused)) {
        hp_peer_error(session, "%s", refused->message);
        g_ptr_array_remove(peer->sessions, session);
        g_propagate_error(error, g_steal_pointer(&refused));
        return false;
    }
    session->state = HP_SESSION_PREPARING;
    if (!peer->config.client.send_before_set && !hp_session_gather(session, &refused)) {
        hp_peer_error(session, "%s", refused->message);
        hp_session_close(session);
        g_propagate_error(error, g_steal_pointer(&refused));
        return false;
    }
    hp_session_begin_offer(session);
    return true;
}

static bool restart_session(hp_session *session, GError **error)
{
    if (session->state != HP_SESSION_STABLE && session->state != HP_SESSION_HAVE_LOCAL_OFFER) {
        hp_peer_error(session, "an ICE restart in the middle of the first offer or of an answer");
        g_set_error(error, HP_ERROR, HP_ERROR_INVALID, "%s: no ICE restart while the session is being set up",
                    session->peer->name);
        return false;
    }
    hp_session_offer_restart(session);
    return true;
}

bool hp_peer_restart(hp_peer *peer, const char *with, GError **error)
{
    unsigned n = 0;
    bool ok = true;
    for (unsigned i = 0; i < peer->sessions->len; i++) {
        hp_session *session = peer->sessions->pdata[i];
        if (hp_session_is_open(session) && (!with || g_strcmp0(session->with, with) == 0)) {
            n++;
            ok = restart_session(session, ok ? error : NULL) && ok;
        }
    }
    if (n == 0) {
        g_set_error(error, HP_ERROR, HP_ERROR_INVALID, "%s: no session%s%s to restart", peer->name,
                    with ? " with " : "", with ? with : "");
        return false;
    }
    return ok;
}

void hp_peer_close(hp_peer *peer, const char *with)
{
    for (unsigned i = 0; i < peer->sessions->len; i++) {
        hp_session *session = peer->sessions->pdata[i];
        if (hp_session_is_open(session) && (!with || g_strcmp0(session->with, with) == 0)) {
            hp_session_close(session);
        }
    }
}

/* NULL: the first open one. */
static hp_session *session_for_data(const hp_peer *peer, const char *with)
{
    for (unsigned i = 0; i < peer->sessions->len; i++) {
        hp_session *session = peer->sessions->pdata[i];
        if (hp_session_is_open(session) && (!with || g_strcmp0(session->with, with) == 0)) {
            return session;
        }
    }
    return NULL;
}

bool hp_peer_send(hp_peer *peer, const char *with, unsigned stream, unsigned component, const void *data, size_t len)
{
    hp_session *session = session_for_data(peer, with);
    return session && !session->media && hp_session_send(session, stream, component, data, len);
}

void hp_peer_set_receive(hp_peer *peer, hp_peer_receive receive, void *user)
{
    peer->receive = receive;
    peer->receive_user = user;
}

/* ---- state ---- */

/* From worst to best; libnice's numbers put "failed" last. */
static unsigned state_rank(NiceComponentState state)
{
    return state == NICE_COMPONENT_STATE_FAILED ? 0 : (unsigned)state + 1;
}

const char *hp_peer_state(const hp_peer *peer, const char *with)
{
    bool any = false;
    NiceComponentState worst = NICE_COMPONENT_STATE_READY;
    for (unsigned i = 0; i < peer->sessions->len; i++) {
        const hp_session *session = peer->sessions->pdata[i];
        if (!hp_session_is_open(session) || (with && g_strcmp0(session->with, with) != 0)) {
            continue;
        }
        any = true;
        for (unsigned j = 0; j < session->n_streams * session->n_components; j++) {
            NiceComponentState state = session->components[j].state;
            if (state_rank(state) < state_rank(worst)) {
                worst = state;
            }
        }
    }
    return any ? nice_component_state_to_string(worst) : NULL;
}

bool hp_peer_is_reliable(const hp_peer *peer)
{
    return peer->config.ice->reliable;
}

uint64_t hp_peer_session_number(const hp_peer *peer, const char *with)
{
    const hp_session *session = hp_peer_find_session(peer, with);
    return session ? session->number : 0;
}

unsigned hp_peer_n_sessions(const hp_peer *peer)
{
    unsigned n = 0;
    for (unsigned i = 0; i < peer->sessions->len; i++) {
        n += hp_session_is_open(peer->sessions->pdata[i]);
    }
    return n;
}
