/* Private to engines/: an association, and the one usrsctp of the process under all of them. */
#ifndef HP_ENGINES_SCTP_PRIVATE_H
#define HP_ENGINES_SCTP_PRIVATE_H

#include <usrsctp.h>

#include "engines/sctp.h"

struct hp_sctp {
    hp_sctp_config config;
    hp_sctp_ops ops;
    void *user;
    hp_rng rng; /* what usrsctp draws on its behalf */
    hp_sctp_state state;
    uint64_t id; /* its address as a number; 0: not registered */
    void *address; /* as usrsctp sees it; leads nowhere */
    struct socket *socket; /* NULL: not yet, or no more */
    bool muted; /* what is still said goes nowhere */
    bool blocked; /* a message was not taken */
    bool reading; /* usrsctp looks at a packet */
    GHashTable *resetting; /* set of stream numbers. Never iterated over */
    GPtrArray *timers; /* of hp_sctp_timer*: those of usrsctp's that run for it */
    GQueue events, packets; /* of queued_event*, GBytes*: what the driver has not been told yet */
    hp_time now;
};

/* ---- sctp_stack.c: usrsctp itself ---- */

/* Starts usrsctp for the first, and gives the association an address. False: HP_ERROR_ENVIRONMENT. */
bool hp_sctp_stack_join(hp_sctp *sctp, GError **error);
/* Stops usrsctp after the last. */
void hp_sctp_stack_leave(hp_sctp *sctp);
/* usrsctp works for that association from now on (NULL: for none); its timers are brought up to the present. Returns
 * for whom it worked before. */
hp_sctp *hp_sctp_stack_enter(hp_sctp *sctp, hp_time now);
void hp_sctp_stack_exit(hp_sctp *outer);

/* ---- sctp_symbols.c: usrsctp's timers, and what else of it is interposed ---- */

typedef struct hp_sctp_timer hp_sctp_timer;

/* The process's own, while usrsctp runs. */
typedef struct hp_sctp_timers {
    hp_sctp *current; /* for whom usrsctp works */
    uint64_t now_ms; /* to which usrsctp's ticks have come, in run time */
    GHashTable *by_callout; /* hp_sctp_timer* by usrsctp's structure; NULL: usrsctp does not run. Never iterated over */
    GPtrArray *orphans; /* timers that run for nobody */
} hp_sctp_timers;

hp_sctp_timers *hp_sctp_timers_get(void);
bool hp_sctp_timers_check(GError **error);
void hp_sctp_timers_begin(void);
void hp_sctp_timers_end(void);
/* When the first of them is due, in milliseconds of run time; UINT64_MAX: none. */
uint64_t hp_sctp_timers_next(const GPtrArray *timers);
/* The association goes: what still runs for it runs for nobody. */
void hp_sctp_timers_orphan(hp_sctp *sctp);

/* ---- sctp.c ---- */

/* A packet that usrsctp wants sent; copied. */
void hp_sctp_queue_packet(hp_sctp *sctp, const void *data, size_t len);

/* ---- sctp_events.c ---- */

/* usrsctp's callbacks. */
int hp_sctp_on_receive(struct socket *socket, union sctp_sockstore from, void *data, size_t len,
                       struct sctp_rcvinfo info, int flags, void *user);
int hp_sctp_on_room(struct socket *socket, uint32_t room, void *user);
/* Queues an event for the driver; its data is copied. */
void hp_sctp_tell(hp_sctp *sctp, const hp_sctp_event *event);
/* Tells the driver what is queued. */
void hp_sctp_flush(hp_sctp *sctp);
void hp_sctp_clear_queues(hp_sctp *sctp);

#endif
