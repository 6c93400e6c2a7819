/* One link's packets, out of the transits of all.
 *
 * When a packet entered: when it was sent, plus the delays of the links before, if these only delay. What a link drops
 * as it enters (all but CoDel) was dropped at that instant, whatever came before. When it left: when it arrived, or was
 * dropped by a later link as it entered there, less the delays of those between. Where another link on the way draws a
 * delay or makes packets wait, the time is not known, and the packet counts only for shares.
 *
 * A packet is dependable when its fate on this link would be known whatever that was. A link drops at once what it
 * loses, and what survives is heard of later, or never when the run ends first: so packets that were sent within the
 * longest transit before the end, or behind one that was under way then, are left out, be they lost or not.
 *
 * What is still on its way at the end took the wire behind all that is known, and disturbs nothing.
 *
 * Settled: nothing that entered under earlier settings is on the link any more, which could hold this packet up, and
 * the settings were the same all the time that this one was on it. */
#include "check/link_measure.h"

bool hp_link_is_steady(const hp_link_config *c)
{
    return !hp_link_config_has_jitter(c) && c->reorder_ppb == 0 && !hp_link_has_rate(c);
}

/* The delays of lanes path[from..to) for the packet; false when one of them does more, or changes meanwhile. */
static bool sum_delays(const hp_transits *t, const hp_transit *x, const int *path, unsigned from, unsigned to,
                       hp_time *ret)
{
    hp_time sum = 0;
    for (unsigned i = from; i < to; i++) {
        const hp_lane *lane = &t->lanes[path[i]];
        const hp_lane_epoch *e = hp_lane_epoch_of(lane, x->index);
        if (!hp_link_is_steady(e->config) || x->sent < e->calm || hp_lane_changes(lane, x->index, x->ended)) {
            return false;
        }
        sum = hp_time_add(sum, e->config->delay_ns);
    }
    *ret = sum;
    return true;
}

/* The place of the lane on the packet's path; false when it never got there. */
static bool find_place(const hp_transits *t, const hp_transit *x, int lane, int path[static HP_PATH_MAX],
                       unsigned *ret_n, unsigned *ret_at)
{
    *ret_n = hp_transit_path(t, x, path);
    for (unsigned i = 0; i < *ret_n; i++) {
        if (path[i] == lane) {
            *ret_at = i;
            return true;
        }
        if (x->end == HP_TRANSIT_LOST && x->lane == path[i]) {
            return false;
        }
    }
    return false;
}

static hp_time time_of_entry(const hp_transits *t, const hp_transit *x, const int *path, unsigned at)
{
    hp_time before;
    if (sum_delays(t, x, path, 0, at, &before)) {
        return hp_time_add(x->sent, before);
    }
    bool dropped_here = x->end == HP_TRANSIT_LOST && x->lane == path[at] && x->reason != HP_DROP_LINK_CODEL;
    return dropped_here ? x->ended : HP_NEVER;
}

static hp_time time_of_leaving(const hp_transits *t, const hp_transit *x, const int *path, unsigned n, unsigned at)
{
    hp_time behind;
    unsigned end = n;
    if (x->end == HP_TRANSIT_LOST) {
        for (end = at + 1; end < n && path[end] != x->lane; end++) {
        }
        if (x->lane == path[at] || x->reason == HP_DROP_LINK_CODEL) {
            return HP_NEVER;
        }
    } else if (x->end != HP_TRANSIT_ARRIVED && x->end != HP_TRANSIT_ROUTED) {
        return HP_NEVER;
    }
    if (x->cut || !sum_delays(t, x, path, at + 1, end, &behind) || x->ended < behind) {
        return HP_NEVER;
    }
    return x->ended - behind;
}

static int by_entry(gconstpointer a, gconstpointer b)
{
    const hp_lane_sample *x = a, *y = b;
    hp_time at_x = x->entered != HP_NEVER ? x->entered : x->transit->sent;
    hp_time at_y = y->entered != HP_NEVER ? y->entered : y->transit->sent;
    if (at_x != at_y) {
        return at_x < at_y ? -1 : 1;
    }
    if (x->left != y->left) {
        return x->left < y->left ? -1 : 1;
    }
    return x->transit->index < y->transit->index ? -1 : x->transit->index > y->transit->index;
}

/* The epoch by the instant of entry, where that is known: a change may come while the packet is still before the
 * link. */
static const hp_lane_epoch *epoch_at(const hp_lane *lane, const hp_transit *x, hp_time entered)
{
    if (entered == HP_NEVER || entered == x->sent) {
        return hp_lane_epoch_of(lane, x->index);
    }
    unsigned i = lane->epochs->len - 1;
    while (i > 0 && g_array_index(lane->epochs, hp_lane_epoch, i).from > entered) {
        i--;
    }
    return &g_array_index(lane->epochs, hp_lane_epoch, i);
}

/* The first of those at the end of the list of whom nothing was heard before the run ended; the list's length: none. */
static unsigned first_under_way(const hp_lane_samples *s)
{
    unsigned i = s->list->len, first = i;
    while (i-- > 0 && hp_lane_sample_at(s, i)->left == HP_NEVER) {
        first = hp_lane_sample_at(s, i)->transit->end == HP_TRANSIT_OPEN ? i : first;
    }
    return first;
}

static void find_settled(hp_lane_samples *s, unsigned under_way)
{
    for (unsigned i = 0; i < s->list->len; i++) {
        hp_lane_sample *sample = &g_array_index(s->list, hp_lane_sample, i);
        const hp_transit *x = sample->transit;
        bool first = sample->epoch->index == 0;
        sample->settled = (first || (sample->entered != HP_NEVER && sample->entered > sample->epoch->calm)) &&
                          !hp_lane_changes(s->lane, x->index, x->ended);
        bool told = sample->lost || sample->left != HP_NEVER || i >= under_way;
        s->all_timed = s->all_timed && sample->entered != HP_NEVER && told;
    }
}

hp_lane_samples hp_lane_samples_take(const hp_transits *t, int lane, uint64_t first, uint64_t last)
{
    hp_lane_samples s = {
        .lane = &t->lanes[lane], .list = g_array_new(FALSE, FALSE, sizeof(hp_lane_sample)), .all_timed = true};
    hp_time longest = 0;
    int path[HP_PATH_MAX];
    unsigned n = 0, at = 0;
    for (unsigned i = 0; i < t->list->len; i++) {
        const hp_transit *x = hp_transit_at(t, i);
        if (x->end == HP_TRANSIT_ELSEWHERE || x->to == x->from || !find_place(t, x, lane, path, &n, &at)) {
            continue;
        }
        hp_time entered = time_of_entry(t, x, path, at);
        hp_lane_sample sample = {
            .transit = x,
            .entered = entered,
            .left = time_of_leaving(t, x, path, n, at),
            .lost = x->end == HP_TRANSIT_LOST && x->lane == lane,
            .counted = x->index >= first && x->index < last,
            .epoch = epoch_at(s.lane, x, entered),
        };
        if (x->end == HP_TRANSIT_ARRIVED) {
            longest = MAX(longest, x->ended - x->sent);
        }
        g_array_append_val(s.list, sample);
    }
    g_array_sort(s.list, by_entry);
    unsigned under_way = first_under_way(&s);
    for (unsigned i = 0; i < s.list->len; i++) {
        hp_lane_sample *sample = &g_array_index(s.list, hp_lane_sample, i);
        const hp_transit *x = sample->transit;
        sample->dependable = x->end != HP_TRANSIT_OPEN && i < under_way && hp_time_add(x->sent, longest) <= t->end &&
                             (sample->entered != HP_NEVER || !hp_lane_changes(s.lane, x->index, x->ended));
    }
    find_settled(&s, under_way);
    return s;
}

void hp_lane_samples_clear(hp_lane_samples *s)
{
    g_clear_pointer(&s->list, g_array_unref);
}
