/* How long a mapping lives without traffic, and what traffic keeps it alive (RFC 5780 section 4.6, RFC 4787 section
 * 4.3).
 *
 * A round takes a fresh socket X, asks the server from it (so that the mapping is an answered one), leaves X alone for
 * a while, and then has the server's answer to another socket Y sent to X's mapped port (RESPONSE-PORT). If it comes in
 * at X the mapping lived. X is fresh in each round, so that a mapping's absolute lifetime, where a NAT has one, ends
 * the round and not some later one. The server sends to the IP address that Y shows, so Y must show X's: that is made
 * sure shortly before, with as many new Ys as it takes behind a NAT with several addresses. If Y shows X's very port,
 * the mapping is gone and its port given away.
 *
 * The search. Silences are tried in whole steps: doubled from lifetime_first until one is too long, then halved between
 * the longest survived and the shortest fatal one. What counts is when packets pass the NAT, and we only see when we
 * send. A NAT that is refreshed by outbound packets alone sees the probe up to one round trip (server's side, twice)
 * later than the silence between our sends; one refreshed by the answer too, sees the silence as it is. The silence for
 * step number k is therefore k and a half steps less half a round trip: if k - 1 survives and k does not, the lifetime
 * is k steps to the nearest, wherever the NAT stands, as long as the round trip is shorter than a step.
 *
 * Afterwards, two rounds of 1.2 lifetimes with one packet at 0.6: a Binding indication from X, which nobody answers;
 * and a probe to X, which X does not answer. What survives was refreshed.
 *
 * A probe that comes late (Y took long to find) is judged by the silence there was. A lost one may make a round look
 * fatal that was not, when the mapping dies before the retransmission. So where anything was lost so far, a fatal
 * silence is believed when it was fatal three times (section 4.6: measure more than once); surviving is proof enough.
 * An answer at Y, or an error, says that the server does not do RESPONSE-PORT: nothing is known then. */
#include "engines/nat_discovery_private.h"

#define CONTROL_LEAD (2 * HP_S) /* Y is prepared so long before it is wanted, when there is as much time */
#define MAX_CONTROLS 32 /* Ys in one round */
#define MAX_ROUNDS 200
#define MAX_DOUBTS 2

static void begin_round(hp_nat_discovery *d, hp_time now);
static void prepare_control(hp_nat_discovery *d, hp_time now);

/* The silence that step number k stands for. */
static hp_time silence_of(const hp_nat_discovery *d, int64_t k)
{
    hp_time middle = hp_time_add((hp_time)k * d->config.lifetime_step, d->config.lifetime_step / 2);
    return middle - MIN(middle, d->result.rtt / 2);
}

/* The first step whose silence is no shorter than that. */
static int64_t step_after(const hp_nat_discovery *d, hp_time silence)
{
    hp_time step = d->config.lifetime_step, middle = silence + d->result.rtt / 2;
    return (int64_t)((middle - MIN(middle, step / 2) + step - 1) / step);
}

/* ---- what a round tells ---- */

static void begin_refresh_round(hp_nat_discovery *d, hp_time now, hp_discovery_touch touch)
{
    d->life.touch = touch;
    d->life.touch_after = d->result.lifetime / 5 * 3;
    d->life.probe_after = d->result.lifetime / 5 * 6;
    begin_round(d, now);
}

static void found(hp_nat_discovery *d, hp_time now, bool open)
{
    hp_nat_discovery_result *r = &d->result;
    const hp_discovery_lifetime *l = &d->life;
    r->lifetime_open = open;
    r->lifetime = open ? d->config.lifetime_max : (hp_time)l->dead * d->config.lifetime_step;
    r->lifetime_at_least = l->alive_for;
    r->lifetime_below = open ? HP_NEVER : hp_time_add(l->dead_after, r->rtt);
    r->known |= HP_NAT_TEST_LIFETIME;
    if ((d->config.tests & HP_NAT_TEST_REFRESH) == 0 || open || r->lifetime == 0) {
        hp_discovery_next(d, now);
        return;
    }
    begin_refresh_round(d, now, HP_DISCOVERY_TOUCHED_OUTBOUND);
}

static void narrow(hp_nat_discovery *d, hp_time now, bool alive, hp_time silence)
{
    hp_discovery_lifetime *l = &d->life;
    if (alive) {
        l->alive = l->trial;
        l->alive_for = silence;
    } else if (d->lossy && l->n_doubted < MAX_DOUBTS) {
        l->n_doubted++;
        begin_round(d, now);
        return;
    } else {
        int64_t k = MAX(l->trial, step_after(d, silence));
        if (l->dead < 0 || k < l->dead) {
            l->dead = k;
            l->dead_after = silence;
        }
    }
    l->n_doubted = 0;
    if (l->dead >= 0 && l->dead - l->alive <= 1) {
        found(d, now, false);
        return;
    }
    if (l->dead >= 0) {
        l->trial = l->alive + (l->dead - l->alive) / 2;
    } else if (l->alive == l->last) {
        found(d, now, true);
        return;
    } else {
        l->trial = MIN(MAX(2 * l->alive, 1), l->last);
    }
    l->probe_after = silence_of(d, l->trial);
    begin_round(d, now);
}

static void wait_for_control(hp_nat_discovery *d, hp_time now, hp_time target)
{
    hp_time left = target > now ? target - now : 0;
    hp_discovery_wait(d, now + left - MIN(left / 2, CONTROL_LEAD), prepare_control);
}

static void round_tells(hp_nat_discovery *d, hp_time now, bool alive, hp_time silence)
{
    hp_discovery_lifetime *l = &d->life;
    if (l->touching) {
        /* Gone already: the NAT is not as it was a moment ago, and the round says nothing. */
        if (!alive) {
            hp_discovery_next(d, now);
            return;
        }
        l->touching = false;
        wait_for_control(d, now, l->probe_at);
        return;
    }
    switch (l->touch) {
    case HP_DISCOVERY_UNTOUCHED:
        narrow(d, now, alive, silence);
        break;
    case HP_DISCOVERY_TOUCHED_OUTBOUND:
        d->result.refreshed_by_outbound = alive;
        begin_refresh_round(d, now, HP_DISCOVERY_TOUCHED_INBOUND);
        break;
    case HP_DISCOVERY_TOUCHED_INBOUND:
        d->result.refreshed_by_inbound = alive;
        d->result.known |= HP_NAT_TEST_REFRESH;
        hp_discovery_next(d, now);
        break;
    }
}

/* ---- one round ---- */

static void probed(hp_nat_discovery *d, hp_time now, const hp_discovery_answer *a)
{
    const hp_discovery_lifetime *l = &d->life;
    hp_time silence = a->first_sent - l->x_sent;
    if (a->outcome == HP_DISCOVERY_SILENCE) {
        round_tells(d, now, false, silence);
    } else if (a->outcome == HP_DISCOVERY_ANSWERED && a->socket == l->x) {
        round_tells(d, now, true, silence);
    } else if (a->outcome == HP_DISCOVERY_ANSWERED && hp_addr_equal(&a->mapped, &l->x_mapped)) {
        round_tells(d, now, false, silence);
    } else {
        hp_discovery_next(d, now);
    }
}

static void probe(hp_nat_discovery *d, hp_time now)
{
    hp_discovery_question q = {.socket = d->life.y, .to = d->config.server, .response_port = d->life.x_mapped.port};
    hp_discovery_ask(d, now, &q, probed);
}

static void control_known(hp_nat_discovery *d, hp_time now, const hp_discovery_answer *a)
{
    hp_discovery_lifetime *l = &d->life;
    if (a->outcome != HP_DISCOVERY_ANSWERED) {
        hp_discovery_next(d, now);
    } else if (hp_addr_equal(&a->mapped, &l->x_mapped)) {
        round_tells(d, now, false, a->first_sent - l->x_sent);
    } else if (hp_addr_same_ip(&a->mapped, &l->x_mapped)) {
        hp_discovery_wait(d, l->touching ? l->touch_at : l->probe_at, probe);
    } else {
        hp_discovery_close(d, l->y);
        l->y = HP_DISCOVERY_NO_SOCKET;
        prepare_control(d, now);
    }
}

static void prepare_control(hp_nat_discovery *d, hp_time now)
{
    hp_discovery_lifetime *l = &d->life;
    if (l->y == HP_DISCOVERY_NO_SOCKET) {
        l->y = hp_discovery_open(d, 0);
    }
    if (l->y == HP_DISCOVERY_NO_SOCKET || l->n_controls++ == MAX_CONTROLS) {
        hp_discovery_next(d, now);
        return;
    }
    hp_discovery_ask_server(d, now, l->y, control_known);
}

static void touch_outbound(hp_nat_discovery *d, hp_time now)
{
    hp_discovery_indicate(d, now, d->life.x);
    wait_for_control(d, now, d->life.probe_at);
}

static void mapping_made(hp_nat_discovery *d, hp_time now, const hp_discovery_answer *a)
{
    hp_discovery_lifetime *l = &d->life;
    if (a->outcome != HP_DISCOVERY_ANSWERED) {
        hp_discovery_next(d, now);
        return;
    }
    l->x_mapped = a->mapped;
    l->x_sent = a->last_sent;
    l->touch_at = hp_time_add(l->x_sent, l->touch_after);
    l->probe_at = hp_time_add(l->x_sent, l->probe_after);
    switch (l->touch) {
    case HP_DISCOVERY_UNTOUCHED:
        wait_for_control(d, now, l->probe_at);
        break;
    case HP_DISCOVERY_TOUCHED_OUTBOUND:
        hp_discovery_wait(d, l->touch_at, touch_outbound);
        break;
    case HP_DISCOVERY_TOUCHED_INBOUND:
        l->touching = true;
        wait_for_control(d, now, l->touch_at);
        break;
    }
}

static void begin_round(hp_nat_discovery *d, hp_time now)
{
    hp_discovery_lifetime *l = &d->life;
    hp_discovery_close(d, l->x);
    l->x = l->n_rounds++ < MAX_ROUNDS ? hp_discovery_open(d, 0) : HP_DISCOVERY_NO_SOCKET;
    if (l->x == HP_DISCOVERY_NO_SOCKET) {
        hp_discovery_next(d, now);
        return;
    }
    l->n_controls = 0;
    l->touching = false;
    hp_discovery_ask_server(d, now, l->x, mapping_made);
}

void hp_discovery_lifetime_search(hp_nat_discovery *d, hp_time now)
{
    hp_discovery_lifetime *l = &d->life;
    bool open = (d->result.known & HP_NAT_TEST_FILTERING) != 0 && d->result.filtering == HP_NAT_ENDPOINT_INDEPENDENT;
    if (!d->result.natted && open) {
        /* Nothing here keeps state that could end. */
        hp_discovery_next(d, now);
        return;
    }
    *l = (hp_discovery_lifetime){.x = HP_DISCOVERY_NO_SOCKET, .y = HP_DISCOVERY_NO_SOCKET, .alive = -1, .dead = -1};
    l->last = (int64_t)(d->config.lifetime_max / d->config.lifetime_step);
    l->trial = MIN((int64_t)(d->config.lifetime_first / d->config.lifetime_step), l->last);
    l->probe_after = silence_of(d, l->trial);
    begin_round(d, now);
}
