/* Which of a name's addresses a client tries first: destination address selection (RFC 6724 section 6). */
#ifndef HP_ENGINES_DNS_ORDER_H
#define HP_ENGINES_DNS_ORDER_H

#include "base/addr.h"

/* Sorts addresses in place, best first, for a host that has these sources. Returns how many can be used: those of a
 * family without any source stand behind them. */
unsigned hp_dns_order(hp_addr *addresses, unsigned n, const hp_addr *sources, unsigned n_sources);

#endif
