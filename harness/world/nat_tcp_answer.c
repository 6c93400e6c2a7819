/* What a TCP segment gets that the NAT does not let in: a RST, or for a SYN an answer that waits (RFC 5382 REQ-4).
 *
 * Held SYNs. A SYN that nobody waits for may be the early half of a simultaneous open: an error would make its sender
 * give up, so none is sent for tcp_hold_timeout. If in that time the inside sends a SYN for the same connection, the
 * one that waits is dropped in silence: its sender repeats it, and by then the session lets it in. Otherwise the
 * sender gets port unreachable about it when the time is over. A repetition of a SYN that waits is dropped and does
 * not start the time anew, so that an answer comes after the hold time however often the sender repeats. At most 256
 * wait; when there are more, the oldest is dropped in silence (REQ-4a).
 *
 * The drop is traced when it is decided, not when the SYN came. Held SYNs are kept in order of arrival, which is the
 * order of their deadlines whatever the knob says.
 *
 * A RST is made as RFC 9293 section 3.5.2 has it, from the address that the segment was sent to: its sender takes it
 * for the other end's. */
#include <string.h>

#include "world/nat_private.h"

enum { MAX_HELD = 256 };

struct hp_nat_held_syn {
    hp_packet *p; /* its destination is the external address and port */
    hp_addr remote; /* as an outbound SYN would be sent to */
    hp_time at;
    unsigned side;
    hp_drop_reason reason;
};

hp_packet *hp_nat_tcp_rst_about(hp_nat *nat, const hp_packet *offender)
{
    hp_nat_segment segment;
    uint8_t bytes[HP_TCP_HEADER_ROOM];

    if (!hp_nat_segment_read(offender, &segment) || segment.flags & HP_TCP_RST)
        return NULL;
    hp_tcp_header h = {.seq = 0, .ack = segment.end, .flags = HP_TCP_RST | HP_TCP_ACK};
    if (segment.flags & HP_TCP_ACK)
        h = (hp_tcp_header){.seq = segment.ack, .flags = HP_TCP_RST};
    size_t length = hp_tcp_write(&h, bytes, sizeof bytes);
    hp_packet *rst = hp_packet_new(HP_PROTO_TCP, &offender->dst, &offender->src, bytes, length);
    rst->dont_fragment = true;
    rst->uid = hp_world_new_uid(nat->node.world);
    return rst;
}

static hp_time hold_timeout(const hp_nat *nat)
{
    return nat->config.tcp_hold_timeout ? nat->config.tcp_hold_timeout : 6 * HP_S;
}

void hp_nat_tcp_hold_rearm(hp_nat *nat)
{
    hp_nat_hold *hold = &nat->hold;
    hp_timer_arm(nat->node.world, &hold->timer, hold->n ? hp_time_add(hold->syns[0].at, hold_timeout(nat)) : HP_NEVER);
}

/* Takes a held SYN out of the list and drops it; its sender hears of it, or not. */
static void let_go(hp_nat *nat, unsigned i, hp_icmp_kind answer, const char *detail)
{
    hp_nat_hold *hold = &nat->hold;
    hp_nat_held_syn held = hold->syns[i];
    hp_nat_verdict v = {0};

    memmove(&hold->syns[i], &hold->syns[i + 1], (hold->n - i - 1) * sizeof *hold->syns);
    hold->n--;
    hp_nat_refuse(&v, held.reason, detail, answer);
    hp_nat_finish(nat, held.side, held.p, &v);
}

static void on_timer(void *owner, hp_time now)
{
    hp_nat *nat = owner;
    while (nat->hold.n && hp_time_add(nat->hold.syns[0].at, hold_timeout(nat)) <= now)
        let_go(nat, 0, HP_ICMP_PORT_UNREACHABLE, "no SYN came the other way");
    hp_nat_tcp_hold_rearm(nat);
}

void hp_nat_tcp_hold_init(hp_nat *nat)
{
    hp_timer_init(&nat->hold.timer, HP_TIMER_NODE, nat->node.id, on_timer, nat);
}

/* The SYN that waits for that connection; hold->n when there is none. */
static unsigned find(const hp_nat_hold *hold, const hp_addr *external, const hp_addr *remote)
{
    unsigned i = 0;
    while (i < hold->n &&
           !(hp_addr_equal(&hold->syns[i].p->dst, external) && hp_addr_equal(&hold->syns[i].remote, remote)))
        i++;
    return i;
}

void hp_nat_tcp_hold_syn(hp_nat *nat, unsigned side, hp_packet *p, const hp_nat_verdict *v)
{
    hp_nat_hold *hold = &nat->hold;

    if (find(hold, &p->dst, &v->src) < hold->n) {
        hp_nat_verdict again = {0};
        hp_nat_refuse(&again, v->reason, "one like it waits already", HP_ICMP_NONE);
        hp_nat_finish(nat, side, p, &again);
        return;
    }
    if (hold->n == MAX_HELD)
        let_go(nat, 0, HP_ICMP_NONE, "too many SYNs wait");
    if (hold->n == hold->capacity) {
        hold->capacity = hold->capacity ? hold->capacity * 2 : 8;
        hold->syns = g_renew(hp_nat_held_syn, hold->syns, hold->capacity);
    }
    hold->syns[hold->n++] = (hp_nat_held_syn){
        .p = p, .remote = v->src, .at = hp_world_now(nat->node.world), .side = side, .reason = v->reason};
    hp_nat_tcp_hold_rearm(nat);
}

void hp_nat_tcp_release_syn(hp_nat *nat, const hp_addr *external, const hp_addr *remote)
{
    hp_nat_hold *hold = &nat->hold;
    unsigned i = find(hold, external, remote);
    if (i < hold->n) {
        let_go(nat, i, HP_ICMP_NONE, "a SYN came the other way");
        hp_nat_tcp_hold_rearm(nat);
    }
}

void hp_nat_tcp_hold_clear(hp_nat *nat, bool quiet)
{
    hp_nat_hold *hold = &nat->hold;
    for (unsigned i = 0; quiet && i < hold->n; i++)
        hp_packet_free(hold->syns[i].p);
    while (!quiet && hold->n)
        let_go(nat, 0, HP_ICMP_NONE, "the NAT has forgotten it");
    hp_timer_cancel(nat->node.world, &hold->timer);
    g_clear_pointer(&hold->syns, g_free);
    hold->n = hold->capacity = 0;
}

size_t hp_nat_tcp_hold_memory(const hp_nat *nat)
{
    return nat->hold.capacity * sizeof *nat->hold.syns;
}
