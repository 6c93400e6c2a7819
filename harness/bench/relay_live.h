/* TURN relays for real: Hairpin's server (`hairpin serve`) and coturn, each a process in a network namespace, under the
 * same load, in three shapes: voice, data (both packet by packet) and video (frames of packets). What is measured: packets
 * relayed for a second of the server's CPU, the rate until packets are lost, the CPU of a packet at a rate that all can
 * do; the memory of an allocation. */
#ifndef HP_BENCH_RELAY_LIVE_H
#define HP_BENCH_RELAY_LIVE_H

#include "base/time.h"
#include "bench/document.h"

typedef enum hp_bench_relay { HP_BENCH_RELAY_BUILTIN, HP_BENCH_RELAY_COTURN, HP_BENCH_RELAY_N } hp_bench_relay;
const char *hp_bench_relay_name(hp_bench_relay relay); /* "coturn" */

typedef struct hp_bench_relay_options {
    bool servers[HP_BENCH_RELAY_N];
    const unsigned *clients; /* each number for itself */
    unsigned n_clients;
    unsigned repeats;
    unsigned n_shapes; /* of the load, in this order: voice, data, video */
    hp_time window; /* of one rate */
    bool highest; /* look for the highest rate without loss, which takes most of the time */
} hp_bench_relay_options;

/* clients: 8 and 100. */
hp_bench_relay_options hp_bench_relay_defaults(void);
/* NULL and HP_ERROR_ENVIRONMENT where there are no namespaces, or a server is missing. */
bool hp_bench_relay_add(hp_bench_document *document, const hp_bench_relay_options *options, GError **error);
/* The same as a document of its own. */
hp_bench_document *hp_bench_relay_run(const hp_bench_relay_options *options, GError **error);

#endif
