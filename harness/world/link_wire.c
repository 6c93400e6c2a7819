/* A packet's way from the queue over the wire to the far end; link.c describes the whole.
 *
 * What chance does to it is drawn once it is sure of a place, in the order of config/link.h, and waits with it: so the
 * link's stream depends only on what enters and when.
 *
 * Packets that may start at an instant do so before another that enters at that instant is looked at, whichever of the
 * two events comes first. A start needs no event of its own, as nobody can tell whether it was carried out at its time
 * or just before the next packet enters, is delivered, or the settings change: `wake` is the first time at which the
 * head of the queue could be delivered. Only CoDel's drops show when they happen, and are made at their instant. */
#include "world/link_jitter.h"
#include "world/link_private.h"

#define DEFAULT_REORDER (10 * HP_MS)
#define DEFAULT_CODEL_TARGET (5 * HP_MS)
#define DEFAULT_CODEL_INTERVAL (100 * HP_MS)

/* ---- from the wire to the far end ---- */

static inline hp_packet *depart(hp_link *link, const hp_waiter *w, hp_time left)
{
    hp_time at = hp_time_add(hp_time_add(left, link->config.delay_ns), w->jitter);
    if (!link->config.jitter_overtakes) {
        at = MAX(at, link->latest);
    }
    if (w->held != 0) {
        at = hp_time_add(at, w->held);
    } else {
        link->latest = MAX(at, link->latest);
    }
    /* Later than time can say: as good as for ever. */
    at = MIN(at, HP_NEVER - 1);
    hp_packet *twin = w->twice ? hp_packet_copy(w->p) : NULL;
    hp_link_launch(link, w->p, at, HP_LINK_PORT_FAR);
    if (twin != NULL) {
        hp_link_launch(link, twin, at, HP_LINK_PORT_FAR);
    }
    return twin;
}

hp_packet *hp_link_depart(hp_link *link, const hp_waiter *w, hp_time left)
{
    return depart(link, w, left);
}

/* ---- onto the wire ---- */

void hp_link_drop_waiter(hp_link *link, const hp_waiter *w, hp_drop_reason reason, const char *detail)
{
    link->stats.duplicated -= w->twice;
    link->stats.reordered -= w->held != 0;
    hp_node_drop(&link->node, w->p, reason, detail);
}

static void put_on_wire(hp_link *link, const hp_waiter *w, hp_time start)
{
    hp_time latest_before = link->latest;
    hp_time left = hp_pace_send(&link->pace, &link->config, start, w->length);
    hp_packet *twin = hp_link_depart(link, w, left);
    if (hp_pace_changes(&link->pace)) {
        link->on_wire.w = *w;
        link->on_wire.twin = twin;
        link->on_wire.latest_before = latest_before;
    }
}

/* What CoDel says of the packet that has just left the queue; false: it is dropped. */
static bool passes_codel(hp_link *link, const hp_waiter *w, hp_time now)
{
    const hp_link_config *c = &link->config;
    hp_codel_settings settings = {
        .target = c->codel_target_ns != 0 ? c->codel_target_ns : DEFAULT_CODEL_TARGET,
        .interval = c->codel_interval_ns != 0 ? c->codel_interval_ns : DEFAULT_CODEL_INTERVAL,
        .mtu = c->mtu != 0 ? c->mtu : HP_LINK_DEFAULT_MTU,
    };
    enum { ECN = 3 };
    bool may_mark = c->codel_ecn && (w->p->tos & ECN) != 0;
    switch (hp_codel_judge(&link->codel, &settings, now, now - w->entered, link->queue.bytes, may_mark)) {
    case HP_CODEL_SEND:
        return true;
    case HP_CODEL_MARK:
        w->p->tos |= ECN;
        link->stats.marked++;
        return true;
    case HP_CODEL_DROP:
        break;
    }
    char waited[HP_TIME_TEXT], detail[64];
    g_snprintf(detail, sizeof detail, "waited %s", hp_time_format(now - w->entered, waited));
    link->stats.codel_drops++;
    hp_link_drop_waiter(link, w, HP_DROP_LINK_CODEL, detail);
    if (link->queue.n == 0) {
        hp_codel_is_empty(&link->codel);
    }
    return false;
}

static void set_next_start(hp_link *link, hp_time start)
{
    link->next_start = start;
    link->wake = link->config.queue_kind == HP_QUEUE_CODEL ? start : hp_time_add(start, link->config.delay_ns);
}

void hp_link_find_next_start(hp_link *link)
{
    hp_time start = HP_NEVER;
    if (link->queue.n > 0) {
        start = hp_pace_start(&link->pace, &link->config, hp_link_queue_at(&link->queue, 0)->entered);
    }
    set_next_start(link, start);
}

bool hp_link_send_due(hp_link *link, hp_time now)
{
    bool any = false;
    while (link->next_start <= now) {
        hp_time start = link->next_start;
        hp_waiter w = hp_link_queue_take(&link->queue);
        if (link->config.queue_kind != HP_QUEUE_CODEL || passes_codel(link, &w, start)) {
            put_on_wire(link, &w, start);
        }
        hp_link_find_next_start(link);
        any = true;
    }
    return any;
}

void hp_link_on_timer(void *owner, hp_time now)
{
    hp_link *link = owner;
    if (G_UNLIKELY(link->wake <= now)) {
        hp_link_send_due(link, now);
        if (hp_flight_next(&link->flight) > now) {
            hp_link_arm(link);
            return;
        }
    }
    if (link->flight.n > HP_FLIGHT_NEAR) {
        hp_flight_hint(&link->flight, &link->node);
    }
    hp_flying first = hp_flight_take(&link->flight);
    hp_link_arm(link);
    if (first.port == HP_LINK_PORT_FAR) {
        link->stats.delivered++;
    }
    hp_node_emit(&link->node, first.port, first.p);
}

/* ---- into the queue ---- */

/* Jitter, reordering, corruption, duplication. */
static inline void draw(hp_link *link, hp_waiter *w)
{
    const hp_link_config *c = &link->config;
    if ((link->does & HP_LINK_DOES_JITTER) != 0) {
        w->jitter = hp_link_jitter_draw(c, &link->rng, &link->jitter_turn);
    }
    if ((link->does & HP_LINK_DOES_REORDER) != 0 && hp_rng_chance(&link->rng, c->reorder_ppb)) {
        hp_time by = c->reorder_by_ns != 0 ? c->reorder_by_ns : c->jitter_ns;
        w->held = by != 0 ? by : DEFAULT_REORDER;
        link->stats.reordered++;
    }
    if ((link->does & HP_LINK_DOES_CORRUPT) != 0 && hp_rng_chance(&link->rng, c->corrupt_ppb)) {
        w->p->corrupt = true;
        link->stats.corrupted++;
    }
    if ((link->does & HP_LINK_DOES_DUPLICATE) != 0 && hp_rng_chance(&link->rng, c->duplicate_ppb)) {
        w->twice = true;
        link->stats.duplicated++;
    }
}

/* False: dropped. */
static bool enqueue(hp_link *link, hp_waiter *w)
{
    if (!hp_link_queue_has_room(&link->queue, &link->config, w->length)) {
        link->stats.queue_drops++;
        hp_node_drop(&link->node, w->p, HP_DROP_LINK_QUEUE, NULL);
        return false;
    }
    draw(link, w);
    hp_link_queue_push(&link->queue, w);
    return true;
}

/* Nobody waits. True: the timer is to be armed anew. */
static bool start_or_wait(hp_link *link, hp_waiter *w, hp_time now)
{
    hp_time start = hp_pace_start(&link->pace, &link->config, now);
    if (start <= now) {
        draw(link, w);
        put_on_wire(link, w, now);
        return false;
    }
    if (!enqueue(link, w)) {
        return false;
    }
    set_next_start(link, start);
    return true;
}

void hp_link_convey_paced(hp_link *link, hp_packet *p, uint32_t length)
{
    hp_time now = hp_world_now(link->node.world);
    bool changed = hp_link_send_due(link, now);
    hp_waiter w = {.p = p, .entered = now, .length = length};
    if (link->queue.n > 0) {
        enqueue(link, &w);
    } else {
        changed |= start_or_wait(link, &w, now);
    }
    if (changed) {
        hp_link_arm(link);
    }
}

void hp_link_convey_freely(hp_link *link, hp_packet *p)
{
    hp_waiter w = {.p = p};
    draw(link, &w);
    depart(link, &w, hp_world_now(link->node.world));
}
