/* Which candidates a peer can have (RFC 8445 section 5.1.1): an address of each interface and family; what STUN servers
 * and TURN servers see of it; addresses of TURN servers. With ice-tcp also active and passive TCP ones (RFC 6544).
 *
 * A request counts when its answer finds the way back as well. A relayed address is had in every family that the server
 * has, as a client may ask for it (RFC 8656 section 7.1: REQUESTED- and ADDITIONAL-ADDRESS-FAMILY). */
#include <string.h>

#include "oracle/box.h"
#include "oracle/call.h"

enum { MOST_SERVER_ADDRESSES = 16, N_TRANSPORTS = 4 };
enum { DEFAULT_PORT = 3478, DEFAULT_TLS_PORT = 5349, FIRST_DYNAMIC_PORT = 1024, FIRST_RELAY_PORT = 49152 };

bool hp_call_is_authorized(const hp_plan *plan, unsigned peer, unsigned server)
{
    const hp_ice_config *ice = &plan->peers[peer].source->ice;
    const hp_server_config *config = &plan->servers[server].config;
    for (unsigned i = 0; i < config->n_users; i++) {
        const hp_turn_user *user = &config->users[i];
        if (!ice->turn_user || strcmp(user->name, ice->turn_user) == 0)
            return !ice->turn_password || strcmp(user->password, ice->turn_password) == 0;
    }
    return false;
}

/* Sends a request from an endpoint to a server's port and looks whether the answer comes back. */
static bool ask(hp_call *call, unsigned side, hp_protocol protocol, const hp_plan_attachment *at, const hp_addr *base,
                unsigned server, const hp_addr *to, hp_addr *ret_mapped)
{
    hp_walk_state *walk = &call->walk;
    const hp_plan_server *plan = &call->plan->servers[server];
    hp_walk there = hp_walk_send(walk, protocol, at, base, to);
    if (there.at && (there.at->kind != HP_HOLDER_SERVER || there.at->index != server)) {
        there.at = NULL;
        there.stop = HP_STOP_ELSEWHERE;
    }
    if (!there.at) {
        hp_call_note_failure(call->server_failures, &call->n_server_failures, side, protocol, &there, base->family);
        return false;
    }
    hp_walk back = hp_walk_send(walk, protocol, &plan->attachment, &there.dst, &there.src);
    if (!back.at || back.at->at != at || !hp_addr_equal(&back.dst, base) || !hp_addr_equal(&back.src, to)) {
        hp_call_note_failure(call->server_failures, &call->n_server_failures, side, protocol, &back, base->family);
        return false;
    }
    *ret_mapped = there.src;
    return true;
}

static bool is_served(const hp_plan_server *server, uint8_t transport)
{
    uint8_t offered = server->config.transports ? server->config.transports : HP_SERVER_UDP;
    return !server->source->stopped && (offered & transport);
}

static hp_addr server_port(hp_call *call, const hp_plan_server *server, const hp_addr *ip, uint8_t transport)
{
    bool secure = transport == HP_SERVER_TLS || transport == HP_SERVER_DTLS;
    uint16_t port = secure                ? server->config.tls_port ? server->config.tls_port : DEFAULT_TLS_PORT
                    : server->config.port ? server->config.port
                                          : DEFAULT_PORT;
    return hp_addr_with_port(*ip, hp_walk_symbol(&call->walk, port, port));
}

static void add_reflexive(hp_call *call, unsigned side, unsigned socket, const hp_addr *mapped)
{
    call->gathered[side][HP_CALL_REFLEXIVE] = true;
    for (unsigned i = 0; i < call->n_candidates; i++) /* redundant (section 5.1.3) */
        if (call->candidates[i].socket == socket && hp_addr_equal(&call->candidates[i].addr, mapped))
            return;
    hp_call_candidate candidate = {.side = side, .type = HP_TYPE_SRFLX, .addr = *mapped, .socket = socket};
    hp_call_add_candidate(call, &candidate);
}

static void add_relays(hp_call *call, unsigned side, unsigned server, uint8_t transport)
{
    const hp_plan_server *plan = &call->plan->servers[server];
    uint16_t first = plan->config.relay_port_first ? plan->config.relay_port_first : FIRST_RELAY_PORT;
    uint16_t last = plan->config.relay_port_last ? plan->config.relay_port_last : UINT16_MAX;
    uint8_t had = 0;
    call->gathered[side][HP_CALL_RELAYED] = true;
    for (unsigned i = 0; i < plan->attachment.n_addresses; i++) {
        uint8_t family = plan->attachment.addresses[i].family;
        if (had & 1 << family || (call->limits & HP_LIMIT_IPV4_RELAYS && family != HP_AF_IPV4))
            continue;
        had |= (uint8_t)(1 << family);
        uint16_t port = hp_walk_symbol(&call->walk, first, last);
        hp_call_socket socket = {.kind = HP_SOCKET_RELAY,
                                 .side = side,
                                 .addr = hp_addr_with_port(plan->attachment.addresses[i], port),
                                 .at = &plan->attachment,
                                 .server = server,
                                 .transport = transport};
        hp_call_candidate candidate = {
            .side = side, .type = HP_TYPE_RELAY, .addr = socket.addr, .socket = hp_call_add_socket(call, &socket)};
        hp_call_add_candidate(call, &candidate);
    }
}

/* What one interface address gets from a server: over UDP also its address as the server sees it. */
static void ask_turn(hp_call *call, unsigned side, unsigned socket, unsigned server)
{
    const hp_plan_server *plan = &call->plan->servers[server];
    const hp_call_socket base = call->sockets[socket];
    const hp_ice_config *ice = &call->plan->peers[call->peers[side]].source->ice;
    const uint8_t wanted = ice->turn_transports ? ice->turn_transports : HP_SERVER_UDP;
    hp_addr known[MOST_SERVER_ADDRESSES];
    unsigned n_known = hp_call_server_addresses(call, side, server, known, MOST_SERVER_ADDRESSES);
    for (unsigned bit = 0; bit < N_TRANSPORTS; bit++) {
        const uint8_t transport = (uint8_t)(HP_SERVER_UDP << bit);
        if (!(wanted & transport) || !is_served(plan, transport))
            continue;
        bool stream = transport == HP_SERVER_TCP || transport == HP_SERVER_TLS;
        for (unsigned i = 0; i < n_known; i++) {
            const hp_addr *ip = &known[i];
            hp_addr mapped, from = base.addr, to = server_port(call, plan, ip, transport);
            if (ip->family != from.family)
                continue;
            if (transport != HP_SERVER_UDP)
                from.port = hp_walk_symbol(&call->walk, FIRST_DYNAMIC_PORT, UINT16_MAX);
            if (!ask(call, side, stream ? HP_OVER_TCP : HP_OVER_UDP, base.at, &from, server, &to, &mapped))
                continue;
            if (!hp_call_is_authorized(call->plan, call->peers[side], server))
                continue;
            if (transport == HP_SERVER_UDP && !ice->force_relay)
                add_reflexive(call, side, socket, &mapped);
            add_relays(call, side, server, transport);
            break;
        }
    }
}

static void ask_stun(hp_call *call, unsigned side, unsigned socket, unsigned server)
{
    const hp_plan_server *plan = &call->plan->servers[server];
    const hp_call_socket base = call->sockets[socket];
    hp_addr known[MOST_SERVER_ADDRESSES];
    unsigned n_known = hp_call_server_addresses(call, side, server, known, MOST_SERVER_ADDRESSES);
    const bool answers = plan->config.accept_rfc3489 || !(call->limits & HP_LIMIT_NO_COOKIE);
    for (unsigned i = 0; answers && is_served(plan, HP_SERVER_UDP) && i < n_known; i++) {
        const hp_addr *ip = &known[i];
        hp_addr mapped, to = server_port(call, plan, ip, HP_SERVER_UDP);
        if (ip->family == base.addr.family && ask(call, side, HP_OVER_UDP, base.at, &base.addr, server, &to, &mapped)) {
            add_reflexive(call, side, socket, &mapped);
            return;
        }
    }
}

static bool is_mapped_by(hp_port_mapping_protocol wanted, const hp_port_mapping_config *gateway, uint8_t family)
{
    if (gateway->refuse)
        return false;
    switch (wanted) {
    case HP_PORT_MAPPING_NONE:
        return false;
    case HP_PORT_MAPPING_NAT_PMP:
        return gateway->nat_pmp && family == HP_AF_IPV4;
    case HP_PORT_MAPPING_PCP:
        return gateway->pcp || (gateway->nat_pmp && family == HP_AF_IPV4);
    case HP_PORT_MAPPING_UPNP:
        return gateway->upnp && !gateway->upnp_silent && family == HP_AF_IPV4;
    }
    return false;
}

/* The port of a socket, mapped by the NAT that its network leads out through. */
static void ask_gateway(hp_call *call, unsigned side, unsigned socket)
{
    const hp_call_socket *s = &call->sockets[socket];
    const hp_ice_config *ice = &call->plan->peers[call->peers[side]].source->ice;
    const int nat = call->plan->zones[s->at->zone].nat;
    const hp_protocol protocol = s->kind == HP_SOCKET_UDP ? HP_OVER_UDP : HP_OVER_TCP;
    if (nat < 0 || !is_mapped_by(ice->port_mapping, &call->plan->nats[nat].source->port_mapping, s->addr.family) ||
        (s->addr.family == HP_AF_IPV6 && call->plan->nats[nat].source->config.ipv6 != HP_NAT_IPV6_TRANSLATE))
        return;
    hp_call_candidate candidate = {.side = side, .type = HP_TYPE_SRFLX, .socket = socket, .foreign = true};
    if (!hp_box_map(&call->walk, protocol, (unsigned)nat, &s->addr, &candidate.addr))
        return;
    call->gathered[side][HP_CALL_REFLEXIVE] = true;
    hp_call_add_candidate(call, &candidate);
}

/* All candidates of one address of an interface. */
static void gather_address(hp_call *call, unsigned side, const hp_plan_attachment *at, const hp_addr *ip)
{
    const hp_plan_peer *peer = &call->plan->peers[call->peers[side]];
    const hp_ice_config *ice = &peer->source->ice;
    const bool fixed = ice->port_min > 0 && ice->port_max >= ice->port_min;
    const uint16_t first = fixed ? (uint16_t)ice->port_min : FIRST_DYNAMIC_PORT;
    const uint16_t last = fixed ? (uint16_t)ice->port_max : UINT16_MAX;
    const hp_socket_kind kinds[] = {HP_SOCKET_UDP, HP_SOCKET_TCP_ACTIVE, HP_SOCKET_TCP_PASSIVE};
    for (unsigned i = 0; i < G_N_ELEMENTS(kinds); i++) {
        if (kinds[i] == HP_SOCKET_UDP ? !ice->ice_udp : !ice->ice_tcp)
            continue;
        hp_call_socket socket = {.kind = kinds[i], .side = side, .at = at};
        socket.addr = hp_addr_with_port(*ip, hp_walk_symbol(&call->walk, first, last));
        unsigned s = hp_call_add_socket(call, &socket);
        hp_call_candidate candidate = {.side = side, .type = HP_TYPE_HOST, .addr = socket.addr, .socket = s};
        candidate.unknown = hp_call_hides(call, side) && !hp_call_resolves(call, !side, at);
        if (!ice->force_relay)
            hp_call_add_candidate(call, &candidate);
        if (kinds[i] != HP_SOCKET_TCP_ACTIVE && !ice->force_relay)
            ask_gateway(call, side, s);
        if (kinds[i] != HP_SOCKET_UDP || !ice->full_mode)
            continue;
        if (peer->stun >= 0 && !ice->force_relay)
            ask_stun(call, side, s, (unsigned)peer->stun);
        for (unsigned k = 0; k < peer->n_turn; k++)
            ask_turn(call, side, s, (unsigned)peer->turn[k]);
    }
}

void hp_call_gather(hp_call *call, unsigned side)
{
    const hp_plan_peer *peer = &call->plan->peers[call->peers[side]];
    for (unsigned i = 0; i < peer->n_interfaces; i++) {
        const hp_plan_attachment *at = &peer->interfaces[i];
        for (unsigned k = 0; k < at->n_addresses; k++)
            gather_address(call, side, at, &at->addresses[k]);
        if (at->clat4.family)
            gather_address(call, side, at, &at->clat4);
    }
}
