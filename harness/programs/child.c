/* Theory of operation.
 *
 * The end of the process is told by a pidfd, that of its stdout by the pipe. ended() waits for both, so that the last
 * words of a program that crashes are heard; but a grandchild may hold the pipe open for ever, and so the pipe is given
 * up END_MS after the process is gone.
 *
 * The program leads a process group (spawn.c), and what ends it ends the group: a server that was started by a shell
 * must not go on behind it. What leaves the group goes with the cage.
 *
 * What is to be written waits in a buffer while the pipe is full. A program that does not read its stdin costs memory
 * for the few lines that it is told in a run, and no more.
 *
 * Real time appears in two places, both after the run has asked for the end: how long the program may take to end by
 * itself, and how long after SIGTERM. */
#include "programs/child.h"

#include <errno.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/error.h"
#include "live/loop.h"

enum { CHUNK = 64 * 1024, KILL_MS = 1000, END_MS = 200 };

struct hp_child {
    hp_program *program;
    hp_child_ops ops;
    void *user;
    pid_t pid; /* 0: gone, and waited for */
    int status;
    int process, in, out; /* descriptors; -1: closed */
    hp_loop_watch *process_watch, *in_watch, *out_watch;
    GByteArray *unwritten;
    bool closes_input;
    guint timer; /* GLib's */
};

static void close_fd(int *fd, hp_loop_watch **watch)
{
    hp_loop_remove(*watch);
    *watch = NULL;
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

static void set_timer(hp_child *child, unsigned ms, GSourceFunc func)
{
    if (child->timer != 0)
        g_source_remove(child->timer);
    child->timer = ms > 0 ? g_timeout_add(ms, func, child) : 0;
}

/* ---- output ---- */

static void tell_end(hp_child *child)
{
    if (child->pid == 0 && child->out < 0) {
        set_timer(child, 0, NULL);
        child->ops.ended(child->user, child->status);
    }
}

static gboolean give_up_output(gpointer user)
{
    hp_child *child = user;
    child->timer = 0;
    hp_loop_advance(child->program->loop);
    close_fd(&child->out, &child->out_watch);
    tell_end(child);
    return G_SOURCE_REMOVE;
}

static void output_ready(void *user, uint32_t events)
{
    hp_child *child = user;
    g_autofree char *data = g_malloc(CHUNK);
    const ssize_t n = read(child->out, data, CHUNK);
    if (n > 0) {
        child->ops.output(child->user, data, (size_t)n);
        return;
    }
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    close_fd(&child->out, &child->out_watch);
    tell_end(child);
}

/* ---- the end ---- */

/* The program and what it has started. Its number is the group's until it was waited for. */
static void signal_group(const hp_child *child, int number)
{
    if (kill(-child->pid, number) != 0)
        kill(child->pid, number);
}

static void process_ready(void *user, uint32_t events)
{
    hp_child *child = user;
    siginfo_t info = {0};
    if (waitid(P_PID, (id_t)child->pid, &info, WEXITED | WNOHANG | WNOWAIT) == 0 && info.si_pid == 0)
        return;
    signal_group(child, SIGKILL);
    while (waitpid(child->pid, &child->status, 0) < 0 && errno == EINTR)
        ;
    child->pid = 0;
    close_fd(&child->process, &child->process_watch);
    close_fd(&child->in, &child->in_watch);
    if (child->out >= 0)
        set_timer(child, END_MS, give_up_output);
    tell_end(child);
}

static gboolean kill_it(gpointer user)
{
    hp_child *child = user;
    child->timer = 0;
    if (child->pid > 0)
        signal_group(child, SIGKILL);
    return G_SOURCE_REMOVE;
}

static gboolean ask_to_end(gpointer user)
{
    hp_child *child = user;
    child->timer = 0;
    if (child->pid > 0) {
        signal_group(child, SIGTERM);
        set_timer(child, KILL_MS, kill_it);
    }
    return G_SOURCE_REMOVE;
}

void hp_child_end(hp_child *child, unsigned patience_ms)
{
    if (child->pid <= 0)
        return;
    if (patience_ms > 0)
        set_timer(child, patience_ms, ask_to_end);
    else
        ask_to_end(child);
}

/* ---- input ---- */

static void flush(hp_child *child)
{
    while (child->in >= 0 && child->unwritten->len > 0) {
        const ssize_t n = write(child->in, child->unwritten->data, child->unwritten->len);
        if (n > 0)
            g_byte_array_remove_range(child->unwritten, 0, (guint)n);
        else if (errno == EAGAIN)
            break;
        else if (errno != EINTR)
            close_fd(&child->in, &child->in_watch); /* it closed its stdin: it does not want to know */
    }
    if (child->in < 0)
        return;
    if (child->unwritten->len == 0 && child->closes_input)
        close_fd(&child->in, &child->in_watch);
    else
        hp_loop_modify(child->in_watch, child->unwritten->len > 0 ? EPOLLOUT : 0);
}

static void input_ready(void *user, uint32_t events)
{
    hp_child *child = user;
    if (events & EPOLLERR)
        close_fd(&child->in, &child->in_watch);
    else
        flush(child);
}

void hp_child_write(hp_child *child, const void *data, size_t len)
{
    g_byte_array_append(child->unwritten, data, (guint)len);
    flush(child);
}

void hp_child_close_input(hp_child *child)
{
    child->closes_input = true;
    flush(child);
}

/* ---- life ---- */

/* Where we are is the process's own; it is put back. */
static int spawn_in(hp_child *child, const char *folder, const char *const *argv, const char *const *environment,
                    GError **error)
{
    g_autofree char *here = folder ? g_get_current_dir() : NULL;
    if (folder && chdir(folder) != 0) {
        g_set_error(error, HP_ERROR, HP_ERROR_IO, "%s: %s", folder, g_strerror(errno));
        return -1;
    }
    const int pid =
        hp_program_spawn(child->program, argv, environment, &child->in, child->ops.output ? &child->out : NULL, error);
    if (here)
        (void)!chdir(here);
    return pid;
}

hp_child *hp_child_new(hp_program *program, const char *folder, const char *const *argv, const char *const *environment,
                       const hp_child_ops *ops, void *user, GError **error)
{
    hp_child *child = g_new0(hp_child, 1);
    child->program = program;
    child->ops = *ops;
    child->user = user;
    child->process = child->in = child->out = -1;
    child->unwritten = g_byte_array_new();
    const int pid = spawn_in(child, folder, argv, environment, error);
    if (pid < 0) {
        hp_child_free(child);
        return NULL;
    }
    child->pid = pid;
    child->process = (int)syscall(SYS_pidfd_open, pid, 0);
    if (child->process < 0) {
        g_set_error(error, HP_ERROR, HP_ERROR_ENVIRONMENT, "pidfd_open: %s", g_strerror(errno));
        hp_child_free(child);
        return NULL;
    }
    child->process_watch = hp_loop_add(program->loop, child->process, EPOLLIN, process_ready, child);
    child->in_watch = hp_loop_add(program->loop, child->in, 0, input_ready, child);
    if (child->out >= 0)
        child->out_watch = hp_loop_add(program->loop, child->out, EPOLLIN, output_ready, child);
    return child;
}

pid_t hp_child_pid(const hp_child *child)
{
    return child->pid;
}

void hp_child_free(hp_child *child)
{
    if (!child)
        return;
    set_timer(child, 0, NULL);
    if (child->pid > 0) {
        signal_group(child, SIGKILL);
        while (waitpid(child->pid, NULL, 0) < 0 && errno == EINTR)
            ;
    }
    close_fd(&child->process, &child->process_watch);
    close_fd(&child->in, &child->in_watch);
    close_fd(&child->out, &child->out_watch);
    g_byte_array_unref(child->unwritten);
    g_free(child);
}

char *hp_child_status_text(int status)
{
    if (WIFSIGNALED(status))
        return g_strdup_printf("was ended by signal %d (%s)", WTERMSIG(status), g_strsignal(WTERMSIG(status)));
    return g_strdup_printf("ended with exit code %d", WEXITSTATUS(status));
}
