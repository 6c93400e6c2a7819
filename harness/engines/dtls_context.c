/* What is asked of OpenSSL for DTLS-SRTP, and what OpenSSL asks back.
 *
 * Everything that a machine's openssl.cnf could change is set here: versions, cipher suites, groups, signature
 * algorithms, security level, options. DTLS 1.2 alone (RFC 8827 section 6.5 asks for it; 1.3 is not in OpenSSL 3.0). No
 * sessions, tickets, renegotiation or compression: an association lives as long as its endpoint, and a new one is a new
 * endpoint. Nothing here asks for the time: OpenSSL's own check of certificates is replaced as a whole (a WebRTC
 * certificate is trusted for its fingerprint, never for its dates or its issuer), and no chain is built for our own.
 *
 * The three questions and their alerts:
 * - ClientHello without one of our SRTP profiles: handshake_failure (RFC 5764 section 4.1.1 leaves the choice). OpenSSL
 *   by itself would go on without SRTP.
 * - The same in a ServerHello, seen when the certificate comes: handshake_failure.
 * - A certificate that was not signalled: bad_certificate (RFC 8122 section 6.2). */
#include <string.h>

#include "engines/dtls_private.h"
#include "engines/openssl_bio.h"

/* The suites of RFC 8827 first. Ours is an ECDSA certificate; RSA is for peers that are not ours. */
#define CIPHERS                                                                                                        \
    "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-ECDSA-CHACHA20-POLY1305:"                       \
    "ECDHE-RSA-AES128-GCM-SHA256:ECDHE-RSA-AES256-GCM-SHA384:ECDHE-RSA-CHACHA20-POLY1305:"                             \
    "ECDHE-ECDSA-AES128-SHA:ECDHE-RSA-AES128-SHA"
#define GROUPS "P-256:X25519:P-384"
#define SIGNATURES "ECDSA+SHA256:RSA-PSS+SHA256:RSA+SHA256:ECDSA+SHA384:RSA-PSS+SHA384:RSA+SHA384"

enum { SECURITY_LEVEL = 1 };

static const struct {
    hp_dtls_profile profile;
    const char *openssl_name;
} profiles[HP_DTLS_N_PROFILES] = {
    {HP_DTLS_PROFILE_AES128_CM_SHA1_80, "SRTP_AES128_CM_SHA1_80"},
    {HP_DTLS_PROFILE_AEAD_AES_128_GCM, "SRTP_AEAD_AES_128_GCM"},
    {HP_DTLS_PROFILE_AEAD_AES_256_GCM, "SRTP_AEAD_AES_256_GCM"},
};

static hp_dtls *owner_of(const SSL *ssl)
{
    return SSL_get_app_data(ssl);
}

/* ---- the peer's certificate ---- */

hp_dtls_fingerprint hp_dtls_certificate_fingerprint(const X509 *certificate, hp_dtls_hash hash)
{
    uint8_t *der = NULL;
    int len = i2d_X509(certificate, &der);
    hp_dtls_fingerprint fingerprint = hp_dtls_fingerprint_of(hash, der, len > 0 ? (size_t)len : 0);
    OPENSSL_free(der);
    return fingerprint;
}

bool hp_dtls_certificate_expected(const hp_dtls *dtls, const X509 *certificate)
{
    hp_dtls_hash strongest = HP_DTLS_SHA1;
    for (size_t i = 0; i < dtls->n_expected; i++) {
        strongest = MAX(strongest, dtls->expected[i].hash);
    }
    hp_dtls_fingerprint actual = hp_dtls_certificate_fingerprint(certificate, strongest);
    for (size_t i = 0; i < dtls->n_expected; i++) {
        if (hp_dtls_fingerprint_equal(&actual, &dtls->expected[i])) {
            return true;
        }
    }
    return dtls->n_expected == 0;
}

static int on_certificate(X509_STORE_CTX *store, void *unused)
{
    SSL *ssl = X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx());
    hp_dtls *dtls = owner_of(ssl);
    if (dtls->config.role == HP_DTLS_ACTIVE && dtls->config.n_profiles > 0 && !SSL_get_selected_srtp_profile(ssl)) {
        dtls->failure = HP_DTLS_FAIL_PROFILE;
        X509_STORE_CTX_set_error(store, X509_V_ERR_APPLICATION_VERIFICATION); /* becomes handshake_failure */
        return 0;
    }
    if (!hp_dtls_certificate_expected(dtls, X509_STORE_CTX_get0_cert(store))) {
        dtls->failure = HP_DTLS_FAIL_FINGERPRINT;
        X509_STORE_CTX_set_error(store, X509_V_ERR_CERT_REJECTED); /* becomes bad_certificate */
        return 0;
    }
    X509_STORE_CTX_set_error(store, X509_V_OK);
    return 1;
}

/* ---- the peer's ClientHello ---- */

/* UseSRTPData: two bytes of length, the profiles by two bytes each, then the MKI. What is malformed beyond this is left
 * to OpenSSL. */
static bool offers_one_of_ours(const hp_dtls_config *config, const uint8_t *extension, size_t len)
{
    size_t listed = len >= 2 ? (size_t)extension[0] << 8 | extension[1] : 0;
    for (size_t at = 2; at + 2 <= len && at < 2 + listed; at += 2) {
        unsigned offered = (unsigned)extension[at] << 8 | extension[at + 1];
        for (unsigned i = 0; i < config->n_profiles; i++) {
            if (config->profiles[i] == offered) {
                return true;
            }
        }
    }
    return false;
}

static int on_client_hello(SSL *ssl, int *alert, void *unused)
{
    hp_dtls *dtls = owner_of(ssl);
    const unsigned char *extension = NULL;
    size_t len = 0;
    if (dtls->config.n_profiles == 0 || (SSL_client_hello_get0_ext(ssl, TLSEXT_TYPE_use_srtp, &extension, &len) == 1 &&
                                         offers_one_of_ours(&dtls->config, extension, len))) {
        return SSL_CLIENT_HELLO_SUCCESS;
    }
    dtls->failure = HP_DTLS_FAIL_PROFILE;
    *alert = SSL_AD_HANDSHAKE_FAILURE;
    return SSL_CLIENT_HELLO_ERROR;
}

/* A cookie proves that the client hears what is sent to its address. An endpoint talks to one address and keeps state
 * for it anyway, so that any unguessable string will do. */
static int on_cookie_wanted(SSL *ssl, unsigned char *cookie, unsigned *ret_len)
{
    const hp_dtls *dtls = owner_of(ssl);
    memcpy(cookie, dtls->cookie, sizeof dtls->cookie);
    *ret_len = sizeof dtls->cookie;
    return 1;
}

static int on_cookie(SSL *ssl, const unsigned char *cookie, unsigned len)
{
    const hp_dtls *dtls = owner_of(ssl);
    return len == sizeof dtls->cookie && memcmp(cookie, dtls->cookie, len) == 0;
}

/* ---- what is told ---- */

static void on_keylog(const SSL *ssl, const char *line)
{
    hp_dtls_tell(owner_of(ssl), &(hp_dtls_event){.kind = HP_DTLS_EV_KEYLOG, .detail = line});
}

static void on_info(const SSL *ssl, int where, int what)
{
    if (!(where & SSL_CB_ALERT)) {
        return;
    }
    hp_dtls *dtls = owner_of(ssl);
    bool received = where & SSL_CB_READ;
    bool fatal = what >> 8 == SSL3_AL_FATAL;
    const char *name = SSL_alert_desc_string_long(what);
    if (received && fatal) {
        dtls->alert_received = name;
    }
    hp_dtls_tell(dtls, &(hp_dtls_event){.kind = received ? HP_DTLS_EV_ALERT_RECEIVED : HP_DTLS_EV_ALERT_SENT,
                                        .fatal = fatal,
                                        .number = (unsigned)what & 0xff,
                                        .detail = name});
}

/* Asked with 0 when the timer starts for a new flight, with the last span when it has expired. */
static unsigned on_timer(SSL *ssl, unsigned last_us)
{
    hp_dtls *dtls = owner_of(ssl);
    if (last_us == 0) {
        dtls->n_timeouts = 0;
        dtls->retransmit_after = dtls->config.retransmit_initial;
    } else {
        dtls->n_timeouts++;
        hp_dtls_tell(dtls, &(hp_dtls_event){.kind = HP_DTLS_EV_TIMEOUT, .number = dtls->n_timeouts});
        dtls->retransmit_after = MIN(2 * dtls->retransmit_after, dtls->config.retransmit_max);
    }
    return (unsigned)(dtls->retransmit_after / HP_US);
}

/* ---- the BIO's side ---- */

static void on_write(void *user, const uint8_t *data, size_t len)
{
    hp_dtls_queue_datagram(user, data, len);
}

static size_t on_read(void *user, uint8_t *out, size_t cap)
{
    hp_dtls *dtls = user;
    size_t len = MIN(cap, dtls->arrived->len);
    if (len > 0) {
        memcpy(out, dtls->arrived->data, len);
        g_byte_array_set_size(dtls->arrived, 0);
    }
    return len;
}

static void on_timer_moved(void *user, bool running)
{
    hp_dtls *dtls = user;
    dtls->deadline = running ? hp_time_add(dtls->now, dtls->retransmit_after) : HP_NEVER;
}

static const hp_openssl_bio_ops bio_ops = {.write = on_write, .read = on_read, .timer = on_timer_moved};

/* ---- construction ---- */

SSL_CTX *hp_dtls_context_new(X509 *certificate, EVP_PKEY *key)
{
    SSL_CTX *context = SSL_CTX_new(DTLS_method());
    if (!context) {
        return NULL;
    }
    SSL_CTX_clear_options(context, SSL_CTX_get_options(context));
    SSL_CTX_set_options(context, SSL_OP_NO_QUERY_MTU | SSL_OP_NO_TICKET | SSL_OP_NO_COMPRESSION |
                                     SSL_OP_NO_RENEGOTIATION | SSL_OP_CIPHER_SERVER_PREFERENCE);
    SSL_CTX_set_mode(context, SSL_MODE_NO_AUTO_CHAIN | SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_security_level(context, SECURITY_LEVEL);
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
    SSL_CTX_set_cert_verify_callback(context, on_certificate, NULL);
    SSL_CTX_set_client_hello_cb(context, on_client_hello, NULL);
    SSL_CTX_set_cookie_generate_cb(context, on_cookie_wanted);
    SSL_CTX_set_cookie_verify_cb(context, on_cookie);
    SSL_CTX_set_keylog_callback(context, on_keylog);
    SSL_CTX_set_info_callback(context, on_info);
    if (SSL_CTX_set_min_proto_version(context, DTLS1_2_VERSION) != 1 ||
        SSL_CTX_set_max_proto_version(context, DTLS1_2_VERSION) != 1 ||
        SSL_CTX_set_cipher_list(context, CIPHERS) != 1 || SSL_CTX_set1_groups_list(context, GROUPS) != 1 ||
        SSL_CTX_set1_sigalgs_list(context, SIGNATURES) != 1 || SSL_CTX_use_certificate(context, certificate) != 1 ||
        SSL_CTX_use_PrivateKey(context, key) != 1) {
        SSL_CTX_free(context);
        return NULL;
    }
    return context;
}

/* OpenSSL fills a flight's datagrams record by record and leaves out of account what an AEAD suite adds to the last of
 * them, the encrypted Finished; and it gathers them in a buffer whose size no record may straddle. */
static long handshake_mtu(const hp_dtls *dtls)
{
    enum { AEAD_OVERHEAD = 8 + 16, GATHERING_BUFFER = 4096 };
    return (long)MIN(dtls->config.mtu, GATHERING_BUFFER) - AEAD_OVERHEAD;
}

void hp_dtls_context_set_mtu(hp_dtls *dtls)
{
    SSL_set_mtu(dtls->ssl, SSL_is_init_finished(dtls->ssl) ? (long)dtls->config.mtu : handshake_mtu(dtls));
}

SSL *hp_dtls_context_open(const hp_dtls_identity *identity, hp_dtls *dtls)
{
    SSL *ssl = SSL_new(identity->context);
    g_autoptr(GString) names = g_string_new(NULL);
    for (unsigned i = 0; i < dtls->config.n_profiles; i++) {
        for (unsigned k = 0; k < G_N_ELEMENTS(profiles); k++) {
            if (profiles[k].profile == dtls->config.profiles[i]) {
                g_string_append_printf(names, "%s%s", names->len > 0 ? ":" : "", profiles[k].openssl_name);
            }
        }
    }
    /* The one call here that answers 0 for success. */
    if (!ssl || (names->len > 0 && SSL_set_tlsext_use_srtp(ssl, names->str) != 0) ||
        SSL_set_mtu(ssl, handshake_mtu(dtls)) != handshake_mtu(dtls)) {
        SSL_free(ssl);
        return NULL;
    }
    BIO *bio = hp_openssl_bio_new(&bio_ops, dtls);
    SSL_set_bio(ssl, bio, bio);
    SSL_set_app_data(ssl, dtls);
    DTLS_set_timer_cb(ssl, on_timer);
    if (dtls->config.role == HP_DTLS_ACTIVE) {
        SSL_set_connect_state(ssl);
    } else {
        if (dtls->config.cookie) {
            SSL_set_options(ssl, SSL_OP_COOKIE_EXCHANGE);
        }
        SSL_set_accept_state(ssl);
    }
    if (dtls->config.any_peer) {
        SSL_set_verify(ssl, SSL_VERIFY_NONE, NULL);
    }
    return ssl;
}
