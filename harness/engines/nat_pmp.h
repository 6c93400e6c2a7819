/* NAT-PMP (RFC 6886), both sides, sans-IO: the server on a NAT, and the client of a host behind it.
 *
 *    0                   1                   2                   3
 *   +---------------+---------------+-------------------------------+
 *   |  version 0    |    opcode     |  result code (answers alone)  |   opcode + 128 in answers
 *   +---------------+---------------+-------------------------------+
 *   |        seconds since the epoch (answers alone)                |
 *   +-------------------------------+-------------------------------+
 *   |        internal port          |         external port         |   opcodes 1 and 2; of opcode 0 the answer has
 *   +-------------------------------+-------------------------------+   the external address here
 *   |                      lifetime in seconds                      |
 *   +---------------------------------------------------------------+
 *
 * send() is the last thing an input does, so that a driver may deliver synchronously. Times never go back. */
#ifndef HP_ENGINES_NAT_PMP_H
#define HP_ENGINES_NAT_PMP_H

#include <glib.h>

#include "engines/pcp_leases.h"

#define HP_NAT_PMP_PORT 5351 /* of servers */
#define HP_NAT_PMP_CLIENT_PORT 5350 /* where announcements go: 224.0.0.1:5350 */

typedef enum hp_nat_pmp_code {
    HP_NAT_PMP_SUCCESS = 0,
    HP_NAT_PMP_UNSUPPORTED_VERSION = 1,
    HP_NAT_PMP_NOT_AUTHORIZED = 2,
    HP_NAT_PMP_NETWORK_FAILURE = 3,
    HP_NAT_PMP_OUT_OF_RESOURCES = 4,
    HP_NAT_PMP_UNSUPPORTED_OPCODE = 5,
} hp_nat_pmp_code;

enum { HP_NAT_PMP_ADDRESS = 0, HP_NAT_PMP_MAP_UDP = 1, HP_NAT_PMP_MAP_TCP = 2 };

/* ---- server (nat_pmp.c) ---- */

/* Of every request that gets an answer. */
typedef struct hp_nat_pmp_server_event {
    hp_addr client;
    uint8_t version, opcode;
    unsigned code;
    hp_addr internal, external; /* of opcodes 1 and 2; external of family none where nothing was mapped */
    uint32_t lifetime; /* granted; 0 of a deletion */
} hp_nat_pmp_server_event;

typedef struct hp_nat_pmp_server_ops {
    void (*send)(void *user, hp_time now, const hp_addr *to, const uint8_t *data, size_t len);
    /* May be NULL. */
    void (*event)(void *user, hp_time now, const hp_nat_pmp_server_event *event);
} hp_nat_pmp_server_ops;

typedef struct hp_nat_pmp_server hp_nat_pmp_server;

/* leases must outlive the server; its config says what is allowed. ops is copied. */
hp_nat_pmp_server *hp_nat_pmp_server_new(hp_leases *leases, const hp_nat_pmp_server_ops *ops, void *user);
void hp_nat_pmp_server_free(hp_nat_pmp_server *server);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(hp_nat_pmp_server, hp_nat_pmp_server_free)
/* A request came to port 5351 of an inside address. The driver keeps out what came from outside (section 3.3). */
void hp_nat_pmp_server_input(hp_nat_pmp_server *server, hp_time now, const hp_addr *from, const uint8_t *data,
                             size_t len);
/* The gateway started, rebooted or got another external address: ten announcements, the first with the next run(). */
void hp_nat_pmp_server_announce(hp_nat_pmp_server *server, hp_time now);
hp_time hp_nat_pmp_server_deadline(const hp_nat_pmp_server *server);
void hp_nat_pmp_server_run(hp_nat_pmp_server *server, hp_time now);

/* ---- client (nat_pmp_client.c) ---- */

typedef enum hp_nat_pmp_client_event_kind {
    HP_NAT_PMP_EXTERNAL_ADDRESS, /* external; of an answer or an announcement, told when it changed or was asked for */
    HP_NAT_PMP_MAPPED, /* mapping external lifetime; the first time, and again when the external port is another */
    HP_NAT_PMP_RENEWED, /* mapping external lifetime */
    HP_NAT_PMP_UNMAPPED, /* mapping: gone, as was asked for */
    HP_NAT_PMP_REFUSED, /* mapping code: it is gone. mapping 0: the external address */
    HP_NAT_PMP_NO_ANSWER, /* mapping; it is gone unless it was being renewed */
    HP_NAT_PMP_EXPIRED, /* mapping: not renewed in time; it is gone */
    HP_NAT_PMP_REBOOTED, /* the epoch went back: all mappings are asked for again */
} hp_nat_pmp_client_event_kind;
const char *hp_nat_pmp_client_event_name(hp_nat_pmp_client_event_kind kind); /* "no-answer" */

typedef struct hp_nat_pmp_client_event {
    hp_nat_pmp_client_event_kind kind;
    uint64_t mapping; /* 0: none */
    uint8_t protocol;
    uint16_t internal_port;
    hp_addr external; /* of mappings the address is of family none until it is known */
    uint32_t lifetime;
    unsigned code;
} hp_nat_pmp_client_event;

typedef struct hp_nat_pmp_client_ops {
    /* To the gateway, from the host's address on its link. Called from run() alone. */
    void (*send)(void *user, hp_time now, const hp_addr *to, const uint8_t *data, size_t len);
    /* May start and end mappings. */
    void (*event)(void *user, hp_time now, const hp_nat_pmp_client_event *event);
} hp_nat_pmp_client_ops;

typedef struct hp_nat_pmp_client hp_nat_pmp_client;

hp_nat_pmp_client *hp_nat_pmp_client_new(const hp_port_client_config *config, const hp_nat_pmp_client_ops *ops,
                                         void *user);
void hp_nat_pmp_client_free(hp_nat_pmp_client *client);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(hp_nat_pmp_client, hp_nat_pmp_client_free)
void hp_nat_pmp_client_ask_address(hp_nat_pmp_client *client, hp_time now);
/* Keeps a mapping until it is ended. external_port 0: any; lifetime 0: the configured one. Returns its number, never
 * 0. protocol: HP_LEASE_TCP or HP_LEASE_UDP. */
uint64_t hp_nat_pmp_client_map(hp_nat_pmp_client *client, hp_time now, uint8_t protocol, uint16_t internal_port,
                               uint16_t external_port, hp_time lifetime);
/* An unknown number is no matter. */
void hp_nat_pmp_client_unmap(hp_nat_pmp_client *client, hp_time now, uint64_t mapping);
/* A datagram to the host's own port, or to 224.0.0.1:5350. */
void hp_nat_pmp_client_input(hp_nat_pmp_client *client, hp_time now, const hp_addr *from, const uint8_t *data,
                             size_t len);
/* ICMP port unreachable from the gateway: the request under way has no answer (section 3.1). */
void hp_nat_pmp_client_unreachable(hp_nat_pmp_client *client, hp_time now);
hp_time hp_nat_pmp_client_deadline(const hp_nat_pmp_client *client);
void hp_nat_pmp_client_run(hp_nat_pmp_client *client, hp_time now);

#endif
