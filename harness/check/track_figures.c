/* What a window's media came to.
 *
 * The media of a window is what was sent in it, wherever in time it arrives: a packet lost in an outage has no other
 * time. What has no packet of its own (a NACK, a packet that nobody sent) counts where it happened, a frame by when it
 * was captured. A freeze counts in every window that it reaches into, by what of it lies there.
 *
 *   lost      = sent, and no copy came as media, whether repaired or not
 *   recovered = of those, what a retransmission brought; when the original still came, it was only slow
 *   late      = came in one way or the other, but too late to be played or shown
 *   unusable  = lost - recovered + late
 *
 * What the agent refused was sent and lost: the sender meant it to arrive. Nothing is sent while on hold, so that
 * nothing is lost then. What may still have been on its way when the run ended, or when the receiver hung up, is
 * neither received nor lost: no share is taken of it. That it may be is known from how long others took
 * (hp_track_horizon()).
 *
 * Rates are over the window where both its ends are given. Otherwise they begin with the first arrival, or picture, and
 * end with the last one, or with the last packet that ought to have come, whichever is later: an outage at the end
 * counts like one in the middle.
 *
 * Jitter is RFC 3550's running estimate as of each packet that came as media; its mean is over those packets. Latency
 * takes the same packets, from the hand-over to the sender's agent to the one from the receiver's. The rating (audio
 * alone) follows the E-model: the mean delay from mouth to ear, the unusable share, and its burst ratio over runs of
 * neighbouring sequence numbers. Where nothing at all was usable there is no delay to speak of, and none counts; where
 * packets were but no delay is known (a recording), nothing is rated. The codec counts as a listed one with
 * concealment, see emodel.c. */
#include "check/track.h"

#include "check/emodel.h"
#include "check/stats.h"

static bool holds(const hp_track_window *w, uint64_t index)
{
    return index >= w->from && index < w->to;
}

static hp_time span_of(const hp_track_window *w)
{
    return w->end != HP_NEVER && w->end > w->start ? w->end - w->start : 0;
}

/* ---- packets ---- */

hp_time hp_track_horizon(const hp_track_facts *track, hp_time ended)
{
    const hp_time end = MIN(ended, track->deaf);
    hp_time slowest = 0;
    bool any = false;
    for (unsigned i = 0; i < track->packets->len; i++) {
        const hp_media_packet *p = &g_array_index(track->packets, hp_media_packet, i);
        const hp_time arrival = hp_media_packet_arrival(p);
        if (arrival != HP_NEVER) {
            slowest = MAX(slowest, arrival - p->sent);
            any = true;
        }
    }
    slowest = any ? slowest : HP_TRACK_PATIENCE;
    return end > slowest ? end - slowest : 0;
}

/* What is summed up over packets on the way to figures. */
typedef struct sums {
    hp_time *latencies;
    size_t n_latencies;
    unsigned __int128 jitter, mouth_to_ear;
    uint64_t n_mouth_to_ear;
    uint64_t unusable_runs;
    bool in_run;
    hp_time first_arrival;
    hp_time last; /* arrival, or sending of what was lost */
    hp_time horizon;
    uint32_t jitter_max; /* timestamp units */
} sums;

static void count_media(const hp_media_packet *p, hp_media_figures *f, sums *s, hp_track_evidence *e)
{
    f->received++;
    s->latencies[s->n_latencies++] = p->received - p->sent;
    s->jitter += p->jitter;
    if (p->jitter > s->jitter_max || f->received == 1) {
        s->jitter_max = p->jitter;
        e->jitter_max = p->packet;
    }
    if (p->mouth_to_ear != HP_NEVER) {
        s->mouth_to_ear += p->mouth_to_ear;
        s->n_mouth_to_ear++;
    }
    if ((p->flags & HP_MEDIA_F_REORDERED) != 0) {
        e->reordered = f->reordered++ == 0 ? p->packet : e->reordered;
    }
}

static void count_packet(const hp_media_packet *p, hp_media_figures *f, sums *s, hp_track_evidence *e)
{
    const hp_time arrival = hp_media_packet_arrival(p);
    if (hp_media_packet_is_in_flight(p, s->horizon)) {
        f->sent++;
        f->in_flight++;
        return;
    }
    const bool unusable = hp_media_packet_is_unusable(p);
    s->last = MAX(s->last, arrival != HP_NEVER ? arrival : p->sent);
    f->sent++;
    f->unusable += unusable;
    s->unusable_runs += unusable && !s->in_run;
    s->in_run = unusable;
    if (arrival == HP_NEVER) {
        return;
    }
    f->octets += p->size;
    if (s->first_arrival == HP_NEVER || arrival < s->first_arrival) {
        s->first_arrival = arrival;
        e->first_packet = p->packet;
    }
    if ((p->flags & HP_MEDIA_F_LATE) != 0) {
        e->late = f->late++ == 0 ? p->packet : e->late;
    }
    if (p->received != HP_NEVER) {
        count_media(p, f, s, e);
    } else {
        f->recovered++;
    }
}

static void rate_speech(hp_media_figures *f, const sums *s)
{
    const bool all_unusable = f->unusable > 0 && f->unusable == f->sent - f->in_flight;
    if (s->n_mouth_to_ear == 0 && !all_unusable) {
        return;
    }
    f->mouth_to_ear = s->n_mouth_to_ear > 0 ? (hp_time)(s->mouth_to_ear / s->n_mouth_to_ear) : 0;
    const hp_emodel_score score = hp_emodel_rate(&(hp_emodel_input){
        .delay = f->mouth_to_ear,
        .loss_ppb = f->unusable_ppb,
        .burst_milli = f->burst_milli,
        .codec = HP_CODEC_G711_PLC,
    });
    f->r_milli = score.r_milli;
    f->mos_milli = score.mos_milli;
}

/* *ret_last: when the last packet came, or, if it was lost, was sent; 0: there was none. */
static void count_packets(const hp_track_facts *track, const hp_track_window *w, hp_media_figures *f,
                          hp_track_evidence *e, hp_time *ret_last)
{
    g_autofree hp_time *latencies = g_new(hp_time, track->packets->len);
    sums s = {.latencies = latencies, .first_arrival = HP_NEVER, .horizon = hp_track_horizon(track, w->ended)};
    for (unsigned i = 0; i < track->packets->len; i++) {
        const hp_media_packet *p = &g_array_index(track->packets, hp_media_packet, i);
        if (holds(w, p->index)) {
            count_packet(p, f, &s, e);
        }
    }
    const uint64_t judged = f->sent - f->in_flight;
    f->lost = judged - f->received;
    f->loss_ppb = hp_track_share(f->lost, judged);
    f->unusable_ppb = hp_track_share(f->unusable, judged);
    f->burst_milli = hp_emodel_burst_milli(judged, f->unusable, s.unusable_runs);
    f->jitter_max = hp_track_units(track, s.jitter_max);
    f->jitter_mean = f->received > 0 ? (hp_time)(s.jitter * HP_S / track->clock / f->received) : 0;
    f->latency = hp_distribution_of(latencies, s.n_latencies);
    f->first_packet = s.first_arrival;
    f->bitrate = hp_track_rate(f->octets * 8, w->bounded                    ? span_of(w)
                                              : s.first_arrival != HP_NEVER ? s.last - s.first_arrival
                                                                            : 0);
    if (track->kind == HP_MEDIA_AUDIO) {
        rate_speech(f, &s);
    }
    *ret_last = s.last;
}

/* ---- frames and incidents ---- */

static bool frame_is_in(const hp_media_frame_shown *frame, const hp_track_window *w)
{
    const hp_time captured = frame->span != HP_NEVER ? frame->at - frame->span : frame->at;
    return captured >= w->start && captured < w->end;
}

/* last_packet: as count_packets() has it. */
static void count_frames(const hp_track_facts *track, const hp_track_window *w, hp_time last_packet,
                         hp_media_figures *f)
{
    g_autofree hp_time *latencies = g_new(hp_time, track->frames->len);
    size_t n_latencies = 0;
    hp_time last = 0;
    f->first_frame = HP_NEVER;
    for (unsigned i = 0; i < track->frames->len; i++) {
        const hp_media_frame_shown *frame = &g_array_index(track->frames, hp_media_frame_shown, i);
        if (!frame_is_in(frame, w)) {
            continue;
        }
        f->first_frame = MIN(f->first_frame, frame->at);
        last = frame->at;
        f->frames++;
        f->key_frames += frame->key;
        if (frame->span != HP_NEVER) {
            latencies[n_latencies++] = frame->span;
        }
    }
    f->frame_latency = hp_distribution_of(latencies, n_latencies);
    if (w->bounded) {
        f->frame_rate_milli = hp_track_rate(f->frames * 1000, span_of(w));
    } else if (f->frames > 1) {
        f->frame_rate_milli = hp_track_rate((f->frames - 1) * 1000, MAX(last, last_packet) - f->first_frame);
    }
}

static void count_freezes(const hp_track_facts *track, const hp_track_window *w, hp_media_figures *f)
{
    for (unsigned i = 0; i < track->freezes->len; i++) {
        const hp_media_freeze *freeze = &g_array_index(track->freezes, hp_media_freeze, i);
        const hp_time from = MAX(freeze->from, w->start), to = MIN(freeze->to, w->end);
        if (from < to) {
            f->freezes++;
            f->freeze_time += to - from;
            f->freeze_longest = MAX(f->freeze_longest, to - from);
        }
    }
}

static void count_incidents(const hp_track_facts *track, const hp_track_window *w, hp_media_figures *f,
                            hp_track_evidence *e)
{
    uint64_t counts[HP_INCIDENT_N] = {0};
    uint64_t first[HP_INCIDENT_N];
    for (unsigned i = 0; i < track->incidents->len; i++) {
        const hp_media_incident *incident = &g_array_index(track->incidents, hp_media_incident, i);
        const hp_incident_kind kind = incident->kind;
        if (!holds(w, incident->index)) {
            continue;
        }
        if (counts[kind]++ == 0 || incident->index < first[kind]) {
            first[kind] = incident->index;
            e->incidents[kind] = incident->packet;
        }
    }
    f->duplicates = counts[HP_INCIDENT_DUPLICATE];
    f->discarded = counts[HP_INCIDENT_DISCARDED];
    f->foreign = counts[HP_INCIDENT_FOREIGN];
    f->auth_failures = counts[HP_INCIDENT_AUTH_FAILED];
    f->replays = counts[HP_INCIDENT_REPLAYED];
    f->retransmitted = counts[HP_INCIDENT_RETRANSMITTED];
    f->nacks = counts[HP_INCIDENT_NACK];
    f->plis = counts[HP_INCIDENT_PLI];
    f->frames_lost = counts[HP_INCIDENT_FRAME_LOST];
}

/* When a packet was sent is not known, nor whether pictures are shown of a sender whose frames say nothing to us. */
static void know_arrivals_alone(hp_media_figures *f)
{
    f->basis = HP_FIGURES_OF_ARRIVALS;
    f->unknown = HP_FIGURE_LATENCY | HP_FIGURE_RATING | HP_FIGURE_REPAIRS;
    f->latency = (hp_distribution){0};
    f->mos_milli = 0;
    if (f->frames == 0) {
        f->unknown |= HP_FIGURE_FRAMES | HP_FIGURE_PICTURE;
    }
}

void hp_track_figures(const hp_track_facts *track, const hp_track_window *window, hp_media_figures *ret,
                      hp_track_evidence *ret_evidence)
{
    hp_track_evidence evidence = {0};
    hp_time last;
    *ret = (hp_media_figures){0};
    count_packets(track, window, ret, &evidence, &last);
    if (track->foreign_receiver) {
        hp_track_counted_figures(track, window, ret);
        evidence = (hp_track_evidence){0};
    } else {
        count_frames(track, window, last, ret);
        count_freezes(track, window, ret);
        count_incidents(track, window, ret, &evidence);
        if (track->foreign_sender) {
            know_arrivals_alone(ret);
        }
    }
    if (ret_evidence != NULL) {
        *ret_evidence = evidence;
    }
}

uint32_t hp_track_packet_with_latency(const hp_track_facts *track, const hp_track_window *window, hp_time latency)
{
    for (unsigned i = 0; i < track->packets->len; i++) {
        const hp_media_packet *p = &g_array_index(track->packets, hp_media_packet, i);
        if (holds(window, p->index) && p->received != HP_NEVER && p->received - p->sent == latency) {
            return p->packet;
        }
    }
    return 0;
}

uint64_t hp_track_refused_by_agent(const hp_track_facts *track, const hp_track_window *window)
{
    uint64_t n = 0;
    for (unsigned i = 0; i < track->packets->len; i++) {
        const hp_media_packet *p = &g_array_index(track->packets, hp_media_packet, i);
        n += holds(window, p->index) && (p->flags & HP_MEDIA_F_REFUSED) != 0;
    }
    return n;
}

uint64_t hp_track_incidents(const hp_track_facts *track, const hp_track_window *window, hp_incident_kind kind)
{
    uint64_t n = 0;
    for (unsigned i = 0; i < track->incidents->len; i++) {
        const hp_media_incident *incident = &g_array_index(track->incidents, hp_media_incident, i);
        n += incident->kind == kind && holds(window, incident->index);
    }
    return n;
}
