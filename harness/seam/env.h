/* Private to seam/: the environment whose code is running. */
#ifndef HP_SEAM_ENV_H
#define HP_SEAM_ENV_H

#include <gio/gio.h>

#include "base/rng.h"
#include "seam/seam.h"

/* Descriptor numbers that can never be real ones (the kernel's ceiling, fs.nr_open, lies below). A simulated
 * socket's is HP_SEAM_FD_BASE + its slot; an event descriptor's is HP_SEAM_FD_EVENT. */
enum { HP_SEAM_FD_BASE = 0x7fe00000, HP_SEAM_FD_EVENT = 0x7fff0000 };

struct hp_seam_env {
    hp_host *host;
    hp_world *world;
    GSource *bridge; /* of a live one: what makes the default context poll its own; NULL: simulated */
    hp_rng rng;
    GMainContext *context;
    void (*wake)(void *user);
    void *wake_user;
    hp_seam_log log;
    void *log_user;
    hp_seam_sent sent;
    void *sent_user;
    GPtrArray *slots; /* of GSocket*: open simulated sockets by slot, not owned; NULL where free */
    unsigned n_sockets;
    unsigned n_queued; /* datagrams that wait in its sockets */
    unsigned busy_turns; /* since the context last came to rest */
    bool at_rest; /* nothing but an arrival can make a source ready before rest_until */
    hp_time rest_until;
    uint32_t last_record;
    bool running;
    bool muted; /* draining: nothing is sent any more */
    hp_time ahead; /* draining: how far its clock has run past the world's */
};

/* Run time as the env sees it. */
static inline hp_time hp_seam_now(const hp_seam_env *env)
{
    return hp_world_now(env->world) + env->ahead;
}

/* The thread's current environment, NULL outside a simulation and in a live one. */
hp_seam_env *hp_seam_current(void);
/* The environment that was entered last, live or not. */
hp_seam_env *hp_seam_innermost(void);
/* A live environment's bridge (live.c), and what runs of it without waiting. */
GSource *hp_seam_bridge_new(hp_seam_env *env);
void hp_seam_live_drain(hp_seam_env *env, bool (*done)(void *user), void *user);
/* The current environment's context may have something new to do, if there is one. */
void hp_seam_stir(void);
/* A socket of env has become readable. */
void hp_seam_notify(hp_seam_env *env);
/* The same, of one whose arrivals are not counted in n_queued: its sources have to be asked. */
void hp_seam_disturb(hp_seam_env *env);
/* An open simulated socket's number, which stands for its descriptor, and back: NULL when it is none of env's. */
unsigned hp_seam_take_slot(hp_seam_env *env, GSocket *socket);
void hp_seam_free_slot(hp_seam_env *env, unsigned slot);
GSocket *hp_seam_socket_from_fd(const hp_seam_env *env, int fd);

/* Run time to what the guest's clocks show. */
#define HP_SEAM_MONOTONIC_OFFSET_NS (UINT64_C(3600) * HP_S)
/* The default handler of GLib's log (log.c). */
void hp_seam_log_install(void);

#endif
