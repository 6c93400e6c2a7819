/* The first CPU is the first that may be used, which in a container need not be the machine's. */
#include "bench/cpus.h"

hp_bench_cpus hp_bench_cpus_find(void)
{
    hp_bench_cpus cpus;
    if (sched_getaffinity(0, sizeof cpus.usable, &cpus.usable) != 0) {
        CPU_ZERO(&cpus.usable);
    }
    return cpus;
}

static void take(const hp_bench_cpus *cpus, bool first, bool rest)
{
    cpu_set_t taken;
    bool seen = false;
    if (CPU_COUNT(&cpus->usable) < 2) {
        return;
    }
    CPU_ZERO(&taken);
    for (unsigned i = 0; i < CPU_SETSIZE; i++) {
        if (CPU_ISSET(i, &cpus->usable)) {
            if (seen ? rest : first) {
                CPU_SET(i, &taken);
            }
            seen = true;
        }
    }
    sched_setaffinity(0, sizeof taken, &taken);
}

void hp_bench_cpus_take_first(const hp_bench_cpus *cpus)
{
    take(cpus, true, false);
}

void hp_bench_cpus_take_rest(const hp_bench_cpus *cpus)
{
    take(cpus, false, true);
}

void hp_bench_cpus_take_all(const hp_bench_cpus *cpus)
{
    take(cpus, true, true);
}
