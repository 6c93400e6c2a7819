/* Acknowledgements of a TCP connection: what they say of the round trip, of loss and of congestion.
 *
 * Round trip (RFC 6298). One segment at a time is timed, never one that was sent again (Karn). The time-out is the
 * smoothed round trip plus four times its variation, but plus min_rto at least: on a wire of constant delay the
 * variation goes to nothing, and the margin has to outlast the other side's delayed acknowledgement. A time-out doubles
 * it until the next measurement. When a SYN had to be sent again the time-out begins with 3 s (section 5.7).
 *
 * Congestion (RFC 5681, RFC 6582, RFC 6928). Slow start adds what an acknowledgement acknowledges, one segment at most;
 * congestion avoidance adds a segment for each window acknowledged, counted in bytes. The window only grows when it is
 * what held the last flush back. The third duplicate acknowledgement begins fast recovery: the first segment is sent
 * again, and again at each partial acknowledgement, until all that was outstanding then is acknowledged; only the first
 * partial one restarts the timer, so that many losses in one window end in a time-out, which is faster then (RFC 6582
 * section 4). Duplicates of what was sent before the last time-out begin nothing. A time-out goes back to the first
 * unacknowledged byte and a window of one segment; the threshold is halved once for one window of losses, as what is
 * outstanding at the end of a recovery that failed says nothing of the path.
 *
 * Limit: reordering of three segments and more is taken for loss, as in any TCP without SACK. */
#include "world/tcp_conn_private.h"

enum { INITIAL_BYTES = 14600, DUP_THRESHOLD = 3, MAX_CWND = 1 << 30 };
#define RTO_AFTER_LOST_SYN (3 * HP_S)

static uint32_t initial_window(const hp_tcp_conn *c)
{
    return MIN(HP_TCP_INITIAL_SEGMENTS * c->mss, MAX(2 * c->mss, INITIAL_BYTES));
}

/* The handshake is done; c->retries still counts the SYNs that were sent again. */
void hp_tcp_congestion_begin(hp_tcp_conn *c)
{
    c->cwnd = c->retries > 0 ? c->mss : initial_window(c);
    c->ssthresh = MAX_CWND;
    if (!c->has_rtt && c->retries > 0) {
        c->rto = MAX(c->config.initial_rto_ns, RTO_AFTER_LOST_SYN);
    }
}

/* Nothing is outstanding, and something is about to be sent: after a pause of one time-out the window is no longer
 * what the path was seen to carry (RFC 5681 section 4.1). */
void hp_tcp_congestion_idle(hp_tcp_conn *c, hp_time now)
{
    if (now - c->last_sent > c->rto) {
        c->cwnd = MIN(c->cwnd, initial_window(c));
    }
}

/* ---- round trip ---- */

static void measure(hp_tcp_conn *c, hp_time sample)
{
    if (!c->has_rtt) {
        c->has_rtt = true;
        c->srtt = sample;
        c->rttvar = sample / 2;
    } else {
        hp_time error = sample > c->srtt ? sample - c->srtt : c->srtt - sample;
        c->rttvar = (3 * c->rttvar + error) / 4;
        c->srtt = (7 * c->srtt + sample) / 8;
    }
    c->rto = MIN(c->srtt + MAX(4 * c->rttvar, c->config.min_rto_ns), c->config.max_rto_ns);
}

void hp_tcp_start_rto(hp_tcp_conn *c, hp_time now)
{
    c->rto_at = hp_time_add(now, c->rto);
    if (c->config.user_timeout_ns != 0) {
        hp_time end = hp_time_add(c->stalled_since, c->config.user_timeout_ns);
        c->rto_at = MIN(c->rto_at, MAX(end, now));
    }
}

static unsigned allowed_retries(const hp_tcp_conn *c)
{
    if (c->state == HP_TCP_SYN_SENT) {
        return c->config.syn_retries;
    }
    if (c->state == HP_TCP_SYN_RECEIVED) {
        return c->config.syn_ack_retries;
    }
    return c->orphan ? c->config.orphan_retries : c->config.data_retries;
}

static void halve_threshold(hp_tcp_conn *c)
{
    c->ssthresh = MAX((c->snd_max - c->snd_una) / 2, 2 * c->mss);
}

void hp_tcp_on_rto(hp_tcp_conn *c, hp_time now)
{
    bool too_long = c->config.user_timeout_ns != 0 && now - c->stalled_since >= c->config.user_timeout_ns;
    if (too_long || (c->config.user_timeout_ns == 0 && c->retries >= allowed_retries(c))) {
        hp_tcp_finish(c, HP_TCP_END_TIMED_OUT);
        return;
    }
    if (c->retries++ == 0 && !c->recovering) {
        halve_threshold(c);
    }
    c->stats.timeouts++;
    c->rto = MIN(2 * c->rto, c->config.max_rto_ns);
    c->rto_at = HP_NEVER; /* set again when the first segment is sent again */
    c->snd_nxt = c->snd_una;
    c->cwnd = c->mss;
    c->recover = c->snd_max;
    c->recovering = false;
    c->dup_acks = 0;
    c->avoided = 0;
    c->timing = false;
    c->owes_first = false;
}

/* ---- acknowledgements ---- */

static void grow(hp_tcp_conn *c, uint32_t acked)
{
    if (c->cwnd < c->ssthresh) {
        c->cwnd += MIN(acked, c->mss);
    } else {
        c->avoided += acked;
        if (c->avoided >= c->cwnd) {
            c->avoided -= c->cwnd;
            c->cwnd += c->mss;
        }
    }
    c->cwnd = MIN(c->cwnd, MAX_CWND);
    c->cwnd_max = MAX(c->cwnd_max, c->cwnd);
}

static void take_duplicate(hp_tcp_conn *c)
{
    if (c->recovering) {
        c->cwnd = MIN(c->cwnd + c->mss, MAX_CWND); /* one more has left the network */
        return;
    }
    if (++c->dup_acks != DUP_THRESHOLD || !hp_tcp_after(c->snd_una, c->recover)) {
        return;
    }
    halve_threshold(c);
    c->recover = c->snd_max;
    c->recovering = true;
    c->partial_seen = false;
    c->cwnd = c->ssthresh + DUP_THRESHOLD * c->mss;
    c->timing = false;
    c->owes_first = true;
    c->stats.fast_retransmits++;
}

/* True when the timer is to be restarted. */
static bool recover_more(hp_tcp_conn *c, uint32_t acked)
{
    if (!hp_tcp_before(c->snd_una, c->recover)) {
        c->cwnd = MIN(c->ssthresh, MAX(c->snd_max - c->snd_una, c->mss) + c->mss);
        c->recovering = false;
        c->dup_acks = 0;
        c->avoided = 0;
        return true;
    }
    c->owes_first = true;
    c->cwnd = (c->cwnd > acked ? c->cwnd - acked : 0) + (acked >= c->mss ? c->mss : 0);
    c->cwnd = MAX(c->cwnd, c->mss);
    bool first = !c->partial_seen;
    c->partial_seen = true;
    return first;
}

static void release(hp_tcp_conn *c, uint32_t ack)
{
    if (hp_tcp_after(ack, c->send_base)) {
        uint32_t n = MIN(ack - c->send_base, c->send.length);
        hp_tcp_ring_take(&c->send, NULL, n);
        c->send_base += n;
        c->stats.bytes_acked += n;
    }
    c->snd_una = ack;
    if (hp_tcp_before(c->snd_nxt, ack)) {
        c->snd_nxt = ack;
    }
    uint32_t limit = hp_tcp_conn_send_limit(c);
    if (c->wants_room && limit > c->send.length && limit - c->send.length >= limit / 3) {
        c->wants_room = false;
        c->events |= HP_TCP_EV_WRITABLE;
    }
}

static void take_new(hp_tcp_conn *c, hp_time now, uint32_t ack)
{
    uint32_t acked = ack - c->snd_una;
    if (c->timing && hp_tcp_after(ack, c->timed_seq)) {
        c->timing = false;
        measure(c, now - c->timed_at);
    }
    release(c, ack);
    c->retries = 0;
    c->stalled_since = now;
    bool restart = true;
    if (c->recovering) {
        restart = recover_more(c, acked);
    } else {
        c->dup_acks = 0;
        if (c->cwnd_full) {
            grow(c, acked);
        }
    }
    if (c->snd_una == c->snd_max) {
        c->rto_at = HP_NEVER;
    } else if (restart) {
        hp_tcp_start_rto(c, now);
    }
}

void hp_tcp_take_ack(hp_tcp_conn *c, hp_time now, const hp_tcp_header *h, size_t length, bool scaled)
{
    uint32_t window = (uint32_t)h->window << (scaled ? c->snd_scale : 0);
    bool newer = hp_tcp_before(c->snd_wl1, h->seq) || (c->snd_wl1 == h->seq && !hp_tcp_after(c->snd_wl2, h->ack));
    c->persist_probes = 0;
    if (c->rto_at == HP_NEVER) {
        c->stalled_since = now;
    }
    if (hp_tcp_after(h->ack, c->snd_una)) {
        take_new(c, now, h->ack);
    } else if (h->ack == c->snd_una && length == 0 && (h->flags & HP_TCP_FIN) == 0 && window == c->snd_wnd &&
               c->rto_at != HP_NEVER) {
        take_duplicate(c); /* RFC 5681 section 2; without the timer nothing but a window probe can be outstanding */
    }
    if (newer) {
        c->snd_wnd = window;
        c->max_snd_wnd = MAX(c->max_snd_wnd, window);
        c->snd_wl1 = h->seq;
        c->snd_wl2 = h->ack;
    }
}
