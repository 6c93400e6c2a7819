/* The NAT as a node, and what can be done to it from outside its packet paths: building, changing at run time, asking.
 * How packets pass is in nat_path.c and nat_icmp.c; how the parts hang together, in nat_private.h.
 *
 * IPv6 is translated by the table like IPv4 (NAT66), or passes it by (nat_ipv6.c); beside either, with NAT64, an IPv6
 * inside reaches IPv4 remotes (nat64.c).
 *
 * Limits: UDP, TCP and ICMP; every other protocol is dropped as such, save where IPv6 passes the table by. No probes of
 * idle connections (RFC 6146 section 3.5.2.2 has them), nor RSTs to the ends of one that is given up; no check of
 * sequence numbers but for RSTs; no MTU of its own (the links beside it fragment, or send frag-needed). Nothing here is
 * shared between NATs, so that they nest: a home NAT behind a carrier's is two nodes on one path.
 *
 * Run-time changes, each traced (nat-changed) before the mappings it ends or moves:
 *   reboot     everything learned is forgotten but ports in quarantine, SYNs and fragments that wait are dropped,
 *              sequential assignment starts again; the random stream goes on
 *   renumber   the same, with other addresses
 *   rebind     mappings change their port in order of creation; no port that one of them left is taken meanwhile.
 *              Explicit ones (nat_explicit.h) stay: their ports were promised
 *   configure  timeouts hold for living mappings from their last refresh on, at once; lower limits bite at the next
 *              birth; mapping behaviour and ports concern new mappings (see nat_mapping.c) */
#include "world/nat.h"

#include "wire/dns64.h"
#include "world/nat_private.h"

static void nat_receive(hp_node *node, unsigned port, hp_packet *p)
{
    hp_nat *nat = (hp_nat *)node;
    if (port == HP_NAT_INSIDE)
        hp_nat_from_inside(nat, p);
    else if (port == HP_NAT_LOCAL)
        hp_nat_send(nat, HP_NAT_INSIDE, p);
    else
        hp_nat_from_outside(nat, p);
}

static void nat_hint(const hp_node *node, unsigned port, const hp_packet *p, hp_hint hint)
{
    const hp_nat *nat = (const hp_nat *)node;
    if (p->proto != HP_PROTO_UDP || p->frag_offset > 0)
        return;
    hp_addr embedded;
    bool embeds = port == HP_NAT_INSIDE && G_UNLIKELY(nat->more_ipv6) && hp_nat64_wants(nat, p) &&
                  hp_dns64_extract(&nat->pref64, &p->dst, &embedded);
    if (port == HP_NAT_INSIDE)
        hp_nat_table_hint(&nat->table, nat->config.mapping, HP_NAT_UDP, &p->src, embeds ? &embedded : &p->dst, hint);
    else
        hp_nat_ports_hint(nat, HP_NAT_UDP, &p->dst, hint);
}

static void nat_free(hp_node *node)
{
    hp_nat *nat = (hp_nat *)node;
    hp_timer_cancel(node->world, &nat->expiry);
    hp_nat_tcp_hold_clear(nat, true);
    hp_nat_quarantine_clear(&nat->quarantine);
    hp_nat_tcp_clear(&nat->tcp);
    hp_nat_fragments_free(nat->fragments);
    g_hash_table_unref(nat->grants);
    hp_nat_hosts_clear(nat);
    hp_nat_table_clear(&nat->table);
    hp_nat_inbound_clear(&nat->inbound);
    hp_nat_pool_clear(&nat->pool);
    g_free(nat->config.blocked);
    g_free(nat->inside);
    hp_node_clear(node);
    g_free(nat);
}

static const hp_node_ops nat_ops = {.kind = "nat", .receive = nat_receive, .hint = nat_hint, .free = nat_free};

static hp_time first_set(hp_time a, hp_time b)
{
    return a ? a : b;
}

/* An own_ enum is UDP's plain one with AS_UDP before it. */
static_assert(HP_NAT_OWN_ADDRESS_AND_PORT_DEPENDENT == HP_NAT_ADDRESS_AND_PORT_DEPENDENT + 1, "in step");
static_assert(HP_NAT_OWN_PORTS_RANDOM == HP_NAT_PORTS_RANDOM + 1, "in step");
static_assert(HP_NAT_OWN_HAIRPIN_EXTERNAL_SOURCE == HP_NAT_HAIRPIN_EXTERNAL_SOURCE + 1, "in step");

static hp_nat_behaviour behaviour(hp_nat_own_behaviour own, hp_nat_behaviour udp)
{
    if (own == HP_NAT_BEHAVIOUR_AS_UDP)
        return udp;
    return (hp_nat_behaviour)(MIN(own, HP_NAT_OWN_ADDRESS_AND_PORT_DEPENDENT) - 1);
}

static hp_nat_ports ports(hp_nat_own_ports own, hp_nat_ports udp)
{
    return own == HP_NAT_PORTS_AS_UDP ? udp : (hp_nat_ports)(own - 1);
}

static bool choice(hp_nat_own_choice own, bool udp)
{
    return own == HP_NAT_CHOICE_AS_UDP ? udp : own == HP_NAT_CHOICE_YES;
}

static void set_policies(hp_nat *nat)
{
    const hp_nat_config *c = &nat->config;
    nat->policy[HP_NAT_UDP] = (hp_nat_policy){.mapping = c->mapping,
                                              .filtering = c->filtering,
                                              .ports = c->ports,
                                              .hairpin = c->hairpin,
                                              .overload = c->overload,
                                              .parity = c->port_parity,
                                              .max_per_host = c->max_udp_per_host};
    nat->policy[HP_NAT_ICMP] = (hp_nat_policy){.mapping = behaviour(c->icmp_mapping, c->mapping),
                                               .filtering = behaviour(c->icmp_filtering, c->filtering),
                                               .ports = ports(c->icmp_ports, c->ports),
                                               .hairpin = c->hairpin,
                                               .overload = c->overload,
                                               .max_per_host = c->max_icmp_per_host};
    nat->policy[HP_NAT_TCP] = (hp_nat_policy){
        .mapping = behaviour(c->tcp_mapping, c->mapping),
        .filtering = behaviour(c->tcp_filtering, c->filtering),
        .ports = ports(c->tcp_ports, c->ports),
        .hairpin = c->tcp_hairpin == HP_NAT_HAIRPIN_AS_UDP ? c->hairpin : (hp_nat_hairpin)(c->tcp_hairpin - 1),
        .overload = choice(c->tcp_overload, c->overload),
        .parity = choice(c->tcp_port_parity, c->port_parity),
        .by_connection = c->tcp_filtering == HP_NAT_OWN_CONNECTION_DEPENDENT,
        .max_per_host = c->max_tcp_per_host};
    nat->tcp_syn = c->tcp_unsolicited_syn;
    if (nat->tcp_syn == HP_NAT_SYN_AS_UDP)
        nat->tcp_syn = c->unsolicited == HP_NAT_UNSOLICITED_ICMP ? HP_NAT_SYN_ICMP : HP_NAT_SYN_DROP;
    nat->tcp_refreshed_by[HP_NAT_INSIDE] = c->tcp_refresh != HP_NAT_TCP_REFRESH_INBOUND;
    nat->tcp_refreshed_by[HP_NAT_OUTSIDE] = c->tcp_refresh != HP_NAT_TCP_REFRESH_OUTBOUND;
}

static void set_timeouts(hp_nat *nat)
{
    const hp_nat_config *c = &nat->config;
    hp_time udp = first_set(c->udp_timeout, 120 * HP_S), opening = first_set(c->tcp_opening_timeout, 240 * HP_S);
    hp_time established = first_set(c->tcp_established_timeout, 7440 * HP_S);
    hp_time fin = first_set(c->tcp_fin_timeout, established), closing = first_set(c->tcp_closing_timeout, 240 * HP_S);

    nat->timeouts[HP_NAT_TIMER_UDP] = udp;
    nat->timeouts[HP_NAT_TIMER_UNREPLIED] = first_set(c->udp_unreplied_timeout, udp);
    nat->timeouts[HP_NAT_TIMER_WELL_KNOWN] = first_set(c->udp_well_known_timeout, udp);
    nat->timeouts[HP_NAT_TIMER_ICMP] = first_set(c->icmp_timeout, 60 * HP_S);
    nat->timeouts[HP_NAT_TIMER_TCP] = HP_NEVER;
    nat->timeouts[HP_NAT_TIMER_EXPLICIT] = HP_NEVER;
    nat->tcp_timeouts[HP_NAT_TCP_OUT_INIT] = opening;
    nat->tcp_timeouts[HP_NAT_TCP_IN_INIT] = opening;
    nat->tcp_timeouts[HP_NAT_TCP_HANDSHAKE] = first_set(c->tcp_handshake_timeout, opening);
    nat->tcp_timeouts[HP_NAT_TCP_PICKED_UP] = first_set(c->tcp_picked_up_timeout, opening);
    nat->tcp_timeouts[HP_NAT_TCP_ESTABLISHED] = established;
    nat->tcp_timeouts[HP_NAT_TCP_FIN] = fin;
    nat->tcp_timeouts[HP_NAT_TCP_HALF_CLOSED] = first_set(c->tcp_half_closed_timeout, fin);
    nat->tcp_timeouts[HP_NAT_TCP_CLOSING] = closing;
    nat->tcp_timeouts[HP_NAT_TCP_TIME_WAIT] = first_set(c->tcp_time_wait_timeout, closing);
    nat->tcp_timeouts[HP_NAT_TCP_TRANS] = first_set(c->tcp_reset_timeout, 240 * HP_S);
}

/* A prefix that embeds nothing turns NAT64 off. */
static void set_ipv6(hp_nat *nat)
{
    hp_nat_config *c = &nat->config;
    nat->pref64 = c->nat64_prefix.base.family == HP_AF_NONE ? hp_dns64_well_known() : c->nat64_prefix;
    c->nat64 = c->nat64 && hp_dns64_prefix_valid(&nat->pref64);
    nat->more_ipv6 = c->nat64 || c->ipv6 != HP_NAT_IPV6_TRANSLATE;
}

static void set_config(hp_nat *nat, const hp_nat_config *given)
{
    hp_nat_config config = *given; /* a copy first: it may be our own that is given */
    hp_port_range *old = nat->config.blocked;

    if (!config.blocked)
        config.n_blocked = 0;
    config.blocked = config.n_blocked ? g_memdup2(config.blocked, config.n_blocked * sizeof *config.blocked) : NULL;
    nat->config = config;
    g_free(old);

    set_policies(nat);
    set_timeouts(nat);
    set_ipv6(nat);
    hp_nat_hosts_decide(nat);
    nat->max_sessions = config.max_sessions_per_mapping ? config.max_sessions_per_mapping : 65536;
    nat->refreshed_by[HP_NAT_INSIDE] = config.refresh != HP_NAT_REFRESH_INBOUND;
    nat->refreshed_by[HP_NAT_OUTSIDE] = config.refresh != HP_NAT_REFRESH_OUTBOUND;
}

hp_nat *hp_nat_new(hp_world *world, const char *name, const hp_nat_config *config)
{
    hp_nat *nat = g_new0(hp_nat, 1);
    g_autofree char *stream = g_strconcat("nat:", name, NULL);
    g_autofree char *in = g_strconcat(name, "/in", NULL);
    g_autofree char *out = g_strconcat(name, "/out", NULL);

    hp_node_init(&nat->node, &nat_ops, world, name);
    hp_world_rng(world, stream, &nat->rng);
    if (hp_world_trace(world)) {
        nat->taps[HP_NAT_INSIDE] = hp_trace_tap(hp_world_trace(world), in);
        nat->taps[HP_NAT_OUTSIDE] = hp_trace_tap(hp_world_trace(world), out);
    }
    hp_timer_init(&nat->expiry, HP_TIMER_NODE, nat->node.id, hp_nat_mapping_expire, nat);
    hp_nat_tcp_hold_init(nat);
    nat->fragments = hp_nat_fragments_new(nat);
    nat->grants = hp_nat_grants_new();
    set_config(nat, config);
    return nat;
}

hp_node *hp_nat_node(hp_nat *nat)
{
    return &nat->node;
}

static void changed(const hp_nat *nat, const char *what)
{
    hp_trace_event(hp_world_trace(nat->node.world), hp_world_now(nat->node.world), HP_EV_NAT_CHANGED, nat->node.name,
                   HP_FS("what", what));
}

static void forget_everything(hp_nat *nat, hp_nat_end why)
{
    hp_nat_mapping_end_all(nat, why);
    hp_nat_inbound_clear(&nat->inbound);
    hp_nat_tcp_hold_clear(nat, false);
    hp_nat_fragments_flush(nat->fragments, false);
    hp_nat_hosts_clear(nat);
    hp_nat_pool_reset(nat);
}

void hp_nat_set_external(hp_nat *nat, const hp_addr *addrs, size_t n)
{
    forget_everything(nat, HP_NAT_END_RENUMBER);
    hp_nat_quarantine_clear(&nat->quarantine);
    hp_nat_pool_set(nat, addrs, n);
}

void hp_nat_set_internal(hp_nat *nat, const hp_addr *addr)
{
    if (addr->family == HP_AF_NONE)
        nat->internal[0] = nat->internal[1] = *addr;
    else
        nat->internal[hp_nat_family(addr)] = hp_addr_with_port(*addr, 0);
}

void hp_nat_add_inside_prefix(hp_nat *nat, const hp_prefix *prefix)
{
    nat->inside = g_renew(hp_prefix, nat->inside, nat->n_inside + 1);
    nat->inside[nat->n_inside++] = *prefix;
}

bool hp_nat_set_external_prefix(hp_nat *nat, const hp_prefix *inside, const hp_prefix *outside)
{
    return hp_npt_init(&nat->npt, inside, outside);
}

void hp_nat_reboot(hp_nat *nat)
{
    changed(nat, "reboot");
    forget_everything(nat, HP_NAT_END_REBOOT);
}

void hp_nat_renumber(hp_nat *nat, const hp_addr *addrs, size_t n)
{
    changed(nat, "renumber");
    hp_nat_set_external(nat, addrs, n);
}

typedef struct left_port {
    hp_nat_proto proto;
    uint16_t external, port;
} left_port;

unsigned hp_nat_rebind(hp_nat *nat, const hp_addr *inside_ip)
{
    const hp_nat_table *t = &nat->table;
    g_autoptr(GArray) ids = g_array_new(FALSE, FALSE, sizeof(uint32_t));
    g_autoptr(GArray) left = g_array_new(FALSE, FALSE, sizeof(left_port));

    changed(nat, "rebind");
    for (uint32_t id = t->by_creation.next; id; id = hp_nat_cold(t, id)->by_creation.next) {
        if ((!inside_ip || hp_addr_same_ip(&hp_nat_hot(t, id)->internal, inside_ip)) && !hp_nat_is_explicit(t, id))
            g_array_append_val(ids, id);
    }
    for (unsigned i = 0; i < ids->len; i++) {
        uint32_t id = g_array_index(ids, uint32_t, i);
        const hp_nat_mapping *m = hp_nat_hot(t, id);
        left_port port = {.proto = (hp_nat_proto)m->proto, .external = m->external, .port = m->port};
        if (hp_nat_mapping_rebind(nat, id))
            g_array_append_val(left, port);
    }
    for (unsigned i = 0; i < left->len; i++) {
        const left_port *port = &g_array_index(left, left_port, i);
        hp_nat_ports_release(nat, port->proto, port->external, port->port);
    }
    hp_nat_mapping_rearm(nat);
    return left->len;
}

void hp_nat_configure(hp_nat *nat, const hp_nat_config *config, const char *what)
{
    hp_nat_table *t = &nat->table;
    bool tracks_inbound = config->inbound_first, overloaded[HP_NAT_N_PROTOS];
    for (unsigned proto = 0; proto < HP_NAT_N_PROTOS; proto++)
        overloaded[proto] = nat->policy[proto].overload;

    changed(nat, what ? what : "configure");
    set_config(nat, config);
    for (uint32_t id = t->by_creation.next; id; id = hp_nat_cold(t, id)->by_creation.next) {
        const hp_nat_mapping *m = hp_nat_hot(t, id);
        if (nat->policy[m->proto].overload && !overloaded[m->proto] && m->kind != HP_NAT_ENDPOINT_INDEPENDENT &&
            !(m->flags & HP_NAT_TUPLED))
            hp_nat_tuple_add(t, id);
    }
    hp_nat_hosts_rebuild(nat);
    if (!tracks_inbound)
        hp_nat_inbound_clear(&nat->inbound);
    hp_nat_mapping_rearm(nat);
    hp_nat_tcp_hold_rearm(nat);
}

const hp_nat_config *hp_nat_get_config(const hp_nat *nat)
{
    return &nat->config;
}

hp_nat_stats hp_nat_get_stats(const hp_nat *nat)
{
    hp_nat_stats stats = nat->stats;
    stats.mappings = nat->table.n;
    stats.tcp_sessions = nat->tcp.index.count;
    return stats;
}

size_t hp_nat_memory(const hp_nat *nat)
{
    return hp_nat_table_memory(&nat->table) + hp_nat_pool_memory(&nat->pool) + hp_nat_hosts_memory(nat) +
           hp_nat_inbound_memory(&nat->inbound) + hp_nat_fragments_memory(nat->fragments) +
           hp_nat_tcp_memory(&nat->tcp) + hp_nat_quarantine_memory(&nat->quarantine) + hp_nat_tcp_hold_memory(nat) +
           hp_nat_grants_memory(nat);
}

bool hp_nat_lookup(const hp_nat *nat, uint8_t proto, const hp_addr *internal, const hp_addr *remote, hp_addr *ret)
{
    bool udp = proto == HP_PROTO_UDP, tcp = proto == HP_PROTO_TCP;
    if (!udp && !tcp && proto != HP_PROTO_ICMP && proto != HP_PROTO_ICMPV6)
        return false;
    hp_addr any = {.family = internal->family};
    hp_addr to = !remote ? any : udp || tcp ? *remote : hp_addr_with_port(*remote, 0);
    hp_nat_proto of = udp ? HP_NAT_UDP : tcp ? HP_NAT_TCP : HP_NAT_ICMP;
    uint32_t id = hp_nat_mapping_find(nat, of, internal, &to);
    if (!id && !remote) {
        any.family = HP_AF_IPV4;
        id = hp_nat_mapping_find(nat, of, internal, &any);
    }
    if (!id)
        return false;
    *ret = hp_nat_mapping_external(nat, id);
    return true;
}

const char *hp_nat_tcp_state_of(const hp_nat *nat, const hp_addr *internal, const hp_addr *remote)
{
    uint32_t session = hp_nat_tcp_find(&nat->tcp, internal, remote);
    return session ? hp_nat_tcp_state_name(nat->tcp.records[session].state) : NULL;
}
