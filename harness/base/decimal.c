/* Exact decimal numbers without floating point.
 *
 * A number is read as an integer mantissa and a count of decimals, then multiplied by the size of its unit. The product
 * must be whole in the base unit (1.5ns is refused, not rounded) and must fit 64 bits. Writing goes the other way: the
 * quotient, then up to 18 digits of the remainder. 128-bit intermediates make both free of overflow. */
#include "base/decimal.h"

/* 10^18 is the largest power that leaves the 128-bit products below in range for any 64-bit scale. */
enum { MAX_DECIMALS = 18 };

static uint64_t power_of_ten(unsigned exponent)
{
    uint64_t power = 1;
    while (exponent-- > 0) {
        power *= 10;
    }
    return power;
}

const char *hp_decimal_read(const char *text, hp_decimal *ret)
{
    const char *p = text;
    hp_decimal d = {0, 0};
    unsigned zeros = 0; /* of the fraction, not yet taken into the mantissa */
    bool fraction = false;

    if (!g_ascii_isdigit(*p)) {
        return NULL;
    }
    for (;; p++) {
        if (!fraction && *p == '.' && g_ascii_isdigit(p[1])) {
            fraction = true;
            continue;
        }
        if (!g_ascii_isdigit(*p)) {
            break;
        }
        if (fraction && *p == '0') {
            zeros++;
            continue;
        }
        for (unsigned n = fraction ? zeros + 1 : 1; n > 0; n--) {
            if (d.mantissa > UINT64_MAX / 10) {
                return NULL;
            }
            d.mantissa *= 10;
        }
        if (fraction) {
            d.decimals += zeros + 1;
            zeros = 0;
        }
        unsigned digit = (unsigned)(*p - '0');
        if (d.mantissa > UINT64_MAX - digit || d.decimals > MAX_DECIMALS) {
            return NULL;
        }
        d.mantissa += digit;
    }
    *ret = d;
    return p;
}

bool hp_decimal_scale(hp_decimal d, uint64_t scale, uint64_t *ret)
{
    uint64_t divisor = power_of_ten(d.decimals);
    unsigned __int128 product = (unsigned __int128)d.mantissa * scale;

    if (product % divisor != 0 || product / divisor > UINT64_MAX) {
        return false;
    }
    *ret = (uint64_t)(product / divisor);
    return true;
}

void hp_decimal_append(GString *out, uint64_t value, uint64_t scale, unsigned max_decimals, bool pad)
{
    char digits[MAX_DECIMALS + 1];
    unsigned n = 0;
    uint64_t rest = value % scale;

    g_string_append_printf(out, "%" G_GUINT64_FORMAT, value / scale);
    while (n < max_decimals && n < MAX_DECIMALS && (pad || rest > 0)) {
        unsigned __int128 tenfold = (unsigned __int128)rest * 10;
        digits[n++] = (char)('0' + (int)(tenfold / scale));
        rest = (uint64_t)(tenfold % scale);
    }
    while (!pad && n > 0 && digits[n - 1] == '0') {
        n--;
    }
    if (n > 0) {
        g_string_append_c(out, '.');
        g_string_append_len(out, digits, n);
    }
}
