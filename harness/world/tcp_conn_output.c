/* What a TCP connection sends, and when.
 *
 * A flush sends, in this order: a reset; the SYN; the first segment again when fast recovery asks for it; as much as
 * both windows allow; a probe of the window or of the other side; and an acknowledgement when one is due and no segment
 * carried it.
 *
 * A segment smaller than the largest goes only (RFC 9293 section 3.8.6.2.1, RFC 1122 section 4.2.3.4) when it empties
 * the buffer and nothing is outstanding or Nagle is off; when it carries the FIN; when it is half of the largest window
 * the other side ever had; when it was sent before; or when the persist timer overrides. What is held back with nothing
 * outstanding sets the persist timer: nothing else would wake the connection. That timer backs off like the
 * retransmission's; a probe is the next byte, or the FIN, beyond the window.
 *
 * PSH marks the segment that empties the buffer. */
#include "world/tcp_conn_private.h"

static void emit(hp_tcp_conn *c, const hp_tcp_header *h, uint32_t offset, uint32_t length)
{
    hp_tcp_segment segment = {.header = *h, .data = hp_tcp_ring_span(&c->send, offset, length)};
    c->stats.segments_out++;
    c->ops->segment(c->user, &segment);
}

/* A segment with an ACK, and so with everything an acknowledgement tells. */
static void emit_ack(hp_tcp_conn *c, uint8_t flags, uint32_t seq, uint32_t offset, uint32_t length)
{
    hp_tcp_header h = {
        .seq = seq,
        .ack = c->rcv_nxt,
        .flags = flags | HP_TCP_ACK,
        .window = hp_tcp_advertise(c, true),
    };
    c->owes_ack = false;
    c->told_window = true;
    c->waiting_segments = 0;
    c->delack_at = HP_NEVER;
    emit(c, &h, offset, length);
}

static void emit_reset(hp_tcp_conn *c)
{
    hp_tcp_header h = {.seq = c->reset_seq, .flags = HP_TCP_RST};
    if (c->syn_taken) {
        h.flags |= HP_TCP_ACK;
        h.ack = c->rcv_nxt;
    }
    c->owes_reset = false;
    emit(c, &h, 0, 0);
}

/* Books what is about to be sent: [seq, end). */
static void book(hp_tcp_conn *c, hp_time now, uint32_t seq, uint32_t end)
{
    if (c->snd_una == c->snd_max) {
        c->stalled_since = now;
    }
    if (hp_tcp_before(seq, c->snd_max)) {
        c->stats.retransmissions++;
    } else if (!c->timing) {
        c->timing = true;
        c->timed_seq = seq;
        c->timed_at = now;
    }
    if (hp_tcp_after(end, c->snd_max)) {
        c->snd_max = end;
    }
    c->last_sent = now;
    if (c->rto_at == HP_NEVER) {
        hp_tcp_start_rto(c, now);
    }
}

static void send_syn(hp_tcp_conn *c, hp_time now)
{
    bool answers = c->state == HP_TCP_SYN_RECEIVED;
    hp_tcp_header h = {
        .seq = c->iss,
        .flags = answers ? HP_TCP_SYN | HP_TCP_ACK : HP_TCP_SYN,
        .ack = answers ? c->rcv_nxt : 0,
        .mss = (uint16_t)c->own_mss,
        .has_window_scale = !answers || c->rcv_scale > 0 || c->snd_scale > 0,
        .window_scale = c->rcv_scale,
    };
    h.window = answers ? hp_tcp_advertise(c, false) : (uint16_t)MIN(c->config.receive_buffer, UINT16_MAX);
    c->owes_ack = false;
    book(c, now, c->iss, c->iss + 1);
    c->snd_nxt = c->iss + 1;
    emit(c, &h, 0, 0);
}

/* Data from seq on, and the FIN behind it when asked. */
static void send_segment(hp_tcp_conn *c, hp_time now, uint32_t seq, uint32_t length, bool fin)
{
    bool last = length > 0 && seq + length == hp_tcp_data_end(c);
    book(c, now, seq, seq + length + fin);
    emit_ack(c, (last ? HP_TCP_PSH : 0) | (fin ? HP_TCP_FIN : 0), seq, seq - c->send_base, length);
}

static void send_first_again(hp_tcp_conn *c, hp_time now)
{
    uint32_t left = hp_tcp_data_end(c) - c->snd_una;
    uint32_t length = MIN(left, c->mss);
    c->owes_first = false;
    if (c->snd_una != c->snd_max) {
        bool fin = c->fin_queued && length == left && hp_tcp_after(c->snd_max, hp_tcp_data_end(c));
        send_segment(c, now, c->snd_una, length, fin);
    }
}

/* Whether a segment of this length, of `left` bytes that wait, is worth while; it is not empty or carries the FIN. */
static bool is_worthwhile(const hp_tcp_conn *c, uint32_t length, uint32_t left, bool fin)
{
    bool at_rest = c->snd_una == c->snd_max;
    return length == c->mss || fin || (length == left && (c->config.nodelay || at_rest)) ||
           length >= MAX(c->max_snd_wnd / 2, 1) || hp_tcp_before(c->snd_nxt, c->snd_max) || c->override;
}

static void send_data(hp_tcp_conn *c, hp_time now)
{
    uint32_t cwnd = c->cwnd;
    if (!c->recovering) {
        cwnd += MIN(c->dup_acks, 2) * c->mss; /* limited transmit */
    }
    uint32_t window = MIN(c->snd_wnd, cwnd);
    c->cwnd_full = false;
    for (;;) {
        uint32_t end = hp_tcp_data_end(c), flight = c->snd_nxt - c->snd_una;
        uint32_t left = hp_tcp_before(c->snd_nxt, end) ? end - c->snd_nxt : 0;
        bool fin_left = c->fin_queued && c->snd_nxt != end + 1;
        if (left == 0 && !fin_left) {
            return;
        }
        uint32_t room = window > flight ? window - flight : 0;
        uint32_t length = MIN(MIN(left, room), c->mss);
        bool fin = fin_left && length == left && room > length;
        if (room < MIN(left, c->mss)) {
            c->cwnd_full = cwnd <= c->snd_wnd;
        }
        /* What cwnd alone cut short waits for the next acknowledgement, to go whole. */
        bool cut = length < left && length < c->mss && cwnd < c->snd_wnd && flight > 0;
        if ((length == 0 && !fin) || cut || !is_worthwhile(c, length, left, fin)) {
            return;
        }
        c->override = false;
        uint32_t seq = c->snd_nxt;
        c->snd_nxt = seq + length + fin;
        send_segment(c, now, seq, length, fin);
    }
}

static bool has_unsent(const hp_tcp_conn *c)
{
    return c->snd_nxt != hp_tcp_data_end(c) + c->fin_queued;
}

static void send_probe(hp_tcp_conn *c)
{
    uint32_t seq = c->snd_una;
    bool data = hp_tcp_data_end(c) != seq;
    c->owes_probe = false;
    if (!has_unsent(c) || c->snd_nxt != seq || c->rto_at != HP_NEVER) {
        return; /* an acknowledgement came first */
    }
    c->persist_probes++;
    c->persist_shift++;
    if (c->snd_max == seq) {
        c->snd_max = seq + 1; /* it may be taken; snd_nxt stays, so that it is sent again if it was not */
    }
    c->timing = false;
    emit_ack(c, data ? 0 : HP_TCP_FIN, seq, 0, data ? 1 : 0);
}

static void set_persist(hp_tcp_conn *c, hp_time now)
{
    if (c->rto_at != HP_NEVER || !has_unsent(c)) {
        c->persist_at = HP_NEVER;
        c->persist_shift = 0;
    } else if (c->persist_at == HP_NEVER) {
        hp_time wait = c->rto;
        for (unsigned i = 0; i < c->persist_shift && wait < c->config.max_rto_ns; i++) {
            wait *= 2;
        }
        c->persist_at = hp_time_add(now, MIN(wait, c->config.max_rto_ns));
    }
}

static void flush_connected(hp_tcp_conn *c, hp_time now)
{
    if (c->owes_first) {
        send_first_again(c, now);
    }
    if (has_unsent(c)) {
        if (c->snd_una == c->snd_max) {
            hp_tcp_congestion_idle(c, now);
        }
        send_data(c, now);
    } else {
        c->cwnd_full = false;
    }
    c->override = false;
    if (c->owes_probe) {
        send_probe(c);
    }
    if (c->owes_keepalive) {
        c->owes_keepalive = false;
        emit_ack(c, 0, c->snd_una - 1, 0, 0);
    }
    if (c->owes_ack) {
        emit_ack(c, 0, hp_tcp_their_next(c), 0, 0);
    }
    set_persist(c, now);
}

void hp_tcp_conn_flush(hp_tcp_conn *c, hp_time now)
{
    if (c->owes_reset) {
        emit_reset(c);
    }
    switch (c->state) {
    case HP_TCP_CLOSED:
    case HP_TCP_LISTEN:
        break;
    case HP_TCP_SYN_SENT:
    case HP_TCP_SYN_RECEIVED:
        if (c->snd_nxt == c->iss) {
            send_syn(c, now);
        } else if (c->owes_ack) {
            emit_ack(c, 0, c->snd_nxt, 0, 0);
        }
        break;
    case HP_TCP_ESTABLISHED:
    case HP_TCP_FIN_WAIT_1:
    case HP_TCP_FIN_WAIT_2:
    case HP_TCP_CLOSE_WAIT:
    case HP_TCP_CLOSING:
    case HP_TCP_LAST_ACK:
    case HP_TCP_TIME_WAIT:
        flush_connected(c, now);
        break;
    }
}
