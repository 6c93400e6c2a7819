/* Names in DNS: NAME.example for every server and peer, unless a server says another one.
 *
 * A DNS server without zones of its own stands for the whole of DNS and knows all of these names, with the addresses
 * that the elements have in their own networks (of a peer behind a NAT a private one). What the scenario says of a name
 * in `hosts` is all that the server knows of it. A peer asks each of its DNS servers at one address: the first of a
 * family that the peer has, IPv4 before IPv6, as it would reach any server that it knows by address. */
#include "plan/names.h"

#include <string.h>

#include "wire/dns.h"

static void *own(GPtrArray *owned, void *memory)
{
    g_ptr_array_add(owned, memory);
    return memory;
}

/* ---- records ---- */

static void add_host(GArray *hosts, const char *name, const hp_addr *addresses, unsigned n, unsigned n_own)
{
    hp_dns_host host = {.name = (char *)name, .addresses = (hp_addr *)addresses, .n_addresses = n};
    for (unsigned i = 0; i < n_own; i++)
        if (hp_dns_name_is_same(g_array_index(hosts, hp_dns_host, i).name, name))
            return;
    g_array_append_val(hosts, host); /* a name that stands twice is one with all these addresses */
}

static void add_peer(const hp_plan_peer *peer, GArray *hosts, unsigned n_own, GPtrArray *owned)
{
    const char *name = own(owned, g_strdup_printf("%s.example", peer->source->name));
    for (unsigned k = 0; k < peer->n_interfaces; k++)
        add_host(hosts, name, peer->interfaces[k].addresses, peer->interfaces[k].n_addresses, n_own);
}

static void make_hosts(hp_plan *plan, hp_plan_server *server, GPtrArray *owned)
{
    g_autoptr(GArray) hosts = g_array_new(FALSE, FALSE, sizeof(hp_dns_host));
    server->n_own_hosts = server->dns.n_hosts;
    if (server->dns.n_hosts > 0)
        g_array_append_vals(hosts, server->dns.hosts, server->dns.n_hosts);
    for (unsigned i = 0; server->dns.n_zones == 0 && i < plan->n_servers; i++) {
        const hp_plan_attachment *at = &plan->servers[i].attachment;
        add_host(hosts, plan->servers[i].dns_name, at->addresses, at->n_addresses, server->n_own_hosts);
    }
    for (unsigned i = 0; server->dns.n_zones == 0 && i < plan->n_peers; i++)
        add_peer(&plan->peers[i], hosts, server->n_own_hosts, owned);
    server->dns.n_hosts = hosts->len;
    server->dns.hosts = own(owned, g_memdup2(hosts->data, hosts->len * sizeof(hp_dns_host)));
}

bool hp_plan_knows_by_itself(const hp_plan_server *dns, const char *name)
{
    for (unsigned i = dns->n_own_hosts; i < dns->dns.n_hosts; i++)
        if (strcmp(dns->dns.hosts[i].name, name) == 0)
            return true;
    return false;
}

/* ---- resolvers ---- */

static bool has_family(const hp_plan_peer *peer, uint8_t family)
{
    for (unsigned k = 0; k < peer->n_interfaces; k++)
        for (unsigned i = 0; i < peer->interfaces[k].n_addresses; i++)
            if (peer->interfaces[k].addresses[i].family == family)
                return true;
    return false;
}

static bool address_for(const hp_plan_peer *peer, const hp_plan_server *server, hp_addr *ret)
{
    static const uint8_t families[] = {HP_AF_IPV4, HP_AF_IPV6};
    const hp_plan_attachment *at = &server->attachment;
    for (unsigned f = 0; f < G_N_ELEMENTS(families); f++)
        for (unsigned i = 0; has_family(peer, families[f]) && i < at->n_addresses; i++)
            if (at->addresses[i].family == families[f]) {
                *ret = hp_addr_with_port(at->addresses[i], server->dns.port);
                return true;
            }
    return false;
}

static void make_resolver(hp_plan *plan, hp_plan_peer *peer, GPtrArray *owned)
{
    const hp_sc_resolver *source = &peer->source->dns;
    peer->n_dns = source->servers ? g_strv_length(source->servers) : 0;
    peer->dns = own(owned, g_new0(int, MAX(peer->n_dns, 1)));
    peer->resolver = source->config;
    peer->resolver.servers = own(owned, g_new0(hp_addr, MAX(peer->n_dns, 1)));
    for (unsigned k = 0; k < peer->n_dns; k++) {
        peer->dns[k] = hp_plan_find_server(plan, source->servers[k]);
        g_assert(peer->dns[k] >= 0); /* the loader has seen to it */
        if (address_for(peer, &plan->servers[peer->dns[k]], &peer->resolver.servers[peer->resolver.n_servers]))
            peer->resolver.n_servers++;
    }
}

void hp_plan_names(hp_plan *plan, GPtrArray *owned)
{
    for (unsigned i = 0; i < plan->n_servers; i++) {
        const hp_sc_server *source = plan->servers[i].source;
        plan->servers[i].dns_name =
            source->dns_name ? source->dns_name : own(owned, g_strdup_printf("%s.example", source->name));
        plan->servers[i].dns = source->dns;
    }
    for (unsigned i = 0; i < plan->n_servers; i++)
        if (plan->servers[i].source->config.kind == HP_SERVER_DNS)
            make_hosts(plan, &plan->servers[i], owned);
    for (unsigned i = 0; i < plan->n_peers; i++)
        make_resolver(plan, &plan->peers[i], owned);
}
