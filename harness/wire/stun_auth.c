/* What protects STUN messages: MESSAGE-INTEGRITY, MESSAGE-INTEGRITY-SHA256 and FINGERPRINT (RFC 8489 sections 14.5 to
 * 14.7), and the keys behind them (section 9).
 *
 * All three cover the message from its first byte up to, not including, the attribute itself, with the header's length
 * field as if the message ended right after the attribute. Both directions copy the covered bytes, patch the length and
 * call a one-shot digest, which keeps no context alive.
 *
 * Keys: a short-term key is the password; a long-term key is a digest of user:realm:password. RFC 8489 asks for
 * OpaqueString (before, SASLprep) preparation first. That is the identity for ASCII, and nothing else is prepared here:
 * text in other scripts goes in as its bytes, so that peers which do prepare may disagree about unusual spaces,
 * full-width forms and unnormalised accents. Nothing is refused.
 *
 * A message without the magic cookie belongs to RFC 3489, which pads what HMAC covers with zeros to a multiple of 64
 * bytes (its section 11.2.8): writing does so there, checking takes either form. */
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <glib.h>

#include "wire/bytes.h"
#include "wire/stun.h"

enum {
    SHA1_SIZE = 20,
    SHA256_SIZE = 32,
    SHA256_MIN = 16, /* the shortest truncation that RFC 8489 section 14.6 allows */
    HMAC_BLOCK = 64, /* of both digests; longer keys are digested first (RFC 2104 section 2) */
    ATTR_HEADER = 4,
};

#define FINGERPRINT_XOR UINT32_C(0x5354554e)

/* ---- keys ---- */

static void digest(const EVP_MD *md, const void *data, size_t len, uint8_t *out)
{
    int ok = EVP_Digest(data, len, out, NULL, md, NULL);
    g_assert(ok == 1); /* a digest of memory fails only when libcrypto lacks the algorithm */
}

hp_stun_key hp_stun_key_short(const char *password, size_t len)
{
    hp_stun_key key = {.length = len};
    if (len <= sizeof key.bytes) {
        if (len > 0) { /* without one `password` may be NULL */
            memcpy(key.bytes, password, len);
        }
        return key;
    }
    key.is_digests = true;
    key.length = SHA1_SIZE + SHA256_SIZE;
    digest(EVP_sha1(), password, len, key.bytes);
    digest(EVP_sha256(), password, len, key.bytes + SHA1_SIZE);
    return key;
}

hp_stun_key hp_stun_key_long(const char *user, const char *realm, const char *password, bool sha256)
{
    g_autofree char *text = g_strjoin(":", user, realm, password, NULL);
    hp_stun_key key = {.length = sha256 ? SHA256_SIZE : 16};
    digest(sha256 ? EVP_sha256() : EVP_md5(), text, strlen(text), key.bytes);
    return key;
}

void hp_stun_userhash(const char *user, const char *realm, uint8_t out[static 32])
{
    g_autofree char *text = g_strjoin(":", user, realm, NULL);
    digest(EVP_sha256(), text, strlen(text), out);
}

/* ---- integrity ---- */

/* HMAC over data[0..covered), its length field replaced, then zeros up to a multiple of `block` bytes. */
static void message_hmac(const uint8_t *data, size_t covered, size_t length_field, const hp_stun_key *key, bool sha256,
                         size_t block, uint8_t out[static SHA256_SIZE])
{
    uint8_t stack[HP_STUN_MAX + HMAC_BLOCK];
    uint8_t *text = stack;
    size_t total = (covered + block - 1) / block * block;
    const uint8_t *key_bytes = key->bytes + (key->is_digests && sha256 ? SHA1_SIZE : 0);
    size_t key_length = !key->is_digests ? key->length : sha256 ? SHA256_SIZE : SHA1_SIZE;

    if (total > sizeof stack) {
        text = g_malloc(total);
    }
    memcpy(text, data, covered);
    memset(text + covered, 0, total - covered);
    hp_put16(text + 2, (uint32_t)length_field);
    const uint8_t *ok = HMAC(sha256 ? EVP_sha256() : EVP_sha1(), key_bytes, (int)key_length, text, total, out, NULL);
    g_assert(ok != NULL);
    if (text != stack) {
        g_free(text);
    }
}

hp_stun_verdict hp_stun_check_integrity(const hp_stun_msg *m, const hp_stun_key *key, bool sha256)
{
    uint8_t expected[SHA256_SIZE];
    hp_stun_attr attr;

    if (!hp_stun_find_protected(m, sha256 ? HP_STUN_MESSAGE_INTEGRITY_SHA256 : HP_STUN_MESSAGE_INTEGRITY, &attr)) {
        return HP_STUN_ABSENT;
    }
    if (sha256 ? attr.length < SHA256_MIN || attr.length > SHA256_SIZE || attr.length % 4 != 0
               : attr.length != SHA1_SIZE) {
        return HP_STUN_BAD;
    }
    size_t covered = (size_t)(attr.value - m->data) - ATTR_HEADER;
    size_t length_field = covered + ATTR_HEADER + attr.length - HP_STUN_HEADER;
    message_hmac(m->data, covered, length_field, key, sha256, 1, expected);
    if (CRYPTO_memcmp(expected, attr.value, attr.length) == 0) {
        return HP_STUN_GOOD;
    }
    if (!m->has_cookie && !sha256) {
        message_hmac(m->data, covered, length_field, key, sha256, HMAC_BLOCK, expected);
        if (CRYPTO_memcmp(expected, attr.value, attr.length) == 0) {
            return HP_STUN_GOOD;
        }
    }
    return HP_STUN_BAD;
}

void hp_stun_add_integrity_of(hp_stun_writer *w, const hp_stun_key *key, bool sha256, size_t size)
{
    static const uint8_t zeros[SHA256_SIZE];
    uint8_t value[SHA256_SIZE];
    size_t covered = w->len;

    g_assert(size <= (sha256 ? SHA256_SIZE : SHA1_SIZE));
    hp_stun_add(w, sha256 ? HP_STUN_MESSAGE_INTEGRITY_SHA256 : HP_STUN_MESSAGE_INTEGRITY, zeros, size);
    if (w->overflow) {
        return;
    }
    bool rfc3489 = hp_get32(w->buf + 4) != HP_STUN_COOKIE && !sha256;
    message_hmac(w->buf, covered, w->len - HP_STUN_HEADER, key, sha256, rfc3489 ? HMAC_BLOCK : 1, value);
    memcpy(w->buf + covered + ATTR_HEADER, value, size);
}

void hp_stun_add_integrity(hp_stun_writer *w, const hp_stun_key *key, bool sha256)
{
    hp_stun_add_integrity_of(w, key, sha256, sha256 ? SHA256_SIZE : SHA1_SIZE);
}

void hp_stun_warm_up(void)
{
    static const uint8_t id[12];
    uint8_t buf[128];
    for (unsigned sha256 = 0; sha256 < 2; sha256++) {
        const hp_stun_key key = hp_stun_key_long("", "", "", sha256 != 0);
        hp_stun_writer w;
        hp_stun_begin(&w, buf, sizeof buf, HP_STUN_REQUEST, HP_STUN_BINDING, id, NULL);
        hp_stun_add_integrity(&w, &key, sha256 != 0);
    }
}

/* ---- fingerprint ---- */

/* CRC-32 with the reflected polynomial edb88320 (ITU-T V.42), four bits a step: 16 entries stay in the cache, and a
 * STUN message is short. */
static uint32_t crc32_update(uint32_t crc, const uint8_t *data, size_t len)
{
    static const uint32_t table[16] = {
        0x00000000, 0x1db71064, 0x3b6e20c8, 0x26d930ac, 0x76dc4190, 0x6b6b51f4, 0x4db26158, 0x5005713c,
        0xedb88320, 0xf00f9344, 0xd6d6a3e8, 0xcb61b38c, 0x9b64c2b0, 0x86d3d2d4, 0xa00ae278, 0xbdbdf21c,
    };
    for (size_t i = 0; i < len; i++) {
        crc ^= data[i];
        crc = crc >> 4 ^ table[crc & 15];
        crc = crc >> 4 ^ table[crc & 15];
    }
    return crc;
}

static uint32_t message_fingerprint(const uint8_t *data, size_t covered, size_t length_field)
{
    uint8_t length[2];
    hp_put16(length, (uint32_t)length_field);
    uint32_t crc = crc32_update(UINT32_MAX, data, 2);
    crc = crc32_update(crc, length, 2);
    crc = crc32_update(crc, data + 4, covered - 4);
    return ~crc ^ FINGERPRINT_XOR;
}

hp_stun_verdict hp_stun_check_fingerprint(const hp_stun_msg *m)
{
    hp_stun_attr attr;
    uint32_t value;

    if (!hp_stun_find(m, HP_STUN_FINGERPRINT, &attr)) {
        return HP_STUN_ABSENT;
    }
    /* It must be the last attribute (RFC 8489 section 14.7). */
    if (!hp_stun_attr_u32(&attr, &value) || attr.value + 4 != m->data + m->length) {
        return HP_STUN_BAD;
    }
    size_t covered = (size_t)(attr.value - m->data) - ATTR_HEADER;
    uint32_t expected = message_fingerprint(m->data, covered, m->length - HP_STUN_HEADER);
    return value == expected ? HP_STUN_GOOD : HP_STUN_BAD;
}

void hp_stun_add_fingerprint(hp_stun_writer *w)
{
    size_t covered = w->len;

    hp_stun_add_u32(w, HP_STUN_FINGERPRINT, 0);
    if (!w->overflow) {
        hp_put32(w->buf + covered + ATTR_HEADER, message_fingerprint(w->buf, covered, w->len - HP_STUN_HEADER));
    }
}
