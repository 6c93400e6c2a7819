/* What delivery, latency and recovered share: which flows they speak of, and when those are done. Private to check/. */
#ifndef HP_CHECK_TRAFFIC_H
#define HP_CHECK_TRAFFIC_H

#include "check/expectation.h"

/* Run time that datagrams in flight are given after their flow's end. */
#define HP_TRAFFIC_GRACE (2 * HP_S)

static inline bool hp_flow_selected(const hp_flow_facts *flow, const char *from, const char *to)
{
    return (from == NULL || strcmp(from, flow->from) == 0) && (to == NULL || strcmp(to, flow->to) == 0);
}
/* Flows that send steps yet to come, or just carried out, have still to start. */
bool hp_traffic_pending(const hp_facts *facts, const char *from, const char *to);
/* Every selected flow has sent its last datagram, no other can begin, and nothing more is in flight: all arrived, or
 * the grace has passed. */
bool hp_traffic_done(const hp_facts *facts, const char *from, const char *to);

#endif
