/* Spans as text. Reading is exact: a span that is no whole number of nanoseconds is refused. Writing is for people: one
 * unit, at most three decimals, the rest cut off (never rounded up, so that 0.9999 s does not read as a second). */
#include "base/time.h"

#include "base/decimal.h"

#include <string.h>

static const hp_decimal_unit units[] = {
    {"ns", 1}, {"us", HP_US}, {"ms", HP_MS}, {"s", HP_S}, {"m", 60 * HP_S}, {"h", 3600 * HP_S},
};

const char *hp_time_format(hp_time t, char buf[static HP_TIME_TEXT])
{
    g_autoptr(GString) text = g_string_sized_new(HP_TIME_TEXT);

    if (t == HP_NEVER) {
        g_string_append(text, "never");
    } else if (t < HP_US) {
        g_string_append_printf(text, "%" G_GUINT64_FORMAT "ns", t);
    } else if (t < HP_MS) {
        hp_decimal_append(text, t, HP_US, 3, false);
        g_string_append(text, "us");
    } else if (t < HP_S) {
        hp_decimal_append(text, t, HP_MS, 3, false);
        g_string_append(text, "ms");
    } else {
        hp_decimal_append(text, t, HP_S, 3, true);
        g_string_append_c(text, 's');
    }
    g_strlcpy(buf, text->str, HP_TIME_TEXT);
    return buf;
}

bool hp_time_parse(const char *text, hp_time *ret_ns)
{
    hp_decimal number;
    const char *unit = hp_decimal_read(text, &number);

    if (unit == NULL) {
        return false;
    }
    if (*unit == '\0' && number.mantissa == 0) {
        *ret_ns = 0;
        return true;
    }
    for (size_t i = 0; i < G_N_ELEMENTS(units); i++) {
        uint64_t ns;
        if (strcmp(unit, units[i].name) == 0) {
            /* The last value is HP_NEVER, which no text may mean by accident. */
            if (!hp_decimal_scale(number, units[i].scale, &ns) || ns == HP_NEVER) {
                return false;
            }
            *ret_ns = ns;
            return true;
        }
    }
    return false;
}
