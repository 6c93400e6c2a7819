/* The TCP listeners of a kernel host.
 *
 * A listener binds with SO_REUSEADDR alone, so that two programs, or two listeners, never share a port without knowing.
 * SO_REUSEPORT is set once it listens: from then on connections of this host may begin at the same port, which TURN's
 * relays (RFC 6062) and ICE's passive candidates do. Overlaps among this host's own listeners are refused by
 * comparison, as the simulated host does.
 *
 * At most 64 connections are accepted a turn. When there is no descriptor left to accept with, the listener is not
 * watched for a tenth of a second, as epoll would tell of it without end.
 *
 * Limits: the backlog is what net.core.somaxconn allows. */
#include <errno.h>
#include <sys/epoll.h>

#include "base/error.h"
#include "live/kernel_calls.h"
#include "live/kernel_tcp.h"

enum { MOST_A_TURN = 64, TRIES = 100 };
#define PAUSE (100 * HP_MS)

struct hp_kernel_listener {
    hp_tcp_listener base; /* first; stack, local, ops, user and receive_buffer of it are used */
    hp_kernel_host *kernel;
    int fd;
    hp_loop_watch *watch;
    hp_timer pause;
    hp_kernel_listener *previous, *next;
    bool *gone; /* set when it is closed within its own callback */
};

static void pause_over(void *owner, hp_time now)
{
    hp_loop_modify(((hp_kernel_listener *)owner)->watch, EPOLLIN);
}

static void accept_later(hp_kernel_listener *l)
{
    hp_world *world = l->kernel->host->node.world;
    hp_loop_modify(l->watch, 0);
    hp_timer_arm(world, &l->pause, hp_time_add(hp_world_now(world), PAUSE));
}

static void on_ready(void *user, uint32_t events)
{
    hp_kernel_listener *l = user;
    bool gone = false;
    l->gone = &gone;
    for (unsigned i = 0; i < MOST_A_TURN; i++) {
        hp_kernel_name there, here;
        socklen_t there_length = sizeof there, here_length = sizeof here;
        int fd = accept4(l->fd, &there.any, &there_length, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd < 0) {
            if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
                accept_later(l);
            }
            if (errno == ECONNABORTED || errno == EINTR) {
                continue;
            }
            break;
        }
        hp_addr remote = hp_kernel_addr_of(&there), local = l->base.local;
        if (getsockname(fd, &here.any, &here_length) == 0) {
            local = hp_kernel_addr_of(&here);
        }
        if (hp_host_reachable_at(l->kernel->host, &local) < 0) {
            close(fd); /* an address that the host does not have, or whose interface is down */
            continue;
        }
        hp_tcp_socket *socket = hp_kernel_tcp_take(l->kernel, fd, &local, &remote);
        if (socket != NULL) {
            l->base.ops.accepted(l->base.user, &l->base, socket);
        }
        if (gone) {
            return;
        }
    }
    l->gone = NULL;
}

static bool is_taken(const hp_kernel_host *kernel, const hp_addr *local)
{
    for (const hp_kernel_listener *l = kernel->first_listener; l != NULL; l = l->next) {
        const hp_addr *other = &l->base.local;
        if (other->port == local->port && other->family == local->family &&
            (hp_addr_same_ip(other, local) || hp_addr_is_unspecified(other) || hp_addr_is_unspecified(local))) {
            return true;
        }
    }
    return false;
}

/* Returns 0, or errno. */
static int listen_at(hp_kernel_listener *l, const hp_addr *local)
{
    bool v6 = local->family == HP_AF_IPV6;
    l->fd = hp_kernel_open(v6 ? AF_INET6 : AF_INET, SOCK_STREAM, 0);
    if (l->fd < 0) {
        return errno;
    }
    if (v6) {
        hp_kernel_set_int(l->fd, IPPROTO_IPV6, IPV6_V6ONLY, 1);
    }
    hp_kernel_set_int(l->fd, SOL_SOCKET, SO_REUSEADDR, 1);
    if (hp_kernel_bind(l->kernel, l->fd, local) && listen(l->fd, HP_TCP_BACKLOG) == 0) {
        hp_kernel_set_int(l->fd, SOL_SOCKET, SO_REUSEPORT, 1);
        l->watch = hp_loop_add(l->kernel->loop, l->fd, EPOLLIN, on_ready, l);
        if (l->watch != NULL) {
            l->base.local = *local;
            return 0;
        }
    }
    int number = errno;
    close(l->fd);
    l->fd = -1;
    return number;
}

static bool find_place(hp_kernel_listener *l, const hp_addr *local, GError **error)
{
    hp_addr at = *local;
    for (unsigned i = 1;; i++) {
        if (local->port == 0 && !hp_tcp_choose_port(l->base.stack, &at, error)) {
            return false;
        }
        int number = listen_at(l, &at);
        if (number == 0) {
            return true;
        }
        if (number != EADDRINUSE || local->port != 0 || i == TRIES) {
            hp_kernel_set_error(error, l->kernel, &at, number);
            return false;
        }
    }
}

hp_tcp_listener *hp_kernel_tcp_listen(hp_host *host, const hp_addr *local, const hp_tcp_listener_ops *ops, void *user,
                                      GError **error)
{
    hp_kernel_host *kernel = hp_kernel_of(host);
    if (local->port != 0 && is_taken(kernel, local)) {
        char text[HP_ADDR_TEXT];
        g_set_error(error, HP_ERROR, HP_ERROR_INVALID, "%s: somebody listens at %s already", hp_host_name(host),
                    hp_addr_format(local, text));
        return NULL;
    }
    hp_kernel_listener *l = g_new0(hp_kernel_listener, 1);
    *l = (hp_kernel_listener){.kernel = kernel, .fd = -1};
    l->base = (hp_tcp_listener){.stack = hp_tcp_stack_of(host), .ops = *ops, .user = user};
    hp_timer_init(&l->pause, HP_TIMER_NODE, host->node.id, pause_over, l);
    if (!find_place(l, local, error)) {
        g_free(l);
        return NULL;
    }
    hp_tcp_count_port(l->base.stack, &l->base.local, 1);
    l->next = kernel->first_listener;
    if (l->next != NULL) {
        l->next->previous = l;
    }
    kernel->first_listener = l;
    return &l->base;
}

void hp_kernel_listener_close(hp_tcp_listener *listener)
{
    hp_kernel_listener *l = (hp_kernel_listener *)listener;
    hp_kernel_host *kernel = l->kernel;
    if (kernel->loop != NULL) {
        hp_loop_remove(l->watch);
    }
    hp_timer_cancel(kernel->host->node.world, &l->pause);
    close(l->fd);
    hp_tcp_count_port(l->base.stack, &l->base.local, -1);
    *(l->previous != NULL ? &l->previous->next : &kernel->first_listener) = l->next;
    if (l->next != NULL) {
        l->next->previous = l->previous;
    }
    if (l->gone != NULL) {
        *l->gone = true;
    }
    g_free(l);
}

void hp_kernel_listener_set_receive_buffer(hp_tcp_listener *listener, uint32_t bytes)
{
    if (bytes != 0) {
        hp_kernel_set_int(((hp_kernel_listener *)listener)->fd, SOL_SOCKET, SO_RCVBUF, (int)MIN(bytes, INT_MAX));
    }
}

void hp_kernel_listener_free_all(hp_kernel_host *kernel)
{
    for (hp_kernel_listener *l = kernel->first_listener; l != NULL;) {
        hp_kernel_listener *next = l->next;
        hp_kernel_listener_close(&l->base);
        l = next;
    }
}
