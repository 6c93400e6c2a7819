/* Packets as a whole: what hp_host_send_packet() sends, and what hp_host_set_other() wants to see.
 *
 * Sending writes the packet with its IP header (IPPROTO_RAW), out of the interface that was named, whoever the source
 * is. The kernel fills in IPv4's identification where it is 0, and the header checksum. Without CAP_NET_RAW a packet is
 * dropped and traced as one that has no way out.
 *
 * Of what comes in, raw sockets show ICMP: echo replies and errors about packets of no socket of ours are handed on;
 * those about our sockets go there by the error queue. Other protocols and stray TCP segments are not seen, as the
 * kernel has its own answer for them. */
#include "live/kernel_private.h"

#include <errno.h>
#include <net/if.h>
#include <netinet/icmp6.h>
#include <string.h>
#include <sys/epoll.h>

#include "live/kernel_calls.h"
#include "wire/ip.h"

enum { MOST_A_TURN = 32 };

struct hp_kernel_raw {
    hp_kernel_host *kernel;
    int out[2]; /* IPv4, IPv6; -1: not opened yet */
    int in[2];
    hp_loop_watch *watches[2];
};

static hp_kernel_raw *raw_of(hp_kernel_host *kernel)
{
    if (kernel->raw == NULL) {
        kernel->raw = g_new0(hp_kernel_raw, 1);
        *kernel->raw = (hp_kernel_raw){.kernel = kernel, .out = {-1, -1}, .in = {-1, -1}};
    }
    return kernel->raw;
}

/* ---- out ---- */

static int out_of(hp_kernel_raw *raw, bool v6)
{
    if (raw->out[v6] < 0) {
        raw->out[v6] = hp_kernel_open(v6 ? AF_INET6 : AF_INET, SOCK_RAW, IPPROTO_RAW);
        if (raw->out[v6] >= 0 && !v6) {
            hp_kernel_set_int(raw->out[v6], IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_DONT);
        }
    }
    return raw->out[v6];
}

/* Returns 0, or errno. */
static int send_whole(hp_kernel_host *kernel, unsigned interface, const hp_packet *p)
{
    g_autofree uint8_t *bytes = g_malloc(HP_IP_MAX);
    size_t length = hp_packet_write(p, bytes, HP_IP_MAX);
    bool v6 = p->dst.family == HP_AF_IPV6;
    int fd = out_of(raw_of(kernel), v6);
    if (fd < 0 || length == 0) {
        return fd < 0 ? errno : EINVAL;
    }
    uint32_t index = hp_kernel_index_of(kernel, interface);
    char device[IF_NAMESIZE] = "";
    if (index != 0 && if_indextoname(index, device) != NULL &&
        !hp_kernel_set_option(fd, SOL_SOCKET, SO_BINDTODEVICE, device, (socklen_t)strlen(device))) {
        return errno;
    }
    hp_kernel_name name;
    hp_addr to = hp_addr_with_port(p->dst, 0);
    socklen_t name_length = hp_kernel_name_of(&to, hp_addr_is_link_local(&to) ? index : 0, &name);
    return sendto(fd, bytes, length, MSG_DONTWAIT, &name.any, name_length) >= 0 ? 0 : errno;
}

void hp_kernel_send_packet(hp_host *host, unsigned interface, hp_packet *p)
{
    int number = send_whole(hp_kernel_of(host), interface, p);
    if (number != 0) {
        hp_node_drop(&host->node, p, HP_DROP_NO_ROUTE, g_strerror(number));
        return;
    }
    hp_packet_free(p);
}

/* ---- in ---- */

/* An error about a packet of one of our sockets reaches that socket by its error queue. */
static bool is_for_other(const hp_host *host, const hp_packet *p)
{
    if (hp_packet_is_icmp_error(p)) {
        return p->inner != NULL && p->inner->proto != HP_PROTO_TCP &&
               (p->inner->proto != HP_PROTO_UDP || hp_host_find_socket(host, &p->inner->src) == NULL);
    }
    return p->icmp_kind != HP_ICMP_ECHO_REQUEST && hp_host_reachable_at(host, &p->dst) >= 0;
}

/* A raw IPv6 socket shows no IP header: one is put before what it shows. */
static size_t read_one(int fd, bool v6, uint8_t *bytes, size_t cap)
{
    size_t skip = v6 ? HP_IPV6_HEADER : 0;
    hp_kernel_name from;
    union {
        struct cmsghdr align;
        uint8_t bytes[128];
    } control;
    struct iovec piece = {.iov_base = bytes + skip, .iov_len = cap - skip};
    struct msghdr m = {.msg_name = &from,
                       .msg_namelen = sizeof from,
                       .msg_iov = &piece,
                       .msg_iovlen = 1,
                       .msg_control = &control,
                       .msg_controllen = sizeof control};
    ssize_t length = recvmsg(fd, &m, MSG_DONTWAIT);
    if (length <= 0 || !v6) {
        return length > 0 ? (size_t)length : 0;
    }
    memset(bytes, 0, HP_IPV6_HEADER);
    bytes[0] = 6 << 4;
    hp_put16(bytes + 4, (uint32_t)length);
    bytes[6] = HP_PROTO_ICMPV6;
    bytes[7] = 64;
    memcpy(bytes + 8, &from.v6.sin6_addr, 16);
    for (struct cmsghdr *c = CMSG_FIRSTHDR(&m); c != NULL; c = CMSG_NXTHDR(&m, c)) {
        if (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_PKTINFO) {
            struct in6_pktinfo info;
            memcpy(&info, CMSG_DATA(c), sizeof info);
            memcpy(bytes + 24, &info.ipi6_addr, 16);
        }
    }
    return (size_t)length + skip;
}

static void on_icmp(hp_kernel_raw *raw, bool v6)
{
    uint8_t bytes[4096];
    hp_host *host = raw->kernel->host;
    for (unsigned i = 0; i < MOST_A_TURN && raw->in[v6] >= 0; i++) {
        size_t length = read_one(raw->in[v6], v6, bytes, sizeof bytes);
        if (length == 0) {
            return;
        }
        g_autoptr(hp_packet) p = hp_packet_parse(bytes, length, NULL);
        if (p != NULL && host->other != NULL && is_for_other(host, p)) {
            host->other(host->other_user, host, p);
        }
    }
}

static void on_icmp_v4(void *user, uint32_t events)
{
    on_icmp(user, false);
}

static void on_icmp_v6(void *user, uint32_t events)
{
    on_icmp(user, true);
}

static void close_in(hp_kernel_raw *raw, bool v6)
{
    if (raw->in[v6] < 0) {
        return;
    }
    if (raw->kernel->loop != NULL) {
        hp_loop_remove(raw->watches[v6]);
    }
    close(raw->in[v6]);
    raw->in[v6] = -1;
}

static void open_in(hp_kernel_raw *raw, bool v6)
{
    int fd = hp_kernel_open(v6 ? AF_INET6 : AF_INET, SOCK_RAW, v6 ? IPPROTO_ICMPV6 : IPPROTO_ICMP);
    if (fd < 0) {
        return; /* not allowed: nothing else is seen */
    }
    if (v6) {
        hp_kernel_set_int(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, 1);
    }
    raw->in[v6] = fd;
    raw->watches[v6] = hp_loop_add(raw->kernel->loop, fd, EPOLLIN, v6 ? on_icmp_v6 : on_icmp_v4, raw);
}

void hp_kernel_raw_changed(hp_kernel_host *kernel)
{
    bool wanted = kernel->host->other != NULL;
    if (!wanted && kernel->raw == NULL) {
        return;
    }
    hp_kernel_raw *raw = raw_of(kernel);
    for (unsigned v6 = 0; v6 < 2; v6++) {
        if (!wanted) {
            close_in(raw, v6);
        } else if (raw->in[v6] < 0) {
            open_in(raw, v6);
        }
    }
}

void hp_kernel_raw_free(hp_kernel_host *kernel)
{
    hp_kernel_raw *raw = kernel->raw;
    if (raw == NULL) {
        return;
    }
    for (unsigned v6 = 0; v6 < 2; v6++) {
        close_in(raw, v6);
        if (raw->out[v6] >= 0) {
            close(raw->out[v6]);
        }
    }
    g_free(raw);
}
