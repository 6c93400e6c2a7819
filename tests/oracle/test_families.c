/* IPv6, NAT64 and names: who has which address, and who can know it. */
#include "fixture.h"

static void families(void **state)
{
    assert_told("peers: {alice: {families: [ipv6]}, bob: {families: [ipv6]}}\n", "direct host/host");
    assert_told("peers: {alice: {families: [ipv6]}, bob: }\n", "no path");
    assert_told("peers: {alice: {families: [ipv4, ipv6]}, bob: {families: [ipv6]}}\n", "direct host/host");
    /* a relay has both */
    assert_told("servers: {turn: {kind: turn, families: [ipv4, ipv6], users: {u: p}}}\n"
                "peers: {alice: {families: [ipv6], ice: {turn: turn}}, bob: }\n",
                "relay relay/host");
}

static char *behind(const char *ipv6)
{
    return g_strdup_printf("network: {nats: {home: {preset: symmetric, families: [ipv6], ipv6: %s}}}\n"
                           "servers: {stun: {kind: stun, families: [ipv6]}}\n"
                           "defaults: {families: [ipv6], ice: {stun: stun}}\npeers: {alice: {behind: home}, bob: }\n",
                           ipv6);
}

static void past_the_table(void **state)
{
    g_autofree char *translated = behind("translate"), *routed = behind("route"), *replaced = behind("prefix");
    assert_told(translated, "direct prflx/host");
    assert_told(routed, "direct host/host");
    assert_told(replaced, "direct srflx/host");
    /* two layers, and both ends behind one NAT that replaces the prefix */
    assert_told("network: {nats: {cgn: {families: [ipv6], ipv6: route}, home: {behind: cgn, families: [ipv6],"
                " ipv6: route}}}\ndefaults: {families: [ipv6]}\npeers: {alice: {behind: home}, bob: }\n",
                "direct host/host");
}

static void nat64(void **state)
{
    /* an IPv6-only phone knows no address of an IPv4-only host: a relay's name, through DNS64, is what it can reach */
    const char *servers = "servers: {turn: {kind: turn, users: {u: p}},"
                          " dns: {kind: dns, families: [ipv4, ipv6], dns64: true}}\n";
    g_autofree char *by_name = g_strconcat(
        "network: {nats: {mobile: {preset: port-restricted-cone, nat64: true, families: [ipv6]}}}\n", servers,
        "peers: {alice: {behind: mobile, families: [ipv6], dns: dns, ice: {turn: turn}}, bob: }\n", NULL);
    assert_told(by_name, "relay relay/host");
    g_autofree char *by_address =
        g_strconcat("network: {nats: {mobile: {preset: port-restricted-cone, nat64: true, families: [ipv6]}}}\n",
                    servers, "peers: {alice: {behind: mobile, families: [ipv6], ice: {turn: turn}}, bob: }\n", NULL);
    assert_told(by_address, "no path");
    /* with a CLAT it has IPv4 after all */
    assert_told("network: {nats: {mobile: {preset: port-restricted-cone, nat64: true, families: [ipv6]}}}\n"
                "peers: {alice: {behind: mobile, families: [ipv6], clat: true}, bob: }\n",
                "direct prflx/host");
}

static void names(void **state)
{
    const char *known = "network: {nats: {home: full-cone, office: full-cone}}\n"
                        "servers: {stun: stun, dns: {kind: dns%s}}\n"
                        "peers: {alice: {behind: home, dns: dns, ice: {stun: stun}},"
                        " bob: {behind: office, ice: {stun: stun}}}\n";
    g_autofree char *right = g_strdup_printf(known, "");
    g_autofree char *down = g_strdup_printf(known, ", stopped: true");
    assert_told(right, "direct srflx/srflx");
    assert_told(down, "direct prflx/srflx");
    g_autofree char *wrong = g_strdup_printf(known, ", hosts: {stun.example: 192.0.2.77}");
    assert_told(wrong, "direct prflx/srflx");
}

static void multicast_names(void **state)
{
    /* on one link names are as good as addresses */
    assert_told("network: {lans: {lan: }}\ndefaults: {mdns: true}\n"
                "peers: {alice: {behind: lan}, bob: {behind: lan}}\n",
                "direct host/host");
    /* one end that knows where the other is is enough: it is known by its checks then */
    assert_told("network: {lans: {lan: }}\npeers: {alice: {behind: lan, mdns: true}, bob: {behind: lan}}\n",
                "direct host/host");
    /* beyond the link they mean nothing */
    assert_told("defaults: {mdns: true}\npeers: {alice: , bob: }\n", "no path");
    assert_told("peers: {alice: {mdns: true}, bob: }\n", "direct host/host");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(families), cmocka_unit_test(past_the_table),  cmocka_unit_test(nat64),
        cmocka_unit_test(names),    cmocka_unit_test(multicast_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
