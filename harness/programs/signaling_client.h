/* A client of the broker that runs in another process: a WebSocket to 127.0.0.1 of this host's namespace, behind the
 * hp_signaling that peers use. */
#ifndef HP_PROGRAMS_SIGNALING_CLIENT_H
#define HP_PROGRAMS_SIGNALING_CLIENT_H

#include "actors/signaling.h"
#include "live/loop.h"

/* What a client of ours asks for: each text frame to it is "FROM OWN NUMBER\n" and the JSON; FROM: who sent the message,
 * OWN: 1 when that is this client, NUMBER: the message's. What it sends is JSON as it is, or "NUMBER\n" and JSON. */
#define HP_SIGNALING_PROTOCOL "hairpin.signal"

typedef struct hp_signaling_client hp_signaling_client;

typedef struct hp_signaling_client_ops {
    void (*connected)(void *user);
    /* The connection could not be made, or has ended without being asked to. Nothing more comes, or is sent. */
    void (*lost)(void *user, const char *why);
} hp_signaling_client_ops;

/* Begins to connect; ops are called from GLib's default context, with the world at the present. name: the peer's, for
 * the trace; outlives it. */
hp_signaling_client *hp_signaling_client_new(hp_loop *loop, const char *name, int port,
                                             const hp_signaling_client_ops *ops, void *user);
/* Closes the connection. */
void hp_signaling_client_free(hp_signaling_client *client);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(hp_signaling_client, hp_signaling_client_free)
/* Of which one peer is a member. Goes with the client. */
hp_signaling *hp_signaling_client_signaling(hp_signaling_client *client);

/* Reads the first line of a frame: what follows it is returned, NULL when the line is none. ret_from is the caller's. */
const char *hp_signaling_read_frame(const char *text, char **ret_from, bool *ret_own, uint64_t *ret_message);
/* And makes one; the caller's. */
char *hp_signaling_write_frame(const char *from, bool own, uint64_t message, const char *json);
/* The same of what goes to the broker. NULL: there is no number, or it is 0. */
const char *hp_signaling_read_numbered(const char *text, uint64_t *ret_message);
char *hp_signaling_write_numbered(uint64_t message, const char *json);

#endif
