/* The main-loop source of a simulated socket: no descriptor, ready when the socket is.
 *
 * GLib asks prepare and check at every turn of the context, so no wake-up is needed inside one; outside, an arrival
 * makes the environment's owner run the context (hp_seam_notify). A source that asks for G_IO_OUT is ready at every
 * turn, as on any UDP socket with room to send.
 *
 * A TCP socket's source is ready, as GIO's own is, also for HUP, ERR and NVAL, which it reports though nobody asked.
 * Its readiness is a level and not counted anywhere: whatever changes it disturbs the environment's rest, and it is
 * asked at every turn until it is ready no more (hp_seam_disturb). */
#include "seam/env.h"
#include "seam/sim_socket.h"
#include "seam/sim_stream.h"
#include "seam/symbols.h"

typedef struct sim_source {
    GSource parent;
    GSocket *socket; /* a reference */
    GIOCondition condition;
} sim_source;

GIOCondition hp_sim_condition(GSocket *socket)
{
    return hp_sim_stream_is(socket) ? hp_sim_stream_condition((const hp_sim_stream *)socket)
                                    : hp_sim_socket_condition((const hp_sim_socket *)socket);
}

static gboolean is_ready(GSource *source)
{
    const sim_source *self = (const sim_source *)source;
    return (hp_sim_condition(self->socket) & self->condition) != 0;
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
    return on_condition(self->socket, hp_sim_condition(self->socket) & self->condition, user);
}

static void finalize(GSource *source)
{
    g_object_unref(((sim_source *)source)->socket);
}

GSource *hp_sim_source_new(GSocket *socket, GIOCondition condition)
{
    static GSourceFuncs functions = {.prepare = prepare, .check = is_ready, .dispatch = dispatch, .finalize = finalize};
    GSource *source = g_source_new(&functions, sizeof(sim_source));
    sim_source *made = (sim_source *)source;
    made->socket = g_object_ref(socket);
    made->condition = condition | (hp_sim_stream_is(socket) ? G_IO_HUP | G_IO_ERR | G_IO_NVAL : 0);
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
