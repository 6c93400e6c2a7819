/* The receiving half of a TCP connection: putting data in order, and the window.
 *
 * Data lies in the ring at its place from the start, also when something before it is missing; `ranges` says which
 * stretches beyond rcv_nxt are there. What arrives again is simply written again. Hostile senders can make many
 * ranges; past a limit a segment that would add one is not kept, as if it had been lost.
 *
 * Acknowledgement (RFC 5681 section 4.2): at once for every second segment, for what is out of order, fills a gap or
 * was seen before, and for a FIN; else after delayed_ack_ns.
 *
 * Window (RFC 9293 section 3.8.6.2.2): the right edge never moves back, and moves on only by a segment or half the
 * buffer at least. It counts whole units of the window scale; what is still open is rounded up, so that up to one unit
 * more than the buffer may be taken. */
#include "world/tcp_conn_private.h"

#include <string.h>

enum { MAX_RANGES = 1024, ACK_EVERY = 2, MAX_FIELD = 65535 };

/* ---- order ---- */

/* The first range that ends at or after `seq`, or n_ranges. */
static uint32_t find_range(const hp_tcp_conn *c, uint32_t seq)
{
    uint32_t low = 0, high = c->n_ranges;
    while (low < high) {
        uint32_t middle = (low + high) / 2;
        if (hp_tcp_before(c->ranges[middle].end, seq)) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

static bool add_range(hp_tcp_conn *c, uint32_t start, uint32_t end)
{
    uint32_t i = find_range(c, start), last = i;
    while (last < c->n_ranges && !hp_tcp_after(c->ranges[last].start, end)) {
        start = hp_tcp_before(c->ranges[last].start, start) ? c->ranges[last].start : start;
        end = hp_tcp_after(c->ranges[last].end, end) ? c->ranges[last].end : end;
        last++;
    }
    if (last == i) {
        if (c->n_ranges == MAX_RANGES) {
            return false;
        }
        if (c->n_ranges == c->ranges_size) {
            c->ranges_size = MAX(8, c->ranges_size * 2);
            c->ranges = g_renew(hp_tcp_range, c->ranges, c->ranges_size);
        }
        memmove(c->ranges + i + 1, c->ranges + i, (c->n_ranges - i) * sizeof *c->ranges);
        c->n_ranges++;
    } else {
        memmove(c->ranges + i + 1, c->ranges + last, (c->n_ranges - last) * sizeof *c->ranges);
        c->n_ranges -= last - i - 1;
    }
    c->ranges[i] = (hp_tcp_range){.start = start, .end = end};
    return true;
}

/* Moves rcv_nxt on to `end`, and over the ranges that this reaches. */
static void advance(hp_tcp_conn *c, uint32_t end)
{
    uint32_t gone = 0;
    while (gone < c->n_ranges && !hp_tcp_after(c->ranges[gone].start, end)) {
        end = hp_tcp_after(c->ranges[gone].end, end) ? c->ranges[gone].end : end;
        gone++;
    }
    c->n_ranges -= gone;
    memmove(c->ranges, c->ranges + gone, c->n_ranges * sizeof *c->ranges);
    uint32_t n = end - c->rcv_nxt;
    c->recv.length += n;
    c->rcv_nxt = end;
    c->stats.bytes_received += n;
    c->events |= HP_TCP_EV_READABLE;
}

static void take_in_order(hp_tcp_conn *c, hp_time now, const uint8_t *data, uint32_t length)
{
    hp_tcp_ring_put(&c->recv, c->recv.length, data, length);
    bool filled = c->n_ranges > 0;
    if (!filled) {
        c->recv.length += length;
        c->rcv_nxt += length;
        c->stats.bytes_received += length;
        c->events |= HP_TCP_EV_READABLE;
    } else {
        advance(c, c->rcv_nxt + length);
    }
    c->waiting_segments++;
    if (filled || c->waiting_segments >= ACK_EVERY) {
        c->owes_ack = true;
    } else if (c->delack_at == HP_NEVER) {
        c->delack_at = hp_time_add(now, c->config.delayed_ack_ns);
    }
}

static void take_fin(hp_tcp_conn *c, hp_time now)
{
    c->fin_taken = true;
    c->rcv_nxt++;
    c->owes_ack = true;
    c->events |= HP_TCP_EV_PEER_CLOSED | HP_TCP_EV_READABLE;
    switch (c->state) {
    case HP_TCP_ESTABLISHED:
        c->state = HP_TCP_CLOSE_WAIT;
        break;
    case HP_TCP_FIN_WAIT_1: /* our own FIN is not acknowledged, or the state would be FIN-WAIT-2 */
        c->state = HP_TCP_CLOSING;
        break;
    case HP_TCP_FIN_WAIT_2:
        hp_tcp_enter_time_wait(c, now);
        break;
    case HP_TCP_CLOSED:
    case HP_TCP_LISTEN:
    case HP_TCP_SYN_SENT:
    case HP_TCP_SYN_RECEIVED:
    case HP_TCP_CLOSE_WAIT:
    case HP_TCP_CLOSING:
    case HP_TCP_LAST_ACK:
    case HP_TCP_TIME_WAIT:
        g_assert_not_reached(); /* hp_tcp_may_receive() was asked */
    }
}

void hp_tcp_take_data(hp_tcp_conn *c, hp_time now, uint32_t seq, const uint8_t *data, size_t length, bool fin)
{
    if (!hp_tcp_may_receive(c)) {
        return;
    }
    if (hp_tcp_before(seq, c->rcv_nxt)) { /* its beginning, or all of it, is there */
        size_t seen = c->rcv_nxt - seq;
        c->owes_ack = true;
        g_assert(seen <= length); /* or it would not have been acceptable */
        data += seen;
        length -= seen;
        seq = c->rcv_nxt;
    }
    uint32_t room = hp_tcp_before(seq, c->rcv_adv) ? c->rcv_adv - seq : 0;
    if (c->fin_known) {
        room = MIN(room, hp_tcp_before(seq, c->fin_seq) ? c->fin_seq - seq : 0); /* nothing comes after a FIN */
    }
    if (length > room) {
        length = room;
        fin = false;
        c->owes_ack = true;
    }
    uint32_t n = (uint32_t)length;
    if (n > 0 && c->orphan) { /* nobody will read it (RFC 2525 section 2.17, RFC 1122 section 4.2.2.13) */
        hp_tcp_owe_reset(c, c->snd_max);
        hp_tcp_finish(c, HP_TCP_END_ABORTED);
        return;
    }
    if (fin && !c->fin_known) {
        c->fin_known = true;
        c->fin_seq = seq + n;
    }
    if (n > 0 && seq == c->rcv_nxt) {
        take_in_order(c, now, data, n);
    } else if (seq != c->rcv_nxt) {
        c->owes_ack = true;
        if (n > 0 && add_range(c, seq, seq + n)) {
            hp_tcp_ring_put(&c->recv, c->recv.length + (seq - c->rcv_nxt), data, n);
        }
    }
    if (c->fin_known && c->rcv_nxt == c->fin_seq) {
        take_fin(c, now);
    }
}

/* ---- the window ---- */

uint32_t hp_tcp_window(const hp_tcp_conn *c)
{
    uint32_t space = c->config.receive_buffer > c->recv.length ? c->config.receive_buffer - c->recv.length : 0;
    uint32_t open = hp_tcp_before(c->rcv_nxt, c->rcv_adv) ? c->rcv_adv - c->rcv_nxt : 0;
    uint32_t step = MIN(c->config.receive_buffer / 2, c->own_mss);
    return space > open && space - open >= step ? space : open;
}

uint16_t hp_tcp_advertise(hp_tcp_conn *c, bool scaled)
{
    unsigned scale = scaled ? c->rcv_scale : 0;
    uint32_t open = hp_tcp_before(c->rcv_nxt, c->rcv_adv) ? c->rcv_adv - c->rcv_nxt : 0;
    uint32_t field = hp_tcp_window(c) >> scale;
    if (field << scale < open) {
        field = (open + (1U << scale) - 1) >> scale;
    }
    field = MIN(field, MAX_FIELD);
    uint32_t edge = c->rcv_nxt + (field << scale);
    if (hp_tcp_after(edge, c->rcv_adv)) {
        c->rcv_adv = edge;
    }
    return (uint16_t)field;
}
