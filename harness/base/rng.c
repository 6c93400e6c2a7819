/* Random streams: xoshiro256** (Blackman and Vigna), seeded by SplitMix64 from the run's seed and the FNV-1a hash of
 * the element's name. Both generators are public-domain algorithms written anew here.
 *
 * Invariants: a stream depends on (seed, name) alone; every draw is integer arithmetic on 64-bit words, and bytes come
 * out in little-endian order, so that all machines agree. Limits: no cryptographic strength. Where that is needed, as a
 * server faces strangers, hp_rng_use_kernel() puts the kernel's generator in the place of all streams. */
#include "base/rng.h"

#include <errno.h>
#include <glib.h>
#include <string.h>
#include <sys/random.h>

static uint64_t rotate_left(uint64_t x, unsigned by)
{
    return x << by | x >> (64 - by);
}

static uint64_t splitmix64(uint64_t *state)
{
    uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

void hp_rng_init(hp_rng *rng, uint64_t run_seed, const char *element_name)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325);
    for (const char *p = element_name; *p != '\0'; p++) {
        hash = (hash ^ (uint8_t)*p) * UINT64_C(0x100000001b3);
    }
    /* The seed goes through the mixer before it meets the name: neighbouring seeds give unrelated streams. */
    uint64_t state = run_seed;
    state = splitmix64(&state) ^ hash;
    for (unsigned i = 0; i < G_N_ELEMENTS(rng->s); i++) {
        rng->s[i] = splitmix64(&state);
    }
    /* The all-zero state is the one from which xoshiro never leaves. SplitMix64 is a bijection of distinct inputs, so
     * at most one of the four words can be zero. */
    g_assert((rng->s[0] | rng->s[1]) != 0);
}

/* ---- the kernel's generator ---- */

static bool from_kernel; /* process-wide, written once */

bool hp_rng_use_kernel(void)
{
    uint64_t word;
    if (getrandom(&word, sizeof word, 0) != (ssize_t)sizeof word) {
        return false;
    }
    from_kernel = true;
    return true;
}

/* The next word of the kernel's, of which some are kept. */
static uint64_t kernel_word(void)
{
    static _Thread_local uint64_t words[32]; /* getrandom() gives 256 bytes whole */
    static _Thread_local unsigned left;
    if (left == 0) {
        while (getrandom(words, sizeof words, 0) != (ssize_t)sizeof words) {
            if (errno != EINTR) {
                g_error("the kernel's random numbers: %s", g_strerror(errno));
            }
        }
        left = G_N_ELEMENTS(words);
    }
    uint64_t word = words[--left];
    words[left] = 0;
    return word;
}

uint64_t hp_rng_u64(hp_rng *rng)
{
    if (G_UNLIKELY(from_kernel)) {
        return kernel_word();
    }
    uint64_t *s = rng->s;
    uint64_t result = rotate_left(s[1] * 5, 7) * 9;
    uint64_t t = s[1] << 17;

    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= t;
    s[3] = rotate_left(s[3], 45);
    return result;
}

/* Lemire's method: the high word of a 64x64 product is uniform once the few low words that would make the first values
 * likelier are drawn again. */
uint64_t hp_rng_below(hp_rng *rng, uint64_t n)
{
    if (n == 0) {
        return 0;
    }
    unsigned __int128 product = (unsigned __int128)hp_rng_u64(rng) * n;
    if ((uint64_t)product < n) {
        uint64_t threshold = -n % n;
        while ((uint64_t)product < threshold) {
            product = (unsigned __int128)hp_rng_u64(rng) * n;
        }
    }
    return (uint64_t)(product >> 64);
}

bool hp_rng_chance(hp_rng *rng, uint32_t ppb)
{
    if (ppb == 0) {
        return false;
    }
    if (ppb >= HP_PPB) {
        return true;
    }
    return hp_rng_below(rng, HP_PPB) < ppb;
}

void hp_rng_bytes(hp_rng *rng, void *out, size_t len)
{
    uint8_t *p = out;
    while (len > 0) {
        uint64_t word = GUINT64_TO_LE(hp_rng_u64(rng));
        size_t n = MIN(len, sizeof word);
        memcpy(p, &word, n);
        p += n;
        len -= n;
    }
}

int64_t hp_rng_normal(hp_rng *rng, uint64_t sigma)
{
    /* Twelve uniforms in [0, 2^32) have variance 1 in units of 2^32. Each has mean (2^32 - 1) / 2, so that the sum is
     * centred by taking off 6 * (2^32 - 1). */
    int64_t sum = -6 * (int64_t)UINT32_MAX;
    for (unsigned i = 0; i < 6; i++) {
        uint64_t word = hp_rng_u64(rng);
        sum += (int64_t)(word & UINT32_MAX) + (int64_t)(word >> 32);
    }
    __int128 scaled = (__int128)sum * sigma / ((int64_t)1 << 32);
    return (int64_t)CLAMP(scaled, INT64_MIN, INT64_MAX);
}
