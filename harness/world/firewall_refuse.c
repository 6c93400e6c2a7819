/* What the sender of a refused packet learns, and when.
 *
 * A SYN from outside that no policy spoke of may be on its way to meet one from inside (a simultaneous open, which is
 * how two peers behind firewalls get a TCP connection). With syn_wait its refusal is put off: the packet is dropped at
 * once, a copy is held, and the refusal is sent when its time has come, unless a SYN or SYN-ACK of the same flow has
 * gone out meanwhile (RFC 6092 REC-34, RFC 5382 REQ-4). A SYN that is sent again within that time changes nothing. At
 * most 1024 are held; those that find no place are not answered. */
#include "world/firewall_private.h"

#include "world/rule_refusal.h"

enum { MAX_HELD_SYNS = 1024 };

typedef struct hp_firewall_syn {
    hp_flow_key key;
    hp_packet *p; /* a copy */
    hp_refusal refusal;
    hp_time due;
} held_syn;

const hp_addr *hp_firewall_own_address(const hp_firewall *fw, unsigned side, uint8_t family)
{
    return &fw->address[side][family == HP_AF_IPV6];
}

void hp_firewall_send_own(hp_firewall *fw, unsigned side, hp_packet *p)
{
    if (p == NULL) {
        return;
    }
    if (!hp_node_is_connected(&fw->node, side)) {
        hp_packet_free(p);
        return;
    }
    p->uid = hp_world_new_uid(fw->node.world);
    hp_node_emit(&fw->node, side, p);
}

static void send_refusal(hp_firewall *fw, unsigned side, const hp_packet *p, hp_refusal refusal)
{
    const hp_addr *own = hp_firewall_own_address(fw, side, p->src.family);
    hp_firewall_send_own(fw, side, hp_refusal_for(refusal, p, own));
}

/* ---- held SYNs ---- */

static bool same_key(const hp_flow_key *a, const hp_flow_key *b)
{
    return a->proto == b->proto && hp_addr_equal(&a->inside, &b->inside) && hp_addr_equal(&a->outside, &b->outside);
}

/* Its place, or n. */
static unsigned find_syn(const hp_firewall *fw, const hp_flow_key *key)
{
    unsigned i = 0;
    while (i < fw->held_syns->len && !same_key(&g_array_index(fw->held_syns, held_syn, i).key, key)) {
        i++;
    }
    return i;
}

static void arm(hp_firewall *fw)
{
    bool any = fw->held_syns->len > 0;
    hp_timer_arm(fw->node.world, &fw->syn_timer, any ? g_array_index(fw->held_syns, held_syn, 0).due : HP_NEVER);
}

/* Removes one; the copy is the caller's. */
static held_syn take_syn(hp_firewall *fw, unsigned i)
{
    held_syn taken = g_array_index(fw->held_syns, held_syn, i);
    g_array_remove_index(fw->held_syns, i);
    arm(fw);
    return taken;
}

static void on_syn_timer(void *owner, hp_time now)
{
    hp_firewall *fw = owner;
    held_syn due = take_syn(fw, 0);
    send_refusal(fw, HP_FIREWALL_OUTSIDE, due.p, due.refusal);
    hp_packet_free(due.p);
}

/* In order of their time; a shorter wait may have been set since others came. */
static void hold_syn(hp_firewall *fw, const hp_flow_key *key, const hp_packet *p, hp_refusal refusal)
{
    if (find_syn(fw, key) < fw->held_syns->len || fw->held_syns->len == MAX_HELD_SYNS) {
        return;
    }
    held_syn held = {
        .key = *key,
        .p = hp_packet_copy(p),
        .refusal = refusal,
        .due = hp_time_add(hp_firewall_now(fw), fw->config.syn_wait),
    };
    unsigned i = fw->held_syns->len;
    while (i > 0 && g_array_index(fw->held_syns, held_syn, i - 1).due > held.due) {
        i--;
    }
    g_array_insert_val(fw->held_syns, i, held);
    arm(fw);
}

void hp_firewall_syn_went_out(hp_firewall *fw, const hp_flow_key *key)
{
    unsigned i = find_syn(fw, key);
    if (i < fw->held_syns->len) {
        hp_packet_free(take_syn(fw, i).p);
    }
}

void hp_firewall_syns_init(hp_firewall *fw)
{
    fw->held_syns = g_array_new(FALSE, FALSE, sizeof(held_syn));
    hp_timer_init(&fw->syn_timer, HP_TIMER_NODE, fw->node.id, on_syn_timer, fw);
}

void hp_firewall_syns_flush(hp_firewall *fw)
{
    while (fw->held_syns->len > 0) {
        hp_packet_free(take_syn(fw, fw->held_syns->len - 1).p);
    }
}

/* ---- refusing ---- */

void hp_firewall_refuse(hp_firewall *fw, unsigned side, hp_packet *p, const hp_firewall_verdict *v)
{
    hp_flow_key key;
    bool waits = v->is_default && v->refusal != HP_REFUSE_SILENTLY && fw->config.syn_wait != 0 &&
                 side == HP_FIREWALL_OUTSIDE && p->proto == HP_PROTO_TCP &&
                 hp_firewall_segment_kind(p) == HP_SEGMENT_SYN && hp_firewall_key(side, p, &key);

    fw->stats.refused++;
    if (waits) {
        hold_syn(fw, &key, p, v->refusal);
    } else {
        send_refusal(fw, side, p, v->refusal);
    }
    hp_node_drop(&fw->node, p, v->reason, v->detail);
}
