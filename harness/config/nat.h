/* Every knob of an emulated NAT (RFC 4787 vocabulary), and the presets: named sets of knobs. */
#ifndef HP_CONFIG_NAT_H
#define HP_CONFIG_NAT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

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
} hp_nat_fragments;

typedef struct hp_port_range {
    uint16_t first, last; /* inclusive */
} hp_port_range;

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
    uint16_t pool; /* external addresses of each family; 0 = 1 */
    hp_nat_pooling pooling;
    hp_nat_hairpin hairpin;
    bool hairpin_filtered; /* the filtering rule also holds for hairpinned packets */
    bool hairpin_drops_first; /* the packet that creates its own outbound mapping does not come back in */
    hp_time udp_timeout; /* 0: 120 s (REQ-5: at least two minutes) */
    hp_time udp_unreplied_timeout; /* until the first packet comes back; 0: the same as udp_timeout */
    hp_time udp_well_known_timeout; /* for destination ports 0-1023; 0: the same as udp_timeout */
    hp_time icmp_timeout; /* 0: 60 s (RFC 5508 REQ-2) */
    hp_nat_refresh refresh; /* REQ-6 */
    hp_time max_lifetime; /* a mapping ends then, traffic or not; 0 = never */
    uint32_t max_mappings, max_mappings_per_host; /* 0 = no limit */
    uint32_t max_sessions_per_mapping; /* remembered remotes; 0 = 65536 */
    hp_nat_eviction eviction;
    bool inbound_first; /* as netfilter: an unsolicited packet to the NAT's own address makes state, and a later
                           outbound flow that would need the same tuple loses its port */
    hp_nat_unsolicited unsolicited;
    bool icmp_errors; /* inbound ICMP errors are translated and passed (RFC 5508 REQ-4); default true in presets */
    bool icmp_error_ends_mapping; /* RFC 4787 REQ-12 says it must not */
    hp_nat_fragments fragments;
    bool block_udp; /* nothing of UDP passes outwards */
    hp_port_range *blocked; /* destination ports that do not pass outwards */
    unsigned n_blocked;
    bool answers_blocked; /* blocked packets get ICMP admin-prohibited instead of silence */
    bool answers_ping; /* the NAT's own outside address answers echo requests */
} hp_nat_config;

typedef struct hp_nat_preset {
    const char *name;
    const char *about; /* one line */
    const char *source; /* where the knobs come from: an RFC section, a kernel's defaults */
    hp_nat_config config;
} hp_nat_preset;

/* Knob values the presets and a bare `{}` start from: endpoint-independent mapping, address-and-port-dependent
 * filtering, port preserving, no hairpin, 120 s refreshed by outbound traffic, ICMP errors translated. */
hp_nat_config hp_nat_config_default(void);
const hp_nat_preset *hp_nat_preset_find(const char *name); /* NULL if unknown */
const hp_nat_preset *hp_nat_presets(size_t *ret_n);

#endif
