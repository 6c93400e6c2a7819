/* Live environments: libnice on the kernel's sockets, by the machine's clock.
 *
 * There is nothing to simulate, and so nothing is the current environment while a live one is entered. What is left of
 * the seam is the log, what is sent, and the context. An agent keeps a context of its own; it is polled by the process's
 * default context through one source, the *bridge*:
 *
 *   prepare   asks the inner context what it waits for and for how long, and has the outer one wait for the same
 *   check     hands what the outer poll found to the inner context
 *   dispatch  brings the world to the present, enters the environment, dispatches the inner context, leaves, and wakes
 *             the owner, who may free the environment from a timer of the world later, but not from in here
 *
 * The world's clock stands still between the turns of the loop; bringing it to the present may fire timers that free
 * this very environment, and then its bridge is destroyed and nothing more is done.
 *
 * Invariants: the inner context is acquired only while one of the three runs. The bridge's poll records are those that
 * the inner context asked for last; they are exchanged when that list changes, and never between a poll and its check.
 *
 * What is sent is told to the owner where GSocket's functions are interposed (socket.c), while the environment is
 * entered.
 *
 * Limits: one thread runs the default context and everything else here. */
#include <gio/gio.h>

#include "live/kernel_host.h"
#include "seam/env.h"

/* Turns that a drain takes at most. */
enum { LIVE_DRAIN_TURNS = 1000 };

typedef struct bridge {
    GSource parent;
    hp_seam_env *env;
    GPollFD *records; /* added to the source */
    guint n_records;
    GArray *wanted; /* of GPollFD: scratch */
    gint priority; /* of the inner turn */
} bridge;

/* From one to the other the inner context is this thread's, and code of the environment may run. */
static void enter(hp_seam_env *env)
{
    hp_seam_enter(env);
    gboolean owned = g_main_context_acquire(env->context);
    g_assert(owned);
}

static void leave(hp_seam_env *env)
{
    g_main_context_release(env->context);
    hp_seam_leave(env);
}

static void drop_records(bridge *b)
{
    for (guint i = 0; i < b->n_records; i++) {
        g_source_remove_poll(&b->parent, &b->records[i]);
    }
    g_clear_pointer(&b->records, g_free);
    b->n_records = 0;
}

static bool is_same(const bridge *b)
{
    if (b->wanted->len != b->n_records) {
        return false;
    }
    for (guint i = 0; i < b->n_records; i++) {
        const GPollFD *wanted = &g_array_index(b->wanted, GPollFD, i);
        if (wanted->fd != b->records[i].fd || wanted->events != b->records[i].events) {
            return false;
        }
    }
    return true;
}

static void exchange_records(bridge *b)
{
    drop_records(b);
    b->n_records = b->wanted->len;
    b->records = g_memdup2(b->wanted->data, b->n_records * sizeof(GPollFD));
    for (guint i = 0; i < b->n_records; i++) {
        g_source_add_poll(&b->parent, &b->records[i]);
    }
}

/* Fills wanted; returns the timeout that the inner context asks for. */
static gint query(bridge *b)
{
    GMainContext *context = b->env->context;
    gint timeout, n;
    g_array_set_size(b->wanted, MAX(b->wanted->len, 8));
    while ((n = g_main_context_query(context, b->priority, &timeout, (GPollFD *)(void *)b->wanted->data,
                                     (gint)b->wanted->len)) > (gint)b->wanted->len) {
        g_array_set_size(b->wanted, (guint)n);
    }
    g_array_set_size(b->wanted, (guint)n);
    return timeout;
}

static gboolean prepare(GSource *source, gint *timeout)
{
    bridge *b = (bridge *)source;
    enter(b->env);
    gboolean ready = g_main_context_prepare(b->env->context, &b->priority);
    gint wait = query(b);
    leave(b->env);
    if (!is_same(b)) {
        exchange_records(b);
    }
    *timeout = ready ? 0 : wait;
    return FALSE; /* so that check() is asked in any case */
}

static gboolean check(GSource *source)
{
    bridge *b = (bridge *)source;
    enter(b->env);
    gboolean ready = g_main_context_check(b->env->context, b->priority, b->records, (gint)b->n_records);
    leave(b->env);
    return ready;
}

static gboolean dispatch(GSource *source, GSourceFunc callback, gpointer user)
{
    bridge *b = (bridge *)source;
    hp_loop_advance(hp_kernel_host_loop(b->env->host));
    if (g_source_is_destroyed(source)) {
        return G_SOURCE_REMOVE;
    }
    hp_seam_env *env = b->env;
    enter(env);
    env->running = true;
    g_main_context_dispatch(env->context);
    env->running = false;
    leave(env);
    hp_seam_notify(env);
    return G_SOURCE_CONTINUE;
}

static void finalize(GSource *source)
{
    bridge *b = (bridge *)source;
    g_free(b->records); /* the source is destroyed: GLib has forgotten them */
    g_array_unref(b->wanted);
}

GSource *hp_seam_bridge_new(hp_seam_env *env)
{
    static GSourceFuncs functions = {.prepare = prepare, .check = check, .dispatch = dispatch, .finalize = finalize};
    GSource *source = g_source_new(&functions, sizeof(bridge));
    bridge *b = (bridge *)source;
    b->env = env;
    b->wanted = g_array_new(FALSE, TRUE, sizeof(GPollFD));
    g_source_set_static_name(source, "hairpin live environment");
    g_source_attach(source, NULL);
    return source;
}

void hp_seam_refresh(const hp_seam_env *env)
{
    if (env->bridge) {
        hp_loop_advance(hp_kernel_host_loop(env->host));
    }
}

void hp_seam_live_drain(hp_seam_env *env, bool (*done)(void *user), void *user)
{
    g_assert(!env->running);
    hp_seam_enter(env);
    for (unsigned i = 0; i < LIVE_DRAIN_TURNS && !(done && done(user)); i++) {
        if (!g_main_context_iteration(env->context, FALSE)) {
            break;
        }
    }
    hp_seam_leave(env);
}
