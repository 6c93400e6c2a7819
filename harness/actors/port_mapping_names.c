/* Results of the port mapping protocols as words (RFC 6886 section 3.5, RFC 6887 section 7.4). What a gateway or a host
 * makes up has no word and is written in decimal. */
#include "actors/port_mapping_names.h"

#include <assert.h>
#include <glib.h>

#include "engines/pcp.h"

static const char *const nat_pmp_names[] = {
    [HP_NAT_PMP_SUCCESS] = "success",
    [HP_NAT_PMP_UNSUPPORTED_VERSION] = "unsupported-version",
    [HP_NAT_PMP_NOT_AUTHORIZED] = "not-authorized",
    [HP_NAT_PMP_NETWORK_FAILURE] = "network-failure",
    [HP_NAT_PMP_OUT_OF_RESOURCES] = "out-of-resources",
    [HP_NAT_PMP_UNSUPPORTED_OPCODE] = "unsupported-opcode",
};
static_assert(G_N_ELEMENTS(nat_pmp_names) == HP_NAT_PMP_UNSUPPORTED_OPCODE + 1, "one name a code");

static const char *decimal(unsigned number, char out[HP_PORT_MAPPING_NAME])
{
    g_snprintf(out, HP_PORT_MAPPING_NAME, "%u", number);
    return out;
}

const char *hp_nat_pmp_outcome(unsigned code, char out[HP_PORT_MAPPING_NAME])
{
    return code < G_N_ELEMENTS(nat_pmp_names) ? nat_pmp_names[code] : decimal(code, out);
}

const char *hp_pcp_outcome(unsigned result, char out[HP_PORT_MAPPING_NAME])
{
    if (result > HP_PCP_EXCESSIVE_REMOTE_PEERS) {
        return decimal(result, out);
    }
    g_strlcpy(out, hp_pcp_result_name(result), HP_PORT_MAPPING_NAME);
    for (char *p = out; *p != '\0'; p++) {
        *p = *p == '_' ? '-' : g_ascii_tolower(*p);
    }
    return out;
}

const char *hp_upnp_outcome(unsigned error, char out[HP_PORT_MAPPING_NAME])
{
    return error == 0 ? "success" : decimal(error, out);
}

const char *hp_lease_transport(uint8_t protocol, char out[HP_PORT_MAPPING_NAME])
{
    switch (protocol) {
    case 0:
        return "";
    case HP_LEASE_UDP:
        return "udp";
    case HP_LEASE_TCP:
        return "tcp";
    }
    return decimal(protocol, out);
}
