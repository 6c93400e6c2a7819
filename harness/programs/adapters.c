/* Where the adapters are, and whether they can run here.
 *
 * An adapter is a program of its own (harness/adapters/NAME), built only where its library is installed, and put into
 * the folder `adapters` beside the program, or `../lib/hairpin/adapters` once installed. It lacks either as a whole, on
 * a machine without the library's headers at build time, or it lacks something at run time: a Python module, a plugin.
 * The latter only it can tell: called with --check it exits with 0, or with 1 and one line on stdout, the Debian
 * packages that it misses. The answer is kept, so that a run of many cases asks once; processes forked later have it. */
#include "programs/adapters.h"

#include <string.h>

#include "base/error.h"

static const struct {
    const char *name, *packages; /* what must be installed when Hairpin is built */
} adapters[] = {
    {"aiortc", "python3-aiortc, python3-websockets"},
    {"webrtcbin", "libgstreamer-plugins-bad1.0-dev, libsoup-3.0-dev, gstreamer1.0-nice, gstreamer1.0-plugins-good"},
    {"pion", "golang-go, golang-github-pion-webrtc.v3-dev, golang-github-gorilla-websocket-dev"},
};

enum { NOT_ASKED, FIT, UNFIT };

/* What each answered; process-wide, because the machine is. */
static struct {
    int state;
    char *missing;
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

bool hp_adapter_is_known(const char *name)
{
    return find(name) >= 0;
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

static bool ask(const char *path, char **ret_missing)
{
    g_autofree char *out = NULL;
    int status = 0;
    const char *argv[] = {path, "--check", NULL};
    g_autoptr(GError) error = NULL;
    if (!g_spawn_sync(NULL, (char **)argv, NULL, G_SPAWN_STDERR_TO_DEV_NULL, NULL, NULL, &out, NULL, &status, &error)) {
        *ret_missing = g_strdup(error->message);
        return false;
    }
    if (g_spawn_check_wait_status(status, NULL)) {
        return true;
    }
    g_strstrip(out);
    *ret_missing = *out ? g_steal_pointer(&out) : g_strdup("no word of what it lacks");
    return false;
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
    if (answers[i].state == NOT_ASKED) {
        answers[i].state = ask(path, &answers[i].missing) ? FIT : UNFIT;
    }
    if (answers[i].state == UNFIT) {
        g_set_error(error, HP_ERROR, HP_ERROR_ENVIRONMENT, "the adapter for %s cannot run here; it misses: %s", name,
                    answers[i].missing);
        return NULL;
    }
    return g_steal_pointer(&path);
}
