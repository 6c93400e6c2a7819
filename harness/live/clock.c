/* The shared clock: one page that every process of the run has in its memory, with the instant of run time 0.
 *
 * CLOCK_MONOTONIC is the same in all processes of a machine (a time namespace would differ: none is made here). The
 * instant is written once, by one process, and read by all without a lock: a reader sees either that the run has not
 * begun or when it did. */
#include "live/clock.h"

#include <stdatomic.h>
#include <sys/mman.h>

#include "live/refused.h"

struct hp_live_clock {
    _Atomic uint64_t start; /* CLOCK_MONOTONIC, ns; 0: not yet */
};

hp_live_clock *hp_live_clock_new(GError **error)
{
    void *page = mmap(NULL, sizeof(hp_live_clock), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (page == MAP_FAILED) {
        hp_refused(error, "no shared memory for the clock");
        return NULL;
    }
    return page;
}

void hp_live_clock_free(hp_live_clock *clock)
{
    if (clock != NULL) {
        munmap(clock, sizeof *clock);
    }
}

void hp_live_clock_begin(hp_live_clock *clock)
{
    uint64_t none = 0;
    atomic_compare_exchange_strong(&clock->start, &none, hp_clock_read(CLOCK_MONOTONIC));
}

bool hp_live_clock_has_begun(const hp_live_clock *clock)
{
    return atomic_load_explicit(&clock->start, memory_order_relaxed) != 0;
}

hp_time hp_live_clock_now(const hp_live_clock *clock)
{
    uint64_t start = atomic_load_explicit(&clock->start, memory_order_relaxed);
    return start != 0 ? hp_clock_read(CLOCK_MONOTONIC) - start : 0;
}

hp_time hp_live_clock_monotonic(const hp_live_clock *clock, hp_time run_time)
{
    uint64_t start = atomic_load_explicit(&clock->start, memory_order_relaxed);
    return start != 0 ? hp_time_add(start, run_time) : HP_NEVER;
}
