/* Private to certify/: a device between two benches full of hosts, and the verbs that probes are written with.
 *
 * Each experiment has a bench of its own: the device as it comes from a cold start, at virtual time 0. Packets pass in
 * no time. What arrives on either side, and what comes back, is kept until the next packet is sent. */
#ifndef HP_CERTIFY_BENCH_H
#define HP_CERTIFY_BENCH_H

#include "certify/certify.h"
#include "wire/tcp.h"
#include "world/firewall.h"
#include "world/nat.h"

typedef enum hp_bench_side { HP_BENCH_INSIDE, HP_BENCH_OUTSIDE } hp_bench_side;

typedef enum hp_bench_proto { HP_BENCH_UDP, HP_BENCH_TCP, HP_BENCH_ICMP } hp_bench_proto;

/* What hosts and remotes speak. */
typedef enum hp_bench_kind {
    HP_BENCH_IPV4,
    HP_BENCH_IPV6,
    HP_BENCH_NAT64, /* hosts IPv6, remotes IPv4; to the hosts a remote is what the prefix makes of it */
} hp_bench_kind;

typedef struct hp_bench_end hp_bench_end;

typedef struct hp_bench {
    const hp_certify_subject *subject;
    hp_world *world;
    hp_bench_end *ends[2];
    hp_node *entry[2]; /* where what an end sends arrives */
    unsigned entry_port[2];
    hp_bench_kind kind;
    hp_addr inside, remote, external; /* the first of each */
    bool *failed; /* set when the world gives up */
} hp_bench;

/* The kind that the subject is certified for. */
hp_bench_kind hp_bench_kind_of(const hp_certify_subject *subject);
/* Without the subject's firewall, unless with_firewall. */
hp_bench *hp_bench_new(const hp_certify_subject *subject, hp_bench_kind kind, bool with_firewall, bool *failed);
void hp_bench_free(hp_bench *b);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(hp_bench, hp_bench_free)

hp_addr hp_bench_inside(const hp_bench *b, unsigned host, uint16_t port);
hp_addr hp_bench_remote(const hp_bench *b, unsigned n, uint16_t port);
hp_addr hp_bench_external(const hp_bench *b, unsigned n, uint16_t port);
/* A remote or external address as hosts inside see it. */
hp_addr hp_bench_far(const hp_bench *b, const hp_addr *addr);
void hp_bench_wait(hp_bench *b, hp_time t);

/* Sends p (taken) from a side; the first packet that came out of the other side, or NULL. It is the bench's until the
 * next packet is sent. */
const hp_packet *hp_bench_send(hp_bench *b, hp_bench_side from, hp_packet *p);
/* The i-th packet that is there on a side since then, also one that came while waiting; NULL. */
const hp_packet *hp_bench_arrived(const hp_bench *b, hp_bench_side side, unsigned i);
/* Forgets what has arrived. */
void hp_bench_look_away(hp_bench *b);
/* What came back to the side that sent last, as a finding says it: silence, RST, an ICMP error. */
const char *hp_bench_answer(const hp_bench *b, hp_bench_side side);

/* ---- one word a protocol: a datagram, a bare SYN, an echo request with the port as its id ---- */

/* From an inside endpoint to a remote. False when it does not come out; else *ret (may be NULL) is its external
 * source. */
bool hp_bench_open(hp_bench *b, hp_bench_proto proto, const hp_addr *from, const hp_addr *to, hp_addr *ret);
/* From a remote to an external endpoint: a datagram, a bare SYN, an echo reply. */
bool hp_bench_enter(hp_bench *b, hp_bench_proto proto, const hp_addr *from, const hp_addr *to);
/* The same, but TCP sends an ACK: whether the mapping or connection is still there. *ret: where it arrived. */
bool hp_bench_is_alive(hp_bench *b, hp_bench_proto proto, const hp_addr *remote, const hp_addr *external, hp_addr *ret);
hp_packet *hp_bench_echo(bool reply, const hp_addr *from, const hp_addr *to);

/* ---- TCP ---- */

typedef struct hp_bench_conn {
    hp_addr inside, remote, external;
    uint32_t next[2]; /* sequence number of each side's next octet */
} hp_bench_conn;

/* Begins with a SYN from the inside; false when it does not come out. */
bool hp_bench_connect(hp_bench *b, hp_bench_conn *c, const hp_addr *inside, const hp_addr *remote);
/* A segment with the right numbers; whether it arrived. */
bool hp_bench_segment(hp_bench *b, hp_bench_conn *c, hp_bench_side from, uint8_t flags);
/* The same without moving the numbers, with the sequence number off by so much. */
bool hp_bench_segment_at(hp_bench *b, const hp_bench_conn *c, hp_bench_side from, uint8_t flags, uint32_t offset);
/* The rest of the handshake after hp_bench_connect(). */
bool hp_bench_establish(hp_bench *b, hp_bench_conn *c);
hp_packet *hp_bench_tcp(const hp_addr *from, const hp_addr *to, uint8_t flags, uint32_t seq, uint32_t ack);

#endif
