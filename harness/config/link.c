/* The settings of a link as a value: whether they make sense, copies that own their arrays, comparison.
 *
 * The link relies on what hp_link_config_check() lets pass: every array is sorted and fits into its cycle, and a cycle
 * of rates sends something, or the search for the instant at which a packet has left would not end. */
#include "config/link.h"

#include <string.h>

#include "base/error.h"

/* ---- what makes sense ---- */

static bool refuse(GError **error, const char *message)
{
    g_set_error_literal(error, HP_ERROR, HP_ERROR_INVALID, message);
    return false;
}

static bool check_jitter(const hp_link_config *c, GError **error)
{
    switch (c->jitter_kind) {
    case HP_JITTER_UNIFORM:
    case HP_JITTER_NORMAL:
        return true;
    case HP_JITTER_PARETO:
        return c->jitter_shape_milli > 0 || refuse(error, "Pareto jitter needs a shape above 0");
    case HP_JITTER_LIST:
    case HP_JITTER_EMPIRICAL:
        return c->n_jitter_list > 0 || refuse(error, "jitter from a list needs at least one delay");
    }
    return refuse(error, "no such kind of jitter");
}

static bool check_steps(const hp_link_config *c, GError **error)
{
    if (c->n_rate_steps == 0) {
        return c->rate_cycle == 0 || refuse(error, "a cycle of rates needs at least one step");
    }
    /* What holds before the first step sends. */
    bool sends = c->rate_steps[0].at > 0;
    for (unsigned i = 0; i < c->n_rate_steps; i++) {
        if (i > 0 && c->rate_steps[i].at <= c->rate_steps[i - 1].at) {
            return refuse(error, "the rate's steps are not in order");
        }
        sends = sends || c->rate_steps[i].rate_bps > 0;
    }
    if (c->rate_cycle == 0) {
        return true;
    }
    if (c->rate_steps[c->n_rate_steps - 1].at >= c->rate_cycle) {
        return refuse(error, "the rate's last step does not begin within the cycle");
    }
    return sends || refuse(error, "a cycle of rates must send at some time");
}

static bool check_opportunities(const hp_link_config *c, GError **error)
{
    if (c->n_opportunities == 0) {
        return true;
    }
    if (c->rate_bps != 0 || c->n_rate_steps != 0) {
        return refuse(error, "a link has a rate or a trace of opportunities to send, not both");
    }
    for (unsigned i = 1; i < c->n_opportunities; i++) {
        if (c->opportunities[i] < c->opportunities[i - 1]) {
            return refuse(error, "the opportunities to send are not in order");
        }
    }
    return c->opportunities[c->n_opportunities - 1] > 0 ||
           refuse(error, "the last opportunity to send must lie after 0");
}

static bool check_outages(const hp_link_config *c, GError **error)
{
    if (c->n_outages == 0) {
        return c->outage_cycle == 0 || refuse(error, "a cycle of outages needs at least one");
    }
    for (unsigned i = 0; i < c->n_outages; i++) {
        if (c->outages[i].from >= c->outages[i].to) {
            return refuse(error, "an outage ends before it begins");
        }
        if (i > 0 && c->outages[i].from < c->outages[i - 1].to) {
            return refuse(error, "outages overlap or are not in order");
        }
    }
    return c->outage_cycle == 0 || c->outages[c->n_outages - 1].to <= c->outage_cycle ||
           refuse(error, "the last outage does not end within the cycle");
}

bool hp_link_config_check(const hp_link_config *config, GError **error)
{
    return check_jitter(config, error) && check_steps(config, error) && check_opportunities(config, error) &&
           check_outages(config, error);
}

bool hp_link_config_has_jitter(const hp_link_config *c)
{
    switch (c->jitter_kind) {
    case HP_JITTER_UNIFORM:
    case HP_JITTER_PARETO:
        return c->jitter_ns != 0;
    case HP_JITTER_NORMAL:
        return c->jitter_ns != 0 || c->jitter_sigma_ns != 0;
    case HP_JITTER_LIST:
    case HP_JITTER_EMPIRICAL:
        return true;
    }
    g_assert_not_reached();
}

bool hp_link_config_is_ideal(const hp_link_config *c)
{
    bool on_time = c->rate_bps == 0 && c->n_rate_steps == 0 && c->n_opportunities == 0 && c->delay_ns == 0 &&
                   c->jitter_kind == HP_JITTER_UNIFORM && c->jitter_ns == 0 && c->reorder_ppb == 0;
    bool all_pass =
        c->loss_ppb == 0 && c->burst_enter_ppb == 0 && c->n_drop == 0 && c->mtu == 0 && !c->down && c->n_outages == 0;
    return on_time && all_pass && c->duplicate_ppb == 0 && c->corrupt_ppb == 0;
}

/* ---- copies ---- */

#define COPY(array, n) (g_memdup2((array), (n) * sizeof *(array)))

void hp_link_config_copy(const hp_link_config *from, hp_link_config *ret)
{
    hp_link_config copy = *from;
    copy.drop = COPY(from->drop, from->n_drop);
    copy.drop_match = (hp_match){0};
    if (from->drop_some) {
        hp_match_copy(&from->drop_match, &copy.drop_match);
    }
    copy.jitter_list = COPY(from->jitter_list, from->n_jitter_list);
    copy.rate_steps = COPY(from->rate_steps, from->n_rate_steps);
    copy.opportunities = COPY(from->opportunities, from->n_opportunities);
    copy.outages = COPY(from->outages, from->n_outages);
    *ret = copy;
}

void hp_link_config_clear(hp_link_config *config)
{
    g_free(config->drop);
    hp_match_clear(&config->drop_match);
    g_free(config->jitter_list);
    g_free(config->rate_steps);
    g_free(config->opportunities);
    g_free(config->outages);
    *config = (hp_link_config){0};
}

/* ---- comparison ---- */

static bool same_array(const void *a, size_t n_a, const void *b, size_t n_b, size_t size)
{
    return n_a == n_b && (n_a == 0 || memcmp(a, b, n_a * size) == 0);
}

/* They are compared as bytes. */
G_STATIC_ASSERT(sizeof(hp_rate_step) == sizeof(hp_time) + sizeof(uint64_t));
G_STATIC_ASSERT(sizeof(hp_time_window) == 2 * sizeof(hp_time));

static bool same_clock(const hp_link_config *a, const hp_link_config *b)
{
    return a->times_from_change == b->times_from_change;
}

bool hp_link_config_same_rate(const hp_link_config *a, const hp_link_config *b)
{
    bool timed = a->n_rate_steps != 0 || a->n_opportunities != 0;
    return a->rate_bps == b->rate_bps && a->rate_cycle == b->rate_cycle && (!timed || same_clock(a, b)) &&
           same_array(a->rate_steps, a->n_rate_steps, b->rate_steps, b->n_rate_steps, sizeof *a->rate_steps) &&
           same_array(a->opportunities, a->n_opportunities, b->opportunities, b->n_opportunities,
                      sizeof *a->opportunities);
}

bool hp_link_config_same_outages(const hp_link_config *a, const hp_link_config *b)
{
    return a->outage_cycle == b->outage_cycle && (a->n_outages == 0 || same_clock(a, b)) &&
           same_array(a->outages, a->n_outages, b->outages, b->n_outages, sizeof *a->outages);
}
