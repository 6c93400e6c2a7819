/* Theory of operation.
 *
 * The loop fires one timer of the world at a time. Whenever the trace has grown, the director looks whether a wait is
 * over and the checker reads the new records. The run ends when all steps are done, no flow is running and every
 * expectation is decided; or at the scenario's `until`; or when a cap is reached, which is an error.
 *
 * The result is judged from the trace alone: nothing in here knows what an expectation says. */
#include "run/run.h"

#include "run/director.h"
#include "run/rig.h"
#include "seam/seam.h"

typedef struct ending {
    hp_verdict verdict; /* HP_VERDICT_PASS: let the expectations say */
    const char *reason;
    char *message; /* owned */
} ending;

static ending run_loop(hp_rig *rig, hp_director *director, hp_checker *checker, hp_trace *trace, hp_run_pulse *pulse)
{
    hp_time until = rig->plan->scenario->until;
    uint64_t seen = 0;
    g_autoptr(GError) error = NULL;
    for (;;) {
        if (pulse) {
            pulse->steps++;
            pulse->now = hp_world_now(rig->world);
        }
        if (hp_trace_n_records(trace) != seen) {
            hp_director_poll(director);
            hp_checker_feed(checker, trace);
            seen = hp_trace_n_records(trace);
            if (hp_director_done(director) && hp_checker_decided(checker))
                return (ending){.reason = "decided"};
        }
        if (hp_trace_overflowed(trace))
            return (ending){HP_VERDICT_ERROR, "limit", g_strdup("the trace grew past its limit")};
        if (hp_world_next_deadline(rig->world) > until) {
            hp_world_run_until(rig->world, until, NULL);
            return (ending){.reason = "until"};
        }
        if (!hp_world_step(rig->world, &error) && error)
            return (ending){HP_VERDICT_ERROR, "limit", g_strdup(error->message)};
    }
}

hp_result *hp_run_plan(const hp_plan *plan, hp_trace *trace, hp_run_pulse *pulse, GError **error)
{
    g_autoptr(hp_checker) checker = hp_checker_new(plan, error);
    if (!checker)
        return NULL;
    g_autoptr(hp_rig) rig = hp_rig_new(plan, trace, error);
    if (!rig)
        return NULL;
    hp_trace_event(trace, 0, HP_EV_RUN_START, plan->case_name, HP_FU("seed", plan->seed));
    hp_director *director = hp_director_new(rig);
    hp_director_start(director);
    ending end = run_loop(rig, director, checker, trace, pulse);

    hp_time now = hp_world_now(rig->world);
    for (unsigned i = 0; i < plan->n_servers; i++)
        hp_server_finish(rig->servers[i]);
    hp_trace_event(trace, now, HP_EV_RUN_END, plan->case_name, HP_FS("reason", end.reason));
    hp_checker_feed(checker, trace);
    hp_result *result = hp_checker_finish(checker, trace, end.verdict, end.message, end.reason, now);
    hp_trace_seal(trace);
    hp_director_free(director);
    g_free(end.message);
    return result;
}
