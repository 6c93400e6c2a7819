/* Firewalls in the language: presets, policies, knobs, where one may stand, and `set-firewall`. */
#include "fixture.h"

#define TAIL "peers: {a: , b: }\n"

static void three_places(void **state)
{
    hp_scenario *s =
        load_one("network:\n"
                 "  nats: {home: {firewall: udp-blocked}, bare: }\n"
                 "  firewalls: {fw: rfc6092, plain: {behind: home, families: ipv6, inside6: 2001:db8:7::/64}}\n"
                 "servers: {stun: {kind: stun, firewall: {in: {allow: {dst-port: 3478}}}}}\n"
                 "defaults: {firewall: strict}\n"
                 "peers:\n"
                 "  a: {interfaces: {w: internet, l: {firewall: none}}}\n"
                 "  b: {firewall: {udp-timeout: 9s}}\n");

    assert_true(s->nats[0].firewall.on);
    assert_string_equal(s->nats[0].firewall.preset, "udp-blocked");
    assert_int_equal(s->nats[0].firewall.config.n_out, 2);
    assert_false(s->nats[1].firewall.on);
    assert_int_equal(s->n_firewalls, 2);
    assert_string_equal(s->firewalls[0].name, "fw");
    assert_true(s->firewalls[0].firewall.config.passes_ipsec && s->firewalls[0].firewall.config.hop);
    assert_string_equal(s->firewalls[0].behind, "internet");
    assert_true(s->firewalls[0].lan.delay_ns == 500 * HP_US && s->firewalls[0].family.ipv4);
    assert_string_equal(s->firewalls[1].behind, "home");
    assert_true(s->firewalls[1].firewall.on && s->firewalls[1].firewall.config.hop);
    assert_true(s->firewalls[1].inside6.bits == 64 && !s->firewalls[1].family.ipv4);
    assert_true(s->servers[0].firewall.on && s->servers[0].firewall.n_in == 1 && s->servers[0].firewall.in[0].allow);
    assert_true(s->peers[0].interfaces[0].firewall.on);
    assert_false(s->peers[0].interfaces[1].firewall.on);
    const hp_firewall_config *b = &s->peers[1].interfaces[0].firewall.config;
    assert_true(s->peers[1].interfaces[0].firewall.on && b->udp_timeout == 9 * HP_S);
    assert_true(b->udp_unreplied_timeout == 30 * HP_S); /* of `strict`, from the defaults */
    hp_scenario_free(s);
}

static void every_knob(void **state)
{
    hp_scenario *s = load_one(
        "peers:\n  a:\n    firewall: {out-denied: true, in-allowed: true, out-answer: icmp, in-answer: reset, "
        "syn-wait: 6s,\n"
        "      filtering: endpoint-independent, tcp-filtering: address-dependent, udp-timeout: 1s,\n"
        "      udp-unreplied-timeout: 2s, udp-well-known-timeout: 3s, inbound-keeps-silent: true,\n"
        "      tcp-transitory-timeout: 4s, tcp-established-timeout: 5s, tcp-closed-timeout: 6s, icmp-timeout: 7s,\n"
        "      other-timeout: 8s, tcp-picks-up: true, passes-ipsec: true, blocks-icmp-errors: true,\n"
        "      blocks-unique-local: true, hop: true, fragments: drop, max-flows: 9, max-flows-per-host: 10, evicts: "
        "true}\n"
        "  b: {firewall: rfc6092}\n");
    const hp_firewall_config expected = {
        .out_denied = true,
        .in_allowed = true,
        .out_refusal = HP_REFUSE_ICMP,
        .in_refusal = HP_REFUSE_RESET,
        .syn_wait = 6 * HP_S,
        .filtering = HP_FIREWALL_ENDPOINT_INDEPENDENT,
        .tcp_filtering = HP_FIREWALL_ADDRESS_DEPENDENT,
        .udp_timeout = 1 * HP_S,
        .udp_unreplied_timeout = 2 * HP_S,
        .udp_well_known_timeout = 3 * HP_S,
        .inbound_keeps_silent = true,
        .tcp_transitory_timeout = 4 * HP_S,
        .tcp_established_timeout = 5 * HP_S,
        .tcp_closed_timeout = 6 * HP_S,
        .icmp_timeout = 7 * HP_S,
        .other_timeout = 8 * HP_S,
        .tcp_picks_up = true,
        .passes_ipsec = true,
        .blocks_icmp_errors = true,
        .blocks_unique_local = true,
        .hop = true,
        .fragments = HP_FIREWALL_FRAGMENTS_DROP,
        .max_flows = 9,
        .max_flows_per_host = 10,
        .evicts = true,
    };
    assert_memory_equal(&s->peers[0].interfaces[0].firewall.config, &expected, sizeof expected);
    assert_false(s->peers[1].interfaces[0].firewall.config.hop); /* a host's is no router, whatever the preset says */
    hp_scenario_free(s);
}

/* What the scenario says comes first; then the preset's own. */
static void policies_stand_before_the_presets(void **state)
{
    hp_scenario *s = load_one("network:\n  firewalls:\n    fw:\n      preset: udp-refused\n      out:\n"
                              "        - {allow: {dst-port: 3478}, label: turn}\n"
                              "        - {deny: {proto: icmp}, answer: icmp, each-packet: true}\n" TAIL);
    hp_firewall_config c;
    hp_sc_firewall_config(&s->firewalls[0].firewall, &c);
    assert_int_equal(c.n_out, 4);
    assert_string_equal(c.out[0].label, "turn");
    assert_true(c.out[0].allow && c.out[0].match.dst.port_first == 3478);
    assert_true(!c.out[1].allow && c.out[1].refusal == HP_REFUSE_ICMP && c.out[1].each_packet);
    assert_string_equal(c.out[2].label, "DNS");
    assert_string_equal(c.out[3].label, "no UDP");
    assert_int_equal(c.n_in, 0);
    hp_firewall_config_clear(&c);
    hp_scenario_free(s);
}

static void set_firewall_adds_up(void **state)
{
    hp_scenario *s =
        load_one("network: {nats: {home: {firewall: {preset: strict, out: {deny: {dst-port: 1}}}}}}\n" TAIL "steps:\n"
                 "  - set-firewall: {of: home, udp-timeout: 7s}\n"
                 "  - set-firewall: {of: home, preset: rfc6092, in-answer: reset}\n"
                 "  - set-firewall: {of: home, out: []}\n");
    const hp_sc_firewall *first = &s->steps[0].firewall.firewall, *second = &s->steps[1].firewall.firewall,
                         *third = &s->steps[2].firewall.firewall;

    assert_true(first->config.udp_timeout == 7 * HP_S && first->config.udp_unreplied_timeout == 30 * HP_S);
    assert_int_equal(first->n_out, 1);
    assert_string_equal(s->steps[0].firewall.text, "udp-timeout: 7s");
    assert_true(second->config.udp_timeout == 0 && second->config.passes_ipsec && !second->config.hop);
    assert_int_equal(second->config.in_refusal, HP_REFUSE_RESET);
    assert_int_equal(second->n_out, 1);
    assert_int_equal(third->n_out, 0);
    assert_true(third->config.passes_ipsec);
    hp_scenario_free(s);
}

static void a_matrix_over_presets(void **state)
{
    g_autoptr(GPtrArray) cases = load_all("network: {nats: {home: {firewall: strict}}}\n" TAIL
                                          "matrix: {network.nats.home.firewall.preset: [none, web-only], "
                                          "network.nats.home.alg: [plain, [anywhere, xored]]}\n");
    assert_int_equal(cases->len, 4);
    const hp_scenario *first = cases->pdata[0], *last = cases->pdata[3];
    assert_false(first->nats[0].firewall.on);
    assert_true(first->nats[0].config.alg.plain && !first->nats[0].config.alg.anywhere);
    assert_true(last->nats[0].firewall.on && last->nats[0].firewall.config.out_denied);
    assert_true(last->nats[0].config.alg.anywhere && last->nats[0].config.alg.xored && !last->nats[0].config.alg.plain);
}

static void mistakes(void **state)
{
    assert_complains(
        "network:\n"
        "  nats: {home: {firewall: strickt}, bare: }\n"
        "  firewalls:\n"
        "    f1: none\n"
        "    f2: {preset: strict, behind: nowhere}\n"
        "    f3: {out: [{allow: {}, deny: {}}, {label: x}, {allow: {}, answer: icmp}]}\n"
        "    f4: {udp-timeout: 3}\n"
        "    home: strict\n"
        "peers: {a: {firewall: {preset: none, udp-timeout: 3s}}, b: }\n"
        "steps:\n"
        "  - set-firewall: {of: bare, udp-timeout: 3s}\n"
        "  - set-firewall: {of: f2}\n"
        "  - set-firewall: {of: f2, preset: none}\n"
        "  - set-firewall: {of: eve, udp-timeout: 3s}\n"
        "  - reboot: a\n",
        "2:27: `strickt` is not a firewall preset (did you mean `strict`?)\n"
        "4:9: a firewall of its own cannot be `none` (`preset: transparent` lets everything pass)\n"
        "5:34: no network (internet, a LAN, a NAT or a firewall) is called `nowhere`\n"
        "6:16: a policy needs either `allow` or `deny` (`allow: {proto: tcp, dst-port: 443}`, `deny: {}`)\n"
        "6:39: a policy needs either `allow` or `deny` (`allow: {proto: tcp, dst-port: 443}`, `deny: {}`)\n"
        "6:71: `answer` goes with `deny`\n"
        "7:23: `udp-timeout` must be a duration such as 20ms, 1.5s or 10m, not `3` (add a unit: `3ms` or "
        "`3s`)\n"
        "8:5: the name `home` is given twice (peers, servers, NATs, firewalls and LANs share one space of "
        "names)\n"
        "9:32: `preset: none` is no firewall, and has no knobs\n"
        "11:24: `bare` has no firewall that could be changed (`firewall: transparent` lets everything pass "
        "until then)\n"
        "12:19: `set-firewall` changes nothing\n"
        "13:36: a step cannot take a firewall away (`preset: transparent` lets everything pass)\n"
        "14:24: no firewall, NAT, peer or server is called `eve`\n"
        "15:13: no NAT or firewall is called `a`\n");
}

/* An event of somebody who is not there never happens: asking for none of them could not fail. */
static void events_of_nobody(void **state)
{
    assert_complains("network: {firewalls: {fw: strict}}\n"
                     "peers: {a: , b: }\n"
                     "rules: [{at: a, do: drop, label: no-way}, {at: b, do: drop}]\n"
                     "expect:\n"
                     "  - event: {event: firewall-changed, of: vw, count: 0}\n"
                     "  - event: {event: rule-hit, of: no-wax, count: 0}\n"
                     "  - event: {event: rule-hit, of: no-way, count: 0}\n"
                     "  - event: {event: rule-hit, of: \"2\", count: 0}\n",
                     "5:42: no firewall, NAT, peer or server is called `vw` (did you mean `fw`?)\n"
                     "6:34: no rule has the label `no-wax` (did you mean `no-way`?)\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(three_places),
        cmocka_unit_test(every_knob),
        cmocka_unit_test(policies_stand_before_the_presets),
        cmocka_unit_test(set_firewall_adds_up),
        cmocka_unit_test(a_matrix_over_presets),
        cmocka_unit_test(mistakes),
        cmocka_unit_test(events_of_nobody),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
