/* Building the STUN messages that a script says, byte for byte.
 *
 * A message is written in order: header, each attribute as it is spelled out, and the header's length last of all, so
 * that everything may be said wrong: a length field that lies, padding that is not zero or not there, an attribute
 * twice or behind the integrity. Integrity and fingerprint cover what stands before them at that moment (RFC 8489
 * sections 14.5 to 14.7), whatever it is. The key: of the parts that are said, else long-term with the USERNAME and
 * REALM that the message has by then, else short-term (section 9).
 *
 * A connectivity check is RFC 8445 section 7.1's, by the names of what the other side signalled. */
#include <string.h>

#include "base/error.h"
#include "engines/raw_private.h"
#include "wire/bytes.h"

enum { BUFFER = HP_STUN_HEADER + 65535 + 64, ATTR_HEADER = 4, ID_SIZE = 12, COOKIE_SIZE = 4, MASK_AT = 4 };

typedef struct builder {
    hp_raw *raw;
    hp_stun_writer w;
    char *user, *realm; /* that stand in the message; owned */
    bool sha256; /* PASSWORD-ALGORITHM says so */
} builder;

static bool fail(GError **error, const char *text)
{
    g_set_error_literal(error, HP_ERROR, HP_ERROR_INVALID, text);
    return false;
}

/* Exactly n bytes in hexadecimal digits. */
static bool expand_bytes(hp_raw *raw, const char *text, const char *what, uint8_t *ret, size_t n, GError **error)
{
    g_autoptr(GByteArray) bytes = g_byte_array_new();
    if (!hp_raw_expand_hex(raw, text, bytes, error)) {
        return false;
    }
    if (bytes->len != n) {
        g_set_error(error, HP_ERROR, HP_ERROR_INVALID, "%s has %zu bytes, not %u", what, n, bytes->len);
        return false;
    }
    memcpy(ret, bytes->data, n);
    return true;
}

/* ---- attributes ---- */

/* The value, and its text where it came from one. */
static bool attribute_value(builder *b, const hp_raw_attribute *a, GByteArray *out, char **ret_text, GError **error)
{
    if (a->hex != NULL) {
        return hp_raw_expand_hex(b->raw, a->hex, out, error);
    }
    const char *template = a->text != NULL ? a->text : a->value != NULL ? a->value : "";
    g_autofree char *text = hp_raw_expand(b->raw, template, error);
    if (text == NULL) {
        return false;
    }
    hp_stun_value_kind kind = hp_stun_value_kind_of(a->type);
    hp_addr addr;
    if (a->text != NULL) {
        g_byte_array_append(out, (const uint8_t *)text, (guint)strlen(text));
    } else if (kind == HP_STUN_VALUE_ADDRESS && !hp_addr_parse(text, &addr)) {
        char buf[HP_ADDR_TEXT];
        if (!hp_raw_address(b->raw, text, HP_RAW_OVER_UDP, &addr, error)) {
            return false;
        }
        hp_addr_format(&addr, buf);
        if (!hp_stun_value_parse(a->type, buf, b->w.buf + MASK_AT, out, error)) {
            return false;
        }
    } else if (!hp_stun_value_parse(a->type, text, b->w.buf + MASK_AT, out, error)) {
        return false;
    }
    *ret_text = g_steal_pointer(&text);
    return true;
}

static bool put_plain(builder *b, const hp_raw_attribute *a, GError **error)
{
    g_autoptr(GByteArray) value = g_byte_array_new();
    g_autofree char *text = NULL;
    if (!attribute_value(b, a, value, &text, error)) {
        return false;
    }
    size_t padding = a->no_padding ? 0 : -value->len & 3, size = ATTR_HEADER + value->len + padding;
    if (size > b->w.cap - b->w.len) {
        return fail(error, "the message is too long");
    }
    uint8_t *at = b->w.buf + b->w.len;
    hp_put16(at, a->type);
    hp_put16(at + 2, a->has_length ? a->length : value->len);
    if (value->len > 0) {
        memcpy(at + ATTR_HEADER, value->data, value->len);
    }
    memset(at + ATTR_HEADER + value->len, a->has_padding ? a->padding : 0, padding);
    b->w.len += size;
    if (a->type == HP_STUN_USERNAME || a->type == HP_STUN_REALM) {
        char **known = a->type == HP_STUN_USERNAME ? &b->user : &b->realm;
        g_free(*known);
        *known = text != NULL ? g_steal_pointer(&text) : g_strndup((const char *)value->data, value->len);
    } else if (a->type == HP_STUN_PASSWORD_ALGORITHM) {
        b->sha256 = g_strcmp0(text, "sha256") == 0;
    }
    return true;
}

static bool expand_part(hp_raw *raw, const char *own, const char *other, char **ret, GError **error)
{
    *ret = own == NULL ? g_strdup(other) : hp_raw_expand(raw, own, error);
    return own == NULL || *ret != NULL;
}

bool hp_raw_key(hp_raw *raw, const hp_raw_attribute *a, const char *user, const char *realm, bool sha256,
                hp_stun_key *ret, GError **error)
{
    g_autofree char *own_user = NULL, *own_realm = NULL;
    if (a->key != NULL) {
        g_autoptr(GByteArray) bytes = g_byte_array_new();
        if (!hp_raw_expand_hex(raw, a->key, bytes, error)) {
            return false;
        }
        *ret = hp_stun_key_short((const char *)bytes->data, bytes->len);
        return true;
    }
    const char *template = a->password != NULL ? a->password : a->value;
    if (template == NULL) {
        return fail(error, "the integrity needs a `password` or a `key`");
    }
    g_autofree char *password = hp_raw_expand(raw, template, error);
    if (password == NULL || !expand_part(raw, a->user, user, &own_user, error) ||
        !expand_part(raw, a->realm, realm, &own_realm, error)) {
        return false;
    }
    hp_raw_key_kind kind = a->key_kind;
    if (kind == HP_RAW_KEY_AUTO) {
        bool long_term = own_user != NULL && own_realm != NULL;
        kind = !long_term ? HP_RAW_KEY_SHORT : sha256 ? HP_RAW_KEY_SHA256 : HP_RAW_KEY_MD5;
    }
    if (kind == HP_RAW_KEY_SHORT) {
        *ret = hp_stun_key_short(password, strlen(password));
        return true;
    }
    if (own_user == NULL || own_realm == NULL) {
        return fail(error, "a long-term key needs a user and a realm");
    }
    *ret = hp_stun_key_long(own_user, own_realm, password, kind == HP_RAW_KEY_SHA256);
    return true;
}

/* The writer's own length field is that of the message so far; what is said of it comes at the end. */
static bool put_computed(builder *b, const hp_raw_attribute *a, GError **error)
{
    hp_stun_key key;
    bool sha256 = a->type == HP_STUN_MESSAGE_INTEGRITY_SHA256;
    if (b->w.cap - b->w.len < ATTR_HEADER + 32) {
        return fail(error, "the message is too long");
    }
    if (a->hex != NULL) {
        return put_plain(b, a, error);
    }
    size_t at = b->w.len;
    if (a->type == HP_STUN_FINGERPRINT) {
        hp_stun_add_fingerprint(&b->w);
    } else {
        size_t size = a->truncate > 0 ? a->truncate : sha256 ? 32 : 20;
        if (!hp_raw_key(b->raw, a, b->user, b->realm, b->sha256, &key, error)) {
            return false;
        }
        hp_stun_add_integrity_of(&b->w, &key, sha256, size);
    }
    if (b->w.overflow) {
        return fail(error, "the message is too long");
    }
    if (a->wrong || g_strcmp0(a->value, "wrong") == 0) {
        b->w.buf[b->w.len - 1] ^= 1;
    }
    if (a->has_length) {
        hp_put16(b->w.buf + at + 2, a->length);
    }
    return true;
}

static bool put_attribute(builder *b, const hp_raw_attribute *a, GError **error)
{
    bool computed = hp_stun_value_kind_of(a->type) == HP_STUN_VALUE_COMPUTED;
    return computed ? put_computed(b, a, error) : put_plain(b, a, error);
}

static bool put_attributes(builder *b, const hp_raw_attribute *list, unsigned n, GError **error)
{
    for (unsigned i = 0; i < n; i++) {
        if (!put_attribute(b, &list[i], error)) {
            g_prefix_error(error, "%s: ", list[i].name);
            return false;
        }
    }
    return true;
}

/* ---- messages ---- */

static bool begin(builder *b, hp_raw *raw, hp_stun_class cls, const char *method, const char *id, const char *cookie,
                  const hp_raw_arrival *request, GError **error)
{
    uint8_t id_bytes[ID_SIZE], cookie_bytes[COOKIE_SIZE];
    uint16_t number = HP_STUN_BINDING;
    hp_stun_msg m;
    bool answer = request != NULL && hp_stun_parse(request->data, request->length, &m);
    *b = (builder){.raw = raw};
    hp_put32(cookie_bytes, HP_STUN_COOKIE);
    if (answer) {
        memcpy(cookie_bytes, m.data + MASK_AT, COOKIE_SIZE);
        memcpy(id_bytes, m.id, ID_SIZE);
        number = m.method;
    } else if (id == NULL) {
        hp_rng_bytes(&raw->rng, id_bytes, ID_SIZE);
    }
    if (id != NULL && strcmp(id, "random") == 0) {
        hp_rng_bytes(&raw->rng, id_bytes, ID_SIZE);
    } else if (id != NULL && !expand_bytes(raw, id, "a transaction id", id_bytes, ID_SIZE, error)) {
        return false;
    }
    if (cookie != NULL && !expand_bytes(raw, cookie, "a cookie", cookie_bytes, COOKIE_SIZE, error)) {
        return false;
    }
    if (method != NULL) {
        g_autofree char *name = hp_raw_expand(raw, method, error);
        if (name == NULL) {
            return false;
        }
        if (!hp_stun_method_parse(name, &number)) {
            g_set_error(error, HP_ERROR, HP_ERROR_INVALID, "`%s` is no method of STUN", name);
            return false;
        }
    }
    hp_stun_begin(&b->w, g_malloc(BUFFER), BUFFER, cls, number, id_bytes, cookie_bytes);
    return true;
}

static void end(builder *b, GByteArray *out)
{
    if (out != NULL) {
        g_byte_array_append(out, b->w.buf, (guint)b->w.len);
    }
    g_free(b->w.buf);
    g_free(b->user);
    g_free(b->realm);
}

static bool put_credentials(builder *b, const hp_raw_stun *stun, GError **error)
{
    const hp_raw_attribute list[] = {
        {.name = (char *)"USERNAME", .type = HP_STUN_USERNAME, .value = stun->user},
        {.name = (char *)"REALM", .type = HP_STUN_REALM, .value = (char *)"${realm}"},
        {.name = (char *)"NONCE", .type = HP_STUN_NONCE, .value = (char *)"${nonce}"},
        {.name = (char *)"MESSAGE-INTEGRITY", .type = HP_STUN_MESSAGE_INTEGRITY, .value = stun->password},
    };
    return put_attributes(b, list, G_N_ELEMENTS(list), error);
}

bool hp_raw_build_stun(hp_raw *raw, const hp_raw_stun *stun, const hp_raw_arrival *request, GByteArray *out,
                       GError **error)
{
    builder b;
    hp_stun_class cls = stun->has_class ? stun->cls : request != NULL ? HP_STUN_SUCCESS : HP_STUN_REQUEST;
    if (!begin(&b, raw, cls, stun->method, stun->id, stun->cookie, request, error)) {
        return false;
    }
    if (stun->has_type) {
        hp_put16(b.w.buf, stun->type); /* before any digest covers it */
    }
    bool ok = put_attributes(&b, stun->attributes, stun->n_attributes, error) &&
              (stun->user == NULL || put_credentials(&b, stun, error));
    hp_put16(b.w.buf + 2, stun->has_length ? stun->length : (uint32_t)(b.w.len - HP_STUN_HEADER));
    end(&b, ok ? out : NULL);
    return ok;
}

bool hp_raw_build_check(hp_raw *raw, const hp_raw_check *check, GByteArray *out, GError **error)
{
    hp_raw_role role = check->has_role ? check->role : raw->config->role;
    g_autofree char *breaker = check->tie_breaker != NULL ? g_strdup(check->tie_breaker)
                                                          : g_strdup_printf("%" G_GUINT64_FORMAT, raw->tie_breaker);
    g_autofree char *priority = g_strdup_printf("%u", check->priority);
    const hp_raw_attribute username = {.name = (char *)"USERNAME",
                                       .type = HP_STUN_USERNAME,
                                       .value = check->username != NULL ? check->username
                                                                        : (char *)"${remote.ufrag}:${self.ufrag}"};
    const hp_raw_attribute fixed[] = {
        {.name = (char *)"PRIORITY", .type = HP_STUN_PRIORITY, .value = priority},
        {.name = (char *)"ICE-CONTROLLING",
         .type = role == HP_RAW_CONTROLLING ? HP_STUN_ICE_CONTROLLING : HP_STUN_ICE_CONTROLLED,
         .value = breaker},
        {.name = (char *)"USE-CANDIDATE", .type = HP_STUN_USE_CANDIDATE},
    };
    const hp_raw_attribute digests[] = {
        {.name = (char *)"MESSAGE-INTEGRITY",
         .type = HP_STUN_MESSAGE_INTEGRITY,
         .key_kind = HP_RAW_KEY_SHORT,
         .value = check->password != NULL ? check->password : (char *)"${remote.password}"},
        {.name = (char *)"FINGERPRINT", .type = HP_STUN_FINGERPRINT},
    };
    builder b;
    if (!begin(&b, raw, HP_STUN_REQUEST, NULL, check->id, NULL, NULL, error)) {
        return false;
    }
    bool ok = put_attributes(&b, &username, 1, error) &&
              put_attributes(&b, fixed, check->use_candidate ? 3 : 2, error) &&
              put_attributes(&b, check->attributes, check->n_attributes, error) &&
              put_attributes(&b, digests, check->no_fingerprint ? 1 : 2, error);
    hp_put16(b.w.buf + 2, (uint32_t)(b.w.len - HP_STUN_HEADER));
    end(&b, ok ? out : NULL);
    return ok;
}
