/* A second implementation of SRTP's transforms, over OpenSSL, to hold the engine's bytes against: key derivation
 * (RFC 3711 section 4.3, RFC 6188, RFC 7714 section 11), AES-CM with HMAC-SHA1-80 (RFC 3711 sections 4.1 and 4.2),
 * AES-GCM (RFC 7714 sections 8 and 9). It guesses nothing: the packet index is the caller's. */
#ifndef HP_TESTS_ENGINES_SRTP_REFERENCE_H
#define HP_TESTS_ENGINES_SRTP_REFERENCE_H

#include <glib.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "engines/srtp.h"

typedef struct ref_session {
    size_t key_len;
    uint8_t key[32], salt[14], auth[94];
} ref_session;

/* XORs the keystream that starts at iv. */
static inline void ref_aes_ctr(const uint8_t *key, size_t key_len, const uint8_t iv[16], uint8_t *data, size_t len)
{
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    int n;
    g_assert(EVP_EncryptInit_ex(ctx, key_len == 32 ? EVP_aes_256_ctr() : EVP_aes_128_ctr(), NULL, key, iv) == 1);
    g_assert(EVP_EncryptUpdate(ctx, data, &n, data, (int)len) == 1 && n == (int)len);
    EVP_CIPHER_CTX_free(ctx);
}

static inline void ref_derive(const uint8_t *key, size_t key_len, const uint8_t *salt, size_t salt_len, uint8_t label,
                              uint8_t *out, size_t len)
{
    uint8_t iv[16] = {0};
    memcpy(iv, salt, salt_len);
    iv[7] ^= label;
    memset(out, 0, len);
    ref_aes_ctr(key, key_len, iv, out, len);
}

/* The session keys of RTP (labels 0 to 2) or RTCP (labels 3 to 5). */
static inline ref_session ref_derive_session(const hp_srtp_keys *keys, bool rtcp)
{
    size_t key_len = hp_srtp_key_length(keys->profile), salt_len = hp_srtp_salt_length(keys->profile);
    uint8_t label = rtcp ? 3 : 0;
    ref_session s = {.key_len = key_len};
    ref_derive(keys->key, key_len, keys->salt, salt_len, label, s.key, key_len);
    ref_derive(keys->key, key_len, keys->salt, salt_len, (uint8_t)(label + 1), s.auth, sizeof s.auth);
    ref_derive(keys->key, key_len, keys->salt, salt_len, (uint8_t)(label + 2), s.salt, salt_len);
    return s;
}

static inline void ref_xor32(uint8_t *at, uint32_t value)
{
    for (int i = 0; i < 4; i++) {
        at[i] ^= (uint8_t)(value >> (24 - 8 * i));
    }
}

/* salt * 2^16 xor ssrc * 2^64 xor index * 2^16 */
static inline void ref_cm_iv(const ref_session *s, uint32_t ssrc, uint64_t index, uint8_t iv[16])
{
    memset(iv, 0, 16);
    memcpy(iv, s->salt, 14);
    ref_xor32(iv + 4, ssrc);
    ref_xor32(iv + 8, (uint32_t)(index >> 16));
    iv[12] ^= (uint8_t)(index >> 8);
    iv[13] ^= (uint8_t)index;
}

static inline void ref_hmac80(const ref_session *s, const uint8_t *data, size_t len, uint32_t tail, bool with_tail,
                              uint8_t *out)
{
    GByteArray *all = g_byte_array_new();
    uint8_t mac[EVP_MAX_MD_SIZE], word[4] = {0};
    unsigned mac_len = 0;
    ref_xor32(word, tail);
    g_byte_array_append(all, data, (guint)len);
    if (with_tail) {
        g_byte_array_append(all, word, 4);
    }
    HMAC(EVP_sha1(), s->auth, 20, all->data, all->len, mac, &mac_len);
    memcpy(out, mac, 10);
    g_byte_array_unref(all);
}

/* aad_a and aad_b are authenticated, text becomes ciphertext in place, the tag follows it. */
static inline void ref_gcm(const ref_session *s, const uint8_t iv[12], const uint8_t *aad_a, size_t a_len,
                           const uint8_t *aad_b, size_t b_len, uint8_t *text, size_t len)
{
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    int n;
    g_assert(EVP_EncryptInit_ex(ctx, s->key_len == 32 ? EVP_aes_256_gcm() : EVP_aes_128_gcm(), NULL, s->key, iv) == 1);
    g_assert(EVP_EncryptUpdate(ctx, NULL, &n, aad_a, (int)a_len) == 1);
    g_assert(b_len == 0 || EVP_EncryptUpdate(ctx, NULL, &n, aad_b, (int)b_len) == 1);
    g_assert(len == 0 || EVP_EncryptUpdate(ctx, text, &n, text, (int)len) == 1);
    uint8_t final[16];
    g_assert(EVP_EncryptFinal_ex(ctx, final, &n) == 1);
    g_assert(EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_GCM_GET_TAG, 16, text + len) == 1);
    EVP_CIPHER_CTX_free(ctx);
}

static inline uint32_t ref_get32(const uint8_t *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static inline void ref_gcm_iv_rtp(const ref_session *s, const uint8_t *packet, uint32_t roc, uint8_t iv[12])
{
    memcpy(iv, s->salt, 12);
    ref_xor32(iv + 2, ref_get32(packet + 8));
    ref_xor32(iv + 6, roc);
    iv[10] ^= packet[2];
    iv[11] ^= packet[3];
}

static inline void ref_gcm_iv_rtcp(const ref_session *s, const uint8_t *packet, uint32_t index, uint8_t iv[12])
{
    memcpy(iv, s->salt, 12);
    ref_xor32(iv + 2, ref_get32(packet + 4));
    ref_xor32(iv + 8, index);
}

/* In place; returns the new length. header_len: CSRC and extension included. */
static inline size_t ref_protect_rtp(bool aead, const ref_session *s, uint32_t roc, size_t header_len, uint8_t *packet,
                                     size_t len)
{
    uint8_t iv[16];
    if (aead) {
        ref_gcm_iv_rtp(s, packet, roc, iv);
        ref_gcm(s, iv, packet, header_len, NULL, 0, packet + header_len, len - header_len);
        return len + 16;
    }
    ref_cm_iv(s, ref_get32(packet + 8), (uint64_t)roc << 16 | (uint64_t)(packet[2] << 8 | packet[3]), iv);
    ref_aes_ctr(s->key, s->key_len, iv, packet + header_len, len - header_len);
    ref_hmac80(s, packet, len, roc, true, packet + len);
    return len + 10;
}

static inline size_t ref_protect_rtcp(bool aead, bool encrypt, const ref_session *s, uint32_t index, uint8_t *packet,
                                      size_t len)
{
    uint8_t iv[16], word[4] = {0};
    ref_xor32(word, index | (encrypt ? UINT32_C(0x80000000) : 0));
    if (aead) {
        size_t clear = encrypt ? 8 : len;
        ref_gcm_iv_rtcp(s, packet, index, iv);
        ref_gcm(s, iv, packet, clear, word, 4, packet + clear, len - clear);
        memcpy(packet + len + 16, word, 4);
        return len + 20;
    }
    ref_cm_iv(s, ref_get32(packet + 4), index, iv);
    if (encrypt) {
        ref_aes_ctr(s->key, s->key_len, iv, packet + 8, len - 8);
    }
    memcpy(packet + len, word, 4);
    ref_hmac80(s, packet, len + 4, 0, false, packet + len + 4);
    return len + 14;
}

#endif
