/* A raw peer's sockets on its host: UDP (world/host.h) and TCP (world/tcp.h).
 *
 * TCP sends without delay, so that each write of the engine is a segment of its own as long as the window has room. A
 * socket that listens takes one connection; whoever comes while it has one is reset.
 *
 * The number of what was sent is that of the packet recorded while it was: sending is at once, and records at this
 * host's tap first. */
#include "actors/raw_private.h"
#include "base/error.h"

enum { CHUNK = 16384 };

static hp_time now_of(const raw_socket *s)
{
    return hp_world_now(s->peer->world);
}

/* The number of the first packet recorded since there were `before`; 0: none. */
static uint32_t recorded_since(const hp_raw_peer *peer, uint32_t before)
{
    const hp_trace *trace = hp_world_trace(peer->world);
    return trace != NULL && hp_trace_n_packets(trace) > before ? before + 1 : 0;
}

static uint32_t n_recorded(const hp_raw_peer *peer)
{
    const hp_trace *trace = hp_world_trace(peer->world);
    return trace != NULL ? hp_trace_n_packets(trace) : 0;
}

/* ---- UDP ---- */

static void datagram(void *user, hp_socket *socket, const hp_datagram *d)
{
    raw_socket *s = user;
    const hp_raw_datagram in = {.from = d->from,
                                .to = d->to,
                                .data = d->data,
                                .length = d->length,
                                .ttl = d->ttl,
                                .tos = d->tos,
                                .packet = d->record};
    hp_raw_datagram_input(s->peer->engine, now_of(s), s->number, &in);
    hp_raw_peer_settle(s->peer);
}

static void icmp(void *user, hp_socket *socket, hp_icmp_kind kind, const hp_addr *from, const hp_addr *to,
                 const hp_packet *error)
{
    raw_socket *s = user;
    hp_raw_icmp(s->peer->engine, now_of(s), s->number, kind, from, to, error != NULL ? error->last_record : 0);
    hp_raw_peer_settle(s->peer);
}

bool hp_raw_socket_send(void *user, unsigned number, const hp_addr *to, const uint8_t *data, size_t len, uint8_t ttl,
                        uint8_t tos, bool dont_fragment, uint32_t *ret_packet)
{
    hp_raw_peer *peer = user;
    raw_socket *s = &peer->sockets[number];
    const hp_send_options options = {.ttl = ttl, .tos = tos, .dont_fragment = dont_fragment};
    uint32_t before = n_recorded(peer);
    if (peer->finishing || s->udp == NULL || !hp_socket_send(s->udp, to, data, len, &options)) {
        return false;
    }
    *ret_packet = recorded_since(peer, before);
    return true;
}

/* ---- TCP ---- */

static void drain(raw_socket *s)
{
    uint8_t chunk[CHUNK];
    size_t len;
    while (s->tcp != NULL && (len = hp_tcp_recv(s->tcp, chunk, sizeof chunk)) > 0) {
        hp_raw_bytes_input(s->peer->engine, now_of(s), s->number, chunk, len, hp_tcp_last_record(s->tcp));
    }
    hp_tcp_end end = s->tcp != NULL ? hp_tcp_get_end(s->tcp) : HP_TCP_END_NONE;
    bool in_order = end == HP_TCP_END_NONE || end == HP_TCP_END_FINISHED; /* else closed() says how it ended */
    if (s->tcp != NULL && !s->told_end && in_order && hp_tcp_at_eof(s->tcp)) {
        s->told_end = true;
        hp_raw_ended(s->peer->engine, now_of(s), s->number, HP_RAW_CLOSED, "", hp_tcp_last_record(s->tcp));
    }
    hp_raw_peer_settle(s->peer);
}

static void connected(void *user, hp_tcp_socket *socket)
{
    raw_socket *s = user;
    const hp_addr local = hp_tcp_local(socket), remote = hp_tcp_remote(socket);
    hp_raw_connected(s->peer->engine, now_of(s), s->number, &local, &remote);
    drain(s);
}

static void readable(void *user, hp_tcp_socket *socket)
{
    drain(user);
}

static void writable(void *user, hp_tcp_socket *socket)
{
    raw_socket *s = user;
    hp_raw_writable(s->peer->engine, now_of(s), s->number);
    hp_raw_peer_settle(s->peer);
}

static void closed(void *user, hp_tcp_socket *socket, hp_tcp_end end)
{
    raw_socket *s = user;
    drain(s);
    if (s->tcp == NULL || s->told_end) {
        return;
    }
    s->told_end = true;
    hp_raw_arrival_kind how = end == HP_TCP_END_FINISHED ? HP_RAW_CLOSED
                              : end == HP_TCP_END_RESET  ? HP_RAW_RESET
                                                         : HP_RAW_FAILED;
    hp_raw_ended(s->peer->engine, now_of(s), s->number, how, hp_tcp_end_name(end), hp_tcp_last_record(socket));
    hp_raw_peer_settle(s->peer);
}

static const hp_tcp_ops tcp_ops = {
    .connected = connected, .readable = readable, .writable = writable, .closed = closed};

static void accepted(void *user, hp_tcp_listener *listener, hp_tcp_socket *socket)
{
    raw_socket *s = user;
    if (s->tcp != NULL) {
        hp_tcp_abort(socket);
        return;
    }
    s->tcp = socket;
    s->told_end = false;
    hp_tcp_set_nodelay(socket, true);
    hp_tcp_set_ops(socket, &tcp_ops, s);
    connected(s, socket);
}

size_t hp_raw_socket_write(void *user, unsigned number, const uint8_t *data, size_t len, uint32_t *ret_packet)
{
    hp_raw_peer *peer = user;
    raw_socket *s = &peer->sockets[number];
    uint32_t before = n_recorded(peer);
    *ret_packet = 0;
    if (peer->finishing || s->tcp == NULL) {
        return 0;
    }
    size_t taken = hp_tcp_send(s->tcp, data, len);
    *ret_packet = recorded_since(peer, before);
    return taken;
}

/* ---- both ---- */

static bool address_at(const hp_raw_peer *peer, const hp_raw_socket *config, uint8_t family, hp_addr *ret)
{
    size_t n = hp_host_addresses(peer->host, NULL, 0);
    g_autofree hp_addr *all = g_new0(hp_addr, MAX(n, 1));
    hp_host_addresses(peer->host, all, n);
    for (size_t i = 0; i < n; i++) {
        int interface = hp_host_interface_of(peer->host, &all[i]);
        const char *name = interface >= 0 ? hp_host_interface_name(peer->host, (unsigned)interface) : NULL;
        if (all[i].family == family && !hp_addr_is_link_local(&all[i]) &&
            (config->interface == NULL || g_strcmp0(name, config->interface) == 0)) {
            *ret = hp_addr_with_port(all[i], config->port);
            return true;
        }
    }
    return false;
}

bool hp_raw_socket_open(void *user, unsigned number, const hp_raw_socket *config, const hp_addr *remote,
                        hp_addr *ret_local, GError **error)
{
    static const hp_socket_ops udp_ops = {.datagram = datagram, .icmp = icmp};
    static const hp_tcp_listener_ops listener_ops = {.accepted = accepted};
    hp_raw_peer *peer = user;
    raw_socket *s = &peer->sockets[number];
    hp_addr local;
    bool stream = config->transport == HP_RAW_OVER_TCP || config->transport == HP_RAW_OVER_TLS;
    uint8_t family = remote->family != HP_AF_NONE ? remote->family : config->ipv6 ? HP_AF_IPV6 : HP_AF_IPV4;
    bool found = address_at(peer, config, family, &local);
    if (!found && remote->family == HP_AF_NONE && !config->ipv6) {
        found = address_at(peer, config, HP_AF_IPV6, &local); /* a host without IPv4 */
    }
    if (!found) {
        g_set_error(error, HP_ERROR, HP_ERROR_INVALID, "%s has no address for socket `%s`", peer->name, config->name);
        return false;
    }
    s->told_end = false;
    if (!stream) {
        s->udp = hp_host_bind(peer->host, &local, &udp_ops, s, error);
        if (s->udp == NULL) {
            return false;
        }
        *ret_local = hp_socket_local(s->udp);
        return true;
    }
    if (config->listens) {
        s->listener = hp_tcp_listen(peer->host, &local, &listener_ops, s, error);
        if (s->listener == NULL) {
            return false;
        }
        *ret_local = hp_tcp_listener_local(s->listener);
        return true;
    }
    s->tcp = hp_tcp_connect(peer->host, &local, remote, &tcp_ops, s, error);
    if (s->tcp == NULL) {
        return false;
    }
    hp_tcp_set_nodelay(s->tcp, true);
    *ret_local = hp_tcp_local(s->tcp);
    return true;
}

void hp_raw_socket_close(void *user, unsigned number, bool reset)
{
    hp_raw_peer *peer = user;
    raw_socket *s = &peer->sockets[number];
    g_clear_pointer(&s->udp, hp_socket_close);
    g_clear_pointer(&s->listener, hp_tcp_listener_close);
    if (s->tcp != NULL) {
        hp_tcp_socket *tcp = s->tcp;
        s->tcp = NULL;
        hp_tcp_set_ops(tcp, NULL, NULL);
        if (reset) {
            hp_tcp_abort(tcp);
        } else {
            hp_tcp_close(tcp);
        }
    }
}
