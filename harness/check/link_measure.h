/* What a link did to packets, measured and held against what it was told. Private to check/. */
#ifndef HP_CHECK_LINK_MEASURE_H
#define HP_CHECK_LINK_MEASURE_H

#include "check/link_transits.h"

/* ---- one link's packets (link_samples.c) ---- */

typedef struct hp_lane_sample {
    const hp_transit *transit;
    const hp_lane_epoch *epoch; /* settings when it entered */
    hp_time entered; /* HP_NEVER: not known, as it met chance before */
    hp_time
        left; /* at the far end; HP_NEVER: not known, as it met chance behind, or it did not leave, or nobody knows */
    bool lost; /* by this link */
    bool dependable; /* counts for shares: what would have become of it is known */
    bool settled; /* nothing of other settings was on its way together with it */
    bool counted; /* lies in the expectation's window */
} hp_lane_sample;

typedef struct hp_lane_samples {
    const hp_lane *lane;
    GArray *list; /* hp_lane_sample, in order of entry as far as it is known */
    bool all_timed; /* every packet's entry is known, and where every packet that survived left */
} hp_lane_samples;

/* Records [first, last) are counted; the others are there because they take the link's time. */
hp_lane_samples hp_lane_samples_take(const hp_transits *t, int lane, uint64_t first, uint64_t last);
void hp_lane_samples_clear(hp_lane_samples *s);

static inline const hp_lane_sample *hp_lane_sample_at(const hp_lane_samples *s, unsigned i)
{
    return &g_array_index(s->list, hp_lane_sample, i);
}
/* Neither draws a delay nor makes anybody wait. */
bool hp_link_is_steady(const hp_link_config *c);

/* ---- shares (link_shares.c) ---- */

typedef enum hp_share_kind {
    HP_SHARE_LOSS,
    HP_SHARE_DUPLICATES,
    HP_SHARE_REORDERING,
    HP_SHARE_CORRUPTION
} hp_share_kind;

/* How many of n were hit, and what chance allows: five standard deviations. */
typedef struct hp_share {
    uint64_t n, hits;
    uint64_t n_exposed; /* of the n, those under settings that declare it */
    uint64_t set_losses; /* by outages and lists, where they were to be */
    uint64_t all_n, all_hits; /* with those that were hit by other means than chance */
    uint64_t low, high; /* bounds of hits, inclusive */
    uint64_t needs; /* so many of the exposed tell the declared share from none at all; 0: any number does */
    uint64_t declared_ppb; /* over the packets seen: the mean */
    bool declared; /* some setting asks for it */
    bool blurred; /* cannot be told apart from something else that the link does */
    uint64_t wrong; /* packets that passed in an outage, or were dropped as in one outside; not in the list of losses */
} hp_share;

/* Adds a lane's packets; zero it first. hp_share_settle() computes the bounds at the end. */
typedef struct hp_share_sum {
    hp_share share;
    unsigned __int128 mean, variance; /* of hits, in 1e-9 */
    uint64_t slack,
        steepest; /* of the bounds; the largest ratio of variance to that of independent hits, in thousandths */
} hp_share_sum;
void hp_share_add(hp_share_sum *sum, hp_share_kind kind, const hp_transits *t, const hp_lane_samples *s);
void hp_share_settle(hp_share_sum *sum);
/* The bounds of hits among n, five standard deviations and `slack` hits off their mean. mean and variance: of the hits
 * of all n, in 1e-9; steepness: see above. */
void hp_share_bounds(uint64_t n, uint64_t mean_nano, unsigned __int128 variance_nano, uint64_t steepness_milli,
                     uint64_t slack, uint64_t *ret_low, uint64_t *ret_high);
uint64_t hp_isqrt(unsigned __int128 x);

/* ---- delay (link_delay.c) ---- */

typedef struct hp_delay {
    uint64_t n; /* packets whose time on the link is known */
    bool declared; /* there is any to be expected */
    hp_time min, max; /* of that time */
    uint64_t early, late; /* packets that were faster, or slower, than the settings allow */
    hp_time worst; /* of these: by how much */
    uint32_t packet; /* the first of them */
    bool bounded; /* `late` means something: waiting for the rate can be computed */
    /* Jitter. */
    bool jitter; /* declared */
    uint64_t n_free; /* packets whose jitter nothing hid */
    uint64_t needs; /* so many are needed */
    uint64_t distance_ppb, allowed_ppb; /* of the empirical distribution from the declared one; at most */
} hp_delay;

typedef struct hp_delay_sum {
    hp_delay delay;
    GArray *free; /* hp_free_delay, of all lanes */
} hp_delay_sum;
void hp_delay_sum_init(hp_delay_sum *sum);
void hp_delay_add(hp_delay_sum *sum, const hp_lane_samples *s);
void hp_delay_settle(hp_delay_sum *sum);
void hp_delay_sum_clear(hp_delay_sum *sum);
/* The longest that jitter and reordering can add; HP_NEVER: no bound. */
hp_time hp_link_reach(const hp_link_config *c);
/* How much longer a packet that reordering holds back takes (config/link.h). */
hp_time hp_link_held(const hp_link_config *c);

/* ---- distributions (link_cdf.c) ---- */

/* The chance that jitter and reordering together are at most x, and less than x, in 2^-32. */
uint64_t hp_jitter_at_most(const hp_link_config *c, hp_time x);
uint64_t hp_jitter_below(const hp_link_config *c, hp_time x);

/* ---- rate (link_rate.c) ---- */

typedef struct hp_rate {
    bool declared;
    bool blurred; /* jitter or reordering hide when a packet left the wire */
    uint64_t n; /* packets looked at */
    uint64_t n_waiting; /* of these, those that found the wire taken: so much of the time it was saturated */
    uint64_t measured_bps; /* while saturated */
    uint64_t declared_bps; /* the mean of what the settings say over the same time */
    uint64_t excess_bytes; /* the most by which any stretch of time carried more than it could, one packet apart */
    bool slow; /* less than 99 % of what was declared while saturated */
} hp_rate;

typedef struct hp_rate_sum {
    hp_rate rate;
    unsigned __int128 sent, possible, spared; /* bits * 1e9 while saturated; opportunities whose rest may be gone */
    uint64_t ns; /* for so long */
} hp_rate_sum;
void hp_rate_add(hp_rate_sum *sum, const hp_lane_samples *s);
void hp_rate_settle(hp_rate_sum *sum);
/* What the wire can carry in (from, to], in bits * 1e9. */
unsigned __int128 hp_link_capacity(const hp_lane_epoch *e, hp_time from, hp_time to);
bool hp_link_has_rate(const hp_link_config *c);

#endif
