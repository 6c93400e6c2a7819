/* Port mapping protocols of a NAT: NAT-PMP (RFC 6886), PCP (RFC 6887), UPnP IGD; and of the clients that use them. */
#ifndef HP_CONFIG_PORT_MAPPING_H
#define HP_CONFIG_PORT_MAPPING_H

#include <stdbool.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/time.h"

/* A NAT's side. All protocols share one table, so that limits count together. */
typedef struct hp_port_mapping_config {
    bool nat_pmp, pcp, upnp; /* spoken at all; default none */
    bool refuse; /* spoken, but switched off by its user: every request for a mapping is not authorized */
    hp_time min_lifetime; /* what PCP rounds shorter lifetimes up to; 0: 120 s */
    hp_time max_lifetime; /* longer lifetimes are cut to this; 0: 24 h */
    uint32_t max_mappings; /* in all; 0: no limit */
    uint32_t max_per_host; /* of one inside address; 0: no limit */
    uint16_t lowest_port; /* external ports below are not given to anyone; 0: 1 */
    bool no_announce; /* no announcements after a reboot or renumbering */
    bool keep_epoch; /* a defect: a reboot does not reset the epoch, so that clients learn of it by renewing alone */
    /* PCP */
    bool pcp_no_peer; /* PEER is an unsupported opcode */
    uint32_t pcp_max_filters; /* filters of one mapping; 0: 8 */
    /* UPnP IGD */
    uint8_t upnp_version; /* of InternetGatewayDevice and WANIPConnection: 1 or 2; 0: 1 */
    bool upnp_permanent_only; /* leases other than 0 get error 725 */
    bool upnp_same_port; /* external and internal ports must be equal, else error 724 */
    bool upnp_wildcard_remote_only; /* a remote host gets error 726 */
    bool upnp_any_client; /* a host may map ports to another host; by default that is error 606 */
    bool upnp_silent; /* no SSDP: neither answers nor notifications; the description is still served */
    uint16_t upnp_port; /* of HTTP; 0: 5000 */
} hp_port_mapping_config;

typedef enum hp_port_mapping_protocol {
    HP_PORT_MAPPING_NONE,
    HP_PORT_MAPPING_NAT_PMP,
    HP_PORT_MAPPING_PCP, /* and NAT-PMP, where the gateway speaks that alone (RFC 6887 appendix A) */
    HP_PORT_MAPPING_UPNP,
} hp_port_mapping_protocol;

/* A host's side: how it asks its gateway. */
typedef struct hp_port_client_config {
    hp_addr gateway; /* port 0: 5351 */
    hp_time lifetime; /* asked for when a mapping names none; 0: 7200 s */
    hp_time first_timeout; /* before the first retransmission, doubling; 0: 250 ms for NAT-PMP, 3 s for PCP */
    unsigned attempts; /* requests sent before giving up; 0: 9 for NAT-PMP, no limit for PCP */
    hp_time max_timeout; /* PCP: where doubling ends; 0: 1024 s */
    hp_time give_up; /* PCP: longest time for one exchange; 0: no limit */
} hp_port_client_config;

#endif
