/* Ports that would be misread in a capture. */
#ifndef HP_WIRE_CLAIMED_PORTS_H
#define HP_WIRE_CLAIMED_PORTS_H

#include <stdbool.h>
#include <stdint.h>

/* Whether packet viewers take UDP on this port for some other protocol. Only ports from 1024 up are looked at. */
bool hp_port_is_claimed(uint16_t port);

#endif
