/* The queue in front of a link's wire. The packet that is being sent is not in it and does not count.
 *
 * What chance does to a packet (jitter, reordering, duplication) is drawn when it enters and waits with it, so that the
 * link's random stream does not depend on when packets leave. */
#include "world/link_queue.h"

enum { DEFAULT_LIMIT = 1000, FIRST_SIZE = 16 };

static uint32_t packet_limit(const hp_link_config *c)
{
    return c->queue_packets != 0 ? c->queue_packets : DEFAULT_LIMIT;
}

bool hp_link_queue_has_room(const hp_link_queue *queue, const hp_link_config *c, uint32_t length)
{
    return queue->n < packet_limit(c) && (c->queue_bytes == 0 || queue->bytes + length <= c->queue_bytes);
}

bool hp_link_queue_is_over(const hp_link_queue *queue, const hp_link_config *c)
{
    return queue->n > packet_limit(c) || (c->queue_bytes != 0 && queue->bytes > c->queue_bytes);
}

static void make_room(hp_link_queue *queue)
{
    if (queue->n < queue->size) {
        return;
    }
    uint32_t size = queue->size == 0 ? FIRST_SIZE : queue->size * 2;
    hp_waiter *ring = g_new(hp_waiter, size);
    for (uint32_t i = 0; i < queue->n; i++) {
        ring[i] = *hp_link_queue_at(queue, i);
    }
    g_free(queue->ring);
    queue->ring = ring;
    queue->head = 0;
    queue->size = size;
}

void hp_link_queue_push(hp_link_queue *queue, const hp_waiter *w)
{
    make_room(queue);
    *hp_link_queue_at(queue, queue->n++) = *w;
    queue->bytes += w->length;
}

void hp_link_queue_push_back(hp_link_queue *queue, const hp_waiter *w)
{
    make_room(queue);
    queue->head = (queue->head - 1) & (queue->size - 1);
    queue->n++;
    *hp_link_queue_at(queue, 0) = *w;
    queue->bytes += w->length;
}

hp_waiter hp_link_queue_take(hp_link_queue *queue)
{
    hp_waiter w = *hp_link_queue_at(queue, 0);
    queue->head = (queue->head + 1) & (queue->size - 1);
    queue->n--;
    queue->bytes -= w.length;
    return w;
}

hp_waiter hp_link_queue_take_last(hp_link_queue *queue)
{
    hp_waiter w = *hp_link_queue_at(queue, --queue->n);
    queue->bytes -= w.length;
    return w;
}

void hp_link_queue_clear(hp_link_queue *queue)
{
    for (uint32_t i = 0; i < queue->n; i++) {
        hp_packet_free(hp_link_queue_at(queue, i)->p);
    }
    g_free(queue->ring);
    *queue = (hp_link_queue){0};
}
