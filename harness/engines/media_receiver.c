/* Theory of operation.
 *
 * Packets are told apart by payload type (media, retransmission, anything else) and SSRC. A retransmission belongs to
 * the stream that misses its original; once it has repaired one, its SSRC is bound to that stream (RFC 4588 section
 * 5.3).
 *
 * Every input ends with the same service: gaps waited for too long are given up, pictures are shown, what is missing
 * and due is asked for (generic NACK), a key frame is asked for when nothing can be shown without one (PLI). NACK and
 * PLI of one service leave in one datagram for each stream, alone (RFC 5506) or behind a report as RFC 4585 section 3.1
 * has it.
 *
 * Reports follow the timer of RFC 3550 section 6.3: a block for every source heard since the last report. Where a
 * sender beside this receiver reports for both, config.rtcp.off leaves the reports to it and hp_media_receiver_blocks()
 * feeds it.
 *
 * Limits: HP_MEDIA_MAX_STREAMS sources; one that is silent is never forgotten, since its figures are wanted. Feedback
 * is sent at once, without the early-feedback rules of RFC 4585 section 3.5, as WebRTC's endpoints do. */
#include "engines/media_receiver.h"

#include "engines/media_receiver_private.h"

/* Sequence numbers in one NACK message. */
#define NACK_MAX 256
/* On top of the round trip before a packet is asked for again. */
#define NACK_MARGIN (10 * HP_MS)

void hp_receiver_tell(const hp_media_stream *s, hp_time now, const hp_media_event *event)
{
    const hp_media_receiver *r = s->receiver;
    if (!r->ops->event)
        return;
    hp_media_event told = *event;
    told.ssrc = s->ssrc;
    r->ops->event(r->user, now, &told);
}

static void free_stream(void *data)
{
    hp_media_stream_free(data);
}

hp_media_receiver *hp_media_receiver_new(const hp_media_config *config, const hp_rng *rng, hp_time now,
                                         const hp_media_receiver_ops *ops, void *user, GError **error)
{
    hp_media_config resolved;
    if (!hp_media_config_resolve(config, &resolved, error))
        return NULL;
    hp_media_receiver *r = g_new0(hp_media_receiver, 1);
    r->config = resolved;
    r->rng = *rng;
    r->ops = ops;
    r->user = user;
    uint32_t drawn = (uint32_t)hp_rng_u64(&r->rng);
    r->ssrc = resolved.id.ssrc_set ? resolved.id.ssrc : drawn;
    r->streams = g_ptr_array_new_with_free_func(free_stream);
    if (!ops->rtcp)
        r->config.rtcp.off = true;
    hp_rtcp_timer_init(&r->rtcp, &r->config.rtcp, &r->rng, now, 32);
    return r;
}

void hp_media_receiver_free(hp_media_receiver *r)
{
    if (!r)
        return;
    g_ptr_array_unref(r->streams);
    g_free(r);
}

static hp_media_stream *stream_at(const hp_media_receiver *r, unsigned i)
{
    return g_ptr_array_index(r->streams, i);
}

static hp_media_stream *find(const hp_media_receiver *r, uint32_t ssrc)
{
    for (unsigned i = 0; i < r->streams->len; i++) {
        if (stream_at(r, i)->ssrc == ssrc)
            return stream_at(r, i);
    }
    return NULL;
}

/* ---- RTCP out ---- */

static bool fill_block(hp_media_stream *s, hp_time now, hp_rtcp_report_block *ret)
{
    if (s->receipt.received == s->received_at_report)
        return false;
    s->received_at_report = s->receipt.received;
    *ret = (hp_rtcp_report_block){
        .ssrc = s->ssrc,
        .fraction_lost = hp_rtp_receipt_fraction_lost(&s->receipt),
        .cumulative_lost = hp_rtp_receipt_lost(&s->receipt),
        .extended_highest = hp_rtp_receipt_highest(&s->receipt),
        .jitter = hp_rtp_jitter_value(&s->jitter),
    };
    if (s->last_sr_time != HP_NEVER) {
        ret->last_sr = s->last_sr;
        ret->delay_since_last_sr = hp_ntp_short_from_span(now - s->last_sr_time);
    }
    return true;
}

size_t hp_media_receiver_blocks(hp_media_receiver *r, hp_time now, hp_rtcp_report_block *ret, size_t cap)
{
    size_t n = 0;
    for (unsigned i = 0; i < r->streams->len && n < cap; i++)
        n += fill_block(stream_at(r, i), now, &ret[n]) ? 1 : 0;
    return n;
}

static void begin_report(hp_media_receiver *r, hp_rtcp_writer *w, const hp_rtcp_report_block *blocks, size_t n)
{
    hp_rtcp_add_rr(w, r->ssrc, blocks, n);
    if (r->config.rtcp.cname[0] != '\0')
        hp_rtcp_add_cname(w, r->ssrc, r->config.rtcp.cname);
}

static void send(hp_media_receiver *r, hp_time now, hp_rtcp_writer *w)
{
    size_t len = hp_rtcp_finish(w);
    g_assert(len > 0);
    r->ops->rtcp(r->user, now, w->buf, len);
}

static void report(hp_media_receiver *r, hp_time now)
{
    uint8_t packet[HP_MEDIA_PACKET_MAX];
    hp_rtcp_report_block blocks[HP_MEDIA_MAX_STREAMS];
    hp_rtcp_writer w;
    size_t n = hp_media_receiver_blocks(r, now, blocks, G_N_ELEMENTS(blocks));
    hp_rtcp_begin(&w, packet, sizeof packet);
    begin_report(r, &w, blocks, n);
    hp_rtcp_timer_sent(&r->rtcp, now, w.len);
    r->stats.reports_sent++;
    send(r, now, &w);
}

static void ask(hp_media_stream *s, hp_time now)
{
    hp_media_receiver *r = s->receiver;
    const hp_video_config *v = &r->config.video;
    if (!r->ops->rtcp)
        return;
    uint16_t missing[NACK_MAX];
    hp_time again = r->round_trip > 0 ? r->round_trip + NACK_MARGIN : v->nack_interval;
    unsigned n = v->nack ? hp_media_missing_ask(&s->missing, now, again, v->nack_tries, missing, NACK_MAX) : 0;
    bool key = v->pli && s->pli_next <= now && hp_media_frames_want_key(s);
    if (n == 0 && !key)
        return;
    uint8_t packet[HP_MEDIA_PACKET_MAX];
    hp_rtcp_writer w;
    hp_rtcp_begin(&w, packet, sizeof packet);
    if (!r->config.rtcp.reduced_size)
        begin_report(r, &w, NULL, 0);
    if (n > 0) {
        hp_rtcp_add_nack(&w, r->ssrc, s->ssrc, missing, n);
        s->stats.nacks++;
        s->stats.nacked_packets += n;
        for (unsigned i = 0; i < n; i++)
            hp_media_stream_slot(s, hp_rtp_extend(s->highest, missing[i]))->asked = true;
        hp_receiver_tell(s, now, &(hp_media_event){.kind = HP_MEDIA_EV_NACK, .count = n});
    }
    if (key) {
        hp_rtcp_add_pli(&w, r->ssrc, s->ssrc);
        s->pli_next = hp_time_add(now, v->pli_interval);
        s->heard_since_pli = false;
        s->stats.plis++;
        hp_receiver_tell(s, now, &(hp_media_event){.kind = HP_MEDIA_EV_PLI});
    }
    send(r, now, &w);
}

static void service(hp_media_stream *s, hp_time now)
{
    const hp_media_config *config = &s->receiver->config;
    if (config->kind != HP_MEDIA_VIDEO)
        return;
    int64_t given_up;
    if (s->missing.n > 0 && hp_media_missing_expire(&s->missing, now, config->video.wait, &given_up))
        hp_media_frames_give_up(s, now, given_up);
    hp_media_frames_process(s, now);
    if (s->missing.n > 0 || s->needs_key)
        ask(s, now);
}

/* ---- in ---- */

static void heard_media(hp_media_receiver *r, hp_time now, const hp_rtp_packet *p)
{
    hp_media_stream *s = find(r, p->ssrc);
    if (!s) {
        if (r->streams->len == HP_MEDIA_MAX_STREAMS) {
            r->stats.too_many_sources++;
            return;
        }
        s = hp_media_stream_new(r, now, p);
        g_ptr_array_add(r->streams, s);
        hp_receiver_tell(s, now, &(hp_media_event){.kind = HP_MEDIA_EV_STREAM});
    }
    hp_rtcp_timer_heard(&r->rtcp, now, p->ssrc, true);
    hp_media_stream_media(s, now, p);
    service(s, now);
}

static void heard_retransmission(hp_media_receiver *r, hp_time now, const hp_rtp_packet *p)
{
    for (unsigned i = 0; i < r->streams->len; i++) {
        hp_media_stream *s = stream_at(r, i);
        if (s->rtx_known ? s->rtx_ssrc != p->ssrc : !hp_media_stream_awaits(s, p))
            continue;
        s->rtx_known = true;
        s->rtx_ssrc = p->ssrc;
        s->stats.rtx_packets++;
        hp_media_stream_repair(s, now, p);
        service(s, now);
        return;
    }
    r->stats.stray_rtx++;
}

void hp_media_receiver_rtp(hp_media_receiver *r, hp_time now, const uint8_t *data, size_t len)
{
    hp_rtp_packet p;
    if (r->finished)
        return;
    if (!hp_rtp_parse(data, len, &p)) {
        r->stats.malformed++;
        return;
    }
    const hp_video_config *v = &r->config.video;
    bool video = r->config.kind == HP_MEDIA_VIDEO;
    if (p.pt == (video ? v->pt : r->config.audio.pt)) {
        heard_media(r, now, &p);
    } else if (video && v->nack && v->rtx && p.pt == v->rtx_pt) {
        heard_retransmission(r, now, &p);
    } else {
        r->stats.unknown_pt++;
    }
}

static void heard_sr(hp_media_receiver *r, hp_time now, const hp_rtcp_sender_info *sr)
{
    hp_media_stream *s = find(r, sr->ssrc);
    if (!s)
        return;
    s->last_sr = hp_ntp_middle(sr->ntp);
    s->last_sr_time = now;
    s->stats.sender_reports++;
    hp_receiver_tell(s, now, &(hp_media_event){.kind = HP_MEDIA_EV_SENDER_REPORT, .count = sr->packets});
}

static void heard_bye(hp_media_receiver *r, hp_time now, uint32_t ssrc)
{
    hp_rtcp_timer_bye(&r->rtcp, now, ssrc);
    hp_media_stream *s = find(r, ssrc);
    if (!s || s->stats.ended)
        return;
    s->stats.ended = true;
    s->missing.n = 0;
    hp_media_frames_pause(s, now);
    hp_receiver_tell(s, now, &(hp_media_event){.kind = HP_MEDIA_EV_BYE});
}

void hp_media_receiver_rtcp(hp_media_receiver *r, hp_time now, const uint8_t *data, size_t len)
{
    hp_rtcp_datagram datagram;
    if (r->finished)
        return;
    if (!hp_rtcp_parse(data, len, &datagram)) {
        r->stats.malformed++;
        return;
    }
    if (datagram.is_compound)
        hp_rtcp_timer_heard_size(&r->rtcp, len);
    hp_rtcp_packet p;
    size_t cursor = 0;
    while (hp_rtcp_next(&datagram, &cursor, &p)) {
        hp_rtcp_sender_info sr;
        uint32_t ssrc;
        if (hp_rtcp_read_sr(&p, &sr)) {
            hp_rtcp_timer_heard(&r->rtcp, now, sr.ssrc, false);
            heard_sr(r, now, &sr);
        } else if (hp_rtcp_read_rr(&p, &ssrc)) {
            hp_rtcp_timer_heard(&r->rtcp, now, ssrc, false);
        } else {
            for (unsigned i = 0; hp_rtcp_read_bye(&p, i, &ssrc); i++)
                heard_bye(r, now, ssrc);
        }
    }
}

void hp_media_receiver_set_round_trip(hp_media_receiver *r, hp_time round_trip)
{
    r->round_trip = round_trip == HP_NEVER ? 0 : round_trip;
}

void hp_media_receiver_hold(hp_media_receiver *r, hp_time now, bool on)
{
    if (r->held == on || r->finished)
        return;
    r->held = on;
    for (unsigned i = 0; i < r->streams->len; i++) {
        hp_media_stream *s = stream_at(r, i);
        if (on) {
            hp_media_frames_pause(s, now);
        } else if (s->stats.frames > 0 && !s->stats.ended) {
            s->shown_before = now;
        }
    }
}

/* ---- time ---- */

static hp_time stream_deadline(const hp_media_stream *s)
{
    const hp_video_config *v = &s->receiver->config.video;
    bool can_ask = s->receiver->ops->rtcp != NULL;
    hp_time due = HP_NEVER;
    if (s->missing.n > 0)
        due = hp_media_missing_deadline(&s->missing, v->wait, v->nack_tries, v->nack && can_ask);
    if (v->pli && can_ask && s->needs_key && hp_media_frames_want_key(s))
        due = MIN(due, s->pli_next);
    return due;
}

hp_time hp_media_receiver_deadline(const hp_media_receiver *r)
{
    if (r->finished)
        return HP_NEVER;
    hp_time due = r->rtcp.tn;
    for (unsigned i = 0; r->config.kind == HP_MEDIA_VIDEO && i < r->streams->len; i++)
        due = MIN(due, stream_deadline(stream_at(r, i)));
    return due;
}

void hp_media_receiver_run(hp_media_receiver *r, hp_time now)
{
    if (r->finished)
        return;
    for (unsigned i = 0; i < r->streams->len; i++) {
        if (stream_deadline(stream_at(r, i)) <= now)
            service(stream_at(r, i), now);
    }
    while (r->rtcp.tn <= now) {
        if (hp_rtcp_timer_expire(&r->rtcp, now))
            report(r, now);
    }
}

void hp_media_receiver_finish(hp_media_receiver *r, hp_time now)
{
    if (r->finished)
        return;
    for (unsigned i = 0; i < r->streams->len; i++) {
        hp_media_stream *s = stream_at(r, i);
        if (r->config.kind != HP_MEDIA_VIDEO)
            continue;
        s->missing.n = 0;
        if (s->n_frames > 0)
            hp_media_frames_give_up(s, now, s->highest);
        hp_media_frames_pause(s, now);
    }
    r->finished = true;
}

/* ---- figures ---- */

unsigned hp_media_receiver_n_streams(const hp_media_receiver *r)
{
    return r->streams->len;
}

hp_media_stream_stats hp_media_receiver_stream(const hp_media_receiver *r, unsigned i)
{
    return hp_media_stream_snapshot(stream_at(r, i));
}

uint64_t hp_media_frame_rate_milli(const hp_media_stream_stats *stats)
{
    if (stats->frames < 2 || stats->last_frame == stats->first_frame)
        return 0;
    return (uint64_t)((unsigned __int128)(stats->frames - 1) * 1000 * HP_S / (stats->last_frame - stats->first_frame));
}

uint64_t hp_media_bit_rate(const hp_media_stream_stats *stats)
{
    if (stats->last_packet == stats->first_packet)
        return 0;
    return (uint64_t)((unsigned __int128)stats->octets * 8 * HP_S / (stats->last_packet - stats->first_packet));
}

hp_media_receiver_stats hp_media_receiver_get_stats(const hp_media_receiver *r)
{
    return r->stats;
}
