/* Private to world/: CoDel (RFC 8289), which looks at each packet as it leaves a queue. */
#ifndef HP_WORLD_CODEL_H
#define HP_WORLD_CODEL_H

#include <stdbool.h>
#include <stdint.h>

#include "base/time.h"

typedef struct hp_codel_settings {
    hp_time target, interval;
    uint32_t mtu; /* a queue of no more bytes than this is never too long */
} hp_codel_settings;

typedef enum hp_codel_verdict { HP_CODEL_SEND, HP_CODEL_DROP, HP_CODEL_MARK } hp_codel_verdict;

/* Zeroed, it has seen nothing. */
typedef struct hp_codel {
    hp_time first_above; /* when waiting will have been too long for one interval; 0 = it is not too long */
    hp_time drop_next;
    uint32_t count, last_count; /* drops since the dropping began, and in the spell before */
    bool dropping;
    bool again; /* the packet before was dropped in this very step of the dropping state ... */
    bool entered; /* ... or on entering that state */
} hp_codel;

/* What becomes of the packet at the head, which has waited for `waited` and leaves `bytes` behind in the queue. After
 * HP_CODEL_DROP the next one is asked about at the same instant, or hp_codel_is_empty() told. may_mark: the packet can
 * bear a mark, and takes it instead of being dropped. */
hp_codel_verdict hp_codel_judge(hp_codel *codel, const hp_codel_settings *settings, hp_time now, hp_time waited,
                                uint64_t bytes, bool may_mark);
/* The last packet was dropped, and none is left to send. (One that is sent and leaves none behind ends everything by
 * itself, as nothing is behind it.) */
void hp_codel_is_empty(hp_codel *codel);
/* t + interval / sqrt(count), rounded down. */
hp_time hp_codel_control_law(hp_time t, hp_time interval, uint32_t count);

#endif
