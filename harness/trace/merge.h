/* One trace out of several: each process of a live run writes its own, and what judges and reports reads one.
 *
 * Records are taken in the order of their times, at one instant in the order in which the traces were added; within a
 * trace they keep their order. They must not be taken before every writer has written what it had to say of that time:
 * `until` of hp_trace_merge_run() stays behind the present by a hold-back. A record that turns up later all the same is
 * appended with the time of the last one, and counted.
 *
 * Packets come from one of the traces alone, so that their numbers, which drops, notes and events speak of, stay what
 * they are. */
#ifndef HP_TRACE_MERGE_H
#define HP_TRACE_MERGE_H

#include "trace/trace.h"

typedef struct hp_trace_merge hp_trace_merge;

/* Into an empty trace, which nobody else appends packets to. It and all others outlive the merge. */
hp_trace_merge *hp_trace_merge_new(hp_trace *into);
void hp_trace_merge_free(hp_trace_merge *merge);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(hp_trace_merge, hp_trace_merge_free)
/* The first one is that with the packets; packets of others are left out. Another process may go on writing to it. */
void hp_trace_merge_add(hp_trace_merge *merge, const hp_trace *from);
/* Takes the records up to that time, at most so many of them. True when none is left. */
bool hp_trace_merge_run(hp_trace_merge *merge, hp_time until, uint64_t most);

/* Takes all that is left of a run that ended then: what was told later bears that time, and media that was sent or came
 * later is left out, as nothing carried it any more. */
void hp_trace_merge_close(hp_trace_merge *merge, hp_time end);

typedef struct hp_trace_merge_stats {
    uint64_t records; /* taken */
    uint64_t late; /* of these, those whose time had passed */
    hp_time worst; /* the furthest that one of them was behind */
} hp_trace_merge_stats;

hp_trace_merge_stats hp_trace_merge_get_stats(const hp_trace_merge *merge);

#endif
