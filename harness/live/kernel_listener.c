/* The TCP listeners of a kernel host.
 *
 * A listener binds with SO_REUSEADDR alone, so that two programs, or two listeners, never share a port without knowing.
 * SO_REUSEPORT is set once it listens: from then on connections of this host may begin at the same port, which TURN's
 * relays (RFC 6062) and ICE's passive candidates do. Overlaps among this host's own listeners are refused by the host
 * itself (world/tcp_listener.c).
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

enum { MOST_A_TURN = 64 };
#define PAUSE (100 * HP_MS)

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

/* Whether it listens now; else errno says why not. */
static bool listen_at(hp_kernel_listener *l)
{
    if (l->base.local.family == HP_AF_IPV6) {
        hp_kernel_set_int(l->fd, IPPROTO_IPV6, IPV6_V6ONLY, 1);
    }
    hp_kernel_set_int(l->fd, SOL_SOCKET, SO_REUSEADDR, 1);
    if (!hp_kernel_bind(l->kernel, l->fd, &l->base.local) || listen(l->fd, HP_TCP_BACKLOG) != 0) {
        return false;
    }
    hp_kernel_set_int(l->fd, SOL_SOCKET, SO_REUSEPORT, 1);
    l->watch = hp_loop_add(l->kernel->loop, l->fd, EPOLLIN, on_ready, l);
    return l->watch != NULL;
}

hp_host_opened hp_kernel_tcp_listen(hp_tcp_listener *listener, GError **error)
{
    hp_kernel_listener *l = (hp_kernel_listener *)listener;
    hp_host *host = listener->stack->host;
    l->kernel = hp_kernel_of(host);
    hp_timer_init(&l->pause, HP_TIMER_NODE, host->node.id, pause_over, l);
    l->fd = hp_kernel_open(listener->local.family == HP_AF_IPV6 ? AF_INET6 : AF_INET, SOCK_STREAM, 0);
    if (l->fd >= 0 && listen_at(l)) {
        return HP_HOST_OPENED;
    }
    return hp_kernel_not_opened(l->kernel, &listener->local, l->fd, error);
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
    if (l->gone != NULL) {
        *l->gone = true;
    }
}

void hp_kernel_listener_set_receive_buffer(hp_tcp_listener *listener, uint32_t bytes)
{
    if (bytes != 0) {
        hp_kernel_set_int(((hp_kernel_listener *)listener)->fd, SOL_SOCKET, SO_RCVBUF, (int)MIN(bytes, INT_MAX));
    }
}
