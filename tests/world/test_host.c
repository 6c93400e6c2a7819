/* Hosts: binding, sending, receiving, interfaces, taps. ICMP and fragments are test_host_icmp.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/error.h"
#include "wire/claimed_ports.h"
#include "world/host.h"
#include "world/link.h"
#include "world/probe.h"

/* What a socket's callback got, and what it is to do. */
typedef struct ear {
    hp_socket *socket;
    unsigned n;
    hp_datagram last;
    uint8_t bytes[64];
    hp_time at;
    bool close_self, answer;
    hp_socket *close_other;
} ear;

static void on_datagram(void *user, hp_socket *socket, const hp_datagram *d)
{
    ear *e = user;
    assert_ptr_equal(socket, e->socket);
    e->n++;
    e->last = *d;
    e->last.data = NULL;
    e->at = hp_world_now(hp_host_world(hp_socket_host(socket)));
    memcpy(e->bytes, d->data, MIN(d->length, sizeof e->bytes));
    if (e->answer) {
        assert_true(hp_socket_send(socket, &d->from, "yes", 3, NULL));
    }
    if (e->close_other != NULL) {
        hp_socket_close(e->close_other);
        e->close_other = NULL;
    }
    if (e->close_self) {
        hp_socket_close(socket);
        e->socket = NULL;
    }
}

static const hp_socket_ops ear_ops = {.datagram = on_datagram};

static void listen_at(ear *e, hp_host *host, const char *local)
{
    hp_addr a = addr(local);
    *e = (ear){0};
    GError *error = NULL;
    e->socket = hp_host_bind(host, &a, &ear_ops, e, &error);
    assert_null(error);
    assert_non_null(e->socket);
}

static hp_host *host_at(hp_world *world, const char *name, const char *ip)
{
    hp_host *host = hp_host_new(world, name);
    unsigned interface = hp_host_add_interface(host, NULL, 0);
    hp_addr a = addr(ip);
    hp_host_add_address(host, interface, &a);
    return host;
}

/* Two hosts with a link of 5 ms each way. */
typedef struct pair {
    hp_trace *trace;
    hp_world *world;
    hp_host *a, *b;
} pair;

static pair pair_new(void)
{
    static const hp_link_config config = {.delay_ns = 5 * HP_MS};
    pair p = {.trace = hp_trace_new(NULL)};
    assert_non_null(p.trace);
    p.world = hp_world_new(1, p.trace);
    p.a = host_at(p.world, "alice", "192.0.2.1");
    p.b = host_at(p.world, "bob", "192.0.2.2");
    hp_link *there = hp_link_new(p.world, "alice>bob", &config);
    hp_link *back = hp_link_new(p.world, "bob>alice", &config);
    hp_node_connect(hp_host_node(p.a), 0, hp_link_node(there), 0);
    hp_node_connect(hp_link_node(there), 0, hp_host_node(p.b), 0);
    hp_node_connect(hp_host_node(p.b), 0, hp_link_node(back), 0);
    hp_node_connect(hp_link_node(back), 0, hp_host_node(p.a), 0);
    return p;
}

static void pair_free(pair *p)
{
    hp_world_free(p->world);
    hp_trace_free(p->trace);
}

static bool say(const ear *e, const char *to, const char *text)
{
    hp_addr a = addr(to);
    return hp_socket_send(e->socket, &a, text, strlen(text), NULL);
}

static void run(pair *p)
{
    assert_true(hp_world_run_until(p->world, hp_world_now(p->world) + HP_S, NULL));
}

static void test_there_and_back(void **state)
{
    pair p = pair_new();
    ear a, b;
    listen_at(&a, p.a, "192.0.2.1:1000");
    listen_at(&b, p.b, "192.0.2.2:2000");
    b.answer = true;
    hp_addr to = addr("192.0.2.2:2000");
    hp_send_options options = {.ttl = 9, .tos = 0xb8, .dont_fragment = true};
    assert_true(hp_socket_send(a.socket, &to, "hello", 5, &options));
    run(&p);
    assert_int_equal(b.n, 1);
    assert_int_equal(b.at, 5 * HP_MS);
    assert_memory_equal(b.bytes, "hello", 5);
    assert_int_equal(b.last.length, 5);
    assert_int_equal(b.last.ttl, 9);
    assert_int_equal(b.last.tos, 0xb8);
    assert_true(b.last.dont_fragment);
    assert_int_equal(b.last.from.port, 1000);
    assert_int_equal(b.last.to.port, 2000);
    assert_int_equal(a.n, 1);
    assert_int_equal(a.at, 10 * HP_MS);
    assert_int_equal(a.last.ttl, 64);
    assert_int_equal(a.last.tos, 0);
    assert_true(a.last.dont_fragment); /* the host's own way */

    /* Four records: out at alice, in at bob, and the answer's two. */
    static const struct {
        const char *tap;
        hp_direction dir;
        hp_time at;
        uint64_t uid;
    } wanted[] = {{"alice", HP_DIR_OUT, 0, 1},
                  {"bob", HP_DIR_IN, 5 * HP_MS, 1},
                  {"bob", HP_DIR_OUT, 5 * HP_MS, 2},
                  {"alice", HP_DIR_IN, 10 * HP_MS, 2}};
    assert_int_equal(hp_trace_n_packets(p.trace), 4);
    for (unsigned i = 0; i < 4; i++) {
        hp_record r = {0};
        assert_true(hp_trace_find_packet(p.trace, i + 1, &r));
        assert_string_equal(hp_trace_tap_name(p.trace, r.packet.tap), wanted[i].tap);
        assert_int_equal(r.packet.dir, wanted[i].dir);
        assert_int_equal(r.at, wanted[i].at);
        assert_int_equal(r.packet.uid, wanted[i].uid);
    }
    assert_int_equal(b.last.record, 2);
    assert_int_equal(b.last.uid, 1);
    assert_int_equal(a.last.record, 4);
    pair_free(&p);
}

static void refuse_bind(hp_host *host, const char *local, hp_error_code code, const char *word)
{
    hp_addr a = addr(local);
    g_autoptr(GError) error = NULL;
    assert_null(hp_host_bind(host, &a, &ear_ops, NULL, &error));
    assert_true(g_error_matches(error, HP_ERROR, (int)code));
    assert_non_null(strstr(error->message, word));
}

static void test_overlapping_binds_are_refused(void **state)
{
    pair p = pair_new();
    hp_addr second = addr("192.0.2.11"), v6 = addr("2001:db8::1");
    hp_host_add_address(p.a, 0, &second);
    hp_host_add_address(p.a, 0, &v6);
    ear one, two, any, any6;
    listen_at(&one, p.a, "192.0.2.1:5000");
    refuse_bind(p.a, "192.0.2.1:5000", HP_ERROR_INVALID, "192.0.2.1:5000");
    refuse_bind(p.a, "0.0.0.0:5000", HP_ERROR_INVALID, "taken");
    listen_at(&two, p.a, "192.0.2.11:5000"); /* another address */
    listen_at(&any, p.a, "0.0.0.0:5001"); /* another port */
    refuse_bind(p.a, "192.0.2.1:5001", HP_ERROR_INVALID, "taken");
    listen_at(&any6, p.a, "[::]:5001"); /* another family */
    refuse_bind(p.a, "[2001:db8::1]:5001", HP_ERROR_INVALID, "[2001:db8::1]:5001");
    refuse_bind(p.a, "192.0.2.99:5000", HP_ERROR_INVALID, "alice has no address 192.0.2.99");
    hp_addr none = {0};
    g_autoptr(GError) error = NULL;
    assert_null(hp_host_bind(p.a, &none, &ear_ops, NULL, &error));
    assert_true(g_error_matches(error, HP_ERROR, HP_ERROR_INVALID));
    /* Free again once closed. */
    hp_socket_close(one.socket);
    refuse_bind(p.a, "0.0.0.0:5000", HP_ERROR_INVALID, "taken"); /* two still has the port */
    hp_socket_close(two.socket);
    listen_at(&one, p.a, "0.0.0.0:5000");
    hp_socket_close(any.socket);
    listen_at(&any, p.a, "192.0.2.1:5001");
    hp_socket_close(NULL);
    pair_free(&p);
}

static void test_ephemeral_ports(void **state)
{
    pair p = pair_new();
    static bool seen[65536];
    memset(seen, 0, sizeof seen);
    hp_addr local = addr("192.0.2.1");
    uint16_t first = 0, second = 0;
    unsigned n = 0; /* all but those that a capture's reader would misread */
    for (unsigned port = 49152; port <= 65535; port++) {
        n += !hp_port_is_claimed((uint16_t)port);
    }
    for (unsigned i = 0; i < n; i++) {
        hp_socket *socket = hp_host_bind(p.a, &local, &ear_ops, NULL, NULL);
        assert_non_null(socket);
        uint16_t port = hp_socket_local(socket).port;
        assert_in_range(port, 49152, 65535);
        assert_false(seen[port]);
        assert_false(hp_port_is_claimed(port));
        seen[port] = true;
        first = i == 0 ? port : first;
        second = i == 1 ? port : second;
    }
    refuse_bind(p.a, "192.0.2.1", HP_ERROR_LIMIT, "ephemeral");
    refuse_bind(p.a, "0.0.0.0", HP_ERROR_LIMIT, "ephemeral");
    assert_int_not_equal(second, first + 1); /* drawn, not counted */
    pair_free(&p);
    /* From the host's own stream: the same in another world of that seed. */
    p = pair_new();
    ear other, a;
    listen_at(&other, p.b, "192.0.2.2");
    listen_at(&a, p.a, "192.0.2.1");
    assert_int_equal(hp_socket_local(a.socket).port, first);
    pair_free(&p);
}

static void test_wildcards(void **state)
{
    pair p = pair_new();
    hp_addr second = addr("192.0.2.22");
    hp_host_add_address(p.b, 0, &second);
    ear a, any;
    listen_at(&a, p.a, "0.0.0.0:1000");
    listen_at(&any, p.b, "0.0.0.0:2000");
    any.answer = true;
    assert_true(say(&a, "192.0.2.22:2000", "x"));
    run(&p);
    assert_int_equal(any.n, 1);
    assert_true(hp_addr_same_ip(&any.last.to, &second));
    assert_int_equal(a.n, 1);
    hp_addr bob = addr("192.0.2.2");
    assert_true(hp_addr_same_ip(&a.last.from, &bob)); /* the first address, not the one asked: as any UDP server does */
    hp_addr alice = addr("192.0.2.1");
    assert_true(hp_addr_same_ip(&any.last.from, &alice));
    /* A specific socket on another port of the same host is not shadowed, and a stranger's address is not taken. */
    give(hp_host_node(p.b), 0, udp_packet(p.world, "192.0.2.1:1", "203.0.113.5:2000", 1));
    assert_int_equal(any.n, 1);
    assert_int_equal(count_drops(p.trace, HP_DROP_NO_ROUTE, NULL), 1);
    pair_free(&p);
}

static void test_source_choice(void **state)
{
    g_autoptr(hp_world) world = hp_world_new(1, NULL);
    hp_host *host = hp_host_new(world, "multi");
    probe *wires[3];
    for (unsigned i = 0; i < 3; i++) {
        static const char *const names[] = {"wifi", "lte", "vpn"};
        assert_int_equal(hp_host_add_interface(host, names[i], 0), i);
        wires[i] = probe_new(world, names[i]);
        hp_node_connect(hp_host_node(host), i, &wires[i]->node, 0);
    }
    static const struct {
        unsigned interface;
        const char *ip;
    } addresses[] = {{1, "198.51.100.1"}, {0, "fe80::1"}, {0, "192.0.2.1"}, {2, "2001:db8::2"}, {1, "2001:db8::1"}};
    for (unsigned i = 0; i < G_N_ELEMENTS(addresses); i++) {
        hp_addr a = addr(addresses[i].ip);
        hp_host_add_address(host, addresses[i].interface, &a);
    }
    ear any4, any6, bound;
    listen_at(&any4, host, "0.0.0.0:1");
    listen_at(&any6, host, "[::]:1");
    listen_at(&bound, host, "198.51.100.1:2");
    assert_true(say(&any4, "203.0.113.1:9", "x"));
    assert_int_equal(wires[0]->hits->len, 1);
    hp_addr wifi = addr("192.0.2.1:1");
    assert_true(hp_addr_equal(&probe_at(wires[0], 0)->p->src, &wifi));
    assert_true(
        say(&any6, "[2001:db8:9::1]:9", "x")); /* not from the link-local address, though its interface is first */
    hp_addr lte6 = addr("[2001:db8::1]:1");
    assert_int_equal(wires[1]->hits->len, 1);
    assert_true(hp_addr_equal(&probe_at(wires[1], 0)->p->src, &lte6));
    assert_true(say(&any6, "[fe80::9]:9", "x"));
    assert_int_equal(wires[0]->hits->len, 2);
    assert_true(say(&bound, "203.0.113.1:9", "x"));
    assert_int_equal(wires[1]->hits->len, 2);

    hp_host_set_interface_up(host, 0, false);
    assert_true(say(&any4, "203.0.113.1:9", "x"));
    assert_int_equal(wires[1]->hits->len, 3);
    assert_true(say(&any6, "[fe80::9]:9", "x")); /* better than nothing */
    assert_int_equal(wires[1]->hits->len, 4);
    hp_host_set_interface_up(host, 1, false);
    assert_false(say(&any4, "203.0.113.1:9", "x"));
    assert_false(say(&bound, "203.0.113.1:9", "x"));
    assert_true(say(&any6, "[2001:db8:9::1]:9", "x"));
    assert_int_equal(wires[2]->hits->len, 1);
}

static void test_sends_that_cannot_be(void **state)
{
    pair p = pair_new();
    ear a;
    listen_at(&a, p.a, "192.0.2.1:1000");
    assert_false(say(&a, "[2001:db8::1]:5", "x"));
    assert_false(say(&a, "192.0.2.2", "x")); /* port 0 */
    assert_false(say(&a, "0.0.0.0:5", "x"));
    hp_addr to = addr("192.0.2.2:5");
    static const uint8_t much[65508] = {0};
    assert_false(hp_socket_send(a.socket, &to, much, sizeof much, NULL));
    assert_true(hp_socket_send(a.socket, &to, NULL, 0, NULL));
    assert_int_equal(hp_trace_n_packets(p.trace), 1);
    pair_free(&p);
}

static void test_interface_down(void **state)
{
    pair p = pair_new();
    ear a, b;
    listen_at(&a, p.a, "192.0.2.1:1000");
    listen_at(&b, p.b, "192.0.2.2:2000");
    assert_true(say(&a, "192.0.2.2:2000", "x"));
    assert_true(hp_host_has_family(p.b, HP_AF_IPV4));
    assert_false(hp_host_has_family(p.b, HP_AF_IPV6));
    hp_host_set_interface_up(p.b, 0, false);
    assert_int_equal(hp_host_addresses(p.b, NULL, 0), 0);
    assert_false(hp_host_has_family(p.b, HP_AF_IPV4));
    assert_false(say(&b, "192.0.2.1:1000", "x"));
    run(&p);
    assert_int_equal(b.n, 0);
    hp_record r = {0};
    assert_int_equal(count_drops(p.trace, HP_DROP_HOST_DOWN, &r), 1);
    assert_string_equal(r.drop.place, "bob");
    hp_host_set_interface_up(p.b, 0, true); /* the socket is still there */
    assert_true(say(&a, "192.0.2.2:2000", "x"));
    run(&p);
    assert_int_equal(b.n, 1);
    pair_free(&p);
}

static void test_addresses_come_and_go(void **state)
{
    pair p = pair_new();
    ear a, b;
    listen_at(&a, p.a, "192.0.2.1:1000");
    listen_at(&b, p.b, "192.0.2.2:2000");
    hp_addr old = addr("192.0.2.2"), fresh = addr("192.0.2.3");
    hp_host_remove_address(p.b, 1, &old); /* not on that interface */
    assert_int_equal(hp_host_interface_of(p.b, &old), 0);
    hp_host_add_address(p.b, 0, &fresh);
    hp_host_remove_address(p.b, 0, &old);
    assert_int_equal(hp_host_interface_of(p.b, &old), -1);
    hp_addr listed[4];
    assert_int_equal(hp_host_addresses(p.b, listed, 4), 1);
    assert_true(hp_addr_equal(&listed[0], &fresh));
    assert_false(say(&b, "192.0.2.1:1000", "x"));
    assert_true(say(&a, "192.0.2.2:2000", "x"));
    run(&p);
    assert_int_equal(b.n, 0);
    assert_int_equal(count_drops(p.trace, HP_DROP_NO_ROUTE, NULL), 1);
    hp_host_add_address(p.b, 0, &old);
    assert_int_equal(hp_host_addresses(p.b, listed, 1), 2); /* says how many, fills one */
    assert_true(hp_addr_equal(&listed[0], &fresh));
    assert_true(say(&a, "192.0.2.2:2000", "x"));
    run(&p);
    assert_int_equal(b.n, 1);
    /* An address is on one interface: the second takes it over. */
    assert_int_equal(hp_host_add_interface(p.b, "two", 0), 1);
    hp_host_add_address(p.b, 1, &old);
    assert_int_equal(hp_host_interface_of(p.b, &old), 1);
    assert_int_equal(hp_host_addresses(p.b, NULL, 0), 2);
    assert_int_equal(hp_host_n_interfaces(p.b), 2);
    assert_string_equal(hp_host_interface_name(p.b, 1), "two");
    pair_free(&p);
}

/* Few addresses are looked through, many are looked up: at every number of them the answers must be the same. */
static void test_any_number_of_addresses(void **state)
{
    enum { MANY = 10 };
    g_autoptr(hp_world) world = hp_world_new(1, NULL);
    hp_host *host = hp_host_new(world, "h");
    hp_host_add_interface(host, "a", 0);
    hp_host_add_interface(host, "b", 0);
    hp_addr addresses[MANY];
    for (unsigned i = 0; i < MANY; i++) {
        const uint8_t six[16] = {0x20, 0x01, 0x0d, 0xb8, [15] = (uint8_t)i};
        addresses[i] = i % 3 == 0 ? hp_addr_v6(six, 7) : hp_addr_v4(0xc0000201 + i, 7);
    }
    for (unsigned n = 0; n <= 2 * MANY; n++) { /* up to all of them, and down again from the first */
        unsigned first = n > MANY ? n - MANY : 0, end = MIN(n, MANY);
        for (unsigned i = 0; i < MANY; i++) {
            int expected = i >= first && i < end ? (int)(i % 2) : -1;
            assert_int_equal(hp_host_interface_of(host, &addresses[i]), expected);
        }
        if (n < MANY) {
            hp_host_add_address(host, n % 2, &addresses[n]);
        } else if (n < 2 * MANY) {
            hp_host_remove_address(host, n % 2, &addresses[n - MANY]);
        }
    }
}

static void test_a_host_reaches_itself(void **state)
{
    pair p = pair_new();
    ear one, two;
    listen_at(&one, p.a, "192.0.2.1:1");
    listen_at(&two, p.a, "0.0.0.0:2");
    two.answer = true;
    assert_true(say(&one, "192.0.2.1:2", "x"));
    assert_int_equal(two.n, 0); /* not within the call */
    assert_true(hp_world_step(p.world, NULL));
    assert_int_equal(two.n, 1);
    assert_int_equal(one.n, 0);
    assert_true(hp_world_step(p.world, NULL));
    assert_int_equal(one.n, 1);
    assert_int_equal(one.at, 0);
    assert_int_equal(hp_trace_n_packets(p.trace), 2); /* each once */
    assert_true(hp_addr_equal(&one.last.from, &two.last.to)); /* answered from the address that was asked */
    assert_false(hp_world_step(p.world, NULL)); /* nothing went out */
    /* Packets that are under way when the address goes are lost. */
    assert_true(say(&one, "192.0.2.1:2", "x"));
    assert_true(say(&one, "192.0.2.1:2", "x"));
    hp_host_set_interface_up(p.a, 0, false);
    run(&p);
    assert_int_equal(two.n, 1);
    assert_int_equal(count_drops(p.trace, HP_DROP_HOST_DOWN, NULL), 2);
    hp_host_set_interface_up(p.a, 0, true);
    assert_true(say(&one, "192.0.2.1:2", "x")); /* freed with the world */
    pair_free(&p);
}

static void test_callbacks_may_close_sockets(void **state)
{
    pair p = pair_new();
    ear a, b, c;
    listen_at(&a, p.a, "192.0.2.1:1000");
    listen_at(&b, p.b, "192.0.2.2:2000");
    listen_at(&c, p.b, "192.0.2.2:2001");
    b.close_self = true;
    b.answer = true;
    b.close_other = c.socket;
    assert_true(say(&a, "192.0.2.2:2000", "x"));
    assert_true(say(&a, "192.0.2.2:2001", "x"));
    run(&p);
    assert_int_equal(b.n, 1);
    assert_int_equal(c.n, 0);
    assert_int_equal(a.n, 1);
    assert_int_equal(count_drops(p.trace, HP_DROP_NO_SOCKET, NULL), 1);
    listen_at(&b, p.b, "192.0.2.2:2000");
    pair_free(&p);
}

static void test_corrupt_packets(void **state)
{
    pair p = pair_new();
    ear b;
    listen_at(&b, p.b, "192.0.2.2:2000");
    hp_packet *bad = udp_packet(p.world, "192.0.2.1:1000", "192.0.2.2:2000", 4);
    bad->corrupt = true;
    give(hp_host_node(p.b), 0, bad);
    assert_int_equal(b.n, 0);
    hp_record r = {0};
    assert_int_equal(count_drops(p.trace, HP_DROP_CORRUPT, &r), 1);
    assert_int_equal(r.drop.packet, 1); /* it was seen at the tap */
    give(hp_host_node(p.b), 3, udp_packet(p.world, "192.0.2.1:1000", "192.0.2.2:2000", 4));
    assert_int_equal(count_drops(p.trace, HP_DROP_NO_ROUTE, NULL), 1);
    pair_free(&p);
}

static void test_taps_of_many_interfaces(void **state)
{
    g_autoptr(hp_trace) trace = hp_trace_new(NULL);
    g_autoptr(hp_world) world = hp_world_new(1, trace);
    hp_host *host = hp_host_new(world, "multi");
    hp_host_add_interface(host, "wifi", 0);
    hp_host_add_interface(host, NULL, 0);
    give(hp_host_node(host), 0, udp_packet(world, "192.0.2.1:1", "192.0.2.2:2", 4));
    give(hp_host_node(host), 1, udp_packet(world, "192.0.2.1:1", "192.0.2.2:2", 4));
    assert_int_equal(hp_trace_n_taps(trace), 2);
    assert_string_equal(hp_trace_tap_name(trace, 0), "multi/wifi");
    assert_string_equal(hp_trace_tap_name(trace, 1), "multi/1");
}

/* Ten thousand sockets opened and closed at random still find their own packets. */
static void test_many_sockets(void **state)
{
    enum { N = 10000 };
    static ear ears[N];
    g_autoptr(hp_world) world = hp_world_new(1, NULL);
    hp_host *host = host_at(world, "server", "192.0.2.1");
    hp_rng rng;
    hp_rng_init(&rng, 1, "sockets");
    for (unsigned i = 0; i < N; i++) {
        ears[i] = (ear){0};
    }
    hp_addr local = addr("192.0.2.1"), from = addr("192.0.2.2:9");
    for (unsigned i = 0; i < 10 * N; i++) {
        unsigned k = (unsigned)hp_rng_below(&rng, N);
        if (ears[k].socket != NULL) {
            hp_socket_close(ears[k].socket);
            ears[k].socket = NULL;
        } else {
            local.port = (uint16_t)(k + 1);
            ears[k].socket = hp_host_bind(host, &local, &ear_ops, &ears[k], NULL);
            assert_non_null(ears[k].socket);
        }
    }
    hp_host_set_silent(host, true);
    for (unsigned k = 0; k < N; k++) {
        local.port = (uint16_t)(k + 1);
        give(hp_host_node(host), 0, hp_packet_new(HP_PROTO_UDP, &from, &local, NULL, 0));
        assert_int_equal(ears[k].n, ears[k].socket != NULL);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_there_and_back),        cmocka_unit_test(test_overlapping_binds_are_refused),
        cmocka_unit_test(test_ephemeral_ports),       cmocka_unit_test(test_wildcards),
        cmocka_unit_test(test_source_choice),         cmocka_unit_test(test_sends_that_cannot_be),
        cmocka_unit_test(test_interface_down),        cmocka_unit_test(test_addresses_come_and_go),
        cmocka_unit_test(test_a_host_reaches_itself), cmocka_unit_test(test_callbacks_may_close_sockets),
        cmocka_unit_test(test_corrupt_packets),       cmocka_unit_test(test_taps_of_many_interfaces),
        cmocka_unit_test(test_many_sockets),          cmocka_unit_test(test_any_number_of_addresses),
    };
    return cmocka_run_group_tests_name("host", tests, NULL, NULL);
}
