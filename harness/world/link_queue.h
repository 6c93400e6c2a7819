/* Private to world/: the packets that wait for a link's wire, first in, first out. */
#ifndef HP_WORLD_LINK_QUEUE_H
#define HP_WORLD_LINK_QUEUE_H

#include "config/link.h"
#include "wire/packet.h"

/* A packet, and what chance had in store for it when it entered. */
typedef struct hp_waiter {
    hp_packet *p;
    hp_time entered;
    hp_time jitter;
    hp_time held; /* by reordering; 0 = not */
    uint32_t length; /* on the wire */
    bool twice; /* a duplicate goes with it */
} hp_waiter;

/* Zeroed, it is empty and owns nothing. */
typedef struct hp_link_queue {
    hp_waiter *ring; /* a power of two of slots */
    uint32_t head, n, size;
    uint64_t bytes; /* sum of lengths */
} hp_link_queue;

static inline hp_waiter *hp_link_queue_at(const hp_link_queue *queue, uint32_t i)
{
    return &queue->ring[(queue->head + i) & (queue->size - 1)];
}

/* Whether one more of that length may wait under the limits of c. */
bool hp_link_queue_has_room(const hp_link_queue *queue, const hp_link_config *c, uint32_t length);
/* Whether what waits is more than the limits of c allow. */
bool hp_link_queue_is_over(const hp_link_queue *queue, const hp_link_config *c);
void hp_link_queue_push(hp_link_queue *queue, const hp_waiter *w);
/* Back to the head, where it came from. */
void hp_link_queue_push_back(hp_link_queue *queue, const hp_waiter *w);
/* These take the packet at either end, which must exist. */
hp_waiter hp_link_queue_take(hp_link_queue *queue);
hp_waiter hp_link_queue_take_last(hp_link_queue *queue);
/* Frees all packets and the ring. */
void hp_link_queue_clear(hp_link_queue *queue);

#endif
