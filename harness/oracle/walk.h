/* Symbolic packets through a plan's boxes, and what the boxes learn by them. Private to oracle/.
 *
 * An endpoint is an hp_addr whose IP address is a real one of the plan and whose port is a symbol: a number that stands
 * for "some port out of a range", equal to itself and different from every other symbol. A fixed port is the symbol of
 * a range of one. `reserved` is 0, or tells apart addresses of a pool of which nobody knows which one it will be. */
#ifndef HP_ORACLE_WALK_H
#define HP_ORACLE_WALK_H

#include "oracle/ground.h"

/* How chance is settled, where behaviour alone does not say. */
typedef enum hp_luck {
    HP_LUCK_GOOD, /* nobody's packet comes too early, addresses of a pool agree, ports are not blocked, no ICMP error
                     ends a mapping that is needed */
    HP_LUCK_BAD, /* the opposite */
} hp_luck;

typedef enum hp_protocol { HP_OVER_UDP, HP_OVER_TCP } hp_protocol;

/* Why a packet did not arrive. `box` of the walk says where: a NAT, or with HP_STOP_WALL_* a firewall
 * (hp_ground.walls). */
typedef enum hp_stop {
    HP_STOP_NONE,
    HP_STOP_NO_ROUTE, /* nobody has that address there, and no way leads on */
    HP_STOP_ELSEWHERE, /* somebody else has it */
    HP_STOP_CUT, /* a link lets nothing through */
    HP_STOP_BLOCKED_PROTOCOL, /* box: a NAT that lets out no UDP, or no TCP */
    HP_STOP_BLOCKED_PORT,
    HP_STOP_NO_FAMILY, /* a NAT without an outside address of that family */
    HP_STOP_NO_HAIRPIN,
    HP_STOP_NO_MAPPING,
    HP_STOP_FILTERED,
    HP_STOP_STOLEN, /* an early packet of the other end holds what it needs, and the NAT gives no other port */
    HP_STOP_NO_PORT, /* the NAT keeps ports, and this one is taken */
    HP_STOP_WALL_OUT, /* a firewall does not let it out */
    HP_STOP_WALL_IN,
    HP_STOP_PERMISSION, /* a TURN server has no permission for that sender (RFC 8656 section 9), or refuses any */
    HP_STOP_N
} hp_stop;

typedef struct hp_symbol_range {
    uint16_t first, last;
} hp_symbol_range;

typedef struct hp_mapping {
    unsigned nat;
    hp_protocol protocol;
    hp_addr inside, outside;
    hp_addr remote; /* its first destination: what it depends on, as far as the NAT's behaviour says */
    bool asked_for; /* by a port mapping protocol: for all destinations, and open to all */
} hp_mapping;

typedef struct hp_contact {
    unsigned mapping;
    hp_addr remote;
} hp_contact;

/* A tuple that an early packet holds (inbound-first). */
typedef struct hp_stolen {
    unsigned nat;
    hp_addr outside, remote;
} hp_stolen;

typedef struct hp_wall_flow {
    unsigned wall;
    hp_protocol protocol;
    hp_addr inside, remote;
} hp_wall_flow;

enum { HP_WALK_MAX = 256 }; /* of each kind of state; a pair of peers needs a tenth */

typedef struct hp_walk_state {
    const hp_ground *ground;
    hp_luck luck;
    bool chancy; /* luck was asked */
    bool full; /* a table was; nothing is certain then */
    uint64_t changes; /* grows with every thing learned */
    unsigned n_symbols, n_mappings, n_contacts, n_stolen, n_flows;
    hp_symbol_range symbols[HP_WALK_MAX]; /* [0] unused */
    hp_mapping mappings[HP_WALK_MAX];
    hp_contact contacts[2 * HP_WALK_MAX];
    hp_stolen stolen[HP_WALK_MAX];
    hp_wall_flow flows[HP_WALK_MAX];
} hp_walk_state;

typedef struct hp_walk {
    const hp_holder *at; /* whoever got it; NULL: nobody */
    hp_addr src, dst; /* as it arrived */
    bool hairpinned;
    hp_stop stop;
    int box; /* who stopped it, or -1 */
} hp_walk;

void hp_walk_reset(hp_walk_state *state, const hp_ground *ground, hp_luck luck);
/* The symbol of a range of ports; of a single port always the same. */
uint16_t hp_walk_symbol(hp_walk_state *state, uint16_t first, uint16_t last);
/* Sends a packet from an endpoint attached by `from`. */
hp_walk hp_walk_send(hp_walk_state *state, hp_protocol protocol, const hp_plan_attachment *from, const hp_addr *src,
                     const hp_addr *dst);

/* Whether two addresses are one, ports aside. */
static inline bool hp_walk_same_address(const hp_addr *a, const hp_addr *b)
{
    return hp_addr_same_ip(a, b) && a->reserved == b->reserved;
}

/* wall.c: whether a firewall lets a packet through (index -1: there is none); it keeps it in mind. */
bool hp_wall_passes(hp_walk_state *state, int index, bool outwards, hp_protocol protocol, const hp_addr *src,
                    const hp_addr *dst);
/* Whether all its policies speak of protocol, family, addresses and ports alone. */
bool hp_wall_is_shallow(const hp_firewall_config *config);

/* What a NAT does to a protocol, with its own knobs and UDP's put together. */
typedef struct hp_box_policy {
    hp_nat_behaviour mapping, filtering;
    hp_nat_ports ports;
    hp_nat_hairpin hairpin;
    bool overload;
} hp_box_policy;

hp_box_policy hp_box_policy_of(const hp_nat_config *config, hp_protocol protocol);
/* Whether a box keeps one port for all destinations as far as anybody sees: by mapping, or because it preserves ports
 * and shares them (RFC 4787 section 8). */
bool hp_box_keeps_ports(const hp_box_policy *policy);

#endif
