/* The words about the figures of a run (figures.h), as metrics along the number of clients, and about its calls. */
#ifndef HP_BENCH_SUBJECTS_H
#define HP_BENCH_SUBJECTS_H

#include "bench/document.h"
#include "bench/figures.h"
#include "bench/variants.h"

/* live: measured on this machine, whatever it is. */
hp_bench_subject hp_bench_figure_subject(hp_bench_figure figure, bool live);
/* One way, relay minus direct of the same seed. */
hp_bench_subject hp_bench_added_latency_subject(bool live);

/* The settings of the built-in calls. */
void hp_bench_tell_calls(hp_bench_document *document, const hp_bench_network *network, const unsigned *clients,
                         unsigned n_clients, hp_time duration);

#endif
