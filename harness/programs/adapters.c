/* Where the adapters are, and whether they can run here.
 *
 * An adapter is a program of its own (harness/adapters/NAME), built only where its library is installed, and put into
 * the folder `adapters` beside the program, or `../lib/hairpin/adapters` once installed. It lacks either as a whole, on
 * a machine without the library's headers at build time, or it lacks something at run time: a Python module, a plugin.
 * The latter only it can tell: called with --check it exits with 0, or with 1 and one line on stdout, the Debian
 * packages that it misses. The answer is kept, so that a run of many cases asks once; processes forked later have it.
 *
 * An interpreter or a plugin that hangs must not hang Hairpin: an adapter that has not answered in time is killed, and
 * counts as one that cannot run here. It has answered when its stdout has come to its end and it has ended itself. */
#include "programs/adapters.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/error.h"

static const struct {
    const char *name, *packages; /* what must be installed when Hairpin is built */
} adapters[] = {
    {"aiortc", "python3-aiortc, python3-websockets"},
    {"webrtcbin", "libgstreamer-plugins-bad1.0-dev, libsoup-3.0-dev, gstreamer1.0-nice, gstreamer1.0-plugins-good"},
    {"pion", "golang-go, golang-github-pion-webrtc.v3-dev, golang-github-gorilla-websocket-dev"},
};

enum { CHECK_LIMIT_MS = 20000, MAX_ANSWER = 4096 };

/* What each answered; process-wide, because the machine is. */
static struct {
    bool asked;
    char *why_not; /* NULL: it can run */
} answers[G_N_ELEMENTS(adapters)];

static int find(const char *name)
{
    for (unsigned i = 0; i < G_N_ELEMENTS(adapters); i++) {
        if (strcmp(adapters[i].name, name) == 0) {
            return (int)i;
        }
    }
    return -1;
}

/* NULL when there is none. */
static char *locate(const char *name)
{
    static const char *const folders[] = {"adapters", "../lib/hairpin/adapters"};
    g_autofree char *self = g_file_read_link("/proc/self/exe", NULL);
    if (!self) {
        return NULL;
    }
    g_autofree char *folder = g_path_get_dirname(self);
    for (unsigned i = 0; i < G_N_ELEMENTS(folders); i++) {
        g_autofree char *path = g_build_filename(folder, folders[i], name, NULL);
        if (g_file_test(path, G_FILE_TEST_IS_EXECUTABLE)) {
            return g_steal_pointer(&path);
        }
    }
    return NULL;
}

/* What there is to read until the end of it; false: it has not come by then. What is too long for an answer is dropped. */
static bool read_until(int fd, gint64 limit, GString *ret)
{
    char data[512];
    for (;;) {
        struct pollfd readable = {.fd = fd, .events = POLLIN};
        const gint64 left_ms = (limit - g_get_monotonic_time()) / 1000;
        const int n = left_ms > 0 ? poll(&readable, 1, (int)left_ms) : 0;
        if (n == 0) {
            return false;
        }
        const ssize_t got = n > 0 ? read(fd, data, sizeof data) : -1;
        if (got == 0 || (got < 0 && errno != EINTR)) {
            return true;
        }
        if (got > 0 && ret->len < MAX_ANSWER) {
            g_string_append_len(ret, data, got);
        }
    }
}

/* Waits for a child that has closed its stdout, and so is about to end; one that is not is killed. */
static bool wait_until(pid_t pid, gint64 limit, int *ret_status)
{
    enum { LOOK_US = 1000 };
    pid_t found;
    while ((found = waitpid(pid, ret_status, WNOHANG)) == 0 && g_get_monotonic_time() < limit) {
        g_usleep(LOOK_US);
    }
    if (found != 0) {
        return true;
    }
    kill(pid, SIGKILL);
    while (waitpid(pid, ret_status, 0) < 0 && errno == EINTR) {
    }
    return false;
}

char *hp_adapter_ask(const char *path, unsigned limit_ms)
{
    const char *argv[] = {path, "--check", NULL};
    const gint64 limit = g_get_monotonic_time() + (gint64)limit_ms * 1000;
    g_autoptr(GError) error = NULL;
    g_autoptr(GString) said = g_string_new(NULL);
    GPid pid;
    int out = -1, status = 0;
    if (!g_spawn_async_with_pipes(NULL, (char **)argv, NULL, G_SPAWN_DO_NOT_REAP_CHILD | G_SPAWN_STDERR_TO_DEV_NULL,
                                  NULL, NULL, &pid, NULL, &out, NULL, &error)) {
        return g_strdup(error->message);
    }
    const bool told = read_until(out, limit, said);
    close(out);
    const bool ended = wait_until(pid, limit, &status);
    if (!told || !ended) {
        return g_strdup_printf("it did not answer --check within %g s", limit_ms / 1000.0);
    }
    if (g_spawn_check_wait_status(status, NULL)) {
        return NULL;
    }
    g_strstrip(said->str);
    return g_strdup_printf("it misses: %s", *said->str ? said->str : "no word of what it lacks");
}

char *hp_adapter_path(const char *name, GError **error)
{
    int i = find(name);
    if (i < 0) {
        g_set_error(error, HP_ERROR, HP_ERROR_INVALID, "there is no adapter \"%s\"", name);
        return NULL;
    }
    g_autofree char *path = locate(name);
    if (!path) {
        g_set_error(error, HP_ERROR, HP_ERROR_ENVIRONMENT,
                    "the adapter for %s was not built: it needs the Debian packages %s when Hairpin is built", name,
                    adapters[i].packages);
        return NULL;
    }
    if (!answers[i].asked) {
        answers[i].why_not = hp_adapter_ask(path, CHECK_LIMIT_MS);
        answers[i].asked = true;
    }
    if (answers[i].why_not) {
        g_set_error(error, HP_ERROR, HP_ERROR_ENVIRONMENT, "the adapter for %s cannot run here; %s", name,
                    answers[i].why_not);
        return NULL;
    }
    return g_steal_pointer(&path);
}
