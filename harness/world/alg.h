/* An application-level gateway's search for addresses in a payload (config/nat.h: hp_nat_alg). */
#ifndef HP_WORLD_ALG_H
#define HP_WORLD_ALG_H

#include "config/nat.h"
#include "wire/packet.h"

/* Puts `to` in the place of `from` wherever `where` says; returns how often. Addresses of one family, else 0. Ports
 * count in STUN attributes alone: to's is written too where it has one, but over another port than from's only when
 * from has none. Checksums stay true. */
unsigned hp_alg_run(hp_packet *p, const hp_nat_alg *where, const hp_addr *from, const hp_addr *to);

#endif
