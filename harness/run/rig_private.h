/* Private to run/: what the parts of the rig share. */
#ifndef HP_RUN_RIG_PRIVATE_H
#define HP_RUN_RIG_PRIVATE_H

#include "run/rig.h"

/* ---- rig.c ---- */

/* Connects an element's port to the zone that the plan attaches it to. */
void hp_rig_attach(hp_rig *rig, hp_rig_attachment *at, const hp_plan_attachment *plan, hp_node *node,
                   unsigned node_port, const char *owner);
/* Hangs an element's port on a zone as its default route. */
void hp_rig_attach_inside(hp_rig *rig, hp_rig_inside *at, unsigned zone, hp_node *node, unsigned node_port);
/* Packets to the prefix go to an attachment, in its zone and in those further out as far as it is routed: through
 * firewalls, and IPv6 through NATs that route it. Passed on, it belongs to the inside of each on the way. Once all NATs
 * and firewalls are there. */
void hp_rig_route_prefix(hp_rig *rig, const hp_rig_attachment *at, const hp_prefix *prefix);
hp_addr hp_rig_first_of(const hp_addr *addresses, unsigned n, uint8_t family);

/* ---- rig_kernel_nat.c ---- */

/* A NAT of either kind, with its addresses; not attached yet. */
void hp_rig_build_nat(hp_rig *rig, unsigned nat);
hp_node *hp_rig_nat_node(const hp_rig *rig, unsigned nat);
void hp_rig_nat_add_inside_prefix(hp_rig *rig, unsigned nat, const hp_prefix *prefix);
/* It has other addresses from now on, and forgets its mappings; and only that. */
void hp_rig_nat_renumber(hp_rig *rig, unsigned nat, const hp_addr *addresses, unsigned n);
void hp_rig_nat_reboot(hp_rig *rig, unsigned nat);

/* ---- rig_firewall.c ---- */

/* The inside of a NAT, with the firewall before it where it has one. */
void hp_rig_attach_nat_inside(hp_rig *rig, unsigned nat);
/* A firewall before a host's port; its outside is for the caller to attach. */
hp_firewall *hp_rig_host_firewall(hp_rig *rig, hp_node *host, unsigned port, const hp_plan_attachment *at,
                                  const hp_sc_firewall *source);
/* The firewalls that have a zone, and the routes to what is behind them. Once all NATs are there. */
void hp_rig_build_firewalls(hp_rig *rig);

/* ---- rig_rules.c ---- */

/* Puts the middleboxes into their wires. Once everything else is there. */
bool hp_rig_build_rules(hp_rig *rig, GError **error);

#endif
