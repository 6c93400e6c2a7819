/* The words about the figures of a run (figures.h), as metrics along the number of clients. */
#ifndef HP_BENCH_SUBJECTS_H
#define HP_BENCH_SUBJECTS_H

#include "bench/document.h"
#include "bench/figures.h"

/* live: measured on this machine, whatever it is. */
hp_bench_subject hp_bench_figure_subject(hp_bench_figure figure, bool live);
/* One way, relay minus direct of the same seed. */
hp_bench_subject hp_bench_added_latency_subject(bool live);

#endif
