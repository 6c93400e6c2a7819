/* A BIO of datagrams in memory.
 *
 * OpenSSL's DTLS takes a read for one datagram and a flush of its own buffer for one, so that no framing is needed. Of
 * the many controls of a datagram BIO it uses few here, the path MTU being set from outside (SSL_OP_NO_QUERY_MTU): the
 * flush; the headers below a datagram, which it takes off the 256 bytes that it wants any link to carry; and the notice
 * that the retransmission timer has moved, which is how the engine learns its deadline without reading a clock. What
 * that notice carries is an absolute time of the host's clock and is not used, only whether it is zero. */
#include "engines/openssl_bio.h"

#include <glib.h>
#include <sys/time.h>

enum { UDP_IPV4_OVERHEAD = 20 + 8 };

typedef struct datagrams {
    const hp_openssl_bio_ops *ops;
    void *user;
} datagrams;

static int bio_write(BIO *bio, const char *data, int len)
{
    const datagrams *d = BIO_get_data(bio);
    BIO_clear_retry_flags(bio);
    if (len > 0) {
        d->ops->write(d->user, (const uint8_t *)data, (size_t)len);
    }
    return len;
}

static int bio_read(BIO *bio, char *out, int cap)
{
    const datagrams *d = BIO_get_data(bio);
    BIO_clear_retry_flags(bio);
    size_t len = cap > 0 ? d->ops->read(d->user, (uint8_t *)out, (size_t)cap) : 0;
    if (len == 0) {
        BIO_set_retry_read(bio);
        return -1;
    }
    return (int)len;
}

static long bio_ctrl(BIO *bio, int command, long number, void *argument)
{
    const datagrams *d = BIO_get_data(bio);
    const struct timeval *expiry = argument;
    switch (command) {
    case BIO_CTRL_FLUSH:
        return 1;
    case BIO_CTRL_DGRAM_SET_NEXT_TIMEOUT:
        d->ops->timer(d->user, expiry->tv_sec != 0 || expiry->tv_usec != 0);
        return 1;
    case BIO_CTRL_DGRAM_GET_MTU_OVERHEAD:
        return UDP_IPV4_OVERHEAD;
    default: /* an open set of numbers; 0 says "not known" */
        return 0;
    }
}

static int bio_create(BIO *bio)
{
    BIO_set_init(bio, 1);
    return 1;
}

static int bio_destroy(BIO *bio)
{
    g_free(BIO_get_data(bio));
    return 1;
}

BIO *hp_openssl_bio_new(const hp_openssl_bio_ops *ops, void *user)
{
    static BIO_METHOD *method; /* one for the process: OpenSSL has few type numbers to give */
    if (g_once_init_enter(&method)) {
        BIO_METHOD *made = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "datagrams");
        g_assert(made);
        BIO_meth_set_write(made, bio_write);
        BIO_meth_set_read(made, bio_read);
        BIO_meth_set_ctrl(made, bio_ctrl);
        BIO_meth_set_create(made, bio_create);
        BIO_meth_set_destroy(made, bio_destroy);
        g_once_init_leave(&method, made);
    }
    BIO *bio = BIO_new(method);
    g_assert(bio);
    datagrams *d = g_new(datagrams, 1);
    *d = (datagrams){.ops = ops, .user = user};
    BIO_set_data(bio, d);
    return bio;
}
