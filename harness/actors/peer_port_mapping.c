/* Ports that a peer has its gateway map: those of its host candidates, and those that a step asks for.
 *
 * A host candidate of UDP, or of TCP that waits for connections, is mapped as soon as it is found. Once the external
 * address is known it is signalled as one more server reflexive candidate, with the host candidate as its base: libnice
 * knows nothing of it, and need not. A check from the other side to that address comes in at the host candidate's
 * socket, its answer leaves by the mapping that it came by, and so the pair is found from the other side. The
 * candidate's type preference is a little below the host candidate's, as libnice has it for its own UPnP mappings (RFC
 * 8445 section 5.1.2 leaves it to the agent).
 *
 * The end of the candidates, and without trickle the description, waits until every mapping was granted or refused, but
 * no longer than port_mapping_wait. An address that changes later takes the place of the former where candidates are
 * told again: after an ICE restart. When the session closes its mappings are given back; renewing them is the client's
 * work.
 *
 * There is one client for each address of the peer and protocol, shared by sessions and steps. */
#include "actors/peer_private.h"
#include "base/error.h"
#include "engines/pcp_leases.h"

typedef struct hp_session_port {
    hp_session *session;
    hp_port_client *client;
    uint64_t mapping;
    unsigned stream, component;
    uint32_t priority;
    bool tcp;
    hp_addr base;
    bool awaited;
    hp_local_candidate *candidate; /* NULL until the first external address is known; the session's */
} hp_session_port;

/* ---- clients ---- */

static hp_port_client *client_at(hp_peer *peer, hp_port_mapping_protocol protocol, const hp_peer_gateway *at,
                                 GError **error)
{
    for (unsigned i = 0; i < peer->port_clients->len; i++) {
        hp_port_client *client = peer->port_clients->pdata[i];
        hp_addr local = hp_port_client_local(client);
        if (hp_port_client_protocol(client) == protocol && hp_addr_same_ip(&local, &at->local)) {
            return client;
        }
    }
    hp_port_client_config config = peer->config.ice->port_client;
    config.gateway = at->gateway;
    hp_port_client *client = hp_port_client_new(peer->host, peer->name, protocol, &at->local, &config, error);
    if (client) {
        g_ptr_array_add(peer->port_clients, client);
    }
    return client;
}

static bool speaks(hp_port_mapping_protocol protocol, const hp_addr *local)
{
    return protocol == HP_PORT_MAPPING_PCP || local->family == HP_AF_IPV4;
}

/* The gateway of a local address, or (NULL) the first that speaks the protocol. */
static const hp_peer_gateway *gateway_of(const hp_peer *peer, hp_port_mapping_protocol protocol, const hp_addr *local)
{
    for (unsigned i = 0; i < peer->config.n_gateways; i++) {
        const hp_peer_gateway *at = &peer->gateways[i];
        if (speaks(protocol, &at->local) && (!local || hp_addr_same_ip(&at->local, local))) {
            return at;
        }
    }
    return NULL;
}

/* ---- candidates ---- */

static uint32_t priority_of(const NiceCandidate *candidate)
{
    enum { BELOW_HOST = 15 };
    uint32_t type = candidate->priority >> 24;
    return (type > BELOW_HOST ? type - BELOW_HOST : 1) << 24 | (candidate->priority & 0xffffff);
}

/* RFC 8839 section 5.1, RFC 6544 section 4.5. The foundation differs from libnice's, which are numbers: another way
 * than any of its own candidates has. The base stays hidden where
 * the peer hides its addresses behind mDNS names. */
static char *write_candidate(const hp_session_port *port, const hp_addr *external)
{
    char address[HP_ADDR_TEXT], base[HP_ADDR_TEXT];
    g_autofree char *text =
        g_strdup_printf("candidate:map%u %u %s %u %s %u typ srflx raddr %s rport %u%s", port->stream, port->component,
                        port->tcp ? "TCP" : "UDP", port->priority, hp_addr_format_ip(external, address), external->port,
                        hp_addr_format_ip(&port->base, base), port->base.port, port->tcp ? " tcptype passive" : "");
    NiceCandidate *reflexive = nice_candidate_new(NICE_CANDIDATE_TYPE_SERVER_REFLEXIVE);
    char *shown = hp_session_hide_candidate(port->session, reflexive, text);
    nice_candidate_free(reflexive);
    return shown;
}

static void trace_candidate(const hp_session_port *port, const hp_addr *external)
{
    g_autofree char *foundation = g_strdup_printf("map%u", port->stream);
    HP_PEER_TRACE(port->session->peer, HP_EV_CANDIDATE, HP_FU("session", port->session->number),
                  HP_FU("stream", port->stream), HP_FU("component", port->component), HP_FS("type", "srflx"),
                  HP_FS("transport", port->tcp ? "tcp-pass" : "udp"), HP_FA("address", *external),
                  HP_FA("base", port->base), HP_FU("priority", port->priority), HP_FS("foundation", foundation),
                  HP_FS("server", ""));
}

static void no_longer_awaited(hp_session_port *port)
{
    hp_session *session = port->session;
    if (!port->awaited) {
        return;
    }
    port->awaited = false;
    if (--session->n_ports_awaited == 0) {
        hp_timer_cancel(session->peer->world, &session->ports_timer);
    }
}

static void on_changed(void *user, uint64_t mapping, const hp_addr *external)
{
    hp_session_port *port = user;
    hp_session *session = port->session;
    bool there = external->family != HP_AF_NONE;
    if (there) {
        trace_candidate(port, external);
    }
    if (there && !port->candidate) {
        port->candidate = hp_session_add_local(session, port->stream, write_candidate(port, external));
    } else if (port->candidate) {
        g_free(port->candidate->text);
        port->candidate->text = there ? write_candidate(port, external) : NULL;
    }
    no_longer_awaited(port);
    hp_session_gathering_done(session);
}

void hp_session_ports_due(void *owner, hp_time now)
{
    hp_session *session = owner;
    for (unsigned i = 0; i < session->ports->len; i++) {
        no_longer_awaited(session->ports->pdata[i]);
    }
    hp_session_gathering_done(session);
}

void hp_session_map_port(hp_session *session, const NiceCandidate *candidate)
{
    hp_peer *peer = session->peer;
    hp_port_mapping_protocol protocol = peer->config.ice->port_mapping;
    hp_addr base = hp_peer_from_nice(&candidate->addr);
    bool tcp = candidate->transport == NICE_CANDIDATE_TRANSPORT_TCP_PASSIVE;
    if (protocol == HP_PORT_MAPPING_NONE || candidate->type != NICE_CANDIDATE_TYPE_HOST ||
        (!tcp && candidate->transport != NICE_CANDIDATE_TRANSPORT_UDP)) {
        return;
    }
    const hp_peer_gateway *at = gateway_of(peer, protocol, &base);
    g_autoptr(GError) error = NULL;
    hp_port_client *client = at ? client_at(peer, protocol, at, &error) : NULL;
    if (!client) {
        if (error) {
            hp_peer_error(session, "%s", error->message);
        }
        return;
    }
    hp_session_port *port = g_new0(hp_session_port, 1);
    *port = (hp_session_port){.session = session,
                              .client = client,
                              .stream = candidate->stream_id,
                              .component = candidate->component_id,
                              .priority = priority_of(candidate),
                              .tcp = tcp,
                              .base = base,
                              .awaited = true};
    g_ptr_array_add(session->ports, port);
    if (session->n_ports_awaited++ == 0) {
        hp_timer_arm(peer->world, &session->ports_timer,
                     hp_time_add(hp_world_now(peer->world), peer->config.ice->port_mapping_wait));
    }
    hp_port_wish wish = {.protocol = tcp ? HP_LEASE_TCP : HP_LEASE_UDP, .internal_port = base.port};
    port->mapping = hp_port_client_map(client, &wish, on_changed, port);
}

void hp_session_unmap_ports(hp_session *session)
{
    for (unsigned i = 0; i < session->ports->len; i++) {
        const hp_session_port *port = session->ports->pdata[i];
        hp_port_client_unmap(port->client, port->mapping);
    }
    g_ptr_array_set_size(session->ports, 0);
    session->n_ports_awaited = 0;
    hp_timer_cancel(session->peer->world, &session->ports_timer);
}

void hp_session_ports_free(hp_session *session)
{
    hp_session_unmap_ports(session);
    g_ptr_array_unref(session->ports);
}

/* ---- steps ---- */

/* What a step asks in vain is an error of the peer that belongs to no session. */
static bool refuse(const hp_peer *peer, const char *message, GError **error)
{
    HP_PEER_TRACE(peer, HP_EV_PEER_ERROR, HP_FU("session", 0), HP_FS("message", message));
    g_set_error(error, HP_ERROR, HP_ERROR_INVALID, "%s: %s", peer->name, message);
    return false;
}

bool hp_peer_map_port(hp_peer *peer, hp_port_mapping_protocol protocol, const hp_port_wish *wish, GError **error)
{
    if (protocol == HP_PORT_MAPPING_NONE) {
        protocol = peer->config.ice->port_mapping;
    }
    if (protocol == HP_PORT_MAPPING_NONE) {
        return refuse(peer, "by which protocol is the port to be mapped?", error);
    }
    const hp_peer_gateway *at = gateway_of(peer, protocol, NULL);
    if (!at) {
        return refuse(peer, "there is no gateway to ask for a port", error);
    }
    hp_port_client *client = client_at(peer, protocol, at, NULL);
    if (!client) {
        return refuse(peer, "no socket to ask for a port from", error);
    }
    hp_port_client_map(client, wish, NULL, NULL);
    return true;
}

bool hp_peer_unmap_port(hp_peer *peer, uint8_t transport, uint16_t internal_port, GError **error)
{
    for (unsigned i = 0; i < peer->port_clients->len; i++) {
        hp_port_client *client = peer->port_clients->pdata[i];
        uint64_t mapping = hp_port_client_find(client, transport, internal_port);
        if (mapping) {
            hp_port_client_unmap(client, mapping);
            return true;
        }
    }
    return refuse(peer, "that port is not mapped", error);
}
