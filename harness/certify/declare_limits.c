/* What the knobs declare of limits: how many mappings come about before one is refused or gives way. Ports are a limit
 * too, that nothing gives way to. */
#include "certify/declare_private.h"

enum { MOST_MAPPINGS = 5000, MOST_REMOTES = 2000 };

static void say_limit(hp_declaration *d, hp_property property, uint64_t n)
{
    hp_certificate_say_count(d->c, property, n < MOST_MAPPINGS ? n : UINT64_MAX, HP_SAY_NONE);
}

static bool evicts(const hp_declaration *d)
{
    return d->nat->eviction != HP_NAT_EVICT_REFUSE;
}

/* All protocols of one host in turn. */
static uint64_t together(const hp_declaration *d)
{
    uint64_t sum = 0, n_protocols = 0;

    for (unsigned i = 0; i < HP_DECLARE_N_PROTOS; i++)
        n_protocols += d->proto[i].leaves;
    for (unsigned i = 0, nth = 0; i < HP_DECLARE_N_PROTOS; i++) {
        uint64_t n = hp_declare_host_ports(d, (hp_declare_proto)i), own = d->proto[i].max_per_host;
        if (!d->proto[i].leaves)
            continue;
        if (own)
            n = MIN(n, own);
        /* Where old ones give way none is refused, and each protocol has its part of the attempts. */
        if (evicts(d))
            n = MIN(n, (MOST_MAPPINGS + n_protocols - 1 - nth) / n_protocols);
        nth++;
        sum += n;
    }
    if (d->nat->max_mappings_per_host)
        sum = MIN(sum, d->nat->max_mappings_per_host);
    if (d->nat->max_mappings)
        sum = MIN(sum, d->nat->max_mappings);
    return sum;
}

/* One mapping each of many hosts. */
static uint64_t table_ports(const hp_declaration *d, hp_declare_proto proto)
{
    uint64_t per_address;
    bool given = d->nat->port_range.first || d->nat->port_range.last;

    (void)hp_declare_block(d, &per_address);
    if (!d->nat->port_block)
        return (proto == HP_DECLARE_ICMP && !given ? HP_DECLARE_PORTS : d->last - d->first + 1) * (uint64_t)d->pool;
    return per_address * d->pool;
}

static void declare_eviction(hp_declaration *d, uint64_t limit, uint64_t ports)
{
    uint64_t n = MIN(limit, ports);
    bool refused = !evicts(d) || ports < limit;

    if (n >= MOST_MAPPINGS) {
        hp_certificate_unknown(d->c, HP_PROP_EVICTION, "no limit was met");
        hp_certificate_unknown(d->c, HP_PROP_LIMIT_ANSWER, "no limit was met");
        return;
    }
    if (refused) {
        hp_certificate_say(d->c, HP_PROP_EVICTION, "the new one is refused");
        hp_certificate_say(d->c, HP_PROP_LIMIT_ANSWER,
                           d->nat->answers_blocked ? HP_SAY_HOST_UNREACHABLE : HP_SAY_SILENCE);
        return;
    }
    hp_certificate_unknown(d->c, HP_PROP_LIMIT_ANSWER, "none is refused");
    if (n < 2)
        hp_certificate_unknown(d->c, HP_PROP_EVICTION, "one mapping");
    else
        hp_certificate_say(d->c, HP_PROP_EVICTION,
                           d->nat->eviction == HP_NAT_EVICT_OLDEST ? "the oldest gives way"
                                                                   : "the least recently used gives way");
}

static void declare_remotes(hp_declaration *d)
{
    const hp_declared_proto *p = &d->proto[HP_DECLARE_UDP];
    uint64_t max = d->nat->max_sessions_per_mapping ? d->nat->max_sessions_per_mapping : HP_DECLARE_PORTS;

    if (!p->leaves || p->mapping != HP_NAT_ENDPOINT_INDEPENDENT || p->filtering == HP_NAT_ENDPOINT_INDEPENDENT)
        hp_certificate_unknown(d->c, HP_PROP_REMOTES_LIMIT, "one mapping for all remotes, and a filter");
    else
        hp_certificate_say_count(d->c, HP_PROP_REMOTES_LIMIT, max < MOST_REMOTES ? max : UINT64_MAX, HP_SAY_NONE);
}

void hp_declare_limits(hp_declaration *d)
{
    static const hp_property properties[] = {HP_PROP_UDP_LIMIT, HP_PROP_TCP_LIMIT, HP_PROP_ICMP_LIMIT};
    uint64_t limit = UINT64_MAX, ports = UINT64_MAX;
    hp_declare_proto any = HP_DECLARE_N_PROTOS;

    for (unsigned i = 0; i < HP_DECLARE_N_PROTOS; i++) {
        hp_declare_proto proto = (hp_declare_proto)i;
        if (!d->proto[i].leaves) {
            hp_certificate_unknown(d->c, properties[i], "the protocol does not leave");
            continue;
        }
        any = any == HP_DECLARE_N_PROTOS ? proto : any;
        uint64_t own = hp_declare_host_limit(d, proto), have = hp_declare_host_ports(d, proto);
        say_limit(d, properties[i], MIN(own, have));
        if (MIN(limit, ports) >= MOST_MAPPINGS) {
            limit = own;
            ports = have;
        }
    }
    say_limit(d, HP_PROP_HOST_LIMIT, together(d));

    uint64_t own = d->nat->max_mappings ? d->nat->max_mappings : UINT64_MAX, have = table_ports(d, any);
    say_limit(d, HP_PROP_TABLE_LIMIT, MIN(own, have));
    if (MIN(limit, ports) >= MOST_MAPPINGS) {
        limit = own;
        ports = have;
    }
    declare_eviction(d, limit, ports);
    declare_remotes(d);
}
