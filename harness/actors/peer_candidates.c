/* Candidates, both ways.
 *
 * Local ones are kept in the order libnice found them. With trickle each goes out in a message of its own once the
 * description has been sent, `trickle_interval` apart, and a message with candidate null follows the last; without
 * trickle they stand in the description (peer_negotiation.c). After an ICE restart all are sent again: libnice keeps
 * its sockets and candidates and only takes new credentials.
 *
 * A remote candidate that comes before the description it belongs to waits in the peer's list (a careful client), or
 * is lost (the sample). Which description it belongs to is said by its ufrag (RFC 8838 section 11); a message without
 * one belongs to the present description. What still waits under another ufrag when a description comes is stale. */
#include <string.h>

#include "actors/peer_private.h"

hp_addr hp_peer_from_nice(const NiceAddress *address)
{
    struct sockaddr_storage storage = {0};
    hp_addr ret = {0};
    if (nice_address_is_valid(address)) {
        nice_address_copy_to_sockaddr(address, (struct sockaddr *)&storage);
        if (!hp_addr_from_sockaddr((struct sockaddr *)&storage, sizeof storage, &ret)) {
            return (hp_addr){0};
        }
    }
    return ret;
}

void hp_local_candidate_free(hp_local_candidate *candidate)
{
    g_free(candidate->text);
    g_free(candidate);
}

void hp_early_candidate_free(hp_early_candidate *early)
{
    g_free(early->from);
    hp_client_message_free(early->message);
    g_free(early);
}

/* ---- local ---- */

/* The scenario's name of the TURN server behind a relayed candidate. What libnice hands out is a copy that no longer
 * knows it (nice_candidate_relay_address() would follow a null pointer), so it is told by the relayed address, which
 * is one of the server's own. */
static const char *relay_name(const hp_session *session, const NiceCandidate *candidate)
{
    const hp_peer *peer = session->peer;
    hp_addr addr = hp_peer_from_nice(&candidate->addr);
    for (unsigned i = 0; i < peer->config.n_turn; i++) {
        if (peer->config.n_turn == 1 || hp_addr_same_ip(&addr, &session->turn[i])) {
            return peer->turn[i].name;
        }
    }
    return "";
}

static const char *reflexive_name(const hp_session *session, const NiceCandidate *candidate)
{
    const hp_peer *peer = session->peer;
    NiceAddress nice;
    if (!nice_candidate_stun_server_address(candidate, &nice)) {
        return "";
    }
    hp_addr addr = hp_peer_from_nice(&nice);
    if (hp_addr_equal(&addr, &session->stun)) {
        return peer->config.stun_name;
    }
    for (unsigned i = 0; i < peer->config.n_turn; i++) {
        if (hp_addr_equal(&addr, &session->turn[i])) {
            return peer->turn[i].name;
        }
    }
    return "";
}

/* The scenario's name of the server behind a reflexive or relayed candidate, "" for others. */
static const char *server_name(const hp_session *session, const NiceCandidate *candidate)
{
    switch (candidate->type) {
    case NICE_CANDIDATE_TYPE_SERVER_REFLEXIVE:
        return reflexive_name(session, candidate);
    case NICE_CANDIDATE_TYPE_RELAYED:
        return relay_name(session, candidate);
    case NICE_CANDIDATE_TYPE_HOST:
    case NICE_CANDIDATE_TYPE_PEER_REFLEXIVE:
        return "";
    }
    return "";
}

void hp_session_local_candidate(hp_session *session, NiceCandidate *candidate)
{
    hp_peer *peer = session->peer;
    HP_PEER_TRACE(peer, HP_EV_CANDIDATE, HP_FU("session", session->number), HP_FU("stream", candidate->stream_id),
                  HP_FU("component", candidate->component_id),
                  HP_FS("type", nice_candidate_type_to_string(candidate->type)),
                  HP_FS("transport", nice_candidate_transport_to_string(candidate->transport)),
                  HP_FA("address", hp_peer_from_nice(&candidate->addr)),
                  HP_FA("base", hp_peer_from_nice(&candidate->base_addr)), HP_FU("priority", candidate->priority),
                  HP_FS("foundation", candidate->foundation), HP_FS("server", server_name(session, candidate)));
    g_autofree char *line = nice_agent_generate_local_candidate_sdp(session->agent, candidate);
    hp_session_add_local(session, candidate->stream_id,
                         hp_session_hide_candidate(session, candidate, g_str_has_prefix(line, "a=") ? line + 2 : line));
    hp_session_map_port(session, candidate);
    hp_session_trickle(session);
}

hp_local_candidate *hp_session_add_local(hp_session *session, unsigned stream, char *text)
{
    hp_local_candidate *local = g_new0(hp_local_candidate, 1);
    local->stream = stream;
    local->text = text;
    g_ptr_array_add(session->candidates, local);
    return local;
}

static void send_candidate(hp_session *session, const hp_local_candidate *local)
{
    hp_client_message message = {.type = HP_SIGNAL_CANDIDATE, .to = session->with, .line = -1};
    g_autofree char *ufrag = NULL, *password = NULL, *mid = NULL;
    unsigned stream = local ? local->stream : 1, line;
    nice_agent_get_local_credentials(session->agent, stream, &ufrag, &password);
    message.ufrag = ufrag;
    if (local) {
        mid = g_strdup(hp_session_mid(session, stream, &line));
        message.candidate = local->text;
        message.mid = mid;
        message.line = (int)line;
    }
    hp_peer_send_message(session->peer, &message);
}

void hp_session_trickle(hp_session *session)
{
    const hp_peer *peer = session->peer;
    if (!peer->config.ice->trickle || !session->described || !hp_session_is_open(session)) {
        return;
    }
    hp_time now = hp_world_now(peer->world);
    while (!session->end_sent) {
        bool all_sent = session->n_sent == session->candidates->len;
        if (all_sent && !hp_session_all_gathered(session)) {
            return;
        }
        if (!all_sent && !((const hp_local_candidate *)session->candidates->pdata[session->n_sent])->text) {
            session->n_sent++;
            continue;
        }
        if (now < session->next_trickle) {
            hp_timer_arm(peer->world, &session->trickle_timer, session->next_trickle);
            return;
        }
        send_candidate(session, all_sent ? NULL : session->candidates->pdata[session->n_sent++]);
        session->end_sent = all_sent;
        session->next_trickle = hp_time_add(now, peer->config.ice->trickle_interval);
    }
}

void hp_session_trickle_due(void *owner, hp_time now)
{
    hp_session_trickle(owner);
}

/* ---- remote ---- */

static void trace_remote(const hp_session *session, const NiceCandidate *candidate)
{
    HP_PEER_TRACE(session->peer, HP_EV_REMOTE_CANDIDATE, HP_FU("session", session->number),
                  HP_FU("stream", candidate->stream_id), HP_FU("component", candidate->component_id),
                  HP_FS("type", nice_candidate_type_to_string(candidate->type)),
                  HP_FA("address", hp_peer_from_nice(&candidate->addr)), HP_FU("priority", candidate->priority),
                  HP_FS("transport", nice_candidate_transport_to_string(candidate->transport)));
}

bool hp_session_add_remote(hp_session *session, unsigned stream, const char *candidate)
{
    if (stream < 1 || stream > session->n_streams) {
        hp_peer_error(session, "a remote candidate for stream %u of %u", stream, session->n_streams);
        return false;
    }
    if (hp_session_take_name(session, stream, candidate)) {
        return true;
    }
    g_autofree char *line = g_strconcat("a=", candidate, NULL);
    hp_seam_enter(session->env);
    NiceCandidate *parsed = nice_agent_parse_remote_candidate_sdp(session->agent, stream, line);
    bool ok = parsed && parsed->component_id >= 1 && parsed->component_id <= session->n_components;
    if (ok) {
        GSList list = {.data = parsed};
        trace_remote(session, parsed);
        ok = nice_agent_set_remote_candidates(session->agent, stream, parsed->component_id, &list) >= 0;
    }
    hp_seam_leave(session->env);
    if (!ok) {
        hp_peer_error(session, "libnice refused the remote candidate \"%s\"", candidate);
    }
    g_clear_pointer(&parsed, nice_candidate_free);
    hp_session_schedule(session);
    return ok;
}

void hp_session_remote_done(hp_session *session)
{
    if (session->names->len > 0) {
        session->remote_done_waits = true;
        return;
    }
    hp_seam_enter(session->env);
    for (unsigned stream = 1; stream <= session->n_streams; stream++) {
        nice_agent_peer_candidate_gathering_done(session->agent, stream);
    }
    hp_seam_leave(session->env);
    hp_session_schedule(session);
}

/* Belongs to the session's present remote description. */
static bool ufrag_fits(const hp_session *session, const hp_client_message *message)
{
    return !message->ufrag || g_strv_contains((const char *const *)session->remote_ufrags, message->ufrag);
}

static void apply(hp_session *session, const hp_client_message *message)
{
    if (message->candidate && *message->candidate) {
        hp_session_add_remote(session, hp_session_stream_of(session, message), message->candidate);
    } else {
        hp_session_remote_done(session);
    }
}

static void keep_or_lose(hp_peer *peer, const char *from, uint64_t number, const hp_client_message *message,
                         const char *reason)
{
    if (!peer->config.client.queue_early_candidates || peer->early->len >= HP_PEER_MAX_EARLY) {
        hp_peer_ignore(peer, from, HP_SIGNAL_CANDIDATE, number, reason);
        return;
    }
    hp_early_candidate *early = g_new0(hp_early_candidate, 1);
    early->from = g_strdup(from);
    early->number = number;
    early->message = g_new0(hp_client_message, 1);
    *early->message = (hp_client_message){.type = HP_SIGNAL_CANDIDATE,
                                          .candidate = g_strdup(message->candidate),
                                          .mid = g_strdup(message->mid),
                                          .ufrag = g_strdup(message->ufrag),
                                          .line = message->line};
    g_ptr_array_add(peer->early, early);
}

void hp_peer_handle_candidate(hp_peer *peer, const char *from, bool own, uint64_t number,
                              const hp_client_message *message)
{
    hp_session *session = hp_peer_find_session(peer, own ? NULL : from);
    if (own && !session && peer->sessions->len) {
        session = peer->sessions->pdata[peer->sessions->len - 1];
    }
    if (!session || !hp_session_is_open(session) || !session->remote_ufrags) {
        keep_or_lose(peer, from, number, message, "no-remote-description");
    } else if (ufrag_fits(session, message)) {
        apply(session, message);
    } else {
        keep_or_lose(peer, from, number, message, "other-ufrag");
    }
}

void hp_session_flush_early(hp_session *session)
{
    hp_peer *peer = session->peer;
    for (unsigned i = 0; i < peer->early->len;) {
        const hp_early_candidate *early = peer->early->pdata[i];
        if (g_strcmp0(early->from, session->with) != 0) {
            i++;
            continue;
        }
        if (ufrag_fits(session, early->message)) {
            apply(session, early->message);
        } else {
            hp_peer_ignore(peer, early->from, HP_SIGNAL_CANDIDATE, early->number, "other-ufrag");
        }
        g_ptr_array_remove_index(peer->early, i);
    }
}
