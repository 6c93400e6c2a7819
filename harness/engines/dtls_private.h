/* Private to engines/dtls*.c: the endpoint's insides. */
#ifndef HP_ENGINES_DTLS_PRIVATE_H
#define HP_ENGINES_DTLS_PRIVATE_H

#include <openssl/ssl.h>

#include "engines/dtls.h"

struct hp_dtls_identity {
    SSL_CTX *context; /* holds certificate and key, and the callbacks below */
    hp_dtls_fingerprint fingerprint;
};

struct hp_dtls {
    hp_dtls_config config; /* with the defaults filled in */
    hp_dtls_ops ops;
    void *user;
    hp_rng rng;
    SSL *ssl;
    hp_dtls_state state;
    hp_time now; /* of the call under way */
    hp_time deadline;
    hp_time retransmit_after; /* what the timer was last started with */
    unsigned n_timeouts; /* in a row */
    uint8_t cookie[20];
    hp_dtls_fingerprint expected[HP_DTLS_MAX_FINGERPRINTS];
    size_t n_expected;
    hp_dtls_failure failure; /* why a callback refused the peer */
    const char *alert_received; /* the name of a fatal one; a literal of OpenSSL's */
    hp_dtls_keys keys;
    bool has_keys;
    hp_rng *outer_rng; /* what the thread drew from before the call under way */
    GByteArray *arrived; /* records of the datagram that OpenSSL has not read yet */
    GQueue events, datagrams; /* of hp_dtls_pending: waiting for the call's end */
    bool flushing;
};

/* ---- dtls_context.c: what OpenSSL calls ---- */

/* NULL when libssl refuses the certificate. Draws from the thread's stream. */
SSL_CTX *hp_dtls_context_new(X509 *certificate, EVP_PKEY *key);
/* An SSL of dtls's own, with BIO and timer tied to it. */
SSL *hp_dtls_context_open(const hp_dtls_identity *identity, hp_dtls *dtls);
/* Tells OpenSSL the largest datagram; while the handshake runs, somewhat less. */
void hp_dtls_context_set_mtu(hp_dtls *dtls);
/* Whether the certificate is one of the expected. Without an expectation: true. */
bool hp_dtls_certificate_expected(const hp_dtls *dtls, const X509 *certificate);
hp_dtls_fingerprint hp_dtls_certificate_fingerprint(const X509 *certificate, hp_dtls_hash hash);

/* ---- dtls_records.c ---- */

/* Appends the records of a datagram that are worth OpenSSL's while to `ret`. Returns a literal that says why the rest
 * is not, with its length in *ret_dropped, or NULL when all are. */
const char *hp_dtls_records_accept(const uint8_t *data, size_t len, GByteArray *ret, size_t *ret_dropped);

/* ---- dtls_output.c: what goes out once OpenSSL is left ---- */

/* Takes copies of all that event points to. */
void hp_dtls_tell(hp_dtls *dtls, const hp_dtls_event *event);
void hp_dtls_queue_datagram(hp_dtls *dtls, const uint8_t *data, size_t len);
/* Hands everything over. Calls that come in meanwhile add to what is handed over, in order. */
void hp_dtls_flush(hp_dtls *dtls);
void hp_dtls_clear_output(hp_dtls *dtls);

#endif
