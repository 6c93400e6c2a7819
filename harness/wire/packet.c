/* Packets: making, copying, freeing, and the ICMP errors about them. Bytes on the wire are ip_write.c and ip_parse.c.
 *
 * A packet is one allocation with its payload at the end, and one more for what an ICMP error quotes. hp_packet_new()
 * clears the fields, not the room for the payload: it runs for every datagram of a simulation.
 *
 * ICMP errors follow RFC 1122 section 3.2.2 and RFC 1812 section 4.3.2 (no error about an error, a later fragment, or a
 * packet to or from an address that is not one host's; at most 576 bytes) and RFC 4443 section 2.4 (at most 1280 bytes;
 * none about a redirect; about any fragment; packet too big is also sent about a multicast). Rate limits are the
 * business of whoever sends them. */
#include "wire/packet.h"

#include <stddef.h>

#include "wire/ip.h"

enum { IPV4_ERROR_MAX = 576, IPV6_ERROR_MAX = 1280, ICMPV6_REDIRECT = 137 };

static hp_packet *allocate(size_t length)
{
    hp_packet *p = g_malloc(sizeof *p + length);
    memset(p, 0, sizeof *p);
    p->capacity = (uint32_t)length;
    return p;
}

hp_packet *hp_packet_new(uint8_t proto, const hp_addr *src, const hp_addr *dst, const void *payload, size_t length)
{
    g_assert(length <= UINT32_MAX - sizeof(hp_packet));
    hp_packet *p = allocate(length);
    p->src = *src;
    p->dst = *dst;
    p->proto = proto;
    p->ttl = 64;
    p->length = (uint32_t)length;
    if (payload != NULL && length > 0) {
        memcpy(p->payload, payload, length);
    }
    return p;
}

/* A copy with the first `length` bytes of the payload and without what it quotes. */
static hp_packet *copy_head(const hp_packet *p, size_t length)
{
    hp_packet *copy = g_malloc(sizeof *copy + length);
    memcpy(copy, p, offsetof(hp_packet, payload) + length);
    copy->inner = NULL;
    copy->length = copy->capacity = (uint32_t)length;
    return copy;
}

hp_packet *hp_packet_copy(const hp_packet *p)
{
    hp_packet *copy = copy_head(p, p->length);
    if (p->inner != NULL) {
        copy->inner = hp_packet_copy(p->inner);
    }
    return copy;
}

void hp_packet_free(hp_packet *p)
{
    while (p != NULL) {
        hp_packet *inner = p->inner;
        g_free(p);
        p = inner;
    }
}

bool hp_packet_is_icmp_error(const hp_packet *p)
{
    if (!hp_packet_is_icmp(p) || p->frag_offset > 0) {
        return false;
    }
    switch ((hp_icmp_kind)p->icmp_kind) {
    case HP_ICMP_NONE:
    case HP_ICMP_ECHO_REQUEST:
    case HP_ICMP_ECHO_REPLY:
        return false;
    case HP_ICMP_PORT_UNREACHABLE:
    case HP_ICMP_HOST_UNREACHABLE:
    case HP_ICMP_NET_UNREACHABLE:
    case HP_ICMP_ADMIN_PROHIBITED:
    case HP_ICMP_FRAG_NEEDED:
    case HP_ICMP_TTL_EXCEEDED:
    case HP_ICMP_REASSEMBLY_TIMEOUT:
        return true;
    case HP_ICMP_OTHER:
        return hp_icmp_type_is_error(p->src.family, p->icmp_type);
    }
    return false;
}

static bool is_one_host(const hp_addr *a)
{
    static const uint8_t broadcast[4] = {255, 255, 255, 255};
    return !hp_addr_is_multicast(a) && !hp_addr_is_unspecified(a) &&
           (a->family != HP_AF_IPV4 || memcmp(a->ip, broadcast, 4) != 0);
}

/* Whether an error about p could set off another: p is an error, or an ICMPv6 redirect, which is informational by its
 * number alone. For IPv4 no later fragment may be reported either. */
static bool is_unreportable(const hp_packet *p)
{
    if (p->src.family == HP_AF_IPV4) {
        return p->frag_offset > 0 || hp_packet_is_icmp_error(p);
    }
    bool redirect = p->proto == HP_PROTO_ICMPV6 && p->frag_offset == 0 && p->icmp_kind == HP_ICMP_OTHER &&
                    p->icmp_type == ICMPV6_REDIRECT;
    return redirect || hp_packet_is_icmp_error(p);
}

uint16_t hp_packet_payload_sum(const hp_packet *p)
{
    uint32_t sum = hp_packet_sum(p->payload, p->length);
    if (p->proto == HP_PROTO_TCP && p->length >= HP_TCP_CHECKSUM + 2) {
        sum += 0xffffU - hp_get16(p->payload + HP_TCP_CHECKSUM);
    }
    return hp_fold(sum);
}

hp_packet *hp_packet_icmp_error(hp_icmp_kind kind, const hp_addr *from, const hp_packet *offending, uint32_t mtu)
{
    bool v4 = offending->src.family == HP_AF_IPV4;
    uint8_t type, code;

    if (kind == HP_ICMP_ECHO_REQUEST || kind == HP_ICMP_ECHO_REPLY ||
        !hp_icmp_to_wire(offending->src.family, kind, &type, &code) || from->family != offending->src.family ||
        is_unreportable(offending) || !is_one_host(&offending->src)) {
        return NULL;
    }
    if (!is_one_host(&offending->dst) && (v4 || kind != HP_ICMP_FRAG_NEEDED)) {
        return NULL;
    }

    hp_addr source = hp_addr_with_port(*from, 0), destination = hp_addr_with_port(offending->src, 0);
    hp_packet *error = hp_packet_new(v4 ? HP_PROTO_ICMP : HP_PROTO_ICMPV6, &source, &destination, NULL, 0);
    error->dont_fragment = !v4;
    error->icmp_kind = (uint8_t)kind;
    error->icmp_type = type;
    error->icmp_code = code;
    error->icmp_mtu = kind == HP_ICMP_FRAG_NEEDED ? mtu : 0;

    size_t room =
        v4 ? IPV4_ERROR_MAX - HP_IPV4_HEADER - HP_ICMP_HEADER : IPV6_ERROR_MAX - HP_IPV6_HEADER - HP_ICMP_HEADER;
    size_t headers = hp_packet_wire_length(offending) - offending->length;
    size_t kept = MIN(offending->length, room - headers);
    error->inner = copy_head(offending, kept);
    if (kept < offending->length && offending->original_length == 0) {
        error->inner->original_length = offending->length;
        /* A fragment's sum already speaks of the whole datagram. */
        error->inner->l4_sum = offending->frag_total > 0 ? offending->l4_sum : hp_packet_payload_sum(offending);
    }
    return error;
}

hp_packet *hp_packet_echo_reply(const hp_packet *request)
{
    hp_packet *reply = hp_packet_new(request->proto, &request->dst, &request->src, request->payload, request->length);
    uint16_t id = request->src.port;
    reply->src.port = id;
    reply->dst.port = id;
    reply->icmp_kind = HP_ICMP_ECHO_REPLY;
    reply->icmp_mtu = request->icmp_mtu; /* the sequence number */
    reply->tos = request->tos;
    return reply;
}
