/* Name resolution: what a built-in DNS server knows and how it misbehaves, DNS64, stub resolvers, multicast DNS. */
#ifndef HP_CONFIG_DNS_H
#define HP_CONFIG_DNS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/time.h"

/* One name. Addresses of both families may be mixed; a name with a CNAME has nothing else. A name with neither exists
 * and has no data. */
typedef struct hp_dns_host {
    char *name; /* "turn.example" */
    hp_addr *addresses; /* ports are ignored */
    unsigned n_addresses;
    char *cname; /* NULL: none */
    hp_time ttl; /* 0: the server's default; sent in whole seconds */
} hp_dns_host;

typedef enum hp_dns_fault_kind {
    HP_DNS_FAULT_SILENCE, /* no answer */
    HP_DNS_FAULT_DELAY, /* the answer waits delay_ns */
    HP_DNS_FAULT_SERVFAIL,
    HP_DNS_FAULT_REFUSED,
    HP_DNS_FAULT_NXDOMAIN, /* a name that exists is denied */
    HP_DNS_FAULT_EMPTY, /* no data: the name exists, the type does not */
    HP_DNS_FAULT_TRUNCATE, /* TC set and no records, over datagrams alone */
    HP_DNS_FAULT_WRONG_ADDRESS, /* addresses of the asked type are replaced: `address`, or 192.0.2.255 / 2001:db8::ff */
    HP_DNS_FAULT_WRONG_ID, /* the answer carries another id */
    HP_DNS_FAULT_WRONG_QUESTION, /* the answer repeats another question */
} hp_dns_fault_kind;

/* A scripted fault. It applies to queries for `name` (NULL: any) and `type` (0: any) number nth_first..nth_last as
 * this fault counts those that match (1-based; 0, 0: all; last 0: open end), between `from` and `until` (run time;
 * until 0: open). */
typedef struct hp_dns_fault {
    hp_dns_fault_kind kind;
    char *name;
    uint16_t type; /* hp_dns_type */
    uint64_t nth_first, nth_last;
    hp_time from, until;
    hp_time delay_ns;
    hp_addr address;
} hp_dns_fault;

/* RFC 6147. */
typedef struct hp_dns64_config {
    bool on;
    hp_prefix prefix; /* Pref64::/n of 32, 40, 48, 56, 64 or 96 bits; family none: 64:ff9b::/96 */
    hp_prefix *exclude; /* AAAA records inside count as absent (section 5.1.4), besides ::ffff:0:0/96 */
    unsigned n_exclude;
    bool private_addresses; /* embed private IPv4 addresses in 64:ff9b::/96 although RFC 6052 section 3.1 forbids it */
} hp_dns64_config;

typedef struct hp_dns_config {
    uint16_t port; /* 0: 53 */
    char **zones; /* apexes this server has; names outside are refused. None: it answers for the whole tree */
    unsigned n_zones;
    hp_dns_host *hosts;
    unsigned n_hosts;
    hp_time ttl; /* 0: 300 s */
    hp_time negative_ttl; /* TTL and minimum of SOA (RFC 2308); 0: 60 s */
    uint16_t max_udp; /* longest datagram it sends, whatever EDNS allows; 0: 1232 */
    bool no_edns; /* queries with OPT get FORMERR, as from servers before RFC 2671 */
    bool no_reverse; /* no PTR records made from the hosts' addresses */
    hp_dns64_config dns64;
    hp_dns_fault *faults;
    unsigned n_faults;
} hp_dns_config;

/* A stub resolver. */
typedef struct hp_resolver_config {
    hp_addr *servers; /* asked in this order; port 0: 53 */
    unsigned n_servers;
    hp_time timeout; /* for one server's answer; 0: 5 s */
    unsigned attempts; /* rounds through all servers; 0: 2 */
    bool no_edns; /* by default queries carry OPT with 1232 */
    bool no_stream; /* a truncated answer is a failure; by default it is asked for again over TCP */
    unsigned cache_size; /* answers kept; 0: 256 */
    hp_time max_ttl; /* answers are kept no longer than this; 0: 1 d */
} hp_resolver_config;

typedef struct hp_mdns_config {
    bool off; /* neither answers nor asks */
    bool probe; /* RFC 6762 section 8.1; names that WebRTC makes up are unique anyway, so by default not */
    bool silent; /* does not announce (section 8.3); it still answers */
    bool deaf; /* announces, but never answers */
    hp_time ttl; /* of address records; 0: 120 s */
    hp_time timeout; /* after which a query has failed; 0: 5 s */
} hp_mdns_config;

#endif
