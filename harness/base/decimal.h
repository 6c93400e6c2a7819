/* Private to base/: exact decimal numbers, the ground under every span, ratio, size and rate in a scenario. */
#ifndef HP_BASE_DECIMAL_H
#define HP_BASE_DECIMAL_H

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* mantissa / 10^decimals, without trailing zeros after the point. */
typedef struct hp_decimal {
    uint64_t mantissa;
    unsigned decimals;
} hp_decimal;

/* A unit's name and its size in the base unit of its kind. */
typedef struct hp_decimal_unit {
    const char *name;
    uint64_t scale;
} hp_decimal_unit;

/* Reads digits, and a fraction when a digit follows the point (so "1..3" stops before the dots). Returns what follows
 * the number, or NULL when there is none or it has too many digits. */
const char *hp_decimal_read(const char *text, hp_decimal *ret);
/* d * scale; false when that is no whole number or does not fit. */
bool hp_decimal_scale(hp_decimal d, uint64_t scale, uint64_t *ret);
/* value / scale with at most max_decimals digits after the point, the rest cut off; trailing zeros only when pad. */
void hp_decimal_append(GString *out, uint64_t value, uint64_t scale, unsigned max_decimals, bool pad);

#endif
