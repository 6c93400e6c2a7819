/* Theory of operation: a foreign program as a peer.
 *
 *   starting   the program runs; it says `ready` when it has joined the broker. One that ends before has failed.
 *   running    what a step asks of the peer goes to its stdin, what it says becomes events. One that ends has failed:
 *              with it the peer is gone.
 *   finishing  it was told to finish and its stdin was closed; it has FINISH_MS to say its last counts and to end, then
 *              SIGTERM, and a second later SIGKILL. How it ends is no failure any more, unless a signal ended it that
 *              is not ours: a crash is a crash.
 *
 * A `send` step is told to the program and timed here (foreign_flows.h). Nothing of a foreign flow is told to the trace
 * but the messages that arrive.
 *
 * Servers are in exec_server.c: they need no protocol. */
#include "programs/exec_program.h"

#include <signal.h>
#include <string.h>
#include <sys/wait.h>

#include "base/error.h"
#include "live/loop.h"
#include "programs/adapters.h"
#include "programs/child.h"
#include "programs/exec_environment.h"
#include "programs/exec_private.h"
#include "programs/exec_trace.h"
#include "programs/foreign_flows.h"
#include "programs/resolv_conf.h"

enum { FINISH_MS = 2000 };

typedef struct exec_peer {
    hp_program *program;
    hp_child *child;
    hp_exec_lines *lines;
    hp_exec_trace *trace;
    hp_foreign_flows *flows;
    bool finishing, over;
} exec_peer;

/* ---- what it says ---- */

static hp_time now_of(const exec_peer *x)
{
    return hp_world_now(x->program->world);
}

static void on_ready(void *user)
{
    const exec_peer *x = user;
    hp_program_ready(x->program);
}

static void on_state(void *user, const char *state)
{
    const exec_peer *x = user;
    hp_program_set_state(x->program, state);
}

static void on_line(void *user, const char *line, size_t len)
{
    exec_peer *x = user;
    hp_exec_trace_line(x->trace, now_of(x), line, len);
}

static void on_output(void *user, const void *data, size_t len)
{
    exec_peer *x = user;
    g_autoptr(GError) error = NULL;
    if (!x->over && !hp_exec_lines_input(x->lines, data, len, &error)) {
        x->over = true;
        hp_program_failed(x->program, "its stdout: %s", error->message);
        hp_child_end(x->child, 0);
    }
}

static bool crashed(int status)
{
    return WIFSIGNALED(status) && WTERMSIG(status) != SIGTERM && WTERMSIG(status) != SIGKILL;
}

static void on_ended(void *user, int status)
{
    exec_peer *x = user;
    g_autofree char *text = hp_child_status_text(status);
    hp_exec_lines_end(x->lines);
    hp_foreign_flows_stop(x->flows);
    if (!x->over && (!x->finishing || crashed(status)))
        hp_program_failed(x->program, "its program %s", text);
    x->over = true;
    if (x->finishing)
        hp_program_finished(x->program);
}

static const hp_child_ops child_ops = {.output = on_output, .ended = on_ended};
static const hp_exec_trace_ops trace_ops = {.ready = on_ready, .state = on_state};

/* ---- the kind ---- */

static void exec_peer_free(void *self)
{
    exec_peer *x = self;
    hp_child_free(x->child);
    hp_exec_lines_free(x->lines);
    hp_exec_trace_free(x->trace);
    hp_foreign_flows_free(x->flows);
    g_free(x);
}

/* folder NULL: started where we are. */
static void *exec_peer_start(hp_program *program, const char *folder, const char *const *argv, GError **error)
{
    if (!hp_resolv_conf_use(program->plan, program->index, program->folder, error))
        return NULL;
    exec_peer *x = g_new0(exec_peer, 1);
    g_auto(GStrv) environment = hp_exec_peer_environment(program->plan, program->index, program->folder);
    x->program = program;
    x->lines = hp_exec_lines_new(on_line, x);
    x->trace = hp_exec_trace_new(program->trace, program->name, &trace_ops, x);
    x->flows = hp_foreign_flows_new(program);
    x->child = hp_child_new(program, folder, argv, (const char *const *)environment, &child_ops, x, error);
    if (!x->child) {
        exec_peer_free(x);
        return NULL;
    }
    return x;
}

static void write_line(const exec_peer *x, const char *line)
{
    hp_child_write(x->child, line, strlen(line));
    hp_child_write(x->child, "\n", 1);
}

static void exec_peer_step(void *self, const hp_step *step, unsigned index)
{
    exec_peer *x = self;
    g_autofree char *command = x->over ? NULL : hp_exec_command(x->program->plan, index, x->program->index);
    if (!command)
        return;
    write_line(x, command);
    if (step->kind == HP_STEP_SEND)
        hp_foreign_flows_begin(x->flows, step);
}

static void exec_peer_finish(void *self)
{
    exec_peer *x = self;
    g_autofree char *command = hp_exec_command_finish();
    x->finishing = true;
    if (x->over) {
        hp_program_finished(x->program);
        return;
    }
    write_line(x, command);
    hp_child_close_input(x->child);
    hp_child_end(x->child, FINISH_MS);
}

/* ---- peers and servers by one name ---- */

static char *folder_of(const hp_plan *plan)
{
    return g_path_get_dirname(plan->scenario->file);
}

static void *exec_start(hp_program *program, GError **error)
{
    g_autofree char *folder = folder_of(program->plan);
    if (program->role == HP_PROGRAM_SERVER)
        return hp_exec_server_start(program, folder, error);
    const hp_peer_program_config *config = &program->plan->peers[program->index].source->program;
    return exec_peer_start(program, folder, (const char *const *)config->exec, error);
}

/* Both kinds of self begin with the program. */
static bool is_server(void *self)
{
    return (*(hp_program **)self)->role == HP_PROGRAM_SERVER;
}

static void exec_step(void *self, const hp_step *step, unsigned index)
{
    if (is_server(self))
        hp_exec_server_step(self, step);
    else
        exec_peer_step(self, step, index);
}

static void exec_finish(void *self)
{
    if (is_server(self))
        hp_exec_server_finish(self);
    else
        exec_peer_finish(self);
}

static void exec_free(void *self)
{
    if (is_server(self))
        hp_exec_server_free(self);
    else
        exec_peer_free(self);
}

/* A program without a slash is looked for in PATH, as it will be started. */
static bool exec_available(const hp_plan *plan, hp_program_role role, unsigned index, GError **error)
{
    char **exec =
        role == HP_PROGRAM_SERVER ? plan->servers[index].source->program.exec : plan->peers[index].source->program.exec;
    g_autofree char *found = strchr(exec[0], '/') ? g_strdup(exec[0]) : g_find_program_in_path(exec[0]);
    if (!found)
        g_set_error(error, HP_ERROR, HP_ERROR_ENVIRONMENT, "there is no program %s", exec[0]);
    return found != NULL;
}

const hp_program_ops hp_exec_program = {
    .name = "exec",
    .available = exec_available,
    .start = exec_start,
    .step = exec_step,
    .finish = exec_finish,
    .free = exec_free,
};

/* ---- adapters ---- */

static const char *adapter_of(const hp_plan *plan, unsigned index)
{
    return hp_peer_program_name(plan->peers[index].source->program.program);
}

static bool adapter_available(const hp_plan *plan, hp_program_role role, unsigned index, GError **error)
{
    g_autofree char *path = hp_adapter_path(adapter_of(plan, index), error);
    return path != NULL;
}

static void *adapter_start(hp_program *program, GError **error)
{
    g_autofree char *path = hp_adapter_path(adapter_of(program->plan, program->index), error);
    const char *const argv[] = {path, NULL};
    return path ? exec_peer_start(program, NULL, argv, error) : NULL;
}

#define ADAPTER(name_)                                                                                                 \
    {                                                                                                                  \
        .name = (name_), .available = adapter_available, .start = adapter_start, .step = exec_peer_step,               \
        .finish = exec_peer_finish, .free = exec_peer_free,                                                            \
    }
const hp_program_ops hp_aiortc_program = ADAPTER("aiortc");
const hp_program_ops hp_webrtcbin_program = ADAPTER("webrtcbin");
const hp_program_ops hp_pion_program = ADAPTER("pion");
