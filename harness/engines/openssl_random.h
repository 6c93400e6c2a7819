/* OpenSSL's randomness out of a seeded stream. Private to the folder. */
#ifndef HP_ENGINES_OPENSSL_RANDOM_H
#define HP_ENGINES_OPENSSL_RANDOM_H

#include "base/rng.h"

/* From now on, on this thread, everything OpenSSL draws comes from rng; NULL: from OpenSSL's own generator again.
 * Returns what it was before, to be put back. */
hp_rng *hp_openssl_random_use(hp_rng *rng);

#endif
