/* Private to the PCP server: a request while it is looked at. */
#ifndef HP_ENGINES_PCP_PRIVATE_H
#define HP_ENGINES_PCP_PRIVATE_H

#include "engines/pcp.h"

#define HP_PCP_MAP_DATA 36
#define HP_PCP_PEER_DATA 56

typedef struct hp_pcp_request {
    uint8_t opcode;
    uint32_t lifetime;
    hp_addr client; /* port 0 */
    /* MAP and PEER */
    uint8_t nonce[HP_LEASE_NONCE];
    uint8_t protocol;
    hp_addr internal, suggested; /* suggested: port 0 and an unspecified address where there is no wish */
    hp_addr remote; /* of PEER */
    /* options */
    bool prefer_failure;
    bool filters_reset; /* a FILTER of prefix length 0 came */
    hp_lease_filter filters[HP_LEASE_MAX_FILTERS];
    unsigned n_filters; /* behind the last reset */
    bool too_many_filters;
} hp_pcp_request;

/* What a good request leads to. */
typedef struct hp_pcp_answer {
    uint32_t lifetime;
    hp_addr external;
} hp_pcp_answer;

/* ---- pcp_request.c ---- */

/* Reads header, data and options of a message of version 2 whose length is good. */
hp_pcp_result hp_pcp_read(const uint8_t *data, size_t len, const hp_port_mapping_config *config, hp_pcp_request *ret);

#endif
