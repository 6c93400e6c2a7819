/* The UDP sockets of a kernel host: opening, and what comes in.
 *
 * A descriptor is read a batch at a time (recvmmsg), at most one batch a turn, for the others' sake; the loop is
 * level-triggered and comes again. Asking an empty socket for one more costs as much as half a datagram: so a socket is
 * asked for one, as long as it had no more at the last turn, and otherwise for a little more than it held; a full batch
 * makes the next four times as large. With UDP_GRO the kernel may hand over several datagrams of one sender as one
 * buffer and the length of each: they are taken apart here. Every slot of the batch has room for the largest such
 * buffer; only what is used of it is ever touched. One inbox serves all sockets of the host, as nothing nests.
 *
 * A socket that is bound to an address gets no multicast from Linux: joining a group opens a second descriptor, bound
 * to the group. Wildcards ask for the destination of each datagram (IP_PKTINFO).
 *
 * The callback may close any socket: `receiving` says whether ours is still there. */
#include "live/kernel_private.h"

#include <errno.h>
#include <linux/udp.h>
#include <string.h>
#include <sys/epoll.h>

#include "base/error.h"
#include "live/kernel_calls.h"

enum { BATCH = 64, SLOT = 65536, CONTROL = 192, ROOM = 4 << 20 };

struct hp_kernel_inbox {
    struct mmsghdr messages[BATCH];
    struct iovec buffers[BATCH];
    hp_kernel_name names[BATCH];
    union {
        struct cmsghdr align;
        uint8_t bytes[CONTROL];
    } controls[BATCH];
    uint8_t *bytes; /* BATCH slots */
};

hp_kernel_inbox *hp_kernel_inbox_new(void)
{
    hp_kernel_inbox *in = g_new0(hp_kernel_inbox, 1);
    in->bytes = g_malloc((size_t)BATCH * SLOT);
    for (unsigned i = 0; i < BATCH; i++) {
        in->buffers[i] = (struct iovec){.iov_base = in->bytes + (size_t)i * SLOT, .iov_len = SLOT};
        in->messages[i].msg_hdr = (struct msghdr){
            .msg_name = &in->names[i],
            .msg_namelen = sizeof in->names[i],
            .msg_iov = &in->buffers[i],
            .msg_iovlen = 1,
            .msg_control = &in->controls[i],
            .msg_controllen = CONTROL,
        };
    }
    return in;
}

void hp_kernel_inbox_free(hp_kernel_inbox *in)
{
    if (in != NULL) {
        g_free(in->bytes);
        g_free(in);
    }
}

/* ---- what comes in ---- */

/* What the control messages say beside the bytes. segment: of how many bytes each datagram in the buffer is, 0: there
 * is one. */
typedef struct ancillary {
    uint8_t ttl, tos;
    size_t segment;
    hp_addr to; /* family none: not told */
} ancillary;

static int int_of(const struct cmsghdr *c)
{
    int value;
    memcpy(&value, CMSG_DATA(c), sizeof value);
    return value;
}

static void read_ipv4(const struct cmsghdr *c, ancillary *a)
{
    switch (c->cmsg_type) {
    case IP_TTL:
        a->ttl = (uint8_t)int_of(c);
        break;
    case IP_TOS:
        a->tos = *CMSG_DATA(c); /* one byte */
        break;
    case IP_PKTINFO: {
        struct in_pktinfo info;
        memcpy(&info, CMSG_DATA(c), sizeof info);
        a->to = hp_addr_v4(ntohl(info.ipi_addr.s_addr), 0);
        break;
    }
    default:
        break;
    }
}

static void read_ipv6(const struct cmsghdr *c, ancillary *a)
{
    switch (c->cmsg_type) {
    case IPV6_HOPLIMIT:
        a->ttl = (uint8_t)int_of(c);
        break;
    case IPV6_TCLASS:
        a->tos = (uint8_t)int_of(c);
        break;
    case IPV6_PKTINFO: {
        struct in6_pktinfo info;
        memcpy(&info, CMSG_DATA(c), sizeof info);
        a->to = hp_addr_v6(info.ipi6_addr.s6_addr, 0);
        break;
    }
    default:
        break;
    }
}

static ancillary read_control(struct msghdr *m)
{
    ancillary a = {.ttl = 0};
    for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c != NULL; c = CMSG_NXTHDR(m, c)) {
        if (c->cmsg_level == IPPROTO_IP) {
            read_ipv4(c, &a);
        } else if (c->cmsg_level == IPPROTO_IPV6) {
            read_ipv6(c, &a);
        } else if (c->cmsg_level == IPPROTO_UDP && c->cmsg_type == UDP_GRO) {
            a.segment = (size_t)int_of(c);
        }
    }
    return a;
}

static bool may_take(const hp_kernel_socket *s, const hp_addr *to)
{
    if (!s->base.wildcard) {
        return s->base.interface >= 0;
    }
    return hp_host_reachable_at(s->kernel->host, to) >= 0;
}

/* One buffer, which may hold several datagrams. */
static void hand_out(hp_kernel_socket *s, const hp_addr *to, struct mmsghdr *m)
{
    hp_kernel_host *kernel = s->kernel;
    const hp_kernel_name *name = m->msg_hdr.msg_name;
    ancillary a = read_control(&m->msg_hdr);
    hp_datagram d = {.from = hp_kernel_addr_of(name),
                     .to = *to,
                     .ttl = a.ttl,
                     .tos = a.tos,
                     .dont_fragment = to->family == HP_AF_IPV4};
    if (s->base.wildcard && a.to.family != HP_AF_NONE) {
        d.to = hp_addr_with_port(a.to, to->port);
    }
    if (!may_take(s, &d.to)) {
        return;
    }
    const uint8_t *data = m->msg_hdr.msg_iov->iov_base;
    size_t left = m->msg_len, step = a.segment != 0 ? a.segment : left;
    do {
        d.data = data;
        d.length = MIN(step, left);
        kernel->counters.datagrams_in++;
        s->base.ops.datagram(s->base.user, &s->base, &d);
        data += d.length;
        left -= d.length;
    } while (left > 0 && kernel->receiving == s);
}

/* How many the next read asks for. */
static uint16_t expect(const hp_kernel_socket *s, unsigned asked, int n)
{
    if (n == (int)asked) {
        bool had_more = asked > 1 || s->full_at + 1 == s->kernel->turn;
        return (uint16_t)(had_more ? MIN(asked * 4, BATCH) : 1);
    }
    return (uint16_t)(n > 1 ? n + 1 : 1);
}

/* recvmmsg(), or recvmsg() where one will do. */
static int read_some(hp_kernel_inbox *in, int fd, unsigned asked)
{
    if (asked > 1) {
        return recvmmsg(fd, in->messages, asked, MSG_DONTWAIT, NULL);
    }
    ssize_t n = recvmsg(fd, &in->messages[0].msg_hdr, MSG_DONTWAIT);
    in->messages[0].msg_len = (unsigned)MAX(n, 0);
    return n >= 0 ? 1 : -1;
}

static void receive(hp_kernel_socket *s, int fd, const hp_addr *to)
{
    hp_kernel_host *kernel = s->kernel;
    hp_kernel_inbox *in = kernel->inbox;
    kernel->counters.receive_calls++;
    unsigned asked = s->n_expected;
    int n = read_some(in, fd, asked);
    s->n_expected = expect(s, asked, n);
    if (n == (int)asked) {
        s->full_at = kernel->turn;
    }
    const hp_addr there = *to;
    kernel->receiving = s;
    for (int i = 0; i < n; i++) {
        if (kernel->receiving == s) {
            hand_out(s, &there, &in->messages[i]);
        }
        in->messages[i].msg_hdr.msg_namelen = sizeof in->names[i];
        in->messages[i].msg_hdr.msg_controllen = CONTROL;
    }
    kernel->receiving = NULL;
}

static void on_ready(void *user, uint32_t events)
{
    hp_kernel_socket *s = user;
    if ((events & EPOLLERR) != 0) {
        hp_kernel_host *kernel = s->kernel;
        kernel->receiving = s;
        hp_kernel_udp_errors(s);
        bool open = kernel->receiving == s;
        kernel->receiving = NULL;
        if (!open) {
            return;
        }
    }
    if ((events & EPOLLIN) != 0) {
        receive(s, s->fd, &s->base.local);
    }
}

static void on_group_ready(void *user, uint32_t events)
{
    hp_kernel_socket *s = user;
    const hp_addr to = hp_addr_with_port(s->base.group, s->base.local.port);
    receive(s, s->group_fd, &to);
}

/* ---- life ---- */

static void ask_for_details(int fd, bool v6, bool destination, bool errors)
{
    hp_kernel_set_int(fd, IPPROTO_UDP, UDP_GRO, 1); /* a kernel without it hands over one by one */
    hp_kernel_set_room(fd, SO_RCVBUFFORCE, SO_RCVBUF, ROOM);
    hp_kernel_set_room(fd, SO_SNDBUFFORCE, SO_SNDBUF, ROOM);
    hp_kernel_set_ip(fd, v6, IP_RECVTTL, IPV6_RECVHOPLIMIT, 1);
    hp_kernel_set_ip(fd, v6, IP_RECVTOS, IPV6_RECVTCLASS, 1);
    if (destination) {
        hp_kernel_set_ip(fd, v6, IP_PKTINFO, IPV6_RECVPKTINFO, 1);
    }
    if (errors) {
        hp_kernel_set_ip(fd, v6, IP_RECVERR, IPV6_RECVERR, 1);
    }
}

/* What the kernel does about DF by itself is what simulated hosts do; that may have been configured away. */
static bool set_up(hp_kernel_socket *s)
{
    bool v6 = s->base.local.family == HP_AF_IPV6;
    if (v6) {
        hp_kernel_set_int(s->fd, IPPROTO_IPV6, IPV6_V6ONLY, 1);
    }
    hp_kernel_set_discover(s, IP_PMTUDISC_WANT);
    ask_for_details(s->fd, v6, s->base.wildcard, s->base.ops.icmp != NULL);
    if (!hp_kernel_bind(s->kernel, s->fd, &s->base.local)) {
        return false;
    }
    s->watch = hp_loop_add(s->kernel->loop, s->fd, EPOLLIN, on_ready, s);
    return s->watch != NULL;
}

hp_host_opened hp_kernel_udp_open(hp_socket *socket, GError **error)
{
    hp_kernel_socket *s = (hp_kernel_socket *)socket;
    hp_kernel_host *kernel = hp_kernel_of(socket->host);
    s->kernel = kernel;
    s->group_fd = -1;
    s->ttl = HP_KERNEL_USUAL_TTL;
    s->n_expected = 1;
    s->scope = hp_kernel_scope_of(kernel, &socket->local);
    s->fd = hp_kernel_open(socket->local.family == HP_AF_IPV6 ? AF_INET6 : AF_INET, SOCK_DGRAM, 0);
    if (s->fd >= 0 && set_up(s)) {
        return HP_HOST_OPENED;
    }
    return hp_kernel_not_opened(kernel, &socket->local, s->fd, error);
}

static void close_descriptor(hp_kernel_host *kernel, int fd, hp_loop_watch *watch)
{
    if (kernel->loop != NULL) {
        hp_loop_remove(watch);
    }
    if (fd >= 0) {
        close(fd);
    }
}

void hp_kernel_udp_close(hp_socket *socket)
{
    hp_kernel_socket *s = (hp_kernel_socket *)socket;
    hp_kernel_host *kernel = s->kernel;
    hp_kernel_flush_socket(s);
    if (kernel->receiving == s) {
        kernel->receiving = NULL;
    }
    close_descriptor(kernel, s->fd, s->watch);
    close_descriptor(kernel, s->group_fd, s->group_watch);
}

/* ---- multicast ---- */

static bool join_at(int fd, const hp_addr *group, uint32_t index)
{
    hp_kernel_set_int(fd, SOL_SOCKET, SO_REUSEADDR, 1); /* several interfaces, or programs */
    bool v6 = group->family == HP_AF_IPV6;
    hp_kernel_set_ip(fd, v6, IP_MULTICAST_ALL, IPV6_MULTICAST_ALL, 0);
    hp_kernel_name name;
    socklen_t length = hp_kernel_name_of(group, index, &name);
    if (bind(fd, &name.any, length) != 0) {
        return false;
    }
    if (v6) {
        struct ipv6_mreq request = {.ipv6mr_multiaddr = name.v6.sin6_addr, .ipv6mr_interface = index};
        return hp_kernel_set_option(fd, IPPROTO_IPV6, IPV6_JOIN_GROUP, &request, sizeof request);
    }
    struct ip_mreqn request = {.imr_multiaddr = name.v4.sin_addr, .imr_ifindex = (int)index};
    return hp_kernel_set_option(fd, IPPROTO_IP, IP_ADD_MEMBERSHIP, &request, sizeof request);
}

bool hp_kernel_udp_join(hp_socket *socket, const hp_addr *group, GError **error)
{
    hp_kernel_socket *s = (hp_kernel_socket *)socket;
    const hp_addr at = hp_addr_with_port(*group, socket->local.port);
    bool v6 = group->family == HP_AF_IPV6;
    int interface = hp_host_interface_of(socket->host, &socket->local);
    uint32_t index = interface >= 0 ? hp_kernel_index_of(s->kernel, (unsigned)interface) : 0;
    int fd = hp_kernel_open(v6 ? AF_INET6 : AF_INET, SOCK_DGRAM, 0);
    if (fd >= 0 && join_at(fd, &at, index)) {
        ask_for_details(fd, v6, false, false);
        hp_loop_watch *watch = hp_loop_add(s->kernel->loop, fd, EPOLLIN, on_group_ready, s);
        if (watch != NULL) {
            close_descriptor(s->kernel, s->group_fd, s->group_watch);
            s->group_fd = fd;
            s->group_watch = watch;
            return true;
        }
    }
    hp_kernel_set_error(error, s->kernel, &at, errno);
    if (fd >= 0) {
        close(fd);
    }
    return false;
}
