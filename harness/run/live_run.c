/* Theory of operation.
 *
 *   rights -> folder, clock, cage -> rig and namespaces -> programs forked -> all READY -> run time 0 -> ... -> FINISH
 *
 * One thread turns the loop: packets, timers of the rig's world, and what programs say. Between turns, a slice at a time so
 * that no packet waits for long, the traces of all processes are merged up to HOLD_BACK before the present, or up to where
 * the slowest program has told all (hp_loop_keep_told()): one that lost its CPU in the middle of telling holds the merge
 * up for LONGEST_WAIT at most. HOLD_BACK is for what a process tells of another one's past: the broker has a client's
 * message some time after the client sent it. The director looks whether a wait is over, and the checker reads what was
 * merged. The run ends as a virtual one does: when all steps are done and everything is decided, at `until`, or when
 * something went wrong.
 *
 * At the end the loop is not turned any more: no packet moves, whatever the programs still send, and what happens while
 * they close is not part of the run. What they still say about it is merged as far as it is there, at the time of the
 * run's end; media that they still send is left out, or it would be taken for lost.
 *
 * A record may come late all the same, when its process was off the CPU for longer than that. Such records are clamped and
 * counted (trace/merge.h), and the self-check tells of them, with how late the world's timers fired, and what kernels lost.
 * check/live.c says from which figures on a run says nothing.
 *
 * Nothing is left behind: the folder is taken away, namespaces go with their descriptors, processes with the cage; after
 * a SIGKILL the folder goes with the next run. */
#include "run/live_run.h"

#include "actors/media_hub.h"
#include "base/error.h"
#include "live/cage.h"
#include "live/clock.h"
#include "live/descriptors.h"
#include "live/leftovers.h"
#include "live/rights.h"
#include "programs/crew.h"
#include "run/director.h"
#include "run/live_cast.h"
#include "run/live_net.h"
#include "trace/merge.h"

#define HOLD_BACK (20 * HP_MS)
#define LONGEST_WAIT (300 * HP_MS)
#define LONGEST_SLEEP (5 * HP_MS)

enum { SLICE = 256 }; /* records merged between two turns */

struct hp_live_run {
    const hp_plan *plan;
    hp_trace *trace; /* the run's: merged */
    hp_run_pulse *pulse;
    bool metered;
    hp_trace *fabric; /* the world's */
    hp_run_folder *folder;
    hp_live_clock *clock;
    hp_media_tracks *tracks;
    hp_cage *cage;
    hp_rig *rig;
    hp_live_net *net;
    hp_crew *crew;
    hp_loop *loop;
    hp_cast *cast;
    hp_director *director;
    hp_checker *checker;
    hp_trace_merge *merge;
    uint64_t seen; /* records of the merged trace that were looked at */
    /* how it ended */
    hp_verdict verdict;
    const char *reason;
    char *message;
};

/* ---- setting up ---- */

static void beat(void *user)
{
    hp_live_run *run = user;
    if (!run->pulse)
        return;
    run->pulse->steps++;
    run->pulse->now = hp_live_clock_now(run->clock);
}

static bool set_up(hp_live_run *run, GError **error)
{
    const hp_plan *plan = run->plan;
    hp_descriptors_raise();
    run->checker = hp_checker_new(plan, error);
    if (!run->checker || !hp_rights_enter(error))
        return false;
    run->folder = hp_run_folder_new(NULL, error);
    run->clock = run->folder ? hp_live_clock_new(error) : NULL;
    run->fabric = run->clock ? hp_trace_new(error) : NULL;
    run->tracks = run->fabric ? hp_media_tracks_new(error) : NULL;
    run->cage = run->tracks ? hp_cage_new(error) : NULL;
    run->rig = run->cage ? hp_rig_new_of_hosts(plan, run->fabric, error) : NULL;
    run->net = run->rig ? hp_live_net_new(plan, error) : NULL;
    if (!run->net)
        return false;
    const hp_crew_config config = {.plan = plan,
                                   .clock = run->clock,
                                   .folder = hp_run_folder_path(run->folder),
                                   .peer_namespaces = hp_live_net_peers(run->net),
                                   .server_namespaces = hp_live_net_servers(run->net),
                                   .tracks = run->tracks,
                                   .metered = run->metered};
    run->crew = hp_crew_new(&config, error);
    if (!run->crew || !hp_crew_start(run->crew, error) || !hp_live_net_open(run->net, error))
        return false;
    hp_crew_set_up(run->crew);
    return true;
}

/* After the programs were forked, which are to have neither its descriptors nor its priority. */
static bool open_loop(hp_live_run *run, GError **error)
{
    const hp_loop_options options = hp_loop_options_punctual();
    run->loop = hp_loop_new(run->rig->world, run->clock, &options, error);
    if (!run->loop || !hp_live_net_attach(run->net, run->loop, run->rig, error) ||
        !hp_rig_open_kernel_nats(run->rig, run->loop, error))
        return false;
    hp_crew_listen(run->crew, run->loop);
    run->merge = hp_trace_merge_new(run->trace);
    hp_trace_merge_add(run->merge, run->fabric);
    for (unsigned i = 0; i < hp_crew_size(run->crew); i++)
        hp_trace_merge_add(run->merge, hp_crew_trace(run->crew, i));
    run->cast = hp_live_cast_new(run->rig, run->crew, run->net);
    run->director = hp_director_new(run->rig, run->cast, run->trace);
    return true;
}

static void end(hp_live_run *run, hp_verdict verdict, const char *reason, char *message)
{
    run->verdict = verdict;
    run->reason = reason;
    run->message = message;
}

/* A program failed: false when none did. */
static bool take_failure(hp_live_run *run)
{
    const hp_crew_failure *failure = hp_crew_get_failure(run->crew);
    if (!failure)
        return false;
    if (failure->code < 0)
        end(run, HP_VERDICT_CRASHED, "crashed", g_strdup(failure->text));
    else if (failure->early && failure->code == HP_ERROR_ENVIRONMENT)
        end(run, HP_VERDICT_SKIPPED, "skipped", g_strdup(failure->text));
    else
        end(run, HP_VERDICT_ERROR, failure->early ? "not-ready" : "failed", g_strdup(failure->text));
    return true;
}

static bool wait_until_ready(hp_live_run *run, GError **error)
{
    const gint64 limit = g_get_monotonic_time() + HP_PROGRAM_READY_S * G_USEC_PER_SEC;
    while (!hp_crew_all_ready(run->crew) && !take_failure(run)) {
        beat(run);
        if (g_get_monotonic_time() > limit) {
            g_autofree char *late = hp_crew_late_ones(run->crew);
            end(run, HP_VERDICT_ERROR, "not-ready",
                g_strdup_printf("%s: not ready within %d s", late, HP_PROGRAM_READY_S));
            return true;
        }
        if (!hp_loop_turn(run->loop, 50 * HP_MS, error))
            return false;
    }
    (void)take_failure(run);
    return true;
}

hp_live_run *hp_live_run_new(const hp_plan *plan, hp_trace *trace, hp_run_pulse *pulse, bool metered, GError **error)
{
    g_autoptr(hp_live_run) run = g_new0(hp_live_run, 1);
    run->plan = plan;
    run->trace = trace;
    run->pulse = pulse;
    run->metered = metered;
    if (!set_up(run, error) || !open_loop(run, error) || !wait_until_ready(run, error))
        return NULL; /* NOLINT(clang-analyzer-unix.Malloc): g_autoptr has it */
    return g_steal_pointer(&run);
}

/* ---- carrying out ---- */

static hp_time before(hp_time now, hp_time span)
{
    return now > span ? now - span : 0;
}

/* Up to when everybody has told what happened. The present was read before. */
static hp_time find_told(const hp_live_run *run, hp_time now)
{
    const hp_time told = MIN(hp_crew_told(run->crew), hp_world_next_deadline(run->rig->world));
    return MAX(MIN(told, before(now, HOLD_BACK)), before(now, LONGEST_WAIT));
}

/* Merges, looks and judges a slice. True when the run is decided. */
static bool look(hp_live_run *run, hp_time now)
{
    const hp_time until = find_told(run, now);
    const bool whole = hp_trace_merge_run(run->merge, until, SLICE);
    if (hp_trace_n_records(run->trace) != run->seen) {
        hp_checker_feed(run->checker, run->trace);
        run->seen = hp_trace_n_records(run->trace);
    }
    hp_director_poll(run->director); /* states and flows are no records */
    return whole && hp_director_done(run->director) && hp_checker_decided(run->checker);
}

static bool is_over(hp_live_run *run)
{
    const hp_time now = hp_live_clock_now(run->clock);
    if (take_failure(run))
        return true;
    if (hp_trace_overflowed(run->fabric) || hp_trace_overflowed(run->trace)) {
        end(run, HP_VERDICT_ERROR, "limit", g_strdup("the trace grew past its limit"));
        return true;
    }
    if (look(run, now)) {
        run->reason = "decided";
        return true;
    }
    if (now >= run->plan->scenario->until) {
        run->reason = "until";
        return true;
    }
    return false;
}

static void run_through(hp_live_run *run)
{
    g_autoptr(GError) error = NULL;
    hp_trace_event(run->fabric, 0, HP_EV_RUN_START, run->plan->case_name, HP_FU("seed", run->plan->seed));
    hp_live_clock_begin(run->clock);
    hp_loop_lateness_reset(run->loop);
    hp_director_start(run->director);
    while (!is_over(run)) {
        beat(run);
        if (!hp_loop_turn(run->loop, LONGEST_SLEEP, &error)) {
            end(run, HP_VERDICT_ERROR, "limit", g_strdup(error->message));
            return;
        }
    }
}

/* ---- the end ---- */

static void tell_host(hp_live_run *run, hp_time now, const hp_live_host_figures *f, uint64_t untold)
{
    hp_trace_event(run->trace, now, HP_EV_LIVE_HOST, f->name, HP_FS("device", f->device),
                   HP_FU("from-kernel", f->devices.from_kernel), HP_FU("to-kernel", f->devices.to_kernel),
                   HP_FU("tx-dropped", f->devices.tx_dropped), HP_FU("noise", f->devices.noise),
                   HP_FU("malformed", f->devices.malformed), HP_FU("refused", f->devices.refused),
                   HP_FU("receive-errors", f->kernel.udp_in_errors), HP_FU("send-full", f->kernel.udp_send_buffer),
                   HP_FU("untold", untold));
}

/* What the run says of itself, to the merged trace: hosts, and NATs of a kernel. stopped: when the network was, after
 * which nothing arrived. */
static void tell_figures(hp_live_run *run, hp_time stopped, hp_time now)
{
    const hp_lateness *late = hp_loop_lateness(run->loop);
    const hp_loop_report *report = hp_loop_report_get(run->loop);
    const hp_trace_merge_stats merged = hp_trace_merge_get_stats(run->merge);
    hp_trace_event(run->trace, now, HP_EV_LIVE_FABRIC, "fabric", HP_FU("timers", late->n),
                   HP_FT("median", hp_lateness_percentile(late, 500)), HP_FT("p99", hp_lateness_percentile(late, 990)),
                   HP_FT("max", late->max), HP_FU("late-records", merged.late), HP_FT("worst-record", merged.worst),
                   HP_FT("stopped", stopped), HP_FU("fifo", report->fifo), HP_FU("awake", report->keep_awake),
                   HP_FS("refused", report->refused));
    for (unsigned i = 0; i < hp_live_net_n_hosts(run->net); i++) {
        hp_live_host_figures f;
        g_autoptr(GError) error = NULL;
        if (hp_live_net_figures(run->net, i, &f, &error))
            tell_host(run, now, &f, 0);
    }
    for (unsigned i = 0; i < run->plan->n_nats; i++) {
        if (!run->rig->kernel_nats[i])
            continue;
        const hp_kernel_router_stats stats = hp_kernel_router_get_stats(run->rig->kernel_nats[i]);
        const hp_live_host_figures f = {
            .name = run->plan->nats[i].source->name, .device = stats.device, .devices = stats.devices};
        tell_host(run, now, &f, stats.untold);
    }
    for (unsigned i = 0; i < hp_crew_size(run->crew); i++) {
        const hp_crew_usage usage = hp_crew_get_usage(run->crew, i);
        hp_trace_event(run->trace, now, HP_EV_LIVE_PROGRAM, usage.name, HP_FS("kind", usage.kind),
                       HP_FT("user", usage.user), HP_FT("system", usage.system), HP_FU("peak-kb", usage.peak_kb),
                       HP_FS("scheduling", usage.scheduling), HP_FU("beats", usage.beats),
                       HP_FT("stall-p99", usage.stall_p99), HP_FT("stall-max", usage.stall_max));
    }
}

static void finish_programs(hp_live_run *run)
{
    g_autofree char *killed = NULL;
    hp_crew_finish(run->crew, beat, run, &killed);
    if (run->verdict == HP_VERDICT_PASS && !take_failure(run) && killed)
        end(run, HP_VERDICT_ERROR, "not-finished",
            g_strdup_printf("%s: not finished within %d s", killed, HP_PROGRAM_FINISH_S));
}

hp_result *hp_live_run_carry_out(hp_live_run *run)
{
    if (run->verdict == HP_VERDICT_PASS)
        run_through(run);
    const hp_time now = hp_live_clock_now(run->clock);
    /* Punctual still: programs go on sending until they are told, and nothing carries it any more. */
    finish_programs(run);
    hp_loop_relax(run->loop);
    hp_rig_finish(run->rig);
    hp_trace_merge_close(run->merge, now);
    const hp_time ended = MAX(now, hp_trace_end(run->trace));
    tell_figures(run, now, ended);
    hp_trace_event(run->trace, ended, HP_EV_RUN_END, run->plan->case_name, HP_FS("reason", run->reason));
    hp_checker_feed(run->checker, run->trace);
    hp_result *result = hp_checker_finish(run->checker, run->trace, run->verdict, run->message, run->reason, ended);
    hp_trace_seal(run->trace);
    return result;
}

bool hp_live_run_keep_logs(const hp_live_run *run, const char *folder, GError **error)
{
    return hp_crew_keep_logs(run->crew, folder, error);
}

void hp_live_run_free(hp_live_run *run)
{
    if (!run)
        return;
    hp_director_free(run->director);
    hp_cast_free(run->cast);
    hp_crew_free(run->crew);
    hp_trace_merge_free(run->merge);
    if (run->fabric)
        hp_trace_seal(run->fabric);
    if (run->rig)
        hp_rig_close_kernel_nats(run->rig);
    hp_live_net_free(run->net);
    hp_rig_free(run->rig);
    hp_loop_free(run->loop);
    hp_cage_free(run->cage);
    hp_checker_free(run->checker);
    hp_trace_free(run->fabric);
    hp_media_tracks_free(run->tracks);
    hp_live_clock_free(run->clock);
    hp_run_folder_free(run->folder);
    g_free(run->message);
    g_free(run);
}
