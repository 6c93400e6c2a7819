/* TCP's behaviours through a NAT: mapping, filtering, ports and hairpinning of its own, limits, changes at run time
 * (RFC 5382). */
#include "world/nat_rig.h"

#define A "192.168.1.2:5000"
#define B "192.168.1.3:6000"
#define S1 "198.51.100.1:443"
#define S2 "198.51.100.2:443"
#define E "192.0.2.1:5000"

static void handshake(rig *r)
{
    assert_tcp_out(r, A, S1, SYN, E);
    assert_tcp_in(r, S1, E, SYN_ACK, A);
    assert_tcp_out(r, A, S1, ACK, E);
    assert_tcp_state(r, A, S1, "established");
}

/* RFC 5382 REQ-3: from whom a mapping accepts connections. */
static void filtering_of_inbound_connections(void **state)
{
    static const struct {
        hp_nat_own_behaviour filtering;
        bool same_address, other_address;
    } cases[] = {
        {HP_NAT_OWN_ENDPOINT_INDEPENDENT, true, true},
        {HP_NAT_OWN_ADDRESS_DEPENDENT, true, false},
        {HP_NAT_OWN_ADDRESS_AND_PORT_DEPENDENT, false, false},
        {HP_NAT_OWN_CONNECTION_DEPENDENT, false, false},
    };
    for (unsigned i = 0; i < G_N_ELEMENTS(cases); i++) {
        hp_nat_config c = hp_nat_config_default();
        c.tcp_filtering = cases[i].filtering;
        g_autoptr(rig) r = rig_new(&c);
        handshake(r);
        assert_tcp_in(r, "198.51.100.1:999", E, SYN, cases[i].same_address ? A : "-");
        assert_tcp_in(r, "203.0.113.9:999", E, SYN, cases[i].other_address ? A : "-");
        assert_int_equal(hp_nat_get_stats(r->nat).tcp_sessions, 1u + cases[i].same_address + cases[i].other_address);
        if (cases[i].other_address) {
            assert_tcp_state(r, A, "203.0.113.9:999", "in-init");
            assert_tcp_out(r, A, "203.0.113.9:999", SYN_ACK, E);
            assert_tcp_in(r, "203.0.113.9:999", E, ACK, A);
            assert_tcp_state(r, A, "203.0.113.9:999", "established");
        }
    }
}

/* RFC 5382 REQ-1, REQ-3b: TCP's behaviours may differ from UDP's, and do not touch them (RFC 7857 section 5). */
static void tcp_behaves_for_itself(void **state)
{
    hp_nat_config c = hp_nat_config_default();
    c.tcp_mapping = HP_NAT_OWN_ADDRESS_AND_PORT_DEPENDENT;
    c.tcp_filtering = HP_NAT_OWN_ENDPOINT_INDEPENDENT;
    c.tcp_ports = HP_NAT_OWN_PORTS_SEQUENTIAL;
    g_autoptr(rig) r = rig_new(&c);
    assert_tcp_out(r, A, S1, SYN, "192.0.2.1:1024");
    assert_tcp_out(r, A, S2, SYN, "192.0.2.1:1025");
    assert_out(r, A, S1, E);
    assert_out(r, A, S2, E);
    assert_tcp_in(r, "203.0.113.9:9", "192.0.2.1:1025", SYN, A);
    assert_in(r, "203.0.113.9:9", E, "-");
    assert_tcp_in(r, S1, E, SYN, "-"); /* UDP's port is not TCP's */
    assert_int_equal(hp_nat_get_stats(r->nat).mappings, 3);
}

static void tcp_overloads_for_itself(void **state)
{
    for (unsigned yes = 0; yes < 2; yes++) {
        hp_nat_config c = hp_nat_config_default();
        c.mapping = HP_NAT_ADDRESS_AND_PORT_DEPENDENT;
        c.overload = !yes;
        c.tcp_overload = yes ? HP_NAT_CHOICE_YES : HP_NAT_CHOICE_NO;
        g_autoptr(rig) r = rig_new(&c);
        assert_tcp_out(r, A, S1, SYN, E);
        assert_tcp_out(r, "192.168.1.3:5000", S2, SYN, yes ? E : "192.0.2.1:5001");
        assert_out(r, A, S1, E);
        assert_out(r, "192.168.1.3:5000", S2, yes ? "192.0.2.1:5001" : E);
        if (yes) {
            assert_tcp_in(r, S2, E, SYN_ACK, "192.168.1.3:5000");
            assert_tcp_in(r, S1, E, SYN_ACK, A);
        }
    }
}

static void port_parity_for_itself(void **state)
{
    hp_nat_config c = hp_nat_config_default();
    c.ports = HP_NAT_PORTS_SEQUENTIAL;
    c.tcp_port_parity = HP_NAT_CHOICE_YES;
    g_autoptr(rig) r = rig_new(&c);
    assert_tcp_out(r, "192.168.1.2:5001", S1, SYN, "192.0.2.1:1025");
    assert_tcp_out(r, "192.168.1.2:5003", S1, SYN, "192.0.2.1:1027");
    assert_out(r, "192.168.1.2:5001", S1, "192.0.2.1:1024");
}

static void session_limits(void **state)
{
    static const hp_nat_eviction evictions[] = {HP_NAT_EVICT_REFUSE, HP_NAT_EVICT_OLDEST};
    for (unsigned i = 0; i < G_N_ELEMENTS(evictions); i++) {
        hp_nat_config c = hp_nat_config_default();
        c.max_sessions_per_mapping = 2;
        c.eviction = evictions[i];
        g_autoptr(rig) r = rig_new(&c);
        assert_tcp_out(r, A, S1, SYN, E);
        assert_tcp_out(r, A, S2, SYN, E);
        assert_tcp_out(r, A, "198.51.100.3:443", SYN, i == 0 ? "-" : E);
        if (i == 0)
            assert_drop(r, 1, HP_DROP_NAT_LIMIT);
        assert_tcp_state(r, A, S1, i == 0 ? "out-init" : "closed");
        assert_int_equal(hp_nat_get_stats(r->nat).tcp_sessions, 2);
        assert_int_equal(hp_nat_get_stats(r->nat).mappings, 1);
    }
}

static void hairpin_is_two_sessions(void **state)
{
    hp_nat_config c = hp_nat_config_default();
    c.tcp_hairpin = HP_NAT_OWN_HAIRPIN_EXTERNAL_SOURCE; /* RFC 5382 REQ-8; UDP has none here */
    g_autoptr(rig) r = rig_new(&c);
    hp_addr from = addr(E), b = addr(B);
    assert_tcp_out(r, B, S1, SYN, "192.0.2.1:6000");
    rig_give(r, HP_NAT_INSIDE, tcp_at(A, "192.0.2.1:6000", SYN, 1, 0));
    const hp_packet *p = rig_got(r, HP_NAT_INSIDE);
    assert_true(hp_addr_equal(&p->src, &from) && hp_addr_equal(&p->dst, &b));
    assert_tcp_state(r, A, "192.0.2.1:6000", "out-init");
    assert_tcp_state(r, B, E, "in-init");
    rig_give(r, HP_NAT_INSIDE, tcp_at(B, E, SYN_ACK, 7, 2));
    rig_give(r, HP_NAT_INSIDE, tcp_at(A, "192.0.2.1:6000", ACK, 2, 8));
    assert_tcp_state(r, A, "192.0.2.1:6000", "established");
    assert_tcp_state(r, B, E, "established");
    assert_int_equal(hp_nat_get_stats(r->nat).hairpinned, 3);
    assert_out(r, B, S1, "192.0.2.1:6000");
    rig_give(r, HP_NAT_INSIDE, udp(A, "192.0.2.1:6000"));
    assert_drop(r, 1, HP_DROP_NAT_NO_HAIRPIN);

    /* A RST ends both. */
    c.tcp_rst = HP_NAT_RST_REMOVE;
    hp_nat_configure(r->nat, &c, "rst");
    rig_give(r, HP_NAT_INSIDE, tcp_at(A, "192.0.2.1:6000", RST, 2, 0));
    assert_tcp_state(r, A, "192.0.2.1:6000", "closed");
    assert_tcp_state(r, B, E, "closed");
    assert_tcp_state(r, B, S1, "out-init");
}

static void hairpin_may_be_filtered_or_to_itself(void **state)
{
    hp_nat_config c = hp_nat_config_default();
    c.hairpin = HP_NAT_HAIRPIN_EXTERNAL_SOURCE;
    c.hairpin_filtered = true;
    g_autoptr(rig) r = rig_new(&c);
    assert_tcp_out(r, B, S1, SYN, "192.0.2.1:6000");
    rig_give(r, HP_NAT_INSIDE, tcp_at(A, "192.0.2.1:6000", SYN, 1, 0));
    assert_null(rig_got(r, HP_NAT_INSIDE));
    assert_drop(r, 1, HP_DROP_NAT_FILTERED);
    /* Through the mapping that the dropped SYN made. */
    rig_give(r, HP_NAT_INSIDE, tcp_at(B, E, SYN, 1, 0));
    assert_non_null(rig_got(r, HP_NAT_INSIDE));
    assert_tcp_state(r, A, "192.0.2.1:6000", "handshake");
    /* A host that connects to its own external address meets itself (RFC 9293 figure 8). */
    rig_give(r, HP_NAT_INSIDE, tcp_at(B, "192.0.2.1:6000", SYN, 1, 0));
    rig_give(r, HP_NAT_INSIDE, tcp_at(B, "192.0.2.1:6000", SYN_ACK, 1, 2));
    assert_tcp_state(r, B, "192.0.2.1:6000", "established");
    rig_give(r, HP_NAT_INSIDE, tcp_at(A, "192.0.2.1:7777", SYN, 1, 0));
    assert_drop(r, 2, HP_DROP_NAT_NO_MAPPING);
}

static void knobs_and_reboots_at_run_time(void **state)
{
    hp_nat_config c = hp_nat_config_default();
    g_autoptr(rig) r = rig_new(&c);
    handshake(r);
    rig_until(r, 50 * HP_S);
    c.tcp_established_timeout = 100 * HP_S; /* from the last refresh on */
    hp_nat_configure(r->nat, &c, "timeout");
    rig_until(r, 100 * HP_S - 1);
    assert_tcp_state(r, A, S1, "established");
    assert_int_equal(hp_nat_rebind(r->nat, NULL), 1);
    assert_tcp_in(r, S1, E, ACK, "-");
    assert_tcp_out(r, A, S1, ACK, "192.0.2.1:5001");
    assert_tcp_state(r, A, S1, "established");
    hp_nat_reboot(r->nat);
    assert_ended(r, 100 * HP_S - 1, "reboot", 0);
    assert_tcp_state(r, A, S1, "closed");
    assert_tcp_out(r, A, S1, ACK, "-");
    c.max_lifetime = 10 * HP_S;
    hp_nat_configure(r->nat, &c, "lifetime");
    assert_tcp_out(r, A, S1, SYN, E);
    rig_until(r, 110 * HP_S);
    assert_ended(r, 110 * HP_S - 1, "lifetime", 10 * HP_S);
    assert_int_equal(hp_nat_get_stats(r->nat).tcp_sessions, 0);
}

static void blocked_ttl_and_broken_segments(void **state)
{
    static const hp_port_range web[] = {{443, 443}};
    hp_nat_config c = hp_nat_config_default();
    c.blocked = (hp_port_range *)web;
    c.n_blocked = 1;
    g_autoptr(rig) r = rig_new(&c);
    assert_tcp_out(r, A, S1, SYN, "-");
    assert_drop(r, 1, HP_DROP_NAT_BLOCKED);
    assert_tcp_out(r, A, "198.51.100.1:80", SYN, E);
    hp_packet *p = tcp_at("198.51.100.1:80", E, SYN_ACK, 1, 1);
    p->ttl = 1;
    rig_give(r, HP_NAT_OUTSIDE, p);
    assert_drop(r, 2, HP_DROP_TTL);
    assert_int_equal(rig_got(r, HP_NAT_OUTSIDE)->icmp_kind, HP_ICMP_TTL_EXCEEDED);
    assert_tcp_state(r, A, "198.51.100.1:80", "out-init");
    p = tcp_at("198.51.100.1:80", E, RST_ACK, 0, IN_SEQ + 1);
    p->corrupt = true;
    rig_give(r, HP_NAT_OUTSIDE, p); /* for the host to drop */
    assert_true(rig_got(r, HP_NAT_INSIDE)->corrupt);
    assert_tcp_state(r, A, "198.51.100.1:80", "out-init");
    p = tcp_at(A, "198.51.100.2:80", SYN, 1, 0);
    p->corrupt = true;
    rig_give(r, HP_NAT_INSIDE, p);
    assert_drop(r, 3, HP_DROP_CORRUPT);
    p = tcp_at(A, "198.51.100.2:80", SYN, 1, 0);
    p->length = 15;
    rig_give(r, HP_NAT_INSIDE, p);
    assert_drop(r, 4, HP_DROP_CORRUPT);

    c.block_tcp = true;
    c.answers_blocked = true;
    hp_nat_configure(r->nat, &c, "block");
    assert_tcp_out(r, A, "198.51.100.1:80", ACK, "-");
    assert_drop(r, 5, HP_DROP_NAT_BLOCKED);
    assert_out(r, A, "198.51.100.1:80", E);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(filtering_of_inbound_connections),
        cmocka_unit_test(tcp_behaves_for_itself),
        cmocka_unit_test(tcp_overloads_for_itself),
        cmocka_unit_test(port_parity_for_itself),
        cmocka_unit_test(session_limits),
        cmocka_unit_test(hairpin_is_two_sessions),
        cmocka_unit_test(hairpin_may_be_filtered_or_to_itself),
        cmocka_unit_test(knobs_and_reboots_at_run_time),
        cmocka_unit_test(blocked_ttl_and_broken_segments),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
