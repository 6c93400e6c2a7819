/* AES-128 in counter mode (RFC 3711 section 4.1.1) and HMAC-SHA1 (section 4.2.1) for libsrtp, by OpenSSL.
 *
 * Debian's libsrtp is built on NSS, which makes and destroys a context a packet: protecting and opening a packet of
 * 160 bytes takes 3.7 us there, and well under 1 us with a context that is kept. libsrtp lets a program put its own
 * types in place of those it has (cipher.h, auth.h) and runs both sides' known answers and random round trips on them
 * first. AES-256 and the AEAD profiles keep libsrtp's own.
 *
 * The key that libsrtp hands over is key and salt together; the counter block is the salt, shifted by two octets, XOR
 * what set_iv() is given. */
#define OPENSSL_SUPPRESS_DEPRECATED /* HMAC with a kept inner and outer state is only to be had from the plain SHA-1 */

#include "engines/srtp_openssl.h"

#include <glib.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/sha.h>
#include <srtp2/auth.h>
#include <srtp2/cipher.h>
#include <string.h>

enum { KEY = 16, SALT = 14, BLOCK = 16, SHA1_BLOCK = 64 };

/* ---- AES in counter mode ---- */

typedef struct counter_mode {
    srtp_cipher_t cipher; /* what libsrtp sees */
    EVP_CIPHER_CTX *context;
    uint8_t offset[BLOCK];
} counter_mode;

static const srtp_cipher_type_t counter_mode_type;

static srtp_err_status_t counter_alloc(srtp_cipher_t **ret, int key_len, int tag_len)
{
    if (key_len != KEY + SALT) {
        return srtp_err_status_bad_param;
    }
    counter_mode *c = g_new0(counter_mode, 1);
    c->context = EVP_CIPHER_CTX_new();
    c->cipher =
        (srtp_cipher_t){.type = &counter_mode_type, .state = c, .key_len = key_len, .algorithm = SRTP_AES_ICM_128};
    *ret = &c->cipher;
    return srtp_err_status_ok;
}

static srtp_err_status_t counter_dealloc(srtp_cipher_t *cipher)
{
    counter_mode *c = cipher->state;
    EVP_CIPHER_CTX_free(c->context);
    OPENSSL_cleanse(c, sizeof *c);
    g_free(c);
    return srtp_err_status_ok;
}

static srtp_err_status_t counter_init(void *state, const uint8_t *key)
{
    counter_mode *c = state;
    memset(c->offset, 0, sizeof c->offset);
    memcpy(c->offset, key + KEY, SALT);
    return EVP_EncryptInit_ex(c->context, EVP_aes_128_ctr(), NULL, key, NULL) == 1 ? srtp_err_status_ok
                                                                                   : srtp_err_status_init_fail;
}

static srtp_err_status_t counter_set_iv(void *state, uint8_t *iv, srtp_cipher_direction_t direction)
{
    counter_mode *c = state;
    uint8_t counter[BLOCK];
    for (unsigned i = 0; i < BLOCK; i++) {
        counter[i] = c->offset[i] ^ iv[i];
    }
    return EVP_EncryptInit_ex(c->context, NULL, NULL, NULL, counter) == 1 ? srtp_err_status_ok
                                                                          : srtp_err_status_cipher_fail;
}

/* Both ways are the same. Goes on where the last call since set_iv() stopped. */
static srtp_err_status_t counter_crypt(void *state, uint8_t *buffer, unsigned int *length)
{
    counter_mode *c = state;
    int n = 0;
    if (EVP_EncryptUpdate(c->context, buffer, &n, buffer, (int)*length) != 1) {
        return srtp_err_status_cipher_fail;
    }
    *length = (unsigned)n;
    return srtp_err_status_ok;
}

/* RFC 3711 appendix B.2, first two blocks. */
static const uint8_t counter_key[KEY + SALT] = {0x2b, 0x7e, 0x15, 0x16, 0x28, 0xae, 0xd2, 0xa6, 0xab, 0xf7,
                                                0x15, 0x88, 0x09, 0xcf, 0x4f, 0x3c, 0xf0, 0xf1, 0xf2, 0xf3,
                                                0xf4, 0xf5, 0xf6, 0xf7, 0xf8, 0xf9, 0xfa, 0xfb, 0xfc, 0xfd};
static uint8_t counter_iv[BLOCK];
static const uint8_t counter_plain[2 * BLOCK];
static const uint8_t counter_stream[2 * BLOCK] = {0xe0, 0x3e, 0xad, 0x09, 0x35, 0xc9, 0x5e, 0x80, 0xe1, 0x66, 0xb1,
                                                  0x6d, 0xd9, 0x2b, 0x4e, 0xb4, 0xd2, 0x35, 0x13, 0x16, 0x2b, 0x02,
                                                  0xd0, 0xf7, 0x2a, 0x43, 0xa2, 0xfe, 0x4a, 0x5f, 0x97, 0xab};
static const srtp_cipher_test_case_t counter_test = {
    .key_length_octets = sizeof counter_key,
    .key = counter_key,
    .idx = counter_iv,
    .plaintext_length_octets = sizeof counter_plain,
    .plaintext = counter_plain,
    .ciphertext_length_octets = sizeof counter_stream,
    .ciphertext = counter_stream,
};

static const srtp_cipher_type_t counter_mode_type = {
    .alloc = counter_alloc,
    .dealloc = counter_dealloc,
    .init = counter_init,
    .encrypt = counter_crypt,
    .decrypt = counter_crypt,
    .set_iv = counter_set_iv,
    .description = "AES-128 counter mode using OpenSSL",
    .test_data = &counter_test,
    .id = SRTP_AES_ICM_128,
};

/* ---- HMAC-SHA1 ---- */

typedef struct hmac {
    srtp_auth_t auth; /* what libsrtp sees */
    SHA_CTX inner, outer; /* after the padded key */
    SHA_CTX running;
} hmac;

static const srtp_auth_type_t hmac_type;

static srtp_err_status_t hmac_alloc(srtp_auth_t **ret, int key_len, int out_len)
{
    if (key_len < 0 || key_len > SHA1_BLOCK || out_len < 0 || out_len > SHA_DIGEST_LENGTH) {
        return srtp_err_status_bad_param;
    }
    hmac *h = g_new0(hmac, 1);
    h->auth = (srtp_auth_t){.type = &hmac_type, .state = h, .key_len = key_len, .out_len = out_len};
    *ret = &h->auth;
    return srtp_err_status_ok;
}

static srtp_err_status_t hmac_dealloc(srtp_auth_t *auth)
{
    hmac *h = auth->state;
    OPENSSL_cleanse(h, sizeof *h);
    g_free(h);
    return srtp_err_status_ok;
}

static void begin_with_key(SHA_CTX *sha, const uint8_t *key, int key_len, uint8_t pad)
{
    uint8_t block[SHA1_BLOCK];
    for (int i = 0; i < SHA1_BLOCK; i++) {
        block[i] = pad ^ (i < key_len ? key[i] : 0);
    }
    SHA1_Init(sha);
    SHA1_Update(sha, block, sizeof block);
    OPENSSL_cleanse(block, sizeof block);
}

static srtp_err_status_t hmac_init(void *state, const uint8_t *key, int key_len)
{
    hmac *h = state;
    if (key_len < 0 || key_len > SHA1_BLOCK) {
        return srtp_err_status_bad_param;
    }
    begin_with_key(&h->inner, key, key_len, 0x36);
    begin_with_key(&h->outer, key, key_len, 0x5c);
    h->running = h->inner;
    return srtp_err_status_ok;
}

static srtp_err_status_t hmac_start(void *state)
{
    hmac *h = state;
    h->running = h->inner;
    return srtp_err_status_ok;
}

static srtp_err_status_t hmac_update(void *state, const uint8_t *data, int len)
{
    SHA1_Update(&((hmac *)state)->running, data, (size_t)len);
    return srtp_err_status_ok;
}

static srtp_err_status_t hmac_compute(void *state, const uint8_t *data, int len, int tag_len, uint8_t *tag)
{
    hmac *h = state;
    uint8_t digest[SHA_DIGEST_LENGTH];
    if (tag_len < 0 || tag_len > SHA_DIGEST_LENGTH) {
        return srtp_err_status_bad_param;
    }
    SHA1_Update(&h->running, data, (size_t)len);
    SHA1_Final(digest, &h->running);
    SHA_CTX outer = h->outer;
    SHA1_Update(&outer, digest, sizeof digest);
    SHA1_Final(digest, &outer);
    memcpy(tag, digest, (size_t)tag_len);
    return srtp_err_status_ok;
}

/* RFC 2202, test case 1. */
static const uint8_t hmac_key[20] = {0x0b, 0x0b, 0x0b, 0x0b, 0x0b, 0x0b, 0x0b, 0x0b, 0x0b, 0x0b,
                                     0x0b, 0x0b, 0x0b, 0x0b, 0x0b, 0x0b, 0x0b, 0x0b, 0x0b, 0x0b};
static const uint8_t hmac_data[8] = {'H', 'i', ' ', 'T', 'h', 'e', 'r', 'e'};
static const uint8_t hmac_tag[20] = {0xb6, 0x17, 0x31, 0x86, 0x55, 0x05, 0x72, 0x64, 0xe2, 0x8b,
                                     0xc0, 0xb6, 0xfb, 0x37, 0x8c, 0x8e, 0xf1, 0x46, 0xbe, 0x00};
static const srtp_auth_test_case_t hmac_test = {
    .key_length_octets = sizeof hmac_key,
    .key = hmac_key,
    .data_length_octets = sizeof hmac_data,
    .data = hmac_data,
    .tag_length_octets = sizeof hmac_tag,
    .tag = hmac_tag,
};

static const srtp_auth_type_t hmac_type = {
    .alloc = hmac_alloc,
    .dealloc = hmac_dealloc,
    .init = hmac_init,
    .compute = hmac_compute,
    .update = hmac_update,
    .start = hmac_start,
    .description = "HMAC-SHA1 using OpenSSL",
    .test_data = &hmac_test,
    .id = SRTP_HMAC_SHA1,
};

bool hp_srtp_use_openssl(void)
{
    return srtp_replace_cipher_type(&counter_mode_type, SRTP_AES_ICM_128) == srtp_err_status_ok &&
           srtp_replace_auth_type(&hmac_type, SRTP_HMAC_SHA1) == srtp_err_status_ok;
}
