/* Certificate fingerprints as SDP carries them: a=fingerprint (RFC 8122 section 5). */
#ifndef HP_ENGINES_DTLS_FINGERPRINT_H
#define HP_ENGINES_DTLS_FINGERPRINT_H

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* In order of strength. MD5 and MD2 are not known: RFC 8122 forbids them. */
typedef enum hp_dtls_hash {
    HP_DTLS_SHA1,
    HP_DTLS_SHA224,
    HP_DTLS_SHA256,
    HP_DTLS_SHA384,
    HP_DTLS_SHA512,
} hp_dtls_hash;

enum { HP_DTLS_MAX_HASH = 64 };

typedef struct hp_dtls_fingerprint {
    hp_dtls_hash hash;
    uint8_t bytes[HP_DTLS_MAX_HASH]; /* zero behind the hash's length */
} hp_dtls_fingerprint;

/* Longest text of one, terminator included: "sha-512 " and 64 times "XX:". */
#define HP_DTLS_FINGERPRINT_TEXT 204

const char *hp_dtls_hash_name(hp_dtls_hash hash); /* "sha-256" */
size_t hp_dtls_hash_length(hp_dtls_hash hash);
/* Of a certificate's DER bytes. */
hp_dtls_fingerprint hp_dtls_fingerprint_of(hp_dtls_hash hash, const uint8_t *der, size_t len);
/* Reads "sha-256 12:AB:..."; letters of either case. False and HP_ERROR_INVALID on an unknown hash, a wrong number of
 * bytes or other bad text. */
bool hp_dtls_fingerprint_parse(const char *text, hp_dtls_fingerprint *ret, GError **error);
/* "sha-256 12:AB:..." with upper-case digits. Returns buf. */
const char *hp_dtls_fingerprint_format(const hp_dtls_fingerprint *fingerprint,
                                       char buf[static HP_DTLS_FINGERPRINT_TEXT]);
bool hp_dtls_fingerprint_equal(const hp_dtls_fingerprint *a, const hp_dtls_fingerprint *b);

#endif
