/* What the knobs declare of TCP's timers, unsolicited SYNs, stray segments and resets.
 *
 * The effect of a reset is told as the probes tell it: by how long a connection lives on when it came at half of the
 * timer, and that a reset which leaves the other half has none. */
#include "certify/declare_private.h"

static void declare_timers(hp_declaration *d)
{
    const hp_nat_config *c = d->nat;
    hp_time opening = hp_declare_time(c->tcp_opening_timeout, 240 * HP_S);
    hp_time established = hp_declare_time(c->tcp_established_timeout, 7440 * HP_S);
    hp_time fin = hp_declare_time(c->tcp_fin_timeout, established);
    hp_time closing = hp_declare_time(c->tcp_closing_timeout, 240 * HP_S);
    const struct {
        hp_property property;
        hp_time timer;
    } timers[] = {
        {HP_PROP_TCP_TIMER_OPENING, opening},
        {HP_PROP_TCP_TIMER_HANDSHAKE, hp_declare_time(c->tcp_handshake_timeout, opening)},
        {HP_PROP_TCP_TIMER_PICKED_UP, hp_declare_time(c->tcp_picked_up_timeout, opening)},
        {HP_PROP_TCP_TIMER_ESTABLISHED, established},
        {HP_PROP_TCP_TIMER_FIN, fin},
        {HP_PROP_TCP_TIMER_HALF_CLOSED, hp_declare_time(c->tcp_half_closed_timeout, fin)},
        {HP_PROP_TCP_TIMER_CLOSING, closing},
        {HP_PROP_TCP_TIMER_TIME_WAIT, hp_declare_time(c->tcp_time_wait_timeout, closing)},
    };
    for (unsigned i = 0; i < G_N_ELEMENTS(timers); i++)
        hp_certificate_say_time(d->c, timers[i].property, hp_declare_life(d, timers[i].timer), "");
    if (c->tcp_stray != HP_NAT_STRAY_PICK_UP)
        hp_certificate_unknown(d->c, HP_PROP_TCP_TIMER_PICKED_UP, "no connection is picked up");

    hp_time timer = hp_declare_life(d, established);
    bool ends = d->lifetime <= timer / 10 * 12;
    bool out = !ends && c->tcp_refresh != HP_NAT_TCP_REFRESH_INBOUND;
    bool in = !ends && c->tcp_refresh != HP_NAT_TCP_REFRESH_OUTBOUND;
    if (ends && d->proto[HP_DECLARE_UDP].leaves)
        hp_certificate_unknown(d->c, HP_PROP_TCP_REFRESH, "the connection ends before");
    else
        hp_certificate_say(d->c, HP_PROP_TCP_REFRESH,
                           out ? (in ? "outbound and inbound" : "outbound") : (in ? "inbound" : "none"));
}

static void declare_syn(hp_declaration *d)
{
    const hp_nat_config *c = d->nat;
    g_autofree char *after = hp_certificate_time_text(hp_declare_time(c->tcp_hold_timeout, 6 * HP_S));
    g_autofree char *held = g_strdup_printf(HP_SAY_PORT_UNREACHABLE " after %s, none if a SYN goes out before", after);
    const char *words = HP_SAY_SILENCE;

    switch (c->tcp_unsolicited_syn) {
    case HP_NAT_SYN_AS_UDP:
        words = c->unsolicited == HP_NAT_UNSOLICITED_ICMP ? HP_SAY_PORT_UNREACHABLE : HP_SAY_SILENCE;
        break;
    case HP_NAT_SYN_DROP:
        break;
    case HP_NAT_SYN_HOLD:
        words = held;
        break;
    case HP_NAT_SYN_RST:
        words = HP_SAY_RST;
        break;
    case HP_NAT_SYN_ICMP:
        words = HP_SAY_PORT_UNREACHABLE;
        break;
    }
    hp_certificate_say(d->c, HP_PROP_TCP_SYN, words);
}

static const char *stray(hp_nat_stray knob)
{
    switch (knob) {
    case HP_NAT_STRAY_DROP:
        return HP_SAY_SILENCE;
    case HP_NAT_STRAY_RST:
        return HP_SAY_RST;
    case HP_NAT_STRAY_PICK_UP:
        return "picked up";
    }
    g_assert_not_reached();
}

/* How long a connection lives that gets a RST at half of its timer. */
static hp_time life_after_rst(const hp_declaration *d, hp_time timer, bool removes, hp_time *ret_rest)
{
    hp_time half = timer / 2 / HP_MS * HP_MS;

    *ret_rest = timer - half;
    switch (d->nat->tcp_rst) {
    case HP_NAT_RST_TRANSITORY: {
        hp_time left = d->lifetime == HP_NEVER ? HP_NEVER : d->lifetime - half;
        hp_time t = MIN(hp_declare_time(d->nat->tcp_reset_timeout, 240 * HP_S), left);
        return removes ? 0 : (t + HP_MS - 1) / HP_MS * HP_MS;
    }
    case HP_NAT_RST_REMOVE:
        return 0;
    case HP_NAT_RST_IGNORE:
        return *ret_rest;
    }
    g_assert_not_reached();
}

static void say_effect(hp_declaration *d, hp_property property, hp_time life, hp_time rest)
{
    g_autofree char *t = hp_certificate_time_text(life), *after = g_strdup_printf("after %s", t);
    hp_certificate_say(d->c, property, life == 0 ? "at once" : life == rest ? "no, it has no effect" : after);
}

static void declare_resets(hp_declaration *d)
{
    const hp_nat_config *c = d->nat;
    hp_time established = hp_declare_life(d, hp_declare_time(c->tcp_established_timeout, 7440 * HP_S));
    hp_time opening = hp_declare_life(d, hp_declare_time(c->tcp_opening_timeout, 240 * HP_S)), rest;
    hp_time life = life_after_rst(d, established, false, &rest);

    say_effect(d, HP_PROP_TCP_RST, life, rest);
    if (life == rest)
        hp_certificate_unknown(d->c, HP_PROP_TCP_RST_CHECK, "a RST has no effect");
    else
        hp_certificate_say(d->c, HP_PROP_TCP_RST_CHECK, c->tcp_rst_unchecked ? "wherever it is" : "within the window");
    life = life_after_rst(d, opening, c->tcp_rst_unanswered_removes, &rest);
    say_effect(d, HP_PROP_TCP_RST_UNANSWERED, life, rest);
}

void hp_declare_tcp(hp_declaration *d)
{
    const hp_declared_proto *p = &d->proto[HP_DECLARE_TCP];
    hp_certificate_say(d->c, HP_PROP_TCP_FILTERING, hp_declare_behaviour(p->filtering, p->by_connection));
    declare_timers(d);
    declare_syn(d);
    hp_certificate_say(d->c, HP_PROP_TCP_SIMULTANEOUS, HP_SAY_YES);
    hp_certificate_say(d->c, HP_PROP_TCP_STRAY, stray(d->nat->tcp_stray));
    declare_resets(d);
}
