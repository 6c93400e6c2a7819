/* The schema of a peer's `media`: what it sends, how it plays what comes, and how it secures both.
 *
 * A number that is not given stays 0 in the struct, which means its default there; the documents show that default. So
 * what must not be 0 has a lower bound here, and bounds that join two knobs are looked at in the `finish` functions
 * with the defaults filled in: whatever the engines would refuse is refused here, where there is a line to point at.
 * Keys of `rtcp` and `playout` and the rule of freezes hold for both tracks and are written into both. */
#include <assert.h>
#include <string.h>

#include "scenario/loader.h"

enum { A = HP_MEDIA_AUDIO, V = HP_MEDIA_VIDEO };

/* The largest payload of an audio packet: what the sender's buffer of 2048 octets leaves beside the RTP header. */
enum { MAX_PAYLOAD = 2048 - 12, MAX_PACKET = 2048 };

#define HOUR (3600 * (int64_t)HP_S)

static const hp_word media_kinds[] = {
    {"audio", HP_MEDIA_AUDIO, "sound: a packet every 20ms, unless told otherwise"},
    {"video", HP_MEDIA_VIDEO, "a picture: frames of one or more packets"},
};
const hp_words hp_words_media_kind = HP_WORDS("a kind of media", media_kinds);
static_assert(G_N_ELEMENTS(media_kinds) == HP_MEDIA_N_KINDS, "one word a kind");

static const hp_word playout_modes[] = {
    {"fixed", HP_PLAYOUT_FIXED, "`delay` after the first packet's arrival, for good"},
    {"adaptive", HP_PLAYOUT_ADAPTIVE, "follows the network between `delay` and `delay-max`"},
};
static const hp_words playout_words = HP_WORDS("a way of playing", playout_modes);

static const hp_word freeze_rules[] = {
    {"fixed", HP_FREEZE_FIXED, "longer without a new frame than three frame intervals and than 150ms"},
    {"w3c", HP_FREEZE_W3C,
     "as WebRTC's statistics count it: at least three mean durations of the last 30 frames, and 150ms above one"},
};
static const hp_words freeze_words = HP_WORDS("a rule of freezes", freeze_rules);

static const hp_word keyings[] = {
    {"dtls", HP_KEYING_DTLS, "DTLS-SRTP (RFC 5764)"},
    {"sdes", HP_KEYING_SDES, "keys stand in the session description (RFC 4568)"},
};
static const hp_words keying_words = HP_WORDS("a way to agree on keys", keyings);

/* By their registered numbers (RFC 5764 section 4.1.2, RFC 7714 section 14.2). */
static const hp_word profiles[] = {
    {"aes-128-gcm", 0x0007, "SRTP_AEAD_AES_128_GCM (RFC 7714)"},
    {"aes-256-gcm", 0x0008, "SRTP_AEAD_AES_256_GCM (RFC 7714)"},
    {"aes-cm-128-hmac-sha1-80", 0x0001, "SRTP_AES128_CM_HMAC_SHA1_80 (RFC 5764)"},
};
const hp_words hp_words_profile = HP_WORDS("an SRTP protection profile", profiles);

static const hp_word setups[] = {
    {"usual", HP_SETUP_USUAL, "an offer says actpass, an answer active"},
    {"active", HP_SETUP_ACTIVE, "it opens the DTLS association"},
    {"passive", HP_SETUP_PASSIVE, "it waits for the other side to"},
};
static const hp_words setup_words = HP_WORDS("a word for `a=setup`", setups);

static const hp_word fingerprints[] = {
    {"own", HP_FINGERPRINT_OWN, "of its certificate"},
    {"wrong", HP_FINGERPRINT_WRONG, "of another certificate"},
    {"absent", HP_FINGERPRINT_ABSENT, "none is told"},
};
static const hp_words fingerprint_words = HP_WORDS("a kind of fingerprint", fingerprints);

/* ---- what both kinds have ---- */

#define F(field) HP_FIELD(hp_media_config, id.field)
static const hp_key identity_keys[] = {
    {"ssrc", HP_V_INT, F(ssrc), HP_FLAG(hp_media_config, id.ssrc_set), .max = UINT32_MAX, .shown = "random",
     .doc = "its SSRC: `0x1234abcd` or decimal"},
    {"sequence", HP_V_INT, F(sequence), HP_FLAG(hp_media_config, id.sequence_set), .max = UINT16_MAX, .shown = "random",
     .doc = "sequence number of the first packet"},
    {"timestamp", HP_V_INT, F(timestamp), HP_FLAG(hp_media_config, id.timestamp_set), .max = UINT32_MAX,
     .shown = "random", .doc = "timestamp of the instant of start"},
};
#undef F
static const hp_schema identity = {
    .name = "identity",
    .doc = "Who a stream is (RFC 3550 section 5.1).",
    .size = sizeof(hp_media_config),
    HP_KEYS(identity_keys),
};

#define F(field) HP_FIELD(hp_sc_peer, media.field)
#define REPLAY(kind)                                                                                                   \
    {"replay", HP_V_TEXT, F(replay[kind]), .shown = "made-up media",                                                   \
     .doc = "a capture file (pcap, pcapng) whose RTP is sent instead, with its timing, gaps and reordering; its path " \
            "is relative to the scenario's folder"},                                                                   \
    {                                                                                                                  \
        "loop", HP_V_BOOL, F(replay_loop[kind]), .fallback = "true", .doc = "the recording begins again at its end"    \
    }

static const hp_tree *at_either(const hp_tree *node, const char *first, const char *second)
{
    const hp_tree *found = hp_tree_get(node, first);
    return found != NULL ? found : hp_tree_get(node, second) != NULL ? hp_tree_get(node, second) : node;
}

/* Whether two keys stand side by side that say the same thing in different ways; reported. */
static bool exclude(hp_loader *l, const hp_tree *node, const char *first, const char *second)
{
    if (hp_tree_get(node, first) == NULL || hp_tree_get(node, second) == NULL) {
        return false;
    }
    hp_loader_error(l, hp_tree_get(node, second), NULL, "`%s` and `%s` exclude each other", first, second);
    return true;
}

/* What the lint is to know of a track: where it stands, and what is said of media that a recording replaces. */
static void finish_track(hp_loader *l, hp_sc_peer *peer, const hp_tree *node, hp_media_kind kind,
                         const char *const *made_up)
{
    const hp_tree *replay = hp_tree_get(node, "replay");
    g_autoptr(GString) names = g_string_new(NULL);

    peer->track_mark[kind] = hp_loader_mark(l, node);
    if (replay != NULL) {
        peer->replay_mark[kind] = hp_loader_mark(l, replay);
    }
    if (replay != NULL && replay->kind == HP_NODE_SCALAR && replay->text[0] == '\0') {
        hp_loader_error(l, replay, NULL, "`replay` must name a file");
    }
    for (const char *const *name = made_up; *name != NULL; name++) {
        if (hp_tree_get(node, *name) != NULL) {
            g_string_append_printf(names, "%s`%s`", names->len > 0 ? ", " : "", *name);
        }
    }
    if (names->len > 0) {
        peer->made_up[kind] = hp_arena_text(l->arena, names->str);
    }
}

/* With rtcp-mux these numbers are RTCP packet types (RFC 5761 section 4), and demultiplexers know no other case. */
static void check_payload_type(hp_loader *l, const hp_tree *node, const char *key, unsigned pt)
{
    if (hp_tree_get(node, key) != NULL && pt >= 64 && pt <= 95) {
        hp_loader_error(l, hp_tree_get(node, key), NULL, "payload types 64 to 95 belong to RTCP (RFC 5761 section 4)");
    }
}

/* ---- audio ---- */

static const hp_key audio_keys[] = {
    {"bitrate", HP_V_RATE, F(track[A].audio.bitrate), .min = 1000, .max = 100000000, .shown = "32kbit/s",
     .doc = "of the payload; a packet has at least 24 bytes of it"},
    {"payload-size", HP_V_INT, F(track[A].audio.payload_size), .min = HP_MEDIA_MARK, .max = MAX_PAYLOAD,
     .shown = "bitrate * ptime", .doc = "bytes of payload of a packet, instead of a bit rate"},
    {"ptime", HP_V_DURATION, F(track[A].audio.ptime), .min = HP_MS, .max = HP_S, .shown = "20ms",
     .doc = "time between two packets"},
    {"clock", HP_V_INT, F(track[A].audio.clock), .min = 1000, .max = 1000000, .shown = "48000",
     .doc = "ticks of the timestamp in a second"},
    {"dtx", HP_V_BOOL, F(track[A].audio.dtx), .fallback = "false",
     .doc = "discontinuous transmission: spells of talk and of silence, with comfort noise (RFC 3551 section 4.1)"},
    {"talk", HP_V_DURATION, F(track[A].audio.talk), .min = 2 * HP_MS, .max = HOUR, .shown = "1.2s",
     .doc = "mean length of a spell of talk; each is between half and one and a half of it"},
    {"silence", HP_V_DURATION, F(track[A].audio.silence), .min = 2 * HP_MS, .max = HOUR, .shown = "800ms",
     .doc = "mean length of a silence"},
    {"comfort-interval", HP_V_DURATION, F(track[A].audio.comfort_interval), .min = HP_MS, .max = HOUR, .shown = "400ms",
     .doc = "time between the packets of a silence"},
    {"payload-type", HP_V_INT, F(track[A].audio.pt), HP_FLAG(hp_sc_peer, media.track[A].audio.pt_set), .max = 127,
     .shown = "111", .doc = "RTP payload type that its offers propose"},
    {.type = HP_V_INCLUDE, .sub = &identity, F(track[A])},
    REPLAY(A),
};

static void finish_audio(hp_loader *l, void *base, const hp_tree *node)
{
    /* Not `ptime`: it also says how what is received is played. */
    static const char *const made_up[] = {"bitrate", "payload-size",     "dtx", "talk",
                                          "silence", "comfort-interval", NULL};
    hp_sc_peer *peer = base;
    hp_audio_config *a = &peer->media.track[A].audio;
    hp_time ptime = a->ptime == 0 ? 20 * HP_MS : a->ptime;
    uint64_t bitrate = a->bitrate == 0 ? 32000 : a->bitrate;

    finish_track(l, peer, node, HP_MEDIA_AUDIO, made_up);
    check_payload_type(l, node, "payload-type", a->pt);
    if (!exclude(l, node, "bitrate", "payload-size") && hp_tree_get(node, "bitrate") != NULL) {
        a->payload_size = 0; /* over what `defaults` may say */
    }
    if (a->payload_size == 0 && bitrate * ptime / (8 * HP_S) > MAX_PAYLOAD) {
        hp_loader_error(l, at_either(node, "bitrate", "ptime"), NULL,
                        "audio of that `bitrate` and `ptime` has packets of more than %d bytes of payload",
                        MAX_PAYLOAD);
    }
    if ((a->talk == 0 ? 1200 * HP_MS : a->talk) < 2 * ptime ||
        (a->silence == 0 ? 800 * HP_MS : a->silence) < 2 * ptime) {
        hp_loader_error(l, at_either(node, a->talk != 0 && a->talk < 2 * ptime ? "talk" : "silence", "ptime"), NULL,
                        "`talk` and `silence` must be at least two packet times");
    }
    if ((a->comfort_interval == 0 ? 400 * HP_MS : a->comfort_interval) < ptime) {
        hp_loader_error(l, at_either(node, "comfort-interval", "ptime"), NULL,
                        "`comfort-interval` must be at least the packet time");
    }
}

static const hp_schema audio = {
    .name = "peer-audio",
    .doc = "The audio that a peer sends.",
    .size = sizeof(hp_sc_peer),
    HP_KEYS(audio_keys),
    .finish = finish_audio,
};

/* ---- video ---- */

static const hp_key video_keys[] = {
    {"bitrate", HP_V_RATE, F(track[V].video.bitrate), .min = 1000, .max = 1000000000, .shown = "1Mbit/s",
     .doc = "of the payload, key frames included"},
    {"fps", HP_V_INT, F(track[V].video.fps), .min = 1, .max = 1000, .shown = "30", .doc = "frames a second"},
    {"clock", HP_V_INT, F(track[V].video.clock), .min = 1000, .max = 1000000, .shown = "90000",
     .doc = "ticks of the timestamp in a second"},
    {"key-interval", HP_V_INT, F(track[V].video.key_interval), .min = 1, .max = 1000000, .shown = "300",
     .doc = "frames from one key frame to the next; 1: every frame is one"},
    {"key-on-request-only", HP_V_BOOL, F(track[V].video.key_on_request_only), .fallback = "false",
     .doc = "after the first one, key frames only when the receiver asks (PLI)"},
    {"key-ratio", HP_V_INT, F(track[V].video.key_ratio), .min = 1, .max = 100, .shown = "5",
     .doc = "a key frame's size, in mean frames"},
    {"variation", HP_V_PERCENT, F(track[V].video.variation_percent), .max = 90, .fallback = "10%",
     .doc = "of a frame's size, uniform both ways"},
    {"max-packet", HP_V_INT, F(track[V].video.max_packet), .min = 128, .max = MAX_PACKET, .shown = "1200",
     .doc = "bytes of an RTP packet, its header included"},
    {"mtu", HP_V_INT, F(track[V].video.mtu), .min = 198, .max = MAX_PACKET + 70, .shown = "none",
     .doc = "instead of `max-packet`: packets that fit a path of this MTU, retransmitted and relayed over IPv6 too"},
    {"pace", HP_V_PERCENT, F(track[V].video.pace_percent), .min = 1, .max = 100, .shown = "50%",
     .doc = "a frame's packets leave over this part of the time to the next frame"},
    {"key-spacing", HP_V_DURATION, F(track[V].video.key_spacing), .min = HP_MS, .max = HOUR, .shown = "300ms",
     .doc = "least time between key frames that are asked for"},
    {"payload-type", HP_V_INT, F(track[V].video.pt), .min = 1, .max = 127, .shown = "96",
     .doc = "RTP payload type that its offers propose"},
    {"rtx-payload-type", HP_V_INT, F(track[V].video.rtx_pt), .min = 1, .max = 127, .shown = "97",
     .doc = "that of retransmissions"},
    {"rtx", HP_V_BOOL, F(track[V].video.rtx), .fallback = "true",
     .doc = "retransmissions have a stream of their own (RFC 4588); false: the packet is sent again as it was"},
    {"nack", HP_V_BOOL, F(track[V].video.nack), .fallback = "true",
     .doc = "it asks for missing packets and answers such requests (RFC 4585)"},
    {"pli", HP_V_BOOL, F(track[V].video.pli), .fallback = "true",
     .doc = "it asks for key frames when the picture is lost, and answers such requests"},
    {"history", HP_V_INT, F(track[V].video.history), .min = 1, .max = 32768, .shown = "1024",
     .doc = "packets kept for retransmission, up to the next power of two"},
    {"nack-delay", HP_V_DURATION, F(track[V].video.nack_delay), .max = HOUR, .shown = "0",
     .doc = "how long a gap may be mere reordering"},
    {"nack-interval", HP_V_DURATION, F(track[V].video.nack_interval), .min = HP_MS, .max = HOUR, .shown = "100ms",
     .doc = "time between requests for one packet, until a round trip time is known"},
    {"nack-tries", HP_V_INT, F(track[V].video.nack_tries), .min = 1, .max = 100, .shown = "10",
     .doc = "requests for one packet"},
    {"wait", HP_V_DURATION, F(track[V].video.wait), .min = HP_MS, .max = HOUR, .shown = "400ms; 50ms without nack",
     .doc = "how long it waits for a missing packet before it gives its frame up"},
    {"pli-interval", HP_V_DURATION, F(track[V].video.pli_interval), .min = HP_MS, .max = HOUR, .shown = "500ms",
     .doc = "time between requests while no key frame comes"},
    {.type = HP_V_INCLUDE, .sub = &identity, F(track[V])},
    {"rtx-ssrc", HP_V_INT, F(track[V].id.rtx_ssrc), HP_FLAG(hp_sc_peer, media.track[V].id.rtx_ssrc_set),
     .max = UINT32_MAX, .shown = "random", .doc = "SSRC of its retransmissions"},
    REPLAY(V),
};

static void finish_video(hp_loader *l, void *base, const hp_tree *node)
{
    static const char *const made_up[] = {"bitrate",   "fps",       "key-interval", "key-on-request-only",
                                          "key-ratio", "variation", "max-packet",   "mtu",
                                          "pace",      NULL};
    hp_sc_peer *peer = base;
    hp_video_config *v = &peer->media.track[V].video;
    const hp_media_identity *id = &peer->media.track[V].id;

    finish_track(l, peer, node, HP_MEDIA_VIDEO, made_up);
    check_payload_type(l, node, "payload-type", v->pt);
    check_payload_type(l, node, "rtx-payload-type", v->rtx_pt);
    if (!exclude(l, node, "max-packet", "mtu") && hp_tree_get(node, "mtu") != NULL) {
        v->max_packet = 0; /* over what `defaults` may say */
    }
    if (v->key_on_request_only) {
        exclude(l, node, "key-on-request-only", "key-interval");
    }
    if (v->rtx && (v->pt == 0 ? 96 : v->pt) == (v->rtx_pt == 0 ? 97 : v->rtx_pt)) {
        hp_loader_error(l, at_either(node, "rtx-payload-type", "payload-type"), NULL,
                        "retransmissions need a payload type of their own");
    }
    if (id->ssrc_set && id->rtx_ssrc_set && id->ssrc == id->rtx_ssrc) {
        hp_loader_error(l, at_either(node, "rtx-ssrc", "ssrc"), NULL, "retransmissions need an SSRC of their own");
    }
}

static const hp_schema video = {
    .name = "peer-video",
    .doc = "The video that a peer sends, and how it mends what it receives.",
    .size = sizeof(hp_sc_peer),
    HP_KEYS(video_keys),
    .finish = finish_video,
};
#undef F

/* ---- for both tracks alike ---- */

#define F(field) HP_FIELD(hp_media_config, field)
static const hp_key rtcp_keys[] = {
    {"silent", HP_V_BOOL, F(rtcp.off), .fallback = "false", .doc = "no reports at all; feedback goes on"},
    {"bandwidth", HP_V_RATE, F(rtcp.bandwidth), .min = 100, .max = UINT32_MAX, .shown = "5% of the stream's bit rate",
     .doc = "RTCP's share of the session"},
    {"interval", HP_V_DURATION, F(rtcp.interval), .min = HP_MS, .max = HOUR, .shown = "5s",
     .doc = "the minimum interval between reports (RFC 3550 section 6.2)"},
    {"reduced-minimum", HP_V_BOOL, F(rtcp.reduced_minimum), .fallback = "false",
     .doc = "the minimum interval is 360 seconds over the session's kbit/s instead (same section)"},
    {"reduced-size", HP_V_BOOL, F(rtcp.reduced_size), .fallback = "true",
     .doc = "feedback stands alone in a datagram (RFC 5506); false: behind a report"},
    {"cname", HP_V_CHARS, F(rtcp.cname), .shown = "none is told", .doc = "its canonical name"},
};

static void finish_rtcp(hp_loader *l, void *base, const hp_tree *node)
{
    hp_rtcp_config *rtcp = &((hp_media_config *)base)->rtcp;

    if (!rtcp->reduced_minimum) {
        return;
    }
    if (!exclude(l, node, "interval", "reduced-minimum") && hp_tree_get(node, "reduced-minimum") != NULL) {
        rtcp->interval = 0; /* over what `defaults` may say */
    } else if (hp_tree_get(node, "interval") != NULL) {
        rtcp->reduced_minimum = false;
    }
}

static const hp_schema rtcp = {
    .name = "rtcp",
    .doc = "The RTCP of a peer's tracks.",
    .size = sizeof(hp_media_config),
    HP_KEYS(rtcp_keys),
    .finish = finish_rtcp,
};

static const hp_key playout_keys[] = {
    {"mode", HP_V_ENUM, F(playout.mode), .words = &playout_words, .fallback = "fixed",
     .doc = "when a packet of audio has to be there"},
    {"delay", HP_V_DURATION, F(playout.delay), .min = HP_MS, .max = 60 * HP_S, .shown = "60ms; adaptive: 20ms",
     .doc = "delay of playing; adaptive: the least"},
    {"delay-max", HP_V_DURATION, F(playout.delay_max), .min = HP_MS, .max = 60 * HP_S, .shown = "400ms",
     .doc = "adaptive only: the most"},
};

static void finish_playout(hp_loader *l, void *base, const hp_tree *node)
{
    hp_playout_config *playout = &((hp_media_config *)base)->playout;
    const hp_tree *max = hp_tree_get(node, "delay-max");

    if (playout->mode == HP_PLAYOUT_FIXED) {
        if (max != NULL) {
            hp_loader_error(l, max, NULL, "`delay-max` goes with `mode: adaptive`");
        }
        playout->delay_max = 0;
    } else if (playout->delay_max != 0 && (playout->delay == 0 ? 20 * HP_MS : playout->delay) > playout->delay_max) {
        hp_loader_error(l, at_either(node, "delay-max", "delay"), NULL, "`delay-max` must be at least `delay`");
    }
}

static const hp_schema playout = {
    .name = "playout",
    .doc = "How a peer plays what it receives.",
    .size = sizeof(hp_media_config),
    HP_KEYS(playout_keys),
    .finish = finish_playout,
};

static const hp_key both_keys[] = {
    {"rtcp", HP_V_MAP, .sub = &rtcp, .doc = "reports and feedback"},
    {"playout", HP_V_MAP, .sub = &playout, .doc = "the buffer of received audio"},
    {"freeze", HP_V_ENUM, F(freeze), .words = &freeze_words, .fallback = "fixed",
     .doc = "what counts as a freeze of the picture"},
};
#undef F
static const hp_schema both = {
    .name = "both-tracks",
    .doc = "What holds for audio and video alike.",
    .size = sizeof(hp_media_config),
    HP_KEYS(both_keys),
};

/* ---- security ---- */

#define F(field) HP_FIELD(hp_secure_config, field)
static const hp_key security_keys[] = {
    {"keying", HP_V_ENUM, F(keying), .words = &keying_words, .fallback = "dtls", .doc = "where SRTP's keys come from"},
    {"profiles", HP_V_ENUMS, F(profiles), HP_COUNT(hp_secure_config, n_profiles), .words = &hp_words_profile,
     .shown = "[aes-cm-128-hmac-sha1-80, aes-128-gcm]", .doc = "in order of preference"},
    {"setup", HP_V_ENUM, F(setup), .words = &setup_words, .fallback = "usual",
     .doc = "who opens the DTLS association (RFC 8842 section 5); what cannot be so is the other way round"},
    {"fingerprint", HP_V_ENUM, F(fingerprint), .words = &fingerprint_words, .fallback = "own",
     .doc = "what the session description says of its certificate"},
    {"cookie", HP_V_BOOL, F(cookie), .fallback = "false",
     .doc = "as a DTLS server it asks for a cookie first (HelloVerifyRequest)"},
    {"mtu", HP_V_INT, F(mtu), .min = 320, .max = 16384, .shown = "datagrams of 1200 bytes",
     .doc = "MTU of the path that DTLS flights are cut for"},
    {"retransmit-initial", HP_V_DURATION, F(retransmit_initial), .min = HP_MS, .max = HOUR, .shown = "1s",
     .doc = "time until a DTLS flight is sent again; it doubles each time"},
    {"retransmit-max", HP_V_DURATION, F(retransmit_max), .min = HP_MS, .max = HOUR, .shown = "60s",
     .doc = "where the doubling ends"},
    {"replay-window", HP_V_INT, F(replay_window), .min = 64, .max = 32736, .shown = "128",
     .doc = "packets that SRTP's replay protection looks back"},
};
#undef F

static void finish_security(hp_loader *l, void *base, const hp_tree *node)
{
    const hp_secure_config *secure = base;
    const hp_tree *list = hp_tree_get(node, "profiles");

    if (list != NULL && list->kind == HP_NODE_LIST && list->n == 0) {
        hp_loader_error(l, list, NULL, "`profiles` is empty");
    }
    for (unsigned i = 0; list != NULL && i < secure->n_profiles; i++) {
        for (unsigned j = 0; j < i; j++) {
            if (secure->profiles[i] == secure->profiles[j]) {
                hp_loader_error(l, list, NULL, "`%s` is named twice",
                                hp_words_name(&hp_words_profile, secure->profiles[i]));
            }
        }
    }
    if ((secure->retransmit_initial == 0 ? HP_S : secure->retransmit_initial) >
        (secure->retransmit_max == 0 ? 60 * HP_S : secure->retransmit_max)) {
        hp_loader_error(l, at_either(node, "retransmit-max", "retransmit-initial"), NULL,
                        "`retransmit-max` must be at least `retransmit-initial`");
    }
}

static const hp_schema security = {
    .name = "security",
    .doc = "How a peer's media are protected, and what it says of that. Rightly, unless told otherwise.",
    .size = sizeof(hp_secure_config),
    HP_KEYS(security_keys),
    .finish = finish_security,
};

/* ---- the whole ---- */

static void start_media(hp_loader *l, void *base, const void *parent, const hp_tree *node)
{
    hp_sc_peer *peer = base;
    peer->media.track[A] = hp_audio_config_default();
    peer->media.track[V] = hp_video_config_default();
}

static void finish_media(hp_loader *l, void *base, const hp_tree *node)
{
    ((hp_sc_peer *)base)->media_mark = hp_loader_mark(l, node);
}

static const hp_key media_keys[] = {
    {"audio", HP_V_MAP, .sub = &audio, .doc = "what it sends where a call has audio"},
    {"video", HP_V_MAP, .sub = &video, .doc = "what it sends where a call has video"},
    {.type = HP_V_INCLUDE, .sub = &both, HP_FIELD(hp_sc_peer, media.track[A]), HP_COUNT(hp_sc_peer, media.track[V])},
    {"security", HP_V_MAP, HP_FIELD(hp_sc_peer, media.secure), .sub = &security, .doc = "DTLS and SRTP"},
};
const hp_schema hp_schema_peer_media = {
    .name = "peer-media",
    .doc = "A peer's media, in calls that have any.",
    .size = sizeof(hp_sc_peer),
    HP_KEYS(media_keys),
    .start = start_media,
    .finish = finish_media,
};
