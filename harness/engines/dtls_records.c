/* The first look at a datagram: is it DTLS, record by record?
 *
 *     0       1               3               5                               11              13
 *    +-------+---------------+---------------+-------------------------------+---------------+---------
 *    | type  | version       | epoch         | sequence number (48 bits)     | length        | fragment
 *    +-------+---------------+---------------+-------------------------------+---------------+---------
 *
 * RFC 6347 section 4.1.2.7 wants invalid records dropped without a word, and OpenSSL does so for most of them. Two
 * kinds it takes too seriously. A stray datagram that looks like a record would have it answer with an alert; and
 * application data in epoch 0, which nobody may send and anybody can forge, ends its handshake. Both go here. What
 * passes has a known content type, a version of DTLS and all its bytes; whether it is genuine only the keys can tell.
 *
 * Limits: no state. A plaintext alert or handshake message forged by someone on the path passes, as it would on any
 * endpoint of DTLS 1.2. */
#include "engines/dtls_private.h"

enum { HEADER = 13, CHANGE_CIPHER_SPEC = 20, ALERT = 21, HANDSHAKE = 22, APPLICATION_DATA = 23 };

/* Why a record with `left` bytes of datagram at hand is none; *ret_length is its length, header included, or all that
 * is left where the next one cannot be found. */
static const char *judge(const uint8_t *record, size_t left, size_t *ret_length)
{
    *ret_length = left;
    if (record[0] < CHANGE_CIPHER_SPEC || record[0] > APPLICATION_DATA) {
        return "content type";
    }
    if (left < HEADER) {
        return "truncated";
    }
    /* 0xfeff is DTLS 1.0, as a ClientHello may say for the sake of old servers; 0xfefd is DTLS 1.2. */
    if (record[1] != 0xfe || (record[2] != 0xff && record[2] != 0xfd)) {
        return "version";
    }
    size_t length = HEADER + ((size_t)record[11] << 8 | record[12]);
    if (length > left) {
        return "truncated";
    }
    *ret_length = length;
    if (length == HEADER) {
        return "empty";
    }
    if (record[0] == APPLICATION_DATA && record[3] == 0 && record[4] == 0) {
        return "early data";
    }
    return NULL;
}

const char *hp_dtls_records_accept(const uint8_t *data, size_t len, GByteArray *ret, size_t *ret_dropped)
{
    const char *first_fault = len == 0 ? "empty" : NULL;
    *ret_dropped = 0;
    for (size_t at = 0, length; at < len; at += length) {
        const char *fault = judge(data + at, len - at, &length);
        if (fault) {
            *ret_dropped += length;
            first_fault = first_fault ? first_fault : fault;
        } else {
            g_byte_array_append(ret, data + at, (guint)length);
        }
    }
    return first_fault;
}
