/* Theory of operation: what comes out of a transport goes to the lines of its group, and what the data channels send
 * goes into theirs.
 *
 * A packet is for the track whose SSRC the other side's description told; else for the one that its payload type stands
 * for among the lines of its group (RFC 8843 section 9.2). RTCP goes to all tracks of its group, which are one RTP
 * session: each takes what names it.
 *
 * Datagrams come from inside callbacks of the agent, and what answers them is sent from there: libnice releases its
 * lock around callbacks, and the simulated network delivers later. */
#include "actors/media_private.h"
#include "wire/rtp.h"

/* ---- ops of the transports ---- */

static hp_media_group *group_of(hp_media_session *media, const hp_media_transport *t)
{
    for (unsigned i = 0; i < media->n_groups; i++) {
        if (media->groups[i].rtp == t || media->groups[i].rtcp == t) {
            return &media->groups[i];
        }
    }
    g_assert_not_reached();
}

static bool transport_send(void *user, unsigned stream, unsigned component, const uint8_t *data, size_t len)
{
    hp_media_session *media = user;
    return hp_session_send(media->session, stream, component, data, len);
}

static hp_media_line *line_for(hp_media_session *media, const hp_media_group *group, uint32_t ssrc, uint8_t pt)
{
    for (unsigned i = 0; i < media->n_lines; i++) {
        hp_media_line *line = &media->lines[i];
        if (line->group == group && line->track && hp_media_track_is_ssrc(line->track, ssrc)) {
            return line;
        }
    }
    for (unsigned i = 0; i < media->n_lines; i++) {
        hp_media_line *line = &media->lines[i];
        if (line->group == group && line->track && hp_media_track_is_pt(line->track, pt)) {
            return line;
        }
    }
    return NULL;
}

static void transport_rtp(void *user, hp_media_transport *t, hp_time now, const uint8_t *data, size_t len,
                          uint32_t record)
{
    hp_media_session *media = user;
    const hp_media_group *group = group_of(media, t);
    hp_rtp_packet p;
    if (!hp_rtp_parse(data, len, &p)) { /* padding that makes no sense, under a tag that does */
        hp_media_line_ignore(&media->lines[0], "rtp", "malformed", record);
        return;
    }
    const hp_media_line *line = line_for(media, group, p.ssrc, p.pt);
    if (!line) {
        hp_media_line_ignore(&media->lines[0], "rtp", "no m-line", record);
    } else if (line->silent) {
        hp_media_line_ignore(line, "rtp", line->silent, record);
    } else {
        hp_media_track_rtp(line->track, now, data, len, record);
    }
}

static void transport_rtcp(void *user, hp_media_transport *t, hp_time now, const uint8_t *data, size_t len)
{
    hp_media_session *media = user;
    const hp_media_group *group = group_of(media, t);
    for (unsigned i = 0; i < media->n_lines; i++) {
        const hp_media_line *line = &media->lines[i];
        if (line->group == group && line->track && !line->silent) {
            hp_media_track_rtcp(line->track, now, data, len);
        }
    }
}

static void transport_data(void *user, hp_media_transport *t, hp_time now, const uint8_t *data, size_t len,
                           uint32_t record)
{
    hp_media_session *media = user;
    const hp_media_line *line = media->data_line;
    if (line && line->group == group_of(media, t) && !line->silent) {
        hp_channels_input(media->channels, now, data, len, record);
    } else {
        hp_media_line_ignore(&media->lines[0], "data", "no m-line", record);
    }
}

static void transport_keyed(void *user, hp_media_transport *t, hp_time now)
{
    hp_media_session *media = user;
    const hp_media_group *group = group_of(media, t);
    if (t != group->rtp) {
        return;
    }
    for (unsigned i = 0; i < media->n_lines; i++) {
        hp_media_line *line = &media->lines[i];
        if (line->group != group || line->silent) {
            continue;
        }
        if (line->track) {
            hp_media_track_update(line->track, now);
        } else if (line == media->data_line) {
            const hp_dtls *dtls = hp_media_transport_dtls(t);
            hp_channels_connected(media->channels, now, hp_dtls_get_role(dtls) == HP_DTLS_ACTIVE,
                                  hp_dtls_data_mtu(dtls));
        }
    }
}

static void transport_over(void *user, hp_media_transport *t, hp_time now, const char *reason)
{
    hp_media_session *media = user;
    const hp_media_group *group = group_of(media, t);
    if (t != group->rtp) {
        return;
    }
    for (unsigned i = 0; i < media->n_lines; i++) {
        hp_media_line *line = &media->lines[i];
        if (line->group != group) {
            continue;
        }
        if (line->track) {
            hp_media_track_stop(line->track, now);
        } else if (line == media->data_line) {
            hp_channels_disconnected(media->channels, now, reason);
        }
    }
}

const hp_media_transport_ops hp_media_dispatch_transport = {
    .send = transport_send,
    .rtp = transport_rtp,
    .rtcp = transport_rtcp,
    .data = transport_data,
    .keyed = transport_keyed,
    .over = transport_over,
};

/* ---- ops of the data channels ---- */

static void channels_send(void *user, hp_time now, const uint8_t *data, size_t len)
{
    const hp_media_session *media = user;
    hp_media_transport_send_data(media->data_line->group->rtp, now, data, len);
}

static void channels_wake(void *user)
{
    hp_media_session_reschedule(user);
}

const hp_channels_ops hp_media_dispatch_channels = {.send = channels_send, .wake = channels_wake};
