/* One table says which attribute has which kind of value (RFC 8489 section 14, RFC 8656 section 18, RFC 8445
 * section 16.1, RFC 5780 section 7, RFC 6062 section 6.2), and one function each way does a kind.
 *
 * Text attributes are bytes: no encoding is checked, and none is undone. A value read from the network that does not
 * fit its type (a LIFETIME of three bytes) is shown as what it is, in hexadecimal digits. */
#include "wire/stun_value.h"

#include <string.h>

#include "base/error.h"
#include "wire/bytes.h"
#include "wire/match.h"

enum { MAX_METHOD = 0xfff, MASK_AT = 4, ALGORITHM_MD5 = 1, ALGORITHM_SHA256 = 2, FAMILY_IPV4 = 1, FAMILY_IPV6 = 2 };

static const struct {
    uint16_t type;
    hp_stun_value_kind kind;
} kinds[] = {
    {HP_STUN_CHANGE_REQUEST, HP_STUN_VALUE_U32},
    {HP_STUN_USERNAME, HP_STUN_VALUE_TEXT},
    {HP_STUN_MESSAGE_INTEGRITY, HP_STUN_VALUE_COMPUTED},
    {HP_STUN_ERROR_CODE, HP_STUN_VALUE_ERROR},
    {HP_STUN_UNKNOWN_ATTRIBUTES, HP_STUN_VALUE_TYPES},
    {HP_STUN_CHANNEL_NUMBER, HP_STUN_VALUE_U16},
    {HP_STUN_LIFETIME, HP_STUN_VALUE_U32},
    {HP_STUN_DATA_ATTR, HP_STUN_VALUE_HEX},
    {HP_STUN_REALM, HP_STUN_VALUE_TEXT},
    {HP_STUN_NONCE, HP_STUN_VALUE_TEXT},
    {HP_STUN_REQUESTED_ADDRESS_FAMILY, HP_STUN_VALUE_FAMILY},
    {HP_STUN_EVEN_PORT, HP_STUN_VALUE_BYTE},
    {HP_STUN_REQUESTED_TRANSPORT, HP_STUN_VALUE_TRANSPORT},
    {HP_STUN_DONT_FRAGMENT, HP_STUN_VALUE_FLAG},
    {HP_STUN_MESSAGE_INTEGRITY_SHA256, HP_STUN_VALUE_COMPUTED},
    {HP_STUN_PASSWORD_ALGORITHM, HP_STUN_VALUE_ALGORITHM},
    {HP_STUN_USERHASH, HP_STUN_VALUE_USERHASH},
    {HP_STUN_PRIORITY, HP_STUN_VALUE_U32},
    {HP_STUN_USE_CANDIDATE, HP_STUN_VALUE_FLAG},
    {HP_STUN_PADDING, HP_STUN_VALUE_ZEROS},
    {HP_STUN_RESPONSE_PORT, HP_STUN_VALUE_U16},
    {HP_STUN_CONNECTION_ID, HP_STUN_VALUE_U32},
    {HP_STUN_ADDITIONAL_ADDRESS_FAMILY, HP_STUN_VALUE_FAMILY},
    {HP_STUN_PASSWORD_ALGORITHMS, HP_STUN_VALUE_ALGORITHM},
    {HP_STUN_ALTERNATE_DOMAIN, HP_STUN_VALUE_TEXT},
    {HP_STUN_SOFTWARE, HP_STUN_VALUE_TEXT},
    {HP_STUN_CACHE_TIMEOUT, HP_STUN_VALUE_U32},
    {HP_STUN_FINGERPRINT, HP_STUN_VALUE_COMPUTED},
    {HP_STUN_ICE_CONTROLLED, HP_STUN_VALUE_U64},
    {HP_STUN_ICE_CONTROLLING, HP_STUN_VALUE_U64},
    {HP_STUN_NOMINATION, HP_STUN_VALUE_U32},
};

hp_stun_value_kind hp_stun_value_kind_of(uint16_t type)
{
    bool xored;
    if (hp_match_is_address_attribute(type, &xored)) {
        return HP_STUN_VALUE_ADDRESS;
    }
    for (size_t i = 0; i < G_N_ELEMENTS(kinds); i++) {
        if (kinds[i].type == type) {
            return kinds[i].kind;
        }
    }
    return HP_STUN_VALUE_HEX;
}

const char *hp_stun_value_what(hp_stun_value_kind kind)
{
    switch (kind) {
    case HP_STUN_VALUE_HEX:
        return "hexadecimal digits";
    case HP_STUN_VALUE_TEXT:
        return "text";
    case HP_STUN_VALUE_ADDRESS:
        return "an address with a port";
    case HP_STUN_VALUE_U32:
        return "a number of 32 bits";
    case HP_STUN_VALUE_U64:
        return "a number of 64 bits";
    case HP_STUN_VALUE_U16:
        return "a number of 16 bits";
    case HP_STUN_VALUE_TRANSPORT:
        return "udp, tcp or a number";
    case HP_STUN_VALUE_FAMILY:
        return "ipv4, ipv6 or a number";
    case HP_STUN_VALUE_BYTE:
        return "a number from 0 to 255";
    case HP_STUN_VALUE_FLAG:
        return "nothing: it is there or not";
    case HP_STUN_VALUE_ERROR:
        return "a code from 300 to 699, and perhaps a phrase";
    case HP_STUN_VALUE_TYPES:
        return "attributes, by name or number";
    case HP_STUN_VALUE_ALGORITHM:
        return "md5, sha256 or several of them";
    case HP_STUN_VALUE_USERHASH:
        return "user:realm";
    case HP_STUN_VALUE_ZEROS:
        return "a number of bytes";
    case HP_STUN_VALUE_COMPUTED:
        return "right or wrong";
    }
    return "a value";
}

/* ---- small readers ---- */

static bool number(const char *text, uint64_t max, uint64_t *ret)
{
    bool hex = g_str_has_prefix(text, "0x");
    return g_ascii_string_to_unsigned(text + (hex ? 2 : 0), hex ? 16 : 10, 0, max, ret, NULL);
}

bool hp_stun_method_parse(const char *text, uint16_t *ret)
{
    guint64 value;
    if (hp_stun_method_from_name(text, ret)) {
        return true;
    }
    if (!number(text, MAX_METHOD, &value)) {
        return false;
    }
    *ret = (uint16_t)value;
    return true;
}

bool hp_stun_type_parse(const char *text, uint16_t *ret)
{
    guint64 value;
    if (hp_stun_attr_from_name(text, ret)) {
        return true;
    }
    if (!number(text, UINT16_MAX, &value)) {
        return false;
    }
    *ret = (uint16_t)value;
    return true;
}

bool hp_hex_parse(const char *text, GByteArray *out)
{
    guint before = out->len;
    for (const char *p = text; *p != '\0';) {
        if (*p == ' ' || *p == ':' || *p == '\n') {
            p++;
            continue;
        }
        if (!g_ascii_isxdigit(p[0]) || !g_ascii_isxdigit(p[1])) {
            g_byte_array_set_size(out, before);
            return false;
        }
        uint8_t byte = (uint8_t)(g_ascii_xdigit_value(p[0]) << 4 | g_ascii_xdigit_value(p[1]));
        g_byte_array_append(out, &byte, 1);
        p += 2;
    }
    return true;
}

char *hp_hex_format(const uint8_t *data, size_t len)
{
    GString *out = g_string_sized_new(2 * len + 1);
    for (size_t i = 0; i < len; i++) {
        g_string_append_printf(out, "%02x", data[i]);
    }
    return g_string_free(out, FALSE);
}

/* ---- text to bytes ---- */

static bool put_number(const char *text, uint64_t max, unsigned width, unsigned reserved, GByteArray *out)
{
    guint64 value;
    uint8_t bytes[8] = {0};
    if (!number(text, max, &value)) {
        return false;
    }
    for (unsigned i = 0; i < width; i++) {
        bytes[i] = (uint8_t)(value >> 8 * (width - 1 - i));
    }
    g_byte_array_append(out, bytes, width + reserved);
    return true;
}

static bool put_address(uint16_t type, const char *text, const uint8_t *mask, GByteArray *out)
{
    uint8_t buf[HP_STUN_HEADER + 24];
    hp_stun_writer w;
    hp_addr addr;
    bool xored = false;
    if (!hp_addr_parse(text, &addr)) {
        return false;
    }
    hp_match_is_address_attribute(type, &xored);
    hp_stun_begin(&w, buf, sizeof buf, HP_STUN_REQUEST, HP_STUN_BINDING, mask + MASK_AT, mask);
    hp_stun_add_addr(&w, type, &addr, xored);
    g_byte_array_append(out, buf + HP_STUN_HEADER + 4, (guint)(w.len - HP_STUN_HEADER - 4));
    return true;
}

static bool put_error(const char *text, GByteArray *out)
{
    g_auto(GStrv) parts = g_strsplit(text, " ", 2);
    guint64 code;
    if (parts[0] == NULL || !number(parts[0], 699, &code) || code < 300) {
        return false;
    }
    const char *usual = hp_stun_error_reason((unsigned)code);
    const char *phrase = parts[1] != NULL ? parts[1] : usual != NULL ? usual : "";
    uint8_t head[4] = {0, 0, (uint8_t)(code / 100), (uint8_t)(code % 100)};
    g_byte_array_append(out, head, sizeof head);
    g_byte_array_append(out, (const uint8_t *)phrase, (guint)strlen(phrase));
    return true;
}

/* Words apart by spaces or commas, each through `one`. */
static bool put_words(const char *text, bool (*one)(const char *word, GByteArray *out), GByteArray *out)
{
    g_auto(GStrv) words = g_strsplit_set(text, " ,", -1);
    for (char **word = words; *word != NULL; word++) {
        if (**word != '\0' && !one(*word, out)) {
            return false;
        }
    }
    return true;
}

static bool put_type(const char *word, GByteArray *out)
{
    uint16_t type;
    uint8_t bytes[2];
    if (!hp_stun_type_parse(word, &type)) {
        return false;
    }
    hp_put16(bytes, type);
    g_byte_array_append(out, bytes, sizeof bytes);
    return true;
}

/* The algorithm's number and no parameters. */
static bool put_algorithm(const char *word, GByteArray *out)
{
    guint64 value = strcmp(word, "md5") == 0 ? ALGORITHM_MD5 : strcmp(word, "sha256") == 0 ? ALGORITHM_SHA256 : 0;
    uint8_t bytes[4] = {0};
    if (value == 0 && !number(word, UINT16_MAX, &value)) {
        return false;
    }
    hp_put16(bytes, (uint32_t)value);
    g_byte_array_append(out, bytes, sizeof bytes);
    return true;
}

static bool put_userhash(const char *text, GByteArray *out)
{
    const char *colon = strchr(text, ':');
    uint8_t hash[32];
    if (colon == NULL) {
        return false;
    }
    g_autofree char *user = g_strndup(text, (gsize)(colon - text));
    hp_stun_userhash(user, colon + 1, hash);
    g_byte_array_append(out, hash, sizeof hash);
    return true;
}

static bool put_zeros(const char *text, GByteArray *out)
{
    guint64 n;
    if (!number(text, UINT16_MAX, &n)) {
        return false;
    }
    guint before = out->len;
    g_byte_array_set_size(out, before + (guint)n);
    memset(out->data + before, 0, n);
    return true;
}

static bool put_value(uint16_t type, hp_stun_value_kind kind, const char *text, const uint8_t *mask, GByteArray *out)
{
    switch (kind) {
    case HP_STUN_VALUE_HEX:
        return hp_hex_parse(text, out);
    case HP_STUN_VALUE_TEXT:
        g_byte_array_append(out, (const uint8_t *)text, (guint)strlen(text));
        return true;
    case HP_STUN_VALUE_ADDRESS:
        return put_address(type, text, mask, out);
    case HP_STUN_VALUE_U32:
        return put_number(text, UINT32_MAX, 4, 0, out);
    case HP_STUN_VALUE_U64:
        return put_number(text, UINT64_MAX, 8, 0, out);
    case HP_STUN_VALUE_U16:
        return put_number(text, UINT16_MAX, 2, 2, out);
    case HP_STUN_VALUE_TRANSPORT:
        return put_number(strcmp(text, "udp") == 0   ? "17"
                          : strcmp(text, "tcp") == 0 ? "6"
                                                     : text,
                          UINT8_MAX, 1, 3, out);
    case HP_STUN_VALUE_FAMILY:
        return put_number(strcmp(text, "ipv4") == 0   ? "1"
                          : strcmp(text, "ipv6") == 0 ? "2"
                                                      : text,
                          UINT8_MAX, 1, 3, out);
    case HP_STUN_VALUE_BYTE:
        return put_number(text, UINT8_MAX, 1, 0, out);
    case HP_STUN_VALUE_FLAG:
        return *text == '\0';
    case HP_STUN_VALUE_ERROR:
        return put_error(text, out);
    case HP_STUN_VALUE_TYPES:
        return put_words(text, put_type, out);
    case HP_STUN_VALUE_ALGORITHM:
        return put_words(text, put_algorithm, out);
    case HP_STUN_VALUE_USERHASH:
        return put_userhash(text, out);
    case HP_STUN_VALUE_ZEROS:
        return put_zeros(text, out);
    case HP_STUN_VALUE_COMPUTED:
        break;
    }
    return false;
}

bool hp_stun_value_parse(uint16_t type, const char *text, const uint8_t mask[static 16], GByteArray *out,
                         GError **error)
{
    hp_stun_value_kind kind = hp_stun_value_kind_of(type);
    guint before = out->len;
    if (put_value(type, kind, text, mask, out) && out->len - before <= UINT16_MAX) {
        return true;
    }
    g_byte_array_set_size(out, before);
    const char *name = hp_stun_attr_name(type);
    g_autofree char *number_text = name == NULL ? g_strdup_printf("0x%04x", type) : NULL;
    g_set_error(error, HP_ERROR, HP_ERROR_INVALID, "the value of %s is %s, not `%s`", name != NULL ? name : number_text,
                hp_stun_value_what(kind), text);
    return false;
}

/* ---- bytes to text ---- */

static void append_types(GString *out, const hp_stun_attr *attr)
{
    for (unsigned i = 0; i + 2 <= attr->length; i += 2) {
        uint16_t type = hp_get16(attr->value + i);
        const char *name = hp_stun_attr_name(type);
        g_string_append(out, i > 0 ? " " : "");
        if (name != NULL) {
            g_string_append(out, name);
        } else {
            g_string_append_printf(out, "0x%04x", type);
        }
    }
}

/* Each is a number, a length of parameters, and these. */
static bool append_algorithms(GString *out, const hp_stun_attr *attr)
{
    for (size_t at = 0; at < attr->length;) {
        if (attr->length - at < 4) {
            return false;
        }
        unsigned value = hp_get16(attr->value + at);
        at += 4 + (((size_t)hp_get16(attr->value + at + 2) + 3) & ~(size_t)3);
        g_string_append(out, out->len > 0 ? " " : "");
        if (value == ALGORITHM_MD5 || value == ALGORITHM_SHA256) {
            g_string_append(out, value == ALGORITHM_MD5 ? "md5" : "sha256");
        } else {
            g_string_append_printf(out, "%u", value);
        }
    }
    return true;
}

static char *error_text(const hp_stun_attr *attr)
{
    unsigned code;
    const char *phrase;
    size_t length;
    if (!hp_stun_attr_error(attr, &code, &phrase, &length)) {
        return NULL;
    }
    return g_strdup_printf("%u%s%.*s", code, length > 0 ? " " : "", (int)length, phrase);
}

static char *text_of(const hp_stun_msg *m, const hp_stun_attr *attr, hp_stun_value_kind kind)
{
    char buf[HP_ADDR_TEXT];
    GString *out = NULL;
    hp_addr addr;
    bool xored = false;

    switch (kind) {
    case HP_STUN_VALUE_TEXT:
        /* A NUL inside would cut it short. */
        return memchr(attr->value, 0, attr->length) != NULL ? NULL : g_strndup((const char *)attr->value, attr->length);
    case HP_STUN_VALUE_ADDRESS:
        hp_match_is_address_attribute(attr->type, &xored);
        return hp_stun_attr_addr(m, attr, xored, &addr) ? g_strdup(hp_addr_format(&addr, buf)) : NULL;
    case HP_STUN_VALUE_U32:
        return attr->length == 4 ? g_strdup_printf("%u", hp_get32(attr->value)) : NULL;
    case HP_STUN_VALUE_U64:
        return attr->length == 8 ? g_strdup_printf("%" G_GUINT64_FORMAT, hp_get64(attr->value)) : NULL;
    case HP_STUN_VALUE_U16:
        return attr->length == 4
                   ? g_strdup_printf(attr->type == HP_STUN_CHANNEL_NUMBER ? "0x%04x" : "%u", hp_get16(attr->value))
               : attr->length == 2 ? g_strdup_printf("%u", hp_get16(attr->value))
                                   : NULL;
    case HP_STUN_VALUE_TRANSPORT:
        return attr->length != 4      ? NULL
               : attr->value[0] == 17 ? g_strdup("udp")
               : attr->value[0] == 6  ? g_strdup("tcp")
                                      : g_strdup_printf("%u", attr->value[0]);
    case HP_STUN_VALUE_FAMILY:
        return attr->length != 4               ? NULL
               : attr->value[0] == FAMILY_IPV4 ? g_strdup("ipv4")
               : attr->value[0] == FAMILY_IPV6 ? g_strdup("ipv6")
                                               : g_strdup_printf("%u", attr->value[0]);
    case HP_STUN_VALUE_BYTE:
        return attr->length == 1 ? g_strdup_printf("%u", attr->value[0]) : NULL;
    case HP_STUN_VALUE_FLAG:
        return attr->length == 0 ? g_strdup("") : NULL;
    case HP_STUN_VALUE_ERROR:
        return error_text(attr);
    case HP_STUN_VALUE_TYPES:
        out = g_string_new(NULL);
        append_types(out, attr);
        return g_string_free(out, FALSE);
    case HP_STUN_VALUE_ALGORITHM:
        out = g_string_new(NULL);
        if (!append_algorithms(out, attr)) {
            g_string_free(out, TRUE);
            return NULL;
        }
        return g_string_free(out, FALSE);
    case HP_STUN_VALUE_ZEROS:
        return g_strdup_printf("%u", attr->length);
    case HP_STUN_VALUE_HEX:
    case HP_STUN_VALUE_USERHASH:
    case HP_STUN_VALUE_COMPUTED:
        break;
    }
    return NULL;
}

char *hp_stun_value_format(const hp_stun_msg *m, const hp_stun_attr *attr)
{
    char *text = text_of(m, attr, hp_stun_value_kind_of(attr->type));
    return text != NULL ? text : hp_hex_format(attr->value, attr->length);
}
