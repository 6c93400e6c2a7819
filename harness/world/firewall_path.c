/* A packet's way through the firewall.
 *
 *   1. As a router, it takes one off the TTL first.
 *   2. A later fragment follows its first one (firewall_fragment.c).
 *   3. A policy for each packet may refuse it.
 *   4. An ICMP error passes when what it quotes is of a known flow, and was sent by the one it goes to (REC-10, -18,
 *      -23, -36). It neither refreshes nor ends a flow (REC-19, REC-37). Errors are not let in or out by policies.
 *   5. A packet of a known flow passes. A SYN on a closed TCP connection begins a new one.
 *   6. Else addresses, policies, openings and defaults say whether it may begin a flow (firewall_policy.c). A TCP
 *      segment begins one only with its SYN, unless connections are picked up; a RST, a SYN-ACK or an echo reply that
 *      nobody asked for never does.
 *
 * A corrupt packet leaves no trace in the table: with a known flow it passes, for its receiver to drop, otherwise it is
 * dropped here. ICMP that is neither error nor echo has no flows, policies alone decide.
 *
 * UDP checksums, sequence numbers, and what is inside payloads are not looked at, but by policies that ask. */
#include "world/firewall_private.h"

#include "wire/tcp.h"

static bool refuse(hp_firewall_verdict *v, hp_drop_reason reason, hp_refusal refusal, const char *detail)
{
    *v = (hp_firewall_verdict){.reason = reason, .refusal = refusal, .detail = detail};
    return false;
}

static void pass(hp_firewall_verdict *v)
{
    *v = (hp_firewall_verdict){.pass = true};
}

/* ---- ICMP errors ---- */

static bool quotes_known_flow(const hp_firewall *fw, unsigned side, const hp_packet *p)
{
    hp_flow_key key;
    /* What is quoted went the other way, and came from the one who is now told. */
    return p->inner != NULL && hp_addr_same_ip(&p->inner->src, &p->dst) && hp_firewall_key(1 - side, p->inner, &key) &&
           hp_flow_find(&fw->flows, &key) != 0;
}

static void decide_error(const hp_firewall *fw, unsigned side, const hp_packet *p, hp_firewall_verdict *v)
{
    if (p->corrupt) {
        refuse(v, HP_DROP_CORRUPT, HP_REFUSE_SILENTLY, NULL);
    } else if (p->frag_total > 0) {
        refuse(v, HP_DROP_NAT_FRAGMENT, HP_REFUSE_SILENTLY, "a fragmented ICMP error");
    } else if (fw->config.blocks_icmp_errors) {
        refuse(v, HP_DROP_FIREWALL_POLICY, HP_REFUSE_SILENTLY, "ICMP errors do not pass");
    } else if (!quotes_known_flow(fw, side, p)) {
        refuse(v, HP_DROP_FIREWALL_NO_FLOW, HP_REFUSE_SILENTLY, "an ICMP error about no known flow");
    } else {
        pass(v);
    }
}

/* ---- no flow yet ---- */

/* Whether p is of a kind that a flow can begin with. */
static bool can_begin(const hp_firewall *fw, unsigned side, const hp_packet *p, hp_firewall_verdict *v)
{
    const hp_firewall_config *c = &fw->config;
    hp_refusal refusal = side == HP_FIREWALL_INSIDE ? c->out_refusal : c->in_refusal;

    if (p->corrupt) {
        return refuse(v, HP_DROP_CORRUPT, HP_REFUSE_SILENTLY, NULL);
    }
    if (p->icmp_kind == HP_ICMP_ECHO_REPLY && hp_packet_is_icmp(p)) {
        return refuse(v, HP_DROP_FIREWALL_NO_FLOW, HP_REFUSE_SILENTLY, "an echo reply to no known request");
    }
    if (p->proto != HP_PROTO_TCP) {
        return true;
    }
    switch (hp_firewall_segment_kind(p)) {
    case HP_SEGMENT_BAD:
        return refuse(v, HP_DROP_FIREWALL_NO_FLOW, HP_REFUSE_SILENTLY, "a TCP header that makes no sense");
    case HP_SEGMENT_RESET:
        return refuse(v, HP_DROP_FIREWALL_NO_FLOW, HP_REFUSE_SILENTLY, "a reset of no known connection");
    case HP_SEGMENT_SYN:
        return true;
    case HP_SEGMENT_OTHER:
        break;
    }
    return c->tcp_picks_up || refuse(v, HP_DROP_FIREWALL_NO_FLOW, refusal, "a segment of no known connection");
}

static void decide_new(hp_firewall *fw, unsigned side, const hp_packet *p, const hp_flow_key *key,
                       hp_firewall_verdict *v)
{
    if (!can_begin(fw, side, p, v)) {
        return;
    }
    bool middle = p->proto == HP_PROTO_TCP && hp_firewall_segment_kind(p) != HP_SEGMENT_SYN;
    bool opened = side == HP_FIREWALL_OUTSIDE && !middle && hp_firewall_is_open(fw, key);
    hp_firewall_judge(fw, side, p, opened, v);
    if (!v->pass) {
        return;
    }
    uint32_t id = hp_firewall_begin(fw, key, v);
    if (id == 0) {
        return;
    }
    if (middle) {
        hp_flow_at(&fw->flows, id)->tcp = hp_firewall_tcp_picked_up();
    }
    hp_firewall_take_note(fw, id, side, p);
}

/* ---- a packet that shows whose it is ---- */

static bool reopens(const hp_firewall *fw, uint32_t id, const hp_packet *p)
{
    return p->proto == HP_PROTO_TCP && !p->corrupt && hp_firewall_tcp_is_closed(hp_flow_at(&fw->flows, id)->tcp) &&
           hp_firewall_segment_kind(p) == HP_SEGMENT_SYN;
}

static void decide(hp_firewall *fw, unsigned side, const hp_packet *p, hp_firewall_verdict *v)
{
    hp_flow_key key;

    if (hp_firewall_is_refused_anyway(fw, side, p, v)) {
        return;
    }
    if (hp_packet_is_icmp_error(p)) {
        decide_error(fw, side, p, v);
        return;
    }
    if (!hp_firewall_key(side, p, &key)) {
        hp_firewall_judge(fw, side, p, false, v);
        return;
    }
    uint32_t id = hp_flow_find(&fw->flows, &key);
    if (id != 0 && reopens(fw, id, p)) {
        hp_firewall_end(fw, id);
        id = 0;
    }
    if (id == 0) {
        decide_new(fw, side, p, &key, v);
    } else {
        if (!p->corrupt) {
            hp_firewall_take_note(fw, id, side, p);
        }
        pass(v);
    }
    bool syn = p->proto == HP_PROTO_TCP && p->length > 9 && (p->payload[9] & HP_TCP_SYN) != 0;
    if (v->pass && syn && side == HP_FIREWALL_INSIDE) {
        hp_firewall_syn_went_out(fw, &key);
    }
}

void hp_firewall_take(hp_firewall *fw, unsigned side, hp_packet *p)
{
    hp_firewall_verdict v = {0};

    if (fw->config.hop) {
        if (p->ttl <= 1) {
            hp_packet *error =
                hp_packet_icmp_error(HP_ICMP_TTL_EXCEEDED, hp_firewall_own_address(fw, side, p->src.family), p, 0);
            hp_firewall_send_own(fw, side, error);
            fw->stats.refused++;
            hp_node_drop(&fw->node, p, HP_DROP_TTL, NULL);
            return;
        }
        p->ttl--;
    }
    /* One that may not pass begins no flow either. */
    if (p->frag_offset > 0 || (p->frag_total > 0 && fw->config.fragments == HP_FIREWALL_FRAGMENTS_DROP)) {
        hp_firewall_fragment_later(fw, side, p);
        return;
    }
    decide(fw, side, p, &v);
    if (p->frag_total > 0) {
        hp_firewall_fragment_first(fw, side, p, &v);
    } else if (v.pass) {
        fw->stats.passed++;
        hp_node_emit(&fw->node, 1 - side, p);
    } else {
        hp_firewall_refuse(fw, side, p, &v);
    }
}
