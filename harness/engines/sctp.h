/* An SCTP association as WebRTC's data channels use it, sans-IO (RFC 9260, RFC 8831; partial reliability RFC 3758 and
 * RFC 7496, stream resets RFC 6525), over usrsctp.
 *
 * Packets are handed in with the present time; packets, events and the next deadline come out. It owns no socket, clock
 * or thread. All its bytes depend on the stream it was given, the packets and the times.
 *
 * Both sides start: as RFC 8841 wants it, neither waits for the other's INIT.
 *
 * usrsctp reads the clock (gettimeofday) for round trips, lifetimes and cookies: where time is virtual, the driver
 * makes that call show it between ops->enter and ops->leave. The times of all associations of a process are of one
 * clock that does not go back. Nothing here may be used from two threads. */
#ifndef HP_ENGINES_SCTP_H
#define HP_ENGINES_SCTP_H

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/rng.h"
#include "base/time.h"

/* Octets of an SCTP packet: what a datagram of the transport below holds. usrsctp goes no lower. */
enum { HP_SCTP_MIN_MTU = 524, HP_SCTP_MAX_MTU = 16384 };
enum { HP_SCTP_DEFAULT_PORT = 5000, HP_SCTP_DEFAULT_STREAMS = 1024 };
enum { HP_SCTP_MAX_MESSAGE = 1 << 20 };

typedef struct hp_sctp_config {
    uint16_t local_port, remote_port; /* 0: HP_SCTP_DEFAULT_PORT */
    unsigned mtu; /* must be set */
    uint32_t max_message; /* octets of a message that may come in; 0: 256 KiB. A larger one ends the association */
    uint32_t send_buffer; /* octets that wait to be sent or acknowledged; 0: 1 MiB */
    uint16_t streams; /* each way; 0: HP_SCTP_DEFAULT_STREAMS */
    hp_time rto_initial, rto_min, rto_max; /* 0: 1 s, 1 s, 60 s; whole milliseconds */
    hp_time heartbeat; /* 0: 30 s; HP_NEVER: none */
    unsigned init_retransmits, retransmits; /* before it is given up; 0: 8 and 10 */
} hp_sctp_config;

typedef enum hp_sctp_state {
    HP_SCTP_NEW, /* start, free; what comes in is dropped */
    HP_SCTP_CONNECTING, /* input, run, abort */
    HP_SCTP_CONNECTED, /* as above, and send, reset_stream, shutdown */
    HP_SCTP_CLOSING, /* what was sent is still delivered. input, run, abort */
    HP_SCTP_CLOSED, /* an end that one side wanted. Nothing is sent any more; what comes in is dropped */
    HP_SCTP_FAILED, /* any other end. Likewise */
} hp_sctp_state;
const char *hp_sctp_state_name(hp_sctp_state state); /* "connecting" */

typedef enum hp_sctp_event_kind {
    HP_SCTP_EV_CONNECTED, /* streams: how many may be sent on */
    HP_SCTP_EV_MESSAGE, /* stream, ppid, unordered, data */
    HP_SCTP_EV_STREAM_RESET, /* stream, or all; incoming: the peer sends no more on it; else: nor does this side.
                                failed: the peer refused */
    HP_SCTP_EV_WRITABLE, /* there is room again, after HP_SCTP_WOULD_BLOCK */
    HP_SCTP_EV_CLOSED, /* detail: shutdown, aborted (by this side), aborted-by-peer */
    HP_SCTP_EV_FAILED, /* detail: timeout, refused, protocol (what the peer sent makes no sense), restarted,
                          message-too-large, library */
} hp_sctp_event_kind;

/* Pointers are valid during the call. */
typedef struct hp_sctp_event {
    hp_sctp_event_kind kind;
    uint16_t stream, streams;
    uint32_t ppid;
    bool unordered, all, incoming, failed;
    const uint8_t *data;
    size_t length;
    const char *detail; /* never NULL */
} hp_sctp_event;

/* send and event are called last in a call, events before packets, and may call the association again, but not free it.
 * enter and leave stand around every call into usrsctp, come in pairs and must not call it. */
typedef struct hp_sctp_ops {
    void (*send)(void *user, hp_time now, const uint8_t *data, size_t len);
    void (*event)(void *user, hp_time now, const hp_sctp_event *event); /* may be NULL */
    void (*enter)(void *user); /* may be NULL, as may leave */
    void (*leave)(void *user);
} hp_sctp_ops;

typedef struct hp_sctp hp_sctp;

/* config, ops and rng are copied. HP_ERROR_INVALID where config makes no sense, HP_ERROR_ENVIRONMENT when this usrsctp
 * cannot be driven (see sctp_stack.c). Two associations must not share a stream. */
hp_sctp *hp_sctp_new(const hp_sctp_config *config, const hp_rng *rng, const hp_sctp_ops *ops, void *user,
                     GError **error);
/* Says nothing to the peer. */
void hp_sctp_free(hp_sctp *sctp);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(hp_sctp, hp_sctp_free)

/* Sends the INIT. Does nothing but in state NEW. */
void hp_sctp_start(hp_sctp *sctp, hp_time now);
void hp_sctp_input(hp_sctp *sctp, hp_time now, const uint8_t *data, size_t len);
/* When run() is wanted next; HP_NEVER: not at all. */
hp_time hp_sctp_deadline(const hp_sctp *sctp);
void hp_sctp_run(hp_sctp *sctp, hp_time now);

typedef enum hp_sctp_reliability { HP_SCTP_RELIABLE, HP_SCTP_RETRANSMITS, HP_SCTP_LIFETIME } hp_sctp_reliability;

typedef struct hp_sctp_message {
    uint16_t stream;
    uint32_t ppid;
    bool unordered;
    hp_sctp_reliability reliability;
    uint32_t limit; /* retransmissions, or milliseconds */
    const void *data;
    size_t length; /* at least 1: SCTP has no empty messages */
} hp_sctp_message;

typedef enum hp_sctp_result {
    HP_SCTP_OK,
    HP_SCTP_WOULD_BLOCK, /* the buffer is full: HP_SCTP_EV_WRITABLE follows */
    HP_SCTP_REFUSED, /* not connected, no such stream, being reset, or larger than the buffer */
} hp_sctp_result;
hp_sctp_result hp_sctp_send(hp_sctp *sctp, hp_time now, const hp_sctp_message *message);
/* No more is sent on that stream, once what was sent on it is delivered; then its numbers begin anew. False when the
 * association is not connected or has no such stream. */
bool hp_sctp_reset_stream(hp_sctp *sctp, hp_time now, uint16_t stream);
/* Ends it when all is delivered. */
void hp_sctp_shutdown(hp_sctp *sctp, hp_time now);
/* Ends it at once, with an ABORT to the peer. */
void hp_sctp_abort(hp_sctp *sctp, hp_time now);

hp_sctp_state hp_sctp_get_state(const hp_sctp *sctp);

#endif
