/* Many runs of one bench: through hp_batch, so that all cores work and a crash takes nothing else down. */
#ifndef HP_BENCH_RUNS_H
#define HP_BENCH_RUNS_H

#include "actors/server_meter.h"
#include "check/result.h"

typedef struct hp_bench_runs_options {
    unsigned jobs; /* 0: one a core */
    unsigned hang_s; /* 0: the default of run/batch.h */
    bool metered; /* meters are wanted; of live runs server-usage events, and no meter */
    bool live; /* in the live world */
    unsigned *ret_spoilt; /* live: counts runs that the machine was too slow for; they are not told of. Not NULL then */
} hp_bench_runs_options;

/* Called for every run, in the order in which they end; index: of the plan. meter NULL unless metered. */
typedef void (*hp_bench_run_fn)(void *user, unsigned index, const hp_result *result, const hp_trace *trace,
                                const hp_server_meter *meter);

/* Runs all plans. False: HP_ERROR_REFUSED naming case and seed of the first (by index) run that crashed, hung or hit a
 * limit, HP_ERROR_ENVIRONMENT when one was skipped, or what hp_batch_run() says. A verdict of "fail" is no error here:
 * the callback sees what happened. */
bool hp_bench_runs(hp_plan *const *plans, unsigned n_plans, const hp_bench_runs_options *options, hp_bench_run_fn fn,
                   void *user, GError **error);

#endif
