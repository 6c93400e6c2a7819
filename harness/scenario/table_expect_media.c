/* The schema of the expectations about media: `media` and `dtls`.
 *
 * The measures of a track stand below its kind, and what makes no sense for a kind is no key there. What each of them
 * counts is defined with the figures (check/track_figures.c); here is only what can be said. */
#include <assert.h>
#include <string.h>

#include "scenario/loader.h"

/* ---- measures ---- */

#define F(field) HP_FIELD(hp_sc_spread, field)
static const hp_key spread_keys[] = {
    {"min", HP_V_COMPARE, F(min), .unit = HP_UNIT_TIME, .doc = "the least"},
    {"median", HP_V_COMPARE, F(median), .unit = HP_UNIT_TIME, .doc = "the middle one"},
    {"mean", HP_V_COMPARE, F(mean), .unit = HP_UNIT_TIME, .doc = "on average"},
    {"p95", HP_V_COMPARE, F(p95), .unit = HP_UNIT_TIME, .doc = "95 of 100 are at most this"},
    {"max", HP_V_COMPARE, F(max), .unit = HP_UNIT_TIME, .doc = "the most"},
};
#undef F
static const hp_schema spread = {
    .name = "spread",
    .doc = "A distribution of times. A comparison alone is about the 95th percentile.",
    .size = sizeof(hp_sc_spread),
    HP_KEYS(spread_keys),
    .shorthand = "p95",
};

#define F(field) HP_FIELD(hp_sc_measures, field)
static const hp_key common_keys[] = {
    {"sent", HP_V_COMPARE, F(sent), .unit = HP_UNIT_COUNT, .doc = "packets sent, retransmissions apart"},
    {"received", HP_V_COMPARE, F(received), .unit = HP_UNIT_COUNT,
     .doc = "of those, the ones that arrived, each counted once, retransmissions apart"},
    {"loss", HP_V_COMPARE, F(loss), .unit = HP_UNIT_RATIO,
     .doc = "share of the sent ones that the network lost, repaired or not"},
    {"unusable", HP_V_COMPARE, F(unusable), .unit = HP_UNIT_RATIO,
     .doc = "share of the sent ones that never came, not even as a retransmission, or came too late"},
    {"recovered", HP_V_COMPARE, F(recovered), .unit = HP_UNIT_COUNT,
     .doc = "packets that came as a retransmission alone"},
    {"late", HP_V_COMPARE, F(late), .unit = HP_UNIT_COUNT, .doc = "packets that came too late to be played or shown"},
    {"duplicates", HP_V_COMPARE, F(duplicates), .unit = HP_UNIT_COUNT, .doc = "copies beyond the first"},
    {"reordered", HP_V_COMPARE, F(reordered), .unit = HP_UNIT_COUNT, .doc = "packets that came after a later one"},
    {"discarded", HP_V_COMPARE, F(discarded), .unit = HP_UNIT_COUNT,
     .doc = "packets so far from the others that the receiver did not use them"},
    {"foreign", HP_V_COMPARE, F(foreign), .unit = HP_UNIT_COUNT,
     .doc = "packets accepted that were never sent: 0, or an attack succeeded"},
    {"auth-failures", HP_V_COMPARE, F(auth_failures), .unit = HP_UNIT_COUNT,
     .doc = "packets in its name that failed SRTP's authentication"},
    {"replays", HP_V_COMPARE, F(replays), .unit = HP_UNIT_COUNT,
     .doc = "packets in its name that SRTP's replay protection refused"},
    {"bitrate", HP_V_COMPARE, F(bitrate), .unit = HP_UNIT_RATE,
     .doc = "of payload that arrived: over the window, or from the first arrival to the last packet's, lost ones "
            "included"},
    {"jitter", HP_V_COMPARE, F(jitter), .unit = HP_UNIT_TIME,
     .doc = "interarrival jitter (RFC 3550 section 6.4.1), mean over the packets"},
    {"jitter-max", HP_V_COMPARE, F(jitter_max), .unit = HP_UNIT_TIME, .doc = "the same, its maximum"},
    {"latency", HP_V_MAP, F(latency), .sub = &spread, .doc = "of packets, one way, exact: there is one clock"},
    {"first-packet", HP_V_COMPARE, F(first_packet), .unit = HP_UNIT_TIME,
     .doc = "arrival of the first packet, counted from the call step"},
};
static const hp_schema common = {
    .name = "track",
    .doc = "What is measured of audio and video alike.",
    .size = sizeof(hp_sc_measures),
    HP_KEYS(common_keys),
};

static const hp_key audio_keys[] = {
    {"mos", HP_V_COMPARE, F(mos), .unit = HP_UNIT_MILLI,
     .doc = "mean opinion score by the E-model (G.107), 1 to 4.5: `mos: \"> 4.05\"`"},
    {.type = HP_V_INCLUDE, .sub = &common},
};

static const hp_key video_keys[] = {
    {"first-frame", HP_V_COMPARE, F(first_frame), .unit = HP_UNIT_TIME,
     .doc = "when the first frame is shown, counted from the call step"},
    {"frames", HP_V_COMPARE, F(frames), .unit = HP_UNIT_COUNT, .doc = "frames shown"},
    {"key-frames", HP_V_COMPARE, F(key_frames), .unit = HP_UNIT_COUNT, .doc = "key frames among them"},
    {"frame-rate", HP_V_COMPARE, F(frame_rate), .unit = HP_UNIT_MILLI, .doc = "frames shown in a second"},
    {"frame-latency", HP_V_MAP, F(frame_latency), .sub = &spread, .doc = "from capture until the frame could be shown"},
    {"freezes", HP_V_COMPARE, F(freezes), .unit = HP_UNIT_COUNT,
     .doc = "how often the picture stood still, by the rule that the receiver's `media: {freeze}` names"},
    {"freeze-time", HP_V_COMPARE, F(freeze_time), .unit = HP_UNIT_TIME, .doc = "how long in all"},
    {"freeze-longest", HP_V_COMPARE, F(freeze_longest), .unit = HP_UNIT_TIME, .doc = "the longest one"},
    {"nacks", HP_V_COMPARE, F(nacks), .unit = HP_UNIT_COUNT,
     .doc = "requests for missing packets that the receiver sent"},
    {"plis", HP_V_COMPARE, F(plis), .unit = HP_UNIT_COUNT, .doc = "requests for a key frame that it sent"},
    {"retransmitted", HP_V_COMPARE, F(retransmitted), .unit = HP_UNIT_COUNT,
     .doc = "retransmissions that the sender sent"},
    {.type = HP_V_INCLUDE, .sub = &common},
};
#undef F

static bool is_set(const hp_schema *schema, const char *base)
{
    for (unsigned i = 0; i < schema->n_keys; i++) {
        const hp_key *key = &schema->keys[i];
        if (key->type == HP_V_COMPARE ? ((const hp_compare *)(const void *)(base + key->offset))->set
                                      : key->sub != NULL && is_set(key->sub, base + key->offset)) {
            return true;
        }
    }
    return false;
}

/* Whether anything in the map is a measure, be its value right or wrong: then more need not be said. */
static bool is_named(const hp_schema *schema, const hp_tree *map)
{
    for (unsigned i = 0; i < map->n; i++) {
        size_t offset = 0;
        const hp_key *key = hp_schema_find(schema, map->pairs[i].key->text, &offset);
        const hp_tree *value = map->pairs[i].value;
        if (key == NULL || key->type == HP_V_COMPARE ||
            (key->type == HP_V_MAP && (value->kind != HP_NODE_MAP || is_named(key->sub, value)))) {
            return true; /* a key that is unknown was told as well */
        }
    }
    return false;
}

static void needs_a_measure(hp_loader *l, const hp_schema *schema, const void *base, const hp_tree *node,
                            const char *name)
{
    if (!is_set(schema, base) && !is_named(schema, node)) {
        hp_loader_error(l, node, NULL, "`%s` says nothing to compare", name);
    }
}

static void finish_audio(hp_loader *l, void *base, const hp_tree *node);
static void finish_video(hp_loader *l, void *base, const hp_tree *node);

static const hp_schema audio = {
    .name = "audio",
    .doc = "What must hold of every audio track.",
    .size = sizeof(hp_sc_measures),
    HP_KEYS(audio_keys),
    .finish = finish_audio,
};
static const hp_schema video = {
    .name = "video",
    .doc = "What must hold of every video track.",
    .size = sizeof(hp_sc_measures),
    HP_KEYS(video_keys),
    .finish = finish_video,
};

static void finish_audio(hp_loader *l, void *base, const hp_tree *node)
{
    needs_a_measure(l, &audio, base, node, "audio");
}

static void finish_video(hp_loader *l, void *base, const hp_tree *node)
{
    needs_a_measure(l, &video, base, node, "video");
}

/* ---- media ---- */

#define F(field) HP_FIELD(hp_expect, field)
static const hp_key media_keys[] = {
    {"from", HP_V_NAME, F(media.from), .ref = HP_REF_AGENT, .shown = "anyone", .doc = "only what this peer sends"},
    {"to", HP_V_NAME, F(media.to), .ref = HP_REF_AGENT, .shown = "anyone", .doc = "only what this peer receives"},
    {"audio", HP_V_MAP, F(media.of[HP_MEDIA_AUDIO]), HP_FLAG(hp_expect, media.asks[HP_MEDIA_AUDIO]), .sub = &audio,
     .doc = "what holds of audio; there must be such a track"},
    {"video", HP_V_MAP, F(media.of[HP_MEDIA_VIDEO]), HP_FLAG(hp_expect, media.asks[HP_MEDIA_VIDEO]), .sub = &video,
     .doc = "what holds of video; there must be such a track"},
    {.type = HP_V_INCLUDE, .sub = &hp_schema_window},
};

static void finish_media(hp_loader *l, void *base, const hp_tree *node)
{
    if (hp_tree_get(node, "audio") == NULL && hp_tree_get(node, "video") == NULL) {
        hp_loader_error(l, node, "`media: {audio: {loss: \"< 1%\"}}`", "`media` says nothing to compare");
    }
}

const hp_schema hp_schema_media_expect = {
    .name = "media",
    .doc = "How audio and video that were sent in the window arrive. Each way of a session is a track of its own, and "
           "every one that is meant must hold.",
    .size = sizeof(hp_expect),
    HP_KEYS(media_keys),
    .finish = finish_media,
};

/* ---- DTLS ---- */

static const hp_word dtls_states[] = {
    {"connected", 0, "the handshake is done, and the certificate is the one that was told"},
    {"failed", 0, "it came to nothing"},
    {"closed", 0, "it was closed in good order"},
};
static const hp_words dtls_state_words = HP_WORDS("a state of DTLS", dtls_states);
static const hp_word dtls_reasons[] = {
    {"fingerprint", 0, "the certificate is not the one that was told"},
    {"profile", 0, "no SRTP protection profile in common"},
    {"timeout", 0, "nobody answered for too long"},
    {"alert", 0, "the other side refused, or closed before it was done"},
    {"protocol", 0, "what came made no sense"},
};
static const hp_words dtls_reason_words = HP_WORDS("a reason of DTLS to fail", dtls_reasons);
static const hp_word dtls_roles[] = {
    {"active", 0, "it opened the association: the DTLS client"},
    {"passive", 0, "it waited: the DTLS server"},
};
static const hp_words dtls_role_words = HP_WORDS("a DTLS role", dtls_roles);

static const hp_key dtls_keys[] = {
    {"peers", HP_V_NAMES, F(dtls.peers), .ref = HP_REF_AGENT, .shown = "all in a call with media", .doc = "who"},
    {"state", HP_V_NAME, F(dtls.state), .words = &dtls_state_words, .fallback = "connected", .doc = "how far"},
    {"reason", HP_V_NAME, F(dtls.reason), .words = &dtls_reason_words, .shown = "any", .doc = "why it failed"},
    {"profile", HP_V_NAME, F(dtls.profile), .words = &hp_words_profile, .shown = "any",
     .doc = "the SRTP protection profile agreed upon"},
    {"role", HP_V_NAME, F(dtls.role), .words = &dtls_role_words, .shown = "any", .doc = "the peers' role"},
    {"within", HP_V_DURATION, F(dtls.within), HP_FLAG(hp_expect, dtls.has_within), .shown = "the run",
     .doc = "how soon after the window begins, or after the first call"},
    {"duration", HP_V_COMPARE, F(dtls.duration), .unit = HP_UNIT_TIME, .doc = "how long the handshake took"},
    {"retransmissions", HP_V_COMPARE, F(dtls.retransmissions), .unit = HP_UNIT_COUNT,
     .doc = "flights that were sent again on the way"},
    {.type = HP_V_INCLUDE, .sub = &hp_schema_window},
};
#undef F

static void finish_dtls(hp_loader *l, void *base, const hp_tree *node)
{
    static const char *const of_success[] = {"profile", "duration"};
    const hp_expect *e = base;
    bool failed = g_strcmp0(e->dtls.state, "failed") == 0;

    if (!failed && hp_tree_get(node, "reason") != NULL) {
        hp_loader_error(l, hp_tree_get(node, "reason"), NULL, "`reason` goes with `state: failed`");
    }
    for (size_t i = 0; failed && i < G_N_ELEMENTS(of_success); i++) {
        if (hp_tree_get(node, of_success[i]) != NULL) {
            hp_loader_error(l, hp_tree_get(node, of_success[i]), NULL, "a handshake that failed has no `%s`",
                            of_success[i]);
        }
    }
}

const hp_schema hp_schema_dtls_expect = {
    .name = "dtls",
    .doc = "Every DTLS association of the peers gets into a state.",
    .size = sizeof(hp_expect),
    HP_KEYS(dtls_keys),
    .finish = finish_dtls,
};
