/* Firewalls and rules in the rig: what each place sees, which way is up, what steps change. Calls are the traffic: a
 * scenario's peers gather, check and send; what is asserted is what the rules counted and where packets ended. */
#include "run_rig.h"

static uint64_t hits_of(const fixture *f, const char *rule)
{
    hp_record r = event(f, HP_EV_RULE_COUNTS, rule, 0);
    return hp_record_u64(&r, "hits");
}

/* Packets of the capture at a tap, one way, that match. */
static unsigned captured(const fixture *f, const char *tap, hp_direction dir, const hp_match *m)
{
    hp_trace_cursor cursor = {0};
    unsigned n = 0;
    for (hp_record r; hp_trace_next(f->trace, &cursor, &r);) {
        if (r.type != HP_RECORD_PACKET || r.packet.dir != dir ||
            strcmp(hp_trace_tap_name(f->trace, r.packet.tap), tap) != 0)
            continue;
        hp_match_subject subject = hp_record_subject(&r);
        n += hp_match_packet(m, &subject);
    }
    return n;
}

static unsigned dropped(const fixture *f, const char *place, hp_drop_reason reason)
{
    hp_trace_cursor cursor = {0};
    unsigned n = 0;
    for (hp_record r; hp_trace_next(f->trace, &cursor, &r);)
        n += r.type == HP_RECORD_DROP && strcmp(r.drop.place, place) == 0 && r.drop.reason == reason;
    return n;
}

/* One datagram a way that everybody on it sees: from alice, behind a NAT, through a firewall, to bob. */
static void every_place_sees_what_passes_it(void **state)
{
    static const char *const places[] = {"alice",         "home/inside", "home", "internet", "office",
                                         "office/inside", "bob",         "stun", "lan"};
    g_autoptr(GString) text =
        g_string_new("network:\n  nats: {home: {preset: port-restricted-cone, firewall: strict}}\n"
                     "  firewalls: {office: strict}\n  lans: {lan: }\n"
                     "servers: {stun: stun}\n"
                     "peers:\n  alice: {behind: home, ice: {stun: stun}}\n"
                     "  bob: {behind: office, ice: {stun: stun}}\n"
                     "  carol: {behind: lan}\n  dave: {behind: lan}\nrules:\n");
    for (unsigned i = 0; i < G_N_ELEMENTS(places); i++) {
        g_autofree char *label = g_strdelimit(g_strdup(places[i]), "/", '-');
        if (strcmp(places[i], "internet") == 0 || strcmp(places[i], "lan") == 0) {
            g_string_append_printf(text, "  - {at: %s, label: all-%s, do: pass, match: {proto: udp, size: 200}}\n",
                                   places[i], label);
            continue;
        }
        g_string_append_printf(
            text,
            "  - {at: %s, label: up-%s, direction: up, go-on: true, do: pass, match: {proto: udp, size: 200}}\n"
            "  - {at: %s, label: down-%s, direction: down, do: pass, match: {proto: udp, size: 200}}\n",
            places[i], label, places[i], label);
    }
    g_string_append(
        text, "steps:\n  - call: {from: alice, to: bob}\n  - call: {from: carol, to: dave}\n  - wait-for: ready\n"
              "  - send: {from: alice, to: bob, count: 3, both: false}\n"
              "  - send: {from: bob, to: alice, count: 5, both: false}\n"
              "  - send: {from: carol, to: dave, count: 7, both: false}\n"
              "expect: [{delivery: {loss: 0%}}, {rule: {rule: up-stun, hits: 0}}, {rule: {rule: down-stun, hits: 0}}]\n"
              "until: 20s\n");
    fixture f = run_text(text->str);
    assert_int_equal(f.result->verdict, HP_VERDICT_PASS);
    assert_int_equal(hits_of(&f, "up-alice"), 3);
    assert_int_equal(hits_of(&f, "down-alice"), 5);
    assert_int_equal(hits_of(&f, "up-home-inside"), 3);
    assert_int_equal(hits_of(&f, "down-home-inside"), 5);
    assert_int_equal(hits_of(&f, "up-home"), 3);
    assert_int_equal(hits_of(&f, "down-home"), 5);
    assert_int_equal(hits_of(&f, "all-internet"), 8);
    assert_int_equal(hits_of(&f, "up-office"), 5); /* away from bob, who is inside */
    assert_int_equal(hits_of(&f, "down-office"), 3);
    assert_int_equal(hits_of(&f, "up-office-inside"), 5);
    assert_int_equal(hits_of(&f, "down-office-inside"), 3);
    assert_int_equal(hits_of(&f, "up-bob"), 5);
    assert_int_equal(hits_of(&f, "down-bob"), 3);
    assert_int_equal(hits_of(&f, "up-stun"), 0);
    assert_int_equal(hits_of(&f, "all-lan"), 7);
    clear(&f);
}

/* Access links with a setting of their own are other wires; a rule must be in all of them. */
static void places_with_access_links(void **state)
{
    fixture f = run_text("peers:\n  alice: {link: {delay: 5ms}}\n  bob: {link: {up: {delay: 1ms}}}\n"
                         "rules:\n  - {at: alice, label: a, do: pass, match: {proto: udp, size: 200}}\n"
                         "  - {at: bob, label: b, do: pass, match: {proto: udp, size: 200}}\n"
                         "steps:\n  - call: {from: alice, to: bob}\n  - wait-for: ready\n"
                         "  - send: {from: alice, to: bob, count: 4}\nuntil: 10s\nexpect: [{delivery: {loss: 0%}}]\n");
    assert_int_equal(f.result->verdict, HP_VERDICT_PASS);
    assert_int_equal(hits_of(&f, "a"), 8);
    assert_int_equal(hits_of(&f, "b"), 8);
    clear(&f);
}

static void a_changed_packet_arrives_changed(void **state)
{
    fixture f = run_text(
        "peers: {alice: , bob: }\n"
        "rules:\n  - {at: alice, direction: up, match: {proto: udp, size: 200}, do: {rewrite: {dscp: 46}}}\n"
        "steps:\n  - call: {from: alice, to: bob}\n  - wait-for: ready\n"
        "  - send: {from: alice, to: bob, count: 4, both: false}\nuntil: 10s\nexpect: [{delivery: {loss: 0%}}]\n");
    hp_match marked = {.detail = {.has_dscp = true, .dscp = 46}};
    assert_int_equal(captured(&f, "alice", HP_DIR_OUT, &marked), 0);
    assert_int_equal(captured(&f, "rules alice", HP_DIR_OUT, &marked), 4);
    assert_int_equal(captured(&f, "bob", HP_DIR_IN, &marked), 4);
    hp_record r = event(&f, HP_EV_RULE_HIT, "1", 3);
    assert_string_equal(hp_record_text(&r, "place"), "rules alice");
    assert_string_equal(hp_record_text(&r, "do"), "rewrite");
    assert_int_equal(hp_record_u64(&r, "number"), 4);
    assert_int_equal(hp_record_u64(&r, "hits"), 4);
    hp_record packet;
    assert_true(hp_trace_find_packet(f.trace, (uint32_t)hp_record_u64(&r, "packet"), &packet));
    assert_string_equal(hp_trace_tap_name(f.trace, packet.packet.tap), "alice");
    clear(&f);
}

/* What a rule refuses by ICMP is refused by the gateway of the network it stands in; a LAN has none. */
static void refusals_come_from_the_gateway(void **state)
{
    static const struct {
        const char *place, *gateway;
    } cases[] = {
        {"alice", "10.0.0.1"}, {"home/inside", "10.0.0.1"}, {"home", "198.18.255.1"}, {"internet", "198.18.255.1"}};
    for (unsigned i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *text =
            g_strdup_printf("network: {nats: {home: {preset: port-restricted-cone, inside4: 10.0.0.0/24}}}\n"
                            "servers: {stun: stun}\npeers: {alice: {behind: home, ice: {stun: stun}}, bob: }\n"
                            "rules: [{at: %s, match: {dst-port: 3478}, do: {drop: icmp}}]\n"
                            "steps:\n  - call: {from: alice, to: bob}\n  - wait: 1s\nuntil: 1s\n",
                            cases[i].place);
        fixture f = run_text(text);
        hp_match refusal = {.icmp_kind = HP_ICMP_ADMIN_PROHIBITED};
        hp_addr gateway;
        assert_true(hp_addr_parse(cases[i].gateway, &gateway));
        refusal.src.prefix = (hp_prefix){.base = gateway, .bits = 32};
        assert_true(captured(&f, "alice", HP_DIR_IN, &refusal) > 0);
        clear(&f);
    }
    fixture f = run_text("network: {lans: {lan: }}\npeers: {alice: {behind: lan}, bob: {behind: lan}}\n"
                         "rules: [{at: lan, label: x, match: {proto: udp}, do: {drop: icmp}}]\n"
                         "steps:\n  - call: {from: alice, to: bob}\n  - wait: 1s\nuntil: 1s\n");
    hp_match any = {.proto = HP_MATCH_ICMP};
    assert_true(hits_of(&f, "x") > 0);
    assert_int_equal(captured(&f, "alice", HP_DIR_IN, &any), 0);
    clear(&f);
}

static void a_filter_is_run_on_ip(void **state)
{
    fixture f =
        run_text("servers: {stun: stun}\npeers: {alice: {ice: {stun: stun}}, bob: }\n"
                 "rules:\n  - {at: internet, label: f, filter: 'ip and udp dst port 3478 and len > 28', do: drop}\n"
                 "steps:\n  - call: {from: alice, to: bob}\n  - wait: 5s\nuntil: 5s\n"
                 "expect: [{candidates: {peer: alice, type: srflx, count: 0}}]\n");
    hp_match to_server = {.dst = {.port_first = 3478, .port_last = 3478}};
    unsigned sent = captured(&f, "alice", HP_DIR_OUT, &to_server);
    assert_true(sent > 0);
    assert_int_equal(hits_of(&f, "f"), sent);
    assert_int_equal(captured(&f, "stun", HP_DIR_IN, &to_server), 0);
    assert_int_equal(dropped(&f, "rules internet", HP_DROP_RULE), sent);
    clear(&f);
}

static void a_filter_that_does_not_compile(void **state)
{
    const char *text = "peers: {alice: , bob: }\nrules:\n  - {at: alice, filter: udp prot 5, do: drop}\n";
    g_autoptr(hp_diags) diags = hp_diags_new(), found = hp_diags_new();
    g_autoptr(GError) error = NULL;
    GPtrArray *scenarios = hp_scenario_parse("test.yaml", text, strlen(text), diags);
    g_autoptr(hp_plan) plan = hp_plan_new(scenarios->pdata[0], "test", 1, diags);
    hp_trace *trace = hp_trace_new(&error);

    hp_check_filters(scenarios->pdata[0], found);
    assert_int_equal(found->n_errors, 1);
    assert_int_equal(((hp_diag *)found->list->pdata[0])->mark.line, 3);
    assert_null(hp_run_plan(plan, trace, NULL, &error));
    assert_true(g_str_has_prefix(error->message, "test.yaml:3: the filter `udp prot 5` does not compile: "));
    hp_trace_free(trace);
    g_ptr_array_unref(scenarios);
}

static void steps_switch_rules(void **state)
{
    fixture f = run_text(
        "peers: {alice: , bob: }\n"
        "rules:\n"
        "  - {at: alice, label: between, direction: up, match: {size: 200}, from: begin, until: stop, do: pass, go-on: "
        "true}\n"
        "  - {at: alice, label: by-step, direction: up, match: {size: 200}, off: true, do: pass, go-on: true}\n"
        "  - {at: alice, label: by-time, direction: up, match: {size: 200}, from: 5s, until: 5.1s, do: pass, go-on: "
        "true}\n"
        "steps:\n  - call: {from: alice, to: bob}\n  - wait-for: ready\n"
        "  - at: 4990ms\n    send: {from: alice, to: bob, count: 100, interval: 10ms, both: false}\n"
        "  - {at: 5095ms, label: begin, rule: {label: by-step, on: true}}\n"
        "  - {at: 5195ms, label: stop, wait: 1ms}\n"
        "  - {at: 5295ms, rule: {label: by-step, on: false}}\nuntil: 8s\nexpect: [{delivery: {loss: 0%}}]\n");
    assert_int_equal(hits_of(&f, "between"), 10);
    assert_int_equal(hits_of(&f, "by-step"), 20);
    assert_int_equal(hits_of(&f, "by-time"), 10);
    hp_record r = event(&f, HP_EV_RULE_SWITCHED, "between", 0);
    assert_true(r.at == 5095 * HP_MS);
    assert_string_equal(hp_record_text(&r, "state"), "on");
    r = event(&f, HP_EV_RULE_SWITCHED, "between", 1);
    assert_true(r.at == 5195 * HP_MS);
    assert_string_equal(hp_record_text(&r, "state"), "off");
    r = event(&f, HP_EV_RULE_SWITCHED, "by-step", 1);
    assert_true(r.at == 5295 * HP_MS);
    clear(&f);
}

/* ---- firewalls ---- */

static void a_nats_firewall_sees_the_inside(void **state)
{
    fixture f =
        run_text("network: {nats: {home: {preset: port-restricted-cone, inside4: 10.0.0.0/24,\n"
                 "  firewall: {out: {deny: {src: 10.0.0.9}, answer: icmp, label: banned}}}}}\nservers: {stun: stun}\n"
                 "peers:\n  alice: {behind: home, addresses: 10.0.0.9, ice: {stun: stun}}\n"
                 "  anna: {behind: home, addresses: 10.0.0.8, ice: {stun: stun}}\n  bob:\n"
                 "steps:\n  - call: {from: alice, to: bob}\n  - call: {from: anna, to: bob}\n  - wait: 4s\nuntil: 4s\n"
                 "expect: [{candidates: {peer: alice, type: srflx, count: 0}}, {candidates: {peer: anna, type: srflx, "
                 "count: 1}}]\n");
    assert_int_equal(f.result->verdict, HP_VERDICT_PASS);
    hp_match from_alice = {.proto = HP_MATCH_UDP};
    hp_prefix_parse("10.0.0.9/32", &from_alice.src.prefix);
    assert_int_equal(captured(&f, "home/in", HP_DIR_IN, &from_alice), 0);
    assert_true(dropped(&f, "home/firewall", HP_DROP_FIREWALL_POLICY) > 0);
    hp_match refusal = {.icmp_kind = HP_ICMP_ADMIN_PROHIBITED};
    hp_prefix_parse("10.0.0.1/32", &refusal.src.prefix); /* the NAT's inside address */
    assert_true(captured(&f, "alice", HP_DIR_IN, &refusal) > 0);
    clear(&f);
}

static void a_hosts_firewall_speaks_for_the_host(void **state)
{
    fixture f = run_text("peers:\n  alice: {firewall: {in-answer: icmp}}\n  bob:\n"
                         "steps:\n  - call: {from: bob, to: alice}\n  - wait-for: ready\n"
                         "  - set-firewall: {of: alice, in: {deny: {size: 200}, answer: icmp, each-packet: true}}\n"
                         "  - send: {from: bob, to: alice, count: 6, both: false}\nuntil: 6s\n"
                         "expect: [{delivery: {loss: 100%}}]\n");
    assert_int_equal(f.result->verdict, HP_VERDICT_PASS);
    assert_int_equal(dropped(&f, "alice/firewall", HP_DROP_FIREWALL_POLICY), 6);
    hp_match refusal = {.icmp_kind = HP_ICMP_ADMIN_PROHIBITED}, big = {.proto = HP_MATCH_UDP};
    assert_true(hp_compare_parse("200", HP_UNIT_BYTES, &big.size));
    assert_int_equal(captured(&f, "alice", HP_DIR_IN, &big), 0); /* the host did not see them */
    refusal.src.prefix = (hp_prefix){.base = f.plan->peers[0].interfaces[0].addresses[0], .bits = 32};
    assert_true(captured(&f, "bob", HP_DIR_IN, &refusal) >= 6);
    hp_record r = event(&f, HP_EV_FIREWALL_CHANGED, "alice", 0);
    assert_string_equal(hp_record_text(&r, "what"), "in: {deny: {size: 200}, answer: icmp, each-packet: true}");
    clear(&f);
}

/* A firewall behind a firewall: the outer one and the Internet know the way to what is inside the inner one. */
static void networks_behind_firewalls_are_routed(void **state)
{
    fixture f =
        run_text("network:\n  nats: {home: port-restricted-cone}\n"
                 "  firewalls:\n    outer: {preset: transparent, families: [ipv4, ipv6]}\n"
                 "    inner: {preset: transparent, behind: outer, families: [ipv4, ipv6]}\n"
                 "    nested: {preset: transparent, behind: home}\n"
                 "servers: {stun: stun}\n"
                 "peers:\n  alice: {behind: inner, families: [ipv4, ipv6], ice: {stun: stun}}\n"
                 "  bob: {families: [ipv4, ipv6]}\n  carol: {behind: nested, ice: {stun: stun}}\n"
                 "steps:\n  - call: {from: alice, to: bob}\n  - call: {from: carol, to: bob}\n  - wait-for: ready\n"
                 "  - send: {from: alice, to: bob, count: 3}\nuntil: 9s\n"
                 "expect: [connected, {delivery: {loss: 0%}}, {pair: {alice: host}}, {candidates: {peer: carol, type: "
                 "srflx, count: 1}}]\n");
    assert_int_equal(f.result->verdict, HP_VERDICT_PASS);
    /* Two firewalls and the Internet's router on the way: 64 - 3. */
    hp_match far = {.proto = HP_MATCH_UDP}, v6 = {.family = HP_AF_IPV6};
    assert_true(hp_compare_parse("61", HP_UNIT_COUNT, &far.detail.ttl));
    assert_true(captured(&f, "bob", HP_DIR_IN, &far) >= 3);
    assert_true(captured(&f, "alice", HP_DIR_IN, &v6) > 0);
    clear(&f);
}

/* A NAT that routes IPv6 is on the way to a firewall's network, and a firewall on the way to such a NAT's. */
static void routed_prefixes_pass_firewalls_and_nats(void **state)
{
    fixture f = run_text(
        "network:\n  nats:\n    outer: {ipv6: route, families: [ipv4, ipv6]}\n"
        "    inner: {ipv6: route, families: [ipv4, ipv6], behind: middle}\n"
        "  firewalls: {middle: {preset: transparent, behind: outer, families: [ipv4, ipv6]}}\n"
        "peers:\n  alice: {behind: middle, families: ipv6}\n  anna: {behind: inner, families: ipv6}\n"
        "  bob: {families: ipv6}\n"
        "steps:\n  - call: {from: alice, to: bob}\n  - call: {from: anna, to: bob}\n  - wait-for: ready\nuntil: 9s\n"
        "expect: [connected, {pair: {alice: host, anna: host, bob: host}}]\n");
    assert_int_equal(f.result->verdict, HP_VERDICT_PASS);
    clear(&f);
}

/* The host's firewall sees IPv4, the CLAT behind it makes IPv6 of it, and a NAT64 beyond a firewall takes that. */
static void a_clat_stands_beyond_the_hosts_firewall(void **state)
{
    fixture f =
        run_text("network:\n  nats: {carrier: {nat64: true, families: ipv6}}\n"
                 "  firewalls: {mobile: {preset: transparent, behind: carrier, families: ipv6}}\n"
                 "servers: {stun: stun}\n"
                 "peers:\n  alice: {behind: mobile, families: ipv6, clat: true, ice: {stun: stun},\n"
                 "    firewall: {out: {deny: {family: ipv4, dst-port: 9}}}}\n  bob:\n"
                 "steps:\n  - call: {from: alice, to: bob}\n  - wait-for: ready\nuntil: 9s\nexpect: [connected]\n");
    assert_int_equal(f.result->verdict, HP_VERDICT_PASS);
    clear(&f);
}

/* A rule at a whole LAN is on the way in for all: multicast still does not come back to whom it came from. */
static void multicast_passes_a_lans_rules(void **state)
{
    fixture f =
        run_text("network: {lans: {lan: }}\n"
                 "peers:\n  alice: {behind: lan, mdns: true}\n  bob: {behind: lan, mdns: true}\n"
                 "rules: [{at: lan, label: m, match: {dst: 224.0.0.0/4}, do: pass}]\n"
                 "steps:\n  - call: {from: alice, to: bob}\n  - wait-for: ready\nuntil: 9s\nexpect: [connected]\n");
    hp_match multicast = {.proto = HP_MATCH_UDP};
    hp_prefix_parse("224.0.0.0/4", &multicast.dst.prefix);
    unsigned sent = captured(&f, "alice", HP_DIR_OUT, &multicast);
    assert_int_equal(f.result->verdict, HP_VERDICT_PASS);
    assert_true(sent > 0);
    assert_int_equal(captured(&f, "bob", HP_DIR_IN, &multicast), sent);
    assert_int_equal(hits_of(&f, "m"), sent + captured(&f, "bob", HP_DIR_OUT, &multicast));
    clear(&f);
}

static void a_reboot_flushes_flows(void **state)
{
    fixture f = run_text(
        "network: {firewalls: {fw: strict}, nats: {home: {preset: full-cone, firewall: strict}}}\n"
        "peers: {alice: {behind: fw}, anna: {behind: home}, bob: }\n"
        "steps:\n  - call: {from: alice, to: bob}\n  - call: {from: anna, to: bob}\n  - wait-for: ready\n  - at: 4s\n"
        "    send: {from: bob, to: alice, count: 10, interval: 100ms, both: false}\n"
        "  - {at: 4450ms, reboot: fw}\n  - reboot: home\nuntil: 6s\n");
    assert_int_equal(dropped(&f, "fw", HP_DROP_FIREWALL_NO_FLOW), 5 + 1); /* one was under way */
    hp_record r = event(&f, HP_EV_FIREWALL_CHANGED, "fw", 0);
    assert_true(r.at == 4450 * HP_MS);
    assert_string_equal(hp_record_text(&r, "what"), "reboot");
    r = event(&f, HP_EV_FIREWALL_CHANGED, "home", 0);
    assert_string_equal(hp_record_text(&r, "what"), "reboot");
    r = event(&f, HP_EV_NAT_CHANGED, "home", 0);
    clear(&f);
}

/* The access link of a firewall is a link like any other. */
static void a_firewalls_link_can_be_set(void **state)
{
    fixture f = run_text(
        "network: {firewalls: {fw: {preset: strict, link: {delay: 10ms}}}}\npeers: {alice: {behind: fw}, bob: }\n"
        "steps:\n  - call: {from: alice, to: bob}\n  - wait-for: ready\n"
        "  - set-link: {of: fw, delay: 30ms}\n  - send: {from: alice, to: bob, count: 3, both: false}\nuntil: 9s\n"
        "expect: [{latency: {min: 50.5ms, max: 50.5ms}}]\n");
    assert_int_equal(f.result->verdict, HP_VERDICT_PASS); /* 0.5 inside, 30 of the link, 20 of the Internet */
    clear(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_place_sees_what_passes_it),
        cmocka_unit_test(places_with_access_links),
        cmocka_unit_test(a_changed_packet_arrives_changed),
        cmocka_unit_test(a_filter_is_run_on_ip),
        cmocka_unit_test(refusals_come_from_the_gateway),
        cmocka_unit_test(a_filter_that_does_not_compile),
        cmocka_unit_test(steps_switch_rules),
        cmocka_unit_test(a_nats_firewall_sees_the_inside),
        cmocka_unit_test(a_hosts_firewall_speaks_for_the_host),
        cmocka_unit_test(networks_behind_firewalls_are_routed),
        cmocka_unit_test(a_reboot_flushes_flows),
        cmocka_unit_test(multicast_passes_a_lans_rules),
        cmocka_unit_test(routed_prefixes_pass_firewalls_and_nats),
        cmocka_unit_test(a_clat_stands_beyond_the_hosts_firewall),
        cmocka_unit_test(a_firewalls_link_can_be_set),
    };
    return cmocka_run_group_tests(tests, start_seam, NULL);
}
