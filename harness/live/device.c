/* A device: set up in its namespace, and pumped between kernel and world. device_tun.c and device_ring.c are the two
 * kinds.
 *
 *   program -> kernel's stack -> device -> [noise?] -> hp_host_from_outboard() -> tap -> world
 *   world -> tap -> to_kernel() -> [train] -> device -> kernel's stack -> program
 *
 * Setting up: the link's properties first, then up, then addresses, then routes: a route needs an address, an address a
 * link that will not make up its own. Taking a link down, and taking away its last address, makes the kernel forget
 * routes and IPv6 addresses: whenever something came back or changed, all that should be there is asked for again, which
 * is harmless where it is.
 *
 * What the world sends in one turn of the loop may wait for the turn's end, to be handed over together (device_train.c);
 * order is kept.
 *
 * Fairness: at most BATCH packets are read from a device in one turn of the loop. All of them have one time, that of the
 * turn; a batch takes some 20 us.
 *
 * A program that is root in its namespace may take the device away for good. It is not read any more then, what is sent
 * to it is refused, and its counters are what they were here.
 *
 * Limits: IPv6 needs an MTU of at least 1280 bytes, as the kernel takes IPv6 off the device otherwise. */
#include "live/device.h"

#include <errno.h>
#include <linux/icmpv6.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "base/error.h"
#include "live/device_private.h"
#include "live/netlink.h"

enum { DEFAULT_MTU = 1500, DEFAULT_METRIC = 100, RULE_PRIORITY = 1000, BATCH = 16, PACKET_ROOM = 65536 };
enum { PROTO_IGMP = 2, MLD_FIRST = 130, ND_LAST = 137, MLD2_REPORT = 143 };

struct hp_device {
    char *name;
    hp_netns *ns;
    int index;
    hp_device_kind kind;
    int fd; /* TUN; the ring has its own */
    hp_ring *ring;
    hp_train train; /* waits for the end of the turn; TUN */
    bool trains; /* the kernel knows them, as far as we know */
    GArray *addresses; /* of hp_device_address */
    bool default_route, up;
    bool gone; /* somebody in the namespace took it away */
    hp_addr gateway4, gateway6;
    uint32_t metric, table;
    hp_loop *loop; /* NULL: not attached */
    hp_loop_watch *watch;
    hp_loop_end *at_end;
    hp_host *host;
    unsigned interface;
    hp_device_counters counters;
    uint64_t dropped_before; /* while it is down: what the kernel had dropped when it went */
    uint64_t dropped_down; /* what it dropped while it was down: nobody was too slow for that */
    uint8_t room[HP_TUN_HEADER + PACKET_ROOM];
};

static void flush(hp_device *device);

/* ---- addresses and routes ---- */

static const hp_device_address *address_at(const hp_device *device, unsigned i)
{
    return &g_array_index(device->addresses, hp_device_address, i);
}

static bool has_family(const hp_device *device, uint8_t family)
{
    for (unsigned i = 0; i < device->addresses->len; i++) {
        if (address_at(device, i)->ip.family == family) {
            return true;
        }
    }
    return false;
}

static bool add_default_route(hp_device *device, const hp_addr *gateway, uint8_t family, GError **error)
{
    if (!device->default_route || !has_family(device, family)) {
        return true;
    }
    hp_netlink *nl = hp_netns_netlink(device->ns);
    hp_netlink_route route = {
        .to.base.family = family, .gateway = *gateway, .index = device->index, .metric = device->metric};
    if (!hp_netlink_add_route(nl, &route, error)) {
        return false;
    }
    route.table = device->table;
    return device->table == 0 || hp_netlink_add_route(nl, &route, error);
}

/* All that should be there while the device is up. */
static bool configure(hp_device *device, GError **error)
{
    hp_netlink *nl = hp_netns_netlink(device->ns);
    for (unsigned i = 0; i < device->addresses->len; i++) {
        const hp_device_address *address = address_at(device, i);
        if (!hp_netlink_add_address(nl, device->index, &address->ip, address->bits, error)) {
            return false;
        }
    }
    return add_default_route(device, &device->gateway4, HP_AF_IPV4, error) &&
           add_default_route(device, &device->gateway6, HP_AF_IPV6, error);
}

/* The rule of an address is not forgotten by the kernel, and would be there twice. */
static bool add_rule(hp_device *device, const hp_addr *ip, GError **error)
{
    return device->table == 0 ||
           hp_netlink_add_rule(hp_netns_netlink(device->ns), ip, device->table, RULE_PRIORITY, error);
}

static int find_address(const hp_device *device, const hp_addr *ip)
{
    for (unsigned i = 0; i < device->addresses->len; i++) {
        if (hp_addr_same_ip(&address_at(device, i)->ip, ip)) {
            return (int)i;
        }
    }
    return -1;
}

bool hp_device_add_address(hp_device *device, const hp_device_address *address, GError **error)
{
    if (find_address(device, &address->ip) >= 0) {
        return true;
    }
    if (!add_rule(device, &address->ip, error)) {
        return false;
    }
    g_array_append_val(device->addresses, *address);
    return !device->up || configure(device, error);
}

bool hp_device_remove_address(hp_device *device, const hp_addr *ip, GError **error)
{
    int at = find_address(device, ip);
    if (at < 0) {
        return true;
    }
    hp_device_address address = *address_at(device, (unsigned)at);
    hp_netlink *nl = hp_netns_netlink(device->ns);
    g_array_remove_index(device->addresses, (unsigned)at);
    bool is_there = device->up || address.ip.family == HP_AF_IPV4;
    if ((is_there && !hp_netlink_remove_address(nl, device->index, &address.ip, address.bits, error)) ||
        (device->table != 0 && !hp_netlink_remove_rule(nl, &address.ip, device->table, RULE_PRIORITY, error))) {
        return false;
    }
    /* Others of its network may have gone with it. */
    return !device->up || configure(device, error);
}

static uint64_t dropped_by_kernel(hp_device *device)
{
    uint64_t dropped = 0;
    hp_netlink_tx_dropped(hp_netns_netlink(device->ns), device->index, &dropped, NULL);
    return dropped;
}

bool hp_device_set_up(hp_device *device, bool up, GError **error)
{
    hp_netlink_link link = {.set_up = true, .up = up};
    if (up == device->up) {
        return true;
    }
    flush(device);
    const uint64_t before = dropped_by_kernel(device);
    if (!hp_netlink_set_link(hp_netns_netlink(device->ns), device->index, &link, error)) {
        return false;
    }
    if (!up) {
        device->dropped_before = before; /* packets that waited in it go with it */
    } else {
        device->dropped_down += before - MIN(before, device->dropped_before);
    }
    device->up = up;
    return !up || configure(device, error);
}

/* ---- making ---- */

const char *hp_device_kind_name(hp_device_kind kind)
{
    static const char *const names[] = {[HP_DEVICE_ANY] = "any", [HP_DEVICE_TUN] = "tun", [HP_DEVICE_VETH] = "veth"};
    return names[kind];
}

static hp_device_kind wanted_kind(hp_device_kind kind)
{
    const char *forced = kind == HP_DEVICE_ANY ? g_getenv("HAIRPIN_LIVE_DEVICE") : NULL;
    for (hp_device_kind k = HP_DEVICE_TUN; forced != NULL && k <= HP_DEVICE_VETH; k++) {
        if (strcmp(forced, hp_device_kind_name(k)) == 0) {
            return k;
        }
    }
    return kind;
}

/* Sets kind, fd or ring. */
static bool open_device(hp_device *device, hp_device_kind kind, uint32_t mtu, GError **error)
{
    g_autoptr(GError) no_tun = NULL;
    kind = wanted_kind(kind);
    if (kind != HP_DEVICE_VETH) {
        device->fd = hp_tun_open(device->ns, device->name, &no_tun);
        device->kind = HP_DEVICE_TUN;
        device->trains = device->fd >= 0;
        if (device->fd >= 0) {
            return true;
        }
        if (kind == HP_DEVICE_TUN) {
            g_propagate_error(error, g_steal_pointer(&no_tun));
            return false;
        }
    }
    device->ring = hp_ring_open(device->ns, device->name, mtu, error);
    device->kind = HP_DEVICE_VETH;
    if (device->ring == NULL && no_tun != NULL) {
        g_prefix_error(error, "%s; and instead of it: ", no_tun->message);
    }
    return device->ring != NULL;
}

static bool set_up(hp_device *device, const hp_device_config *config, uint32_t mtu, GError **error)
{
    hp_netlink *nl = hp_netns_netlink(device->ns);
    device->index = hp_netlink_index(nl, device->name);
    hp_netlink_link link = {.mtu = mtu, .queue_length = HP_DEVICE_QUEUE, .no_addresses = true};
    if (!hp_netlink_set_link(nl, device->index, &link, error)) {
        return false;
    }
    for (unsigned i = 0; i < config->n_addresses; i++) {
        if (!hp_device_add_address(device, &config->addresses[i], error)) {
            return false;
        }
    }
    return hp_device_set_up(device, true, error);
}

hp_device *hp_device_new(hp_netns *ns, const hp_device_config *config, GError **error)
{
    uint32_t mtu = config->mtu != 0 ? config->mtu : DEFAULT_MTU;
    hp_device *device = g_malloc(sizeof *device);
    memset(device, 0, offsetof(hp_device, room));
    device->name = g_strdup(config->name);
    device->ns = ns;
    device->fd = -1;
    device->addresses = g_array_new(FALSE, FALSE, sizeof(hp_device_address));
    device->default_route = config->default_route;
    device->gateway4 = config->gateway4;
    device->gateway6 = config->gateway6;
    device->metric = config->metric != 0 ? config->metric : DEFAULT_METRIC;
    device->table = config->table;
    if (!open_device(device, config->kind, mtu, error) || !set_up(device, config, mtu, error)) {
        g_prefix_error(error, "%s of %s: ", config->name, hp_netns_name(ns));
        hp_device_free(device);
        return NULL;
    }
    return device;
}

void hp_device_free(hp_device *device)
{
    if (device == NULL) {
        return;
    }
    flush(device);
    hp_loop_remove(device->watch);
    hp_loop_at_end_remove(device->at_end);
    if (device->host != NULL) {
        hp_host_set_outboard(device->host, device->interface, NULL, NULL);
    }
    if (device->fd >= 0) {
        hp_tun_close(device->fd);
    }
    hp_ring_close(device->ring);
    g_array_free(device->addresses, TRUE);
    g_free(device->name);
    g_free(device);
}

hp_device_kind hp_device_get_kind(const hp_device *device)
{
    return device->kind;
}

const char *hp_device_name(const hp_device *device)
{
    return device->name;
}

int hp_device_index(const hp_device *device)
{
    return device->index;
}

/* ---- pumping ---- */

/* What a kernel sends by itself to find routers, neighbours and members of groups. */
static bool is_noise(const hp_packet *p)
{
    if (p->proto == PROTO_IGMP) {
        return p->src.family == HP_AF_IPV4;
    }
    return p->proto == HP_PROTO_ICMPV6 &&
           ((p->icmp_type >= MLD_FIRST && p->icmp_type <= ND_LAST) || p->icmp_type == MLD2_REPORT);
}

static void from_kernel(hp_device *device, const uint8_t *data, size_t length)
{
    if (!hp_live_clock_has_begun(hp_loop_clock(device->loop))) {
        device->counters.early++;
        return;
    }
    hp_packet *p = hp_packet_parse(data, length, NULL);
    if (G_UNLIKELY(p == NULL)) {
        device->counters.malformed++;
    } else if (G_UNLIKELY(p->proto != HP_PROTO_UDP && is_noise(p))) {
        device->counters.noise++;
        hp_packet_free(p);
    } else {
        device->counters.from_kernel++;
        hp_host_from_outboard(device->host, device->interface, p);
    }
}

/* The descriptor is ready for ever, and never gives anything again. */
static void lose(hp_device *device)
{
    device->gone = true;
    hp_loop_remove(device->watch);
    device->watch = NULL;
}

static void on_tun(void *user, uint32_t events)
{
    hp_device *device = user;
    for (unsigned i = 0; i < BATCH; i++) {
        ssize_t length = read(device->fd, device->room, sizeof device->room);
        if (G_UNLIKELY(length <= HP_TUN_HEADER)) {
            if (length < 0 && errno != EAGAIN && errno != EINTR) {
                lose(device);
            }
            return; /* nothing left, or the device is down */
        }
        from_kernel(device, device->room + HP_TUN_HEADER, (size_t)length - HP_TUN_HEADER);
    }
}

static void on_ring(void *user, uint32_t events)
{
    hp_device *device = user;
    if (G_UNLIKELY((events & EPOLLERR) != 0) && hp_ring_is_gone(device->ring)) {
        lose(device);
        return;
    }
    for (unsigned i = 0; i < BATCH; i++) {
        size_t length;
        const uint8_t *data = hp_ring_next(device->ring, &length);
        if (data == NULL) {
            return;
        }
        from_kernel(device, data, length);
        hp_ring_release(device->ring);
    }
}

static bool write_out(hp_device *device, const hp_packet *p)
{
    uint8_t *ip = device->room + HP_TUN_HEADER;
    size_t length = hp_packet_write(p, ip, PACKET_ROOM);
    if (length == 0) {
        return false;
    }
    if (device->ring != NULL) {
        return hp_ring_write(device->ring, ip, length);
    }
    memset(device->room, 0, HP_TUN_HEADER);
    return write(device->fd, device->room, HP_TUN_HEADER + length) == (ssize_t)(HP_TUN_HEADER + length);
}

static void hand_over(hp_device *device, hp_packet *p)
{
    if (G_LIKELY(write_out(device, p))) {
        device->counters.to_kernel++;
        hp_packet_free(p);
    } else {
        device->counters.refused++;
        hp_node_drop(hp_host_node(device->host), p, HP_DROP_HOST_DOWN, "the kernel did not take it");
    }
}

/* As one, or, where that is not possible, one by one. */
static void flush(hp_device *device)
{
    if (device->train.n == 0) {
        return;
    }
    const hp_train train = device->train;
    device->train.n = 0;
    device->train.bytes = 0;
    bool taken = false;
    if (hp_train_is_long_enough(&train)) {
        taken = hp_train_write(&train, device->fd);
        device->trains = taken || errno != EINVAL;
    }
    for (unsigned i = 0; i < train.n; i++) {
        if (taken) {
            device->counters.to_kernel++;
            hp_packet_free(train.cars[i]);
        } else {
            hand_over(device, train.cars[i]);
        }
    }
}

static void at_end(void *user)
{
    flush(user);
}

static void to_kernel(void *user, unsigned interface, hp_packet *p)
{
    hp_device *device = user;
    if (G_UNLIKELY(!hp_live_clock_has_begun(hp_loop_clock(device->loop)))) {
        device->counters.early++;
        hp_packet_free(p);
        return;
    }
    const bool may_wait = device->trains && hp_loop_is_in_turn(device->loop);
    if (may_wait && hp_train_add(&device->train, p)) {
        return;
    }
    flush(device);
    if (!may_wait || !hp_train_add(&device->train, p)) {
        hand_over(device, p);
    }
}

bool hp_device_attach(hp_device *device, hp_loop *loop, hp_host *host, unsigned interface, GError **error)
{
    g_assert(device->watch == NULL);
    int fd = device->ring != NULL ? hp_ring_fd(device->ring) : device->fd;
    device->loop = loop;
    device->watch = hp_loop_add(loop, fd, EPOLLIN, device->ring != NULL ? on_ring : on_tun, device);
    if (device->watch == NULL) {
        g_set_error(error, HP_ERROR, HP_ERROR_ENVIRONMENT, "watching %s of %s: %s", device->name,
                    hp_netns_name(device->ns), g_strerror(errno));
        return false;
    }
    device->at_end = hp_loop_at_end(loop, at_end, device);
    device->host = host;
    device->interface = interface;
    hp_host_set_outboard(host, interface, to_kernel, device);
    return true;
}

bool hp_device_count(hp_device *device, hp_device_counters *ret, GError **error)
{
    uint64_t dropped = 0;
    if (!device->gone && !hp_netlink_tx_dropped(hp_netns_netlink(device->ns), device->index, &dropped, error)) {
        return false;
    }
    *ret = device->counters;
    uint64_t down = device->dropped_down + (device->up ? 0 : dropped - MIN(dropped, device->dropped_before));
    ret->refused += down;
    ret->tx_dropped = dropped - MIN(dropped, down) + (device->ring != NULL ? hp_ring_dropped(device->ring) : 0);
    return true;
}

void hp_device_counters_add(hp_device_counters *sum, const hp_device_counters *more)
{
    sum->from_kernel += more->from_kernel;
    sum->to_kernel += more->to_kernel;
    sum->early += more->early;
    sum->noise += more->noise;
    sum->malformed += more->malformed;
    sum->refused += more->refused;
    sum->tx_dropped += more->tx_dropped;
}
