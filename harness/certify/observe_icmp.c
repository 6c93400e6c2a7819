/* ICMP (RFC 5508, RFC 4787 section 9): queries, and errors about UDP (TCP, where no UDP leaves).
 *
 * Errors are made from the packets as they were seen on the side where the error arises, by a router on the way or by
 * the far end. Each kind has a fresh flow, which is tried afterwards: an error must not end it. */
#include "certify/observe.h"

/* ---- queries ---- */

static bool is_alive(hp_observer *o, hp_time t, const void *data)
{
    g_autoptr(hp_bench) b = hp_observer_bench(o);
    hp_addr from = hp_observer_inside(o, b, HP_BENCH_ICMP, 0, 0), to = hp_bench_remote(b, 0, 0), external;
    if (!hp_bench_open(b, HP_BENCH_ICMP, &from, &to, &external))
        return false;
    hp_bench_wait(b, t);
    return hp_bench_enter(b, HP_BENCH_ICMP, &to, &external);
}

static const char *ping(hp_observer *o)
{
    g_autoptr(hp_bench) b = hp_observer_bench(o);
    hp_addr from = hp_bench_remote(b, 0, 77), to = hp_bench_external(b, 0, 0);
    hp_bench_send(b, HP_BENCH_OUTSIDE, hp_bench_echo(false, &from, &to));
    return hp_bench_answer(b, HP_BENCH_OUTSIDE);
}

void hp_observe_icmp(hp_observer *o)
{
    hp_observe_mapping(o, HP_BENCH_ICMP);
    hp_observe_filtering(o, HP_BENCH_ICMP, HP_PROP_ICMP_FILTERING);
    hp_observe_ports(o, HP_BENCH_ICMP);
    o->proto[HP_BENCH_ICMP].unanswered = hp_observer_life(o, is_alive, NULL, HP_OBSERVE_LONGEST);
    hp_certificate_say_time(o->c, HP_PROP_ICMP_TIMER, o->proto[HP_BENCH_ICMP].unanswered, "none seen");
    hp_certificate_say(o->c, HP_PROP_PING, ping(o));
}

/* ---- errors ---- */

typedef struct outcome {
    bool tried, passed, translated, alive;
} outcome;

static hp_bench_proto subject_of(const hp_observer *o)
{
    return o->proto[HP_BENCH_UDP].leaves ? HP_BENCH_UDP : HP_BENCH_TCP;
}

/* An error about a packet that went out, from a router or the far end itself. */
static outcome from_outside(hp_observer *o, hp_icmp_kind kind)
{
    g_autoptr(hp_bench) b = hp_observer_bench(o);
    hp_bench_proto proto = subject_of(o);
    hp_addr from = hp_observer_inside(o, b, proto, 0, 0), to = hp_observer_remote(o, b, proto, 0), external;
    hp_addr reporter = hp_bench_remote(b, kind == HP_ICMP_PORT_UNREACHABLE ? 0 : 200, 0);
    hp_addr far = hp_bench_far(b, &reporter);
    outcome r = {0};

    if (!hp_bench_open(b, proto, &from, &to, &external))
        return r;
    hp_packet *error = hp_packet_icmp_error(kind, &reporter, hp_bench_arrived(b, HP_BENCH_OUTSIDE, 0),
                                            kind == HP_ICMP_FRAG_NEEDED ? 1300 : 0);
    const hp_packet *p = hp_bench_send(b, HP_BENCH_OUTSIDE, error);
    r.tried = true;
    r.passed = p && p->icmp_kind == kind && hp_addr_same_ip(&p->dst, &from) && hp_addr_same_ip(&p->src, &far);
    r.translated = r.passed && p->inner && hp_addr_equal(&p->inner->src, &from);
    r.alive = hp_bench_is_alive(b, proto, &to, &external, NULL);
    return r;
}

/* Port unreachable about a packet that came in. */
static outcome from_inside(hp_observer *o)
{
    g_autoptr(hp_bench) b = hp_observer_bench(o);
    hp_bench_proto proto = subject_of(o);
    hp_addr from = hp_observer_inside(o, b, proto, 0, 0), to = hp_observer_remote(o, b, proto, 0), external;
    outcome r = {0};

    if (!hp_bench_open(b, proto, &from, &to, &external) || !hp_bench_is_alive(b, proto, &to, &external, NULL))
        return r;
    hp_addr reporter = hp_addr_with_port(from, 0);
    hp_packet *error =
        hp_packet_icmp_error(HP_ICMP_PORT_UNREACHABLE, &reporter, hp_bench_arrived(b, HP_BENCH_INSIDE, 0), 0);
    const hp_packet *p = hp_bench_send(b, HP_BENCH_INSIDE, error);
    r.tried = true;
    r.passed = p && hp_addr_same_ip(&p->src, &external) && hp_addr_same_ip(&p->dst, &to);
    r.translated = r.passed && p->inner && hp_addr_equal(&p->inner->dst, &external);
    return r;
}

void hp_observe_icmp_errors(hp_observer *o)
{
    if (!o->proto[HP_BENCH_UDP].leaves && !o->proto[HP_BENCH_TCP].leaves) {
        for (unsigned i = HP_PROP_ICMP_ERRORS_IN; i <= HP_PROP_ICMP_ERRORS_END; i++)
            hp_certificate_unknown(o->c, (hp_property)i, "neither UDP nor TCP leaves");
        return;
    }
    outcome unreachable = from_outside(o, HP_ICMP_PORT_UNREACHABLE), ttl = from_outside(o, HP_ICMP_TTL_EXCEEDED);
    outcome too_big = from_outside(o, HP_ICMP_FRAG_NEEDED), out = from_inside(o);
    unsigned passed = unreachable.passed + ttl.passed + too_big.passed;
    unsigned alive = unreachable.alive + ttl.alive + too_big.alive;

    hp_certificate_say(o->c, HP_PROP_ICMP_ERRORS_IN, passed == 3 ? HP_SAY_YES : passed == 0 ? HP_SAY_NO : "some");
    hp_certificate_say(o->c, HP_PROP_ICMP_ERRORS_OUT, out.passed ? HP_SAY_YES : HP_SAY_NO);
    if (passed == 0 && !out.passed)
        hp_certificate_unknown(o->c, HP_PROP_ICMP_ERRORS_QUOTE, "no error passes");
    else
        hp_certificate_say(
            o->c, HP_PROP_ICMP_ERRORS_QUOTE,
            unreachable.translated && ttl.translated && too_big.translated && out.translated ? HP_SAY_YES : HP_SAY_NO);
    hp_certificate_say(o->c, HP_PROP_ICMP_ERRORS_END,
                       alive == 3                         ? HP_SAY_NO
                       : alive == 0                       ? "all do"
                       : alive == 2 && !unreachable.alive ? "port unreachable does"
                                                          : "some do");
}
