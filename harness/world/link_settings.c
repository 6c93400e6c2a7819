/* A link's settings, and what becomes of its packets when they change.
 *
 * In flight: keeps its delivery. Waiting: keeps what it drew, and meets the delay of the moment it leaves.
 *
 * Another rate, be it constant, in steps or a trace:
 *   - a constant rate lets the packet on the wire finish; a packet on a wire whose rate was changing anyway goes back
 *     to the head of the queue and begins anew, as it might else be stuck in a rate of nothing;
 *   - what waits is sent at the new rate, as soon as the wire is free;
 *   - without a rate all that waits leaves together when the wire is free;
 *   - steps and traces count from the start of the run, or, where the settings say so, from this change.
 * Settings that leave the rate as it is move nobody. The same holds for outages.
 *
 * A smaller queue drops from its tail. CoDel begins without a past when it is turned on. */
#include "world/link_jitter.h"
#include "world/link_private.h"

enum { IPV6_MIN_MTU = 1280 };

static uint32_t what_it_does(const hp_link_config *c)
{
    return (hp_exact_loss_counts(c) ? HP_LINK_DOES_COUNT : 0) | (c->down ? HP_LINK_DOES_DOWN : 0) |
           (c->n_outages != 0 ? HP_LINK_DOES_OUTAGES : 0) | (c->burst_enter_ppb != 0 ? HP_LINK_DOES_BURSTS : 0) |
           (c->loss_ppb != 0 ? HP_LINK_DOES_LOSS : 0) | (hp_link_config_has_jitter(c) ? HP_LINK_DOES_JITTER : 0) |
           (c->reorder_ppb != 0 ? HP_LINK_DOES_REORDER : 0) | (c->corrupt_ppb != 0 ? HP_LINK_DOES_CORRUPT : 0) |
           (c->duplicate_ppb != 0 ? HP_LINK_DOES_DUPLICATE : 0);
}

/* Bursts are turned on or off. */
static void start_chain(hp_link *link, const hp_link_config *old)
{
    const hp_link_config *c = &link->config;
    if (c->burst_enter_ppb == 0) {
        link->in_burst = false;
    } else if (old->burst_enter_ppb == 0 && c->burst_steady) {
        uint64_t all = (uint64_t)MIN(c->burst_enter_ppb, HP_PPB) + MIN(c->burst_leave_ppb, HP_PPB);
        link->in_burst = hp_rng_below(&link->rng, all) < MIN(c->burst_enter_ppb, HP_PPB);
    }
}

/* The packet on a wire whose rate changes goes back to where it waited. */
static void take_back(hp_link *link, hp_time now)
{
    if (!hp_pace_changes(&link->pace) || link->on_wire.w.p == NULL || link->pace.busy_until <= now) {
        return;
    }
    bool found = hp_flight_recall(&link->flight, link->on_wire.w.p);
    g_assert(found);
    if (link->on_wire.twin != NULL) {
        found = hp_flight_recall(&link->flight, link->on_wire.twin);
        g_assert(found);
        hp_packet_free(link->on_wire.twin);
    }
    hp_link_queue_push_back(&link->queue, &link->on_wire.w);
    link->latest = link->on_wire.latest_before;
    link->pace.busy_until = now;
}

static void change_rate(hp_link *link, hp_time now)
{
    const hp_link_config *c = &link->config;
    take_back(link, now);
    link->on_wire.w.p = NULL;
    hp_pace_configure(&link->pace, c, c->times_from_change ? now : 0, now);
    while (link->pace.kind == HP_PACE_NONE && link->queue.n > 0) {
        hp_waiter w = hp_link_queue_take(&link->queue);
        hp_link_depart(link, &w, link->pace.busy_until);
    }
}

static void shrink_queue(hp_link *link)
{
    while (hp_link_queue_is_over(&link->queue, &link->config)) {
        hp_waiter w = hp_link_queue_take_last(&link->queue);
        link->stats.queue_drops++;
        hp_link_drop_waiter(link, &w, HP_DROP_LINK_QUEUE, "the queue was made smaller");
    }
}

void hp_link_take_config(hp_link *link, const hp_link_config *config, bool is_first)
{
    g_assert(hp_link_config_check(config, NULL));
    hp_time now = hp_world_now(link->node.world);
    hp_link_config old = link->config;
    hp_link_config *c = &link->config;
    hp_link_config fresh;
    hp_link_config_copy(config, &fresh);
    hp_exact_loss_configure(&link->exact_loss, &old, &fresh);
    *c = fresh;

    start_chain(link, &old);
    if (is_first || !hp_link_config_same_outages(&old, c)) {
        hp_outage_configure(&link->outage, c->times_from_change ? now : 0);
    }
    if (is_first || !hp_link_config_same_rate(&old, c)) {
        change_rate(link, now);
    }
    if (c->queue_kind != old.queue_kind) {
        link->codel = (hp_codel){0};
    }
    shrink_queue(link);
    hp_link_find_next_start(link);

    link->does = what_it_does(c) | (link->pace.kind != HP_PACE_NONE ? HP_LINK_DOES_PACE : 0);
    link->mtu4 = c->mtu != 0 ? c->mtu : HP_LINK_DEFAULT_MTU;
    link->mtu6 = c->mtu_mode == HP_MTU_BLACK_HOLE ? link->mtu4 : MAX(link->mtu4, IPV6_MIN_MTU);
    hp_link_config_clear(&old);
}
