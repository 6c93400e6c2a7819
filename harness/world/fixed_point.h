/* Private to world/: logarithms, powers and the normal distribution in integer arithmetic, the same on every machine.
 * Q32 is a number times 2^32. */
#ifndef HP_WORLD_FIXED_POINT_H
#define HP_WORLD_FIXED_POINT_H

#include <stdint.h>

/* The base-2 logarithm in Q32, rounded down, the last bits uncertain. x must not be 0. */
uint64_t hp_fixed_log2(uint64_t x);
/* a * 2^exponent, exponent in Q32; UINT64_MAX where that does not fit. */
uint64_t hp_fixed_scale_up(uint64_t a, uint64_t exponent);
/* The root of x, rounded down. */
uint64_t hp_fixed_sqrt(unsigned __int128 x);
/* What a standard normal variable stays below with probability (u + 1/2) / 2^64, in Q32; within 10^-6. */
int64_t hp_fixed_normal_quantile(uint64_t u);

#endif
