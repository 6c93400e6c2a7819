/* The libnice agent of a session: made from the settings, watched through its signals, run from a timer.
 *
 * Every call on the agent happens inside the session's environment (hp_seam_enter) and is followed by
 * hp_session_schedule(): libnice may have armed a timeout that its context must be asked for. Signals reach us from
 * inside calls and from the context's run; a handler may send signalling messages and call the agent again, never run
 * the context.
 *
 * Consent (RFC 7675) has no signal of its own. With consent freshness on, a component's first READY is consent granted,
 * FAILED after that is consent lost, and CONNECTED or READY again is consent regained.
 *
 * The close: nice_agent_close_async() hands back TURN allocations and completes on the context; then the agent is
 * released. In a live environment (seam.h) the context runs by itself, and nothing is scheduled until then. When the run
 * is over there is no network to wait for: the environment is drained instead, its clock running
 * ahead through the agent's timeouts and its datagrams going nowhere. */
#include <string.h>

#include "actors/peer_private.h"
#include "actors/tls_tunnel.h"
#include "base/error.h"

/* Turns of the context without rest that no sane agent reaches. */
enum { MAX_TURNS = 100000 };

static hp_session_component *component_of(hp_session *session, guint stream, guint component)
{
    if (stream < 1 || stream > session->n_streams || component < 1 || component > session->n_components) {
        return NULL;
    }
    return &session->components[(stream - 1) * session->n_components + component - 1];
}

static const char *with_text(const hp_session *session)
{
    return session->with ? session->with : "";
}

/* ---- signals ---- */

static void trace_role(hp_session *session, bool controlling)
{
    session->controlling = controlling;
    HP_PEER_TRACE(session->peer, HP_EV_ICE_ROLE, HP_FU("session", session->number),
                  HP_FS("role", controlling ? "controlling" : "controlled"));
}

/* libnice changes its role after a conflict (RFC 8445 section 7.3.1.1) and neither notifies nor reports it: its
 * property keeps what was set. What it plays shows in the checks it sends. */
static void on_sent(void *user, const uint8_t *data, size_t length)
{
    hp_session *session = user;
    bool controlling;
    if (hp_role_of_check(data, length, &controlling) && controlling != session->controlling) {
        trace_role(session, controlling);
    }
}

static void trace_consent(hp_session *session, guint stream, guint component, hp_consent consent, const char *text)
{
    component_of(session, stream, component)->consent = consent;
    HP_PEER_TRACE(session->peer, HP_EV_CONSENT, HP_FU("session", session->number), HP_FU("stream", stream),
                  HP_FU("component", component), HP_FS("state", text));
}

static void derive_consent(hp_session *session, guint stream, guint component, NiceComponentState state)
{
    if (!session->peer->config.ice->consent_freshness) {
        return;
    }
    hp_consent consent = component_of(session, stream, component)->consent;
    bool works = state == NICE_COMPONENT_STATE_READY || state == NICE_COMPONENT_STATE_CONNECTED;
    if (consent == HP_CONSENT_NONE && state == NICE_COMPONENT_STATE_READY) {
        trace_consent(session, stream, component, HP_CONSENT_GRANTED, "granted");
    } else if (consent == HP_CONSENT_GRANTED && state == NICE_COMPONENT_STATE_FAILED) {
        trace_consent(session, stream, component, HP_CONSENT_LOST, "lost");
    } else if (consent == HP_CONSENT_LOST && works) {
        trace_consent(session, stream, component, HP_CONSENT_GRANTED, "regained");
    }
}

static void on_state(NiceAgent *agent, guint stream, guint component, guint state, gpointer user)
{
    hp_session *session = user;
    hp_session_component *c = component_of(session, stream, component);
    if (!c) {
        return;
    }
    HP_PEER_TRACE(session->peer, HP_EV_ICE_STATE, HP_FU("session", session->number), HP_FS("with", with_text(session)),
                  HP_FU("stream", stream), HP_FU("component", component),
                  HP_FS("state", nice_component_state_to_string(state)),
                  HP_FS("previous", nice_component_state_to_string(c->state)));
    c->state = state;
    derive_consent(session, stream, component, state);
    if (session->media && hp_session_is_open(session)) {
        hp_media_session_ice_state(session->media, stream, component, state);
    }
}

static void on_selected_pair(NiceAgent *agent, guint stream, guint component, NiceCandidate *local,
                             NiceCandidate *remote, gpointer user)
{
    hp_session *session = user;
    HP_PEER_TRACE(session->peer, HP_EV_SELECTED_PAIR, HP_FU("session", session->number),
                  HP_FS("with", with_text(session)), HP_FU("stream", stream), HP_FU("component", component),
                  HP_FS("local", nice_candidate_type_to_string(local->type)),
                  HP_FS("remote", nice_candidate_type_to_string(remote->type)),
                  HP_FA("local-address", hp_peer_from_nice(&local->addr)),
                  HP_FA("remote-address", hp_peer_from_nice(&remote->addr)),
                  HP_FA("local-base", hp_peer_from_nice(&local->base_addr)),
                  HP_FS("transport", nice_candidate_transport_to_string(local->transport)));
}

static void on_candidate(NiceAgent *agent, NiceCandidate *candidate, gpointer user)
{
    hp_session_local_candidate(user, candidate);
}

/* Peer reflexive ones: those that were signalled are traced where they are handed over. */
static void on_remote_candidate(NiceAgent *agent, NiceCandidate *candidate, gpointer user)
{
    const hp_session *session = user;
    HP_PEER_TRACE(session->peer, HP_EV_REMOTE_CANDIDATE, HP_FU("session", session->number),
                  HP_FU("stream", candidate->stream_id), HP_FU("component", candidate->component_id),
                  HP_FS("type", nice_candidate_type_to_string(candidate->type)),
                  HP_FA("address", hp_peer_from_nice(&candidate->addr)), HP_FU("priority", candidate->priority),
                  HP_FS("transport", nice_candidate_transport_to_string(candidate->transport)));
}

static void on_gathering_done(NiceAgent *agent, guint stream, gpointer user)
{
    hp_session *session = user;
    session->n_gathered++;
    HP_PEER_TRACE(session->peer, HP_EV_GATHERING_DONE, HP_FU("session", session->number), HP_FU("stream", stream));
    hp_session_gathering_done(session);
}

static void on_data(NiceAgent *agent, guint stream, guint component, guint length, gchar *data, gpointer user)
{
    hp_session *session = user;
    hp_peer *peer = session->peer;
    if (!hp_session_is_open(session)) {
        return;
    }
    hp_seam_refresh(session->env); /* a timer may close the session, none can free it while its context runs */
    if (!hp_session_is_open(session)) {
        return;
    }
    if (session->media) {
        hp_media_session_receive(session->media, stream, component, (const uint8_t *)data, length,
                                 hp_seam_env_last_record(session->env));
    } else if (peer->receive) {
        peer->receive(peer->receive_user, peer, with_text(session), stream, component, (const uint8_t *)data, length,
                      hp_seam_env_last_record(session->env));
    }
}

static void on_log(void *user, const char *domain, const char *level, const char *message)
{
    const hp_session *session = user;
    HP_PEER_TRACE(session->peer, HP_EV_SUT_LOG, HP_FS("level", level), HP_FS("message", message));
}

/* ---- running ---- */

static void run(void *owner, hp_time now)
{
    hp_session *session = owner;
    g_autoptr(GError) error = NULL;
    hp_time next;
    if (session->broken) {
        return;
    }
    if (!hp_seam_run(session->env, MAX_TURNS, &next, &error)) {
        session->broken = true;
        hp_peer_error(session, "%s", error->message);
    } else if (session->state == HP_SESSION_CLOSED) {
        hp_peer_session_gone(session);
    } else {
        hp_timer_arm(session->peer->world, &session->run_timer, next);
    }
}

void hp_session_schedule(hp_session *session)
{
    if (hp_seam_env_is_live(session->env) && session->state != HP_SESSION_CLOSED) {
        return; /* it runs by itself; what is left to do here is to notice that the agent is done */
    }
    hp_timer_arm(session->peer->world, &session->run_timer, hp_world_now(session->peer->world));
}

static void wake(void *user)
{
    hp_session_schedule(user);
}

bool hp_session_send(hp_session *session, unsigned stream, unsigned component, const void *data, size_t len)
{
    if (session->broken || !hp_session_is_open(session) || !component_of(session, stream, component) ||
        len > G_MAXUINT16) {
        return false;
    }
    /* All or nothing: nice_agent_send() would let a reliable agent take the first part alone. */
    GOutputVector vector = {.buffer = data, .size = len};
    NiceOutputMessage message = {.buffers = &vector, .n_buffers = 1};
    hp_seam_enter(session->env);
    gint sent = nice_agent_send_messages_nonblocking(session->agent, stream, component, &message, 1, NULL, NULL);
    hp_seam_leave(session->env);
    hp_session_schedule(session);
    return sent == 1;
}

/* ---- making ---- */

static NiceCompatibility compatibility_of(hp_ice_compatibility compatibility)
{
    switch (compatibility) {
    case HP_ICE_RFC5245:
        return NICE_COMPATIBILITY_RFC5245;
    case HP_ICE_GOOGLE:
        return NICE_COMPATIBILITY_GOOGLE;
    case HP_ICE_MSN:
        return NICE_COMPATIBILITY_MSN;
    case HP_ICE_WLM2009:
        return NICE_COMPATIBILITY_WLM2009;
    case HP_ICE_OC2007:
        return NICE_COMPATIBILITY_OC2007;
    case HP_ICE_OC2007R2:
        return NICE_COMPATIBILITY_OC2007R2;
    case HP_ICE_DRAFT19:
        return NICE_COMPATIBILITY_DRAFT19;
    }
    return NICE_COMPATIBILITY_RFC5245;
}

static NiceAgentOption options_of(const hp_ice_config *ice)
{
    NiceAgentOption options = NICE_AGENT_OPTION_NONE;
    options |= ice->nomination == HP_ICE_NOMINATION_REGULAR ? NICE_AGENT_OPTION_REGULAR_NOMINATION : 0;
    options |= ice->reliable ? NICE_AGENT_OPTION_RELIABLE : 0;
    options |= ice->full_mode ? 0 : NICE_AGENT_OPTION_LITE_MODE;
    options |= ice->trickle ? NICE_AGENT_OPTION_ICE_TRICKLE : 0;
    options |= ice->support_renomination ? NICE_AGENT_OPTION_SUPPORT_RENOMINATION : 0;
    options |= ice->consent_freshness ? NICE_AGENT_OPTION_CONSENT_FRESHNESS : 0;
    return options;
}

static void set_unless_default(NiceAgent *agent, const char *property, int value)
{
    if (value >= 0) {
        g_object_set(agent, property, (guint)value, NULL);
    }
}

static void use_stun(const hp_session *session)
{
    if (session->stun.family != HP_AF_NONE) {
        char ip[HP_ADDR_TEXT];
        hp_addr_format_ip(&session->stun, ip);
        g_object_set(session->agent, "stun-server", ip, "stun-server-port", (guint)session->stun.port, NULL);
    }
}

/* Those whose address is known. */
static bool use_turn(const hp_session *session, guint stream, guint component, GError **error)
{
    const hp_peer *peer = session->peer;
    for (unsigned i = 0; i < peer->config.n_turn; i++) {
        const hp_peer_turn *turn = &peer->turn[i];
        /* libnice's own TURN_TLS is TCP without TLS. */
        bool stream_transport = turn->transport == HP_SERVER_TCP || turn->transport == HP_SERVER_TLS;
        hp_addr at = peer->tunnels[i] ? hp_tls_tunnel_address(peer->tunnels[i]) : session->turn[i];
        char ip[HP_ADDR_TEXT];
        hp_addr_format_ip(&at, ip);
        if (session->turn[i].family != HP_AF_NONE &&
            !nice_agent_set_relay_info(session->agent, stream, component, ip, at.port, turn->user ? turn->user : "",
                                       turn->password ? turn->password : "",
                                       stream_transport ? NICE_RELAY_TYPE_TURN_TCP : NICE_RELAY_TYPE_TURN_UDP)) {
            g_set_error(error, HP_ERROR, HP_ERROR_INVALID, "libnice refused the TURN server %s", turn->name);
            return false;
        }
    }
    return true;
}

static void set_properties(hp_session *session)
{
    const hp_peer *peer = session->peer;
    const hp_ice_config *ice = peer->config.ice;
    NiceAgent *agent = session->agent;
    g_object_set(agent, "upnp", FALSE, "ice-udp", ice->ice_udp, "ice-tcp", ice->ice_tcp, "force-relay",
                 ice->force_relay, "keepalive-conncheck", ice->keepalive_conncheck, NULL);
    if (ice->upnp) {
        hp_peer_error(session, "upnp: there is no gateway device to ask in the virtual world; left off");
    }
    set_unless_default(agent, "stun-pacing-timer", ice->stun_pacing_timer_ms);
    set_unless_default(agent, "stun-max-retransmissions", ice->stun_max_retransmissions);
    set_unless_default(agent, "stun-initial-timeout", ice->stun_initial_timeout_ms);
    set_unless_default(agent, "stun-reliable-timeout", ice->stun_reliable_timeout_ms);
    set_unless_default(agent, "max-connectivity-checks", ice->max_connectivity_checks);
    set_unless_default(agent, "idle-timeout", ice->idle_timeout_ms);
    use_stun(session);
    if (ice->software) {
        nice_agent_set_software(agent, ice->software);
    }
}

static bool set_up_component(hp_session *session, guint stream, guint component, GError **error)
{
    const hp_peer *peer = session->peer;
    const hp_ice_config *ice = peer->config.ice;
    if (ice->port_min > 0 || ice->port_max > 0) {
        guint first = ice->port_min > 0 ? (guint)ice->port_min : 1024;
        guint last = ice->port_max > 0 ? (guint)ice->port_max : G_MAXUINT16;
        nice_agent_set_port_range(session->agent, stream, component, first, last);
    }
    if (!use_turn(session, stream, component, error)) {
        return false;
    }
    if (!nice_agent_attach_recv(session->agent, stream, component, hp_seam_env_context(session->env), on_data,
                                session)) {
        g_set_error(error, HP_ERROR, HP_ERROR_INVALID, "libnice refused the receiver of stream %u component %u", stream,
                    component);
        return false;
    }
    return true;
}

static bool add_streams(hp_session *session, GError **error)
{
    const hp_ice_config *ice = session->peer->config.ice;
    for (unsigned i = 0; i < session->n_streams; i++) {
        guint stream = nice_agent_add_stream(session->agent, session->n_components);
        if (stream != i + 1) {
            g_set_error(error, HP_ERROR, HP_ERROR_INVALID, "libnice refused stream %u of %u", i + 1,
                        session->n_streams);
            return false;
        }
        if (ice->tos >= 0) {
            nice_agent_set_stream_tos(session->agent, stream, ice->tos);
        }
        for (unsigned component = 1; component <= session->n_components; component++) {
            if (!set_up_component(session, stream, component, error)) {
                return false;
            }
        }
        if (ice->ufrag || ice->password) {
            g_autofree char *ufrag = NULL, *password = NULL;
            nice_agent_get_local_credentials(session->agent, stream, &ufrag, &password);
            nice_agent_set_local_credentials(session->agent, stream, ice->ufrag ? ice->ufrag : ufrag,
                                             ice->password ? ice->password : password);
        }
    }
    return true;
}

static void connect_signals(hp_session *session)
{
    g_signal_connect(session->agent, "component-state-changed", G_CALLBACK(on_state), session);
    g_signal_connect(session->agent, "new-selected-pair-full", G_CALLBACK(on_selected_pair), session);
    g_signal_connect(session->agent, "new-candidate-full", G_CALLBACK(on_candidate), session);
    g_signal_connect(session->agent, "new-remote-candidate-full", G_CALLBACK(on_remote_candidate), session);
    g_signal_connect(session->agent, "candidate-gathering-done", G_CALLBACK(on_gathering_done), session);
}

static bool role_of(const hp_ice_config *ice, bool offerer)
{
    switch (ice->role) {
    case HP_ICE_ROLE_AUTO:
        return offerer;
    case HP_ICE_ROLE_CONTROLLING:
        return true;
    case HP_ICE_ROLE_CONTROLLED:
        return false;
    }
    return offerer;
}

bool hp_session_open_agent(hp_session *session, bool offerer, GError **error)
{
    const hp_peer *peer = session->peer;
    const hp_ice_config *ice = peer->config.ice;
    g_autofree char *stream_name = g_strdup_printf("peer:%s/%" G_GUINT64_FORMAT, peer->name, session->number);
    session->env = hp_seam_env_new(peer->host, stream_name);
    hp_seam_env_set_log(session->env, on_log, session);
    hp_seam_env_set_sent(session->env, on_sent, session);
    hp_seam_set_wake(session->env, wake, session);
    hp_timer_init(&session->run_timer, HP_TIMER_ACTOR, peer->element, run, session);
    hp_seam_enter(session->env);
    session->agent =
        nice_agent_new_full(hp_seam_env_context(session->env), compatibility_of(ice->compatibility), options_of(ice));
    set_properties(session);
    bool controlling = role_of(ice, offerer);
    g_object_set(session->agent, "controlling-mode", (gboolean)controlling, NULL);
    trace_role(session, controlling);
    connect_signals(session);
    bool ok = add_streams(session, error);
    hp_seam_leave(session->env);
    hp_session_schedule(session);
    return ok;
}

static bool gather(hp_session *session, GError **error)
{
    HP_PEER_TRACE(session->peer, HP_EV_GATHERING_STARTED, HP_FU("session", session->number));
    hp_seam_enter(session->env);
    bool ok = true;
    for (unsigned stream = 1; stream <= session->n_streams && ok; stream++) {
        ok = nice_agent_gather_candidates(session->agent, stream);
    }
    session->gathering_started = true;
    hp_seam_leave(session->env);
    hp_session_schedule(session);
    if (!ok) {
        g_set_error(error, HP_ERROR, HP_ERROR_INVALID, "%s: libnice gathered nothing: no local address or port",
                    session->peer->name);
    }
    return ok;
}

bool hp_session_gather(hp_session *session, GError **error)
{
    if (!hp_session_find_servers(session)) {
        return gather(session, error);
    }
    session->gathering_started = true;
    return true;
}

void hp_session_servers_known(hp_session *session)
{
    g_autoptr(GError) error = NULL;
    bool ok = true;
    session->gathering_started = false; /* no stream's end counts before all have begun */
    hp_seam_enter(session->env);
    use_stun(session);
    for (unsigned stream = 1; stream <= session->n_streams; stream++) {
        for (unsigned component = 1; component <= session->n_components && ok; component++) {
            ok = use_turn(session, stream, component, &error);
        }
    }
    hp_seam_leave(session->env);
    if (!ok || !gather(session, &error)) {
        hp_peer_error(session, "%s", error->message);
        hp_session_close(session);
        return;
    }
    hp_session_gathering_done(session);
}

void hp_session_restart_agent(hp_session *session)
{
    HP_PEER_TRACE(session->peer, HP_EV_ICE_RESTART, HP_FU("session", session->number));
    session->described = false;
    session->n_sent = 0;
    session->end_sent = false;
    session->next_trickle = 0;
    hp_seam_enter(session->env);
    if (!nice_agent_restart(session->agent)) {
        hp_peer_error(session, "libnice refused the ICE restart");
    }
    hp_seam_leave(session->env);
    hp_session_schedule(session);
}

/* ---- ending ---- */

static void on_closed(GObject *agent, GAsyncResult *result, gpointer user)
{
    ((hp_session *)user)->state = HP_SESSION_CLOSED;
}

void hp_session_close(hp_session *session)
{
    hp_world *world = session->peer->world;
    GMainContext *context = hp_seam_env_context(session->env);
    hp_session_forget_names(session);
    hp_seam_enter(session->env);
    if (session->media) { /* its farewells still need the agent */
        hp_media_session_close(session->media);
    }
    session->state = HP_SESSION_CLOSING;
    hp_session_unmap_ports(session);
    hp_timer_cancel(world, &session->think_timer);
    hp_timer_cancel(world, &session->trickle_timer);
    g_main_context_push_thread_default(context);
    nice_agent_close_async(session->agent, on_closed, session);
    g_main_context_pop_thread_default(context);
    hp_seam_leave(session->env);
    hp_session_schedule(session);
}

static bool is_closed(void *user)
{
    return ((const hp_session *)user)->state == HP_SESSION_CLOSED;
}

void hp_session_destroy_agent(hp_session *session)
{
    if (!session->env) {
        return;
    }
    hp_seam_env_set_log(session->env, NULL, NULL);
    hp_seam_env_set_sent(session->env, NULL, NULL);
    g_signal_handlers_disconnect_by_data(session->agent, session);
    hp_seam_enter(session->env);
    g_clear_pointer(&session->media, hp_media_session_free); /* no farewell: nobody is there to hear it */
    hp_seam_leave(session->env);
    bool live = hp_seam_env_is_live(session->env);
    if (hp_session_is_open(session) && !live) {
        hp_session_close(session);
    }
    if (!is_closed(session) && !live) {
        hp_seam_drain(session->env, is_closed, session);
    }
    hp_timer_cancel(session->peer->world, &session->run_timer);
    hp_seam_enter(session->env);
    if (!is_closed(session) && !live) {
        g_object_run_dispose(G_OBJECT(session->agent)); /* a broken one, that nothing else stops */
    }
    g_clear_object(&session->agent);
    hp_seam_leave(session->env);
    hp_seam_drain(session->env, NULL, NULL);
    hp_seam_env_free(session->env);
    session->env = NULL;
}
