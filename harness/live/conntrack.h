/* The connection tracking of a network namespace: what netfilter has put down there, told as it happens, and forgotten
 * on request. */
#ifndef HP_LIVE_CONNTRACK_H
#define HP_LIVE_CONNTRACK_H

#include "base/addr.h"
#include "live/netns.h"

typedef struct hp_conntrack hp_conntrack;

/* One entry of the table, as its first packet made it. */
typedef struct hp_conntrack_flow {
    uint8_t proto; /* HP_PROTO_* */
    hp_addr source, destination; /* of the first packet; ports, for ICMP the query id in both */
    hp_addr reply_to; /* where answers are sent to: `source`, or what it was translated to */
} hp_conntrack_flow;

/* Entries that were made, or (ended) are gone. */
typedef void (*hp_conntrack_func)(void *user, const hp_conntrack_flow *flow, bool ended);

/* NULL and HP_ERROR_ENVIRONMENT where netfilter cannot be asked. Entries from now on are told. */
hp_conntrack *hp_conntrack_new(hp_netns *ns, GError **error);
void hp_conntrack_free(hp_conntrack *ct);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(hp_conntrack, hp_conntrack_free)

/* Readable when there is something to tell. */
int hp_conntrack_fd(const hp_conntrack *ct);
/* Tells what is there now, in order. Returns false when the kernel had more to tell than there was room for: some
 * entries will never be heard of. */
bool hp_conntrack_read(hp_conntrack *ct, hp_conntrack_func func, void *user);

/* Every entry is forgotten. What hp_conntrack_read() then tells of them is their end. */
bool hp_conntrack_flush(hp_conntrack *ct, GError **error);

/* Private, for tests: one message of the kernel, without its netlink header but with the one of netfilter. False when it
 * is none of an entry with ports or a query id. */
bool hp_conntrack_parse(const uint8_t *data, size_t length, hp_conntrack_flow *ret);

#endif
