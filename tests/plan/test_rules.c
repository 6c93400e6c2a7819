/* Firewalls and rules in a plan: zones, addresses, places, and what the lint says of them. */
#include "lint_fixture.h"

static hp_plan *plan_of(const char *text, GPtrArray **ret_cases)
{
    g_autoptr(hp_diags) diags = hp_diags_new();
    *ret_cases = hp_scenario_parse("t.yaml", text, strlen(text), diags);
    hp_plan *plan = *ret_cases != NULL ? hp_plan_new((*ret_cases)->pdata[0], "t", 1, diags) : NULL;
    if (plan == NULL) {
        g_autofree char *said = hp_diags_format(diags);
        fail_msg("%s", said);
    }
    return plan;
}

static char *errors_of(const char *text)
{
    g_autoptr(hp_diags) diags = hp_diags_new();
    GPtrArray *cases = hp_scenario_parse("t.yaml", text, strlen(text), diags);
    assert_non_null(cases);
    assert_null(hp_plan_new(cases->pdata[0], "t", 1, diags));
    GString *out = g_string_new(NULL);
    for (unsigned i = 0; i < diags->list->len; i++) {
        const hp_diag *d = diags->list->pdata[i];
        g_string_append_printf(out, "%u:%u: %s%s%s\n", d->mark.line, d->mark.column, d->message, d->hint ? " -- " : "",
                               d->hint ? d->hint : "");
    }
    g_ptr_array_unref(cases);
    return g_string_free(out, FALSE);
}

#define assert_errors(text, expected)                                                                                  \
    do {                                                                                                               \
        g_autofree char *said_ = errors_of(text);                                                                      \
        assert_string_equal(said_, expected);                                                                          \
    } while (0)

static void assert_ip(const hp_addr *a, const char *expected)
{
    char text[HP_ADDR_TEXT];
    hp_addr_format_ip(a, text);
    assert_string_equal(text, expected);
}

static void firewalls_have_routed_networks(void **state)
{
    GPtrArray *cases;
    g_autoptr(hp_plan) plan = plan_of(
        "network:\n  lans: {lan: }\n  nats: {home: }\n"
        "  firewalls: {four: strict, both: {families: [ipv4, ipv6], behind: four, inside4: 203.0.113.128/28}}\n"
        "peers: {a: {behind: four}, b: {behind: both, families: [ipv4, ipv6]}, c: {behind: home}, d: {behind: lan}}\n"
        "expect: [{drops: {at: four}}, {drops: {at: both}}, {drops: {at: link four/up}}]\n",
        &cases);
    assert_int_equal(plan->n_zones, 5);
    assert_int_equal(plan->zones[2].nat, 0);
    assert_int_equal(plan->zones[2].firewall, -1);
    assert_int_equal(plan->zones[3].firewall, 0);
    assert_int_equal(plan->zones[3].nat, -1);
    assert_string_equal(plan->zones[4].name, "both");
    assert_ip(&plan->zones[3].prefix4.base, "198.19.0.0");
    assert_int_equal(plan->zones[3].prefix6.base.family, HP_AF_NONE);
    assert_ip(&plan->zones[3].router4, "198.19.0.1");
    assert_ip(&plan->zones[4].prefix4.base, "203.0.113.128");
    assert_ip(&plan->zones[4].prefix6.base, "2001:db8:f1:2::");
    assert_ip(&plan->peers[0].interfaces[0].addresses[0], "198.19.0.10");
    assert_ip(&plan->peers[1].interfaces[0].addresses[0], "203.0.113.138");
    assert_ip(&plan->peers[1].interfaces[0].addresses[1], "2001:db8:f1:2::a");
    assert_int_equal(plan->firewalls[0].outside.zone, 0);
    assert_ip(&plan->firewalls[0].outside4, "192.0.2.12"); /* behind the NAT's, and its spare one */
    assert_int_equal(plan->firewalls[0].outside6.family, HP_AF_NONE);
    assert_int_equal(plan->firewalls[1].outside.zone, 3);
    assert_ip(&plan->firewalls[1].outside4, "198.19.0.11");
    assert_int_equal(plan->firewalls[1].outside6.family, HP_AF_NONE); /* there is no IPv6 out there */
    assert_int_equal(plan->firewalls[1].outside.n_addresses, 0);
    g_ptr_array_unref(cases);
}

static void rules_of_one_place_share_a_middlebox(void **state)
{
    GPtrArray *cases;
    g_autoptr(hp_plan) plan = plan_of(
        "network: {nats: {home: }, firewalls: {fw: strict}}\nservers: {stun: stun}\n"
        "peers: {a: {interfaces: {w: home, l: fw}}, b: }\n"
        "rules:\n  - {at: b, do: drop}\n  - {at: home, do: drop}\n  - {at: a, do: drop}\n  - {at: b, do: drop}\n"
        "  - {at: a/l, do: drop}\n  - {at: home/inside, do: drop}\n  - {at: internet, do: drop}\n"
        "  - {at: fw/inside, do: drop}\n  - {at: stun, do: drop}\n"
        "expect: [{packets: {at: rules a/w, count: 0}}, {drops: {at: rules internet}}]\n",
        &cases);
    static const struct {
        const char *name;
        hp_place_kind kind;
        unsigned n, rules[2];
    } expected[] = {
        {"rules internet", HP_PLACE_ZONE, 1, {6}},
        {"rules home", HP_PLACE_NAT, 1, {1}},
        {"rules home/inside", HP_PLACE_NAT_INSIDE, 1, {5}},
        {"rules fw/inside", HP_PLACE_FIREWALL_INSIDE, 1, {7}},
        {"rules stun", HP_PLACE_SERVER, 1, {8}},
        {"rules a/w", HP_PLACE_PEER, 1, {2}},
        {"rules a/l", HP_PLACE_PEER, 2, {2, 4}},
        {"rules b", HP_PLACE_PEER, 2, {0, 3}},
    };
    assert_int_equal(plan->n_middleboxes, G_N_ELEMENTS(expected));
    for (unsigned i = 0; i < plan->n_middleboxes; i++) {
        const hp_plan_middlebox *box = &plan->middleboxes[i];
        assert_string_equal(box->name, expected[i].name);
        assert_int_equal(box->kind, expected[i].kind);
        assert_int_equal(box->n_rules, expected[i].n);
        assert_memory_equal(box->rules, expected[i].rules, box->n_rules * sizeof(unsigned));
    }
    assert_int_equal(plan->middleboxes[6].interface, 1);
    g_ptr_array_unref(cases);
}

static void places_that_are_none(void **state)
{
    assert_errors(
        "network: {nats: {home: {firewall: strict}}, firewalls: {fw: strict}}\n"
        "peers: {alice: {behind: home}, b: {behind: fw}}\n"
        "rules:\n  - {at: alicia, do: drop}\n  - {at: home/in, do: drop}\n  - {at: nowhere, do: drop}\n"
        "  - {at: internet, direction: up, do: drop}\n"
        "expect:\n  - packets: {at: home/firewall, count: 0}\n  - drops: {at: rules alice}\n",
        "4:5: there is no place `alicia` for a rule -- did you mean `alice`?\n"
        "5:5: there is no place `home/in` for a rule\n"
        "6:5: there is no place `nowhere` for a rule\n"
        "7:5: what crosses `internet` does so in no direction: leave `direction` out -- put the rule at a peer, "
        "a server, a NAT or a firewall\n"
        "9:5: no packets are captured at `home/firewall` -- a peer, a server, a NAT, or a NAT's /in or /out\n"
        "10:5: there is no place `rules alice` to look at\n");
}

static void nothing_is_behind_itself(void **state)
{
    assert_errors("network: {nats: {home: {behind: fw}}, firewalls: {fw: {preset: strict, behind: home}}}\n"
                  "peers: {a: {behind: home}, b: }\n",
                  "1:18: NAT `home` is behind itself\n");
    assert_errors("network: {firewalls: {fw: {preset: strict, behind: fw}}}\npeers: {a: {behind: fw}, b: }\n",
                  "1:23: firewall `fw` is behind itself\n");
    assert_errors("network: {firewalls: {fw: {preset: strict, families: ipv6}}}\npeers: {a: {behind: fw}, b: }\n",
                  "2:9: `fw` has no IPv4, so nothing behind it can have an address of that family\n");
}

#define CALL "peers: {a: , b: }\nsteps: [{call: {from: a, to: b}}]\nexpect: [connected]\n"

static void what_can_never_matter(void **state)
{
    assert_lint("network: {firewalls: {fw: strict}}\n"
                "rules:\n"
                "  - {at: a, off: true, do: drop}\n"
                "  - {at: a, match: {proto: udp, tcp: {flags: syn}}, do: drop}\n"
                "  - {at: a, match: {stun: true, dtls: true}, do: drop}\n"
                "  - {at: a, match: {src: 10.0.0.0/8, dst: 'fd00::/8'}, do: drop, label: mixed}\n"
                "  - {at: a, match: {proto: icmp, rtp: true}, do: drop}\n"
                "  - {at: a, match: {icmp: port-unreachable, stun: true}, do: drop}\n"
                "  - {at: a, from: 60s, do: drop}\n"
                "  - {at: b, do: drop}\n"
                "  - {at: b, match: {proto: udp}, do: pass}\n" CALL,
                "1:23: nobody is behind firewall `fw`\n"
                "3:5: rule 1 is off, and never switched on\n"
                "4:5: rule 2 can never match: only TCP has flags of TCP\n"
                "5:5: rule 3 can never match: one payload is of one kind\n"
                "6:5: rule `mixed` can never match: source and destination are of different families\n"
                "7:5: rule 5 can never match: ICMP has no payload that could be looked at\n"
                "8:5: rule 6 can never match: it asks for ICMP and for another protocol\n"
                "9:5: rule 7 begins when the run is over\n"
                "11:5: rule 8 leaves no packet for this one\n");
    assert_lint(
        "rules:\n"
        "  - {at: a, off: true, label: x, do: drop}\n"
        "  - {at: a, match: {stun: true, dtls: false}, do: drop}\n"
        "  - {at: a, go-on: true, do: pass}\n"
        "  - {at: a, do: drop}\n"
        "peers: {a: , b: }\nsteps: [{rule: {label: x, on: true}}, {call: {from: a, to: b}}]\nexpect: [connected]\n",
        "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(firewalls_have_routed_networks), cmocka_unit_test(rules_of_one_place_share_a_middlebox),
        cmocka_unit_test(places_that_are_none),           cmocka_unit_test(nothing_is_behind_itself),
        cmocka_unit_test(what_can_never_matter),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
