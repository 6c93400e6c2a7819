/* A world driven in real time: one thread, one epoll, one timer of the kernel at the world's next deadline.
 *
 * A turn: sleep until a descriptor is ready or a timer of the world is due; advance the world to the present; call the
 * watches that are ready, and before each of them advance the world to the present again; then what hp_loop_at_end()
 * named. A timer that is due fires at its own instant of run time, however late the machine is: the world's clock
 * stands at the timer's time then, so that lateness does not add up from link to link, and the difference to the real
 * time goes into a histogram.
 *
 * Before the run begins (clock.h) no timer of the world fires; watches are called.
 *
 * The same loop can be driven by GLib: hp_loop_source() makes a source of it, for processes that have other sources. */
#ifndef HP_LIVE_LOOP_H
#define HP_LIVE_LOOP_H

#include <glib.h>

#include "live/clock.h"
#include "live/lateness.h"
#include "world/world.h"

typedef struct hp_loop hp_loop;
typedef struct hp_loop_watch hp_loop_watch;

/* What makes a loop punctual. Each is tried, and none is needed: hp_loop_report() says what was granted. */
typedef struct hp_loop_options {
    bool fifo; /* SCHED_FIFO, priority 10, for the calling thread */
    bool ahead; /* for what the fabric serves: SCHED_RR, priority 5, where that is refused nice -10. A thread that is on
                 * the CPU for HP_LOOP_LONGEST_BURST_S without a pause gets SIGXCPU, for the others' sake */
    bool keep_awake; /* /dev/cpu_dma_latency held at 0: no deep sleep of any CPU */
    hp_time spin; /* the last part of a wait is spent awake; 0: none. Ignored with one CPU. It spins no longer than it
                   * sleeps, as the kernel throttles a FIFO thread that never does */
    hp_time
        heartbeat; /* the loop wakes so often in any case, and counts how late: the histogram then tells of a machine
                        * that is too slow when no packet was there to be late; 0: none */
} hp_loop_options;

enum { HP_LOOP_LONGEST_BURST_S = 2 };

/* For the fabric: everything, spinning the last 50 us, a heartbeat of 10 ms. */
hp_loop_options hp_loop_options_punctual(void);
/* For programs of ours beside it: ahead of ordinary processes, a heartbeat of 20 ms. */
hp_loop_options hp_loop_options_ahead(void);

/* world and clock must outlive the loop. options NULL: an ordinary process, nothing of the above. NULL and
 * HP_ERROR_ENVIRONMENT without epoll or timerfd. */
hp_loop *hp_loop_new(hp_world *world, const hp_live_clock *clock, const hp_loop_options *options, GError **error);
/* Watches go with it; their descriptors stay open. */
void hp_loop_free(hp_loop *loop);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(hp_loop, hp_loop_free)

hp_world *hp_loop_world(hp_loop *loop);
const hp_live_clock *hp_loop_clock(const hp_loop *loop);

/* Watches a descriptor for EPOLLIN, EPOLLOUT, ... (level-triggered, unless EPOLLET is asked for). ready() is called
 * once a turn with what epoll says (EPOLLERR and EPOLLHUP too); it should read a bounded number of messages, for the
 * others' sake. NULL with errno when epoll refuses the descriptor (a file on disk: EPERM). */
hp_loop_watch *hp_loop_add(hp_loop *loop, int fd, uint32_t events, void (*ready)(void *user, uint32_t events),
                           void *user);
void hp_loop_modify(hp_loop_watch *watch, uint32_t events);
/* Legal inside any callback of the loop, its own included; it is not called any more from then on. Call it before the
 * descriptor is closed. NULL is fine. */
void hp_loop_remove(hp_loop_watch *watch);

/* Called at the end of each turn, before the next one sleeps: for sends that were gathered. Cheap when there is nothing
 * to do, please. */
typedef struct hp_loop_end hp_loop_end;
hp_loop_end *hp_loop_at_end(hp_loop *loop, void (*func)(void *user), void *user);
void hp_loop_at_end_remove(hp_loop_end *end);
bool hp_loop_is_in_turn(const hp_loop *loop);

/* One turn, which sleeps at most `longest` (HP_NEVER: as long as it takes). False with error when the world cannot go
 * on (HP_ERROR_LIMIT) or epoll fails. */
bool hp_loop_turn(hp_loop *loop, hp_time longest, GError **error);
/* Turns until hp_loop_quit() was called; false with error as above. */
bool hp_loop_run(hp_loop *loop, GError **error);
/* Legal inside callbacks. A quit before hp_loop_run() makes that return at once; each run forgets it. */
void hp_loop_quit(hp_loop *loop);

/* Brings the world to the present, firing what is due: for a callback outside the loop's turns (a GLib source of
 * another library) before it touches the world. A failure is kept, and ends the next turn. Legal, and without effect,
 * when the world is already in a step. */
void hp_loop_advance(hp_loop *loop);

/* Keeps in *told the run time before which everything that this process has to tell is told: its next deadline while it
 * sleeps, the world's time while something is being done. Whoever reads the clock first and then *told knows that what
 * comes later bears no earlier time than both. For memory that processes share; it outlives the loop. */
void hp_loop_keep_told(hp_loop *loop, hp_time *told);

/* A source that does turns; the caller attaches it and unrefs it. It lives no longer than the loop: destroy it first.
 * When a turn fails, the error is kept for hp_loop_run_glib(), which quits. */
GSource *hp_loop_source(hp_loop *loop);
/* Iterates the context (NULL: the default one), with the loop's source attached to it, until hp_loop_quit(). */
bool hp_loop_run_glib(hp_loop *loop, GMainContext *context, GError **error);

/* Of every timer of the world that fired, and of every heartbeat: real time minus due time. */
const hp_lateness *hp_loop_lateness(const hp_loop *loop);
void hp_loop_lateness_reset(hp_loop *loop);
/* Of heartbeats alone, without the time that the thread itself spent computing: what the machine made late, and not a
 * callback that takes long. */
const hp_lateness *hp_loop_stalls(const hp_loop *loop);

/* The loop has done its work: the thread is an ordinary one from now on, so that what follows (files to be written) keeps
 * no other run from its time. */
void hp_loop_relax(hp_loop *loop);

typedef struct hp_loop_report {
    bool fifo, keep_awake; /* granted */
    const char *scheduling; /* in effect: "fifo", "rr", "nice" or "ordinary" */
    hp_time spin; /* in effect */
    char refused[160]; /* what was not granted, and why: "SCHED_FIFO: Operation not permitted"; "" */
    uint64_t turns, spun_ns;
} hp_loop_report;
const hp_loop_report *hp_loop_report_get(const hp_loop *loop);

#endif
