/* Trains: which packets go together, and what the sockets behind the kernel see of it. */
#include "live_net.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <string.h>

#include "live/device_private.h"
#include "wire/ip.h"

/* ---- what goes together ---- */

static hp_packet *car(size_t length)
{
    static const uint8_t zeros[2000];
    hp_addr a = hp_addr_v4(0x0a000001, 5000), b = hp_addr_v4(0x0a000002, 6000);
    hp_packet *p = hp_packet_new(HP_PROTO_UDP, &a, &b, zeros, length);
    p->dont_fragment = true;
    return p;
}

static void clear(hp_train *train)
{
    for (unsigned i = 0; i < train->n; i++) {
        hp_packet_free(train->cars[i]);
    }
    *train = (hp_train){0};
}

/* Whether p, which is taken, may follow a packet of 100 bytes. */
static bool follows(hp_packet *p)
{
    hp_train train = {0};
    assert_true(hp_train_add(&train, car(100)));
    bool ret = hp_train_add(&train, p);
    if (!ret) {
        hp_packet_free(p);
    }
    clear(&train);
    return ret;
}

static void only_the_like_go_together(void **state)
{
    assert_true(follows(car(100)));
    assert_true(follows(car(1)));
    assert_false(follows(car(101)));
    assert_false(follows(car(0)));
    hp_packet *p;
#define UNLIKE(change)                                                                                                 \
    p = car(100);                                                                                                      \
    p->change;                                                                                                         \
    assert_false(follows(p))
    UNLIKE(ttl = 63);
    UNLIKE(tos = 0xb8);
    UNLIKE(src.port = 5001);
    UNLIKE(dst.port = 6001);
    UNLIKE(src.ip[3] = 9);
    UNLIKE(dst.ip[3] = 9);
    UNLIKE(corrupt = true);
    UNLIKE(no_checksum = true);
    UNLIKE(dont_fragment = false);
    UNLIKE(frag_total = 2000);
    UNLIKE(proto = HP_PROTO_TCP);
#undef UNLIKE
    p = car(100);
    p->ip_id = 77; /* means nothing with DF */
    assert_true(follows(p));
}

static void a_short_one_is_the_last(void **state)
{
    hp_train train = {0};
    assert_true(hp_train_add(&train, car(100)));
    assert_true(hp_train_add(&train, car(99)));
    g_autoptr(hp_packet) more = car(99);
    assert_false(hp_train_add(&train, more));
    assert_int_equal(train.n, 2);
    assert_int_equal(train.bytes, 199);
    clear(&train);
}

/* Without DF the identifications must be what the kernel will write. */
static void identifications_in_a_row(void **state)
{
    static const uint16_t ids[] = {65534, 65535, 0, 1};
    hp_train train = {0};
    for (unsigned i = 0; i < G_N_ELEMENTS(ids); i++) {
        hp_packet *p = car(100);
        p->dont_fragment = false;
        p->ip_id = ids[i];
        assert_true(hp_train_add(&train, p));
    }
    g_autoptr(hp_packet) same = hp_packet_copy(train.cars[3]);
    assert_false(hp_train_add(&train, same));
    clear(&train);
}

static void no_longer_than_the_kernel_takes(void **state)
{
    hp_train train = {0};
    for (unsigned i = 0; i < HP_TRAIN_MAX; i++) {
        assert_int_equal(hp_train_is_long_enough(&train), i >= 4);
        assert_true(hp_train_add(&train, car(10)));
    }
    g_autoptr(hp_packet) small = car(10), large = car(1400);
    assert_false(hp_train_add(&train, small));
    clear(&train);
    unsigned n = 0;
    for (hp_packet *p = car(1400);; p = car(1400), n++) {
        if (!hp_train_add(&train, p)) {
            hp_packet_free(p);
            break;
        }
    }
    assert_int_equal(n, train.n);
    assert_true(train.bytes + large->length + 48 > 60000 && train.bytes + 48 <= HP_IP_MAX);
    clear(&train);
}

/* The header of one datagram is that of the datagram, but for the checksum that is to be filled in. */
static void the_header(void **state)
{
    for (unsigned family = 0; family < 2; family++) {
        g_autoptr(hp_packet) p = car(101);
        size_t ip = family == 0 ? HP_IPV4_HEADER : HP_IPV6_HEADER;
        if (family == 1) {
            p->src = hp_addr_with_port(live_address(0, HP_AF_IPV6), 5000);
            p->dst = hp_addr_with_port(live_address(1, HP_AF_IPV6), 6000);
        }
        uint8_t whole[200], header[HP_IPV6_HEADER + HP_UDP_HEADER];
        assert_int_equal(hp_packet_write(p, whole, sizeof whole), ip + HP_UDP_HEADER + 101);
        assert_int_equal(hp_packet_write_udp_header(p, 101, header, sizeof header), ip + HP_UDP_HEADER);
        assert_memory_equal(header, whole, ip + 6);
        uint32_t sum = hp_packet_sum(header + ip, HP_UDP_HEADER); /* pseudo header and header; all payload is zero */
        assert_int_equal((uint16_t)~hp_fold(sum), whole[ip + 6] << 8 | whole[ip + 7]);
        assert_int_equal(hp_packet_write_udp_header(p, 101, header, ip + HP_UDP_HEADER - 1), 0);
        assert_int_equal(hp_packet_write_udp_header(p, 65536, header, sizeof header), 0);
    }
}

/* ---- what sockets see ---- */

/* Turns until the socket, which asked for trains, has something: its length. ret_segment: of each datagram of a train, 0
 * where it was one datagram. */
static ssize_t receive_train(live_net *net, int fd, int *ret_segment)
{
    static uint8_t room[65536];
    _Alignas(struct cmsghdr) uint8_t control[CMSG_SPACE(sizeof(int))];
    struct iovec part = {room, sizeof room};
    struct msghdr m = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
    for (;;) {
        ssize_t length = recvmsg(fd, &m, 0);
        if (length >= 0) {
            struct cmsghdr *c = CMSG_FIRSTHDR(&m);
            *ret_segment = 0;
            if (c != NULL && c->cmsg_level == SOL_UDP && c->cmsg_type == UDP_GRO) {
                memcpy(ret_segment, CMSG_DATA(c), sizeof *ret_segment);
            }
            return length;
        }
        live_turn(net);
    }
}

static void send_numbered(int fd, const hp_addr *to, unsigned first, unsigned n, size_t length)
{
    uint8_t data[1400];
    for (unsigned i = 0; i < n; i++) {
        memset(data, (int)(first + i), sizeof data);
        assert_int_equal(live_send(fd, to, data, length), length);
    }
}

static void receive_numbered(live_net *net, int fd, unsigned first, unsigned n, size_t length)
{
    uint8_t expected[1400], room[65536];
    for (unsigned i = 0; i < n; i++) {
        memset(expected, (int)(first + i), sizeof expected);
        assert_int_equal(live_receive(net, fd, room, sizeof room), length);
        assert_memory_equal(room, expected, length);
    }
}

/* Order and borders stay, whatever goes together; each packet is seen at the taps and counted. */
static void datagrams_stay_datagrams(uint8_t family)
{
    live_net *net = live_net_begun(HP_DEVICE_TUN);
    live_pair p = live_pair_open(net, family);
    hp_addr other = hp_addr_with_port(p.a, 5001);
    int at_other = live_socket(net, 0, &other);
    /* All of it is sent before the loop turns, and is read, carried and delivered in one go each. */
    send_numbered(p.at_a, &p.b, 0, 5, 1000);
    send_numbered(p.at_a, &p.b, 5, 1, 10);
    send_numbered(p.at_a, &p.b, 6, 4, 1200);
    send_numbered(at_other, &p.b, 10, 2, 1200);
    send_numbered(p.at_a, &p.b, 12, 3, 1200);
    receive_numbered(net, p.at_b, 0, 5, 1000);
    receive_numbered(net, p.at_b, 5, 1, 10);
    receive_numbered(net, p.at_b, 6, 9, 1200);
    assert_int_equal(live_count_at(net, "b", HP_DIR_IN, HP_PROTO_UDP), 15);
    hp_device_counters counters;
    assert_true(hp_device_count(net->hosts[1].device, &counters, NULL));
    assert_int_equal(counters.to_kernel, 15);
    assert_int_equal(counters.refused, 0);
    close(at_other);
    live_pair_close(&p);
    live_net_free(net);
}

static void datagrams_stay_datagrams_ipv4(void **state)
{
    datagrams_stay_datagrams(HP_AF_IPV4);
}

static void datagrams_stay_datagrams_ipv6(void **state)
{
    datagrams_stay_datagrams(HP_AF_IPV6);
}

/* A socket that wants trains gets five datagrams as one, and three one by one: few are no train. */
static void trains_for_those_who_want_them(void **state)
{
    static const int on = 1;
    live_net *net = live_net_begun(HP_DEVICE_TUN);
    live_pair p = live_pair_open(net, HP_AF_IPV4);
    int segment = 0;
    assert_int_equal(setsockopt(p.at_b, SOL_UDP, UDP_GRO, &on, sizeof on), 0);
    send_numbered(p.at_a, &p.b, 0, 4, 1000);
    send_numbered(p.at_a, &p.b, 4, 1, 900);
    ssize_t length = receive_train(net, p.at_b, &segment);
    if (segment == 0) {
        print_message("skipped: this kernel takes no trains from a device (Linux 6.2 does)\n");
        skip();
    }
    assert_int_equal(length, 4900);
    assert_int_equal(segment, 1000);
    send_numbered(p.at_a, &p.b, 0, 3, 1000);
    for (unsigned i = 0; i < 3; i++) {
        assert_int_equal(receive_train(net, p.at_b, &segment), 1000);
        assert_int_equal(segment, 0);
    }
    live_pair_close(&p);
    live_net_free(net);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_the_like_go_together),
        cmocka_unit_test(a_short_one_is_the_last),
        cmocka_unit_test(identifications_in_a_row),
        cmocka_unit_test(no_longer_than_the_kernel_takes),
        cmocka_unit_test(the_header),
        cmocka_unit_test(datagrams_stay_datagrams_ipv4),
        cmocka_unit_test(datagrams_stay_datagrams_ipv6),
        cmocka_unit_test(trains_for_those_who_want_them),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
