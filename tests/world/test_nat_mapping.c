/* Mapping and filtering behaviour (RFC 4787 sections 4.1 and 5), refresh and timers (section 4.3), the hop. */
#include "world/nat_rig.h"

#define A "192.168.1.2:5000"
#define B "192.168.1.3:5000"
#define S1 "198.51.100.1:3478"
#define S1B "198.51.100.1:3479"
#define S2 "198.51.100.2:3478"

static void endpoint_independent_mapping_is_one(void **state)
{
    hp_nat_config c = hp_nat_config_default();
    g_autoptr(rig) r = rig_new(&c);
    assert_out(r, A, S1, "192.0.2.1:5000");
    assert_out(r, A, S1B, "192.0.2.1:5000");
    assert_out(r, A, S2, "192.0.2.1:5000");
    assert_int_equal(hp_nat_get_stats(r->nat).mappings, 1);
    assert_int_equal(rig_count(r, HP_EV_NAT_MAPPING), 1);

    hp_record record;
    assert_true(rig_last(r, HP_RECORD_EVENT, HP_EV_NAT_MAPPING, &record));
    hp_addr internal = hp_record_addr(&record, "internal"), external = hp_record_addr(&record, "external");
    hp_addr remote = hp_record_addr(&record, "remote"), a = addr(A), e = addr("192.0.2.1:5000"), s = addr(S1);
    assert_true(hp_addr_equal(&internal, &a) && hp_addr_equal(&external, &e) && hp_addr_equal(&remote, &s));
    assert_string_equal(hp_record_text(&record, "proto"), "udp");
    assert_string_equal(record.event.subject, "home");
}

static void address_dependent_mapping_is_one_an_address(void **state)
{
    hp_nat_config c = hp_nat_config_default();
    c.mapping = HP_NAT_ADDRESS_DEPENDENT;
    g_autoptr(rig) r = rig_new(&c);
    assert_out(r, A, S1, "192.0.2.1:5000");
    assert_out(r, A, S1B, "192.0.2.1:5000");
    assert_out(r, A, S2, "192.0.2.1:5001");
    assert_int_equal(hp_nat_get_stats(r->nat).mappings, 2);
}

static void symmetric_mapping_is_one_a_remote(void **state)
{
    hp_nat_config c = hp_nat_config_default();
    c.mapping = HP_NAT_ADDRESS_AND_PORT_DEPENDENT;
    c.ports = HP_NAT_PORTS_SEQUENTIAL;
    g_autoptr(rig) r = rig_new(&c);
    assert_out(r, A, S1, "192.0.2.1:1024");
    assert_out(r, A, S1B, "192.0.2.1:1025");
    assert_out(r, A, S2, "192.0.2.1:1026");
    assert_out(r, A, S1, "192.0.2.1:1024");
    assert_int_equal(hp_nat_get_stats(r->nat).mappings, 3);
}

static void filters(hp_nat_behaviour filtering, const char *same_ip, const char *stranger)
{
    for (unsigned mapping = 0; mapping < 3; mapping++) {
        hp_nat_config c = hp_nat_config_default();
        c.mapping = (hp_nat_behaviour)mapping;
        c.filtering = filtering;
        g_autoptr(rig) r = rig_new(&c);
        assert_out(r, A, S1, "192.0.2.1:5000");
        assert_in(r, S1, "192.0.2.1:5000", A);
        assert_in(r, S1B, "192.0.2.1:5000", same_ip);
        assert_in(r, S2, "192.0.2.1:5000", stranger);
        unsigned filtered = (*same_ip == '-') + (*stranger == '-');
        assert_int_equal(hp_nat_get_stats(r->nat).filtered, filtered);
        if (filtered)
            assert_drop(r, filtered, HP_DROP_NAT_FILTERED);
        assert_in(r, S1, "192.0.2.1:5001", "-");
        assert_drop(r, filtered + 1, HP_DROP_NAT_NO_MAPPING);
    }
}

static void filtering_behaviours(void **state)
{
    filters(HP_NAT_ENDPOINT_INDEPENDENT, A, A);
    filters(HP_NAT_ADDRESS_DEPENDENT, A, "-");
    filters(HP_NAT_ADDRESS_AND_PORT_DEPENDENT, "-", "-");
}

static void filter_remembers_many_remotes(void **state)
{
    hp_nat_config c = hp_nat_config_default();
    g_autoptr(rig) r = rig_new(&c);
    for (unsigned i = 0; i < 1000; i++) {
        g_autofree char *to = g_strdup_printf("198.51.%u.%u:%u", 100 + i / 250, 1 + i % 250, 1000 + i);
        assert_out(r, A, to, "192.0.2.1:5000");
    }
    for (unsigned i = 0; i < 1000; i++) {
        g_autofree char *from = g_strdup_printf("198.51.%u.%u:%u", 100 + i / 250, 1 + i % 250, 1000 + i);
        g_autofree char *other = g_strdup_printf("198.51.%u.%u:%u", 100 + i / 250, 1 + i % 250, 3000 + i);
        assert_in(r, from, "192.0.2.1:5000", A);
        assert_in(r, other, "192.0.2.1:5000", "-");
    }
    /* By address alone the same sessions answer otherwise. */
    c.filtering = HP_NAT_ADDRESS_DEPENDENT;
    hp_nat_configure(r->nat, &c, "filtering");
    assert_in(r, "198.51.103.250:9", "192.0.2.1:5000", A);
    assert_in(r, "198.51.104.1:9", "192.0.2.1:5000", "-");
}

static void oldest_session_is_forgotten(void **state)
{
    hp_nat_config c = hp_nat_config_default();
    c.max_sessions_per_mapping = 2;
    g_autoptr(rig) r = rig_new(&c);
    assert_out(r, A, S1, "192.0.2.1:5000");
    assert_out(r, A, S1B, "192.0.2.1:5000");
    assert_in(r, S1, "192.0.2.1:5000", A);
    assert_out(r, A, S2, "192.0.2.1:5000");
    assert_in(r, S1, "192.0.2.1:5000", "-");
    assert_in(r, S1B, "192.0.2.1:5000", A);
    assert_in(r, S2, "192.0.2.1:5000", A);
    assert_out(r, A, S1, "192.0.2.1:5000");
    assert_in(r, S1B, "192.0.2.1:5000", "-");

    c.max_sessions_per_mapping = 1;
    hp_nat_configure(r->nat, &c, "sessions");
    assert_out(r, A, "198.51.100.9:9", "192.0.2.1:5000");
    assert_in(r, S1, "192.0.2.1:5000", "-");
    assert_in(r, S2, "192.0.2.1:5000", "-");
    assert_in(r, "198.51.100.9:9", "192.0.2.1:5000", A);
}

static void mapping_expires_to_the_nanosecond(void **state)
{
    hp_nat_config c = hp_nat_config_default();
    c.udp_timeout = 30 * HP_S;
    g_autoptr(rig) r = rig_new(&c);
    rig_until(r, 7);
    assert_out(r, A, S1, "192.0.2.1:5000");
    rig_until(r, 7 + 30 * HP_S - 1);
    assert_in(r, S1, "192.0.2.1:5000", A);
    rig_until(r, 7 + 30 * HP_S);
    assert_ended(r, 7 + 30 * HP_S, "expired", 30 * HP_S);
    assert_in(r, S1, "192.0.2.1:5000", "-");
    assert_drop(r, 1, HP_DROP_NAT_NO_MAPPING);
    assert_int_equal(hp_nat_get_stats(r->nat).expired, 1);
    assert_int_equal(hp_world_next_deadline(r->world), HP_NEVER);
}

static void refreshes(hp_nat_refresh refresh, hp_time after_out, hp_time after_in)
{
    hp_nat_config c = hp_nat_config_default();
    c.udp_timeout = 30 * HP_S;
    c.refresh = refresh;
    g_autoptr(rig) r = rig_new(&c);
    assert_out(r, A, S1, "192.0.2.1:5000");
    rig_until(r, 10 * HP_S);
    assert_out(r, A, S1, "192.0.2.1:5000");
    rig_until(r, 100 * HP_S);
    assert_ended(r, after_out, "expired", after_out);

    assert_out(r, A, S1, "192.0.2.1:5000");
    rig_until(r, 110 * HP_S);
    assert_in(r, S1, "192.0.2.1:5000", A);
    assert_in(r, S2, "192.0.2.1:5000", "-"); /* what is filtered refreshes nothing */
    rig_until(r, 200 * HP_S);
    assert_ended(r, 100 * HP_S + after_in, "expired", after_in);
}

static void refresh_directions(void **state)
{
    refreshes(HP_NAT_REFRESH_OUTBOUND, 40 * HP_S, 30 * HP_S);
    refreshes(HP_NAT_REFRESH_INBOUND, 30 * HP_S, 40 * HP_S);
    refreshes(HP_NAT_REFRESH_BOTH, 40 * HP_S, 40 * HP_S);
}

static void unreplied_timeout_until_an_answer(void **state)
{
    hp_nat_config c = hp_nat_config_default();
    c.udp_timeout = 120 * HP_S;
    c.udp_unreplied_timeout = 20 * HP_S;
    g_autoptr(rig) r = rig_new(&c);
    assert_out(r, A, S1, "192.0.2.1:5000");
    assert_out(r, B, S1, "192.0.2.1:5001");
    rig_until(r, 15 * HP_S);
    assert_out(r, A, S1, "192.0.2.1:5000");
    assert_in(r, S1, "192.0.2.1:5000", A);
    rig_until(r, 20 * HP_S);
    assert_ended(r, 20 * HP_S, "expired", 20 * HP_S); /* B's */
    rig_until(r, 200 * HP_S);
    assert_ended(r, 135 * HP_S, "expired", 135 * HP_S);
    assert_int_equal(rig_count(r, HP_EV_NAT_MAPPING_ENDED), 2);
}

static void unreplied_shortens_nothing_when_longer(void **state)
{
    hp_nat_config c = hp_nat_config_default();
    c.udp_timeout = 10 * HP_S;
    c.udp_unreplied_timeout = 60 * HP_S;
    g_autoptr(rig) r = rig_new(&c);
    assert_out(r, A, S1, "192.0.2.1:5000");
    rig_until(r, 4 * HP_S);
    assert_in(r, S1, "192.0.2.1:5000", A);
    rig_until(r, 60 * HP_S);
    assert_ended(r, 10 * HP_S, "expired", 10 * HP_S);
}

static void well_known_ports_have_a_timeout(void **state)
{
    hp_nat_config c = hp_nat_config_default();
    c.udp_well_known_timeout = 5 * HP_S;
    c.udp_timeout = 100 * HP_S;
    g_autoptr(rig) r = rig_new(&c);
    assert_out(r, A, "198.51.100.1:53", "192.0.2.1:5000");
    rig_until(r, 50 * HP_S);
    assert_ended(r, 5 * HP_S, "expired", 5 * HP_S);

    /* The packet that refreshed last decides. */
    assert_out(r, A, "198.51.100.1:53", "192.0.2.1:5000");
    rig_until(r, 54 * HP_S);
    assert_out(r, A, "198.51.100.1:1024", "192.0.2.1:5000");
    rig_until(r, 153 * HP_S);
    assert_int_equal(hp_nat_get_stats(r->nat).mappings, 1);
    assert_out(r, A, "198.51.100.1:1023", "192.0.2.1:5000");
    rig_until(r, 300 * HP_S);
    assert_ended(r, 158 * HP_S, "expired", 108 * HP_S);
}

static void lifetime_ends_whatever_passes(void **state)
{
    hp_nat_config c = hp_nat_config_default();
    c.max_lifetime = 90 * HP_S;
    g_autoptr(rig) r = rig_new(&c);
    for (unsigned i = 0; i < 9; i++) {
        rig_until(r, i * 10 * HP_S);
        assert_out(r, A, S1, "192.0.2.1:5000");
    }
    rig_until(r, 89 * HP_S);
    assert_out(r, A, S1, "192.0.2.1:5000");
    rig_until(r, 90 * HP_S);
    assert_ended(r, 90 * HP_S, "lifetime", 90 * HP_S);
    assert_int_equal(hp_nat_get_stats(r->nat).expired, 1);

    for (unsigned i = 0; i < 8; i++) {
        rig_until(r, (100 + i * 11) * HP_S);
        for (unsigned k = 0; k <= MIN(i, 2); k++) {
            g_autofree char *src = g_strdup_printf("192.168.1.2:%u", 7000 + k);
            rig_out(r, src, S1);
        }
    }
    static const unsigned ends[] = {190, 201, 212};
    for (unsigned i = 0; i < 3; i++) {
        rig_until(r, ends[i] * HP_S);
        assert_ended(r, ends[i] * HP_S, "lifetime", 90 * HP_S);
    }
}

static void timeouts_change_for_living_mappings(void **state)
{
    hp_nat_config c = hp_nat_config_default();
    g_autoptr(rig) r = rig_new(&c);
    assert_out(r, A, S1, "192.0.2.1:5000");
    rig_until(r, 10 * HP_S);
    c.udp_timeout = 25 * HP_S;
    hp_nat_configure(r->nat, &c, "udp-timeout");
    rig_until(r, 100 * HP_S);
    assert_ended(r, 25 * HP_S, "expired", 25 * HP_S);
}

static void expiry_follows_the_last_refresh(void **state)
{
    hp_nat_config c = hp_nat_config_default();
    c.udp_timeout = 30 * HP_S;
    g_autoptr(rig) r = rig_new(&c);
    static const unsigned last[] = {7, 3, 12, 5, 29, 1, 20, 11};
    for (unsigned i = 0; i < G_N_ELEMENTS(last); i++) {
        g_autofree char *src = g_strdup_printf("192.168.1.2:%u", 6000 + i);
        rig_out(r, src, S1);
    }
    for (unsigned t = 1; t < 30; t++) {
        rig_until(r, t * HP_S);
        for (unsigned i = 0; i < G_N_ELEMENTS(last); i++) {
            g_autofree char *src = g_strdup_printf("192.168.1.2:%u", 6000 + i);
            if (t <= last[i])
                rig_out(r, src, S1);
        }
    }
    rig_until(r, 100 * HP_S);

    static const unsigned order[] = {5, 1, 3, 0, 7, 2, 6, 4};
    hp_trace_cursor cursor = {0};
    hp_record record;
    unsigned n = 0;
    while (hp_trace_next(r->trace, &cursor, &record)) {
        if (record.type != HP_RECORD_EVENT || record.event.kind != HP_EV_NAT_MAPPING_ENDED)
            continue;
        assert_in_range(n, 0, G_N_ELEMENTS(order) - 1);
        assert_int_equal(hp_record_addr(&record, "internal").port, 6000 + order[n]);
        assert_int_equal(record.at, (30 + last[order[n]]) * HP_S);
        n++;
    }
    assert_int_equal(n, G_N_ELEMENTS(order));
}

static void it_is_one_hop(void **state)
{
    hp_nat_config c = hp_nat_config_default();
    g_autoptr(rig) r = rig_new(&c);
    hp_addr own = addr("192.168.1.1");
    hp_nat_set_internal(r->nat, &own);

    hp_packet *p = udp(A, S1);
    p->ttl = 2;
    rig_give(r, HP_NAT_INSIDE, p);
    assert_int_equal(rig_got(r, HP_NAT_OUTSIDE)->ttl, 1);

    p = udp(B, S1);
    p->ttl = 1;
    rig_give(r, HP_NAT_INSIDE, p);
    assert_null(rig_got(r, HP_NAT_OUTSIDE));
    assert_drop(r, 1, HP_DROP_TTL);
    assert_int_equal(hp_nat_get_stats(r->nat).mappings, 1); /* it made none */
    const hp_packet *error = rig_got(r, HP_NAT_INSIDE);
    assert_int_equal(error->icmp_kind, HP_ICMP_TTL_EXCEEDED);
    hp_addr b = addr(B), bare = addr("192.168.1.3");
    assert_true(hp_addr_equal(&error->src, &own) && hp_addr_equal(&error->dst, &bare));
    assert_true(hp_addr_equal(&error->inner->src, &b));

    p = udp(S1, "192.0.2.1:5000");
    p->ttl = 1;
    rig_give(r, HP_NAT_OUTSIDE, p);
    assert_drop(r, 2, HP_DROP_TTL);
    error = rig_got(r, HP_NAT_OUTSIDE);
    hp_addr external = addr("192.0.2.1");
    assert_int_equal(error->icmp_kind, HP_ICMP_TTL_EXCEEDED);
    assert_true(hp_addr_equal(&error->src, &external));
}

static void taps_see_both_sides(void **state)
{
    hp_nat_config c = hp_nat_config_default();
    g_autoptr(rig) r = rig_new(&c);
    assert_out(r, A, S1, "192.0.2.1:5000");
    assert_in(r, S1, "192.0.2.1:5000", A);

    static const char *const expected[] = {
        "home/in <192.168.1.2:5000 >198.51.100.1:3478", "home/out >192.0.2.1:5000 >198.51.100.1:3478",
        "home/out <198.51.100.1:3478 >192.0.2.1:5000", "home/in >198.51.100.1:3478 >192.168.1.2:5000"};
    hp_trace_cursor cursor = {0};
    hp_record record;
    unsigned n = 0;
    uint64_t uids[4] = {0};
    while (hp_trace_next(r->trace, &cursor, &record)) {
        if (record.type != HP_RECORD_PACKET)
            continue;
        char src[HP_ADDR_TEXT], dst[HP_ADDR_TEXT];
        g_autofree char *line = g_strdup_printf(
            "%s %c%s >%s", hp_trace_tap_name(r->trace, record.packet.tap), record.packet.dir == HP_DIR_IN ? '<' : '>',
            hp_addr_format(&record.packet.src, src), hp_addr_format(&record.packet.dst, dst));
        assert_in_range(n, 0, 3);
        assert_string_equal(line, expected[n]);
        uids[n++] = record.packet.uid;
    }
    assert_int_equal(n, 4);
    assert_int_equal(uids[0], uids[1]);
    assert_int_equal(uids[2], uids[3]);
}

static void wrong_sources_and_strange_destinations(void **state)
{
    hp_nat_config c = hp_nat_config_default();
    g_autoptr(rig) r = rig_new(&c);
    hp_prefix prefix;
    assert_true(hp_prefix_parse("192.168.1.0/24", &prefix));

    assert_out(r, "10.1.2.3:5000", S1, "192.0.2.1:5000"); /* without prefixes everything is believed */
    hp_nat_add_inside_prefix(r->nat, &prefix);
    assert_out(r, "10.1.2.3:5000", S1, "-");
    assert_drop(r, 1, HP_DROP_BAD_SOURCE);
    assert_out(r, A, S1, "192.0.2.1:5001");
    assert_out(r, A, "224.0.0.251:5353", "-");
    assert_drop(r, 2, HP_DROP_NO_ROUTE);
    assert_out(r, "[fd00::2]:5000", "[2001:db8::1]:3478", "-");
    assert_drop(r, 3, HP_DROP_BAD_SOURCE);
    assert_in(r, S1, "192.168.1.2:5000", "-");
    assert_drop(r, 4, HP_DROP_NO_ROUTE);
    assert_in(r, "192.0.2.1:5000", "192.0.2.1:5001", "-");
    assert_drop(r, 5, HP_DROP_BAD_SOURCE);

    hp_addr a = addr(A), s = addr(S1);
    rig_give(r, HP_NAT_INSIDE, hp_packet_new(47, &a, &s, NULL, 20));
    assert_drop(r, 6, HP_DROP_NAT_PROTOCOL);
}

static void ipv6_is_translated_like_ipv4(void **state)
{
    hp_nat_config c = hp_nat_config_default();
    g_autoptr(rig) r = rig_new_seeded(1, &c, "192.0.2.1 2001:db8:4e::1");
    assert_out(r, "[fd00::2]:5000", "[2001:db8::1]:3478", "[2001:db8:4e::1]:5000");
    assert_out(r, A, S1, "192.0.2.1:5000");
    assert_in(r, "[2001:db8::1]:3478", "[2001:db8:4e::1]:5000", "[fd00::2]:5000");
    assert_in(r, "[2001:db8::2]:3478", "[2001:db8:4e::1]:5000", "-");
    assert_drop(r, 1, HP_DROP_NAT_FILTERED);

    g_autoptr(rig) only4 = rig_new(&c);
    assert_out(only4, "[fd00::2]:5000", "[2001:db8::1]:3478", "-");
    assert_drop(only4, 1, HP_DROP_NO_ROUTE);
}

static void unsolicited_packets_may_be_answered(void **state)
{
    hp_nat_config c = hp_nat_config_default();
    c.unsolicited = HP_NAT_UNSOLICITED_ICMP;
    g_autoptr(rig) r = rig_new(&c);
    assert_in(r, S1, "192.0.2.1:5000", "-");
    const hp_packet *error = rig_got(r, HP_NAT_OUTSIDE);
    assert_int_equal(error->icmp_kind, HP_ICMP_PORT_UNREACHABLE);
    assert_drop(r, 1, HP_DROP_NAT_NO_MAPPING);
    assert_out(r, A, S2, "192.0.2.1:5000");
    assert_in(r, S1, "192.0.2.1:5000", "-");
    error = rig_got(r, HP_NAT_OUTSIDE);
    assert_int_equal(error->icmp_kind, HP_ICMP_ADMIN_PROHIBITED);
    hp_addr to = addr("198.51.100.1");
    assert_true(hp_addr_equal(&error->dst, &to));
    assert_drop(r, 2, HP_DROP_NAT_FILTERED);
    c.inbound_first = true; /* there it meets no socket of the NAT's own */
    hp_nat_configure(r->nat, &c, "inbound-first");
    assert_in(r, S1, "192.0.2.1:5000", "-");
    assert_int_equal(rig_got(r, HP_NAT_OUTSIDE)->icmp_kind, HP_ICMP_PORT_UNREACHABLE);
}

static void lookup_tells_the_external_address(void **state)
{
    hp_nat_config c = hp_nat_config_default();
    c.mapping = HP_NAT_ADDRESS_AND_PORT_DEPENDENT;
    g_autoptr(rig) r = rig_new(&c);
    hp_addr a = addr(A), s1 = addr(S1), s2 = addr(S2), e = addr("192.0.2.1:5000"), got;
    assert_false(hp_nat_lookup(r->nat, HP_PROTO_UDP, &a, &s1, &got));
    assert_out(r, A, S1, "192.0.2.1:5000");
    assert_true(hp_nat_lookup(r->nat, HP_PROTO_UDP, &a, &s1, &got));
    assert_true(hp_addr_equal(&got, &e));
    assert_false(hp_nat_lookup(r->nat, HP_PROTO_UDP, &a, &s2, &got));
    assert_false(hp_nat_lookup(r->nat, HP_PROTO_ICMP, &a, &s1, &got));
    assert_false(hp_nat_lookup(r->nat, HP_PROTO_TCP, &a, &s1, &got));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(endpoint_independent_mapping_is_one),
        cmocka_unit_test(address_dependent_mapping_is_one_an_address),
        cmocka_unit_test(symmetric_mapping_is_one_a_remote),
        cmocka_unit_test(filtering_behaviours),
        cmocka_unit_test(filter_remembers_many_remotes),
        cmocka_unit_test(oldest_session_is_forgotten),
        cmocka_unit_test(mapping_expires_to_the_nanosecond),
        cmocka_unit_test(refresh_directions),
        cmocka_unit_test(unreplied_timeout_until_an_answer),
        cmocka_unit_test(unreplied_shortens_nothing_when_longer),
        cmocka_unit_test(well_known_ports_have_a_timeout),
        cmocka_unit_test(lifetime_ends_whatever_passes),
        cmocka_unit_test(timeouts_change_for_living_mappings),
        cmocka_unit_test(expiry_follows_the_last_refresh),
        cmocka_unit_test(it_is_one_hop),
        cmocka_unit_test(taps_see_both_sides),
        cmocka_unit_test(wrong_sources_and_strange_destinations),
        cmocka_unit_test(ipv6_is_translated_like_ipv4),
        cmocka_unit_test(unsolicited_packets_may_be_answered),
        cmocka_unit_test(lookup_tells_the_external_address),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
