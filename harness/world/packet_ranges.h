/* Private to world/: runs of packet numbers. */
#ifndef HP_WORLD_PACKET_RANGES_H
#define HP_WORLD_PACKET_RANGES_H

#include "config/link.h"

/* A new array, sorted by first, without empty, overlapping or touching ranges; NULL when nothing is left. */
hp_packet_range *hp_packet_ranges_merge(const hp_packet_range *ranges, unsigned n, unsigned *ret_n);

#endif
