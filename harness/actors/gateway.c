/* A NAT's port mapping services attached (see gateway.h).
 *
 *   inside -- tap "home/in" -- NAT -- HP_NAT_LOCAL -- host -- sockets -- engines -- leases --> hp_nat_map()
 *
 * One lease table serves all three protocols, so that limits count together and no protocol takes another's mapping.
 * The table says how long a mapping lives and for whom; the NAT makes it, and ends it only with a reboot or
 * renumbering, which hp_gateway_restart() tells the table.
 *
 * The host is part of the NAT's box: it has no taps of its own, and bears its name, under which what it drops is
 * traced. A request from outside never gets here: the NAT keeps the host's addresses to its inside.
 *
 * What came and led to no event of an engine was malformed, or not for it: traced as ignored. One timer follows all
 * deadlines. UPnP's streams are in gateway_upnp.c. */
#include "actors/gateway.h"

#include "actors/gateway_private.h"
#include "actors/port_mapping_names.h"
#include "world/nat_explicit.h"

bool hp_port_mapping_is_on(const hp_port_mapping_config *config)
{
    return config->nat_pmp || config->pcp || config->upnp;
}

/* ---- the trace ---- */

void hp_gateway_trace_request(hp_gateway *g, const hp_gateway_request *r)
{
    char transport[HP_PORT_MAPPING_NAME];
    g->n_told++;
    hp_trace_event(hp_world_trace(g->world), hp_world_now(g->world), HP_EV_GATEWAY_REQUEST, g->name,
                   HP_FA("client", r->client), HP_FS("protocol", r->protocol), HP_FS("request", r->request),
                   HP_FS("outcome", r->outcome), HP_FS("transport", hp_lease_transport(r->transport, transport)),
                   HP_FA("internal", r->internal), HP_FA("external", r->external), HP_FA("remote", r->remote),
                   HP_FT("lifetime", r->lifetime_s * HP_S));
}

static void trace_mapping(const hp_gateway *g, const char *state, hp_lease_protocol by, uint8_t protocol,
                          const hp_addr *internal, const hp_addr *external, const hp_addr *remote)
{
    char transport[HP_PORT_MAPPING_NAME];
    hp_trace_event(hp_world_trace(g->world), hp_world_now(g->world), HP_EV_GATEWAY_MAPPING, g->name,
                   HP_FS("protocol", hp_lease_protocol_name(by)), HP_FS("state", state),
                   HP_FS("transport", hp_lease_transport(protocol, transport)), HP_FA("internal", *internal),
                   HP_FA("external", *external), HP_FA("remote", *remote));
}

static void trace_lease(const hp_gateway *g, const char *state, const hp_lease *l)
{
    trace_mapping(g, state, l->by, l->protocol, &l->internal, &l->external, &l->remote);
}

/* ---- what the lease table asks of the NAT ---- */

static hp_lease_outcome outcome_of(hp_nat_map_outcome outcome)
{
    switch (outcome) {
    case HP_NAT_MAP_OK:
        return HP_LEASE_GRANTED;
    case HP_NAT_MAP_NOT_INSIDE:
        return HP_LEASE_REFUSED;
    case HP_NAT_MAP_NO_ADDRESS:
        return HP_LEASE_NO_NETWORK;
    case HP_NAT_MAP_TAKEN:
        return HP_LEASE_TAKEN;
    case HP_NAT_MAP_NO_PORT:
    case HP_NAT_MAP_TABLE_FULL:
        return HP_LEASE_NO_RESOURCES;
    case HP_NAT_MAP_HOST_FULL:
        return HP_LEASE_QUOTA;
    }
    return HP_LEASE_REFUSED;
}

static hp_lease_outcome map(void *user, hp_time now, const hp_lease_want *want, hp_addr *ret_external)
{
    hp_gateway *g = user;
    hp_nat_map_request request = {
        .proto = want->protocol == HP_LEASE_UDP ? HP_PROTO_UDP : HP_PROTO_TCP,
        .internal = want->internal,
        .remote = want->remote,
        .external = want->external,
        .exact = want->exact,
        .move = want->by == HP_LEASE_UPNP, /* it names the very port that is to be open */
    };
    if (hp_addr_is_unspecified(&request.external)) {
        request.external.family = HP_AF_NONE;
    }
    hp_lease_outcome outcome = outcome_of(hp_nat_map(g->nat, &request, ret_external));
    if (outcome == HP_LEASE_GRANTED) {
        trace_mapping(g, "mapped", want->by, want->protocol, &want->internal, ret_external, &want->remote);
    }
    return outcome;
}

static uint8_t proto_of(const hp_lease *lease)
{
    return lease->protocol == HP_LEASE_UDP ? HP_PROTO_UDP : HP_PROTO_TCP;
}

static void unmap(void *user, hp_time now, const hp_lease *lease)
{
    hp_gateway *g = user;
    trace_lease(g, g->expiring == lease->number ? "expired" : "unmapped", lease);
    hp_nat_unmap(g->nat, proto_of(lease), &lease->internal, &lease->remote);
}

static bool external(void *user, uint8_t family, hp_addr *ret)
{
    const hp_gateway *g = user;
    return hp_nat_external_address(g->nat, family, ret);
}

static void filter(void *user, hp_time now, const hp_lease *lease)
{
    hp_gateway *g = user;
    hp_nat_map_filter filters[HP_LEASE_MAX_FILTERS];
    for (unsigned i = 0; i < lease->n_filters; i++) {
        filters[i] = (hp_nat_map_filter){.prefix = lease->filters[i].prefix, .port = lease->filters[i].port};
    }
    hp_nat_map_set_filters(g->nat, proto_of(lease), &lease->internal, &lease->remote, filters, lease->n_filters);
    trace_lease(g, "filtered", lease);
}

static void expired(void *user, hp_time now, const hp_lease *lease)
{
    ((hp_gateway *)user)->expiring = lease->number;
}

/* ---- NAT-PMP and PCP ---- */

static void send_datagram(void *user, hp_time now, const hp_addr *to, const uint8_t *data, size_t len)
{
    hp_gateway *g = user;
    hp_socket *socket = g->control[to->family == HP_AF_IPV6];
    if (socket != NULL) {
        hp_socket_send(socket, to, data, len, NULL);
    }
}

static void on_nat_pmp(void *user, hp_time now, const hp_nat_pmp_server_event *e)
{
    char outcome[HP_PORT_MAPPING_NAME];
    bool maps = e->opcode == HP_NAT_PMP_MAP_UDP || e->opcode == HP_NAT_PMP_MAP_TCP;
    hp_gateway_request r = {
        .client = e->client,
        .protocol = "nat-pmp",
        .request = maps                              ? "map"
                   : e->opcode == HP_NAT_PMP_ADDRESS ? "address"
                                                     : "unknown",
        .outcome = hp_nat_pmp_outcome(e->code, outcome),
        .transport = e->opcode == HP_NAT_PMP_MAP_UDP ? HP_LEASE_UDP
                     : maps                          ? HP_LEASE_TCP
                                                     : 0,
        .internal = e->internal,
        .external = e->external,
        .lifetime_s = e->lifetime,
    };
    hp_gateway_trace_request(user, &r);
}

static void on_pcp(void *user, hp_time now, const hp_pcp_server_event *e)
{
    static const char *const requests[] = {
        [HP_PCP_ANNOUNCE] = "announce", [HP_PCP_MAP] = "map", [HP_PCP_PEER] = "peer"};
    char outcome[HP_PORT_MAPPING_NAME];
    hp_gateway_request r = {
        .client = e->client,
        .protocol = "pcp",
        .request = e->opcode < G_N_ELEMENTS(requests) ? requests[e->opcode] : "unknown",
        .outcome = hp_pcp_outcome(e->result, outcome),
        .transport = e->protocol,
        .internal = e->internal,
        .external = e->external,
        .remote = e->remote,
        .lifetime_s = e->lifetime,
    };
    hp_gateway_trace_request(user, &r);
}

static void on_control(void *user, hp_socket *socket, const hp_datagram *d)
{
    hp_gateway *g = user;
    uint64_t told = g->n_told;
    bool nat_pmp = g->nat_pmp != NULL && (g->pcp == NULL || (d->length > 0 && d->data[0] == 0));
    hp_port_control_input(g->nat_pmp, g->pcp, hp_world_now(g->world), &d->from, d->data, d->length);
    if (g->n_told == told) {
        hp_gateway_ignored(g, nat_pmp ? "nat-pmp" : "pcp", &d->from);
    }
    hp_gateway_settle(g);
}

void hp_gateway_ignored(hp_gateway *g, const char *protocol, const hp_addr *client)
{
    hp_gateway_request r = {.client = *client, .protocol = protocol, .request = "", .outcome = "ignored"};
    hp_gateway_trace_request(g, &r);
}

/* ---- deadlines ---- */

void hp_gateway_settle(hp_gateway *g)
{
    hp_time at = hp_leases_deadline(g->leases);
    at = g->nat_pmp != NULL ? MIN(at, hp_nat_pmp_server_deadline(g->nat_pmp)) : at;
    at = g->pcp != NULL ? MIN(at, hp_pcp_server_deadline(g->pcp)) : at;
    at = g->igd != NULL ? MIN(at, hp_upnp_igd_deadline(g->igd)) : at;
    hp_timer_arm(g->world, &g->timer, at);
}

static void timer_fired(void *owner, hp_time now)
{
    hp_gateway *g = owner;
    hp_leases_run(g->leases, now);
    if (g->nat_pmp != NULL) {
        hp_nat_pmp_server_run(g->nat_pmp, now);
    }
    if (g->pcp != NULL) {
        hp_pcp_server_run(g->pcp, now);
    }
    if (g->igd != NULL) {
        hp_upnp_igd_run(g->igd, now);
    }
    hp_gateway_settle(g);
}

static void announce(hp_gateway *g)
{
    hp_time now = hp_world_now(g->world);
    if (g->nat_pmp != NULL) {
        hp_nat_pmp_server_announce(g->nat_pmp, now);
    }
    if (g->pcp != NULL) {
        hp_pcp_server_announce(g->pcp, now);
    }
    if (g->igd != NULL) {
        hp_upnp_igd_announce(g->igd, now);
    }
    hp_gateway_settle(g);
}

/* ---- life ---- */

static void make_host(hp_gateway *g, const hp_addr *inside, unsigned n_inside)
{
    g->host = hp_host_new(g->world, g->name);
    unsigned interface = hp_host_add_interface(g->host, NULL, 0);
    hp_host_set_untapped(g->host);
    for (unsigned i = 0; i < n_inside; i++) {
        hp_host_add_address(g->host, interface, &inside[i]);
        g->inside[inside[i].family == HP_AF_IPV6] = hp_addr_with_port(inside[i], 0);
    }
    hp_node_connect(hp_nat_node(g->nat), HP_NAT_LOCAL, hp_host_node(g->host), interface);
    hp_node_connect(hp_host_node(g->host), interface, hp_nat_node(g->nat), HP_NAT_LOCAL);
}

static bool start_control(hp_gateway *g, const hp_port_mapping_config *config, GError **error)
{
    static const hp_socket_ops socket_ops = {.datagram = on_control};
    static const hp_nat_pmp_server_ops nat_pmp_ops = {.send = send_datagram, .event = on_nat_pmp};
    static const hp_pcp_server_ops pcp_ops = {.send = send_datagram, .event = on_pcp};
    bool ipv4 = g->inside[0].family != HP_AF_NONE, ipv6 = g->inside[1].family != HP_AF_NONE;

    for (unsigned i = 0; i < 2; i++) {
        bool spoken = i == 0 ? config->nat_pmp || config->pcp : config->pcp;
        hp_addr at = hp_addr_with_port(g->inside[i], HP_PCP_PORT);
        if (!spoken || at.family == HP_AF_NONE) {
            continue;
        }
        g->control[i] = hp_host_bind(g->host, &at, &socket_ops, g, error);
        if (g->control[i] == NULL) {
            return false;
        }
    }
    if (config->nat_pmp && ipv4) {
        g->nat_pmp = hp_nat_pmp_server_new(g->leases, &nat_pmp_ops, g);
    }
    if (config->pcp) {
        g->pcp = hp_pcp_server_new(g->leases, ipv4, ipv6, &pcp_ops, g);
    }
    return true;
}

hp_gateway *hp_gateway_new(hp_world *world, hp_nat *nat, const char *name, const hp_addr *inside, unsigned n_inside,
                           const hp_port_mapping_config *config, GError **error)
{
    static const hp_lease_ops lease_ops = {
        .map = map, .unmap = unmap, .external = external, .filter = filter, .expired = expired};
    hp_gateway *g = g_new0(hp_gateway, 1);

    g->world = world;
    g->nat = nat;
    g->name = g_strdup(name);
    hp_byte_streams_init(&g->streams);
    hp_timer_init(&g->timer, HP_TIMER_ACTOR, hp_world_new_element(world), timer_fired, g);
    g->leases = hp_leases_new(config, hp_world_now(world), &lease_ops, g);
    make_host(g, inside, n_inside);
    if (!start_control(g, config, error) || (config->upnp && !hp_gateway_start_upnp(g, error))) {
        hp_gateway_free(g);
        return NULL;
    }
    hp_gateway_settle(g);
    return g;
}

void hp_gateway_free(hp_gateway *g)
{
    if (g == NULL) {
        return;
    }
    hp_timer_cancel(g->world, &g->timer);
    hp_gateway_stop_upnp(g);
    hp_nat_pmp_server_free(g->nat_pmp);
    hp_pcp_server_free(g->pcp);
    hp_leases_free(g->leases);
    hp_byte_streams_clear(&g->streams);
    g_free(g->name);
    g_free(g); /* its host, sockets included, goes with the world */
}

void hp_gateway_restart(hp_gateway *g)
{
    for (unsigned i = 0; i < hp_leases_count(g->leases); i++) {
        trace_lease(g, "forgotten", hp_leases_nth(g->leases, i));
    }
    hp_leases_reset(g->leases, hp_world_now(g->world));
    announce(g);
}
