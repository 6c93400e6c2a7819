/* ICMP through the NAT (RFC 5508, RFC 4787 section 9).
 *
 * Queries. An echo request from the inside makes a mapping like a datagram does, its id in the place of the port; the
 * remote is the address alone. A reply comes back through that mapping, if the filter admits its source. A request from
 * outside is for the NAT itself, whatever its id: it answers (answers_ping) or refuses. So it does for requests from
 * the inside to its own addresses; ICMP queries do not hairpin (RFC 5508 REQ-7 asks that of Basic NAT only).
 *
 * Errors speak of a packet that went the other way, quoted as it was seen where the error was made. Both the outer
 * header and the quotation are translated, and only when a mapping is alive for the flow quoted; the filter's rule says
 * whether the mapping stands for that flow. Type, code and MTU stay. The outer source stays inbound (RFC 4787 REQ-12a)
 * and becomes the mapping's external address outbound (RFC 5508 REQ-5c). Errors neither make, refresh nor end mappings
 * (REQ-6; RFC 4787 REQ-12, RFC 5382 REQ-10), unless icmp_error_ends_mapping or icmp_unreachable_ends_mapping asks for
 * that fault; it then does so even where errors are not passed. icmp_inner_untranslated is another: the quotation stays
 * as it came, and its receiver finds no flow of its own in it. An error about a hairpinned packet crosses twice in one
 * step (RFC 5508 REQ-7): its quotation's source is taken back to the first sender, its destination to what that sender
 * aimed at.
 *
 * With NAT64 an error, like a query, may change its family on the way; one that says nothing in the other is dropped
 * (world/translate.c).
 *
 * A corrupt error is dropped (REQ-3), a fragmented one too, as is one that quotes a later fragment, which has no ports
 * (IPv6 routers report those as well). Other ICMP (redirects, timestamps) is not translated (REQ-11). */
#include "world/nat_private.h"

static void drop(hp_nat *nat, unsigned side, hp_packet *p, hp_drop_reason reason, const char *detail)
{
    hp_nat_verdict v = {0};
    hp_nat_refuse(&v, reason, detail, HP_ICMP_NONE);
    hp_nat_finish(nat, side, p, &v);
}

static void answer_echo(hp_nat *nat, unsigned side, hp_packet *p)
{
    hp_packet *reply = hp_packet_echo_reply(p);
    reply->uid = hp_world_new_uid(nat->node.world);
    hp_packet_free(p);
    hp_nat_send(nat, side, reply);
}

/* A packet for one of the NAT's own addresses that is nothing but an echo request or unwanted. */
static void for_itself(hp_nat *nat, unsigned side, hp_packet *p, bool answers, hp_drop_reason reason)
{
    hp_nat_verdict v = {0};
    hp_nat64_leave(nat, p);
    if (p->corrupt) {
        drop(nat, side, p, HP_DROP_CORRUPT, NULL);
    } else if (p->frag_total > 0) {
        drop(nat, side, p, HP_DROP_NAT_FRAGMENT, "a fragment for the NAT itself");
    } else if (p->icmp_kind == HP_ICMP_ECHO_REQUEST && hp_packet_is_icmp(p) && answers) {
        answer_echo(nat, side, p);
    } else {
        bool tcp = p->proto == HP_PROTO_TCP, udp = p->proto == HP_PROTO_UDP;
        bool echo = hp_packet_is_icmp(p) && p->icmp_kind == HP_ICMP_ECHO_REQUEST;
        bool answered = nat->config.unsolicited == HP_NAT_UNSOLICITED_ICMP && (udp || echo);
        hp_nat_refuse(&v, reason, NULL,
                      !answered ? HP_ICMP_NONE
                      : udp     ? HP_ICMP_PORT_UNREACHABLE
                                : HP_ICMP_ADMIN_PROHIBITED);
        if (tcp && nat->config.unsolicited == HP_NAT_UNSOLICITED_ICMP)
            v.tcp_answer = HP_NAT_TCP_ANSWER_RST;
        hp_nat_finish(nat, side, p, &v);
    }
}

void hp_nat_local(hp_nat *nat, unsigned side, hp_packet *p)
{
    bool echo = hp_packet_is_icmp(p) && p->icmp_kind == HP_ICMP_ECHO_REQUEST;
    if (hp_node_is_connected(&nat->node, HP_NAT_LOCAL) && !echo)
        hp_node_emit(&nat->node, HP_NAT_LOCAL, p);
    else
        for_itself(nat, side, p, true, HP_DROP_NO_SOCKET);
}

void hp_nat_icmp_own(hp_nat *nat, unsigned side, hp_packet *p)
{
    for_itself(nat, side, p, nat->config.answers_ping, HP_DROP_NO_SOCKET);
}

/* ---- queries ---- */

static bool decide_request_out(hp_nat *nat, const hp_packet *p, hp_nat_verdict *v)
{
    hp_addr remote = hp_addr_with_port(p->dst, 0);
    bool created;

    if (!hp_nat_ttl_left(p, v))
        return false;
    uint32_t id = hp_nat_mapping_get(nat, HP_NAT_ICMP, &p->src, &remote, &created, v);
    if (!id)
        return false;
    hp_nat_mapping_refresh(nat, id, HP_NAT_INSIDE, 0);
    v->pass = true;
    v->side = HP_NAT_OUTSIDE;
    v->src = hp_nat_mapping_external(nat, id);
    v->dst = hp_addr_with_port(p->dst, v->src.port);
    return true;
}

static bool decide_reply_in(hp_nat *nat, const hp_packet *p, unsigned external, hp_nat_verdict *v)
{
    bool answers = nat->config.unsolicited == HP_NAT_UNSOLICITED_ICMP;
    hp_addr remote = hp_addr_with_port(p->src, 0);
    uint32_t id = hp_nat_ports_lookup(nat, HP_NAT_ICMP, (uint16_t)external, p->dst.port, &remote);

    if (!id)
        return hp_nat_refuse(v, HP_DROP_NAT_NO_MAPPING, NULL, HP_ICMP_NONE);
    if (!hp_nat_mapping_admits(nat, HP_NAT_ICMP, id, &remote))
        return hp_nat_refuse(v, HP_DROP_NAT_FILTERED, NULL, answers ? HP_ICMP_ADMIN_PROHIBITED : HP_ICMP_NONE);
    const hp_addr *internal = &hp_nat_hot(&nat->table, id)->internal;
    if (!hp_nat_ttl_left(p, v) || !hp_nat64_admits(p, internal, v))
        return false;
    hp_nat_mapping_refresh(nat, id, HP_NAT_OUTSIDE, 0);
    v->pass = true;
    v->side = HP_NAT_INSIDE;
    v->dst = *internal;
    v->src = hp_addr_with_port(p->src, v->dst.port);
    return true;
}

/* ---- errors ---- */

static bool quoted_proto(const hp_packet *inner, hp_nat_proto *ret)
{
    if (inner->frag_offset > 0)
        return false;
    if (inner->proto == HP_PROTO_UDP)
        *ret = HP_NAT_UDP;
    else if (inner->proto == HP_PROTO_TCP)
        *ret = HP_NAT_TCP;
    else if (hp_packet_is_icmp(inner) &&
             (inner->icmp_kind == HP_ICMP_ECHO_REQUEST || inner->icmp_kind == HP_ICMP_ECHO_REPLY))
        *ret = HP_NAT_ICMP;
    else
        return false;
    return true;
}

/* The quoted packet's own end and the far end, as a mapping knows them: an ICMP query's remote has no port, and its id
 * is kept with the near end. */
static hp_addr near_end(hp_nat_proto proto, const hp_packet *inner, const hp_addr *end)
{
    if (proto != HP_NAT_ICMP)
        return *end;
    return hp_addr_with_port(*end, inner->icmp_kind == HP_ICMP_ECHO_REQUEST ? inner->src.port : inner->dst.port);
}

static hp_addr far_end(hp_nat_proto proto, const hp_addr *end)
{
    return proto != HP_NAT_ICMP ? *end : hp_addr_with_port(*end, 0);
}

/* An ICMP query's id is its port at both ends. */
static void set_id(hp_nat_proto proto, hp_translate_ends *ends, uint16_t id)
{
    if (proto == HP_NAT_ICMP)
        ends->inner_src.port = ends->inner_dst.port = id;
}

/* What is common to errors of all directions. False: p is gone. */
static bool error_may_pass(hp_nat *nat, unsigned side, hp_packet *p, hp_nat_proto *ret_proto)
{
    if (p->corrupt) {
        drop(nat, side, p, HP_DROP_CORRUPT, NULL);
    } else if (p->frag_total > 0) {
        drop(nat, side, p, HP_DROP_NAT_FRAGMENT, "a fragmented ICMP error");
    } else if (!p->inner || !quoted_proto(p->inner, ret_proto)) {
        drop(nat, side, p, HP_DROP_NAT_NO_MAPPING, "the error quotes nothing that could be mapped");
    } else {
        return true;
    }
    return false;
}

/* The last steps: the fault that ends mappings, the knob, the TTL, what cannot be said in the other family. Takes p and
 * sends it on with those ends. */
static void pass_error(hp_nat *nat, unsigned side, unsigned out, hp_packet *p, const hp_translate_ends *ends,
                       const uint32_t *ids, unsigned n_ids)
{
    uint8_t p_kind = p->icmp_kind;
    hp_nat_verdict v = {.pass = true, .side = (uint8_t)out, .src = ends->src, .dst = ends->dst};
    const char *refusal = v.dst.family == p->src.family ? NULL : hp_translate_refusal(p, p->src.family);
    bool passes = nat->config.icmp_errors && p->ttl > 1 && !refusal;
    if (!nat->config.icmp_errors)
        drop(nat, side, p, HP_DROP_NAT_FILTERED, "ICMP errors do not pass");
    else if (p->ttl <= 1)
        drop(nat, side, p, HP_DROP_TTL, NULL);
    else if (refusal)
        drop(nat, side, p, HP_DROP_NAT_PROTOCOL, refusal);
    bool fatal = nat->config.icmp_error_ends_mapping ||
                 (nat->config.icmp_unreachable_ends_mapping && p_kind == HP_ICMP_PORT_UNREACHABLE);
    for (unsigned i = 0; fatal && i < n_ids; i++) {
        if (!hp_nat_is_explicit(&nat->table, ids[i]))
            hp_nat_mapping_end(nat, ids[i], HP_NAT_END_ICMP);
    }
    if (!passes)
        return;
    nat->quoted = *ends;
    if (!hp_nat_crosses(p, &v)) {
        p->inner->src = ends->inner_src;
        p->inner->dst = ends->inner_dst;
    }
    hp_nat_finish(nat, side, p, &v);
}

/* Whether the mapping stands for a flow with that remote. */
static bool knows(const hp_nat *nat, hp_nat_proto proto, uint32_t id, const hp_addr *remote)
{
    if (hp_nat_mapping_admits(nat, proto, id, remote))
        return true;
    uint32_t session =
        proto == HP_NAT_TCP ? hp_nat_tcp_find(&nat->tcp, &hp_nat_hot(&nat->table, id)->internal, remote) : 0;
    return session && nat->tcp.records[session].mapping == id;
}

static void error_in(hp_nat *nat, hp_packet *p, unsigned external)
{
    hp_nat_proto proto;
    if (!error_may_pass(nat, HP_NAT_OUTSIDE, p, &proto))
        return;

    hp_packet *inner = p->inner;
    hp_addr ours = near_end(proto, inner, &inner->src), theirs = far_end(proto, &inner->dst);
    uint32_t id = 0;
    if (hp_addr_same_ip(&ours, &p->dst))
        id = hp_nat_ports_lookup(nat, proto, (uint16_t)external, ours.port, &theirs);
    if (!id || !knows(nat, proto, id, &theirs)) {
        drop(nat, HP_NAT_OUTSIDE, p, HP_DROP_NAT_NO_MAPPING, "an error about a flow that is not mapped");
        return;
    }
    hp_addr internal = hp_nat_hot(&nat->table, id)->internal;
    hp_translate_ends ends = {
        .src = p->src, .dst = hp_addr_with_port(internal, 0), .inner_src = inner->src, .inner_dst = inner->dst};
    if (!nat->config.icmp_inner_untranslated) {
        ends.inner_src = internal;
        set_id(proto, &ends, internal.port);
    }
    pass_error(nat, HP_NAT_OUTSIDE, HP_NAT_INSIDE, p, &ends, &id, 1);
}

/* The mapping through which the packet came in that an inside host complains of. Where the filter is wider than the
 * mapping, the sender may be one that the host never sent to; no index leads there, but such errors are rare. */
static uint32_t mapping_of_quoted(const hp_nat *nat, hp_nat_proto proto, const hp_addr *ours, const hp_addr *theirs,
                                  bool unfiltered)
{
    const hp_nat_table *t = &nat->table;
    uint32_t session = proto == HP_NAT_TCP ? hp_nat_tcp_find(&nat->tcp, ours, theirs) : 0;
    if (session)
        return nat->tcp.records[session].mapping;
    uint32_t id = hp_nat_mapping_find(nat, proto, ours, theirs);
    if (id || (nat->policy[proto].filtering == HP_NAT_ADDRESS_AND_PORT_DEPENDENT && !unfiltered))
        return id;
    for (id = t->by_creation.previous; id; id = hp_nat_cold(t, id)->by_creation.previous) {
        const hp_nat_mapping *m = hp_nat_hot(t, id);
        if (m->proto == proto && hp_addr_equal(&m->internal, ours) && (unfiltered || knows(nat, proto, id, theirs)))
            break;
    }
    return id;
}

static void error_out(hp_nat *nat, hp_packet *p, int hairpin)
{
    hp_nat_proto proto;
    if (!error_may_pass(nat, HP_NAT_INSIDE, p, &proto))
        return;
    if (hairpin >= 0 && nat->policy[proto].hairpin == HP_NAT_HAIRPIN_NONE) {
        drop(nat, HP_NAT_INSIDE, p, HP_DROP_NAT_NO_HAIRPIN, NULL);
        return;
    }

    hp_packet *inner = p->inner;
    hp_addr ours = near_end(proto, inner, &inner->dst), theirs = far_end(proto, &inner->src);
    bool unfiltered = hairpin >= 0 && !nat->config.hairpin_filtered;
    uint32_t ids[2] = {mapping_of_quoted(nat, proto, &ours, &theirs, unfiltered), 0};
    unsigned n_ids = 1;
    if (hairpin >= 0 && ids[0]) {
        ids[1] = hp_nat_ports_lookup(nat, proto, (uint16_t)hairpin, theirs.port, &ours);
        if (!ids[1] || !hp_addr_same_ip(&inner->src, &p->dst))
            ids[0] = 0;
        n_ids = ids[1] == ids[0] ? 1 : 2;
    }
    if (!ids[0]) {
        drop(nat, HP_NAT_INSIDE, p, HP_DROP_NAT_NO_MAPPING, "an error about a flow that is not mapped");
        return;
    }
    hp_addr external = hp_nat_mapping_external(nat, ids[0]);
    hp_addr first = hairpin >= 0 ? hp_nat_hot(&nat->table, ids[1])->internal : p->dst;
    /* An IPv4 header has no room for an IPv6 address, so that there the fault cannot be committed. */
    bool translates =
        !nat->config.icmp_inner_untranslated || (first.family == HP_AF_IPV4 && ours.family != first.family);
    hp_translate_ends ends = {
        .src = hp_addr_with_port(external, 0), .dst = p->dst, .inner_src = inner->src, .inner_dst = inner->dst};
    if (translates) {
        ends.inner_dst = external;
        set_id(proto, &ends, external.port);
    }
    if (hairpin >= 0) {
        ends.dst = hp_addr_with_port(first, 0);
        if (translates)
            ends.inner_src = first;
    }
    pass_error(nat, HP_NAT_INSIDE, hairpin >= 0 ? HP_NAT_INSIDE : HP_NAT_OUTSIDE, p, &ends, ids, n_ids);
}

/* ---- entry ---- */

void hp_nat_icmp_from_inside(hp_nat *nat, hp_packet *p, int external)
{
    hp_nat_verdict v = {0};

    if (hp_packet_is_icmp_error(p)) {
        error_out(nat, p, external);
    } else if (external >= 0) {
        bool request = p->icmp_kind == HP_ICMP_ECHO_REQUEST;
        for_itself(nat, HP_NAT_INSIDE, p, nat->config.answers_ping,
                   request && nat->config.hairpin == HP_NAT_HAIRPIN_NONE ? HP_DROP_NAT_NO_HAIRPIN
                                                                         : HP_DROP_NAT_NO_MAPPING);
    } else if (p->icmp_kind == HP_ICMP_ECHO_REQUEST) {
        decide_request_out(nat, p, &v);
        hp_nat_carry_out(nat, HP_NAT_INSIDE, p, &v);
    } else if (p->icmp_kind == HP_ICMP_ECHO_REPLY) {
        drop(nat, HP_NAT_INSIDE, p, HP_DROP_NAT_NO_MAPPING, "a reply to nothing that came in");
    } else {
        drop(nat, HP_NAT_INSIDE, p, HP_DROP_NAT_PROTOCOL, NULL);
    }
}

void hp_nat_icmp_from_outside(hp_nat *nat, hp_packet *p, unsigned external)
{
    hp_nat_verdict v = {0};

    if (hp_packet_is_icmp_error(p)) {
        error_in(nat, p, external);
    } else if (p->icmp_kind == HP_ICMP_ECHO_REPLY) {
        decide_reply_in(nat, p, external, &v);
        hp_nat_carry_out(nat, HP_NAT_OUTSIDE, p, &v);
    } else if (p->icmp_kind == HP_ICMP_ECHO_REQUEST) {
        for_itself(nat, HP_NAT_OUTSIDE, p, nat->config.answers_ping, HP_DROP_NAT_NO_MAPPING);
    } else {
        drop(nat, HP_NAT_OUTSIDE, p, HP_DROP_NAT_PROTOCOL, NULL);
    }
}
