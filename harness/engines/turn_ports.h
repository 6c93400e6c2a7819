/* Ports of relayed addresses: which are free, which are taken, which rest. Private to the folder. */
#ifndef HP_ENGINES_TURN_PORTS_H
#define HP_ENGINES_TURN_PORTS_H

#include <glib.h>

#include "base/rng.h"
#include "base/time.h"

typedef enum hp_port_shape {
    HP_PORT_ANY,
    HP_PORT_EVEN,
    HP_PORT_PAIR, /* an even one and the next, both */
} hp_port_shape;

typedef struct hp_turn_ports {
    uint16_t first, last;
    uint64_t taken[2][65536 / 64]; /* by family (0: IPv4), then by port */
    GArray *resting; /* of struct resting (turn_ports.c), soonest first */
    guint resting_from; /* those before it are free again */
} hp_turn_ports;

void hp_turn_ports_init(hp_turn_ports *ports, uint16_t first, uint16_t last);
void hp_turn_ports_clear(hp_turn_ports *ports);
/* Takes a free port (of a pair: both) at random. False when there is none. */
bool hp_turn_ports_take(hp_turn_ports *ports, hp_rng *rng, hp_time now, uint8_t family, hp_port_shape shape,
                        uint16_t *ret);
/* Free at once: nobody ever used it. */
void hp_turn_ports_give_back(hp_turn_ports *ports, uint8_t family, uint16_t port);
/* Free after the rest. */
void hp_turn_ports_retire(hp_turn_ports *ports, hp_time now, uint8_t family, uint16_t port);

#endif
