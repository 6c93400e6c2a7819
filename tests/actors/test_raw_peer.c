/* Raw peers on virtual hosts: with the built-in server over TCP, TLS and DTLS, with each other, and what their events
 * say of packets. */
#include "server_net.h"

#include "actors/raw_peer.h"
#include "wire/demux.h"

#define SEND(to_, socket_, ...)                                                                                        \
    {                                                                                                                  \
        .kind = HP_RAW_SEND, .send = {.to = (to_), .socket = (socket_), .times = 1, __VA_ARGS__ }                      \
    }
#define RECEIVE(...)                                                                                                   \
    {                                                                                                                  \
        .kind = HP_RAW_RECEIVE, .receive = {.within = 5 * HP_S, .count = 1, .filter = {__VA_ARGS__} }                  \
    }
#define BINDING .message = {.content = HP_RAW_STUN}
#define SUCCESS(socket_) RECEIVE(.socket = (socket_), .has_stun = true, .has_class = true, .cls = HP_STUN_SUCCESS)

static bool resolve(void *user, const hp_raw_peer *asking, const char *name, hp_raw_transport transport, hp_addr *ret)
{
    bool secure = transport == HP_RAW_OVER_TLS || transport == HP_RAW_OVER_DTLS;
    if (strcmp(name, "turn") != 0 && strcmp(name, "bob") != 0) {
        return false;
    }
    *ret =
        strcmp(name, "bob") == 0 ? net_addr(BOB_IP ":7000") : net_addr(secure ? SERVER_IP ":5349" : SERVER_IP ":3478");
    return true;
}

static void number(hp_raw_action *actions, unsigned n, hp_raw_config *config)
{
    for (unsigned i = 0; i < n; i++) {
        actions[i].mark.line = i + 1;
    }
    config->script = (hp_raw_script){.name = "script", .actions = actions, .n_actions = n};
}

/* Carries it out on alice's host; it must come to its end well. */
static void carry_out(net *n, hp_raw_config *config, hp_time until)
{
    hp_record r;
    hp_raw_peer *peer = hp_raw_peer_new(n->alice, NULL, "alice", config, resolve, n);
    hp_raw_peer_open(peer);
    net_run(n, until);
    hp_raw_peer_finish(peer);
    assert_true(hp_raw_peer_is_done(peer));
    if (net_find(n, HP_EV_RAW_MISSED, NULL, NULL, 0, &r)) {
        fail_msg("line %u: %s (%s: %s)", (unsigned)hp_record_u64(&r, "line"), hp_record_text(&r, "expected"),
                 hp_record_text(&r, "nearest"), hp_record_text(&r, "why"));
    }
    if (net_find(n, HP_EV_RAW_ERROR, NULL, NULL, 0, &r)) {
        fail_msg("line %u: %s", (unsigned)hp_record_u64(&r, "line"), hp_record_text(&r, "message"));
    }
    assert_int_equal(net_count(n, HP_EV_RAW_DONE, "outcome", "done"), 1);
    hp_raw_peer_free(peer);
}

/* Payloads of the TCP segments that left alice, as "1 3 16". */
static char *segments_of_alice(const net *n)
{
    GString *out = g_string_new(NULL);
    hp_trace_cursor cursor = {0};
    hp_record r;
    while (hp_trace_next(n->trace, &cursor, &r)) {
        if (r.type != HP_RECORD_PACKET || r.packet.dir != HP_DIR_OUT || r.packet.proto != HP_PROTO_TCP ||
            strcmp(hp_trace_tap_name(n->trace, r.packet.tap), "alice") != 0) {
            continue;
        }
        unsigned header = 20 + (r.packet.bytes[20 + 12] >> 4) * 4;
        if (r.packet.length > header) {
            g_string_append_printf(out, "%s%u", out->len > 0 ? " " : "", r.packet.length - header);
        }
    }
    return g_string_free(out, FALSE);
}

/* One request cut into segments of 1, 1, 3 and 15 bytes, then two and a half in one segment and the rest of the third:
 * the world's TCP makes exactly these segments, and the server finds four messages. */
static void tcp_byte_by_byte(void **state)
{
    uint32_t cut[] = {1, 1, 3};
    hp_raw_socket sockets[] = {{.name = "t", .transport = HP_RAW_OVER_TCP, .to = "turn"}};
    static char two_and_a_half[] = "000100002112a442000000000000000000000001"
                                   "000100002112a442000000000000000000000002"
                                   "000100002112a4420000";
    hp_raw_action script[] = {
        SEND(NULL, "t", BINDING, .segments = cut, .n_segments = 3, .as = "first"),
        RECEIVE(.socket = "t", .has_stun = true, .answers = "first"),
        SEND(NULL, "t", .message = {.content = HP_RAW_BYTES, .bytes = two_and_a_half}),
        SEND(NULL, "t", .message = {.content = HP_RAW_BYTES, .bytes = "00000000000000000003"}),
        SUCCESS("t"),
        SUCCESS("t"),
        SUCCESS("t"),
        {.kind = HP_RAW_CLOSE, .socket = "t"},
    };
    hp_raw_config config = {.sockets = sockets, .n_sockets = 1};
    net *n = net_new();
    hp_record r;
    net_start(n);
    number(script, G_N_ELEMENTS(script), &config);
    carry_out(n, &config, 10 * HP_S);
    g_autofree char *segments = segments_of_alice(n);
    assert_string_equal(segments, "1 1 3 15 50 10");
    assert_int_equal(net_count(n, HP_EV_SERVER_REQUEST, "transport", "tcp"), 4);
    /* Two hops of 5 ms each way: connected after 20 ms, answered after 20 more. */
    assert_true(net_find(n, HP_EV_RAW_MATCHED, NULL, NULL, 0, &r));
    assert_int_equal(r.at, 40 * HP_MS);
    net_free(n);
}

static void over_tls(void **state)
{
    hp_raw_socket sockets[] = {
        {.name = "s",
         .transport = HP_RAW_OVER_TLS,
         .to = "turn",
         .secure = {.alpn = "stun.turn", .server_name = "turn.example"}},
        {.name = "bad", .transport = HP_RAW_OVER_TLS, .to = "turn", .later = true, .secure = {.alpn = "h2"}},
    };
    hp_raw_action script[] = {
        RECEIVE(.socket = "s", .is = HP_RAW_CONNECTED),
        RECEIVE(.socket = "s", .is = HP_RAW_SECURED),
        SEND(NULL, "s", BINDING),
        SUCCESS("s"),
        {.kind = HP_RAW_CLOSE, .socket = "s"},
        {.kind = HP_RAW_OPEN, .socket = "bad"}, /* no such protocol there: no_application_protocol */
        RECEIVE(.socket = "bad", .is = HP_RAW_FAILED),
    };
    hp_raw_config config = {.sockets = sockets, .n_sockets = 2};
    net *n = net_new();
    net_start(n);
    number(script, G_N_ELEMENTS(script), &config);
    carry_out(n, &config, 10 * HP_S);
    assert_int_equal(net_count(n, HP_EV_SERVER_REQUEST, "transport", "tls"), 1);
    assert_true(net_count(n, HP_EV_DTLS_SECRET, NULL, NULL) > 0);
    net_free(n);
}

static void over_dtls(void **state)
{
    hp_raw_socket sockets[] = {{.name = "d", .transport = HP_RAW_OVER_DTLS, .to = "turn"}};
    hp_raw_action script[] = {
        SEND("turn", "d", BINDING), /* waits for the handshake */
        RECEIVE(.socket = "d", .is = HP_RAW_SECURED),
        SUCCESS("d"),
        {.kind = HP_RAW_CLOSE, .socket = "d"},
    };
    hp_raw_config config = {.sockets = sockets, .n_sockets = 1};
    net *n = net_new();
    net_start(n);
    number(script, G_N_ELEMENTS(script), &config);
    carry_out(n, &config, 10 * HP_S);
    assert_int_equal(net_count(n, HP_EV_SERVER_REQUEST, "transport", "dtls"), 1);
    net_free(n);
}

/* A ClientHello in fragments of 30 bytes, the last one first, then again with the cookie that was asked for: the server
 * puts it together and answers with its ServerHello. */
static void a_client_hello_in_pieces(void **state)
{
    char *names[] = {"cookie"}, *from[] = {"dtls-cookie"};
    hp_raw_dtls hello = {.type = 22, .version = 0xfefd, .has_hello = true, .hello = {.version = 0xfefd}};
    hp_raw_dtls again = {.type = 22,
                         .version = 0xfefd,
                         .has_hello = true,
                         .hello = {.version = 0xfefd, .cookie = "${cookie}"},
                         .message = 1,
                         .fragment = 30,
                         .reversed = true};
    hp_raw_action script[] = {
        SEND(SERVER_IP ":5349", "main", .message = {.content = HP_RAW_DTLS, .dtls = hello}),
        RECEIVE(.has_dtls_handshake = true, .dtls_handshake = 3),
        SEND(SERVER_IP ":5349", "main", .message = {.content = HP_RAW_DTLS, .dtls = again}),
        RECEIVE(.has_dtls_handshake = true, .dtls_handshake = 2, .has_dtls_type = true, .dtls_type = 22),
    };
    hp_raw_config config = {0};
    net *n = net_new();
    script[1].receive.keep = names;
    script[1].receive.keep_from = from;
    script[1].receive.n_keep = 1;
    net_start(n);
    number(script, G_N_ELEMENTS(script), &config);
    carry_out(n, &config, 10 * HP_S);
    assert_true(net_count(n, HP_EV_RAW_SENT, "what", "DTLS ClientHello") > 4); /* one and its pieces */
    net_free(n);
}

/* Two raw peers over TCP: one listens, takes one connection and resets the second; an end in order and one by a
 * reset. */
static void two_of_them_over_tcp(void **state)
{
    hp_raw_socket callers[] = {
        {.name = "one", .transport = HP_RAW_OVER_TCP, .to = "bob", .framing = HP_RAW_FRAMING_NONE},
        {.name = "two", .transport = HP_RAW_OVER_TCP, .to = "bob", .later = true},
        {.name = "nobody", .transport = HP_RAW_OVER_TCP, .to = BOB_IP ":9", .later = true},
    };
    hp_raw_socket listeners[] = {
        {.name = "l", .transport = HP_RAW_OVER_TCP, .port = 7000, .listens = true, .framing = HP_RAW_FRAMING_NONE}};
    hp_raw_action call[] = {
        SEND(NULL, "one", .message = {.content = HP_RAW_TEXT, .text = "hello"}),
        RECEIVE(.socket = "one", .text = "hello back"),
        {.kind = HP_RAW_OPEN, .socket = "two"},
        RECEIVE(.socket = "two", .is = HP_RAW_RESET),
        {.kind = HP_RAW_OPEN, .socket = "nobody"},
        RECEIVE(.socket = "nobody", .is = HP_RAW_FAILED),
        {.kind = HP_RAW_ABORT, .socket = "one"},
    };
    hp_raw_action listen[] = {
        RECEIVE(.is = HP_RAW_CONNECTED),
        RECEIVE(.text = "hello"),
        SEND(NULL, "l", .message = {.content = HP_RAW_TEXT, .text = "hello back"}),
        RECEIVE(.is = HP_RAW_RESET),
    };
    hp_raw_config caller = {.sockets = callers, .n_sockets = 3}, listener = {.sockets = listeners, .n_sockets = 1};
    net *n = net_new();
    number(call, G_N_ELEMENTS(call), &caller);
    number(listen, G_N_ELEMENTS(listen), &listener);
    hp_raw_peer *bob = hp_raw_peer_new(n->bob, NULL, "bob", &listener, resolve, n);
    hp_raw_peer *alice = hp_raw_peer_new(n->alice, NULL, "alice", &caller, resolve, n);
    hp_raw_peer_open(bob);
    hp_raw_peer_open(alice);
    net_run(n, 10 * HP_S);
    hp_raw_peer_finish(bob);
    hp_raw_peer_finish(alice);
    assert_int_equal(net_count(n, HP_EV_RAW_DONE, "outcome", "done"), 2);
    hp_raw_peer_free(alice);
    hp_raw_peer_free(bob);
    net_free(n);
}

/* Events name the packets they speak of, as they were recorded at this host. */
static void packets_of_events(void **state)
{
    hp_raw_action script[] = {
        SEND(BOB_IP ":9999", "main", .message = {.content = HP_RAW_TEXT, .text = "anybody?"}, .ttl = 9, .tos = 0xb8),
        RECEIVE(.is = HP_RAW_ICMP, .icmp = HP_ICMP_PORT_UNREACHABLE),
    };
    hp_raw_config config = {.start = HP_S};
    net *n = net_new();
    hp_record r, packet;
    number(script, G_N_ELEMENTS(script), &config);
    carry_out(n, &config, 10 * HP_S);
    assert_true(net_find(n, HP_EV_RAW_SENT, NULL, NULL, 0, &r));
    assert_int_equal(r.at, HP_S);
    assert_true(hp_trace_find_packet(n->trace, (uint32_t)hp_record_u64(&r, "packet"), &packet));
    assert_string_equal(hp_trace_tap_name(n->trace, packet.packet.tap), "alice");
    assert_int_equal(packet.packet.dir, HP_DIR_OUT);
    assert_int_equal(packet.packet.ttl, 9);
    assert_int_equal(packet.packet.tos, 0xb8);
    assert_true(net_find(n, HP_EV_RAW_RECEIVED, NULL, NULL, 0, &r));
    assert_int_equal(r.at, HP_S + 20 * HP_MS);
    assert_true(hp_trace_find_packet(n->trace, (uint32_t)hp_record_u64(&r, "packet"), &packet));
    assert_string_equal(hp_trace_tap_name(n->trace, packet.packet.tap), "alice");
    assert_int_equal(packet.packet.dir, HP_DIR_IN);
    assert_int_equal(packet.packet.proto, HP_PROTO_ICMP);
    net_free(n);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tcp_byte_by_byte),
        cmocka_unit_test(over_tls),
        cmocka_unit_test(over_dtls),
        cmocka_unit_test(a_client_hello_in_pieces),
        cmocka_unit_test(two_of_them_over_tcp),
        cmocka_unit_test(packets_of_events),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
