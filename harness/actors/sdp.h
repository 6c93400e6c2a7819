/* Private to actors/: the session descriptions peers exchange. Only what ICE needs is kept; a browser's description
 * reads as well as one of ours. */
#ifndef HP_ACTORS_SDP_H
#define HP_ACTORS_SDP_H

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

enum { HP_SDP_MAX_STREAMS = 64, HP_SDP_MAX_COMPONENTS = 256 };

typedef struct hp_sdp_stream {
    char *mid, *ufrag, *password;
    unsigned n_components;
    GPtrArray *candidates; /* of char*: "candidate:..." */
    bool end_of_candidates;
} hp_sdp_stream;

typedef struct hp_sdp {
    uint64_t session, version; /* the o= line's */
    bool trickle; /* candidates may follow */
    GPtrArray *streams; /* of hp_sdp_stream* */
} hp_sdp;

hp_sdp *hp_sdp_new(void);
void hp_sdp_free(hp_sdp *sdp);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(hp_sdp, hp_sdp_free)

/* Appends a stream with empty candidates; the strings are copied. */
hp_sdp_stream *hp_sdp_add_stream(hp_sdp *sdp, const char *mid, const char *ufrag, const char *password,
                                 unsigned n_components);
/* The description as text, lines ending in CRLF. */
char *hp_sdp_format(const hp_sdp *sdp);
/* NULL and HP_ERROR_INVALID when there is no stream, or one without credentials (RFC 8839 section 5.4). */
hp_sdp *hp_sdp_parse(const char *text, GError **error);

#endif
