/* The process: its orders, the broker, and its calls. */
#ifndef HP_ADAPTERS_WEBRTCBIN_PEER_H
#define HP_ADAPTERS_WEBRTCBIN_PEER_H

#include <glib.h>
#include <json-glib/json-glib.h>
#include <libsoup/soup.h>
#include <stdbool.h>

typedef struct peer {
    const char *name;
    JsonArray *ice_servers;
    bool relay_only;
    GMainLoop *loop;
    SoupSession *soup;
    SoupWebsocketConnection *socket;
    GPtrArray *sessions; /* of session*; they live as long as the process, callbacks may still name them */
    GPtrArray *early; /* of JsonObject*: candidates of a description that is yet to come */
    int exit_code;
} peer;

/* One event of the protocol: {"event": event} and the members of more, which is taken and may be NULL. */
void peer_say(const char *event, JsonObject *more);
void peer_say_text(const char *event, const char *format, ...) G_GNUC_PRINTF(2, 3);
/* A message to the broker; taken. */
void peer_send(peer *self, JsonObject *message);

#endif
