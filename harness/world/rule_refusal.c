/* Refusals: a TCP reset in the far end's name, or an ICMP error in one's own (RFC 9293 section 3.10.7.1, RFC 1812
 * section 5.2.7.1, RFC 4443 section 3.1).
 *
 * A corrupt packet is never answered: whoever looked at it could not tell whom it came from. */
#include "world/rule_refusal.h"

#include "wire/tcp.h"

hp_packet *hp_reset_for(const hp_packet *segment)
{
    hp_tcp_header header;
    const uint8_t *data;
    size_t length;
    uint8_t bytes[HP_TCP_HEADER_ROOM];

    if (segment->proto != HP_PROTO_TCP || segment->frag_offset > 0 || segment->corrupt ||
        !hp_tcp_parse(segment->payload, segment->length, &header, &data, &length) || (header.flags & HP_TCP_RST) != 0) {
        return NULL;
    }
    hp_tcp_header reset = {.flags = HP_TCP_RST};
    if ((header.flags & HP_TCP_ACK) != 0) {
        reset.seq = header.ack;
    } else {
        reset.flags |= HP_TCP_ACK;
        reset.ack = header.seq + (uint32_t)length + ((header.flags & HP_TCP_SYN) != 0 ? 1 : 0) +
                    ((header.flags & HP_TCP_FIN) != 0 ? 1 : 0);
    }
    size_t n = hp_tcp_write(&reset, bytes, sizeof bytes);
    hp_packet *p = hp_packet_new(HP_PROTO_TCP, &segment->dst, &segment->src, bytes, n);
    p->dont_fragment = true;
    return p;
}

hp_packet *hp_refusal_for(hp_refusal refusal, const hp_packet *p, const hp_addr *own)
{
    switch (refusal) {
    case HP_REFUSE_SILENTLY:
        return NULL;
    case HP_REFUSE_RESET:
        if (p->proto == HP_PROTO_TCP) {
            return hp_reset_for(p);
        }
        break;
    case HP_REFUSE_ICMP:
        break;
    }
    bool can = !p->corrupt && own->family == p->src.family;
    return can ? hp_packet_icmp_error(HP_ICMP_ADMIN_PROHIBITED, own, p, 0) : NULL;
}
