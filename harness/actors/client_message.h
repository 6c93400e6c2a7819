/* Private to actors/: one signalling message of a client, and its JSON. */
#ifndef HP_ACTORS_CLIENT_MESSAGE_H
#define HP_ACTORS_CLIENT_MESSAGE_H

#include <glib.h>
#include <stdbool.h>

#include "config/signaling.h"

/*   {"id": "alice", "type": "offer", "to": "bob", "sdp": "v=0..."}
 *   {"id": "alice", "type": "candidate", "to": "bob", "candidate": "candidate:...", "sdpMid": "0", "sdpMLineIndex": 0,
 *    "ufrag": "..."}            candidate null: no more of them
 * id null: the client has no id yet. An answer of ours says in "answers" which offer it is for, by the ufrag of
 * the offer's first stream, with media followed by a space and the offer's version; a browser's does not. Optional
 * texts are NULL when absent. */
typedef struct hp_client_message {
    char *id, *to;
    hp_signal_type type;
    char *sdp, *answers; /* offer, answer */
    char *candidate, *mid, *ufrag; /* candidate; all NULL at the end of candidates */
    int line; /* sdpMLineIndex, -1 when absent */
} hp_client_message;

void hp_client_message_free(hp_client_message *message);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(hp_client_message, hp_client_message_free)

/* Caller frees. */
char *hp_client_message_format(const hp_client_message *message);
/* NULL and HP_ERROR_INVALID when it is no message of these. */
hp_client_message *hp_client_message_parse(const char *json, GError **error);
/* A glance at the text, without parsing it, that spares the broadcast's many other receivers the work: true when it
 * surely names somebody else than name. */
bool hp_client_message_is_for_another(const char *json, const char *name);

const char *hp_signal_type_name(hp_signal_type type);

#endif
