/* How long packets were on a link, against delay, waiting and jitter.
 *
 * The extra delay of a packet is its time on the link less the declared delay and, where the rate is constant, less the
 * time it waited and was on the wire, which follows from the entries of all packets: each starts when it enters or when
 * the one before has left. It must lie between 0 and the longest that jitter and reordering allow. Where the rate
 * changes, or where not every packet's entry is known, waiting is not computed, and only `not too early` is held.
 *
 * Order is kept: a packet with little jitter is held up by one before it with more, and shows that one's. It shows its
 * own when that is beyond what holds it up, so that its chance among those beyond is uniform, (F(x) - F(h)) / (1 -
 * F(h)) with h what would have been hidden; that is left out where hardly anything is beyond. The largest distance
 * between their distribution and the declared one (Kolmogorov and Smirnov) exceeds 2.74 / sqrt(n) as seldom as a normal
 * variable five standard deviations. Several settings, or links of a network that share theirs, are one sample by the
 * probability integral transform: each delay is replaced by its chance, and these are uniform. Delays that jump (lists,
 * all that a limit cuts) stand for the range of chances of their step, and only distances beyond either of its ends
 * count.
 *
 * A list that is replayed in turn is no random sample; it deviates by one round at most, which is allowed on top. */
#include <stdlib.h>

#include "base/rng.h"
#include "check/link_measure.h"

typedef unsigned __int128 uwide;

#define ONE (UINT64_C(1) << 32)
#define LIMIT_SQUARED_MILLI 7508 /* 2.74 squared, in thousandths */
enum { LEAST_FREE = 200, LEAST_SHOWN = 64 };

/* What one packet's jitter says: the chances of less, and of no more. */
typedef struct hp_free_delay {
    uint64_t below, at_most;
} hp_free_delay;

typedef struct wire {
    const hp_lane_epoch *epoch;
    hp_time busy_until; /* under a constant rate */
    hp_time latest; /* the latest that left, but for those held back */
} wire;

static bool changes_rate(const hp_link_config *c)
{
    return c->n_rate_steps > 0 || c->n_opportunities > 0;
}

static hp_time time_on_wire(const hp_link_config *c, uint32_t length)
{
    uint64_t bits = (uint64_t)length * 8 * HP_S; /* times 1e9 */
    return c->rate_bps == 0 ? 0 : bits / c->rate_bps + (bits % c->rate_bps != 0);
}

void hp_delay_sum_init(hp_delay_sum *sum)
{
    *sum = (hp_delay_sum){
        .delay = {.min = HP_NEVER, .bounded = true},
        .free = g_array_new(FALSE, FALSE, sizeof(hp_free_delay)),
    };
}

void hp_delay_sum_clear(hp_delay_sum *sum)
{
    g_clear_pointer(&sum->free, g_array_unref);
}

static void complain(hp_delay *d, uint64_t *count, hp_time by, uint32_t packet)
{
    if (d->early + d->late == 0) {
        d->packet = packet;
    }
    (*count)++;
    d->worst = MAX(d->worst, by);
}

/* The instant at which the packet left the wire, as far as that can be computed. */
static hp_time leaves_wire(wire *w, const hp_lane_sample *s, bool exact)
{
    const hp_link_config *c = s->epoch->config;
    if (!exact || !hp_link_has_rate(c)) {
        return s->entered;
    }
    w->busy_until = hp_time_add(MAX(s->entered, w->busy_until), time_on_wire(c, s->transit->length));
    return w->busy_until;
}

/* A packet whose jitter was `extra`; it would not show had it been `hidden` or less. */
static void add_free(hp_delay_sum *sum, const hp_link_config *c, hp_time extra, bool any_hidden, hp_time hidden)
{
    hp_free_delay f = {.below = hp_jitter_below(c, extra), .at_most = hp_jitter_at_most(c, extra)};
    uint64_t left_out = any_hidden ? hp_jitter_at_most(c, hidden) : 0;
    if (left_out > ONE - ONE / LEAST_SHOWN) {
        return;
    }
    f.below = (uint64_t)((uwide)(f.below - MIN(f.below, left_out)) * ONE / (ONE - left_out));
    f.at_most = (uint64_t)((uwide)(f.at_most - MIN(f.at_most, left_out)) * ONE / (ONE - left_out));
    g_array_append_val(sum->free, f);
    uint64_t needs = c->jitter_kind == HP_JITTER_LIST ? MAX(LEAST_FREE, c->n_jitter_list) : LEAST_FREE;
    sum->delay.needs = MAX(sum->delay.needs, needs);
}

static void add_one(hp_delay_sum *sum, wire *w, const hp_lane_sample *s, bool exact)
{
    hp_delay *d = &sum->delay;
    const hp_link_config *c = s->epoch->config;
    bool waits = hp_link_has_rate(c), computed = !waits || (exact && !changes_rate(c));
    hp_time off_wire = leaves_wire(w, s, computed), due = hp_time_add(off_wire, c->delay_ns);
    hp_time took = s->left - s->entered, reach = hp_link_reach(c), held_up_until = w->latest;
    bool held_back = c->reorder_ppb != 0 && s->left >= hp_time_add(due, hp_link_held(c));
    w->latest = MAX(w->latest, held_back ? s->left - hp_link_held(c) : s->left);
    if (!s->counted || !s->settled) {
        return;
    }
    d->n++;
    d->min = MIN(d->min, took);
    d->max = MAX(d->max, took);
    d->jitter |= hp_link_config_has_jitter(c);
    d->bounded = d->bounded && computed;
    if (s->left < due) {
        complain(d, &d->early, due - s->left, s->transit->packet);
        return;
    }
    if (!computed) {
        return;
    }
    hp_time extra = s->left - due;
    /* One that is held up shows the jitter of another. */
    hp_time allowed = MAX(hp_time_add(due, reach), c->jitter_overtakes ? 0 : held_up_until);
    if (reach != HP_NEVER && s->left > allowed) {
        complain(d, &d->late, s->left - allowed, s->transit->packet);
    }
    if (!hp_link_config_has_jitter(c)) {
        return;
    }
    bool hidden = !c->jitter_overtakes && held_up_until > due;
    bool drawn_alone = c->jitter_kind != HP_JITTER_LIST && c->reorder_ppb == 0;
    if (!hidden || (drawn_alone && s->left > held_up_until)) {
        add_free(sum, c, extra, hidden, hidden ? held_up_until - due : 0);
    }
}

void hp_delay_add(hp_delay_sum *sum, const hp_lane_samples *s)
{
    wire w = {0};
    for (unsigned i = 0; i < s->list->len; i++) {
        const hp_lane_sample *sample = hp_lane_sample_at(s, i);
        const hp_link_config *c = sample->epoch->config;
        sum->delay.jitter |= sample->counted && hp_link_config_has_jitter(c);
        sum->delay.declared |= sample->counted && (c->delay_ns != 0 || !hp_link_is_steady(c));
        if (w.epoch != sample->epoch) {
            w.epoch = sample->epoch;
            w.busy_until = 0;
        }
        if (sample->entered != HP_NEVER && sample->left != HP_NEVER && !sample->lost) {
            add_one(sum, &w, sample, s->all_timed);
        }
    }
}

static int by_value(gconstpointer a, gconstpointer b)
{
    const uint64_t *x = a, *y = b;
    return *x < *y ? -1 : *x > *y;
}

/* The most by which the share of samples at or below any value is above it (ends: their upper ends), or that of samples
 * below it falls short of it (their lower ends). */
static uint64_t distance(const GArray *free_delays, bool ends)
{
    uint64_t n = free_delays->len, farthest = 0;
    g_autofree uint64_t *values = g_new(uint64_t, n);
    for (uint64_t i = 0; i < n; i++) {
        const hp_free_delay *f = &g_array_index(free_delays, hp_free_delay, i);
        values[i] = ends ? f->at_most : f->below;
    }
    qsort(values, n, sizeof *values, by_value);
    for (uint64_t i = 0; i < n;) {
        uint64_t end = i + 1;
        while (end < n && values[end] == values[i]) {
            end++;
        }
        uint64_t share = (uint64_t)((uwide)(ends ? end : i) * ONE / n);
        farthest = MAX(farthest, ends ? share - MIN(share, values[i]) : values[i] - MIN(values[i], share));
        i = end;
    }
    return farthest;
}

void hp_delay_settle(hp_delay_sum *sum)
{
    hp_delay *d = &sum->delay;
    uint64_t n = d->n_free = sum->free->len;
    d->needs = d->jitter ? MAX(d->needs, LEAST_FREE) : 1;
    if (n == 0) {
        return;
    }
    uint64_t farthest = MAX(distance(sum->free, true), distance(sum->free, false));
    d->distance_ppb = (uint64_t)((uwide)farthest * HP_PPB / ONE);
    /* sqrt(2.74^2 / n) */
    d->allowed_ppb = hp_isqrt((uwide)LIMIT_SQUARED_MILLI * (HP_PPB / 1000) * HP_PPB / n);
    if (d->needs > LEAST_FREE) {
        d->allowed_ppb += (uint64_t)((uwide)d->needs * HP_PPB / n);
    }
}
