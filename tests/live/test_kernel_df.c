/* What Linux does about DF by itself, which is what simulated hosts are to do: the table of
 * tests/world/test_host_icmp.c (test_df_while_it_fits_the_path and its neighbour), asked of the kernel. */
#include "live_net.h"

#include <errno.h>
#include <netinet/in.h>
#include <string.h>

typedef struct df_net {
    live_net *net;
    hp_addr here, there;
    int fd, asks; /* the second one is connected anew to hear what the kernel knows of the path */
    unsigned seen;
} df_net;

typedef struct sent {
    unsigned n;
    uint32_t first; /* bytes of the first packet */
    bool df, mixed;
} sent;

static df_net df_net_new(void)
{
    df_net d = {.net = live_net_new(HP_DEVICE_TUN)};
    hp_live_clock_begin(d.net->clock);
    d.here = hp_addr_with_port(live_address(0, HP_AF_IPV4), 5000);
    d.there = hp_addr_with_port(live_address(1, HP_AF_IPV4), 6000);
    d.fd = live_socket(d.net, 0, &d.here);
    const hp_addr other = hp_addr_with_port(d.here, 5001);
    d.asks = live_socket(d.net, 0, &other);
    return d;
}

static void df_net_free(df_net *d)
{
    close(d->fd);
    close(d->asks);
    live_net_free(d->net);
}

/* What left since the last time. */
static sent look(df_net *d)
{
    hp_trace_cursor cursor = {0};
    hp_record r;
    sent s = {0};
    unsigned n = 0;
    while (hp_trace_next(d->net->trace, &cursor, &r)) {
        if (r.type != HP_RECORD_PACKET || r.packet.dir != HP_DIR_OUT ||
            strcmp(hp_trace_tap_name(d->net->trace, r.packet.tap), "a") != 0 || n++ < d->seen) {
            continue;
        }
        const bool df = (r.packet.bytes[6] & 0x40) != 0;
        s.mixed = s.mixed || (s.n > 0 && df != s.df);
        s.df = df;
        s.first = s.n++ == 0 ? r.packet.length : s.first;
    }
    return s;
}

static void turn(df_net *d)
{
    g_autoptr(GError) error = NULL;
    hp_loop_turn(d->net->loop, 5 * HP_MS, &error);
    no_error(error);
}

static void assert_leaves(df_net *d, size_t length, unsigned n, uint32_t first, bool df)
{
    static const uint8_t data[3000];
    assert_int_equal(live_send(d->fd, &d->there, data, length), length);
    const hp_time end = hp_live_clock_now(d->net->clock) + PATIENCE;
    while (look(d).n < n && hp_live_clock_now(d->net->clock) < end) {
        turn(d);
    }
    const sent s = look(d);
    assert_int_equal(s.n, n);
    assert_int_equal(s.first, first);
    assert_int_equal(s.df, df);
    assert_false(s.mixed);
    d->seen += n;
}

static int known_mtu(const df_net *d)
{
    struct sockaddr_storage to;
    const socklen_t length = (socklen_t)hp_addr_to_sockaddr(&d->there, &to);
    assert_int_equal(connect(d->asks, (struct sockaddr *)&to, length), 0);
    int mtu = 0;
    socklen_t size = sizeof mtu;
    assert_int_equal(getsockopt(d->asks, IPPROTO_IP, IP_MTU, &mtu, &size), 0);
    return mtu;
}

/* A router says so of a datagram that the socket has sent; until the kernel knows it. */
static void tell_frag_needed(df_net *d, uint32_t mtu, int known)
{
    static const uint8_t data[100];
    const hp_addr router = ip("10.0.7.7");
    g_autoptr(hp_packet) about = hp_packet_new(HP_PROTO_UDP, &d->here, &d->there, data, sizeof data);
    hp_packet *icmp = hp_packet_icmp_error(HP_ICMP_FRAG_NEEDED, &router, about, mtu);
    hp_node *host = hp_host_node(d->net->hosts[0].host);
    host->ops->receive(host, 0, icmp);
    const hp_time end = hp_live_clock_now(d->net->clock) + PATIENCE;
    do {
        turn(d);
    } while (known_mtu(d) != known && hp_live_clock_now(d->net->clock) < end);
    assert_int_equal(known_mtu(d), known);
}

static void df_while_it_fits_the_path(void **state)
{
    if (!live_is_possible(HP_DEVICE_TUN)) {
        skip();
    }
    df_net d = df_net_new();
    assert_leaves(&d, 1473, 2, 1500, false);
    assert_leaves(&d, 1472, 1, 1500, true);
    tell_frag_needed(&d, 1600, 1500);
    assert_leaves(&d, 1472, 1, 1500, true);
    tell_frag_needed(&d, 576, 576);
    assert_leaves(&d, 548, 1, 576, true);
    assert_leaves(&d, 549, 2, 572, false);
    const int probe = IP_PMTUDISC_PROBE, any = IP_PMTUDISC_DONT;
    assert_int_equal(setsockopt(d.fd, IPPROTO_IP, IP_MTU_DISCOVER, &any, sizeof any), 0);
    assert_leaves(&d, 100, 1, 128, false);
    assert_leaves(&d, 549, 2, 572, false);
    assert_int_equal(setsockopt(d.fd, IPPROTO_IP, IP_MTU_DISCOVER, &probe, sizeof probe), 0);
    assert_leaves(&d, 1472, 1, 1500, true);
    df_net_free(&d);
}

static void a_path_of_less_than_552(void **state)
{
    static const uint32_t least[] = {0, 68, 551};
    if (!live_is_possible(HP_DEVICE_TUN)) {
        skip();
    }
    for (unsigned i = 0; i < G_N_ELEMENTS(least); i++) {
        df_net d = df_net_new();
        assert_leaves(&d, 1472, 1, 1500, true);
        tell_frag_needed(&d, least[i], 552);
        assert_leaves(&d, 100, 1, 128, false);
        assert_leaves(&d, 524, 1, 552, false);
        assert_leaves(&d, 525, 2, 548, false);
        df_net_free(&d);
    }
    df_net d = df_net_new();
    assert_leaves(&d, 1472, 1, 1500, true);
    tell_frag_needed(&d, 552, 552);
    assert_leaves(&d, 524, 1, 552, true);
    df_net_free(&d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(df_while_it_fits_the_path),
        cmocka_unit_test(a_path_of_less_than_552),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
