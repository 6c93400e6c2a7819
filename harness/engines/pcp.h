/* PCP (RFC 6887), both sides, sans-IO: the server on a NAT, and the client of a host behind it.
 *
 *   request                                           answer
 *   +---------------+-+-------------+---------------+ +---------------+-+-------------+-------+--------+
 *   |  version 2    |0|   opcode    |   reserved    | |  version 2    |1|   opcode    | resvd | result |
 *   +---------------+-+-------------+---------------+ +---------------+-+-------------+-------+--------+
 *   |          requested lifetime, seconds          | |              lifetime, seconds                 |
 *   +-----------------------------------------------+ +------------------------------------------------+
 *   |                                               | |              epoch, seconds                    |
 *   |      client's address (128 bits; IPv4 as      | +------------------------------------------------+
 *   |               ::ffff:a.b.c.d)                 | |              reserved (96 bits)                |
 *   +-----------------------------------------------+ +------------------------------------------------+
 *   |     data of the opcode, then options: code, reserved, length of 16 bits, data, padding to 4      |
 *   +--------------------------------------------------------------------------------------------------+
 *
 * send() is the last thing a server's input does, so that a driver may deliver synchronously. Times never go back. */
#ifndef HP_ENGINES_PCP_H
#define HP_ENGINES_PCP_H

#include <glib.h>

#include "base/rng.h"
#include "engines/nat_pmp.h"
#include "engines/pcp_leases.h"

#define HP_PCP_VERSION 2
#define HP_PCP_PORT 5351
#define HP_PCP_CLIENT_PORT 5350 /* where announcements go: 224.0.0.1:5350, [ff02::1]:5350 */
#define HP_PCP_HEADER 24
#define HP_PCP_MAX 1100

typedef enum hp_pcp_opcode { HP_PCP_ANNOUNCE = 0, HP_PCP_MAP = 1, HP_PCP_PEER = 2 } hp_pcp_opcode;

typedef enum hp_pcp_option { HP_PCP_THIRD_PARTY = 1, HP_PCP_PREFER_FAILURE = 2, HP_PCP_FILTER = 3 } hp_pcp_option;

/* Section 7.4. */
typedef enum hp_pcp_result {
    HP_PCP_SUCCESS = 0,
    HP_PCP_UNSUPP_VERSION,
    HP_PCP_NOT_AUTHORIZED,
    HP_PCP_MALFORMED_REQUEST,
    HP_PCP_UNSUPP_OPCODE,
    HP_PCP_UNSUPP_OPTION,
    HP_PCP_MALFORMED_OPTION,
    HP_PCP_NETWORK_FAILURE,
    HP_PCP_NO_RESOURCES,
    HP_PCP_UNSUPP_PROTOCOL,
    HP_PCP_USER_EX_QUOTA,
    HP_PCP_CANNOT_PROVIDE_EXTERNAL,
    HP_PCP_ADDRESS_MISMATCH,
    HP_PCP_EXCESSIVE_REMOTE_PEERS,
} hp_pcp_result;
const char *hp_pcp_result_name(unsigned result); /* "NO_RESOURCES"; "UNKNOWN" past the end */

/* Addresses as PCP has them (section 5): 16 bytes, IPv4 as ::ffff:a.b.c.d. */
void hp_pcp_put_addr(uint8_t out[static 16], const hp_addr *a);
/* Port 0. The all-zeros address of a family has that family. */
hp_addr hp_pcp_get_addr(const uint8_t in[static 16]);

/* ---- server (pcp.c, pcp_request.c) ---- */

/* Of every request that gets an answer. */
typedef struct hp_pcp_server_event {
    hp_addr client;
    uint8_t version, opcode;
    hp_pcp_result result;
    uint8_t protocol; /* of MAP and PEER, and those below */
    hp_addr internal, external, remote; /* of family none where there is none */
    uint32_t lifetime; /* granted; of an error how long it stands */
} hp_pcp_server_event;

typedef struct hp_pcp_server_ops {
    void (*send)(void *user, hp_time now, const hp_addr *to, const uint8_t *data, size_t len);
    /* May be NULL. */
    void (*event)(void *user, hp_time now, const hp_pcp_server_event *event);
} hp_pcp_server_ops;

typedef struct hp_pcp_server hp_pcp_server;

/* leases must outlive the server; its config says what is allowed. ops is copied. ipv4, ipv6: where announcements
 * go. */
hp_pcp_server *hp_pcp_server_new(hp_leases *leases, bool ipv4, bool ipv6, const hp_pcp_server_ops *ops, void *user);
void hp_pcp_server_free(hp_pcp_server *server);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(hp_pcp_server, hp_pcp_server_free)
/* A request came to port 5351 of an inside address. */
void hp_pcp_server_input(hp_pcp_server *server, hp_time now, const hp_addr *from, const uint8_t *data, size_t len);
/* The gateway started or rebooted: ten announcements (section 14.1.1), the first with the next run(). */
void hp_pcp_server_announce(hp_pcp_server *server, hp_time now);
hp_time hp_pcp_server_deadline(const hp_pcp_server *server);
void hp_pcp_server_run(hp_pcp_server *server, hp_time now);

/* Port 5351 of a gateway that speaks one or both; NULL: not spoken. Version 0 is NAT-PMP's; a gateway without it lets
 * PCP answer (RFC 6887 appendix A), one without PCP lets NAT-PMP refuse the version. */
static inline void hp_port_control_input(hp_nat_pmp_server *nat_pmp, hp_pcp_server *pcp, hp_time now,
                                         const hp_addr *from, const uint8_t *data, size_t len)
{
    if (nat_pmp != NULL && (pcp == NULL || (len > 0 && data[0] == 0))) {
        hp_nat_pmp_server_input(nat_pmp, now, from, data, len);
    } else if (pcp != NULL) {
        hp_pcp_server_input(pcp, now, from, data, len);
    }
}

#endif
