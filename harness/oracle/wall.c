/* Firewalls, as far as they decide about a whole flow: stateful, as RFC 6092 has them.
 *
 * A packet of a known flow passes. What begins one is judged by the policies of its direction, then by the defaults,
 * and inwards also by what the inside has opened (RFC 6092 REC-11 for UDP, REC-33 for TCP). Policies are read as far as
 * they speak of protocol, family, addresses and ports; hp_wall_is_shallow() tells of those that look deeper, where the
 * oracle is silent. A port that a policy names may be one of a range here: then luck decides. */
#include "oracle/walk.h"

#include "wire/packet.h"

typedef enum answer { NO, PERHAPS, YES } answer;

static answer is_port(const hp_walk_state *state, const hp_match_end *end, uint16_t symbol)
{
    const hp_symbol_range range = state->symbols[symbol];
    if (end->port_first == 0 && end->port_last == 0)
        return YES;
    if (range.last < end->port_first || range.first > end->port_last)
        return NO;
    return range.first >= end->port_first && range.last <= end->port_last ? YES : PERHAPS;
}

static answer is_end(const hp_walk_state *state, const hp_match_end *end, const hp_addr *a)
{
    const hp_addr ip = hp_addr_with_port(*a, 0);
    if (end->prefix.base.family && !hp_prefix_contains(&end->prefix, &ip))
        return NO;
    return is_port(state, end, a->port);
}

static answer matches(const hp_walk_state *state, const hp_match *m, hp_protocol protocol, const hp_addr *src,
                      const hp_addr *dst)
{
    const hp_match_proto proto = protocol == HP_OVER_TCP ? HP_MATCH_TCP : HP_MATCH_UDP;
    if ((m->proto != HP_MATCH_ANY_PROTO && m->proto != proto) || (m->family && m->family != src->family))
        return NO;
    return MIN(is_end(state, &m->src, src), is_end(state, &m->dst, dst));
}

bool hp_wall_is_shallow(const hp_firewall_config *config)
{
    for (unsigned side = 0; side < 2; side++) {
        const hp_firewall_policy *list = side == 0 ? config->out : config->in;
        for (unsigned i = 0; i < (side == 0 ? config->n_out : config->n_in); i++) {
            hp_match plain = list[i].match;
            plain.proto = HP_MATCH_ANY_PROTO;
            plain.family = HP_AF_NONE;
            plain.src = plain.dst = (hp_match_end){0};
            const hp_match any = {0};
            if (!hp_match_equal(&plain, &any))
                return false;
        }
    }
    return true;
}

static bool knows_flow(const hp_walk_state *state, const hp_wall_flow *flow)
{
    for (unsigned i = 0; i < state->n_flows; i++) {
        const hp_wall_flow *f = &state->flows[i];
        if (f->wall == flow->wall && f->protocol == flow->protocol && hp_addr_equal(&f->inside, &flow->inside) &&
            hp_addr_equal(&f->remote, &flow->remote))
            return true;
    }
    return false;
}

static bool has_opened(const hp_walk_state *state, const hp_wall_flow *flow, hp_firewall_filtering filtering)
{
    for (unsigned i = 0; i < state->n_flows; i++) {
        const hp_wall_flow *f = &state->flows[i];
        if (f->wall == flow->wall && f->protocol == flow->protocol && hp_addr_equal(&f->inside, &flow->inside) &&
            (filtering == HP_FIREWALL_ENDPOINT_INDEPENDENT || hp_walk_same_address(&f->remote, &flow->remote)))
            return true;
    }
    return false;
}

/* The first policy that matches: 1 it allows, 0 it does not, -1 there is none. */
static int ask_policies(hp_walk_state *state, const hp_wall *wall, bool outwards, hp_protocol protocol,
                        const hp_addr *src, const hp_addr *dst)
{
    const hp_firewall_policy *list = outwards ? wall->config.out : wall->config.in;
    const unsigned n = outwards ? wall->config.n_out : wall->config.n_in;
    for (unsigned i = 0; i < n; i++) {
        answer a = matches(state, &list[i].match, protocol, src, dst);
        if (a == PERHAPS) {
            state->chancy = true;
            a = (state->luck == HP_LUCK_GOOD) == list[i].allow ? YES : NO;
        }
        if (a == YES)
            return list[i].allow;
    }
    return -1;
}

static bool is_unique_local(const hp_addr *a)
{
    return a->family == HP_AF_IPV6 && (a->ip[0] & 0xfe) == 0xfc;
}

bool hp_wall_passes(hp_walk_state *state, int index, bool outwards, hp_protocol protocol, const hp_addr *src,
                    const hp_addr *dst)
{
    if (index < 0)
        return true;
    const hp_wall *wall = &state->ground->walls[index];
    const hp_wall_flow flow = {.wall = (unsigned)index,
                               .protocol = protocol,
                               .inside = outwards ? *src : *dst,
                               .remote = outwards ? *dst : *src};
    const hp_firewall_filtering filtering =
        protocol == HP_OVER_TCP ? wall->config.tcp_filtering : wall->config.filtering;
    if (knows_flow(state, &flow))
        return true;
    if (wall->config.blocks_unique_local && (is_unique_local(src) || is_unique_local(dst)))
        return false;
    int policy = ask_policies(state, wall, outwards, protocol, src, dst);
    bool passes = policy >= 0 ? policy > 0
                  : outwards  ? !wall->config.out_denied
                              : wall->config.in_allowed || (filtering != HP_FIREWALL_ADDRESS_AND_PORT_DEPENDENT &&
                                                           has_opened(state, &flow, filtering));
    if (passes && state->n_flows < G_N_ELEMENTS(state->flows)) {
        state->flows[state->n_flows++] = flow;
        state->changes++;
    } else if (passes) {
        state->full = true;
    }
    return passes;
}
