/* The tunnel's connections.
 *
 *     client -- plain TCP --> [ up -> TLS ] -- TCP --> server
 *            <--------------- [ down <- TLS ] <-------
 *
 * One is made for every client that connects, and connects to the server at once; what the client says meanwhile waits.
 * pump() moves whatever can move, after anything that happened: it holds at most a chunk each way that the other side
 * did not take yet, and stops reading when it cannot pass on, so that flow control goes through. TCP's window on the way
 * in is small as well: a client with TLS of its own would find out at once that the way to the server is full, and not
 * after a megabyte that lies in a buffer which it would not have.
 *
 * The end: when one side has finished, what it said is passed on, the other side is told in order (close_notify and
 * FIN, or FIN), and the connection is over: a TURN client has no use for half of one. When a side breaks (reset,
 * refused, timed out, TLS failed) the other is reset, which is how a client learns that the server cannot be reached; a
 * failure is traced as an error of the peer. */
#include "actors/tls_tunnel.h"

#include "world/tcp.h"

enum { CHUNK = 16384, WINDOW = 8192, MAX_ADDRESSES = 64 };

typedef struct connection connection;

typedef struct waiting_bytes {
    uint8_t bytes[CHUNK];
    size_t at, length; /* length 0: none */
} waiting_bytes;

struct connection {
    hp_tls_tunnel *tunnel;
    hp_tcp_socket *plain, *secret; /* NULL once given up */
    hp_tls *tls;
    bool connected; /* to the server */
    bool input_ended; /* TLS was told that the server has no more */
    bool closing; /* the client has finished: close_notify was said */
    bool broken;
    waiting_bytes up, down;
    connection *next, *previous;
};

struct hp_tls_tunnel {
    hp_host *host;
    char *name, *to;
    hp_addr server;
    hp_dtls_fingerprint expected;
    bool verifies;
    hp_rng rng;
    hp_tls_context *context;
    hp_tcp_listener *listener;
    connection *first;
    unsigned n;
};

/* ---- life of a connection ---- */

static void G_GNUC_PRINTF(2, 3) complain(const hp_tls_tunnel *tunnel, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    g_autofree char *what = g_strdup_vprintf(format, args);
    va_end(args);
    g_autofree char *message = g_strdup_printf("TLS tunnel to %s: %s", tunnel->to, what);
    hp_world *world = hp_host_world(tunnel->host);
    hp_trace_event(hp_world_trace(world), hp_world_now(world), HP_EV_PEER_ERROR, tunnel->name, HP_FU("session", 0),
                   HP_FS("message", message));
}

static void connection_free(connection *c)
{
    hp_tls_tunnel *tunnel = c->tunnel;
    *(c->previous != NULL ? &c->previous->next : &tunnel->first) = c->next;
    if (c->next != NULL) {
        c->next->previous = c->previous;
    }
    tunnel->n--;
    hp_tls_free(c->tls);
    g_free(c);
}

static void give_up(hp_tcp_socket **socket, bool in_order)
{
    if (*socket == NULL) {
        return;
    }
    hp_tcp_set_ops(*socket, NULL, NULL);
    if (in_order) {
        hp_tcp_close(*socket);
    } else {
        hp_tcp_abort(*socket);
    }
    *socket = NULL;
}

static void on_tls_event(void *user, const hp_tls_event *event)
{
    connection *c = user;
    switch (event->kind) {
    case HP_TLS_EV_FAILED:
        c->broken = true;
        complain(c->tunnel, "%s", event->detail);
        break;
    case HP_TLS_EV_CONNECTED:
    case HP_TLS_EV_ALERT_SENT:
    case HP_TLS_EV_ALERT_RECEIVED:
    case HP_TLS_EV_CLOSED:
    case HP_TLS_EV_KEYLOG: /* the server tells the trace */
        break;
    }
}

/* ---- moving ---- */

/* Passes on what waits. True when nothing is left of it; *moved when any went. */
static bool drain(waiting_bytes *w, hp_tcp_socket *plain, hp_tls *tls, bool *moved)
{
    if (w->length > 0) {
        size_t taken = plain != NULL ? hp_tcp_send(plain, w->bytes + w->at, w->length)
                                     : hp_tls_write(tls, w->bytes + w->at, w->length);
        w->at += taken;
        w->length -= taken;
        *moved |= taken > 0;
    }
    return w->length == 0;
}

static bool pump_up(connection *c)
{
    bool moved = false;
    while (drain(&c->up, NULL, c->tls, &moved)) {
        c->up.at = 0;
        c->up.length = hp_tcp_recv(c->plain, c->up.bytes, CHUNK);
        if (c->up.length == 0) {
            break;
        }
        moved = true;
    }
    return moved;
}

static bool pump_down(connection *c)
{
    bool moved = false;
    while (drain(&c->down, c->plain, NULL, &moved)) {
        c->down.at = 0;
        c->down.length = hp_tls_read(c->tls, c->down.bytes, CHUNK);
        if (c->down.length == 0) {
            break;
        }
        moved = true;
    }
    return moved;
}

/* Records from the server into TLS. */
static bool feed(connection *c)
{
    uint8_t chunk[CHUNK];
    size_t length = hp_tcp_recv(c->secret, chunk, MIN(sizeof chunk, hp_tls_input_room(c->tls)));
    if (length > 0) {
        hp_tls_input(c->tls, chunk, length);
        return true;
    }
    if (!c->input_ended && hp_tcp_at_eof(c->secret)) {
        c->input_ended = true;
        hp_tls_input_end(c->tls);
        return true;
    }
    return false;
}

/* Records of TLS to the server. True when none is left. */
static bool flush(connection *c)
{
    for (;;) {
        size_t length;
        const uint8_t *bytes = hp_tls_output(c->tls, &length);
        if (length == 0) {
            return true;
        }
        size_t taken = hp_tcp_send(c->secret, bytes, length);
        hp_tls_output_sent(c->tls, taken);
        if (taken < length) {
            return false;
        }
    }
}

/* Whether the connection is over; then its sockets are given up. */
static bool is_over(connection *c, bool flushed)
{
    hp_tls_state state = hp_tls_get_state(c->tls);
    if (c->broken || state == HP_TLS_FAILED) {
        give_up(&c->plain, false);
        give_up(&c->secret, true); /* behind the alert */
        return true;
    }
    if (c->closing ? flushed : state == HP_TLS_CLOSED && c->down.length == 0) {
        give_up(&c->plain, true);
        give_up(&c->secret, true);
        return true;
    }
    return false;
}

/* Moves all that can, and frees the connection when it is over: the last thing any callback does. */
static void pump(connection *c)
{
    bool moved = true, flushed = false;
    while (c->connected && moved && !c->broken) {
        moved = feed(c);
        moved |= pump_down(c);
        moved |= pump_up(c);
        flushed = flush(c);
    }
    bool client_has_finished = hp_tcp_at_eof(c->plain) && c->up.length == 0;
    if (client_has_finished && !c->closing && hp_tls_get_state(c->tls) != HP_TLS_FAILED) {
        c->closing = true;
        if (c->connected) {
            hp_tls_close(c->tls);
            flushed = flush(c);
        } else {
            flushed = true; /* nobody to tell */
        }
    }
    if (is_over(c, flushed)) {
        connection_free(c);
    }
}

/* ---- what sockets tell ---- */

static void changed(void *user, hp_tcp_socket *socket)
{
    pump(user);
}

static void connected(void *user, hp_tcp_socket *socket)
{
    connection *c = user;
    c->connected = true;
    hp_tls_start(c->tls);
    pump(c);
}

static void plain_closed(void *user, hp_tcp_socket *socket, hp_tcp_end end)
{
    connection *c = user;
    if (end == HP_TCP_END_FINISHED) {
        pump(c);
        return;
    }
    give_up(&c->plain, true);
    give_up(&c->secret, false);
    connection_free(c);
}

static void secret_closed(void *user, hp_tcp_socket *socket, hp_tcp_end end)
{
    connection *c = user;
    if (end != HP_TCP_END_FINISHED) {
        c->broken = true;
        complain(c->tunnel, "the connection ended: %s", hp_tcp_end_name(end));
    }
    pump(c);
}

static void accepted(void *user, hp_tcp_listener *listener, hp_tcp_socket *plain)
{
    static const hp_tcp_ops plain_ops = {.readable = changed, .writable = changed, .closed = plain_closed};
    static const hp_tcp_ops secret_ops = {
        .connected = connected, .readable = changed, .writable = changed, .closed = secret_closed};
    static const hp_tls_ops tls_ops = {.event = on_tls_event};
    hp_tls_tunnel *tunnel = user;
    g_autoptr(GError) error = NULL;
    hp_tcp_socket *secret = hp_tcp_connect(tunnel->host, NULL, &tunnel->server, NULL, NULL, &error);
    if (secret == NULL) {
        complain(tunnel, "%s", error->message);
        hp_tcp_abort(plain);
        return;
    }
    connection *c = g_new0(connection, 1);
    c->tunnel = tunnel;
    c->plain = plain;
    c->secret = secret;
    hp_rng rng;
    hp_rng_init(&rng, hp_rng_u64(&tunnel->rng), "connection");
    c->tls = hp_tls_new(tunnel->context, &rng, &tls_ops, c);
    c->next = tunnel->first;
    if (c->next != NULL) {
        c->next->previous = c;
    }
    tunnel->first = c;
    tunnel->n++;
    hp_tcp_set_nodelay(plain, true);
    hp_tcp_set_nodelay(secret, true);
    hp_tcp_set_ops(plain, &plain_ops, c);
    hp_tcp_set_ops(secret, &secret_ops, c);
}

/* ---- the tunnel ---- */

hp_tls_tunnel *hp_tls_tunnel_new(hp_host *host, const hp_tls_tunnel_config *config)
{
    static const hp_tcp_listener_ops ops = {.accepted = accepted};
    hp_tls_tunnel *tunnel = g_new0(hp_tls_tunnel, 1);
    tunnel->host = host;
    tunnel->name = g_strdup(config->name);
    tunnel->to = g_strdup(config->to);
    tunnel->server = config->server;
    if (config->expected != NULL) {
        tunnel->expected = *config->expected;
        tunnel->verifies = true;
    }
    g_autofree char *stream = g_strdup_printf("tls-tunnel:%s/%s", config->name, config->to);
    hp_world_rng(hp_host_world(host), stream, &tunnel->rng);
    const hp_tls_config tls = {
        .client = true, .alpn = HP_TLS_ALPN, .expected = tunnel->verifies ? &tunnel->expected : NULL};
    tunnel->context = hp_tls_context_new(&tls, NULL, NULL);
    const hp_addr any = {.family = config->server.family};
    tunnel->listener = hp_tcp_listen(host, &any, &ops, tunnel, NULL);
    g_assert(tunnel->context != NULL && tunnel->listener != NULL); /* constant settings; a port among thousands */
    hp_tcp_listener_set_receive_buffer(tunnel->listener, WINDOW);
    return tunnel;
}

void hp_tls_tunnel_free(hp_tls_tunnel *tunnel)
{
    if (tunnel == NULL) {
        return;
    }
    for (connection *c = tunnel->first, *next; c != NULL; c = next) {
        next = c->next;
        hp_tcp_set_ops(c->plain, NULL, NULL); /* they go with their host */
        hp_tcp_set_ops(c->secret, NULL, NULL);
        connection_free(c);
    }
    hp_tcp_listener_close(tunnel->listener);
    hp_tls_context_free(tunnel->context);
    g_free(tunnel->name);
    g_free(tunnel->to);
    g_free(tunnel);
}

hp_addr hp_tls_tunnel_address(const hp_tls_tunnel *tunnel)
{
    hp_addr at[MAX_ADDRESSES], listener = hp_tcp_listener_local(tunnel->listener);
    size_t n = MIN(hp_host_addresses(tunnel->host, at, MAX_ADDRESSES), MAX_ADDRESSES);
    for (size_t i = 0; i < n; i++) {
        if (at[i].family == tunnel->server.family) {
            return hp_addr_with_port(at[i], listener.port);
        }
    }
    return listener;
}

bool hp_tls_tunnel_set_server(hp_tls_tunnel *tunnel, const hp_addr *server)
{
    if (server->family != tunnel->server.family) {
        return false;
    }
    tunnel->server = *server;
    return true;
}

unsigned hp_tls_tunnel_n_connections(const hp_tls_tunnel *tunnel)
{
    return tunnel->n;
}
