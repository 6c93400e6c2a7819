/* The measures of media, each a line of a table: its name in a scenario, its unit, where it stands in what is asked and
 * in what was found, what must be there for it to mean anything, and which packet shows it. */
#include "check/measures.h"

#include <assert.h>
#include <stddef.h>

/* What there must be; without it nothing was measured. */
typedef enum needs {
    NEEDS_NOTHING,
    NEEDS_SENT,
    NEEDS_PACKET,
    NEEDS_MEDIA,
    NEEDS_RATING,
    NEEDS_FRAME,
    NEEDS_TIMED_FRAME,
    NEEDS_PICTURE, /* one that could stand still; of nothing that was sent nothing freezes */
} needs;

typedef enum shown_by {
    BY_NOTHING,
    BY_INCIDENT, /* the first of `incident` */
    BY_FIRST_PACKET,
    BY_REORDERED,
    BY_LATE,
    BY_JITTER,
    BY_LATENCY, /* the packet that took just that long */
} shown_by;

struct hp_measure {
    const char *name;
    hp_unit unit;
    size_t asked, found; /* offsets */
    bool narrow; /* found is a uint32_t, else a uint64_t */
    bool since_base;
    unsigned group; /* HP_FIGURE_* */
    needs needs;
    shown_by shown_by;
    hp_incident_kind incident;
};

#define ASKED(field) .asked = offsetof(hp_sc_measures, field)
#define FOUND(field)                                                                                                   \
    .found = offsetof(hp_media_figures, field), .narrow = sizeof(((hp_media_figures *)NULL)->field) == sizeof(uint32_t)
#define BOTH(field) ASKED(field), FOUND(field)
#define COUNT(label, field) .name = (label), .unit = HP_UNIT_COUNT, BOTH(field)
#define TIME(label, field) .name = (label), .unit = HP_UNIT_TIME, BOTH(field)
#define INCIDENTS(label, field, kind) COUNT(label, field), .shown_by = BY_INCIDENT, .incident = (kind)
#define LATENCY(label, field)                                                                                          \
    TIME("latency " label, latency.field), .group = HP_FIGURE_LATENCY, .needs = NEEDS_MEDIA, .shown_by = BY_LATENCY
#define FRAME_LATENCY(label, field)                                                                                    \
    TIME("frame-latency " label, frame_latency.field), .group = HP_FIGURE_PICTURE, .needs = NEEDS_TIMED_FRAME

static const hp_measure measures[] = {
    {COUNT("sent", sent), .group = HP_FIGURE_SENT},
    {COUNT("received", received), .group = HP_FIGURE_RECEIVED},
    {.name = "loss", .group = HP_FIGURE_LOST, .unit = HP_UNIT_RATIO, ASKED(loss), FOUND(loss_ppb), .needs = NEEDS_SENT},
    {.name = "unusable",
     .group = HP_FIGURE_ORDER,
     .unit = HP_UNIT_RATIO,
     ASKED(unusable),
     FOUND(unusable_ppb),
     .needs = NEEDS_SENT},
    {COUNT("recovered", recovered), .group = HP_FIGURE_ORDER},
    {COUNT("late", late), .group = HP_FIGURE_ORDER, .shown_by = BY_LATE},
    {INCIDENTS("duplicates", duplicates, HP_INCIDENT_DUPLICATE), .group = HP_FIGURE_ORDER},
    {COUNT("reordered", reordered), .group = HP_FIGURE_ORDER, .shown_by = BY_REORDERED},
    {INCIDENTS("discarded", discarded, HP_INCIDENT_DISCARDED), .group = HP_FIGURE_ORDER},
    {INCIDENTS("foreign", foreign, HP_INCIDENT_FOREIGN), .group = HP_FIGURE_ORDER},
    {INCIDENTS("auth-failures", auth_failures, HP_INCIDENT_AUTH_FAILED), .group = HP_FIGURE_ORDER},
    {INCIDENTS("replays", replays, HP_INCIDENT_REPLAYED), .group = HP_FIGURE_ORDER},
    {.name = "bitrate", .group = HP_FIGURE_OCTETS, .unit = HP_UNIT_RATE, BOTH(bitrate)},
    {.name = "jitter",
     .group = HP_FIGURE_JITTER,
     .unit = HP_UNIT_TIME,
     ASKED(jitter),
     FOUND(jitter_mean),
     .needs = NEEDS_MEDIA},
    {TIME("jitter-max", jitter_max), .group = HP_FIGURE_JITTER_MAX, .needs = NEEDS_MEDIA, .shown_by = BY_JITTER},
    {LATENCY("min", min)},
    {LATENCY("median", median)},
    {LATENCY("mean", mean)},
    {LATENCY("p95", p95)},
    {LATENCY("max", max)},
    {TIME("first-packet", first_packet), .group = HP_FIGURE_FIRST, .since_base = true, .needs = NEEDS_PACKET,
     .shown_by = BY_FIRST_PACKET},
    {.name = "mos",
     .group = HP_FIGURE_RATING,
     .unit = HP_UNIT_MILLI,
     ASKED(mos),
     FOUND(mos_milli),
     .needs = NEEDS_RATING},
    {TIME("first-frame", first_frame), .group = HP_FIGURE_FIRST, .since_base = true, .needs = NEEDS_FRAME},
    {COUNT("frames", frames), .group = HP_FIGURE_FRAMES},
    {COUNT("key-frames", key_frames), .group = HP_FIGURE_PICTURE},
    {.name = "frame-rate",
     .group = HP_FIGURE_FRAMES,
     .unit = HP_UNIT_MILLI,
     ASKED(frame_rate),
     FOUND(frame_rate_milli)},
    {FRAME_LATENCY("min", min)},
    {FRAME_LATENCY("median", median)},
    {FRAME_LATENCY("mean", mean)},
    {FRAME_LATENCY("p95", p95)},
    {FRAME_LATENCY("max", max)},
    {COUNT("freezes", freezes), .group = HP_FIGURE_PICTURE, .needs = NEEDS_PICTURE},
    {TIME("freeze-time", freeze_time), .group = HP_FIGURE_PICTURE, .needs = NEEDS_PICTURE},
    {TIME("freeze-longest", freeze_longest), .group = HP_FIGURE_PICTURE, .needs = NEEDS_PICTURE},
    {COUNT("nacks", nacks), .group = HP_FIGURE_FEEDBACK},
    {COUNT("plis", plis), .group = HP_FIGURE_FEEDBACK},
    {COUNT("retransmitted", retransmitted), .group = HP_FIGURE_REPAIRS},
};
/* hp_sc_measures is nothing but comparisons, so that a measure left out of the table shows. */
static_assert(G_N_ELEMENTS(measures) == sizeof(hp_sc_measures) / sizeof(hp_compare), "each measure has its line");

unsigned hp_measures_n(void)
{
    return G_N_ELEMENTS(measures);
}

const hp_measure *hp_measure_at(unsigned i)
{
    return &measures[i];
}

const char *hp_measure_name(const hp_measure *m)
{
    return m->name;
}

hp_unit hp_measure_unit(const hp_measure *m)
{
    return m->unit;
}

const hp_compare *hp_measure_asked(const hp_measure *m, const hp_sc_measures *asked)
{
    return (const hp_compare *)(const void *)((const char *)asked + m->asked);
}

/* NULL when it is there. */
static const char *what_lacks(needs what, const hp_media_figures *f)
{
    switch (what) {
    case NEEDS_NOTHING:
        return NULL;
    case NEEDS_SENT:
        return f->sent > f->in_flight ? NULL : f->sent > 0 ? "all is in flight" : "nothing was sent";
    case NEEDS_PACKET:
        return f->first_packet != HP_NEVER ? NULL : "no packet arrived";
    case NEEDS_MEDIA:
        return f->received > 0 ? NULL : "no packet arrived";
    case NEEDS_RATING:
        return f->mos_milli > 0 ? NULL : "nothing to rate";
    case NEEDS_FRAME:
        return f->frames > 0 ? NULL : "no frame was shown";
    case NEEDS_PICTURE:
        return f->frames > 0 || f->freezes > 0 || f->sent == f->in_flight ? NULL : "no frame was shown";
    case NEEDS_TIMED_FRAME:
        return f->frame_latency.count > 0 ? NULL : f->frames > 0 ? "no frame tells" : "no frame was shown";
    }
    g_assert_not_reached();
}

bool hp_measure_value(const hp_measure *m, const hp_media_figures *figures, hp_time base, int64_t *ret,
                      const char **ret_why)
{
    const char *at = (const char *)figures + m->found;
    uint32_t narrow;
    uint64_t value;
    const char *why =
        (figures->unknown & m->group) != 0 ? "a program that is not ours does not tell" : what_lacks(m->needs, figures);
    if (why != NULL) {
        *ret_why = why;
        return false;
    }
    if (m->narrow) {
        memcpy(&narrow, at, sizeof narrow);
        value = narrow;
    } else {
        memcpy(&value, at, sizeof value);
    }
    if (m->since_base) {
        value -= MIN(value, base);
    }
    *ret = (int64_t)MIN(value, (uint64_t)INT64_MAX);
    return true;
}

uint32_t hp_measure_packet(const hp_measure *m, const hp_track_facts *track, const hp_track_window *window,
                           const hp_track_evidence *evidence, int64_t value)
{
    switch (m->shown_by) {
    case BY_NOTHING:
        return 0;
    case BY_INCIDENT:
        return evidence->incidents[m->incident];
    case BY_FIRST_PACKET:
        return evidence->first_packet;
    case BY_REORDERED:
        return evidence->reordered;
    case BY_LATE:
        return evidence->late;
    case BY_JITTER:
        return evidence->jitter_max;
    case BY_LATENCY:
        return hp_track_packet_with_latency(track, window, (hp_time)value);
    }
    g_assert_not_reached();
}
