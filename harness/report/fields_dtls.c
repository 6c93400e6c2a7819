/* DTLS records (RFC 6347 section 4.1) and the handshake messages in them that are not encrypted (section 4.2.2):
 *
 *   type 1, version 2, epoch 2, sequence number 6, length 2
 *   handshake: type 1, length 3, message sequence 2, fragment offset 3, fragment length 3 */
#include "report/fields.h"

#include "wire/bytes.h"
#include "wire/demux.h"

enum { RECORD = 13, HANDSHAKE = 12, CHANGE_CIPHER_SPEC = 20, ALERT = 21, IS_HANDSHAKE = 22, DATA = 23 };

static const char *type_name(uint8_t type)
{
    return type == CHANGE_CIPHER_SPEC ? "ChangeCipherSpec"
           : type == ALERT            ? "alert"
           : type == IS_HANDSHAKE     ? "handshake"
           : type == DATA             ? "application data"
                                      : "unknown";
}

static const char *version_name(uint16_t version)
{
    return version == 0xfefd ? "DTLS 1.2" : version == 0xfeff ? "DTLS 1.0" : "another version";
}

static uint32_t get24(const uint8_t *at)
{
    return (uint32_t)at[0] << 16 | hp_get16(at + 1);
}

static void add_handshake(hp_fields *f, const uint8_t *body, size_t length)
{
    while (length >= HANDSHAKE) {
        const char *known = hp_dtls_handshake_name(body[0]);
        const uint32_t whole = get24(body + 1), offset = get24(body + 6), part = get24(body + 9);
        g_autofree char *number = g_strdup_printf("handshake type %u", body[0]);
        g_autofree char *fragment =
            part < whole ? g_strdup_printf(", bytes %u to %u of them", offset, offset + part) : g_strdup("");
        hp_fields_add(f, known != NULL ? known : number, "message %u, %u bytes%s", hp_get16(body + 4), whole, fragment);
        const size_t taken = MIN((size_t)HANDSHAKE + part, length);
        body += taken;
        length -= taken;
    }
}

static void add_content(hp_fields *f, uint8_t type, const uint8_t *body, size_t length)
{
    if (type == IS_HANDSHAKE) {
        add_handshake(f, body, length);
    } else if (type == ALERT && length == 2) {
        hp_fields_add(f, "alert", "%s, number %u", body[0] == 2 ? "fatal" : "warning", body[1]);
    }
}

void hp_fields_dtls(hp_fields *f, const uint8_t *data, size_t length)
{
    while (length >= RECORD) {
        const uint16_t epoch = hp_get16(data + 3), size = hp_get16(data + 11);
        const uint64_t sequence = (uint64_t)hp_get16(data + 5) << 32 | hp_get32(data + 7);
        const bool whole = size <= length - RECORD;
        hp_fields_add(f, "DTLS record", "%s, %s, epoch %u, sequence number %" G_GUINT64_FORMAT ", %u bytes%s%s",
                      type_name(data[0]), version_name(hp_get16(data + 1)), epoch, sequence, size,
                      epoch > 0 ? ", encrypted" : "", whole ? "" : ", cut off");
        const size_t part = MIN((size_t)size, length - RECORD);
        if (epoch == 0) {
            f->depth++;
            add_content(f, data[0], data + RECORD, part);
            f->depth--;
        }
        data += RECORD + part;
        length -= RECORD + part;
    }
    if (length > 0) {
        hp_fields_add(f, "DTLS record", "cut off, %zu bytes", length);
    }
}
