/* What a raw peer is told: its sockets, what it says by itself, and its script (engines/raw.h carries it out).
 *
 * A text that may hold variables, "${relay}", is a template: it is filled in when its action is carried out. All
 * strings and arrays belong to whoever made the structs and outlive the engine. */
#ifndef HP_CONFIG_RAW_H
#define HP_CONFIG_RAW_H

#include <stdbool.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/compare.h"
#include "base/diag.h"
#include "base/time.h"
#include "config/server.h"
#include "wire/match.h"
#include "wire/packet.h"

/* ---- what is said ---- */

/* Which key MESSAGE-INTEGRITY is made with. */
typedef enum hp_raw_key_kind {
    HP_RAW_KEY_AUTO, /* long-term when user and realm are known, from here or from the message; else short-term */
    HP_RAW_KEY_SHORT,
    HP_RAW_KEY_MD5, /* long-term */
    HP_RAW_KEY_SHA256, /* long-term */
} hp_raw_key_kind;

/* One attribute, to be sent or to be found. */
typedef struct hp_raw_attribute {
    char *name; /* as written: "USERNAME", "0x8022" */
    hp_mark mark;
    uint16_t type; /* what that means */
    char *value; /* template; as wire/stun_value.h reads it. Expected: "present", "absent", "right", a comparison too */
    char *hex, *text; /* templates; in place of value */
    char *differs; /* template, expected: any other value than this */
    bool has_length, has_padding, no_padding;
    uint16_t length; /* what the length field says */
    uint8_t padding; /* what the padding is filled with */
    /* of MESSAGE-INTEGRITY and MESSAGE-INTEGRITY-SHA256 */
    char *user, *realm, *password, *key; /* templates; key in hex, instead of the others */
    hp_raw_key_kind key_kind;
    uint16_t truncate; /* bytes that are left of the value; 0: all */
    bool wrong; /* the right value with its last bit turned over; also of FINGERPRINT */
} hp_raw_attribute;

typedef struct hp_raw_stun {
    char *method; /* template: a name or a number; default Binding */
    bool has_class;
    hp_stun_class cls; /* default request; of an answer success */
    char *id; /* template: 24 hex digits; default: random, of an answer the request's */
    char *cookie; /* template: 8 hex digits */
    bool has_type, has_length;
    uint16_t type, length; /* instead of what class and method, and the contents, make of it */
    hp_raw_attribute *attributes; /* in order */
    unsigned n_attributes;
    char *user, *password; /* templates: USERNAME, REALM, NONCE of the last challenge and MESSAGE-INTEGRITY follow */
} hp_raw_stun;

typedef enum hp_raw_role { HP_RAW_CONTROLLING, HP_RAW_CONTROLLED } hp_raw_role;

/* A connectivity check as RFC 8445 section 7.1 has it, but for what is said. */
typedef struct hp_raw_check {
    char *username, *password; /* templates; default: by what the other side signalled last */
    bool use_candidate, has_role, no_fingerprint;
    hp_raw_role role; /* default: the peer's */
    char *tie_breaker; /* template: a number of 64 bits; likewise */
    uint32_t priority;
    char *id; /* as above */
    hp_raw_attribute *attributes; /* before the integrity */
    unsigned n_attributes;
} hp_raw_check;

typedef struct hp_raw_channel_data {
    char *channel; /* template: a number */
    char *bytes, *text; /* templates */
    bool has_length;
    uint16_t length;
} hp_raw_channel_data;

/* A ClientHello of DTLS 1.2. */
typedef struct hp_raw_client_hello {
    uint16_t version;
    char *random, *session, *cookie, *ciphers, *extensions; /* templates, hex; extensions without their total length */
} hp_raw_client_hello;

/* DTLS records (RFC 6347 section 4.1), in the clear. */
typedef struct hp_raw_dtls {
    uint8_t type; /* of the record */
    uint16_t version, epoch;
    bool has_sequence;
    uint64_t sequence; /* of the first record; default: one more than the last */
    bool has_hello, has_handshake;
    hp_raw_client_hello hello;
    uint8_t handshake; /* a raw message's type */
    uint16_t message; /* its sequence number */
    char *body; /* template, hex: of that message, or of the record */
    uint32_t fragment; /* bytes of a handshake message a record, each in a datagram of its own; 0: whole */
    bool together; /* all of them in one datagram */
    bool reversed; /* the last fragment first */
} hp_raw_dtls;

typedef struct hp_raw_rtp {
    uint8_t payload_type;
    bool marker, has_sequence;
    uint16_t sequence; /* default: one more than the last */
    uint32_t timestamp, ssrc, size; /* size of the payload, which is random */
    char *payload; /* template, hex; in place of size */
} hp_raw_rtp;

typedef enum hp_raw_content {
    HP_RAW_NOTHING,
    HP_RAW_STUN,
    HP_RAW_CHECK,
    HP_RAW_CHANNEL_DATA,
    HP_RAW_BYTES,
    HP_RAW_TEXT,
    HP_RAW_RANDOM,
    HP_RAW_DTLS,
    HP_RAW_RTP,
    HP_RAW_AGAIN,
} hp_raw_content;

typedef struct hp_raw_message {
    hp_raw_content content;
    hp_raw_stun stun;
    hp_raw_check check;
    hp_raw_channel_data channel_data;
    char *bytes, *text; /* templates; bytes in hex */
    uint32_t random;
    hp_raw_dtls dtls;
    hp_raw_rtp rtp;
    char *again; /* a message that was sent `as` that name, byte for byte */
    /* wrapped: in a Send indication to that peer, or ChannelData */
    char *through_peer, *through_channel; /* templates */
    bool has_through_length;
    uint16_t through_length; /* what ChannelData, or the DATA attribute, says its length is */
} hp_raw_message;

/* ---- sockets ---- */

typedef enum hp_raw_transport { HP_RAW_OVER_UDP, HP_RAW_OVER_TCP, HP_RAW_OVER_TLS, HP_RAW_OVER_DTLS } hp_raw_transport;
/* What a byte stream is cut into. */
typedef enum hp_raw_framing {
    HP_RAW_FRAMING_STUN, /* STUN and ChannelData messages; ChannelData is padded when sent */
    HP_RAW_FRAMING_LENGTH, /* two bytes of length before each (RFC 4571) */
    HP_RAW_FRAMING_NONE, /* as it comes */
} hp_raw_framing;

/* How a TLS or DTLS handshake is to go. */
typedef struct hp_raw_secure {
    bool passive; /* the server's side */
    char *alpn, *server_name; /* NULL: none */
    hp_tls_version min, max; /* of TLS */
    uint32_t mtu; /* of DTLS; 0: the engine's own */
    bool srtp; /* of DTLS: offers or takes SRTP's profiles */
    bool plain; /* of DTLS: what is sent and received beside it stays in the clear */
} hp_raw_secure;

typedef struct hp_raw_socket {
    char *name;
    hp_mark mark;
    hp_raw_transport transport;
    uint16_t port; /* 0: any */
    char *interface; /* NULL: the first */
    bool ipv6; /* of a UDP socket, or one that listens */
    char *to; /* template: whom TCP and TLS connect to, DTLS shakes hands with */
    bool listens; /* TCP: one connection at a time is taken */
    bool later; /* opened by an action, not at the script's beginning */
    hp_raw_framing framing;
    hp_raw_secure secure; /* of TLS and DTLS */
} hp_raw_socket;

/* ---- actions ---- */

typedef struct hp_raw_retransmit {
    bool on;
    hp_time rto;
    uint32_t rc; /* how often it is sent in all */
} hp_raw_retransmit;

typedef struct hp_raw_send {
    char *to,
        *socket; /* template; a socket's name. to NULL: where the last message came from, or the connection leads */
    hp_raw_message message;
    uint8_t ttl, tos;
    bool dont_fragment;
    uint32_t times;
    hp_time every;
    hp_raw_retransmit retransmit;
    uint32_t *segments; /* of TCP: how many bytes each write has; what is left is one more */
    unsigned n_segments;
    hp_time gap; /* between two of them */
    char *as; /* keeps its bytes, and its transaction id as ${as.id} */
} hp_raw_send;

/* What can come. */
typedef enum hp_raw_arrival_kind {
    HP_RAW_MESSAGE,
    HP_RAW_CONNECTED, /* a TCP connection is there */
    HP_RAW_SECURED, /* TLS or DTLS is */
    HP_RAW_CLOSED, /* the other side has closed in order */
    HP_RAW_RESET,
    HP_RAW_FAILED, /* it never came about: a time-out, a handshake that failed */
    HP_RAW_ICMP,
} hp_raw_arrival_kind;

/* Which of what comes is meant; and what is to be true of it. */
typedef struct hp_raw_filter {
    hp_raw_arrival_kind is;
    char *socket, *from; /* a name; a template. NULL: any */
    hp_match match;
    bool has_match;
    hp_icmp_kind icmp; /* HP_ICMP_NONE: any */
    bool inside; /* what a Data indication or ChannelData carries is looked at, and kept */
    bool has_stun, has_class;
    hp_stun_class cls;
    char *method; /* a name or a number; NULL: any */
    uint32_t code; /* 0: any */
    hp_raw_attribute *attributes;
    unsigned n_attributes;
    char *answers; /* the name of a message that was sent: the same transaction id */
    char *bytes, *text; /* templates: exactly these */
    hp_compare size;
    bool has_dtls_type, has_dtls_handshake;
    uint8_t dtls_type, dtls_handshake; /* of its first record */
} hp_raw_filter;

typedef struct hp_raw_receive {
    hp_raw_filter filter;
    hp_time within; /* of nothing: for how long */
    uint32_t count; /* as many of them */
    bool fresh; /* only what comes from now on */
    char **keep, **keep_from; /* variables and what goes into them: an attribute's name, or "from", "id", ... */
    unsigned n_keep;
    char *as; /* ${as.from}, ${as.id}, ${as.bytes} */
} hp_raw_receive;

typedef enum hp_raw_candidate_type { HP_RAW_HOST, HP_RAW_SRFLX, HP_RAW_PRFLX, HP_RAW_RELAY } hp_raw_candidate_type;
typedef struct hp_raw_candidate {
    char *line; /* template: the whole line, instead of all else */
    hp_raw_candidate_type type;
    char *socket, *address; /* a name; a template. Default: that socket's, of main */
    char *foundation, *transport, *tcptype;
    uint32_t component;
    bool has_priority;
    uint32_t priority; /* default: by RFC 8445 section 5.1.2.1 */
} hp_raw_candidate;

typedef struct hp_raw_description {
    char *sdp; /* template: all of it, instead of what follows */
    char *ufrag, *password; /* templates; default: the peer's own */
    hp_raw_candidate *candidates;
    unsigned n_candidates;
    bool lite, trickle, more; /* ice-lite; ice-options:trickle; no end-of-candidates */
    char *setup, *fingerprint; /* templates */
    char **lines; /* templates: further ones of the m-section; NULL-terminated, or NULL */
} hp_raw_description;

typedef enum hp_raw_signal_kind {
    HP_RAW_OFFER,
    HP_RAW_ANSWER,
    HP_RAW_SIGNAL_CANDIDATE,
    HP_RAW_SIGNAL_END,
    HP_RAW_JSON,
} hp_raw_signal_kind;

typedef struct hp_raw_signal {
    hp_raw_signal_kind kind;
    char *to; /* a peer; NULL: whoever signalled last, else nobody in particular */
    hp_raw_description description;
    hp_raw_candidate candidate;
    char *ufrag; /* template, of a candidate: default the peer's own */
    char *json; /* template */
} hp_raw_signal;

typedef struct hp_raw_receive_signal {
    bool has_type;
    hp_raw_signal_kind type; /* offer, answer, candidate, end */
    char *from; /* a peer; NULL: any */
    hp_time within;
} hp_raw_receive_signal;

typedef struct hp_raw_start_secure {
    char *socket, *to; /* a name; a template, of DTLS */
    hp_raw_secure secure;
} hp_raw_start_secure;

typedef enum hp_raw_action_kind {
    HP_RAW_SEND,
    HP_RAW_RECEIVE,
    HP_RAW_RECEIVE_NOTHING,
    HP_RAW_WAIT,
    HP_RAW_WAIT_UNTIL,
    HP_RAW_OPEN,
    HP_RAW_CLOSE,
    HP_RAW_ABORT,
    HP_RAW_SECURE,
    HP_RAW_SIGNAL,
    HP_RAW_RECEIVE_SIGNAL,
    HP_RAW_DO,
    HP_RAW_START,
    HP_RAW_SET,
    HP_RAW_ACTION_N
} hp_raw_action_kind;

typedef struct hp_raw_action {
    hp_raw_action_kind kind;
    hp_mark mark;
    char *text; /* as written, on one line */
    union {
        hp_raw_send send;
        hp_raw_receive receive; /* and nothing */
        hp_time wait; /* and wait-until */
        char *socket; /* open, close, reset */
        hp_raw_start_secure secure;
        hp_raw_signal signal;
        hp_raw_receive_signal receive_signal;
        struct {
            char *script;
            uint32_t times;
        } run; /* do, start */
        struct {
            char **keys, **values; /* variables and templates */
            unsigned n;
        } set;
    };
} hp_raw_action;

typedef struct hp_raw_script {
    char *name;
    hp_mark mark;
    hp_raw_action *actions;
    unsigned n_actions;
} hp_raw_script;

/* ---- reactions ---- */

typedef enum hp_raw_answer_kind {
    HP_RAW_ANSWER_MESSAGE,
    HP_RAW_ANSWER_CHECKS, /* connectivity checks with the right credentials get a success */
    HP_RAW_ANSWER_SILENCE, /* it is taken, and nothing said */
} hp_raw_answer_kind;

typedef struct hp_raw_answer {
    hp_raw_answer_kind kind;
    hp_mark mark;
    char *socket; /* NULL: any */
    hp_match match;
    bool has_match;
    uint64_t nth_first, nth_last; /* of those that match; 0, 0: all; last 0: open */
    hp_time delay;
    hp_raw_message message;
} hp_raw_answer;

/* ---- the peer ---- */

typedef struct hp_raw_config {
    hp_raw_socket *sockets; /* "main", a UDP socket, is there by itself */
    unsigned n_sockets;
    hp_raw_answer *answers; /* the first that matches reacts */
    unsigned n_answers;
    hp_raw_script script; /* the main one; name "script" */
    hp_raw_script *scripts; /* further ones, for do and start */
    unsigned n_scripts;
    hp_time start; /* when the script begins */
    char *start_step; /* when that step does; NULL: at `start` */
    char *ufrag, *password; /* NULL: random */
    hp_raw_role role;
    char *tie_breaker; /* a number of 64 bits, as ICE-CONTROLLING is written; NULL: random */
    char **texts; /* every template, NULL-terminated: for whoever asks which names are spoken of */
} hp_raw_config;

#endif
