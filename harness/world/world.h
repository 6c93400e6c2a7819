/* The virtual world: one clock, one heap of timers, and the nodes that packets pass through.
 *
 * One timer fires per step. At one instant the order is (time, class, element id, sequence of arming): links deliver
 * before nodes act on their own deadlines, those before actors, those before the script. An element's id is the order
 * of its creation. hp_world_step() carries out exactly one; both virtual time and the timers fired at one instant are
 * capped, and reaching a cap is an error, not a hang.
 *
 * A node takes packets at numbered ports and owns any timers it needs. Links, NATs, routers and hosts are all nodes.
 * Wiring: hp_node_connect(a, port, b, port) says where what a sends out of a port arrives. Sending never recurses
 * deeply: a link queues, and delivers in a step of its own. */
#ifndef HP_WORLD_WORLD_H
#define HP_WORLD_WORLD_H

#include <glib.h>

#include "base/rng.h"
#include "base/time.h"
#include "trace/trace.h"
#include "wire/packet.h"

typedef struct hp_world hp_world;
typedef struct hp_node hp_node;

typedef enum hp_timer_class {
    HP_TIMER_LINK, /* deliveries */
    HP_TIMER_NODE, /* NAT expiry, reassembly */
    HP_TIMER_ACTOR, /* engines, agents, traffic */
    HP_TIMER_SCRIPT, /* steps, checks */
} hp_timer_class;

/* Embedded in its owner; zero it, then hp_timer_init(). Not armed: legal to arm or free. Armed: legal to re-arm or
 * cancel; freeing its owner without cancelling is a bug (hp_world_free() asserts on it). */
typedef struct hp_timer {
    hp_time at;
    uint64_t order, sequence;
    uint32_t heap_index; /* 0 = not armed */
    uint32_t element;
    hp_timer_class cls;
    void (*fire)(void *owner, hp_time now);
    void *owner;
} hp_timer;

hp_world *hp_world_new(uint64_t seed, hp_trace *trace /* may be NULL */);
/* Frees the world and every node added to it. */
void hp_world_free(hp_world *world);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(hp_world, hp_world_free)

hp_time hp_world_now(const hp_world *world);
hp_trace *hp_world_trace(const hp_world *world);
uint64_t hp_world_seed(const hp_world *world);
/* A random stream of its own for the element of that name. */
void hp_world_rng(const hp_world *world, const char *element_name, hp_rng *ret);
uint64_t hp_world_new_uid(hp_world *world); /* packet identity */
uint32_t hp_world_new_element(hp_world *world); /* for timers of things that are no nodes */

void hp_timer_init(hp_timer *timer, hp_timer_class cls, uint32_t element, void (*fire)(void *owner, hp_time now),
                   void *owner);
/* at in the past fires at the present instant. HP_NEVER cancels. */
void hp_timer_arm(hp_world *world, hp_timer *timer, hp_time at);
void hp_timer_cancel(hp_world *world, hp_timer *timer);
static inline bool hp_timer_is_armed(const hp_timer *timer)
{
    return timer->heap_index != 0;
}

hp_time hp_world_next_deadline(const hp_world *world); /* HP_NEVER when nothing is left */
/* Fires the next timer. False when none is left, or (error set, HP_ERROR_LIMIT) more than a million fired at one
 * instant. */
bool hp_world_step(hp_world *world, GError **error);
/* Steps while the next deadline is at or before `until`, then sets the clock to `until`. False only with error set. */
bool hp_world_run_until(hp_world *world, hp_time until, GError **error);
uint64_t hp_world_steps(const hp_world *world);

/* ---- nodes ---- */

/* How far away a packet is that a node is given a hint of. */
typedef enum hp_hint {
    HP_HINT_FAR, /* several packets away: prefetch where the lookup for it begins */
    HP_HINT_NEAR, /* a few packets away, FAR came before: read what that fetched, prefetch what it leads to */
} hp_hint;

typedef struct hp_node_ops {
    const char *kind;
    /* Takes ownership of p. */
    void (*receive)(hp_node *node, unsigned port, hp_packet *p);
    /* May be NULL. p, in flight in a link, is likely to arrive at that port soon. It hides the latency of memory and
     * has no other effect: it may bring into the cache what receive() will look at, and changes nothing, so that a run
     * is the same with and without. It is called FAR, then NEAR, or less often; p may never arrive. */
    void (*hint)(const hp_node *node, unsigned port, const hp_packet *p, hp_hint hint);
    /* Frees what the node owns, packets in flight included, and cancels its timers; the node itself too. */
    void (*free)(hp_node *node);
} hp_node_ops;

typedef struct hp_port {
    hp_node *node;
    unsigned port;
} hp_port;

/* First member of every node. */
struct hp_node {
    const hp_node_ops *ops;
    hp_world *world;
    char *name; /* owned */
    uint32_t id;
    hp_port *out; /* owned; where each port leads */
    unsigned n_out;
    char *place; /* owned; what drops are traced under, NULL: the name ("link alice>internet" for a link) */
};

/* Called by constructors: fills the common part, registers with the world. n_ports may grow by hp_node_connect(). */
void hp_node_init(hp_node *node, const hp_node_ops *ops, hp_world *world, const char *name);
/* For ops->free of a node: the common part. */
void hp_node_clear(hp_node *node);
/* What `from` sends out of from_port arrives at `to`'s to_port. One direction. */
void hp_node_connect(hp_node *from, unsigned from_port, hp_node *to, unsigned to_port);
static inline bool hp_node_is_connected(const hp_node *node, unsigned port)
{
    return port < node->n_out && node->out[port].node != NULL;
}
/* Sends p out of a port; an unconnected port drops it (no-route, traced). Takes ownership. */
void hp_node_emit(hp_node *node, unsigned port, hp_packet *p);
/* Traces a drop at this node and frees p. detail may be NULL. */
void hp_node_drop(hp_node *node, hp_packet *p, hp_drop_reason reason, const char *detail);

#endif
