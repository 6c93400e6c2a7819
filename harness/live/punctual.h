/* What a thread can do to wake on time, as far as it is allowed. Private to live/. */
#ifndef HP_LIVE_PUNCTUAL_H
#define HP_LIVE_PUNCTUAL_H

#include "live/loop.h"

typedef struct hp_punctual {
    bool real_time; /* SCHED_FIFO or SCHED_RR is in effect, to be undone */
    int dma_latency; /* open descriptor that keeps CPUs awake, or -1 */
    hp_time spin;
    hp_time budget; /* how long it may still spin */
    hp_time heartbeat;
} hp_punctual;

/* For the calling thread; options may be NULL. Fills fifo, keep_awake, scheduling, spin and refused of the report. */
void hp_punctual_start(hp_punctual *punctual, const hp_loop_options *options, hp_loop_report *ret);
void hp_punctual_stop(hp_punctual *punctual);
/* How long before an instant to be awake; 0 when there is no budget. */
hp_time hp_punctual_lead(const hp_punctual *punctual);
/* For the budget: how long the thread slept, and how long it was awake without work. */
void hp_punctual_slept(hp_punctual *punctual, hp_time slept);
void hp_punctual_spun(hp_punctual *punctual, hp_time spun);

#endif
