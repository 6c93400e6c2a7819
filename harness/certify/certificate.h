/* What a NAT is seen to do, or declared to do: one finding for each property, in the words of RFC 4787, 5382, 5508 and
 * 6888. Observing (certify.h) and declaring (declare.h) fill the same form, so that the two can be held against each
 * other. */
#ifndef HP_CERTIFY_CERTIFICATE_H
#define HP_CERTIFY_CERTIFICATE_H

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/time.h"

typedef enum hp_property {
    HP_PROP_UDP_LEAVES,
    HP_PROP_TCP_LEAVES,
    HP_PROP_ICMP_LEAVES,
    HP_PROP_BLOCKED_ANSWER,
    HP_PROP_IPV6,
    HP_PROP_NAT64,

    HP_PROP_UDP_MAPPING,
    HP_PROP_UDP_DETERMINISM,
    HP_PROP_UDP_FILTERING,
    HP_PROP_UDP_PORTS,
    HP_PROP_UDP_PORT_RANGE,
    HP_PROP_UDP_WELL_KNOWN_PORTS,
    HP_PROP_UDP_COLLISION,
    HP_PROP_UDP_PARITY,
    HP_PROP_UDP_CONTIGUITY,
    HP_PROP_UDP_OVERLOAD,
    HP_PROP_PORT_BLOCKS,
    HP_PROP_PORT_BLOCK_CHOICE,
    HP_PROP_POOL,
    HP_PROP_POOLING,
    HP_PROP_UDP_QUARANTINE,
    HP_PROP_QUARANTINE_MAX,
    HP_PROP_INBOUND_FIRST,
    HP_PROP_UDP_UNSOLICITED,
    HP_PROP_UDP_FILTERED,
    HP_PROP_UDP_HAIRPIN,
    HP_PROP_HAIRPIN_FILTER,
    HP_PROP_HAIRPIN_FIRST,
    HP_PROP_UDP_TIMER,
    HP_PROP_UDP_TIMER_UNREPLIED,
    HP_PROP_UDP_TIMER_WELL_KNOWN,
    HP_PROP_UDP_REFRESH,
    HP_PROP_UDP_LIFETIME,

    HP_PROP_UDP_LIMIT,
    HP_PROP_TCP_LIMIT,
    HP_PROP_ICMP_LIMIT,
    HP_PROP_HOST_LIMIT,
    HP_PROP_TABLE_LIMIT,
    HP_PROP_REMOTES_LIMIT,
    HP_PROP_EVICTION,
    HP_PROP_LIMIT_ANSWER,

    HP_PROP_ICMP_MAPPING,
    HP_PROP_ICMP_FILTERING,
    HP_PROP_ICMP_IDS,
    HP_PROP_ICMP_TIMER,
    HP_PROP_PING,
    HP_PROP_ICMP_ERRORS_IN,
    HP_PROP_ICMP_ERRORS_OUT,
    HP_PROP_ICMP_ERRORS_QUOTE,
    HP_PROP_ICMP_ERRORS_END,
    HP_PROP_FRAGMENTS_OUT,
    HP_PROP_FRAGMENTS_IN,

    HP_PROP_TCP_MAPPING,
    HP_PROP_TCP_FILTERING,
    HP_PROP_TCP_PORTS,
    HP_PROP_TCP_PARITY,
    HP_PROP_TCP_OVERLOAD,
    HP_PROP_TCP_HAIRPIN,
    HP_PROP_TCP_SYN,
    HP_PROP_TCP_SIMULTANEOUS,
    HP_PROP_TCP_STRAY,
    HP_PROP_TCP_RST,
    HP_PROP_TCP_RST_CHECK,
    HP_PROP_TCP_RST_UNANSWERED,
    HP_PROP_TCP_REFRESH,
    HP_PROP_TCP_TIMER_OPENING,
    HP_PROP_TCP_TIMER_HANDSHAKE,
    HP_PROP_TCP_TIMER_PICKED_UP,
    HP_PROP_TCP_TIMER_ESTABLISHED,
    HP_PROP_TCP_TIMER_FIN,
    HP_PROP_TCP_TIMER_HALF_CLOSED,
    HP_PROP_TCP_TIMER_CLOSING,
    HP_PROP_TCP_TIMER_TIME_WAIT,
    HP_PROP_TCP_QUARANTINE,

    /* With the firewall that stands inside the NAT, where there is one. */
    HP_PROP_SITE_UDP_LEAVES,
    HP_PROP_SITE_TCP_LEAVES,
    HP_PROP_SITE_ICMP_LEAVES,
    HP_PROP_SITE_BLOCKED_ANSWER,
    HP_PROP_SITE_UDP_FILTERING,
    HP_PROP_SITE_TCP_FILTERING,
    HP_PROP_SITE_UDP_TIMER,
    HP_PROP_SITE_UDP_TIMER_UNREPLIED,
    HP_PROP_SITE_TCP_TIMER_ESTABLISHED,

    HP_PROP_N,
} hp_property;

typedef struct hp_property_info {
    const char *key; /* "udp-mapping": stable, for JSON */
    const char *title; /* for people */
    const char *reference; /* "RFC 4787 section 4.1" */
    const char *how; /* how it is observed */
} hp_property_info;

typedef struct hp_finding {
    bool known;
    char *text; /* owned: the value, or why there is none */
    uint64_t number; /* of a time (ns) or a count; UINT64_MAX: none was met */
} hp_finding;

typedef struct hp_certificate {
    hp_finding findings[HP_PROP_N];
} hp_certificate;

/* The words findings are written in; whoever fills a certificate uses these. */
#define HP_SAY_EIM "endpoint-independent"
#define HP_SAY_ADM "address-dependent"
#define HP_SAY_APDM "address and port-dependent"
#define HP_SAY_TRANSLATED "translated by ports"
#define HP_SAY_CONNECTION "connection-dependent"
#define HP_SAY_PRESERVE "port preservation"
#define HP_SAY_SEQUENTIAL "sequential"
#define HP_SAY_RANDOM "random"
#define HP_SAY_YES "yes"
#define HP_SAY_NO "no"
#define HP_SAY_NONE "none"
#define HP_SAY_ALL "all"
#define HP_SAY_SILENCE "silence"
#define HP_SAY_RST "RST"
#define HP_SAY_ADMIN "ICMP administratively prohibited"
#define HP_SAY_PORT_UNREACHABLE "ICMP port unreachable"
#define HP_SAY_HOST_UNREACHABLE "ICMP host unreachable"

const hp_property_info *hp_property_get(hp_property property);
static inline bool hp_property_is_site(hp_property property)
{
    return property >= HP_PROP_SITE_UDP_LEAVES;
}

hp_certificate *hp_certificate_new(void);
void hp_certificate_free(hp_certificate *c);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(hp_certificate, hp_certificate_free)

/* Each property is said once; saying it again replaces it. */
void hp_certificate_say(hp_certificate *c, hp_property property, const char *text);
void hp_certificate_say_count(hp_certificate *c, hp_property property, uint64_t n, const char *none);
/* To the millisecond; HP_NEVER gives `none`. */
void hp_certificate_say_time(hp_certificate *c, hp_property property, hp_time t, const char *none);
void hp_certificate_unknown(hp_certificate *c, hp_property property, const char *why);
/* A set of ports, one bool for each of 65536 (port 0 does not count): "all", "none", "53, 443", "all but 5060-5070". */
void hp_certificate_say_ports(hp_certificate *c, hp_property property, const bool *ports);
/* "120 s", "1.500 s" */
char *hp_certificate_time_text(hp_time t);

static inline const hp_finding *hp_certificate_get(const hp_certificate *c, hp_property property)
{
    return &c->findings[property];
}
/* Known, and just that. */
bool hp_certificate_is(const hp_certificate *c, hp_property property, const char *text);

/* Properties on which the two differ: another value, or known to one only. Returns how many, in order, into ret (room
 * for HP_PROP_N). */
unsigned hp_certificate_differences(const hp_certificate *a, const hp_certificate *b, hp_property *ret);

#endif
