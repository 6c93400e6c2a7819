/* A TLS endpoint over a byte stream, sans-IO (TLS 1.2 and 1.3), for STUN and TURN over TLS (RFC 8489 section 6.2.3).
 *
 * Bytes of the stream are put in and taken out, and so are those of the application; nothing is ever called from inside
 * but ops->event. All its bytes depend on the stream of random numbers it was given, its certificate and what comes in:
 * it has no timers, and no time reaches what it sends.
 *
 * What it holds is bounded both ways: it takes no more than it can decrypt next, and encrypts no more than a few
 * records ahead, so that a driver that moves what it can passes flow control through. */
#ifndef HP_ENGINES_TLS_H
#define HP_ENGINES_TLS_H

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/rng.h"
#include "config/server.h"
#include "engines/dtls.h"

/* The protocol name of STUN and TURN over TLS (RFC 7443). */
#define HP_TLS_ALPN "stun.turn"

typedef struct hp_tls_config {
    bool client;
    hp_tls_version min, max; /* HP_TLS_ANY: 1.2 and 1.3 */
    /* A client offers it. A server takes it where it is offered, refuses a client that offers others only, and minds
     * none that offers nothing (RFC 7301 section 3.2). NULL: neither. At most 255 bytes. */
    const char *alpn;
    const char *server_name; /* a client says it (SNI); may be NULL */
    /* A client's: what the server's certificate has to be; NULL: whatever it is. */
    const hp_dtls_fingerprint *expected;
} hp_tls_config;

typedef enum hp_tls_state {
    HP_TLS_HANDSHAKING, /* start (a client, once), input, end, close */
    HP_TLS_CONNECTED, /* input, end, read, write, close */
    HP_TLS_CLOSED, /* close_notify came, or was asked for: what came before can be read; output may still have to go */
    HP_TLS_FAILED, /* output (an alert) may still have to go */
} hp_tls_state;
const char *hp_tls_state_name(hp_tls_state state); /* "handshaking" */

typedef enum hp_tls_event_kind {
    HP_TLS_EV_CONNECTED, /* detail (the cipher suite), number (hp_tls_version), alpn, fingerprint (the
                            peer's or NULL) */
    HP_TLS_EV_ALERT_SENT, /* fatal, number (the description), detail (its name) */
    HP_TLS_EV_ALERT_RECEIVED, /* the same */
    HP_TLS_EV_CLOSED, /* by_peer */
    HP_TLS_EV_FAILED, /* detail: what OpenSSL thinks of it; "fingerprint"; "truncated": the stream ended without
                         close_notify */
    HP_TLS_EV_KEYLOG, /* detail: a line of the NSS key log format */
} hp_tls_event_kind;

/* Pointers are valid during the call. */
typedef struct hp_tls_event {
    hp_tls_event_kind kind;
    unsigned number;
    bool fatal, by_peer;
    const char *detail; /* never NULL */
    const char *alpn; /* "" where none was agreed on */
    const hp_dtls_fingerprint *fingerprint;
} hp_tls_event;

/* event is called last in a call; it may call the endpoint again, but not free it. May be NULL. */
typedef struct hp_tls_ops {
    void (*event)(void *user, const hp_tls_event *event);
} hp_tls_ops;

typedef struct hp_tls hp_tls;
typedef struct hp_tls_context hp_tls_context;

/* What endpoints of one server, or of one client, have in common. identity: of a server; a client may have none, and
 * says none if it has. config is copied. HP_ERROR_INVALID where it makes no sense. */
hp_tls_context *hp_tls_context_new(const hp_tls_config *config, const hp_dtls_identity *identity, GError **error);
/* After its endpoints. */
void hp_tls_context_free(hp_tls_context *context);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(hp_tls_context, hp_tls_context_free)

/* rng and ops are copied. Two endpoints must not share a stream of random numbers. */
hp_tls *hp_tls_new(hp_tls_context *context, const hp_rng *rng, const hp_tls_ops *ops, void *user);
/* Says nothing to the peer. */
void hp_tls_free(hp_tls *tls);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(hp_tls, hp_tls_free)

/* A client's ClientHello. Does nothing for a server, or twice. */
void hp_tls_start(hp_tls *tls);
/* Bytes that came; returns how many it took. Fewer than len: read first, or it is over. */
size_t hp_tls_input(hp_tls *tls, const uint8_t *data, size_t len);
/* How many it would take. */
size_t hp_tls_input_room(const hp_tls *tls);
/* The stream has ended. */
void hp_tls_input_end(hp_tls *tls);
/* Application data that came, up to cap; 0: none for now, or for good (see the state). */
size_t hp_tls_read(hp_tls *tls, uint8_t *out, size_t cap);
/* Application data to be sent; returns how much it took: none unless CONNECTED, less than len while much waits to be
 * taken out. */
size_t hp_tls_write(hp_tls *tls, const uint8_t *data, size_t len);
/* Bytes to be sent: a view valid until the next call, and how many of them have been sent. */
const uint8_t *hp_tls_output(const hp_tls *tls, size_t *ret_len);
void hp_tls_output_sent(hp_tls *tls, size_t len);
/* Says close_notify once connected; what waits to be taken out stays. */
void hp_tls_close(hp_tls *tls);
hp_tls_state hp_tls_get_state(const hp_tls *tls);

#endif
