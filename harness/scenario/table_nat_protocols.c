/* The schema of the NAT knobs that TCP and ICMP have of their own, and of what a carrier's NAT has beside blocks.
 *
 * A part of the knobs (table_network.c), and so of a NAT and of `set-nat`: a preset is applied before any knob is read,
 * whichever of the two tables the knob stands in. Where `as-udp` is a word, it is the default and stands for what the
 * knob of the same name without the protocol says, at the time of the packet: `set-nat: {nat: home, mapping: ...}` also
 * changes how TCP is mapped, if `tcp-mapping` is `as-udp`. A time that is not given, or 0, is the one shown as its
 * default. The words are RFC 5382's, RFC 5508's and RFC 7857's for what RFC 4787 says of UDP. */
#include <assert.h>

#include "config/nat.h"
#include "scenario/loader.h"

/* ---- words ---- */

/* The last one is TCP's filtering only. */
static const hp_word own_behaviours[] = {
    {"as-udp", HP_NAT_BEHAVIOUR_AS_UDP, "as UDP has it"},
    {"endpoint-independent", HP_NAT_OWN_ENDPOINT_INDEPENDENT, "the same for every remote"},
    {"address-dependent", HP_NAT_OWN_ADDRESS_DEPENDENT, "depends on the remote address"},
    {"address-and-port-dependent", HP_NAT_OWN_ADDRESS_AND_PORT_DEPENDENT, "depends on the remote address and port"},
    {"connection-dependent", HP_NAT_OWN_CONNECTION_DEPENDENT,
     "no connection is opened from outside, not even by a remote that was connected to; a simultaneous open is"},
};
static_assert(G_N_ELEMENTS(own_behaviours) == HP_NAT_OWN_CONNECTION_DEPENDENT + 1, "one word a behaviour");
static const hp_words own_behaviour_words = {
    .what = "a protocol's own NAT behaviour", .list = own_behaviours, .n = G_N_ELEMENTS(own_behaviours) - 1};
static const hp_words tcp_filtering_words = HP_WORDS("a filtering of TCP (RFC 5382)", own_behaviours);

static const hp_word own_ports[] = {
    {"as-udp", HP_NAT_PORTS_AS_UDP, "as UDP has it"},
    {"preserve", HP_NAT_OWN_PORTS_PRESERVE, "the internal one where it is free, else by `collision`"},
    {"sequential", HP_NAT_OWN_PORTS_SEQUENTIAL, "one after the other"},
    {"random", HP_NAT_OWN_PORTS_RANDOM, "any free one"},
};
static_assert(G_N_ELEMENTS(own_ports) == HP_NAT_OWN_PORTS_RANDOM + 1, "one word a rule");
static const hp_words own_port_words = HP_WORDS("a protocol's own port assignment", own_ports);

static const hp_word own_hairpins[] = {
    {"as-udp", HP_NAT_HAIRPIN_AS_UDP, "as UDP has it"},
    {"none", HP_NAT_OWN_HAIRPIN_NONE, "segments to its own external addresses are dropped"},
    {"internal-source", HP_NAT_OWN_HAIRPIN_INTERNAL_SOURCE, "they arrive with the sender's internal address"},
    {"external-source", HP_NAT_OWN_HAIRPIN_EXTERNAL_SOURCE, "they arrive with the sender's external address"},
};
static_assert(G_N_ELEMENTS(own_hairpins) == HP_NAT_OWN_HAIRPIN_EXTERNAL_SOURCE + 1, "one word a behaviour");
static const hp_words own_hairpin_words = HP_WORDS("a hairpinning behaviour for TCP", own_hairpins);

static const hp_word own_choices[] = {
    {"as-udp", HP_NAT_CHOICE_AS_UDP, "as UDP has it"},
    {"no", HP_NAT_CHOICE_NO, "not for TCP"},
    {"yes", HP_NAT_CHOICE_YES, "for TCP"},
};
static_assert(G_N_ELEMENTS(own_choices) == HP_NAT_CHOICE_YES + 1, "one word a choice");
static const hp_words own_choice_words = HP_WORDS("a choice for TCP", own_choices);

static const hp_word syn_answers[] = {
    {"as-udp", HP_NAT_SYN_AS_UDP, "`unsolicited` decides"},
    {"drop", HP_NAT_SYN_DROP, "silence"},
    {"hold", HP_NAT_SYN_HOLD,
     "nothing for `tcp-hold-timeout`, then an ICMP error; not even that if an outbound SYN for the same connection "
     "comes meanwhile (RFC 5382 REQ-4)"},
    {"rst", HP_NAT_SYN_RST, "a RST at once"},
    {"icmp", HP_NAT_SYN_ICMP, "an ICMP error at once"},
};
static_assert(G_N_ELEMENTS(syn_answers) == HP_NAT_SYN_ICMP + 1, "one word an answer");
static const hp_words syn_words = HP_WORDS("an answer to a SYN that may not come in", syn_answers);

static const hp_word stray_rules[] = {
    {"drop", HP_NAT_STRAY_DROP, "silence"},
    {"rst", HP_NAT_STRAY_RST, "a RST to its sender"},
    {"pick-up", HP_NAT_STRAY_PICK_UP,
     "an ACK is believed to be of a connection under way, as with netfilter; from outside only where a SYN could come "
     "in. Others are dropped"},
};
static_assert(G_N_ELEMENTS(stray_rules) == HP_NAT_STRAY_PICK_UP + 1, "one word a rule");
static const hp_words stray_words = HP_WORDS("a rule for stray segments", stray_rules);

static const hp_word rst_effects[] = {
    {"transitory", HP_NAT_RST_TRANSITORY,
     "the connection ends after `tcp-reset-timeout`, unless something but a RST passes before"},
    {"remove", HP_NAT_RST_REMOVE, "it ends at once"},
    {"ignore", HP_NAT_RST_IGNORE, "it goes on"},
};
static_assert(G_N_ELEMENTS(rst_effects) == HP_NAT_RST_IGNORE + 1, "one word an effect");
static const hp_words rst_words = HP_WORDS("an effect of a RST", rst_effects);

static const hp_word tcp_refreshes[] = {
    {"both", HP_NAT_TCP_REFRESH_BOTH, "by either"},
    {"outbound", HP_NAT_TCP_REFRESH_OUTBOUND, "by segments from inside"},
    {"inbound", HP_NAT_TCP_REFRESH_INBOUND, "by segments from outside"},
};
static_assert(G_N_ELEMENTS(tcp_refreshes) == HP_NAT_TCP_REFRESH_INBOUND + 1, "one word a direction");
static const hp_words tcp_refresh_words = HP_WORDS("a refresh direction of TCP", tcp_refreshes);

static const hp_word block_rules[] = {
    {"preferred", HP_NAT_BLOCKS_PREFERRED,
     "each host's own by its address, the next free one when that is taken; kept until another host needs it"},
    {"deterministic", HP_NAT_BLOCKS_DETERMINISTIC, "one by the host's address, and never another (RFC 7422)"},
    {"dynamic", HP_NAT_BLOCKS_DYNAMIC, "the lowest free one at a host's first mapping, given back after its last"},
};
static_assert(G_N_ELEMENTS(block_rules) == HP_NAT_BLOCKS_DYNAMIC + 1, "one word a rule");
static const hp_words block_words = HP_WORDS("a way to give out port blocks", block_rules);

/* ---- knobs ---- */

#define F(field) HP_FIELD(hp_nat_config, field)
static const hp_key protocol_knob_keys[] = {
    {"port-blocks", HP_V_ENUM, F(port_blocks), .words = &block_words,
     .doc = "which block a host gets, where `port-block` makes them (RFC 6888 REQ-14)"},
    {"port-quarantine", HP_V_DURATION, F(port_quarantine), .shown = "none",
     .doc = "how long a port that was given up is nobody's (RFC 6888 REQ-8)"},
    {"port-quarantine-tcp", HP_V_BOOL, F(port_quarantine_tcp),
     .doc = "TCP's ports wait too, which RFC 6888 REQ-8a exempts where connections are tracked"},
    {"port-quarantine-max", HP_V_INT, F(port_quarantine_max), .max = UINT32_MAX, .shown = "no limit",
     .doc = "ports that wait; beyond that the one that has waited longest is free"},
    {"max-udp-per-host", HP_V_INT, F(max_udp_per_host), .max = UINT32_MAX, .shown = "no limit",
     .doc = "UDP mappings of one inside host (RFC 6888 REQ-4b)"},
    {"max-tcp-per-host", HP_V_INT, F(max_tcp_per_host), .max = UINT32_MAX, .shown = "no limit",
     .doc = "the same for TCP"},
    {"max-icmp-per-host", HP_V_INT, F(max_icmp_per_host), .max = UINT32_MAX, .shown = "no limit",
     .doc = "the same for pings"},

    {"icmp-mapping", HP_V_ENUM, F(icmp_mapping), .words = &own_behaviour_words,
     .doc = "which pings of an inside host share an external id (RFC 5508 REQ-1a)"},
    {"icmp-filtering", HP_V_ENUM, F(icmp_filtering), .words = &own_behaviour_words,
     .doc = "whose answers to a ping may come in"},
    {"icmp-ports", HP_V_ENUM, F(icmp_ports), .words = &own_port_words, .doc = "how a ping's external id is chosen"},
    {"icmp-unreachable-ends-mapping", HP_V_BOOL, F(icmp_unreachable_ends_mapping),
     .doc = "port unreachable ends the mapping, other ICMP errors do not; RFC 4787 REQ-12 forbids either"},
    {"icmp-inner-untranslated", HP_V_BOOL, F(icmp_inner_untranslated),
     .doc = "the packet that an ICMP error quotes is not translated, against RFC 5508 REQ-4 and REQ-5"},

    {"block-tcp", HP_V_BOOL, F(block_tcp), .doc = "no TCP passes outwards"},
    {"tcp-mapping", HP_V_ENUM, F(tcp_mapping), .words = &own_behaviour_words,
     .doc = "which connections share an external port (RFC 5382 REQ-1)"},
    {"tcp-filtering", HP_V_ENUM, F(tcp_filtering), .words = &tcp_filtering_words,
     .doc = "who may open a connection from outside (RFC 5382 REQ-3)"},
    {"tcp-ports", HP_V_ENUM, F(tcp_ports), .words = &own_port_words,
     .doc = "how a connection's external port is chosen"},
    {"tcp-overload", HP_V_ENUM, F(tcp_overload), .words = &own_choice_words,
     .doc = "`overload` for TCP, which RFC 5382 REQ-7 forbids and RFC 7857 section 3 allows with care"},
    {"tcp-port-parity", HP_V_ENUM, F(tcp_port_parity), .words = &own_choice_words, .doc = "`port-parity` for TCP"},
    {"tcp-hairpin", HP_V_ENUM, F(tcp_hairpin), .words = &own_hairpin_words,
     .doc = "connections from inside to an external address of the same NAT (RFC 5382 REQ-8)"},
    {"tcp-unsolicited-syn", HP_V_ENUM, F(tcp_unsolicited_syn), .words = &syn_words,
     .doc = "what a SYN gets that no mapping or no filter lets in (RFC 5382 REQ-4)"},
    {"tcp-hold-timeout", HP_V_DURATION, F(tcp_hold_timeout), .shown = "6s", .doc = "how long `hold` waits"},
    {"tcp-stray", HP_V_ENUM, F(tcp_stray), .words = &stray_words,
     .doc = "what a segment gets that is no SYN and of no connection the NAT knows"},
    {"tcp-rst", HP_V_ENUM, F(tcp_rst), .words = &rst_words,
     .doc = "what a RST that passes does to its connection (RFC 7857 section 2.2)"},
    {"tcp-rst-unchecked", HP_V_BOOL, F(tcp_rst_unchecked),
     .doc = "a RST has its effect whatever its sequence number; otherwise only one that its receiver would accept has"},
    {"tcp-rst-unanswered-removes", HP_V_BOOL, F(tcp_rst_unanswered_removes),
     .doc = "a RST that is the first answer ends the connection at once, as with netfilter"},
    {"tcp-refresh", HP_V_ENUM, F(tcp_refresh), .words = &tcp_refresh_words, .doc = "what keeps a connection alive"},
    {"tcp-opening-timeout", HP_V_DURATION, F(tcp_opening_timeout), .shown = "4m",
     .doc = "life of an idle connection after a SYN from one side (RFC 5382 REQ-5)"},
    {"tcp-handshake-timeout", HP_V_DURATION, F(tcp_handshake_timeout), .shown = "as tcp-opening-timeout",
     .doc = "the same after SYNs from both sides, until an ACK"},
    {"tcp-picked-up-timeout", HP_V_DURATION, F(tcp_picked_up_timeout), .shown = "as tcp-opening-timeout",
     .doc = "the same for a connection that was picked up, until its other end is heard"},
    {"tcp-established-timeout", HP_V_DURATION, F(tcp_established_timeout), .shown = "2h4m",
     .doc = "the same while it is open (RFC 5382 REQ-5: at least 2 hours 4 minutes)"},
    {"tcp-fin-timeout", HP_V_DURATION, F(tcp_fin_timeout), .shown = "as tcp-established-timeout",
     .doc = "the same after a FIN from one side, until that is acknowledged"},
    {"tcp-half-closed-timeout", HP_V_DURATION, F(tcp_half_closed_timeout), .shown = "as tcp-fin-timeout",
     .doc = "the same once it is acknowledged"},
    {"tcp-closing-timeout", HP_V_DURATION, F(tcp_closing_timeout), .shown = "4m",
     .doc = "the same after FINs from both sides, until both are acknowledged"},
    {"tcp-time-wait-timeout", HP_V_DURATION, F(tcp_time_wait_timeout), .shown = "as tcp-closing-timeout",
     .doc = "the same once both are acknowledged"},
    {"tcp-reset-timeout", HP_V_DURATION, F(tcp_reset_timeout), .shown = "4m",
     .doc = "the same after a RST (RFC 7857 section 2.2)"},
};
#undef F

const hp_schema hp_schema_protocol_knobs = {
    .name = "protocol-knobs",
    .doc = "What a NAT does with TCP and with pings where that differs from UDP, and how it shares out its ports.",
    .size = sizeof(hp_nat_config),
    HP_KEYS(protocol_knob_keys),
    .start = hp_loader_start_knobs,
};
