/* The UDP sockets of a host.
 *
 * A socket is found by its local address and port in one map: first the exact address, then the unspecified address of
 * the family (a wildcard). Two sockets overlap when they have the same family and port and the same address, or one of
 * them is a wildcard; binding refuses an overlap, so that at most one socket can claim a datagram. The two families are
 * apart: an IPv6 wildcard does not take IPv4 (as with IPV6_V6ONLY).
 *
 * Sources: a bound socket sends from its address as long as an up interface has it; a wildcard takes the first up
 * interface that has an address of the destination's family, and there the first address of the destination's scope
 * (link-local or not) when there is one. A datagram to the host itself leaves a wildcard from the address it is for.
 *
 * A socket outlives its address: when the address is gone or its interface is down, sending fails and nothing comes in.
 * A callback may close any socket, the one it is called for included, bind, and send: the host touches no socket after
 * a callback. */
#include "world/host_backend.h"

#include "base/error.h"
#include "wire/claimed_ports.h"

enum { EPHEMERAL_FIRST = 49152, EPHEMERAL_COUNT = 16384 };

static hp_addr unspecified(uint8_t family, uint16_t port)
{
    hp_addr any = {.family = family, .port = port};
    return any;
}

static bool is_taken(const hp_host *host, const hp_addr *local, bool wildcard)
{
    hp_addr any = unspecified(local->family, local->port);
    if (wildcard) {
        return hp_addr_map_find(&host->ports, &any) != NULL;
    }
    return hp_addr_map_find(&host->sockets, local) != NULL || hp_addr_map_find(&host->sockets, &any) != NULL;
}

static bool choose_port(hp_host *host, hp_addr *local, bool wildcard)
{
    uint32_t start = (uint32_t)hp_rng_below(&host->rng, EPHEMERAL_COUNT);
    for (uint32_t i = 0; i < EPHEMERAL_COUNT; i++) {
        hp_addr candidate = hp_addr_with_port(*local, (uint16_t)(EPHEMERAL_FIRST + (start + i) % EPHEMERAL_COUNT));
        if (!is_taken(host, &candidate, wildcard) && !hp_port_is_claimed(candidate.port)) {
            *local = candidate;
            return true;
        }
    }
    return false;
}

static void count_port(hp_host *host, const hp_addr *local, int change)
{
    hp_addr any = unspecified(local->family, local->port);
    const uintptr_t *count = hp_addr_map_find(&host->ports, &any);
    uintptr_t n = (count != NULL ? *count : 0) + (uintptr_t)change;
    if (n == 0) {
        hp_addr_map_remove(&host->ports, &any);
    } else {
        hp_addr_map_set(&host->ports, &any, n);
    }
}

/* Opens the backend's. A port that was drawn may be somebody's whom the host does not know: then others are tried. */
static bool open_socket(hp_socket *socket, bool any_port, GError **error)
{
    enum { TRIES = 100 };
    hp_host *host = socket->host;
    for (unsigned i = 1;; i++) {
        g_autoptr(GError) problem = NULL;
        hp_host_opened opened = host->backend->open(socket, &problem);
        if (opened == HP_HOST_OPENED) {
            return true;
        }
        if (opened != HP_HOST_PORT_TAKEN || !any_port || i == TRIES ||
            !choose_port(host, &socket->local, socket->wildcard)) {
            g_propagate_error(error, g_steal_pointer(&problem));
            return false;
        }
    }
}

hp_socket *hp_host_bind(hp_host *host, const hp_addr *local, const hp_socket_ops *ops, void *user, GError **error)
{
    char text[HP_ADDR_TEXT];
    if (local->family == HP_AF_NONE) {
        g_set_error(error, HP_ERROR, HP_ERROR_INVALID, "%s: a socket needs an address family", host->node.name);
        return NULL;
    }
    bool wildcard = hp_addr_is_unspecified(local);
    if (!wildcard && hp_host_interface_of(host, local) < 0) {
        g_set_error(error, HP_ERROR, HP_ERROR_INVALID, "%s has no address %s", host->node.name,
                    hp_addr_format_ip(local, text));
        return NULL;
    }
    hp_addr bound = *local;
    if (bound.port != 0 && is_taken(host, &bound, wildcard)) {
        g_set_error(error, HP_ERROR, HP_ERROR_INVALID, "%s: %s is taken by another socket", host->node.name,
                    hp_addr_format(&bound, text));
        return NULL;
    }
    if (bound.port == 0 && !choose_port(host, &bound, wildcard)) {
        g_set_error(error, HP_ERROR, HP_ERROR_LIMIT, "%s: every ephemeral port of %s is taken", host->node.name,
                    hp_addr_format_ip(&bound, text));
        return NULL;
    }
    hp_socket *socket = g_malloc0(host->backend != NULL ? host->backend->socket_size : sizeof *socket);
    *socket = (hp_socket){
        .host = host,
        .local = bound,
        .wildcard = wildcard,
        .interface = wildcard ? -1 : hp_host_reachable_at(host, &bound),
        .ops = *ops,
        .user = user,
        .previous = host->last_socket,
    };
    if (host->backend != NULL && !open_socket(socket, local->port == 0, error)) {
        g_free(socket);
        return NULL;
    }
    bound = socket->local;
    *(host->last_socket != NULL ? &host->last_socket->next : &host->first_socket) = socket;
    host->last_socket = socket;
    host->n_wildcards += wildcard;
    hp_addr_map_set_pointer(&host->sockets, &bound, socket);
    count_port(host, &bound, 1);
    return socket;
}

void hp_socket_close(hp_socket *socket)
{
    if (socket == NULL) {
        return;
    }
    hp_host *host = socket->host;
    hp_addr_map_remove(&host->sockets, &socket->local);
    count_port(host, &socket->local, -1);
    host->n_wildcards -= socket->wildcard;
    *(socket->previous != NULL ? &socket->previous->next : &host->first_socket) = socket->next;
    *(socket->next != NULL ? &socket->next->previous : &host->last_socket) = socket->previous;
    if (host->backend != NULL) {
        host->backend->close(socket);
    }
    g_free(socket);
}

void hp_host_close_all(hp_host *host)
{
    for (hp_socket *socket = host->first_socket; socket != NULL;) {
        hp_socket *next = socket->next;
        if (host->backend != NULL) {
            host->backend->close(socket);
        }
        g_free(socket);
        socket = next;
    }
    host->first_socket = NULL;
    host->last_socket = NULL;
    host->n_wildcards = 0;
    hp_addr_map_clear(&host->sockets);
    hp_addr_map_clear(&host->ports);
}

hp_addr hp_socket_local(const hp_socket *socket)
{
    return socket->local;
}

hp_host *hp_socket_host(const hp_socket *socket)
{
    return socket->host;
}

void hp_host_refresh_sockets(hp_host *host)
{
    for (hp_socket *socket = host->first_socket; socket != NULL; socket = socket->next) {
        if (!socket->wildcard) {
            socket->interface = hp_host_reachable_at(host, &socket->local);
        }
    }
}

hp_socket *hp_host_find_socket(const hp_host *host, const hp_addr *to)
{
    hp_socket *exact = hp_addr_map_find_pointer(&host->sockets, to);
    if (G_LIKELY(exact != NULL)) {
        return exact->interface >= 0 ? exact : NULL;
    }
    if (host->n_wildcards == 0 || hp_host_reachable_at(host, to) < 0) {
        return NULL;
    }
    hp_addr any = unspecified(to->family, to->port);
    return hp_addr_map_find_pointer(&host->sockets, &any);
}

/* ---- multicast ---- */

bool hp_socket_join(hp_socket *socket, const hp_addr *group, GError **error)
{
    if (!hp_addr_is_multicast(group) || group->family != socket->local.family || socket->wildcard) {
        char text[HP_ADDR_TEXT];
        g_set_error(error, HP_ERROR, HP_ERROR_INVALID, "%s: this socket cannot join %s", socket->host->node.name,
                    hp_addr_format_ip(group, text));
        return false;
    }
    if (socket->host->backend != NULL && !socket->host->backend->join(socket, group, error)) {
        return false;
    }
    socket->group = hp_addr_with_port(*group, 0);
    return true;
}

hp_socket *hp_host_find_member(const hp_host *host, unsigned interface, const hp_addr *group)
{
    for (hp_socket *socket = host->first_socket; socket != NULL; socket = socket->next) {
        if (socket->local.port == group->port && socket->interface == (int)interface &&
            hp_addr_same_ip(&socket->group, group)) {
            return socket;
        }
    }
    return NULL;
}

/* ---- sending ---- */

int hp_host_choose_source(const hp_host *host, const hp_addr *to, hp_addr *ret_ip)
{
    int own = hp_host_reachable_at(host, to);
    if (own >= 0) {
        *ret_ip = hp_addr_with_port(*to, 0);
        return own;
    }
    const hp_host_address *best = NULL;
    bool best_in_scope = false;
    bool link_local = hp_addr_is_link_local(to);
    for (unsigned i = 0; i < host->addresses->len; i++) {
        const hp_host_address *address = &g_array_index(host->addresses, hp_host_address, i);
        if (address->ip.family != to->family || !hp_host_interface_at(host, address->interface)->up) {
            continue;
        }
        bool in_scope = hp_addr_is_link_local(&address->ip) == link_local;
        if (best == NULL || (in_scope && !best_in_scope) ||
            (in_scope == best_in_scope && address->interface < best->interface)) {
            best = address;
            best_in_scope = in_scope;
        }
    }
    if (best == NULL) {
        return -1;
    }
    *ret_ip = best->ip;
    return (int)best->interface;
}

bool hp_socket_send(hp_socket *socket, const hp_addr *to, const void *data, size_t length,
                    const hp_send_options *options)
{
    hp_host *host = socket->host;
    size_t most = to->family == HP_AF_IPV6 ? 65535 - 8 : 65535 - 28;
    if (to->family != socket->local.family || to->port == 0 || length > most) {
        return false;
    }
    hp_addr from = socket->local;
    int interface = socket->interface;
    if (socket->wildcard) {
        interface = hp_host_choose_source(host, to, &from);
        from.port = socket->local.port;
    }
    if (interface < 0 || hp_addr_is_unspecified(to)) {
        return false;
    }
    if (G_UNLIKELY(host->backend != NULL)) {
        return host->backend->send(socket, &from, to, data, length, options);
    }
    hp_packet *p = hp_packet_new(HP_PROTO_UDP, &from, to, data, length);
    bool may_fragment = false;
    if (options != NULL) {
        may_fragment = options->may_fragment;
        p->ttl = options->ttl != 0 ? options->ttl : p->ttl;
        p->tos = options->tos;
        p->dont_fragment = options->dont_fragment;
    }
    return hp_host_output_datagram(host, (unsigned)interface, p, may_fragment);
}
