/* A kernel's NAT: what it starts from, and which presets and knobs it can be told. */
#include "fixture.h"

#include "config/nat.h"

static hp_nat_config load_nat(const char *knobs)
{
    g_autofree char *text = g_strdup_printf("network: {nats: {n: {%s}}}\npeers: {a: {behind: n}}", knobs);
    hp_scenario *s = load_one(text);
    hp_nat_config config = s->nats[0].config;
    hp_scenario_free(s);
    return config;
}

static const hp_nat_config *preset(const char *name)
{
    return &hp_nat_preset_find(name)->config;
}

static void it_is_linux_netfilter(void **state)
{
    hp_nat_config plain = load_nat("kernel: masquerade"), expected = *preset("linux-netfilter");
    assert_memory_equal(&plain, &expected, sizeof plain);

    hp_nat_config random = load_nat("kernel: masquerade-fully-random");
    expected.ports = HP_NAT_PORTS_RANDOM;
    assert_memory_equal(&random, &expected, sizeof random);
    assert_true(random.inbound_first);
}

static void a_preset_and_times_hold(void **state)
{
    hp_nat_config dropping = load_nat("kernel: masquerade, preset: linux-netfilter-firewalled");
    assert_false(dropping.inbound_first);
    assert_int_equal(dropping.ports, HP_NAT_PORTS_PRESERVE);
    dropping = load_nat("kernel: masquerade-random, preset: linux-netfilter-firewalled");
    assert_false(dropping.inbound_first);
    assert_int_equal(dropping.ports, HP_NAT_PORTS_RANDOM);
    hp_nat_config patient = load_nat("udp-unreplied-timeout: 10s, kernel: masquerade, udp-timeout: 20s");
    assert_true(patient.udp_timeout == 20 * HP_S && patient.udp_unreplied_timeout == 10 * HP_S);
    assert_true(patient.inbound_first);
    hp_nat_config routed = load_nat("kernel: masquerade-random, preset: linux-netfilter-random, ipv6: route, "
                                    "families: [ipv4, ipv6]");
    assert_int_equal(routed.ipv6, HP_NAT_IPV6_ROUTE);
    assert_int_equal(routed.ports, HP_NAT_PORTS_RANDOM);
}

#define NAT(knobs) "network: {nats: {n: {" knobs "}}}\npeers: {a: {behind: n}}"

static void mistakes(void **state)
{
    assert_complains(NAT("kernel: masquerade, preset: full-cone"),
                     "1:50: a kernel's NAT of kind `masquerade` is not `full-cone` (linux-netfilter is the preset that "
                     "says what it does)\n");
    assert_complains(
        NAT("kernel: masquerade, preset: linux-netfilter-random"),
        "1:50: a kernel's NAT of kind `masquerade` is not `linux-netfilter-random` (linux-netfilter is the "
        "preset that says what it does)\n");
    assert_complains(NAT("kernel: masquerade, mapping: endpoint-independent"),
                     "1:42: a kernel's NAT has no knob `mapping`\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_is_linux_netfilter),
        cmocka_unit_test(a_preset_and_times_hold),
        cmocka_unit_test(mistakes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
