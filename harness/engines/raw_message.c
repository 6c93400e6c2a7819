/* Building what a script says: one message of any kind, in the wrapper that it asks for, or a flight of DTLS records.
 *
 * STUN is written in raw_stun.c, DTLS and RTP in raw_records.c. What goes through TURN is built first and put into a
 * Send indication (RFC 8656 section 11.1) or ChannelData (section 12.4) then; of a DTLS flight each datagram by
 * itself. */
#include <string.h>

#include "base/error.h"
#include "engines/raw_private.h"
#include "wire/bytes.h"

/* A number of 16 bits, out of a template. */
static bool expand_u16(hp_raw *raw, const char *text, uint16_t *ret, GError **error)
{
    g_autofree char *digits = hp_raw_expand(raw, text, error);
    guint64 value;
    if (digits == NULL) {
        return false;
    }
    bool hex = g_str_has_prefix(digits, "0x");
    if (!g_ascii_string_to_unsigned(digits + (hex ? 2 : 0), hex ? 16 : 10, 0, UINT16_MAX, &value, NULL)) {
        g_set_error(error, HP_ERROR, HP_ERROR_INVALID, "`%s` is no number of 16 bits", digits);
        return false;
    }
    *ret = (uint16_t)value;
    return true;
}

static bool expand_text(hp_raw *raw, const char *text, GByteArray *out, GError **error)
{
    g_autofree char *value = text != NULL ? hp_raw_expand(raw, text, error) : g_strdup("");
    if (value != NULL) {
        g_byte_array_append(out, (const uint8_t *)value, (guint)strlen(value));
    }
    return value != NULL;
}

static bool put_channel_data(hp_raw *raw, const char *channel, bool has_length, uint16_t length,
                             const GByteArray *inner, GByteArray *out, GError **error)
{
    uint8_t head[4];
    uint16_t number;
    if (!expand_u16(raw, channel, &number, error)) {
        return false;
    }
    hp_put16(head, number);
    hp_put16(head + 2, has_length ? length : inner->len);
    g_byte_array_append(out, head, sizeof head);
    g_byte_array_append(out, inner->data, inner->len);
    return true;
}

static bool build_channel_data(hp_raw *raw, const hp_raw_channel_data *c, GByteArray *out, GError **error)
{
    g_autoptr(GByteArray) inner = g_byte_array_new();
    bool ok =
        c->text != NULL ? expand_text(raw, c->text, inner, error) : hp_raw_expand_hex(raw, c->bytes, inner, error);
    return ok && put_channel_data(raw, c->channel, c->has_length, c->length, inner, out, error);
}

/* In a Send indication (RFC 8656 section 11.1) or ChannelData. */
static bool wrap(hp_raw *raw, const hp_raw_message *m, const GByteArray *inner, GByteArray *out, GError **error)
{
    if (m->through_channel != NULL) {
        return put_channel_data(raw, m->through_channel, m->has_through_length, m->through_length, inner, out, error);
    }
    g_autofree char *hex = hp_hex_format(inner->data, inner->len);
    hp_raw_attribute list[] = {
        {.name = (char *)"XOR-PEER-ADDRESS", .type = HP_STUN_XOR_PEER_ADDRESS, .value = m->through_peer},
        {.name = (char *)"DATA",
         .type = HP_STUN_DATA_ATTR,
         .hex = hex,
         .has_length = m->has_through_length,
         .length = m->through_length},
    };
    const hp_raw_stun send = {.has_class = true,
                              .cls = HP_STUN_INDICATION,
                              .method = (char *)"Send",
                              .attributes = list,
                              .n_attributes = G_N_ELEMENTS(list)};
    return hp_raw_build_stun(raw, &send, NULL, out, error);
}

static bool build_again(hp_raw *raw, const char *name, GByteArray *out, GError **error)
{
    GBytes *bytes = g_hash_table_lookup(raw->sent, name);
    if (bytes == NULL) {
        g_set_error(error, HP_ERROR, HP_ERROR_INVALID, "`%s` was not sent yet", name);
        return false;
    }
    gsize len;
    const uint8_t *data = g_bytes_get_data(bytes, &len);
    g_byte_array_append(out, data, (guint)len);
    return true;
}

static bool build_bare(hp_raw_endpoint *at, const hp_raw_message *m, const hp_raw_arrival *request, GByteArray *out,
                       GError **error)
{
    hp_raw *raw = at->raw;
    switch (m->content) {
    case HP_RAW_NOTHING:
    case HP_RAW_DTLS: /* apart: it may be several */
        return true;
    case HP_RAW_STUN:
        return hp_raw_build_stun(raw, &m->stun, request, out, error);
    case HP_RAW_CHECK:
        return hp_raw_build_check(raw, &m->check, out, error);
    case HP_RAW_CHANNEL_DATA:
        return build_channel_data(raw, &m->channel_data, out, error);
    case HP_RAW_BYTES:
        return hp_raw_expand_hex(raw, m->bytes, out, error);
    case HP_RAW_TEXT:
        return expand_text(raw, m->text, out, error);
    case HP_RAW_RANDOM: {
        guint before = out->len;
        g_byte_array_set_size(out, before + m->random);
        hp_rng_bytes(&raw->rng, out->data + before, m->random);
        return true;
    }
    case HP_RAW_RTP:
        return hp_raw_build_rtp(at, &m->rtp, out, error);
    case HP_RAW_AGAIN:
        return build_again(raw, m->again, out, error);
    }
    return false;
}

static bool wraps(const hp_raw_message *m)
{
    return m->through_peer != NULL || m->through_channel != NULL;
}

bool hp_raw_build(hp_raw_endpoint *at, const hp_raw_message *m, const hp_addr *to, const hp_raw_arrival *request,
                  GByteArray *out, GError **error)
{
    if (!wraps(m)) {
        return build_bare(at, m, request, out, error);
    }
    g_autoptr(GByteArray) inner = g_byte_array_new();
    return build_bare(at, m, request, inner, error) && wrap(at->raw, m, inner, out, error);
}

/* The datagrams of a DTLS flight, each wrapped by itself. */
static bool build_flight(hp_raw_endpoint *at, const hp_raw_message *m, GPtrArray *list, GError **error)
{
    g_autoptr(GPtrArray) bare = g_ptr_array_new_with_free_func((GDestroyNotify)g_bytes_unref);
    if (!hp_raw_build_dtls(at, &m->dtls, bare, error)) {
        return false;
    }
    for (guint i = 0; i < bare->len; i++) {
        if (!wraps(m)) {
            g_ptr_array_add(list, g_bytes_ref(bare->pdata[i]));
            continue;
        }
        g_autoptr(GByteArray) inner = g_bytes_unref_to_array(g_bytes_ref(bare->pdata[i]));
        GByteArray *out = g_byte_array_new();
        bool ok = wrap(at->raw, m, inner, out, error);
        GBytes *wrapped = g_byte_array_free_to_bytes(out);
        if (!ok) {
            g_bytes_unref(wrapped);
            return false;
        }
        g_ptr_array_add(list, wrapped);
    }
    return true;
}

GPtrArray *hp_raw_build_all(hp_raw_endpoint *at, const hp_raw_message *m, const hp_addr *to,
                            const hp_raw_arrival *request, GError **error)
{
    g_autoptr(GPtrArray) list = g_ptr_array_new_with_free_func((GDestroyNotify)g_bytes_unref);
    if (m->content == HP_RAW_DTLS) {
        return build_flight(at, m, list, error) ? g_steal_pointer(&list) : NULL;
    }
    g_autoptr(GByteArray) out = g_byte_array_new();
    if (!hp_raw_build(at, m, to, request, out, error)) {
        return NULL;
    }
    g_ptr_array_add(list, g_byte_array_free_to_bytes(g_steal_pointer(&out)));
    return g_steal_pointer(&list);
}
