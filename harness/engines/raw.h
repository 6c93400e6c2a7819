/* The raw agent, sans-IO: a client of STUN, TURN, ICE and DTLS that says what its script says, byte for byte, and
 * judges what comes back (config/raw.h is what it can be told).
 *
 * Datagrams, bytes of streams, signalling and the present time go in; what is to be sent, opened and traced comes out
 * through ops. Everything it makes up (transaction ids, credentials, payloads) comes from the stream it was given. An
 * input that comes while it is in the middle of one (a driver that delivers at once) waits until that is done. */
#ifndef HP_ENGINES_RAW_H
#define HP_ENGINES_RAW_H

#include "base/rng.h"
#include "config/raw.h"
#include "engines/dtls.h"

typedef struct hp_raw hp_raw;

typedef enum hp_raw_event_kind {
    HP_RAW_EV_SENT, /* line, action, socket, address, text (what), size, packet */
    HP_RAW_EV_RECEIVED, /* socket, address, text, size, packet */
    HP_RAW_EV_MATCHED, /* line, action, span (since the action began), packet */
    HP_RAW_EV_MISSED, /* line, action, text (what was expected), span, nearest, why, packet (of the nearest) */
    HP_RAW_EV_UNEXPECTED, /* socket, address, text, packet: nobody took it */
    HP_RAW_EV_DONE, /* action (the script's name), text: "done" or "failed" */
    HP_RAW_EV_ERROR, /* line, action, text */
    HP_RAW_EV_KEYLOG, /* text: a line of the NSS key log format */
} hp_raw_event_kind;

/* Texts are never NULL and valid during the call. */
typedef struct hp_raw_event {
    hp_raw_event_kind kind;
    unsigned line;
    const char *action, *socket, *text, *nearest, *why;
    hp_addr address;
    hp_time span;
    size_t size;
    uint32_t packet;
} hp_raw_event;

/* A description or candidate to be signalled, templates filled in. */
typedef struct hp_raw_ops {
    /* Opens socket `number` (config->sockets, "main" last where it is not among them). remote: whom TCP connects to,
     * family none for all others. What it is bound to goes into *ret_local. */
    bool (*open)(void *user, unsigned number, const hp_raw_socket *socket, const hp_addr *remote, hp_addr *ret_local,
                 GError **error);
    void (*close)(void *user, unsigned number, bool reset);
    /* A datagram. *ret_packet: its capture record, 0 where there is none. */
    bool (*send)(void *user, unsigned number, const hp_addr *to, const uint8_t *data, size_t len, uint8_t ttl,
                 uint8_t tos, bool dont_fragment, uint32_t *ret_packet);
    /* Bytes of a stream, in a segment of their own where that is possible; how many were taken. */
    size_t (*write)(void *user, unsigned number, const uint8_t *data, size_t len, uint32_t *ret_packet);
    /* Where a server or a peer of that name is reached over a transport; port 0 where none is known. False: nobody. */
    bool (*resolve)(void *user, const char *name, hp_raw_transport transport, hp_addr *ret);
    /* The host's own address; false when it has none. */
    bool (*own_address)(void *user, hp_addr *ret);
    /* Carries out a signal action; uses hp_raw_expand() for its templates. */
    bool (*signal)(void *user, hp_time now, const hp_raw_signal *signal, GError **error);
    void (*event)(void *user, hp_time now, const hp_raw_event *event);
    /* Around calls into OpenSSL that read a clock (engines/dtls.h). May be NULL. */
    void (*enter)(void *user);
    void (*leave)(void *user);
} hp_raw_ops;

/* config and ops outlive it; rng is copied. */
hp_raw *hp_raw_new(const hp_raw_config *config, const hp_rng *rng, const hp_raw_ops *ops, void *user);
/* Says nothing to anybody. */
void hp_raw_free(hp_raw *raw);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(hp_raw, hp_raw_free)

/* Opens its sockets. Before anything else; `main` may be spoken of from then on. */
void hp_raw_open(hp_raw *raw, hp_time now);
/* Begins the main script. */
void hp_raw_start(hp_raw *raw, hp_time now);
/* When run() is wanted next; HP_NEVER: not at all. */
hp_time hp_raw_deadline(const hp_raw *raw);
void hp_raw_run(hp_raw *raw, hp_time now);
/* The run is over: tells what nobody took. */
void hp_raw_finish(hp_raw *raw, hp_time now);

/* ---- what comes ---- */

typedef struct hp_raw_datagram {
    hp_addr from, to;
    const uint8_t *data;
    size_t length;
    uint8_t ttl, tos;
    uint32_t packet;
} hp_raw_datagram;

void hp_raw_datagram_input(hp_raw *raw, hp_time now, unsigned number, const hp_raw_datagram *d);
/* Of TCP: the connection is there (remote: with whom). A second one on a socket that listens is not to be told. */
void hp_raw_connected(hp_raw *raw, hp_time now, unsigned number, const hp_addr *local, const hp_addr *remote);
void hp_raw_bytes_input(hp_raw *raw, hp_time now, unsigned number, const uint8_t *data, size_t len, uint32_t packet);
/* There is room again. */
void hp_raw_writable(hp_raw *raw, hp_time now, unsigned number);
/* It ended: HP_RAW_CLOSED, HP_RAW_RESET or HP_RAW_FAILED. reason: a word on it. */
void hp_raw_ended(hp_raw *raw, hp_time now, unsigned number, hp_raw_arrival_kind how, const char *reason,
                  uint32_t packet);
void hp_raw_icmp(hp_raw *raw, hp_time now, unsigned number, hp_icmp_kind kind, const hp_addr *from, const hp_addr *to,
                 uint32_t packet);

/* A message came by signalling. ufrag, password (of descriptions) and candidate (an address) may be NULL. They become
 * ${from.ufrag}, ${from.password}, ${from.candidate} and ${remote...}; the first candidate since a description
 * counts. */
void hp_raw_signal_input(hp_raw *raw, hp_time now, const char *from, hp_raw_signal_kind type, const char *ufrag,
                         const char *password, const hp_addr *candidate);

/* ---- looking at it ---- */

/* The main script has ended, well or not. */
bool hp_raw_is_done(const hp_raw *raw);
unsigned hp_raw_n_sockets(const hp_raw *raw);
/* The address socket `name` is bound to; NULL means main. False when it is not open. */
bool hp_raw_local(const hp_raw *raw, const char *name, hp_addr *ret);
const char *hp_raw_ufrag(const hp_raw *raw);
const char *hp_raw_password(const hp_raw *raw);
/* Fills in a template. NULL and HP_ERROR_INVALID naming a variable that has no value (yet). Caller frees. */
char *hp_raw_expand(hp_raw *raw, const char *text, GError **error);
/* The value of a variable that was kept, or NULL. */
const char *hp_raw_variable(const hp_raw *raw, const char *name);
/* What a template says an address is: "1.2.3.4:5", or a name. False with error. */
bool hp_raw_address(hp_raw *raw, const char *text, hp_raw_transport transport, hp_addr *ret, GError **error);

#endif
