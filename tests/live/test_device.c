/* Datagrams of the kernel's own sockets, from namespace to namespace through a world: with TUN, and with veth. */
#include "live_net.h"

#include <errno.h>
#include <netinet/in.h>
#include <string.h>

#include "live/netlink.h"

static void there_and_back(hp_device_kind kind, uint8_t family)
{
    live_net *net = live_net_begun(kind);
    assert_int_equal(hp_device_get_kind(net->hosts[0].device), kind);
    const live_pair p = live_pair_open(net, family);
    char room[100];
    assert_int_equal(live_send(p.at_a, &p.b, "hello", 5), 5);
    assert_int_equal(live_receive(net, p.at_b, room, sizeof room), 5);
    assert_memory_equal(room, "hello", 5);
    assert_true(hp_live_clock_now(net->clock) >= 2 * HP_MS); /* two links of 1 ms */
    assert_int_equal(live_send(p.at_b, &p.a, "you", 3), 3);
    assert_int_equal(live_receive(net, p.at_a, room, sizeof room), 3);
    /* Both taps saw both, and no tap anything else: a kernel's own noise is not in the trace. */
    assert_int_equal(live_count_at(net, "a", HP_DIR_OUT, 0), 1);
    assert_int_equal(live_count_at(net, "b", HP_DIR_IN, 0), 1);
    assert_int_equal(live_count_at(net, "b", HP_DIR_OUT, 0), 1);
    assert_int_equal(live_count_at(net, "a", HP_DIR_IN, 0), 1);
    hp_device_counters counters;
    assert_true(hp_device_count(net->hosts[0].device, &counters, NULL));
    assert_int_equal(counters.from_kernel, 1);
    assert_int_equal(counters.to_kernel, 1);
    assert_int_equal(counters.tx_dropped, 0);
    assert_int_equal(counters.malformed, 0);
    live_pair_close(&p);
    live_net_free(net);
}

static void ipv4_by_tun(void **state)
{
    there_and_back(HP_DEVICE_TUN, HP_AF_IPV4);
}

static void ipv6_by_tun(void **state)
{
    there_and_back(HP_DEVICE_TUN, HP_AF_IPV6);
}

static void ipv4_by_veth(void **state)
{
    there_and_back(HP_DEVICE_VETH, HP_AF_IPV4);
}

static void ipv6_by_veth(void **state)
{
    there_and_back(HP_DEVICE_VETH, HP_AF_IPV6);
}

/* A datagram of 4,000 bytes travels as fragments, which the other kernel puts together. */
static void fragments(hp_device_kind kind, uint8_t family)
{
    live_net *net = live_net_begun(kind);
    const live_pair p = live_pair_open(net, family);
    uint8_t sent[4000], room[5000];
    for (unsigned i = 0; i < sizeof sent; i++) {
        sent[i] = (uint8_t)(i * 7);
    }
    assert_int_equal(live_send(p.at_a, &p.b, sent, sizeof sent), sizeof sent);
    assert_int_equal(live_receive(net, p.at_b, room, sizeof room), sizeof sent);
    assert_memory_equal(room, sent, sizeof sent);
    assert_int_equal(live_count_at(net, "b", HP_DIR_IN, 0), 3);
    live_pair_close(&p);
    live_net_free(net);
}

static void fragments_by_tun(void **state)
{
    fragments(HP_DEVICE_TUN, HP_AF_IPV4);
    fragments(HP_DEVICE_TUN, HP_AF_IPV6);
}

static void fragments_by_veth(void **state)
{
    fragments(HP_DEVICE_VETH, HP_AF_IPV4);
    fragments(HP_DEVICE_VETH, HP_AF_IPV6);
}

/* Nobody listens: the kernel there answers with an ICMP error, which comes back as ECONNREFUSED. */
static void port_unreachable(void **state)
{
    static const uint8_t families[] = {HP_AF_IPV4, HP_AF_IPV6};
    live_net *net = live_net_begun(HP_DEVICE_TUN);
    for (unsigned i = 0; i < 2; i++) {
        hp_addr a = hp_addr_with_port(live_address(0, families[i]), 5000);
        hp_addr b = hp_addr_with_port(live_address(1, families[i]), 6000);
        int at_a = live_socket(net, 0, &a);
        struct sockaddr_storage to;
        socklen_t length = (socklen_t)hp_addr_to_sockaddr(&b, &to);
        assert_int_equal(connect(at_a, (struct sockaddr *)&to, length), 0);
        assert_int_equal(send(at_a, "hello", 5, 0), 5);
        char room[10];
        assert_int_equal(live_receive(net, at_a, room, sizeof room), -1);
        assert_int_equal(errno, ECONNREFUSED);
        close(at_a);
    }
    assert_int_equal(live_count_at(net, "a", HP_DIR_IN, HP_PROTO_ICMP), 1);
    assert_int_equal(live_count_at(net, "a", HP_DIR_IN, HP_PROTO_ICMPV6), 1);
    live_net_free(net);
}

/* Down and up again: addresses, routes and rules are back. Sending while it is down fails at once. */
static void down_and_up(hp_device_kind kind)
{
    static const uint8_t families[] = {HP_AF_IPV4, HP_AF_IPV6};
    GError *error = NULL;
    live_net *net = live_net_begun(kind);
    for (unsigned i = 0; i < 2; i++) {
        const live_pair p = live_pair_open(net, families[i]);
        hp_host_set_interface_up(net->hosts[0].host, 0, false);
        assert_true(hp_device_set_up(net->hosts[0].device, false, &error));
        assert_int_equal(live_send(p.at_a, &p.b, "lost", 4), -1);
        assert_int_equal(errno, ENETUNREACH);
        hp_host_set_interface_up(net->hosts[0].host, 0, true);
        assert_true(hp_device_set_up(net->hosts[0].device, true, &error));
        no_error(error);
        char room[10];
        assert_int_equal(live_send(p.at_a, &p.b, "hello", 5), 5);
        assert_int_equal(live_receive(net, p.at_b, room, sizeof room), 5);
        assert_int_equal(live_send(p.at_b, &p.a, "you", 3), 3);
        assert_int_equal(live_receive(net, p.at_a, room, sizeof room), 3);
        live_pair_close(&p);
    }
    live_net_free(net);
}

/* A program that is root in its namespace takes its interface away. The loop goes on, without turning in circles for a
 * descriptor that has nothing to say any more, and what the world sends there is dropped. */
static void taken_away(hp_device_kind kind)
{
    live_net *net = live_net_begun(kind);
    const live_pair p = live_pair_open(net, HP_AF_IPV4);
    assert_true(
        hp_netlink_remove_link(hp_netns_netlink(net->hosts[0].ns), hp_device_index(net->hosts[0].device), NULL));
    hp_time end = hp_live_clock_now(net->clock) + 100 * HP_MS;
    uint64_t turns = hp_loop_report_get(net->loop)->turns;
    while (hp_live_clock_now(net->clock) < end) {
        live_turn(net);
    }
    assert_true(hp_loop_report_get(net->loop)->turns - turns < 100);
    assert_int_equal(live_send(p.at_b, &p.a, "you", 3), 3);
    while (live_count_at(net, "a", HP_DIR_IN, 0) == 0) {
        live_turn(net);
    }
    hp_device_counters counters;
    assert_true(hp_device_count(net->hosts[0].device, &counters, NULL));
    assert_int_equal(counters.refused, 1);
    live_pair_close(&p);
    live_net_free(net);
}

static void taken_away_tun(void **state)
{
    taken_away(HP_DEVICE_TUN);
}

static void taken_away_veth(void **state)
{
    taken_away(HP_DEVICE_VETH);
}

static void interface_down_tun(void **state)
{
    down_and_up(HP_DEVICE_TUN);
}

/* What the kernel dropped because nobody read stays counted, whatever becomes of the device; what waits in it when it
 * goes down is nobody's lateness. */
static void drops_before_going_down(void **state)
{
    enum { MANY = 20000 };
    GError *error = NULL;
    live_net *net = live_net_begun(HP_DEVICE_TUN);
    hp_addr a = hp_addr_with_port(live_address(0, HP_AF_IPV4), 5000);
    hp_addr b = hp_addr_with_port(live_address(1, HP_AF_IPV4), 6000);
    int at_a = live_socket(net, 0, &a);
    hp_device_counters counters = {0};
    for (unsigned i = 0; i < MANY && counters.tx_dropped == 0; i++) {
        live_send(at_a, &b, "lost", 4);
        assert_true(i % 500 != 0 || hp_device_count(net->hosts[0].device, &counters, &error));
    }
    assert_true(hp_device_count(net->hosts[0].device, &counters, &error));
    const uint64_t dropped = counters.tx_dropped;
    assert_true(dropped > 0);
    for (unsigned i = 0; i < 2; i++) {
        assert_true(hp_device_set_up(net->hosts[0].device, i == 1, &error));
        no_error(error);
        assert_true(hp_device_count(net->hosts[0].device, &counters, &error));
        assert_int_equal(counters.tx_dropped, dropped);
    }
    close(at_a);
    live_net_free(net);
}

static void interface_down_veth(void **state)
{
    down_and_up(HP_DEVICE_VETH);
}

/* What the fabric sends to an interface that is down in its world alone is dropped with a reason. */
static void down_in_the_world(void **state)
{
    live_net *net = live_net_begun(HP_DEVICE_TUN);
    hp_addr a = hp_addr_with_port(live_address(0, HP_AF_IPV4), 5000);
    hp_addr b = hp_addr_with_port(live_address(1, HP_AF_IPV4), 6000);
    int at_a = live_socket(net, 0, &a);
    hp_host_set_interface_up(net->hosts[1].host, 0, false);
    assert_int_equal(live_send(at_a, &b, "lost", 4), 4);
    hp_trace_cursor cursor = {0};
    hp_record r;
    do {
        live_turn(net);
    } while (!hp_trace_next_of(net->trace, &cursor, 1U << HP_RECORD_DROP, &r));
    assert_int_equal(r.drop.reason, HP_DROP_HOST_DOWN);
    close(at_a);
    live_net_free(net);
}

/* An address that goes and another that comes, while the device stays up: the way out is there all the time. */
static void renumbering(void **state)
{
    GError *error = NULL;
    live_net *net = live_net_begun(HP_DEVICE_TUN);
    hp_addr old = live_address(0, HP_AF_IPV4), fresh = ip("10.0.77.1");
    live_host *host = &net->hosts[0];
    assert_true(hp_device_remove_address(host->device, &old, &error));
    assert_true(hp_device_add_address(host->device, &(hp_device_address){fresh, 24}, &error));
    no_error(error);
    hp_host_remove_address(host->host, 0, &old);
    hp_host_add_address(host->host, 0, &fresh);
    hp_prefix own = {.base = fresh, .bits = 32};
    hp_router_add_route(net->router, &own, 0);

    hp_addr a = hp_addr_with_port(fresh, 5000), b = hp_addr_with_port(live_address(1, HP_AF_IPV4), 6000);
    int at_a = live_socket(net, 0, &a), at_b = live_socket(net, 1, &b);
    char room[10];
    assert_int_equal(live_send(at_a, &b, "hello", 5), 5);
    assert_int_equal(live_receive(net, at_b, room, sizeof room), 5);
    close(at_a);
    close(at_b);
    live_net_free(net);
}

/* A kernel takes the other addresses of a network away with its first one; they are to stay. */
static void a_second_address_stays(void **state)
{
    GError *error = NULL;
    live_net *net = live_net_begun(HP_DEVICE_TUN);
    hp_addr first = live_address(0, HP_AF_IPV4), second = ip("10.0.0.2:5000"), far = ip("10.0.1.1:6000");
    live_host *host = &net->hosts[0];
    assert_true(hp_device_add_address(host->device, &(hp_device_address){hp_addr_with_port(second, 0), 24}, &error));
    assert_true(hp_device_remove_address(host->device, &first, &error));
    no_error(error);
    int at = live_socket(net, 0, &second);
    assert_int_equal(live_send(at, &far, "hello", 5), 5);
    close(at);
    live_net_free(net);
}

/* Nothing crosses before the run begins, and what was sent then does not come later. */
static void swallows_what_is_early(void **state)
{
    if (!live_is_possible(HP_DEVICE_TUN)) {
        skip();
    }
    live_net *net = live_net_new(HP_DEVICE_TUN);
    const live_pair p = live_pair_open(net, HP_AF_IPV4);
    char room[10];
    assert_int_equal(live_send(p.at_a, &p.b, "early", 5), 5);
    hp_device_counters counters;
    do {
        live_turn(net);
        assert_true(hp_device_count(net->hosts[0].device, &counters, NULL));
    } while (counters.early == 0);
    hp_live_clock_begin(net->clock);
    assert_int_equal(live_send(p.at_a, &p.b, "now", 3), 3);
    assert_int_equal(live_receive(net, p.at_b, room, sizeof room), 3);
    assert_int_equal(live_count_at(net, "a", HP_DIR_OUT, 0), 1);
    live_pair_close(&p);
    live_net_free(net);
}

/* A host with two interfaces sends out of the one that has the socket's address. */
static void sends_by_source(void **state)
{
    GError *error = NULL;
    if (!live_is_possible(HP_DEVICE_TUN)) {
        skip();
    }
    live_net *net = live_net_new(HP_DEVICE_TUN);
    live_host *host = &net->hosts[0];
    hp_device_address second = {ip("10.0.50.1"), 24};
    hp_device_config config = {.name = "eth1", .addresses = &second, .n_addresses = 1, .default_route = true};
    config.metric = 200;
    config.table = 102;
    hp_device *device = hp_device_new(host->ns, &config, &error);
    no_error(error);
    assert_int_equal(hp_host_add_interface(host->host, "second", 0), 1);
    hp_host_add_address(host->host, 1, &second.ip);
    assert_true(hp_device_attach(device, net->loop, host->host, 1, &error));
    hp_node_connect(hp_host_node(host->host), 1, hp_link_node(net->links[0][0]), 0);
    hp_live_clock_begin(net->clock);
    hp_addr first = hp_addr_with_port(live_address(0, HP_AF_IPV4), 5000);
    hp_addr other = hp_addr_with_port(second.ip, 5000), b = hp_addr_with_port(live_address(1, HP_AF_IPV4), 6000);
    int at_first = live_socket(net, 0, &first), at_second = live_socket(net, 0, &other), at_b = live_socket(net, 1, &b);
    char room[10];
    assert_int_equal(live_send(at_second, &b, "hello", 5), 5);
    assert_int_equal(live_receive(net, at_b, room, sizeof room), 5);
    assert_int_equal(live_count_at(net, "a/second", HP_DIR_OUT, 0), 1);
    assert_int_equal(live_send(at_first, &b, "hel", 3), 3);
    assert_int_equal(live_receive(net, at_b, room, sizeof room), 3);
    assert_int_equal(live_count_at(net, "a/second", HP_DIR_OUT, 0), 1);
    close(at_first);
    close(at_second);
    close(at_b);
    hp_device_free(device);
    live_net_free(net);
}

/* Wherever a packet is sent, there is no way out of the namespace but the device. */
static void leads_nowhere_else(void **state)
{
    live_net *net = live_net_begun(HP_DEVICE_TUN);
    hp_addr a = hp_addr_with_port(live_address(0, HP_AF_IPV4), 5000), far = ip("192.0.2.1:53");
    int at_a = live_socket(net, 0, &a);
    assert_int_equal(live_send(at_a, &far, "hello", 5), 5);
    hp_trace_cursor cursor = {0};
    hp_record r;
    do {
        live_turn(net);
    } while (!hp_trace_next_of(net->trace, &cursor, 1U << HP_RECORD_DROP, &r));
    assert_string_equal(r.drop.place, "router");
    close(at_a);
    live_net_free(net);
}

/* Members of groups are told to routers that are not there: that is the kernel's affair, and not in the trace. What is
 * sent to a group goes on. */
static void noise_stays_outside(void **state)
{
    live_net *net = live_net_begun(HP_DEVICE_TUN);
    hp_addr four = hp_addr_with_port(live_address(0, HP_AF_IPV4), 5353), six = ip("[::]:5354");
    int at_four = live_socket(net, 0, &four), at_six = live_socket(net, 0, &six);
    struct ip_mreqn group4 = {.imr_ifindex = hp_device_index(net->hosts[0].device)};
    struct ipv6_mreq group6 = {.ipv6mr_interface = (unsigned)hp_device_index(net->hosts[0].device)};
    hp_addr mdns4 = ip("224.0.0.251:5353"), mdns6 = ip("[ff02::fb]:5353");
    memcpy(&group4.imr_multiaddr, mdns4.ip, 4);
    memcpy(&group6.ipv6mr_multiaddr, mdns6.ip, 16);
    assert_int_equal(setsockopt(at_four, IPPROTO_IP, IP_ADD_MEMBERSHIP, &group4, sizeof group4), 0);
    assert_int_equal(setsockopt(at_six, IPPROTO_IPV6, IPV6_ADD_MEMBERSHIP, &group6, sizeof group6), 0);
    hp_device_counters counters;
    do {
        live_turn(net);
        assert_true(hp_device_count(net->hosts[0].device, &counters, NULL));
    } while (counters.noise < 2);
    assert_int_equal(counters.from_kernel, 0);
    assert_int_equal(live_send(at_four, &mdns4, "who?", 4), 4);
    do {
        live_turn(net);
    } while (live_count_at(net, "a", HP_DIR_OUT, 0) == 0);
    assert_int_equal(live_count_at(net, "a", HP_DIR_OUT, 0), 1);
    close(at_four);
    close(at_six);
    live_net_free(net);
}

/* A fabric that does not read loses packets, and says how many. */
static void queue_drops(hp_device_kind kind)
{
    enum { FLOOD = 20000 };
    live_net *net = live_net_begun(kind);
    hp_addr a = hp_addr_with_port(live_address(0, HP_AF_IPV4), 5000);
    hp_addr b = hp_addr_with_port(live_address(1, HP_AF_IPV4), 6000);
    int at_a = live_socket(net, 0, &a);
    unsigned sent = 0;
    for (unsigned i = 0; i < FLOOD; i++) {
        sent += live_send(at_a, &b, "x", 1) == 1;
    }
    hp_device_counters counters, after;
    assert_true(hp_device_count(net->hosts[0].device, &counters, NULL));
    assert_true(counters.tx_dropped > 0);
    do { /* the rest is there */
        live_turn(net);
        assert_true(hp_device_count(net->hosts[0].device, &after, NULL));
    } while (after.from_kernel + after.tx_dropped < sent);
    assert_int_equal(after.from_kernel + after.tx_dropped, sent);
    assert_int_equal(after.tx_dropped, counters.tx_dropped);
    close(at_a);
    live_net_free(net);
}

static void queue_drops_tun(void **state)
{
    queue_drops(HP_DEVICE_TUN);
}

static void queue_drops_veth(void **state)
{
    queue_drops(HP_DEVICE_VETH);
}

/* A program that does not read loses datagrams in its socket, which its namespace counts. */
static void receive_errors_are_counted(void **state)
{
    enum { FLOOD = 2000 };
    static const uint8_t families[] = {HP_AF_IPV4, HP_AF_IPV6};
    live_net *net = live_net_begun(HP_DEVICE_TUN);
    uint64_t lost = 0;
    for (unsigned k = 0; k < 2; k++) {
        const live_pair p = live_pair_open(net, families[k]);
        static const uint8_t large[1000];
        hp_netns_counters counters = {0};
        for (unsigned i = 0; i < FLOOD || counters.udp_receive_buffer == lost; i++) {
            assert_true(hp_live_clock_now(net->clock) < PATIENCE);
            assert_int_equal(live_send(p.at_a, &p.b, large, sizeof large), sizeof large);
            assert_true(hp_loop_turn(net->loop, HP_MS, NULL));
            assert_true(i % 100 != 0 || hp_netns_count(net->hosts[1].ns, &counters, NULL));
        }
        assert_true(counters.udp_receive_buffer > lost);
        assert_true(counters.udp_in_errors >= counters.udp_receive_buffer);
        lost = counters.udp_receive_buffer;
        live_pair_close(&p);
    }
    hp_netns_counters sender;
    assert_true(hp_netns_count(net->hosts[0].ns, &sender, NULL));
    assert_true(sender.udp_out >= 2 * FLOOD);
    assert_int_equal(sender.udp_receive_buffer, 0);
    live_net_free(net);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ipv4_by_tun),
        cmocka_unit_test(ipv6_by_tun),
        cmocka_unit_test(ipv4_by_veth),
        cmocka_unit_test(ipv6_by_veth),
        cmocka_unit_test(fragments_by_tun),
        cmocka_unit_test(fragments_by_veth),
        cmocka_unit_test(port_unreachable),
        cmocka_unit_test(interface_down_tun),
        cmocka_unit_test(drops_before_going_down),
        cmocka_unit_test(interface_down_veth),
        cmocka_unit_test(taken_away_tun),
        cmocka_unit_test(taken_away_veth),
        cmocka_unit_test(down_in_the_world),
        cmocka_unit_test(renumbering),
        cmocka_unit_test(swallows_what_is_early),
        cmocka_unit_test(sends_by_source),
        cmocka_unit_test(leads_nowhere_else),
        cmocka_unit_test(a_second_address_stays),
        cmocka_unit_test(noise_stays_outside),
        cmocka_unit_test(queue_drops_tun),
        cmocka_unit_test(queue_drops_veth),
        cmocka_unit_test(receive_errors_are_counted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
