/* The stateful firewall: TCP connections (RFC 6092 section 3.3.1, RFC 5382). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "world/firewall_rig.h"

enum {
    SYN = HP_TCP_SYN,
    ACK = HP_TCP_ACK,
    SYN_ACK = HP_TCP_SYN | HP_TCP_ACK,
    FIN = HP_TCP_FIN | HP_TCP_ACK,
    RST = HP_TCP_RST
};
#define ESTABLISHED (124 * MINUTE)

static uint64_t flows(const rig *r)
{
    return hp_firewall_get_stats(r->fw).flows;
}

static void connect_out(rig *r)
{
    assert_true(tcp_out(r, SYN));
    assert_true(tcp_in(r, SYN_ACK));
    assert_true(tcp_out(r, ACK));
}

/* The one flow is there until `at`, and not any longer. */
static void assert_lives_until(rig *r, hp_time at)
{
    rig_run(r, at - 1);
    assert_int_equal(flows(r), 1);
    rig_run(r, at);
    assert_int_equal(flows(r), 0);
}

/* REC-35: 4 minutes while it opens, 2 h 4 min once it is established. */
static void test_opening_and_established(void **state)
{
    rig r = rig_new((hp_firewall_config){0});
    assert_true(tcp_out(&r, SYN));
    assert_lives_until(&r, 4 * MINUTE);
    assert_false(tcp_in(&r, SYN_ACK));
    assert_drops(&r, HP_DROP_FIREWALL_NO_FLOW, "a segment of no known connection");
    rig_free(&r);

    r = rig_new((hp_firewall_config){0});
    tcp_out(&r, SYN);
    tcp_in(&r, SYN_ACK);
    assert_lives_until(&r, 4 * MINUTE); /* the last acknowledgement is missing */
    rig_free(&r);

    r = rig_new((hp_firewall_config){0});
    tcp_out(&r, SYN);
    assert_true(tcp_in(&r, ACK)); /* of something older: the other side has sent no SYN */
    assert_lives_until(&r, 4 * MINUTE);
    rig_free(&r);

    r = rig_new((hp_firewall_config){0});
    connect_out(&r);
    rig_run(&r, ESTABLISHED - 1);
    assert_true(tcp_in(&r, ACK));
    assert_lives_until(&r, 2 * ESTABLISHED - 1);
    rig_free(&r);
}

/* One FIN: transitory, refreshed. Both: closed, whatever comes then. A RST: closed at once. */
static void test_closing(void **state)
{
    hp_firewall_config config = {.tcp_closed_timeout = 10 * HP_S};
    rig r = rig_new(config);
    connect_out(&r);
    assert_true(tcp_out(&r, FIN));
    rig_run(&r, 3 * MINUTE);
    assert_true(tcp_in(&r, ACK));
    rig_run(&r, 6 * MINUTE);
    assert_true(tcp_in(&r, FIN));
    rig_run(&r, 6 * MINUTE + 9 * HP_S);
    assert_true(tcp_out(&r, ACK));
    assert_lives_until(&r, 6 * MINUTE + 10 * HP_S);
    rig_free(&r);

    for (unsigned out = 0; out < 2; out++) {
        r = rig_new(config);
        connect_out(&r);
        rig_run(&r, HP_S);
        assert_true(out != 0 ? tcp_out(&r, RST) : tcp_in(&r, RST));
        assert_lives_until(&r, 11 * HP_S);
        assert_false(tcp_in(&r, RST));
        assert_drops(&r, HP_DROP_FIREWALL_NO_FLOW, "a reset of no known connection");
        rig_free(&r);
    }

    r = rig_new((hp_firewall_config){0}); /* closed: as transitory */
    connect_out(&r);
    tcp_in(&r, RST);
    assert_lives_until(&r, 4 * MINUTE);
    rig_free(&r);
}

/* A SYN on a closed connection begins a new one, if its side may. */
static void test_reopening(void **state)
{
    rig r = rig_new((hp_firewall_config){0});
    connect_out(&r);
    tcp_out(&r, FIN);
    tcp_in(&r, FIN);
    assert_false(tcp_in(&r, SYN)); /* the old flow ends with the attempt */
    assert_int_equal(flows(&r), 0);
    rig_free(&r);

    r = rig_new((hp_firewall_config){0});
    connect_out(&r);
    tcp_in(&r, RST);
    connect_out(&r);
    assert_lives_until(&r, ESTABLISHED);
    rig_free(&r);
}

/* REC-31: a SYN from outside meets one that has gone out: both pass, and it becomes a connection. */
static void test_simultaneous_open(void **state)
{
    rig r = rig_new((hp_firewall_config){.in_refusal = HP_REFUSE_ICMP, .syn_wait = 6 * HP_S});
    assert_true(tcp_out(&r, SYN));
    assert_true(tcp_in(&r, SYN));
    assert_true(tcp_out(&r, SYN_ACK));
    assert_true(tcp_in(&r, SYN_ACK));
    assert_lives_until(&r, 4 * MINUTE);
    rig_free(&r);

    r = rig_new((hp_firewall_config){0});
    tcp_out(&r, SYN);
    tcp_in(&r, SYN);
    assert_true(tcp_in(&r, ACK)); /* each has acknowledged the other's SYN */
    assert_lives_until(&r, ESTABLISHED);
    rig_free(&r);
}

/* REC-34: the refusal comes after six seconds, once, unless a SYN goes out before. */
static void test_unsolicited_syn(void **state)
{
    hp_firewall_config config = {.in_refusal = HP_REFUSE_ICMP, .syn_wait = 6 * HP_S};
    rig r = rig_new(config);
    rig_run(&r, HP_S);
    assert_false(tcp_in(&r, SYN));
    assert_drops(&r, HP_DROP_FIREWALL_NO_FLOW, "nothing inside asked for it");
    rig_run(&r, 4 * HP_S);
    assert_false(tcp_in(&r, SYN)); /* sent again */
    rig_run(&r, 7 * HP_S - 1);
    assert_int_equal(r.out->hits->len, 0);
    rig_run(&r, 60 * HP_S);
    assert_int_equal(r.out->hits->len, 1);
    assert_int_equal(probe_at(r.out, 0)->at, 7 * HP_S);
    const hp_packet *p = newest(r.out);
    char text[HP_ADDR_TEXT];
    assert_int_equal(p->icmp_kind, HP_ICMP_ADMIN_PROHIBITED);
    assert_string_equal(hp_addr_format(&p->src, text), "198.51.100.1");
    assert_string_equal(hp_addr_format(&p->dst, text), "192.0.2.9");
    assert_int_equal(p->inner->proto, HP_PROTO_TCP);
    rig_free(&r);

    r = rig_new(config);
    assert_false(tcp_in(&r, SYN));
    rig_run(&r, 6 * HP_S - 1);
    assert_true(tcp_out(&r, SYN));
    rig_run(&r, 60 * HP_S);
    assert_int_equal(r.out->hits->len, 1); /* the SYN alone */
    assert_true(tcp_in(&r, SYN)); /* and the other side's next one passes */
    rig_free(&r);
}

/* Without a wait at once; with a reset as from the far end; other protocols never wait. */
static void test_refused_at_once(void **state)
{
    rig r = rig_new((hp_firewall_config){.in_refusal = HP_REFUSE_RESET, .syn_wait = 0});
    assert_false(tcp_in(&r, SYN));
    assert_int_equal(r.out->hits->len, 1);
    const hp_packet *p = newest(r.out);
    assert_int_equal(p->proto, HP_PROTO_TCP);
    hp_tcp_header h;
    const uint8_t *data;
    size_t length;
    assert_true(hp_tcp_parse(p->payload, p->length, &h, &data, &length));
    assert_int_equal(h.flags, HP_TCP_RST | HP_TCP_ACK);
    assert_int_equal(h.ack, 101);
    char text[HP_ADDR_TEXT];
    assert_string_equal(hp_addr_format(&p->src, text), A);
    assert_false(udp_in(&r, B, A)); /* no reset for UDP */
    assert_int_equal(newest(r.out)->icmp_kind, HP_ICMP_ADMIN_PROHIBITED);
    rig_free(&r);

    r = rig_new((hp_firewall_config){.in_refusal = HP_REFUSE_ICMP, .syn_wait = 6 * HP_S});
    assert_false(udp_in(&r, B, A));
    assert_int_equal(r.out->hits->len, 1);
    assert_false(tcp_in(&r, ACK));
    assert_int_equal(r.out->hits->len, 2);
    rig_free(&r);
}

/* Held SYNs are bounded, go with a flush, and with the world. */
static void test_held_syns(void **state)
{
    rig r = rig_new((hp_firewall_config){.in_refusal = HP_REFUSE_ICMP, .syn_wait = 6 * HP_S});
    for (unsigned i = 0; i < 1100; i++) {
        hp_packet *p = segment(B, A, SYN);
        p->src.port = (uint16_t)(1000 + i);
        passes(&r, HP_FIREWALL_OUTSIDE, p);
    }
    rig_run(&r, 6 * HP_S);
    assert_int_equal(r.out->hits->len, 1024);
    tcp_in(&r, SYN);
    hp_firewall_flush(r.fw);
    rig_run(&r, 60 * HP_S);
    assert_int_equal(r.out->hits->len, 1024);
    tcp_in(&r, SYN);
    rig_free(&r);
}

/* What no connection is known of: dropped, or taken up in the middle. */
static void test_in_the_middle(void **state)
{
    rig r = rig_new((hp_firewall_config){0});
    assert_false(tcp_out(&r, ACK));
    assert_drops(&r, HP_DROP_FIREWALL_NO_FLOW, "a segment of no known connection");
    rig_free(&r);

    r = rig_new((hp_firewall_config){.tcp_picks_up = true, .tcp_filtering = HP_FIREWALL_ENDPOINT_INDEPENDENT});
    assert_false(tcp_in(&r, ACK));
    assert_false(tcp_out(&r, RST));
    assert_true(tcp_out(&r, ACK));
    assert_true(tcp_in(&r, ACK));
    /* An opening is for connections that begin. */
    assert_false(passes(&r, HP_FIREWALL_OUTSIDE, segment(C, A, ACK)));
    assert_lives_until(&r, ESTABLISHED);
    rig_free(&r);
}

/* REC-33: openings of TCP; a closed connection opens nothing. */
static void test_filtering(void **state)
{
    for (hp_firewall_filtering f = HP_FIREWALL_ADDRESS_AND_PORT_DEPENDENT; f <= HP_FIREWALL_ENDPOINT_INDEPENDENT; f++) {
        rig r = rig_new((hp_firewall_config){.tcp_filtering = f});
        connect_out(&r);
        assert_int_equal(passes(&r, HP_FIREWALL_OUTSIDE, segment(B_PORT, A, SYN)),
                         f != HP_FIREWALL_ADDRESS_AND_PORT_DEPENDENT);
        assert_int_equal(passes(&r, HP_FIREWALL_OUTSIDE, segment(C, A, SYN)), f == HP_FIREWALL_ENDPOINT_INDEPENDENT);
        assert_false(udp_in(&r, C, A));
        tcp_out(&r, RST);
        assert_false(passes(&r, HP_FIREWALL_OUTSIDE, segment("192.0.2.9:99", A, SYN)));
        rig_free(&r);
    }
}

/* A corrupt segment passes with its connection and does nothing to it; a broken header begins none. */
static void test_broken_segments(void **state)
{
    rig r = rig_new((hp_firewall_config){0});
    connect_out(&r);
    hp_packet *bad = segment(B, A, RST);
    bad->corrupt = true;
    assert_true(passes(&r, HP_FIREWALL_OUTSIDE, bad));
    bad = segment(A, C, SYN);
    bad->corrupt = true;
    assert_false(passes(&r, HP_FIREWALL_INSIDE, bad));
    assert_int_equal(count_drops(r.trace, HP_DROP_CORRUPT, NULL), 1);
    assert_lives_until(&r, ESTABLISHED);

    for (uint32_t length = 0; length <= 16; length++) {
        hp_packet *cut = segment(A, C, SYN);
        cut->length = length;
        assert_int_equal(passes(&r, HP_FIREWALL_INSIDE, cut), length == 16);
    }
    assert_drops(&r, HP_DROP_FIREWALL_NO_FLOW, "a TCP header that makes no sense");
    rig_free(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_opening_and_established),
        cmocka_unit_test(test_closing),
        cmocka_unit_test(test_reopening),
        cmocka_unit_test(test_simultaneous_open),
        cmocka_unit_test(test_unsolicited_syn),
        cmocka_unit_test(test_refused_at_once),
        cmocka_unit_test(test_held_syns),
        cmocka_unit_test(test_in_the_middle),
        cmocka_unit_test(test_filtering),
        cmocka_unit_test(test_broken_segments),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
