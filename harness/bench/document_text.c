/* The document as a table for a terminal.
 *
 * A metric is a heading and a table: a row a point of its axis, a column a variant; without an axis a row a variant. A cell is the mean, half of its 95 %
 * interval where there is one, and how many times that of the variant "direct" it is, where there is such a variant; an
 * empty cell is a point that the variant has not. Columns are as wide as their widest cell; widths count characters. */
#include <assert.h>
#include <math.h>
#include <string.h>

#include "bench/document.h"

#define BASELINE "direct"

typedef struct scale {
    double size;
    const char *unit;
} scale;

/* The largest unit that leaves at least 1 before the point. */
static scale scale_of(double value, const char *unit)
{
    static const scale rates[] = {{1e9, "Gbit/s"}, {1e6, "Mbit/s"}, {1e3, "kbit/s"}, {1, "bit/s"}},
                       bytes[] = {{1e9, "GB"}, {1e6, "MB"}, {1e3, "kB"}, {1, "B"}},
                       counts[] = {{1e6, "M/s"}, {1e3, "k/s"}, {1, "/s"}};
    const scale *s = NULL;
    unsigned n = 0;
    if (strcmp(unit, "bit/s") == 0) {
        s = rates;
        n = G_N_ELEMENTS(rates);
    } else if (strcmp(unit, "B") == 0) {
        s = bytes;
        n = G_N_ELEMENTS(bytes);
    } else if (strcmp(unit, "1/s") == 0) {
        s = counts;
        n = G_N_ELEMENTS(counts);
    }
    for (unsigned i = 0; i < n; i++)
        if (fabs(value) >= s[i].size || i == n - 1)
            return s[i];
    return (scale){1, unit};
}

/* Digits after the point that leave about three or four which matter. */
static int decimals_of(double value)
{
    double size = fabs(value);
    if (size == 0 || (size >= 1 && size == floor(size) && size < 1e6))
        return 0;
    return size >= 1000 ? 0 : size >= 100 ? 1 : size >= 1 ? 2 : size >= 0.01 ? 4 : 6;
}

static void append_number(GString *out, double value, int decimals)
{
    char format[16], text[64];
    g_snprintf(format, sizeof format, "%%.%df", decimals);
    g_string_append(out, g_ascii_formatd(text, sizeof text, format, value));
}

char *hp_bench_format(double value, const char *unit)
{
    GString *out = g_string_new(NULL);
    scale s = scale_of(value, unit);
    append_number(out, value / s.size, decimals_of(value / s.size));
    g_string_append_printf(out, "%s%s", *s.unit && *s.unit != '%' && *s.unit != '/' ? " " : "", s.unit);
    return g_string_free(out, FALSE);
}

static char *cell(const hp_bench_metric *m, const hp_bench_point *p, const hp_bench_point *base)
{
    if (!p)
        return g_strdup("");
    GString *out = g_string_new(NULL);
    scale s = scale_of(p->s.mean, m->unit);
    double half = (p->s.high - p->s.low) / 2 / s.size, mean = p->s.mean / s.size;
    int decimals = MAX(decimals_of(mean), half > 0 ? decimals_of(mean + 0.5) : 0);
    append_number(out, mean, decimals);
    if (p->s.n > 1) {
        g_string_append(out, " \xc2\xb1");
        append_number(out, half, decimals);
    }
    g_string_append_printf(out, "%s%s", *s.unit && *s.unit != '%' && *s.unit != '/' ? " " : "", s.unit);
    if (base && base != p && base->s.mean > 0) {
        g_string_append(out, "  x");
        append_number(out, p->s.mean / base->s.mean, 2);
    }
    return g_string_free(out, FALSE);
}

/* ---- a table: rows of cells, the first of each being a name ---- */

static void append_padded(GString *out, const char *text, glong width, bool last)
{
    g_string_append(out, text);
    for (glong have = g_utf8_strlen(text, -1); !last && have < width; have++)
        g_string_append_c(out, ' ');
}

static void append_table(GString *out, GPtrArray *rows)
{
    const GPtrArray *head = rows->pdata[0];
    for (unsigned r = 0; r < rows->len; r++) {
        const GPtrArray *row = rows->pdata[r];
        g_string_append(out, " ");
        for (unsigned c = 0; c < head->len; c++) {
            glong width = 0;
            for (unsigned i = 0; i < rows->len; i++)
                width = MAX(width, g_utf8_strlen(((GPtrArray *)rows->pdata[i])->pdata[c], -1));
            g_string_append(out, " ");
            append_padded(out, row->pdata[c], width + 1, c == head->len - 1);
        }
        while (out->str[out->len - 1] == ' ')
            g_string_truncate(out, out->len - 1);
        g_string_append_c(out, '\n');
    }
}

static GPtrArray *new_row(GPtrArray *rows, char *first)
{
    GPtrArray *row = g_ptr_array_new_with_free_func(g_free);
    g_ptr_array_add(row, first);
    g_ptr_array_add(rows, row);
    return row;
}

/* Every x of any variant, in the order in which they are first met. */
static GArray *axis_of(const hp_bench_metric *m)
{
    GArray *xs = g_array_new(FALSE, FALSE, sizeof(double));
    for (unsigned i = 0; i < m->variants->len; i++) {
        const GArray *points = ((const hp_bench_variant *)m->variants->pdata[i])->points;
        for (unsigned k = 0; k < points->len; k++) {
            double x = g_array_index(points, hp_bench_point, k).x;
            bool there = false;
            for (unsigned j = 0; j < xs->len; j++)
                there |= g_array_index(xs, double, j) == x;
            if (!there)
                g_array_append_val(xs, x);
        }
    }
    return xs;
}

/* A row a point, a column a variant. */
static void fill_along_axis(GPtrArray *rows, const hp_bench_metric *m, const hp_bench_variant *base)
{
    g_autoptr(GArray) xs = axis_of(m);
    GPtrArray *head = new_row(rows, g_strdup(m->x_name));
    for (unsigned v = 0; v < m->variants->len; v++)
        g_ptr_array_add(head, g_strdup(((const hp_bench_variant *)m->variants->pdata[v])->name));
    for (unsigned i = 0; i < xs->len; i++) {
        double x = g_array_index(xs, double, i);
        GPtrArray *row = new_row(rows, hp_bench_format(x, m->x_unit));
        for (unsigned v = 0; v < m->variants->len; v++)
            g_ptr_array_add(row, cell(m, hp_bench_variant_at(m->variants->pdata[v], x),
                                      base ? hp_bench_variant_at(base, x) : NULL));
    }
}

/* Without an axis a row a variant. */
static void fill_by_variant(GPtrArray *rows, const hp_bench_metric *m, const hp_bench_variant *base)
{
    for (unsigned v = 0; v < m->variants->len; v++) {
        const hp_bench_variant *variant = m->variants->pdata[v];
        GPtrArray *row = new_row(rows, g_strdup(variant->name));
        g_ptr_array_add(row, cell(m, hp_bench_variant_at(variant, 0), base ? hp_bench_variant_at(base, 0) : NULL));
    }
}

static void append_metric(GString *out, const hp_bench_metric *m)
{
    static const char *const better[] = {"", ", lower is better", ", higher is better"};
    static_assert(G_N_ELEMENTS(better) == HP_BENCH_BETTER_N, "a text for each");
    g_string_append_printf(out, "\n%s: %s%s%s\n", m->name, m->about, better[m->better],
                           m->is_virtual ? "" : " (this machine)");
    g_autoptr(GPtrArray) rows = g_ptr_array_new_with_free_func((GDestroyNotify)g_ptr_array_unref);
    const hp_bench_variant *base = hp_bench_metric_find(m, BASELINE);
    if (m->x_name)
        fill_along_axis(rows, m, base);
    else
        fill_by_variant(rows, m, base);
    if (rows->len > 0)
        append_table(out, rows);
}

char *hp_bench_document_text(const hp_bench_document *document)
{
    GString *out = g_string_new(document->about);
    g_string_append_c(out, '\n');
    for (unsigned i = 0; i < document->settings->len; i++) {
        const hp_bench_setting *s = &g_array_index(document->settings, hp_bench_setting, i);
        g_string_append_printf(out, "%s%s %s", i == 0 ? "" : ", ", s->name, s->text);
    }
    g_string_append(out, document->settings->len > 0 ? "\n" : "");
    for (unsigned i = 0; i < document->metrics->len; i++)
        append_metric(out, document->metrics->pdata[i]);
    return g_string_free(out, FALSE);
}
