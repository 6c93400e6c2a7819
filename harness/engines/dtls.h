/* A DTLS-SRTP endpoint, sans-IO (RFC 5764, DTLS 1.2 as in RFC 6347; WebRTC's use of it, RFC 8827 section 6.5).
 *
 * Datagrams are handed in with the present time; datagrams, events and the next deadline come out. It owns no socket,
 * clock or loop. All its bytes depend on the stream it was given, its certificate, the datagrams and the times.
 *
 * OpenSSL reads the clock (gettimeofday) to see whether its retransmission timer has expired: where time is virtual,
 * the driver makes that call show it between ops->enter and ops->leave. No time reaches a datagram.
 *
 * The process's OpenSSL random method is replaced at first use (engines/openssl_random.c); outside these calls it
 * behaves as before. */
#ifndef HP_ENGINES_DTLS_H
#define HP_ENGINES_DTLS_H

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/rng.h"
#include "base/time.h"
#include "engines/dtls_fingerprint.h"
#include "engines/dtls_setup.h"

/* SRTP protection profiles by their registered numbers (RFC 5764 section 4.1.2, RFC 7714 section 14.2). */
typedef enum hp_dtls_profile {
    HP_DTLS_PROFILE_NONE = 0,
    HP_DTLS_PROFILE_AES128_CM_SHA1_80 = 0x0001,
    HP_DTLS_PROFILE_AEAD_AES_128_GCM = 0x0007,
    HP_DTLS_PROFILE_AEAD_AES_256_GCM = 0x0008,
} hp_dtls_profile;

enum { HP_DTLS_N_PROFILES = 3, HP_DTLS_MAX_KEY_BLOCK = 2 * (32 + 12) };

/* As hp_srtp_profile_name() has it; "none". */
const char *hp_dtls_profile_name(hp_dtls_profile profile);
/* Bytes of a master key and of a master salt; 0 and 0 for none. */
void hp_dtls_profile_lengths(hp_dtls_profile profile, size_t *ret_key, size_t *ret_salt);

/* Makes OpenSSL load and set up what it does once in a process (about 2 ms of CPU). Called before forking, it saves
 * every child that; never needed otherwise. */
void hp_dtls_warm_up(void);

/* ---- a certificate and its key ---- */

/* May serve any number of endpoints, and may be freed before them. */
typedef struct hp_dtls_identity hp_dtls_identity;

/* A P-256 key and a self-signed certificate for common_name (1 to 64 bytes), valid from a day before HP_EPOCH_S to 30
 * days after it. rng is copied: same stream and name, same certificate. */
hp_dtls_identity *hp_dtls_identity_new(const hp_rng *rng, const char *common_name, GError **error);
/* The same with dates around now_s, seconds since 1970, for those who look at a real clock. */
hp_dtls_identity *hp_dtls_identity_new_at(const hp_rng *rng, const char *common_name, uint64_t now_s, GError **error);
/* From PEM files; the certificate's may hold its chain behind it. HP_ERROR_IO naming the file that cannot be read,
 * HP_ERROR_INVALID where the two do not make a pair that our cipher suites can use. */
hp_dtls_identity *hp_dtls_identity_load(const char *certificate_file, const char *key_file, GError **error);
void hp_dtls_identity_free(hp_dtls_identity *identity);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(hp_dtls_identity, hp_dtls_identity_free)
/* With SHA-256, as an SDP carries it. */
const hp_dtls_fingerprint *hp_dtls_identity_fingerprint(const hp_dtls_identity *identity);

/* ---- the endpoint ---- */

/* The largest datagram (the UDP payload, not the IP packet). */
enum { HP_DTLS_MIN_MTU = 256, HP_DTLS_DEFAULT_MTU = 1200, HP_DTLS_MAX_MTU = 16384 };
/* Fingerprints of the peer that are looked at. */
enum { HP_DTLS_MAX_FINGERPRINTS = 8 };
/* A handshake is given up when its retransmission timer has expired once more than this. */
enum { HP_DTLS_MAX_TIMEOUTS = 12 };

typedef struct hp_dtls_config {
    hp_dtls_role role;
    /* In order of preference; the passive side's order decides. None: use_srtp is neither offered nor taken, and no
     * keys come out (an association for data channels alone). */
    hp_dtls_profile profiles[HP_DTLS_N_PROFILES];
    unsigned n_profiles;
    unsigned mtu; /* 0: HP_DTLS_DEFAULT_MTU */
    bool cookie; /* the passive side asks for the ClientHello again with a cookie (HelloVerifyRequest) */
    bool
        any_peer; /* asks for no certificate and takes whoever comes: connected once the handshake is done. For a server
                      whose clients show who they are later (RFC 7350) */
    hp_time retransmit_initial; /* 0: 1 s; a millisecond at least */
    hp_time retransmit_max; /* what doubling ends at; 0: 60 s; an hour at most */
} hp_dtls_config;

typedef enum hp_dtls_state {
    HP_DTLS_NEW, /* start, free; what comes in is dropped */
    HP_DTLS_HANDSHAKING, /* input, run, set_mtu, close */
    HP_DTLS_UNVERIFIED, /* the handshake is done, but nobody has said yet whose certificate to expect. As above */
    HP_DTLS_CONNECTED, /* as above, and send */
    HP_DTLS_CLOSED, /* an end as it should be. Nothing is sent any more; what comes in is dropped */
    HP_DTLS_FAILED, /* likewise */
} hp_dtls_state;
const char *hp_dtls_state_name(hp_dtls_state state); /* "handshaking" */

typedef enum hp_dtls_failure {
    HP_DTLS_FAIL_NONE,
    HP_DTLS_FAIL_FINGERPRINT, /* the peer's certificate is not the signalled one */
    HP_DTLS_FAIL_PROFILE, /* no SRTP protection profile in common */
    HP_DTLS_FAIL_TIMEOUT, /* nobody answered for too long */
    HP_DTLS_FAIL_ALERT, /* the peer sent a fatal alert, or closed before the handshake was done */
    HP_DTLS_FAIL_PROTOCOL, /* what the peer sent makes no sense; `detail` says what OpenSSL thinks of it */
} hp_dtls_failure;
const char *hp_dtls_failure_name(hp_dtls_failure failure); /* "fingerprint" */

/* Keying material, the same on both sides: client key, server key, client salt, server salt (RFC 5764 section 4.2). */
typedef struct hp_dtls_keys {
    hp_dtls_profile profile;
    size_t length; /* 2 * (key + salt); 0 with profile none */
    uint8_t block[HP_DTLS_MAX_KEY_BLOCK];
} hp_dtls_keys;

typedef enum hp_dtls_event_kind {
    HP_DTLS_EV_HANDSHAKE, /* done: profile, detail (the cipher suite), fingerprint (the peer's, SHA-256) */
    HP_DTLS_EV_CONNECTED, /* done, and the peer is who it should be: keys */
    HP_DTLS_EV_DATA, /* data: application data, never before CONNECTED */
    HP_DTLS_EV_TIMEOUT, /* the retransmission timer expired, for the `number`th time in a row */
    HP_DTLS_EV_ALERT_SENT, /* fatal, number (the description), detail (its name) */
    HP_DTLS_EV_ALERT_RECEIVED, /* the same */
    HP_DTLS_EV_FAILED, /* failure, detail */
    HP_DTLS_EV_CLOSED, /* by_peer */
    HP_DTLS_EV_DROPPED, /* detail (why); number: how many bytes came in vain */
    HP_DTLS_EV_KEYLOG, /* detail: a line of the NSS key log format; with it a capture can be decrypted */
} hp_dtls_event_kind;
const char *hp_dtls_event_name(hp_dtls_event_kind kind); /* "handshake" */

/* Pointers are valid during the call. */
typedef struct hp_dtls_event {
    hp_dtls_event_kind kind;
    hp_dtls_failure failure;
    hp_dtls_profile profile;
    unsigned number;
    bool fatal, by_peer;
    const char *detail; /* never NULL */
    const hp_dtls_fingerprint *fingerprint;
    const hp_dtls_keys *keys;
    const uint8_t *data;
    size_t length;
} hp_dtls_event;

/* send and event are called last in an input, events before datagrams, and may call the endpoint again (so that a
 * driver may deliver synchronously), but not free it. enter and leave stand around every call into OpenSSL, come in
 * pairs, do not nest for one endpoint and must not call it. */
typedef struct hp_dtls_ops {
    void (*send)(void *user, hp_time now, const uint8_t *data, size_t len);
    void (*event)(void *user, hp_time now, const hp_dtls_event *event); /* may be NULL */
    void (*enter)(void *user); /* may be NULL, as may leave */
    void (*leave)(void *user);
} hp_dtls_ops;

typedef struct hp_dtls hp_dtls;

/* config, ops and rng are copied. HP_ERROR_INVALID where config makes no sense. Two endpoints must not share a stream:
 * name it after the endpoint. */
hp_dtls *hp_dtls_new(const hp_dtls_config *config, const hp_dtls_identity *identity, const hp_rng *rng,
                     const hp_dtls_ops *ops, void *user, GError **error);
/* Says nothing to the peer. */
void hp_dtls_free(hp_dtls *dtls);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(hp_dtls, hp_dtls_free)

/* What the signalling says of the peer's certificate. It has to match one fingerprint with the strongest hash among
 * them (RFC 8122 section 5). May be called before the handshake, during it and after it; until then no keys come out. A
 * certificate known to be wrong during the handshake ends it with the alert bad_certificate; afterwards DTLS has only
 * close_notify left to say. Does nothing once CONNECTED or over. n = 0 takes the expectation back. */
void hp_dtls_set_peer_fingerprints(hp_dtls *dtls, hp_time now, const hp_dtls_fingerprint *fingerprints, size_t n);
/* The active side sends its ClientHello, the passive one begins to listen. Does nothing but in state NEW. */
void hp_dtls_start(hp_dtls *dtls, hp_time now);
void hp_dtls_input(hp_dtls *dtls, hp_time now, const uint8_t *data, size_t len);
/* When run() is wanted next; HP_NEVER: not at all. */
hp_time hp_dtls_deadline(const hp_dtls *dtls);
/* Does what is due: retransmits a flight, or gives up. */
void hp_dtls_run(hp_dtls *dtls, hp_time now);
/* Application data (what a data channel's SCTP sends), in one datagram. HP_ERROR_INVALID unless CONNECTED,
 * HP_ERROR_LIMIT beyond hp_dtls_data_mtu(). */
bool hp_dtls_send(hp_dtls *dtls, hp_time now, const uint8_t *data, size_t len, GError **error);
/* Says close_notify where there is an association to close. */
void hp_dtls_close(hp_dtls *dtls, hp_time now);
/* The path changed. HP_ERROR_INVALID out of bounds. What has been sent already is not sent again. */
bool hp_dtls_set_mtu(hp_dtls *dtls, unsigned mtu, GError **error);

hp_dtls_state hp_dtls_get_state(const hp_dtls *dtls);
hp_dtls_role hp_dtls_get_role(const hp_dtls *dtls);
/* NULL unless CONNECTED or CLOSED after that. */
const hp_dtls_keys *hp_dtls_get_keys(const hp_dtls *dtls);
/* The most that send() takes; 0 unless CONNECTED. */
size_t hp_dtls_data_mtu(const hp_dtls *dtls);

#endif
