/* What NATs make possible (RFC 5128 section 3, RFC 4787 sections 4 to 6): every pair of behaviours, hairpins,
 * layers. */
#include "fixture.h"

typedef struct pair_case {
    const char *home, *office; /* knobs */
    const char *told;
} pair_case;

#define FULL "{mapping: endpoint-independent, filtering: endpoint-independent}"
#define ADDRESS "{mapping: endpoint-independent, filtering: address-dependent}"
#define PORT "{mapping: endpoint-independent, filtering: address-and-port-dependent}"
#define SYMMETRIC "{mapping: address-and-port-dependent, filtering: address-and-port-dependent, ports: random}"
#define PER_ADDRESS "{mapping: address-dependent, filtering: address-dependent, ports: random}"
#define OPEN_SYMMETRIC "{mapping: address-and-port-dependent, filtering: endpoint-independent, ports: random}"
#define OPEN_PRESERVING                                                                                                \
    "{mapping: address-and-port-dependent, filtering: endpoint-independent, ports: preserve, overload: true}"
#define PRESERVING                                                                                                     \
    "{mapping: address-and-port-dependent, filtering: address-and-port-dependent, ports: preserve, overload: true}"
#define PRESERVING_ALONE "{mapping: address-and-port-dependent, filtering: address-and-port-dependent, ports: preserve}"

static const pair_case pairs[] = {
    /* RFC 5128 section 3.3: hole punching, by both mapping independently */
    {FULL, FULL, "direct srflx/srflx"},
    {PORT, PORT, "direct srflx/srflx"},
    {ADDRESS, PORT, "direct srflx/srflx"},
    /* section 3.3.3: one that maps per destination is met by a filter that does not look at ports */
    {SYMMETRIC, FULL, "direct prflx/srflx"},
    {FULL, SYMMETRIC, "direct srflx/prflx"},
    {SYMMETRIC, ADDRESS, "direct prflx/srflx"},
    {SYMMETRIC, PORT, "no path"},
    {PORT, SYMMETRIC, "no path"},
    {SYMMETRIC, SYMMETRIC, "no path"},
    /* per destination address: the port towards the peer is not the one that STUN saw */
    {PER_ADDRESS, ADDRESS, "direct prflx/srflx"},
    {PER_ADDRESS, PORT, "no path"},
    {PER_ADDRESS, PER_ADDRESS, "no path"},
    /* whoever maps anew for every new remote, and lets in everyone: no answer ever comes from where it was asked */
    {OPEN_SYMMETRIC, OPEN_SYMMETRIC, "no path"},
    {OPEN_SYMMETRIC, FULL, "direct prflx/srflx"},
    /* RFC 4787 section 8: looks independent while nobody else has the port */
    {PRESERVING, PRESERVING, "direct srflx/srflx"},
    {PRESERVING, PORT, "direct srflx/srflx"},
    {PRESERVING, SYMMETRIC, "no path"},
    {OPEN_PRESERVING, SYMMETRIC, "direct srflx/prflx"},
    /* without sharing, the second destination gets another port */
    {PRESERVING_ALONE, PORT, "no path"},
    {PRESERVING_ALONE, ADDRESS, "direct prflx/srflx"},
};

static void pairs_of_nats(void **state)
{
    for (size_t i = 0; i < G_N_ELEMENTS(pairs); i++) {
        g_autofree char *text = g_strdup_printf(
            "network: {nats: {home: %s, office: %s}}\nservers: {stun: stun}\ndefaults: {ice: {stun: stun}}\n"
            "peers: {alice: {behind: home}, bob: {behind: office}}\n",
            pairs[i].home, pairs[i].office);
        asked a = ask(text);
        g_autofree char *said = told(a.p);
        if (strcmp(said, pairs[i].told) != 0)
            fail_msg("%s with %s: %s, not %s", pairs[i].home, pairs[i].office, said, pairs[i].told);
        clear(&a);
    }
}

/* The prediction from the other end is its mirror image. */
static void both_ends_agree(void **state)
{
    asked a = ask("network: {nats: {home: symmetric, office: full-cone}}\nservers: {stun: stun}\n"
                  "defaults: {ice: {stun: stun}}\npeers: {alice: {behind: home}, bob: {behind: office}}\n");
    g_autofree char *from_bob = told(hp_oracle_pair(a.oracle, 1, 0));
    assert_string_equal(from_bob, "direct srflx/prflx");
    clear(&a);
}

static void without_servers(void **state)
{
    assert_told("peers: {alice: , bob: }\n", "direct host/host");
    assert_told("network: {nats: {home: full-cone}}\npeers: {alice: {behind: home}, bob: {behind: home}}\n",
                "direct host/host");
    /* RFC 5128 section 3.2: the one in the open is called */
    assert_told("network: {nats: {home: symmetric}}\npeers: {alice: {behind: home}, bob: }\n", "direct prflx/host");
    assert_told("network: {nats: {home: full-cone, office: full-cone}}\n"
                "peers: {alice: {behind: home}, bob: {behind: office}}\n",
                "no path");
    /* the same addresses at both ends: a check reaches somebody else */
    assert_told(
        "network: {nats: {home: {preset: full-cone, inside4: 192.168.7.0/24},"
        " office: {preset: full-cone, inside4: 192.168.7.0/24}}}\n"
        "peers: {alice: {behind: home, addresses: 192.168.7.2}, bob: {behind: office, addresses: 192.168.7.3}}\n",
        "no path");
}

/* Two homes behind one carrier, which turns packets round in one way or another (RFC 4787 section 6). */
static char *behind_carrier(const char *carrier, const char *home)
{
    return g_strdup_printf("network: {nats: {carrier: %s, home: {preset: %s, behind: carrier},"
                           " flat: {preset: full-cone, behind: carrier}}}\nservers: {stun: stun}\n"
                           "defaults: {ice: {stun: stun}}\n"
                           "peers: {alice: {behind: home}, bob: {behind: flat}}\n",
                           carrier, home);
}

static void hairpins(void **state)
{
    static const struct {
        const char *carrier, *home, *told;
    } cases[] = {
        {"{preset: full-cone, hairpin: none}", "full-cone", "no path"},
        {"{preset: full-cone, hairpin: external-source}", "full-cone", "hairpin srflx/srflx"},
        /* the source inside the carrier answers at once, past the carrier */
        {"{preset: full-cone, hairpin: internal-source}", "full-cone", "direct prflx/prflx"},
        /* filtered like anything from outside: both have sent to each other's outside */
        {"{preset: port-restricted-cone, hairpin: external-source, hairpin-filtered: true}", "full-cone",
         "hairpin srflx/srflx"},
        {"{preset: full-cone, hairpin: external-source}", "symmetric", "hairpin prflx/srflx"},
        {"{preset: symmetric, hairpin: external-source, hairpin-filtered: true}", "full-cone", "no path"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *text = behind_carrier(cases[i].carrier, cases[i].home);
        assert_told(text, cases[i].told);
    }
}

/* One end that was never told where the other is lets its first packet in only where hairpins are not filtered. */
static void filtered_hairpins(void **state)
{
    for (unsigned filtered = 0; filtered < 2; filtered++) {
        g_autofree char *text = g_strdup_printf(
            "network: {nats: {carrier: {preset: port-restricted-cone, hairpin: external-source, hairpin-filtered: %s},"
            " home: {preset: full-cone, behind: carrier}, flat: {preset: full-cone, behind: carrier}}}\n"
            "servers: {stun: stun}\npeers: {alice: {behind: home, ice: {stun: stun}}, bob: {behind: flat}}\n",
            filtered ? "true" : "false");
        assert_told(text, filtered ? "no path" : "hairpin srflx/prflx");
    }
}

/* Only the outermost NAT that differs matters to the other end; the strictest of a chain decides. */
static void layers(void **state)
{
    static const struct {
        const char *home, *cgn, *told;
    } cases[] = {
        {"full-cone", "full-cone", "direct srflx/srflx"},
        {"full-cone", "symmetric", "no path"},
        {"symmetric", "full-cone", "no path"},
        {"port-restricted-cone", "cgn-rfc6888", "direct srflx/srflx"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *text = g_strdup_printf(
            "network: {nats: {cgn: %s, home: {preset: %s, behind: cgn}, office: port-restricted-cone}}\n"
            "servers: {stun: stun}\ndefaults: {ice: {stun: stun}}\n"
            "peers: {alice: {behind: home}, bob: {behind: office}}\n",
            cases[i].cgn, cases[i].home);
        assert_told(text, cases[i].told);
    }
    /* one in the carrier's own network is called by its address there */
    assert_told("network: {nats: {cgn: full-cone, home: {preset: symmetric, behind: cgn}}}\n"
                "peers: {alice: {behind: home}, bob: {behind: cgn}}\n",
                "direct prflx/host");
}

static void luck(void **state)
{
    const char *with = "servers: {stun: stun}\ndefaults: {ice: {stun: stun}}\n"
                       "peers: {alice: {behind: home}, bob: {behind: office}}\n";
    g_autofree char *stealing =
        g_strconcat("network: {nats: {home: linux-netfilter, office: port-restricted-cone}}\n", with, NULL);
    assert_told(stealing, "direct..no path srflx/srflx");
    /* whoever lets in everybody at its end cannot be hurt */
    g_autofree char *open = g_strconcat("network: {nats: {home: linux-netfilter, office: full-cone}}\n", with, NULL);
    assert_told(open, "direct srflx or prflx/srflx");
    g_autofree char *pool = g_strconcat("network: {nats: {home: {preset: full-cone, pool: 4, pooling: arbitrary},"
                                        " office: port-restricted-cone}}\n",
                                        with, NULL);
    assert_told(pool, "direct srflx/srflx"); /* one mapping, one address */
    g_autofree char *drawn = g_strconcat("network: {nats: {home: cgn-strict, office: restricted-cone}}\n", with, NULL);
    assert_told(drawn, "direct..no path prflx/srflx");
    g_autofree char *fragile = g_strconcat("network: {nats: {home: icmp-fragile, office: full-cone}}\n", with, NULL);
    assert_told(fragile, "direct..no path srflx or prflx/srflx");
}

static void ports(void **state)
{
    /* nobody else has the port: refused only where two want it */
    assert_told("network: {nats: {home: {ports: preserve, collision: refuse}}}\nservers: {stun: stun}\n"
                "defaults: {ice: {stun: stun}}\npeers: {alice: {behind: home}, bob: }\n",
                "direct srflx/host");
    /* its first destination, the STUN server, has it, and it is not shared */
    assert_told("network: {nats: {home: {mapping: address-and-port-dependent, ports: preserve, collision: refuse}}}\n"
                "servers: {stun: stun}\ndefaults: {ice: {stun: stun}}\npeers: {alice: {behind: home}, bob: }\n",
                "no path");
    /* a port range of its own that the NAT blocks, in part and whole */
    assert_told("network: {nats: {home: {blocked: 50000..50099}}}\n"
                "peers: {alice: {behind: home}, bob: {ice: {ports: 50000..50099}}}\n",
                "no path");
    assert_told("network: {nats: {home: {blocked: 50000..50099}}}\n"
                "peers: {alice: {behind: home}, bob: {ice: {ports: 50000..50199}}}\n",
                "direct..no path prflx/host");
    assert_told("network: {nats: {home: {blocked: 50000..50099}}}\n"
                "peers: {alice: {behind: home}, bob: {ice: {ports: 50100..50199}}}\n",
                "direct prflx/host");
}

/* A port asked for is open to all, whatever the NAT does with others (RFC 6887 section 11). */
static void ports_on_request(void **state)
{
    const char *text = "network: {nats: {home: {preset: symmetric, port-mapping: %s}, office: symmetric}}\n"
                       "peers: {alice: {behind: home, ice: {port-mapping: %s}}, bob: {behind: office}}\n";
    static const struct {
        const char *gateway, *client, *told;
    } cases[] = {
        {"pcp", "pcp", "direct srflx or prflx/prflx"},        {"nat-pmp", "pcp", "direct srflx or prflx/prflx"},
        {"upnp", "upnp", "direct srflx or prflx/prflx"},      {"pcp", "nat-pmp", "no path"},
        {"{protocols: pcp, refuse: true}", "pcp", "no path"}, {"pcp", "none", "no path"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *with = g_strdup_printf(text, cases[i].gateway, cases[i].client);
        assert_told(with, cases[i].told);
    }
    g_autofree char *said = NULL;
    g_autofree char *asked_for = g_strdup_printf(text, "pcp", "pcp");
    said = reasons(asked_for);
    assert_string_equal(said, "direct works because home maps per destination address and port, office maps per "
                              "destination address and port and a port of alice is open because it asked for it");
    /* of a carrier's inside address nobody outside has any use */
    assert_told("network: {nats: {cgn: symmetric, home: {preset: symmetric, behind: cgn, port-mapping: pcp},"
                " office: symmetric}}\n"
                "peers: {alice: {behind: home, ice: {port-mapping: pcp}}, bob: {behind: office}}\n",
                "no path");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pairs_of_nats),
        cmocka_unit_test(both_ends_agree),
        cmocka_unit_test(without_servers),
        cmocka_unit_test(hairpins),
        cmocka_unit_test(filtered_hairpins),
        cmocka_unit_test(layers),
        cmocka_unit_test(luck),
        cmocka_unit_test(ports),
        cmocka_unit_test(ports_on_request),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
