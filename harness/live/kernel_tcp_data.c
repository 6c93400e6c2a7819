/* The calls on a kernel host's TCP connection: bytes out and in, options, figures.
 *
 * Bytes go straight to the kernel: a send is a system call, as Nagle and the buffers are the kernel's. How much room
 * there is the kernel does not say before it is asked to take it; hp_tcp_room() is 0 while poll() says that nothing is
 * taken, else what is left of the send buffer. What was not read when a connection broke can still be read. */
#include "live/kernel_tcp.h"

#include <errno.h>
#include <linux/sockios.h>
#include <linux/tcp.h>
#include <poll.h>
#include <sys/ioctl.h>

#include "live/kernel_calls.h"

/* The kernel takes nothing before the connection is there. */
static size_t send_early(hp_kernel_tcp *tcp, const void *data, size_t length)
{
    if (tcp->early == NULL) {
        tcp->early = g_byte_array_new();
    }
    size_t taken = MIN(length, HP_KERNEL_TCP_EARLY - tcp->early->len);
    g_byte_array_append(tcp->early, data, (guint)taken);
    return taken;
}

size_t hp_kernel_tcp_send(hp_tcp_socket *socket, const void *data, size_t length)
{
    hp_kernel_tcp *tcp = (hp_kernel_tcp *)socket;
    if (tcp->end != HP_TCP_END_NONE || tcp->finished || tcp->failure != 0 || length == 0) {
        return 0;
    }
    if (!tcp->connected) {
        return send_early(tcp, data, length);
    }
    ssize_t taken = send(tcp->fd, data, length, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (taken < 0 && errno != EAGAIN && errno != EINTR && errno != ENOBUFS && errno != ENOMEM) {
        hp_kernel_tcp_failed(tcp, errno);
        return 0;
    }
    size_t sent = taken > 0 ? (size_t)taken : 0;
    tcp->wants_room |= sent < length;
    return sent;
}

size_t hp_kernel_tcp_room(const hp_tcp_socket *socket)
{
    const hp_kernel_tcp *tcp = (const hp_kernel_tcp *)socket;
    struct pollfd ask = {.fd = tcp->fd, .events = POLLOUT};
    if (tcp->end != HP_TCP_END_NONE || tcp->finished || tcp->failure != 0 || !tcp->connected || poll(&ask, 1, 0) != 1 ||
        (ask.revents & POLLOUT) == 0) {
        return 0;
    }
    int buffer = 0, queued = 0;
    socklen_t size = sizeof buffer;
    getsockopt(tcp->fd, SOL_SOCKET, SO_SNDBUF, &buffer, &size);
    ioctl(tcp->fd, SIOCOUTQ, &queued);
    return buffer > queued ? (size_t)(buffer - queued) : 1;
}

/* Errors of reading are told by the loop; a const connection is left as it is. */
static ssize_t read_bytes(const hp_kernel_tcp *tcp, void *out, size_t cap, int flags)
{
    return tcp->connected && tcp->fd >= 0 ? recv(tcp->fd, out, cap, MSG_DONTWAIT | flags) : -1;
}

size_t hp_kernel_tcp_recv(hp_tcp_socket *socket, void *out, size_t cap)
{
    hp_kernel_tcp *tcp = (hp_kernel_tcp *)socket;
    ssize_t length = read_bytes(tcp, out, cap, 0);
    if (length < 0 && tcp->connected && errno != EAGAIN && errno != EINTR) {
        hp_kernel_tcp_failed(tcp, errno);
    }
    if (length == 0 && cap > 0) {
        tcp->peer_finished = true;
    }
    return length > 0 ? (size_t)length : 0;
}

size_t hp_kernel_tcp_peek(const hp_tcp_socket *socket, void *out, size_t cap)
{
    ssize_t length = read_bytes((const hp_kernel_tcp *)socket, out, cap, MSG_PEEK);
    return length > 0 ? (size_t)length : 0;
}

size_t hp_kernel_tcp_available(const hp_tcp_socket *socket)
{
    const hp_kernel_tcp *tcp = (const hp_kernel_tcp *)socket;
    int n = 0;
    return tcp->connected && ioctl(tcp->fd, SIOCINQ, &n) == 0 && n > 0 ? (size_t)n : 0;
}

bool hp_kernel_tcp_at_eof(const hp_tcp_socket *socket)
{
    const hp_kernel_tcp *tcp = (const hp_kernel_tcp *)socket;
    bool over = tcp->peer_finished || tcp->end != HP_TCP_END_NONE || tcp->failure != 0;
    return over && hp_kernel_tcp_available(socket) == 0;
}

/* ---- options ---- */

void hp_kernel_tcp_set_nodelay(hp_tcp_socket *socket, bool nodelay)
{
    hp_kernel_set_int(((hp_kernel_tcp *)socket)->fd, IPPROTO_TCP, TCP_NODELAY, nodelay);
}

void hp_kernel_tcp_set_tos(hp_tcp_socket *socket, uint8_t tos)
{
    hp_kernel_set_ip(((hp_kernel_tcp *)socket)->fd, socket->pair.local.family == HP_AF_IPV6, IP_TOS, IPV6_TCLASS, tos);
}

static int whole_seconds(hp_time ns)
{
    return (int)CLAMP(ns / HP_S, 1, 32767);
}

void hp_kernel_tcp_set_keepalive(hp_tcp_socket *socket, bool on, hp_time idle_ns, hp_time interval_ns, unsigned count)
{
    int fd = ((hp_kernel_tcp *)socket)->fd;
    if (on) {
        hp_kernel_set_int(fd, IPPROTO_TCP, TCP_KEEPIDLE, whole_seconds(idle_ns));
        hp_kernel_set_int(fd, IPPROTO_TCP, TCP_KEEPINTVL, whole_seconds(interval_ns));
        hp_kernel_set_int(fd, IPPROTO_TCP, TCP_KEEPCNT, (int)CLAMP(count, 1, 127));
    }
    hp_kernel_set_int(fd, SOL_SOCKET, SO_KEEPALIVE, on);
}

void hp_kernel_tcp_set_user_timeout(hp_tcp_socket *socket, hp_time timeout_ns)
{
    int milliseconds = (int)MIN(timeout_ns / HP_MS, INT_MAX);
    hp_kernel_set_int(((hp_kernel_tcp *)socket)->fd, IPPROTO_TCP, TCP_USER_TIMEOUT, milliseconds);
}

/* ---- what is known of it ---- */

hp_tcp_end hp_kernel_tcp_end(const hp_tcp_socket *socket)
{
    return ((const hp_kernel_tcp *)socket)->end;
}

hp_tcp_conn_stats hp_kernel_tcp_stats(const hp_tcp_socket *socket)
{
    const hp_kernel_tcp *tcp = (const hp_kernel_tcp *)socket;
    struct tcp_info info = {.tcpi_state = 0};
    socklen_t length = sizeof info;
    if (tcp->fd < 0 || getsockopt(tcp->fd, IPPROTO_TCP, TCP_INFO, &info, &length) != 0) {
        return (hp_tcp_conn_stats){.bytes_acked = 0};
    }
    return (hp_tcp_conn_stats){
        .bytes_acked = info.tcpi_bytes_acked,
        .bytes_received = info.tcpi_bytes_received,
        .segments_out = info.tcpi_segs_out,
        .segments_in = info.tcpi_segs_in,
        .retransmissions = info.tcpi_total_retrans,
        .cwnd = info.tcpi_snd_cwnd * info.tcpi_snd_mss,
        .ssthresh = info.tcpi_snd_ssthresh < INT_MAX / 65536 ? info.tcpi_snd_ssthresh * info.tcpi_snd_mss : UINT32_MAX,
        .mss = info.tcpi_snd_mss,
        .send_window = info.tcpi_snd_wnd,
        .srtt_ns = (hp_time)info.tcpi_rtt * HP_US,
        .rto_ns = (hp_time)info.tcpi_rto * HP_US,
    };
}
