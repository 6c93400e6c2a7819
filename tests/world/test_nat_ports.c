/* Port assignment (RFC 4787 section 4.2), pools, port blocks (RFC 6888), overloading, state of inbound-first
 * packets. */
#include "world/nat_rig.h"

#define S1 "198.51.100.1:3478"
#define S2 "198.51.100.2:3478"

static unsigned port_of(const char *text)
{
    return *text == '-' ? 0 : addr(text).port;
}

static void preservation_and_collisions(void **state)
{
    hp_nat_config c = hp_nat_config_default();
    g_autoptr(rig) next = rig_new(&c);
    assert_out(next, "192.168.1.2:5000", S1, "192.0.2.1:5000");
    assert_out(next, "192.168.1.2:5001", S1, "192.0.2.1:5001");
    assert_out(next, "192.168.1.3:5000", S1, "192.0.2.1:5002");
    assert_out(next, "192.168.1.2:65535", S1, "192.0.2.1:65535");
    assert_out(next, "192.168.1.3:65535", S1, "192.0.2.1:1024"); /* wraps */
    assert_out(next, "192.168.1.3:500", S1, "192.0.2.1:1025"); /* out of range */

    c.collision = HP_NAT_COLLISION_REFUSE;
    g_autoptr(rig) refuse = rig_new(&c);
    assert_out(refuse, "192.168.1.2:5000", S1, "192.0.2.1:5000");
    assert_out(refuse, "192.168.1.3:5000", S1, "-");
    assert_drop(refuse, 1, HP_DROP_NAT_NO_PORT);
    assert_int_equal(hp_nat_get_stats(refuse->nat).refused, 1);
    assert_out(refuse, "192.168.1.3:5001", S1, "192.0.2.1:5001");

    c.collision = HP_NAT_COLLISION_RANDOM;
    g_autoptr(rig) any = rig_new(&c);
    assert_out(any, "192.168.1.2:5000", S1, "192.0.2.1:5000");
    unsigned port = port_of(rig_out(any, "192.168.1.3:5000", S1));
    assert_in_range(port, 1024, 65535);
    assert_int_not_equal(port, 5000);
    assert_int_not_equal(port, 5001);
}

static void sequential_goes_on_and_wraps(void **state)
{
    hp_nat_config c = hp_nat_config_default();
    c.ports = HP_NAT_PORTS_SEQUENTIAL;
    c.udp_timeout = 10 * HP_S;
    c.port_range = (hp_port_range){40000, 40002};
    g_autoptr(rig) r = rig_new(&c);
    assert_out(r, "192.168.1.2:5000", S1, "192.0.2.1:40000");
    assert_out(r, "192.168.1.2:5001", S1, "192.0.2.1:40001");
    rig_until(r, 5 * HP_S);
    assert_out(r, "192.168.1.2:5002", S1, "192.0.2.1:40002");
    assert_out(r, "192.168.1.2:5003", S1, "-");
    assert_drop(r, 1, HP_DROP_NAT_NO_PORT);
    rig_until(r, 10 * HP_S);
    assert_out(r, "192.168.1.2:5003", S1, "192.0.2.1:40000");
    assert_out(r, "192.168.1.2:5004", S1, "192.0.2.1:40001");
}

static void random_ports_come_from_the_range_and_the_seed(void **state)
{
    hp_nat_config c = hp_nat_config_default();
    c.ports = HP_NAT_PORTS_RANDOM;
    c.port_range = (hp_port_range){50000, 50255};
    g_autoptr(rig) r = rig_new_seeded(7, &c, "192.0.2.1");
    g_autoptr(rig) same = rig_new_seeded(7, &c, "192.0.2.1");
    g_autoptr(rig) other = rig_new_seeded(8, &c, "192.0.2.1");
    bool taken[256] = {false};
    unsigned in_order = 0, equal_to_other = 0;
    for (unsigned i = 0, last = 0; i < 256; i++) {
        g_autofree char *src = g_strdup_printf("192.168.1.2:%u", 5000 + i);
        unsigned port = port_of(rig_out(r, src, S1));
        assert_in_range(port, 50000, 50255);
        assert_false(taken[port - 50000]);
        taken[port - 50000] = true;
        assert_int_equal(port_of(rig_out(same, src, S1)), port);
        equal_to_other += port_of(rig_out(other, src, S1)) == port;
        in_order += port == last + 1;
        last = port;
    }
    assert_true(in_order < 64);
    assert_true(equal_to_other < 16);
    assert_out(r, "192.168.1.2:9000", S1, "-");
    assert_drop(r, 1, HP_DROP_NAT_NO_PORT);
}

static void parity_is_kept(void **state)
{
    for (unsigned ports = 0; ports < 3; ports++) {
        hp_nat_config c = hp_nat_config_default();
        c.ports = (hp_nat_ports)ports;
        c.port_parity = true;
        c.port_range = (hp_port_range){3000, 3009};
        g_autoptr(rig) r = rig_new(&c);
        for (unsigned i = 0; i < 5; i++) {
            g_autofree char *even = g_strdup_printf("192.168.1.%u:5000", 2 + i);
            g_autofree char *odd = g_strdup_printf("192.168.1.%u:5001", 2 + i);
            assert_int_equal(port_of(rig_out(r, even, S1)) % 2, 0);
            assert_int_equal(port_of(rig_out(r, odd, S1)) % 2, 1);
        }
        assert_int_equal(hp_nat_get_stats(r->nat).mappings, 10);
        assert_out(r, "192.168.1.9:5000", S1, "-");
        assert_drop(r, 1, HP_DROP_NAT_NO_PORT);
    }
}

static void contiguity_keeps_neighbours(void **state)
{
    hp_nat_config c = hp_nat_config_default();
    c.ports = HP_NAT_PORTS_RANDOM;
    c.port_contiguity = true;
    c.port_parity = true;
    g_autoptr(rig) r = rig_new(&c);
    for (unsigned i = 0; i < 40; i++) {
        g_autofree char *rtp = g_strdup_printf("192.168.1.%u:6000", 2 + i);
        g_autofree char *rtcp = g_strdup_printf("192.168.1.%u:6001", 2 + i);
        /* RTCP may well be first. */
        unsigned first = port_of(rig_out(r, i % 2 ? rtcp : rtp, S1));
        unsigned second = port_of(rig_out(r, i % 2 ? rtp : rtcp, S1));
        assert_int_equal(i % 2 ? first : second, (i % 2 ? second : first) + 1);
    }

    /* Symmetric: the partner is the flow to the remote's neighbouring port. */
    c.mapping = HP_NAT_ADDRESS_AND_PORT_DEPENDENT;
    g_autoptr(rig) s = rig_new(&c);
    unsigned rtp = port_of(rig_out(s, "192.168.1.2:6000", "198.51.100.1:7000"));
    assert_int_equal(port_of(rig_out(s, "192.168.1.2:6001", "198.51.100.1:7001")), rtp + 1);

    /* Where the place is taken, RTCP goes elsewhere. */
    c = hp_nat_config_default();
    c.port_contiguity = true;
    c.port_range = (hp_port_range){6000, 6002};
    g_autoptr(rig) full = rig_new(&c);
    assert_out(full, "192.168.1.3:6001", S1, "192.0.2.1:6001");
    assert_out(full, "192.168.1.2:6000", S1, "192.0.2.1:6000");
    assert_out(full, "192.168.1.2:6001", S1, "192.0.2.1:6002");
}

static void well_known_ports_stay_apart(void **state)
{
    hp_nat_config c = hp_nat_config_default();
    c.well_known_apart = true;
    g_autoptr(rig) r = rig_new(&c);
    assert_out(r, "192.168.1.2:500", S1, "192.0.2.1:500");
    assert_out(r, "192.168.1.3:500", S1, "192.0.2.1:501");
    assert_out(r, "192.168.1.2:1023", S1, "192.0.2.1:1023");
    assert_out(r, "192.168.1.3:1023", S1, "192.0.2.1:1");
    assert_out(r, "192.168.1.2:65535", S1, "192.0.2.1:65535");
    assert_out(r, "192.168.1.3:65535", S1, "192.0.2.1:1024");

    c.ports = HP_NAT_PORTS_RANDOM;
    g_autoptr(rig) any = rig_new(&c);
    for (unsigned i = 0; i < 200; i++) {
        g_autofree char *low = g_strdup_printf("192.168.1.2:%u", 1 + i);
        g_autofree char *high = g_strdup_printf("192.168.1.2:%u", 2000 + i);
        assert_in_range(port_of(rig_out(any, low, S1)), 1, 1023);
        assert_in_range(port_of(rig_out(any, high, S1)), 1024, 65535);
    }
}

static void full_range_is_used_to_the_last_port(void **state)
{
    hp_nat_config c = hp_nat_config_default();
    g_autoptr(rig) r = rig_new(&c);
    hp_addr src = addr("10.0.0.1:40000"), dst = addr(S1);
    for (unsigned i = 0; i < 64512; i++) {
        src = hp_addr_plus(src, 1);
        rig_give(r, HP_NAT_INSIDE, hp_packet_new(HP_PROTO_UDP, &src, &dst, NULL, 0));
    }
    assert_int_equal(hp_nat_get_stats(r->nat).mappings, 64512);
    assert_out(r, "10.9.0.1:40000", S1, "192.0.2.1:40000"); /* the first of them: looked at, not sent again */
    assert_int_equal(hp_nat_get_stats(r->nat).refused, 1);
}

static void no_free_port_is_passed_over(void **state)
{
    hp_nat_config c = hp_nat_config_default();
    c.port_range = (hp_port_range){1024, 1535};
    c.udp_timeout = 10 * HP_S;
    g_autoptr(rig) r = rig_new(&c);
    for (unsigned port = 1024; port < 1280; port++) {
        g_autofree char *src = g_strdup_printf("192.168.1.2:%u", port);
        rig_out(r, src, S1);
    }
    assert_out(r, "192.168.1.3:1100", S1, "192.0.2.1:1280");
    rig_until(r, 5 * HP_S);
    for (unsigned port = 1024; port < 1280; port++) {
        g_autofree char *src = g_strdup_printf("192.168.1.2:%u", port);
        if (port != 1050)
            rig_out(r, src, S1);
    }
    for (unsigned port = 1280; port < 1536; port++) {
        g_autofree char *src = g_strdup_printf("192.168.1.4:%u", port);
        rig_out(r, src, S1);
    }
    rig_until(r, 10 * HP_S);
    assert_out(r, "192.168.1.5:1400", S1, "192.0.2.1:1050"); /* upwards and round */
    assert_out(r, "192.168.1.5:1401", S1, "192.0.2.1:1280"); /* the second host's, gone too */
    assert_out(r, "192.168.1.5:1402", S1, "-");
}

static void pools_paired_and_arbitrary(void **state)
{
    hp_nat_config c = hp_nat_config_default();
    g_autoptr(rig) paired = rig_new_seeded(1, &c, "192.0.2.1 192.0.2.2 192.0.2.3");
    hp_prefix prefix;
    assert_true(hp_prefix_parse("192.168.1.0/24", &prefix));
    hp_nat_add_inside_prefix(paired->nat, &prefix);
    /* By the host's number in its prefix, not by who came first. */
    assert_out(paired, "192.168.1.5:5000", S1, "192.0.2.3:5000");
    assert_out(paired, "192.168.1.3:5000", S1, "192.0.2.1:5000");
    assert_out(paired, "192.168.1.4:5000", S1, "192.0.2.2:5000");
    assert_out(paired, "192.168.1.5:5001", S2, "192.0.2.3:5001");
    assert_out(paired, "192.168.1.6:5000", S2, "192.0.2.1:5001");
    assert_in(paired, S1, "192.0.2.3:5000", "192.168.1.5:5000");
    assert_in(paired, S1, "192.0.2.2:5001", "-");

    c.pooling = HP_NAT_ARBITRARY;
    g_autoptr(rig) arbitrary = rig_new_seeded(1, &c, "192.0.2.1 192.0.2.2");
    assert_out(arbitrary, "192.168.1.2:5000", S1, "192.0.2.1:5000");
    assert_out(arbitrary, "192.168.1.2:5001", S1, "192.0.2.2:5001");
    assert_out(arbitrary, "192.168.1.2:5002", S1, "192.0.2.1:5002");
    /* Preservation on another address goes before another port. */
    assert_out(arbitrary, "192.168.1.3:5001", S1, "192.0.2.1:5001");
    assert_out(arbitrary, "192.168.1.3:5000", S1, "192.0.2.2:5000");

    g_autoptr(rig) both = rig_new_seeded(1, &c, "192.0.2.1 2001:db8:4e::1 192.0.2.2 2001:db8:4e::2");
    assert_out(both, "192.168.1.2:5000", S1, "192.0.2.1:5000");
    assert_out(both, "[fd00::2]:5000", "[2001:db8::1]:9", "[2001:db8:4e::1]:5000");
    assert_out(both, "192.168.1.2:5001", S1, "192.0.2.2:5001");
    assert_out(both, "[fd00::2]:5001", "[2001:db8::1]:9", "[2001:db8:4e::2]:5001");
}

static void a_large_pool_is_found_by_address(void **state)
{
    hp_nat_config c = hp_nat_config_default();
    c.pooling = HP_NAT_ARBITRARY;
    g_autoptr(rig) r = rig_new_seeded(1, &c, "192.0.2.1 192.0.2.2 192.0.2.3 192.0.2.4 192.0.2.5 192.0.2.6");
    for (unsigned i = 0; i < 12; i++) {
        g_autofree char *src = g_strdup_printf("192.168.1.2:%u", 5000 + i);
        g_autofree char *external = g_strdup_printf("192.0.2.%u:%u", 1 + i % 6, 5000 + i);
        assert_out(r, src, S1, external);
        assert_in(r, S1, external, src);
    }
    assert_in(r, S1, "192.0.2.7:5000", "-");
    assert_drop(r, 1, HP_DROP_NO_ROUTE);
}

static void port_blocks_belong_to_hosts(void **state)
{
    hp_nat_config c = hp_nat_config_default();
    c.port_range = (hp_port_range){10000, 10039};
    c.port_block = 10;
    c.ports = HP_NAT_PORTS_SEQUENTIAL;
    g_autoptr(rig) r = rig_new(&c);
    hp_prefix prefix;
    assert_true(hp_prefix_parse("100.64.0.0/16", &prefix));
    hp_nat_add_inside_prefix(r->nat, &prefix);

    assert_out(r, "100.64.0.2:5000", S1, "192.0.2.1:10020");
    assert_out(r, "100.64.0.1:5000", S1, "192.0.2.1:10010");
    assert_out(r, "100.64.0.2:5001", S1, "192.0.2.1:10021");
    for (unsigned i = 2; i < 10; i++) {
        g_autofree char *src = g_strdup_printf("100.64.0.2:%u", 5000 + i);
        assert_in_range(port_of(rig_out(r, src, S1)), 10022, 10029);
    }
    assert_out(r, "100.64.0.2:5010", S1, "-");
    assert_drop(r, 1, HP_DROP_NAT_NO_PORT);
    assert_out(r, "100.64.0.6:5000", S1, "192.0.2.1:10030"); /* 6 modulo 4 is taken: the next free block */
    assert_out(r, "100.64.0.10:5000", S1, "192.0.2.1:10000");
    assert_out(r, "100.64.0.11:5000", S1, "-");
    assert_drop(r, 2, HP_DROP_NAT_NO_PORT);

    /* A host that has gone quiet loses its block to one that needs it. */
    rig_until(r, 60 * HP_S);
    for (unsigned i = 2; i <= 10; i += 4) {
        g_autofree char *src = g_strdup_printf("100.64.0.%u:5000", i);
        rig_out(r, src, S1);
    }
    rig_until(r, 121 * HP_S);
    assert_out(r, "100.64.0.11:5000", S1, "192.0.2.1:10010");
    assert_out(r, "100.64.0.1:5000", S1, "-");
}

static void a_host_does_not_take_its_own_block_again(void **state)
{
    hp_nat_config c = hp_nat_config_default();
    c.port_range = (hp_port_range){5001, 5001};
    c.port_block = 1;
    c.port_blocks_per_host = 2;
    c.port_parity = true;
    g_autoptr(rig) r = rig_new(&c);
    assert_out(r, "100.64.0.2:6000", S1, "-");
    assert_drop(r, 1, HP_DROP_NAT_NO_PORT);
    assert_out(r, "100.64.0.2:6001", S1, "192.0.2.1:5001");
}

static void a_second_block_comes_when_the_first_is_full(void **state)
{
    hp_nat_config c = hp_nat_config_default();
    c.port_range = (hp_port_range){10000, 10015};
    c.port_block = 4;
    c.port_blocks_per_host = 2;
    g_autoptr(rig) r = rig_new_seeded(1, &c, "192.0.2.1 192.0.2.2");
    bool seen[16] = {false};
    for (unsigned i = 0; i < 8; i++) {
        g_autofree char *src = g_strdup_printf("100.64.0.2:%u", 5000 + i);
        g_autofree char *external = g_strdup(rig_out(r, src, S1));
        hp_addr e = addr(external), paired = addr("192.0.2.1");
        assert_true(hp_addr_same_ip(&e, &paired));
        assert_false(seen[e.port - 10000]);
        seen[e.port - 10000] = true;
        assert_in(r, S1, external, src);
    }
    assert_out(r, "100.64.0.2:5008", S1, "-");
    assert_drop(r, 1, HP_DROP_NAT_NO_PORT);
    unsigned blocks = 0;
    for (unsigned i = 0; i < 16; i += 4)
        blocks += seen[i] && seen[i + 1] && seen[i + 2] && seen[i + 3];
    assert_int_equal(blocks, 2);
}

static void overloading_shares_a_port_among_remotes(void **state)
{
    hp_nat_config c = hp_nat_config_default();
    c.mapping = HP_NAT_ADDRESS_AND_PORT_DEPENDENT;
    c.overload = true;
    g_autoptr(rig) r = rig_new(&c);
    assert_out(r, "192.168.1.2:5000", S1, "192.0.2.1:5000");
    assert_out(r, "192.168.1.2:5000", S2, "192.0.2.1:5000");
    assert_out(r, "192.168.1.3:5000", "198.51.100.3:1", "192.0.2.1:5000");
    assert_out(r, "192.168.1.3:5000", S1, "192.0.2.1:5001"); /* that tuple is taken */
    assert_in(r, S1, "192.0.2.1:5000", "192.168.1.2:5000");
    assert_in(r, S2, "192.0.2.1:5000", "192.168.1.2:5000");
    assert_in(r, "198.51.100.3:1", "192.0.2.1:5000", "192.168.1.3:5000");
    assert_in(r, S1, "192.0.2.1:5001", "192.168.1.3:5000");
    assert_in(r, "198.51.100.4:1", "192.0.2.1:5000", "-");
    assert_drop(r, 1, HP_DROP_NAT_FILTERED);

    c.mapping = HP_NAT_ADDRESS_DEPENDENT;
    c.filtering = HP_NAT_ADDRESS_DEPENDENT;
    g_autoptr(rig) a = rig_new(&c);
    assert_out(a, "192.168.1.2:5000", S1, "192.0.2.1:5000");
    assert_out(a, "192.168.1.3:5000", S2, "192.0.2.1:5000");
    assert_out(a, "192.168.1.3:5000", "198.51.100.1:1", "192.0.2.1:5001");
    assert_in(a, "198.51.100.1:99", "192.0.2.1:5000", "192.168.1.2:5000");
    assert_in(a, "198.51.100.2:99", "192.0.2.1:5000", "192.168.1.3:5000");
    assert_in(a, "198.51.100.3:99", "192.0.2.1:5000", "-");

    /* One flow of several ends; the others keep the port. */
    c.mapping = HP_NAT_ADDRESS_AND_PORT_DEPENDENT;
    c.udp_timeout = 10 * HP_S;
    g_autoptr(rig) e = rig_new(&c);
    assert_out(e, "192.168.1.2:5000", S1, "192.0.2.1:5000");
    assert_out(e, "192.168.1.2:5000", S2, "192.0.2.1:5000");
    assert_out(e, "192.168.1.2:5000", "198.51.100.3:3", "192.0.2.1:5000");
    rig_until(e, 5 * HP_S);
    assert_out(e, "192.168.1.2:5000", S1, "192.0.2.1:5000");
    assert_out(e, "192.168.1.2:5000", "198.51.100.3:3", "192.0.2.1:5000");
    rig_until(e, 12 * HP_S);
    assert_in(e, S1, "192.0.2.1:5000", "192.168.1.2:5000");
    assert_in(e, S2, "192.0.2.1:5000", "-");
    assert_in(e, "198.51.100.3:3", "192.0.2.1:5000", "192.168.1.2:5000");
    rig_until(e, 30 * HP_S);
    assert_int_equal(hp_nat_get_stats(e->nat).mappings, 0);
    assert_out(e, "192.168.1.9:5000", S1, "192.0.2.1:5000");
}

static void an_early_packet_steals_the_port(void **state)
{
    for (unsigned overload = 0; overload < 2; overload++) {
        hp_nat_config c = hp_nat_config_default();
        c.mapping = HP_NAT_ADDRESS_AND_PORT_DEPENDENT;
        c.overload = overload;
        c.inbound_first = true;
        c.udp_unreplied_timeout = 30 * HP_S;
        g_autoptr(rig) r = rig_new(&c);
        assert_in(r, "198.51.100.9:9", "192.0.2.1:5000", "-");
        assert_out(r, "192.168.1.2:5000", "198.51.100.9:9", "192.0.2.1:5001");
        if (overload)
            assert_out(r, "192.168.1.2:5000", S1, "192.0.2.1:5000"); /* another remote: nobody holds that tuple */
        assert_in(r, "198.51.100.9:9", "192.0.2.1:5000", "-");
        assert_in(r, "198.51.100.9:9", "192.0.2.1:5001", "192.168.1.2:5000");
    }
}

static void an_early_packet_moves_one_flow_of_an_endpoint_independent_mapping(void **state)
{
    hp_nat_config c = hp_nat_config_default();
    c.inbound_first = true;
    c.udp_unreplied_timeout = 30 * HP_S;
    g_autoptr(rig) r = rig_new(&c);
    assert_out(r, "192.168.1.2:5000", S1, "192.0.2.1:5000");
    assert_in(r, "198.51.100.9:9", "192.0.2.1:5000", "-");
    assert_drop(r, 1, HP_DROP_NAT_FILTERED);
    assert_out(r, "192.168.1.2:5000", "198.51.100.9:9", "192.0.2.1:5001");
    assert_out(r, "192.168.1.2:5000", "198.51.100.9:9", "192.0.2.1:5001");
    assert_out(r, "192.168.1.2:5000", S2, "192.0.2.1:5000");
    assert_in(r, "198.51.100.9:9", "192.0.2.1:5000", "-");
    assert_in(r, "198.51.100.9:9", "192.0.2.1:5001", "192.168.1.2:5000");
    /* A flow that was there first keeps its port. */
    assert_in(r, S1, "192.0.2.1:5000", "192.168.1.2:5000");
}

static void the_stolen_port_comes_back(void **state)
{
    hp_nat_config c = hp_nat_config_default();
    c.inbound_first = true;
    c.udp_unreplied_timeout = 30 * HP_S;
    g_autoptr(rig) r = rig_new(&c);
    assert_in(r, "198.51.100.9:9", "192.0.2.1:5000", "-");
    assert_in(r, "198.51.100.9:9", "192.0.2.1:6000", "-");
    rig_until(r, 10 * HP_S);
    assert_in(r, "198.51.100.9:9", "192.0.2.1:6000", "-"); /* refreshed */
    rig_until(r, 30 * HP_S - 1);
    assert_out(r, "192.168.1.2:5000", "198.51.100.9:9", "192.0.2.1:5001");
    rig_until(r, 30 * HP_S);
    assert_out(r, "192.168.1.3:5000", "198.51.100.9:9", "192.0.2.1:5000");
    assert_out(r, "192.168.1.2:6000", "198.51.100.9:9", "192.0.2.1:6001");
    rig_until(r, 40 * HP_S);
    assert_out(r, "192.168.1.3:6000", "198.51.100.9:9", "192.0.2.1:6000");

    c.inbound_first = false;
    g_autoptr(rig) off = rig_new(&c);
    assert_in(off, "198.51.100.9:9", "192.0.2.1:5000", "-");
    assert_out(off, "192.168.1.2:5000", "198.51.100.9:9", "192.0.2.1:5000");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(preservation_and_collisions),
        cmocka_unit_test(sequential_goes_on_and_wraps),
        cmocka_unit_test(random_ports_come_from_the_range_and_the_seed),
        cmocka_unit_test(parity_is_kept),
        cmocka_unit_test(contiguity_keeps_neighbours),
        cmocka_unit_test(well_known_ports_stay_apart),
        cmocka_unit_test(full_range_is_used_to_the_last_port),
        cmocka_unit_test(no_free_port_is_passed_over),
        cmocka_unit_test(pools_paired_and_arbitrary),
        cmocka_unit_test(a_large_pool_is_found_by_address),
        cmocka_unit_test(port_blocks_belong_to_hosts),
        cmocka_unit_test(a_host_does_not_take_its_own_block_again),
        cmocka_unit_test(a_second_block_comes_when_the_first_is_full),
        cmocka_unit_test(overloading_shares_a_port_among_remotes),
        cmocka_unit_test(an_early_packet_steals_the_port),
        cmocka_unit_test(an_early_packet_moves_one_flow_of_an_endpoint_independent_mapping),
        cmocka_unit_test(the_stolen_port_comes_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
