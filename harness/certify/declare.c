/* What a NAT's knobs declare, property by property, except for ports (declare_ports.c), limits (declare_limits.c), TCP
 * (declare_tcp.c) and the firewall beside it (declare_site.c).
 *
 * Where a knob cannot show, the property is declared unobservable for the reason that the probes would give:
 *   - nothing of the protocol passes; only ports below 1024 do; no two neighbouring ones do;
 *   - a mapping that ends by its absolute lifetime cannot be refreshed;
 *   - filtered hairpinning between hosts that see another endpoint of each other for each remote is none. */
#include <string.h>

#include "certify/declare_private.h"
#include "wire/dns64.h"

const char *hp_declare_behaviour(hp_nat_behaviour behaviour, bool by_connection)
{
    switch (behaviour) {
    case HP_NAT_ENDPOINT_INDEPENDENT:
        return by_connection ? HP_SAY_CONNECTION : HP_SAY_EIM;
    case HP_NAT_ADDRESS_DEPENDENT:
        return HP_SAY_ADM;
    case HP_NAT_ADDRESS_AND_PORT_DEPENDENT:
        return by_connection ? HP_SAY_CONNECTION : HP_SAY_APDM;
    }
    g_assert_not_reached();
}

hp_time hp_declare_life(const hp_declaration *d, hp_time timer)
{
    hp_time t = MIN(timer, d->lifetime);
    return t == HP_NEVER ? t : (t + HP_MS - 1) / HP_MS * HP_MS;
}

bool hp_declare_is_masked(const hp_declaration *d, const hp_declared_proto *p)
{
    bool one_address = d->pool == 1 || d->nat->pooling == HP_NAT_PAIRED;
    return p->mapping != HP_NAT_ENDPOINT_INDEPENDENT && p->overload && hp_declare_keeps(p) && one_address;
}

/* ---- the knobs of each protocol ---- */

static hp_nat_behaviour behaviour_of(hp_nat_own_behaviour own, hp_nat_behaviour udp)
{
    switch (own) {
    case HP_NAT_BEHAVIOUR_AS_UDP:
        return udp;
    case HP_NAT_OWN_ENDPOINT_INDEPENDENT:
        return HP_NAT_ENDPOINT_INDEPENDENT;
    case HP_NAT_OWN_ADDRESS_DEPENDENT:
        return HP_NAT_ADDRESS_DEPENDENT;
    case HP_NAT_OWN_ADDRESS_AND_PORT_DEPENDENT:
    case HP_NAT_OWN_CONNECTION_DEPENDENT:
        return HP_NAT_ADDRESS_AND_PORT_DEPENDENT;
    }
    g_assert_not_reached();
}

static hp_nat_ports ports_of(hp_nat_own_ports own, hp_nat_ports udp)
{
    switch (own) {
    case HP_NAT_PORTS_AS_UDP:
        return udp;
    case HP_NAT_OWN_PORTS_PRESERVE:
        return HP_NAT_PORTS_PRESERVE;
    case HP_NAT_OWN_PORTS_SEQUENTIAL:
        return HP_NAT_PORTS_SEQUENTIAL;
    case HP_NAT_OWN_PORTS_RANDOM:
        return HP_NAT_PORTS_RANDOM;
    }
    g_assert_not_reached();
}

static hp_nat_hairpin hairpin_of(hp_nat_own_hairpin own, hp_nat_hairpin udp)
{
    switch (own) {
    case HP_NAT_HAIRPIN_AS_UDP:
        return udp;
    case HP_NAT_OWN_HAIRPIN_NONE:
        return HP_NAT_HAIRPIN_NONE;
    case HP_NAT_OWN_HAIRPIN_INTERNAL_SOURCE:
        return HP_NAT_HAIRPIN_INTERNAL_SOURCE;
    case HP_NAT_OWN_HAIRPIN_EXTERNAL_SOURCE:
        return HP_NAT_HAIRPIN_EXTERNAL_SOURCE;
    }
    g_assert_not_reached();
}

static bool choice_of(hp_nat_own_choice own, bool udp)
{
    return own == HP_NAT_CHOICE_YES || (own == HP_NAT_CHOICE_AS_UDP && udp);
}

static void read_protocols(hp_declaration *d)
{
    const hp_nat_config *c = d->nat;
    d->proto[HP_DECLARE_UDP] = (hp_declared_proto){.mapping = c->mapping,
                                                   .filtering = c->filtering,
                                                   .ports = c->ports,
                                                   .overload = c->overload,
                                                   .parity = c->port_parity,
                                                   .hairpin = c->hairpin,
                                                   .max_per_host = c->max_udp_per_host};
    d->proto[HP_DECLARE_TCP] = (hp_declared_proto){.mapping = behaviour_of(c->tcp_mapping, c->mapping),
                                                   .filtering = behaviour_of(c->tcp_filtering, c->filtering),
                                                   .by_connection = c->tcp_filtering == HP_NAT_OWN_CONNECTION_DEPENDENT,
                                                   .ports = ports_of(c->tcp_ports, c->ports),
                                                   .overload = choice_of(c->tcp_overload, c->overload),
                                                   .parity = choice_of(c->tcp_port_parity, c->port_parity),
                                                   .hairpin = hairpin_of(c->tcp_hairpin, c->hairpin),
                                                   .max_per_host = c->max_tcp_per_host};
    d->proto[HP_DECLARE_ICMP] = (hp_declared_proto){.mapping = behaviour_of(c->icmp_mapping, c->mapping),
                                                    .filtering = behaviour_of(c->icmp_filtering, c->filtering),
                                                    .ports = ports_of(c->icmp_ports, c->ports),
                                                    .overload = c->overload,
                                                    .max_per_host = c->max_icmp_per_host};
}

/* ---- what passes ---- */

static void look_at_ports(hp_declared_proto *p, const bool *ports)
{
    unsigned n = 0;
    p->leaves = p->has_other = p->has_pair = false;
    p->to = p->to_low = 0;
    for (unsigned port = HP_DECLARE_PORTS - 1; port > 0; port--) {
        if (!ports[port])
            continue;
        n++;
        if (port < 1024)
            p->to_low = port;
        if (port >= 1024 || p->to == 0 || p->to < 1024)
            p->to = port;
        if (port % 2 == 0 && port + 1 < HP_DECLARE_PORTS && ports[port + 1])
            p->has_pair = true;
    }
    p->leaves = n > 0;
    p->has_other = n > 1;
}

void hp_declare_reach(hp_declaration *d, bool *const ports[2], bool icmp, hp_property udp_leaves)
{
    for (unsigned proto = HP_DECLARE_UDP; proto <= HP_DECLARE_TCP; proto++) {
        look_at_ports(&d->proto[proto], ports[proto]);
        hp_certificate_say_ports(d->c, (hp_property)(udp_leaves + proto), ports[proto]);
    }
    d->proto[HP_DECLARE_ICMP].leaves = icmp;
    hp_certificate_say(d->c, (hp_property)(udp_leaves + HP_DECLARE_ICMP), icmp ? HP_SAY_YES : HP_SAY_NO);
}

static void declare_reach(hp_declaration *d)
{
    const hp_nat_config *c = d->nat;
    g_autofree bool *udp = g_new0(bool, HP_DECLARE_PORTS), *tcp = g_new0(bool, HP_DECLARE_PORTS);
    bool all = !c->block_udp && !c->block_tcp;

    for (unsigned port = 1; port < HP_DECLARE_PORTS; port++) {
        bool blocked = false;
        for (unsigned i = 0; c->blocked && i < c->n_blocked; i++)
            blocked = blocked || (port >= c->blocked[i].first && port <= c->blocked[i].last);
        all = all && !blocked;
        udp[port] = !blocked && !c->block_udp;
        tcp[port] = !blocked && !c->block_tcp;
    }
    hp_declare_reach(d, (bool *const[2]){udp, tcp}, true, HP_PROP_UDP_LEAVES);
    if (all)
        hp_certificate_unknown(d->c, HP_PROP_BLOCKED_ANSWER, "nothing is blocked");
    else
        hp_certificate_say(d->c, HP_PROP_BLOCKED_ANSWER, c->answers_blocked ? HP_SAY_ADMIN : HP_SAY_SILENCE);
}

/* ---- mapping and filtering ---- */

static void declare_mapping(hp_declaration *d, const hp_declared_proto *p, hp_property property)
{
    bool blind = p->mapping != HP_NAT_ENDPOINT_INDEPENDENT && !p->has_other;
    if (blind)
        hp_certificate_unknown(d->c, property, "only one port passes");
    else
        hp_certificate_say(d->c, property, hp_declare_behaviour(p->mapping, false));
    if (property != HP_PROP_UDP_MAPPING)
        return;
    if (blind)
        hp_certificate_unknown(d->c, HP_PROP_UDP_DETERMINISM, "the mapping is not known");
    else
        hp_certificate_say(d->c, HP_PROP_UDP_DETERMINISM,
                           hp_declare_is_masked(d, p) ? "no: " HP_SAY_EIM " until ports collide" : HP_SAY_YES);
}

/* Queries have no ports to depend on. */
static const char *by_address(hp_nat_behaviour behaviour)
{
    return behaviour == HP_NAT_ENDPOINT_INDEPENDENT ? HP_SAY_EIM : HP_SAY_ADM;
}

static void declare_hairpin(hp_declaration *d, const hp_declared_proto *p, hp_property property)
{
    bool filters = p->filtering != HP_NAT_ENDPOINT_INDEPENDENT || p->by_connection;
    bool filtered = d->nat->hairpin_filtered && filters;
    bool apart = p->mapping != HP_NAT_ENDPOINT_INDEPENDENT && !hp_declare_is_masked(d, p);
    bool loops = p->hairpin != HP_NAT_HAIRPIN_NONE && !(filtered && apart) && p->to >= 1024;

    hp_certificate_say(d->c, property,
                       !loops                                         ? HP_SAY_NONE
                       : p->hairpin == HP_NAT_HAIRPIN_INTERNAL_SOURCE ? "internal source"
                                                                      : "external source");
    if (property == HP_PROP_TCP_HAIRPIN)
        return;
    if (!loops)
        hp_certificate_unknown(d->c, HP_PROP_HAIRPIN_FILTER, "nothing hairpins");
    else
        hp_certificate_say(d->c, HP_PROP_HAIRPIN_FILTER, filtered ? HP_SAY_YES : HP_SAY_NO);
    if (!loops || filtered)
        hp_certificate_unknown(d->c, HP_PROP_HAIRPIN_FIRST, "nothing, or what the filter drops");
    else
        hp_certificate_say(d->c, HP_PROP_HAIRPIN_FIRST, d->nat->hairpin_drops_first ? HP_SAY_NO : HP_SAY_YES);
}

/* ---- UDP ---- */

static const char *refreshed_by(bool out, bool in)
{
    return out ? (in ? "outbound and inbound" : "outbound") : (in ? "inbound" : "none");
}

static void declare_udp_timers(hp_declaration *d)
{
    enum { MOST_ROUNDS = 6000 };
    const hp_nat_config *c = d->nat;
    hp_time udp = hp_declare_time(c->udp_timeout, 120 * HP_S);
    hp_time unreplied = hp_declare_time(c->udp_unreplied_timeout, udp);
    hp_time low = hp_declare_time(c->udp_well_known_timeout, udp);

    if (d->proto[HP_DECLARE_UDP].to < 1024) {
        hp_certificate_unknown(d->c, HP_PROP_UDP_TIMER, "only ports below 1024 pass");
        hp_certificate_unknown(d->c, HP_PROP_UDP_TIMER_UNREPLIED, "only ports below 1024 pass");
        udp = low;
    } else {
        hp_certificate_say_time(d->c, HP_PROP_UDP_TIMER, hp_declare_life(d, udp), "");
        hp_certificate_say_time(d->c, HP_PROP_UDP_TIMER_UNREPLIED, hp_declare_life(d, unreplied), "");
    }
    if (d->proto[HP_DECLARE_UDP].to_low)
        hp_certificate_say_time(d->c, HP_PROP_UDP_TIMER_WELL_KNOWN, hp_declare_life(d, low), "");
    else
        hp_certificate_unknown(d->c, HP_PROP_UDP_TIMER_WELL_KNOWN, "no port below 1024 passes");

    hp_time timer = hp_declare_life(d, udp), period = timer / 3 * 2 / HP_MS * HP_MS;
    uint64_t rounds = period ? MIN(MOST_ROUNDS, 86400 * HP_S / period + 1) : 0;
    hp_time end = hp_declare_life(d, HP_NEVER), seen = end <= rounds * period ? end : HP_NEVER;
    hp_certificate_say_time(d->c, HP_PROP_UDP_LIFETIME, seen, "none seen");
    if (seen <= timer / 10 * 12)
        hp_certificate_unknown(d->c, HP_PROP_UDP_REFRESH, "it ends before");
    else
        hp_certificate_say(d->c, HP_PROP_UDP_REFRESH,
                           refreshed_by(c->refresh != HP_NAT_REFRESH_INBOUND, c->refresh != HP_NAT_REFRESH_OUTBOUND));
}

static void declare_udp(hp_declaration *d)
{
    const hp_nat_config *c = d->nat;
    const hp_declared_proto *p = &d->proto[HP_DECLARE_UDP];
    bool answers = c->unsolicited == HP_NAT_UNSOLICITED_ICMP;

    declare_mapping(d, p, HP_PROP_UDP_MAPPING);
    hp_certificate_say(d->c, HP_PROP_UDP_FILTERING, hp_declare_behaviour(p->filtering, false));
    declare_udp_timers(d);
    hp_certificate_say(d->c, HP_PROP_UDP_UNSOLICITED, answers ? HP_SAY_PORT_UNREACHABLE : HP_SAY_SILENCE);
    if (p->filtering == HP_NAT_ENDPOINT_INDEPENDENT)
        hp_certificate_unknown(d->c, HP_PROP_UDP_FILTERED, "nothing is filtered");
    else
        hp_certificate_say(d->c, HP_PROP_UDP_FILTERED,
                           !answers           ? HP_SAY_SILENCE
                           : c->inbound_first ? HP_SAY_PORT_UNREACHABLE
                                              : HP_SAY_ADMIN);
    hp_certificate_say(d->c, HP_PROP_INBOUND_FIRST, c->inbound_first ? HP_SAY_YES : HP_SAY_NO);
    declare_hairpin(d, p, HP_PROP_UDP_HAIRPIN);
    hp_declare_ports(d);
}

/* ---- ICMP, fragments ---- */

static const char *assignment(hp_nat_ports ports)
{
    switch (ports) {
    case HP_NAT_PORTS_PRESERVE:
        return HP_SAY_PRESERVE;
    case HP_NAT_PORTS_SEQUENTIAL:
        return HP_SAY_SEQUENTIAL;
    case HP_NAT_PORTS_RANDOM:
        return HP_SAY_RANDOM;
    }
    g_assert_not_reached();
}

static void declare_icmp(hp_declaration *d)
{
    const hp_nat_config *c = d->nat;
    const hp_declared_proto *p = &d->proto[HP_DECLARE_ICMP];

    hp_certificate_say(d->c, HP_PROP_ICMP_MAPPING, by_address(p->mapping));
    hp_certificate_say(d->c, HP_PROP_ICMP_FILTERING, by_address(p->filtering));
    hp_certificate_say(d->c, HP_PROP_ICMP_IDS, assignment(p->ports));
    hp_certificate_say_time(d->c, HP_PROP_ICMP_TIMER, hp_declare_life(d, hp_declare_time(c->icmp_timeout, 60 * HP_S)),
                            "");
    hp_certificate_say(d->c, HP_PROP_PING,
                       c->answers_ping                             ? "echo reply"
                       : c->unsolicited == HP_NAT_UNSOLICITED_ICMP ? HP_SAY_ADMIN
                                                                   : HP_SAY_SILENCE);
    if (!d->proto[HP_DECLARE_UDP].leaves && !d->proto[HP_DECLARE_TCP].leaves) {
        for (unsigned i = HP_PROP_ICMP_ERRORS_IN; i <= HP_PROP_ICMP_ERRORS_END; i++)
            hp_certificate_unknown(d->c, (hp_property)i, "neither UDP nor TCP leaves");
        return;
    }
    hp_certificate_say(d->c, HP_PROP_ICMP_ERRORS_IN, c->icmp_errors ? HP_SAY_YES : HP_SAY_NO);
    hp_certificate_say(d->c, HP_PROP_ICMP_ERRORS_OUT, c->icmp_errors ? HP_SAY_YES : HP_SAY_NO);
    if (c->icmp_errors)
        hp_certificate_say(d->c, HP_PROP_ICMP_ERRORS_QUOTE, c->icmp_inner_untranslated ? HP_SAY_NO : HP_SAY_YES);
    else
        hp_certificate_unknown(d->c, HP_PROP_ICMP_ERRORS_QUOTE, "no error passes");
    hp_certificate_say(d->c, HP_PROP_ICMP_ERRORS_END,
                       c->icmp_error_ends_mapping         ? "all do"
                       : c->icmp_unreachable_ends_mapping ? "port unreachable does"
                                                          : HP_SAY_NO);
}

static const char *fragments(hp_nat_fragments knob)
{
    switch (knob) {
    case HP_NAT_FRAGMENTS_OUT_OF_ORDER:
        return "pass in any order";
    case HP_NAT_FRAGMENTS_IN_ORDER:
        return "pass in order only";
    case HP_NAT_FRAGMENTS_DROP:
        return "dropped";
    case HP_NAT_FRAGMENTS_REASSEMBLE:
        return "reassembled, in any order";
    }
    g_assert_not_reached();
}

static void silence(hp_certificate *c, hp_property first, hp_property last, const char *why)
{
    for (unsigned i = first; i <= last; i++)
        hp_certificate_unknown(c, (hp_property)i, why);
}

static void declare_ipv6(hp_declaration *d)
{
    const hp_nat_config *c = d->nat;
    hp_prefix prefix = c->nat64_prefix.base.family == HP_AF_NONE ? hp_dns64_well_known() : c->nat64_prefix;
    hp_addr remote = hp_addr_v4(0xcb007101, 0), far; /* 203.0.113.1 */
    char text[HP_ADDR_TEXT];

    if (c->nat64 && hp_dns64_embed(&prefix, &remote, &far)) {
        g_autofree char *words = g_strdup_printf("yes, as %s", hp_addr_format_ip(&far, text));
        hp_certificate_say(d->c, HP_PROP_NAT64, words);
    } else {
        hp_certificate_say(d->c, HP_PROP_NAT64, HP_SAY_NO);
    }
    switch (c->ipv6) {
    case HP_NAT_IPV6_TRANSLATE:
        hp_certificate_say(d->c, HP_PROP_IPV6, HP_SAY_TRANSLATED);
        return;
    case HP_NAT_IPV6_ROUTE:
        hp_certificate_say(d->c, HP_PROP_IPV6, "routed as it is");
        return;
    case HP_NAT_IPV6_PREFIX:
        hp_certificate_say(d->c, HP_PROP_IPV6, "its prefix is replaced");
        return;
    }
}

hp_certificate *hp_certify_declare(const hp_certify_subject *subject)
{
    const hp_nat_config *c = subject->nat;
    hp_declaration d = {.nat = c, .firewall = subject->firewall, .c = hp_certificate_new()};
    bool given = c->port_range.first || c->port_range.last;

    d.lifetime = c->max_lifetime ? c->max_lifetime : HP_NEVER;
    d.pool = MAX(c->pool, 1);
    d.first = MAX(given ? MIN(c->port_range.first, c->port_range.last) : 1024, 1);
    d.last = given ? MAX(c->port_range.first, c->port_range.last) : HP_DECLARE_PORTS - 1;
    if (c->well_known_apart)
        d.first = MAX(d.first, 1024);
    d.refuses = c->ports == HP_NAT_PORTS_PRESERVE && c->collision == HP_NAT_COLLISION_REFUSE;
    read_protocols(&d);
    declare_ipv6(&d);
    if (subject->family == HP_AF_IPV6 && c->ipv6 != HP_NAT_IPV6_TRANSLATE) {
        silence(d.c, HP_PROP_UDP_LEAVES, HP_PROP_BLOCKED_ANSWER, "IPv6 is not translated by ports");
        silence(d.c, HP_PROP_UDP_MAPPING, HP_PROP_TCP_QUARANTINE, "IPv6 is not translated by ports");
        return d.c;
    }
    declare_reach(&d);
    declare_icmp(&d);
    if (d.proto[HP_DECLARE_UDP].leaves) {
        declare_udp(&d);
        hp_certificate_say(d.c, HP_PROP_FRAGMENTS_OUT, fragments(c->fragments));
        hp_certificate_say(d.c, HP_PROP_FRAGMENTS_IN, fragments(c->fragments));
    } else {
        silence(d.c, HP_PROP_UDP_MAPPING, HP_PROP_UDP_LIFETIME, "no UDP leaves");
        silence(d.c, HP_PROP_FRAGMENTS_OUT, HP_PROP_FRAGMENTS_IN, "no UDP leaves");
    }
    if (d.proto[HP_DECLARE_TCP].leaves) {
        declare_mapping(&d, &d.proto[HP_DECLARE_TCP], HP_PROP_TCP_MAPPING);
        declare_hairpin(&d, &d.proto[HP_DECLARE_TCP], HP_PROP_TCP_HAIRPIN);
        hp_certificate_say(d.c, HP_PROP_TCP_PORTS, assignment(d.proto[HP_DECLARE_TCP].ports));
        hp_declare_tcp_ports(&d);
        hp_declare_tcp(&d);
    } else {
        silence(d.c, HP_PROP_TCP_MAPPING, HP_PROP_TCP_QUARANTINE, "no TCP leaves");
    }
    hp_declare_limits(&d);
    if (subject->firewall)
        hp_declare_site(&d, subject->family);
    return d.c;
}
