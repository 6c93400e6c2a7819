/* What a script expects, held against what came.
 *
 * The conditions are asked one after the other, the plain ones first, and the first that does not hold is the reason
 * that is told; how many held before it is how near an arrival came. Of several that did not fit the nearest is told,
 * the latest of equals.
 *
 * A message of a stream is matched as if it were a datagram: `match` speaks of UDP payloads. */
#include <string.h>

#include "engines/raw_private.h"
#include "wire/demux.h"

enum { DTLS_RECORD_HEADER = 13, DTLS_HANDSHAKE = 22, SHOWN = 80 };

static const char *kind_name(hp_raw_arrival_kind kind)
{
    switch (kind) {
    case HP_RAW_MESSAGE:
        return "a message";
    case HP_RAW_CONNECTED:
        return "connected";
    case HP_RAW_SECURED:
        return "secured";
    case HP_RAW_CLOSED:
        return "closed";
    case HP_RAW_RESET:
        return "reset";
    case HP_RAW_FAILED:
        return "failed";
    case HP_RAW_ICMP:
        return "an ICMP error";
    }
    return "?";
}

void hp_raw_contents(const hp_raw_arrival *a, bool inside, const uint8_t **ret, size_t *ret_len)
{
    hp_stun_msg m;
    hp_stun_attr attr;
    uint16_t channel;
    *ret = a->data;
    *ret_len = a->length;
    if (!inside || a->data == NULL) {
        return;
    }
    if (hp_stun_parse(a->data, a->length, &m) && m.method == HP_STUN_DATA && m.cls == HP_STUN_INDICATION &&
        hp_stun_find(&m, HP_STUN_DATA_ATTR, &attr)) {
        *ret = attr.value;
        *ret_len = attr.length;
    } else if (!hp_channel_data_parse(a->data, a->length, &channel, ret, ret_len)) {
        *ret = NULL;
        *ret_len = 0;
    }
}

const uint8_t *hp_raw_id_of(const uint8_t *data, size_t len)
{
    hp_stun_msg m;
    hp_stun_attr attr;
    uint16_t channel;
    const uint8_t *inner = NULL;
    size_t inner_len = 0;
    if (hp_stun_parse(data, len, &m) && m.method == HP_STUN_SEND && m.cls == HP_STUN_INDICATION &&
        hp_stun_find(&m, HP_STUN_DATA_ATTR, &attr)) {
        inner = attr.value;
        inner_len = attr.length;
    } else if (!hp_channel_data_parse(data, len, &channel, &inner, &inner_len)) {
        inner = NULL;
    }
    if (inner != NULL && hp_wire_classify(inner, inner_len) == HP_WIRE_STUN) {
        data = inner;
        len = inner_len;
    }
    return len >= HP_STUN_HEADER ? data + 8 : NULL;
}

/* Text from the network, fit to be shown. */
static char *shown(const char *text)
{
    g_autofree char *escaped = g_strescape(text, NULL);
    return strlen(escaped) > SHOWN ? g_strdup_printf("%.*s...", SHOWN, escaped) : g_steal_pointer(&escaped);
}

char *hp_raw_arrival_describe(const hp_raw_arrival *a)
{
    if (a->kind == HP_RAW_MESSAGE) {
        g_autofree char *what = hp_wire_describe(a->data, a->length);
        const uint8_t *inner;
        size_t len;
        hp_raw_contents(a, true, &inner, &len);
        bool wrapped = inner != NULL && inner != a->data && hp_wire_classify(inner, len) != HP_WIRE_OTHER;
        g_autofree char *within = wrapped ? hp_wire_describe(inner, len) : NULL;
        return within != NULL ? g_strdup_printf("%s with %s", what, within) : g_steal_pointer(&what);
    }
    return g_strdup_printf("%s%s%s", kind_name(a->kind), a->detail != NULL && *a->detail != '\0' ? ": " : "",
                           a->detail != NULL ? a->detail : "");
}

char *hp_raw_filter_describe(const hp_raw_filter *f)
{
    GString *out = g_string_new(NULL);
    if (f->is != HP_RAW_MESSAGE) {
        g_string_append(out, kind_name(f->is));
    } else if (f->has_stun) {
        g_string_append_printf(out, "%s%s%s", f->method != NULL ? f->method : "STUN", f->has_class ? " " : "",
                               f->has_class  ? hp_stun_class_name(f->cls)
                               : f->code > 0 ? " error"
                                             : "");
        if (f->code > 0) {
            g_string_append_printf(out, " %u", f->code);
        }
    } else {
        g_string_append(out, "a message");
    }
    if (f->n_attributes > 0) {
        g_string_append(out, " with");
        for (unsigned i = 0; i < f->n_attributes; i++) {
            const hp_raw_attribute *a = &f->attributes[i];
            const char *value = a->value != NULL ? a->value : a->hex != NULL ? a->hex : "";
            g_string_append_printf(out, "%s %s%s%s", i > 0 ? "," : "", a->name, *value != '\0' ? " " : "", value);
        }
    }
    if (f->inside) {
        g_string_append(out, " inside TURN data");
    }
    if (f->answers != NULL) {
        g_string_append_printf(out, " that answers `%s`", f->answers);
    }
    if (f->from != NULL) {
        g_string_append_printf(out, " from %s", f->from);
    }
    if (f->socket != NULL) {
        g_string_append_printf(out, " at socket %s", f->socket);
    }
    return g_string_free(out, FALSE);
}

/* ---- attributes ---- */

/* The USERNAME or REALM of a message, for its key. */
static char *text_in(const hp_stun_msg *m, uint16_t type)
{
    hp_stun_attr attr;
    return hp_stun_find(m, type, &attr) ? hp_stun_value_format(m, &attr) : NULL;
}

static char *judge_digest(hp_raw *raw, const hp_raw_attribute *a, const hp_stun_msg *m)
{
    hp_stun_verdict verdict;
    bool wants_wrong = a->wrong || g_strcmp0(a->value, "wrong") == 0;
    if (a->type == HP_STUN_FINGERPRINT) {
        verdict = hp_stun_check_fingerprint(m);
    } else {
        g_autofree char *user = text_in(m, HP_STUN_USERNAME), *realm = text_in(m, HP_STUN_REALM);
        g_autoptr(GError) error = NULL;
        hp_stun_key key;
        /* An answer names no user: whose key it is the expectation says. */
        if (!hp_raw_key(raw, a, user, realm, false, &key, &error)) {
            return g_strdup(error->message);
        }
        verdict = hp_stun_check_integrity(m, &key, a->type == HP_STUN_MESSAGE_INTEGRITY_SHA256);
    }
    return verdict == (wants_wrong ? HP_STUN_BAD : HP_STUN_GOOD)
               ? NULL
               : g_strdup_printf("%s is %s", a->name,
                                 verdict == HP_STUN_ABSENT ? "not there"
                                 : verdict == HP_STUN_GOOD ? "right"
                                                           : "wrong");
}

static bool is_number(hp_stun_value_kind kind)
{
    return kind == HP_STUN_VALUE_U32 || kind == HP_STUN_VALUE_U64 || kind == HP_STUN_VALUE_U16 ||
           kind == HP_STUN_VALUE_BYTE || kind == HP_STUN_VALUE_ZEROS;
}

/* Whether text is what a value read from the network should be: the same text, the same number, in the range, the same
 * address, the same code. */
static bool value_is(hp_raw *raw, uint16_t type, const char *wanted, const char *actual)
{
    hp_stun_value_kind kind = hp_stun_value_kind_of(type);
    hp_compare range;
    hp_addr a, b;
    guint64 n;
    if (strcmp(wanted, actual) == 0) {
        return true;
    }
    if (is_number(kind)) {
        bool hex = g_str_has_prefix(actual, "0x"), wanted_hex = g_str_has_prefix(wanted, "0x");
        guint64 exact;
        if (!g_ascii_string_to_unsigned(actual + (hex ? 2 : 0), hex ? 16 : 10, 0, G_MAXUINT64, &n, NULL)) {
            return false;
        }
        if (g_ascii_string_to_unsigned(wanted + (wanted_hex ? 2 : 0), wanted_hex ? 16 : 10, 0, G_MAXUINT64, &exact,
                                       NULL)) {
            return n == exact;
        }
        return n <= INT64_MAX && hp_compare_parse(wanted, HP_UNIT_COUNT, &range) &&
               hp_compare_holds(&range, (int64_t)n);
    }
    if (kind == HP_STUN_VALUE_ADDRESS && hp_addr_parse(actual, &a)) {
        bool given = hp_addr_parse(wanted, &b) || hp_raw_address(raw, wanted, HP_RAW_OVER_UDP, &b, NULL);
        return given && (b.port == 0 ? hp_addr_same_ip(&a, &b) : hp_addr_equal(&a, &b));
    }
    /* The phrase is the server's own affair. */
    return kind == HP_STUN_VALUE_ERROR && strlen(wanted) == 3 && g_str_has_prefix(actual, wanted);
}

static char *judge_value(hp_raw *raw, const hp_raw_attribute *a, const hp_stun_msg *m, const hp_stun_attr *attr)
{
    const char *template = a->hex != NULL       ? a->hex
                           : a->text != NULL    ? a->text
                           : a->differs != NULL ? a->differs
                                                : a->value;
    if (template == NULL || (a->value != NULL && strcmp(a->value, "present") == 0)) {
        return NULL;
    }
    g_autoptr(GError) error = NULL;
    g_autofree char *wanted = hp_raw_expand(raw, template, &error);
    if (wanted == NULL) {
        return g_strdup(error->message);
    }
    g_autofree char *actual = a->hex != NULL    ? hp_hex_format(attr->value, attr->length)
                              : a->text != NULL ? g_strndup((const char *)attr->value, attr->length)
                                                : hp_stun_value_format(m, attr);
    bool same;
    if (a->hex != NULL) {
        g_autoptr(GByteArray) bytes = g_byte_array_new();
        same = hp_hex_parse(wanted, bytes) && bytes->len == attr->length &&
               (bytes->len == 0 || memcmp(bytes->data, attr->value, bytes->len) == 0);
    } else {
        same = a->text != NULL ? strcmp(wanted, actual) == 0 : value_is(raw, a->type, wanted, actual);
    }
    if (same == (a->differs == NULL)) {
        return NULL;
    }
    g_autofree char *seen = shown(actual);
    g_autofree char *hoped = shown(wanted);
    return a->differs != NULL ? g_strdup_printf("%s is `%s`, and should be anything else", a->name, seen)
                              : g_strdup_printf("%s is `%s`, not `%s`", a->name, seen, hoped);
}

static char *judge_attribute(hp_raw *raw, const hp_raw_attribute *a, const hp_stun_msg *m)
{
    hp_stun_attr attr;
    bool there = hp_stun_find(m, a->type, &attr), absent = g_strcmp0(a->value, "absent") == 0;
    if (absent || !there) {
        return there == !absent ? NULL : g_strdup_printf("%s is %s", a->name, there ? "there" : "not there");
    }
    if (a->has_length && attr.length != a->length) {
        return g_strdup_printf("%s has %u bytes, not %u", a->name, attr.length, a->length);
    }
    bool digest = hp_stun_value_kind_of(a->type) == HP_STUN_VALUE_COMPUTED && g_strcmp0(a->value, "present") != 0 &&
                  a->hex == NULL &&
                  (a->type == HP_STUN_FINGERPRINT || a->value != NULL || a->password != NULL || a->key != NULL);
    return digest ? judge_digest(raw, a, m) : judge_value(raw, a, m, &attr);
}

/* ---- the message ---- */

static char *judge_id(hp_raw *raw, const char *name, const hp_stun_msg *m)
{
    GBytes *bytes = g_hash_table_lookup(raw->sent, name);
    gsize len = 0;
    const uint8_t *data = bytes != NULL ? g_bytes_get_data(bytes, &len) : NULL;
    const uint8_t *id = data != NULL ? hp_raw_id_of(data, len) : NULL;
    if (id == NULL) {
        return g_strdup_printf("`%s` was not sent", name);
    }
    return memcmp(id, m->id, 12) == 0 ? NULL : g_strdup_printf("it does not answer `%s`", name);
}

static char *judge_stun(hp_raw *raw, const hp_raw_filter *f, const uint8_t *data, size_t len, int *score)
{
    hp_stun_msg m;
    hp_stun_attr attr;
    uint16_t method;
    unsigned code = 0;
    if (data == NULL || !hp_stun_parse(data, len, &m)) {
        return g_strdup("it is no STUN message");
    }
    ++*score;
    if (f->method != NULL && (!hp_stun_method_parse(f->method, &method) || method != m.method)) {
        const char *name = hp_stun_method_name(m.method);
        return g_strdup_printf("its method is %s", name != NULL ? name : "another");
    }
    ++*score;
    if (f->has_class && f->cls != m.cls) {
        return g_strdup_printf("it is %s %s", m.cls == HP_STUN_INDICATION || m.cls == HP_STUN_ERROR ? "an" : "a",
                               hp_stun_class_name(m.cls));
    }
    ++*score;
    if (f->code > 0) {
        bool has = hp_stun_find(&m, HP_STUN_ERROR_CODE, &attr) && hp_stun_attr_error(&attr, &code, NULL, NULL);
        if (!has) {
            return g_strdup_printf("it has no error code, and should have %u", f->code);
        }
        if (code != f->code) {
            return g_strdup_printf("its code is %u, not %u", code, f->code);
        }
    }
    ++*score;
    if (f->answers != NULL) {
        char *why = judge_id(raw, f->answers, &m);
        if (why != NULL) {
            return why;
        }
    }
    ++*score;
    for (unsigned i = 0; i < f->n_attributes; i++) {
        char *why = judge_attribute(raw, &f->attributes[i], &m);
        if (why != NULL) {
            return why;
        }
        ++*score;
    }
    return NULL;
}

static char *judge_dtls(const hp_raw_filter *f, const uint8_t *data, size_t len)
{
    if (!f->has_dtls_type && !f->has_dtls_handshake) {
        return NULL;
    }
    if (data == NULL || hp_wire_classify(data, len) != HP_WIRE_DTLS || len <= DTLS_RECORD_HEADER) {
        return g_strdup("it is no DTLS record");
    }
    if (f->has_dtls_type && data[0] != f->dtls_type) {
        return g_strdup_printf("its record's type is %u, not %u", data[0], f->dtls_type);
    }
    if (f->has_dtls_handshake && (data[0] != DTLS_HANDSHAKE || data[DTLS_RECORD_HEADER] != f->dtls_handshake)) {
        return data[0] != DTLS_HANDSHAKE
                   ? g_strdup("it is no handshake message")
                   : g_strdup_printf("it is handshake message %u, not %u", data[DTLS_RECORD_HEADER], f->dtls_handshake);
    }
    return NULL;
}

static char *judge_contents(hp_raw *raw, const hp_raw_filter *f, const uint8_t *data, size_t len)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GByteArray) wanted = g_byte_array_new();
    if (f->size.set && !hp_compare_holds(&f->size, (int64_t)len)) {
        return g_strdup_printf("it has %zu bytes", len);
    }
    if (f->bytes != NULL) {
        if (!hp_raw_expand_hex(raw, f->bytes, wanted, &error)) {
            return g_strdup(error->message);
        }
    } else if (f->text != NULL) {
        g_autofree char *text = hp_raw_expand(raw, f->text, &error);
        if (text == NULL) {
            return g_strdup(error->message);
        }
        g_byte_array_append(wanted, (const uint8_t *)text, (guint)strlen(text));
    } else {
        return NULL;
    }
    if (data != NULL && len == wanted->len && (len == 0 || memcmp(data, wanted->data, len) == 0)) {
        return NULL;
    }
    g_autofree char *hex = data != NULL ? hp_hex_format(data, MIN(len, SHOWN / 2)) : g_strdup("nothing");
    return g_strdup_printf("its %zu bytes are %s%s", len, hex, len > SHOWN / 2 ? "..." : "");
}

bool hp_raw_matches(const hp_match *match, const hp_raw_arrival *a)
{
    const hp_match_subject subject = {.src = a->from,
                                      .dst = a->to,
                                      .proto = HP_PROTO_UDP,
                                      .payload = a->data,
                                      .payload_length = a->length,
                                      .ttl = a->ttl,
                                      .tos = a->tos};
    return hp_match_packet(match, &subject);
}

static char *judge(hp_raw *raw, const hp_raw_filter *f, const hp_raw_arrival *a, int *score)
{
    const uint8_t *data;
    size_t len;
    hp_addr from;
    char *why = NULL;
    if (f->socket != NULL && strcmp(f->socket, a->at->config->name) != 0) {
        return g_strdup_printf("it came to socket %s", a->at->config->name);
    }
    ++*score;
    if (f->is != a->kind) {
        return g_strdup_printf("it is %s", kind_name(a->kind));
    }
    ++*score;
    if (f->icmp != HP_ICMP_NONE && f->icmp != a->icmp) {
        return g_strdup_printf("it is %s", a->detail);
    }
    if (f->from != NULL) {
        g_autoptr(GError) error = NULL;
        hp_raw_transport transport = a->at->config->transport;
        if (!hp_raw_address(raw, f->from, transport, &from, &error)) {
            return g_strdup(error->message);
        }
        if (from.port == 0 ? !hp_addr_same_ip(&from, &a->from) : !hp_addr_equal(&from, &a->from)) {
            char text[HP_ADDR_TEXT];
            return g_strdup_printf("it is from %s", hp_addr_format(&a->from, text));
        }
    }
    ++*score;
    if (a->kind != HP_RAW_MESSAGE) {
        return NULL;
    }
    if (f->has_match && !hp_raw_matches(&f->match, a)) {
        return g_strdup("`match` does not hold");
    }
    ++*score;
    hp_raw_contents(a, f->inside, &data, &len);
    if (f->inside && data == NULL) {
        return g_strdup("nothing is wrapped in it");
    }
    ++*score;
    if (f->has_stun) {
        why = judge_stun(raw, f, data, len, score);
    }
    why = why != NULL ? why : judge_dtls(f, data, len);
    return why != NULL ? why : judge_contents(raw, f, data, len);
}

bool hp_raw_filter_fits(hp_raw *raw, const hp_raw_filter *filter, const hp_raw_arrival *arrival, int *ret_score,
                        char **ret_why)
{
    int score = 0;
    char *why = judge(raw, filter, arrival, &score);
    *ret_score = score;
    *ret_why = why;
    return why == NULL;
}
