/* Theory of operation.
 *
 * A packet starts in its sender's zone and goes from zone to zone: outwards through NATs and firewalls until somebody
 * in a zone has the destination's address, then inwards through those whose inside it is. What a NAT does at a crossing
 * is in box.c, what a firewall does in wall.c.
 *
 * There is no time: what a box has learned stays, so that knowledge only grows and repeating everything until nothing
 * changes comes to an end (call.c). */
#include "oracle/walk.h"

#include "oracle/box.h"
#include "wire/dns64.h"

enum { MAX_CROSSINGS = 64 };

/* ---- symbols and state ---- */

void hp_walk_reset(hp_walk_state *state, const hp_ground *ground, hp_luck luck)
{
    state->ground = ground;
    state->luck = luck;
    state->chancy = state->full = false;
    state->changes = 0;
    state->n_symbols = 1;
    state->n_mappings = state->n_contacts = state->n_stolen = state->n_flows = 0;
}

/* Room for one more, or false for ever. */
bool hp_walk_has_room(hp_walk_state *state, unsigned n, unsigned capacity)
{
    state->full |= n >= capacity;
    return n < capacity;
}

uint16_t hp_walk_symbol(hp_walk_state *state, uint16_t first, uint16_t last)
{
    for (unsigned i = 1; first == last && i < state->n_symbols; i++)
        if (state->symbols[i].first == first && state->symbols[i].last == last)
            return (uint16_t)i;
    if (!hp_walk_has_room(state, state->n_symbols, HP_WALK_MAX))
        return HP_WALK_MAX - 1;
    state->symbols[state->n_symbols] = (hp_symbol_range){first, last};
    return (uint16_t)state->n_symbols++;
}

bool hp_walk_is_lucky(hp_walk_state *state)
{
    state->chancy = true;
    return state->luck == HP_LUCK_GOOD;
}

/* ---- the way ---- */

static bool zone_is_cut(const hp_plan *plan, unsigned zone)
{
    return hp_link_is_cut(&plan->zones[zone].link);
}

/* The host's CLAT, on the way out and on the way in (RFC 6877 section 6.3). */
static bool clat_out(const hp_plan_attachment *at, hp_walk *w)
{
    hp_addr v4 = w->dst;
    if (!at->clat6.family || w->src.family != HP_AF_IPV4)
        return true;
    w->src = hp_addr_with_port(at->clat6, w->src.port);
    return hp_dns64_embed(&at->clat_prefix, &v4, &w->dst);
}

static bool clat_in(const hp_holder *to, hp_walk *w)
{
    hp_addr v6 = w->src;
    if (!to->clat)
        return true;
    w->dst = hp_addr_with_port(to->at->clat4, w->dst.port);
    return hp_dns64_extract(&to->at->clat_prefix, &v6, &w->src);
}

static hp_walk stopped(hp_walk w, hp_stop stop, int box)
{
    w.at = NULL;
    w.stop = stop;
    w.box = box;
    return w;
}

/* Through the firewall between a zone and what leads out of it. */
static bool passes_wall(hp_walk_state *state, hp_protocol protocol, hp_walk *w, unsigned zone, bool outwards)
{
    int wall = hp_ground_wall_around(state->ground, zone);
    if (hp_wall_passes(state, wall, outwards, protocol, &w->src, &w->dst))
        return true;
    *w = stopped(*w, outwards ? HP_STOP_WALL_OUT : HP_STOP_WALL_IN, wall);
    return false;
}

/* The steps from a zone: inwards, to somebody there, outwards. True: the packet is in another zone now. */

static bool step_in(hp_walk_state *state, hp_protocol protocol, hp_walk *w, unsigned inner, bool by_route,
                    unsigned *zone)
{
    const hp_plan *plan = state->ground->plan;
    const int nat = plan->zones[inner].nat;
    hp_stop stop = HP_STOP_NONE;
    if (hp_attachment_is_cut(hp_ground_way_out(plan, inner)) || zone_is_cut(plan, inner)) {
        stop = HP_STOP_CUT;
    } else if (nat >= 0) {
        stop = hp_box_go_in(state, protocol, (unsigned)nat, w, by_route);
    }
    if (stop != HP_STOP_NONE) {
        *w = stopped(*w, stop, nat);
        return false;
    }
    *zone = inner;
    return passes_wall(state, protocol, w, inner, false);
}

static void step_to(hp_walk_state *state, hp_protocol protocol, hp_walk *w, const hp_holder *holder)
{
    const int wall = hp_ground_wall_of(state->ground, holder->at);
    if (hp_attachment_is_cut(holder->at))
        *w = stopped(*w, HP_STOP_CUT, -1);
    else if (!clat_in(holder, w))
        *w = stopped(*w, HP_STOP_NO_FAMILY, -1);
    else if (!hp_wall_passes(state, wall, false, protocol, &w->src, &w->dst))
        *w = stopped(*w, HP_STOP_WALL_IN, wall);
    else
        w->at = holder;
}

static bool step_out(hp_walk_state *state, hp_protocol protocol, hp_walk *w, unsigned *zone)
{
    const hp_plan *plan = state->ground->plan;
    const unsigned inner = *zone;
    const hp_plan_attachment *out = hp_ground_way_out(plan, inner);
    const int nat = plan->zones[inner].nat;
    hp_stop stop = HP_STOP_NONE;
    if (!passes_wall(state, protocol, w, inner, true))
        return false;
    if (hp_attachment_is_cut(out) || zone_is_cut(plan, out->zone)) {
        stop = HP_STOP_CUT;
    } else if (nat >= 0) {
        stop = hp_box_go_out(state, protocol, (unsigned)nat, w, zone);
    } else {
        *zone = out->zone;
    }
    if (stop != HP_STOP_NONE) {
        *w = stopped(*w, stop, nat);
        return false;
    }
    return *zone != inner || passes_wall(state, protocol, w, inner, false); /* turned round, it comes in again */
}

static bool step(hp_walk_state *state, hp_protocol protocol, hp_walk *w, unsigned *zone)
{
    const hp_plan *plan = state->ground->plan;
    const hp_plan_zone *z = &plan->zones[*zone];
    const hp_addr ip = hp_addr_with_port(w->dst, 0);
    const hp_holder *holder = hp_ground_find(state->ground, *zone, &ip);
    const int routed = holder ? -1 : hp_ground_route_of(state->ground, *zone, &ip);
    if (routed >= 0)
        return step_in(state, protocol, w, (unsigned)routed, true, zone);
    if (holder && holder->kind == HP_HOLDER_NAT)
        return step_in(state, protocol, w, plan->nats[holder->index].inside_zone, false, zone);
    if (holder)
        step_to(state, protocol, w, holder);
    else if (hp_ground_way_out(plan, *zone) && !hp_prefix_contains(&z->prefix4, &ip) &&
             !hp_prefix_contains(&z->prefix6, &ip))
        return step_out(state, protocol, w, zone);
    else
        *w = stopped(*w, HP_STOP_NO_ROUTE, -1);
    return false;
}

hp_walk hp_walk_send(hp_walk_state *state, hp_protocol protocol, const hp_plan_attachment *from, const hp_addr *src,
                     const hp_addr *dst)
{
    hp_walk w = {.src = *src, .dst = *dst, .box = -1};
    const int wall = hp_ground_wall_of(state->ground, from);
    unsigned zone = from->zone;
    if (src->family != dst->family)
        return stopped(w, HP_STOP_NO_FAMILY, -1);
    if (!hp_wall_passes(state, wall, true, protocol, &w.src, &w.dst))
        return stopped(w, HP_STOP_WALL_OUT, wall);
    if (!clat_out(from, &w))
        return stopped(w, HP_STOP_NO_FAMILY, -1);
    if (hp_attachment_is_cut(from) || zone_is_cut(state->ground->plan, zone))
        return stopped(w, HP_STOP_CUT, -1);
    for (unsigned i = 0; i < MAX_CROSSINGS; i++)
        if (!step(state, protocol, &w, &zone))
            return w;
    return stopped(w, HP_STOP_NO_ROUTE, -1);
}
