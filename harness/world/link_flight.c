/* The flight of a link: a ring sorted by the time of delivery, packets of one time in the order in which they came.
 *
 * Nearly every packet is delivered after all that entered before it and goes to the end; one that is to overtake moves
 * those it passes.
 *
 * Hints: what a packet meets at the far node mostly lies in memory that is cold, and the flight knows who comes next.
 * So the far node is told of a packet twice before it arrives (hp_hint): far ahead, and again when what it fetched then
 * will be there. In a burst that is at places 8 and 4 of the flight; the first of a burst, which enter nearer to the
 * head, get the first hint as they enter and the second when four more have. A packet that travels with fewer others,
 * or is passed by one, may miss its second hint, or both. */
#include "world/link_flight.h"

enum { GAP = HP_FLIGHT_FAR - HP_FLIGHT_NEAR, FIRST_SIZE = 16 };

static void give_hint(const hp_flight *flight, const hp_node *link, uint32_t i, hp_hint hint)
{
    const hp_flying *f = hp_flight_at(flight, i);
    if (f->port == HP_LINK_PORT_FAR) {
        const hp_port *to = &link->out[HP_LINK_PORT_FAR];
        to->node->ops->hint(to->node, to->port, f->p, hint);
    }
}

static bool wants_hints(const hp_node *link)
{
    return hp_node_is_connected(link, HP_LINK_PORT_FAR) && link->out[HP_LINK_PORT_FAR].node->ops->hint != NULL;
}

/* A packet took place i at the end of the flight. */
static void hint_at_launch(const hp_flight *flight, const hp_node *link, uint32_t i)
{
    if (i < HP_FLIGHT_FAR && wants_hints(link)) {
        give_hint(flight, link, i, HP_HINT_FAR);
        if (i >= GAP) {
            give_hint(flight, link, i - GAP, HP_HINT_NEAR);
        }
    }
}

void hp_flight_hint(const hp_flight *flight, const hp_node *link)
{
    if (!wants_hints(link)) {
        return;
    }
    give_hint(flight, link, HP_FLIGHT_NEAR, HP_HINT_NEAR);
    if (flight->n > HP_FLIGHT_FAR) {
        give_hint(flight, link, HP_FLIGHT_FAR, HP_HINT_FAR);
    }
}

static void grow(hp_flight *flight)
{
    uint32_t size = flight->size == 0 ? FIRST_SIZE : flight->size * 2;
    hp_flying *ring = g_new(hp_flying, size);
    for (uint32_t i = 0; i < flight->n; i++) {
        ring[i] = *hp_flight_at(flight, i);
    }
    g_free(flight->ring);
    flight->ring = ring;
    flight->head = 0;
    flight->size = size;
}

uint32_t hp_flight_put(hp_flight *flight, const hp_node *link, hp_flying fresh)
{
    if (flight->n == flight->size) {
        grow(flight);
    }
    uint32_t i = flight->n++;
    while (i > 0 && hp_flight_at(flight, i - 1)->at > fresh.at) {
        *hp_flight_at(flight, i) = *hp_flight_at(flight, i - 1);
        i--;
    }
    *hp_flight_at(flight, i) = fresh;
    if (i == flight->n - 1) {
        hint_at_launch(flight, link, i);
    }
    return i;
}

bool hp_flight_recall(hp_flight *flight, const hp_packet *p)
{
    uint32_t i = 0;
    while (i < flight->n && hp_flight_at(flight, i)->p != p) {
        i++;
    }
    if (i == flight->n) {
        return false;
    }
    flight->n--;
    for (; i < flight->n; i++) {
        *hp_flight_at(flight, i) = *hp_flight_at(flight, i + 1);
    }
    return true;
}

void hp_flight_clear(hp_flight *flight)
{
    for (uint32_t i = 0; i < flight->n; i++) {
        hp_packet_free(hp_flight_at(flight, i)->p);
    }
    g_free(flight->ring);
    *flight = (hp_flight){0};
}
