/* Segments that arrive at a TCP connection: RFC 9293 section 3.10.7, in its order (sequence number, RST, SYN, ACK,
 * data, FIN), with the checks of RFC 5961: only a reset that has exactly the expected sequence number resets, another
 * in the window is challenged, and so is any SYN.
 *
 * Challenges, and answers to what is outside the window, take turns with silence: one in half a second for segments
 * without data, so that two ends that disagree do not answer each other for ever. Data and FINs are always answered, as
 * their sender waits for it; a keepalive probe looks like the former and comes less often.
 *
 * A simultaneous open (section 3.5, figure 7) needs no state of its own: the other side's SYN moves SYN-SENT to
 * SYN-RECEIVED, and its SYN,ACK, whose SYN is an old acquaintance then, counts as the ACK. A SYN that comes again
 * without ACK says that ours was lost. */
#include "world/tcp_conn_private.h"

#define CHALLENGE_EVERY (500 * HP_MS)

static void challenge(hp_tcp_conn *c, hp_time now)
{
    if (!c->challenged || now - c->challenged_at >= CHALLENGE_EVERY) {
        c->challenged = true;
        c->challenged_at = now;
        c->owes_ack = true;
    }
}

static void establish(hp_tcp_conn *c, hp_time now)
{
    hp_tcp_congestion_begin(c);
    c->state = c->fin_queued ? HP_TCP_FIN_WAIT_1 : HP_TCP_ESTABLISHED;
    c->events |= HP_TCP_EV_CONNECTED | HP_TCP_EV_WRITABLE;
    hp_tcp_restart_keepalive(c, now);
}

static void in_syn_sent(hp_tcp_conn *c, hp_time now, const hp_tcp_header *h)
{
    bool has_ack = (h->flags & HP_TCP_ACK) != 0;
    bool acks_syn = has_ack && hp_tcp_after(h->ack, c->iss) && !hp_tcp_after(h->ack, c->snd_max);
    if (has_ack && !acks_syn) {
        if ((h->flags & HP_TCP_RST) == 0) {
            hp_tcp_owe_reset(c, h->ack);
        }
        return;
    }
    if ((h->flags & HP_TCP_RST) != 0) {
        if (acks_syn) {
            hp_tcp_finish(c, HP_TCP_END_REFUSED);
        }
        return;
    }
    if ((h->flags & HP_TCP_SYN) == 0) {
        return;
    }
    hp_tcp_take_syn(c, h);
    if (!acks_syn) {
        c->state = HP_TCP_SYN_RECEIVED;
        c->snd_nxt = c->iss; /* our SYN once more, now with an ACK */
        c->timing = false;
        return;
    }
    establish(c, now); /* while the SYN's retries are still counted */
    hp_tcp_take_ack(c, now, h, 0, false);
    c->owes_ack = true;
}

/* Whether any of the segment lies in the window. One that ends at its right edge does, as does, at a closed window, one
 * that begins at the edge, for its ACK and RST (its data is cut off later). */
static bool is_acceptable(const hp_tcp_conn *c, uint32_t seq, size_t length)
{
    uint32_t edge = hp_tcp_before(c->rcv_nxt, c->rcv_adv) ? c->rcv_adv : c->rcv_nxt;
    if (hp_tcp_after(seq, edge)) {
        return false;
    }
    if (length == 0) {
        return !hp_tcp_before(seq, c->rcv_nxt);
    }
    return !hp_tcp_before(seq, c->rcv_nxt) ? seq != edge || edge == c->rcv_nxt
                                           : hp_tcp_after(seq + (uint32_t)length, c->rcv_nxt);
}

static void answer_unacceptable(hp_tcp_conn *c, hp_time now, const hp_tcp_header *h, size_t length)
{
    bool fin = (h->flags & HP_TCP_FIN) != 0;
    if ((h->flags & HP_TCP_RST) != 0) {
        return;
    }
    if (c->state == HP_TCP_TIME_WAIT && fin) { /* our ACK was lost: wait anew (RFC 9293 section 3.10.7.4) */
        c->state_at = hp_time_add(now, c->config.time_wait_ns);
    }
    if ((length > 0 || fin) && (h->flags & HP_TCP_SYN) == 0) {
        c->owes_ack = true;
    } else {
        challenge(c, now);
    }
}

static void take_reset(hp_tcp_conn *c, hp_time now, uint32_t seq)
{
    if (seq != c->rcv_nxt) {
        challenge(c, now);
        return;
    }
    hp_tcp_finish(c, c->state == HP_TCP_SYN_RECEIVED ? HP_TCP_END_REFUSED : HP_TCP_END_RESET);
}

/* False when the segment is to be dropped. */
static bool check_ack(hp_tcp_conn *c, hp_time now, const hp_tcp_header *h)
{
    if (c->state == HP_TCP_SYN_RECEIVED) {
        if (!hp_tcp_after(h->ack, c->snd_una) || hp_tcp_after(h->ack, c->snd_max)) {
            hp_tcp_owe_reset(c, h->ack);
            return false;
        }
        establish(c, now);
        return true;
    }
    /* RFC 5961 section 5: neither of what was never sent, nor older than any segment can be. */
    if (hp_tcp_after(h->ack, c->snd_max) || hp_tcp_before(h->ack, c->snd_una - c->max_snd_wnd)) {
        challenge(c, now);
        return false;
    }
    return true;
}

static void on_fin_acked(hp_tcp_conn *c, hp_time now)
{
    switch (c->state) {
    case HP_TCP_FIN_WAIT_1:
        c->state = HP_TCP_FIN_WAIT_2;
        if (c->orphan) {
            c->state_at = hp_time_add(now, c->config.time_wait_ns);
        }
        break;
    case HP_TCP_CLOSING:
        hp_tcp_enter_time_wait(c, now);
        break;
    case HP_TCP_LAST_ACK:
        hp_tcp_finish(c, HP_TCP_END_FINISHED);
        break;
    case HP_TCP_CLOSED:
    case HP_TCP_LISTEN:
    case HP_TCP_SYN_SENT:
    case HP_TCP_SYN_RECEIVED:
    case HP_TCP_ESTABLISHED:
    case HP_TCP_FIN_WAIT_2:
    case HP_TCP_CLOSE_WAIT:
    case HP_TCP_TIME_WAIT:
        break;
    }
}

static void in_other_states(hp_tcp_conn *c, hp_time now, const hp_tcp_header *segment, const uint8_t *data,
                            size_t length)
{
    hp_tcp_header h = *segment;
    bool old_syn =
        c->state == HP_TCP_SYN_RECEIVED && h.seq == c->irs && (h.flags & (HP_TCP_SYN | HP_TCP_RST)) == HP_TCP_SYN;
    if (old_syn && (h.flags & HP_TCP_ACK) == 0) {
        c->snd_nxt = c->iss;
        c->rto_at = HP_NEVER; /* set again with the answer */
        c->timing = false;
        return;
    }
    if (old_syn) {
        h.seq++;
        h.flags &= (uint8_t)~HP_TCP_SYN;
        length = 0;
    }
    bool counts = (h.flags & (HP_TCP_SYN | HP_TCP_FIN)) != 0;
    if (!is_acceptable(c, h.seq, length + counts)) {
        answer_unacceptable(c, now, &h, length);
        return;
    }
    if ((h.flags & HP_TCP_RST) != 0) {
        take_reset(c, now, h.seq);
        return;
    }
    if ((h.flags & HP_TCP_SYN) != 0) {
        challenge(c, now);
        return;
    }
    if ((h.flags & HP_TCP_ACK) == 0 || !check_ack(c, now, &h)) {
        return;
    }
    hp_tcp_restart_keepalive(c, now);
    hp_tcp_take_ack(c, now, &h, length, !old_syn);
    if (hp_tcp_fin_acked(c)) {
        on_fin_acked(c, now);
    }
    bool fin = (h.flags & HP_TCP_FIN) != 0;
    if ((length > 0 || fin) && c->state != HP_TCP_CLOSED) {
        hp_tcp_take_data(c, now, h.seq, data, length, fin);
    }
}

void hp_tcp_conn_segment(hp_tcp_conn *c, hp_time now, const hp_tcp_header *h, const uint8_t *data, size_t length)
{
    c->stats.segments_in++;
    switch (c->state) {
    case HP_TCP_CLOSED:
    case HP_TCP_LISTEN:
        break;
    case HP_TCP_SYN_SENT:
        in_syn_sent(c, now, h);
        break;
    case HP_TCP_SYN_RECEIVED:
    case HP_TCP_ESTABLISHED:
    case HP_TCP_FIN_WAIT_1:
    case HP_TCP_FIN_WAIT_2:
    case HP_TCP_CLOSE_WAIT:
    case HP_TCP_CLOSING:
    case HP_TCP_LAST_ACK:
    case HP_TCP_TIME_WAIT:
        in_other_states(c, now, h, data, length);
        break;
    }
}
