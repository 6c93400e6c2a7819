/* Private to run/: peers, servers and the broker as programs. */
#ifndef HP_RUN_LIVE_CAST_H
#define HP_RUN_LIVE_CAST_H

#include "programs/crew.h"
#include "run/cast.h"
#include "run/live_net.h"

/* All outlive it. */
hp_cast *hp_live_cast_new(hp_rig *rig, hp_crew *crew, hp_live_net *net);

#endif
