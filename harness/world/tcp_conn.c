/* One TCP connection: its beginning, its end, the calls of its user and its deadlines. tcp_conn_input.c takes segments,
 * tcp_conn_receive.c their data, tcp_conn_congestion.c acknowledgements, tcp_conn_output.c sends.
 *
 * RFC 9293 with what Linux does where it leaves a choice: retransmission by RFC 6298 with a least margin over the round
 * trip, NewReno (RFC 5681, RFC 6582), an initial window of ten segments (RFC 6928), limited transmit (RFC 3042), window
 * scaling (RFC 7323 section 2), Nagle and delayed acknowledgement (RFC 1122 section 4.2.3), resets and SYNs checked as
 * in RFC 5961, path MTU discovery (RFC 1191, RFC 8201).
 *
 * An end comes once: hp_tcp_finish() drops what was to be sent, keeps what was received, and sets no deadline. After
 * close() (an orphan) FIN-WAIT-2 lasts no longer than TIME-WAIT would, as the other side may be gone, and the number of
 * retransmissions is smaller.
 *
 * Limits: no SACK, timestamps, ECN, urgent data (its bytes are ordinary ones), fast open or security labels; data on a
 * SYN is not taken, and so is sent again by who sent it. A path MTU never rises again. A black hole, where no ICMP
 * error comes back, is not detected: the connection times out. */
#include "world/tcp_conn_private.h"

#include <assert.h>

enum { MIN_MSS = 48, DEFAULT_MSS_IPV4 = 536, DEFAULT_MSS_IPV6 = 1220, MAX_WINDOW = 65535 };
enum { MAX_BUFFER = 1 << 29 };

const char *hp_tcp_state_name(hp_tcp_state state)
{
    static const char *const names[] = {"CLOSED",      "LISTEN",     "SYN-SENT",   "SYN-RECEIVED",
                                        "ESTABLISHED", "FIN-WAIT-1", "FIN-WAIT-2", "CLOSE-WAIT",
                                        "CLOSING",     "LAST-ACK",   "TIME-WAIT"};
    static_assert(G_N_ELEMENTS(names) == HP_TCP_STATE_N, "a name for every state");
    return names[state];
}

const char *hp_tcp_end_name(hp_tcp_end end)
{
    static const char *const names[] = {"none", "finished", "refused", "unreachable", "reset", "timed-out", "aborted"};
    static_assert(G_N_ELEMENTS(names) == HP_TCP_END_N, "a name for every end");
    return names[end];
}

void hp_tcp_config_init(hp_tcp_config *ret)
{
    *ret = (hp_tcp_config){
        .send_buffer = 1 << 20,
        .receive_buffer = 1 << 20,
        .keepalive_count = 9,
        .keepalive_idle_ns = 7200 * HP_S,
        .keepalive_interval_ns = 75 * HP_S,
        .time_wait_ns = 60 * HP_S,
        .delayed_ack_ns = 40 * HP_MS,
        .initial_rto_ns = HP_S,
        .min_rto_ns = 200 * HP_MS,
        .max_rto_ns = 120 * HP_S,
        .syn_retries = 6,
        .syn_ack_retries = 5,
        .data_retries = 15,
        .orphan_retries = 8,
    };
}

/* ---- beginning ---- */

static uint32_t mss_for(uint8_t family, uint32_t mtu)
{
    uint32_t headers = hp_tcp_ip_header(family) + HP_TCP_HEADER;
    return CLAMP(mtu > headers ? mtu - headers : 0, MIN_MSS, UINT16_MAX);
}

static hp_tcp_conn *conn_new(const hp_tcp_config *config, uint8_t family, uint32_t mtu, uint32_t isn,
                             const hp_tcp_conn_ops *ops, void *user)
{
    hp_tcp_conn *c = g_new0(hp_tcp_conn, 1);
    c->config = *config;
    c->config.send_buffer = CLAMP(config->send_buffer, 1, MAX_BUFFER);
    c->config.receive_buffer = CLAMP(config->receive_buffer, 1, MAX_BUFFER);
    c->family = family;
    c->ops = ops;
    c->user = user;
    c->iss = c->snd_una = c->snd_nxt = c->snd_max = c->recover = isn;
    c->send_base = isn + 1;
    c->own_mss = c->mss = mss_for(family, mtu);
    while (c->rcv_scale < HP_TCP_MAX_SCALE && (uint32_t)MAX_WINDOW << c->rcv_scale < c->config.receive_buffer) {
        c->rcv_scale++;
    }
    c->rto = config->initial_rto_ns;
    c->rto_at = c->persist_at = c->delack_at = c->keepalive_at = c->state_at = HP_NEVER;
    return c;
}

hp_tcp_conn *hp_tcp_conn_connect(const hp_tcp_config *config, uint8_t family, uint32_t mtu, uint32_t isn,
                                 const hp_tcp_conn_ops *ops, void *user)
{
    hp_tcp_conn *c = conn_new(config, family, mtu, isn, ops, user);
    c->state = HP_TCP_SYN_SENT;
    return c;
}

hp_tcp_conn *hp_tcp_conn_accept(const hp_tcp_config *config, uint8_t family, uint32_t mtu, uint32_t isn,
                                const hp_tcp_header *syn, const hp_tcp_conn_ops *ops, void *user)
{
    hp_tcp_conn *c = conn_new(config, family, mtu, isn, ops, user);
    c->state = HP_TCP_SYN_RECEIVED;
    hp_tcp_take_syn(c, syn);
    return c;
}

void hp_tcp_take_syn(hp_tcp_conn *c, const hp_tcp_header *syn)
{
    c->syn_taken = true;
    c->irs = syn->seq;
    c->rcv_nxt = syn->seq + 1;
    c->rcv_adv = c->rcv_nxt;
    uint32_t theirs = syn->mss != 0 ? syn->mss : c->family == 4 ? DEFAULT_MSS_IPV4 : DEFAULT_MSS_IPV6;
    c->mss = MIN(c->mss, MAX(theirs, MIN_MSS));
    if (syn->has_window_scale) {
        c->snd_scale = syn->window_scale;
    } else {
        c->rcv_scale = 0;
        c->config.receive_buffer = MIN(c->config.receive_buffer, MAX_WINDOW);
    }
    c->snd_wnd = c->max_snd_wnd = syn->window; /* a SYN's is not scaled */
    c->snd_wl1 = syn->seq;
    c->snd_wl2 = c->iss;
}

void hp_tcp_conn_free(hp_tcp_conn *c)
{
    if (c == NULL) {
        return;
    }
    hp_tcp_ring_clear(&c->send);
    hp_tcp_ring_clear(&c->recv);
    g_free(c->ranges);
    g_free(c);
}

/* ---- the end ---- */

static void forget_deadlines(hp_tcp_conn *c)
{
    c->rto_at = c->persist_at = c->delack_at = c->keepalive_at = c->state_at = HP_NEVER;
    c->owes_ack = c->owes_first = c->owes_probe = c->owes_keepalive = c->override = false;
}

void hp_tcp_finish(hp_tcp_conn *c, hp_tcp_end end)
{
    if (c->end == HP_TCP_END_NONE) {
        c->end = end;
        c->events |= HP_TCP_EV_CLOSED;
    }
    c->state = HP_TCP_CLOSED;
    forget_deadlines(c);
    hp_tcp_ring_clear(&c->send);
    c->n_ranges = 0;
}

void hp_tcp_enter_time_wait(hp_tcp_conn *c, hp_time now)
{
    bool acknowledges = c->owes_ack;
    forget_deadlines(c);
    c->owes_ack = acknowledges;
    c->state = HP_TCP_TIME_WAIT;
    c->state_at = hp_time_add(now, c->config.time_wait_ns);
    c->end = HP_TCP_END_FINISHED;
    c->events |= HP_TCP_EV_CLOSED;
}

void hp_tcp_owe_reset(hp_tcp_conn *c, uint32_t seq)
{
    c->owes_reset = true;
    c->reset_seq = seq;
}

uint32_t hp_tcp_their_next(const hp_tcp_conn *c)
{
    uint32_t edge = c->snd_una + c->snd_wnd;
    return hp_tcp_after(c->snd_max, edge) ? edge : c->snd_max;
}

void hp_tcp_conn_abort(hp_tcp_conn *c)
{
    switch (c->state) {
    case HP_TCP_SYN_RECEIVED:
    case HP_TCP_ESTABLISHED:
    case HP_TCP_FIN_WAIT_1:
    case HP_TCP_FIN_WAIT_2:
    case HP_TCP_CLOSE_WAIT:
        hp_tcp_owe_reset(c, hp_tcp_their_next(c));
        break;
    case HP_TCP_CLOSED:
    case HP_TCP_LISTEN:
    case HP_TCP_SYN_SENT:
    case HP_TCP_CLOSING:
    case HP_TCP_LAST_ACK:
    case HP_TCP_TIME_WAIT:
        break;
    }
    c->orphan = true;
    hp_tcp_finish(c, HP_TCP_END_ABORTED);
}

void hp_tcp_conn_shutdown(hp_tcp_conn *c)
{
    switch (c->state) {
    case HP_TCP_SYN_SENT:
        hp_tcp_finish(c, HP_TCP_END_ABORTED);
        return;
    case HP_TCP_SYN_RECEIVED: /* FIN-WAIT-1 follows when it is established */
        break;
    case HP_TCP_ESTABLISHED:
        c->state = HP_TCP_FIN_WAIT_1;
        break;
    case HP_TCP_CLOSE_WAIT:
        c->state = HP_TCP_LAST_ACK;
        break;
    case HP_TCP_CLOSED:
    case HP_TCP_LISTEN:
    case HP_TCP_FIN_WAIT_1:
    case HP_TCP_FIN_WAIT_2:
    case HP_TCP_CLOSING:
    case HP_TCP_LAST_ACK:
    case HP_TCP_TIME_WAIT:
        return;
    }
    c->fin_queued = true;
}

void hp_tcp_conn_close(hp_tcp_conn *c, hp_time now)
{
    if (c->recv.length > 0 && c->state != HP_TCP_CLOSED && c->state != HP_TCP_TIME_WAIT) {
        hp_tcp_conn_abort(c);
        return;
    }
    c->orphan = true;
    if (c->state == HP_TCP_FIN_WAIT_2) {
        c->state_at = hp_time_add(now, c->config.time_wait_ns);
    }
    hp_tcp_conn_shutdown(c);
}

/* ---- sending and receiving ---- */

/* Twice the largest congestion window so far, and never less than twice the initial one. Room that was given is not taken
 * back when the window shrinks, as Linux does not: just then it is needed, for what the application goes on to say while
 * what was lost is sent again. */
uint32_t hp_tcp_conn_send_limit(const hp_tcp_conn *c)
{
    uint64_t tuned = 2 * (uint64_t)MAX(c->cwnd_max, HP_TCP_INITIAL_SEGMENTS * c->mss);
    return c->config.fixed_send_buffer ? c->config.send_buffer : (uint32_t)MIN(c->config.send_buffer, tuned);
}

size_t hp_tcp_conn_room(const hp_tcp_conn *c)
{
    uint32_t limit = hp_tcp_conn_send_limit(c);
    bool may_send = c->state == HP_TCP_SYN_SENT || c->state == HP_TCP_SYN_RECEIVED || c->state == HP_TCP_ESTABLISHED ||
                    c->state == HP_TCP_CLOSE_WAIT;
    return may_send && !c->fin_queued && limit > c->send.length ? limit - c->send.length : 0;
}

size_t hp_tcp_conn_send(hp_tcp_conn *c, const void *data, size_t length)
{
    size_t taken = MIN(length, hp_tcp_conn_room(c));
    hp_tcp_ring_append(&c->send, data, (uint32_t)taken);
    c->wants_room |= taken < length;
    return taken;
}

size_t hp_tcp_conn_recv(hp_tcp_conn *c, void *out, size_t cap)
{
    uint32_t taken = (uint32_t)MIN(cap, c->recv.length);
    hp_tcp_ring_take(&c->recv, out, taken);
    /* Tell of the room when it is at least twice what the other side knows of: mostly an acknowledgement that is sent
     * anyway does. */
    if (taken > 0 && c->told_window && hp_tcp_may_receive(c)) {
        uint32_t known = c->rcv_adv - c->rcv_nxt, window = hp_tcp_window(c);
        c->owes_ack |= window > known && window / 2 >= known;
    }
    return taken;
}

size_t hp_tcp_conn_peek(const hp_tcp_conn *c, void *out, size_t cap)
{
    uint32_t n = (uint32_t)MIN(cap, c->recv.length);
    hp_tcp_span span = hp_tcp_ring_span(&c->recv, 0, n);
    uint8_t *at = out;
    for (unsigned i = 0; i < 2; i++) {
        if (span.length[i] > 0) {
            memcpy(at, span.bytes[i], span.length[i]);
            at += span.length[i];
        }
    }
    return n;
}

size_t hp_tcp_conn_available(const hp_tcp_conn *c)
{
    return c->recv.length;
}

bool hp_tcp_conn_at_eof(const hp_tcp_conn *c)
{
    return c->recv.length == 0 && (c->fin_taken || c->state == HP_TCP_CLOSED);
}

void hp_tcp_conn_set_nodelay(hp_tcp_conn *c, bool nodelay)
{
    c->config.nodelay = nodelay;
}

void hp_tcp_conn_set_user_timeout(hp_tcp_conn *c, hp_time timeout_ns)
{
    c->config.user_timeout_ns = timeout_ns;
}

/* ---- keepalive ---- */

static bool is_kept_alive(const hp_tcp_conn *c)
{
    return c->config.keepalive && (hp_tcp_may_receive(c) || c->state == HP_TCP_CLOSE_WAIT);
}

void hp_tcp_restart_keepalive(hp_tcp_conn *c, hp_time now)
{
    c->keepalive_probes = 0;
    c->keepalive_at = is_kept_alive(c) ? hp_time_add(now, c->config.keepalive_idle_ns) : HP_NEVER;
}

void hp_tcp_conn_set_keepalive(hp_tcp_conn *c, hp_time now, bool on, hp_time idle_ns, hp_time interval_ns,
                               unsigned count)
{
    c->config.keepalive = on;
    c->config.keepalive_idle_ns = idle_ns;
    c->config.keepalive_interval_ns = interval_ns;
    c->config.keepalive_count = count;
    hp_tcp_restart_keepalive(c, now);
}

static void on_keepalive(hp_tcp_conn *c, hp_time now)
{
    if (c->snd_una != c->snd_max || c->send.length > 0) { /* retransmission finds out by itself */
        c->keepalive_at = hp_time_add(now, c->config.keepalive_idle_ns);
        return;
    }
    if (c->keepalive_probes >= c->config.keepalive_count) {
        hp_tcp_owe_reset(c, hp_tcp_their_next(c));
        hp_tcp_finish(c, HP_TCP_END_TIMED_OUT);
        return;
    }
    c->keepalive_probes++;
    c->owes_keepalive = true;
    c->keepalive_at = hp_time_add(now, c->config.keepalive_interval_ns);
}

/* ---- deadlines ---- */

hp_time hp_tcp_conn_deadline(const hp_tcp_conn *c)
{
    hp_time first = MIN(c->rto_at, c->persist_at);
    first = MIN(first, c->delack_at);
    first = MIN(first, c->keepalive_at);
    return MIN(first, c->state_at);
}

/* The window was closed for so long: ask. The override lets a window that is open, but too small to be worth while, be
 * used (RFC 9293 section 3.8.6.2.1). */
static void on_persist(hp_tcp_conn *c)
{
    if (c->persist_probes >= (c->orphan ? c->config.orphan_retries : c->config.data_retries)) {
        hp_tcp_finish(c, HP_TCP_END_TIMED_OUT);
        return;
    }
    c->persist_at = HP_NEVER;
    if (c->snd_wnd > 0) {
        c->override = true;
    } else {
        c->owes_probe = true;
    }
}

void hp_tcp_conn_timeout(hp_tcp_conn *c, hp_time now)
{
    if (c->state_at <= now) {
        hp_tcp_finish(c, HP_TCP_END_FINISHED); /* TIME-WAIT is over, or an orphan's FIN-WAIT-2 */
        return;
    }
    if (c->delack_at <= now) {
        c->delack_at = HP_NEVER;
        c->owes_ack = true;
    }
    if (c->rto_at <= now) {
        hp_tcp_on_rto(c, now);
    }
    if (c->persist_at <= now) {
        on_persist(c);
    }
    if (c->keepalive_at <= now) {
        on_keepalive(c, now);
    }
}

/* ---- what ICMP says ---- */

static bool is_outstanding(const hp_tcp_conn *c, uint32_t seq)
{
    return !hp_tcp_before(seq, c->snd_una) && hp_tcp_before(seq, c->snd_max);
}

/* Whatever was larger than the new size is lost, and with it most likely all that is outstanding: it is sent again, in
 * smaller segments. Nothing is said of congestion, so the congestion window stays (RFC 1191 section 6.5). */
void hp_tcp_conn_path_mtu(hp_tcp_conn *c, uint32_t seq, uint32_t mtu)
{
    uint32_t mss = mss_for(c->family, mtu);
    if (c->state == HP_TCP_CLOSED || !is_outstanding(c, seq) || mss >= c->mss) {
        return;
    }
    c->mss = mss;
    if (c->state != HP_TCP_SYN_SENT && c->state != HP_TCP_SYN_RECEIVED) {
        c->snd_nxt = c->snd_una;
        c->timing = false;
        c->cwnd = c->recovering ? c->ssthresh : c->cwnd;
        c->recovering = false;
        c->dup_acks = 0;
        c->recover = c->snd_max;
    }
}

/* Once connected such an error may be a passing one (RFC 1122 section 4.2.3.9). While connecting it ends the attempt,
 * as in nearly every TCP (RFC 5461 section 3.1). */
void hp_tcp_conn_unreachable(hp_tcp_conn *c, uint32_t seq, bool refused)
{
    bool connecting = c->state == HP_TCP_SYN_SENT || c->state == HP_TCP_SYN_RECEIVED;
    if (connecting && is_outstanding(c, seq)) {
        hp_tcp_finish(c, refused ? HP_TCP_END_REFUSED : HP_TCP_END_UNREACHABLE);
    }
}

/* ---- what is known of it ---- */

unsigned hp_tcp_conn_take_events(hp_tcp_conn *c)
{
    unsigned events = c->events;
    c->events = 0;
    return events;
}

hp_tcp_state hp_tcp_conn_state(const hp_tcp_conn *c)
{
    return c->state;
}

hp_tcp_end hp_tcp_conn_end(const hp_tcp_conn *c)
{
    return c->end;
}

uint32_t hp_tcp_conn_expected(const hp_tcp_conn *c)
{
    return c->rcv_nxt;
}

hp_tcp_conn_stats hp_tcp_conn_get_stats(const hp_tcp_conn *c)
{
    hp_tcp_conn_stats stats = c->stats;
    stats.cwnd = c->cwnd;
    stats.ssthresh = c->ssthresh;
    stats.mss = c->mss;
    stats.send_window = c->snd_wnd;
    stats.srtt_ns = c->srtt;
    stats.rto_ns = c->rto;
    return stats;
}
