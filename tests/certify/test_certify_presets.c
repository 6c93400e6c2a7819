/* Every preset's certificate: what is observed of it is what its knobs declare. And for some of them the observed
 * values written out by hand, so that a slip in the reading of knobs cannot hide behind the same slip in the probes. */
#include "certify/subject.h"

static bool firewall_of(const hp_nat_preset *preset, hp_firewall_config *ret)
{
    *ret = (hp_firewall_config){0};
    if (!preset->firewall)
        return false;
    assert_true(hp_firewall_preset_config(preset->firewall, ret));
    return true;
}

static void certify(const hp_nat_preset *preset, uint64_t seed, uint8_t family)
{
    hp_firewall_config firewall;
    bool guarded = firewall_of(preset, &firewall);
    g_autoptr(hp_certificate) observed = observe(&preset->config, guarded ? &firewall : NULL, seed, family);
    g_autoptr(hp_certificate) declared = declare(&preset->config, guarded ? &firewall : NULL);
    assert_certified(preset->name, observed, declared);
    hp_firewall_config_clear(&firewall);
}

static void every_preset(void **state)
{
    size_t n;
    const hp_nat_preset *presets = hp_nat_presets(&n);
    assert_true(n >= 24);
    for (size_t i = 0; i < n; i++) {
        assert_non_null(presets[i].source);
        certify(&presets[i], 1, HP_AF_IPV4);
    }
}

static void other_seeds_and_ipv6(void **state)
{
    static const char *const names[] = {"cgn-rfc6888", "openbsd-pf", "hotel", "guarded-home", "linux-netfilter"};
    for (unsigned i = 0; i < G_N_ELEMENTS(names); i++) {
        const hp_nat_preset *preset = hp_nat_preset_find(names[i]);
        assert_non_null(preset);
        certify(preset, 20261122, HP_AF_IPV4);
        certify(preset, 3, HP_AF_IPV6);
    }
}

/* Whatever firewall stands inside. */
static void every_firewall(void **state)
{
    static const char *const nats[] = {"no-hairpin-home", "linux-netfilter"};
    size_t n;
    const hp_firewall_preset *firewalls = hp_firewall_presets(&n);
    for (size_t i = 0; i < n; i++) {
        hp_nat_preset preset = *hp_nat_preset_find(nats[i % G_N_ELEMENTS(nats)]);
        preset.firewall = firewalls[i].name;
        certify(&preset, 1, HP_AF_IPV4);
    }
}

/* ---- written by hand ---- */

typedef struct line {
    hp_property property;
    const char *text; /* NULL: not observable */
} line;

static void assert_lines(const char *name, const line *lines, unsigned n)
{
    const hp_nat_preset *preset = hp_nat_preset_find(name);
    hp_firewall_config firewall;
    assert_non_null(preset);
    bool guarded = firewall_of(preset, &firewall);
    g_autoptr(hp_certificate) c = observe(&preset->config, guarded ? &firewall : NULL, 1, HP_AF_IPV4);
    for (unsigned i = 0; i < n; i++) {
        const hp_finding *f = hp_certificate_get(c, lines[i].property);
        bool good = f->known ? lines[i].text && strcmp(f->text, lines[i].text) == 0 : !lines[i].text;
        if (!good)
            fail_msg("%s: %s: expected %s, got %s%s", name, hp_property_get(lines[i].property)->key,
                     lines[i].text ? lines[i].text : "nothing", f->known ? "" : "(unknown) ", f->text);
    }
    hp_firewall_config_clear(&firewall);
}

#define SHOWS(name, ...)                                                                                               \
    do {                                                                                                               \
        static const line lines_[] = {__VA_ARGS__};                                                                    \
        assert_lines(name, lines_, G_N_ELEMENTS(lines_));                                                              \
    } while (0)

static void what_netfilter_shows(void **state)
{
    SHOWS("linux-netfilter", {HP_PROP_UDP_MAPPING, "address and port-dependent"},
          {HP_PROP_UDP_DETERMINISM, "no: endpoint-independent until ports collide"},
          {HP_PROP_UDP_PORTS, "port preservation"}, {HP_PROP_UDP_COLLISION, "a random port"},
          {HP_PROP_UDP_OVERLOAD, "yes"}, {HP_PROP_UDP_WELL_KNOWN_PORTS, "yes"}, {HP_PROP_UDP_TIMER, "120 s"},
          {HP_PROP_UDP_TIMER_UNREPLIED, "30 s"}, {HP_PROP_UDP_REFRESH, "outbound and inbound"},
          {HP_PROP_INBOUND_FIRST, "yes"}, {HP_PROP_UDP_UNSOLICITED, "ICMP port unreachable"},
          {HP_PROP_UDP_HAIRPIN, "none"}, {HP_PROP_HAIRPIN_FILTER, NULL}, {HP_PROP_ICMP_TIMER, "30 s"},
          {HP_PROP_FRAGMENTS_IN, "reassembled, in any order"}, {HP_PROP_TCP_SYN, "RST"},
          {HP_PROP_TCP_STRAY, "picked up"}, {HP_PROP_TCP_RST, "after 10 s"}, {HP_PROP_TCP_RST_UNANSWERED, "at once"},
          {HP_PROP_TCP_TIMER_OPENING, "120 s"}, {HP_PROP_TCP_TIMER_HANDSHAKE, "60 s"},
          {HP_PROP_TCP_TIMER_PICKED_UP, "300 s"}, {HP_PROP_TCP_TIMER_ESTABLISHED, "432000 s"},
          {HP_PROP_TCP_TIMER_FIN, "120 s"}, {HP_PROP_TCP_TIMER_HALF_CLOSED, "60 s"},
          {HP_PROP_TCP_TIMER_CLOSING, "30 s"}, {HP_PROP_TCP_TIMER_TIME_WAIT, "120 s"});
}

static void what_carriers_show(void **state)
{
    SHOWS("cgn-rfc6888", {HP_PROP_UDP_MAPPING, "endpoint-independent"}, {HP_PROP_UDP_FILTERING, "endpoint-independent"},
          {HP_PROP_UDP_PORTS, "random"}, {HP_PROP_UDP_PORT_RANGE, "1024-65535"},
          {HP_PROP_PORT_BLOCKS, "2 of 1024 ports"},
          {HP_PROP_PORT_BLOCK_CHOICE, "by the host's address, or the next free one"}, {HP_PROP_POOL, "2"},
          {HP_PROP_POOLING, "paired"}, {HP_PROP_UDP_QUARANTINE, "120 s"}, {HP_PROP_TCP_QUARANTINE, "none"},
          {HP_PROP_HOST_LIMIT, "2048"}, {HP_PROP_EVICTION, "the new one is refused"},
          {HP_PROP_LIMIT_ANSWER, "ICMP host unreachable"}, {HP_PROP_UDP_HAIRPIN, "external source"},
          {HP_PROP_TCP_SYN, "ICMP port unreachable after 6 s, none if a SYN goes out before"});
    SHOWS("cgn-strict", {HP_PROP_UDP_MAPPING, "address and port-dependent"}, {HP_PROP_POOL, "4"},
          {HP_PROP_POOLING, "arbitrary"}, {HP_PROP_UDP_LIMIT, "128"}, {HP_PROP_HOST_LIMIT, "128"},
          {HP_PROP_TCP_FILTERING, "connection-dependent"}, {HP_PROP_TCP_RST, "at once"},
          {HP_PROP_TCP_TIMER_ESTABLISHED, "1800 s"});
    SHOWS("cgn-deterministic", {HP_PROP_PORT_BLOCKS, "1 of 1008 ports"},
          {HP_PROP_PORT_BLOCK_CHOICE, "by the host's address alone"}, {HP_PROP_TABLE_LIMIT, "64"});
    SHOWS("nokia-cgn", {HP_PROP_PORT_BLOCKS, "1 of 512 ports"}, {HP_PROP_UDP_TIMER_UNREPLIED, "15 s"},
          {HP_PROP_PORT_BLOCK_CHOICE, "the lowest free one, first come first served"});
}

static void what_offices_show(void **state)
{
    SHOWS("udp-blocking-office", {HP_PROP_UDP_LEAVES, "none"}, {HP_PROP_TCP_LEAVES, "all"},
          {HP_PROP_BLOCKED_ANSWER, "ICMP administratively prohibited"}, {HP_PROP_UDP_MAPPING, NULL},
          {HP_PROP_TCP_MAPPING, "endpoint-independent"}, {HP_PROP_FRAGMENTS_OUT, NULL});
    SHOWS("office", {HP_PROP_UDP_LEAVES, "53, 123, 443"}, {HP_PROP_BLOCKED_ANSWER, "silence"},
          {HP_PROP_UDP_TIMER, NULL}, {HP_PROP_UDP_TIMER_WELL_KNOWN, "60 s"}, {HP_PROP_UDP_CONTIGUITY, NULL});
    SHOWS("tls-only-office", {HP_PROP_UDP_LEAVES, "all"}, {HP_PROP_SITE_UDP_LEAVES, "53"},
          {HP_PROP_SITE_TCP_LEAVES, "443"}, {HP_PROP_SITE_ICMP_LEAVES, "no"}, {HP_PROP_SITE_BLOCKED_ANSWER, "silence"},
          {HP_PROP_SITE_TCP_FILTERING, "connection-dependent"}, {HP_PROP_SITE_TCP_TIMER_ESTABLISHED, "7440 s"});
    SHOWS("guarded-home", {HP_PROP_UDP_FILTERING, "endpoint-independent"}, {HP_PROP_UDP_TIMER, "300 s"},
          {HP_PROP_SITE_UDP_FILTERING, "address and port-dependent"}, {HP_PROP_SITE_UDP_TIMER, "120 s"},
          {HP_PROP_SITE_UDP_TIMER_UNREPLIED, "30 s"}, {HP_PROP_SITE_UDP_LEAVES, "all"});
    SHOWS("hotel", {HP_PROP_UDP_PORTS, "sequential"}, {HP_PROP_UDP_LIMIT, "64"},
          {HP_PROP_EVICTION, "the least recently used gives way"}, {HP_PROP_LIMIT_ANSWER, NULL},
          {HP_PROP_UDP_TIMER, "30 s"}, {HP_PROP_UDP_TIMER_WELL_KNOWN, "10 s"});
    SHOWS("small-table", {HP_PROP_TABLE_LIMIT, "256"}, {HP_PROP_EVICTION, "the oldest gives way"});
}

static void what_homes_show(void **state)
{
    SHOWS("rst-answering-home", {HP_PROP_TCP_SYN, "RST"}, {HP_PROP_FRAGMENTS_IN, "pass in order only"},
          {HP_PROP_HAIRPIN_FIRST, "no"}, {HP_PROP_HAIRPIN_FILTER, "no"}, {HP_PROP_TCP_HAIRPIN, "external source"});
    SHOWS("hairpin-home", {HP_PROP_UDP_HAIRPIN, "external source"}, {HP_PROP_HAIRPIN_FILTER, "yes"},
          {HP_PROP_HAIRPIN_FIRST, NULL});
    SHOWS("hairpin-internal-source", {HP_PROP_UDP_HAIRPIN, "internal source"});
    SHOWS("icmp-fragile", {HP_PROP_ICMP_ERRORS_END, "all do"}, {HP_PROP_ICMP_ERRORS_IN, "yes"});
    SHOWS("quotes-untranslated", {HP_PROP_ICMP_ERRORS_QUOTE, "no"}, {HP_PROP_ICMP_ERRORS_IN, "yes"});
    SHOWS("no-fragments", {HP_PROP_FRAGMENTS_OUT, "dropped"}, {HP_PROP_ICMP_ERRORS_IN, "no"},
          {HP_PROP_ICMP_ERRORS_OUT, "no"}, {HP_PROP_ICMP_ERRORS_QUOTE, NULL});
    SHOWS("openbsd-pf", {HP_PROP_UDP_PORT_RANGE, "50001-65535"}, {HP_PROP_UDP_PORTS, "random"},
          {HP_PROP_TCP_TIMER_HANDSHAKE, "30 s"}, {HP_PROP_TCP_TIMER_FIN, "900 s"}, {HP_PROP_TCP_RST, "after 90 s"});
    SHOWS("pf-static-port", {HP_PROP_UDP_COLLISION, "no mapping is made"}, {HP_PROP_UDP_PARITY, "yes"});
    SHOWS("cisco-asa", {HP_PROP_ICMP_TIMER, "2 s"}, {HP_PROP_TCP_TIMER_HALF_CLOSED, "600 s"});
    SHOWS("aws-nat-gateway", {HP_PROP_TCP_STRAY, "RST"}, {HP_PROP_UDP_OVERLOAD, "yes"}, {HP_PROP_UDP_TIMER, "350 s"});
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_preset),       cmocka_unit_test(other_seeds_and_ipv6),
        cmocka_unit_test(every_firewall),     cmocka_unit_test(what_netfilter_shows),
        cmocka_unit_test(what_carriers_show), cmocka_unit_test(what_offices_show),
        cmocka_unit_test(what_homes_show),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
