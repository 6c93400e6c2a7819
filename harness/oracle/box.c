/* A NAT, symbolically: what RFC 4787 says of its mapping (section 4.1), filtering (section 5) and hairpinning (section
 * 6), for TCP RFC 5382, for NAT64 RFC 6146; IPv6 that goes past its table.
 *
 * A mapping and what was sent through it stay for ever. Where the order of packets matters all the same (netfilter's
 * state for packets that came uninvited, nat.h: inbound_first), luck decides: HP_LUCK_GOOD lets every such packet be
 * late, HP_LUCK_BAD lets it count. So it does where a NAT draws an address, blocks some ports of a range, or ends a
 * mapping for an ICMP error.
 *
 * NPTv6 is checksum-neutral in truth (RFC 6296 section 3.1); here only the prefix changes. Any one-to-one rule gives
 * the same answers. */
#include "oracle/box.h"

#include "wire/dns64.h"

hp_box_policy hp_box_policy_of(const hp_nat_config *config, hp_protocol protocol)
{
    hp_box_policy policy = {.mapping = config->mapping,
                            .filtering = config->filtering,
                            .ports = config->ports,
                            .hairpin = config->hairpin,
                            .overload = config->overload};
    if (protocol == HP_OVER_UDP)
        return policy;
    if (config->tcp_mapping != HP_NAT_BEHAVIOUR_AS_UDP)
        policy.mapping = (hp_nat_behaviour)(MIN(config->tcp_mapping, HP_NAT_OWN_ADDRESS_AND_PORT_DEPENDENT) -
                                            HP_NAT_OWN_ENDPOINT_INDEPENDENT);
    if (config->tcp_filtering != HP_NAT_BEHAVIOUR_AS_UDP)
        policy.filtering = (hp_nat_behaviour)(MIN(config->tcp_filtering, HP_NAT_OWN_ADDRESS_AND_PORT_DEPENDENT) -
                                              HP_NAT_OWN_ENDPOINT_INDEPENDENT);
    if (config->tcp_ports != HP_NAT_PORTS_AS_UDP)
        policy.ports = (hp_nat_ports)(config->tcp_ports - HP_NAT_OWN_PORTS_PRESERVE);
    if (config->tcp_hairpin != HP_NAT_HAIRPIN_AS_UDP)
        policy.hairpin = (hp_nat_hairpin)(config->tcp_hairpin - HP_NAT_OWN_HAIRPIN_NONE);
    if (config->tcp_overload != HP_NAT_CHOICE_AS_UDP)
        policy.overload = config->tcp_overload == HP_NAT_CHOICE_YES;
    return policy;
}

bool hp_box_keeps_ports(const hp_box_policy *policy)
{
    return policy->mapping == HP_NAT_ENDPOINT_INDEPENDENT ||
           (policy->overload && policy->ports == HP_NAT_PORTS_PRESERVE);
}

/* Whether two remote ends are one to a NAT of that behaviour. */
static bool same_remote(hp_nat_behaviour behaviour, const hp_addr *a, const hp_addr *b)
{
    switch (behaviour) {
    case HP_NAT_ENDPOINT_INDEPENDENT:
        return true;
    case HP_NAT_ADDRESS_DEPENDENT:
        return hp_walk_same_address(a, b);
    case HP_NAT_ADDRESS_AND_PORT_DEPENDENT:
        return hp_addr_equal(a, b);
    }
    return false;
}

/* ---- a NAT's table ---- */

typedef struct crossing {
    hp_walk_state *state;
    hp_protocol protocol;
    unsigned nat;
    const hp_plan_nat *plan;
    const hp_nat_config *config;
    hp_box_policy policy;
} crossing;

/* The address that a new mapping gets. Of several, an arbitrary one may or may not be the one of the mapping before; by
 * bad luck each is of its own. */
static bool pick_address(crossing *c, uint8_t family, hp_addr *ret)
{
    const hp_plan_attachment *at = &c->plan->outside;
    unsigned n = 0;
    for (unsigned i = 0; i < at->n_addresses; i++)
        if (at->addresses[i].family == family && n++ == 0)
            *ret = at->addresses[i];
    if (n > 1 && c->config->pooling == HP_NAT_ARBITRARY && !hp_walk_is_lucky(c->state))
        ret->reserved = (uint8_t)(c->state->n_mappings + 1);
    return n > 0;
}

static bool is_stolen(const crossing *c, const hp_addr *outside, const hp_addr *remote)
{
    for (unsigned i = 0; i < c->state->n_stolen; i++) {
        const hp_stolen *s = &c->state->stolen[i];
        if (s->nat == c->nat && hp_addr_equal(&s->outside, outside) && hp_addr_equal(&s->remote, remote))
            return true;
    }
    return false;
}

/* Whether another mapping stands in the way of this one. */
static bool is_taken(const crossing *c, const hp_addr *outside, const hp_addr *remote)
{
    for (unsigned i = 0; i < c->state->n_mappings; i++) {
        const hp_mapping *m = &c->state->mappings[i];
        if (m->nat == c->nat && m->protocol == c->protocol && hp_addr_equal(&m->outside, outside) &&
            (!c->policy.overload || same_remote(c->policy.mapping, &m->remote, remote)))
            return true;
    }
    return false;
}

/* The external endpoint of a new mapping (RFC 4787 section 4.2). */
static hp_stop choose_outside(crossing *c, const hp_addr *inside, const hp_addr *remote, hp_addr *ret)
{
    const hp_port_range range = c->config->port_range.last ? c->config->port_range : (hp_port_range){1024, UINT16_MAX};
    if (!pick_address(c, remote->family, ret))
        return HP_STOP_NO_FAMILY;
    ret->port = inside->port;
    c->state->chancy |= c->config->inbound_first && c->protocol == HP_OVER_UDP;
    if (c->policy.ports == HP_NAT_PORTS_PRESERVE) {
        bool stolen = is_stolen(c, ret, remote), taken = is_taken(c, ret, remote);
        if (!stolen && !taken)
            return HP_STOP_NONE;
        if (c->config->collision == HP_NAT_COLLISION_REFUSE)
            return taken ? HP_STOP_NO_PORT : HP_STOP_STOLEN;
    }
    ret->port = hp_walk_symbol(c->state, range.first, range.last);
    return HP_STOP_NONE;
}

static hp_mapping *find_outbound(const crossing *c, const hp_addr *inside, const hp_addr *remote)
{
    for (unsigned i = 0; i < c->state->n_mappings; i++) {
        hp_mapping *m = &c->state->mappings[i];
        if (m->nat == c->nat && m->protocol == c->protocol && hp_addr_equal(&m->inside, inside) &&
            m->outside.family == remote->family && (m->asked_for || same_remote(c->policy.mapping, &m->remote, remote)))
            return m;
    }
    return NULL;
}

static bool was_sent_to(const hp_walk_state *state, unsigned mapping, hp_nat_behaviour behaviour, const hp_addr *remote)
{
    for (unsigned i = 0; i < state->n_contacts; i++)
        if (state->contacts[i].mapping == mapping && same_remote(behaviour, &state->contacts[i].remote, remote))
            return true;
    return false;
}

static void note_contact(hp_walk_state *state, unsigned mapping, const hp_addr *remote)
{
    if (was_sent_to(state, mapping, HP_NAT_ADDRESS_AND_PORT_DEPENDENT, remote) ||
        !hp_walk_has_room(state, state->n_contacts, G_N_ELEMENTS(state->contacts)))
        return;
    state->contacts[state->n_contacts++] = (hp_contact){.mapping = mapping, .remote = *remote};
    state->changes++;
}

/* The mapping of an outbound packet, made when there is none. */
static hp_stop map_outbound(crossing *c, const hp_addr *inside, const hp_addr *remote, hp_mapping **ret)
{
    hp_walk_state *state = c->state;
    hp_mapping *m = find_outbound(c, inside, remote);
    if (!m) {
        hp_addr outside;
        hp_stop stop = choose_outside(c, inside, remote, &outside);
        if (stop != HP_STOP_NONE)
            return stop;
        if (!hp_walk_has_room(state, state->n_mappings, HP_WALK_MAX))
            return HP_STOP_NO_PORT;
        m = &state->mappings[state->n_mappings++];
        *m = (hp_mapping){
            .nat = c->nat, .protocol = c->protocol, .inside = *inside, .outside = outside, .remote = *remote};
        state->changes++;
    }
    note_contact(state, (unsigned)(m - state->mappings), remote);
    *ret = m;
    return HP_STOP_NONE;
}

/* The mapping that an inbound packet is for: of several that share the endpoint, the one whose remote this is. */
static hp_mapping *find_inbound(const crossing *c, const hp_addr *outside, const hp_addr *remote)
{
    hp_mapping *any = NULL;
    for (unsigned i = 0; i < c->state->n_mappings; i++) {
        hp_mapping *m = &c->state->mappings[i];
        if (m->nat != c->nat || m->protocol != c->protocol || !hp_addr_equal(&m->outside, outside))
            continue;
        if (was_sent_to(c->state, i, HP_NAT_ADDRESS_AND_PORT_DEPENDENT, remote))
            return m;
        if (!any || (!was_sent_to(c->state, (unsigned)(any - c->state->mappings), HP_NAT_ADDRESS_DEPENDENT, remote) &&
                     was_sent_to(c->state, i, HP_NAT_ADDRESS_DEPENDENT, remote)))
            any = m;
    }
    return any;
}

static bool admits(const crossing *c, const hp_mapping *m, const hp_addr *remote)
{
    return m->asked_for || c->policy.filtering == HP_NAT_ENDPOINT_INDEPENDENT ||
           was_sent_to(c->state, (unsigned)(m - c->state->mappings), c->policy.filtering, remote);
}

/* An uninvited packet at a NAT that keeps state of such. Nothing happens by good luck: it comes later. */
static void note_uninvited(crossing *c, const hp_addr *outside, const hp_addr *remote)
{
    hp_walk_state *state = c->state;
    if (!c->config->inbound_first || c->protocol != HP_OVER_UDP || hp_walk_is_lucky(state) ||
        is_stolen(c, outside, remote) || !hp_walk_has_room(state, state->n_stolen, HP_WALK_MAX))
        return;
    state->stolen[state->n_stolen++] = (hp_stolen){.nat = c->nat, .outside = *outside, .remote = *remote};
    state->changes++;
}

/* ---- crossing a NAT ---- */

static hp_addr replace_prefix(const hp_addr *a, const hp_prefix *by)
{
    hp_addr ret = *a;
    for (unsigned bit = 0; bit < by->bits; bit++) {
        uint8_t mask = (uint8_t)(0x80 >> bit % 8);
        ret.ip[bit / 8] = (uint8_t)((ret.ip[bit / 8] & ~mask) | (by->base.ip[bit / 8] & mask));
    }
    return ret;
}

static hp_prefix pref64_of(const hp_nat_config *config)
{
    return config->nat64_prefix.base.family ? config->nat64_prefix : hp_dns64_well_known();
}

static bool is_own_outside(const crossing *c, const hp_addr *a)
{
    for (unsigned i = 0; i < c->plan->outside.n_addresses; i++)
        if (hp_addr_same_ip(&c->plan->outside.addresses[i], a))
            return true;
    return false;
}

/* Ports are ranges here: all of it blocked, none, or luck. */
static bool is_port_blocked(crossing *c, uint16_t symbol)
{
    const hp_symbol_range range = c->state->symbols[symbol];
    unsigned blocked = 0, all = (unsigned)range.last - range.first + 1;
    for (unsigned i = 0; i < c->config->n_blocked; i++) {
        unsigned first = MAX(c->config->blocked[i].first, range.first);
        unsigned last = MIN(c->config->blocked[i].last, range.last);
        blocked += first <= last ? last - first + 1 : 0;
    }
    return blocked > 0 && (blocked >= all || !hp_walk_is_lucky(c->state));
}

/* As the receiver inside would see an IPv4 sender, when it is reached by NAT64 (RFC 6146 section 3.5.1). */
static bool show_source(const crossing *c, const hp_addr *inside, hp_addr *src)
{
    hp_prefix pref64 = pref64_of(c->config);
    if (inside->family == src->family)
        return true;
    hp_addr v4 = *src;
    return hp_dns64_embed(&pref64, &v4, src);
}

static hp_stop hairpin(crossing *c, hp_walk *w)
{
    hp_mapping *sender;
    if (c->policy.hairpin == HP_NAT_HAIRPIN_NONE)
        return HP_STOP_NO_HAIRPIN;
    hp_stop stop = map_outbound(c, &w->src, &w->dst, &sender);
    if (stop != HP_STOP_NONE)
        return stop;
    const hp_mapping *target = find_inbound(c, &w->dst, &sender->outside);
    if (!target)
        return HP_STOP_NO_MAPPING;
    if (c->config->hairpin_filtered && !admits(c, target, &sender->outside))
        return HP_STOP_FILTERED;
    if (c->policy.hairpin == HP_NAT_HAIRPIN_EXTERNAL_SOURCE || w->src.family != target->inside.family)
        w->src = sender->outside;
    if (!show_source(c, &target->inside, &w->src))
        return HP_STOP_NO_FAMILY;
    w->dst = target->inside;
    w->hairpinned = true;
    return HP_STOP_NONE;
}

/* IPv6 past the table. `ret_back`: it turns round and stays inside. */
static hp_stop route_out(crossing *c, hp_walk *w, bool *ret_back)
{
    const hp_plan *plan = c->state->ground->plan;
    const hp_prefix *inside = &plan->zones[c->plan->inside_zone].prefix6, *outside = &c->plan->routed6;
    if (c->config->ipv6 != HP_NAT_IPV6_PREFIX)
        return HP_STOP_NONE;
    if (!hp_prefix_contains(inside, &w->src))
        return HP_STOP_NO_ROUTE;
    *ret_back = hp_prefix_contains(outside, &w->dst);
    w->src = replace_prefix(&w->src, outside);
    if (*ret_back)
        w->dst = replace_prefix(&w->dst, inside);
    w->hairpinned |= *ret_back;
    return HP_STOP_NONE;
}

static crossing crossing_of(hp_walk_state *state, hp_protocol protocol, unsigned nat)
{
    const hp_plan_nat *plan = &state->ground->plan->nats[nat];
    return (crossing){.state = state,
                      .protocol = protocol,
                      .nat = nat,
                      .plan = plan,
                      .config = &plan->source->config,
                      .policy = hp_box_policy_of(&plan->source->config, protocol)};
}

bool hp_box_map(hp_walk_state *state, hp_protocol protocol, unsigned nat, const hp_addr *inside, hp_addr *ret)
{
    crossing c = crossing_of(state, protocol, nat);
    const hp_addr anywhere = {.family = inside->family};
    hp_addr outside;
    if (choose_outside(&c, inside, &anywhere, &outside) != HP_STOP_NONE ||
        !hp_walk_has_room(state, state->n_mappings, HP_WALK_MAX))
        return false;
    state->mappings[state->n_mappings++] = (hp_mapping){
        .nat = nat, .protocol = protocol, .inside = *inside, .outside = outside, .remote = anywhere, .asked_for = true};
    *ret = outside;
    return true;
}

/* Outwards; the packet is in the outer zone afterwards, or, turned round, in the inner one. */
hp_stop hp_box_go_out(hp_walk_state *state, hp_protocol protocol, unsigned nat, hp_walk *w, unsigned *zone)
{
    crossing crossed = crossing_of(state, protocol, nat), *c = &crossed;
    hp_prefix pref64 = pref64_of(c->config);
    bool translated6 = c->config->nat64 && hp_prefix_contains(&pref64, &w->dst), back = false;
    hp_stop stop;
    if (translated6) {
        hp_addr v6 = w->dst;
        if (!hp_dns64_extract(&pref64, &v6, &w->dst))
            return HP_STOP_NO_ROUTE;
    }
    if (c->protocol == HP_OVER_UDP ? c->config->block_udp : c->config->block_tcp)
        return HP_STOP_BLOCKED_PROTOCOL;
    if (is_port_blocked(c, w->dst.port))
        return HP_STOP_BLOCKED_PORT;
    if (w->dst.family == HP_AF_IPV6 && c->config->ipv6 != HP_NAT_IPV6_TRANSLATE) {
        stop = route_out(c, w, &back);
    } else if (is_own_outside(c, &w->dst)) {
        stop = hairpin(c, w);
        back = true;
    } else {
        hp_mapping *m;
        stop = map_outbound(c, &w->src, &w->dst, &m);
        if (stop == HP_STOP_NONE)
            w->src = m->outside;
    }
    if (stop == HP_STOP_NONE && !back)
        *zone = c->plan->outside.zone;
    return stop;
}

hp_stop hp_box_go_in(hp_walk_state *state, hp_protocol protocol, unsigned nat, hp_walk *w, bool by_route)
{
    crossing crossed = crossing_of(state, protocol, nat), *c = &crossed;
    if (by_route) {
        if (c->config->ipv6 == HP_NAT_IPV6_PREFIX)
            w->dst = replace_prefix(&w->dst, &c->state->ground->plan->zones[c->plan->inside_zone].prefix6);
        return HP_STOP_NONE;
    }
    /* Where errors end mappings, one may be gone whenever an answer comes (RFC 4787 REQ-12 forbids it): checks of
     * addresses that mean nothing outside meet errors all the time. */
    const bool ends =
        c->config->icmp_errors && (c->config->icmp_error_ends_mapping || c->config->icmp_unreachable_ends_mapping);
    const hp_mapping *m =
        ends && c->protocol == HP_OVER_UDP && !hp_walk_is_lucky(c->state) ? NULL : find_inbound(c, &w->dst, &w->src);
    bool welcome = m && admits(c, m, &w->src);
    if (!welcome)
        note_uninvited(c, &w->dst, &w->src);
    if (!welcome)
        return m ? HP_STOP_FILTERED : HP_STOP_NO_MAPPING;
    w->dst = m->inside;
    return show_source(c, &w->dst, &w->src) ? HP_STOP_NONE : HP_STOP_NO_FAMILY;
}
