/* A table of figures, a row a pass. */
#include "bench/passes.h"

hp_bench_passes *hp_bench_passes_new(unsigned n, unsigned n_figures)
{
    hp_bench_passes *passes = g_new0(hp_bench_passes, 1);
    passes->n = n;
    passes->n_figures = n_figures;
    passes->of = g_new0(double, (gsize)n *n_figures);
    passes->samples = g_new(double, n);
    return passes;
}

void hp_bench_passes_free(hp_bench_passes *passes)
{
    if (passes) {
        g_free(passes->of);
        g_free(passes->samples);
        g_free(passes);
    }
}

double *hp_bench_passes_at(hp_bench_passes *passes, unsigned pass)
{
    return &passes->of[(gsize)pass * passes->n_figures];
}

void hp_bench_passes_add(const hp_bench_passes *passes, hp_bench_document *document, const hp_bench_subject *subject,
                         const char *variant, double x, unsigned figure)
{
    for (unsigned i = 0; i < passes->n; i++)
        passes->samples[i] = passes->of[(gsize)i * passes->n_figures + figure];
    hp_bench_document_add(document, subject, variant, x, passes->samples, passes->n);
}
