/* The document as a structure: a tree of owned parts, built up point by point.
 *
 * Metrics, variants and points stand in the order in which they were added, which is the order of every output; nothing
 * is looked up by hash, as there are a few dozen. */
#include "bench/document.h"

#include <string.h>

static void variant_free(gpointer data)
{
    hp_bench_variant *v = data;
    g_free(v->name);
    g_array_unref(v->points);
    g_free(v);
}

static void metric_free(gpointer data)
{
    hp_bench_metric *m = data;
    g_free(m->name);
    g_free(m->about);
    g_free(m->unit);
    g_free(m->x_name);
    g_free(m->x_unit);
    g_ptr_array_unref(m->variants);
    g_free(m);
}

static void setting_clear(gpointer data)
{
    hp_bench_setting *s = data;
    g_free(s->name);
    g_free(s->text);
}

hp_bench_document *hp_bench_document_new(const char *kind, const char *about)
{
    hp_bench_document *d = g_new0(hp_bench_document, 1);
    d->hairpin = g_strdup(HAIRPIN_VERSION);
    d->kind = g_strdup(kind);
    d->about = g_strdup(about);
    d->seeds = g_ptr_array_new_with_free_func(g_free);
    d->settings = g_array_new(FALSE, FALSE, sizeof(hp_bench_setting));
    g_array_set_clear_func(d->settings, setting_clear);
    d->metrics = g_ptr_array_new_with_free_func(metric_free);
    return d;
}

void hp_bench_document_free(hp_bench_document *d)
{
    if (!d)
        return;
    g_free(d->hairpin);
    g_free(d->kind);
    g_free(d->about);
    g_ptr_array_unref(d->seeds);
    g_array_unref(d->settings);
    g_ptr_array_unref(d->metrics);
    g_free(d);
}

void hp_bench_document_set_seeds(hp_bench_document *document, unsigned n)
{
    g_ptr_array_set_size(document->seeds, 0);
    for (unsigned i = 1; i <= n; i++)
        g_ptr_array_add(document->seeds, g_strdup_printf("%u", i));
}

void hp_bench_document_set(hp_bench_document *document, const char *name, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    hp_bench_setting s = {.name = g_strdup(name), .text = g_strdup_vprintf(format, args)};
    va_end(args);
    g_array_append_val(document->settings, s);
}

const hp_bench_metric *hp_bench_document_find(const hp_bench_document *document, const char *metric)
{
    for (unsigned i = 0; i < document->metrics->len; i++) {
        const hp_bench_metric *m = document->metrics->pdata[i];
        if (strcmp(m->name, metric) == 0)
            return m;
    }
    return NULL;
}

const hp_bench_variant *hp_bench_metric_find(const hp_bench_metric *metric, const char *variant)
{
    for (unsigned i = 0; i < metric->variants->len; i++) {
        const hp_bench_variant *v = metric->variants->pdata[i];
        if (strcmp(v->name, variant) == 0)
            return v;
    }
    return NULL;
}

const hp_bench_point *hp_bench_variant_at(const hp_bench_variant *variant, double x)
{
    for (unsigned i = 0; i < variant->points->len; i++) {
        const hp_bench_point *p = &g_array_index(variant->points, hp_bench_point, i);
        if (p->x == x) /* whole numbers, told and read back as they are */
            return p;
    }
    return NULL;
}

hp_bench_metric *hp_bench_document_metric(hp_bench_document *document, const hp_bench_subject *subject)
{
    const hp_bench_metric *there = hp_bench_document_find(document, subject->name);
    if (there)
        return (hp_bench_metric *)there;
    hp_bench_metric *m = g_new0(hp_bench_metric, 1);
    m->name = g_strdup(subject->name);
    m->about = g_strdup(subject->about);
    m->unit = g_strdup(subject->unit);
    m->better = subject->better;
    m->is_virtual = subject->is_virtual;
    m->x_name = g_strdup(subject->x_name);
    m->x_unit = subject->x_name ? g_strdup(subject->x_unit ? subject->x_unit : "") : NULL;
    m->variants = g_ptr_array_new_with_free_func(variant_free);
    g_ptr_array_add(document->metrics, m);
    return m;
}

static hp_bench_variant *variant_of(hp_bench_metric *metric, const char *name)
{
    const hp_bench_variant *there = hp_bench_metric_find(metric, name);
    if (there)
        return (hp_bench_variant *)there;
    hp_bench_variant *v = g_new0(hp_bench_variant, 1);
    v->name = g_strdup(name);
    v->points = g_array_new(FALSE, FALSE, sizeof(hp_bench_point));
    g_ptr_array_add(metric->variants, v);
    return v;
}

void hp_bench_document_add(hp_bench_document *document, const hp_bench_subject *subject, const char *variant, double x,
                           const double *samples, unsigned n)
{
    if (n == 0)
        return;
    hp_bench_point p = {.x = x, .s = hp_bench_summarize(samples, n)};
    g_array_append_val(variant_of(hp_bench_document_metric(document, subject), variant)->points, p);
}
