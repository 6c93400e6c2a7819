/* One call between two peers, played symbolically until nobody learns anything new. Private to oracle/. */
#ifndef HP_ORACLE_CALL_H
#define HP_ORACLE_CALL_H

#include "oracle/oracle.h"
#include "oracle/walk.h"

typedef enum hp_socket_kind {
    HP_SOCKET_UDP,
    HP_SOCKET_RELAY, /* addr is a TURN server's */
    HP_SOCKET_TCP_ACTIVE, /* RFC 6544: opens connections, and is never called */
    HP_SOCKET_TCP_PASSIVE, /* is called, and sends nothing of its own */
} hp_socket_kind;

typedef struct hp_call_socket {
    hp_socket_kind kind;
    unsigned side; /* 0, 1 */
    hp_addr addr;
    const hp_plan_attachment *at; /* where its packets enter the network: the peer's, or the server's */
    unsigned server; /* of a relay */
    unsigned transport; /* of a relay: HP_SERVER_*, how its owner reaches the server */
} hp_call_socket;

typedef struct hp_call_candidate {
    unsigned side;
    uint8_t type; /* HP_TYPE_* */
    hp_addr addr;
    unsigned socket; /* its base */
    bool foreign; /* its owner's agent does not know it: the peer signals it beside (a port mapped by a gateway) */
    bool unknown; /* signalled by a name that the other side cannot resolve */
} hp_call_candidate;

/* An address that a socket heard from and was never told of (RFC 8445 section 7.3.1.3). */
typedef struct hp_call_learned {
    unsigned socket;
    hp_addr addr;
} hp_call_learned;

typedef struct hp_call_permission {
    unsigned socket;
    hp_addr ip;
} hp_call_permission;

/* A check between sockets that are no relays that came to nothing. */
typedef struct hp_call_failure {
    unsigned side; /* who sent the packet that was lost, or the answer that came from elsewhere */
    hp_stop stop; /* HP_STOP_NONE: the answer came from another address than the check was sent to */
    int box;
    uint8_t family;
    hp_protocol protocol;
} hp_call_failure;

enum { HP_CALL_MAX = 64 }; /* sockets, candidates, addresses learned, permissions, failures */

typedef struct hp_call {
    const hp_plan *plan;
    unsigned peers[2];
    uint8_t limits;
    hp_walk_state walk;
    bool endless; /* an end was shown new addresses until there was no room for more */
    bool gathered[2][2]; /* whether a side was told an address by STUN, or was given a relay */
    unsigned n_sockets, n_candidates, n_learned, n_permissions, n_failures;
    hp_call_socket sockets[HP_CALL_MAX];
    hp_call_candidate candidates[HP_CALL_MAX];
    hp_call_learned learned[HP_CALL_MAX];
    hp_call_permission permissions[HP_CALL_MAX];
    hp_call_failure failures[HP_CALL_MAX];
    hp_call_failure server_failures[HP_CALL_MAX]; /* of requests to servers */
    unsigned n_server_failures;
    hp_pair_types types[HP_OUTCOME_N]; /* of the pairs that work, as side 0 sees them */
} hp_call;

enum { HP_CALL_REFLEXIVE, HP_CALL_RELAYED };

/* What an agent may lack of ICE, as a set (shortfalls.c). */
enum {
    HP_LIMIT_ONE_ADDRESS = 1 << 0, /* it knows one address of a server, though that has two families */
    HP_LIMIT_IPV4_RELAYS = 1 << 1, /* it never asks for another family */
    HP_LIMIT_NO_COOKIE = 1 << 2, /* its Binding requests are RFC 3489's */
};

/* How a call goes where behaviour does not say: luck while gathering, luck after, the side that sends first in every
 * round; and what the agents lack. */
typedef struct hp_call_manner {
    hp_luck gathering, checking;
    unsigned first;
    uint8_t limits;
} hp_call_manner;

/* Plays it. Everything in the call is overwritten. */
void hp_call_play(hp_call *call, const hp_ground *ground, unsigned a, unsigned b, const hp_call_manner *manner);
/* The best kind of path there is. */
hp_outcome hp_call_outcome(const hp_call *call);

/* gather.c: sockets and candidates of one side. */
void hp_call_gather(hp_call *call, unsigned side);
/* Whether a server knows the credentials that a peer uses. */
bool hp_call_is_authorized(const hp_plan *plan, unsigned peer, unsigned server);
/* names.c: the addresses by which a side knows a server, without ports; at most `room`. Returns how many. */
unsigned hp_call_server_addresses(hp_call *call, unsigned side, unsigned server, hp_addr *ret, unsigned room);
/* Whether a side signals names instead of its addresses, and whether it resolves such a name of the other side's
 * interface. */
bool hp_call_hides(const hp_call *call, unsigned side);
bool hp_call_resolves(const hp_call *call, unsigned side, const hp_plan_attachment *at);

unsigned hp_call_add_socket(hp_call *call, const hp_call_socket *socket);
void hp_call_add_candidate(hp_call *call, const hp_call_candidate *candidate);
void hp_call_note_failure(hp_call_failure *failures, unsigned *n, unsigned side, hp_protocol protocol, const hp_walk *w,
                          uint8_t family);

#endif
