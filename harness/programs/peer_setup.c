/* What a peer is told before it begins.
 *
 * A server is reached at its first address of a family that the peer has, IPv4 before IPv6; a peer that has DNS knows it
 * by name, and of its address only the port. A TURN server counts once for each transport that the peer uses it over,
 * in the order UDP, TCP, TLS. The account is the one that the peer names, else the server's first.
 *
 * A peer's gateway is the NAT of the zone that its interface is in: behind two NATs that is the inner one, as it is in a
 * home, and the other is never asked. */
#include "programs/peer_setup.h"

#include <string.h>

#include "plan/transports.h"

/* What a peer may reach a TURN server over. */
static const uint8_t turn_order[] = {HP_SERVER_UDP, HP_SERVER_TCP, HP_SERVER_TLS};

static hp_addr first_of(const hp_plan_attachment *at, uint8_t family)
{
    for (unsigned i = 0; i < at->n_addresses; i++)
        if (at->addresses[i].family == family)
            return at->addresses[i];
    return (hp_addr){0};
}

bool hp_peer_setup_has_family(const hp_plan_peer *peer, uint8_t family, bool clats)
{
    for (unsigned k = 0; k < peer->n_interfaces; k++)
        if ((clats && peer->interfaces[k].clat4.family == family) || first_of(&peer->interfaces[k], family).family)
            return true;
    return false;
}

static hp_addr reachable_in(const hp_plan_peer *asking, const hp_plan_attachment *at, uint8_t family, bool clats)
{
    return hp_peer_setup_has_family(asking, family, clats) ? first_of(at, family) : (hp_addr){0};
}

/* An attachment's address, IPv4 first, of a family that the peer who asks has. Family none: there is none. */
static hp_addr reachable(const hp_plan_peer *asking, const hp_plan_attachment *at, bool clats)
{
    const uint8_t families[] = {HP_AF_IPV4, HP_AF_IPV6};
    for (unsigned i = 0; i < G_N_ELEMENTS(families); i++) {
        const hp_addr a = reachable_in(asking, at, families[i], clats);
        if (a.family)
            return a;
    }
    return (hp_addr){0};
}

/* ---- servers ---- */

hp_addr hp_peer_setup_server_in(const hp_plan *plan, unsigned peer, unsigned server, uint8_t family)
{
    return reachable_in(&plan->peers[peer], &plan->servers[server].attachment, family, true);
}

/* Where a peer reaches the server over a transport (HP_SERVER_*): its first address of a family the peer has, IPv4 before
 * IPv6; with DNS the port alone. Family none and port 0: out of its reach. */
static hp_addr address_to_reach_server(const hp_plan *plan, unsigned peer, unsigned server, uint8_t transport)
{
    const hp_server_config *config = &plan->servers[server].config;
    uint16_t port = transport == HP_SERVER_TLS ? config->tls_port : config->port;
    if (plan->peers[peer].n_dns > 0)
        return (hp_addr){.port = port};
    hp_addr a = reachable(&plan->peers[peer], &plan->servers[server].attachment, true);
    return a.family ? hp_addr_with_port(a, port) : a;
}

static hp_peer_turn turn_account(const hp_plan *plan, unsigned index, unsigned server, uint8_t transport)
{
    const hp_plan_peer *peer = &plan->peers[index];
    const hp_ice_config *ice = &peer->source->ice;
    const hp_plan_server *of = &plan->servers[server];
    hp_peer_turn turn = {.name = of->source->name,
                         .addr = address_to_reach_server(plan, index, server, transport),
                         .host = peer->n_dns > 0 ? of->dns_name : NULL,
                         .transport = transport,
                         .user = ice->turn_user ? ice->turn_user : "",
                         .password = ice->turn_password ? ice->turn_password : ""};
    for (unsigned i = 0; i < of->config.n_users; i++) {
        const hp_turn_user *user = &of->config.users[i];
        if (ice->turn_user && strcmp(user->name, ice->turn_user) != 0)
            continue;
        turn.user = user->name;
        if (!ice->turn_password)
            turn.password = user->password;
        break;
    }
    return turn;
}

hp_peer_turn *hp_peer_setup_turn(const hp_plan *plan, unsigned index, unsigned *ret_n)
{
    const hp_plan_peer *peer = &plan->peers[index];
    const uint8_t wanted = hp_transports_of_peer(&peer->source->ice);
    hp_peer_turn *turn = g_new0(hp_peer_turn, MAX(peer->n_turn * G_N_ELEMENTS(turn_order), 1));
    unsigned n = 0;
    for (unsigned k = 0; k < peer->n_turn; k++) {
        for (unsigned i = 0; i < G_N_ELEMENTS(turn_order); i++) {
            if ((wanted & turn_order[i]) == 0)
                continue;
            turn[n] = turn_account(plan, index, (unsigned)peer->turn[k], turn_order[i]);
            /* one of a family the peer has not is out of reach */
            n += turn[n].host || turn[n].addr.family != HP_AF_NONE;
        }
    }
    *ret_n = n;
    return turn;
}

/* ---- gateways ---- */

static GArray *gateways_of(const hp_plan *plan, const hp_plan_peer *peer)
{
    GArray *gateways = g_array_new(FALSE, FALSE, sizeof(hp_peer_gateway));
    for (unsigned k = 0; k < peer->n_interfaces; k++) {
        const hp_plan_attachment *at = &peer->interfaces[k];
        const hp_plan_zone *zone = &plan->zones[at->zone];
        for (unsigned i = 0; i < at->n_addresses && zone->nat >= 0; i++) {
            bool v6 = at->addresses[i].family == HP_AF_IPV6;
            hp_peer_gateway gateway = {.local = at->addresses[i], .gateway = v6 ? zone->router6 : zone->router4};
            if (gateway.gateway.family != HP_AF_NONE)
                g_array_append_val(gateways, gateway);
        }
    }
    return gateways;
}

/* ---- the whole ---- */

hp_peer_setup *hp_peer_setup_new(const hp_plan *plan, unsigned index)
{
    const hp_plan_peer *peer = &plan->peers[index];
    const hp_sc_client *client = &peer->source->client;
    const hp_plan_server *stun = peer->stun >= 0 ? &plan->servers[peer->stun] : NULL;
    hp_peer_setup *setup = g_new0(hp_peer_setup, 1);
    unsigned n_turn;
    setup->turn = hp_peer_setup_turn(plan, index, &n_turn);
    setup->gateways = gateways_of(plan, peer);
    setup->config = (hp_peer_config){
        .name = peer->source->name,
        .ice = &peer->source->ice,
        .stun = stun ? address_to_reach_server(plan, index, (unsigned)peer->stun, HP_SERVER_UDP) : (hp_addr){0},
        .stun_name = stun ? stun->source->name : NULL,
        .stun_host = stun && peer->n_dns > 0 ? stun->dns_name : NULL,
        .turn = setup->turn,
        .n_turn = n_turn,
        .resolver = peer->n_dns > 0 ? &peer->resolver : NULL,
        .mdns = peer->source->mdns.on ? &peer->source->mdns.config : NULL,
        .hides_addresses = !peer->source->mdns.shows_addresses,
        .gateways = (const hp_peer_gateway *)(const void *)setup->gateways->data,
        .n_gateways = setup->gateways->len,
        .client = {.queue_early_candidates = client->queue_early_candidates,
                   .send_before_set = client->send_before_set,
                   .ignores_own = client->ignores_own,
                   .answers_any_offer = client->answers_any_offer,
                   .null_id_until = client->null_id_until,
                   .answer_delay = client->answer_delay},
        .media = &peer->source->media};
    for (unsigned kind = 0; kind < HP_MEDIA_N_KINDS; kind++) {
        const hp_capture *capture = peer->replay[kind];
        setup->config.replay[kind] = capture ? capture->datagrams : NULL;
        setup->config.n_replay[kind] = capture ? capture->n : 0;
    }
    return setup;
}

void hp_peer_setup_free(hp_peer_setup *setup)
{
    if (!setup)
        return;
    g_free(setup->turn);
    g_array_unref(setup->gateways);
    g_free(setup);
}

/* ---- names in the scripts of raw peers ---- */

static bool resolve_server(const hp_plan *plan, unsigned asking, unsigned server, hp_raw_transport transport,
                           hp_addr *ret)
{
    const hp_server_config *config = &plan->servers[server].config;
    bool secure = transport == HP_RAW_OVER_TLS || transport == HP_RAW_OVER_DTLS;
    uint16_t port = secure ? config->tls_port ? config->tls_port : 5349 : config->port ? config->port : 3478;
    hp_addr a = reachable(&plan->peers[asking], &plan->servers[server].attachment, false);
    if (!a.family)
        return false;
    if (config->kind == HP_SERVER_DNS)
        port = plan->servers[server].dns.port ? plan->servers[server].dns.port : 53;
    *ret = hp_addr_with_port(a, port);
    return true;
}

bool hp_raw_setup_resolve(const hp_plan *plan, unsigned asking, const char *name, hp_raw_transport transport,
                          hp_raw_setup_main main_address, void *user, hp_addr *ret)
{
    int server = hp_plan_find_server(plan, name), peer = hp_plan_find_peer(plan, name);
    if (server >= 0)
        return resolve_server(plan, asking, (unsigned)server, transport, ret);
    if (peer < 0)
        return false;
    if (plan->peers[peer].source->is_raw && main_address(user, (unsigned)peer, ret))
        return true;
    for (unsigned k = 0; k < plan->peers[peer].n_interfaces; k++) {
        hp_addr a = reachable(&plan->peers[asking], &plan->peers[peer].interfaces[k], false);
        if (a.family) {
            *ret = a;
            return true;
        }
    }
    return false;
}

bool hp_raw_setup_planned_main(void *user, unsigned index, hp_addr *ret)
{
    const hp_plan *plan = user;
    const hp_plan_peer *peer = &plan->peers[index];
    const hp_raw_config *raw = &peer->source->raw;
    for (unsigned i = 0; i < raw->n_sockets; i++) {
        const hp_raw_socket *socket = &raw->sockets[i];
        if (strcmp(socket->name, "main") != 0 || socket->port == 0)
            continue;
        for (unsigned k = 0; k < peer->n_interfaces; k++) {
            hp_addr a = first_of(&peer->interfaces[k], socket->ipv6 ? HP_AF_IPV6 : HP_AF_IPV4);
            bool meant = !socket->interface || g_strcmp0(peer->interfaces[k].name, socket->interface) == 0;
            if (meant && a.family) {
                *ret = hp_addr_with_port(a, socket->port);
                return true;
            }
        }
    }
    return false;
}
