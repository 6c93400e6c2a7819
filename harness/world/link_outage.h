/* Private to world/: the black holes of a link that come at set times. */
#ifndef HP_WORLD_LINK_OUTAGE_H
#define HP_WORLD_LINK_OUTAGE_H

#include "config/link.h"

typedef struct hp_outage {
    hp_time origin; /* from which the windows count */
    hp_time until; /* the state that was found holds until then */
    bool out;
} hp_outage;

/* c must have windows when hp_outage_look() is asked. */
void hp_outage_configure(hp_outage *outage, hp_time origin);
/* Finds the state at now, which is not before the origin. */
void hp_outage_look(hp_outage *outage, const hp_link_config *c, hp_time now);

/* Whether now lies in a window. Never asked about a time before the last one. */
static inline bool hp_outage_holds(hp_outage *outage, const hp_link_config *c, hp_time now)
{
    if (now >= outage->until) {
        hp_outage_look(outage, c, now);
    }
    return outage->out;
}

#endif
