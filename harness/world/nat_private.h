/* What the files of the NAT share. A packet's way through them:
 *
 *   nat.c       receive, tap --> nat_path.c   which path: out, in, hairpin, the NAT itself --> a verdict
 *                                nat_icmp.c   the same for ICMP
 *   nat_path.c  asks nat_mapping.c (find, create, refresh, end), which asks
 *               nat_hosts.c (inside hosts: pooling, port blocks), nat_ports.c (external ports), nat_inbound.c
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

/* ---- external addresses and their ports (nat_ports.c) ---- */

/* Newest mapping of each port, 0 = free. */
typedef struct hp_nat_port_page {
    uint32_t used;
    uint32_t heads[256];
} hp_nat_port_page;

/* In place of a mapping: the port was left by a rebind that is still going on, and nobody may take it yet. */
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

typedef struct hp_nat_fragment_table hp_nat_fragment_table;

/* Why a mapping ended; names in nat_mapping.c. */
typedef enum hp_nat_end {
    HP_NAT_END_EXPIRED,
    HP_NAT_END_LIFETIME,
    HP_NAT_END_EVICTED,
    HP_NAT_END_REBOOT,
    HP_NAT_END_REBIND,
    HP_NAT_END_RENUMBER,
    HP_NAT_END_ICMP,
    HP_NAT_N_ENDS,
} hp_nat_end;

struct hp_nat {
    hp_node node;
    hp_nat_config config; /* `blocked` owned */
    hp_time timeouts[HP_NAT_N_TIMERS];
    uint32_t max_sessions;
    bool refreshed_by[2]; /* by packets from the inside, from the outside: HP_NAT_INSIDE, HP_NAT_OUTSIDE */
    hp_rng rng;
    hp_nat_table table;
    hp_nat_pool pool;
    hp_nat_hosts hosts;
    hp_nat_inbound inbound;
    hp_nat_fragment_table *fragments;
    hp_timer expiry;
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

/* What becomes of a packet. */
typedef struct hp_nat_verdict {
    bool pass;
    uint8_t side; /* where it leaves */
    hp_drop_reason reason;
    hp_icmp_kind answer; /* the error its sender gets when dropped, or HP_ICMP_NONE */
    const char *detail; /* a literal or NULL */
    hp_addr src, dst; /* what it leaves with */
} hp_nat_verdict;

static inline bool hp_nat_refuse(hp_nat_verdict *v, hp_drop_reason reason, const char *detail, hp_icmp_kind answer)
{
    v->pass = false;
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
void hp_nat_ports_link(hp_nat *nat, uint32_t id);
/* reserve: the port stays taken until hp_nat_ports_release(). */
void hp_nat_ports_unlink(hp_nat *nat, uint32_t id, bool reserve);
void hp_nat_ports_release(hp_nat *nat, hp_nat_proto proto, uint16_t external, uint16_t port);
/* The mapping that a packet from `remote` to an external port belongs to; where none does but others have the port,
 * one of these, for the filter to refuse. 0 when the port is free. */
uint32_t hp_nat_ports_lookup(const hp_nat *nat, hp_nat_proto proto, uint16_t external, uint16_t port,
                             const hp_addr *remote);

/* Prefetches for a packet from outside to that external address and port: the port's head far ahead, the mapping when
 * near. */
void hp_nat_ports_hint(const hp_nat *nat, hp_nat_proto proto, const hp_addr *external, hp_hint hint);

/* ---- nat_hosts.c ---- */

/* The record of a mapping's inside host, made when missing; 0 where no knob tells hosts apart. */
uint32_t hp_nat_hosts_get(hp_nat *nat, const hp_addr *internal);
void hp_nat_hosts_attach(hp_nat *nat, uint32_t host, uint32_t id);
void hp_nat_hosts_detach(hp_nat *nat, uint32_t id);
/* Anew from the living mappings: the knobs or the addresses have changed. */
void hp_nat_hosts_rebuild(hp_nat *nat);
void hp_nat_hosts_clear(hp_nat *nat);
size_t hp_nat_hosts_memory(const hp_nat *nat);
/* The external address that all of the host's mappings share, chosen at its first. */
uint16_t hp_nat_hosts_paired(hp_nat *nat, uint32_t host, unsigned family);
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
/* Whether the filter lets a packet from `remote` in. */
static inline bool hp_nat_mapping_admits(const hp_nat *nat, uint32_t id, const hp_addr *remote)
{
    return hp_nat_session_has(&nat->table, id, nat->config.filtering, remote);
}
hp_addr hp_nat_mapping_external(const hp_nat *nat, uint32_t id);
/* Arms the expiry timer for the earliest thing that may be due. */
void hp_nat_mapping_rearm(hp_nat *nat);
void hp_nat_mapping_expire(void *owner, hp_time now);

/* ---- nat_path.c, nat_icmp.c ---- */

/* Both take p. */
void hp_nat_from_inside(hp_nat *nat, hp_packet *p);
void hp_nat_from_outside(hp_nat *nat, hp_packet *p);
/* Records p at the side's tap and sends it. */
void hp_nat_send(hp_nat *nat, unsigned side, hp_packet *p);
/* Does what the verdict says with p, which came in at `side`. Takes p. */
void hp_nat_finish(hp_nat *nat, unsigned side, hp_packet *p, const hp_nat_verdict *v);
void hp_nat_icmp_from_inside(hp_nat *nat, hp_packet *p, int external);
void hp_nat_icmp_from_outside(hp_nat *nat, hp_packet *p, unsigned external);
/* A packet for an inside address of the NAT itself. */
void hp_nat_local(hp_nat *nat, unsigned side, hp_packet *p);

/* ---- nat_fragment.c ---- */

hp_nat_fragment_table *hp_nat_fragments_new(hp_nat *nat);
void hp_nat_fragments_free(hp_nat_fragment_table *t);
/* Forgets everything; what is held is dropped (traced unless quiet). */
void hp_nat_fragments_flush(hp_nat_fragment_table *t, bool quiet);
/* Carries out the verdict on a first fragment, remembers it, and lets the fragments go that waited. Takes p. */
void hp_nat_fragment_first(hp_nat *nat, unsigned side, hp_packet *p, const hp_nat_verdict *v);
/* A fragment without ports. Takes p. */
void hp_nat_fragment_later(hp_nat *nat, unsigned side, hp_packet *p);
size_t hp_nat_fragments_memory(const hp_nat_fragment_table *t);

#endif
