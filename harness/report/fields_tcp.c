/* TCP segments (RFC 9293 section 3.1), and the message at the beginning of one (wire/demux.h). */
#include "report/fields.h"

#include "wire/demux.h"
#include "wire/tcp.h"

void hp_fields_tcp(hp_fields *f, const hp_packet *p)
{
    hp_tcp_header h;
    const uint8_t *data, *message;
    size_t length, message_length;
    char flags[HP_TCP_FLAGS_TEXT];
    if (!hp_tcp_parse(p->payload, p->length, &h, &data, &length)) {
        hp_fields_add(f, "TCP", "malformed, %u bytes", p->length);
        return;
    }
    hp_fields_add(f, "TCP", "%s, %zu bytes", hp_tcp_flags_format(h.flags, flags), length);
    hp_fields_add(f, "sequence number", "%u", h.seq);
    if ((h.flags & HP_TCP_ACK) != 0) {
        hp_fields_add(f, "acknowledgement", "%u", h.ack);
    }
    hp_fields_add(f, "window", "%u", h.window);
    if (h.mss > 0) {
        hp_fields_add(f, "maximum segment size", "%u", h.mss);
    }
    if (hp_fields_dns(f, p)) {
        return;
    }
    if (hp_wire_first_message(data, length, &message, &message_length)) {
        hp_fields_datagram(f, message, message_length);
    }
}
