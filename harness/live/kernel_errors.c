/* ICMP errors about what a kernel host's UDP sockets sent.
 *
 * Linux puts them into the socket's error queue (IP_RECVERR): who sent the error, its type and code, where the datagram
 * was going, and what of its bytes came back. Of this an hp_packet is made as if the error itself had been read: the
 * simulated host's users see the same fields. Errors that the kernel found by itself (a datagram that does not fit) are
 * passed over, as nobody sent them.
 *
 * Limits: the quoted packet's TTL and identification are not told. At most 32 errors are read a turn. */
#include "live/kernel_private.h"

#include <linux/errqueue.h>
#include <string.h>

#include "wire/ip.h"

enum { MOST_A_TURN = 32, QUOTED = 1280 };

typedef struct told {
    struct sock_extended_err what;
    hp_addr from;
} told;

static bool find_error(struct msghdr *m, told *ret)
{
    for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c != NULL; c = CMSG_NXTHDR(m, c)) {
        if ((c->cmsg_level != IPPROTO_IP || c->cmsg_type != IP_RECVERR) &&
            (c->cmsg_level != IPPROTO_IPV6 || c->cmsg_type != IPV6_RECVERR)) {
            continue;
        }
        struct {
            struct sock_extended_err what;
            hp_kernel_name from;
        } e = {.from.any.sa_family = AF_UNSPEC};
        memcpy(&e, CMSG_DATA(c), MIN(sizeof e, c->cmsg_len - CMSG_LEN(0)));
        *ret = (told){.what = e.what, .from = hp_addr_with_port(hp_kernel_addr_of(&e.from), 0)};
        return e.what.ee_origin == SO_EE_ORIGIN_ICMP || e.what.ee_origin == SO_EE_ORIGIN_ICMP6;
    }
    return false;
}

static void tell(hp_kernel_socket *s, const told *t, const hp_addr *to, const uint8_t *quoted, size_t length)
{
    hp_addr local = s->base.local;
    hp_icmp_kind kind = hp_icmp_from_wire(to->family, t->what.ee_type, t->what.ee_code);
    uint32_t mtu = kind == HP_ICMP_FRAG_NEEDED ? t->what.ee_info : 0;
    g_autoptr(hp_packet) offending = hp_packet_new(HP_PROTO_UDP, &local, to, quoted, length);
    g_autoptr(hp_packet) error = hp_packet_icmp_error(kind, &t->from, offending, mtu);
    if (error == NULL) {
        return;
    }
    error->icmp_type = t->what.ee_type;
    error->icmp_code = t->what.ee_code;
    s->base.ops.icmp(s->base.user, &s->base, kind, &t->from, to, error);
}

void hp_kernel_udp_errors(hp_kernel_socket *s)
{
    hp_kernel_host *kernel = s->kernel;
    for (unsigned i = 0; i < MOST_A_TURN && kernel->receiving == s; i++) {
        uint8_t quoted[QUOTED];
        union {
            struct cmsghdr align;
            uint8_t bytes[256];
        } control;
        hp_kernel_name name = {.any.sa_family = AF_UNSPEC};
        struct iovec piece = {.iov_base = quoted, .iov_len = sizeof quoted};
        struct msghdr m = {.msg_name = &name,
                           .msg_namelen = sizeof name,
                           .msg_iov = &piece,
                           .msg_iovlen = 1,
                           .msg_control = &control,
                           .msg_controllen = sizeof control};
        ssize_t length = recvmsg(s->fd, &m, MSG_ERRQUEUE | MSG_DONTWAIT);
        if (length < 0) {
            return;
        }
        told t;
        hp_addr to = hp_kernel_addr_of(&name);
        if (s->base.ops.icmp != NULL && to.family != HP_AF_NONE && find_error(&m, &t) && t.from.family != HP_AF_NONE) {
            tell(s, &t, &to, quoted, (size_t)length);
        }
    }
}
