/* Packets of every sort, sensible or not, through a NAT64, an NPTv6 and a CLAT: each is dropped or leaves, what leaves
 * is sound on the wire, and nothing is lost track of. */
#include "world/clat.h"
#include "world/fragment.h"
#include "world/nat64_rig.h"

enum { N_PACKETS = 20000 };

/* Addresses that mean something to one of the translators, and some that mean nothing. */
static const char *const v6_places[] = {
    "2001:db8:1::2",
    "2001:db8:1::3",
    "2001:db8:1::1",
    "64:ff9b::c633:6401",
    "64:ff9b::c000:201",
    "64:ff9b::e000:1",
    "2001:db8:9::1",
    "fd01:203:405:ffff::1",
    "2001:db8:1:ffff::1",
    "2001:db8:6::c",
    "ff02::1",
    "::",
    "fe80::1",
    "2001:db8:2:d54f::2",
    "64:ff9b::c0a8:102",
};
static const char *const v4_places[] = {
    "192.0.2.1", "198.51.100.1", "198.51.100.2", "192.168.1.2", "192.0.0.2", "192.0.0.1", "224.0.0.1", "0.0.0.0",
};

static hp_addr place(hp_rng *rng, bool v6)
{
    hp_addr a = v6 ? addr(v6_places[hp_rng_below(rng, G_N_ELEMENTS(v6_places))])
                   : addr(v4_places[hp_rng_below(rng, G_N_ELEMENTS(v4_places))]);
    return hp_addr_with_port(a, (uint16_t)(5000 + hp_rng_below(rng, 4)));
}

static hp_packet *random_packet(hp_rng *rng, bool v6, bool may_quote)
{
    static const uint8_t protos[] = {HP_PROTO_UDP, HP_PROTO_UDP, HP_PROTO_TCP, HP_PROTO_ICMP, HP_PROTO_ICMPV6, 132};
    hp_addr src = place(rng, v6), dst = place(rng, v6);
    uint8_t proto = protos[hp_rng_below(rng, G_N_ELEMENTS(protos))];
    uint8_t bytes[1600] = {0};
    size_t length = hp_rng_below(rng, 4) ? hp_rng_below(rng, 64) : hp_rng_below(rng, sizeof bytes);
    for (size_t i = 0; i < length; i++)
        bytes[i] = (uint8_t)hp_rng_below(rng, 256);
    if (proto == HP_PROTO_TCP) {
        hp_tcp_header h = {.seq = (uint32_t)hp_rng_below(rng, 4000), .flags = (uint8_t)hp_rng_below(rng, 32)};
        length = hp_tcp_write(&h, bytes, sizeof bytes);
    }
    hp_packet *p = hp_packet_new(proto, &src, &dst, bytes, length);
    p->ttl = hp_rng_below(rng, 10) ? 64 : (uint8_t)hp_rng_below(rng, 3);
    p->dont_fragment = v6 || hp_rng_below(rng, 2);
    p->ip_id = (uint32_t)hp_rng_below(rng, 3);
    p->no_checksum = proto == HP_PROTO_UDP && hp_rng_below(rng, 8) == 0;
    if (hp_packet_is_icmp(p)) {
        p->icmp_kind = (uint8_t)(1 + hp_rng_below(rng, HP_ICMP_OTHER));
        p->icmp_type = (uint8_t)hp_rng_below(rng, 140);
        p->icmp_code = (uint8_t)hp_rng_below(rng, 17);
        p->icmp_mtu = (uint32_t)hp_rng_below(rng, 3000);
        if (hp_packet_is_icmp_error(p) && may_quote) {
            p->inner = random_packet(rng, v6, false);
            p->length = 0;
        }
    }
    if (!p->inner && hp_rng_below(rng, 4) == 0) {
        p->frag_offset = (uint32_t)hp_rng_below(rng, 3) * 1232;
        p->frag_more = hp_rng_below(rng, 2);
        p->frag_total = 1232 * 3;
    }
    return p;
}

/* A random packet that could be on a wire: as the parser reads it. */
static hp_packet *random_sound(hp_rng *rng)
{
    for (;;) {
        uint8_t bytes[4000];
        g_autoptr(hp_packet) made = random_packet(rng, hp_rng_below(rng, 2), true);
        size_t n = hp_packet_write(made, bytes, sizeof bytes);
        hp_packet *p = n ? hp_packet_parse(bytes, n, NULL) : NULL;
        if (p)
            return p;
    }
}

static void check_hits(const probe *at)
{
    for (unsigned i = 0; i < at->hits->len; i++) {
        const hp_packet *p = g_array_index(at->hits, probe_hit, i).p;
        uint8_t bytes[4000];
        g_autoptr(GError) error = NULL;
        size_t n = hp_packet_write(p, bytes, sizeof bytes);
        assert_true(n > 0);
        g_autoptr(hp_packet) read = hp_packet_parse(bytes, n, &error);
        if (!read)
            fail_msg("packet %u: %s", i, error->message);
        /* Of a quotation only the headers are known to be right. */
        if (!p->corrupt && !hp_packet_is_fragment(p))
            assert_false(read->corrupt);
        assert_int_equal(p->src.reserved | p->dst.reserved, 0);
    }
}

static unsigned run_nat(hp_nat_ipv6 ipv6, hp_nat_fragments fragments, bool externals6)
{
    hp_nat_config c = nat64_config();
    c.ipv6 = ipv6;
    c.fragments = fragments;
    c.hairpin = HP_NAT_HAIRPIN_EXTERNAL_SOURCE;
    c.tcp_unsolicited_syn = HP_NAT_SYN_HOLD;
    c.tcp_stray = HP_NAT_STRAY_RST;
    c.unsolicited = HP_NAT_UNSOLICITED_ICMP;
    c.filtering = HP_NAT_ENDPOINT_INDEPENDENT;
    g_autoptr(rig) r = rig_new_seeded(3, &c, externals6 ? "192.0.2.1 2001:db8:1:ffff::1" : "192.0.2.1");
    hp_prefix inside, outside;
    hp_addr own = addr("2001:db8:1::1"), own4 = addr("192.168.1.1");
    assert_true(hp_prefix_parse("2001:db8:1::/48", &inside) && hp_prefix_parse("2001:db8:2::/48", &outside));
    assert_true(hp_nat_set_external_prefix(r->nat, &inside, &outside));
    hp_nat_set_internal(r->nat, &own);
    hp_nat_set_internal(r->nat, &own4);
    hp_rng rng;
    hp_world_rng(r->world, "stress", &rng);
    for (unsigned i = 0; i < N_PACKETS; i++) {
        rig_give(r, (unsigned)hp_rng_below(&rng, 2), random_sound(&rng));
        if (i % 64 == 0)
            rig_until(r, hp_world_now(r->world) + HP_S);
    }
    rig_until(r, hp_world_now(r->world) + 100 * HP_S);
    check_hits(r->in);
    check_hits(r->out);
    hp_nat_stats stats = hp_nat_get_stats(r->nat);
    assert_true(stats.out_packets > 500 && stats.in_packets > 50 && stats.hairpinned > 20);
    assert_true(rig_drops(r) > 1000);
    return r->in->hits->len + r->out->hits->len;
}

static void through_the_nat(void **state)
{
    run_nat(HP_NAT_IPV6_TRANSLATE, HP_NAT_FRAGMENTS_OUT_OF_ORDER, true);
    run_nat(HP_NAT_IPV6_TRANSLATE, HP_NAT_FRAGMENTS_REASSEMBLE, false);
    run_nat(HP_NAT_IPV6_ROUTE, HP_NAT_FRAGMENTS_IN_ORDER, false);
    unsigned first = run_nat(HP_NAT_IPV6_PREFIX, HP_NAT_FRAGMENTS_OUT_OF_ORDER, false);
    assert_int_equal(run_nat(HP_NAT_IPV6_PREFIX, HP_NAT_FRAGMENTS_OUT_OF_ORDER, false), first);
}

static void through_the_clat(void **state)
{
    hp_clat_config c = {.host4 = addr("192.0.0.2"), .own4 = addr("192.0.0.1"), .source6 = addr("2001:db8:6::c")};
    assert_true(hp_prefix_parse("64:ff9b::/96", &c.pref64));
    hp_trace *trace = hp_trace_new(NULL);
    hp_world *world = hp_world_new(1, trace);
    hp_clat *clat = hp_clat_new(world, "clat", &c);
    probe *host = probe_new(world, "host"), *network = probe_new(world, "network");
    hp_node_connect(hp_clat_node(clat), HP_CLAT_HOST, &host->node, 0);
    hp_node_connect(hp_clat_node(clat), HP_CLAT_NETWORK, &network->node, 0);
    hp_rng rng;
    hp_world_rng(world, "stress", &rng);
    for (unsigned i = 0; i < N_PACKETS; i++) {
        hp_packet *p = random_sound(&rng);
        p->uid = hp_world_new_uid(world);
        give(hp_clat_node(clat), (unsigned)hp_rng_below(&rng, 2), p);
    }
    check_hits(host);
    check_hits(network);
    assert_true(host->hits->len > 1000 && network->hits->len > 1000);
    hp_world_free(world);
    hp_trace_free(trace);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(through_the_nat),
        cmocka_unit_test(through_the_clat),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
