/* The loop as a source of a GLib main context.
 *
 * GLib polls the loop's epoll descriptor, which is ready when a watch is, or the kernel's timer. prepare() runs before
 * every poll, whichever source was dispatched before: there what others have queued is sent (the functions for the end
 * of a turn), and the timer set, as they may have armed timers of the world. GLib's own timeouts have whole milliseconds
 * and are not used. There is no spinning here. */
#include "live/loop_private.h"

typedef struct loop_source {
    GSource source;
    hp_loop *loop;
    gpointer tag;
} loop_source;

static gboolean prepare(GSource *source, gint *timeout)
{
    hp_loop *loop = ((loop_source *)source)->loop;
    *timeout = -1;
    hp_loop_run_ends(loop);
    return loop->failure != NULL || !hp_loop_arm(loop);
}

static gboolean check(GSource *source)
{
    loop_source *self = (loop_source *)source;
    return g_source_query_unix_fd(source, self->tag) != 0 || !hp_loop_arm(self->loop);
}

static gboolean dispatch(GSource *source, GSourceFunc callback, gpointer user_data)
{
    hp_loop *loop = ((loop_source *)source)->loop;
    g_autoptr(GError) error = NULL;
    if (hp_loop_turn(loop, 0, &error)) {
        return G_SOURCE_CONTINUE;
    }
    loop->failure = g_steal_pointer(&error);
    loop->quit = true;
    return G_SOURCE_REMOVE;
}

static GSourceFuncs source_funcs = {.prepare = prepare, .check = check, .dispatch = dispatch};

GSource *hp_loop_source(hp_loop *loop)
{
    GSource *source = g_source_new(&source_funcs, sizeof(loop_source));
    loop_source *self = (loop_source *)source;
    self->loop = loop;
    self->tag = g_source_add_unix_fd(source, loop->epoll, G_IO_IN);
    g_source_set_name(source, "hairpin loop");
    return source;
}

bool hp_loop_run_glib(hp_loop *loop, GMainContext *context, GError **error)
{
    g_autoptr(GSource) source = hp_loop_source(loop);
    g_source_attach(source, context);
    while (!loop->quit) {
        g_main_context_iteration(context, TRUE);
    }
    g_source_destroy(source);
    loop->quit = false;
    if (loop->failure != NULL) {
        g_propagate_error(error, g_steal_pointer(&loop->failure));
        return false;
    }
    return true;
}
