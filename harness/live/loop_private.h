/* What loop.c and loop_glib.c share. */
#ifndef HP_LIVE_LOOP_PRIVATE_H
#define HP_LIVE_LOOP_PRIVATE_H

#include "live/loop.h"
#include "live/punctual.h"

/* Watched: in the epoll set. Removed: out of it, and freed when the turn that may still hold it is over. */
struct hp_loop_watch {
    hp_loop *loop;
    int fd;
    void (*ready)(void *user, uint32_t events);
    void *user;
    bool removed;
};

struct hp_loop_end {
    hp_loop *loop;
    void (*func)(void *user);
    void *user;
    bool removed;
};

struct hp_loop {
    hp_world *world;
    const hp_live_clock *clock;
    int epoll, timer;
    hp_time armed; /* CLOCK_MONOTONIC instant that the kernel's timer is set to; HP_NEVER: none */
    bool busy; /* the last turn found something ready */
    bool quit;
    bool in_turn, in_step;
    GError *failure; /* of a step outside a turn */
    GPtrArray *watches; /* of hp_loop_watch*, owned, those removed during a turn included */
    GPtrArray *ends; /* of hp_loop_end*, likewise */
    bool has_removed;
    hp_time beat; /* CLOCK_MONOTONIC instant of the next heartbeat; HP_NEVER: none */
    hp_time *told; /* NULL: nobody wants to know */
    hp_lateness lateness, stalls;
    hp_time computed; /* the thread's CPU time at the last heartbeat */
    hp_punctual punctual;
    hp_loop_report report;
};

/* Sets the kernel's timer for the world's next deadline. False when that is due already, and needs no timer. */
bool hp_loop_arm(hp_loop *loop);
void hp_loop_run_ends(hp_loop *loop);
/* All that is due was done: what comes next bears the time of the next deadline, or the one at which something came. */
void hp_loop_tell_asleep(const hp_loop *loop);

#endif
