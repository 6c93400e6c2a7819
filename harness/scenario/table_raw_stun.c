/* The schema of what a raw peer says in STUN: messages attribute by attribute, and connectivity checks; and of the
 * attributes that it expects. */
#include <assert.h>
#include <string.h>

#include "scenario/loader.h"
#include "scenario/table_raw.h"
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
    if (hp_loader_raw_is_open(a->value)) {
        return;
    }
    if (hp_stun_value_kind_of(a->type) == HP_STUN_VALUE_ADDRESS && !hp_addr_parse(a->value, &addr)) {
        hp_named_ref ref = {HP_REF_ENDPOINT, a->value, hp_loader_raw_at(node, "value")};
        g_array_append_val(l->refs, ref);
    } else if (!hp_stun_value_parse(a->type, a->value, mask, bytes, &error)) {
        hp_loader_error(l, hp_loader_raw_at(node, "value"), NULL, "%s", error->message);
    }
}

static void check_digest(hp_loader *l, const hp_raw_attribute *a, const hp_tree *node, bool sent)
{
    bool fingerprint = a->type == HP_STUN_FINGERPRINT;
    const char *const keys[] = {"user", "realm", "password", "key", "key-kind", "bytes", NULL};
    if (fingerprint) {
        bool known = a->value == NULL || strcmp(a->value, "right") == 0 || strcmp(a->value, "wrong") == 0 ||
                     (!sent && (strcmp(a->value, "present") == 0 || strcmp(a->value, "absent") == 0));
        if (!known || hp_loader_raw_count(node, keys) > 0) {
            hp_loader_error(l, hp_loader_raw_at(node, "value"), NULL,
                            "FINGERPRINT is `right` or `wrong`, and has no key");
        }
    } else if (sent && a->value == NULL && a->password == NULL && a->key == NULL && a->hex == NULL) {
        hp_loader_error(l, node, NULL, "%s needs a `password` or a `key`", a->name);
    }
    if (a->truncate > (a->type == HP_STUN_MESSAGE_INTEGRITY_SHA256 ? 32 : 20)) {
        hp_loader_error(l, hp_loader_raw_at(node, "bytes"), NULL, "%s has no more than %d bytes", a->name,
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
    if (hp_loader_raw_count(node, values) > 1) {
        hp_loader_error(l, node, NULL, "%s has one value: `value`, `hex` or `text`", a->name);
        return false;
    }
    if (hp_stun_value_kind_of(a->type) != HP_STUN_VALUE_COMPUTED && hp_loader_raw_count(node, digest) > 0) {
        hp_loader_error(l, node, "MESSAGE-INTEGRITY has", "%s has no key and is neither right nor wrong", a->name);
        return false;
    }
    hp_loader_raw_hex(l, node, "hex");
    hp_loader_raw_hex(l, node, "key");
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
    const char *text = hp_tree_text(node, "method");
    uint16_t method;
    if (text == NULL || hp_loader_raw_is_open(text) || hp_stun_method_parse(text, &method)) {
        return true;
    }
    const char *const *names = hp_stun_method_names();
    g_autofree char *hint = hp_loader_nearest(text, names, g_strv_length((char **)names));
    hp_loader_error(l, hp_loader_raw_at(node, "method"), hint, "`%s` is not a STUN method, or a number of 12 bits",
                    text);
    return false;
}

static void finish_stun(hp_loader *l, void *base, const hp_tree *node)
{
    const hp_raw_stun *stun = base;
    hp_loader_check_method(l, node);
    hp_loader_raw_bytes(l, node, "id", 12);
    hp_loader_raw_bytes(l, node, "cookie", 4);
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
const hp_schema hp_schema_raw_stun = {
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
    const char *text = hp_tree_text(node, "tie-breaker");
    if (text != NULL && !hp_loader_raw_is_open(text) &&
        !hp_stun_value_parse(HP_STUN_ICE_CONTROLLING, text, mask, bytes, NULL)) {
        hp_loader_error(l, hp_loader_raw_at(node, "tie-breaker"), NULL,
                        "`tie-breaker` must be a number of 64 bits, not `%s`", text);
    }
}

static void finish_check(hp_loader *l, void *base, const hp_tree *node)
{
    hp_loader_check_tie_breaker(l, node);
    hp_loader_raw_bytes(l, node, "id", 12);
}
const hp_schema hp_schema_raw_check = {
    .name = "raw-check",
    .doc = "A connectivity check (RFC 8445 section 7.1). Empty: one that is right, after the other side has signalled.",
    .size = sizeof(hp_raw_check),
    HP_KEYS(check_keys),
    .finish = finish_check,
};
