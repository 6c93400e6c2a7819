/* Randomness: what the software under test draws while an environment is entered comes from the environment's stream.
 *
 * libnice draws credentials, the tie-breaker and ports through g_random_int_range(), consent intervals through
 * g_random_double() and STUN transaction ids through gnutls_rnd(). A seed it sets itself is ignored inside: the stream
 * belongs to the run. */
#include "seam/env.h"
#include "seam/symbols.h"

gint32 g_random_int_range(gint32 begin, gint32 end)
{
    hp_seam_env *env = hp_seam_current();
    if (!env) {
        return HP_NEXT(g_random_int_range)(begin, end);
    }
    if (end <= begin) {
        return begin;
    }
    return (gint32)((gint64)begin + (gint64)hp_rng_below(&env->rng, (uint64_t)((gint64)end - begin)));
}

/* In [0, 1): 53 random bits, the most a double holds exactly. */
gdouble g_random_double(void)
{
    hp_seam_env *env = hp_seam_current();
    if (!env) {
        return HP_NEXT(g_random_double)();
    }
    return (gdouble)(hp_rng_u64(&env->rng) >> 11) / (gdouble)(UINT64_C(1) << 53);
}

void g_random_set_seed(guint32 seed)
{
    if (!hp_seam_current()) {
        HP_NEXT(g_random_set_seed)(seed);
    }
}

int gnutls_rnd(int level, void *data, size_t len)
{
    hp_seam_env *env = hp_seam_current();
    if (!env) {
        return HP_NEXT(gnutls_rnd)(level, data, len);
    }
    hp_rng_bytes(&env->rng, data, len);
    return 0;
}
