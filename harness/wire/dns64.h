/* IPv4 addresses inside IPv6 ones (RFC 6052 section 2.2), for DNS64 and NAT64.
 *
 *    /32   prefix 32 | v4 32 | u | suffix 56          /56   prefix 56 | v4 8 | u | v4 24 | suffix 32
 *    /40   prefix 40 | v4 24 | u | v4 8 | suffix 48   /64   prefix 64 | u | v4 32 | suffix 24
 *    /48   prefix 48 | v4 16 | u | v4 16 | suffix 40  /96   prefix 96 | v4 32
 *
 * u, bits 64 to 71, is zero; so is the suffix. */
#ifndef HP_WIRE_DNS64_H
#define HP_WIRE_DNS64_H

#include "base/addr.h"

/* 64:ff9b::/96 (section 2.1). */
hp_prefix hp_dns64_well_known(void);
/* An IPv6 prefix of 32, 40, 48, 56, 64 or 96 bits whose u octet, where it is inside the prefix, is zero. */
bool hp_dns64_prefix_valid(const hp_prefix *prefix);
/* The port is kept. False for an address that is not IPv4 or a prefix that is not valid. */
bool hp_dns64_embed(const hp_prefix *prefix, const hp_addr *v4, hp_addr *ret);
/* The reverse; false for an address outside the prefix or with bits in the u octet. The suffix is not looked at. */
bool hp_dns64_extract(const hp_prefix *prefix, const hp_addr *v6, hp_addr *ret);

#endif
