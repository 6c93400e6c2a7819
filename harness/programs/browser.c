/* Theory of operation: a browser is a child (child.h) that reads DevTools commands on its stdin and answers on stdout.
 *
 * devtools.c speaks the language; child.c has the pipes, which never block, and the process. A pipe that ends alone is
 * no event: the browser's end is, and it is told once, with how it came about. */
#include "programs/browser.h"

#include <sys/wait.h>

#include "live/loop.h"
#include "programs/child.h"

enum { CLOSE_MS = 1000 }; /* of patience with a browser that was asked to end */

struct hp_browser {
    hp_program *program;
    hp_browser_ops ops;
    void *user;
    hp_devtools *devtools;
    hp_child *child;
    bool broken, closing, over;
};

static void wants_to_write(void *user)
{
    hp_browser *b = user;
    size_t length;
    const void *data = hp_devtools_output(b->devtools, &length);
    if (!b->over) {
        hp_child_write(b->child, data, length);
    }
    hp_devtools_written(b->devtools, length);
}

static void child_says(void *user, const void *data, size_t length)
{
    hp_browser *b = user;
    g_autoptr(GError) error = NULL;
    if (!b->broken && !hp_devtools_input(b->devtools, data, length, &error)) {
        b->broken = true;
        b->ops.broken(b->user, error->message);
    }
}

static void browser_tells(void *user, const char *session, const char *method, JsonObject *params)
{
    hp_browser *b = user;
    hp_loop_advance(b->program->loop);
    b->ops.event(b->user, session, method, params);
}

static void child_ended(void *user, int status)
{
    hp_browser *b = user;
    b->over = true;
    hp_loop_advance(b->program->loop);
    g_autofree char *how = WIFSIGNALED(status) ? hp_child_status_text(status)
                                               : g_strdup_printf("ended by itself with code %d", WEXITSTATUS(status));
    b->ops.ended(b->user, how);
}

hp_browser *hp_browser_start(hp_program *program, const char *const *command, const char *const *environment,
                             const hp_browser_ops *ops, void *user, GError **error)
{
    static const hp_devtools_ops devtools_ops = {.wants_to_write = wants_to_write, .event = browser_tells};
    static const hp_child_ops child_ops = {.output = child_says, .ended = child_ended};
    hp_browser *b = g_new0(hp_browser, 1);
    b->program = program;
    b->ops = *ops;
    b->user = user;
    b->devtools = hp_devtools_new(&devtools_ops, b);
    b->child = hp_child_new(program, NULL, command, environment, &child_ops, b, error);
    if (!b->child) {
        hp_browser_free(b);
        return NULL;
    }
    return b;
}

void hp_browser_free(hp_browser *b)
{
    if (!b) {
        return;
    }
    hp_child_free(b->child);
    hp_devtools_free(b->devtools);
    g_free(b);
}

hp_devtools *hp_browser_devtools(hp_browser *b)
{
    return b->devtools;
}

bool hp_browser_runs(const hp_browser *b)
{
    return !b->over;
}

void hp_browser_close(hp_browser *b)
{
    if (b->closing || b->over) {
        return; /* its patience is not begun anew */
    }
    b->closing = true;
    hp_devtools_command(b->devtools, NULL, "Browser.close", NULL, NULL, NULL);
    hp_child_end(b->child, CLOSE_MS);
}
