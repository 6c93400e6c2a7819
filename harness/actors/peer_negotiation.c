/* Offers and answers (RFC 8839 section 4, states by the names of JSEP, RFC 8829).
 *
 *   offerer    PREPARING -> HAVE_LOCAL_OFFER -> STABLE      PREPARING only while a description without trickle waits
 *   answerer   HAVE_REMOTE_OFFER -> STABLE                  for its candidates; the answerer waits in its own state
 *
 * Glare: an offer from the very peer that ours went to (or, both naming nobody, from any). The lexicographically
 * smaller name is impolite: it ignores the other's offer and waits for the answer. The other rolls back: it closes the
 * agent of its own offer and answers with a new one, because libnice does not let an agent that has begun to gather
 * change its role; the candidates of the old one, already under way, are stale. Within a session the roles stand
 * already, and the one that yields keeps its agent:
 *
 *   offers taken back / followed      what the one that yields does
 *   restart / restart                 answers with the credentials that it had just offered
 *   hold    / restart                 restarts, and answers; the answer says its own hold
 *   hold    / hold                    answers; the answer says its own hold
 *   restart / hold                    answers, and then offers its restart anew: the old credentials are gone, and an
 *                                     answer that changes them against an offer that does not is no restart
 *
 * An offer within a stable session: other ufrags ask for an ICE restart, which the answerer follows; the same ones (a
 * duplicate, or a client that holds, resumes or otherwise renegotiates) get an answer without one. A second answer
 * finds the session stable and is ignored: that is how a third peer that answers the same offer fares, or the second
 * half of a duplicated answer. An answer of ours names the offer it is for, so that a late one to an offer since
 * replaced does no harm: by its ufrag, and with media by its version too, because a hold keeps the ufrag.
 *
 * Signalling may reorder. An offer that was overtaken by a later description of the same o= session is stale: without
 * that, one that its sender took back in a glare, or replaced by a restart, would restart the agent with credentials
 * that are gone. So what answers in place of an offer keeps that offer's o= session. An offer of another shape
 * (peer_shape.c) and another o= session is a new call by a peer whose close nobody heard of: it replaces the session.
 *
 * Media: a session whose offer asks for media has it from the start (peer_media.c). Each description is completed by
 * it, and each remote one shown to it once ICE has its part.
 *
 * send_before_set: the description leaves before gathering begins, so it holds no candidates. Without trickle no others
 * are sent either, and the other side can only learn of this one from its checks. */
#include <string.h>

#include "actors/peer_private.h"
#include "base/error.h"

void hp_peer_ignore(const hp_peer *peer, const char *from, hp_signal_type type, uint64_t number, const char *reason)
{
    HP_PEER_TRACE(peer, HP_EV_SIGNAL_IGNORED, HP_FS("from", from), HP_FS("type", hp_signal_type_name(type)),
                  HP_FU("message", number), HP_FS("reason", reason));
}

void hp_peer_send_message(hp_peer *peer, hp_client_message *message)
{
    bool have_id = hp_world_now(peer->world) >= peer->config.client.null_id_until;
    message->id = have_id ? peer->name : NULL;
    g_autofree char *json = hp_client_message_format(message);
    hp_signaling_send(peer->signaling, peer->client, json);
}

/* ---- sending descriptions ---- */

bool hp_session_all_gathered(const hp_session *session)
{
    return session->n_gathered >= session->n_streams && session->n_ports_awaited == 0;
}

/* May the description leave now, as far as candidates go? */
static bool can_describe(const hp_session *session)
{
    const hp_peer *peer = session->peer;
    return peer->config.ice->trickle || peer->config.client.send_before_set || hp_session_all_gathered(session);
}

static char *describe(hp_session *session, bool offer)
{
    bool trickle = session->peer->config.ice->trickle;
    g_autoptr(hp_sdp) sdp = hp_sdp_new();
    sdp->session = session->origin;
    sdp->version = session->version;
    sdp->trickle = trickle;
    for (unsigned i = 0; i < session->n_streams; i++) {
        g_autofree char *ufrag = NULL, *password = NULL;
        nice_agent_get_local_credentials(session->agent, i + 1, &ufrag, &password);
        const char *mid = hp_session_mid(session, i + 1, NULL);
        hp_sdp_stream *stream = hp_sdp_add_stream(sdp, mid, ufrag, password, session->n_components);
        for (unsigned j = 0; j < session->candidates->len && !trickle; j++) {
            const hp_local_candidate *candidate = session->candidates->pdata[j];
            if (candidate->stream == i + 1 && candidate->text) {
                g_ptr_array_add(stream->candidates, g_strdup(candidate->text));
            }
        }
        stream->end_of_candidates = !trickle && hp_session_all_gathered(session);
    }
    if (session->media) {
        hp_seam_enter(session->env);
        hp_media_session_describe(session->media, offer, sdp);
        hp_seam_leave(session->env);
    }
    return hp_sdp_format(sdp);
}

static void send_description(hp_session *session, hp_signal_type type)
{
    session->version++;
    g_autofree char *sdp = describe(session, type == HP_SIGNAL_OFFER);
    hp_client_message message = {.type = type, .to = session->with, .sdp = sdp, .line = -1};
    if (type == HP_SIGNAL_ANSWER) {
        message.answers = session->offer_ufrag;
        if (!session->answer_to_named) {
            message.to = NULL;
        }
    }
    hp_peer_send_message(session->peer, &message);
    session->described = true;
}

/* In the order of the client's fashion: what was described but not yet gathered is gathered now. */
static void gather_late(hp_session *session)
{
    g_autoptr(GError) error = NULL;
    if (!session->gathering_started && !hp_session_gather(session, &error)) {
        hp_peer_error(session, "%s", error->message);
        hp_session_close(session);
        return;
    }
    hp_session_trickle(session);
}

void hp_session_begin_offer(hp_session *session)
{
    if (session->state != HP_SESSION_PREPARING || !can_describe(session)) {
        return;
    }
    session->state = HP_SESSION_HAVE_LOCAL_OFFER;
    send_description(session, HP_SIGNAL_OFFER);
    gather_late(session);
}

void hp_session_offer_restart(hp_session *session)
{
    hp_session_restart_agent(session);
    session->restarting = true;
    session->restart_again = false;
    session->state = HP_SESSION_PREPARING;
    hp_session_begin_offer(session);
}

static void begin_answer(hp_session *session)
{
    if (session->state != HP_SESSION_HAVE_REMOTE_OFFER || hp_timer_is_armed(&session->think_timer) ||
        !can_describe(session)) {
        return;
    }
    session->state = HP_SESSION_STABLE;
    send_description(session, HP_SIGNAL_ANSWER);
    gather_late(session);
    if (session->restart_again && session->state == HP_SESSION_STABLE) {
        hp_session_offer_restart(session);
    }
}

void hp_session_think_over(void *owner, hp_time now)
{
    hp_session *session = owner;
    g_autoptr(GError) error = NULL;
    if (!session->gathering_started && !session->peer->config.client.send_before_set &&
        !hp_session_gather(session, &error)) {
        hp_peer_error(session, "%s", error->message);
        hp_session_close(session);
        return;
    }
    begin_answer(session);
}

void hp_session_gathering_done(hp_session *session)
{
    if (!session->gathering_started) { /* a later stream may yet fail; who asked for the gathering goes on after it */
        return;
    }
    hp_session_begin_offer(session);
    begin_answer(session);
    hp_session_trickle(session);
}

/* ---- the remote description ---- */

static bool same_credentials(const hp_session *session, const hp_sdp *sdp)
{
    for (unsigned i = 0; i < session->n_streams; i++) {
        const hp_sdp_stream *stream = sdp->streams->pdata[i];
        if (!session->remote_ufrags || (stream->ufrag && strcmp(session->remote_ufrags[i], stream->ufrag) != 0)) {
            return false;
        }
    }
    return true;
}

static void set_remote_credentials(hp_session *session, const hp_sdp *sdp)
{
    g_strfreev(session->remote_ufrags);
    session->remote_ufrags = g_new0(char *, session->n_streams + 1);
    hp_seam_enter(session->env);
    for (unsigned i = 0; i < session->n_streams; i++) {
        const hp_sdp_stream *stream = sdp->streams->pdata[i];
        session->remote_ufrags[i] = g_strdup(stream->ufrag ? stream->ufrag : "");
        if (stream->ufrag &&
            !nice_agent_set_remote_credentials(session->agent, i + 1, stream->ufrag, stream->password)) {
            hp_peer_error(session, "libnice refused the remote credentials of stream %u", i + 1);
        }
    }
    hp_seam_leave(session->env);
}

static void apply_remote(hp_session *session, const hp_sdp *sdp, bool offer)
{
    session->remote_origin = sdp->session;
    session->remote_version = sdp->version;
    if (!same_credentials(session, sdp)) {
        set_remote_credentials(session, sdp);
    }
    bool complete = true;
    for (unsigned i = 0; i < session->n_streams; i++) {
        const hp_sdp_stream *stream = sdp->streams->pdata[i];
        for (unsigned j = 0; j < stream->candidates->len; j++) {
            hp_session_add_remote(session, i + 1, stream->candidates->pdata[j]);
        }
        /* Some (pion) trickle without saying so; their description then holds none. */
        complete &= stream->end_of_candidates || (!sdp->trickle && stream->candidates->len > 0);
    }
    if (complete) {
        hp_session_remote_done(session);
    }
    hp_session_flush_early(session);
    if (session->media) {
        hp_seam_enter(session->env);
        hp_media_session_remote(session->media, offer, sdp);
        hp_seam_leave(session->env);
    }
    hp_session_schedule(session);
}

/* Older than the remote description that is in force (RFC 3264 section 8: the version in the o= line counts up). */
static bool is_overtaken(const hp_session *session, const hp_sdp *sdp)
{
    return session->remote_ufrags && sdp->session == session->remote_origin && sdp->version < session->remote_version;
}

static bool is_newer(const hp_session *session, const hp_sdp *sdp)
{
    return sdp->session != session->remote_origin || sdp->version > session->remote_version;
}

/* ---- offers ---- */

/* What an answer of ours names the offer by. Offers that change the media alone share their ufrag and differ in their
 * version. */
static char *name_of_offer(const hp_session *session, const char *ufrag, uint64_t version)
{
    return session->media && ufrag ? g_strdup_printf("%s %" G_GUINT64_FORMAT, ufrag, version) : g_strdup(ufrag);
}

static void accept_offer(hp_session *session, const char *from, const hp_client_message *message, const hp_sdp *sdp)
{
    hp_peer *peer = session->peer;
    if (!session->with) {
        session->with = g_strdup(from);
    }
    session->state = HP_SESSION_HAVE_REMOTE_OFFER;
    session->answer_to_named = message->id != NULL;
    g_free(session->offer_ufrag);
    session->offer_ufrag = name_of_offer(session, ((const hp_sdp_stream *)sdp->streams->pdata[0])->ufrag, sdp->version);
    apply_remote(session, sdp, true);
    hp_time now = hp_world_now(peer->world);
    if (peer->config.client.answer_delay) {
        hp_timer_arm(peer->world, &session->think_timer, hp_time_add(now, peer->config.client.answer_delay));
    } else {
        hp_session_think_over(session, now);
    }
}

/* replaced: an offer of ours that gives way, or NULL. Our descriptions go on counting from it. */
static void accept_new(hp_peer *peer, const char *from, const hp_client_message *message, const hp_sdp *sdp,
                       const hp_session *replaced)
{
    g_autoptr(GError) error = NULL;
    hp_call_config call;
    hp_sdp_call(sdp, &call);
    hp_session *session = hp_peer_session_new(peer, from, &call, hp_session_lines_of_offer(sdp));
    session->state = HP_SESSION_HAVE_REMOTE_OFFER;
    if (replaced) {
        session->origin = replaced->origin;
        session->version = replaced->version;
    }
    if (!hp_session_open_agent(session, false, &error) || !hp_session_open_media(session, &error)) {
        hp_peer_error(session, "%s", error->message);
        g_ptr_array_remove(peer->sessions, session);
        return;
    }
    accept_offer(session, from, message, sdp);
}

static void resolve_glare(hp_session *session, const char *from, uint64_t number, const hp_client_message *message,
                          const hp_sdp *sdp)
{
    hp_peer *peer = session->peer;
    if (strcmp(peer->name, from) < 0) {
        hp_peer_ignore(peer, from, HP_SIGNAL_OFFER, number, "glare");
        return;
    }
    if (!session->remote_ufrags) {
        hp_session_close(session);
        accept_new(peer, from, message, sdp, session);
        return;
    }
    if (!hp_session_fits(session, sdp)) {
        hp_peer_ignore(peer, from, HP_SIGNAL_OFFER, number, "other-streams");
        return;
    }
    bool restart = !same_credentials(session, sdp);
    if (!restart && !is_newer(session, sdp)) {
        hp_peer_ignore(peer, from, HP_SIGNAL_OFFER, number, "duplicate");
        return;
    }
    if (restart && !session->restarting) {
        hp_session_restart_agent(session);
    }
    session->restart_again = session->restarting && !restart;
    accept_offer(session, from, message, sdp);
}

/* An offer within a session that is not waiting for an answer of its own. */
static void renegotiate(hp_session *session, const char *from, uint64_t number, const hp_client_message *message,
                        const hp_sdp *sdp)
{
    hp_peer *peer = session->peer;
    bool fits = hp_session_fits(session, sdp);
    if (sdp->session != session->remote_origin && (!fits || session->media)) {
        /* the other side has hung up, unheard, and calls anew; an association of media ends with its session */
        hp_session_close(session);
        accept_new(peer, from, message, sdp, NULL);
        return;
    }
    if (!fits) {
        hp_peer_ignore(peer, from, HP_SIGNAL_OFFER, number, "other-streams");
        return;
    }
    bool restart = !same_credentials(session, sdp);
    if (session->state == HP_SESSION_HAVE_REMOTE_OFFER && !restart && !is_newer(session, sdp)) {
        hp_peer_ignore(peer, from, HP_SIGNAL_OFFER, number, "duplicate");
        return;
    }
    if (restart) {
        hp_session_restart_agent(session);
        session->restart_again = false;
    }
    accept_offer(session, from, message, sdp);
}

void hp_peer_handle_offer(hp_peer *peer, const char *from, uint64_t number, const hp_client_message *message)
{
    if (!message->to && !peer->config.client.answers_any_offer) {
        hp_peer_ignore(peer, from, HP_SIGNAL_OFFER, number, "names-nobody");
        return;
    }
    g_autoptr(hp_sdp) sdp = hp_sdp_parse(message->sdp, NULL);
    if (!sdp) {
        hp_peer_ignore(peer, from, HP_SIGNAL_OFFER, number, "bad-sdp");
        return;
    }
    bool own = strcmp(from, peer->name) == 0;
    hp_session *session = hp_peer_find_session(peer, from);
    if (!session && !message->to) {
        hp_session *unnamed = hp_peer_find_session(peer, NULL);
        session = unnamed;
    }
    if (own) {
        /* A browser's setRemoteDescription() fails the same way: an offer while its own is out, or after that. */
        hp_peer_ignore(peer, from, HP_SIGNAL_OFFER, number, "own-offer");
        if (session) {
            hp_peer_error(session, "the client's own offer came back and was taken for another's");
        }
        return;
    }
    const char *refusal = !session || !hp_session_fits(session, sdp) ? hp_peer_refusal(peer, sdp) : NULL;
    if (refusal) {
        hp_peer_ignore(peer, from, HP_SIGNAL_OFFER, number, refusal);
        return;
    }
    if (!session) {
        accept_new(peer, from, message, sdp, NULL);
        return;
    }
    if (is_overtaken(session, sdp)) {
        hp_peer_ignore(peer, from, HP_SIGNAL_OFFER, number, "stale");
        return;
    }
    switch (session->state) {
    case HP_SESSION_PREPARING:
    case HP_SESSION_HAVE_LOCAL_OFFER:
        resolve_glare(session, from, number, message, sdp);
        return;
    case HP_SESSION_HAVE_REMOTE_OFFER:
    case HP_SESSION_STABLE:
        renegotiate(session, from, number, message, sdp);
        return;
    case HP_SESSION_CLOSING:
    case HP_SESSION_CLOSED:
        return;
    }
}

/* ---- answers ---- */

/* Any session of ours that was offered and has found its answer, or would be asked by this one. */
static bool has_offered(const hp_peer *peer)
{
    for (unsigned i = 0; i < peer->sessions->len; i++) {
        const hp_session *session = peer->sessions->pdata[i];
        if (hp_session_is_open(session) && session->version > 0) {
            return true;
        }
    }
    return false;
}

static bool answers_present_offer(const hp_session *session, const hp_client_message *message)
{
    g_autofree char *ufrag = NULL, *password = NULL;
    nice_agent_get_local_credentials(session->agent, 1, &ufrag, &password);
    g_autofree char *name = name_of_offer(session, ufrag, session->version);
    return !message->answers || g_strcmp0(message->answers, name) == 0;
}

void hp_peer_handle_answer(hp_peer *peer, const char *from, uint64_t number, const hp_client_message *message)
{
    hp_session *session = hp_peer_find_session(peer, from);
    if (!session) {
        session = hp_peer_find_session(peer, NULL);
    }
    if (!session || session->state != HP_SESSION_HAVE_LOCAL_OFFER) {
        hp_peer_ignore(peer, from, HP_SIGNAL_ANSWER, number,
                       session || has_offered(peer) ? "already-answered" : "no-offer");
        return;
    }
    if (!answers_present_offer(session, message)) {
        hp_peer_ignore(peer, from, HP_SIGNAL_ANSWER, number, "stale");
        return;
    }
    g_autoptr(GError) error = NULL;
    g_autoptr(hp_sdp) sdp = hp_sdp_parse(message->sdp, &error);
    if (g_error_matches(error, HP_ERROR, HP_ERROR_REFUSED)) {
        hp_peer_error(session, "%s rejects every m= line of the offer", from);
        hp_session_close(session);
        return;
    }
    if (!sdp || !hp_session_fits(session, sdp)) {
        hp_peer_ignore(peer, from, HP_SIGNAL_ANSWER, number, sdp ? "other-streams" : "bad-sdp");
        return;
    }
    if (is_overtaken(session, sdp)) {
        hp_peer_ignore(peer, from, HP_SIGNAL_ANSWER, number, "stale");
        return;
    }
    if (!session->with) {
        session->with = g_strdup(from);
    }
    session->state = HP_SESSION_STABLE;
    apply_remote(session, sdp, false);
}
