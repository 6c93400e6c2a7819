/* How long a connection may be idle, by how far it has come (RFC 5382 REQ-5, RFC 7857 section 2.1), and whose segments
 * keep it (as UDP's in observe_udp.c). A connection is alive when a segment of the remote still arrives. */
#include "certify/observe.h"

typedef enum stage {
    STAGE_OPENING,
    STAGE_HANDSHAKE,
    STAGE_PICKED_UP,
    STAGE_ESTABLISHED,
    STAGE_FIN,
    STAGE_HALF_CLOSED,
    STAGE_CLOSING,
    STAGE_TIME_WAIT,
    N_STAGES
} stage;

static const hp_property properties[] = {
    HP_PROP_TCP_TIMER_OPENING,     HP_PROP_TCP_TIMER_HANDSHAKE, HP_PROP_TCP_TIMER_PICKED_UP,
    HP_PROP_TCP_TIMER_ESTABLISHED, HP_PROP_TCP_TIMER_FIN,       HP_PROP_TCP_TIMER_HALF_CLOSED,
    HP_PROP_TCP_TIMER_CLOSING,     HP_PROP_TCP_TIMER_TIME_WAIT,
};
G_STATIC_ASSERT(G_N_ELEMENTS(properties) == N_STAGES);

static bool bring_to(hp_observer *o, hp_bench *b, stage to, hp_bench_conn *c)
{
    hp_addr from = hp_observer_inside(o, b, HP_BENCH_TCP, 0, 0), remote = hp_observer_remote(o, b, HP_BENCH_TCP, 0);
    const uint8_t fin = HP_TCP_FIN | HP_TCP_ACK;

    if (to == STAGE_PICKED_UP) {
        *c = (hp_bench_conn){.inside = from, .remote = remote, .next = {1001, 5001}};
        return hp_bench_segment(b, c, HP_BENCH_INSIDE, HP_TCP_ACK);
    }
    if (!hp_bench_connect(b, c, &from, &remote))
        return false;
    if (to == STAGE_HANDSHAKE)
        return hp_bench_segment(b, c, HP_BENCH_OUTSIDE, HP_TCP_SYN | HP_TCP_ACK);
    if (to == STAGE_OPENING)
        return true;
    if (!hp_bench_establish(b, c))
        return false;
    if (to >= STAGE_FIN && !hp_bench_segment(b, c, HP_BENCH_INSIDE, fin))
        return false;
    if (to == STAGE_HALF_CLOSED && !hp_bench_segment(b, c, HP_BENCH_OUTSIDE, HP_TCP_ACK))
        return false;
    if (to >= STAGE_CLOSING && !hp_bench_segment(b, c, HP_BENCH_OUTSIDE, fin))
        return false;
    return to < STAGE_TIME_WAIT || hp_bench_segment(b, c, HP_BENCH_INSIDE, HP_TCP_ACK);
}

static bool is_alive(hp_observer *o, hp_time t, const void *data)
{
    g_autoptr(hp_bench) b = hp_observer_bench(o);
    hp_bench_conn c;
    if (!bring_to(o, b, *(const stage *)data, &c))
        return false;
    hp_bench_wait(b, t);
    return hp_bench_segment_at(b, &c, HP_BENCH_OUTSIDE, HP_TCP_ACK, 0);
}

static hp_time life(hp_observer *o, stage s)
{
    return hp_observer_life(o, is_alive, &s, HP_OBSERVE_LONGEST);
}

static bool refreshes(hp_observer *o, hp_time timer, hp_bench_side side)
{
    g_autoptr(hp_bench) b = hp_observer_bench(o);
    hp_bench_conn c;
    if (!bring_to(o, b, STAGE_ESTABLISHED, &c))
        return false;
    hp_bench_wait(b, timer / 10 * 6);
    hp_bench_segment(b, &c, side, HP_TCP_ACK);
    hp_bench_wait(b, timer / 10 * 6);
    return hp_bench_segment_at(b, &c, HP_BENCH_OUTSIDE, HP_TCP_ACK, 0);
}

void hp_observe_tcp_established(hp_observer *o, hp_property property)
{
    hp_certificate_say_time(o->c, property, life(o, STAGE_ESTABLISHED), "none seen");
}

void hp_observe_tcp_timers(hp_observer *o)
{
    for (unsigned s = 0; s < N_STAGES; s++) {
        hp_time t = life(o, (stage)s);
        if (s == STAGE_PICKED_UP && t == 0)
            hp_certificate_unknown(o->c, properties[s], "no connection is picked up");
        else
            hp_certificate_say_time(o->c, properties[s], t, "none seen");
        if (s == STAGE_OPENING)
            o->proto[HP_BENCH_TCP].unanswered = t;
        if (s == STAGE_ESTABLISHED)
            o->tcp_established = t;
    }
    hp_time timer = o->tcp_established;
    /* The mapping's own end, if it has one, is UDP's. */
    hp_time end = o->proto[HP_BENCH_UDP].leaves ? o->udp_lifetime : HP_NEVER;
    if (timer == HP_NEVER || timer < HP_S / 100 || end <= timer / 10 * 12) {
        hp_certificate_unknown(o->c, HP_PROP_TCP_REFRESH, "the connection ends before it could be kept alive");
        return;
    }
    bool out = refreshes(o, timer, HP_BENCH_INSIDE), in = refreshes(o, timer, HP_BENCH_OUTSIDE);
    hp_certificate_say(o->c, HP_PROP_TCP_REFRESH,
                       out ? (in ? "outbound and inbound" : "outbound") : (in ? "inbound" : "none"));
}
