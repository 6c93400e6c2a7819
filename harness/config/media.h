/* What a media stream looks like on the wire, and how its receiver plays it: plain knobs.
 *
 * A number that is 0 means its default, which stands beside it, unless said otherwise; booleans mean what they say. The
 * defaults of booleans are those of hp_audio_config_default() and hp_video_config_default(). */
#ifndef HP_CONFIG_MEDIA_H
#define HP_CONFIG_MEDIA_H

#include <stdbool.h>
#include <stdint.h>

#include "base/time.h"

typedef enum hp_media_kind { HP_MEDIA_AUDIO, HP_MEDIA_VIDEO, HP_MEDIA_N_KINDS } hp_media_kind;

/* Who a stream is. What is not set is drawn from the sender's random stream (RFC 3550 section 5.1). */
typedef struct hp_media_identity {
    bool ssrc_set, rtx_ssrc_set, sequence_set, timestamp_set;
    uint32_t ssrc, rtx_ssrc;
    uint16_t sequence; /* of the first packet */
    uint32_t timestamp; /* of the instant of start */
} hp_media_identity;

typedef struct hp_audio_config {
    hp_time ptime; /* 20 ms; at least 1 ms */
    uint32_t clock; /* 48000 Hz */
    uint32_t bitrate; /* of the RTP payload; 32 kbit/s */
    uint16_t payload_size; /* octets a packet; 0: bitrate * ptime. Never below HP_MEDIA_MARK */
    bool dtx; /* discontinuous transmission (RFC 3551 section 4.1): spells of talk and of silence; default false */
    hp_time talk, silence; /* mean lengths, uniform between half and one and a half of it; 1.2 s, 0.8 s */
    hp_time comfort_interval; /* between the packets of a silence; 400 ms, as Opus does */
    uint8_t pt; /* 111 */
    bool pt_set; /* pt is meant, also when it is 0 (PCMU) */
} hp_audio_config;

typedef struct hp_video_config {
    unsigned fps; /* 30; at most 1000 */
    uint32_t clock; /* 90000 Hz */
    uint32_t bitrate; /* of the RTP payload, key frames included; 1 Mbit/s */
    unsigned key_interval; /* frames from one key frame to the next; 300. 1: every frame is one */
    bool key_on_request_only; /* no periodic key frames; default false */
    unsigned key_ratio; /* a key frame's size, in mean frames; 5 */
    unsigned variation_percent; /* of a frame's size, uniform both ways; 0 is none */
    unsigned max_packet; /* octets of an RTP packet, header included; 0: from mtu */
    unsigned mtu; /* of the path; 0: 1200-octet packets. See hp_media_max_packet() */
    unsigned pace_percent; /* a frame's packets leave over this part of the frame interval, 1 to 100; 50 */
    hp_time key_spacing; /* least time between key frames that are asked for; 300 ms */
    uint8_t pt; /* 96 */
    uint8_t rtx_pt; /* 97; see nack */
    bool rtx; /* retransmissions have a stream of their own (RFC 4588); else the packet is sent again as it was.
                 Default true */
    bool nack, pli; /* the receiver asks, the sender answers; default true */
    unsigned history; /* packets kept for retransmission, a power of two is made of it; 1024 */
    hp_time nack_delay; /* how long a gap may be mere reordering; 0 is none */
    hp_time nack_interval; /* between requests for one packet, until a round trip time is known; 100 ms */
    unsigned nack_tries; /* requests for one packet; 10 */
    hp_time wait; /* for a missing packet before its frame is given up; 400 ms with nack, 50 ms without */
    hp_time pli_interval; /* between requests while no key frame comes; 500 ms */
} hp_video_config;

typedef struct hp_rtcp_config {
    bool off; /* no reports at all; default false */
    uint32_t bandwidth; /* RTCP's share of the session, bit/s; 0: 5 % of the stream's bit rate */
    hp_time interval; /* the minimum interval Tmin; 5 s (RFC 3550 section 6.2) */
    bool reduced_minimum; /* Tmin is 360 / (session bandwidth in kbit/s) seconds (same section); default false */
    /* Feedback alone in a datagram (RFC 5506, RFC 8834 section 5.1); default true. Else behind an RR. */
    bool reduced_size;
    char cname[64]; /* "": none is told */
} hp_rtcp_config;

/* When a packet of audio has to be there (engines/media_playout.c). */
typedef enum hp_playout_mode {
    HP_PLAYOUT_FIXED, /* `delay` after the first packet's arrival, for good */
    HP_PLAYOUT_ADAPTIVE, /* follows the network between `delay` and `delay_max` */
} hp_playout_mode;

typedef struct hp_playout_config {
    hp_playout_mode mode;
    hp_time delay; /* 60 ms; adaptive: the least, 20 ms */
    hp_time delay_max; /* adaptive only: 400 ms */
} hp_playout_config;

/* What counts as a freeze of the picture. */
typedef enum hp_freeze_rule {
    HP_FREEZE_FIXED, /* longer without a new frame than three frame intervals and than 150 ms */
    HP_FREEZE_W3C, /* as freezeCount of WebRTC's statistics: at least three mean durations of the last 30 frames, and at
                      least 150 ms above one */
} hp_freeze_rule;

typedef struct hp_media_config {
    hp_media_kind kind;
    hp_media_identity id;
    hp_audio_config audio; /* by kind one of the two is looked at */
    hp_video_config video;
    hp_rtcp_config rtcp;
    hp_playout_config playout;
    hp_freeze_rule freeze;
} hp_media_config;

/* ---- what a peer says and does about the security of its media ---- */

typedef enum hp_keying {
    HP_KEYING_DTLS, /* DTLS-SRTP (RFC 5763, RFC 5764) */
    HP_KEYING_SDES, /* security descriptions (RFC 4568): keys stand in the session description */
} hp_keying;

/* What the description says of the certificate, for the sake of a peer that is not who it claims to be. */
typedef enum hp_fingerprint_told {
    HP_FINGERPRINT_OWN,
    HP_FINGERPRINT_WRONG, /* of another certificate */
    HP_FINGERPRINT_ABSENT, /* no a=fingerprint line */
} hp_fingerprint_told;

/* a=setup (RFC 8842 section 5): `actpass` is an offer's usual word, and leaves an answer the choice to be active. */
typedef enum hp_setup_told { HP_SETUP_USUAL, HP_SETUP_ACTIVE, HP_SETUP_PASSIVE } hp_setup_told;

typedef struct hp_secure_config {
    hp_keying keying;
    uint16_t *profiles; /* SRTP protection profiles by registered number, in order of preference; n 0: the one that
                           WebRTC mandates, AES-CM-128-HMAC-SHA1-80 (RFC 8827 section 6.5), then AES-128-GCM */
    unsigned n_profiles;
    hp_setup_told setup; /* in offers and in answers; an answer that cannot be so is the other way round */
    hp_fingerprint_told fingerprint;
    bool cookie; /* as a DTLS server it asks for a cookie first (HelloVerifyRequest); default false */
    unsigned mtu; /* octets of IP packet that DTLS flights are cut for; 0: 1200-octet datagrams */
    hp_time retransmit_initial, retransmit_max; /* of DTLS flights; 0: 1 s and 60 s */
    unsigned replay_window; /* packets; 0: 128 */
} hp_secure_config;

/* All that a peer knows of media. */
typedef struct hp_peer_media_config {
    hp_media_config track[HP_MEDIA_N_KINDS]; /* kind set */
    char *replay[HP_MEDIA_N_KINDS]; /* a capture file whose RTP is sent in place of made-up media; NULL: none */
    bool replay_loop[HP_MEDIA_N_KINDS]; /* begins again at its end; default true */
    hp_secure_config secure;
} hp_peer_media_config;

/* What an offer asks for. */
typedef struct hp_call_config {
    unsigned streams, components; /* of a session without media; at least 1 */
    bool media[HP_MEDIA_N_KINDS]; /* m-lines, in that order */
    bool data; /* and one for data channels (RFC 8864), last */
    bool bundle; /* one ICE stream for all of them (RFC 8843); default true */
    bool rtcp_mux; /* RTP and RTCP on one component (RFC 5761); default true */
} hp_call_config;

static inline bool hp_call_has_media(const hp_call_config *call)
{
    return call->media[HP_MEDIA_AUDIO] || call->media[HP_MEDIA_VIDEO] || call->data;
}

/* How a data channel delivers (RFC 8832 section 5.1). */
typedef struct hp_channel_config {
    char *label; /* NULL: no channel */
    char *protocol; /* NULL: "" */
    bool unordered; /* default false */
    bool limit_retransmits, limit_lifetime; /* at most one of them: partial reliability (RFC 3758) */
    uint32_t max_retransmits; /* of a message */
    hp_time max_lifetime; /* of a message; whole milliseconds */
} hp_channel_config;

/* Octets of the measuring header at the head of each payload (engines/media_mark.h), and so the least payload. */
#define HP_MEDIA_MARK 24

/* The largest RTP packet whose retransmission, protected and relayed, still fits that MTU: IPv6 40, UDP 8, ChannelData
 * 4, authentication tag 16, original sequence number 2. Never below 128. */
static inline unsigned hp_media_max_packet(unsigned mtu)
{
    return mtu == 0 ? 1200 : mtu < 128 + 70 ? 128 : mtu - 70;
}

const char *hp_media_kind_name(hp_media_kind kind); /* "audio" */

static inline hp_media_config hp_audio_config_default(void)
{
    return (hp_media_config){.kind = HP_MEDIA_AUDIO, .rtcp = {.reduced_size = true}};
}

static inline hp_media_config hp_video_config_default(void)
{
    return (hp_media_config){.kind = HP_MEDIA_VIDEO,
                             .video = {.variation_percent = 10, .rtx = true, .nack = true, .pli = true},
                             .rtcp = {.reduced_size = true}};
}

#endif
