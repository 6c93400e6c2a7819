/* Theory of operation.
 *
 * A sender is one RTP stream and one RTCP participant. Its media schedule is in media_pace.c, its packets in
 * media_packet.c; here are its life and its RTCP: a sender report with a CNAME at every expiry of the timer of RFC 3550
 * section 6.3 (media_rtcp_timer.c), and what comes back: report blocks (loss, jitter, round trip), generic NACK, PLI
 * and FIR (RFC 4585 sections 6.2.1 and 6.3.1, RFC 5104 section 4.3.1).
 *
 * What is due at one instant goes out media first, so that a report counts the packet that left with it. A NACK is
 * answered at once, in the order of its sequence numbers. A PLI makes the next frame a key frame, unless the last one
 * is younger than key_spacing: then the first frame after that.
 *
 * A report's two timestamps are of the instant it is sent (section 6.4.1); before the first packet an RR is sent
 * instead.
 *
 * Limits: the RTX stream sends no reports of its own. No congestion control: the bit rate is what it is told. */
#include "engines/media_sender.h"

#include "engines/media_sender_private.h"
#include "wire/rtp.h"

void hp_sender_tell(hp_media_sender *s, hp_time now, const hp_media_event *event)
{
    if (!s->ops->event)
        return;
    hp_media_event told = *event;
    told.ssrc = s->ssrc;
    s->ops->event(s->user, now, &told);
}

hp_media_sender *hp_media_sender_new(const hp_media_config *config, const hp_rng *rng, const hp_media_sender_ops *ops,
                                     void *user, GError **error)
{
    hp_media_config resolved;
    if (!hp_media_config_resolve(config, &resolved, error))
        return NULL;
    hp_media_sender *s = g_new0(hp_media_sender, 1);
    s->config = resolved;
    s->rng = *rng;
    s->ops = ops;
    s->user = user;
    s->stats.round_trip = HP_NEVER;
    /* Always the same draws, so that setting one of them moves no other. The SSRC of the RTX stream must differ. */
    const hp_media_identity *id = &s->config.id;
    uint64_t ssrcs = hp_rng_u64(&s->rng), origins = hp_rng_u64(&s->rng);
    s->ssrc = id->ssrc_set ? id->ssrc : (uint32_t)ssrcs;
    s->rtx_ssrc = id->rtx_ssrc_set ? id->rtx_ssrc : (uint32_t)(ssrcs >> 32);
    if (s->rtx_ssrc == s->ssrc)
        s->rtx_ssrc++;
    s->first_sequence = id->sequence_set ? id->sequence : (uint16_t)origins;
    /* In the lower half: a receiver that misses a wrap before its first packet can never authenticate the stream. */
    s->next_rtx_sequence = (uint16_t)(origins >> 16) & 0x7fff;
    s->first_timestamp = id->timestamp_set ? id->timestamp : (uint32_t)(origins >> 32);
    hp_rng_bytes(&s->rng, s->filler, sizeof s->filler);
    if (s->config.kind == HP_MEDIA_VIDEO && s->config.video.nack) {
        s->history = g_new0(hp_sent_packet, s->config.video.history);
        s->history_mask = s->config.video.history - 1;
    }
    return s;
}

void hp_media_sender_free(hp_media_sender *s)
{
    if (!s)
        return;
    g_free(s->history);
    g_free(s);
}

uint32_t hp_media_sender_ssrc(const hp_media_sender *s)
{
    return s->ssrc;
}

uint32_t hp_media_sender_rtx_ssrc(const hp_media_sender *s)
{
    return s->rtx_ssrc;
}

const hp_media_sender_stats *hp_media_sender_get_stats(const hp_media_sender *s)
{
    return &s->stats;
}

/* SR or RR, and the CNAME. */
static size_t write_report(hp_media_sender *s, hp_time now, hp_rtcp_writer *w, uint8_t *out, size_t cap)
{
    hp_rtcp_report_block blocks[HP_RTCP_MAX_COUNT];
    size_t n_blocks = s->ops->blocks ? s->ops->blocks(s->user, now, blocks, G_N_ELEMENTS(blocks)) : 0;
    hp_rtcp_begin(w, out, cap);
    if (s->stats.packets > 0) {
        hp_rtcp_sender_info sr = {
            .ssrc = s->ssrc,
            .ntp = hp_ntp_from_time(now),
            .rtp_timestamp = hp_sender_timestamp(s, now),
            .packets = (uint32_t)s->stats.packets,
            .octets = (uint32_t)s->stats.octets,
        };
        hp_rtcp_add_sr(w, &sr, blocks, n_blocks);
    } else {
        hp_rtcp_add_rr(w, s->ssrc, blocks, n_blocks);
    }
    if (s->config.rtcp.cname[0] != '\0')
        hp_rtcp_add_cname(w, s->ssrc, s->config.rtcp.cname);
    return w->len;
}

static void report(hp_media_sender *s, hp_time now)
{
    uint8_t packet[HP_MEDIA_PACKET_MAX];
    hp_rtcp_writer w;
    write_report(s, now, &w, packet, sizeof packet);
    size_t len = hp_rtcp_finish(&w);
    g_assert(len > 0);
    s->stats.reports_sent++;
    hp_rtcp_timer_sent(&s->rtcp, now, len);
    hp_sender_tell(s, now, &(hp_media_event){.kind = HP_MEDIA_EV_REPORT_SENT, .count = (unsigned)len});
    s->ops->rtcp(s->user, now, packet, len);
}

void hp_media_sender_start(hp_media_sender *s, hp_time now)
{
    if (s->state != HP_SENDER_CREATED)
        return;
    s->state = HP_SENDER_RUNNING;
    s->origin = now;
    /* An SR without blocks, and a CNAME chunk with its padding. */
    size_t probable = 28 + (s->config.rtcp.cname[0] ? 4 + (4 + 2 + strlen(s->config.rtcp.cname) + 4) / 4 * 4 : 0);
    hp_rtcp_timer_init(&s->rtcp, &s->config.rtcp, &s->rng, now, probable);
    hp_sender_tell(s, now, &(hp_media_event){.kind = HP_MEDIA_EV_STARTED, .reason = "start"});
    hp_sender_pace_start(s, now);
}

void hp_media_sender_hold(hp_media_sender *s, hp_time now)
{
    if (s->state != HP_SENDER_RUNNING)
        return;
    s->state = HP_SENDER_HELD;
    hp_sender_pace_pause(s);
    hp_sender_tell(s, now, &(hp_media_event){.kind = HP_MEDIA_EV_STOPPED, .reason = "hold"});
}

void hp_media_sender_resume(hp_media_sender *s, hp_time now)
{
    if (s->state != HP_SENDER_HELD)
        return;
    s->state = HP_SENDER_RUNNING;
    hp_sender_tell(s, now, &(hp_media_event){.kind = HP_MEDIA_EV_STARTED, .reason = "resume"});
    hp_sender_pace_start(s, now);
}

void hp_media_sender_stop(hp_media_sender *s, hp_time now, const char *reason)
{
    hp_sender_state before = s->state;
    if (before == HP_SENDER_STOPPED)
        return;
    s->state = HP_SENDER_STOPPED;
    hp_sender_pace_pause(s);
    if (before == HP_SENDER_CREATED)
        return;
    hp_sender_tell(s, now, &(hp_media_event){.kind = HP_MEDIA_EV_STOPPED, .reason = "stop"});
    if ((s->stats.packets == 0 && s->stats.reports_sent == 0) || s->config.rtcp.off)
        return;
    uint8_t packet[HP_MEDIA_PACKET_MAX];
    hp_rtcp_writer w;
    write_report(s, now, &w, packet, sizeof packet);
    hp_rtcp_add_bye(&w, &s->ssrc, 1, reason);
    size_t len = hp_rtcp_finish(&w);
    if (len > 0)
        s->ops->rtcp(s->user, now, packet, len);
}

bool hp_media_sender_set_bitrate(hp_media_sender *s, hp_time now, uint32_t bitrate)
{
    if (s->config.kind != HP_MEDIA_VIDEO || bitrate == 0 || bitrate > 1000000000)
        return false;
    s->config.video.bitrate = bitrate;
    s->rate_tick = s->tick;
    s->rate_octets = 0;
    return true;
}

void hp_media_sender_request_key(hp_media_sender *s)
{
    if (s->key_wanted)
        return;
    s->key_wanted = true;
    s->key_reason = "request";
}

static void heard_block(hp_media_sender *s, hp_time now, const hp_rtcp_report_block *block)
{
    hp_time round_trip = HP_NEVER;
    if (hp_rtcp_round_trip(now, block, &round_trip))
        s->stats.round_trip = round_trip;
    s->stats.reports_heard++;
    hp_sender_tell(s, now,
                   &(hp_media_event){.kind = HP_MEDIA_EV_REPORT_HEARD,
                                     .fraction_lost = block->fraction_lost,
                                     .lost = block->cumulative_lost,
                                     .jitter = block->jitter,
                                     .span = round_trip});
}

static void heard_nack(hp_media_sender *s, hp_time now, const hp_rtcp_feedback *f)
{
    unsigned asked = 0, answered = 0;
    size_t cursor = 0;
    uint16_t sequence;
    s->stats.nacks++;
    while (hp_rtcp_nack_next(f, &cursor, &sequence)) {
        asked++;
        if (hp_sender_repeat(s, now, sequence)) {
            answered++;
        } else {
            s->stats.not_in_history++;
        }
    }
    hp_sender_tell(s, now, &(hp_media_event){.kind = HP_MEDIA_EV_NACK_HEARD, .count = asked, .answered = answered});
}

static void heard_picture_request(hp_media_sender *s, hp_time now)
{
    s->stats.plis++;
    hp_sender_tell(s, now, &(hp_media_event){.kind = HP_MEDIA_EV_PLI_HEARD});
    if (s->config.video.pli)
        hp_media_sender_request_key(s);
}

static void heard_feedback(hp_media_sender *s, hp_time now, const hp_rtcp_packet *p)
{
    hp_rtcp_feedback f;
    if (!hp_rtcp_read_feedback(p, &f)) {
        s->stats.malformed++;
        return;
    }
    hp_rtcp_timer_heard(&s->rtcp, now, f.sender_ssrc, false);
    if (s->config.kind != HP_MEDIA_VIDEO)
        return;
    if (hp_rtcp_is_nack(&f) && f.media_ssrc == s->ssrc) {
        heard_nack(s, now, &f);
    } else if (hp_rtcp_is_pli(&f) && f.media_ssrc == s->ssrc) {
        heard_picture_request(s, now);
    } else if (hp_rtcp_is_fir(&f)) {
        size_t cursor = 0;
        uint32_t ssrc;
        uint8_t command;
        while (hp_rtcp_fir_next(&f, &cursor, &ssrc, &command)) {
            /* A command number that was seen is a repetition (RFC 5104 section 4.3.1.1). */
            if (ssrc != s->ssrc || (s->fir_seen && command == s->fir_command))
                continue;
            s->fir_seen = true;
            s->fir_command = command;
            heard_picture_request(s, now);
        }
    }
}

static void heard_report(hp_media_sender *s, hp_time now, const hp_rtcp_packet *p)
{
    hp_rtcp_sender_info sr;
    uint32_t ssrc;
    if (hp_rtcp_read_sr(p, &sr)) {
        ssrc = sr.ssrc;
    } else if (!hp_rtcp_read_rr(p, &ssrc)) {
        s->stats.malformed++;
        return;
    }
    hp_rtcp_timer_heard(&s->rtcp, now, ssrc, false);
    hp_rtcp_report_block block;
    for (unsigned i = 0; hp_rtcp_read_block(p, i, &block); i++) {
        if (block.ssrc == s->ssrc)
            heard_block(s, now, &block);
    }
}

void hp_media_sender_rtcp(hp_media_sender *s, hp_time now, const uint8_t *data, size_t len)
{
    hp_rtcp_datagram datagram;
    if (s->state == HP_SENDER_CREATED || s->state == HP_SENDER_STOPPED)
        return;
    if (!hp_rtcp_parse(data, len, &datagram)) {
        s->stats.malformed++;
        return;
    }
    if (datagram.is_compound)
        hp_rtcp_timer_heard_size(&s->rtcp, len);
    hp_rtcp_packet p;
    size_t cursor = 0;
    while (hp_rtcp_next(&datagram, &cursor, &p)) {
        uint32_t gone;
        switch (p.type) {
        case HP_RTCP_SR:
        case HP_RTCP_RR:
            heard_report(s, now, &p);
            break;
        case HP_RTCP_RTPFB:
        case HP_RTCP_PSFB:
            heard_feedback(s, now, &p);
            break;
        case HP_RTCP_BYE:
            for (unsigned i = 0; hp_rtcp_read_bye(&p, i, &gone); i++)
                hp_rtcp_timer_bye(&s->rtcp, now, gone);
            break;
        default: /* a number from the wire: others say nothing to a sender */
            break;
        }
    }
}

hp_time hp_media_sender_deadline(const hp_media_sender *s)
{
    switch (s->state) {
    case HP_SENDER_CREATED:
    case HP_SENDER_STOPPED:
        return HP_NEVER;
    case HP_SENDER_HELD:
        return s->rtcp.tn;
    case HP_SENDER_RUNNING:
        return MIN(s->rtcp.tn, hp_sender_pace_deadline(s));
    }
    g_assert_not_reached();
}

void hp_media_sender_run(hp_media_sender *s, hp_time now)
{
    for (hp_time due = hp_media_sender_deadline(s); due <= now; due = hp_media_sender_deadline(s)) {
        if (s->state == HP_SENDER_RUNNING && hp_sender_pace_deadline(s) == due) {
            hp_sender_pace_step(s, now);
        } else if (hp_rtcp_timer_expire(&s->rtcp, now)) {
            report(s, now);
        }
    }
}
