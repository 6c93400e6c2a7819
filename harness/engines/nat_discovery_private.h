/* What the files of the discovery client share. Private to nat_discovery*.c.
 *
 *   nat_discovery.c           sockets, the one transaction of the moment, waiting, the order of the tests
 *   nat_discovery_tests.c     connectivity, mapping, filtering, ports, hairpinning, fragments
 *   nat_discovery_lifetime.c  the search for the lifetime, and what refreshes a mapping
 *   nat_discovery_expect.c    what given knobs show
 *
 * A test is a chain of small functions: each takes the answer to the last question and asks the next one, or ends the
 * test with hp_discovery_next(). */
#ifndef HP_ENGINES_NAT_DISCOVERY_PRIVATE_H
#define HP_ENGINES_NAT_DISCOVERY_PRIVATE_H

#include "engines/nat_discovery.h"

#define HP_DISCOVERY_NO_SOCKET UINT32_MAX

enum { HP_DISCOVERY_CHANGE_PORT = 2, HP_DISCOVERY_CHANGE_IP = 4 }; /* RFC 5780 section 7.2 */
enum { HP_DISCOVERY_PAIRS = 4 };

typedef enum hp_discovery_outcome {
    HP_DISCOVERY_ANSWERED,
    HP_DISCOVERY_LOOPED, /* our own request came in at one of our sockets */
    HP_DISCOVERY_REFUSED, /* an error answer, or one that may not be understood (code 0) */
    HP_DISCOVERY_UNREACHABLE, /* a hard ICMP error */
    HP_DISCOVERY_SILENCE,
} hp_discovery_outcome;

typedef struct hp_discovery_answer {
    hp_discovery_outcome outcome;
    unsigned socket; /* ANSWERED, LOOPED: where it came in */
    hp_addr from; /* the same */
    hp_addr mapped; /* ANSWERED */
    hp_addr other; /* ANSWERED; family none without OTHER-ADDRESS */
    size_t length; /* ANSWERED: of the whole message */
    unsigned code; /* REFUSED */
    hp_icmp_kind icmp; /* UNREACHABLE */
    hp_time first_sent, last_sent, at; /* at: when it came, or when waiting ended */
} hp_discovery_answer;

typedef struct hp_discovery_question {
    unsigned socket;
    hp_addr to;
    uint32_t change; /* HP_DISCOVERY_CHANGE_* */
    uint16_t response_port; /* 0: none */
    bool padded;
    bool loops; /* it goes to one of our own sockets, where it is to come in */
} hp_discovery_question;

typedef void (*hp_discovery_then)(hp_nat_discovery *d, hp_time now, const hp_discovery_answer *a);
typedef void (*hp_discovery_wake)(hp_nat_discovery *d, hp_time now);

typedef struct hp_discovery_socket {
    bool open;
    hp_addr local, mapped; /* mapped: towards the server, once asked */
} hp_discovery_socket;

/* The transaction of the moment. Legal: none (then NULL), due (n_sent 0), under way, settled (`answer` holds, the
 * next run() hands it on). */
typedef struct hp_discovery_transaction {
    hp_discovery_then then;
    hp_discovery_question question;
    uint8_t id[12];
    uint8_t *bytes; /* owned; room for the longest request */
    size_t capacity, length;
    unsigned n_sent;
    hp_time interval; /* to the next transmission */
    hp_time due; /* that, or the end of waiting */
    bool settled;
    hp_discovery_answer answer;
} hp_discovery_transaction;

typedef enum hp_discovery_touch {
    HP_DISCOVERY_UNTOUCHED,
    HP_DISCOVERY_TOUCHED_OUTBOUND,
    HP_DISCOVERY_TOUCHED_INBOUND,
} hp_discovery_touch;

/* See nat_discovery_lifetime.c. */
typedef struct hp_discovery_lifetime {
    unsigned x, y; /* sockets */
    hp_addr x_mapped;
    hp_time x_sent;
    int64_t alive, dead, trial, last; /* numbers of steps; dead -1: none yet; last: the longest silence to try */
    hp_time alive_for, dead_after; /* the silences behind the first two */
    hp_time touch_at, probe_at; /* of this round */
    hp_time touch_after, probe_after; /* the same from x_sent; touch_after 0 without one */
    hp_discovery_touch touch;
    bool touching; /* the probe under way is the touch */
    unsigned n_rounds, n_controls;
    unsigned n_doubted; /* fatal verdicts on this trial that were not believed */
} hp_discovery_lifetime;

struct hp_nat_discovery {
    hp_nat_discovery_config config; /* defaults filled in */
    hp_rng rng;
    hp_nat_discovery_ops ops;
    void *user;
    hp_nat_discovery_result result;
    hp_discovery_socket sockets[HP_NAT_DISCOVERY_SOCKETS];
    hp_discovery_transaction transaction;
    hp_discovery_wake wake; /* NULL unless waiting */
    hp_time wake_at;
    hp_time not_before; /* pacing: no new transaction before that */
    unsigned next_test; /* index into the table of tests */
    bool lossy; /* something was answered that had to be sent again */
    /* Of the test under way. */
    unsigned a, b; /* sockets */
    hp_addr second; /* mapping: what test II saw */
    unsigned pairs[2 * HP_DISCOVERY_PAIRS]; /* ports: sockets, the even ones first */
    unsigned n_pairs; /* how many of them have been asked */
    hp_discovery_lifetime life;
};

/* ---- nat_discovery.c ---- */

/* A fresh local socket; HP_DISCOVERY_NO_SOCKET when there is none. */
unsigned hp_discovery_open(hp_nat_discovery *d, uint16_t port);
/* Nothing for HP_DISCOVERY_NO_SOCKET. */
void hp_discovery_close(hp_nat_discovery *d, unsigned socket);
/* Begins a transaction, now or as soon as pacing allows. */
void hp_discovery_ask(hp_nat_discovery *d, hp_time now, const hp_discovery_question *q, hp_discovery_then then);
/* A plain Binding request to the server. */
void hp_discovery_ask_server(hp_nat_discovery *d, hp_time now, unsigned socket, hp_discovery_then then);
/* Sends one Binding indication to the server: outbound traffic that nobody answers. */
void hp_discovery_indicate(hp_nat_discovery *d, hp_time now, unsigned socket);
void hp_discovery_wait(hp_nat_discovery *d, hp_time until, hp_discovery_wake wake);
/* Ends the present test, closes all sockets, and begins the next test. */
void hp_discovery_next(hp_nat_discovery *d, hp_time now);
void hp_discovery_finish(hp_nat_discovery *d, hp_time now, hp_nat_discovery_status status);

/* ---- nat_discovery_tests.c ---- */

void hp_discovery_connectivity(hp_nat_discovery *d, hp_time now);
void hp_discovery_mapping(hp_nat_discovery *d, hp_time now);
void hp_discovery_filtering(hp_nat_discovery *d, hp_time now);
void hp_discovery_ports(hp_nat_discovery *d, hp_time now);
void hp_discovery_hairpin(hp_nat_discovery *d, hp_time now);
void hp_discovery_fragments(hp_nat_discovery *d, hp_time now);

/* ---- nat_discovery_lifetime.c ---- */

void hp_discovery_lifetime_search(hp_nat_discovery *d, hp_time now);

#endif
