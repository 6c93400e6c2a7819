/* Telling protocols on one port apart (RFC 7983 section 7; RTP from RTCP by RFC 5761 section 4).
 *
 * The first byte decides, then the kind's fixed part must be plausible: a STUN message must be whole, and one without
 * the magic cookie must be a Binding message, the only method that RFC 3489 clients share with today; ChannelData's
 * length must fit; a DTLS record of the classic form carries version 254.x. What fails there is "other": these are
 * guesses about bytes that nobody labelled, good for descriptions and matches, not for dispatch in a server. */
#include "wire/demux.h"

#include "wire/bytes.h"
#include "wire/stun.h"

enum { DTLS_RECORD_HEADER = 13, DTLS13_UNIFIED_FIRST = 32, RTP_HEADER = 12, RTCP_HEADER = 8 };

hp_wire_kind hp_wire_classify(const uint8_t *data, size_t len)
{
    hp_stun_msg m;
    uint16_t channel;
    const uint8_t *payload;
    size_t payload_len;

    if (len < 4) {
        return HP_WIRE_OTHER;
    }
    if (data[0] <= 3) {
        bool stun = hp_stun_parse(data, len, &m) && (m.has_cookie || m.method == HP_STUN_BINDING);
        return stun ? HP_WIRE_STUN : HP_WIRE_OTHER;
    }
    if (data[0] >= 20 && data[0] <= 63) {
        /* DTLS 1.3 has no version in its encrypted records (RFC 9147 section 4). */
        bool dtls = data[0] >= DTLS13_UNIFIED_FIRST || (len >= DTLS_RECORD_HEADER && data[1] == 0xfe);
        return dtls ? HP_WIRE_DTLS : HP_WIRE_OTHER;
    }
    if (data[0] >= 64 && data[0] <= 79) {
        bool channel_data = hp_channel_data_parse(data, len, &channel, &payload, &payload_len);
        return channel_data ? HP_WIRE_CHANNEL_DATA : HP_WIRE_OTHER;
    }
    if (data[0] >= 128 && data[0] <= 191) {
        if (data[1] >= 192 && data[1] <= 223) {
            return len >= RTCP_HEADER ? HP_WIRE_RTCP : HP_WIRE_OTHER;
        }
        return len >= RTP_HEADER ? HP_WIRE_RTP : HP_WIRE_OTHER;
    }
    return HP_WIRE_OTHER;
}

bool hp_wire_first_message(const uint8_t *data, size_t len, const uint8_t **ret, size_t *ret_len)
{
    enum { FRAME = 2, STUN_HEADER = 20, CHANNEL_HEADER = 4 };
    if (len < CHANNEL_HEADER) {
        return false;
    }
    const size_t framed = hp_get16(data), told = hp_get16(data + FRAME);
    if (framed > 0 && framed <= len - FRAME) {
        const hp_wire_kind inside = hp_wire_classify(data + FRAME, framed);
        if (inside != HP_WIRE_OTHER && inside != HP_WIRE_CHANNEL_DATA) {
            *ret = data + FRAME;
            *ret_len = framed;
            return true;
        }
    }
    const bool channel = data[0] >= 64 && data[0] <= 79;
    const size_t whole = told + (channel ? CHANNEL_HEADER : STUN_HEADER);
    if (whole > len || hp_wire_classify(data, whole) != (channel ? HP_WIRE_CHANNEL_DATA : HP_WIRE_STUN)) {
        return false;
    }
    *ret = data;
    *ret_len = whole;
    return true;
}
