/* ICMP through and to the NAT (RFC 5508, RFC 4787 section 9). */
#include "world/link.h"
#include "world/nat_rig.h"

#define A "192.168.1.2:5000"
#define B "192.168.1.3:6000"
#define S "198.51.100.1:3478"

static hp_packet *echo(hp_icmp_kind kind, const char *src, const char *dst, uint16_t id)
{
    hp_addr from = hp_addr_with_port(addr(src), id), to = hp_addr_with_port(addr(dst), id);
    hp_packet *p = hp_packet_new(from.family == HP_AF_IPV4 ? HP_PROTO_ICMP : HP_PROTO_ICMPV6, &from, &to, "ping", 4);
    p->icmp_kind = (uint8_t)kind;
    p->icmp_mtu = 17; /* the sequence number */
    return p;
}

/* An error that `from` makes about a packet from src to dst. */
static hp_packet *error_about(hp_icmp_kind kind, const char *from, const char *src, const char *dst)
{
    hp_addr maker = addr(from);
    g_autoptr(hp_packet) offender = udp(src, dst);
    return hp_packet_icmp_error(kind, &maker, offender, kind == HP_ICMP_FRAG_NEEDED ? 1280 : 0);
}

static void check(const hp_addr *a, const char *expected)
{
    char text[HP_ADDR_TEXT];
    assert_string_equal(hp_addr_format(a, text), expected);
}

/* What the packet says on the wire can be parsed, its checksums included. */
static void check_wire(const hp_packet *p)
{
    uint8_t bytes[2000];
    size_t n = hp_packet_write(p, bytes, sizeof bytes);
    g_autoptr(hp_packet) parsed = hp_packet_parse(bytes, n, NULL);
    assert_non_null(parsed);
    assert_false(parsed->corrupt);
    assert_true(hp_addr_equal(&parsed->inner->src, &p->inner->src));
    assert_true(hp_addr_equal(&parsed->inner->dst, &p->inner->dst));
}

static void queries_are_mapped_by_id(void **state)
{
    hp_nat_config c = hp_nat_config_default();
    g_autoptr(rig) r = rig_new(&c);
    rig_give(r, HP_NAT_INSIDE, echo(HP_ICMP_ECHO_REQUEST, "192.168.1.2", "198.51.100.1", 7));
    rig_give(r, HP_NAT_INSIDE, echo(HP_ICMP_ECHO_REQUEST, "192.168.1.3", "198.51.100.1", 7));
    const hp_packet *first = rig_got(r, HP_NAT_OUTSIDE), *second = rig_got(r, HP_NAT_OUTSIDE);
    check(&first->src, "192.0.2.1:7");
    check(&second->src, "192.0.2.1:8");
    assert_int_equal(first->icmp_mtu, 17);
    hp_record record;
    assert_true(rig_last(r, HP_RECORD_EVENT, HP_EV_NAT_MAPPING, &record));
    assert_string_equal(hp_record_text(&record, "proto"), "icmp");

    rig_give(r, HP_NAT_OUTSIDE, echo(HP_ICMP_ECHO_REPLY, "198.51.100.1", "192.0.2.1", 8));
    const hp_packet *reply = rig_got(r, HP_NAT_INSIDE);
    check(&reply->dst, "192.168.1.3:7");
    uint8_t bytes[100];
    assert_int_equal(hp_packet_write(reply, bytes, sizeof bytes), 32);
    assert_int_equal(bytes[24] << 8 | bytes[25], 7); /* the id on the wire */

    rig_give(r, HP_NAT_OUTSIDE, echo(HP_ICMP_ECHO_REPLY, "198.51.100.2", "192.0.2.1", 8));
    assert_drop(r, 1, HP_DROP_NAT_FILTERED);
    rig_give(r, HP_NAT_OUTSIDE, echo(HP_ICMP_ECHO_REPLY, "198.51.100.1", "192.0.2.1", 9));
    assert_drop(r, 2, HP_DROP_NAT_NO_MAPPING);
    rig_give(r, HP_NAT_INSIDE, echo(HP_ICMP_ECHO_REPLY, "192.168.1.2", "198.51.100.1", 7));
    assert_drop(r, 3, HP_DROP_NAT_NO_MAPPING);
    rig_until(r, 60 * HP_S);
    assert_ended(r, 60 * HP_S, "expired", 60 * HP_S);
}

static void udp_and_icmp_have_ports_of_their_own(void **state)
{
    hp_nat_config c = hp_nat_config_default();
    c.icmp_timeout = 5 * HP_S;
    c.port_range = (hp_port_range){5000, 5000};
    g_autoptr(rig) r = rig_new(&c);
    assert_out(r, A, S, "192.0.2.1:5000");
    rig_give(r, HP_NAT_INSIDE, echo(HP_ICMP_ECHO_REQUEST, "192.168.1.2", "198.51.100.1", 5000));
    check(&rig_got(r, HP_NAT_OUTSIDE)->src, "192.0.2.1:5000");
    assert_int_equal(hp_nat_get_stats(r->nat).mappings, 2);
    rig_until(r, 5 * HP_S);
    assert_ended(r, 5 * HP_S, "expired", 5 * HP_S);
    assert_int_equal(hp_nat_get_stats(r->nat).mappings, 1);
}

static void ping_of_the_nat_itself(void **state)
{
    hp_nat_config c = hp_nat_config_default();
    g_autoptr(rig) r = rig_new(&c);
    hp_addr own = addr("192.168.1.1");
    hp_nat_set_internal(r->nat, &own);
    rig_give(r, HP_NAT_OUTSIDE, echo(HP_ICMP_ECHO_REQUEST, "198.51.100.1", "192.0.2.1", 3));
    assert_null(rig_got(r, HP_NAT_OUTSIDE));
    assert_drop(r, 1, HP_DROP_NAT_NO_MAPPING);
    rig_give(r, HP_NAT_INSIDE, echo(HP_ICMP_ECHO_REQUEST, "192.168.1.2", "192.0.2.1", 3));
    assert_drop(r, 2, HP_DROP_NAT_NO_HAIRPIN);

    rig_give(r, HP_NAT_INSIDE, echo(HP_ICMP_ECHO_REQUEST, "192.168.1.2", "192.168.1.1", 3));
    const hp_packet *reply = rig_got(r, HP_NAT_INSIDE);
    assert_int_equal(reply->icmp_kind, HP_ICMP_ECHO_REPLY);
    check(&reply->src, "192.168.1.1:3");
    check(&reply->dst, "192.168.1.2:3");
    assert_int_equal(reply->length, 4);
    assert_int_equal(reply->icmp_mtu, 17);

    c.answers_ping = true;
    hp_nat_configure(r->nat, &c, "answers-ping");
    rig_give(r, HP_NAT_OUTSIDE, echo(HP_ICMP_ECHO_REQUEST, "198.51.100.1", "192.0.2.1", 3));
    reply = rig_got(r, HP_NAT_OUTSIDE);
    assert_int_equal(reply->icmp_kind, HP_ICMP_ECHO_REPLY);
    check(&reply->src, "192.0.2.1:3");
    rig_give(r, HP_NAT_INSIDE, echo(HP_ICMP_ECHO_REQUEST, "192.168.1.2", "192.0.2.1", 4));
    check(&rig_got(r, HP_NAT_INSIDE)->src, "192.0.2.1:4");
    assert_int_equal(rig_drops(r), 2);
    rig_give(r, HP_NAT_INSIDE, udp(A, "192.168.1.1:53"));
    assert_drop(r, 3, HP_DROP_NO_SOCKET);
    assert_int_equal(hp_nat_get_stats(r->nat).mappings, 0);
}

static void inbound_errors_are_translated_inside_too(void **state)
{
    hp_nat_config c = hp_nat_config_default();
    g_autoptr(rig) r = rig_new(&c);
    assert_out(r, "192.168.1.3:5000", S, "192.0.2.1:5000");
    assert_out(r, A, S, "192.0.2.1:5001");

    /* A router on the way, not the remote itself (RFC 4787 REQ-12a). */
    rig_give(r, HP_NAT_OUTSIDE, error_about(HP_ICMP_FRAG_NEEDED, "203.0.113.254", "192.0.2.1:5001", S));
    const hp_packet *p = rig_got(r, HP_NAT_INSIDE);
    assert_int_equal(p->icmp_kind, HP_ICMP_FRAG_NEEDED);
    assert_int_equal(p->icmp_mtu, 1280);
    check(&p->src, "203.0.113.254");
    check(&p->dst, "192.168.1.2");
    check(&p->inner->src, A);
    check(&p->inner->dst, S);
    assert_int_equal(p->ttl, 63);
    check_wire(p);

    /* Neither about a flow that is not ours, nor with a quotation of somebody else's. */
    rig_give(r, HP_NAT_OUTSIDE, error_about(HP_ICMP_PORT_UNREACHABLE, "198.51.100.1", "192.0.2.1:5002", S));
    assert_drop(r, 1, HP_DROP_NAT_NO_MAPPING);
    rig_give(r, HP_NAT_OUTSIDE,
             error_about(HP_ICMP_PORT_UNREACHABLE, "198.51.100.9", "192.0.2.1:5001", "198.51.100.9:1"));
    assert_drop(r, 2, HP_DROP_NAT_NO_MAPPING);
    hp_packet *liar = error_about(HP_ICMP_PORT_UNREACHABLE, "198.51.100.1", "192.0.2.2:5001", S);
    liar->dst = addr("192.0.2.1");
    rig_give(r, HP_NAT_OUTSIDE, liar);
    assert_drop(r, 3, HP_DROP_NAT_NO_MAPPING);
    hp_packet *corrupt = error_about(HP_ICMP_PORT_UNREACHABLE, "198.51.100.1", "192.0.2.1:5001", S);
    corrupt->corrupt = true;
    rig_give(r, HP_NAT_OUTSIDE, corrupt);
    assert_drop(r, 4, HP_DROP_CORRUPT);
    assert_null(rig_got(r, HP_NAT_INSIDE));
}

static void errors_about_queries(void **state)
{
    hp_nat_config c = hp_nat_config_default();
    g_autoptr(rig) r = rig_new(&c);
    rig_give(r, HP_NAT_INSIDE, echo(HP_ICMP_ECHO_REQUEST, "192.168.1.3", "198.51.100.1", 7));
    rig_give(r, HP_NAT_INSIDE, echo(HP_ICMP_ECHO_REQUEST, "192.168.1.2", "198.51.100.1", 7));
    rig_got(r, HP_NAT_OUTSIDE);
    const hp_packet *sent = rig_got(r, HP_NAT_OUTSIDE);
    hp_addr router = addr("203.0.113.254");
    rig_give(r, HP_NAT_OUTSIDE, hp_packet_icmp_error(HP_ICMP_TTL_EXCEEDED, &router, sent, 0));
    const hp_packet *p = rig_got(r, HP_NAT_INSIDE);
    check(&p->dst, "192.168.1.2");
    check(&p->inner->src, "192.168.1.2:7");
    assert_int_equal(p->inner->dst.port, 7);
    check_wire(p);
    rig_until(r, 60 * HP_S);
    assert_int_equal(hp_nat_get_stats(r->nat).mappings, 0); /* refreshed by nothing (RFC 5508 REQ-6) */
}

static void outbound_errors_are_translated_inside_too(void **state)
{
    for (unsigned behaviour = 0; behaviour < 3; behaviour++) {
        hp_nat_config c = hp_nat_config_default();
        c.mapping = (hp_nat_behaviour)behaviour;
        c.filtering = HP_NAT_ENDPOINT_INDEPENDENT;
        g_autoptr(rig) r = rig_new(&c);
        assert_out(r, "192.168.1.3:5000", S, "192.0.2.1:5000");
        assert_out(r, A, S, "192.0.2.1:5001");
        assert_in(r, S, "192.0.2.1:5001", A);
        rig_give(r, HP_NAT_INSIDE, error_about(HP_ICMP_PORT_UNREACHABLE, "192.168.1.2", S, A));
        const hp_packet *p = rig_got(r, HP_NAT_OUTSIDE);
        check(&p->src, "192.0.2.1");
        check(&p->dst, "198.51.100.1");
        check(&p->inner->src, S);
        check(&p->inner->dst, "192.0.2.1:5001");
        check_wire(p);
        /* About a packet from somebody whom the host never sent to, but the filter let in. */
        assert_in(r, "198.51.100.9:9", "192.0.2.1:5001", A);
        rig_give(r, HP_NAT_INSIDE, error_about(HP_ICMP_PORT_UNREACHABLE, "192.168.1.2", "198.51.100.9:9", A));
        check(&rig_got(r, HP_NAT_OUTSIDE)->inner->dst, "192.0.2.1:5001");
        rig_give(r, HP_NAT_INSIDE, error_about(HP_ICMP_PORT_UNREACHABLE, "192.168.1.2", S, "192.168.1.2:5009"));
        assert_drop(r, 1, HP_DROP_NAT_NO_MAPPING);
    }
}

static void errors_may_be_dropped(void **state)
{
    hp_nat_config c = hp_nat_config_default();
    c.icmp_errors = false;
    g_autoptr(rig) r = rig_new(&c);
    assert_out(r, A, S, "192.0.2.1:5000");
    rig_give(r, HP_NAT_OUTSIDE, error_about(HP_ICMP_PORT_UNREACHABLE, "198.51.100.1", "192.0.2.1:5000", S));
    assert_drop(r, 1, HP_DROP_NAT_FILTERED);
    rig_give(r, HP_NAT_INSIDE, error_about(HP_ICMP_PORT_UNREACHABLE, "192.168.1.2", S, A));
    assert_drop(r, 2, HP_DROP_NAT_FILTERED);
    assert_null(rig_got(r, HP_NAT_INSIDE));
    assert_null(rig_got(r, HP_NAT_OUTSIDE));
    assert_in(r, S, "192.0.2.1:5000", A);
}

static void errors_refresh_nothing_and_may_end_mappings(void **state)
{
    hp_nat_config c = hp_nat_config_default();
    c.udp_timeout = 30 * HP_S;
    c.refresh = HP_NAT_REFRESH_BOTH;
    g_autoptr(rig) r = rig_new(&c);
    assert_out(r, A, S, "192.0.2.1:5000");
    rig_until(r, 20 * HP_S);
    rig_give(r, HP_NAT_OUTSIDE, error_about(HP_ICMP_PORT_UNREACHABLE, "198.51.100.1", "192.0.2.1:5000", S));
    assert_non_null(rig_got(r, HP_NAT_INSIDE));
    rig_until(r, 30 * HP_S);
    assert_ended(r, 30 * HP_S, "expired", 30 * HP_S);

    c.icmp_error_ends_mapping = true;
    hp_nat_configure(r->nat, &c, NULL);
    assert_out(r, A, S, "192.0.2.1:5000");
    rig_until(r, 31 * HP_S);
    rig_give(r, HP_NAT_OUTSIDE, error_about(HP_ICMP_PORT_UNREACHABLE, "198.51.100.1", "192.0.2.1:5000", S));
    assert_non_null(rig_got(r, HP_NAT_INSIDE));
    assert_ended(r, 31 * HP_S, "icmp", HP_S);
    assert_in(r, S, "192.0.2.1:5000", "-");
}

static void hairpinned_errors_are_translated_twice(void **state)
{
    hp_nat_config c = hp_nat_config_default();
    c.hairpin = HP_NAT_HAIRPIN_EXTERNAL_SOURCE;
    g_autoptr(rig) r = rig_new(&c);
    assert_out(r, B, S, "192.0.2.1:6000");
    rig_give(r, HP_NAT_INSIDE, udp(A, "192.0.2.1:6000"));
    const hp_packet *delivered = rig_got(r, HP_NAT_INSIDE);
    hp_addr b = addr("192.168.1.3");
    rig_give(r, HP_NAT_INSIDE, hp_packet_icmp_error(HP_ICMP_PORT_UNREACHABLE, &b, delivered, 0));
    const hp_packet *p = rig_got(r, HP_NAT_INSIDE);
    check(&p->src, "192.0.2.1");
    check(&p->dst, "192.168.1.2");
    check(&p->inner->src, A);
    check(&p->inner->dst, "192.0.2.1:6000");
    check_wire(p);

    /* Sent to us, but about a packet that came from elsewhere. */
    assert_out(r, B, "198.51.100.1:5000", "192.0.2.1:6000");
    hp_packet *liar = error_about(HP_ICMP_PORT_UNREACHABLE, "192.168.1.3", "198.51.100.1:5000", B);
    liar->dst = addr("192.0.2.1");
    rig_give(r, HP_NAT_INSIDE, liar);
    assert_drop(r, 1, HP_DROP_NAT_NO_MAPPING);

    c.hairpin = HP_NAT_HAIRPIN_NONE;
    hp_nat_configure(r->nat, &c, "hairpin");
    rig_give(r, HP_NAT_INSIDE, error_about(HP_ICMP_PORT_UNREACHABLE, "192.168.1.3", "192.0.2.1:5000", B));
    assert_drop(r, 2, HP_DROP_NAT_NO_HAIRPIN);
}

/* RFC 4787 REQ-13, with the small MTU on the link outside. */
static void frag_needed_comes_back_from_the_next_link(void **state)
{
    hp_nat_config c = hp_nat_config_default();
    g_autoptr(rig) r = rig_new(&c);
    hp_link *link = hp_link_new(r->world, "home>internet", &(hp_link_config){.mtu = 576, .delay_ns = HP_MS});
    hp_addr router = addr("203.0.113.254");
    hp_link_set_router_address(link, &router, NULL);
    hp_node_connect(hp_nat_node(r->nat), HP_NAT_OUTSIDE, hp_link_node(link), 0);
    hp_node_connect(hp_link_node(link), 0, &r->out->node, 0);
    hp_node_connect(hp_link_node(link), 1, hp_nat_node(r->nat), HP_NAT_OUTSIDE);

    static const uint8_t payload[1000] = {0};
    hp_addr a = addr("192.168.1.2:500"), s = addr(S);
    hp_packet *p = hp_packet_new(HP_PROTO_UDP, &a, &s, payload, sizeof payload);
    p->dont_fragment = true;
    rig_give(r, HP_NAT_INSIDE, p);
    rig_until(r, HP_S);
    const hp_packet *error = rig_got(r, HP_NAT_INSIDE);
    assert_non_null(error);
    assert_int_equal(error->icmp_kind, HP_ICMP_FRAG_NEEDED);
    assert_int_equal(error->icmp_mtu, 576);
    check(&error->src, "203.0.113.254");
    check(&error->dst, "192.168.1.2");
    check(&error->inner->src, "192.168.1.2:500");
    assert_null(rig_got(r, HP_NAT_OUTSIDE));
}

static void icmpv6_likewise(void **state)
{
    hp_nat_config c = hp_nat_config_default();
    g_autoptr(rig) r = rig_new_seeded(1, &c, "2001:db8:4e::1");
    rig_give(r, HP_NAT_INSIDE, echo(HP_ICMP_ECHO_REQUEST, "fd00::2", "2001:db8::1", 7));
    check(&rig_got(r, HP_NAT_OUTSIDE)->src, "[2001:db8:4e::1]:7");
    rig_give(r, HP_NAT_OUTSIDE, echo(HP_ICMP_ECHO_REPLY, "2001:db8::1", "2001:db8:4e::1", 7));
    check(&rig_got(r, HP_NAT_INSIDE)->dst, "[fd00::2]:7");
    assert_out(r, "[fd00::2]:5000", "[2001:db8::1]:9", "[2001:db8:4e::1]:5000");
    rig_give(r, HP_NAT_OUTSIDE,
             error_about(HP_ICMP_FRAG_NEEDED, "2001:db8::fe", "[2001:db8:4e::1]:5000", "[2001:db8::1]:9"));
    const hp_packet *p = rig_got(r, HP_NAT_INSIDE);
    check(&p->inner->src, "[fd00::2]:5000");
    check(&p->dst, "fd00::2");
    check_wire(p);
}

static void other_icmp_is_not_translated(void **state)
{
    hp_nat_config c = hp_nat_config_default();
    g_autoptr(rig) r = rig_new(&c);
    hp_packet *timestamp = echo(HP_ICMP_OTHER, "192.168.1.2", "198.51.100.1", 1);
    timestamp->icmp_type = 13;
    rig_give(r, HP_NAT_INSIDE, timestamp);
    assert_drop(r, 1, HP_DROP_NAT_PROTOCOL);
    timestamp = echo(HP_ICMP_OTHER, "198.51.100.1", "192.0.2.1", 1);
    timestamp->icmp_type = 13;
    rig_give(r, HP_NAT_OUTSIDE, timestamp);
    assert_drop(r, 2, HP_DROP_NAT_PROTOCOL);
}

/* ---- about TCP, and faults ---- */

static hp_packet *error_about_tcp(hp_icmp_kind kind, const char *from, const char *src, const char *dst)
{
    hp_addr maker = addr(from);
    g_autoptr(hp_packet) offender = tcp_at(src, dst, ACK, 7, 8);
    return hp_packet_icmp_error(kind, &maker, offender, kind == HP_ICMP_FRAG_NEEDED ? 1280 : 0);
}

/* RFC 5382 REQ-9 and REQ-10: translated, and neither connection nor mapping ends or is refreshed. */
static void errors_about_tcp(void **state)
{
    hp_nat_config c = hp_nat_config_default();
    g_autoptr(rig) r = rig_new(&c);
    assert_tcp_out(r, "192.168.1.3:5000", S, SYN, "192.0.2.1:5000");
    assert_tcp_out(r, A, S, SYN, "192.0.2.1:5001");
    rig_until(r, 100 * HP_S);
    rig_give(r, HP_NAT_OUTSIDE, error_about_tcp(HP_ICMP_FRAG_NEEDED, "203.0.113.254", "192.0.2.1:5001", S));
    const hp_packet *p = rig_got(r, HP_NAT_INSIDE);
    check(&p->src, "203.0.113.254");
    check(&p->dst, "192.168.1.2");
    check(&p->inner->src, A);
    check(&p->inner->dst, S);
    assert_int_equal(p->icmp_mtu, 1280);
    check_wire(p);
    assert_tcp_state(r, A, S, "out-init");
    /* A UDP flow of the same ports is another. */
    rig_give(r, HP_NAT_OUTSIDE, error_about(HP_ICMP_PORT_UNREACHABLE, "198.51.100.1", "192.0.2.1:5001", S));
    assert_drop(r, 1, HP_DROP_NAT_NO_MAPPING);

    rig_give(r, HP_NAT_INSIDE, error_about_tcp(HP_ICMP_PORT_UNREACHABLE, "192.168.1.2", S, A));
    p = rig_got(r, HP_NAT_OUTSIDE);
    check(&p->src, "192.0.2.1");
    check(&p->inner->dst, "192.0.2.1:5001");
    check_wire(p);
    rig_until(r, 240 * HP_S);
    assert_ended(r, 240 * HP_S, "expired", 240 * HP_S);
    assert_int_equal(hp_nat_get_stats(r->nat).mappings, 0);
}

/* About a connection from outside, which no filter would let in by now, and by another mapping than the host's own. */
static void errors_about_connections_from_outside(void **state)
{
    hp_nat_config c = hp_nat_config_default();
    c.filtering = HP_NAT_ENDPOINT_INDEPENDENT;
    c.mapping = HP_NAT_ADDRESS_AND_PORT_DEPENDENT;
    g_autoptr(rig) r = rig_new(&c);
    assert_tcp_out(r, A, S, SYN, "192.0.2.1:5000");
    assert_tcp_in(r, "203.0.113.9:9", "192.0.2.1:5000", SYN, A);
    c.tcp_filtering = HP_NAT_OWN_ADDRESS_AND_PORT_DEPENDENT;
    hp_nat_configure(r->nat, &c, "filtering");
    rig_give(r, HP_NAT_INSIDE, error_about_tcp(HP_ICMP_ADMIN_PROHIBITED, "192.168.1.2", "203.0.113.9:9", A));
    const hp_packet *p = rig_got(r, HP_NAT_OUTSIDE);
    check(&p->inner->dst, "192.0.2.1:5000");
    rig_give(r, HP_NAT_OUTSIDE,
             error_about_tcp(HP_ICMP_HOST_UNREACHABLE, "203.0.113.1", "192.0.2.1:5000", "203.0.113.9:9"));
    check(&rig_got(r, HP_NAT_INSIDE)->inner->src, A);
    rig_give(r, HP_NAT_OUTSIDE,
             error_about_tcp(HP_ICMP_HOST_UNREACHABLE, "203.0.113.1", "192.0.2.1:5000", "203.0.113.8:9"));
    assert_drop(r, 1, HP_DROP_NAT_NO_MAPPING);
}

/* RFC 5508 REQ-7, for TCP. */
static void hairpinned_errors_about_tcp(void **state)
{
    hp_nat_config c = hp_nat_config_default();
    c.tcp_hairpin = HP_NAT_OWN_HAIRPIN_EXTERNAL_SOURCE;
    g_autoptr(rig) r = rig_new(&c);
    assert_tcp_out(r, B, S, SYN, "192.0.2.1:6000");
    rig_give(r, HP_NAT_INSIDE, tcp_at(A, "192.0.2.1:6000", SYN, 1, 0));
    const hp_packet *delivered = rig_got(r, HP_NAT_INSIDE);
    hp_addr b = addr("192.168.1.3");
    rig_give(r, HP_NAT_INSIDE, hp_packet_icmp_error(HP_ICMP_PORT_UNREACHABLE, &b, delivered, 0));
    const hp_packet *p = rig_got(r, HP_NAT_INSIDE);
    check(&p->src, "192.0.2.1");
    check(&p->dst, "192.168.1.2");
    check(&p->inner->src, A);
    check(&p->inner->dst, "192.0.2.1:6000");
    check_wire(p);
    assert_tcp_state(r, A, "192.0.2.1:6000", "out-init");
}

static void the_quotation_may_stay_untranslated(void **state)
{
    hp_nat_config c = hp_nat_config_default();
    c.icmp_inner_untranslated = true;
    g_autoptr(rig) r = rig_new(&c);
    assert_out(r, "192.168.1.3:5000", S, "192.0.2.1:5000");
    assert_out(r, A, S, "192.0.2.1:5001");
    rig_give(r, HP_NAT_OUTSIDE, error_about(HP_ICMP_PORT_UNREACHABLE, "198.51.100.1", "192.0.2.1:5001", S));
    const hp_packet *p = rig_got(r, HP_NAT_INSIDE);
    check(&p->dst, "192.168.1.2");
    check(&p->inner->src, "192.0.2.1:5001");
    check_wire(p);
    rig_give(r, HP_NAT_INSIDE, error_about(HP_ICMP_PORT_UNREACHABLE, "192.168.1.2", S, A));
    p = rig_got(r, HP_NAT_OUTSIDE);
    check(&p->src, "192.0.2.1");
    check(&p->inner->dst, A);
}

static void port_unreachable_alone_may_end_mappings(void **state)
{
    hp_nat_config c = hp_nat_config_default();
    c.icmp_unreachable_ends_mapping = true;
    g_autoptr(rig) r = rig_new(&c);
    assert_out(r, A, S, "192.0.2.1:5000");
    assert_tcp_out(r, A, S, SYN, "192.0.2.1:5000");
    rig_give(r, HP_NAT_OUTSIDE, error_about(HP_ICMP_FRAG_NEEDED, "198.51.100.1", "192.0.2.1:5000", S));
    assert_int_equal(hp_nat_get_stats(r->nat).mappings, 2);
    rig_give(r, HP_NAT_OUTSIDE, error_about_tcp(HP_ICMP_PORT_UNREACHABLE, "198.51.100.1", "192.0.2.1:5000", S));
    assert_ended(r, 0, "icmp", 0);
    assert_tcp_state(r, A, S, "closed");
    assert_int_equal(hp_nat_get_stats(r->nat).tcp_sessions, 0);
    assert_non_null(rig_got(r, HP_NAT_INSIDE));
    assert_non_null(rig_got(r, HP_NAT_INSIDE)); /* both errors passed */
    assert_in(r, S, "192.0.2.1:5000", A);
}

/* RFC 5508 REQ-1a: the mapping of queries is a knob of its own, and does not depend on the remote by default. */
static void queries_have_behaviours_of_their_own(void **state)
{
    hp_nat_config c = hp_nat_config_default();
    c.icmp_mapping = HP_NAT_OWN_ADDRESS_DEPENDENT;
    c.icmp_filtering = HP_NAT_OWN_ENDPOINT_INDEPENDENT;
    c.icmp_ports = HP_NAT_OWN_PORTS_SEQUENTIAL;
    g_autoptr(rig) r = rig_new(&c);
    rig_give(r, HP_NAT_INSIDE, echo(HP_ICMP_ECHO_REQUEST, "192.168.1.2", "198.51.100.1", 7));
    rig_give(r, HP_NAT_INSIDE, echo(HP_ICMP_ECHO_REQUEST, "192.168.1.2", "198.51.100.2", 7));
    check(&rig_got(r, HP_NAT_OUTSIDE)->src, "192.0.2.1");
    check(&rig_got(r, HP_NAT_OUTSIDE)->src, "192.0.2.1:1");
    rig_give(r, HP_NAT_OUTSIDE, echo(HP_ICMP_ECHO_REPLY, "198.51.100.9", "192.0.2.1", 1));
    check(&rig_got(r, HP_NAT_INSIDE)->dst, "192.168.1.2:7");
    assert_out(r, A, S, "192.0.2.1:5000");
    assert_out(r, A, "198.51.100.2:1", "192.0.2.1:5000");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(queries_are_mapped_by_id),
        cmocka_unit_test(udp_and_icmp_have_ports_of_their_own),
        cmocka_unit_test(ping_of_the_nat_itself),
        cmocka_unit_test(inbound_errors_are_translated_inside_too),
        cmocka_unit_test(errors_about_queries),
        cmocka_unit_test(outbound_errors_are_translated_inside_too),
        cmocka_unit_test(errors_may_be_dropped),
        cmocka_unit_test(errors_refresh_nothing_and_may_end_mappings),
        cmocka_unit_test(hairpinned_errors_are_translated_twice),
        cmocka_unit_test(frag_needed_comes_back_from_the_next_link),
        cmocka_unit_test(icmpv6_likewise),
        cmocka_unit_test(other_icmp_is_not_translated),
        cmocka_unit_test(errors_about_tcp),
        cmocka_unit_test(errors_about_connections_from_outside),
        cmocka_unit_test(hairpinned_errors_about_tcp),
        cmocka_unit_test(the_quotation_may_stay_untranslated),
        cmocka_unit_test(port_unreachable_alone_may_end_mappings),
        cmocka_unit_test(queries_have_behaviours_of_their_own),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
