/* Fragments through the firewall. Only a datagram's first fragment shows ports, so that its verdict is kept, under
 * (side, source, destination, protocol, identification), and holds for the others.
 *
 * A fragment that comes before its first one is held until that comes, at most 30 s after the datagram was last heard
 * of, or is dropped at once, as the settings say. When the first has come it leaves first, then what was held, as it
 * came. A verdict is forgotten after 30 s without a fragment. The bounds are the table's (fragment_table.c).
 *
 * Fragments neither begin nor refresh a flow, but the first one. Overlaps are for the receiver to find. */
#include "world/firewall_private.h"

typedef struct firewall_fate {
    bool passes; /* once decided */
} firewall_fate;

static void drop(hp_firewall *fw, hp_packet *p, const char *detail)
{
    fw->stats.refused++;
    hp_node_drop(&fw->node, p, HP_DROP_NAT_FRAGMENT, detail);
}

static void send_on(hp_firewall *fw, unsigned side, hp_packet *p)
{
    fw->stats.passed++;
    hp_node_emit(&fw->node, 1 - side, p);
}

static void on_forgotten(void *owner, hp_packet *p, const char *detail)
{
    drop(owner, p, detail);
}

static void hold(hp_firewall *fw, hp_fragmented *d, hp_packet *p)
{
    if (hp_fragment_has_room(fw->fragments, d)) {
        hp_fragment_hold(fw->fragments, d, p);
    } else {
        drop(fw, p, "too many fragments wait for their first one");
    }
}

void hp_firewall_fragment_later(hp_firewall *fw, unsigned side, hp_packet *p)
{
    switch (fw->config.fragments) {
    case HP_FIREWALL_FRAGMENTS_PASS:
        send_on(fw, side, p);
        return;
    case HP_FIREWALL_FRAGMENTS_DROP:
        drop(fw, p, "fragments do not pass");
        return;
    case HP_FIREWALL_FRAGMENTS_IN_ORDER:
        if (hp_fragment_find(fw->fragments, side, p) == NULL) {
            drop(fw, p, "it came before its first fragment");
            return;
        }
        break;
    case HP_FIREWALL_FRAGMENTS_OUT_OF_ORDER:
        break;
    }
    hp_fragmented *d = hp_fragment_remember(fw->fragments, side, p);
    const firewall_fate *fate = hp_fragment_fate(d);
    if (!hp_fragment_is_decided(d)) {
        hold(fw, d, p);
    } else if (fate->passes) {
        send_on(fw, side, p);
    } else {
        drop(fw, p, "its first fragment was refused");
    }
}

void hp_firewall_fragment_first(hp_firewall *fw, unsigned side, hp_packet *p, const hp_firewall_verdict *v)
{
    hp_packet *held;

    GQueue waiting = G_QUEUE_INIT;
    if (fw->config.fragments != HP_FIREWALL_FRAGMENTS_PASS) {
        hp_fragmented *d = hp_fragment_remember(fw->fragments, side, p);
        firewall_fate *fate = hp_fragment_fate(d);
        fate->passes = v->pass;
        waiting = hp_fragment_decide(fw->fragments, d);
    }
    if (v->pass) {
        send_on(fw, side, p);
    } else {
        hp_firewall_refuse(fw, side, p, v);
    }
    while ((held = g_queue_pop_head(&waiting)) != NULL) {
        if (v->pass) {
            send_on(fw, side, held);
        } else {
            drop(fw, held, "its first fragment was refused");
        }
    }
}

hp_fragment_table *hp_firewall_fragments_new(hp_firewall *fw)
{
    return hp_fragment_table_new(&fw->node, sizeof(firewall_fate), on_forgotten, fw);
}
