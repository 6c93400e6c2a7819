/* The ring behind a connection's send and receive buffers. It knows no limit: its user offers no more than its window
 * or buffer allows. Growing doubles and keeps everything in the ring, also what lies beyond the queue's end, as nobody
 * here knows which of that is in use. It never shrinks, so that a steady flow allocates nothing. */
#include "world/tcp_ring.h"

#include <glib.h>
#include <string.h>

enum { SMALLEST = 2048 };

void hp_tcp_ring_clear(hp_tcp_ring *ring)
{
    g_free(ring->bytes);
    *ring = (hp_tcp_ring){0};
}

static void grow(hp_tcp_ring *ring, uint64_t needed)
{
    uint64_t capacity = MAX(ring->capacity, SMALLEST);
    while (capacity < needed) {
        capacity *= 2;
    }
    g_assert(capacity <= UINT32_C(1) << 31);
    uint8_t *bytes = g_malloc(capacity);
    if (ring->bytes != NULL) {
        uint32_t first = ring->capacity - ring->head;
        memcpy(bytes, ring->bytes + ring->head, first);
        memcpy(bytes + first, ring->bytes, ring->head);
    }
    g_free(ring->bytes);
    ring->bytes = bytes;
    ring->capacity = (uint32_t)capacity;
    ring->head = 0;
}

void hp_tcp_ring_put(hp_tcp_ring *ring, uint32_t offset, const uint8_t *bytes, uint32_t n)
{
    if (n == 0) {
        return;
    }
    if ((uint64_t)offset + n > ring->capacity) {
        grow(ring, (uint64_t)offset + n);
    }
    uint32_t at = (ring->head + offset) & (ring->capacity - 1);
    uint32_t first = MIN(n, ring->capacity - at);
    memcpy(ring->bytes + at, bytes, first);
    memcpy(ring->bytes, bytes + first, n - first);
}

hp_tcp_span hp_tcp_ring_span(const hp_tcp_ring *ring, uint32_t offset, uint32_t n)
{
    if (n == 0) {
        return (hp_tcp_span){0};
    }
    g_assert(offset <= ring->length && n <= ring->length - offset);
    uint32_t at = (ring->head + offset) & (ring->capacity - 1);
    uint32_t first = MIN(n, ring->capacity - at);
    return (hp_tcp_span){.bytes = {ring->bytes + at, ring->bytes}, .length = {first, n - first}};
}

void hp_tcp_ring_take(hp_tcp_ring *ring, uint8_t *out, uint32_t n)
{
    hp_tcp_span span = hp_tcp_ring_span(ring, 0, n);
    if (n == 0) {
        return;
    }
    if (out != NULL) {
        memcpy(out, span.bytes[0], span.length[0]);
        memcpy(out + span.length[0], span.bytes[1], span.length[1]);
    }
    ring->head = (ring->head + n) & (ring->capacity - 1);
    ring->length -= n;
}
