/* What a firewall inside the NAT and the NAT declare together. What either blocks does not pass; the stricter filter
 * and the shorter timer win. The firewall sees an outbound packet first, so what it blocks is answered as it says. */
#include <string.h>

#include "certify/declare_private.h"
#include "wire/tcp.h"

typedef enum fate { FATE_PASSES, FATE_BLOCKED } fate;

/* The firewall's word on a packet from a host inside to that port outside; who decides is the first policy that
 * matches, else the rest of the knobs. */
static fate judge(const hp_firewall_config *f, hp_packet *p, uint16_t port, hp_refusal *ret_refusal)
{
    p->dst.port = port;
    hp_match_subject subject = hp_match_subject_of(p);
    for (unsigned i = 0; i < f->n_out; i++) {
        if (hp_match_packet(&f->out[i].match, &subject)) {
            *ret_refusal = f->out[i].refusal;
            return f->out[i].allow ? FATE_PASSES : FATE_BLOCKED;
        }
    }
    *ret_refusal = f->out_refusal;
    return f->out_denied ? FATE_BLOCKED : FATE_PASSES;
}

static hp_packet *sample(uint8_t family, hp_declare_proto proto)
{
    hp_addr from = {0}, to = {0};
    bool v6 = family == HP_AF_IPV6;
    uint8_t syn[HP_TCP_HEADER_ROOM];
    size_t n = hp_tcp_write(&(hp_tcp_header){.flags = HP_TCP_SYN}, syn, sizeof syn);

    (void)hp_addr_parse(v6 ? "[fd00::2]:40000" : "10.0.0.2:40000", &from);
    (void)hp_addr_parse(v6 ? "2001:db8:2::1" : "203.0.113.1", &to);
    if (proto == HP_DECLARE_TCP)
        return hp_packet_new(HP_PROTO_TCP, &from, &to, syn, n);
    hp_packet *p = hp_packet_new(proto == HP_DECLARE_UDP ? HP_PROTO_UDP
                                 : v6                    ? HP_PROTO_ICMPV6
                                                         : HP_PROTO_ICMP,
                                 &from, &to, "probe", 5);
    if (proto == HP_DECLARE_ICMP)
        p->icmp_kind = HP_ICMP_ECHO_REQUEST;
    return p;
}

static const char *words(hp_refusal refusal, hp_declare_proto proto)
{
    switch (refusal) {
    case HP_REFUSE_SILENTLY:
        return HP_SAY_SILENCE;
    case HP_REFUSE_ICMP:
        return HP_SAY_ADMIN;
    case HP_REFUSE_RESET:
        return proto == HP_DECLARE_TCP ? HP_SAY_RST : HP_SAY_ADMIN;
    }
    g_assert_not_reached();
}

static void declare_reach(hp_declaration *d, uint8_t family)
{
    bool *ports[2] = {g_new0(bool, HP_DECLARE_PORTS), g_new0(bool, HP_DECLARE_PORTS)};
    const hp_nat_config *c = d->nat;
    const char *answer = NULL;
    hp_refusal refusal;

    for (unsigned proto = HP_DECLARE_UDP; proto <= HP_DECLARE_TCP; proto++) {
        g_autoptr(hp_packet) p = sample(family, (hp_declare_proto)proto);
        bool blocks_all = proto == HP_DECLARE_UDP ? c->block_udp : c->block_tcp;
        for (unsigned port = 1; port < HP_DECLARE_PORTS; port++) {
            bool first = judge(d->firewall, p, (uint16_t)port, &refusal) == FATE_PASSES, second = !blocks_all;
            for (unsigned i = 0; c->blocked && i < c->n_blocked; i++)
                second = second && !(port >= c->blocked[i].first && port <= c->blocked[i].last);
            ports[proto][port] = first && second;
            if (!answer && !first)
                answer = words(refusal, (hp_declare_proto)proto);
            else if (!answer && !second)
                answer = c->answers_blocked ? HP_SAY_ADMIN : HP_SAY_SILENCE;
        }
    }
    g_autoptr(hp_packet) ping = sample(family, HP_DECLARE_ICMP);
    hp_declare_reach(d, ports, judge(d->firewall, ping, ping->dst.port, &refusal) == FATE_PASSES,
                     HP_PROP_SITE_UDP_LEAVES);
    if (answer)
        hp_certificate_say(d->c, HP_PROP_SITE_BLOCKED_ANSWER, answer);
    else
        hp_certificate_unknown(d->c, HP_PROP_SITE_BLOCKED_ANSWER, "nothing is blocked");
    g_free(ports[0]);
    g_free(ports[1]);
}

static hp_nat_behaviour filter_of(const hp_firewall_config *f, hp_firewall_filtering knob)
{
    if (f->in_allowed)
        return HP_NAT_ENDPOINT_INDEPENDENT;
    switch (knob) {
    case HP_FIREWALL_ADDRESS_AND_PORT_DEPENDENT:
        return HP_NAT_ADDRESS_AND_PORT_DEPENDENT;
    case HP_FIREWALL_ADDRESS_DEPENDENT:
        return HP_NAT_ADDRESS_DEPENDENT;
    case HP_FIREWALL_ENDPOINT_INDEPENDENT:
        return HP_NAT_ENDPOINT_INDEPENDENT;
    }
    g_assert_not_reached();
}

static void declare_udp(hp_declaration *d)
{
    const hp_firewall_config *f = d->firewall;
    const hp_declared_proto *p = &d->proto[HP_DECLARE_UDP];
    /* Whoever may come in needs no flow of before. */
    hp_time firewall = f->in_allowed ? HP_NEVER : hp_declare_time(f->udp_timeout, 300 * HP_S);
    hp_time nat = hp_declare_time(d->nat->udp_timeout, 120 * HP_S);
    hp_time unreplied = MIN(f->in_allowed ? HP_NEVER : hp_declare_time(f->udp_unreplied_timeout, firewall),
                            hp_declare_time(d->nat->udp_unreplied_timeout, nat));

    hp_certificate_say(d->c, HP_PROP_SITE_UDP_FILTERING,
                       hp_declare_behaviour(MAX(p->filtering, filter_of(f, f->filtering)), false));
    if (p->to < 1024) {
        hp_certificate_unknown(d->c, HP_PROP_SITE_UDP_TIMER, "only ports below 1024 pass");
        hp_certificate_unknown(d->c, HP_PROP_SITE_UDP_TIMER_UNREPLIED, "only ports below 1024 pass");
        return;
    }
    hp_certificate_say_time(d->c, HP_PROP_SITE_UDP_TIMER, hp_declare_life(d, MIN(firewall, nat)), "");
    hp_certificate_say_time(d->c, HP_PROP_SITE_UDP_TIMER_UNREPLIED, hp_declare_life(d, unreplied), "");
}

static void declare_tcp(hp_declaration *d)
{
    const hp_firewall_config *f = d->firewall;
    const hp_declared_proto *p = &d->proto[HP_DECLARE_TCP];
    bool needs_no_flow = f->in_allowed && f->tcp_picks_up;
    hp_time firewall = needs_no_flow ? HP_NEVER : hp_declare_time(f->tcp_established_timeout, 7440 * HP_S);
    hp_time nat = hp_declare_time(d->nat->tcp_established_timeout, 7440 * HP_S);

    /* To the firewall a connection that both ends have closed opens nothing any more. */
    hp_nat_behaviour filter = MAX(p->filtering, filter_of(f, f->tcp_filtering));
    hp_certificate_say(d->c, HP_PROP_SITE_TCP_FILTERING,
                       hp_declare_behaviour(filter, p->by_connection || (!f->in_allowed &&
                                                                         filter == HP_NAT_ADDRESS_AND_PORT_DEPENDENT)));
    hp_certificate_say_time(d->c, HP_PROP_SITE_TCP_TIMER_ESTABLISHED, hp_declare_life(d, MIN(firewall, nat)), "");
}

void hp_declare_site(hp_declaration *d, uint8_t family)
{
    declare_reach(d, family);
    if (d->proto[HP_DECLARE_UDP].leaves) {
        declare_udp(d);
    } else {
        for (unsigned i = HP_PROP_SITE_UDP_TIMER; i <= HP_PROP_SITE_UDP_TIMER_UNREPLIED; i++)
            hp_certificate_unknown(d->c, (hp_property)i, "no UDP leaves");
        hp_certificate_unknown(d->c, HP_PROP_SITE_UDP_FILTERING, "no UDP leaves");
    }
    if (d->proto[HP_DECLARE_TCP].leaves) {
        declare_tcp(d);
    } else {
        hp_certificate_unknown(d->c, HP_PROP_SITE_TCP_FILTERING, "no TCP leaves");
        hp_certificate_unknown(d->c, HP_PROP_SITE_TCP_TIMER_ESTABLISHED, "no TCP leaves");
    }
}
