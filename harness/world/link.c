/* A link, one direction. Whether a packet is lost is settled when it enters. If the wire is taken it waits; once it is
 * on the wire its time of delivery is known, and it takes its place in the flight. One timer stands for whatever comes
 * next, the head of the flight or that of the queue; it delivers one packet a step.
 *
 *       enters          starts            has left                 is delivered
 *         |-- waiting ----|-- on the wire ---|-- delay + jitter -----|
 *           (link_queue)      (link_pace)          (link_flight)
 *
 * Without a rate nothing waits, and a packet is in flight at once.
 *
 * Queue: its limits hold for what waits; the one on the wire is not counted. A packet that finds no room is dropped.
 * With CoDel (codel.c) the head may be dropped, or marked, as it leaves the queue.
 *
 * Order: a packet is never delivered before one that entered earlier, jitter and a shortened delay included; only a
 * packet that `reorder` holds back is passed by later ones, and any, if jitter may overtake, by one with less of it.
 *
 * Bursts (Gilbert-Elliott): the state may change before each packet that was not lost otherwise, then the packet is
 * lost with the probability of the state it meets. The chain begins in the good state, or, with burst_steady, in either
 * with the chance that it has in the long run, drawn when bursts are turned on.
 *
 * Outages (link_outage.c) and `down` take what enters; what waits or flies goes on.
 *
 * MTU: pieces of a fragmented packet take the rest of the way one by one: each is queued, delayed and held back alone.
 * Loss comes before: it takes the packet whole, as does a number on the list of losses (exact_loss.c).
 * An ICMP error about a packet that is too big (RFC 1191, RFC 8201) goes back out of port 1 when something is connected
 * there and the near router has an address; it leaves through the flight at the present instant, as the sender may
 * still be in the middle of sending. IPv6 packets of up to 1280 bytes pass whatever the MTU, as RFC 8200 section 5 has
 * such a link cut them beneath IP; only a black hole swallows them.
 *
 * Chance: each effect draws from the link's own stream, in the order of the header, as the packet enters, and draws
 * nothing where its probability is zero.
 *
 * Changes of the settings: link_settings.c. */
#include "world/fragment.h"
#include "world/link_private.h"

enum { DETAIL = 64 }; /* the text that explains a drop */

/* ---- size ---- */

static void convey_piece(void *user, hp_packet *fragment)
{
    hp_link_convey(user, fragment, (uint32_t)hp_packet_wire_length(fragment));
}

static void send_too_big_error(hp_link *link, const hp_packet *p, uint32_t mtu)
{
    const hp_addr *router = p->src.family == HP_AF_IPV6 ? &link->router6 : &link->router4;
    if (router->family == HP_AF_NONE || !hp_node_is_connected(&link->node, HP_LINK_PORT_BACK)) {
        return;
    }
    hp_packet *icmp = hp_packet_icmp_error(HP_ICMP_FRAG_NEEDED, router, p, mtu);
    if (icmp == NULL) {
        return;
    }
    icmp->uid = hp_world_new_uid(link->node.world);
    hp_link_launch(link, icmp, hp_world_now(link->node.world), HP_LINK_PORT_BACK);
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
    char detail[DETAIL];
    g_snprintf(detail, sizeof detail, "%u bytes, the MTU is %u", length, mtu);
    hp_node_drop(&link->node, p, HP_DROP_LINK_MTU, detail);
}

/* ---- loss ---- */

/* Losses that have nothing to do with chance. */
static bool drop_if_set(hp_link *link, hp_packet *p)
{
    const hp_link_config *c = &link->config;
    uint64_t number = 0;
    bool counts = (link->does & HP_LINK_DOES_COUNT) != 0;
    bool listed = counts && hp_exact_loss_takes(&link->exact_loss, c, p, link->stats.packets, &number);
    char detail[DETAIL], until[HP_TIME_TEXT];
    if (c->down) {
        hp_node_drop(&link->node, p, HP_DROP_LINK_DOWN, NULL);
    } else if (c->n_outages != 0 && hp_outage_holds(&link->outage, c, hp_world_now(link->node.world))) {
        g_snprintf(detail, DETAIL, "until %s", hp_time_format(link->outage.until, until));
        hp_node_drop(&link->node, p, HP_DROP_LINK_DOWN, detail);
    } else if (listed) {
        g_snprintf(detail, DETAIL, "%s %" G_GUINT64_FORMAT " of this link", c->drop_some ? "matching packet" : "packet",
                   number);
        hp_node_drop(&link->node, p, HP_DROP_LINK_LIST, detail);
    } else {
        return false;
    }
    link->stats.lost++;
    return true;
}

static bool drop_by_chance(hp_link *link, hp_packet *p)
{
    const hp_link_config *c = &link->config;
    hp_drop_reason reason = HP_DROP_LINK_LOSS;
    uint32_t chance = c->loss_ppb;
    if ((link->does & HP_LINK_DOES_BURSTS) != 0) {
        bool changes = hp_rng_chance(&link->rng, link->in_burst ? c->burst_leave_ppb : c->burst_enter_ppb);
        link->in_burst ^= changes;
        if (link->in_burst) {
            reason = HP_DROP_LINK_BURST;
            chance = c->burst_loss_ppb;
        }
    }
    if (!hp_rng_chance(&link->rng, chance)) {
        return false;
    }
    link->stats.lost++;
    hp_node_drop(&link->node, p, reason, NULL);
    return true;
}

static void link_receive(hp_node *node, unsigned port, hp_packet *p)
{
    hp_link *link = (hp_link *)node;
    uint32_t length = (uint32_t)hp_packet_wire_length(p);
    link->stats.packets++;
    link->stats.bytes += length;
    if (((link->does & HP_LINK_DOES_SET_LOSS) != 0 && drop_if_set(link, p)) ||
        ((link->does & HP_LINK_DOES_RANDOM_LOSS) != 0 && drop_by_chance(link, p))) {
        return;
    }
    uint32_t mtu = p->src.family == HP_AF_IPV6 ? link->mtu6 : link->mtu4;
    if (G_UNLIKELY(length > mtu)) {
        receive_too_big(link, p, length, mtu);
    } else {
        hp_link_convey(link, p, length);
    }
}

static void link_free(hp_node *node)
{
    hp_link *link = (hp_link *)node;
    hp_timer_cancel(node->world, &link->timer);
    hp_flight_clear(&link->flight);
    hp_link_queue_clear(&link->queue);
    hp_link_config_clear(&link->config);
    hp_node_clear(node);
    g_free(link);
}

static const hp_node_ops link_ops = {.kind = "link", .receive = link_receive, .free = link_free};

hp_link *hp_link_new(hp_world *world, const char *name, const hp_link_config *config)
{
    hp_link *link = g_new0(hp_link, 1);
    hp_node_init(&link->node, &link_ops, world, name);
    link->node.place = g_strconcat("link ", name, NULL);
    g_autofree char *stream = g_strconcat("link:", name, NULL);
    hp_world_rng(world, stream, &link->rng);
    hp_timer_init(&link->timer, HP_TIMER_LINK, link->node.id, hp_link_on_timer, link);
    hp_link_take_config(link, config, true);
    return link;
}

hp_node *hp_link_node(hp_link *link)
{
    return &link->node;
}

void hp_link_configure(hp_link *link, const hp_link_config *config, const char *what)
{
    hp_world *world = link->node.world;
    hp_link_send_due(link, hp_world_now(world));
    hp_link_take_config(link, config, false);
    hp_link_arm(link);
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
