/* One program of a live run: a peer, a server or the broker, as a process of its own in its host's network namespace.
 *
 * A *kind* of program (hp_program_ops) is what a scenario's `program:` names: our libnice peer, our server, coturn,
 * Chromium, anybody's `exec:`. The process around it is the same for all (program.c): it is forked from the run process
 * when everything is planned, so that it has the plan in memory; it has a world whose time is the run's (all processes
 * read one clock), a loop, GLib's default main context, a trace of its own, a private folder, and a control channel.
 * The run process merges the traces (trace/merge.h).
 *
 * Life of a program, in order, never back:
 *
 *   STARTING   ops->start() is called once: it builds everything up, and hp_program_ready() is called when all of it is
 *              there: from inside start() or at any time later. Run time is 0 and stands still; the fabric swallows
 *              whatever is sent.
 *   READY      hp_program_ready() was called; nothing is asked of it until all programs are.
 *   RUNNING    run time began: ops->begin() once, then ops->step(), ops->addresses(), ops->interface() in the order in
 *              which the director carries them out.
 *   FINISHING  ops->finish() once: the trace is told what is still open, what was started is ended, and
 *              hp_program_finished() is called when that is done: from inside or later, within HP_PROGRAM_FINISH_S.
 *   FINISHED   ops->free(), and the process is over.
 *
 * hp_program_failed() is legal in any state: in STARTING and READY it ends the run as an error; later the run goes on
 * without the program and fails. A program that cannot be started at all returns false with a GError: HP_ERROR_ENVIRONMENT
 * when the machine lacks something (the case is skipped and says so).
 *
 * A kind writes to the trace what happens on its host with hp_trace_event(program->trace, hp_world_now(program->world),
 * ...), never packets: those are the fabric's. */
#ifndef HP_PROGRAMS_PROGRAM_H
#define HP_PROGRAMS_PROGRAM_H

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "plan/plan.h"
#include "trace/trace.h"
#include "world/host.h"
#include "world/world.h"

typedef struct hp_loop hp_loop; /* live/loop.h */
typedef struct hp_live_clock hp_live_clock; /* live/clock.h */
typedef struct hp_media_tracks hp_media_tracks; /* actors/media_hub.h: of all processes */

/* Of the broker, on 127.0.0.1 of every host's namespace. */
#define HP_PROGRAM_SIGNALING_PORT 7880
#define HP_PROGRAM_SIGNALING "ws://127.0.0.1:" G_STRINGIFY(HP_PROGRAM_SIGNALING_PORT) "/"

enum {
    HP_PROGRAM_READY_S = 30, /* real seconds until all must be ready */
    HP_PROGRAM_FINISH_S = 5, /* and until all must have finished */
};

typedef enum hp_program_role { HP_PROGRAM_PEER, HP_PROGRAM_SERVER, HP_PROGRAM_BROKER } hp_program_role;

/* What the director reads of a program while it runs; lies in memory that all processes of a run share. Each is one
 * aligned word, stored whole (hp_program_set_state() and the others below). */
typedef struct hp_program_shared {
    uint32_t state; /* 0: none, else one of hp_program_state_name() */
    uint32_t flows; /* that it sends and that are not done */
    uint32_t script_done; /* a raw peer has nothing left to do */
    uint32_t taken; /* how many messages of the director's it has carried out: written by program.c */
    uint32_t joined; /* a client of that name is connected to the broker: written by the broker */
    uint32_t scheduling; /* in effect: hp_program_scheduling_name() */
    uint32_t reserved[2];
    hp_time told; /* hp_loop_keep_told(); HP_NEVER: it tells no more */
    /* How late the machine let it be (hp_loop_stalls()), written when it has finished. */
    uint64_t beats;
    hp_time stall_p99, stall_max;
} hp_program_shared;

/* A listening TCP socket on 127.0.0.1 of a host's namespace: whoever connects to it is on that host. */
typedef struct hp_program_listener {
    int fd;
    hp_program_role role; /* of the host: a peer's or a server's */
    unsigned index;
    const char *name; /* of that peer or server */
    hp_program_shared *shared; /* that program's */
} hp_program_listener;

typedef struct hp_program_ops hp_program_ops;

typedef struct hp_program {
    const hp_plan *plan;
    const hp_program_ops *ops;
    hp_program_role role;
    unsigned index; /* of the peer or server; 0 for the broker */
    const char *name; /* the peer's or server's; "broker" */
    hp_world *world; /* real time, from the run's beginning; its trace is `trace` */
    hp_loop *loop; /* GLib's default context drives it */
    hp_trace *trace;
    const hp_live_clock *clock;
    hp_host *host; /* the kernel's (live/kernel_host.h), with the plan's interfaces and addresses; NULL: the broker */
    const char *folder; /* private to this program, empty when it starts, taken away after the run */
    hp_program_shared *shared; /* its own */
    hp_media_tracks *tracks; /* of the run; NULL where no call has media */
    uint64_t *messages; /* the number of the last signalling message, of all processes of the run; NULL: none is kept */
    const hp_program_listener *listeners; /* the broker's; none for others */
    unsigned n_listeners;
    void *self; /* what ops->start() returned */
    bool metered; /* the trace is told what the servers' processes use (usage.h) */
    pid_t worker; /* the child process that serves; 0: this process does; -1: none at present */
} hp_program;

/* Any function but start may be NULL: there is nothing to do then. */
struct hp_program_ops {
    const char *name; /* "libnice", "coturn", ... */
    bool needs_host; /* false: program->host stays NULL (the program brings its own sockets) */
    /* Asked in the parent before anything is started, of each peer or server of this kind: false and
     * HP_ERROR_ENVIRONMENT when this machine cannot run it, naming the Debian package that is missing. */
    bool (*available)(const hp_plan *plan, hp_program_role role, unsigned index, GError **error);
    void *(*start)(hp_program *program, GError **error);
    void (*begin)(void *self);
    /* The director carries out this step, and it concerns this program: a step of a peer (call, send: both ends, hold,
     * set-media, ice-restart, close, map-port, ...), stop-server and start-server, set-dns, renumber of a server (its
     * host has the new addresses already), set-signaling (the broker); and for a raw peer also the step that starts its
     * scripts. index: the step's in the scenario. */
    void (*step)(void *self, const hp_step *step, unsigned index);
    /* The kernel's addresses on that interface have changed, and program->host knows them. */
    void (*addresses)(void *self, unsigned interface);
    /* The interface went up or down, and program->host knows it. */
    void (*interface)(void *self, unsigned interface, bool up);
    void (*finish)(void *self);
    void (*free)(void *self);
};

/* ---- for kinds, in the program's process ---- */

void hp_program_ready(hp_program *program);
void hp_program_finished(hp_program *program);
/* It cannot go on; the text says why and ends up in the verdict. */
void hp_program_failed(hp_program *program, const char *format, ...) G_GNUC_PRINTF(2, 3);
/* The peer's worst ICE state over its sessions by its name in ice-state events ("connected"), NULL without a session. */
void hp_program_set_state(hp_program *program, const char *state);
void hp_program_set_flows(hp_program *program, unsigned running);
void hp_program_set_script_done(hp_program *program, bool done);
/* The state's name; NULL for 0 and for what no program wrote. */
const char *hp_program_state_name(uint32_t state);
/* The same of how it is scheduled: "rr", ...; "ordinary" for 0 and for what no program wrote. */
const char *hp_program_scheduling_name(uint32_t scheduling);

/* Starts a child process of a foreign program in this program's namespace: argv[0] is looked for in PATH; stdin and stdout
 * are pipes (ret_in, ret_out: close-on-exec, non-blocking; ret_out NULL: stdout is the log), stderr is the program's log;
 * it dies with this process. environment: NULL-terminated "K=V" in addition to ours. -1 and HP_ERROR_ENVIRONMENT naming
 * the program when it cannot be started. The caller waits for it. */
int hp_program_spawn(hp_program *program, const char *const *argv, const char *const *environment, int *ret_in,
                     int *ret_out, GError **error);

#endif
