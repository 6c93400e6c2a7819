/* A comparison from a scenario ("< 90ms", ">= 2", "1..3", "5", "> 99%") as a closed range of int64 in the base unit
 * of its kind: nanoseconds, counts, bytes, bits a second, parts per billion, or thousandths. */
#ifndef HP_BASE_COMPARE_H
#define HP_BASE_COMPARE_H

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

typedef enum hp_unit {
    HP_UNIT_COUNT,
    HP_UNIT_TIME,
    HP_UNIT_RATIO,
    HP_UNIT_BYTES,
    HP_UNIT_RATE,
    HP_UNIT_MILLI, /* a decimal number with up to three places, in thousandths: 4.05 */
} hp_unit;

typedef struct hp_compare {
    int64_t min, max; /* inclusive; INT64_MIN / INT64_MAX where open */
    bool set; /* false: the scenario did not say */
    hp_unit unit;
} hp_compare;

/* Reads text in the given unit; `<`, `<=`, `>`, `>=`, `==` or nothing (equal), or `a..b`. Units as in hp_time_parse,
 * `%` (or a plain fraction 0..1) for ratios, kB/MB/KiB/MiB for bytes, bit/s kbit/s Mbit/s Gbit/s (or bps, kbps, ...)
 * for rates. */
bool hp_compare_parse(const char *text, hp_unit unit, hp_compare *ret);
static inline bool hp_compare_holds(const hp_compare *c, int64_t value)
{
    return value >= c->min && value <= c->max;
}
/* "< 90ms", "1..3", "5". Caller frees. */
char *hp_compare_format(const hp_compare *c);
/* A value in a unit, for people: "20.5ms", "0.1%", "17". Caller frees. */
char *hp_unit_format(hp_unit unit, int64_t value);
/* A ratio as people are shown it: rounded to thousandths of a percent, unless there is less than that to show. */
int64_t hp_ratio_round(int64_t ppb);
bool hp_unit_parse(const char *text, hp_unit unit, int64_t *ret);

#endif
