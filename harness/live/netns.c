/* Network namespaces, by descriptor.
 *
 * The calling thread moves into a fresh namespace (unshare), brings up its loopback device, opens a descriptor of it and
 * a netlink socket inside, and moves back. Nothing is bound in the file system: when the last descriptor is closed, by
 * whatever end of the process, the kernel takes the namespace away, in a thread of its own and many at a time.
 *
 * Reverse path filtering is switched off inside, as a host with several interfaces sends by source (weak end system,
 * like world/host.c), where /proc/sys lets it; that is best effort, since its default is off.
 *
 * Invariant: outside of hp_netns_enter()/leave() the thread is where it was. */
#include "live/netns.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>

#include "live/netlink.h"
#include "live/refused.h"

struct hp_netns {
    char *name;
    int fd; /* the namespace */
    int home; /* where the thread was */
    hp_netlink *netlink;
};

#define OWN_NAMESPACE "/proc/thread-self/ns/net"

/* In the namespace that the thread is in. */
static bool write_setting(const char *path, const char *value, GError **error)
{
    g_autofree char *file = g_strconcat("/proc/sys/net/", path, NULL);
    return hp_write_into(file, value, error);
}

/* In the fresh namespace. */
static bool prepare(hp_netns *ns, GError **error)
{
    ns->fd = open(OWN_NAMESPACE, O_RDONLY | O_CLOEXEC);
    if (ns->fd < 0) {
        return hp_refused(error, OWN_NAMESPACE);
    }
    ns->netlink = hp_netlink_new(error);
    /* The loopback device is the first of every namespace. */
    return ns->netlink != NULL &&
           hp_netlink_set_link(ns->netlink, 1, &(hp_netlink_link){.set_up = true, .up = true}, error);
}

hp_netns *hp_netns_new(const char *name, GError **error)
{
    hp_netns *ns = g_new0(hp_netns, 1);
    ns->name = g_strdup(name);
    ns->fd = -1;
    ns->home = open(OWN_NAMESPACE, O_RDONLY | O_CLOEXEC);
    if (ns->home < 0 || unshare(CLONE_NEWNET) != 0) {
        hp_refused(error, ns->home < 0 ? OWN_NAMESPACE : "no network namespace can be made");
        hp_netns_free(ns);
        return NULL;
    }
    bool ok = prepare(ns, error);
    if (ok) {
        write_setting("ipv4/conf/all/rp_filter", "0", NULL);
        write_setting("ipv4/conf/default/rp_filter", "0", NULL);
    }
    hp_netns_leave(ns);
    if (!ok) {
        hp_netns_free(ns);
        return NULL;
    }
    return ns;
}

void hp_netns_free(hp_netns *ns)
{
    if (ns == NULL) {
        return;
    }
    hp_netlink_free(ns->netlink);
    if (ns->fd >= 0) {
        close(ns->fd);
    }
    if (ns->home >= 0) {
        close(ns->home);
    }
    g_free(ns->name);
    g_free(ns);
}

const char *hp_netns_name(const hp_netns *ns)
{
    return ns->name;
}

int hp_netns_fd(const hp_netns *ns)
{
    return ns->fd;
}

hp_netlink *hp_netns_netlink(hp_netns *ns)
{
    return ns->netlink;
}

bool hp_netns_enter(const hp_netns *ns, GError **error)
{
    if (setns(ns->fd, CLONE_NEWNET) != 0) {
        g_autofree char *what = g_strconcat("entering the network namespace of ", ns->name, NULL);
        return hp_refused(error, what);
    }
    return true;
}

void hp_netns_leave(const hp_netns *ns)
{
    if (setns(ns->home, CLONE_NEWNET) != 0) {
        /* The thread would go on in a namespace it does not mean. */
        g_error("cannot leave the network namespace of %s: %s", ns->name, g_strerror(errno));
    }
}

/* ---- settings and counters: /proc of the namespace that the thread is in ---- */

bool hp_netns_set(const hp_netns *ns, const char *path, const char *value, GError **error)
{
    if (!hp_netns_enter(ns, error)) {
        return false;
    }
    bool ok = write_setting(path, value, error);
    hp_netns_leave(ns);
    return ok;
}

typedef struct named_counter {
    const char *ipv4, *ipv6; /* as /proc/net/snmp and snmp6 call it */
    size_t offset;
} named_counter;

static const named_counter named[] = {
    {"OutDatagrams", "Udp6OutDatagrams", offsetof(hp_netns_counters, udp_out)},
    {"InErrors", "Udp6InErrors", offsetof(hp_netns_counters, udp_in_errors)},
    {"RcvbufErrors", "Udp6RcvbufErrors", offsetof(hp_netns_counters, udp_receive_buffer)},
    {"SndbufErrors", "Udp6SndbufErrors", offsetof(hp_netns_counters, udp_send_buffer)},
};

static void count(hp_netns_counters *counters, const char *name, bool ipv6, const char *value)
{
    for (unsigned i = 0; i < G_N_ELEMENTS(named); i++) {
        if (strcmp(name, ipv6 ? named[i].ipv6 : named[i].ipv4) == 0) {
            uint64_t *at = (uint64_t *)(void *)((uint8_t *)counters + named[i].offset);
            *at += g_ascii_strtoull(value, NULL, 10);
        }
    }
}

/* "Udp: InDatagrams NoPorts ..." and then "Udp: 12 0 ..." */
static void read_ipv4(const char *text, hp_netns_counters *counters)
{
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
    for (unsigned i = 0; lines[i] != NULL && lines[i + 1] != NULL; i++) {
        if (!g_str_has_prefix(lines[i], "Udp: ") || !g_str_has_prefix(lines[i + 1], "Udp: ")) {
            continue;
        }
        g_auto(GStrv) names = g_strsplit(lines[i], " ", -1);
        g_auto(GStrv) values = g_strsplit(lines[i + 1], " ", -1);
        for (unsigned k = 1; names[k] != NULL && values[k] != NULL; k++) {
            count(counters, names[k], false, values[k]);
        }
        return;
    }
}

/* "Udp6InDatagrams                 12" */
static void read_ipv6(const char *text, hp_netns_counters *counters)
{
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
    for (unsigned i = 0; lines[i] != NULL; i++) {
        char *end = strpbrk(lines[i], " \t");
        if (end != NULL) {
            *end = '\0';
            count(counters, lines[i], true, end + 1);
        }
    }
}

bool hp_netns_count(const hp_netns *ns, hp_netns_counters *ret, GError **error)
{
    if (!hp_netns_enter(ns, error)) {
        return false;
    }
    g_autofree char *ipv4 = NULL, *ipv6 = NULL;
    bool ok = g_file_get_contents("/proc/thread-self/net/snmp", &ipv4, NULL, error);
    /* A kernel without IPv6 has no such file. */
    g_file_get_contents("/proc/thread-self/net/snmp6", &ipv6, NULL, NULL);
    hp_netns_leave(ns);
    if (!ok) {
        return false;
    }
    hp_netns_counters counters = {0};
    read_ipv4(ipv4, &counters);
    if (ipv6 != NULL) {
        read_ipv6(ipv6, &counters);
    }
    *ret = counters;
    return true;
}
