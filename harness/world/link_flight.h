/* Private to world/: the packets in flight on a link, sorted by the time of their delivery. */
#ifndef HP_WORLD_LINK_FLIGHT_H
#define HP_WORLD_LINK_FLIGHT_H

#include "world/world.h"

enum { HP_LINK_PORT_FAR = 0, HP_LINK_PORT_BACK = 1 };

/* Places in the flight, counted from the head, at which the far node is given its hints. At some 50 ns of work a packet
 * four of them outlast a miss that goes all the way to memory. */
enum { HP_FLIGHT_NEAR = 4, HP_FLIGHT_FAR = 8 };

typedef struct hp_flying {
    hp_time at; /* its delivery */
    hp_packet *p;
    uint32_t port; /* out of which it leaves */
} hp_flying;

/* Zeroed, it is empty and owns nothing. */
typedef struct hp_flight {
    hp_flying *ring; /* a power of two of slots */
    uint32_t head, n, size;
} hp_flight;

static inline hp_flying *hp_flight_at(const hp_flight *flight, uint32_t i)
{
    return &flight->ring[(flight->head + i) & (flight->size - 1)];
}

/* When the first is delivered; HP_NEVER: none flies. */
static inline hp_time hp_flight_next(const hp_flight *flight)
{
    return flight->n > 0 ? flight->ring[flight->head].at : HP_NEVER;
}

/* Takes the first, which must exist. */
static inline hp_flying hp_flight_take(hp_flight *flight)
{
    hp_flying first = flight->ring[flight->head];
    flight->head = (flight->head + 1) & (flight->size - 1);
    flight->n--;
    return first;
}

/* Takes its place behind all that are delivered no later; returns it, 0 for the first. `link` is told to the far node
 * in the hints. */
uint32_t hp_flight_put(hp_flight *flight, const hp_node *link, hp_flying fresh);
/* The first of more than HP_FLIGHT_NEAR is about to be taken: the hints for those behind it. */
void hp_flight_hint(const hp_flight *flight, const hp_node *link);
/* Takes p out, wherever it is; false when it does not fly. */
bool hp_flight_recall(hp_flight *flight, const hp_packet *p);
/* Frees all packets and the ring. */
void hp_flight_clear(hp_flight *flight);

#endif
