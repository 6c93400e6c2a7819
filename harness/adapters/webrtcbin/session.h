/* One call of webrtcbin's. */
#ifndef HP_ADAPTERS_WEBRTCBIN_SESSION_H
#define HP_ADAPTERS_WEBRTCBIN_SESSION_H

#include <gst/gst.h>
#include <gst/webrtc/webrtc.h>

#include "adapters/webrtcbin/peer.h"

enum { SESSION_AUDIO, SESSION_VIDEO, SESSION_N_KINDS };
extern const char *const session_kind_names[SESSION_N_KINDS]; /* "audio", "video" */

typedef struct session_frames { /* counted in streaming threads */
    int sent, received;
    guint32 timestamp;
    bool has_timestamp;
} session_frames;

typedef struct session {
    peer *peer;
    char *other; /* NULL until somebody answers an offer to all */
    GstElement *pipeline, *bin;
    char *origin, *ufrag; /* of the remote description */
    bool offered; /* waits for an answer */
    bool is_answerer;
    bool described; /* the remote description is in force */
    bool closed, end_sent, sends[SESSION_N_KINDS];
    guint32 ssrc[SESSION_N_KINDS]; /* of what is sent */
    session_frames frames[SESSION_N_KINDS];
    GHashTable *channels; /* label -> GstWebRTCDataChannel* */
    GPtrArray *unsent; /* of JsonObject*: orders for channels that are not open */
    char *pair, *dtls; /* the last ones told */
} session;

session *session_new(peer *self, const char *other);
/* Events of this session: {"event", "with"} and more, which is taken and may be NULL. None after its end. */
void session_say(session *self, const char *event, JsonObject *more);
void session_say_state(session *self, const char *event, const char *state);

void session_offer(session *self, JsonObject *order);
void session_answer(session *self, const char *sdp);
void session_take_answer(session *self, const char *other, const char *sdp);
void session_add_candidate(session *self, JsonObject *message);
void session_send_data(session *self, JsonObject *order);
/* Asks for statistics; done(self) is called in the main context when they are told. */
void session_stats(session *self, void (*done)(session *self));
void session_close(session *self);

/* ---- media.c ---- */

/* A source of the kind, encoded and in packets of that payload type, linked to the bin. */
bool session_add_source(session *self, int kind, int payload_type);
/* Takes what arrives on a pad of the bin. Any thread. */
void session_drain(session *self, GstPad *pad);

/* ---- channels.c ---- */

void session_add_channel(session *self, GstWebRTCDataChannel *channel); /* takes a reference */

/* ---- description.c ---- */

/* The first match of a line's rest, NULL when there is none: caller frees. "a=ice-ufrag:" */
char *description_find(const char *sdp, const char *prefix);
char *description_origin(const char *sdp);
/* The payload type of the codec ("OPUS") in the offer; -1 when it does not have it. */
int description_payload_type(const char *sdp, const char *codec);
/* The a=mid of the line-th m= section; NULL when it has none. */
char *description_mid(const char *sdp, unsigned line);

/* ---- post.c ---- */

/* Calls func in the main context; text is copied. In the order of the calls. */
void session_post(session *self, void (*func)(session *self, const char *text, unsigned number), const char *text,
                  unsigned number);

#endif
