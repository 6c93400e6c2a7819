/* Names in the language: DNS servers and their faults, resolvers, mDNS, matches, steps; what is refused, and where. */
#include "fixture.h"
#include "wire/dns.h"

static void the_shortest_dns_server(void **state)
{
    hp_scenario *s = load_one("servers: {dns: dns}\npeers: {a: {dns: dns}}");
    const hp_dns_config *dns = &s->servers[0].dns;
    assert_int_equal(s->servers[0].config.kind, HP_SERVER_DNS);
    assert_null(s->servers[0].dns_name);
    assert_int_equal(dns->port, 0);
    assert_int_equal(dns->n_zones + dns->n_hosts + dns->n_faults, 0);
    assert_true(dns->ttl == 300 * HP_S && dns->negative_ttl == 60 * HP_S);
    assert_int_equal(dns->max_udp, 1232);
    assert_false(dns->no_edns || dns->no_reverse || dns->dns64.on);
    const hp_sc_resolver *r = &s->peers[0].dns;
    assert_string_equal(r->servers[0], "dns");
    assert_null(r->servers[1]);
    assert_true(r->config.timeout == 5 * HP_S && r->config.attempts == 2 && r->config.cache_size == 256);
    assert_true(r->config.max_ttl == 86400 * HP_S);
    assert_false(r->config.no_edns || r->config.no_stream);
    assert_false(s->peers[0].mdns.on);
    hp_scenario_free(s);
}

static void everything_a_dns_server_can_be_told(void **state)
{
    hp_scenario *s = load_one("servers:\n"
                              "  dns:\n"
                              "    kind: dns\n"
                              "    port: 5300\n"
                              "    zones: [example, 2.0.192.in-addr.arpa]\n"
                              "    hosts:\n"
                              "      turn.example: 192.0.2.1\n"
                              "      both.example: [192.0.2.2, '2001:db8::2']\n"
                              "      alias.example: {cname: turn.example, ttl: 7s}\n"
                              "      nothing.example:\n"
                              "    ttl: 30s\n"
                              "    negative-ttl: 2s\n"
                              "    max-udp: 512\n"
                              "    edns: false\n"
                              "    reverse: false\n"
                              "    dns64: {prefix: 2001:db8:64::/96, exclude: [fd00::/8], private-addresses: true}\n"
                              "  turn: {kind: turn, dns-name: relay.example}\n"
                              "peers: {a: {dns: dns}}\n");
    const hp_dns_config *dns = &s->servers[0].dns;
    assert_int_equal(dns->port, 5300);
    assert_int_equal(dns->n_zones, 2);
    assert_string_equal(dns->zones[1], "2.0.192.in-addr.arpa");
    assert_int_equal(dns->n_hosts, 4);
    assert_string_equal(dns->hosts[0].name, "turn.example");
    assert_int_equal(dns->hosts[0].n_addresses, 1);
    assert_int_equal(dns->hosts[1].n_addresses, 2);
    assert_int_equal(dns->hosts[1].addresses[1].family, HP_AF_IPV6);
    assert_string_equal(dns->hosts[2].cname, "turn.example");
    assert_true(dns->hosts[2].ttl == 7 * HP_S);
    assert_int_equal(dns->hosts[3].n_addresses, 0);
    assert_true(dns->ttl == 30 * HP_S && dns->negative_ttl == 2 * HP_S && dns->max_udp == 512);
    assert_true(dns->no_edns && dns->no_reverse && dns->dns64.on && dns->dns64.private_addresses);
    assert_int_equal(dns->dns64.prefix.bits, 96);
    assert_int_equal(dns->dns64.n_exclude, 1);
    assert_string_equal(s->servers[1].dns_name, "relay.example");
    hp_scenario_free(s);
    s = load_one(
        "servers: {on: {kind: dns, dns64: true}, off: {kind: dns, dns64: false}}\npeers: {a: {dns: [off, on]}}");
    assert_true(s->servers[0].dns.dns64.on);
    assert_false(s->servers[1].dns.dns64.on);
    hp_scenario_free(s);
}

static void faults_of_both_sorts(void **state)
{
    hp_scenario *s = load_one("servers:\n"
                              "  dns:\n"
                              "    kind: dns\n"
                              "    faults:\n"
                              "    - silence\n"
                              "    - delay: {by: 1s, name: turn.example, type: AAAA, nth: 2..3, from: 4s, until: 5s}\n"
                              "    - wrong-id\n"
                              "    - servfail: {type: a}\n"
                              "    - refused\n"
                              "    - nxdomain\n"
                              "    - empty\n"
                              "    - truncate\n"
                              "    - wrong-address: 192.0.2.66\n"
                              "    - wrong-question\n"
                              "  stun: {kind: stun, faults: [silence: {method: Binding}, wrong-mapped, error: 400]}\n"
                              "peers: {a: {dns: dns}}\n");
    const hp_dns_config *dns = &s->servers[0].dns;
    static const hp_dns_fault_kind kinds[] = {
        HP_DNS_FAULT_SILENCE,       HP_DNS_FAULT_DELAY,         HP_DNS_FAULT_WRONG_ID, HP_DNS_FAULT_SERVFAIL,
        HP_DNS_FAULT_REFUSED,       HP_DNS_FAULT_NXDOMAIN,      HP_DNS_FAULT_EMPTY,    HP_DNS_FAULT_TRUNCATE,
        HP_DNS_FAULT_WRONG_ADDRESS, HP_DNS_FAULT_WRONG_QUESTION};
    assert_int_equal(dns->n_faults, G_N_ELEMENTS(kinds));
    assert_int_equal(s->servers[0].config.n_faults, 0);
    for (unsigned i = 0; i < G_N_ELEMENTS(kinds); i++) {
        assert_int_equal(dns->faults[i].kind, kinds[i]);
    }
    const hp_dns_fault *delay = &dns->faults[1];
    assert_true(delay->delay_ns == HP_S && delay->from == 4 * HP_S && delay->until == 5 * HP_S);
    assert_string_equal(delay->name, "turn.example");
    assert_int_equal(delay->type, HP_DNS_AAAA);
    assert_true(delay->nth_first == 2 && delay->nth_last == 3);
    assert_int_equal(dns->faults[3].type, HP_DNS_A);
    char text[HP_ADDR_TEXT];
    assert_string_equal(hp_addr_format(&dns->faults[8].address, text), "192.0.2.66");
    const hp_server_config *stun = &s->servers[1].config;
    assert_int_equal(stun->n_faults, 3);
    assert_int_equal(stun->faults[0].kind, HP_FAULT_SILENCE);
    assert_int_equal(stun->faults[1].kind, HP_FAULT_WRONG_MAPPED);
    assert_int_equal(stun->faults[2].code, 400);
    assert_int_equal(s->servers[1].dns.n_faults, 0);
    hp_scenario_free(s);
}

static void resolvers_and_mdns(void **state)
{
    hp_scenario *s =
        load_one("servers: {d1: dns, d2: dns}\n"
                 "defaults: {mdns: true}\n"
                 "peers:\n"
                 "  a: {dns: {servers: [d2, d1], timeout: 1s, attempts: 3, edns: false, tcp: false, cache-size: 1,"
                 " max-ttl: 10s}}\n"
                 "  b: {mdns: {hide: false, silent: true, deaf: true, probe: true, ttl: 9s, timeout: 2s}}\n"
                 "  c: {mdns: false}\n"
                 "  d: {dns: d1, mdns: {on: false, probe: true}}\n");
    const hp_sc_resolver *r = &s->peers[0].dns;
    assert_string_equal(r->servers[0], "d2");
    assert_string_equal(r->servers[1], "d1");
    assert_true(r->config.timeout == HP_S && r->config.attempts == 3 && r->config.cache_size == 1);
    assert_true(r->config.no_edns && r->config.no_stream && r->config.max_ttl == 10 * HP_S);
    assert_true(s->peers[0].mdns.on);
    assert_false(s->peers[0].mdns.shows_addresses);
    const hp_sc_mdns *m = &s->peers[1].mdns;
    assert_true(m->on && m->shows_addresses && m->config.silent && m->config.deaf && m->config.probe);
    assert_true(m->config.ttl == 9 * HP_S && m->config.timeout == 2 * HP_S);
    assert_false(s->peers[2].mdns.on || s->peers[3].mdns.on);
    hp_scenario_free(s);
}

static void steps_and_matches(void **state)
{
    hp_scenario *s =
        load_one("servers: {dns: dns, turn: turn}\npeers: {a: {dns: dns, ice: {turn: turn}}}\n"
                 "steps:\n"
                 "- set-dns: {server: dns, hosts: {turn.example: 192.0.2.9, x.example: {cname: turn.example}}}\n"
                 "- renumber: turn\n"
                 "- renumber: {nat: dns, to: 203.0.113.77}\n"
                 "expect:\n"
                 "- packets: {match: {dns: true}, count: 1}\n"
                 "- packets: {match: {dns: {name: turn.example, type: AAAA, response: true, rcode: NXDOMAIN}},"
                 " count: 1}\n"
                 "- packets: {match: {dns: false}, count: 1}\n");
    assert_int_equal(s->steps[0].kind, HP_STEP_SET_DNS);
    assert_string_equal(s->steps[0].dns.server, "dns");
    assert_int_equal(s->steps[0].dns.n_hosts, 2);
    assert_string_equal(s->steps[0].dns.hosts[1].cname, "turn.example");
    assert_string_equal(hp_step_name(&s->steps[0]), "set-dns");
    assert_string_equal(s->steps[1].nat.nat, "turn");
    assert_int_equal(s->steps[2].nat.n_addresses, 1);
    const hp_match_dns *dns = &s->expects[0].packets.match.detail.dns;
    assert_int_equal(dns->present, HP_PRESENT);
    dns = &s->expects[1].packets.match.detail.dns;
    assert_string_equal(dns->name, "turn.example");
    assert_int_equal(dns->type, HP_DNS_AAAA);
    assert_int_equal(dns->response, HP_PRESENT);
    assert_true(dns->has_rcode);
    assert_int_equal(dns->rcode, HP_DNS_NXDOMAIN);
    assert_int_equal(s->expects[2].packets.match.detail.dns.present, HP_ABSENT);
    hp_scenario_free(s);
}

static void what_goes_with_which_kind(void **state)
{
    assert_complains(
        "servers:\n  dns: {kind: dns, users: {a: b}, realm: x}\n  turn: {kind: turn, zones: [x], ttl: 1s}\n"
        "peers: {a: }\n",
        "2:20: a DNS server has no `users`\n2:35: a DNS server has no `realm`\n"
        "3:22: only a DNS server has `zones`\n3:34: only a DNS server has `ttl`\n");
    assert_complains(
        "servers:\n  dns: {kind: dns, faults: [forget, silence: {method: Allocate}]}\n"
        "  turn: {kind: turn, faults: [nxdomain, silence: {name: a.b}]}\npeers: {a: }\n",
        "2:29: this fault is one of STUN and TURN servers\n2:44: this fault is one of STUN and TURN servers\n"
        "3:31: this fault is one of DNS servers\n3:48: this fault is one of DNS servers\n");
}

static void names_that_are_none(void **state)
{
    assert_complains("servers:\n  dns:\n    kind: dns\n    dns-name: a..b\n    hosts:\n      a..b: 192.0.2.1\n"
                     "      c.example: {cname: ..}\n      d.example: {cname: c.example, addresses: 192.0.2.1}\n"
                     "      E.example: 192.0.2.1\n      e.example: 192.0.2.2\n"
                     "    faults: [nxdomain: {name: x..y}]\npeers: {a: }\n",
                     "4:15: `a..b` is no name that DNS could carry\n"
                     "6:7: `E.example` and `e.example` are one name\n"
                     "6:13: `a..b` is no name that DNS could carry\n"
                     "7:26: `..` is no name that DNS could carry\n"
                     "8:18: a name with a CNAME has nothing else (RFC 1034 section 3.6.2)\n"
                     "11:22: `x..y` is no name that could be asked for\n");
    assert_complains("servers: {dns: {kind: dns, dns64: {prefix: 2001:db8::/97}}}\npeers: {a: }\n",
                     "1:44: a prefix for DNS64 has 32, 40, 48, 56, 64 or 96 bits (RFC 6052 section 2.2)\n");
    assert_complains("peers: {a: }\nexpect:\n- packets: {match: {dns: {name: a..b}}, count: 1}\n"
                     "- packets: {match: {dns: {present: false, type: a}}, count: 1}\n",
                     "3:33: `a..b` is no name that DNS could carry\n"
                     "4:26: what is not DNS has no other properties of DNS\n");
}

static void servers_of_another_kind(void **state)
{
    assert_complains("servers: {dns: dns, turn: turn}\n"
                     "peers:\n  a: {dns: turn, ice: {stun: dns, turn: dns}}\n  b: {dns: nobody}\n"
                     "steps:\n- set-dns: {server: turn, hosts: {a.example: 192.0.2.1}}\n- renumber: a\n",
                     "3:12: server `turn` is not of kind dns\n"
                     "3:30: server `dns` is of kind dns\n"
                     "3:41: server `dns` is not of kind turn\n"
                     "4:12: no DNS server is called `nobody`\n"
                     "6:21: server `turn` is not of kind dns\n"
                     "7:13: no NAT or server is called `a`\n");
    assert_complains("servers: {dns: dns}\npeers: {a: {dns: {timeout: 1s}}}\nsteps: [set-dns: {server: dns}]\n",
                     "2:18: peers.a.dns lacks `servers`\n3:18: steps.0.set-dns lacks `hosts`\n");
    assert_complains(
        "servers: {dns: dns}\npeers: {a: {dns: {servers: dns, timeout: 0, attempts: 0}}}\n",
        "2:42: `timeout` must be from 1ns to 3600s, not 0\n2:55: `attempts` must be from 1 to 100, not 0\n");
}

static void words_of_the_events(void **state)
{
    assert_complains(
        "peers: {a: }\nexpect:\n"
        "- event: {event: dns-answer, where: {outcome: nxdomain}}\n"
        "- event: {event: mdns-failed, where: {reason: timeout}}\n",
        "3:47: field `outcome` of event `dns-answer` is never `nxdomain` (one of `found`, `nothing`, `no-name`, "
        "`failed`, `cut-off`, `timed-out`)\n"
        "4:47: field `reason` of event `mdns-failed` is never `timeout` (did you mean `timed-out`?)\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_shortest_dns_server), cmocka_unit_test(everything_a_dns_server_can_be_told),
        cmocka_unit_test(faults_of_both_sorts),    cmocka_unit_test(resolvers_and_mdns),
        cmocka_unit_test(steps_and_matches),       cmocka_unit_test(what_goes_with_which_kind),
        cmocka_unit_test(names_that_are_none),     cmocka_unit_test(servers_of_another_kind),
        cmocka_unit_test(words_of_the_events),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
