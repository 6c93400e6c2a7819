/* The TCP connections of a kernel host: their life, and what the loop tells.
 *
 * A descriptor is watched edge-triggered for everything: each edge is one change, which is what world/tcp.h tells its
 * users, and nothing spins when a user does not read. In the end of a connection the two differ: the kernel has it in
 * its state (TCP_INFO), which is asked for only when the descriptor hangs up. An error that a call met first is kept
 * and told with the next edge, or by a timer where no edge would follow; so callbacks never come from within a call.
 *
 * Open: has a descriptor, its user holds it. Told: closed() was called, nothing follows. Closed by its user: the
 * descriptor is closed, and the kernel does what is left (FIN, or a reset where something was not read, as close()
 * does); the struct is freed, or at the end of its own callback (`pins`).
 *
 * Ports: SO_REUSEADDR and SO_REUSEPORT let connections begin at a port that has a listener, or another connection, of
 * this host (kernel_listener.c has the other half).
 *
 * Limits: of hp_tcp_set_config() the values that Linux has options for are used (nodelay, keepalive, user time-out,
 * buffers where they were changed); TIME-WAIT and retransmissions are the kernel's. hp_tcp_last_record() is 0. */
#include "live/kernel_tcp.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/epoll.h>

#include "base/error.h"
#include "live/kernel_calls.h"

enum { ALL_EDGES = (int)(EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET) };

/* ---- life ---- */

static void on_ready(void *user, uint32_t events);
static void on_timer(void *owner, hp_time now);

static hp_kernel_tcp *tcp_new(hp_kernel_host *kernel, int fd, const hp_addr *local, const hp_addr *remote)
{
    hp_kernel_tcp *tcp = g_new0(hp_kernel_tcp, 1);
    tcp->base.stack = hp_tcp_stack_of(kernel->host);
    tcp->base.pair = (hp_tcp_pair){.local = *local, .remote = *remote};
    tcp->base.held = true;
    tcp->kernel = kernel;
    tcp->fd = fd;
    tcp->next = kernel->first_tcp;
    if (tcp->next != NULL) {
        tcp->next->previous = tcp;
    }
    kernel->first_tcp = tcp;
    kernel->n_connections++;
    hp_timer_init(&tcp->timer, HP_TIMER_NODE, kernel->host->node.id, on_timer, tcp);
    return tcp;
}

static void let_go(hp_kernel_tcp *tcp)
{
    hp_kernel_host *kernel = tcp->kernel;
    if (tcp->fd < 0) {
        return;
    }
    if (kernel->loop != NULL) {
        hp_loop_remove(tcp->watch);
    }
    hp_timer_cancel(kernel->host->node.world, &tcp->timer);
    close(tcp->fd);
    g_clear_pointer(&tcp->early, g_byte_array_unref);
    tcp->fd = -1;
    kernel->n_connections--;
    *(tcp->previous != NULL ? &tcp->previous->next : &kernel->first_tcp) = tcp->next;
    if (tcp->next != NULL) {
        tcp->next->previous = tcp->previous;
    }
}

static void give_up(hp_kernel_tcp *tcp)
{
    let_go(tcp);
    tcp->base.held = false;
    if (tcp->base.pins == 0) {
        g_free(tcp);
    }
}

void hp_kernel_tcp_close(hp_tcp_socket *socket)
{
    give_up((hp_kernel_tcp *)socket);
}

void hp_kernel_tcp_abort(hp_tcp_socket *socket)
{
    hp_kernel_tcp *tcp = (hp_kernel_tcp *)socket;
    const struct linger now = {.l_onoff = 1, .l_linger = 0};
    hp_kernel_set_option(tcp->fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
    give_up(tcp);
}

void hp_kernel_tcp_free_all(hp_kernel_host *kernel)
{
    for (hp_kernel_tcp *tcp = kernel->first_tcp; tcp != NULL;) {
        hp_kernel_tcp *next = tcp->next;
        give_up(tcp);
        tcp = next;
    }
}

unsigned hp_kernel_tcp_n_connections(const hp_host *host)
{
    return hp_kernel_of(host)->n_connections;
}

/* ---- how it ends ---- */

static hp_tcp_end end_of(const hp_kernel_tcp *tcp, int number)
{
    switch (number) {
    case 0:
        return HP_TCP_END_FINISHED;
    case ECONNREFUSED:
        return tcp->connected ? HP_TCP_END_RESET : HP_TCP_END_REFUSED;
    case ETIMEDOUT:
        return HP_TCP_END_TIMED_OUT;
    case ECONNRESET:
    case EPIPE:
        return tcp->connected ? HP_TCP_END_RESET : HP_TCP_END_REFUSED;
    default:
        return tcp->connected ? HP_TCP_END_TIMED_OUT : HP_TCP_END_UNREACHABLE;
    }
}

static int kernel_state(const hp_kernel_tcp *tcp)
{
    struct tcp_info info = {.tcpi_state = 0};
    socklen_t length = sizeof info;
    if (tcp->fd < 0 || getsockopt(tcp->fd, IPPROTO_TCP, TCP_INFO, &info, &length) != 0) {
        return TCP_CLOSE;
    }
    return info.tcpi_state;
}

hp_tcp_state hp_kernel_tcp_state(const hp_tcp_socket *socket)
{
    const hp_kernel_tcp *tcp = (const hp_kernel_tcp *)socket;
    if (tcp->end != HP_TCP_END_NONE) {
        return HP_TCP_CLOSED;
    }
    switch (kernel_state(tcp)) {
    case TCP_SYN_SENT:
        return HP_TCP_SYN_SENT;
    case TCP_SYN_RECV:
        return HP_TCP_SYN_RECEIVED;
    case TCP_ESTABLISHED:
        return HP_TCP_ESTABLISHED;
    case TCP_FIN_WAIT1:
        return HP_TCP_FIN_WAIT_1;
    case TCP_FIN_WAIT2:
        return HP_TCP_FIN_WAIT_2;
    case TCP_CLOSE_WAIT:
        return HP_TCP_CLOSE_WAIT;
    case TCP_CLOSING:
        return HP_TCP_CLOSING;
    case TCP_LAST_ACK:
        return HP_TCP_LAST_ACK;
    case TCP_TIME_WAIT:
        return HP_TCP_TIME_WAIT;
    default:
        return HP_TCP_CLOSED;
    }
}

void hp_kernel_tcp_failed(hp_kernel_tcp *tcp, int number)
{
    if (tcp->failure == 0) {
        tcp->failure = number;
        hp_world *world = tcp->kernel->host->node.world;
        hp_timer_arm(world, &tcp->timer, hp_world_now(world));
    }
}

/* ---- what the loop tells ---- */

static bool is_held(const hp_kernel_tcp *tcp)
{
    return tcp->base.held;
}

static void tell_connected(hp_kernel_tcp *tcp)
{
    tcp->connected = true;
    tcp->wants_room = true; /* writable follows */
    if (tcp->early != NULL) {
        hp_kernel_tcp_send(&tcp->base, tcp->early->data, tcp->early->len);
        g_clear_pointer(&tcp->early, g_byte_array_unref);
    }
    if (tcp->base.ops.connected != NULL) {
        tcp->base.ops.connected(tcp->base.user, &tcp->base);
    }
}

static void tell_closed(hp_kernel_tcp *tcp, hp_tcp_end end)
{
    if (tcp->end != HP_TCP_END_NONE) {
        return;
    }
    tcp->end = end;
    if (tcp->base.ops.closed != NULL) {
        tcp->base.ops.closed(tcp->base.user, &tcp->base, end);
    }
}

static void read_failure(hp_kernel_tcp *tcp)
{
    int number = 0;
    socklen_t length = sizeof number;
    if (tcp->failure == 0 && getsockopt(tcp->fd, SOL_SOCKET, SO_ERROR, &number, &length) == 0) {
        tcp->failure = number;
    }
}

static void tell(hp_kernel_tcp *tcp, uint32_t events)
{
    if ((events & (EPOLLERR | EPOLLHUP)) != 0) {
        read_failure(tcp);
    }
    bool over = tcp->failure != 0 || ((events & EPOLLHUP) != 0 && kernel_state(tcp) == TCP_CLOSE);
    if (!tcp->connected && !over && (events & EPOLLOUT) != 0) {
        tell_connected(tcp);
    }
    if (!tcp->connected && !over) {
        return;
    }
    if ((events & (EPOLLRDHUP | EPOLLHUP)) != 0) {
        tcp->peer_finished = true;
    }
    if (is_held(tcp) && tcp->connected && (events & (EPOLLIN | EPOLLRDHUP)) != 0 && tcp->base.ops.readable != NULL) {
        tcp->base.ops.readable(tcp->base.user, &tcp->base);
    }
    if (is_held(tcp) && (events & EPOLLOUT) != 0 && !over && tcp->wants_room && !tcp->finished) {
        tcp->wants_room = false;
        if (tcp->base.ops.writable != NULL) {
            tcp->base.ops.writable(tcp->base.user, &tcp->base);
        }
    }
    if (is_held(tcp) && over) {
        tell_closed(tcp, end_of(tcp, tcp->failure));
    }
}

static void tell_pinned(hp_kernel_tcp *tcp, uint32_t events)
{
    if (tcp->end != HP_TCP_END_NONE) {
        return;
    }
    tcp->base.pins++;
    tell(tcp, events);
    tcp->base.pins--;
    if (!tcp->base.held && tcp->base.pins == 0) {
        g_free(tcp);
    }
}

static void on_ready(void *user, uint32_t events)
{
    tell_pinned(user, events);
}

static void on_timer(void *owner, hp_time now)
{
    tell_pinned(owner, EPOLLERR | EPOLLIN | EPOLLRDHUP);
}

void hp_kernel_tcp_shutdown(hp_tcp_socket *socket)
{
    hp_kernel_tcp *tcp = (hp_kernel_tcp *)socket;
    if (tcp->end != HP_TCP_END_NONE || tcp->finished) {
        return;
    }
    tcp->finished = true;
    if (!tcp->connected) {
        tcp->end = HP_TCP_END_ABORTED; /* of which nobody is told */
    }
    shutdown(tcp->fd, SHUT_WR);
}

/* ---- beginning ---- */

/* What differs from the kernel's own values. */
static void apply_config(hp_kernel_tcp *tcp)
{
    const hp_tcp_config *config = &tcp->base.stack->config;
    hp_tcp_config usual;
    hp_tcp_config_init(&usual);
    if (config->nodelay) {
        hp_kernel_tcp_set_nodelay(&tcp->base, true);
    }
    if (config->keepalive) {
        hp_kernel_tcp_set_keepalive(&tcp->base, true, config->keepalive_idle_ns, config->keepalive_interval_ns,
                                    config->keepalive_count);
    }
    if (config->user_timeout_ns != 0) {
        hp_kernel_tcp_set_user_timeout(&tcp->base, config->user_timeout_ns);
    }
    if (config->receive_buffer != usual.receive_buffer) {
        hp_kernel_set_int(tcp->fd, SOL_SOCKET, SO_RCVBUF, (int)MIN(config->receive_buffer, INT_MAX));
    }
    if (config->send_buffer != usual.send_buffer) {
        hp_kernel_set_int(tcp->fd, SOL_SOCKET, SO_SNDBUF, (int)MIN(config->send_buffer, INT_MAX));
    }
}

static bool watch(hp_kernel_tcp *tcp)
{
    tcp->watch = hp_loop_add(tcp->kernel->loop, tcp->fd, ALL_EDGES, on_ready, tcp);
    return tcp->watch != NULL;
}

hp_tcp_socket *hp_kernel_tcp_take(hp_kernel_host *kernel, int fd, const hp_addr *local, const hp_addr *remote)
{
    hp_kernel_tcp *tcp = tcp_new(kernel, fd, local, remote);
    tcp->connected = true;
    apply_config(tcp);
    if (!watch(tcp)) {
        give_up(tcp);
        return NULL;
    }
    return &tcp->base;
}

void hp_kernel_tcp_share_port(int fd)
{
    hp_kernel_set_int(fd, SOL_SOCKET, SO_REUSEADDR, 1);
    hp_kernel_set_int(fd, SOL_SOCKET, SO_REUSEPORT, 1);
}

/* Whether the kernel took it: also a refusal that came at once is told by a callback. */
static bool begin(hp_kernel_tcp *tcp)
{
    bool v6 = tcp->base.pair.local.family == HP_AF_IPV6;
    const hp_addr *local = &tcp->base.pair.local, *remote = &tcp->base.pair.remote;
    uint32_t scope = hp_kernel_scope_of(tcp->kernel, local);
    if (v6) {
        hp_kernel_set_int(tcp->fd, IPPROTO_IPV6, IPV6_V6ONLY, 1);
    }
    if (local->port != 0) {
        hp_kernel_tcp_share_port(tcp->fd);
    } else {
        hp_kernel_set_int(tcp->fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, 1);
    }
    apply_config(tcp);
    hp_kernel_name name;
    if (!hp_kernel_bind(tcp->kernel, tcp->fd, local)) {
        return false;
    }
    socklen_t length = hp_kernel_name_of(remote, hp_addr_is_link_local(remote) ? scope : 0, &name);
    if (connect(tcp->fd, &name.any, length) == 0 || errno == EINPROGRESS) {
        return watch(tcp);
    }
    if (errno == ECONNREFUSED || errno == ETIMEDOUT || errno == ECONNRESET) {
        hp_kernel_tcp_failed(tcp, errno);
        return watch(tcp);
    }
    return false;
}

static void set_error(GError **error, const hp_kernel_host *kernel, const hp_tcp_pair *pair, int number)
{
    char here[HP_ADDR_TEXT], there[HP_ADDR_TEXT];
    const char *name = hp_host_name(kernel->host);
    hp_addr_format(&pair->local, here);
    hp_addr_format(&pair->remote, there);
    if (number == EADDRNOTAVAIL && pair->local.port == 0) {
        g_set_error(error, HP_ERROR, HP_ERROR_LIMIT, "%s: no port of %s is left for a connection to %s", name, here,
                    there);
        return;
    }
    const char *why =
        number == EADDRNOTAVAIL || number == EADDRINUSE ? "there is such a connection already" : g_strerror(number);
    g_set_error(error, HP_ERROR, HP_ERROR_INVALID, "%s: from %s to %s: %s", name, here, there, why);
}

hp_tcp_socket *hp_kernel_tcp_connect(hp_host *host, const hp_addr *local, const hp_addr *remote, const hp_tcp_ops *ops,
                                     void *user, GError **error)
{
    hp_kernel_host *kernel = hp_kernel_of(host);
    int fd = hp_kernel_open(local->family == HP_AF_IPV6 ? AF_INET6 : AF_INET, SOCK_STREAM, 0);
    if (fd < 0) {
        hp_kernel_set_error(error, kernel, local, errno);
        return NULL;
    }
    hp_kernel_tcp *tcp = tcp_new(kernel, fd, local, remote);
    hp_tcp_set_ops(&tcp->base, ops, user);
    if (!begin(tcp)) {
        set_error(error, kernel, &tcp->base.pair, errno);
        give_up(tcp);
        return NULL;
    }
    hp_kernel_name name;
    socklen_t length = sizeof name;
    if (getsockname(fd, &name.any, &length) == 0) {
        tcp->base.pair.local = hp_kernel_addr_of(&name);
    }
    return &tcp->base;
}
