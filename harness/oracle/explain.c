/* Why it is so, in sentences. A sentence is made of clauses, one for each thing that stands in the way (or opens it),
 * in this order: what the peers themselves lack, what leads out of their networks, what NATs do to ports, what they let
 * in.
 *
 * Clauses about what NATs let in come from checks that were lost at them in the last round: what is said happened in
 * the model, it is not read off the knobs alone. */
#include "oracle/oracle_private.h"

typedef struct clauses {
    const hp_call *call;
    GPtrArray *texts; /* owned */
} clauses;

static void add(clauses *c, char *text)
{
    for (unsigned i = 0; i < c->texts->len; i++)
        if (g_str_equal(c->texts->pdata[i], text)) {
            g_free(text);
            return;
        }
    g_ptr_array_add(c->texts, text);
}

static char *join(const clauses *c, const char *start)
{
    GString *s = g_string_new(start);
    for (unsigned i = 0; i < c->texts->len; i++)
        g_string_append_printf(s, "%s%s",
                               i == 0                  ? ""
                               : i + 1 < c->texts->len ? ", "
                                                       : " and ",
                               (const char *)c->texts->pdata[i]);
    return g_string_free(s, FALSE);
}

static const hp_plan_peer *peer_of(const hp_call *call, unsigned side)
{
    return &call->plan->peers[call->peers[side]];
}

static const char *name_of(const hp_call *call, unsigned side)
{
    return peer_of(call, side)->source->name;
}

static const char *nat_name(const hp_call *call, int nat)
{
    return call->plan->nats[nat].source->name;
}

/* ---- NATs in words ---- */

static char *mapping_clause(const char *nat, const hp_box_policy *policy)
{
    switch (policy->mapping) {
    case HP_NAT_ENDPOINT_INDEPENDENT:
        return g_strdup_printf("%s keeps one port for all destinations", nat);
    case HP_NAT_ADDRESS_DEPENDENT:
        return g_strdup_printf("%s maps per destination address", nat);
    case HP_NAT_ADDRESS_AND_PORT_DEPENDENT:
        return hp_box_keeps_ports(policy) ? g_strdup_printf("%s keeps the port while nobody else has it", nat)
                                          : g_strdup_printf("%s maps per destination address and port", nat);
    }
    return NULL;
}

static char *filtering_clause(const char *nat, hp_nat_behaviour filtering)
{
    switch (filtering) {
    case HP_NAT_ENDPOINT_INDEPENDENT:
        return g_strdup_printf("%s lets in anybody", nat);
    case HP_NAT_ADDRESS_DEPENDENT:
        return g_strdup_printf("%s filters by address", nat);
    case HP_NAT_ADDRESS_AND_PORT_DEPENDENT:
        return g_strdup_printf("%s filters by address and port", nat);
    }
    return NULL;
}

/* Every NAT between a side and the Internet. */
static void each_nat(const hp_call *call, unsigned side, void (*tell)(clauses *, unsigned nat), clauses *c)
{
    const hp_plan *plan = call->plan;
    for (unsigned i = 0; i < peer_of(call, side)->n_interfaces; i++) {
        unsigned zone = peer_of(call, side)->interfaces[i].zone;
        for (const hp_plan_attachment *out; (out = hp_ground_way_out(plan, zone)); zone = out->zone)
            if (plan->zones[zone].nat >= 0)
                tell(c, (unsigned)plan->zones[zone].nat);
    }
}

static bool carries_calls(const clauses *c, unsigned nat)
{
    for (unsigned i = 0; i < c->call->walk.n_mappings; i++)
        if (c->call->walk.mappings[i].nat == nat && c->call->walk.mappings[i].protocol == HP_OVER_UDP)
            return true;
    return false;
}

static void tell_mapping(clauses *c, unsigned nat)
{
    const hp_box_policy policy = hp_box_policy_of(&c->call->plan->nats[nat].source->config, HP_OVER_UDP);
    if (carries_calls(c, nat))
        add(c, mapping_clause(nat_name(c->call, (int)nat), &policy));
}

static void tell_moving_ports(clauses *c, unsigned nat)
{
    const hp_box_policy policy = hp_box_policy_of(&c->call->plan->nats[nat].source->config, HP_OVER_UDP);
    if (!hp_box_keeps_ports(&policy) && carries_calls(c, nat))
        add(c, mapping_clause(nat_name(c->call, (int)nat), &policy));
}

/* A NAT that gives every destination another port is met by one that does not look at ports. */
static void tell_filtering(clauses *c, unsigned nat)
{
    const hp_box_policy policy = hp_box_policy_of(&c->call->plan->nats[nat].source->config, HP_OVER_UDP);
    if (policy.filtering != HP_NAT_ADDRESS_AND_PORT_DEPENDENT && carries_calls(c, nat))
        add(c, filtering_clause(nat_name(c->call, (int)nat), policy.filtering));
}

static bool moves_ports(const hp_call *call, unsigned side)
{
    clauses c = {.call = call, .texts = g_ptr_array_new_with_free_func(g_free)};
    each_nat(call, side, tell_moving_ports, &c);
    bool any = c.texts->len > 0;
    g_ptr_array_unref(c.texts);
    return any;
}

static void tell_hairpin(clauses *c, unsigned nat)
{
    if (hp_ground_is_behind(c->call->plan, peer_of(c->call, 1)->interfaces[0].zone, nat) &&
        c->call->plan->nats[nat].source->config.hairpin != HP_NAT_HAIRPIN_NONE)
        add(c, g_strdup_printf("both are behind %s, which turns packets for its own outside round",
                               nat_name(c->call, (int)nat)));
}

/* ---- what peers lack ---- */

static uint8_t families_of(const hp_call *call, unsigned side)
{
    uint8_t families = 0;
    for (unsigned i = 0; i < call->n_sockets; i++)
        if (call->sockets[i].side == side && call->sockets[i].kind != HP_SOCKET_RELAY)
            families |= (uint8_t)(1 << call->sockets[i].addr.family);
    return families;
}

static void tell_peer(clauses *c, unsigned side)
{
    const hp_plan_peer *peer = peer_of(c->call, side);
    const char *name = peer->source->name;
    bool behind = false;
    for (unsigned i = 0; i < peer->n_interfaces; i++)
        behind |= peer->interfaces[i].zone != 0;
    if (peer->source->ice.force_relay)
        add(c, g_strdup_printf("%s is told to use relays only", name));
    else if (!peer->source->ice.ice_udp)
        add(c, g_strdup_printf("%s uses no UDP", name));
    else if (behind && !c->call->gathered[side][HP_CALL_REFLEXIVE])
        add(c, g_strdup_printf("nobody tells %s its address outside", name));
}

static void tell_families(clauses *c)
{
    const uint8_t one = families_of(c->call, 0), other = families_of(c->call, 1);
    if (one && other && !(one & other))
        add(c, g_strdup("the two have no address family in common"));
}

/* ---- what was in the way ---- */

static void tell_failure(clauses *c, const hp_call_failure *f)
{
    const char *name = name_of(c->call, f->side), *nat = "";
    const char *protocol = f->protocol == HP_OVER_TCP ? "TCP" : "UDP";
    if (f->stop == HP_STOP_WALL_OUT || f->stop == HP_STOP_WALL_IN)
        nat = c->call->walk.ground->walls[f->box].name;
    else if (f->box >= 0)
        nat = nat_name(c->call, f->box);
    switch (f->stop) {
    case HP_STOP_CUT:
        add(c, g_strdup("a link on the way is cut"));
        return;
    case HP_STOP_BLOCKED_PROTOCOL:
        add(c, g_strdup_printf("%s lets no %s out", nat, protocol));
        return;
    case HP_STOP_BLOCKED_PORT:
        add(c, g_strdup_printf("%s lets %s send to some ports only", nat, name));
        return;
    case HP_STOP_NO_FAMILY:
        if (f->box >= 0)
            add(c, g_strdup_printf("%s has no IPv%u outside", nat, f->family));
        return;
    case HP_STOP_NO_HAIRPIN:
        add(c, g_strdup_printf("%s does not turn packets for its own outside round", nat));
        return;
    case HP_STOP_FILTERED:
        add(c, filtering_clause(nat,
                                hp_box_policy_of(&c->call->plan->nats[f->box].source->config, f->protocol).filtering));
        return;
    case HP_STOP_STOLEN:
    case HP_STOP_NO_PORT:
        add(c, g_strdup_printf("%s refuses a flow whose port is taken", nat));
        return;
    case HP_STOP_WALL_OUT:
        add(c, g_strdup_printf("the firewall of %s does not let %s's %s out", nat, name, protocol));
        return;
    case HP_STOP_WALL_IN:
        add(c, g_strdup_printf("the firewall of %s does not let %s's %s in", nat, name, protocol));
        return;
    case HP_STOP_NO_MAPPING:
    case HP_STOP_NONE:
    case HP_STOP_NO_ROUTE:
    case HP_STOP_ELSEWHERE:
    case HP_STOP_PERMISSION:
    case HP_STOP_N:
        return;
    }
}

/* In order: what leads nowhere at all, then what NATs do. */
static void tell_failures(clauses *c, bool filters)
{
    for (unsigned i = 0; i < c->call->n_failures; i++) {
        const hp_call_failure *f = &c->call->failures[i];
        if ((f->stop == HP_STOP_FILTERED) == filters)
            tell_failure(c, f);
    }
}

static char *why_not_direct(const hp_call *call, bool same_nat)
{
    clauses c = {.call = call, .texts = g_ptr_array_new_with_free_func(g_free)};
    tell_peer(&c, 0);
    tell_peer(&c, 1);
    tell_families(&c);
    if (c.texts->len == 0 || call->gathered[0][HP_CALL_REFLEXIVE] || call->gathered[1][HP_CALL_REFLEXIVE]) {
        tell_failures(&c, false);
        each_nat(call, 0, tell_moving_ports, &c);
        each_nat(call, 1, tell_moving_ports, &c);
        tell_failures(&c, true);
    }
    if (same_nat)
        each_nat(call, 0, tell_hairpin, &c);
    if (c.texts->len == 0)
        add(&c, g_strdup("none of the addresses that one has means anything where the other is"));
    char *text = join(&c, same_nat ? "the way goes through a NAT's outside because " : "direct is impossible because ");
    g_ptr_array_unref(c.texts);
    return text;
}

static char *why_direct(const hp_call *call, const hp_prediction *p)
{
    clauses c = {.call = call, .texts = g_ptr_array_new_with_free_func(g_free)};
    const hp_pair_types types = p->types[HP_OUTCOME_DIRECT];
    char *text;
    if (types.local & types.remote & HP_TYPE_HOST)
        add(&c, g_strdup_printf("%s and %s reach each other's own addresses", name_of(call, 0), name_of(call, 1)));
    if (!(types.local & HP_TYPE_HOST))
        each_nat(call, 0, tell_mapping, &c);
    if (!(types.remote & HP_TYPE_HOST))
        each_nat(call, 1, tell_mapping, &c);
    for (unsigned i = 0; i < call->n_candidates; i++)
        if (call->candidates[i].foreign)
            add(&c, g_strdup_printf("a port of %s is open because it asked for it",
                                    name_of(call, call->candidates[i].side)));
    for (unsigned side = 0; side < 2; side++)
        if (moves_ports(call, !side))
            each_nat(call, side, tell_filtering, &c);
    if (c.texts->len == 0)
        add(&c, g_strdup("what each sends opens the way for what the other sends"));
    text = join(&c, "direct works because ");
    g_ptr_array_unref(c.texts);
    return text;
}

/* ---- relays ---- */

static const char *transport_name(unsigned transport)
{
    return transport == HP_SERVER_TCP    ? "TCP"
           : transport == HP_SERVER_TLS  ? "TLS"
           : transport == HP_SERVER_DTLS ? "DTLS"
                                         : "UDP";
}

static char *why_relay(const hp_call *call)
{
    clauses c = {.call = call, .texts = g_ptr_array_new_with_free_func(g_free)};
    for (unsigned i = 0; i < call->n_sockets; i++) {
        const hp_call_socket *s = &call->sockets[i];
        if (s->kind == HP_SOCKET_RELAY)
            add(&c, g_strdup_printf("%s reaches %s over %s", name_of(call, s->side),
                                    call->plan->servers[s->server].source->name, transport_name(s->transport)));
    }
    char *text = join(&c, "a relay works because ");
    g_ptr_array_unref(c.texts);
    return text;
}

static char *why_no_relay(const hp_call *call)
{
    clauses c = {.call = call, .texts = g_ptr_array_new_with_free_func(g_free)};
    for (unsigned side = 0; side < 2; side++) {
        const hp_plan_peer *peer = peer_of(call, side);
        bool authorized = false;
        for (unsigned i = 0; i < peer->n_turn; i++)
            authorized |= hp_call_is_authorized(call->plan, call->peers[side], (unsigned)peer->turn[i]);
        if (peer->n_turn == 0)
            add(&c, g_strdup_printf("%s has no TURN server", name_of(call, side)));
        else if (!authorized)
            add(&c, g_strdup_printf("no TURN server takes %s's credentials", name_of(call, side)));
        else if (!call->gathered[side][HP_CALL_RELAYED])
            add(&c, g_strdup_printf("%s reaches no TURN server", name_of(call, side)));
        else
            add(&c, g_strdup_printf("the relay of %s and the other end do not reach each other", name_of(call, side)));
    }
    for (unsigned i = 0; i < call->n_server_failures; i++)
        tell_failure(&c, &call->server_failures[i]);
    char *text = join(&c, "no relay helps because ");
    g_ptr_array_unref(c.texts);
    return text;
}

static void tell_luck(const hp_call *call, const hp_prediction *p, GPtrArray *sentences)
{
    for (unsigned i = 0; i < call->plan->n_nats; i++) {
        const hp_nat_config *config = &call->plan->nats[i].source->config;
        const clauses c = {.call = call};
        const char *name = nat_name(call, (int)i);
        if (!carries_calls(&c, i))
            continue;
        if (config->inbound_first)
            g_ptr_array_add(sentences, g_strdup_printf("luck decides: a check that reaches %s before anything was sent "
                                                       "that way takes the port away (%s at worst)",
                                                       name, hp_outcome_name(p->worst)));
        if (config->pooling == HP_NAT_ARBITRARY)
            g_ptr_array_add(sentences, g_strdup_printf("luck decides: %s may use another address of its pool for every "
                                                       "flow (%s at worst)",
                                                       name, hp_outcome_name(p->worst)));
        if (config->icmp_errors && (config->icmp_error_ends_mapping || config->icmp_unreachable_ends_mapping))
            g_ptr_array_add(sentences,
                            g_strdup_printf("luck decides: %s ends a mapping for an ICMP error, and checks of "
                                            "addresses that mean nothing outside meet errors (%s at worst)",
                                            name, hp_outcome_name(p->worst)));
        if (config->n_blocked > 0)
            g_ptr_array_add(sentences, g_strdup_printf("luck decides: %s lets some ports out (%s at worst)", name,
                                                       hp_outcome_name(p->worst)));
    }
}

void hp_explain(const hp_call *call, const hp_prediction *p, GPtrArray *sentences)
{
    switch (p->outcome) {
    case HP_OUTCOME_DIRECT:
        g_ptr_array_add(sentences, why_direct(call, p));
        break;
    case HP_OUTCOME_HAIRPIN:
        g_ptr_array_add(sentences, why_not_direct(call, true));
        break;
    case HP_OUTCOME_RELAY:
        g_ptr_array_add(sentences, why_not_direct(call, false));
        g_ptr_array_add(sentences, why_relay(call));
        break;
    case HP_OUTCOME_NONE:
        g_ptr_array_add(sentences, why_not_direct(call, false));
        g_ptr_array_add(sentences, why_no_relay(call));
        break;
    case HP_OUTCOME_N:
        break;
    }
    if (p->worst != p->outcome)
        tell_luck(call, p, sentences);
    if (p->may_die && p->outcome != HP_OUTCOME_NONE)
        g_ptr_array_add(sentences, g_strdup("a NAT forgets idle flows before keepalives come: the path may die later"));
}
