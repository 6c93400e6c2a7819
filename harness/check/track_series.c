/* A track over time, in points of HP_MEDIA_POINT_SPAN.
 *
 * sent and lost stand at the time of sending, all else at the time of arrival, or of showing. packets and octets take
 * what came first of a packet, be it itself or its repair; latency and jitter only what came as media. Every point
 * between the first and the last is there, so that a point's time is known from its place. */
#include "check/track.h"

/* Sums behind the means of a point. */
typedef struct point_sums {
    hp_time latency;
    uint32_t n_latency;
    hp_time jitter_at; /* of the packet that jitter_us is of */
    bool has_jitter;
} point_sums;

typedef struct series {
    uint64_t first; /* number of the first point, from run time 0 */
    unsigned n;
    hp_media_point *points;
    point_sums *sums;
    hp_time horizon;
} series;

static void extend(hp_time at, uint64_t *first, uint64_t *last)
{
    if (at != HP_NEVER) {
        *first = MIN(*first, at / HP_MEDIA_POINT_SPAN);
        *last = MAX(*last, at / HP_MEDIA_POINT_SPAN);
    }
}

/* The index of the point at that time, or s->n: never, or beyond the last one that is kept. */
static unsigned point_at(const series *s, hp_time at)
{
    const uint64_t i = at / HP_MEDIA_POINT_SPAN - s->first;
    return at == HP_NEVER || i >= s->n ? s->n : (unsigned)i;
}

static void add_media(const hp_track_facts *track, series *s, const hp_media_packet *p)
{
    const unsigned i = point_at(s, p->received);
    if (i == s->n) {
        return;
    }
    const hp_time latency = p->received - p->sent;
    point_sums *sums = &s->sums[i];
    if (!track->foreign_sender) { /* else nobody knows when it was sent */
        sums->latency += latency;
        sums->n_latency++;
        s->points[i].latency_max = MAX(s->points[i].latency_max, latency);
    }
    if (!sums->has_jitter || p->received >= sums->jitter_at) {
        sums->has_jitter = true;
        sums->jitter_at = p->received;
        s->points[i].jitter_us = (uint32_t)MIN(hp_track_units(track, p->jitter) / HP_US, UINT32_MAX);
    }
}

static void add_packet(const hp_track_facts *track, series *s, const hp_media_packet *p)
{
    unsigned i = point_at(s, p->sent);
    if (i < s->n) {
        s->points[i].sent++;
        s->points[i].lost += p->received == HP_NEVER && !hp_media_packet_is_in_flight(p, s->horizon);
    }
    i = point_at(s, hp_media_packet_arrival(p));
    if (i < s->n) {
        s->points[i].packets++;
        s->points[i].octets += p->size;
    }
    add_media(track, s, p);
}

hp_media_point *hp_track_series(const hp_track_facts *track, hp_time ended, hp_time *ret_start, unsigned *ret_n)
{
    uint64_t first = UINT64_MAX, last = 0;
    for (unsigned i = 0; i < track->packets->len; i++) {
        const hp_media_packet *p = &g_array_index(track->packets, hp_media_packet, i);
        extend(p->sent, &first, &last);
        extend(p->received, &first, &last);
        extend(p->repaired, &first, &last);
    }
    for (unsigned i = 0; i < track->frames->len; i++) {
        extend(g_array_index(track->frames, hp_media_frame_shown, i).at, &first, &last);
    }
    *ret_start = 0;
    *ret_n = 0;
    if (first == UINT64_MAX || track->foreign_receiver) { /* which says nothing of when a packet came */
        return NULL;
    }
    series s = {.first = first,
                .n = (unsigned)MIN(last - first + 1, HP_TRACK_MAX_POINTS),
                .horizon = hp_track_horizon(track, ended)};
    s.points = g_new0(hp_media_point, s.n);
    s.sums = g_new0(point_sums, s.n);
    for (unsigned i = 0; i < track->packets->len; i++) {
        add_packet(track, &s, &g_array_index(track->packets, hp_media_packet, i));
    }
    for (unsigned i = 0; i < track->frames->len; i++) {
        const unsigned at = point_at(&s, g_array_index(track->frames, hp_media_frame_shown, i).at);
        if (at < s.n) {
            s.points[at].frames++;
        }
    }
    for (unsigned i = 0; i < s.n; i++) {
        if (s.sums[i].n_latency > 0) {
            s.points[i].latency_mean = s.sums[i].latency / s.sums[i].n_latency;
        }
        if (!s.sums[i].has_jitter && i > 0) {
            s.points[i].jitter_us = s.points[i - 1].jitter_us;
        }
    }
    g_free(s.sums);
    *ret_start = first * HP_MEDIA_POINT_SPAN;
    *ret_n = s.n;
    return s.points;
}
