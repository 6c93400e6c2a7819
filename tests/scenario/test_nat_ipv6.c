/* The keys of a NAT that speak of IPv6 and NAT64, and the one of an interface that asks for a CLAT. */
#include "fixture.h"

static void keys_reach_the_structs(void **state)
{
    hp_scenario *s = load_one("network:\n  nats:\n    plain:\n    routed: {families: [ipv6], ipv6: route}\n"
                              "    npt: {families: [ipv6], ipv6: prefix, outside6: '2001:db8:1::/48'}\n"
                              "    six: {families: [ipv6], nat64: true, nat64-prefix: '2001:db8:64::/96'}\n"
                              "defaults: {clat: true}\npeers:\n  a:\n  b: {clat: false}\n"
                              "  c: {interfaces: {lte: six, wifi: {behind: plain, clat: false}}}\n");
    hp_prefix outside, prefix;
    assert_true(hp_prefix_parse("2001:db8:1::/48", &outside) && hp_prefix_parse("2001:db8:64::/96", &prefix));
    assert_int_equal(s->nats[0].config.ipv6, HP_NAT_IPV6_TRANSLATE);
    assert_false(s->nats[0].config.nat64);
    assert_int_equal(s->nats[0].config.nat64_prefix.base.family, HP_AF_NONE);
    assert_int_equal(s->nats[1].config.ipv6, HP_NAT_IPV6_ROUTE);
    assert_int_equal(s->nats[2].config.ipv6, HP_NAT_IPV6_PREFIX);
    assert_true(hp_addr_equal(&s->nats[2].outside6.base, &outside.base) && s->nats[2].outside6.bits == 48);
    assert_true(s->nats[3].config.nat64);
    assert_true(hp_addr_equal(&s->nats[3].config.nat64_prefix.base, &prefix.base));
    assert_int_equal(s->nats[3].config.nat64_prefix.bits, 96);
    assert_true(s->peers[0].interfaces[0].clat);
    assert_false(s->peers[1].interfaces[0].clat);
    assert_true(s->peers[2].interfaces[0].clat);
    assert_false(s->peers[2].interfaces[1].clat);
    hp_scenario_free(s);
}

static void mistakes(void **state)
{
    assert_complains("network: {nats: {a: {families: [ipv6], ipv6: rout}}}\npeers: {x: }",
                     "1:46: `rout` is not a way with IPv6 (did you mean `route`?)\n");
    assert_complains("network: {nats: {a: {ipv6: route}}}\npeers: {x: }",
                     "1:28: `ipv6` is for a NAT that has ipv6 among its families (add `families: [ipv4, ipv6]`)\n");
    assert_complains("network: {nats: {a: {nat64: true}}}\npeers: {x: }",
                     "1:21: `nat64` is for a NAT that has ipv6 among its families (add `families: [ipv6]`)\n");
    assert_complains("network: {nats: {a: {families: [ipv6], nat64-prefix: '64:ff9b::/95'}}}\npeers: {x: }",
                     "1:54: `nat64-prefix` must have 32, 40, 48, 56, 64 or 96 bits, and bits 64 to 71 zero (RFC 6052) "
                     "(for example 64:ff9b::/96)\n");
    assert_complains("network: {nats: {a: {families: [ipv6], nat64-prefix: '10.0.0.0/8'}}}\npeers: {x: }",
                     "1:54: `nat64-prefix` must be a network of IPv6\n");
    assert_complains("network: {nats: {a: {families: [ipv6], outside6: '2001:db8::/48'}}}\npeers: {x: }",
                     "1:50: nothing replaces the inside's prefix by `outside6` (add `ipv6: prefix`)\n");
    assert_complains("network: {nats: {a: {families: [ipv6], ipv6: prefix, inside6: 'fd00::/72'}}}\npeers: {x: }",
                     "1:21: a prefix that is replaced has 64 bits at most (RFC 6296)\n");
    assert_complains("peers: {x: {clat: 3}}", "1:19: `clat` must be true or false, not `3`\n");
    /* A running NAT keeps what it does with IPv6: the network was planned for it. */
    assert_complains("network: {nats: {a: }}\npeers: {x: }\nsteps: [{set-nat: {nat: a, ipv6: route}}]",
                     "3:28: unknown key `ipv6` in steps.0.set-nat\n");
    assert_complains("network: {nats: {a: }}\npeers: {x: }\nsteps: [{set-nat: {preset: full-cone}}]",
                     "3:19: steps.0.set-nat lacks `nat`\n");
}

static void a_preset_set_later_leaves_ipv6_alone(void **state)
{
    hp_scenario *s = load_one("network: {nats: {a: {families: [ipv6], nat64: true, ipv6: route}}}\npeers: {x: }\n"
                              "steps: [{set-nat: {nat: a, preset: full-cone}}]\n");
    assert_int_equal(s->steps[0].nat.config.filtering, HP_NAT_ENDPOINT_INDEPENDENT);
    assert_true(s->steps[0].nat.config.nat64);
    assert_int_equal(s->steps[0].nat.config.ipv6, HP_NAT_IPV6_ROUTE);
    hp_scenario_free(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keys_reach_the_structs),
        cmocka_unit_test(mistakes),
        cmocka_unit_test(a_preset_set_later_leaves_ipv6_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
