/* Private to the firewall's files. A packet's way: firewall_path.c decides, asking firewall_flow.c for the flow,
 * firewall_tcp.c for what a segment does to it and firewall_policy.c for what no flow covers; firewall_refuse.c tells
 * the sender; firewall_fragment.c lets later fragments follow their first one. */
#ifndef HP_WORLD_FIREWALL_PRIVATE_H
#define HP_WORLD_FIREWALL_PRIVATE_H

#include "world/firewall.h"
#include "world/firewall_table.h"
#include "world/fragment_table.h"

typedef struct hp_firewall_policies {
    const hp_firewall_policy *list; /* of the config */
    const hp_match_detail **details; /* owned; NULL where one asks for nothing */
    char **names; /* owned: "policy 2", "policy 2 (no UDP)" */
    unsigned n;
    bool any_each_packet;
} hp_firewall_policies;

typedef struct hp_firewall_verdict {
    bool pass;
    bool is_default; /* no policy spoke: the SYN's wait is for such refusals */
    hp_drop_reason reason;
    hp_refusal refusal;
    const char *detail; /* of the drop; lives as long as the settings do; NULL: none */
} hp_firewall_verdict;

struct hp_firewall {
    hp_node node;
    hp_firewall_config config;
    hp_firewall_policies policies[2]; /* by side of entry */
    hp_time timeouts[HP_FLOW_N_TIMERS];
    hp_addr address[2][2]; /* by side and family */
    GArray *inside; /* of hp_prefix */
    hp_flow_table flows;
    GHashTable *tallies; /* of firewall_flow.c: openings, hosts; looked up, never walked */
    hp_timer expiry;
    GArray *held_syns; /* of hp_firewall_syn, the next to be refused first */
    hp_timer syn_timer;
    hp_fragment_table *fragments;
    hp_firewall_stats stats;
};

static inline hp_time hp_firewall_now(const hp_firewall *fw)
{
    return hp_world_now(fw->node.world);
}

/* ---- firewall_policy.c ---- */

void hp_firewall_policies_set(hp_firewall_policies *policies, const hp_firewall_policy *list, unsigned n);
void hp_firewall_policies_clear(hp_firewall_policies *policies);
/* Whether the addresses may be here at all, p having come in at `side`. False: *v says why not. */
bool hp_firewall_addresses_pass(const hp_firewall *fw, unsigned side, const hp_packet *p, hp_firewall_verdict *v);
/* Whether a policy for each packet refuses p. */
bool hp_firewall_is_refused_anyway(const hp_firewall *fw, unsigned side, const hp_packet *p, hp_firewall_verdict *v);
/* Whether p, of no known flow, may begin one. opened: the inside has asked for it. */
void hp_firewall_judge(const hp_firewall *fw, unsigned side, const hp_packet *p, bool opened, hp_firewall_verdict *v);

/* ---- firewall_flow.c ---- */

/* What p, come in at `side`, is a flow of. False for what has none: ICMP but echoes, later fragments. */
bool hp_firewall_key(unsigned side, const hp_packet *p, hp_flow_key *ret);
/* Whether what the inside has sent lets a packet of that key in, by the filtering behaviour. */
bool hp_firewall_is_open(const hp_firewall *fw, const hp_flow_key *key);
/* A new flow, or 0 when there is no room: *v says so. */
uint32_t hp_firewall_begin(hp_firewall *fw, const hp_flow_key *key, hp_firewall_verdict *v);
/* What p does to its flow. */
void hp_firewall_take_note(hp_firewall *fw, uint32_t id, unsigned side, const hp_packet *p);
void hp_firewall_end(hp_firewall *fw, uint32_t id);
void hp_firewall_end_all(hp_firewall *fw);
/* After a change of timeouts, filtering or limits. */
void hp_firewall_recount(hp_firewall *fw);
void hp_firewall_flows_init(hp_firewall *fw);
void hp_firewall_flows_clear(hp_firewall *fw);

/* ---- firewall_tcp.c ---- */

typedef enum hp_segment_kind {
    HP_SEGMENT_BAD, /* no whole header */
    HP_SEGMENT_SYN, /* begins a connection */
    HP_SEGMENT_RESET,
    HP_SEGMENT_OTHER,
} hp_segment_kind;

hp_segment_kind hp_firewall_segment_kind(const hp_packet *p);
/* The state of a connection after p; *ret_timer holds from then on. */
uint8_t hp_firewall_tcp_next(uint8_t state, unsigned side, const hp_packet *p, hp_flow_timer *ret_timer);
/* The state of one that is met in the middle. */
uint8_t hp_firewall_tcp_picked_up(void);
bool hp_firewall_tcp_is_closed(uint8_t state);

/* ---- firewall_path.c ---- */

void hp_firewall_take(hp_firewall *fw, unsigned side, hp_packet *p);

/* ---- firewall_refuse.c ---- */

/* Takes p. */
void hp_firewall_refuse(hp_firewall *fw, unsigned side, hp_packet *p, const hp_firewall_verdict *v);
/* A SYN, or the answer to one, went out: what is held of that flow is forgotten. */
void hp_firewall_syn_went_out(hp_firewall *fw, const hp_flow_key *key);
void hp_firewall_syns_init(hp_firewall *fw);
void hp_firewall_syns_flush(hp_firewall *fw);
/* Sends what the firewall made; p may be NULL. */
void hp_firewall_send_own(hp_firewall *fw, unsigned side, hp_packet *p);
/* Where its errors towards `side` come from. */
const hp_addr *hp_firewall_own_address(const hp_firewall *fw, unsigned side, uint8_t family);

/* ---- firewall_fragment.c ---- */

hp_fragment_table *hp_firewall_fragments_new(hp_firewall *fw);
/* Takes a fragment that is not the first. */
void hp_firewall_fragment_later(hp_firewall *fw, unsigned side, hp_packet *p);
/* Takes a first fragment, of which v is the verdict, and carries that out on it and on those that follow. */
void hp_firewall_fragment_first(hp_firewall *fw, unsigned side, hp_packet *p, const hp_firewall_verdict *v);

#endif
