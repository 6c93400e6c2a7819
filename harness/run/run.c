/* Theory of operation.
 *
 * The loop fires one timer of the world at a time. Whenever the trace has grown, the director looks whether a wait is
 * over and the checker reads the new records. The run ends when all steps are done, no flow is running and every
 * expectation is decided; or at the scenario's `until`; or when a cap is reached, which is an error.
 *
 * The result is judged from the trace alone: nothing in here knows what an expectation says. */
#include "run/run.h"

#include "engines/dtls.h"
#include "engines/srtp.h"
#include "run/director.h"
#include "run/rig.h"
#include "seam/seam.h"

struct hp_run {
    const hp_plan *plan;
    hp_trace *trace;
    hp_rig *rig;
    hp_cast *cast;
    hp_director *director;
    hp_checker *checker;
    /* how it ended */
    hp_verdict verdict; /* HP_VERDICT_PASS: let the expectations say */
    const char *reason;
    char *message; /* owned; with HP_VERDICT_ERROR */
};

static bool has_media(const hp_plan *plan)
{
    for (unsigned i = 0; i < plan->scenario->n_steps; i++) {
        const hp_step *step = &plan->scenario->steps[i];
        if (step->kind == HP_STEP_CALL && hp_call_has_media(&step->call.config))
            return true;
    }
    return false;
}

bool hp_run_warm_up(hp_plan *const *plans, unsigned n_plans, GError **error)
{
    hp_stun_warm_up();
    for (unsigned i = 0; i < n_plans; i++) {
        if (!has_media(plans[i]))
            continue;
        hp_dtls_warm_up();
        return hp_srtp_start(error);
    }
    return true;
}

hp_run *hp_run_begin(const hp_plan *plan, hp_trace *trace, GError **error)
{
    g_autoptr(hp_checker) checker = hp_checker_new(plan, error);
    hp_rig *rig = checker ? hp_rig_new(plan, trace, error) : NULL;
    if (!rig)
        return NULL;
    hp_run *run = g_new0(hp_run, 1);
    run->plan = plan;
    run->trace = trace;
    run->rig = rig;
    run->checker = g_steal_pointer(&checker);
    run->cast = hp_cast_here_new(rig);
    run->director = hp_director_new(rig, run->cast, trace);
    hp_trace_event(trace, 0, HP_EV_RUN_START, plan->case_name, HP_FU("seed", plan->seed));
    hp_director_start(run->director);
    return run;
}

static void end_at_limit(hp_run *run, const char *message)
{
    run->verdict = HP_VERDICT_ERROR;
    run->reason = "limit";
    run->message = g_strdup(message);
}

/* One timer of the world; false when the run is over. */
static bool step(hp_run *run)
{
    hp_world *world = run->rig->world;
    hp_time until = run->plan->scenario->until;
    g_autoptr(GError) error = NULL;
    if (hp_trace_overflowed(run->trace)) {
        end_at_limit(run, "the trace grew past its limit");
        return false;
    }
    if (hp_world_next_deadline(world) > until) {
        hp_world_run_until(world, until, NULL);
        run->reason = "until";
        return false;
    }
    if (!hp_world_step(world, &error) && error) {
        end_at_limit(run, error->message);
        return false;
    }
    return true;
}

void hp_run_loop(hp_run *run, hp_run_pulse *pulse)
{
    uint64_t seen = 0;
    do {
        if (pulse) {
            pulse->steps++;
            pulse->now = hp_world_now(run->rig->world);
        }
        if (hp_trace_n_records(run->trace) == seen)
            continue;
        hp_director_poll(run->director);
        hp_checker_feed(run->checker, run->trace);
        seen = hp_trace_n_records(run->trace);
        if (hp_director_done(run->director) && hp_checker_decided(run->checker)) {
            run->reason = "decided";
            return;
        }
    } while (step(run));
}

hp_result *hp_run_finish(hp_run *run)
{
    hp_time now = hp_world_now(run->rig->world);
    for (unsigned i = 0; i < run->plan->n_peers; i++)
        if (run->rig->peers[i])
            hp_peer_finish(run->rig->peers[i]);
        else
            hp_raw_peer_finish(run->rig->raw_peers[i]);
    for (unsigned i = 0; i < run->plan->n_servers; i++)
        if (run->rig->servers[i])
            hp_server_finish(run->rig->servers[i]);
    hp_rig_finish(run->rig);
    hp_trace_event(run->trace, now, HP_EV_RUN_END, run->plan->case_name, HP_FS("reason", run->reason));
    hp_checker_feed(run->checker, run->trace);
    hp_result *result = hp_checker_finish(run->checker, run->trace, run->verdict, run->message, run->reason, now);
    hp_trace_seal(run->trace); /* closing the agents is not part of the run */
    hp_director_free(run->director);
    hp_cast_free(run->cast);
    hp_rig_free(run->rig);
    hp_checker_free(run->checker);
    g_free(run->message);
    g_free(run);
    return result;
}

hp_result *hp_run_plan_metered(const hp_plan *plan, hp_trace *trace, hp_run_pulse *pulse, hp_server_meter *meter,
                               GError **error)
{
    hp_run *run = hp_run_begin(plan, trace, error);
    if (!run)
        return NULL;
    for (unsigned i = 0; i < plan->n_servers; i++)
        if (run->rig->servers[i])
            hp_server_set_meter(run->rig->servers[i], meter);
    hp_run_loop(run, pulse);
    return hp_run_finish(run);
}

hp_result *hp_run_plan(const hp_plan *plan, hp_trace *trace, hp_run_pulse *pulse, GError **error)
{
    return hp_run_plan_metered(plan, trace, pulse, NULL, error);
}
