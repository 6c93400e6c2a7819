/* Jitter, drawn from the link's stream in integer arithmetic.
 *
 *   uniform     one draw in [0, jitter]
 *   normal      the quantile of one 64-bit draw, times sigma, plus the mean; again while that is below 0, at most every
 *               other time, as the mean is not below 0 itself
 *   Pareto      jitter * U^(-1/shape), U uniform in (0, 1]: a smallest delay with a heavy tail. With a shape of 1 or
 *               less the mean is infinite, and jitter_max_ns is what bounds it
 *   list        replays, and draws nothing
 *   empirical   one draw of a place in the list
 *
 * Limits: draws are independent of each other; what hangs together comes from a list. */
#include "world/link_jitter.h"

#include "world/fixed_point.h"

static hp_time cut(const hp_link_config *c, hp_time drawn)
{
    return c->jitter_max_ns != 0 ? MIN(drawn, c->jitter_max_ns) : drawn;
}

static hp_time draw_normal(const hp_link_config *c, hp_rng *rng)
{
    if (c->jitter_sigma_ns == 0) {
        return c->jitter_ns;
    }
    __int128 value;
    do {
        __int128 z = hp_fixed_normal_quantile(hp_rng_u64(rng));
        value = c->jitter_ns + z * c->jitter_sigma_ns / ((int64_t)1 << 32);
    } while (value < 0);
    return (hp_time)MIN(value, (__int128)HP_NEVER);
}

static hp_time draw_pareto(const hp_link_config *c, hp_rng *rng)
{
    uint64_t u = hp_rng_u64(rng);
    /* U = (u + 1) / 2^64; at most 64 in Q32, so that 1000 times it fits. */
    uint64_t minus_log2 = u == UINT64_MAX ? 0 : (UINT64_C(64) << 32) - hp_fixed_log2(u + 1);
    return hp_fixed_scale_up(c->jitter_ns, minus_log2 * 1000 / c->jitter_shape_milli);
}

hp_time hp_link_jitter_draw_any(const hp_link_config *c, hp_rng *rng, uint32_t *turn)
{
    switch (c->jitter_kind) {
    case HP_JITTER_UNIFORM:
        return hp_rng_below(rng, c->jitter_ns == HP_NEVER ? HP_NEVER : c->jitter_ns + 1);
    case HP_JITTER_NORMAL:
        return cut(c, draw_normal(c, rng));
    case HP_JITTER_PARETO:
        return cut(c, draw_pareto(c, rng));
    case HP_JITTER_LIST: {
        uint32_t i = *turn < c->n_jitter_list ? *turn : 0;
        *turn = i + 1;
        return c->jitter_list[i];
    }
    case HP_JITTER_EMPIRICAL:
        return c->jitter_list[hp_rng_below(rng, c->n_jitter_list)];
    }
    g_assert_not_reached();
}
