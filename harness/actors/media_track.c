/* Theory of operation.
 *
 * A track is an m-line's sender and receiver, one RTP participant under one SSRC: the sender's reports carry the
 * receiver's blocks, and RTCP that comes in goes to both, since each passes over what names another SSRC. A recording
 * is no participant of its own; there the receiver reports (no sender reports then, and so no round trip), and report
 * blocks on the recording are read here.
 *
 *   made:     the SSRC is known and described; engines as this side would have them
 *   agreed:   both descriptions are known: engines as agreed. Made again, which changes no draw of theirs: each begins
 *             with the same copy of its random stream
 *   started:  keys and a path are there. Sending as far as both directions allow (RFC 3264 section 5.1), else held; a
 *             held sender goes on reporting
 *   stopped:  for good: the session or the association is over; or, where keys stand in the descriptions and nothing
 *             else tells, the other side said BYE
 *
 * Payload types: a side is sent what its own description says (RFC 3264 section 5.1). An answer of ours repeats the
 * offer's, so that both ways have the same.
 *
 * The first sequence number is below 2^15 unless the configuration has another: a stream whose first packets are lost
 * across a wrap could never be authenticated (RFC 3711 section 3.3.1).
 *
 * A recording that is on hold stands still, and goes on where it stood. Its packets have the payload type agreed on;
 * recorded in a static payload type of 8 kHz, that is the clock that is offered. Where an offer insists on another
 * clock nothing is sent, since timestamps would lie.
 *
 * Limits: video cannot have a payload type of 0 (its engines take 0 for the default), one codec an m-line, and where
 * the other side tells no packet time or frame rate, they are taken to be this side's. */
#include <string.h>

#include "actors/media_private.h"
#include "wire/rtp.h"

/* ---- ops of the engines ---- */

static hp_media_transport *rtcp_transport(const hp_media_track *track)
{
    const hp_media_group *group = track->line->group;
    return group->rtcp ? group->rtcp : group->rtp;
}

static void send_rtp(void *user, hp_time now, const uint8_t *data, size_t len)
{
    hp_media_track *track = user;
    bool taken = hp_media_transport_send_rtp(track->line->group->rtp, data, len);
    hp_media_track_trace_sent(track, now, data, len, taken);
}

static void send_rtcp(void *user, hp_time now, const uint8_t *data, size_t len)
{
    hp_media_transport_send_rtcp(rtcp_transport(user), data, len);
}

static size_t take_blocks(void *user, hp_time now, hp_rtcp_report_block *ret, size_t cap)
{
    const hp_media_track *track = user;
    return hp_media_receiver_blocks(track->receiver, now, ret, cap);
}

static const hp_media_sender_ops sender_ops = {
    .rtp = send_rtp, .rtcp = send_rtcp, .event = hp_media_track_on_sender, .blocks = take_blocks};
static const hp_media_receiver_ops receiver_ops = {
    .rtcp = send_rtcp, .event = hp_media_track_on_receiver, .packet = hp_media_track_on_packet};

/* ---- making ---- */

/* Engines for in and out. */
static bool make_engines(hp_media_track *track, GError **error)
{
    g_clear_pointer(&track->sender, hp_media_sender_free);
    g_clear_pointer(&track->source, hp_media_source_free);
    g_clear_pointer(&track->receiver, hp_media_receiver_free);
    if (track->replay) {
        hp_media_source_config config = {
            .id = track->out.id,
            .pt_set = true,
            .pt = track->kind == HP_MEDIA_AUDIO ? track->out.audio.pt : track->out.video.pt,
            .loop = track->line->media->config->replay_loop[track->kind],
        };
        track->source = hp_media_source_new(track->replay, track->n_replay, &config, &track->sender_rng, error);
        if (!track->source) {
            return false;
        }
        track->ssrc = hp_media_source_ssrc(track->source);
    } else {
        track->sender = hp_media_sender_new(&track->out, &track->sender_rng, &sender_ops, track, error);
        if (!track->sender) {
            return false;
        }
        track->ssrc = hp_media_sender_ssrc(track->sender);
        bool rtx = track->kind == HP_MEDIA_VIDEO && track->out.video.nack && track->out.video.rtx;
        track->rtx_ssrc = rtx ? hp_media_sender_rtx_ssrc(track->sender) : 0;
    }
    hp_media_config in = track->in;
    in.id.ssrc_set = true;
    in.id.ssrc = track->ssrc;
    in.rtcp.off = track->sender || track->config.rtcp.off;
    track->receiver = hp_media_receiver_new(&in, &track->receiver_rng, hp_world_now(track->line->media->world),
                                            &receiver_ops, track, error);
    return track->receiver != NULL;
}

/* What the recording's payload type stands for, if that is fixed (RFC 3551): our offers then say so. */
static void take_recorded_type(const hp_media_track *track, hp_audio_config *config)
{
    const char *codec;
    uint32_t clock;
    for (size_t i = 0; i < track->n_replay && !config->pt_set; i++) {
        hp_rtp_packet p;
        if (hp_rtp_parse(track->replay[i].data, track->replay[i].len, &p) && (p.pt < 64 || p.pt > 95)) {
            if (hp_sdp_static_type(p.pt, &codec, &clock)) {
                config->pt = p.pt;
                config->pt_set = true;
            }
            break;
        }
    }
    if (config->pt_set && config->clock == 0 && hp_sdp_static_type(config->pt, &codec, &clock)) {
        config->clock = clock;
    }
}

static void draw_stream(const hp_media_line *line, const char *what, hp_rng *ret)
{
    const hp_media_session *media = line->media;
    g_autofree char *name = g_strdup_printf("media:%s/%" G_GUINT64_FORMAT "/%u%s", media->peer->name,
                                            media->session->number, line->index, what);
    hp_world_rng(media->world, name, ret);
}

hp_media_track *hp_media_track_new(hp_media_line *line, GError **error)
{
    const hp_media_session *media = line->media;
    hp_media_track *track = g_new0(hp_media_track, 1);
    track->line = line;
    track->kind = line->kind == HP_SDP_AUDIO ? HP_MEDIA_AUDIO : HP_MEDIA_VIDEO;
    track->listening = true;
    track->replay = media->peer->config.replay[track->kind];
    track->n_replay = media->peer->config.n_replay[track->kind];
    hp_rng sequence;
    draw_stream(line, "", &track->sender_rng);
    draw_stream(line, "/receiver", &track->receiver_rng);
    draw_stream(line, "/sequence", &sequence);
    hp_media_config config = media->config->track[track->kind];
    config.kind = track->kind;
    if (!config.id.sequence_set) {
        config.id.sequence_set = true;
        config.id.sequence = (uint16_t)hp_rng_below(&sequence, 0x8000);
    }
    if (track->kind == HP_MEDIA_AUDIO) {
        take_recorded_type(track, &config.audio);
    }
    if (config.rtcp.cname[0] == '\0') {
        g_strlcpy(config.rtcp.cname, media->peer->name, sizeof config.rtcp.cname);
    }
    track->first_sequence = config.id.sequence;
    track->highest = (int64_t)track->first_sequence - 1;
    if (!hp_media_config_resolve(&config, &track->config, error)) {
        hp_media_track_free(track);
        return NULL;
    }
    track->in = track->out = track->config;
    if (!make_engines(track, error)) {
        hp_media_track_free(track);
        return NULL;
    }
    return track;
}

void hp_media_track_free(hp_media_track *track)
{
    if (!track) {
        return;
    }
    hp_media_sender_free(track->sender);
    hp_media_source_free(track->source);
    hp_media_receiver_free(track->receiver);
    g_free(track->codec);
    g_free(track);
}

/* ---- descriptions ---- */

static const char *own_codec(const hp_media_track *track, unsigned *ret_channels)
{
    *ret_channels = 0;
    if (track->kind == HP_MEDIA_VIDEO) {
        return "VP8";
    }
    const char *codec;
    uint32_t clock;
    if (hp_sdp_static_type(track->config.audio.pt, &codec, &clock) && clock == track->config.audio.clock) {
        return codec;
    }
    switch (track->config.audio.clock) {
    case 48000:
        *ret_channels = 2;
        return "opus";
    case 8000:
        return "PCMU";
    default: /* any number */
        return "L16";
    }
}

void hp_media_track_describe(const hp_media_track *track, hp_sdp_section *section)
{
    const hp_media_config *config = &track->in;
    unsigned channels = track->channels;
    const char *codec = track->agreed ? track->codec : own_codec(track, &channels);
    g_free(section->codec);
    section->codec = g_strdup(codec);
    section->channels = channels;
    section->clock = hp_media_clock(config);
    if (track->kind == HP_MEDIA_AUDIO) {
        section->pt = config->audio.pt;
        section->ptime = track->out.audio.ptime / HP_US * HP_US;
    } else {
        section->framerate = track->out.video.fps;
        section->pt = config->video.pt;
        section->nack = config->video.nack;
        section->pli = config->video.pli;
        section->rtx_pt = config->video.nack && config->video.rtx ? config->video.rtx_pt : 0;
    }
    section->rtcp_rsize = config->rtcp.reduced_size;
    section->has_ssrc = true;
    section->ssrc = track->ssrc;
    section->rtx_ssrc = track->rtx_ssrc;
    g_free(section->cname);
    section->cname = track->config.rtcp.cname[0] != '\0' ? g_strdup(track->config.rtcp.cname) : NULL;
}

/* Whether an answer has the codec that was offered: our own, or what an earlier offer of the other side brought. */
static bool same_codec(const hp_media_track *track, const hp_sdp_section *remote)
{
    unsigned channels;
    const char *offered = track->agreed ? track->codec : own_codec(track, &channels);
    return g_ascii_strcasecmp(remote->codec, offered) == 0 && remote->clock == hp_media_clock(&track->in);
}

static void agree_on_video(const hp_media_track *track, const hp_sdp_section *remote, bool remote_offers,
                           hp_video_config *in, hp_video_config *out)
{
    const hp_video_config *own = &track->config.video;
    in->nack = out->nack = own->nack && remote->nack;
    in->rtx = out->rtx = own->rtx && in->nack && remote->rtx_pt != 0;
    in->pli = out->pli = own->pli && remote->pli;
    out->pt = remote->pt;
    in->pt = remote_offers ? remote->pt : track->in.video.pt;
    if (out->rtx) {
        out->rtx_pt = remote->rtx_pt;
        in->rtx_pt = remote_offers ? remote->rtx_pt : track->in.video.rtx_pt;
    }
    in->clock = out->clock = remote->clock;
    in->fps = remote->framerate > 0 && remote->framerate <= 1000 ? remote->framerate : in->fps;
}

const char *hp_media_track_agree(hp_media_track *track, const hp_sdp_section *remote, bool remote_offers)
{
    if (track->started) {
        return NULL; /* what runs is not changed; directions are the session's business */
    }
    if (!remote->codec || remote->clock == 0 || (!remote_offers && !same_codec(track, remote))) {
        return "no codec in common";
    }
    hp_media_config in = track->config, out = track->config;
    if (track->kind == HP_MEDIA_AUDIO) {
        out.audio.pt = remote->pt;
        in.audio.pt = remote_offers ? remote->pt : track->in.audio.pt;
        in.audio.pt_set = out.audio.pt_set = true;
        in.audio.clock = out.audio.clock = remote->clock;
        in.audio.ptime = remote->ptime >= HP_MS ? remote->ptime : in.audio.ptime;
    } else {
        agree_on_video(track, remote, remote_offers, &in.video, &out.video);
    }
    in.rtcp.reduced_size = track->config.rtcp.reduced_size && remote->rtcp_rsize;
    hp_media_config in_before = track->in, out_before = track->out;
    track->in = in;
    track->out = out;
    if (!make_engines(track, NULL)) {
        track->in = in_before;
        track->out = out_before;
        if (!make_engines(track, NULL)) {
            g_error("media engines that could be made cannot be made again");
        }
        return "no codec in common";
    }
    g_free(track->codec);
    track->codec = g_strdup(remote->codec);
    track->channels = remote->channels;
    track->mismatched = track->source && remote->clock != hp_media_clock(&track->config);
    track->remote_has_ssrc = remote->has_ssrc;
    track->remote_ssrc = remote->ssrc;
    track->remote_rtx_ssrc = remote->rtx_ssrc;
    track->agreed = true;
    return NULL;
}

/* ---- life ---- */

static void start(hp_media_track *track, hp_time now)
{
    hp_media_session *media = track->line->media;
    track->started = true;
    track->sending = true;
    track->number = hp_media_hub_add_track(media->hub, media->peer->name, hp_media_session_with(media),
                                           track->line->group->stream, track->ssrc, track->rtx_ssrc);
    hp_media_track_trace_start(track);
    if (track->sender) {
        hp_media_sender_start(track->sender, now);
    } else {
        hp_media_source_start(track->source, now);
        hp_media_track_trace_state(track, "started");
    }
}

static void set_sending(hp_media_track *track, hp_time now, bool on)
{
    if (track->sending == on) {
        return;
    }
    track->sending = on;
    if (track->sender && on) {
        hp_media_sender_resume(track->sender, now);
    } else if (track->sender) {
        hp_media_sender_hold(track->sender, now);
    } else if (on) {
        track->source_shift += now - track->source_stood;
        hp_media_track_trace_state(track, "resumed");
    } else {
        track->source_stood = now;
        hp_media_track_trace_state(track, "held");
    }
}

void hp_media_track_update(hp_media_track *track, hp_time now)
{
    const hp_media_line *line = track->line;
    if (track->stopped || line->silent || !track->agreed || !hp_media_transport_is_keyed(line->group->rtp)) {
        return;
    }
    if (!track->started) {
        start(track, now);
    }
    bool remote_hears = line->remote == HP_SDP_SENDRECV || line->remote == HP_SDP_RECVONLY;
    bool remote_speaks = line->remote == HP_SDP_SENDRECV || line->remote == HP_SDP_SENDONLY;
    set_sending(track, now, !line->held && remote_hears && !track->mismatched);
    bool listening = !line->held && remote_speaks;
    if (listening != track->listening) {
        track->listening = listening;
        hp_media_receiver_hold(track->receiver, now, !listening);
    }
}

bool hp_media_track_set_bitrate(hp_media_track *track, hp_time now, uint32_t bitrate)
{
    if (!track->sender || track->stopped || !hp_media_sender_set_bitrate(track->sender, now, bitrate)) {
        return false;
    }
    track->config.video.bitrate = track->in.video.bitrate = track->out.video.bitrate = bitrate;
    return true;
}

/* A recording's BYE, as the last thing of the receiver that reports for it (RFC 3550 section 6.6). */
static void say_bye(hp_media_track *track, hp_time now)
{
    uint8_t packet[HP_MEDIA_PACKET_MAX];
    hp_rtcp_report_block blocks[HP_MEDIA_MAX_STREAMS];
    hp_rtcp_writer w;
    size_t n = hp_media_receiver_blocks(track->receiver, now, blocks, G_N_ELEMENTS(blocks));
    hp_rtcp_begin(&w, packet, sizeof packet);
    hp_rtcp_add_rr(&w, track->ssrc, blocks, n);
    if (track->config.rtcp.cname[0] != '\0') {
        hp_rtcp_add_cname(&w, track->ssrc, track->config.rtcp.cname);
    }
    hp_rtcp_add_bye(&w, &track->ssrc, 1, NULL);
    size_t len = hp_rtcp_finish(&w);
    if (len > 0) {
        send_rtcp(track, now, packet, len);
    }
}

void hp_media_track_stop(hp_media_track *track, hp_time now)
{
    if (track->stopped) {
        return;
    }
    track->stopped = true;
    track->sending = false;
    if (track->started && track->sender) {
        hp_media_sender_stop(track->sender, now, NULL);
    } else if (track->started) {
        hp_media_track_trace_state(track, "stopped");
        if (!track->config.rtcp.off) {
            say_bye(track, now);
        }
    }
}

void hp_media_track_finish(hp_media_track *track, hp_time now)
{
    track->ending = true;
    hp_media_receiver_finish(track->receiver, now);
}

/* ---- what comes in ---- */

bool hp_media_track_is_ssrc(const hp_media_track *track, uint32_t ssrc)
{
    return track->remote_has_ssrc &&
           (ssrc == track->remote_ssrc || (track->remote_rtx_ssrc != 0 && ssrc == track->remote_rtx_ssrc));
}

bool hp_media_track_is_pt(const hp_media_track *track, uint8_t pt)
{
    const hp_video_config *v = &track->in.video;
    return track->kind == HP_MEDIA_AUDIO ? pt == track->in.audio.pt
                                         : pt == v->pt || (v->nack && v->rtx && pt == v->rtx_pt);
}

void hp_media_track_rtp(hp_media_track *track, hp_time now, const uint8_t *data, size_t len, uint32_t record)
{
    hp_media_receiver_stats before = hp_media_receiver_get_stats(track->receiver);
    track->record = record;
    track->taken = false;
    hp_media_receiver_rtp(track->receiver, now, data, len);
    track->record = 0;
    if (track->taken) {
        return;
    }
    hp_media_receiver_stats after = hp_media_receiver_get_stats(track->receiver);
    const char *reason = after.unknown_pt != before.unknown_pt ? "unknown payload type"
                         : after.stray_rtx != before.stray_rtx ? "stray retransmission"
                         : after.malformed != before.malformed ? "malformed"
                                                               : "too many sources";
    hp_media_line_ignore(track->line, "rtp", reason, record);
}

/* What the other side reports of a recording. */
static void read_reports(const hp_media_track *track, const uint8_t *data, size_t len)
{
    hp_rtcp_datagram datagram;
    hp_rtcp_packet p;
    size_t cursor = 0;
    if (!hp_rtcp_parse(data, len, &datagram)) {
        return;
    }
    while (hp_rtcp_next(&datagram, &cursor, &p)) {
        hp_rtcp_report_block block;
        for (unsigned i = 0; hp_rtcp_read_block(&p, i, &block); i++) {
            if (block.ssrc == track->ssrc) {
                hp_media_track_trace_report(track, block.fraction_lost, block.cumulative_lost, block.jitter, HP_NEVER);
            }
        }
    }
}

void hp_media_track_rtcp(hp_media_track *track, hp_time now, const uint8_t *data, size_t len)
{
    if (track->sender) {
        hp_media_sender_rtcp(track->sender, now, data, len);
        hp_time round_trip = hp_media_sender_get_stats(track->sender)->round_trip;
        if (round_trip != HP_NEVER) {
            hp_media_receiver_set_round_trip(track->receiver, round_trip);
        }
    } else if (track->started) {
        read_reports(track, data, len);
    }
    hp_media_receiver_rtcp(track->receiver, now, data, len);
    if (track->left && track->line->media->config->secure.keying == HP_KEYING_SDES) {
        hp_media_track_stop(track, now);
    }
}

/* ---- time ---- */

static hp_time source_deadline(const hp_media_track *track)
{
    return track->source && track->sending ? hp_time_add(hp_media_source_deadline(track->source), track->source_shift)
                                           : HP_NEVER;
}

hp_time hp_media_track_deadline(const hp_media_track *track)
{
    hp_time sender = track->sender ? hp_media_sender_deadline(track->sender) : source_deadline(track);
    return MIN(sender, hp_media_receiver_deadline(track->receiver));
}

static void run_source(hp_media_track *track, hp_time now)
{
    while (source_deadline(track) <= now) {
        uint8_t packet[HP_MEDIA_PACKET_MAX];
        size_t len = hp_media_source_next(track->source, now - track->source_shift, packet, sizeof packet);
        if (len > 0) { /* else too long for us: it is passed over */
            send_rtp(track, now, packet, len);
        }
    }
}

void hp_media_track_run(hp_media_track *track, hp_time now)
{
    if (track->sender) {
        hp_media_sender_run(track->sender, now);
    } else {
        run_source(track, now);
    }
    hp_media_receiver_run(track->receiver, now);
}
