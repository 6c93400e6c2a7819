/* Stateful NAT64 (RFC 6146): an IPv6 inside reaches IPv4 remotes.
 *
 * A remote is seen on the inside as an IPv6 address that embeds its IPv4 one in a prefix (RFC 6052). What the RFC calls
 * a BIB entry is a mapping of the table whose internal endpoint is of IPv6 and whose external one and remotes are of
 * IPv4; what it calls a session is the session of a mapping. So the table, and all knobs of mapping, filtering, ports,
 * timers, limits, TCP, hairpinning and fragments, are those of any other flow. (An RFC 6146 device has
 * endpoint-independent mapping, a UDP timeout of at least 2 minutes, and TCP timers of 4 minutes and 2 hours 4 minutes:
 * the defaults.)
 *
 *   inside                           the table's view                    outside
 *   X',x -> Pref64::Z,z  --enter-->  X',x -> Z,z  --verdict, cross-->  T,t -> Z,z
 *                                                <--cross, verdict--
 *   Pref64::Z,z -> X',x              Z,z -> T,t                          Z,z -> T,t
 *
 * Entering puts the embedded address in the packet's destination, and in the source of what an ICMP error quotes:
 * nothing else of the packet changes, so that it can be put back (leave) when the packet is dropped and perhaps
 * answered. From then on the path code sees a remote of IPv4, and an external address that the destination may be
 * (hairpinning, section 3.8: the other inside host gets the packet from Pref64::T, or as IPv4 where that is what it
 * speaks). The headers are translated last (world/translate.c), together with the hop's TTL.
 *
 * An address of the prefix whose suffix is not zero embeds nothing here. A source in the prefix is a packet that came
 * back and is dropped (section 3.5). IPv4 packets that may be fragmented are cut to 1280 bytes on their way in. Of
 * section 3.5.2.2 the probe of an idle TCP connection is missing, as in nat.c. */
#include "wire/dns64.h"
#include "world/nat_private.h"

/* Only what embed() gives back. */
static bool embedded_in(const hp_nat *nat, const hp_addr *a, hp_addr *ret)
{
    hp_addr v4, again;
    if (!hp_dns64_extract(&nat->pref64, a, &v4) || !hp_dns64_embed(&nat->pref64, &v4, &again) ||
        !hp_addr_equal(a, &again))
        return false;
    *ret = v4;
    return true;
}

/* IPv6 stays as it is. */
static hp_addr embed(const hp_nat *nat, const hp_addr *a)
{
    hp_addr v6 = *a;
    if (a->family == HP_AF_IPV4)
        hp_dns64_embed(&nat->pref64, a, &v6);
    return v6;
}

bool hp_nat64_enter(const hp_nat *nat, hp_packet *p)
{
    hp_addr quoted;
    bool quotes = hp_packet_is_icmp_error(p) && p->inner;
    if (quotes && !embedded_in(nat, &p->inner->src, &quoted))
        return false;
    if (!embedded_in(nat, &p->dst, &p->dst))
        return false;
    if (quotes)
        p->inner->src = quoted;
    return true;
}

void hp_nat64_leave(const hp_nat *nat, hp_packet *p)
{
    if (p->src.family != HP_AF_IPV6 || p->dst.family != HP_AF_IPV4)
        return;
    p->dst = embed(nat, &p->dst);
    if (hp_packet_is_icmp_error(p) && p->inner)
        p->inner->src = embed(nat, &p->inner->src);
}

uint32_t hp_nat64_length(const hp_nat *nat, hp_packet *p)
{
    bool entered = p->src.family != p->dst.family;
    hp_nat64_leave(nat, p);
    uint32_t length = (uint32_t)hp_packet_wire_length(p);
    if (entered)
        hp_nat64_enter(nat, p);
    return length;
}

void hp_nat_drop(hp_nat *nat, hp_packet *p, hp_drop_reason reason, const char *detail)
{
    hp_nat64_leave(nat, p);
    hp_node_drop(&nat->node, p, reason, detail);
}

bool hp_nat64_cross(const hp_nat *nat, hp_packet *p, const hp_nat_verdict *v)
{
    uint8_t from = p->src.family, to = v->dst.family;
    hp_translate_ends ends = {.src = v->src, .dst = v->dst};

    if (p->inner) {
        ends.inner_src = nat->quoted.inner_src;
        ends.inner_dst = nat->quoted.inner_dst;
    }
    if (to == HP_AF_IPV6) {
        ends.src = embed(nat, &ends.src);
        ends.inner_src = embed(nat, &ends.inner_src);
        ends.inner_dst = embed(nat, &ends.inner_dst);
    }
    if (from != to)
        return hp_translate(p, from, &ends);
    /* Hairpinned between IPv6 hosts: only the addresses change. */
    p->src = ends.src;
    p->dst = ends.dst;
    if (p->inner) {
        p->inner->src = ends.inner_src;
        p->inner->dst = ends.inner_dst;
    }
    return false;
}
