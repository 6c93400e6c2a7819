/* TCP sockets: a connection (tcp_conn.h), its timer, and its user.
 *
 * Whatever is done to a connection is done between hp_tcp_socket_begin() and hp_tcp_socket_end(). The end first tells
 * the user what happened, then lets the connection send what it owes, so that an answer given in a callback carries the
 * acknowledgement; then it arms the timer, and takes a connection that is CLOSED out of the table. Only what the world
 * does (a packet, a timer) tells; the user's own calls never call back. They send at once, also within a callback, so
 * that two sends without Nagle are two segments.
 *
 * A pinned socket is not freed, whatever its user does in a callback; hp_tcp_socket_end() looks at `held` again after
 * each. */
#include "world/host_backend.h"

#include "base/error.h"

/* ---- life ---- */

static void on_segment(void *user, const hp_tcp_segment *segment)
{
    hp_tcp_socket *socket = user;
    hp_tcp_send_segment(socket->stack->host, &socket->pair, socket->tos, segment);
}

static const hp_tcp_conn_ops conn_ops = {.segment = on_segment};

static void on_timer(void *owner, hp_time now)
{
    hp_tcp_socket *socket = owner;
    hp_tcp_socket_begin(socket);
    hp_tcp_conn_timeout(socket->conn, now);
    hp_tcp_socket_end(socket, true);
}

hp_tcp_socket *hp_tcp_socket_new(hp_tcp_stack *stack, const hp_tcp_pair *pair, const hp_tcp_header *syn,
                                 uint32_t receive_buffer)
{
    hp_host *host = stack->host;
    hp_tcp_socket *socket = g_new0(hp_tcp_socket, 1);
    socket->stack = stack;
    socket->pair = *pair;
    uint8_t family = pair->local.family;
    uint32_t isn = hp_tcp_new_isn(stack, pair);
    int interface = hp_host_interface_of(host, &pair->local);
    uint32_t mtu = hp_host_mtu_to(host, interface >= 0 ? (unsigned)interface : 0, &pair->remote);
    hp_tcp_config config = stack->config;
    config.receive_buffer = receive_buffer != 0 ? receive_buffer : config.receive_buffer;
    if (syn != NULL) {
        socket->conn = hp_tcp_conn_accept(&config, family, mtu, isn, syn, &conn_ops, socket);
    } else {
        socket->conn = hp_tcp_conn_connect(&config, family, mtu, isn, &conn_ops, socket);
    }
    hp_timer_init(&socket->timer, HP_TIMER_NODE, host->node.id, on_timer, socket);
    hp_tcp_table_add(&stack->connections, pair, socket);
    hp_tcp_count_port(stack, &pair->local, 1);
    socket->in_table = true;
    socket->previous = stack->last_socket;
    *(stack->last_socket != NULL ? &stack->last_socket->next : &stack->first_socket) = socket;
    stack->last_socket = socket;
    return socket;
}

static void leave_table(hp_tcp_socket *socket)
{
    hp_tcp_stack *stack = socket->stack;
    if (socket->in_table) {
        socket->in_table = false;
        hp_tcp_table_remove(&stack->connections, &socket->pair);
        hp_tcp_count_port(stack, &socket->pair.local, -1);
        hp_timer_cancel(stack->host->node.world, &socket->timer);
    }
    if (socket->listener != NULL) {
        socket->listener->n_half_open--;
        socket->listener = NULL;
    }
}

void hp_tcp_socket_destroy(hp_tcp_socket *socket)
{
    hp_tcp_stack *stack = socket->stack;
    leave_table(socket);
    *(socket->previous != NULL ? &socket->previous->next : &stack->first_socket) = socket->next;
    *(socket->next != NULL ? &socket->next->previous : &stack->last_socket) = socket->previous;
    hp_tcp_conn_free(socket->conn);
    g_free(socket);
}

/* ---- around each change ---- */

void hp_tcp_socket_begin(hp_tcp_socket *socket)
{
    socket->stack->entered++;
    socket->pins++;
}

static void hand_over(hp_tcp_socket *socket)
{
    hp_tcp_listener *l = socket->listener;
    socket->listener = NULL;
    l->n_half_open--;
    socket->held = true;
    l->ops.accepted(l->user, l, socket); /* may close the listener */
}

static void tell_user(hp_tcp_socket *socket)
{
    unsigned events;
    while ((events = hp_tcp_conn_take_events(socket->conn)) != 0) {
        if ((events & HP_TCP_EV_CONNECTED) != 0) {
            if (socket->listener != NULL) {
                hand_over(socket);
            } else if (socket->held && socket->ops.connected != NULL) {
                socket->ops.connected(socket->user, socket);
            }
        }
        if ((events & HP_TCP_EV_READABLE) != 0 && socket->held && socket->ops.readable != NULL) {
            socket->ops.readable(socket->user, socket);
        }
        if ((events & HP_TCP_EV_WRITABLE) != 0 && socket->held && socket->ops.writable != NULL) {
            socket->ops.writable(socket->user, socket);
        }
        if ((events & HP_TCP_EV_CLOSED) != 0 && socket->held && socket->ops.closed != NULL) {
            socket->ops.closed(socket->user, socket, hp_tcp_conn_end(socket->conn));
        }
    }
}

/* Everything that hp_tcp_socket_end() does but freeing. True when the connection is CLOSED. */
static bool settle(hp_tcp_socket *socket, bool tell)
{
    hp_tcp_stack *stack = socket->stack;
    if (tell) {
        tell_user(socket);
    }
    hp_tcp_conn_flush(socket->conn, hp_tcp_now(stack));
    bool closed = hp_tcp_conn_state(socket->conn) == HP_TCP_CLOSED;
    if (closed) {
        leave_table(socket);
    } else {
        hp_time deadline = hp_tcp_conn_deadline(socket->conn);
        if (deadline != socket->timer.at || !hp_timer_is_armed(&socket->timer)) {
            hp_timer_arm(stack->host->node.world, &socket->timer, deadline);
        }
    }
    stack->entered--;
    socket->pins--;
    return closed;
}

void hp_tcp_socket_end(hp_tcp_socket *socket, bool tell)
{
    if (settle(socket, tell) && socket->pins == 0 && !socket->held) {
        hp_tcp_socket_destroy(socket);
    }
}

/* ---- connecting ---- */

static bool choose_local(hp_host *host, const hp_addr *local, const hp_addr *remote, hp_addr *ret, GError **error)
{
    char text[HP_ADDR_TEXT];
    if (remote->port == 0 || remote->family == HP_AF_NONE || hp_addr_is_unspecified(remote) ||
        hp_addr_is_multicast(remote)) {
        g_set_error(error, HP_ERROR, HP_ERROR_INVALID, "%s cannot connect to %s", host->node.name,
                    hp_addr_format(remote, text));
        return false;
    }
    hp_addr from = local != NULL ? *local : (hp_addr){.family = remote->family};
    if (!hp_tcp_check_local(host, &from, error)) {
        return false;
    }
    if (from.family != remote->family) {
        g_set_error(error, HP_ERROR, HP_ERROR_INVALID, "%s: %s is of another family than the socket", host->node.name,
                    hp_addr_format(remote, text));
        return false;
    }
    uint16_t port = from.port;
    if (hp_addr_is_unspecified(&from) && hp_host_choose_source(host, remote, &from) < 0) {
        g_set_error(error, HP_ERROR, HP_ERROR_INVALID, "%s: no interface leads to %s", host->node.name,
                    hp_addr_format(remote, text));
        return false;
    }
    from.port = port;
    if (port == 0 && host->backend == NULL && !hp_tcp_choose_port(hp_tcp_stack_of(host), &from, error)) {
        return false;
    }
    *ret = from;
    return true;
}

hp_tcp_socket *hp_tcp_connect(hp_host *host, const hp_addr *local, const hp_addr *remote, const hp_tcp_ops *ops,
                              void *user, GError **error)
{
    hp_tcp_stack *stack = hp_tcp_stack_of(host);
    hp_tcp_pair pair = {.remote = *remote};
    if (!choose_local(host, local, remote, &pair.local, error)) {
        return NULL;
    }
    if (host->backend != NULL) {
        return host->backend->tcp_connect(host, &pair.local, remote, ops, user, error);
    }
    if (hp_tcp_table_find(&stack->connections, &pair) != NULL) {
        char here[HP_ADDR_TEXT], there[HP_ADDR_TEXT];
        g_set_error(error, HP_ERROR, HP_ERROR_INVALID, "%s: there is a connection from %s to %s already",
                    host->node.name, hp_addr_format(&pair.local, here), hp_addr_format(remote, there));
        return NULL;
    }
    hp_tcp_socket *socket = hp_tcp_socket_new(stack, &pair, NULL, 0);
    socket->held = true;
    hp_tcp_set_ops(socket, ops, user);
    hp_tcp_socket_begin(socket);
    settle(socket, false); /* it is held */
    return socket;
}

void hp_tcp_set_ops(hp_tcp_socket *socket, const hp_tcp_ops *ops, void *user)
{
    socket->ops = ops != NULL ? *ops : (hp_tcp_ops){0};
    socket->user = user;
}

/* ---- calls ---- */

/* NULL: the simulated stack. */
static const hp_host_backend *backend_of(const hp_tcp_socket *socket)
{
    return socket->stack->host->backend;
}

size_t hp_tcp_send(hp_tcp_socket *socket, const void *data, size_t length)
{
    const hp_host_backend *backend = backend_of(socket);
    if (G_UNLIKELY(backend != NULL)) {
        return backend->tcp_send(socket, data, length);
    }
    hp_tcp_socket_begin(socket);
    size_t taken = hp_tcp_conn_send(socket->conn, data, length);
    hp_tcp_socket_end(socket, false);
    return taken;
}

/* In the socket's own callback the acknowledgement that may be due is left to what the callback sends, or to its
 * end. */
size_t hp_tcp_recv(hp_tcp_socket *socket, void *out, size_t cap)
{
    const hp_host_backend *backend = backend_of(socket);
    if (G_UNLIKELY(backend != NULL)) {
        return backend->tcp_recv(socket, out, cap);
    }
    if (socket->pins > 0) {
        return hp_tcp_conn_recv(socket->conn, out, cap);
    }
    hp_tcp_socket_begin(socket);
    size_t taken = hp_tcp_conn_recv(socket->conn, out, cap);
    hp_tcp_socket_end(socket, false);
    return taken;
}

void hp_tcp_shutdown(hp_tcp_socket *socket)
{
    const hp_host_backend *backend = backend_of(socket);
    if (G_UNLIKELY(backend != NULL)) {
        backend->tcp_shutdown(socket);
        return;
    }
    hp_tcp_socket_begin(socket);
    hp_tcp_conn_shutdown(socket->conn);
    hp_tcp_socket_end(socket, false);
}

void hp_tcp_close(hp_tcp_socket *socket)
{
    if (socket == NULL) {
        return;
    }
    const hp_host_backend *backend = backend_of(socket);
    if (G_UNLIKELY(backend != NULL)) {
        backend->tcp_close(socket);
        return;
    }
    hp_tcp_socket_begin(socket);
    socket->held = false;
    hp_tcp_conn_close(socket->conn, hp_tcp_now(socket->stack));
    hp_tcp_socket_end(socket, false);
}

void hp_tcp_abort(hp_tcp_socket *socket)
{
    if (socket == NULL) {
        return;
    }
    const hp_host_backend *backend = backend_of(socket);
    if (G_UNLIKELY(backend != NULL)) {
        backend->tcp_abort(socket);
        return;
    }
    hp_tcp_socket_begin(socket);
    socket->held = false;
    hp_tcp_conn_abort(socket->conn);
    hp_tcp_socket_end(socket, false);
}

void hp_tcp_set_nodelay(hp_tcp_socket *socket, bool nodelay)
{
    const hp_host_backend *backend = backend_of(socket);
    if (G_UNLIKELY(backend != NULL)) {
        backend->tcp_set_nodelay(socket, nodelay);
        return;
    }
    hp_tcp_socket_begin(socket);
    hp_tcp_conn_set_nodelay(socket->conn, nodelay);
    hp_tcp_socket_end(socket, false); /* what Nagle held back goes now */
}

void hp_tcp_set_tos(hp_tcp_socket *socket, uint8_t tos)
{
    const hp_host_backend *backend = backend_of(socket);
    if (G_UNLIKELY(backend != NULL)) {
        backend->tcp_set_tos(socket, tos);
        return;
    }
    socket->tos = tos;
}

void hp_tcp_set_keepalive(hp_tcp_socket *socket, bool on, hp_time idle_ns, hp_time interval_ns, unsigned count)
{
    const hp_host_backend *backend = backend_of(socket);
    if (G_UNLIKELY(backend != NULL)) {
        backend->tcp_set_keepalive(socket, on, idle_ns, interval_ns, count);
        return;
    }
    hp_tcp_socket_begin(socket);
    hp_tcp_conn_set_keepalive(socket->conn, hp_tcp_now(socket->stack), on, idle_ns, interval_ns, count);
    hp_tcp_socket_end(socket, false);
}

void hp_tcp_set_user_timeout(hp_tcp_socket *socket, hp_time timeout_ns)
{
    const hp_host_backend *backend = backend_of(socket);
    if (G_UNLIKELY(backend != NULL)) {
        backend->tcp_set_user_timeout(socket, timeout_ns);
        return;
    }
    hp_tcp_conn_set_user_timeout(socket->conn, timeout_ns);
}

/* ---- what is known of it ---- */

size_t hp_tcp_room(const hp_tcp_socket *socket)
{
    const hp_host_backend *backend = backend_of(socket);
    if (G_UNLIKELY(backend != NULL)) {
        return backend->tcp_room(socket);
    }
    return hp_tcp_conn_room(socket->conn);
}

size_t hp_tcp_peek(const hp_tcp_socket *socket, void *out, size_t cap)
{
    const hp_host_backend *backend = backend_of(socket);
    if (G_UNLIKELY(backend != NULL)) {
        return backend->tcp_peek(socket, out, cap);
    }
    return hp_tcp_conn_peek(socket->conn, out, cap);
}

size_t hp_tcp_available(const hp_tcp_socket *socket)
{
    const hp_host_backend *backend = backend_of(socket);
    if (G_UNLIKELY(backend != NULL)) {
        return backend->tcp_available(socket);
    }
    return hp_tcp_conn_available(socket->conn);
}

bool hp_tcp_at_eof(const hp_tcp_socket *socket)
{
    const hp_host_backend *backend = backend_of(socket);
    if (G_UNLIKELY(backend != NULL)) {
        return backend->tcp_at_eof(socket);
    }
    return hp_tcp_conn_at_eof(socket->conn);
}

hp_addr hp_tcp_local(const hp_tcp_socket *socket)
{
    return socket->pair.local;
}

hp_addr hp_tcp_remote(const hp_tcp_socket *socket)
{
    return socket->pair.remote;
}

hp_host *hp_tcp_host(const hp_tcp_socket *socket)
{
    return socket->stack->host;
}

hp_tcp_state hp_tcp_get_state(const hp_tcp_socket *socket)
{
    const hp_host_backend *backend = backend_of(socket);
    if (G_UNLIKELY(backend != NULL)) {
        return backend->tcp_state(socket);
    }
    return hp_tcp_conn_state(socket->conn);
}

hp_tcp_end hp_tcp_get_end(const hp_tcp_socket *socket)
{
    const hp_host_backend *backend = backend_of(socket);
    if (G_UNLIKELY(backend != NULL)) {
        return backend->tcp_end(socket);
    }
    return hp_tcp_conn_end(socket->conn);
}

uint32_t hp_tcp_last_record(const hp_tcp_socket *socket)
{
    return socket->last_record;
}

hp_tcp_conn_stats hp_tcp_get_stats(const hp_tcp_socket *socket)
{
    const hp_host_backend *backend = backend_of(socket);
    if (G_UNLIKELY(backend != NULL)) {
        return backend->tcp_stats(socket);
    }
    return hp_tcp_conn_get_stats(socket->conn);
}
