/* A built-in STUN or TURN server on a virtual host: engine, sockets, clock and trace tied together. */
#ifndef HP_ACTORS_SERVER_H
#define HP_ACTORS_SERVER_H

#include "actors/server_meter.h"
#include "config/server.h"
#include "world/host.h"

typedef struct hp_server hp_server;

/* Listens on every address of the host, over each of config.transports (config.port, and the RFC 5780 alternates when
 * asked; config.tls_port). config is copied shallowly:
 * its strings and arrays must outlive the server. Traces server-started. */
hp_server *hp_server_new(hp_host *host, const char *name, const hp_server_config *config, GError **error);
/* From now on the CPU of its engine is counted there; NULL: no more. meter must outlive the server. */
void hp_server_set_meter(hp_server *server, hp_server_meter *meter);
/* Stop: sockets close, and with them every allocation (traced); start: empty-handed, with a new nonce key. */
void hp_server_stop(hp_server *server);
bool hp_server_start(hp_server *server, GError **error);
bool hp_server_is_running(const hp_server *server);
/* Traces turn-allocation-ended (run-end) with the byte counts for what is still alive. */
void hp_server_finish(hp_server *server);
void hp_server_free(hp_server *server);

/* What it has done so far, over all its lives. What was relayed is counted when an allocation ends. */
typedef struct hp_server_totals {
    uint64_t requests, errors; /* errors: answered with one */
    uint64_t allocations, dropped; /* dropped: what was to be relayed and could not be */
    uint64_t packets_to_peers, packets_to_clients, bytes_to_peers, bytes_to_clients;
} hp_server_totals;
const hp_server_totals *hp_server_get_totals(const hp_server *server);

#endif
