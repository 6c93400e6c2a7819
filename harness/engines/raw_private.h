/* The raw agent's insides. Private to engines/raw*.c. */
#ifndef HP_ENGINES_RAW_PRIVATE_H
#define HP_ENGINES_RAW_PRIVATE_H

#include "engines/raw.h"
#include "engines/stun_stream.h"
#include "engines/tls.h"
#include "wire/stun_value.h"

/* What bounds a script that has gone astray: actions at one instant, messages that nobody has taken, scripts at once,
 * nested ones, bytes that wait for a connection, a text with its variables. */
enum {
    HP_RAW_MAX_ACTIONS = 100000,
    HP_RAW_MAX_INBOX = 10000,
    HP_RAW_MAX_THREADS = 1000,
    HP_RAW_MAX_DEPTH = 32,
    HP_RAW_MAX_BUFFER = 16 << 20,
    HP_RAW_MAX_MESSAGE = 65535,
    HP_RAW_MAX_TEXT = 1 << 20
};

typedef enum hp_raw_socket_state {
    HP_RAW_SOCKET_CLOSED, /* open */
    HP_RAW_SOCKET_OPENING, /* TCP or TLS is being connected, or waited for; close. Sending waits */
    HP_RAW_SOCKET_OPEN, /* send, secure, close */
    HP_RAW_SOCKET_ENDED, /* the other side has ended it: close; what came can still be received */
} hp_raw_socket_state;

typedef struct hp_raw_endpoint { /* one socket */
    hp_raw *raw;
    unsigned number;
    const hp_raw_socket *config;
    hp_raw_socket_state state;
    hp_addr local, remote; /* remote: of a connection, or DTLS's peer */
    hp_stun_stream stream; /* HP_RAW_FRAMING_STUN */
    GByteArray *input; /* HP_RAW_FRAMING_LENGTH: what is not a whole message yet */
    GByteArray *output; /* what the connection did not take yet */
    bool handshaking;
    bool plain; /* DTLS, and what is beside it is in the clear */
    hp_tls_context *tls_context;
    hp_tls *tls;
    hp_dtls *dtls;
    uint32_t packet; /* that what is being told came in, or last went out with */
    uint64_t dtls_sequence; /* of the next record in the clear */
    uint16_t rtp_sequence;
} hp_raw_endpoint;

typedef struct hp_raw_arrival {
    hp_raw_arrival_kind kind;
    uint64_t number; /* in order of arrival, from 1 */
    hp_raw_endpoint *at;
    hp_addr from, to;
    hp_icmp_kind icmp;
    uint8_t *data; /* of a message; owned */
    size_t length;
    char *detail; /* owned; of an end */
    uint8_t ttl, tos;
    uint32_t packet;
    bool answered;
} hp_raw_arrival;

typedef struct hp_raw_signal_arrival {
    char *from;
    hp_raw_signal_kind type;
    uint64_t number;
} hp_raw_signal_arrival;

/* A request that is sent until it is answered (RFC 8489 section 6.2.1). */
typedef struct hp_raw_transaction {
    hp_raw_endpoint *at;
    hp_addr to;
    GBytes *bytes;
    uint8_t id[12];
    const hp_raw_action *action;
    hp_time next, interval;
    uint32_t left;
} hp_raw_transaction;

/* An answer that waits for its time. */
typedef struct hp_raw_delayed {
    hp_raw_endpoint *at;
    hp_addr to;
    GBytes *bytes;
    hp_time due;
    unsigned line;
} hp_raw_delayed;

typedef enum hp_raw_thread_state {
    HP_RAW_READY, /* the next action may begin */
    HP_RAW_PAUSED, /* until `wake` */
    HP_RAW_RECEIVING, /* receive and nothing: until something fits, or `wake` */
    HP_RAW_LISTENING, /* receive-signal: likewise */
    HP_RAW_SENDING, /* more of a send is to come: at `wake`, or when the socket opens */
    HP_RAW_OVER,
} hp_raw_thread_state;

typedef struct hp_raw_frame {
    const hp_raw_script *script;
    unsigned next; /* action */
    uint32_t left; /* rounds after this one */
} hp_raw_frame;

typedef struct hp_raw_thread {
    hp_raw_thread_state state;
    bool main;
    hp_raw_frame frames[HP_RAW_MAX_DEPTH];
    unsigned depth;
    const hp_raw_action *action; /* under way */
    hp_time began, wake;
    uint64_t seen; /* RECEIVING, LISTENING: only what came after this number is looked at */
    uint32_t count; /* RECEIVING: found so far; SENDING: messages to come */
    GPtrArray *pieces; /* SENDING: of GBytes, still to go */
    hp_addr to;
    /* of what came nearest to a receive */
    int nearest_score;
    uint32_t nearest_packet;
    char *nearest, *why; /* owned */
} hp_raw_thread;

struct hp_raw {
    const hp_raw_config *config;
    const hp_raw_ops *ops;
    void *user;
    hp_rng rng;
    hp_time now;
    char ufrag[9], password[33];
    uint64_t tie_breaker;
    hp_raw_socket main; /* where config has none of that name */
    hp_raw_endpoint *sockets;
    unsigned n_sockets;
    GHashTable *variables; /* name to text; looked up, never walked */
    GHashTable *sent; /* name to GBytes */
    GPtrArray *threads; /* of hp_raw_thread */
    GQueue inbox; /* of hp_raw_arrival, oldest first */
    GQueue signals; /* of hp_raw_signal_arrival */
    GPtrArray *transactions, *delayed;
    uint64_t *answered; /* how often each answer's match held */
    uint64_t n_arrivals, n_signals;
    hp_dtls_identity *identity; /* made at the first handshake that needs one */
    GPtrArray *old_tls, *old_contexts, *old_dtls; /* replaced, and perhaps in the middle of an event */
    GQueue pending; /* of hp_raw_input (raw_input.c): they came in the middle of another */
    unsigned n_actions; /* at the present instant */
    hp_time actions_at;
    bool busy, done, finished;
    uint64_t generation; /* of handshakes, for their random streams */
};

/* ---- raw.c ---- */

hp_raw_endpoint *hp_raw_find_socket(hp_raw *raw, const char *name);
void hp_raw_tell(hp_raw *raw, const hp_raw_event *event);
/* Opens, with whatever handshake belongs to it. */
bool hp_raw_endpoint_open(hp_raw_endpoint *at, GError **error);
void hp_raw_endpoint_close(hp_raw_endpoint *at, bool reset);
static inline bool hp_raw_is_stream(const hp_raw_endpoint *at)
{
    return at->config->transport == HP_RAW_OVER_TCP || at->config->transport == HP_RAW_OVER_TLS;
}
/* The message as a stream carries it; of datagrams the same. */
GBytes *hp_raw_frame_bytes(const hp_raw_endpoint *at, GBytes *bytes);
/* What is framed already, or a piece of it, through whatever lies between (TLS, DTLS). options may be NULL. */
bool hp_raw_put(hp_raw_endpoint *at, const hp_addr *to, GBytes *bytes, const hp_raw_send *options, GError **error);
/* Tells that a message went out, with the packet that at->packet says. */
void hp_raw_tell_sent(hp_raw_endpoint *at, const hp_addr *to, GBytes *bytes, unsigned line, const char *action);
bool hp_raw_make_identity(hp_raw *raw, GError **error);
/* Around whatever goes into the agent. False: it is in the middle of something; the caller has to queue. */
bool hp_raw_enter(hp_raw *raw, hp_time now);
void hp_raw_leave(hp_raw *raw);

/* ---- raw_input.c ---- */

void hp_raw_drain(hp_raw *raw); /* handles the first pending input, if any */
/* The run is over: what is left in the inbox. */
void hp_raw_tell_unexpected(hp_raw *raw);
void hp_raw_clear_inputs(hp_raw *raw);

/* ---- raw_answer.c ---- */

/* True when a reaction took it. */
bool hp_raw_react(hp_raw *raw, const hp_raw_arrival *a);
/* Sends what was waiting for its time. */
void hp_raw_run_delayed(hp_raw *raw);
/* raw_input.c. Takes ownership of what is in it; answers it where it is to be answered. */
void hp_raw_arrive(hp_raw *raw, const hp_raw_arrival *arrival);
void hp_raw_arrival_free(gpointer arrival);
/* A whole message, in the clear. */
void hp_raw_message_arrive(hp_raw_endpoint *at, const hp_addr *from, const uint8_t *data, size_t len, uint8_t ttl,
                           uint8_t tos);
/* Bytes of a stream, in the clear: cut into messages. */
void hp_raw_stream_arrive(hp_raw_endpoint *at, const uint8_t *data, size_t len);
/* Bytes for the connection as they are. */
void hp_raw_write(hp_raw_endpoint *at, const uint8_t *data, size_t len);

/* ---- raw_variables.c ---- */

void hp_raw_set(hp_raw *raw, const char *name, const char *value);
void hp_raw_set_field(hp_raw *raw, const char *name, const char *field, const char *value);
/* The nonce and realm of a challenge, the sender of a message. */
void hp_raw_learn(hp_raw *raw, const hp_raw_arrival *arrival);
/* ${name.from}, ${name.id}, ${name.bytes} of an arrival. */
void hp_raw_name_arrival(hp_raw *raw, const char *name, const hp_raw_arrival *arrival);
/* Hex digits of a template, appended. NULL text: nothing. */
bool hp_raw_expand_hex(hp_raw *raw, const char *text, GByteArray *out, GError **error);

/* ---- raw_message.c ---- */

/* request: the message that is answered, or NULL. Appends to out. */
bool hp_raw_build(hp_raw_endpoint *at, const hp_raw_message *message, const hp_addr *to, const hp_raw_arrival *request,
                  GByteArray *out, GError **error);
/* Several messages, for DTLS fragments; else one. Of GBytes. */
GPtrArray *hp_raw_build_all(hp_raw_endpoint *at, const hp_raw_message *message, const hp_addr *to,
                            const hp_raw_arrival *request, GError **error);

/* ---- raw_stun.c ---- */

/* Both append to out. request: the message that is answered, or NULL. */
bool hp_raw_build_stun(hp_raw *raw, const hp_raw_stun *stun, const hp_raw_arrival *request, GByteArray *out,
                       GError **error);
bool hp_raw_build_check(hp_raw *raw, const hp_raw_check *check, GByteArray *out, GError **error);
/* The key of an integrity attribute, given the message it is in. False with error. */
bool hp_raw_key(hp_raw *raw, const hp_raw_attribute *attribute, const char *user, const char *realm, bool sha256,
                hp_stun_key *ret, GError **error);

/* ---- raw_records.c ---- */

/* Appends the datagrams (GBytes) to list. */
bool hp_raw_build_dtls(hp_raw_endpoint *at, const hp_raw_dtls *dtls, GPtrArray *list, GError **error);
bool hp_raw_build_rtp(hp_raw_endpoint *at, const hp_raw_rtp *rtp, GByteArray *out, GError **error);

/* ---- raw_filter.c ---- */

/* Whether it is what is meant. *ret_score: how many of the conditions held; *ret_why: the first that did not (caller
 * frees), or an error of the filter's own templates. */
bool hp_raw_filter_fits(hp_raw *raw, const hp_raw_filter *filter, const hp_raw_arrival *arrival, int *ret_score,
                        char **ret_why);
/* Whether a `match` holds for a message that came. */
bool hp_raw_matches(const hp_match *match, const hp_raw_arrival *arrival);
char *hp_raw_filter_describe(const hp_raw_filter *filter);
char *hp_raw_arrival_describe(const hp_raw_arrival *arrival);
/* What is wrapped in it, when inside; else all. */
void hp_raw_contents(const hp_raw_arrival *arrival, bool inside, const uint8_t **ret, size_t *ret_len);
/* The transaction id of a message that was sent: of one that goes through TURN its own, not the wrapper's. NULL when it
 * is too short to have any. */
const uint8_t *hp_raw_id_of(const uint8_t *data, size_t len);

/* ---- raw_keep.c ---- */

/* Keeps what a receive is to keep of it. */
bool hp_raw_keep(hp_raw *raw, const hp_raw_receive *receive, const hp_raw_arrival *arrival, GError **error);

/* ---- raw_secure.c ---- */

bool hp_raw_secure_start(hp_raw_endpoint *at, const hp_raw_secure *secure, const hp_addr *to, GError **error);
void hp_raw_secure_stop(hp_raw_endpoint *at);
/* Whether it belongs to DTLS, and has gone there. */
bool hp_raw_secure_datagram(hp_raw_endpoint *at, const hp_addr *from, const uint8_t *data, size_t len);
void hp_raw_secure_bytes(hp_raw_endpoint *at, const uint8_t *data, size_t len);
bool hp_raw_secure_send(hp_raw_endpoint *at, const uint8_t *data, size_t len, GError **error);
void hp_raw_secure_end(hp_raw_endpoint *at); /* the stream under TLS has */
void hp_raw_secure_close(hp_raw_endpoint *at); /* says close_notify */

/* ---- raw_send.c, raw_receive.c: actions that take time. True when the script got on ---- */

bool hp_raw_go_on_sending(hp_raw *raw, hp_raw_thread *t);
bool hp_raw_go_on_securing(hp_raw *raw, hp_raw_thread *t);
bool hp_raw_look_for_arrival(hp_raw *raw, hp_raw_thread *t);
bool hp_raw_look_for_nothing(hp_raw *raw, hp_raw_thread *t);
bool hp_raw_look_for_signal(hp_raw *raw, hp_raw_thread *t);

/* ---- raw_run.c ---- */

/* An action cannot be done, what it waited for did not come, or came. The first two end all scripts. */
void hp_raw_fail(hp_raw *raw, const hp_raw_action *action, const char *message);
/* One more action, or message, at this instant; false when these are too many, and the script has failed for it. */
bool hp_raw_spend(hp_raw *raw, const hp_raw_action *action, const char *too_many);
void hp_raw_miss(hp_raw *raw, hp_raw_thread *t, const char *expected);
void hp_raw_matched(hp_raw *raw, const hp_raw_thread *t, uint32_t packet);

bool hp_raw_begin_script(hp_raw *raw, const hp_raw_script *script, bool main);
/* Lets every script do what it can now. */
void hp_raw_step(hp_raw *raw);
void hp_raw_thread_free(gpointer thread);

#endif
