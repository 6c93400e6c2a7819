/* Fuzzes TCP input: segments made of the input at a host with a listener and a connection, while its true peer sends
 * too.
 *
 *   client host - gate - server host, and the input's segments from either side with forged addresses
 *
 * The numbers of a forged segment are taken from those last seen in its direction, a little off where the input says
 * so, so that it lies in or near the window. Forged data and true data cannot be told apart by a receiver; both ends
 * send bytes that follow from their place in the stream (place modulo 251), and so do forged segments that carry data
 * at the right place. So whatever is delivered must be a prefix of that one stream.
 *
 * Besides: no byte beyond what was sent or forged is delivered, sockets end once, and when the hosts have had hours to
 * give up nothing but TIME-WAIT's successors, none, is left of a connection whose sockets were closed. */
#include "net.h"

enum { PORT = 80, CLIENT_PORT = 50000, FORGED_MAX = 64, WRITE_MAX = 4096 };

typedef struct end {
    hp_tcp_socket *socket; /* NULL: none, or given up */
    uint64_t written, read;
    unsigned connected, closed;
    bool reset;
} end;

typedef struct rig {
    hp_world *world;
    hp_host *hosts[2]; /* the client's, the server's */
    gate *wire;
    hp_tcp_listener *listener;
    end ends[2];
    uint32_t isn[2], next[2], ack[2]; /* of the connection, as last seen from each side */
    bool seen[2];
    bool v6, late_reader;
} rig;

static uint8_t byte_at(uint64_t place)
{
    return (uint8_t)(place % 251);
}

/* ---- the two ends ---- */

static void read_all(end *e)
{
    uint8_t bytes[1000];
    size_t n;
    while ((n = hp_tcp_recv(e->socket, bytes, sizeof bytes)) > 0) {
        for (size_t i = 0; i < n; i++) {
            CHECK(bytes[i] == byte_at(e->read + i));
        }
        e->read += n;
    }
}

static void on_connected(void *user, hp_tcp_socket *socket)
{
    end *e = user;
    CHECK(e->socket == socket && ++e->connected == 1);
}

static void on_readable(void *user, hp_tcp_socket *socket)
{
    end *e = user;
    CHECK(e->socket == socket && e->closed == 0);
    read_all(e);
}

static void on_closed(void *user, hp_tcp_socket *socket, hp_tcp_end why)
{
    end *e = user;
    CHECK(e->socket == socket && ++e->closed == 1 && why != HP_TCP_END_NONE);
    read_all(e);
}

static const hp_tcp_ops ops = {.connected = on_connected, .readable = on_readable, .closed = on_closed};

static void on_accepted(void *user, hp_tcp_listener *listener, hp_tcp_socket *socket)
{
    rig *f = user;
    CHECK(hp_tcp_get_state(socket) != HP_TCP_CLOSED);
    hp_addr remote = hp_tcp_remote(socket);
    if (f->ends[1].socket != NULL || remote.port != CLIENT_PORT) {
        hp_tcp_abort(socket); /* of a forged SYN */
        return;
    }
    f->ends[1] = (end){.socket = socket, .connected = 1};
    hp_tcp_set_ops(socket, &ops, &f->ends[1]);
}

/* ---- the wire ---- */

/* Keeps in mind which numbers each side is at. */
static void see(void *user, unsigned port, const hp_packet *p)
{
    rig *f = user;
    hp_tcp_header h;
    const uint8_t *data;
    size_t length;
    if (p->proto != HP_PROTO_TCP || !hp_tcp_parse(p->payload, p->length, &h, &data, &length)) {
        return;
    }
    if ((h.flags & HP_TCP_SYN) != 0) {
        f->isn[port] = h.seq;
    }
    f->next[port] = h.seq + (uint32_t)length + ((h.flags & (HP_TCP_SYN | HP_TCP_FIN)) != 0);
    f->ack[port] = h.ack;
    f->seen[port] = true;
}

static uint32_t near(reader *r, uint32_t number, uint8_t how)
{
    switch (how & 3) {
    case 0:
    case 1:
        return number;
    case 2:
        return number + (uint32_t)(int8_t)take(r);
    default:
        return take32(r);
    }
}

/* A segment that pretends to come from `side`. */
static void forge(rig *f, reader *r, unsigned side)
{
    uint8_t how = take(r), flags = take(r);
    if (!f->seen[side]) {
        flags &= (uint8_t)~HP_TCP_SYN;
    }
    hp_tcp_header h = {.flags = flags,
                       .seq = near(r, f->next[side], how),
                       .ack = near(r, f->next[1 - side], how >> 2),
                       .window = (how & 0x10) != 0 ? take16(r) : 60000,
                       .urgent = (how & 0x20) != 0 ? take16(r) : 0};
    if ((flags & HP_TCP_SYN) != 0) {
        h.seq = f->isn[side]; /* else the streams would have two beginnings */
    }
    if ((flags & HP_TCP_SYN) != 0 && (how & 0x80) != 0) {
        h.mss = take16(r);
        h.sack_permitted = true;
        h.has_window_scale = true;
        h.window_scale = take(r);
    }
    uint8_t segment[HP_TCP_HEADER_ROOM + FORGED_MAX];
    size_t header = hp_tcp_write(&h, segment, HP_TCP_HEADER_ROOM), length = 0;
    if ((how & 0x40) != 0 && f->seen[side]) {
        length = take(r) % FORGED_MAX;
        uint32_t place = h.seq + ((flags & HP_TCP_SYN) != 0) - f->isn[side] - 1;
        for (size_t i = 0; i < length; i++) {
            segment[header + i] = byte_at((uint32_t)(place + i));
        }
    }
    hp_addr from = net_addr(f->v6, NET_OUTSIDE, side, side == 0 ? CLIENT_PORT : PORT);
    hp_addr to = net_addr(f->v6, NET_OUTSIDE, 1 - side, side == 0 ? PORT : CLIENT_PORT);
    if ((how & 0x8c) == 0x8c) {
        from.port = (uint16_t)(from.port + 1 + (how & 1)); /* another connection's */
    }
    hp_packet *p = hp_packet_new(HP_PROTO_TCP, &from, &to, segment, header + length);
    p->uid = hp_world_new_uid(f->world);
    p->tos = how & 3;
    hp_node *node = hp_host_node(f->hosts[1 - side]);
    node->ops->receive(node, 0, p);
}

/* A segment of the input's own bytes: header and options as they come. */
static void give_raw(rig *f, reader *r, unsigned side)
{
    size_t length = take(r);
    const uint8_t *bytes = take_bytes(r, &length);
    hp_addr from = net_addr(f->v6, NET_OUTSIDE, side, side == 0 ? CLIENT_PORT : PORT);
    hp_addr to = net_addr(f->v6, NET_OUTSIDE, 1 - side, side == 0 ? PORT : CLIENT_PORT);
    uint8_t copy[256];
    memcpy(copy, bytes, length);
    if (length >= 12) {
        /* No data at a place where it would be wrong: the window is missed, or there is none. */
        copy[8] = (uint8_t)(MIN((length + 4) / 4, 15) << 4);
        length = MIN(length, (size_t)(copy[8] >> 4) * 4 - 4);
        copy[9] &= (uint8_t)~HP_TCP_SYN;
    }
    hp_packet *p = hp_packet_new(HP_PROTO_TCP, &from, &to, copy, length);
    p->uid = hp_world_new_uid(f->world);
    hp_node *node = hp_host_node(f->hosts[1 - side]);
    node->ops->receive(node, 0, p);
}

static void give_icmp(rig *f, reader *r, unsigned side)
{
    const hp_packet *quoted = f->wire->latest[side];
    hp_addr from = net_addr(f->v6, NET_OUTSIDE, 9, 0);
    hp_packet *p = quoted != NULL ? net_error_about(r, &from, quoted) : NULL;
    if (p != NULL) {
        p->uid = hp_world_new_uid(f->world);
        hp_node *node = hp_host_node(f->hosts[side]);
        node->ops->receive(node, 0, p);
    }
}

/* ---- steps ---- */

static void write_some(end *e, size_t n)
{
    uint8_t bytes[WRITE_MAX];
    for (size_t i = 0; i < n; i++) {
        bytes[i] = byte_at(e->written + i);
    }
    size_t taken = hp_tcp_send(e->socket, bytes, n);
    CHECK(taken <= n);
    e->written += taken;
}

static void step(rig *f, reader *r)
{
    uint8_t op = take(r);
    unsigned side = op >> 7;
    end *e = &f->ends[side];
    switch (op & 7) {
    case 0:
    case 1:
        forge(f, r, side);
        break;
    case 2:
        if (e->socket != NULL) {
            write_some(e, (size_t)(take(r) * 16) % WRITE_MAX);
        }
        break;
    case 3:
        give_raw(f, r, side);
        break;
    case 4:
        net_pass_time(f->world, take_span(r));
        break;
    case 5:
        if (e->socket != NULL && (op & 0x78) == 0) {
            hp_tcp_shutdown(e->socket);
        } else if (e->socket != NULL && (op & 0x70) == 0) {
            hp_tcp_set_keepalive(e->socket, true, 10 * HP_S, HP_S, 3);
        }
        break;
    case 6:
        give_icmp(f, r, side);
        break;
    case 7:
        net_pass_time(f->world, (take(r) & 7) * HP_MS);
        break;
    }
}

static hp_host *add_host(rig *f, unsigned n, const char *name)
{
    hp_host *host = hp_host_new(f->world, name);
    hp_addr a = net_addr(f->v6, NET_OUTSIDE, n, 0);
    hp_host_add_interface(host, NULL, 0);
    hp_host_add_address(host, 0, &a);
    return host;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const hp_tcp_listener_ops listener_ops = {.accepted = on_accepted};
    reader r = {data, size};
    uint8_t how = take(&r);
    rig f = {.v6 = (how & 3) == 3, .world = hp_world_new(1, net_trace())};
    f.hosts[0] = add_host(&f, 0, "client");
    f.hosts[1] = add_host(&f, 1, "server");
    f.wire = gate_new(f.world, "wire", see, &f);
    net_join(hp_host_node(f.hosts[0]), 0, &f.wire->node, 0);
    net_join(&f.wire->node, 1, hp_host_node(f.hosts[1]), 0);
    hp_addr server = net_addr(f.v6, NET_OUTSIDE, 1, PORT), client = net_addr(f.v6, NET_OUTSIDE, 0, CLIENT_PORT);
    f.listener = hp_tcp_listen(f.hosts[1], &server, &listener_ops, &f, NULL);
    CHECK(f.listener != NULL);
    f.ends[0].socket = hp_tcp_connect(f.hosts[0], &client, &server, &ops, &f.ends[0], NULL);
    CHECK(f.ends[0].socket != NULL);
    if ((how & 4) == 0) {
        net_pass_time(f.world, HP_MS); /* else the first segments meet a handshake */
    }
    for (unsigned i = 0; r.left > 0 && i < STEPS_MAX; i++) {
        step(&f, &r);
    }
    net_pass_time(f.world, HP_S);
    for (unsigned side = 0; side < 2; side++) {
        if (f.ends[side].socket != NULL) {
            read_all(&f.ends[side]);
            hp_tcp_set_ops(f.ends[side].socket, NULL, NULL);
            hp_tcp_close(f.ends[side].socket);
        }
    }
    hp_tcp_listener_close(f.listener);
    net_pass_time(f.world, 24 * 3600 * HP_S);
    CHECK(hp_tcp_n_connections(f.hosts[0]) == 0 && hp_tcp_n_connections(f.hosts[1]) == 0);
    hp_world_free(f.world);
    return 0;
}
