/* Theory of operation. nf_conntrack is asked and told by netlink, family NETLINK_NETFILTER, subsystem ctnetlink (the
 * layout is in linux/netfilter/nfnetlink_conntrack.h): a delete without attributes forgets everything, and two multicast
 * groups tell of every entry that is new or gone. A socket belongs to the namespace that it was made in, so that it must
 * be made inside and can be used from anywhere.
 *
 * A message is a netlink header, the header of netfilter (family, version, resource) and nested attributes; of these
 * only the two tuples matter: of the first packet, and of the answer that is expected to it. What the answer is sent to
 * is what the source was translated to, which is all that masquerading does.
 *
 * Invariants: what the kernel sends is looked at with bounds, as its layout may grow. Two sockets, so that an answer to
 * a request never has to be told apart from events.
 *
 * Limits: UDP, TCP and ICMP queries; other protocols are not told. Events come when the packet that caused them has gone
 * through, not before; and when the socket's buffer is full some are lost, which is told. */
#include "live/conntrack.h"

#include <errno.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <linux/netlink.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/error.h"
#include "live/kernel_calls.h"
#include "wire/packet.h"

/* Of a socket's receive buffer, and of what is read at once. */
enum { ROOM = 4 << 20, BUFFER = 32 << 10 };

struct hp_conntrack {
    int events, requests;
    uint32_t sequence;
};

/* ---- reading ---- */

typedef struct attribute {
    uint16_t type;
    const uint8_t *data;
    size_t length;
} attribute;

/* The next attribute of the span, which shrinks; false at its end. */
static bool next_attribute(const uint8_t **data, size_t *length, attribute *ret)
{
    struct nlattr head;
    if (*length < sizeof head) {
        return false;
    }
    memcpy(&head, *data, sizeof head);
    if (head.nla_len < sizeof head || head.nla_len > *length) {
        return false;
    }
    *ret = (attribute){
        .type = head.nla_type & NLA_TYPE_MASK, .data = *data + sizeof head, .length = head.nla_len - sizeof head};
    size_t step = MIN(NLA_ALIGN((size_t)head.nla_len), *length);
    *data += step;
    *length -= step;
    return true;
}

static uint16_t port_of(const attribute *a)
{
    return a->length >= 2 ? (uint16_t)(a->data[0] << 8 | a->data[1]) : 0;
}

static hp_addr address_of(const attribute *a)
{
    uint32_t ip;
    if (a->length == 16) {
        return hp_addr_v6(a->data, 0);
    }
    if (a->length != 4) {
        return (hp_addr){0};
    }
    memcpy(&ip, a->data, sizeof ip);
    return hp_addr_v4(GUINT32_FROM_BE(ip), 0);
}

typedef struct tuple {
    hp_addr source, destination;
    uint16_t source_port, destination_port;
    uint8_t proto;
} tuple;

static void read_addresses(const attribute *in, tuple *ret)
{
    attribute a;
    const uint8_t *data = in->data;
    size_t length = in->length;
    while (next_attribute(&data, &length, &a)) {
        if (a.type == CTA_IP_V4_SRC || a.type == CTA_IP_V6_SRC) {
            ret->source = address_of(&a);
        } else if (a.type == CTA_IP_V4_DST || a.type == CTA_IP_V6_DST) {
            ret->destination = address_of(&a);
        }
    }
}

static void read_protocol(const attribute *in, tuple *ret)
{
    attribute a;
    const uint8_t *data = in->data;
    size_t length = in->length;
    while (next_attribute(&data, &length, &a)) {
        if (a.type == CTA_PROTO_NUM && a.length >= 1) {
            ret->proto = a.data[0];
        } else if (a.type == CTA_PROTO_SRC_PORT) {
            ret->source_port = port_of(&a);
        } else if (a.type == CTA_PROTO_DST_PORT) {
            ret->destination_port = port_of(&a);
        } else if (a.type == CTA_PROTO_ICMP_ID || a.type == CTA_PROTO_ICMPV6_ID) {
            ret->source_port = ret->destination_port = port_of(&a);
        }
    }
}

static tuple read_tuple(const attribute *in)
{
    tuple found = {0};
    attribute a;
    const uint8_t *data = in->data;
    size_t length = in->length;
    while (next_attribute(&data, &length, &a)) {
        if (a.type == CTA_TUPLE_IP) {
            read_addresses(&a, &found);
        } else if (a.type == CTA_TUPLE_PROTO) {
            read_protocol(&a, &found);
        }
    }
    return found;
}

static bool is_whole(const tuple *t)
{
    bool known = t->proto == HP_PROTO_UDP || t->proto == HP_PROTO_TCP || t->proto == HP_PROTO_ICMP ||
                 t->proto == HP_PROTO_ICMPV6;
    return known && t->source.family != HP_AF_NONE && t->source.family == t->destination.family;
}

bool hp_conntrack_parse(const uint8_t *data, size_t length, hp_conntrack_flow *ret)
{
    attribute a;
    tuple first = {0}, answer = {0};
    if (length < sizeof(struct nfgenmsg)) {
        return false;
    }
    data += sizeof(struct nfgenmsg);
    length -= sizeof(struct nfgenmsg);
    while (next_attribute(&data, &length, &a)) {
        if (a.type == CTA_TUPLE_ORIG) {
            first = read_tuple(&a);
        } else if (a.type == CTA_TUPLE_REPLY) {
            answer = read_tuple(&a);
        }
    }
    if (!is_whole(&first) || !is_whole(&answer) || first.source.family != answer.source.family) {
        return false;
    }
    *ret = (hp_conntrack_flow){.proto = first.proto,
                               .source = hp_addr_with_port(first.source, first.source_port),
                               .destination = hp_addr_with_port(first.destination, first.destination_port),
                               .reply_to = hp_addr_with_port(answer.destination, answer.destination_port)};
    return true;
}

bool hp_conntrack_read(hp_conntrack *ct, hp_conntrack_func func, void *user)
{
    _Alignas(struct nlmsghdr) uint8_t buffer[BUFFER];
    for (;;) {
        ssize_t n = recv(ct->events, buffer, sizeof buffer, MSG_DONTWAIT);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n < 0) {
            return errno != ENOBUFS;
        }
        size_t left = (size_t)n;
        for (const struct nlmsghdr *h = (const struct nlmsghdr *)buffer; NLMSG_OK(h, left); h = NLMSG_NEXT(h, left)) {
            unsigned type = NFNL_MSG_TYPE(h->nlmsg_type);
            hp_conntrack_flow flow;
            if (NFNL_SUBSYS_ID(h->nlmsg_type) == NFNL_SUBSYS_CTNETLINK &&
                (type == IPCTNL_MSG_CT_NEW || type == IPCTNL_MSG_CT_DELETE) &&
                hp_conntrack_parse(NLMSG_DATA(h), h->nlmsg_len - NLMSG_HDRLEN, &flow)) {
                func(user, &flow, type == IPCTNL_MSG_CT_DELETE);
            }
        }
    }
}

/* ---- asking ---- */

bool hp_conntrack_flush(hp_conntrack *ct, GError **error)
{
    struct {
        struct nlmsghdr head;
        struct nfgenmsg netfilter;
    } request = {.head = {.nlmsg_len = sizeof request,
                          .nlmsg_type = NFNL_SUBSYS_CTNETLINK << 8 | IPCTNL_MSG_CT_DELETE,
                          .nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK,
                          .nlmsg_seq = ++ct->sequence},
                 .netfilter = {.nfgen_family = AF_UNSPEC, .version = NFNETLINK_V0}};
    struct {
        struct nlmsghdr head;
        struct nlmsgerr body;
        uint8_t more[256];
    } answer;
    ssize_t n = send(ct->requests, &request, sizeof request, 0);
    while (n >= 0) {
        n = recv(ct->requests, &answer, sizeof answer, 0);
        if (n >= (ssize_t)(sizeof answer.head + sizeof(int)) && answer.head.nlmsg_type == NLMSG_ERROR &&
            answer.head.nlmsg_seq == ct->sequence) {
            if (answer.body.error == 0) {
                return true;
            }
            n = -1;
            errno = -answer.body.error;
        }
    }
    g_set_error(error, HP_ERROR, HP_ERROR_ENVIRONMENT, "connection tracking does not forget: %s", g_strerror(errno));
    return false;
}

/* ---- sockets ---- */

/* In the namespace that the thread is in. -1 with errno. */
static int make_socket(uint32_t groups)
{
    int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_NETFILTER);
    struct sockaddr_nl own = {.nl_family = AF_NETLINK, .nl_groups = groups};
    if (fd < 0 || bind(fd, (struct sockaddr *)&own, sizeof own) < 0) {
        int failed = errno;
        if (fd >= 0) {
            close(fd);
        }
        errno = failed;
        return -1;
    }
    hp_kernel_set_room(fd, SO_RCVBUFFORCE, SO_RCVBUF, ROOM);
    return fd;
}

hp_conntrack *hp_conntrack_new(hp_netns *ns, GError **error)
{
    const uint32_t groups = NF_NETLINK_CONNTRACK_NEW | NF_NETLINK_CONNTRACK_DESTROY;
    if (!hp_netns_enter(ns, error)) {
        return NULL;
    }
    int events = make_socket(groups);
    int requests = events >= 0 ? make_socket(0) : -1;
    int failed = errno;
    hp_netns_leave(ns);
    if (requests < 0) {
        if (events >= 0) {
            close(events);
        }
        g_set_error(error, HP_ERROR, HP_ERROR_ENVIRONMENT, "%s: no connection tracking: %s", hp_netns_name(ns),
                    g_strerror(failed));
        return NULL;
    }
    hp_conntrack *ct = g_new0(hp_conntrack, 1);
    ct->events = events;
    ct->requests = requests;
    return ct;
}

void hp_conntrack_free(hp_conntrack *ct)
{
    if (ct == NULL) {
        return;
    }
    close(ct->events);
    close(ct->requests);
    g_free(ct);
}

int hp_conntrack_fd(const hp_conntrack *ct)
{
    return ct->events;
}
