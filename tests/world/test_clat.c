/* 464XLAT's CLAT (RFC 6877): a host's IPv4 over an IPv6 network, and native IPv6 beside it. */
#include "world/clat.h"
#include "world/nat64_rig.h"

#define HOST "192.0.0.2"
#define CLAT6 "2001:db8:6::c"

typedef struct clat_rig {
    hp_trace *trace;
    hp_world *world;
    hp_clat *clat;
    probe *host, *network;
    unsigned seen_host, seen_network;
} clat_rig;

static clat_rig *clat_new(void)
{
    clat_rig *r = g_new0(clat_rig, 1);
    hp_clat_config c = {.host4 = addr(HOST), .own4 = addr("192.0.0.1"), .source6 = addr(CLAT6)};
    assert_true(hp_prefix_parse("64:ff9b::/96", &c.pref64));
    r->trace = hp_trace_new(NULL);
    r->world = hp_world_new(1, r->trace);
    r->clat = hp_clat_new(r->world, "clat alice", &c);
    r->host = probe_new(r->world, "host");
    r->network = probe_new(r->world, "network");
    hp_node_connect(hp_clat_node(r->clat), HP_CLAT_HOST, &r->host->node, 0);
    hp_node_connect(hp_clat_node(r->clat), HP_CLAT_NETWORK, &r->network->node, 0);
    return r;
}

static void clat_free(clat_rig *r)
{
    hp_world_free(r->world);
    hp_trace_free(r->trace);
    g_free(r);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC(clat_rig, clat_free)

static void clat_give(clat_rig *r, unsigned side, hp_packet *p)
{
    p->uid = hp_world_new_uid(r->world);
    give(hp_clat_node(r->clat), side, p);
}

static const hp_packet *got(clat_rig *r, unsigned side)
{
    probe *p = side == HP_CLAT_HOST ? r->host : r->network;
    unsigned *seen = side == HP_CLAT_HOST ? &r->seen_host : &r->seen_network;
    return *seen < p->hits->len ? probe_at(p, (*seen)++)->p : NULL;
}

static const hp_packet *expect(clat_rig *r, unsigned side, const char *src, const char *dst)
{
    const hp_packet *p = got(r, side);
    assert_non_null(p);
    assert_addr(&p->src, src);
    assert_addr(&p->dst, dst);
    assert_sound(p);
    return p;
}

static void expect_drop(clat_rig *r, unsigned n, hp_drop_reason why)
{
    hp_record record;
    assert_int_equal(count_drops(r->trace, why, &record), n);
    assert_string_equal(record.drop.place, "clat alice");
    assert_null(got(r, HP_CLAT_NETWORK));
}

static void both_ways(void **state)
{
    g_autoptr(clat_rig) r = clat_new();
    clat_give(r, HP_CLAT_HOST, udp(HOST ":5000", S4));
    const hp_packet *p = expect(r, HP_CLAT_NETWORK, "[" CLAT6 "]:5000", S6);
    assert_int_equal(p->ttl, 63);
    assert_memory_equal(p->payload, "payload", 7);
    clat_give(r, HP_CLAT_NETWORK, udp(S6, "[" CLAT6 "]:5000"));
    p = expect(r, HP_CLAT_HOST, S4, HOST ":5000");
    assert_int_equal(p->ttl, 63);
    clat_give(r, HP_CLAT_HOST, tcp_at(HOST ":5000", S4, SYN, 1, 0));
    expect(r, HP_CLAT_NETWORK, "[" CLAT6 "]:5000", S6);
}

/* Captured on both sides, when it is translated. */
static void is_captured(void **state)
{
    g_autoptr(clat_rig) r = clat_new();
    clat_give(r, HP_CLAT_HOST, udp(HOST ":5000", S4));
    clat_give(r, HP_CLAT_NETWORK, udp(S6, "[" CLAT6 "]:5000"));
    clat_give(r, HP_CLAT_HOST, udp("[2001:db8:6::2]:1", "[2001:db8:9::1]:80"));
    hp_trace_cursor cursor = {0};
    hp_record record;
    static const char *const taps[] = {"clat alice/in", "clat alice/out", "clat alice/out", "clat alice/in"};
    unsigned n = 0;
    while (hp_trace_next(r->trace, &cursor, &record)) {
        if (record.type == HP_RECORD_PACKET) {
            assert_true(n < G_N_ELEMENTS(taps));
            assert_string_equal(hp_trace_tap_name(r->trace, record.packet.tap), taps[n]);
            n++;
        }
    }
    assert_int_equal(n, 4);
}

static void native_ipv6_passes_untouched(void **state)
{
    g_autoptr(clat_rig) r = clat_new();
    clat_give(r, HP_CLAT_HOST, udp("[2001:db8:6::2]:1", "[2001:db8:9::1]:80"));
    assert_int_equal(expect(r, HP_CLAT_NETWORK, "[2001:db8:6::2]:1", "[2001:db8:9::1]:80")->ttl, 64);
    clat_give(r, HP_CLAT_NETWORK, udp("[2001:db8:9::1]:80", "[2001:db8:6::2]:1"));
    assert_int_equal(expect(r, HP_CLAT_HOST, "[2001:db8:9::1]:80", "[2001:db8:6::2]:1")->ttl, 64);
    /* The host's own IPv6 may use the NAT64 too. */
    clat_give(r, HP_CLAT_NETWORK, udp(S6, "[2001:db8:6::2]:1"));
    expect(r, HP_CLAT_HOST, S6, "[2001:db8:6::2]:1");
}

static void lengths(void **state)
{
    g_autoptr(clat_rig) r = clat_new();
    clat_give(r, HP_CLAT_HOST, udp_packet(r->world, HOST ":5000", S4, 1300));
    const hp_packet *first = expect(r, HP_CLAT_NETWORK, "[" CLAT6 "]:5000", S6);
    assert_int_equal(hp_packet_wire_length(first), 1280);
    const hp_packet *second = expect(r, HP_CLAT_NETWORK, CLAT6, "64:ff9b::c633:6401");
    assert_int_equal(second->frag_offset, 1232);
    assert_int_equal(second->ip_id, first->ip_id);

    hp_packet *whole = udp_packet(r->world, HOST ":5000", S4, 1472);
    whole->dont_fragment = true;
    clat_give(r, HP_CLAT_HOST, whole);
    const hp_packet *grown = expect(r, HP_CLAT_NETWORK, "[" CLAT6 "]:5000", S6);
    assert_int_equal(hp_packet_wire_length(grown), 1520);
    /* What the network says of it, the host understands. */
    hp_addr router = addr("2001:db8:6::1");
    clat_give(r, HP_CLAT_NETWORK, hp_packet_icmp_error(HP_ICMP_FRAG_NEEDED, &router, grown, 1500));
    const hp_packet *error = expect(r, HP_CLAT_HOST, "192.0.0.8", HOST);
    assert_int_equal(error->icmp_kind, HP_ICMP_FRAG_NEEDED);
    assert_int_equal(error->icmp_mtu, 1480);
    assert_addr(&error->inner->src, HOST ":5000");
    assert_addr(&error->inner->dst, S4);
    assert_int_equal(error->inner->original_length, 1472);
}

static void pings_and_errors(void **state)
{
    g_autoptr(clat_rig) r = clat_new();
    hp_addr from = addr(HOST ":7"), to = addr("198.51.100.1:7"), host = addr(HOST),
            remote6 = addr("64:ff9b::c633:6402");
    hp_packet *ping = hp_packet_new(HP_PROTO_ICMP, &from, &to, "ping", 4);
    ping->icmp_kind = HP_ICMP_ECHO_REQUEST;
    clat_give(r, HP_CLAT_HOST, ping);
    const hp_packet *p = expect(r, HP_CLAT_NETWORK, "[" CLAT6 "]:7", "[64:ff9b::c633:6401]:7");
    assert_int_equal(p->proto, HP_PROTO_ICMPV6);
    clat_give(r, HP_CLAT_NETWORK, hp_packet_echo_reply(p));
    assert_int_equal(expect(r, HP_CLAT_HOST, "198.51.100.1:7", HOST ":7")->icmp_kind, HP_ICMP_ECHO_REPLY);

    g_autoptr(hp_packet) in = udp(S4, HOST ":5000");
    clat_give(r, HP_CLAT_HOST, hp_packet_icmp_error(HP_ICMP_PORT_UNREACHABLE, &host, in, 0));
    p = expect(r, HP_CLAT_NETWORK, CLAT6, "64:ff9b::c633:6401");
    assert_addr(&p->inner->src, S6);
    assert_addr(&p->inner->dst, "[" CLAT6 "]:5000");
    g_autoptr(hp_packet) out = udp("[" CLAT6 "]:5000", T6);
    clat_give(r, HP_CLAT_NETWORK, hp_packet_icmp_error(HP_ICMP_PORT_UNREACHABLE, &remote6, out, 0));
    p = expect(r, HP_CLAT_HOST, "198.51.100.2", HOST);
    assert_addr(&p->inner->dst, T4);
}

static void dropped(void **state)
{
    g_autoptr(clat_rig) r = clat_new();
    clat_give(r, HP_CLAT_HOST, udp("10.0.0.1:1", S4));
    expect_drop(r, 1, HP_DROP_BAD_SOURCE);
    static const char *const nowhere[] = {"224.0.0.251:5353", "169.254.1.1:1", "192.0.0.1:1", "0.0.0.0:1",
                                          "127.0.0.1:1"};
    for (unsigned i = 0; i < G_N_ELEMENTS(nowhere); i++) {
        clat_give(r, HP_CLAT_HOST, udp(HOST ":1", nowhere[i]));
        expect_drop(r, i + 1, HP_DROP_NO_ROUTE);
    }
    hp_packet *dying = udp(HOST ":1", S4);
    dying->ttl = 1;
    clat_give(r, HP_CLAT_HOST, dying);
    expect_drop(r, 1, HP_DROP_TTL);
    const hp_packet *error = expect(r, HP_CLAT_HOST, "192.0.0.1", HOST);
    assert_int_equal(error->icmp_kind, HP_ICMP_TTL_EXCEEDED);
    clat_give(r, HP_CLAT_NETWORK, udp("[2001:db8:9::1]:80", "[" CLAT6 "]:5000"));
    expect_drop(r, 2, HP_DROP_BAD_SOURCE);
    /* An error about a packet that never went this way. */
    hp_addr router = addr("2001:db8:6::1");
    g_autoptr(hp_packet) odd = udp("[" CLAT6 "]:5000", "[2001:db8:9::1]:80");
    clat_give(r, HP_CLAT_NETWORK, hp_packet_icmp_error(HP_ICMP_TTL_EXCEEDED, &router, odd, 0));
    expect_drop(r, 6, HP_DROP_NO_ROUTE);
    hp_addr from = addr(HOST), to = addr("198.51.100.1");
    hp_packet *timestamp = hp_packet_new(HP_PROTO_ICMP, &from, &to, "123456789012", 12);
    timestamp->icmp_kind = HP_ICMP_OTHER;
    timestamp->icmp_type = 13;
    clat_give(r, HP_CLAT_HOST, timestamp);
    expect_drop(r, 1, HP_DROP_NAT_PROTOCOL);
    assert_null(got(r, HP_CLAT_HOST));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(both_ways), cmocka_unit_test(is_captured),      cmocka_unit_test(native_ipv6_passes_untouched),
        cmocka_unit_test(lengths),   cmocka_unit_test(pings_and_errors), cmocka_unit_test(dropped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
