/* Theory of operation.
 *
 * Four passes over one case of a scenario: zones get their numbers and networks; what the scenario numbered by hand is
 * reserved; everything else is numbered in the scenario's order (so that adding an element at the end renumbers
 * nothing); names become indices. That names exist and mean one thing the loader has checked; what is found here is told
 * with the mark of the element it is about, and a plan comes into being only when there was no problem.
 *
 * Rules find their places in rules.c. Insides of two NATs may overlap when the scenario says so (as homes do in the world); within a zone an address is
 * unique. */
#include "plan/plan.h"

#include <string.h>

#include "plan/addressing.h"
#include "plan/names.h"
#include "plan/places.h"
#include "plan/recordings.h"
#include "plan/routed.h"
#include "plan/rules.h"
#include "plan/transports.h"

typedef struct builder {
    hp_plan *plan;
    hp_diags *diags;
    const hp_scenario *scenario;
    unsigned *attached; /* how many attachments a zone holds */
    bool *carrier; /* zones that hold a NAT's outside */
    hp_address_pool *pool4, *pool6;
    bool failed;
} builder;

typedef struct plan_box {
    hp_plan plan; /* first: a hp_plan* is a plan_box* */
    GPtrArray *owned;
    char **places;
} plan_box;

static void *own(hp_plan *plan, void *memory)
{
    g_ptr_array_add(((plan_box *)(void *)plan)->owned, memory);
    return memory;
}

#define OWN_ARRAY(plan, type, n) ((type *)own((plan), g_new0(type, MAX((n), 1))))

bool hp_plan_is_told(const hp_diags *diags, hp_mark mark, const char *message)
{
    for (unsigned i = 0; i < diags->list->len; i++) {
        const hp_diag *d = diags->list->pdata[i];
        if (d->mark.line == mark.line && d->mark.column == mark.column && strcmp(d->message, message) == 0 &&
            g_strcmp0(d->mark.file, mark.file) == 0)
            return true;
    }
    return false;
}

static void G_GNUC_PRINTF(4, 5) complain(builder *b, hp_mark mark, const char *hint, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    g_autofree char *message = g_strdup_vprintf(format, args);
    va_end(args);
    b->failed = true;
    if (hp_plan_is_told(b->diags, mark, message))
        return;
    g_autofree char *line = hp_scenario_source_line(b->scenario, mark.line);
    hp_diags_add(b->diags, HP_SEVERITY_ERROR, mark, line, hint, "%s", message);
}

/* ---- zones ---- */

static void make_zones(builder *b)
{
    const hp_scenario *s = b->scenario;
    hp_plan *plan = b->plan;
    plan->n_zones = 1 + s->n_lans + s->n_nats + s->n_firewalls;
    plan->zones = OWN_ARRAY(plan, hp_plan_zone, plan->n_zones);
    plan->zones[0] = (hp_plan_zone){.name = "internet", .link = s->internet, .nat = -1, .firewall = -1};
    for (unsigned i = 0; i < s->n_lans; i++)
        plan->zones[1 + i] =
            (hp_plan_zone){.name = s->lans[i].name, .link = s->lans[i].link, .nat = -1, .firewall = -1};
    for (unsigned i = 0; i < s->n_nats; i++)
        plan->zones[1 + s->n_lans + i] =
            (hp_plan_zone){.name = s->nats[i].name, .link = s->nats[i].lan, .nat = (int)i, .firewall = -1};
    for (unsigned i = 0; i < s->n_firewalls; i++)
        plan->zones[1 + s->n_lans + s->n_nats + i] =
            (hp_plan_zone){.name = s->firewalls[i].name, .link = s->firewalls[i].lan, .nat = -1, .firewall = (int)i};
    b->attached = OWN_ARRAY(plan, unsigned, plan->n_zones);
    b->carrier = OWN_ARRAY(plan, bool, plan->n_zones);
}

/* The zone that a `behind:` names. The loader has seen to it that there is one. */
static unsigned zone_of(const builder *b, const char *behind)
{
    int zone = behind ? hp_plan_find_zone(b->plan, behind) : 0;
    g_assert(zone >= 0);
    return (unsigned)zone;
}

static unsigned inside_zone(const builder *b, unsigned nat)
{
    return 1 + b->scenario->n_lans + nat;
}

static void attach_nats(builder *b)
{
    const hp_scenario *s = b->scenario;
    hp_plan *plan = b->plan;
    plan->n_nats = s->n_nats;
    plan->nats = OWN_ARRAY(plan, hp_plan_nat, s->n_nats);
    for (unsigned i = 0; i < s->n_nats; i++) {
        hp_plan_nat *nat = &plan->nats[i];
        nat->source = &s->nats[i];
        nat->inside_zone = inside_zone(b, i);
        nat->outside = (hp_plan_attachment){.zone = zone_of(b, s->nats[i].behind),
                                            .tap = own(plan, g_strdup_printf("%s/out", s->nats[i].name)),
                                            .link = s->nats[i].link};
        b->attached[nat->outside.zone]++;
        b->carrier[nat->outside.zone] = true;
    }
}

static void attach_firewalls(builder *b)
{
    const hp_scenario *s = b->scenario;
    hp_plan *plan = b->plan;
    plan->n_firewalls = s->n_firewalls;
    plan->firewalls = OWN_ARRAY(plan, hp_plan_firewall, s->n_firewalls);
    for (unsigned i = 0; i < s->n_firewalls; i++) {
        hp_plan_firewall *firewall = &plan->firewalls[i];
        firewall->source = &s->firewalls[i];
        firewall->inside_zone = 1 + s->n_lans + s->n_nats + i;
        firewall->outside = (hp_plan_attachment){.zone = zone_of(b, s->firewalls[i].behind),
                                                 .tap = own(plan, g_strdup_printf("%s/out", s->firewalls[i].name)),
                                                 .link = s->firewalls[i].link};
        b->attached[firewall->outside.zone]++;
    }
}

static void check_nesting(builder *b)
{
    const hp_scenario *s = b->scenario;
    for (unsigned i = 1 + s->n_lans; i < b->plan->n_zones; i++) {
        int zone = (int)i;
        for (unsigned hops = 0; hops < b->plan->n_zones && zone >= 0; hops++)
            zone = hp_plan_zone_beyond(b->plan, (unsigned)zone);
        if (zone >= 0) {
            int nat = b->plan->zones[i].nat, firewall = b->plan->zones[i].firewall;
            complain(b, nat >= 0 ? s->nats[nat].mark : s->firewalls[firewall].mark, NULL, "%s `%s` is behind itself",
                     nat >= 0 ? "NAT" : "firewall", b->plan->zones[i].name);
            return;
        }
    }
}

static void attach_servers(builder *b)
{
    const hp_scenario *s = b->scenario;
    hp_plan *plan = b->plan;
    plan->n_servers = s->n_servers;
    plan->servers = OWN_ARRAY(plan, hp_plan_server, s->n_servers);
    for (unsigned i = 0; i < s->n_servers; i++) {
        hp_plan_server *server = &plan->servers[i];
        server->source = &s->servers[i];
        server->config = s->servers[i].config;
        server->attachment = (hp_plan_attachment){
            .zone = zone_of(b, s->servers[i].behind), .tap = s->servers[i].name, .link = s->servers[i].link};
        b->attached[server->attachment.zone] += 2;
    }
}

static void attach_peers(builder *b)
{
    const hp_scenario *s = b->scenario;
    hp_plan *plan = b->plan;
    plan->n_peers = s->n_peers;
    plan->peers = OWN_ARRAY(plan, hp_plan_peer, s->n_peers);
    for (unsigned i = 0; i < s->n_peers; i++) {
        const hp_sc_peer *source = &s->peers[i];
        hp_plan_peer *peer = &plan->peers[i];
        peer->source = source;
        peer->n_interfaces = source->n_interfaces;
        peer->interfaces = OWN_ARRAY(plan, hp_plan_attachment, source->n_interfaces);
        for (unsigned k = 0; k < source->n_interfaces; k++) {
            const hp_sc_interface *in = &source->interfaces[k];
            peer->interfaces[k] = (hp_plan_attachment){
                .zone = zone_of(b, in->behind),
                .name = in->name,
                .tap = source->n_interfaces > 1 ? own(plan, g_strdup_printf("%s/%s", source->name, in->name))
                                                : source->name,
                .link = in->link,
                .mtu = in->mtu};
            b->attached[peer->interfaces[k].zone]++;
        }
    }
}

/* ---- networks and addresses ---- */

static void number_zones(builder *b)
{
    const hp_scenario *s = b->scenario;
    hp_plan *plan = b->plan;
    b->pool4 = g_new0(hp_address_pool, plan->n_zones);
    b->pool6 = g_new0(hp_address_pool, plan->n_zones);
    for (unsigned z = 0; z < plan->n_zones; z++) {
        hp_plan_zone *zone = &plan->zones[z];
        if (z == 0) {
            hp_addr_parse("198.18.255.1", &zone->router4); /* the networks go by use: see addressing.c */
            hp_addr_parse("2001:db8:ffff::1", &zone->router6);
        } else if (zone->firewall >= 0) {
            const hp_sc_firewall_zone *firewall = &s->firewalls[zone->firewall];
            unsigned index = (unsigned)zone->firewall;
            if (firewall->family.ipv4)
                zone->prefix4 = firewall->inside4.base.family ? firewall->inside4 : hp_firewall_prefix4(index);
            if (firewall->family.ipv6)
                zone->prefix6 = firewall->inside6.base.family ? firewall->inside6 : hp_firewall_prefix6(index);
        } else if (zone->nat < 0) {
            const hp_sc_lan *lan = &s->lans[z - 1];
            if (lan->family.ipv4)
                zone->prefix4 = lan->prefix4.base.family ? lan->prefix4 : hp_lan_prefix4(z - 1, b->attached[z]);
            if (lan->family.ipv6)
                zone->prefix6 = lan->prefix6.base.family ? lan->prefix6 : hp_lan_prefix6(z - 1);
        } else {
            const hp_sc_nat *nat = &s->nats[zone->nat];
            unsigned index = (unsigned)zone->nat;
            if (nat->family.ipv4)
                zone->prefix4 =
                    nat->inside4.base.family ? nat->inside4 : hp_inside_prefix4(index, b->carrier[z], b->attached[z]);
            if (nat->family.ipv6)
                zone->prefix6 = nat->inside6.base.family                ? nat->inside6
                                : nat->config.ipv6 == HP_NAT_IPV6_ROUTE ? hp_routed_prefix6(index, 64)
                                                                        : hp_inside_prefix6(index);
            plan->nats[index].routed6 = hp_routed_prefix_of(nat, index, &zone->prefix6);
        }
        hp_address_pool_init(&b->pool4[z], &zone->prefix4, HP_AF_IPV4);
        hp_address_pool_init(&b->pool6[z], &zone->prefix6, HP_AF_IPV6);
        bool gateway = zone->nat >= 0 || zone->firewall >= 0;
        if (gateway && zone->prefix4.base.family)
            zone->router4 = hp_addr_plus(zone->prefix4.base, 1);
        if (gateway && zone->prefix6.base.family)
            zone->router6 = hp_addr_plus(zone->prefix6.base, 1);
        if (zone->router4.family)
            hp_address_pool_reserve(&b->pool4[z], &zone->router4);
        if (zone->router6.family)
            hp_address_pool_reserve(&b->pool6[z], &zone->router6);
    }
}

static void reserve_one(builder *b, unsigned zone_index, const hp_addr *given, hp_mark mark)
{
    const hp_plan_zone *zone = &b->plan->zones[zone_index];
    char text[HP_ADDR_TEXT];
    bool v4 = given->family == HP_AF_IPV4;
    const hp_prefix *prefix = v4 ? &zone->prefix4 : &zone->prefix6;
    hp_addr_format_ip(given, text);
    if (zone_index != 0 && !(prefix->base.family && hp_prefix_contains(prefix, given))) {
        char network[HP_ADDR_TEXT] = "none of that family";
        if (prefix->base.family)
            hp_prefix_format(prefix, network);
        complain(b, mark, NULL, "%s is not in the network of `%s` (%s)", text, zone->name, network);
    } else if (!hp_address_pool_reserve(v4 ? &b->pool4[zone_index] : &b->pool6[zone_index], given)) {
        complain(b, mark, NULL, "%s is already somebody else's in `%s`", text, zone->name);
    }
}

static void reserve_given(builder *b, const hp_plan_attachment *at, const hp_addr *given, unsigned n, hp_mark mark)
{
    for (unsigned i = 0; i < n; i++)
        reserve_one(b, at->zone, &given[i], mark);
}

/* Addresses of an attachment: as given, or `count` of each family; spare: as many more, for a renumbering. */
static void number_attachment(builder *b, hp_plan_attachment *at, const hp_addr *given, unsigned n_given,
                              hp_sc_family family, unsigned count, hp_address_use use, bool spare, hp_mark mark)
{
    const hp_plan_zone *zone = &b->plan->zones[at->zone];
    unsigned n_families = (unsigned)family.ipv4 + (unsigned)family.ipv6;
    unsigned n = n_given ? n_given : count * n_families;
    at->n_addresses = n;
    at->addresses = OWN_ARRAY(b->plan, hp_addr, n);
    if (spare)
        at->spare = OWN_ARRAY(b->plan, hp_addr, n);
    for (unsigned i = 0; i < n; i++) {
        bool v6 = n_given ? given[i].family == HP_AF_IPV6 : (family.ipv4 ? i >= count : true);
        if (at->zone != 0 && !(v6 ? zone->prefix6 : zone->prefix4).base.family) {
            complain(b, mark, NULL, "`%s` has no %s, so nothing behind it can have an address of that family",
                     zone->name, v6 ? "IPv6" : "IPv4");
            return;
        }
        hp_address_pool *pool = v6 ? &b->pool6[at->zone] : &b->pool4[at->zone];
        if (n_given)
            at->addresses[i] = hp_addr_with_port(given[i], 0);
        bool ok = n_given || hp_address_pool_take(pool, use, &at->addresses[i]);
        if (ok && spare)
            ok = hp_address_pool_take(pool, use, &at->spare[i]);
        if (!ok) {
            complain(b, mark, "a NAT's is set with `inside4` and `inside6`", "the network of `%s` has no address left",
                     zone->name);
            return;
        }
    }
}

/* The IPv4 of an interface that has a CLAT. */
static void number_clat(builder *b, hp_plan_attachment *at, const hp_sc_interface *s)
{
    int nat = hp_routed_nat64_of(b->plan, at->zone);
    if (!s->family.ipv6 || s->family.ipv4) {
        complain(b, s->mark, "it is IPv4 by way of IPv6: `families: [ipv6]`",
                 "`clat` is for an interface that has IPv6 and no IPv4 of its own");
    } else if (nat < 0) {
        complain(b, s->mark, "a NAT with `nat64: true`",
                 "`clat` needs a NAT64 on the way, and there is none outside `%s`", b->plan->zones[at->zone].name);
    } else if (hp_address_pool_take(&b->pool6[at->zone], HP_USE_PEER, &at->clat6)) {
        at->clat4 = hp_routed_clat4();
        at->clat_prefix = hp_routed_nat64_prefix(b->plan->nats[nat].source);
        at->clat = own(b->plan, g_strdelimit(g_strdup_printf("clat %s", at->tap), "/", ' '));
    } else {
        complain(b, s->mark, NULL, "the network of `%s` has no address left", b->plan->zones[at->zone].name);
    }
}

static void number_attachments(builder *b)
{
    hp_plan *plan = b->plan;
    for (unsigned i = 0; i < plan->n_nats; i++)
        reserve_given(b, &plan->nats[i].outside, plan->nats[i].source->addresses, plan->nats[i].source->n_addresses,
                      plan->nats[i].source->mark);
    for (unsigned i = 0; i < plan->n_servers; i++)
        reserve_given(b, &plan->servers[i].attachment, plan->servers[i].source->addresses,
                      plan->servers[i].source->n_addresses, plan->servers[i].source->mark);
    for (unsigned i = 0; i < plan->n_peers; i++)
        for (unsigned k = 0; k < plan->peers[i].n_interfaces; k++)
            reserve_given(b, &plan->peers[i].interfaces[k], plan->peers[i].source->interfaces[k].addresses,
                          plan->peers[i].source->interfaces[k].n_addresses, plan->peers[i].source->interfaces[k].mark);

    for (unsigned i = 0; i < plan->n_servers; i++) {
        const hp_sc_server *s = plan->servers[i].source;
        if (s->config.nat_discovery && s->n_addresses == 1)
            complain(b, s->mark, NULL, "`nat-discovery` needs two addresses of a family (RFC 5780 section 6)");
        number_attachment(b, &plan->servers[i].attachment, s->addresses, s->n_addresses, s->family,
                          s->config.nat_discovery ? 2 : 1, HP_USE_SERVER, false, s->mark);
    }
    for (unsigned i = 0; i < plan->n_nats; i++) {
        const hp_sc_nat *s = plan->nats[i].source;
        hp_sc_family family = hp_routed_outside_family(plan, i);
        number_attachment(b, &plan->nats[i].outside, s->addresses, s->n_addresses, family, MAX(s->config.pool, 1),
                          HP_USE_NAT, true, s->mark);
        g_autofree char *problem = hp_routed_problem(plan, i);
        if (problem)
            complain(b, s->mark, NULL, "%s", problem);
    }
    for (unsigned i = 0; i < plan->n_peers; i++) {
        for (unsigned k = 0; k < plan->peers[i].n_interfaces; k++) {
            const hp_sc_interface *s = &plan->peers[i].source->interfaces[k];
            number_attachment(b, &plan->peers[i].interfaces[k], s->addresses, s->n_addresses, s->family, 1, HP_USE_PEER,
                              false, s->mark);
            if (s->clat)
                number_clat(b, &plan->peers[i].interfaces[k], s);
        }
    }
}

/* Where the firewalls' ICMP errors come from outside: of the families that are both inside and there. */
static void number_firewalls(builder *b)
{
    hp_plan *plan = b->plan;
    for (unsigned i = 0; i < plan->n_firewalls; i++) {
        hp_plan_firewall *firewall = &plan->firewalls[i];
        unsigned outer = firewall->outside.zone;
        const hp_plan_zone *zone = &plan->zones[outer];
        const hp_sc_family *family = &firewall->source->family;
        if (family->ipv4 && (outer == 0 || zone->prefix4.base.family))
            hp_address_pool_take(&b->pool4[outer], HP_USE_NAT, &firewall->outside4);
        if (family->ipv6 && (outer == 0 || zone->prefix6.base.family))
            hp_address_pool_take(&b->pool6[outer], HP_USE_NAT, &firewall->outside6);
    }
}

/* ---- names of servers ---- */

/* The loader has seen to it that there is one. */
static int server_of(const builder *b, const char *name)
{
    int server = hp_plan_find_server(b->plan, name);
    g_assert(server >= 0);
    return server;
}

static void check_transports(builder *b, const hp_plan_peer *peer, int server, bool turn)
{
    g_autofree char *hint = NULL;
    g_autofree char *mistake = hp_transports_mistake(peer->source, b->plan->servers[server].source, turn, &hint);
    if (mistake)
        complain(b, peer->source->mark, hint, "%s", mistake);
}

static void resolve_peers(builder *b)
{
    hp_plan *plan = b->plan;
    for (unsigned i = 0; i < plan->n_peers; i++) {
        hp_plan_peer *peer = &plan->peers[i];
        const hp_ice_config *ice = &peer->source->ice;
        peer->stun = ice->stun ? server_of(b, ice->stun) : -1;
        peer->n_turn = ice->turn ? g_strv_length(ice->turn) : 0;
        peer->turn = OWN_ARRAY(plan, int, peer->n_turn);
        for (unsigned k = 0; k < peer->n_turn; k++)
            peer->turn[k] = server_of(b, ice->turn[k]);
        if (peer->stun >= 0)
            check_transports(b, peer, peer->stun, false);
        for (unsigned k = 0; k < peer->n_turn; k++)
            check_transports(b, peer, peer->turn[k], true);
    }
}

static void read_recordings(builder *b)
{
    for (unsigned i = 0; i < b->plan->n_peers; i++) {
        hp_plan_peer *peer = &b->plan->peers[i];
        for (unsigned k = 0; k < HP_MEDIA_N_KINDS; k++) {
            g_autoptr(GError) error = NULL;
            const char *path = peer->source->media.replay[k];
            if (path)
                peer->replay[k] = hp_recording_get(b->scenario, path, &error);
            if (error)
                complain(b, peer->source->replay_mark[k], "the path is relative to the scenario's folder", "%s",
                         error->message);
        }
    }
}

static void resolve_servers(builder *b)
{
    hp_plan *plan = b->plan;
    for (unsigned i = 0; i < plan->n_servers; i++) {
        hp_server_config *config = &plan->servers[i].config;
        if (!config->redirect)
            continue;
        int to = server_of(b, config->redirect);
        if (plan->servers[to].attachment.n_addresses == 0)
            continue;
        config->redirect_addr =
            hp_addr_with_port(plan->servers[to].attachment.addresses[0], plan->servers[to].config.port);
    }
}

static bool is_among(const hp_addr *list, unsigned n, const hp_addr *addr)
{
    for (unsigned i = 0; list && i < n; i++)
        if (hp_addr_same_ip(&list[i], addr))
            return true;
    return false;
}

/* Whether a step before this one has given the address to the same NAT or server. */
static bool was_given(const builder *b, unsigned step, const hp_addr *addr)
{
    const char *name = b->scenario->steps[step].nat.nat;
    for (unsigned i = 0; i < step; i++) {
        const hp_step *other = &b->scenario->steps[i];
        if (other->kind == HP_STEP_RENUMBER && strcmp(other->nat.nat, name) == 0 &&
            is_among(other->nat.addresses, other->nat.n_addresses, addr))
            return true;
    }
    return false;
}

/* What a renumber step names must be free, or have been that NAT's or server's own. */
static void reserve_renumbered(builder *b)
{
    for (unsigned i = 0; i < b->scenario->n_steps; i++) {
        const hp_step *step = &b->scenario->steps[i];
        if (step->kind != HP_STEP_RENUMBER)
            continue;
        int nat = hp_plan_find_nat(b->plan, step->nat.nat), server = hp_plan_find_server(b->plan, step->nat.nat);
        const hp_plan_attachment *at = nat >= 0      ? &b->plan->nats[nat].outside
                                       : server >= 0 ? &b->plan->servers[server].attachment
                                                     : NULL;
        for (unsigned k = 0; at && k < step->nat.n_addresses; k++) {
            const hp_addr *to = &step->nat.addresses[k];
            if (!is_among(at->addresses, at->n_addresses, to) && !is_among(at->spare, at->n_addresses, to) &&
                !was_given(b, i, to))
                reserve_one(b, at->zone, to, step->mark);
        }
    }
}

/* New addresses for servers that a step renumbers, behind all others: who is not renumbered keeps its own. */
static void number_spare_servers(builder *b)
{
    for (unsigned i = 0; i < b->scenario->n_steps; i++) {
        const hp_step *step = &b->scenario->steps[i];
        int server = step->kind == HP_STEP_RENUMBER ? hp_plan_find_server(b->plan, step->nat.nat) : -1;
        hp_plan_attachment *at = server >= 0 ? &b->plan->servers[server].attachment : NULL;
        if (!at || step->nat.n_addresses > 0 || at->spare)
            continue;
        at->spare = OWN_ARRAY(b->plan, hp_addr, at->n_addresses);
        for (unsigned k = 0; k < at->n_addresses; k++) {
            hp_address_pool *pool = at->addresses[k].family == HP_AF_IPV6 ? &b->pool6[at->zone] : &b->pool4[at->zone];
            if (!hp_address_pool_take(pool, HP_USE_SERVER, &at->spare[k]))
                complain(b, step->mark, NULL, "the network of `%s` has no address left", b->plan->zones[at->zone].name);
        }
    }
}

/* ---- places ---- */

const char *const *hp_plan_places(const hp_plan *plan)
{
    return (const char *const *)((const plan_box *)(const void *)plan)->places;
}

/* Nothing is ever seen at a place that is not there, and `count: 0` would hold for ever. */
static void check_places(builder *b, const char *const *places)
{
    for (unsigned i = 0; i < b->scenario->n_expects; i++) {
        const hp_expect *e = &b->scenario->expects[i];
        bool drops = e->kind == HP_EXPECT_DROPS;
        const char *at = drops ? e->drops.at : e->kind == HP_EXPECT_PACKETS ? e->packets.at : NULL;
        /* "link alice/up" and "alice/up" are the same place. */
        const char *bare = at && g_str_has_prefix(at, "link ") ? at + strlen("link ") : at;
        bool known = at && g_strv_contains(places, bare);
        if (!at || (known && (drops || hp_places_has_tap(b->plan, at))))
            continue;
        const char *nearest = hp_nearest_word(bare, places, g_strv_length((char **)places));
        g_autofree char *hint = nearest ? g_strdup_printf("did you mean `%s`?", nearest) : NULL;
        if (known)
            complain(b, e->mark, "a peer, a server, a NAT, or a NAT's /in or /out", "no packets are captured at `%s`",
                     at);
        else
            complain(b, e->mark, hint, "there is no place `%s` to look at", at);
    }
}

/* ---- the whole ---- */

hp_plan *hp_plan_new(const hp_scenario *scenario, const char *case_name, uint64_t seed, hp_diags *diags)
{
    plan_box *box = g_new0(plan_box, 1);
    box->owned = g_ptr_array_new_with_free_func(g_free);
    hp_plan *plan = &box->plan;
    builder b = {.plan = plan, .diags = diags, .scenario = scenario};
    plan->scenario = scenario;
    plan->case_name = own(plan, g_strdup(case_name));
    plan->seed = seed;

    make_zones(&b);
    attach_nats(&b);
    attach_firewalls(&b);
    check_nesting(&b);
    attach_servers(&b);
    attach_peers(&b);
    number_zones(&b);
    if (!b.failed)
        number_attachments(&b);
    if (!b.failed) {
        reserve_renumbered(&b);
        number_spare_servers(&b);
        number_firewalls(&b);
    }
    resolve_peers(&b);
    hp_plan_names(plan, box->owned);
    read_recordings(&b);
    resolve_servers(&b);

    for (unsigned z = 0; z < plan->n_zones; z++) {
        hp_address_pool_clear(&b.pool4[z]);
        hp_address_pool_clear(&b.pool6[z]);
    }
    g_free(b.pool4);
    g_free(b.pool6);
    b.failed = !hp_plan_place_rules(plan, box->owned, diags) || b.failed;
    box->places = hp_places_make(plan);
    check_places(&b, hp_plan_places(plan));
    if (b.failed) {
        hp_plan_free(plan);
        return NULL;
    }
    return plan;
}

void hp_plan_free(hp_plan *plan)
{
    if (!plan)
        return;
    plan_box *box = (plan_box *)(void *)plan;
    for (unsigned i = 0; i < plan->n_peers; i++)
        for (unsigned k = 0; k < HP_MEDIA_N_KINDS; k++)
            g_clear_pointer(&plan->peers[i].replay[k], hp_capture_unref);
    g_strfreev(box->places);
    g_ptr_array_unref(box->owned);
    g_free(box);
}
