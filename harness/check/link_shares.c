/* Shares of packets: lost, duplicated, held back, corrupted.
 *
 * Independent hits with the chance p among n packets: n p on average, with the variance n p (1 - p). Under a
 * Gilbert-Elliott chain hits hang together: with the chance e of entering and l of leaving the bad state before each
 * packet, and losses g and b in the two, the bad state is met in the share B = e / (e + l), the mean loss is
 * m = (1 - B) g + B b, and the covariance of packets k apart is (b - g)^2 B (1 - B) r^k with r = 1 - e - l; the sum
 * over all k gives the variance n (m (1 - m) + 2 (b - g)^2 B (1 - B) r / (1 - r)). A chain that begins in the good
 * state is behind its mean by at most (b - g) B / (1 - r) packets, which widens the bounds.
 *
 * Bounds lie five standard deviations off the mean. Few hits are skewed upwards: the upper bound is wider by four more
 * (the first term of the Cornish-Fisher expansion, (z^2 - 1) / 6 for z = 5), and by as many times four as bursts make
 * the variance larger. Nothing declared allows no hit, all declared no miss.
 *
 * What is hit by other means than chance does not count among the n: outages and lists are looked at one by one, and a
 * packet that found no room or was too long never had its luck drawn for what comes behind. Losses by a list of numbers
 * without a match are held against that list when the whole run is looked at. */
#include <string.h>

#include "base/rng.h"
#include "check/link_measure.h"

typedef unsigned __int128 uwide;

enum { SIGMAS = 5, SKEW = 4, MILLI = 1000 };

uint64_t hp_isqrt(unsigned __int128 x)
{
    uwide root = 0;
    for (int bit = 63; bit >= 0; bit--) {
        uwide next = root | (uwide)1 << bit;
        if (next * next <= x) {
            root = next;
        }
    }
    return (uint64_t)root;
}

/* ---- what is declared ---- */

typedef struct declared {
    uint64_t mean; /* ppb */
    uint64_t variance; /* a packet, ppb; in the long run */
    uint64_t slack; /* hits */
} declared;

static declared independent(uint64_t ppb)
{
    ppb = MIN(ppb, HP_PPB);
    return (declared){.mean = ppb, .variance = (uint64_t)((uwide)ppb * (HP_PPB - ppb) / HP_PPB)};
}

static declared in_bursts(const hp_link_config *c)
{
    uint64_t enter = MIN(c->burst_enter_ppb, HP_PPB), leave = MIN(c->burst_leave_ppb, HP_PPB);
    uint64_t good = MIN(c->loss_ppb, HP_PPB), bad = MIN(c->burst_loss_ppb, HP_PPB);
    uint64_t all = enter + leave, share = (uint64_t)((uwide)enter * HP_PPB / all);
    uint64_t apart = bad > good ? bad - good : good - bad;
    uint64_t mean = (uint64_t)(((uwide)(HP_PPB - share) * good + (uwide)share * bad) / HP_PPB);
    declared d = independent(mean);
    uint64_t spread = (uint64_t)((uwide)apart * apart / HP_PPB * share / HP_PPB * (HP_PPB - share) / HP_PPB);
    if (all < HP_PPB) {
        d.variance += (uint64_t)((uwide)2 * spread * (HP_PPB - all) / all); /* r / (1 - r) = (1 - all) / all */
    }
    if (!c->burst_steady) {
        d.slack = (uint64_t)((uwide)apart * share / HP_PPB / all) + 1;
    }
    return d;
}

static declared declare(hp_share_kind kind, const hp_link_config *c)
{
    switch (kind) {
    case HP_SHARE_LOSS:
        return c->burst_enter_ppb > 0 ? in_bursts(c) : independent(c->loss_ppb);
    case HP_SHARE_DUPLICATES:
        return independent(c->duplicate_ppb);
    case HP_SHARE_REORDERING:
        return independent(c->reorder_ppb);
    case HP_SHARE_CORRUPTION:
        return independent(c->corrupt_ppb);
    }
    g_assert_not_reached();
}

/* ---- which packets count, and which were hit ---- */

static bool is_chance(hp_drop_reason reason)
{
    return reason == HP_DROP_LINK_LOSS || reason == HP_DROP_LINK_BURST;
}

static bool in_outage(const hp_lane_sample *s)
{
    const hp_link_config *c = s->epoch->config;
    hp_time since = s->entered - s->epoch->outage_origin;
    hp_time within = c->outage_cycle != 0 ? since % c->outage_cycle : since;
    for (unsigned i = 0; i < c->n_outages; i++) {
        if (within >= c->outages[i].from && within < c->outages[i].to) {
            return true;
        }
    }
    return c->down;
}

/* Whether another link on the way may do the same, so that nobody knows who did. */
static bool is_alone(const hp_transits *t, const hp_lane_samples *s, const hp_transit *x, hp_share_kind kind)
{
    int path[HP_PATH_MAX];
    unsigned n = hp_transit_path(t, x, path);
    for (unsigned i = 0; i < n; i++) {
        const hp_lane *other = &t->lanes[path[i]];
        if (other != s->lane && (declare(kind, hp_lane_epoch_of(other, x->index)->config).mean != 0 ||
                                 hp_lane_changes(other, x->index, x->ended))) {
            return false;
        }
    }
    return true;
}

static void add_hits(hp_share_sum *sum, const declared *d, uint64_t n, uint64_t hits)
{
    hp_share *share = &sum->share;
    share->n += n;
    share->hits += hits;
    share->declared |= d->mean != 0;
    share->n_exposed += d->mean != 0 ? n : 0;
    sum->mean += (uwide)n * d->mean;
    sum->variance += (uwide)n * d->variance;
    uint64_t plain = independent(d->mean).variance;
    if (n > 0 && plain > 0) {
        sum->steepest = MAX(sum->steepest, (uint64_t)((uwide)d->variance * MILLI / plain));
    }
}

static void add_loss(hp_share_sum *sum, const hp_lane_sample *s)
{
    hp_share *share = &sum->share;
    bool down = s->lost && s->transit->reason == HP_DROP_LINK_DOWN;
    share->all_n++;
    share->all_hits += s->lost;
    /* At a change's very instant nobody knows on which side of it the packet came. */
    bool sharp = s->entered != HP_NEVER && s->entered != s->epoch->from;
    if (sharp && down != in_outage(s)) {
        share->wrong++;
    }
    if (down || (s->lost && s->transit->reason == HP_DROP_LINK_LIST)) {
        share->set_losses++;
        return;
    }
    declared d = declare(HP_SHARE_LOSS, s->epoch->config);
    add_hits(sum, &d, 1, s->lost && is_chance(s->transit->reason));
    sum->slack = MAX(sum->slack, d.slack);
}

/* Numbers of the list among the first n packets; the list may overlap itself. */
static uint64_t listed(const hp_link_config *c, uint64_t n)
{
    uint64_t count = 0;
    for (uint64_t i = 1; i <= n; i++) {
        bool in = false;
        for (unsigned k = 0; k < c->n_drop && !in; k++) {
            in = i >= c->drop[k].first && (c->drop[k].last == 0 || i <= c->drop[k].last);
        }
        count += in;
    }
    return count;
}

/* One packet after the other, as the link counted them; a packet that an outage takes is counted too, and if it is down
 * and listed it was dropped as down. */
static void check_list(hp_share_sum *sum, const hp_lane_samples *s)
{
    const hp_link_config *c = hp_lane_sample_at(s, 0)->epoch->config;
    uint64_t dropped = 0, n = 0;
    for (unsigned i = 0; i < s->list->len; i++) {
        const hp_lane_sample *x = hp_lane_sample_at(s, i);
        if (!x->counted || x->transit->end == HP_TRANSIT_OPEN || x->epoch->config != c || c->down || c->n_outages > 0) {
            return; /* it is not known which number which packet had */
        }
        n++;
        dropped += x->lost && x->transit->reason == HP_DROP_LINK_LIST;
    }
    if (!c->drop_some) {
        uint64_t wanted = listed(c, n);
        sum->share.wrong += dropped > wanted ? dropped - wanted : wanted - dropped;
    }
}

static bool reaches_the_wire(const hp_lane_sample *s)
{
    return s->transit->end == HP_TRANSIT_ARRIVED && !s->transit->cut;
}

/* What is held back comes so much later; where nothing is, a packet that comes before an earlier one is out of order.
 * False when it cannot be told. */
static bool was_held_back(hp_share *share, const hp_lane_sample *s, hp_time latest, bool *ret)
{
    const hp_link_config *c = s->epoch->config;
    hp_time held = hp_link_held(c);
    hp_link_config still = *c;
    still.reorder_ppb = 0;
    if (c->reorder_ppb != 0 && (hp_link_has_rate(c) || hp_link_reach(&still) >= held)) {
        share->blurred = share->declared = true;
        return false;
    }
    if (s->entered == HP_NEVER || s->left == HP_NEVER || !s->settled || c->jitter_overtakes) {
        return false;
    }
    *ret = c->reorder_ppb != 0 ? s->left - s->entered >= hp_time_add(c->delay_ns, held) : s->left < latest;
    return true;
}

static void add_one(hp_share_sum *sum, hp_share_kind kind, const hp_transits *t, const hp_lane_samples *list,
                    const hp_lane_sample *s, hp_time latest)
{
    const hp_link_config *c = s->epoch->config;
    declared d = declare(kind, c);
    bool hit = false;
    switch (kind) {
    case HP_SHARE_LOSS:
        add_loss(sum, s);
        return;
    case HP_SHARE_DUPLICATES:
        hit = s->transit->copies > 1;
        break;
    case HP_SHARE_CORRUPTION:
        if (s->transit->corrupt) {
            return; /* cannot get worse */
        }
        hit = s->transit->corrupted;
        break;
    case HP_SHARE_REORDERING:
        if (!was_held_back(&sum->share, s, latest, &hit)) {
            return;
        }
        break;
    }
    if (reaches_the_wire(s) && is_alone(t, list, s->transit, kind)) {
        sum->share.all_n++;
        sum->share.all_hits += hit;
        add_hits(sum, &d, 1, hit);
    }
}

void hp_share_add(hp_share_sum *sum, hp_share_kind kind, const hp_transits *t, const hp_lane_samples *s)
{
    uint64_t slack = sum->slack;
    hp_time latest = 0;
    sum->slack = 0;
    for (unsigned i = 0; i < s->list->len; i++) {
        const hp_lane_sample *sample = hp_lane_sample_at(s, i);
        if (sample->counted && sample->dependable) {
            add_one(sum, kind, t, s, sample, latest);
        }
        latest = sample->entered != HP_NEVER && sample->left != HP_NEVER ? MAX(latest, sample->left) : latest;
    }
    sum->slack += slack; /* each chain has its own beginning */
    if (kind == HP_SHARE_LOSS && s->list->len > 0) {
        check_list(sum, s);
    }
}

/* ---- bounds ---- */

void hp_share_bounds(uint64_t n, uint64_t mean_nano, unsigned __int128 variance_nano, uint64_t steepness_milli,
                     uint64_t slack, uint64_t *ret_low, uint64_t *ret_high)
{
    /* sqrt(v / 1e9) = sqrt(v * 1e9) / 1e9 */
    uwide away = (uwide)SIGMAS * hp_isqrt(variance_nano * HP_PPB) + (uwide)slack * HP_PPB;
    uwide skew = variance_nano == 0 ? 0 : (uwide)SKEW * MAX(steepness_milli, MILLI) * (HP_PPB / MILLI);
    uwide high = (mean_nano + away + skew) / HP_PPB, low = mean_nano > away ? mean_nano - away : 0;
    *ret_low = (uint64_t)((low + HP_PPB - 1) / HP_PPB);
    *ret_high = (uint64_t)MIN(high, (uwide)n);
}

void hp_share_settle(hp_share_sum *sum)
{
    hp_share *s = &sum->share;
    if (s->n == 0) {
        s->needs = s->declared || s->all_n == 0 ? 1 : 0;
        return;
    }
    hp_share_bounds(s->n, (uint64_t)MIN(sum->mean, (uwide)UINT64_MAX), sum->variance, sum->steepest, sum->slack,
                    &s->low, &s->high);
    s->declared_ppb = (uint64_t)(sum->mean / s->n);
    /* The share shows when no hit at all would be out of bounds: n m > 5 sqrt(n v), so n > 25 n v n / (n m)^2. */
    if (sum->mean > 0) {
        /* Both sums in thousandths of a hit. */
        uwide mean = sum->mean / (HP_PPB / MILLI), variance = sum->variance / (HP_PPB / MILLI);
        s->needs = (uint64_t)(SIGMAS * SIGMAS * MILLI * variance * s->n_exposed / MAX(mean * mean, 1)) + 1;
        s->needs += (uint64_t)((uwide)sum->slack * HP_PPB * s->n_exposed / sum->mean);
    }
}
