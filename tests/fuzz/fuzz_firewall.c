/* Fuzzes the firewall: packets of fields and of raw bytes from both sides, with random knobs and policies, and time.
 *
 *   inside gate - firewall - outside gate
 *
 * What must hold: what passes is unchanged but for its TTL; each packet leaves once, or is dropped with a trace; the
 * counts of both are the firewall's own. Where nothing lets packets in but what the inside has opened, a UDP datagram
 * that comes in is for an endpoint that has sent one out, and with the strictest filter to that very remote. When hours
 * have passed no flow is left. */
#include "net.h"

#include "config/firewall.h"
#include "world/firewall.h"

typedef struct rig {
    hp_trace *trace;
    hp_world *world;
    hp_firewall *wall;
    gate *gates[2]; /* port 0: towards the fuzzer, port 1: the firewall's side */
    hp_firewall_config config;
    GHashTable *left; /* uid -> times */
    GHashTable *opened; /* "inside>outside" and "inside", what went out by UDP */
    bool v6, strict;
    uint64_t given, passed;
} rig;

static char *pair_name(const hp_addr *inside, const hp_addr *outside)
{
    char a[HP_ADDR_TEXT], b[HP_ADDR_TEXT];
    return g_strdup_printf("%s>%s", hp_addr_format(inside, a), outside != NULL ? hp_addr_format(outside, b) : "");
}

static void see(rig *f, unsigned side, unsigned port, const hp_packet *p)
{
    if (port == 0) {
        return;
    }
    f->passed++;
    CHECK(g_hash_table_add(f->left, GSIZE_TO_POINTER(p->uid)));
    if (p->proto != HP_PROTO_UDP || p->frag_offset != 0 || !f->strict) {
        return;
    }
    const hp_addr *inside = side == HP_FIREWALL_OUTSIDE ? &p->src : &p->dst;
    const hp_addr *outside = side == HP_FIREWALL_OUTSIDE ? &p->dst : &p->src;
    if (side == HP_FIREWALL_OUTSIDE) {
        g_hash_table_add(f->opened, pair_name(inside, outside));
        g_hash_table_add(f->opened, pair_name(inside, NULL));
    } else {
        bool exact = f->config.filtering == HP_FIREWALL_ADDRESS_AND_PORT_DEPENDENT;
        g_autofree char *name = pair_name(inside, exact ? outside : NULL);
        CHECK(g_hash_table_contains(f->opened, name));
    }
}

static void see_inside(void *user, unsigned port, const hp_packet *p)
{
    see(user, HP_FIREWALL_INSIDE, port, p);
}

static void see_outside(void *user, unsigned port, const hp_packet *p)
{
    see(user, HP_FIREWALL_OUTSIDE, port, p);
}

static void take_config(rig *f, reader *r)
{
    uint8_t a = take(r), b = take(r), d = take(r);
    hp_firewall_config *c = &f->config;
    c->filtering = (hp_firewall_filtering)(a % 3);
    c->tcp_filtering = (hp_firewall_filtering)((a >> 2) % 3);
    c->fragments = (hp_firewall_fragments)(a >> 4 & 3);
    c->hop = (a & 0x40) != 0;
    c->evicts = (a & 0x80) != 0;
    c->syn_wait = (b & 1) != 0 ? 6 * HP_S : 0;
    c->inbound_keeps_silent = (b & 2) != 0;
    c->tcp_picks_up = (b & 4) != 0;
    c->blocks_icmp_errors = (b & 8) != 0;
    c->in_refusal = (hp_refusal)((b >> 4) % 3);
    c->out_refusal = (hp_refusal)((b >> 6) % 3);
    c->max_flows = (d & 1) != 0 ? 2 : 0;
    c->max_flows_per_host = (d & 2) != 0 ? 1 : 0;
    c->in_allowed = (d & 0x1c) == 0x1c;
    c->out_denied = (d & 0xe0) == 0xe0;
    c->udp_unreplied_timeout = (d & 4) != 0 ? 5 * HP_S : 0;
    f->strict = !c->in_allowed;
    for (unsigned i = 0; (d & 0x60) == 0x40 && i < 2; i++) {
        uint8_t what = take(r);
        hp_firewall_policy *policy = hp_firewall_add_policy(c, (what & 1) != 0, (what & 2) != 0, NULL);
        policy->match.proto = (hp_match_proto)(what >> 2 & 3);
        policy->match.dst.port_first = policy->match.dst.port_last = take_port(r);
        policy->refusal = (hp_refusal)((what >> 4) % 3);
        policy->each_packet = (what & 0x40) != 0;
        f->strict = f->strict && ((what & 1) != 0 || (what & 2) == 0);
    }
}

static void give(rig *f, unsigned side, hp_packet *p)
{
    if (p == NULL) {
        return;
    }
    p->uid = hp_world_new_uid(f->world);
    f->given++;
    g_autoptr(hp_packet) before = hp_packet_copy(p);
    hp_packet *const *after = &f->gates[1 - side]->latest[1];
    gate_receive(&f->gates[side]->node, 0, p);
    if (*after != NULL && (*after)->uid == before->uid) {
        before->ttl = (*after)->ttl;
        before->sum_known = (*after)->sum_known;
        CHECK(before->length == (*after)->length && memcmp(before->payload, (*after)->payload, before->length) == 0);
        CHECK(hp_addr_equal(&before->src, &(*after)->src) && hp_addr_equal(&before->dst, &(*after)->dst));
        CHECK(hp_packet_wire_length(before) == hp_packet_wire_length(*after));
    }
}

static void give_piece(void *user, hp_packet *piece)
{
    void **to = user;
    give(to[0], GPOINTER_TO_UINT(to[1]), piece);
}

static void step(rig *f, reader *r)
{
    uint8_t op = take(r);
    unsigned side = op >> 7;
    hp_addr src = net_addr(f->v6, side == HP_FIREWALL_INSIDE ? NET_INSIDE : NET_OUTSIDE, op >> 3 & 1, 0);
    hp_addr dst = net_addr(f->v6, side == HP_FIREWALL_INSIDE ? NET_OUTSIDE : NET_INSIDE, op >> 4 & 1, 0);
    switch (op & 7) {
    case 0:
    case 1:
    case 2:
        give(f, side, net_packet(r, src, dst));
        break;
    case 3: {
        hp_packet *p = net_raw(r, src, dst);
        f->strict = f->strict && p == NULL; /* IPsec and the like have rules of their own */
        give(f, side, p);
        break;
    }
    case 4: {
        g_autoptr(hp_packet) p = net_packet(r, src, dst);
        p->dont_fragment = false;
        p->ip_id = 1 + (take(r) & 1);
        void *to[] = {f, GUINT_TO_POINTER(side)};
        hp_fragment(p, (f->v6 ? HP_IPV6_HEADER + HP_IPV6_FRAGMENT_HEADER : HP_IPV4_HEADER) + 24, give_piece, to);
        break;
    }
    case 5: {
        const hp_packet *quoted = f->gates[side]->latest[1];
        give(f, side, quoted != NULL ? net_error_about(r, &src, quoted) : NULL);
        break;
    }
    case 6:
        net_pass_time(f->world, take_span(r));
        break;
    case 7:
        if ((op & 0x78) == 0) {
            hp_firewall_flush(f->wall);
        }
        break;
    }
}

static uint64_t count_drops(const rig *f)
{
    hp_trace_cursor cursor = {0};
    hp_record record;
    uint64_t n = 0;
    CHECK(!hp_trace_overflowed(f->trace));
    while (hp_trace_next_of(f->trace, &cursor, 1U << HP_RECORD_DROP, &record)) {
        CHECK(!g_hash_table_contains(f->left, GSIZE_TO_POINTER(record.drop.uid)));
        n++;
    }
    return n;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    reader r = {data, size};
    rig f = {.v6 = (take(&r) & 3) == 3,
             .left = g_hash_table_new(NULL, NULL),
             .opened = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL)};
    take_config(&f, &r);
    f.trace = net_trace();
    f.world = hp_world_new(1, f.trace);
    CHECK(hp_firewall_config_check(&f.config, NULL));
    f.wall = hp_firewall_new(f.world, "wall", &f.config);
    f.gates[HP_FIREWALL_INSIDE] = gate_new(f.world, "inside", see_inside, &f);
    f.gates[HP_FIREWALL_OUTSIDE] = gate_new(f.world, "outside", see_outside, &f);
    net_join(&f.gates[HP_FIREWALL_INSIDE]->node, 1, hp_firewall_node(f.wall), HP_FIREWALL_INSIDE);
    net_join(&f.gates[HP_FIREWALL_OUTSIDE]->node, 1, hp_firewall_node(f.wall), HP_FIREWALL_OUTSIDE);
    for (unsigned i = 0; r.left > 0 && i < STEPS_MAX; i++) {
        step(&f, &r);
    }
    net_pass_time(f.world, 24 * 3600 * HP_S);
    hp_firewall_stats stats = hp_firewall_get_stats(f.wall);
    CHECK(stats.flows == 0 && stats.flows_peak <= stats.created);
    CHECK(stats.refused == count_drops(&f) && stats.passed + stats.refused == f.given);
    hp_firewall_config_clear(&f.config);
    hp_world_free(f.world);
    g_hash_table_unref(f.left);
    g_hash_table_unref(f.opened);
    return 0;
}
