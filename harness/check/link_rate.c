/* What a link carried, against what its rate allows.
 *
 * Never more: between any two departures no more bytes leave than the wire can carry in that time, and one packet. With
 * B the bytes that have left and C the capacity from the start, B - C must not rise by more than a packet from any
 * point to any later one, which one pass with the least value so far finds. Jitter moves departures by its reach at
 * most, and the earlier end of each stretch is moved by that.
 *
 * As much as it can while packets wait: from a departure to that of the next packet, which had entered before, the wire
 * was taken all the time. Over all such stretches at least 99 % of the capacity must have been used. That is looked at
 * where no jitter hides the departures, and where every packet that took the wire is known.
 *
 * Capacity is kept in bits times 10^9, the product of a rate and nanoseconds. An opportunity carries
 * HP_OPPORTUNITY_BYTES, a packet takes HP_OPPORTUNITY_HEADER more than its length; what an opportunity has to spare
 * when nobody waits is gone, so a stretch may fall short by one. A schedule that begins without a limit is looked at
 * from its first step on. */
#include "check/link_measure.h"

typedef unsigned __int128 uwide;
typedef __int128 wide;

enum { LEAST_PERCENT = 99 };

bool hp_link_has_rate(const hp_link_config *c)
{
    return c->rate_bps != 0 || c->n_rate_steps > 0 || c->n_opportunities > 0;
}

static uwide bit_nanoseconds(uint64_t bytes)
{
    return (uwide)bytes * 8 * HP_S;
}

static uint64_t takes(const hp_link_config *c, const hp_lane_sample *s)
{
    return s->transit->length + (c->n_opportunities > 0 ? HP_OPPORTUNITY_HEADER : 0);
}

/* ---- capacity, from the origin on ---- */

static uwide by_opportunities(const hp_link_config *c, hp_time since)
{
    hp_time cycle = c->opportunities[c->n_opportunities - 1];
    uwide n = (uwide)(since / cycle) * c->n_opportunities;
    hp_time within = since % cycle;
    for (unsigned i = 0; i < c->n_opportunities && c->opportunities[i] <= within; i++) {
        n++;
    }
    return n * bit_nanoseconds(HP_OPPORTUNITY_BYTES);
}

/* Of one round, up to `within`. */
static uwide by_steps(const hp_link_config *c, hp_time within)
{
    uwide sum = 0;
    for (unsigned i = 0; i <= c->n_rate_steps; i++) {
        hp_time from = i == 0 ? 0 : c->rate_steps[i - 1].at;
        hp_time to = i < c->n_rate_steps ? MIN(c->rate_steps[i].at, within) : within;
        uint64_t rate = i == 0 ? c->rate_bps : c->rate_steps[i - 1].rate_bps;
        if (to > from) {
            sum += (uwide)rate * (to - from);
        }
    }
    return sum;
}

static uwide until(const hp_lane_epoch *e, hp_time at)
{
    const hp_link_config *c = e->config;
    hp_time since = at > e->rate_origin ? at - e->rate_origin : 0;
    if (c->n_opportunities > 0) {
        return by_opportunities(c, since);
    }
    if (c->n_rate_steps == 0) {
        return (uwide)c->rate_bps * since;
    }
    if (c->rate_cycle == 0) {
        return by_steps(c, since);
    }
    return by_steps(c, c->rate_cycle) * (since / c->rate_cycle) + by_steps(c, since % c->rate_cycle);
}

uwide hp_link_capacity(const hp_lane_epoch *e, hp_time from, hp_time to)
{
    return to <= from ? 0 : until(e, to) - until(e, from);
}

/* No limit at all in a part of the schedule. */
static bool is_open(const hp_link_config *c, hp_time since)
{
    return c->n_rate_steps > 0 && c->rate_bps == 0 &&
           (c->rate_cycle != 0 ? c->rate_steps[0].at > 0 : since < c->rate_steps[0].at);
}

/* ---- departures ---- */

typedef struct departure {
    const hp_lane_sample *s;
    hp_time at; /* the latest it can have been */
} departure;

static int by_time(gconstpointer a, gconstpointer b)
{
    const departure *x = a, *y = b;
    if (x->at != y->at) {
        return x->at < y->at ? -1 : 1;
    }
    return x->s->transit->index < y->s->transit->index ? -1 : x->s->transit->index > y->s->transit->index;
}

/* No stretch of these carried too much. */
static void check_excess(hp_rate *rate, const hp_lane_epoch *e, GArray *list, hp_time reach)
{
    wide least = 0, sent = 0;
    bool any = false;
    uint64_t longest = 0;
    for (unsigned i = 0; i < list->len; i++) {
        const departure *d = &g_array_index(list, departure, i);
        longest = MAX(longest, takes(e->config, d->s));
        sent += (wide)bit_nanoseconds(takes(e->config, d->s));
        wide over = any ? sent - (wide)until(e, d->at) - least : 0;
        uint64_t slack = e->config->n_opportunities > 0 ? MAX(longest, HP_OPPORTUNITY_BYTES) : longest;
        wide excess = over - (wide)bit_nanoseconds(slack);
        if (excess > 0) {
            uint64_t bytes = (uint64_t)(((uwide)excess + 8 * HP_S - 1) / (8 * HP_S));
            rate->excess_bytes = MAX(rate->excess_bytes, bytes);
        }
        wide here = sent - (wide)until(e, d->at > reach ? d->at - reach : 0);
        least = any ? MIN(least, here) : here;
        any = true;
    }
}

static void check_use(hp_rate_sum *sum, const hp_lane_epoch *e, GArray *list)
{
    const departure *before = NULL;
    bool was_waiting = false;
    for (unsigned i = 0; i < list->len; i++) {
        const departure *d = &g_array_index(list, departure, i);
        bool waits = before != NULL && d->s->counted && d->s->entered < before->at;
        if (waits) {
            sum->rate.n_waiting++;
            sum->sent += bit_nanoseconds(takes(e->config, d->s));
            sum->possible += hp_link_capacity(e, before->at, d->at);
            sum->ns += d->at - before->at;
        }
        if (waits && !was_waiting && e->config->n_opportunities > 0) {
            sum->spared += bit_nanoseconds(HP_OPPORTUNITY_BYTES);
        }
        was_waiting = waits;
        before = d;
    }
}

static void add_epoch(hp_rate_sum *sum, const hp_lane_samples *s, const hp_lane_epoch *e)
{
    const hp_link_config *c = e->config;
    hp_time reach = hp_link_reach(c);
    g_autoptr(GArray) list = g_array_new(FALSE, FALSE, sizeof(departure));
    for (unsigned i = 0; i < s->list->len; i++) {
        const hp_lane_sample *x = hp_lane_sample_at(s, i);
        if (x->epoch != e || x->left == HP_NEVER || x->lost || !x->settled || x->left < c->delay_ns ||
            is_open(c, x->left - c->delay_ns > e->rate_origin ? x->left - c->delay_ns - e->rate_origin : 0)) {
            continue;
        }
        departure d = {.s = x, .at = x->left - c->delay_ns};
        sum->rate.n += x->counted;
        g_array_append_val(list, d);
    }
    g_array_sort(list, by_time);
    if (reach == HP_NEVER) {
        sum->rate.blurred = true;
        return;
    }
    check_excess(&sum->rate, e, list, reach);
    if (reach > 0 || !s->all_timed) {
        sum->rate.blurred |= reach > 0;
        return;
    }
    check_use(sum, e, list);
}

void hp_rate_add(hp_rate_sum *sum, const hp_lane_samples *s)
{
    for (unsigned i = 0; i < s->lane->epochs->len; i++) {
        const hp_lane_epoch *e = &g_array_index(s->lane->epochs, hp_lane_epoch, i);
        bool used = false;
        for (unsigned k = 0; k < s->list->len && !used; k++) {
            used = hp_lane_sample_at(s, k)->epoch == e && hp_lane_sample_at(s, k)->counted;
        }
        if (used && hp_link_has_rate(e->config)) {
            sum->rate.declared = true;
            add_epoch(sum, s, e);
        }
    }
}

void hp_rate_settle(hp_rate_sum *sum)
{
    hp_rate *r = &sum->rate;
    if (sum->ns > 0) {
        r->measured_bps = (uint64_t)(sum->sent / sum->ns);
        r->declared_bps = (uint64_t)(sum->possible / sum->ns);
    }
    r->slow = (sum->sent + sum->spared) * 100 < sum->possible * LEAST_PERCENT;
}
