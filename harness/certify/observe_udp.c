/* UDP's timers (RFC 4787 section 4.3), and what the unsolicited meet (section 5).
 *
 * Refresh: packets of one direction alone at six tenths of the timer, and a look at twelve tenths. The absolute end of
 * a mapping: packets both ways every two thirds of the timer for a day, with the inbound one first, since an outbound
 * one would make a dead mapping anew; then bisection within the last two thirds. */
#include "certify/observe.h"

typedef struct flow {
    uint16_t port; /* of the remote */
    bool answered;
    unsigned rounds; /* of keeping alive before the silence */
    hp_time period;
} flow;

/* ---- timers ---- */

/* Opens, answers, keeps alive as the flow says. False when it died before that was over. */
static bool begin(hp_observer *o, hp_bench *b, const flow *f, hp_addr *ret_external)
{
    hp_addr from = hp_observer_inside(o, b, HP_BENCH_UDP, 0, 0), to = hp_bench_remote(b, 0, f->port);

    if (!hp_bench_open(b, HP_BENCH_UDP, &from, &to, ret_external))
        return false;
    if (f->answered &&
        (!hp_bench_enter(b, HP_BENCH_UDP, &to, ret_external) || !hp_bench_open(b, HP_BENCH_UDP, &from, &to, NULL)))
        return false;
    for (unsigned i = 0; i < f->rounds; i++) {
        hp_bench_wait(b, f->period);
        if (!hp_bench_enter(b, HP_BENCH_UDP, &to, ret_external) || !hp_bench_open(b, HP_BENCH_UDP, &from, &to, NULL))
            return false;
    }
    return true;
}

static bool is_alive(hp_observer *o, hp_time t, const void *data)
{
    const flow *f = data;
    g_autoptr(hp_bench) b = hp_observer_bench(o);
    hp_addr external, remote = hp_bench_remote(b, 0, f->port);

    if (!begin(o, b, f, &external))
        return false;
    hp_bench_wait(b, t);
    return hp_bench_enter(b, HP_BENCH_UDP, &remote, &external);
}

static hp_time life(hp_observer *o, uint16_t port, bool answered)
{
    flow f = {.port = port, .answered = answered};
    return hp_observer_life(o, is_alive, &f, HP_OBSERVE_LONGEST);
}

static void observe_lifetime(hp_observer *o, uint16_t port, hp_time timer)
{
    enum { MOST_ROUNDS = 6000 };
    hp_time period = timer / 3 * 2 / HP_MS * HP_MS, day = 86400 * HP_S;
    uint64_t rounds = period ? MIN(MOST_ROUNDS, day / period + 1) : 0;
    g_autoptr(hp_bench) b = hp_observer_bench(o);
    hp_addr from = hp_observer_inside(o, b, HP_BENCH_UDP, 0, 0), to = hp_bench_remote(b, 0, port), external;
    flow f = {.port = port, .answered = true, .period = period};

    o->udp_lifetime = HP_NEVER;
    if (!begin(o, b, &f, &external))
        return;
    for (; f.rounds < rounds; f.rounds++) {
        hp_bench_wait(b, period);
        if (!hp_bench_enter(b, HP_BENCH_UDP, &to, &external)) {
            hp_time rest = hp_observer_life(o, is_alive, &f, HP_OBSERVE_LONGEST);
            o->udp_lifetime = f.rounds * period + rest;
            return;
        }
        hp_bench_open(b, HP_BENCH_UDP, &from, &to, NULL);
    }
}

static bool refreshes(hp_observer *o, uint16_t port, hp_time timer, bool outbound)
{
    g_autoptr(hp_bench) b = hp_observer_bench(o);
    hp_addr from = hp_observer_inside(o, b, HP_BENCH_UDP, 0, 0), to = hp_bench_remote(b, 0, port), external;
    flow f = {.port = port, .answered = true};

    if (!begin(o, b, &f, &external))
        return false;
    hp_bench_wait(b, timer / 10 * 6);
    if (outbound)
        hp_bench_open(b, HP_BENCH_UDP, &from, &to, NULL);
    else
        hp_bench_enter(b, HP_BENCH_UDP, &to, &external);
    hp_bench_wait(b, timer / 10 * 6);
    return hp_bench_enter(b, HP_BENCH_UDP, &to, &external);
}

static void observe_refresh(hp_observer *o, uint16_t port, hp_time timer)
{
    if (timer == HP_NEVER || timer < HP_S / 100 || o->udp_lifetime <= timer / 10 * 12) {
        hp_certificate_unknown(o->c, HP_PROP_UDP_REFRESH, "the mapping ends before it could be refreshed");
        return;
    }
    bool out = refreshes(o, port, timer, true), in = refreshes(o, port, timer, false);
    hp_certificate_say(o->c, HP_PROP_UDP_REFRESH,
                       out ? (in ? "outbound and inbound" : "outbound") : (in ? "inbound" : "none"));
}

void hp_observe_udp_timer(hp_observer *o, hp_property timer, hp_property unreplied)
{
    const hp_observed_proto *p = &o->proto[HP_BENCH_UDP];

    if (p->to < 1024) {
        hp_certificate_unknown(o->c, timer, "only ports below 1024 can be sent to");
        hp_certificate_unknown(o->c, unreplied, "only ports below 1024 can be sent to");
        return;
    }
    hp_certificate_say_time(o->c, timer, life(o, p->to, true), "none seen");
    hp_certificate_say_time(o->c, unreplied, life(o, p->to, false), "none seen");
}

void hp_observe_udp_timers(hp_observer *o)
{
    hp_observed_proto *p = &o->proto[HP_BENCH_UDP];
    hp_time timer = life(o, p->to, true);

    p->unanswered = life(o, p->to, false);
    hp_observe_udp_timer(o, HP_PROP_UDP_TIMER, HP_PROP_UDP_TIMER_UNREPLIED);
    if (p->to_low)
        hp_certificate_say_time(o->c, HP_PROP_UDP_TIMER_WELL_KNOWN, life(o, p->to_low, true), "none seen");
    else
        hp_certificate_unknown(o->c, HP_PROP_UDP_TIMER_WELL_KNOWN, "no port below 1024 can be sent to");
    observe_lifetime(o, p->to, timer);
    hp_certificate_say_time(o->c, HP_PROP_UDP_LIFETIME, o->udp_lifetime, "none seen");
    observe_refresh(o, p->to, timer);
}

/* ---- the unsolicited ---- */

static bool is_taken(hp_observer *o)
{
    g_autoptr(hp_bench) before = hp_observer_bench(o);
    hp_addr from = hp_observer_inside(o, before, HP_BENCH_UDP, 0, 0),
            to = hp_observer_remote(o, before, HP_BENCH_UDP, 0);
    hp_addr first, second;

    /* A cold device gives the same port once more, unless something is in the way. */
    bool opened = hp_bench_open(before, HP_BENCH_UDP, &from, &to, &first);
    g_autoptr(hp_bench) b = hp_observer_bench(o);
    if (!opened)
        return false;
    hp_bench_enter(b, HP_BENCH_UDP, &to, &first);
    return !hp_bench_open(b, HP_BENCH_UDP, &from, &to, &second) || !hp_addr_equal(&first, &second);
}

static void observe_filtered(hp_observer *o)
{
    g_autoptr(hp_bench) b = hp_observer_bench(o);
    hp_addr from = hp_observer_inside(o, b, HP_BENCH_UDP, 0, 0), to = hp_observer_remote(o, b, HP_BENCH_UDP, 0);
    hp_addr stranger = hp_bench_remote(b, 5, 9999), external;

    if (!hp_bench_open(b, HP_BENCH_UDP, &from, &to, &external) ||
        hp_bench_enter(b, HP_BENCH_UDP, &stranger, &external)) {
        hp_certificate_unknown(o->c, HP_PROP_UDP_FILTERED, "nothing is filtered");
        return;
    }
    hp_certificate_say(o->c, HP_PROP_UDP_FILTERED, hp_bench_answer(b, HP_BENCH_OUTSIDE));
}

void hp_observe_udp_unsolicited(hp_observer *o)
{
    g_autoptr(hp_bench) b = hp_observer_bench(o);
    hp_addr stranger = hp_bench_remote(b, 5, 9999), nobody = hp_bench_external(b, 0, 45678);

    hp_bench_enter(b, HP_BENCH_UDP, &stranger, &nobody);
    hp_certificate_say(o->c, HP_PROP_UDP_UNSOLICITED, hp_bench_answer(b, HP_BENCH_OUTSIDE));
    observe_filtered(o);
    hp_certificate_say(o->c, HP_PROP_INBOUND_FIRST, is_taken(o) ? HP_SAY_YES : HP_SAY_NO);
}
