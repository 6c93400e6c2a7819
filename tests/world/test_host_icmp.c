/* Hosts: ICMP errors and echo, fragments, path MTU. The host under test faces a probe. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "world/fragment.h"
#include "world/host.h"
#include "world/probe.h"

#define HOST4 "192.0.2.1"
#define HOST6 "2001:db8::1"

typedef struct bench {
    hp_trace *trace;
    hp_world *world;
    hp_host *host;
    probe *wire;
    /* what the socket's callbacks and the one for the rest saw */
    hp_socket *socket;
    unsigned n_datagrams, n_errors, n_others;
    uint8_t data[4096];
    size_t length;
    uint32_t record;
    hp_icmp_kind kind;
    hp_addr error_from, error_to;
    bool close_on_error;
} bench;

static void on_datagram(void *user, hp_socket *socket, const hp_datagram *d)
{
    bench *b = user;
    b->n_datagrams++;
    b->length = d->length;
    b->record = d->record;
    assert_true(d->length <= sizeof b->data);
    memcpy(b->data, d->data, d->length);
}

static void on_icmp(void *user, hp_socket *socket, hp_icmp_kind kind, const hp_addr *from, const hp_addr *to,
                    const hp_packet *error)
{
    bench *b = user;
    b->n_errors++;
    b->kind = kind;
    b->error_from = *from;
    b->error_to = *to;
    assert_non_null(error->inner);
    if (b->close_on_error) {
        hp_socket_close(socket);
        b->socket = NULL;
    }
}

static void on_other(void *user, hp_host *host, const hp_packet *p)
{
    bench *b = user;
    assert_ptr_equal(host, b->host);
    b->n_others++;
}

static const hp_socket_ops ops = {.datagram = on_datagram, .icmp = on_icmp};

static bench *bench_new(uint32_t mtu)
{
    bench *b = g_new0(bench, 1);
    b->trace = hp_trace_new(NULL);
    assert_non_null(b->trace);
    b->world = hp_world_new(1, b->trace);
    b->host = hp_host_new(b->world, "alice");
    hp_host_add_interface(b->host, "eth0", mtu);
    hp_addr v4 = addr(HOST4), v6 = addr(HOST6);
    hp_host_add_address(b->host, 0, &v4);
    hp_host_add_address(b->host, 0, &v6);
    b->wire = probe_new(b->world, "wire");
    hp_node_connect(hp_host_node(b->host), 0, &b->wire->node, 0);
    return b;
}

static void bench_free(bench *b)
{
    hp_world_free(b->world);
    hp_trace_free(b->trace);
    g_free(b);
}

static void bind_at(bench *b, const char *local)
{
    hp_addr a = addr(local);
    b->socket = hp_host_bind(b->host, &a, &ops, b, NULL);
    assert_non_null(b->socket);
}

static void to_host(bench *b, hp_packet *p)
{
    give(hp_host_node(b->host), 0, p);
}

static void test_port_unreachable(void **state)
{
    bench *b = bench_new(0);
    to_host(b, udp_packet(b->world, "198.51.100.1:9", HOST4 ":4000", 4));
    to_host(b, udp_packet(b->world, "[2001:db8::9]:9", "[" HOST6 "]:4000", 4));
    assert_int_equal(count_drops(b->trace, HP_DROP_NO_SOCKET, NULL), 2);
    assert_int_equal(b->wire->hits->len, 2);
    hp_addr v4 = addr(HOST4), v6 = addr(HOST6);
    const hp_packet *error = probe_at(b->wire, 0)->p;
    assert_int_equal(error->icmp_kind, HP_ICMP_PORT_UNREACHABLE);
    assert_true(hp_addr_same_ip(&error->src, &v4));
    assert_int_equal(error->inner->dst.port, 4000);
    assert_int_equal(error->inner->src.port, 9);
    error = probe_at(b->wire, 1)->p;
    assert_int_equal(error->proto, HP_PROTO_ICMPV6);
    assert_true(hp_addr_same_ip(&error->src, &v6));

    hp_host_set_silent(b->host, true);
    to_host(b, udp_packet(b->world, "198.51.100.1:9", HOST4 ":4000", 4));
    assert_int_equal(count_drops(b->trace, HP_DROP_NO_SOCKET, NULL), 3);
    assert_int_equal(b->wire->hits->len, 2);
    bench_free(b);
}

static hp_packet *echo(bench *b, const char *from, const char *to, hp_icmp_kind kind)
{
    hp_packet *p = udp_packet(b->world, from, to, 56);
    p->proto = p->src.family == HP_AF_IPV4 ? HP_PROTO_ICMP : HP_PROTO_ICMPV6;
    p->icmp_kind = kind;
    p->icmp_mtu = 3; /* sequence number */
    return p;
}

static void test_echo(void **state)
{
    bench *b = bench_new(0);
    to_host(b, echo(b, "198.51.100.1:77", HOST4, HP_ICMP_ECHO_REQUEST));
    to_host(b, echo(b, "[2001:db8::9]:78", HOST6, HP_ICMP_ECHO_REQUEST));
    assert_int_equal(b->wire->hits->len, 2);
    for (unsigned i = 0; i < 2; i++) {
        const hp_packet *reply = probe_at(b->wire, i)->p;
        assert_int_equal(reply->icmp_kind, HP_ICMP_ECHO_REPLY);
        assert_int_equal(reply->dst.port, 77 + i);
        assert_int_equal(reply->icmp_mtu, 3);
        assert_int_equal(reply->length, 56);
        assert_int_equal(reply->payload[55], 55);
        assert_int_not_equal(reply->uid, 0);
    }
    hp_addr asker = addr("198.51.100.1"), host = addr(HOST4);
    assert_true(hp_addr_same_ip(&probe_at(b->wire, 0)->p->dst, &asker));
    assert_true(hp_addr_same_ip(&probe_at(b->wire, 0)->p->src, &host));
    hp_host_set_silent(b->host, true);
    to_host(b, echo(b, "198.51.100.1:77", HOST4, HP_ICMP_ECHO_REQUEST));
    assert_int_equal(b->wire->hits->len, 2);
    to_host(b, echo(b, "198.51.100.1:77", "192.0.2.77", HP_ICMP_ECHO_REQUEST)); /* not ours */
    assert_int_equal(count_drops(b->trace, HP_DROP_NO_ROUTE, NULL), 1);
    bench_free(b);
}

static void test_errors_reach_the_socket(void **state)
{
    bench *b = bench_new(0);
    bind_at(b, HOST4 ":1000");
    hp_addr to = addr("198.51.100.1:9"), router = addr("203.0.113.1");
    assert_true(hp_socket_send(b->socket, &to, "x", 1, NULL));
    hp_packet *sent = probe_at(b->wire, 0)->p;
    to_host(b, hp_packet_icmp_error(HP_ICMP_HOST_UNREACHABLE, &router, sent, 0));
    assert_int_equal(b->n_errors, 1);
    assert_int_equal(b->kind, HP_ICMP_HOST_UNREACHABLE);
    assert_true(hp_addr_equal(&b->error_from, &router));
    assert_true(hp_addr_equal(&b->error_to, &to));
    /* About another port, another protocol: nobody's. */
    sent->src.port = 1001;
    to_host(b, hp_packet_icmp_error(HP_ICMP_HOST_UNREACHABLE, &router, sent, 0));
    sent->src.port = 1000;
    sent->proto = HP_PROTO_TCP;
    to_host(b, hp_packet_icmp_error(HP_ICMP_HOST_UNREACHABLE, &router, sent, 0));
    sent->proto = HP_PROTO_UDP;
    assert_int_equal(b->n_errors, 1);
    assert_int_equal(count_drops(b->trace, HP_DROP_NO_SOCKET, NULL), 2);
    /* A damaged one says nothing. */
    hp_packet *bad = hp_packet_icmp_error(HP_ICMP_HOST_UNREACHABLE, &router, sent, 0);
    bad->corrupt = true;
    to_host(b, bad);
    assert_int_equal(b->n_errors, 1);
    /* The callback may close the socket. */
    b->close_on_error = true;
    to_host(b, hp_packet_icmp_error(HP_ICMP_ADMIN_PROHIBITED, &router, sent, 0));
    assert_int_equal(b->n_errors, 2);
    assert_null(b->socket);
    /* A wildcard socket, and one that does not care. */
    b->close_on_error = false;
    bind_at(b, "0.0.0.0:1000");
    to_host(b, hp_packet_icmp_error(HP_ICMP_TTL_EXCEEDED, &router, sent, 0));
    assert_int_equal(b->n_errors, 3);
    hp_socket_close(b->socket);
    hp_addr local = addr(HOST4 ":1000");
    static const hp_socket_ops deaf = {.datagram = on_datagram};
    assert_non_null(hp_host_bind(b->host, &local, &deaf, b, NULL));
    to_host(b, hp_packet_icmp_error(HP_ICMP_TTL_EXCEEDED, &router, sent, 0));
    assert_int_equal(b->n_errors, 3);
    assert_int_equal(count_drops(b->trace, HP_DROP_NO_SOCKET, NULL), 2);
    bench_free(b);
}

static void test_what_nobody_wants(void **state)
{
    bench *b = bench_new(0);
    hp_packet *tcp = udp_packet(b->world, "198.51.100.1:9", HOST4 ":4000", 16);
    tcp->proto = HP_PROTO_TCP;
    to_host(b, hp_packet_copy(tcp));
    to_host(b, echo(b, "198.51.100.1", HOST4 ":5", HP_ICMP_ECHO_REPLY));
    assert_int_equal(count_drops(b->trace, HP_DROP_MALFORMED, NULL), 1); /* 16 bytes are no TCP segment */
    assert_int_equal(count_drops(b->trace, HP_DROP_NO_SOCKET, NULL), 1);
    assert_int_equal(b->wire->hits->len, 0);
    hp_host_set_other(b->host, on_other, b);
    to_host(b, tcp);
    to_host(b, echo(b, "198.51.100.1", HOST4 ":5", HP_ICMP_ECHO_REPLY));
    assert_int_equal(b->n_others, 2);
    assert_int_equal(count_drops(b->trace, HP_DROP_NO_SOCKET, NULL), 1);
    bench_free(b);
}

static void test_packets_of_any_kind_are_sent(void **state)
{
    bench *b = bench_new(0);
    hp_packet *ping = echo(b, HOST4 ":5", "198.51.100.1", HP_ICMP_ECHO_REQUEST);
    ping->uid = 0;
    hp_host_send_packet(b->host, 0, ping);
    hp_host_send_packet(b->host, 0, udp_packet(b->world, "203.0.113.66:1", "198.51.100.1:2", 4)); /* a spoofed source */
    assert_int_equal(b->wire->hits->len, 2);
    assert_int_not_equal(probe_at(b->wire, 0)->p->uid, 0);
    assert_int_equal(hp_trace_n_packets(b->trace), 2);

    hp_host_send_packet(b->host, 1, udp_packet(b->world, HOST4 ":1", "198.51.100.1:2", 4));
    assert_int_equal(count_drops(b->trace, HP_DROP_NO_ROUTE, NULL), 1);
    hp_packet *mixed = udp_packet(b->world, HOST4 ":1", "198.51.100.1:2", 4);
    mixed->dst = addr("[2001:db8::9]:2");
    hp_host_send_packet(b->host, 0, mixed);
    assert_int_equal(count_drops(b->trace, HP_DROP_BAD_SOURCE, NULL), 1);
    hp_host_set_interface_up(b->host, 0, false);
    hp_host_send_packet(b->host, 0, udp_packet(b->world, HOST4 ":1", "198.51.100.1:2", 4));
    assert_int_equal(count_drops(b->trace, HP_DROP_HOST_DOWN, NULL), 1);
    assert_int_equal(b->wire->hits->len, 2);
    bench_free(b);
}

/* What alice sends in pieces, alice can read when it comes back. */
static void turn_round(bench *b, unsigned i)
{
    hp_packet *p = hp_packet_copy(probe_at(b->wire, i)->p);
    hp_addr src = p->src;
    p->src = p->dst;
    p->dst = src;
    to_host(b, p);
}

static void test_fragments_out_and_in(void **state)
{
    bench *b = bench_new(0);
    bind_at(b, HOST4 ":1000");
    uint8_t data[3000];
    for (unsigned i = 0; i < sizeof data; i++) {
        data[i] = (uint8_t)(i * 7);
    }
    hp_addr to = addr("198.51.100.1:1000");
    assert_true(hp_socket_send(b->socket, &to, data, 1472, NULL));
    assert_int_equal(b->wire->hits->len, 1); /* exactly 1500 */
    assert_true(hp_socket_send(b->socket, &to, data, sizeof data, NULL));
    assert_int_equal(b->wire->hits->len, 4);
    const hp_packet *first = probe_at(b->wire, 1)->p;
    assert_int_equal(hp_packet_wire_length(first), 1500);
    assert_int_not_equal(first->ip_id, 0);
    assert_int_not_equal(first->ip_id, probe_at(b->wire, 0)->p->ip_id);
    assert_int_equal(hp_trace_n_packets(b->trace), 4);

    turn_round(b, 3);
    turn_round(b, 1);
    assert_int_equal(b->n_datagrams, 0);
    turn_round(b, 2);
    assert_int_equal(b->n_datagrams, 1);
    assert_int_equal(b->length, sizeof data);
    assert_memory_equal(b->data, data, sizeof data);
    assert_int_equal(b->record, 7); /* the fragment that completed it */

    hp_send_options df = {.dont_fragment = true};
    assert_false(hp_socket_send(b->socket, &to, data, 1473, &df));
    assert_int_equal(count_drops(b->trace, HP_DROP_LINK_MTU, NULL), 1);
    assert_int_equal(b->wire->hits->len, 4);
    bench_free(b);
}

typedef struct df_bench {
    bench *b;
    hp_addr to;
    unsigned seen; /* packets of the wire that were looked at */
} df_bench;

/* Sends so many bytes: how many packets leave, and whether they have DF. */
static void assert_leaves(df_bench *d, size_t length, const hp_send_options *options, unsigned n, uint32_t first,
                          bool df)
{
    static const uint8_t data[3000];
    assert_true(hp_socket_send(d->b->socket, &d->to, data, length, options));
    assert_int_equal(d->b->wire->hits->len, d->seen + n);
    for (unsigned i = d->seen; i < d->seen + n; i++) {
        assert_int_equal(probe_at(d->b->wire, i)->p->dont_fragment, df);
    }
    assert_int_equal(hp_packet_wire_length(probe_at(d->b->wire, d->seen)->p), first);
    d->seen += n;
}

static void tell_frag_needed(df_bench *d, uint32_t mtu)
{
    hp_addr router = addr("198.51.100.254");
    to_host(d->b, hp_packet_icmp_error(HP_ICMP_FRAG_NEEDED, &router, probe_at(d->b->wire, d->seen - 1)->p, mtu));
}

/* What Linux does (tests/live/test_kernel_df.c has the same table). */
static void test_df_while_it_fits_the_path(void **state)
{
    df_bench d = {.b = bench_new(0), .to = addr("198.51.100.1:1000")};
    const hp_send_options whole = {.dont_fragment = true}, any = {.may_fragment = true};
    bind_at(d.b, HOST4 ":1000");
    assert_leaves(&d, 1473, NULL, 2, 1500, false);
    assert_leaves(&d, 1472, NULL, 1, 1500, true);
    assert_int_not_equal(probe_at(d.b->wire, 2)->p->ip_id, 0);
    assert_leaves(&d, 100, &any, 1, 128, false);
    tell_frag_needed(&d, 1600); /* teaches nothing */
    assert_leaves(&d, 1472, NULL, 1, 1500, true);
    tell_frag_needed(&d, 576);
    assert_leaves(&d, 548, NULL, 1, 576, true);
    assert_leaves(&d, 549, NULL, 2, 572, false);
    assert_leaves(&d, 549, &any, 2, 572, false);
    assert_leaves(&d, 1472, &whole, 1, 1500, true); /* who probes goes by the interface */
    const hp_addr other = addr("198.51.100.2:1000"), near = d.to;
    d.to = other;
    assert_leaves(&d, 1472, NULL, 1, 1500, true); /* that destination alone */
    d.to = near;
    hp_world_run_until(d.b->world, 601 * HP_S, NULL);
    assert_leaves(&d, 1472, NULL, 1, 1500, true); /* forgotten */
    bench_free(d.b);
}

static void test_a_path_of_less_than_552(void **state)
{
    static const uint32_t least[] = {0, 68, 551};
    for (unsigned i = 0; i < G_N_ELEMENTS(least); i++) {
        df_bench d = {.b = bench_new(0), .to = addr("198.51.100.1:1000")};
        bind_at(d.b, HOST4 ":1000");
        assert_leaves(&d, 1472, NULL, 1, 1500, true);
        tell_frag_needed(&d, least[i]);
        assert_leaves(&d, 100, NULL, 1, 128, false);
        assert_leaves(&d, 524, NULL, 1, 552, false);
        assert_leaves(&d, 525, NULL, 2, 548, false);
        assert_leaves(&d, 100, NULL, 1, 128, false);
        tell_frag_needed(&d, 552); /* locked it stays */
        assert_leaves(&d, 100, NULL, 1, 128, false);
        bench_free(d.b);
    }
    df_bench d = {.b = bench_new(0), .to = addr("198.51.100.1:1000")};
    bind_at(d.b, HOST4 ":1000");
    assert_leaves(&d, 1472, NULL, 1, 1500, true);
    tell_frag_needed(&d, 552);
    assert_leaves(&d, 524, NULL, 1, 552, true); /* not locked */
    bench_free(d.b);
}

static void test_ipv6_is_fragmented_at_the_source(void **state)
{
    bench *b = bench_new(1400);
    bind_at(b, "[" HOST6 "]:1000");
    uint8_t data[2000] = {0};
    hp_addr to = addr("[2001:db8::9]:1000");
    assert_true(hp_socket_send(b->socket, &to, data, 1352, NULL));
    assert_int_equal(b->wire->hits->len, 1);
    assert_true(hp_socket_send(b->socket, &to, data, 1353, NULL));
    assert_int_equal(b->wire->hits->len, 3);
    assert_int_equal(hp_packet_wire_length(probe_at(b->wire, 1)->p), 1400);
    turn_round(b, 2);
    turn_round(b, 1);
    assert_int_equal(b->n_datagrams, 1);
    assert_int_equal(b->length, 1353);
    bench_free(b);
}

static void test_path_mtu(void **state)
{
    bench *b = bench_new(0);
    bind_at(b, "[" HOST6 "]:1000");
    uint8_t data[1452] = {0};
    hp_addr to = addr("[2001:db8::9]:1000"), other = addr("[2001:db8::a]:1000"), router = addr("2001:db8::f");
    assert_true(hp_socket_send(b->socket, &to, data, sizeof data, NULL));
    assert_int_equal(b->wire->hits->len, 1);
    to_host(b, hp_packet_icmp_error(HP_ICMP_FRAG_NEEDED, &router, probe_at(b->wire, 0)->p, 1300));
    assert_int_equal(b->kind, HP_ICMP_FRAG_NEEDED);
    assert_true(hp_socket_send(b->socket, &to, data, sizeof data, NULL));
    assert_int_equal(b->wire->hits->len, 3);
    assert_int_equal(hp_packet_wire_length(probe_at(b->wire, 1)->p), 1296); /* 48 + 1248, a multiple of eight */
    assert_true(hp_socket_send(b->socket, &other, data, sizeof data, NULL));
    assert_int_equal(b->wire->hits->len, 4); /* that destination alone */
    /* An error about a packet that is not the host's own teaches nothing (RFC 8201 section 4) ... */
    g_autoptr(hp_packet) foreign = hp_packet_copy(probe_at(b->wire, 3)->p);
    foreign->src = addr("[2001:db8::77]:1000");
    hp_packet *forged = hp_packet_icmp_error(HP_ICMP_FRAG_NEEDED, &router, foreign, 1300);
    forged->dst = addr(HOST6);
    to_host(b, forged);
    assert_true(hp_socket_send(b->socket, &other, data, sizeof data, NULL));
    assert_int_equal(b->wire->hits->len, 5);
    /* ... nor does one that would raise it, or lower it below 1280. */
    to_host(b, hp_packet_icmp_error(HP_ICMP_FRAG_NEEDED, &router, probe_at(b->wire, 0)->p, 1400));
    to_host(b, hp_packet_icmp_error(HP_ICMP_FRAG_NEEDED, &router, probe_at(b->wire, 0)->p, 1279));
    assert_true(hp_socket_send(b->socket, &to, data, 1252, NULL)); /* 1300 */
    assert_int_equal(b->wire->hits->len, 6);
    assert_true(hp_socket_send(b->socket, &to, data, 1253, NULL));
    assert_int_equal(b->wire->hits->len, 8);
    /* Forgotten after ten minutes. */
    assert_true(hp_world_run_until(b->world, 600 * HP_S, NULL));
    assert_true(hp_socket_send(b->socket, &to, data, sizeof data, NULL));
    assert_int_equal(b->wire->hits->len, 9);
    bench_free(b);
}

static void test_reassembly_times_out(void **state)
{
    bench *b = bench_new(0);
    bind_at(b, HOST4 ":1000");
    uint8_t data[3000] = {0};
    hp_addr to = addr("198.51.100.1:1000");
    assert_true(hp_socket_send(b->socket, &to, data, sizeof data, NULL));
    turn_round(b, 0);
    turn_round(b, 2);
    assert_true(hp_world_run_until(b->world, 30 * HP_S - 1, NULL));
    assert_int_equal(b->wire->hits->len, 3);
    assert_true(hp_world_run_until(b->world, 30 * HP_S, NULL));
    assert_int_equal(b->wire->hits->len, 4);
    assert_int_equal(probe_at(b->wire, 3)->p->icmp_kind, HP_ICMP_REASSEMBLY_TIMEOUT);
    assert_int_equal(probe_at(b->wire, 3)->at, 30 * HP_S);
    assert_int_equal(count_drops(b->trace, HP_DROP_REASSEMBLY, NULL), 2);
    turn_round(b, 1); /* too late; freed with the world */
    assert_int_equal(b->n_datagrams, 0);
    bench_free(b);
}

static void test_a_corrupt_fragment_spoils_the_datagram(void **state)
{
    bench *b = bench_new(0);
    bind_at(b, HOST4 ":1000");
    uint8_t data[2000] = {0};
    hp_addr to = addr("198.51.100.1:1000");
    assert_true(hp_socket_send(b->socket, &to, data, sizeof data, NULL));
    probe_at(b->wire, 0)->p->corrupt = true;
    turn_round(b, 0);
    assert_int_equal(count_drops(b->trace, HP_DROP_CORRUPT, NULL), 0);
    turn_round(b, 1);
    assert_int_equal(b->n_datagrams, 0);
    assert_int_equal(count_drops(b->trace, HP_DROP_CORRUPT, NULL), 1);
    bench_free(b);
}

static void test_errors_loop_back_too(void **state)
{
    bench *b = bench_new(0);
    bind_at(b, HOST4 ":1000");
    hp_addr self = addr(HOST4 ":4000");
    assert_true(hp_socket_send(b->socket, &self, "x", 1, NULL));
    assert_true(hp_world_run_until(b->world, HP_S, NULL));
    assert_int_equal(b->n_errors, 1);
    assert_int_equal(b->kind, HP_ICMP_PORT_UNREACHABLE);
    assert_int_equal(b->wire->hits->len, 0);
    bench_free(b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_port_unreachable),
        cmocka_unit_test(test_echo),
        cmocka_unit_test(test_errors_reach_the_socket),
        cmocka_unit_test(test_what_nobody_wants),
        cmocka_unit_test(test_packets_of_any_kind_are_sent),
        cmocka_unit_test(test_fragments_out_and_in),
        cmocka_unit_test(test_df_while_it_fits_the_path),
        cmocka_unit_test(test_a_path_of_less_than_552),
        cmocka_unit_test(test_ipv6_is_fragmented_at_the_source),
        cmocka_unit_test(test_path_mtu),
        cmocka_unit_test(test_reassembly_times_out),
        cmocka_unit_test(test_a_corrupt_fragment_spoils_the_datagram),
        cmocka_unit_test(test_errors_loop_back_too),
    };
    return cmocka_run_group_tests_name("host_icmp", tests, NULL, NULL);
}
