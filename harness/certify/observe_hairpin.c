/* Hairpinning (RFC 4787 section 6, RFC 5382 REQ-8): two inside hosts, each sends to the other's external endpoint.
 *
 * First from an endpoint that the device has never seen, twice: what arrives then is not filtered, and whether the
 * first packet arrives tells if the one that makes the sender's mapping is lost. If nothing arrives, both send in turn,
 * each opening the filter for the other. A device that filters and shows another external endpoint to each destination
 * lets nothing through even then: to these hosts it does not hairpin. */
#include "certify/observe.h"

typedef struct pair {
    hp_bench *b;
    hp_bench_proto proto;
    hp_addr inside[2], external[2];
} pair;

static bool meet(hp_observer *o, hp_bench_proto proto, hp_bench *b, pair *ret)
{
    hp_addr remote = hp_observer_remote(o, b, proto, 0);
    *ret = (pair){.b = b, .proto = proto};
    for (unsigned host = 0; host < 2; host++) {
        ret->inside[host] = hp_observer_inside(o, b, proto, host, 8 * host);
        if (!hp_bench_open(b, proto, &ret->inside[host], &remote, &ret->external[host]))
            return false;
    }
    return true;
}

/* Sends from there to that host's external endpoint; what it shows as its source when it arrives, or NULL. */
static const char *loop(const pair *p, const hp_addr *from, unsigned host)
{
    hp_bench_open(p->b, p->proto, from, &p->external[host], NULL);
    const hp_packet *arrived = hp_bench_arrived(p->b, HP_BENCH_INSIDE, 0);
    if (!arrived || !hp_addr_equal(&arrived->dst, &p->inside[host]))
        return NULL;
    return hp_addr_equal(&arrived->src, from) ? "internal source" : "external source";
}

void hp_observe_hairpin(hp_observer *o, hp_bench_proto proto)
{
    hp_property property = proto == HP_BENCH_TCP ? HP_PROP_TCP_HAIRPIN : HP_PROP_UDP_HAIRPIN;
    g_autoptr(hp_bench) fresh = hp_observer_bench(o);
    g_autoptr(hp_bench) both = hp_observer_bench(o);
    const char *first = NULL, *again = NULL, *mutual = NULL;
    pair p;

    if (meet(o, proto, fresh, &p)) {
        hp_addr unseen = hp_observer_inside(o, fresh, proto, 0, 20);
        first = loop(&p, &unseen, 1);
        again = loop(&p, &unseen, 1);
    }
    if (meet(o, proto, both, &p)) {
        for (unsigned i = 0; i < 6 && !mutual; i++)
            mutual = loop(&p, &p.inside[i % 2], !(i % 2));
    }
    const char *seen = first ? first : again ? again : mutual;
    hp_certificate_say(o->c, property, seen ? seen : HP_SAY_NONE);
    if (proto == HP_BENCH_TCP)
        return;
    if (!seen) {
        hp_certificate_unknown(o->c, HP_PROP_HAIRPIN_FILTER, "nothing hairpins");
        hp_certificate_unknown(o->c, HP_PROP_HAIRPIN_FIRST, "nothing hairpins");
        return;
    }
    bool filtered = !first && !again;
    hp_certificate_say(o->c, HP_PROP_HAIRPIN_FILTER, filtered ? HP_SAY_YES : HP_SAY_NO);
    if (filtered)
        hp_certificate_unknown(o->c, HP_PROP_HAIRPIN_FIRST, "the filter drops the first packet anyway");
    else
        hp_certificate_say(o->c, HP_PROP_HAIRPIN_FIRST, first ? HP_SAY_YES : HP_SAY_NO);
}
