/* A host: its interfaces and addresses. host_socket.c holds its UDP sockets, host_output.c what leaves it,
 * host_input.c what comes in; TCP is tcp.h.
 *
 * A host follows the weak end system model (RFC 1122 section 3.3.4.2), as Linux does: a packet for any of its addresses
 * is taken on any interface that is up, provided that the address's own interface is up too. It sends a packet out of
 * the interface that has the source address.
 *
 * Invariants: address_map holds exactly the entries of `addresses`; an address is on one interface only; a socket's
 * `interface` is current, as every change of addresses or interfaces goes over all sockets. Those changes are rare and
 * may cost O(sockets); sending and receiving cost O(1) in sockets and addresses (up to four addresses are looked
 * through, which is faster than the map; more are looked up).
 *
 * Limits: no routing table, no broadcast, of multicast only datagrams that are whole, for one group a socket, no
 * loopback interface (the loopback addresses are nobody's unless they are added). A tap gets its name when the first
 * packet is recorded: "host" while the host has one interface. */
#include "world/host_backend.h"

enum { DEFAULT_MTU = 1500, FEW_ADDRESSES = 4 };

static void host_free(hp_node *node)
{
    hp_host *host = (hp_host *)node;
    if (host->backend != NULL) {
        host->backend->free(host);
    }
    hp_timer_cancel(node->world, &host->loop_timer);
    hp_packet *p;
    while ((p = g_queue_pop_head(&host->loop)) != NULL) {
        hp_packet_free(p);
    }
    hp_reassembly_free(host->reassembly);
    hp_tcp_stack_free(host->tcp);
    hp_host_close_all(host);
    for (unsigned i = 0; i < host->interfaces->len; i++) {
        g_free(hp_host_interface_at(host, i)->name);
    }
    g_array_free(host->interfaces, TRUE);
    g_array_free(host->addresses, TRUE);
    hp_addr_map_clear(&host->address_map);
    hp_addr_map_clear(&host->path_mtu);
    hp_node_clear(node);
    g_free(host);
}

static const hp_node_ops host_ops = {
    .kind = "host", .receive = hp_host_receive, .hint = hp_host_hint, .free = host_free};

hp_host *hp_host_new(hp_world *world, const char *name)
{
    hp_host *host = g_new0(hp_host, 1);
    hp_node_init(&host->node, &host_ops, world, name);
    host->trace = hp_world_trace(world);
    host->interfaces = g_array_new(FALSE, FALSE, sizeof(hp_host_interface));
    host->addresses = g_array_new(FALSE, FALSE, sizeof(hp_host_address));
    g_autofree char *stream = g_strconcat("host:", name, NULL);
    hp_world_rng(world, stream, &host->rng);
    host->next_ip_id = (uint16_t)hp_rng_below(&host->rng, 65536);
    g_queue_init(&host->loop);
    hp_timer_init(&host->loop_timer, HP_TIMER_NODE, host->node.id, hp_host_deliver_loop, host);
    return host;
}

hp_node *hp_host_node(hp_host *host)
{
    return &host->node;
}

const char *hp_host_name(const hp_host *host)
{
    return host->node.name;
}

hp_world *hp_host_world(const hp_host *host)
{
    return host->node.world;
}

void hp_host_set_silent(hp_host *host, bool silent)
{
    host->silent = silent;
}

void hp_host_set_untapped(hp_host *host)
{
    host->trace = NULL;
}

void hp_host_set_backend(hp_host *host, const hp_host_backend *backend, void *data)
{
    g_return_if_fail(host->first_socket == NULL && host->tcp == NULL);
    host->backend = backend;
    host->backend_data = data;
}

static void tell_backend(hp_host *host)
{
    if (host->backend != NULL) {
        host->backend->changed(host);
    }
}

void hp_host_set_other(hp_host *host, hp_host_other_func other, void *user)
{
    host->other = other;
    host->other_user = user;
    tell_backend(host);
}

/* ---- interfaces ---- */

unsigned hp_host_add_interface(hp_host *host, const char *name, uint32_t mtu)
{
    hp_host_interface interface = {.name = g_strdup(name), .mtu = mtu != 0 ? mtu : DEFAULT_MTU, .up = true};
    g_array_append_val(host->interfaces, interface);
    return host->interfaces->len - 1;
}

void hp_host_set_interface_up(hp_host *host, unsigned interface, bool up)
{
    g_return_if_fail(interface < host->interfaces->len);
    hp_host_interface_at(host, interface)->up = up;
    hp_host_refresh_sockets(host);
    tell_backend(host);
}

unsigned hp_host_n_interfaces(const hp_host *host)
{
    return host->interfaces->len;
}

const char *hp_host_interface_name(const hp_host *host, unsigned interface)
{
    g_return_val_if_fail(interface < host->interfaces->len, NULL);
    return hp_host_interface_at(host, interface)->name;
}

void hp_host_record(hp_host *host, unsigned interface, hp_direction dir, hp_packet *p)
{
    if (host->trace == NULL) {
        return;
    }
    hp_host_interface *at = hp_host_interface_at(host, interface);
    if (!at->has_tap) {
        g_autofree char *name = NULL;
        if (host->interfaces->len == 1) {
            name = g_strdup(host->node.name);
        } else if (at->name != NULL) {
            name = g_strdup_printf("%s/%s", host->node.name, at->name);
        } else {
            name = g_strdup_printf("%s/%u", host->node.name, interface);
        }
        at->tap = hp_trace_tap(host->trace, name);
        at->has_tap = true;
    }
    hp_trace_packet(host->trace, hp_world_now(host->node.world), at->tap, dir, p);
}

void hp_host_record_loop(hp_host *host, hp_packet *p)
{
    if (host->trace == NULL) {
        return;
    }
    if (!host->has_loop_tap) {
        g_autofree char *name = g_strconcat(host->node.name, "/lo", NULL);
        host->loop_tap = hp_trace_tap(host->trace, name);
        host->has_loop_tap = true;
    }
    hp_trace_packet(host->trace, hp_world_now(host->node.world), host->loop_tap, HP_DIR_OUT, p);
}

/* ---- addresses ---- */

static void forget_address(hp_host *host, const hp_addr *ip)
{
    if (!hp_addr_map_remove(&host->address_map, ip)) {
        return;
    }
    for (unsigned i = 0; i < host->addresses->len; i++) {
        if (hp_addr_equal(&g_array_index(host->addresses, hp_host_address, i).ip, ip)) {
            g_array_remove_index(host->addresses, i);
            return;
        }
    }
}

void hp_host_add_address(hp_host *host, unsigned interface, const hp_addr *addr)
{
    g_return_if_fail(interface < host->interfaces->len && addr->family != HP_AF_NONE);
    hp_host_address fresh = {.ip = hp_addr_with_port(*addr, 0), .interface = interface};
    const uintptr_t *present = hp_addr_map_find(&host->address_map, &fresh.ip);
    if (present != NULL && *present == interface) {
        return;
    }
    forget_address(host, &fresh.ip); /* it moves here from another interface */
    g_array_append_val(host->addresses, fresh);
    hp_addr_map_set(&host->address_map, &fresh.ip, interface);
    hp_host_refresh_sockets(host);
    tell_backend(host);
}

void hp_host_remove_address(hp_host *host, unsigned interface, const hp_addr *addr)
{
    if (hp_host_interface_of(host, addr) != (int)interface) {
        return;
    }
    hp_addr ip = hp_addr_with_port(*addr, 0);
    forget_address(host, &ip);
    hp_host_refresh_sockets(host);
    tell_backend(host);
}

size_t hp_host_addresses(const hp_host *host, hp_addr *ret, size_t cap)
{
    size_t n = 0;
    for (unsigned i = 0; i < host->addresses->len; i++) {
        const hp_host_address *address = &g_array_index(host->addresses, hp_host_address, i);
        if (!hp_host_interface_at(host, address->interface)->up) {
            continue;
        }
        if (n < cap) {
            ret[n] = address->ip;
        }
        n++;
    }
    return n;
}

bool hp_host_has_family(const hp_host *host, uint8_t family)
{
    for (unsigned i = 0; i < host->addresses->len; i++) {
        const hp_host_address *address = &g_array_index(host->addresses, hp_host_address, i);
        if (address->ip.family == family && hp_host_interface_at(host, address->interface)->up) {
            return true;
        }
    }
    return false;
}

int hp_host_interface_of(const hp_host *host, const hp_addr *addr)
{
    if (host->addresses->len <= FEW_ADDRESSES) {
        for (unsigned i = 0; i < host->addresses->len; i++) {
            const hp_host_address *address = &g_array_index(host->addresses, hp_host_address, i);
            if (hp_addr_same_ip(&address->ip, addr)) {
                return (int)address->interface;
            }
        }
        return -1;
    }
    hp_addr ip = hp_addr_with_port(*addr, 0);
    const uintptr_t *interface = hp_addr_map_find(&host->address_map, &ip);
    return interface != NULL ? (int)*interface : -1;
}

int hp_host_reachable_at(const hp_host *host, const hp_addr *addr)
{
    int interface = hp_host_interface_of(host, addr);
    return interface >= 0 && hp_host_interface_at(host, (unsigned)interface)->up ? interface : -1;
}
