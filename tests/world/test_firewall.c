/* The stateful firewall: flows of UDP, ICMP and other protocols, filtering behaviours, timers, limits, changes. The
 * numbers are recommendations of RFC 6092. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "world/firewall_rig.h"

static hp_firewall_config preset(const char *name)
{
    hp_firewall_config config;
    assert_true(hp_firewall_preset_config(name, &config));
    return config;
}

static void test_answers_come_in(void **state)
{
    rig r = rig_new((hp_firewall_config){0});
    assert_false(udp_in(&r, B, A));
    assert_int_equal(assert_drops(&r, HP_DROP_FIREWALL_NO_FLOW, "nothing inside asked for it"), 1);
    assert_int_equal(r.out->hits->len, 0); /* silently */
    assert_true(udp_out(&r, A, B));
    assert_int_equal(newest(r.out)->ttl, 64);
    assert_true(udp_in(&r, B, A));
    assert_false(udp_in(&r, B_PORT, A));
    assert_false(udp_in(&r, C, A));
    assert_false(udp_in(&r, B, "10.0.0.2:5001"));
    hp_addr a = addr(A), b = addr(B), c = addr(C);
    assert_true(hp_firewall_knows(r.fw, HP_PROTO_UDP, &a, &b));
    assert_false(hp_firewall_knows(r.fw, HP_PROTO_UDP, &a, &c));
    assert_false(hp_firewall_knows(r.fw, HP_PROTO_TCP, &a, &b));
    hp_firewall_stats stats = hp_firewall_get_stats(r.fw);
    assert_int_equal(stats.passed, 2);
    assert_int_equal(stats.refused, 4);
    assert_int_equal(stats.flows, 1);
    rig_free(&r);
}

/* REC-11, REC-17, both families. */
static void test_filtering(void **state)
{
    static const struct {
        const char *a, *b, *b_port, *c, *a_port;
    } families[] = {
        {A, B, B_PORT, C, "10.0.0.2:5001"},
        {"[2001:db8::a]:1", "[2001:db8:9::b]:2", "[2001:db8:9::b]:3", "[2001:db8:9::c]:2", "[2001:db8::a]:7"},
    };
    for (unsigned family = 0; family < 2; family++) {
        for (hp_firewall_filtering f = HP_FIREWALL_ADDRESS_AND_PORT_DEPENDENT; f <= HP_FIREWALL_ENDPOINT_INDEPENDENT;
             f++) {
            rig r = rig_new((hp_firewall_config){.filtering = f});
            assert_true(udp_out(&r, families[family].a, families[family].b));
            assert_true(udp_in(&r, families[family].b, families[family].a));
            assert_int_equal(udp_in(&r, families[family].b_port, families[family].a),
                             f != HP_FIREWALL_ADDRESS_AND_PORT_DEPENDENT);
            assert_int_equal(udp_in(&r, families[family].c, families[family].a), f == HP_FIREWALL_ENDPOINT_INDEPENDENT);
            assert_false(udp_in(&r, families[family].b, families[family].a_port));
            rig_free(&r);
        }
    }
}

/* An opening lasts as long as a flow in which the inside has sent, and no longer. */
static void test_opening_closes(void **state)
{
    rig r = rig_new((hp_firewall_config){.filtering = HP_FIREWALL_ENDPOINT_INDEPENDENT});
    assert_true(udp_out(&r, A, B)); /* until 5 min */
    rig_run(&r, 4 * MINUTE);
    assert_true(udp_in(&r, C, A)); /* a flow of its own, until 9 min; it opens nothing */
    rig_run(&r, 5 * MINUTE - 1);
    assert_true(udp_in(&r, "192.0.2.11:1", A));
    rig_run(&r, 5 * MINUTE);
    assert_false(udp_in(&r, "192.0.2.12:1", A));
    assert_true(udp_in(&r, C, A));
    assert_true(udp_out(&r, A, C)); /* now it opens */
    assert_true(udp_in(&r, "192.0.2.12:1", A));
    rig_free(&r);
}

/* REC-14: five minutes; both directions refresh, or the inside alone (REC-16). */
static void test_udp_timer(void **state)
{
    rig r = rig_new((hp_firewall_config){0});
    udp_out(&r, A, B);
    rig_run(&r, 5 * MINUTE - 1);
    assert_true(udp_in(&r, B, A));
    rig_run(&r, 10 * MINUTE - 2);
    assert_true(udp_in(&r, B, A));
    rig_run(&r, 15 * MINUTE - 2); /* five minutes after: gone at that very instant */
    assert_false(udp_in(&r, B, A));
    assert_int_equal(hp_firewall_get_stats(r.fw).expired, 1);
    assert_int_equal(hp_world_next_deadline(r.world), HP_NEVER);
    rig_free(&r);

    r = rig_new((hp_firewall_config){.inbound_keeps_silent = true});
    udp_out(&r, A, B);
    rig_run(&r, 4 * MINUTE);
    assert_true(udp_in(&r, B, A));
    rig_run(&r, 5 * MINUTE);
    assert_false(udp_in(&r, B, A));
    rig_free(&r);
}

/* REC-15: a shorter time for well-known ports; and one until the first answer. */
static void test_udp_timers_of_kinds(void **state)
{
    hp_firewall_config config = {.udp_unreplied_timeout = 30 * HP_S, .udp_well_known_timeout = 10 * HP_S};
    rig r = rig_new(config);
    udp_out(&r, A, B);
    udp_out(&r, A, "192.0.2.9:53");
    rig_run(&r, 30 * HP_S - 1);
    assert_true(udp_in(&r, B, A));
    assert_true(udp_in(&r, "192.0.2.9:53", A));
    rig_run(&r, 40 * HP_S - 2);
    assert_int_equal(hp_firewall_get_stats(r.fw).flows, 2);
    rig_run(&r, 40 * HP_S - 1);
    assert_int_equal(hp_firewall_get_stats(r.fw).flows, 1);
    rig_run(&r, 330 * HP_S - 1);
    assert_int_equal(hp_firewall_get_stats(r.fw).flows, 0);
    rig_free(&r);

    r = rig_new((hp_firewall_config){.udp_well_known_timeout = 10 * HP_S}); /* unreplied: as the port says */
    udp_out(&r, A, "192.0.2.9:53");
    rig_run(&r, 10 * HP_S);
    assert_int_equal(hp_firewall_get_stats(r.fw).flows, 0);
    rig_free(&r);
}

static void test_ping(void **state)
{
    static const char *const ends[][2] = {{"10.0.0.2", "192.0.2.9"}, {"2001:db8::a", "2001:db8:9::b"}};
    for (unsigned i = 0; i < 2; i++) {
        const char *a = ends[i][0], *b = ends[i][1];
        rig r = rig_new((hp_firewall_config){0});
        assert_false(passes(&r, HP_FIREWALL_OUTSIDE, echo(b, a, false, 7)));
        assert_drops(&r, HP_DROP_FIREWALL_NO_FLOW, "an echo reply to no known request");
        assert_true(passes(&r, HP_FIREWALL_INSIDE, echo(a, b, true, 7)));
        assert_true(passes(&r, HP_FIREWALL_OUTSIDE, echo(b, a, false, 7)));
        assert_false(passes(&r, HP_FIREWALL_OUTSIDE, echo(b, a, false, 8)));
        assert_false(passes(&r, HP_FIREWALL_OUTSIDE, echo(b, a, true, 7))); /* a question is no answer */
        assert_false(passes(&r, HP_FIREWALL_INSIDE, echo(a, b, false, 9)));
        rig_run(&r, MINUTE - 1);
        assert_true(passes(&r, HP_FIREWALL_OUTSIDE, echo(b, a, false, 7)));
        rig_run(&r, 2 * MINUTE - 1);
        assert_false(passes(&r, HP_FIREWALL_OUTSIDE, echo(b, a, false, 7)));
        rig_free(&r);
    }
}

/* ---- ICMP errors ---- */

static hp_packet *error_about(hp_icmp_kind kind, const char *from, hp_packet *offending)
{
    hp_addr source = addr(from);
    hp_packet *p = hp_packet_icmp_error(kind, &source, offending, 1280);
    hp_packet_free(offending);
    assert_non_null(p);
    return p;
}

/* REC-10, -18, -19, -36: those about known flows pass, from whomever, and change nothing. */
static void test_icmp_errors(void **state)
{
    rig r = rig_new((hp_firewall_config){0});
    udp_out(&r, A, B);
    assert_true(passes(&r, HP_FIREWALL_OUTSIDE,
                       error_about(HP_ICMP_FRAG_NEEDED, "203.0.113.1", udp_packet(r.world, A, B, 1400))));
    assert_int_equal(newest(r.in)->icmp_mtu, 1280);
    assert_true(passes(&r, HP_FIREWALL_OUTSIDE,
                       error_about(HP_ICMP_PORT_UNREACHABLE, "192.0.2.9", udp_packet(r.world, A, B, 20))));
    assert_false(passes(&r, HP_FIREWALL_OUTSIDE,
                        error_about(HP_ICMP_PORT_UNREACHABLE, "192.0.2.9", udp_packet(r.world, A, C, 20))));
    assert_drops(&r, HP_DROP_FIREWALL_NO_FLOW, "an ICMP error about no known flow");
    /* It goes to another host than the one that sent what it quotes. */
    hp_packet *stray = error_about(HP_ICMP_PORT_UNREACHABLE, "192.0.2.9", udp_packet(r.world, A, B, 20));
    stray->dst = addr("10.0.0.3");
    assert_false(passes(&r, HP_FIREWALL_OUTSIDE, stray));
    /* Outwards as well: the inside says what it thinks of what came in. */
    assert_true(passes(&r, HP_FIREWALL_INSIDE,
                       error_about(HP_ICMP_PORT_UNREACHABLE, "10.0.0.2", udp_packet(r.world, B, A, 20))));
    assert_false(passes(&r, HP_FIREWALL_INSIDE,
                        error_about(HP_ICMP_PORT_UNREACHABLE, "10.0.0.2", udp_packet(r.world, C, A, 20))));
    /* The flow has lived on, and was not refreshed. */
    rig_run(&r, 4 * MINUTE);
    passes(&r, HP_FIREWALL_OUTSIDE, error_about(HP_ICMP_PORT_UNREACHABLE, "192.0.2.9", udp_packet(r.world, A, B, 20)));
    assert_true(udp_in(&r, B, A));
    rig_free(&r);

    r = rig_new((hp_firewall_config){.blocks_icmp_errors = true});
    udp_out(&r, A, B);
    assert_false(passes(&r, HP_FIREWALL_OUTSIDE,
                        error_about(HP_ICMP_FRAG_NEEDED, "203.0.113.1", udp_packet(r.world, A, B, 1400))));
    assert_drops(&r, HP_DROP_FIREWALL_POLICY, "ICMP errors do not pass");
    rig_free(&r);
}

/* ---- other protocols ---- */

/* REC-21 to -26: IPsec and HIP from outside; REC-12: five minutes; flows are between addresses (REC-25). */
static void test_other_protocols(void **state)
{
    static const uint8_t ipsec[] = {50, 51, 139};
    hp_addr a = addr("10.0.0.2"), b = addr("192.0.2.9");
    for (unsigned open = 0; open < 2; open++) {
        rig r = rig_new((hp_firewall_config){.passes_ipsec = open != 0});
        for (unsigned i = 0; i < 3; i++) {
            assert_int_equal(passes(&r, HP_FIREWALL_OUTSIDE, hp_packet_new(ipsec[i], &b, &a, "x", 1)), open != 0);
        }
        assert_int_equal(udp_in(&r, "192.0.2.9:500", "10.0.0.2:500"), open != 0);
        assert_false(udp_in(&r, "192.0.2.9:500", "10.0.0.2:501"));
        assert_false(passes(&r, HP_FIREWALL_OUTSIDE, hp_packet_new(132, &b, &a, "x", 1)));
        assert_true(passes(&r, HP_FIREWALL_INSIDE, hp_packet_new(132, &a, &b, "x", 1)));
        rig_run(&r, 5 * MINUTE - 1);
        assert_true(passes(&r, HP_FIREWALL_OUTSIDE, hp_packet_new(132, &b, &a, "x", 1)));
        rig_run(&r, 10 * MINUTE - 1);
        assert_false(passes(&r, HP_FIREWALL_OUTSIDE, hp_packet_new(132, &b, &a, "x", 1)));
        rig_free(&r);
    }
}

/* ---- limits ---- */

static void test_limit_of_a_host(void **state)
{
    rig r = rig_new((hp_firewall_config){.max_flows_per_host = 2, .max_flows = 10, .evicts = true});
    assert_true(udp_out(&r, A, "192.0.2.9:1"));
    assert_true(udp_out(&r, A, "192.0.2.9:2"));
    assert_false(udp_out(&r, A, "192.0.2.9:3"));
    assert_drops(&r, HP_DROP_NAT_LIMIT, "the host has as many flows as it may");
    assert_true(udp_out(&r, A, "192.0.2.9:2"));
    assert_true(udp_out(&r, "10.0.0.3:1", "192.0.2.9:3"));
    rig_run(&r, 5 * MINUTE);
    assert_true(udp_out(&r, A, "192.0.2.9:3"));
    assert_int_equal(hp_firewall_get_stats(r.fw).limit_drops, 1);
    rig_free(&r);
}

static void test_limit_of_all(void **state)
{
    for (unsigned evicts = 0; evicts < 2; evicts++) {
        rig r = rig_new((hp_firewall_config){.max_flows = 2, .evicts = evicts != 0});
        udp_out(&r, A, "192.0.2.9:1");
        udp_out(&r, A, "192.0.2.9:2");
        rig_run(&r, HP_S);
        udp_out(&r, A, "192.0.2.9:1"); /* port 2 expires first now */
        assert_int_equal(udp_out(&r, "10.0.0.3:1", "192.0.2.9:3"), evicts != 0);
        assert_true(udp_in(&r, "192.0.2.9:1", A));
        assert_int_equal(udp_in(&r, "192.0.2.9:2", A), evicts == 0);
        hp_firewall_stats stats = hp_firewall_get_stats(r.fw);
        assert_int_equal(stats.evicted, evicts);
        assert_int_equal(stats.flows, 2);
        assert_int_equal(stats.flows_peak, 2);
        rig_free(&r);
    }
}

/* ---- run time ---- */

static void test_configure(void **state)
{
    rig r = rig_new((hp_firewall_config){0});
    udp_out(&r, A, B);
    assert_false(udp_in(&r, C, A));

    hp_firewall_config config = preset("udp-blocked");
    config.filtering = HP_FIREWALL_ENDPOINT_INDEPENDENT;
    config.udp_timeout = 10 * HP_S;
    hp_firewall_configure(r.fw, &config);
    hp_firewall_configure(r.fw, hp_firewall_get_config(r.fw)); /* its own is as good */
    hp_firewall_config_clear(&config);
    assert_true(udp_out(&r, A, B)); /* known */
    assert_true(udp_in(&r, C, A)); /* what it opens is seen anew */
    assert_false(udp_out(&r, A, "192.0.2.99:1"));
    assert_drops(&r, HP_DROP_FIREWALL_POLICY, "policy 2 (no UDP)");
    rig_run(&r, 10 * HP_S); /* counted from the last refresh, at 0 */
    assert_false(udp_in(&r, B, A));
    assert_int_equal(hp_firewall_get_stats(r.fw).flows, 0);
    rig_free(&r);
}

static void test_flush(void **state)
{
    rig r = rig_new((hp_firewall_config){.filtering = HP_FIREWALL_ENDPOINT_INDEPENDENT, .max_flows_per_host = 1});
    udp_out(&r, A, B);
    assert_true(udp_in(&r, B, A));
    hp_firewall_flush(r.fw);
    assert_false(udp_in(&r, B, A));
    assert_false(udp_in(&r, C, A));
    assert_int_equal(hp_world_next_deadline(r.world), HP_NEVER);
    assert_true(udp_out(&r, A, C)); /* the host's count began anew, too */
    assert_int_equal(hp_firewall_get_stats(r.fw).flows, 1);
    rig_free(&r);
}

/* ---- the table under load ---- */

/* Ten thousand flows in and out in an order of no order: what is known is what should be, and nothing is left. */
static void test_many_flows(void **state)
{
    enum { N = 10000 };
    hp_firewall_config config = {.filtering = HP_FIREWALL_ADDRESS_DEPENDENT};
    rig r = rig_new(config);
    hp_rng rng;
    hp_rng_init(&rng, 1, "test");
    g_autofree hp_time *last = g_new0(hp_time, N);
    hp_addr b = addr(B);
    for (unsigned step = 0; step < 3 * N; step++) {
        rig_run(&r, step * 30 * HP_MS);
        unsigned i = (unsigned)hp_rng_below(&rng, N);
        hp_addr a = hp_addr_v4(0x0a000000 + i / 100, (uint16_t)(1000 + i % 100));
        hp_packet *p = hp_packet_new(HP_PROTO_UDP, &a, &b, NULL, 0);
        p->uid = 1;
        assert_true(passes(&r, HP_FIREWALL_INSIDE, p));
        last[i] = hp_world_now(r.world) + 1;
    }
    hp_time now = hp_world_now(r.world);
    unsigned known = 0;
    for (unsigned i = 0; i < N; i++) {
        hp_addr a = hp_addr_v4(0x0a000000 + i / 100, (uint16_t)(1000 + i % 100));
        bool alive = last[i] != 0 && last[i] - 1 + 5 * MINUTE > now;
        assert_int_equal(hp_firewall_knows(r.fw, HP_PROTO_UDP, &a, &b), alive);
        known += alive;
    }
    assert_int_equal(hp_firewall_get_stats(r.fw).flows, known);
    assert_in_range(known, 1000, N - 1000); /* the test tests something */
    rig_run(&r, now + 5 * MINUTE);
    assert_int_equal(hp_firewall_get_stats(r.fw).flows, 0);
    assert_int_equal(hp_world_next_deadline(r.world), HP_NEVER);
    rig_free(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_answers_come_in),     cmocka_unit_test(test_filtering),
        cmocka_unit_test(test_opening_closes),      cmocka_unit_test(test_udp_timer),
        cmocka_unit_test(test_udp_timers_of_kinds), cmocka_unit_test(test_ping),
        cmocka_unit_test(test_icmp_errors),         cmocka_unit_test(test_other_protocols),
        cmocka_unit_test(test_limit_of_a_host),     cmocka_unit_test(test_limit_of_all),
        cmocka_unit_test(test_configure),           cmocka_unit_test(test_flush),
        cmocka_unit_test(test_many_flows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
