/* Private to actors/: the session descriptions peers exchange. What ICE, DTLS, SRTP and the tracks need is
 * kept; a browser's description reads as well as one of ours. */
#ifndef HP_ACTORS_SDP_H
#define HP_ACTORS_SDP_H

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "config/media.h"
#include "engines/dtls_fingerprint.h"
#include "engines/dtls_setup.h"

enum { HP_SDP_MAX_STREAMS = 64, HP_SDP_MAX_COMPONENTS = 256 };

typedef enum hp_sdp_kind {
    HP_SDP_PLAIN, /* no media of ours: an ICE stream for any datagrams */
    HP_SDP_AUDIO,
    HP_SDP_VIDEO,
    HP_SDP_DATA, /* data channels (RFC 8841) */
} hp_sdp_kind;

typedef enum hp_sdp_direction { HP_SDP_SENDRECV, HP_SDP_SENDONLY, HP_SDP_RECVONLY, HP_SDP_INACTIVE } hp_sdp_direction;

typedef struct hp_sdp_crypto { /* RFC 4568 section 4 */
    unsigned tag;
    char *suite, *key; /* "AEAD_AES_128_GCM", "inline:..." */
} hp_sdp_crypto;

/* One m= line and what stands below it, but for ICE. */
typedef struct hp_sdp_section {
    struct hp_sdp_stream *stream; /* that it is in */
    hp_sdp_kind kind;
    char *mid;
    bool rejected; /* port 0 */
    hp_sdp_direction direction;
    /* audio and video: the codec, and its retransmissions (rtx_pt 0: none) */
    uint8_t pt, rtx_pt;
    uint32_t clock;
    hp_time ptime; /* of audio: a packet's (RFC 8866 section 6.4), whole microseconds; 0: not told */
    unsigned framerate; /* of video: pictures a second (section 6.11), rounded up; 0: not told */
    char *codec; /* "opus", "VP8" */
    unsigned channels; /* of audio; 0: not told */
    bool nack, pli, rtcp_rsize, rtcp_mux;
    bool has_ssrc;
    uint32_t ssrc, rtx_ssrc; /* rtx_ssrc 0: none */
    char *cname; /* or NULL */
    /* security; a session-level line holds for every section without its own */
    GArray *fingerprints; /* hp_dtls_fingerprint; unknown hashes are left out */
    bool has_setup;
    hp_dtls_setup setup;
    GPtrArray *crypto; /* hp_sdp_crypto* */
    /* data */
    uint16_t sctp_port; /* 0: not told */
    uint32_t max_message_size; /* 0: not told */
} hp_sdp_section;

/* An ICE stream, and the sections that share it: one, or with BUNDLE (RFC 8843) all of the group. */
typedef struct hp_sdp_stream {
    struct hp_sdp *sdp; /* that it is in */
    GPtrArray *sections; /* hp_sdp_section*; none in a description being written: one plain section */
    char *mid, *ufrag, *password; /* mid: the first section's. Credentials are NULL where every section is rejected */
    unsigned n_components;
    GPtrArray *candidates; /* of char*: "candidate:..." */
    bool end_of_candidates;
} hp_sdp_stream;

typedef struct hp_sdp {
    uint64_t session, version; /* the o= line's */
    bool trickle; /* candidates may follow */
    GPtrArray *streams; /* of hp_sdp_stream* */
    GPtrArray *lines; /* hp_sdp_section* of all streams in the order of the m= lines, owned by the streams */
    bool bundle; /* a=group:BUNDLE over several sections */
} hp_sdp;

hp_sdp *hp_sdp_new(void);
void hp_sdp_free(hp_sdp *sdp);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(hp_sdp, hp_sdp_free)

/* Appends a stream with empty candidates; the strings are copied. */
hp_sdp_stream *hp_sdp_add_stream(hp_sdp *sdp, const char *mid, const char *ufrag, const char *password,
                                 unsigned n_components);
/* Appends a section with defaults (sendrecv) to a stream; the strings are copied, codec may be NULL. */
hp_sdp_section *hp_sdp_add_section(hp_sdp_stream *stream, hp_sdp_kind kind, const char *mid);
/* Appends an a=crypto line to a section; the strings are copied. */
void hp_sdp_add_crypto(hp_sdp_section *section, unsigned tag, const char *suite, const char *key);
/* The i-th section of all streams in the order of the text's m= lines, and the ICE stream it is in (from 0); NULL past
 * the last. */
hp_sdp_section *hp_sdp_section_at(const hp_sdp *sdp, unsigned i, unsigned *ret_stream);
/* What a call's offer asks for: the kinds of its sections (rejected ones are not asked for), bundle, rtcp-mux, streams,
 * components. */
void hp_sdp_call(const hp_sdp *sdp, hp_call_config *ret);
/* The most components of any of its streams. */
unsigned hp_sdp_max_components(const hp_sdp *sdp);
const char *hp_sdp_direction_name(hp_sdp_direction direction); /* "sendrecv" */
/* What a payload type means without an a=rtpmap (RFC 3551 section 6); false when it is not one of those. */
bool hp_sdp_static_type(unsigned pt, const char **ret_codec, uint32_t *ret_clock);
/* The description as text, lines ending in CRLF. */
char *hp_sdp_format(const hp_sdp *sdp);
/* NULL and HP_ERROR_INVALID with the reason: no section in use, one without sound ICE credentials (RFC 8839
 * section 5.4), a broken m= line, two equal mids. HP_ERROR_REFUSED when every m= section is
 * rejected. */
hp_sdp *hp_sdp_parse(const char *text, GError **error);

#endif
