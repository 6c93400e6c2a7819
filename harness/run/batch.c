/* Theory of operation.
 *
 * `jobs` slots, each with a trace and a small control block in memory that is shared with the process forked for a
 * run, and a nursery (nursery.c) that forks it: every run begins with the memory of the moment when all was planned,
 * whatever ran before. The child fills the trace, judges it and writes the evidence. The parent, when the child has
 * gone, judges the same trace again - a result depends on plan and trace alone - and so has it without any protocol
 * between the two; after a crash the trace simply ends early.
 *
 *   FREE --fork--> RUNNING --child gone--> (result taken) FREE
 *
 * The parent waits for the nurseries, which say when a child is gone. Every second it looks at the pulse; a child whose
 * steps have not grown for hang_s seconds is killed, and hung is the verdict. This is the only place where real time is
 * looked at, and it never decides anything but that.
 *
 * What the software under test prints before it dies (an assertion's text) is kept in a memory file behind the child's
 * stderr; its last line becomes the message. */
#include "run/batch.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/error.h"
#include "base/heap.h"
#include "base/sanitizer.h"
#include "live/leftovers.h"
#include "live/rights.h"
#include "report/report.h"
#include "run/live_applies.h"
#include "run/live_run.h"
#include "run/nursery.h"
#include "run/run.h"

enum { DEFAULT_HANG_S = 10, TEXT = 512, EXIT_OWN_ERROR = 90, MOST_JOBS = 64 };

/* Shared with the child, which may be full of wild pointers: the parent takes nothing in it on trust. */
typedef struct control {
    hp_run_pulse pulse;
    uint32_t told; /* one of the TOLD_ values, or nothing was */
    uint32_t has_message;
    uint32_t verdict; /* of the run itself: PASS when the expectations say */
    hp_time ended;
    int32_t error_code; /* with TOLD_FAILED */
    char end_reason[32];
    char message[TEXT]; /* of the verdict, or of the error */
} control;

/* How the child came to its end by itself; numbers that no accident writes. */
enum {
    TOLD_OVER = 0x6f6b2e31, /* the run is over, as told to the checker */
    TOLD_FAILED = 0x6661696c, /* no result, or its evidence could not be written: error_code, message */
};

typedef struct slot {
    const struct batch *batch;
    hp_trace *trace;
    control *control;
    hp_nursery *nursery; /* busy: running */
    int output; /* the child's stderr */
    unsigned index;
    uint64_t last_steps;
    gint64 last_grown; /* monotonic us of the parent */
    bool killed;
} slot;

typedef struct batch {
    hp_plan *const *plans;
    unsigned n_plans, next;
    const hp_batch_options *options;
    slot *slots;
    unsigned n_slots;
    bool stopped; /* begin no more */
} batch;

static char *evidence_path(const batch *b, unsigned index)
{
    return b->options->out ? g_build_filename(b->options->out, b->plans[index]->case_name, NULL) : NULL;
}

static bool wants_evidence(const hp_batch_options *options, const hp_result *result)
{
    switch (options->evidence) {
    case HP_EVIDENCE_ALL:
        return options->out != NULL;
    case HP_EVIDENCE_FAILURES:
        return options->out != NULL && result->verdict != HP_VERDICT_PASS;
    case HP_EVIDENCE_NONE:
        break;
    }
    return false;
}

/* ---- in the child ---- */

static void tell_error(control *c, const GError *error)
{
    c->error_code = error->code;
    g_strlcpy(c->message, error->message, sizeof c->message);
    c->told = TOLD_FAILED;
}

/* What of a verdict the trace does not show: how the run itself went. */
static hp_verdict own_verdict(const hp_result *result)
{
    switch (result->verdict) {
    case HP_VERDICT_CRASHED:
    case HP_VERDICT_ERROR:
    case HP_VERDICT_SKIPPED:
        return result->verdict;
    case HP_VERDICT_PASS:
    case HP_VERDICT_FAIL:
    case HP_VERDICT_EXPECTED_FAILURE:
    case HP_VERDICT_FIXED:
    case HP_VERDICT_HUNG:
    case HP_VERDICT_INVALID:
    case HP_VERDICT_N:
        break;
    }
    return HP_VERDICT_PASS;
}

static void tell_over(control *c, const hp_result *result)
{
    c->ended = result->ended;
    c->verdict = own_verdict(result);
    g_strlcpy(c->end_reason, result->end_reason, sizeof c->end_reason);
    c->has_message = result->message != NULL;
    if (result->message)
        g_strlcpy(c->message, result->message, sizeof c->message);
    c->told = TOLD_OVER;
}

static bool write_evidence(const slot *s, unsigned index, const hp_result *result, const hp_live_run *live,
                           GError **error)
{
    const batch *b = s->batch;
    g_autofree char *folder = evidence_path(b, index);
    if (!wants_evidence(b->options, result))
        return true;
    return hp_report_write_evidence(folder, b->plans[index], s->trace, result, error) &&
           (!live || hp_live_run_keep_logs(live, folder, error));
}

static bool run_virtual(slot *s, unsigned index, GError **error)
{
    hp_server_meter *meter = s->batch->options->meters ? &s->batch->options->meters[index] : NULL;
    g_autoptr(hp_result) result =
        hp_run_plan_metered(s->batch->plans[index], s->trace, &s->control->pulse, meter, error);
    if (!result)
        return false;
    tell_over(s->control, result);
    return write_evidence(s, index, result, NULL, error);
}

static bool run_live(slot *s, unsigned index, GError **error)
{
    g_autoptr(hp_live_run) live =
        hp_live_run_new(s->batch->plans[index], s->trace, &s->control->pulse, s->batch->options->meters != NULL, error);
    g_autoptr(hp_result) result = live ? hp_live_run_carry_out(live) : NULL;
    if (!result)
        return false;
    tell_over(s->control, result);
    return write_evidence(s, index, result, live, error);
}

static void run_child(void *user, unsigned index)
{
    slot *s = user;
    control *c = s->control;
    hp_heap_begin_child();
    struct rlimit no_core = {0, 0};
    setrlimit(RLIMIT_CORE, &no_core);
    dup2(s->output, STDERR_FILENO);

    GError *error = NULL;
    const bool ok = s->batch->options->live ? run_live(s, index, &error) : run_virtual(s, index, &error);
    if (!ok) {
        tell_error(c, error);
        g_clear_error(&error);
        hp_leave(EXIT_OWN_ERROR);
    }
    if (s->batch->options->live)
        _exit(0); /* its cage is gone, so it can fork no more, which the leak check would have to */
    hp_leave(0);
}

/* ---- in the parent ---- */

static bool make_slot(slot *s, GError **error)
{
    s->trace = hp_trace_new(error);
    if (!s->trace)
        return false;
    s->output = memfd_create("hairpin-stderr", MFD_CLOEXEC);
    void *shared = mmap(NULL, sizeof *s->control, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    s->control = shared == MAP_FAILED ? NULL : shared;
    if (s->output < 0 || !s->control) {
        g_set_error(error, HP_ERROR, HP_ERROR_ENVIRONMENT, "no shared memory for a run: %s", g_strerror(errno));
        return false;
    }
    s->nursery = hp_nursery_new(run_child, s, error);
    if (!s->nursery)
        return false;
    /* The next nurseries, and what goes wild in their children, have nothing to do with it. */
    madvise(s->control, sizeof *s->control, MADV_DONTFORK);
    hp_trace_keep_from_forks(s->trace);
    return true;
}

static bool make_slots(batch *b, unsigned n, GError **error)
{
    b->slots = g_new0(slot, n);
    for (b->n_slots = 0; b->n_slots < n;) {
        slot *s = &b->slots[b->n_slots++];
        s->batch = b;
        s->output = -1;
        if (!make_slot(s, error))
            return false;
    }
    return true;
}

/* What was under way is ended, and took its evidence no further than this: half of it is none. */
static void free_slots(batch *b)
{
    for (unsigned i = 0; i < b->n_slots; i++) {
        slot *s = &b->slots[i];
        const bool half = s->nursery && hp_nursery_is_busy(s->nursery);
        g_autofree char *folder = half ? evidence_path(b, s->index) : NULL;
        hp_nursery_free(s->nursery);
        if (folder && b->options->evidence != HP_EVIDENCE_NONE)
            (void)hp_report_clear_evidence(folder, NULL);
        if (s->output >= 0)
            close(s->output);
        if (s->control)
            munmap(s->control, sizeof *s->control);
        hp_trace_free(s->trace);
    }
    g_free(b->slots);
}

/* Cases at the front of what is left that cannot run here: they are over at once. */
static void skip_some(batch *b)
{
    char *why;
    while (b->next < b->n_plans && !b->stopped && (why = hp_world_refuses(b->plans[b->next], b->options->live))) {
        const unsigned index = b->next++;
        g_autoptr(hp_result) result = hp_result_skip(b->plans[index], why);
        g_free(why);
        if (b->options->live)
            hp_result_be_live(result);
        if (b->options->begun)
            b->options->begun(b->options->user, index);
        if (b->options->done)
            b->options->done(b->options->user, index, result, NULL, NULL);
    }
}

static bool begin(batch *b, slot *s, GError **error)
{
    s->index = b->next++;
    s->killed = false;
    s->last_steps = UINT64_MAX;
    s->last_grown = g_get_monotonic_time();
    memset(s->control, 0, sizeof *s->control);
    hp_trace_reset(s->trace);
    if (ftruncate(s->output, 0) != 0 || lseek(s->output, 0, SEEK_SET) != 0) {
        g_set_error(error, HP_ERROR, HP_ERROR_ENVIRONMENT, "cannot begin a run: %s", g_strerror(errno));
        return false;
    }
    if (!hp_nursery_begin(s->nursery, s->index, error))
        return false;
    if (b->options->begun)
        b->options->begun(b->options->user, s->index);
    return true;
}

/* The last line the child wrote to its stderr, or "". Caller frees. */
static char *last_words(const slot *s)
{
    char text[4096];
    off_t end = lseek(s->output, 0, SEEK_END), from = MAX(end - (off_t)sizeof text + 1, 0);
    ssize_t n = end > 0 ? pread(s->output, text, sizeof text - 1, from) : 0;
    text[MAX(n, 0)] = '\0';
    g_strchomp(text);
    const char *line = strrchr(text, '\n');
    return g_utf8_make_valid(line ? line + 1 : text, -1);
}

static char *describe_death(const slot *s, hp_nursery_end end)
{
    g_autofree char *words = last_words(s);
    g_autofree char *how = end.by_signal ? g_strdup_printf("killed by %s", g_strsignal(end.value))
                                         : g_strdup_printf("exited with code %d", end.value);
    return *words ? g_strdup_printf("%s: %s", how, words) : g_steal_pointer(&how);
}

static unsigned hang_seconds(const hp_batch_options *options)
{
    return options->hang_s ? options->hang_s : DEFAULT_HANG_S;
}

/* The child came to the end of its run; a library that called exit() did not. */
static bool is_whole(const slot *s, hp_nursery_end end)
{
    return !end.by_signal && end.value == 0 && s->control->told == TOLD_OVER;
}

/* Hairpin itself failed in the child. */
static bool is_own_error(const slot *s, hp_nursery_end end)
{
    return !end.by_signal && end.value == EXIT_OWN_ERROR && s->control->told == TOLD_FAILED;
}

static hp_result *judge(const hp_plan *plan, slot *s, hp_nursery_end how, unsigned hang_s, GError **error)
{
    control *c = s->control;
    c->end_reason[sizeof c->end_reason - 1] = c->message[sizeof c->message - 1] = '\0';
    g_autoptr(hp_checker) checker = hp_checker_new(plan, error);
    if (!checker)
        return NULL;
    hp_checker_feed(checker, s->trace);
    if (is_whole(s, how) && c->verdict == HP_VERDICT_SKIPPED)
        return hp_result_skip(plan, c->message);
    if (is_whole(s, how))
        return hp_checker_finish(checker, s->trace, (hp_verdict)MIN(c->verdict, HP_VERDICT_N - 1),
                                 c->has_message ? c->message : NULL, c->end_reason, c->ended);
    g_autofree char *message =
        s->killed ? g_strdup_printf("no step of the world for %u s of real time, at run time %" G_GUINT64_FORMAT " ns",
                                    hang_s, c->pulse.now)
                  : describe_death(s, how);
    hp_trace_mend(s->trace);
    hp_time end = hp_trace_end(s->trace);
    hp_trace_event(s->trace, end, HP_EV_SUT_CRASH, plan->case_name,
                   HP_FS("signal", how.by_signal ? g_strsignal(how.value) : ""), HP_FS("message", message));
    hp_checker_feed(checker, s->trace);
    return hp_checker_finish(checker, s->trace, s->killed ? HP_VERDICT_HUNG : HP_VERDICT_CRASHED, message,
                             s->killed ? "hung" : "crashed", end);
}

/* Takes the result of a child that is gone. */
static bool finish(batch *b, slot *s, GError **error)
{
    hp_nursery_end end;
    if (!hp_nursery_take(s->nursery, &end, error))
        return false;
    if (is_own_error(s, end)) {
        g_set_error_literal(error, HP_ERROR, s->control->error_code, s->control->message);
        return false;
    }
    const hp_plan *plan = b->plans[s->index];
    g_autoptr(hp_result) result = judge(plan, s, end, hang_seconds(b->options), error);
    if (!result)
        return false;
    if (b->options->live)
        hp_result_be_live(result);
    bool died = !is_whole(s, end);
    bool wanted = wants_evidence(b->options, result);
    g_autofree char *path = evidence_path(b, s->index);
    const char *folder = wanted ? path : NULL;
    if (path && !wanted && b->options->evidence == HP_EVIDENCE_FAILURES && !hp_report_clear_evidence(path, error))
        return false;
    if (folder && died && !hp_report_write_evidence(folder, plan, s->trace, result, error))
        return false;
    if (b->options->fail_fast && hp_verdict_is_bad(result->verdict))
        b->stopped = true;
    if (b->options->done)
        b->options->done(b->options->user, s->index, result, s->trace, folder);
    return true;
}

static void watch(const batch *b, slot *s)
{
    gint64 now = g_get_monotonic_time();
    if (s->control->pulse.steps != s->last_steps) {
        s->last_steps = s->control->pulse.steps;
        s->last_grown = now;
    } else if (now - s->last_grown > (gint64)hang_seconds(b->options) * G_USEC_PER_SEC && !s->killed) {
        s->killed = hp_nursery_kill(s->nursery);
    }
}

/* One round: fills free slots, waits for a child or a second, looks after all. *ret_more: something is left to do. A child
 * that died of the signal that is to stop the batch must not be judged, so that is looked at first. */
static bool turn(batch *b, bool *ret_more, GError **error)
{
    struct pollfd fds[MOST_JOBS + 1];
    slot *running[MOST_JOBS];
    unsigned n = 0;
    for (unsigned i = 0; i < b->n_slots; i++) {
        slot *s = &b->slots[i];
        if (!hp_nursery_is_busy(s->nursery))
            skip_some(b);
        if (!hp_nursery_is_busy(s->nursery) && b->next < b->n_plans && !b->stopped && !begin(b, s, error))
            return false;
        if (hp_nursery_is_busy(s->nursery)) {
            fds[n] = (struct pollfd){.fd = hp_nursery_fd(s->nursery), .events = POLLIN};
            running[n++] = s;
        }
    }
    *ret_more = n > 0;
    fds[n] = (struct pollfd){.fd = b->options->stop ? *b->options->stop : -1, .events = POLLIN};
    const int n_ready = n > 0 ? poll(fds, n + 1, 1000) : 0;
    if (n == 0 || (n_ready < 0 && errno == EINTR))
        return true;
    if (fds[n].revents != 0) {
        g_set_error_literal(error, HP_ERROR, HP_ERROR_ENVIRONMENT, "interrupted");
        return false;
    }
    if (n_ready == 0 && b->options->idle)
        b->options->idle(b->options->user);
    for (unsigned i = 0; i < n; i++) {
        if (fds[i].revents == 0)
            watch(b, running[i]);
        else if (!finish(b, running[i], error))
            return false;
    }
    return true;
}

bool hp_batch_run(hp_plan *const *plans, unsigned n_plans, const hp_batch_options *options, GError **error)
{
    batch b = {.plans = plans, .n_plans = n_plans, .options = options};
    unsigned jobs = options->jobs ? options->jobs : g_get_num_processors();
    /* First, so that what is set up lies close together. */
    g_autoptr(hp_heap_hold) hold G_GNUC_UNUSED = hp_heap_settle();
    bool ok = (!options->live || hp_rights_check(error)) && hp_run_warm_up(plans, n_plans, error);
    ok = ok && make_slots(&b, CLAMP(jobs, 1, MIN(MOST_JOBS, MAX(n_plans, 1))), error);
    bool more = ok;
    while (ok && more)
        ok = turn(&b, &more, error);
    free_slots(&b);
    if (options->live)
        (void)hp_run_folders_clean(NULL); /* of runs that had to be killed */
    return ok;
}
