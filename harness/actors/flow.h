/* Numbered, time-stamped datagrams, or messages of a data channel, from one peer to another: the traffic whose delivery
 * and latency is measured.
 *
 * A datagram of a flow begins with 24 bytes: "HPFL", the flow's number (u32), the sequence number (u64) and the run
 * time it was sent (u64), all big-endian; the rest is a pattern. */
#ifndef HP_ACTORS_FLOW_H
#define HP_ACTORS_FLOW_H

#include "actors/peer.h"

#define HP_FLOW_HEADER 24

typedef struct hp_flows hp_flows; /* all flows of a run */

hp_flows *hp_flows_new(hp_world *world);
/* Cancels what still runs. */
void hp_flows_free(hp_flows *flows);
/* Makes this peer's arriving datagrams and messages known: those that belong to a flow are traced. */
void hp_flows_watch(hp_flows *flows, hp_peer *peer);

typedef struct hp_flow_config {
    hp_peer *from;
    const char *to;
    unsigned stream, component;
    uint32_t size; /* at least HP_FLOW_HEADER */
    hp_time interval;
    uint64_t count;
    const hp_channel_config *channel; /* outlives the flow; NULL: plain datagrams on the component */
    unsigned number; /* one that no other flow has; 0: the next after the highest so far */
} hp_flow_config;

/* Begins at once, over a data channel when that is open; returns the flow's number (1, 2, ...). */
unsigned hp_flows_start(hp_flows *flows, const hp_flow_config *config);
/* A flow that another process sends, with datagrams of that size: what arrives of it is traced as of one's own. */
void hp_flows_expect(hp_flows *flows, unsigned number, uint32_t size);
/* Flows of this process whose last datagram was not sent yet. */
unsigned hp_flows_n_running(const hp_flows *flows);
bool hp_flows_all_done(const hp_flows *flows);

#endif
