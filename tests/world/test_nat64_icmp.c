/* ICMP through a NAT64: queries and errors that change their family (RFC 6146 section 3.4, RFC 7915). */
#include "world/nat64_rig.h"

static hp_packet *echo(hp_icmp_kind kind, const char *src, const char *dst, uint16_t id)
{
    hp_addr from = hp_addr_with_port(addr(src), id), to = hp_addr_with_port(addr(dst), id);
    hp_packet *p = hp_packet_new(from.family == HP_AF_IPV4 ? HP_PROTO_ICMP : HP_PROTO_ICMPV6, &from, &to, "ping", 4);
    p->icmp_kind = (uint8_t)kind;
    p->icmp_mtu = 17;
    return p;
}

/* An error that `maker` makes about a packet from src to dst. */
static hp_packet *error_about(hp_icmp_kind kind, const char *maker, hp_packet *offender, uint32_t mtu)
{
    hp_addr from = addr(maker);
    hp_packet *error = hp_packet_icmp_error(kind, &from, offender, mtu);
    hp_packet_free(offender);
    assert_non_null(error);
    return error;
}

/* The next packet on that side is an ICMP error with these ends, and sound on the wire. */
static const hp_packet *expect_error(rig *r, unsigned side, hp_icmp_kind kind, const char *src, const char *dst,
                                     const char *inner_src, const char *inner_dst)
{
    const hp_packet *p = rig_got(r, side);
    assert_non_null(p);
    assert_int_equal(p->icmp_kind, kind);
    assert_int_equal(p->proto, p->src.family == HP_AF_IPV6 ? HP_PROTO_ICMPV6 : HP_PROTO_ICMP);
    assert_addr(&p->src, src);
    assert_addr(&p->dst, dst);
    assert_addr(&p->inner->src, inner_src);
    assert_addr(&p->inner->dst, inner_dst);
    assert_sound(p);
    return p;
}

static void pings(void **state)
{
    hp_nat_config c = nat64_config();
    g_autoptr(rig) r = rig_new(&c);
    rig_give(r, HP_NAT_INSIDE, echo(HP_ICMP_ECHO_REQUEST, "2001:db8:1::2", "64:ff9b::c633:6401", 7));
    rig_give(r, HP_NAT_INSIDE, echo(HP_ICMP_ECHO_REQUEST, "2001:db8:1::3", "64:ff9b::c633:6401", 7));
    const hp_packet *first = rig_got(r, HP_NAT_OUTSIDE), *second = rig_got(r, HP_NAT_OUTSIDE);
    assert_addr(&first->src, "192.0.2.1:7");
    assert_addr(&second->src, "192.0.2.1:8");
    assert_int_equal(second->proto, HP_PROTO_ICMP);
    assert_int_equal(second->icmp_mtu, 17);
    assert_sound(second);
    rig_give(r, HP_NAT_OUTSIDE, echo(HP_ICMP_ECHO_REPLY, "198.51.100.1", "192.0.2.1", 8));
    const hp_packet *reply = rig_got(r, HP_NAT_INSIDE);
    assert_addr(&reply->src, "[64:ff9b::c633:6401]:7");
    assert_addr(&reply->dst, "[2001:db8:1::3]:7");
    assert_int_equal(reply->proto, HP_PROTO_ICMPV6);
    assert_sound(reply);
    rig_until(r, 60 * HP_S);
    assert_int_equal(hp_nat_get_stats(r->nat).mappings, 0);
}

static void the_nat_itself_by_its_embedded_address(void **state)
{
    hp_nat_config c = nat64_config();
    c.answers_ping = true;
    g_autoptr(rig) r = rig_new(&c);
    rig_give(r, HP_NAT_INSIDE, echo(HP_ICMP_ECHO_REQUEST, "2001:db8:1::2", "64:ff9b::c000:201", 7));
    const hp_packet *reply = rig_got(r, HP_NAT_INSIDE);
    assert_addr(&reply->src, "[64:ff9b::c000:201]:7");
    assert_addr(&reply->dst, "[2001:db8:1::2]:7");
    assert_int_equal(reply->icmp_kind, HP_ICMP_ECHO_REPLY);
    assert_sound(reply);
}

static void errors_from_outside(void **state)
{
    hp_nat_config c = nat64_config();
    g_autoptr(rig) r = rig_new(&c);
    assert_passes(r, HP_NAT_INSIDE, A, S6, "192.0.2.1:5000 > " S4);
    rig_give(r, HP_NAT_OUTSIDE, error_about(HP_ICMP_TTL_EXCEEDED, "203.0.113.9", udp("192.0.2.1:5000", S4), 0));
    const hp_packet *p =
        expect_error(r, HP_NAT_INSIDE, HP_ICMP_TTL_EXCEEDED, "64:ff9b::cb00:7109", "2001:db8:1::2", A, S6);
    assert_int_equal(p->ttl, 63);
    assert_int_equal(p->inner->ttl, 64); /* a quotation makes no hop */

    rig_give(r, HP_NAT_OUTSIDE, error_about(HP_ICMP_FRAG_NEEDED, "203.0.113.9", udp("192.0.2.1:5000", S4), 1400));
    p = expect_error(r, HP_NAT_INSIDE, HP_ICMP_FRAG_NEEDED, "64:ff9b::cb00:7109", "2001:db8:1::2", A, S6);
    assert_int_equal(p->icmp_mtu, 1420);
    rig_give(r, HP_NAT_OUTSIDE, error_about(HP_ICMP_FRAG_NEEDED, "203.0.113.9", udp("192.0.2.1:5000", S4), 600));
    p = expect_error(r, HP_NAT_INSIDE, HP_ICMP_FRAG_NEEDED, "64:ff9b::cb00:7109", "2001:db8:1::2", A, S6);
    assert_int_equal(p->icmp_mtu, 1280);

    rig_give(r, HP_NAT_OUTSIDE, error_about(HP_ICMP_PORT_UNREACHABLE, "198.51.100.1", udp("192.0.2.1:5000", T4), 0));
    assert_null(rig_got(r, HP_NAT_INSIDE));
    assert_drop(r, 1, HP_DROP_NAT_NO_MAPPING); /* the filter knows no such remote */

    /* Source quench has no counterpart; the packet is dropped as it came. */
    hp_packet *quench = error_about(HP_ICMP_TTL_EXCEEDED, "203.0.113.9", udp("192.0.2.1:5000", S4), 0);
    quench->icmp_kind = HP_ICMP_OTHER;
    quench->icmp_type = 4;
    rig_give(r, HP_NAT_OUTSIDE, quench);
    assert_drop(r, 2, HP_DROP_NAT_PROTOCOL);
}

static void an_error_about_a_ping(void **state)
{
    hp_nat_config c = nat64_config();
    g_autoptr(rig) r = rig_new(&c);
    rig_give(r, HP_NAT_INSIDE, echo(HP_ICMP_ECHO_REQUEST, "2001:db8:1::3", "64:ff9b::c633:6402", 8));
    rig_give(r, HP_NAT_INSIDE, echo(HP_ICMP_ECHO_REQUEST, "2001:db8:1::2", "64:ff9b::c633:6401", 8));
    (void)rig_got(r, HP_NAT_OUTSIDE);
    const hp_packet *sent = rig_got(r, HP_NAT_OUTSIDE);
    assert_addr(&sent->src, "192.0.2.1:9");
    rig_give(r, HP_NAT_OUTSIDE, error_about(HP_ICMP_HOST_UNREACHABLE, "203.0.113.9", hp_packet_copy(sent), 0));
    const hp_packet *p = expect_error(r, HP_NAT_INSIDE, HP_ICMP_NET_UNREACHABLE, "64:ff9b::cb00:7109", "2001:db8:1::2",
                                      "[2001:db8:1::2]:8", "[64:ff9b::c633:6401]:8");
    assert_int_equal(p->inner->icmp_kind, HP_ICMP_ECHO_REQUEST);
}

static void errors_from_inside(void **state)
{
    hp_nat_config c = nat64_config();
    g_autoptr(rig) r = rig_new(&c);
    assert_passes(r, HP_NAT_INSIDE, A, S6, "192.0.2.1:5000 > " S4);
    assert_passes(r, HP_NAT_OUTSIDE, S4, "192.0.2.1:5000", S6 " > " A);
    /* RFC 5508 REQ-5c: from the mapping's external address, whichever router inside made it. */
    rig_give(r, HP_NAT_INSIDE, error_about(HP_ICMP_FRAG_NEEDED, "2001:db8:1::99", udp(S6, A), 1400));
    const hp_packet *p =
        expect_error(r, HP_NAT_OUTSIDE, HP_ICMP_FRAG_NEEDED, "192.0.2.1", "198.51.100.1", S4, "192.0.2.1:5000");
    assert_int_equal(p->icmp_mtu, 1380);
    rig_give(r, HP_NAT_INSIDE, error_about(HP_ICMP_PORT_UNREACHABLE, "2001:db8:1::2", udp(S6, A), 0));
    expect_error(r, HP_NAT_OUTSIDE, HP_ICMP_PORT_UNREACHABLE, "192.0.2.1", "198.51.100.1", S4, "192.0.2.1:5000");

    rig_give(r, HP_NAT_INSIDE, error_about(HP_ICMP_PORT_UNREACHABLE, "2001:db8:1::3", udp(S6, B), 0));
    assert_drop(r, 1, HP_DROP_NAT_NO_MAPPING);
    /* One that quotes a packet from elsewhere is about nothing that was translated. */
    hp_packet *odd = error_about(HP_ICMP_PORT_UNREACHABLE, "2001:db8:1::2", udp(S6, A), 0);
    odd->inner->src = addr("[2001:db8:9::1]:1");
    rig_give(r, HP_NAT_INSIDE, odd);
    assert_drop(r, 2, HP_DROP_NO_ROUTE);
}

static void errors_that_hairpin(void **state)
{
    hp_nat_config c = nat64_config();
    c.hairpin = HP_NAT_HAIRPIN_EXTERNAL_SOURCE;
    g_autoptr(rig) r = rig_new(&c);
    assert_passes(r, HP_NAT_INSIDE, B, S6, "192.0.2.1:6000 > " S4);
    rig_give(r, HP_NAT_INSIDE, udp(A, "[64:ff9b::c000:201]:6000"));
    assert_string_equal(rig_seen(r, HP_NAT_INSIDE), "[64:ff9b::c000:201]:5000 > " B);
    rig_give(r, HP_NAT_INSIDE,
             error_about(HP_ICMP_PORT_UNREACHABLE, "2001:db8:1::3", udp("[64:ff9b::c000:201]:5000", B), 0));
    expect_error(r, HP_NAT_INSIDE, HP_ICMP_PORT_UNREACHABLE, "64:ff9b::c000:201", "2001:db8:1::2", A,
                 "[64:ff9b::c000:201]:6000");

    /* An IPv4 host complains of what came from an IPv6 one. */
    assert_passes(r, HP_NAT_INSIDE, "192.168.1.2:7000", S4, "192.0.2.1:7000 > " S4);
    rig_give(r, HP_NAT_INSIDE, udp(A, "[64:ff9b::c000:201]:7000"));
    assert_string_equal(rig_seen(r, HP_NAT_INSIDE), "192.0.2.1:5000 > 192.168.1.2:7000");
    rig_give(r, HP_NAT_INSIDE,
             error_about(HP_ICMP_PORT_UNREACHABLE, "192.168.1.2", udp("192.0.2.1:5000", "192.168.1.2:7000"), 0));
    expect_error(r, HP_NAT_INSIDE, HP_ICMP_PORT_UNREACHABLE, "64:ff9b::c000:201", "2001:db8:1::2", A,
                 "[64:ff9b::c000:201]:7000");
    assert_int_equal(rig_drops(r), 0);
}

/* RFC 4787 REQ-12 is a knob here as everywhere. */
static void errors_that_end_mappings(void **state)
{
    hp_nat_config c = nat64_config();
    c.icmp_error_ends_mapping = true;
    g_autoptr(rig) r = rig_new(&c);
    assert_passes(r, HP_NAT_INSIDE, A, S6, "192.0.2.1:5000 > " S4);
    rig_give(r, HP_NAT_OUTSIDE, error_about(HP_ICMP_TTL_EXCEEDED, "203.0.113.9", udp("192.0.2.1:5000", S4), 0));
    expect_error(r, HP_NAT_INSIDE, HP_ICMP_TTL_EXCEEDED, "64:ff9b::cb00:7109", "2001:db8:1::2", A, S6);
    assert_int_equal(hp_nat_get_stats(r->nat).mappings, 0);

    c.icmp_error_ends_mapping = false;
    c.icmp_inner_untranslated = true;
    hp_nat_configure(r->nat, &c, NULL);
    assert_passes(r, HP_NAT_INSIDE, A, S6, "192.0.2.1:5000 > " S4);
    rig_give(r, HP_NAT_OUTSIDE, error_about(HP_ICMP_TTL_EXCEEDED, "203.0.113.9", udp("192.0.2.1:5000", S4), 0));
    expect_error(r, HP_NAT_INSIDE, HP_ICMP_TTL_EXCEEDED, "64:ff9b::cb00:7109", "2001:db8:1::2",
                 "[64:ff9b::c000:201]:5000", S6);
}

/* An IPv4 header has no room for the host's IPv6 address: outwards the quotation is translated whatever the knob
 * says. */
static void an_untranslated_quotation_is_of_one_family(void **state)
{
    hp_nat_config c = nat64_config();
    c.hairpin = HP_NAT_HAIRPIN_EXTERNAL_SOURCE;
    c.icmp_inner_untranslated = true;
    g_autoptr(rig) r = rig_new(&c);
    assert_passes(r, HP_NAT_INSIDE, A, S6, "192.0.2.1:5000 > " S4);
    assert_passes(r, HP_NAT_OUTSIDE, S4, "192.0.2.1:5000", S6 " > " A);
    rig_give(r, HP_NAT_INSIDE, error_about(HP_ICMP_PORT_UNREACHABLE, "2001:db8:1::2", udp(S6, A), 0));
    expect_error(r, HP_NAT_OUTSIDE, HP_ICMP_PORT_UNREACHABLE, "192.0.2.1", "198.51.100.1", S4, "192.0.2.1:5000");

    /* Hairpinned between families, where either end of the quotation may be of the other one. */
    assert_passes(r, HP_NAT_INSIDE, "192.168.1.2:7000", S4, "192.0.2.1:7000 > " S4);
    rig_give(r, HP_NAT_INSIDE, udp(A, "[64:ff9b::c000:201]:7000"));
    assert_string_equal(rig_seen(r, HP_NAT_INSIDE), "192.0.2.1:5000 > 192.168.1.2:7000");
    rig_give(r, HP_NAT_INSIDE,
             error_about(HP_ICMP_PORT_UNREACHABLE, "192.168.1.2", udp("192.0.2.1:5000", "192.168.1.2:7000"), 0));
    expect_error(r, HP_NAT_INSIDE, HP_ICMP_PORT_UNREACHABLE, "64:ff9b::c000:201", "2001:db8:1::2",
                 "[64:ff9b::c000:201]:5000", "[64:ff9b::c0a8:102]:7000");
    rig_give(r, HP_NAT_INSIDE, udp("192.168.1.2:7000", "192.0.2.1:5000"));
    assert_string_equal(rig_seen(r, HP_NAT_INSIDE), "[64:ff9b::c000:201]:7000 > " A);
    rig_give(r, HP_NAT_INSIDE,
             error_about(HP_ICMP_PORT_UNREACHABLE, "2001:db8:1::2", udp("[64:ff9b::c000:201]:7000", A), 0));
    expect_error(r, HP_NAT_INSIDE, HP_ICMP_PORT_UNREACHABLE, "192.0.2.1", "192.168.1.2", "192.168.1.2:7000",
                 "192.0.2.1:5000");
}

static void fragments_of_pings_do_not_pass(void **state)
{
    hp_nat_config c = nat64_config();
    g_autoptr(rig) r = rig_new(&c);
    hp_addr from = addr("[2001:db8:1::2]:7"), to = addr("[64:ff9b::c633:6401]:7");
    hp_packet *p = hp_packet_new(HP_PROTO_ICMPV6, &from, &to, "pingpong", 8);
    p->icmp_kind = HP_ICMP_ECHO_REQUEST;
    p->frag_total = 64;
    p->frag_more = true;
    p->ip_id = 9;
    hp_packet *rest = hp_packet_copy(p);
    rest->frag_offset = 16;
    rest->frag_more = false;
    rest->src.port = rest->dst.port = 0;
    rig_give(r, HP_NAT_INSIDE, p);
    assert_drop(r, 1, HP_DROP_NAT_PROTOCOL);
    assert_int_equal(hp_nat_get_stats(r->nat).mappings, 0);
    /* What follows shares its fate at once. */
    rig_give(r, HP_NAT_INSIDE, rest);
    hp_record record;
    assert_int_equal(count_drops(r->trace, HP_DROP_NAT_PROTOCOL, &record), 2);
    assert_string_equal(record.drop.detail, "its first fragment was dropped");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pings),
        cmocka_unit_test(the_nat_itself_by_its_embedded_address),
        cmocka_unit_test(errors_from_outside),
        cmocka_unit_test(an_error_about_a_ping),
        cmocka_unit_test(errors_from_inside),
        cmocka_unit_test(errors_that_hairpin),
        cmocka_unit_test(errors_that_end_mappings),
        cmocka_unit_test(an_untranslated_quotation_is_of_one_family),
        cmocka_unit_test(fragments_of_pings_do_not_pass),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
