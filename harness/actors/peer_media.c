/* What steps of a scenario ask of a session's media, and the media's place in the session's life.
 *
 * A session that is offered media has an hp_media_session from before its first description until its agent is gone.
 * Everything of it runs inside the session's environment, where clock and random numbers are the world's.
 *
 * Hold (RFC 3264 section 8.4) takes effect on this side at once; the new offer that says so keeps the ICE credentials,
 * so no check is repeated. When both sides hold or resume at once, the one that gives way in the glare says what it
 * wants in its answer: a direction in an answer can only narrow the offer's, and an offer says what its own side wants,
 * not what the other side last did, so neither wish is lost. */
#include "actors/peer_private.h"
#include "base/error.h"

bool hp_peer_takes_media(const hp_peer *peer)
{
    return peer->config.media && peer->config.hub && !peer->config.ice->reliable;
}

bool hp_session_open_media(hp_session *session, GError **error)
{
    if (!hp_call_has_media(&session->call)) {
        return true;
    }
    hp_seam_enter(session->env);
    session->media = hp_media_session_new(session, &session->call, error);
    hp_seam_leave(session->env);
    return session->media != NULL;
}

static bool has_any(const hp_session *session, const bool kinds[HP_MEDIA_N_KINDS])
{
    bool any = false;
    for (unsigned kind = 0; kind < HP_MEDIA_N_KINDS; kind++) {
        any |= kinds[kind] && session->call.media[kind];
    }
    return any;
}

static bool hold_session(hp_session *session, const bool kinds[HP_MEDIA_N_KINDS], bool hold, GError **error)
{
    const char *obstacle = !session->media || !has_any(session, kinds) ? "there is no such media"
                           : session->state != HP_SESSION_STABLE       ? "an offer or answer is under way"
                                                                       : NULL;
    if (obstacle) {
        hp_peer_error(session, "%s in a session where %s", hold ? "hold" : "resume", obstacle);
        g_set_error(error, HP_ERROR, HP_ERROR_INVALID, "%s: %s in a session where %s", session->peer->name,
                    hold ? "hold" : "resume", obstacle);
        return false;
    }
    hp_seam_enter(session->env);
    hp_media_session_set_hold(session->media, kinds, hold);
    hp_seam_leave(session->env);
    session->state = HP_SESSION_PREPARING;
    session->restarting = false;
    hp_session_begin_offer(session);
    return true;
}

/* The n-th (from 0) open session with that name, or of all; NULL past the last. */
static hp_session *nth_session(const hp_peer *peer, const char *with, unsigned n)
{
    for (unsigned i = 0; i < peer->sessions->len; i++) {
        hp_session *session = peer->sessions->pdata[i];
        if (hp_session_is_open(session) && (!with || g_strcmp0(session->with, with) == 0) && n-- == 0) {
            return session;
        }
    }
    return NULL;
}

static void set_no_session(const hp_peer *peer, const char *with, const char *what, GError **error)
{
    g_set_error(error, HP_ERROR, HP_ERROR_INVALID, "%s: no session%s%s %s", peer->name, with ? " with " : "",
                with ? with : "", what);
}

bool hp_peer_hold(hp_peer *peer, const char *with, const bool kinds[HP_MEDIA_N_KINDS], bool hold, GError **error)
{
    bool ok = true;
    hp_session *session;
    unsigned n = 0;
    for (; (session = nth_session(peer, with, n)); n++) {
        ok = hold_session(session, kinds, hold, ok ? error : NULL) && ok;
    }
    if (n == 0) {
        set_no_session(peer, with, hold ? "to hold" : "to resume", error);
        return false;
    }
    return ok;
}

bool hp_peer_set_video_bitrate(hp_peer *peer, const char *with, uint32_t bitrate, GError **error)
{
    bool any = false;
    hp_session *session;
    for (unsigned n = 0; (session = nth_session(peer, with, n)); n++) {
        if (session->media) {
            hp_seam_enter(session->env);
            any |= hp_media_session_set_bitrate(session->media, bitrate);
            hp_seam_leave(session->env);
        }
    }
    if (!any) {
        set_no_session(peer, with, "that sends video", error);
    }
    return any;
}

void hp_peer_finish(hp_peer *peer)
{
    hp_session *session;
    for (unsigned n = 0; (session = nth_session(peer, NULL, n)); n++) {
        if (session->media) {
            hp_seam_enter(session->env);
            hp_media_session_finish(session->media);
            hp_seam_leave(session->env);
        }
    }
}

/* ---- data channels ---- */

static hp_session *session_with_channels(const hp_peer *peer, const char *with)
{
    hp_session *session;
    for (unsigned n = 0; (session = nth_session(peer, with, n)); n++) {
        if (session->media && hp_media_session_channels(session->media)) {
            return session;
        }
    }
    return NULL;
}

bool hp_peer_open_channel(hp_peer *peer, const char *with, const hp_channel_config *config, GError **error)
{
    hp_session *session = session_with_channels(peer, with);
    if (!session) {
        set_no_session(peer, with, "with data channels", error);
        return false;
    }
    hp_seam_enter(session->env);
    bool ok = hp_media_session_open_channel(session->media, config, error);
    hp_seam_leave(session->env);
    return ok;
}

bool hp_peer_send_channel(hp_peer *peer, const char *with, const char *label, const void *data, size_t len)
{
    hp_session *session = session_with_channels(peer, with);
    if (!session) {
        return false;
    }
    hp_seam_enter(session->env);
    bool ok = hp_media_session_send_channel(session->media, label, data, len);
    hp_seam_leave(session->env);
    return ok;
}

void hp_peer_set_channel_receive(hp_peer *peer, hp_peer_channel_receive receive, void *user)
{
    peer->channel_receive = receive;
    peer->channel_user = user;
}
