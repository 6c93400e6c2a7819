/* The way of every packet from one tap to the next, and the links in between, out of a trace. Private to check/. */
#ifndef HP_CHECK_LINK_TRANSITS_H
#define HP_CHECK_LINK_TRANSITS_H

#include <glib.h>

#include "plan/plan.h"
#include "trace/trace.h"

/* What a link was told, from a record of the trace on. */
typedef struct hp_lane_epoch {
    uint64_t index; /* of the record; 0 for the first */
    hp_time from;
    hp_time calm; /* whatever was sent before `index` has arrived, or is lost: nobody is held up by it any more */
    hp_time rate_origin, outage_origin; /* from which the instants of rates and outages count */
    const hp_link_config *config;
} hp_lane_epoch;

/* One direction of a link, by the name that the world gives it: "alice/up", "alice/down", "internet/alice". */
typedef struct hp_lane {
    char *name;
    GArray *epochs; /* hp_lane_epoch, at least one */
} hp_lane;

enum { HP_NO_LANE = -1 };

/* Where packets leave a node for its network and come back: what has a tap. */
typedef struct hp_path_end {
    char *tap; /* "alice", "alice/wifi", "home/out", "home/in" */
    unsigned zone;
    int up, crossing, down; /* lanes; a NAT's inside has a crossing alone */
} hp_path_end;

enum { HP_NO_END = -1, HP_PATH_MAX = 3 };

typedef enum hp_transit_end {
    HP_TRANSIT_OPEN, /* nothing more was heard of it */
    HP_TRANSIT_ARRIVED,
    HP_TRANSIT_LOST, /* dropped by the link `lane` */
    HP_TRANSIT_ROUTED, /* dropped by its zone's router, so the crossing was behind it */
    HP_TRANSIT_ELSEWHERE, /* dropped by somebody who is no link */
} hp_transit_end;

/* One packet, from the tap where it was sent to the next one. */
typedef struct hp_transit {
    uint64_t uid, index; /* of its first record */
    uint32_t packet; /* number of that */
    uint32_t length; /* of the IP packet */
    uint32_t offset; /* of a fragment */
    hp_time sent, ended; /* ended: HP_NEVER while open */
    int from, to; /* ends; to: HP_NO_END unless it arrived */
    int lane; /* of HP_TRANSIT_LOST */
    hp_transit_end end;
    hp_drop_reason reason; /* of a loss */
    uint32_t copies; /* what arrived or was dropped on the way, the first included */
    bool corrupt, corrupted; /* as it was sent; on the way */
    bool cut; /* arrived in pieces */
    int64_t next; /* the next older one of that uid that is told apart by nothing, or -1 */
} hp_transit;

typedef struct hp_transits {
    GArray *list; /* hp_transit, in order of sending */
    hp_lane *lanes;
    unsigned n_lanes;
    hp_path_end *ends;
    unsigned n_ends;
    hp_time end; /* of the trace */
} hp_transits;

/* NULL never; a trace that breaks off leaves transits open. */
hp_transits *hp_transits_read(const hp_plan *plan, const hp_trace *trace);
void hp_transits_free(hp_transits *t);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(hp_transits, hp_transits_free)

static inline const hp_transit *hp_transit_at(const hp_transits *t, unsigned i)
{
    return &g_array_index(t->list, hp_transit, i);
}
/* The lane's settings for what is sent with record `index`. */
const hp_lane_epoch *hp_lane_epoch_of(const hp_lane *lane, uint64_t index);
/* Whether it got others after `index` and not after the instant `until`. */
bool hp_lane_changes(const hp_lane *lane, uint64_t index, hp_time until);
/* The lanes that the packet passes, or would have passed, in order; how many. Only the last may be missing where nobody
 * knows where it would have gone. */
unsigned hp_transit_path(const hp_transits *t, const hp_transit *transit, int ret[static HP_PATH_MAX]);
/* HP_NO_LANE when there is none of that name. */
int hp_lane_find(const hp_transits *t, const char *name);

#endif
