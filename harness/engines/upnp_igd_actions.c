/* The actions of WANIPConnection (versions 1 and 2): port mappings, and what a client asks about the connection.
 *
 * A mapping is known by remote host, external port and protocol. Adding one that exists takes it over when the inside
 * host is the same, and is a conflict (718) otherwise; one that NAT-PMP or PCP made is a conflict with another
 * mechanism (729, which version 1 lacks: 718). A host maps ports to itself alone, and ends only mappings to itself,
 * unless the configuration trusts everyone. Version 1 keeps a mapping with lease 0 for ever; version 2 keeps any for a
 * week at most.
 *
 * Limits: a mapping cannot be made disabled (501); an inside port has one mapping for each remote host, so that a
 * second external port for it is refused (501); external port 0 and ranges are not supported. */
#include "engines/upnp_igd_private.h"

#define MAX_LEASE_V2 604800

/* Arguments of the actions about one mapping. */
typedef struct mapping_args {
    hp_addr remote; /* family none: anyone */
    uint16_t external_port;
    uint8_t protocol;
    hp_addr internal;
    const char *text;
    uint32_t lease;
    bool enabled;
} mapping_args;

static bool read_port(const hp_soap_call *call, const char *name, uint16_t *ret)
{
    const char *text = hp_soap_argument(call, name);
    uint64_t value;
    if (text == NULL || !hp_http_number(text, UINT16_MAX, &value)) {
        return false;
    }
    *ret = (uint16_t)value;
    return true;
}

static bool read_ipv4(const char *text, hp_addr *ret)
{
    return text != NULL && hp_addr_parse(text, ret) && ret->family == HP_AF_IPV4 && ret->port == 0 &&
           strchr(text, ':') == NULL;
}

/* What names a mapping. */
static bool read_key(const hp_soap_call *call, mapping_args *a)
{
    const char *remote = hp_soap_argument(call, "NewRemoteHost"), *protocol = hp_soap_argument(call, "NewProtocol");
    if (remote == NULL || protocol == NULL || !read_port(call, "NewExternalPort", &a->external_port)) {
        return false;
    }
    if (*remote != '\0' && !read_ipv4(remote, &a->remote)) {
        return false;
    }
    a->protocol = strcmp(protocol, "TCP") == 0 ? HP_LEASE_TCP : strcmp(protocol, "UDP") == 0 ? HP_LEASE_UDP : 0;
    return a->protocol != 0;
}

static bool read_all(const hp_soap_call *call, mapping_args *a)
{
    const char *enabled = hp_soap_argument(call, "NewEnabled"), *lease = hp_soap_argument(call, "NewLeaseDuration");
    uint16_t port;
    uint64_t seconds;
    a->text = hp_soap_argument(call, "NewPortMappingDescription");
    if (!read_key(call, a) || a->text == NULL || enabled == NULL || lease == NULL ||
        !read_port(call, "NewInternalPort", &port) || !hp_http_number(lease, UINT32_MAX, &seconds) ||
        !read_ipv4(hp_soap_argument(call, "NewInternalClient"), &a->internal)) {
        return false;
    }
    a->enabled = strcmp(enabled, "1") == 0 || g_ascii_strcasecmp(enabled, "true") == 0 ||
                 g_ascii_strcasecmp(enabled, "yes") == 0;
    a->internal.port = port;
    a->lease = (uint32_t)seconds;
    return true;
}

static unsigned check_add(const hp_upnp_igd *igd, const hp_addr *client, const mapping_args *a)
{
    const hp_port_mapping_config *c = igd->config;
    if (a->internal.port == 0) {
        return igd->version == 2 ? 732 : 402;
    }
    if (c->refuse || (!c->upnp_any_client && !hp_addr_same_ip(client, &a->internal))) {
        return 606;
    }
    if (a->remote.family != HP_AF_NONE && c->upnp_wildcard_remote_only) {
        return 726;
    }
    if (c->upnp_permanent_only && a->lease != 0) {
        return 725;
    }
    if (c->upnp_same_port && a->external_port != a->internal.port) {
        return 724;
    }
    return a->enabled ? 0 : 501;
}

static hp_time lifetime_of(const hp_upnp_igd *igd, uint32_t lease)
{
    if (igd->version == 2) {
        return (lease == 0 ? MAX_LEASE_V2 : MIN(lease, MAX_LEASE_V2)) * HP_S;
    }
    return lease == 0 ? HP_NEVER : MIN(lease * HP_S, igd->config->max_lifetime);
}

static unsigned conflict_code(const hp_upnp_igd *igd, const hp_lease *other)
{
    return other->by != HP_LEASE_UPNP && igd->version == 2 ? 729 : 718;
}

static void set_text(hp_lease *lease, const char *text)
{
    size_t n = MIN(strlen(text), sizeof lease->text - 1);
    /* A character is not cut in two. */
    while (n > 0 && ((uint8_t)text[n] & 0xc0) == 0x80) {
        n--;
    }
    memset(lease->text, 0, sizeof lease->text);
    memcpy(lease->text, text, n);
}

static unsigned grant(hp_upnp_igd *igd, hp_time now, const mapping_args *a, bool exact, hp_lease **ret)
{
    hp_lease_want want = {
        .by = HP_LEASE_UPNP,
        .protocol = a->protocol,
        .internal = a->internal,
        .exact = exact,
        .remote = a->remote,
        .lifetime = lifetime_of(igd, a->lease),
    };
    if (!hp_leases_external(igd->leases, HP_AF_IPV4, &want.external)) {
        return 501;
    }
    want.external.port = a->external_port;
    switch (hp_leases_grant(igd->leases, now, &want, ret)) {
    case HP_LEASE_GRANTED:
        set_text(*ret, a->text);
        return 0;
    case HP_LEASE_REFUSED:
        return 606;
    case HP_LEASE_TAKEN:
        return 718;
    case HP_LEASE_NO_RESOURCES:
    case HP_LEASE_QUOTA:
        return igd->version == 2 ? 728 : 501;
    case HP_LEASE_NO_NETWORK:
        return 501;
    }
    return 501;
}

static void fill_event(hp_upnp_event *event, const hp_lease *lease)
{
    event->protocol = lease->protocol;
    event->internal = lease->internal;
    event->external = lease->external;
}

static unsigned add_port_mapping(hp_upnp_igd *igd, hp_time now, const hp_addr *client, const hp_soap_call *call,
                                 GString *out, hp_upnp_event *event)
{
    mapping_args a = {0};
    if (!read_all(call, &a)) {
        return 402;
    }
    unsigned error = a.external_port == 0 ? 716 : check_add(igd, client, &a);
    if (error != 0) {
        return error;
    }
    hp_lease *lease = hp_leases_find_external(igd->leases, a.protocol, a.external_port, &a.remote);
    if (lease != NULL && (lease->by != HP_LEASE_UPNP || !hp_addr_same_ip(&lease->internal, &a.internal))) {
        return conflict_code(igd, lease);
    }
    const hp_lease *inside = hp_leases_find(igd->leases, a.protocol, &a.internal, &a.remote);
    if (inside != NULL && inside != lease) {
        return inside->by != HP_LEASE_UPNP ? conflict_code(igd, inside) : 501;
    }
    if (lease != NULL && lease->internal.port != a.internal.port) {
        hp_leases_release(igd->leases, now, lease);
        lease = NULL;
    }
    if (lease != NULL) {
        hp_leases_renew(igd->leases, now, lease, lifetime_of(igd, a.lease));
        set_text(lease, a.text);
    } else {
        error = grant(igd, now, &a, true, &lease);
        if (error != 0) {
            return error;
        }
    }
    fill_event(event, lease);
    hp_soap_begin(out, call);
    hp_soap_end(out, call);
    return 0;
}

static unsigned add_any_port_mapping(hp_upnp_igd *igd, hp_time now, const hp_addr *client, const hp_soap_call *call,
                                     GString *out, hp_upnp_event *event)
{
    mapping_args a = {0};
    if (!read_all(call, &a)) {
        return 402;
    }
    unsigned error = check_add(igd, client, &a);
    if (error != 0) {
        return error;
    }
    hp_lease *lease = hp_leases_find(igd->leases, a.protocol, &a.internal, &a.remote);
    if (lease != NULL && lease->by != HP_LEASE_UPNP) {
        return conflict_code(igd, lease);
    }
    if (lease != NULL) {
        hp_leases_renew(igd->leases, now, lease, lifetime_of(igd, a.lease));
        set_text(lease, a.text);
    } else {
        if (hp_leases_find_external(igd->leases, a.protocol, a.external_port, &a.remote) != NULL) {
            a.external_port = 0;
        }
        error = grant(igd, now, &a, false, &lease);
        if (error != 0) {
            return error;
        }
    }
    fill_event(event, lease);
    hp_soap_begin(out, call);
    hp_soap_add_number(out, "NewReservedPort", lease->external.port);
    hp_soap_end(out, call);
    return 0;
}

static unsigned delete_port_mapping(hp_upnp_igd *igd, hp_time now, const hp_addr *client, const hp_soap_call *call,
                                    GString *out, hp_upnp_event *event)
{
    mapping_args a = {0};
    if (!read_key(call, &a)) {
        return 402;
    }
    hp_lease *lease = hp_leases_find_external(igd->leases, a.protocol, a.external_port, &a.remote);
    if (lease == NULL) {
        return 714;
    }
    if (igd->config->refuse || lease->by != HP_LEASE_UPNP ||
        (!igd->config->upnp_any_client && !hp_addr_same_ip(client, &lease->internal))) {
        return 606;
    }
    fill_event(event, lease);
    hp_leases_release(igd->leases, now, lease);
    hp_soap_begin(out, call);
    hp_soap_end(out, call);
    return 0;
}

/* The index-th mapping that is one to UPnP: those of PEER are for one connection and do not count. */
static const hp_lease *nth_mapping(const hp_upnp_igd *igd, uint64_t index)
{
    for (unsigned i = 0; i < hp_leases_count(igd->leases); i++) {
        const hp_lease *lease = hp_leases_nth(igd->leases, i);
        if (lease->remote.port == 0 && index-- == 0) {
            return lease;
        }
    }
    return NULL;
}

static void write_mapping(const hp_lease *lease, hp_time now, GString *out)
{
    char text[HP_ADDR_TEXT];
    hp_soap_add_number(out, "NewInternalPort", lease->internal.port);
    hp_soap_add(out, "NewInternalClient", hp_addr_format_ip(&lease->internal, text));
    hp_soap_add_number(out, "NewEnabled", 1);
    hp_soap_add(out, "NewPortMappingDescription", lease->text);
    hp_soap_add_number(out, "NewLeaseDuration", hp_lease_seconds_left(lease, now));
}

static unsigned get_generic(hp_upnp_igd *igd, hp_time now, const hp_addr *client, const hp_soap_call *call,
                            GString *out, hp_upnp_event *event)
{
    char text[HP_ADDR_TEXT];
    uint16_t index;
    if (!read_port(call, "NewPortMappingIndex", &index)) {
        return 402;
    }
    const hp_lease *lease = nth_mapping(igd, index);
    if (lease == NULL) {
        return 713;
    }
    fill_event(event, lease);
    hp_soap_begin(out, call);
    hp_soap_add(out, "NewRemoteHost",
                lease->remote.family != HP_AF_NONE ? hp_addr_format_ip(&lease->remote, text) : "");
    hp_soap_add_number(out, "NewExternalPort", lease->external.port);
    hp_soap_add(out, "NewProtocol", lease->protocol == HP_LEASE_TCP ? "TCP" : "UDP");
    write_mapping(lease, now, out);
    hp_soap_end(out, call);
    return 0;
}

static unsigned get_specific(hp_upnp_igd *igd, hp_time now, const hp_addr *client, const hp_soap_call *call,
                             GString *out, hp_upnp_event *event)
{
    mapping_args a = {0};
    if (!read_key(call, &a)) {
        return 402;
    }
    const hp_lease *lease = hp_leases_find_external(igd->leases, a.protocol, a.external_port, &a.remote);
    if (lease == NULL) {
        return 714;
    }
    fill_event(event, lease);
    hp_soap_begin(out, call);
    write_mapping(lease, now, out);
    hp_soap_end(out, call);
    return 0;
}

static unsigned get_external_address(hp_upnp_igd *igd, hp_time now, const hp_addr *client, const hp_soap_call *call,
                                     GString *out, hp_upnp_event *event)
{
    char text[HP_ADDR_TEXT];
    hp_addr external;
    if (!hp_leases_external(igd->leases, HP_AF_IPV4, &external)) {
        return 501;
    }
    event->external = external;
    hp_soap_begin(out, call);
    hp_soap_add(out, "NewExternalIPAddress", hp_addr_format_ip(&external, text));
    hp_soap_end(out, call);
    return 0;
}

static unsigned get_status(hp_upnp_igd *igd, hp_time now, const hp_addr *client, const hp_soap_call *call, GString *out,
                           hp_upnp_event *event)
{
    hp_addr external;
    bool connected = hp_leases_external(igd->leases, HP_AF_IPV4, &external);
    hp_soap_begin(out, call);
    hp_soap_add(out, "NewConnectionStatus", connected ? "Connected" : "Disconnected");
    hp_soap_add(out, "NewLastConnectionError", "ERROR_NONE");
    hp_soap_add_number(out, "NewUptime", hp_leases_epoch(igd->leases, now));
    hp_soap_end(out, call);
    return 0;
}

static unsigned get_connection_type(hp_upnp_igd *igd, hp_time now, const hp_addr *client, const hp_soap_call *call,
                                    GString *out, hp_upnp_event *event)
{
    hp_soap_begin(out, call);
    hp_soap_add(out, "NewConnectionType", "IP_Routed");
    hp_soap_add(out, "NewPossibleConnectionTypes", "IP_Routed");
    hp_soap_end(out, call);
    return 0;
}

static unsigned get_nat_status(hp_upnp_igd *igd, hp_time now, const hp_addr *client, const hp_soap_call *call,
                               GString *out, hp_upnp_event *event)
{
    hp_soap_begin(out, call);
    hp_soap_add_number(out, "NewRSIPAvailable", 0);
    hp_soap_add_number(out, "NewNATEnabled", 1);
    hp_soap_end(out, call);
    return 0;
}

unsigned hp_upnp_act(hp_upnp_igd *igd, hp_time now, const hp_addr *client, const hp_soap_call *call, GString *out,
                     hp_upnp_event *event)
{
    static const struct {
        const char *name;
        unsigned since; /* version */
        unsigned (*act)(hp_upnp_igd *igd, hp_time now, const hp_addr *client, const hp_soap_call *call, GString *out,
                        hp_upnp_event *event);
    } actions[] = {
        {"AddPortMapping", 1, add_port_mapping},
        {"AddAnyPortMapping", 2, add_any_port_mapping},
        {"DeletePortMapping", 1, delete_port_mapping},
        {"GetGenericPortMappingEntry", 1, get_generic},
        {"GetSpecificPortMappingEntry", 1, get_specific},
        {"GetExternalIPAddress", 1, get_external_address},
        {"GetStatusInfo", 1, get_status},
        {"GetConnectionTypeInfo", 1, get_connection_type},
        {"GetNATRSIPStatus", 1, get_nat_status},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(actions); i++) {
        if (call->version >= actions[i].since && strcmp(call->action, actions[i].name) == 0) {
            return actions[i].act(igd, now, client, call, out, event);
        }
    }
    return 401;
}
