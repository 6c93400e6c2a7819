/* How much CPU the fabric takes for a packet: host -> link -> NAT -> link -> host, and less or more than that. No trace. */
#ifndef HP_BENCH_FABRIC_H
#define HP_BENCH_FABRIC_H

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

typedef enum hp_bench_fabric_kind {
    HP_BENCH_FABRIC_PLAIN, /* host -> link -> link -> host */
    HP_BENCH_FABRIC_ROUTER, /* host -> link -> router -> link -> host */
    HP_BENCH_FABRIC_NAT, /* host -> link -> NAT -> link -> host, over IPv4 */
    HP_BENCH_FABRIC_ROUTED6, /* the same from IPv6 addresses, and so below: the NAT routes IPv6 */
    HP_BENCH_FABRIC_NAT66, /* it translates IPv6 to IPv6 */
    HP_BENCH_FABRIC_NAT64, /* and IPv6 to a server of IPv4 */
} hp_bench_fabric_kind;

typedef struct hp_bench_fabric_row {
    const char *label;
    uint32_t n_endpoints; /* inside; each has a mapping where there is a NAT */
    hp_bench_fabric_kind kind;
    bool inbound; /* packets go from the one socket outside to the endpoints, each of which is a socket */
    bool with_rules; /* of NAT: a middlebox between host and link asks every packet three rules, of which none holds */
} hp_bench_fabric_row;

/* CPU nanoseconds, and bytes. */
typedef struct hp_bench_fabric_cost {
    double packet_ns; /* from the making of a packet to the return of the callback that takes it */
    double new_ns; /* an endpoint's first packet out (inbound: and back), which makes its mapping */
    double mapping_bytes; /* 0 without a NAT */
} hp_bench_fabric_cost;

/* Sends at least n_packets to endpoints drawn at random. False and HP_ERROR_REFUSED when not all arrived. */
bool hp_bench_fabric(const hp_bench_fabric_row *row, uint64_t n_packets, uint64_t seed, hp_bench_fabric_cost *ret,
                     GError **error);

#endif
