/* A certificate and its key, made from a stream.
 *
 * What WebRTC endpoints use (RFC 8827 section 6.5): ECDSA on P-256, signed by itself with SHA-256. The key, the serial
 * number and the signature's nonce come from the stream; the dates hang on HP_EPOCH_S, not on the day of the run, unless
 * the caller has a clock. A server of the real world may bring its own (hp_dtls_identity_load()). */
#include <errno.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "engines/dtls_private.h"
#include "engines/openssl_random.h"

enum { DAY_S = 24 * 60 * 60, DAYS_BEFORE = 1, DAYS_AFTER = 30, MAX_COMMON_NAME = 64 };

static X509 *make_certificate(hp_rng *rng, EVP_PKEY *key, const char *common_name, uint64_t now_s)
{
    X509 *certificate = X509_new();
    if (!certificate) {
        return NULL;
    }
    uint64_t serial = hp_rng_u64(rng) >> 1 | 1; /* positive */
    X509_NAME *name = X509_get_subject_name(certificate);
    if (X509_set_version(certificate, X509_VERSION_3) != 1 ||
        ASN1_INTEGER_set_uint64(X509_get_serialNumber(certificate), serial) != 1 ||
        !ASN1_TIME_set(X509_getm_notBefore(certificate), (time_t)(now_s - (uint64_t)DAYS_BEFORE * DAY_S)) ||
        !ASN1_TIME_set(X509_getm_notAfter(certificate), (time_t)(now_s + (uint64_t)DAYS_AFTER * DAY_S)) ||
        X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8, (const unsigned char *)common_name, -1, -1, 0) != 1 ||
        X509_set_issuer_name(certificate, name) != 1 || X509_set_pubkey(certificate, key) != 1 ||
        X509_sign(certificate, key, EVP_sha256()) == 0) {
        X509_free(certificate);
        return NULL;
    }
    return certificate;
}

static hp_dtls_identity *identity_of(SSL_CTX *context, const X509 *certificate)
{
    hp_dtls_identity *identity = g_new(hp_dtls_identity, 1);
    *identity = (hp_dtls_identity){
        .context = context,
        .fingerprint = hp_dtls_certificate_fingerprint(certificate, HP_DTLS_SHA256),
    };
    return identity;
}

hp_dtls_identity *hp_dtls_identity_new_at(const hp_rng *rng, const char *common_name, uint64_t now_s, GError **error)
{
    if (common_name[0] == '\0' || strlen(common_name) > MAX_COMMON_NAME || !g_utf8_validate(common_name, -1, NULL)) {
        g_set_error(error, HP_ERROR, HP_ERROR_INVALID, "certificate: the name must have 1 to %d bytes of UTF-8",
                    MAX_COMMON_NAME);
        return NULL;
    }
    hp_rng stream = *rng;
    hp_rng *outer = hp_openssl_random_use(&stream);
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *certificate = key ? make_certificate(&stream, key, common_name, now_s) : NULL;
    SSL_CTX *context = certificate ? hp_dtls_context_new(certificate, key) : NULL;
    hp_openssl_random_use(outer);

    hp_dtls_identity *identity = NULL;
    if (context) {
        identity = identity_of(context, certificate);
    } else {
        g_set_error(error, HP_ERROR, HP_ERROR_ENVIRONMENT, "certificate: this OpenSSL (%s) cannot make one",
                    OpenSSL_version(OPENSSL_VERSION));
    }
    X509_free(certificate);
    EVP_PKEY_free(key);
    return identity;
}

hp_dtls_identity *hp_dtls_identity_new(const hp_rng *rng, const char *common_name, GError **error)
{
    return hp_dtls_identity_new_at(rng, common_name, HP_EPOCH_S, error);
}

/* ---- from files ---- */

static FILE *open_file(const char *path, GError **error)
{
    FILE *file = fopen(path, "re");
    if (file == NULL) {
        g_set_error(error, HP_ERROR, HP_ERROR_IO, "%s: %s", path, g_strerror(errno));
    }
    return file;
}

/* The certificate, and into *ret_chain what follows it. */
static X509 *read_certificates(const char *path, STACK_OF(X509) * chain, GError **error)
{
    FILE *file = open_file(path, error);
    if (file == NULL) {
        return NULL;
    }
    X509 *first = PEM_read_X509(file, NULL, NULL, NULL), *more;
    while (first != NULL && (more = PEM_read_X509(file, NULL, NULL, NULL)) != NULL) {
        sk_X509_push(chain, more);
    }
    fclose(file);
    if (first == NULL) {
        g_set_error(error, HP_ERROR, HP_ERROR_INVALID, "%s: no certificate in PEM", path);
    }
    ERR_clear_error(); /* the end of the file is one */
    return first;
}

/* A key with a passphrase is none: nobody is asked. */
static int no_passphrase(char *out, int size, int writing, void *user)
{
    return -1;
}

static EVP_PKEY *read_key(const char *path, GError **error)
{
    FILE *file = open_file(path, error);
    if (file == NULL) {
        return NULL;
    }
    EVP_PKEY *key = PEM_read_PrivateKey(file, NULL, no_passphrase, NULL);
    fclose(file);
    if (key == NULL) {
        g_set_error(error, HP_ERROR, HP_ERROR_INVALID, "%s: no private key in PEM without a passphrase", path);
    }
    ERR_clear_error();
    return key;
}

hp_dtls_identity *hp_dtls_identity_load(const char *certificate_file, const char *key_file, GError **error)
{
    hp_dtls_identity *identity = NULL;
    STACK_OF(X509) *chain = sk_X509_new_null();
    X509 *certificate = read_certificates(certificate_file, chain, error);
    EVP_PKEY *key = certificate != NULL ? read_key(key_file, error) : NULL;
    SSL_CTX *context = key != NULL ? hp_dtls_context_new(certificate, key) : NULL;
    if (context != NULL && SSL_CTX_check_private_key(context) == 1 && SSL_CTX_set1_chain(context, chain) == 1) {
        identity = identity_of(context, certificate);
    } else if (key != NULL) {
        SSL_CTX_free(context);
        g_set_error(error, HP_ERROR, HP_ERROR_INVALID, "%s, %s: no certificate and key that belong together",
                    certificate_file, key_file);
        ERR_clear_error();
    }
    X509_free(certificate);
    EVP_PKEY_free(key);
    sk_X509_pop_free(chain, X509_free);
    return identity;
}

void hp_dtls_warm_up(void)
{
    hp_rng rng;
    hp_rng_init(&rng, 0, "warm-up");
    hp_dtls_identity_free(hp_dtls_identity_new(&rng, "warm-up", NULL));
}

void hp_dtls_identity_free(hp_dtls_identity *identity)
{
    if (identity) {
        SSL_CTX_free(identity->context);
        g_free(identity);
    }
}

const hp_dtls_fingerprint *hp_dtls_identity_fingerprint(const hp_dtls_identity *identity)
{
    return &identity->fingerprint;
}
