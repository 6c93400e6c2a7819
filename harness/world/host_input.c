/* What comes into a host: checksums, reassembly, UDP to its socket, TCP, echo, ICMP errors to the socket they speak of.
 *
 * Order of checks: the interface is up; (the tap sees the packet;) it is intact; the address is the host's; it is
 * whole, fragments waiting until it is; somebody wants it. A datagram for nobody is answered with port unreachable (RFC
 * 1122 section 4.1.3.1), a datagram that never became whole with reassembly time exceeded (section 3.3.2), unless the
 * host is silent.
 *
 * Multicast is for the socket that has joined the group on that interface, and is dropped quietly without one (RFC 1122
 * section 3.2.2: no ICMP error is about it); only UDP in one piece is taken.
 *
 * A corrupt fragment is not noticed before its datagram is whole, as its own header was intact (RFC 1122 section
 * 4.1.3.4: the checksum is the datagram's). */
#include "world/host_private.h"

static void not_wanted(hp_host *host, hp_packet *p, const char *detail)
{
    if (host->other != NULL) {
        host->other(host->other_user, host, p);
        hp_packet_free(p);
        return;
    }
    hp_node_drop(&host->node, p, HP_DROP_NO_SOCKET, detail);
}

static void input_udp(hp_host *host, unsigned interface, hp_packet *p)
{
    hp_socket *socket = hp_host_find_socket(host, &p->dst);
    bool group = false;
    if (G_UNLIKELY(socket == NULL) && hp_addr_is_multicast(&p->dst)) {
        group = true;
        socket = hp_host_find_member(host, interface, &p->dst);
    }
    if (G_LIKELY(socket != NULL)) {
        hp_datagram datagram = {
            .from = p->src,
            .to = p->dst,
            .data = p->payload,
            .length = p->length,
            .ttl = p->ttl,
            .tos = p->tos,
            .dont_fragment = p->dont_fragment,
            .record = p->last_record,
            .uid = p->uid,
        };
        /* The callback may close the socket. */
        socket->ops.datagram(socket->user, socket, &datagram);
        hp_packet_free(p);
        return;
    }
    if (group) {
        hp_node_drop(&host->node, p, HP_DROP_NO_SOCKET, "no member of that group");
        return;
    }
    if (hp_host_reachable_at(host, &p->dst) < 0) {
        hp_node_drop(&host->node, p, HP_DROP_NO_ROUTE, "not an address of this host");
        return;
    }
    hp_host_send_error(host, HP_ICMP_PORT_UNREACHABLE, p);
    hp_node_drop(&host->node, p, HP_DROP_NO_SOCKET, NULL);
}

static void input_icmp_error(hp_host *host, hp_packet *p)
{
    const hp_packet *inner = p->inner;
    if (p->icmp_kind == HP_ICMP_FRAG_NEEDED && hp_host_reachable_at(host, &inner->src) >= 0) {
        hp_host_learn_path_mtu(host, &inner->dst, p->icmp_mtu);
    }
    if (inner->proto == HP_PROTO_TCP && hp_tcp_icmp(host, p)) {
        hp_packet_free(p);
        return;
    }
    hp_socket *socket = inner->proto == HP_PROTO_UDP ? hp_host_find_socket(host, &inner->src) : NULL;
    if (socket == NULL) {
        not_wanted(host, p, "an ICMP error about a packet of no socket");
        return;
    }
    if (socket->ops.icmp != NULL) {
        socket->ops.icmp(socket->user, socket, p->icmp_kind, &p->src, &inner->dst, p);
    }
    hp_packet_free(p);
}

static void answer_echo(hp_host *host, hp_packet *p)
{
    int interface = hp_host_reachable_at(host, &p->dst);
    if (host->silent || interface < 0) {
        hp_node_drop(&host->node, p, HP_DROP_NO_SOCKET, "the host does not answer echo requests");
        return;
    }
    hp_packet *reply = hp_packet_echo_reply(p);
    hp_packet_free(p);
    hp_host_output(host, (unsigned)interface, reply);
}

static void input_other(hp_host *host, hp_packet *p)
{
    if (hp_host_reachable_at(host, &p->dst) < 0) {
        hp_node_drop(&host->node, p, HP_DROP_NO_ROUTE, "not an address of this host");
    } else if (hp_packet_is_icmp(p) && p->icmp_kind == HP_ICMP_ECHO_REQUEST) {
        answer_echo(host, p);
    } else if (hp_packet_is_icmp_error(p) && p->inner != NULL) {
        input_icmp_error(host, p);
    } else if (p->proto == HP_PROTO_TCP && (host->other == NULL || hp_tcp_is_used(host))) {
        hp_tcp_input(host, p);
    } else {
        not_wanted(host, p, "nothing here speaks that protocol");
    }
}

static void on_reassembly_timeout(void *user, const hp_packet *first)
{
    hp_host_send_error(user, HP_ICMP_REASSEMBLY_TIMEOUT, first);
}

/* The whole packet, or NULL while fragments are missing. */
static hp_packet *reassemble(hp_host *host, hp_packet *p)
{
    if (hp_host_reachable_at(host, &p->dst) < 0) {
        hp_node_drop(&host->node, p, HP_DROP_NO_ROUTE, "not an address of this host");
        return NULL;
    }
    if (host->reassembly == NULL) {
        host->reassembly = hp_reassembly_new(&host->node, on_reassembly_timeout, host);
    }
    return hp_reassembly_add(host->reassembly, p);
}

void hp_host_input(hp_host *host, unsigned interface, hp_packet *p)
{
    if (G_UNLIKELY(hp_packet_is_fragment(p))) {
        p = reassemble(host, p);
        if (p == NULL) {
            return;
        }
    }
    if (G_UNLIKELY(p->corrupt)) {
        hp_node_drop(&host->node, p, HP_DROP_CORRUPT, NULL);
    } else if (G_LIKELY(p->proto == HP_PROTO_UDP)) {
        input_udp(host, interface, p);
    } else {
        input_other(host, p);
    }
}

void hp_host_hint(const hp_node *node, unsigned port, const hp_packet *p, hp_hint hint)
{
    const hp_host *host = (const hp_host *)node;
    if (p->proto != HP_PROTO_UDP) {
        return;
    }
    switch (hint) {
    case HP_HINT_FAR:
        hp_addr_map_prefetch(&host->sockets, &p->dst);
        break;
    case HP_HINT_NEAR: {
        /* The search reads no socket. What delivery needs of one may lie in two lines. */
        const hp_socket *socket = hp_addr_map_find_pointer(&host->sockets, &p->dst);
        if (socket != NULL) {
            hp_prefetch(&socket->interface);
            hp_prefetch(&socket->user);
        }
        break;
    }
    }
}

void hp_host_receive(hp_node *node, unsigned port, hp_packet *p)
{
    hp_host *host = (hp_host *)node;
    if (G_UNLIKELY(port >= host->interfaces->len)) {
        hp_node_drop(node, p, HP_DROP_NO_ROUTE, "no such interface");
        return;
    }
    if (G_UNLIKELY(!hp_host_interface_at(host, port)->up)) {
        hp_node_drop(node, p, HP_DROP_HOST_DOWN, NULL);
        return;
    }
    hp_host_record(host, port, HP_DIR_IN, p);
    if (G_UNLIKELY(hp_host_interface_at(host, port)->to_kernel != NULL)) {
        hp_host_input_outboard(host, port, p);
        return;
    }
    hp_host_input(host, port, p);
}
