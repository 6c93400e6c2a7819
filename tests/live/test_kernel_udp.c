/* UDP on a kernel host, over loopback: what comes in and goes out, in which order, with which header fields; what fails
 * as it fails on a simulated host. */
#include "live/kernel_rig.h"

#include <netinet/in.h>
#include <string.h>
#include <unistd.h>

typedef struct seen {
    unsigned n, n_icmp;
    hp_datagram last;
    uint8_t first_bytes[4096];
    size_t lengths[4096];
    hp_icmp_kind kind;
    hp_addr icmp_from, icmp_to;
    uint8_t icmp_type, icmp_code;
    hp_socket *close; /* closed by the callback */
    bool closed;
} seen;

static void on_datagram(void *user, hp_socket *socket, const hp_datagram *d)
{
    seen *s = user;
    assert_false(s->closed);
    s->last = *d;
    if (s->n < G_N_ELEMENTS(s->lengths)) {
        s->lengths[s->n] = d->length;
        s->first_bytes[s->n] = d->length > 0 ? d->data[0] : 0;
    }
    s->n++;
    if (s->close != NULL) {
        hp_socket_close(s->close);
        s->close = NULL;
        s->closed = true;
    }
}

static void on_icmp(void *user, hp_socket *socket, hp_icmp_kind kind, const hp_addr *from, const hp_addr *to,
                    const hp_packet *error)
{
    seen *s = user;
    s->kind = kind;
    s->icmp_from = *from;
    s->icmp_to = *to;
    s->icmp_type = error->icmp_type;
    s->icmp_code = error->icmp_code;
    assert_non_null(error->inner);
    assert_true(hp_addr_equal(&error->inner->dst, to));
    s->n_icmp++;
}

static const hp_socket_ops ops = {.datagram = on_datagram, .icmp = on_icmp};

static hp_socket *bind_at(hp_host *host, const char *address, seen *s)
{
    g_autoptr(GError) error = NULL;
    hp_addr addr = kernel_rig_addr(address);
    hp_socket *socket = hp_host_bind(host, &addr, &ops, s, &error);
    if (socket == NULL) {
        fail_msg("%s", error->message);
    }
    return socket;
}

static void test_header_fields(void **state)
{
    static const struct {
        const char *alice, *bob;
    } families[] = {{"127.0.0.1", "127.0.0.1"}, {"[::1]:0", "[::1]:0"}};
    for (unsigned f = 0; f < G_N_ELEMENTS(families); f++) {
        kernel_rig rig;
        kernel_rig_start(&rig);
        g_autofree seen *a = g_new0(seen, 1), *b = g_new0(seen, 1);
        hp_host *alice = kernel_rig_host(&rig, "alice", families[f].alice);
        assert_true(hp_host_is_kernel(alice));
        hp_socket *from = bind_at(alice, families[f].alice, a);
        hp_socket *to = bind_at(alice, families[f].bob, b);
        hp_addr here = hp_socket_local(from), there = hp_socket_local(to);
        assert_in_range(here.port, 49152, 65535);
        const hp_send_options options = {.ttl = 7, .tos = 0xb8};
        assert_true(hp_socket_send(from, &there, "hello", 5, NULL));
        kernel_rig_until(&rig, &b->n, 1);
        assert_int_equal(b->last.ttl, 64);
        assert_int_equal(b->last.tos, 0);
        assert_true(hp_addr_equal(&b->last.from, &here));
        assert_true(hp_addr_equal(&b->last.to, &there));
        assert_true(hp_socket_send(from, &there, "", 0, &options));
        kernel_rig_until(&rig, &b->n, 2);
        assert_int_equal(b->last.length, 0);
        assert_int_equal(b->last.ttl, 7);
        assert_int_equal(b->last.tos, 0xb8);
        kernel_rig_stop(&rig);
    }
}

/* Trains of equal lengths, a shorter one at their end, one length after another, and two destinations in turn. */
static void test_order(void **state)
{
    enum { N = 3000 };
    kernel_rig rig;
    kernel_rig_start(&rig);
    g_autofree seen *a = g_new0(seen, 1), *b = g_new0(seen, 1), *c = g_new0(seen, 1);
    hp_host *host = kernel_rig_host(&rig, "host", "127.0.0.1");
    hp_socket *from = bind_at(host, "127.0.0.1", a);
    hp_addr to_b = hp_socket_local(bind_at(host, "127.0.0.1", b));
    hp_addr to_c = hp_socket_local(bind_at(host, "127.0.0.1", c));
    uint8_t bytes[1400];
    unsigned n_b = 0, n_c = 0;
    for (unsigned i = 0; i < N; i++) {
        size_t length = i % 100 == 99 ? 40 : 172 + 100 * (i / 500);
        bool is_c = i / 50 % 3 == 1;
        memset(bytes, (int)(is_c ? n_c++ : n_b++) & 0xff, sizeof bytes);
        assert_true(hp_socket_send(from, is_c ? &to_c : &to_b, bytes, length, NULL));
    }
    kernel_rig_until(&rig, &b->n, n_b);
    kernel_rig_until(&rig, &c->n, n_c);
    unsigned k_b = 0, k_c = 0;
    for (unsigned i = 0; i < N; i++) {
        size_t length = i % 100 == 99 ? 40 : 172 + 100 * (i / 500);
        bool is_c = i / 50 % 3 == 1;
        const seen *s = is_c ? c : b;
        unsigned k = is_c ? k_c++ : k_b++;
        assert_int_equal(s->lengths[k], length);
        assert_int_equal(s->first_bytes[k], k & 0xff);
    }
    hp_kernel_host_counters counters = hp_kernel_host_get_counters(host);
    assert_int_equal(counters.datagrams_out, N);
    assert_int_equal(counters.datagrams_in, N);
    assert_true(counters.send_calls < N / 10);
    assert_int_equal(counters.send_full + counters.send_errors, 0);
    kernel_rig_stop(&rig);
}

typedef struct mixture {
    uint16_t lengths[4000];
    uint8_t ttls[4000], classes[4000];
    unsigned n;
} mixture;

static void on_mixed(void *user, hp_socket *socket, const hp_datagram *d)
{
    mixture *m = user;
    assert_true(m->n < G_N_ELEMENTS(m->lengths));
    assert_int_equal(d->length, m->lengths[m->n]);
    assert_int_equal(d->ttl, m->ttls[m->n]);
    assert_int_equal(d->tos, m->classes[m->n]);
    for (size_t i = 0; i < d->length; i++) {
        assert_int_equal(d->data[i], (m->n + i) & 0xff);
    }
    m->n++;
}

/* Runs of any length of equal datagrams, empty ones and such as need fragments among them, with header fields that change
 * within a run, ECN's bits and DF too: each comes as it was sent, in order. */
static void test_mixture(void **state)
{
    static const char *const addresses[] = {"127.0.0.1", "[::1]:0"};
    static const uint16_t some_lengths[] = {0, 1, 172, 1200, 1400, 1452, 3000, 20000};
    static const uint8_t some_classes[] = {0, 0, 0, 0xb8, 0x03};
    for (unsigned f = 0; f < G_N_ELEMENTS(addresses); f++) {
        kernel_rig rig;
        kernel_rig_start(&rig);
        g_autofree mixture *m = g_new0(mixture, 1);
        g_autofree seen *a = g_new0(seen, 1);
        const hp_socket_ops mixed = {.datagram = on_mixed};
        hp_host *host = kernel_rig_host(&rig, "host", addresses[f]);
        hp_addr at = kernel_rig_addr(addresses[f]);
        hp_socket *to = hp_host_bind(host, &at, &mixed, m, NULL), *from = bind_at(host, addresses[f], a);
        hp_addr there = hp_socket_local(to);
        uint32_t luck = 7;
        uint16_t length = 0;
        hp_send_options options = {.ttl = 64};
        for (unsigned i = 0, left = 0; i < G_N_ELEMENTS(m->lengths); i++, left--) {
            luck = luck * 1664525 + 1013904223;
            if (left == 0) {
                left = 1 + (luck >> 8) % 150;
                length = some_lengths[(luck >> 16) % G_N_ELEMENTS(some_lengths)];
            }
            if ((luck >> 20) % 20 == 0) {
                options = (hp_send_options){.ttl = (uint8_t)(2 + (luck >> 24) % 200),
                                            .tos = some_classes[(luck >> 12) % G_N_ELEMENTS(some_classes)],
                                            .dont_fragment = (luck >> 10) % 3 == 0 && length <= 1452};
            }
            options.dont_fragment = options.dont_fragment && length <= 1452;
            m->lengths[i] = (uint16_t)((luck >> 25) % 30 == 0 ? length / 2 : length);
            m->ttls[i] = options.ttl;
            m->classes[i] = options.tos;
            uint8_t bytes[20000];
            for (unsigned k = 0; k < m->lengths[i]; k++) {
                bytes[k] = (uint8_t)(i + k);
            }
            assert_true(hp_socket_send(from, &there, bytes, m->lengths[i], &options));
            if ((luck >> 9) % 40 == 0) {
                kernel_rig_until(&rig, &m->n, i + 1); /* no more than a socket's buffer holds */
            }
        }
        kernel_rig_until(&rig, &m->n, G_N_ELEMENTS(m->lengths));
        hp_kernel_host_counters counters = hp_kernel_host_get_counters(host);
        assert_int_equal(counters.send_full + counters.send_errors, 0);
        assert_true(counters.send_calls < counters.datagrams_out);
        kernel_rig_stop(&rig);
    }
}

/* Larger than the MTU: in fragments, unless it may not be. */
static void test_large(void **state)
{
    kernel_rig rig;
    kernel_rig_start(&rig);
    g_autofree seen *s = g_new0(seen, 1);
    hp_host *host = kernel_rig_host(&rig, "host", "127.0.0.1");
    hp_socket *from = bind_at(host, "127.0.0.1", s);
    hp_addr to = hp_socket_local(from);
    g_autofree uint8_t *bytes = g_malloc0(60000);
    const hp_send_options whole = {.dont_fragment = true};
    assert_false(hp_socket_send(from, &to, bytes, 1473, &whole));
    assert_true(hp_socket_send(from, &to, bytes, 1472, &whole));
    assert_true(hp_socket_send(from, &to, bytes, 60000, NULL));
    assert_true(hp_socket_send(from, &to, bytes, 60000, NULL));
    assert_false(hp_socket_send(from, &to, bytes, 65508, NULL));
    kernel_rig_until(&rig, &s->n, 3);
    assert_int_equal(s->lengths[0], 1472);
    assert_int_equal(s->lengths[1], 60000);
    assert_int_equal(s->lengths[2], 60000);
    kernel_rig_stop(&rig);
}

static void test_wildcard(void **state)
{
    kernel_rig rig;
    kernel_rig_start(&rig);
    g_autofree seen *a = g_new0(seen, 1), *b = g_new0(seen, 1);
    hp_host *many = kernel_rig_host(&rig, "many", "127.0.0.1");
    hp_addr second = kernel_rig_addr("127.0.0.2"), third = kernel_rig_addr("127.0.0.3");
    hp_host_add_address(many, 0, &second);
    hp_socket *any = bind_at(many, "0.0.0.0", a);
    hp_socket *other = bind_at(kernel_rig_host(&rig, "other", "127.0.0.9"), "127.0.0.9", b);
    hp_addr port = hp_socket_local(any), there = hp_socket_local(other);
    second.port = port.port;
    assert_true(hp_socket_send(other, &second, "x", 1, NULL));
    kernel_rig_until(&rig, &a->n, 1);
    assert_true(hp_addr_equal(&a->last.to, &second));
    /* It sends from its first address, and nothing comes at one that it does not have. */
    assert_true(hp_socket_send(any, &there, "y", 1, NULL));
    kernel_rig_until(&rig, &b->n, 1);
    hp_addr first = kernel_rig_addr("127.0.0.1");
    assert_true(hp_addr_same_ip(&b->last.from, &first));
    third.port = port.port;
    assert_true(hp_socket_send(other, &third, "z", 1, NULL));
    assert_true(hp_socket_send(other, &second, "x", 1, NULL));
    kernel_rig_until(&rig, &a->n, 2);
    assert_true(hp_addr_equal(&a->last.to, &second));
    kernel_rig_stop(&rig);
}

static void assert_refused(hp_host *host, const char *address, int code)
{
    g_autoptr(GError) error = NULL;
    hp_addr addr = kernel_rig_addr(address);
    assert_null(hp_host_bind(host, &addr, &ops, NULL, &error));
    assert_true(g_error_matches(error, HP_ERROR, code));
}

static void test_refused(void **state)
{
    kernel_rig rig;
    kernel_rig_start(&rig);
    g_autofree seen *s = g_new0(seen, 1);
    hp_host *host = kernel_rig_host(&rig, "host", "127.0.0.1");
    hp_host *another = kernel_rig_host(&rig, "another", "127.0.0.1");
    hp_host *nowhere = kernel_rig_host(&rig, "nowhere", "192.0.2.1");
    hp_addr taken = hp_socket_local(bind_at(host, "127.0.0.1", s));
    char text[HP_ADDR_TEXT];
    hp_addr_format(&taken, text);
    assert_refused(host, "127.0.0.7", HP_ERROR_INVALID); /* not the host's */
    assert_refused(host, text, HP_ERROR_INVALID); /* the host's own socket */
    assert_refused(another, text, HP_ERROR_INVALID); /* somebody else's */
    assert_refused(nowhere, "192.0.2.1", HP_ERROR_INVALID); /* not this machine's */
    kernel_rig_stop(&rig);
}

static void test_interface_down(void **state)
{
    kernel_rig rig;
    kernel_rig_start(&rig);
    g_autofree seen *a = g_new0(seen, 1), *b = g_new0(seen, 1);
    hp_host *host = kernel_rig_host(&rig, "host", "127.0.0.1");
    hp_socket *far = bind_at(kernel_rig_host(&rig, "far", "127.0.0.2"), "127.0.0.2", b);
    hp_socket *near = bind_at(host, "127.0.0.1", a);
    hp_addr here = hp_socket_local(near), there = hp_socket_local(far);
    hp_host_set_interface_up(host, 0, false);
    assert_false(hp_socket_send(near, &there, "x", 1, NULL));
    assert_true(hp_socket_send(far, &here, "x", 1, NULL));
    kernel_rig_settle(&rig);
    hp_host_set_interface_up(host, 0, true);
    assert_true(hp_socket_send(near, &there, "x", 1, NULL));
    assert_true(hp_socket_send(far, &here, "yy", 2, NULL));
    kernel_rig_until(&rig, &b->n, 1);
    kernel_rig_until(&rig, &a->n, 1);
    assert_int_equal(a->last.length, 2);
    kernel_rig_stop(&rig);
}

static void test_icmp(void **state)
{
    static const char *const addresses[] = {"127.0.0.1", "[::1]:0"};
    static const uint8_t types[] = {3, 1}, codes[] = {3, 4};
    for (unsigned i = 0; i < G_N_ELEMENTS(addresses); i++) {
        kernel_rig rig;
        kernel_rig_start(&rig);
        g_autofree seen *s = g_new0(seen, 1);
        hp_host *host = kernel_rig_host(&rig, "host", addresses[i]);
        hp_socket *socket = bind_at(host, addresses[i], s);
        hp_addr nobody = hp_socket_local(socket);
        hp_addr to = nobody;
        nobody.port = 9;
        for (unsigned k = 1; k <= 3; k++) {
            assert_true(hp_socket_send(socket, &nobody, "x", 1, NULL));
            kernel_rig_until(&rig, &s->n_icmp, k);
        }
        assert_int_equal(s->kind, HP_ICMP_PORT_UNREACHABLE);
        assert_int_equal(s->icmp_type, types[i]);
        assert_int_equal(s->icmp_code, codes[i]);
        assert_true(hp_addr_equal(&s->icmp_to, &nobody));
        assert_true(hp_addr_same_ip(&s->icmp_from, &nobody));
        /* What follows an error is not lost with it. */
        assert_true(hp_socket_send(socket, &nobody, "x", 1, NULL));
        hp_kernel_host_flush(host);
        assert_true(hp_socket_send(socket, &to, "x", 1, NULL));
        kernel_rig_until(&rig, &s->n, 1);
        kernel_rig_stop(&rig);
    }
}

/* In the middle of a batch: nothing more is told, and what others sent by it still leaves. */
static void test_close_within(void **state)
{
    kernel_rig rig;
    kernel_rig_start(&rig);
    g_autofree seen *a = g_new0(seen, 1), *b = g_new0(seen, 1);
    hp_host *host = kernel_rig_host(&rig, "host", "127.0.0.1");
    hp_socket *near = bind_at(host, "127.0.0.1", a), *far = bind_at(host, "127.0.0.1", b);
    hp_addr here = hp_socket_local(near), there = hp_socket_local(far);
    a->close = near;
    for (unsigned i = 0; i < 200; i++) {
        assert_true(hp_socket_send(far, &here, "abc", 1 + i % 3, NULL));
    }
    assert_true(hp_socket_send(near, &there, "x", 1, NULL));
    kernel_rig_until(&rig, &b->n, 1);
    kernel_rig_until(&rig, &a->n, 1);
    kernel_rig_settle(&rig);
    assert_int_equal(a->n, 1);
    assert_true(a->closed);
    kernel_rig_stop(&rig);
}

static void test_multicast(void **state)
{
    kernel_rig rig;
    kernel_rig_start(&rig);
    g_autofree seen *a = g_new0(seen, 1), *b = g_new0(seen, 1);
    hp_socket *alice = bind_at(kernel_rig_host(&rig, "alice", "127.0.0.1"), "127.0.0.1:50353", a);
    hp_socket *bob = bind_at(kernel_rig_host(&rig, "bob", "127.0.0.2"), "127.0.0.2:50353", b);
    g_autoptr(GError) error = NULL;
    hp_addr group = kernel_rig_addr("224.0.0.251"), no_group = kernel_rig_addr("127.0.0.1");
    assert_false(hp_socket_join(alice, &no_group, &error));
    g_clear_error(&error);
    if (!hp_socket_join(alice, &group, &error)) {
        kernel_rig_stop(&rig);
        print_message("skipped: loopback takes no group here: %s\n", error->message);
        skip();
    }
    group.port = 50353;
    assert_true(hp_socket_send(bob, &group, "hello", 5, NULL));
    kernel_rig_until(&rig, &a->n, 1);
    assert_true(hp_addr_equal(&a->last.to, &group));
    hp_addr from = hp_socket_local(bob);
    assert_true(hp_addr_equal(&a->last.from, &from));
    assert_int_equal(b->n, 0);
    hp_socket_close(alice);
    kernel_rig_stop(&rig);
}

static void on_other(void *user, hp_host *host, const hp_packet *p)
{
    seen *s = user;
    if (p->icmp_kind == HP_ICMP_ECHO_REPLY) {
        s->last.from = p->src;
        s->n++;
    }
}

static void test_whole_packets(void **state)
{
    int fd = socket(AF_INET, SOCK_RAW, IPPROTO_RAW);
    if (fd < 0) {
        print_message("skipped: raw sockets need CAP_NET_RAW\n");
        skip();
    }
    close(fd);
    static const char *const pairs[][2] = {{"127.0.0.1", "127.0.0.2"}, {"[::1]:0", "[::1]:0"}};
    for (unsigned i = 0; i < G_N_ELEMENTS(pairs); i++) {
        kernel_rig rig;
        kernel_rig_start(&rig);
        g_autofree seen *a = g_new0(seen, 1), *o = g_new0(seen, 1);
        hp_host *host = kernel_rig_host(&rig, "host", pairs[i][0]);
        hp_socket *socket = bind_at(host, pairs[i][0], a);
        hp_addr to = hp_socket_local(socket), from = kernel_rig_addr(pairs[i][1]);
        from.port = 4321;
        /* Somebody else's address and port. */
        hp_host_send_packet(host, 0, hp_packet_new(HP_PROTO_UDP, &from, &to, "forged", 6));
        kernel_rig_until(&rig, &a->n, 1);
        assert_true(hp_addr_equal(&a->last.from, &from));
        /* An echo request to oneself, whose answer somebody wants to see. */
        hp_host_set_other(host, on_other, o);
        hp_addr self = hp_addr_with_port(to, 77), itself = hp_addr_with_port(to, 0);
        uint8_t proto = to.family == HP_AF_IPV4 ? HP_PROTO_ICMP : HP_PROTO_ICMPV6;
        hp_packet *echo = hp_packet_new(proto, &self, &itself, "ping", 4);
        echo->icmp_kind = HP_ICMP_ECHO_REQUEST;
        hp_host_send_packet(host, 0, echo);
        kernel_rig_until(&rig, &o->n, 1);
        assert_true(hp_addr_same_ip(&o->last.from, &to));
        hp_host_set_other(host, NULL, NULL);
        kernel_rig_stop(&rig);
    }
}

/* A socket that had one at a time is asked for one; when many wait, they are read in a few calls all the same. Each is
 * longer than the one before, so that they are no train. */
static void test_reads(void **state)
{
    enum { BURST = 40, SINGLES = 5 };
    static const uint8_t bytes[BURST];
    kernel_rig rig;
    kernel_rig_start(&rig);
    g_autofree seen *a = g_new0(seen, 1), *b = g_new0(seen, 1);
    hp_host *near = kernel_rig_host(&rig, "near", "127.0.0.1"), *far = kernel_rig_host(&rig, "far", "127.0.0.2");
    hp_socket *from = bind_at(near, "127.0.0.1", a);
    hp_addr to = hp_socket_local(bind_at(far, "127.0.0.2", b));
    for (unsigned i = 1; i <= SINGLES; i++) {
        assert_true(hp_socket_send(from, &to, bytes, 1, NULL));
        kernel_rig_until(&rig, &b->n, i);
        kernel_rig_settle(&rig);
        assert_int_equal(hp_kernel_host_get_counters(far).receive_calls, i);
    }
    for (unsigned i = 0; i < BURST; i++) {
        assert_true(hp_socket_send(from, &to, bytes, i + 1, NULL));
    }
    hp_kernel_host_flush(near);
    kernel_rig_until(&rig, &b->n, SINGLES + BURST);
    for (unsigned i = 0; i < BURST; i++) {
        assert_int_equal(b->lengths[SINGLES + i], i + 1);
    }
    assert_in_range(hp_kernel_host_get_counters(far).receive_calls, SINGLES + 2, SINGLES + 6);
    kernel_rig_stop(&rig);
}

/* Where they come fast they may gather: all of them come, in order, in fewer reads. */
static void test_gathering(void **state)
{
    enum { N = 20000 };
    kernel_rig rig;
    kernel_rig_start(&rig);
    g_autofree seen *a = g_new0(seen, 1), *b = g_new0(seen, 1);
    hp_host *near = kernel_rig_host(&rig, "near", "127.0.0.1"), *far = kernel_rig_host(&rig, "far", "127.0.0.2");
    hp_kernel_host_set_gathering(far, 200 * HP_US);
    hp_socket *from = bind_at(near, "127.0.0.1", a);
    hp_addr to = hp_socket_local(bind_at(far, "127.0.0.2", b));
    for (unsigned i = 0; i < N; i++) {
        uint8_t byte = (uint8_t)i;
        assert_true(hp_socket_send(from, &to, &byte, 1, NULL));
        if (i % 10 == 9) {
            hp_kernel_host_flush(near);
            assert_true(hp_loop_turn(rig.loop, 0, NULL));
        }
    }
    kernel_rig_until(&rig, &b->n, N);
    for (unsigned i = 0; i < G_N_ELEMENTS(b->first_bytes); i++) {
        assert_int_equal(b->first_bytes[i], i & 0xff);
    }
    assert_true(hp_kernel_host_get_counters(far).receive_calls < N / 5);
    kernel_rig_stop(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_header_fields),  cmocka_unit_test(test_order),
        cmocka_unit_test(test_mixture),        cmocka_unit_test(test_large),
        cmocka_unit_test(test_wildcard),       cmocka_unit_test(test_refused),
        cmocka_unit_test(test_interface_down), cmocka_unit_test(test_icmp),
        cmocka_unit_test(test_close_within),   cmocka_unit_test(test_multicast),
        cmocka_unit_test(test_whole_packets),  cmocka_unit_test(test_gathering),
        cmocka_unit_test(test_reads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
