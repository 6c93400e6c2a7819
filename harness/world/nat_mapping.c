/* Births, refreshes and ends of mappings: the verbs of the life told in nat_table.h.
 *
 * Finding. With one kind of mapping alive, that is one lookup. Several kinds are alive after the mapping behaviour was
 * changed at run time, or beside inbound-first state; then the narrowest kind that fits serves the packet, and a
 * mapping of another kind than the present setting goes on only for remotes it already knows: flows under way are not
 * torn, new ones obey the new knobs. An explicit mapping (nat_explicit.h) serves every remote that no narrower one
 * does.
 *
 * Timers (RFC 4787 section 4.3). Which timeout holds is settled by the packet that last refreshed the mapping: to or
 * from a remote port below 1024 the well-known timeout, if one is set; else the ordinary one once a packet was let in,
 * until then the unreplied one. A packet that is dropped, filtered or out of TTL refreshes nothing, nor does an ICMP
 * error (RFC 5508 REQ-6). A packet that arrives at the very instant of expiry still counts, because links deliver
 * before NATs act on their deadlines. Expiry is exact; of mappings that end at one instant, the order is: by timer (as
 * in hp_nat_timer), by last refresh, by id; TCP's sessions after them;
 * those past max_lifetime last, oldest first.
 *
 * TCP mappings have no timeout of their own: they end with their last session (nat_tcp_session.c). Sessions that expire
 * at an instant do so after the other timers, by state as in hp_nat_tcp_state, then by last refresh.
 *
 * Limits (RFC 6888 REQ-4, REQ-5): the inside host's for the protocol is looked at before its limit for all, and that
 * before the table's. "Least recent" means least
 * recently refreshed. */
#include "world/nat_private.h"

static const char *const end_names[] = {"expired",  "lifetime", "evicted", "reboot",   "rebind",
                                        "renumber", "icmp",     "reset",   "unmapped", "replaced"};
static_assert(G_N_ELEMENTS(end_names) == HP_NAT_N_ENDS, "one name an end");

static const char *const proto_names[] = {"udp", "icmp", "tcp"};
static_assert(G_N_ELEMENTS(proto_names) == HP_NAT_N_PROTOS, "one name a protocol");

hp_addr hp_nat_mapping_external(const hp_nat *nat, uint32_t id)
{
    const hp_nat_mapping *m = hp_nat_hot(&nat->table, id);
    return hp_addr_with_port(nat->pool.externals[m->external].addr, m->port);
}

static void trace_birth(const hp_nat *nat, uint32_t id, const hp_addr *remote)
{
    hp_trace *trace = hp_world_trace(nat->node.world);
    if (!trace)
        return;
    const hp_nat_mapping *m = hp_nat_hot(&nat->table, id);
    hp_addr none = {0}; /* for anybody: nat_explicit.c */
    remote = hp_addr_is_unspecified(remote) ? &none : remote;
    hp_trace_event(trace, hp_world_now(nat->node.world), HP_EV_NAT_MAPPING, nat->node.name,
                   HP_FS("proto", proto_names[m->proto]), HP_FA("internal", m->internal),
                   HP_FA("external", hp_nat_mapping_external(nat, id)), HP_FA("remote", *remote));
}

static void trace_end(const hp_nat *nat, uint32_t id, hp_nat_end why)
{
    hp_trace *trace = hp_world_trace(nat->node.world);
    if (!trace)
        return;
    const hp_nat_mapping *m = hp_nat_hot(&nat->table, id);
    hp_time now = hp_world_now(nat->node.world);
    hp_trace_event(trace, now, HP_EV_NAT_MAPPING_ENDED, nat->node.name, HP_FS("proto", proto_names[m->proto]),
                   HP_FA("internal", m->internal), HP_FA("external", hp_nat_mapping_external(nat, id)),
                   HP_FS("reason", end_names[why]), HP_FT("age", now - hp_nat_cold(&nat->table, id)->created));
}

/* ---- deadlines ---- */

/* max_lifetime is no matter of explicit mappings: the oldest other one. */
static uint32_t oldest_implicit(const hp_nat_table *t)
{
    uint32_t id = t->by_creation.next;
    while (id && hp_nat_is_explicit(t, id))
        id = hp_nat_cold(t, id)->by_creation.next;
    return id;
}

static hp_time earliest(const hp_nat *nat)
{
    const hp_nat_table *t = &nat->table;
    hp_time at = HP_NEVER;
    for (unsigned timer = 0; timer < HP_NAT_N_TIMERS; timer++)
        at = MIN(at, hp_time_add(hp_nat_timer_bound(t, (hp_nat_timer)timer), nat->timeouts[timer]));
    at = MIN(at, hp_nat_tcp_earliest(nat));
    uint32_t oldest = nat->config.max_lifetime ? oldest_implicit(t) : 0;
    if (oldest)
        at = MIN(at, hp_time_add(hp_nat_cold(t, oldest)->created, nat->config.max_lifetime));
    return at;
}

void hp_nat_mapping_rearm(hp_nat *nat)
{
    hp_timer_arm(nat->node.world, &nat->expiry, earliest(nat));
}

void hp_nat_mapping_expire(void *owner, hp_time now)
{
    hp_nat *nat = owner;
    hp_nat_table *t = &nat->table;

    for (unsigned timer = 0; timer < HP_NAT_N_TIMERS; timer++) {
        while (hp_time_add(hp_nat_timer_bound(t, (hp_nat_timer)timer), nat->timeouts[timer]) <= now) {
            uint32_t id = hp_nat_timer_first(t, (hp_nat_timer)timer);
            if (!id || hp_time_add(hp_nat_hot(t, id)->refreshed, nat->timeouts[timer]) > now)
                break;
            hp_nat_mapping_end(nat, id, HP_NAT_END_EXPIRED);
        }
    }
    hp_nat_tcp_expire(nat, now);
    for (uint32_t id; nat->config.max_lifetime && (id = oldest_implicit(t)) != 0;) {
        if (hp_time_add(hp_nat_cold(t, id)->created, nat->config.max_lifetime) > now)
            break;
        hp_nat_mapping_end(nat, id, HP_NAT_END_LIFETIME);
    }
    hp_nat_mapping_rearm(nat);
}

static hp_nat_timer timer_for(const hp_nat *nat, const hp_nat_mapping *m, uint16_t remote_port)
{
    if (m->timer == HP_NAT_TIMER_EXPLICIT)
        return HP_NAT_TIMER_EXPLICIT;
    if (m->proto != HP_NAT_UDP)
        return m->proto == HP_NAT_TCP ? HP_NAT_TIMER_TCP : HP_NAT_TIMER_ICMP;
    if (remote_port < 1024 && nat->config.udp_well_known_timeout)
        return HP_NAT_TIMER_WELL_KNOWN;
    return m->flags & HP_NAT_REPLIED ? HP_NAT_TIMER_UDP : HP_NAT_TIMER_UNREPLIED;
}

void hp_nat_mapping_refresh(hp_nat *nat, uint32_t id, unsigned side, uint16_t remote_port)
{
    hp_nat_mapping *m = hp_nat_hot(&nat->table, id);
    hp_nat_timer timer = (hp_nat_timer)m->timer;

    if (side == HP_NAT_OUTSIDE)
        m->flags |= HP_NAT_REPLIED;
    if (nat->refreshed_by[side]) {
        m->refreshed = hp_world_now(nat->node.world);
        timer = timer_for(nat, m, remote_port);
    } else if (timer == HP_NAT_TIMER_UNREPLIED && m->flags & HP_NAT_REPLIED) {
        timer = HP_NAT_TIMER_UDP;
    }
    if (timer != m->timer) {
        hp_nat_timer_change(&nat->table, id, timer);
        hp_nat_mapping_arm_no_later(nat, hp_time_add(m->refreshed, nat->timeouts[timer]));
    }
}

/* ---- ends ---- */

void hp_nat_mapping_end(hp_nat *nat, uint32_t id, hp_nat_end why)
{
    trace_end(nat, id, why);
    if (why == HP_NAT_END_EXPIRED || why == HP_NAT_END_LIFETIME)
        nat->stats.expired++;
    else if (why == HP_NAT_END_EVICTED)
        nat->stats.evicted++;
    uint32_t host = hp_nat_cold(&nat->table, id)->host;
    if (hp_nat_is_explicit(&nat->table, id))
        hp_nat_grants_forget(nat, id);
    hp_nat_tcp_end_all(nat, id);
    hp_nat_ports_unlink(nat, id, false);
    hp_nat_hosts_detach(nat, id);
    hp_nat_hosts_settle(nat, host);
    hp_nat_table_remove(&nat->table, id);
    if (nat->table.n == 0)
        hp_timer_cancel(nat->node.world, &nat->expiry);
}

void hp_nat_mapping_end_all(hp_nat *nat, hp_nat_end why)
{
    while (nat->table.by_creation.next)
        hp_nat_mapping_end(nat, nat->table.by_creation.next, why);
    hp_nat_table_clear(&nat->table);
    hp_nat_tcp_clear(&nat->tcp);
}

/* ---- limits ---- */

static uint32_t least_recent_of_all(hp_nat *nat)
{
    uint32_t best = 0;
    for (unsigned timer = 0; timer < HP_NAT_N_TIMERS; timer++) {
        uint32_t id = timer == HP_NAT_TIMER_EXPLICIT ? 0 : hp_nat_timer_first(&nat->table, (hp_nat_timer)timer);
        if (id && (!best || hp_nat_hot(&nat->table, id)->refreshed < hp_nat_hot(&nat->table, best)->refreshed))
            best = id;
    }
    return best;
}

/* The oldest or the least recent mapping of a host, of one protocol or (HP_NAT_N_PROTOS) of all. */
static uint32_t victim_of_host(const hp_nat *nat, uint32_t host, hp_nat_proto proto, bool least_recent)
{
    uint32_t best = 0;
    for (uint32_t id = nat->hosts.records[host].oldest; id; id = hp_nat_cold(&nat->table, id)->by_host.next) {
        const hp_nat_mapping *m = hp_nat_hot(&nat->table, id);
        if ((proto != HP_NAT_N_PROTOS && m->proto != proto) || m->timer == HP_NAT_TIMER_EXPLICIT)
            continue;
        if (!best || m->refreshed < hp_nat_hot(&nat->table, best)->refreshed)
            best = id;
        if (!least_recent)
            break;
    }
    return best;
}

/* Which mapping gives way; 0 when none does. An explicit one never does. */
static uint32_t victim(hp_nat *nat, uint32_t host, hp_nat_proto proto)
{
    bool least_recent = nat->config.eviction == HP_NAT_EVICT_LEAST_RECENT;
    if (nat->config.eviction == HP_NAT_EVICT_REFUSE)
        return 0;
    if (host)
        return victim_of_host(nat, host, proto, least_recent);
    return least_recent ? least_recent_of_all(nat) : oldest_implicit(&nat->table);
}

/* RFC 6888 REQ-11b, RFC 5508 REQ-8: tell the host that its flow cannot be had. */
static hp_icmp_kind regret(const hp_nat *nat)
{
    return nat->config.answers_blocked ? HP_ICMP_HOST_UNREACHABLE : HP_ICMP_NONE;
}

static bool make_room(hp_nat *nat, uint32_t host, hp_nat_proto proto, hp_nat_verdict *v)
{
    uint32_t id, max = nat->policy[proto].max_per_host;
    while (host && max && nat->hosts.records[host].n_of[proto] >= max) {
        if ((id = victim(nat, host, proto)) == 0)
            return hp_nat_refuse(v, HP_DROP_NAT_LIMIT, "the host's share of that protocol is used up", regret(nat));
        hp_nat_mapping_end(nat, id, HP_NAT_END_EVICTED);
    }
    while (host && nat->config.max_mappings_per_host &&
           nat->hosts.records[host].n >= nat->config.max_mappings_per_host) {
        if ((id = victim(nat, host, HP_NAT_N_PROTOS)) == 0)
            return hp_nat_refuse(v, HP_DROP_NAT_LIMIT, "the host's share is used up", regret(nat));
        hp_nat_mapping_end(nat, id, HP_NAT_END_EVICTED);
    }
    while (nat->config.max_mappings && nat->table.n >= nat->config.max_mappings) {
        if ((id = victim(nat, 0, HP_NAT_N_PROTOS)) == 0)
            return hp_nat_refuse(v, HP_DROP_NAT_LIMIT, "the table is full", regret(nat));
        hp_nat_mapping_end(nat, id, HP_NAT_END_EVICTED);
    }
    return true;
}

/* ---- births ---- */

uint32_t hp_nat_mapping_find(const hp_nat *nat, hp_nat_proto proto, const hp_addr *internal, const hp_addr *remote)
{
    const hp_nat_table *t = &nat->table;
    const uint32_t *n_of_kind = t->n_of_kind[proto];
    for (unsigned kind = HP_NAT_N_KINDS; kind-- > 0;) {
        if (n_of_kind[kind] == 0)
            continue;
        uint32_t id = hp_nat_table_find(t, (hp_nat_behaviour)kind, proto, internal, remote);
        if (id && (kind == nat->policy[proto].mapping || hp_nat_is_explicit(t, id) ||
                   hp_nat_session_has(t, id, HP_NAT_ADDRESS_AND_PORT_DEPENDENT, remote)))
            return id;
    }
    return 0;
}

/* wish: of an explicit mapping; else NULL. */
static uint32_t create(hp_nat *nat, hp_nat_behaviour kind, hp_nat_proto proto, const hp_addr *internal,
                       const hp_addr *remote, const hp_nat_wish *wish, hp_nat_verdict *v)
{
    hp_time now = hp_world_now(nat->node.world);
    hp_nat_want want = {.proto = proto, .kind = kind, .internal = *internal, .remote = *remote};
    hp_nat_mapping m = {.internal = *internal,
                        .remote = *remote,
                        .n_sessions = 1,
                        .refreshed = now,
                        .proto = (uint8_t)proto,
                        .kind = (uint8_t)kind};

    want.host = hp_nat_hosts_get(nat, internal, remote);
    if (!make_room(nat, want.host, proto, v))
        return 0;
    bool granted = wish && wish->external.port && hp_nat_ports_try(nat, &want, &wish->external, &m.external, &m.port);
    if (!granted && wish && wish->external.port && !wish->exact) { /* at another address, rather than another port */
        hp_addr elsewhere = {.port = wish->external.port};
        granted = hp_nat_ports_try(nat, &want, &elsewhere, &m.external, &m.port);
    }
    if (!granted && ((wish && wish->exact) || !hp_nat_ports_find(nat, &want, &m.external, &m.port))) {
        hp_nat_refuse(v, HP_DROP_NAT_NO_PORT, NULL, regret(nat));
        return 0;
    }
    m.timer = wish ? HP_NAT_TIMER_EXPLICIT : (uint8_t)timer_for(nat, &m, remote->port);
    uint32_t id = hp_nat_table_add(&nat->table, &m, now);
    if (!id) {
        hp_nat_refuse(v, HP_DROP_NAT_LIMIT, "no NAT has so many mappings", regret(nat));
        return 0;
    }
    hp_nat_ports_link(nat, id);
    hp_nat_hosts_attach(nat, want.host, id);
    nat->stats.created++;
    nat->stats.mappings_peak = MAX(nat->stats.mappings_peak, nat->table.n);
    hp_time deadline = hp_time_add(now, nat->timeouts[m.timer]);
    if (nat->config.max_lifetime && !wish)
        deadline = MIN(deadline, hp_time_add(now, nat->config.max_lifetime));
    hp_nat_mapping_arm_no_later(nat, deadline);
    trace_birth(nat, id, remote);
    return id;
}

uint32_t hp_nat_mapping_get(hp_nat *nat, hp_nat_proto proto, const hp_addr *internal, const hp_addr *remote,
                            bool *ret_created, hp_nat_verdict *v)
{
    uint32_t id = hp_nat_mapping_find(nat, proto, internal, remote);
    hp_nat_behaviour kind = HP_NAT_ADDRESS_AND_PORT_DEPENDENT;

    *ret_created = false;
    if (id) {
        const hp_nat_mapping *m = hp_nat_hot(&nat->table, id);
        if (hp_addr_equal(&m->remote, remote) ||
            hp_nat_session_has(&nat->table, id, HP_NAT_ADDRESS_AND_PORT_DEPENDENT, remote))
            return id;
        if (proto != HP_NAT_UDP || !hp_nat_inbound_holds(nat, m->external, m->port, remote)) {
            hp_nat_session_add(&nat->table, id, remote, nat->max_sessions);
            return id;
        }
        /* An unsolicited packet holds this flow's tuple: the flow alone moves to a port of its own. */
    } else {
        kind = nat->policy[proto].mapping;
    }
    id = create(nat, kind, proto, internal, remote, NULL, v);
    *ret_created = id != 0;
    return id;
}

uint32_t hp_nat_mapping_make(hp_nat *nat, hp_nat_behaviour kind, hp_nat_proto proto, const hp_addr *internal,
                             const hp_addr *remote, const hp_nat_wish *wish, hp_nat_verdict *v)
{
    return create(nat, kind, proto, internal, remote, wish, v);
}

void hp_nat_mapping_set_explicit(hp_nat *nat, uint32_t id, bool is_explicit)
{
    hp_nat_mapping *m = hp_nat_hot(&nat->table, id);
    hp_nat_timer timer = HP_NAT_TIMER_EXPLICIT;

    if (!is_explicit) {
        hp_nat_mapping as_implicit = *m;
        as_implicit.timer = HP_NAT_TIMER_UDP;
        timer = timer_for(nat, &as_implicit, UINT16_MAX);
    }
    if (timer == m->timer)
        return;
    hp_nat_timer_change(&nat->table, id, timer);
    hp_nat_mapping_rearm(nat);
}

void hp_nat_mapping_move(hp_nat *nat, uint32_t id, uint16_t external, uint16_t port, bool reserve)
{
    hp_nat_mapping *m = hp_nat_hot(&nat->table, id);
    uint32_t host = hp_nat_cold(&nat->table, id)->host;
    hp_addr remote = m->remote;

    trace_end(nat, id, HP_NAT_END_REBIND);
    hp_nat_ports_unlink(nat, id, reserve);
    m->external = external;
    m->port = port;
    hp_nat_ports_link(nat, id);
    hp_nat_table_renew(&nat->table, id, hp_world_now(nat->node.world));
    hp_nat_hosts_detach(nat, id);
    hp_nat_hosts_attach(nat, host, id);
    trace_birth(nat, id, &remote);
}

bool hp_nat_mapping_rebind(hp_nat *nat, uint32_t id)
{
    const hp_nat_mapping *m = hp_nat_hot(&nat->table, id);
    uint32_t host = hp_nat_cold(&nat->table, id)->host;
    hp_nat_want want = {.proto = (hp_nat_proto)m->proto,
                        .kind = (hp_nat_behaviour)m->kind,
                        .internal = m->internal,
                        .remote = m->remote,
                        .host = host,
                        .rebind = id};
    uint16_t external, port;

    if (!hp_nat_ports_find(nat, &want, &external, &port))
        return false;
    hp_nat_mapping_move(nat, id, external, port, true);
    return true;
}
