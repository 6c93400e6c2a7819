/* Private to plan/: IPv6 that a NAT does not translate by its table, and IPv4 that goes by a NAT64. */
#ifndef HP_PLAN_ROUTED_H
#define HP_PLAN_ROUTED_H

#include "plan/plan.h"

/* The prefix by which the outside of NAT `index` knows its inside, whose own is inside6; family none where it knows
 * only the NAT's addresses. */
hp_prefix hp_routed_prefix_of(const hp_sc_nat *nat, unsigned index, const hp_prefix *inside6);
/* The families in which a NAT has external addresses, when the scenario lists none. */
hp_sc_family hp_routed_outside_family(const hp_plan *plan, unsigned nat);
/* What is wrong with the prefix of a NAT, as it is routed to it, or with that of its NAT64; NULL: nothing. Caller
 * frees. */
char *hp_routed_problem(const hp_plan *plan, unsigned nat);
/* The nearest NAT that does NAT64, from a zone outwards; -1: none. */
int hp_routed_nat64_of(const hp_plan *plan, unsigned zone);
hp_prefix hp_routed_nat64_prefix(const hp_sc_nat *nat);
/* The IPv4 address of a host with a CLAT (RFC 7335): the same everywhere, since nobody else sees it. */
hp_addr hp_routed_clat4(void);

#endif
