/* What a TCP segment holds, as far as a ladder speaks of it.
 *
 * A message that stands at the segment's beginning (hp_wire_first_message()) is read as if it had come in a datagram, and
 * has the same key, so that it can be followed through a TURN server. Senders write a message at a time, so that this is
 * where most of them stand.
 *
 * Limits: what follows the first message in a segment is not told, nor a message that began in an earlier one ("TCP data");
 * of TLS nothing is. So a peer that speaks to a server over TCP may have got what no arrow shows. */
#include "report/ladder_private.h"

#include "wire/tcp.h"

enum { TLS_HEADER = 5, TLS_FIRST = 20, TLS_LAST = 23 };

static bool is_tls(const uint8_t *data, size_t len)
{
    return len >= TLS_HEADER && data[0] >= TLS_FIRST && data[0] <= TLS_LAST && data[1] == 3;
}

static const char *control_of(uint8_t flags)
{
    if ((flags & HP_TCP_RST) != 0) {
        return "TCP RST";
    }
    if ((flags & HP_TCP_SYN) != 0) {
        return (flags & HP_TCP_ACK) != 0 ? "TCP SYN ACK" : "TCP SYN";
    }
    return (flags & HP_TCP_FIN) != 0 ? "TCP FIN" : NULL;
}

void hp_ladder_segment_read(const hp_packet *packet, hp_ladder_wire *w)
{
    hp_tcp_header h;
    const uint8_t *data, *message;
    size_t len, message_len;
    w->kind = HP_WIRE_OTHER;
    if (!hp_tcp_parse(packet->payload, packet->length, &h, &data, &len)) {
        w->segment = "TCP, malformed";
        w->key = hp_ladder_key(w->key, packet->payload, packet->length);
        return;
    }
    if (hp_wire_first_message(data, len, &message, &message_len)) {
        hp_ladder_datagram_read(message, message_len, w);
        if (w->kind == HP_WIRE_OTHER) {
            w->segment = "data";
        }
        return;
    }
    const char *control = control_of(h.flags);
    const uint8_t told[] = {h.flags,        (uint8_t)(h.seq >> 24), (uint8_t)(h.seq >> 16), (uint8_t)(h.seq >> 8),
                            (uint8_t)h.seq, (uint8_t)(h.ack >> 24), (uint8_t)(h.ack >> 16), (uint8_t)(h.ack >> 8),
                            (uint8_t)h.ack};
    w->key = hp_ladder_key(hp_ladder_key(w->key, &packet->proto, 1), told, sizeof told);
    w->key = hp_ladder_key(w->key, data, len);
    w->segment = control != NULL && len == 0 ? control : is_tls(data, len) ? "TLS" : "TCP data";
    w->acknowledges = control == NULL && len == 0;
}
