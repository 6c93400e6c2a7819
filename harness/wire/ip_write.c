/* Packets to bytes.
 *
 *    IPv4 (RFC 791)                                        IPv6 (RFC 8200)
 *   |4|5|  TOS   |  total length     |                    |6| class  |        flow label 0       |
 *   | identification |flags| offset  |                    |  payload length  | next hdr  | hops  |
 *   |  TTL  | proto  | header chksum |                    |               source               |
 *   |        source                  |                    |             destination            |
 *   |      destination               |                    [ fragment header: |next|0|offset|M|id| ]
 *
 * then the transport header: UDP (ports, length, checksum), the ports of TCP, or ICMP (type, code, checksum, four bytes
 * that depend on the type), then payload[] or, for an ICMP error, the packet it quotes, written by the same code.
 *
 * Checksums: of the IPv4 header; of the transport over pseudo header (not for ICMP over IPv4), header and payload.
 * Where the payload in hand is not the whole one, as in a first fragment or in a quoted packet that was cut, l4_sum
 * stands for it, and also where the sum is known from an earlier writing. A UDP sum of 0 is written as ffff (RFC 768).
 * IPv4 identification is 0 where RFC 6864 section 4.1 lets it be anything: an atomic datagram, unfragmented with DF. */
#include <string.h>

#include "wire/ip.h"

typedef struct layout {
    size_t ip; /* IP headers, the fragment header included */
    size_t l4; /* transport header outside payload[] */
    size_t quoted; /* length of `inner` on the wire */
    size_t declared; /* of transport header and payload, as lengths and checksums speak of it */
} layout;

static bool is_fragment(const hp_packet *p)
{
    return p->frag_total > 0;
}

/* What an ICMP error quotes, but never an error inside an error: the parser stops there too. */
static const hp_packet *quoted(const hp_packet *p)
{
    return hp_packet_is_icmp_error(p) ? p->inner : NULL;
}

static layout lay_out(const hp_packet *p)
{
    layout l = {0};
    if (p->src.family == HP_AF_NONE || p->src.family != p->dst.family) {
        return l;
    }
    l.ip =
        p->src.family == HP_AF_IPV4 ? HP_IPV4_HEADER : HP_IPV6_HEADER + (is_fragment(p) ? HP_IPV6_FRAGMENT_HEADER : 0);
    l.l4 = hp_ip_l4_header(p);
    l.quoted = quoted(p) != NULL ? hp_packet_wire_length(quoted(p)) : 0;
    l.declared = l.l4 + l.quoted + (p->original_length > 0 ? p->original_length : p->length);
    return l;
}

size_t hp_packet_wire_length(const hp_packet *p)
{
    layout l = lay_out(p);
    return l.ip == 0 ? 0 : l.ip + l.l4 + l.quoted + p->length;
}

/* Half of the bits flipped: never the same number again, not even in one's complement, and never UDP's "none". */
static uint16_t spoil(uint16_t checksum)
{
    return checksum ^ 0x5555 ? checksum ^ 0x5555 : checksum ^ 0xaaaa;
}

/* The checksum over `covered` bytes at l4, or, when the payload is not all there, over the header and l4_sum. */
static uint16_t l4_checksum(const hp_packet *p, const layout *l, const uint8_t *l4, bool pseudo)
{
    uint64_t sum = 0;
    size_t length = is_fragment(p) ? p->frag_total : l->declared;

    if (pseudo) {
        sum += hp_ip_pseudo_sum(&p->src, &p->dst, p->proto, (uint32_t)length);
    }
    if (is_fragment(p) || p->original_length > 0 || p->sum_known) {
        sum += hp_packet_sum(l4, l->l4) + (uint32_t)p->l4_sum;
    } else {
        sum += hp_packet_sum(l4, l->l4 + l->quoted + p->length);
    }
    return (uint16_t)~hp_fold(sum);
}

static void write_udp(const hp_packet *p, const layout *l, uint8_t *out)
{
    hp_put16(out, p->src.port);
    hp_put16(out + 2, p->dst.port);
    hp_put16(out + 4, (uint32_t)(is_fragment(p) ? p->frag_total : l->declared));
    hp_put16(out + 6, 0);
    if (p->no_checksum) {
        return;
    }
    uint16_t checksum = l4_checksum(p, l, out, true);
    checksum = p->corrupt ? spoil(checksum) : checksum;
    hp_put16(out + 6, checksum != 0 ? checksum : 0xffff);
}

static void write_tcp(const hp_packet *p, const layout *l, uint8_t *out)
{
    uint8_t *at = out + HP_TCP_PORTS + HP_TCP_CHECKSUM;

    hp_put16(out, p->src.port);
    hp_put16(out + 2, p->dst.port);
    if (p->length < HP_TCP_CHECKSUM + 2) {
        return; /* quoted and cut before the checksum */
    }
    hp_put16(at, 0);
    uint16_t checksum = l4_checksum(p, l, out, true);
    hp_put16(at, p->corrupt ? spoil(checksum) : checksum);
}

static void write_icmp(const hp_packet *p, const layout *l, uint8_t *out)
{
    hp_icmp_kind kind = (hp_icmp_kind)p->icmp_kind;

    if (!hp_icmp_to_wire(p->src.family, kind, &out[0], &out[1])) {
        out[0] = p->icmp_type;
        out[1] = p->icmp_code;
    }
    hp_put32(out + 2, 0);
    hp_put16(out + 6, 0);
    switch (kind) {
    case HP_ICMP_ECHO_REQUEST:
    case HP_ICMP_ECHO_REPLY:
        hp_put16(out + 4, kind == HP_ICMP_ECHO_REQUEST ? p->src.port : p->dst.port);
        hp_put16(out + 6, p->icmp_mtu);
        break;
    case HP_ICMP_FRAG_NEEDED:
        /* IPv4 has 16 bits for it (RFC 1191 section 4). */
        hp_put32(out + 4, p->src.family == HP_AF_IPV4 ? MIN(p->icmp_mtu, UINT16_MAX) : p->icmp_mtu);
        break;
    case HP_ICMP_OTHER:
        hp_put32(out + 4, p->icmp_mtu);
        break;
    case HP_ICMP_NONE:
    case HP_ICMP_PORT_UNREACHABLE:
    case HP_ICMP_HOST_UNREACHABLE:
    case HP_ICMP_NET_UNREACHABLE:
    case HP_ICMP_ADMIN_PROHIBITED:
    case HP_ICMP_TTL_EXCEEDED:
    case HP_ICMP_REASSEMBLY_TIMEOUT:
        break;
    }
    uint16_t checksum = l4_checksum(p, l, out, p->src.family == HP_AF_IPV6);
    hp_put16(out + 2, p->corrupt ? spoil(checksum) : checksum);
}

static void write_ipv4(const hp_packet *p, const layout *l, uint8_t *out)
{
    bool atomic = p->dont_fragment && !is_fragment(p);

    out[0] = 0x45;
    out[1] = p->tos;
    hp_put16(out + 2, (uint32_t)(HP_IPV4_HEADER + l->declared));
    hp_put16(out + 4, atomic ? 0 : p->ip_id);
    hp_put16(out + 6, (p->dont_fragment ? HP_IPV4_DF : 0) | (is_fragment(p) && p->frag_more ? HP_IPV4_MF : 0) |
                          (is_fragment(p) ? p->frag_offset / 8 : 0));
    out[8] = p->ttl;
    out[9] = p->proto;
    hp_put16(out + 10, 0);
    memcpy(out + 12, p->src.ip, 4);
    memcpy(out + 16, p->dst.ip, 4);
    hp_put16(out + 10, (uint16_t)~hp_packet_sum(out, HP_IPV4_HEADER));
}

static void write_ipv6(const hp_packet *p, const layout *l, uint8_t *out)
{
    hp_put32(out, UINT32_C(6) << 28 | (uint32_t)p->tos << 20);
    hp_put16(out + 4, (uint32_t)(l->ip - HP_IPV6_HEADER + l->declared));
    out[6] = is_fragment(p) ? HP_IPV6_FRAGMENT : p->proto;
    out[7] = p->ttl;
    memcpy(out + 8, p->src.ip, 16);
    memcpy(out + 24, p->dst.ip, 16);
    if (is_fragment(p)) {
        uint8_t *fragment = out + HP_IPV6_HEADER;
        fragment[0] = p->proto;
        fragment[1] = 0;
        hp_put16(fragment + 2, p->frag_offset | (p->frag_more ? 1 : 0));
        hp_put32(fragment + 4, p->ip_id);
    }
}

static bool fragment_is_sound(const hp_packet *p, const layout *l)
{
    if (!is_fragment(p)) {
        return p->frag_offset == 0;
    }
    return p->frag_offset % 8 == 0 && (!p->frag_more || l->declared % 8 == 0) && p->frag_total <= HP_IP_MAX &&
           p->frag_offset + l->declared <= HP_IP_MAX;
}

/* ---- the plain datagram ---- */

/* Nearly every packet of a run: unfragmented UDP over IPv4 that has been written before. */
static bool is_plain(const hp_packet *p)
{
    return p->sum_known && p->proto == HP_PROTO_UDP && p->src.family == HP_AF_IPV4 && p->dst.family == HP_AF_IPV4 &&
           !is_fragment(p) && p->frag_offset == 0 && p->original_length == 0 && !p->corrupt && !p->no_checksum &&
           p->length <= HP_IP_MAX - HP_IPV4_HEADER - HP_UDP_HEADER;
}

static uint32_t halves(const uint8_t ip[static 4])
{
    return ((uint32_t)ip[0] << 8 | ip[1]) + ((uint32_t)ip[2] << 8 | ip[3]);
}

/* The same bytes as by the general way below, but the checksums come from the fields. */
static void write_plain(const hp_packet *p, uint8_t *out)
{
    uint32_t udp_length = HP_UDP_HEADER + p->length, total = HP_IPV4_HEADER + udp_length;
    uint32_t id = p->dont_fragment ? 0 : p->ip_id & 0xffff, flags = p->dont_fragment ? HP_IPV4_DF : 0;
    uint32_t addresses = halves(p->src.ip) + halves(p->dst.ip);
    uint32_t header = 0x4500 + p->tos + total + id + flags + ((uint32_t)p->ttl << 8 | p->proto) + addresses;
    uint32_t udp = addresses + p->proto + 2 * udp_length + p->src.port + p->dst.port + p->l4_sum;
    uint16_t checksum = (uint16_t)~hp_fold(udp);
    uint8_t *at = out + HP_IPV4_HEADER;

    out[0] = 0x45;
    out[1] = p->tos;
    hp_put16(out + 2, total);
    hp_put16(out + 4, id);
    hp_put16(out + 6, flags);
    out[8] = p->ttl;
    out[9] = p->proto;
    hp_put16(out + 10, (uint16_t)~hp_fold(header));
    memcpy(out + 12, p->src.ip, 4);
    memcpy(out + 16, p->dst.ip, 4);
    hp_put16(at, p->src.port);
    hp_put16(at + 2, p->dst.port);
    hp_put16(at + 4, udp_length);
    hp_put16(at + 6, checksum != 0 ? checksum : 0xffff);
    memcpy(at + HP_UDP_HEADER, p->payload, p->length);
}

/* ---- any packet ---- */

size_t hp_packet_write(const hp_packet *p, uint8_t *out, size_t cap)
{
    if (is_plain(p) && HP_IPV4_HEADER + HP_UDP_HEADER + (size_t)p->length <= cap) {
        write_plain(p, out);
        return HP_IPV4_HEADER + HP_UDP_HEADER + (size_t)p->length;
    }
    layout l = lay_out(p);
    size_t total = l.ip + l.l4 + l.quoted + p->length;
    /* Both families' length fields have 16 bits; IPv6 does not count its fixed header there. */
    size_t counted = l.ip + l.declared - (p->src.family == HP_AF_IPV6 ? HP_IPV6_HEADER : 0);

    if (l.ip == 0 || total > cap || counted > HP_IP_MAX || p->original_length > HP_IP_MAX ||
        !fragment_is_sound(p, &l)) {
        return 0;
    }
    uint8_t *l4 = out + l.ip, *payload = l4 + l.l4;
    if (p->src.family == HP_AF_IPV4) {
        write_ipv4(p, &l, out);
    } else {
        write_ipv6(p, &l, out);
    }
    if (l.quoted > 0 && hp_packet_write(quoted(p), payload, l.quoted) != l.quoted) {
        return 0;
    }
    memcpy(payload + l.quoted, p->payload, p->length);
    if (l.l4 == 0) {
        if (p->corrupt && p->length > 0) {
            payload[0] ^= 0xff;
        }
    } else if (p->proto == HP_PROTO_UDP) {
        write_udp(p, &l, l4);
    } else if (p->proto == HP_PROTO_TCP) {
        write_tcp(p, &l, l4);
    } else {
        write_icmp(p, &l, l4);
    }
    return total;
}

size_t hp_packet_write_udp_header(const hp_packet *p, size_t length, uint8_t *out, size_t cap)
{
    g_assert(p->proto == HP_PROTO_UDP && !is_fragment(p));
    layout l = lay_out(p);
    size_t headers = l.ip + l.l4;
    l.declared = l.l4 + length;
    if (l.ip == 0 || headers > cap || l.ip + l.declared > HP_IP_MAX) {
        return 0;
    }
    uint8_t *udp = out + l.ip;
    if (p->src.family == HP_AF_IPV4) {
        write_ipv4(p, &l, out);
    } else {
        write_ipv6(p, &l, out);
    }
    hp_put16(udp, p->src.port);
    hp_put16(udp + 2, p->dst.port);
    hp_put16(udp + 4, (uint32_t)l.declared);
    hp_put16(udp + 6, hp_fold(hp_ip_pseudo_sum(&p->src, &p->dst, p->proto, (uint32_t)l.declared)));
    return headers;
}
