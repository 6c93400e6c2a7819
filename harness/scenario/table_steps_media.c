/* The schema of the steps that are about media: data channels of `send`, `hold` and `resume`, `set-media`, `inject`.
 *
 * `hold` and `resume` are one kind of step that a flag tells apart, and so share their keys. */
#include <string.h>

#include "scenario/loader.h"

#define F(field) HP_FIELD(hp_channel_config, field)
static const hp_key channel_keys[] = {
    {"label", HP_V_TEXT, F(label), .required = true, .doc = "its label; sends of one label share the channel"},
    {"protocol", HP_V_TEXT, F(protocol), .shown = "none", .doc = "its subprotocol"},
    {"ordered", HP_V_NOT, F(unordered), .fallback = "true", .doc = "messages are delivered in the order of sending"},
    {"max-retransmits", HP_V_INT, F(max_retransmits), HP_FLAG(hp_channel_config, limit_retransmits), .max = UINT32_MAX,
     .shown = "no limit", .doc = "how often a message is sent again before it is given up (RFC 3758)"},
    {"max-lifetime", HP_V_DURATION, F(max_lifetime), HP_FLAG(hp_channel_config, limit_lifetime), .min = HP_MS,
     .max = UINT32_MAX * HP_MS, .shown = "no limit",
     .doc = "how long, in whole milliseconds, before a message is given up"},
};
#undef F

/* Both travel in the message that opens the channel (RFC 8832 section 5.1); it must fit one datagram. */
static void check_length(hp_loader *l, const hp_tree *node, const char *key, const char *text)
{
    if (text != NULL && strlen(text) > 255) {
        hp_loader_error(l, hp_tree_get(node, key), NULL, "`%s` must have at most 255 bytes", key);
    }
}

static void finish_channel(hp_loader *l, void *base, const hp_tree *node)
{
    const hp_channel_config *channel = base;

    check_length(l, node, "label", channel->label);
    check_length(l, node, "protocol", channel->protocol);
    if (channel->label != NULL && channel->label[0] == '\0') {
        hp_loader_error(l, hp_tree_get(node, "label"), NULL, "`label` is empty");
    }
    if (channel->limit_retransmits && channel->limit_lifetime) {
        hp_loader_error(l, hp_tree_get(node, "max-lifetime"), NULL,
                        "`max-retransmits` and `max-lifetime` exclude each other");
    }
    if (channel->max_lifetime % HP_MS != 0) {
        hp_loader_error(l, hp_tree_get(node, "max-lifetime"), NULL, "`max-lifetime` must be whole milliseconds");
    }
}

const hp_schema hp_schema_channel = {
    .name = "channel",
    .doc = "A data channel (RFC 8832), reliable and ordered unless told otherwise.",
    .size = sizeof(hp_channel_config),
    HP_KEYS(channel_keys),
    .shorthand = "label",
    .finish = finish_channel,
};

#define F(field) HP_FIELD(hp_step, field)
static const hp_key hold_keys[] = {
    {"peer", HP_V_NAME, F(hold.peer), .ref = HP_REF_AGENT, .required = true, .doc = "who offers it"},
    {"with", HP_V_NAME, F(hold.with), .ref = HP_REF_PEER, .shown = "everyone",
     .doc = "only in the session with this peer"},
    {"media", HP_V_FLAGS, F(hold.kinds), .words = &hp_words_media_kind, .shown = "all", .doc = "only this media"},
};

static void finish_hold(hp_loader *l, void *base, const hp_tree *node)
{
    hp_step *step = base;
    if (hp_tree_get(node, "media") == NULL) {
        for (unsigned i = 0; i < HP_MEDIA_N_KINDS; i++) {
            step->hold.kinds[i] = true;
        }
    }
}

const hp_schema hp_schema_hold = {
    .name = "hold",
    .doc = "A new offer that stops media both ways, or lets it go on (RFC 3264 section 8.4).",
    .size = sizeof(hp_step),
    HP_KEYS(hold_keys),
    .shorthand = "peer",
    .finish = finish_hold,
};

static const hp_key set_media_keys[] = {
    {"peer", HP_V_NAME, F(set_media.peer), .ref = HP_REF_AGENT, .required = true, .doc = "whose video"},
    {"with", HP_V_NAME, F(set_media.with), .ref = HP_REF_PEER, .shown = "everyone",
     .doc = "only in the session with this peer"},
    {"bitrate", HP_V_RATE, F(set_media.video_bitrate), .min = 1000, .max = 1000000000, .required = true,
     .doc = "of the video that it sends, from the next frame on"},
};
const hp_schema hp_schema_set_media = {
    .name = "set-media",
    .doc = "Changes what a peer sends, as an application that adapts to the network does.",
    .size = sizeof(hp_step),
    HP_KEYS(set_media_keys),
};

static const hp_word inject_whats[] = {
    {"replay", HP_INJECT_REPLAY, "packets that came before, as they were"},
    {"forge", HP_INJECT_FORGE, "with a later sequence number and other bytes behind the header"},
    {"truncate", HP_INJECT_TRUNCATE, "cut short"},
    {"junk", HP_INJECT_JUNK, "random bytes that pass for that kind in the first one alone"},
};
static const hp_words inject_what_words = HP_WORDS("an attack", inject_whats);
static const hp_word inject_kinds[] = {
    {"rtp", HP_INJECT_RTP, "RTP"},
    {"rtcp", HP_INJECT_RTCP, "RTCP"},
    {"dtls", HP_INJECT_DTLS, "DTLS"},
    {"stun", HP_INJECT_STUN, "STUN"},
};
static const hp_words inject_kind_words = HP_WORDS("a kind of packet", inject_kinds);

static const hp_key inject_keys[] = {
    {"to", HP_V_NAME, F(inject.to), .ref = HP_REF_PEER, .required = true, .doc = "the peer they are put before"},
    {"what", HP_V_ENUM, F(inject.config.what), .words = &inject_what_words, .required = true,
     .doc = "what they are made of"},
    {"kind", HP_V_ENUM, F(inject.config.kind), .words = &inject_kind_words, .fallback = "rtp",
     .doc = "of which packets that came to that peer before"},
    {"count", HP_V_INT, F(inject.config.count), .min = 1, .max = 1000000, .fallback = "10",
     .doc = "how many: the last ones of that kind, again from the first of them when fewer came"},
    {"interval", HP_V_DURATION, F(inject.config.interval), .min = HP_US, .fallback = "10ms",
     .doc = "time between two of them"},
};
#undef F
const hp_schema hp_schema_inject = {
    .name = "inject",
    .doc = "An attacker on the last hop before a peer puts packets before it.",
    .size = sizeof(hp_step),
    HP_KEYS(inject_keys),
};
