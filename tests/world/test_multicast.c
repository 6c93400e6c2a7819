/* Multicast: a switch floods it, a router does not pass it, and a host takes it where a socket has joined. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "world/host.h"
#include "world/link.h"
#include "world/nat.h"
#include "world/probe.h"
#include "world/router.h"

#define GROUP "224.0.0.251:5353"
#define GROUP6 "[ff02::fb]:5353"

typedef struct ear {
    unsigned n;
    hp_addr from, to;
    uint8_t ttl;
    hp_time at;
} ear;

static void on_datagram(void *user, hp_socket *socket, const hp_datagram *d)
{
    ear *e = user;
    e->n++;
    e->from = d->from;
    e->to = d->to;
    e->ttl = d->ttl;
    e->at = hp_world_now(hp_host_world(hp_socket_host(socket)));
}

typedef struct bench {
    hp_trace *trace;
    hp_world *world;
    hp_router *lan;
    hp_host *hosts[3];
    ear ears[3];
    hp_socket *sockets[3];
} bench;

static void assert_addr(const hp_addr *a, const char *expected)
{
    char text[HP_ADDR_TEXT];
    assert_string_equal(hp_addr_format(a, text), expected);
}

/* Hosts 10.0.0.1 to .3, 1 ms apart, each with a socket on 5353. */
static bench *bench_new(bool floods)
{
    static const hp_socket_ops ops = {.datagram = on_datagram};
    static const char *const names[] = {"a", "b", "c"};
    bench *b = g_new0(bench, 1);
    b->trace = hp_trace_new(NULL);
    b->world = hp_world_new(1, b->trace);
    b->lan = hp_router_new(b->world, "lan", &(hp_router_config){.multicast = floods, .unreachable = true});
    for (unsigned i = 0; i < 3; i++) {
        hp_link *link = hp_link_new(b->world, names[i], &(hp_link_config){.delay_ns = HP_MS});
        hp_addr a = hp_addr_v4(0x0a000001 + i, 0), local = hp_addr_with_port(a, 5353);
        hp_prefix route = {.base = a, .bits = 32};
        b->hosts[i] = hp_host_new(b->world, names[i]);
        hp_host_add_interface(b->hosts[i], NULL, 0);
        hp_host_add_address(b->hosts[i], 0, &a);
        hp_node_connect(hp_host_node(b->hosts[i]), 0, hp_link_node(link), 0);
        hp_node_connect(hp_link_node(link), 0, hp_router_node(b->lan), i + 1); /* port 0 leads nowhere, as in a rig */
        hp_node_connect(hp_router_node(b->lan), i + 1, hp_host_node(b->hosts[i]), 0);
        hp_router_add_route(b->lan, &route, i + 1);
        b->sockets[i] = hp_host_bind(b->hosts[i], &local, &ops, &b->ears[i], NULL);
        assert_non_null(b->sockets[i]);
    }
    return b;
}

static void bench_free(bench *b)
{
    hp_world_free(b->world);
    hp_trace_free(b->trace);
    g_free(b);
}

static void join(bench *b, unsigned i, const char *group)
{
    hp_addr a = addr(group);
    assert_true(hp_socket_join(b->sockets[i], &a, NULL));
}

static void send_from(bench *b, unsigned i, const char *to)
{
    hp_addr a = addr(to);
    assert_true(hp_socket_send(b->sockets[i], &a, "x", 1, &(hp_send_options){.ttl = 255}));
    assert_true(hp_world_run_until(b->world, hp_world_now(b->world) + HP_S, NULL));
}

static void a_switch_gives_everyone_else_a_copy(void **state)
{
    bench *b = bench_new(true);
    join(b, 0, GROUP);
    join(b, 1, GROUP);
    join(b, 2, GROUP);
    send_from(b, 0, GROUP);
    assert_int_equal(b->ears[0].n, 0); /* not to who sent it */
    assert_int_equal(b->ears[1].n, 1);
    assert_int_equal(b->ears[2].n, 1);
    assert_addr(&b->ears[2].from, "10.0.0.1:5353");
    assert_addr(&b->ears[2].to, GROUP);
    assert_int_equal(b->ears[2].ttl, 255);
    assert_true(b->ears[2].at == HP_MS);
    bench_free(b);
}

static void who_has_not_joined_gets_nothing(void **state)
{
    bench *b = bench_new(true);
    hp_record drop;
    join(b, 1, GROUP);
    join(b, 2, "224.0.0.252");
    send_from(b, 0, GROUP);
    assert_int_equal(b->ears[1].n, 1);
    assert_int_equal(b->ears[2].n, 0);
    assert_int_equal(count_drops(b->trace, HP_DROP_NO_SOCKET, &drop), 1);
    assert_string_equal(drop.drop.place, "c");
    assert_string_equal(drop.drop.detail, "no member of that group");
    /* another port of the same group */
    send_from(b, 0, "224.0.0.251:5354");
    assert_int_equal(b->ears[1].n, 1);
    assert_int_equal(count_drops(b->trace, HP_DROP_NO_SOCKET, NULL), 3);
    bench_free(b);
}

static void unicast_to_a_member_is_as_ever(void **state)
{
    bench *b = bench_new(true);
    join(b, 1, GROUP);
    send_from(b, 0, "10.0.0.2:5353");
    assert_int_equal(b->ears[1].n, 1);
    assert_int_equal(b->ears[2].n, 0);
    assert_addr(&b->ears[1].to, "10.0.0.2:5353");
    bench_free(b);
}

static void a_router_passes_none_on_and_says_nothing(void **state)
{
    bench *b = bench_new(false);
    hp_prefix all;
    hp_record drop;
    assert_true(hp_prefix_parse("224.0.0.0/4", &all));
    hp_router_add_route(b->lan, &all, 2); /* no route is for multicast */
    join(b, 1, GROUP);
    send_from(b, 0, GROUP);
    assert_int_equal(b->ears[1].n, 0);
    assert_int_equal(count_drops(b->trace, HP_DROP_NO_ROUTE, &drop), 1);
    assert_string_equal(drop.drop.place, "lan");
    assert_string_equal(drop.drop.detail, "multicast stays on its link");
    bench_free(b);
}

static void an_interface_that_is_down_hears_nothing(void **state)
{
    bench *b = bench_new(true);
    join(b, 1, GROUP);
    hp_host_set_interface_up(b->hosts[1], 0, false);
    send_from(b, 0, GROUP);
    assert_int_equal(b->ears[1].n, 0);
    hp_host_set_interface_up(b->hosts[1], 0, true);
    send_from(b, 0, GROUP);
    assert_int_equal(b->ears[1].n, 1);
    bench_free(b);
}

static void membership_is_of_the_interface(void **state)
{
    static const hp_socket_ops ops = {.datagram = on_datagram};
    bench *b = bench_new(true);
    hp_addr group = addr(GROUP), second = addr("10.9.9.9:5353");
    ear other = {0};
    join(b, 1, GROUP);
    unsigned n = hp_host_add_interface(b->hosts[1], "second", 0);
    hp_addr ip = hp_addr_with_port(second, 0);
    hp_host_add_address(b->hosts[1], n, &ip);
    hp_socket *socket = hp_host_bind(b->hosts[1], &second, &ops, &other, NULL);
    assert_true(hp_socket_join(socket, &group, NULL));
    send_from(b, 0, GROUP);
    assert_int_equal(b->ears[1].n, 1);
    assert_int_equal(other.n, 0);
    give(hp_host_node(b->hosts[1]), n, udp_packet(b->world, "10.9.9.1:5353", GROUP, 4));
    assert_int_equal(b->ears[1].n, 1);
    assert_int_equal(other.n, 1);
    bench_free(b);
}

static void what_cannot_be_joined(void **state)
{
    static const hp_socket_ops ops = {.datagram = on_datagram};
    bench *b = bench_new(true);
    hp_addr group = addr(GROUP), group6 = addr(GROUP6), host = addr("10.0.0.2"), any = {.family = HP_AF_IPV4};
    hp_socket *wildcard = hp_host_bind(b->hosts[0], &any, &ops, &b->ears[0], NULL);
    g_autoptr(GError) error = NULL;
    assert_false(hp_socket_join(b->sockets[0], &group6, NULL));
    assert_false(hp_socket_join(b->sockets[0], &host, NULL));
    assert_false(hp_socket_join(wildcard, &group, &error));
    assert_string_equal(error->message, "a: this socket cannot join 224.0.0.251");
    bench_free(b);
}

static void a_nat_keeps_multicast_inside(void **state)
{
    bench *b = bench_new(true);
    hp_nat_config config = hp_nat_config_default();
    hp_nat *nat = hp_nat_new(b->world, "home", &config);
    probe *outside = probe_new(b->world, "outside");
    hp_addr external = addr("192.0.2.1"), internal = addr("10.0.0.254");
    hp_record drop;
    hp_nat_set_external(nat, &external, 1);
    hp_nat_set_internal(nat, &internal);
    hp_node_connect(hp_router_node(b->lan), 4, hp_nat_node(nat), HP_NAT_INSIDE);
    hp_node_connect(hp_nat_node(nat), HP_NAT_OUTSIDE, &outside->node, 0);
    send_from(b, 0, GROUP);
    assert_int_equal(outside->hits->len, 0);
    assert_int_equal(count_drops(b->trace, HP_DROP_NO_ROUTE, &drop), 1);
    assert_string_equal(drop.drop.place, "home");
    assert_int_equal(hp_nat_get_stats(nat).mappings, 0);
    bench_free(b);
}

static void nobody_else_on_the_link(void **state)
{
    g_autoptr(hp_trace) trace = hp_trace_new(NULL);
    g_autoptr(hp_world) world = hp_world_new(1, trace);
    hp_router *lan = hp_router_new(world, "lan", &(hp_router_config){.multicast = true});
    probe *only = probe_new(world, "only");
    hp_node_connect(hp_router_node(lan), 3, &only->node, 0);
    give(hp_router_node(lan), 3, udp_packet(world, "10.0.0.1:5353", GROUP, 4));
    assert_int_equal(only->hits->len, 0);
    assert_int_equal(count_drops(trace, HP_DROP_NO_ROUTE, NULL), 1);
    give(hp_router_node(lan), 2, udp_packet(world, "10.0.0.2:5353", GROUP, 4));
    assert_int_equal(only->hits->len, 1);
    /* no ICMP ever */
    give(hp_router_node(lan), 3, udp_packet(world, "[2001:db8::1]:5353", GROUP6, 4));
    assert_int_equal(only->hits->len, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_switch_gives_everyone_else_a_copy),
        cmocka_unit_test(who_has_not_joined_gets_nothing),
        cmocka_unit_test(unicast_to_a_member_is_as_ever),
        cmocka_unit_test(a_router_passes_none_on_and_says_nothing),
        cmocka_unit_test(an_interface_that_is_down_hears_nothing),
        cmocka_unit_test(membership_is_of_the_interface),
        cmocka_unit_test(what_cannot_be_joined),
        cmocka_unit_test(a_nat_keeps_multicast_inside),
        cmocka_unit_test(nobody_else_on_the_link),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
