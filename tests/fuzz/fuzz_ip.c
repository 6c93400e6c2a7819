/* Fuzzes IP input: packets of raw bytes, and of fields, through a NAT to hosts on both sides, in both directions, with
 * time passing, the NAT's knobs and settings changing.
 *
 *   inside host - gate - NAT - gate - outside host
 *
 * The first bytes of an input choose the NAT's knobs and the families (IPv4, IPv6, NAT64); then each step is a byte of
 * opcode and operands: a packet from the inside or from outside, a fragment, an ICMP error about what passed last,
 * time, a reboot or the like.
 *
 * Besides not crashing, these things must hold. What leaves outwards has an external source and nothing inside is its
 * destination; what enters is for no external address. Every packet that the NAT took leaves it, is dropped with a
 * trace, or was a question to the NAT itself; mappings in the trace's events and in the NAT's figures agree. What is
 * parsed can be written and read again. Nothing is left when the world is freed (the sanitizer says so). */
#include "net.h"

#include "wire/dns64.h"
#include "world/nat.h"

enum { INSIDE_HOSTS = 2 };

typedef struct rig {
    hp_trace *trace;
    hp_world *world;
    hp_nat *nat;
    hp_host *in, *out;
    gate *gates[2]; /* port 0 is the host's side */
    bool v6, nat64; /* both: IPv6 inside, IPv4 outside */
    unsigned external; /* which of two addresses is the NAT's */
    GHashTable *taken, *left; /* uids */
    hp_nat_config config;
} rig;

/* Whether that side of the NAT speaks IPv6. */
static bool speaks_v6(const rig *f, unsigned side)
{
    return f->v6 && !(f->nat64 && side == HP_NAT_OUTSIDE);
}

static bool is_external(const rig *f, const hp_addr *a)
{
    hp_addr external = net_addr(speaks_v6(f, HP_NAT_OUTSIDE), NET_EXTERNAL, f->external, 0);
    return hp_addr_same_ip(a, &external);
}

static void see(rig *f, unsigned side, unsigned port, const hp_packet *p)
{
    CHECK(p->uid != 0);
    if (port == 0) {
        /* Parts of a datagram that the NAT puts together end in it. */
        bool joined = p->frag_total > 0 && f->config.fragments == HP_NAT_FRAGMENTS_REASSEMBLE;
        if (!joined) {
            g_hash_table_add(f->taken, GSIZE_TO_POINTER(p->uid));
        }
        return;
    }
    g_hash_table_add(f->left, GSIZE_TO_POINTER(p->uid));
    CHECK(p->src.family == p->dst.family && p->ttl > 0);
    if (side == HP_NAT_OUTSIDE) {
        CHECK(is_external(f, &p->src) && !is_external(f, &p->dst));
    } else {
        CHECK(!is_external(f, &p->dst));
    }
}

static void see_inside(void *user, unsigned port, const hp_packet *p)
{
    see(user, HP_NAT_INSIDE, port, p);
}

static void see_outside(void *user, unsigned port, const hp_packet *p)
{
    see(user, HP_NAT_OUTSIDE, port, p);
}

/* ---- building ---- */

static hp_nat_config take_config(reader *r)
{
    hp_nat_config c = hp_nat_config_default();
    uint8_t a = take(r), b = take(r), d = take(r), e = take(r), g = take(r);
    c.mapping = (hp_nat_behaviour)(a % 3);
    c.filtering = (hp_nat_behaviour)((a >> 2) % 3);
    c.ports = (hp_nat_ports)((a >> 4) % 3);
    c.overload = (a & 0x40) != 0;
    c.inbound_first = (a & 0x80) != 0;
    c.hairpin = (hp_nat_hairpin)(b % 3);
    c.hairpin_filtered = (b & 4) != 0;
    c.hairpin_drops_first = (b & 8) != 0;
    c.fragments = (hp_nat_fragments)(b >> 4 & 3);
    c.collision = (hp_nat_collision)((b >> 6) % 3);
    c.unsolicited = (hp_nat_unsolicited)(d & 1);
    c.icmp_error_ends_mapping = (d & 2) != 0;
    c.icmp_inner_untranslated = (d & 4) != 0;
    c.answers_ping = (d & 8) != 0;
    c.tcp_unsolicited_syn = (hp_nat_syn)((d >> 4) % 5);
    c.icmp_errors = (d & 0x80) == 0;
    c.tcp_stray = (hp_nat_stray)(e % 3);
    c.tcp_rst = (hp_nat_rst)((e >> 2) % 3);
    c.tcp_rst_unchecked = (e & 0x10) != 0;
    c.tcp_rst_unanswered_removes = (e & 0x20) != 0;
    c.eviction = (hp_nat_eviction)((e >> 6) % 3);
    c.max_mappings = (g & 1) != 0 ? 2 : 0;
    c.max_sessions_per_mapping = (g & 2) != 0 ? 2 : 0;
    c.tcp_filtering = (hp_nat_own_behaviour)((g >> 2) % 5);
    c.max_lifetime = (g & 0x20) != 0 ? 90 * HP_S : 0;
    c.port_quarantine = (g & 0x40) != 0 ? 30 * HP_S : 0;
    c.refresh = (hp_nat_refresh)((g >> 6) % 3);
    return c;
}

static void on_datagram(void *user, hp_socket *socket, const hp_datagram *d)
{
    if (d->length > 0 && d->data[0] == 'e') {
        hp_socket_send(socket, &d->from, "r", 1, NULL); /* not another question, or it would go on for ever */
    }
}

static hp_host *add_host(rig *f, const char *name, unsigned role, unsigned n_addresses)
{
    static const hp_socket_ops ops = {.datagram = on_datagram};
    hp_host *host = hp_host_new(f->world, name);
    hp_host_add_interface(host, NULL, 0);
    for (unsigned i = 0; i < n_addresses; i++) {
        hp_addr a = net_addr(role == NET_INSIDE ? f->v6 : speaks_v6(f, HP_NAT_OUTSIDE), role, i, 0),
                bound = hp_addr_with_port(a, 3478);
        hp_host_add_address(host, 0, &a);
        CHECK(hp_host_bind(host, &bound, &ops, NULL, NULL) != NULL);
    }
    return host;
}

static void build(rig *f)
{
    f->taken = g_hash_table_new(NULL, NULL);
    f->left = g_hash_table_new(NULL, NULL);
    f->trace = net_trace();
    f->world = hp_world_new(1, f->trace);
    f->nat = hp_nat_new(f->world, "home", &f->config);
    hp_addr external = net_addr(speaks_v6(f, HP_NAT_OUTSIDE), NET_EXTERNAL, 0, 0),
            gateway = net_addr(f->v6, NET_GATEWAY, 0, 0);
    if (f->v6) {
        gateway.ip[15] = 0xff;
    }
    hp_nat_set_external(f->nat, &external, 1);
    hp_nat_set_internal(f->nat, &gateway);
    f->in = add_host(f, "alice", NET_INSIDE, INSIDE_HOSTS);
    f->out = add_host(f, "server", NET_OUTSIDE, 2);
    f->gates[HP_NAT_INSIDE] = gate_new(f->world, "inside", see_inside, f);
    f->gates[HP_NAT_OUTSIDE] = gate_new(f->world, "outside", see_outside, f);
    net_join(hp_host_node(f->in), 0, &f->gates[HP_NAT_INSIDE]->node, 0);
    net_join(&f->gates[HP_NAT_INSIDE]->node, 1, hp_nat_node(f->nat), HP_NAT_INSIDE);
    net_join(hp_nat_node(f->nat), HP_NAT_OUTSIDE, &f->gates[HP_NAT_OUTSIDE]->node, 1);
    net_join(&f->gates[HP_NAT_OUTSIDE]->node, 0, hp_host_node(f->out), 0);
}

/* ---- steps ---- */

static void give(rig *f, unsigned side, hp_packet *p)
{
    if (p == NULL) {
        return;
    }
    p->uid = hp_world_new_uid(f->world);
    gate_receive(&f->gates[side]->node, 0, p);
}

static hp_addr take_source(const rig *f, reader *r, unsigned side)
{
    uint8_t n = take(r);
    return net_addr(speaks_v6(f, side),
                    n == 255                ? NET_EXTERNAL
                    : side == HP_NAT_INSIDE ? NET_INSIDE
                                            : NET_OUTSIDE,
                    n & 1, 0);
}

static hp_addr take_destination(const rig *f, reader *r, unsigned side)
{
    uint8_t n = take(r);
    if (n == 255) {
        return net_addr(speaks_v6(f, side), NET_GATEWAY, 0, 0);
    }
    bool external = side == HP_NAT_OUTSIDE || (n & 0x70) == 0;
    hp_addr a = net_addr(speaks_v6(f, HP_NAT_OUTSIDE), external ? NET_EXTERNAL : NET_OUTSIDE,
                         external ? f->external : n & 1, 0);
    if (f->nat64 && side == HP_NAT_INSIDE) {
        hp_prefix prefix = hp_dns64_well_known();
        hp_addr v4 = a;
        CHECK(hp_dns64_embed(&prefix, &v4, &a));
    }
    return a;
}

typedef struct pieces {
    rig *f;
    unsigned side;
    uint8_t order; /* bits: which pieces are withheld; the top bit: the first comes last */
    unsigned n;
    hp_packet *late;
} pieces;

static void give_piece(void *user, hp_packet *piece)
{
    pieces *to = user;
    unsigned i = to->n++;
    if (i == 0 && (to->order & 0x80) != 0) {
        to->late = piece;
    } else if (i < 7 && (to->order >> i & 1) != 0) {
        hp_packet_free(piece);
    } else {
        give(to->f, to->side, piece);
    }
}

static void give_fragments(rig *f, reader *r, unsigned side)
{
    hp_addr src = take_source(f, r, side), dst = take_destination(f, r, side);
    g_autoptr(hp_packet) p = net_packet(r, src, dst);
    pieces to = {.f = f, .side = side, .order = take(r)};
    p->dont_fragment = false;
    p->ip_id = 1 + (take(r) & 1);
    uint32_t mtu =
        (speaks_v6(f, side) ? HP_IPV6_HEADER + HP_IPV6_FRAGMENT_HEADER : HP_IPV4_HEADER) + 8 + (take(r) & 0x38);
    hp_fragment(p, mtu, give_piece, &to);
    give(f, side, to.late);
}

static void give_error(rig *f, reader *r, unsigned side)
{
    /* About what came out on this side last, by its receiver or by a router before it. */
    const hp_packet *quoted = f->gates[side]->latest[1];
    uint8_t who = take(r);
    if (quoted == NULL) {
        return;
    }
    hp_addr from = hp_addr_with_port((who & 1) != 0 ? quoted->dst : take_source(f, r, side), 0);
    give(f, side, net_error_about(r, &from, quoted));
}

static void control(rig *f, reader *r)
{
    uint8_t what = take(r);
    hp_addr external = net_addr(speaks_v6(f, HP_NAT_OUTSIDE), NET_EXTERNAL, what >> 4 & 1, 0),
            host = net_addr(f->v6, NET_INSIDE, 0, 0);
    switch (what & 3) {
    case 0:
        hp_nat_reboot(f->nat);
        break;
    case 1:
        f->external = what >> 4 & 1;
        hp_nat_renumber(f->nat, &external, 1);
        break;
    case 2:
        hp_nat_rebind(f->nat, (what & 4) != 0 ? &host : NULL);
        break;
    case 3: {
        hp_nat_config config = take_config(r);
        config.fragments = f->config.fragments;
        config.nat64 = f->nat64;
        hp_nat_configure(f->nat, &config, "fuzz");
        break;
    }
    }
}

static void step(rig *f, reader *r)
{
    uint8_t op = take(r);
    unsigned side = op >> 7;
    hp_addr src, dst;
    switch (op & 7) {
    case 0:
    case 1:
    case 2:
        src = take_source(f, r, side);
        dst = take_destination(f, r, side);
        give(f, side, net_packet(r, src, dst));
        break;
    case 3:
        src = take_source(f, r, side);
        dst = take_destination(f, r, side);
        hp_packet *p = net_raw(r, src, dst);
        if (p != NULL) {
            net_check_codec(p);
        }
        give(f, side, p);
        break;
    case 4:
        give_fragments(f, r, side);
        break;
    case 5:
        give_error(f, r, side);
        break;
    case 6:
        net_pass_time(f->world, take_span(r));
        break;
    case 7:
        if ((op & 0x78) == 0) {
            control(f, r);
        }
        break;
    }
}

/* ---- what must hold ---- */

static void check_records(rig *f)
{
    hp_trace_cursor cursor = {0};
    hp_record record;
    uint64_t made = 0, ended = 0;
    CHECK(!hp_trace_overflowed(f->trace));
    while (hp_trace_next(f->trace, &cursor, &record)) {
        if (record.type == HP_RECORD_DROP) {
            g_hash_table_remove(f->taken, GSIZE_TO_POINTER(record.drop.uid));
        } else if (record.type == HP_RECORD_EVENT) {
            made += record.event.kind == HP_EV_NAT_MAPPING;
            ended += record.event.kind == HP_EV_NAT_MAPPING_ENDED;
        } else if (record.type == HP_RECORD_PACKET && record.packet.icmp_kind == HP_ICMP_ECHO_REQUEST) {
            g_hash_table_remove(f->taken, GSIZE_TO_POINTER(record.packet.uid)); /* it may be for the NAT itself */
        }
    }
    hp_nat_stats stats = hp_nat_get_stats(f->nat);
    CHECK(made >= ended && stats.mappings == made - ended && stats.created <= made);
    CHECK(stats.mappings <= stats.mappings_peak && stats.mappings_peak <= stats.created);
    CHECK(f->config.max_mappings != 0 || stats.expired + stats.evicted <= ended);
    GHashTableIter iter;
    gpointer uid;
    g_hash_table_iter_init(&iter, f->taken);
    while (g_hash_table_iter_next(&iter, &uid, NULL)) {
        CHECK(g_hash_table_contains(f->left, uid));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    reader r = {data, size};
    uint8_t how = take(&r);
    rig f = {.v6 = (how & 3) >= 2, .nat64 = (how & 3) == 2, .config = take_config(&r)};
    f.config.nat64 = f.nat64;
    build(&f);
    for (unsigned i = 0; r.left > 0 && i < STEPS_MAX; i++) {
        step(&f, &r);
    }
    net_pass_time(f.world, 24 * 3600 * HP_S);
    CHECK(hp_nat_get_stats(f.nat).mappings == 0);
    check_records(&f);
    hp_world_free(f.world);
    g_hash_table_unref(f.taken);
    g_hash_table_unref(f.left);
    return 0;
}
