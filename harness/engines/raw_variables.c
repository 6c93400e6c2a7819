/* Variables of a raw peer's script, and templates.
 *
 * A template is text with "${name}" in it. Names are looked up in what was kept or set; then among those that are
 * always there:
 *   self.ufrag, self.password, self.tie-breaker, self.fingerprint (of its certificate), self.address (the host's),
 *   self.SOCKET (what a socket is bound to)
 *   NAME.address (a server's or peer's, with the port of UDP), NAME.host (without a port)
 *   random:N (N random bytes, in hexadecimal digits, anew each time)
 * and what is kept by itself: realm and nonce of the last challenge; last.from, last.id and last.bytes of the last
 * message that a receive took or that is being answered; remote.ufrag, remote.password, remote.candidate of the last
 * description signalled, and the same by the name of whoever signalled it. "$$" is a dollar sign. */
#include <string.h>

#include "base/error.h"
#include "engines/raw_private.h"

enum { MAX_RANDOM = 1024 };

void hp_raw_set(hp_raw *raw, const char *name, const char *value)
{
    g_hash_table_insert(raw->variables, g_strdup(name), g_strdup(value));
}

void hp_raw_set_field(hp_raw *raw, const char *name, const char *field, const char *value)
{
    g_hash_table_insert(raw->variables, g_strconcat(name, ".", field, NULL), g_strdup(value));
}

const char *hp_raw_variable(const hp_raw *raw, const char *name)
{
    return g_hash_table_lookup(raw->variables, name);
}

static char *random_hex(hp_raw *raw, const char *count)
{
    uint8_t bytes[MAX_RANDOM];
    guint64 n;
    if (!g_ascii_string_to_unsigned(count, 10, 1, MAX_RANDOM, &n, NULL)) {
        return NULL;
    }
    hp_rng_bytes(&raw->rng, bytes, n);
    return hp_hex_format(bytes, n);
}

static char *address_text(const hp_addr *addr)
{
    char buf[HP_ADDR_TEXT];
    return g_strdup(hp_addr_format(addr, buf));
}

static char *own_field(hp_raw *raw, const char *field)
{
    hp_addr addr;
    if (strcmp(field, "ufrag") == 0 || strcmp(field, "password") == 0) {
        return g_strdup(*field == 'u' ? hp_raw_ufrag(raw) : hp_raw_password(raw));
    }
    if (strcmp(field, "tie-breaker") == 0) {
        return g_strdup_printf("%" G_GUINT64_FORMAT, raw->tie_breaker);
    }
    if (strcmp(field, "fingerprint") == 0) {
        char text[HP_DTLS_FINGERPRINT_TEXT];
        if (!hp_raw_make_identity(raw, NULL)) {
            return NULL;
        }
        hp_dtls_fingerprint_format(hp_dtls_identity_fingerprint(raw->identity), text);
        return g_strdup(text);
    }
    if (strcmp(field, "address") == 0) {
        return raw->ops->own_address(raw->user, &addr) ? address_text(&addr) : NULL;
    }
    return hp_raw_local(raw, field, &addr) ? address_text(&addr) : NULL;
}

static char *field_of(hp_raw *raw, const char *name, const char *field)
{
    hp_addr addr;
    if (strcmp(name, "self") == 0) {
        return own_field(raw, field);
    }
    bool host = strcmp(field, "host") == 0;
    if ((!host && strcmp(field, "address") != 0) || !raw->ops->resolve(raw->user, name, HP_RAW_OVER_UDP, &addr)) {
        return NULL;
    }
    addr = host ? hp_addr_with_port(addr, 0) : addr;
    return address_text(&addr);
}

static char *value_of(hp_raw *raw, const char *name)
{
    const char *kept = hp_raw_variable(raw, name), *dot = strrchr(name, '.');
    if (kept != NULL) {
        return g_strdup(kept);
    }
    if (g_str_has_prefix(name, "random:")) {
        return random_hex(raw, name + strlen("random:"));
    }
    if (dot == NULL) {
        return NULL;
    }
    g_autofree char *first = g_strndup(name, (gsize)(dot - name));
    return field_of(raw, first, dot + 1);
}

char *hp_raw_expand(hp_raw *raw, const char *text, GError **error)
{
    g_autoptr(GString) out = g_string_new(NULL);
    for (const char *p = text; *p != '\0';) {
        const char *end = g_str_has_prefix(p, "${") ? strchr(p, '}') : NULL;
        if (g_str_has_prefix(p, "$$")) {
            g_string_append_c(out, '$');
            p += 2;
        } else if (end == NULL) {
            g_string_append_c(out, *p++);
        } else {
            g_autofree char *name = g_strndup(p + 2, (gsize)(end - p - 2));
            g_autofree char *value = value_of(raw, name);
            if (value == NULL) {
                g_set_error(error, HP_ERROR, HP_ERROR_INVALID, "`${%s}` has no value yet", name);
                return NULL;
            }
            g_string_append(out, value);
            p = end + 1;
            if (out->len > HP_RAW_MAX_TEXT) {
                g_set_error(error, HP_ERROR, HP_ERROR_LIMIT, "a text with its variables is longer than %d bytes",
                            HP_RAW_MAX_TEXT);
                return NULL;
            }
        }
    }
    return g_string_free(g_steal_pointer(&out), FALSE);
}

bool hp_raw_expand_hex(hp_raw *raw, const char *text, GByteArray *out, GError **error)
{
    if (text == NULL) {
        return true;
    }
    g_autofree char *digits = hp_raw_expand(raw, text, error);
    if (digits == NULL) {
        return false;
    }
    if (!hp_hex_parse(digits, out)) {
        g_set_error(error, HP_ERROR, HP_ERROR_INVALID, "`%s` has other than hexadecimal digits in pairs", digits);
        return false;
    }
    return true;
}

bool hp_raw_address(hp_raw *raw, const char *text, hp_raw_transport transport, hp_addr *ret, GError **error)
{
    g_autofree char *name = hp_raw_expand(raw, text, error);
    hp_addr addr;
    if (name == NULL) {
        return false;
    }
    const char *candidate = NULL;
    if (!hp_addr_parse(name, &addr)) {
        g_autofree char *field = g_strconcat(name, ".candidate", NULL);
        candidate = hp_raw_variable(raw, field);
        if ((candidate == NULL || !hp_addr_parse(candidate, &addr)) &&
            !raw->ops->resolve(raw->user, name, transport, &addr)) {
            g_set_error(error, HP_ERROR, HP_ERROR_INVALID, "nobody is known to be at `%s`", name);
            return false;
        }
    }
    *ret = addr;
    return true;
}

void hp_raw_name_arrival(hp_raw *raw, const char *name, const hp_raw_arrival *arrival)
{
    g_autofree char *from = address_text(&arrival->from), *bytes = hp_hex_format(arrival->data, arrival->length);
    hp_stun_msg m;
    hp_raw_set_field(raw, name, "from", from);
    hp_raw_set_field(raw, name, "bytes", bytes);
    if (arrival->data != NULL && hp_stun_parse(arrival->data, arrival->length, &m)) {
        g_autofree char *id = hp_hex_format(m.id, 12), *cookie = hp_hex_format(m.data + 4, 4);
        hp_raw_set_field(raw, name, "id", id);
        hp_raw_set_field(raw, name, "cookie", cookie);
    }
}

void hp_raw_learn(hp_raw *raw, const hp_raw_arrival *arrival)
{
    static const struct {
        uint16_t type;
        const char *name;
    } learned[] = {{HP_STUN_REALM, "realm"}, {HP_STUN_NONCE, "nonce"}};
    hp_stun_msg m;
    hp_stun_attr attr;
    if (arrival->data == NULL || !hp_stun_parse(arrival->data, arrival->length, &m) || m.cls != HP_STUN_ERROR) {
        return;
    }
    for (size_t i = 0; i < G_N_ELEMENTS(learned); i++) {
        if (hp_stun_find(&m, learned[i].type, &attr)) {
            g_autofree char *value = hp_stun_value_format(&m, &attr);
            hp_raw_set(raw, learned[i].name, value);
        }
    }
}
