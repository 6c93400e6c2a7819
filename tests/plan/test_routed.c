/* IPv6 that is routed or has its prefix replaced, NAT64 and CLAT: prefixes, families and addresses of a plan. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <setjmp.h>

#include <cmocka.h>

#include "plan/plan.h"

typedef struct planned {
    hp_diags *diags;
    GPtrArray *scenarios;
    hp_plan *plan;
} planned;

static planned make(const char *text)
{
    planned p = {.diags = hp_diags_new()};
    p.scenarios = hp_scenario_parse("test.yaml", text, strlen(text), p.diags);
    p.plan = p.scenarios ? hp_plan_new(p.scenarios->pdata[0], "test", 7, p.diags) : NULL;
    if (!p.plan) {
        g_autofree char *errors = hp_diags_format(p.diags);
        fail_msg("%s", errors);
    }
    return p;
}

static void clear(planned *p)
{
    hp_plan_free(p->plan);
    g_ptr_array_unref(p->scenarios);
    hp_diags_free(p->diags);
}

static void assert_prefix(const hp_prefix *prefix, const char *expected)
{
    char text[HP_ADDR_TEXT];
    assert_string_equal(prefix->base.family ? hp_prefix_format(prefix, text) : "-", expected);
}

static void assert_addr(const hp_addr *a, const char *expected)
{
    char text[HP_ADDR_TEXT];
    assert_string_equal(hp_addr_format(a, text), expected);
}

static void by_default_all_is_translated(void **state)
{
    planned p = make("network: {nats: {home: {families: [ipv4, ipv6]}}}\npeers: {alice: {behind: home}}\n");
    const hp_plan_nat *home = &p.plan->nats[0];
    assert_prefix(&home->routed6, "-");
    assert_prefix(&p.plan->zones[1].prefix6, "fd00:0:0:1::/64");
    assert_int_equal(home->outside.n_addresses, 2);
    assert_addr(&home->outside.addresses[1], "2001:db8:4e::a");
    clear(&p);
}

static void routed_prefixes_are_nobody_elses(void **state)
{
    planned p = make("network:\n  nats:\n    home: {families: [ipv4, ipv6], ipv6: route}\n"
                     "    flat: {families: [ipv6], ipv6: route, behind: home}\n"
                     "peers:\n  alice: {behind: home, families: [ipv6]}\n  bob: {behind: flat, families: [ipv6]}\n");
    const hp_plan_nat *home = &p.plan->nats[0], *flat = &p.plan->nats[1];
    assert_prefix(&home->routed6, "2001:db8:6e00::/64");
    assert_prefix(&flat->routed6, "2001:db8:6e01::/64");
    assert_prefix(&p.plan->zones[flat->inside_zone].prefix6, "2001:db8:6e01::/64");
    assert_int_equal(home->outside.n_addresses, 1); /* IPv6 needs none outside */
    assert_addr(&home->outside.addresses[0], "192.0.2.10");
    assert_int_equal(flat->outside.n_addresses, 0);
    assert_addr(&p.plan->peers[1].interfaces[0].addresses[0], "2001:db8:6e01::a");
    clear(&p);
}

static void replaced_prefixes(void **state)
{
    planned p = make("network:\n  nats:\n    given: {families: [ipv6], ipv6: prefix, inside6: 'fd01:203:405::/48',"
                     " outside6: '2001:db8:1::/48'}\n    chosen: {families: [ipv6], ipv6: prefix}\n"
                     "    wide: {families: [ipv6], ipv6: prefix, inside6: 'fd02::/32'}\n"
                     "peers: {alice: {behind: given, families: [ipv6]}}\n");
    assert_prefix(&p.plan->nats[0].routed6, "2001:db8:1::/48");
    assert_prefix(&p.plan->nats[1].routed6, "2001:db8:6e01::/64");
    assert_prefix(&p.plan->zones[p.plan->nats[1].inside_zone].prefix6, "fd00:0:0:2::/64");
    assert_prefix(&p.plan->nats[2].routed6, "2001:db8:6e02::/48");
    clear(&p);
}

static void nat64_has_ipv4_outside(void **state)
{
    planned p = make("network:\n  lans: {den: }\n  nats:\n    a: {families: [ipv6], nat64: true}\n"
                     "    b: {families: [ipv6], nat64: true, ipv6: route}\n"
                     "    c: {families: [ipv6], nat64: true, behind: den}\n"
                     "peers: {alice: {behind: a, families: [ipv6]}}\n");
    const hp_plan_nat *nats = p.plan->nats;
    assert_int_equal(nats[0].outside.n_addresses, 2);
    assert_addr(&nats[0].outside.addresses[0], "192.0.2.10");
    assert_addr(&nats[0].outside.addresses[1], "2001:db8:4e::a");
    assert_int_equal(nats[1].outside.n_addresses, 1);
    assert_addr(&nats[1].outside.addresses[0], "192.0.2.12");
    assert_int_equal(nats[2].outside.n_addresses, 1); /* there is no IPv6 where it is */
    assert_addr(&nats[2].outside.addresses[0], "172.16.0.10");
    clear(&p);
}

static void clat_goes_by_the_nearest_nat64(void **state)
{
    planned p = make("network:\n  nats:\n    carrier: {families: [ipv6], nat64: true, ipv6: route,"
                     " nat64-prefix: '2001:db8:64::/96'}\n    home: {families: [ipv6], ipv6: route, behind: carrier}\n"
                     "defaults: {families: [ipv6], clat: true}\npeers:\n  alice: {behind: home}\n"
                     "  bob: {interfaces: {lte: carrier, wifi: {behind: home, clat: false}}}\n"
                     "expect:\n- packets: {at: clat alice, count: 0}\n- packets: {at: clat bob lte, count: 0}\n");
    const hp_plan_attachment *alice = &p.plan->peers[0].interfaces[0], *bob = p.plan->peers[1].interfaces;
    assert_int_equal(alice->n_addresses, 1);
    assert_addr(&alice->addresses[0], "2001:db8:6e01::a");
    assert_addr(&alice->clat4, "192.0.0.2");
    assert_addr(&alice->clat6, "2001:db8:6e01::b");
    assert_prefix(&alice->clat_prefix, "2001:db8:64::/96");
    assert_addr(&bob[0].clat6, "2001:db8:6e00::b");
    assert_int_equal(bob[1].clat4.family, HP_AF_NONE);
    assert_int_equal(p.diags->n_errors, 0);
    clear(&p);
}

static void what_cannot_be_routed_is_told(void **state)
{
    static const struct {
        const char *text, *words;
        unsigned line;
    } bad[] = {
        {"network:\n  nats:\n    a: {families: [ipv6], ipv6: route, inside6: '2001:db8:7::/64'}\n"
         "    b: {families: [ipv6], ipv6: route, inside6: '2001:db8:7::/48'}\npeers: {x: }\n",
         "2001:db8:7::/48 of NAT `b` overlaps what is routed to NAT `a`", 4},
        {"network:\n  nats:\n    a: {families: [ipv6], ipv6: route, inside6: '2001:db8:50::/64'}\npeers: {x: }\n",
         "overlaps addresses of the Internet", 3},
        {"network:\n  lans: {den: }\n  nats:\n    a: {families: [ipv6], ipv6: route, behind: den}\npeers: {x: }\n",
         "`den` has no IPv6, so 2001:db8:6e00::/64 cannot be routed to NAT `a`", 4},
        {"network:\n  nats:\n    a: {families: [ipv6], ipv6: prefix}\n"
         "    b: {families: [ipv6], ipv6: route, behind: a}\npeers: {x: }\n",
         "of NAT `b` is not a part of the network of `a`, whose prefix is replaced", 4},
        {"network:\n  nats:\n    a: {families: [ipv6], nat64: true, inside6: '64:ff9b::/64'}\npeers: {x: }\n",
         "64:ff9b::/96 of NAT `a`, which stands for IPv4 addresses, overlaps the network of `a`", 3},
        {"network:\n  nats:\n    a: {families: [ipv6], nat64: true, nat64-prefix: 'fd00::/32'}\n"
         "    b: {families: [ipv6], behind: a}\npeers: {x: }\n",
         "fd00::/32 of NAT `a`, which stands for IPv4 addresses, overlaps the network of `a`", 3},
        {"network:\n  nats:\n    a: {families: [ipv6], nat64: true, nat64-prefix: '2001:db8:53::/96'}\npeers: {x: }\n",
         "2001:db8:53::/96 of NAT `a`, which stands for IPv4 addresses, overlaps addresses of the Internet", 3},
        {"peers:\n  x: {families: [ipv6], clat: true}\n", "`clat` needs a NAT64 on the way", 2},
        {"network:\n  nats: {a: {families: [ipv4, ipv6], nat64: true}}\npeers:\n"
         "  x: {behind: a, families: [ipv4, ipv6], clat: true}\n",
         "`clat` is for an interface that has IPv6 and no IPv4 of its own", 4},
        {"peers:\n  x: \n  y:\nexpect:\n- packets: {at: clat x, count: 0}\n", "there is no place `clat x`", 5},
    };
    for (unsigned i = 0; i < G_N_ELEMENTS(bad); i++) {
        g_autoptr(hp_diags) diags = hp_diags_new();
        g_autoptr(GPtrArray) scenarios = hp_scenario_parse("test.yaml", bad[i].text, strlen(bad[i].text), diags);
        hp_plan *plan = scenarios ? hp_plan_new(scenarios->pdata[0], "test", 1, diags) : NULL;
        g_autofree char *told = hp_diags_format(diags);
        if (plan || !strstr(told, bad[i].words))
            fail_msg("case %u: expected \"%s\", told: %s", i, bad[i].words, told);
        assert_int_equal(((const hp_diag *)diags->list->pdata[0])->mark.line, bad[i].line);
        assert_int_equal(diags->n_errors, 1);
    }
}

/* A prefix may be delegated: a part of what is routed to the NAT in front. */
static void delegation(void **state)
{
    planned p = make("network:\n  nats:\n    a: {families: [ipv6], ipv6: route, inside6: '2001:db8:7::/48'}\n"
                     "    b: {families: [ipv6], ipv6: route, inside6: '2001:db8:7:1::/64', behind: a}\n"
                     "    c: {families: [ipv6], ipv6: prefix, inside6: 'fd01::/48', behind: a}\n"
                     "    d: {families: [ipv6], ipv6: route, inside6: 'fd01:0:0:5::/64', behind: c}\n"
                     "peers: {x: {behind: d, families: [ipv6]}}\n");
    assert_int_equal(p.diags->n_errors, 0);
    clear(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(by_default_all_is_translated),
        cmocka_unit_test(routed_prefixes_are_nobody_elses),
        cmocka_unit_test(replaced_prefixes),
        cmocka_unit_test(nat64_has_ipv4_outside),
        cmocka_unit_test(clat_goes_by_the_nearest_nat64),
        cmocka_unit_test(what_cannot_be_routed_is_told),
        cmocka_unit_test(delegation),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
