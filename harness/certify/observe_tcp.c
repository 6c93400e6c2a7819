/* TCP beyond mapping and filtering: unsolicited SYNs, simultaneous open, stray segments, resets (RFC 5382 REQ-2, REQ-4,
 * section 5; RFC 7857 section 2.2).
 *
 * What a reset does is told by how long the connection then lives. It is sent when half of the established time has
 * passed in silence, so that a reset without effect leaves the other half. */
#include "certify/observe.h"

enum { LONGEST_HOLD_S = 1024, FREE_PORT = 45678, FAR_AWAY = 10000000 };

/* ---- unsolicited SYNs ---- */

static bool is_silent(hp_observer *o, hp_time t, const void *data)
{
    g_autoptr(hp_bench) b = hp_observer_bench(o);
    hp_addr stranger = hp_bench_remote(b, 5, 9999), nobody = hp_bench_external(b, 0, FREE_PORT);
    hp_bench_enter(b, HP_BENCH_TCP, &stranger, &nobody);
    hp_bench_wait(b, t);
    return hp_bench_arrived(b, HP_BENCH_OUTSIDE, 0) == NULL;
}

static const char *answer_after(hp_observer *o, hp_time t)
{
    g_autoptr(hp_bench) b = hp_observer_bench(o);
    hp_addr stranger = hp_bench_remote(b, 5, 9999), nobody = hp_bench_external(b, 0, FREE_PORT);
    hp_bench_enter(b, HP_BENCH_TCP, &stranger, &nobody);
    hp_bench_wait(b, t);
    return hp_bench_answer(b, HP_BENCH_OUTSIDE);
}

/* A SYN that comes too early, and the other one half the hold time later: whether the first is then told nothing. */
static bool forgives(hp_observer *o, hp_time hold)
{
    g_autoptr(hp_bench) before = hp_observer_bench(o);
    g_autoptr(hp_bench) b = hp_observer_bench(o);
    hp_addr from = hp_observer_inside(o, b, HP_BENCH_TCP, 0, 0), to = hp_observer_remote(o, b, HP_BENCH_TCP, 0),
            external;

    if (!hp_bench_open(before, HP_BENCH_TCP, &from, &to, &external))
        return false;
    hp_bench_enter(b, HP_BENCH_TCP, &to, &external);
    hp_bench_wait(b, hold / 2);
    if (!hp_bench_open(b, HP_BENCH_TCP, &from, &to, NULL))
        return false;
    hp_bench_look_away(b);
    hp_bench_wait(b, hold);
    return hp_bench_arrived(b, HP_BENCH_OUTSIDE, 0) == NULL;
}

static void observe_syn(hp_observer *o)
{
    hp_time hold = hp_observer_life(o, is_silent, NULL, LONGEST_HOLD_S * HP_S);
    if (hold == HP_NEVER || hold == 0) {
        hp_certificate_say(o->c, HP_PROP_TCP_SYN, hold == 0 ? answer_after(o, 0) : HP_SAY_SILENCE);
        return;
    }
    g_autofree char *when = hp_certificate_time_text(hold);
    g_autofree char *text = g_strdup_printf("%s after %s, %s", answer_after(o, hold), when,
                                            forgives(o, hold) ? "none if a SYN goes out before" : "in any case");
    hp_certificate_say(o->c, HP_PROP_TCP_SYN, text);
    o->c->findings[HP_PROP_TCP_SYN].number = hold;
}

static bool opens_simultaneously(hp_observer *o)
{
    g_autoptr(hp_bench) b = hp_observer_bench(o);
    hp_addr from = hp_observer_inside(o, b, HP_BENCH_TCP, 0, 0), to = hp_observer_remote(o, b, HP_BENCH_TCP, 0);
    const uint8_t both = HP_TCP_SYN | HP_TCP_ACK;
    hp_bench_conn c;
    return hp_bench_connect(b, &c, &from, &to) && hp_bench_segment(b, &c, HP_BENCH_OUTSIDE, HP_TCP_SYN) &&
           hp_bench_segment_at(b, &c, HP_BENCH_INSIDE, both, UINT32_MAX) &&
           hp_bench_segment_at(b, &c, HP_BENCH_OUTSIDE, both, UINT32_MAX) &&
           hp_bench_segment(b, &c, HP_BENCH_INSIDE, HP_TCP_ACK) &&
           hp_bench_segment(b, &c, HP_BENCH_OUTSIDE, HP_TCP_ACK);
}

static const char *stray(hp_observer *o)
{
    g_autoptr(hp_bench) b = hp_observer_bench(o);
    hp_addr from = hp_observer_inside(o, b, HP_BENCH_TCP, 0, 0), to = hp_observer_remote(o, b, HP_BENCH_TCP, 0);
    hp_addr far = hp_bench_far(b, &to);
    if (hp_bench_send(b, HP_BENCH_INSIDE, hp_bench_tcp(&from, &far, HP_TCP_ACK, 1001, 5001)))
        return "picked up";
    return hp_bench_answer(b, HP_BENCH_INSIDE);
}

/* ---- resets ---- */

typedef struct reset {
    bool unanswered; /* the first answer to a SYN; else in a connection that stands */
    uint32_t offset; /* of its sequence number from the right one */
    hp_bench_side from;
    hp_time before; /* silence before it */
} reset;

static bool survives(hp_observer *o, hp_time t, const void *data)
{
    const reset *r = data;
    g_autoptr(hp_bench) b = hp_observer_bench(o);
    hp_addr from = hp_observer_inside(o, b, HP_BENCH_TCP, 0, 0), to = hp_observer_remote(o, b, HP_BENCH_TCP, 0);
    hp_bench_conn c;

    if (!hp_bench_connect(b, &c, &from, &to) || (!r->unanswered && !hp_bench_establish(b, &c)))
        return false;
    hp_bench_wait(b, r->before);
    hp_bench_segment_at(b, &c, r->from, r->unanswered ? HP_TCP_RST | HP_TCP_ACK : HP_TCP_RST, r->offset);
    hp_bench_wait(b, t);
    return hp_bench_segment_at(b, &c, HP_BENCH_OUTSIDE, r->unanswered ? HP_TCP_SYN | HP_TCP_ACK : HP_TCP_ACK, 0);
}

/* The words for a connection that lives so long after a reset, and would for `rest` without one. */
static char *effect(hp_time life, hp_time rest)
{
    if (life == 0)
        return g_strdup("at once");
    if (life == rest)
        return g_strdup("no, it has no effect");
    g_autofree char *t = hp_certificate_time_text(life);
    return g_strdup_printf("after %s", t);
}

static hp_time half_of(hp_time timer)
{
    return timer / 2 / HP_MS * HP_MS;
}

static void observe_resets(hp_observer *o)
{
    hp_time established = o->tcp_established, opening = o->proto[HP_BENCH_TCP].unanswered;

    if (established == HP_NEVER || opening == HP_NEVER) {
        for (unsigned i = HP_PROP_TCP_RST; i <= HP_PROP_TCP_RST_UNANSWERED; i++)
            hp_certificate_unknown(o->c, (hp_property)i, "connections do not end by themselves");
        return;
    }
    hp_time rest = established - half_of(established);
    reset proper = {.from = HP_BENCH_INSIDE, .before = half_of(established)};
    hp_time life = hp_observer_life(o, survives, &proper, HP_OBSERVE_LONGEST);
    g_autofree char *text = effect(life, rest);
    hp_certificate_say(o->c, HP_PROP_TCP_RST, text);
    o->c->findings[HP_PROP_TCP_RST].number = life;

    reset forged = {.from = HP_BENCH_OUTSIDE, .before = half_of(established), .offset = FAR_AWAY};
    if (life == rest)
        hp_certificate_unknown(o->c, HP_PROP_TCP_RST_CHECK, "a RST has no effect");
    else
        hp_certificate_say(o->c, HP_PROP_TCP_RST_CHECK,
                           hp_observer_life(o, survives, &forged, HP_OBSERVE_LONGEST) == rest ? "within the window"
                                                                                              : "wherever it is");
    reset refusal = {.unanswered = true, .from = HP_BENCH_OUTSIDE, .before = half_of(opening)};
    g_autofree char *refused =
        effect(hp_observer_life(o, survives, &refusal, HP_OBSERVE_LONGEST), opening - half_of(opening));
    hp_certificate_say(o->c, HP_PROP_TCP_RST_UNANSWERED, refused);
}

void hp_observe_tcp(hp_observer *o)
{
    observe_syn(o);
    hp_certificate_say(o->c, HP_PROP_TCP_SIMULTANEOUS, opens_simultaneously(o) ? HP_SAY_YES : HP_SAY_NO);
    hp_certificate_say(o->c, HP_PROP_TCP_STRAY, stray(o));
    observe_resets(o);
}
