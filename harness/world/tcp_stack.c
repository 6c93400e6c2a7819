/* The TCP of a host: which connection or listener a segment belongs to, and what answers when there is none.
 *
 * A host has none of this until it first listens or connects; strays are refused all the same (RFC 9293 section
 * 3.10.7.1). A segment goes to the connection with its four numbers, else to a listener (section 3.10.7.2). A SYN to a
 * connection in TIME-WAIT begins a new one when its sequence number is beyond the old one's and somebody listens (RFC
 * 1122 section 4.2.2.13).
 *
 * Initial sequence numbers follow RFC 6528: a clock, of 64 ns, plus a number that depends on the four numbers and a
 * secret of the host's own stream; not cryptographically, as nobody in here attacks it. Ephemeral ports are drawn from
 * the same stream.
 *
 * Segments have DF over IPv4. Over IPv6, where a host fragments by what it knows of the path, a segment that was cut
 * for a larger path MTU than another flow has found since goes out in fragments.
 *
 * Nothing nests: `entered` is set while a connection is worked on or its user is called, and packets that arrive then
 * wait in a queue which a timer of the host's empties at the same instant, one each time.
 *
 * Limits: at most as many ephemeral connections as there are ephemeral ports; a path MTU is not remembered beyond the
 * connection over IPv4; ICMP errors reach the one connection they quote. */
#include "world/host_backend.h"

#include "base/error.h"
#include "wire/claimed_ports.h"

enum { EPHEMERAL_FIRST = 49152, EPHEMERAL_COUNT = 16384, ISN_TICK_NS = 64 };

static void on_waiting(void *owner, hp_time now);

hp_tcp_stack *hp_tcp_stack_of(hp_host *host)
{
    if (host->tcp == NULL) {
        hp_tcp_stack *stack = g_new0(hp_tcp_stack, 1);
        stack->host = host;
        hp_tcp_config_init(&stack->config);
        g_autofree char *name = g_strconcat("tcp:", host->node.name, NULL);
        hp_world_rng(host->node.world, name, &stack->rng);
        stack->isn_secret = hp_rng_u64(&stack->rng);
        g_queue_init(&stack->waiting);
        hp_timer_init(&stack->waiting_timer, HP_TIMER_NODE, host->node.id, on_waiting, stack);
        host->tcp = stack;
    }
    return host->tcp;
}

void hp_tcp_stack_free(hp_tcp_stack *stack)
{
    if (stack == NULL) {
        return;
    }
    hp_timer_cancel(stack->host->node.world, &stack->waiting_timer);
    hp_packet *p;
    while ((p = g_queue_pop_head(&stack->waiting)) != NULL) {
        hp_packet_free(p);
    }
    while (stack->first_socket != NULL) {
        hp_tcp_socket_destroy(stack->first_socket);
    }
    while (stack->first_listener != NULL) {
        hp_tcp_listener_destroy(stack->first_listener);
    }
    hp_tcp_table_clear(&stack->connections);
    hp_addr_map_clear(&stack->listeners);
    hp_addr_map_clear(&stack->ports);
    g_free(stack);
}

bool hp_tcp_is_used(const hp_host *host)
{
    return host->tcp != NULL && (host->tcp->first_listener != NULL || host->tcp->first_socket != NULL);
}

void hp_tcp_set_config(hp_host *host, const hp_tcp_config *config)
{
    hp_tcp_stack_of(host)->config = *config;
}

const hp_tcp_config *hp_tcp_get_config(hp_host *host)
{
    return &hp_tcp_stack_of(host)->config;
}

unsigned hp_tcp_n_connections(const hp_host *host)
{
    if (host->backend != NULL) {
        return host->backend->tcp_n_connections(host);
    }
    return host->tcp != NULL ? (unsigned)host->tcp->connections.n : 0;
}

/* ---- ports ---- */

void hp_tcp_count_port(hp_tcp_stack *stack, const hp_addr *local, int change)
{
    hp_addr any = hp_tcp_any(local);
    const uintptr_t *count = hp_addr_map_find(&stack->ports, &any);
    uintptr_t n = (count != NULL ? *count : 0) + (uintptr_t)change;
    if (n == 0) {
        hp_addr_map_remove(&stack->ports, &any);
    } else {
        hp_addr_map_set(&stack->ports, &any, n);
    }
}

bool hp_tcp_choose_port(hp_tcp_stack *stack, hp_addr *local, GError **error)
{
    uint32_t start = (uint32_t)hp_rng_below(&stack->rng, EPHEMERAL_COUNT);
    for (uint32_t i = 0; i < EPHEMERAL_COUNT; i++) {
        hp_addr any = {.family = local->family};
        any.port = (uint16_t)(EPHEMERAL_FIRST + (start + i) % EPHEMERAL_COUNT);
        if (hp_addr_map_find(&stack->ports, &any) == NULL && !hp_port_is_claimed(any.port)) {
            local->port = any.port;
            return true;
        }
    }
    char text[HP_ADDR_TEXT];
    g_set_error(error, HP_ERROR, HP_ERROR_LIMIT, "%s: every ephemeral TCP port of %s is taken", stack->host->node.name,
                hp_addr_format_ip(local, text));
    return false;
}

bool hp_tcp_check_local(const hp_host *host, const hp_addr *local, GError **error)
{
    if (local->family == HP_AF_NONE) {
        g_set_error(error, HP_ERROR, HP_ERROR_INVALID, "%s: a socket needs an address family", host->node.name);
        return false;
    }
    if (!hp_addr_is_unspecified(local) && hp_host_interface_of(host, local) < 0) {
        char text[HP_ADDR_TEXT];
        g_set_error(error, HP_ERROR, HP_ERROR_INVALID, "%s has no address %s", host->node.name,
                    hp_addr_format_ip(local, text));
        return false;
    }
    return true;
}

bool hp_tcp_reserve(hp_host *host, const hp_addr *local, hp_addr *ret, GError **error)
{
    hp_tcp_stack *stack = hp_tcp_stack_of(host);
    hp_addr chosen = *local;
    if (!hp_tcp_check_local(host, local, error) || (chosen.port == 0 && !hp_tcp_choose_port(stack, &chosen, error))) {
        return false;
    }
    hp_tcp_count_port(stack, &chosen, 1);
    *ret = chosen;
    return true;
}

void hp_tcp_release(hp_host *host, const hp_addr *reserved)
{
    hp_tcp_stack *stack = hp_tcp_stack_of(host);
    hp_addr any = hp_tcp_any(reserved);
    g_return_if_fail(hp_addr_map_find(&stack->ports, &any) != NULL);
    hp_tcp_count_port(stack, reserved, -1);
}

uint32_t hp_tcp_new_isn(hp_tcp_stack *stack, const hp_tcp_pair *pair)
{
    uint64_t h = (hp_addr_hash(&pair->local) + stack->isn_secret) * UINT64_C(0x9e3779b97f4a7c15);
    h = ((h ^ h >> 32) + hp_addr_hash(&pair->remote)) * UINT64_C(0xd6e8feb86659fd93);
    return (uint32_t)(h >> 32) + (uint32_t)(hp_tcp_now(stack) / ISN_TICK_NS);
}

/* ---- out ---- */

void hp_tcp_send_segment(hp_host *host, const hp_tcp_pair *pair, uint8_t tos, const hp_tcp_segment *segment)
{
    int interface = hp_host_reachable_at(host, &pair->local);
    if (interface < 0) {
        return;
    }
    uint8_t header[HP_TCP_HEADER_ROOM];
    size_t header_length = hp_tcp_write(&segment->header, header, sizeof header);
    const hp_tcp_span *data = &segment->data;
    hp_packet *p = hp_packet_new(HP_PROTO_TCP, &pair->local, &pair->remote, NULL,
                                 header_length + data->length[0] + data->length[1]);
    memcpy(p->payload, header, header_length);
    if (data->length[0] > 0) {
        memcpy(p->payload + header_length, data->bytes[0], data->length[0]);
    }
    if (data->length[1] > 0) {
        memcpy(p->payload + header_length + data->length[0], data->bytes[1], data->length[1]);
    }
    p->dont_fragment = pair->local.family == HP_AF_IPV4;
    p->tos = tos;
    hp_host_output(host, (unsigned)interface, p);
}

/* A reset that the sender of a stray segment will take. */
static void refuse(hp_host *host, const hp_tcp_pair *pair, const hp_tcp_header *h, size_t length)
{
    hp_tcp_segment reset = {.header = {.flags = HP_TCP_RST}};
    if ((h->flags & HP_TCP_ACK) != 0) {
        reset.header.seq = h->ack;
    } else {
        unsigned counted = ((h->flags & HP_TCP_SYN) != 0) + ((h->flags & HP_TCP_FIN) != 0);
        reset.header.flags |= HP_TCP_ACK;
        reset.header.ack = h->seq + (uint32_t)length + counted;
    }
    hp_tcp_send_segment(host, pair, 0, &reset);
}

/* ---- in ---- */

static void take_stray(hp_host *host, const hp_tcp_pair *pair, const hp_tcp_header *h, size_t length, hp_packet *p)
{
    if ((h->flags & HP_TCP_RST) == 0 && !host->silent) {
        refuse(host, pair, h, length);
    }
    hp_node_drop(&host->node, p, HP_DROP_NO_SOCKET, NULL);
}

static void take_for_listener(hp_tcp_listener *listener, const hp_tcp_pair *pair, const hp_tcp_header *h, size_t length,
                              hp_packet *p)
{
    hp_host *host = listener->stack->host;
    unsigned kind = h->flags & (HP_TCP_RST | HP_TCP_ACK | HP_TCP_SYN);
    if (kind == 0) {
        hp_node_drop(&host->node, p, HP_DROP_NO_SOCKET, "a listener takes SYNs alone");
    } else if (kind != HP_TCP_SYN) {
        take_stray(host, pair, h, length, p);
    } else if (hp_tcp_listener_take(listener, pair, h, p->last_record)) {
        hp_packet_free(p);
    } else {
        hp_node_drop(&host->node, p, HP_DROP_RECV_BUFFER, "the listener's backlog is full");
    }
}

/* Whether this is a SYN that takes over from what is left of an older connection. */
static bool begins_anew(const hp_tcp_socket *old, const hp_tcp_header *h)
{
    return hp_tcp_conn_state(old->conn) == HP_TCP_TIME_WAIT &&
           (h->flags & (HP_TCP_SYN | HP_TCP_ACK | HP_TCP_RST)) == HP_TCP_SYN &&
           hp_tcp_after(h->seq, hp_tcp_conn_expected(old->conn)) &&
           hp_tcp_find_listener(old->stack, &old->pair.local) != NULL;
}

static void take_segment(hp_host *host, hp_packet *p)
{
    hp_tcp_header h;
    const uint8_t *data;
    size_t length;
    if (!hp_tcp_parse(p->payload, p->length, &h, &data, &length)) {
        hp_node_drop(&host->node, p, HP_DROP_MALFORMED, "not a well-formed TCP segment");
        return;
    }
    hp_tcp_pair pair = {.local = p->dst, .remote = p->src};
    hp_tcp_stack *stack = host->tcp;
    hp_tcp_socket *socket = stack != NULL ? hp_tcp_table_find(&stack->connections, &pair) : NULL;
    if (socket != NULL && begins_anew(socket, &h)) {
        hp_tcp_socket_begin(socket);
        hp_tcp_conn_abort(socket->conn);
        hp_tcp_socket_end(socket, false);
        socket = NULL;
    }
    if (socket != NULL) {
        socket->last_record = p->last_record;
        hp_tcp_socket_begin(socket);
        hp_tcp_conn_segment(socket->conn, hp_tcp_now(stack), &h, data, length);
        hp_tcp_socket_end(socket, true);
        hp_packet_free(p);
        return;
    }
    hp_tcp_listener *listener = stack != NULL ? hp_tcp_find_listener(stack, &p->dst) : NULL;
    if (listener != NULL) {
        take_for_listener(listener, &pair, &h, length, p);
    } else {
        take_stray(host, &pair, &h, length, p);
    }
}

static void let_wait(hp_tcp_stack *stack, hp_packet *p)
{
    g_queue_push_tail(&stack->waiting, p);
    if (!hp_timer_is_armed(&stack->waiting_timer)) {
        hp_timer_arm(stack->host->node.world, &stack->waiting_timer, hp_tcp_now(stack));
    }
}

void hp_tcp_input(hp_host *host, hp_packet *p)
{
    if (host->tcp != NULL && (host->tcp->entered > 0 || !g_queue_is_empty(&host->tcp->waiting))) {
        let_wait(host->tcp, p);
    } else {
        take_segment(host, p);
    }
}

/* ---- ICMP ---- */

/* The next size to try under that of a packet which was too big for a router that does not say more: the plateaus of
 * RFC 1191 section 7.1. */
static uint32_t plateau_below(uint32_t length)
{
    static const uint32_t plateaus[] = {32000, 17914, 8166, 4352, 2002, 1492, 1006, 508, 296, 68};
    for (unsigned i = 0; i < G_N_ELEMENTS(plateaus); i++) {
        if (plateaus[i] < length) {
            return plateaus[i];
        }
    }
    return plateaus[G_N_ELEMENTS(plateaus) - 1];
}

static uint32_t next_mtu(const hp_packet *error)
{
    const hp_packet *inner = error->inner;
    if (error->icmp_mtu != 0) {
        return error->icmp_mtu;
    }
    uint32_t headers = (uint32_t)hp_packet_wire_length(inner) - inner->length;
    return plateau_below(headers + MAX(inner->original_length, inner->length));
}

static void take_error(hp_tcp_socket *socket, const hp_packet *error, uint32_t seq)
{
    hp_tcp_socket_begin(socket);
    switch ((hp_icmp_kind)error->icmp_kind) {
    case HP_ICMP_PORT_UNREACHABLE:
        hp_tcp_conn_unreachable(socket->conn, seq, true);
        break;
    case HP_ICMP_HOST_UNREACHABLE:
    case HP_ICMP_NET_UNREACHABLE:
    case HP_ICMP_ADMIN_PROHIBITED:
    case HP_ICMP_TTL_EXCEEDED:
        hp_tcp_conn_unreachable(socket->conn, seq, false);
        break;
    case HP_ICMP_FRAG_NEEDED:
        hp_tcp_conn_path_mtu(socket->conn, seq, next_mtu(error));
        break;
    case HP_ICMP_NONE:
    case HP_ICMP_ECHO_REQUEST:
    case HP_ICMP_ECHO_REPLY:
    case HP_ICMP_REASSEMBLY_TIMEOUT:
    case HP_ICMP_OTHER:
        break;
    }
    hp_tcp_socket_end(socket, true);
}

static hp_tcp_socket *quoted_socket(const hp_host *host, const hp_packet *error, uint32_t *ret_seq)
{
    const hp_packet *inner = error->inner;
    if (host->tcp == NULL || inner->frag_offset > 0 || !hp_tcp_quoted_seq(inner->payload, inner->length, ret_seq)) {
        return NULL;
    }
    hp_tcp_pair pair = {.local = inner->src, .remote = inner->dst};
    return hp_tcp_table_find(&host->tcp->connections, &pair);
}

bool hp_tcp_icmp(hp_host *host, const hp_packet *error)
{
    uint32_t seq = 0;
    hp_tcp_socket *socket = quoted_socket(host, error, &seq);
    if (socket == NULL) {
        return false;
    }
    if (host->tcp->entered > 0) {
        let_wait(host->tcp, hp_packet_copy(error));
    } else {
        take_error(socket, error, seq);
    }
    return true;
}

static void on_waiting(void *owner, hp_time now)
{
    hp_tcp_stack *stack = owner;
    hp_packet *p = g_queue_pop_head(&stack->waiting);
    if (!g_queue_is_empty(&stack->waiting)) {
        hp_timer_arm(stack->host->node.world, &stack->waiting_timer, now);
    }
    if (p->proto == HP_PROTO_TCP) {
        take_segment(stack->host, p);
        return;
    }
    uint32_t seq = 0;
    hp_tcp_socket *socket = quoted_socket(stack->host, p, &seq);
    if (socket != NULL) {
        take_error(socket, p, seq);
    }
    hp_packet_free(p);
}
