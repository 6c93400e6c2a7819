/* A network namespace of its own for one host: loopback up, nothing else in it, no way out.
 *
 * It has no name in the file system: it lives as long as a descriptor of it, a process or a socket in it does, and when
 * the last of them is gone the kernel takes it away, however that process ended. */
#ifndef HP_LIVE_NETNS_H
#define HP_LIVE_NETNS_H

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

typedef struct hp_netns hp_netns;
struct hp_netlink;

/* NULL and HP_ERROR_ENVIRONMENT where it is not allowed, saying what is missing. name is for messages alone. */
hp_netns *hp_netns_new(const char *name, GError **error);
/* Devices in it (device.h) must be freed first. */
void hp_netns_free(hp_netns *ns);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(hp_netns, hp_netns_free)

const char *hp_netns_name(const hp_netns *ns);
/* For setns(fd, CLONE_NEWNET); stays the namespace's own. */
int hp_netns_fd(const hp_netns *ns);
/* A netlink socket inside (netlink.h). */
struct hp_netlink *hp_netns_netlink(hp_netns *ns);

/* The calling thread is in the namespace from now on: sockets that it makes are. Nothing nests. A process of the host
 * enters once and stays. */
bool hp_netns_enter(const hp_netns *ns, GError **error);
/* And back to where the thread was when the namespace was made. */
void hp_netns_leave(const hp_netns *ns);

/* Writes net/<path> below /proc/sys inside ("ipv4/ip_forward", "1"). */
bool hp_netns_set(const hp_netns *ns, const char *path, const char *value, GError **error);

/* What the kernel sent and lost inside since the namespace was made, of both families. */
typedef struct hp_netns_counters {
    uint64_t udp_out; /* datagrams that were sent */
    uint64_t udp_in_errors; /* bad, or no room in a socket's buffer (counted below too) */
    uint64_t udp_receive_buffer, udp_send_buffer; /* no room */
} hp_netns_counters;
bool hp_netns_count(const hp_netns *ns, hp_netns_counters *ret, GError **error);

#endif
