/* Every preset certifies itself to a client that knows RFC 5780 and nothing else: a probe behind the emulated NAT and
 * the built-in server outside see what the preset declares (as engines/nat_discovery_expect.c reads it). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "actors/probe.h"
#include "actors/server.h"
#include "world/link.h"
#include "world/nat.h"
#include "world/router.h"

#define INSIDE_DELAY HP_MS
#define OUTSIDE_DELAY (10 * HP_MS)
/* Host, link, NAT, link, router, server and back. */
#define RTT (2 * (INSIDE_DELAY + OUTSIDE_DELAY))

/* host - link - NAT - link - router - server; without knobs the host sits where the NAT would be. */
typedef struct net {
    hp_trace *trace;
    hp_world *world;
    hp_nat *nat;
    hp_link *links[4];
    hp_host *host, *server_host;
    hp_server_config server_config;
    hp_server *server;
    hp_nat_discovery_config config;
    hp_probe *probe;
} net;

static hp_addr addr(const char *text)
{
    hp_addr a;
    assert_true(hp_addr_parse(text, &a));
    return a;
}

static void add_route(hp_router *router, const char *text, unsigned port)
{
    hp_prefix route;
    assert_true(hp_prefix_parse(text, &route));
    hp_router_add_route(router, &route, port);
}

/* Both directions between two nodes' ports. */
static void wire(net *n, unsigned first, hp_node *a, unsigned a_port, hp_node *b, unsigned b_port, hp_time delay)
{
    hp_link_config config = {.delay_ns = delay};
    for (unsigned i = 0; i < 2; i++) {
        g_autofree char *name = g_strdup_printf("link %u", first + i);
        n->links[first + i] = hp_link_new(n->world, name, &config);
    }
    hp_node_connect(a, a_port, hp_link_node(n->links[first]), 0);
    hp_node_connect(hp_link_node(n->links[first]), 0, b, b_port);
    hp_node_connect(b, b_port, hp_link_node(n->links[first + 1]), 0);
    hp_node_connect(hp_link_node(n->links[first + 1]), 0, a, a_port);
}

static net *net_new(uint64_t seed, const hp_nat_config *knobs, bool v6, const char *first_server, uint16_t alternate)
{
    net *n = g_new0(net, 1);
    n->trace = hp_trace_new_sized(256 << 20, NULL);
    n->world = hp_world_new(seed, n->trace);
    hp_router *core = hp_router_new(n->world, "internet", &(hp_router_config){.hop = true});
    hp_addr inside = addr(v6 ? "fd00::2" : "192.168.1.2"), outside = addr(v6 ? "2001:db8:1::10" : "192.0.2.10");
    hp_addr server = addr(first_server), primary = hp_addr_with_port(server, 0), other = hp_addr_plus(primary, 1);

    n->host = hp_host_new(n->world, "host");
    hp_host_add_interface(n->host, NULL, 0);
    if (knobs != NULL) {
        hp_addr pool[8], gateway = addr(v6 ? "fd00::1" : "192.168.1.1");
        unsigned size = MAX(knobs->pool, 1);
        assert_true(size <= G_N_ELEMENTS(pool));
        for (unsigned i = 0; i < size; i++) {
            pool[i] = hp_addr_plus(outside, i);
        }
        n->nat = hp_nat_new(n->world, "nat", knobs);
        hp_nat_set_external(n->nat, pool, size);
        hp_nat_set_internal(n->nat, &gateway);
        hp_host_add_address(n->host, 0, &inside);
        wire(n, 0, hp_host_node(n->host), 0, hp_nat_node(n->nat), HP_NAT_INSIDE, INSIDE_DELAY);
        wire(n, 2, hp_nat_node(n->nat), HP_NAT_OUTSIDE, hp_router_node(core), 0, OUTSIDE_DELAY);
    } else {
        hp_host_add_address(n->host, 0, &outside);
        wire(n, 0, hp_host_node(n->host), 0, hp_router_node(core), 0, INSIDE_DELAY + OUTSIDE_DELAY);
    }
    add_route(core, v6 ? "2001:db8:1::/48" : "192.0.2.0/24", 0);

    n->server_host = hp_host_new(n->world, "stun");
    hp_host_add_interface(n->server_host, NULL, 0);
    hp_host_add_address(n->server_host, 0, &primary);
    hp_host_add_address(n->server_host, 0, &other);
    hp_node_connect(hp_host_node(n->server_host), 0, hp_router_node(core), 1);
    hp_node_connect(hp_router_node(core), 1, hp_host_node(n->server_host), 0);
    add_route(core, v6 ? "2001:db8:2::/48" : "203.0.113.0/24", 1);
    n->server_config = (hp_server_config){
        .kind = HP_SERVER_STUN, .port = server.port, .alternate_port = alternate, .nat_discovery = true};
    n->server = hp_server_new(n->server_host, "stun", &n->server_config, NULL);
    assert_non_null(n->server);
    n->config.server = server;
    return n;
}

static net *net_v4(const hp_nat_config *knobs)
{
    return net_new(1, knobs, false, "203.0.113.10:3478", 3479);
}

static void net_free(net *n)
{
    hp_probe_free(n->probe);
    hp_server_free(n->server);
    hp_world_free(n->world);
    hp_trace_free(n->trace);
    g_free(n);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC(net, net_free)

static const hp_nat_discovery_result *discover(net *n)
{
    g_autoptr(GError) error = NULL;
    n->probe = hp_probe_new(n->host, "probe", &n->config, &error);
    assert_non_null(n->probe);
    if (!hp_probe_run(n->probe, 24 * 3600 * HP_S, &error)) {
        fail_msg("%s", error->message);
    }
    return hp_probe_get_result(n->probe);
}

static char *tell(const hp_nat_discovery_result *r)
{
    return g_strdup_printf("%s icmp %d known %x mapping %d filtering %d ports %d parity %d contiguity %d pooling %d "
                           "hairpin %d filtered %d "
                           "fragments %d lifetime %" G_GUINT64_FORMAT "ms open %d refreshed out %d in %d",
                           hp_nat_discovery_status_name(r->status), r->icmp, r->known, r->mapping, r->filtering,
                           r->ports, r->parity, r->contiguity, r->pooling, r->hairpin, r->hairpin_filtered,
                           r->fragments, r->lifetime / HP_MS, r->lifetime_open, r->refreshed_by_outbound,
                           r->refreshed_by_inbound);
}

/* What was seen is what the knobs declare: everything they determine, nothing less. */
static void assert_certified(const char *name, const net *n, const hp_nat_config *knobs)
{
    const hp_nat_discovery_result *seen = hp_probe_get_result(n->probe);
    hp_nat_discovery_result declared;
    hp_nat_discovery_expect(knobs, &n->config, n->server_config.alternate_port, &declared);
    uint32_t difference = hp_nat_discovery_difference(seen, &declared);
    if (difference != 0 || (declared.known & ~seen->known) != 0) {
        g_autofree char *saw = tell(seen), *said = tell(&declared);
        fail_msg("%s: tests %x differ\n    seen     %s\n    declared %s", name, difference, saw, said);
    }
    if (seen->status != HP_NAT_DISCOVERY_DONE) {
        return;
    }
    assert_true(seen->natted);
    assert_false(seen->rewrites_payload);
    assert_int_equal(seen->rtt, RTT);
    assert_true(seen->other.port == n->server_config.alternate_port);
    if ((seen->known & HP_NAT_TEST_LIFETIME) == 0) {
        return;
    }
    if (seen->lifetime_open) {
        assert_true(seen->lifetime_at_least >= seen->lifetime);
        assert_true(seen->lifetime_below == HP_NEVER);
    } else {
        assert_true(seen->lifetime_at_least <= seen->lifetime);
        assert_true(seen->lifetime_below > seen->lifetime);
        assert_true(seen->lifetime_below - seen->lifetime_at_least <= HP_S + RTT);
    }
}

static void certify(const hp_nat_preset *preset, bool v6)
{
    g_autoptr(net) n = net_new(1, &preset->config, v6, v6 ? "[2001:db8:2::10]:3478" : "203.0.113.10:3478", 3479);
    discover(n);
    assert_certified(preset->name, n, &preset->config);
}

static void every_preset(void **state)
{
    size_t n_presets;
    const hp_nat_preset *presets = hp_nat_presets(&n_presets);
    assert_true(n_presets > 0);
    for (size_t i = 0; i < n_presets; i++) {
        certify(&presets[i], false);
    }
}

static void presets_over_ipv6(void **state)
{
    static const char *const names[] = {"full-cone",           "symmetric",  "linux-netfilter", "rfc4787-strict",
                                        "udp-blocking-office", "cgn-strict", "no-fragments"};
    for (unsigned i = 0; i < G_N_ELEMENTS(names); i++) {
        const hp_nat_preset *preset = hp_nat_preset_find(names[i]);
        assert_non_null(preset);
        certify(preset, true);
    }
}

/* The expectations themselves, written out for one preset of each sort, so that a slip in the reading of knobs cannot
 * hide behind the same slip in the NAT. */
static void what_presets_show(void **state)
{
    static const struct {
        const char *name;
        hp_nat_behaviour mapping, filtering;
        hp_nat_ports ports;
        hp_nat_pooling pooling;
        hp_nat_hairpin hairpin;
        bool hairpin_filtered;
        hp_nat_passage fragments;
        hp_time lifetime;
        bool by_inbound;
    } shown[] = {
        {"full-cone", HP_NAT_ENDPOINT_INDEPENDENT, HP_NAT_ENDPOINT_INDEPENDENT, HP_NAT_PORTS_PRESERVE, HP_NAT_PAIRED,
         HP_NAT_HAIRPIN_NONE, false, HP_NAT_PASSAGE_BOTH, 120 * HP_S, false},
        {"restricted-cone", HP_NAT_ENDPOINT_INDEPENDENT, HP_NAT_ADDRESS_DEPENDENT, HP_NAT_PORTS_PRESERVE, HP_NAT_PAIRED,
         HP_NAT_HAIRPIN_NONE, false, HP_NAT_PASSAGE_BOTH, 120 * HP_S, false},
        {"address-dependent", HP_NAT_ADDRESS_DEPENDENT, HP_NAT_ADDRESS_DEPENDENT, HP_NAT_PORTS_SEQUENTIAL,
         HP_NAT_PAIRED, HP_NAT_HAIRPIN_NONE, false, HP_NAT_PASSAGE_BOTH, 120 * HP_S, false},
        {"hotel", HP_NAT_ADDRESS_AND_PORT_DEPENDENT, HP_NAT_ADDRESS_AND_PORT_DEPENDENT, HP_NAT_PORTS_SEQUENTIAL,
         HP_NAT_PAIRED, HP_NAT_HAIRPIN_NONE, false, HP_NAT_PASSAGE_BOTH, 30 * HP_S, false},
        {"rfc4787-strict", HP_NAT_ENDPOINT_INDEPENDENT, HP_NAT_ADDRESS_DEPENDENT, HP_NAT_PORTS_PRESERVE, HP_NAT_PAIRED,
         HP_NAT_HAIRPIN_EXTERNAL_SOURCE, true, HP_NAT_PASSAGE_BOTH, 300 * HP_S, false},
        {"hairpin-internal-source", HP_NAT_ENDPOINT_INDEPENDENT, HP_NAT_ADDRESS_AND_PORT_DEPENDENT,
         HP_NAT_PORTS_PRESERVE, HP_NAT_PAIRED, HP_NAT_HAIRPIN_INTERNAL_SOURCE, false, HP_NAT_PASSAGE_BOTH, 120 * HP_S,
         true},
        {"linux-netfilter", HP_NAT_ENDPOINT_INDEPENDENT, HP_NAT_ADDRESS_AND_PORT_DEPENDENT, HP_NAT_PORTS_PRESERVE,
         HP_NAT_PAIRED, HP_NAT_HAIRPIN_NONE, false, HP_NAT_PASSAGE_BOTH, 120 * HP_S, true},
        {"openbsd-pf", HP_NAT_ADDRESS_AND_PORT_DEPENDENT, HP_NAT_ADDRESS_AND_PORT_DEPENDENT, HP_NAT_PORTS_RANDOM,
         HP_NAT_PAIRED, HP_NAT_HAIRPIN_NONE, false, HP_NAT_PASSAGE_BOTH, 60 * HP_S, true},
        {"cgn-rfc6888", HP_NAT_ENDPOINT_INDEPENDENT, HP_NAT_ENDPOINT_INDEPENDENT, HP_NAT_PORTS_RANDOM, HP_NAT_PAIRED,
         HP_NAT_HAIRPIN_EXTERNAL_SOURCE, false, HP_NAT_PASSAGE_BOTH, 300 * HP_S, false},
        {"cgn-strict", HP_NAT_ADDRESS_AND_PORT_DEPENDENT, HP_NAT_ADDRESS_AND_PORT_DEPENDENT, HP_NAT_PORTS_RANDOM,
         HP_NAT_ARBITRARY, HP_NAT_HAIRPIN_NONE, false, HP_NAT_PASSAGE_BOTH, 30 * HP_S, false},
        {"no-fragments", HP_NAT_ENDPOINT_INDEPENDENT, HP_NAT_ADDRESS_AND_PORT_DEPENDENT, HP_NAT_PORTS_PRESERVE,
         HP_NAT_PAIRED, HP_NAT_HAIRPIN_NONE, false, HP_NAT_PASSAGE_NONE, 120 * HP_S, false},
    };
    for (unsigned i = 0; i < G_N_ELEMENTS(shown); i++) {
        const hp_nat_preset *preset = hp_nat_preset_find(shown[i].name);
        hp_nat_discovery_config config = {.server = addr("203.0.113.10:3478")};
        hp_nat_discovery_result r;
        hp_nat_discovery_expect(&preset->config, &config, 3479, &r);
        assert_string_equal(hp_nat_discovery_status_name(r.status), "done");
        assert_int_equal(r.known, HP_NAT_TEST_ALL);
        assert_int_equal(r.mapping, shown[i].mapping);
        assert_int_equal(r.filtering, shown[i].filtering);
        assert_int_equal(r.ports, shown[i].ports);
        assert_int_equal(r.parity, shown[i].ports == HP_NAT_PORTS_PRESERVE);
        assert_int_equal(r.contiguity, shown[i].ports == HP_NAT_PORTS_PRESERVE);
        assert_int_equal(r.pooling, shown[i].pooling);
        assert_int_equal(r.hairpin, shown[i].hairpin);
        assert_int_equal(r.hairpin_filtered, shown[i].hairpin_filtered);
        assert_int_equal(r.fragments, shown[i].fragments);
        assert_int_equal(r.lifetime, shown[i].lifetime);
        assert_true(r.refreshed_by_outbound);
        assert_int_equal(r.refreshed_by_inbound, shown[i].by_inbound);
    }
}

/* What blocks says so by ICMP (at once) or not at all (after the whole RFC 8489 schedule). */
static void blocked(void **state)
{
    static const struct {
        const char *name;
        hp_icmp_kind icmp;
        hp_time finished;
    } cases[] = {
        {"udp-blocking-office", HP_ICMP_ADMIN_PROHIBITED, 2 * INSIDE_DELAY},
        {"captive-portal", HP_ICMP_ADMIN_PROHIBITED, 2 * INSIDE_DELAY},
        {"office", HP_ICMP_NONE, 39500 * HP_MS},
    };
    for (unsigned i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(net) n = net_v4(&hp_nat_preset_find(cases[i].name)->config);
        const hp_nat_discovery_result *r = discover(n);
        assert_string_equal(hp_nat_discovery_status_name(r->status), "blocked");
        assert_int_equal(r->icmp, cases[i].icmp);
        assert_int_equal(r->finished, cases[i].finished);
        assert_int_equal(r->known, 0);
    }
}

/* Behind a NAT that lets few ports out, a server on those ports finds the rest. */
static void open_ports_of_strict_networks(void **state)
{
    static const struct {
        const char *name, *server;
        uint16_t alternate;
        hp_time lifetime;
    } cases[] = {
        {"office", "203.0.113.10:443", 123, 60 * HP_S},
        {"captive-portal", "203.0.113.10:53", 3478, 30 * HP_S},
        {"hotel", "203.0.113.10:53", 3478, 10 * HP_S}, /* its timer for well-known ports */
    };
    for (unsigned i = 0; i < G_N_ELEMENTS(cases); i++) {
        const hp_nat_config *knobs = &hp_nat_preset_find(cases[i].name)->config;
        g_autoptr(net) n = net_new(1, knobs, false, cases[i].server, cases[i].alternate);
        const hp_nat_discovery_result *r = discover(n);
        assert_certified(cases[i].name, n, knobs);
        assert_int_equal(r->known, HP_NAT_TEST_ALL);
        assert_int_equal(r->lifetime, cases[i].lifetime);
    }
}

/* Test III needs the alternate port; without it "not independent" is all that is known. */
static void alternate_port_blocked(void **state)
{
    hp_port_range range = {3479, 3479};
    hp_nat_config knobs = hp_nat_preset_find("symmetric")->config;
    knobs.blocked = &range;
    knobs.n_blocked = 1;
    g_autoptr(net) n = net_v4(&knobs);
    const hp_nat_discovery_result *r = discover(n);
    assert_certified("symmetric without 3479", n, &knobs);
    assert_int_equal(r->known, HP_NAT_TEST_ALL & ~HP_NAT_TEST_MAPPING);
}

/* Knobs that no preset turns. */
static void other_knobs(void **state)
{
    hp_nat_config base = hp_nat_config_default(), c[15];
    const char *names[G_N_ELEMENTS(c)];
    unsigned n_cases = 0;
#define KNOBS(what, ...)                                                                                               \
    do {                                                                                                               \
        hp_nat_config k = base;                                                                                        \
        __VA_ARGS__;                                                                                                   \
        names[n_cases] = what;                                                                                         \
        c[n_cases++] = k;                                                                                              \
    } while (0)
    KNOBS("refreshed by inbound alone", k.refresh = HP_NAT_REFRESH_INBOUND);
    KNOBS("one second", k.udp_timeout = HP_S);
    KNOBS("nineteen minutes", k.udp_timeout = 1140 * HP_S, k.refresh = HP_NAT_REFRESH_BOTH);
    KNOBS("longer than looked for", k.udp_timeout = 3600 * HP_S);
    KNOBS("absolute lifetime", k.max_lifetime = 45 * HP_S, k.refresh = HP_NAT_REFRESH_BOTH);
    KNOBS("random, parity kept", k.ports = HP_NAT_PORTS_RANDOM, k.port_parity = true);
    KNOBS("random, neighbours kept", k.ports = HP_NAT_PORTS_RANDOM, k.port_parity = true, k.port_contiguity = true);
    KNOBS("sequential, parity kept", k.ports = HP_NAT_PORTS_SEQUENTIAL, k.port_parity = true);
    KNOBS("symmetric, preserving without overloading", k.mapping = HP_NAT_ADDRESS_AND_PORT_DEPENDENT);
    KNOBS("address-dependent, preserving with overloading", k.mapping = HP_NAT_ADDRESS_DEPENDENT, k.overload = true);
    KNOBS("overloading, arbitrary pool", k.mapping = HP_NAT_ADDRESS_AND_PORT_DEPENDENT, k.overload = true, k.pool = 3,
          k.pooling = HP_NAT_ARBITRARY);
    KNOBS("symmetric, filtered hairpin", k.mapping = HP_NAT_ADDRESS_AND_PORT_DEPENDENT,
          k.ports = HP_NAT_PORTS_SEQUENTIAL, k.hairpin = HP_NAT_HAIRPIN_EXTERNAL_SOURCE, k.hairpin_filtered = true);
    KNOBS("symmetric hairpin, first packet lost", k.mapping = HP_NAT_ADDRESS_AND_PORT_DEPENDENT,
          k.ports = HP_NAT_PORTS_RANDOM, k.hairpin = HP_NAT_HAIRPIN_EXTERNAL_SOURCE, k.hairpin_drops_first = true);
    KNOBS("preserving, where there is room", k.port_range = ((hp_port_range){40000, 41000}));
    KNOBS("netfilter that hairpins", k = hp_nat_preset_find("linux-netfilter")->config,
          k.hairpin = HP_NAT_HAIRPIN_EXTERNAL_SOURCE, k.hairpin_filtered = true);
#undef KNOBS
    assert_int_equal(n_cases, G_N_ELEMENTS(c));
    for (unsigned i = 0; i < n_cases; i++) {
        g_autoptr(net) n = net_v4(&c[i]);
        discover(n);
        assert_certified(names[i], n, &c[i]);
    }
}

/* The search ends at the second, whatever the path's length is (as long as it is shorter than a step). */
static void lifetime_to_the_second(void **state)
{
    static const hp_time lifetimes[] = {2 * HP_S, 31 * HP_S, 32 * HP_S, 33 * HP_S, 64 * HP_S, 119 * HP_S, 241 * HP_S};
    static const hp_time delays[] = {0, 240 * HP_MS};
    for (unsigned i = 0; i < G_N_ELEMENTS(lifetimes); i++) {
        for (unsigned k = 0; k < 2 * G_N_ELEMENTS(delays); k++) {
            hp_nat_config knobs = hp_nat_config_default();
            knobs.udp_timeout = lifetimes[i];
            knobs.refresh = k % 2 == 0 ? HP_NAT_REFRESH_OUTBOUND : HP_NAT_REFRESH_BOTH;
            g_autoptr(net) n = net_v4(&knobs);
            hp_link_config link = {.delay_ns = delays[k / 2]};
            hp_link_configure(n->links[2], &link, "delay");
            hp_link_configure(n->links[3], &link, "delay");
            n->config.tests = HP_NAT_TEST_LIFETIME | HP_NAT_TEST_REFRESH;
            const hp_nat_discovery_result *r = discover(n);
            assert_int_equal(r->known, n->config.tests);
            assert_int_equal(r->lifetime, lifetimes[i]);
            assert_true(r->refreshed_by_outbound);
            assert_int_equal(r->refreshed_by_inbound, k % 2);
        }
    }
}

/* So few external ports that the second socket may get the first one's as soon as its mapping is gone. */
static void ports_given_away(void **state)
{
    for (uint64_t seed = 1; seed <= 8; seed++) {
        hp_nat_config knobs = hp_nat_config_default();
        knobs.ports = HP_NAT_PORTS_RANDOM;
        knobs.port_range = (hp_port_range){40000, 40003};
        knobs.udp_timeout = 45 * HP_S;
        g_autoptr(net) n = net_new(seed, &knobs, false, "203.0.113.10:3478", 3479);
        n->config.tests = HP_NAT_TEST_LIFETIME;
        const hp_nat_discovery_result *r = discover(n);
        assert_int_equal(r->known, HP_NAT_TEST_LIFETIME);
        assert_int_equal(r->lifetime, 45 * HP_S);
    }
}

static void lifetime_to_a_finer_step(void **state)
{
    hp_nat_config knobs = hp_nat_config_default();
    knobs.udp_timeout = 30300 * HP_MS;
    g_autoptr(net) n = net_v4(&knobs);
    n->config.tests = HP_NAT_TEST_LIFETIME;
    n->config.lifetime_step = 100 * HP_MS;
    const hp_nat_discovery_result *r = discover(n);
    assert_int_equal(r->known, HP_NAT_TEST_LIFETIME);
    assert_int_equal(r->lifetime, 30300 * HP_MS);
    assert_int_equal(r->lifetime_at_least, 30250 * HP_MS - RTT / 2);
    assert_int_equal(r->lifetime_below, 30350 * HP_MS + RTT / 2);
}

/* The filtering and lifetime tests leave inbound-first state behind them; whatever ports are drawn, no later test meets
 * it. */
static void inbound_state_does_not_confuse(void **state)
{
    for (uint64_t seed = 1; seed <= 5; seed++) {
        const hp_nat_config *knobs = &hp_nat_preset_find("linux-netfilter")->config;
        g_autoptr(net) n = net_new(seed, knobs, false, "203.0.113.10:3478", 3479);
        const hp_nat_discovery_result *r = discover(n);
        assert_certified("linux-netfilter", n, knobs);
        assert_true(r->known == HP_NAT_TEST_ALL);
    }
}

/* The certificate is worth something: a NAT with one knob turned away from what is declared is caught, by the test that
 * knob belongs to. */
static void one_knob_off_is_caught(void **state)
{
    hp_nat_config declared = hp_nat_preset_find("rfc4787-strict")->config, c[12];
    uint32_t caught_by[G_N_ELEMENTS(c)];
    unsigned n_cases = 0;
#define KNOB(test, ...)                                                                                                \
    do {                                                                                                               \
        hp_nat_config k = declared;                                                                                    \
        __VA_ARGS__;                                                                                                   \
        caught_by[n_cases] = (test);                                                                                   \
        c[n_cases++] = k;                                                                                              \
    } while (0)
    KNOB(HP_NAT_TEST_MAPPING, k.mapping = HP_NAT_ADDRESS_DEPENDENT);
    KNOB(HP_NAT_TEST_MAPPING, k.mapping = HP_NAT_ADDRESS_AND_PORT_DEPENDENT);
    KNOB(HP_NAT_TEST_FILTERING, k.filtering = HP_NAT_ADDRESS_AND_PORT_DEPENDENT);
    KNOB(HP_NAT_TEST_FILTERING, k.filtering = HP_NAT_ENDPOINT_INDEPENDENT);
    KNOB(HP_NAT_TEST_PORTS, k.ports = HP_NAT_PORTS_RANDOM);
    KNOB(HP_NAT_TEST_PORTS, k.ports = HP_NAT_PORTS_SEQUENTIAL);
    KNOB(HP_NAT_TEST_HAIRPIN, k.hairpin = HP_NAT_HAIRPIN_INTERNAL_SOURCE);
    KNOB(HP_NAT_TEST_HAIRPIN, k.hairpin_filtered = false);
    KNOB(HP_NAT_TEST_FRAGMENTS, k.fragments = HP_NAT_FRAGMENTS_DROP);
    KNOB(HP_NAT_TEST_LIFETIME, k.udp_timeout = 299 * HP_S);
    KNOB(HP_NAT_TEST_REFRESH, k.refresh = HP_NAT_REFRESH_BOTH);
    KNOB(HP_NAT_TEST_ALL, k.block_udp = true);
#undef KNOB
    assert_int_equal(n_cases, G_N_ELEMENTS(c));
    for (unsigned i = 0; i < n_cases; i++) {
        hp_nat_discovery_result said;
        g_autoptr(net) n = net_v4(&c[i]);
        hp_nat_discovery_expect(&declared, &n->config, 3479, &said);
        uint32_t difference = hp_nat_discovery_difference(discover(n), &said);
        assert_int_equal(difference & caught_by[i], caught_by[i]);
    }
}

static void without_a_nat(void **state)
{
    g_autoptr(net) n = net_v4(NULL);
    const hp_nat_discovery_result *r = discover(n);
    assert_string_equal(hp_nat_discovery_status_name(r->status), "done");
    assert_false(r->natted);
    assert_true(hp_addr_equal(&r->local, &r->mapped));
    assert_int_equal(r->mapping, HP_NAT_ENDPOINT_INDEPENDENT);
    assert_int_equal(r->filtering, HP_NAT_ENDPOINT_INDEPENDENT);
    assert_int_equal(r->fragments, HP_NAT_PASSAGE_BOTH);
    assert_int_equal(r->known, HP_NAT_TEST_MAPPING | HP_NAT_TEST_FILTERING | HP_NAT_TEST_PORTS | HP_NAT_TEST_FRAGMENTS);
}

/* As many fragments as a datagram can have. */
static void long_padding(void **state)
{
    static const hp_nat_fragments passes[] = {HP_NAT_FRAGMENTS_OUT_OF_ORDER, HP_NAT_FRAGMENTS_IN_ORDER,
                                              HP_NAT_FRAGMENTS_DROP};
    for (unsigned i = 0; i < G_N_ELEMENTS(passes); i++) {
        hp_nat_config knobs = hp_nat_config_default();
        knobs.fragments = passes[i];
        g_autoptr(net) n = net_v4(&knobs);
        n->config.tests = HP_NAT_TEST_FRAGMENTS;
        n->config.padding = UINT16_MAX;
        const hp_nat_discovery_result *r = discover(n);
        assert_certified("long padding", n, &knobs);
        assert_int_equal(r->known, HP_NAT_TEST_FRAGMENTS);
    }
}

/* Two NATs in a row: the stricter one shows, each for its own part. */
static void nat_behind_nat(void **state)
{
    const hp_nat_config *cgn = &hp_nat_preset_find("mobile-carrier")->config;
    g_autoptr(net) n = net_v4(&hp_nat_preset_find("full-cone")->config);
    hp_nat *carrier = hp_nat_new(n->world, "carrier", cgn);
    hp_addr outside = addr("192.0.2.99"), between = addr("100.64.0.2");
    hp_nat_set_external(carrier, &outside, 1);
    hp_nat_set_external(n->nat, &between, 1);
    hp_port beyond = hp_link_node(n->links[2])->out[0];
    hp_node *router = beyond.node;
    unsigned port = beyond.port;
    hp_node_connect(hp_link_node(n->links[2]), 0, hp_nat_node(carrier), HP_NAT_INSIDE);
    hp_node_connect(hp_nat_node(carrier), HP_NAT_INSIDE, hp_link_node(n->links[3]), 0);
    hp_node_connect(hp_nat_node(carrier), HP_NAT_OUTSIDE, router, port);
    hp_node_connect(router, port, hp_nat_node(carrier), HP_NAT_OUTSIDE);
    const hp_nat_discovery_result *r = discover(n);
    assert_int_equal(r->known, HP_NAT_TEST_ALL);
    assert_int_equal(r->mapping, HP_NAT_ADDRESS_AND_PORT_DEPENDENT);
    assert_int_equal(r->filtering, HP_NAT_ADDRESS_AND_PORT_DEPENDENT);
    assert_int_equal(r->ports, HP_NAT_PORTS_RANDOM);
    assert_int_equal(r->lifetime, 30 * HP_S);
}

/* A packet in ten is lost, each way: it takes longer, and that is all. */
static void through_loss(void **state)
{
    const hp_nat_config *knobs = &hp_nat_preset_find("address-dependent")->config;
    for (uint64_t seed = 1; seed <= 10; seed++) {
        g_autoptr(net) n = net_new(seed, knobs, false, "203.0.113.10:3478", 3479);
        hp_link_config link = {.delay_ns = OUTSIDE_DELAY, .loss_ppb = HP_PPB / 10};
        hp_link_configure(n->links[2], &link, "loss");
        hp_link_configure(n->links[3], &link, "loss");
        const hp_nat_discovery_result *r = discover(n);
        assert_certified("address-dependent", n, knobs);
        assert_int_equal(r->known, HP_NAT_TEST_ALL);
        assert_true(r->n_datagrams > r->n_transactions);
    }
}

static void same_seed_same_bytes(void **state)
{
    const hp_nat_config *knobs = &hp_nat_preset_find("cgn-strict")->config;
    g_autoptr(net) a = net_v4(knobs);
    g_autoptr(net) b = net_v4(knobs);
    const hp_nat_discovery_result *ra = discover(a), *rb = discover(b);
    assert_int_equal(ra->finished, rb->finished);
    assert_int_equal(ra->n_datagrams, rb->n_datagrams);
    hp_trace_cursor ca = {0}, cb = {0};
    hp_record one, two;
    while (hp_trace_next(a->trace, &ca, &one)) {
        assert_true(hp_trace_next(b->trace, &cb, &two));
        assert_int_equal(one.at, two.at);
        assert_int_equal(one.type, two.type);
        if (one.type == HP_RECORD_PACKET) {
            assert_int_equal(one.packet.length, two.packet.length);
            assert_memory_equal(one.packet.bytes, two.packet.bytes, one.packet.length);
        }
    }
    assert_false(hp_trace_next(b->trace, &cb, &two));
}

static void no_address_of_the_family(void **state)
{
    g_autoptr(net) n = net_v4(NULL);
    g_autoptr(GError) error = NULL;
    n->config.server = addr("[2001:db8:2::10]:3478");
    assert_null(hp_probe_new(n->host, "probe", &n->config, &error));
    assert_string_equal(error->message, "probe: host has no address of the server's family");
}

static int behind_symmetric(void **state)
{
    *state = net_v4(&hp_nat_preset_find("symmetric")->config);
    return 0;
}

static int tear_down(void **state)
{
    net_free(*state);
    return 0;
}

/* Told to stop early, and freed half way: nothing of it is left in the world. */
static void ends_early(void **state)
{
    net *n = *state;
    g_autoptr(GError) error = NULL;
    n->probe = hp_probe_new(n->host, "probe", &n->config, NULL);
    assert_false(hp_probe_run(n->probe, 5 * HP_S, &error));
    assert_string_equal(error->message, "host: the discovery did not end in time");
    assert_false(hp_probe_is_done(n->probe));
    g_clear_pointer(&n->probe, hp_probe_free);
    assert_true(hp_world_run_until(n->world, 10 * HP_S, NULL));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_preset),
        cmocka_unit_test(presets_over_ipv6),
        cmocka_unit_test(what_presets_show),
        cmocka_unit_test(blocked),
        cmocka_unit_test(open_ports_of_strict_networks),
        cmocka_unit_test(alternate_port_blocked),
        cmocka_unit_test(other_knobs),
        cmocka_unit_test(lifetime_to_the_second),
        cmocka_unit_test(ports_given_away),
        cmocka_unit_test(lifetime_to_a_finer_step),
        cmocka_unit_test(inbound_state_does_not_confuse),
        cmocka_unit_test(one_knob_off_is_caught),
        cmocka_unit_test(without_a_nat),
        cmocka_unit_test(long_padding),
        cmocka_unit_test(nat_behind_nat),
        cmocka_unit_test(through_loss),
        cmocka_unit_test(same_seed_same_bytes),
        cmocka_unit_test(no_address_of_the_family),
        cmocka_unit_test_setup_teardown(ends_early, behind_symmetric, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
