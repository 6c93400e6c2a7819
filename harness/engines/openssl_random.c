/* OpenSSL's randomness out of a seeded stream.
 *
 * OpenSSL 3 asks its RAND_METHOD first, before any DRBG of a library context: key pairs, ECDSA nonces, hello randoms,
 * explicit GCM nonces and session secrets all pass through it, public and private draws alike. The method is one for
 * the process, so it is put in place once and for all and looks at a pointer of the thread: a stream, which an engine
 * sets around every call into OpenSSL, or nothing, and then OpenSSL's own generator answers as if the method were not
 * there. Other users of OpenSSL in the process (TLS of a web socket, say) notice nothing.
 *
 * All six entries are filled: OpenSSL calls some of them without looking. Seeds and entropy that OpenSSL adds are
 * passed on to its own generator and never reach a stream.
 *
 * Limits: the stream is no cryptographic generator; whoever knows the seed knows every key. RAND_set_rand_method() is
 * deprecated in OpenSSL 3.0 in favour of providers, which could not be swapped a call at a time. */
#define OPENSSL_SUPPRESS_DEPRECATED
#include "engines/openssl_random.h"

#include <glib.h>
#include <openssl/rand.h>

static _Thread_local hp_rng *current;

static int draw(unsigned char *out, int len)
{
    if (!current) {
        return RAND_OpenSSL()->bytes(out, len);
    }
    if (len > 0) {
        hp_rng_bytes(current, out, (size_t)len);
    }
    return 1;
}

static int draw_pseudo(unsigned char *out, int len)
{
    return current ? draw(out, len) : RAND_OpenSSL()->pseudorand(out, len);
}

static int seed(const void *data, int len)
{
    return RAND_OpenSSL()->seed(data, len);
}

static int add(const void *data, int len, double entropy)
{
    return RAND_OpenSSL()->add(data, len, entropy);
}

static int status(void)
{
    return current ? 1 : RAND_OpenSSL()->status();
}

/* OpenSSL clears its own generators away at exit, whatever method is in place. */
static void cleanup(void)
{
}

hp_rng *hp_openssl_random_use(hp_rng *rng)
{
    static const RAND_METHOD method = {
        .seed = seed,
        .bytes = draw,
        .cleanup = cleanup,
        .add = add,
        .pseudorand = draw_pseudo,
        .status = status,
    };
    static gsize installed;
    if (g_once_init_enter(&installed)) {
        if (RAND_set_rand_method(&method) != 1) {
            g_error("libcrypto refuses a random method");
        }
        g_once_init_leave(&installed, 1);
    }
    hp_rng *before = current;
    current = rng;
    return before;
}
