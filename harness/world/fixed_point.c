/* Fixed-point mathematics of the jitter distributions and of CoDel's control law.
 *
 * Logarithm: the integer part is the place of the highest bit; each further bit comes from squaring the mantissa and
 * looking whether it reaches 2. Powers: the product of the roots 2^(1/2), 2^(1/4), ... whose bits the exponent has.
 *
 * Normal quantiles: Wichura's rational approximations PPND7 (Applied Statistics 37, 1988, algorithm AS 241), good to
 * six decimals. The tails reach to 9.1 standard
 * deviations, where the 64 bits of u end.
 *
 * Limits: intermediate values are truncated, so the last two or three bits of a result are uncertain, but the same
 * everywhere. */
#include "world/fixed_point.h"

#include <glib.h>
#include <stdbool.h>

enum { FRACTION = 32 };

typedef __int128 wide;
typedef unsigned __int128 uwide;

/* ---- logarithms, powers, roots ---- */

uint64_t hp_fixed_log2(uint64_t x)
{
    g_assert(x != 0);
    unsigned whole = 63 - (unsigned)__builtin_clzll(x);
    uint64_t mantissa = x << (63 - whole); /* [1, 2) in Q63 */
    uint64_t fraction = 0;
    for (unsigned i = 0; i < FRACTION; i++) {
        uwide square = (uwide)mantissa * mantissa >> 63;
        unsigned bit = (unsigned)(square >> 64);
        fraction = fraction << 1 | bit;
        mantissa = (uint64_t)(square >> bit);
    }
    return (uint64_t)whole << FRACTION | fraction;
}

/* 2^(1/2), 2^(1/4), ... 2^(1/2^32) in Q63. */
static const uint64_t roots_of_two[FRACTION] = {
    UINT64_C(0xb504f333f9de6484), UINT64_C(0x9837f0518db8a96f), UINT64_C(0x8b95c1e3ea8bd6e6),
    UINT64_C(0x85aac367cc487b14), UINT64_C(0x82cd8698ac2ba1d7), UINT64_C(0x8164d1f3bc030773),
    UINT64_C(0x80b1ed4fd999ab6c), UINT64_C(0x8058d7d2d5e5f6b0), UINT64_C(0x802c6436d0e04f50),
    UINT64_C(0x8016302f17467628), UINT64_C(0x800b179c82028fd0), UINT64_C(0x80058baf7fee3b5d),
    UINT64_C(0x8002c5d00fdcfcb6), UINT64_C(0x800162e61bed4a48), UINT64_C(0x8000b17292f702a3),
    UINT64_C(0x800058b92abbae02), UINT64_C(0x80002c5c8dade4d7), UINT64_C(0x8000162e44eaf636),
    UINT64_C(0x80000b1721fa7c18), UINT64_C(0x8000058b90de7e4c), UINT64_C(0x800002c5c8678f36),
    UINT64_C(0x80000162e431db9f), UINT64_C(0x800000b1721872d0), UINT64_C(0x80000058b90c1aa8),
    UINT64_C(0x8000002c5c8605a4), UINT64_C(0x800000162e4300e6), UINT64_C(0x8000000b17217ff8),
    UINT64_C(0x800000058b90bfdd), UINT64_C(0x80000002c5c85fe6), UINT64_C(0x8000000162e42ff1),
    UINT64_C(0x80000000b17217f8), UINT64_C(0x8000000058b90bfc),
};

uint64_t hp_fixed_scale_up(uint64_t a, uint64_t exponent)
{
    uint64_t whole = exponent >> FRACTION;
    if (a == 0) {
        return 0;
    }
    if (whole >= 64) {
        return UINT64_MAX;
    }
    uint64_t power = UINT64_C(1) << 63;
    for (unsigned i = 0; i < FRACTION; i++) {
        if (exponent >> (FRACTION - 1 - i) & 1) {
            power = (uint64_t)((uwide)power * roots_of_two[i] >> 63);
        }
    }
    uwide product = (uwide)a * power; /* below 2^128 */
    uwide result = whole < 63 ? product >> (63 - whole) : product;
    bool fits = whole < 63 ? result <= UINT64_MAX : product <= UINT64_MAX >> (whole - 63);
    return fits ? (uint64_t)(whole < 63 ? result : product << (whole - 63)) : UINT64_MAX;
}

uint64_t hp_fixed_sqrt(uwide x)
{
    uint64_t root = 0;
    for (uint64_t bit = UINT64_C(1) << 63; bit != 0; bit >>= 1) {
        uint64_t try = root | bit;
        if ((uwide)try * try <= x) {
            root = try;
        }
    }
    return root;
}

/* ---- the normal distribution ---- */

/* A coefficient, given in units of 10^-10. */
#define Q(tenbillionths) ((int64_t)((wide)INT64_C(tenbillionths) * (INT64_C(1) << FRACTION) / INT64_C(10000000000)))
#define ONE (INT64_C(1) << FRACTION)

/* c[0] + x * (c[1] + x * (...)) */
static int64_t polynomial(const int64_t *c, unsigned n, int64_t x)
{
    wide sum = c[n - 1];
    for (unsigned i = n - 1; i-- > 0;) {
        sum = sum * x / ONE + c[i];
    }
    return (int64_t)sum;
}

/* above / below, of four and at most four coefficients, below[0] being 1. */
static int64_t ratio(const int64_t *above, const int64_t *below, unsigned n_below, int64_t x)
{
    return (int64_t)((wide)polynomial(above, 4, x) * ONE / polynomial(below, n_below, x));
}

static const int64_t middle_above[] = {Q(33871327179), Q(504342719380), Q(1592911320200), Q(591093747200)};
static const int64_t middle_below[] = {ONE, Q(178951694690), Q(787577576640), Q(671875636000)};
static const int64_t near_above[] = {Q(14234372777), Q(27568153900), Q(13067284816), Q(1702382110)};
static const int64_t near_below[] = {ONE, Q(7370016425), Q(1202113298)};
static const int64_t far_above[] = {Q(66579051150), Q(30812263860), Q(4286829434), Q(173372040)};
static const int64_t far_below[] = {ONE, Q(2419789423), Q(122582026)};

#define HALF_MIDDLE Q(4250000000) /* 0.425: how far from 1/2 the middle reaches */
#define MIDDLE_OFFSET Q(1806250000) /* 0.425 squared */
#define NEAR_SHIFT Q(16000000000) /* 1.6 */
#define NEAR_END Q(50000000000) /* 5 */
#define LN_2 Q(6931471806)

int64_t hp_fixed_normal_quantile(uint64_t u)
{
    bool below = u >> 63 == 0;
    uint64_t tail = below ? u : ~u; /* how far from 0 or 1, halves of 2^-64 left out */
    int64_t from_half = (int64_t)((UINT64_C(1) << 63) - 1 - tail) >> (64 - FRACTION);
    int64_t z;
    if (from_half <= HALF_MIDDLE) {
        int64_t r = MIDDLE_OFFSET - (int64_t)((wide)from_half * from_half / ONE);
        z = (int64_t)((wide)from_half * ratio(middle_above, middle_below, 4, r) / ONE);
    } else {
        /* (2 tail + 1) / 2^65 */
        uint64_t bits = (UINT64_C(65) << FRACTION) - hp_fixed_log2(tail << 1 | 1);
        uwide minus_ln = (uwide)bits * LN_2; /* Q64 */
        int64_t r = (int64_t)hp_fixed_sqrt(minus_ln);
        z = r <= NEAR_END ? ratio(near_above, near_below, 3, r - NEAR_SHIFT)
                          : ratio(far_above, far_below, 3, r - NEAR_END);
    }
    return below ? -z : z;
}
