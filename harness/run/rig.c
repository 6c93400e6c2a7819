/* Theory of operation: zones become routers, attachments become links, and every element gets the name by which the
 * scenario, the capture and the drops speak of it: "alice/up" and "alice/down" for an access link, "internet/alice"
 * for the zone's own link from alice, "home/gateway" for the one from a NAT into its inside.
 *
 * Firewalls are in rig_firewall.c, middleboxes of rules in rig_rules.c.
 *
 * Only the Internet's router is a hop and answers what it cannot route; an inside is a switch whose default route is
 * its NAT, and a plain LAN has no way out. Multicast stays within an inside or a LAN. */
#include "run/rig_private.h"

#include <string.h>

#include "programs/peer_setup.h"
#include "world/clat.h"

/* A router port that leads nowhere: an address of the network itself that nobody has ends there, as it does where
 * nobody answers an ARP request, instead of leaving by the default route. */
#define ON_LINK_PORT 0

/* ---- links ---- */

/* Whether a set-link step will need this access link. */
static bool is_reconfigured(const hp_plan *plan, const char *owner, const char *interface)
{
    for (unsigned i = 0; i < plan->scenario->n_steps; i++) {
        const hp_step *step = &plan->scenario->steps[i];
        if (step->kind == HP_STEP_SET_LINK && strcmp(step->link.of, owner) == 0 &&
            (!step->link.interface || !interface || strcmp(step->link.interface, interface) == 0))
            return true;
    }
    return false;
}

static hp_link *make_link(hp_rig *rig, const hp_link_config *config, const char *a, const char *b)
{
    g_autofree char *name = g_strdup_printf("%s/%s", a, b);
    return hp_link_new(rig->world, name, config);
}

hp_addr hp_rig_first_of(const hp_addr *addresses, unsigned n, uint8_t family)
{
    for (unsigned i = 0; i < n; i++)
        if (addresses[i].family == family)
            return addresses[i];
    return (hp_addr){0};
}

static void route(hp_rig *rig, const hp_rig_attachment *at, bool add)
{
    for (unsigned i = 0; i < at->n_addresses; i++) {
        hp_prefix host = {.base = at->addresses[i], .bits = at->addresses[i].family == HP_AF_IPV4 ? 32 : 128};
        if (add)
            hp_router_add_route(rig->zones[at->zone].router, &host, at->router_port);
        else
            hp_router_remove_route(rig->zones[at->zone].router, &host);
    }
}

void hp_rig_route_prefix(hp_rig *rig, const hp_rig_attachment *at, const hp_prefix *prefix)
{
    while (at && prefix->base.family) {
        const hp_plan_zone *zone = &rig->plan->zones[at->zone];
        hp_router_add_route(rig->zones[at->zone].router, prefix, at->router_port);
        at = NULL;
        if (zone->nat >= 0) {
            hp_rig_nat_add_inside_prefix(rig, (unsigned)zone->nat, prefix);
            bool routes = prefix->base.family == HP_AF_IPV6 &&
                          rig->plan->nats[zone->nat].source->config.ipv6 == HP_NAT_IPV6_ROUTE;
            at = routes ? &rig->nat_outsides[zone->nat] : NULL;
        } else if (zone->firewall >= 0) {
            hp_firewall_add_inside_prefix(rig->firewalls[zone->firewall], prefix);
            at = &rig->firewall_outsides[zone->firewall];
        }
    }
}

/* Connects an element's port to its zone. */
void hp_rig_attach(hp_rig *rig, hp_rig_attachment *at, const hp_plan_attachment *plan, hp_node *node,
                   unsigned node_port, const char *owner)
{
    hp_rig_zone *zone = &rig->zones[plan->zone];
    const hp_plan_zone *zone_plan = &rig->plan->zones[plan->zone];
    hp_node *router = hp_router_node(zone->router);
    bool kept = is_reconfigured(rig->plan, owner, plan->name);
    g_autofree char *who = plan->name ? g_strdup_printf("%s/%s", owner, plan->name) : g_strdup(owner);
    *at = (hp_rig_attachment){.plan = plan,
                              .zone = plan->zone,
                              .router_port = zone->n_ports++,
                              .node = node,
                              .node_port = node_port,
                              .addresses = g_memdup2(plan->addresses, plan->n_addresses * sizeof(hp_addr)),
                              .spare = plan->spare ? g_memdup2(plan->spare, plan->n_addresses * sizeof(hp_addr)) : NULL,
                              .n_addresses = plan->n_addresses};

    at->crossing = make_link(rig, &zone_plan->link, zone_plan->name, who);
    g_ptr_array_add(zone->crossings, at->crossing);
    hp_node *crossing = hp_link_node(at->crossing);
    hp_node_connect(crossing, 0, router, at->router_port);
    hp_node_connect(crossing, 1, node, node_port);
    if (kept || !hp_link_config_is_ideal(&plan->link.up)) {
        at->up = make_link(rig, &plan->link.up, who, "up");
        hp_node_connect(node, node_port, hp_link_node(at->up), 0);
        hp_node_connect(hp_link_node(at->up), 0, crossing, 0);
        hp_node_connect(hp_link_node(at->up), 1, node, node_port);
    } else {
        hp_node_connect(node, node_port, crossing, 0);
    }
    if (kept || !hp_link_config_is_ideal(&plan->link.down)) {
        at->down = make_link(rig, &plan->link.down, who, "down");
        hp_node_connect(router, at->router_port, hp_link_node(at->down), 0);
        hp_node_connect(hp_link_node(at->down), 0, node, node_port);
        hp_node_connect(hp_link_node(at->down), 1, router, at->router_port);
    } else {
        hp_node_connect(router, at->router_port, node, node_port);
    }
    /* What speaks for the link in ICMP errors: the zone's gateway. */
    hp_link *const links[] = {at->up, at->crossing, at->down};
    for (unsigned i = 0; i < G_N_ELEMENTS(links); i++)
        if (links[i])
            hp_link_set_router_address(links[i], &zone_plan->router4, &zone_plan->router6);
    route(rig, at, true);

    hp_trace *trace = hp_world_trace(rig->world);
    for (unsigned i = 0; trace && i < plan->n_addresses; i++)
        hp_trace_name_address(trace, who, &plan->addresses[i]);
}

/* ---- zones, NATs, hosts ---- */

static void build_zones(hp_rig *rig)
{
    rig->zones = g_new0(hp_rig_zone, rig->plan->n_zones);
    for (unsigned z = 0; z < rig->plan->n_zones; z++) {
        const hp_plan_zone *plan = &rig->plan->zones[z];
        hp_router_config config = {.hop = z == 0, .unreachable = z == 0, .multicast = z != 0};
        if (z == 0) { /* elsewhere the gateway's addresses are a NAT's */
            config.address4 = plan->router4;
            config.address6 = plan->router6;
        }
        rig->zones[z].router = hp_router_new(rig->world, plan->name, &config);
        rig->zones[z].crossings = g_ptr_array_new();
        rig->zones[z].n_ports = ON_LINK_PORT + 1;
        const hp_prefix *const on_link[] = {&plan->prefix4, &plan->prefix6};
        for (unsigned i = 0; i < G_N_ELEMENTS(on_link); i++)
            if (on_link[i]->base.family)
                hp_router_add_route(rig->zones[z].router, on_link[i], ON_LINK_PORT);
    }
}

void hp_rig_attach_inside(hp_rig *rig, hp_rig_inside *at, unsigned zone_index, hp_node *node, unsigned node_port)
{
    const hp_plan_zone *zone_plan = &rig->plan->zones[zone_index];
    hp_rig_zone *zone = &rig->zones[zone_index];
    hp_node *router = hp_router_node(zone->router);
    unsigned port = zone->n_ports++;
    hp_link *crossing = make_link(rig, &zone_plan->link, zone_plan->name, "gateway");
    g_ptr_array_add(zone->crossings, crossing);
    hp_link_set_router_address(crossing, &zone_plan->router4, &zone_plan->router6);
    hp_node_connect(node, node_port, hp_link_node(crossing), 0);
    hp_node_connect(hp_link_node(crossing), 0, router, port);
    hp_node_connect(hp_link_node(crossing), 1, node, node_port);
    hp_node_connect(router, port, node, node_port);
    hp_router_set_default(zone->router, (int)port);
    *at = (hp_rig_inside){
        .zone = zone_index, .router_port = port, .node = node, .node_port = node_port, .crossing = crossing};
    const hp_addr *const own[] = {&zone_plan->router4, &zone_plan->router6};
    for (unsigned k = 0; k < G_N_ELEMENTS(own); k++) {
        hp_prefix host = {.base = *own[k], .bits = own[k]->family == HP_AF_IPV4 ? 32 : 128};
        if (own[k]->family)
            hp_router_add_route(zone->router, &host, port);
    }
}

static bool build_nats(hp_rig *rig, GError **error)
{
    const hp_plan *plan = rig->plan;
    rig->nats = g_new0(hp_nat *, plan->n_nats);
    rig->kernel_nats = g_new0(hp_kernel_router *, plan->n_nats);
    rig->gateways = g_new0(hp_gateway *, plan->n_nats);
    rig->nat_outsides = g_new0(hp_rig_attachment, plan->n_nats);
    rig->nat_insides = g_new0(hp_rig_inside, plan->n_nats);
    rig->nat_firewalls = g_new0(hp_firewall *, plan->n_nats);
    for (unsigned i = 0; i < plan->n_nats; i++) {
        const hp_plan_nat *nat_plan = &plan->nats[i];
        const hp_plan_zone *inside = &plan->zones[nat_plan->inside_zone];
        hp_rig_build_nat(rig, i);
        hp_rig_attach_nat_inside(rig, i);
        hp_rig_attach(rig, &rig->nat_outsides[i], &nat_plan->outside, hp_rig_nat_node(rig, i), HP_NAT_OUTSIDE,
                      nat_plan->source->name);
        if (nat_plan->source->config.ipv6 == HP_NAT_IPV6_PREFIX)
            hp_nat_set_external_prefix(rig->nats[i], &inside->prefix6, &nat_plan->routed6);
        if (!hp_rig_build_gateway(rig, i, error))
            return false;
    }
    return true;
}

/* The CLAT between a host's interface, or the firewall before it, and its network, a node like a NAT: its host is seen
 * by IPv4. */
static hp_node *add_clat(hp_rig *rig, hp_node *host, unsigned port, const hp_plan_attachment *plan)
{
    hp_clat_config config = {.host4 = plan->clat4,
                             .own4 = hp_addr_v4(0xc0000001, 0), /* RFC 7335 */
                             .source6 = plan->clat6,
                             .pref64 = plan->clat_prefix};
    hp_node *clat = hp_clat_node(hp_clat_new(rig->world, plan->clat, &config));
    hp_node_connect(host, port, clat, HP_CLAT_HOST);
    hp_node_connect(clat, HP_CLAT_HOST, host, port);
    if (hp_world_trace(rig->world))
        hp_trace_name_address(hp_world_trace(rig->world), plan->clat, &plan->clat6);
    return clat;
}

static void add_interface(hp_rig *rig, hp_host *host, hp_rig_attachment *at, const hp_plan_attachment *plan,
                          const char *owner, const hp_sc_firewall *firewall, hp_firewall **ret_firewall)
{
    unsigned n = hp_host_add_interface(host, plan->name, plan->mtu);
    for (unsigned i = 0; i < plan->n_addresses; i++)
        hp_host_add_address(host, n, &plan->addresses[i]);
    hp_node *edge = hp_host_node(host);
    unsigned port = n;
    *ret_firewall = firewall->on ? hp_rig_host_firewall(rig, edge, port, plan, firewall) : NULL;
    if (*ret_firewall) {
        edge = hp_firewall_node(*ret_firewall);
        port = HP_FIREWALL_OUTSIDE;
    }
    if (plan->clat4.family) {
        hp_host_add_address(host, n, &plan->clat4);
        hp_rig_attach(rig, at, plan, add_clat(rig, edge, port, plan), HP_CLAT_NETWORK, owner);
        hp_prefix own = {.base = plan->clat6, .bits = 128};
        hp_router_add_route(rig->zones[at->zone].router, &own, at->router_port);
    } else {
        hp_rig_attach(rig, at, plan, edge, port, owner);
    }
}

static bool build_servers(hp_rig *rig, GError **error)
{
    const hp_plan *plan = rig->plan;
    rig->server_hosts = g_new0(hp_host *, plan->n_servers);
    rig->servers = g_new0(hp_server *, plan->n_servers);
    rig->dns = g_new0(hp_dns_service *, plan->n_servers);
    rig->server_attachments = g_new0(hp_rig_attachment, plan->n_servers);
    rig->server_firewalls = g_new0(hp_firewall *, plan->n_servers);
    for (unsigned i = 0; i < plan->n_servers; i++) {
        const hp_plan_server *server = &plan->servers[i];
        rig->server_hosts[i] = hp_host_new(rig->world, server->source->name);
        add_interface(rig, rig->server_hosts[i], &rig->server_attachments[i], &server->attachment, server->source->name,
                      &server->source->firewall, &rig->server_firewalls[i]);
        if (rig->hosts_alone)
            continue;
        if (server->source->config.kind == HP_SERVER_DNS)
            rig->dns[i] = hp_dns_service_new(rig->server_hosts[i], server->source->name, &server->dns, error);
        else
            rig->servers[i] = hp_server_new(rig->server_hosts[i], server->source->name, &server->config, error);
        if (!rig->servers[i] && !rig->dns[i])
            return false;
        if (server->source->stopped)
            hp_rig_stop_server(rig, i);
    }
    return true;
}

/* ---- peers ---- */

static void build_peers(hp_rig *rig)
{
    const hp_plan *plan = rig->plan;
    if (!rig->hosts_alone) {
        rig->signaling = hp_signaling_new(rig->world, &plan->scenario->signaling);
        rig->hub = hp_media_hub_new(rig->world);
    }
    rig->peer_hosts = g_new0(hp_host *, plan->n_peers);
    rig->peers = g_new0(hp_peer *, plan->n_peers);
    rig->raw_peers = g_new0(hp_raw_peer *, plan->n_peers);
    rig->peer_attachments = g_new0(hp_rig_attachment *, plan->n_peers);
    rig->peer_firewalls = g_new0(hp_firewall **, plan->n_peers);
    for (unsigned i = 0; i < plan->n_peers; i++) {
        const hp_plan_peer *peer = &plan->peers[i];
        hp_host *host = rig->peer_hosts[i] = hp_host_new(rig->world, peer->source->name);
        rig->peer_attachments[i] = g_new0(hp_rig_attachment, peer->n_interfaces);
        rig->peer_firewalls[i] = g_new0(hp_firewall *, peer->n_interfaces);
        for (unsigned k = 0; k < peer->n_interfaces; k++)
            add_interface(rig, host, &rig->peer_attachments[i][k], &peer->interfaces[k], peer->source->name,
                          &peer->source->interfaces[k].firewall, &rig->peer_firewalls[i][k]);
        if (rig->hosts_alone)
            continue;
        if (peer->source->is_raw) {
            rig->raw_peers[i] = hp_rig_raw_peer_new(rig, i);
            continue;
        }
        g_autoptr(hp_peer_setup) setup = hp_peer_setup_new(plan, i);
        setup->config.hub = rig->hub;
        rig->peers[i] = hp_peer_new(host, rig->signaling, &setup->config);
    }
}

/* ---- the whole ---- */

static hp_rig *build(const hp_plan *plan, hp_trace *trace, bool hosts_alone, GError **error)
{
    hp_rig *rig = g_new0(hp_rig, 1);
    rig->hosts_alone = hosts_alone;
    rig->plan = plan;
    rig->world = hp_world_new(plan->seed, trace);
    build_zones(rig);
    if (!build_nats(rig, error)) {
        hp_rig_free(rig);
        return NULL;
    }
    hp_rig_build_firewalls(rig);
    for (unsigned i = 0; i < plan->n_nats; i++)
        hp_rig_route_prefix(rig, &rig->nat_outsides[i], &plan->nats[i].routed6);
    if (!build_servers(rig, error)) {
        hp_rig_free(rig);
        return NULL;
    }
    build_peers(rig);
    if (!hp_rig_build_rules(rig, error)) {
        hp_rig_free(rig);
        return NULL;
    }
    return rig;
}

hp_rig *hp_rig_new(const hp_plan *plan, hp_trace *trace, GError **error)
{
    return build(plan, trace, false, error);
}

hp_rig *hp_rig_new_of_hosts(const hp_plan *plan, hp_trace *trace, GError **error)
{
    return build(plan, trace, true, error);
}

static void clear_attachment(hp_rig_attachment *at)
{
    g_free(at->addresses);
    g_free(at->spare);
}

void hp_rig_free(hp_rig *rig)
{
    if (!rig)
        return;
    const hp_plan *plan = rig->plan;
    for (unsigned i = 0; rig->peers && i < plan->n_peers; i++) {
        if (rig->peers[i])
            hp_peer_free(rig->peers[i]);
        hp_raw_peer_free(rig->raw_peers[i]);
        for (unsigned k = 0; k < plan->peers[i].n_interfaces; k++)
            clear_attachment(&rig->peer_attachments[i][k]);
        g_free(rig->peer_attachments[i]);
        g_free(rig->peer_firewalls[i]);
    }
    hp_media_hub_free(rig->hub);
    hp_signaling_free(rig->signaling);
    for (unsigned i = 0; rig->servers && i < plan->n_servers; i++) {
        hp_server_free(rig->servers[i]);
        hp_dns_service_free(rig->dns[i]);
        clear_attachment(&rig->server_attachments[i]);
    }
    for (unsigned i = 0; i < plan->n_nats; i++) {
        hp_gateway_free(rig->gateways[i]);
        clear_attachment(&rig->nat_outsides[i]);
    }
    for (unsigned i = 0; i < plan->n_firewalls; i++)
        clear_attachment(&rig->firewall_outsides[i]);
    hp_world_free(rig->world);
    for (unsigned z = 0; z < plan->n_zones; z++)
        g_ptr_array_unref(rig->zones[z].crossings);
    g_free(rig->zones);
    g_clear_pointer(&rig->filters, g_ptr_array_unref);
    g_free(rig->middleboxes);
    g_free(rig->firewalls);
    g_free(rig->nat_firewalls);
    g_free(rig->server_firewalls);
    g_free(rig->peer_firewalls);
    g_free(rig->firewall_outsides);
    g_free(rig->nat_insides);
    g_free(rig->firewall_insides);
    g_free(rig->nats);
    g_free(rig->kernel_nats);
    g_free(rig->gateways);
    g_free(rig->nat_outsides);
    g_free(rig->server_hosts);
    g_free(rig->servers);
    g_free(rig->dns);
    g_free(rig->server_attachments);
    g_free(rig->peer_hosts);
    g_free(rig->peers);
    g_free(rig->raw_peers);
    g_free(rig->peer_attachments);
    g_free(rig);
}

/* addresses: none given: the spare ones, which change places with the present ones. */
static void readdress(hp_rig *rig, hp_rig_attachment *at, const char *name, const hp_addr *addresses, unsigned n)
{
    route(rig, at, false);
    if (n > 0) {
        g_free(at->addresses);
        at->addresses = g_memdup2(addresses, n * sizeof *addresses);
        at->n_addresses = n;
    } else {
        hp_addr *old = at->addresses;
        at->addresses = at->spare;
        at->spare = old;
        at->n_addresses = at->plan->n_addresses;
    }
    route(rig, at, true);
    hp_trace *trace = hp_world_trace(rig->world);
    for (unsigned i = 0; trace && i < at->n_addresses; i++)
        hp_trace_name_address(trace, name, &at->addresses[i]);
}

void hp_rig_renumber(hp_rig *rig, unsigned nat, const hp_addr *addresses, unsigned n)
{
    hp_rig_attachment *at = &rig->nat_outsides[nat];
    readdress(rig, at, rig->plan->nats[nat].source->name, addresses, n);
    hp_rig_nat_renumber(rig, nat, at->addresses, at->n_addresses);
    if (rig->gateways[nat])
        hp_gateway_restart(rig->gateways[nat]);
}

/* ---- servers ---- */

void hp_rig_stop_server(hp_rig *rig, unsigned server)
{
    if (rig->dns[server])
        hp_dns_service_stop(rig->dns[server]);
    else
        hp_server_stop(rig->servers[server]);
}

void hp_rig_start_server(hp_rig *rig, unsigned server)
{
    if (rig->dns[server])
        hp_dns_service_start(rig->dns[server], NULL);
    else
        hp_server_start(rig->servers[server], NULL);
}

void hp_rig_readdress_server(hp_rig *rig, unsigned server, const hp_addr *addresses, unsigned n)
{
    hp_rig_attachment *at = &rig->server_attachments[server];
    hp_host *host = rig->server_hosts[server];
    for (unsigned i = 0; i < at->n_addresses; i++)
        hp_host_remove_address(host, 0, &at->addresses[i]);
    readdress(rig, at, rig->plan->servers[server].source->name, addresses, n);
    for (unsigned i = 0; i < at->n_addresses; i++)
        hp_host_add_address(host, 0, &at->addresses[i]);
}

void hp_rig_renumber_server(hp_rig *rig, unsigned server, const hp_addr *addresses, unsigned n)
{
    const hp_plan_server *plan = &rig->plan->servers[server];
    const hp_rig_attachment *at = &rig->server_attachments[server];
    bool runs =
        rig->dns[server] ? hp_dns_service_is_running(rig->dns[server]) : hp_server_is_running(rig->servers[server]);
    hp_rig_stop_server(rig, server);
    hp_rig_readdress_server(rig, server, addresses, n);
    if (runs)
        hp_rig_start_server(rig, server);
    hp_dns_host record = {.name = (char *)plan->dns_name, .addresses = at->addresses, .n_addresses = at->n_addresses};
    for (unsigned i = 0; i < rig->plan->n_servers; i++)
        if (rig->dns[i] && hp_plan_knows_by_itself(&rig->plan->servers[i], plan->dns_name))
            hp_dns_service_set_host(rig->dns[i], &record, NULL);
}

void hp_rig_set_dns(hp_rig *rig, const hp_step *step)
{
    int server = hp_plan_find_server(rig->plan, step->dns.server);
    g_assert(server >= 0); /* the loader knows no other names */
    for (unsigned i = 0; i < step->dns.n_hosts; i++)
        hp_dns_service_set_host(rig->dns[server], &step->dns.hosts[i], NULL);
}

/* ---- set-link ---- */

static void configure_access(hp_rig_attachment *at, const hp_step *step)
{
    if (step->link.direction & HP_SC_UP)
        hp_link_configure(at->up, &step->link.config, step->link.text);
    if (step->link.direction & HP_SC_DOWN)
        hp_link_configure(at->down, &step->link.down_config, step->link.text);
}

void hp_rig_set_link(hp_rig *rig, const hp_step *step)
{
    const hp_plan *plan = rig->plan;
    int peer = hp_plan_find_peer(plan, step->link.of), nat = hp_plan_find_nat(plan, step->link.of);
    int server = hp_plan_find_server(plan, step->link.of), zone = hp_plan_find_zone(plan, step->link.of);
    if (peer >= 0) {
        for (unsigned k = 0; k < plan->peers[peer].n_interfaces; k++) {
            const char *name = plan->peers[peer].interfaces[k].name;
            if (step->link.interface ? name && strcmp(name, step->link.interface) == 0 : k == 0)
                configure_access(&rig->peer_attachments[peer][k], step);
        }
    } else if (server >= 0) {
        configure_access(&rig->server_attachments[server], step);
    } else if (nat >= 0) {
        configure_access(&rig->nat_outsides[nat], step);
    } else if (hp_plan_find_firewall(plan, step->link.of) >= 0) {
        configure_access(&rig->firewall_outsides[hp_plan_find_firewall(plan, step->link.of)], step);
    } else {
        g_assert(zone >= 0); /* the loader knows no other names */
        const GPtrArray *crossings = rig->zones[zone].crossings;
        for (unsigned i = 0; i < crossings->len; i++)
            hp_link_configure(crossings->pdata[i], &step->link.config, step->link.text);
    }
}
