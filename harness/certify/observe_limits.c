/* Limits (RFC 6888 REQ-4 and REQ-5), for one host, for all, and for the remotes of one mapping; and who gives way.
 *
 * Mappings are made until one fails, or until there are so many that no limit is of interest. A device that never
 * refuses may still have one: then some of what was made is no longer there. Running out of ports is a limit like any
 * other here. */
#include "certify/observe.h"

/* Internal ports that a device which keeps them takes one after the other. */
static uint16_t nth_port(const hp_observer *o, hp_bench_proto proto, unsigned i)
{
    unsigned base = o->proto[proto].base;
    return (uint16_t)(1024 + (base - 1024u + i) % (HP_OBSERVE_PORTS - 1024u));
}

typedef struct crowd {
    bool one_host; /* else one mapping a host */
    bool mixed; /* all protocols in turn */
    hp_bench_proto proto;
} crowd;

/* The i-th member; false when it does not exist: its protocol does not pass. */
static bool member(const hp_observer *o, const hp_bench *b, const crowd *c, unsigned i, hp_bench_proto *ret_proto,
                   hp_addr *ret_from)
{
    hp_bench_proto proto = c->mixed ? (hp_bench_proto)(i % HP_OBSERVE_N_PROTOS) : c->proto;
    unsigned number = c->mixed ? i / HP_OBSERVE_N_PROTOS : i;
    *ret_proto = proto;
    *ret_from = hp_bench_inside(b, c->one_host ? 0 : i, nth_port(o, proto, number));
    return o->proto[proto].leaves;
}

typedef struct count {
    uint64_t n; /* UINT64_MAX: no limit was met */
    bool refuses;
} count;

static unsigned alive_of(hp_observer *o, hp_bench *b, const crowd *c, const GArray *externals)
{
    unsigned alive = 0;
    for (unsigned i = 0; i < externals->len; i++) {
        const hp_addr *external = &g_array_index(externals, hp_addr, i);
        hp_bench_proto proto;
        hp_addr from, at;
        if (external->family == HP_AF_NONE || !member(o, b, c, i, &proto, &from))
            continue;
        hp_addr remote = hp_observer_remote(o, b, proto, 0);
        alive += hp_bench_is_alive(b, proto, &remote, external, &at) && hp_addr_equal(&at, &from);
    }
    return alive;
}

static count count_crowd(hp_observer *o, const crowd *c)
{
    g_autoptr(hp_bench) b = hp_observer_bench(o);
    g_autoptr(GArray) externals = g_array_new(FALSE, TRUE, sizeof(hp_addr));
    unsigned opened = 0, refused_in_a_row = 0;

    for (unsigned i = 0; opened < HP_OBSERVE_MAX_MAPPINGS && refused_in_a_row < HP_OBSERVE_N_PROTOS; i++) {
        hp_addr from, external = {0};
        hp_bench_proto proto;
        bool exists = member(o, b, c, i, &proto, &from);
        hp_addr to = hp_observer_remote(o, b, proto, 0);
        bool good = exists && hp_bench_open(b, proto, &from, &to, &external);
        opened += good;
        refused_in_a_row = good ? 0 : c->mixed ? refused_in_a_row + 1 : HP_OBSERVE_N_PROTOS;
        g_array_append_val(externals, external);
    }
    if (opened < HP_OBSERVE_MAX_MAPPINGS)
        return (count){.n = opened, .refuses = true};
    unsigned alive = alive_of(o, b, c, externals);
    return (count){.n = alive < opened ? alive : UINT64_MAX};
}

/* ---- who gives way ---- */

static void observe_eviction(hp_observer *o, const crowd *c, const count *limit)
{
    g_autoptr(hp_bench) b = hp_observer_bench(o);
    hp_bench_proto proto = c->proto;
    hp_addr to = hp_observer_remote(o, b, proto, 0), externals[2] = {0}, internals[2] = {0}, from, external, at;

    if (limit->refuses) {
        hp_certificate_say(o->c, HP_PROP_EVICTION, "the new one is refused");
        return;
    }
    if (limit->n < 2) {
        hp_certificate_unknown(o->c, HP_PROP_EVICTION, "with one mapping, the oldest is the least recent");
        return;
    }
    for (unsigned i = 0; i < limit->n; i++) {
        member(o, b, c, i, &proto, &from);
        if (!hp_bench_open(b, proto, &from, &to, &external))
            break;
        if (i < 2) {
            externals[i] = external;
            internals[i] = from;
        }
        hp_bench_wait(b, HP_US);
    }
    hp_bench_is_alive(b, proto, &to, &externals[0], NULL);
    hp_bench_open(b, proto, &internals[0], &to, NULL);
    hp_bench_wait(b, HP_US);
    member(o, b, c, (unsigned)limit->n, &proto, &from);
    hp_bench_open(b, proto, &from, &to, NULL);
    bool first = hp_bench_is_alive(b, proto, &to, &externals[0], &at) && hp_addr_equal(&at, &internals[0]);
    hp_certificate_say(o->c, HP_PROP_EVICTION, first ? "the least recently used gives way" : "the oldest gives way");
}

static void observe_answer(hp_observer *o, const crowd *c, const count *limit)
{
    g_autoptr(hp_bench) b = hp_observer_bench(o);
    hp_bench_proto proto = c->proto;
    hp_addr to = hp_observer_remote(o, b, proto, 0), from;

    if (!limit->refuses) {
        hp_certificate_unknown(o->c, HP_PROP_LIMIT_ANSWER, "none is refused");
        return;
    }
    for (unsigned i = 0; i <= limit->n; i++) {
        member(o, b, c, i, &proto, &from);
        hp_bench_open(b, proto, &from, &to, NULL);
    }
    hp_certificate_say(o->c, HP_PROP_LIMIT_ANSWER, hp_bench_answer(b, HP_BENCH_INSIDE));
}

/* ---- remotes of a mapping ---- */

/* Whether the first remote may still send in after n of them were sent to. */
static bool remembers(hp_observer *o, unsigned n)
{
    g_autoptr(hp_bench) b = hp_observer_bench(o);
    hp_addr from = hp_observer_inside(o, b, HP_BENCH_UDP, 0, 0), first = hp_observer_remote(o, b, HP_BENCH_UDP, 0);
    hp_addr external = {0};

    for (unsigned i = 0; i < n; i++) {
        hp_addr to = hp_observer_remote(o, b, HP_BENCH_UDP, i);
        hp_bench_open(b, HP_BENCH_UDP, &from, &to, &external);
    }
    return hp_bench_enter(b, HP_BENCH_UDP, &first, &external);
}

static void observe_remotes(hp_observer *o)
{
    unsigned good = 1, bad = HP_OBSERVE_MAX_REMOTES;

    if (!hp_certificate_is(o->c, HP_PROP_UDP_MAPPING, HP_SAY_EIM) ||
        hp_certificate_is(o->c, HP_PROP_UDP_FILTERING, HP_SAY_EIM)) {
        hp_certificate_unknown(o->c, HP_PROP_REMOTES_LIMIT, "it takes one mapping for all remotes, and a filter");
        return;
    }
    if (remembers(o, bad)) {
        hp_certificate_say_count(o->c, HP_PROP_REMOTES_LIMIT, UINT64_MAX, HP_SAY_NONE);
        return;
    }
    while (bad - good > 1) {
        unsigned middle = (good + bad) / 2;
        if (remembers(o, middle))
            good = middle;
        else
            bad = middle;
    }
    hp_certificate_say_count(o->c, HP_PROP_REMOTES_LIMIT, good, HP_SAY_NONE);
}

void hp_observe_limits(hp_observer *o)
{
    static const hp_property of_proto[] = {HP_PROP_UDP_LIMIT, HP_PROP_TCP_LIMIT, HP_PROP_ICMP_LIMIT};
    crowd met = {0};
    count limit = {.n = UINT64_MAX};

    for (unsigned proto = 0; proto < HP_OBSERVE_N_PROTOS; proto++) {
        crowd c = {.one_host = true, .proto = (hp_bench_proto)proto};
        if (!o->proto[proto].leaves) {
            hp_certificate_unknown(o->c, of_proto[proto], "the protocol does not leave");
            continue;
        }
        count n = count_crowd(o, &c);
        hp_certificate_say_count(o->c, of_proto[proto], n.n, HP_SAY_NONE);
        if (limit.n == UINT64_MAX && n.n != UINT64_MAX) {
            limit = n;
            met = c;
        }
    }
    crowd together = {.one_host = true, .mixed = true};
    hp_certificate_say_count(o->c, HP_PROP_HOST_LIMIT, count_crowd(o, &together).n, HP_SAY_NONE);

    hp_bench_proto any = o->proto[HP_BENCH_UDP].leaves   ? HP_BENCH_UDP
                         : o->proto[HP_BENCH_TCP].leaves ? HP_BENCH_TCP
                                                         : HP_BENCH_ICMP;
    crowd all = {.proto = any};
    count n = count_crowd(o, &all);
    hp_certificate_say_count(o->c, HP_PROP_TABLE_LIMIT, n.n, HP_SAY_NONE);
    if (limit.n == UINT64_MAX && n.n != UINT64_MAX) {
        limit = n;
        met = all;
    }
    if (limit.n == UINT64_MAX) {
        hp_certificate_unknown(o->c, HP_PROP_EVICTION, "no limit was met");
        hp_certificate_unknown(o->c, HP_PROP_LIMIT_ANSWER, "no limit was met");
    } else {
        observe_eviction(o, &met, &limit);
        observe_answer(o, &met, &limit);
    }
    if (o->proto[HP_BENCH_UDP].leaves)
        observe_remotes(o);
    else
        hp_certificate_unknown(o->c, HP_PROP_REMOTES_LIMIT, "no UDP leaves");
}
