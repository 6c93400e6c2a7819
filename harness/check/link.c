/* `link`: whether a link did to packets what it was told, from the trace alone.
 *
 * The trace is walked once, at the end: link_transits.c follows every packet from tap to tap, link_samples.c takes out
 * those of one link, and loss, duplication, reordering and corruption (link_shares.c), delay and jitter (link_delay.c)
 * and rate (link_rate.c) are measured on them, over all settings that the link had. A network's link is many, one for
 * each that is attached, which share their settings and are measured together.
 *
 * Bounds follow from what is declared, not from a run: they leave a working link out once in some million measurements.
 * A measure that too few packets speak of fails, and says how many are needed: fewer could not tell the declared share
 * from none. So does one that is asked for by name and cannot be told apart from something else the link does. A bare
 * expectation asks for all that is declared; there such a measure is only mentioned.
 *
 * Comparisons: of loss, what the link dropped for any reason, of all that entered; of delay, the time on the link of
 * every packet, waiting included; of the rate, what it carried while packets waited. */
#include <string.h>

#include "check/expectation.h"
#include "check/link_measure.h"

enum { LEAST_WAITING = 100 };

typedef struct verdict {
    GString *expected, *got;
    bool passed;
    uint32_t packet;
} verdict;

static void fail_if(verdict *v, bool bad)
{
    v->passed = v->passed && !bad;
}

static void separate(verdict *v)
{
    hp_text_separate(v->expected);
    hp_text_separate(v->got);
}

static void put_ratio(GString *out, uint64_t part, uint64_t all)
{
    uint64_t ppb = all == 0 ? 0 : (uint64_t)((unsigned __int128)part * 1000000000 / all);
    g_autofree char *text = hp_unit_format(HP_UNIT_RATIO, hp_ratio_round((int64_t)ppb));
    g_string_append_printf(out, "%" G_GUINT64_FORMAT " of %" G_GUINT64_FORMAT " (%s)", part, all, text);
}

/* ---- which links ---- */

static bool names_end(const hp_plan *plan, const hp_expect *x, const hp_path_end *end)
{
    const char *of = x->link.of;
    int peer = hp_plan_find_peer(plan, of), nat = hp_plan_find_nat(plan, of);
    if (peer >= 0) {
        const hp_plan_peer *p = &plan->peers[peer];
        for (unsigned k = 0; k < p->n_interfaces; k++) {
            bool wanted = x->link.interface == NULL ? k == 0 : g_strcmp0(x->link.interface, p->interfaces[k].name) == 0;
            if (wanted && strcmp(p->interfaces[k].tap, end->tap) == 0) {
                return true;
            }
        }
        return false;
    }
    return strcmp(end->tap, nat >= 0 ? plan->nats[nat].outside.tap : of) == 0;
}

static void add_once(GArray *lanes, int lane)
{
    for (unsigned i = 0; i < lanes->len; i++) {
        if (g_array_index(lanes, int, i) == lane) {
            return; /* a CLAT and its host share theirs */
        }
    }
    g_array_append_val(lanes, lane);
}

/* Positions of the lanes that are meant, of int. */
static GArray *find_lanes(const hp_expectation *e, const hp_transits *t)
{
    GArray *lanes = g_array_new(FALSE, FALSE, sizeof(int));
    const hp_plan *plan = e->facts->plan;
    const hp_expect *x = e->expect;
    bool is_end = hp_plan_find_peer(plan, x->link.of) >= 0 || hp_plan_find_nat(plan, x->link.of) >= 0 ||
                  hp_plan_find_server(plan, x->link.of) >= 0;
    int zone = is_end ? -1 : hp_plan_find_zone(plan, x->link.of);
    for (unsigned i = 0; i < t->n_ends; i++) {
        const hp_path_end *end = &t->ends[i];
        if (is_end && names_end(plan, x, end)) {
            if ((x->link.direction & HP_SC_UP) != 0) {
                add_once(lanes, end->up);
            }
            if ((x->link.direction & HP_SC_DOWN) != 0) {
                add_once(lanes, end->down);
            }
        } else if (zone >= 0 && end->zone == (unsigned)zone) {
            add_once(lanes, end->crossing);
        }
    }
    return lanes;
}

/* ---- the measures ---- */

static void need_more(verdict *v, const char *what, uint64_t needs, uint64_t has)
{
    g_string_append_printf(v->expected, "%s: at least %" G_GUINT64_FORMAT " packets to tell", what, needs);
    g_string_append_printf(v->got, "%s: needs at least %" G_GUINT64_FORMAT " packets, there were %" G_GUINT64_FORMAT,
                           what, needs, has);
    fail_if(v, true);
}

static bool is_declared(const hp_compare *c)
{
    return c->set && c->min > c->max;
}

/* A comparison with a number. False when there is none to be made. */
static bool judge_value(verdict *v, const char *what, const hp_compare *c, bool known, int64_t low, int64_t high)
{
    if (!c->set || is_declared(c)) {
        return false;
    }
    separate(v);
    g_autofree char *wanted = hp_compare_format(c);
    g_string_append_printf(v->expected, "%s %s", what, wanted);
    g_string_append_printf(v->got, "%s ", what);
    if (!known) {
        g_string_append(v->got, "of no packet is known");
        fail_if(v, true);
        return true;
    }
    hp_text_value(v->got, c->unit, low);
    if (high != low) {
        g_string_append(v->got, "..");
        hp_text_value(v->got, c->unit, high);
    }
    fail_if(v, !hp_compare_holds(c, low) || !hp_compare_holds(c, high));
    return true;
}

static void judge_share(verdict *v, const char *what, const hp_compare *c, bool bare, const hp_share *s)
{
    int64_t all = s->all_n == 0 ? 0 : (int64_t)((unsigned __int128)s->all_hits * 1000000000 / s->all_n);
    if (judge_value(v, what, c, s->all_n > 0 && !s->blurred, all, all) || (!bare && !is_declared(c)) ||
        (bare && !s->declared && s->wrong == 0 && s->hits == 0 && strcmp(what, "loss") != 0)) {
        return; /* what is neither declared nor seen need not be told of but for loss */
    }
    separate(v);
    if (s->blurred) {
        g_string_append_printf(v->got, "%s not told apart from jitter or waiting", what);
        g_string_append_printf(v->expected, "%s as declared", what);
        fail_if(v, !bare);
        return;
    }
    if (s->n < 1 || s->n_exposed < s->needs) {
        need_more(v, what, MAX(s->needs, 1), s->n_exposed);
        return;
    }
    g_autofree char *share = hp_unit_format(HP_UNIT_RATIO, hp_ratio_round((int64_t)s->declared_ppb));
    g_string_append_printf(v->expected, "%s as declared, %s", what, share);
    if (s->high > 0 && s->low < s->n) {
        g_string_append_printf(v->expected, ": %" G_GUINT64_FORMAT "..%" G_GUINT64_FORMAT " of %" G_GUINT64_FORMAT,
                               s->low, s->high, s->n);
    }
    g_string_append_printf(v->got, "%s ", what);
    put_ratio(v->got, s->hits, s->n);
    if (s->set_losses > 0) {
        g_string_append_printf(v->got, " and %" G_GUINT64_FORMAT " in outages or by list", s->set_losses);
    }
    fail_if(v, s->hits < s->low || s->hits > s->high);
    if (s->wrong > 0) {
        g_string_append_printf(v->got, ", and %" G_GUINT64_FORMAT " not as outages and the list of losses say",
                               s->wrong);
        fail_if(v, true);
    }
}

static void judge_delay(verdict *v, const hp_compare *c, bool bare, const hp_delay *d)
{
    if (judge_value(v, "delay", c, d->n > 0, (int64_t)d->min, (int64_t)d->max) || (!bare && !is_declared(c))) {
        return;
    }
    separate(v);
    if (d->n == 0) {
        /* A bare expectation of a link that does not delay has nothing to find. */
        g_string_append(v->expected, "delay as declared");
        g_string_append(v->got, "delay of no packet told apart from other links'");
        fail_if(v, !bare || d->declared);
        return;
    }
    g_string_append(v->expected, "delay as declared");
    g_string_append(v->got, "delay ");
    hp_text_value(v->got, HP_UNIT_TIME, (int64_t)d->min);
    g_string_append(v->got, "..");
    hp_text_value(v->got, HP_UNIT_TIME, (int64_t)d->max);
    if (d->early + d->late > 0) {
        g_string_append_printf(
            v->got, ", %" G_GUINT64_FORMAT " packets too early and %" G_GUINT64_FORMAT " too late, by up to ", d->early,
            d->late);
        hp_text_value(v->got, HP_UNIT_TIME, (int64_t)d->worst);
        v->packet = v->packet == 0 ? d->packet : v->packet;
        fail_if(v, true);
    }
    if (!d->jitter) {
        return;
    }
    separate(v);
    if (!d->bounded) {
        g_string_append(v->expected, "jitter as declared");
        g_string_append(v->got, "jitter not told apart from waiting for the rate");
        fail_if(v, !bare);
        return;
    }
    if (d->n_free < d->needs) {
        need_more(v, "jitter", d->needs, d->n_free);
        return;
    }
    g_autofree char *allowed = hp_unit_format(HP_UNIT_RATIO, hp_ratio_round((int64_t)d->allowed_ppb));
    g_autofree char *distance = hp_unit_format(HP_UNIT_RATIO, hp_ratio_round((int64_t)d->distance_ppb));
    g_string_append_printf(v->expected, "its distribution at most %s off the declared one", allowed);
    g_string_append_printf(v->got, "its distribution %s off, of %" G_GUINT64_FORMAT " packets", distance, d->n_free);
    fail_if(v, d->distance_ppb > d->allowed_ppb);
}

static void judge_rate(verdict *v, const hp_compare *c, bool bare, const hp_rate *r)
{
    bool saturated = r->n_waiting >= LEAST_WAITING;
    if (judge_value(v, "rate", c, saturated, (int64_t)r->measured_bps, (int64_t)r->measured_bps) ||
        (!bare && !is_declared(c)) || (bare && !r->declared)) {
        return;
    }
    separate(v);
    if (!r->declared) {
        g_string_append(v->expected, "rate as declared");
        g_string_append(v->got, "no rate is declared");
        fail_if(v, true);
        return;
    }
    if (!bare && r->blurred) {
        g_string_append(v->expected, "rate as declared");
        g_string_append(v->got, "rate not told apart from jitter");
        fail_if(v, true);
        return;
    }
    if (!bare && !saturated) {
        need_more(v, "rate", LEAST_WAITING, r->n_waiting);
        return;
    }
    g_string_append(v->expected, "rate at most as declared");
    g_string_append(v->got, "rate ");
    if (r->excess_bytes > 0) {
        g_string_append_printf(v->got, "exceeded by %" G_GUINT64_FORMAT " bytes", r->excess_bytes);
        fail_if(v, true);
    } else {
        g_string_append(v->got, "never exceeded");
    }
    if (!saturated) {
        g_string_append(v->got, r->blurred ? ", its use not told apart from jitter" : ", never in full use");
        return;
    }
    g_string_append(v->expected, ", 99% of it in use while packets wait: ");
    hp_text_value(v->expected, HP_UNIT_RATE, (int64_t)r->declared_bps);
    g_string_append(v->got, ", in use while packets waited: ");
    hp_text_value(v->got, HP_UNIT_RATE, (int64_t)r->measured_bps);
    fail_if(v, r->slow);
}

/* ---- the expectation ---- */

static void judge(const hp_expectation *e, hp_judgement *j)
{
    static const struct {
        hp_share_kind kind;
        const char *name;
        size_t compare;
    } shares[] = {
        {HP_SHARE_LOSS, "loss", offsetof(hp_expect, link.loss)},
        {HP_SHARE_DUPLICATES, "duplicates", offsetof(hp_expect, link.duplicates)},
        {HP_SHARE_REORDERING, "reordering", offsetof(hp_expect, link.reordering)},
        {HP_SHARE_CORRUPTION, "corruption", offsetof(hp_expect, link.corruption)},
    };
    const hp_expect *x = e->expect;
    bool bare = !x->link.loss.set && !x->link.delay.set && !x->link.rate.set && !x->link.duplicates.set &&
                !x->link.reordering.set && !x->link.corruption.set;
    g_autoptr(hp_transits) t = hp_transits_read(e->facts->plan, j->trace);
    g_autoptr(GArray) lanes = find_lanes(e, t);
    hp_share_sum sums[G_N_ELEMENTS(shares)] = {0};
    hp_rate_sum rate = {0};
    hp_delay_sum delay;
    hp_delay_sum_init(&delay);
    for (unsigned i = 0; i < lanes->len; i++) {
        hp_lane_samples s =
            hp_lane_samples_take(t, g_array_index(lanes, int, i), e->window.opened ? e->window.start_index : UINT64_MAX,
                                 e->window.end_index);
        for (unsigned k = 0; k < G_N_ELEMENTS(shares); k++) {
            hp_share_add(&sums[k], shares[k].kind, t, &s);
        }
        hp_delay_add(&delay, &s);
        hp_rate_add(&rate, &s);
        hp_lane_samples_clear(&s);
    }
    verdict v = {.expected = j->expected, .got = j->got, .passed = true};
    for (unsigned k = 0; k < G_N_ELEMENTS(shares); k++) {
        hp_share_settle(&sums[k]);
        const hp_compare *c = (const hp_compare *)(const void *)((const char *)x + shares[k].compare);
        judge_share(&v, shares[k].name, c, bare, &sums[k].share);
    }
    hp_delay_settle(&delay);
    judge_delay(&v, &x->link.delay, bare, &delay.delay);
    hp_delay_sum_clear(&delay);
    hp_rate_settle(&rate);
    judge_rate(&v, &x->link.rate, bare, &rate.rate);
    hp_text_window(j->expected, x);
    j->passed = v.passed;
    j->packet = v.packet;
}

const hp_expectation_ops hp_expect_link_ops = {.judge = judge, .outlasts_window = true};
