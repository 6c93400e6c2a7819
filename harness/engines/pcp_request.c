/* Reading PCP requests (RFC 6887 sections 5, 7.1, 7.3, 11.1, 12.1, 13): what is malformed, what is not supported.
 *
 * Options with codes from 128 on may be skipped; THIRD_PARTY (1) is not implemented here and, like any unknown code
 * below 128, unsupported: a host asks for itself alone. One that names the client itself makes the request malformed
 * (13.1). PREFER_FAILURE belongs to MAP and may come once; in PEER, which
 * implies it, it makes the request malformed (12.1). FILTER belongs to MAP and may come often. Where several things
 * are wrong, the one that comes first in the message is told. */
#include <assert.h>

#include "engines/pcp_private.h"
#include "wire/bytes.h"

static const char *const result_names[] = {
    [HP_PCP_SUCCESS] = "SUCCESS",
    [HP_PCP_UNSUPP_VERSION] = "UNSUPP_VERSION",
    [HP_PCP_NOT_AUTHORIZED] = "NOT_AUTHORIZED",
    [HP_PCP_MALFORMED_REQUEST] = "MALFORMED_REQUEST",
    [HP_PCP_UNSUPP_OPCODE] = "UNSUPP_OPCODE",
    [HP_PCP_UNSUPP_OPTION] = "UNSUPP_OPTION",
    [HP_PCP_MALFORMED_OPTION] = "MALFORMED_OPTION",
    [HP_PCP_NETWORK_FAILURE] = "NETWORK_FAILURE",
    [HP_PCP_NO_RESOURCES] = "NO_RESOURCES",
    [HP_PCP_UNSUPP_PROTOCOL] = "UNSUPP_PROTOCOL",
    [HP_PCP_USER_EX_QUOTA] = "USER_EX_QUOTA",
    [HP_PCP_CANNOT_PROVIDE_EXTERNAL] = "CANNOT_PROVIDE_EXTERNAL",
    [HP_PCP_ADDRESS_MISMATCH] = "ADDRESS_MISMATCH",
    [HP_PCP_EXCESSIVE_REMOTE_PEERS] = "EXCESSIVE_REMOTE_PEERS",
};
static_assert(G_N_ELEMENTS(result_names) == HP_PCP_EXCESSIVE_REMOTE_PEERS + 1, "one name a result");

const char *hp_pcp_result_name(unsigned result)
{
    return result < G_N_ELEMENTS(result_names) ? result_names[result] : "UNKNOWN";
}

void hp_pcp_put_addr(uint8_t out[static 16], const hp_addr *a)
{
    memset(out, 0, 16);
    if (a->family == HP_AF_IPV4) {
        out[10] = out[11] = 0xff;
        memcpy(out + 12, a->ip, 4);
    } else {
        memcpy(out, a->ip, 16);
    }
}

hp_addr hp_pcp_get_addr(const uint8_t in[static 16])
{
    hp_addr a = hp_addr_v6(in, 0);
    return hp_addr_is_v4_mapped(&a) ? hp_addr_v4(hp_get32(in + 12), 0) : a;
}

/* Section 13.3. The prefix length counts bits of the 128, so that IPv4 prefixes have 96 more. */
static hp_pcp_result read_filter(const uint8_t *data, size_t len, hp_pcp_request *r)
{
    if (len != 20) {
        return HP_PCP_MALFORMED_OPTION;
    }
    unsigned bits = data[1];
    if (bits == 0) {
        r->filters_reset = true;
        r->n_filters = 0;
        r->too_many_filters = false;
        return HP_PCP_SUCCESS;
    }
    hp_lease_filter f = {.port = hp_get16(data + 2), .prefix.base = hp_pcp_get_addr(data + 4)};
    bool v4 = f.prefix.base.family == HP_AF_IPV4;
    if (bits > 128 || (v4 && bits < 96)) {
        return HP_PCP_MALFORMED_OPTION;
    }
    f.prefix.bits = (uint8_t)(v4 ? bits - 96 : bits);
    for (unsigned i = f.prefix.bits; i < (v4 ? 32U : 128U); i++) {
        f.prefix.base.ip[i / 8] &= (uint8_t) ~(0x80 >> i % 8);
    }
    if (r->n_filters < HP_LEASE_MAX_FILTERS) {
        r->filters[r->n_filters++] = f;
    } else {
        r->too_many_filters = true;
    }
    return HP_PCP_SUCCESS;
}

static hp_pcp_result read_option(unsigned code, const uint8_t *data, size_t len, hp_pcp_request *r)
{
    if (code == HP_PCP_PREFER_FAILURE) {
        if (r->opcode == HP_PCP_PEER) {
            return HP_PCP_MALFORMED_REQUEST;
        }
        if (len != 0 || r->prefer_failure || r->opcode != HP_PCP_MAP) {
            return HP_PCP_MALFORMED_OPTION;
        }
        r->prefer_failure = true;
        return HP_PCP_SUCCESS;
    }
    if (code == HP_PCP_THIRD_PARTY && r->opcode != HP_PCP_ANNOUNCE) {
        if (len != 16) {
            return HP_PCP_MALFORMED_OPTION;
        }
        hp_addr third = hp_pcp_get_addr(data);
        return hp_addr_same_ip(&third, &r->client) ? HP_PCP_MALFORMED_REQUEST : HP_PCP_UNSUPP_OPTION;
    }
    if (code == HP_PCP_FILTER) {
        return r->opcode == HP_PCP_MAP ? read_filter(data, len, r) : HP_PCP_MALFORMED_OPTION;
    }
    return code >= 128 ? HP_PCP_SUCCESS : HP_PCP_UNSUPP_OPTION;
}

static hp_pcp_result read_options(const uint8_t *data, size_t len, hp_pcp_request *r)
{
    while (len > 0) {
        if (len < 4 || hp_get16(data + 2) > len - 4) {
            return HP_PCP_MALFORMED_OPTION;
        }
        size_t length = hp_get16(data + 2);
        hp_pcp_result result = read_option(data[0], data + 4, length, r);
        if (result != HP_PCP_SUCCESS) {
            return result;
        }
        /* The message is a multiple of 4 long, so that the padding is there. */
        size_t whole = 4 + (length + 3) / 4 * 4;
        data += whole;
        len -= whole;
    }
    return HP_PCP_SUCCESS;
}

/* What MAP and PEER begin with. */
static void read_mapping(const uint8_t *data, hp_pcp_request *r)
{
    memcpy(r->nonce, data, sizeof r->nonce);
    r->protocol = data[12];
    /* All protocols have no port in common: it is ignored then (11.1). */
    r->internal = hp_addr_with_port(r->client, r->protocol != 0 ? hp_get16(data + 16) : 0);
    r->suggested = hp_addr_with_port(hp_pcp_get_addr(data + 20), hp_get16(data + 18));
}

static hp_pcp_result read_peer(const uint8_t *data, hp_pcp_request *r)
{
    read_mapping(data, r);
    r->remote = hp_addr_with_port(hp_pcp_get_addr(data + 40), hp_get16(data + 36));
    if (r->protocol == 0 || r->internal.port == 0 || r->remote.port == 0) {
        return HP_PCP_MALFORMED_REQUEST;
    }
    return HP_PCP_SUCCESS;
}

hp_pcp_result hp_pcp_read(const uint8_t *data, size_t len, const hp_port_mapping_config *config, hp_pcp_request *ret)
{
    hp_pcp_request *r = ret;
    hp_pcp_result result = HP_PCP_SUCCESS;
    *r = (hp_pcp_request){.opcode = data[1], .lifetime = hp_get32(data + 4), .client = hp_pcp_get_addr(data + 8)};
    const uint8_t *body = data + HP_PCP_HEADER;
    size_t left = len - HP_PCP_HEADER;
    size_t needed = 0;
    if (r->opcode == HP_PCP_MAP) {
        needed = HP_PCP_MAP_DATA;
    } else if (r->opcode == HP_PCP_PEER && !config->pcp_no_peer) {
        needed = HP_PCP_PEER_DATA;
    } else if (r->opcode != HP_PCP_ANNOUNCE) {
        return HP_PCP_UNSUPP_OPCODE;
    }
    if (left < needed) {
        return HP_PCP_MALFORMED_REQUEST;
    }
    if (r->opcode == HP_PCP_MAP) {
        read_mapping(body, r);
    } else if (r->opcode == HP_PCP_PEER) {
        result = read_peer(body, r);
    }
    return result != HP_PCP_SUCCESS ? result : read_options(body + needed, left - needed, r);
}
