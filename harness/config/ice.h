/* A libnice agent's knobs: every property that a user would set, and what the peer does around it. */
#ifndef HP_CONFIG_ICE_H
#define HP_CONFIG_ICE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/time.h"
#include "config/port_mapping.h"

typedef enum hp_ice_nomination { HP_ICE_NOMINATION_AGGRESSIVE, HP_ICE_NOMINATION_REGULAR } hp_ice_nomination;
typedef enum hp_ice_compatibility {
    HP_ICE_RFC5245,
    HP_ICE_GOOGLE,
    HP_ICE_MSN,
    HP_ICE_WLM2009,
    HP_ICE_OC2007,
    HP_ICE_OC2007R2,
    HP_ICE_DRAFT19,
} hp_ice_compatibility;
typedef enum hp_ice_role { HP_ICE_ROLE_AUTO, HP_ICE_ROLE_CONTROLLING, HP_ICE_ROLE_CONTROLLED } hp_ice_role;

/* -1 in an int field: leave libnice's own default. */
typedef struct hp_ice_config {
    char *stun; /* a server's name in the scenario, or NULL */
    char **turn; /* NULL-terminated server names, or NULL */
    uint8_t turn_transports; /* over which each of them is used: HP_SERVER_UDP, _TCP, _TLS of config/server.h; 0: UDP */
    char *turn_user; /* which of the server's users; NULL: the first */
    char *turn_password; /* NULL: the right one */
    hp_ice_compatibility compatibility;
    hp_ice_nomination nomination;
    hp_ice_role role; /* auto: the offerer controls */
    bool trickle;
    hp_time trickle_interval; /* pause between two candidate messages */
    bool full_mode; /* default true; false: lite */
    bool force_relay;
    bool consent_freshness;
    bool keepalive_conncheck;
    bool support_renomination;
    bool reliable; /* pseudo-TCP */
    bool ice_udp; /* default true */
    bool ice_tcp; /* TCP candidates (RFC 6544); default false */
    bool upnp; /* default false */
    hp_port_mapping_protocol port_mapping; /* by which the ports of host candidates are mapped; default none */
    hp_port_client_config port_client; /* `gateway` is none of it */
    hp_time port_mapping_wait; /* the end of the candidates waits so long for it; default 2 s */
    int stun_pacing_timer_ms; /* Ta */
    int stun_max_retransmissions, stun_initial_timeout_ms, stun_reliable_timeout_ms;
    int max_connectivity_checks;
    int idle_timeout_ms;
    int port_min, port_max; /* local port range */
    char *ufrag, *password; /* local credentials; NULL: random */
    int tos; /* DSCP << 2 of what the agent sends */
    char *software; /* SOFTWARE attribute, or NULL */
} hp_ice_config;

#endif
