/* The load of the relay bench: TURN clients and their peer, made of packets alone, and how much of what they send
 * arrives.
 *
 * They have no sockets: the generator holds the TUN device that is the only interface of the server's namespace, writes
 * what clients and peer would send and reads what the server sends them. So the server's CPU is its own (across a veth
 * pair Linux delivers on the sender's account, up to the receiver's socket), and a thousand clients cost the generator
 * no more than one.
 *
 * Every client has an allocation and a channel to the one peer, and packets go both ways, one client after the other in
 * turn: to the server as ChannelData, to the relays as plain datagrams. What is sent in a turn is a frame: one packet,
 * or several back to back, the last of them shorter. Each carries the number of its window, so that
 * what comes late is not taken for the next one's, and when it was sent. */
#ifndef HP_BENCH_RELAY_LOAD_H
#define HP_BENCH_RELAY_LOAD_H

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/time.h"

typedef struct hp_relay_load hp_relay_load;

enum { HP_RELAY_LOAD_MAX_FRAME = 32 };

typedef struct hp_relay_load_config {
    int device; /* the TUN, with a virtio header before each packet; non-blocking, and the caller's */
    hp_addr server; /* with port; IPv4, as the others */
    hp_addr clients, peer; /* where they are; port 0 */
    const char *user, *password;
    unsigned n_clients;
    bool trains; /* the device takes a frame as one packet with segments */
    unsigned frame; /* packets of one flow back to back, at most HP_RELAY_LOAD_MAX_FRAME */
    size_t size, last_size; /* bytes of payload, at least 16; of the last packet of a frame, at most as many */
} hp_relay_load_config;

/* Waits until the server answers, for a few seconds, allocates and binds the channels. NULL and HP_ERROR_ENVIRONMENT
 * when it does not answer, or refuses. */
hp_relay_load *hp_relay_load_new(const hp_relay_load_config *config, GError **error);
void hp_relay_load_free(hp_relay_load *load);

typedef struct hp_relay_window {
    uint64_t sent, received; /* packets that were to be relayed, both ways; received in the window, or just after it */
    hp_time lasted; /* the sending */
    hp_time delay_median; /* from the device to the device */
} hp_relay_window;
/* Keeps so many packets under way for that long, both ways together: as fast as the server relays, whatever else the
 * machine does. What is not back after a tenth of a second counts as lost. */
hp_relay_window hp_relay_load_saturate(hp_relay_load *load, unsigned under_way, hp_time length);
/* Sends so many packets a second, both ways together, for that long. */
hp_relay_window hp_relay_load_run(hp_relay_load *load, uint64_t rate, hp_time length);

#endif
