/* DTLS records in the clear (RFC 6347 sections 4.1 and 4.2.2) and RTP packets (RFC 3550 section 5.1), as a script
 * spells them out.
 *
 *   record      type(1) version(2) epoch(2) sequence(6) length(2)
 *   handshake   type(1) length(3) message(2) offset(3) fragment length(3)
 *
 * A handshake message may be cut into fragments, a record each; all fragments tell the whole's length. A ClientHello
 * that says nothing else is one that OpenSSL 3.0 answers: two ECDHE-ECDSA suites, P-256 and X25519, uncompressed
 * points, ECDSA and RSA-PSS signatures, extended master secret and, as WebRTC asks for, use_srtp. */
#include <string.h>

#include "base/error.h"
#include "engines/raw_private.h"
#include "wire/bytes.h"

enum { RECORD_HEADER = 13, HANDSHAKE_HEADER = 12, TYPE_HANDSHAKE = 22, CLIENT_HELLO = 1, RANDOM = 32, RTP_HEADER = 12 };

#define CIPHERS "c02bc02f"
/* extended_master_secret; supported_groups; ec_point_formats; signature_algorithms; use_srtp: two profiles, no MKI */
#define EXTENSIONS                                                                                                     \
    "00170000"                                                                                                         \
    "000a00060004001d0017"                                                                                             \
    "000b00020100"                                                                                                     \
    "000d0008000604030804"                                                                                             \
    "0401"                                                                                                             \
    "000e000700040007000100"

static void put8(GByteArray *out, unsigned value)
{
    uint8_t byte = (uint8_t)value;
    g_byte_array_append(out, &byte, 1);
}

static void put16(GByteArray *out, unsigned value)
{
    put8(out, value >> 8);
    put8(out, value);
}

static void put24(GByteArray *out, unsigned value)
{
    put8(out, value >> 16);
    put16(out, value);
}

/* With the length before it, in `width` bytes. */
static bool put_vector(hp_raw *raw, const char *text, unsigned width, GByteArray *out, GError **error)
{
    g_autoptr(GByteArray) bytes = g_byte_array_new();
    if (!hp_raw_expand_hex(raw, text, bytes, error)) {
        return false;
    }
    if (bytes->len > (width == 1 ? UINT8_MAX : UINT16_MAX)) {
        g_set_error_literal(error, HP_ERROR, HP_ERROR_INVALID, "a part of the ClientHello is too long");
        return false;
    }
    if (width == 1) {
        put8(out, bytes->len);
    } else {
        put16(out, bytes->len);
    }
    g_byte_array_append(out, bytes->data, bytes->len);
    return true;
}

static bool put_hello(hp_raw *raw, const hp_raw_client_hello *hello, GByteArray *out, GError **error)
{
    put16(out, hello->version);
    if (hello->random != NULL) {
        guint before = out->len;
        if (!hp_raw_expand_hex(raw, hello->random, out, error)) {
            return false;
        }
        if (out->len - before != RANDOM) {
            g_set_error_literal(error, HP_ERROR, HP_ERROR_INVALID, "a ClientHello's random has 32 bytes");
            return false;
        }
    } else {
        /* Of the same stream, but kept for a second ClientHello: RFC 6347 section 4.2.1 wants the same values there. */
        if (hp_raw_variable(raw, "dtls.random") == NULL) {
            uint8_t bytes[RANDOM];
            hp_rng_bytes(&raw->rng, bytes, sizeof bytes);
            g_autofree char *hex = hp_hex_format(bytes, sizeof bytes);
            hp_raw_set(raw, "dtls.random", hex);
        }
        hp_hex_parse(hp_raw_variable(raw, "dtls.random"), out);
    }
    bool ok = put_vector(raw, hello->session, 1, out, error) && put_vector(raw, hello->cookie, 1, out, error) &&
              put_vector(raw, hello->ciphers != NULL ? hello->ciphers : CIPHERS, 2, out, error);
    if (!ok) {
        return false;
    }
    put16(out, 0x0100); /* one compression method, and it is none */
    return put_vector(raw, hello->extensions != NULL ? hello->extensions : EXTENSIONS, 2, out, error);
}

static void put_record(hp_raw_endpoint *at, const hp_raw_dtls *dtls, unsigned type, uint64_t sequence,
                       const uint8_t *data, size_t len, GByteArray *out)
{
    put8(out, type);
    put16(out, dtls->version);
    put16(out, dtls->epoch);
    put16(out, (unsigned)(sequence >> 32));
    put16(out, (unsigned)(sequence >> 16));
    put16(out, (unsigned)sequence);
    put16(out, (unsigned)len);
    g_byte_array_append(out, data, (guint)len);
}

/* The records of a handshake message, each in an array of its own. */
static void put_fragments(hp_raw_endpoint *at, const hp_raw_dtls *dtls, unsigned type, const GByteArray *body,
                          GPtrArray *records)
{
    uint32_t size = dtls->fragment > 0 ? dtls->fragment : MAX(body->len, 1);
    uint64_t sequence = dtls->has_sequence ? dtls->sequence : at->dtls_sequence;
    for (uint32_t offset = 0; offset == 0 || offset < body->len; offset += size) {
        uint32_t length = MIN(size, body->len - offset);
        g_autoptr(GByteArray) fragment = g_byte_array_new();
        put8(fragment, type);
        put24(fragment, body->len);
        put16(fragment, dtls->message);
        put24(fragment, offset);
        put24(fragment, length);
        g_byte_array_append(fragment, body->data + offset, length);
        GByteArray *record = g_byte_array_new();
        put_record(at, dtls, dtls->type, sequence++, fragment->data, fragment->len, record);
        g_ptr_array_add(records, record);
    }
    at->dtls_sequence = sequence;
}

static void unref_array(gpointer array)
{
    g_byte_array_unref(array);
}

bool hp_raw_build_dtls(hp_raw_endpoint *at, const hp_raw_dtls *dtls, GPtrArray *list, GError **error)
{
    g_autoptr(GPtrArray) records = g_ptr_array_new_with_free_func(unref_array);
    g_autoptr(GByteArray) body = g_byte_array_new();
    bool ok = dtls->has_hello ? put_hello(at->raw, &dtls->hello, body, error)
                              : hp_raw_expand_hex(at->raw, dtls->body, body, error);
    if (!ok) {
        return false;
    }
    if (body->len > HP_RAW_MAX_MESSAGE) {
        g_set_error_literal(error, HP_ERROR, HP_ERROR_INVALID, "the record is too long");
        return false;
    }
    if (dtls->has_hello || dtls->has_handshake) {
        put_fragments(at, dtls, dtls->has_hello ? CLIENT_HELLO : dtls->handshake, body, records);
    } else {
        GByteArray *record = g_byte_array_new();
        uint64_t sequence = dtls->has_sequence ? dtls->sequence : at->dtls_sequence;
        put_record(at, dtls, dtls->type, sequence, body->data, body->len, record);
        at->dtls_sequence = sequence + 1;
        g_ptr_array_add(records, record);
    }
    g_autoptr(GByteArray) whole = g_byte_array_new();
    for (guint i = 0; i < records->len; i++) {
        const GByteArray *record = records->pdata[dtls->reversed ? records->len - 1 - i : i];
        if (dtls->together) {
            g_byte_array_append(whole, record->data, record->len);
        } else {
            g_ptr_array_add(list, g_bytes_new(record->data, record->len));
        }
    }
    if (dtls->together) {
        g_ptr_array_add(list, g_bytes_new(whole->data, whole->len));
    }
    return true;
}

bool hp_raw_build_rtp(hp_raw_endpoint *at, const hp_raw_rtp *rtp, GByteArray *out, GError **error)
{
    uint8_t head[RTP_HEADER] = {0x80, (uint8_t)((rtp->marker ? 0x80 : 0) | rtp->payload_type)};
    uint16_t sequence = rtp->has_sequence ? rtp->sequence : at->rtp_sequence;
    at->rtp_sequence = (uint16_t)(sequence + 1);
    hp_put16(head + 2, sequence);
    hp_put32(head + 4, rtp->timestamp);
    hp_put32(head + 8, rtp->ssrc);
    g_byte_array_append(out, head, sizeof head);
    if (rtp->payload != NULL) {
        return hp_raw_expand_hex(at->raw, rtp->payload, out, error);
    }
    guint before = out->len;
    g_byte_array_set_size(out, before + rtp->size);
    hp_rng_bytes(&at->raw->rng, out->data + before, rtp->size);
    return true;
}
