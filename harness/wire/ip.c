/* Checksums and the two ICMP vocabularies.
 *
 * The Internet checksum (RFC 1071) does not care about byte order as long as the result is swapped back, so payloads
 * are summed in the machine's order, eight bytes at a time: the low and high halves of each word go into an accumulator
 * of their own, neither of which can overflow before 2^32 words. Capture writes every packet, and this sum is most of
 * what that costs.
 *
 * ICMP kinds: RFC 792 and RFC 1812 section 5.2.7 for IPv4, RFC 4443 for IPv6. Several codes share a meaning for a user
 * of the network; only the one that this project writes maps to a kind, all others stay HP_ICMP_OTHER with type and
 * code as they came. */
#include "wire/ip.h"

#include <assert.h>

uint16_t hp_packet_sum(const void *data, size_t length)
{
    const uint8_t *p = data;
    uint64_t low = 0, high = 0;

    while (length >= 16) {
        uint64_t words[2];
        memcpy(words, p, 16);
        low += (words[0] & UINT32_MAX) + (words[1] & UINT32_MAX);
        high += (words[0] >> 32) + (words[1] >> 32);
        p += 16;
        length -= 16;
    }
    while (length >= 2) {
        uint16_t word;
        memcpy(&word, p, 2);
        low += word;
        p += 2;
        length -= 2;
    }
    uint64_t sum = (low & UINT32_MAX) + (low >> 32) + (high & UINT32_MAX) + (high >> 32);
    if (length > 0) {
        sum += GUINT16_TO_BE((uint16_t)(p[0] << 8));
    }
    return GUINT16_FROM_BE(hp_fold(sum));
}

uint32_t hp_ip_pseudo_sum(const hp_addr *src, const hp_addr *dst, uint8_t proto, uint32_t l4_length)
{
    size_t n = src->family == HP_AF_IPV4 ? 4 : 16;
    return (uint32_t)hp_packet_sum(src->ip, n) + hp_packet_sum(dst->ip, n) + proto + (l4_length >> 16) +
           (l4_length & 0xffff);
}

size_t hp_ip_l4_header(const hp_packet *p)
{
    if (p->frag_offset > 0) {
        return 0;
    }
    switch (p->proto) {
    case HP_PROTO_UDP:
        return HP_UDP_HEADER;
    case HP_PROTO_TCP:
        return HP_TCP_PORTS;
    case HP_PROTO_ICMP:
        return p->src.family == HP_AF_IPV4 ? HP_ICMP_HEADER : 0;
    case HP_PROTO_ICMPV6:
        return p->src.family == HP_AF_IPV6 ? HP_ICMP_HEADER : 0;
    default: /* any other protocol number */
        return 0;
    }
}

typedef struct icmp_code {
    uint8_t type, code;
} icmp_code;

typedef struct icmp_meaning {
    icmp_code v4, v6;
} icmp_meaning;

static const icmp_meaning meanings[] = {
    [HP_ICMP_NONE] = {{0, 0}, {0, 0}},
    [HP_ICMP_ECHO_REQUEST] = {{8, 0}, {128, 0}},
    [HP_ICMP_ECHO_REPLY] = {{0, 0}, {129, 0}},
    [HP_ICMP_PORT_UNREACHABLE] = {{3, 3}, {1, 4}},
    [HP_ICMP_HOST_UNREACHABLE] = {{3, 1}, {1, 3}},
    [HP_ICMP_NET_UNREACHABLE] = {{3, 0}, {1, 0}},
    [HP_ICMP_ADMIN_PROHIBITED] = {{3, 13}, {1, 1}},
    [HP_ICMP_FRAG_NEEDED] = {{3, 4}, {2, 0}},
    [HP_ICMP_TTL_EXCEEDED] = {{11, 0}, {3, 0}},
    [HP_ICMP_REASSEMBLY_TIMEOUT] = {{11, 1}, {3, 1}},
    [HP_ICMP_OTHER] = {{0, 0}, {0, 0}},
};
static_assert(G_N_ELEMENTS(meanings) == HP_ICMP_OTHER + 1, "one entry a kind");

bool hp_icmp_to_wire(uint8_t family, hp_icmp_kind kind, uint8_t *ret_type, uint8_t *ret_code)
{
    if (kind == HP_ICMP_NONE || kind >= HP_ICMP_OTHER) {
        return false;
    }
    icmp_code wire = family == HP_AF_IPV4 ? meanings[kind].v4 : meanings[kind].v6;
    *ret_type = wire.type;
    *ret_code = wire.code;
    return true;
}

hp_icmp_kind hp_icmp_from_wire(uint8_t family, uint8_t type, uint8_t code)
{
    for (unsigned kind = HP_ICMP_NONE + 1; kind < HP_ICMP_OTHER; kind++) {
        icmp_code wire = family == HP_AF_IPV4 ? meanings[kind].v4 : meanings[kind].v6;
        if (wire.type == type && wire.code == code) {
            return (hp_icmp_kind)kind;
        }
    }
    return HP_ICMP_OTHER;
}

bool hp_icmp_type_is_error(uint8_t family, uint8_t type)
{
    if (family == HP_AF_IPV6) {
        return type < 128;
    }
    /* Destination unreachable, source quench, redirect, time exceeded, parameter problem. */
    return type == 3 || type == 4 || type == 5 || type == 11 || type == 12;
}
