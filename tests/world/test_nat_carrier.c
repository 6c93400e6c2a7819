/* What a carrier's NAT has beyond a home router's: ports in quarantine, kinds of port blocks, a share for each protocol
 * (RFC 6888, RFC 7422). */
#include "world/nat_rig.h"

#define A "192.168.1.2:5000"
#define B "192.168.1.3:5000"
#define S "198.51.100.1:3478"

/* REQ-8: 120 s, to the nanosecond, for whoever asks. */
static void a_port_rests_after_its_mapping(void **state)
{
    hp_nat_config c = hp_nat_config_default();
    c.udp_timeout = 30 * HP_S;
    c.port_quarantine = 120 * HP_S;
    g_autoptr(rig) r = rig_new(&c);
    assert_out(r, A, S, "192.0.2.1:5000");
    rig_until(r, 30 * HP_S); /* ended */
    assert_out(r, A, S, "192.0.2.1:5001");
    assert_in(r, S, "192.0.2.1:5000", "-");
    assert_drop(r, 1, HP_DROP_NAT_NO_MAPPING);
    rig_until(r, 150 * HP_S - 1);
    assert_out(r, B, S, "192.0.2.1:5002"); /* 5001 ended at 60 s */
    rig_until(r, 150 * HP_S);
    assert_out(r, "192.168.1.4:5000", S, "192.0.2.1:5000");
    rig_until(r, 180 * HP_S - 1);
    assert_out(r, "192.168.1.5:5000", S, "192.0.2.1:5003");
    rig_until(r, 180 * HP_S);
    assert_out(r, "192.168.1.6:5000", S, "192.0.2.1:5001");
}

static void without_the_knob_a_port_is_free_at_once(void **state)
{
    hp_nat_config c = hp_nat_config_default();
    c.udp_timeout = 30 * HP_S;
    g_autoptr(rig) r = rig_new(&c);
    assert_out(r, A, S, "192.0.2.1:5000");
    rig_until(r, 30 * HP_S);
    assert_out(r, B, S, "192.0.2.1:5000");
}

/* REQ-8a: TCP is exempt, as its sessions are tracked, unless the knob says otherwise. */
static void tcp_is_exempt(void **state)
{
    for (unsigned too = 0; too < 2; too++) {
        hp_nat_config c = hp_nat_config_default();
        c.port_quarantine = 120 * HP_S;
        c.port_quarantine_tcp = too;
        c.tcp_rst = HP_NAT_RST_REMOVE;
        g_autoptr(rig) r = rig_new(&c);
        assert_tcp_out(r, A, S, SYN, "192.0.2.1:5000");
        assert_tcp_out(r, A, S, RST, "192.0.2.1:5000");
        assert_int_equal(hp_nat_get_stats(r->nat).mappings, 0);
        assert_tcp_out(r, A, S, SYN, too ? "192.0.2.1:5001" : "192.0.2.1:5000");
        assert_out(r, A, S, "192.0.2.1:5000"); /* UDP's port is another */
    }
}

/* REQ-8 holds for a loss of state too; new addresses have no past. */
static void a_reboot_does_not_end_it(void **state)
{
    hp_nat_config c = hp_nat_config_default();
    c.port_quarantine = 120 * HP_S;
    g_autoptr(rig) r = rig_new(&c);
    assert_out(r, A, S, "192.0.2.1:5000");
    rig_until(r, 10 * HP_S);
    hp_nat_reboot(r->nat);
    assert_out(r, A, S, "192.0.2.1:5001");
    hp_nat_rebind(r->nat, NULL); /* what is left then rests too */
    assert_out(r, A, S, "192.0.2.1:5002");
    assert_out(r, "192.168.1.3:5001", S, "192.0.2.1:5003");
    rig_until(r, 130 * HP_S);
    assert_out(r, "192.168.1.4:5000", S, "192.0.2.1:5000");
    hp_addr other = addr("192.0.2.9");
    hp_nat_renumber(r->nat, &other, 1);
    assert_out(r, A, S, "192.0.2.9:5000");
    c.port_quarantine = 0;
    hp_nat_configure(r->nat, &c, "quarantine");
    hp_nat_reboot(r->nat);
    assert_out(r, A, S, "192.0.2.9:5000");
}

/* REQ-8: the number of ports that wait must be configurable. */
static void the_number_of_ports_that_rest_is_limited(void **state)
{
    hp_nat_config c = hp_nat_config_default();
    c.udp_timeout = 30 * HP_S;
    c.port_quarantine = 1000 * HP_S;
    c.port_quarantine_max = 2;
    g_autoptr(rig) r = rig_new(&c);
    for (unsigned i = 0; i < 3; i++) {
        rig_until(r, i * HP_S);
        assert_out(r,
                   i == 0   ? "192.168.1.2:7000"
                   : i == 1 ? "192.168.1.2:7001"
                            : "192.168.1.2:7002",
                   S,
                   i == 0   ? "192.0.2.1:7000"
                   : i == 1 ? "192.0.2.1:7001"
                            : "192.0.2.1:7002");
    }
    rig_until(r, 40 * HP_S);
    assert_out(r, "192.168.1.3:7001", S, "192.0.2.1:7003");
    assert_out(r, "192.168.1.3:7000", S, "192.0.2.1:7000");
}

static void icmp_ids_rest_too(void **state)
{
    hp_nat_config c = hp_nat_config_default();
    c.icmp_timeout = HP_S;
    c.port_quarantine = 120 * HP_S;
    g_autoptr(rig) r = rig_new(&c);
    for (unsigned i = 0; i < 2; i++) {
        hp_addr from = addr("192.168.1.2:7"), to = addr("198.51.100.1:7");
        hp_packet *p = hp_packet_new(HP_PROTO_ICMP, &from, &to, "ping", 4);
        p->icmp_kind = HP_ICMP_ECHO_REQUEST;
        rig_give(r, HP_NAT_INSIDE, p);
        assert_int_equal(rig_got(r, HP_NAT_OUTSIDE)->src.port, 7 + i);
        rig_until(r, (i + 1) * HP_S);
    }
}

/* RFC 7422: the block follows from the host's address, whoever came first, and there is no second. */
static void deterministic_blocks(void **state)
{
    hp_nat_config c = hp_nat_config_default();
    c.ports = HP_NAT_PORTS_SEQUENTIAL;
    c.port_block = 4;
    c.port_blocks_per_host = 3; /* means nothing here */
    c.port_blocks = HP_NAT_BLOCKS_DETERMINISTIC;
    c.port_range = (hp_port_range){10000, 10015};
    g_autoptr(rig) r = rig_new(&c);
    hp_prefix prefix;
    assert_true(hp_prefix_parse("192.168.1.0/24", &prefix));
    hp_nat_add_inside_prefix(r->nat, &prefix);
    assert_out(r, "192.168.1.2:1", S, "192.0.2.1:10008");
    assert_out(r, "192.168.1.1:1", S, "192.0.2.1:10004");
    assert_out(r, "192.168.1.2:2", S, "192.0.2.1:10009");
    assert_out(r, "192.168.1.2:3", S, "192.0.2.1:10010");
    assert_out(r, "192.168.1.2:4", S, "192.0.2.1:10011");
    assert_out(r, "192.168.1.2:5", S, "-");
    assert_drop(r, 1, HP_DROP_NAT_NO_PORT);
    /* The sixth host would have the second one's block: there are but four. */
    assert_out(r, "192.168.1.6:1", S, "-");
    assert_drop(r, 2, HP_DROP_NAT_NO_PORT);
    /* TCP has the same block of ports of its own. */
    assert_tcp_out(r, "192.168.1.2:5", S, SYN, "192.0.2.1:10008");
}

static void dynamic_blocks(void **state)
{
    hp_nat_config c = hp_nat_config_default();
    c.ports = HP_NAT_PORTS_SEQUENTIAL;
    c.port_block = 4;
    c.port_blocks_per_host = 2;
    c.port_blocks = HP_NAT_BLOCKS_DYNAMIC;
    c.port_range = (hp_port_range){10000, 10011};
    c.udp_timeout = 30 * HP_S;
    g_autoptr(rig) r = rig_new(&c);
    assert_out(r, "192.168.1.78:1", S, "192.0.2.1:10000");
    rig_until(r, 10 * HP_S);
    assert_out(r, "192.168.1.3:1", S, "192.0.2.1:10004");
    for (unsigned i = 2; i <= 4; i++) {
        hp_packet *p = udp("192.168.1.3:1", S);
        p->src.port = (uint16_t)i;
        rig_give(r, HP_NAT_INSIDE, p);
        assert_int_equal(rig_got(r, HP_NAT_OUTSIDE)->src.port, 10003 + i);
    }
    assert_out(r, "192.168.1.3:5", S, "192.0.2.1:10008");
    assert_out(r, "192.168.1.9:1", S, "-"); /* none is left */
    rig_until(r, 30 * HP_S); /* the first host's only mapping ends, and with it its block */
    assert_out(r, "192.168.1.9:1", S, "192.0.2.1:10000");
    assert_out(r, "192.168.1.78:1", S, "-");
    /* Within the blocks: three ports are free for five mappings, and three for one. */
    assert_int_equal(hp_nat_rebind(r->nat, NULL), 4);
}

/* REQ-4b. */
static void a_share_for_each_protocol(void **state)
{
    hp_nat_config c = hp_nat_config_default();
    c.max_udp_per_host = 2;
    c.max_tcp_per_host = 1;
    c.max_icmp_per_host = 0;
    g_autoptr(rig) r = rig_new(&c);
    assert_out(r, "192.168.1.2:1025", S, "192.0.2.1:1025");
    assert_out(r, "192.168.1.2:1026", S, "192.0.2.1:1026");
    assert_out(r, "192.168.1.2:1027", S, "-");
    assert_drop(r, 1, HP_DROP_NAT_LIMIT);
    assert_tcp_out(r, "192.168.1.2:2000", S, SYN, "192.0.2.1:2000");
    assert_tcp_out(r, "192.168.1.2:2001", S, SYN, "-");
    assert_drop(r, 2, HP_DROP_NAT_LIMIT);
    assert_tcp_out(r, "192.168.1.2:2000", "198.51.100.2:1", SYN, "192.0.2.1:2000"); /* the same mapping */
    assert_out(r, "192.168.1.3:3000", S, "192.0.2.1:3000"); /* another host */

    /* What gives way is of the same protocol. */
    c.eviction = HP_NAT_EVICT_OLDEST;
    hp_nat_configure(r->nat, &c, "eviction");
    assert_tcp_out(r, "192.168.1.2:2001", S, SYN, "192.0.2.1:2001");
    assert_ended(r, 0, "evicted", 0);
    hp_record record;
    assert_true(rig_last(r, HP_RECORD_EVENT, HP_EV_NAT_MAPPING_ENDED, &record));
    assert_string_equal(hp_record_text(&record, "proto"), "tcp");
    assert_int_equal(hp_nat_get_stats(r->nat).tcp_sessions, 1);
    assert_int_equal(hp_nat_get_stats(r->nat).mappings, 4); /* older ones of UDP stay */
    c.eviction = HP_NAT_EVICT_LEAST_RECENT;
    hp_nat_configure(r->nat, &c, "eviction");
    rig_until(r, HP_S);
    assert_out(r, "192.168.1.2:1025", S, "192.0.2.1:1025");
    assert_out(r, "192.168.1.2:1028", S, "192.0.2.1:1028");
    assert_in(r, S, "192.0.2.1:1026", "-");
    assert_in(r, S, "192.0.2.1:1025", "192.168.1.2:1025");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_port_rests_after_its_mapping),
        cmocka_unit_test(without_the_knob_a_port_is_free_at_once),
        cmocka_unit_test(tcp_is_exempt),
        cmocka_unit_test(a_reboot_does_not_end_it),
        cmocka_unit_test(the_number_of_ports_that_rest_is_limited),
        cmocka_unit_test(icmp_ids_rest_too),
        cmocka_unit_test(deterministic_blocks),
        cmocka_unit_test(dynamic_blocks),
        cmocka_unit_test(a_share_for_each_protocol),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
