/* Every knob of a stateful firewall between an inside and an outside, and the presets: named sets of knobs.
 *
 * A packet of a known flow passes. One of no known flow is judged by the policies of its direction, in order: the first
 * that matches decides. Where none does, a packet from the inside passes unless out_denied, one from outside passes
 * when in_allowed, or when `filtering` lets it through what the inside has opened. What passes begins a flow.
 *
 * Zeroed, it lets everything out and nothing in but answers, without a word to those it refuses. RFC 6092 is the preset
 * "rfc6092"; numbers of its recommendations stand beside the knobs. */
#ifndef HP_CONFIG_FIREWALL_H
#define HP_CONFIG_FIREWALL_H

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/time.h"
#include "config/rule.h"
#include "wire/match.h"

/* Which outside ends may use what an inside end has opened by sending (RFC 6092 section 3.2.2, RFC 4787 section 5). */
typedef enum hp_firewall_filtering {
    HP_FIREWALL_ADDRESS_AND_PORT_DEPENDENT, /* only the one it sent to */
    HP_FIREWALL_ADDRESS_DEPENDENT, /* every port of that address */
    HP_FIREWALL_ENDPOINT_INDEPENDENT, /* anyone */
} hp_firewall_filtering;

typedef enum hp_firewall_fragments {
    HP_FIREWALL_FRAGMENTS_OUT_OF_ORDER, /* later ones share their first one's fate, and wait for it */
    HP_FIREWALL_FRAGMENTS_IN_ORDER, /* the same, but one that comes before its first is dropped */
    HP_FIREWALL_FRAGMENTS_DROP, /* no fragment passes */
    HP_FIREWALL_FRAGMENTS_PASS, /* every later fragment passes, as with a filter that keeps no state */
} hp_firewall_fragments;

typedef struct hp_firewall_policy {
    char *label; /* owned, for people; NULL: its number */
    hp_match match;
    bool allow;
    hp_refusal refusal; /* what the sender learns when it does not allow */
    bool each_packet; /* asked for packets of known flows too; one that allows then decides nothing */
} hp_firewall_policy;

typedef struct hp_firewall_config {
    hp_firewall_policy *out, *in; /* owned, with what they own */
    unsigned n_out, n_in;
    bool out_denied; /* what no policy speaks of does not pass outwards */
    bool in_allowed; /* what no policy speaks of passes inwards (REC-49: transparent) */
    hp_refusal out_refusal, in_refusal; /* for these */
    hp_time syn_wait; /* a TCP SYN from outside is refused so much later, and not at all when a SYN or a SYN-ACK of the
                         same flow goes out meanwhile; REC-34: 6 s. 0: at once. Not for refusals by a policy. */
    hp_firewall_filtering filtering, tcp_filtering; /* REC-11 and REC-17; REC-33 */
    hp_time udp_timeout; /* 0: 300 s (REC-14) */
    hp_time udp_unreplied_timeout; /* until the first packet comes back; 0: the same as udp_timeout */
    hp_time udp_well_known_timeout; /* either port below 1024 (REC-15); 0: the same as udp_timeout */
    bool inbound_keeps_silent; /* packets from outside do not refresh a flow, TCP apart (REC-16 leaves it open) */
    hp_time tcp_transitory_timeout; /* opening, or closed by one side; 0: 4 min (REC-35) */
    hp_time tcp_established_timeout; /* 0: 2 h 4 min (REC-35) */
    hp_time tcp_closed_timeout; /* after both FINs or a RST; 0: the same as transitory. Nothing refreshes it. */
    hp_time icmp_timeout; /* queries; 0: 60 s (RFC 5508 REQ-2 for NATs; RFC 6092 has none) */
    hp_time other_timeout; /* every other protocol; 0: 300 s (REC-12) */
    bool
        tcp_picks_up; /* a segment in the middle of an unknown connection begins a flow, if it may (as REC-31 allows) */
    bool passes_ipsec; /* AH, ESP, HIP and UDP to port 500 pass inwards too (REC-21, -22, -24, -26) */
    bool blocks_icmp_errors; /* not even those about known flows pass: the fault that breaks path MTU discovery */
    bool blocks_unique_local; /* fc00::/7 does not pass at all (REC-7) */
    bool hop; /* it is a router: decrements the TTL, answers with time exceeded */
    hp_firewall_fragments fragments;
    uint32_t max_flows, max_flows_per_host; /* 0: no limit. A host is an inside address. */
    bool evicts; /* when max_flows is reached, the flow that would expire first gives way; else the packet is dropped */
} hp_firewall_config;

typedef struct hp_firewall_preset {
    const char *name;
    const char *about; /* one line */
    const char *source; /* where the knobs come from */
} hp_firewall_preset;

const hp_firewall_preset *hp_firewall_presets(size_t *ret_n);
/* The knobs of a preset; to be cleared by hp_firewall_config_clear(). False when there is none of that name. */
bool hp_firewall_preset_config(const char *name, hp_firewall_config *ret);
/* One more policy, before those that are there; returns it for more to be said. */
hp_firewall_policy *hp_firewall_add_policy(hp_firewall_config *config, bool outwards, bool allow, const char *label);
/* For "proxy-only" and the like: TCP to that address and port passes outwards. */
void hp_firewall_allow_proxy(hp_firewall_config *config, const hp_addr *proxy);

bool hp_firewall_config_check(const hp_firewall_config *config, GError **error);
/* A deep copy. */
void hp_firewall_config_copy(const hp_firewall_config *from, hp_firewall_config *ret);
void hp_firewall_config_clear(hp_firewall_config *config);

#endif
