/* What a script keeps of a message that it took: of the whole, or of what is wrapped in it, by the names that `keep`
 * knows (from, bytes, size, text, id, dtls-cookie), and any STUN attribute as its text. What is kept becomes a variable
 * (raw_variables.c). */
#include <string.h>

#include "base/error.h"
#include "engines/raw_private.h"

enum { DTLS_RECORD_HEADER = 13, DTLS_HANDSHAKE = 22, HANDSHAKE_HEADER = 12, HELLO_VERIFY_REQUEST = 3 };

/* The cookie of a HelloVerifyRequest (RFC 6347 section 4.2.1): behind both headers a version, then its length. */
static char *dtls_cookie(const uint8_t *data, size_t len)
{
    enum { LENGTH_AT = DTLS_RECORD_HEADER + HANDSHAKE_HEADER + 2 };
    if (len <= LENGTH_AT || data[0] != DTLS_HANDSHAKE || data[DTLS_RECORD_HEADER] != HELLO_VERIFY_REQUEST ||
        len - LENGTH_AT - 1 < data[LENGTH_AT]) {
        return NULL;
    }
    return hp_hex_format(data + LENGTH_AT + 1, data[LENGTH_AT]);
}

static char *value_to_keep(const hp_raw_arrival *a, const char *what, const uint8_t *data, size_t len)
{
    char buf[HP_ADDR_TEXT];
    hp_stun_msg m;
    hp_stun_attr attr;
    uint16_t type;
    if (strcmp(what, "from") == 0) {
        return g_strdup(hp_addr_format(&a->from, buf));
    }
    if (data == NULL) {
        return NULL;
    }
    if (strcmp(what, "bytes") == 0) {
        return hp_hex_format(data, len);
    }
    if (strcmp(what, "size") == 0) {
        return g_strdup_printf("%zu", len);
    }
    if (strcmp(what, "text") == 0) {
        return g_strndup((const char *)data, len);
    }
    if (strcmp(what, "dtls-cookie") == 0) {
        return dtls_cookie(data, len);
    }
    if (!hp_stun_parse(data, len, &m)) {
        return NULL;
    }
    if (strcmp(what, "id") == 0) {
        return hp_hex_format(m.id, 12);
    }
    return hp_stun_type_parse(what, &type) && hp_stun_find(&m, type, &attr) ? hp_stun_value_format(&m, &attr) : NULL;
}

bool hp_raw_keep(hp_raw *raw, const hp_raw_receive *receive, const hp_raw_arrival *a, GError **error)
{
    const uint8_t *data;
    size_t len;
    hp_raw_contents(a, receive->filter.inside, &data, &len);
    for (unsigned i = 0; i < receive->n_keep; i++) {
        g_autofree char *value = value_to_keep(a, receive->keep_from[i], data, len);
        if (value == NULL) {
            g_set_error(error, HP_ERROR, HP_ERROR_INVALID, "it has no %s to keep", receive->keep_from[i]);
            return false;
        }
        hp_raw_set(raw, receive->keep[i], value);
    }
    hp_raw_name_arrival(raw, "last", a);
    if (receive->as != NULL) {
        hp_raw_name_arrival(raw, receive->as, a);
    }
    return true;
}
