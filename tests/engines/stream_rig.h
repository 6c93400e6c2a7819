/* The TURN server under test (rig.h) with byte streams: clients on TCP and TLS, and peers of RFC 6062.
 *
 * A wire is one stream as the driver sees it: bytes that wait to be read by the server, bytes that it wrote, how much
 * more it may write. A client that has a wire sends through it, and what the server writes to it is cut into messages
 * and recorded like datagrams, so that all of rig.h works over a stream too. */
#ifndef HP_TESTS_ENGINES_STREAM_RIG_H
#define HP_TESTS_ENGINES_STREAM_RIG_H

#include "rig.h"

#include "engines/stun_stream.h"

typedef struct wire {
    struct stream_rig *rig;
    hp_turn_stream *stream; /* NULL once it is gone */
    hp_stun_path path;
    bool is_peer;
    bool raw; /* a data connection: what comes out is bytes */
    GByteArray *to_server, *from_server;
    size_t read_most; /* of one read; 0: any */
    size_t room; /* that the server may still write into */
    bool short_of_room; /* a write took not all */
    bool closed; /* by the server */
    hp_time closed_at;
    hp_stun_stream framer;
} wire;

typedef struct stream_rig {
    rig r; /* first */
    GPtrArray *wires; /* in the order of their beginning */
    GArray *listening; /* hp_addr of TCP relays */
    bool refuse_connect;
} stream_rig;

static inline void wire_free(gpointer p)
{
    wire *w = p;
    g_byte_array_unref(w->to_server);
    g_byte_array_unref(w->from_server);
    hp_stun_stream_clear(&w->framer);
    g_free(w);
}

static inline wire *wire_new(stream_rig *s, const hp_stun_path *path, bool is_peer)
{
    wire *w = g_new0(wire, 1);
    *w = (wire){.rig = s, .path = *path, .is_peer = is_peer, .raw = is_peer, .room = SIZE_MAX};
    w->to_server = g_byte_array_new();
    w->from_server = g_byte_array_new();
    g_ptr_array_add(s->wires, w);
    return w;
}

/* ---- the driver's side ---- */

static inline size_t wire_op_read(void *user, hp_time now, void *handle, uint8_t *out, size_t cap)
{
    wire *w = handle;
    assert_false(w->closed);
    size_t length = MIN(cap, w->to_server->len);
    length = w->read_most != 0 ? MIN(length, w->read_most) : length;
    if (length > 0) {
        memcpy(out, w->to_server->data, length);
        g_byte_array_remove_range(w->to_server, 0, (guint)length);
    }
    return length;
}

static inline size_t wire_op_write(void *user, hp_time now, void *handle, const uint8_t *data, size_t len)
{
    wire *w = handle;
    stream_rig *s = w->rig;
    assert_false(w->closed);
    assert_int_equal(now, s->r.now);
    size_t taken = MIN(len, w->room);
    w->room -= w->room == SIZE_MAX ? 0 : taken;
    w->short_of_room = taken < len;
    g_byte_array_append(w->from_server, data, (guint)taken);
    if (w->raw) {
        return taken;
    }
    const uint8_t *message;
    size_t length;
    hp_stun_stream_put(&w->framer, data, taken);
    while (hp_stun_stream_next(&w->framer, &message, &length)) {
        rig_sent *sent = g_new0(rig_sent, 1);
        *sent = (rig_sent){.at = now, .path = w->path, .length = length};
        memcpy(sent->bytes, message, length);
        if (!hp_stun_parse(sent->bytes, length, &sent->msg)) {
            sent->msg = (hp_stun_msg){0};
        }
        g_ptr_array_add(s->r.sent, sent);
    }
    assert_null(hp_stun_stream_broken(&w->framer));
    return taken;
}

static inline void wire_op_close(void *user, hp_time now, void *handle)
{
    wire *w = handle;
    assert_false(w->closed);
    w->closed = true;
    w->closed_at = now;
    w->stream = NULL;
}

static inline bool wire_op_open(void *user, const hp_addr *relay, void **ret_handle)
{
    stream_rig *s = user;
    g_array_append_val(s->listening, *relay);
    *ret_handle = GUINT_TO_POINTER(relay->port);
    return true;
}

static inline void wire_op_close_relay(void *user, const hp_addr *relay, void *handle)
{
    stream_rig *s = user;
    assert_int_equal(GPOINTER_TO_UINT(handle), relay->port);
    for (guint i = 0; i < s->listening->len; i++) {
        if (hp_addr_equal(&g_array_index(s->listening, hp_addr, i), relay)) {
            g_array_remove_index(s->listening, i);
            return;
        }
    }
    fail_msg("that relay does not listen");
}

static inline void *wire_op_connect(void *user, hp_time now, const hp_addr *relay, void *relay_handle,
                                    const hp_addr *peer, hp_turn_stream *stream)
{
    stream_rig *s = user;
    assert_int_equal(GPOINTER_TO_UINT(relay_handle), relay->port);
    if (s->refuse_connect) {
        return NULL;
    }
    const hp_stun_path path = {.client = *peer, .server = *relay, .transport = HP_STUN_OVER_TCP};
    wire *w = wire_new(s, &path, true);
    w->stream = stream;
    return w;
}

/* ---- the other side of the wires ---- */

static inline wire *wire_of(const stream_rig *s, const hp_addr *client)
{
    for (guint i = s->wires->len; i > 0; i--) {
        wire *w = s->wires->pdata[i - 1];
        if (!w->is_peer && hp_addr_equal(&w->path.client, client)) {
            return w;
        }
    }
    fail_msg("no such client");
    return NULL;
}

/* Bytes come in on a wire. */
static inline void wire_put(wire *w, const void *data, size_t len)
{
    g_byte_array_append(w->to_server, data, (guint)len);
    if (w->stream != NULL) {
        hp_turn_stream_readable(w->stream, w->rig->r.now);
    }
}

static inline void wire_end(wire *w)
{
    hp_turn_stream_ended(w->stream, w->rig->r.now);
}

static inline void wire_lose(wire *w)
{
    hp_turn_stream *stream = w->stream;
    w->stream = NULL;
    hp_turn_stream_lost(stream, w->rig->r.now);
}

/* There is room for so much more. */
static inline void wire_make_room(wire *w, size_t room)
{
    w->room = room;
    w->short_of_room = false;
    hp_turn_stream_writable(w->stream, w->rig->r.now);
}

static inline void wire_assert_got(wire *w, const char *text)
{
    assert_int_equal(w->from_server->len, strlen(text));
    assert_memory_equal(w->from_server->data, text, strlen(text));
}

static inline void stream_rig_input(rig *r, const hp_addr *from, const uint8_t *data, size_t len)
{
    wire_put(wire_of((stream_rig *)r, from), data, len);
}

/* ---- life ---- */

static inline void stream_rig_init(stream_rig *s)
{
    memset(s, 0, sizeof *s);
    rig_init(&s->r);
    s->r.config.transports = HP_SERVER_UDP | HP_SERVER_TCP | HP_SERVER_TLS;
    s->r.config.relays = HP_RELAY_UDP | HP_RELAY_TCP;
    s->r.input = stream_rig_input;
    s->wires = g_ptr_array_new_with_free_func(wire_free);
    s->listening = g_array_new(FALSE, FALSE, sizeof(hp_addr));
}

static inline void stream_rig_start(stream_rig *s)
{
    static const hp_server_ops ops = {
        .send = rig_op_send,
        .event = rig_op_event,
        .open_relay = rig_op_open,
        .close_relay = rig_op_close,
        .relay = rig_op_relay,
        .read = wire_op_read,
        .write = wire_op_write,
        .close = wire_op_close,
        .open_tcp_relay = wire_op_open,
        .close_tcp_relay = wire_op_close_relay,
        .connect = wire_op_connect,
    };
    hp_rng rng;
    hp_rng_init(&rng, 1, "server:turn");
    s->r.server = hp_turn_server_new(&s->r.config, s->r.addresses, s->r.n_addresses, &rng, &ops, s);
}

static inline void stream_rig_end(stream_rig *s)
{
    rig_end(&s->r);
    assert_int_equal(s->listening->len, 0);
    for (guint i = 0; i < s->wires->len; i++) {
        const wire *w = s->wires->pdata[i];
        assert_null(w->stream);
    }
    g_ptr_array_unref(s->wires);
    g_array_unref(s->listening);
}

/* A client connects; its address is its own wire's. */
static inline wire *stream_rig_connect(stream_rig *s, const char *client, uint8_t transport)
{
    hp_stun_path path = {.client = rig_addr(client), .server = s->r.server_addr, .transport = transport};
    wire *w = wire_new(s, &path, false);
    w->stream = hp_turn_server_accept(s->r.server, s->r.now, &path, w);
    return w;
}

/* A peer connects to a relayed address; NULL when it may not. */
static inline wire *stream_rig_peer(stream_rig *s, const hp_addr *relay, const char *peer)
{
    const hp_stun_path path = {.client = rig_addr(peer), .server = *relay, .transport = HP_STUN_OVER_TCP};
    wire *w = wire_new(s, &path, true);
    w->stream = hp_turn_server_accept_peer(s->r.server, s->r.now, relay, &path.client, w);
    return w->stream != NULL ? w : NULL;
}

/* Time goes on, and what is due happens when it is due. */
static inline void stream_rig_run(stream_rig *s, hp_time until)
{
    for (hp_time at; (at = hp_turn_server_deadline(s->r.server)) <= until;) {
        s->r.now = at;
        hp_turn_server_run(s->r.server, at);
        assert_true(hp_turn_server_deadline(s->r.server) > at);
    }
    s->r.now = until;
}

/* An allocation for TCP; returns its address. */
static inline hp_addr stream_rig_allocate(stream_rig *s, rig_client *c)
{
    rig_begin(&s->r, HP_STUN_ALLOCATE);
    hp_stun_add_u32(&s->r.w, HP_STUN_REQUESTED_TRANSPORT, UINT32_C(6) << 24);
    assert_int_equal(rig_login(&s->r, c), 0);
    return rig_attr_addr(rig_last(&s->r), HP_STUN_XOR_RELAYED_ADDRESS, true);
}

static inline void stream_rig_begin_connect(stream_rig *s, rig_client *c, const char *peer)
{
    hp_addr a = rig_addr(peer);
    rig_begin(&s->r, HP_STUN_CONNECT);
    hp_stun_add_addr(&s->r.w, HP_STUN_XOR_PEER_ADDRESS, &a, true);
    rig_sign(&s->r, c);
}

/* A Connect that is not answered at once; the peer's wire. */
static inline wire *stream_rig_ask_peer(stream_rig *s, rig_client *c, const char *peer)
{
    guint before = s->wires->len;
    stream_rig_begin_connect(s, c, peer);
    assert_int_equal(rig_send(&s->r, c), 0);
    assert_int_equal(s->wires->len, before + 1);
    return s->wires->pdata[before];
}

static inline unsigned stream_rig_bind(stream_rig *s, rig_client *c, uint32_t id)
{
    rig_begin(&s->r, HP_STUN_CONNECTION_BIND);
    hp_stun_add_u32(&s->r.w, HP_STUN_CONNECTION_ID, id);
    return rig_login(&s->r, c);
}

/* From now on what comes out of a client's wire is bytes; forgets what came before. */
static inline void wire_turn_raw(wire *w)
{
    w->raw = true;
    g_byte_array_set_size(w->from_server, 0);
}

/* The latest event of a connection has that state and reason. */
static inline void stream_rig_assert_connection(const stream_rig *s, const char *state, const char *reason)
{
    const hp_server_event *e = rig_last_event(&s->r, HP_SERVER_EV_CONNECTION);
    assert_string_equal(e->state, state);
    assert_string_equal(e->reason != NULL ? e->reason : "", reason);
}

static inline void stream_rig_assert_stream(const stream_rig *s, const char *state, const char *reason)
{
    const hp_server_event *e = rig_last_event(&s->r, HP_SERVER_EV_STREAM);
    assert_string_equal(e->state, state);
    assert_string_equal(e->reason != NULL ? e->reason : "", reason);
}

#endif
