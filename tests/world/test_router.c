/* Routers: which route wins, TTL, ICMP errors. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "world/probe.h"
#include "world/router.h"

#define A "192.0.2.1:1000"
#define A6 "[2001:db8::1]:1000"

typedef struct bench {
    hp_trace *trace;
    hp_world *world;
    hp_router *router;
    probe *ports[6];
} bench;

static bench bench_new(const hp_router_config *config)
{
    bench b = {.trace = hp_trace_new(NULL)};
    assert_non_null(b.trace);
    b.world = hp_world_new(1, b.trace);
    b.router = hp_router_new(b.world, "core", config);
    for (unsigned i = 0; i < G_N_ELEMENTS(b.ports); i++) {
        g_autofree char *name = g_strdup_printf("port%u", i);
        b.ports[i] = probe_new(b.world, name);
        hp_node_connect(hp_router_node(b.router), i, &b.ports[i]->node, 0);
    }
    return b;
}

static void bench_free(bench *b)
{
    hp_world_free(b->world);
    hp_trace_free(b->trace);
}

static void route(bench *b, const char *prefix, unsigned port)
{
    hp_prefix p;
    assert_true(hp_prefix_parse(prefix, &p));
    hp_router_add_route(b->router, &p, port);
}

static void unroute(bench *b, const char *prefix)
{
    hp_prefix p;
    assert_true(hp_prefix_parse(prefix, &p));
    hp_router_remove_route(b->router, &p);
}

/* The port a packet to dst leaves by, or -1. */
static int way(bench *b, const char *dst)
{
    unsigned before[G_N_ELEMENTS(b->ports)];
    for (unsigned i = 0; i < G_N_ELEMENTS(b->ports); i++) {
        before[i] = b->ports[i]->hits->len;
    }
    give(hp_router_node(b->router), 0, udp_packet(b->world, strchr(dst, '[') != NULL ? A6 : A, dst, 4));
    for (unsigned i = 0; i < G_N_ELEMENTS(b->ports); i++) {
        if (b->ports[i]->hits->len > before[i]) {
            return (int)i;
        }
    }
    return -1;
}

static void test_longest_prefix_wins(void **state)
{
    bench b = bench_new(&(hp_router_config){0});
    route(&b, "10.0.0.0/8", 1);
    route(&b, "10.1.2.3", 4);
    route(&b, "10.1.2.0/24", 3);
    route(&b, "10.1.0.0/16", 2);
    route(&b, "2001:db8::/32", 1);
    route(&b, "2001:db8:1::/48", 2);
    route(&b, "2001:db8:1::1", 3);
    assert_int_equal(way(&b, "10.1.2.3:7"), 4);
    assert_int_equal(way(&b, "10.1.2.4:7"), 3);
    assert_int_equal(way(&b, "10.1.3.4:7"), 2);
    assert_int_equal(way(&b, "10.2.3.4:7"), 1);
    assert_int_equal(way(&b, "11.0.0.1:7"), -1);
    assert_int_equal(way(&b, "[2001:db8:1::1]:7"), 3);
    assert_int_equal(way(&b, "[2001:db8:1::2]:7"), 2);
    assert_int_equal(way(&b, "[2001:db8:2::2]:7"), 1);
    assert_int_equal(way(&b, "[2001:db9::1]:7"), -1);
    hp_router_set_default(b.router, 5);
    assert_int_equal(way(&b, "11.0.0.1:7"), 5);
    assert_int_equal(way(&b, "[2001:db9::1]:7"), 5);
    hp_router_set_default(b.router, -1);
    assert_int_equal(way(&b, "11.0.0.1:7"), -1);
    assert_int_equal(count_drops(b.trace, HP_DROP_NO_ROUTE, NULL), 3);
    bench_free(&b);
}

static void test_routes_are_replaced_and_removed(void **state)
{
    bench b = bench_new(&(hp_router_config){0});
    route(&b, "10.0.0.0/8", 1);
    route(&b, "10.0.0.1", 2);
    route(&b, "10.0.0.0/8", 3);
    route(&b, "10.0.0.1", 4);
    assert_int_equal(way(&b, "10.0.0.1:7"), 4);
    assert_int_equal(way(&b, "10.0.0.2:7"), 3);
    unroute(&b, "10.0.0.0/16"); /* not there */
    unroute(&b, "10.0.0.1");
    assert_int_equal(way(&b, "10.0.0.1:7"), 3);
    unroute(&b, "10.0.0.0/8");
    assert_int_equal(way(&b, "10.0.0.1:7"), -1);
    unroute(&b, "10.0.0.1");
    route(&b, "0.0.0.0/0", 1);
    assert_int_equal(way(&b, "10.0.0.1:7"), 1);
    assert_int_equal(way(&b, "[2001:db8::1]:7"), -1);
    bench_free(&b);
}

/* Adding and removing thousands of host routes in random order, against a plain array. */
static void test_many_host_routes(void **state)
{
    enum { N = 3000 };
    static uint8_t wanted[N]; /* port + 1, 0 = none */
    g_autoptr(hp_world) world = hp_world_new(1, NULL);
    hp_router *router = hp_router_new(world, "core", &(hp_router_config){0});
    probe *ports[5];
    for (unsigned i = 0; i < 5; i++) {
        ports[i] = probe_new(world, "port");
        hp_node_connect(hp_router_node(router), i, &ports[i]->node, 0);
    }
    hp_rng rng;
    hp_rng_init(&rng, 1, "routes");
    memset(wanted, 0, sizeof wanted);
    for (unsigned i = 0; i < 20 * N; i++) {
        unsigned host = (unsigned)hp_rng_below(&rng, N);
        hp_prefix prefix = {.base = hp_addr_v4(0x0a000000 + host * 256, 0), .bits = 32};
        if (hp_rng_below(&rng, 2) == 0) {
            hp_router_remove_route(router, &prefix);
            wanted[host] = 0;
        } else {
            unsigned port = (unsigned)hp_rng_below(&rng, 5);
            hp_router_add_route(router, &prefix, port);
            wanted[host] = (uint8_t)(port + 1);
        }
    }
    hp_addr from = addr(A);
    for (unsigned host = 0; host < N; host++) {
        hp_addr to = hp_addr_v4(0x0a000000 + host * 256, 7);
        unsigned before = wanted[host] != 0 ? ports[wanted[host] - 1]->hits->len : 0;
        give(hp_router_node(router), 0, hp_packet_new(HP_PROTO_UDP, &from, &to, NULL, 0));
        if (wanted[host] != 0) {
            assert_int_equal(ports[wanted[host] - 1]->hits->len, before + 1);
        }
    }
    unsigned routed = 0, arrived = 0;
    for (unsigned host = 0; host < N; host++) {
        routed += wanted[host] != 0;
    }
    for (unsigned i = 0; i < 5; i++) {
        arrived += ports[i]->hits->len;
    }
    assert_int_equal(arrived, routed);
}

static void test_a_hop_takes_one_off_the_ttl(void **state)
{
    hp_router_config config = {.hop = true, .address4 = addr("203.0.113.9")};
    bench b = bench_new(&config);
    route(&b, "198.51.100.0/24", 1);
    route(&b, "192.0.2.0/24", 2);
    hp_packet *p = udp_packet(b.world, A, "198.51.100.1:7", 4);
    p->ttl = 2;
    give(hp_router_node(b.router), 0, p);
    assert_int_equal(probe_at(b.ports[1], 0)->p->ttl, 1);
    for (uint8_t ttl = 0; ttl < 2; ttl++) {
        p = udp_packet(b.world, A, "198.51.100.1:7", 4);
        p->ttl = ttl;
        give(hp_router_node(b.router), 0, p);
    }
    assert_int_equal(b.ports[1]->hits->len, 1);
    assert_int_equal(count_drops(b.trace, HP_DROP_TTL, NULL), 2);
    assert_int_equal(b.ports[2]->hits->len, 2); /* by the route to the source */
    const hp_packet *error = probe_at(b.ports[2], 0)->p;
    hp_addr router = addr("203.0.113.9"), source = addr("192.0.2.1");
    assert_int_equal(error->icmp_kind, HP_ICMP_TTL_EXCEEDED);
    assert_true(hp_addr_same_ip(&error->src, &router));
    assert_true(hp_addr_same_ip(&error->dst, &source));
    assert_int_equal(error->inner->src.port, 1000);
    assert_int_not_equal(error->uid, 0);
    /* IPv6: it has no address of that family, so the packet goes without an answer. */
    p = udp_packet(b.world, A6, "[2001:db8::9]:7", 4);
    p->ttl = 1;
    hp_router_set_default(b.router, 3);
    give(hp_router_node(b.router), 0, p);
    assert_int_equal(count_drops(b.trace, HP_DROP_TTL, NULL), 3);
    assert_int_equal(b.ports[3]->hits->len, 0);
    bench_free(&b);
}

static void test_a_switch_leaves_the_ttl_alone(void **state)
{
    bench b = bench_new(&(hp_router_config){0});
    route(&b, "198.51.100.0/24", 1);
    hp_packet *p = udp_packet(b.world, A, "198.51.100.1:7", 4);
    p->ttl = 1;
    give(hp_router_node(b.router), 0, p);
    assert_int_equal(probe_at(b.ports[1], 0)->p->ttl, 1);
    bench_free(&b);
}

static void test_unreachable(void **state)
{
    hp_router_config config = {.unreachable = true, .address4 = addr("203.0.113.9"), .address6 = addr("2001:db8:f::9")};
    bench b = bench_new(&config);
    route(&b, "192.0.2.0/24", 2);
    route(&b, "2001:db8::/64", 3);
    route(&b, "198.51.100.0/24", 77); /* a network without that host: nothing is connected to port 77 */
    assert_int_equal(way(&b, "8.8.8.8:53"), 2);
    assert_int_equal(probe_at(b.ports[2], 0)->p->icmp_kind, HP_ICMP_NET_UNREACHABLE);
    assert_int_equal(way(&b, "198.51.100.1:53"), 2);
    assert_int_equal(probe_at(b.ports[2], 1)->p->icmp_kind, HP_ICMP_HOST_UNREACHABLE);
    assert_int_equal(way(&b, "[2001:db9::1]:53"), 3);
    assert_int_equal(probe_at(b.ports[3], 0)->p->icmp_kind, HP_ICMP_NET_UNREACHABLE);
    assert_int_equal(probe_at(b.ports[3], 0)->p->proto, HP_PROTO_ICMPV6);
    assert_int_equal(count_drops(b.trace, HP_DROP_NO_ROUTE, NULL), 3);
    /* An error about an error is none. */
    hp_packet *error = hp_packet_copy(probe_at(b.ports[2], 0)->p);
    error->dst = addr("8.8.8.8");
    error->src = addr("192.0.2.1");
    give(hp_router_node(b.router), 0, error);
    assert_int_equal(b.ports[2]->hits->len, 2);
    assert_int_equal(count_drops(b.trace, HP_DROP_NO_ROUTE, NULL), 4);
    bench_free(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_longest_prefix_wins),
        cmocka_unit_test(test_routes_are_replaced_and_removed),
        cmocka_unit_test(test_many_host_routes),
        cmocka_unit_test(test_a_hop_takes_one_off_the_ttl),
        cmocka_unit_test(test_a_switch_leaves_the_ttl_alone),
        cmocka_unit_test(test_unreachable),
    };
    return cmocka_run_group_tests_name("router", tests, NULL, NULL);
}
