/* Fuzzes ICMP input: errors that quote what was sent, bent by the input, or anything at all, given to two hosts, a NAT
 * and a firewall between them.
 *
 *   alice - gate - firewall - gate - NAT - gate - server
 *
 * alice has a UDP socket and a TCP connection with the server, which both send when the input says so; the input's
 * errors are put in at any of the gates, in either direction, from routers or from the other end.
 *
 * Besides not crashing: an error makes no mapping and no flow, and brings forth no error about itself; a socket hears
 * of errors only about what it could have sent; what is taken leaves, or is dropped with a trace. */
#include "net.h"

#include "world/firewall.h"
#include "world/nat.h"

enum { GATES = 3, UDP_PORT = 5000, TCP_PORT = 80 };

typedef struct rig {
    hp_trace *trace;
    hp_world *world;
    hp_host *alice, *server;
    hp_firewall *firewall;
    hp_nat *nat;
    gate *gates[GATES]; /* port 0 is alice's side */
    hp_socket *udp, *server_udp;
    hp_tcp_socket *tcp, *accepted;
    bool v6;
} rig;

static void see(void *user, unsigned port, const hp_packet *p)
{
    CHECK(p->src.family == p->dst.family && p->uid != 0);
    if (hp_packet_is_icmp_error(p)) {
        CHECK(p->inner == NULL || !hp_packet_is_icmp_error(p->inner) || p->inner->inner == NULL);
    }
}

static void on_icmp(void *user, hp_socket *socket, hp_icmp_kind kind, const hp_addr *from, const hp_addr *to,
                    const hp_packet *error)
{
    hp_addr local = hp_socket_local(socket);
    CHECK(error->inner != NULL && error->inner->proto == HP_PROTO_UDP);
    CHECK(hp_addr_equal(&error->inner->src, &local) && hp_addr_equal(&error->inner->dst, to));
    CHECK(kind != HP_ICMP_NONE && kind != HP_ICMP_ECHO_REQUEST && kind != HP_ICMP_ECHO_REPLY);
}

static void on_datagram(void *user, hp_socket *socket, const hp_datagram *d)
{
}

static void on_closed(void *user, hp_tcp_socket *socket, hp_tcp_end end)
{
    rig *f = user;
    if (f->tcp == socket) {
        f->tcp = NULL;
    } else if (f->accepted == socket) {
        f->accepted = NULL;
    }
    hp_tcp_close(socket);
}

static const hp_tcp_ops tcp_ops = {.closed = on_closed};

static void on_accepted(void *user, hp_tcp_listener *listener, hp_tcp_socket *socket)
{
    rig *f = user;
    if (f->accepted != NULL) {
        hp_tcp_abort(socket);
        return;
    }
    f->accepted = socket;
    hp_tcp_set_ops(socket, &tcp_ops, f);
}

static hp_host *add_host(rig *f, const char *name, unsigned role)
{
    hp_host *host = hp_host_new(f->world, name);
    hp_addr a = net_addr(f->v6, role, 0, 0);
    hp_host_add_interface(host, NULL, 0);
    hp_host_add_address(host, 0, &a);
    return host;
}

static void build(rig *f, uint8_t how)
{
    static const hp_socket_ops ops = {.datagram = on_datagram, .icmp = on_icmp};
    static const hp_tcp_listener_ops listener_ops = {.accepted = on_accepted};
    f->trace = net_trace();
    f->world = hp_world_new(1, f->trace);
    f->alice = add_host(f, "alice", NET_INSIDE);
    f->server = add_host(f, "server", NET_OUTSIDE);
    hp_firewall_config wall = {.out_denied = false, .hop = (how & 4) != 0, .blocks_icmp_errors = (how & 8) != 0};
    f->firewall = hp_firewall_new(f->world, "wall", &wall);
    hp_nat_config config = hp_nat_config_default();
    config.icmp_error_ends_mapping = (how & 16) != 0;
    config.icmp_inner_untranslated = (how & 32) != 0;
    config.hairpin = (how & 64) != 0 ? HP_NAT_HAIRPIN_EXTERNAL_SOURCE : HP_NAT_HAIRPIN_NONE;
    f->nat = hp_nat_new(f->world, "home", &config);
    hp_addr external = net_addr(f->v6, NET_EXTERNAL, 0, 0);
    hp_nat_set_external(f->nat, &external, 1);
    static const char *const names[GATES] = {"near alice", "between", "near the server"};
    for (unsigned i = 0; i < GATES; i++) {
        f->gates[i] = gate_new(f->world, names[i], see, f);
    }
    net_join(hp_host_node(f->alice), 0, &f->gates[0]->node, 0);
    net_join(&f->gates[0]->node, 1, hp_firewall_node(f->firewall), HP_FIREWALL_INSIDE);
    net_join(hp_firewall_node(f->firewall), HP_FIREWALL_OUTSIDE, &f->gates[1]->node, 0);
    net_join(&f->gates[1]->node, 1, hp_nat_node(f->nat), HP_NAT_INSIDE);
    net_join(hp_nat_node(f->nat), HP_NAT_OUTSIDE, &f->gates[2]->node, 0);
    net_join(&f->gates[2]->node, 1, hp_host_node(f->server), 0);

    hp_addr local = net_addr(f->v6, NET_INSIDE, 0, UDP_PORT), to = net_addr(f->v6, NET_OUTSIDE, 0, UDP_PORT);
    f->udp = hp_host_bind(f->alice, &local, &ops, f, NULL);
    f->server_udp = hp_host_bind(f->server, &to, &ops, f, NULL);
    hp_socket_send(f->udp, &to, "a", 1, NULL);
    hp_addr listen = net_addr(f->v6, NET_OUTSIDE, 0, TCP_PORT);
    CHECK(hp_tcp_listen(f->server, &listen, &listener_ops, f, NULL) != NULL);
    f->tcp = hp_tcp_connect(f->alice, NULL, &listen, &tcp_ops, f, NULL);
    net_pass_time(f->world, HP_MS);
    CHECK(f->accepted != NULL);
}

static hp_addr take_from(const rig *f, reader *r)
{
    static const uint8_t roles[] = {NET_OUTSIDE, NET_INSIDE, NET_EXTERNAL, NET_GATEWAY};
    uint8_t who = take(r);
    return net_addr(f->v6, roles[who & 3], (who & 4) != 0 ? 9 : 0, 0);
}

/* An error whose quotation is the input's bytes from beginning to end. */
static hp_packet *invented(const rig *f, reader *r)
{
    uint8_t bytes[64 + 256] = {0};
    hp_addr src = take_from(f, r), dst = take_from(f, r);
    uint8_t type = take(r), code = take(r), how = take(r);
    size_t header = f->v6 ? HP_IPV6_HEADER : HP_IPV4_HEADER, length = take(r);
    const uint8_t *quoted = take_bytes(r, &length);
    g_autoptr(hp_packet) shell = hp_packet_new(f->v6 ? HP_PROTO_ICMPV6 : HP_PROTO_ICMP, &src, &dst, quoted, length);
    shell->icmp_kind = HP_ICMP_OTHER;
    shell->icmp_type = (how & 1) != 0 ? type : f->v6 ? 1 : 3;
    shell->icmp_code = (how & 1) != 0 ? code : code & 15;
    size_t n = hp_packet_write(shell, bytes, sizeof bytes);
    CHECK(n == header + HP_ICMP_HEADER + length);
    return hp_packet_parse(bytes, n, NULL);
}

static void give_error(rig *f, reader *r, bool invent)
{
    uint8_t where = take(r);
    unsigned port = where >> 7;
    gate *g = f->gates[(where & 0x7f) % GATES];
    hp_addr from = take_from(f, r);
    hp_packet *p = NULL;
    if (invent) {
        p = invented(f, r);
    } else if (g->latest[1 - port] != NULL) {
        p = net_error_about(r, &from, g->latest[1 - port]);
    }
    if (p == NULL) {
        return;
    }
    bool is_error = hp_packet_is_icmp_error(p);
    uint64_t mappings = hp_nat_get_stats(f->nat).created, flows = hp_firewall_get_stats(f->firewall).created;
    uint64_t uid = p->uid = hp_world_new_uid(f->world);
    gate_receive(&g->node, port, p);
    if (is_error && f->tcp != NULL && f->accepted != NULL) {
        /* TCP may answer an error by sending again, but on the flow that is there. */
        CHECK(hp_nat_get_stats(f->nat).created == mappings || uid == 0);
        CHECK(hp_firewall_get_stats(f->firewall).created == flows);
    }
}

static void step(rig *f, reader *r)
{
    uint8_t op = take(r);
    hp_addr to = net_addr(f->v6, NET_OUTSIDE, (op & 8) != 0, UDP_PORT),
            back = net_addr(f->v6, NET_EXTERNAL, 0, UDP_PORT);
    switch (op & 7) {
    case 0:
    case 1:
    case 2:
        give_error(f, r, false);
        break;
    case 3:
        give_error(f, r, true);
        break;
    case 4:
        hp_socket_send(f->udp, &to, "more", 4, NULL);
        break;
    case 5:
        hp_socket_send(f->server_udp, &back, "back", 4, NULL);
        break;
    case 6:
        if (f->tcp != NULL) {
            hp_tcp_send(f->tcp, "some bytes of a stream", 22);
        }
        break;
    case 7:
        net_pass_time(f->world, (take(r) & 63) * 10 * HP_MS);
        break;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    reader r = {data, size};
    uint8_t how = take(&r);
    rig f = {.v6 = (how & 3) == 3};
    build(&f, how);
    for (unsigned i = 0; r.left > 0 && i < STEPS_MAX; i++) {
        step(&f, &r);
    }
    net_pass_time(f.world, HP_S);
    hp_tcp_close(f.tcp);
    hp_tcp_close(f.accepted);
    f.tcp = f.accepted = NULL;
    net_pass_time(f.world, 24 * 3600 * HP_S);
    CHECK(hp_nat_get_stats(f.nat).mappings == 0 && hp_firewall_get_stats(f.firewall).flows == 0);
    CHECK(!hp_trace_overflowed(f.trace));
    hp_world_free(f.world);
    return 0;
}
