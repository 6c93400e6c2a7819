/* The schema of port mapping: what a NAT lets its hosts ask of it, how a peer asks, and the steps that do.
 *
 * The peer's keys are part of its `ice`, because what they do is to give the agent's ports to the gateway. */
#include <assert.h>

#include "scenario/loader.h"

/* ---- a NAT ---- */

#define F(field) HP_FIELD(hp_port_mapping_config, field)
static_assert(offsetof(hp_port_mapping_config, pcp) == offsetof(hp_port_mapping_config, nat_pmp) + sizeof(bool) &&
                  offsetof(hp_port_mapping_config, upnp) ==
                      offsetof(hp_port_mapping_config, nat_pmp) + 2 * sizeof(bool),
              "flags in place");

static const hp_word spoken[] = {
    {"nat-pmp", 0, "NAT-PMP (RFC 6886)"},
    {"pcp", 1, "the Port Control Protocol (RFC 6887)"},
    {"upnp", 2, "a UPnP Internet Gateway Device"},
};
static const hp_words spoken_words = HP_WORDS("a port mapping protocol", spoken);

static const hp_key port_mapping_keys[] = {
    {"protocols", HP_V_FLAGS, .offset = offsetof(hp_port_mapping_config, nat_pmp), .size = 3 * sizeof(bool),
     .words = &spoken_words, .required = true, .doc = "what it speaks; one list of mappings serves them all"},
    {"refuse", HP_V_BOOL, F(refuse), .fallback = "false",
     .doc = "it answers, but no mapping is authorized: switched off by its user"},
    {"min-lifetime", HP_V_DURATION, F(min_lifetime), .min = HP_S, .max = UINT32_MAX * HP_S, .shown = "2m",
     .doc = "what PCP rounds shorter lifetimes up to"},
    {"max-lifetime", HP_V_DURATION, F(max_lifetime), .min = HP_S, .max = UINT32_MAX * HP_S, .shown = "24h",
     .doc = "longer lifetimes are cut to this"},
    {"max-mappings", HP_V_INT, F(max_mappings), .max = UINT32_MAX, .shown = "no limit", .doc = "mappings in all"},
    {"max-per-host", HP_V_INT, F(max_per_host), .max = UINT32_MAX, .shown = "no limit",
     .doc = "mappings of one inside address"},
    {"lowest-port", HP_V_INT, F(lowest_port), .min = 1, .max = 65535, .shown = "1",
     .doc = "external ports below are not given to anyone"},
    {"announcements", HP_V_NOT, F(no_announce), .fallback = "true",
     .doc = "it announces itself when it was rebooted or renumbered"},
    {"keep-epoch", HP_V_BOOL, F(keep_epoch), .fallback = "false",
     .doc = "a defect: a reboot does not reset the epoch, so clients do not learn of it (RFC 6887 section 8.5)"},
    {"pcp-peer", HP_V_NOT, F(pcp_no_peer), .fallback = "true", .doc = "PCP's PEER is a supported opcode"},
    {"pcp-max-filters", HP_V_INT, F(pcp_max_filters), .min = 1, .max = 32, .shown = "8",
     .doc = "filters of one mapping by PCP"},
    {"upnp-version", HP_V_INT, F(upnp_version), .min = 1, .max = 2, .shown = "1",
     .doc = "of InternetGatewayDevice and WANIPConnection"},
    {"upnp-permanent-only", HP_V_BOOL, F(upnp_permanent_only), .fallback = "false",
     .doc = "a lease that ends gets error 725"},
    {"upnp-same-port", HP_V_BOOL, F(upnp_same_port), .fallback = "false",
     .doc = "external and internal ports must be equal, else error 724"},
    {"upnp-wildcard-remote-only", HP_V_BOOL, F(upnp_wildcard_remote_only), .fallback = "false",
     .doc = "a mapping for one remote host gets error 726"},
    {"upnp-any-client", HP_V_BOOL, F(upnp_any_client), .fallback = "false",
     .doc = "a host may map ports to another one, else error 606"},
    {"upnp-ssdp", HP_V_NOT, F(upnp_silent), .fallback = "true",
     .doc = "it can be found: answers searches and announces"},
    {"upnp-port", HP_V_INT, F(upnp_port), .min = 1, .max = 65535, .shown = "5000", .doc = "of its HTTP server"},
};
#undef F

static void finish_port_mapping(hp_loader *l, void *base, const hp_tree *node)
{
    const hp_port_mapping_config *c = base;
    if (c->min_lifetime != 0 && c->max_lifetime != 0 && c->min_lifetime > c->max_lifetime) {
        hp_loader_error(l, hp_tree_get(node, "min-lifetime"), NULL, "`min-lifetime` is longer than `max-lifetime`");
    }
}

const hp_schema hp_schema_port_mapping = {
    .name = "port-mapping",
    .doc =
        "Ports on request: NAT-PMP, PCP and UPnP IGD on the NAT's inside address. A protocol or a list of them alone "
        "will do.",
    .size = sizeof(hp_port_mapping_config),
    HP_KEYS(port_mapping_keys),
    .shorthand = "protocols",
    .finish = finish_port_mapping,
};

/* ---- a peer ---- */

static const hp_word asked_protocols[] = {
    {"none", HP_PORT_MAPPING_NONE, "no port is mapped"},
    {"nat-pmp", HP_PORT_MAPPING_NAT_PMP, "by NAT-PMP"},
    {"pcp", HP_PORT_MAPPING_PCP, "by PCP, or by NAT-PMP where the gateway speaks no PCP"},
    {"upnp", HP_PORT_MAPPING_UPNP, "by UPnP IGD"},
};
static const hp_words asked_words = HP_WORDS("a way to ask for ports", asked_protocols);

#define F(field) HP_FIELD(hp_ice_config, field)
static const hp_key port_client_keys[] = {
    {"port-mapping", HP_V_ENUM, F(port_mapping), .words = &asked_words, .fallback = "none",
     .doc = "how it asks its gateway for the ports of its host candidates; each that is granted is one more candidate"},
    {"port-mapping-wait", HP_V_DURATION, F(port_mapping_wait), .fallback = "2s",
     .doc = "how long the end of the candidates waits for the gateway; without trickle, the description"},
    {"port-mapping-lifetime", HP_V_DURATION, F(port_client.lifetime), .min = HP_S, .max = UINT32_MAX * HP_S,
     .shown = "2h", .doc = "asked for; renewed halfway"},
    {"port-mapping-timeout", HP_V_DURATION, F(port_client.first_timeout), .min = HP_MS,
     .shown = "250ms by NAT-PMP, 3s by PCP, 2s by UPnP", .doc = "before a request is sent again, doubling"},
    {"port-mapping-max-timeout", HP_V_DURATION, F(port_client.max_timeout), .min = HP_MS, .shown = "1024s",
     .doc = "where doubling ends, by PCP"},
    {"port-mapping-attempts", HP_V_INT, F(port_client.attempts), .min = 1, .max = 100,
     .shown = "9 by NAT-PMP, no limit by PCP, 3 by UPnP", .doc = "requests (of UPnP: searches) before it gives up"},
    {"port-mapping-give-up", HP_V_DURATION, F(port_client.give_up), .min = HP_MS,
     .shown = "no limit by PCP, 10s by UPnP", .doc = "longest time for one exchange"},
};
#undef F
const hp_schema hp_schema_port_client = {
    .name = "port-client",
    .doc = "How a peer asks its gateway for ports.",
    .size = sizeof(hp_ice_config),
    HP_KEYS(port_client_keys),
};

/* ---- steps ---- */

static const hp_word transports[] = {
    {"udp", 17, "UDP"},
    {"tcp", 6, "TCP"},
};
static const hp_words transport_words = HP_WORDS("a transport", transports);

#define F(field) HP_FIELD(hp_step, field)
static const hp_key map_port_keys[] = {
    {"peer", HP_V_NAME, F(map_port.peer), .ref = HP_REF_PEER, .required = true, .doc = "whose host asks"},
    {"internal", HP_V_INT, F(map_port.internal), .min = 1, .max = 65535, .required = true, .doc = "the host's port"},
    {"external", HP_V_INT, F(map_port.external), .min = 1, .max = 65535, .shown = "any", .doc = "the port wished for"},
    {"exact", HP_V_BOOL, F(map_port.exact), .fallback = "false",
     .doc = "that external port and no other (PCP's PREFER_FAILURE)"},
    {"transport", HP_V_ENUM, F(map_port.transport), .words = &transport_words, .fallback = "udp", .doc = "UDP or TCP"},
    {"protocol", HP_V_ENUM, F(map_port.protocol), .words = &asked_words, .shown = "the peer's `port-mapping`",
     .doc = "by which it asks"},
    {"lifetime", HP_V_DURATION, F(map_port.lifetime), .min = HP_S, .max = UINT32_MAX * HP_S, .shown = "the peer's",
     .doc = "asked for; renewed halfway"},
    {"remote", HP_V_ADDRESS, F(map_port.remote), .shown = "anyone",
     .doc = "only this address may send: a filter of PCP, a remote host of UPnP"},
    {"remote-port", HP_V_INT, F(map_port.remote_port), .min = 1, .max = 65535, .shown = "any",
     .doc = "with `remote`, by PCP: the mapping of a flow to that port (PEER), not one for others"},
};

static void finish_map_port(hp_loader *l, void *base, const hp_tree *node)
{
    const hp_sc_map_port *m = &((const hp_step *)base)->map_port;
    if (m->exact && m->external == 0) {
        hp_loader_error(l, hp_tree_get(node, "exact"), NULL, "`exact` goes with `external`");
    }
    if (m->remote_port != 0 && m->remote.family == HP_AF_NONE) {
        hp_loader_error(l, hp_tree_get(node, "remote-port"), NULL, "`remote-port` goes with `remote`");
    }
    if (m->exact && m->remote_port != 0) {
        hp_loader_error(l, hp_tree_get(node, "exact"), NULL, "PCP's PEER takes any external port");
    }
}

const hp_schema hp_schema_map_port = {
    .name = "map-port",
    .doc = "A peer's host asks its gateway for a port, and keeps it until `unmap-port`.",
    .size = sizeof(hp_step),
    HP_KEYS(map_port_keys),
    .finish = finish_map_port,
};

static const hp_key unmap_port_keys[] = {
    {"peer", HP_V_NAME, F(map_port.peer), .ref = HP_REF_PEER, .required = true, .doc = "whose host asked for it"},
    {"internal", HP_V_INT, F(map_port.internal), .min = 1, .max = 65535, .required = true, .doc = "the host's port"},
    {"transport", HP_V_ENUM, F(map_port.transport), .words = &transport_words, .fallback = "udp", .doc = "UDP or TCP"},
};
#undef F
const hp_schema hp_schema_unmap_port = {
    .name = "unmap-port",
    .doc = "A peer's host asks its gateway to end the mapping of a port.",
    .size = sizeof(hp_step),
    HP_KEYS(unmap_port_keys),
};
