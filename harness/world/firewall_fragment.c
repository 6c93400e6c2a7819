/* Fragments through the firewall. Only a datagram's first fragment shows ports, so that its verdict is kept, under
 * (side, source, destination, protocol, identification), and holds for the others.
 *
 * A fragment that comes before its first one is held until that comes, at most 30 s after the datagram was last heard
 * of, or is dropped at once, as the settings say. When the first has come it leaves first, then what was held, as it
 * came. At most 64 are held of a datagram and 512 in all, and of 4096 datagrams known the oldest is forgotten, so that a
 * flood of fragments harms nothing but itself. A verdict is forgotten after 30 s without a fragment.
 *
 * Fragments neither begin nor refresh a flow, but the first one. Overlaps are for the receiver to find. */
#include <string.h>

#include "world/firewall_private.h"

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
    bool decided, passes;
    GQueue held; /* of hp_packet */
    GList link; /* in by_age */
} datagram;

struct hp_firewall_fragment_table {
    hp_firewall *fw;
    GHashTable *datagrams; /* keyed by themselves; looked up, never walked */
    GQueue by_age; /* the next to expire first */
    unsigned n_held;
    hp_timer timer;
};

static guint key_hash(gconstpointer p)
{
    const datagram_key *key = p;
    uint64_t h = hp_addr_hash(&key->src) + hp_addr_hash(&key->dst) * 31;
    h = (h ^ key->ip_id ^ (uint64_t)key->proto << 32 ^ (uint64_t)key->side << 40) * UINT64_C(0x9e3779b97f4a7c15);
    return (guint)(h >> 32);
}

static gboolean key_equal(gconstpointer a, gconstpointer b)
{
    return memcmp(a, b, sizeof(datagram_key)) == 0;
}

static datagram_key key_of(unsigned side, const hp_packet *p)
{
    return (datagram_key){
        .src = hp_addr_with_port(p->src, 0),
        .dst = hp_addr_with_port(p->dst, 0),
        .ip_id = p->ip_id,
        .proto = p->proto,
        .side = (uint8_t)side,
    };
}

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

static void arm(hp_firewall_fragment_table *t)
{
    const datagram *oldest = g_queue_peek_head(&t->by_age);
    hp_timer_arm(t->fw->node.world, &t->timer, oldest != NULL ? oldest->expires : HP_NEVER);
}

static void forget(hp_firewall_fragment_table *t, datagram *d, bool quiet)
{
    hp_packet *p;

    g_queue_unlink(&t->by_age, &d->link);
    g_hash_table_remove(t->datagrams, d);
    while ((p = g_queue_pop_head(&d->held)) != NULL) {
        t->n_held--;
        if (quiet) {
            hp_packet_free(p);
        } else {
            drop(t->fw, p, "its first fragment never came");
        }
    }
    g_free(d);
}

static void on_timer(void *owner, hp_time now)
{
    hp_firewall_fragment_table *t = owner;
    datagram *d;
    while ((d = g_queue_peek_head(&t->by_age)) != NULL && d->expires <= now) {
        forget(t, d, false);
    }
    arm(t);
}

/* The datagram, known or new, and heard of now. */
static datagram *remember(hp_firewall_fragment_table *t, const datagram_key *key)
{
    datagram *d = g_hash_table_lookup(t->datagrams, key);
    if (d != NULL) {
        g_queue_unlink(&t->by_age, &d->link);
    } else {
        if (g_hash_table_size(t->datagrams) >= MAX_DATAGRAMS) {
            forget(t, g_queue_peek_head(&t->by_age), false);
        }
        d = g_new0(datagram, 1);
        d->key = *key;
        d->link.data = d;
        g_hash_table_add(t->datagrams, d);
    }
    d->expires = hp_time_add(hp_firewall_now(t->fw), FRAGMENT_TIMEOUT);
    g_queue_push_tail_link(&t->by_age, &d->link);
    arm(t);
    return d;
}

static void hold(hp_firewall_fragment_table *t, datagram *d, hp_packet *p)
{
    if (t->n_held == MAX_HELD || d->held.length == MAX_HELD_OF_ONE) {
        drop(t->fw, p, "too many fragments wait for their first one");
        return;
    }
    g_queue_push_tail(&d->held, p);
    t->n_held++;
}

void hp_firewall_fragment_later(hp_firewall *fw, unsigned side, hp_packet *p)
{
    hp_firewall_fragment_table *t = fw->fragments;
    datagram_key key = key_of(side, p);

    switch (fw->config.fragments) {
    case HP_FIREWALL_FRAGMENTS_PASS:
        send_on(fw, side, p);
        return;
    case HP_FIREWALL_FRAGMENTS_DROP:
        drop(fw, p, "fragments do not pass");
        return;
    case HP_FIREWALL_FRAGMENTS_IN_ORDER:
        if (!g_hash_table_contains(t->datagrams, &key)) {
            drop(fw, p, "it came before its first fragment");
            return;
        }
        break;
    case HP_FIREWALL_FRAGMENTS_OUT_OF_ORDER:
        break;
    }
    datagram *d = remember(t, &key);
    if (!d->decided) {
        hold(t, d, p);
    } else if (d->passes) {
        send_on(fw, side, p);
    } else {
        drop(fw, p, "its first fragment was refused");
    }
}

void hp_firewall_fragment_first(hp_firewall *fw, unsigned side, hp_packet *p, const hp_firewall_verdict *v)
{
    hp_firewall_fragment_table *t = fw->fragments;
    datagram_key key = key_of(side, p);
    hp_packet *held;

    GQueue waiting = G_QUEUE_INIT;
    if (fw->config.fragments != HP_FIREWALL_FRAGMENTS_PASS) {
        datagram *d = remember(t, &key);
        d->decided = true;
        d->passes = v->pass;
        waiting = d->held; /* taken out: a neighbour may come back here before all have left */
        t->n_held -= waiting.length;
        g_queue_init(&d->held);
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

hp_firewall_fragment_table *hp_firewall_fragments_new(hp_firewall *fw)
{
    hp_firewall_fragment_table *t = g_new0(hp_firewall_fragment_table, 1);
    t->fw = fw;
    t->datagrams = g_hash_table_new(key_hash, key_equal);
    hp_timer_init(&t->timer, HP_TIMER_NODE, fw->node.id, on_timer, t);
    return t;
}

void hp_firewall_fragments_flush(hp_firewall_fragment_table *t, bool quiet)
{
    datagram *d;
    while ((d = g_queue_peek_head(&t->by_age)) != NULL) {
        forget(t, d, quiet);
    }
    hp_timer_cancel(t->fw->node.world, &t->timer);
}

void hp_firewall_fragments_free(hp_firewall_fragment_table *t)
{
    if (t == NULL) {
        return;
    }
    hp_firewall_fragments_flush(t, true);
    g_hash_table_unref(t->datagrams);
    g_free(t);
}
