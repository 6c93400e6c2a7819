/* Fragments through the NAT (RFC 4787 section 11, RFC 6146 section 3.4 for the same trouble).
 *
 * Only a datagram's first fragment has ports. Its verdict is kept under (side, source, destination, protocol,
 * identification) and decides about the others: they get the same addresses and leave at the same side, or share its
 * fate when it was dropped. They make and refresh no mapping of their own.
 *
 * A fragment that comes before its first one is held until that comes, at most 30 s after the datagram's first sign of
 * life (HP_NAT_FRAGMENTS_OUT_OF_ORDER), or dropped at once (IN_ORDER). When the first has come it leaves first, then
 * what was held, as it came. So that a flood of fragments does no harm beyond itself (REQ-14a), at most 64 are held of
 * a datagram and 512 in all, and of 4096 datagrams known the oldest is forgotten.
 *
 * With HP_NAT_FRAGMENTS_REASSEMBLE none of that applies: the datagram is put together (world/fragment.c, its limits and
 * timeouts), judged as one packet, and cut anew, to the length of the largest of its fragments: as Linux does, so that a
 * path that carried them on one side does on the other, in IPv6 too, where no link may cut. A datagram that never
 * becomes whole ends in silence, since the NAT is not its receiver.
 *
 * All of it holds for UDP, TCP and ICMP queries alike: a packet's checksum is written from the sum of the whole payload
 * that its first fragment carries.
 *
 * The NAT leaves the identification alone, as the common ones do: two inside hosts that use one value towards one
 * destination at one time collide there, as in life. */
#include <string.h>

#include "world/fragment.h"
#include "world/nat_private.h"

enum { MAX_DATAGRAMS = 4096, MAX_HELD = 512, MAX_HELD_OF_ONE = 64 };
#define FRAGMENT_TIMEOUT (30 * HP_S)

typedef struct datagram_key {
    hp_addr src, dst; /* port 0 */
    uint32_t ip_id;
    uint8_t proto, side, zero[2];
} datagram_key;
static_assert(sizeof(datagram_key) == 48, "compared as bytes: no padding");

typedef struct datagram {
    datagram_key key;
    hp_time expires;
    bool decided;
    hp_nat_verdict verdict; /* of the first fragment, once decided */
    uint32_t largest; /* wire length of a fragment, where they are reassembled */
    GQueue held; /* of hp_packet */
    GList link; /* in by_age */
} datagram;

struct hp_nat_fragment_table {
    hp_nat *nat;
    GHashTable *datagrams; /* keyed by themselves */
    GQueue by_age; /* the next to expire first */
    unsigned n_held;
    hp_timer timer;
    hp_reassembly *whole[2]; /* of each side, once it is needed: HP_NAT_FRAGMENTS_REASSEMBLE */
};

static guint key_hash(gconstpointer p)
{
    const datagram_key *key = p;
    uint64_t h = hp_addr_hash(&key->src) ^ hp_addr_hash(&key->dst) * 31;
    h = (h ^ key->ip_id ^ (uint64_t)key->proto << 32 ^ (uint64_t)key->side << 40) * UINT64_C(0x9e3779b97f4a7c15);
    return (guint)(h >> 32);
}

static gboolean key_equal(gconstpointer a, gconstpointer b)
{
    return memcmp(a, b, sizeof(datagram_key)) == 0;
}

static datagram_key key_of(unsigned side, const hp_packet *p)
{
    return (datagram_key){.src = hp_addr_with_port(p->src, 0),
                          .dst = hp_addr_with_port(p->dst, 0),
                          .ip_id = p->ip_id,
                          .proto = p->proto,
                          .side = (uint8_t)side};
}

/* Removes a datagram; what it holds is dropped. */
static void forget(hp_nat_fragment_table *t, datagram *d, bool quiet)
{
    hp_packet *p;

    g_queue_unlink(&t->by_age, &d->link);
    g_hash_table_remove(t->datagrams, d);
    while ((p = g_queue_pop_head(&d->held))) {
        t->n_held--;
        if (quiet)
            hp_packet_free(p);
        else
            hp_nat_drop(t->nat, p, HP_DROP_NAT_FRAGMENT, "its first fragment never came");
    }
    g_free(d);
}

static void rearm(hp_nat_fragment_table *t)
{
    const datagram *oldest = g_queue_peek_head(&t->by_age);
    hp_timer_arm(t->nat->node.world, &t->timer, oldest ? oldest->expires : HP_NEVER);
}

static void on_timer(void *owner, hp_time now)
{
    hp_nat_fragment_table *t = owner;
    datagram *d;
    while ((d = g_queue_peek_head(&t->by_age)) && d->expires <= now)
        forget(t, d, false);
    rearm(t);
}

hp_nat_fragment_table *hp_nat_fragments_new(hp_nat *nat)
{
    hp_nat_fragment_table *t = g_new0(hp_nat_fragment_table, 1);
    t->nat = nat;
    t->datagrams = g_hash_table_new(key_hash, key_equal);
    hp_timer_init(&t->timer, HP_TIMER_NODE, nat->node.id, on_timer, t);
    return t;
}

void hp_nat_fragments_flush(hp_nat_fragment_table *t, bool quiet)
{
    datagram *d;
    while ((d = g_queue_peek_head(&t->by_age)))
        forget(t, d, quiet);
    hp_timer_cancel(t->nat->node.world, &t->timer);
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
    g_hash_table_unref(t->datagrams);
    g_free(t);
}

static datagram *remember(hp_nat_fragment_table *t, const datagram_key *key)
{
    datagram *d = g_hash_table_lookup(t->datagrams, key);
    if (!d) {
        if (g_hash_table_size(t->datagrams) >= MAX_DATAGRAMS)
            forget(t, g_queue_peek_head(&t->by_age), false);
        d = g_new0(datagram, 1);
        d->key = *key;
        d->link.data = d;
        g_hash_table_add(t->datagrams, d);
    } else {
        g_queue_unlink(&t->by_age, &d->link);
    }
    d->expires = hp_time_add(hp_world_now(t->nat->node.world), FRAGMENT_TIMEOUT);
    g_queue_push_tail_link(&t->by_age, &d->link);
    rearm(t);
    return d;
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
    hp_nat_fragment_table *t = nat->fragments;
    datagram_key key = key_of(side, p);
    datagram *d = remember(t, &key);
    GQueue held = d->held;
    hp_nat_verdict rest = *v;

    rest.src.port = rest.dst.port = 0;
    d->verdict = rest;
    d->decided = true;
    g_queue_init(&d->held);
    t->n_held -= held.length;
    hp_nat_finish(nat, side, p, v);
    while ((p = g_queue_pop_head(&held)))
        share_fate(nat, side, p, &rest);
}

static void later(hp_nat *nat, unsigned side, hp_packet *p)
{
    hp_nat_fragment_table *t = nat->fragments;
    datagram_key key = key_of(side, p);
    datagram *d = g_hash_table_lookup(t->datagrams, &key);

    if (d && d->decided) {
        hp_nat_verdict v = d->verdict;
        share_fate(nat, side, p, &v);
        return;
    }
    if (nat->config.fragments == HP_NAT_FRAGMENTS_IN_ORDER) {
        hp_nat_drop(nat, p, HP_DROP_NAT_FRAGMENT, "it came before its first fragment");
        return;
    }
    if (t->n_held >= MAX_HELD || (d && d->held.length >= MAX_HELD_OF_ONE)) {
        hp_nat_drop(nat, p, HP_DROP_NAT_FRAGMENT, "too many fragments are held");
        return;
    }
    if (!d)
        d = remember(t, &key);
    g_queue_push_tail(&d->held, p);
    t->n_held++;
}

static hp_packet *reassemble(hp_nat *nat, unsigned side, hp_packet *p)
{
    hp_nat_fragment_table *t = nat->fragments;
    datagram_key key = key_of(side, p);
    datagram *d = remember(t, &key);

    d->largest = MAX(d->largest, hp_nat64_length(nat, p));
    if (!t->whole[side])
        t->whole[side] = hp_reassembly_new(&nat->node, NULL, NULL);
    bool entered = p->src.family != p->dst.family;
    hp_nat64_leave(nat, p);
    hp_packet *whole = hp_reassembly_add(t->whole[side], p);
    if (whole) {
        if (entered)
            hp_nat64_enter(nat, whole);
        nat->cut = d->largest;
        forget(t, d, false);
        rearm(t);
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
    return sizeof *t + g_hash_table_size(t->datagrams) * (sizeof(datagram) + 2 * sizeof(gpointer));
}
