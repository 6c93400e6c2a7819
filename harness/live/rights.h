/* What this machine lets this user do. */
#ifndef HP_LIVE_RIGHTS_H
#define HP_LIVE_RIGHTS_H

#include <glib.h>
#include <stdbool.h>

typedef struct hp_rights {
    bool root; /* root with CAP_SYS_ADMIN and CAP_NET_ADMIN; else by a user namespace, where it is allowed */
    bool namespaces; /* network, mount and PID namespaces, by either way */
    bool tun; /* /dev/net/tun opens and makes a device */
    bool veth; /* veth pairs and AF_PACKET */
    bool nftables; /* a NAT chain of nftables inside */
    bool fifo, keep_awake; /* SCHED_FIFO, /dev/cpu_dma_latency */
    char missing[512]; /* in words, what keeps the live world from running here; "" when it can */
    char lesser[512]; /* what it can do without, and what follows: "no SCHED_FIFO: delays are less exact"; "" */
} hp_rights;

/* Tries everything in a child process; nothing stays. */
void hp_rights_find(hp_rights *ret);
/* Whether the live world can run: namespaces, and a device of either kind. */
bool hp_rights_suffice(const hp_rights *rights);
/* Tries it. False and HP_ERROR_ENVIRONMENT with what is missing. */
bool hp_rights_check(GError **error);

/* In a process with one thread, before anything else of live/: root, or root in a user namespace of its own with mount
 * and network namespaces. False and HP_ERROR_ENVIRONMENT with what is missing. */
bool hp_rights_enter(GError **error);

#endif
