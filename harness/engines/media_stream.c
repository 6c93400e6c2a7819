/* Theory of operation.
 *
 * Every packet of an SSRC has a number: its sequence number without wraps. Measured packets say theirs (32 bits of it
 * are in the measuring header), so that an outage of any length is counted right; of others it is the number nearest to
 * the highest one. The packets behind the highest are kept apart in a window of HP_MEDIA_WINDOW slots; what is older is
 * settled: whether it was played is known for good, and a copy that still comes is discarded.
 *
 *   expected = highest - lowest + 1, received = first copies that came as media, lost = expected - received
 *
 * A retransmission fills a slot that is missing (recovered, but lost by the network all the same). If the original
 * still comes, it was only slow: then it counts as received after all. A packet that came too late for playout (audio)
 * or for its frame (video) is late. Where retransmissions are plain copies of the original (no RTX) the network's loss
 * cannot be told from them: such a copy counts as received, though not as reordered.
 *
 * The figures for receiver reports are kept apart (hp_rtp_receipt), as RFC 3550 appendix A defines them: there
 * duplicates count as received, and a jump of 3000 begins anew. A source that begins anew, far behind its numbers
 * (appendix A.1: two packets in a row), begins a new window here too; far ahead it is taken as an outage.
 *
 * Reordered is RFC 4737's sense: a first copy behind a higher number. Jitter takes every packet as it comes. */
#include "engines/media_receiver_private.h"

/* Far below any number, so that earlier packets than the first have one too. */
#define NUMBER_ORIGIN (INT64_C(1) << 32)

hp_media_stream *hp_media_stream_new(hp_media_receiver *r, hp_time now, const hp_rtp_packet *p)
{
    hp_media_stream *s = g_new0(hp_media_stream, 1);
    s->receiver = r;
    s->ssrc = p->ssrc;
    s->stats = (hp_media_stream_stats){.ssrc = p->ssrc,
                                       .first_packet = now,
                                       .last_packet = now,
                                       .latency_min = HP_NEVER,
                                       .first_frame = HP_NEVER,
                                       .last_frame = HP_NEVER,
                                       .frame_latency_min = HP_NEVER};
    s->last_sr_time = HP_NEVER;
    s->shown_before = HP_NEVER;
    s->playout.config = &r->config;
    hp_media_mark mark;
    s->stats.measured = hp_media_mark_read(p->payload, p->payload_len, &mark) && (uint16_t)mark.sequence == p->sequence;
    s->base = NUMBER_ORIGIN + (s->stats.measured ? mark.sequence : p->sequence);
    s->highest = s->base - 1;
    s->settled = s->base;
    hp_rtp_receipt_init(&s->receipt, p->sequence, 0);
    hp_media_frames_reset(s, now);
    return s;
}

void hp_media_stream_free(hp_media_stream *s)
{
    g_free(s);
}

static bool was_played(const hp_media_slot *slot)
{
    return slot->state == HP_SLOT_RECEIVED || slot->state == HP_SLOT_RECOVERED;
}

static void settle_one(bool played, bool *in_run, hp_media_stream_stats *stats)
{
    if (played) {
        stats->played++;
    } else if (!*in_run) {
        stats->loss_runs++;
    }
    *in_run = !played;
}

/* All numbers below `until` leave the window. */
static void settle(hp_media_stream *s, int64_t until)
{
    for (; s->settled < until && s->settled <= s->highest; s->settled++)
        settle_one(was_played(hp_media_stream_slot(s, s->settled)), &s->in_run, &s->stats);
    if (s->settled < until) {
        settle_one(false, &s->in_run, &s->stats);
        s->settled = until;
    }
}

/* Numbers from..to are missing as of now. */
static void miss(hp_media_stream *s, hp_time now, int64_t from, int64_t to)
{
    if (from > to)
        return;
    for (int64_t n = MAX(from, s->settled); n <= to; n++)
        *hp_media_stream_slot(s, n) = (hp_media_slot){.state = HP_SLOT_MISSING};
    if (s->receiver->config.kind != HP_MEDIA_VIDEO)
        return;
    const hp_video_config *v = &s->receiver->config.video;
    bool room = to - from < HP_MEDIA_MAX_MISSING;
    for (int64_t n = from; n <= to && room; n++)
        room = hp_media_missing_add(&s->missing, n, now, v->nack_delay);
    if (!room) {
        s->missing.n = 0;
        hp_media_frames_give_up(s, now, to);
    }
}

/* Makes room for a number that is not in the window yet: ahead of the highest, or before the first. Its slot is then
 * empty, or missing, or holds what came before of it. */
static bool make_room(hp_media_stream *s, hp_time now, int64_t number)
{
    if (number > s->highest) {
        int64_t from = s->highest + 1;
        settle(s, number - HP_MEDIA_WINDOW + 1);
        s->highest = number;
        *hp_media_stream_slot(s, number) = (hp_media_slot){.state = HP_SLOT_EMPTY};
        miss(s, now, from, number - 1);
        return true;
    }
    if (number >= s->settled)
        return true;
    if (s->settled != s->base || s->highest - number >= HP_MEDIA_WINDOW)
        return false;
    /* Nothing has left the window yet: the first packets were reordered, and the stream began earlier than it
     * seemed. */
    int64_t to = s->base - 1;
    s->base = s->settled = number;
    miss(s, now, number + 1, to);
    *hp_media_stream_slot(s, number) = (hp_media_slot){.state = HP_SLOT_EMPTY};
    return true;
}

static void begin_anew(hp_media_stream *s, hp_time now, int64_t number)
{
    settle(s, s->highest + 1);
    s->expected_before += (uint64_t)(s->highest - s->base + 1);
    s->base = s->settled = number;
    s->highest = number - 1;
    s->playout.started = false;
    hp_media_frames_reset(s, now);
    s->stats.restarts++;
    hp_receiver_tell(s, now, &(hp_media_event){.kind = HP_MEDIA_EV_RESTART});
}

/* The number of a packet. False when it is to be discarded. */
static bool number_of(hp_media_stream *s, hp_time now, const hp_rtp_packet *p, const hp_media_mark *mark, int64_t *ret)
{
    hp_rtp_arrival arrival = hp_rtp_receipt_update(&s->receipt, p->sequence);
    int64_t number =
        mark ? s->highest + (int32_t)(mark->sequence - (uint32_t)s->highest) : hp_rtp_extend(s->highest, p->sequence);
    *ret = number;
    switch (arrival) {
    case HP_RTP_COUNTED:
        return true;
    case HP_RTP_RESTARTED:
        if (number <= s->highest - HP_MEDIA_WINDOW) {
            *ret = NUMBER_ORIGIN + (mark ? mark->sequence : p->sequence);
            begin_anew(s, now, *ret);
        }
        return true;
    case HP_RTP_JUMPED:
    case HP_RTP_ON_PROBATION:
        /* A measured packet is known to belong; of others the next one decides. */
        return mark != NULL;
    }
    g_assert_not_reached();
}

static void measure_latency(hp_media_stream *s, hp_time now, const hp_media_mark *mark)
{
    hp_time sent = hp_time_add(mark->capture, mark->offset);
    if (sent > now)
        return;
    hp_time latency = now - sent;
    hp_media_stream_stats *stats = &s->stats;
    stats->n_latency++;
    stats->latency_sum += latency;
    stats->latency_min = MIN(stats->latency_min, latency);
    stats->latency_max = MAX(stats->latency_max, latency);
}

/* Whether a first copy came in time for what it is for. */
static bool in_time(hp_media_stream *s, hp_time now, const hp_rtp_packet *p, int64_t number, const hp_media_mark *mark,
                    hp_time *ret_mouth_to_ear)
{
    const hp_media_config *config = &s->receiver->config;
    if (config->kind == HP_MEDIA_VIDEO)
        return p->payload_len == 0 || hp_media_frames_add(s, now, p, number, mark);
    hp_time due;
    if (!hp_media_playout_arrive(&s->playout, now, p->timestamp, &due))
        return false;
    if (mark && mark->capture <= due) {
        *ret_mouth_to_ear = due - mark->capture + config->audio.ptime;
        s->stats.n_mouth_to_ear++;
        s->stats.mouth_to_ear_sum += *ret_mouth_to_ear;
    }
    return true;
}

static void count_use(hp_media_stream *s, hp_time now, const hp_rtp_packet *p)
{
    s->stats.octets += p->payload_len;
    s->stats.last_packet = now;
    s->heard_since_pli = true;
}

static void use(hp_media_stream *s, hp_time now, const hp_rtp_packet *p, int64_t number, const hp_media_mark *mark,
                hp_media_arrival *ret)
{
    count_use(s, now, p);
    if (!in_time(s, now, p, number, mark, &ret->mouth_to_ear)) {
        hp_media_stream_slot(s, number)->state = HP_SLOT_LATE;
        s->stats.late++;
        ret->late = true;
    }
}

/* Finds the packet's place and uses it; what became of it goes to *ret. */
static void take_media(hp_media_stream *s, hp_time now, const hp_rtp_packet *p, const hp_media_mark *mark,
                       hp_media_arrival *ret)
{
    int64_t number;
    bool known = number_of(s, now, p, mark, &number);
    bool behind = number < s->highest;
    ret->sequence = (uint32_t)number;
    if (!known || !make_room(s, now, number)) {
        s->stats.discarded++;
        ret->discarded = true;
        return;
    }
    hp_media_slot *slot = hp_media_stream_slot(s, number);
    if (slot->came_as_media) {
        s->stats.duplicates++;
        ret->duplicate = true;
        return;
    }
    slot->came_as_media = true;
    s->stats.received++;
    if (slot->state == HP_SLOT_RECOVERED || slot->state == HP_SLOT_LATE) {
        /* A retransmission was quicker: it would not have been needed. */
        s->stats.recovered--;
        s->stats.rtx_useless++;
        s->stats.reordered++;
        ret->reordered = true;
        ret->late = slot->state == HP_SLOT_LATE;
        return;
    }
    hp_media_missing_remove(&s->missing, number);
    bool is_copy = slot->asked && !s->receiver->config.video.rtx;
    if (behind && !is_copy) {
        s->stats.reordered++;
        ret->reordered = true;
    }
    slot->state = HP_SLOT_RECEIVED;
    slot->timestamp = p->timestamp;
    if (mark && !is_copy)
        measure_latency(s, now, mark);
    use(s, now, p, number, mark, ret);
}

static void tell_arrival(const hp_media_stream *s, hp_time now, const hp_media_arrival *arrival)
{
    const hp_media_receiver *r = s->receiver;
    if (r->ops->packet)
        r->ops->packet(r->user, now, arrival);
}

void hp_media_stream_media(hp_media_stream *s, hp_time now, const hp_rtp_packet *p)
{
    hp_media_mark read;
    const hp_media_mark *mark = NULL;
    if (s->stats.measured && hp_media_mark_read(p->payload, p->payload_len, &read) &&
        (uint16_t)read.sequence == p->sequence)
        mark = &read;

    uint32_t clock = hp_media_clock(&s->receiver->config);
    hp_rtp_jitter_update(&s->jitter, (uint32_t)hp_rtp_units(now, clock), p->timestamp);
    uint32_t jitter = hp_rtp_jitter_value(&s->jitter);
    s->stats.jitter_max = MAX(s->stats.jitter_max, jitter);

    hp_media_arrival arrival = {
        .ssrc = s->ssrc, .octets = (uint32_t)p->payload_len, .jitter = jitter, .mouth_to_ear = HP_NEVER};
    take_media(s, now, p, mark, &arrival);
    tell_arrival(s, now, &arrival);
}

/* The slot of what a retransmission repeats; NULL when it lies outside the window, or the packet only probes. */
static hp_media_slot *repeated(hp_media_stream *s, const hp_rtp_packet *rtx, int64_t *ret_number)
{
    uint16_t sequence;
    if (!hp_rtx_read(rtx, &sequence, NULL, NULL))
        return NULL;
    *ret_number = hp_rtp_extend(s->highest, sequence);
    return *ret_number < s->settled || *ret_number > s->highest ? NULL : hp_media_stream_slot(s, *ret_number);
}

bool hp_media_stream_awaits(hp_media_stream *s, const hp_rtp_packet *rtx)
{
    int64_t number;
    const hp_media_slot *slot = repeated(s, rtx, &number);
    return slot && (slot->asked || slot->state == HP_SLOT_MISSING);
}

void hp_media_stream_repair(hp_media_stream *s, hp_time now, const hp_rtp_packet *rtx)
{
    int64_t number = 0;
    uint16_t sequence;
    hp_rtp_packet p = *rtx;
    hp_media_slot *slot = repeated(s, rtx, &number);
    hp_media_arrival arrival = {.ssrc = s->ssrc,
                                .sequence = (uint32_t)number,
                                .octets = (uint32_t)(rtx->payload_len - MIN(rtx->payload_len, HP_RTX_OSN)),
                                .jitter = hp_rtp_jitter_value(&s->jitter),
                                .rtx = true,
                                .mouth_to_ear = HP_NEVER};
    if (!slot || slot->state != HP_SLOT_MISSING || !hp_rtx_read(rtx, &sequence, &p.payload, &p.payload_len)) {
        s->stats.rtx_useless++;
        arrival.useless = true;
        tell_arrival(s, now, &arrival);
        return;
    }
    hp_media_missing_remove(&s->missing, number);
    p.sequence = sequence;
    p.ssrc = s->ssrc;
    hp_media_mark read;
    bool measured =
        s->stats.measured && hp_media_mark_read(p.payload, p.payload_len, &read) && (uint16_t)read.sequence == sequence;
    slot->state = HP_SLOT_RECOVERED;
    slot->timestamp = p.timestamp;
    s->stats.recovered++;
    arrival.octets = (uint32_t)p.payload_len;
    use(s, now, &p, number, measured ? &read : NULL, &arrival);
    tell_arrival(s, now, &arrival);
}

hp_media_stream_stats hp_media_stream_snapshot(const hp_media_stream *s)
{
    hp_media_stream_stats stats = s->stats;
    stats.first_sequence = (uint16_t)s->base;
    stats.expected = s->expected_before + (uint64_t)(s->highest - s->base + 1);
    stats.lost = stats.expected - stats.received;
    stats.jitter = hp_rtp_jitter_value(&s->jitter);
    bool in_run = s->in_run;
    for (int64_t n = s->settled; n <= s->highest; n++)
        settle_one(was_played(&s->window[(uint64_t)n & (HP_MEDIA_WINDOW - 1)]), &in_run, &stats);
    if (s->receiver->config.kind == HP_MEDIA_AUDIO)
        stats.playout_delay = hp_media_playout_delay(&s->playout);
    return stats;
}
