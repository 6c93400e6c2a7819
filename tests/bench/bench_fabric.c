/* How many packets a second one core carries: host -> link -> NAT -> link -> host, without a trace.
 *
 *   bench_fabric [PACKETS]      default 5,000,000 a row
 *
 * Each row is a fabric of its own: without a NAT, and through one that holds 100,000 and 1,000,000 mappings. Every
 * packet (172 bytes, an RTP packet of audio) belongs to a mapping drawn at random, so that the tables are met cold.
 * Outbound, the packets are made by an inside host that has all the addresses; inbound, the outside host answers to
 * external addresses drawn at random, and every inside endpoint is a socket. Packets travel 64 at a time. The time is
 * that of the process's CPU, set-up left out. */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "world/host.h"
#include "world/link.h"
#include "world/nat.h"

enum { PAYLOAD = 172, BATCH = 64, PORTS_PER_ADDRESS = 50000, FIRST_PORT = 10000, SERVER_PORT = 3478 };
#define LINK_DELAY (10 * HP_US)

typedef struct fabric {
    hp_world *world;
    hp_host *inside, *outside;
    hp_nat *nat; /* NULL: none */
    hp_socket *server;
    uint32_t n_mappings;
    hp_addr *external; /* of each mapping, learnt by the server */
    uint64_t received;
    bool learning;
    hp_rng rng;
} fabric;

static uint64_t cpu_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (uint64_t)now.tv_sec * HP_S + (uint64_t)now.tv_nsec;
}

static void on_inside(void *user, hp_socket *socket, const hp_datagram *d)
{
    ((fabric *)user)->received++;
}

static void on_outside(void *user, hp_socket *socket, const hp_datagram *d)
{
    fabric *f = user;
    f->received++;
    if (f->learning) {
        uint32_t index;
        memcpy(&index, d->data, sizeof index);
        f->external[index] = d->from;
    }
}

static hp_addr internal_address(uint32_t index)
{
    return hp_addr_v4(0x0a000001 + index / PORTS_PER_ADDRESS, (uint16_t)(FIRST_PORT + index % PORTS_PER_ADDRESS));
}

static hp_addr server_address(void)
{
    return hp_addr_v4(0xc6336401, SERVER_PORT);
}

static void drain(fabric *f)
{
    GError *error = NULL;
    /* Two links of 10 us; the NAT's timers stay where they are. */
    if (!hp_world_run_until(f->world, hp_world_now(f->world) + 2 * LINK_DELAY, &error)) {
        fprintf(stderr, "bench_fabric: %s\n", error->message);
        exit(1);
    }
}

static void send_out(fabric *f, uint32_t index)
{
    uint8_t payload[PAYLOAD] = {0};
    hp_addr src = internal_address(index), dst = server_address();
    memcpy(payload, &index, sizeof index);
    hp_host_send_packet(f->inside, 0, hp_packet_new(HP_PROTO_UDP, &src, &dst, payload, sizeof payload));
}

static void send_in(fabric *f, uint32_t index)
{
    uint8_t payload[PAYLOAD] = {0};
    hp_socket_send(f->server, &f->external[index], payload, sizeof payload, NULL);
}

static void connect_by_link(fabric *f, const char *name, hp_node *from, unsigned out, hp_node *to, unsigned in)
{
    static const hp_link_config config = {.delay_ns = LINK_DELAY};
    hp_link *link = hp_link_new(f->world, name, &config);
    hp_node_connect(from, out, hp_link_node(link), 0);
    hp_node_connect(hp_link_node(link), 0, to, in);
}

static void add_nat(fabric *f)
{
    uint32_t n_addresses = (f->n_mappings + PORTS_PER_ADDRESS - 1) / PORTS_PER_ADDRESS;
    hp_nat_config config = hp_nat_config_default();
    config.udp_timeout = 24 * 3600 * HP_S;
    config.pool = (uint16_t)n_addresses;
    f->nat = hp_nat_new(f->world, "nat", &config);
    hp_addr *pool = g_new(hp_addr, n_addresses);
    for (uint32_t i = 0; i < n_addresses; i++) {
        pool[i] = hp_addr_v4(0xcb007101 + i, 0);
    }
    hp_nat_set_external(f->nat, pool, n_addresses);
    g_free(pool);
}

static void fabric_init(fabric *f, uint32_t n_mappings, bool with_nat, bool with_sockets)
{
    *f = (fabric){.world = hp_world_new(1, NULL), .n_mappings = n_mappings};
    hp_world_rng(f->world, "bench", &f->rng);
    f->external = g_new0(hp_addr, n_mappings);
    f->inside = hp_host_new(f->world, "inside");
    f->outside = hp_host_new(f->world, "outside");
    hp_host_add_interface(f->inside, NULL, 0);
    hp_host_add_interface(f->outside, NULL, 0);
    hp_host_set_silent(f->inside, true);
    hp_addr server = server_address();
    hp_host_add_address(f->outside, 0, &server);
    for (uint32_t i = 0; i < n_mappings; i += PORTS_PER_ADDRESS) {
        hp_addr address = internal_address(i);
        hp_host_add_address(f->inside, 0, &address);
    }
    hp_node *inside = hp_host_node(f->inside), *outside = hp_host_node(f->outside);
    if (with_nat) {
        add_nat(f);
        hp_node *nat = hp_nat_node(f->nat);
        connect_by_link(f, "inside>nat", inside, 0, nat, HP_NAT_INSIDE);
        connect_by_link(f, "nat>outside", nat, HP_NAT_OUTSIDE, outside, 0);
        connect_by_link(f, "outside>nat", outside, 0, nat, HP_NAT_OUTSIDE);
        connect_by_link(f, "nat>inside", nat, HP_NAT_INSIDE, inside, 0);
    } else {
        /* Two links one after the other, each way. */
        hp_link *near = hp_link_new(f->world, "inside>middle", &(hp_link_config){.delay_ns = LINK_DELAY});
        hp_link *far = hp_link_new(f->world, "outside>middle", &(hp_link_config){.delay_ns = LINK_DELAY});
        hp_node_connect(inside, 0, hp_link_node(near), 0);
        hp_node_connect(outside, 0, hp_link_node(far), 0);
        connect_by_link(f, "middle>outside", hp_link_node(near), 0, outside, 0);
        connect_by_link(f, "middle>inside", hp_link_node(far), 0, inside, 0);
    }
    static const hp_socket_ops inside_ops = {.datagram = on_inside};
    static const hp_socket_ops outside_ops = {.datagram = on_outside};
    f->server = hp_host_bind(f->outside, &server, &outside_ops, f, NULL);
    for (uint32_t i = 0; with_sockets && i < n_mappings; i++) {
        hp_addr local = internal_address(i);
        hp_host_bind(f->inside, &local, &inside_ops, f, NULL);
    }
}

static void fabric_clear(fabric *f)
{
    hp_world_free(f->world);
    g_free(f->external);
}

/* Makes every mapping, and tells the server where it is. */
static void warm_up(fabric *f)
{
    f->learning = true;
    for (uint32_t i = 0; i < f->n_mappings; i++) {
        send_out(f, i);
        if (i % BATCH == 0) {
            drain(f);
        }
    }
    drain(f);
    f->learning = false;
    if (f->received != f->n_mappings) {
        fprintf(stderr, "bench_fabric: %" G_GUINT64_FORMAT " of %u packets arrived\n", f->received, f->n_mappings);
        exit(1);
    }
}

static void measure(const char *label, uint64_t n_packets, uint32_t n_mappings, bool with_nat, bool inbound)
{
    fabric f;
    fabric_init(&f, n_mappings, with_nat, inbound);
    uint64_t started = cpu_ns();
    warm_up(&f);
    for (uint32_t i = 0; inbound && i < n_mappings; i++) {
        send_in(&f, i);
        if (i % BATCH == 0) {
            drain(&f);
        }
    }
    drain(&f);
    uint64_t warm_ns = cpu_ns() - started;
    f.received = 0;
    started = cpu_ns();
    for (uint64_t i = 0; i < n_packets; i += BATCH) {
        uint32_t batch[BATCH];
        for (unsigned k = 0; k < BATCH; k++) {
            batch[k] = (uint32_t)hp_rng_below(&f.rng, n_mappings);
            __builtin_prefetch(&f.external[batch[k]]);
        }
        for (unsigned k = 0; k < BATCH; k++) {
            if (inbound) {
                send_in(&f, batch[k]);
            } else {
                send_out(&f, batch[k]);
            }
        }
        drain(&f);
    }
    uint64_t took_ns = cpu_ns() - started;
    printf("%-26s %10u %9.2f %8.0f", label, n_mappings, (double)f.received * 1e3 / (double)took_ns,
           (double)took_ns / (double)f.received);
    if (with_nat) {
        printf(" %12.0f %14.1f", (double)warm_ns / (double)n_mappings,
               (double)hp_nat_memory(f.nat) / (double)n_mappings);
    }
    printf("\n");
    fflush(stdout);
    fabric_clear(&f);
}

int main(int argc, char **argv)
{
    uint64_t n_packets = argc > 1 ? strtoull(argv[1], NULL, 10) : 5000000;
    printf("%-26s %10s %9s %8s %12s %14s\n", "", "endpoints", "Mpkt/s", "ns/pkt", "ns/new", "bytes/mapping");
    measure("no NAT, one way", n_packets, 100000, false, false);
    measure("no NAT, to sockets", n_packets, 100000, false, true);
    measure("NAT outbound", n_packets, 100000, true, false);
    measure("NAT inbound", n_packets, 100000, true, true);
    measure("NAT outbound", n_packets, 1000000, true, false);
    measure("NAT inbound", n_packets, 1000000, true, true);
    return 0;
}
