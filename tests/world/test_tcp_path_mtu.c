/* TCP and the path MTU: smaller segments after an ICMP error, at once, and none without one. */
#include "tcp_rig.h"

/* ---- path MTU ---- */

static rig *narrow(uint32_t mtu, hp_mtu_mode mode, bool quiet_router, end *client, end *server)
{
    hp_link_config config = {.delay_ns = 20 * HP_MS, .mtu = mtu, .mtu_mode = mode};
    rig *r = rig_new(&config, NULL);
    hp_addr v4 = addr("203.0.113.1"), v6 = addr("2001:db8::ff");
    if (!quiet_router) {
        hp_link_set_router_address(r->there, &v4, &v6);
    }
    rig_pair(r, client, server);
    rig_until(r, 100 * HP_MS);
    rig_said(r);
    return r;
}

static void test_a_smaller_path_mtu(void **state)
{
    end c, s;
    rig *r = narrow(1400, HP_MTU_FRAG_NEEDED, false, &c, &s);
    g_autofree uint8_t *bytes = some_bytes(4 * 1460);
    send_all(&c, bytes, 4 * 1460);
    rig_until(r, HP_S);
    /* The error comes at once here: all that was sent goes again in segments of 1360, before any time-out. */
    assert_string_equal(rig_said(r), "100ms alice ACK 1/1 len 1460\n"
                                     "100ms alice ACK 1461/1 len 1460\n"
                                     "100ms alice ACK 2921/1 len 1460\n"
                                     "100ms alice PSH,ACK 4381/1 len 1460\n"
                                     "100ms alice ACK 1/1 len 1360\n"
                                     "100ms alice ACK 1361/1 len 1360\n"
                                     "100ms alice ACK 2721/1 len 1360\n"
                                     "100ms alice ACK 4081/1 len 1360\n"
                                     "100ms alice PSH,ACK 5441/1 len 400\n"
                                     "120ms bob ACK 1/2721\n"
                                     "120ms bob ACK 1/5441\n"
                                     "160ms bob ACK 1/5841\n");
    assert_got(&s, bytes, 4 * 1460);
    hp_tcp_conn_stats stats = hp_tcp_get_stats(c.socket);
    assert_int_equal(stats.mss, 1360);
    assert_int_equal(stats.timeouts, 0);
    assert_int_equal(stats.cwnd, 14600); /* no sign of congestion */
    assert_int_equal(hp_link_get_stats(r->there).too_big, 4);
    finish(r, &c, &s);
}

static void test_a_black_hole(void **state)
{
    end c, s;
    rig *r = narrow(1400, HP_MTU_BLACK_HOLE, false, &c, &s);
    g_autofree uint8_t *bytes = some_bytes(2 * 1460);
    hp_tcp_set_user_timeout(c.socket, 20 * HP_S);
    send_all(&c, bytes, 2 * 1460);
    rig_until(r, 60 * HP_S);
    assert_int_equal(s.got->len, 0);
    assert_reason(&c, "timed-out");
    assert_int_equal(c.closed_at, 20100 * HP_MS);
    finish(r, &c, &s);
}

/* A router next door answers within the call that sent: the error waits its turn. */
typedef struct router_at_once {
    hp_node node;
    hp_host *host;
    unsigned n;
} router_at_once;

static void answer_at_once(hp_node *node, unsigned port, hp_packet *p)
{
    router_at_once *self = (router_at_once *)node;
    hp_addr router = addr("203.0.113.1");
    if (p->length > 100 && self->n++ < 2) {
        hp_packet *error = hp_packet_icmp_error(HP_ICMP_FRAG_NEEDED, &router, p, 1000);
        error->uid = hp_world_new_uid(node->world);
        hp_node_drop(node, p, HP_DROP_LINK_MTU, NULL);
        hp_node_emit(node, 1, error);
        return;
    }
    hp_node_emit(node, 0, p);
}

static void router_free(hp_node *node)
{
    hp_node_clear(node);
    g_free(node);
}

static void test_an_error_within_the_call(void **state)
{
    static const hp_node_ops router_ops = {.kind = "router", .receive = answer_at_once, .free = router_free};
    end c, s;
    rig *r = rig_new(NULL, NULL);
    router_at_once *router = g_new0(router_at_once, 1);
    hp_node_init(&router->node, &router_ops, r->world, "router");
    hp_node_connect(hp_host_node(r->a), 0, &router->node, 0);
    hp_node_connect(&router->node, 0, hp_link_node(r->there), 0);
    hp_node_connect(&router->node, 1, hp_host_node(r->a), 0);
    rig_pair(r, &c, &s);
    rig_until(r, 100 * HP_MS);
    g_autofree uint8_t *bytes = some_bytes(5000);
    send_all(&c, bytes, 5000);
    assert_int_equal(hp_tcp_get_stats(c.socket).mss, 1460); /* not yet */
    rig_until(r, HP_S);
    assert_int_equal(hp_tcp_get_stats(c.socket).mss, 960);
    assert_got(&s, bytes, 5000);
    assert_int_equal(hp_tcp_get_stats(c.socket).timeouts, 0);
    finish(r, &c, &s);
}

/* An error about a segment of this connection, with that MTU. */
static void too_big(rig *r, uint32_t packet, uint32_t mtu)
{
    hp_record record;
    assert_true(hp_trace_find_packet(r->trace, packet, &record));
    g_autoptr(hp_packet) sent = hp_packet_parse(record.packet.bytes, record.packet.length, NULL);
    hp_addr router = addr("203.0.113.1");
    hp_packet *error = hp_packet_icmp_error(HP_ICMP_FRAG_NEEDED, &router, sent, mtu);
    error->uid = hp_world_new_uid(r->world);
    give(hp_host_node(r->a), 0, error);
}

static void test_errors_that_say_little_or_too_much(void **state)
{
    end c, s;
    rig *r = established(LOSING({3, 0}), NULL, &c, &s);
    g_autofree uint8_t *bytes = some_bytes(1460);
    send_all(&c, bytes, 1460);
    unsigned packet = hp_trace_n_packets(r->trace);
    too_big(r, packet, 1600); /* larger than ours */
    assert_int_equal(hp_tcp_get_stats(c.socket).mss, 1460);
    too_big(r, 1, 1000); /* about the SYN, which is acknowledged */
    assert_int_equal(hp_tcp_get_stats(c.socket).mss, 1460);
    too_big(r, packet, 0); /* from a router older than RFC 1191: the plateau below 1500 */
    assert_int_equal(hp_tcp_get_stats(c.socket).mss, 1492 - 40);
    too_big(r, packet, 20); /* less than can be */
    assert_int_equal(hp_tcp_get_stats(c.socket).mss, 48);
    finish(r, &c, &s);
}

/* The MSS of a SYN comes from the interface, and the smaller one counts. */
static void test_mss_of_a_small_interface(void **state)
{
    rig *r = rig_new(NULL, NULL);
    hp_host *small = rig_host(r, "small", "192.0.2.3", 1280);
    hp_node_connect(hp_link_node(r->there), 0, hp_host_node(small), 0);
    hp_node_connect(hp_host_node(small), 0, hp_link_node(r->back), 0);
    end c, s;
    end_init(&c, r);
    end_init(&s, r);
    rig_listen(&s, small, "192.0.2.3:80");
    rig_connect_from(&c, r->a, NULL, "192.0.2.3:80");
    rig_until(r, HP_S);
    assert_int_equal(hp_tcp_get_stats(c.socket).mss, 1240);
    assert_int_equal(hp_tcp_get_stats(s.socket).mss, 1240);
    finish(r, &c, &s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_smaller_path_mtu),       cmocka_unit_test(test_a_black_hole),
        cmocka_unit_test(test_an_error_within_the_call), cmocka_unit_test(test_errors_that_say_little_or_too_much),
        cmocka_unit_test(test_mss_of_a_small_interface),
    };
    return cmocka_run_group_tests_name("tcp_path_mtu", tests, NULL, NULL);
}
