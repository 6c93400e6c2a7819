/* What the files of a TCP connection share. Private to tcp_conn*.c.
 *
 *   send     iss | snd_una ..... snd_nxt ..... snd_max ..... (data end, FIN)
 *                  acknowledged | sent again up to here | sent at least once
 *   receive  irs | ..... rcv_nxt ..... rcv_adv
 *                  in order | right edge of the window we have advertised
 *
 * Invariants: snd_una <= snd_nxt <= snd_max, going round; snd_nxt < snd_max only after a time-out or a smaller path
 * MTU, while what was sent is sent again. send_base is the sequence number of the first byte in `send`. While no FIN
 * was taken, the byte after the last one in `recv` has sequence number rcv_nxt. `ranges` holds what lies beyond
 * rcv_nxt: sorted, disjoint, not touching, none empty. rto_at and persist_at are never both set. In CLOSED no deadline
 * is set. */
#ifndef HP_WORLD_TCP_CONN_PRIVATE_H
#define HP_WORLD_TCP_CONN_PRIVATE_H

#include <glib.h>

#include "world/tcp_conn.h"

typedef struct hp_tcp_range {
    uint32_t start, end; /* sequence numbers, end not included */
} hp_tcp_range;

struct hp_tcp_conn {
    hp_tcp_state state;
    hp_tcp_end end;
    unsigned events;
    bool orphan; /* closed: nobody reads or sends any more */
    bool syn_taken; /* the other side's: irs and what follows from it hold */
    uint8_t family;
    hp_tcp_config config;
    const hp_tcp_conn_ops *ops;
    void *user;

    /* Sending. */
    uint32_t iss, snd_una, snd_nxt, snd_max;
    uint32_t send_base;
    uint32_t snd_wnd, max_snd_wnd, snd_wl1, snd_wl2;
    uint32_t mss; /* the largest payload of a segment */
    uint8_t snd_scale;
    bool fin_queued;
    bool wants_room; /* send() took less than it was given */
    hp_tcp_ring send;

    /* What the next flush owes. */
    bool owes_ack, owes_reset, owes_first; /* first: the segment at snd_una once more */
    bool owes_probe; /* of the window */
    bool owes_keepalive;
    bool override; /* send what the window allows, be it little */
    uint32_t reset_seq;

    /* Congestion (tcp_conn_congestion.c). */
    uint32_t cwnd, ssthresh, recover, avoided; /* avoided: bytes acknowledged since cwnd last grew */
    uint32_t cwnd_max; /* the largest that acknowledgements made of it */
    unsigned dup_acks;
    bool recovering, partial_seen;
    bool cwnd_full; /* the last flush was held back by cwnd alone */

    /* Round trip and retransmission. */
    hp_time srtt, rttvar, rto;
    hp_time timed_at;
    uint32_t timed_seq;
    bool timing, has_rtt;
    unsigned retries; /* in a row */
    hp_time stalled_since; /* since when what is outstanding waits */
    hp_time last_sent;

    /* Receiving (tcp_conn_receive.c). */
    uint32_t irs, rcv_nxt, rcv_adv, fin_seq;
    uint32_t own_mss; /* what we advertised */
    uint8_t rcv_scale;
    bool fin_known, fin_taken;
    bool told_window; /* by more than a SYN, which cannot tell of a large one */
    bool challenged; /* challenged_at holds */
    unsigned waiting_segments; /* taken and not acknowledged */
    hp_time challenged_at;
    hp_tcp_ring recv;
    hp_tcp_range *ranges;
    uint32_t n_ranges, ranges_size;

    /* Deadlines; HP_NEVER: off. */
    hp_time rto_at, persist_at, delack_at, keepalive_at, state_at;
    unsigned persist_probes, keepalive_probes; /* without an answer */
    unsigned persist_shift; /* probes since the window closed */

    hp_tcp_conn_stats stats;
};

static inline uint32_t hp_tcp_data_end(const hp_tcp_conn *c)
{
    return c->send_base + c->send.length;
}

static inline bool hp_tcp_fin_acked(const hp_tcp_conn *c)
{
    return c->fin_queued && c->snd_una == hp_tcp_data_end(c) + 1;
}

/* States in which the other side may still send. */
static inline bool hp_tcp_may_receive(const hp_tcp_conn *c)
{
    return c->state == HP_TCP_ESTABLISHED || c->state == HP_TCP_FIN_WAIT_1 || c->state == HP_TCP_FIN_WAIT_2;
}

/* tcp_conn.c */
void hp_tcp_finish(hp_tcp_conn *c, hp_tcp_end end); /* to CLOSED */
void hp_tcp_enter_time_wait(hp_tcp_conn *c, hp_time now);
/* From a SYN, the other side's: its options and sequence number. */
void hp_tcp_take_syn(hp_tcp_conn *c, const hp_tcp_header *syn);
void hp_tcp_owe_reset(hp_tcp_conn *c, uint32_t seq);
/* The number the other side expects, as far as can be known: all that was sent has arrived, within its window. */
uint32_t hp_tcp_their_next(const hp_tcp_conn *c);
void hp_tcp_restart_keepalive(hp_tcp_conn *c, hp_time now);

/* tcp_conn_congestion.c */
void hp_tcp_congestion_begin(hp_tcp_conn *c);
void hp_tcp_congestion_idle(hp_tcp_conn *c, hp_time now);
void hp_tcp_start_rto(hp_tcp_conn *c, hp_time now);
/* An acceptable acknowledgement, in a segment that carries `length` bytes. scaled: its window is, as a SYN's is not. */
void hp_tcp_take_ack(hp_tcp_conn *c, hp_time now, const hp_tcp_header *h, size_t length, bool scaled);
void hp_tcp_on_rto(hp_tcp_conn *c, hp_time now);

/* tcp_conn_receive.c */
/* Data and FIN of an acceptable segment. */
void hp_tcp_take_data(hp_tcp_conn *c, hp_time now, uint32_t seq, const uint8_t *data, size_t length, bool fin);
/* The window field for a segment that leaves now; moves rcv_adv. */
uint16_t hp_tcp_advertise(hp_tcp_conn *c, bool scaled);
/* What could be advertised, in bytes. */
uint32_t hp_tcp_window(const hp_tcp_conn *c);

enum { HP_TCP_INITIAL_SEGMENTS = 10 }; /* of the congestion window (RFC 6928) */
/* Bytes that may wait or be under way at present. */
uint32_t hp_tcp_conn_send_limit(const hp_tcp_conn *c);

#endif
