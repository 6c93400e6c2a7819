/* Raw rtnetlink: one request, its acknowledgement, nothing dumped.
 *
 *   | nlmsghdr | ifinfomsg, ifaddrmsg, rtmsg or fib_rule_hdr | rtattr, value, padding | rtattr ... |
 *
 * A request is built in a buffer on the stack that is larger than any of them (the asserts hold it). Attributes nest by
 * position: nest_begin() remembers where its header is, nest_end() fills in the length. Every request asks for an
 * acknowledgement (NLM_F_ACK), so that each has exactly one answer, an nlmsgerr; only RTM_GETLINK answers with the
 * link first. The socket belongs to the namespace in which it was made, wherever the caller is. */
#include "live/netlink.h"

#include <errno.h>
#include <linux/fib_rules.h>
#include <linux/if_ether.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <linux/veth.h>
#include <net/if.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "live/refused.h"

enum { REQUEST_ROOM = 1024, ANSWER_ROOM = 16384, LEAST_IPV6_MTU = 1280 };

struct hp_netlink {
    int fd;
    uint32_t sequence;
};

typedef struct request {
    union {
        struct nlmsghdr header;
        uint8_t bytes[REQUEST_ROOM];
    };
} request;

hp_netlink *hp_netlink_new(GError **error)
{
    int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
    if (fd < 0) {
        hp_refused(error, "no netlink socket");
        return NULL;
    }
    hp_netlink *nl = g_new0(hp_netlink, 1);
    nl->fd = fd;
    return nl;
}

void hp_netlink_free(hp_netlink *nl)
{
    if (nl != NULL) {
        close(nl->fd);
        g_free(nl);
    }
}

/* ---- building ---- */

/* Returns the family's header, zeroed. */
static void *begin(request *r, uint16_t type, uint16_t flags, size_t header_size)
{
    memset(r, 0, sizeof *r);
    r->header.nlmsg_type = type;
    r->header.nlmsg_flags = (uint16_t)(NLM_F_REQUEST | NLM_F_ACK | flags);
    r->header.nlmsg_len = (uint32_t)NLMSG_SPACE(header_size);
    return NLMSG_DATA(&r->header);
}

static void put(request *r, uint16_t type, const void *value, size_t length)
{
    g_assert(r->header.nlmsg_len + RTA_SPACE(length) <= sizeof r->bytes);
    struct rtattr *attribute = (struct rtattr *)(void *)(r->bytes + r->header.nlmsg_len);
    attribute->rta_type = type;
    attribute->rta_len = (uint16_t)RTA_LENGTH(length);
    if (length > 0) {
        memcpy(RTA_DATA(attribute), value, length);
    }
    r->header.nlmsg_len += (uint32_t)RTA_SPACE(length);
}

static void put_u32(request *r, uint16_t type, uint32_t value)
{
    put(r, type, &value, sizeof value);
}

static void put_text(request *r, uint16_t type, const char *text)
{
    put(r, type, text, strlen(text) + 1);
}

static size_t ip_length(const hp_addr *ip)
{
    return ip->family == HP_AF_IPV4 ? 4 : 16;
}

static void put_ip(request *r, uint16_t type, const hp_addr *ip)
{
    put(r, type, ip->ip, ip_length(ip));
}

static uint32_t nest_begin(request *r, uint16_t type)
{
    uint32_t at = r->header.nlmsg_len;
    put(r, type, NULL, 0);
    return at;
}

static void nest_end(request *r, uint32_t at)
{
    struct rtattr *attribute = (struct rtattr *)(void *)(r->bytes + at);
    attribute->rta_len = (uint16_t)(r->header.nlmsg_len - at);
}

static uint8_t kernel_family(uint8_t family)
{
    return family == HP_AF_IPV4 ? AF_INET : AF_INET6;
}

/* ---- asking ---- */

/* Sends, and reads until the acknowledgement. A link or route that comes before it is copied to ret_link (may be NULL),
 * for the caller to free. Returns 0 or an errno. */
static int ask(hp_netlink *nl, request *r, struct nlmsghdr **ret_link)
{
    _Alignas(struct nlmsghdr) uint8_t room[ANSWER_ROOM];

    r->header.nlmsg_seq = ++nl->sequence;
    if (send(nl->fd, r, r->header.nlmsg_len, 0) < 0) {
        return errno;
    }
    for (;;) {
        ssize_t length = recv(nl->fd, room, sizeof room, 0);
        if (length < 0 && errno == EINTR) {
            continue;
        }
        if (length < 0) {
            return errno;
        }
        size_t left = (size_t)length;
        for (struct nlmsghdr *m = (struct nlmsghdr *)(void *)room; NLMSG_OK(m, left); m = NLMSG_NEXT(m, left)) {
            if (m->nlmsg_seq != nl->sequence) {
                continue;
            }
            if (m->nlmsg_type == NLMSG_ERROR) {
                return -((const struct nlmsgerr *)NLMSG_DATA(m))->error;
            }
            bool wanted = m->nlmsg_type == RTM_NEWLINK || m->nlmsg_type == RTM_NEWROUTE;
            if (wanted && ret_link != NULL && *ret_link == NULL) {
                *ret_link = g_memdup2(m, m->nlmsg_len);
            }
        }
    }
}

static bool done(int failure, GError **error, const char *format, ...) G_GNUC_PRINTF(3, 4);

static bool done(int failure, GError **error, const char *format, ...)
{
    if (failure == 0) {
        return true;
    }
    va_list list;
    va_start(list, format);
    g_autofree char *what = g_strdup_vprintf(format, list);
    va_end(list);
    g_set_error(error, HP_ERROR, HP_ERROR_ENVIRONMENT, "%s: %s", what, g_strerror(failure));
    return false;
}

static int tell(hp_netlink *nl, request *r)
{
    return ask(nl, r, NULL);
}

/* The link of that index, or of that name when the index is 0. Caller frees. NULL with *ret_failure set. */
static struct nlmsghdr *get_link(hp_netlink *nl, int index, const char *name, int *ret_failure)
{
    request r;
    struct ifinfomsg *link = begin(&r, RTM_GETLINK, 0, sizeof *link);
    link->ifi_index = index;
    if (name != NULL) {
        put_text(&r, IFLA_IFNAME, name);
    }
    struct nlmsghdr *answer = NULL;
    *ret_failure = ask(nl, &r, &answer);
    return answer;
}

/* ---- links ---- */

int hp_netlink_index(hp_netlink *nl, const char *name)
{
    int failure;
    g_autofree struct nlmsghdr *link = get_link(nl, 0, name, &failure);
    return link != NULL ? ((const struct ifinfomsg *)NLMSG_DATA(link))->ifi_index : 0;
}

bool hp_netlink_tx_dropped(hp_netlink *nl, int index, uint64_t *ret, GError **error)
{
    int failure;
    g_autofree struct nlmsghdr *link = get_link(nl, index, NULL, &failure);
    if (link == NULL) {
        return done(failure != 0 ? failure : ENODEV, error, "counters of interface %d", index);
    }
    size_t left = link->nlmsg_len - NLMSG_SPACE(sizeof(struct ifinfomsg));
    const uint8_t *first = (const uint8_t *)NLMSG_DATA(link) + NLMSG_ALIGN(sizeof(struct ifinfomsg));
    for (const struct rtattr *a = (const struct rtattr *)(const void *)first; RTA_OK(a, left); a = RTA_NEXT(a, left)) {
        if (a->rta_type == IFLA_STATS64) {
            struct rtnl_link_stats64 stats = {0};
            memcpy(&stats, RTA_DATA(a), MIN(sizeof stats, (size_t)RTA_PAYLOAD(a)));
            *ret = stats.tx_dropped;
            return true;
        }
    }
    return done(ENODATA, error, "counters of interface %d", index);
}

bool hp_netlink_set_link(hp_netlink *nl, int index, const hp_netlink_link *set, GError **error)
{
    request r;
    struct ifinfomsg *link = begin(&r, RTM_NEWLINK, 0, sizeof *link);
    link->ifi_index = index;
    if (set->set_up) {
        link->ifi_change |= IFF_UP;
        link->ifi_flags |= set->up ? IFF_UP : 0;
    }
    if (set->no_arp) {
        link->ifi_change |= IFF_NOARP;
        link->ifi_flags |= IFF_NOARP;
    }
    if (set->mtu > 0) {
        put_u32(&r, IFLA_MTU, set->mtu);
    }
    if (set->queue_length > 0) {
        put_u32(&r, IFLA_TXQLEN, set->queue_length);
    }
    /* Below IPv6's least MTU the kernel takes IPv6 off the interface, and refuses to hear of it. */
    if (set->no_addresses && (set->mtu == 0 || set->mtu >= LEAST_IPV6_MTU)) {
        static const uint8_t none = IN6_ADDR_GEN_MODE_NONE;
        uint32_t families = nest_begin(&r, IFLA_AF_SPEC), ipv6 = nest_begin(&r, AF_INET6);
        put(&r, IFLA_INET6_ADDR_GEN_MODE, &none, sizeof none);
        nest_end(&r, ipv6);
        nest_end(&r, families);
    }
    return done(tell(nl, &r), error, "setting interface %d", index);
}

static void put_end(request *r, const hp_netlink_end *end)
{
    put_text(r, IFLA_IFNAME, end->name);
    if (end->mac != NULL) {
        put(r, IFLA_ADDRESS, end->mac, ETH_ALEN);
    }
}

bool hp_netlink_add_veth(hp_netlink *nl, const hp_netlink_end *here, const hp_netlink_end *there, int there_namespace,
                         GError **error)
{
    request r;
    begin(&r, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, sizeof(struct ifinfomsg));
    put_end(&r, here);
    uint32_t info = nest_begin(&r, IFLA_LINKINFO);
    put_text(&r, IFLA_INFO_KIND, "veth");
    uint32_t data = nest_begin(&r, IFLA_INFO_DATA), peer = nest_begin(&r, VETH_INFO_PEER);
    /* Inside VETH_INFO_PEER there is a header of its own before the attributes. */
    r.header.nlmsg_len += (uint32_t)NLMSG_ALIGN(sizeof(struct ifinfomsg));
    put_end(&r, there);
    put_u32(&r, IFLA_NET_NS_FD, (uint32_t)there_namespace);
    nest_end(&r, peer);
    nest_end(&r, data);
    nest_end(&r, info);
    return done(tell(nl, &r), error, "making the veth pair %s", here->name);
}

bool hp_netlink_remove_link(hp_netlink *nl, int index, GError **error)
{
    request r;
    struct ifinfomsg *link = begin(&r, RTM_DELLINK, 0, sizeof *link);
    link->ifi_index = index;
    return done(tell(nl, &r), error, "removing interface %d", index);
}

/* ---- addresses ---- */

static int change_address(hp_netlink *nl, uint16_t type, int index, const hp_addr *ip, uint8_t bits)
{
    request r;
    struct ifaddrmsg *address =
        begin(&r, type, type == RTM_NEWADDR ? NLM_F_CREATE | NLM_F_REPLACE : 0, sizeof *address);
    address->ifa_family = kernel_family(ip->family);
    address->ifa_prefixlen = bits != 0 ? bits : (uint8_t)(8 * ip_length(ip));
    address->ifa_index = (uint32_t)index;
    if (ip->family == HP_AF_IPV6 && type == RTM_NEWADDR) {
        put_u32(&r, IFA_FLAGS, IFA_F_NODAD);
    }
    put_ip(&r, IFA_LOCAL, ip);
    put_ip(&r, IFA_ADDRESS, ip);
    return tell(nl, &r);
}

/* Whether what comes for the address is the namespace's own. */
static bool is_local(hp_netlink *nl, const hp_addr *ip)
{
    request r;
    g_autofree struct nlmsghdr *answer = NULL;
    struct rtmsg *route = begin(&r, RTM_GETROUTE, 0, sizeof *route);
    route->rtm_family = kernel_family(ip->family);
    route->rtm_dst_len = (uint8_t)(8 * ip_length(ip));
    put_ip(&r, RTA_DST, ip);
    return ask(nl, &r, &answer) == 0 && answer != NULL &&
           ((const struct rtmsg *)NLMSG_DATA(answer))->rtm_type == RTN_LOCAL;
}

/* An IPv6 address that was acknowledged is there for those who bind to it, but what comes for it is still routed on,
 * even without duplicate address detection: the kernel makes the local route in a work queue, on a busy machine some
 * milliseconds later. Nothing tells when, so that it is asked again and again. */
static int await_local(hp_netlink *nl, const hp_addr *ip)
{
    const int64_t end = g_get_monotonic_time() + 2 * G_USEC_PER_SEC;
    unsigned pause_us = 20;
    while (ip->family == HP_AF_IPV6 && !is_local(nl, ip)) {
        if (g_get_monotonic_time() > end) {
            return ETIMEDOUT;
        }
        g_usleep(pause_us);
        pause_us = MIN(2 * pause_us, 1000);
    }
    return 0;
}

bool hp_netlink_add_address(hp_netlink *nl, int index, const hp_addr *ip, uint8_t bits, GError **error)
{
    char text[HP_ADDR_TEXT];
    int failure = change_address(nl, RTM_NEWADDR, index, ip, bits);
    return done(failure != 0 ? failure : await_local(nl, ip), error, "adding address %s", hp_addr_format_ip(ip, text));
}

bool hp_netlink_remove_address(hp_netlink *nl, int index, const hp_addr *ip, uint8_t bits, GError **error)
{
    char text[HP_ADDR_TEXT];
    return done(change_address(nl, RTM_DELADDR, index, ip, bits), error, "removing address %s",
                hp_addr_format_ip(ip, text));
}

/* ---- routes ---- */

bool hp_netlink_add_route(hp_netlink *nl, const hp_netlink_route *route, GError **error)
{
    request r;
    struct rtmsg *m = begin(&r, RTM_NEWROUTE, NLM_F_CREATE | NLM_F_REPLACE, sizeof *m);
    bool has_gateway = route->gateway.family != HP_AF_NONE;
    m->rtm_family = kernel_family(route->to.base.family);
    m->rtm_dst_len = route->to.bits;
    m->rtm_table = RT_TABLE_UNSPEC; /* the attribute below has it in 32 bits */
    m->rtm_protocol = RTPROT_STATIC;
    m->rtm_scope = has_gateway || route->to.base.family == HP_AF_IPV6 ? RT_SCOPE_UNIVERSE : RT_SCOPE_LINK;
    m->rtm_type = RTN_UNICAST;
    if (route->to.bits > 0) {
        put_ip(&r, RTA_DST, &route->to.base);
    }
    if (has_gateway) {
        m->rtm_flags = RTNH_F_ONLINK;
        put_ip(&r, RTA_GATEWAY, &route->gateway);
    }
    if (route->source.family != HP_AF_NONE) {
        put_ip(&r, RTA_PREFSRC, &route->source);
    }
    put_u32(&r, RTA_OIF, (uint32_t)route->index);
    put_u32(&r, RTA_TABLE, route->table != 0 ? route->table : RT_TABLE_MAIN);
    if (route->metric > 0) {
        put_u32(&r, RTA_PRIORITY, route->metric);
    }
    char text[HP_ADDR_TEXT];
    return done(tell(nl, &r), error, "adding the route to %s", hp_prefix_format(&route->to, text));
}

static bool change_rule(hp_netlink *nl, uint16_t type, const hp_addr *from, uint32_t table, uint32_t priority,
                        GError **error)
{
    request r;
    struct fib_rule_hdr *rule = begin(&r, type, type == RTM_NEWRULE ? NLM_F_CREATE : 0, sizeof *rule);
    rule->family = kernel_family(from->family);
    rule->src_len = (uint8_t)(8 * ip_length(from));
    rule->action = FR_ACT_TO_TBL;
    put_ip(&r, FRA_SRC, from);
    put_u32(&r, FRA_TABLE, table);
    put_u32(&r, FRA_PRIORITY, priority);
    char text[HP_ADDR_TEXT];
    return done(tell(nl, &r), error, "%s the routing rule for %s", type == RTM_NEWRULE ? "adding" : "removing",
                hp_addr_format_ip(from, text));
}

bool hp_netlink_add_rule(hp_netlink *nl, const hp_addr *from, uint32_t table, uint32_t priority, GError **error)
{
    return change_rule(nl, RTM_NEWRULE, from, table, priority, error);
}

bool hp_netlink_remove_rule(hp_netlink *nl, const hp_addr *from, uint32_t table, uint32_t priority, GError **error)
{
    return change_rule(nl, RTM_DELRULE, from, table, priority, error);
}
