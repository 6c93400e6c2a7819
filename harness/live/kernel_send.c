/* What leaves the UDP sockets of a kernel host.
 *
 * Datagrams are copied into one outbox of the host and leave at the end of the loop's turn, or when it is full: a call
 * of sendmmsg() a socket then, instead of one a datagram. Those of one socket leave in the order they came. Neighbours
 * in that order with the same destination, length and header fields leave as one message that the kernel takes apart
 * (UDP_SEGMENT); the last of such a train may be shorter. A way out that does not take trains (an MTU below what
 * the host was told, an old kernel on a device without checksum offload) gets its datagrams one by one from then on.
 *
 * What a call of sendmmsg() refuses: EAGAIN and ENOBUFS mean that there is no room, and what waits for that socket is
 * lost, as in any full queue. Any other error may be an older datagram's, which Linux reports when the next one is
 * sent: so the message is tried once more before it is given up.
 *
 * DF is a socket's property in Linux and a datagram's here: the option is changed where it differs from the last
 * datagram's. TTL and traffic class are the descriptor's where a socket's datagrams agree, and control messages else.
 *
 * Limits: what a datagram comes to after hp_socket_send() is counted, and nobody is told; a datagram larger than the
 * interface's MTU that may not be fragmented is refused at once. */
#include "live/kernel_private.h"

#include <assert.h>
#include <errno.h>
#include <linux/udp.h>
#include <string.h>

#include "live/kernel_calls.h"

enum {
    MAX_WAITING = 1024, /* datagrams */
    MAX_BYTES = 1 << 20,
    BATCH = 64, /* messages a call */
    MAX_TRAIN = 64, /* UDP_MAX_SEGMENTS */
    MAX_TRAIN_BYTES = 65000, /* headers included */
    MAX_FIELDS_SET = 8,
    CONTROL = 128,
};

typedef struct waiting {
    uint32_t next; /* counted from 1; 0: the socket's last */
    uint32_t offset, length;
    hp_addr to;
    hp_addr from; /* of a wildcard; else family none */
    uint8_t ttl, tos;
    int discover;
} waiting;

struct hp_kernel_outbox {
    uint32_t n, n_bytes;
    GPtrArray *sockets; /* that have something in it */
    waiting entries[MAX_WAITING];
    /* One call. */
    struct mmsghdr messages[BATCH];
    hp_kernel_name names[BATCH];
    uint32_t firsts[BATCH], counts[BATCH]; /* the datagrams of each message */
    struct iovec buffers[MAX_WAITING];
    union {
        struct cmsghdr align;
        uint8_t bytes[CONTROL];
    } controls[BATCH];
    uint8_t bytes[MAX_BYTES];
};

hp_kernel_outbox *hp_kernel_outbox_new(void)
{
    hp_kernel_outbox *out = g_new0(hp_kernel_outbox, 1);
    out->sockets = g_ptr_array_new();
    return out;
}

void hp_kernel_outbox_free(hp_kernel_outbox *out)
{
    if (out != NULL) {
        g_ptr_array_unref(out->sockets);
        g_free(out);
    }
}

static waiting *entry_at(hp_kernel_outbox *out, uint32_t number)
{
    return &out->entries[number - 1];
}

/* ---- into the outbox ---- */

static size_t headers_of(const hp_addr *to)
{
    return to->family == HP_AF_IPV6 ? 40 + 8 : 20 + 8;
}

/* Out of which interface, and to whom; the host itself is not asked. */
static void prepare_multicast(hp_kernel_socket *s, const hp_addr *from)
{
    bool v6 = from->family == HP_AF_IPV6;
    int interface = hp_host_interface_of(s->kernel->host, from);
    int index = interface >= 0 ? (int)hp_kernel_index_of(s->kernel, (unsigned)interface) : 0;
    s->multicasts = true;
    hp_kernel_set_ip(s->fd, v6, IP_MULTICAST_LOOP, IPV6_MULTICAST_LOOP, 0);
    hp_kernel_set_ip(s->fd, v6, IP_MULTICAST_TTL, IPV6_MULTICAST_HOPS, HP_KERNEL_USUAL_TTL);
    if (v6) {
        hp_kernel_set_int(s->fd, IPPROTO_IPV6, IPV6_MULTICAST_IF, index);
    } else {
        struct ip_mreqn request = {.imr_ifindex = index};
        hp_kernel_set_option(s->fd, IPPROTO_IP, IP_MULTICAST_IF, &request, sizeof request);
    }
}

static void append(hp_kernel_socket *s, hp_kernel_outbox *out, const waiting *w)
{
    out->entries[out->n++] = *w;
    if (s->last_out == 0) {
        s->first_out = out->n;
        g_ptr_array_add(out->sockets, s);
    } else {
        entry_at(out, s->last_out)->next = out->n;
    }
    s->last_out = out->n;
}

bool hp_kernel_udp_send(hp_socket *socket, const hp_addr *from, const hp_addr *to, const void *data, size_t length,
                        const hp_send_options *options)
{
    hp_kernel_socket *s = (hp_kernel_socket *)socket;
    hp_kernel_host *kernel = s->kernel;
    hp_kernel_outbox *out = kernel->outbox;
    waiting w = {.length = (uint32_t)length, .to = *to, .ttl = HP_KERNEL_USUAL_TTL, .discover = IP_PMTUDISC_WANT};
    if (options != NULL) {
        w.ttl = options->ttl != 0 ? options->ttl : w.ttl;
        w.tos = options->tos;
        w.discover = options->dont_fragment                              ? IP_PMTUDISC_PROBE
                     : options->may_fragment && to->family == HP_AF_IPV4 ? IP_PMTUDISC_DONT
                                                                         : IP_PMTUDISC_WANT;
    }
    if (G_UNLIKELY(w.discover == IP_PMTUDISC_PROBE)) {
        int interface = hp_host_interface_of(kernel->host, from);
        if (interface >= 0 && length + headers_of(to) > hp_host_interface_at(kernel->host, (unsigned)interface)->mtu) {
            return false;
        }
    }
    if (socket->wildcard) {
        w.from = *from;
    }
    if (G_UNLIKELY(hp_addr_is_multicast(to)) && !s->multicasts) {
        prepare_multicast(s, from);
    }
    if (out->n == MAX_WAITING || out->n_bytes + length > MAX_BYTES) {
        hp_kernel_flush_all(kernel);
    }
    w.offset = out->n_bytes;
    memcpy(out->bytes + w.offset, data, length);
    out->n_bytes += w.length;
    append(s, out, &w);
    return true;
}

/* ---- out of it ---- */

static void add_control(struct msghdr *m, int level, int type, const void *value, size_t length)
{
    struct cmsghdr *c = (struct cmsghdr *)((uint8_t *)m->msg_control + m->msg_controllen);
    memset(c, 0, CMSG_SPACE(length));
    c->cmsg_level = level;
    c->cmsg_type = type;
    c->cmsg_len = CMSG_LEN(length);
    memcpy(CMSG_DATA(c), value, length);
    m->msg_controllen += CMSG_SPACE(length);
}

static void add_int(struct msghdr *m, int level, int type, int value)
{
    add_control(m, level, type, &value, sizeof value);
}

static void add_source(hp_kernel_host *kernel, struct msghdr *m, const hp_addr *from)
{
    if (from->family == HP_AF_IPV6) {
        struct in6_pktinfo info = {.ipi6_ifindex = hp_kernel_scope_of(kernel, from)};
        memcpy(&info.ipi6_addr, from->ip, 16);
        add_control(m, IPPROTO_IPV6, IPV6_PKTINFO, &info, sizeof info);
    } else {
        struct in_pktinfo info = {.ipi_ifindex = 0};
        memcpy(&info.ipi_spec_dst, from->ip, 4);
        add_control(m, IPPROTO_IP, IP_PKTINFO, &info, sizeof info);
    }
}

static void fill_control(hp_kernel_socket *s, struct msghdr *m, const waiting *w, uint32_t segment)
{
    bool v6 = w->to.family == HP_AF_IPV6;
    int level = v6 ? IPPROTO_IPV6 : IPPROTO_IP;
    if (w->ttl != s->ttl || hp_addr_is_multicast(&w->to)) {
        add_int(m, level, v6 ? IPV6_HOPLIMIT : IP_TTL, w->ttl);
    }
    if (w->tos != s->tos) {
        add_int(m, level, v6 ? IPV6_TCLASS : IP_TOS, w->tos);
    }
    if (w->from.family != HP_AF_NONE) {
        add_source(s->kernel, m, &w->from);
    }
    if (segment != 0) {
        const uint16_t size = (uint16_t)segment;
        add_control(m, IPPROTO_UDP, UDP_SEGMENT, &size, sizeof size);
    }
}

static bool alike(const waiting *a, const waiting *b)
{
    return a->ttl == b->ttl && a->tos == b->tos && a->discover == b->discover && hp_addr_equal(&a->to, &b->to) &&
           hp_addr_equal(&a->from, &b->from);
}

static uint32_t mtu_of(const hp_kernel_socket *s, const waiting *w)
{
    const hp_host *host = s->kernel->host;
    int interface = s->base.wildcard ? hp_host_interface_of(host, &w->from) : s->base.interface;
    return interface >= 0 ? hp_host_interface_at(host, (unsigned)interface)->mtu : 0;
}

/* How many of the datagrams from `number` on make one message. */
static uint32_t train_length(hp_kernel_socket *s, hp_kernel_outbox *out, uint32_t number)
{
    const waiting *first = entry_at(out, number);
    if (s->one_by_one || first->next == 0 || first->length == 0 || hp_addr_is_multicast(&first->to) ||
        first->length + headers_of(&first->to) > mtu_of(s, first)) {
        return 1;
    }
    uint32_t n = 1;
    size_t bytes = first->length + headers_of(&first->to);
    for (const waiting *last = first; last->next != 0 && n < MAX_TRAIN && last->length == first->length; n++) {
        const waiting *next = entry_at(out, last->next);
        if (next->length == 0 || next->length > first->length || bytes + next->length > MAX_TRAIN_BYTES ||
            !alike(first, next)) {
            break;
        }
        bytes += next->length;
        last = next;
    }
    return n;
}

/* One message of the next call; returns the number of the datagram after its last. */
static uint32_t fill_message(hp_kernel_socket *s, hp_kernel_outbox *out, unsigned slot, struct iovec *buffers,
                             uint32_t number)
{
    const waiting *w = entry_at(out, number);
    uint32_t n = train_length(s, out, number);
    struct msghdr *m = &out->messages[slot].msg_hdr;
    *m = (struct msghdr){.msg_name = &out->names[slot], .msg_iov = buffers, .msg_control = &out->controls[slot]};
    m->msg_namelen = hp_kernel_name_of(&w->to, hp_addr_is_link_local(&w->to) ? s->scope : 0, &out->names[slot]);
    fill_control(s, m, w, n > 1 ? w->length : 0);
    m->msg_control = m->msg_controllen > 0 ? m->msg_control : NULL;
    out->firsts[slot] = number;
    out->counts[slot] = n;
    for (uint32_t i = 0; i < n; i++) {
        w = entry_at(out, number);
        struct iovec piece = {.iov_base = out->bytes + w->offset, .iov_len = w->length};
        struct iovec *last = m->msg_iovlen > 0 ? &buffers[m->msg_iovlen - 1] : NULL;
        if (last != NULL && (uint8_t *)last->iov_base + last->iov_len == piece.iov_base) {
            last->iov_len += piece.iov_len;
        } else {
            buffers[m->msg_iovlen++] = piece;
        }
        number = w->next;
    }
    return number;
}

static_assert(IP_PMTUDISC_WANT == IPV6_PMTUDISC_WANT && IP_PMTUDISC_PROBE == IPV6_PMTUDISC_PROBE,
              "both families number what is discovered alike");

void hp_kernel_set_discover(hp_kernel_socket *s, int discover)
{
    s->discover = discover;
    hp_kernel_set_ip(s->fd, s->base.local.family == HP_AF_IPV6, IP_MTU_DISCOVER, IPV6_MTU_DISCOVER, discover);
}

/* Makes the descriptor's own TTL and traffic class those of its datagrams, where they do not change all the time: what
 * it has by itself needs no control message. */
static void set_fields(hp_kernel_socket *s, const waiting *w)
{
    bool v6 = s->base.local.family == HP_AF_IPV6;
    if ((w->ttl == s->ttl && w->tos == s->tos) || s->n_fields_set >= MAX_FIELDS_SET) {
        return;
    }
    s->n_fields_set++;
    s->ttl = w->ttl;
    s->tos = w->tos;
    hp_kernel_set_ip(s->fd, v6, IP_TTL, IPV6_UNICAST_HOPS, s->ttl);
    hp_kernel_set_ip(s->fd, v6, IP_TOS, IPV6_TCLASS, s->tos);
}

/* As sendmmsg() says it: 1, or -1. What is but an address and bytes goes by the call that copies nothing else. */
static int send_one(int fd, const struct msghdr *m)
{
    ssize_t n = m->msg_iovlen == 1 && m->msg_controllen == 0
                    ? sendto(fd, m->msg_iov->iov_base, m->msg_iov->iov_len, MSG_DONTWAIT, m->msg_name, m->msg_namelen)
                    : sendmsg(fd, m, MSG_DONTWAIT);
    return n >= 0 ? 1 : -1;
}

/* Fills and makes one call from datagram `number` on; returns the number of the first that has not left and is not
 * given up, 0 at the end. *retried: the datagram whose error was taken for an older one's. */
static uint32_t send_some(hp_kernel_socket *s, hp_kernel_outbox *out, uint32_t number, uint32_t *retried)
{
    hp_kernel_host_counters *counters = &s->kernel->counters;
    unsigned n = 0;
    size_t n_buffers = 0;
    const int discover = entry_at(out, number)->discover;
    if (discover != s->discover) {
        hp_kernel_set_discover(s, discover);
    }
    set_fields(s, entry_at(out, number));
    for (uint32_t next = number; next != 0 && n < BATCH && entry_at(out, next)->discover == discover; n++) {
        next = fill_message(s, out, n, &out->buffers[n_buffers], next);
        n_buffers += out->messages[n].msg_hdr.msg_iovlen;
    }
    counters->send_calls++;
    int sent = n > 1 ? sendmmsg(s->fd, out->messages, n, MSG_DONTWAIT) : send_one(s->fd, &out->messages[0].msg_hdr);
    int problem = errno;
    for (int i = 0; i < sent; i++) {
        counters->datagrams_out += out->counts[i];
        for (uint32_t k = 0; k < out->counts[i]; k++) {
            number = entry_at(out, number)->next;
        }
    }
    if (sent >= 0) {
        return number; /* what stopped it says the next call */
    }
    if (problem == EINTR) {
        return number;
    }
    if (problem == EAGAIN || problem == ENOBUFS || problem == ENOMEM) {
        for (; number != 0; number = entry_at(out, number)->next) {
            counters->send_full++;
        }
        return 0;
    }
    if (*retried != number) {
        *retried = number;
        return number;
    }
    if (out->counts[0] > 1) {
        s->one_by_one = true;
        *retried = 0;
        return number;
    }
    counters->send_errors++;
    return entry_at(out, number)->next;
}

static void send_all(hp_kernel_socket *s, hp_kernel_outbox *out)
{
    uint32_t number = s->first_out, retried = 0;
    s->first_out = 0;
    s->last_out = 0;
    while (number != 0) {
        number = send_some(s, out, number, &retried);
    }
}

void hp_kernel_flush_socket(hp_kernel_socket *s)
{
    hp_kernel_outbox *out = s->kernel->outbox;
    if (s->last_out == 0) {
        return;
    }
    send_all(s, out);
    g_ptr_array_remove_fast(out->sockets, s);
    if (out->sockets->len == 0) {
        out->n = 0;
        out->n_bytes = 0;
    }
}

void hp_kernel_flush_all(hp_kernel_host *kernel)
{
    hp_kernel_outbox *out = kernel->outbox;
    for (guint i = 0; i < out->sockets->len; i++) {
        send_all(out->sockets->pdata[i], out);
    }
    g_ptr_array_set_size(out->sockets, 0);
    out->n = 0;
    out->n_bytes = 0;
}
