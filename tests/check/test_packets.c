/* packets, drops, mappings, relayed. */
#include "fixture.h"

static void packets_are_counted_at_the_taps_of_a_node(void **state)
{
    fixture *f = *state;
    hp_expect *e = add_expect(f, HP_EXPECT_PACKETS, "packets: {at: home, count: 2}");
    e->packets.at = "home";
    e->packets.count = compare("2", HP_UNIT_COUNT);
    e = add_expect(f, HP_EXPECT_PACKETS, "packets: {at: home/in, direction: out}");
    e->packets.at = "home/in";
    e->packets.has_direction = true;
    e->packets.direction = HP_DIR_OUT;
    e = add_expect(f, HP_EXPECT_PACKETS, "packets: {count: 4}");
    e->packets.count = compare("4", HP_UNIT_COUNT);
    ev_packet(f, HP_S, "homestead", HP_DIR_IN, 2000, "x", 1);
    ev_packet(f, HP_S, "home/in", HP_DIR_IN, 2000, "x", 1);
    ev_packet(f, HP_S, "home/out", HP_DIR_OUT, 2000, "x", 1);
    ev_packet(f, HP_S, "alice", HP_DIR_IN, 2000, "x", 1);
    fixture_finish(f, 9 * HP_S);
    ASSERT_EXPECT(f, 0, true, 9 * HP_S, 3, "2 packets (the first is number 2, the last 3)");
    assert_string_equal(nth(f, 0)->expected, "count 2 at home");
    ASSERT_EXPECT(f, 1, false, 9 * HP_S, 0, "0 packets");
    assert_string_equal(nth(f, 1)->expected, "count >= 1 at home/in, outbound");
    ASSERT_EXPECT(f, 2, true, 9 * HP_S, 4, "4 packets (the first is number 1, the last 4)");
}

static void packets_above_their_bound_fail_at_once(void **state)
{
    fixture *f = *state;
    hp_expect *e = add_expect(f, HP_EXPECT_PACKETS, "packets: {count: \"<= 2\"}");
    e->packets.count = compare("<= 2", HP_UNIT_COUNT);
    for (unsigned i = 1; i <= 4; i++) {
        assert_int_equal(f->checker != NULL && hp_checker_decided(f->checker), i == 4);
        ev_packet(f, i * HP_S, "alice", HP_DIR_IN, 2000, "x", 1);
    }
    fixture_finish(f, 9 * HP_S);
    ASSERT_EXPECT(f, 0, false, 3 * HP_S, 3, "4 packets (the first is number 1, the last 4)");
    /* The packet that decided it says so in the capture. */
    hp_trace_cursor cursor = {0};
    hp_record r;
    bool noted = false;
    while (hp_trace_next(f->trace, &cursor, &r)) {
        if (r.type == HP_RECORD_NOTE) {
            assert_int_equal(r.note.packet, 3);
            assert_string_equal(r.note.text, "decided: expect line 30 (packets: {count: \"<= 2\"}): FAIL: 4 packets "
                                             "(the first is number 1, the last 4)");
            noted = true;
        }
    }
    assert_true(noted);
}

static void packets_that_reach_their_bound_are_decided(void **state)
{
    fixture *f = *state;
    hp_expect *e = add_expect(f, HP_EXPECT_PACKETS, "packets: {bytes: \">= 60\"}");
    e->packets.bytes = compare(">= 60", HP_UNIT_BYTES);
    ev_packet(f, HP_S, "alice", HP_DIR_IN, 2000, "xx", 2); /* 30 bytes */
    assert_false(hp_checker_decided(f->checker));
    ev_packet(f, 2 * HP_S, "alice", HP_DIR_IN, 2000, "xx", 2);
    assert_true(hp_checker_decided(f->checker));
    fixture_finish(f, 9 * HP_S);
    ASSERT_EXPECT(f, 0, true, 2 * HP_S, 2, "2 packets (the first is number 1, the last 2), 60 bytes");
}

static void packets_match_protocol_fields(void **state)
{
    static const uint8_t binding[20] = {0, 1, 0, 0, 0x21, 0x12, 0xa4, 0x42};
    fixture *f = *state;
    hp_expect *e = add_expect(f, HP_EXPECT_PACKETS, "packets: {match: {stun: {method: Binding}}, count: 1}");
    e->packets.match.stun.method = HP_STUN_BINDING;
    e->packets.count = compare("1", HP_UNIT_COUNT);
    ev_packet(f, HP_S, "alice", HP_DIR_OUT, 2000, "xyz", 3);
    ev_packet(f, 2 * HP_S, "alice", HP_DIR_OUT, 2000, binding, sizeof binding);
    fixture_finish(f, 9 * HP_S);
    ASSERT_EXPECT(f, 0, true, 9 * HP_S, 2, "1 packet (number 2)");
    assert_string_equal(nth(f, 0)->expected, "count 1 at any tap, of the packets that match");
}

static void packets_pass_a_pcap_filter(void **state)
{
    fixture *f = *state;
    hp_expect *e = add_expect(f, HP_EXPECT_PACKETS, "packets: {filter: ..., count: 1}");
    e->packets.filter = "udp dst port 3478 and src host 10.0.0.1";
    e->packets.count = compare("1", HP_UNIT_COUNT);
    ev_packet(f, HP_S, "alice", HP_DIR_OUT, 2000, "xyz", 3);
    ev_packet(f, 2 * HP_S, "alice", HP_DIR_OUT, 3478, "xyz", 3);
    fixture_finish(f, 9 * HP_S);
    ASSERT_EXPECT(f, 0, true, 9 * HP_S, 2, "1 packet (number 2)");
}

static void bad_filters_are_told_once(void **state)
{
    static const char text[] = "peers: {a: , b: }\nexpect:\n- packets: {filter: udp, count: 1}\n"
                               "- packets: {filter: udp prot 1, count: 1}\n";
    g_autoptr(hp_diags) diags = hp_diags_new();
    g_autoptr(GPtrArray) cases = hp_scenario_parse("t.yaml", text, strlen(text), diags);
    assert_non_null(cases);
    for (unsigned i = 0; i < 2; i++)
        hp_check_filters(g_ptr_array_index(cases, 0), diags);
    assert_int_equal(diags->n_errors, 1);
    const hp_diag *d = g_ptr_array_index(diags->list, 0);
    assert_int_equal(d->mark.line, 4);
    assert_int_equal(d->mark.column, 3);
    assert_true(g_str_has_prefix(d->message, "the filter `udp prot 1` does not compile: "));
    assert_string_equal(d->source_line, "- packets: {filter: udp prot 1, count: 1}");
}

static void bad_filter_is_refused(void **state)
{
    fixture *f = *state;
    g_autoptr(GError) error = NULL;
    add_expect(f, HP_EXPECT_PACKETS, "packets: {}");
    add_expect(f, HP_EXPECT_PACKETS, "packets: {filter: udp prot 1}")->packets.filter = "udp prot 1";
    assert_null(hp_checker_new(&f->plan, &error));
    assert_true(g_str_has_prefix(error->message, "test.yaml:31: the filter `udp prot 1` does not compile: "));
}

static void drops_are_counted_by_place_and_reason(void **state)
{
    fixture *f = *state;
    hp_expect *e = add_expect(f, HP_EXPECT_DROPS, "drops: {at: home, reason: filtered}");
    e->drops.at = "home";
    e->drops.has_reason = true;
    e->drops.reason = HP_DROP_NAT_FILTERED;
    e = add_expect(f, HP_EXPECT_DROPS, "drops: {at: alice/up}");
    e->drops.at = "alice/up";
    e = add_expect(f, HP_EXPECT_DROPS, "drops: {count: 0}");
    e->drops.count = compare("0", HP_UNIT_COUNT);
    ev_drop(f, HP_S, "alice", "home", HP_DROP_NAT_NO_MAPPING, "x", 1);
    ev_drop(f, 2 * HP_S, "alice", "home", HP_DROP_NAT_FILTERED, "x", 1);
    ev_drop(f, 3 * HP_S, "alice", "home", HP_DROP_NAT_FILTERED, "x", 1);
    const hp_result *r = fixture_finish(f, 9 * HP_S);
    ASSERT_EXPECT(f, 0, true, 2 * HP_S, 2, "2 dropped, the first at 2.000s, 1 for no-mapping");
    assert_string_equal(nth(f, 0)->expected, ">= 1 dropped at home for filtered");
    ASSERT_EXPECT(f, 1, false, 9 * HP_S, 0, "0 dropped");
    ASSERT_EXPECT(f, 2, false, HP_S, 1, "3 dropped, the first at 1.000s, 2 for filtered, 1 for no-mapping");
    assert_int_equal(r->drops, 3);
    assert_int_equal(r->drops_by_reason[HP_DROP_NAT_FILTERED], 2);
    assert_int_equal(r->nats[0].drops, 3);
}

static void drops_on_links_go_by_their_name(void **state)
{
    static char *at[] = {"home/up", "link home/up", "internet", "home", "internet/hom"};
    static const unsigned dropped[] = {1, 1, 1, 0, 0};
    fixture *f = *state;
    for (unsigned i = 0; i < G_N_ELEMENTS(at); i++) {
        add_expect(f, HP_EXPECT_DROPS, "drops: {...}")->drops.at = at[i];
    }
    ev_drop(f, HP_S, "alice", "link home/up", HP_DROP_LINK_LOSS, "x", 1);
    ev_drop(f, HP_S, "alice", "link internet/home", HP_DROP_LINK_LOSS, "x", 1);
    fixture_finish(f, 9 * HP_S);
    for (unsigned i = 0; i < G_N_ELEMENTS(at); i++) {
        g_autofree char *got =
            g_strdup_printf("%u dropped%s", dropped[i], dropped[i] ? ", the first at 1.000s, 1 for loss" : "");
        assert_int_equal(nth(f, i)->passed, dropped[i] > 0);
        assert_string_equal(nth(f, i)->got, got);
    }
}

static void drops_match_what_the_packet_carried(void **state)
{
    static const uint8_t binding[20] = {0, 1, 0, 0, 0x21, 0x12, 0xa4, 0x42};
    fixture *f = *state;
    hp_expect *e = add_expect(f, HP_EXPECT_DROPS, "drops: {match: {stun: {method: Binding}}}");
    e->drops.match.stun.method = HP_STUN_BINDING;
    e->drops.count = compare("1", HP_UNIT_COUNT);
    ev_drop(f, HP_S, "alice", "home", HP_DROP_NAT_FILTERED, "x", 1);
    ev_drop(f, 2 * HP_S, "alice", "home", HP_DROP_NAT_FILTERED, binding, sizeof binding);
    /* One that no tap saw has no payload. */
    g_autoptr(hp_packet) p = make_packet(1, 2, binding, sizeof binding);
    hp_trace_drop(f->trace, 3 * HP_S, "home", p, HP_DROP_NAT_FILTERED, NULL);
    fixture_finish(f, 9 * HP_S);
    ASSERT_EXPECT(f, 0, true, 9 * HP_S, 2, "1 dropped, the first at 2.000s, 1 for filtered");
}

static void ev_mapping(fixture *f, hp_time at, const char *nat, uint16_t port)
{
    EVENT(f, at, HP_EV_NAT_MAPPING, nat, HP_FS("proto", "udp"), HP_FA("internal", hp_addr_v4(0x0a000001, 1)),
          HP_FA("external", hp_addr_v4(0xc0000201, port)), HP_FA("remote", hp_addr_v4(0xcb007101, 3478)));
}

static void ev_mapping_ended(fixture *f, hp_time at, uint16_t port, const char *reason)
{
    EVENT(f, at, HP_EV_NAT_MAPPING_ENDED, "home", HP_FS("proto", "udp"), HP_FA("internal", hp_addr_v4(0x0a000001, 1)),
          HP_FA("external", hp_addr_v4(0xc0000201, port)), HP_FS("reason", reason), HP_FT("age", HP_S));
}

static void mappings_are_counted(void **state)
{
    fixture *f = *state;
    hp_expect *e = add_expect(f, HP_EXPECT_MAPPINGS, "mappings: {nat: home, count: 3, at-end: 1, external-ports: 2}");
    e->mappings.nat = "home";
    e->mappings.count = compare("3", HP_UNIT_COUNT);
    e->mappings.at_end = compare("1", HP_UNIT_COUNT);
    e->mappings.external_ports = compare("2", HP_UNIT_COUNT);
    e = add_expect(f, HP_EXPECT_MAPPINGS, "mappings: {nat: home, ended: expired}");
    e->mappings.nat = "home";
    e->mappings.ended = "expired";
    e = add_expect(f, HP_EXPECT_MAPPINGS, "mappings: {nat: home, at-end: 0}");
    e->mappings.nat = "home";
    e->mappings.at_end = compare("0", HP_UNIT_COUNT);
    e = add_expect(f, HP_EXPECT_MAPPINGS, "mappings: {nat: home, count: \"<= 2\"}");
    e->mappings.nat = "home";
    e->mappings.count = compare("<= 2", HP_UNIT_COUNT);
    ev_mapping(f, HP_S, "home", 5000);
    ev_mapping(f, HP_S, "office", 5005);
    ev_mapping(f, 2 * HP_S, "home", 5001);
    ev_mapping_ended(f, 3 * HP_S, 5000, "expired");
    ev_mapping(f, 4 * HP_S, "home", 5000);
    ev_mapping_ended(f, 5 * HP_S, 5001, "reboot");
    const hp_result *r = fixture_finish(f, 9 * HP_S);
    ASSERT_EXPECT(f, 0, true, 9 * HP_S, 0, "3 created, 1 alive at the end, 2 external ports");
    assert_string_equal(nth(f, 0)->expected, "home: count 3, at end 1, external ports 2");
    ASSERT_EXPECT(f, 1, true, 3 * HP_S, 0, "1 ended so, 1 ended otherwise, 1 alive at the end");
    assert_string_equal(nth(f, 1)->expected, "home: ended by expired count >= 1");
    ASSERT_EXPECT(f, 2, false, 9 * HP_S, 0, "3 created, 1 alive at the end");
    ASSERT_EXPECT(f, 3, false, 4 * HP_S, 0, "3 created, 1 alive at the end");
    assert_int_equal(r->nats[0].mappings, 3);
    assert_int_equal(r->nats[0].mappings_ended, 2);
}

static void mappings_alive_at_the_end_of_a_window(void **state)
{
    fixture *f = *state;
    hp_expect *e = add_expect(f, HP_EXPECT_MAPPINGS, "mappings: {nat: home, at-end: 2, count: 1, ...}");
    e->mappings.nat = "home";
    e->mappings.at_end = compare("2", HP_UNIT_COUNT);
    e->mappings.count = compare(">= 1", HP_UNIT_COUNT);
    e->window.after = 2 * HP_S;
    e->window.before = 5 * HP_S;
    ev_mapping(f, HP_S, "home", 5000);
    ev_mapping(f, 2 * HP_S, "home", 5001);
    assert_false(hp_checker_decided(f->checker));
    ev_mapping_ended(f, 5 * HP_S, 5001, "reboot");
    assert_true(hp_checker_decided(f->checker));
    fixture_finish(f, 9 * HP_S);
    ASSERT_EXPECT(f, 0, true, 5 * HP_S, 0, "1 created, 2 alive at the end");
}

static void ev_allocation_ended(fixture *f, hp_time at, const char *server, uint64_t packets, uint64_t bytes)
{
    EVENT(f, at, HP_EV_TURN_ALLOCATION_ENDED, server, HP_FS("reason", "run-end"), HP_FU("bytes-to-peer", bytes),
          HP_FU("bytes-to-client", 1), HP_FU("packets-to-peer", packets), HP_FU("packets-to-client", 2));
}

static void relayed_takes_the_servers_counters(void **state)
{
    fixture *f = *state;
    hp_expect *e = add_expect(f, HP_EXPECT_RELAYED, "relayed: {at: turn, packets: ..., allocations: 2}");
    e->relayed.at = "turn";
    e->relayed.packets = compare(">= 12", HP_UNIT_COUNT);
    e->relayed.bytes = compare("< 1kB", HP_UNIT_BYTES);
    e->relayed.allocations = compare("2", HP_UNIT_COUNT);
    e = add_expect(f, HP_EXPECT_RELAYED, "relayed: {at: other}");
    e->relayed.at = "other";
    for (unsigned i = 0; i < 2; i++) {
        EVENT(f, HP_S, HP_EV_TURN_ALLOCATION, "turn", HP_FS("user", "u"));
    }
    EVENT(f, HP_S, HP_EV_SERVER_REQUEST, "turn", HP_FS("answer", "error"), HP_FU("code", 401));
    EVENT(f, HP_S, HP_EV_SERVER_REQUEST, "turn", HP_FS("answer", "success"), HP_FU("code", 0));
    ev_allocation_ended(f, 9 * HP_S, "turn", 10, 500);
    const hp_result *r = fixture_finish(f, 9 * HP_S);
    ASSERT_EXPECT(f, 0, true, 9 * HP_S, 0,
                  "12 packets, 501 bytes, 2 allocations (1 still open: what they relayed is not known)");
    assert_string_equal(nth(f, 0)->expected, "turn: packets >= 12, bytes < 1kB, allocations 2");
    ASSERT_EXPECT(f, 1, false, 9 * HP_S, 0, "0 packets, 0 bytes, 0 allocations");
    assert_string_equal(nth(f, 1)->expected, "other: packets >= 1");
    assert_int_equal(r->servers[0].requests, 2);
    assert_int_equal(r->servers[0].errors, 1);
    assert_int_equal(r->servers[0].allocations, 2);
    assert_int_equal(r->servers[0].relayed_packets, 12);
    assert_int_equal(r->servers[0].relayed_bytes, 501);
}

static void relayed_nothing_holds_until_something_is(void **state)
{
    fixture *f = *state;
    hp_expect *e = add_expect(f, HP_EXPECT_RELAYED, "relayed: {allocations: 0}");
    e->relayed.allocations = compare("0", HP_UNIT_COUNT);
    ev_allocation_ended(f, HP_S, "turn", 0, 0);
    fixture_finish(f, 5 * HP_S);
    assert_true(nth(f, 0)->passed);
    EVENT(f, 6 * HP_S, HP_EV_TURN_ALLOCATION, "turn", HP_FS("user", "u"));
    assert_true(hp_checker_decided(f->checker));
    fixture_finish(f, 9 * HP_S);
    assert_false(nth(f, 0)->passed);
    assert_int_equal(nth(f, 0)->at, 6 * HP_S);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FIXTURE_TEST(packets_are_counted_at_the_taps_of_a_node),
        FIXTURE_TEST(packets_above_their_bound_fail_at_once),
        FIXTURE_TEST(packets_that_reach_their_bound_are_decided),
        FIXTURE_TEST(packets_match_protocol_fields),
        FIXTURE_TEST(packets_pass_a_pcap_filter),
        FIXTURE_TEST(bad_filters_are_told_once),
        FIXTURE_TEST(bad_filter_is_refused),
        FIXTURE_TEST(drops_are_counted_by_place_and_reason),
        FIXTURE_TEST(drops_on_links_go_by_their_name),
        FIXTURE_TEST(drops_match_what_the_packet_carried),
        FIXTURE_TEST(mappings_are_counted),
        FIXTURE_TEST(mappings_alive_at_the_end_of_a_window),
        FIXTURE_TEST(relayed_takes_the_servers_counters),
        FIXTURE_TEST(relayed_nothing_holds_until_something_is),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
