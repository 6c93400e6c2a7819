/* The TLS tunnel beside a client: alice, the server 10 ms away, exact times, and every way a connection can end. */
#include "actors/tls_tunnel.h"
#include "server_net.h"

typedef struct tunnel_net {
    net *n;
    hp_tls_tunnel *tunnel;
} tunnel_net;

static tunnel_net tunnel_net_new(const hp_dtls_fingerprint *expected)
{
    tunnel_net t = {.n = net_new()};
    net_start(t.n);
    const hp_tls_tunnel_config config = {
        .name = "alice", .to = "turn", .server = net_addr(SERVER_IP ":5349"), .expected = expected};
    t.tunnel = hp_tls_tunnel_new(t.n->alice, &config);
    return t;
}

static void tunnel_net_free(tunnel_net *t)
{
    hp_tls_tunnel_free(t->tunnel);
    net_free(t->n);
}

static conn *connect_client(tunnel_net *t)
{
    hp_addr at = hp_tls_tunnel_address(t->tunnel);
    return conn_new_to(t->n, &at, false);
}

/* Let c ask for an allocation, which is three round trips of 20 ms with the nonce; the tunnel is there already. */
static void allocate(conn *c)
{
    hp_addr relay = conn_allocate(c, 17), server = net_addr(SERVER_IP);
    assert_true(hp_addr_same_ip(&relay, &server));
}

static void say_binding(conn *c)
{
    uint8_t buf[100];
    hp_stun_writer w;
    conn_begin(c, &w, buf, sizeof buf, HP_STUN_BINDING);
    conn_say(c, buf, hp_stun_finish(&w));
}

static void assert_one_error(const net *n, const char *message)
{
    hp_record r = {0};
    assert_int_equal(net_count(n, HP_EV_PEER_ERROR, NULL, NULL), 1);
    assert_true(net_find(n, HP_EV_PEER_ERROR, NULL, NULL, 0, &r));
    assert_string_equal(r.event.subject, "alice");
    assert_string_equal(hp_record_text(&r, "message"), message);
}

/* The client's connection stands at once, on its own host; what it says waits for TCP (20 ms) and TLS (20 ms). */
static void test_first_answer(void **state)
{
    tunnel_net t = tunnel_net_new(NULL);
    hp_record r;
    conn *c = connect_client(&t);
    net_run(t.n, 0);
    assert_true(c->connected);
    say_binding(c);
    net_run(t.n, 60 * HP_MS - 1);
    assert_int_equal(c->n_messages, 0);
    net_run(t.n, 60 * HP_MS);
    assert_int_equal(c->n_messages, 1);
    /* The server sees the tunnel's connection, from alice's address. */
    hp_addr mapped = conn_attr_addr(c, HP_STUN_XOR_MAPPED_ADDRESS), alice = net_addr(ALICE_IP);
    hp_addr own = hp_tcp_local(c->socket);
    assert_true(hp_addr_same_ip(&mapped, &alice));
    assert_int_not_equal(mapped.port, own.port);
    assert_true(net_find(t.n, HP_EV_SERVER_STREAM, "state", "secure", 0, &r));
    assert_string_equal(hp_record_text(&r, "transport"), "tls");
    allocate(c);
    conn_free(c);
    tunnel_net_free(&t);
}

/* As long as the way to the server takes nothing, the tunnel takes a window of the client's and no more. */
static void test_little_lies_in_the_tunnel(void **state)
{
    tunnel_net t = tunnel_net_new(NULL);
    static const uint8_t bytes[100000];
    conn *c = connect_client(&t);
    net_run(t.n, 0);
    assert_true(c->connected);
    size_t taken = hp_tcp_send(c->socket, bytes, sizeof bytes), room = hp_tcp_room(c->socket);
    assert_int_equal(taken, 2 * 10 * 1460);
    assert_int_equal(room, 0);
    net_run(t.n, 20 * HP_MS - 1); /* the server's SYN ACK is not there yet */
    assert_int_equal(hp_tcp_get_stats(c->socket).bytes_acked, 4 * 1460); /* what is whole of 8192 */
    conn_free(c);
    tunnel_net_free(&t);
}

/* What passes on alice's own host stands at a tap of its own, and never on her interface. */
static void test_loopback_has_its_tap(void **state)
{
    tunnel_net t = tunnel_net_new(NULL);
    conn *c = connect_client(&t);
    net_run(t.n, 100 * HP_MS);
    hp_trace_cursor cursor = {0};
    hp_record r;
    unsigned n_own = 0, n_wire = 0;
    while (hp_trace_next(t.n->trace, &cursor, &r)) {
        if (r.type != HP_RECORD_PACKET) {
            continue;
        }
        const char *tap = hp_trace_tap_name(t.n->trace, r.packet.tap);
        bool own = hp_addr_same_ip(&r.packet.src, &r.packet.dst);
        assert_string_equal(tap, own ? "alice/lo" : strcmp(tap, "turn") == 0 ? "turn" : "alice");
        n_own += own;
        n_wire += !own;
    }
    assert_int_equal(n_own, 3); /* SYN, SYN ACK, ACK: each once, as a capture of a real lo has them */
    assert_true(n_wire > 6);
    conn_free(c);
    tunnel_net_free(&t);
}

static void test_client_finishes(void **state)
{
    tunnel_net t = tunnel_net_new(NULL);
    hp_record r;
    conn *c = connect_client(&t);
    net_run(t.n, 100 * HP_MS);
    allocate(c);
    assert_int_equal(hp_tls_tunnel_n_connections(t.tunnel), 1);
    hp_time at = hp_world_now(t.n->world);
    hp_tcp_shutdown(c->socket);
    net_wait(t.n, 20 * HP_MS);
    assert_int_equal(hp_tls_tunnel_n_connections(t.tunnel), 0);
    assert_true(net_find(t.n, HP_EV_SERVER_STREAM, "state", "alert-received", 0, &r));
    assert_string_equal(hp_record_text(&r, "reason"), "close notify");
    assert_int_equal(r.at, at + 10 * HP_MS);
    assert_true(net_find(t.n, HP_EV_TURN_ALLOCATION_ENDED, "reason", "disconnected", 0, &r));
    assert_int_equal(net_count(t.n, HP_EV_PEER_ERROR, NULL, NULL), 0);
    conn_free(c);
    net_wait(t.n, 200 * HP_S);
    assert_int_equal(hp_tcp_n_connections(t.n->alice), 0);
    tunnel_net_free(&t);
}

static void test_client_is_gone_before_the_server_answers(void **state)
{
    tunnel_net t = tunnel_net_new(NULL);
    conn *c = connect_client(&t);
    net_run(t.n, 5 * HP_MS);
    hp_tcp_abort(c->socket);
    c->socket = NULL;
    net_run(t.n, 5 * HP_MS + 1);
    assert_int_equal(hp_tls_tunnel_n_connections(t.tunnel), 0);
    conn_free(c);
    c = connect_client(&t);
    net_run(t.n, 10 * HP_MS);
    conn_free(c); /* in order, this time */
    net_run(t.n, 11 * HP_MS);
    assert_int_equal(hp_tls_tunnel_n_connections(t.tunnel), 0);
    net_wait(t.n, 200 * HP_S);
    assert_int_equal(hp_tcp_n_connections(t.n->alice) + hp_tcp_n_connections(t.n->turn), 0);
    tunnel_net_free(&t);
}

static void test_server_finishes(void **state)
{
    tunnel_net t = tunnel_net_new(NULL);
    t.n->config.stream_idle = 0;
    conn *c = connect_client(&t);
    net_run(t.n, 100 * HP_MS);
    hp_time at = hp_world_now(t.n->world);
    hp_server_stop(t.n->server);
    net_run(t.n, at + 10 * HP_MS - 1);
    assert_false(c->at_eof);
    net_run(t.n, at + 10 * HP_MS);
    assert_true(c->at_eof);
    assert_int_equal(hp_tls_tunnel_n_connections(t.tunnel), 0);
    assert_int_equal(net_count(t.n, HP_EV_PEER_ERROR, NULL, NULL), 0);
    conn_free(c);
    tunnel_net_free(&t);
}

static void test_server_refuses(void **state)
{
    tunnel_net t = tunnel_net_new(NULL);
    hp_server_stop(t.n->server);
    conn *c = connect_client(&t);
    net_run(t.n, 20 * HP_MS - 1);
    assert_true(c->connected && !c->closed);
    net_run(t.n, 20 * HP_MS);
    assert_true(c->closed);
    assert_int_equal(c->end, HP_TCP_END_RESET);
    assert_one_error(t.n, "TLS tunnel to turn: the connection ended: refused");
    assert_int_equal(hp_tls_tunnel_n_connections(t.tunnel), 0);
    conn_free(c);
    tunnel_net_free(&t);
}

static void test_no_way_to_the_server(void **state)
{
    tunnel_net t = tunnel_net_new(NULL);
    const hp_tls_tunnel_config config = {.name = "alice", .to = "far", .server = net_addr("0.0.0.0:1")};
    hp_tls_tunnel *nowhere = hp_tls_tunnel_new(t.n->alice, &config);
    hp_addr at = hp_tls_tunnel_address(nowhere);
    conn *c = conn_new_to(t.n, &at, false);
    net_run(t.n, 1);
    assert_true(c->closed);
    assert_int_equal(c->end, HP_TCP_END_RESET);
    assert_one_error(t.n, "TLS tunnel to far: alice cannot connect to 0.0.0.0:1");
    conn_free(c);
    hp_tls_tunnel_free(nowhere);
    tunnel_net_free(&t);
}

/* A certificate is looked at only when the tunnel was told which one it has to be. */
static void test_wrong_certificate(void **state)
{
    hp_dtls_fingerprint other;
    hp_rng rng;
    hp_rng_init(&rng, 7, "other");
    g_autoptr(hp_dtls_identity) identity = hp_dtls_identity_new(&rng, "other", NULL);
    other = *hp_dtls_identity_fingerprint(identity);
    tunnel_net t = tunnel_net_new(&other);
    hp_record r;
    conn *c = connect_client(&t);
    net_run(t.n, 40 * HP_MS);
    assert_true(c->closed);
    assert_int_equal(c->end, HP_TCP_END_RESET);
    assert_one_error(t.n, "TLS tunnel to turn: fingerprint");
    net_run(t.n, 60 * HP_MS);
    assert_true(net_find(t.n, HP_EV_SERVER_STREAM, "state", "alert-received", 0, &r));
    conn_free(c);
    tunnel_net_free(&t);
}

/* Far more each way than any buffer holds, to a client that reads late: all of it comes, in order. */
static void test_backpressure(void **state)
{
    enum { N = 200000 };
    tunnel_net t = tunnel_net_new(NULL);
    conn *c = connect_client(&t);
    c->reads_nothing = true;
    net_run(t.n, 100 * HP_MS);
    uint8_t buf[20];
    unsigned said = 0;
    size_t at = sizeof buf; /* of the request under way */
    for (unsigned i = 0; i < 2000 && said < N; i++) {
        while (said < N || at < sizeof buf) {
            if (at == sizeof buf) {
                uint8_t id[12] = {(uint8_t)(said >> 16), (uint8_t)(said >> 8), (uint8_t)said};
                hp_stun_writer w;
                hp_stun_begin(&w, buf, sizeof buf, HP_STUN_REQUEST, HP_STUN_BINDING, id, NULL);
                assert_int_equal(hp_stun_finish(&w), sizeof buf);
                at = 0;
                said++;
            }
            size_t taken = hp_tcp_send(c->socket, buf + at, sizeof buf - at);
            at += taken;
            if (taken == 0) {
                break;
            }
        }
        net_wait(t.n, 10 * HP_MS);
        if (i == 50) {
            assert_true(said < N); /* nobody takes any more */
            c->reads_nothing = false;
            conn_read(c);
        }
    }
    net_wait(t.n, 10 * HP_S);
    c->reads_nothing = false;
    conn_read(c);
    net_wait(t.n, 60 * HP_S);
    assert_int_equal(said, N);
    assert_int_equal(c->n_messages, N);
    hp_stun_msg m = conn_answer(c);
    assert_int_equal(m.id[0] << 16 | m.id[1] << 8 | m.id[2], N - 1);
    conn_free(c);
    tunnel_net_free(&t);
}

static void test_address(void **state)
{
    tunnel_net t = tunnel_net_new(NULL);
    hp_addr at = hp_tls_tunnel_address(t.tunnel), alice = net_addr(ALICE_IP), other = net_addr("192.0.2.99");
    assert_true(hp_addr_same_ip(&at, &alice));
    assert_in_range(at.port, 49152, 65535);
    hp_host_remove_address(t.n->alice, 0, &alice);
    hp_addr none = hp_tls_tunnel_address(t.tunnel);
    assert_true(hp_addr_is_unspecified(&none));
    hp_host_add_address(t.n->alice, 0, &other);
    hp_addr moved = hp_tls_tunnel_address(t.tunnel);
    assert_true(hp_addr_same_ip(&moved, &other));
    assert_int_equal(moved.port, at.port);
    tunnel_net_free(&t);
}

static void test_freed_in_the_middle(void **state)
{
    tunnel_net t = tunnel_net_new(NULL);
    conn *c[3];
    for (unsigned i = 0; i < 3; i++) {
        c[i] = connect_client(&t);
        net_wait(t.n, 15 * HP_MS);
    }
    assert_int_equal(hp_tls_tunnel_n_connections(t.tunnel), 3);
    hp_tls_tunnel_free(t.tunnel);
    t.tunnel = NULL;
    for (unsigned i = 0; i < 3; i++) {
        conn_free(c[i]);
    }
    tunnel_net_free(&t);
}

static int start(void **state)
{
    return hp_seam_start(NULL, NULL) ? 0 : -1;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_first_answer),
        cmocka_unit_test(test_little_lies_in_the_tunnel),
        cmocka_unit_test(test_loopback_has_its_tap),
        cmocka_unit_test(test_client_finishes),
        cmocka_unit_test(test_client_is_gone_before_the_server_answers),
        cmocka_unit_test(test_server_finishes),
        cmocka_unit_test(test_server_refuses),
        cmocka_unit_test(test_no_way_to_the_server),
        cmocka_unit_test(test_wrong_certificate),
        cmocka_unit_test(test_backpressure),
        cmocka_unit_test(test_address),
        cmocka_unit_test(test_freed_in_the_middle),
    };
    return cmocka_run_group_tests(tests, start, NULL);
}
