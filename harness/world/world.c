/* The world: a clock that jumps from timer to timer, and the nodes that packets pass through.
 *
 * The clock never goes back. A timer armed for the past fires at the present instant, in its place in the order of
 * that instant; as one timer fires per step, whatever it arms for the same instant is sorted among those still due.
 *
 * Everything drawn at random comes from streams named after elements (hp_world_rng), everything that is numbered
 * (elements, packets, arming) from counters of the world, so that a run depends on its seed and its input alone.
 *
 * A node that another is wired to may call it at once: hp_node_emit() is a plain call. Links break the chain of calls,
 * so that a wiring with a link between any two hosts never nests deeper than the number of nodes between two links.
 *
 * Limits: a million timers at one instant is taken for a loop (HP_ERROR_LIMIT). */
#include "world/world.h"

#include "base/error.h"
#include "world/heap.h"

enum { INSTANT_CAP = 1000000 };

struct hp_world {
    hp_heap heap;
    hp_time now;
    uint64_t steps;
    uint64_t fired_now; /* at this instant */
    uint64_t next_uid;
    hp_trace *trace; /* borrowed */
    GPtrArray *nodes; /* of hp_node*, in the order of creation */
    uint64_t seed;
    uint32_t next_element;
};

hp_world *hp_world_new(uint64_t seed, hp_trace *trace)
{
    hp_world *world = g_new0(hp_world, 1);
    world->seed = seed;
    world->trace = trace;
    world->nodes = g_ptr_array_new();
    world->next_uid = 1;
    world->next_element = 1;
    return world;
}

void hp_world_free(hp_world *world)
{
    if (world == NULL) {
        return;
    }
    for (unsigned i = world->nodes->len; i-- > 0;) {
        hp_node *node = g_ptr_array_index(world->nodes, i);
        node->ops->free(node);
    }
    /* What is left now belongs to an owner that forgot to cancel. */
    g_assert(hp_heap_size(&world->heap) == 0);
    hp_heap_clear(&world->heap);
    g_ptr_array_free(world->nodes, TRUE);
    g_free(world);
}

hp_time hp_world_now(const hp_world *world)
{
    return world->now;
}

hp_trace *hp_world_trace(const hp_world *world)
{
    return world->trace;
}

uint64_t hp_world_seed(const hp_world *world)
{
    return world->seed;
}

void hp_world_rng(const hp_world *world, const char *element_name, hp_rng *ret)
{
    hp_rng_init(ret, world->seed, element_name);
}

uint64_t hp_world_new_uid(hp_world *world)
{
    return world->next_uid++;
}

uint32_t hp_world_new_element(hp_world *world)
{
    return world->next_element++;
}

/* ---- timers ---- */

void hp_timer_init(hp_timer *timer, hp_timer_class cls, uint32_t element, void (*fire)(void *owner, hp_time now),
                   void *owner)
{
    *timer = (hp_timer){
        .at = HP_NEVER,
        .order = (uint64_t)cls << 32 | element,
        .element = element,
        .cls = cls,
        .fire = fire,
        .owner = owner,
    };
}

void hp_timer_arm(hp_world *world, hp_timer *timer, hp_time at)
{
    if (at == HP_NEVER) {
        hp_timer_cancel(world, timer);
        return;
    }
    hp_heap_arm(&world->heap, timer, MAX(at, world->now));
}

void hp_timer_cancel(hp_world *world, hp_timer *timer)
{
    hp_heap_cancel(&world->heap, timer);
    timer->at = HP_NEVER;
}

hp_time hp_world_next_deadline(const hp_world *world)
{
    const hp_timer *first = hp_heap_first(&world->heap);
    return first != NULL ? first->at : HP_NEVER;
}

static const char *element_name(const hp_world *world, uint32_t element)
{
    for (unsigned i = 0; i < world->nodes->len; i++) {
        const hp_node *node = g_ptr_array_index(world->nodes, i);
        if (node->id == element) {
            return node->name;
        }
    }
    return "no node";
}

bool hp_world_step(hp_world *world, GError **error)
{
    hp_timer *first = hp_heap_first(&world->heap);
    if (first == NULL) {
        return false;
    }
    if (first->at > world->now) {
        world->now = first->at;
        world->fired_now = 0;
    } else if (world->fired_now >= INSTANT_CAP) {
        char at[HP_TIME_TEXT];
        g_set_error(error, HP_ERROR, HP_ERROR_LIMIT,
                    "more than %d timers at one instant, %s; next is element %u (%s): something feeds itself and lets "
                    "no time pass",
                    INSTANT_CAP, hp_time_format(world->now, at), first->element, element_name(world, first->element));
        return false;
    }
    world->fired_now++;
    world->steps++;
    hp_heap_take(&world->heap);
    first->fire(first->owner, world->now);
    return true;
}

bool hp_world_run_until(hp_world *world, hp_time until, GError **error)
{
    GError *cause = NULL;
    while (hp_world_next_deadline(world) <= until && hp_world_step(world, &cause)) {
    }
    if (cause != NULL) {
        g_propagate_error(error, cause);
        return false;
    }
    /* HP_NEVER means "until nothing is left": the clock stays at the last thing that happened. */
    if (until != HP_NEVER && until > world->now) {
        world->now = until;
        world->fired_now = 0;
    }
    return true;
}

uint64_t hp_world_steps(const hp_world *world)
{
    return world->steps;
}

/* ---- nodes ---- */

void hp_node_init(hp_node *node, const hp_node_ops *ops, hp_world *world, const char *name)
{
    *node = (hp_node){.ops = ops, .world = world, .name = g_strdup(name), .id = hp_world_new_element(world)};
    g_ptr_array_add(world->nodes, node);
}

void hp_node_clear(hp_node *node)
{
    g_free(node->name);
    g_free(node->place);
    g_free(node->out);
    node->name = NULL;
    node->place = NULL;
    node->out = NULL;
    node->n_out = 0;
}

void hp_node_connect(hp_node *from, unsigned from_port, hp_node *to, unsigned to_port)
{
    if (from_port >= from->n_out) {
        from->out = g_renew(hp_port, from->out, from_port + 1);
        for (unsigned i = from->n_out; i <= from_port; i++) {
            from->out[i] = (hp_port){0};
        }
        from->n_out = from_port + 1;
    }
    from->out[from_port] = (hp_port){.node = to, .port = to_port};
}

void hp_node_emit(hp_node *node, unsigned port, hp_packet *p)
{
    if (G_UNLIKELY(!hp_node_is_connected(node, port))) {
        hp_node_drop(node, p, HP_DROP_NO_ROUTE, "nothing is connected there");
        return;
    }
    const hp_port *to = &node->out[port];
    to->node->ops->receive(to->node, to->port, p);
}

void hp_node_drop(hp_node *node, hp_packet *p, hp_drop_reason reason, const char *detail)
{
    hp_world *world = node->world;
    if (world->trace != NULL) {
        hp_trace_drop(world->trace, world->now, node->place != NULL ? node->place : node->name, p, reason, detail);
    }
    hp_packet_free(p);
}
