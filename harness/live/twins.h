/* Packets that went into a kernel and come out of it elsewhere, translated: which of those is which.
 *
 * A packet that the kernel gives is a new one to the fabric. One that went in on the other side shortly before with the
 * same protocol, the same bytes and the same remote end is taken for the same packet; the newest first, since what the
 * kernel has dropped never comes out. What the kernel makes anew (errors, fragments) has no twin. */
#ifndef HP_LIVE_TWINS_H
#define HP_LIVE_TWINS_H

#include "wire/packet.h"

enum { HP_TWINS_KEPT = 256 };

typedef struct hp_twin {
    uint64_t uid, hash; /* uid 0: none */
    hp_addr remote;
    uint32_t length;
    uint8_t proto, side;
} hp_twin;

/* Zeroed, it knows none. */
typedef struct hp_twins {
    hp_twin kept[HP_TWINS_KEPT]; /* a ring */
    unsigned next;
} hp_twins;

/* p goes in on that side (HP_NAT_INSIDE, HP_NAT_OUTSIDE). */
void hp_twins_enter(hp_twins *twins, unsigned side, const hp_packet *p);
/* p comes out on that side: the uid of its twin, which is forgotten, or 0. */
uint64_t hp_twins_leave(hp_twins *twins, unsigned side, const hp_packet *p);

#endif
