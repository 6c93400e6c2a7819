/* Fragments through the NAT (RFC 4787 section 11, RFC 6146 section 3.4 for the same trouble).
 *
 * Only a datagram's first fragment has ports. Its verdict is kept under (side, source, destination, protocol,
 * identification) and decides about the others: they get the same addresses and leave at the same side, or share its
 * fate when it was dropped. They make and refresh no mapping of their own.
 *
 * A fragment that comes before its first one is held until that comes, at most 30 s after the datagram's first sign of
 * life (HP_NAT_FRAGMENTS_OUT_OF_ORDER), or dropped at once (IN_ORDER). When the first has come it leaves first, then
 * what was held, as it came. The table's bounds (fragment_table.c) see to it that a flood of fragments does no harm
 * beyond itself (REQ-14a).
 *
 * With HP_NAT_FRAGMENTS_REASSEMBLE none of that applies: the datagram is put together (world/fragment.c, its limits and
 * timeouts), judged as one packet, and cut anew, to the length of the largest of its fragments: as Linux does, so that
 * a path that carried them on one side does on the other, in IPv6 too, where no link may cut. A datagram that never
 * becomes whole ends in silence, since the NAT is not its receiver.
 *
 * All of it holds for UDP, TCP and ICMP queries alike: a packet's checksum is written from the sum of the whole payload
 * that its first fragment carries.
 *
 * The NAT leaves the identification alone, as the common ones do: two inside hosts that use one value towards one
 * destination at one time collide there, as in life. */
#include "world/fragment.h"
#include "world/fragment_table.h"
#include "world/nat_private.h"

/* What is known of a datagram. */
typedef struct nat_fate {
    hp_nat_verdict verdict; /* of the first fragment, once decided */
    uint32_t largest; /* wire length of a fragment, where they are reassembled */
} nat_fate;

struct hp_nat_fragment_table {
    hp_fragment_table *known;
    hp_reassembly *whole[2]; /* of each side, once it is needed: HP_NAT_FRAGMENTS_REASSEMBLE */
};

static void drop(void *owner, hp_packet *p, const char *detail)
{
    hp_nat_drop(owner, p, HP_DROP_NAT_FRAGMENT, detail);
}

hp_nat_fragment_table *hp_nat_fragments_new(hp_nat *nat)
{
    hp_nat_fragment_table *t = g_new0(hp_nat_fragment_table, 1);
    t->known = hp_fragment_table_new(&nat->node, sizeof(nat_fate), drop, nat);
    return t;
}

void hp_nat_fragments_flush(hp_nat_fragment_table *t, bool quiet)
{
    hp_fragment_table_flush(t->known, quiet);
    for (unsigned side = 0; side < G_N_ELEMENTS(t->whole); side++) {
        if (t->whole[side] && !quiet)
            hp_reassembly_flush(t->whole[side], "the NAT forgot what it held");
        g_clear_pointer(&t->whole[side], hp_reassembly_free);
    }
}

void hp_nat_fragments_free(hp_nat_fragment_table *t)
{
    if (!t)
        return;
    hp_nat_fragments_flush(t, true);
    hp_fragment_table_free(t->known);
    g_free(t);
}

static void share_fate(hp_nat *nat, unsigned side, hp_packet *p, const hp_nat_verdict *first)
{
    hp_nat_verdict v = *first;
    if (!v.pass)
        hp_nat_refuse(&v, first->reason, "its first fragment was dropped", HP_ICMP_NONE);
    else if (p->ttl <= 1)
        hp_nat_refuse(&v, HP_DROP_TTL, NULL, HP_ICMP_NONE);
    hp_nat_finish(nat, side, p, &v);
}

void hp_nat_fragment_first(hp_nat *nat, unsigned side, hp_packet *p, const hp_nat_verdict *v)
{
    hp_fragment_table *known = nat->fragments->known;
    hp_fragmented *d = hp_fragment_remember(known, side, p);
    nat_fate *fate = hp_fragment_fate(d);
    hp_nat_verdict rest = *v;

    rest.src.port = rest.dst.port = 0;
    fate->verdict = rest;
    GQueue held = hp_fragment_decide(known, d);
    hp_nat_finish(nat, side, p, v);
    while ((p = g_queue_pop_head(&held)))
        share_fate(nat, side, p, &rest);
}

static void later(hp_nat *nat, unsigned side, hp_packet *p)
{
    hp_fragment_table *known = nat->fragments->known;
    hp_fragmented *d = hp_fragment_find(known, side, p);

    if (d && hp_fragment_is_decided(d)) {
        const nat_fate *fate = hp_fragment_fate(d);
        hp_nat_verdict v = fate->verdict; /* a copy: the datagram may be forgotten before p has left */
        share_fate(nat, side, p, &v);
        return;
    }
    if (nat->config.fragments == HP_NAT_FRAGMENTS_IN_ORDER) {
        hp_nat_drop(nat, p, HP_DROP_NAT_FRAGMENT, "it came before its first fragment");
        return;
    }
    if (!hp_fragment_has_room(known, d)) {
        hp_nat_drop(nat, p, HP_DROP_NAT_FRAGMENT, "too many fragments are held");
        return;
    }
    if (!d)
        d = hp_fragment_remember(known, side, p);
    hp_fragment_hold(known, d, p);
}

static hp_packet *reassemble(hp_nat *nat, unsigned side, hp_packet *p)
{
    hp_nat_fragment_table *t = nat->fragments;
    hp_fragmented *d = hp_fragment_remember(t->known, side, p);
    nat_fate *fate = hp_fragment_fate(d);

    fate->largest = MAX(fate->largest, hp_nat64_length(nat, p));
    if (!t->whole[side])
        t->whole[side] = hp_reassembly_new(&nat->node, NULL, NULL);
    bool entered = p->src.family != p->dst.family;
    hp_nat64_leave(nat, p);
    hp_packet *whole = hp_reassembly_add(t->whole[side], p);
    if (whole) {
        if (entered)
            hp_nat64_enter(nat, whole);
        nat->cut = fate->largest;
        hp_fragment_forget(t->known, d);
    }
    return whole;
}

hp_packet *hp_nat_fragment_gate(hp_nat *nat, unsigned side, hp_packet *p)
{
    switch (nat->config.fragments) {
    case HP_NAT_FRAGMENTS_DROP:
        hp_nat_drop(nat, p, HP_DROP_NAT_FRAGMENT, NULL);
        return NULL;
    case HP_NAT_FRAGMENTS_REASSEMBLE:
        return reassemble(nat, side, p);
    case HP_NAT_FRAGMENTS_OUT_OF_ORDER:
    case HP_NAT_FRAGMENTS_IN_ORDER:
        break;
    }
    if (p->frag_offset == 0)
        return p;
    later(nat, side, p);
    return NULL;
}

size_t hp_nat_fragments_memory(const hp_nat_fragment_table *t)
{
    return sizeof *t + hp_fragment_table_memory(t->known);
}
