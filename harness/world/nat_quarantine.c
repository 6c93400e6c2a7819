/* Ports that were given up and that nobody may have yet (RFC 6888 REQ-8).
 *
 * A port comes here when the last mapping that had it is gone, however it ended; a reboot keeps the list (as the RFC
 * wants of a loss of state), other external addresses do not. In the port table it stands as reserved. Nothing can be
 * observed of the end of its time but that the port is free, so there is no timer: whoever looks for a port first sheds
 * what is due. The list is in order of giving up, a change of the knob concerns every port in it from the time that it
 * was given up. With a limit, the port that has waited longest is free early.
 *
 * TCP's ports are exempt unless port_quarantine_tcp says otherwise: where sessions are tracked, a port is given up only
 * after the connections that used it (REQ-8a). */
#include "world/nat_private.h"

static hp_nat_left_port *nth(hp_nat_quarantine *q, uint32_t n)
{
    return &q->ports[(q->first + n) % q->capacity];
}

static void free_first(hp_nat *nat)
{
    hp_nat_quarantine *q = &nat->quarantine;
    hp_nat_left_port *left = nth(q, 0);
    q->first = (q->first + 1) % q->capacity;
    q->n--;
    hp_nat_ports_unreserve(nat, left->proto, left->external, left->port);
}

void hp_nat_quarantine_add(hp_nat *nat, hp_nat_proto proto, uint16_t external, uint16_t port)
{
    hp_nat_quarantine *q = &nat->quarantine;

    if (q->n == q->capacity) {
        uint32_t capacity = q->capacity ? q->capacity * 2 : 64;
        hp_nat_left_port *ports = g_new(hp_nat_left_port, capacity);
        for (uint32_t i = 0; i < q->n; i++)
            ports[i] = *nth(q, i);
        g_free(q->ports);
        *q = (hp_nat_quarantine){.ports = ports, .n = q->n, .capacity = capacity};
    }
    q->n++;
    *nth(q, q->n - 1) = (hp_nat_left_port){
        .at = hp_world_now(nat->node.world), .external = external, .port = port, .proto = (uint8_t)proto};
    while (nat->config.port_quarantine_max && q->n > nat->config.port_quarantine_max)
        free_first(nat);
}

void hp_nat_quarantine_shed(hp_nat *nat)
{
    hp_nat_quarantine *q = &nat->quarantine;
    hp_time now = hp_world_now(nat->node.world);
    while (q->n && hp_time_add(nth(q, 0)->at, nat->config.port_quarantine) <= now)
        free_first(nat);
}

void hp_nat_quarantine_restore(hp_nat *nat)
{
    hp_nat_quarantine *q = &nat->quarantine;
    for (uint32_t i = 0; i < q->n; i++)
        hp_nat_ports_reserve(nat, nth(q, i)->proto, nth(q, i)->external, nth(q, i)->port);
}

void hp_nat_quarantine_clear(hp_nat_quarantine *q)
{
    g_free(q->ports);
    *q = (hp_nat_quarantine){0};
}

size_t hp_nat_quarantine_memory(const hp_nat_quarantine *q)
{
    return q->capacity * sizeof *q->ports;
}
