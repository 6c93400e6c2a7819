/* A built-in server, a client and a peer, each 5 ms from the core, and TCP or TLS connections of the client's. */
#ifndef HP_TESTS_ACTORS_SERVER_NET_H
#define HP_TESTS_ACTORS_SERVER_NET_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "actors/server.h"
#include "engines/stun_stream.h"
#include "engines/tls.h"
#include "seam/seam.h"
#include "wire/stun.h"
#include "world/link.h"
#include "world/router.h"
#include "world/tcp.h"

#define SERVER_IP "203.0.113.1"
#define ALICE_IP "192.0.2.10"
#define BOB_IP "198.51.100.7"

typedef struct net {
    hp_trace *trace;
    hp_world *world;
    hp_router *core;
    unsigned n_hosts;
    hp_host *turn, *alice, *bob;
    hp_server_config config;
    hp_turn_user user;
    hp_server *server;
    hp_tls_context *tls; /* of clients */
    uint32_t id;
} net;

/* A client's connection with the server. */
typedef struct conn {
    net *n;
    hp_tcp_socket *socket;
    hp_tls *tls; /* NULL over plain TCP */
    hp_stun_stream framer;
    bool raw; /* a data connection: bytes */
    GByteArray *bytes;
    bool reads_nothing;
    bool connected, at_eof, closed;
    hp_tcp_end end;
    /* the latest message */
    unsigned n_messages;
    hp_time at;
    uint8_t last[4096];
    size_t length;
    char nonce[128];
    size_t nonce_length;
} conn;

static inline hp_addr net_addr(const char *text)
{
    hp_addr a;
    assert_true(hp_addr_parse(text, &a));
    return a;
}

static inline hp_host *net_add_host(net *n, const char *name, const char *address)
{
    const hp_link_config link = {.delay_ns = 5 * HP_MS};
    hp_host *host = hp_host_new(n->world, name);
    unsigned interface = hp_host_add_interface(host, NULL, 0), port = n->n_hosts++;
    g_autofree char *up = g_strdup_printf("%s>core", name), *down = g_strdup_printf("core>%s", name);
    hp_link *out = hp_link_new(n->world, up, &link), *in = hp_link_new(n->world, down, &link);
    hp_node_connect(hp_host_node(host), interface, hp_link_node(out), 0);
    hp_node_connect(hp_link_node(out), 0, hp_router_node(n->core), port);
    hp_node_connect(hp_router_node(n->core), port, hp_link_node(in), 0);
    hp_node_connect(hp_link_node(in), 0, hp_host_node(host), interface);
    hp_addr a = net_addr(address);
    hp_prefix route;
    assert_true(hp_prefix_parse(address, &route));
    hp_host_add_address(host, interface, &a);
    hp_router_add_route(n->core, &route, port);
    return host;
}

static inline net *net_new(void)
{
    net *n = g_new0(net, 1);
    n->trace = hp_trace_new_sized(64 << 20, NULL);
    n->world = hp_world_new(1, n->trace);
    n->core = hp_router_new(n->world, "core", &(hp_router_config){0});
    n->turn = net_add_host(n, "turn", SERVER_IP);
    n->alice = net_add_host(n, "alice", ALICE_IP);
    n->bob = net_add_host(n, "bob", BOB_IP);
    n->user = (hp_turn_user){.name = (char *)"alice", .password = (char *)"secret"};
    n->config = (hp_server_config){
        .kind = HP_SERVER_TURN,
        .transports = HP_SERVER_UDP | HP_SERVER_TCP | HP_SERVER_TLS | HP_SERVER_DTLS,
        .relays = HP_RELAY_UDP | HP_RELAY_TCP,
        .users = &n->user,
        .n_users = 1,
        .dont_fragment = true,
        .allow_private_peers = true,
    };
    const hp_tls_config tls = {.client = true, .alpn = HP_TLS_ALPN};
    n->tls = hp_tls_context_new(&tls, NULL, NULL);
    return n;
}

static inline void net_start(net *n)
{
    g_autoptr(GError) error = NULL;
    n->server = hp_server_new(n->turn, "turn", &n->config, &error);
    assert_null(error);
    assert_non_null(n->server);
}

static inline void net_free(net *n)
{
    hp_server_free(n->server);
    hp_world_free(n->world);
    hp_trace_free(n->trace);
    hp_tls_context_free(n->tls);
    g_free(n);
}

static inline void net_run(net *n, hp_time until)
{
    g_autoptr(GError) error = NULL;
    if (!hp_world_run_until(n->world, until, &error)) {
        fail_msg("%s", error->message);
    }
}

static inline void net_wait(net *n, hp_time span)
{
    net_run(n, hp_world_now(n->world) + span);
}

/* The nth (from 0) event of a kind whose field `key` (NULL: any) is text. */
static inline bool net_find(const net *n, hp_event_kind kind, const char *key, const char *text, unsigned nth,
                            hp_record *ret)
{
    hp_trace_cursor cursor = {0};
    hp_record r;
    while (hp_trace_next(n->trace, &cursor, &r)) {
        if (r.type == HP_RECORD_EVENT && r.event.kind == kind &&
            (key == NULL || strcmp(hp_record_text(&r, key), text) == 0) && nth-- == 0) {
            *ret = r;
            return true;
        }
    }
    return false;
}

static inline unsigned net_count(const net *n, hp_event_kind kind, const char *key, const char *text)
{
    hp_record r;
    unsigned count = 0;
    while (net_find(n, kind, key, text, count, &r)) {
        count++;
    }
    return count;
}

/* ---- connections ---- */

static inline void conn_flush(conn *c)
{
    size_t length;
    const uint8_t *bytes = hp_tls_output(c->tls, &length);
    size_t taken = hp_tcp_send(c->socket, bytes, length);
    hp_tls_output_sent(c->tls, taken);
}

static inline void conn_take(conn *c, const uint8_t *data, size_t len)
{
    const uint8_t *message;
    size_t length;
    if (c->raw) {
        g_byte_array_append(c->bytes, data, (guint)len);
        return;
    }
    hp_stun_stream_put(&c->framer, data, len);
    while (hp_stun_stream_next(&c->framer, &message, &length)) {
        assert_true(length <= sizeof c->last);
        c->n_messages++;
        c->at = hp_world_now(c->n->world);
        c->length = length;
        memcpy(c->last, message, length);
    }
    assert_null(hp_stun_stream_broken(&c->framer));
}

static inline void conn_read(conn *c)
{
    uint8_t chunk[4096];
    for (size_t length; !c->reads_nothing && (length = hp_tcp_recv(c->socket, chunk, sizeof chunk)) > 0;) {
        if (c->tls == NULL) {
            conn_take(c, chunk, length);
            continue;
        }
        bool over = hp_tls_get_state(c->tls) == HP_TLS_CLOSED; /* the answer to its close_notify */
        assert_int_equal(hp_tls_input(c->tls, chunk, length), over ? 0 : length);
        conn_flush(c);
        for (size_t n; (n = hp_tls_read(c->tls, chunk, sizeof chunk)) > 0;) {
            conn_take(c, chunk, n);
        }
    }
    c->at_eof = hp_tcp_at_eof(c->socket);
}

static inline void conn_on_connected(void *user, hp_tcp_socket *socket)
{
    conn *c = user;
    c->connected = true;
    if (c->tls != NULL) {
        hp_tls_start(c->tls);
        conn_flush(c);
    }
}

static inline void conn_on_readable(void *user, hp_tcp_socket *socket)
{
    conn_read(user);
}

static inline void conn_on_closed(void *user, hp_tcp_socket *socket, hp_tcp_end end)
{
    conn *c = user;
    c->closed = true;
    c->end = end;
}

/* From alice to any address. */
static inline conn *conn_new_to(net *n, const hp_addr *server, bool tls)
{
    static const hp_tcp_ops ops = {
        .connected = conn_on_connected, .readable = conn_on_readable, .closed = conn_on_closed};
    static const hp_tls_ops tls_ops = {0};
    conn *c = g_new0(conn, 1);
    c->n = n;
    c->bytes = g_byte_array_new();
    if (tls) {
        hp_rng rng;
        g_autofree char *name = g_strdup_printf("tls:alice/%u", n->id++);
        hp_rng_init(&rng, 1, name);
        c->tls = hp_tls_new(n->tls, &rng, &tls_ops, c);
    }
    c->socket = hp_tcp_connect(n->alice, NULL, server, &ops, c, NULL);
    assert_non_null(c->socket);
    hp_tcp_set_nodelay(c->socket, true);
    return c;
}

static inline conn *conn_new(net *n, uint16_t server_port, bool tls)
{
    hp_addr server = hp_addr_with_port(net_addr(SERVER_IP), server_port);
    return conn_new_to(n, &server, tls);
}

static inline void conn_free(conn *c)
{
    hp_tcp_close(c->socket);
    hp_tls_free(c->tls);
    hp_stun_stream_clear(&c->framer);
    g_byte_array_unref(c->bytes);
    g_free(c);
}

static inline void conn_say(conn *c, const void *data, size_t len)
{
    if (c->tls == NULL) {
        assert_int_equal(hp_tcp_send(c->socket, data, len), len);
    } else {
        assert_int_equal(hp_tls_write(c->tls, data, len), len);
        conn_flush(c);
    }
}

/* ---- requests ---- */

static inline void conn_begin(conn *c, hp_stun_writer *w, uint8_t *buf, size_t cap, uint16_t method)
{
    uint8_t id[12] = {0};
    c->n->id++;
    memcpy(id, &c->n->id, sizeof c->n->id);
    hp_stun_begin(w, buf, cap, HP_STUN_REQUEST, method, id, NULL);
}

static inline hp_stun_msg conn_answer(const conn *c)
{
    hp_stun_msg m;
    assert_true(hp_stun_parse(c->last, c->length, &m));
    return m;
}

static inline hp_stun_attr conn_attr(const conn *c, uint16_t type)
{
    hp_stun_msg m = conn_answer(c);
    hp_stun_attr a;
    assert_true(hp_stun_find(&m, type, &a));
    return a;
}

static inline hp_addr conn_attr_addr(const conn *c, uint16_t type)
{
    hp_stun_msg m = conn_answer(c);
    hp_stun_attr a = conn_attr(c, type);
    hp_addr ret;
    assert_true(hp_stun_attr_addr(&m, &a, true, &ret));
    return ret;
}

static inline unsigned conn_code(const conn *c)
{
    hp_stun_msg m = conn_answer(c);
    hp_stun_attr a;
    unsigned code = 0;
    if (hp_stun_find(&m, HP_STUN_ERROR_CODE, &a)) {
        assert_true(hp_stun_attr_error(&a, &code, NULL, NULL));
    }
    return code;
}

static inline void conn_sign(conn *c, hp_stun_writer *w)
{
    hp_stun_key key = hp_stun_key_long("alice", "hairpin", "secret", false);
    hp_stun_add_text(w, HP_STUN_USERNAME, "alice");
    hp_stun_add_text(w, HP_STUN_REALM, "hairpin");
    hp_stun_add(w, HP_STUN_NONCE, c->nonce, c->nonce_length);
    hp_stun_add_integrity(w, &key, false);
}

/* Sends what was written; the round trip takes 20 ms. The answer's code. */
static inline unsigned conn_ask(conn *c, hp_stun_writer *w)
{
    unsigned before = c->n_messages;
    size_t length = hp_stun_finish(w);
    assert_true(length > 0);
    conn_say(c, w->buf, length);
    net_wait(c->n, 20 * HP_MS);
    assert_int_equal(c->n_messages, before + 1);
    return conn_code(c);
}

/* A request with one attribute of four bytes (type 0: none) and one address (NULL: none), signed; its answer's code. */
static inline unsigned conn_request(conn *c, uint16_t method, uint16_t type, uint32_t value, const hp_addr *peer)
{
    uint8_t buf[600];
    hp_stun_writer w;
    if (c->nonce_length == 0) {
        conn_begin(c, &w, buf, sizeof buf, method);
        assert_int_equal(conn_ask(c, &w), 401);
        hp_stun_attr nonce = conn_attr(c, HP_STUN_NONCE);
        memcpy(c->nonce, nonce.value, nonce.length);
        c->nonce_length = nonce.length;
    }
    conn_begin(c, &w, buf, sizeof buf, method);
    if (type != 0) {
        hp_stun_add_u32(&w, type, value);
    }
    if (peer != NULL) {
        hp_stun_add_addr(&w, HP_STUN_XOR_PEER_ADDRESS, peer, true);
    }
    conn_sign(c, &w);
    return conn_ask(c, &w);
}

static inline hp_addr conn_allocate(conn *c, uint8_t protocol)
{
    assert_int_equal(conn_request(c, HP_STUN_ALLOCATE, HP_STUN_REQUESTED_TRANSPORT, (uint32_t)protocol << 24, NULL), 0);
    return conn_attr_addr(c, HP_STUN_XOR_RELAYED_ADDRESS);
}

#endif
