/* How long a port that was given up is nobody's (RFC 6888 REQ-8), and how many may wait so.
 *
 * Where ports are kept: a mapping ends by its timer, and another host asks for the same port; bisection over the time
 * between. Elsewhere one host takes all ports that it can get; if it was ports that ran out, it asks again once all its
 * mappings have ended, each second anew: it gets none while they wait. When it gets several hundred at once, few can
 * wait, and that is as good as none. */
#include "certify/observe.h"

enum { MOST_PORTS = HP_OBSERVE_PORTS - 1024, MOST_SECONDS = 3600, SOME_PORTS = 512 };

static bool is_withheld(hp_observer *o, hp_time t, const void *data)
{
    hp_bench_proto proto = *(const hp_bench_proto *)data;
    g_autoptr(hp_bench) b = hp_observer_bench(o);
    hp_addr first = hp_observer_inside(o, b, proto, 0, 0), second = hp_observer_inside(o, b, proto, 1, 0);
    hp_addr to = hp_observer_remote(o, b, proto, 0), before, after;

    if (!hp_bench_open(b, proto, &first, &to, &before))
        return false;
    hp_bench_wait(b, hp_time_add(o->proto[proto].unanswered, t));
    return !hp_bench_open(b, proto, &second, &to, &after) || !hp_addr_equal(&before, &after);
}

static unsigned count_withheld(hp_observer *o, hp_bench_proto proto)
{
    g_autoptr(hp_bench) b = hp_observer_bench(o);
    hp_addr to = hp_observer_remote(o, b, proto, 0), external;
    g_autofree uint16_t *ports = g_new0(uint16_t, HP_OBSERVE_MAX_WAITING);
    unsigned n = 0;

    for (unsigned i = 0; i < HP_OBSERVE_MAX_WAITING; i++) {
        hp_addr from = hp_observer_inside(o, b, proto, i % 4, i);
        if (hp_bench_open(b, proto, &from, &to, &external) && external.port == from.port)
            ports[i] = external.port;
    }
    hp_bench_wait(b, o->proto[proto].unanswered);
    /* From the newest to the oldest: whoever asks for a port that is withheld takes a later one. */
    for (unsigned i = HP_OBSERVE_MAX_WAITING; i-- > 0;) {
        hp_addr from = hp_bench_inside(b, 9, ports[i]);
        if (ports[i])
            n += !hp_bench_open(b, proto, &from, &to, &external) || external.port != ports[i];
    }
    return n;
}

static void observe_kept(hp_observer *o, hp_bench_proto proto, hp_property property)
{
    hp_time t = hp_observer_life(o, is_withheld, &proto, HP_OBSERVE_LONGEST);
    if (t == 0) {
        hp_certificate_say(o->c, property, HP_SAY_NONE);
        if (proto == HP_BENCH_UDP)
            hp_certificate_unknown(o->c, HP_PROP_QUARANTINE_MAX, "no port waits");
        return;
    }
    hp_certificate_say_time(o->c, property, t, "for ever");
    if (proto == HP_BENCH_UDP) {
        unsigned n = count_withheld(o, proto);
        hp_certificate_say_count(o->c, HP_PROP_QUARANTINE_MAX, n < HP_OBSERVE_MAX_WAITING ? n : UINT64_MAX,
                                 HP_SAY_NONE);
    }
}

static unsigned take_all(hp_bench *b, hp_bench_proto proto, const hp_addr *to, unsigned most)
{
    unsigned n = 0;
    for (; n < most; n++) {
        hp_addr from = hp_bench_inside(b, 0, (uint16_t)(1024 + n));
        if (!hp_bench_open(b, proto, &from, to, NULL))
            break;
    }
    return n;
}

/* Whether it was ports that the host ran out of. */
static bool ports_ran_out(const hp_observer *o, unsigned taken)
{
    bool arbitrary = hp_certificate_is(o->c, HP_PROP_POOLING, "arbitrary");
    if (o->blocks)
        return o->block_ports > 0 && taken == o->block_ports;
    return o->range_ports > 0 && taken == o->range_ports * (arbitrary ? o->n_external : 1);
}

static void observe_all(hp_observer *o, hp_bench_proto proto, hp_property property)
{
    bool ready = proto == HP_BENCH_UDP && o->exhausted && !o->blocks;
    g_autoptr(hp_bench) b = ready ? g_steal_pointer(&o->exhausted) : hp_observer_bench(o);
    hp_addr to = hp_observer_remote(o, b, proto, 0);
    unsigned taken = ready ? o->range_ports : take_all(b, proto, &to, MOST_PORTS);

    if (!ports_ran_out(o, taken)) {
        hp_certificate_unknown(o->c, property, "one host cannot have all ports");
        if (proto == HP_BENCH_UDP)
            hp_certificate_unknown(o->c, HP_PROP_QUARANTINE_MAX, "one host cannot have all ports");
        return;
    }
    hp_bench_wait(b, o->proto[proto].unanswered);
    unsigned most = MIN(taken, SOME_PORTS), again = take_all(b, proto, &to, most), seconds = 0;
    unsigned waiting = again == most ? 0 : taken - again;
    if (proto == HP_BENCH_UDP) {
        if (waiting == 0)
            hp_certificate_unknown(o->c, HP_PROP_QUARANTINE_MAX, "no port waits");
        else
            hp_certificate_say_count(o->c, HP_PROP_QUARANTINE_MAX, waiting < taken ? waiting : UINT64_MAX, HP_SAY_NONE);
    }
    if (waiting == 0) {
        hp_certificate_say(o->c, property, HP_SAY_NONE);
        return;
    }
    hp_addr from = hp_bench_inside(b, 0, 1024);
    while (seconds < MOST_SECONDS && again == 0 && !hp_bench_open(b, proto, &from, &to, NULL)) {
        hp_bench_wait(b, HP_S);
        seconds++;
    }
    if (again > 0)
        hp_certificate_unknown(o->c, property, "other ports are free");
    else
        hp_certificate_say_time(o->c, property, seconds * HP_S, "for ever");
}

void hp_observe_quarantine(hp_observer *o, hp_bench_proto proto)
{
    hp_property property = proto == HP_BENCH_TCP ? HP_PROP_TCP_QUARANTINE : HP_PROP_UDP_QUARANTINE;
    bool kept = o->proto[proto].keeps && !o->blocks && o->n_external <= 1;

    if (o->proto[proto].unanswered == HP_NEVER)
        hp_certificate_unknown(o->c, property, "no mapping ends");
    else if (kept)
        observe_kept(o, proto, property);
    else
        observe_all(o, proto, property);
}
