/* Comparisons and quantities of a scenario, as closed ranges of integers.
 *
 * Every quantity is exact: "0.1%" is 1,000,000 parts per billion, and what is no whole number of base units is refused.
 * A strict bound moves by one base unit ("< 90ms" has max 89,999,999 ns), which is the same thing for integers. Writing
 * a range picks, for each bound, the shorter of the strict and the closed form, so that "< 90ms" is written as it was
 * read; a count is always written closed. hp_unit_parse() reads what hp_unit_format() writes, to the last digit. */
#include "base/compare.h"

#include <assert.h>
#include <string.h>

#include "base/decimal.h"
#include "base/rng.h"
#include "base/time.h"

/* Largest first among those that formatting may choose; the rest are read only. */
typedef struct unit_kind {
    const hp_decimal_unit *units;
    unsigned n_units, n_written;
    unsigned max_decimals; /* a unit that would need more is passed over for a smaller one */
    bool bare; /* a number may stand without a unit */
    uint64_t max;
} unit_kind;

static const hp_decimal_unit count_units[] = {{"", 1}};
static const hp_decimal_unit time_units[] = {
    {"s", HP_S}, {"ms", HP_MS}, {"us", HP_US}, {"ns", 1}, {"m", 60 * HP_S}, {"h", 3600 * HP_S},
};
static const hp_decimal_unit ratio_units[] = {{"%", HP_PPB / 100}};
static const hp_decimal_unit byte_units[] = {
    {"GB", 1000000000}, {"MB", 1000000}, {"kB", 1000}, {"B", 1}, {"GiB", 1073741824}, {"MiB", 1048576}, {"KiB", 1024},
};
static const hp_decimal_unit milli_units[] = {{"", 1000}};
static const hp_decimal_unit rate_units[] = {
    {"Gbit/s", 1000000000}, {"Mbit/s", 1000000}, {"kbit/s", 1000}, {"bit/s", 1},
    {"Gbps", 1000000000},   {"Mbps", 1000000},   {"kbps", 1000},   {"bps", 1},
};

static const unit_kind kinds[] = {
    [HP_UNIT_COUNT] = {count_units, 1, 1, 0, true, INT64_MAX},
    [HP_UNIT_TIME] = {time_units, 6, 4, 9, false, INT64_MAX},
    [HP_UNIT_RATIO] = {ratio_units, 1, 1, 9, true, HP_PPB},
    [HP_UNIT_BYTES] = {byte_units, 7, 4, 3, true, INT64_MAX},
    [HP_UNIT_RATE] = {rate_units, 8, 4, 9, false, INT64_MAX},
    [HP_UNIT_MILLI] = {milli_units, 1, 1, 3, true, INT64_MAX},
};
static_assert(G_N_ELEMENTS(kinds) == HP_UNIT_MILLI + 1, "one entry a unit");

/* A bare number counts in base units, but for a ratio, where it is a fraction of the whole, and thousandths, where it
 * is the number itself. */
static uint64_t bare_scale(hp_unit unit)
{
    return unit == HP_UNIT_RATIO ? HP_PPB : unit == HP_UNIT_MILLI ? 1000 : 1;
}

static const char *skip_blanks(const char *p)
{
    return p + strspn(p, " \t");
}

/* Reads one quantity at the start of text. Returns what follows it, or NULL. */
static const char *read_quantity(const char *text, hp_unit unit, int64_t *ret)
{
    const unit_kind *kind = &kinds[unit];
    hp_decimal number;
    uint64_t value;
    const char *p = hp_decimal_read(text, &number);

    if (p == NULL) {
        return NULL;
    }
    size_t len = strcspn(p, " \t.");
    uint64_t scale = 0;
    if (len == 0 && (kind->bare || number.mantissa == 0)) {
        scale = bare_scale(unit);
    }
    for (unsigned i = 0; len > 0 && i < kind->n_units; i++) {
        if (strlen(kind->units[i].name) == len && strncmp(p, kind->units[i].name, len) == 0) {
            scale = kind->units[i].scale;
        }
    }
    if (scale == 0 || !hp_decimal_scale(number, scale, &value) || value > kind->max) {
        return NULL;
    }
    *ret = (int64_t)value;
    return p + len;
}

bool hp_unit_parse(const char *text, hp_unit unit, int64_t *ret)
{
    int64_t value;
    const char *end = read_quantity(skip_blanks(text), unit, &value);

    if (end == NULL || *skip_blanks(end) != '\0') {
        return false;
    }
    *ret = value;
    return true;
}

typedef enum bound { BOUND_LESS, BOUND_AT_MOST, BOUND_MORE, BOUND_AT_LEAST, BOUND_EQUAL } bound;

static const char *read_operator(const char *p, bound *ret)
{
    static const struct {
        const char *text;
        bound bound;
    } operators[] = {
        {"<=", BOUND_AT_MOST}, {">=", BOUND_AT_LEAST}, {"==", BOUND_EQUAL}, {"<", BOUND_LESS}, {">", BOUND_MORE},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(operators); i++) {
        if (g_str_has_prefix(p, operators[i].text)) {
            *ret = operators[i].bound;
            return skip_blanks(p + strlen(operators[i].text));
        }
    }
    *ret = BOUND_EQUAL;
    return p;
}

bool hp_compare_parse(const char *text, hp_unit unit, hp_compare *ret)
{
    hp_compare c = {.min = INT64_MIN, .max = INT64_MAX, .set = true, .unit = unit};
    const char *start = skip_blanks(text);
    bound operator;
    const char *p = read_operator(start, &operator);
    bool bare = p == start;
    int64_t value;

    p = read_quantity(p, unit, &value);
    if (p == NULL) {
        return false;
    }
    p = skip_blanks(p);
    switch (operator) {
    case BOUND_LESS:
        c.max = value - 1;
        break;
    case BOUND_AT_MOST:
        c.max = value;
        break;
    case BOUND_MORE:
        if (value == INT64_MAX) {
            return false;
        }
        c.min = value + 1;
        break;
    case BOUND_AT_LEAST:
        c.min = value;
        break;
    case BOUND_EQUAL:
        c.min = c.max = value;
        break;
    }
    if (bare && p[0] == '.' && p[1] == '.') {
        p = read_quantity(skip_blanks(p + 2), unit, &c.max);
        if (p == NULL || c.max < c.min) {
            return false;
        }
        p = skip_blanks(p);
    }
    if (*p != '\0') {
        return false;
    }
    *ret = c;
    return true;
}

/* Whether value / scale is written exactly with that many decimals. */
static bool fits(uint64_t value, uint64_t scale, unsigned decimals)
{
    unsigned __int128 shifted = value;

    g_assert(scale > 0);
    while (decimals-- > 0) {
        shifted *= 10;
    }
    return shifted % scale == 0;
}

int64_t hp_ratio_round(int64_t ppb)
{
    const int64_t step = 10000;
    return ppb < step ? ppb : (ppb + step / 2) / step * step;
}

char *hp_unit_format(hp_unit unit, int64_t value)
{
    const unit_kind *kind = &kinds[unit];
    uint64_t magnitude = value < 0 ? -(uint64_t)value : (uint64_t)value;
    GString *out = g_string_new(value < 0 ? "-" : NULL);
    unsigned i = 0;

    if (magnitude == 0 && unit != HP_UNIT_RATIO) {
        g_string_append_c(out, '0');
        return g_string_free(out, FALSE);
    }
    while (i + 1 < kind->n_written &&
           (magnitude < kind->units[i].scale || !fits(magnitude, kind->units[i].scale, kind->max_decimals))) {
        i++;
    }
    hp_decimal_append(out, magnitude, kind->units[i].scale, kind->max_decimals, false);
    g_string_append(out, kind->units[i].name);
    return g_string_free(out, FALSE);
}

/* One bound: `closed` ("<=") of value, or `strict` ("<") of its neighbour, whichever is shorter. */
static char *format_bound(hp_unit unit, const char *closed, const char *strict, int64_t value, int64_t neighbour,
                          bool has_neighbour)
{
    g_autofree char *exact = hp_unit_format(unit, value);

    if (has_neighbour && unit != HP_UNIT_COUNT) {
        g_autofree char *next = hp_unit_format(unit, neighbour);
        if (strlen(next) < strlen(exact)) {
            return g_strdup_printf("%s %s", strict, next);
        }
    }
    return g_strdup_printf("%s %s", closed, exact);
}

char *hp_compare_format(const hp_compare *c)
{
    if (!c->set || (c->min == INT64_MIN && c->max == INT64_MAX)) {
        return g_strdup("any");
    }
    if (c->min == c->max) {
        return hp_unit_format(c->unit, c->min);
    }
    if (c->min == INT64_MIN) {
        if (c->max < 0) { /* "< 0": reads back */
            g_autofree char *zero = hp_unit_format(c->unit, c->max + 1);
            return g_strdup_printf("< %s", zero);
        }
        return format_bound(c->unit, "<=", "<", c->max, c->max < INT64_MAX ? c->max + 1 : 0, c->max < INT64_MAX);
    }
    if (c->max == INT64_MAX) {
        return format_bound(c->unit, ">=", ">", c->min, c->min > INT64_MIN ? c->min - 1 : 0, c->min > 0);
    }
    g_autofree char *min = hp_unit_format(c->unit, c->min);
    g_autofree char *max = hp_unit_format(c->unit, c->max);
    return g_strdup_printf("%s..%s", min, max);
}
