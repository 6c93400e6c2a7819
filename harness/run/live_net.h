/* Private to run/: the hosts of a plan as network namespaces with devices, whose other ends are the rig's hosts. */
#ifndef HP_RUN_LIVE_NET_H
#define HP_RUN_LIVE_NET_H

#include "live/device.h"
#include "live/loop.h"
#include "live/netns.h"
#include "run/rig.h"

typedef struct hp_live_net hp_live_net;

/* Namespaces of all peers and servers. NULL and HP_ERROR_ENVIRONMENT. */
hp_live_net *hp_live_net_new(const hp_plan *plan, GError **error);
/* Their devices, up and addressed: in the process that keeps them. */
bool hp_live_net_open(hp_live_net *net, GError **error);
void hp_live_net_free(hp_live_net *net);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(hp_live_net, hp_live_net_free)

/* By the plan's index. */
hp_netns *const *hp_live_net_peers(const hp_live_net *net);
hp_netns *const *hp_live_net_servers(const hp_live_net *net);

/* From now on packets pass between kernels and rig, which outlives the net, as does the loop. */
bool hp_live_net_attach(hp_live_net *net, hp_loop *loop, hp_rig *rig, GError **error);

/* The kernel's side of what a step does. Failures are the machine's, and are told in *ret (NULL: it went well), for the
 * trace. Caller frees. */
char *hp_live_net_set_interface(hp_live_net *net, unsigned peer, unsigned interface, bool up);
char *hp_live_net_readdress_server(hp_live_net *net, unsigned server, const hp_addr *addresses, unsigned n);

/* What went through and what was lost, of each host. */
typedef struct hp_live_host_figures {
    const char *name, *device; /* "alice", "tun" */
    hp_device_counters devices; /* of all of its devices together */
    hp_netns_counters kernel;
} hp_live_host_figures;
unsigned hp_live_net_n_hosts(const hp_live_net *net);
bool hp_live_net_figures(hp_live_net *net, unsigned i, hp_live_host_figures *ret, GError **error);

#endif
