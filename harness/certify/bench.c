/* The bench: a world that holds the device under test and two ends that stand for every host on their side.
 *
 * An end is a node without a protocol stack. It keeps what reaches it, so that a probe sees exactly the packets a
 * device lets through, and answers nothing by itself. Sending is synchronous, since there are no links: what passes is
 * there when hp_bench_send() returns, what the device sends later (a SYN that was held) after hp_bench_wait().
 *
 * No trace is kept. The addresses are private inside, those of RFC 2544 for the device and of RFC 5737 outside. */
#include "certify/bench.h"

#include "wire/dns64.h"

struct hp_bench_end {
    hp_node node;
    GPtrArray *packets; /* of hp_packet */
};

static void end_receive(hp_node *node, unsigned port, hp_packet *p)
{
    hp_bench_end *end = (hp_bench_end *)node;
    g_ptr_array_add(end->packets, p);
}

static void end_free(hp_node *node)
{
    hp_bench_end *end = (hp_bench_end *)node;
    g_ptr_array_unref(end->packets);
    hp_node_clear(node);
    g_free(end);
}

static const hp_node_ops end_ops = {.kind = "bench", .receive = end_receive, .free = end_free};

static hp_bench_end *end_new(hp_world *world, const char *name)
{
    hp_bench_end *end = g_new0(hp_bench_end, 1);
    hp_node_init(&end->node, &end_ops, world, name);
    end->packets = g_ptr_array_new_with_free_func((GDestroyNotify)hp_packet_free);
    return end;
}

static hp_addr address(const char *text)
{
    hp_addr a = {0};
    bool good = hp_addr_parse(text, &a);
    g_assert(good);
    return a;
}

hp_addr hp_bench_inside(const hp_bench *b, unsigned host, uint16_t port)
{
    return hp_addr_with_port(hp_addr_plus(b->inside, host), port);
}

hp_addr hp_bench_remote(const hp_bench *b, unsigned n, uint16_t port)
{
    return hp_addr_with_port(hp_addr_plus(b->remote, n), port);
}

hp_addr hp_bench_external(const hp_bench *b, unsigned n, uint16_t port)
{
    return hp_addr_with_port(hp_addr_plus(b->external, n), port);
}

static void join(hp_node *a, unsigned a_port, hp_node *b, unsigned b_port)
{
    hp_node_connect(a, a_port, b, b_port);
    hp_node_connect(b, b_port, a, a_port);
}

hp_addr hp_bench_far(const hp_bench *b, const hp_addr *addr)
{
    const hp_prefix *given = &b->subject->nat->nat64_prefix;
    hp_prefix prefix = given->base.family == HP_AF_NONE ? hp_dns64_well_known() : *given;
    hp_addr v6 = *addr;
    if (b->kind == HP_BENCH_NAT64)
        (void)hp_dns64_embed(&prefix, addr, &v6);
    return v6;
}

hp_bench_kind hp_bench_kind_of(const hp_certify_subject *subject)
{
    if (subject->family == HP_AF_IPV6)
        return HP_BENCH_IPV6;
    return subject->nat->nat64 ? HP_BENCH_NAT64 : HP_BENCH_IPV4;
}

static hp_prefix prefix(const char *text)
{
    hp_prefix p = {0};
    bool good = hp_prefix_parse(text, &p);
    g_assert(good);
    return p;
}

static void add_nat(hp_bench *b, hp_nat *nat)
{
    unsigned n = MAX(b->subject->nat->pool, 1);
    hp_addr *pool = g_new0(hp_addr, n);
    bool v6 = b->kind != HP_BENCH_IPV4;
    hp_addr gateway = address(v6 ? "fd00::1" : "10.0.0.1");
    hp_prefix lan = prefix(v6 ? "fd00::/64" : "10.0.0.0/8"), other = prefix("2001:db8:3::/64");

    for (unsigned i = 0; i < n; i++)
        pool[i] = hp_bench_external(b, i, 0);
    hp_nat_set_external(nat, pool, n);
    g_free(pool);
    hp_nat_set_internal(nat, &gateway);
    hp_nat_add_inside_prefix(nat, &lan);
    if (b->kind == HP_BENCH_IPV6) {
        bool good = hp_nat_set_external_prefix(nat, &lan, &other);
        g_assert(good);
    }
    b->entry[HP_BENCH_OUTSIDE] = hp_nat_node(nat);
    b->entry_port[HP_BENCH_OUTSIDE] = HP_NAT_OUTSIDE;
    hp_node_connect(hp_nat_node(nat), HP_NAT_OUTSIDE, &b->ends[HP_BENCH_OUTSIDE]->node, 0);
}

hp_bench *hp_bench_new(const hp_certify_subject *subject, hp_bench_kind kind, bool with_firewall, bool *failed)
{
    hp_bench *b = g_new0(hp_bench, 1);
    b->subject = subject;
    b->failed = failed;
    b->kind = kind;
    b->inside = address(kind == HP_BENCH_IPV4 ? "10.0.0.2" : "fd00::2");
    b->remote = address(kind == HP_BENCH_IPV6 ? "2001:db8:2::1" : "203.0.113.1");
    b->external = address(kind == HP_BENCH_IPV6 ? "2001:db8:1::1" : "198.18.0.1");
    b->world = hp_world_new(subject->seed, NULL);
    hp_nat *nat = hp_nat_new(b->world, "device", subject->nat);
    b->ends[HP_BENCH_INSIDE] = end_new(b->world, "inside");
    b->ends[HP_BENCH_OUTSIDE] = end_new(b->world, "outside");
    add_nat(b, nat);

    b->entry[HP_BENCH_INSIDE] = hp_nat_node(nat);
    b->entry_port[HP_BENCH_INSIDE] = HP_NAT_INSIDE;
    if (with_firewall && subject->firewall) {
        hp_firewall *firewall = hp_firewall_new(b->world, "firewall", subject->firewall);
        hp_addr own = address(kind == HP_BENCH_IPV4 ? "10.255.255.254" : "fd00::fffe");
        hp_firewall_set_address(firewall, HP_FIREWALL_INSIDE, &own);
        hp_firewall_set_address(firewall, HP_FIREWALL_OUTSIDE, &own);
        join(hp_firewall_node(firewall), HP_FIREWALL_OUTSIDE, hp_nat_node(nat), HP_NAT_INSIDE);
        b->entry[HP_BENCH_INSIDE] = hp_firewall_node(firewall);
        b->entry_port[HP_BENCH_INSIDE] = HP_FIREWALL_INSIDE;
    }
    hp_node_connect(b->entry[HP_BENCH_INSIDE], b->entry_port[HP_BENCH_INSIDE], &b->ends[HP_BENCH_INSIDE]->node, 0);
    return b;
}

void hp_bench_free(hp_bench *b)
{
    if (!b)
        return;
    hp_world_free(b->world);
    g_free(b);
}

void hp_bench_wait(hp_bench *b, hp_time t)
{
    if (!hp_world_run_until(b->world, hp_time_add(hp_world_now(b->world), t), NULL))
        *b->failed = true;
}

void hp_bench_look_away(hp_bench *b)
{
    for (unsigned side = 0; side < G_N_ELEMENTS(b->ends); side++)
        g_ptr_array_set_size(b->ends[side]->packets, 0);
}

const hp_packet *hp_bench_arrived(const hp_bench *b, hp_bench_side side, unsigned i)
{
    const GPtrArray *packets = b->ends[side]->packets;
    return i < packets->len ? packets->pdata[i] : NULL;
}

const hp_packet *hp_bench_send(hp_bench *b, hp_bench_side from, hp_packet *p)
{
    hp_node *node = b->entry[from];
    hp_bench_look_away(b);
    p->uid = hp_world_new_uid(b->world);
    node->ops->receive(node, b->entry_port[from], p);
    return hp_bench_arrived(b, from == HP_BENCH_INSIDE ? HP_BENCH_OUTSIDE : HP_BENCH_INSIDE, 0);
}

static const char *icmp_words(hp_icmp_kind kind)
{
    switch (kind) {
    case HP_ICMP_ADMIN_PROHIBITED:
        return HP_SAY_ADMIN;
    case HP_ICMP_PORT_UNREACHABLE:
        return HP_SAY_PORT_UNREACHABLE;
    case HP_ICMP_HOST_UNREACHABLE:
        return HP_SAY_HOST_UNREACHABLE;
    case HP_ICMP_ECHO_REPLY:
        return "echo reply";
    case HP_ICMP_NONE:
    case HP_ICMP_ECHO_REQUEST:
    case HP_ICMP_NET_UNREACHABLE:
    case HP_ICMP_FRAG_NEEDED:
    case HP_ICMP_TTL_EXCEEDED:
    case HP_ICMP_REASSEMBLY_TIMEOUT:
    case HP_ICMP_OTHER:
        break;
    }
    return "another ICMP message";
}

const char *hp_bench_answer(const hp_bench *b, hp_bench_side side)
{
    const hp_packet *p = hp_bench_arrived(b, side, 0);
    hp_tcp_header h;
    const uint8_t *data;
    size_t length;

    if (!p)
        return HP_SAY_SILENCE;
    if (hp_packet_is_icmp(p))
        return icmp_words((hp_icmp_kind)p->icmp_kind);
    if (p->proto == HP_PROTO_TCP && hp_tcp_parse(p->payload, p->length, &h, &data, &length) && h.flags & HP_TCP_RST)
        return HP_SAY_RST;
    return "another packet";
}

/* ---- packets ---- */

enum { FIRST_SEQ_INSIDE = 1000, FIRST_SEQ_OUTSIDE = 5000, WINDOW = 1000 };

hp_packet *hp_bench_tcp(const hp_addr *from, const hp_addr *to, uint8_t flags, uint32_t seq, uint32_t ack)
{
    hp_tcp_header h = {.seq = seq, .ack = flags & HP_TCP_ACK ? ack : 0, .window = WINDOW, .flags = flags};
    uint8_t bytes[HP_TCP_HEADER_ROOM];
    size_t n = hp_tcp_write(&h, bytes, sizeof bytes);
    return hp_packet_new(HP_PROTO_TCP, from, to, bytes, n);
}

hp_packet *hp_bench_echo(bool reply, const hp_addr *from, const hp_addr *to)
{
    uint16_t id = reply ? to->port : from->port;
    hp_addr src = hp_addr_with_port(*from, id), dst = hp_addr_with_port(*to, id);
    hp_packet *p = hp_packet_new(from->family == HP_AF_IPV6 ? HP_PROTO_ICMPV6 : HP_PROTO_ICMP, &src, &dst, "ping", 4);
    p->icmp_kind = reply ? HP_ICMP_ECHO_REPLY : HP_ICMP_ECHO_REQUEST;
    p->icmp_mtu = 1;
    return p;
}

static hp_packet *packet(const hp_bench *b, hp_bench_proto proto, hp_bench_side side, uint8_t flags,
                         const hp_addr *from, const hp_addr *destination)
{
    hp_addr seen = side == HP_BENCH_INSIDE ? hp_bench_far(b, destination) : *destination;
    const hp_addr *to = &seen;

    switch (proto) {
    case HP_BENCH_UDP:
        return hp_packet_new(HP_PROTO_UDP, from, to, "probe", 5);
    case HP_BENCH_TCP:
        return side == HP_BENCH_INSIDE
                   ? hp_bench_tcp(from, to, flags, FIRST_SEQ_INSIDE, FIRST_SEQ_OUTSIDE + 1)
                   : hp_bench_tcp(from, to, flags, FIRST_SEQ_OUTSIDE + !(flags & HP_TCP_SYN), FIRST_SEQ_INSIDE + 1);
    case HP_BENCH_ICMP:
        return hp_bench_echo(side == HP_BENCH_OUTSIDE, from, to);
    }
    g_assert_not_reached();
}

bool hp_bench_open(hp_bench *b, hp_bench_proto proto, const hp_addr *from, const hp_addr *to, hp_addr *ret)
{
    const hp_packet *p = hp_bench_send(b, HP_BENCH_INSIDE, packet(b, proto, HP_BENCH_INSIDE, HP_TCP_SYN, from, to));
    if (p && ret)
        *ret = p->src;
    return p != NULL;
}

bool hp_bench_enter(hp_bench *b, hp_bench_proto proto, const hp_addr *from, const hp_addr *to)
{
    return hp_bench_send(b, HP_BENCH_OUTSIDE, packet(b, proto, HP_BENCH_OUTSIDE, HP_TCP_SYN, from, to)) != NULL;
}

bool hp_bench_is_alive(hp_bench *b, hp_bench_proto proto, const hp_addr *remote, const hp_addr *external, hp_addr *ret)
{
    const hp_packet *p =
        hp_bench_send(b, HP_BENCH_OUTSIDE, packet(b, proto, HP_BENCH_OUTSIDE, HP_TCP_ACK, remote, external));
    if (p && ret)
        *ret = p->dst;
    return p != NULL;
}

/* ---- connections ---- */

bool hp_bench_connect(hp_bench *b, hp_bench_conn *c, const hp_addr *inside, const hp_addr *remote)
{
    *c = (hp_bench_conn){.inside = *inside,
                         .remote = *remote,
                         .next = {[HP_BENCH_INSIDE] = FIRST_SEQ_INSIDE, [HP_BENCH_OUTSIDE] = FIRST_SEQ_OUTSIDE}};
    return hp_bench_segment(b, c, HP_BENCH_INSIDE, HP_TCP_SYN);
}

bool hp_bench_segment_at(hp_bench *b, const hp_bench_conn *c, hp_bench_side from, uint8_t flags, uint32_t offset)
{
    bool out = from == HP_BENCH_INSIDE;
    hp_addr far = hp_bench_far(b, &c->remote);
    const hp_addr *src = out ? &c->inside : &c->remote, *dst = out ? &far : &c->external;
    return hp_bench_send(b, from, hp_bench_tcp(src, dst, flags, c->next[from] + offset, c->next[!from])) != NULL;
}

bool hp_bench_segment(hp_bench *b, hp_bench_conn *c, hp_bench_side from, uint8_t flags)
{
    if (!hp_bench_segment_at(b, c, from, flags, 0))
        return false;
    c->next[from] += (flags & HP_TCP_SYN ? 1 : 0) + (flags & HP_TCP_FIN ? 1 : 0);
    if (from == HP_BENCH_INSIDE)
        c->external = hp_bench_arrived(b, HP_BENCH_OUTSIDE, 0)->src;
    return true;
}

bool hp_bench_establish(hp_bench *b, hp_bench_conn *c)
{
    return hp_bench_segment(b, c, HP_BENCH_OUTSIDE, HP_TCP_SYN | HP_TCP_ACK) &&
           hp_bench_segment(b, c, HP_BENCH_INSIDE, HP_TCP_ACK) && hp_bench_segment(b, c, HP_BENCH_OUTSIDE, HP_TCP_ACK);
}
