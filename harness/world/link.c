/* A link, one direction. What happens to a packet is settled when it enters: it is lost, or its time of delivery is
 * computed and it takes its place in the flight, a ring sorted by that time. One timer stands for the head of the ring
 * and delivers one packet a step.
 *
 *       enters          starts            has left                 is delivered
 *         |-- waiting ----|-- len*8/rate ----|-- delay + jitter -----|
 *                      (rate > 0 only)
 *
 * Rate: `busy_until` is when the wire is free again; a packet starts at the later of now and that. Those that have not
 * started yet are the queue, to which the limits apply; the one being sent is not counted. Serialisation is rounded up
 * to a nanosecond, so that the rate is never exceeded.
 *
 * Order: a packet is never delivered before one that entered earlier, jitter and a shortened delay included; only a
 * packet that `reorder` holds back is passed by later ones.
 *
 * Bursts (Gilbert-Elliott): the state may change before each packet that was not lost otherwise, then the packet is
 * lost with the probability of the state it meets.
 *
 * MTU: pieces of a fragmented packet take the rest of the way one by one: each is queued, delayed and held back alone.
 * Loss comes before: it takes the packet whole, as does a number on the list of losses.
 * An ICMP error about a packet that is too big (RFC 1191, RFC 8201) goes back out of port 1 when something is connected
 * there and the near router has an address; it leaves through the same ring at the present instant, as the sender may
 * still be in the middle of sending. IPv6 packets of up to 1280 bytes pass whatever the MTU, as RFC 8200 section 5 has
 * such a link cut them beneath IP; only a black hole swallows them.
 *
 * Hints: what a packet meets at the far node mostly lies in memory that is cold, and the flight knows who comes next.
 * So the far node is told of a packet twice before it arrives (hp_hint): far ahead, and again when what it fetched then
 * will be there. In a burst that is at places 8 and 4 of the flight; the first of a burst, which enter nearer to the
 * head, get the first hint as they enter and the second when four more have. A packet that travels with fewer others,
 * or is passed by one, may miss its second hint, or both.
 *
 * Exact losses, which may count only the packets that match, are in exact_loss.c.
 *
 * Each effect draws from the link's own stream, in the order of the header, and draws nothing where its probability is
 * zero. Changing the settings leaves packets in flight alone; the wire stays busy with the packet it has begun to send,
 * and what still waits behind that is sent at the new rate. */
#include "world/link.h"

#include "world/exact_loss.h"
#include "world/fragment.h"

enum { PORT_FAR = 0, PORT_BACK = 1, DEFAULT_MTU = 1500, IPV6_MIN_MTU = 1280, DEFAULT_QUEUE = 1000 };
#define DEFAULT_REORDER (10 * HP_MS)

/* Places in the flight, counted from the head, at which the far node is given its hints. At some 50 ns of work a packet
 * four of them outlast a miss that goes all the way to memory. */
enum { AHEAD_NEAR = 4, AHEAD_FAR = 8, AHEAD_GAP = AHEAD_FAR - AHEAD_NEAR };

typedef struct flight {
    hp_time at;
    hp_packet *p;
    hp_time start; /* when its first bit is sent, if it had to wait for that; else 0 */
    uint32_t port;
    bool held; /* by reordering: later ones may pass it */
} flight;

typedef struct waiter {
    hp_time start; /* when its first bit is sent */
    uint32_t length;
} waiter;

struct hp_link {
    hp_node node;
    hp_timer timer;
    hp_link_config config; /* drop, drop_match: our own copies */
    hp_link_stats stats;
    hp_rng rng;
    bool in_burst;
    hp_exact_loss exact_loss;
    hp_time busy_until;
    hp_time latest; /* delivery of the latest packet that was not held back */
    hp_addr router4, router6;

    flight *ring; /* a power of two of slots */
    uint32_t ring_head, ring_n, ring_size;
    waiter *queue;
    uint32_t queue_head, queue_n, queue_size;
    uint64_t queue_bytes;
};

/* ---- the flight ---- */

static inline flight *ring_at(const hp_link *link, uint32_t i)
{
    return &link->ring[(link->ring_head + i) & (link->ring_size - 1)];
}

static void ring_grow(hp_link *link)
{
    uint32_t size = link->ring_size == 0 ? 16 : link->ring_size * 2;
    flight *ring = g_new(flight, size);
    for (uint32_t i = 0; i < link->ring_n; i++) {
        ring[i] = *ring_at(link, i);
    }
    g_free(link->ring);
    link->ring = ring;
    link->ring_head = 0;
    link->ring_size = size;
}

static void give_hint(const hp_link *link, uint32_t i, hp_hint hint)
{
    const flight *f = ring_at(link, i);
    if (f->port == PORT_FAR) {
        const hp_port *to = &link->node.out[PORT_FAR];
        to->node->ops->hint(to->node, to->port, f->p, hint);
    }
}

static bool wants_hints(const hp_link *link)
{
    return hp_node_is_connected(&link->node, PORT_FAR) && link->node.out[PORT_FAR].node->ops->hint != NULL;
}

/* A packet took place i at the end of the flight. */
static void hint_at_launch(const hp_link *link, uint32_t i)
{
    if (i < AHEAD_FAR && wants_hints(link)) {
        give_hint(link, i, HP_HINT_FAR);
        if (i >= AHEAD_GAP) {
            give_hint(link, i - AHEAD_GAP, HP_HINT_NEAR);
        }
    }
}

/* The head is about to be delivered. */
static void hint_at_delivery(const hp_link *link)
{
    if (link->ring_n > AHEAD_NEAR && wants_hints(link)) {
        give_hint(link, AHEAD_NEAR, HP_HINT_NEAR);
        if (link->ring_n > AHEAD_FAR) {
            give_hint(link, AHEAD_FAR, HP_HINT_FAR);
        }
    }
}

static void launch(hp_link *link, flight fresh)
{
    if (link->ring_n == link->ring_size) {
        ring_grow(link);
    }
    uint32_t i = link->ring_n++;
    while (i > 0 && ring_at(link, i - 1)->at > fresh.at) {
        *ring_at(link, i) = *ring_at(link, i - 1);
        i--;
    }
    *ring_at(link, i) = fresh;
    if (i == link->ring_n - 1) {
        hint_at_launch(link, i);
    }
    if (i == 0) {
        hp_timer_arm(link->node.world, &link->timer, fresh.at);
    }
}

static void deliver(void *owner, hp_time now)
{
    hp_link *link = owner;
    hint_at_delivery(link);
    flight head = *ring_at(link, 0);
    link->ring_head = (link->ring_head + 1) & (link->ring_size - 1);
    link->ring_n--;
    if (link->ring_n > 0) {
        hp_timer_arm(link->node.world, &link->timer, ring_at(link, 0)->at);
    }
    if (head.port == PORT_FAR) {
        link->stats.delivered++;
    }
    hp_node_emit(&link->node, head.port, head.p);
}

/* ---- the queue in front of the rate ---- */

static void queue_forget_started(hp_link *link, hp_time now)
{
    while (link->queue_n > 0 && link->queue[link->queue_head].start <= now) {
        link->queue_bytes -= link->queue[link->queue_head].length;
        link->queue_head = (link->queue_head + 1) & (link->queue_size - 1);
        link->queue_n--;
    }
}

static void queue_push(hp_link *link, hp_time start, uint32_t length)
{
    if (link->queue_n == link->queue_size) {
        uint32_t size = link->queue_size == 0 ? 16 : link->queue_size * 2;
        waiter *queue = g_new(waiter, size);
        for (uint32_t i = 0; i < link->queue_n; i++) {
            queue[i] = link->queue[(link->queue_head + i) & (link->queue_size - 1)];
        }
        g_free(link->queue);
        link->queue = queue;
        link->queue_head = 0;
        link->queue_size = size;
    }
    link->queue[(link->queue_head + link->queue_n) & (link->queue_size - 1)] =
        (waiter){.start = start, .length = length};
    link->queue_n++;
    link->queue_bytes += length;
}

static hp_time serialisation(uint32_t length, uint64_t rate_bps)
{
    if (rate_bps == 0) {
        return 0;
    }
    /* At most 65575 bytes: the product stays below 2^49. */
    uint64_t bit_ns = (uint64_t)length * 8 * HP_S;
    return bit_ns / rate_bps + (bit_ns % rate_bps != 0);
}

/* When the packet's last bit has left, and its first if it has to wait (else 0); false when the queue has no room. */
static bool take_wire(hp_link *link, hp_time now, uint32_t length, hp_time *ret_start, hp_time *ret_left)
{
    const hp_link_config *c = &link->config;
    queue_forget_started(link, now);
    hp_time start = MAX(now, link->busy_until);
    if (start > now) {
        uint32_t limit = c->queue_packets != 0 ? c->queue_packets : DEFAULT_QUEUE;
        if (link->queue_n >= limit || (c->queue_bytes != 0 && link->queue_bytes + length > c->queue_bytes)) {
            return false;
        }
        queue_push(link, start, length);
        *ret_start = start;
    }
    link->busy_until = hp_time_add(start, serialisation(length, c->rate_bps));
    *ret_left = link->busy_until;
    return true;
}

static int compare_starts(const void *a, const void *b, void *user)
{
    const flight *flights = user;
    hp_time x = flights[*(const uint32_t *)a].start, y = flights[*(const uint32_t *)b].start;
    return x < y ? -1 : x > y;
}

static int compare_deliveries(const void *a, const void *b, void *user)
{
    const flight *x = a, *y = b;
    return x->at < y->at ? -1 : x->at > y->at;
}

/* The rate has changed: what waits for the wire is sent one after the other at the new one, and what it met behind the
 * wire (delay, jitter) it meets again. Both sorts are stable: packets keep their order. */
static void resend_queue(hp_link *link, uint64_t old_rate)
{
    hp_time now = hp_world_now(link->node.world);
    queue_forget_started(link, now);
    if (link->queue_n == 0 || old_rate == link->config.rate_bps) {
        return;
    }
    uint32_t n = link->ring_n, n_waiting = 0;
    g_autofree uint32_t *waiting = g_new(uint32_t, n);
    flight *flights = g_new(flight, link->ring_size);
    hp_time latest = 0;
    for (uint32_t i = 0; i < n; i++) {
        flights[i] = *ring_at(link, i);
        if (flights[i].start > now) {
            waiting[n_waiting++] = i;
        } else if (!flights[i].held && flights[i].port == PORT_FAR) {
            latest = flights[i].at;
        }
    }
    g_qsort_with_data(waiting, (int)n_waiting, sizeof *waiting, compare_starts, flights);

    hp_time free_at = link->queue[link->queue_head].start;
    for (uint32_t k = 0, next = 0; k < link->queue_n; k++) {
        waiter *w = &link->queue[(link->queue_head + k) & (link->queue_size - 1)];
        hp_time old_start = w->start, old_left = hp_time_add(old_start, serialisation(w->length, old_rate));
        w->start = free_at;
        free_at = hp_time_add(free_at, serialisation(w->length, link->config.rate_bps));
        for (; next < n_waiting && flights[waiting[next]].start == old_start; next++) {
            flight *f = &flights[waiting[next]];
            hp_time beyond = f->at > old_left ? f->at - old_left : 0;
            f->at = MIN(hp_time_add(free_at, beyond), HP_NEVER - 1);
            f->start = w->start;
            if (!f->held) {
                f->at = latest = MAX(f->at, latest);
            }
        }
    }
    link->busy_until = free_at;
    link->latest = latest;
    if (link->config.rate_bps == 0) {
        /* They leave together, and nothing that comes now has to wait: no queue is left. */
        link->queue_n = 0;
        link->queue_bytes = 0;
        for (uint32_t k = 0; k < n_waiting; k++) {
            flights[waiting[k]].start = 0;
        }
    }
    g_qsort_with_data(flights, (int)n, sizeof *flights, compare_deliveries, NULL);
    g_free(link->ring);
    link->ring = flights;
    link->ring_head = 0;
    hp_timer_arm(link->node.world, &link->timer, flights[0].at);
}

/* ---- what happens on the way ---- */

/* Queue, rate, delay, jitter, reordering, corruption, duplication. */
static void convey(hp_link *link, hp_packet *p, uint32_t length)
{
    const hp_link_config *c = &link->config;
    hp_time now = hp_world_now(link->node.world);
    hp_time at = now, start = 0;
    bool held = false;
    if (c->rate_bps != 0 && !take_wire(link, now, length, &start, &at)) {
        link->stats.queue_drops++;
        hp_node_drop(&link->node, p, HP_DROP_LINK_QUEUE, NULL);
        return;
    }
    at = hp_time_add(at, c->delay_ns);
    if (c->jitter_ns != 0) {
        /* In [0, jitter], both ends included. */
        uint64_t span = c->jitter_ns == HP_NEVER ? HP_NEVER : c->jitter_ns + 1;
        at = hp_time_add(at, hp_rng_below(&link->rng, span));
    }
    at = MAX(at, link->latest);
    if (c->reorder_ppb != 0 && hp_rng_chance(&link->rng, c->reorder_ppb)) {
        hp_time by = c->reorder_by_ns != 0 ? c->reorder_by_ns : c->jitter_ns;
        at = hp_time_add(at, by != 0 ? by : DEFAULT_REORDER);
        held = true;
        link->stats.reordered++;
    } else {
        link->latest = at;
    }
    /* Later than time can say: as good as for ever. */
    at = MIN(at, HP_NEVER - 1);
    if (c->corrupt_ppb != 0 && hp_rng_chance(&link->rng, c->corrupt_ppb)) {
        p->corrupt = true;
        link->stats.corrupted++;
    }
    hp_packet *twin = NULL;
    if (c->duplicate_ppb != 0 && hp_rng_chance(&link->rng, c->duplicate_ppb)) {
        twin = hp_packet_copy(p);
        link->stats.duplicated++;
    }
    launch(link, (flight){.at = at, .p = p, .start = start, .port = PORT_FAR, .held = held});
    if (twin != NULL) {
        launch(link, (flight){.at = at, .p = twin, .start = start, .port = PORT_FAR, .held = held});
    }
}

static void convey_piece(void *user, hp_packet *fragment)
{
    convey(user, fragment, (uint32_t)hp_packet_wire_length(fragment));
}

static void send_too_big_error(hp_link *link, const hp_packet *p, uint32_t mtu)
{
    const hp_addr *router = p->src.family == HP_AF_IPV6 ? &link->router6 : &link->router4;
    if (router->family == HP_AF_NONE || !hp_node_is_connected(&link->node, PORT_BACK)) {
        return;
    }
    hp_packet *icmp = hp_packet_icmp_error(HP_ICMP_FRAG_NEEDED, router, p, mtu);
    if (icmp == NULL) {
        return;
    }
    icmp->uid = hp_world_new_uid(link->node.world);
    launch(link, (flight){.at = hp_world_now(link->node.world), .p = icmp, .port = PORT_BACK});
}

static void receive_too_big(hp_link *link, hp_packet *p, uint32_t length, uint32_t mtu)
{
    const hp_link_config *c = &link->config;
    bool may_cut = c->mtu_mode == HP_MTU_FRAGMENT && p->src.family == HP_AF_IPV4 && !p->dont_fragment;
    if (may_cut && hp_fragment(p, mtu, convey_piece, link)) {
        hp_packet_free(p);
        return;
    }
    link->stats.too_big++;
    if (c->mtu_mode != HP_MTU_BLACK_HOLE) {
        send_too_big_error(link, p, mtu);
    }
    char detail[64];
    g_snprintf(detail, sizeof detail, "%u bytes, the MTU is %u", length, mtu);
    hp_node_drop(&link->node, p, HP_DROP_LINK_MTU, detail);
}

static bool is_lost(hp_link *link, hp_drop_reason *ret_reason)
{
    const hp_link_config *c = &link->config;
    if (c->burst_enter_ppb != 0) {
        bool changes = hp_rng_chance(&link->rng, link->in_burst ? c->burst_leave_ppb : c->burst_enter_ppb);
        link->in_burst ^= changes;
        if (link->in_burst) {
            *ret_reason = HP_DROP_LINK_BURST;
            return hp_rng_chance(&link->rng, c->burst_loss_ppb);
        }
    }
    *ret_reason = HP_DROP_LINK_LOSS;
    return c->loss_ppb != 0 && hp_rng_chance(&link->rng, c->loss_ppb);
}

static uint32_t mtu_for(const hp_link_config *c, const hp_packet *p)
{
    uint32_t mtu = c->mtu != 0 ? c->mtu : DEFAULT_MTU;
    bool beneath = p->src.family == HP_AF_IPV6 && c->mtu_mode != HP_MTU_BLACK_HOLE;
    return beneath ? MAX(mtu, IPV6_MIN_MTU) : mtu;
}

static void link_receive(hp_node *node, unsigned port, hp_packet *p)
{
    hp_link *link = (hp_link *)node;
    const hp_link_config *c = &link->config;
    uint32_t length = (uint32_t)hp_packet_wire_length(p);
    link->stats.packets++;
    link->stats.bytes += length;
    uint64_t number = 0;
    bool listed = hp_exact_loss_counts(c) && hp_exact_loss_takes(&link->exact_loss, c, p, link->stats.packets, &number);
    if (G_UNLIKELY(c->down)) {
        link->stats.lost++;
        hp_node_drop(node, p, HP_DROP_LINK_DOWN, NULL);
        return;
    }
    if (listed) {
        link->stats.lost++;
        char detail[64];
        g_snprintf(detail, sizeof detail, "%s %" G_GUINT64_FORMAT " of this link",
                   c->drop_some ? "matching packet" : "packet", number);
        hp_node_drop(node, p, HP_DROP_LINK_LIST, detail);
        return;
    }
    hp_drop_reason reason;
    if (is_lost(link, &reason)) {
        link->stats.lost++;
        hp_node_drop(node, p, reason, NULL);
        return;
    }
    uint32_t mtu = mtu_for(c, p);
    if (G_UNLIKELY(length > mtu)) {
        receive_too_big(link, p, length, mtu);
        return;
    }
    convey(link, p, length);
}

static void link_free(hp_node *node)
{
    hp_link *link = (hp_link *)node;
    hp_timer_cancel(node->world, &link->timer);
    for (uint32_t i = 0; i < link->ring_n; i++) {
        hp_packet_free(ring_at(link, i)->p);
    }
    g_free(link->ring);
    g_free(link->queue);
    hp_exact_loss_clear(&link->config);
    hp_node_clear(node);
    g_free(link);
}

static const hp_node_ops link_ops = {.kind = "link", .receive = link_receive, .free = link_free};

/* ---- settings ---- */

static void take_config(hp_link *link, const hp_link_config *config)
{
    hp_exact_loss_configure(&link->exact_loss, &link->config, config);
    if (link->config.burst_enter_ppb == 0) { /* config may have been our own */
        link->in_burst = false;
    }
}

hp_link *hp_link_new(hp_world *world, const char *name, const hp_link_config *config)
{
    hp_link *link = g_new0(hp_link, 1);
    hp_node_init(&link->node, &link_ops, world, name);
    link->node.place = g_strconcat("link ", name, NULL);
    g_autofree char *stream = g_strconcat("link:", name, NULL);
    hp_world_rng(world, stream, &link->rng);
    hp_timer_init(&link->timer, HP_TIMER_LINK, link->node.id, deliver, link);
    take_config(link, config);
    return link;
}

hp_node *hp_link_node(hp_link *link)
{
    return &link->node;
}

void hp_link_configure(hp_link *link, const hp_link_config *config, const char *what)
{
    uint64_t old_rate = link->config.rate_bps;
    take_config(link, config);
    resend_queue(link, old_rate);
    hp_world *world = link->node.world;
    hp_trace_event(hp_world_trace(world), hp_world_now(world), HP_EV_LINK_CHANGED, link->node.name,
                   HP_FS("what", what));
}

const hp_link_config *hp_link_get_config(const hp_link *link)
{
    return &link->config;
}

hp_link_stats hp_link_get_stats(const hp_link *link)
{
    return link->stats;
}

void hp_link_set_router_address(hp_link *link, const hp_addr *ipv4, const hp_addr *ipv6)
{
    link->router4 = ipv4 != NULL ? *ipv4 : (hp_addr){0};
    link->router6 = ipv6 != NULL ? *ipv6 : (hp_addr){0};
}
