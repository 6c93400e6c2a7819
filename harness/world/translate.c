/* RFC 7915, over packets that are fields and not bytes.
 *
 * Both families share most of a packet here (wire/packet.h): traffic class, TTL, ports, payload, the offsets of a
 * fragment, and the meanings of the ICMP messages that have a name of their own. What remains to be done:
 *
 *   fragments   IPv4 to IPv6 (section 4): a fragment keeps its offset and its identification, in 32 bits; a whole
 *               packet never gets a fragment header, neither with DF nor without (RFC 6946 and RFC 8021 are why). One
 *               that may be fragmented is to be cut to 1280 bytes by the caller.
 *               IPv6 to IPv4 (section 5): a fragment keeps its offset and the low half of its identification, DF off.
 *               A whole packet of up to 1260 bytes gets DF off and an identification, so that IPv4 links narrower than
 *               any IPv6 one may cut it; a longer one DF on, so that the path is discovered.
 *   UDP         A datagram without a checksum gets one in IPv6 (section 4.5), which is not possible for a fragment of
 *               one: refused. IPv6 has none without, bar tunnels that nobody here makes: refused.
 *   ICMP        sections 4.2, 4.3, 5.2, 5.3. Named kinds keep their name where the tables map the one to the other;
 *               HP_ICMP_HOST_UNREACHABLE is where several IPv4 codes and IPv6 codes meet that are not each other's
 *               reverse. What has no counterpart is refused, fragments of ICMP also (section 1.2): the checksum of
 *               ICMPv6 covers a length that a fragment does not show.
 *   quotations  An ICMP error's inner header is translated like an outer one, without a hop. An error that quotes an
 *               ICMP error is refused. One that grows beyond what ICMPv6 allows (1280 bytes) has its quotation cut.
 *   MTU         differs by the headers' 20 bytes. An IPv4 router that gives none (before RFC 1191) is understood by
 *               the plateau below the length of what it complains of. A Packet Too Big never says less than 1280.
 *
 * Not here: IPv4 options and IPv6 extension headers, which do not outlive parsing; ICMP extensions (RFC 4884), which
 * are part of a quotation's bytes; the MTU of the next hop, which the link knows and answers for. */
#include "world/translate.h"

#include <assert.h>

enum {
    HEADER_DIFFERENCE = 20, /* IPv6 header less IPv4 header */
    IPV4_MTU_LEAST = 68,
    NONE = -1,
};

/* ---- ICMP messages ---- */

typedef struct message {
    uint8_t kind, type, code; /* hp_icmp_kind; type and code of an HP_ICMP_OTHER */
    uint32_t rest; /* icmp_mtu */
} message;

static bool named(message *m, hp_icmp_kind kind)
{
    *m = (message){.kind = (uint8_t)kind};
    return true;
}

static bool other(message *m, uint8_t type, uint8_t code, uint32_t rest)
{
    *m = (message){.kind = HP_ICMP_OTHER, .type = type, .code = code, .rest = rest};
    return true;
}

enum {
    V4_UNREACHABLE = 3,
    V4_TIME_EXCEEDED = 11,
    V4_PARAMETER = 12,
    V6_UNREACHABLE = 1,
    V6_TIME_EXCEEDED = 3,
    V6_PARAMETER = 4,
    V6_HOST_ADMIN = 10, /* of IPv4: communication with the host prohibited */
};

/* Figure 3 of RFC 7915: which byte of the IPv6 header stands for one of the IPv4 header. */
static const int8_t pointers4[] = {0, 1, 4, 4, NONE, NONE, NONE, NONE, 7, 6, NONE, NONE, 8, 8, 8, 8, 24, 24, 24, 24};
static_assert(G_N_ELEMENTS(pointers4) == 20, "one entry a byte of the IPv4 header");
/* Figure 6, the other way. */
static const int8_t pointers6[] = {0,  1,  NONE, NONE, 2,  2,  9,  8,  12, 12, 12, 12, 12, 12, 12, 12, 12, 12, 12, 12,
                                   12, 12, 12,   12,   16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16};
static_assert(G_N_ELEMENTS(pointers6) == 40, "one entry a byte of the IPv6 header");

static bool unreachable_to_6(uint8_t code, message *m)
{
    switch (code) {
    case 2: /* protocol: the next header field is what it stumbled over */
        return other(m, V6_PARAMETER, 1, 6);
    case 3:
        return named(m, HP_ICMP_PORT_UNREACHABLE);
    case 9:
    case 10:
    case 13:
    case 15:
        return named(m, HP_ICMP_ADMIN_PROHIBITED);
    case 0:
    case 1:
    case 5:
    case 6:
    case 7:
    case 8:
    case 11:
    case 12:
        return named(m, HP_ICMP_NET_UNREACHABLE);
    default: /* 4 has a name of its own, 14 (host precedence) and unknown ones have no counterpart */
        return false;
    }
}

/* RFC 1191 section 7: links that there were. */
static uint32_t plateau_below(size_t length)
{
    static const uint16_t plateaus[] = {65535, 32000, 17914, 8166, 4352, 2002, 1492, 1006, 508, 296};
    for (unsigned i = 0; i < G_N_ELEMENTS(plateaus); i++) {
        if (plateaus[i] < length) {
            return plateaus[i];
        }
    }
    return IPV4_MTU_LEAST;
}

/* On the wire, also of a packet that is quoted and was cut for it. */
static size_t whole_length(const hp_packet *p)
{
    size_t length = hp_packet_wire_length(p);
    return p->original_length > p->length ? length + p->original_length - p->length : length;
}

static uint32_t mtu_to_6(const hp_packet *p)
{
    uint32_t mtu = p->icmp_mtu;
    if (mtu == 0 && p->inner != NULL) {
        mtu = plateau_below(whole_length(p->inner));
    }
    return MAX(mtu + HEADER_DIFFERENCE, HP_TRANSLATE_MTU);
}

static bool parameter_to_6(const hp_packet *p, message *m)
{
    uint32_t at = p->icmp_mtu >> 24;
    bool known = (p->icmp_code == 0 || p->icmp_code == 2) && at < G_N_ELEMENTS(pointers4) && pointers4[at] != NONE;
    return known && other(m, V6_PARAMETER, 0, (uint32_t)pointers4[at]);
}

static bool other_to_6(const hp_packet *p, message *m)
{
    if (p->icmp_type == V4_UNREACHABLE) {
        return unreachable_to_6(p->icmp_code, m);
    }
    if (p->icmp_type == V4_TIME_EXCEEDED) {
        return other(m, V6_TIME_EXCEEDED, p->icmp_code, 0);
    }
    return p->icmp_type == V4_PARAMETER && parameter_to_6(p, m);
}

static bool message_to_6(const hp_packet *p, message *m)
{
    hp_icmp_kind kind = (hp_icmp_kind)p->icmp_kind;
    switch (kind) {
    case HP_ICMP_ECHO_REQUEST:
    case HP_ICMP_ECHO_REPLY:
        *m = (message){.kind = p->icmp_kind, .rest = p->icmp_mtu};
        return true;
    case HP_ICMP_HOST_UNREACHABLE: /* 3/1 is 1/0, "no route", and not 1/3 */
    case HP_ICMP_NET_UNREACHABLE:
        return named(m, HP_ICMP_NET_UNREACHABLE);
    case HP_ICMP_PORT_UNREACHABLE:
    case HP_ICMP_ADMIN_PROHIBITED:
    case HP_ICMP_TTL_EXCEEDED:
    case HP_ICMP_REASSEMBLY_TIMEOUT:
        return named(m, kind);
    case HP_ICMP_FRAG_NEEDED:
        *m = (message){.kind = p->icmp_kind, .rest = mtu_to_6(p)};
        return true;
    case HP_ICMP_OTHER:
        return other_to_6(p, m);
    case HP_ICMP_NONE:
        break;
    }
    return false;
}

static bool other_to_4(const hp_packet *p, message *m)
{
    if (p->icmp_type == V6_UNREACHABLE) {
        return p->icmp_code == 2 && named(m, HP_ICMP_HOST_UNREACHABLE); /* beyond the scope of the source */
    }
    if (p->icmp_type == V6_TIME_EXCEEDED) {
        return other(m, V4_TIME_EXCEEDED, p->icmp_code, 0);
    }
    if (p->icmp_type != V6_PARAMETER) {
        return false;
    }
    if (p->icmp_code == 1) {
        return other(m, V4_UNREACHABLE, 2, 0);
    }
    bool known = p->icmp_code == 0 && p->icmp_mtu < G_N_ELEMENTS(pointers6) && pointers6[p->icmp_mtu] != NONE;
    return known && other(m, V4_PARAMETER, 0, (uint32_t)pointers6[p->icmp_mtu] << 24);
}

static bool message_to_4(const hp_packet *p, message *m)
{
    hp_icmp_kind kind = (hp_icmp_kind)p->icmp_kind;
    switch (kind) {
    case HP_ICMP_ECHO_REQUEST:
    case HP_ICMP_ECHO_REPLY:
        *m = (message){.kind = p->icmp_kind, .rest = p->icmp_mtu};
        return true;
    case HP_ICMP_HOST_UNREACHABLE:
    case HP_ICMP_NET_UNREACHABLE: /* 1/0 is 3/1 */
        return named(m, HP_ICMP_HOST_UNREACHABLE);
    case HP_ICMP_ADMIN_PROHIBITED:
        return other(m, V4_UNREACHABLE, V6_HOST_ADMIN, 0);
    case HP_ICMP_PORT_UNREACHABLE:
    case HP_ICMP_TTL_EXCEEDED:
    case HP_ICMP_REASSEMBLY_TIMEOUT:
        return named(m, kind);
    case HP_ICMP_FRAG_NEEDED:
        *m = (message){.kind = p->icmp_kind, .rest = MAX(p->icmp_mtu, IPV4_MTU_LEAST + HEADER_DIFFERENCE)};
        m->rest -= HEADER_DIFFERENCE;
        return true;
    case HP_ICMP_OTHER:
        return other_to_4(p, m);
    case HP_ICMP_NONE:
        break;
    }
    return false;
}

static bool message_of(const hp_packet *p, uint8_t from, message *m)
{
    return from == HP_AF_IPV4 ? message_to_6(p, m) : message_to_4(p, m);
}

/* ---- what cannot be translated ---- */

static const char *quotation_refusal(const hp_packet *inner, uint8_t from)
{
    message m;
    if (!hp_packet_is_icmp(inner) || inner->frag_offset > 0) {
        return NULL;
    }
    bool query = inner->icmp_kind == HP_ICMP_ECHO_REQUEST || inner->icmp_kind == HP_ICMP_ECHO_REPLY;
    return query && message_of(inner, from, &m) ? NULL : "it quotes an ICMP message that has no counterpart";
}

const char *hp_translate_refusal(const hp_packet *p, uint8_t from)
{
    message m;
    if (p->proto == HP_PROTO_UDP) {
        if (!p->no_checksum || (from == HP_AF_IPV4 && p->frag_total == 0)) {
            return NULL;
        }
        return from == HP_AF_IPV4 ? "a fragmented datagram without a checksum" : "a datagram without a checksum";
    }
    if (p->proto == (from == HP_AF_IPV4 ? HP_PROTO_ICMPV6 : HP_PROTO_ICMP)) {
        return "the other family's ICMP";
    }
    if (!hp_packet_is_icmp(p)) {
        return NULL;
    }
    if (p->frag_total > 0) {
        return "a fragment of ICMP";
    }
    if (!message_of(p, from, &m)) {
        return "an ICMP message that has no counterpart";
    }
    if (!hp_packet_is_icmp_error(p)) {
        return NULL;
    }
    return p->inner != NULL ? quotation_refusal(p->inner, from) : "an ICMP error that quotes nothing";
}

/* ---- headers ---- */

static void translate_icmp(hp_packet *p, uint8_t from)
{
    message m;
    /* Of a quotation's later fragment nothing is known but that it is ICMP. */
    if (p->frag_offset == 0 && message_of(p, from, &m)) {
        p->icmp_kind = m.kind;
        p->icmp_type = m.type;
        p->icmp_code = m.code;
        p->icmp_mtu = m.rest;
    }
    p->proto = from == HP_AF_IPV4 ? HP_PROTO_ICMPV6 : HP_PROTO_ICMP;
}

static void to_4(hp_packet *p)
{
    p->ip_id &= 0xffff;
    p->dont_fragment = p->frag_total == 0 && whole_length(p) > HP_TRANSLATE_MTU - HEADER_DIFFERENCE;
    if (p->ip_id == 0 && !p->dont_fragment) {
        p->ip_id = (uint16_t)p->uid; /* each packet's own, as where a host makes one up */
    }
}

/* Cuts what an ICMPv6 error quotes until the error has 1280 bytes (RFC 4443 section 2.4). */
static void shorten(hp_packet *error)
{
    hp_packet *inner = error->inner;
    size_t length = hp_packet_wire_length(error);
    if (length <= HP_TRANSLATE_MTU) {
        return;
    }
    uint32_t excess = (uint32_t)MIN(length - HP_TRANSLATE_MTU, inner->length);
    if (inner->original_length == 0) {
        inner->original_length = inner->length;
        inner->l4_sum = inner->frag_total > 0 ? inner->l4_sum : hp_packet_payload_sum(inner);
    }
    inner->length -= excess;
    inner->sum_known = false;
}

bool hp_translate(hp_packet *p, uint8_t from, const hp_translate_ends *ends)
{
    bool may_cut = from == HP_AF_IPV4 && (!p->dont_fragment || p->frag_total > 0);

    if (hp_packet_is_icmp(p)) {
        translate_icmp(p, from);
    }
    p->src = ends->src;
    p->dst = ends->dst;
    if (p->inner != NULL) {
        hp_translate_ends inner = {.src = ends->inner_src, .dst = ends->inner_dst};
        hp_translate(p->inner, from, &inner);
    }
    if (from == HP_AF_IPV6) {
        to_4(p);
        return false;
    }
    p->ip_id &= 0xffff;
    p->dont_fragment = true;
    p->no_checksum = false;
    if (p->inner != NULL) {
        shorten(p);
        return false;
    }
    return may_cut && hp_packet_wire_length(p) > HP_TRANSLATE_MTU;
}
