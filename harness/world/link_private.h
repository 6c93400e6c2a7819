/* A link from the inside. Private to the files link*.c: link.c takes packets in and gives the account of it all,
 * link_wire.c brings them from the queue over the wire to the far end, link_settings.c changes what happens to them. */
#ifndef HP_WORLD_LINK_PRIVATE_H
#define HP_WORLD_LINK_PRIVATE_H

#include "world/codel.h"
#include "world/exact_loss.h"
#include "world/link.h"
#include "world/link_flight.h"
#include "world/link_outage.h"
#include "world/link_pace.h"
#include "world/link_queue.h"

enum { HP_LINK_DEFAULT_MTU = 1500 };

/* What the settings ask for: a packet looks at nothing else that is off. */
enum {
    HP_LINK_DOES_COUNT = 1 << 0, /* exact losses */
    HP_LINK_DOES_DOWN = 1 << 1,
    HP_LINK_DOES_OUTAGES = 1 << 2,
    HP_LINK_DOES_BURSTS = 1 << 3,
    HP_LINK_DOES_LOSS = 1 << 4,
    HP_LINK_DOES_SET_LOSS = HP_LINK_DOES_COUNT | HP_LINK_DOES_DOWN | HP_LINK_DOES_OUTAGES,
    HP_LINK_DOES_RANDOM_LOSS = HP_LINK_DOES_BURSTS | HP_LINK_DOES_LOSS,
    HP_LINK_DOES_PACE = 1 << 5,
    HP_LINK_DOES_JITTER = 1 << 6,
    HP_LINK_DOES_REORDER = 1 << 7,
    HP_LINK_DOES_CORRUPT = 1 << 8,
    HP_LINK_DOES_DUPLICATE = 1 << 9,
    HP_LINK_DOES_CHANCE = HP_LINK_DOES_JITTER | HP_LINK_DOES_REORDER | HP_LINK_DOES_CORRUPT | HP_LINK_DOES_DUPLICATE,
};

struct hp_link {
    hp_node node;
    hp_timer timer;
    /* What a packet on a plain link touches. */
    uint32_t does;
    uint32_t mtu4, mtu6; /* in force */
    hp_time latest; /* delivery of the latest packet that was not held back */
    hp_time next_start; /* of the head of the queue; HP_NEVER: none waits, or it cannot start */
    hp_time wake; /* when somebody could notice that it has started */
    hp_flight flight;
    hp_link_stats stats;
    hp_rng rng;
    hp_link_config config; /* our own copy */

    hp_exact_loss exact_loss;
    hp_outage outage;
    bool in_burst;
    uint32_t jitter_turn;
    hp_pace pace;
    hp_link_queue queue;
    hp_codel codel;
    /* The packet that was sent last on a wire whose rate changes; valid while the wire is busy. */
    struct {
        hp_waiter w; /* p NULL: none */
        hp_packet *twin;
        hp_time latest_before;
    } on_wire;
    hp_addr router4, router6;
};

static inline void hp_link_arm(hp_link *link)
{
    hp_timer_arm(link->node.world, &link->timer, MIN(link->wake, hp_flight_next(&link->flight)));
}

static inline void hp_link_launch(hp_link *link, hp_packet *p, hp_time at, uint32_t port)
{
    hp_flying fresh = {.at = at, .p = p, .port = port};
    if (hp_flight_put(&link->flight, &link->node, fresh) == 0) {
        hp_link_arm(link);
    }
}

/* ---- link_wire.c ---- */

/* For the timer: the next to start starts, or the next in flight is delivered. */
void hp_link_on_timer(void *owner, hp_time now);
/* With a rate; without. */
void hp_link_convey_paced(hp_link *link, hp_packet *p, uint32_t length);
void hp_link_convey_freely(hp_link *link, hp_packet *p);

/* All that follows for a packet that is not lost and not too long: queue, rate, delay, jitter, reordering, corruption,
 * duplication. The link that has nothing but a delay is spared the rest. */
static inline void hp_link_convey(hp_link *link, hp_packet *p, uint32_t length)
{
    if ((link->does & HP_LINK_DOES_PACE) != 0) {
        hp_link_convey_paced(link, p, length);
    } else if ((link->does & HP_LINK_DOES_CHANCE) != 0) {
        hp_link_convey_freely(link, p);
    } else {
        hp_time at = MAX(hp_time_add(hp_world_now(link->node.world), link->config.delay_ns), link->latest);
        link->latest = at;
        hp_link_launch(link, p, MIN(at, HP_NEVER - 1), HP_LINK_PORT_FAR);
    }
}

/* Its last bit leaves at `left`. Returns the twin that goes with it, or NULL. */
hp_packet *hp_link_depart(hp_link *link, const hp_waiter *w, hp_time left);
/* A packet that had waited goes no further; the twin and the delay that it had drawn never come to be. */
void hp_link_drop_waiter(hp_link *link, const hp_waiter *w, hp_drop_reason reason, const char *detail);
/* Whatever may start by now does; whether anything did, and the timer is to be armed anew. */
bool hp_link_send_due(hp_link *link, hp_time now);
/* The head of the queue is another, or the settings are. */
void hp_link_find_next_start(hp_link *link);

/* ---- link_settings.c ---- */

/* `config` may be, or share with, the link's own. Leaves the timer to the caller. */
void hp_link_take_config(hp_link *link, const hp_link_config *config, bool is_first);

#endif
