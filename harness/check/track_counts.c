/* Figures of a track whose receiver is a program that is not ours: what it has counted, about once a second.
 *
 * A window's counts are the last ones told before its end, less the last ones told before its start, so that they are as
 * fine as the telling: nothing is known of a window between two of them. What our own sender sent in the window is known
 * to the packet, what a foreign one sent as its counts say. Both ends count at instants of their own, so that the sender's
 * count is ahead of the receiver's by what lies between: that is `in flight`, and no share is taken of it. Sent is never
 * less than what came and what was lost.
 *
 * All that takes a look at single packets is unknown: order, latency, when the first one came, how it sounded. */
#include "check/track.h"

/* What was counted in a window: the difference of two tellings. told 0: nothing was told. */
static hp_media_counts in_window(const GArray *list, const hp_track_window *w, hp_time *ret_span)
{
    hp_media_counts last = {0}, before = {0};
    for (unsigned i = 0; i < list->len; i++) {
        const hp_media_counts *c = &g_array_index(list, hp_media_counts, i);
        if (c->index < w->from) {
            before = *c;
        }
        if (c->index < w->to) {
            last = *c;
        }
    }
    if (last.told == 0 || last.index < w->from) {
        *ret_span = 0;
        return (hp_media_counts){0};
    }
    const hp_media_counts *first = &g_array_index(list, hp_media_counts, 0);
    *ret_span = last.at - (before.told != 0 ? before.at : first->at);
    last.packets -= MIN(before.packets, last.packets);
    last.octets -= MIN(before.octets, last.octets);
    last.frames -= MIN(before.frames, last.frames);
    last.lost -= MIN(before.lost, last.lost);
    return last;
}

static unsigned unknown_of(const hp_track_facts *track, unsigned in, unsigned out)
{
    unsigned unknown = HP_FIGURE_ORDER | HP_FIGURE_JITTER_MAX | HP_FIGURE_LATENCY | HP_FIGURE_FIRST | HP_FIGURE_RATING |
                       HP_FIGURE_PICTURE | HP_FIGURE_FEEDBACK | HP_FIGURE_REPAIRS;
    unknown |= (in & HP_COUNTED_PACKETS) != 0 ? 0 : HP_FIGURE_RECEIVED;
    unknown |= (in & HP_COUNTED_LOST) != 0 ? 0 : HP_FIGURE_LOST;
    unknown |= (in & HP_COUNTED_OCTETS) != 0 ? 0 : HP_FIGURE_OCTETS;
    unknown |= (in & HP_COUNTED_JITTER) != 0 ? 0 : HP_FIGURE_JITTER;
    unknown |= (in & HP_COUNTED_FRAMES) != 0 ? 0 : HP_FIGURE_FRAMES;
    if (track->foreign_sender && (out & HP_COUNTED_PACKETS) == 0) {
        unknown |= HP_FIGURE_SENT;
    }
    return unknown;
}

void hp_track_counted_figures(const hp_track_facts *track, const hp_track_window *window, hp_media_figures *ret)
{
    hp_time span, out_span;
    const hp_media_counts in = in_window(track->counted_in, window, &span);
    const hp_media_counts out = in_window(track->counted_out, window, &out_span);
    const uint64_t accounted = in.packets + in.lost;
    const uint64_t sent = MAX(track->foreign_sender ? out.packets : ret->sent, accounted);
    *ret = (hp_media_figures){
        .basis = HP_FIGURES_OF_COUNTS,
        .unknown = unknown_of(track, in.told, out.told),
        .sent = sent,
        .received = in.packets,
        .lost = in.lost,
        .in_flight = sent - accounted,
        .loss_ppb = hp_track_share(in.lost, accounted),
        .octets = in.octets,
        .bitrate = hp_track_rate(in.octets * 8, span),
        .jitter_mean = in.jitter,
        .first_packet = HP_NEVER,
        .first_frame = HP_NEVER,
        .frames = in.frames,
        .frame_rate_milli = hp_track_rate(in.frames * 1000, span),
    };
}
