/* The stateful firewall: policies and presets, addresses that cannot be there, its work as a router, fragments. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "base/error.h"
#include "world/firewall_rig.h"
#include "world/fragment.h"

static hp_firewall_config preset(const char *name)
{
    hp_firewall_config config = {0};
    assert_true(hp_firewall_preset_config(name, &config));
    return config;
}

static bool tcp_to(rig *r, const char *to)
{
    return passes(r, HP_FIREWALL_INSIDE, segment(A, to, HP_TCP_SYN));
}

/* ---- policies ---- */

/* The first that matches decides, both ways; what it allows in begins a flow. */
static void test_order(void **state)
{
    hp_firewall_config config = {.out_denied = true};
    hp_firewall_policy *policy = hp_firewall_add_policy(&config, true, false, NULL);
    policy->match.proto = HP_MATCH_UDP;
    policy->refusal = HP_REFUSE_ICMP;
    policy = hp_firewall_add_policy(&config, true, true, "stun"); /* before the other */
    policy->match.dst.port_first = policy->match.dst.port_last = 3478;
    policy = hp_firewall_add_policy(&config, false, true, "server");
    assert_true(hp_prefix_parse("10.0.0.2", &policy->match.dst.prefix));
    policy->match.dst.port_first = policy->match.dst.port_last = 80;
    rig r = rig_new(config);
    assert_true(udp_out(&r, A, B));
    assert_int_equal(r.in->hits->len, 0);
    assert_false(udp_out(&r, A, B_PORT));
    assert_drops(&r, HP_DROP_FIREWALL_POLICY, "policy 2");
    assert_int_equal(newest(r.in)->icmp_kind, HP_ICMP_ADMIN_PROHIBITED);
    char text[HP_ADDR_TEXT];
    hp_addr from = newest(r.in)->src;
    assert_string_equal(hp_addr_format(&from, text), "10.0.0.1");
    assert_false(tcp_to(&r, "192.0.2.9:443"));
    assert_drops(&r, HP_DROP_FIREWALL_POLICY, "no policy lets it out");
    assert_true(tcp_to(&r, B));

    assert_true(udp_in(&r, "192.0.2.9:1", "10.0.0.2:80"));
    assert_true(udp_out(&r, "10.0.0.2:80", "192.0.2.9:1")); /* the answer, which no policy lets out */
    assert_false(udp_in(&r, "192.0.2.9:1", "10.0.0.3:80"));
    rig_free(&r);
}

/* A policy comes before what filtering would let in. */
static void test_policy_before_openings(void **state)
{
    hp_firewall_config config = {.filtering = HP_FIREWALL_ENDPOINT_INDEPENDENT};
    hp_firewall_policy *policy = hp_firewall_add_policy(&config, false, false, NULL);
    assert_true(hp_prefix_parse("192.0.2.10", &policy->match.src.prefix));
    rig r = rig_new(config);
    udp_out(&r, A, B);
    assert_true(udp_in(&r, B_PORT, A));
    assert_false(udp_in(&r, C, A));
    rig_free(&r);
}

/* One for each packet reaches into flows: STUN is picked out of a call that goes on (and by what is inside it). */
static void test_each_packet(void **state)
{
    static const uint8_t id[12] = {1};
    uint8_t stun[HP_STUN_HEADER];
    hp_stun_writer w;
    hp_stun_begin(&w, stun, sizeof stun, HP_STUN_REQUEST, HP_STUN_BINDING, id, NULL);
    hp_addr a = addr(A), b = addr(B);
    hp_firewall_config config = {0};
    hp_firewall_policy *policy = hp_firewall_add_policy(&config, true, false, "no STUN");
    policy->match.stun.present = HP_PRESENT;
    policy->each_packet = true;
    policy = hp_firewall_add_policy(&config, true, true, "but to there"); /* each packet: the first of these decides */
    assert_true(hp_prefix_parse("192.0.2.10", &policy->match.dst.prefix));
    policy->each_packet = true;
    rig r = rig_new(config);
    assert_true(udp_out(&r, A, B));
    assert_false(passes(&r, HP_FIREWALL_INSIDE, hp_packet_new(HP_PROTO_UDP, &a, &b, stun, sizeof stun)));
    assert_drops(&r, HP_DROP_FIREWALL_POLICY, "policy 2 (no STUN)");
    assert_true(udp_out(&r, A, B));
    assert_true(passes(&r, HP_FIREWALL_OUTSIDE, hp_packet_new(HP_PROTO_UDP, &b, &a, stun, sizeof stun)));
    hp_addr c = addr(C);
    assert_true(passes(&r, HP_FIREWALL_INSIDE, hp_packet_new(HP_PROTO_UDP, &a, &c, stun, sizeof stun)));
    rig_free(&r);
}

/* ICMP without flows (a timestamp request, say) is judged packet by packet. */
static void test_icmp_without_flows(void **state)
{
    rig r = rig_new((hp_firewall_config){0});
    hp_addr a = addr("10.0.0.2"), b = addr("192.0.2.9");
    for (unsigned side = 0; side < 2; side++) {
        hp_packet *p = hp_packet_new(HP_PROTO_ICMP, side == 0 ? &a : &b, side == 0 ? &b : &a, NULL, 0);
        p->icmp_kind = HP_ICMP_OTHER;
        p->icmp_type = 13;
        assert_int_equal(passes(&r, side, p), side == HP_FIREWALL_INSIDE);
    }
    assert_int_equal(hp_firewall_get_stats(r.fw).flows, 0);
    rig_free(&r);
}

/* ---- presets ---- */

typedef struct expected {
    const char *preset;
    bool udp, dns, quic, http, https, turn_tcp, answer_from_elsewhere, unsolicited;
} expected;

static void test_presets(void **state)
{
    static const expected all[] = {
        {"rfc6092", true, true, true, true, true, true, true, false},
        {"strict", true, true, true, true, true, true, false, false},
        {"transparent", true, true, true, true, true, true, true, true},
        {"udp-blocked", false, true, false, true, true, true, false, false},
        {"udp-refused", false, true, false, true, true, true, false, false},
        {"web-only", false, true, false, true, true, false, false, false},
        {"web-and-quic", false, true, true, true, true, false, false, false},
        {"https-only", false, true, false, false, true, false, false, false},
        {"proxy-only", false, true, false, false, false, false, false, false},
    };
    size_t n;
    const hp_firewall_preset *presets = hp_firewall_presets(&n);
    assert_int_equal(n, G_N_ELEMENTS(all));
    for (size_t i = 0; i < n; i++) {
        const expected *e = &all[i];
        assert_string_equal(presets[i].name, e->preset);
        rig r = rig_new(preset(e->preset));
        assert_int_equal(udp_out(&r, A, B), e->udp);
        assert_int_equal(udp_in(&r, C, A), e->answer_from_elsewhere);
        assert_int_equal(udp_out(&r, A, "192.0.2.53:53"), e->dns);
        assert_int_equal(udp_in(&r, "192.0.2.53:53", A), e->dns || e->unsolicited);
        assert_int_equal(udp_out(&r, A, "192.0.2.9:443"), e->quic);
        assert_int_equal(tcp_to(&r, "192.0.2.9:80"), e->http);
        assert_int_equal(tcp_to(&r, "192.0.2.9:443"), e->https);
        assert_int_equal(tcp_to(&r, "192.0.2.9:3478"), e->turn_tcp);
        assert_int_equal(udp_in(&r, C, "10.0.0.77:1"), e->unsolicited);
        rig_free(&r);
    }
    hp_firewall_config config = {.max_flows = 5};
    assert_false(hp_firewall_preset_config("no-such", &config));
    assert_int_equal(config.max_flows, 5);
}

static void test_proxy(void **state)
{
    hp_addr four = addr("192.0.2.80:3128"), six = addr("[2001:db8::80]:3128");
    hp_firewall_config config = preset("proxy-only");
    hp_firewall_allow_proxy(&config, &four);
    hp_firewall_allow_proxy(&config, &six);
    rig r = rig_new(config);
    assert_true(tcp_to(&r, "192.0.2.80:3128"));
    assert_false(tcp_to(&r, "192.0.2.80:443"));
    assert_false(tcp_to(&r, "192.0.2.81:3128"));
    assert_false(udp_out(&r, A, "192.0.2.80:3128"));
    assert_true(passes(&r, HP_FIREWALL_INSIDE, segment("[2001:db8::2]:1", "[2001:db8::80]:3128", HP_TCP_SYN)));
    rig_free(&r);
}

/* "udp-refused" tells, "udp-blocked" does not. */
static void test_udp_blocked(void **state)
{
    for (unsigned tells = 0; tells < 2; tells++) {
        rig r = rig_new(preset(tells != 0 ? "udp-refused" : "udp-blocked"));
        assert_false(udp_out(&r, A, B));
        assert_drops(&r, HP_DROP_FIREWALL_POLICY, "policy 2 (no UDP)");
        assert_int_equal(r.in->hits->len, tells);
        rig_free(&r);
    }
}

static void test_config_as_value(void **state)
{
    hp_firewall_config config = preset("web-only"), copy;
    hp_firewall_config_copy(&config, &copy);
    hp_firewall_config_clear(&config);
    assert_int_equal(config.n_out, 0);
    assert_int_equal(copy.n_out, 3);
    assert_string_equal(copy.out[0].label, "HTTP");
    assert_string_equal(copy.out[2].label, "DNS");
    copy.icmp_timeout = HP_NEVER;
    g_autoptr(GError) error = NULL;
    assert_false(hp_firewall_config_check(&copy, &error));
    assert_true(g_error_matches(error, HP_ERROR, HP_ERROR_INVALID));
    hp_firewall_config_clear(&copy);
    hp_firewall_config_clear(NULL);
}

/* ---- addresses ---- */

/* REC-1, -2, -7 and link-local addresses, in both directions. */
static void test_addresses(void **state)
{
    static const struct {
        const char *src, *dst;
        hp_drop_reason reason;
        const char *detail;
    } cases[] = {
        {"[ff0e::1]:1", "[2001:db8::1]:1", HP_DROP_BAD_SOURCE, "a multicast source"},
        {"0.0.0.0:1", B, HP_DROP_BAD_SOURCE, "a source that means nothing on another link"},
        {"[fe80::1]:1", "[2001:db8::1]:1", HP_DROP_BAD_SOURCE, "a source that means nothing on another link"},
        {"169.254.1.1:1", B, HP_DROP_BAD_SOURCE, "a source that means nothing on another link"},
        {A, "169.254.1.1:1", HP_DROP_FIREWALL_POLICY, "a destination that means nothing on another link"},
        {A, "224.0.0.251:5353", HP_DROP_FIREWALL_POLICY, "a multicast that stays within the organisation"},
        {A, "239.255.255.250:1900", HP_DROP_FIREWALL_POLICY, "a multicast that stays within the organisation"},
        {"[2001:db8::1]:1", "[ff08::1]:1", HP_DROP_FIREWALL_POLICY, "a multicast that stays within the organisation"},
        {"[fd00::1]:1", "[2001:db8::1]:1", HP_DROP_FIREWALL_POLICY, "a unique local address"},
        {"[2001:db8::1]:1", "[fc00::1]:1", HP_DROP_FIREWALL_POLICY, "a unique local address"},
    };
    for (unsigned i = 0; i < G_N_ELEMENTS(cases); i++) {
        for (unsigned side = 0; side < 2; side++) {
            rig r = rig_new((hp_firewall_config){.blocks_unique_local = true, .in_allowed = true});
            assert_false(passes(&r, side, udp_packet(r.world, cases[i].src, cases[i].dst, 5)));
            assert_drops(&r, cases[i].reason, cases[i].detail);
            rig_free(&r);
        }
    }
    rig r = rig_new((hp_firewall_config){.in_allowed = true});
    assert_true(udp_out(&r, A, "224.1.1.1:1"));
    assert_true(udp_out(&r, "[2001:db8::1]:1", "[ff0e::1]:1"));
    assert_true(udp_out(&r, "[fd00::1]:1", "[fd01::1]:1"));
    rig_free(&r);
}

/* REC-5, REC-6. */
static void test_inside_prefix(void **state)
{
    rig r = rig_new((hp_firewall_config){.in_allowed = true});
    hp_prefix inside;
    assert_true(hp_prefix_parse("10.0.0.0/24", &inside));
    hp_firewall_add_inside_prefix(r.fw, &inside);
    assert_true(udp_out(&r, A, B));
    assert_false(udp_out(&r, "10.0.1.2:1", B));
    assert_drops(&r, HP_DROP_BAD_SOURCE, "a source that is not of the inside");
    assert_false(udp_in(&r, "10.0.0.9:1", A));
    assert_drops(&r, HP_DROP_BAD_SOURCE, "an inside address as a source outside");
    assert_true(udp_in(&r, "10.0.1.9:1", A));
    assert_true(udp_out(&r, "[2001:db8::1]:1", "[2001:db8:9::1]:1")); /* nothing is known of that family */
    rig_free(&r);
}

/* ---- a router ---- */

static void test_hop(void **state)
{
    rig r = rig_new((hp_firewall_config){.hop = true});
    assert_true(udp_out(&r, A, B));
    assert_int_equal(newest(r.out)->ttl, 63);
    hp_packet *old = udp_packet(r.world, A, C, 5);
    old->ttl = 1;
    assert_false(passes(&r, HP_FIREWALL_INSIDE, old));
    assert_int_equal(newest(r.in)->icmp_kind, HP_ICMP_TTL_EXCEEDED);
    assert_int_equal(count_drops(r.trace, HP_DROP_TTL, NULL), 1);
    assert_int_equal(hp_firewall_get_stats(r.fw).flows, 1); /* it began no flow */
    assert_int_equal(hp_firewall_get_stats(r.fw).refused, 1);
    rig_free(&r);
}

/* ---- fragments ---- */

static void collect(void *user, hp_packet *fragment)
{
    g_ptr_array_add(user, fragment);
}

static GPtrArray *pieces_of(rig *r, const char *src, const char *dst, uint32_t ip_id)
{
    GPtrArray *pieces = g_ptr_array_new();
    hp_packet *p = udp_packet(r->world, src, dst, 3500);
    p->ip_id = ip_id;
    assert_true(hp_fragment(p, 1500, collect, pieces));
    hp_packet_free(p);
    assert_int_equal(pieces->len, 3);
    return pieces;
}

static void test_fragments_in_order(void **state)
{
    rig r = rig_new((hp_firewall_config){.fragments = HP_FIREWALL_FRAGMENTS_IN_ORDER});
    GPtrArray *out = pieces_of(&r, A, B, 7), *bad = pieces_of(&r, C, A, 7);
    for (unsigned i = 0; i < 3; i++) {
        assert_true(passes(&r, HP_FIREWALL_INSIDE, out->pdata[i]));
        assert_false(passes(&r, HP_FIREWALL_OUTSIDE, bad->pdata[i]));
    }
    assert_drops(&r, HP_DROP_NAT_FRAGMENT, "its first fragment was refused");
    g_ptr_array_free(out, TRUE);
    g_ptr_array_free(bad, TRUE);
    GPtrArray *early = pieces_of(&r, A, B, 8);
    assert_false(passes(&r, HP_FIREWALL_INSIDE, early->pdata[2]));
    assert_drops(&r, HP_DROP_NAT_FRAGMENT, "it came before its first fragment");
    assert_true(passes(&r, HP_FIREWALL_INSIDE, early->pdata[0]));
    assert_true(passes(&r, HP_FIREWALL_INSIDE, early->pdata[1]));
    g_ptr_array_free(early, TRUE);
    rig_free(&r);
}

static void test_fragments_out_of_order(void **state)
{
    rig r = rig_new((hp_firewall_config){0});
    GPtrArray *out = pieces_of(&r, A, B, 7);
    assert_false(passes(&r, HP_FIREWALL_INSIDE, out->pdata[2]));
    assert_false(passes(&r, HP_FIREWALL_INSIDE, out->pdata[1]));
    assert_true(passes(&r, HP_FIREWALL_INSIDE, out->pdata[0]));
    assert_int_equal(r.out->hits->len, 3); /* the first one leads */
    for (unsigned i = 0; i < 3; i++) {
        assert_ptr_equal(probe_at(r.out, i)->p, out->pdata[i == 0 ? 0 : 3 - i]);
    }
    g_ptr_array_free(out, TRUE);

    /* One that never comes: 30 s. */
    rig_run(&r, HP_S);
    GPtrArray *orphan = pieces_of(&r, A, B, 8);
    passes(&r, HP_FIREWALL_INSIDE, orphan->pdata[1]);
    rig_run(&r, 31 * HP_S - 1);
    assert_int_equal(count_drops(r.trace, HP_DROP_NAT_FRAGMENT, NULL), 0);
    rig_run(&r, 31 * HP_S);
    assert_int_equal(assert_drops(&r, HP_DROP_NAT_FRAGMENT, "its first fragment never came"), 1);
    hp_packet_free(orphan->pdata[0]);
    hp_packet_free(orphan->pdata[2]);
    g_ptr_array_free(orphan, TRUE);

    /* Held when the world ends, and a refused first one with others waiting. */
    GPtrArray *bad = pieces_of(&r, C, A, 9);
    passes(&r, HP_FIREWALL_OUTSIDE, bad->pdata[1]);
    assert_false(passes(&r, HP_FIREWALL_OUTSIDE, bad->pdata[0]));
    assert_drops(&r, HP_DROP_NAT_FRAGMENT, "its first fragment was refused");
    hp_packet *last = bad->pdata[2];
    last->ip_id = 10;
    passes(&r, HP_FIREWALL_OUTSIDE, last);
    g_ptr_array_free(bad, TRUE);
    rig_free(&r);
}

static void test_fragments_by_rule_of_thumb(void **state)
{
    for (unsigned pass = 0; pass < 2; pass++) {
        rig r = rig_new(
            (hp_firewall_config){.fragments = pass != 0 ? HP_FIREWALL_FRAGMENTS_PASS : HP_FIREWALL_FRAGMENTS_DROP});
        GPtrArray *out = pieces_of(&r, A, B, 7), *in = pieces_of(&r, C, A, 7);
        for (unsigned i = 0; i < 3; i++) {
            assert_int_equal(passes(&r, HP_FIREWALL_INSIDE, out->pdata[i]), pass != 0);
            assert_int_equal(passes(&r, HP_FIREWALL_OUTSIDE, in->pdata[i]), pass != 0 && i > 0);
        }
        assert_int_equal(hp_firewall_get_stats(r.fw).flows, pass); /* what is dropped opens nothing */
        g_ptr_array_free(out, TRUE);
        g_ptr_array_free(in, TRUE);
        rig_free(&r);
    }
}

/* What has left is not counted among what is held. */
static void test_fragments_many_times(void **state)
{
    rig r = rig_new((hp_firewall_config){0});
    for (uint32_t i = 1000000; i < 1000600; i++) {
        GPtrArray *out = pieces_of(&r, A, B, i);
        assert_false(passes(&r, HP_FIREWALL_INSIDE, out->pdata[1]));
        assert_true(passes(&r, HP_FIREWALL_INSIDE, out->pdata[0]));
        assert_true(passes(&r, HP_FIREWALL_INSIDE, out->pdata[2]));
        g_ptr_array_free(out, TRUE);
    }
    assert_int_equal(r.out->hits->len, 1800);
    rig_free(&r);
}

/* A flood of orphans harms nobody: 64 of a datagram, 512 in all; and it ends. */
static void test_fragment_flood(void **state)
{
    rig r = rig_new((hp_firewall_config){0});
    hp_addr a = addr("10.0.0.2"), b = addr("192.0.2.9");
    for (unsigned i = 0; i < 5000; i++) {
        hp_packet *p = hp_packet_new(HP_PROTO_UDP, &b, &a, NULL, 0);
        p->ip_id = i < 100 ? 0 : i;
        p->frag_offset = 8;
        p->frag_total = 16;
        passes(&r, HP_FIREWALL_OUTSIDE, p);
        if (i == 99) {
            assert_int_equal(count_drops(r.trace, HP_DROP_NAT_FRAGMENT, NULL), 36);
        }
    }
    rig_run(&r, 30 * HP_S);
    assert_int_equal(count_drops(r.trace, HP_DROP_NAT_FRAGMENT, NULL), 5000);
    assert_int_equal(r.in->hits->len, 0);
    assert_int_equal(hp_world_next_deadline(r.world), HP_NEVER);
    rig_free(&r);
}

/* Whatever parses, cut anywhere: nothing crashes. */
static void test_nonsense(void **state)
{
    rig r = rig_new(preset("rfc6092"));
    hp_addr four[2] = {addr(A), addr(B)}, six[2] = {addr("[2001:db8::1]:1"), addr("[2001:db8::2]:1")};
    static const uint8_t protos[] = {HP_PROTO_ICMP, HP_PROTO_TCP, HP_PROTO_UDP, HP_PROTO_ICMPV6, 50, 0, 255};
    uint8_t bytes[24];
    hp_rng rng;
    hp_rng_init(&rng, 3, "test");
    for (unsigned i = 0; i < 20000; i++) {
        hp_rng_bytes(&rng, bytes, sizeof bytes);
        const hp_addr *ends = bytes[0] & 1 ? four : six;
        hp_packet *p = hp_packet_new(protos[bytes[1] % sizeof protos], &ends[bytes[2] & 1], &ends[~bytes[2] & 1], bytes,
                                     bytes[3] % 24);
        p->ttl = bytes[4] % 8;
        p->icmp_kind = bytes[5] % (HP_ICMP_OTHER + 1);
        p->corrupt = bytes[6] % 8 == 0;
        p->frag_total = bytes[7] % 4 == 0 ? 100 : 0;
        p->frag_offset = p->frag_total != 0 && bytes[8] % 2 == 0 ? 8 : 0;
        p->ip_id = bytes[9] % 4;
        if (bytes[10] % 4 == 0) {
            p->inner = hp_packet_new(protos[bytes[11] % sizeof protos], &ends[0], &ends[1], bytes, bytes[12] % 24);
        }
        passes(&r, bytes[13] & 1, p);
        if (i % 100 == 0) {
            rig_run(&r, i * HP_S);
        }
    }
    rig_run(&r, 100000 * HP_S);
    assert_int_equal(hp_firewall_get_stats(r.fw).flows, 0);
    rig_free(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_order),
        cmocka_unit_test(test_policy_before_openings),
        cmocka_unit_test(test_each_packet),
        cmocka_unit_test(test_icmp_without_flows),
        cmocka_unit_test(test_presets),
        cmocka_unit_test(test_proxy),
        cmocka_unit_test(test_udp_blocked),
        cmocka_unit_test(test_config_as_value),
        cmocka_unit_test(test_addresses),
        cmocka_unit_test(test_inside_prefix),
        cmocka_unit_test(test_hop),
        cmocka_unit_test(test_fragments_in_order),
        cmocka_unit_test(test_fragments_out_of_order),
        cmocka_unit_test(test_fragments_by_rule_of_thumb),
        cmocka_unit_test(test_fragments_many_times),
        cmocka_unit_test(test_fragment_flood),
        cmocka_unit_test(test_nonsense),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
