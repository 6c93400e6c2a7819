/* A built-in server's byte streams: clients on TCP and TLS, and the TCP connections of relays (RFC 6062), between the
 * host's TCP sockets (world/tcp.h) and the engine, which pulls.
 *
 *     socket -- (TLS) -- engine        server_stream: one of these, for a client or a peer
 *
 * The engine reads when it is told that there is something, and only as much as it can pass on; what it leaves in the
 * socket closes the window, and so backpressure needs nothing here. With TLS the same goes for records: they are
 * decrypted as the engine reads, and encrypted as long as hp_tls_write() takes any.
 *
 * That a stream has ended is found out by reading it to its end, in the middle of an engine that must not be called
 * then: such streams queue in server->ended, and hp_server_settle_streams() tells the engine after whatever call it
 * was. In the same place closed streams are freed, which their own callbacks may still be looking at.
 *
 * Who is closed by the engine over TLS may have records that TCP did not take yet, close_notify among them: the socket
 * is kept (`lingers`) until it has. Over TCP the socket does that by itself. At the run's end nothing is sent any
 * more. */
#include "actors/server_private.h"
#include "base/error.h"

enum { CHUNK = 16384 };

typedef struct server_stream server_stream;

struct server_stream {
    hp_server *server;
    hp_tcp_socket *socket;
    hp_tls *tls; /* NULL over plain TCP */
    hp_turn_stream *stream; /* the engine's; NULL once it has no use for it */
    hp_stun_path path;
    bool input_ended; /* TLS was told that TCP has no more */
    bool queued, told; /* in server->ended; the engine knows */
    bool lingers, closed;
    server_stream *next, *previous;
};

/* ---- life ---- */

static server_stream *stream_new(hp_server *server, hp_tcp_socket *socket, const hp_stun_path *path)
{
    server_stream *s = g_new0(server_stream, 1);
    s->server = server;
    s->socket = socket;
    s->path = *path;
    s->next = server->first_stream;
    if (s->next != NULL) {
        s->next->previous = s;
    }
    server->first_stream = s;
    return s;
}

static void stream_free(gpointer p)
{
    server_stream *s = p;
    hp_tls_free(s->tls);
    g_free(s);
}

/* Gives up the socket; s itself is freed by hp_server_settle_streams(). */
static void bury(server_stream *s)
{
    hp_server *server = s->server;
    if (s->closed) {
        return;
    }
    s->closed = true;
    s->stream = NULL;
    if (s->queued) {
        g_queue_remove(&server->ended, s);
    }
    *(s->previous != NULL ? &s->previous->next : &server->first_stream) = s->next;
    if (s->next != NULL) {
        s->next->previous = s->previous;
    }
    if (server->finishing) {
        hp_tcp_set_ops(s->socket, NULL, NULL); /* it goes with its host */
    } else {
        hp_tcp_close(s->socket);
    }
    g_ptr_array_add(server->graves, s);
}

/* ---- the socket, whose work is the world's and no server's ---- */

static size_t send_bytes(server_stream *s, const uint8_t *data, size_t length)
{
    bool running = hp_server_meter_pause(s->server->meter);
    size_t taken = hp_tcp_send(s->socket, data, length);
    hp_server_meter_resume(s->server->meter, running);
    return taken;
}

static size_t receive_bytes(server_stream *s, uint8_t *out, size_t cap)
{
    bool running = hp_server_meter_pause(s->server->meter);
    size_t length = hp_tcp_recv(s->socket, out, cap);
    hp_server_meter_resume(s->server->meter, running);
    return length;
}

/* ---- TLS ---- */

static void on_tls_event(void *user, const hp_tls_event *event)
{
    server_stream *s = user;
    hp_server *server = s->server;
    hp_time now = hp_world_now(server->world);
    const char *state = NULL;
    switch (event->kind) {
    case HP_TLS_EV_CONNECTED:
        state = "secure";
        break;
    case HP_TLS_EV_ALERT_SENT:
        state = "alert-sent";
        break;
    case HP_TLS_EV_ALERT_RECEIVED:
        state = "alert-received";
        break;
    case HP_TLS_EV_KEYLOG:
        hp_trace_event(hp_world_trace(server->world), now, HP_EV_DTLS_SECRET, server->name,
                       HP_FS("line", event->detail));
        break;
    case HP_TLS_EV_CLOSED:
    case HP_TLS_EV_FAILED:
        break;
    }
    if (state != NULL) {
        hp_server_trace_stream(server, now, &s->path.client, s->path.transport, state, event->detail);
    }
}

/* Hands records to TCP. True when none is left. */
static bool flush(server_stream *s)
{
    for (;;) {
        size_t length;
        const uint8_t *bytes = hp_tls_output(s->tls, &length);
        if (length == 0) {
            return true;
        }
        size_t taken = s->server->finishing ? length : send_bytes(s, bytes, length);
        hp_tls_output_sent(s->tls, taken);
        if (taken < length) {
            return false;
        }
    }
}

/* Moves what TCP has into TLS. False when there was nothing to move. */
static bool feed(server_stream *s)
{
    uint8_t chunk[CHUNK];
    size_t length = receive_bytes(s, chunk, MIN(sizeof chunk, hp_tls_input_room(s->tls)));
    if (length > 0) {
        hp_tls_input(s->tls, chunk, length);
        return true;
    }
    if (!s->input_ended && hp_tcp_at_eof(s->socket)) {
        s->input_ended = true;
        hp_tls_input_end(s->tls);
        return true;
    }
    return false;
}

static bool tls_is_over(const server_stream *s)
{
    hp_tls_state state = hp_tls_get_state(s->tls);
    return state == HP_TLS_CLOSED || state == HP_TLS_FAILED;
}

static size_t read_tls(server_stream *s, uint8_t *out, size_t cap)
{
    size_t length;
    while ((length = hp_tls_read(s->tls, out, cap)) == 0 && !tls_is_over(s) && feed(s)) {
    }
    flush(s);
    return length;
}

/* ---- the engine's calls ---- */

size_t hp_server_read(void *user, hp_time now, void *handle, uint8_t *out, size_t cap)
{
    server_stream *s = handle;
    size_t length = s->tls != NULL ? read_tls(s, out, cap) : receive_bytes(s, out, cap);
    bool at_end = s->tls != NULL ? tls_is_over(s) : hp_tcp_at_eof(s->socket);
    if (length == 0 && at_end && !s->told && !s->queued) {
        s->queued = true;
        g_queue_push_tail(&s->server->ended, s);
    }
    return length;
}

size_t hp_server_write(void *user, hp_time now, void *handle, const uint8_t *data, size_t len)
{
    server_stream *s = handle;
    if (s->tls == NULL) {
        return send_bytes(s, data, len);
    }
    size_t taken = hp_tls_write(s->tls, data, len);
    /* What TCP takes of it makes room for more. */
    while (flush(s) && taken < len) {
        size_t more = hp_tls_write(s->tls, data + taken, len - taken);
        if (more == 0) {
            break;
        }
        taken += more;
    }
    return taken;
}

void hp_server_close(void *user, hp_time now, void *handle)
{
    server_stream *s = handle;
    s->stream = NULL;
    if (s->tls != NULL && !s->server->finishing) {
        hp_tls_close(s->tls);
        if (!flush(s)) {
            s->lingers = true;
            return;
        }
    }
    bury(s);
}

/* ---- what sockets tell ---- */

static void readable(void *user, hp_tcp_socket *socket)
{
    server_stream *s = user;
    if (s->stream != NULL) {
        hp_server_meter_enter(s->server->meter);
        hp_turn_stream_readable(s->stream, hp_world_now(s->server->world));
        hp_server_meter_leave(s->server->meter);
    }
    hp_server_settle(s->server);
}

static void writable(void *user, hp_tcp_socket *socket)
{
    server_stream *s = user;
    hp_server *server = s->server;
    bool flushed = s->tls == NULL || flush(s);
    if (s->lingers) {
        if (flushed) {
            bury(s);
        }
    } else if (s->stream != NULL) {
        hp_server_meter_enter(server->meter);
        hp_turn_stream_writable(s->stream, hp_world_now(server->world));
        hp_server_meter_leave(server->meter);
    }
    hp_server_settle(server);
}

static void connected(void *user, hp_tcp_socket *socket)
{
    server_stream *s = user;
    hp_turn_stream_connected(s->stream, hp_world_now(s->server->world));
    hp_server_settle(s->server);
}

static void closed(void *user, hp_tcp_socket *socket, hp_tcp_end end)
{
    server_stream *s = user;
    hp_server *server = s->server;
    hp_turn_stream *stream = s->stream;
    bury(s);
    if (stream != NULL) {
        hp_turn_stream_lost(stream, hp_world_now(server->world));
    }
    hp_server_settle(server);
}

static const hp_tcp_ops client_ops = {.readable = readable, .writable = writable, .closed = closed};
static const hp_tcp_ops peer_ops = {
    .connected = connected, .readable = readable, .writable = writable, .closed = closed};

static void accept_client(hp_server *server, hp_tcp_socket *socket, uint8_t transport)
{
    static const hp_tls_ops tls_ops = {.event = on_tls_event};
    const hp_stun_path path = {.client = hp_tcp_remote(socket), .server = hp_tcp_local(socket), .transport = transport};
    server_stream *s = stream_new(server, socket, &path);
    hp_tcp_set_nodelay(socket, true);
    hp_tcp_set_ops(socket, &client_ops, s);
    if (transport == HP_STUN_OVER_TLS) {
        hp_rng rng;
        hp_rng_init(&rng, hp_rng_u64(&server->security_rng), "tls-client");
        s->tls = hp_tls_new(server->tls, &rng, &tls_ops, s);
    }
    s->stream = hp_turn_server_accept(server->engine, hp_world_now(server->world), &path, s);
    if (s->stream == NULL) {
        bury(s);
    }
    hp_server_settle(server);
}

static void accepted_tcp(void *user, hp_tcp_listener *listener, hp_tcp_socket *socket)
{
    accept_client(user, socket, HP_STUN_OVER_TCP);
}

static void accepted_tls(void *user, hp_tcp_listener *listener, hp_tcp_socket *socket)
{
    accept_client(user, socket, HP_STUN_OVER_TLS);
}

/* ---- relays ---- */

static void accepted_peer(void *user, hp_tcp_listener *listener, hp_tcp_socket *socket)
{
    hp_server *server = user;
    const hp_addr relay = hp_tcp_local(socket), peer = hp_tcp_remote(socket);
    const hp_stun_path path = {.client = peer, .server = relay, .transport = HP_STUN_OVER_TCP};
    server_stream *s = stream_new(server, socket, &path);
    hp_tcp_set_nodelay(socket, true);
    hp_tcp_set_ops(socket, &peer_ops, s);
    s->stream = hp_turn_server_accept_peer(server->engine, hp_world_now(server->world), &relay, &peer, s);
    if (s->stream == NULL) {
        bury(s);
    }
    hp_server_settle(server);
}

bool hp_server_open_tcp_relay(void *user, const hp_addr *relay, void **ret_handle)
{
    static const hp_tcp_listener_ops ops = {.accepted = accepted_peer};
    hp_server *server = user;
    hp_tcp_listener *listener = hp_tcp_listen(server->host, relay, &ops, server, NULL);
    if (listener == NULL) {
        return false;
    }
    *ret_handle = listener;
    return true;
}

void hp_server_close_tcp_relay(void *user, const hp_addr *relay, void *handle)
{
    hp_tcp_listener_close(handle);
}

void *hp_server_connect(void *user, hp_time now, const hp_addr *relay, void *relay_handle, const hp_addr *peer,
                        hp_turn_stream *stream)
{
    hp_server *server = user;
    const hp_stun_path path = {.client = *peer, .server = *relay, .transport = HP_STUN_OVER_TCP};
    hp_tcp_socket *socket = hp_tcp_connect(server->host, relay, peer, NULL, NULL, NULL);
    if (socket == NULL) {
        return NULL;
    }
    server_stream *s = stream_new(server, socket, &path);
    s->stream = stream;
    hp_tcp_set_nodelay(socket, true);
    hp_tcp_set_ops(socket, &peer_ops, s);
    return s;
}

/* ---- the server's life ---- */

void hp_server_settle_streams(hp_server *server)
{
    for (server_stream *s; (s = g_queue_pop_head(&server->ended)) != NULL;) {
        s->queued = false;
        s->told = true;
        if (s->stream == NULL) {
            continue;
        }
        /* What a failed TLS leaves unread nobody can read; what ended in order was read. */
        hp_turn_stream *stream = s->stream;
        if (s->tls != NULL && hp_tls_get_state(s->tls) == HP_TLS_FAILED) {
            s->stream = NULL;
            if (flush(s)) {
                bury(s);
            } else {
                s->lingers = true;
            }
            hp_turn_stream_lost(stream, hp_world_now(server->world));
        } else {
            hp_turn_stream_ended(stream, hp_world_now(server->world));
        }
    }
    g_ptr_array_set_size(server->graves, 0);
}

void hp_server_init_streams(hp_server *server)
{
    server->listeners = g_ptr_array_new();
    server->graves = g_ptr_array_new_with_free_func(stream_free);
    g_queue_init(&server->ended);
}

static bool listen_at(hp_server *server, uint8_t transport, const hp_tcp_listener_ops *ops, GError **error)
{
    hp_addr at[2 * HP_STUN_MAX_ADDRESSES];
    size_t n = hp_turn_server_listeners(server->engine, transport, at, G_N_ELEMENTS(at));
    for (size_t i = 0; i < n; i++) {
        hp_tcp_listener *listener = hp_tcp_listen(server->host, &at[i], ops, server, error);
        if (listener == NULL) {
            return false;
        }
        g_ptr_array_add(server->listeners, listener);
    }
    return true;
}

bool hp_server_listen_streams(hp_server *server, GError **error)
{
    static const hp_tcp_listener_ops tcp = {.accepted = accepted_tcp}, tls = {.accepted = accepted_tls};
    const hp_server_config *config = &server->config;
    if ((config->transports & HP_SERVER_TLS) != 0 && server->tls == NULL) {
        const hp_tls_config wanted = {
            .min = config->tls_min, .max = config->tls_max, .alpn = config->no_alpn ? NULL : HP_TLS_ALPN};
        server->tls = hp_tls_context_new(&wanted, server->identity, error);
        if (server->tls == NULL) {
            return false;
        }
    }
    return listen_at(server, HP_STUN_OVER_TCP, &tcp, error) && listen_at(server, HP_STUN_OVER_TLS, &tls, error);
}

void hp_server_close_streams(hp_server *server)
{
    for (guint i = 0; i < server->listeners->len; i++) {
        hp_tcp_listener_close(server->listeners->pdata[i]);
    }
    g_ptr_array_set_size(server->listeners, 0);
    while (server->first_stream != NULL) { /* those that linger */
        bury(server->first_stream);
    }
    g_queue_clear(&server->ended);
    g_ptr_array_set_size(server->graves, 0);
}

void hp_server_free_streams(hp_server *server)
{
    hp_tls_context_free(server->tls);
    g_ptr_array_unref(server->listeners);
    g_ptr_array_unref(server->graves);
}
