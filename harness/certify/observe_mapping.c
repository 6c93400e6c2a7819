/* Mapping and filtering (RFC 4787 sections 4.1 and 5; RFC 5382 REQ-1 and REQ-3; RFC 5508 REQ-1), for each protocol.
 *
 * Mapping. RFC 5780's client compares where one endpoint appears to three remotes. A device that maps per destination
 * but keeps the port of each flow where it is free looks endpoint-independent to that: its face shows when the port of
 * one flow is taken. So the question is asked twice, with the port free and with another host in its place towards the
 * first remote. The second answer is the mapping, and whether the first is the same tells if the device is
 * deterministic (RFC 4787 section 8). A flow that is refused appears nowhere, which is also another place; but where
 * the taken port keeps every flow from passing, only the first question counts.
 *
 * Chance may give two flows one port; hence several endpoints, of which one that differs settles it. */
#include "certify/observe.h"

enum { N_ENDPOINTS = 4 };

void hp_observe_keeping(hp_observer *o, hp_bench_proto proto)
{
    static const int steps[] = {16, -96, 40, -40, 4, -8};
    hp_observed_proto *p = &o->proto[proto];
    hp_addr to, first, kept, next;

    p->base &= (uint16_t)~1u;
    for (unsigned i = 0; i < G_N_ELEMENTS(steps); i++) {
        g_autoptr(hp_bench) b = hp_observer_bench(o);
        hp_addr from = hp_bench_inside(b, 0, p->base);
        to = hp_observer_remote(o, b, proto, 0);
        if (!hp_bench_open(b, proto, &from, &to, &first))
            return;
        uint16_t candidate = (uint16_t)((first.port + steps[i]) & ~1);
        from.port = candidate;
        if (!hp_bench_open(b, proto, &from, &to, &kept) || kept.port != candidate)
            continue;
        p->keeps = true;
        from.port = (uint16_t)(candidate + 64);
        bool roomy = hp_bench_open(b, proto, &from, &to, &next) && next.port == from.port;
        if (roomy || i + 1 == G_N_ELEMENTS(steps)) {
            p->base = candidate;
            return;
        }
    }
}

/* ---- mapping ---- */

typedef struct places {
    bool passed[3];
    hp_addr at[3]; /* to a remote, to another port of it, to another address */
} places;

static places look(hp_observer *o, hp_bench_proto proto, unsigned offset, bool taken)
{
    g_autoptr(hp_bench) b = hp_observer_bench(o);
    const hp_observed_proto *p = &o->proto[proto];
    hp_addr remotes[3] = {hp_observer_remote(o, b, proto, 0), hp_bench_remote(b, 0, p->to_other),
                          hp_observer_remote(o, b, proto, 1)};
    hp_addr from = hp_observer_inside(o, b, proto, 0, offset);
    places seen = {0};

    if (taken)
        hp_observer_take(o, b, proto, offset, &remotes[0]);
    for (unsigned i = 0; i < G_N_ELEMENTS(remotes); i++) {
        if (i != 1 || p->to_other)
            seen.passed[i] = hp_bench_open(b, proto, &from, &remotes[i], &seen.at[i]);
    }
    return seen;
}

static bool same(const places *s, unsigned a, unsigned b)
{
    return s->passed[a] && s->passed[b] && hp_addr_equal(&s->at[a], &s->at[b]);
}

/* NULL when nothing passed, or (for a device that sends to one port only) when it takes another port to tell. */
static const char *classify(hp_observer *o, hp_bench_proto proto, bool taken, bool *ret_blind)
{
    bool by_address = false, by_port = false, any = false;

    for (unsigned i = 0; i < N_ENDPOINTS; i++) {
        places s = look(o, proto, 2 * i, taken);
        any = any || s.passed[0] || s.passed[1] || s.passed[2];
        by_address = by_address || !same(&s, 0, 2);
        by_port = by_port || (s.passed[0] || s.passed[1] ? !same(&s, 0, 1) : false);
    }
    *ret_blind = any && by_address && !o->proto[proto].to_other && proto != HP_BENCH_ICMP;
    if (!any || *ret_blind)
        return NULL;
    if (!o->proto[proto].to_other)
        by_port = false;
    return by_port ? HP_SAY_APDM : by_address ? HP_SAY_ADM : HP_SAY_EIM;
}

void hp_observe_mapping(hp_observer *o, hp_bench_proto proto)
{
    static const hp_property properties[] = {HP_PROP_UDP_MAPPING, HP_PROP_TCP_MAPPING, HP_PROP_ICMP_MAPPING};
    hp_property property = properties[proto];
    bool blind, blind_free;
    const char *free_port = classify(o, proto, false, &blind_free), *taken = classify(o, proto, true, &blind);

    if (blind || blind_free || !(taken ? taken : free_port)) {
        hp_certificate_unknown(o->c, property, "it depends on the address, and only one port passes to try another");
        if (proto == HP_BENCH_UDP)
            hp_certificate_unknown(o->c, HP_PROP_UDP_DETERMINISM, "the mapping is not known");
        return;
    }
    if (!taken)
        taken = free_port;
    hp_certificate_say(o->c, property, taken);
    if (proto == HP_BENCH_UDP) {
        g_autofree char *changes = g_strdup_printf("no: %s until ports collide", free_port);
        hp_certificate_say(o->c, HP_PROP_UDP_DETERMINISM, g_str_equal(taken, free_port) ? HP_SAY_YES : changes);
    }
}

/* ---- filtering ---- */

/* Whether a remote comes in at an endpoint that has sent to another one. */
static bool comes_in(hp_observer *o, hp_bench_proto proto, unsigned address, bool other_port)
{
    g_autoptr(hp_bench) b = hp_observer_bench(o);
    hp_addr from = hp_observer_inside(o, b, proto, 0, 0), to = hp_observer_remote(o, b, proto, 0), external;
    hp_addr remote = hp_observer_remote(o, b, proto, address);
    remote.port = (uint16_t)(remote.port + other_port);
    return hp_bench_open(b, proto, &from, &to, &external) && hp_bench_enter(b, proto, &remote, &external);
}

/* Whether the remote of a connection that both ends have closed may open another. */
static bool opens_again(hp_observer *o)
{
    g_autoptr(hp_bench) b = hp_observer_bench(o);
    hp_addr from = hp_observer_inside(o, b, HP_BENCH_TCP, 0, 0), to = hp_observer_remote(o, b, HP_BENCH_TCP, 0);
    const uint8_t fin = HP_TCP_FIN | HP_TCP_ACK;
    hp_bench_conn c;

    return hp_bench_connect(b, &c, &from, &to) && hp_bench_establish(b, &c) &&
           hp_bench_segment(b, &c, HP_BENCH_INSIDE, fin) && hp_bench_segment(b, &c, HP_BENCH_OUTSIDE, fin) &&
           hp_bench_segment(b, &c, HP_BENCH_INSIDE, HP_TCP_ACK) &&
           hp_bench_segment_at(b, &c, HP_BENCH_OUTSIDE, HP_TCP_SYN, 100000);
}

void hp_observe_filtering(hp_observer *o, hp_bench_proto proto, hp_property property)
{
    const char *words = HP_SAY_APDM;

    if (comes_in(o, proto, 1, false))
        words = HP_SAY_EIM;
    else if (proto == HP_BENCH_ICMP || comes_in(o, proto, 0, true))
        words = HP_SAY_ADM;
    else if (proto == HP_BENCH_TCP && !opens_again(o))
        words = HP_SAY_CONNECTION;
    hp_certificate_say(o->c, property, words);
}
