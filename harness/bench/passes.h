/* Samples that are taken in passes: each pass measures every figure of a bench once, so that what slows the machine down
 * for a while falls on a sample of every figure and not on all samples of one. */
#ifndef HP_BENCH_PASSES_H
#define HP_BENCH_PASSES_H

#include "bench/document.h"

typedef struct hp_bench_passes {
    unsigned n, n_figures;
    double *of; /* by pass, by figure */
    double *samples; /* room for those of one figure */
} hp_bench_passes;

hp_bench_passes *hp_bench_passes_new(unsigned n, unsigned n_figures);
void hp_bench_passes_free(hp_bench_passes *passes);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(hp_bench_passes, hp_bench_passes_free)

/* The figures of a pass, 0 until they are written. */
double *hp_bench_passes_at(hp_bench_passes *passes, unsigned pass);
/* Adds a point: that figure's samples. */
void hp_bench_passes_add(const hp_bench_passes *passes, hp_bench_document *document, const hp_bench_subject *subject,
                         const char *variant, double x, unsigned figure);

#endif
