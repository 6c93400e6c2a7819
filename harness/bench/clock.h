/* The CPU that this process has used: what every figure of Hairpin's own speed is divided by. Benches have one thread. */
#ifndef HP_BENCH_CLOCK_H
#define HP_BENCH_CLOCK_H

#include <stdint.h>
#include <time.h>

#include "base/time.h"

/* ns */
static inline uint64_t hp_bench_cpu(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (uint64_t)t.tv_sec * HP_S + (uint64_t)t.tv_nsec;
}

#endif
