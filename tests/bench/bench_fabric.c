/* How many packets a second one core carries: host -> link -> NAT -> link -> host, without a trace.
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
#include <time.h>

#include "wire/dns64.h"
#include "world/host.h"
#include "world/link.h"
#include "world/nat.h"
#include "world/rules.h"

enum {
    PAYLOAD = 172,
    RTP_VERSION_2 = 0x80,
    INDEX_AT = 12,
    BATCH = 64,
    PORTS_PER_ADDRESS = 50000,
    FIRST_PORT = 10000,
    SERVER_PORT = 3478
};
#define LINK_DELAY (10 * HP_US)

typedef enum fabric_kind { PLAIN, NAT, ROUTED6, NAT66, NAT64 } fabric_kind;

typedef struct endpoint {
    hp_addr internal, external; /* external: as the server learns it */
} endpoint;

typedef struct fabric {
    hp_world *world;
    hp_host *inside, *outside;
    hp_nat *nat; /* NULL: none */
    hp_socket *server;
    uint32_t n_endpoints;
    hp_addr server_address;
    hp_addr server_inside; /* as the inside sees it */
    endpoint *endpoints;
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
        memcpy(&index, d->data + INDEX_AT, sizeof index);
        f->endpoints[index].external = d->from;
    }
}

static hp_addr internal_address(uint32_t index, bool ipv6)
{
    if (ipv6) {
        static const uint8_t first[16] = {0x20, 0x01, 0x0d, 0xb8, [15] = 1};
        return hp_addr_with_port(hp_addr_plus(hp_addr_v6(first, 0), index / PORTS_PER_ADDRESS),
                                 (uint16_t)(FIRST_PORT + index % PORTS_PER_ADDRESS));
    }
    return hp_addr_v4(0x0a000001 + index / PORTS_PER_ADDRESS, (uint16_t)(FIRST_PORT + index % PORTS_PER_ADDRESS));
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
    uint8_t payload[PAYLOAD] = {RTP_VERSION_2};
    memcpy(payload + INDEX_AT, &index, sizeof index);
    hp_host_send_packet(
        f->inside, 0,
        hp_packet_new(HP_PROTO_UDP, &f->endpoints[index].internal, &f->server_inside, payload, sizeof payload));
}

static void send_in(fabric *f, uint32_t index)
{
    uint8_t payload[PAYLOAD] = {RTP_VERSION_2};
    hp_socket_send(f->server, &f->endpoints[index].external, payload, sizeof payload, NULL);
}

static hp_node *connect_by_link(fabric *f, const char *name, hp_node *from, unsigned out, hp_node *to, unsigned in)
{
    static const hp_link_config config = {.delay_ns = LINK_DELAY};
    hp_node *link = hp_link_node(hp_link_new(f->world, name, &config));
    hp_node_connect(from, out, link, 0);
    hp_node_connect(link, 0, to, in);
    return link;
}

static void add_nat(fabric *f, fabric_kind kind)
{
    uint32_t n_addresses = (f->n_endpoints + PORTS_PER_ADDRESS - 1) / PORTS_PER_ADDRESS;
    hp_nat_config config = hp_nat_config_default();
    config.udp_timeout = 24 * 3600 * HP_S;
    config.pool = (uint16_t)n_addresses;
    config.ipv6 = kind == ROUTED6 ? HP_NAT_IPV6_ROUTE : HP_NAT_IPV6_TRANSLATE;
    config.nat64 = kind == NAT64;
    f->nat = hp_nat_new(f->world, "nat", &config);
    hp_addr *pool = g_new(hp_addr, n_addresses);
    for (uint32_t i = 0; i < n_addresses; i++) {
        static const uint8_t first[16] = {0x20, 0x01, 0x0d, 0xb8, 0, 1, [15] = 1};
        pool[i] = kind == NAT66 ? hp_addr_plus(hp_addr_v6(first, 0), i) : hp_addr_v4(0xcb007101 + i, 0);
    }
    hp_nat_set_external(f->nat, pool, n_addresses);
    g_free(pool);
}

typedef struct row {
    const char *label;
    uint32_t n_endpoints;
    fabric_kind kind;
    bool inbound, with_rules;
} row;

static const row rows[] = {
    {"plain out", 100000, PLAIN, false},     {"plain in", 100000, PLAIN, true},     {"NAT out", 100000, NAT, false},
    {"NAT in", 100000, NAT, true},           {"NAT out", 1000000, NAT, false},      {"NAT in", 1000000, NAT, true},
    {"routed6 out", 100000, ROUTED6, false}, {"routed6 in", 100000, ROUTED6, true}, {"NAT66 out", 100000, NAT66, false},
    {"NAT66 in", 100000, NAT66, true},       {"NAT64 out", 100000, NAT64, false},   {"NAT64 in", 100000, NAT64, true},
    {"rules out", 100000, NAT, false, true}, {"rules in", 100000, NAT, true, true},
};
enum { NAT_OUT = 2, NAT_IN, LARGE_OUT, LARGE_IN, ROUTED6_OUT, ROUTED6_IN, NAT66_OUT, NAT66_IN, NAT64_OUT, NAT64_IN };

/* Between the inside host and its link, both ways. */
static void add_rules(fabric *f, hp_node *inside, hp_node *nat_to_inside)
{
    static uint16_t use_candidate[] = {HP_STUN_USE_CANDIDATE};
    static hp_rule_action drop = {.what = HP_RULE_DROP}, delay = {.what = HP_RULE_DELAY, .delay = {.fixed = HP_MS}};
    hp_rule rules[] = {
        {.label = (char *)"no-nomination", .actions = &drop, .n_actions = 1},
        {.label = (char *)"late-hello", .actions = &delay, .n_actions = 1},
        {.label = (char *)"no-video", .actions = &drop, .n_actions = 1},
    };
    rules[0].match.stun =
        (hp_match_stun){.has_class = true, .cls = HP_STUN_REQUEST, .with = use_candidate, .n_with = 1};
    rules[1].match.dtls = HP_PRESENT;
    rules[1].match.detail.dtls = (hp_match_dtls){.has_handshake_type = true, .handshake_type = 1};
    rules[2].match.detail.rtp = (hp_match_rtp){.has_payload_type = true, .payload_type = 96};
    hp_rules *box = hp_rules_new(f->world, "box");
    hp_rules_divert(box, HP_RULES_NEAR, inside, 0);
    hp_rules_divert(box, HP_RULES_FAR, nat_to_inside, 0);
    GError *error = NULL;
    if (!hp_rules_set(box, rules, G_N_ELEMENTS(rules), &error)) {
        fprintf(stderr, "bench_fabric: %s\n", error->message);
        exit(1);
    }
}

static void fabric_init(fabric *f, const row *r)
{
    *f = (fabric){.world = hp_world_new(1, NULL), .n_endpoints = r->n_endpoints};
    hp_world_rng(f->world, "bench", &f->rng);
    f->endpoints = g_new0(endpoint, f->n_endpoints);
    for (uint32_t i = 0; i < f->n_endpoints; i++) {
        f->endpoints[i].internal = internal_address(i, r->kind >= ROUTED6);
    }
    f->inside = hp_host_new(f->world, "inside");
    f->outside = hp_host_new(f->world, "outside");
    hp_host_add_interface(f->inside, NULL, 0);
    hp_host_add_interface(f->outside, NULL, 0);
    hp_host_set_silent(f->inside, true);
    f->server_address = f->server_inside = hp_addr_v4(0xc6336401, SERVER_PORT);
    if (r->kind == NAT64) {
        hp_prefix prefix = hp_dns64_well_known();
        hp_dns64_embed(&prefix, &f->server_address, &f->server_inside);
    } else if (r->kind >= ROUTED6) {
        static const uint8_t server[16] = {0x20, 0x01, 0x0d, 0xb8, 0, 2, [15] = 1};
        f->server_address = f->server_inside = hp_addr_v6(server, SERVER_PORT);
    }
    hp_host_add_address(f->outside, 0, &f->server_address);
    for (uint32_t i = 0; i < f->n_endpoints; i += PORTS_PER_ADDRESS) {
        hp_host_add_address(f->inside, 0, &f->endpoints[i].internal);
    }
    hp_node *inside = hp_host_node(f->inside), *outside = hp_host_node(f->outside);
    if (r->kind != PLAIN) {
        add_nat(f, r->kind);
        hp_node *nat = hp_nat_node(f->nat);
        connect_by_link(f, "inside>nat", inside, 0, nat, HP_NAT_INSIDE);
        connect_by_link(f, "nat>outside", nat, HP_NAT_OUTSIDE, outside, 0);
        connect_by_link(f, "outside>nat", outside, 0, nat, HP_NAT_OUTSIDE);
        hp_node *back = connect_by_link(f, "nat>inside", nat, HP_NAT_INSIDE, inside, 0);
        if (r->with_rules) {
            add_rules(f, inside, back);
        }
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
    f->server = hp_host_bind(f->outside, &f->server_address, &outside_ops, f, NULL);
    for (uint32_t i = 0; r->inbound && i < f->n_endpoints; i++) {
        hp_host_bind(f->inside, &f->endpoints[i].internal, &inside_ops, f, NULL);
    }
}

static void fabric_clear(fabric *f)
{
    hp_world_free(f->world);
    g_free(f->endpoints);
}

static void expect_received(const fabric *f, uint64_t n)
{
    if (f->received != n) {
        fprintf(stderr, "bench_fabric: %" G_GUINT64_FORMAT " of %" G_GUINT64_FORMAT " packets arrived\n", f->received,
                n);
        exit(1);
    }
}

typedef void send_func(fabric *f, uint32_t index);

/* One packet for every endpoint. */
static void send_to_all(fabric *f, send_func *send)
{
    f->received = 0;
    for (uint32_t i = 0; i < f->n_endpoints; i++) {
        send(f, i);
        if (i % BATCH == BATCH - 1) {
            drain(f);
        }
    }
    drain(f);
    expect_received(f, f->n_endpoints);
}

static void send_at_random(fabric *f, send_func *send, uint64_t n_batches)
{
    uint32_t batch[BATCH];
    f->received = 0;
    for (uint64_t i = 0; i < n_batches; i++) {
        for (unsigned k = 0; k < BATCH; k++) {
            batch[k] = (uint32_t)hp_rng_below(&f->rng, f->n_endpoints);
            __builtin_prefetch(&f->endpoints[batch[k]].internal);
            __builtin_prefetch(&f->endpoints[batch[k]].external);
        }
        for (unsigned k = 0; k < BATCH; k++) {
            send(f, batch[k]);
        }
        drain(f);
    }
    expect_received(f, n_batches * BATCH);
}

/* Nanoseconds a packet. */
static double measure(const row *r, uint64_t n_packets)
{
    fabric f;
    fabric_init(&f, r);
    uint64_t started = cpu_ns();
    f.learning = true;
    send_to_all(&f, send_out);
    f.learning = false;
    if (r->inbound) {
        send_to_all(&f, send_in);
    }
    double new_ns = (double)(cpu_ns() - started) / r->n_endpoints;
    started = cpu_ns();
    send_at_random(&f, r->inbound ? send_in : send_out, (n_packets + BATCH - 1) / BATCH);
    double packet_ns = (double)(cpu_ns() - started) / (double)f.received;
    printf("%-12s %9u %8.2f %8.0f", r->label, r->n_endpoints, 1e3 / packet_ns, packet_ns);
    if (r->kind != PLAIN) {
        printf(" %8.0f %14.1f", new_ns, (double)hp_nat_memory(f.nat) / r->n_endpoints);
    }
    printf("\n");
    fflush(stdout);
    fabric_clear(&f);
    return packet_ns;
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
            ns[i] = measure(&rows[i], n_packets);
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
