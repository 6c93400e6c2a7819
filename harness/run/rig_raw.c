/* Raw peers in a rig: who is meant by a name in a script.
 *
 * A server is reached at the port of the transport that is asked for, a raw peer at its socket `main`, any other peer at its
 * host's address, whose port only signalling tells. Of several addresses the first counts that is of a family the asking
 * peer has, IPv4 before IPv6. */
#include "run/rig.h"

static hp_addr first_of(const hp_addr *addresses, unsigned n, uint8_t family)
{
    for (unsigned i = 0; i < n; i++)
        if (addresses[i].family == family)
            return addresses[i];
    return (hp_addr){0};
}

/* An attachment's address, IPv4 first, of a family that the peer who asks has. */
static bool reachable(const hp_plan_peer *asking, const hp_plan_attachment *at, hp_addr *ret)
{
    const uint8_t families[] = {HP_AF_IPV4, HP_AF_IPV6};
    for (unsigned i = 0; i < G_N_ELEMENTS(families); i++) {
        hp_addr a = first_of(at->addresses, at->n_addresses, families[i]);
        for (unsigned k = 0; a.family && k < asking->n_interfaces; k++)
            if (first_of(asking->interfaces[k].addresses, asking->interfaces[k].n_addresses, families[i]).family) {
                *ret = a;
                return true;
            }
    }
    return false;
}

/* What a raw peer's script means by a name: a server at the port of the transport, another raw peer's socket `main`, or
 * the address of a peer's host. */
static bool resolve_for_raw(void *user, const hp_raw_peer *asking, const char *name, hp_raw_transport transport,
                            hp_addr *ret)
{
    const hp_rig *rig = user;
    const hp_plan *plan = rig->plan;
    int server = hp_plan_find_server(plan, name), peer = hp_plan_find_peer(plan, name);
    unsigned own = 0;
    while (own < plan->n_peers && rig->raw_peers[own] != asking)
        own++;
    if (own == plan->n_peers)
        return false;
    if (server >= 0) {
        const hp_server_config *config = &plan->servers[server].config;
        bool dns = config->kind == HP_SERVER_DNS;
        bool secure = transport == HP_RAW_OVER_TLS || transport == HP_RAW_OVER_DTLS;
        uint16_t port = secure ? config->tls_port ? config->tls_port : 5349 : config->port ? config->port : 3478;
        if (!reachable(&plan->peers[own], &plan->servers[server].attachment, ret))
            return false;
        ret->port = !dns ? port : plan->servers[server].dns.port ? plan->servers[server].dns.port : 53;
        return true;
    }
    if (peer < 0)
        return false;
    if (rig->raw_peers[peer] && hp_raw_peer_main_address(rig->raw_peers[peer], ret))
        return true;
    for (unsigned k = 0; k < plan->peers[peer].n_interfaces; k++)
        if (reachable(&plan->peers[own], &plan->peers[peer].interfaces[k], ret))
            return true;
    return false;
}

hp_raw_peer *hp_rig_raw_peer_new(hp_rig *rig, unsigned i)
{
    const hp_sc_peer *source = rig->plan->peers[i].source;
    return hp_raw_peer_new(rig->peer_hosts[i], rig->signaling, source->name, &source->raw, resolve_for_raw, rig);
}
