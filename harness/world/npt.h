/* IPv6-to-IPv6 network prefix translation (RFC 6296): the arithmetic of one pair of prefixes. */
#ifndef HP_WORLD_NPT_H
#define HP_WORLD_NPT_H

#include "base/addr.h"

typedef struct hp_npt {
    hp_prefix inside, outside; /* of the same length */
    uint16_t adjustment; /* what an address gains, in one's complement, on its way out */
} hp_npt;

/* False, and *npt untouched, unless both are IPv6 prefixes of 1 to 64 bits. The shorter is made as long as the longer,
 * by zeros (RFC 6296 wants them equal in effect). */
bool hp_npt_init(hp_npt *npt, const hp_prefix *inside, const hp_prefix *outside);
/* Replaces the prefix of *a: the inside one when `outward`, else the outside one. False, and *a untouched, when it has
 * another prefix, or no word that could take up the difference (sections 3.4, 3.5). Port and checksum stay. */
bool hp_npt_map(const hp_npt *npt, bool outward, hp_addr *a);

#endif
