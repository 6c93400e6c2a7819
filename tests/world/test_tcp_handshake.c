/* How TCP connections begin, or do not: handshakes to the byte and nanosecond, simultaneous open, lost SYNs and
 * refusals. */
#include "tcp_rig.h"

static hp_tcp_header header_of(rig *r, uint32_t packet, hp_record *ret)
{
    hp_tcp_header h;
    const uint8_t *data;
    size_t length;
    assert_true(hp_trace_find_packet(r->trace, packet, ret));
    assert_true(hp_tcp_parse(ret->packet.bytes + 24, ret->packet.length - 24, &h, &data, &length));
    return h;
}

static void test_three_way_handshake(void **state)
{
    rig *r = rig_new(NULL, NULL);
    end client, server;
    rig_pair(r, &client, &server);
    assert_state(&client, "SYN-SENT");
    assert_int_equal(client.connected, 0);
    rig_until(r, HP_S);
    assert_string_equal(rig_said(r), "0ns alice SYN 0\n"
                                     "20ms bob SYN,ACK 0/1\n"
                                     "40ms alice ACK 1/1\n");
    assert_int_equal(client.connected, 1);
    assert_int_equal(client.writable, 1);
    assert_int_equal(client.connected_at, 40 * HP_MS);
    assert_int_equal(server.connected, 1);
    assert_int_equal(server.connected_at, 60 * HP_MS);
    assert_state(&client, "ESTABLISHED");
    assert_state(&server, "ESTABLISHED");
    assert_int_equal(hp_tcp_n_connections(r->a), 1);
    assert_int_equal(hp_tcp_n_connections(r->b), 1);
    assert_int_equal(hp_world_next_deadline(r->world), HP_NEVER); /* nothing left to do */
    hp_addr there = addr(SERVER), here = addr(ALICE ":50000");
    hp_addr remote = hp_tcp_remote(client.socket), local = hp_tcp_local(client.socket);
    assert_true(hp_addr_equal(&remote, &there));
    assert_true(hp_addr_equal(&local, &here));
    remote = hp_tcp_remote(server.socket);
    local = hp_tcp_local(server.socket);
    assert_true(hp_addr_equal(&remote, &here));
    assert_true(hp_addr_equal(&local, &there));

    /* Taps: alice out 1, bob in 2, bob out 3, alice in 4, alice out 5, bob in 6. */
    assert_int_equal(hp_tcp_last_record(client.socket), 4);
    assert_int_equal(hp_tcp_last_record(server.socket), 6);

    /* The bytes: DF, 65535, an MSS for 1500, a scale that makes a megabyte. Then the window is scaled. */
    hp_record record;
    hp_tcp_header syn = header_of(r, 1, &record), syn_ack = header_of(r, 3, &record), ack = header_of(r, 5, &record);
    assert_int_equal(syn.window, 65535);
    assert_int_equal(syn.mss, 1460);
    assert_true(syn.has_window_scale);
    assert_int_equal(syn.window_scale, 5);
    assert_false(syn.sack_permitted);
    assert_int_equal(syn.ack, 0);
    assert_int_equal(syn_ack.window, 65535);
    assert_int_equal(syn_ack.mss, 1460);
    assert_int_equal(syn_ack.window_scale, 5);
    assert_int_equal(ack.window, (1 << 20) >> 5);
    assert_int_equal(ack.mss, 0);
    assert_false(ack.has_window_scale);
    assert_int_equal(record.packet.length, 40);
    assert_int_equal(record.packet.bytes[6], 0x40); /* DF */
    hp_tcp_conn_stats stats = hp_tcp_get_stats(client.socket);
    assert_int_equal(stats.srtt_ns, 40 * HP_MS);
    assert_int_equal(stats.rto_ns, 240 * HP_MS);
    assert_int_equal(stats.cwnd, 14600);
    end_clear(&client);
    end_clear(&server);
    rig_free(r);
}

static void test_ipv6(void **state)
{
    rig *r = rig_new(NULL, NULL);
    hp_addr a6 = addr("2001:db8::1"), b6 = addr("2001:db8::2");
    hp_host_add_address(r->a, 0, &a6);
    hp_host_add_address(r->b, 0, &b6);
    end client, server;
    end_init(&client, r);
    end_init(&server, r);
    rig_listen(&server, r->b, "[::]:80");
    rig_connect_from(&client, r->a, NULL, "[2001:db8::2]:80");
    hp_addr local = hp_tcp_local(client.socket);
    assert_true(hp_addr_same_ip(&local, &a6));
    say(&client, "six");
    rig_until(r, HP_S);
    assert_got(&server, "six", 3);
    hp_tcp_conn_stats stats = hp_tcp_get_stats(client.socket);
    assert_int_equal(stats.mss, 1440);
    end_clear(&client);
    end_clear(&server);
    rig_free(r);
}

/* RFC 9293 figure 7: both SYNs cross. */
static void test_simultaneous_open(void **state)
{
    rig *r = rig_new(NULL, NULL);
    end a, b;
    end_init(&a, r);
    end_init(&b, r);
    rig_connect_from(&a, r->a, ALICE ":5000", BOB ":6000");
    rig_connect_from(&b, r->b, BOB ":6000", ALICE ":5000");
    say(&a, "from a");
    say(&b, "from b");
    rig_until(r, 30 * HP_MS);
    assert_state(&a, "SYN-RECEIVED");
    rig_until(r, 39 * HP_MS);
    assert_int_equal(a.connected + b.connected, 0);
    rig_until(r, 50 * HP_MS);
    assert_string_equal(rig_said(r), "0ns alice SYN 0\n"
                                     "0ns bob SYN 0\n"
                                     "20ms bob SYN,ACK 0/1\n"
                                     "20ms alice SYN,ACK 0/1\n"
                                     "40ms bob PSH,ACK 1/1 len 6\n"
                                     "40ms alice PSH,ACK 1/1 len 6\n");
    assert_int_equal(a.connected, 1);
    assert_int_equal(b.connected, 1);
    assert_int_equal(a.connected_at, 40 * HP_MS);
    rig_until(r, HP_S);
    assert_got(&a, "from b", 6);
    assert_got(&b, "from a", 6);
    end_clear(&a);
    end_clear(&b);
    rig_free(r);
}

/* A NAT that lets only one of the SYNs through (RFC 5382 section 4.2): the other end's answers it. */
static void test_simultaneous_open_with_a_lost_syn(void **state)
{
    rig *r = rig_new(LOSING(NUMBER(1)), NULL);
    end a, b;
    end_init(&a, r);
    end_init(&b, r);
    rig_connect_from(&a, r->a, ALICE ":5000", BOB ":6000");
    rig_connect_from(&b, r->b, BOB ":6000", ALICE ":5000");
    rig_until(r, HP_S / 2);
    assert_string_equal(rig_said(r), "0ns alice SYN 0 lost\n"
                                     "0ns bob SYN 0\n"
                                     "20ms alice SYN,ACK 0/1\n"
                                     "40ms bob ACK 1/1\n");
    assert_int_equal(b.connected_at, 40 * HP_MS);
    assert_int_equal(a.connected_at, 60 * HP_MS);
    end_clear(&a);
    end_clear(&b);
    rig_free(r);
}

/* SYN 1 s, then doubled; every try lost. */
static void test_syns_into_nothing(void **state)
{
    rig *r = rig_new(LOSING({1, 0}), NULL);
    end client;
    end_init(&client, r);
    rig_connect_from(&client, r->a, ALICE ":50000", SERVER);
    rig_until(r, 200 * HP_S);
    assert_string_equal(rig_said(r), "0ns alice SYN 0 lost\n"
                                     "1.000s alice SYN 0 lost\n"
                                     "3.000s alice SYN 0 lost\n"
                                     "7.000s alice SYN 0 lost\n"
                                     "15.000s alice SYN 0 lost\n"
                                     "31.000s alice SYN 0 lost\n"
                                     "63.000s alice SYN 0 lost\n");
    assert_int_equal(client.closed, 1);
    assert_reason(&client, "timed-out");
    assert_int_equal(client.closed_at, 127 * HP_S);
    assert_state(&client, "CLOSED");
    assert_int_equal(hp_tcp_n_connections(r->a), 0);
    assert_int_equal(hp_world_next_deadline(r->world), HP_NEVER);
    assert_int_equal(hp_tcp_send(client.socket, "x", 1), 0);
    hp_tcp_close(client.socket);
    end_clear(&client);
    rig_free(r);
}

static void test_a_lost_syn(void **state)
{
    rig *r = rig_new(LOSING(NUMBER(1)), NULL);
    end client, server;
    rig_pair(r, &client, &server);
    say(&client, "hi");
    rig_until(r, 2 * HP_S);
    assert_string_equal(rig_said(r), "0ns alice SYN 0 lost\n"
                                     "1.000s alice SYN 0\n"
                                     "1.020s bob SYN,ACK 0/1\n"
                                     "1.040s alice PSH,ACK 1/1 len 2\n"
                                     "1.100s bob ACK 1/3\n");
    assert_int_equal(client.connected_at, 1040 * HP_MS);
    /* No measurement of a SYN that was sent twice; a window of one segment; then the data's round trip is measured. */
    hp_tcp_conn_stats stats = hp_tcp_get_stats(client.socket);
    assert_int_equal(stats.srtt_ns, 80 * HP_MS); /* with the other end's delayed acknowledgement */
    assert_int_equal(stats.cwnd, 1460);
    end_clear(&client);
    end_clear(&server);
    rig_free(r);
}

static void test_a_lost_syn_ack(void **state)
{
    rig *r = rig_new(NULL, LOSING(NUMBER(1)));
    end client, server;
    rig_pair(r, &client, &server);
    rig_until(r, 5 * HP_S);
    /* Both try again; the SYN and the SYN,ACK that cross change nothing more. */
    assert_string_equal(rig_said(r), "0ns alice SYN 0\n"
                                     "20ms bob SYN,ACK 0/1 lost\n"
                                     "1.000s alice SYN 0\n"
                                     "1.020s bob SYN,ACK 0/1\n"
                                     "1.040s alice ACK 1/1\n");
    assert_int_equal(client.connected, 1);
    assert_int_equal(server.connected, 1);
    end_clear(&client);
    end_clear(&server);
    rig_free(r);
}

static void test_a_lost_ack_of_the_handshake(void **state)
{
    rig *r = rig_new(LOSING(NUMBER(2)), NULL);
    end client, server;
    rig_pair(r, &client, &server);
    rig_until(r, 5 * HP_S);
    assert_string_equal(rig_said(r), "0ns alice SYN 0\n"
                                     "20ms bob SYN,ACK 0/1\n"
                                     "40ms alice ACK 1/1 lost\n"
                                     "1.020s bob SYN,ACK 0/1\n"
                                     "1.040s alice ACK 1/1\n");
    assert_int_equal(server.connected_at, 1060 * HP_MS);
    end_clear(&client);
    end_clear(&server);
    rig_free(r);
}

/* Half open for 63 s, then forgotten without a word. */
static void test_a_client_that_vanishes_in_the_handshake(void **state)
{
    rig *r = rig_new(LOSING({2, 0}), NULL);
    end client, server;
    rig_pair(r, &client, &server);
    rig_until(r, 62 * HP_S);
    assert_int_equal(hp_tcp_n_connections(r->b), 1);
    rig_until(r, 64 * HP_S);
    assert_int_equal(hp_tcp_n_connections(r->b), 0);
    assert_int_equal(server.connected + server.closed, 0);
    end_clear(&client);
    end_clear(&server);
    rig_free(r);
}

static void test_nobody_listens(void **state)
{
    rig *r = rig_new(NULL, NULL);
    end client;
    end_init(&client, r);
    rig_connect_from(&client, r->a, ALICE ":50000", SERVER);
    rig_until(r, HP_S);
    assert_string_equal(rig_said(r), "0ns alice SYN 0\n"
                                     "20ms bob RST,ACK 0/1\n");
    assert_int_equal(client.closed, 1);
    assert_reason(&client, "refused");
    assert_int_equal(client.closed_at, 40 * HP_MS);
    assert_int_equal(count_drops(r->trace, HP_DROP_NO_SOCKET, NULL), 1);
    hp_tcp_close(client.socket);
    end_clear(&client);
    rig_free(r);
}

static void test_a_silent_host(void **state)
{
    rig *r = rig_new(NULL, NULL);
    hp_host_set_silent(r->b, true);
    end client;
    end_init(&client, r);
    rig_connect_from(&client, r->a, ALICE ":50000", SERVER);
    hp_tcp_set_user_timeout(client.socket, 2500 * HP_MS);
    rig_until(r, 10 * HP_S);
    assert_string_equal(rig_said(r), "0ns alice SYN 0\n"
                                     "1.000s alice SYN 0\n");
    assert_reason(&client, "timed-out");
    assert_int_equal(client.closed_at, 2500 * HP_MS);
    end_clear(&client);
    rig_free(r);
}

static void icmp_about_syn(rig *r, hp_icmp_kind kind, uint32_t off)
{
    hp_record record;
    assert_true(hp_trace_find_packet(r->trace, 1, &record));
    g_autoptr(hp_packet) syn = hp_packet_parse(record.packet.bytes, record.packet.length, NULL);
    syn->payload[3] += (uint8_t)off;
    hp_addr router = addr("203.0.113.1");
    hp_packet *error = hp_packet_icmp_error(kind, &router, syn, 0);
    error->uid = hp_world_new_uid(r->world);
    give(hp_host_node(r->a), 0, error);
}

static void test_icmp_while_connecting(void **state)
{
    static const struct {
        hp_icmp_kind kind;
        uint32_t off;
        const char *reason;
    } cases[] = {{HP_ICMP_PORT_UNREACHABLE, 0, "refused"},    {HP_ICMP_HOST_UNREACHABLE, 0, "unreachable"},
                 {HP_ICMP_NET_UNREACHABLE, 0, "unreachable"}, {HP_ICMP_ADMIN_PROHIBITED, 0, "unreachable"},
                 {HP_ICMP_TTL_EXCEEDED, 0, "unreachable"},    {HP_ICMP_PORT_UNREACHABLE, 1, "none"}};
    for (unsigned i = 0; i < G_N_ELEMENTS(cases); i++) {
        rig *r = rig_new(NULL, NULL);
        end client;
        end_init(&client, r);
        rig_connect_from(&client, r->a, ALICE ":50000", SERVER);
        rig_until(r, 10 * HP_MS);
        icmp_about_syn(r, cases[i].kind, cases[i].off);
        assert_reason(&client, cases[i].reason);
        end_clear(&client);
        rig_free(r);
    }
    /* Once connected, it may be a passing trouble. */
    rig *r = rig_new(NULL, NULL);
    end client, server;
    rig_pair(r, &client, &server);
    rig_until(r, 100 * HP_MS);
    icmp_about_syn(r, HP_ICMP_HOST_UNREACHABLE, 0);
    assert_state(&client, "ESTABLISHED");
    end_clear(&client);
    end_clear(&server);
    rig_free(r);
}

/* The answer to an old SYN must not end an attempt, nor a stray reset (RFC 9293 section 3.10.7.3). */
static void test_old_answers_while_connecting(void **state)
{
    rig *r = rig_new(NULL, NULL);
    end client, server;
    rig_pair(r, &client, &server);
    rig_until(r, 10 * HP_MS);
    hp_record record;
    uint32_t isn = header_of(r, 1, &record).seq;
    static const struct {
        uint8_t flags;
        uint32_t ack;
    } strays[] = {{HP_TCP_SYN | HP_TCP_ACK, 0}, {HP_TCP_ACK, 2}, {HP_TCP_RST | HP_TCP_ACK, 2}, {HP_TCP_RST, 0}};
    hp_addr from = addr(SERVER), to = addr(ALICE ":50000");
    for (unsigned i = 0; i < G_N_ELEMENTS(strays); i++) {
        hp_tcp_header h = {.seq = 1000, .ack = isn + strays[i].ack, .flags = strays[i].flags, .window = 1000};
        uint8_t bytes[HP_TCP_HEADER_ROOM];
        size_t n = hp_tcp_write(&h, bytes, sizeof bytes);
        hp_packet *p = hp_packet_new(HP_PROTO_TCP, &from, &to, bytes, n);
        p->uid = hp_world_new_uid(r->world);
        give(hp_host_node(r->a), 0, p);
    }
    /* Two resets, for the two acknowledgements of what was not sent; then the handshake goes on. */
    rig_until(r, 39 * HP_MS);
    assert_string_equal(rig_said(r), "0ns alice SYN 0\n"
                                     "10ms alice RST 0\n"
                                     "10ms alice RST 2\n"
                                     "20ms bob SYN,ACK 0/1\n"
                                     "30ms bob ACK 1/1\n" /* challenges the second, which is not exact */);
    end_clear(&client);
    end_clear(&server);
    rig_free(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_three_way_handshake),
        cmocka_unit_test(test_ipv6),
        cmocka_unit_test(test_simultaneous_open),
        cmocka_unit_test(test_simultaneous_open_with_a_lost_syn),
        cmocka_unit_test(test_syns_into_nothing),
        cmocka_unit_test(test_a_lost_syn),
        cmocka_unit_test(test_a_lost_syn_ack),
        cmocka_unit_test(test_a_lost_ack_of_the_handshake),
        cmocka_unit_test(test_a_client_that_vanishes_in_the_handshake),
        cmocka_unit_test(test_nobody_listens),
        cmocka_unit_test(test_a_silent_host),
        cmocka_unit_test(test_icmp_while_connecting),
        cmocka_unit_test(test_old_answers_while_connecting),
    };
    return cmocka_run_group_tests_name("tcp_handshake", tests, NULL, NULL);
}
