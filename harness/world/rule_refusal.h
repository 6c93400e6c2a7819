/* Private to world/: what the sender of a packet that may not pass is told, by the middlebox and the firewall. */
#ifndef HP_WORLD_RULE_REFUSAL_H
#define HP_WORLD_RULE_REFUSAL_H

#include "config/rule.h"
#include "wire/packet.h"

/* The reset that answers a TCP segment to nowhere (RFC 9293 section 3.10.7.1), from its destination to its source. NULL
 * for a reset, for what is no whole TCP header, and for later fragments. uid is 0. */
hp_packet *hp_reset_for(const hp_packet *segment);
/* What goes back to p's source, or NULL. `own` is where an ICMP error would come from; its family may be none. */
hp_packet *hp_refusal_for(hp_refusal refusal, const hp_packet *p, const hp_addr *own);

#endif
