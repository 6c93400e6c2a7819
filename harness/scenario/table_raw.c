/* The schema of what a raw peer says: STUN messages and checks (table_raw_stun.c), ChannelData, DTLS records, RTP, or
 * plain bytes.
 *
 * A message is one of these; the keys that say which stand side by side, since what is around a message (to whom, how
 * often) is said beside it. */
#include "scenario/table_raw.h"
#include "scenario/loader.h"

/* ---- ChannelData ---- */

static void finish_channel_data(hp_loader *l, void *base, const hp_tree *node)
{
    hp_loader_raw_number(l, node, "channel");
    hp_loader_raw_hex(l, node, "bytes");
    if (hp_tree_get(node, "bytes") != NULL && hp_tree_get(node, "text") != NULL) {
        hp_loader_error(l, node, NULL, "ChannelData has either `bytes` or `text`");
    }
}

#define F(field) HP_FIELD(hp_raw_channel_data, field)
static const hp_key channel_data_keys[] = {
    {"channel", HP_V_TEMPLATE, F(channel), .required = true, .doc = "its number"},
    {"bytes", HP_V_TEMPLATE, F(bytes), .shown = "none", .doc = "the data, in hexadecimal digits"},
    {"text", HP_V_TEMPLATE, F(text), .doc = "or as text"},
    {"length", HP_V_INT, F(length), HP_FLAG(hp_raw_channel_data, has_length), .max = UINT16_MAX,
     .shown = "the right one", .doc = "what its length field says"},
};
#undef F
static const hp_schema channel_data = {
    .name = "raw-channel-data",
    .doc = "A ChannelData message (RFC 8656 section 12.4), padded on streams alone.",
    .size = sizeof(hp_raw_channel_data),
    HP_KEYS(channel_data_keys),
    .shorthand = "channel",
    .finish = finish_channel_data,
};

/* ---- DTLS and RTP ---- */

#define F(field) HP_FIELD(hp_raw_client_hello, field)
static const hp_key hello_keys[] = {
    {"version", HP_V_INT, F(version), .max = UINT16_MAX, .fallback = "65277", .doc = "its version: 0xfefd is DTLS 1.2"},
    {"random", HP_V_TEMPLATE, F(random), .shown = "random, and the same the next time", .doc = "32 bytes"},
    {"session", HP_V_TEMPLATE, F(session), .shown = "none", .doc = "session id"},
    {"cookie", HP_V_TEMPLATE, F(cookie), .shown = "none", .doc = "of a HelloVerifyRequest: keep its `dtls-cookie`"},
    {"ciphers", HP_V_TEMPLATE, F(ciphers), .shown = "c02bc02f", .doc = "cipher suites, two bytes each"},
    {"extensions", HP_V_TEMPLATE, F(extensions), .shown = "those that WebRTC needs", .doc = "extensions"},
};
#undef F
static void finish_hello(hp_loader *l, void *base, const hp_tree *node)
{
    for (unsigned i = 0; i < G_N_ELEMENTS(hello_keys); i++) {
        if (hello_keys[i].type == HP_V_TEMPLATE) {
            hp_loader_raw_hex(l, node, hello_keys[i].name);
        }
    }
}
static const hp_schema hello = {
    .name = "raw-client-hello",
    .doc = "A ClientHello of DTLS, its parts in hexadecimal digits.",
    .size = sizeof(hp_raw_client_hello),
    HP_KEYS(hello_keys),
    .finish = finish_hello,
};

static void finish_dtls(hp_loader *l, void *base, const hp_tree *node)
{
    static const char *const bodies[] = {"client-hello", "body", NULL};
    hp_loader_raw_hex(l, node, "body");
    if (hp_loader_raw_count(node, bodies) != 1) {
        hp_loader_error(l, node, NULL, "a DTLS record has either a `client-hello` or a `body`");
    } else if (hp_tree_get(node, "handshake") != NULL && hp_tree_get(node, "client-hello") != NULL) {
        hp_loader_error(l, hp_tree_get(node, "handshake"), NULL, "a `client-hello` is handshake message 1");
    }
}

#define F(field) HP_FIELD(hp_raw_dtls, field)
static const hp_key dtls_keys[] = {
    {"client-hello", HP_V_MAP, F(hello), HP_FLAG(hp_raw_dtls, has_hello), .sub = &hello, .doc = "a ClientHello"},
    {"body", HP_V_TEMPLATE, F(body), .doc = "what the record, or the handshake message, holds, in hexadecimal digits"},
    {"handshake", HP_V_INT, F(handshake), HP_FLAG(hp_raw_dtls, has_handshake), .max = 255,
     .doc = "type of a handshake message whose body it is"},
    {"message", HP_V_INT, F(message), .max = UINT16_MAX, .fallback = "0", .doc = "its message number"},
    {"fragment", HP_V_INT, F(fragment), .min = 1, .max = 65535, .shown = "whole",
     .doc = "bytes of a handshake message a record; the records follow each other in datagrams of their own"},
    {"together", HP_V_BOOL, F(together), .fallback = "false", .doc = "all records in one datagram"},
    {"reversed", HP_V_BOOL, F(reversed), .fallback = "false", .doc = "the last record first"},
    {"type", HP_V_INT, F(type), .max = 255, .fallback = "22", .doc = "content type of the record"},
    {"version", HP_V_INT, F(version), .max = UINT16_MAX, .fallback = "65279",
     .doc = "version of the record: 0xfeff is DTLS 1.0, as first ClientHellos have"},
    {"epoch", HP_V_INT, F(epoch), .max = UINT16_MAX, .fallback = "0", .doc = "epoch"},
    {"sequence", HP_V_INT, F(sequence), HP_FLAG(hp_raw_dtls, has_sequence), .max = (INT64_C(1) << 48) - 1,
     .shown = "one more than the last", .doc = "number of the first record"},
};
#undef F
static const hp_schema dtls = {
    .name = "raw-dtls",
    .doc = "DTLS records in the clear.",
    .size = sizeof(hp_raw_dtls),
    HP_KEYS(dtls_keys),
    .finish = finish_dtls,
};

static void finish_rtp(hp_loader *l, void *base, const hp_tree *node)
{
    hp_loader_raw_hex(l, node, "payload");
}

#define F(field) HP_FIELD(hp_raw_rtp, field)
static const hp_key rtp_keys[] = {
    {"payload-type", HP_V_INT, F(payload_type), .max = 127, .fallback = "111", .doc = "payload type"},
    {"marker", HP_V_BOOL, F(marker), .fallback = "false", .doc = "the marker bit"},
    {"sequence", HP_V_INT, F(sequence), HP_FLAG(hp_raw_rtp, has_sequence), .max = UINT16_MAX,
     .shown = "one more than the last", .doc = "sequence number"},
    {"timestamp", HP_V_INT, F(timestamp), .max = UINT32_MAX, .fallback = "0", .doc = "timestamp"},
    {"ssrc", HP_V_INT, F(ssrc), .max = UINT32_MAX, .fallback = "1", .doc = "synchronisation source"},
    {"size", HP_V_INT, F(size), .max = 60000, .fallback = "160", .doc = "bytes of payload, random ones"},
    {"payload", HP_V_TEMPLATE, F(payload), .doc = "the payload in hexadecimal digits instead"},
};
#undef F
static const hp_schema rtp = {
    .name = "raw-rtp",
    .doc = "An RTP packet in the clear.",
    .size = sizeof(hp_raw_rtp),
    HP_KEYS(rtp_keys),
    .finish = finish_rtp,
};

/* ---- a message ---- */

static const struct {
    const char *key;
    hp_raw_content content;
} contents[] = {
    {"stun", HP_RAW_STUN},   {"check", HP_RAW_CHECK}, {"channel-data", HP_RAW_CHANNEL_DATA},
    {"bytes", HP_RAW_BYTES}, {"text", HP_RAW_TEXT},   {"random", HP_RAW_RANDOM},
    {"dtls", HP_RAW_DTLS},   {"rtp", HP_RAW_RTP},     {"again", HP_RAW_AGAIN},
};

static void finish_message(hp_loader *l, void *base, const hp_tree *node)
{
    hp_raw_message *m = base;
    unsigned n = 0;
    for (unsigned i = 0; i < G_N_ELEMENTS(contents); i++) {
        if (hp_tree_get(node, contents[i].key) != NULL) {
            m->content = contents[i].content;
            n++;
        }
    }
    if (n != 1) {
        hp_loader_error(l, node, "`stun`, `check`, `channel-data`, `bytes`, `text`, `random`, `dtls`, `rtp` or `again`",
                        n == 0 ? "it does not say what is sent" : "it says more than one thing at once");
    }
    if (m->through_peer != NULL && m->through_channel != NULL) {
        hp_loader_error(l, hp_tree_get(node, "through-channel"), NULL, "it goes either `through` or `through-channel`");
    }
    if (m->has_through_length && m->through_peer == NULL && m->through_channel == NULL) {
        hp_loader_error(l, hp_tree_get(node, "through-length"), NULL,
                        "`through-length` goes with `through` or `through-channel`");
    }
    hp_loader_raw_hex(l, node, "bytes");
    hp_loader_raw_number(l, node, "through-channel");
}

#define F(field) HP_FIELD(hp_raw_message, field)
static const hp_key message_keys[] = {
    {"stun", HP_V_MAP, F(stun), .sub = &hp_schema_raw_stun,
     .doc = "a STUN message: `stun: {method: Allocate, attributes: [...]}`"},
    {"check", HP_V_MAP, F(check), .sub = &hp_schema_raw_check,
     .doc = "a connectivity check: `check: {use-candidate: true}`"},
    {"channel-data", HP_V_MAP, F(channel_data), .sub = &channel_data, .doc = "a ChannelData message"},
    {"bytes", HP_V_TEMPLATE, F(bytes), .doc = "hexadecimal digits"},
    {"text", HP_V_TEMPLATE, F(text), .doc = "text"},
    {"random", HP_V_INT, F(random), .max = 65535, .doc = "so many random bytes"},
    {"dtls", HP_V_MAP, F(dtls), .sub = &dtls, .doc = "DTLS records: `dtls: {client-hello: {}, fragment: 50}`"},
    {"rtp", HP_V_MAP, F(rtp), .sub = &rtp, .doc = "an RTP packet"},
    {"again", HP_V_NAME, F(again), .doc = "the bytes that were sent `as` this name"},
    {"through", HP_V_TEMPLATE, F(through_peer), .ref = HP_REF_ENDPOINT,
     .doc = "all of it inside a TURN Send indication to this peer: an address or a name"},
    {"through-channel", HP_V_TEMPLATE, F(through_channel), .doc = "or inside ChannelData with this number"},
    {"through-length", HP_V_INT, F(through_length), HP_FLAG(hp_raw_message, has_through_length), .max = UINT16_MAX,
     .shown = "the right one", .doc = "what the wrapper says of its length"},
};
#undef F
const hp_schema hp_schema_raw_message = {
    .name = "raw-message",
    .doc = "What is said: one of these things, and how it is wrapped.",
    .size = sizeof(hp_raw_message),
    HP_KEYS(message_keys),
    .finish = finish_message,
};
