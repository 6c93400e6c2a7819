/* Theory of operation: a program's process from its birth to its end.
 *
 * It is forked from the run process and keeps that one's memory: the plan, the pages they share, the trace made for it.
 * That is before the run process opens devices, which nobody else is to hold; it waits until they are there. It enters its host's namespace, gives itself a mount namespace where /proc shows what is in the run's cage, and writes
 * its output into its log. Then it builds a world (whose only host has the kernel's sockets), a loop and starts the kind.
 *
 * Everything happens in callbacks of one thread, driven by GLib's default main context, into which the loop is attached
 * as a source. Messages of the run process are read by a watch of the loop, all that are there, in order.
 *
 * Before whatever a message asks for, the world is brought to the present, so that what the kind does has the time at
 * which it happens. A step is counted as taken when the kind's function has returned: whoever waits for flows to end must
 * not look before they have begun.
 *
 * It goes before ordinary processes, those that it starts included (live/punctual.c), but for a server that is measured
 * beside others, which cannot. It tells up to when it has told all (hp_loop_keep_told()), so that the merge waits for
 * what it is just telling.
 *
 * The end: the kind says that it has finished, the run process is told so, the kind is freed and the process ends. When the
 * run process is gone, the channel ends and so does the process, if the cage has not ended it before. */
#include "programs/program.h"

#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/error.h"
#include "base/heap.h"
#include "base/sanitizer.h"
#include "live/cage.h"
#include "live/kernel_host.h"
#include "live/loop.h"
#include "live/netns.h"
#include "programs/control.h"
#include "programs/usage.h"

enum { EXIT_FAILED = 90 };

typedef enum life { STARTING, READY, RUNNING, FINISHING, FINISHED } life;

/* One a process; the kind's hp_program is its first member. */
typedef struct process {
    hp_program program;
    int control;
    hp_loop_watch *watch;
    life life;
    hp_usage *usage; /* NULL: nobody wants to know */
} process;

static process *process_of(hp_program *program)
{
    return (process *)(void *)program;
}

/* ---- what the director reads ---- */

static const char *const states[] = {
    NULL,     "disconnected", "gathering", "connecting", "connected", "ready",
    "failed", "new",          "checking",  "completed",  "closed",
};

const char *hp_program_state_name(uint32_t state)
{
    return state < G_N_ELEMENTS(states) ? states[state] : NULL;
}

void hp_program_set_state(hp_program *program, const char *state)
{
    uint32_t n = 0;
    for (uint32_t i = 1; state && i < G_N_ELEMENTS(states); i++)
        if (strcmp(states[i], state) == 0)
            n = i;
    __atomic_store_n(&program->shared->state, n, __ATOMIC_RELEASE);
}

static const char *const schedulings[] = {"ordinary", "nice", "rr"};

const char *hp_program_scheduling_name(uint32_t scheduling)
{
    return schedulings[scheduling < G_N_ELEMENTS(schedulings) ? scheduling : 0];
}

static void tell_scheduling(const hp_program *program)
{
    const char *in_effect = hp_loop_report_get(program->loop)->scheduling;
    for (uint32_t i = 0; i < G_N_ELEMENTS(schedulings); i++)
        if (strcmp(schedulings[i], in_effect) == 0)
            __atomic_store_n(&program->shared->scheduling, i, __ATOMIC_RELEASE);
}

static void tell_stalls(const hp_program *program)
{
    const hp_lateness *stalls = hp_loop_stalls(program->loop);
    program->shared->stall_p99 = hp_lateness_percentile(stalls, 990);
    program->shared->stall_max = stalls->max;
    __atomic_store_n(&program->shared->beats, stalls->n, __ATOMIC_RELEASE);
}

void hp_program_set_flows(hp_program *program, unsigned running)
{
    __atomic_store_n(&program->shared->flows, running, __ATOMIC_RELEASE);
}

void hp_program_set_script_done(hp_program *program, bool done)
{
    __atomic_store_n(&program->shared->script_done, done, __ATOMIC_RELEASE);
}

static void count_taken(process *p)
{
    __atomic_add_fetch(&p->program.shared->taken, 1, __ATOMIC_RELEASE);
}

/* ---- what it says ---- */

static void say(process *p, const hp_control_message *message)
{
    while (send(p->control, message, sizeof *message, MSG_NOSIGNAL) < 0 && errno == EINTR)
        ;
}

void hp_program_ready(hp_program *program)
{
    process *p = process_of(program);
    if (p->life != STARTING)
        return;
    p->life = READY;
    say(p, &(hp_control_message){.kind = HP_CONTROL_READY});
}

void hp_program_finished(hp_program *program)
{
    process *p = process_of(program);
    if (p->life == FINISHED)
        return;
    p->life = FINISHED;
    tell_stalls(program);
    say(p, &(hp_control_message){.kind = HP_CONTROL_FINISHED});
    hp_loop_quit(program->loop);
}

static void say_failed(process *p, int code, const char *text)
{
    hp_control_message message = {.kind = HP_CONTROL_FAILED, .code = code};
    g_strlcpy(message.text, text, sizeof message.text);
    say(p, &message);
}

void hp_program_failed(hp_program *program, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    g_autofree char *text = g_strdup_vprintf(format, args);
    va_end(args);
    say_failed(process_of(program), HP_ERROR_REFUSED, text);
}

/* ---- what it is told ---- */

static void begin(process *p)
{
    if (p->life >= RUNNING)
        return;
    p->life = RUNNING;
    p->usage = hp_usage_new(&p->program);
    if (p->program.ops->begin)
        p->program.ops->begin(p->program.self);
}

static void take_step(process *p, uint32_t index)
{
    const hp_scenario *scenario = p->program.plan->scenario;
    if (p->program.ops->step && index < scenario->n_steps)
        p->program.ops->step(p->program.self, &scenario->steps[index], index);
    count_taken(p);
}

static bool is_listed(const hp_addr *addresses, size_t n, const hp_addr *address)
{
    for (size_t i = 0; i < n; i++)
        if (hp_addr_same_ip(&addresses[i], address))
            return true;
    return false;
}

static void take_addresses(process *p, const hp_control_message *message)
{
    hp_host *host = p->program.host;
    const uint32_t n_new = MIN(message->n_addresses, HP_CONTROL_MAX_ADDRESSES);
    hp_addr old[64];
    size_t n = host ? MIN(hp_host_addresses(host, old, G_N_ELEMENTS(old)), G_N_ELEMENTS(old)) : 0;
    for (size_t i = 0; i < n; i++)
        if (hp_host_interface_of(host, &old[i]) == (int)message->index &&
            !is_listed(message->addresses, n_new, &old[i]))
            hp_host_remove_address(host, message->index, &old[i]);
    for (uint32_t i = 0; host && i < n_new; i++)
        if (hp_host_interface_of(host, &message->addresses[i]) < 0)
            hp_host_add_address(host, message->index, &message->addresses[i]);
    if (p->program.ops->addresses)
        p->program.ops->addresses(p->program.self, message->index);
    count_taken(p);
}

static void take_interface(process *p, const hp_control_message *message)
{
    if (p->program.host && message->index < hp_host_n_interfaces(p->program.host))
        hp_host_set_interface_up(p->program.host, message->index, message->up);
    if (p->program.ops->interface)
        p->program.ops->interface(p->program.self, message->index, message->up);
    count_taken(p);
}

static void finish(process *p)
{
    if (p->life >= FINISHING)
        return;
    p->life = FINISHING;
    g_clear_pointer(&p->usage, hp_usage_free);
    if (p->program.ops->finish)
        p->program.ops->finish(p->program.self);
    else
        hp_program_finished(&p->program);
}

static void take(process *p, const hp_control_message *message)
{
    hp_loop_advance(p->program.loop);
    switch ((hp_control_kind)message->kind) {
    case HP_CONTROL_BEGIN:
        begin(p);
        break;
    case HP_CONTROL_STEP:
        take_step(p, message->index);
        break;
    case HP_CONTROL_ADDRESSES:
        take_addresses(p, message);
        break;
    case HP_CONTROL_INTERFACE:
        take_interface(p, message);
        break;
    case HP_CONTROL_FINISH:
        finish(p);
        break;
    case HP_CONTROL_SET_UP: /* the first one, and read where it is waited for */
    case HP_CONTROL_READY:
    case HP_CONTROL_FAILED:
    case HP_CONTROL_FINISHED:
        break;
    }
}

static void control_ready(void *user, uint32_t events)
{
    process *p = user;
    hp_control_message message;
    (void)events;
    while (p->life < FINISHED) {
        const ssize_t n = recv(p->control, &message, sizeof message, MSG_DONTWAIT);
        if (n == (ssize_t)sizeof message)
            take(p, &message);
        else if (n < 0 && (errno == EAGAIN || errno == EINTR))
            return;
        else
            _exit(0); /* the run is gone */
    }
}

/* ---- birth and end ---- */

static void settle_output(int log)
{
    const struct rlimit no_core = {0, 0};
    setrlimit(RLIMIT_CORE, &no_core);
    dup2(log, STDOUT_FILENO);
    dup2(log, STDERR_FILENO);
    if (!freopen("/dev/null", "r", stdin))
        close(STDIN_FILENO);
    setvbuf(stdout, NULL, _IOLBF, 0);
    signal(SIGPIPE, SIG_IGN);
}

static void describe_interface(hp_host *host, const hp_plan_attachment *at)
{
    const unsigned n = hp_host_add_interface(host, at->name, at->mtu);
    for (unsigned i = 0; i < at->n_addresses; i++)
        hp_host_add_address(host, n, &at->addresses[i]);
    if (at->clat4.family)
        hp_host_add_address(host, n, &at->clat4);
}

static hp_host *make_host(const hp_program *program)
{
    const hp_plan *plan = program->plan;
    if (program->role == HP_PROGRAM_BROKER || !program->ops->needs_host)
        return NULL;
    hp_host *host = hp_kernel_host_new(program->world, program->name, program->loop);
    if (program->role == HP_PROGRAM_SERVER)
        describe_interface(host, &plan->servers[program->index].attachment);
    for (unsigned i = 0; program->role == HP_PROGRAM_PEER && i < plan->peers[program->index].n_interfaces; i++)
        describe_interface(host, &plan->peers[program->index].interfaces[i]);
    return host;
}

/* Until its host's network is there. */
static void wait_for_network(const process *p)
{
    hp_control_message message;
    ssize_t n;
    while ((n = recv(p->control, &message, sizeof message, 0)) < 0 && errno == EINTR)
        ;
    if (n != (ssize_t)sizeof message)
        _exit(0); /* the run is gone */
}

static bool set_up(process *p, const hp_program_birth *birth, GError **error)
{
    hp_program *program = &p->program;
    if (birth->netns && !hp_netns_enter(birth->netns, error))
        return false;
    if (!hp_cage_settle(error))
        return false;
    program->world = hp_world_new(program->plan->seed, program->trace);
    const hp_loop_options ahead = hp_loop_options_ahead();
    const bool ordinary = program->metered && program->role == HP_PROGRAM_SERVER;
    program->loop = hp_loop_new(program->world, program->clock, ordinary ? NULL : &ahead, error);
    if (!program->loop)
        return false;
    tell_scheduling(program);
    hp_loop_keep_told(program->loop, &program->shared->told);
    p->watch = hp_loop_add(program->loop, p->control, EPOLLIN, control_ready, p);
    program->host = make_host(program);
    program->self = program->ops->start(program, error);
    return program->self != NULL;
}

static void take_down(process *p)
{
    hp_program *program = &p->program;
    if (program->ops->free)
        program->ops->free(program->self);
    hp_loop_remove(p->watch);
    __atomic_store_n(&program->shared->told, HP_NEVER, __ATOMIC_SEQ_CST);
    hp_trace_seal(program->trace);
    hp_world_free(program->world);
    hp_loop_free(program->loop);
}

void hp_program_live(const hp_program_birth *birth)
{
    g_autoptr(GError) error = NULL;
    process *p = g_new0(process, 1);
    p->program = birth->program;
    p->control = birth->control;
    settle_output(birth->log);
    prctl(PR_SET_NAME, p->program.name);
    wait_for_network(p);
    bool ok = set_up(p, birth, &error);
    if (ok)
        ok = hp_loop_run_glib(p->program.loop, NULL, &error);
    if (!ok) {
        g_printerr("%s: %s\n", p->program.name, error->message);
        say_failed(p, error->domain == HP_ERROR ? error->code : HP_ERROR_IO, error->message);
        hp_leave(EXIT_FAILED);
    }
    take_down(p);
    g_free(p);
    hp_leave(0);
}
