/* Which destination ports pass at all, and what the refused are told. Everything else is then probed with ports that
 * pass, from 1024 up where there are such, since timers may differ below.
 *
 * All 65535 ports are tried, in both protocols. A packet may also fail for another reason than its destination (no
 * room, a port that is taken), so a port counts as blocked only when its packet was the first that the device ever saw.
 * Before that, an internal port is looked for that the device accepts: one that keeps ports within a range and refuses
 * others takes only some. */
#include "certify/observe.h"

enum { A_BATCH = 64 };

static const uint16_t internal_candidates[] = {40000, 50500, 60000, 30000, 20000, 10000, 5000, 2000, 1500, 1026, 500};
static const uint16_t remote_candidates[] = {34780, 443, 53, 80, 123, 3478, 8080};

static bool passes_alone(hp_observer *o, hp_bench_proto proto, unsigned internal, unsigned remote)
{
    g_autoptr(hp_bench) b = hp_observer_bench(o);
    hp_addr from = hp_bench_inside(b, 0, (uint16_t)internal), to = hp_bench_remote(b, 0, (uint16_t)remote);
    return hp_bench_open(b, proto, &from, &to, NULL);
}

static bool find_internal(hp_observer *o, hp_bench_proto proto, uint16_t *ret)
{
    for (unsigned i = 0; i < G_N_ELEMENTS(internal_candidates); i++) {
        for (unsigned j = 0; j < G_N_ELEMENTS(remote_candidates); j++) {
            if (passes_alone(o, proto, internal_candidates[i], remote_candidates[j])) {
                *ret = internal_candidates[i];
                return true;
            }
        }
    }
    return false;
}

/* Fills `ports`, which is all false. */
static void scan(hp_observer *o, hp_bench_proto proto, uint16_t internal, bool *ports)
{
    hp_bench *b = hp_observer_bench(o);
    unsigned passed = 0;

    for (unsigned port = 1; port < HP_OBSERVE_PORTS; port++) {
        hp_addr from = hp_bench_inside(b, passed, (uint16_t)(internal + passed));
        hp_addr to = hp_bench_remote(b, 0, (uint16_t)port);
        ports[port] = hp_bench_open(b, proto, &from, &to, NULL);
        passed += ports[port];
        bool doubtful = !ports[port] && passed > 0;
        if (!doubtful && passed < A_BATCH)
            continue;
        hp_bench_free(b);
        b = hp_observer_bench(o);
        passed = 0;
        port -= doubtful;
    }
    hp_bench_free(b);
}

static void choose(hp_observed_proto *p, const bool *ports)
{
    static const unsigned starts[] = {34780, 1024, 1};
    unsigned found[2] = {0}, n = 0;

    for (unsigned i = 0; i < G_N_ELEMENTS(starts); i++) {
        unsigned end = i == 0 ? HP_OBSERVE_PORTS : starts[i - 1];
        for (unsigned port = starts[i]; port < end && n < 2; port++) {
            if (ports[port])
                found[n++] = port;
        }
    }
    p->leaves = n > 0;
    p->to = (uint16_t)found[0];
    p->to_other = (uint16_t)found[1];
    for (unsigned port = HP_OBSERVE_PORTS - 2; port > 0; port -= 2) {
        if (ports[port] && ports[port + 1])
            p->to_pair = (uint16_t)port;
    }
    for (unsigned port = 1; port < 1024 && !p->to_low; port++)
        p->to_low = ports[port] ? (uint16_t)port : 0;
}

static void answer_to(hp_observer *o, hp_bench_proto proto, uint16_t internal, const bool *ports, const char **ret)
{
    for (unsigned port = 1; port < HP_OBSERVE_PORTS && !*ret; port++) {
        if (ports[port])
            continue;
        g_autoptr(hp_bench) b = hp_observer_bench(o);
        hp_addr from = hp_bench_inside(b, 0, internal), to = hp_bench_remote(b, 0, (uint16_t)port);
        hp_bench_open(b, proto, &from, &to, NULL);
        *ret = hp_bench_answer(b, HP_BENCH_INSIDE);
    }
}

void hp_observe_reach(hp_observer *o, hp_property udp_leaves)
{
    bool *ports = g_new(bool, HP_OBSERVE_PORTS);
    const char *answer = NULL;

    for (hp_bench_proto proto = HP_BENCH_UDP; proto <= HP_BENCH_TCP; proto++) {
        hp_observed_proto *p = &o->proto[proto];
        memset(ports, 0, HP_OBSERVE_PORTS * sizeof *ports);
        p->base = internal_candidates[0];
        if (find_internal(o, proto, &p->base))
            scan(o, proto, p->base, ports);
        choose(p, ports);
        answer_to(o, proto, p->base, ports, &answer);
        hp_certificate_say_ports(o->c, (hp_property)(udp_leaves + proto), ports);
    }
    g_free(ports);
    o->proto[HP_BENCH_ICMP] = (hp_observed_proto){.base = internal_candidates[0]};
    o->proto[HP_BENCH_ICMP].leaves = passes_alone(o, HP_BENCH_ICMP, internal_candidates[0], 0);
    hp_certificate_say(o->c, (hp_property)(udp_leaves + HP_BENCH_ICMP),
                       o->proto[HP_BENCH_ICMP].leaves ? HP_SAY_YES : HP_SAY_NO);
    if (answer)
        hp_certificate_say(o->c, (hp_property)(udp_leaves + 3), answer);
    else
        hp_certificate_unknown(o->c, (hp_property)(udp_leaves + 3), "nothing is blocked");
}
