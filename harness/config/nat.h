/* Every knob of an emulated NAT (RFC 4787 vocabulary), and the presets: named sets of knobs.
 *
 * Knobs without a protocol in their name are UDP's, or everybody's. Those of TCP and of ICMP queries start from UDP's
 * (AS_UDP) and need only be set where they differ. A time of 0 means the one named beside it. */
#ifndef HP_CONFIG_NAT_H
#define HP_CONFIG_NAT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/time.h"

/* RFC 4787 sections 4.1 and 5. */
typedef enum hp_nat_behaviour {
    HP_NAT_ENDPOINT_INDEPENDENT,
    HP_NAT_ADDRESS_DEPENDENT,
    HP_NAT_ADDRESS_AND_PORT_DEPENDENT,
} hp_nat_behaviour;

/* RFC 4787 section 4.2. */
typedef enum hp_nat_ports {
    HP_NAT_PORTS_PRESERVE, /* the internal port where free, else by `collision` */
    HP_NAT_PORTS_SEQUENTIAL,
    HP_NAT_PORTS_RANDOM,
} hp_nat_ports;

typedef enum hp_nat_collision {
    HP_NAT_COLLISION_NEXT, /* the next free port upwards, wrapping */
    HP_NAT_COLLISION_RANDOM,
    HP_NAT_COLLISION_REFUSE, /* no mapping: the packet is dropped */
} hp_nat_collision;

typedef enum hp_nat_pooling { HP_NAT_PAIRED, HP_NAT_ARBITRARY } hp_nat_pooling;

/* RFC 4787 section 6. */
typedef enum hp_nat_hairpin {
    HP_NAT_HAIRPIN_NONE,
    HP_NAT_HAIRPIN_INTERNAL_SOURCE, /* the packet arrives with the sender's internal address */
    HP_NAT_HAIRPIN_EXTERNAL_SOURCE, /* with its external one (what RFC 4787 REQ-9 asks for) */
} hp_nat_hairpin;

typedef enum hp_nat_refresh { HP_NAT_REFRESH_OUTBOUND, HP_NAT_REFRESH_INBOUND, HP_NAT_REFRESH_BOTH } hp_nat_refresh;

/* What happens when a limit is reached. */
typedef enum hp_nat_eviction { HP_NAT_EVICT_REFUSE, HP_NAT_EVICT_OLDEST, HP_NAT_EVICT_LEAST_RECENT } hp_nat_eviction;

/* What an unsolicited or filtered inbound packet gets. */
typedef enum hp_nat_unsolicited { HP_NAT_UNSOLICITED_DROP, HP_NAT_UNSOLICITED_ICMP } hp_nat_unsolicited;

/* RFC 4787 section 11. */
typedef enum hp_nat_fragments {
    HP_NAT_FRAGMENTS_OUT_OF_ORDER, /* later fragments may come first: they are held until the first comes */
    HP_NAT_FRAGMENTS_IN_ORDER, /* a fragment before its first one is dropped */
    HP_NAT_FRAGMENTS_DROP,
    HP_NAT_FRAGMENTS_REASSEMBLE, /* as netfilter: the NAT waits for the whole datagram, then cuts it anew */
} hp_nat_fragments;

/* What happens to IPv6 packets that are not for NAT64. In the modes but the first no mapping is made and nothing is
 * filtered: the NAT is a router, blocked protocols and ports aside. */
typedef enum hp_nat_ipv6 {
    HP_NAT_IPV6_TRANSLATE, /* as IPv4: external addresses and ports */
    HP_NAT_IPV6_ROUTE, /* one hop, addresses as they are */
    HP_NAT_IPV6_PREFIX, /* one hop, the prefix is replaced (NPTv6, RFC 6296) */
} hp_nat_ipv6;

/* How the port blocks of a carrier's NAT are given out. */
typedef enum hp_nat_blocks {
    HP_NAT_BLOCKS_PREFERRED, /* each host has a block of its own by its address, when that is taken the next free one;
                                kept until another host needs it */
    HP_NAT_BLOCKS_DETERMINISTIC, /* RFC 7422: one block by the host's address, and never another */
    HP_NAT_BLOCKS_DYNAMIC, /* the lowest free one at a host's first mapping, given back after its last */
} hp_nat_blocks;

/* ---- what TCP and ICMP may have of their own ---- */

typedef enum hp_nat_own_choice { HP_NAT_CHOICE_AS_UDP, HP_NAT_CHOICE_NO, HP_NAT_CHOICE_YES } hp_nat_own_choice;

typedef enum hp_nat_own_behaviour {
    HP_NAT_BEHAVIOUR_AS_UDP,
    HP_NAT_OWN_ENDPOINT_INDEPENDENT,
    HP_NAT_OWN_ADDRESS_DEPENDENT,
    HP_NAT_OWN_ADDRESS_AND_PORT_DEPENDENT,
    /* RFC 5382 section 4.3, TCP's filtering only (else as the one before): no connection is opened from outside, not
     * even by a remote that the mapping knows; a simultaneous open is. */
    HP_NAT_OWN_CONNECTION_DEPENDENT,
} hp_nat_own_behaviour;

typedef enum hp_nat_own_ports {
    HP_NAT_PORTS_AS_UDP,
    HP_NAT_OWN_PORTS_PRESERVE,
    HP_NAT_OWN_PORTS_SEQUENTIAL,
    HP_NAT_OWN_PORTS_RANDOM,
} hp_nat_own_ports;

typedef enum hp_nat_own_hairpin {
    HP_NAT_HAIRPIN_AS_UDP,
    HP_NAT_OWN_HAIRPIN_NONE,
    HP_NAT_OWN_HAIRPIN_INTERNAL_SOURCE,
    HP_NAT_OWN_HAIRPIN_EXTERNAL_SOURCE,
} hp_nat_own_hairpin;

/* What a SYN gets that no mapping or no filter lets in (RFC 5382 section 4.3). */
typedef enum hp_nat_syn {
    HP_NAT_SYN_AS_UDP, /* `unsolicited` decides */
    HP_NAT_SYN_DROP,
    HP_NAT_SYN_HOLD, /* REQ-4: nothing for tcp_hold_timeout, then an ICMP error; nothing at all if an outbound SYN for
                        the same connection comes meanwhile */
    HP_NAT_SYN_RST,
    HP_NAT_SYN_ICMP, /* at once */
} hp_nat_syn;

/* What a segment gets that is no SYN and belongs to no connection the NAT knows (RFC 5382 section 5). */
typedef enum hp_nat_stray {
    HP_NAT_STRAY_DROP,
    HP_NAT_STRAY_RST,
    HP_NAT_STRAY_PICK_UP, /* as nf_conntrack_tcp_loose: an ACK is believed to be of a connection under way; from
                             outside only where a mapping and the filter let a SYN in. Others are dropped. */
} hp_nat_stray;

/* What a RST does to the connection; it is translated and passed in every case (RFC 7857 section 2.2). */
typedef enum hp_nat_rst {
    HP_NAT_RST_TRANSITORY, /* it ends after tcp_reset_timeout, unless something but a RST passes before */
    HP_NAT_RST_REMOVE, /* it ends at once */
    HP_NAT_RST_IGNORE,
} hp_nat_rst;

/* Which packets keep a connection alive. */
typedef enum hp_nat_tcp_refresh {
    HP_NAT_TCP_REFRESH_BOTH,
    HP_NAT_TCP_REFRESH_OUTBOUND,
    HP_NAT_TCP_REFRESH_INBOUND,
} hp_nat_tcp_refresh;

typedef struct hp_port_range {
    uint16_t first, last; /* inclusive */
} hp_port_range;

/* What the application-level gateway looks for addresses in, to translate them as it does those of the header. */
typedef struct hp_nat_alg {
    bool anywhere; /* UDP payload and TCP data, wherever the address's bytes stand */
    bool plain; /* STUN attributes that hold a plain address */
    bool xored; /* those that hold an XORed one, as hardly any such gateway does */
} hp_nat_alg;

typedef struct hp_nat_config {
    hp_nat_behaviour mapping, filtering;
    hp_nat_ports ports;
    bool overload; /* mappings to different remotes may share one external address and port (RFC 4787 REQ-3) */
    bool port_parity; /* REQ-4: even stays even, odd stays odd */
    bool port_contiguity; /* RTP's n and RTCP's n + 1 stay neighbours where they can */
    bool well_known_apart; /* internal ports 0-1023 map to 0-1023, others to 1024-65535 (RFC 4787 section 4.2.1) */
    hp_nat_collision collision;
    hp_port_range port_range; /* {0,0}: 1024-65535 */
    uint16_t port_block; /* CGN: every inside host gets blocks of this many ports; 0 = no blocks */
    uint16_t port_blocks_per_host; /* 0 = 1 */
    hp_nat_blocks port_blocks;
    hp_time port_quarantine; /* RFC 6888 REQ-8: a port that was given up is nobody's for so long; 0: free at once */
    bool port_quarantine_tcp; /* TCP's ports too, which are exempt where sessions are tracked (REQ-8a) */
    uint32_t port_quarantine_max; /* ports that wait; beyond that the oldest is free. 0 = no limit */
    uint16_t pool; /* external addresses of each family; 0 = 1 */
    hp_nat_pooling pooling;
    hp_nat_hairpin hairpin;
    bool hairpin_filtered; /* the filtering rule also holds for hairpinned packets */
    bool hairpin_drops_first; /* the packet that creates its own outbound mapping does not come back in */
    hp_time udp_timeout; /* 0: 120 s (REQ-5: at least two minutes) */
    hp_time udp_unreplied_timeout; /* until the first packet comes back; 0: the same as udp_timeout */
    hp_time udp_well_known_timeout; /* for destination ports 0-1023; 0: the same as udp_timeout */
    hp_time icmp_timeout; /* 0: 60 s (RFC 5508 REQ-2) */
    hp_nat_refresh refresh; /* REQ-6; TCP's is tcp_refresh */
    hp_time max_lifetime; /* a mapping ends then, traffic or not; 0 = never */
    uint32_t max_mappings, max_mappings_per_host; /* 0 = no limit */
    uint32_t max_udp_per_host, max_tcp_per_host, max_icmp_per_host; /* mappings (RFC 6888 REQ-4b); 0 = no limit */
    uint32_t max_sessions_per_mapping; /* remembered remotes, and TCP connections; 0 = 65536 */
    hp_nat_eviction eviction;
    bool inbound_first; /* as netfilter: an unsolicited packet to the NAT's own address makes state, and a later
                           outbound flow that would need the same tuple loses its port */
    hp_nat_unsolicited unsolicited;
    bool icmp_errors; /* inbound ICMP errors are translated and passed (RFC 5508 REQ-4); default true in presets */
    bool icmp_error_ends_mapping; /* RFC 4787 REQ-12 says it must not */
    bool icmp_unreachable_ends_mapping; /* the same fault, for port unreachable only */
    bool icmp_inner_untranslated; /* a fault: the packet that an error quotes stays as it was outside (RFC 5508 REQ-4a,
                                     REQ-5a want it translated) */
    hp_nat_fragments fragments;
    bool block_udp; /* nothing of UDP passes outwards */
    bool block_tcp; /* nothing of TCP passes outwards */
    hp_port_range *blocked; /* destination ports of UDP and TCP that do not pass outwards */
    unsigned n_blocked;
    bool answers_blocked; /* blocked packets get ICMP admin-prohibited instead of silence */
    hp_nat_alg alg; /* none: payloads are left alone (RFC 4787 REQ-10) */
    bool answers_ping; /* the NAT's own outside address answers echo requests */

    hp_nat_ipv6 ipv6;
    bool nat64; /* RFC 6146: what the inside sends to nat64_prefix goes on as IPv4, by the same table and knobs */
    hp_prefix nat64_prefix; /* of 32, 40, 48, 56, 64 or 96 bits (RFC 6052); family none: 64:ff9b::/96 */

    hp_nat_own_behaviour icmp_mapping, icmp_filtering; /* of queries (RFC 5508 REQ-1a) */
    hp_nat_own_ports icmp_ports; /* which id a query gets */

    hp_nat_own_behaviour tcp_mapping, tcp_filtering; /* RFC 5382 REQ-1, REQ-3 */
    hp_nat_own_ports tcp_ports;
    hp_nat_own_choice tcp_overload; /* RFC 5382 REQ-7 says no; RFC 7857 section 3 says how it may be */
    hp_nat_own_choice tcp_port_parity;
    hp_nat_own_hairpin tcp_hairpin; /* RFC 5382 REQ-8 */
    hp_nat_syn tcp_unsolicited_syn;
    hp_time tcp_hold_timeout; /* of HP_NAT_SYN_HOLD; 0: 6 s (RFC 5382 REQ-4) */
    hp_nat_stray tcp_stray;
    hp_nat_rst tcp_rst;
    bool tcp_rst_unchecked; /* a RST counts wherever in the sequence space it is; otherwise one that its receiver
                               would not accept passes without effect */
    bool tcp_rst_unanswered_removes; /* as netfilter: a RST that is the first answer ends the connection at once */
    hp_nat_tcp_refresh tcp_refresh;
    /* How long a connection may be idle (RFC 5382 REQ-5, RFC 7857 section 2.1), by how far it is: */
    hp_time tcp_opening_timeout; /* SYN seen one way; 0: 240 s */
    hp_time tcp_handshake_timeout; /* SYN seen both ways, ACK not yet; 0: tcp_opening_timeout */
    hp_time tcp_picked_up_timeout; /* HP_NAT_STRAY_PICK_UP, until the other end is heard; 0: tcp_opening_timeout */
    hp_time tcp_established_timeout; /* 0: 7440 s, which are 2 hours 4 minutes */
    hp_time tcp_fin_timeout; /* FIN seen one way, not acknowledged; 0: tcp_established_timeout (RFC 6146) */
    hp_time tcp_half_closed_timeout; /* that FIN acknowledged; 0: tcp_fin_timeout */
    hp_time tcp_closing_timeout; /* FIN seen both ways, one of them not acknowledged; 0: 240 s */
    hp_time tcp_time_wait_timeout; /* both acknowledged; 0: tcp_closing_timeout */
    hp_time tcp_reset_timeout; /* after a RST; 0: 240 s (RFC 7857 section 2.2) */
} hp_nat_config;

typedef struct hp_nat_preset {
    const char *name;
    const char *about; /* one line */
    const char *source; /* where the knobs come from: an RFC section, a kernel's defaults */
    const char *firewall; /* a preset of config/firewall.h that stands inside; NULL: none */
    hp_nat_config config;
} hp_nat_preset;

/* Knob values the presets and a bare `{}` start from: endpoint-independent mapping, address-and-port-dependent
 * filtering, port preserving, no hairpin, 120 s refreshed by outbound traffic, ICMP errors translated. */
hp_nat_config hp_nat_config_default(void);
const hp_nat_preset *hp_nat_preset_find(const char *name); /* NULL if unknown */
const hp_nat_preset *hp_nat_presets(size_t *ret_n);

#endif
