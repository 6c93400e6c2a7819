/* A built-in server's clients over TCP, TLS and DTLS: exact times, what is traced, and how connections end. */
#include "engines/dtls.h"
#include "server_net.h"

static int setup(void **state)
{
    net *n = net_new();
    *state = n;
    return 0;
}

static int teardown(void **state)
{
    net_free(*state);
    return 0;
}

/* SYN, SYN-ACK, request with the ACK behind it, answer: 40 ms. */
static void binding_over_tcp(void **state)
{
    net *n = *state;
    hp_record r;
    net_start(n);
    conn *c = conn_new(n, 3478, false);
    net_run(n, 20 * HP_MS);
    assert_true(c->connected);
    uint8_t buf[100];
    hp_stun_writer w;
    conn_begin(c, &w, buf, sizeof buf, HP_STUN_BINDING);
    assert_int_equal(conn_ask(c, &w), 0);
    assert_int_equal(c->at, 40 * HP_MS);
    hp_addr mapped = conn_attr_addr(c, HP_STUN_XOR_MAPPED_ADDRESS), local = hp_tcp_local(c->socket);
    assert_true(hp_addr_equal(&mapped, &local));
    assert_true(net_find(n, HP_EV_SERVER_REQUEST, "transport", "tcp", 0, &r));
    assert_int_equal(r.at, 30 * HP_MS);
    assert_string_equal(hp_record_text(&r, "method"), "Binding");
    assert_true(net_find(n, HP_EV_SERVER_STREAM, "state", "open", 0, &r));
    assert_int_equal(r.at, 30 * HP_MS);
    assert_string_equal(hp_record_text(&r, "transport"), "tcp");
    hp_addr client = hp_record_addr(&r, "client");
    assert_true(hp_addr_equal(&client, &local));
    conn_free(c);
    net_wait(n, 10 * HP_MS);
    assert_true(net_find(n, HP_EV_SERVER_STREAM, "state", "closed", 0, &r));
    assert_string_equal(hp_record_text(&r, "reason"), "client");
    assert_int_equal(r.at, 50 * HP_MS);
    net_wait(n, 200 * HP_S);
    assert_int_equal(hp_tcp_n_connections(n->turn), 0);
}

typedef struct udp_peer {
    hp_socket *socket;
    hp_addr from;
    unsigned n_received;
    uint8_t bytes[2048];
    size_t length;
    hp_time at;
    hp_world *world;
} udp_peer;

static void peer_datagram(void *user, hp_socket *socket, const hp_datagram *d)
{
    udp_peer *p = user;
    p->n_received++;
    p->from = d->from;
    p->length = d->length;
    p->at = hp_world_now(p->world);
    memcpy(p->bytes, d->data, d->length);
}

static void bind_peer(net *n, udp_peer *p)
{
    static const hp_socket_ops ops = {.datagram = peer_datagram};
    hp_addr a = net_addr(BOB_IP ":700");
    *p = (udp_peer){.world = n->world};
    p->socket = hp_host_bind(n->bob, &a, &ops, p, NULL);
    assert_non_null(p->socket);
}

/* A UDP relay for a client behind a firewall that lets TLS through alone. */
static void udp_relay_over_tls(void **state)
{
    net *n = *state;
    hp_record r;
    udp_peer bob;
    net_start(n);
    bind_peer(n, &bob);
    conn *c = conn_new(n, 5349, true);
    net_run(n, 60 * HP_MS); /* TCP 20 ms, ClientHello to Finished 20 ms, and the client's Finished is there at 50 */
    assert_string_equal(hp_tls_state_name(hp_tls_get_state(c->tls)), "connected");
    assert_true(net_find(n, HP_EV_SERVER_STREAM, "state", "secure", 0, &r));
    assert_int_equal(r.at, 50 * HP_MS);
    assert_string_equal(hp_record_text(&r, "reason"), "TLS_AES_128_GCM_SHA256");
    assert_string_equal(hp_record_text(&r, "transport"), "tls");
    assert_true(net_find(n, HP_EV_DTLS_SECRET, NULL, NULL, 0, &r));
    assert_true(g_str_has_prefix(hp_record_text(&r, "line"), "SERVER_HANDSHAKE_TRAFFIC_SECRET ") ||
                g_str_has_prefix(hp_record_text(&r, "line"), "CLIENT_HANDSHAKE_TRAFFIC_SECRET "));
    hp_addr relay = conn_allocate(c, 17), peer = net_addr(BOB_IP ":700");
    assert_int_equal(conn_request(c, HP_STUN_CHANNEL_BIND, HP_STUN_CHANNEL_NUMBER, 0x40000000, &peer), 0);
    hp_time sent = hp_world_now(n->world);
    conn_say(c, "\x40\x00\x00\x05hello\0\0\0", 12);
    net_wait(n, 20 * HP_MS);
    assert_int_equal(bob.n_received, 1);
    assert_int_equal(bob.at, sent + 20 * HP_MS);
    assert_int_equal(bob.length, 5);
    assert_true(hp_addr_equal(&bob.from, &relay));
    assert_true(hp_socket_send(bob.socket, &relay, "hi there", 8, NULL));
    net_wait(n, 20 * HP_MS);
    assert_int_equal(c->length, 12);
    assert_memory_equal(c->last, "\x40\x00\x00\x08hi there", 12);
    /* In order: close_notify, and the server's in answer. */
    hp_tls_close(c->tls);
    conn_flush(c);
    net_wait(n, 10 * HP_MS);
    assert_true(net_find(n, HP_EV_SERVER_STREAM, "state", "closed", 0, &r));
    assert_string_equal(hp_record_text(&r, "reason"), "client");
    assert_true(net_find(n, HP_EV_TURN_ALLOCATION_ENDED, "reason", "disconnected", 0, &r));
    assert_true(net_find(n, HP_EV_SERVER_STREAM, "state", "alert-received", 0, &r));
    assert_string_equal(hp_record_text(&r, "reason"), "close notify");
    net_wait(n, 10 * HP_MS);
    assert_true(c->at_eof);
    conn_free(c);
}

/* Connects to that port over plain TCP and says that; the server closes. How many bytes it answered. */
static size_t answer_to(net *n, uint16_t port, const char *bytes, size_t len)
{
    conn *c = conn_new(n, port, false);
    c->raw = true;
    net_wait(n, 20 * HP_MS);
    conn_say(c, bytes, len);
    net_wait(n, 20 * HP_MS);
    assert_true(c->at_eof);
    size_t length = c->bytes->len;
    assert_true(length == 0 || c->bytes->data[0] == 21); /* an alert */
    conn_free(c);
    return length;
}

static void assert_closed(const net *n, unsigned nth, const char *reason)
{
    hp_record r;
    assert_true(net_find(n, HP_EV_SERVER_STREAM, "state", "closed", nth, &r));
    assert_string_equal(hp_record_text(&r, "reason"), reason);
}

/* What does not speak TLS on the TLS port, nor STUN on the other one. */
static void wrong_protocol(void **state)
{
    static const char stun[] = "\x00\x01\x00\x00\x21\x12\xa4\x42\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c";
    static const char certificate[] = "\x16\x03\x01\x00\x04\x0b\x00\x00\x00"; /* before the ClientHello */
    net *n = *state;
    net_start(n);
    assert_int_equal(answer_to(n, 5349, certificate, sizeof certificate - 1), 7);
    assert_closed(n, 0, "lost");
    assert_int_equal(answer_to(n, 5349, stun, sizeof stun - 1), 0); /* to what is no record OpenSSL says nothing */
    assert_closed(n, 1, "lost");
    assert_int_equal(answer_to(n, 3478, "\x16\x03\x01\x02\x00\x01\x00\x01", 8), 0);
    assert_closed(n, 2, "length");
    /* A client that goes in the middle of the handshake. */
    conn *c = conn_new(n, 5349, true);
    net_wait(n, 20 * HP_MS);
    hp_tcp_abort(c->socket);
    c->socket = NULL;
    net_wait(n, 20 * HP_MS);
    assert_closed(n, 3, "lost");
    conn_free(c);
}

static void stop_and_start(void **state)
{
    net *n = *state;
    hp_record r;
    net_start(n);
    conn *tcp = conn_new(n, 3478, false), *tls = conn_new(n, 5349, true);
    net_wait(n, 60 * HP_MS);
    conn_allocate(tcp, 17);
    conn_allocate(tls, 6);
    hp_server_stop(n->server);
    assert_int_equal(net_count(n, HP_EV_SERVER_STREAM, "reason", "stopped"), 2);
    assert_int_equal(net_count(n, HP_EV_TURN_ALLOCATION_ENDED, "reason", "stopped"), 2);
    net_wait(n, 20 * HP_MS);
    assert_true(tcp->at_eof && tls->at_eof);
    conn_free(tcp);
    conn_free(tls);
    conn *refused = conn_new(n, 3478, false);
    net_wait(n, 20 * HP_MS);
    assert_true(refused->closed);
    assert_int_equal(refused->end, HP_TCP_END_REFUSED);
    conn_free(refused);
    assert_true(hp_server_start(n->server, NULL));
    conn *again = conn_new(n, 5349, true);
    net_wait(n, 60 * HP_MS);
    conn_allocate(again, 17);
    hp_server_finish(n->server);
    assert_true(net_find(n, HP_EV_TURN_ALLOCATION_ENDED, "reason", "run-end", 0, &r));
    conn_free(again);
}

/* A client that reads nothing is not read from, and gets all its answers once it reads. */
static void client_that_does_not_read(void **state)
{
    net *n = *state;
    net_start(n);
    conn *c = conn_new(n, 3478, false);
    net_wait(n, 20 * HP_MS);
    c->reads_nothing = true;
    uint8_t request[20];
    unsigned asked = 0;
    /* 64 kB of requests a round, until the server has not taken any for a while. */
    for (unsigned idle = 0; idle < 5;) {
        hp_stun_writer w;
        unsigned before = asked;
        for (;;) {
            conn_begin(c, &w, request, sizeof request, HP_STUN_BINDING);
            hp_stun_finish(&w);
            if (hp_tcp_room(c->socket) < sizeof request) {
                break;
            }
            conn_say(c, request, sizeof request);
            asked++;
        }
        idle = asked == before ? idle + 1 : 0;
        net_wait(n, 100 * HP_MS);
        assert_true(asked < 10000000);
    }
    assert_int_equal(c->n_messages, 0);
    c->reads_nothing = false;
    conn_read(c);
    net_wait(n, 600 * HP_S);
    assert_int_equal(c->n_messages, asked);
    conn_free(c);
}

/* ---- DTLS ---- */

typedef struct dtls_client {
    net *n;
    hp_socket *socket;
    hp_dtls *dtls;
    hp_dtls_identity *identity;
    hp_seam_env *env;
    hp_timer timer;
    hp_addr server;
    hp_time connected_at, at;
    uint8_t last[2048];
    size_t length;
    bool closed;
    unsigned lose; /* datagrams of its own that get lost */
} dtls_client;

static void dtls_arm(dtls_client *c)
{
    hp_timer_arm(c->n->world, &c->timer, hp_dtls_deadline(c->dtls));
}

static void dtls_send(void *user, hp_time now, const uint8_t *data, size_t len)
{
    dtls_client *c = user;
    if (c->lose > 0) {
        c->lose--;
        return;
    }
    hp_socket_send(c->socket, &c->server, data, len, NULL);
}

static void dtls_event(void *user, hp_time now, const hp_dtls_event *event)
{
    dtls_client *c = user;
    if (event->kind == HP_DTLS_EV_CONNECTED) {
        c->connected_at = now;
    } else if (event->kind == HP_DTLS_EV_CLOSED) {
        c->closed = true;
    } else if (event->kind == HP_DTLS_EV_DATA) {
        c->at = now;
        c->length = event->length;
        memcpy(c->last, event->data, event->length);
    }
}

static void dtls_enter(void *user)
{
    hp_seam_enter(((dtls_client *)user)->env);
}

static void dtls_leave(void *user)
{
    hp_seam_leave(((dtls_client *)user)->env);
}

static void dtls_datagram(void *user, hp_socket *socket, const hp_datagram *d)
{
    dtls_client *c = user;
    hp_dtls_input(c->dtls, hp_world_now(c->n->world), d->data, d->length);
    dtls_arm(c);
}

static void dtls_fired(void *user, hp_time now)
{
    dtls_client *c = user;
    hp_dtls_run(c->dtls, now);
    dtls_arm(c);
}

static dtls_client *dtls_new(net *n, unsigned lose)
{
    static const hp_dtls_ops ops = {.send = dtls_send, .event = dtls_event, .enter = dtls_enter, .leave = dtls_leave};
    static const hp_socket_ops socket_ops = {.datagram = dtls_datagram};
    const hp_dtls_config config = {.role = HP_DTLS_ACTIVE};
    dtls_client *c = g_new0(dtls_client, 1);
    hp_addr local = net_addr(ALICE_IP ":5000");
    hp_rng rng;
    c->n = n;
    c->lose = lose;
    c->connected_at = HP_NEVER;
    c->server = net_addr(SERVER_IP ":5349");
    c->env = hp_seam_env_new(n->alice, "dtls:alice");
    c->socket = hp_host_bind(n->alice, &local, &socket_ops, c, NULL);
    hp_rng_init(&rng, 1, "certificate:alice");
    c->identity = hp_dtls_identity_new(&rng, "alice", NULL);
    hp_rng_init(&rng, 1, "dtls:alice");
    c->dtls = hp_dtls_new(&config, c->identity, &rng, &ops, c, NULL);
    hp_rng_init(&rng, 0, "any");
    /* The server's certificate is made of its world's stream: the same as the server makes it. */
    hp_world_rng(n->world, "server-identity:turn", &rng);
    g_autoptr(hp_dtls_identity) server = hp_dtls_identity_new(&rng, "turn", NULL);
    hp_dtls_set_peer_fingerprints(c->dtls, 0, hp_dtls_identity_fingerprint(server), 1);
    hp_timer_init(&c->timer, HP_TIMER_ACTOR, hp_world_new_element(n->world), dtls_fired, c);
    hp_dtls_start(c->dtls, hp_world_now(n->world));
    dtls_arm(c);
    return c;
}

static void dtls_client_free(dtls_client *c)
{
    hp_timer_cancel(c->n->world, &c->timer);
    hp_dtls_free(c->dtls);
    hp_dtls_identity_free(c->identity);
    hp_socket_close(c->socket);
    hp_seam_env_free(c->env);
    g_free(c);
}

/* ClientHello, cookie, ClientHello, flight, flight, flight: three round trips, and one for the request. */
static void binding_over_dtls(void **state)
{
    net *n = *state;
    hp_record r;
    net_start(n);
    dtls_client *c = dtls_new(n, 0);
    net_run(n, 60 * HP_MS);
    assert_int_equal(c->connected_at, 60 * HP_MS);
    assert_true(net_find(n, HP_EV_SERVER_STREAM, "state", "secure", 0, &r));
    assert_string_equal(hp_record_text(&r, "transport"), "dtls");
    assert_int_equal(r.at, 50 * HP_MS);
    uint8_t request[20];
    hp_stun_writer w;
    const uint8_t id[12] = {1};
    hp_stun_begin(&w, request, sizeof request, HP_STUN_REQUEST, HP_STUN_BINDING, id, NULL);
    hp_stun_finish(&w);
    assert_true(hp_dtls_send(c->dtls, hp_world_now(n->world), request, sizeof request, NULL));
    net_run(n, 80 * HP_MS);
    assert_int_equal(c->at, 80 * HP_MS);
    hp_stun_msg m;
    hp_stun_attr a;
    hp_addr mapped;
    assert_true(hp_stun_parse(c->last, c->length, &m));
    assert_true(hp_stun_find(&m, HP_STUN_XOR_MAPPED_ADDRESS, &a) && hp_stun_attr_addr(&m, &a, true, &mapped));
    char text[HP_ADDR_TEXT];
    assert_string_equal(hp_addr_format(&mapped, text), ALICE_IP ":5000");
    assert_true(net_find(n, HP_EV_SERVER_REQUEST, "transport", "dtls", 0, &r));
    /* The server says goodbye. */
    hp_server_stop(n->server);
    net_wait(n, 10 * HP_MS);
    assert_true(c->closed);
    assert_true(hp_server_start(n->server, NULL));
    dtls_client_free(c);
}

/* Lost datagrams are sent again a second later, of the world's time: the client's ClientHello, then (its second flight
 * being lost) the server's own flight, whose timer expires at the same instant as the client's. */
static void loss_over_dtls(void **state)
{
    net *n = *state;
    net_start(n);
    dtls_client *c = dtls_new(n, 1);
    net_run(n, 5 * HP_S);
    assert_int_equal(c->connected_at, HP_S + 60 * HP_MS);
    dtls_client_free(c);
}

static GByteArray *whole_run(void)
{
    net *n = net_new();
    net_start(n);
    conn *tcp = conn_new(n, 3478, false), *tls = conn_new(n, 5349, true);
    dtls_client *dtls = dtls_new(n, 1);
    net_run(n, 2 * HP_S);
    conn_allocate(tcp, 17);
    conn_allocate(tls, 6);
    hp_dtls_close(dtls->dtls, hp_world_now(n->world));
    net_wait(n, HP_S);
    GByteArray *all = g_byte_array_new();
    hp_trace_cursor cursor = {0};
    hp_record r;
    while (hp_trace_next(n->trace, &cursor, &r)) {
        g_byte_array_append(all, (const uint8_t *)&r.at, sizeof r.at);
        if (r.type == HP_RECORD_PACKET) {
            g_byte_array_append(all, r.packet.bytes, (guint)r.packet.length);
        }
    }
    conn_free(tcp);
    conn_free(tls);
    dtls_client_free(dtls);
    net_free(n);
    return all;
}

static void same_seed_same_bytes(void **state)
{
    GByteArray *one = whole_run(), *two = whole_run();
    assert_int_equal(one->len, two->len);
    assert_memory_equal(one->data, two->data, one->len);
    assert_true(one->len > 5000);
    g_byte_array_unref(one);
    g_byte_array_unref(two);
}

static int start_seam(void **state)
{
    return hp_seam_start(NULL, NULL) ? 0 : -1;
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(binding_over_tcp),          T(udp_relay_over_tls), T(wrong_protocol), T(stop_and_start),
        T(client_that_does_not_read), T(binding_over_dtls),  T(loss_over_dtls), cmocka_unit_test(same_seed_same_bytes),
    };
    return cmocka_run_group_tests(tests, start_seam, NULL);
}
