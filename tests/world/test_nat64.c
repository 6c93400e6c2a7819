/* Stateful NAT64 (RFC 6146): the NAT's knobs and table for flows that change their family. */
#include "world/fragment.h"
#include "world/nat64_rig.h"

static void both_ways(void **state)
{
    hp_nat_config c = nat64_config();
    g_autoptr(rig) r = rig_new(&c);
    hp_packet *p = udp(A, S6);
    p->tos = 0xb8;
    rig_give(r, HP_NAT_INSIDE, p);
    const hp_packet *out = rig_got(r, HP_NAT_OUTSIDE);
    assert_addr(&out->src, "192.0.2.1:5000");
    assert_addr(&out->dst, S4);
    assert_int_equal(out->ttl, 63);
    assert_int_equal(out->tos, 0xb8);
    assert_false(out->dont_fragment);
    assert_memory_equal(out->payload, "payload", 7);
    assert_sound(out);

    rig_give(r, HP_NAT_OUTSIDE, udp(S4, "192.0.2.1:5000"));
    const hp_packet *in = rig_got(r, HP_NAT_INSIDE);
    assert_addr(&in->src, S6);
    assert_addr(&in->dst, A);
    assert_int_equal(in->ttl, 63);
    assert_sound(in);
    hp_addr internal = addr(A), external;
    assert_true(hp_nat_lookup(r->nat, HP_PROTO_UDP, &internal, NULL, &external));
    assert_addr(&external, "192.0.2.1:5000");
    assert_int_equal(rig_drops(r), 0);
}

/* The default is address-and-port-dependent filtering and endpoint-independent mapping; either is a knob as ever. */
static void knobs_hold(void **state)
{
    hp_nat_config c = nat64_config();
    g_autoptr(rig) r = rig_new(&c);
    assert_passes(r, HP_NAT_INSIDE, A, S6, "192.0.2.1:5000 > " S4);
    assert_passes(r, HP_NAT_OUTSIDE, T4, "192.0.2.1:5000", "-");
    assert_drop(r, 1, HP_DROP_NAT_FILTERED);
    assert_passes(r, HP_NAT_INSIDE, A, T6, "192.0.2.1:5000 > " T4);
    assert_passes(r, HP_NAT_OUTSIDE, T4, "192.0.2.1:5000", T6 " > " A);
    assert_passes(r, HP_NAT_OUTSIDE, S4, "192.0.2.1:5001", "-");
    assert_drop(r, 2, HP_DROP_NAT_NO_MAPPING);

    c.mapping = HP_NAT_ADDRESS_AND_PORT_DEPENDENT;
    c.filtering = HP_NAT_ENDPOINT_INDEPENDENT;
    g_autoptr(rig) symmetric = rig_new(&c);
    assert_passes(symmetric, HP_NAT_INSIDE, A, S6, "192.0.2.1:5000 > " S4);
    assert_passes(symmetric, HP_NAT_INSIDE, A, T6, "192.0.2.1:5001 > " T4);
    assert_passes(symmetric, HP_NAT_OUTSIDE, T4, "192.0.2.1:5000", T6 " > " A);
}

static void timers_hold(void **state)
{
    hp_nat_config c = nat64_config();
    g_autoptr(rig) r = rig_new(&c);
    assert_passes(r, HP_NAT_INSIDE, A, S6, "192.0.2.1:5000 > " S4);
    rig_until(r, 120 * HP_S);
    assert_ended(r, 120 * HP_S, "expired", 120 * HP_S);
    assert_passes(r, HP_NAT_OUTSIDE, S4, "192.0.2.1:5000", "-");
}

/* One endpoint of an IPv6 host has a mapping towards IPv4 and another towards IPv6. */
static void beside_ipv6_and_ipv4(void **state)
{
    hp_nat_config c = nat64_config();
    g_autoptr(rig) r = rig_new_seeded(1, &c, "192.0.2.1 2001:db8:f::1");
    assert_passes(r, HP_NAT_INSIDE, A, S6, "192.0.2.1:5000 > " S4);
    assert_passes(r, HP_NAT_INSIDE, A, "[2001:db8:9::1]:80", "[2001:db8:f::1]:5000 > [2001:db8:9::1]:80");
    assert_passes(r, HP_NAT_INSIDE, "192.168.1.2:5000", S4, "192.0.2.1:5001 > " S4);
    assert_passes(r, HP_NAT_INSIDE, A, T6, "192.0.2.1:5000 > " T4);
    assert_int_equal(hp_nat_get_stats(r->nat).mappings, 3);
    assert_passes(r, HP_NAT_OUTSIDE, "[2001:db8:9::1]:80", "[2001:db8:f::1]:5000", "[2001:db8:9::1]:80 > " A);
    assert_passes(r, HP_NAT_OUTSIDE, S4, "192.0.2.1:5001", S4 " > 192.168.1.2:5000");
}

/* Limits and pairing of a host count its flows to IPv4 apart from those to IPv6. */
static void hosts_are_told_apart(void **state)
{
    hp_nat_config c = nat64_config();
    c.max_mappings_per_host = 1;
    c.pool = 2;
    g_autoptr(rig) r = rig_new_seeded(1, &c, "192.0.2.1 192.0.2.2 2001:db8:f::1");
    assert_passes(r, HP_NAT_INSIDE, A, S6, "192.0.2.1:5000 > " S4);
    assert_passes(r, HP_NAT_INSIDE, B, S6, "192.0.2.2:6000 > " S4);
    assert_passes(r, HP_NAT_INSIDE, "[2001:db8:1::2]:5001", S6, "-");
    assert_drop(r, 1, HP_DROP_NAT_LIMIT);
    assert_passes(r, HP_NAT_INSIDE, A, "[2001:db8:9::1]:80", "[2001:db8:f::1]:5000 > [2001:db8:9::1]:80");
    c.max_mappings_per_host = 2;
    hp_nat_configure(r->nat, &c, NULL);
    assert_passes(r, HP_NAT_INSIDE, "[2001:db8:1::2]:5001", S6, "192.0.2.1:5001 > " S4);
}

static void at_run_time(void **state)
{
    hp_nat_config c = nat64_config();
    g_autoptr(rig) r = rig_new(&c);
    assert_passes(r, HP_NAT_INSIDE, A, S6, "192.0.2.1:5000 > " S4);
    hp_addr a = addr(A);
    assert_int_equal(hp_nat_rebind(r->nat, &a), 1);
    assert_passes(r, HP_NAT_INSIDE, A, S6, "192.0.2.1:5001 > " S4);
    assert_passes(r, HP_NAT_OUTSIDE, S4, "192.0.2.1:5001", S6 " > " A);
    hp_addr fresh = addr("192.0.2.77");
    hp_nat_renumber(r->nat, &fresh, 1);
    assert_passes(r, HP_NAT_INSIDE, A, S6, "192.0.2.77:5000 > " S4);
    hp_nat_reboot(r->nat);
    assert_passes(r, HP_NAT_OUTSIDE, S4, "192.0.2.77:5000", "-");
}

/* RFC 6146 section 3.8. */
static void hairpins(void **state)
{
    hp_nat_config c = nat64_config();
    c.hairpin = HP_NAT_HAIRPIN_EXTERNAL_SOURCE;
    g_autoptr(rig) r = rig_new(&c);
    assert_passes(r, HP_NAT_INSIDE, B, S6, "192.0.2.1:6000 > " S4);
    rig_give(r, HP_NAT_INSIDE, udp(A, "[64:ff9b::c000:201]:6000"));
    const hp_packet *p = rig_got(r, HP_NAT_INSIDE);
    assert_addr(&p->src, "[64:ff9b::c000:201]:5000");
    assert_addr(&p->dst, B);
    assert_int_equal(p->ttl, 63);
    assert_sound(p);
    /* The answer goes back through both mappings. */
    rig_give(r, HP_NAT_INSIDE, udp(B, "[64:ff9b::c000:201]:5000"));
    assert_string_equal(rig_seen(r, HP_NAT_INSIDE), "[64:ff9b::c000:201]:6000 > " A);
    /* An IPv4 host of the same NAT, either way. */
    assert_passes(r, HP_NAT_INSIDE, "192.168.1.2:7000", S4, "192.0.2.1:7000 > " S4);
    rig_give(r, HP_NAT_INSIDE, udp(A, "[64:ff9b::c000:201]:7000"));
    assert_string_equal(rig_seen(r, HP_NAT_INSIDE), "192.0.2.1:5000 > 192.168.1.2:7000");
    rig_give(r, HP_NAT_INSIDE, udp("192.168.1.2:7000", "192.0.2.1:5000"));
    assert_string_equal(rig_seen(r, HP_NAT_INSIDE), "[64:ff9b::c000:201]:7000 > " A);

    c.hairpin = HP_NAT_HAIRPIN_INTERNAL_SOURCE;
    hp_nat_configure(r->nat, &c, NULL);
    rig_give(r, HP_NAT_INSIDE, udp(A, "[64:ff9b::c000:201]:6000"));
    assert_string_equal(rig_seen(r, HP_NAT_INSIDE), A " > " B);
    rig_give(r, HP_NAT_INSIDE, udp(A, "[64:ff9b::c000:201]:7000"));
    assert_string_equal(rig_seen(r, HP_NAT_INSIDE), "192.0.2.1:5000 > 192.168.1.2:7000");

    c.hairpin = HP_NAT_HAIRPIN_NONE;
    hp_nat_configure(r->nat, &c, NULL);
    rig_give(r, HP_NAT_INSIDE, udp(A, "[64:ff9b::c000:201]:6000"));
    assert_string_equal(rig_seen(r, HP_NAT_INSIDE), "-");
    assert_drop(r, 1, HP_DROP_NAT_NO_HAIRPIN);
}

static void tcp(void **state)
{
    hp_nat_config c = nat64_config();
    c.tcp_stray = HP_NAT_STRAY_RST;
    g_autoptr(rig) r = rig_new(&c);
    assert_tcp_out(r, A, S6, SYN, "192.0.2.1:5000");
    assert_tcp_state(r, A, S4, "out-init");
    assert_tcp_in(r, S4, "192.0.2.1:5000", SYN_ACK, A);
    assert_sound(g_array_index(r->in->hits, probe_hit, 0).p);
    assert_tcp_out(r, A, S6, ACK, "192.0.2.1:5000");
    assert_tcp_state(r, A, S4, "established");
    assert_tcp_in(r, T4, "192.0.2.1:5000", SYN, "-");
    assert_drop(r, 1, HP_DROP_NAT_FILTERED);
    /* A segment of no connection: the RST comes from the address that it was sent to. */
    assert_tcp_out(r, B, T6, ACK, "-");
    const hp_packet *rst = rig_got(r, HP_NAT_INSIDE);
    assert_addr(&rst->src, T6);
    assert_addr(&rst->dst, B);
    assert_sound(rst);
    rig_until(r, 7440 * HP_S);
    assert_tcp_state(r, A, S4, "closed");
}

static void tcp_hairpin_with_a_syn_that_waits(void **state)
{
    hp_nat_config c = nat64_config();
    c.hairpin = HP_NAT_HAIRPIN_EXTERNAL_SOURCE;
    c.tcp_unsolicited_syn = HP_NAT_SYN_HOLD;
    g_autoptr(rig) r = rig_new(&c);
    hp_addr own = addr("2001:db8:1::1");
    hp_nat_set_internal(r->nat, &own);
    rig_give(r, HP_NAT_INSIDE, tcp_at(A, "[64:ff9b::c000:201]:6000", SYN, 1, 0));
    assert_int_equal(rig_drops(r), 0);
    rig_until(r, 6 * HP_S);
    const hp_packet *error = rig_got(r, HP_NAT_INSIDE);
    assert_non_null(error);
    assert_int_equal(error->icmp_kind, HP_ICMP_PORT_UNREACHABLE);
    assert_addr(&error->inner->dst, "[64:ff9b::c000:201]:6000");
    assert_sound(error);
    assert_drop(r, 1, HP_DROP_NAT_NO_MAPPING);

    assert_tcp_out(r, B, S6, SYN, "192.0.2.1:6000");
    rig_give(r, HP_NAT_INSIDE, tcp_at(A, "[64:ff9b::c000:201]:6000", SYN, 1, 0));
    assert_string_equal(rig_seen(r, HP_NAT_INSIDE), "[64:ff9b::c000:201]:5000 > " B);
}

/* What is refused is quoted and answered as its sender knows it, whatever the table saw. */
static void refusals_quote_what_was_sent(void **state)
{
    hp_nat_config c = nat64_config();
    hp_port_range blocked = {3478, 3478};
    c.blocked = &blocked;
    c.n_blocked = 1;
    c.answers_blocked = true;
    g_autoptr(rig) r = rig_new(&c);
    hp_addr own = addr("2001:db8:1::1");
    hp_nat_set_internal(r->nat, &own);
    assert_passes(r, HP_NAT_INSIDE, A, S6, "-");
    const hp_packet *error = rig_got(r, HP_NAT_INSIDE);
    assert_addr(&error->src, "2001:db8:1::1");
    assert_addr(&error->dst, "2001:db8:1::2");
    assert_addr(&error->inner->src, A);
    assert_addr(&error->inner->dst, S6);
    assert_sound(error);
    hp_record record;
    assert_true(rig_last(r, HP_RECORD_DROP, 0, &record));
    assert_int_equal(record.drop.reason, HP_DROP_NAT_BLOCKED);

    hp_packet *dying = udp(A, T6);
    dying->ttl = 1;
    rig_give(r, HP_NAT_INSIDE, dying);
    const hp_packet *exceeded = rig_got(r, HP_NAT_INSIDE);
    assert_int_equal(exceeded->icmp_kind, HP_ICMP_TTL_EXCEEDED);
    assert_addr(&exceeded->inner->dst, T6);
    assert_int_equal(hp_nat_get_stats(r->nat).mappings, 0);
}

static void which_addresses_are_for_it(void **state)
{
    hp_nat_config c = nat64_config();
    g_autoptr(rig) r = rig_new(&c);
    assert_passes(r, HP_NAT_INSIDE, A, "[2001:db8:9::1]:80", "-"); /* there is no IPv6 outside */
    assert_drop(r, 1, HP_DROP_NO_ROUTE);
    assert_passes(r, HP_NAT_INSIDE, "[64:ff9b::c633:6402]:1", S6, "-"); /* RFC 6146 section 3.5 */
    assert_drop(r, 2, HP_DROP_BAD_SOURCE);
    assert_passes(r, HP_NAT_INSIDE, A, "[64:ff9b::e000:1]:80", "-"); /* 224.0.0.1 */
    assert_drop(r, 3, HP_DROP_NO_ROUTE);

    c.nat64_prefix = (hp_prefix){.base = addr("2001:db8:64::"), .bits = 64};
    g_autoptr(rig) other = rig_new(&c);
    assert_passes(other, HP_NAT_INSIDE, A, "[2001:db8:64::c6:3364:100:0]:3478", "192.0.2.1:5000 > " S4);
    assert_passes(other, HP_NAT_OUTSIDE, S4, "192.0.2.1:5000", "[2001:db8:64:0:c6:3364:100:0]:3478 > " A);
    assert_passes(other, HP_NAT_INSIDE, A, "[2001:db8:64::c6:3364:100:1]:3478", "-"); /* its suffix is not zero */
    assert_drop(other, 1, HP_DROP_NO_ROUTE);
    assert_passes(other, HP_NAT_INSIDE, A, S6, "-");

    c.nat64_prefix.bits = 63; /* no prefix of RFC 6052 */
    g_autoptr(rig) off = rig_new(&c);
    assert_false(hp_nat_get_config(off->nat)->nat64);
}

/* ---- fragments ---- */

typedef struct pieces {
    hp_packet *p[8];
    unsigned n;
} pieces;

static void keep(void *user, hp_packet *fragment)
{
    pieces *all = user;
    all->p[all->n++] = fragment;
}

static pieces cut(rig *r, const char *src, const char *dst, uint32_t length, uint32_t mtu)
{
    pieces all = {.n = 0};
    g_autoptr(hp_packet) whole = udp_packet(r->world, src, dst, length);
    assert_true(hp_fragment(whole, mtu, keep, &all));
    return all;
}

/* Puts together what the probe got since last time. */
static hp_packet *join(rig *r, unsigned side)
{
    hp_reassembly *reassembly = hp_reassembly_new(hp_nat_node(r->nat), NULL, NULL);
    hp_packet *whole = NULL;
    const hp_packet *p;
    while (!whole && (p = rig_got(r, side)))
        whole = hp_reassembly_add(reassembly, hp_packet_copy(p));
    hp_reassembly_free(reassembly);
    return whole;
}

static void check_payload(const hp_packet *p, uint32_t length)
{
    assert_non_null(p);
    assert_int_equal(p->length, length);
    for (uint32_t i = 0; i < length; i++)
        assert_int_equal(p->payload[i], (uint8_t)i);
}

static void fragments_out_of_order(void **state)
{
    hp_nat_config c = nat64_config();
    g_autoptr(rig) r = rig_new(&c);
    pieces out = cut(r, A, S6, 3000, 1280);
    assert_int_equal(out.n, 3);
    rig_give(r, HP_NAT_INSIDE, out.p[2]);
    rig_give(r, HP_NAT_INSIDE, out.p[1]);
    assert_null(rig_got(r, HP_NAT_OUTSIDE));
    rig_give(r, HP_NAT_INSIDE, out.p[0]);
    const hp_packet *first = &*g_array_index(r->out->hits, probe_hit, 0).p;
    assert_addr(&first->src, "192.0.2.1:5000");
    assert_int_equal(hp_packet_wire_length(first), 1280 - 28);
    assert_false(first->dont_fragment);
    assert_sound(first);
    g_autoptr(hp_packet) whole = join(r, HP_NAT_OUTSIDE);
    check_payload(whole, 3000);

    pieces in = cut(r, S4, "192.0.2.1:5000", 3000, 1500);
    assert_int_equal(in.n, 3);
    for (unsigned i = in.n; i-- > 0;)
        rig_give(r, HP_NAT_OUTSIDE, in.p[i]);
    for (unsigned i = 0; i < r->in->hits->len; i++) {
        const hp_packet *p = g_array_index(r->in->hits, probe_hit, i).p;
        assert_true(hp_packet_wire_length(p) <= 1280);
        assert_int_equal(p->ip_id >> 16, 0);
        assert_sound(p);
    }
    assert_int_equal(r->in->hits->len, 5); /* two of 1500 bytes become two each */
    g_autoptr(hp_packet) back = join(r, HP_NAT_INSIDE);
    check_payload(back, 3000);
    assert_addr(&back->src, S6);
    assert_int_equal(rig_drops(r), 0);
}

static void fragments_reassembled(void **state)
{
    hp_nat_config c = nat64_config();
    c.fragments = HP_NAT_FRAGMENTS_REASSEMBLE;
    g_autoptr(rig) r = rig_new(&c);
    pieces out = cut(r, A, S6, 2000, 1280);
    for (unsigned i = 0; i < out.n; i++)
        rig_give(r, HP_NAT_INSIDE, out.p[i]);
    for (unsigned i = 0; i < r->out->hits->len; i++) {
        const hp_packet *p = g_array_index(r->out->hits, probe_hit, i).p;
        assert_true(hp_packet_wire_length(p) <= 1280 - 28);
        assert_false(p->dont_fragment);
    }
    g_autoptr(hp_packet) whole = join(r, HP_NAT_OUTSIDE);
    check_payload(whole, 2000);
    pieces in = cut(r, S4, "192.0.2.1:5000", 2000, 1500);
    for (unsigned i = 0; i < in.n; i++)
        rig_give(r, HP_NAT_OUTSIDE, in.p[i]);
    for (unsigned i = 0; i < r->in->hits->len; i++)
        assert_true(hp_packet_wire_length(g_array_index(r->in->hits, probe_hit, i).p) <= 1280);
    g_autoptr(hp_packet) back = join(r, HP_NAT_INSIDE);
    check_payload(back, 2000);
    assert_int_equal(rig_drops(r), 0);
}

/* A fragment that is given up is dropped as it came. */
static void lost_fragments(void **state)
{
    hp_nat_config c = nat64_config();
    g_autoptr(rig) r = rig_new(&c);
    pieces out = cut(r, A, S6, 2000, 1280);
    hp_packet_free(out.p[0]);
    rig_give(r, HP_NAT_INSIDE, out.p[1]);
    rig_until(r, 30 * HP_S);
    assert_drop(r, 1, HP_DROP_NAT_FRAGMENT);
}

/* RFC 7915 section 4: a whole packet without DF is cut, one with DF is left to the links. */
static void growth(void **state)
{
    hp_nat_config c = nat64_config();
    g_autoptr(rig) r = rig_new(&c);
    assert_passes(r, HP_NAT_INSIDE, A, S6, "192.0.2.1:5000 > " S4);
    hp_packet *long_one = udp_packet(r->world, S4, "192.0.2.1:5000", 1400);
    rig_give(r, HP_NAT_OUTSIDE, long_one);
    assert_int_equal(r->in->hits->len, 2);
    assert_int_equal(hp_packet_wire_length(g_array_index(r->in->hits, probe_hit, 0).p), 1280);
    g_autoptr(hp_packet) whole = join(r, HP_NAT_INSIDE);
    check_payload(whole, 1400);
    hp_packet *df = udp_packet(r->world, S4, "192.0.2.1:5000", 1400);
    df->dont_fragment = true;
    rig_give(r, HP_NAT_OUTSIDE, df);
    assert_int_equal(hp_packet_wire_length(rig_got(r, HP_NAT_INSIDE)), 1448);
}

static void datagrams_without_a_checksum(void **state)
{
    hp_nat_config c = nat64_config();
    g_autoptr(rig) r = rig_new(&c);
    assert_passes(r, HP_NAT_INSIDE, A, S6, "192.0.2.1:5000 > " S4);
    hp_packet *bare = udp(S4, "192.0.2.1:5000");
    bare->no_checksum = true;
    rig_give(r, HP_NAT_OUTSIDE, bare);
    const hp_packet *in = rig_got(r, HP_NAT_INSIDE);
    assert_false(in->no_checksum);
    assert_sound(in);

    pieces all = cut(r, S4, "192.0.2.1:5000", 2000, 1500);
    for (unsigned i = 0; i < all.n; i++) {
        all.p[i]->no_checksum = true;
        rig_give(r, HP_NAT_OUTSIDE, all.p[i]);
    }
    assert_null(rig_got(r, HP_NAT_INSIDE));
    assert_drop(r, 2, HP_DROP_NAT_PROTOCOL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(both_ways),
        cmocka_unit_test(knobs_hold),
        cmocka_unit_test(timers_hold),
        cmocka_unit_test(beside_ipv6_and_ipv4),
        cmocka_unit_test(hosts_are_told_apart),
        cmocka_unit_test(at_run_time),
        cmocka_unit_test(hairpins),
        cmocka_unit_test(tcp),
        cmocka_unit_test(tcp_hairpin_with_a_syn_that_waits),
        cmocka_unit_test(refusals_quote_what_was_sent),
        cmocka_unit_test(which_addresses_are_for_it),
        cmocka_unit_test(fragments_out_of_order),
        cmocka_unit_test(fragments_reassembled),
        cmocka_unit_test(lost_fragments),
        cmocka_unit_test(growth),
        cmocka_unit_test(datagrams_without_a_checksum),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
