/* The broker attached to a world: clients are peers, copies arrive by the world's clock, everything is traced. Or its
 * stand-in in a process whose broker is elsewhere: one client, whose messages go and come by a transport; nothing is
 * traced here, since the broker's process does that. */
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
/* Not for a remote broker's. */
void hp_signaling_configure(hp_signaling *signaling, const hp_signaling_config *config);

/* ---- a broker in another process ---- */

typedef struct hp_signaling_remote_ops {
    /* A message of the client's. What cannot go is lost, as with a broker that is away. */
    void (*send)(void *user, const char *json);
} hp_signaling_remote_ops;

hp_signaling *hp_signaling_new_remote(hp_world *world, const hp_signaling_remote_ops *ops, void *user);
/* What came for the client; lost when none has joined. */
void hp_signaling_deliver(hp_signaling *signaling, const char *from, bool own, uint64_t message, const char *json);

#endif
