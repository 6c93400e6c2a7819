/* Peers whose libnice agents speak TCP: ICE-TCP (RFC 6544) on a LAN, and TURN over TCP and TLS. */
#include "lan.h"

#include "actors/server.h"
#include "seam/seam.h"
#include "world/tcp.h"

static const hp_call_config plain_call = {.streams = 1, .components = 1};

static lan *tcp_lan_new(void)
{
    lan *l = lan_new(1);
    l->ice.ice_udp = false;
    l->ice.ice_tcp = true;
    return l;
}

static unsigned n_udp_packets(const lan *l)
{
    hp_trace_cursor cursor = {0};
    hp_record r;
    unsigned n = 0;
    while (hp_trace_next(l->trace, &cursor, &r)) {
        n += r.type == HP_RECORD_PACKET && r.packet.proto == HP_PROTO_UDP;
    }
    return n;
}

static void assert_ready(const hp_peer *alice, const hp_peer *bob)
{
    assert_string_equal(hp_peer_state(alice, NULL), "ready");
    assert_string_equal(hp_peer_state(bob, NULL), "ready");
}

/* Each side has an active candidate, without a port, and a passive one. One connection carries the call. */
static void test_ice_tcp(void **state)
{
    lan *l = tcp_lan_new();
    unsigned kernel = hp_seam_kernel_sockets();
    hp_peer *alice = lan_add_peer(l, "alice"), *bob = lan_add_peer(l, "bob");
    assert_true(hp_peer_call(alice, "bob", &plain_call, NULL));
    lan_run(l, 1 * HP_S);
    assert_ready(alice, bob);
    static const char *const transports[] = {"tcp-act", "tcp-pass"};
    hp_record r;
    assert_int_equal(lan_count(l, HP_EV_CANDIDATE, "alice", NULL, NULL), 2);
    for (unsigned i = 0; i < 2; i++) {
        assert_true(lan_find(l, HP_EV_CANDIDATE, "alice", NULL, NULL, i, &r));
        assert_string_equal(hp_record_text(&r, "transport"), transports[i]);
        assert_string_equal(hp_record_text(&r, "type"), "host");
        hp_addr address = hp_record_addr(&r, "address");
        assert_true(i == 0 ? address.port == 0 : address.port >= 49152);
        assert_true(lan_find(l, HP_EV_REMOTE_CANDIDATE, "bob", "transport", transports[i], 0, &r));
    }
    /* As RFC 6544 section 4.5 writes them. */
    assert_true(lan_find(l, HP_EV_SIGNAL_SENT, "alice", "type", "candidate", 0, &r));
    assert_non_null(strstr(hp_record_text(&r, "json"), " TCP "));
    assert_non_null(strstr(hp_record_text(&r, "json"), " 192.168.0.1 9 typ host tcptype active"));
    assert_true(lan_find(l, HP_EV_SIGNAL_SENT, "alice", "type", "candidate", 1, &r));
    assert_non_null(strstr(hp_record_text(&r, "json"), " typ host tcptype passive"));
    assert_true(lan_find(l, HP_EV_SELECTED_PAIR, "bob", NULL, NULL, 0, &r));
    const char *how = hp_record_text(&r, "transport");
    assert_true(strcmp(how, "tcp-act") == 0 || strcmp(how, "tcp-pass") == 0);

    hp_time sent = hp_world_now(l->world);
    assert_true(hp_peer_send(alice, "bob", 1, 1, "over TCP", 8));
    assert_true(hp_peer_send(bob, "alice", 1, 1, "and back", 8));
    lan_run(l, 2 * HP_S);
    assert_int_equal(l->received[1].count, 1);
    assert_int_equal(l->received[1].at, sent + 1 * HP_MS);
    assert_memory_equal(l->received[1].last, "over TCP", 8);
    assert_memory_equal(l->received[0].last, "and back", 8);
    /* Its capture record is that of the segment that brought it: the length before it, then the text. */
    hp_trace_cursor cursor = {0};
    bool found = false;
    while (hp_trace_next(l->trace, &cursor, &r)) {
        if (r.type == HP_RECORD_PACKET && r.packet.number == l->received[1].record) {
            found = true;
            assert_memory_equal(r.packet.bytes + r.packet.length - 10, "\0\010over TCP", 10);
            assert_int_equal(r.packet.dir, HP_DIR_IN);
        }
    }
    assert_true(found);
    assert_int_equal(n_udp_packets(l), 0);
    assert_int_equal(hp_seam_kernel_sockets(), kernel);
    lan_free(l);
}

/* A message in many segments, and many in one: RFC 4571 keeps them apart. */
static void test_message_borders(void **state)
{
    lan *l = tcp_lan_new();
    hp_peer *alice = lan_add_peer(l, "alice"), *bob = lan_add_peer(l, "bob");
    assert_true(hp_peer_call(alice, "bob", &plain_call, NULL));
    lan_run(l, 1 * HP_S);
    assert_ready(alice, bob);
    g_autofree char *large = g_strnfill(20000, 'x');
    assert_true(hp_peer_send(alice, "bob", 1, 1, large, 20000));
    lan_run(l, 2 * HP_S);
    assert_int_equal(l->received[1].count, 1);
    assert_int_equal(l->received[1].bytes, 20000);
    for (unsigned i = 0; i < 200; i++) {
        assert_true(hp_peer_send(alice, "bob", 1, 1, &i, sizeof i));
    }
    lan_run(l, 4 * HP_S);
    assert_int_equal(l->received[1].count, 201);
    assert_int_equal(l->received[1].bytes, 20800);
    unsigned last;
    memcpy(&last, l->received[1].last, sizeof last);
    assert_int_equal(last, 199);
    lan_free(l);
}

/* Closing in order ends every connection, and nothing is left at either host. */
static void test_close_leaves_nothing(void **state)
{
    lan *l = tcp_lan_new();
    hp_peer *alice = lan_add_peer(l, "alice"), *bob = lan_add_peer(l, "bob");
    assert_true(hp_peer_call(alice, "bob", &plain_call, NULL));
    lan_run(l, 1 * HP_S);
    assert_ready(alice, bob);
    assert_true(hp_tcp_n_connections(l->hosts[0]) > 0);
    hp_peer_close(alice, NULL);
    hp_peer_close(bob, NULL);
    lan_run(l, 200 * HP_S);
    assert_int_equal(hp_peer_n_sessions(alice) + hp_peer_n_sessions(bob), 0);
    assert_int_equal(hp_tcp_n_connections(l->hosts[0]), 0);
    assert_int_equal(hp_tcp_n_connections(l->hosts[1]), 0);
    lan_free(l);
}

/* At every instant of the set-up an end of everything is clean: no callback comes to what is gone. */
static void test_freed_at_any_time(void **state)
{
    for (hp_time until = 0; until < 400 * HP_MS; until += 13 * HP_MS) {
        lan *l = tcp_lan_new();
        hp_peer *alice = lan_add_peer(l, "alice");
        lan_add_peer(l, "bob");
        assert_true(hp_peer_call(alice, "bob", &plain_call, NULL));
        lan_run(l, until);
        if (until % (2 * 13 * HP_MS) == 0) {
            hp_peer_close(alice, NULL);
            lan_run(l, until + 50 * HP_MS);
        }
        lan_free(l);
    }
}

/* Two agents that both control: the conflict is seen and told on TCP too (RFC 8445 section 7.3.1.1). */
static void test_role_conflict(void **state)
{
    lan *l = tcp_lan_new();
    l->ice.role = HP_ICE_ROLE_CONTROLLING;
    hp_peer *alice = lan_add_peer(l, "alice"), *bob = lan_add_peer(l, "bob");
    assert_true(hp_peer_call(alice, "bob", &plain_call, NULL));
    lan_run(l, 5 * HP_S);
    assert_ready(alice, bob);
    unsigned controlled = lan_count(l, HP_EV_ICE_ROLE, NULL, "role", "controlled");
    assert_true(controlled >= 1);
    lan_free(l);
}

static void test_traffic_class(void **state)
{
    lan *l = tcp_lan_new();
    l->ice.tos = 0xb8;
    hp_peer *alice = lan_add_peer(l, "alice"), *bob = lan_add_peer(l, "bob");
    assert_true(hp_peer_call(alice, "bob", &plain_call, NULL));
    lan_run(l, 1 * HP_S);
    assert_ready(alice, bob);
    hp_trace_cursor cursor = hp_trace_tail(l->trace);
    assert_true(hp_peer_send(alice, "bob", 1, 1, "x", 1));
    assert_true(hp_peer_send(bob, "alice", 1, 1, "x", 1));
    hp_record r;
    for (unsigned i = 0; i < 2; i++) {
        assert_true(hp_trace_next(l->trace, &cursor, &r));
        assert_int_equal(r.packet.tos, 0xb8);
    }
    lan_free(l);
}

/* ---- TURN ---- */

typedef struct relay_lan {
    lan *l;
    hp_turn_user user;
    hp_server_config config;
    hp_server *server;
    hp_peer *alice, *bob;
} relay_lan;

static relay_lan *relay_lan_new(uint8_t transport)
{
    relay_lan *r = g_new0(relay_lan, 1);
    r->l = lan_new(1);
    r->user = (hp_turn_user){.name = (char *)"user", .password = (char *)"secret"};
    r->config = (hp_server_config){.kind = HP_SERVER_TURN,
                                   .transports = HP_SERVER_UDP | HP_SERVER_TCP | HP_SERVER_TLS,
                                   .dont_fragment = true,
                                   .allow_private_peers = true,
                                   .users = &r->user,
                                   .n_users = 1};
    r->server = hp_server_new(lan_add_host(r->l, "relay"), "relay", &r->config, NULL);
    assert_non_null(r->server);
    r->l->ice.force_relay = true;
    const hp_peer_turn turn = {.name = "relay",
                               .transport = transport,
                               .addr = hp_addr_v4(0xc0a80001, transport == HP_SERVER_TLS ? 5349 : 3478),
                               .user = "user",
                               .password = "secret"};
    hp_peer_config config = lan_peer_config(r->l, "alice");
    config.turn = &turn;
    config.n_turn = 1;
    r->alice = lan_add_peer_of(r->l, &config);
    r->bob = lan_add_peer_with(r->l, "bob", NULL, NULL);
    return r;
}

static void relay_lan_free(relay_lan *r)
{
    hp_server_free(r->server);
    lan_free(r->l);
    g_free(r);
}

/* Only alice has relayed candidates; bob has host ones. */
static void relay_lan_call(relay_lan *r)
{
    static hp_ice_config open;
    open = lan_ice_default();
    hp_peer_config config = lan_peer_config(r->l, "carol");
    config.ice = &open;
    r->bob = lan_add_peer_of(r->l, &config);
    assert_true(hp_peer_call(r->alice, "carol", &plain_call, NULL));
}

static void turn_over(uint8_t transport, const char *name)
{
    relay_lan *r = relay_lan_new(transport);
    hp_record event;
    relay_lan_call(r);
    lan_run(r->l, 5 * HP_S);
    assert_ready(r->alice, r->bob);
    assert_true(lan_find(r->l, HP_EV_CANDIDATE, "alice", NULL, NULL, 0, &event));
    assert_string_equal(hp_record_text(&event, "type"), "relay");
    assert_string_equal(hp_record_text(&event, "transport"), "udp");
    assert_string_equal(hp_record_text(&event, "server"), "relay");
    assert_true(lan_find(r->l, HP_EV_SERVER_REQUEST, "relay", "method", "Allocate", 0, &event));
    assert_string_equal(hp_record_text(&event, "transport"), name);
    assert_true(lan_find(r->l, HP_EV_SERVER_STREAM, "relay", "state", "open", 0, &event));
    assert_string_equal(hp_record_text(&event, "transport"), name);

    hp_time sent = hp_world_now(r->l->world);
    assert_true(hp_peer_send(r->alice, "carol", 1, 1, "relayed", 7));
    assert_true(hp_peer_send(r->bob, "alice", 1, 1, "and back!", 9));
    lan_run(r->l, 6 * HP_S);
    assert_int_equal(r->l->received[3].at, sent + 2 * HP_MS);
    assert_memory_equal(r->l->received[3].last, "relayed", 7);
    assert_int_equal(r->l->received[1].at, sent + 2 * HP_MS);
    assert_memory_equal(r->l->received[1].last, "and back!", 9);

    hp_peer_close(r->alice, NULL);
    hp_peer_close(r->bob, NULL);
    lan_run(r->l, 300 * HP_S);
    assert_int_equal(hp_peer_n_sessions(r->alice), 0);
    assert_int_equal(hp_tcp_n_connections(r->l->hosts[0]), 0);
    assert_int_equal(hp_tcp_n_connections(r->l->hosts[1]), 0);
    relay_lan_free(r);
}

static void test_turn_over_tcp(void **state)
{
    turn_over(HP_SERVER_TCP, "tcp");
}

static void test_turn_over_tls(void **state)
{
    turn_over(HP_SERVER_TLS, "tls");
}

/* The server goes away in a call: libnice's connection ends, and its agent lives on. */
static void test_turn_server_stops(void **state)
{
    static const uint8_t transports[] = {HP_SERVER_TCP, HP_SERVER_TLS};
    for (unsigned i = 0; i < G_N_ELEMENTS(transports); i++) {
        relay_lan *r = relay_lan_new(transports[i]);
        relay_lan_call(r);
        lan_run(r->l, 5 * HP_S);
        assert_ready(r->alice, r->bob);
        hp_server_stop(r->server);
        lan_run(r->l, 6 * HP_S);
        hp_peer_send(r->alice, "carol", 1, 1, "nobody there", 12);
        lan_run(r->l, 60 * HP_S);
        assert_int_equal(lan_count(r->l, HP_EV_PEER_ERROR, "alice", NULL, NULL), 0);
        assert_int_equal(r->l->received[3].count, 0);
        hp_peer_close(r->alice, NULL);
        lan_run(r->l, 200 * HP_S);
        assert_int_equal(hp_peer_n_sessions(r->alice), 0);
        relay_lan_free(r);
    }
}

/* Nobody listens: no relayed candidate, and the agent lives on (scenarios/bugs/turn-tcp-refused.yaml says how). */
static void test_turn_server_refuses(void **state)
{
    relay_lan *r = relay_lan_new(HP_SERVER_TCP);
    hp_record drop;
    hp_server_stop(r->server);
    relay_lan_call(r);
    lan_run(r->l, 60 * HP_S);
    assert_int_equal(lan_count(r->l, HP_EV_CANDIDATE, "alice", NULL, NULL), 0);
    assert_int_equal(lan_count(r->l, HP_EV_PEER_ERROR, NULL, NULL, NULL), 0);
    assert_int_equal(hp_tcp_n_connections(r->l->hosts[1]), 0);
    unsigned n_refused = 0;
    hp_trace_cursor cursor = {0};
    while (hp_trace_next(r->l->trace, &cursor, &drop)) {
        n_refused += drop.type == HP_RECORD_DROP && drop.drop.reason == HP_DROP_NO_SOCKET;
    }
    assert_int_equal(n_refused, 1);
    relay_lan_free(r);
}

static int start(void **state)
{
    return hp_seam_start(NULL, NULL) ? 0 : -1;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ice_tcp),
        cmocka_unit_test(test_message_borders),
        cmocka_unit_test(test_close_leaves_nothing),
        cmocka_unit_test(test_freed_at_any_time),
        cmocka_unit_test(test_role_conflict),
        cmocka_unit_test(test_traffic_class),
        cmocka_unit_test(test_turn_over_tcp),
        cmocka_unit_test(test_turn_over_tls),
        cmocka_unit_test(test_turn_server_stops),
        cmocka_unit_test(test_turn_server_refuses),
    };
    return cmocka_run_group_tests(tests, start, NULL);
}
