/* The broker attached to a world: clients are peers, copies arrive by the world's clock, everything is traced. Or its
 * stand-in in a process whose broker is elsewhere: one client, whose messages go and come by a transport.
 *
 * Then the broker's process traces what becomes of messages. That one was sent is traced where it is sent, at its place
 * among the sender's other events, as far as both have one counter of messages in memory that they share
 * (hp_signaling_share_numbers()); without it the broker's process traces that too, when the message has come. */
#ifndef HP_ACTORS_SIGNALING_H
#define HP_ACTORS_SIGNALING_H

#include "config/signaling.h"
#include "world/world.h"

typedef struct hp_signaling hp_signaling;

/* own: the message is the receiver's own, come back. message: its number, the same for all copies. */
typedef void (*hp_signal_handler)(void *user, const char *from, bool own, uint64_t message, const char *json);

hp_signaling *hp_signaling_new(hp_world *world, const hp_signaling_config *config);
void hp_signaling_free(hp_signaling *signaling);
/* name must outlive it. Returns the client's number. */
unsigned hp_signaling_join(hp_signaling *signaling, const char *name, hp_signal_handler handler, void *user);
/* Sends; the JSON is copied. Traces signal-sent. */
void hp_signaling_send(hp_signaling *signaling, unsigned client, const char *json);
/* The client hears nothing until it is back: copies for it are lost. Clients join present. Not for a remote broker's. */
void hp_signaling_set_away(hp_signaling *signaling, unsigned client, bool away);
/* *last: the number of the last message, of all processes. Call before anything is sent; it outlives this. */
void hp_signaling_share_numbers(hp_signaling *signaling, uint64_t *last);
/* Not for a remote broker's. */
void hp_signaling_configure(hp_signaling *signaling, const hp_signaling_config *config);

/* ---- a broker in another process ---- */

/* In the broker's process: a message that was traced as sent, with that number, where it was sent. */
void hp_signaling_pass(hp_signaling *signaling, unsigned client, uint64_t message, const char *json);

typedef struct hp_signaling_remote_ops {
    /* A message of the client's. message: its number, 0: it was not traced, and has none yet. */
    void (*send)(void *user, uint64_t message, const char *json);
    /* Whether the broker can be reached; what is sent while it cannot is lost, which is for the transport to trace. NULL:
     * always. */
    bool (*is_there)(void *user);
} hp_signaling_remote_ops;

hp_signaling *hp_signaling_new_remote(hp_world *world, const hp_signaling_remote_ops *ops, void *user);
/* What came for the client; lost when none has joined. */
void hp_signaling_deliver(hp_signaling *signaling, const char *from, bool own, uint64_t message, const char *json);

#endif
