/* Time is one integer type: nanoseconds. In the virtual world it counts from the start of the run.
 * Every name that holds a time or a span carries no float; units at the edges (YAML, reports) are text. */
#ifndef HP_BASE_TIME_H
#define HP_BASE_TIME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef uint64_t hp_time; /* nanoseconds */

#define HP_NEVER UINT64_MAX
#define HP_US UINT64_C(1000)
#define HP_MS UINT64_C(1000000)
#define HP_S UINT64_C(1000000000)
#define HP_EPOCH_S                                                                                                     \
    UINT64_C(1704067200) /* wall clock at run time 0, as captures and guests see it: 2024-01-01 00:00 UTC */

/* Longest text hp_time_format() writes, terminator included. */
#define HP_TIME_TEXT 32

/* Writes a span for people: "350ns", "20.5ms", "1.250s", "never"; at most three decimals, the rest cut off. Returns
 * buf. hp_unit_format() writes all digits. */
const char *hp_time_format(hp_time t, char buf[static HP_TIME_TEXT]);

/* Reads "20ms", "1.5s", "10m", "2h", "250us", "5ns", "0". A bare number other than 0 is refused
 * (a unit is required). Returns false and leaves *ret_ns alone on bad text or overflow. */
bool hp_time_parse(const char *text, hp_time *ret_ns);

/* a + b, saturating at HP_NEVER. */
static inline hp_time hp_time_add(hp_time a, hp_time b)
{
    return a > HP_NEVER - b ? HP_NEVER : a + b;
}

#endif
