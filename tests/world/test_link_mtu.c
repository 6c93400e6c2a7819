/* What a link does with packets that are too big for it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "world/host.h"
#include "world/link.h"
#include "world/probe.h"

#define A4 "192.0.2.1:1000"
#define B4 "198.51.100.2:2000"
#define A6 "[2001:db8::1]:1000"
#define B6 "[2001:db8::2]:2000"

typedef struct bench {
    hp_trace *trace;
    hp_world *world;
    hp_link *link;
    probe *far, *back;
} bench;

static bench bench_new(const hp_link_config *config)
{
    bench b = {.trace = hp_trace_new(NULL)};
    assert_non_null(b.trace);
    b.world = hp_world_new(1, b.trace);
    b.link = hp_link_new(b.world, "a>b", config);
    b.far = probe_new(b.world, "far");
    b.back = probe_new(b.world, "back");
    hp_node_connect(hp_link_node(b.link), 0, &b.far->node, 0);
    hp_node_connect(hp_link_node(b.link), 1, &b.back->node, 5);
    hp_addr router4 = addr("203.0.113.1"), router6 = addr("2001:db8:ffff::1");
    hp_link_set_router_address(b.link, &router4, &router6);
    return b;
}

static void bench_free(bench *b)
{
    hp_world_free(b->world);
    hp_trace_free(b->trace);
}

static void put(bench *b, const char *from, const char *to, size_t payload, bool df)
{
    hp_packet *p = udp_packet(b->world, from, to, payload);
    p->dont_fragment = df;
    give(hp_link_node(b->link), 0, p);
}

static void run(bench *b)
{
    assert_true(hp_world_run_until(b->world, hp_world_now(b->world) + 10 * HP_S, NULL));
}

static void test_default_mtu_is_1500(void **state)
{
    bench b = bench_new(&(hp_link_config){.mtu_mode = HP_MTU_BLACK_HOLE});
    put(&b, A4, B4, 1472, false); /* 1500 */
    put(&b, A4, B4, 1473, false);
    put(&b, A6, B6, 1452, false); /* 1500 */
    put(&b, A6, B6, 1453, false);
    run(&b);
    assert_int_equal(b.far->hits->len, 2);
    assert_int_equal(b.back->hits->len, 0);
    hp_record r = {0};
    assert_int_equal(count_drops(b.trace, HP_DROP_LINK_MTU, &r), 2);
    assert_string_equal(r.drop.detail, "1501 bytes, the MTU is 1500");
    assert_int_equal(hp_link_get_stats(b.link).too_big, 2);
    bench_free(&b);
}

static void test_ipv4_is_fragmented(void **state)
{
    /* 1 Mbit/s: each piece takes its own time. 1300 bytes of datagram in pieces of 576 - 20 = 556, rounded to 552. */
    bench b = bench_new(&(hp_link_config){.mtu = 576, .rate_bps = 1000000});
    put(&b, A4, B4, 1292, false);
    run(&b);
    static const struct {
        uint32_t offset, payload;
        bool more;
        hp_time at;
    } wanted[] = {{0, 544, true, 4576 * HP_US}, {552, 552, true, 9152 * HP_US}, {1104, 196, false, 10880 * HP_US}};
    assert_int_equal(b.far->hits->len, 3);
    unsigned byte = 0;
    for (unsigned i = 0; i < 3; i++) {
        const probe_hit *hit = probe_at(b.far, i);
        assert_int_equal(hit->at, wanted[i].at);
        assert_int_equal(hit->p->uid, 1);
        assert_int_equal(hit->p->frag_offset, wanted[i].offset);
        assert_int_equal(hit->p->frag_total, 1300);
        assert_int_equal(hit->p->frag_more, wanted[i].more);
        assert_int_equal(hit->p->length, wanted[i].payload);
        assert_int_equal(hit->p->src.port, i == 0 ? 1000 : 0);
        assert_int_equal(hit->p->dst.port, i == 0 ? 2000 : 0);
        assert_int_equal(hit->p->ip_id, 1); /* the packet had none: the uid stands in */
        for (uint32_t k = 0; k < hit->p->length; k++) {
            assert_int_equal(hit->p->payload[k], (uint8_t)byte++);
        }
    }
    assert_int_equal(byte, 1292);
    hp_link_stats stats = hp_link_get_stats(b.link);
    assert_int_equal(stats.packets, 1);
    assert_int_equal(stats.delivered, 3);
    assert_int_equal(stats.too_big, 0);
    bench_free(&b);
}

static void test_df_gets_frag_needed(void **state)
{
    bench b = bench_new(&(hp_link_config){.mtu = 1280, .delay_ns = 30 * HP_MS});
    put(&b, A4, B4, 1253, true); /* 1281 */
    assert_int_equal(b.back->hits->len, 0); /* not within the sender's call */
    run(&b);
    assert_int_equal(b.far->hits->len, 0);
    assert_int_equal(b.back->hits->len, 1);
    const probe_hit *hit = probe_at(b.back, 0);
    hp_addr router = addr("203.0.113.1"), sender = addr("192.0.2.1");
    assert_int_equal(hit->at, 0); /* the router stands at the near end */
    assert_int_equal(hit->port, 5);
    assert_int_equal(hit->p->icmp_kind, HP_ICMP_FRAG_NEEDED);
    assert_int_equal(hit->p->icmp_mtu, 1280);
    assert_true(hp_addr_same_ip(&hit->p->src, &router));
    assert_true(hp_addr_same_ip(&hit->p->dst, &sender));
    assert_int_equal(hit->p->inner->dst.port, 2000);
    assert_int_equal(hit->p->uid, 2);
    assert_int_equal(count_drops(b.trace, HP_DROP_LINK_MTU, NULL), 1);
    bench_free(&b);
}

static void test_ipv6_gets_packet_too_big(void **state)
{
    bench b = bench_new(&(hp_link_config){.mtu = 1280});
    put(&b, A6, B6, 1233, false);
    run(&b);
    assert_int_equal(b.far->hits->len, 0);
    assert_int_equal(b.back->hits->len, 1);
    const probe_hit *hit = probe_at(b.back, 0);
    hp_addr router = addr("2001:db8:ffff::1");
    assert_int_equal(hit->p->proto, HP_PROTO_ICMPV6);
    assert_int_equal(hit->p->icmp_kind, HP_ICMP_FRAG_NEEDED);
    assert_int_equal(hit->p->icmp_mtu, 1280);
    assert_true(hp_addr_same_ip(&hit->p->src, &router));
    assert_int_equal(hp_packet_wire_length(hit->p), 1280);
    bench_free(&b);
}

/* RFC 8200 section 5: a link with a smaller MTU than 1280 cuts IPv6 packets beneath IP. */
static void test_ipv6_has_1280_bytes_on_any_link(void **state)
{
    static const hp_mtu_mode modes[] = {HP_MTU_FRAGMENT, HP_MTU_FRAG_NEEDED, HP_MTU_BLACK_HOLE};
    for (unsigned i = 0; i < G_N_ELEMENTS(modes); i++) {
        bool swallows = modes[i] == HP_MTU_BLACK_HOLE;
        bench b = bench_new(&(hp_link_config){.mtu = 600, .mtu_mode = modes[i]});
        put(&b, A6, B6, 1232, false); /* 1280 */
        put(&b, A6, B6, 1233, false);
        run(&b);
        assert_int_equal(b.far->hits->len, swallows ? 0 : 1);
        assert_int_equal(b.back->hits->len, swallows ? 0 : 1);
        if (!swallows) {
            assert_int_equal(hp_packet_wire_length(probe_at(b.far, 0)->p), 1280);
            assert_int_equal(probe_at(b.far, 0)->p->frag_total, 0);
            assert_int_equal(probe_at(b.back, 0)->p->icmp_mtu, 1280);
        }
        bench_free(&b);
    }
}

static void test_the_error_overtakes_what_is_in_flight(void **state)
{
    bench b = bench_new(&(hp_link_config){.mtu = 1280, .delay_ns = 30 * HP_MS});
    put(&b, A4, B4, 10, false);
    put(&b, A4, B4, 1400, true);
    assert_int_equal(hp_world_next_deadline(b.world), 0);
    run(&b);
    assert_int_equal(b.back->hits->len, 1);
    assert_int_equal(b.far->hits->len, 1);
    assert_int_equal(probe_at(b.far, 0)->at, 30 * HP_MS);
    assert_int_equal(hp_link_get_stats(b.link).delivered, 1);
    bench_free(&b);
}

static void test_frag_needed_mode_never_fragments(void **state)
{
    bench b = bench_new(&(hp_link_config){.mtu = 1000, .mtu_mode = HP_MTU_FRAG_NEEDED});
    put(&b, A4, B4, 1400, false);
    run(&b);
    assert_int_equal(b.far->hits->len, 0);
    assert_int_equal(b.back->hits->len, 1);
    bench_free(&b);
}

static void test_without_a_way_back_the_drop_is_silent(void **state)
{
    bench b = bench_new(&(hp_link_config){.mtu = 1000, .mtu_mode = HP_MTU_FRAG_NEEDED});
    hp_addr router6 = addr("2001:db8:ffff::1");
    hp_link_set_router_address(b.link, NULL, &router6);
    put(&b, A4, B4, 1400, false);
    run(&b);
    assert_int_equal(b.back->hits->len, 0);
    assert_int_equal(count_drops(b.trace, HP_DROP_LINK_MTU, NULL), 1);
    bench_free(&b);
}

static void test_an_mtu_too_small_for_anything(void **state)
{
    bench b = bench_new(&(hp_link_config){.mtu = 27});
    put(&b, A4, B4, 100, false);
    run(&b);
    assert_int_equal(b.far->hits->len, 0);
    assert_int_equal(count_drops(b.trace, HP_DROP_LINK_MTU, NULL), 1);
    bench_free(&b);
    b = bench_new(&(hp_link_config){.mtu = 28}); /* eight bytes a piece */
    put(&b, A4, B4, 100, false);
    run(&b);
    assert_int_equal(b.far->hits->len, 14);
    assert_int_equal(probe_at(b.far, 0)->p->length, 0); /* the UDP header alone */
    assert_int_equal(probe_at(b.far, 13)->p->length, 4);
    bench_free(&b);
}

static void test_losses_hit_single_fragments(void **state)
{
    /* The list speaks of packets as the link saw them: the whole datagram is one. The queue takes single pieces. */
    bench b = bench_new(&(hp_link_config){.mtu = 576, .rate_bps = 1000000, .queue_packets = 1});
    put(&b, A4, B4, 1292, false);
    run(&b);
    assert_int_equal(b.far->hits->len, 2); /* one sent, one waits, the third finds no room */
    assert_int_equal(hp_link_get_stats(b.link).queue_drops, 1);
    bench_free(&b);
}

static void count_datagram(void *user, hp_socket *socket, const hp_datagram *d)
{
    ((unsigned *)user)[0]++;
    ((unsigned *)user)[1] = (unsigned)d->length;
}

/* RFC 8201 from end to end: the first datagram is lost and teaches the host, the second arrives in pieces. */
static void test_a_host_learns_the_path_mtu(void **state)
{
    g_autoptr(hp_trace) trace = hp_trace_new(NULL);
    g_autoptr(hp_world) world = hp_world_new(1, trace);
    hp_host *hosts[2] = {hp_host_new(world, "alice"), hp_host_new(world, "bob")};
    hp_link *link = hp_link_new(world, "a>b", &(hp_link_config){.mtu = 1300, .delay_ns = 5 * HP_MS});
    hp_addr at[2] = {addr(A6), addr(B6)}, router = addr("2001:db8:ffff::1");
    hp_socket *sockets[2];
    unsigned got[2][2] = {{0}};
    static const hp_socket_ops ops = {.datagram = count_datagram};
    for (unsigned i = 0; i < 2; i++) {
        hp_host_add_interface(hosts[i], NULL, 0);
        hp_host_add_address(hosts[i], 0, &at[i]);
        sockets[i] = hp_host_bind(hosts[i], &at[i], &ops, got[i], NULL);
    }
    hp_node_connect(hp_host_node(hosts[0]), 0, hp_link_node(link), 0);
    hp_node_connect(hp_link_node(link), 0, hp_host_node(hosts[1]), 0);
    hp_node_connect(hp_link_node(link), 1, hp_host_node(hosts[0]), 0);
    hp_link_set_router_address(link, NULL, &router);
    uint8_t data[1400] = {0};
    assert_true(hp_socket_send(sockets[0], &at[1], data, sizeof data, NULL));
    assert_true(hp_world_run_until(world, HP_S, NULL));
    assert_int_equal(got[1][0], 0);
    assert_int_equal(count_drops(trace, HP_DROP_LINK_MTU, NULL), 1);
    assert_true(hp_socket_send(sockets[0], &at[1], data, sizeof data, NULL));
    assert_true(hp_world_run_until(world, 2 * HP_S, NULL));
    assert_int_equal(got[1][0], 1);
    assert_int_equal(got[1][1], sizeof data);
    assert_int_equal(count_drops(trace, HP_DROP_LINK_MTU, NULL), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_default_mtu_is_1500),
        cmocka_unit_test(test_ipv4_is_fragmented),
        cmocka_unit_test(test_df_gets_frag_needed),
        cmocka_unit_test(test_ipv6_gets_packet_too_big),
        cmocka_unit_test(test_ipv6_has_1280_bytes_on_any_link),
        cmocka_unit_test(test_the_error_overtakes_what_is_in_flight),
        cmocka_unit_test(test_frag_needed_mode_never_fragments),
        cmocka_unit_test(test_without_a_way_back_the_drop_is_silent),
        cmocka_unit_test(test_an_mtu_too_small_for_anything),
        cmocka_unit_test(test_losses_hit_single_fragments),
        cmocka_unit_test(test_a_host_learns_the_path_mtu),
    };
    return cmocka_run_group_tests_name("link_mtu", tests, NULL, NULL);
}
