/* Limits and eviction, blocking, changes at run time, NATs in a row. */
#include "world/nat_rig.h"

#define A "192.168.1.2:5000"
#define A2 "192.168.1.2:5001"
#define A3 "192.168.1.2:5002"
#define B "192.168.1.3:6000"
#define S1 "198.51.100.1:3478"
#define S2 "198.51.100.2:3478"

static void limits(hp_nat_eviction eviction, bool per_host, const char *third, bool a_lives, bool a2_lives)
{
    hp_nat_config c = hp_nat_config_default();
    c.eviction = eviction;
    if (per_host)
        c.max_mappings_per_host = 2;
    else
        c.max_mappings = per_host ? 0 : 3;
    g_autoptr(rig) r = rig_new(&c);
    assert_out(r, B, S1, "192.0.2.1:6000");
    rig_until(r, 1 * HP_S);
    assert_out(r, A, S1, "192.0.2.1:5000");
    rig_until(r, 2 * HP_S);
    assert_out(r, A2, S1, "192.0.2.1:5001");
    rig_until(r, 3 * HP_S);
    assert_out(r, A, S1, "192.0.2.1:5000"); /* older, but used later */
    assert_out(r, B, S1, "192.0.2.1:6000");
    rig_until(r, 4 * HP_S);
    assert_out(r, A3, S1, third);
    if (*third == '-') {
        assert_drop(r, 1, HP_DROP_NAT_LIMIT);
        assert_int_equal(hp_nat_get_stats(r->nat).refused, 1);
    } else {
        assert_int_equal(hp_nat_get_stats(r->nat).evicted, 1);
        hp_record record;
        assert_true(rig_last(r, HP_RECORD_EVENT, HP_EV_NAT_MAPPING_ENDED, &record));
        assert_string_equal(hp_record_text(&record, "reason"), "evicted");
        assert_int_equal(record.at, 4 * HP_S);
    }
    hp_addr a = addr(A), a2 = addr(A2), s = addr(S1), external;
    assert_int_equal(hp_nat_lookup(r->nat, HP_PROTO_UDP, &a, &s, &external), a_lives);
    assert_int_equal(hp_nat_lookup(r->nat, HP_PROTO_UDP, &a2, &s, &external), a2_lives);
    assert_int_equal(hp_nat_get_stats(r->nat).mappings, 3);
}

static void limits_refuse_or_evict(void **state)
{
    limits(HP_NAT_EVICT_REFUSE, true, "-", true, true);
    limits(HP_NAT_EVICT_OLDEST, true, "192.0.2.1:5002", false, true);
    limits(HP_NAT_EVICT_LEAST_RECENT, true, "192.0.2.1:5002", true, false);
    limits(HP_NAT_EVICT_REFUSE, false, "-", true, true);
    limits(HP_NAT_EVICT_OLDEST, false, "192.0.2.1:5002", true, true); /* B's was the oldest of all */
    limits(HP_NAT_EVICT_LEAST_RECENT, false, "192.0.2.1:5002", true, false);
}

static void a_lower_limit_bites_at_the_next_birth(void **state)
{
    hp_nat_config c = hp_nat_config_default();
    c.eviction = HP_NAT_EVICT_OLDEST;
    g_autoptr(rig) r = rig_new(&c);
    for (unsigned i = 0; i < 10; i++) {
        g_autofree char *src = g_strdup_printf("192.168.1.2:%u", 5000 + i);
        rig_out(r, src, S1);
    }
    c.max_mappings_per_host = 4;
    hp_nat_configure(r->nat, &c, "max-mappings-per-host");
    assert_int_equal(hp_nat_get_stats(r->nat).mappings, 10);
    assert_out(r, B, S1, "192.0.2.1:6000");
    assert_int_equal(hp_nat_get_stats(r->nat).mappings, 11);
    assert_out(r, "192.168.1.2:5010", S1, "192.0.2.1:5010");
    assert_int_equal(hp_nat_get_stats(r->nat).mappings, 5);
    assert_in(r, S1, "192.0.2.1:5006", "-");
    assert_in(r, S1, "192.0.2.1:5007", "192.168.1.2:5007");
}

static void limits_answer_when_told_to(void **state)
{
    hp_nat_config c = hp_nat_config_default();
    c.max_mappings = 1;
    c.answers_blocked = true;
    g_autoptr(rig) r = rig_new(&c);
    assert_out(r, A, S1, "192.0.2.1:5000");
    assert_out(r, B, S1, "-");
    assert_int_equal(rig_got(r, HP_NAT_INSIDE)->icmp_kind, HP_ICMP_HOST_UNREACHABLE);

    c.answers_blocked = false;
    g_autoptr(rig) silent = rig_new(&c);
    assert_out(silent, A, S1, "192.0.2.1:5000");
    assert_out(silent, B, S1, "-");
    assert_null(rig_got(silent, HP_NAT_INSIDE));
}

static void udp_and_ports_are_blocked(void **state)
{
    hp_nat_config c = hp_nat_config_default();
    hp_port_range ranges[] = {{3478, 3479}, {19302, 19302}};
    c.blocked = ranges;
    c.n_blocked = G_N_ELEMENTS(ranges);
    g_autoptr(rig) r = rig_new(&c);
    ranges[0] = (hp_port_range){1, 1}; /* the NAT has copied them */
    assert_out(r, A, "198.51.100.1:3477", "192.0.2.1:5000");
    assert_out(r, A, "198.51.100.1:3478", "-");
    assert_drop(r, 1, HP_DROP_NAT_BLOCKED);
    assert_out(r, A, "198.51.100.1:3479", "-");
    assert_out(r, A, "198.51.100.1:3480", "192.0.2.1:5000");
    assert_out(r, A, "198.51.100.1:19302", "-");
    assert_null(rig_got(r, HP_NAT_INSIDE));

    hp_nat_configure(r->nat, hp_nat_get_config(r->nat), "nothing"); /* its own settings may be given back */
    assert_out(r, A, "198.51.100.1:3479", "-");
    assert_drop(r, 4, HP_DROP_NAT_BLOCKED);

    c = hp_nat_config_default();
    c.block_udp = true;
    c.answers_blocked = true;
    hp_nat_configure(r->nat, &c, "block-udp");
    assert_out(r, A, "198.51.100.1:3477", "-");
    assert_drop(r, 5, HP_DROP_NAT_BLOCKED);
    const hp_packet *error = rig_got(r, HP_NAT_INSIDE);
    assert_int_equal(error->icmp_kind, HP_ICMP_ADMIN_PROHIBITED);
    hp_addr a = addr("192.168.1.2"), own = addr("192.0.2.1"); /* it has no inside address */
    assert_true(hp_addr_equal(&error->dst, &a) && hp_addr_equal(&error->src, &own));
}

static void reboot_forgets_everything(void **state)
{
    hp_nat_config c = hp_nat_config_default();
    c.ports = HP_NAT_PORTS_SEQUENTIAL;
    c.inbound_first = true;
    g_autoptr(rig) r = rig_new(&c);
    assert_out(r, A, S1, "192.0.2.1:1024");
    assert_out(r, B, S1, "192.0.2.1:1025");
    assert_in(r, S2, "192.0.2.1:1026", "-");
    rig_until(r, 3 * HP_S);
    hp_nat_reboot(r->nat);
    assert_ended(r, 3 * HP_S, "reboot", 3 * HP_S);
    assert_int_equal(rig_count(r, HP_EV_NAT_MAPPING_ENDED), 2);
    hp_record record;
    assert_true(rig_last(r, HP_RECORD_EVENT, HP_EV_NAT_CHANGED, &record));
    assert_string_equal(hp_record_text(&record, "what"), "reboot");
    assert_in(r, S1, "192.0.2.1:1024", "-");
    assert_out(r, B, S1, "192.0.2.1:1025"); /* S1's packet holds 1024 since; S2's hold on 1026 is forgotten */
    assert_out(r, A, S2, "192.0.2.1:1026");
    assert_int_equal(hp_nat_get_stats(r->nat).mappings, 2);
    rig_until(r, 500 * HP_S);
    assert_int_equal(hp_nat_get_stats(r->nat).mappings, 0);
}

static void renumber_changes_the_address(void **state)
{
    hp_nat_config c = hp_nat_config_default();
    g_autoptr(rig) r = rig_new(&c);
    hp_addr now = addr("192.0.2.77");
    assert_out(r, A, S1, "192.0.2.1:5000");
    rig_until(r, HP_S);
    hp_nat_renumber(r->nat, &now, 1);
    assert_ended(r, HP_S, "renumber", HP_S);
    assert_in(r, S1, "192.0.2.1:5000", "-");
    assert_drop(r, 1, HP_DROP_NO_ROUTE);
    assert_out(r, A, S1, "192.0.2.77:5000");
    assert_in(r, S1, "192.0.2.77:5000", A);
}

static void rebind_moves_ports_and_keeps_filters(void **state)
{
    hp_nat_config c = hp_nat_config_default();
    g_autoptr(rig) r = rig_new(&c);
    hp_addr host = addr("192.168.1.2");
    assert_out(r, A, S1, "192.0.2.1:5000");
    assert_out(r, A2, S1, "192.0.2.1:5001");
    assert_out(r, A, S2, "192.0.2.1:5000");
    assert_out(r, B, S1, "192.0.2.1:6000");
    rig_until(r, 2 * HP_S);
    assert_int_equal(hp_nat_rebind(r->nat, &host), 2);
    assert_ended(r, 2 * HP_S, "rebind", 2 * HP_S);
    assert_int_equal(rig_count(r, HP_EV_NAT_MAPPING_ENDED), 2);
    assert_int_equal(rig_count(r, HP_EV_NAT_MAPPING), 5);
    /* Neither takes the port that the other has just left. */
    assert_in(r, S1, "192.0.2.1:5000", "-");
    assert_in(r, S1, "192.0.2.1:5001", "-");
    assert_in(r, S2, "192.0.2.1:5002", A);
    assert_in(r, S1, "192.0.2.1:5002", A);
    assert_in(r, S1, "192.0.2.1:5003", A2);
    assert_in(r, "198.51.100.3:1", "192.0.2.1:5002", "-");
    assert_in(r, S1, "192.0.2.1:6000", B);
    assert_out(r, A, S1, "192.0.2.1:5002");
    /* And both are free again. */
    assert_out(r, "192.168.1.9:5000", S1, "192.0.2.1:5000");
    assert_out(r, "192.168.1.9:5001", S1, "192.0.2.1:5001");
    assert_int_equal(hp_nat_rebind(r->nat, NULL), 5);
    rig_until(r, 500 * HP_S);
    assert_int_equal(hp_nat_get_stats(r->nat).mappings, 0);
    assert_int_equal(rig_count(r, HP_EV_NAT_MAPPING), rig_count(r, HP_EV_NAT_MAPPING_ENDED));
}

static void rebind_of_overloaded_flows_keeps_them_apart(void **state)
{
    hp_nat_config c = hp_nat_config_default();
    c.mapping = HP_NAT_ADDRESS_AND_PORT_DEPENDENT;
    c.overload = true;
    g_autoptr(rig) r = rig_new(&c);
    hp_addr host = addr("192.168.1.2");
    assert_out(r, A, S1, "192.0.2.1:5000");
    assert_out(r, A, S2, "192.0.2.1:5000");
    assert_out(r, "192.168.1.3:5000", "198.51.100.3:3", "192.0.2.1:5000");
    assert_int_equal(hp_nat_rebind(r->nat, &host), 2);
    assert_in(r, S1, "192.0.2.1:5000", "-");
    assert_in(r, S1, "192.0.2.1:5001", A);
    assert_in(r, S2, "192.0.2.1:5001", A);
    assert_in(r, "198.51.100.3:3", "192.0.2.1:5000", "192.168.1.3:5000");
    assert_in(r, "198.51.100.3:3", "192.0.2.1:5001", "-");
}

static void rebind_without_room_leaves_a_mapping(void **state)
{
    hp_nat_config c = hp_nat_config_default();
    c.port_range = (hp_port_range){5000, 5000};
    g_autoptr(rig) r = rig_new(&c);
    assert_out(r, A, S1, "192.0.2.1:5000");
    assert_int_equal(hp_nat_rebind(r->nat, NULL), 0);
    assert_in(r, S1, "192.0.2.1:5000", A);

    c.port_range.last = 5002;
    hp_nat_configure(r->nat, &c, "port-range");
    assert_out(r, A2, S1, "192.0.2.1:5001");
    assert_int_equal(hp_nat_rebind(r->nat, NULL), 1); /* the port that the first has left is not for the second */
    assert_in(r, S1, "192.0.2.1:5002", A);
    assert_in(r, S1, "192.0.2.1:5001", A2);
    assert_in(r, S1, "192.0.2.1:5000", "-");
}

static void mapping_behaviour_may_change(void **state)
{
    hp_nat_config c = hp_nat_config_default();
    g_autoptr(rig) r = rig_new(&c);
    assert_out(r, A, S1, "192.0.2.1:5000");
    c.mapping = HP_NAT_ADDRESS_AND_PORT_DEPENDENT;
    hp_nat_configure(r->nat, &c, "mapping");
    hp_record record;
    assert_true(rig_last(r, HP_RECORD_EVENT, HP_EV_NAT_CHANGED, &record));
    assert_string_equal(hp_record_text(&record, "what"), "mapping");
    assert_out(r, A, S1, "192.0.2.1:5000"); /* a flow under way goes on */
    assert_out(r, A, S2, "192.0.2.1:5001"); /* a new one obeys */
    assert_in(r, S1, "192.0.2.1:5000", A);
    c.mapping = HP_NAT_ENDPOINT_INDEPENDENT;
    c.overload = true;
    hp_nat_configure(r->nat, &c, NULL);
    assert_out(r, A, S2, "192.0.2.1:5001");
    assert_out(r, A, "198.51.100.3:3", "192.0.2.1:5000");
    assert_in(r, S2, "192.0.2.1:5001", A);
    assert_in(r, S2, "192.0.2.1:5000", "-");
}

static void overloading_may_be_switched_on(void **state)
{
    hp_nat_config c = hp_nat_config_default();
    c.mapping = HP_NAT_ADDRESS_AND_PORT_DEPENDENT;
    g_autoptr(rig) r = rig_new(&c);
    assert_out(r, A, S1, "192.0.2.1:5000");
    c.overload = true;
    hp_nat_configure(r->nat, &c, "overload");
    assert_out(r, "192.168.1.3:5000", S2, "192.0.2.1:5000");
    assert_in(r, S1, "192.0.2.1:5000", A);
    assert_in(r, S2, "192.0.2.1:5000", "192.168.1.3:5000");
    c.overload = false;
    hp_nat_configure(r->nat, &c, "overload");
    assert_in(r, S1, "192.0.2.1:5000", A);
    assert_in(r, S2, "192.0.2.1:5000", "192.168.1.3:5000");
    rig_until(r, 500 * HP_S);
    assert_int_equal(hp_nat_get_stats(r->nat).mappings, 0);
}

static void kinds_do_not_share_a_port(void **state)
{
    hp_nat_config c = hp_nat_config_default();
    g_autoptr(rig) r = rig_new(&c);
    assert_out(r, A, S1, "192.0.2.1:5000");
    c.mapping = HP_NAT_ADDRESS_AND_PORT_DEPENDENT;
    c.overload = true;
    hp_nat_configure(r->nat, &c, "overload");
    assert_out(r, "192.168.1.3:5000", S2, "192.0.2.1:5001"); /* 5000 belongs to A for all remotes */
    assert_out(r, "192.168.1.3:5000", S1, "192.0.2.1:5001");
    c.mapping = HP_NAT_ADDRESS_DEPENDENT;
    hp_nat_configure(r->nat, &c, "mapping");
    assert_out(r, "192.168.1.4:5001", "198.51.100.2:1", "192.0.2.1:5002"); /* S2's address is in use there */
    assert_out(r, "192.168.1.4:5001", "198.51.100.3:1", "192.0.2.1:5001");
}

static void two_layers_compose(void **state)
{
    hp_nat_config home = hp_nat_config_default(), carrier = hp_nat_config_default();
    carrier.filtering = HP_NAT_ENDPOINT_INDEPENDENT;
    carrier.ports = HP_NAT_PORTS_SEQUENTIAL;
    carrier.udp_timeout = 60 * HP_S;
    g_autoptr(rig) r = rig_new_seeded(1, &home, "100.64.0.10");
    hp_nat *cgn = hp_nat_new(r->world, "cgn", &carrier);
    hp_addr external = addr("192.0.2.1"), expected = addr("192.0.2.1:1024"), got;
    hp_nat_set_external(cgn, &external, 1);
    hp_node_connect(hp_nat_node(r->nat), HP_NAT_OUTSIDE, hp_nat_node(cgn), HP_NAT_INSIDE);
    hp_node_connect(hp_nat_node(cgn), HP_NAT_INSIDE, hp_nat_node(r->nat), HP_NAT_OUTSIDE);
    hp_node_connect(hp_nat_node(cgn), HP_NAT_OUTSIDE, &r->out->node, 0);

    rig_give(r, HP_NAT_INSIDE, udp(A, S1));
    const hp_packet *p = rig_got(r, HP_NAT_OUTSIDE);
    assert_true(hp_addr_equal(&p->src, &expected));
    assert_int_equal(p->ttl, 62);
    hp_addr between = addr("100.64.0.10:5000"), s = addr(S1);
    assert_true(hp_nat_lookup(cgn, HP_PROTO_UDP, &between, &s, &got));

    hp_node *outer = hp_nat_node(cgn);
    outer->ops->receive(outer, HP_NAT_OUTSIDE, udp(S1, "192.0.2.1:1024"));
    hp_addr a = addr(A);
    assert_true(hp_addr_equal(&rig_got(r, HP_NAT_INSIDE)->dst, &a));
    outer->ops->receive(outer, HP_NAT_OUTSIDE, udp(S2, "192.0.2.1:1024"));
    assert_null(rig_got(r, HP_NAT_INSIDE));
    assert_drop(r, 1, HP_DROP_NAT_FILTERED); /* at home, not at the carrier */

    rig_until(r, 60 * HP_S);
    assert_int_equal(hp_nat_get_stats(cgn).mappings, 0);
    assert_int_equal(hp_nat_get_stats(r->nat).mappings, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(limits_refuse_or_evict),
        cmocka_unit_test(a_lower_limit_bites_at_the_next_birth),
        cmocka_unit_test(limits_answer_when_told_to),
        cmocka_unit_test(udp_and_ports_are_blocked),
        cmocka_unit_test(reboot_forgets_everything),
        cmocka_unit_test(renumber_changes_the_address),
        cmocka_unit_test(rebind_moves_ports_and_keeps_filters),
        cmocka_unit_test(rebind_of_overloaded_flows_keeps_them_apart),
        cmocka_unit_test(rebind_without_room_leaves_a_mapping),
        cmocka_unit_test(mapping_behaviour_may_change),
        cmocka_unit_test(overloading_may_be_switched_on),
        cmocka_unit_test(kinds_do_not_share_a_port),
        cmocka_unit_test(two_layers_compose),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
