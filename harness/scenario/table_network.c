/* The schema of `network`: LANs, NATs and how they hang together. Links are in table_link.c.
 *
 * NAT knobs have no default here: they start from the preset, and the documents show what
 * hp_nat_config_default() says. */
#include <string.h>

#include "scenario/table_programs.h"
#include "wire/dns64.h"

/* ---- LANs ---- */

#define F(field) HP_FIELD(hp_sc_lan, field)
static const hp_key lan_keys[] = {
    {"link", HP_V_MAP, F(link), .sub = &hp_schema_link, .fallback = "delay: 500us",
     .doc = "what every packet that enters the LAN passes"},
    {"families", HP_V_FAMILIES, F(family), .fallback = "ipv4", .doc = "address families"},
    {"prefix4", HP_V_PREFIX, F(prefix4), .min = HP_AF_IPV4, .shown = "chosen", .doc = "its IPv4 network"},
    {"prefix6", HP_V_PREFIX, F(prefix6), .min = HP_AF_IPV6, .shown = "chosen", .doc = "its IPv6 network"},
};
#undef F
const hp_schema hp_schema_lan = {
    .name = "lan",
    .doc = "A plain network without a NAT: what is on it can reach only what else is on it.",
    .size = sizeof(hp_sc_lan),
    HP_KEYS(lan_keys),
    .mark = offsetof(hp_sc_lan, mark),
};

/* ---- NATs ---- */

static const hp_word behaviours[] = {
    {"endpoint-independent", HP_NAT_ENDPOINT_INDEPENDENT, "the same for every remote"},
    {"address-dependent", HP_NAT_ADDRESS_DEPENDENT, "depends on the remote address"},
    {"address-and-port-dependent", HP_NAT_ADDRESS_AND_PORT_DEPENDENT, "depends on the remote address and port"},
};
static const hp_words behaviour_words = HP_WORDS("a NAT behaviour (RFC 4787)", behaviours);
static const hp_word port_rules[] = {
    {"preserve", HP_NAT_PORTS_PRESERVE, "the internal port where it is free, else by `collision`"},
    {"sequential", HP_NAT_PORTS_SEQUENTIAL, "one after the other"},
    {"random", HP_NAT_PORTS_RANDOM, "any free one"},
};
static const hp_words port_words = HP_WORDS("a port assignment", port_rules);
static const hp_word collisions[] = {
    {"next", HP_NAT_COLLISION_NEXT, "the next free port upwards, wrapping"},
    {"random", HP_NAT_COLLISION_RANDOM, "any free port"},
    {"refuse", HP_NAT_COLLISION_REFUSE, "no mapping: the packet is dropped"},
};
static const hp_words collision_words = HP_WORDS("a collision rule", collisions);
static const hp_word poolings[] = {
    {"paired", HP_NAT_PAIRED, "one external address for all of an internal one's ports"},
    {"arbitrary", HP_NAT_ARBITRARY, "any external address for each mapping"},
};
static const hp_words pooling_words = HP_WORDS("an address pooling", poolings);
static const hp_word hairpins[] = {
    {"none", HP_NAT_HAIRPIN_NONE, "packets to its own external addresses are dropped"},
    {"internal-source", HP_NAT_HAIRPIN_INTERNAL_SOURCE, "they arrive with the sender's internal address"},
    {"external-source", HP_NAT_HAIRPIN_EXTERNAL_SOURCE, "they arrive with the sender's external address"},
};
static const hp_words hairpin_words = HP_WORDS("a hairpinning behaviour", hairpins);
static const hp_word refreshes[] = {
    {"outbound", HP_NAT_REFRESH_OUTBOUND, "by packets from inside"},
    {"inbound", HP_NAT_REFRESH_INBOUND, "by packets from outside"},
    {"both", HP_NAT_REFRESH_BOTH, "by either"},
};
static const hp_words refresh_words = HP_WORDS("a refresh direction", refreshes);
static const hp_word evictions[] = {
    {"refuse", HP_NAT_EVICT_REFUSE, "no new mapping"},
    {"oldest", HP_NAT_EVICT_OLDEST, "the oldest mapping goes"},
    {"least-recent", HP_NAT_EVICT_LEAST_RECENT, "the one unused for longest goes"},
};
static const hp_words eviction_words = HP_WORDS("an eviction rule", evictions);
static const hp_word unsolicited_rules[] = {
    {"drop", HP_NAT_UNSOLICITED_DROP, "silence"},
    {"icmp", HP_NAT_UNSOLICITED_ICMP, "an ICMP error"},
};
static const hp_words unsolicited_words = HP_WORDS("an answer to the unsolicited", unsolicited_rules);
static const hp_word fragment_rules[] = {
    {"out-of-order", HP_NAT_FRAGMENTS_OUT_OF_ORDER, "fragments that come before the first one are held for it"},
    {"in-order", HP_NAT_FRAGMENTS_IN_ORDER, "fragments that come before the first one are dropped"},
    {"drop", HP_NAT_FRAGMENTS_DROP, "all fragments are dropped"},
    {"reassemble", HP_NAT_FRAGMENTS_REASSEMBLE, "all are held until the datagram is whole, which is then cut anew"},
};
static const hp_words fragment_words = HP_WORDS("a fragment rule", fragment_rules);

static const hp_word ipv6_ways[] = {
    {"translate", HP_NAT_IPV6_TRANSLATE, "like IPv4, to external addresses and ports"},
    {"route", HP_NAT_IPV6_ROUTE, "as it is: the NAT is a router for it, and filters nothing"},
    {"prefix", HP_NAT_IPV6_PREFIX, "the prefix is replaced, and nothing filtered (NPTv6, RFC 6296)"},
};
static const hp_words ipv6_words = HP_WORDS("a way with IPv6", ipv6_ways);

static bool preset_at(unsigned i, hp_word *ret)
{
    size_t n;
    const hp_nat_preset *presets = hp_nat_presets(&n);
    if (i >= n) {
        return false;
    }
    *ret = (hp_word){presets[i].name, i, presets[i].about};
    return true;
}
const hp_words hp_words_preset = {.what = "a NAT preset", .at = preset_at};

#define F(field) HP_FIELD(hp_nat_config, field)
static const hp_key knob_keys[] = {
    {"mapping", HP_V_ENUM, F(mapping), .words = &behaviour_words,
     .doc = "which flows share an external port (RFC 4787 section 4.1)"},
    {"filtering", HP_V_ENUM, F(filtering), .words = &behaviour_words,
     .doc = "whose packets may come in (RFC 4787 section 5)"},
    {"ports", HP_V_ENUM, F(ports), .words = &port_words, .doc = "how an external port is chosen"},
    {"overload", HP_V_BOOL, F(overload),
     .doc = "mappings to different remotes may share one external address and port (RFC 4787 REQ-3)"},
    {"port-parity", HP_V_BOOL, F(port_parity), .doc = "even ports stay even, odd ones odd (RFC 4787 REQ-4)"},
    {"port-contiguity", HP_V_BOOL, F(port_contiguity), .doc = "neighbouring ports stay neighbours where they can"},
    {"well-known-apart", HP_V_BOOL, F(well_known_apart), .doc = "ports 0-1023 map to 0-1023, the others to the others"},
    {"collision", HP_V_ENUM, F(collision), .words = &collision_words, .doc = "when the port to be preserved is taken"},
    {"port-range", HP_V_PORTS, F(port_range), .shown = "1024..65535", .doc = "external ports"},
    {"port-block", HP_V_INT, F(port_block), .max = 65535,
     .doc = "every inside host gets blocks of this many ports, as carrier-grade NATs do; 0: no blocks"},
    {"port-blocks-per-host", HP_V_INT, F(port_blocks_per_host), .max = 65535, .shown = "1",
     .doc = "how many blocks a host may have"},
    {"pool", HP_V_INT, F(pool), .min = 1, .max = 256, .shown = "1", .doc = "external addresses of each family"},
    {"pooling", HP_V_ENUM, F(pooling), .words = &pooling_words, .doc = "which of them a flow gets (RFC 4787 REQ-2)"},
    {"hairpin", HP_V_ENUM, F(hairpin), .words = &hairpin_words,
     .doc = "packets from inside to an external address of the same NAT (RFC 4787 section 6)"},
    {"hairpin-filtered", HP_V_BOOL, F(hairpin_filtered), .doc = "the filtering rule also holds for hairpinned packets"},
    {"hairpin-drops-first", HP_V_BOOL, F(hairpin_drops_first),
     .doc = "a packet that makes its own outbound mapping is not hairpinned"},
    {"udp-timeout", HP_V_DURATION, F(udp_timeout), .shown = "2m",
     .doc = "life of an idle UDP mapping (RFC 4787 REQ-5: at least two minutes)"},
    {"udp-unreplied-timeout", HP_V_DURATION, F(udp_unreplied_timeout), .shown = "as udp-timeout",
     .doc = "the same until the first answer"},
    {"udp-well-known-timeout", HP_V_DURATION, F(udp_well_known_timeout), .shown = "as udp-timeout",
     .doc = "the same for destination ports 0-1023"},
    {"icmp-timeout", HP_V_DURATION, F(icmp_timeout), .shown = "1m", .doc = "life of an idle ping's mapping"},
    {"refresh", HP_V_ENUM, F(refresh), .words = &refresh_words, .doc = "what keeps a mapping alive (RFC 4787 REQ-6)"},
    {"max-lifetime", HP_V_DURATION, F(max_lifetime), .shown = "none", .doc = "a mapping ends then, traffic or not"},
    {"max-mappings", HP_V_INT, F(max_mappings), .max = UINT32_MAX, .shown = "no limit", .doc = "mappings in all"},
    {"max-mappings-per-host", HP_V_INT, F(max_mappings_per_host), .max = UINT32_MAX, .shown = "no limit",
     .doc = "mappings of one inside host"},
    {"max-sessions-per-mapping", HP_V_INT, F(max_sessions_per_mapping), .max = UINT32_MAX, .shown = "65536",
     .doc = "remotes that one mapping remembers"},
    {"eviction", HP_V_ENUM, F(eviction), .words = &eviction_words, .doc = "when a limit is reached"},
    {"inbound-first", HP_V_BOOL, F(inbound_first),
     .doc = "an unsolicited packet to the NAT's own address makes state, and a later outbound flow that needs the same "
            "port gets another one, as with netfilter"},
    {"unsolicited", HP_V_ENUM, F(unsolicited), .words = &unsolicited_words,
     .doc = "what a filtered packet is answered"},
    {"icmp-errors", HP_V_BOOL, F(icmp_errors), .doc = "ICMP errors are translated and passed in (RFC 5508 REQ-4)"},
    {"icmp-error-ends-mapping", HP_V_BOOL, F(icmp_error_ends_mapping),
     .doc = "an ICMP error ends the mapping, which RFC 4787 REQ-12 forbids"},
    {"fragments", HP_V_ENUM, F(fragments), .words = &fragment_words, .doc = "fragments (RFC 4787 section 11)"},
    {"block-udp", HP_V_BOOL, F(block_udp), .doc = "no UDP passes outwards"},
    {"blocked", HP_V_PORTS_LIST, F(blocked), HP_COUNT(hp_nat_config, n_blocked), .shown = "none",
     .doc = "destination ports that do not pass outwards"},
    {"answers-blocked", HP_V_BOOL, F(answers_blocked),
     .doc = "blocked packets get ICMP administratively prohibited instead of silence"},
    {"alg", HP_V_FLAGS, .offset = offsetof(hp_nat_config, alg), .size = sizeof(hp_nat_alg), .words = &hp_words_alg,
     .shown = "none",
     .doc = "an application-level gateway: addresses in payloads are translated as those in headers (RFC 4787 REQ-10 "
            "wants none)"},
    {"answers-ping", HP_V_BOOL, F(answers_ping), .doc = "its outside address answers echo requests"},
    {.type = HP_V_INCLUDE, .sub = &hp_schema_protocol_knobs},
};
#undef F

void hp_loader_start_knobs(hp_loader *l, void *base, const void *parent, const hp_tree *node)
{
    *(hp_nat_config *)base = hp_nat_config_default();
}

const hp_schema hp_schema_knobs = {
    .name = "knobs",
    .doc = "What a NAT does. The defaults are those of a NAT without a preset; a preset has its own.",
    .size = sizeof(hp_nat_config),
    HP_KEYS(knob_keys),
    .start = hp_loader_start_knobs,
};

#define F(field) HP_FIELD(hp_sc_nat, field)
static const hp_key nat_keys[] = {
    {"preset", HP_V_PRESET, F(preset), HP_COUNT(hp_sc_nat, config), .words = &hp_words_preset, .shown = "none",
     .doc = "a named set of knobs to start from"},
    {"behind", HP_V_NAME, F(behind), .ref = HP_REF_ZONE, .fallback = "internet",
     .doc = "the network its outside is in"},
    {"link", HP_V_MAP, F(link), .sub = &hp_schema_link_pair, .doc = "its access link to that network"},
    {"lan", HP_V_MAP, F(lan), .sub = &hp_schema_link, .fallback = "delay: 500us", .doc = "the network inside"},
    {"firewall", HP_V_MAP, F(firewall), .sub = &hp_schema_firewall, .shown = "the preset's",
     .doc = "a firewall between the network inside and the NAT; it sees inside addresses"},
    {"families", HP_V_FAMILIES, F(family), .fallback = "ipv4", .doc = "address families, inside and translated"},
    {"inside4", HP_V_PREFIX, F(inside4), .min = HP_AF_IPV4, .shown = "chosen", .doc = "the IPv4 network inside"},
    {"inside6", HP_V_PREFIX, F(inside6), .min = HP_AF_IPV6, .shown = "chosen", .doc = "the IPv6 network inside"},
    {"ipv6", HP_V_ENUM, F(config.ipv6), .words = &ipv6_words, .shown = "translate",
     .doc = "what happens to IPv6 that is not for `nat64-prefix`"},
    {"outside6", HP_V_PREFIX, F(outside6), .min = HP_AF_IPV6, .shown = "chosen",
     .doc = "with `ipv6: prefix`, the prefix that the inside has outside; it may be as long as `inside6`, 64 bits at "
            "most"},
    {"nat64", HP_V_BOOL, F(config.nat64), .shown = "false",
     .doc = "IPv6 hosts inside reach IPv4 outside by addresses of `nat64-prefix` (RFC 6146); `families` then need not "
            "have ipv4"},
    {"nat64-prefix", HP_V_PREFIX, F(config.nat64_prefix), .min = HP_AF_IPV6, .shown = "64:ff9b::/96",
     .doc = "what stands before an IPv4 address there: 32, 40, 48, 56, 64 or 96 bits (RFC 6052)"},
    {"addresses", HP_V_ADDRESSES, F(addresses), HP_COUNT(hp_sc_nat, n_addresses), .shown = "chosen, as many as `pool`",
     .doc = "its external addresses"},
    {"port-mapping", HP_V_MAP, F(port_mapping), .sub = &hp_schema_port_mapping, .shown = "none",
     .doc = "the protocols by which its hosts may ask it for ports, and how it answers"},
    {"kernel", HP_V_ENUM, F(kernel), .words = &hp_words_kernel_nat, .shown = "no, a simulated one",
     .doc =
         "a kernel's netfilter translates, in a namespace of its own, and of the knobs `udp-timeout`, "
         "`udp-unreplied-timeout`, `icmp-timeout` and `ipv6` (translated or routed) alone hold; `preset` may be "
         "`linux-netfilter` (which it is without one), `linux-netfilter-firewalled` (what comes for the router itself "
         "is dropped) or, with a random kind, `linux-netfilter-random` (likewise); live world only"},
    {.type = HP_V_INCLUDE, .sub = &hp_schema_knobs, F(config)},
};
#undef F

/* The firewall of a preset is what `firewall` starts from. */
static void start_nat(hp_loader *l, void *base, const void *parent, const hp_tree *node)
{
    hp_sc_nat *nat = base;
    const hp_tree *name = node->kind == HP_NODE_SCALAR ? node : hp_tree_get(node, "preset");
    const hp_nat_preset *preset = name != NULL && name->kind == HP_NODE_SCALAR ? hp_nat_preset_find(name->text) : NULL;

    nat->config = hp_nat_config_default();
    hp_loader_start_kernel_nat(nat, node);
    if (preset != NULL && preset->firewall != NULL) {
        hp_loader_firewall_preset(l, preset->firewall, &nat->firewall);
    }
}

static void finish_nat(hp_loader *l, void *base, const hp_tree *node)
{
    hp_sc_nat *nat = base;
    const hp_nat_config *config = &nat->config;
    const hp_tree *outside6 = hp_tree_get(node, "outside6"), *port_mapping = hp_tree_get(node, "port-mapping");

    if (port_mapping != NULL) {
        nat->port_mapping_mark = hp_loader_mark(l, port_mapping);
    }
    hp_loader_finish_kernel_nat(l, nat, node);
    if (config->nat64_prefix.base.family != HP_AF_NONE && !hp_dns64_prefix_valid(&config->nat64_prefix)) {
        hp_loader_error(l, hp_tree_get(node, "nat64-prefix"), "for example 64:ff9b::/96",
                        "`nat64-prefix` must have 32, 40, 48, 56, 64 or 96 bits, and bits 64 to 71 zero (RFC 6052)");
    }
    if (outside6 != NULL && config->ipv6 != HP_NAT_IPV6_PREFIX) {
        hp_loader_error(l, outside6, "add `ipv6: prefix`", "nothing replaces the inside's prefix by `outside6`");
    }
    if (config->ipv6 == HP_NAT_IPV6_PREFIX && (nat->inside6.bits > 64 || nat->outside6.bits > 64)) {
        hp_loader_error(l, node, NULL, "a prefix that is replaced has 64 bits at most (RFC 6296)");
    }
    /* A preset may say it too, which costs nothing where only IPv4 is used. */
    if (hp_tree_get(node, "ipv6") != NULL && !nat->family.ipv6) {
        hp_loader_error(l, hp_tree_get(node, "ipv6"), "add `families: [ipv4, ipv6]`",
                        "`ipv6` is for a NAT that has ipv6 among its families");
    }
    if (config->nat64 && !nat->family.ipv6) {
        hp_loader_error(l, node, "add `families: [ipv6]`", "`nat64` is for a NAT that has ipv6 among its families");
    }
}

const hp_schema hp_schema_nat = {
    .name = "nat",
    .doc = "A NAT. The name of a preset alone will do.",
    .size = sizeof(hp_sc_nat),
    HP_KEYS(nat_keys),
    .mark = offsetof(hp_sc_nat, mark),
    .shorthand = "preset",
    .start = start_nat,
    .finish = finish_nat,
};

/* ---- the whole ---- */

/* `behind: {home: cgn}` is another way to write `nats: {home: {behind: cgn}}`. */
static void finish_network(hp_loader *l, void *base, const hp_tree *node)
{
    hp_root *root = base;
    const hp_tree *behind = hp_tree_get(node, "behind"), *nats = hp_tree_get(node, "nats");

    for (unsigned i = 0; i < root->behind.n; i++) {
        const hp_tree *inner = hp_tree_get(nats, root->behind.nats[i]);
        if (hp_tree_get(inner, "behind") != NULL) {
            hp_loader_error(l, hp_tree_get(behind, root->behind.nats[i]), NULL,
                            "NAT `%s` says itself what it is behind", root->behind.nats[i]);
        }
        for (unsigned j = 0; j < root->scenario.n_nats; j++) {
            if (strcmp(root->scenario.nats[j].name, root->behind.nats[i]) == 0) {
                root->scenario.nats[j].behind = root->behind.zones[i];
            }
        }
    }
}

#define F(field) HP_FIELD(hp_root, field)
static const hp_key network_keys[] = {
    {"internet", HP_V_MAP, F(scenario.internet), .sub = &hp_schema_link, .fallback = "delay: 20ms",
     .doc = "what every packet that crosses the Internet passes, once"},
    {"lans", HP_V_BY_NAME, F(scenario.lans), HP_COUNT(hp_root, scenario.n_lans), .sub = &hp_schema_lan,
     .doc = "plain networks"},
    {"nats", HP_V_BY_NAME, F(scenario.nats), HP_COUNT(hp_root, scenario.n_nats), .sub = &hp_schema_nat,
     .doc = "NATs; each has a network inside, which bears its name"},
    {"firewalls", HP_V_BY_NAME, F(scenario.firewalls), HP_COUNT(hp_root, scenario.n_firewalls),
     .sub = &hp_schema_firewall_zone, .doc = "firewalls with a network inside, which bears their name"},
    {"behind", HP_V_BEHIND, F(behind), .doc = "which network a NAT's outside is in: `{home: cgn}`"},
};
#undef F
const hp_schema hp_schema_network = {
    .name = "network",
    .doc = "What lies between the peers.",
    .size = sizeof(hp_root),
    HP_KEYS(network_keys),
    .finish = finish_network,
};
