/* Theory of operation. A router namespace has a device "in" and a device "out"; its kernel forwards between them, and
 * nftables masquerades what leaves by "out". On the fabric's side each device hangs on an outboard host without taps
 * (world/host.h), and both hosts on the router's node, which stands where a hp_nat would:
 *
 *   inside <-> port 0 [tap name/in]  node  port 2 <-> host <-> device "in"  --+
 *                                                                           kernel
 *   outside <-> port 1 [tap name/out] node port 3 <-> host <-> device "out" --+
 *
 * The node records at its taps, keeps a packet's identity through the kernel where it can (twins.h), and tells of
 * mappings what connection tracking tells (conntrack.h). A router that is not open drops what comes (host-down).
 *
 * Rules are given to the program nft once, as one transaction. Connection tracking's times are settings of the
 * namespace.
 *
 * Invariants: a flow that was told as born is told as ended at most once, and at the latest when all is forgotten.
 * An entry that something outside made is no mapping of an inside host, and is not told.
 *
 * Limits: what the kernel drops leaves no trace; no hairpinning, as a plain masquerading router has none (what is sent
 * to its outside address from inside reaches the router itself). Linux limits its own ICMP errors; that stays. Why a
 * mapping ended is known of reboot and renumber; everything else is called expired. */
#include "live/kernel_router.h"

#include <assert.h>
#include <string.h>
#include <sys/epoll.h>

#include "base/error.h"
#include "live/conntrack.h"
#include "live/device.h"
#include "live/netlink.h"
#include "live/twins.h"
#include "world/host.h"
#include "world/nat.h"

enum { SIDES = 2, KERNEL_PORT = 2 /* + side */ };
static_assert(HP_NAT_INSIDE == 0 && HP_NAT_OUTSIDE == 1, "sides are ports");

static const char *const device_names[SIDES] = {"in", "out"};

typedef struct told_flow {
    hp_conntrack_flow flow;
    hp_time born;
    uint64_t number; /* in the order of birth */
} told_flow;

struct hp_kernel_router {
    hp_node node;
    hp_kernel_nat kind;
    hp_nat_config config; /* `blocked` is not looked at */
    hp_host *hosts[SIDES]; /* the world's */
    GArray *inside; /* of hp_prefix */
    hp_addr internal[SIDES], external[SIDES]; /* IPv4, IPv6; family none where there is none */
    uint32_t taps[SIDES];
    hp_twins twins;
    GHashTable *told; /* told_flow, found by its flow */
    uint64_t n_told; /* ever */
    const char *ending; /* why mappings end just now; NULL: they expire */
    hp_kernel_router_stats stats;
    /* While it is open: */
    hp_loop *loop;
    hp_netns *ns;
    hp_device *devices[SIDES];
    hp_conntrack *conntrack;
    hp_loop_watch *watch;
};

/* ---- packets ---- */

static void record(hp_kernel_router *router, unsigned side, hp_direction dir, hp_packet *p)
{
    hp_trace *trace = hp_world_trace(router->node.world);
    if (trace != NULL) {
        hp_trace_packet(trace, hp_world_now(router->node.world), router->taps[side], dir, p);
    }
}

static void receive(hp_node *node, unsigned port, hp_packet *p)
{
    hp_kernel_router *router = (hp_kernel_router *)node;
    if (port < SIDES) {
        record(router, port, HP_DIR_IN, p);
        if (router->ns == NULL) {
            hp_node_drop(node, p, HP_DROP_HOST_DOWN, "the kernel's router is not open");
            return;
        }
        router->stats.to_kernel[port]++;
        hp_twins_enter(&router->twins, port, p);
        hp_node_emit(node, KERNEL_PORT + port, p);
        return;
    }
    unsigned side = port - KERNEL_PORT;
    uint64_t uid = hp_twins_leave(&router->twins, side, p);
    router->stats.from_kernel[side]++;
    if (uid != 0) {
        router->stats.matched++;
        p->uid = uid;
    }
    record(router, side, HP_DIR_OUT, p);
    hp_node_emit(node, side, p);
}

static void router_free(hp_node *node)
{
    hp_kernel_router *router = (hp_kernel_router *)node;
    g_warn_if_fail(router->ns == NULL); /* closed while loop and hosts were there */
    g_array_unref(router->inside);
    g_hash_table_unref(router->told);
    hp_node_clear(node);
    g_free(router);
}

static const hp_node_ops router_ops = {.kind = "nat", .receive = receive, .free = router_free};

/* ---- mappings ---- */

static guint flow_hash(gconstpointer key)
{
    const hp_conntrack_flow *f = key;
    return (guint)(hp_addr_hash(&f->source) ^ hp_addr_hash(&f->destination) * 31 ^ f->proto);
}

static gboolean flow_equal(gconstpointer a, gconstpointer b)
{
    const hp_conntrack_flow *x = a, *y = b;
    return x->proto == y->proto && hp_addr_equal(&x->source, &y->source) &&
           hp_addr_equal(&x->destination, &y->destination);
}

static const char *proto_name(uint8_t proto)
{
    return proto == HP_PROTO_UDP ? "udp" : proto == HP_PROTO_TCP ? "tcp" : "icmp";
}

static void tell_birth(hp_kernel_router *router, const hp_conntrack_flow *f)
{
    hp_trace_event(hp_world_trace(router->node.world), hp_world_now(router->node.world), HP_EV_NAT_MAPPING,
                   router->node.name, HP_FS("proto", proto_name(f->proto)), HP_FA("internal", f->source),
                   HP_FA("external", f->reply_to), HP_FA("remote", f->destination));
}

static void tell_end(hp_kernel_router *router, const told_flow *t, const char *reason)
{
    hp_time now = hp_world_now(router->node.world);
    hp_trace_event(hp_world_trace(router->node.world), now, HP_EV_NAT_MAPPING_ENDED, router->node.name,
                   HP_FS("proto", proto_name(t->flow.proto)), HP_FA("internal", t->flow.source),
                   HP_FA("external", t->flow.reply_to), HP_FS("reason", reason), HP_FT("age", now - t->born));
}

static bool is_inside(const hp_kernel_router *router, const hp_addr *a)
{
    for (unsigned i = 0; i < router->inside->len; i++) {
        if (hp_prefix_contains(&g_array_index(router->inside, hp_prefix, i), a)) {
            return true;
        }
    }
    return false;
}

/* Of what was sent from inside and is translated. */
static void on_flow(void *user, const hp_conntrack_flow *flow, bool ended)
{
    hp_kernel_router *router = user;
    told_flow *told = g_hash_table_lookup(router->told, flow);
    if (ended) {
        if (told != NULL) {
            tell_end(router, told, router->ending != NULL ? router->ending : "expired");
            g_hash_table_remove(router->told, flow);
        }
        return;
    }
    if (told != NULL || !is_inside(router, &flow->source) || hp_addr_same_ip(&flow->source, &flow->reply_to)) {
        return;
    }
    told = g_new(told_flow, 1);
    *told = (told_flow){.flow = *flow, .born = hp_world_now(router->node.world), .number = ++router->n_told};
    g_hash_table_add(router->told, told);
    tell_birth(router, flow);
}

static void on_readable(void *user, uint32_t events)
{
    hp_kernel_router *router = user;
    (void)events;
    if (!hp_conntrack_read(router->conntrack, on_flow, router)) {
        router->stats.untold++;
    }
}

static gint by_birth(gconstpointer a, gconstpointer b)
{
    const told_flow *x = a, *y = b;
    return (x->number > y->number) - (x->number < y->number);
}

/* All ends, in order of birth. */
static void end_all(hp_kernel_router *router, const char *reason)
{
    g_autoptr(GList) flows = g_list_sort(g_hash_table_get_keys(router->told), by_birth);
    for (const GList *l = flows; l != NULL; l = l->next) {
        tell_end(router, l->data, reason);
    }
    g_hash_table_remove_all(router->told);
}

/* ---- building ---- */

hp_kernel_router *hp_kernel_router_new(hp_world *world, const char *name, hp_kernel_nat kind,
                                       const hp_nat_config *config)
{
    hp_kernel_router *router = g_new0(hp_kernel_router, 1);
    hp_node_init(&router->node, &router_ops, world, name);
    router->kind = kind;
    router->config = *config;
    router->inside = g_array_new(FALSE, FALSE, sizeof(hp_prefix));
    router->told = g_hash_table_new_full(flow_hash, flow_equal, g_free, NULL);
    for (unsigned side = 0; side < SIDES; side++) {
        g_autofree char *tap = g_strdup_printf("%s/%s", name, device_names[side]);
        if (hp_world_trace(world) != NULL) {
            router->taps[side] = hp_trace_tap(hp_world_trace(world), tap);
        }
        router->hosts[side] = hp_host_new(world, tap);
        hp_host_set_untapped(router->hosts[side]);
        hp_host_add_interface(router->hosts[side], NULL, 0);
        hp_node_connect(&router->node, KERNEL_PORT + side, hp_host_node(router->hosts[side]), 0);
        hp_node_connect(hp_host_node(router->hosts[side]), 0, &router->node, KERNEL_PORT + side);
    }
    return router;
}

hp_node *hp_kernel_router_node(hp_kernel_router *router)
{
    return &router->node;
}

static void set_both(hp_addr both[static 2], const hp_addr *a)
{
    if (a->family != HP_AF_NONE) {
        both[a->family == HP_AF_IPV6] = hp_addr_with_port(*a, 0);
    }
}

void hp_kernel_router_set_external(hp_kernel_router *router, const hp_addr *addrs, size_t n)
{
    memset(router->external, 0, sizeof router->external);
    for (size_t i = 0; i < n; i++) {
        set_both(router->external, &addrs[i]);
    }
}

void hp_kernel_router_set_internal(hp_kernel_router *router, const hp_addr *addr)
{
    set_both(router->internal, addr);
}

void hp_kernel_router_add_inside_prefix(hp_kernel_router *router, const hp_prefix *prefix)
{
    g_array_append_val(router->inside, *prefix);
}

/* ---- opening ---- */

char *hp_kernel_router_rules(hp_kernel_nat kind, const hp_nat_config *config)
{
    GString *s = g_string_new("table inet hairpin {\n");
    const char *random = kind == HP_KERNEL_NAT_FULLY_RANDOM ? " fully-random"
                         : kind == HP_KERNEL_NAT_RANDOM     ? " random"
                                                            : "";
    const char *family = config->ipv6 == HP_NAT_IPV6_ROUTE ? " meta nfproto ipv4" : "";
    g_string_append(s, "  chain leaving {\n    type nat hook postrouting priority srcnat; policy accept;\n");
    g_string_append_printf(s, "    oifname \"out\"%s masquerade%s\n  }\n", family, random);
    if (!config->inbound_first) {
        g_string_append(s, "  chain own {\n    type filter hook input priority filter; policy accept;\n");
        g_string_append(s, "    iifname \"out\" ct state established,related accept\n");
        if (config->answers_ping) {
            g_string_append(s, "    iifname \"out\" meta l4proto {icmp, ipv6-icmp} accept\n");
        }
        g_string_append(s, "    iifname \"out\" drop\n  }\n");
    }
    g_string_append(s, "}\n");
    return g_string_free(s, FALSE);
}

/* nft in the namespace that the calling thread is in. */
static bool run_nft(const char *rules, GError **error)
{
    const char *argv[] = {"nft", rules, NULL};
    g_autofree char *out = NULL, *complaint = NULL;
    g_autoptr(GError) local = NULL;
    int status = 0;
    if (!g_spawn_sync(NULL, (char **)argv, NULL, G_SPAWN_SEARCH_PATH, NULL, NULL, &out, &complaint, &status, &local)) {
        g_set_error(error, HP_ERROR, HP_ERROR_ENVIRONMENT, "a kernel's NAT needs the program nft (nftables): %s",
                    local->message);
        return false;
    }
    if (!g_spawn_check_wait_status(status, NULL)) {
        g_strdelimit(g_strchomp(complaint), "\n", ' ');
        g_set_error(error, HP_ERROR, HP_ERROR_ENVIRONMENT, "nft refuses the rules of a masquerading router: %s",
                    complaint);
        return false;
    }
    return true;
}

static bool set_rules(hp_kernel_router *router, GError **error)
{
    g_autofree char *rules = hp_kernel_router_rules(router->kind, &router->config);
    if (!hp_netns_enter(router->ns, error)) {
        return false;
    }
    bool ok = run_nft(rules, error);
    hp_netns_leave(router->ns);
    return ok;
}

static bool set_seconds(hp_kernel_router *router, const char *path, hp_time value, GError **error)
{
    g_autofree char *text = g_strdup_printf("%" G_GINT64_FORMAT, MAX(value / HP_S, 1));
    return value == 0 || hp_netns_set(router->ns, path, text, error);
}

/* Before the devices are there, since these start with the defaults of their kind. */
static bool set_forwarding(hp_kernel_router *router, GError **error)
{
    static const char *const settings[][2] = {
        {"ipv4/ip_forward", "1"},
        {"ipv6/conf/all/forwarding", "1"},
        /* It knows no better way than itself, as nobody on the fabric's networks forwards for another. */
        {"ipv4/conf/all/send_redirects", "0"},
        {"ipv4/conf/default/send_redirects", "0"},
    };
    for (unsigned i = 0; i < G_N_ELEMENTS(settings); i++) {
        if (!hp_netns_set(router->ns, settings[i][0], settings[i][1], error)) {
            return false;
        }
    }
    return true;
}

/* Once nftables has made the kernel track connections. */
static bool set_times(hp_kernel_router *router, GError **error)
{
    const hp_nat_config *c = &router->config;
    return set_seconds(router, "netfilter/nf_conntrack_udp_timeout", c->udp_unreplied_timeout, error) &&
           set_seconds(router, "netfilter/nf_conntrack_udp_timeout_stream", c->udp_timeout, error) &&
           set_seconds(router, "netfilter/nf_conntrack_icmp_timeout", c->icmp_timeout, error) &&
           set_seconds(router, "netfilter/nf_conntrack_icmpv6_timeout", c->icmp_timeout, error);
}

static unsigned fill_addresses(const hp_addr from[static 2], hp_device_address ret[static 2])
{
    unsigned n = 0;
    for (unsigned family = 0; family < 2; family++) {
        if (from[family].family != HP_AF_NONE) {
            ret[n++] = (hp_device_address){.ip = from[family]};
        }
    }
    return n;
}

static bool open_device(hp_kernel_router *router, unsigned side, GError **error)
{
    hp_device_address addresses[2];
    hp_device_config config = {
        .name = device_names[side],
        .addresses = addresses,
        .n_addresses = fill_addresses(side == HP_NAT_INSIDE ? router->internal : router->external, addresses),
        .default_route = side == HP_NAT_OUTSIDE};
    router->devices[side] = hp_device_new(router->ns, &config, error);
    return router->devices[side] != NULL &&
           hp_device_attach(router->devices[side], router->loop, router->hosts[side], 0, error);
}

static bool route_inside(hp_kernel_router *router, GError **error)
{
    for (unsigned i = 0; i < router->inside->len; i++) {
        hp_netlink_route route = {.to = g_array_index(router->inside, hp_prefix, i),
                                  .index = hp_device_index(router->devices[HP_NAT_INSIDE])};
        if (!hp_netlink_add_route(hp_netns_netlink(router->ns), &route, error)) {
            return false;
        }
    }
    return true;
}

bool hp_kernel_router_open(hp_kernel_router *router, hp_loop *loop, GError **error)
{
    g_return_val_if_fail(router->ns == NULL, false);
    router->loop = loop;
    router->ns = hp_netns_new(router->node.name, error);
    if (router->ns != NULL && set_forwarding(router, error) && set_rules(router, error) && set_times(router, error) &&
        open_device(router, HP_NAT_INSIDE, error) && open_device(router, HP_NAT_OUTSIDE, error) &&
        route_inside(router, error)) {
        router->conntrack = hp_conntrack_new(router->ns, error);
    }
    if (router->conntrack != NULL) {
        router->watch = hp_loop_add(loop, hp_conntrack_fd(router->conntrack), EPOLLIN, on_readable, router);
        return true;
    }
    hp_kernel_router_close(router);
    return false;
}

void hp_kernel_router_close(hp_kernel_router *router)
{
    if (router == NULL || router->ns == NULL) {
        return;
    }
    hp_kernel_router_get_stats(router); /* the devices' last words */
    hp_loop_remove(router->watch);
    router->watch = NULL;
    g_clear_pointer(&router->conntrack, hp_conntrack_free);
    for (unsigned side = 0; side < SIDES; side++) {
        g_clear_pointer(&router->devices[side], hp_device_free);
    }
    g_clear_pointer(&router->ns, hp_netns_free);
    router->loop = NULL;
}

/* ---- at run time ---- */

static void changed(hp_kernel_router *router, const char *what)
{
    hp_trace_event(hp_world_trace(router->node.world), hp_world_now(router->node.world), HP_EV_NAT_CHANGED,
                   router->node.name, HP_FS("what", what));
}

/* What the kernel still has to tell from before. */
static void catch_up(hp_kernel_router *router)
{
    if (router->conntrack != NULL) {
        on_readable(router, 0);
    }
}

/* What the kernel tells of this later is of flows that nobody knows any more. */
static void forget(hp_kernel_router *router, const char *what)
{
    g_autoptr(GError) failed = NULL;
    if (router->conntrack != NULL) {
        hp_conntrack_flush(router->conntrack, &failed);
    }
    g_autofree char *told = failed != NULL ? g_strdup_printf("%s failed: %s", what, failed->message) : g_strdup(what);
    changed(router, told);
    router->ending = what;
    catch_up(router);
    end_all(router, what);
    router->ending = NULL;
    memset(&router->twins, 0, sizeof router->twins);
}

void hp_kernel_router_reboot(hp_kernel_router *router)
{
    catch_up(router);
    forget(router, "reboot");
}

static bool readdress(hp_kernel_router *router, const hp_addr old[static 2], GError **error)
{
    for (unsigned family = 0; family < 2; family++) {
        hp_device_address fresh = {.ip = router->external[family]};
        if (old[family].family != HP_AF_NONE &&
            !hp_device_remove_address(router->devices[HP_NAT_OUTSIDE], &old[family], error)) {
            return false;
        }
        if (fresh.ip.family != HP_AF_NONE && !hp_device_add_address(router->devices[HP_NAT_OUTSIDE], &fresh, error)) {
            return false;
        }
    }
    return true;
}

void hp_kernel_router_renumber(hp_kernel_router *router, const hp_addr *addrs, size_t n)
{
    g_autoptr(GError) failed = NULL;
    const hp_addr old[2] = {router->external[0], router->external[1]};
    hp_kernel_router_set_external(router, addrs, n);
    catch_up(router); /* what was masqueraded to an address goes with it */
    if (router->devices[HP_NAT_OUTSIDE] != NULL && !readdress(router, old, &failed)) {
        changed(router, failed->message);
    }
    forget(router, "renumber");
}

hp_kernel_router_stats hp_kernel_router_get_stats(hp_kernel_router *router)
{
    hp_device_counters sum = {0};
    for (unsigned side = 0; side < SIDES; side++) {
        hp_device_counters counters;
        if (router->devices[side] != NULL && hp_device_count(router->devices[side], &counters, NULL)) {
            hp_device_counters_add(&sum, &counters);
            router->stats.device = hp_device_kind_name(hp_device_get_kind(router->devices[side]));
        }
    }
    if (router->ns != NULL) {
        router->stats.devices = sum;
    }
    return router->stats;
}
