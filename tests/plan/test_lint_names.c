/* Names in a plan: who is called what, who asks whom, and what the lint says of it. */
#include "lint_fixture.h"

#define SOUND                                                                                                          \
    "servers: {dns: dns, turn: turn}\n"                                                                                \
    "peers: {alice: {dns: dns, ice: {stun: turn, turn: turn}}, bob: }\n"                                               \
    "steps: [{call: {from: alice, to: bob}}]\nexpect: [connected]\n"

static hp_plan *plan_of(const char *text, GPtrArray **ret_cases)
{
    g_autoptr(hp_diags) diags = hp_diags_new();
    *ret_cases = hp_scenario_parse("t.yaml", text, strlen(text), diags);
    assert_non_null(*ret_cases);
    hp_plan *plan = hp_plan_new(g_ptr_array_index(*ret_cases, 0), "t", 1, diags);
    assert_non_null(plan);
    return plan;
}

/* "name=address,address name=..." */
static char *records(const hp_plan_server *server)
{
    GString *out = g_string_new(NULL);
    for (unsigned i = 0; i < server->dns.n_hosts; i++) {
        const hp_dns_host *h = &server->dns.hosts[i];
        g_string_append_printf(out, "%s%s", i > 0 ? " " : "", h->name);
        for (unsigned k = 0; k < h->n_addresses; k++) {
            char text[HP_ADDR_TEXT];
            g_string_append_printf(out, "%c%s", k > 0 ? ',' : '=', hp_addr_format(&h->addresses[k], text));
        }
    }
    return g_string_free(out, FALSE);
}

static void everybody_has_a_name(void **state)
{
    GPtrArray *cases;
    hp_plan *plan = plan_of("network: {nats: {home: }}\n"
                            "servers:\n"
                            "  dns: {kind: dns, hosts: {turn.example: 192.0.2.66, extra.example: 192.0.2.67}}\n"
                            "  turn: {kind: turn, families: [ipv4, ipv6]}\n"
                            "  other: {kind: turn, dns-name: relay.carrier.example}\n"
                            "  mine: {kind: dns, zones: [corp.example], hosts: {a.corp.example: 10.0.0.1}}\n"
                            "peers:\n"
                            "  alice: {dns: dns, behind: home}\n"
                            "  bob: {dns: mine, interfaces: {wifi: home, lte: internet}}\n",
                            &cases);
    g_autofree char *all = records(&plan->servers[0]), *own = records(&plan->servers[3]);
    assert_string_equal(all, "turn.example=192.0.2.66 extra.example=192.0.2.67 dns.example=203.0.113.10 "
                             "relay.carrier.example=203.0.113.12 mine.example=203.0.113.13 alice.example=192.168.1.10 "
                             "bob.example=192.168.1.11 bob.example=198.51.100.10");
    assert_int_equal(plan->servers[0].n_own_hosts, 2);
    assert_string_equal(own, "a.corp.example=10.0.0.1");
    assert_string_equal(plan->servers[2].dns_name, "relay.carrier.example");
    hp_plan_free(plan);
    g_ptr_array_unref(cases);
}

static void servers_are_asked_where_they_can_be_reached(void **state)
{
    GPtrArray *cases;
    hp_plan *plan = plan_of("servers:\n"
                            "  both: {kind: dns, families: [ipv4, ipv6]}\n"
                            "  six: {kind: dns, families: ipv6, port: 5300}\n"
                            "peers:\n"
                            "  four: {dns: [six, both]}\n"
                            "  six6: {families: ipv6, dns: [six, both]}\n"
                            "  knows: \n",
                            &cases);
    const hp_resolver_config *four = &plan->peers[0].resolver, *six = &plan->peers[1].resolver;
    char text[HP_ADDR_TEXT];
    assert_int_equal(plan->peers[0].n_dns, 2);
    assert_int_equal(four->n_servers, 1);
    assert_string_equal(hp_addr_format(&four->servers[0], text), "203.0.113.10");
    assert_int_equal(six->n_servers, 2);
    assert_string_equal(hp_addr_format(&six->servers[0], text), "[2001:db8:53::b]:5300");
    assert_string_equal(hp_addr_format(&six->servers[1], text), "2001:db8:53::a");
    assert_int_equal(plan->peers[2].n_dns, 0);
    hp_plan_free(plan);
    g_ptr_array_unref(cases);
}

/* A renumbered server's new address is taken when all others have theirs. */
static void spare_addresses_move_nobody(void **state)
{
    GPtrArray *cases;
    hp_plan *plan = plan_of("servers: {a: turn, b: turn, c: turn}\npeers: {x: {ice: {turn: [a, b, c]}}}\n"
                            "steps: [renumber: b, renumber: b, renumber: {nat: c, to: 203.0.113.99}]\n",
                            &cases);
    char text[HP_ADDR_TEXT];
    assert_null(plan->servers[0].attachment.spare);
    assert_string_equal(hp_addr_format(&plan->servers[2].attachment.addresses[0], text), "203.0.113.12");
    assert_string_equal(hp_addr_format(&plan->servers[1].attachment.spare[0], text), "203.0.113.13");
    assert_null(plan->servers[2].attachment.spare);
    hp_plan_free(plan);
    g_ptr_array_unref(cases);
}

static void nothing_to_say_of_what_is_sound(void **state)
{
    assert_lint(SOUND, "");
}

static void servers_for_nothing(void **state)
{
    assert_lint("servers: {used: dns, unused: dns, turn: turn}\n"
                "peers: {alice: {dns: used, ice: {turn: turn}}, bob: {dns: used}}\n"
                "steps: [{call: {from: alice, to: bob}}]\nexpect: [connected]\n",
                "1:22: nobody asks DNS server `unused`\n"
                "2:48: peer `bob` has DNS servers, and no STUN or TURN server to look for\n");
}

static void no_way_to_ask(void **state)
{
    assert_lint("servers: {four: dns, six: {kind: dns, families: ipv6}, turn: turn}\n"
                "peers: {alice: {dns: [four, six], ice: {turn: turn}}, bob: {dns: six, ice: {turn: turn}}}\n"
                "steps: [{call: {from: alice, to: bob}}]\nexpect: [connected]\n",
                "2:9: peer `alice` cannot reach some of its DNS servers: they have no address family in common\n"
                "2:55: peer `bob` cannot reach any of its DNS servers: they have no address family in common\n");
}

static void names_that_nobody_has(void **state)
{
    assert_lint("servers:\n"
                "  dns: {kind: dns, zones: [example], hosts: {Turn.example: 192.0.2.1}}\n"
                "  turn: turn\n"
                "  stun: stun\n"
                "  late: stun\n"
                "peers:\n"
                "  alice: {dns: dns, ice: {stun: stun, turn: turn}}\n"
                "  bob: {dns: dns, ice: {stun: late}}\n"
                "steps: [{call: {from: alice, to: bob}}, {set-dns: {server: dns, hosts: {late.example: 192.0.2.2}}}]\n"
                "expect: [connected]\n",
                "7:3: peer `alice` asks for `stun.example`, which none of its DNS servers knows\n");
}

static void faults_that_strike_nobody(void **state)
{
    assert_lint(
        "servers:\n"
        "  dns: {kind: dns, faults: [nxdomain: {name: TURN.example}, nxdomain: {name: trun.example}, silence]}\n"
        "  turn: turn\n"
        "peers: {alice: {dns: dns, ice: {turn: turn}}, bob: }\n"
        "steps: [{call: {from: alice, to: bob}}]\nexpect: [connected]\n",
        "2:3: a fault of `dns` is about `trun.example`, which nobody asks it for\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(everybody_has_a_name),        cmocka_unit_test(servers_are_asked_where_they_can_be_reached),
        cmocka_unit_test(spare_addresses_move_nobody), cmocka_unit_test(nothing_to_say_of_what_is_sound),
        cmocka_unit_test(servers_for_nothing),         cmocka_unit_test(no_way_to_ask),
        cmocka_unit_test(names_that_nobody_has),       cmocka_unit_test(faults_that_strike_nobody),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
