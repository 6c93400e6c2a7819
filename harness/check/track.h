/* The figures of a track: what became of the media that was sent in a window. Private to check/. */
#ifndef HP_CHECK_TRACK_H
#define HP_CHECK_TRACK_H

#include "base/rng.h"
#include "check/facts.h"
#include "check/result.h"

/* [from, to) by record index, and the same as times, for frames, whose capture has no record. */
typedef struct hp_track_window {
    uint64_t from, to;
    hp_time start, end; /* end HP_NEVER: open */
    hp_time ended; /* the run */
    bool bounded; /* both ends were asked for: rates are over all of it, see track_figures.c */
} hp_track_window;

static inline hp_track_window hp_track_whole_run(hp_time ended)
{
    return (hp_track_window){.to = UINT64_MAX, .end = HP_NEVER, .ended = ended};
}

/* Capture records that show a figure; 0: none. */
typedef struct hp_track_evidence {
    uint32_t first_packet, reordered, late, jitter_max;
    uint32_t incidents[HP_INCIDENT_N]; /* the first of each kind */
} hp_track_evidence;

/* ret_evidence may be NULL. */
void hp_track_figures(const hp_track_facts *track, const hp_track_window *window, hp_media_figures *ret,
                      hp_track_evidence *ret_evidence);
/* track_counts.c: the same of a track whose receiver is foreign, by what it counted. ret->sent and what is above it are
 * those of our sender where there is one. */
void hp_track_counted_figures(const hp_track_facts *track, const hp_track_window *window, hp_media_figures *ret);
/* The first packet of the window whose latency is exactly that; 0: none. */
uint32_t hp_track_packet_with_latency(const hp_track_facts *track, const hp_track_window *window, hp_time latency);
/* Packets that the sender's agent did not take. */
uint64_t hp_track_refused_by_agent(const hp_track_facts *track, const hp_track_window *window);
uint64_t hp_track_incidents(const hp_track_facts *track, const hp_track_window *window, hp_incident_kind kind);

/* What was sent from then on and has not come may still have been on its way when the run ended, or when the receiver
 * hung up: no later than the slowest of the track's packets, or HP_TRACK_PATIENCE where none came at all. */
#define HP_TRACK_PATIENCE (2 * HP_S)
hp_time hp_track_horizon(const hp_track_facts *track, hp_time ended);
static inline bool hp_media_packet_is_in_flight(const hp_media_packet *p, hp_time horizon)
{
    return hp_media_packet_arrival(p) == HP_NEVER && p->sent >= horizon && (p->flags & HP_MEDIA_F_REFUSED) == 0;
}

/* The points of a track, from *ret_start on; caller frees. At most HP_TRACK_MAX_POINTS, the first ones. NULL and 0 when
 * nothing happened. */
#define HP_TRACK_MAX_POINTS 36000
hp_media_point *hp_track_series(const hp_track_facts *track, hp_time ended, hp_time *ret_start, unsigned *ret_n);

/* Parts per billion; 0 of nothing. */
static inline uint32_t hp_track_share(uint64_t part, uint64_t whole)
{
    return whole > 0 ? (uint32_t)((unsigned __int128)part * HP_PPB / whole) : 0;
}

/* units a second over a time; 0 for no time at all. */
static inline uint64_t hp_track_rate(uint64_t units, hp_time time)
{
    return time > 0 ? (uint64_t)((unsigned __int128)units * HP_S / time) : 0;
}

/* The jitter of RTCP as time, rounded down. */
static inline hp_time hp_track_units(const hp_track_facts *track, uint32_t units)
{
    return (hp_time)((unsigned __int128)units * HP_S / track->clock);
}

#endif
