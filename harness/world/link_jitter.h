/* Private to world/: the extra delay of a link's packets. */
#ifndef HP_WORLD_LINK_JITTER_H
#define HP_WORLD_LINK_JITTER_H

#include "base/rng.h"
#include "config/link.h"

/* The next packet's, of any kind. */
hp_time hp_link_jitter_draw_any(const hp_link_config *c, hp_rng *rng, uint32_t *turn);

/* The same; the kind that nearly every link has is decided here. *turn is the place in a list, kept by the link; it may
 * point past the end after a change. */
static inline hp_time hp_link_jitter_draw(const hp_link_config *c, hp_rng *rng, uint32_t *turn)
{
    if (c->jitter_kind == HP_JITTER_UNIFORM && c->jitter_ns < HP_NEVER) {
        return hp_rng_below(rng, c->jitter_ns + 1);
    }
    return hp_link_jitter_draw_any(c, rng, turn);
}

#endif
