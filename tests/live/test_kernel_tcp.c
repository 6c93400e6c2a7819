/* TCP on a kernel host, over loopback: the same calls and callbacks as world/tcp.h says of simulated hosts. */
#include "live/kernel_rig.h"

#include <string.h>

#include "world/tcp.h"

typedef struct end {
    hp_tcp_socket *socket;
    unsigned connected, readable, writable, closed, at_eof;
    hp_tcp_end how;
    GByteArray *bytes; /* what came */
    bool reads, echoes, closes; /* in its callbacks */
    unsigned depth;
} end;

static void take(end *e)
{
    uint8_t chunk[5000];
    size_t n;
    while ((n = hp_tcp_recv(e->socket, chunk, sizeof chunk)) > 0) {
        g_byte_array_append(e->bytes, chunk, (guint)n);
        if (e->echoes) {
            assert_int_equal(hp_tcp_send(e->socket, chunk, n), n);
        }
    }
}

static void on_connected(void *user, hp_tcp_socket *socket)
{
    end *e = user;
    assert_int_equal(e->depth++, 0);
    e->connected++;
    e->depth--;
}

static void on_readable(void *user, hp_tcp_socket *socket)
{
    end *e = user;
    assert_int_equal(e->depth++, 0);
    e->readable++;
    if (e->reads) {
        take(e);
    }
    e->at_eof += hp_tcp_at_eof(socket);
    e->depth--;
    if (e->closes) {
        hp_tcp_close(socket);
        e->socket = NULL;
    }
}

static void on_writable(void *user, hp_tcp_socket *socket)
{
    ((end *)user)->writable++;
}

static void on_closed(void *user, hp_tcp_socket *socket, hp_tcp_end how)
{
    end *e = user;
    e->closed++;
    e->how = how;
}

static const hp_tcp_ops ops = {
    .connected = on_connected, .readable = on_readable, .writable = on_writable, .closed = on_closed};

/* A listener that keeps what it accepts last. */
typedef struct server {
    hp_tcp_listener *listener;
    end end;
    unsigned accepted;
} server;

static void on_accepted(void *user, hp_tcp_listener *listener, hp_tcp_socket *socket)
{
    server *s = user;
    s->accepted++;
    s->end.socket = socket;
    hp_tcp_set_ops(socket, &ops, &s->end);
}

static const hp_tcp_listener_ops listener_ops = {.accepted = on_accepted};

typedef struct tcp_rig {
    kernel_rig base;
    hp_host *client_host, *server_host;
    server server;
    end client;
    hp_addr at;
} tcp_rig;

static void start(tcp_rig *rig, const char *client, const char *server_address)
{
    g_autoptr(GError) error = NULL;
    memset(rig, 0, sizeof *rig);
    kernel_rig_start(&rig->base);
    rig->client_host = kernel_rig_host(&rig->base, "client", client);
    rig->server_host = kernel_rig_host(&rig->base, "server", server_address);
    rig->client.bytes = g_byte_array_new();
    rig->server.end.bytes = g_byte_array_new();
    rig->client.reads = rig->server.end.reads = true;
    hp_addr local = kernel_rig_addr(server_address);
    rig->server.listener = hp_tcp_listen(rig->server_host, &local, &listener_ops, &rig->server, &error);
    if (rig->server.listener == NULL) {
        fail_msg("%s", error->message);
    }
    rig->at = hp_tcp_listener_local(rig->server.listener);
}

static void connect_to(tcp_rig *rig)
{
    g_autoptr(GError) error = NULL;
    rig->client.socket = hp_tcp_connect(rig->client_host, NULL, &rig->at, &ops, &rig->client, &error);
    if (rig->client.socket == NULL) {
        fail_msg("%s", error->message);
    }
    assert_int_equal(rig->client.connected, 0);
    kernel_rig_until(&rig->base, &rig->client.connected, 1);
    kernel_rig_until(&rig->base, &rig->server.accepted, 1);
}

static void stop(tcp_rig *rig)
{
    kernel_rig_stop(&rig->base);
    g_byte_array_unref(rig->client.bytes);
    g_byte_array_unref(rig->server.end.bytes);
}

static void test_talk(void **state)
{
    static const char *const pairs[][2] = {{"127.0.0.1", "127.0.0.2"}, {"[::1]:0", "[::1]:0"}};
    for (unsigned i = 0; i < G_N_ELEMENTS(pairs); i++) {
        tcp_rig rig;
        start(&rig, pairs[i][0], pairs[i][1]);
        connect_to(&rig);
        hp_addr here = hp_tcp_local(rig.client.socket), there = hp_tcp_remote(rig.server.end.socket);
        assert_true(hp_addr_equal(&here, &there));
        here = hp_tcp_local(rig.server.end.socket);
        assert_true(hp_addr_equal(&here, &rig.at));
        assert_int_equal(hp_tcp_get_state(rig.client.socket), HP_TCP_ESTABLISHED);
        kernel_rig_until(&rig.base, &rig.client.writable, 1);
        rig.server.end.echoes = true;
        assert_int_equal(hp_tcp_send(rig.client.socket, "hello", 5), 5);
        kernel_rig_until(&rig.base, &rig.client.bytes->len, 5);
        assert_memory_equal(rig.client.bytes->data, "hello", 5);
        assert_int_equal(hp_tcp_n_connections(rig.client_host), 1);
        assert_true(hp_tcp_get_stats(rig.client.socket).bytes_received == 5);
        /* In order: the server finishes, then the client. */
        hp_tcp_shutdown(rig.server.end.socket);
        kernel_rig_until(&rig.base, &rig.client.at_eof, 1);
        assert_int_equal(rig.client.closed, 0);
        assert_int_equal(hp_tcp_get_state(rig.client.socket), HP_TCP_CLOSE_WAIT);
        hp_tcp_shutdown(rig.client.socket);
        kernel_rig_until(&rig.base, &rig.client.closed, 1);
        kernel_rig_until(&rig.base, &rig.server.end.closed, 1);
        assert_int_equal(rig.client.how, HP_TCP_END_FINISHED);
        assert_int_equal(rig.server.end.how, HP_TCP_END_FINISHED);
        hp_tcp_close(rig.client.socket);
        hp_tcp_close(rig.server.end.socket);
        assert_int_equal(hp_tcp_n_connections(rig.client_host), 0);
        stop(&rig);
    }
}

/* More than fits: a send takes what it can, writable comes once the other side reads. */
static void test_full_buffer(void **state)
{
    tcp_rig rig;
    start(&rig, "127.0.0.1", "127.0.0.2");
    rig.server.end.reads = false;
    connect_to(&rig);
    kernel_rig_until(&rig.base, &rig.client.writable, 1);
    g_autofree uint8_t *bytes = g_malloc(1 << 20);
    memset(bytes, 'x', 1 << 20);
    size_t sent = 0, n;
    while ((n = hp_tcp_send(rig.client.socket, bytes, 1 << 20)) == 1 << 20) {
        sent += n;
    }
    sent += n;
    kernel_rig_settle(&rig.base);
    while ((n = hp_tcp_send(rig.client.socket, bytes, 1 << 20)) > 0) {
        sent += n;
    }
    assert_int_equal(hp_tcp_room(rig.client.socket), 0);
    unsigned before = rig.client.writable;
    rig.server.end.reads = true;
    take(&rig.server.end);
    kernel_rig_until(&rig.base, &rig.client.writable, before + 1);
    kernel_rig_until(&rig.base, &rig.server.end.bytes->len, (unsigned)sent);
    assert_true(hp_tcp_room(rig.client.socket) > 0);
    stop(&rig);
}

static void test_peek(void **state)
{
    tcp_rig rig;
    start(&rig, "127.0.0.1", "127.0.0.2");
    rig.server.end.reads = false;
    connect_to(&rig);
    assert_int_equal(hp_tcp_send(rig.client.socket, "hello", 5), 5);
    kernel_rig_until(&rig.base, &rig.server.end.readable, 1);
    char out[8] = "";
    hp_tcp_socket *server_end = rig.server.end.socket;
    assert_int_equal(hp_tcp_available(server_end), 5);
    assert_int_equal(hp_tcp_peek(server_end, out, 3), 3);
    assert_memory_equal(out, "hel", 3);
    hp_tcp_shutdown(rig.client.socket);
    kernel_rig_until(&rig.base, &rig.server.end.readable, 2);
    assert_false(hp_tcp_at_eof(server_end)); /* something is left to read */
    assert_int_equal(hp_tcp_recv(server_end, out, sizeof out), 5);
    assert_memory_equal(out, "hello", 5);
    assert_true(hp_tcp_at_eof(server_end));
    stop(&rig);
}

static void test_refused(void **state)
{
    tcp_rig rig;
    start(&rig, "127.0.0.1", "127.0.0.2");
    hp_tcp_listener_close(rig.server.listener);
    rig.client.socket = hp_tcp_connect(rig.client_host, NULL, &rig.at, &ops, &rig.client, NULL);
    assert_non_null(rig.client.socket);
    kernel_rig_until(&rig.base, &rig.client.closed, 1);
    assert_int_equal(rig.client.how, HP_TCP_END_REFUSED);
    assert_int_equal(hp_tcp_get_end(rig.client.socket), HP_TCP_END_REFUSED);
    assert_int_equal(hp_tcp_send(rig.client.socket, "x", 1), 0);
    assert_int_equal(rig.client.connected, 0);
    hp_tcp_close(rig.client.socket);
    stop(&rig);
}

/* A reset, met by a callback and, at the other end, by a call. What had come before it can still be read. */
static void test_reset(void **state)
{
    tcp_rig rig;
    start(&rig, "127.0.0.1", "127.0.0.2");
    rig.client.reads = false;
    connect_to(&rig);
    assert_int_equal(hp_tcp_send(rig.server.end.socket, "last", 4), 4);
    kernel_rig_until(&rig.base, &rig.client.readable, 1);
    hp_tcp_abort(rig.server.end.socket);
    kernel_rig_until(&rig.base, &rig.client.closed, 1);
    assert_int_equal(rig.client.how, HP_TCP_END_RESET);
    char out[8];
    assert_int_equal(hp_tcp_recv(rig.client.socket, out, sizeof out), 4);
    assert_true(hp_tcp_at_eof(rig.client.socket));
    hp_tcp_close(rig.client.socket);
    stop(&rig);
}

/* Closing with something unread is a reset, in order a FIN; and a socket may be closed in its own callback. */
static void test_close_within(void **state)
{
    tcp_rig rig;
    start(&rig, "127.0.0.1", "127.0.0.2");
    connect_to(&rig);
    rig.server.end.reads = false;
    rig.server.end.closes = true;
    assert_int_equal(hp_tcp_send(rig.client.socket, "hello", 5), 5);
    kernel_rig_until(&rig.base, &rig.client.closed, 1);
    assert_int_equal(rig.client.how, HP_TCP_END_RESET);
    assert_int_equal(rig.server.end.readable, 1);
    hp_tcp_close(rig.client.socket);
    stop(&rig);
}

/* A listener and a connection of this host have one port, as a TURN relay's; another listener is refused. */
static void test_shared_port(void **state)
{
    tcp_rig rig;
    start(&rig, "127.0.0.1", "127.0.0.2");
    g_autoptr(GError) error = NULL;
    assert_null(hp_tcp_listen(rig.server_host, &rig.at, &listener_ops, &rig.server, &error));
    assert_true(g_error_matches(error, HP_ERROR, HP_ERROR_INVALID));
    g_clear_error(&error);
    hp_host *rival = kernel_rig_host(&rig.base, "rival", "127.0.0.2");
    assert_null(hp_tcp_listen(rival, &rig.at, &listener_ops, &rig.server, &error));
    assert_true(g_error_matches(error, HP_ERROR, HP_ERROR_INVALID));
    g_clear_error(&error);

    server other = {.end = {.bytes = g_byte_array_new(), .reads = true}};
    hp_addr local = kernel_rig_addr("127.0.0.1"), back;
    assert_true(hp_tcp_reserve(rig.client_host, &local, &back, NULL));
    other.listener = hp_tcp_listen(rig.client_host, &back, &listener_ops, &other, NULL);
    assert_non_null(other.listener);
    rig.client.socket = hp_tcp_connect(rig.client_host, &back, &rig.at, &ops, &rig.client, &error);
    if (rig.client.socket == NULL) {
        fail_msg("%s", error->message);
    }
    kernel_rig_until(&rig.base, &rig.client.connected, 1);
    hp_addr from = hp_tcp_local(rig.client.socket);
    assert_true(hp_addr_equal(&from, &back));
    assert_null(hp_tcp_connect(rig.client_host, &back, &rig.at, &ops, &rig.client, &error));
    assert_non_null(error);
    hp_tcp_release(rig.client_host, &back);
    g_byte_array_unref(other.end.bytes);
    stop(&rig);
}

static void test_bad_addresses(void **state)
{
    tcp_rig rig;
    start(&rig, "127.0.0.1", "127.0.0.2");
    g_autoptr(GError) error = NULL;
    hp_addr not_mine = kernel_rig_addr("127.0.0.3"), no_port = kernel_rig_addr("127.0.0.2");
    assert_null(hp_tcp_connect(rig.client_host, &not_mine, &rig.at, &ops, &rig.client, &error));
    g_clear_error(&error);
    assert_null(hp_tcp_connect(rig.client_host, NULL, &no_port, &ops, &rig.client, &error));
    g_clear_error(&error);
    assert_null(hp_tcp_listen(rig.client_host, &not_mine, &listener_ops, &rig.server, &error));
    assert_true(g_error_matches(error, HP_ERROR, HP_ERROR_INVALID));
    assert_int_equal(hp_tcp_n_connections(rig.client_host), 0);
    stop(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_talk),        cmocka_unit_test(test_full_buffer),   cmocka_unit_test(test_peek),
        cmocka_unit_test(test_refused),     cmocka_unit_test(test_reset),         cmocka_unit_test(test_close_within),
        cmocka_unit_test(test_shared_port), cmocka_unit_test(test_bad_addresses),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
