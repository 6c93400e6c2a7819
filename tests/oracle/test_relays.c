/* What TURN servers, firewalls and TCP make possible (RFC 8656, RFC 6092, RFC 6544). */
#include "fixture.h"

#define BOTH_SYMMETRIC "network: {nats: {home: symmetric, office: symmetric}}\n"
#define TURN "servers: {turn: {kind: turn, transports: [udp, tcp, tls], users: {u: p}}}\n"

static void assert_with(const char *network, const char *servers, const char *alice, const char *bob,
                        const char *expected)
{
    g_autofree char *text = g_strdup_printf("%s%speers: {alice: {behind: home%s}, bob: {behind: office%s}}\n", network,
                                            servers, alice, bob);
    assert_told(text, expected);
}

static void one_side_is_enough(void **state)
{
    assert_with(BOTH_SYMMETRIC, TURN, "", "", "no path");
    /* bob's relay permits alice's address as he was told it */
    assert_with(BOTH_SYMMETRIC, TURN, ", ice: {stun: turn}", ", ice: {turn: turn}", "relay prflx/relay");
    /* he was told none: her packets meet no permission */
    assert_with(BOTH_SYMMETRIC, TURN, "", ", ice: {turn: turn}", "no path");
    assert_with(BOTH_SYMMETRIC, TURN, ", ice: {turn: turn}", ", ice: {turn: turn}",
                "relay prflx or relay/prflx or relay");
    /* direct is better where it works */
    assert_with("network: {nats: {home: full-cone, office: symmetric}}\n", TURN, ", ice: {turn: turn}",
                ", ice: {turn: turn}", "direct srflx/prflx");
}

static void relays_on_purpose(void **state)
{
    assert_told(TURN "defaults: {ice: {turn: turn, force-relay: true}}\npeers: {alice: , bob: }\n",
                "relay relay/relay");
    assert_told(TURN "peers: {alice: {ice: {turn: turn, force-relay: true}}, bob: }\n", "relay relay/host");
    /* nothing to relay with */
    assert_told("peers: {alice: {ice: {force-relay: true}}, bob: }\n", "no path");
}

static void servers_that_refuse(void **state)
{
    assert_with(BOTH_SYMMETRIC, TURN, ", ice: {turn: turn, turn-password: wrong}",
                ", ice: {turn: turn, turn-password: wrong}", "no path");
    assert_with(BOTH_SYMMETRIC, "servers: {turn: {kind: turn, users: {u: p}, stopped: true}}\n", ", ice: {turn: turn}",
                ", ice: {turn: turn}", "no path");
    /* to each other's relays they may send, to the NATs' addresses not */
    assert_with(BOTH_SYMMETRIC, "servers: {turn: {kind: turn, users: {u: p}, denied-peers: 192.0.2.0/24}}\n",
                ", ice: {turn: turn}", ", ice: {turn: turn}", "relay relay/relay");
    assert_with(BOTH_SYMMETRIC, "servers: {turn: {kind: turn, users: {u: p}, denied-peers: 192.0.2.0/24}}\n",
                ", ice: {stun: turn}", ", ice: {turn: turn}", "no path");
}

/* RFC 8656 section 2.1: where UDP is blocked, the way out is TCP. */
static void udp_blocked(void **state)
{
    static const struct {
        const char *alice, *told;
    } cases[] = {
        {", ice: {turn: turn}", "no path"},
        {", ice: {turn: turn, turn-transports: tcp}", "relay relay/srflx or relay"},
        {", ice: {turn: turn, turn-transports: tls}", "relay relay/srflx or relay"},
        {", ice: {turn: turn, turn-transports: [udp, tcp]}", "relay relay/srflx or relay"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++)
        assert_with("network: {nats: {home: udp-blocking-office, office: port-restricted-cone}}\n", TURN,
                    cases[i].alice, ", ice: {turn: turn}", cases[i].told);
    /* the server's ports decide where only some pass */
    const char *office = "network: {nats: {home: {blocked: [1..442, 444..65535]}, office: port-restricted-cone}}\n";
    assert_with(office, TURN, ", ice: {turn: turn, turn-transports: tcp}", ", ice: {turn: turn}", "no path");
    assert_with(office, "servers: {turn: {kind: turn, transports: [udp, tcp], port: 443, users: {u: p}}}\n",
                ", ice: {turn: turn, turn-transports: tcp}", ", ice: {turn: turn}", "relay relay/srflx or relay");
}

static void ice_tcp(void **state)
{
    const char *tcp = "defaults: {ice: {ice-udp: false, ice-tcp: true}}\n";
    g_autofree char *open = g_strconcat(tcp, "peers: {alice: , bob: }\n", NULL);
    assert_told(open, "direct host or prflx/host or prflx");
    /* only the one behind the NAT can open a connection */
    g_autofree char *one =
        g_strconcat(tcp, "network: {nats: {home: symmetric}}\npeers: {alice: {behind: home}, bob: }\n", NULL);
    assert_told(one, "direct prflx/host");
    g_autofree char *two = g_strconcat(tcp,
                                       "network: {nats: {home: full-cone, office: full-cone}}\n"
                                       "peers: {alice: {behind: home}, bob: {behind: office}}\n",
                                       NULL);
    assert_told(two, "no path");
    g_autofree char *blocked = g_strconcat(
        tcp, "network: {nats: {home: {preset: full-cone, block-tcp: true}}}\npeers: {alice: {behind: home}, bob: }\n",
        NULL);
    assert_told(blocked, "no path");
}

static void firewalls(void **state)
{
    static const struct {
        const char *campus, *lab, *told;
    } cases[] = {
        {"strict", "strict", "direct host/host"}, /* what each sends opens the way for the other */
        {"udp-blocked", "strict", "no path"},
        {"transparent", "web-only", "no path"},
        {"rfc6092", "rfc6092", "direct host/host"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *text = g_strdup_printf(
            "network: {firewalls: {campus: {preset: %s, families: [ipv6]}, lab: {preset: %s, families: [ipv6]}}}\n"
            "peers: {alice: {behind: campus, families: [ipv6]}, bob: {behind: lab, families: [ipv6]}}\n",
            cases[i].campus, cases[i].lab);
        assert_told(text, cases[i].told);
    }
    /* in a NAT, and before a host */
    assert_told("network: {nats: {home: {preset: full-cone, firewall: udp-blocked}}}\n"
                "peers: {alice: {behind: home}, bob: }\n",
                "no path");
    assert_told("peers: {alice: {firewall: {preset: strict, out: [{deny: {proto: udp}}]}}, bob: }\n", "no path");
    assert_told("peers: {alice: {firewall: strict}, bob: {firewall: strict}}\n", "direct host/host");
    /* a port that may or may not be one of those let out */
    assert_told("peers: {alice: {firewall: {preset: strict, out: [{deny: {proto: udp, dst-port: 50000..50049}}]}},"
                " bob: {ice: {ports: 50000..50099}, firewall: strict}}\n",
                "direct..no path host/host");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_side_is_enough),
        cmocka_unit_test(relays_on_purpose),
        cmocka_unit_test(servers_that_refuse),
        cmocka_unit_test(udp_blocked),
        cmocka_unit_test(ice_tcp),
        cmocka_unit_test(firewalls),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
