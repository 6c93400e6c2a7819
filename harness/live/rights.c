/* Trying out what is allowed, in a child process that ends before anything of it can matter.
 *
 * The child does what a run does: becomes root in a user namespace if it is not root, makes a namespace, and in it each
 * kind of device and a table of nftables. What worked comes back as bits in the exit status of the child (a byte is
 * enough), so that a child that is killed by a filter of system calls says "nothing", and not "all"; why it got no further
 * comes as text in a pipe.
 *
 * hp_rights_enter() is the way of `unshare -Urnm`: user, network and mount namespaces, the user mapped to root. A process
 * with threads cannot do that (EINVAL), so it comes first of all. A PID namespace is cage.h's, for children alone.
 *
 * Limits: nftables is tried by making a table over raw netlink, which shows the module, not the nft program. */
#include "live/rights.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>
#include <sched.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "live/device_private.h"
#include "live/netlink.h"
#include "live/punctual.h"
#include "live/refused.h"

enum {
    CAN_NAMESPACES = 1 << 0,
    CAN_TUN = 1 << 1,
    CAN_VETH = 1 << 2,
    CAN_NFTABLES = 1 << 3,
    CAN_FIFO = 1 << 4,
    CAN_KEEP_AWAKE = 1 << 5,
};

/* ---- becoming root ---- */

/* Whether the process may do as root does, wherever it is. Root alone is not enough: a container's may have lost what
 * counts here, and can still be allowed a user namespace, as anybody. Nor are capabilities alone: in a user namespace
 * that maps nobody no file can be made. */
static bool is_root(void)
{
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = {{0}};
    const uint32_t needed = 1U << CAP_SYS_ADMIN | 1U << CAP_NET_ADMIN;
    return geteuid() == 0 && syscall(SYS_capget, &header, data) == 0 && (data[0].effective & needed) == needed;
}

static bool enter_user_namespace(GError **error)
{
    g_autofree char *uids = g_strdup_printf("0 %u 1", (unsigned)geteuid());
    g_autofree char *gids = g_strdup_printf("0 %u 1", (unsigned)getegid());
    if (unshare(CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWNET) != 0) {
        return hp_refused(error, "without the rights of root, and with no user namespaces here (unshare -Urnm)");
    }
    return hp_write_into("/proc/self/setgroups", "deny", error) && hp_write_into("/proc/self/uid_map", uids, error) &&
           hp_write_into("/proc/self/gid_map", gids, error);
}

bool hp_rights_enter(GError **error)
{
    return is_root() || enter_user_namespace(error);
}

/* ---- trying ---- */

static size_t put_attribute(uint8_t *at, uint16_t type, const void *value, size_t length)
{
    struct nlattr attribute = {.nla_type = type, .nla_len = (uint16_t)(NLA_HDRLEN + length)};
    memcpy(at, &attribute, sizeof attribute);
    memcpy(at + NLA_HDRLEN, value, length);
    return NLA_ALIGN(attribute.nla_len);
}

/* One message of a batch of nftables, without attributes when text is NULL. */
static size_t put_message(uint8_t *at, uint16_t type, uint16_t flags, uint8_t family, uint16_t subsystem,
                          const char *name)
{
    struct nlmsghdr header = {.nlmsg_type = type, .nlmsg_flags = (uint16_t)(NLM_F_REQUEST | flags)};
    struct nfgenmsg body = {.nfgen_family = family, .version = NFNETLINK_V0, .res_id = htobe16(subsystem)};
    size_t length = NLMSG_HDRLEN + sizeof body;
    if (name != NULL) {
        length += put_attribute(at + length, NFTA_TABLE_NAME, name, strlen(name) + 1);
    }
    header.nlmsg_len = (uint32_t)length;
    memcpy(at, &header, sizeof header);
    memcpy(at + NLMSG_HDRLEN, &body, sizeof body);
    return length;
}

/* Makes a table; it goes with the namespace. */
static bool try_nftables(void)
{
    uint8_t batch[256] = {0};
    _Alignas(struct nlmsghdr) uint8_t answer[512];
    size_t length = put_message(batch, NFNL_MSG_BATCH_BEGIN, 0, AF_UNSPEC, NFNL_SUBSYS_NFTABLES, NULL);
    length += put_message(batch + length, NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_NEWTABLE, NLM_F_CREATE | NLM_F_ACK,
                          NFPROTO_IPV4, 0, "hairpin");
    length += put_message(batch + length, NFNL_MSG_BATCH_END, 0, AF_UNSPEC, NFNL_SUBSYS_NFTABLES, NULL);
    int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_NETFILTER);
    bool ok = fd >= 0 && send(fd, batch, length, 0) == (ssize_t)length &&
              recv(fd, answer, sizeof answer, 0) >= (ssize_t)NLMSG_SPACE(sizeof(struct nlmsgerr));
    const struct nlmsghdr *header = (const struct nlmsghdr *)(const void *)answer;
    ok = ok && header->nlmsg_type == NLMSG_ERROR && ((const struct nlmsgerr *)NLMSG_DATA(header))->error == 0;
    if (fd >= 0) {
        close(fd);
    }
    return ok;
}

static int try_inside(GError **error)
{
    int can = CAN_NAMESPACES;
    g_autoptr(hp_netns) ns = hp_netns_new("probe", error);
    if (ns == NULL) {
        return 0;
    }
    int tun = hp_tun_open(ns, "probe0", NULL);
    if (tun >= 0) {
        hp_tun_close(tun);
        can |= CAN_TUN;
    }
    hp_ring *ring = hp_ring_open(ns, "probe1", 1500, NULL);
    can |= ring != NULL ? CAN_VETH : 0;
    hp_ring_close(ring);
    if (hp_netns_enter(ns, NULL)) {
        can |= try_nftables() ? CAN_NFTABLES : 0;
        hp_netns_leave(ns);
    }
    return can;
}

static int try_everything(GError **error)
{
    hp_loop_report granted = {0};
    hp_punctual punctual;
    hp_loop_options options = hp_loop_options_punctual();
    hp_punctual_start(&punctual, &options, &granted);
    hp_punctual_stop(&punctual);
    int can = (granted.fifo ? CAN_FIFO : 0) | (granted.keep_awake ? CAN_KEEP_AWAKE : 0);
    if (!hp_rights_enter(error)) {
        return can;
    }
    if (unshare(CLONE_NEWNS | CLONE_NEWPID) != 0) {
        hp_refused(error, "no mount and PID namespaces can be made");
        return can;
    }
    return can | try_inside(error);
}

G_NORETURN static void be_child(int told)
{
    g_autoptr(GError) error = NULL;
    int can = try_everything(&error);
    if (error != NULL && write(told, error->message, strlen(error->message)) < 0) {
        can = 0;
    }
    _exit(can);
}

/* Bits of what can be done, and a text of why no namespaces can be made. */
static int try_in_child(char *ret_why, size_t size)
{
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0) {
        return 0;
    }
    pid_t child = fork();
    if (child == 0) {
        close(ends[0]);
        be_child(ends[1]);
    }
    close(ends[1]);
    ssize_t length = read(ends[0], ret_why, size - 1);
    ret_why[MAX(length, 0)] = '\0';
    close(ends[0]);
    int status = 0;
    while (child > 0 && waitpid(child, &status, 0) < 0 && errno == EINTR) {
    }
    return child > 0 && WIFEXITED(status) ? WEXITSTATUS(status) : 0;
}

/* ---- in words ---- */

static void say(char *text, size_t size, const char *what)
{
    size_t used = strlen(text);
    g_snprintf(text + used, size - used, "%s%s", used > 0 ? "; " : "", what);
}

void hp_rights_find(hp_rights *ret)
{
    char why[256] = "";
    int can = try_in_child(why, sizeof why);
    *ret = (hp_rights){
        .root = is_root(),
        .namespaces = (can & CAN_NAMESPACES) != 0,
        .tun = (can & CAN_TUN) != 0,
        .veth = (can & CAN_VETH) != 0,
        .nftables = (can & CAN_NFTABLES) != 0,
        .fifo = (can & CAN_FIFO) != 0,
        .keep_awake = (can & CAN_KEEP_AWAKE) != 0,
    };
    if (!ret->namespaces) {
        g_snprintf(ret->missing, sizeof ret->missing, "namespaces: %s%s",
                   why[0] != '\0' ? why : "this machine does not let them be tried",
                   geteuid() == 0 && !ret->root ? " (root without CAP_SYS_ADMIN or CAP_NET_ADMIN, as in a container?)"
                                                : "");
        return;
    }
    if (!ret->tun && !ret->veth) {
        say(ret->missing, sizeof ret->missing,
            "a network device: /dev/net/tun cannot be opened, and veth pairs with AF_PACKET cannot be made either");
    } else if (!ret->tun) {
        say(ret->lesser, sizeof ret->lesser, "no /dev/net/tun: veth pairs take its place, at about half the speed");
    }
    if (!ret->nftables) {
        say(ret->lesser, sizeof ret->lesser, "no nftables: NATs of the kernel cannot run");
    }
    if (!ret->fifo) {
        say(ret->lesser, sizeof ret->lesser, "no SCHED_FIFO: delays are less exact while other programs run");
    }
    if (!ret->keep_awake) {
        say(ret->lesser, sizeof ret->lesser, "no /dev/cpu_dma_latency: delays are less exact on an idle machine");
    }
}

bool hp_rights_suffice(const hp_rights *rights)
{
    return rights->namespaces && (rights->tun || rights->veth);
}

bool hp_rights_check(GError **error)
{
    hp_rights rights;
    hp_rights_find(&rights);
    if (!hp_rights_suffice(&rights)) {
        g_set_error(error, HP_ERROR, HP_ERROR_ENVIRONMENT, "the live world cannot run here: %s", rights.missing);
        return false;
    }
    return true;
}
