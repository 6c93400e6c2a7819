/* Fingerprints: the text of a=fingerprint, and the hash over a certificate's DER encoding behind it (RFC 8122
 * section 5). Reading is strict (two digits a byte, single colons, exactly as many bytes as the hash has), because a
 * peer that mangles its fingerprint is a fault worth reporting where it happens rather than as a failed handshake. */
#include "engines/dtls_fingerprint.h"

#include <assert.h>
#include <openssl/evp.h>
#include <string.h>

#include "base/error.h"

static const struct {
    const char *name;
    size_t length;
} hashes[] = {
    [HP_DTLS_SHA1] = {"sha-1", 20},     [HP_DTLS_SHA224] = {"sha-224", 28}, [HP_DTLS_SHA256] = {"sha-256", 32},
    [HP_DTLS_SHA384] = {"sha-384", 48}, [HP_DTLS_SHA512] = {"sha-512", 64},
};
static_assert(G_N_ELEMENTS(hashes) == HP_DTLS_SHA512 + 1, "a row for each hash");

const char *hp_dtls_hash_name(hp_dtls_hash hash)
{
    return hashes[hash].name;
}

size_t hp_dtls_hash_length(hp_dtls_hash hash)
{
    return hashes[hash].length;
}

static const EVP_MD *digest(hp_dtls_hash hash)
{
    switch (hash) {
    case HP_DTLS_SHA1:
        return EVP_sha1();
    case HP_DTLS_SHA224:
        return EVP_sha224();
    case HP_DTLS_SHA256:
        return EVP_sha256();
    case HP_DTLS_SHA384:
        return EVP_sha384();
    case HP_DTLS_SHA512:
        return EVP_sha512();
    }
    g_assert_not_reached();
}

hp_dtls_fingerprint hp_dtls_fingerprint_of(hp_dtls_hash hash, const uint8_t *der, size_t len)
{
    hp_dtls_fingerprint fingerprint = {.hash = hash};
    unsigned written = 0;
    if (EVP_Digest(der, len, fingerprint.bytes, &written, digest(hash), NULL) != 1 || written != hashes[hash].length) {
        g_error("libcrypto has no %s", hashes[hash].name);
    }
    return fingerprint;
}

bool hp_dtls_fingerprint_parse(const char *text, hp_dtls_fingerprint *ret, GError **error)
{
    size_t name_length = strcspn(text, " ");
    hp_dtls_fingerprint parsed = {0};
    unsigned hash = 0;
    while (hash < G_N_ELEMENTS(hashes) && (strlen(hashes[hash].name) != name_length ||
                                           g_ascii_strncasecmp(text, hashes[hash].name, name_length) != 0)) {
        hash++;
    }
    if (hash == G_N_ELEMENTS(hashes)) {
        g_set_error(error, HP_ERROR, HP_ERROR_INVALID, "fingerprint: no hash function \"%.*s\"",
                    (int)MIN(name_length, 40), text);
        return false;
    }
    parsed.hash = (hp_dtls_hash)hash;
    const char *p = text + name_length + strspn(text + name_length, " ");
    for (size_t i = 0; i < hashes[hash].length; i++) {
        if (i > 0 && *p++ != ':') {
            g_set_error(error, HP_ERROR, HP_ERROR_INVALID, "fingerprint: %s needs %zu bytes with colons between them",
                        hashes[hash].name, hashes[hash].length);
            return false;
        }
        if (!g_ascii_isxdigit(p[0]) || !g_ascii_isxdigit(p[1])) {
            g_set_error(error, HP_ERROR, HP_ERROR_INVALID, "fingerprint: byte %zu is not two hexadecimal digits",
                        i + 1);
            return false;
        }
        parsed.bytes[i] = (uint8_t)(g_ascii_xdigit_value(p[0]) << 4 | g_ascii_xdigit_value(p[1]));
        p += 2;
    }
    if (*p != '\0') {
        g_set_error(error, HP_ERROR, HP_ERROR_INVALID, "fingerprint: more than the %zu bytes of %s",
                    hashes[hash].length, hashes[hash].name);
        return false;
    }
    *ret = parsed;
    return true;
}

const char *hp_dtls_fingerprint_format(const hp_dtls_fingerprint *fingerprint,
                                       char buf[static HP_DTLS_FINGERPRINT_TEXT])
{
    static const char digits[] = "0123456789ABCDEF";
    char *p = g_stpcpy(buf, hashes[fingerprint->hash].name);
    for (size_t i = 0; i < hashes[fingerprint->hash].length; i++) {
        *p++ = i > 0 ? ':' : ' ';
        *p++ = digits[fingerprint->bytes[i] >> 4];
        *p++ = digits[fingerprint->bytes[i] & 15];
    }
    *p = '\0';
    return buf;
}

bool hp_dtls_fingerprint_equal(const hp_dtls_fingerprint *a, const hp_dtls_fingerprint *b)
{
    return a->hash == b->hash && memcmp(a->bytes, b->bytes, hashes[a->hash].length) == 0;
}
