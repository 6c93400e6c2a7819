/* NAT behaviour discovery from behind a NAT, sans-IO (RFC 5780 sections 3 to 5, in the words of RFC 4787): what a
 * client with a few UDP sockets and a STUN server with two addresses can tell of the NATs between them.
 *
 * The engine owns no socket, clock or loop. It asks for local sockets by a small number, takes datagrams and ICMP
 * errors with the present time, and does everything else (open, close, send) from inside hp_nat_discovery_run(): input
 * only notes what came, so that a driver may close sockets and deliver synchronously as it likes. Times never go back.
 *
 *   while the status is RUNNING: at hp_nat_discovery_deadline(), hp_nat_discovery_run(); input as it comes. */
#ifndef HP_ENGINES_NAT_DISCOVERY_H
#define HP_ENGINES_NAT_DISCOVERY_H

#include <glib.h>

#include "base/addr.h"
#include "base/rng.h"
#include "base/time.h"
#include "config/nat.h"
#include "wire/packet.h"

/* Local sockets open at one time; their numbers are below this. */
#define HP_NAT_DISCOVERY_SOCKETS 16
/* Longest PADDING that can be asked for. */
#define HP_NAT_DISCOVERY_MAX_PADDING 60000

/* What is looked at, in this order; the connectivity test comes first, wanted or not. */
typedef enum hp_nat_discovery_test {
    HP_NAT_TEST_MAPPING = 1 << 0, /* section 4.3 */
    HP_NAT_TEST_FILTERING = 1 << 1, /* section 4.4 */
    HP_NAT_TEST_PORTS = 1 << 2, /* RFC 4787 section 4.2: assignment, parity, contiguity; address pooling (4.1) */
    HP_NAT_TEST_HAIRPIN = 1 << 3, /* section 3.4 */
    HP_NAT_TEST_FRAGMENTS = 1 << 4, /* section 3.5 */
    HP_NAT_TEST_LIFETIME = 1 << 5, /* section 4.6 */
    HP_NAT_TEST_REFRESH = 1 << 6, /* section 4.6; needs the lifetime */
    HP_NAT_TEST_ALL = (1 << 7) - 1,
} hp_nat_discovery_test;

typedef struct hp_nat_discovery_config {
    hp_addr server; /* the primary address and port */
    uint32_t tests; /* of hp_nat_discovery_test; 0: all */
    hp_time rto; /* RFC 8489 section 6.2.1; 0: 500 ms */
    unsigned rc, rm; /* the same; 0: 7 requests, 16 times the RTO after the last */
    uint16_t padding; /* length of PADDING, the MTU; 0: 1500 */
    hp_time lifetime_step; /* what the lifetime is told to; 0: 1 s */
    hp_time lifetime_first; /* silence to begin the search with; 0: 32 s */
    hp_time lifetime_max; /* longest lifetime to look for; 0: 30 min */
} hp_nat_discovery_config;

typedef enum hp_nat_discovery_status {
    HP_NAT_DISCOVERY_RUNNING, /* the result is still being filled; input and run() are legal in this state alone */
    HP_NAT_DISCOVERY_DONE, /* the server was reached; `known` says which tests told something */
    HP_NAT_DISCOVERY_BLOCKED, /* no UDP to the server: silence, or the ICMP error in `icmp` */
    HP_NAT_DISCOVERY_REFUSED, /* the server answered the first request with `error_code` (0: what nobody understands) */
    HP_NAT_DISCOVERY_NO_SOCKET, /* not even one socket could be had */
} hp_nat_discovery_status;
const char *hp_nat_discovery_status_name(hp_nat_discovery_status status); /* "done", "blocked" */

/* What became of a datagram in fragments, there (our request) and back (the server's answer). */
typedef enum hp_nat_passage {
    HP_NAT_PASSAGE_NONE, /* not even there */
    HP_NAT_PASSAGE_OUTBOUND, /* there; the server sent nothing long back */
    HP_NAT_PASSAGE_BOTH,
} hp_nat_passage;

typedef struct hp_nat_discovery_result {
    hp_nat_discovery_status status;
    unsigned error_code;
    hp_icmp_kind icmp; /* HP_ICMP_NONE: none */
    uint32_t known; /* of hp_nat_discovery_test: which of the fields below mean something */
    /* Connectivity: known unless the server was not reached. */
    hp_addr local, mapped, other; /* of the first socket; other: OTHER-ADDRESS, of family none without a usable one */
    hp_time rtt; /* of the first answered request that was sent once, 0 without one */
    bool natted; /* `mapped` is not `local` */
    bool rewrites_payload; /* MAPPED-ADDRESS and XOR-MAPPED-ADDRESS of an answer differed: an ALG (section 3.6) */
    hp_nat_behaviour mapping;
    hp_nat_behaviour filtering;
    hp_nat_ports ports;
    bool parity, contiguity; /* kept by every socket, by every pair of them */
    hp_nat_pooling pooling;
    hp_nat_hairpin hairpin;
    bool hairpin_filtered; /* hairpinned packets pass only where the target has sent to the sender before */
    hp_nat_passage fragments;
    hp_time lifetime; /* of an answered mapping without traffic, to the nearest step; lifetime_max when open */
    hp_time lifetime_at_least,
        lifetime_below; /* what was proved: a silence survived, one that was too long or HP_NEVER */
    bool lifetime_open; /* nothing ended it up to lifetime_max */
    bool refreshed_by_outbound, refreshed_by_inbound; /* RFC 4787 REQ-6 */
    unsigned n_transactions, n_datagrams; /* sent */
    hp_time finished; /* when */
} hp_nat_discovery_result;

typedef struct hp_nat_discovery_ops {
    /* Opens local socket number `socket` on the address towards the server, at that port (0: any free one). *ret_local
     * is where its datagrams leave from, never the unspecified address. False when it cannot be had. */
    bool (*open)(void *user, unsigned socket, uint16_t port, hp_addr *ret_local);
    void (*close)(void *user, unsigned socket);
    /* False: it was not sent, which is treated like loss. It may be longer than the MTU (PADDING): not to be sent with
     * the don't-fragment bit. */
    bool (*send)(void *user, hp_time now, unsigned socket, const hp_addr *to, const uint8_t *data, size_t len);
} hp_nat_discovery_ops;

typedef struct hp_nat_discovery hp_nat_discovery;

/* config, ops and rng are copied; transaction ids and ports come from rng. The first request is due at `now`. */
hp_nat_discovery *hp_nat_discovery_new(const hp_nat_discovery_config *config, const hp_rng *rng, hp_time now,
                                       const hp_nat_discovery_ops *ops, void *user);
/* Closes what is still open. */
void hp_nat_discovery_free(hp_nat_discovery *d);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(hp_nat_discovery, hp_nat_discovery_free)

/* A datagram came to a socket. Anything at all may come. */
void hp_nat_discovery_input(hp_nat_discovery *d, hp_time now, unsigned socket, const hp_addr *from, const uint8_t *data,
                            size_t len);
/* An ICMP error came back for what that socket sent to `to`. Only hard ones end a transaction (RFC 8489 section
 * 6.2.1): port unreachable and administratively prohibited. */
void hp_nat_discovery_icmp(hp_nat_discovery *d, hp_time now, unsigned socket, const hp_addr *to, hp_icmp_kind kind);
/* When run() is wanted next; HP_NEVER once it is over. */
hp_time hp_nat_discovery_deadline(const hp_nat_discovery *d);
void hp_nat_discovery_run(hp_nat_discovery *d, hp_time now);
const hp_nat_discovery_result *hp_nat_discovery_get_result(const hp_nat_discovery *d);

/* ---- what a NAT with these knobs shows (nat_discovery_expect.c) ---- */

/* Fills *ret with what this client observes behind one NAT with those knobs and nothing else that loses or filters,
 * the server being whole (two addresses, two ports). Of the fields, those about connectivity but status and icmp, the
 * bounds of the lifetime and the counters are left zero. `known`: what the knobs determine. */
void hp_nat_discovery_expect(const hp_nat_config *nat, const hp_nat_discovery_config *config, uint16_t alternate_port,
                             hp_nat_discovery_result *ret);
/* Which of the tests tell different things in two results, of those that both know; whether one was blocked (and how)
 * and the other was not counts as a difference of all of them. */
uint32_t hp_nat_discovery_difference(const hp_nat_discovery_result *a, const hp_nat_discovery_result *b);

#endif
