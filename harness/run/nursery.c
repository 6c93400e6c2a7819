/* Theory of operation.
 *
 *   caller --number--> nursery --fork--> child
 *          <---end----         <--wait--
 *
 * A process that runs many scenarios keeps their results, frees what it judged them with, and so leaves its heap full
 * of holes. A child forked from it puts its own memory into these holes, and each page of them is one that both write
 * to: the kernel copies it, for the child and for the parent again. That was most of the time of a short run. A nursery
 * is forked before, when the heap is still whole (base/heap.c), and never touches it: its children copy what they change
 * of the plan's pages, which is next to nothing, and the caller's pages are its own. What a case finds in memory does
 * not depend on what ran before it either.
 *
 * The two speak through two pipes: four bytes say which number is to run, a message says how it ended. The caller keeps
 * both ends of the first, so that it never writes to a pipe nobody could read from, which is a deadly signal; that a
 * nursery is gone shows as the end of the second. Pipes, because a run is known to open no kernel socket.
 *
 * A child that is gone stays a zombie until the next one, or the end, is asked for, so that the number of the process,
 * which lies in memory all three share, cannot be another's when the caller kills it. The child writes it and then gives
 * the right to write away: whatever software goes wild in there, nobody else's process is killed for it.
 *
 * What the caller has blocked or ignores is not for its children: they begin with SIGINT, SIGTERM and SIGHUP let through
 * (a caller that ends in order blocks them, and its nurseries with it, which it needs until then), and a nursery takes
 * SIGCHLD as it comes by default, or nobody could wait for anything.
 *
 * Nobody outlives anybody: nursery and child ask the kernel for SIGKILL when their parent ends, and look whether it had
 * ended before they asked. */
#include "run/nursery.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/error.h"

struct hp_nursery {
    void (*child)(void *user, unsigned number);
    void *user;
    pid_t *running; /* shared: the child, from its first moment on */
    pid_t pid; /* of the nursery */
    int ask[2], answer[2]; /* pipes; answer[1] is the nursery's alone */
    bool busy;
};

#define STOP UINT32_MAX /* instead of a child's number: end */

typedef struct message {
    int32_t failure; /* an errno of fork() or waitid(), or 0 */
    int32_t by_signal, value;
} message;

/* ---- in the nursery and its children ---- */

/* To be called first in a process whose parent was `parent`. */
static void die_with(pid_t parent)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent)
        _exit(0);
}

static void let_ends_through(void)
{
    sigset_t ends;
    sigemptyset(&ends);
    sigaddset(&ends, SIGINT);
    sigaddset(&ends, SIGTERM);
    sigaddset(&ends, SIGHUP);
    sigprocmask(SIG_UNBLOCK, &ends, NULL);
}

/* `ret_pid` is left a zombie. */
static message run_one(const hp_nursery *n, pid_t self, unsigned number, pid_t *ret_pid)
{
    const pid_t pid = fork();
    *ret_pid = MAX(pid, 0);
    if (pid < 0)
        return (message){.failure = errno};
    if (pid == 0) {
        die_with(self);
        close(n->answer[1]); /* or its end would not show before the child's */
        __atomic_store_n(n->running, getpid(), __ATOMIC_RELEASE);
        mprotect(n->running, sizeof *n->running, PROT_READ);
        let_ends_through();
        n->child(n->user, number);
        _exit(0); /* not reached */
    }
    siginfo_t info = {0};
    while (waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT) != 0) {
        if (errno != EINTR)
            return (message){.failure = errno};
    }
    return (message){.by_signal = info.si_code != CLD_EXITED, .value = info.si_status};
}

G_NORETURN static void serve(const hp_nursery *n, pid_t caller)
{
    die_with(caller);
    signal(SIGCHLD, SIG_DFL);
    const pid_t self = getpid();
    uint32_t number;
    pid_t last = 0;
    while (read(n->ask[0], &number, sizeof number) == (ssize_t)sizeof number) {
        if (last > 0)
            waitpid(last, NULL, 0);
        if (number == STOP)
            break;
        const message m = run_one(n, self, number, &last);
        if (write(n->answer[1], &m, sizeof m) != (ssize_t)sizeof m)
            break;
    }
    _exit(0);
}

/* ---- in the caller ---- */

static bool fail(GError **error, const char *what)
{
    g_set_error(error, HP_ERROR, HP_ERROR_ENVIRONMENT, "cannot begin a run: %s: %s", what, g_strerror(errno));
    return false;
}

static bool gone(GError **error)
{
    g_set_error(error, HP_ERROR, HP_ERROR_ENVIRONMENT, "the process that starts runs is gone");
    return false;
}

static void close_one(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

hp_nursery *hp_nursery_new(void (*child)(void *user, unsigned number), void *user, GError **error)
{
    g_autoptr(hp_nursery) n = g_new0(hp_nursery, 1);
    n->child = child;
    n->user = user;
    n->ask[0] = n->ask[1] = n->answer[0] = n->answer[1] = -1;
    void *shared = mmap(NULL, sizeof *n->running, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (shared == MAP_FAILED) {
        fail(error, "mmap"); /* NOLINT(clang-analyzer-unix.Malloc): g_autoptr has it */
        return NULL;
    }
    n->running = shared;
    if (pipe2(n->ask, O_CLOEXEC) != 0 || pipe2(n->answer, O_CLOEXEC) != 0) {
        fail(error, "pipe");
        return NULL;
    }
    const pid_t caller = getpid();
    n->pid = fork();
    if (n->pid == 0)
        serve(n, caller);
    if (n->pid < 0) {
        fail(error, "fork");
        return NULL;
    }
    close_one(&n->answer[1]);
    madvise(n->running, sizeof *n->running, MADV_DONTFORK); /* other nurseries have their own */
    return g_steal_pointer(&n);
}

/* Kills the child, if there is one, and waits until it is gone: what it had open or begun is as it will stay. */
static void end_child(hp_nursery *n)
{
    struct pollfd answer = {.fd = n->answer[0], .events = POLLIN};
    while (n->busy) {
        hp_nursery_kill(n);
        if (poll(&answer, 1, 1) > 0) {
            hp_nursery_end end;
            if (!hp_nursery_take(n, &end, NULL))
                return;
        }
    }
}

void hp_nursery_free(hp_nursery *nursery)
{
    if (!nursery)
        return;
    if (nursery->pid > 0) {
        const uint32_t stop = STOP;
        end_child(nursery);
        if (nursery->busy || write(nursery->ask[1], &stop, sizeof stop) != (ssize_t)sizeof stop)
            kill(nursery->pid, SIGKILL);
        while (waitpid(nursery->pid, NULL, 0) < 0 && errno == EINTR)
            ;
    }
    for (unsigned i = 0; i < 2; i++) {
        close_one(&nursery->ask[i]);
        close_one(&nursery->answer[i]);
    }
    if (nursery->running)
        munmap(nursery->running, sizeof *nursery->running);
    g_free(nursery);
}

bool hp_nursery_begin(hp_nursery *nursery, unsigned number, GError **error)
{
    g_assert(!nursery->busy && number != STOP);
    const uint32_t asked = number;
    __atomic_store_n(nursery->running, 0, __ATOMIC_RELEASE);
    if (write(nursery->ask[1], &asked, sizeof asked) != (ssize_t)sizeof asked)
        return fail(error, "write");
    nursery->busy = true;
    return true;
}

bool hp_nursery_is_busy(const hp_nursery *nursery)
{
    return nursery->busy;
}

int hp_nursery_fd(const hp_nursery *nursery)
{
    return nursery->answer[0];
}

bool hp_nursery_kill(hp_nursery *nursery)
{
    const pid_t pid = __atomic_load_n(nursery->running, __ATOMIC_ACQUIRE);
    return nursery->busy && pid > 0 && kill(pid, SIGKILL) == 0;
}

bool hp_nursery_take(hp_nursery *nursery, hp_nursery_end *ret, GError **error)
{
    message m;
    ssize_t n;
    while ((n = read(nursery->answer[0], &m, sizeof m)) < 0 && errno == EINTR)
        ;
    if (n != (ssize_t)sizeof m)
        return gone(error);
    nursery->busy = false;
    if (m.failure != 0) {
        errno = m.failure;
        return fail(error, "fork or waitid");
    }
    *ret = (hp_nursery_end){m.by_signal != 0, m.value};
    return true;
}
