/* The main-loop source of a simulated socket: no descriptor, ready when datagrams wait.
 *
 * GLib asks prepare and check at every turn of the context, so no wake-up is needed inside one; outside, an arrival
 * makes the environment's owner run the context (hp_seam_notify). A source that asks for G_IO_OUT is ready at every
 * turn, as on any UDP socket with room to send. */
#include "seam/env.h"
#include "seam/sim_socket.h"
#include "seam/symbols.h"

typedef struct sim_source {
    GSource parent;
    hp_sim_socket *socket; /* a reference */
    GIOCondition condition;
} sim_source;

static GIOCondition current(const sim_source *self)
{
    return G_IO_OUT | (hp_sim_socket_readable(self->socket) ? G_IO_IN : 0);
}

static gboolean is_ready(GSource *source)
{
    const sim_source *self = (const sim_source *)source;
    return (current(self) & self->condition) != 0;
}

static gboolean prepare(GSource *source, gint *timeout)
{
    *timeout = -1;
    return is_ready(source);
}

static gboolean dispatch(GSource *source, GSourceFunc callback, gpointer user)
{
    sim_source *self = (sim_source *)source;
    if (!callback) {
        return G_SOURCE_REMOVE;
    }
    if (self->condition & G_IO_OUT) {
        hp_seam_stir(); /* ready again at once */
    }
    GSocketSourceFunc on_condition = (GSocketSourceFunc)(void (*)(void))callback;
    return on_condition((GSocket *)self->socket, current(self) & self->condition, user);
}

static void finalize(GSource *source)
{
    g_object_unref(((sim_source *)source)->socket);
}

GSource *hp_sim_source_new(hp_sim_socket *self, GIOCondition condition)
{
    static GSourceFuncs functions = {.prepare = prepare, .check = is_ready, .dispatch = dispatch, .finalize = finalize};
    GSource *source = g_source_new(&functions, sizeof(sim_source));
    sim_source *made = (sim_source *)source;
    made->socket = g_object_ref(self);
    made->condition = condition;
    g_source_set_static_name(source, "hairpin simulated socket");
    return source;
}

/* ---- what libnice does to sources ----
 *
 * A context that came to rest need not be asked again as long as no source was added and no ready time was set: only
 * arrivals and the passing of time can then make anything ready. GLib's own timers are set anew inside GLib, but only
 * when they fire, and then the context is asked (env.c). */

guint g_source_attach(GSource *source, GMainContext *context)
{
    hp_seam_stir();
    return HP_NEXT(g_source_attach)(source, context);
}

void g_source_add_child_source(GSource *source, GSource *child)
{
    hp_seam_stir();
    HP_NEXT(g_source_add_child_source)(source, child);
}

void g_source_set_ready_time(GSource *source, gint64 ready_time)
{
    hp_seam_stir();
    HP_NEXT(g_source_set_ready_time)(source, ready_time);
}
