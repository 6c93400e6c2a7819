/* TCP sessions in a NAT: what opens, moves and ends them (the machine itself is nat_tcp_state.c).
 *
 * A session ends by its state's timeout, by a RST where the knobs say so, with its mapping, or to make room in a
 * mapping that has as many as it may (max_sessions_per_mapping; `eviction` says whether the oldest gives way). The last
 * one takes the mapping along, at once and for the same reason (RFC 6146 section 3.5.2.1), unless it is explicit.
 *
 * What refreshes (RFC 5382 REQ-5 speaks of idle connections, so by default both directions do): see nat_tcp.h. A RST
 * refreshes nothing, nor does a segment that was filtered (RFC 7857 sections 7 and 7.1) or came corrupt.
 *
 * A remote that opened a connection from outside is remembered for the filter once the inside has answered it: it was
 * sent to, as RFC 4787 section 5 has it. As with UDP, it is remembered as long as the mapping lives. */
#include "world/nat_private.h"

static void enter(hp_nat *nat, uint32_t session, hp_nat_tcp_state state)
{
    hp_time now = hp_world_now(nat->node.world);
    hp_nat_tcp_enter(&nat->tcp, session, state, now);
    hp_nat_mapping_arm_no_later(nat, hp_time_add(now, nat->tcp_timeouts[state]));
}

static void end(hp_nat *nat, uint32_t session, hp_nat_end why)
{
    uint32_t mapping = nat->tcp.records[session].mapping;
    hp_nat_mapping_cold *cold = hp_nat_cold(&nat->table, mapping);
    hp_nat_tcp_remove(&nat->tcp, cold, session);
    if (cold->n_tcp == 0 && !hp_nat_is_explicit(&nat->table, mapping))
        hp_nat_mapping_end(nat, mapping, why);
}

void hp_nat_tcp_end_all(hp_nat *nat, uint32_t mapping)
{
    hp_nat_mapping_cold *cold = hp_nat_cold(&nat->table, mapping);
    while (cold->tcp)
        hp_nat_tcp_remove(&nat->tcp, cold, cold->tcp);
}

uint32_t hp_nat_tcp_open(hp_nat *nat, uint32_t mapping, const hp_addr *remote, hp_nat_tcp_state state,
                         hp_nat_verdict *v)
{
    hp_nat_mapping_cold *cold = hp_nat_cold(&nat->table, mapping);
    hp_time now = hp_world_now(nat->node.world);
    bool full = cold->n_tcp >= nat->max_sessions;
    uint32_t session = 0;

    if (!full || nat->config.eviction != HP_NAT_EVICT_REFUSE)
        session =
            hp_nat_tcp_add(&nat->tcp, cold, mapping, &hp_nat_hot(&nat->table, mapping)->internal, remote, state, now);
    if (!session) {
        if (cold->n_tcp == 0 && !hp_nat_is_explicit(&nat->table, mapping))
            hp_nat_mapping_end(nat, mapping, HP_NAT_END_EVICTED);
        hp_nat_refuse(v, HP_DROP_NAT_LIMIT, "the mapping has as many connections as it may", HP_ICMP_NONE);
        return 0;
    }
    hp_nat_mapping_arm_no_later(nat, hp_time_add(now, nat->tcp_timeouts[state]));
    while (cold->n_tcp > nat->max_sessions)
        end(nat, nat->tcp.records[cold->tcp].by_mapping.next, HP_NAT_END_EVICTED);
    return session;
}

void hp_nat_tcp_reopen(hp_nat *nat, uint32_t session, unsigned side)
{
    hp_nat_tcp_session *s = &nat->tcp.records[session];
    s->unchecked = false;
    hp_nat_tcp_reset_tracking(s);
    enter(nat, session, side == HP_NAT_INSIDE ? HP_NAT_TCP_OUT_INIT : HP_NAT_TCP_IN_INIT);
}

static void take_rst(hp_nat *nat, uint32_t session, unsigned side, const hp_nat_segment *rst)
{
    hp_nat_tcp_session *s = &nat->tcp.records[session];

    if (!nat->config.tcp_rst_unchecked && !hp_nat_tcp_believes_rst(s, side, rst))
        return;
    switch (nat->config.tcp_rst) {
    case HP_NAT_RST_TRANSITORY:
        if (nat->config.tcp_rst_unanswered_removes && !(s->seen & 1 << side)) {
            end(nat, session, HP_NAT_END_RST);
        } else if (s->state != HP_NAT_TCP_TRANS) {
            s->before = s->state;
            enter(nat, session, HP_NAT_TCP_TRANS);
        }
        return;
    case HP_NAT_RST_REMOVE:
        end(nat, session, HP_NAT_END_RST);
        return;
    case HP_NAT_RST_IGNORE:
        return;
    }
}

void hp_nat_tcp_passed(hp_nat *nat, uint32_t session, unsigned side, const hp_nat_segment *segment)
{
    hp_nat_tcp_session *s = &nat->tcp.records[session];
    uint32_t mapping = s->mapping;

    if (segment->flags & HP_TCP_RST) {
        take_rst(nat, session, side, segment);
        return;
    }
    hp_nat_tcp_track(s, side, segment);
    hp_nat_tcp_state state = hp_nat_tcp_next_state(s, side, segment);
    bool counts = state > HP_NAT_TCP_IN_INIT || segment->flags & HP_TCP_SYN;
    if (s->state == HP_NAT_TCP_IN_INIT && state != HP_NAT_TCP_IN_INIT &&
        !hp_nat_session_has(&nat->table, mapping, HP_NAT_ADDRESS_AND_PORT_DEPENDENT, &s->remote))
        hp_nat_session_add(&nat->table, mapping, &s->remote, nat->max_sessions);
    if (state != s->state || (counts && nat->tcp_refreshed_by[side]))
        enter(nat, session, state);
    if (nat->tcp_refreshed_by[side])
        hp_nat_hot(&nat->table, mapping)->refreshed = hp_world_now(nat->node.world);
}

hp_time hp_nat_tcp_earliest(const hp_nat *nat)
{
    hp_time at = HP_NEVER;
    for (unsigned state = 0; state < HP_NAT_TCP_N_STATES; state++) {
        uint32_t oldest = nat->tcp.by_age[state].next;
        if (oldest)
            at = MIN(at, hp_time_add(nat->tcp.records[oldest].refreshed, nat->tcp_timeouts[state]));
    }
    return at;
}

void hp_nat_tcp_expire(hp_nat *nat, hp_time now)
{
    for (unsigned state = 0; state < HP_NAT_TCP_N_STATES; state++) {
        for (uint32_t oldest; (oldest = nat->tcp.by_age[state].next) != 0;) {
            if (hp_time_add(nat->tcp.records[oldest].refreshed, nat->tcp_timeouts[state]) > now)
                break;
            end(nat, oldest, HP_NAT_END_EXPIRED);
        }
    }
}
