/* What delivery, latency and recovered share: which flows they speak of, and when those are done. Private to check/. */
#ifndef HP_CHECK_TRAFFIC_H
#define HP_CHECK_TRAFFIC_H

#include "check/expectation.h"

/* Run time that datagrams in flight are given after their flow's end. */
#define HP_TRAFFIC_GRACE (2 * HP_S)

/* Which flows are meant; NULL: any. */
typedef struct hp_flow_choice {
    const char *from, *to, *channel;
} hp_flow_choice;

bool hp_flow_selected(const hp_flow_facts *flow, const hp_flow_choice *choice);
/* Flows that send steps yet to come, or just carried out, have still to start. */
bool hp_traffic_pending(const hp_facts *facts, const hp_flow_choice *choice);
/* Every selected flow has sent its last datagram, no other can begin, and nothing more is in flight: all arrived, or
 * the grace has passed. */
bool hp_traffic_done(const hp_facts *facts, const hp_flow_choice *choice);

/* ---- the same for tracks (media_calls.c) ---- */

/* Which tracks are meant; NULL: any. */
typedef struct hp_track_choice {
    const char *from, *to;
    bool kinds[HP_MEDIA_N_KINDS];
} hp_track_choice;

bool hp_track_chosen(const hp_track_facts *track, const hp_track_choice *choice);
/* Call steps yet to come, or carried out and still being set up, have chosen tracks to start. */
bool hp_media_pending(const hp_facts *facts, const hp_track_choice *choice);
/* Every chosen track has stopped and its last packets had time to come, and no other can begin. */
bool hp_media_done(const hp_facts *facts, const hp_track_choice *choice);
/* The first track that a call carried out before record `end` is for and that never began: who was to send it to whom.
 * False when all began. */
bool hp_media_missing(const hp_facts *facts, const hp_track_choice *choice, uint64_t end, hp_media_kind *ret_kind,
                      const char **ret_from, const char **ret_to);
/* When the call step was carried out that a track belongs to: the last between the two before it began; the first of
 * all when there is none such. HP_NEVER without a call. */
hp_time hp_media_call_time(const hp_facts *facts, const hp_track_facts *track);

#endif
