/* Old figures and new ones.
 *
 * A virtual figure has no noise: with equal settings and seeds a difference of one bit has a cause. It is judged by its
 * threshold alone, which is 0 unless told otherwise. What a machine measures is noisy, also between two runs of one
 * program minutes apart: such a figure is worse only when the mean is worse by more than the threshold and the two 95 %
 * intervals of the means do not overlap. The first keeps small but certain changes from failing a build, the second
 * keeps large but uncertain ones from it; either alone would fail builds at random. (That intervals do not overlap is a
 * stricter test than one of the difference at 95 %: on purpose, since a bench looks at dozens of figures at once.) With
 * one sample there is no interval, and the threshold alone decides.
 *
 * Settings must be equal, or the comparison would be one of settings. What the baseline has and the new figures lack
 * fails, as what vanished cannot be judged; what is new is only told. */
#include "bench/compare.h"

#include <assert.h>
#include <math.h>
#include <string.h>

#include "base/error.h"

/* Figures went through text with twelve digits. */
#define SAME 1e-9

static const char *const judgement_names[] = {"equal",   "within", "unclear", "improved",
                                              "changed", "worse",  "missing", "added"};
static_assert(G_N_ELEMENTS(judgement_names) == HP_BENCH_JUDGEMENT_N, "a name for each");

const char *hp_bench_judgement_name(hp_bench_judgement judgement)
{
    return judgement_names[judgement];
}

/* ---- settings ---- */

static const char *find_setting(const hp_bench_document *d, const char *name)
{
    for (unsigned i = 0; i < d->settings->len; i++)
        if (strcmp(g_array_index(d->settings, hp_bench_setting, i).name, name) == 0)
            return g_array_index(d->settings, hp_bench_setting, i).text;
    return NULL;
}

static bool differ(const char *what, const char *before, const char *now, GError **error)
{
    g_set_error(error, HP_ERROR, HP_ERROR_SCENARIO,
                "the baseline cannot be compared: its %s is %s, and that of these figures %s", what,
                before ? before : "not told", now ? now : "not told");
    return false;
}

static char *seeds_text(const hp_bench_document *d)
{
    GString *out = g_string_new(NULL);
    for (unsigned i = 0; i < d->seeds->len; i++)
        g_string_append_printf(out, "%s%s", i > 0 ? "," : "", (const char *)d->seeds->pdata[i]);
    return g_string_free(out, FALSE);
}

static bool settings_agree(const hp_bench_document *before, const hp_bench_document *now, GError **error)
{
    g_autofree char *old_seeds = seeds_text(before), *new_seeds = seeds_text(now);
    if (strcmp(before->kind, now->kind) != 0)
        return differ("kind", before->kind, now->kind, error);
    if (strcmp(old_seeds, new_seeds) != 0)
        return differ("list of seeds", old_seeds, new_seeds, error);
    for (unsigned i = 0; i < before->settings->len; i++) {
        const hp_bench_setting *s = &g_array_index(before->settings, hp_bench_setting, i);
        const char *other = find_setting(now, s->name);
        if (g_strcmp0(s->text, other) != 0)
            return differ(s->name, s->text, other, error);
    }
    for (unsigned i = 0; i < now->settings->len; i++) {
        const hp_bench_setting *s = &g_array_index(now->settings, hp_bench_setting, i);
        if (!find_setting(before, s->name))
            return differ(s->name, NULL, s->text, error);
    }
    return true;
}

/* ---- points ---- */

static double share_of(double before, double now)
{
    double change = now - before;
    if (fabs(change) <= SAME * MAX(fabs(before), fabs(now)))
        return 0;
    return before != 0 ? change / fabs(before) : copysign(INFINITY, change);
}

static bool overlap(const hp_bench_summary *a, const hp_bench_summary *b)
{
    return a->n > 1 && b->n > 1 && a->low <= b->high && b->low <= a->high;
}

/* The mean is what is judged; of a virtual figure nothing else may differ either. */
static bool is_same(const hp_bench_summary *a, const hp_bench_summary *b)
{
    return a->n == b->n && share_of(a->mean, b->mean) == 0 && share_of(a->min, b->min) == 0 &&
           share_of(a->median, b->median) == 0 && share_of(a->max, b->max) == 0;
}

static hp_bench_judgement judge(const hp_bench_metric *m, const hp_bench_summary *before, const hp_bench_summary *now,
                                double share, const hp_bench_thresholds *thresholds)
{
    if (m->is_virtual && is_same(before, now))
        return HP_BENCH_EQUAL;
    double threshold = m->is_virtual ? thresholds->simulated : thresholds->machine;
    if (fabs(share) <= threshold && (share != 0 || threshold > 0 || !m->is_virtual))
        return HP_BENCH_WITHIN;
    if (m->better == HP_BENCH_NEITHER || share == 0)
        return HP_BENCH_CHANGED;
    if ((share > 0) == (m->better == HP_BENCH_HIGHER))
        return HP_BENCH_IMPROVED;
    bool unmeasured = before->mean == 0; /* too little to measure then: no share of it means anything */
    return !m->is_virtual && (unmeasured || overlap(before, now)) ? HP_BENCH_UNCLEAR : HP_BENCH_WORSE;
}

static const hp_bench_point *find(const hp_bench_document *d, const char *metric, const char *variant, double x)
{
    const hp_bench_metric *m = hp_bench_document_find(d, metric);
    const hp_bench_variant *v = m ? hp_bench_metric_find(m, variant) : NULL;
    return v ? hp_bench_variant_at(v, x) : NULL;
}

typedef void (*point_fn)(void *user, const hp_bench_metric *m, const hp_bench_variant *v, const hp_bench_point *p);

static void for_each_point(const hp_bench_document *d, point_fn fn, void *user)
{
    for (unsigned i = 0; i < d->metrics->len; i++) {
        const hp_bench_metric *m = d->metrics->pdata[i];
        for (unsigned k = 0; k < m->variants->len; k++) {
            const hp_bench_variant *v = m->variants->pdata[k];
            for (unsigned j = 0; j < v->points->len; j++)
                fn(user, m, v, &g_array_index(v->points, hp_bench_point, j));
        }
    }
}

typedef struct comparison {
    const hp_bench_document *before, *now;
    const hp_bench_thresholds *thresholds;
    GArray *changes;
} comparison;

static void of_baseline(void *user, const hp_bench_metric *m, const hp_bench_variant *v, const hp_bench_point *p)
{
    const comparison *c = user;
    hp_bench_change change = {.metric = m, .variant = v->name, .before = p, .judgement = HP_BENCH_MISSING};
    change.now = find(c->now, m->name, v->name, p->x);
    if (change.now) {
        change.metric = hp_bench_document_find(c->now, m->name); /* today's word on which way is better */
        change.share = share_of(p->s.mean, change.now->s.mean);
        change.judgement = judge(change.metric, &p->s, &change.now->s, change.share, c->thresholds);
    }
    g_array_append_val(c->changes, change);
}

static void of_now(void *user, const hp_bench_metric *m, const hp_bench_variant *v, const hp_bench_point *p)
{
    const comparison *c = user;
    if (find(c->before, m->name, v->name, p->x))
        return;
    hp_bench_change change = {.metric = m, .variant = v->name, .now = p, .judgement = HP_BENCH_ADDED};
    g_array_append_val(c->changes, change);
}

GArray *hp_bench_compare(const hp_bench_document *baseline, const hp_bench_document *now,
                         const hp_bench_thresholds *thresholds, GError **error)
{
    if (!settings_agree(baseline, now, error))
        return NULL;
    comparison c = {baseline, now, thresholds, g_array_new(FALSE, FALSE, sizeof(hp_bench_change))};
    for_each_point(baseline, of_baseline, &c);
    for_each_point(now, of_now, &c);
    return c.changes;
}

/* ---- what is told ---- */

static bool fails(hp_bench_judgement judgement)
{
    return judgement == HP_BENCH_WORSE || judgement == HP_BENCH_MISSING;
}

bool hp_bench_changes_are_good(const GArray *changes)
{
    for (unsigned i = 0; i < changes->len; i++)
        if (fails(g_array_index(changes, hp_bench_change, i).judgement))
            return false;
    return true;
}

static char *figure(const hp_bench_metric *m, const hp_bench_point *p)
{
    if (!p)
        return g_strdup("-");
    g_autofree char *mean = hp_bench_format(p->s.mean, m->unit),
                    *half = hp_bench_format((p->s.high - p->s.low) / 2, m->unit);
    return p->s.n > 1 ? g_strdup_printf("%s \xc2\xb1 %s", mean, half) : g_strdup(mean);
}

static void append_change(GString *out, const hp_bench_change *c)
{
    g_autofree char *before = figure(c->metric, c->before), *now = figure(c->metric, c->now);
    g_autofree char *x = hp_bench_format((c->now ? c->now : c->before)->x, "");
    g_string_append_printf(out, "%-9s %s %s", hp_bench_judgement_name(c->judgement), c->metric->name, c->variant);
    if (c->metric->x_name)
        g_string_append_printf(out, ", %s %s", x, c->metric->x_name);
    g_string_append_printf(out, ": %s -> %s", before, now);
    if (c->before && c->now && isfinite(c->share))
        g_string_append_printf(out, " (%+.3g%%)", 100 * c->share);
    g_string_append(out, c->judgement != HP_BENCH_UNCLEAR ? "\n"
                         : c->before->s.mean == 0         ? ", but there was nothing measurable before\n"
                                                          : ", but the intervals overlap\n");
}

char *hp_bench_changes_text(const GArray *changes)
{
    GString *out = g_string_new(NULL);
    unsigned by_judgement[HP_BENCH_JUDGEMENT_N] = {0};
    for (unsigned i = 0; i < changes->len; i++) {
        const hp_bench_change *c = &g_array_index(changes, hp_bench_change, i);
        by_judgement[c->judgement]++;
        if (c->judgement != HP_BENCH_EQUAL && c->judgement != HP_BENCH_WITHIN)
            append_change(out, c);
    }
    g_string_append_printf(out, "%u figures compared:", changes->len);
    const char *separator = " ";
    for (unsigned i = 0; i < HP_BENCH_JUDGEMENT_N; i++) {
        if (by_judgement[i] == 0)
            continue;
        g_string_append_printf(out, "%s%u %s", separator, by_judgement[i], judgement_names[i]);
        separator = ", ";
    }
    g_string_append_c(out, '\n');
    return g_string_free(out, FALSE);
}
