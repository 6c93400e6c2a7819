/* The built-in STUN and TURN servers: what they offer, and the faults a scenario asks them for. */
#ifndef HP_CONFIG_SERVER_H
#define HP_CONFIG_SERVER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/time.h"

typedef enum hp_server_kind {
    HP_SERVER_STUN,
    HP_SERVER_TURN,
    HP_SERVER_DNS, /* of config/dns.h; nothing below is about it */
    HP_SERVER_WEB, /* HTTP; of what is below it has the port alone */
    HP_SERVER_OTHER, /* a program of the user's that is neither STUN nor TURN server; it has the port alone */
} hp_server_kind;

typedef struct hp_turn_user {
    char *name, *password;
    hp_time expires; /* run time after which the credentials are refused; 0 = never */
} hp_turn_user;

/* A scripted fault. It applies to requests of `method` (0 = any) number nth_first..nth_last as the server counts
 * them (1-based; last 0 = open end), between `from` and `until` (run time; until 0 = open). */
typedef enum hp_fault_kind {
    HP_FAULT_SILENCE, /* no answer */
    HP_FAULT_DELAY, /* the answer waits delay_ns */
    HP_FAULT_ERROR, /* error `code` */
    HP_FAULT_OTHER_ADDRESS, /* the answer leaves from the server's other address (RFC 5780 pair), or another port */
    HP_FAULT_WRONG_ID, /* the answer carries another transaction id */
    HP_FAULT_BAD_INTEGRITY, /* the answer's MESSAGE-INTEGRITY is wrong */
    HP_FAULT_WRONG_MAPPED, /* the mapped address is wrong (port + 1) */
    HP_FAULT_FORGET, /* allocation state is lost before this request is looked at */
} hp_fault_kind;

typedef struct hp_server_fault {
    hp_fault_kind kind;
    uint16_t method; /* hp_stun_method; 0 = any */
    uint64_t nth_first, nth_last; /* 0, 0: all */
    hp_time from, until;
    hp_time delay_ns;
    unsigned code;
} hp_server_fault;

/* What clients reach a server over (RFC 8656 section 3.1), as a set. */
enum { HP_SERVER_UDP = 1 << 0, HP_SERVER_TCP = 1 << 1, HP_SERVER_TLS = 1 << 2, HP_SERVER_DTLS = 1 << 3 };
/* What a TURN server relays, as a set: UDP (RFC 8656), TCP (RFC 6062). */
enum { HP_RELAY_UDP = 1 << 0, HP_RELAY_TCP = 1 << 1 };
/* Versions of TLS, as on the wire. */
typedef enum hp_tls_version { HP_TLS_ANY = 0, HP_TLS_1_2 = 0x0303, HP_TLS_1_3 = 0x0304 } hp_tls_version;

typedef struct hp_server_config {
    hp_server_kind kind; /* a TURN server answers Binding too */
    uint8_t transports; /* HP_SERVER_*; 0: UDP alone */
    uint16_t port; /* of UDP and TCP; 0: 3478 */
    char *certificate, *private_key; /* PEM files; NULL: made by itself */
    uint64_t epoch_s; /* the real time, for the dates of one that is made; 0: HP_EPOCH_S */
    uint16_t tls_port; /* of TLS (TCP) and DTLS (UDP); 0: 5349 */
    hp_tls_version tls_min, tls_max; /* of TLS; HP_TLS_ANY: 1.2 and 1.3. DTLS is 1.2 always */
    bool no_alpn; /* TLS: "stun.turn" (RFC 7443) is not taken */
    hp_time stream_idle; /* a TCP or TLS connection without allocation that says nothing is closed; 0: 600 s */
    uint16_t alternate_port; /* RFC 5780; 0: 3479 */
    bool nat_discovery; /* RFC 5780: a second address and port, OTHER-ADDRESS, CHANGE-REQUEST, RESPONSE-PORT, PADDING */
    bool accept_rfc3489; /* requests without the cookie are answered with MAPPED-ADDRESS; default true */
    bool require_fingerprint; /* silence without FINGERPRINT; default false */
    bool software; /* SOFTWARE in answers; default true */
    /* STUN authentication (Binding); by default none */
    bool binding_auth;
    /* TURN */
    uint8_t relays; /* HP_RELAY_*; 0: UDP alone */
    hp_time connect_timeout; /* RFC 6062, of a connection to a peer; 0: 30 s, and by section 5.2 no less */
    hp_time bind_timeout; /* RFC 6062, from there to ConnectionBind; 0: 30 s */
    hp_turn_user *users;
    unsigned n_users;
    char *realm; /* NULL: "hairpin" */
    bool sha256; /* offers PASSWORD-ALGORITHMS with SHA-256 before MD5 (RFC 8489 section 9.2) */
    bool userhash; /* username anonymity bit (RFC 8489 section 9.2) */
    hp_time nonce_lifetime; /* 0: 1 h */
    hp_time lifetime; /* default allocation lifetime; 0: 600 s */
    hp_time max_lifetime; /* 0: 3600 s */
    hp_time permission_lifetime; /* 0: 300 s, as RFC 8656 section 9 fixes it; other values are for bug hunting */
    hp_time channel_lifetime; /* 0: 600 s */
    uint16_t relay_port_first, relay_port_last; /* 0, 0: 49152-65535 */
    uint32_t user_quota; /* allocations per user name; 0 = no limit (error 486) */
    uint32_t capacity; /* allocations in all; 0 = no limit (error 508) */
    hp_addr relay_ipv4, relay_ipv6; /* where relayed addresses lie; family none: on the first address of the family */
    bool relays_apart; /* nothing listens at those two */
    bool wide_channels; /* numbers up to 0x7fff (RFC 5766), not 0x4fff (RFC 8656) */
    bool dont_fragment; /* DONT-FRAGMENT understood; default true, else 420 */
    bool allow_private_peers; /* RFC 1918 and friends as peers; default true: scenarios are full of them */
    bool allow_loopback_peers; /* default false: error 403 */
    hp_prefix *denied_peers; /* 403 */
    unsigned n_denied_peers;
    char *redirect; /* name of another server: 300 with ALTERNATE-SERVER */
    hp_addr redirect_addr; /* resolved by the plan */
    hp_server_fault *faults;
    unsigned n_faults;
} hp_server_config;

#endif
