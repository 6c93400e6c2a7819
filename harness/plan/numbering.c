/* Networks for the zones of a plan, addresses for all that is attached to one.
 *
 * What the scenario numbered by hand is reserved first; everything else is numbered in the scenario's order, so that
 * adding an element at the end renumbers nothing: servers, NATs, peers; behind them the new addresses of servers that a
 * step renumbers, and the firewalls' own. Which networks these come from is addressing.c's affair.
 *
 * Within a zone an address is unique. Insides of two NATs may overlap when the scenario says so, as homes do in the
 * world. */
#include "plan/numbering.h"

#include <string.h>

#include "plan/routed.h"

static void number_zones(hp_plan_builder *b)
{
    const hp_scenario *s = b->scenario;
    hp_plan *plan = b->plan;
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

static void reserve_one(hp_plan_builder *b, unsigned zone_index, const hp_addr *given, hp_mark mark)
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
        hp_plan_complain(b, mark, NULL, "%s is not in the network of `%s` (%s)", text, zone->name, network);
    } else if (!hp_address_pool_reserve(v4 ? &b->pool4[zone_index] : &b->pool6[zone_index], given)) {
        hp_plan_complain(b, mark, NULL, "%s is already somebody else's in `%s`", text, zone->name);
    }
}

static void reserve_given(hp_plan_builder *b, const hp_plan_attachment *at, const hp_addr *given, unsigned n,
                          hp_mark mark)
{
    for (unsigned i = 0; i < n; i++)
        reserve_one(b, at->zone, &given[i], mark);
}

/* Addresses of an attachment: as given, or `count` of each family; spare: as many more, for a renumbering. */
static void number_attachment(hp_plan_builder *b, hp_plan_attachment *at, const hp_addr *given, unsigned n_given,
                              hp_sc_family family, unsigned count, hp_address_use use, bool spare, hp_mark mark)
{
    const hp_plan_zone *zone = &b->plan->zones[at->zone];
    unsigned n_families = (unsigned)family.ipv4 + (unsigned)family.ipv6;
    unsigned n = n_given ? n_given : count * n_families;
    at->n_addresses = n;
    at->addresses = HP_PLAN_OWN_ARRAY(b->plan, hp_addr, n);
    if (spare)
        at->spare = HP_PLAN_OWN_ARRAY(b->plan, hp_addr, n);
    for (unsigned i = 0; i < n; i++) {
        bool v6 = n_given ? given[i].family == HP_AF_IPV6 : (family.ipv4 ? i >= count : true);
        if (at->zone != 0 && !(v6 ? zone->prefix6 : zone->prefix4).base.family) {
            hp_plan_complain(b, mark, NULL, "`%s` has no %s, so nothing behind it can have an address of that family",
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
            hp_plan_complain(b, mark, "a NAT's is set with `inside4` and `inside6`",
                             "the network of `%s` has no address left", zone->name);
            return;
        }
    }
}

/* The IPv4 of an interface that has a CLAT. */
static void number_clat(hp_plan_builder *b, hp_plan_attachment *at, const hp_sc_interface *s)
{
    int nat = hp_routed_nat64_of(b->plan, at->zone);
    if (!s->family.ipv6 || s->family.ipv4) {
        hp_plan_complain(b, s->mark, "it is IPv4 by way of IPv6: `families: [ipv6]`",
                         "`clat` is for an interface that has IPv6 and no IPv4 of its own");
    } else if (nat < 0) {
        hp_plan_complain(b, s->mark, "a NAT with `nat64: true`",
                         "`clat` needs a NAT64 on the way, and there is none outside `%s`",
                         b->plan->zones[at->zone].name);
    } else if (hp_address_pool_take(&b->pool6[at->zone], HP_USE_PEER, &at->clat6)) {
        at->clat4 = hp_routed_clat4();
        at->clat_prefix = hp_routed_nat64_prefix(b->plan->nats[nat].source);
        at->clat = hp_plan_own(b->plan, g_strdelimit(g_strdup_printf("clat %s", at->tap), "/", ' '));
    } else {
        hp_plan_complain(b, s->mark, NULL, "the network of `%s` has no address left", b->plan->zones[at->zone].name);
    }
}

static void number_attachments(hp_plan_builder *b)
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
            hp_plan_complain(b, s->mark, NULL, "`nat-discovery` needs two addresses of a family (RFC 5780 section 6)");
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
            hp_plan_complain(b, s->mark, NULL, "%s", problem);
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
static void number_firewalls(hp_plan_builder *b)
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

/* ---- steps that renumber ---- */

static bool is_among(const hp_addr *list, unsigned n, const hp_addr *addr)
{
    for (unsigned i = 0; list && i < n; i++)
        if (hp_addr_same_ip(&list[i], addr))
            return true;
    return false;
}

/* Whether a step before this one has given the address to the same NAT or server. */
static bool was_given(const hp_plan_builder *b, unsigned step, const hp_addr *addr)
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
static void reserve_renumbered(hp_plan_builder *b)
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
static void number_spare_servers(hp_plan_builder *b)
{
    for (unsigned i = 0; i < b->scenario->n_steps; i++) {
        const hp_step *step = &b->scenario->steps[i];
        int server = step->kind == HP_STEP_RENUMBER ? hp_plan_find_server(b->plan, step->nat.nat) : -1;
        hp_plan_attachment *at = server >= 0 ? &b->plan->servers[server].attachment : NULL;
        if (!at || step->nat.n_addresses > 0 || at->spare)
            continue;
        at->spare = HP_PLAN_OWN_ARRAY(b->plan, hp_addr, at->n_addresses);
        for (unsigned k = 0; k < at->n_addresses; k++) {
            hp_address_pool *pool = at->addresses[k].family == HP_AF_IPV6 ? &b->pool6[at->zone] : &b->pool4[at->zone];
            if (!hp_address_pool_take(pool, HP_USE_SERVER, &at->spare[k]))
                hp_plan_complain(b, step->mark, NULL, "the network of `%s` has no address left",
                                 b->plan->zones[at->zone].name);
        }
    }
}

/* ---- the whole ---- */

void hp_plan_number(hp_plan_builder *b)
{
    const unsigned n_zones = b->plan->n_zones;
    b->pool4 = g_new0(hp_address_pool, n_zones);
    b->pool6 = g_new0(hp_address_pool, n_zones);
    number_zones(b);
    if (!b->failed)
        number_attachments(b);
    if (!b->failed) {
        reserve_renumbered(b);
        number_spare_servers(b);
        number_firewalls(b);
    }
    for (unsigned z = 0; z < n_zones; z++) {
        hp_address_pool_clear(&b->pool4[z]);
        hp_address_pool_clear(&b->pool6[z]);
    }
    g_clear_pointer(&b->pool4, g_free);
    g_clear_pointer(&b->pool6, g_free);
}
