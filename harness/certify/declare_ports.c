/* What the knobs declare of external ports: assignment, range, parity, sharing, blocks, pool, quarantine.
 *
 * Some of it shows only when all ports can be in use at a time, or one host can have all that are for it: then limits
 * decide what can be seen. With REFUSE a port is the internal one or none at all, so parity, contiguity and low ports
 * are kept without any knob. */
#include "certify/declare_private.h"

enum {
    MOST_ADDRESSES = 4,
    SHORTEST_BLOCK = 8,
    MOST_HOSTS = 4096,
    MOST_WAITING = 256,
    MOST_BLOCK_PORTS = 9000,
    SOME_PORTS = 512
};

static uint64_t range_size(const hp_declaration *d)
{
    return d->last - d->first + 1;
}

uint64_t hp_declare_block(const hp_declaration *d, uint64_t *ret_per_address)
{
    const hp_nat_config *c = d->nat;
    bool given = c->port_range.first || c->port_range.last;
    unsigned first = MAX(given ? MIN(c->port_range.first, c->port_range.last) : 1024, 1);
    uint64_t size = MIN(c->port_block, d->last - first + 1);
    *ret_per_address = size ? (d->last - first + 1) / size : 0;
    return size;
}

static uint64_t blocks_of_host(const hp_declaration *d)
{
    return d->nat->port_blocks == HP_NAT_BLOCKS_DETERMINISTIC ? 1 : MAX(d->nat->port_blocks_per_host, 1);
}

uint64_t hp_declare_host_ports(const hp_declaration *d, hp_declare_proto proto)
{
    const hp_nat_config *c = d->nat;
    bool given = c->port_range.first || c->port_range.last;
    uint64_t per_address;

    if (c->port_block)
        return hp_declare_block(d, &per_address) * blocks_of_host(d);
    uint64_t n = proto == HP_DECLARE_ICMP && !given ? HP_DECLARE_PORTS : range_size(d);
    return n * (c->pooling == HP_NAT_ARBITRARY ? d->pool : 1);
}

uint64_t hp_declare_host_limit(const hp_declaration *d, hp_declare_proto proto)
{
    const uint32_t limits[] = {d->proto[proto].max_per_host, d->nat->max_mappings_per_host, d->nat->max_mappings};
    uint64_t least = UINT64_MAX;
    for (unsigned i = 0; i < G_N_ELEMENTS(limits); i++) {
        if (limits[i])
            least = MIN(least, limits[i]);
    }
    return least;
}

/* Some limit makes old mappings give way before one host has that many. */
static bool evicts_below(const hp_declaration *d, hp_declare_proto proto, uint64_t n)
{
    return d->nat->eviction != HP_NAT_EVICT_REFUSE && hp_declare_host_limit(d, proto) < n;
}

static bool limited_below(const hp_declaration *d, hp_declare_proto proto, uint64_t n)
{
    return hp_declare_host_limit(d, proto) < n;
}

/* ---- range ---- */

static void say_range(hp_declaration *d, unsigned first, unsigned last)
{
    g_autofree char *text = g_strdup_printf("%u-%u", first, last);
    hp_certificate_say(d->c, HP_PROP_UDP_PORT_RANGE, text);
}

static bool range_shows(const hp_declaration *d)
{
    const hp_nat_config *c = d->nat;
    uint64_t per_address, all = range_size(d) * (c->pooling == HP_NAT_ARBITRARY ? d->pool : 1);
    bool sequential = d->proto[HP_DECLARE_UDP].ports == HP_NAT_PORTS_SEQUENTIAL;

    if (c->pooling == HP_NAT_ARBITRARY && d->pool > MOST_ADDRESSES)
        return false;
    if (c->port_block) {
        bool whole = c->pooling == HP_NAT_PAIRED || d->pool == 1;
        (void)hp_declare_block(d, &per_address);
        return whole && !limited_below(d, HP_DECLARE_UDP, hp_declare_host_ports(d, HP_DECLARE_UDP));
    }
    if (evicts_below(d, HP_DECLARE_UDP, all))
        return sequential;
    return !c->max_mappings || c->max_mappings > all * (c->pooling == HP_NAT_PAIRED ? d->pool : 1);
}

static void declare_range(hp_declaration *d)
{
    uint64_t per_address;

    if (hp_declare_keeps(&d->proto[HP_DECLARE_UDP])) {
        if (d->nat->port_block)
            hp_certificate_unknown(d->c, HP_PROP_UDP_PORT_RANGE, "ports are kept within blocks");
        else
            say_range(d, MAX(d->first, 1024), d->last);
    } else if (!range_shows(d)) {
        hp_certificate_unknown(d->c, HP_PROP_UDP_PORT_RANGE, "the ports cannot all be in use");
    } else if (d->nat->port_block) {
        uint64_t size = hp_declare_block(d, &per_address);
        say_range(d, d->first, (unsigned)(d->first + size * per_address - 1));
    } else {
        say_range(d, d->first, d->last);
    }
}

/* ---- blocks ---- */

static void declare_blocks(hp_declaration *d)
{
    const hp_nat_config *c = d->nat;
    uint64_t per_address, size = hp_declare_block(d, &per_address), n = blocks_of_host(d);

    hp_certificate_unknown(d->c, HP_PROP_PORT_BLOCK_CHOICE, "no blocks are seen");
    if (size < SHORTEST_BLOCK || n * size >= MOST_BLOCK_PORTS || evicts_below(d, HP_DECLARE_UDP, n * size)) {
        hp_certificate_say(d->c, HP_PROP_PORT_BLOCKS, HP_SAY_NONE);
        return;
    }
    if (limited_below(d, HP_DECLARE_UDP, n * size)) {
        hp_certificate_unknown(d->c, HP_PROP_PORT_BLOCKS, "a limit is reached before");
        return;
    }
    g_autofree char *text = g_strdup_printf("%u of %u ports", (unsigned)n, (unsigned)size);
    hp_certificate_say(d->c, HP_PROP_PORT_BLOCKS, text);
    if (c->port_blocks != HP_NAT_BLOCKS_DYNAMIC && per_address * d->pool >= MOST_HOSTS) {
        hp_certificate_unknown(d->c, HP_PROP_PORT_BLOCK_CHOICE, "more blocks than hosts");
        return;
    }
    switch (c->port_blocks) {
    case HP_NAT_BLOCKS_PREFERRED:
        hp_certificate_say(d->c, HP_PROP_PORT_BLOCK_CHOICE, "by the host's address, or the next free one");
        return;
    case HP_NAT_BLOCKS_DETERMINISTIC:
        hp_certificate_say(d->c, HP_PROP_PORT_BLOCK_CHOICE, "by the host's address alone");
        return;
    case HP_NAT_BLOCKS_DYNAMIC:
        hp_certificate_say(d->c, HP_PROP_PORT_BLOCK_CHOICE, "the lowest free one, first come first served");
        return;
    }
}

/* ---- sharing ---- */

static void declare_overload(hp_declaration *d, hp_declare_proto proto, hp_property property)
{
    const hp_declared_proto *p = &d->proto[proto];
    bool shares = p->overload && p->mapping != HP_NAT_ENDPOINT_INDEPENDENT;
    /* The sequence comes round to ports whose mappings have given way, or not at all. */
    uint64_t all = range_size(d) * d->pool;
    bool hidden = p->ports == HP_NAT_PORTS_SEQUENTIAL &&
                  (evicts_below(d, proto, all) || (d->nat->max_mappings && d->nat->max_mappings < all));

    if (d->pool > MOST_ADDRESSES)
        hp_certificate_unknown(d->c, property, "too many addresses");
    else
        hp_certificate_say(d->c, property, shares && !hidden ? HP_SAY_YES : HP_SAY_NO);
}

/* ---- quarantine ---- */

static void declare_quarantine(hp_declaration *d, hp_declare_proto proto, hp_property property)
{
    const hp_nat_config *c = d->nat;
    uint64_t n = hp_declare_host_ports(d, proto), most = HP_DECLARE_PORTS - 1024;
    bool kept = hp_declare_keeps(&d->proto[proto]) && !c->port_block && d->pool == 1;
    bool range_known = d->c->findings[c->port_block ? HP_PROP_PORT_BLOCKS : HP_PROP_UDP_PORT_RANGE].known;
    bool all = n <= most && range_known && (c->eviction != HP_NAT_EVICT_REFUSE || !limited_below(d, proto, n));
    bool few = !kept && c->port_quarantine_max && n >= SOME_PORTS && c->port_quarantine_max + SOME_PORTS <= n;
    hp_time wait = few ? 0 : proto == HP_DECLARE_TCP && !c->port_quarantine_tcp ? 0 : c->port_quarantine;

    if (proto == HP_DECLARE_UDP)
        hp_certificate_unknown(d->c, HP_PROP_QUARANTINE_MAX, "no port waits, or not all can be had");
    if (!kept && !all) {
        hp_certificate_unknown(d->c, property, "one host cannot have all ports");
        return;
    }
    if (wait == 0) {
        hp_certificate_say(d->c, property, HP_SAY_NONE);
        return;
    }
    uint64_t max = c->port_quarantine_max ? c->port_quarantine_max : UINT64_MAX, seen = kept ? MOST_WAITING : n;
    if (proto == HP_DECLARE_UDP)
        hp_certificate_say_count(d->c, HP_PROP_QUARANTINE_MAX, max < seen ? max : UINT64_MAX, HP_SAY_NONE);
    if (!kept && max < n)
        hp_certificate_unknown(d->c, property, "other ports are free");
    else
        hp_certificate_say_time(d->c, property, kept ? wait : (wait + HP_S - 1) / HP_S * HP_S, "");
}

/* ---- all of it ---- */

static bool refuses(const hp_declaration *d, const hp_declared_proto *p)
{
    return hp_declare_keeps(p) && d->nat->collision == HP_NAT_COLLISION_REFUSE;
}

static const char *collision(hp_nat_collision knob)
{
    switch (knob) {
    case HP_NAT_COLLISION_NEXT:
        return "the next free port";
    case HP_NAT_COLLISION_RANDOM:
        return "a random port";
    case HP_NAT_COLLISION_REFUSE:
        return "no mapping is made";
    }
    g_assert_not_reached();
}

void hp_declare_ports(hp_declaration *d)
{
    const hp_nat_config *c = d->nat;
    const hp_declared_proto *p = &d->proto[HP_DECLARE_UDP];
    bool apart = c->well_known_apart && !c->port_block;

    switch (p->ports) {
    case HP_NAT_PORTS_PRESERVE:
        hp_certificate_say(d->c, HP_PROP_UDP_PORTS, HP_SAY_PRESERVE);
        break;
    case HP_NAT_PORTS_SEQUENTIAL:
        hp_certificate_say(d->c, HP_PROP_UDP_PORTS, HP_SAY_SEQUENTIAL);
        break;
    case HP_NAT_PORTS_RANDOM:
        hp_certificate_say(d->c, HP_PROP_UDP_PORTS, HP_SAY_RANDOM);
        break;
    }
    if (hp_declare_keeps(p))
        hp_certificate_say(d->c, HP_PROP_UDP_COLLISION, collision(c->collision));
    else
        hp_certificate_unknown(d->c, HP_PROP_UDP_COLLISION, "no port is kept");
    hp_certificate_say(d->c, HP_PROP_UDP_PARITY, p->parity || refuses(d, p) ? HP_SAY_YES : HP_SAY_NO);
    if (!p->has_pair && p->mapping != HP_NAT_ENDPOINT_INDEPENDENT)
        hp_certificate_unknown(d->c, HP_PROP_UDP_CONTIGUITY, "no two neighbouring ports pass");
    else
        hp_certificate_say(d->c, HP_PROP_UDP_CONTIGUITY, c->port_contiguity || refuses(d, p) ? HP_SAY_YES : HP_SAY_NO);
    hp_certificate_say(d->c, HP_PROP_UDP_WELL_KNOWN_PORTS, apart || refuses(d, p) ? HP_SAY_YES : HP_SAY_NO);
    hp_certificate_say_count(d->c, HP_PROP_POOL, d->pool, "");
    if (d->pool == 1)
        hp_certificate_unknown(d->c, HP_PROP_POOLING, "one address");
    else
        hp_certificate_say(d->c, HP_PROP_POOLING,
                           c->pooling == HP_NAT_PAIRED || c->port_block ? "paired" : "arbitrary");
    declare_blocks(d);
    declare_range(d);
    declare_overload(d, HP_DECLARE_UDP, HP_PROP_UDP_OVERLOAD);
    declare_quarantine(d, HP_DECLARE_UDP, HP_PROP_UDP_QUARANTINE);
}

void hp_declare_tcp_ports(hp_declaration *d)
{
    const hp_declared_proto *p = &d->proto[HP_DECLARE_TCP];
    hp_certificate_say(d->c, HP_PROP_TCP_PARITY, p->parity || refuses(d, p) ? HP_SAY_YES : HP_SAY_NO);
    declare_overload(d, HP_DECLARE_TCP, HP_PROP_TCP_OVERLOAD);
    declare_quarantine(d, HP_DECLARE_TCP, HP_PROP_TCP_QUARANTINE);
}
