/* Datagrams in words: ChannelData framing (RFC 8656 section 12.4) and one line about any payload, for ladders, comments
 * in captures and mismatch reports. The text depends on the bytes alone and never quotes text from the network: reason
 * phrases are ours, by code. */
#include <glib.h>

#include "wire/bytes.h"
#include "wire/demux.h"
#include "wire/stun.h"

enum { CHANNEL_HEADER = 4, CHANNEL_FIRST = 0x4000, CHANNEL_LAST = 0x4fff, CHANNEL_LAST_WIDE = 0x7fff, MAX_PADDING = 3 };

/*  0               1               2               3
 * +-------------------------------+-------------------------------+
 * | channel number 4000..4fff     | length                        |
 * +-------------------------------+-------------------------------+
 * | data, over UDP perhaps followed by up to 3 bytes of padding   |  */
static bool parse_channel_data(const uint8_t *data, size_t len, uint16_t last, uint16_t *ret_channel,
                               const uint8_t **ret_payload, size_t *ret_len)
{
    if (len < CHANNEL_HEADER) {
        return false;
    }
    uint16_t channel = hp_get16(data);
    size_t length = hp_get16(data + 2), rest = len - CHANNEL_HEADER;
    if (channel < CHANNEL_FIRST || channel > last || length > rest || rest - length > MAX_PADDING) {
        return false;
    }
    *ret_channel = channel;
    *ret_payload = data + CHANNEL_HEADER;
    *ret_len = length;
    return true;
}

bool hp_channel_data_parse(const uint8_t *data, size_t len, uint16_t *ret_channel, const uint8_t **ret_payload,
                           size_t *ret_len)
{
    return parse_channel_data(data, len, CHANNEL_LAST, ret_channel, ret_payload, ret_len);
}

bool hp_channel_data_parse_wide(const uint8_t *data, size_t len, uint16_t *ret_channel, const uint8_t **ret_payload,
                                size_t *ret_len)
{
    return parse_channel_data(data, len, CHANNEL_LAST_WIDE, ret_channel, ret_payload, ret_len);
}

size_t hp_channel_data_write(uint8_t *out, size_t cap, uint16_t channel, const void *payload, size_t len)
{
    if (len > UINT16_MAX || cap < CHANNEL_HEADER + len) {
        return 0;
    }
    hp_put16(out, channel);
    hp_put16(out + 2, (uint32_t)len);
    if (len > 0) {
        memcpy(out + CHANNEL_HEADER, payload, len);
    }
    return CHANNEL_HEADER + len;
}

static char *describe_stun(const uint8_t *data, size_t len)
{
    GString *out = g_string_new(NULL);
    hp_stun_msg m = {0};
    hp_stun_attr attr;
    unsigned code;

    hp_stun_parse(data, len, &m); /* classified: it parses */
    const char *method = hp_stun_method_name(m.method);
    if (method != NULL) {
        g_string_append(out, method);
    } else {
        g_string_append_printf(out, "method 0x%03x", m.method);
    }
    g_string_append_printf(out, " %s", hp_stun_class_name(m.cls));
    if (m.cls == HP_STUN_ERROR && hp_stun_find(&m, HP_STUN_ERROR_CODE, &attr) &&
        hp_stun_attr_error(&attr, &code, NULL, NULL)) {
        const char *reason = hp_stun_error_reason(code);
        g_string_append_printf(out, " %u%s%s", code, reason != NULL ? " " : "", reason != NULL ? reason : "");
    }
    return g_string_free(out, FALSE);
}

const char *hp_dtls_handshake_name(uint8_t type)
{
    switch (type) {
    case 0:
        return "HelloRequest";
    case 1:
        return "ClientHello";
    case 2:
        return "ServerHello";
    case 3:
        return "HelloVerifyRequest";
    case 4:
        return "NewSessionTicket";
    case 11:
        return "Certificate";
    case 12:
        return "ServerKeyExchange";
    case 13:
        return "CertificateRequest";
    case 14:
        return "ServerHelloDone";
    case 15:
        return "CertificateVerify";
    case 16:
        return "ClientKeyExchange";
    case 20:
        return "Finished";
    default: /* encrypted, or a newer one */
        return NULL;
    }
}

/* The datagram's first record: type, version, epoch and sequence number (13 bytes in all), then a handshake header. */
static char *describe_dtls(const uint8_t *data, size_t len)
{
    enum { HANDSHAKE_AT = 13, EPOCH_AT = 3 };

    switch (data[0]) {
    case 20:
        return g_strdup("DTLS ChangeCipherSpec");
    case 21:
        return g_strdup("DTLS alert");
    case 22: {
        bool encrypted = hp_get16(data + EPOCH_AT) > 0;
        const char *name = len > HANDSHAKE_AT && !encrypted ? hp_dtls_handshake_name(data[HANDSHAKE_AT]) : NULL;
        return g_strdup_printf("DTLS %s", name != NULL ? name : encrypted ? "encrypted handshake" : "handshake");
    }
    case 23:
        return g_strdup_printf("DTLS application data, %zu bytes", len);
    default:
        return g_strdup_printf("DTLS, %zu bytes", len);
    }
}

static const char *rtcp_name(uint8_t type)
{
    switch (type) {
    case 200:
        return "RTCP sender report";
    case 201:
        return "RTCP receiver report";
    case 202:
        return "RTCP source description";
    case 203:
        return "RTCP bye";
    case 204:
        return "RTCP application-defined";
    case 205:
        return "RTCP transport feedback";
    case 206:
        return "RTCP payload-specific feedback";
    case 207:
        return "RTCP extended report";
    default: /* 192..223 belong to RTCP whether or not they are assigned */
        return "RTCP";
    }
}

char *hp_wire_describe(const uint8_t *data, size_t len)
{
    uint16_t channel;
    const uint8_t *payload;
    size_t payload_len;

    switch (hp_wire_classify(data, len)) {
    case HP_WIRE_STUN:
        return describe_stun(data, len);
    case HP_WIRE_CHANNEL_DATA:
        if (hp_channel_data_parse(data, len, &channel, &payload, &payload_len)) {
            return g_strdup_printf("ChannelData 0x%04x, %zu bytes", channel, payload_len);
        }
        break;
    case HP_WIRE_DTLS:
        return describe_dtls(data, len);
    case HP_WIRE_RTP:
        return g_strdup_printf("RTP type %u, sequence %u, %zu bytes", data[1] & 0x7f, hp_get16(data + 2), len);
    case HP_WIRE_RTCP:
        return g_strdup_printf("%s, %zu bytes", rtcp_name(data[1]), len);
    case HP_WIRE_OTHER:
        break;
    }
    return g_strdup_printf("%zu bytes", len);
}
