/* Private to programs/: whether somebody has bound a port in this thread's network namespace. */
#ifndef HP_PROGRAMS_BOUND_PORT_H
#define HP_PROGRAMS_BOUND_PORT_H

#include <stdbool.h>
#include <stdint.h>

/* A UDP socket bound to the port, or a TCP socket that listens at it, at any address of either family. */
bool hp_bound_port_udp(uint16_t port);
bool hp_bound_port_tcp(uint16_t port);
/* The same in the text of /proc/net/udp or tcp; state: of the sockets meant, as it stands there ("0A": TCP listens;
 * NULL: any). */
bool hp_bound_port_in(const char *table, uint16_t port, const char *state);

#endif
