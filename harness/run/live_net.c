/* Theory of operation: every peer and every server is a namespace with one device an interface of the plan, eth0, eth1, ...
 * in the plan's order, whatever the scenario calls them. A device has the interface's addresses with the length of its
 * zone's network, and a default route of each family that it has: a TUN device has no neighbours to ask for, so the route
 * needs no gateway. Of several interfaces the first has the best metric, as a simulated host's first interface carries
 * what is bound to no address; what is sent from an address leaves by the interface that has it (a routing table for
 * each).
 *
 * Names, taps, links and up/down belong to the rig's hosts, which are outboard: here is the kernel's side alone. */
#include "run/live_net.h"

#include <net/if.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/error.h"

enum { METRIC = 100, TABLE = 100, RUNNING_S = 3 };

typedef struct live_host {
    const char *name;
    hp_netns *ns;
    hp_device **devices;
    unsigned n_devices;
    hp_addr *addresses; /* a server's present ones */
    unsigned n_addresses;
} live_host;

struct hp_live_net {
    const hp_plan *plan;
    live_host *hosts; /* peers, then servers */
    unsigned n;
    hp_netns **namespaces; /* in the same order */
};

static uint8_t bits_of(const hp_plan *plan, const hp_plan_attachment *at, const hp_addr *address)
{
    const hp_plan_zone *zone = &plan->zones[at->zone];
    const hp_prefix *prefix = address->family == HP_AF_IPV4 ? &zone->prefix4 : &zone->prefix6;
    return prefix->base.family == address->family && hp_prefix_contains(prefix, address) ? prefix->bits : 0;
}

static hp_device_address of_device(const hp_plan *plan, const hp_plan_attachment *at, const hp_addr *address)
{
    return (hp_device_address){.ip = hp_addr_with_port(*address, 0), .bits = bits_of(plan, at, address)};
}

static void add_address(GArray *addresses, const hp_plan *plan, const hp_plan_attachment *at, const hp_addr *address)
{
    const hp_device_address a = of_device(plan, at, address);
    g_array_append_val(addresses, a);
}

static bool add_device(const hp_plan *plan, live_host *host, const hp_plan_attachment *at, bool alone, GError **error)
{
    g_autoptr(GArray) addresses = g_array_new(FALSE, FALSE, sizeof(hp_device_address));
    const unsigned i = host->n_devices;
    char name[16];
    for (unsigned k = 0; k < at->n_addresses; k++)
        add_address(addresses, plan, at, &at->addresses[k]);
    if (at->clat4.family)
        add_address(addresses, plan, at, &at->clat4);
    snprintf(name, sizeof name, "eth%u", i);
    const hp_device_config config = {.name = name,
                                     .mtu = at->mtu,
                                     .addresses = (const hp_device_address *)(const void *)addresses->data,
                                     .n_addresses = addresses->len,
                                     .default_route = true,
                                     .metric = METRIC + i,
                                     .table = alone ? 0 : TABLE + i};
    host->devices[i] = hp_device_new(host->ns, &config, error);
    host->n_devices += host->devices[i] != NULL;
    return host->devices[i] != NULL;
}

static bool open_host(live_host *host, const char *name, unsigned n_interfaces, GError **error)
{
    host->name = name;
    host->devices = g_new0(hp_device *, MAX(n_interfaces, 1));
    host->ns = hp_netns_new(name, error);
    if (!host->ns)
        return false;
    /* With several interfaces an answer may come where the kernel would not send to. */
    return n_interfaces < 2 || hp_netns_set(host->ns, "ipv4/conf/all/rp_filter", "0", error);
}

static bool open_peer(hp_live_net *net, unsigned i, GError **error)
{
    const hp_plan_peer *peer = &net->plan->peers[i];
    for (unsigned k = 0; k < peer->n_interfaces; k++)
        if (!add_device(net->plan, &net->hosts[i], &peer->interfaces[k], peer->n_interfaces == 1, error))
            return false;
    return true;
}

/* Whether programs see all of its devices as running: a veth pair is so up to a second after both of its ends are up. */
static bool is_running(const live_host *host, int fd)
{
    for (unsigned i = 0; i < host->n_devices; i++) {
        struct ifreq request = {0};
        g_strlcpy(request.ifr_name, hp_device_name(host->devices[i]), sizeof request.ifr_name);
        if (ioctl(fd, SIOCGIFFLAGS, &request) != 0 || (request.ifr_flags & IFF_RUNNING) == 0)
            return false;
    }
    return true;
}

static bool wait_until_running(const live_host *host, GError **error)
{
    const gint64 limit = g_get_monotonic_time() + RUNNING_S * G_USEC_PER_SEC;
    if (!hp_netns_enter(host->ns, error))
        return false;
    const int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    bool runs = fd >= 0 && is_running(host, fd);
    while (fd >= 0 && !runs && g_get_monotonic_time() < limit) {
        g_usleep(1000);
        runs = is_running(host, fd);
    }
    if (fd >= 0)
        close(fd);
    hp_netns_leave(host->ns);
    if (!runs)
        g_set_error(error, HP_ERROR, HP_ERROR_ENVIRONMENT, "%s: a network device did not start within %d s", host->name,
                    RUNNING_S);
    return runs;
}

bool hp_live_net_open(hp_live_net *net, GError **error)
{
    const hp_plan *plan = net->plan;
    for (unsigned i = 0; i < plan->n_peers; i++)
        if (!open_peer(net, i, error))
            return false;
    for (unsigned i = 0; i < plan->n_servers; i++)
        if (!add_device(plan, &net->hosts[plan->n_peers + i], &plan->servers[i].attachment, true, error))
            return false;
    for (unsigned i = 0; i < net->n; i++)
        if (!wait_until_running(&net->hosts[i], error))
            return false;
    return true;
}

hp_live_net *hp_live_net_new(const hp_plan *plan, GError **error)
{
    g_autoptr(hp_live_net) net = g_new0(hp_live_net, 1);
    net->plan = plan;
    net->hosts = g_new0(live_host, plan->n_peers + plan->n_servers + 1);
    net->namespaces = g_new0(hp_netns *, plan->n_peers + plan->n_servers + 1);
    for (unsigned i = 0; i < plan->n_peers; i++)
        if (!open_host(&net->hosts[net->n++], plan->peers[i].source->name, plan->peers[i].n_interfaces, error))
            return NULL; /* NOLINT(clang-analyzer-unix.Malloc): g_autoptr has it */
    for (unsigned i = 0; i < plan->n_servers; i++) {
        const hp_plan_attachment *at = &plan->servers[i].attachment;
        live_host *host = &net->hosts[net->n++];
        host->addresses = g_memdup2(at->addresses, at->n_addresses * sizeof *at->addresses);
        host->n_addresses = at->n_addresses;
        if (!open_host(host, plan->servers[i].source->name, 1, error))
            return NULL;
    }
    for (unsigned i = 0; i < net->n; i++)
        net->namespaces[i] = net->hosts[i].ns;
    return g_steal_pointer(&net);
}

void hp_live_net_free(hp_live_net *net)
{
    if (!net)
        return;
    for (unsigned i = 0; i < net->n; i++) {
        live_host *host = &net->hosts[i];
        for (unsigned k = 0; k < host->n_devices; k++)
            hp_device_free(host->devices[k]);
        hp_netns_free(host->ns);
        g_free(host->devices);
        g_free(host->addresses);
    }
    g_free(net->hosts);
    g_free(net->namespaces);
    g_free(net);
}

hp_netns *const *hp_live_net_peers(const hp_live_net *net)
{
    return net->namespaces;
}

hp_netns *const *hp_live_net_servers(const hp_live_net *net)
{
    return net->namespaces + net->plan->n_peers;
}

bool hp_live_net_attach(hp_live_net *net, hp_loop *loop, hp_rig *rig, GError **error)
{
    for (unsigned i = 0; i < net->n; i++) {
        const live_host *host = &net->hosts[i];
        hp_host *node = i < net->plan->n_peers ? rig->peer_hosts[i] : rig->server_hosts[i - net->plan->n_peers];
        for (unsigned k = 0; k < host->n_devices; k++)
            if (!hp_device_attach(host->devices[k], loop, node, k, error))
                return false;
    }
    return true;
}

/* ---- steps ---- */

char *hp_live_net_set_interface(hp_live_net *net, unsigned peer, unsigned interface, bool up)
{
    g_autoptr(GError) error = NULL;
    return hp_device_set_up(net->hosts[peer].devices[interface], up, &error) ? NULL : g_strdup(error->message);
}

char *hp_live_net_readdress_server(hp_live_net *net, unsigned server, const hp_addr *addresses, unsigned n)
{
    live_host *host = &net->hosts[net->plan->n_peers + server];
    const hp_plan_attachment *at = &net->plan->servers[server].attachment;
    g_autoptr(GError) error = NULL;
    bool ok = true;
    for (unsigned i = 0; i < host->n_addresses && ok; i++)
        ok = hp_device_remove_address(host->devices[0], &host->addresses[i], &error);
    for (unsigned i = 0; i < n && ok; i++) {
        const hp_device_address a = of_device(net->plan, at, &addresses[i]);
        ok = hp_device_add_address(host->devices[0], &a, &error);
    }
    g_free(host->addresses);
    host->addresses = g_memdup2(addresses, n * sizeof *addresses);
    host->n_addresses = n;
    return ok ? NULL : g_strdup(error->message);
}

/* ---- figures ---- */

unsigned hp_live_net_n_hosts(const hp_live_net *net)
{
    return net->n;
}

bool hp_live_net_figures(hp_live_net *net, unsigned i, hp_live_host_figures *ret, GError **error)
{
    const live_host *host = &net->hosts[i];
    *ret = (hp_live_host_figures){.name = host->name, .device = "none"};
    for (unsigned k = 0; k < host->n_devices; k++) {
        hp_device_counters counters;
        ret->device = hp_device_kind_name(hp_device_get_kind(host->devices[k]));
        if (!hp_device_count(host->devices[k], &counters, error))
            return false;
        hp_device_counters_add(&ret->devices, &counters);
    }
    return hp_netns_count(host->ns, &ret->kernel, error);
}
