/* A byte queue in a ring that grows to the largest it ever held. Bytes may be put beyond its end before those in
 * between are there (segments out of order). Private to tcp*.c. */
#ifndef HP_WORLD_TCP_RING_H
#define HP_WORLD_TCP_RING_H

#include <stddef.h>
#include <stdint.h>

/* Zero it to start. */
typedef struct hp_tcp_ring {
    uint8_t *bytes;
    uint32_t capacity; /* 0 or a power of two */
    uint32_t head;
    uint32_t length; /* bytes that are in the queue, not counting those put beyond its end */
} hp_tcp_ring;

/* A stretch of the ring, in two parts where it goes round the end. */
typedef struct hp_tcp_span {
    const uint8_t *bytes[2];
    uint32_t length[2];
} hp_tcp_span;

void hp_tcp_ring_clear(hp_tcp_ring *ring);
/* Writes n bytes at `offset` from the head, within the queue or beyond its end; the queue's length stays. */
void hp_tcp_ring_put(hp_tcp_ring *ring, uint32_t offset, const uint8_t *bytes, uint32_t n);
static inline void hp_tcp_ring_append(hp_tcp_ring *ring, const uint8_t *bytes, uint32_t n)
{
    hp_tcp_ring_put(ring, ring->length, bytes, n);
    ring->length += n;
}
/* n bytes at `offset`, which are there; valid until the ring is written to. */
hp_tcp_span hp_tcp_ring_span(const hp_tcp_ring *ring, uint32_t offset, uint32_t n);
/* Takes the first n bytes, which are there, out of the queue; out may be NULL. */
void hp_tcp_ring_take(hp_tcp_ring *ring, uint8_t *out, uint32_t n);

#endif
