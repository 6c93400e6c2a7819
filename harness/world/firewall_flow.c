/* Flows: what a packet is one of, births, refreshing, ends, and what the inside has opened.
 *
 * Openings: where filtering is not address-and-port-dependent, a flow in which a packet went out opens its inside end
 * to others: to every port of that outside address, or to anyone. How many flows keep an opening open is counted under
 * (protocol, inside end, outside address or nothing); it closes with the last of them. A packet that comes in through
 * an opening begins a flow of its own, which opens nothing until the inside answers. A closed TCP connection opens
 * nothing any more. The flows of an inside address are counted in the same table, while there is a limit to them.
 *
 * An echo request's id stands in the place of its sender's port, so that a request from outside is never taken for the
 * answer to one from inside with the same id. Protocols without ports have flows between addresses (REC-25 wants that
 * of ESP). */
#include <string.h>

#include "world/firewall_private.h"

enum { WELL_KNOWN_PORTS = 1024 };

/* How many flows keep an end open, or belong to a host. */
typedef enum tally_kind { OPENING, HOST } tally_kind;

typedef struct hp_firewall_tally {
    hp_addr inside, outside; /* outside: family none, or port 0; of a host, both ports are */
    uint8_t proto, kind, zero[2];
    uint32_t n; /* not part of the key */
} tally;
static_assert(offsetof(tally, n) == 44, "what lies before is compared as bytes: no padding");

/* ---- keys ---- */

bool hp_firewall_key(unsigned side, const hp_packet *p, hp_flow_key *ret)
{
    bool out = side == HP_FIREWALL_INSIDE;
    hp_addr src = p->src, dst = p->dst;
    uint8_t proto = p->proto;

    if (p->frag_offset > 0) {
        return false;
    }
    if (hp_packet_is_icmp(p)) {
        bool request = p->icmp_kind == HP_ICMP_ECHO_REQUEST;
        if (!request && p->icmp_kind != HP_ICMP_ECHO_REPLY) {
            return false;
        }
        src.port = request ? p->src.port : 0;
        dst.port = request ? 0 : p->dst.port;
        proto = HP_PROTO_ICMP;
    } else if (proto != HP_PROTO_UDP && proto != HP_PROTO_TCP) {
        src.port = dst.port = 0;
    }
    *ret = (hp_flow_key){.inside = out ? src : dst, .outside = out ? dst : src, .proto = proto};
    return true;
}

/* ---- tallies ---- */

static guint tally_hash(gconstpointer p)
{
    const tally *t = p;
    uint64_t h = hp_addr_hash(&t->inside) + hp_addr_hash(&t->outside) * 31 + t->proto + (uint64_t)t->kind * 256;
    return (guint)((h ^ h >> 32) * UINT64_C(0xd6e8feb86659fd93) >> 32);
}

static gboolean tally_equal(gconstpointer a, gconstpointer b)
{
    return memcmp(a, b, offsetof(tally, n)) == 0;
}

static void count_up(hp_firewall *fw, const tally *key)
{
    tally *present = g_hash_table_lookup(fw->tallies, key);
    if (present == NULL) {
        present = g_memdup2(key, sizeof *key);
        present->n = 0;
        g_hash_table_add(fw->tallies, present);
    }
    present->n++;
}

/* It was counted up before. */
static void count_down(hp_firewall *fw, const tally *key)
{
    tally *present = g_hash_table_lookup(fw->tallies, key);
    if (--present->n == 0) {
        g_hash_table_remove(fw->tallies, present);
    }
}

static tally host_of(const hp_addr *inside)
{
    return (tally){.inside = hp_addr_with_port(*inside, 0), .kind = HOST};
}

/* ---- openings ---- */

/* False where flows of that kind open nothing. */
static bool opening_of(const hp_firewall *fw, const hp_addr *inside, const hp_addr *outside, uint8_t proto, tally *ret)
{
    bool tcp = proto == HP_PROTO_TCP;
    if (proto == HP_PROTO_ICMP) {
        return false;
    }
    *ret = (tally){.inside = *inside, .proto = proto};
    switch (tcp ? fw->config.tcp_filtering : fw->config.filtering) {
    case HP_FIREWALL_ADDRESS_AND_PORT_DEPENDENT:
        return false;
    case HP_FIREWALL_ADDRESS_DEPENDENT:
        ret->outside = hp_addr_with_port(*outside, 0);
        return true;
    case HP_FIREWALL_ENDPOINT_INDEPENDENT:
        return true;
    }
    return false;
}

bool hp_firewall_is_open(const hp_firewall *fw, const hp_flow_key *key)
{
    tally wanted;
    return opening_of(fw, &key->inside, &key->outside, key->proto, &wanted) &&
           g_hash_table_contains(fw->tallies, &wanted);
}

static void close_opening(hp_firewall *fw, hp_flow *flow)
{
    tally wanted;
    if ((flow->flags & HP_FLOW_OPENS) == 0) {
        return;
    }
    flow->flags &= (uint8_t)~HP_FLOW_OPENS;
    opening_of(fw, &flow->inside, &flow->outside, flow->proto, &wanted);
    count_down(fw, &wanted);
}

/* Opens for the flow, if it should, and has not; closes, if it should not any more. */
static void set_opening(hp_firewall *fw, hp_flow *flow)
{
    tally wanted;
    bool closed = flow->proto == HP_PROTO_TCP && hp_firewall_tcp_is_closed(flow->tcp);
    bool opens = (flow->flags & HP_FLOW_OUT) != 0 && !closed;

    if (!opens) {
        close_opening(fw, flow);
        return;
    }
    if ((flow->flags & HP_FLOW_OPENS) != 0 || !opening_of(fw, &flow->inside, &flow->outside, flow->proto, &wanted)) {
        return;
    }
    count_up(fw, &wanted);
    flow->flags |= HP_FLOW_OPENS;
}

/* ---- expiry ---- */

static void arm(hp_firewall *fw)
{
    hp_time first = HP_NEVER;
    for (unsigned i = 0; i < HP_FLOW_N_TIMERS; i++) {
        first = MIN(first, hp_time_add(hp_flow_bound(&fw->flows, i), fw->timeouts[i]));
    }
    if (first != fw->expiry.at || !hp_timer_is_armed(&fw->expiry)) {
        hp_timer_arm(fw->node.world, &fw->expiry, first);
    }
}

static void on_expiry(void *owner, hp_time now)
{
    hp_firewall *fw = owner;
    for (unsigned i = 0; i < HP_FLOW_N_TIMERS; i++) {
        for (uint32_t id; hp_time_add(hp_flow_bound(&fw->flows, i), fw->timeouts[i]) <= now;) {
            id = hp_flow_first(&fw->flows, i);
            if (hp_time_add(hp_flow_at(&fw->flows, id)->refreshed, fw->timeouts[i]) > now) {
                break;
            }
            fw->stats.expired++;
            hp_firewall_end(fw, id);
        }
    }
    arm(fw);
}

/* ---- life ---- */

static uint32_t next_to_expire(hp_firewall *fw)
{
    uint32_t best = 0;
    hp_time when = HP_NEVER;
    for (unsigned i = 0; i < HP_FLOW_N_TIMERS; i++) {
        uint32_t id = hp_flow_first(&fw->flows, i);
        hp_time at = id != 0 ? hp_time_add(hp_flow_at(&fw->flows, id)->refreshed, fw->timeouts[i]) : HP_NEVER;
        if (id != 0 && (best == 0 || at < when)) {
            best = id;
            when = at;
        }
    }
    return best;
}

static bool no_room(hp_firewall *fw, hp_firewall_verdict *v, const char *detail)
{
    fw->stats.limit_drops++;
    *v = (hp_firewall_verdict){.reason = HP_DROP_NAT_LIMIT, .detail = detail};
    return false;
}

static bool make_room(hp_firewall *fw, const tally *host, hp_firewall_verdict *v)
{
    const hp_firewall_config *c = &fw->config;

    if (c->max_flows_per_host != 0) {
        const tally *present = g_hash_table_lookup(fw->tallies, host);
        if (present != NULL && present->n >= c->max_flows_per_host) {
            return no_room(fw, v, "the host has as many flows as it may");
        }
    }
    if (c->max_flows != 0 && fw->flows.n >= c->max_flows) {
        if (!c->evicts) {
            return no_room(fw, v, "the firewall's table is full");
        }
        fw->stats.evicted++;
        hp_firewall_end(fw, next_to_expire(fw));
    }
    return true;
}

static hp_flow_timer first_timer(uint8_t proto)
{
    return proto == HP_PROTO_UDP    ? HP_FLOW_UDP_UNREPLIED
           : proto == HP_PROTO_TCP  ? HP_FLOW_TCP_TRANSITORY
           : proto == HP_PROTO_ICMP ? HP_FLOW_ICMP
                                    : HP_FLOW_OTHER;
}

uint32_t hp_firewall_begin(hp_firewall *fw, const hp_flow_key *key, hp_firewall_verdict *v)
{
    tally host = host_of(&key->inside);
    if (!make_room(fw, &host, v)) {
        return 0;
    }
    uint32_t id = hp_flow_add(&fw->flows, key, hp_firewall_now(fw), first_timer(key->proto));
    if (fw->config.max_flows_per_host != 0) {
        count_up(fw, &host);
    }
    fw->stats.created++;
    fw->stats.flows_peak = MAX(fw->stats.flows_peak, fw->flows.n);
    arm(fw);
    return id;
}

static hp_flow_timer udp_timer(const hp_firewall *fw, const hp_flow *flow)
{
    bool replied = (flow->flags & (HP_FLOW_OUT | HP_FLOW_IN)) == (HP_FLOW_OUT | HP_FLOW_IN);
    bool well_known = flow->inside.port < WELL_KNOWN_PORTS || flow->outside.port < WELL_KNOWN_PORTS;
    if (!replied && (fw->config.udp_unreplied_timeout != 0 || !well_known)) {
        return HP_FLOW_UDP_UNREPLIED;
    }
    return well_known ? HP_FLOW_UDP_WELL_KNOWN : HP_FLOW_UDP;
}

void hp_firewall_take_note(hp_firewall *fw, uint32_t id, unsigned side, const hp_packet *p)
{
    hp_flow *flow = hp_flow_at(&fw->flows, id);
    uint8_t direction = side == HP_FIREWALL_INSIDE ? HP_FLOW_OUT : HP_FLOW_IN;
    hp_flow_timer timer = (hp_flow_timer)flow->timer;
    bool is_news = (flow->flags & direction) == 0;
    bool refreshes = direction == HP_FLOW_OUT || !fw->config.inbound_keeps_silent;

    flow->flags |= direction;
    if (flow->proto == HP_PROTO_TCP) {
        uint8_t before = flow->tcp;
        flow->tcp = hp_firewall_tcp_next(before, side, p, &timer);
        refreshes = !hp_firewall_tcp_is_closed(before);
        is_news = is_news || flow->tcp != before;
    } else if (flow->proto == HP_PROTO_UDP) {
        timer = udp_timer(fw, flow);
    }
    if (refreshes) {
        flow->refreshed = hp_firewall_now(fw);
    }
    if (is_news) {
        set_opening(fw, flow);
    }
    if (timer != (hp_flow_timer)flow->timer) {
        hp_flow_set_timer(&fw->flows, id, timer);
        arm(fw);
    }
}

void hp_firewall_end(hp_firewall *fw, uint32_t id)
{
    hp_flow *flow = hp_flow_at(&fw->flows, id);

    close_opening(fw, flow);
    if (fw->config.max_flows_per_host != 0) {
        tally host = host_of(&flow->inside);
        count_down(fw, &host);
    }
    hp_flow_remove(&fw->flows, id);
}

void hp_firewall_end_all(hp_firewall *fw)
{
    g_hash_table_remove_all(fw->tallies);
    hp_flow_table_clear(&fw->flows);
    arm(fw);
}

void hp_firewall_recount(hp_firewall *fw)
{
    g_hash_table_remove_all(fw->tallies);
    for (uint32_t id = 1; id <= fw->flows.last_id; id++) {
        hp_flow *flow = hp_flow_at(&fw->flows, id);
        if (flow->inside.family == HP_AF_NONE) {
            continue;
        }
        flow->flags &= (uint8_t)~HP_FLOW_OPENS;
        set_opening(fw, flow);
        if (fw->config.max_flows_per_host != 0) {
            tally host = host_of(&flow->inside);
            count_up(fw, &host);
        }
        if (flow->proto == HP_PROTO_UDP) {
            hp_flow_set_timer(&fw->flows, id, udp_timer(fw, flow));
        }
    }
    arm(fw);
}

void hp_firewall_flows_init(hp_firewall *fw)
{
    fw->tallies = g_hash_table_new_full(tally_hash, tally_equal, g_free, NULL);
    hp_timer_init(&fw->expiry, HP_TIMER_NODE, fw->node.id, on_expiry, fw);
}

void hp_firewall_flows_clear(hp_firewall *fw)
{
    hp_timer_cancel(fw->node.world, &fw->expiry);
    g_hash_table_unref(fw->tallies);
    hp_flow_table_clear(&fw->flows);
}
