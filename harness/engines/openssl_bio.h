/* A BIO of datagrams in memory: what OpenSSL's DTLS reads from and writes to. Private to the folder. */
#ifndef HP_ENGINES_OPENSSL_BIO_H
#define HP_ENGINES_OPENSSL_BIO_H

#include <openssl/bio.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct hp_openssl_bio_ops {
    /* One call is one datagram. */
    void (*write)(void *user, const uint8_t *data, size_t len);
    /* Takes the waiting datagram, cut off at cap. 0: there is none. */
    size_t (*read)(void *user, uint8_t *out, size_t cap);
    /* The retransmission timer was started (anew) or stopped. */
    void (*timer)(void *user, bool running);
} hp_openssl_bio_ops;

/* ops and user must outlive it. */
BIO *hp_openssl_bio_new(const hp_openssl_bio_ops *ops, void *user);

#endif
