/* Who is on which CPU while a machine is measured: one process has the first, all others share the rest. */
#ifndef HP_BENCH_CPUS_H
#define HP_BENCH_CPUS_H

#include <sched.h>
#include <stdbool.h>

typedef struct hp_bench_cpus {
    cpu_set_t usable; /* none: not known */
} hp_bench_cpus;

/* Those that this thread may be on: to be asked before anybody takes some, as children inherit what their parent took. */
hp_bench_cpus hp_bench_cpus_find(void);

/* What they do to the calling thread. With fewer than two CPUs: nothing. */
void hp_bench_cpus_take_first(const hp_bench_cpus *cpus);
void hp_bench_cpus_take_rest(const hp_bench_cpus *cpus);
void hp_bench_cpus_take_all(const hp_bench_cpus *cpus);

#endif
