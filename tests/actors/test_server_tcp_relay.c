/* RFC 6062 through a built-in server: real TCP on both sides, exact times, bytes under load, and ends. */
#include "server_net.h"

typedef struct tcp_peer {
    net *n;
    hp_tcp_listener *listener;
    hp_tcp_socket *socket;
    GByteArray *bytes;
    bool echo, reads_nothing, at_eof, closed, connected;
    hp_tcp_end end;
    hp_addr from;
} tcp_peer;

typedef struct rig {
    net *n;
    tcp_peer bob;
    conn *control;
    hp_addr relay;
} rig;

static void peer_connected(void *user, hp_tcp_socket *socket)
{
    ((tcp_peer *)user)->connected = true;
}

static void peer_readable(void *user, hp_tcp_socket *socket)
{
    tcp_peer *p = user;
    uint8_t chunk[4096];
    for (size_t length; !p->reads_nothing && (length = hp_tcp_recv(socket, chunk, sizeof chunk)) > 0;) {
        g_byte_array_append(p->bytes, chunk, (guint)length);
        if (p->echo) {
            assert_int_equal(hp_tcp_send(socket, chunk, length), length);
        }
    }
    p->at_eof = hp_tcp_at_eof(socket);
}

static void peer_closed(void *user, hp_tcp_socket *socket, hp_tcp_end end)
{
    tcp_peer *p = user;
    p->closed = true;
    p->end = end;
}

static const hp_tcp_ops peer_ops = {.connected = peer_connected, .readable = peer_readable, .closed = peer_closed};

static void peer_accepted(void *user, hp_tcp_listener *listener, hp_tcp_socket *socket)
{
    tcp_peer *p = user;
    p->socket = socket;
    p->from = hp_tcp_remote(socket);
    hp_tcp_set_ops(socket, &peer_ops, p);
}

/* The server runs and alice has a TCP allocation; bob listens at port 700. */
static int setup(void **state)
{
    static const hp_tcp_listener_ops ops = {.accepted = peer_accepted};
    rig *r = g_new0(rig, 1);
    hp_addr at = net_addr(BOB_IP ":700");
    r->n = net_new();
    r->bob.n = r->n;
    r->bob.bytes = g_byte_array_new();
    r->bob.listener = hp_tcp_listen(r->n->bob, &at, &ops, &r->bob, NULL);
    assert_non_null(r->bob.listener);
    net_start(r->n);
    r->control = conn_new(r->n, 3478, false);
    net_wait(r->n, 20 * HP_MS);
    r->relay = conn_allocate(r->control, 6);
    *state = r;
    return 0;
}

static int teardown(void **state)
{
    rig *r = *state;
    conn_free(r->control);
    hp_tcp_close(r->bob.socket);
    hp_tcp_listener_close(r->bob.listener);
    g_byte_array_unref(r->bob.bytes);
    net_free(r->n);
    g_free(r);
    return 0;
}

/* A signed Connect; nothing is waited for. */
static void ask_connect(rig *r, const char *peer)
{
    uint8_t buf[600];
    hp_stun_writer w;
    hp_addr a = net_addr(peer);
    conn_begin(r->control, &w, buf, sizeof buf, HP_STUN_CONNECT);
    hp_stun_add_addr(&w, HP_STUN_XOR_PEER_ADDRESS, &a, true);
    conn_sign(r->control, &w);
    conn_say(r->control, buf, hp_stun_finish(&w));
}

static uint32_t connection_id(const rig *r)
{
    hp_stun_attr a = conn_attr(r->control, HP_STUN_CONNECTION_ID);
    uint32_t id = 0;
    assert_true(hp_stun_attr_u32(&a, &id));
    return id;
}

/* A data connection, bound to that id. */
static conn *bind_data(rig *r, uint32_t id, bool tls)
{
    conn *data = conn_new(r->n, tls ? 5349 : 3478, tls);
    net_wait(r->n, tls ? 60 * HP_MS : 20 * HP_MS);
    assert_int_equal(conn_request(data, HP_STUN_CONNECTION_BIND, HP_STUN_CONNECTION_ID, id, NULL), 0);
    data->raw = true;
    return data;
}

static conn *connect_data(rig *r, bool tls)
{
    ask_connect(r, BOB_IP ":700");
    net_wait(r->n, 40 * HP_MS);
    assert_int_equal(conn_code(r->control), 0);
    return bind_data(r, connection_id(r), tls);
}

/* Alice to the server 10 ms, SYN and SYN-ACK 20 ms, back 10 ms. */
static void outgoing(void **state)
{
    rig *r = *state;
    net *n = r->n;
    hp_record event;
    hp_time at = hp_world_now(n->world);
    ask_connect(r, BOB_IP ":700");
    net_run(n, at + 40 * HP_MS);
    assert_int_equal(conn_code(r->control), 0);
    assert_int_equal(r->control->at, at + 40 * HP_MS);
    assert_true(hp_addr_equal(&r->bob.from, &r->relay)); /* from the relayed address, where a listener stands too */
    assert_true(net_find(n, HP_EV_TURN_CONNECTION, "state", "connecting", 0, &event));
    assert_int_equal(event.at, at + 10 * HP_MS);
    assert_true(net_find(n, HP_EV_TURN_CONNECTION, "state", "pending", 0, &event));
    assert_int_equal(event.at, at + 30 * HP_MS);
    assert_int_equal(hp_record_u64(&event, "connection"), connection_id(r));
    assert_true(net_find(n, HP_EV_SERVER_REQUEST, "method", "Connect", 0, &event));
    assert_int_equal(event.at, at + 30 * HP_MS);
    conn *data = bind_data(r, connection_id(r), false);
    hp_time sent = hp_world_now(n->world);
    conn_say(data, "hello", 5);
    net_run(n, sent + 20 * HP_MS);
    assert_int_equal(r->bob.bytes->len, 5);
    assert_memory_equal(r->bob.bytes->data, "hello", 5);
    assert_int_equal(hp_tcp_send(r->bob.socket, "you too", 7), 7);
    net_run(n, sent + 40 * HP_MS);
    assert_int_equal(data->bytes->len, 7);
    assert_memory_equal(data->bytes->data, "you too", 7);
    conn_free(data);
}

static void incoming(void **state)
{
    rig *r = *state;
    net *n = r->n;
    hp_addr local = net_addr(BOB_IP ":800");
    /* Without a permission: accepted and closed. */
    tcp_peer stranger = {.n = n, .bytes = g_byte_array_new()};
    stranger.socket = hp_tcp_connect(n->bob, &local, &r->relay, &peer_ops, &stranger, NULL);
    net_wait(n, 40 * HP_MS);
    assert_true(stranger.connected && stranger.at_eof);
    assert_int_equal(net_count(n, HP_EV_TURN_DROPPED, "reason", "no-permission"), 1);
    hp_tcp_close(stranger.socket);
    g_byte_array_unref(stranger.bytes);

    assert_int_equal(conn_request(r->control, HP_STUN_CREATE_PERMISSION, 0, 0, &local), 0);
    local.port = 801;
    hp_time at = hp_world_now(n->world);
    r->bob.socket = hp_tcp_connect(n->bob, &local, &r->relay, &peer_ops, &r->bob, NULL);
    assert_non_null(r->bob.socket);
    net_wait(n, 40 * HP_MS);
    hp_stun_msg m = conn_answer(r->control);
    assert_int_equal(m.method, HP_STUN_CONNECTION_ATTEMPT);
    assert_int_equal(r->control->at, at + 40 * HP_MS);
    hp_addr who = conn_attr_addr(r->control, HP_STUN_XOR_PEER_ADDRESS);
    assert_true(hp_addr_equal(&who, &local));
    uint32_t id = connection_id(r);
    assert_int_equal(hp_tcp_send(r->bob.socket, "early", 5), 5);
    /* What bob says before anybody is bound follows the answer in its stream; the framer keeps it apart. */
    conn *data = conn_new(n, 3478, false);
    net_wait(n, 20 * HP_MS);
    uint8_t buf[600];
    hp_stun_writer w;
    conn_begin(data, &w, buf, sizeof buf, HP_STUN_CONNECTION_BIND);
    assert_int_equal(conn_ask(data, &w), 401);
    hp_stun_attr nonce = conn_attr(data, HP_STUN_NONCE);
    memcpy(data->nonce, nonce.value, nonce.length);
    data->nonce_length = nonce.length;
    conn_begin(data, &w, buf, sizeof buf, HP_STUN_CONNECTION_BIND);
    hp_stun_add_u32(&w, HP_STUN_CONNECTION_ID, id);
    conn_sign(data, &w);
    data->raw = true;
    conn_say(data, buf, hp_stun_finish(&w));
    net_wait(n, 20 * HP_MS);
    assert_memory_equal(data->bytes->data + data->bytes->len - 5, "early", 5);
    conn_say(data, "late", 4);
    net_wait(n, 20 * HP_MS);
    assert_int_equal(r->bob.bytes->len, 4);
    conn_free(data);
}

static void refused_and_silent(void **state)
{
    rig *r = *state;
    net *n = r->n;
    hp_time at = hp_world_now(n->world);
    ask_connect(r, BOB_IP ":701"); /* nobody listens */
    net_wait(n, 40 * HP_MS);
    assert_int_equal(conn_code(r->control), 447);
    assert_int_equal(r->control->at, at + 40 * HP_MS);
    hp_host_set_silent(n->bob, true);
    at = hp_world_now(n->world);
    ask_connect(r, BOB_IP ":701");
    net_run(n, at + 40 * HP_S);
    assert_int_equal(conn_code(r->control), 447);
    assert_int_equal(r->control->at, at + 30 * HP_S + 20 * HP_MS);
    hp_record event;
    assert_true(net_find(n, HP_EV_TURN_CONNECTION, "reason", "timeout", 0, &event));
    assert_int_equal(event.at, at + 30 * HP_S + 10 * HP_MS);
    assert_true(net_find(n, HP_EV_TURN_CONNECTION, "reason", "failed", 0, &event));
}

/* A megabyte there and back again, over TLS on one side: every byte, in order. */
static void load(void **state)
{
    enum { TOTAL = 1 << 20 };
    rig *r = *state;
    net *n = r->n;
    g_autofree uint8_t *bytes = g_malloc(TOTAL);
    hp_rng rng;
    hp_rng_init(&rng, 5, "bytes");
    hp_rng_bytes(&rng, bytes, TOTAL);
    for (unsigned tls = 0; tls < 2; tls++) {
        g_byte_array_set_size(r->bob.bytes, 0);
        conn *data = connect_data(r, tls != 0);
        r->bob.echo = true;
        for (size_t sent = 0; sent < TOTAL;) {
            size_t some = MIN(TOTAL - sent, 16000);
            size_t taken =
                tls ? hp_tls_write(data->tls, bytes + sent, some) : hp_tcp_send(data->socket, bytes + sent, some);
            sent += taken;
            if (tls) {
                conn_flush(data);
            }
            net_wait(n, 20 * HP_MS);
        }
        net_wait(n, 10 * HP_S);
        assert_int_equal(r->bob.bytes->len, TOTAL);
        assert_memory_equal(r->bob.bytes->data, bytes, TOTAL);
        assert_int_equal(data->bytes->len, TOTAL);
        assert_memory_equal(data->bytes->data, bytes, TOTAL);
        conn_free(data);
        net_wait(n, HP_S);
        assert_true(r->bob.at_eof);
        hp_tcp_close(r->bob.socket);
        r->bob.socket = NULL;
        net_wait(n, 100 * HP_S);
    }
}

/* Bob reads nothing: alice can send what fits the buffers on the way, and no more; then he reads, and all arrives. */
static void backpressure(void **state)
{
    rig *r = *state;
    net *n = r->n;
    conn *data = connect_data(r, false);
    r->bob.reads_nothing = true;
    static const uint8_t chunk[4096];
    size_t sent = 0;
    for (unsigned idle = 0; idle < 10;) {
        size_t taken = hp_tcp_send(data->socket, chunk, sizeof chunk);
        sent += taken;
        idle = taken == 0 ? idle + 1 : 0;
        net_wait(n, 20 * HP_MS);
    }
    const hp_tcp_config *tcp = hp_tcp_get_config(n->turn);
    /* Two connections' buffers, and a chunk in the relay. */
    assert_in_range(sent, tcp->receive_buffer, 2 * (size_t)(tcp->send_buffer + tcp->receive_buffer) + 16384);
    assert_int_equal(r->bob.bytes->len, 0);
    r->bob.reads_nothing = false;
    peer_readable(&r->bob, r->bob.socket);
    net_wait(n, 300 * HP_S);
    assert_int_equal(r->bob.bytes->len, sent);
    conn_free(data);
}

static void ends(void **state)
{
    rig *r = *state;
    net *n = r->n;
    hp_record event;
    /* bob says something and closes: alice gets it all, then the end. */
    conn *data = connect_data(r, false);
    assert_int_equal(hp_tcp_send(r->bob.socket, "goodbye", 7), 7);
    hp_tcp_close(r->bob.socket);
    r->bob.socket = NULL;
    net_wait(n, 40 * HP_MS);
    assert_int_equal(data->bytes->len, 7);
    assert_true(data->at_eof);
    assert_true(net_find(n, HP_EV_TURN_CONNECTION, "state", "closed", 0, &event));
    assert_string_equal(hp_record_text(&event, "reason"), "peer");
    conn_free(data);
    net_wait(n, 100 * HP_S);
    /* alice goes with a reset. */
    data = connect_data(r, false);
    hp_tcp_abort(data->socket);
    data->socket = NULL;
    net_wait(n, 40 * HP_MS);
    assert_true(r->bob.at_eof);
    assert_true(net_find(n, HP_EV_TURN_CONNECTION, "state", "closed", 1, &event));
    assert_string_equal(hp_record_text(&event, "reason"), "client");
    conn_free(data);
    hp_tcp_close(r->bob.socket);
    r->bob.socket = NULL;
    net_wait(n, 100 * HP_S);
    /* The control connection goes, and everything with it. */
    data = connect_data(r, false);
    hp_tcp_shutdown(r->control->socket);
    net_wait(n, 40 * HP_MS);
    assert_true(data->at_eof && r->bob.at_eof && r->control->at_eof);
    assert_true(net_find(n, HP_EV_TURN_ALLOCATION_ENDED, "reason", "disconnected", 0, &event));
    assert_int_equal(hp_record_u64(&event, "bytes-to-client"), 7);
    assert_true(net_find(n, HP_EV_TURN_CONNECTION, "state", "closed", 2, &event));
    assert_string_equal(hp_record_text(&event, "reason"), "allocation-ended");
    conn_free(data);
    /* Nobody listens at the relayed address any more. */
    tcp_peer late = {.n = n, .bytes = g_byte_array_new()};
    late.socket = hp_tcp_connect(n->bob, NULL, &r->relay, &peer_ops, &late, NULL);
    net_wait(n, 40 * HP_MS);
    assert_int_equal(late.end, HP_TCP_END_REFUSED);
    hp_tcp_close(late.socket);
    g_byte_array_unref(late.bytes);
}

static int start_seam(void **state)
{
    return hp_seam_start(NULL, NULL) ? 0 : -1;
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(outgoing), T(incoming), T(refused_and_silent), T(load), T(backpressure), T(ends),
    };
    return cmocka_run_group_tests(tests, start_seam, NULL);
}
