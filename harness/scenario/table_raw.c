/* The schema of what a raw peer says: STUN messages attribute by attribute, connectivity checks, ChannelData, DTLS records,
 * RTP, or plain bytes.
 *
 * A message is one of these; the keys that say which stand side by side, since what is around a message (to whom, how
 * often) is said beside it. Values that hold no variable are read here as they will be read at run time, so that a slip is
 * found before anything runs. */
#include <assert.h>
#include <string.h>

#include "scenario/loader.h"
#include "wire/stun_value.h"

/* ---- attributes ---- */

static bool attribute_type(hp_loader *l, const char *name, hp_mark at, uint16_t *ret)
{
    if (hp_stun_type_parse(name, ret)) {
        return true;
    }
    const char *const *names = hp_stun_attr_names();
    g_autofree char *hint = hp_loader_nearest(name, names, g_strv_length((char **)names));
    hp_load_report(l->load, HP_SEVERITY_ERROR, at.line, at.column,
                   hint != NULL ? hint : "a number such as 0x8022 is one too", "`%s` is not a STUN attribute", name);
    return false;
}

static bool is_open(const char *text)
{
    return text != NULL && strstr(text, "${") != NULL;
}

/* Where to point: at the value, else at the element as a whole. */
static const hp_tree *at_key(const hp_tree *node, const char *key)
{
    const hp_tree *value = hp_tree_get(node, key);
    return value != NULL ? value : node;
}

static const char *scalar_of(const hp_tree *node, const char *key)
{
    const hp_tree *value = hp_tree_get(node, key);
    return value != NULL && value->kind == HP_NODE_SCALAR ? value->text : NULL;
}

/* Hexadecimal digits, where they hold no variable. */
static void check_hex(hp_loader *l, const hp_tree *node, const char *key)
{
    g_autoptr(GByteArray) bytes = g_byte_array_new();
    const char *text = scalar_of(node, key);
    if (text != NULL && !is_open(text) && !hp_hex_parse(text, bytes)) {
        hp_loader_error(l, at_key(node, key), NULL, "`%s` must be hexadecimal digits in pairs, not `%s`", key, text);
    }
}

static unsigned count_keys(const hp_tree *node, const char *const *keys)
{
    unsigned n = 0;
    for (; *keys != NULL; keys++) {
        n += hp_tree_get(node, *keys) != NULL;
    }
    return n;
}

/* An address may be the name of somebody: looked up when all names are known. */
static void check_value(hp_loader *l, const hp_raw_attribute *a, const hp_tree *node)
{
    static const uint8_t mask[16];
    g_autoptr(GByteArray) bytes = g_byte_array_new();
    g_autoptr(GError) error = NULL;
    hp_addr addr;
    if (a->value == NULL) {
        if (hp_stun_value_kind_of(a->type) != HP_STUN_VALUE_FLAG && a->text == NULL && a->hex == NULL) {
            hp_loader_error(l, node, NULL, "%s lacks its value: %s", a->name,
                            hp_stun_value_what(hp_stun_value_kind_of(a->type)));
        }
        return;
    }
    if (is_open(a->value)) {
        return;
    }
    if (hp_stun_value_kind_of(a->type) == HP_STUN_VALUE_ADDRESS && !hp_addr_parse(a->value, &addr)) {
        hp_named_ref ref = {HP_REF_ENDPOINT, a->value, at_key(node, "value")};
        g_array_append_val(l->refs, ref);
    } else if (!hp_stun_value_parse(a->type, a->value, mask, bytes, &error)) {
        hp_loader_error(l, at_key(node, "value"), NULL, "%s", error->message);
    }
}

static void check_digest(hp_loader *l, const hp_raw_attribute *a, const hp_tree *node, bool sent)
{
    bool fingerprint = a->type == HP_STUN_FINGERPRINT;
    const char *const keys[] = {"user", "realm", "password", "key", "key-kind", "bytes", NULL};
    if (fingerprint) {
        bool known = a->value == NULL || strcmp(a->value, "right") == 0 || strcmp(a->value, "wrong") == 0 ||
                     (!sent && (strcmp(a->value, "present") == 0 || strcmp(a->value, "absent") == 0));
        if (!known || count_keys(node, keys) > 0) {
            hp_loader_error(l, at_key(node, "value"), NULL, "FINGERPRINT is `right` or `wrong`, and has no key");
        }
    } else if (sent && a->value == NULL && a->password == NULL && a->key == NULL && a->hex == NULL) {
        hp_loader_error(l, node, NULL, "%s needs a `password` or a `key`", a->name);
    }
    if (a->truncate > (a->type == HP_STUN_MESSAGE_INTEGRITY_SHA256 ? 32 : 20)) {
        hp_loader_error(l, at_key(node, "bytes"), NULL, "%s has no more than %d bytes", a->name,
                        a->type == HP_STUN_MESSAGE_INTEGRITY_SHA256 ? 32 : 20);
    }
}

static bool start_check(hp_loader *l, hp_raw_attribute *a, const hp_tree *node)
{
    static const char *const values[] = {"value", "hex", "text", "not", NULL};
    static const char *const digest[] = {"user", "realm", "password", "key", "key-kind", "bytes", "wrong", NULL};
    if (!attribute_type(l, a->name, a->mark, &a->type)) {
        return false;
    }
    if (count_keys(node, values) > 1) {
        hp_loader_error(l, node, NULL, "%s has one value: `value`, `hex` or `text`", a->name);
        return false;
    }
    if (hp_stun_value_kind_of(a->type) != HP_STUN_VALUE_COMPUTED && count_keys(node, digest) > 0) {
        hp_loader_error(l, node, "MESSAGE-INTEGRITY has", "%s has no key and is neither right nor wrong", a->name);
        return false;
    }
    check_hex(l, node, "hex");
    check_hex(l, node, "key");
    return true;
}

static void finish_attribute(hp_loader *l, void *base, const hp_tree *node)
{
    hp_raw_attribute *a = base;
    if (!start_check(l, a, node)) {
        return;
    }
    if (hp_stun_value_kind_of(a->type) == HP_STUN_VALUE_COMPUTED) {
        check_digest(l, a, node, true);
    } else {
        check_value(l, a, node);
    }
    if (a->has_padding && a->no_padding) {
        hp_loader_error(l, node, NULL, "padding that is not there has no bytes");
    }
}

static bool is_comparison(const char *text)
{
    hp_compare range;
    return hp_compare_parse(text, HP_UNIT_COUNT, &range);
}

static void finish_expected(hp_loader *l, void *base, const hp_tree *node)
{
    hp_raw_attribute *a = base;
    if (!start_check(l, a, node)) {
        return;
    }
    hp_stun_value_kind kind = hp_stun_value_kind_of(a->type);
    bool word = a->value != NULL && (strcmp(a->value, "present") == 0 || strcmp(a->value, "absent") == 0);
    if (kind == HP_STUN_VALUE_COMPUTED) {
        check_digest(l, a, node, false);
    } else if (a->value != NULL && !word && kind != HP_STUN_VALUE_USERHASH && !is_comparison(a->value)) {
        check_value(l, a, node);
    }
}

static const hp_word key_kinds[] = {
    {"auto", HP_RAW_KEY_AUTO, "long-term when a user and a realm are known, else short-term"},
    {"short-term", HP_RAW_KEY_SHORT, "the password itself"},
    {"md5", HP_RAW_KEY_MD5, "long-term, MD5 of user:realm:password"},
    {"sha256", HP_RAW_KEY_SHA256, "long-term, SHA-256 of them"},
};
static const hp_words key_kind_words = HP_WORDS("a kind of key", key_kinds);

#define F(field) HP_FIELD(hp_raw_attribute, field)
static const hp_key digest_keys[] = {
    {"user", HP_V_TEMPLATE, F(user), .shown = "the message's USERNAME", .doc = "of an integrity's long-term key"},
    {"realm", HP_V_TEMPLATE, F(realm), .shown = "the message's REALM", .doc = "likewise"},
    {"password", HP_V_TEMPLATE, F(password), .doc = "of an integrity's key; the value alone will do"},
    {"key", HP_V_TEMPLATE, F(key), .doc = "an integrity's key itself, in hexadecimal digits"},
    {"key-kind", HP_V_ENUM, F(key_kind), .words = &key_kind_words, .fallback = "auto", .doc = "how it is made"},
    {"wrong", HP_V_BOOL, F(wrong), .fallback = "false", .doc = "an integrity or fingerprint with a bit turned over"},
};
static const hp_schema digest_part = {
    .name = "raw-digest",
    .doc = "The key of an integrity.",
    .size = sizeof(hp_raw_attribute),
    HP_KEYS(digest_keys),
};
static const hp_key attribute_keys[] = {
    {"value", HP_V_TEMPLATE, F(value), .shown = "none",
     .doc = "as its type is written: text, a number, an address or somebody's name, `udp`, `401 Phrase`, attribute "
            "names; hexadecimal digits of one that is not known"},
    {"hex", HP_V_TEMPLATE, F(hex), .doc = "the value in hexadecimal digits instead"},
    {"text", HP_V_TEMPLATE, F(text), .doc = "or as text"},
    {"length", HP_V_INT, F(length), HP_FLAG(hp_raw_attribute, has_length), .max = UINT16_MAX, .shown = "the right one",
     .doc = "what its length field says"},
    {"padding", HP_V_INT, F(padding), HP_FLAG(hp_raw_attribute, has_padding), .max = 255, .shown = "0",
     .doc = "the bytes it is padded with"},
    {"no-padding", HP_V_BOOL, F(no_padding), .fallback = "false", .doc = "it is not padded"},
    {.type = HP_V_INCLUDE, .sub = &digest_part},
    {"bytes", HP_V_INT, F(truncate), .min = 1, .max = 32, .shown = "all", .doc = "how many an integrity is cut to"},
};
static const hp_schema attribute = {
    .name = "raw-attribute",
    .doc =
        "A STUN attribute, by name or number, that is sent. Its value alone will do; the value of an integrity is the "
        "password.",
    .size = sizeof(hp_raw_attribute),
    .mark = offsetof(hp_raw_attribute, mark),
    HP_KEYS(attribute_keys),
    .shorthand = "value",
    .finish = finish_attribute,
};
static const hp_key expected_keys[] = {
    {"value", HP_V_TEMPLATE, F(value), .shown = "present",
     .doc = "`present`, `absent`, a value as it would be sent, for numbers also a comparison; of an integrity its "
            "password, of FINGERPRINT `right` or `wrong`"},
    {"hex", HP_V_TEMPLATE, F(hex), .doc = "the value in hexadecimal digits instead"},
    {"text", HP_V_TEMPLATE, F(text), .doc = "or as text"},
    {"not", HP_V_TEMPLATE, F(differs), .doc = "any other value than this"},
    {"length", HP_V_INT, F(length), HP_FLAG(hp_raw_attribute, has_length), .max = UINT16_MAX, .shown = "any",
     .doc = "how many bytes the value has"},
    {.type = HP_V_INCLUDE, .sub = &digest_part},
};
#undef F
const hp_schema hp_schema_raw_expected = {
    .name = "raw-expected",
    .doc = "A STUN attribute, by name or number, that a received message must have. Its value alone will do.",
    .size = sizeof(hp_raw_attribute),
    .mark = offsetof(hp_raw_attribute, mark),
    HP_KEYS(expected_keys),
    .shorthand = "value",
    .finish = finish_expected,
};

/* ---- STUN ---- */

static const hp_word classes[] = {
    {"request", HP_STUN_REQUEST, "asks for an answer"},
    {"indication", HP_STUN_INDICATION, "asks for none"},
    {"success", HP_STUN_SUCCESS, "a good answer"},
    {"error", HP_STUN_ERROR, "a refusal"},
};
const hp_words hp_words_raw_class = HP_WORDS("a STUN class", classes);

bool hp_loader_check_method(hp_loader *l, const hp_tree *node)
{
    const char *text = scalar_of(node, "method");
    uint16_t method;
    if (text == NULL || is_open(text) || hp_stun_method_parse(text, &method)) {
        return true;
    }
    const char *const *names = hp_stun_method_names();
    g_autofree char *hint = hp_loader_nearest(text, names, g_strv_length((char **)names));
    hp_loader_error(l, at_key(node, "method"), hint, "`%s` is not a STUN method, or a number of 12 bits", text);
    return false;
}

static void check_bytes(hp_loader *l, const hp_tree *node, const char *key, unsigned n)
{
    g_autoptr(GByteArray) bytes = g_byte_array_new();
    const char *text = scalar_of(node, key);
    if (text == NULL || is_open(text) || strcmp(text, "random") == 0) {
        return;
    }
    if (!hp_hex_parse(text, bytes) || bytes->len != n) {
        hp_loader_error(l, at_key(node, key), NULL, "`%s` must be %u hexadecimal digits, not `%s`", key, 2 * n, text);
    }
}

static void finish_stun(hp_loader *l, void *base, const hp_tree *node)
{
    const hp_raw_stun *stun = base;
    hp_loader_check_method(l, node);
    check_bytes(l, node, "id", 12);
    check_bytes(l, node, "cookie", 4);
    if ((stun->user == NULL) != (stun->password == NULL)) {
        hp_loader_error(l, node, NULL, "`user` and `password` go together");
    }
}

static_assert(offsetof(hp_raw_stun, has_class) > 0, "a flag at 0 is none");
#define F(field) HP_FIELD(hp_raw_stun, field)
static const hp_key stun_keys[] = {
    {"class", HP_V_ENUM, F(cls), HP_FLAG(hp_raw_stun, has_class), .words = &hp_words_raw_class,
     .shown = "request; of an answer success", .doc = "message class"},
    {"method", HP_V_TEMPLATE, F(method), .shown = "Binding; of an answer the request's",
     .doc = "its name, or a number of 12 bits"},
    {"attributes", HP_V_PAIRS, F(attributes), HP_COUNT(hp_raw_stun, n_attributes), .sub = &attribute, .shown = "none",
     .doc = "in order: `[SOFTWARE: me, PRIORITY: 1, USE-CANDIDATE, 0x8022: 00ff]`"},
    {"user", HP_V_TEMPLATE, F(user),
     .doc = "USERNAME, with REALM and NONCE of the last challenge and MESSAGE-INTEGRITY behind the other attributes"},
    {"password", HP_V_TEMPLATE, F(password), .doc = "of that user"},
    {"id", HP_V_TEMPLATE, F(id), .shown = "random; of an answer the request's",
     .doc = "transaction id: 24 hexadecimal digits, `${NAME.id}`, or `random`"},
    {"cookie", HP_V_TEMPLATE, F(cookie), .shown = "2112a442", .doc = "the magic cookie's field, 8 hexadecimal digits"},
    {"type", HP_V_INT, F(type), HP_FLAG(hp_raw_stun, has_type), .max = UINT16_MAX, .shown = "of class and method",
     .doc = "the first two bytes"},
    {"length", HP_V_INT, F(length), HP_FLAG(hp_raw_stun, has_length), .max = UINT16_MAX, .shown = "the right one",
     .doc = "what the header's length field says"},
};
#undef F
static const hp_schema stun = {
    .name = "raw-stun",
    .doc = "A STUN message, spelled out. The method alone will do.",
    .size = sizeof(hp_raw_stun),
    HP_KEYS(stun_keys),
    .shorthand = "method",
    .finish = finish_stun,
};

/* ---- checks ---- */

static const hp_word roles[] = {
    {"controlling", HP_RAW_CONTROLLING, "ICE-CONTROLLING"},
    {"controlled", HP_RAW_CONTROLLED, "ICE-CONTROLLED"},
};
const hp_words hp_words_raw_role = HP_WORDS("an ICE role", roles);

#define F(field) HP_FIELD(hp_raw_check, field)
static const hp_key check_keys[] = {
    {"use-candidate", HP_V_BOOL, F(use_candidate), .fallback = "false", .doc = "it nominates"},
    {"role", HP_V_ENUM, F(role), HP_FLAG(hp_raw_check, has_role), .words = &hp_words_raw_role, .shown = "the peer's",
     .doc = "ICE-CONTROLLING or ICE-CONTROLLED"},
    {"tie-breaker", HP_V_TEMPLATE, F(tie_breaker), .shown = "the peer's",
     .doc = "what that attribute holds: a number of 64 bits"},
    {"priority", HP_V_INT, F(priority), .max = UINT32_MAX, .fallback = "1862270975",
     .doc = "PRIORITY; the default is a peer reflexive candidate's"},
    {"username", HP_V_TEMPLATE, F(username), .shown = "${remote.ufrag}:${self.ufrag}", .doc = "USERNAME"},
    {"password", HP_V_TEMPLATE, F(password), .shown = "${remote.password}", .doc = "of MESSAGE-INTEGRITY"},
    {"attributes", HP_V_PAIRS, F(attributes), HP_COUNT(hp_raw_check, n_attributes), .sub = &attribute, .shown = "none",
     .doc = "further ones, before MESSAGE-INTEGRITY"},
    {"id", HP_V_TEMPLATE, F(id), .shown = "random", .doc = "transaction id, as in a STUN message"},
    {"no-fingerprint", HP_V_BOOL, F(no_fingerprint), .fallback = "false", .doc = "without FINGERPRINT"},
};
#undef F
void hp_loader_check_tie_breaker(hp_loader *l, const hp_tree *node)
{
    static const uint8_t mask[16];
    g_autoptr(GByteArray) bytes = g_byte_array_new();
    const char *text = scalar_of(node, "tie-breaker");
    if (text != NULL && !is_open(text) && !hp_stun_value_parse(HP_STUN_ICE_CONTROLLING, text, mask, bytes, NULL)) {
        hp_loader_error(l, at_key(node, "tie-breaker"), NULL, "`tie-breaker` must be a number of 64 bits, not `%s`",
                        text);
    }
}

static void finish_check(hp_loader *l, void *base, const hp_tree *node)
{
    hp_loader_check_tie_breaker(l, node);
    check_bytes(l, node, "id", 12);
}
static const hp_schema check = {
    .name = "raw-check",
    .doc = "A connectivity check (RFC 8445 section 7.1). Empty: one that is right, after the other side has signalled.",
    .size = sizeof(hp_raw_check),
    HP_KEYS(check_keys),
    .finish = finish_check,
};

/* ---- others ---- */

static void check_number(hp_loader *l, const hp_tree *node, const char *key)
{
    const char *text = scalar_of(node, key);
    guint64 value;
    if (text == NULL || is_open(text)) {
        return;
    }
    bool hex = g_str_has_prefix(text, "0x");
    if (!g_ascii_string_to_unsigned(text + (hex ? 2 : 0), hex ? 16 : 10, 0, UINT16_MAX, &value, NULL)) {
        hp_loader_error(l, at_key(node, key), NULL, "`%s` must be a number from 0 to 65535, not `%s`", key, text);
    }
}

static void finish_channel_data(hp_loader *l, void *base, const hp_tree *node)
{
    check_number(l, node, "channel");
    check_hex(l, node, "bytes");
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
            check_hex(l, node, hello_keys[i].name);
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
    check_hex(l, node, "body");
    if (count_keys(node, bodies) != 1) {
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
    check_hex(l, node, "payload");
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
    check_hex(l, node, "bytes");
    check_number(l, node, "through-channel");
}

#define F(field) HP_FIELD(hp_raw_message, field)
static const hp_key message_keys[] = {
    {"stun", HP_V_MAP, F(stun), .sub = &stun, .doc = "a STUN message: `stun: {method: Allocate, attributes: [...]}`"},
    {"check", HP_V_MAP, F(check), .sub = &check, .doc = "a connectivity check: `check: {use-candidate: true}`"},
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
