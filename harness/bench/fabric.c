/* The fabric alone, as fast as it goes.
 *
 * Every packet (172 bytes, an RTP packet of audio) belongs to an endpoint drawn at random, so that tables are met cold; 64
 * at a time travel together, sent at one instant. All endpoints live on one inside host, which has as many addresses as
 * it takes; outside there is one socket.
 *
 * An endpoint's first packet out makes its mapping, and inbound the first one back moves the mapping to another timer:
 * that is set-up, and not in the cost of a packet. The list of endpoints is the bench's own and is prefetched, as it is
 * no part of the fabric. Times are CPU of the process. Every packet must arrive, or there is no figure. */
#include "bench/fabric.h"

#include "base/error.h"
#include "bench/clock.h"
#include "wire/dns64.h"
#include "world/host.h"
#include "world/link.h"
#include "world/nat.h"
#include "world/router.h"
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
    /* Two links of 10 us; the NAT's timers stay where they are. What would not run does not arrive. */
    hp_world_run_until(f->world, hp_world_now(f->world) + 2 * LINK_DELAY, NULL);
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

static void add_nat(fabric *f, hp_bench_fabric_kind kind)
{
    uint32_t n_addresses = (f->n_endpoints + PORTS_PER_ADDRESS - 1) / PORTS_PER_ADDRESS;
    hp_nat_config config = hp_nat_config_default();
    config.udp_timeout = 24 * 3600 * HP_S;
    config.pool = (uint16_t)n_addresses;
    config.ipv6 = kind == HP_BENCH_FABRIC_ROUTED6 ? HP_NAT_IPV6_ROUTE : HP_NAT_IPV6_TRANSLATE;
    config.nat64 = kind == HP_BENCH_FABRIC_NAT64;
    f->nat = hp_nat_new(f->world, "nat", &config);
    hp_addr *pool = g_new(hp_addr, n_addresses);
    for (uint32_t i = 0; i < n_addresses; i++) {
        static const uint8_t first[16] = {0x20, 0x01, 0x0d, 0xb8, 0, 1, [15] = 1};
        pool[i] = kind == HP_BENCH_FABRIC_NAT66 ? hp_addr_plus(hp_addr_v6(first, 0), i) : hp_addr_v4(0xcb007101 + i, 0);
    }
    hp_nat_set_external(f->nat, pool, n_addresses);
    g_free(pool);
}

/* Everything outside by one port, the inside host's addresses by the other. */
static void add_router(fabric *f, hp_node *inside, hp_node *outside)
{
    enum { INSIDE, OUTSIDE };
    hp_router *router = hp_router_new(f->world, "router", &(hp_router_config){.hop = true});
    hp_node *node = hp_router_node(router);
    hp_prefix whole = {.base = hp_addr_v4(0x0a000000, 0), .bits = 8};
    hp_router_add_route(router, &whole, INSIDE);
    hp_router_set_default(router, OUTSIDE);
    connect_by_link(f, "inside>router", inside, 0, node, INSIDE);
    connect_by_link(f, "router>outside", node, OUTSIDE, outside, 0);
    connect_by_link(f, "outside>router", outside, 0, node, OUTSIDE);
    connect_by_link(f, "router>inside", node, INSIDE, inside, 0);
}

/* Between the inside host and its link, both ways. */
static bool add_rules(fabric *f, hp_node *inside, hp_node *nat_to_inside, GError **error)
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
    return hp_rules_set(box, rules, G_N_ELEMENTS(rules), error);
}

static bool fabric_init(fabric *f, const hp_bench_fabric_row *r, uint64_t seed, GError **error)
{
    *f = (fabric){.world = hp_world_new(seed, NULL), .n_endpoints = r->n_endpoints};
    hp_world_rng(f->world, "bench", &f->rng);
    f->endpoints = g_new0(endpoint, f->n_endpoints);
    for (uint32_t i = 0; i < f->n_endpoints; i++) {
        f->endpoints[i].internal = internal_address(i, r->kind >= HP_BENCH_FABRIC_ROUTED6);
    }
    f->inside = hp_host_new(f->world, "inside");
    f->outside = hp_host_new(f->world, "outside");
    hp_host_add_interface(f->inside, NULL, 0);
    hp_host_add_interface(f->outside, NULL, 0);
    hp_host_set_silent(f->inside, true);
    f->server_address = f->server_inside = hp_addr_v4(0xc6336401, SERVER_PORT);
    if (r->kind == HP_BENCH_FABRIC_NAT64) {
        hp_prefix prefix = hp_dns64_well_known();
        hp_dns64_embed(&prefix, &f->server_address, &f->server_inside);
    } else if (r->kind >= HP_BENCH_FABRIC_ROUTED6) {
        static const uint8_t server[16] = {0x20, 0x01, 0x0d, 0xb8, 0, 2, [15] = 1};
        f->server_address = f->server_inside = hp_addr_v6(server, SERVER_PORT);
    }
    hp_host_add_address(f->outside, 0, &f->server_address);
    for (uint32_t i = 0; i < f->n_endpoints; i += PORTS_PER_ADDRESS) {
        hp_host_add_address(f->inside, 0, &f->endpoints[i].internal);
    }
    hp_node *inside = hp_host_node(f->inside), *outside = hp_host_node(f->outside);
    if (r->kind == HP_BENCH_FABRIC_ROUTER) {
        add_router(f, inside, outside);
    } else if (r->kind != HP_BENCH_FABRIC_PLAIN) {
        add_nat(f, r->kind);
        hp_node *nat = hp_nat_node(f->nat);
        connect_by_link(f, "inside>nat", inside, 0, nat, HP_NAT_INSIDE);
        connect_by_link(f, "nat>outside", nat, HP_NAT_OUTSIDE, outside, 0);
        connect_by_link(f, "outside>nat", outside, 0, nat, HP_NAT_OUTSIDE);
        hp_node *back = connect_by_link(f, "nat>inside", nat, HP_NAT_INSIDE, inside, 0);
        if (r->with_rules && !add_rules(f, inside, back, error)) {
            return false;
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
    return true;
}

static void fabric_clear(fabric *f)
{
    hp_world_free(f->world);
    g_free(f->endpoints);
}

typedef void send_func(fabric *f, uint32_t index);

/* One packet for every endpoint. */
static bool send_to_all(fabric *f, send_func *send)
{
    f->received = 0;
    for (uint32_t i = 0; i < f->n_endpoints; i++) {
        send(f, i);
        if (i % BATCH == BATCH - 1) {
            drain(f);
        }
    }
    drain(f);
    return f->received == f->n_endpoints;
}

static bool send_at_random(fabric *f, send_func *send, uint64_t n_batches)
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
    return f->received == n_batches * BATCH;
}

static bool measure(fabric *f, const hp_bench_fabric_row *r, uint64_t n_packets, hp_bench_fabric_cost *ret)
{
    uint64_t started = hp_bench_cpu();
    f->learning = true;
    bool ok = send_to_all(f, send_out);
    f->learning = false;
    ok = ok && (!r->inbound || send_to_all(f, send_in));
    double new_ns = (double)(hp_bench_cpu() - started) / r->n_endpoints;
    started = hp_bench_cpu();
    if (!ok || !send_at_random(f, r->inbound ? send_in : send_out, (n_packets + BATCH - 1) / BATCH)) {
        return false;
    }
    *ret = (hp_bench_fabric_cost){.packet_ns = (double)(hp_bench_cpu() - started) / (double)f->received,
                                  .new_ns = new_ns,
                                  .mapping_bytes = f->nat != NULL ? (double)hp_nat_memory(f->nat) / r->n_endpoints : 0};
    return true;
}

bool hp_bench_fabric(const hp_bench_fabric_row *row, uint64_t n_packets, uint64_t seed, hp_bench_fabric_cost *ret,
                     GError **error)
{
    fabric f;
    bool built = fabric_init(&f, row, seed, error);
    bool ok = built && measure(&f, row, n_packets, ret);
    if (built && !ok) {
        g_set_error(error, HP_ERROR, HP_ERROR_REFUSED, "fabric, %s: only %" G_GUINT64_FORMAT " packets arrived",
                    row->label, f.received);
    }
    fabric_clear(&f);
    return ok;
}
