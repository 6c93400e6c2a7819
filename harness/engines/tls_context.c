/* What is asked of OpenSSL for TLS, what OpenSSL asks back, and names.
 *
 * As in dtls_context.c everything that a machine's openssl.cnf could change is set here: versions, cipher suites,
 * groups, signature algorithms, security level, options. Sessions and tickets are off, so that no time and no address
 * of memory reaches a byte. RFC 8489 section 6.2.3 asks for an ECDHE-RSA suite; ours is an ECDSA certificate, and the
 * suites for RSA are there for servers that are not ours.
 *
 * ALPN (RFC 7301, RFC 7443): a server takes its one protocol where it is among those offered, and refuses with
 * no_application_protocol where others are. A client that offers none is welcome: most TURN clients do not. */
#include <assert.h>
#include <string.h>

#include "base/error.h"
#include "engines/tls_private.h"

#define CIPHERS_1_3 "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256"
#define CIPHERS_1_2                                                                                                    \
    "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-ECDSA-CHACHA20-POLY1305:"                       \
    "ECDHE-RSA-AES128-GCM-SHA256:ECDHE-RSA-AES256-GCM-SHA384:ECDHE-RSA-CHACHA20-POLY1305"
#define GROUPS "P-256:X25519:P-384"
#define SIGNATURES "ECDSA+SHA256:RSA-PSS+SHA256:RSA+SHA256:ECDSA+SHA384:RSA-PSS+SHA384:RSA+SHA384"

enum { SECURITY_LEVEL = 1, MAX_ALPN = 255 };

static const char *const state_names[] = {
    [HP_TLS_HANDSHAKING] = "handshaking",
    [HP_TLS_CONNECTED] = "connected",
    [HP_TLS_CLOSED] = "closed",
    [HP_TLS_FAILED] = "failed",
};
static_assert(G_N_ELEMENTS(state_names) == HP_TLS_FAILED + 1, "a name for each state");

const char *hp_tls_state_name(hp_tls_state state)
{
    return state_names[state];
}

/* ---- what OpenSSL asks ---- */

static int on_certificate(X509_STORE_CTX *store, void *unused)
{
    SSL *ssl = X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx());
    hp_tls *tls = SSL_get_app_data(ssl);
    if (tls->has_expected) {
        hp_dtls_fingerprint actual =
            hp_dtls_certificate_fingerprint(X509_STORE_CTX_get0_cert(store), tls->expected.hash);
        if (!hp_dtls_fingerprint_equal(&actual, &tls->expected)) {
            tls->wrong_certificate = true;
            X509_STORE_CTX_set_error(store, X509_V_ERR_CERT_REJECTED); /* becomes bad_certificate */
            return 0;
        }
    }
    X509_STORE_CTX_set_error(store, X509_V_OK);
    return 1;
}

static int on_alpn(SSL *ssl, const unsigned char **ret, unsigned char *ret_len, const unsigned char *offered,
                   unsigned offered_len, void *alpn)
{
    size_t length = strlen(alpn);
    for (unsigned at = 0; at < offered_len; at += 1U + offered[at]) {
        if (offered[at] == length && at + 1 + length <= offered_len && memcmp(offered + at + 1, alpn, length) == 0) {
            *ret = offered + at + 1;
            *ret_len = offered[at];
            return SSL_TLSEXT_ERR_OK;
        }
    }
    return SSL_TLSEXT_ERR_ALERT_FATAL;
}

static void on_keylog(const SSL *ssl, const char *line)
{
    hp_tls_tell(SSL_get_app_data(ssl), &(hp_tls_event){.kind = HP_TLS_EV_KEYLOG, .detail = line});
}

static void on_info(const SSL *ssl, int where, int what)
{
    if ((where & SSL_CB_ALERT) == 0) {
        return;
    }
    hp_tls_tell(SSL_get_app_data(ssl),
                &(hp_tls_event){.kind = (where & SSL_CB_READ) != 0 ? HP_TLS_EV_ALERT_RECEIVED : HP_TLS_EV_ALERT_SENT,
                                .fatal = what >> 8 == SSL3_AL_FATAL,
                                .number = (unsigned)what & 0xff,
                                .detail = SSL_alert_desc_string_long(what)});
}

/* ---- construction ---- */

static const char *what_is_wrong(const hp_tls_config *config, const hp_dtls_identity *identity)
{
    if (!config->client && !identity) {
        return "a server needs a certificate";
    }
    if (config->min != HP_TLS_ANY && config->max != HP_TLS_ANY && config->min > config->max) {
        return "no version left";
    }
    if (config->alpn && (*config->alpn == '\0' || strlen(config->alpn) > MAX_ALPN)) {
        return "the name of a protocol must have 1 to 255 bytes";
    }
    return NULL;
}

static bool set_up(hp_tls_context *context, const hp_tls_config *config, const hp_dtls_identity *identity)
{
    SSL_CTX *ctx = context->ssl_context;
    SSL_CTX_clear_options(ctx, SSL_CTX_get_options(ctx));
    SSL_CTX_set_options(ctx, SSL_OP_NO_TICKET | SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION |
                                 SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_ENABLE_MIDDLEBOX_COMPAT);
    SSL_CTX_set_num_tickets(ctx, 0);
    SSL_CTX_set_mode(ctx, SSL_MODE_NO_AUTO_CHAIN | SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_security_level(ctx, SECURITY_LEVEL);
    SSL_CTX_set_verify(ctx, config->client ? SSL_VERIFY_PEER : SSL_VERIFY_NONE, NULL);
    SSL_CTX_set_cert_verify_callback(ctx, on_certificate, NULL);
    SSL_CTX_set_keylog_callback(ctx, on_keylog);
    SSL_CTX_set_info_callback(ctx, on_info);
    if (!config->client && context->alpn) {
        SSL_CTX_set_alpn_select_cb(ctx, on_alpn, context->alpn);
    } else if (context->alpn) {
        uint8_t offer[1 + MAX_ALPN] = {(uint8_t)strlen(context->alpn)};
        memcpy(offer + 1, context->alpn, offer[0]);
        if (SSL_CTX_set_alpn_protos(ctx, offer, 1U + offer[0]) != 0) { /* the one call that answers 0 for success */
            return false;
        }
    }
    STACK_OF(X509) *chain = NULL;
    if (identity && SSL_CTX_get0_chain_certs(identity->context, &chain) == 1 && chain) {
        SSL_CTX_set1_chain(ctx, chain);
    }
    bool own = config->client || (SSL_CTX_use_certificate(ctx, SSL_CTX_get0_certificate(identity->context)) == 1 &&
                                  SSL_CTX_use_PrivateKey(ctx, SSL_CTX_get0_privatekey(identity->context)) == 1);
    return own &&
           SSL_CTX_set_min_proto_version(ctx, config->min != HP_TLS_ANY ? (int)config->min : TLS1_2_VERSION) == 1 &&
           SSL_CTX_set_max_proto_version(ctx, config->max != HP_TLS_ANY ? (int)config->max : TLS1_3_VERSION) == 1 &&
           SSL_CTX_set_ciphersuites(ctx, CIPHERS_1_3) == 1 && SSL_CTX_set_cipher_list(ctx, CIPHERS_1_2) == 1 &&
           SSL_CTX_set1_groups_list(ctx, GROUPS) == 1 && SSL_CTX_set1_sigalgs_list(ctx, SIGNATURES) == 1;
}

hp_tls_context *hp_tls_context_new(const hp_tls_config *config, const hp_dtls_identity *identity, GError **error)
{
    const char *wrong = what_is_wrong(config, identity);
    if (wrong) {
        g_set_error(error, HP_ERROR, HP_ERROR_INVALID, "tls: %s", wrong);
        return NULL;
    }
    hp_tls_context *context = g_new0(hp_tls_context, 1);
    context->client = config->client;
    context->alpn = g_strdup(config->alpn);
    context->server_name = g_strdup(config->server_name);
    if (config->expected) {
        context->expected = *config->expected;
        context->has_expected = true;
    }
    context->ssl_context = SSL_CTX_new(TLS_method());
    if (!context->ssl_context || !set_up(context, config, identity)) {
        g_set_error(error, HP_ERROR, HP_ERROR_ENVIRONMENT, "tls: this OpenSSL (%s) cannot do it",
                    OpenSSL_version(OPENSSL_VERSION));
        hp_tls_context_free(context);
        return NULL;
    }
    return context;
}

void hp_tls_context_free(hp_tls_context *context)
{
    if (context) {
        SSL_CTX_free(context->ssl_context);
        g_free(context->alpn);
        g_free(context->server_name);
        g_free(context);
    }
}
