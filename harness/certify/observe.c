/* The suite as a whole: which probes, in which order, and what cannot be probed because nothing passes.
 *
 * Every probe is an experiment of its own on a cold device (bench.h). Times are found by bisection: a fresh mapping is
 * left alone for so long and then tried, so that no probe disturbs what it measures, and a timer of five days costs as
 * many experiments as one of a minute and some more. A mapping is dead at the very end of its time: what arrives at
 * that instant arrives too late.
 *
 * "None" for a limit or an end means that none was met within the bounds of the search (observe.h). */
#include "certify/observe.h"

#include "base/error.h"

hp_bench *hp_observer_bench(hp_observer *o)
{
    return hp_bench_new(o->subject, hp_bench_kind_of(o->subject), o->with_firewall, &o->failed);
}

hp_addr hp_observer_remote(const hp_observer *o, const hp_bench *b, hp_bench_proto proto, unsigned n)
{
    return hp_bench_remote(b, n, o->proto[proto].to);
}

hp_addr hp_observer_inside(const hp_observer *o, const hp_bench *b, hp_bench_proto proto, unsigned host,
                           unsigned offset)
{
    return hp_bench_inside(b, host, (uint16_t)(o->proto[proto].base + offset));
}

void hp_observer_take(const hp_observer *o, hp_bench *b, hp_bench_proto proto, unsigned offset, const hp_addr *to)
{
    for (unsigned host = 1; host <= MAX(o->n_external, 1); host++) {
        hp_addr from = hp_observer_inside(o, b, proto, host, offset);
        hp_bench_open(b, proto, &from, to, NULL);
    }
}

uint16_t hp_observer_elsewhere(const hp_observer *o, hp_bench_proto proto, unsigned offset)
{
    unsigned base = o->proto[proto].base;
    return (uint16_t)((base < 0x8000 ? base + 0x6000 : base - 0x6000) + offset);
}

hp_time hp_observer_life(hp_observer *o, hp_alive_func *alive, const void *data, hp_time longest)
{
    hp_time low = 0, high = HP_S;

    if (!alive(o, 0, data))
        return 0;
    while (alive(o, high, data)) {
        low = high;
        if (high >= longest || o->failed)
            return HP_NEVER;
        high = MIN(2 * high, longest);
    }
    while (high - low > HP_MS) {
        hp_time middle = low + (high - low) / 2 / HP_MS * HP_MS;
        if (alive(o, middle, data))
            low = middle;
        else
            high = middle;
    }
    return high;
}

static void silence(hp_certificate *c, hp_property first, hp_property last, const char *why)
{
    for (unsigned i = first; i <= last; i++)
        hp_certificate_unknown(c, (hp_property)i, why);
}

static void observe_udp(hp_observer *o)
{
    hp_observe_pool(o);
    hp_observe_keeping(o, HP_BENCH_UDP);
    hp_observe_mapping(o, HP_BENCH_UDP);
    hp_observe_filtering(o, HP_BENCH_UDP, HP_PROP_UDP_FILTERING);
    hp_observe_udp_timers(o);
    hp_observe_udp_unsolicited(o);
    hp_observe_hairpin(o, HP_BENCH_UDP);
    hp_observe_blocks(o);
    hp_observe_ports(o, HP_BENCH_UDP);
    hp_observe_port_range(o);
    hp_observe_overload(o, HP_BENCH_UDP, HP_PROP_UDP_OVERLOAD);
    hp_observe_quarantine(o, HP_BENCH_UDP);
    hp_observe_fragments(o);
}

static void observe_tcp(hp_observer *o)
{
    hp_observe_keeping(o, HP_BENCH_TCP);
    hp_observe_mapping(o, HP_BENCH_TCP);
    hp_observe_filtering(o, HP_BENCH_TCP, HP_PROP_TCP_FILTERING);
    hp_observe_ports(o, HP_BENCH_TCP);
    hp_observe_overload(o, HP_BENCH_TCP, HP_PROP_TCP_OVERLOAD);
    hp_observe_hairpin(o, HP_BENCH_TCP);
    hp_observe_tcp_timers(o);
    hp_observe_tcp(o);
    hp_observe_quarantine(o, HP_BENCH_TCP);
}

static void observe_device(hp_observer *o)
{
    hp_observe_ipv6(o);
    if (o->subject->family == HP_AF_IPV6 && !hp_certificate_is(o->c, HP_PROP_IPV6, HP_SAY_TRANSLATED)) {
        silence(o->c, HP_PROP_UDP_LEAVES, HP_PROP_BLOCKED_ANSWER, "IPv6 is not translated by ports");
        silence(o->c, HP_PROP_UDP_MAPPING, HP_PROP_TCP_QUARANTINE, "IPv6 is not translated by ports");
        return;
    }
    hp_observe_reach(o, HP_PROP_UDP_LEAVES);
    if (o->proto[HP_BENCH_UDP].leaves) {
        observe_udp(o);
    } else {
        silence(o->c, HP_PROP_UDP_MAPPING, HP_PROP_UDP_LIFETIME, "no UDP leaves");
        silence(o->c, HP_PROP_FRAGMENTS_OUT, HP_PROP_FRAGMENTS_IN, "no UDP leaves");
    }
    if (o->proto[HP_BENCH_TCP].leaves)
        observe_tcp(o);
    else
        silence(o->c, HP_PROP_TCP_MAPPING, HP_PROP_TCP_QUARANTINE, "no TCP leaves");
    if (o->proto[HP_BENCH_ICMP].leaves) {
        hp_observe_keeping(o, HP_BENCH_ICMP);
        hp_observe_icmp(o);
    } else {
        silence(o->c, HP_PROP_ICMP_MAPPING, HP_PROP_PING, "no echo request leaves");
    }
    hp_observe_limits(o);
    hp_observe_icmp_errors(o);
}

/* The firewall and the NAT together, as far as a call meets them: who may go out, who comes in, for how long. */
static void observe_site(hp_observer *o)
{
    *o = (hp_observer){.subject = o->subject, .c = o->c, .with_firewall = true, .failed = o->failed};
    hp_observe_reach(o, HP_PROP_SITE_UDP_LEAVES);
    if (o->proto[HP_BENCH_UDP].leaves) {
        hp_observe_keeping(o, HP_BENCH_UDP);
        hp_observe_filtering(o, HP_BENCH_UDP, HP_PROP_SITE_UDP_FILTERING);
        hp_observe_udp_timer(o, HP_PROP_SITE_UDP_TIMER, HP_PROP_SITE_UDP_TIMER_UNREPLIED);
    } else {
        hp_certificate_unknown(o->c, HP_PROP_SITE_UDP_FILTERING, "no UDP leaves");
        silence(o->c, HP_PROP_SITE_UDP_TIMER, HP_PROP_SITE_UDP_TIMER_UNREPLIED, "no UDP leaves");
    }
    if (o->proto[HP_BENCH_TCP].leaves) {
        hp_observe_keeping(o, HP_BENCH_TCP);
        hp_observe_filtering(o, HP_BENCH_TCP, HP_PROP_SITE_TCP_FILTERING);
        hp_observe_tcp_established(o, HP_PROP_SITE_TCP_TIMER_ESTABLISHED);
    } else {
        hp_certificate_unknown(o->c, HP_PROP_SITE_TCP_FILTERING, "no TCP leaves");
        hp_certificate_unknown(o->c, HP_PROP_SITE_TCP_TIMER_ESTABLISHED, "no TCP leaves");
    }
}

hp_certificate *hp_certify_observe(const hp_certify_subject *subject, GError **error)
{
    hp_observer o = {.subject = subject, .c = hp_certificate_new()};

    observe_device(&o);
    if (subject->firewall && (subject->family != HP_AF_IPV6 || hp_certificate_is(o.c, HP_PROP_IPV6, HP_SAY_TRANSLATED)))
        observe_site(&o);
    hp_bench_free(o.exhausted);
    if (o.failed) {
        hp_certificate_free(o.c);
        g_set_error_literal(error, HP_ERROR, HP_ERROR_LIMIT, "the world of the probes did not come to rest");
        return NULL;
    }
    return o.c;
}
