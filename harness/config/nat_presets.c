/* NAT presets: named sets of knobs, each a complete configuration.
 *
 * Every preset starts from DEFAULTS (what hp_nat_config_default() gives) and says only what differs. `source` names
 * where the values come from. Three kinds of source are told apart on purpose: an RFC section; documented defaults of a
 * product, of which only those knobs are set that the documentation gives; and "chosen", for presets that stand for a
 * class of devices whose values vary, where a scenario needs one of them.
 *
 * A NAT that keeps the port of each flow where it can, per 5-tuple (netfilter), is declared as address and port
 * dependent with overloading: RFC 5780's mapping test sees an endpoint-independent NAT there until two flows want one
 * external tuple, which is the non-deterministic behaviour that RFC 4787 section 8 describes.
 *
 * Where a preset says nothing of TCP and of ICMP queries, they have UDP's behaviours and the timers of RFC 5382 and RFC
 * 7857: 2 hours 4 minutes, 4 minutes. A preset that is "chosen" for the shortness of its UDP timers has short TCP
 * timers chosen with them. */
#include "config/nat.h"

#include <glib.h>
#include <string.h>

#define DEFAULTS                                                                                                       \
    .mapping = HP_NAT_ENDPOINT_INDEPENDENT, .filtering = HP_NAT_ADDRESS_AND_PORT_DEPENDENT,                            \
    .ports = HP_NAT_PORTS_PRESERVE, .collision = HP_NAT_COLLISION_NEXT, .pooling = HP_NAT_PAIRED,                      \
    .hairpin = HP_NAT_HAIRPIN_NONE, .udp_timeout = 120 * HP_S, .icmp_timeout = 60 * HP_S,                              \
    .refresh = HP_NAT_REFRESH_OUTBOUND, .eviction = HP_NAT_EVICT_REFUSE, .unsolicited = HP_NAT_UNSOLICITED_DROP,       \
    .icmp_errors = true, .fragments = HP_NAT_FRAGMENTS_OUT_OF_ORDER

#define SYMMETRIC                                                                                                      \
    .mapping = HP_NAT_ADDRESS_AND_PORT_DEPENDENT, .filtering = HP_NAT_ADDRESS_AND_PORT_DEPENDENT,                      \
    .ports = HP_NAT_PORTS_SEQUENTIAL

/* Conntrack: a state for each 5-tuple, 30 s until answered, 120 s after (nf_conntrack_udp_timeout and _stream),
 * refreshed by both directions; ICMP 30 s. Well-known source ports stay below 1024. nf_defrag reassembles before NAT.
 * TCP (nf_conntrack_tcp_timeout_*): syn_sent 120, syn_recv 60, established 5 days, fin_wait 120, close_wait 60,
 * last_ack 30, time_wait 120, close 10, unacknowledged 300 for what nf_conntrack_tcp_loose picked up; a connection
 * whose SYN was answered by a RST alone is forgotten at once. */
#define NETFILTER                                                                                                      \
    .mapping = HP_NAT_ADDRESS_AND_PORT_DEPENDENT, .filtering = HP_NAT_ADDRESS_AND_PORT_DEPENDENT, .overload = true,    \
    .well_known_apart = true, .collision = HP_NAT_COLLISION_RANDOM, .udp_timeout = 120 * HP_S,                         \
    .udp_unreplied_timeout = 30 * HP_S, .icmp_timeout = 30 * HP_S, .refresh = HP_NAT_REFRESH_BOTH,                     \
    .fragments = HP_NAT_FRAGMENTS_REASSEMBLE, .tcp_stray = HP_NAT_STRAY_PICK_UP, .tcp_rst_unanswered_removes = true,   \
    .tcp_opening_timeout = 120 * HP_S, .tcp_handshake_timeout = 60 * HP_S, .tcp_picked_up_timeout = 300 * HP_S,        \
    .tcp_established_timeout = 5 * DAY, .tcp_fin_timeout = 120 * HP_S, .tcp_half_closed_timeout = 60 * HP_S,           \
    .tcp_closing_timeout = 30 * HP_S, .tcp_time_wait_timeout = 120 * HP_S, .tcp_reset_timeout = 10 * HP_S

/* pf.conf(5): udp.first 60 s, udp.multiple 60 s, icmp.first 20 s; a state for each 5-tuple; `set reassemble` is on.
 * TCP: tcp.first 120, tcp.opening 30, tcp.established one day, tcp.closing 900 (a FIN was seen), tcp.finwait 45 (both),
 * tcp.closed 90 (a RST was). Rules that pass keep state for flags S/SA only: what is no SYN finds none. */
#define PF                                                                                                             \
    .mapping = HP_NAT_ADDRESS_AND_PORT_DEPENDENT, .filtering = HP_NAT_ADDRESS_AND_PORT_DEPENDENT, .overload = true,    \
    .udp_timeout = 60 * HP_S, .icmp_timeout = 20 * HP_S, .refresh = HP_NAT_REFRESH_BOTH,                               \
    .fragments = HP_NAT_FRAGMENTS_REASSEMBLE, .tcp_opening_timeout = 120 * HP_S, .tcp_handshake_timeout = 30 * HP_S,   \
    .tcp_established_timeout = 1 * DAY, .tcp_fin_timeout = 900 * HP_S, .tcp_closing_timeout = 45 * HP_S,               \
    .tcp_reset_timeout = 90 * HP_S

/* Connection tracking again, with the defaults of RouterOS: UDP 10 s until answered, 3 min after; ICMP 10 s; TCP 5 s
 * until it is established, one day, and 10 s for every way of closing. */
#define ROUTEROS                                                                                                       \
    NETFILTER, .udp_timeout = 180 * HP_S, .udp_unreplied_timeout = 10 * HP_S, .icmp_timeout = 10 * HP_S,               \
               .tcp_opening_timeout = 5 * HP_S, .tcp_handshake_timeout = 5 * HP_S, .tcp_established_timeout = 1 * DAY, \
               .tcp_fin_timeout = 10 * HP_S, .tcp_half_closed_timeout = 10 * HP_S, .tcp_closing_timeout = 10 * HP_S,   \
               .tcp_time_wait_timeout = 10 * HP_S

/* libalias (ipfw nat, natd): a link for each flow, its own port where the tuple is free. alias_db.c: UDP and ICMP 60 s;
 * TCP 300 s until it is up, one day, 90 s after one side has closed, 10 s after both have or a RST came. */
#define LIBALIAS                                                                                                       \
    .mapping = HP_NAT_ADDRESS_AND_PORT_DEPENDENT, .overload = true, .collision = HP_NAT_COLLISION_RANDOM,              \
    .port_range = {1, 65535}, .udp_timeout = 60 * HP_S, .icmp_timeout = 60 * HP_S, .refresh = HP_NAT_REFRESH_BOTH,     \
    .tcp_opening_timeout = 300 * HP_S, .tcp_established_timeout = 1 * DAY, .tcp_fin_timeout = 90 * HP_S,               \
    .tcp_closing_timeout = 10 * HP_S, .tcp_reset_timeout = 10 * HP_S

/* The clouds' gateways: a port for each flow, at random, shared by flows to different destinations. */
#define CLOUD SYMMETRIC, .ports = HP_NAT_PORTS_RANDOM, .overload = true, .refresh = HP_NAT_REFRESH_BOTH

#define DAY (86400 * HP_S)

/* The macros set a knob again that DEFAULTS has set: the later one holds, as C says. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Woverride-init"
#ifdef __clang__
#pragma GCC diagnostic ignored "-Winitializer-overrides"
#endif

static const hp_port_range all_but_dns[] = {{1, 52}, {54, 65535}};
static const hp_port_range office_blocked[] = {{1, 52}, {54, 122}, {124, 442}, {444, 65535}};

/* The field is not const because a scenario owns its own ranges; nobody writes through it. */
#define BLOCKED(ranges) .blocked = (hp_port_range *)(ranges), .n_blocked = G_N_ELEMENTS(ranges)

static const hp_nat_config defaults = {DEFAULTS};

static const hp_nat_preset presets[] = {
    {
        .name = "full-cone",
        .about = "one external port for all destinations, and everybody may send to it",
        .source = "RFC 3489 section 5; RFC 4787: endpoint-independent mapping and filtering",
        .config = {DEFAULTS, .filtering = HP_NAT_ENDPOINT_INDEPENDENT},
    },
    {
        .name = "restricted-cone",
        .about = "one external port; only addresses that were sent to may send to it",
        .source = "RFC 3489 section 5; RFC 4787: endpoint-independent mapping, address-dependent filtering",
        .config = {DEFAULTS, .filtering = HP_NAT_ADDRESS_DEPENDENT},
    },
    {
        .name = "port-restricted-cone",
        .about = "one external port; only addresses and ports that were sent to may send to it",
        .source = "RFC 3489 section 5; RFC 4787: endpoint-independent mapping, address and port-dependent filtering",
        .config = {DEFAULTS},
    },
    {
        .name = "symmetric",
        .about = "another external port for each destination, one after the other",
        .source = "RFC 3489 section 5; RFC 4787: address and port-dependent mapping and filtering",
        .config = {DEFAULTS, SYMMETRIC},
    },
    {
        .name = "symmetric-random",
        .about = "another, unpredictable external port for each destination",
        .source = "RFC 3489 section 5; RFC 4787 section 4.2.1 (no port preservation)",
        .config = {DEFAULTS, SYMMETRIC, .ports = HP_NAT_PORTS_RANDOM},
    },
    {
        .name = "address-dependent",
        .about = "another external port for each destination address; its other ports may answer",
        .source = "RFC 4787 sections 4.1 and 5: address-dependent mapping and filtering",
        .config = {DEFAULTS, .mapping = HP_NAT_ADDRESS_DEPENDENT, .filtering = HP_NAT_ADDRESS_DEPENDENT,
                   .ports = HP_NAT_PORTS_SEQUENTIAL},
    },
    {
        .name = "rfc4787",
        .about = "fulfils every requirement of RFC 4787, the recommended ones too",
        .source =
            "RFC 4787 section 12: REQ-1 to REQ-14; five minutes (REQ-5c), endpoint-independent filtering (REQ-8); "
            "RFC 5382: REQ-1 to REQ-10, RFC 7857 section 2; RFC 5508: REQ-1 to REQ-7",
        .config = {DEFAULTS, .filtering = HP_NAT_ENDPOINT_INDEPENDENT, .port_parity = true, .well_known_apart = true,
                   .hairpin = HP_NAT_HAIRPIN_EXTERNAL_SOURCE, .udp_timeout = 300 * HP_S, .refresh = HP_NAT_REFRESH_BOTH,
                   .answers_ping = true, .tcp_unsolicited_syn = HP_NAT_SYN_HOLD},
    },
    {
        .name = "rfc4787-strict",
        .about = "as rfc4787, with the filtering that it recommends where security matters more",
        .source = "RFC 4787 section 12: REQ-8, address-dependent filtering; hairpinned packets are filtered too; "
                  "RFC 5382: REQ-3, the same for TCP",
        .config = {DEFAULTS, .filtering = HP_NAT_ADDRESS_DEPENDENT, .port_parity = true, .well_known_apart = true,
                   .hairpin = HP_NAT_HAIRPIN_EXTERNAL_SOURCE, .hairpin_filtered = true, .udp_timeout = 300 * HP_S,
                   .answers_ping = true, .tcp_unsolicited_syn = HP_NAT_SYN_HOLD},
    },
    {
        .name = "linux-netfilter",
        .about = "Linux masquerading on a router that accepts what is for itself: an early packet steals the port",
        .source = "Linux nf_nat and nf_conntrack defaults: nf_conntrack_udp_timeout 30, _stream 120, _icmp_timeout 30, "
                  "_tcp_timeout_established 432000; a SYN to the router itself meets no listener (RST)",
        .config = {DEFAULTS, NETFILTER, .inbound_first = true, .unsolicited = HP_NAT_UNSOLICITED_ICMP,
                   .answers_ping = true, .tcp_unsolicited_syn = HP_NAT_SYN_RST},
    },
    {
        .name = "linux-netfilter-firewalled",
        .about = "Linux masquerading whose firewall drops what is for itself: no state is left by early packets",
        .source = "Linux nf_conntrack defaults; a flow dropped in the INPUT chain is never confirmed",
        .config = {DEFAULTS, NETFILTER},
    },
    {
        .name = "linux-netfilter-random",
        .about = "Linux masquerading with --random-fully: symmetric",
        .source = "Linux nf_nat, NF_NAT_RANGE_PROTO_RANDOM_FULLY; nf_conntrack defaults",
        .config = {DEFAULTS, NETFILTER, .ports = HP_NAT_PORTS_RANDOM},
    },
    {
        .name = "openbsd-pf",
        .about = "OpenBSD pf: a random port from 50001 up for each flow, so symmetric",
        .source = "pf.conf(5): nat-to without static-port draws from 50001:65535; udp.first 60, udp.multiple 60, tcp.*",
        .config = {DEFAULTS, PF, .ports = HP_NAT_PORTS_RANDOM, .port_range = {50001, 65535}},
    },
    {
        .name = "pf-static-port",
        .about = "pf with static-port: each flow keeps its port, or is refused when another has the tuple",
        .source = "pf.conf(5): static-port; udp.first 60, udp.multiple 60, tcp.*",
        .config = {DEFAULTS, PF, .port_range = {1, 65535}, .collision = HP_NAT_COLLISION_REFUSE},
    },
    {
        .name = "cgn-rfc6888",
        .about = "a carrier's NAT as it should be: transparent, a block of ports and a limit for each subscriber",
        .source =
            "RFC 6888: REQ-1 (RFC 4787, RFC 5382), REQ-2 paired, REQ-4 limits, REQ-7 filtering, REQ-8 quarantine with "
            "TCP exempt (REQ-8a), REQ-11, REQ-14 and 15",
        .config = {DEFAULTS, .filtering = HP_NAT_ENDPOINT_INDEPENDENT, .ports = HP_NAT_PORTS_RANDOM, .port_block = 1024,
                   .port_blocks_per_host = 2, .pool = 2, .hairpin = HP_NAT_HAIRPIN_EXTERNAL_SOURCE,
                   .udp_timeout = 300 * HP_S, .max_mappings_per_host = 2048, .answers_blocked = true,
                   .answers_ping = true, .port_quarantine = 120 * HP_S, .tcp_unsolicited_syn = HP_NAT_SYN_HOLD},
    },
    {
        .name = "cgn-strict",
        .about = "a carrier's NAT that helps nobody: symmetric, few ports a subscriber, any address of its pool",
        .source = "RFC 6888 section 3, the opposite of REQ-2 and REQ-7; RFC 5382, of REQ-1, REQ-3 and REQ-5; limit and "
                  "timeouts chosen",
        .config = {DEFAULTS, SYMMETRIC, .ports = HP_NAT_PORTS_RANDOM, .pool = 4, .pooling = HP_NAT_ARBITRARY,
                   .udp_timeout = 30 * HP_S, .max_mappings_per_host = 128, .tcp_opening_timeout = 30 * HP_S,
                   .tcp_established_timeout = 1800 * HP_S, .tcp_closing_timeout = 30 * HP_S,
                   .tcp_rst = HP_NAT_RST_REMOVE, .tcp_filtering = HP_NAT_OWN_CONNECTION_DEPENDENT},
    },
    {
        .name = "mobile-carrier",
        .about = "a mobile network: symmetric, and silence of half a minute closes the port",
        .source =
            "chosen: timers far below RFC 4787 REQ-5 and RFC 5382 REQ-5, against which applications send keepalives",
        .config = {DEFAULTS, SYMMETRIC, .ports = HP_NAT_PORTS_RANDOM, .udp_timeout = 30 * HP_S,
                   .tcp_opening_timeout = 30 * HP_S, .tcp_established_timeout = 900 * HP_S,
                   .tcp_closing_timeout = 30 * HP_S, .tcp_rst = HP_NAT_RST_REMOVE},
    },
    {
        .name = "ipv6-only-mobile",
        .about = "a mobile network whose phones have IPv6 alone: routed, and IPv4 by NAT64",
        .source = "RFC 6146: endpoint-independent mapping, address-dependent filtering (one of its two), UDP 5 min, an "
                  "unsolicited SYN waits 6 s; RFC 6877 describes the network",
        .config = {DEFAULTS, .filtering = HP_NAT_ADDRESS_DEPENDENT, .ports = HP_NAT_PORTS_RANDOM,
                   .ipv6 = HP_NAT_IPV6_ROUTE, .nat64 = true, .hairpin = HP_NAT_HAIRPIN_EXTERNAL_SOURCE,
                   .udp_timeout = 300 * HP_S, .answers_ping = true, .tcp_unsolicited_syn = HP_NAT_SYN_HOLD},
    },
    {
        .name = "no-hairpin-home",
        .about = "a home router that two peers behind it cannot meet at",
        .source = "RFC 4787 section 6, the opposite of REQ-9; two minutes (REQ-5)",
        .config = {DEFAULTS, .refresh = HP_NAT_REFRESH_BOTH, .answers_ping = true},
    },
    {
        .name = "hairpin-home",
        .about = "a home router that hairpins with the external source, filtered like anything from outside",
        .source = "RFC 4787 section 6, REQ-9a",
        .config = {DEFAULTS, .hairpin = HP_NAT_HAIRPIN_EXTERNAL_SOURCE, .hairpin_filtered = true,
                   .refresh = HP_NAT_REFRESH_BOTH, .answers_ping = true},
    },
    {
        .name = "hairpin-internal-source",
        .about = "a home router that hairpins but shows the internal source",
        .source = "RFC 4787 section 6: internal source IP address and port, against REQ-9a",
        .config = {DEFAULTS, .hairpin = HP_NAT_HAIRPIN_INTERNAL_SOURCE, .refresh = HP_NAT_REFRESH_BOTH},
    },
    {
        .name = "udp-blocking-office",
        .about = "an office that lets no UDP out, and says so",
        .source = "RFC 8445 section 2.1 and RFC 8656 section 2.1 name the case; answers chosen",
        .config = {DEFAULTS, .block_udp = true, .answers_blocked = true},
    },
    {
        .name = "office",
        .about = "an office that lets UDP out to DNS, NTP and port 443 only, in silence",
        .source = "chosen: the usual exceptions; TURN on port 443 is the way out",
        .config = {DEFAULTS, SYMMETRIC, .ports = HP_NAT_PORTS_RANDOM, .udp_timeout = 60 * HP_S,
                   BLOCKED(office_blocked)},
    },
    {
        .name = "hotel",
        .about = "a guest network: symmetric, short timers, a few flows a guest; DNS flows end even sooner",
        .source = "chosen; RFC 4787 REQ-5a allows shorter timers for well-known ports only",
        .config = {DEFAULTS, SYMMETRIC, .udp_timeout = 30 * HP_S, .udp_well_known_timeout = 10 * HP_S,
                   .max_mappings_per_host = 64, .eviction = HP_NAT_EVICT_LEAST_RECENT,
                   .tcp_established_timeout = 600 * HP_S, .tcp_opening_timeout = 30 * HP_S,
                   .tcp_closing_timeout = 10 * HP_S, .tcp_rst = HP_NAT_RST_REMOVE},
    },
    {
        .name = "captive-portal",
        .about = "a guest network before login: nothing but DNS",
        .source = "chosen",
        .config = {DEFAULTS, .udp_timeout = 30 * HP_S, BLOCKED(all_but_dns), .answers_blocked = true},
    },
    {
        .name = "console-open",
        .about = "what game consoles call an open NAT",
        .source = "chosen: endpoint-independent mapping and filtering, hairpinning",
        .config = {DEFAULTS, .filtering = HP_NAT_ENDPOINT_INDEPENDENT, .hairpin = HP_NAT_HAIRPIN_EXTERNAL_SOURCE,
                   .refresh = HP_NAT_REFRESH_BOTH},
    },
    {
        .name = "console-moderate",
        .about = "what game consoles call a moderate NAT",
        .source = "chosen: endpoint-independent mapping, address and port-dependent filtering",
        .config = {DEFAULTS, .refresh = HP_NAT_REFRESH_BOTH},
    },
    {
        .name = "console-strict",
        .about = "what game consoles call a strict NAT",
        .source = "chosen: address and port-dependent mapping and filtering",
        .config = {DEFAULTS, SYMMETRIC, .ports = HP_NAT_PORTS_RANDOM},
    },
    {
        .name = "small-table",
        .about = "a cheap router with room for 256 mappings: the oldest gives way",
        .source = "chosen; RFC 6888 REQ-5 speaks of limits",
        .config = {DEFAULTS, .max_mappings = 256, .eviction = HP_NAT_EVICT_OLDEST},
    },
    {
        .name = "icmp-fragile",
        .about = "an ICMP error ends the mapping it speaks of",
        .source = "RFC 4787 section 9, the opposite of REQ-12; RFC 5382, of REQ-10",
        .config = {DEFAULTS, .icmp_error_ends_mapping = true},
    },
    {
        .name = "mikrotik-routeros",
        .about = "MikroTik masquerading: Linux underneath, timers of its own",
        .source = "RouterOS manual, IP/Firewall/Connection tracking: udp-timeout 10s, udp-stream-timeout 3m, icmp 10s, "
                  "tcp-syn-* 5s, tcp-established 1d, others 10s; loose tracking is on",
        .config = {DEFAULTS, ROUTEROS},
    },
    {
        .name = "freebsd-libalias",
        .about = "FreeBSD's ipfw nat: keeps each flow's port where it can",
        .source = "FreeBSD libalias, alias_db.c: UDP and ICMP 60 s; TCP 300 s, one day, 90 s, 10 s; same_ports",
        .config = {DEFAULTS, LIBALIAS},
    },
    {
        .name = "realtek-soc-home",
        .about = "a cheap home router whose chip forwards: UDP is forgotten after 15 s",
        .source =
            "Realtek's router SDK, rtl_alias.h: UDP 15 s, ICMP 60 s, TCP 300 s, 900 s, 90 s, 1 s; the rest chosen",
        .config = {DEFAULTS, .udp_timeout = 15 * HP_S, .icmp_timeout = 60 * HP_S, .refresh = HP_NAT_REFRESH_BOTH,
                   .tcp_opening_timeout = 300 * HP_S, .tcp_established_timeout = 900 * HP_S,
                   .tcp_fin_timeout = 90 * HP_S, .tcp_closing_timeout = 1 * HP_S, .tcp_reset_timeout = 1 * HP_S},
    },
    {
        .name = "cisco-ios",
        .about = "Cisco IOS with overload: ports are kept, names are forgotten sooner than the rest",
        .source =
            "IOS command reference, ip nat translation: udp 300 s, dns 60 s (here: all well-known ports), tcp one "
            "day, finrst, syn and icmp 60 s; ports of one class stay in it",
        .config = {DEFAULTS, .well_known_apart = true, .udp_timeout = 300 * HP_S, .udp_well_known_timeout = 60 * HP_S,
                   .icmp_timeout = 60 * HP_S, .refresh = HP_NAT_REFRESH_BOTH, .tcp_opening_timeout = 60 * HP_S,
                   .tcp_established_timeout = 1 * DAY, .tcp_closing_timeout = 60 * HP_S,
                   .tcp_reset_timeout = 60 * HP_S},
    },
    {
        .name = "cisco-asa",
        .about = "Cisco ASA: a firewall that translates; pings are forgotten after two seconds",
        .source = "ASA configuration guide, global timeouts: conn 1:00:00, half-closed 0:10:00, udp 0:02:00, icmp "
                  "0:00:02, embryonic 0:00:30; a closed connection is freed after about 60 s",
        .config = {DEFAULTS, .well_known_apart = true, .udp_timeout = 120 * HP_S, .icmp_timeout = 2 * HP_S,
                   .refresh = HP_NAT_REFRESH_BOTH, .tcp_opening_timeout = 30 * HP_S,
                   .tcp_established_timeout = 3600 * HP_S, .tcp_half_closed_timeout = 600 * HP_S,
                   .tcp_closing_timeout = 600 * HP_S, .tcp_time_wait_timeout = 60 * HP_S, .tcp_rst = HP_NAT_RST_REMOVE},
    },
    {
        .name = "windows-netnat",
        .about = "Windows' NetNat, which containers and virtual machines are behind",
        .source = "Set-NetNat and Get-NetNat: UdpIdleSessionTimeout 120, TcpEstablishedConnectionTimeout 1800, "
                  "TcpTransientConnectionTimeout 120, IcmpQueryTimeout 30, address-dependent filtering, no inbound "
                  "refresh",
        .config = {DEFAULTS, .filtering = HP_NAT_ADDRESS_DEPENDENT, .udp_timeout = 120 * HP_S,
                   .icmp_timeout = 30 * HP_S, .tcp_opening_timeout = 120 * HP_S, .tcp_established_timeout = 1800 * HP_S,
                   .tcp_fin_timeout = 120 * HP_S, .tcp_closing_timeout = 120 * HP_S, .tcp_reset_timeout = 120 * HP_S},
    },
    {
        .name = "aws-nat-gateway",
        .about = "Amazon's NAT gateway: symmetric, 350 s for everything, a RST for who comes later",
        .source = "Amazon VPC guide, NAT gateway basics: ports 1024-65535, 55,000 flows to one destination, idle "
                  "timeout 350 s, RST to the host that goes on",
        .config = {DEFAULTS, CLOUD, .udp_timeout = 350 * HP_S, .icmp_timeout = 350 * HP_S,
                   .tcp_established_timeout = 350 * HP_S, .tcp_stray = HP_NAT_STRAY_RST},
    },
    {
        .name = "azure-nat-gateway",
        .about = "Azure's NAT gateway: random ports, shared by destinations, four minutes",
        .source =
            "Azure NAT Gateway resource: 64,512 ports an address, taken at random, reused for other destinations; "
            "TCP and UDP idle timeout 4 min, traffic of either side counts; RST for a flow that is gone",
        .config = {DEFAULTS, CLOUD, .udp_timeout = 240 * HP_S, .tcp_established_timeout = 240 * HP_S,
                   .tcp_stray = HP_NAT_STRAY_RST},
    },
    {
        .name = "gcp-cloud-nat",
        .about = "Google's Cloud NAT: 64 ports a machine, UDP is forgotten after 30 s",
        .source =
            "Cloud NAT, timeouts and ports: udp-idle 30 s, tcp-established-idle 1200 s, tcp-transitory-idle 30 s, "
            "tcp-time-wait 120 s, icmp-idle 30 s, 64 ports a VM; endpoint-independent mapping is off",
        .config = {DEFAULTS, CLOUD, .port_block = 64, .udp_timeout = 30 * HP_S, .icmp_timeout = 30 * HP_S,
                   .tcp_opening_timeout = 30 * HP_S, .tcp_established_timeout = 1200 * HP_S,
                   .tcp_fin_timeout = 30 * HP_S, .tcp_closing_timeout = 30 * HP_S, .tcp_time_wait_timeout = 120 * HP_S,
                   .tcp_reset_timeout = 30 * HP_S},
    },
    {
        .name = "nokia-cgn",
        .about = "a carrier's NAT that gives an unanswered datagram 15 s only",
        .source = "Nokia 7750 SR, Multiservice ISA guide, timeouts: udp-initial 15 s, udp 5 min; blocks and filtering "
                  "chosen after RFC 6888",
        .config = {DEFAULTS, .filtering = HP_NAT_ENDPOINT_INDEPENDENT, .ports = HP_NAT_PORTS_RANDOM, .port_block = 512,
                   .port_blocks = HP_NAT_BLOCKS_DYNAMIC, .hairpin = HP_NAT_HAIRPIN_EXTERNAL_SOURCE,
                   .udp_timeout = 300 * HP_S, .udp_unreplied_timeout = 15 * HP_S, .max_mappings_per_host = 512,
                   .answers_blocked = true, .port_quarantine = 120 * HP_S, .tcp_unsolicited_syn = HP_NAT_SYN_HOLD},
    },
    {
        .name = "cgn-deterministic",
        .about = "a carrier's NAT whose subscribers can be computed from the port: nothing to log",
        .source = "RFC 7422 section 2; RFC 6888 REQ-7, REQ-8b (nothing rests) and REQ-11; block size chosen",
        .config = {DEFAULTS, .filtering = HP_NAT_ENDPOINT_INDEPENDENT, .ports = HP_NAT_PORTS_RANDOM, .port_block = 1008,
                   .port_blocks = HP_NAT_BLOCKS_DETERMINISTIC, .hairpin = HP_NAT_HAIRPIN_EXTERNAL_SOURCE,
                   .udp_timeout = 300 * HP_S, .answers_blocked = true, .tcp_unsolicited_syn = HP_NAT_SYN_HOLD},
    },
    {
        .name = "tls-only-office",
        .about = "an office whose firewall lets TCP to port 443 out, and names, and nothing else",
        .source = "chosen: a home router's NAT with the firewall https-only inside",
        .firewall = "https-only",
        .config = {DEFAULTS, .refresh = HP_NAT_REFRESH_BOTH},
    },
    {
        .name = "proxy-office",
        .about = "an office that nothing leaves but names, until its proxy is allowed",
        .source = "chosen: the firewall proxy-only inside",
        .firewall = "proxy-only",
        .config = {DEFAULTS, .refresh = HP_NAT_REFRESH_BOTH},
    },
    {
        .name = "campus",
        .about = "a campus: web and QUIC pass, one of several external addresses for each host",
        .source = "chosen: the firewall web-and-quic inside, pooling as RFC 4787 REQ-2",
        .firewall = "web-and-quic",
        .config = {DEFAULTS, .pool = 4, .refresh = HP_NAT_REFRESH_BOTH, .unsolicited = HP_NAT_UNSOLICITED_ICMP},
    },
    {
        .name = "guarded-home",
        .about = "a home router with a strict firewall before its NAT: what is unanswered ends after 30 s",
        .source = "chosen: the firewall strict inside a hairpinning NAT as RFC 4787 wants it",
        .firewall = "strict",
        .config = {DEFAULTS, .filtering = HP_NAT_ENDPOINT_INDEPENDENT, .hairpin = HP_NAT_HAIRPIN_EXTERNAL_SOURCE,
                   .udp_timeout = 300 * HP_S, .refresh = HP_NAT_REFRESH_BOTH},
    },
    {
        .name = "quotes-untranslated",
        .about = "a home router that passes ICMP errors on with the outside's packet in them",
        .source = "RFC 5508 REQ-4a, the opposite; path MTU discovery fails as with no errors at all",
        .config = {DEFAULTS, .icmp_inner_untranslated = true, .refresh = HP_NAT_REFRESH_BOTH},
    },
    {
        .name = "rst-answering-home",
        .about = "a home router that answers every unsolicited SYN at once: simultaneous opens fail",
        .source = "RFC 5382 section 4.3 and REQ-4, the opposite; fragments in order only (RFC 4787 section 11)",
        .config = {DEFAULTS, .refresh = HP_NAT_REFRESH_BOTH, .tcp_unsolicited_syn = HP_NAT_SYN_RST,
                   .fragments = HP_NAT_FRAGMENTS_IN_ORDER, .hairpin = HP_NAT_HAIRPIN_EXTERNAL_SOURCE,
                   .hairpin_drops_first = true},
    },
    {
        .name = "no-fragments",
        .about = "fragments do not pass, nor do ICMP errors: large datagrams vanish",
        .source = "RFC 4787 section 11 (receive fragments none), the opposite of REQ-14; section 9, of REQ-12b",
        .config = {DEFAULTS, .fragments = HP_NAT_FRAGMENTS_DROP, .icmp_errors = false},
    },
};

#pragma GCC diagnostic pop

hp_nat_config hp_nat_config_default(void)
{
    return defaults;
}

const hp_nat_preset *hp_nat_preset_find(const char *name)
{
    for (size_t i = 0; name && i < G_N_ELEMENTS(presets); i++) {
        if (strcmp(presets[i].name, name) == 0)
            return &presets[i];
    }
    return NULL;
}

const hp_nat_preset *hp_nat_presets(size_t *ret_n)
{
    *ret_n = G_N_ELEMENTS(presets);
    return presets;
}
