/* One TCP connection, without I/O: segments, calls and times go in; segments, events and one deadline come out. The
 * sockets of a host are built on it (tcp.h).
 *
 * Every call but hp_tcp_conn_flush() only changes the connection. hp_tcp_conn_flush() then sends whatever may go, so
 * that data, acknowledgement and window share a segment where they can, and sets the deadline: it must follow any call
 * that takes `now`, sends or receives. ops->segment is called from there alone, and must not call the connection. */
#ifndef HP_WORLD_TCP_CONN_H
#define HP_WORLD_TCP_CONN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/time.h"
#include "wire/tcp.h"
#include "world/tcp_ring.h"

/* The states of RFC 9293 section 3.3.2, and what is legal in them:
 *
 *   CLOSED        nothing goes out or comes in any more; received data can still be read
 *   LISTEN        a listener's; no connection is ever in it
 *   SYN_SENT      send (it waits), close, abort
 *   SYN_RECEIVED  the same: the other side's SYN came, ours is not acknowledged yet
 *   ESTABLISHED   send, receive, shutdown, close, abort
 *   FIN_WAIT_1    we have nothing more to send; receive, close, abort
 *   FIN_WAIT_2    the same, and the other side knows it
 *   CLOSE_WAIT    the other side has nothing more to send; read what came, send, shutdown, close, abort
 *   CLOSING       both have nothing more to send and both have said so, the other side not having heard it
 *   LAST_ACK      the same, but the other side said so first
 *   TIME_WAIT     both know; old segments may still be under way */
typedef enum hp_tcp_state {
    HP_TCP_CLOSED,
    HP_TCP_LISTEN,
    HP_TCP_SYN_SENT,
    HP_TCP_SYN_RECEIVED,
    HP_TCP_ESTABLISHED,
    HP_TCP_FIN_WAIT_1,
    HP_TCP_FIN_WAIT_2,
    HP_TCP_CLOSE_WAIT,
    HP_TCP_CLOSING,
    HP_TCP_LAST_ACK,
    HP_TCP_TIME_WAIT,
} hp_tcp_state;
enum { HP_TCP_STATE_N = HP_TCP_TIME_WAIT + 1 };

const char *hp_tcp_state_name(hp_tcp_state state); /* "SYN-SENT" */

/* How a connection came to its end. */
typedef enum hp_tcp_end {
    HP_TCP_END_NONE, /* it has not */
    HP_TCP_END_FINISHED, /* both sides had sent everything, and know it */
    HP_TCP_END_REFUSED, /* the SYN was answered with a reset, or with ICMP port unreachable */
    HP_TCP_END_UNREACHABLE, /* an ICMP error answered the SYN */
    HP_TCP_END_RESET, /* by the other side */
    HP_TCP_END_TIMED_OUT, /* no answer to retransmissions, window probes or keepalives */
    HP_TCP_END_ABORTED, /* by this side */
} hp_tcp_end;
enum { HP_TCP_END_N = HP_TCP_END_ABORTED + 1 };

const char *hp_tcp_end_name(hp_tcp_end end); /* "timed-out" */

enum {
    HP_TCP_EV_CONNECTED = 1 << 0, /* the handshake is done */
    HP_TCP_EV_READABLE = 1 << 1, /* more data, or the other side's end of it */
    HP_TCP_EV_WRITABLE = 1 << 2, /* connected, or there is room again after send() took less than it was given */
    HP_TCP_EV_PEER_CLOSED = 1 << 3, /* the other side's FIN; READABLE comes with it */
    HP_TCP_EV_CLOSED = 1 << 4, /* the end: hp_tcp_conn_end() says which. Once, also where TIME-WAIT still follows */
};

/* hp_tcp_config_init() gives the usual values, of Linux mostly. */
typedef struct hp_tcp_config {
    uint32_t send_buffer, receive_buffer; /* bytes; memory is taken as it is needed */
    bool fixed_send_buffer; /* all of it is there from the start; otherwise it grows with the congestion window, and
                               never shrinks, as Linux tunes it: what an application can queue follows the path */
    bool nodelay; /* no Nagle: small segments are sent though others are not acknowledged yet */
    bool keepalive;
    unsigned keepalive_count; /* probes without an answer until the connection is given up */
    hp_time keepalive_idle_ns, keepalive_interval_ns;
    hp_time time_wait_ns; /* twice the maximum segment lifetime; also how long FIN-WAIT-2 may last once closed */
    hp_time delayed_ack_ns;
    hp_time initial_rto_ns, min_rto_ns, max_rto_ns; /* min: the least that is added to the round trip */
    hp_time user_timeout_ns; /* given up when data or a SYN is not acknowledged for so long; 0: by the counts below */
    unsigned syn_retries, syn_ack_retries; /* of our SYN when connecting, and when accepting */
    unsigned data_retries, orphan_retries; /* orphan: after close */
} hp_tcp_config;

void hp_tcp_config_init(hp_tcp_config *ret);

/* A segment on its way out. */
typedef struct hp_tcp_segment {
    hp_tcp_header header;
    hp_tcp_span data; /* valid during the call */
} hp_tcp_segment;

typedef struct hp_tcp_conn_ops {
    void (*segment)(void *user, const hp_tcp_segment *segment);
} hp_tcp_conn_ops;

typedef struct hp_tcp_conn hp_tcp_conn;

/* The IP headers of a family, which an MTU has to hold besides the segment. */
static inline uint32_t hp_tcp_ip_header(uint8_t family)
{
    return family == 4 ? 20 : 40;
}

/* Connects: the SYN goes with the first flush. mtu: of the way out; isn: our initial sequence number, which the caller
 * draws from its own stream. */
hp_tcp_conn *hp_tcp_conn_connect(const hp_tcp_config *config, uint8_t family, uint32_t mtu, uint32_t isn,
                                 const hp_tcp_conn_ops *ops, void *user);
/* Accepts: a connection that begins with the other side's SYN. */
hp_tcp_conn *hp_tcp_conn_accept(const hp_tcp_config *config, uint8_t family, uint32_t mtu, uint32_t isn,
                                const hp_tcp_header *syn, const hp_tcp_conn_ops *ops, void *user);
void hp_tcp_conn_free(hp_tcp_conn *conn);

/* ---- what comes in ---- */

void hp_tcp_conn_segment(hp_tcp_conn *conn, hp_time now, const hp_tcp_header *h, const uint8_t *data, size_t length);
/* Call when the deadline has come. */
void hp_tcp_conn_timeout(hp_tcp_conn *conn, hp_time now);
/* ICMP: the packet that began with sequence number seq was too big for mtu; or did not get there for some reason
 * (`refused`: because of the port). Errors about what was never sent, or is acknowledged, are ignored. */
void hp_tcp_conn_path_mtu(hp_tcp_conn *conn, uint32_t seq, uint32_t mtu);
void hp_tcp_conn_unreachable(hp_tcp_conn *conn, uint32_t seq, bool refused);

/* ---- calls ---- */

/* Puts data into the send buffer; returns how much fitted: 0 when it is full, or nothing can be sent any more. */
size_t hp_tcp_conn_send(hp_tcp_conn *conn, const void *data, size_t length);
/* How much would fit. */
size_t hp_tcp_conn_room(const hp_tcp_conn *conn);
/* Takes data that came; returns how much. */
size_t hp_tcp_conn_recv(hp_tcp_conn *conn, void *out, size_t cap);
size_t hp_tcp_conn_available(const hp_tcp_conn *conn);
/* The same bytes without taking them. */
size_t hp_tcp_conn_peek(const hp_tcp_conn *conn, void *out, size_t cap);
/* Whether nothing will come any more and everything was read: the other side's FIN, or the connection's end. */
bool hp_tcp_conn_at_eof(const hp_tcp_conn *conn);
/* Nothing more will be sent than is in the buffer. While connecting: the end. */
void hp_tcp_conn_shutdown(hp_tcp_conn *conn);
/* Nobody sends or reads any more: shuts down in order, or, when something was not read (or comes later), by a reset
 * (RFC 2525 section 2.17). */
void hp_tcp_conn_close(hp_tcp_conn *conn, hp_time now);
/* The end at once, with a reset where the other side knows of the connection. */
void hp_tcp_conn_abort(hp_tcp_conn *conn);
void hp_tcp_conn_set_nodelay(hp_tcp_conn *conn, bool nodelay);
void hp_tcp_conn_set_keepalive(hp_tcp_conn *conn, hp_time now, bool on, hp_time idle_ns, hp_time interval_ns,
                               unsigned count);
void hp_tcp_conn_set_user_timeout(hp_tcp_conn *conn, hp_time timeout_ns);

/* ---- what comes out ---- */

void hp_tcp_conn_flush(hp_tcp_conn *conn, hp_time now);
hp_time hp_tcp_conn_deadline(const hp_tcp_conn *conn); /* HP_NEVER when it waits for nothing */
/* The events since the last call, HP_TCP_EV_* */
unsigned hp_tcp_conn_take_events(hp_tcp_conn *conn);
hp_tcp_state hp_tcp_conn_state(const hp_tcp_conn *conn);
hp_tcp_end hp_tcp_conn_end(const hp_tcp_conn *conn);
/* The sequence number that is expected next: what tells a new SYN from an old one in TIME-WAIT. */
uint32_t hp_tcp_conn_expected(const hp_tcp_conn *conn);

typedef struct hp_tcp_conn_stats {
    uint64_t bytes_acked, bytes_received; /* received: in order, read or not */
    uint64_t segments_out, segments_in, retransmissions, timeouts, fast_retransmits;
    uint32_t cwnd, ssthresh, mss, send_window;
    hp_time srtt_ns, rto_ns; /* srtt: 0 before the first measurement */
} hp_tcp_conn_stats;
hp_tcp_conn_stats hp_tcp_conn_get_stats(const hp_tcp_conn *conn);

#endif
