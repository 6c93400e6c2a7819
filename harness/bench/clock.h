/* The CPU that this process has used: what every figure of Hairpin's own speed is divided by. Benches have one thread. */
#ifndef HP_BENCH_CLOCK_H
#define HP_BENCH_CLOCK_H

#include "live/clock.h"

static inline hp_time hp_bench_cpu(void)
{
    return hp_clock_read(CLOCK_PROCESS_CPUTIME_ID);
}

#endif
