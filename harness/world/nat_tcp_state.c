/* The session machine of nat_tcp.h: segments in, states out.
 *
 * Where it is more than RFC 7857's figure 1: that one calls a connection established at the second SYN, RFC 5382
 * section 5 once both ends have sent an ACK, and some NATs (netfilter) give the time between a timer of its own; hence
 * HANDSHAKE. For the same reason a FIN is told apart from an acknowledged one. With the default timeouts nothing of
 * that can be seen from outside but that a half-open handshake lives four minutes and not two hours.
 *
 * A RST is checked against what its receiver has told: its sequence number must lie between the receiver's latest
 * acknowledgement and the right edge of its window (RFC 9293 section 3.5.3; RFC 5961 is stricter). A receiver that has
 * acknowledged nothing yet waits for the answer to its SYN, and believes a RST that acknowledges it. What an off-path
 * attacker sends is thus passed on, for the receiver to refuse, and changes nothing here (RFC 7857 section 2.2).
 *
 * Not tracked: whether segments other than RSTs lie in the window. A forged FIN closes a session here. */
#include "world/nat_tcp.h"

#include "world/nat.h"

static const char *const state_names[] = {
    "out-init", "in-init",     "handshake", "picked-up", "established",
    "fin",      "half-closed", "closing",   "time-wait", "trans",
};
static_assert(G_N_ELEMENTS(state_names) == HP_NAT_TCP_N_STATES, "one name a state");

enum { BOTH = 1 << HP_NAT_INSIDE | 1 << HP_NAT_OUTSIDE, PORTS = 4 };

const char *hp_nat_tcp_state_name(hp_nat_tcp_state state)
{
    return state_names[state];
}

bool hp_nat_segment_read(const hp_packet *p, hp_nat_segment *ret)
{
    hp_tcp_header h;
    const uint8_t *data;
    size_t length;

    if (!hp_tcp_parse(p->payload, p->length, &h, &data, &length))
        return false;
    /* A first fragment says how long the whole segment is, ports included. */
    if (p->frag_total > PORTS + p->length)
        length += p->frag_total - PORTS - p->length;
    uint32_t space = (uint32_t)length + ((h.flags & HP_TCP_SYN) != 0) + ((h.flags & HP_TCP_FIN) != 0);
    *ret = (hp_nat_segment){.seq = h.seq,
                            .ack = h.ack,
                            .end = h.seq + space,
                            .window = h.window,
                            .flags = h.flags,
                            .scale = h.has_window_scale ? h.window_scale : HP_NAT_TCP_NO_SCALE};
    return true;
}

void hp_nat_tcp_reset_tracking(hp_nat_tcp_session *s)
{
    memset(s->next, 0, sizeof s->next);
    memset(s->ack, 0, sizeof s->ack);
    memset(s->edge, 0, sizeof s->edge);
    s->scale[HP_NAT_INSIDE] = s->scale[HP_NAT_OUTSIDE] = HP_NAT_TCP_NO_SCALE;
    s->seen = s->acked = s->fins = 0;
}

/* A window is scaled when both SYNs offered to (RFC 7323 section 2.2), and never in a SYN. */
static uint32_t window_of(const hp_nat_tcp_session *s, unsigned side, const hp_nat_segment *segment)
{
    bool scaled =
        !(segment->flags & HP_TCP_SYN) && s->scale[0] != HP_NAT_TCP_NO_SCALE && s->scale[1] != HP_NAT_TCP_NO_SCALE;
    return (uint32_t)segment->window << (scaled ? s->scale[side] : 0);
}

void hp_nat_tcp_track(hp_nat_tcp_session *s, unsigned side, const hp_nat_segment *segment)
{
    uint8_t bit = (uint8_t)(1 << side);

    if (segment->flags & HP_TCP_SYN)
        s->scale[side] = segment->scale;
    if (!(s->seen & bit) || hp_tcp_after(segment->end, s->next[side]))
        s->next[side] = segment->end;
    s->seen |= bit;
    if (segment->flags & HP_TCP_FIN)
        s->fins |= bit;
    if (!(segment->flags & HP_TCP_ACK))
        return;
    uint32_t edge = segment->ack + window_of(s, side, segment);
    if (!(s->acked & bit) || hp_tcp_after(segment->ack, s->ack[side]))
        s->ack[side] = segment->ack;
    if (!(s->acked & bit) || hp_tcp_after(edge, s->edge[side]))
        s->edge[side] = edge;
    s->acked |= bit;
}

static bool fin_acknowledged(const hp_nat_tcp_session *s, unsigned side)
{
    return (s->acked & 1 << !side) && !hp_tcp_before(s->ack[!side], s->next[side]);
}

static hp_nat_tcp_state closing_state(const hp_nat_tcp_session *s)
{
    bool in = fin_acknowledged(s, HP_NAT_INSIDE), out = fin_acknowledged(s, HP_NAT_OUTSIDE);
    if (s->fins == BOTH)
        return in && out ? HP_NAT_TCP_TIME_WAIT : HP_NAT_TCP_CLOSING;
    return (s->fins & 1 << HP_NAT_INSIDE ? in : out) ? HP_NAT_TCP_HALF_CLOSED : HP_NAT_TCP_FIN;
}

hp_nat_tcp_state hp_nat_tcp_next_state(const hp_nat_tcp_session *s, unsigned side, const hp_nat_segment *segment)
{
    hp_nat_tcp_state state = s->state == HP_NAT_TCP_TRANS ? s->before : s->state;
    bool syn = segment->flags & HP_TCP_SYN;

    switch (state) {
    case HP_NAT_TCP_OUT_INIT:
        return syn && side == HP_NAT_OUTSIDE ? HP_NAT_TCP_HANDSHAKE : state;
    case HP_NAT_TCP_IN_INIT:
        return syn && side == HP_NAT_INSIDE ? HP_NAT_TCP_HANDSHAKE : state;
    case HP_NAT_TCP_HANDSHAKE:
    case HP_NAT_TCP_PICKED_UP:
    case HP_NAT_TCP_ESTABLISHED:
        if (s->fins)
            return closing_state(s);
        return s->acked == BOTH ? HP_NAT_TCP_ESTABLISHED : state;
    case HP_NAT_TCP_FIN:
    case HP_NAT_TCP_HALF_CLOSED:
    case HP_NAT_TCP_CLOSING:
    case HP_NAT_TCP_TIME_WAIT:
        return closing_state(s);
    case HP_NAT_TCP_TRANS:
    case HP_NAT_TCP_N_STATES:
        break;
    }
    g_assert_not_reached();
}

bool hp_nat_tcp_believes_rst(const hp_nat_tcp_session *s, unsigned side, const hp_nat_segment *rst)
{
    unsigned receiver = !side;
    uint8_t bit = (uint8_t)(1 << receiver);

    if (s->unchecked || !((s->seen | s->acked) & bit))
        return true;
    if (s->acked & bit)
        return !hp_tcp_before(rst->seq, s->ack[receiver]) && !hp_tcp_after(rst->seq, s->edge[receiver]);
    return (rst->flags & HP_TCP_ACK) && rst->ack == s->next[receiver];
}
