/* The ways a packet takes through the NAT, and UDP's verdicts.
 *
 * From the inside: a wrong source is dropped (bad-source); what is for the NAT's inside address stays here; what is for
 * one of its external addresses hairpins (RFC 4787 section 6); everything else leaves with an external source.
 * From outside: what is not for an external address is dropped (no-route); what the filter admits goes in.
 *
 * The NAT is one hop. A packet that arrives with a TTL of 1 is dropped and answered (time exceeded) before it can make
 * or refresh a mapping, but after it was found to be admissible: what the NAT would not pass anyway is not a TTL
 * matter. A hairpinned packet loses one, not two.
 *
 * Hairpinning counts as outbound for the sender's mapping, which is made when missing even where the sender's internal
 * address is shown (HP_NAT_HAIRPIN_INTERNAL_SOURCE), and as inbound for the target's. With hairpin_filtered the
 * target's filter looks at the sender's external address and port, whichever source the packet then shows.
 *
 * A gateway (`alg`) runs where the header is translated, and on first fragments and whole packets alone.
 *
 * Errors that the NAT makes come from its own address on the side where the offender came from: the inside address (an
 * external one where it has none), or the external address that the offender was sent to. */
#include "world/alg.h"
#include "world/fragment.h"
#include "world/nat_private.h"

static void record(hp_nat *nat, unsigned side, hp_direction dir, hp_packet *p)
{
    hp_trace *trace = hp_world_trace(nat->node.world);
    if (trace)
        hp_trace_packet(trace, hp_world_now(nat->node.world), nat->taps[side], dir, p);
}

void hp_nat_send(hp_nat *nat, unsigned side, hp_packet *p)
{
    record(nat, side, HP_DIR_OUT, p);
    hp_node_emit(&nat->node, side, p);
}

static hp_packet *error_about(hp_nat *nat, unsigned side, const hp_packet *p, hp_icmp_kind kind)
{
    unsigned family = hp_nat_family(&p->src);
    const hp_addr *from = NULL;
    hp_addr own;

    if (kind == HP_ICMP_NONE)
        return NULL;
    if (side == HP_NAT_OUTSIDE && hp_nat_external_of(&nat->pool, &p->dst) >= 0)
        from = &p->dst;
    else if (side == HP_NAT_INSIDE && nat->internal[family].family != HP_AF_NONE)
        from = &nat->internal[family];
    else if (nat->pool.n_of_family[family] > 0)
        from = &nat->pool.externals[nat->pool.of_family[family][0]].addr;
    else if (hp_nat_ipv6_own(nat, side, &own))
        from = &own;
    hp_packet *error = from ? hp_packet_icmp_error(kind, from, p, 0) : NULL;
    if (error)
        error->uid = hp_world_new_uid(nat->node.world);
    return error;
}

static void count_drop(hp_nat *nat, hp_drop_reason reason)
{
    if (reason == HP_DROP_NAT_FILTERED)
        nat->stats.filtered++;
    else if (reason == HP_DROP_NAT_NO_MAPPING)
        nat->stats.no_mapping++;
    else if (reason == HP_DROP_NAT_LIMIT || reason == HP_DROP_NAT_NO_PORT)
        nat->stats.refused++;
}

/* The gateway translates in the payload what the NAT translates in the header. */
static G_GNUC_NO_INLINE void run_alg(const hp_nat *nat, hp_packet *p, const hp_nat_verdict *v)
{
    if (!hp_addr_same_ip(&p->src, &v->src))
        hp_alg_run(p, &nat->config.alg, &p->src, &v->src);
    if (!hp_addr_same_ip(&p->dst, &v->dst))
        hp_alg_run(p, &nat->config.alg, &p->dst, &v->dst);
}

/* True: p is to be cut to HP_TRANSLATE_MTU. */
static inline bool translate(hp_nat *nat, unsigned side, hp_packet *p, const hp_nat_verdict *v)
{
    if (v->side == HP_NAT_OUTSIDE)
        nat->stats.out_packets++;
    else if (side == HP_NAT_OUTSIDE)
        nat->stats.in_packets++;
    else
        nat->stats.hairpinned++;
    if (G_UNLIKELY(nat->config.alg.anywhere || nat->config.alg.plain || nat->config.alg.xored))
        run_alg(nat, p, v);
    p->ttl--;
    if (G_UNLIKELY(hp_nat_crosses(p, v)))
        return hp_nat64_cross(nat, p, v);
    p->src = v->src;
    p->dst = v->dst;
    return false;
}

/* Where the pieces of a packet go. */
typedef struct way_out {
    hp_nat *nat;
    unsigned side;
} way_out;

static void send_piece(void *user, hp_packet *piece)
{
    const way_out *way = user;
    hp_nat_send(way->nat, way->side, piece);
}

/* Takes p. */
static G_GNUC_NO_INLINE void send_cut(hp_nat *nat, unsigned side, hp_packet *p, uint32_t most)
{
    way_out way = {.nat = nat, .side = side};
    hp_fragment(p, most, send_piece, &way);
    hp_packet_free(p);
}

void hp_nat_finish(hp_nat *nat, unsigned side, hp_packet *p, const hp_nat_verdict *v)
{
    if (!v->pass) {
        if (v->tcp_answer == HP_NAT_TCP_ANSWER_LATER) {
            hp_nat_tcp_hold_syn(nat, side, p, v);
            return;
        }
        count_drop(nat, v->reason);
        hp_nat64_leave(nat, p);
        hp_packet *error = v->tcp_answer == HP_NAT_TCP_ANSWER_RST ? hp_nat_tcp_rst_about(nat, p)
                                                                  : error_about(nat, side, p, v->answer);
        hp_node_drop(&nat->node, p, v->reason, v->detail);
        if (error)
            hp_nat_send(nat, side, error);
        return;
    }
    if (G_UNLIKELY(translate(nat, side, p, v)))
        send_cut(nat, v->side, p, HP_TRANSLATE_MTU);
    else
        hp_nat_send(nat, v->side, p);
}

/* How long the pieces may be on the other side of a datagram that came in pieces of up to nat->cut. */
static uint32_t cut_beyond(const hp_nat *nat, const hp_packet *p, const hp_nat_verdict *v)
{
    enum { FRAGMENT_DIFFERENCE = 28 }; /* of the headers of an IPv6 and an IPv4 fragment */
    if (v->dst.family == p->src.family)
        return nat->cut;
    return v->dst.family == HP_AF_IPV4 ? nat->cut - FRAGMENT_DIFFERENCE
                                       : MIN(nat->cut + FRAGMENT_DIFFERENCE, HP_TRANSLATE_MTU);
}

void hp_nat_carry_out(hp_nat *nat, unsigned side, hp_packet *p, const hp_nat_verdict *v)
{
    if (p->frag_total > 0) {
        hp_nat_fragment_first(nat, side, p, v);
    } else if (v->pass && nat->cut && hp_nat64_length(nat, p) > nat->cut) {
        uint32_t most = cut_beyond(nat, p, v);
        bool crossed = v->dst.family != p->src.family;
        translate(nat, side, p, v);
        p->dont_fragment &= !crossed || p->dst.family == HP_AF_IPV6;
        send_cut(nat, v->side, p, most);
    } else {
        hp_nat_finish(nat, side, p, v);
    }
}

static bool refuse(hp_nat *nat, hp_nat_verdict *v, hp_drop_reason reason, hp_icmp_kind answer)
{
    bool answers = nat->config.unsolicited == HP_NAT_UNSOLICITED_ICMP;
    return hp_nat_refuse(v, reason, NULL, answers ? answer : HP_ICMP_NONE);
}

/* ---- outbound ---- */

static bool decide_hairpin(hp_nat *nat, const hp_packet *p, unsigned external, hp_nat_verdict *v)
{
    bool created;

    if (nat->config.hairpin == HP_NAT_HAIRPIN_NONE)
        return hp_nat_refuse(v, HP_DROP_NAT_NO_HAIRPIN, NULL, HP_ICMP_NONE);
    if (!hp_nat_ports_lookup(nat, HP_NAT_UDP, (uint16_t)external, p->dst.port, &p->src))
        return refuse(nat, v, HP_DROP_NAT_NO_MAPPING, HP_ICMP_PORT_UNREACHABLE);
    if (!hp_nat_ttl_left(p, v))
        return false;
    uint32_t sender = hp_nat_mapping_get(nat, HP_NAT_UDP, &p->src, &p->dst, &created, v);
    if (!sender)
        return false;
    hp_nat_mapping_refresh(nat, sender, HP_NAT_INSIDE, p->dst.port);
    if (created && nat->config.hairpin_drops_first)
        return hp_nat_refuse(v, HP_DROP_NAT_NO_HAIRPIN, "the packet that made its own mapping", HP_ICMP_NONE);

    /* Only now: making the sender's mapping may have evicted the target's. */
    hp_addr from = hp_nat_mapping_external(nat, sender);
    uint32_t target = hp_nat_ports_lookup(nat, HP_NAT_UDP, (uint16_t)external, p->dst.port, &from);
    if (!target)
        return refuse(nat, v, HP_DROP_NAT_NO_MAPPING, HP_ICMP_PORT_UNREACHABLE);
    if (nat->config.hairpin_filtered && !hp_nat_mapping_admits(nat, HP_NAT_UDP, target, &from))
        return refuse(nat, v, HP_DROP_NAT_FILTERED, HP_ICMP_ADMIN_PROHIBITED);
    hp_addr internal = hp_nat_hot(&nat->table, target)->internal;
    if (!hp_nat64_admits(p, &internal, v))
        return false;
    hp_nat_mapping_refresh(nat, target, HP_NAT_OUTSIDE, from.port);
    v->pass = true;
    v->side = HP_NAT_INSIDE;
    v->src = hp_nat_hairpin_source(nat->config.hairpin, &p->src, &from, &internal);
    v->dst = internal;
    return true;
}

static bool decide_out(hp_nat *nat, const hp_packet *p, int external, hp_nat_verdict *v)
{
    bool created;

    if (nat->config.block_udp || hp_nat_is_blocked(nat, p->dst.port))
        return hp_nat_refuse(v, HP_DROP_NAT_BLOCKED, NULL,
                             nat->config.answers_blocked ? HP_ICMP_ADMIN_PROHIBITED : HP_ICMP_NONE);
    if (external >= 0)
        return decide_hairpin(nat, p, (unsigned)external, v);
    if (!hp_nat_ttl_left(p, v))
        return false;
    uint32_t id = hp_nat_mapping_get(nat, HP_NAT_UDP, &p->src, &p->dst, &created, v);
    if (!id)
        return false;
    hp_nat_mapping_refresh(nat, id, HP_NAT_INSIDE, p->dst.port);
    v->pass = true;
    v->side = HP_NAT_OUTSIDE;
    v->src = hp_nat_mapping_external(nat, id);
    v->dst = p->dst;
    return true;
}

bool hp_nat_is_inside(const hp_nat *nat, const hp_addr *a)
{
    for (unsigned i = 0; i < nat->n_inside; i++) {
        if (hp_prefix_contains(&nat->inside[i], a))
            return true;
    }
    return nat->n_inside == 0;
}

/* Multicast, broadcast and the unspecified address stay on their network. */
bool hp_nat_is_routable(const hp_addr *a)
{
    if (a->family == HP_AF_IPV4)
        return a->ip[0] != 0 && a->ip[0] < 0xe0;
    return a->ip[0] != 0xff && !hp_addr_is_link_local(a) && !hp_addr_is_unspecified(a);
}

/* What nearly all packets are. */
static inline bool is_plain(const hp_packet *p)
{
    return p->proto == HP_PROTO_UDP && p->frag_total == 0;
}

/* Fragments are seen to first, so that from here on a packet is whole, or the first fragment of one. NULL: it is
 * gone. */
static hp_packet *prepare(hp_nat *nat, unsigned side, hp_packet *p)
{
    if (p->proto != HP_PROTO_UDP && p->proto != HP_PROTO_TCP && !hp_packet_is_icmp(p)) {
        hp_nat_drop(nat, p, HP_DROP_NAT_PROTOCOL, NULL);
        return NULL;
    }
    nat->cut = 0;
    return p->frag_total > 0 ? hp_nat_fragment_gate(nat, side, p) : p;
}

static G_GNUC_NO_INLINE void other_from_inside(hp_nat *nat, hp_packet *p, int external)
{
    hp_nat_verdict v = {0};

    if (!(p = prepare(nat, HP_NAT_INSIDE, p)))
        return;
    if (!hp_nat64_admits(p, &p->dst, &v)) {
        hp_nat_carry_out(nat, HP_NAT_INSIDE, p, &v);
        return;
    }
    if (p->proto == HP_PROTO_UDP) {
        decide_out(nat, p, external, &v);
        hp_nat_carry_out(nat, HP_NAT_INSIDE, p, &v);
    } else if (p->proto == HP_PROTO_TCP) {
        hp_nat_tcp_from_inside(nat, p, external);
    } else {
        hp_nat_icmp_from_inside(nat, p, external);
    }
}

/* NAT64: an IPv6 packet, seen as one to an IPv4 remote from here on. */
static void from_inside_to_ipv4(hp_nat *nat, hp_packet *p)
{
    bool bad = !hp_nat_is_inside(nat, &p->src) || !hp_nat_is_routable(&p->src) ||
               hp_prefix_contains(&nat->pref64, &p->src) || hp_nat_external_of(&nat->pool, &p->src) >= 0;
    if (bad) {
        hp_node_drop(&nat->node, p, HP_DROP_BAD_SOURCE, NULL);
    } else if (nat->pool.n_of_family[0] == 0) {
        hp_node_drop(&nat->node, p, HP_DROP_NO_ROUTE, "the NAT has no external address of that family");
    } else if (!hp_nat64_enter(nat, p)) {
        hp_node_drop(&nat->node, p, HP_DROP_NO_ROUTE, "no IPv4 address is embedded there");
    } else if (!hp_nat_is_routable(&p->dst)) {
        hp_nat_drop(nat, p, HP_DROP_NO_ROUTE, NULL);
    } else {
        int external = hp_nat_external_of(&nat->pool, &p->dst);
        if (is_plain(p) && !p->no_checksum) {
            hp_nat_verdict v = {0};
            decide_out(nat, p, external, &v);
            hp_nat_finish(nat, HP_NAT_INSIDE, p, &v);
        } else {
            other_from_inside(nat, p, external);
        }
    }
}

/* IPv6 of a NAT that does more with it than translating it by the table. False: it is to be translated so. */
static G_GNUC_NO_INLINE bool ipv6_from_inside(hp_nat *nat, hp_packet *p)
{
    if (hp_nat64_wants(nat, p))
        from_inside_to_ipv4(nat, p);
    else if (nat->config.ipv6 != HP_NAT_IPV6_TRANSLATE)
        hp_nat_ipv6_from_inside(nat, p);
    else
        return false;
    return true;
}

void hp_nat_from_inside(hp_nat *nat, hp_packet *p)
{
    unsigned family = hp_nat_family(&p->src);
    int external = hp_nat_external_of(&nat->pool, &p->dst);

    record(nat, HP_NAT_INSIDE, HP_DIR_IN, p);
    if (p->src.family != p->dst.family) {
        hp_node_drop(&nat->node, p, HP_DROP_NO_ROUTE, "source and destination of two families");
    } else if (G_UNLIKELY(nat->more_ipv6) && family && ipv6_from_inside(nat, p)) {
        return;
    } else if (!hp_nat_is_inside(nat, &p->src) || !hp_nat_is_routable(&p->src) ||
               hp_nat_external_of(&nat->pool, &p->src) >= 0) {
        hp_node_drop(&nat->node, p, HP_DROP_BAD_SOURCE, NULL);
    } else if (hp_addr_same_ip(&p->dst, &nat->internal[family])) {
        hp_nat_local(nat, HP_NAT_INSIDE, p);
    } else if (hp_addr_is_multicast(&p->dst) && hp_node_is_connected(&nat->node, HP_NAT_LOCAL)) {
        hp_node_emit(&nat->node, HP_NAT_LOCAL, p);
    } else if (nat->pool.n_of_family[family] == 0) {
        hp_node_drop(&nat->node, p, HP_DROP_NO_ROUTE, "the NAT has no external address of that family");
    } else if (!hp_nat_is_routable(&p->dst)) {
        hp_node_drop(&nat->node, p, HP_DROP_NO_ROUTE, NULL);
    } else if (is_plain(p)) {
        hp_nat_verdict v = {0};
        decide_out(nat, p, external, &v);
        hp_nat_finish(nat, HP_NAT_INSIDE, p, &v);
    } else {
        other_from_inside(nat, p, external);
    }
}

/* ---- inbound ---- */

static bool decide_in(hp_nat *nat, const hp_packet *p, unsigned external, hp_nat_verdict *v)
{
    uint32_t id = hp_nat_ports_lookup(nat, HP_NAT_UDP, (uint16_t)external, p->dst.port, &p->src);

    if (!id || !hp_nat_mapping_admits(nat, HP_NAT_UDP, id, &p->src)) {
        if (nat->config.inbound_first)
            hp_nat_inbound_note(nat, (uint16_t)external, p->dst.port, &p->src);
        /* Where such a packet begins a flow with the NAT itself, it has simply met no socket there. */
        hp_icmp_kind kind = nat->config.inbound_first ? HP_ICMP_PORT_UNREACHABLE : HP_ICMP_ADMIN_PROHIBITED;
        return id ? refuse(nat, v, HP_DROP_NAT_FILTERED, kind)
                  : refuse(nat, v, HP_DROP_NAT_NO_MAPPING, HP_ICMP_PORT_UNREACHABLE);
    }
    const hp_addr *internal = &hp_nat_hot(&nat->table, id)->internal;
    if (!hp_nat_ttl_left(p, v) || !hp_nat64_admits(p, internal, v))
        return false;
    hp_nat_mapping_refresh(nat, id, HP_NAT_OUTSIDE, p->src.port);
    v->pass = true;
    v->side = HP_NAT_INSIDE;
    v->src = p->src;
    v->dst = *internal;
    return true;
}

static G_GNUC_NO_INLINE void other_from_outside(hp_nat *nat, hp_packet *p, unsigned external)
{
    hp_nat_verdict v = {0};

    if (!(p = prepare(nat, HP_NAT_OUTSIDE, p)))
        return;
    if (p->proto == HP_PROTO_UDP) {
        decide_in(nat, p, external, &v);
        hp_nat_carry_out(nat, HP_NAT_OUTSIDE, p, &v);
    } else if (p->proto == HP_PROTO_TCP) {
        hp_nat_tcp_from_outside(nat, p, external);
    } else {
        hp_nat_icmp_from_outside(nat, p, external);
    }
}

void hp_nat_from_outside(hp_nat *nat, hp_packet *p)
{
    int external = hp_nat_external_of(&nat->pool, &p->dst);

    record(nat, HP_NAT_OUTSIDE, HP_DIR_IN, p);
    if (G_UNLIKELY(nat->config.ipv6 != HP_NAT_IPV6_TRANSLATE) && p->src.family == HP_AF_IPV6 &&
        p->dst.family == HP_AF_IPV6) {
        hp_nat_ipv6_from_outside(nat, p);
        return;
    }
    if (external < 0 || p->src.family != p->dst.family) {
        hp_node_drop(&nat->node, p, HP_DROP_NO_ROUTE, "not an external address of the NAT");
    } else if (!hp_nat_is_routable(&p->src) || hp_nat_external_of(&nat->pool, &p->src) >= 0) {
        hp_node_drop(&nat->node, p, HP_DROP_BAD_SOURCE, NULL);
    } else if (is_plain(p)) {
        hp_nat_verdict v = {0};
        decide_in(nat, p, (unsigned)external, &v);
        hp_nat_finish(nat, HP_NAT_OUTSIDE, p, &v);
    } else {
        other_from_outside(nat, p, (unsigned)external);
    }
}
