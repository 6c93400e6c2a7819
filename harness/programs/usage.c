/* Theory of operation.
 *
 * The CPU of a server is wanted for stretches of a run: while calls are set up, while their media flows. What the kernel
 * tells when a process has ended has its start and its end in it, so the clock of the process that serves is read now
 * and then while run time passes, and whoever reads the trace takes the differences. That process is the program itself
 * (`builtin`), or its child (hp_program.worker); the clock counts all its threads, and what the kernel does on their
 * behalf.
 *
 * Reading it is one system call, ten times a second, paid by the builtin server itself and by coturn's keeper: some
 * microseconds a second. Nothing is told while no process serves. */
#include "programs/usage.h"

#include <time.h>

#include "base/time.h"
#include "live/loop.h"

struct hp_usage {
    hp_program *program;
    guint timer; /* GLib's */
};

static void tell(const hp_usage *usage)
{
    hp_program *program = usage->program;
    clockid_t clock;
    struct timespec t;
    if (program->worker < 0 || clock_getcpuclockid(program->worker, &clock) != 0 || clock_gettime(clock, &t) != 0)
        return;
    hp_trace_event(program->trace, hp_world_now(program->world), HP_EV_SERVER_USAGE, program->name,
                   HP_FT("cpu", (hp_time)t.tv_sec * HP_S + (hp_time)t.tv_nsec));
}

static gboolean on_time(gpointer user)
{
    hp_usage *usage = user;
    hp_loop_advance(usage->program->loop);
    tell(usage);
    return G_SOURCE_CONTINUE;
}

hp_usage *hp_usage_new(hp_program *program)
{
    if (!program->metered || program->role != HP_PROGRAM_SERVER)
        return NULL;
    hp_usage *usage = g_new0(hp_usage, 1);
    usage->program = program;
    usage->timer = g_timeout_add(HP_USAGE_EVERY_MS, on_time, usage);
    tell(usage);
    return usage;
}

void hp_usage_free(hp_usage *usage)
{
    if (!usage)
        return;
    tell(usage);
    g_source_remove(usage->timer);
    g_free(usage);
}
