/* Theory of operation: a browser is a child that reads DevTools commands on a pipe and answers on another.
 *
 * devtools.c speaks the language. Writing never blocks: what the pipe does not take waits in devtools' buffer until the
 * loop says that there is room. Reading takes what is there, a bounded piece a turn. When the pipe ends, the child is
 * ending too, and its end is what counts: only that is told, once, with how it came about. */
#include "programs/browser.h"

#include <errno.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/wait.h>
#include <unistd.h>

#include "live/loop.h"

enum { CLOSE_MS = 1500 }; /* of patience with a browser that was asked to end */

struct hp_browser {
    hp_program *program;
    hp_browser_ops ops;
    void *user;
    hp_devtools *devtools;
    int in, out; /* of the browser; -1 */
    hp_loop_watch *in_watch, *out_watch;
    bool waits_for_room;
    GPid pid; /* 0: it has ended */
    guint child, timer; /* sources */
    bool closing;
};

/* ---- the pipe ---- */

static void write_out(hp_browser *b)
{
    size_t length;
    const void *data;
    while (b->in >= 0 && (data = hp_devtools_output(b->devtools, &length), length > 0)) {
        const ssize_t n = write(b->in, data, length);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n < 0) {
            break; /* full, or the browser is gone, which its end will tell */
        }
        hp_devtools_written(b->devtools, (size_t)n);
    }
    hp_devtools_output(b->devtools, &length);
    const bool waits = length > 0;
    if (b->in_watch && waits != b->waits_for_room) {
        b->waits_for_room = waits;
        hp_loop_modify(b->in_watch, waits ? EPOLLOUT : 0);
    }
}

static void wants_to_write(void *user)
{
    write_out(user);
}

static void pipe_has_room(void *user, uint32_t events)
{
    hp_browser *b = user;
    if ((events & (EPOLLERR | EPOLLHUP)) != 0) {
        hp_loop_remove(b->in_watch);
        b->in_watch = NULL;
        return;
    }
    write_out(b);
}

static void close_end(int *fd, hp_loop_watch **watch)
{
    hp_loop_remove(*watch);
    *watch = NULL;
    if (*fd >= 0) {
        close(*fd);
    }
    *fd = -1;
}

static void close_pipe(hp_browser *b)
{
    close_end(&b->in, &b->in_watch);
    close_end(&b->out, &b->out_watch);
}

static void pipe_has_data(void *user, uint32_t events)
{
    hp_browser *b = user;
    char data[64 << 10];
    g_autoptr(GError) error = NULL;
    (void)events;
    const ssize_t n = read(b->out, data, sizeof data);
    if (n < 0 && (errno == EAGAIN || errno == EINTR)) {
        return;
    }
    if (n <= 0) {
        hp_loop_remove(b->out_watch);
        b->out_watch = NULL;
        return;
    }
    if (!hp_devtools_input(b->devtools, data, (size_t)n, &error)) {
        close_pipe(b);
        b->ops.broken(b->user, error->message);
    }
}

static void browser_tells(void *user, const char *session, const char *method, JsonObject *params)
{
    hp_browser *b = user;
    hp_loop_advance(b->program->loop);
    b->ops.event(b->user, session, method, params);
}

/* ---- the process ---- */

static void cancel_timer(hp_browser *b)
{
    if (b->timer) {
        g_source_remove(b->timer);
        b->timer = 0;
    }
}

static void browser_ended(GPid pid, gint status, gpointer user)
{
    hp_browser *b = user;
    b->child = 0;
    b->pid = 0;
    g_spawn_close_pid(pid);
    cancel_timer(b);
    close_pipe(b);
    hp_loop_advance(b->program->loop);
    g_autofree char *how = WIFSIGNALED(status) ? g_strdup_printf("was ended by signal %d (%s)", WTERMSIG(status),
                                                                 g_strsignal(WTERMSIG(status)))
                                               : g_strdup_printf("ended by itself with code %d", WEXITSTATUS(status));
    b->ops.ended(b->user, how);
}

hp_browser *hp_browser_start(hp_program *program, const char *const *command, const char *const *environment,
                             const hp_browser_ops *ops, void *user, GError **error)
{
    static const hp_devtools_ops devtools_ops = {.wants_to_write = wants_to_write, .event = browser_tells};
    int in = -1, out = -1;
    const int pid = hp_program_spawn(program, command, environment, &in, &out, error);
    if (pid < 0) {
        return NULL;
    }
    hp_browser *b = g_new0(hp_browser, 1);
    b->program = program;
    b->ops = *ops;
    b->user = user;
    b->devtools = hp_devtools_new(&devtools_ops, b);
    b->in = in;
    b->out = out;
    b->pid = pid;
    b->child = g_child_watch_add(pid, browser_ended, b);
    b->in_watch = hp_loop_add(program->loop, in, 0, pipe_has_room, b);
    b->out_watch = hp_loop_add(program->loop, out, EPOLLIN, pipe_has_data, b);
    return b;
}

void hp_browser_free(hp_browser *b)
{
    if (!b) {
        return;
    }
    cancel_timer(b);
    if (b->child) {
        g_source_remove(b->child);
    }
    close_pipe(b);
    if (b->pid) {
        kill(b->pid, SIGKILL);
        waitpid(b->pid, NULL, 0);
    }
    hp_devtools_free(b->devtools);
    g_free(b);
}

hp_devtools *hp_browser_devtools(hp_browser *b)
{
    return b->devtools;
}

bool hp_browser_runs(const hp_browser *b)
{
    return b->pid != 0;
}

static gboolean kill_it(gpointer user)
{
    hp_browser *b = user;
    b->timer = 0;
    if (b->pid) {
        kill(b->pid, SIGKILL);
    }
    return G_SOURCE_REMOVE;
}

void hp_browser_close(hp_browser *b)
{
    if (b->closing) {
        return; /* its patience is not begun anew */
    }
    b->closing = true;
    b->timer = g_timeout_add(CLOSE_MS, kill_it, b);
    hp_devtools_command(b->devtools, NULL, "Browser.close", NULL, NULL, NULL);
}
