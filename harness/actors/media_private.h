/* Private to the media session: media_session.c (life), media_dispatch.c (what is for whom), media_description.c
 * (session descriptions), media_track.c (an m-line of audio or video) and media_track_trace.c (what its engines
 * tell). */
#ifndef HP_ACTORS_MEDIA_PRIVATE_H
#define HP_ACTORS_MEDIA_PRIVATE_H

#include "actors/channels.h"
#include "actors/media_hub.h"
#include "actors/media_session.h"
#include "actors/media_transport.h"
#include "actors/peer_private.h"
#include "engines/media_receiver.h"
#include "engines/media_sender.h"
#include "engines/media_source.h"

/* The m-lines of one ICE stream: one, or with BUNDLE all. They share transports and what secures them. */
typedef struct hp_media_group {
    unsigned stream; /* from 1 */
    hp_media_transport *rtp, *rtcp; /* rtcp: NULL with rtcp-mux, and for data alone */
    bool settled; /* keys or a role are agreed on */
    bool told; /* the description being read has said what follows */
    /* DTLS: what the latest descriptions say. */
    bool local_told, remote_told;
    hp_dtls_setup local_setup, remote_setup;
    hp_dtls_fingerprint fingerprints[HP_DTLS_MAX_FINGERPRINTS]; /* of the other side */
    unsigned n_fingerprints;
    /* Security descriptions: our key for each profile, tags counting from 1; once agreed on, which. */
    hp_srtp_keys sdes[HP_DTLS_N_PROFILES];
    unsigned n_sdes, sdes_chosen; /* the key of ours, from 0 */
    unsigned sdes_tag; /* of the offer; 0: none is chosen yet */
    hp_srtp_keys sdes_remote;
} hp_media_group;

typedef struct hp_media_track hp_media_track;

/* An m-line. */
typedef struct hp_media_line {
    hp_media_session *media;
    hp_sdp_kind kind;
    unsigned index;
    const char *mid; /* the session's */
    hp_media_group *group;
    const char *silent; /* why it is not used; NULL: it is */
    bool held; /* by us */
    bool answered; /* the other side has described it */
    hp_sdp_direction remote; /* as the other side sees it */
    hp_media_track *track; /* of audio and video */
} hp_media_line;

struct hp_media_session {
    hp_session *session;
    hp_peer *peer;
    hp_world *world;
    hp_media_hub *hub;
    const hp_peer_media_config *config;
    hp_call_config call;
    hp_media_group *groups; /* one an ICE stream, in their order */
    unsigned n_groups;
    hp_media_line *lines; /* one an m-line, in their order */
    unsigned n_lines;
    const hp_media_line *data_line; /* of the data channels; NULL without an application m-line in use */
    hp_channels *channels; /* the same */
    hp_timer timer;
    bool closed;
};

/* ---- media_session.c ---- */
/* The line is out of use from now on; reason is a literal. */
void hp_media_line_silence(hp_media_line *line, const char *reason);
/* Traces a datagram (record 0: the whole line) that nobody has a use for. */
void hp_media_line_ignore(const hp_media_line *line, const char *what, const char *reason, uint32_t record);
/* Arms the timer anew. After everything that may have moved a deadline. */
void hp_media_session_reschedule(hp_media_session *media);
static inline const char *hp_media_session_with(const hp_media_session *media)
{
    return media->session->with ? media->session->with : "";
}

/* ---- media_dispatch.c ---- */
/* Their user is the session. */
extern const hp_media_transport_ops hp_media_dispatch_transport;
extern const hp_channels_ops hp_media_dispatch_channels;

/* ---- media_description.c ---- */
/* Our keys, where they stand in the descriptions. */
void hp_media_session_draw_keys(hp_media_session *media);
const char *hp_media_line_kind_name(const hp_media_line *line); /* "audio" */

/* ---- media_track.c ---- */

struct hp_media_track {
    hp_media_line *line;
    hp_media_kind kind;
    hp_media_config config; /* this side's, resolved; bit rate changes are kept here */
    hp_rng sender_rng, receiver_rng;
    const hp_captured *replay;
    size_t n_replay;
    bool mismatched; /* the recording's clock is not the one agreed on: nothing is sent */

    hp_media_config in, out; /* agreed on: how the receiver listens, how the sender speaks */
    bool agreed;
    char *codec; /* agreed on */
    unsigned channels;
    bool remote_has_ssrc;
    uint32_t remote_ssrc, remote_rtx_ssrc;

    hp_media_sender *sender; /* one of the two */
    hp_media_source *source;
    hp_media_receiver *receiver;
    uint32_t ssrc, rtx_ssrc;
    uint16_t first_sequence;
    bool started, sending, stopped, listening; /* listening: the other side sends, as far as descriptions tell */
    unsigned number; /* the hub's; 0 before the start */

    int64_t highest; /* sequence number without wraps, of what was sent */
    uint64_t n_sent;
    hp_time source_shift, source_stood; /* how long the recording has been on hold, and since when it is now */

    /* The number of the track that was heard last, while the hub has that many. */
    uint32_t heard_ssrc;
    unsigned heard_number, heard_of;
    uint32_t record; /* of the datagram the receiver is looking at */
    bool taken; /* the receiver knew what to do with it */
    bool left; /* the other side said BYE */
    bool ending; /* the receiver tells what is still open */
};

hp_media_track *hp_media_track_new(hp_media_line *line, GError **error);
void hp_media_track_free(hp_media_track *track);
/* What a description says of this side: codec, SSRCs, feedback. */
void hp_media_track_describe(const hp_media_track *track, hp_sdp_section *section);
/* What the other side's says; NULL, or a reason why there is nothing in common. */
const char *hp_media_track_agree(hp_media_track *track, const hp_sdp_section *remote, bool remote_offers);
/* Starts, holds, resumes as keys and directions have it. */
void hp_media_track_update(hp_media_track *track, hp_time now);
bool hp_media_track_set_bitrate(hp_media_track *track, hp_time now, uint32_t bitrate);
/* Whether that packet is for this track: by SSRC as signalled, or by payload type. */
bool hp_media_track_is_ssrc(const hp_media_track *track, uint32_t ssrc);
bool hp_media_track_is_pt(const hp_media_track *track, uint8_t pt);
void hp_media_track_rtp(hp_media_track *track, hp_time now, const uint8_t *data, size_t len, uint32_t record);
void hp_media_track_rtcp(hp_media_track *track, hp_time now, const uint8_t *data, size_t len);
hp_time hp_media_track_deadline(const hp_media_track *track);
void hp_media_track_run(hp_media_track *track, hp_time now);
/* Nothing is sent any more, but for a BYE while there are keys. */
void hp_media_track_stop(hp_media_track *track, hp_time now);
/* Nothing is received any more. */
void hp_media_track_finish(hp_media_track *track, hp_time now);

/* ---- media_track_trace.c ---- */
void hp_media_track_trace_start(const hp_media_track *track);
void hp_media_track_trace_state(const hp_media_track *track, const char *state);
void hp_media_track_trace_sent(hp_media_track *track, hp_time now, const uint8_t *data, size_t len, bool taken);
void hp_media_track_trace_report(const hp_media_track *track, uint8_t fraction_lost, int32_t lost, uint32_t jitter,
                                 hp_time round_trip);
/* The track that the other side sends under an SSRC; 0: none. */
unsigned hp_media_track_heard(hp_media_track *track, uint32_t ssrc);
/* Ops of the engines. */
void hp_media_track_on_sender(void *user, hp_time now, const hp_media_event *event);
void hp_media_track_on_receiver(void *user, hp_time now, const hp_media_event *event);
void hp_media_track_on_packet(void *user, hp_time now, const hp_media_arrival *arrival);

#define HP_MEDIA_TRACE(media, kind, ...)                                                                               \
    hp_trace_event(hp_world_trace((media)->world), hp_world_now((media)->world), (kind), (media)->peer->name,          \
                   __VA_ARGS__)

#endif
