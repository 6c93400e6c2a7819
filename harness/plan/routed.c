/* Theory of operation.
 *
 * A NAT that routes IPv6 needs its inside's prefix to be its own in the whole world; one that replaces the prefix
 * (NPTv6) needs that of the prefix outside. Either is `routed6` here: the zone outside sends it to the NAT, and so does
 * every zone further out, up to the first NAT that does something else with IPv6 than routing it. Two such prefixes may
 * overlap only where one NAT is behind the other, which is how a prefix is delegated.
 *
 * A NAT64 has IPv4 addresses outside whatever the families of its inside, and IPv6 ones if it also translates IPv6
 * and there is any outside. Its prefix may overlap no network. */
#include "plan/routed.h"

#include "plan/addressing.h"
#include "wire/dns64.h"

hp_prefix hp_routed_prefix_of(const hp_sc_nat *nat, unsigned index, const hp_prefix *inside6)
{
    if (!inside6->base.family || nat->config.ipv6 == HP_NAT_IPV6_TRANSLATE)
        return (hp_prefix){0};
    if (nat->config.ipv6 == HP_NAT_IPV6_ROUTE)
        return *inside6;
    return nat->outside6.base.family ? nat->outside6 : hp_routed_prefix6(index, MAX(inside6->bits, 48));
}

hp_sc_family hp_routed_outside_family(const hp_plan *plan, unsigned nat)
{
    const hp_sc_nat *source = plan->nats[nat].source;
    unsigned zone = plan->nats[nat].outside.zone;
    bool any6 = zone == 0 || plan->zones[zone].prefix6.base.family;
    bool nat64 = source->config.nat64;
    bool translated6 = source->family.ipv6 && source->config.ipv6 == HP_NAT_IPV6_TRANSLATE;
    return (hp_sc_family){.ipv4 = source->family.ipv4 || nat64, .ipv6 = translated6 && (any6 || !nat64)};
}

static bool is_behind(const hp_plan *plan, unsigned inner, unsigned outer)
{
    int zone = (int)plan->nats[inner].outside.zone;
    for (unsigned hops = 0; zone >= 0 && hops <= plan->n_zones; hops++) {
        if (plan->zones[zone].nat == (int)outer)
            return true;
        zone = hp_plan_zone_beyond(plan, (unsigned)zone);
    }
    return false;
}

static bool overlap(const hp_prefix *a, const hp_prefix *b)
{
    return hp_prefix_contains(a, &b->base) || hp_prefix_contains(b, &a->base);
}

/* A NAT64's prefix must be nobody's: what has its addresses there is not reached from the inside. */
static char *nat64_problem(const hp_plan *plan, const hp_sc_nat *nat)
{
    hp_prefix prefix = hp_routed_nat64_prefix(nat);
    char text[HP_ADDR_TEXT];

    hp_prefix_format(&prefix, text);
    if (hp_internet_overlaps6(&prefix))
        return g_strdup_printf("%s of NAT `%s`, which stands for IPv4 addresses, overlaps addresses of the Internet",
                               text, nat->name);
    for (unsigned i = 0; i < plan->n_zones; i++) {
        const hp_plan_zone *zone = &plan->zones[i];
        if (zone->nat >= 0 && zone->prefix6.base.family && overlap(&prefix, &zone->prefix6))
            return g_strdup_printf("%s of NAT `%s`, which stands for IPv4 addresses, overlaps the network of `%s`",
                                   text, nat->name, zone->name);
    }
    return NULL;
}

char *hp_routed_problem(const hp_plan *plan, unsigned nat)
{
    const hp_plan_nat *self = &plan->nats[nat];
    const hp_plan_zone *outside = &plan->zones[self->outside.zone];
    char text[HP_ADDR_TEXT];

    char *embedded = self->source->config.nat64 ? nat64_problem(plan, self->source) : NULL;
    if (embedded || !self->routed6.base.family)
        return embedded;
    hp_prefix_format(&self->routed6, text);
    if (self->outside.zone != 0 && !outside->prefix6.base.family)
        return g_strdup_printf("`%s` has no IPv6, so %s cannot be routed to NAT `%s`", outside->name, text,
                               self->source->name);
    if (hp_internet_overlaps6(&self->routed6))
        return g_strdup_printf("%s of NAT `%s` overlaps addresses of the Internet", text, self->source->name);
    for (unsigned i = 0; i < nat; i++) { /* of two the later one is told */
        const hp_plan_nat *other = &plan->nats[i];
        if (other->routed6.base.family && overlap(&self->routed6, &other->routed6) && !is_behind(plan, nat, i) &&
            !is_behind(plan, i, nat))
            return g_strdup_printf("%s of NAT `%s` overlaps what is routed to NAT `%s`", text, self->source->name,
                                   other->source->name);
    }
    if (outside->nat >= 0 && plan->nats[outside->nat].source->config.ipv6 == HP_NAT_IPV6_PREFIX &&
        !(hp_prefix_contains(&outside->prefix6, &self->routed6.base) && self->routed6.bits > outside->prefix6.bits))
        return g_strdup_printf("%s of NAT `%s` is not a part of the network of `%s`, whose prefix is replaced", text,
                               self->source->name, outside->name);
    return NULL;
}

int hp_routed_nat64_of(const hp_plan *plan, unsigned zone)
{
    int z = (int)zone;
    for (unsigned hops = 0; z >= 0 && hops <= plan->n_zones; hops++) {
        int nat = plan->zones[z].nat;
        if (nat >= 0 && plan->nats[nat].source->config.nat64)
            return nat;
        z = hp_plan_zone_beyond(plan, (unsigned)z);
    }
    return -1;
}

hp_prefix hp_routed_nat64_prefix(const hp_sc_nat *nat)
{
    return nat->config.nat64_prefix.base.family ? nat->config.nat64_prefix : hp_dns64_well_known();
}

hp_addr hp_routed_clat4(void)
{
    return hp_addr_v4(0xc0000002, 0);
}
