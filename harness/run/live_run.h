/* One run in the live world: the plan's network in this process, driven in real time, and everybody who takes part in a
 * process of his own on a kernel's network stack. */
#ifndef HP_RUN_LIVE_RUN_H
#define HP_RUN_LIVE_RUN_H

#include "check/check.h"
#include "run/run.h"

typedef struct hp_live_run hp_live_run;

/* Sets everything up: rights, namespaces, programs, until all are ready. The process must have one thread and is used for
 * nothing else afterwards: it may be in other namespaces than before. pulse may be NULL. metered: the trace is told now
 * and then what the servers' processes use (server-usage).
 *
 * NULL and HP_ERROR_ENVIRONMENT when this machine cannot do it, saying what is missing. A program that did not come to be
 * is no error here, but the verdict of the run. */
hp_live_run *hp_live_run_new(const hp_plan *plan, hp_trace *trace, hp_run_pulse *pulse, bool metered, GError **error);
/* Carries the plan out and judges the trace. Once. */
hp_result *hp_live_run_carry_out(hp_live_run *run);
/* What the programs wrote, as NAME.log in the folder, which is there. */
bool hp_live_run_keep_logs(const hp_live_run *run, const char *folder, GError **error);
/* Ends what is still there; nothing is left behind. */
void hp_live_run_free(hp_live_run *run);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(hp_live_run, hp_live_run_free)

#endif
