/* How many packets a second one core carries: host -> link -> NAT -> link -> host, without a trace. The measuring is
 * bench/fabric.h's; `hairpin bench --self` has fewer rows, and intervals.
 *
 *   bench_fabric [PACKETS [ROW]]      default 5,000,000 packets in each of the rows 1 to 14
 *
 * Each row is a fabric of its own. Every packet (172 bytes, an RTP packet of audio) belongs to an endpoint drawn at
 * random, so that tables are met cold; 64 at a time travel together, sent at one instant.
 *
 *   plain out    host -> link -> link -> host: an inside host with all the addresses sends to one socket outside
 *   plain in     the same from that one socket to a socket for every endpoint
 *   NAT out      host -> link -> NAT -> link -> host, to one socket outside; every endpoint has its mapping
 *   NAT in       the same from that one socket to the endpoints' external addresses; each endpoint is a socket
 *   rules out    as NAT out, with a middlebox between host and link both ways: three rules, of which none holds for
 *                these
 *   rules in     packets but each is asked (a STUN attribute, a DTLS handshake type, an RTP payload type)
 *
 *   routed6      the same from IPv6 addresses to one, where the NAT routes IPv6
 *   NAT66        the same, where the NAT translates IPv6 to IPv6
 *   NAT64        the same from IPv6 addresses to a server of IPv4
 *
 * Mpkt/s and ns/pkt count from the making of a packet to the return of the callback that takes it. ns/new is what an
 * endpoint's first packet out cost, which makes its mapping, and in the rows inwards the first one back too, which
 * moves the mapping to another timer: set-up, and so not in the other figures. The bench's own list of endpoints is
 * prefetched, as it is no part of the fabric. All times are of the process's CPU.
 *
 * Below the rows: how many times longer a packet takes with ten times the mappings, and with IPv6 or NAT64 in place of
 * IPv4. */
#include <stdio.h>
#include <stdlib.h>

#include "bench/fabric.h"

static const hp_bench_fabric_row rows[] = {
    {"plain out", 100000, HP_BENCH_FABRIC_PLAIN, false},     {"plain in", 100000, HP_BENCH_FABRIC_PLAIN, true},
    {"NAT out", 100000, HP_BENCH_FABRIC_NAT, false},         {"NAT in", 100000, HP_BENCH_FABRIC_NAT, true},
    {"NAT out", 1000000, HP_BENCH_FABRIC_NAT, false},        {"NAT in", 1000000, HP_BENCH_FABRIC_NAT, true},
    {"routed6 out", 100000, HP_BENCH_FABRIC_ROUTED6, false}, {"routed6 in", 100000, HP_BENCH_FABRIC_ROUTED6, true},
    {"NAT66 out", 100000, HP_BENCH_FABRIC_NAT66, false},     {"NAT66 in", 100000, HP_BENCH_FABRIC_NAT66, true},
    {"NAT64 out", 100000, HP_BENCH_FABRIC_NAT64, false},     {"NAT64 in", 100000, HP_BENCH_FABRIC_NAT64, true},
    {"rules out", 100000, HP_BENCH_FABRIC_NAT, false, true}, {"rules in", 100000, HP_BENCH_FABRIC_NAT, true, true},
};
enum { NAT_OUT = 2, NAT_IN, LARGE_OUT, LARGE_IN, ROUTED6_OUT, ROUTED6_IN, NAT66_OUT, NAT66_IN, NAT64_OUT, NAT64_IN };

/* Nanoseconds a packet. */
static double print_row(const hp_bench_fabric_row *row, uint64_t n_packets)
{
    hp_bench_fabric_cost cost;
    g_autoptr(GError) error = NULL;
    if (!hp_bench_fabric(row, n_packets, 1, &cost, &error)) {
        fprintf(stderr, "bench_fabric: %s\n", error->message);
        exit(1);
    }
    printf("%-12s %9u %8.2f %8.0f", row->label, row->n_endpoints, 1e3 / cost.packet_ns, cost.packet_ns);
    if (row->kind != HP_BENCH_FABRIC_PLAIN) {
        printf(" %8.0f %14.1f", cost.new_ns, cost.mapping_bytes);
    }
    printf("\n");
    fflush(stdout);
    return cost.packet_ns;
}

int main(int argc, char **argv)
{
    uint64_t n_packets = argc > 1 ? strtoull(argv[1], NULL, 10) : 5000000;
    uint64_t only = argc > 2 ? strtoull(argv[2], NULL, 10) : 0;
    double ns[G_N_ELEMENTS(rows)];
    if (n_packets == 0 || only > G_N_ELEMENTS(rows)) {
        fprintf(stderr, "usage: bench_fabric [PACKETS [ROW]], rows 1 to %zu\n", G_N_ELEMENTS(rows));
        return 2;
    }
    printf("%-10s %10s %8s %8s %8s %14s\n", "", "endpoints", "Mpkt/s", "ns/pkt", "ns/new", "bytes/mapping");
    for (unsigned i = 0; i < G_N_ELEMENTS(rows); i++) {
        if (only == 0 || only == i + 1) {
            ns[i] = print_row(&rows[i], n_packets);
        }
    }
    if (only == 0) {
        printf("1,000,000 against 100,000 mappings: out %.2f times the time, in %.2f times\n",
               ns[LARGE_OUT] / ns[NAT_OUT], ns[LARGE_IN] / ns[NAT_IN]);
        printf("against the NAT for IPv4, out and in: IPv6 routed %.2f %.2f, NAT66 %.2f %.2f, NAT64 %.2f %.2f\n",
               ns[ROUTED6_OUT] / ns[NAT_OUT], ns[ROUTED6_IN] / ns[NAT_IN], ns[NAT66_OUT] / ns[NAT_OUT],
               ns[NAT66_IN] / ns[NAT_IN], ns[NAT64_OUT] / ns[NAT_OUT], ns[NAT64_IN] / ns[NAT_IN]);
    }
    return 0;
}
