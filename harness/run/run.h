/* One run: the world is built from a plan, the steps are carried out, the trace is judged. */
#ifndef HP_RUN_RUN_H
#define HP_RUN_RUN_H

#include "actors/server_meter.h"
#include "check/check.h"

/* A sign of life in memory that another process may watch: an endless loop in the software under test shows as steps
 * that no longer grow. */
typedef struct hp_run_pulse {
    uint64_t steps;
    hp_time now;
} hp_run_pulse;

/* Sets up what the libraries of these plans need once in a process (SRTP's and DTLS's self-tests and tables, some 16 ms
 * of CPU when any call has media): before forking, so that every child has it. HP_ERROR_ENVIRONMENT when one fails. */
bool hp_run_warm_up(hp_plan *const *plans, unsigned n_plans, GError **error);

typedef struct hp_run hp_run;

/* The three parts of hp_run_plan(), for who wants to look in between: build the world, step it to the run's end, judge
 * the trace and take everything down. */
hp_run *hp_run_begin(const hp_plan *plan, hp_trace *trace, GError **error);
void hp_run_loop(hp_run *run, hp_run_pulse *pulse);
hp_result *hp_run_finish(hp_run *run);

/* Carries the plan out in this process; the trace is filled, the result is judged from it. pulse may be NULL. NULL and
 * error only when it could not begin (a bad pcap filter, a server that cannot bind). */
hp_result *hp_run_plan(const hp_plan *plan, hp_trace *trace, hp_run_pulse *pulse, GError **error);
/* The same with the CPU of all its servers counted in meter (NULL: not); the trace is the same, byte for byte. */
hp_result *hp_run_plan_metered(const hp_plan *plan, hp_trace *trace, hp_run_pulse *pulse, hp_server_meter *meter,
                               GError **error);

#endif
