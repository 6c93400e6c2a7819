/* Rates: constant, in steps, and as opportunities. One packet is on the wire at a time, the next follows when it has
 * left.
 *
 * Constant: length * 8 / rate, rounded up to a nanosecond, so that the rate is never exceeded.
 *
 * Steps: a packet has left when the integral of the rate over time has reached its bits. The sum is kept in bits times
 * 10^9 and is exact; only the end is rounded up. A packet does not start while the rate is 0, one that is under way
 * stands still then. With a cycle, `per_cycle` skips whole rounds, so that the search ends soon however slow they are.
 *
 * Opportunities, as mahimahi's mm-link uses them: at each instant HP_OPPORTUNITY_BYTES may leave. A packet needs its
 * length and HP_OPPORTUNITY_HEADER; it takes what is left of one opportunity after the other and is delivered with the
 * one that completes it. What that one has to spare goes to the next packet, if that waits already: one that comes at
 * the very instant of an opportunity or later does not use it. What nobody takes is gone. The trace begins anew with
 * its last instant: an opportunity at 0 coincides with the last of the round before, and both count.
 *
 * After a change nothing is sent at instants that lie behind, however long a packet has waited: busy_until is at least
 * the instant of the change, and the opportunities before it are gone.
 *
 * Invariants: busy_until only grows, but for a packet the link takes back. `surplus` belongs to the instant busy_until.
 * Opportunity number k is at origin + k / n * cycle + opportunities[k % n]. */
#include "world/link_pace.h"

typedef unsigned __int128 uwide;

/* 8 bits a byte, times 10^9; packets of at most 65575 bytes keep it below 2^49. */
static uint64_t bit_nanoseconds(uint32_t length)
{
    return (uint64_t)length * 8 * HP_S;
}

static hp_time divide_up(uint64_t bit_ns, uint64_t rate_bps)
{
    return bit_ns / rate_bps + (bit_ns % rate_bps != 0);
}

/* ---- steps ---- */

typedef struct segment {
    uint64_t rate_bps;
    bool unlimited;
    hp_time until;
} segment;

/* The number of steps that have begun at `within`, counted from the origin or the start of the cycle. */
static unsigned steps_begun(const hp_link_config *c, hp_time within)
{
    unsigned low = 0, high = c->n_rate_steps;
    while (low < high) {
        unsigned middle = low + (high - low) / 2;
        if (c->rate_steps[middle].at <= within) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

static segment segment_of(const hp_link_config *c, unsigned begun)
{
    if (begun == 0) {
        return (segment){.rate_bps = c->rate_bps, .unlimited = c->rate_bps == 0};
    }
    return (segment){.rate_bps = c->rate_steps[begun - 1].rate_bps};
}

static segment segment_at(const hp_pace *pace, const hp_link_config *c, hp_time t)
{
    hp_time since = t - pace->origin;
    hp_time within = c->rate_cycle != 0 ? since % c->rate_cycle : since;
    unsigned begun = steps_begun(c, within);
    segment s = segment_of(c, begun);
    if (begun < c->n_rate_steps) {
        s.until = hp_time_add(t, c->rate_steps[begun].at - within);
    } else {
        s.until = c->rate_cycle != 0 ? hp_time_add(t, c->rate_cycle - within) : HP_NEVER;
    }
    return s;
}

static uwide sent_per_cycle(const hp_link_config *c)
{
    uwide sum = 0;
    for (unsigned begun = 0; c->rate_cycle != 0 && begun <= c->n_rate_steps; begun++) {
        hp_time from = begun == 0 ? 0 : c->rate_steps[begun - 1].at;
        hp_time to = begun < c->n_rate_steps ? c->rate_steps[begun].at : c->rate_cycle;
        segment s = segment_of(c, begun);
        if (s.unlimited && to > from) {
            return 0;
        }
        uwide sent = (uwide)s.rate_bps * (to - from);
        sum = sum + sent < sum ? ~(uwide)0 : sum + sent;
    }
    return sum;
}

static hp_time steps_start(const hp_pace *pace, const hp_link_config *c, hp_time from)
{
    while (from != HP_NEVER) {
        segment s = segment_at(pace, c, from);
        if (s.unlimited || s.rate_bps > 0) {
            break;
        }
        from = s.until;
    }
    return from;
}

static hp_time steps_left(const hp_pace *pace, const hp_link_config *c, hp_time start, uint32_t length)
{
    uint64_t need = bit_nanoseconds(length);
    hp_time t = start;
    if (pace->per_cycle != 0 && need > pace->per_cycle) {
        /* Whole cycles, but never so many that nothing is left to send. */
        uint64_t cycles = (need - 1) / (uint64_t)pace->per_cycle;
        uwide later = t + (uwide)cycles * c->rate_cycle;
        t = later < HP_NEVER ? (hp_time)later : HP_NEVER;
        need -= cycles * (uint64_t)pace->per_cycle;
    }
    while (t != HP_NEVER) {
        segment s = segment_at(pace, c, t);
        if (s.unlimited) {
            return t;
        }
        if (s.rate_bps > 0) {
            hp_time takes = divide_up(need, s.rate_bps);
            if (takes <= s.until - t) {
                return hp_time_add(t, takes);
            }
            need -= s.rate_bps * (s.until - t);
        }
        t = s.until;
    }
    return HP_NEVER;
}

/* ---- opportunities ---- */

static hp_time cycle_of(const hp_link_config *c)
{
    return c->opportunities[c->n_opportunities - 1];
}

static hp_time opportunity_at(const hp_pace *pace, const hp_link_config *c, uint64_t k)
{
    uwide at = (uwide)(k / c->n_opportunities) * cycle_of(c) + c->opportunities[k % c->n_opportunities] + pace->origin;
    return at < HP_NEVER ? (hp_time)at : HP_NEVER;
}

/* The first opportunity after t. */
static uint64_t first_after(const hp_pace *pace, const hp_link_config *c, hp_time t)
{
    if (t < pace->origin) {
        return 0;
    }
    uint64_t round = (t - pace->origin) / cycle_of(c);
    hp_time within = (t - pace->origin) % cycle_of(c);
    unsigned low = 0, high = c->n_opportunities - 1; /* the last of a round lies after whatever is within it */
    while (low < high) {
        unsigned middle = low + (high - low) / 2;
        if (c->opportunities[middle] <= within) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return round * c->n_opportunities + low;
}

/* What has passed without a packet is gone. */
static void skip_opportunities(hp_pace *pace, const hp_link_config *c, hp_time t)
{
    if (opportunity_at(pace, c, pace->next) <= t) {
        pace->next = MAX(pace->next, first_after(pace, c, t));
    }
}

static hp_time opportunities_start(hp_pace *pace, const hp_link_config *c, hp_time entered)
{
    if (pace->surplus > 0 && pace->busy_until > entered) {
        return pace->busy_until;
    }
    skip_opportunities(pace, c, entered);
    if (pace->busy_until > 0) {
        skip_opportunities(pace, c, pace->busy_until - 1); /* only after a change: of what came before it */
    }
    return opportunity_at(pace, c, pace->next);
}

static hp_time opportunities_left(hp_pace *pace, const hp_link_config *c, hp_time start, uint32_t length)
{
    uint32_t need = length + HP_OPPORTUNITY_HEADER;
    bool goes_on = start == pace->busy_until && pace->surplus > 0;
    uint32_t available = goes_on ? pace->surplus : 0;
    hp_time at = start;
    while (need > available) {
        need -= available;
        at = opportunity_at(pace, c, pace->next++);
        available = HP_OPPORTUNITY_BYTES;
    }
    pace->surplus = available - need;
    return at;
}

/* ---- all ---- */

void hp_pace_configure(hp_pace *pace, const hp_link_config *c, hp_time origin, hp_time now)
{
    pace->kind = c->n_opportunities != 0 ? HP_PACE_OPPORTUNITIES
                 : c->n_rate_steps != 0  ? HP_PACE_STEPS
                 : c->rate_bps != 0      ? HP_PACE_CONSTANT
                                         : HP_PACE_NONE;
    pace->origin = origin;
    pace->surplus = 0;
    pace->busy_until = MAX(pace->busy_until, now);
    pace->next = 0;
    pace->per_cycle = pace->kind == HP_PACE_STEPS ? sent_per_cycle(c) : 0;
}

hp_time hp_pace_start(hp_pace *pace, const hp_link_config *c, hp_time entered)
{
    switch (pace->kind) {
    case HP_PACE_NONE:
    case HP_PACE_CONSTANT:
        return MAX(entered, pace->busy_until);
    case HP_PACE_STEPS:
        return steps_start(pace, c, MAX(entered, pace->busy_until));
    case HP_PACE_OPPORTUNITIES:
        return opportunities_start(pace, c, entered);
    }
    g_assert_not_reached();
}

hp_time hp_pace_send(hp_pace *pace, const hp_link_config *c, hp_time start, uint32_t length)
{
    switch (pace->kind) {
    case HP_PACE_NONE:
        pace->busy_until = start;
        break;
    case HP_PACE_CONSTANT:
        pace->busy_until = hp_time_add(start, divide_up(bit_nanoseconds(length), c->rate_bps));
        break;
    case HP_PACE_STEPS:
        pace->busy_until = steps_left(pace, c, start, length);
        break;
    case HP_PACE_OPPORTUNITIES:
        pace->busy_until = opportunities_left(pace, c, start, length);
        break;
    }
    return pace->busy_until;
}
