/* What a step of the scenario asks of one peer, and whom it asks. The same in both worlds: there is one director, the
 * peers are in its process (virtual) or in processes of their own (live), and each is asked by itself. */
#ifndef HP_PROGRAMS_PEER_STEPS_H
#define HP_PROGRAMS_PEER_STEPS_H

#include "actors/flow.h"
#include "actors/peer.h"
#include "plan/plan.h"

/* The peers that have something to do at the step of that index, in order, as indices of the plan: who calls, who sends
 * (both ends of a `send` with `both`), restarts, holds, closes, maps a port. At most two. Agents and foreign programs
 * alike; a step that begins the scripts of raw peers is hp_peer_steps_begins_script(). */
enum { HP_PEER_STEPS_MAX = 2 };
unsigned hp_peer_steps_asked(const hp_plan *plan, unsigned step, unsigned ret[HP_PEER_STEPS_MAX]);
/* Whether the raw peer of that index begins its script after this step. */
bool hp_peer_steps_begins_script(const hp_plan *plan, unsigned step, unsigned peer);

/* Asks a peer of ours for what the step wants of it: nothing where it is not among those asked. What the peer refuses is
 * traced by it. The plan's names are the peer's. */
void hp_peer_steps_carry_out(const hp_plan *plan, unsigned step, hp_peer *peer, hp_flows *flows);

/* A flow of a `send` step: from, or back (with `both`). */
typedef struct hp_step_flow {
    unsigned number; /* as the trace has it: the flows of a scenario are numbered by their steps, from 1 */
    const char *from, *to;
    const hp_step *step;
    uint64_t count; /* of datagrams */
} hp_step_flow;

/* The flow of that step and direction; false when there is none. */
bool hp_peer_steps_flow(const hp_plan *plan, unsigned step, bool back, hp_step_flow *ret);
/* Makes all flows that come to that peer known, for a process that does not send them itself. */
void hp_peer_steps_expect_flows(const hp_plan *plan, unsigned peer, hp_flows *flows);

#endif
