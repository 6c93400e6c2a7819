/* TCP through the NAT (RFC 5382, RFC 7857; the sessions are told in nat_tcp.h).
 *
 * Outwards, a bare SYN makes what it needs, mapping and session. Inwards it makes a session where a mapping exists and
 * the filter admits the remote; connection-dependent filtering admits nobody but to explicit mappings. What answers it
 * outwards leaves by the mapping that it came in by (RFC 5382 REQ-2), also where the host's own SYN would have got
 * another. A SYN that comes in by one mapping while the host has a connection with that remote by another is refused:
 * the host could not tell the two apart. A segment of a session that is known
 * passes either way, so a SYN does that meets the one sent the other way (simultaneous open, RFC 5382 REQ-2a).
 *
 * What is not let in: a SYN is answered as tcp_unsolicited_syn says (nat_tcp_answer.c), anything else as tcp_stray
 * does, save that a RST is never answered. Both hold for hairpinned segments too, where the sender is an inside host.
 *
 * Hairpinning (RFC 5382 REQ-8) is one segment that leaves by the sender's mapping and enters by the target's: it moves
 * a session of each.
 *
 * A corrupt segment, whose flags may be anything, passes where its session is known, for the receiver to drop, and
 * moves nothing. A segment whose header cannot be read (too short, or a first fragment that ends within it: RFC 1858)
 * is dropped. Blocked ports, wrong sources, TTL: as in nat_path.c. */
#include "world/nat_private.h"

/* A segment under judgement. */
typedef struct flow {
    const hp_packet *p;
    hp_nat_segment segment;
} flow;

static bool may_reopen(const hp_nat *nat, uint32_t session)
{
    hp_nat_tcp_state state = nat->tcp.records[session].state;
    return state == HP_NAT_TCP_CLOSING || state == HP_NAT_TCP_TIME_WAIT || state == HP_NAT_TCP_TRANS;
}

static bool may_pick_up(const hp_nat *nat, const flow *f)
{
    return nat->config.tcp_stray == HP_NAT_STRAY_PICK_UP &&
           (f->segment.flags & (HP_TCP_SYN | HP_TCP_ACK | HP_TCP_RST | HP_TCP_FIN)) == HP_TCP_ACK;
}

static bool refuse_stray(const hp_nat *nat, const flow *f, hp_nat_verdict *v, hp_drop_reason reason)
{
    if (f->p->corrupt)
        return hp_nat_refuse(v, HP_DROP_CORRUPT, NULL, HP_ICMP_NONE);
    hp_nat_refuse(v, reason, "a segment of no connection that is known", HP_ICMP_NONE);
    if (nat->config.tcp_stray == HP_NAT_STRAY_RST && !(f->segment.flags & HP_TCP_RST))
        v->tcp_answer = HP_NAT_TCP_ANSWER_RST;
    return false;
}

static bool refuse_syn(const hp_nat *nat, hp_nat_verdict *v, hp_drop_reason reason, const hp_addr *remote)
{
    hp_nat_refuse(v, reason, NULL, HP_ICMP_NONE);
    switch (nat->tcp_syn) {
    case HP_NAT_SYN_AS_UDP:
    case HP_NAT_SYN_DROP:
        break;
    case HP_NAT_SYN_HOLD:
        v->tcp_answer = HP_NAT_TCP_ANSWER_LATER;
        v->src = *remote;
        break;
    case HP_NAT_SYN_RST:
        v->tcp_answer = HP_NAT_TCP_ANSWER_RST;
        break;
    case HP_NAT_SYN_ICMP:
        v->answer = reason == HP_DROP_NAT_FILTERED ? HP_ICMP_ADMIN_PROHIBITED : HP_ICMP_PORT_UNREACHABLE;
        break;
    }
    return false;
}

static bool refuse(const hp_nat *nat, const flow *f, hp_nat_verdict *v, hp_drop_reason reason, const hp_addr *remote)
{
    return !f->p->corrupt && hp_nat_segment_opens(&f->segment) ? refuse_syn(nat, v, reason, remote)
                                                               : refuse_stray(nat, f, v, reason);
}

/* The session that an outbound segment belongs to, made when it may be; 0 and a refusal in *v. */
static uint32_t session_out(hp_nat *nat, const flow *f, bool *ret_created, hp_nat_verdict *v)
{
    const hp_addr *internal = &f->p->src, *remote = &f->p->dst;
    bool opens = hp_nat_segment_opens(&f->segment);
    uint32_t session = hp_nat_tcp_find(&nat->tcp, internal, remote);

    *ret_created = false;
    if (session) {
        if (opens && !f->p->corrupt && may_reopen(nat, session))
            hp_nat_tcp_reopen(nat, session, HP_NAT_INSIDE);
        return session;
    }
    if (f->p->corrupt || !(opens || may_pick_up(nat, f))) {
        refuse_stray(nat, f, v, HP_DROP_NAT_NO_MAPPING);
        return 0;
    }
    uint32_t id = hp_nat_mapping_get(nat, HP_NAT_TCP, internal, remote, ret_created, v);
    return id ? hp_nat_tcp_open(nat, id, remote, opens ? HP_NAT_TCP_OUT_INIT : HP_NAT_TCP_PICKED_UP, v) : 0;
}

/* Whether the filter lets that remote open a connection. */
static bool may_connect(const hp_nat *nat, uint32_t id, const hp_addr *remote)
{
    if (nat->policy[HP_NAT_TCP].by_connection)
        return hp_nat_is_explicit(&nat->table, id) && hp_nat_grants_admit(nat, id, remote);
    return hp_nat_mapping_admits(nat, HP_NAT_TCP, id, remote);
}

/* The same for a segment that a remote sends to that mapping (0: there is none). */
static uint32_t session_in(hp_nat *nat, const flow *f, uint32_t id, const hp_addr *remote, bool filtered,
                           hp_nat_verdict *v)
{
    bool opens = hp_nat_segment_opens(&f->segment) && !f->p->corrupt;
    uint32_t session = id ? hp_nat_tcp_find(&nat->tcp, &hp_nat_hot(&nat->table, id)->internal, remote) : 0;

    if (session && nat->tcp.records[session].mapping != id) {
        hp_nat_refuse(v, HP_DROP_NAT_FILTERED, "the host has a connection with that remote already", HP_ICMP_NONE);
        return 0;
    }
    bool reopens = session && opens && may_reopen(nat, session);

    if (session && !reopens)
        return session;
    bool admitted = id && (!filtered || may_connect(nat, id, remote));
    if (!admitted || f->p->corrupt || !(opens || may_pick_up(nat, f))) {
        bool no_mapping = !id || (admitted && !opens);
        refuse(nat, f, v, no_mapping ? HP_DROP_NAT_NO_MAPPING : HP_DROP_NAT_FILTERED, remote);
        return 0;
    }
    if (reopens) {
        hp_nat_tcp_reopen(nat, session, HP_NAT_OUTSIDE);
        return session;
    }
    return hp_nat_tcp_open(nat, id, remote, opens ? HP_NAT_TCP_IN_INIT : HP_NAT_TCP_PICKED_UP, v);
}

static void passed(hp_nat *nat, const flow *f, uint32_t session, unsigned side)
{
    if (!f->p->corrupt)
        hp_nat_tcp_passed(nat, session, side, &f->segment);
}

/* RFC 5382 REQ-4: an outbound SYN settles the inbound one that waits for it. */
static void release(hp_nat *nat, const flow *f, const hp_addr *external)
{
    if (f->segment.flags & HP_TCP_SYN && !f->p->corrupt)
        hp_nat_tcp_release_syn(nat, external, &f->p->dst);
}

static uint32_t lookup(const hp_nat *nat, const hp_packet *p, int external, const hp_addr *remote)
{
    return hp_nat_ports_lookup(nat, HP_NAT_TCP, (uint16_t)external, p->dst.port, remote);
}

static bool decide_hairpin(hp_nat *nat, const flow *f, int external, hp_nat_verdict *v)
{
    const hp_packet *p = f->p;
    hp_nat_hairpin hairpin = nat->policy[HP_NAT_TCP].hairpin;
    bool created;

    if (hairpin == HP_NAT_HAIRPIN_NONE)
        return hp_nat_refuse(v, HP_DROP_NAT_NO_HAIRPIN, NULL, HP_ICMP_NONE);
    if (!lookup(nat, p, external, &p->src))
        return refuse(nat, f, v, HP_DROP_NAT_NO_MAPPING, &p->src);
    if (!hp_nat_ttl_left(p, v))
        return false;
    uint32_t sender = session_out(nat, f, &created, v);
    if (!sender)
        return false;
    hp_addr from = hp_nat_mapping_external(nat, nat->tcp.records[sender].mapping);
    release(nat, f, &from);
    if (created && nat->config.hairpin_drops_first) {
        passed(nat, f, sender, HP_NAT_INSIDE);
        return hp_nat_refuse(v, HP_DROP_NAT_NO_HAIRPIN, "the packet that made its own mapping", HP_ICMP_NONE);
    }
    /* Only now: making the sender's mapping may have evicted the target's. */
    uint32_t target = lookup(nat, p, external, &from);
    uint32_t receiver = session_in(nat, f, target, &from, nat->config.hairpin_filtered, v);
    if (receiver) {
        v->pass = true;
        v->side = HP_NAT_INSIDE;
        v->dst = hp_nat_hot(&nat->table, target)->internal;
        v->src = hp_nat_hairpin_source(hairpin, &p->src, &from, &v->dst);
    }
    passed(nat, f, sender, HP_NAT_INSIDE);
    /* Looked up again: a host that talks to itself has one session for both, and a RST may have ended it. */
    if (receiver && hp_nat_tcp_find(&nat->tcp, &v->dst, &from) == receiver)
        passed(nat, f, receiver, HP_NAT_OUTSIDE);
    return receiver != 0;
}

static bool decide_out(hp_nat *nat, const flow *f, int external, hp_nat_verdict *v)
{
    const hp_packet *p = f->p;
    bool created;

    if (nat->config.block_tcp || hp_nat_is_blocked(nat, p->dst.port))
        return hp_nat_refuse(v, HP_DROP_NAT_BLOCKED, NULL,
                             nat->config.answers_blocked ? HP_ICMP_ADMIN_PROHIBITED : HP_ICMP_NONE);
    if (external >= 0)
        return decide_hairpin(nat, f, external, v);
    if (!hp_nat_ttl_left(p, v))
        return false;
    uint32_t session = session_out(nat, f, &created, v);
    if (!session)
        return false;
    v->pass = true;
    v->side = HP_NAT_OUTSIDE;
    v->src = hp_nat_mapping_external(nat, nat->tcp.records[session].mapping);
    v->dst = p->dst;
    release(nat, f, &v->src);
    passed(nat, f, session, HP_NAT_INSIDE);
    return true;
}

static bool decide_in(hp_nat *nat, const flow *f, int external, hp_nat_verdict *v)
{
    const hp_packet *p = f->p;
    uint32_t id = lookup(nat, p, external, &p->src);
    bool known = id && hp_nat_tcp_find(&nat->tcp, &hp_nat_hot(&nat->table, id)->internal, &p->src) != 0;

    /* A TTL is a matter for what would pass; whether it does must not be found out by making a session. */
    if (p->ttl <= 1 && (known || (id && hp_nat_mapping_admits(nat, HP_NAT_TCP, id, &p->src))))
        return hp_nat_ttl_left(p, v);
    uint32_t session = session_in(nat, f, id, &p->src, true, v);
    if (!session)
        return false;
    v->pass = true;
    v->side = HP_NAT_INSIDE;
    v->src = p->src;
    v->dst = hp_nat_hot(&nat->table, id)->internal;
    passed(nat, f, session, HP_NAT_OUTSIDE);
    return true;
}

void hp_nat_tcp_from_inside(hp_nat *nat, hp_packet *p, int external)
{
    hp_nat_verdict v = {0};
    flow f = {.p = p};

    if (!hp_nat_segment_read(p, &f.segment))
        hp_nat_refuse(&v, HP_DROP_CORRUPT, "no TCP header that can be read", HP_ICMP_NONE);
    else
        decide_out(nat, &f, external, &v);
    hp_nat_carry_out(nat, HP_NAT_INSIDE, p, &v);
}

void hp_nat_tcp_from_outside(hp_nat *nat, hp_packet *p, unsigned external)
{
    hp_nat_verdict v = {0};
    flow f = {.p = p};

    if (!hp_nat_segment_read(p, &f.segment))
        hp_nat_refuse(&v, HP_DROP_CORRUPT, "no TCP header that can be read", HP_ICMP_NONE);
    else
        decide_in(nat, &f, (int)external, &v);
    hp_nat_carry_out(nat, HP_NAT_OUTSIDE, p, &v);
}
