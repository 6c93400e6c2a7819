/* What the files of the NAT share. A packet's way through them:
 *
 *   nat.c       receive, tap --> nat_path.c   which path: out, in, hairpin, the NAT itself --> a verdict
 *                                nat_icmp.c   the same for ICMP
 *                                nat_tcp.c    the same for TCP, with its connections (nat_tcp.h)
 *                                nat_fragment.c  before all of them, for fragments
 *   nat_path.c  asks nat_mapping.c (find, create, refresh, end), which asks
 *               nat_hosts.c (inside hosts: pooling, port blocks), nat_ports.c (external ports), nat_inbound.c
 *   nat_explicit.c  mappings that somebody asked for: who holds them, and whom they let in
 *   nat64.c     turns an IPv6 packet for an IPv4 remote into a flow of the table, and at the end its headers
 *   nat_ipv6.c  IPv6 that is routed, or has its prefix replaced, and never sees the table
 *   nat_path.c  carries the verdict out: translated and sent, or dropped and perhaps answered; for a first fragment
 *               nat_fragment.c remembers it, so that the other fragments share its fate.
 *
 * A verdict is decided without changing the packet, so that errors quote it as it came. */
#ifndef HP_WORLD_NAT_PRIVATE_H
#define HP_WORLD_NAT_PRIVATE_H

#include "base/rng.h"
#include "trace/trace.h"
#include "world/addr_map.h"
#include "world/nat.h"
#include "world/nat_table.h"
#include "world/nat_tcp.h"
#include "world/npt.h"
#include "world/translate.h"

/* ---- external addresses and their ports (nat_ports.c) ---- */

/* Newest mapping of each port, 0 = free. */
typedef struct hp_nat_port_page {
    uint32_t used;
    uint32_t heads[256];
} hp_nat_port_page;

/* In place of a mapping: nobody may take the port yet. A rebind that is still going on has left it, or it is in
 * quarantine. */
#define HP_NAT_RESERVED UINT32_MAX

typedef struct hp_nat_port_space {
    hp_nat_port_page *pages[256]; /* made when first used */
    uint16_t next; /* sequential assignment goes on here */
} hp_nat_port_space;

typedef struct hp_nat_external {
    hp_addr addr;
    hp_nat_port_space *spaces[HP_NAT_N_PROTOS];
    uint32_t *block_owners; /* inside host of each port block, 0 = free; NULL without blocks */
} hp_nat_external;

typedef struct hp_nat_pool {
    hp_nat_external *externals;
    unsigned n;
    hp_addr_map by_addr;
    uint16_t *of_family[2]; /* indices of the IPv4 and of the IPv6 addresses */
    unsigned n_of_family[2];
    unsigned rotor[2]; /* whose turn it is, for arbitrary pooling */
} hp_nat_pool;

/* ---- inside hosts (nat_hosts.c) ---- */

typedef struct hp_nat_host {
    hp_addr ip; /* port 0 */
    uint32_t oldest, newest, n; /* its mappings */
    uint32_t n_of[HP_NAT_N_PROTOS];
    uint16_t external; /* paired pooling: its address, once `bound` */
    bool bound;
    uint16_t next_port; /* sequential assignment within its blocks */
    uint16_t n_blocks;
    uint32_t *blocks; /* external << 16 | number of the block */
} hp_nat_host;

typedef struct hp_nat_hosts {
    hp_nat_host *records; /* [0] unused */
    uint32_t n, capacity;
    hp_nat_index index;
} hp_nat_hosts;

/* ---- state made by unsolicited packets (nat_inbound.c) ---- */

typedef struct hp_nat_inbound_state {
    hp_addr remote;
    uint16_t external, port;
    hp_time refreshed;
    hp_nat_links by_age; /* oldest refresh first; .next also chains free records */
} hp_nat_inbound_state;

typedef struct hp_nat_inbound {
    hp_nat_inbound_state *records; /* [0] unused */
    uint32_t n, capacity, free;
    hp_nat_links by_age; /* .next: oldest, .previous: newest */
    hp_nat_index index;
} hp_nat_inbound;

/* ---- ports in quarantine (nat_quarantine.c) ---- */

typedef struct hp_nat_left_port {
    hp_time at;
    uint16_t external, port;
    uint8_t proto; /* hp_nat_proto */
} hp_nat_left_port;

typedef struct hp_nat_quarantine {
    hp_nat_left_port *ports; /* a ring, oldest first */
    uint32_t first, n, capacity;
} hp_nat_quarantine;

/* ---- SYNs that wait (nat_tcp_answer.c) ---- */

typedef struct hp_nat_held_syn hp_nat_held_syn;

typedef struct hp_nat_hold {
    hp_nat_held_syn *syns; /* in order of arrival */
    unsigned n, capacity;
    hp_timer timer;
} hp_nat_hold;

typedef struct hp_nat_fragment_table hp_nat_fragment_table;

/* What the knobs say for one protocol, with those of its own and UDP's put together. */
typedef struct hp_nat_policy {
    hp_nat_behaviour mapping, filtering;
    hp_nat_ports ports;
    hp_nat_hairpin hairpin;
    bool overload, parity;
    bool by_connection; /* HP_NAT_OWN_CONNECTION_DEPENDENT */
    uint32_t max_per_host; /* mappings; 0 = no limit */
} hp_nat_policy;

/* Why a mapping ended; names in nat_mapping.c. */
typedef enum hp_nat_end {
    HP_NAT_END_EXPIRED,
    HP_NAT_END_LIFETIME,
    HP_NAT_END_EVICTED,
    HP_NAT_END_REBOOT,
    HP_NAT_END_REBIND,
    HP_NAT_END_RENUMBER,
    HP_NAT_END_ICMP,
    HP_NAT_END_RST,
    HP_NAT_END_UNMAPPED,
    HP_NAT_END_REPLACED,
    HP_NAT_N_ENDS,
} hp_nat_end;

struct hp_nat {
    hp_node node;
    hp_nat_config config; /* `blocked` owned */
    hp_time timeouts[HP_NAT_N_TIMERS];
    hp_nat_policy policy[HP_NAT_N_PROTOS];
    uint32_t max_sessions;
    bool tells_hosts; /* some knob needs inside hosts told apart (nat_hosts.c) */
    bool refreshed_by[2]; /* by packets from the inside, from the outside: HP_NAT_INSIDE, HP_NAT_OUTSIDE */
    hp_rng rng;
    hp_nat_table table;
    hp_nat_pool pool;
    hp_nat_hosts hosts;
    hp_nat_inbound inbound;
    hp_nat_quarantine quarantine;
    hp_nat_tcp_table tcp;
    hp_time tcp_timeouts[HP_NAT_TCP_N_STATES];
    bool tcp_refreshed_by[2];
    hp_nat_syn tcp_syn; /* never HP_NAT_SYN_AS_UDP */
    hp_nat_hold hold;
    GHashTable *grants; /* of explicit mappings: id -> hp_nat_grants* (nat_explicit.c); looked up, never walked */
    hp_nat_fragment_table *fragments;
    uint32_t cut; /* the packet under judgement was reassembled, from fragments of at most that wire length; else 0 */
    hp_timer expiry;
    bool more_ipv6; /* NAT64, or an IPv6 that is not translated by the table */
    hp_prefix pref64;
    hp_npt npt; /* bits 0: no prefixes were given */
    hp_translate_ends quoted; /* inner_*: what the quotation of the ICMP error under way gets, where the error changes
                                 its family */
    hp_addr internal[2]; /* its own inside addresses, IPv4 and IPv6; family none where it has none */
    hp_prefix *inside;
    unsigned n_inside;
    uint32_t taps[2];
    hp_nat_stats stats;
};

static inline unsigned hp_nat_family(const hp_addr *a)
{
    return a->family == HP_AF_IPV6;
}

/* Dropped or not yet: what TCP knows beside ICMP errors. */
typedef enum hp_nat_tcp_answer {
    HP_NAT_TCP_NO_ANSWER,
    HP_NAT_TCP_ANSWER_RST,
    HP_NAT_TCP_ANSWER_LATER
} hp_nat_tcp_answer;

/* What becomes of a packet. */
typedef struct hp_nat_verdict {
    bool pass;
    uint8_t side; /* where it leaves */
    uint8_t tcp_answer; /* hp_nat_tcp_answer, when it does not */
    hp_drop_reason reason;
    hp_icmp_kind answer; /* the error its sender gets when dropped, or HP_ICMP_NONE */
    const char *detail; /* a literal or NULL */
    hp_addr src, dst; /* what it leaves with */
} hp_nat_verdict;

static inline bool hp_nat_refuse(hp_nat_verdict *v, hp_drop_reason reason, const char *detail, hp_icmp_kind answer)
{
    v->pass = false;
    v->tcp_answer = HP_NAT_TCP_NO_ANSWER;
    v->reason = reason;
    v->detail = detail;
    v->answer = answer;
    return false;
}

/* ---- nat_ports.c ---- */

typedef struct hp_nat_want {
    hp_nat_proto proto;
    hp_nat_behaviour kind;
    hp_addr internal, remote;
    uint32_t host;
    uint32_t rebind; /* the mapping that must leave its present port, 0 = a new mapping */
} hp_nat_want;

typedef struct hp_nat_span {
    uint32_t first, last;
} hp_nat_span;

void hp_nat_pool_set(hp_nat *nat, const hp_addr *addrs, size_t n);
/* All ports free, sequences at their start. No mapping may be left. */
void hp_nat_pool_reset(hp_nat *nat);
void hp_nat_pool_clear(hp_nat_pool *pool);
size_t hp_nat_pool_memory(const hp_nat_pool *pool);
/* Index of the external address, -1 when it is none. */
static inline int hp_nat_external_of(const hp_nat_pool *pool, const hp_addr *a)
{
    if (pool->n <= 4) {
        for (unsigned i = 0; i < pool->n; i++) {
            if (hp_addr_same_ip(&pool->externals[i].addr, a))
                return (int)i;
        }
        return -1;
    }
    hp_addr key = hp_addr_with_port(*a, 0);
    const uintptr_t *value = hp_addr_map_find(&pool->by_addr, &key);
    return value ? (int)*value : -1;
}
/* The ports (or ICMP ids) that assignment draws from, before blocks. */
hp_nat_span hp_nat_ports_range(const hp_nat_config *config, hp_nat_proto proto, uint16_t internal_port);
bool hp_nat_ports_find(hp_nat *nat, const hp_nat_want *want, uint16_t *ret_external, uint16_t *ret_port);
/* That port of that address (family none: of any that the mapping may use), or false. The range that assignment draws
 * from only counts where one was set. */
bool hp_nat_ports_try(hp_nat *nat, const hp_nat_want *want, const hp_addr *wish, uint16_t *ret_external,
                      uint16_t *ret_port);
void hp_nat_ports_link(hp_nat *nat, uint32_t id);
/* reserve: the port stays taken until hp_nat_ports_release(). Otherwise it is free, or goes into quarantine. */
void hp_nat_ports_unlink(hp_nat *nat, uint32_t id, bool reserve);
void hp_nat_ports_release(hp_nat *nat, hp_nat_proto proto, uint16_t external, uint16_t port);
/* Marks a free port as nobody's, and frees it. */
void hp_nat_ports_reserve(hp_nat *nat, hp_nat_proto proto, uint16_t external, uint16_t port);
void hp_nat_ports_unreserve(hp_nat *nat, hp_nat_proto proto, uint16_t external, uint16_t port);
/* The mapping that a packet from `remote` to an external port belongs to; where none does but others have the port,
 * one of these, for the filter to refuse. 0 when the port is free. */
uint32_t hp_nat_ports_lookup(const hp_nat *nat, hp_nat_proto proto, uint16_t external, uint16_t port,
                             const hp_addr *remote);

/* Prefetches for a packet from outside to that external address and port: the port's head far ahead, the mapping when
 * near. */
void hp_nat_ports_hint(const hp_nat *nat, hp_nat_proto proto, const hp_addr *external, hp_hint hint);

/* ---- nat_hosts.c ---- */

/* The knobs or the addresses have changed: whether hosts are told apart from now on. */
void hp_nat_hosts_decide(hp_nat *nat);
/* The record of a mapping's inside host, made when missing; 0 where no knob tells hosts apart. A host's flows to IPv4
 * and to IPv6 remotes have a record each. */
uint32_t hp_nat_hosts_get(hp_nat *nat, const hp_addr *internal, const hp_addr *remote);
void hp_nat_hosts_attach(hp_nat *nat, uint32_t host, uint32_t id);
void hp_nat_hosts_detach(hp_nat *nat, uint32_t id);
/* Anew from the living mappings: the knobs or the addresses have changed. */
void hp_nat_hosts_rebuild(hp_nat *nat);
void hp_nat_hosts_clear(hp_nat *nat);
size_t hp_nat_hosts_memory(const hp_nat *nat);
/* The external address that all of the host's mappings share, chosen at its first. */
uint16_t hp_nat_hosts_paired(hp_nat *nat, uint32_t host, unsigned family);
/* One mapping of the host is gone for good: dynamic blocks may be given back. */
void hp_nat_hosts_settle(hp_nat *nat, uint32_t host);
/* Gives the host one more block; false when it has its share, or none is left. */
bool hp_nat_hosts_add_block(hp_nat *nat, uint32_t host, unsigned family);
hp_nat_span hp_nat_block_span(const hp_nat *nat, uint32_t block);

/* ---- nat_inbound.c ---- */

void hp_nat_inbound_note(hp_nat *nat, uint16_t external, uint16_t port, const hp_addr *remote);
/* Whether an unsolicited packet holds that tuple now. */
bool hp_nat_inbound_holds(hp_nat *nat, uint16_t external, uint16_t port, const hp_addr *remote);
void hp_nat_inbound_clear(hp_nat_inbound *in);
size_t hp_nat_inbound_memory(const hp_nat_inbound *in);

/* ---- nat_mapping.c ---- */

/* The mapping that serves a flow, 0 when there is none. */
uint32_t hp_nat_mapping_find(const hp_nat *nat, hp_nat_proto proto, const hp_addr *internal, const hp_addr *remote);
/* The same, made when missing, with the remote remembered; 0 and a refusal in *v when it cannot be made. */
uint32_t hp_nat_mapping_get(hp_nat *nat, hp_nat_proto proto, const hp_addr *internal, const hp_addr *remote,
                            bool *ret_created, hp_nat_verdict *v);
/* A packet passed, from that side, to or from that port of the remote. */
void hp_nat_mapping_refresh(hp_nat *nat, uint32_t id, unsigned side, uint16_t remote_port);
void hp_nat_mapping_end(hp_nat *nat, uint32_t id, hp_nat_end why);
void hp_nat_mapping_end_all(hp_nat *nat, hp_nat_end why);
bool hp_nat_mapping_rebind(hp_nat *nat, uint32_t id);
/* What an explicit mapping is born with. */
typedef struct hp_nat_wish {
    hp_addr external; /* family none: any address; port 0: any port */
    bool exact; /* that one or none */
} hp_nat_wish;
/* An explicit mapping; there must be none of that kind and key. 0 and a refusal in *v when it cannot be made. */
uint32_t hp_nat_mapping_make(hp_nat *nat, hp_nat_behaviour kind, hp_nat_proto proto, const hp_addr *internal,
                             const hp_addr *remote, const hp_nat_wish *wish, hp_nat_verdict *v);
/* The mapping goes on at that free place; the place that it leaves is free, or (reserve) taken until it is released. */
void hp_nat_mapping_move(hp_nat *nat, uint32_t id, uint16_t external, uint16_t port, bool reserve);
/* Its timer from now on, with what is left of it since the last refresh. */
void hp_nat_mapping_set_explicit(hp_nat *nat, uint32_t id, bool is_explicit);

/* ---- nat_explicit.c ---- */

GHashTable *hp_nat_grants_new(void);
/* Whether one of the grants of an explicit mapping lets a packet from `remote` in by itself. */
bool hp_nat_grants_admit(const hp_nat *nat, uint32_t id, const hp_addr *remote);
/* The same, or else the NAT's own filter. */
bool hp_nat_explicit_admits(const hp_nat *nat, hp_nat_proto proto, uint32_t id, const hp_addr *remote);
/* An explicit mapping ends: nobody holds it any more. */
void hp_nat_grants_forget(hp_nat *nat, uint32_t id);
size_t hp_nat_grants_memory(const hp_nat *nat);

/* Whether the protocol's filter lets a packet from `remote` in. */
static inline bool hp_nat_mapping_admits(const hp_nat *nat, hp_nat_proto proto, uint32_t id, const hp_addr *remote)
{
    if (G_UNLIKELY(hp_nat_is_explicit(&nat->table, id)))
        return hp_nat_explicit_admits(nat, proto, id, remote);
    return hp_nat_session_has(&nat->table, id, nat->policy[proto].filtering, remote);
}
hp_addr hp_nat_mapping_external(const hp_nat *nat, uint32_t id);
/* Arms the expiry timer for the earliest thing that may be due. */
void hp_nat_mapping_rearm(hp_nat *nat);
/* Something is due then: the timer may be early, never late. */
static inline void hp_nat_mapping_arm_no_later(hp_nat *nat, hp_time at)
{
    if (!hp_timer_is_armed(&nat->expiry) || at < nat->expiry.at)
        hp_timer_arm(nat->node.world, &nat->expiry, at);
}
void hp_nat_mapping_expire(void *owner, hp_time now);

/* ---- nat_quarantine.c ---- */

/* Whether the knobs keep a port of that protocol in quarantine. */
static inline bool hp_nat_quarantines(const hp_nat *nat, hp_nat_proto proto)
{
    return nat->config.port_quarantine > 0 && (proto != HP_NAT_TCP || nat->config.port_quarantine_tcp);
}
/* The port, marked reserved by the caller, waits from now on. */
void hp_nat_quarantine_add(hp_nat *nat, hp_nat_proto proto, uint16_t external, uint16_t port);
/* Frees the ports whose time is over. */
void hp_nat_quarantine_shed(hp_nat *nat);
/* The port table was emptied: what waits is marked in it again. */
void hp_nat_quarantine_restore(hp_nat *nat);
void hp_nat_quarantine_clear(hp_nat_quarantine *q);
size_t hp_nat_quarantine_memory(const hp_nat_quarantine *q);

/* ---- nat_tcp.c ---- */

void hp_nat_tcp_from_inside(hp_nat *nat, hp_packet *p, int external);
void hp_nat_tcp_from_outside(hp_nat *nat, hp_packet *p, unsigned external);

/* ---- nat_tcp_session.c: sessions as part of a NAT ---- */

/* A new session of that mapping, which ends at once if it gets none; 0 and a refusal in *v then. */
uint32_t hp_nat_tcp_open(hp_nat *nat, uint32_t mapping, const hp_addr *remote, hp_nat_tcp_state state,
                         hp_nat_verdict *v);
/* A bare SYN from that side begins a new connection where one has closed. */
void hp_nat_tcp_reopen(hp_nat *nat, uint32_t session, unsigned side);
/* A segment passed. The session may be no more afterwards, nor its mapping. */
void hp_nat_tcp_passed(hp_nat *nat, uint32_t session, unsigned side, const hp_nat_segment *segment);
/* All sessions of a mapping that is about to end. */
void hp_nat_tcp_end_all(hp_nat *nat, uint32_t mapping);
/* The earliest deadline of a session, HP_NEVER when there is none; and what is due. */
hp_time hp_nat_tcp_earliest(const hp_nat *nat);
void hp_nat_tcp_expire(hp_nat *nat, hp_time now);

/* ---- nat_tcp_answer.c ---- */

/* The RST that answers a segment; NULL to a RST. */
hp_packet *hp_nat_tcp_rst_about(hp_nat *nat, const hp_packet *offender);
/* Keeps an unsolicited SYN that came in at `side` for the external address and port in its destination. Takes p. */
void hp_nat_tcp_hold_syn(hp_nat *nat, unsigned side, hp_packet *p, const hp_nat_verdict *v);
/* A SYN went out from there: one that waits for the same connection is dropped in silence. */
void hp_nat_tcp_release_syn(hp_nat *nat, const hp_addr *external, const hp_addr *remote);
void hp_nat_tcp_hold_init(hp_nat *nat);
/* Knobs have changed: deadlines are looked at anew. */
void hp_nat_tcp_hold_rearm(hp_nat *nat);
void hp_nat_tcp_hold_clear(hp_nat *nat, bool quiet); /* traced as drops unless quiet */
size_t hp_nat_tcp_hold_memory(const hp_nat *nat);

/* ---- nat_path.c, nat_icmp.c ---- */

/* Both take p. */
void hp_nat_from_inside(hp_nat *nat, hp_packet *p);
void hp_nat_from_outside(hp_nat *nat, hp_packet *p);
/* Records p at the side's tap and sends it. */
void hp_nat_send(hp_nat *nat, unsigned side, hp_packet *p);
/* Does what the verdict says with p, which came in at `side`. Takes p. */
void hp_nat_finish(hp_nat *nat, unsigned side, hp_packet *p, const hp_nat_verdict *v);
/* The same for any packet that is not a plain datagram: the other fragments share a first one's verdict, and what was
 * reassembled is cut anew. Takes p. */
void hp_nat_carry_out(hp_nat *nat, unsigned side, hp_packet *p, const hp_nat_verdict *v);
static inline bool hp_nat_ttl_left(const hp_packet *p, hp_nat_verdict *v)
{
    return p->ttl > 1 || hp_nat_refuse(v, HP_DROP_TTL, NULL, HP_ICMP_TTL_EXCEEDED);
}
static inline bool hp_nat_is_blocked(const hp_nat *nat, uint16_t port)
{
    for (unsigned i = 0; i < nat->config.n_blocked; i++) {
        if (port >= nat->config.blocked[i].first && port <= nat->config.blocked[i].last)
            return true;
    }
    return false;
}
void hp_nat_icmp_from_inside(hp_nat *nat, hp_packet *p, int external);
void hp_nat_icmp_from_outside(hp_nat *nat, hp_packet *p, unsigned external);
/* A packet for an inside address of the NAT itself. */
void hp_nat_local(hp_nat *nat, unsigned side, hp_packet *p);
/* One for an outside address of it that no mapping could claim: answers_ping decides. */
void hp_nat_icmp_own(hp_nat *nat, unsigned side, hp_packet *p);

/* Whether an address may be a packet's source on the inside; and whether it stays on its own network. */
bool hp_nat_is_inside(const hp_nat *nat, const hp_addr *a);
bool hp_nat_is_routable(const hp_addr *a);

/* The source that a hairpinned packet shows. An internal one of the other family would mean nothing to the target. */
static inline hp_addr hp_nat_hairpin_source(hp_nat_hairpin hairpin, const hp_addr *internal, const hp_addr *external,
                                            const hp_addr *target)
{
    bool shows = hairpin == HP_NAT_HAIRPIN_INTERNAL_SOURCE && internal->family == target->family;
    return shows ? *internal : *external;
}

/* ---- nat64.c ---- */

/* Whether an IPv6 packet from the inside is for an IPv4 remote. */
static inline bool hp_nat64_wants(const hp_nat *nat, const hp_packet *p)
{
    return nat->config.nat64 && hp_prefix_contains(&nat->pref64, &p->dst);
}
/* Puts the IPv4 remote in place of the address that embeds it, also in what an ICMP error quotes: so does the table see
 * the packet until it is sent or dropped. False when nothing is embedded there. */
bool hp_nat64_enter(const hp_nat *nat, hp_packet *p);
/* The reverse, on a packet that entered; nothing otherwise. */
void hp_nat64_leave(const hp_nat *nat, hp_packet *p);
/* The length on the wire of a packet that may have entered, as it came. */
uint32_t hp_nat64_length(const hp_nat *nat, hp_packet *p);
/* A drop of a packet that may have entered. Takes p. */
void hp_nat_drop(hp_nat *nat, hp_packet *p, hp_drop_reason reason, const char *detail);
/* Whether a packet leaves with another family than it came with, or (hairpinned) by way of it. */
static inline bool hp_nat_crosses(const hp_packet *p, const hp_nat_verdict *v)
{
    return v->src.family != v->dst.family || v->src.family != p->src.family;
}
/* Translates its headers; true when it is to be cut to HP_TRANSLATE_MTU. */
bool hp_nat64_cross(const hp_nat *nat, hp_packet *p, const hp_nat_verdict *v);
/* Whether p may go to that inside endpoint; a refusal in *v when its headers cannot be translated. */
static inline bool hp_nat64_admits(const hp_packet *p, const hp_addr *internal, hp_nat_verdict *v)
{
    if (G_LIKELY(internal->family == p->src.family))
        return true;
    const char *why = hp_translate_refusal(p, p->src.family);
    return !why || hp_nat_refuse(v, HP_DROP_NAT_PROTOCOL, why, HP_ICMP_NONE);
}

/* ---- nat_ipv6.c ---- */

/* Both take p, an IPv6 packet that was recorded. */
void hp_nat_ipv6_from_inside(hp_nat *nat, hp_packet *p);
void hp_nat_ipv6_from_outside(hp_nat *nat, hp_packet *p);
/* The NAT's own IPv6 address as that side knows it, where IPv6 is not translated by the table. False: it has none. */
bool hp_nat_ipv6_own(const hp_nat *nat, unsigned side, hp_addr *ret);

/* ---- nat_fragment.c ---- */

hp_nat_fragment_table *hp_nat_fragments_new(hp_nat *nat);
void hp_nat_fragments_free(hp_nat_fragment_table *t);
/* Forgets everything; what is held is dropped (traced unless quiet). */
void hp_nat_fragments_flush(hp_nat_fragment_table *t, bool quiet);
/* Carries out the verdict on a first fragment, remembers it, and lets the fragments go that waited. Takes p. */
void hp_nat_fragment_first(hp_nat *nat, unsigned side, hp_packet *p, const hp_nat_verdict *v);
/* What has to be done with a fragment before it can be judged. Takes it and gives back a first fragment, or a packet
 * that is whole now (nat->cut is set then); NULL when there is nothing to judge yet. */
hp_packet *hp_nat_fragment_gate(hp_nat *nat, unsigned side, hp_packet *p);
size_t hp_nat_fragments_memory(const hp_nat_fragment_table *t);

#endif
