/* Private to the readers and writers of session descriptions: a section while it is read, and what they share. */
#ifndef HP_ACTORS_SDP_PRIVATE_H
#define HP_ACTORS_SDP_PRIVATE_H

#include "actors/sdp.h"

enum { HP_SDP_MAX_PT = 127, HP_SDP_N_PT = 128 };

/* Feedback that a=rtcp-fb lines allow (RFC 4585 section 4.2). */
typedef struct hp_sdp_feedback {
    bool nack, pli;
} hp_sdp_feedback;

/* What a=rtpmap, a=fmtp and a=rtcp-fb say of a payload type; codec NULL: nothing. */
typedef struct hp_sdp_format_of {
    char *codec;
    uint32_t clock;
    unsigned channels;
    int apt; /* the payload type that it retransmits (RFC 4588 section 8.6); -1: none */
    hp_sdp_feedback feedback;
} hp_sdp_format_of;

typedef struct hp_sdp_source { /* a=ssrc (RFC 5576 section 4.1) */
    uint32_t ssrc;
    char *cname;
} hp_sdp_source;

/* One m= section with its own ICE attributes, before BUNDLE decides whose count. */
typedef struct hp_sdp_draft {
    hp_sdp_section *section; /* NULL once a stream owns it */
    unsigned line; /* the number of the m= line */
    GPtrArray *group; /* the drafts of its BUNDLE group, or NULL */
    hp_sdp_stream *stream; /* that it has come to */
    bool has_mid, zero_port, bundle_only;
    bool has_direction, has_fingerprint; /* at this level */
    bool rtcp; /* a=rtcp (RFC 3605) */
    unsigned n_components; /* told by a=x-hairpin-components; 0: not */
    char *ufrag, *password;
    GPtrArray *candidates;
    bool end_of_candidates;
    uint8_t pts[HP_SDP_N_PT]; /* in the order of the m= line, each once */
    unsigned n_pts;
    hp_sdp_format_of format[HP_SDP_N_PT];
    hp_sdp_feedback any_feedback; /* of "*" */
    GArray *sources; /* hp_sdp_source, in order of appearance */
    bool has_pair;
    uint32_t pair[2]; /* of the first a=ssrc-group:FID */
} hp_sdp_draft;

/* ---- sdp.c ---- */
hp_sdp_section *hp_sdp_section_new(hp_sdp_kind kind, const char *mid);
void hp_sdp_section_free(hp_sdp_section *section);
/* Puts the section, which it takes, into the stream and makes it the description's m= line of that number. */
void hp_sdp_attach(hp_sdp_stream *stream, hp_sdp_section *section, unsigned line);
/* As the sections that are in the stream tell it without saying a number. */
unsigned hp_sdp_usual_components(const hp_sdp_stream *stream);

/* ---- sdp_section.c ---- */
/* value: what stands behind "m=". NULL when it is no m= line. */
hp_sdp_draft *hp_sdp_draft_new(const char *value, unsigned line);
void hp_sdp_draft_free(hp_sdp_draft *draft);
/* A line below the m= line: "a=..." without "a=". */
void hp_sdp_draft_read(hp_sdp_draft *draft, const char *attribute);
/* The last line was read; session holds what stood before the first m= line. */
void hp_sdp_draft_finish(hp_sdp_draft *draft, const hp_sdp_draft *session);

/* ---- sdp_codec.c ---- */
/* The payload types of an m= line. */
void hp_sdp_read_formats(hp_sdp_draft *draft, char **words);
/* An attribute about codecs and sources; others are skipped. */
void hp_sdp_read_codec(hp_sdp_draft *draft, const char *attribute);
/* Chooses codec and sources of the section. */
void hp_sdp_choose_codec(hp_sdp_draft *draft);
void hp_sdp_clear_codecs(hp_sdp_draft *draft);

/* What stands behind prefix, or NULL. */
const char *hp_sdp_after(const char *text, const char *prefix);

#endif
