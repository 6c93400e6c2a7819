/* IPv6 that passes a NAT by its table: prefixes replaced (RFC 6296) and plain routing. */
#include "world/fragment.h"
#include "world/nat64_rig.h"
#include "world/npt.h"

static hp_prefix prefix(const char *text)
{
    hp_prefix p;
    assert_true(hp_prefix_parse(text, &p));
    return p;
}

static uint16_t sum(const hp_addr *a)
{
    return hp_packet_sum(a->ip, 16);
}

static void assert_maps(const char *in, const char *out, const char *inside, const char *outside)
{
    hp_npt npt;
    hp_prefix from = prefix(in), to = prefix(out);
    assert_true(hp_npt_init(&npt, &from, &to));
    hp_addr a = addr(inside), given = a;
    assert_true(hp_npt_map(&npt, true, &a));
    assert_addr(&a, outside);
    assert_int_equal(sum(&a) % 0xffff, sum(&given) % 0xffff);
    assert_true(hp_npt_map(&npt, false, &a));
    assert_addr(&a, inside);
}

static void assert_refuses(const char *in, const char *out, const char *inside)
{
    hp_npt npt;
    hp_prefix from = prefix(in), to = prefix(out);
    assert_true(hp_npt_init(&npt, &from, &to));
    hp_addr a = addr(inside), given = a;
    assert_false(hp_npt_map(&npt, true, &a));
    assert_true(hp_addr_equal(&a, &given));
}

/* The example of RFC 6296 section 3, and the same with other subnets. */
static void short_prefixes(void **state)
{
    assert_maps("fd01:203:405::/48", "2001:db8:1::/48", "fd01:203:405:1::1234", "2001:db8:1:d550::1234");
    assert_maps("fd01:203:405::/48", "2001:db8:1::/48", "fd01:203:405::1234", "2001:db8:1:d54f::1234");
    /* 2ab0 + d54f = ffff, written 0000 */
    assert_maps("fd01:203:405::/48", "2001:db8:1::/48", "fd01:203:405:2ab0::1", "2001:db8:1::1");
    assert_maps("fd01:203:405::/48", "2001:db8:1::/48", "fd01:203:405:2ab1::1", "2001:db8:1:1::1");
    assert_maps("fd00::/8", "2000::/8", "fd12:3456::1", "2012:3456:0:dd00::1");
    assert_refuses("fd01:203:405::/48", "2001:db8:1::/48", "fd01:203:405:ffff::1");
    assert_refuses("fd01:203:405::/48", "2001:db8:1::/48", "fd01:203:406:1::1");
}

static void long_prefixes(void **state)
{
    assert_maps("fd01:203:405:7::/64", "2001:db8:1:9::/64", "fd01:203:405:7::1234", "2001:db8:1:9:d54d::1234");
    /* Words of ffff are stepped over, both ways. */
    assert_maps("fd01:203:405:7::/64", "2001:db8:1:9::/64", "fd01:203:405:7:ffff:5:0:1", "2001:db8:1:9:ffff:d552:0:1");
    assert_maps("fd01:203:405:700::/56", "2001:db8:1:900::/56", "fd01:203:405:742::1", "2001:db8:1:942:d34f::1");
    assert_maps("fd01:203:405:740::/58", "2001:db8:1:980::/58", "fd01:203:405:765::1", "2001:db8:1:9a5:d30f::1");
    /* Of unequal lengths, the longer holds. */
    assert_maps("fd01:203:405::/48", "2001:db8:1:9::/64", "fd01:203:405::1", "2001:db8:1:9:d546::1");
    assert_refuses("fd01:203:405::/48", "2001:db8:1:9::/64", "fd01:203:405:1::1");
    assert_refuses("fd01:203:405:7::/64", "2001:db8:1:9::/64", "fd01:203:405:7:ffff:ffff:ffff:ffff");
}

static void prefixes_that_cannot_be(void **state)
{
    hp_npt npt;
    hp_prefix v4 = prefix("10.0.0.0/8"), good = prefix("fd00::/48"), too_long = prefix("fd00::/65"),
              all = prefix("::/0");
    assert_false(hp_npt_init(&npt, &v4, &good));
    assert_false(hp_npt_init(&npt, &good, &too_long));
    assert_false(hp_npt_init(&npt, &all, &good));
}

/* ---- as a part of the NAT ---- */

#define IN "fd01:203:405:1::1234"
#define OUT "2001:db8:1:d550::1234"
#define REMOTE "2001:db8:50::a"

static rig *npt_rig(void)
{
    hp_nat_config c = hp_nat_config_default();
    c.ipv6 = HP_NAT_IPV6_PREFIX;
    c.answers_ping = true;
    rig *r = rig_new(&c);
    hp_prefix inside = prefix("fd01:203:405::/48"), outside = prefix("2001:db8:1::/48");
    hp_addr own = addr("fd01:203:405::1");
    assert_true(hp_nat_set_external_prefix(r->nat, &inside, &outside));
    hp_nat_add_inside_prefix(r->nat, &inside);
    hp_nat_set_internal(r->nat, &own);
    return r;
}

static void both_ways_without_state(void **state)
{
    g_autoptr(rig) r = npt_rig();
    assert_passes(r, HP_NAT_OUTSIDE, "[" REMOTE "]:9", "[" OUT "]:5000", "[" REMOTE "]:9 > [" IN "]:5000");
    rig_give(r, HP_NAT_INSIDE, udp("[" IN "]:5000", "[" REMOTE "]:80"));
    const hp_packet *p = rig_got(r, HP_NAT_OUTSIDE);
    assert_addr(&p->src, "[" OUT "]:5000");
    assert_int_equal(p->ttl, 63);
    assert_sound(p);
    assert_int_equal(hp_nat_get_stats(r->nat).mappings, 0);
    assert_int_equal(hp_nat_get_stats(r->nat).in_packets, 1);
    assert_int_equal(hp_nat_get_stats(r->nat).out_packets, 1);
    /* IPv4 beside it is translated by the table as ever. */
    assert_passes(r, HP_NAT_OUTSIDE, "198.51.100.1:9", "192.0.2.1:5000", "-");
}

/* RFC 6296 section 2.1: the checksum that the sender wrote holds for the receiver. */
static void checksums_are_neutral(void **state)
{
    g_autoptr(rig) r = npt_rig();
    uint8_t sent[200], got[200];
    hp_packet *p = udp("[" IN "]:5000", "[" REMOTE "]:80");
    size_t n = hp_packet_write(p, sent, sizeof sent);
    rig_give(r, HP_NAT_INSIDE, p);
    assert_int_equal(hp_packet_write(rig_got(r, HP_NAT_OUTSIDE), got, sizeof got), n);
    assert_memory_equal(sent + 40, got + 40, n - 40);
}

/* Any protocol, and each fragment by itself. */
static void everything_passes(void **state)
{
    g_autoptr(rig) r = npt_rig();
    hp_addr from = addr(IN), to = addr(REMOTE);
    rig_give(r, HP_NAT_INSIDE, hp_packet_new(132, &from, &to, "sctp", 4));
    assert_string_equal(rig_seen(r, HP_NAT_OUTSIDE), OUT " > " REMOTE);
    hp_packet *fragment = hp_packet_new(HP_PROTO_UDP, &from, &to, "12345678", 8);
    fragment->frag_offset = 1232;
    fragment->frag_total = 2000;
    fragment->frag_more = true;
    rig_give(r, HP_NAT_INSIDE, fragment);
    assert_string_equal(rig_seen(r, HP_NAT_OUTSIDE), OUT " > " REMOTE);
    assert_int_equal(rig_drops(r), 0);
}

static void npt_hairpins(void **state)
{
    g_autoptr(rig) r = npt_rig();
    rig_give(r, HP_NAT_INSIDE, udp("[fd01:203:405::7]:1", "[" OUT "]:2"));
    const hp_packet *p = rig_got(r, HP_NAT_INSIDE);
    assert_addr(&p->src, "[2001:db8:1:d54f::7]:1");
    assert_addr(&p->dst, "[" IN "]:2");
    assert_int_equal(p->ttl, 63);
    assert_int_equal(hp_nat_get_stats(r->nat).hairpinned, 1);
    /* What it complains of goes back the same way. */
    hp_addr maker = addr(IN);
    g_autoptr(hp_packet) offender = udp("[2001:db8:1:d54f::7]:1", "[" IN "]:2");
    rig_give(r, HP_NAT_INSIDE, hp_packet_icmp_error(HP_ICMP_PORT_UNREACHABLE, &maker, offender, 0));
    const hp_packet *error = rig_got(r, HP_NAT_INSIDE);
    assert_addr(&error->src, OUT);
    assert_addr(&error->dst, "fd01:203:405::7");
    assert_addr(&error->inner->src, "[fd01:203:405::7]:1");
    assert_addr(&error->inner->dst, "[" OUT "]:2");
    assert_sound(error);
}

static void npt_errors(void **state)
{
    g_autoptr(rig) r = npt_rig();
    hp_addr router = addr("2001:db8:77::1"), host = addr(IN);
    g_autoptr(hp_packet) out = udp("[" OUT "]:5000", "[" REMOTE "]:80");
    rig_give(r, HP_NAT_OUTSIDE, hp_packet_icmp_error(HP_ICMP_FRAG_NEEDED, &router, out, 1300));
    const hp_packet *p = rig_got(r, HP_NAT_INSIDE);
    assert_addr(&p->src, "2001:db8:77::1");
    assert_addr(&p->dst, IN);
    assert_addr(&p->inner->src, "[" IN "]:5000");
    assert_addr(&p->inner->dst, "[" REMOTE "]:80");
    assert_int_equal(p->icmp_mtu, 1300);
    assert_sound(p);
    g_autoptr(hp_packet) in = udp("[" REMOTE "]:80", "[" IN "]:5000");
    rig_give(r, HP_NAT_INSIDE, hp_packet_icmp_error(HP_ICMP_PORT_UNREACHABLE, &host, in, 0));
    p = rig_got(r, HP_NAT_OUTSIDE);
    assert_addr(&p->src, OUT);
    assert_addr(&p->inner->src, "[" REMOTE "]:80");
    assert_addr(&p->inner->dst, "[" OUT "]:5000");
    assert_sound(p);
}

static void npt_refusals(void **state)
{
    g_autoptr(rig) r = npt_rig();
    assert_passes(r, HP_NAT_INSIDE, "[fd01:203:405:ffff::1]:1", "[" REMOTE "]:2", "-");
    const hp_packet *error = rig_got(r, HP_NAT_INSIDE);
    assert_int_equal(error->icmp_kind, HP_ICMP_HOST_UNREACHABLE);
    assert_addr(&error->src, "fd01:203:405::1");
    assert_drop(r, 1, HP_DROP_NO_ROUTE);
    assert_passes(r, HP_NAT_OUTSIDE, "[" REMOTE "]:2", "[2001:db8:1:ffff::1]:2", "-");
    error = rig_got(r, HP_NAT_OUTSIDE);
    assert_int_equal(error->icmp_kind, HP_ICMP_HOST_UNREACHABLE);
    assert_addr(&error->src, "2001:db8:1:d54f::1"); /* its own address as the outside knows it */
    assert_drop(r, 2, HP_DROP_NO_ROUTE);
    assert_passes(r, HP_NAT_INSIDE, "[fd99::1]:1", "[" REMOTE "]:2", "-");
    assert_drop(r, 3, HP_DROP_BAD_SOURCE);
    assert_passes(r, HP_NAT_OUTSIDE, "[" REMOTE "]:2", "[fd01:203:405:1::1]:1", "-");
    assert_drop(r, 4, HP_DROP_NO_ROUTE);
    assert_passes(r, HP_NAT_OUTSIDE, "[2001:db8:1::9]:2", "[" OUT "]:1", "-");
    assert_drop(r, 5, HP_DROP_BAD_SOURCE);
    hp_packet *dying = udp("[" REMOTE "]:2", "[" OUT "]:1");
    dying->ttl = 1;
    rig_give(r, HP_NAT_OUTSIDE, dying);
    error = rig_got(r, HP_NAT_OUTSIDE);
    assert_int_equal(error->icmp_kind, HP_ICMP_TTL_EXCEEDED);
    assert_addr(&error->inner->dst, "[" OUT "]:1");
    assert_drop(r, 6, HP_DROP_TTL);
}

static void npt_without_prefixes(void **state)
{
    hp_nat_config c = hp_nat_config_default();
    c.ipv6 = HP_NAT_IPV6_PREFIX;
    g_autoptr(rig) r = rig_new(&c);
    assert_passes(r, HP_NAT_INSIDE, "[" IN "]:1", "[" REMOTE "]:2", "-");
    assert_passes(r, HP_NAT_OUTSIDE, "[" REMOTE "]:2", "[" OUT "]:1", "-");
    assert_int_equal(rig_drops(r), 2);
}

/* The NAT's own address, by its inside name and by its outside one. */
static void npt_answers_pings(void **state)
{
    g_autoptr(rig) r = npt_rig();
    static const char *const own[] = {"[fd01:203:405::1]:7", "[2001:db8:1:d54f::1]:7"};
    for (unsigned i = 0; i < 2; i++) {
        hp_addr from = addr(i ? "[" REMOTE "]:7" : "[" IN "]:7"), to = addr(own[i]);
        hp_packet *p = hp_packet_new(HP_PROTO_ICMPV6, &from, &to, "ping", 4);
        p->icmp_kind = HP_ICMP_ECHO_REQUEST;
        rig_give(r, i, p);
        const hp_packet *reply = rig_got(r, i);
        assert_non_null(reply);
        assert_int_equal(reply->icmp_kind, HP_ICMP_ECHO_REPLY);
        assert_addr(&reply->src, own[i]);
    }
}

/* ---- routed ---- */

static rig *routed_rig(const hp_nat_config *config)
{
    hp_nat_config c = *config;
    c.ipv6 = HP_NAT_IPV6_ROUTE;
    rig *r = rig_new(&c);
    hp_prefix inside = prefix("2001:db8:1::/64");
    hp_addr own = addr("2001:db8:1::1");
    hp_nat_add_inside_prefix(r->nat, &inside);
    hp_nat_set_internal(r->nat, &own);
    return r;
}

static void routes(void **state)
{
    hp_nat_config c = hp_nat_config_default();
    g_autoptr(rig) r = routed_rig(&c);
    assert_passes(r, HP_NAT_OUTSIDE, "[" REMOTE "]:9", A, "[" REMOTE "]:9 > " A);
    rig_give(r, HP_NAT_INSIDE, udp(A, "[" REMOTE "]:9"));
    const hp_packet *p = rig_got(r, HP_NAT_OUTSIDE);
    assert_addr(&p->src, A);
    assert_int_equal(p->ttl, 63);
    hp_addr from = addr("2001:db8:1::2"), to = addr(REMOTE);
    rig_give(r, HP_NAT_INSIDE, hp_packet_new(132, &from, &to, "sctp", 4));
    assert_string_equal(rig_seen(r, HP_NAT_OUTSIDE), "2001:db8:1::2 > " REMOTE);
    assert_int_equal(hp_nat_get_stats(r->nat).mappings, 0);
    assert_int_equal(rig_drops(r), 0);
}

static void does_not_route(void **state)
{
    hp_nat_config c = hp_nat_config_default();
    hp_port_range blocked = {25, 25};
    c.blocked = &blocked;
    c.n_blocked = 1;
    g_autoptr(rig) r = routed_rig(&c);
    static const struct {
        unsigned side;
        const char *src, *dst;
        hp_drop_reason why;
    } rows[] = {
        {HP_NAT_INSIDE, "[2001:db8:9::1]:1", "[" REMOTE "]:9", HP_DROP_BAD_SOURCE},
        {HP_NAT_INSIDE, A, "[ff02::1]:9", HP_DROP_NO_ROUTE},
        {HP_NAT_INSIDE, A, B, HP_DROP_NO_ROUTE},
        {HP_NAT_INSIDE, A, "[" REMOTE "]:25", HP_DROP_NAT_BLOCKED},
        {HP_NAT_OUTSIDE, A, B, HP_DROP_BAD_SOURCE},
        {HP_NAT_OUTSIDE, "[fe80::1]:1", A, HP_DROP_BAD_SOURCE},
        {HP_NAT_OUTSIDE, "[" REMOTE "]:9", "[2001:db8:9::1]:1", HP_DROP_NO_ROUTE},
        {HP_NAT_OUTSIDE, "[" REMOTE "]:9", "[2001:db8:1::1]:1", HP_DROP_NO_SOCKET},
    };
    for (unsigned i = 0; i < G_N_ELEMENTS(rows); i++) {
        assert_passes(r, rows[i].side, rows[i].src, rows[i].dst, "-");
        assert_drop(r, i + 1, rows[i].why);
    }
    assert_passes(r, HP_NAT_OUTSIDE, "[" REMOTE "]:9", "[2001:db8:1::2]:25", "[" REMOTE "]:9 > [2001:db8:1::2]:25");
    hp_packet *dying = udp(A, "[" REMOTE "]:9");
    dying->ttl = 1;
    rig_give(r, HP_NAT_INSIDE, dying);
    const hp_packet *error = rig_got(r, HP_NAT_INSIDE);
    assert_int_equal(error->icmp_kind, HP_ICMP_TTL_EXCEEDED);
    assert_addr(&error->src, "2001:db8:1::1");
}

/* NAT64 and routed IPv6 side by side, as a mobile network has them. */
static void nat64_beside_routing(void **state)
{
    hp_nat_config c = nat64_config();
    g_autoptr(rig) r = routed_rig(&c);
    assert_passes(r, HP_NAT_INSIDE, A, S6, "192.0.2.1:5000 > " S4);
    assert_passes(r, HP_NAT_INSIDE, A, "[" REMOTE "]:9", A " > [" REMOTE "]:9");
    assert_passes(r, HP_NAT_OUTSIDE, S4, "192.0.2.1:5000", S6 " > " A);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(short_prefixes),
        cmocka_unit_test(long_prefixes),
        cmocka_unit_test(prefixes_that_cannot_be),
        cmocka_unit_test(both_ways_without_state),
        cmocka_unit_test(checksums_are_neutral),
        cmocka_unit_test(everything_passes),
        cmocka_unit_test(npt_hairpins),
        cmocka_unit_test(npt_errors),
        cmocka_unit_test(npt_refusals),
        cmocka_unit_test(npt_without_prefixes),
        cmocka_unit_test(npt_answers_pings),
        cmocka_unit_test(routes),
        cmocka_unit_test(does_not_route),
        cmocka_unit_test(nat64_beside_routing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
