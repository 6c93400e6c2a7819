/* A host on the kernel's sockets: what stands behind world/host_backend.h in a process that has a network namespace.
 *
 * The host's own lists say which addresses and ports there are, as for a simulated host, so that the same things fail
 * in the same way; the kernel carries the bytes. kernel_udp.c reads, kernel_send.c writes, kernel_errors.c turns the
 * kernel's error queue into ICMP errors, kernel_raw.c sends and sees packets as a whole, kernel_tcp.c and
 * kernel_listener.c are TCP.
 *
 * Invariants: a descriptor belongs to one socket and is watched by the loop as long as that is open; callbacks come from
 * the loop alone, never from within a call. An hp_loop ends before its world, and a host goes with its world: so the
 * sockets are closed while there is a loop, and what is left then is closed without it.
 *
 * Limits: the kernel answers echo requests and sends port unreachable by itself, whatever hp_host_set_silent() says;
 * reassembly, path MTUs and the way round to the host itself are the kernel's. An interface that is set down is only
 * deaf and mute here. */
#include "live/kernel_private.h"

#include <errno.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <string.h>
#include <time.h>

#include "base/error.h"
#include "live/kernel_addresses.h"
#include "live/kernel_calls.h"

/* ---- names ---- */

socklen_t hp_kernel_name_of(const hp_addr *addr, uint32_t scope, hp_kernel_name *ret)
{
    if (addr->family == HP_AF_IPV4) {
        ret->v4 = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons(addr->port)};
        memcpy(&ret->v4.sin_addr, addr->ip, 4);
        return sizeof ret->v4;
    }
    ret->v6 = (struct sockaddr_in6){.sin6_family = AF_INET6, .sin6_port = htons(addr->port), .sin6_scope_id = scope};
    memcpy(&ret->v6.sin6_addr, addr->ip, 16);
    return sizeof ret->v6;
}

hp_addr hp_kernel_addr_of(const hp_kernel_name *name)
{
    hp_addr addr = {0};
    hp_addr_from_sockaddr(&name->any, sizeof *name, &addr);
    return addr;
}

/* ---- interfaces ---- */

/* The index of the kernel's interface that has one of the addresses that this host's interface n has. */
static int find_index(const hp_host *host, unsigned interface)
{
    struct ifaddrs *all;
    int index = -1;
    if (getifaddrs(&all) != 0) {
        return -1;
    }
    for (const struct ifaddrs *a = all; a != NULL && index < 0; a = a->ifa_next) {
        hp_addr addr;
        if (hp_kernel_addr_of_listed(a, &addr) && hp_host_interface_of(host, &addr) == (int)interface) {
            index = (int)if_nametoindex(a->ifa_name);
        }
    }
    freeifaddrs(all);
    return index > 0 ? index : -1;
}

uint32_t hp_kernel_index_of(hp_kernel_host *kernel, unsigned interface)
{
    if (interface >= kernel->indices->len) {
        g_array_set_size(kernel->indices, interface + 1); /* cleared */
    }
    int *index = &g_array_index(kernel->indices, int, interface);
    if (*index == 0) {
        *index = find_index(kernel->host, interface);
    }
    return *index > 0 ? (uint32_t)*index : 0;
}

uint32_t hp_kernel_scope_of(hp_kernel_host *kernel, const hp_addr *local)
{
    if (local->family != HP_AF_IPV6 || !hp_addr_is_link_local(local)) {
        return 0;
    }
    int interface = hp_host_interface_of(kernel->host, local);
    return interface >= 0 ? hp_kernel_index_of(kernel, (unsigned)interface) : 0;
}

static void on_changed(hp_host *host)
{
    hp_kernel_host *kernel = hp_kernel_of(host);
    g_array_set_size(kernel->indices, 0);
    hp_kernel_raw_changed(kernel);
}

/* ---- binding ---- */

void hp_kernel_set_error(GError **error, const hp_kernel_host *kernel, const hp_addr *addr, int number)
{
    char text[HP_ADDR_TEXT];
    hp_addr_format(addr, text);
    const char *name = hp_host_name(kernel->host);
    switch (number) {
    case EADDRINUSE:
        g_set_error(error, HP_ERROR, HP_ERROR_INVALID, "%s: %s is taken by another program", name, text);
        break;
    case EADDRNOTAVAIL:
        g_set_error(error, HP_ERROR, HP_ERROR_INVALID, "%s: %s is no address of this machine", name, text);
        break;
    default:
        g_set_error(error, HP_ERROR, HP_ERROR_ENVIRONMENT, "%s: %s: %s", name, text, g_strerror(number));
        break;
    }
}

hp_host_opened hp_kernel_not_opened(const hp_kernel_host *kernel, const hp_addr *local, int fd, GError **error)
{
    int number = errno;
    if (fd >= 0) {
        close(fd);
    }
    hp_kernel_set_error(error, kernel, local, number);
    return number == EADDRINUSE ? HP_HOST_PORT_TAKEN : HP_HOST_NOT_OPENED;
}

/* The kernel forgets the IPv6 addresses of an interface that is down, and a simulated host does not. */
bool hp_kernel_bind(hp_kernel_host *kernel, int fd, const hp_addr *local)
{
    hp_kernel_name name;
    socklen_t length = hp_kernel_name_of(local, hp_kernel_scope_of(kernel, local), &name);
    if (bind(fd, &name.any, length) == 0) {
        return true;
    }
    if (errno != EADDRNOTAVAIL || hp_addr_is_unspecified(local) || hp_host_reachable_at(kernel->host, local) >= 0) {
        return false;
    }
    return hp_kernel_set_ip(fd, local->family == HP_AF_IPV6, IP_FREEBIND, IPV6_FREEBIND, 1) &&
           bind(fd, &name.any, length) == 0;
}

/* ---- life ---- */

static void on_free(hp_host *host)
{
    hp_kernel_host *kernel = hp_kernel_of(host);
    kernel->loop = NULL;
    hp_kernel_tcp_free_all(kernel);
    g_clear_pointer(&host->tcp, hp_tcp_stack_free);
    hp_host_close_all(host);
    hp_kernel_raw_free(kernel);
    hp_kernel_inbox_free(kernel->inbox);
    hp_kernel_outbox_free(kernel->outbox);
    g_array_unref(kernel->indices);
    g_free(kernel);
}

static const hp_host_backend backend = {
    .socket_size = sizeof(hp_kernel_socket),
    .listener_size = sizeof(hp_kernel_listener),
    .free = on_free,
    .changed = on_changed,
    .open = hp_kernel_udp_open,
    .close = hp_kernel_udp_close,
    .join = hp_kernel_udp_join,
    .send = hp_kernel_udp_send,
    .send_packet = hp_kernel_send_packet,
    .tcp_listen = hp_kernel_tcp_listen,
    .tcp_listener_close = hp_kernel_listener_close,
    .tcp_listener_set_receive_buffer = hp_kernel_listener_set_receive_buffer,
    .tcp_connect = hp_kernel_tcp_connect,
    .tcp_send = hp_kernel_tcp_send,
    .tcp_room = hp_kernel_tcp_room,
    .tcp_recv = hp_kernel_tcp_recv,
    .tcp_peek = hp_kernel_tcp_peek,
    .tcp_available = hp_kernel_tcp_available,
    .tcp_at_eof = hp_kernel_tcp_at_eof,
    .tcp_shutdown = hp_kernel_tcp_shutdown,
    .tcp_close = hp_kernel_tcp_close,
    .tcp_abort = hp_kernel_tcp_abort,
    .tcp_set_nodelay = hp_kernel_tcp_set_nodelay,
    .tcp_set_tos = hp_kernel_tcp_set_tos,
    .tcp_set_keepalive = hp_kernel_tcp_set_keepalive,
    .tcp_set_user_timeout = hp_kernel_tcp_set_user_timeout,
    .tcp_state = hp_kernel_tcp_state,
    .tcp_end = hp_kernel_tcp_end,
    .tcp_stats = hp_kernel_tcp_stats,
    .tcp_n_connections = hp_kernel_tcp_n_connections,
};

/* Sleeps when at least eight datagrams are to be expected meanwhile: for fewer the delay is not worth it. The mean follows within some sixteen turns. */
static void gather(hp_kernel_host *kernel)
{
    enum { WEIGHT = 16, WORTH_IT_MILLI = 8000, MOST_MILLI = 1000000 };
    uint64_t came = kernel->counters.datagrams_in - kernel->counted;
    if (came == 0) {
        return;
    }
    hp_time now = hp_clock_read(CLOCK_MONOTONIC), passed = MAX(now - kernel->counted_at, 1);
    uint64_t expected_milli = MIN(came * 1000 * kernel->gathering / passed, MOST_MILLI);
    kernel->expected_milli = (kernel->expected_milli * (WEIGHT - 1) + expected_milli) / WEIGHT;
    kernel->counted = kernel->counters.datagrams_in;
    kernel->counted_at = now;
    if (kernel->expected_milli >= WORTH_IT_MILLI) {
        const struct timespec pause = {.tv_nsec = (long)kernel->gathering};
        clock_nanosleep(CLOCK_MONOTONIC, 0, &pause, NULL);
    }
}

static void on_end_of_turn(void *user)
{
    hp_kernel_host *kernel = user;
    hp_kernel_flush_all(kernel);
    kernel->turn++;
    if (kernel->gathering > 0) {
        gather(kernel);
    }
}

void hp_kernel_host_set_gathering(hp_host *host, hp_time longest)
{
    hp_kernel_of(host)->gathering = MIN(longest, HP_S / 10);
}

hp_host *hp_kernel_host_new(hp_world *world, const char *name, hp_loop *loop)
{
    hp_kernel_host *kernel = g_new0(hp_kernel_host, 1);
    kernel->host = hp_host_new(world, name);
    kernel->loop = loop;
    kernel->turn = 2; /* no socket was full at the one before */
    kernel->indices = g_array_new(FALSE, TRUE, sizeof(int));
    kernel->inbox = hp_kernel_inbox_new();
    kernel->outbox = hp_kernel_outbox_new();
    kernel->at_end = hp_loop_at_end(loop, on_end_of_turn, kernel);
    hp_host_set_untapped(kernel->host); /* its packets are the kernel's, and recorded where they are carried */
    hp_host_set_backend(kernel->host, &backend, kernel);
    return kernel->host;
}

bool hp_host_is_kernel(const hp_host *host)
{
    return host->backend == &backend;
}

hp_loop *hp_kernel_host_loop(const hp_host *host)
{
    return hp_kernel_of(host)->loop;
}

hp_kernel_host_counters hp_kernel_host_get_counters(const hp_host *host)
{
    return hp_kernel_of(host)->counters;
}

void hp_kernel_host_flush(hp_host *host)
{
    hp_kernel_flush_all(hp_kernel_of(host));
}
