/* The declared distribution of a link's extra delay, in integers of 2^-32.
 *
 * These are not the functions that the link draws with (world/link_jitter.c): there a uniform number is turned into a
 * delay by the quantile, here a delay into a chance by the distribution function, each computed in its own way.
 *
 *   uniform     (x + 1) / (jitter + 1)
 *   normal      Phi((x - mean) / sigma), of what is not below 0: (Phi(z) - Phi(z0)) / (1 - Phi(z0)), z0 at 0.
 *               Phi(z) = 1/2 + phi(z) (z + z^3/3 + z^5/15 + ...), whose terms are all of one sign, up to 3; from there
 *               on 1 - phi(z) / (z + 1 / (z + 2 / (z + ...))), which loses nothing in the tail; beyond 6.5 it is 0 or 1
 *   Pareto      1 - (jitter / x)^shape = 1 - exp(-shape ln(x / jitter))
 *   lists       counted
 *
 * A limit (jitter_max) moves all that is beyond onto it. A packet that is held back, with the chance p, has that delay
 * more: F(x) (1 - p) + F(x - held) p.
 *
 * Errors stay below 2^-24, which is far less than any bound that samples allow. */
#include "base/rng.h"
#include "check/link_measure.h"

typedef unsigned __int128 uwide;

#define ONE (UINT64_C(1) << 32)
#define LN2 UINT64_C(2977044472) /* 2^32 ln 2 */
#define INVERSE_SQRT_2PI UINT64_C(1713444047) /* 2^32 / sqrt(2 pi) */
#define DEFAULT_HELD (10 * HP_MS)

static uint64_t times(uint64_t a, uint64_t b)
{
    return (uint64_t)((uwide)a * b >> 32);
}

/* exp(-x). x and the result in 2^-32. */
static uint64_t exp_of_minus(uint64_t x)
{
    uint64_t halvings = x / LN2;
    if (halvings >= 33) {
        return 0;
    }
    uint64_t rest = x % LN2, term = ONE, up = ONE, down = 0;
    for (unsigned i = 1; i <= 16 && term > 0; i++) {
        term = times(term, rest) / i;
        if (i % 2 == 0) {
            up += term;
        } else {
            down += term;
        }
    }
    return (up - down) >> halvings;
}

/* ln(a / b) for a >= b > 0, in 2^-32. */
static uint64_t ln_of_ratio(uint64_t a, uint64_t b)
{
    uint64_t whole = 0, bits = 0;
    uwide x = ((uwide)a << 32) / b;
    while (x >= (uwide)2 * ONE) {
        x >>= 1;
        whole++;
    }
    if (whole > 0) {
        x = whole <= 32 ? (((uwide)a << (32 - whole)) / b) : x;
    }
    /* log2 of what lies in [1, 2): a bit with every squaring. */
    uint64_t mantissa = (uint64_t)x;
    for (unsigned i = 0; i < 32; i++) {
        uwide square = (uwide)mantissa * mantissa >> 32;
        bits <<= 1;
        if (square >= (uwide)2 * ONE) {
            square >>= 1;
            bits |= 1;
        }
        mantissa = (uint64_t)square;
    }
    return times((whole << 32) + bits, LN2);
}

/* ---- normal ---- */

/* Phi(z) for z >= 0, in 2^-32. */
static uint64_t phi(uint64_t z)
{
    if (z > 13 * ONE / 2) {
        return ONE;
    }
    uint64_t square = times(z, z), density = times(INVERSE_SQRT_2PI, exp_of_minus(square / 2));
    if (z > 3 * ONE) {
        uint64_t fraction = z;
        for (uint64_t i = 40; i > 0; i--) {
            fraction = z + (uint64_t)(((uwide)i * ONE << 32) / fraction);
        }
        return ONE - (uint64_t)(((uwide)density << 32) / fraction);
    }
    uint64_t term = z, sum = z;
    for (unsigned i = 3; i < 100 && term > 0; i += 2) {
        term = times(term, square) / i;
        sum += term;
    }
    return MIN(ONE / 2 + times(density, sum), ONE);
}

/* Phi((x - mean) / sigma). */
static uint64_t normal_at(hp_time x, hp_time mean, hp_time sigma)
{
    bool above = x >= mean;
    uwide z = ((uwide)(above ? x - mean : mean - x) << 32) / sigma;
    uint64_t p = phi((uint64_t)MIN(z, (uwide)16 * ONE));
    return above ? p : ONE - p;
}

static uint64_t normal(const hp_link_config *c, hp_time x)
{
    if (c->jitter_sigma_ns == 0) {
        return x >= c->jitter_ns ? ONE : 0;
    }
    uint64_t below = normal_at(0, c->jitter_ns, c->jitter_sigma_ns),
             at = normal_at(x, c->jitter_ns, c->jitter_sigma_ns);
    return at <= below ? 0 : (uint64_t)(((uwide)(at - below) << 32) / (ONE - below));
}

/* ---- the others ---- */

static uint64_t pareto(const hp_link_config *c, hp_time x)
{
    if (x < c->jitter_ns) {
        return 0;
    }
    uwide exponent = (uwide)ln_of_ratio(x, c->jitter_ns) * c->jitter_shape_milli / 1000;
    return ONE - exp_of_minus((uint64_t)MIN(exponent, (uwide)64 * ONE));
}

static uint64_t of_list(const hp_link_config *c, hp_time x)
{
    uint64_t n = 0;
    for (unsigned i = 0; i < c->n_jitter_list; i++) {
        n += c->jitter_list[i] <= x;
    }
    return (uint64_t)(((uwide)n << 32) / MAX(c->n_jitter_list, 1)); /* it has one at least */
}

static uint64_t drawn(const hp_link_config *c, hp_time x)
{
    if (!hp_link_config_has_jitter(c)) {
        return ONE;
    }
    switch (c->jitter_kind) {
    case HP_JITTER_UNIFORM:
        return x >= c->jitter_ns ? ONE : (uint64_t)(((uwide)(x + 1) << 32) / ((uwide)c->jitter_ns + 1));
    case HP_JITTER_NORMAL:
        return c->jitter_max_ns != 0 && x >= c->jitter_max_ns ? ONE : normal(c, x);
    case HP_JITTER_PARETO:
        return c->jitter_max_ns != 0 && x >= c->jitter_max_ns ? ONE : pareto(c, x);
    case HP_JITTER_LIST:
    case HP_JITTER_EMPIRICAL:
        return of_list(c, x);
    }
    g_assert_not_reached();
}

hp_time hp_link_held(const hp_link_config *c)
{
    return c->reorder_by_ns != 0 ? c->reorder_by_ns : c->jitter_ns != 0 ? c->jitter_ns : DEFAULT_HELD;
}

uint64_t hp_jitter_at_most(const hp_link_config *c, hp_time x)
{
    uint64_t plain = drawn(c, x), p = MIN(c->reorder_ppb, HP_PPB);
    if (p == 0) {
        return plain;
    }
    hp_time held = hp_link_held(c);
    uint64_t late = x >= held ? drawn(c, x - held) : 0;
    return (uint64_t)(((uwide)plain * (HP_PPB - p) + (uwide)late * p) / HP_PPB);
}

uint64_t hp_jitter_below(const hp_link_config *c, hp_time x)
{
    return x == 0 ? 0 : hp_jitter_at_most(c, x - 1);
}

hp_time hp_link_reach(const hp_link_config *c)
{
    hp_time reach = 0;
    if (hp_link_config_has_jitter(c)) {
        switch (c->jitter_kind) {
        case HP_JITTER_UNIFORM:
            reach = c->jitter_ns;
            break;
        case HP_JITTER_NORMAL:
            reach = c->jitter_max_ns != 0 ? c->jitter_max_ns : c->jitter_sigma_ns != 0 ? HP_NEVER : c->jitter_ns;
            break;
        case HP_JITTER_PARETO:
            reach = c->jitter_max_ns != 0 ? c->jitter_max_ns : HP_NEVER;
            break;
        case HP_JITTER_LIST:
        case HP_JITTER_EMPIRICAL:
            for (unsigned i = 0; i < c->n_jitter_list; i++) {
                reach = MAX(reach, c->jitter_list[i]);
            }
            break;
        }
    }
    return c->reorder_ppb != 0 ? hp_time_add(reach, hp_link_held(c)) : reach;
}
