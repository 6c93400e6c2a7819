/* Names instead of addresses, as far as they decide who knows what.
 *
 * A peer with DNS servers of its own knows STUN and TURN servers by name: it gets the addresses that the first of those
 * DNS servers gives which it reaches. A server with DNS64 makes an IPv6 address of an IPv4 one for a name that has no
 * other (RFC 6147 section 5.1). A peer that hides its addresses behind names of multicast DNS is known to those on its
 * own link alone: such names do not leave it (RFC 6762 section 3). */
#include <string.h>

#include "oracle/call.h"
#include "wire/dns64.h"

enum { DNS_PORT = 53, MOST_ALIASES = 8 };

typedef struct known_addresses {
    hp_addr *addresses;
    unsigned n, room;
} known_addresses;

static void know(known_addresses *known, const hp_addr *a)
{
    for (unsigned i = 0; i < known->n; i++)
        if (hp_addr_same_ip(&known->addresses[i], a))
            return;
    if (known->n < known->room)
        known->addresses[known->n++] = hp_addr_with_port(*a, 0);
}

static const hp_dns_host *find_host(const hp_dns_config *dns, const char *name)
{
    for (unsigned alias = 0; alias < MOST_ALIASES; alias++) {
        const hp_dns_host *found = NULL;
        for (unsigned i = 0; !found && i < dns->n_hosts; i++)
            if (g_ascii_strcasecmp(dns->hosts[i].name, name) == 0)
                found = &dns->hosts[i];
        if (!found || !found->cname)
            return found;
        name = found->cname;
    }
    return NULL;
}

static bool is_excluded(const hp_dns64_config *dns64, const hp_addr *a)
{
    bool excluded = hp_addr_is_v4_mapped(a);
    for (unsigned i = 0; i < dns64->n_exclude; i++)
        excluded |= hp_prefix_contains(&dns64->exclude[i], a);
    return excluded;
}

static void synthesize(const hp_dns64_config *dns64, const hp_dns_host *host, known_addresses *known)
{
    const hp_prefix prefix = dns64->prefix.base.family ? dns64->prefix : hp_dns64_well_known();
    bool well_known = !dns64->prefix.base.family;
    for (unsigned i = 0; i < host->n_addresses; i++) {
        hp_addr made;
        if (host->addresses[i].family != HP_AF_IPV4 ||
            (well_known && !dns64->private_addresses && hp_addr_is_private(&host->addresses[i])))
            continue;
        if (hp_dns64_embed(&prefix, &host->addresses[i], &made))
            know(known, &made);
    }
}

static void look_up(const hp_dns_config *dns, const char *name, known_addresses *known)
{
    const hp_dns_host *host = find_host(dns, name);
    bool has_ipv6 = false;
    for (unsigned i = 0; host && i < host->n_addresses; i++) {
        const hp_addr *a = &host->addresses[i];
        if (dns->dns64.on && a->family == HP_AF_IPV6 && is_excluded(&dns->dns64, a))
            continue;
        has_ipv6 |= a->family == HP_AF_IPV6;
        know(known, a);
    }
    if (host && dns->dns64.on && !has_ipv6)
        synthesize(&dns->dns64, host, known);
}

/* Whether a question and its answer find their way. */
static bool reaches_dns(hp_call *call, unsigned side, unsigned dns)
{
    const hp_plan_peer *peer = &call->plan->peers[call->peers[side]];
    const hp_plan_server *server = &call->plan->servers[dns];
    const uint16_t port = server->dns.port ? server->dns.port : DNS_PORT;
    for (unsigned i = 0; i < peer->n_interfaces && !server->source->stopped; i++)
        for (unsigned k = 0; k < peer->interfaces[i].n_addresses; k++)
            for (unsigned s = 0; s < server->attachment.n_addresses; s++) {
                const hp_plan_attachment *at = &peer->interfaces[i];
                hp_addr from = hp_addr_with_port(at->addresses[k], hp_walk_symbol(&call->walk, 1024, UINT16_MAX));
                hp_addr to =
                    hp_addr_with_port(server->attachment.addresses[s], hp_walk_symbol(&call->walk, port, port));
                hp_walk there = hp_walk_send(&call->walk, HP_OVER_UDP, at, &from, &to);
                if (!there.at || there.at->kind != HP_HOLDER_SERVER || there.at->index != dns)
                    continue;
                hp_walk back = hp_walk_send(&call->walk, HP_OVER_UDP, &server->attachment, &there.dst, &there.src);
                if (back.at && back.at->at == at)
                    return true;
            }
    return false;
}

static bool has_family(const hp_plan_peer *peer, uint8_t family)
{
    bool has = false;
    for (unsigned i = 0; i < peer->n_interfaces; i++) {
        has |= peer->interfaces[i].clat4.family == family;
        for (unsigned k = 0; k < peer->interfaces[i].n_addresses; k++)
            has |= peer->interfaces[i].addresses[k].family == family;
    }
    return has;
}

/* The one that a client with room for one would take: by name as RFC 6724 orders them, IPv6 first, else IPv4 first. */
static unsigned keep_one(const hp_plan_peer *peer, hp_addr *addresses, unsigned n)
{
    const uint8_t preferred = peer->n_dns > 0 ? HP_AF_IPV6 : HP_AF_IPV4;
    unsigned best = 0;
    for (unsigned i = n; i > 0; i--)
        if (has_family(peer, addresses[i - 1].family) &&
            (addresses[i - 1].family == preferred || !has_family(peer, addresses[best].family) ||
             addresses[best].family != preferred))
            best = i - 1;
    if (n > 0)
        addresses[0] = addresses[best];
    return MIN(n, 1);
}

unsigned hp_call_server_addresses(hp_call *call, unsigned side, unsigned server, hp_addr *ret, unsigned room)
{
    const hp_plan_peer *peer = &call->plan->peers[call->peers[side]];
    const hp_plan_attachment *at = &call->plan->servers[server].attachment;
    known_addresses known = {.addresses = ret, .room = room};
    if (peer->n_dns == 0)
        for (unsigned i = 0; i < at->n_addresses; i++)
            know(&known, &at->addresses[i]);
    for (unsigned i = 0; i < peer->n_dns; i++)
        if (reaches_dns(call, side, (unsigned)peer->dns[i])) {
            look_up(&call->plan->servers[peer->dns[i]].dns, call->plan->servers[server].dns_name, &known);
            break;
        }
    return call->limits & HP_LIMIT_ONE_ADDRESS ? keep_one(peer, ret, known.n) : known.n;
}

bool hp_call_hides(const hp_call *call, unsigned side)
{
    const hp_sc_mdns *mdns = &call->plan->peers[call->peers[side]].source->mdns;
    return mdns->on && !mdns->config.off && !mdns->shows_addresses;
}

bool hp_call_resolves(const hp_call *call, unsigned side, const hp_plan_attachment *at)
{
    const hp_plan_peer *peer = &call->plan->peers[call->peers[side]];
    const hp_plan_peer *other = &call->plan->peers[call->peers[!side]];
    const hp_sc_mdns *mdns = &peer->source->mdns, *its = &other->source->mdns;
    if (!mdns->on || mdns->config.off || (its->config.deaf && its->config.silent))
        return false;
    for (unsigned i = 0; i < peer->n_interfaces; i++)
        if (peer->interfaces[i].zone == at->zone && at->zone != 0)
            return true;
    return false;
}
