/* Theory of operation.
 *
 * A media session has a line for each m-line of the session, in their order; a group for each ICE stream; in a group a
 * transport for each component that carries anything. Lines, groups and transports stand from the beginning to the end;
 * a line that comes to nothing is silent, with a reason. One line of a kind is used, the first: what an offer has more
 * of is rejected.
 *
 * One timer drives everything: transports in the order of their groups, tracks in the order of their lines, then the
 * data channels. It stands at the least of their deadlines, and is armed anew after whatever may have moved one.
 *
 * Everything happens inside the session's environment, whose clock and random numbers OpenSSL and usrsctp are to see:
 * the peer enters it around what it calls here, the timer enters it itself. */
#include "actors/media_private.h"

#include "base/error.h"

/* ---- telling ---- */

void hp_media_line_ignore(const hp_media_line *line, const char *what, const char *reason, uint32_t record)
{
    const hp_media_session *media = line->media;
    HP_MEDIA_TRACE(media, HP_EV_MEDIA_IGNORED, HP_FU("session", media->session->number),
                   HP_FU("stream", line->group->stream), HP_FU("component", 1), HP_FS("what", what),
                   HP_FS("reason", reason), HP_FU("packet", record));
}

void hp_media_line_silence(hp_media_line *line, const char *reason)
{
    if (line->silent) {
        return;
    }
    line->silent = reason;
    hp_media_line_ignore(line, hp_media_line_kind_name(line), reason, 0);
    hp_time now = hp_world_now(line->media->world);
    if (line->track) {
        hp_media_track_stop(line->track, now);
    } else if (line == line->media->data_line) {
        hp_channels_disconnected(line->media->channels, now, reason);
    }
}

/* ---- time ---- */

void hp_media_session_reschedule(hp_media_session *media)
{
    hp_time at = HP_NEVER;
    if (media->closed) {
        return;
    }
    for (unsigned i = 0; i < media->n_groups; i++) {
        const hp_media_group *group = &media->groups[i];
        at = group->rtp ? MIN(at, hp_media_transport_deadline(group->rtp)) : at;
        at = group->rtcp ? MIN(at, hp_media_transport_deadline(group->rtcp)) : at;
    }
    for (unsigned i = 0; i < media->n_lines; i++) {
        const hp_media_track *track = media->lines[i].track;
        at = track ? MIN(at, hp_media_track_deadline(track)) : at;
    }
    at = media->channels ? MIN(at, hp_channels_deadline(media->channels)) : at;
    if (!hp_timer_is_armed(&media->timer) || media->timer.at != at) {
        hp_timer_arm(media->world, &media->timer, at);
    }
}

static void run(void *owner, hp_time now)
{
    hp_media_session *media = owner;
    hp_seam_enter(media->session->env);
    for (unsigned i = 0; i < media->n_groups; i++) {
        if (media->groups[i].rtp) {
            hp_media_transport_run(media->groups[i].rtp, now);
        }
        if (media->groups[i].rtcp) {
            hp_media_transport_run(media->groups[i].rtcp, now);
        }
    }
    for (unsigned i = 0; i < media->n_lines; i++) {
        if (media->lines[i].track) {
            hp_media_track_run(media->lines[i].track, now);
        }
    }
    if (media->channels) {
        hp_channels_run(media->channels, now);
    }
    hp_seam_leave(media->session->env);
    hp_media_session_reschedule(media);
}

/* ---- making ---- */

void hp_media_shape(const hp_call_config *call, unsigned *ret_streams, unsigned *ret_components)
{
    unsigned n = (call->media[HP_MEDIA_AUDIO] ? 1 : 0) + (call->media[HP_MEDIA_VIDEO] ? 1 : 0) + (call->data ? 1 : 0);
    if (n == 0) {
        *ret_streams = MAX(call->streams, 1);
        *ret_components = MAX(call->components, 1);
        return;
    }
    *ret_streams = call->bundle ? 1 : n;
    *ret_components = call->rtcp_mux ? 1 : 2;
}

static hp_media_transport *open_transport(hp_media_session *media, unsigned stream, unsigned component, bool srtp,
                                          GError **error)
{
    const hp_session *session = media->session;
    hp_media_transport_config config = {
        .world = media->world,
        .hub = media->hub,
        .secure = &media->config->secure,
        .env = &session->env,
        .with = &session->with,
        .peer = media->peer->name,
        .session = session->number,
        .stream = stream,
        .component = component,
        .srtp = srtp,
    };
    return hp_media_transport_new(&config, &hp_media_dispatch_transport, media, error);
}

static bool open_group(hp_media_session *media, hp_media_group *group, GError **error)
{
    bool srtp = false, used = false;
    for (unsigned i = 0; i < media->n_lines; i++) {
        const hp_media_line *line = &media->lines[i];
        used |= line->group == group && line->kind != HP_SDP_PLAIN;
        srtp |= line->group == group && (line->kind == HP_SDP_AUDIO || line->kind == HP_SDP_VIDEO);
    }
    if (used) {
        group->rtp = open_transport(media, group->stream, 1, srtp, error);
    }
    if (group->rtp && srtp && !media->call.rtcp_mux) {
        group->rtcp = open_transport(media, group->stream, 2, true, error);
        return group->rtcp != NULL;
    }
    return group->rtp || !used;
}

static void open_channels(hp_media_session *media, hp_media_line *line)
{
    hp_rng rng;
    g_autofree char *name = g_strdup_printf("sctp:%s/%" G_GUINT64_FORMAT, media->peer->name, media->session->number);
    if (media->config->secure.keying == HP_KEYING_SDES) {
        hp_media_line_silence(line, "data channels need DTLS");
        return;
    }
    hp_world_rng(media->world, name, &rng);
    media->channels = hp_channels_new(media->session, &rng, &hp_media_dispatch_channels, media);
    media->data_line = line;
}

static bool is_first_of_kind(const hp_media_line *line)
{
    for (const hp_media_line *before = line->media->lines; before != line; before++) {
        if (before->kind == line->kind) {
            return false;
        }
    }
    return true;
}

static bool open_line(hp_media_session *media, hp_media_line *line, GError **error)
{
    if (line->kind == HP_SDP_PLAIN) {
        hp_media_line_silence(line, "no media");
    } else if (!is_first_of_kind(line)) {
        hp_media_line_silence(line, "another of that kind is used");
    } else if (line->kind == HP_SDP_DATA) {
        open_channels(media, line);
    } else {
        line->track = hp_media_track_new(line, error);
        return line->track != NULL;
    }
    return true;
}

static void lay_out(hp_media_session *media)
{
    const hp_session *session = media->session;
    media->n_groups = session->n_streams;
    media->groups = g_new0(hp_media_group, media->n_groups);
    for (unsigned i = 0; i < media->n_groups; i++) {
        media->groups[i].stream = i + 1;
    }
    media->n_lines = session->lines->len;
    media->lines = g_new0(hp_media_line, media->n_lines);
    for (unsigned i = 0; i < media->n_lines; i++) {
        const hp_session_line *line = &g_array_index(session->lines, hp_session_line, i);
        g_assert(line->stream >= 1 && line->stream <= media->n_groups);
        media->lines[i] = (hp_media_line){.media = media,
                                          .kind = line->kind,
                                          .index = i,
                                          .mid = line->mid,
                                          .group = &media->groups[line->stream - 1]};
    }
}

hp_media_session *hp_media_session_new(hp_session *session, const hp_call_config *call, GError **error)
{
    hp_peer *peer = session->peer;
    if (!peer->config.media || !peer->config.hub || !hp_call_has_media(call)) {
        g_set_error(error, HP_ERROR, HP_ERROR_INVALID, "%s takes no part in a call with media", peer->name);
        return NULL;
    }
    hp_media_session *media = g_new0(hp_media_session, 1);
    media->session = session;
    media->peer = peer;
    media->world = peer->world;
    media->hub = peer->config.hub;
    media->config = peer->config.media;
    media->call = *call;
    hp_timer_init(&media->timer, HP_TIMER_ACTOR, hp_world_new_element(media->world), run, media);
    lay_out(media);
    bool ok = hp_media_hub_identity(media->hub, peer->name, error) != NULL;
    for (unsigned i = 0; i < media->n_groups && ok; i++) {
        ok = open_group(media, &media->groups[i], error);
    }
    for (unsigned i = 0; i < media->n_lines && ok; i++) {
        ok = open_line(media, &media->lines[i], error);
    }
    if (!ok) {
        hp_media_session_free(media);
        return NULL;
    }
    hp_media_session_draw_keys(media);
    return media;
}

void hp_media_session_free(hp_media_session *media)
{
    if (!media) {
        return;
    }
    media->closed = true;
    hp_timer_cancel(media->world, &media->timer);
    hp_channels_free(media->channels);
    for (unsigned i = 0; i < media->n_lines; i++) {
        hp_media_track_free(media->lines[i].track);
    }
    for (unsigned i = 0; i < media->n_groups; i++) {
        hp_media_transport_free(media->groups[i].rtp);
        hp_media_transport_free(media->groups[i].rtcp);
    }
    g_free(media->lines);
    g_free(media->groups);
    g_free(media);
}

/* ---- what the peer tells ---- */

static hp_media_transport *transport_at(hp_media_session *media, unsigned stream, unsigned component)
{
    if (stream < 1 || stream > media->n_groups) {
        return NULL;
    }
    const hp_media_group *group = &media->groups[stream - 1];
    return component == 1 ? group->rtp : component == 2 ? group->rtcp : NULL;
}

void hp_media_session_ice_state(hp_media_session *media, unsigned stream, unsigned component, NiceComponentState state)
{
    hp_media_transport *t = transport_at(media, stream, component);
    if (!t || media->closed || (state != NICE_COMPONENT_STATE_CONNECTED && state != NICE_COMPONENT_STATE_READY)) {
        return;
    }
    hp_media_transport_set_writable(t, hp_world_now(media->world));
    hp_media_session_reschedule(media);
}

void hp_media_session_receive(hp_media_session *media, unsigned stream, unsigned component, const uint8_t *data,
                              size_t len, uint32_t record)
{
    hp_media_transport *t = transport_at(media, stream, component);
    if (media->closed) {
        return;
    }
    if (!t) {
        HP_MEDIA_TRACE(media, HP_EV_MEDIA_IGNORED, HP_FU("session", media->session->number), HP_FU("stream", stream),
                       HP_FU("component", component), HP_FS("what", "datagram"), HP_FS("reason", "no m-line"),
                       HP_FU("packet", record));
        return;
    }
    hp_media_transport_input(t, hp_world_now(media->world), data, len, record);
    hp_media_session_reschedule(media);
}

void hp_media_session_set_hold(hp_media_session *media, const bool kinds[HP_MEDIA_N_KINDS], bool hold)
{
    for (unsigned i = 0; i < media->n_lines; i++) {
        hp_media_line *line = &media->lines[i];
        if (line->track && kinds[line->track->kind]) {
            line->held = hold;
            hp_media_track_update(line->track, hp_world_now(media->world));
        }
    }
    hp_media_session_reschedule(media);
}

bool hp_media_session_set_bitrate(hp_media_session *media, uint32_t bitrate)
{
    bool set = false;
    for (unsigned i = 0; i < media->n_lines; i++) {
        hp_media_track *track = media->lines[i].track;
        if (track && track->kind == HP_MEDIA_VIDEO) {
            set = hp_media_track_set_bitrate(track, hp_world_now(media->world), bitrate);
        }
    }
    hp_media_session_reschedule(media);
    return set;
}

/* ---- the end ---- */

void hp_media_session_finish(hp_media_session *media)
{
    for (unsigned i = 0; i < media->n_lines; i++) {
        if (media->lines[i].track) {
            hp_media_track_finish(media->lines[i].track, hp_world_now(media->world));
        }
    }
}

void hp_media_session_close(hp_media_session *media)
{
    hp_time now = hp_world_now(media->world);
    if (media->closed) {
        return;
    }
    for (unsigned i = 0; i < media->n_lines; i++) {
        if (media->lines[i].track) {
            hp_media_track_stop(media->lines[i].track, now);
        }
    }
    if (media->channels) {
        hp_channels_close(media->channels, now);
    }
    for (unsigned i = 0; i < media->n_groups; i++) {
        if (media->groups[i].rtp) {
            hp_media_transport_close(media->groups[i].rtp, now);
        }
        if (media->groups[i].rtcp) {
            hp_media_transport_close(media->groups[i].rtcp, now);
        }
    }
    hp_media_session_finish(media);
    media->closed = true;
    hp_timer_cancel(media->world, &media->timer);
}

/* ---- for channels.c ---- */

hp_channels *hp_media_session_channels(hp_media_session *media)
{
    return media->data_line && !media->data_line->silent ? media->channels : NULL;
}
