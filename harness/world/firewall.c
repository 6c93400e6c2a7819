/* The firewall as a node, and what can be done to it from outside its packet paths. How a packet passes is in
 * firewall_path.c; how the parts hang together, in firewall_private.h; what a flow is, in firewall_table.h.
 *
 * Limits: it keeps flows, not contents: no sequence numbers, no reassembly, no helpers that open flows for others.
 * SCTP and DCCP have flows between addresses, as every protocol without a state machine here, so that REC-38 to REC-46
 * hold in what they let pass and not in their timers. Nothing is shared between firewalls: two on one path are two
 * nodes. */
#include "world/firewall_private.h"

static void firewall_receive(hp_node *node, unsigned port, hp_packet *p)
{
    hp_firewall_take((hp_firewall *)node, port == HP_FIREWALL_INSIDE ? HP_FIREWALL_INSIDE : HP_FIREWALL_OUTSIDE, p);
}

static void firewall_hint(const hp_node *node, unsigned port, const hp_packet *p, hp_hint hint)
{
    const hp_firewall *fw = (const hp_firewall *)node;
    hp_flow_key key;
    if (hp_firewall_key(port == HP_FIREWALL_INSIDE ? HP_FIREWALL_INSIDE : HP_FIREWALL_OUTSIDE, p, &key)) {
        hp_flow_prefetch(&fw->flows, &key, hint == HP_HINT_NEAR);
    }
}

static void firewall_free(hp_node *node)
{
    hp_firewall *fw = (hp_firewall *)node;
    hp_firewall_syns_flush(fw);
    g_array_free(fw->held_syns, TRUE);
    hp_fragment_table_free(fw->fragments);
    hp_firewall_flows_clear(fw);
    hp_firewall_policies_clear(&fw->policies[HP_FIREWALL_INSIDE]);
    hp_firewall_policies_clear(&fw->policies[HP_FIREWALL_OUTSIDE]);
    hp_firewall_config_clear(&fw->config);
    g_array_free(fw->inside, TRUE);
    hp_node_clear(node);
    g_free(fw);
}

static const hp_node_ops firewall_ops = {
    .kind = "firewall",
    .receive = firewall_receive,
    .hint = firewall_hint,
    .free = firewall_free,
};

static hp_time first_set(hp_time a, hp_time b)
{
    return a != 0 ? a : b;
}

static void take_config(hp_firewall *fw, const hp_firewall_config *given)
{
    hp_firewall_config old = fw->config;
    hp_firewall_config_copy(given, &fw->config); /* first: it may be our own that is given */
    hp_firewall_config_clear(&old);

    const hp_firewall_config *c = &fw->config;
    hp_firewall_policies_set(&fw->policies[HP_FIREWALL_INSIDE], c->out, c->n_out);
    hp_firewall_policies_set(&fw->policies[HP_FIREWALL_OUTSIDE], c->in, c->n_in);

    hp_time udp = first_set(c->udp_timeout, 300 * HP_S), transitory = first_set(c->tcp_transitory_timeout, 240 * HP_S);
    fw->timeouts[HP_FLOW_UDP] = udp;
    fw->timeouts[HP_FLOW_UDP_UNREPLIED] = first_set(c->udp_unreplied_timeout, udp);
    fw->timeouts[HP_FLOW_UDP_WELL_KNOWN] = first_set(c->udp_well_known_timeout, udp);
    fw->timeouts[HP_FLOW_TCP_TRANSITORY] = transitory;
    fw->timeouts[HP_FLOW_TCP_ESTABLISHED] = first_set(c->tcp_established_timeout, 7440 * HP_S);
    fw->timeouts[HP_FLOW_TCP_CLOSED] = first_set(c->tcp_closed_timeout, transitory);
    fw->timeouts[HP_FLOW_ICMP] = first_set(c->icmp_timeout, 60 * HP_S);
    fw->timeouts[HP_FLOW_OTHER] = first_set(c->other_timeout, 300 * HP_S);
    hp_firewall_recount(fw);
}

hp_firewall *hp_firewall_new(hp_world *world, const char *name, const hp_firewall_config *config)
{
    hp_firewall *fw = g_new0(hp_firewall, 1);
    hp_node_init(&fw->node, &firewall_ops, world, name);
    fw->inside = g_array_new(FALSE, FALSE, sizeof(hp_prefix));
    fw->fragments = hp_firewall_fragments_new(fw);
    hp_firewall_flows_init(fw);
    hp_firewall_syns_init(fw);
    take_config(fw, config);
    return fw;
}

hp_node *hp_firewall_node(hp_firewall *firewall)
{
    return &firewall->node;
}

void hp_firewall_set_address(hp_firewall *firewall, unsigned side, const hp_addr *addr)
{
    g_assert(side <= HP_FIREWALL_OUTSIDE && addr->family != HP_AF_NONE);
    firewall->address[side][addr->family == HP_AF_IPV6] = hp_addr_with_port(*addr, 0);
}

void hp_firewall_add_inside_prefix(hp_firewall *firewall, const hp_prefix *prefix)
{
    g_array_append_val(firewall->inside, *prefix);
}

void hp_firewall_configure(hp_firewall *firewall, const hp_firewall_config *config)
{
    take_config(firewall, config);
}

const hp_firewall_config *hp_firewall_get_config(const hp_firewall *firewall)
{
    return &firewall->config;
}

void hp_firewall_flush(hp_firewall *firewall)
{
    hp_firewall_end_all(firewall);
    hp_fragment_table_flush(firewall->fragments, false);
    hp_firewall_syns_flush(firewall);
}

hp_firewall_stats hp_firewall_get_stats(const hp_firewall *firewall)
{
    hp_firewall_stats stats = firewall->stats;
    stats.flows = firewall->flows.n;
    return stats;
}

bool hp_firewall_knows(const hp_firewall *firewall, uint8_t proto, const hp_addr *inside, const hp_addr *outside)
{
    bool icmp = proto == HP_PROTO_ICMPV6;
    hp_flow_key key = {.inside = *inside, .outside = *outside, .proto = icmp ? HP_PROTO_ICMP : proto};
    return hp_flow_find(&firewall->flows, &key) != 0;
}
