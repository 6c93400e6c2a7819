/* How external ports (and ids) are chosen (RFC 4787 section 4.2, RFC 5382 REQ-7).
 *
 * Kept, where observe_mapping.c found that; otherwise one after the other, if many mappings of one host have ports that
 * go up in small steps, or at random. Parity and contiguity are asked where keeping the port would give them for
 * nothing: when another host has the port and its neighbours, or, where hosts have blocks, for internal ports that lie
 * outside of the block. Internal ports are even and odd in an order in which nothing that counts is. */
#include "certify/observe.h"

enum { N_TRIES = 16, LARGEST_STEP = 8 };

/* Even and odd without a rhythm: Thue-Morse. */
static unsigned odd(unsigned i)
{
    return (unsigned)__builtin_popcount(i) % 2;
}

/* The i-th internal port whose mapping must look for a port: on a bench that is prepared for it. */
static hp_addr unkept(hp_observer *o, hp_bench *b, hp_bench_proto proto, unsigned i)
{
    hp_addr to = hp_observer_remote(o, b, proto, 0);
    unsigned offset = 2 * i + odd(i);

    if (!o->proto[proto].keeps)
        return hp_observer_inside(o, b, proto, 0, offset);
    if (o->blocks)
        return hp_bench_inside(b, 0, hp_observer_elsewhere(o, proto, offset));
    hp_observer_take(o, b, proto, offset, &to);
    return hp_observer_inside(o, b, proto, 0, offset);
}

static bool is_sequential(hp_observer *o, hp_bench_proto proto)
{
    g_autoptr(hp_bench) b = hp_observer_bench(o);
    hp_addr to = hp_observer_remote(o, b, proto, 0);
    unsigned n = MAX(o->n_external, 1), up = 0, known = 0;
    uint16_t *last = g_new0(uint16_t, n);
    bool *seen = g_new0(bool, n);

    for (unsigned i = 0; i < 16 * n; i++) {
        hp_addr from = hp_observer_inside(o, b, proto, 0, 2 * i), external;
        if (!hp_bench_open(b, proto, &from, &to, &external))
            continue;
        unsigned address = 0;
        hp_addr candidate = hp_bench_external(b, 0, external.port);
        while (address + 1 < n && !hp_addr_equal(&candidate, &external))
            candidate = hp_bench_external(b, ++address, external.port);
        if (seen[address]) {
            unsigned step = (uint16_t)(external.port - last[address]);
            known++;
            up += step > 0 && step <= LARGEST_STEP;
        }
        seen[address] = true;
        last[address] = external.port;
    }
    g_free(last);
    g_free(seen);
    return known > 0 && up == known;
}

static const char *assignment(hp_observer *o, hp_bench_proto proto)
{
    if (o->proto[proto].keeps)
        return HP_SAY_PRESERVE;
    return is_sequential(o, proto) ? HP_SAY_SEQUENTIAL : HP_SAY_RANDOM;
}

static const char *collision(hp_observer *o)
{
    g_autoptr(hp_bench) b = hp_observer_bench(o);
    hp_addr to = hp_observer_remote(o, b, HP_BENCH_UDP, 0), external;
    unsigned refused = 0, near = 0, last = 0;

    for (unsigned i = 0; i < N_TRIES; i++) {
        hp_addr from = unkept(o, b, HP_BENCH_UDP, 4 * i);
        if (!hp_bench_open(b, HP_BENCH_UDP, &from, &to, &external)) {
            refused++;
            continue;
        }
        unsigned step = external.port - (o->blocks ? last : from.port);
        near += (step > 0 && step <= LARGEST_STEP) || (o->blocks && last == 0);
        last = external.port;
    }
    return refused == N_TRIES ? "no mapping is made" : near == N_TRIES ? "the next free port" : "a random port";
}

static bool keeps_parity(hp_observer *o, hp_bench_proto proto)
{
    g_autoptr(hp_bench) b = hp_observer_bench(o);
    hp_addr to = hp_observer_remote(o, b, proto, 0), external;

    for (unsigned i = 0; i < 2 * N_TRIES; i++) {
        hp_addr from = unkept(o, b, proto, 3 * i);
        if (hp_bench_open(b, proto, &from, &to, &external) && (from.port ^ external.port) & 1)
            return false;
    }
    return true;
}

/* RTCP's port first. */
static bool are_neighbours(hp_observer *o, unsigned offset)
{
    const hp_observed_proto *p = &o->proto[HP_BENCH_UDP];
    g_autoptr(hp_bench) b = hp_observer_bench(o);
    uint16_t pair = p->to_pair ? p->to_pair : p->to;
    hp_addr to[2] = {hp_bench_remote(b, 0, pair), hp_bench_remote(b, 0, (uint16_t)(pair + (p->to_pair != 0)))};
    hp_addr from = hp_observer_inside(o, b, HP_BENCH_UDP, 0, offset), rtp, rtcp;

    if (p->keeps && o->blocks)
        from.port = hp_observer_elsewhere(o, HP_BENCH_UDP, offset);
    for (unsigned i = 0; p->keeps && !o->blocks && i < 6; i++)
        hp_observer_take(o, b, HP_BENCH_UDP, offset + i / 2, &to[i % 2]);
    hp_addr from_rtcp = hp_addr_with_port(from, (uint16_t)(from.port + 1));
    bool second = hp_bench_open(b, HP_BENCH_UDP, &from_rtcp, &to[1], &rtcp);
    bool first = hp_bench_open(b, HP_BENCH_UDP, &from, &to[0], &rtp);
    if (!first && !second)
        return true; /* only kept ports are given, and those are neighbours */
    return first && second && hp_addr_same_ip(&rtp, &rtcp) && rtcp.port == rtp.port + 1;
}

static void observe_contiguity(hp_observer *o)
{
    if (!o->proto[HP_BENCH_UDP].to_pair && !hp_certificate_is(o->c, HP_PROP_UDP_MAPPING, HP_SAY_EIM)) {
        hp_certificate_unknown(o->c, HP_PROP_UDP_CONTIGUITY, "no two neighbouring ports can be sent to");
        return;
    }
    bool all = true;
    for (unsigned i = 0; i < 8 && all; i++)
        all = are_neighbours(o, 8 * i);
    hp_certificate_say(o->c, HP_PROP_UDP_CONTIGUITY, all ? HP_SAY_YES : HP_SAY_NO);
}

static bool stays_low(hp_observer *o)
{
    g_autoptr(hp_bench) b = hp_observer_bench(o);
    hp_addr to = hp_observer_remote(o, b, HP_BENCH_UDP, 0), external;

    for (unsigned i = 0; i < 32; i++) {
        hp_addr from = hp_bench_inside(b, i / 2, i % 4 < 2 ? 1023 : (uint16_t)(500 + i));
        if (hp_bench_open(b, HP_BENCH_UDP, &from, &to, &external) && external.port >= 1024)
            return false;
    }
    return true;
}

void hp_observe_ports(hp_observer *o, hp_bench_proto proto)
{
    switch (proto) {
    case HP_BENCH_ICMP:
        hp_certificate_say(o->c, HP_PROP_ICMP_IDS, assignment(o, proto));
        return;
    case HP_BENCH_TCP:
        hp_certificate_say(o->c, HP_PROP_TCP_PORTS, assignment(o, proto));
        hp_certificate_say(o->c, HP_PROP_TCP_PARITY, keeps_parity(o, proto) ? HP_SAY_YES : HP_SAY_NO);
        return;
    case HP_BENCH_UDP:
        break;
    }
    hp_certificate_say(o->c, HP_PROP_UDP_PORTS, assignment(o, proto));
    hp_certificate_say(o->c, HP_PROP_UDP_PARITY, keeps_parity(o, proto) ? HP_SAY_YES : HP_SAY_NO);
    observe_contiguity(o);
    hp_certificate_say(o->c, HP_PROP_UDP_WELL_KNOWN_PORTS, stays_low(o) ? HP_SAY_YES : HP_SAY_NO);
    if (o->proto[proto].keeps)
        hp_certificate_say(o->c, HP_PROP_UDP_COLLISION, collision(o));
    else
        hp_certificate_unknown(o->c, HP_PROP_UDP_COLLISION, "no port is kept, so none collides");
}
