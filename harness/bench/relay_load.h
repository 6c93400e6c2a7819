/* The load of the relay bench: TURN clients and their peers on the kernel's sockets, and how much of what they send
 * arrives.
 *
 * Every client has an allocation and a channel to the one peer, and packets go both ways, one after another in turn: to
 * the server as ChannelData, to the relays as plain datagrams. Each carries the number of its window, so that what
 * comes late is not taken for the next one's, and when it was sent. */
#ifndef HP_BENCH_RELAY_LOAD_H
#define HP_BENCH_RELAY_LOAD_H

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/time.h"

typedef struct hp_relay_load hp_relay_load;

typedef struct hp_relay_load_config {
    hp_addr server; /* with port */
    hp_addr clients, peer; /* where they are; port 0 */
    const char *user, *password;
    unsigned n_clients;
    size_t size; /* bytes of payload, at least 16 */
} hp_relay_load_config;

/* Allocates and binds the channels. NULL and HP_ERROR_ENVIRONMENT when the server does not answer within a few seconds,
 * or refuses. */
hp_relay_load *hp_relay_load_new(const hp_relay_load_config *config, GError **error);
void hp_relay_load_free(hp_relay_load *load);

typedef struct hp_relay_window {
    uint64_t sent, received; /* packets that were to be relayed, both ways; received in the window, or just after it */
    hp_time lasted; /* the sending */
    hp_time delay_median, delay_p99; /* from one socket to the other */
} hp_relay_window;
/* Sends so many packets a second, both ways together, for that long. */
hp_relay_window hp_relay_load_run(hp_relay_load *load, uint64_t rate, hp_time length);
/* Whether the server answers a Binding request at that address, asked for up to a few seconds. */
bool hp_relay_load_answers(const hp_addr *server, const hp_addr *from);

#endif
