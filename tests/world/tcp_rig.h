/* Two hosts, alice and bob, with a link each way, and a transcript of what they send each other by TCP. */
#ifndef HP_TESTS_WORLD_TCP_RIG_H
#define HP_TESTS_WORLD_TCP_RIG_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
/* after the four above */
#include <cmocka.h>

#include "world/link.h"
#include "world/probe.h"
#include "world/tcp.h"

#define ALICE "192.0.2.1"
#define BOB "192.0.2.2"
#define SERVER BOB ":80"

typedef struct rig {
    hp_trace *trace;
    hp_world *world;
    hp_host *a, *b;
    hp_link *there, *back; /* alice to bob, bob to alice */
    uint32_t isn[2]; /* of the connection at hand, alice's and bob's: set by its SYNs */
    GString *text;
    hp_trace_cursor read; /* how far the transcript has come */
} rig;

/* One end: what it was told, and what it got. */
typedef struct end {
    rig *r;
    hp_tcp_socket *socket;
    unsigned connected, readable, writable, closed;
    hp_tcp_end reason;
    hp_time connected_at, closed_at;
    GByteArray *got;
    bool deaf; /* does not read */
    bool echo;
    bool close_on_eof;
    const uint8_t *to_send; /* kept flowing */
    size_t left;
} end;

static inline void end_pump(end *e)
{
    while (e->left > 0) {
        size_t n = hp_tcp_send(e->socket, e->to_send, MIN(e->left, 16384));
        if (n == 0) {
            return;
        }
        e->to_send += n;
        e->left -= n;
    }
}

static inline void end_read(end *e)
{
    uint8_t bytes[8192];
    size_t n;
    while ((n = hp_tcp_recv(e->socket, bytes, sizeof bytes)) > 0) {
        g_byte_array_append(e->got, bytes, (guint)n);
        if (e->echo) {
            assert_int_equal(hp_tcp_send(e->socket, bytes, n), n);
        }
    }
}

static inline void end_connected(void *user, hp_tcp_socket *socket)
{
    end *e = user;
    assert_ptr_equal(socket, e->socket);
    e->connected++;
    e->connected_at = hp_world_now(e->r->world);
}

static inline void end_readable(void *user, hp_tcp_socket *socket)
{
    end *e = user;
    assert_ptr_equal(socket, e->socket);
    e->readable++;
    if (!e->deaf) {
        end_read(e);
    }
    if (e->close_on_eof && hp_tcp_at_eof(socket)) {
        hp_tcp_close(socket);
        e->socket = NULL;
    }
}

static inline void end_writable(void *user, hp_tcp_socket *socket)
{
    end *e = user;
    assert_ptr_equal(socket, e->socket);
    e->writable++;
    end_pump(e);
}

static inline void end_closed(void *user, hp_tcp_socket *socket, hp_tcp_end reason)
{
    end *e = user;
    assert_ptr_equal(socket, e->socket);
    e->closed++;
    e->reason = reason;
    e->closed_at = hp_world_now(e->r->world);
}

static const hp_tcp_ops end_ops = {
    .connected = end_connected, .readable = end_readable, .writable = end_writable, .closed = end_closed};

static inline void end_init(end *e, rig *r)
{
    *e = (end){.r = r, .got = g_byte_array_new()};
}

static inline void end_clear(end *e)
{
    g_byte_array_unref(e->got);
    *e = (end){0};
}

/* The listener's user is the end that the next connection becomes. */
static inline void end_accepted(void *user, hp_tcp_listener *listener, hp_tcp_socket *socket)
{
    end *e = user;
    assert_null(e->socket);
    e->socket = socket;
    e->connected++;
    e->connected_at = hp_world_now(e->r->world);
    hp_tcp_set_ops(socket, &end_ops, e);
}

static const hp_tcp_listener_ops listener_ops = {.accepted = end_accepted};

static inline hp_host *rig_host(rig *r, const char *name, const char *ip, uint32_t mtu)
{
    hp_host *host = hp_host_new(r->world, name);
    hp_addr a = addr(ip);
    hp_host_add_address(host, hp_host_add_interface(host, NULL, mtu), &a);
    return host;
}

/* NULL: 20 ms and nothing else. */
static inline rig *rig_new_full(uint64_t seed, const hp_link_config *there, const hp_link_config *back, bool traced)
{
    static const hp_link_config plain = {.delay_ns = 20 * HP_MS};
    rig *r = g_new0(rig, 1);
    r->trace = traced ? hp_trace_new(NULL) : NULL;
    r->world = hp_world_new(seed, r->trace);
    r->a = rig_host(r, "alice", ALICE, 0);
    r->b = rig_host(r, "bob", BOB, 0);
    r->there = hp_link_new(r->world, "alice>bob", there != NULL ? there : &plain);
    r->back = hp_link_new(r->world, "bob>alice", back != NULL ? back : &plain);
    hp_node_connect(hp_host_node(r->a), 0, hp_link_node(r->there), 0);
    hp_node_connect(hp_link_node(r->there), 0, hp_host_node(r->b), 0);
    hp_node_connect(hp_link_node(r->there), 1, hp_host_node(r->a), 0); /* ICMP errors */
    hp_node_connect(hp_host_node(r->b), 0, hp_link_node(r->back), 0);
    hp_node_connect(hp_link_node(r->back), 0, hp_host_node(r->a), 0);
    hp_node_connect(hp_link_node(r->back), 1, hp_host_node(r->b), 0);
    r->text = g_string_new(NULL);
    return r;
}

static inline rig *rig_new(const hp_link_config *there, const hp_link_config *back)
{
    return rig_new_full(1, there, back, true);
}

/* Packets of these numbers are lost on a link of 20 ms. */
#define LOSING(...)                                                                                                    \
    (&(hp_link_config){.delay_ns = 20 * HP_MS,                                                                         \
                       .drop = (hp_packet_range[]){__VA_ARGS__},                                                       \
                       .n_drop = G_N_ELEMENTS(((hp_packet_range[]){__VA_ARGS__}))})
#define NUMBER(n)                                                                                                      \
    {                                                                                                                  \
        (n), (n)                                                                                                       \
    }

static inline void rig_free(rig *r)
{
    hp_world_free(r->world);
    hp_trace_free(r->trace);
    g_string_free(r->text, TRUE);
    g_free(r);
}

static inline void rig_until(rig *r, hp_time t)
{
    GError *error = NULL;
    assert_true(hp_world_run_until(r->world, t, &error));
    assert_null(error);
}

static inline void rig_connect_from(end *client, hp_host *host, const char *local, const char *remote)
{
    hp_addr from = {0}, to = addr(remote);
    if (local != NULL) {
        from = addr(local);
    }
    GError *error = NULL;
    client->socket = hp_tcp_connect(host, local != NULL ? &from : NULL, &to, &end_ops, client, &error);
    assert_null(error);
    assert_non_null(client->socket);
}

static inline hp_tcp_listener *rig_listen(end *server, hp_host *host, const char *at)
{
    hp_addr local = addr(at);
    GError *error = NULL;
    hp_tcp_listener *l = hp_tcp_listen(host, &local, &listener_ops, server, &error);
    assert_null(error);
    assert_non_null(l);
    return l;
}

/* A connection from alice to bob, established at 40 ms (at bob's end: 60 ms). */
static inline void rig_pair(rig *r, end *client, end *server)
{
    end_init(client, r);
    end_init(server, r);
    rig_listen(server, r->b, SERVER);
    rig_connect_from(client, r->a, ALICE ":50000", SERVER);
}

static inline void say(end *e, const char *text)
{
    assert_int_equal(hp_tcp_send(e->socket, text, strlen(text)), strlen(text));
}

/* Random bytes, the same every time. */
static inline uint8_t *some_bytes(size_t n)
{
    uint8_t *bytes = g_malloc(n);
    hp_rng rng;
    hp_rng_init(&rng, 7, "bytes");
    hp_rng_bytes(&rng, bytes, n);
    return bytes;
}

/* What was sent since the last call, a line each: time, sender, flags, relative sequence and acknowledgement numbers,
 * length when there is any: "40ms alice ACK 1/1 len 5". A lost segment is marked. Only what one connection sends. */
static inline const char *rig_said(rig *r)
{
    hp_record record;
    g_string_truncate(r->text, 0);
    while (hp_trace_next(r->trace, &r->read, &record)) {
        if (record.type == HP_RECORD_DROP && r->text->len > 0 && record.drop.proto == HP_PROTO_TCP &&
            record.drop.reason == HP_DROP_LINK_LIST) {
            g_string_insert(r->text, (gssize)r->text->len - 1, " lost");
            continue;
        }
        if (record.type != HP_RECORD_PACKET || record.packet.dir != HP_DIR_OUT || record.packet.proto != HP_PROTO_TCP) {
            continue;
        }
        hp_tcp_header h;
        const uint8_t *data;
        size_t length;
        size_t skip = (record.packet.src.family == HP_AF_IPV4 ? 20 : 40) + 4;
        assert_true(hp_tcp_parse(record.packet.bytes + skip, record.packet.length - skip, &h, &data, &length));
        unsigned who = strcmp(hp_trace_tap_name(r->trace, record.packet.tap), "alice") == 0 ? 0 : 1;
        if ((h.flags & HP_TCP_SYN) != 0) {
            r->isn[who] = h.seq;
        }
        char at[HP_TIME_TEXT], flags[HP_TCP_FLAGS_TEXT];
        g_string_append_printf(r->text, "%s %s %s %u", hp_time_format(record.at, at), who == 0 ? "alice" : "bob",
                               hp_tcp_flags_format(h.flags, flags), h.seq - r->isn[who]);
        if ((h.flags & HP_TCP_ACK) != 0) {
            g_string_append_printf(r->text, "/%u", h.ack - r->isn[1 - who]);
        }
        if (length > 0) {
            g_string_append_printf(r->text, " len %zu", length);
        }
        g_string_append_c(r->text, '\n');
    }
    return r->text->str;
}

/* The established connection of rig_pair() at 100 ms, the handshake read already. Of a link's packets that are lost,
 * the handshake has taken numbers 1 and 2 of alice's, 1 of bob's. */
static inline rig *established(const hp_link_config *there, const hp_link_config *back, end *client, end *server)
{
    rig *r = rig_new(there, back);
    rig_pair(r, client, server);
    rig_until(r, 100 * HP_MS);
    rig_said(r);
    return r;
}

static inline void finish(rig *r, end *client, end *server)
{
    end_clear(client);
    end_clear(server);
    rig_free(r);
}

/* As there is room. The bytes stay the caller's, until all are sent. */
static inline void send_all(end *e, const uint8_t *bytes, size_t n)
{
    e->to_send = bytes;
    e->left = n;
    end_pump(e);
}

#define assert_state(e, s) assert_string_equal(hp_tcp_state_name(hp_tcp_get_state((e)->socket)), s)
#define assert_reason(e, s) assert_string_equal(hp_tcp_end_name((e)->reason), s)
#define assert_got(e, bytes, n)                                                                                        \
    do {                                                                                                               \
        assert_int_equal((e)->got->len, n);                                                                            \
        assert_memory_equal((e)->got->data, bytes, n);                                                                 \
    } while (0)

#endif
