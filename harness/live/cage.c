/* A PID namespace and its first process.
 *
 *   run's process --- unshare(CLONE_NEWPID) --- fork: init (pid 1 inside) --- fork: programs (pid 2, 3, ...)
 *
 * When the first process of a PID namespace ends, the kernel kills all others in it, and whatever they have started. The
 * first process ends when the thread that made it does (PR_SET_PDEATHSIG), by SIGKILL too. It tells by a pipe that this
 * is in force: had its parent died before, writing to the pipe, which nobody reads any more, ends it.
 *
 * What programs leave behind becomes the first process's children, which waits for them. It holds no descriptor but that
 * pipe's end, so that it keeps no namespace, socket or lock alive that its parent held when it was made.
 *
 * The programs themselves stay children of the run's process, which waits for them as for any other child. It must: the
 * first process of a killed namespace is not gone before all others were waited for, so that freeing the cage waits for
 * whatever child ends until the first process does.
 *
 * Limits: the kernel makes no second PID namespace for the children of the same thread while the first one is in use; a
 * process has one cage at a time, and none after hp_cage_free(): its namespace takes no new processes then. */
#include "live/cage.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "live/refused.h"

struct hp_cage {
    pid_t init;
};

G_NORETURN static void be_init(int ready)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
    prctl(PR_SET_NAME, "hairpin cage", 0, 0, 0);
    setsid(); /* the terminal's Ctrl-C is for the run's process */
    signal(SIGPIPE, SIG_DFL);
    signal(SIGCHLD, SIG_DFL);
    /* The pipe becomes number 0, and all above go: none of what the parent has open is meant for this process. */
    if (dup2(ready, 0) != 0 || close_range(1, ~0U, 0) != 0 || write(0, "", 1) != 1) {
        _exit(1);
    }
    close(0);
    sigset_t orphans;
    sigemptyset(&orphans);
    sigaddset(&orphans, SIGCHLD);
    sigprocmask(SIG_BLOCK, &orphans, NULL);
    for (;;) {
        while (waitpid(-1, NULL, WNOHANG) > 0) {
        }
        sigwaitinfo(&orphans, NULL);
    }
}

static bool start_init(hp_cage *cage, GError **error)
{
    int ends[2];
    char byte;
    if (pipe2(ends, O_CLOEXEC) != 0) {
        return hp_refused(error, "pipe");
    }
    cage->init = fork();
    if (cage->init == 0) {
        close(ends[0]);
        be_init(ends[1]);
    }
    close(ends[1]);
    ssize_t n = -1;
    while (cage->init > 0 && (n = read(ends[0], &byte, 1)) < 0 && errno == EINTR) {
    }
    close(ends[0]);
    return n == 1 || hp_refused(error, "the first process of a PID namespace did not start");
}

hp_cage *hp_cage_new(GError **error)
{
    if (unshare(CLONE_NEWPID) != 0) {
        hp_refused(error, "no PID namespace can be made");
        return NULL;
    }
    hp_cage *cage = g_new0(hp_cage, 1);
    if (!start_init(cage, error)) {
        hp_cage_free(cage);
        return NULL;
    }
    return cage;
}

void hp_cage_kill(hp_cage *cage)
{
    if (cage->init > 0) {
        kill(cage->init, SIGKILL);
    }
}

void hp_cage_free(hp_cage *cage)
{
    if (cage == NULL) {
        return;
    }
    hp_cage_kill(cage);
    pid_t ended = 0;
    while (cage->init > 0 && ended != cage->init && (ended >= 0 || errno == EINTR)) {
        ended = waitpid(-1, NULL, 0);
    }
    g_free(cage);
}

bool hp_cage_settle(GError **error)
{
    if (unshare(CLONE_NEWNS) != 0 || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0) {
        return hp_refused(error, "no mount namespace can be made");
    }
    return mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL) == 0 ||
           hp_refused(error, "mounting /proc");
}

bool hp_cage_overlay(const char *file, const char *path, GError **error)
{
    g_autofree char *what = g_strdup_printf("putting %s over %s", file, path);
    return mount(file, path, NULL, MS_BIND, NULL) == 0 || hp_refused(error, what);
}
