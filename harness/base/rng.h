/* Seeded random streams: one for each element, derived from (run seed, element name), so that adding an
 * element moves no other's luck. xoshiro256** seeded through SplitMix64; no floating point, no global state (but
 * hp_rng_use_kernel()'s switch). */
#ifndef HP_BASE_RNG_H
#define HP_BASE_RNG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct hp_rng {
    uint64_t s[4];
} hp_rng;

/* Probabilities are parts per billion: 0 never, HP_PPB always. */
#define HP_PPB UINT32_C(1000000000)

void hp_rng_init(hp_rng *rng, uint64_t run_seed, const char *element_name);
/* For a process that serves the real world: from now on every draw of every stream comes from the kernel's generator,
 * and seeds say nothing. Process-wide, never taken back; call it before the first thread, and do not fork after it (a
 * child would draw some of the same numbers). False with errno when the kernel has none. */
bool hp_rng_use_kernel(void);
uint64_t hp_rng_u64(hp_rng *rng);
/* Uniform in [0, n), without modulo bias. n = 0 gives 0. */
uint64_t hp_rng_below(hp_rng *rng, uint64_t n);
/* True with probability ppb / 1e9. Draws nothing for 0 and for HP_PPB or more. */
bool hp_rng_chance(hp_rng *rng, uint32_t ppb);
void hp_rng_bytes(hp_rng *rng, void *out, size_t len);
/* Roughly normal, mean 0, standard deviation sigma (sum of twelve uniforms), clamped to +-6 sigma. */
int64_t hp_rng_normal(hp_rng *rng, uint64_t sigma);

#endif
