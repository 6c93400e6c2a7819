/* DATA_CHANNEL_OPEN and DATA_CHANNEL_ACK (RFC 8832 sections 5.1 and 5.2).
 *
 *      0       1        2 3        4 5 6 7                8 9            10 11
 *     +-------+--------+----------+----------------------+--------------+-----------------+-------+----------+
 *     | 0x03  | channel| priority | reliability parameter| label length | protocol length | label | protocol |
 *     |       | type   |          |                      |              |                 |       |          |
 *     +-------+--------+----------+----------------------+--------------+-----------------+-------+----------+
 *
 * The channel type's highest bit says unordered, the others which limit there is; the reliability parameter is that
 * limit, and of no meaning without one. Both strings are UTF-8; one with a NUL in it is refused as well, as nothing
 * here could name it. Octets beyond what the lengths say make an OPEN malformed. An ACK is its type alone when we
 * write it; read, it may have more octets, of no meaning: pion's has three. */
#include "engines/data_channel_message.h"

#include <string.h>

#include "base/error.h"
#include "wire/bytes.h"

enum { OPEN_HEADER = 12 };
enum { TYPE_RELIABLE = 0x00, TYPE_RETRANSMITS = 0x01, TYPE_LIFETIME = 0x02, TYPE_UNORDERED = 0x80 };

void hp_dcep_open_clear(hp_dcep_open *open)
{
    g_clear_pointer(&open->channel.label, g_free);
    g_clear_pointer(&open->channel.protocol, g_free);
}

static const char *fault_of(const hp_channel_config *channel, const char *label, const char *protocol)
{
    if (strlen(label) > UINT16_MAX || strlen(protocol) > UINT16_MAX) {
        return "a label or protocol of more than 65535 octets";
    }
    if (!g_utf8_validate(label, -1, NULL) || !g_utf8_validate(protocol, -1, NULL)) {
        return "a label or protocol that is no UTF-8";
    }
    if (channel->limit_retransmits && channel->limit_lifetime) {
        return "retransmissions and lifetime cannot both be limited";
    }
    if (channel->limit_lifetime && channel->max_lifetime / HP_MS > UINT32_MAX) {
        return "too long a lifetime";
    }
    return NULL;
}

GBytes *hp_dcep_write_open(const hp_dcep_open *open, GError **error)
{
    const hp_channel_config *channel = &open->channel;
    const char *label = channel->label ? channel->label : "", *protocol = channel->protocol ? channel->protocol : "";
    const char *fault = fault_of(channel, label, protocol);
    if (fault) {
        g_set_error(error, HP_ERROR, HP_ERROR_INVALID, "data channel: %s", fault);
        return NULL;
    }
    uint8_t type = channel->unordered ? TYPE_UNORDERED : 0;
    uint32_t limit = 0;
    if (channel->limit_retransmits) {
        type |= TYPE_RETRANSMITS;
        limit = channel->max_retransmits;
    } else if (channel->limit_lifetime) {
        type |= TYPE_LIFETIME;
        limit = (uint32_t)(channel->max_lifetime / HP_MS);
    }
    const size_t label_len = strlen(label), protocol_len = strlen(protocol);
    uint8_t head[OPEN_HEADER] = {HP_DCEP_OPEN, type};
    hp_put16(head + 2, open->priority);
    hp_put16(head + 4, (uint16_t)(limit >> 16));
    hp_put16(head + 6, (uint16_t)limit);
    hp_put16(head + 8, (uint16_t)label_len);
    hp_put16(head + 10, (uint16_t)protocol_len);
    GByteArray *message = g_byte_array_sized_new((guint)(sizeof head + label_len + protocol_len));
    g_byte_array_append(message, head, sizeof head);
    g_byte_array_append(message, (const guint8 *)label, (guint)label_len);
    g_byte_array_append(message, (const guint8 *)protocol, (guint)protocol_len);
    return g_byte_array_free_to_bytes(message);
}

GBytes *hp_dcep_write_ack(void)
{
    static const uint8_t ack[] = {HP_DCEP_ACK};
    return g_bytes_new_static(ack, sizeof ack);
}

static const char *read_open(const uint8_t *data, size_t len, hp_dcep_open *ret_open)
{
    if (len < OPEN_HEADER) {
        return "length";
    }
    const uint8_t limit_type = data[1] & ~TYPE_UNORDERED;
    if (limit_type != TYPE_RELIABLE && limit_type != TYPE_RETRANSMITS && limit_type != TYPE_LIFETIME) {
        return "channel-type";
    }
    const size_t label_len = hp_get16(data + 8), protocol_len = hp_get16(data + 10);
    if (len != OPEN_HEADER + label_len + protocol_len) {
        return "length";
    }
    const char *text = (const char *)data + OPEN_HEADER;
    if (!g_utf8_validate_len(text, label_len, NULL) || !g_utf8_validate_len(text + label_len, protocol_len, NULL)) {
        return "text";
    }
    const uint32_t limit = (uint32_t)hp_get16(data + 4) << 16 | hp_get16(data + 6);
    *ret_open = (hp_dcep_open){.priority = hp_get16(data + 2),
                               .channel = {.label = g_strndup(text, label_len),
                                           .protocol = g_strndup(text + label_len, protocol_len),
                                           .unordered = (data[1] & TYPE_UNORDERED) != 0,
                                           .limit_retransmits = limit_type == TYPE_RETRANSMITS,
                                           .limit_lifetime = limit_type == TYPE_LIFETIME,
                                           .max_retransmits = limit_type == TYPE_RETRANSMITS ? limit : 0,
                                           .max_lifetime = limit_type == TYPE_LIFETIME ? limit * HP_MS : 0}};
    return NULL;
}

bool hp_dcep_read(const uint8_t *data, size_t len, hp_dcep_type *ret_type, hp_dcep_open *ret_open,
                  const char **ret_fault)
{
    const char *fault = "type";
    if (len > 0 && data[0] == HP_DCEP_OPEN) {
        fault = read_open(data, len, ret_open);
    } else if (len > 0 && data[0] == HP_DCEP_ACK) {
        fault = NULL;
    }
    if (fault) {
        *ret_fault = fault;
        return false;
    }
    *ret_type = data[0];
    return true;
}
