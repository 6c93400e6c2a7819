/* IPv6 that passes the NAT's table by: routed as it is, or with its prefix replaced (NPTv6, RFC 6296; world/npt.c).
 *
 * Either way the NAT is a router. It keeps nothing in mind, filters nothing (a firewall is a node of its own), passes
 * every protocol and every fragment, and is one hop: a packet whose TTL runs out is answered. What stays is what a
 * router in a home does anyway: a source that does not belong to its side is dropped, link-local and multicast
 * addresses do not cross, and `block_udp`, `block_tcp` and `blocked` hold for what goes out.
 *
 * Routed, an inside prefix is what the NAT was told by hp_nat_add_inside_prefix(): packets from outside must be for
 * one.
 *
 * With NPTv6 the source changes on the way out and the destination on the way in, and in what an ICMP error quotes the
 * other end of the two. A packet from the inside to an address of the outside prefix comes back with both changed
 * (hairpinning). An address that cannot be mapped (npt.c) is unreachable: its packet is dropped and answered.
 *
 * The NAT's own address is its inside one, which the outside knows by the outside prefix. */
#include "world/nat_private.h"

bool hp_nat_ipv6_own(const hp_nat *nat, unsigned side, hp_addr *ret)
{
    hp_addr own = nat->internal[1];
    if (own.family == HP_AF_NONE || nat->config.ipv6 == HP_NAT_IPV6_TRANSLATE)
        return false;
    if (nat->config.ipv6 == HP_NAT_IPV6_PREFIX && side == HP_NAT_OUTSIDE && !hp_npt_map(&nat->npt, true, &own))
        return false;
    *ret = own;
    return true;
}

static void refuse(hp_nat *nat, unsigned side, hp_packet *p, hp_drop_reason reason, const char *detail,
                   hp_icmp_kind answer)
{
    hp_nat_verdict v = {0};
    hp_nat_refuse(&v, reason, detail, answer);
    hp_nat_finish(nat, side, p, &v);
}

/* Common to all ways. Takes p. */
static void pass(hp_nat *nat, unsigned side, unsigned out, hp_packet *p, const hp_addr *src, const hp_addr *dst)
{
    hp_nat_verdict v = {.pass = true, .side = (uint8_t)out, .src = *src, .dst = *dst};
    if (!hp_nat_ttl_left(p, &v))
        v.pass = false;
    hp_nat_finish(nat, side, p, &v);
}

static bool is_blocked(const hp_nat *nat, const hp_packet *p)
{
    bool udp = p->proto == HP_PROTO_UDP, tcp = p->proto == HP_PROTO_TCP;
    if ((udp && nat->config.block_udp) || (tcp && nat->config.block_tcp))
        return true;
    return (udp || tcp) && p->frag_offset == 0 && hp_nat_is_blocked(nat, p->dst.port);
}

/* What a packet quotes travelled the other way: its source is where this one goes, its destination where this one comes
 * from. An end that has no counterpart is left as it is: its receiver will know no such flow. */
static void map_quoted(const hp_nat *nat, hp_packet *p, bool source_inward, bool destination_outward)
{
    if (!hp_packet_is_icmp_error(p) || !p->inner || nat->config.icmp_inner_untranslated)
        return;
    if (source_inward)
        hp_npt_map(&nat->npt, false, &p->inner->src);
    if (destination_outward)
        hp_npt_map(&nat->npt, true, &p->inner->dst);
}

static void prefix_from_inside(hp_nat *nat, hp_packet *p)
{
    hp_addr src = p->src, dst = p->dst;
    bool hairpin = nat->npt.outside.bits > 0 && hp_prefix_contains(&nat->npt.outside, &dst);

    if (nat->npt.inside.bits == 0 || !hp_prefix_contains(&nat->npt.inside, &src)) {
        refuse(nat, HP_NAT_INSIDE, p, HP_DROP_BAD_SOURCE, "not of the prefix that is replaced", HP_ICMP_NONE);
    } else if (!hp_npt_map(&nat->npt, true, &src) || (hairpin && !hp_npt_map(&nat->npt, false, &dst))) {
        refuse(nat, HP_NAT_INSIDE, p, HP_DROP_NO_ROUTE, "an address that cannot be mapped", HP_ICMP_HOST_UNREACHABLE);
    } else {
        if (p->ttl > 1)
            map_quoted(nat, p, hairpin, true);
        pass(nat, HP_NAT_INSIDE, hairpin ? HP_NAT_INSIDE : HP_NAT_OUTSIDE, p, &src, &dst);
    }
}

void hp_nat_ipv6_from_inside(hp_nat *nat, hp_packet *p)
{
    hp_addr outer;
    if (!hp_nat_is_inside(nat, &p->src) || !hp_nat_is_routable(&p->src) ||
        hp_nat_external_of(&nat->pool, &p->src) >= 0) {
        hp_node_drop(&nat->node, p, HP_DROP_BAD_SOURCE, NULL);
    } else if (hp_addr_same_ip(&p->dst, &nat->internal[1]) || hp_nat_external_of(&nat->pool, &p->dst) >= 0 ||
               (hp_nat_ipv6_own(nat, HP_NAT_OUTSIDE, &outer) && hp_addr_same_ip(&p->dst, &outer))) {
        hp_nat_local(nat, HP_NAT_INSIDE, p);
    } else if (!hp_nat_is_routable(&p->dst)) {
        hp_node_drop(&nat->node, p, HP_DROP_NO_ROUTE, NULL);
    } else if (is_blocked(nat, p)) {
        refuse(nat, HP_NAT_INSIDE, p, HP_DROP_NAT_BLOCKED, NULL,
               nat->config.answers_blocked ? HP_ICMP_ADMIN_PROHIBITED : HP_ICMP_NONE);
    } else if (nat->config.ipv6 == HP_NAT_IPV6_PREFIX) {
        prefix_from_inside(nat, p);
    } else if (nat->n_inside > 0 && hp_nat_is_inside(nat, &p->dst)) {
        hp_node_drop(&nat->node, p, HP_DROP_NO_ROUTE, "its destination is on the inside too");
    } else {
        pass(nat, HP_NAT_INSIDE, HP_NAT_OUTSIDE, p, &p->src, &p->dst);
    }
}

static void prefix_from_outside(hp_nat *nat, hp_packet *p)
{
    hp_addr dst = p->dst;
    if (nat->npt.outside.bits == 0 || !hp_prefix_contains(&nat->npt.outside, &dst)) {
        hp_node_drop(&nat->node, p, HP_DROP_NO_ROUTE, "not of the NAT's outside prefix");
    } else if (hp_prefix_contains(&nat->npt.outside, &p->src)) {
        hp_node_drop(&nat->node, p, HP_DROP_BAD_SOURCE, NULL);
    } else if (!hp_npt_map(&nat->npt, false, &dst)) {
        refuse(nat, HP_NAT_OUTSIDE, p, HP_DROP_NO_ROUTE, "an address that cannot be mapped", HP_ICMP_HOST_UNREACHABLE);
    } else {
        if (p->ttl > 1)
            map_quoted(nat, p, true, false);
        pass(nat, HP_NAT_OUTSIDE, HP_NAT_INSIDE, p, &p->src, &dst);
    }
}

void hp_nat_ipv6_from_outside(hp_nat *nat, hp_packet *p)
{
    hp_addr own;
    if (!hp_nat_is_routable(&p->src)) {
        hp_node_drop(&nat->node, p, HP_DROP_BAD_SOURCE, NULL);
    } else if (hp_nat_external_of(&nat->pool, &p->dst) >= 0 ||
               (hp_nat_ipv6_own(nat, HP_NAT_OUTSIDE, &own) && hp_addr_same_ip(&p->dst, &own))) {
        hp_nat_icmp_own(nat, HP_NAT_OUTSIDE, p);
    } else if (nat->config.ipv6 == HP_NAT_IPV6_PREFIX) {
        prefix_from_outside(nat, p);
    } else if (nat->n_inside > 0 && hp_nat_is_inside(nat, &p->src)) {
        hp_node_drop(&nat->node, p, HP_DROP_BAD_SOURCE, NULL);
    } else if (!hp_nat_is_inside(nat, &p->dst)) {
        hp_node_drop(&nat->node, p, HP_DROP_NO_ROUTE, "not an address of the inside");
    } else {
        pass(nat, HP_NAT_OUTSIDE, HP_NAT_INSIDE, p, &p->src, &p->dst);
    }
}
