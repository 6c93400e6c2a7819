/* Bytes to packets: what a TUN device gives, and what an ICMP error quotes.
 *
 * Strict where a receiver's kernel is strict: the IP length must be the datagram's, the IPv4 header checksum must hold,
 * a transport header must be whole and its length field must agree. A wrong transport checksum is no malformation: it
 * marks the packet corrupt, as the receiving host is who drops it. Quoted packets (ICMP errors) may be cut anywhere
 * after eight bytes of transport header, and their IPv4 header checksum is not looked at, since routers are known to
 * quote headers they have already changed.
 *
 * Skipped: IPv4 options; IPv6 hop-by-hop and destination options and routing headers with no segments left (RFC 8200
 * section 4). Refused: routing headers still in use (the pseudo header would lie), first fragments too small for their
 * transport header (RFC 1858), fragments of ICMP errors, fragments beyond 65,535 bytes. An IPv6 fragment header on a
 * whole packet (RFC 6946) is dropped. What is skipped is not written again.
 *
 * A checksum covers the datagram's length, which a first fragment of UDP has in its header, and one of TCP or ICMPv6
 * nowhere. There frag_total is the fragment's own end, and l4_sum is the sum that goes with it: the difference of the
 * lengths is in it. So the pair writes the checksum that was read; whoever learns the true length and wants the true
 * sum adds frag_total and takes the true length off. */
#include "base/error.h"
#include "wire/ip.h"

/* An IP packet's header, read. */
typedef struct ip_view {
    hp_addr src, dst;
    uint8_t proto, tos, ttl;
    bool dont_fragment, fragment, more;
    uint32_t id, offset;
    const uint8_t *l4;
    size_t available; /* bytes at l4 */
    size_t declared; /* what the header says they should be; more when quoted and cut */
} ip_view;

static hp_packet *parse_ip(const uint8_t *data, size_t len, bool is_quoted, GError **error);

static bool malformed(GError **error, const char *what)
{
    g_set_error(error, HP_ERROR, HP_ERROR_INVALID, "malformed packet: %s", what);
    return false;
}

/* Common to both families: true when `declared` bytes from the IP header on are there, or quoting excuses it. */
static bool check_length(size_t declared, size_t len, bool is_quoted, GError **error)
{
    if (declared == len || is_quoted) {
        return true;
    }
    return malformed(error, declared > len ? "shorter than its IP length" : "longer than its IP length");
}

static bool check_fragment(ip_view *v, GError **error)
{
    v->fragment = v->more || v->offset > 0;
    if (v->more && v->declared % 8 != 0) {
        return malformed(error, "a fragment that does not end at a multiple of 8");
    }
    if (v->fragment && v->offset + v->declared > HP_IP_MAX) {
        return malformed(error, "a fragment beyond 65535 bytes");
    }
    if (v->fragment && v->declared == 0) {
        return malformed(error, "an empty fragment");
    }
    return true;
}

static bool read_ipv4(const uint8_t *data, size_t len, bool is_quoted, ip_view *v, GError **error)
{
    if (len < HP_IPV4_HEADER) {
        return malformed(error, "shorter than an IPv4 header");
    }
    size_t header = (size_t)(data[0] & 0x0f) * 4, total = hp_get16(data + 2);
    if (header < HP_IPV4_HEADER || header > len || total < header) {
        return malformed(error, "bad IPv4 header length");
    }
    if (!check_length(total, len, is_quoted, error)) {
        return false;
    }
    if (!is_quoted && hp_packet_sum(data, header) != 0xffff) {
        return malformed(error, "bad IPv4 header checksum");
    }
    uint16_t flags = hp_get16(data + 6);
    *v = (ip_view){
        .src = hp_addr_v4(hp_get32(data + 12), 0),
        .dst = hp_addr_v4(hp_get32(data + 16), 0),
        .proto = data[9],
        .tos = data[1],
        .ttl = data[8],
        .dont_fragment = (flags & HP_IPV4_DF) != 0,
        .more = (flags & HP_IPV4_MF) != 0,
        .offset = (uint32_t)(flags & HP_IPV4_OFFSET) * 8,
        .id = hp_get16(data + 4),
        .l4 = data + header,
        .available = MIN(len, total) - header,
        .declared = total - header,
    };
    return check_fragment(v, error);
}

/* Steps over one extension header. */
static bool skip_extension(ip_view *v, size_t length, GError **error)
{
    if (length > v->available) {
        return malformed(error, "an IPv6 extension header that is cut off");
    }
    v->proto = v->l4[0];
    v->l4 += length;
    v->available -= length;
    v->declared -= length;
    return true;
}

static bool read_extensions(ip_view *v, GError **error)
{
    for (;;) {
        bool fragment = v->proto == HP_IPV6_FRAGMENT, routing = v->proto == HP_IPV6_ROUTING;
        if (!fragment && !routing && v->proto != HP_IPV6_HOP_BY_HOP && v->proto != HP_IPV6_DESTINATION_OPTIONS) {
            return true;
        }
        if (v->available < 8) {
            return malformed(error, "an IPv6 extension header that is cut off");
        }
        if (routing && v->l4[3] != 0) {
            return malformed(error, "an IPv6 routing header with segments left");
        }
        if (fragment) {
            uint16_t field = hp_get16(v->l4 + 2);
            v->more = (field & 1) != 0;
            v->offset = field & 0xfff8;
            v->id = hp_get32(v->l4 + 4);
        }
        if (!skip_extension(v, fragment ? HP_IPV6_FRAGMENT_HEADER : ((size_t)v->l4[1] + 1) * 8, error)) {
            return false;
        }
        if (v->more || v->offset > 0) {
            return true; /* what follows is payload of the fragment */
        }
    }
}

static bool read_ipv6(const uint8_t *data, size_t len, bool is_quoted, ip_view *v, GError **error)
{
    if (len < HP_IPV6_HEADER) {
        return malformed(error, "shorter than an IPv6 header");
    }
    size_t declared = hp_get16(data + 4);
    if (!check_length(HP_IPV6_HEADER + declared, len, is_quoted, error)) {
        return false;
    }
    *v = (ip_view){
        .src = hp_addr_v6(data + 8, 0),
        .dst = hp_addr_v6(data + 24, 0),
        .proto = data[6],
        .tos = (uint8_t)(hp_get16(data) >> 4),
        .ttl = data[7],
        .dont_fragment = true,
        .l4 = data + HP_IPV6_HEADER,
        .available = MIN(len - HP_IPV6_HEADER, declared),
        .declared = declared,
    };
    return read_extensions(v, error) && check_fragment(v, error);
}

/* A packet with the fields of the IP header and what follows `header` bytes of the transport as payload. */
static hp_packet *make_packet(const ip_view *v, size_t header)
{
    hp_packet *p = hp_packet_new(v->proto, &v->src, &v->dst, v->l4 + header, v->available - header);
    p->tos = v->tos;
    p->ttl = v->ttl;
    p->dont_fragment = v->dont_fragment;
    p->ip_id = v->id;
    if (v->fragment) {
        p->frag_offset = v->offset;
        p->frag_more = v->more;
        p->frag_total = (uint32_t)(v->offset + v->declared);
    }
    if (v->available < v->declared) {
        p->original_length = (uint32_t)(v->declared - header);
    }
    return p;
}

/* Whether all bytes are there that the checksum covers. */
static bool is_whole(const ip_view *v)
{
    return !v->fragment && v->available == v->declared;
}

/* The payload's sum, from the checksum field and everything else that it covers: the header (whose checksum field is
 * included in header_sum) and the pseudo header. */
static uint16_t payload_sum_from(uint16_t checksum, uint32_t pseudo_sum, uint16_t header_sum)
{
    uint32_t others = pseudo_sum + header_sum + (0xffffU - checksum);
    return hp_fold((0xffffU - checksum) + (0xffffU - hp_fold(others)));
}

static hp_packet *parse_udp(const ip_view *v, GError **error)
{
    if (v->available < HP_UDP_HEADER) {
        malformed(error, "a UDP header that is cut off");
        return NULL;
    }
    size_t length = hp_get16(v->l4 + 4);
    uint16_t checksum = hp_get16(v->l4 + 6);
    if (length < HP_UDP_HEADER || (v->fragment ? length < v->declared : length != v->declared)) {
        malformed(error, "a UDP length that disagrees with the IP length");
        return NULL;
    }
    uint32_t pseudo = hp_ip_pseudo_sum(&v->src, &v->dst, v->proto, (uint32_t)length);
    hp_packet *p = make_packet(v, HP_UDP_HEADER);
    p->src.port = hp_get16(v->l4);
    p->dst.port = hp_get16(v->l4 + 2);
    if (v->fragment) {
        p->frag_total = (uint32_t)length;
    }
    if (checksum == 0) {
        p->no_checksum = true;
        p->corrupt = v->src.family == HP_AF_IPV6; /* RFC 8200 section 8.1 */
    } else if (is_whole(v)) {
        p->corrupt = hp_fold((uint64_t)pseudo + hp_packet_sum(v->l4, v->declared)) != 0xffff;
    } else {
        p->l4_sum = payload_sum_from(checksum, pseudo, hp_packet_sum(v->l4, HP_UDP_HEADER));
    }
    return p;
}

static hp_packet *parse_tcp(const ip_view *v, GError **error)
{
    size_t header = HP_TCP_PORTS + HP_TCP_HEADER_REST;
    bool cut = v->available < v->declared;

    if (v->available < (cut ? 8 : header)) {
        malformed(error, "a TCP header that is cut off");
        return NULL;
    }
    if (v->available > 12) {
        size_t offset = (size_t)(v->l4[12] >> 4) * 4;
        if (offset < header || (!v->fragment && offset > v->declared)) {
            malformed(error, "a bad TCP data offset");
            return NULL;
        }
    }
    uint32_t pseudo = hp_ip_pseudo_sum(&v->src, &v->dst, v->proto, (uint32_t)(v->offset + v->declared));
    hp_packet *p = make_packet(v, HP_TCP_PORTS);
    p->src.port = hp_get16(v->l4);
    p->dst.port = hp_get16(v->l4 + 2);
    if (is_whole(v)) {
        p->corrupt = hp_fold((uint64_t)pseudo + hp_packet_sum(v->l4, v->declared)) != 0xffff;
    } else if (p->length >= HP_TCP_CHECKSUM + 2) {
        /* The covered "header" is the ports alone; the checksum field lies in the payload and counts as zero there. */
        uint16_t checksum = hp_get16(p->payload + HP_TCP_CHECKSUM);
        p->l4_sum = hp_fold((0xffffU - checksum) + (0xffffU - hp_fold(pseudo + hp_packet_sum(v->l4, HP_TCP_PORTS))));
    }
    return p;
}

static hp_packet *parse_icmp(const ip_view *v, bool is_quoted, GError **error)
{
    bool v6 = v->src.family == HP_AF_IPV6;

    if (v->available < HP_ICMP_HEADER) {
        malformed(error, "an ICMP header that is cut off");
        return NULL;
    }
    uint8_t type = v->l4[0], code = v->l4[1];
    uint32_t rest = hp_get32(v->l4 + 4);
    uint32_t pseudo = v6 ? hp_ip_pseudo_sum(&v->src, &v->dst, v->proto, (uint32_t)(v->offset + v->declared)) : 0;
    bool quotes = hp_icmp_type_is_error(v->src.family, type);
    g_autoptr(hp_packet) inner = NULL;

    if (quotes && v->fragment) {
        malformed(error, "a fragment of an ICMP error");
        return NULL;
    }
    if (quotes && !is_quoted) {
        inner = parse_ip(v->l4 + HP_ICMP_HEADER, v->available - HP_ICMP_HEADER, true, error);
        if (inner == NULL) {
            g_prefix_error(error, "quoted by an ICMP error: ");
            return NULL;
        }
        if (inner->src.family != v->src.family) {
            malformed(error, "an ICMP error that quotes another IP version");
            return NULL;
        }
    }
    hp_packet *p = make_packet(v, inner != NULL ? v->available : HP_ICMP_HEADER);
    p->icmp_kind = (uint8_t)hp_icmp_from_wire(v->src.family, type, code);
    p->icmp_type = type;
    p->icmp_code = code;
    p->inner = g_steal_pointer(&inner);
    if (p->icmp_kind == HP_ICMP_ECHO_REQUEST || p->icmp_kind == HP_ICMP_ECHO_REPLY) {
        p->src.port = p->dst.port = (uint16_t)(rest >> 16);
        p->icmp_mtu = rest & 0xffff;
    } else if (p->icmp_kind == HP_ICMP_FRAG_NEEDED) {
        p->icmp_mtu = v6 ? rest : rest & 0xffff;
    } else if (p->icmp_kind == HP_ICMP_OTHER) {
        p->icmp_mtu = rest;
    }
    if (is_whole(v)) {
        p->corrupt = hp_fold((uint64_t)pseudo + hp_packet_sum(v->l4, v->declared)) != 0xffff;
    } else {
        p->l4_sum = payload_sum_from(hp_get16(v->l4 + 2), pseudo, hp_packet_sum(v->l4, HP_ICMP_HEADER));
    }
    return p;
}

static hp_packet *parse_ip(const uint8_t *data, size_t len, bool is_quoted, GError **error)
{
    unsigned version = len > 0 ? data[0] >> 4 : 0;
    ip_view v;

    if (version == 4) {
        if (!read_ipv4(data, len, is_quoted, &v, error)) {
            return NULL;
        }
    } else if (version == 6) {
        if (!read_ipv6(data, len, is_quoted, &v, error)) {
            return NULL;
        }
    } else {
        malformed(error, len > 0 ? "neither IPv4 nor IPv6" : "empty");
        return NULL;
    }
    if (v.offset > 0) {
        return make_packet(&v, 0);
    }
    if (v.proto == HP_PROTO_UDP) {
        return parse_udp(&v, error);
    }
    if (v.proto == HP_PROTO_TCP) {
        return parse_tcp(&v, error);
    }
    if (v.proto == (v.src.family == HP_AF_IPV4 ? HP_PROTO_ICMP : HP_PROTO_ICMPV6)) {
        return parse_icmp(&v, is_quoted, error);
    }
    return make_packet(&v, 0);
}

hp_packet *hp_packet_parse(const uint8_t *data, size_t len, GError **error)
{
    return parse_ip(data, len, false, error);
}
