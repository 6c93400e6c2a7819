/* The network of a plan as the oracle sees it: who has which address in which zone, and which boxes lead out of a zone.
 * Private to oracle/. */
#ifndef HP_ORACLE_GROUND_H
#define HP_ORACLE_GROUND_H

#include "plan/plan.h"

typedef enum hp_holder_kind { HP_HOLDER_PEER, HP_HOLDER_SERVER, HP_HOLDER_NAT } hp_holder_kind;

/* One address in one zone. */
typedef struct hp_holder {
    hp_addr ip; /* port 0 */
    unsigned zone;
    hp_holder_kind kind;
    unsigned index, interface; /* in the plan */
    bool clat; /* stands for the IPv4 address of the interface's CLAT */
    const hp_plan_attachment *at;
} hp_holder;

/* What a zone sends, as it is, to the outside of a NAT or of a firewall. */
typedef struct hp_ground_route {
    unsigned zone;
    hp_prefix prefix;
    unsigned inner; /* the zone it leads into */
} hp_ground_route;

/* A firewall, wherever it stands. */
typedef struct hp_wall {
    const char *name; /* of the NAT, firewall, peer or server */
    const hp_plan_attachment *at; /* of a host: the interface it stands before; NULL: of a zone */
    unsigned zone; /* of a zone: its inside */
    hp_firewall_config config; /* owned */
} hp_wall;

typedef struct hp_ground {
    const hp_plan *plan;
    hp_holder *holders; /* by zone and address */
    unsigned n_holders;
    hp_ground_route *routes;
    unsigned n_routes;
    hp_wall *walls;
    unsigned n_walls;
} hp_ground;

void hp_ground_init(hp_ground *ground, const hp_plan *plan);
void hp_ground_clear(hp_ground *ground);

/* NULL: nobody in that zone has it. */
const hp_holder *hp_ground_find(const hp_ground *ground, unsigned zone, const hp_addr *ip);
/* The zone that a prefix routed from this one leads into, or -1. */
int hp_ground_route_of(const hp_ground *ground, unsigned zone, const hp_addr *ip);
/* The firewall before an interface; between a zone and what leads out of it. -1: none. */
int hp_ground_wall_of(const hp_ground *ground, const hp_plan_attachment *at);
int hp_ground_wall_around(const hp_ground *ground, unsigned zone);

/* Whether a link lets nothing through: down, or every packet is lost. */
bool hp_link_is_cut(const hp_link_config *link);
static inline bool hp_attachment_is_cut(const hp_plan_attachment *at)
{
    return hp_link_is_cut(&at->link.up) || hp_link_is_cut(&at->link.down);
}

/* How a NAT or a firewall is attached to the zone that this one leads out to; NULL: no way leads out. */
const hp_plan_attachment *hp_ground_way_out(const hp_plan *plan, unsigned zone);
/* Whether a zone lies behind a NAT, at any depth. */
bool hp_ground_is_behind(const hp_plan *plan, unsigned zone, unsigned nat);

#endif
