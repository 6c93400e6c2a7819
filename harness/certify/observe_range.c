/* The range of external ports (RFC 4787 section 4.2.1), and whether two endpoints may share one (REQ-3).
 *
 * Where ports are kept, the range is what internal ports from 1024 up are kept: found by bisection around one that is.
 * Elsewhere mappings are made, by one host after the other, until a new host is refused; if an echo request of that
 * host still gets an id, it was ports that ran out, and all were seen (with port blocks, which are for ids too: if no
 * port between those seen is missing). Sequential ports are all seen once the sequence has
 * come round, even where old mappings give way to new ones.
 *
 * Sharing is asked directly where ports are kept (another host, another remote); elsewhere flows to ever other remotes
 * are made until two that are both alive have one port. Random ports meet after a few hundred, if they may; sequential
 * ones only when the sequence has come round. */
#include "certify/observe.h"

enum { MOST_ADDRESSES = 4, ONCE_ROUND = 66000, ENOUGH_RANDOM = 3000 };

static bool is_kept(hp_observer *o, unsigned port)
{
    g_autoptr(hp_bench) b = hp_observer_bench(o);
    hp_addr from = hp_bench_inside(b, 0, (uint16_t)port), to = hp_observer_remote(o, b, HP_BENCH_UDP, 0), external;
    return hp_bench_open(b, HP_BENCH_UDP, &from, &to, &external) && external.port == port;
}

/* From a kept port towards one that may not be: the last that is. */
static unsigned edge(hp_observer *o, unsigned kept, unsigned limit)
{
    if (is_kept(o, limit))
        return limit;
    while (kept + 1 != limit && kept != limit + 1) {
        unsigned middle = (kept + limit) / 2;
        if (is_kept(o, middle))
            kept = middle;
        else
            limit = middle;
    }
    return kept;
}

static void say_range(hp_observer *o, unsigned first, unsigned last)
{
    g_autofree char *text = g_strdup_printf("%u-%u", first, last);
    o->range_ports = last - first + 1;
    hp_certificate_say(o->c, HP_PROP_UDP_PORT_RANGE, text);
}

typedef struct sweep {
    unsigned first, last, n;
    bool exhausted; /* no port was left */
} sweep;

static sweep open_all(hp_observer *o)
{
    hp_bench *b = hp_observer_bench(o);
    hp_addr to = hp_observer_remote(o, b, HP_BENCH_UDP, 0), external, echo_to = hp_bench_remote(b, 0, 0), address = {0};
    bool paired = hp_certificate_is(o->c, HP_PROP_POOLING, "paired");
    unsigned most = ONCE_ROUND * (paired ? 1 : o->n_external), skipped = 0, host_alone = 0;
    sweep s = {.first = HP_OBSERVE_PORTS};

    for (unsigned host = 0; s.n < most; host++) {
        unsigned of_host = 0;
        for (; of_host < HP_OBSERVE_PORTS - 1024 && s.n < most; of_host++) {
            hp_addr from = hp_bench_inside(b, host, (uint16_t)(1024 + of_host));
            if (!hp_bench_open(b, HP_BENCH_UDP, &from, &to, &external))
                break;
            if (paired && address.family != HP_AF_NONE && !hp_addr_same_ip(&address, &external))
                break;
            address = external;
            s.first = MIN(s.first, external.port);
            s.last = MAX(s.last, external.port);
            s.n++;
        }
        host_alone = host == 0 ? s.n : host_alone;
        if (of_host > 0) {
            skipped = 0;
        } else if (hp_bench_arrived(b, HP_BENCH_OUTSIDE, 0) == NULL || ++skipped > 2 * o->n_external) {
            hp_addr echo = hp_bench_inside(b, host, o->proto[HP_BENCH_ICMP].base);
            bool dense = o->blocks && s.n == s.last - s.first + 1;
            s.exhausted = dense || hp_bench_open(b, HP_BENCH_ICMP, &echo, &echo_to, NULL);
            break;
        }
    }
    if (s.exhausted && host_alone == s.n)
        o->exhausted = b;
    else
        hp_bench_free(b);
    return s;
}

void hp_observe_port_range(hp_observer *o)
{
    unsigned base = o->proto[HP_BENCH_UDP].base;

    if (o->proto[HP_BENCH_UDP].keeps) {
        if (o->blocks)
            hp_certificate_unknown(o->c, HP_PROP_UDP_PORT_RANGE, "ports are kept within a host's block only");
        else
            say_range(o, edge(o, base, 1024), edge(o, base, HP_OBSERVE_PORTS - 1));
        return;
    }
    if (o->n_external > MOST_ADDRESSES && !hp_certificate_is(o->c, HP_PROP_POOLING, "paired")) {
        hp_certificate_unknown(o->c, HP_PROP_UDP_PORT_RANGE, "too many addresses share the ports");
        return;
    }
    sweep s = open_all(o);
    bool round = hp_certificate_is(o->c, HP_PROP_UDP_PORTS, HP_SAY_SEQUENTIAL) && s.n >= ONCE_ROUND;
    if (s.exhausted || round)
        say_range(o, s.first, s.last);
    else
        hp_certificate_unknown(o->c, HP_PROP_UDP_PORT_RANGE, "the ports cannot all be in use at a time");
}

/* ---- overloading ---- */

/* Several pairs of hosts, and mappings between, so that two of one external address meet. */
static bool shares_kept_port(hp_observer *o, hp_bench_proto proto)
{
    bool shared = false;

    for (unsigned i = 0; i < 2 * o->n_external * o->n_external && !shared; i++) {
        g_autoptr(hp_bench) b = hp_observer_bench(o);
        hp_addr first = hp_observer_inside(o, b, proto, 1 + i / o->n_external, 0);
        hp_addr second = hp_observer_inside(o, b, proto, 0, 0), other = hp_observer_inside(o, b, proto, 99, 10);
        hp_addr to = hp_observer_remote(o, b, proto, 0), elsewhere = hp_observer_remote(o, b, proto, 1), a, c;
        bool opened = hp_bench_open(b, proto, &first, &to, &a);
        for (unsigned skip = 0; skip < i % o->n_external; skip++) {
            other.port = (uint16_t)(other.port + 2);
            hp_bench_open(b, proto, &other, &to, NULL);
        }
        shared = opened && hp_bench_open(b, proto, &second, &elsewhere, &c) && hp_addr_equal(&a, &c);
    }
    return shared;
}

typedef struct owner {
    uint32_t host, flow; /* flow: from 1 */
    uint16_t port; /* internal */
} owner;

static bool still_there(hp_observer *o, hp_bench *b, hp_bench_proto proto, const owner *who, const hp_addr *external)
{
    hp_addr remote = hp_observer_remote(o, b, proto, who->flow), internal = hp_bench_inside(b, who->host, who->port),
            at;
    return hp_bench_is_alive(b, proto, &remote, external, &at) && hp_addr_equal(&at, &internal);
}

static bool shares_a_port(hp_observer *o, hp_bench_proto proto, unsigned most)
{
    g_autoptr(hp_bench) b = hp_observer_bench(o);
    unsigned n = o->n_external, host = 0, of_host = 0, refused = 0;
    bool shared = false;
    owner *owners = g_new0(owner, (size_t)n * HP_OBSERVE_PORTS);

    for (unsigned flow = 1; flow <= most && refused < 2 && !shared;) {
        hp_addr from = hp_bench_inside(b, host, (uint16_t)(1024 + of_host)), external;
        hp_addr to = hp_observer_remote(o, b, proto, flow);
        if (of_host >= HP_OBSERVE_PORTS - 1024 || !hp_bench_open(b, proto, &from, &to, &external)) {
            refused = of_host == 0 ? refused + 1 : 0;
            host++;
            of_host = 0;
            continue;
        }
        unsigned address = 0;
        hp_addr candidate = hp_bench_external(b, 0, external.port);
        while (address + 1 < n && !hp_addr_equal(&candidate, &external))
            candidate = hp_bench_external(b, ++address, external.port);
        owner *who = &owners[(size_t)address * HP_OBSERVE_PORTS + external.port];
        shared = who->flow && still_there(o, b, proto, who, &external);
        *who = (owner){.host = host, .flow = flow, .port = from.port};
        of_host++;
        flow++;
    }
    g_free(owners);
    return shared;
}

void hp_observe_overload(hp_observer *o, hp_bench_proto proto, hp_property property)
{
    hp_property ports = proto == HP_BENCH_TCP ? HP_PROP_TCP_PORTS : HP_PROP_UDP_PORTS;
    bool random = hp_certificate_is(o->c, ports, HP_SAY_RANDOM), shared;

    o->n_external = MAX(o->n_external, 1);
    if (o->n_external > MOST_ADDRESSES) {
        hp_certificate_unknown(o->c, property, "too many addresses share the ports");
        return;
    }
    if (o->proto[proto].keeps && !o->blocks) {
        shared = shares_kept_port(o, proto);
    } else {
        shared = shares_a_port(o, proto, random || o->proto[proto].keeps ? ENOUGH_RANDOM : ONCE_ROUND * o->n_external);
    }
    hp_certificate_say(o->c, property, shared ? HP_SAY_YES : HP_SAY_NO);
}
