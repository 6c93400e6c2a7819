/* Theory of operation: what the engines of a track tell becomes events and media records.
 *
 * A packet is one record where it is sent and one where it arrives, with the same number of track and packet. The
 * sender numbers its packets from the first sequence number on, without wraps; made-up media carries that number, so
 * that the receiver knows it whatever was lost. Of a recording the receiver begins with the first packet it hears:
 * should all packets before a wrap be lost, the two differ by 65536.
 *
 * What arrives belongs to the track that the other side sends under that SSRC. Under an SSRC of nobody it is track 0;
 * but a foreign program tells nobody of its tracks, and there the first packet heard makes one, of which no packet that
 * was sent is known. */
#include "actors/media_private.h"
#include "engines/media_mark.h"
#include "wire/rtp.h"
#include "wire/rtp_sequence.h"

static hp_trace *trace_of(const hp_media_track *track)
{
    return hp_world_trace(track->line->media->world);
}

void hp_media_track_trace_start(const hp_media_track *track)
{
    const hp_media_session *media = track->line->media;
    bool audio = track->kind == HP_MEDIA_AUDIO;
    HP_MEDIA_TRACE(media, HP_EV_MEDIA_TRACK, HP_FU("track", track->number), HP_FU("session", media->session->number),
                   HP_FS("to", hp_media_session_with(media)), HP_FS("media", hp_media_kind_name(track->kind)),
                   HP_FU("ssrc", track->ssrc), HP_FU("rtx-ssrc", track->rtx_ssrc),
                   HP_FU("pt", audio ? track->out.audio.pt : track->out.video.pt),
                   HP_FU("clock", hp_media_clock(&track->out)), HP_FT("ptime", audio ? track->out.audio.ptime : 0),
                   HP_FU("sequence", track->first_sequence), HP_FS("source", track->source ? "replay" : "made-up"));
}

void hp_media_track_trace_state(const hp_media_track *track, const char *state)
{
    HP_MEDIA_TRACE(track->line->media, HP_EV_MEDIA_STATE, HP_FU("track", track->number), HP_FS("state", state),
                   HP_FU("sent", track->n_sent));
}

void hp_media_track_trace_report(const hp_media_track *track, uint8_t fraction_lost, int32_t lost, uint32_t jitter,
                                 hp_time round_trip)
{
    HP_MEDIA_TRACE(track->line->media, HP_EV_MEDIA_REPORT, HP_FU("track", track->number),
                   HP_FU("fraction-lost", fraction_lost), HP_FI("lost", lost),
                   HP_FT("jitter", hp_rtp_span(jitter, hp_media_clock(&track->out))),
                   HP_FT("round-trip", round_trip == HP_NEVER ? 0 : round_trip));
}

/* ---- packets ---- */

void hp_media_track_trace_sent(hp_media_track *track, hp_time now, const uint8_t *data, size_t len, bool taken)
{
    hp_rtp_packet p;
    if (!hp_rtp_parse(data, len, &p)) {
        return;
    }
    hp_media_record record = {.kind = HP_MEDIA_SENT,
                              .flags = taken ? 0 : HP_MEDIA_F_REFUSED,
                              .track = track->number,
                              .size = (uint32_t)p.payload_len};
    uint16_t original;
    int64_t number = hp_rtp_extend(track->highest, p.sequence);
    if (p.ssrc != track->ssrc) {
        if (!hp_rtx_read(&p, &original, NULL, NULL)) {
            return;
        }
        number = hp_rtp_extend(track->highest, original);
        record.flags |= HP_MEDIA_F_RTX;
        record.size -= HP_RTX_OSN;
    } else if (number > track->highest) {
        track->highest = number;
    } else if (track->sender) {
        record.flags |= HP_MEDIA_F_RTX;
    }
    if (!(record.flags & HP_MEDIA_F_RTX)) {
        track->n_sent++;
    }
    record.sequence = (uint32_t)number;
    hp_trace_media(trace_of(track), now, &record);
}

/* The track of a foreign program: told in its name. */
static unsigned add_foreign(const hp_media_track *track, uint32_t ssrc)
{
    const hp_media_session *media = track->line->media;
    const char *from = hp_media_session_with(media);
    bool audio = track->kind == HP_MEDIA_AUDIO;
    bool described = track->remote_has_ssrc && (ssrc == track->remote_ssrc || ssrc == track->remote_rtx_ssrc);
    uint32_t own = described ? track->remote_ssrc : ssrc, rtx = described ? track->remote_rtx_ssrc : 0;
    unsigned number = hp_media_hub_add_track(media->hub, from, media->peer->name, track->line->group->stream, own, rtx);
    hp_trace_event(hp_world_trace(media->world), hp_world_now(media->world), HP_EV_MEDIA_TRACK, from,
                   HP_FU("track", number), HP_FU("session", 0), HP_FS("to", media->peer->name),
                   HP_FS("media", hp_media_kind_name(track->kind)), HP_FU("ssrc", own), HP_FU("rtx-ssrc", rtx),
                   HP_FU("pt", audio ? track->in.audio.pt : track->in.video.pt),
                   HP_FU("clock", hp_media_clock(&track->in)), HP_FT("ptime", audio ? track->in.audio.ptime : 0),
                   HP_FU("sequence", 0), HP_FS("source", "foreign"));
    return number;
}

unsigned hp_media_track_heard(hp_media_track *track, uint32_t ssrc)
{
    const hp_media_session *media = track->line->media;
    unsigned n = hp_media_hub_n_tracks(media->hub);
    if (track->heard_of != n || track->heard_ssrc != ssrc) {
        track->heard_ssrc = ssrc;
        track->heard_of = n;
        track->heard_number = hp_media_hub_find_track(media->hub, hp_media_session_with(media), media->peer->name,
                                                      track->line->group->stream, ssrc);
        if (track->heard_number == 0 && hp_media_hub_is_foreign(media->hub, hp_media_session_with(media))) {
            track->heard_number = add_foreign(track, ssrc);
        }
    }
    return track->heard_number;
}

void hp_media_track_on_packet(void *user, hp_time now, const hp_media_arrival *arrival)
{
    hp_media_track *track = user;
    bool timed = arrival->mouth_to_ear != HP_NEVER;
    unsigned flags = (arrival->rtx ? HP_MEDIA_F_RTX : 0) | (arrival->useless ? HP_MEDIA_F_USELESS : 0) |
                     (arrival->duplicate ? HP_MEDIA_F_DUPLICATE : 0) | (arrival->reordered ? HP_MEDIA_F_REORDERED : 0) |
                     (arrival->late ? HP_MEDIA_F_LATE : 0) | (arrival->discarded ? HP_MEDIA_F_DISCARDED : 0) |
                     (timed ? HP_MEDIA_F_TIMED : 0);
    hp_media_record record = {.kind = HP_MEDIA_RECEIVED,
                              .flags = (uint16_t)flags,
                              .track = hp_media_track_heard(track, arrival->ssrc),
                              .sequence = arrival->sequence,
                              .size = arrival->octets,
                              .packet = track->record,
                              .jitter = arrival->jitter,
                              .span = timed ? arrival->mouth_to_ear : 0};
    track->taken = true;
    hp_trace_media(trace_of(track), now, &record);
}

static void trace_frame(hp_media_track *track, hp_time now, const hp_media_event *event)
{
    bool timed = event->span != HP_NEVER;
    hp_media_record record = {.kind = HP_MEDIA_FRAME,
                              .flags = (uint16_t)((event->key ? HP_MEDIA_F_KEY : 0) | (timed ? HP_MEDIA_F_TIMED : 0)),
                              .track = hp_media_track_heard(track, event->ssrc),
                              .sequence = event->frame,
                              .packet = track->record,
                              .span = timed ? event->span : 0};
    hp_trace_media(trace_of(track), now, &record);
}

/* ---- events ---- */

void hp_media_track_on_sender(void *user, hp_time now, const hp_media_event *event)
{
    const hp_media_track *track = user;
    switch (event->kind) {
    case HP_MEDIA_EV_STARTED:
        hp_media_track_trace_state(track, g_str_equal(event->reason, "start") ? "started" : "resumed");
        return;
    case HP_MEDIA_EV_STOPPED:
        hp_media_track_trace_state(track, g_str_equal(event->reason, "hold") ? "held" : "stopped");
        return;
    case HP_MEDIA_EV_KEY_FRAME:
        HP_MEDIA_TRACE(track->line->media, HP_EV_MEDIA_KEY_FRAME, HP_FU("track", track->number),
                       HP_FU("frame", event->frame), HP_FU("packets", event->count), HP_FS("reason", event->reason));
        return;
    case HP_MEDIA_EV_REPORT_HEARD:
        hp_media_track_trace_report(track, event->fraction_lost, event->lost, event->jitter, event->span);
        return;
    case HP_MEDIA_EV_TALK:
    case HP_MEDIA_EV_SILENCE:
    case HP_MEDIA_EV_NACK_HEARD:
    case HP_MEDIA_EV_PLI_HEARD:
    case HP_MEDIA_EV_REPORT_SENT:
    case HP_MEDIA_EV_STREAM:
    case HP_MEDIA_EV_FIRST_FRAME:
    case HP_MEDIA_EV_FRAME:
    case HP_MEDIA_EV_FRAME_LOST:
    case HP_MEDIA_EV_FREEZE:
    case HP_MEDIA_EV_NACK:
    case HP_MEDIA_EV_PLI:
    case HP_MEDIA_EV_SENDER_REPORT:
    case HP_MEDIA_EV_RESTART:
    case HP_MEDIA_EV_BYE:
    case HP_MEDIA_EV_N:
        return; /* seen at the other end, or in the packets */
    }
}

static void trace_first(hp_media_track *track, const hp_media_event *event, const char *what)
{
    const hp_media_session *media = track->line->media;
    HP_MEDIA_TRACE(media, HP_EV_MEDIA_FIRST, HP_FU("track", hp_media_track_heard(track, event->ssrc)),
                   HP_FS("media", hp_media_kind_name(track->kind)), HP_FS("from", hp_media_session_with(media)),
                   HP_FS("what", what), HP_FU("packet", track->record));
}

static void trace_feedback(hp_media_track *track, const hp_media_event *event, const char *what, unsigned count)
{
    HP_MEDIA_TRACE(track->line->media, HP_EV_MEDIA_FEEDBACK, HP_FU("track", hp_media_track_heard(track, event->ssrc)),
                   HP_FS("what", what), HP_FU("count", count));
}

void hp_media_track_on_receiver(void *user, hp_time now, const hp_media_event *event)
{
    hp_media_track *track = user;
    const hp_media_session *media = track->line->media;
    switch (event->kind) {
    case HP_MEDIA_EV_STREAM:
        trace_first(track, event, "packet");
        return;
    case HP_MEDIA_EV_FIRST_FRAME:
        trace_first(track, event, "frame");
        return;
    case HP_MEDIA_EV_FRAME:
        trace_frame(track, now, event);
        return;
    case HP_MEDIA_EV_FRAME_LOST:
        if (!track->ending) { /* a frame that the end of the call cuts off is not lost */
            HP_MEDIA_TRACE(media, HP_EV_MEDIA_FRAME_LOST, HP_FU("track", hp_media_track_heard(track, event->ssrc)),
                           HP_FU("frame", event->frame), HP_FS("reason", event->reason));
        }
        return;
    case HP_MEDIA_EV_FREEZE:
        HP_MEDIA_TRACE(media, HP_EV_MEDIA_FREEZE, HP_FU("track", hp_media_track_heard(track, event->ssrc)),
                       HP_FT("duration", event->span));
        return;
    case HP_MEDIA_EV_NACK:
        trace_feedback(track, event, "nack", event->count);
        return;
    case HP_MEDIA_EV_PLI:
        trace_feedback(track, event, "pli", 1);
        return;
    case HP_MEDIA_EV_BYE:
        track->left = true;
        return;
    case HP_MEDIA_EV_STARTED:
    case HP_MEDIA_EV_STOPPED:
    case HP_MEDIA_EV_TALK:
    case HP_MEDIA_EV_SILENCE:
    case HP_MEDIA_EV_KEY_FRAME:
    case HP_MEDIA_EV_NACK_HEARD:
    case HP_MEDIA_EV_PLI_HEARD:
    case HP_MEDIA_EV_REPORT_HEARD:
    case HP_MEDIA_EV_REPORT_SENT:
    case HP_MEDIA_EV_SENDER_REPORT:
    case HP_MEDIA_EV_RESTART:
    case HP_MEDIA_EV_N:
        return; /* seen at the other end, or in the packets */
    }
}
