/* Private to world/: when a link's wire takes a packet, and when that has left. */
#ifndef HP_WORLD_LINK_PACE_H
#define HP_WORLD_LINK_PACE_H

#include "config/link.h"

typedef enum hp_pace_kind {
    HP_PACE_NONE, /* no limit: nobody waits */
    HP_PACE_CONSTANT, /* one rate */
    HP_PACE_STEPS, /* a rate that changes at known instants */
    HP_PACE_OPPORTUNITIES, /* so many bytes at each of known instants */
} hp_pace_kind;

typedef struct hp_pace {
    hp_pace_kind kind;
    uint32_t surplus; /* opportunities: what the packet sent last has left of the one it ended with */
    hp_time busy_until; /* the packet sent last has left; not before the latest change */
    hp_time origin; /* from which steps and opportunities count */
    uint64_t next; /* the first opportunity not used; counted through all rounds of the trace */
    unsigned __int128 per_cycle; /* steps with a cycle: bits times 10^9 that one cycle sends; 0 = without limit */
} hp_pace;

/* Whether the rate is another at another time. */
static inline bool hp_pace_changes(const hp_pace *pace)
{
    return pace->kind == HP_PACE_STEPS || pace->kind == HP_PACE_OPPORTUNITIES;
}

/* Takes over the rate, steps or opportunities of c from `now` on. What is being sent keeps the wire until it has
 * left. */
void hp_pace_configure(hp_pace *pace, const hp_link_config *c, hp_time origin, hp_time now);
/* When the wire can take the packet that is next in line and came at `entered`; HP_NEVER: it will not. Rates take it as
 * soon as they can; an opportunity must lie after `entered`. */
hp_time hp_pace_start(hp_pace *pace, const hp_link_config *c, hp_time entered);
/* Sends it at `start`, as hp_pace_start() said: the answer is when its last bit has left, which is busy_until now. */
hp_time hp_pace_send(hp_pace *pace, const hp_link_config *c, hp_time start, uint32_t length);

#endif
