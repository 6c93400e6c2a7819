/* What a NAT and a firewall know of fragmented datagrams.
 *
 * Only a datagram's first fragment has ports, so that what was decided about it is kept for the others, under (side,
 * source, destination, protocol, identification). Before it has come, the others may wait here.
 *
 * A datagram is forgotten 30 s after it was last heard of, and what waits is dropped then. At most 64 fragments wait of
 * one datagram and 512 of all; of 4096 datagrams known the oldest gives way to a new one. A flood of fragments harms
 * nothing but itself.
 *
 * Invariants: by_age has every datagram of the hash table, the next to expire first, since all live equally long;
 * n_held is the sum of the queues; a decided datagram's queue is empty; the timer stands at the head of by_age. The
 * hash table is looked up, never walked. */
#include "world/fragment_table.h"

#include <assert.h>
#include <stddef.h>
#include <string.h>

enum { MAX_DATAGRAMS = 4096, MAX_HELD = 512, MAX_HELD_OF_ONE = 64 };
#define FRAGMENT_TIMEOUT (30 * HP_S)

typedef struct datagram_key {
    hp_addr src, dst; /* port 0 */
    uint32_t ip_id;
    uint8_t proto, side, zero[2];
} datagram_key;
static_assert(sizeof(datagram_key) == 48, "compared as bytes: no padding");

struct hp_fragmented {
    datagram_key key; /* first: the hash table's key is the datagram itself */
    hp_time expires;
    bool decided;
    GQueue held; /* of hp_packet */
    GList link; /* in by_age */
    max_align_t fate[];
};

struct hp_fragment_table {
    hp_world *world;
    GHashTable *datagrams;
    GQueue by_age;
    unsigned n_held;
    hp_timer timer;
    size_t fate_size;
    hp_fragment_drop drop;
    void *owner;
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

static void arm(hp_fragment_table *t)
{
    const hp_fragmented *oldest = g_queue_peek_head(&t->by_age);
    hp_timer_arm(t->world, &t->timer, oldest != NULL ? oldest->expires : HP_NEVER);
}

static void discard(hp_fragment_table *t, hp_fragmented *d, bool quiet)
{
    hp_packet *p;

    g_queue_unlink(&t->by_age, &d->link);
    g_hash_table_remove(t->datagrams, d);
    while ((p = g_queue_pop_head(&d->held)) != NULL) {
        t->n_held--;
        if (quiet) {
            hp_packet_free(p);
        } else {
            t->drop(t->owner, p, "its first fragment never came");
        }
    }
    g_free(d);
}

static void on_timer(void *owner, hp_time now)
{
    hp_fragment_table *t = owner;
    hp_fragmented *d;
    while ((d = g_queue_peek_head(&t->by_age)) != NULL && d->expires <= now) {
        discard(t, d, false);
    }
    arm(t);
}

hp_fragment_table *hp_fragment_table_new(hp_node *node, size_t fate_size, hp_fragment_drop drop, void *owner)
{
    hp_fragment_table *t = g_new0(hp_fragment_table, 1);
    t->world = node->world;
    t->datagrams = g_hash_table_new(key_hash, key_equal);
    t->fate_size = fate_size;
    t->drop = drop;
    t->owner = owner;
    hp_timer_init(&t->timer, HP_TIMER_NODE, node->id, on_timer, t);
    return t;
}

void hp_fragment_table_flush(hp_fragment_table *t, bool quiet)
{
    hp_fragmented *d;
    while ((d = g_queue_peek_head(&t->by_age)) != NULL) {
        discard(t, d, quiet);
    }
    hp_timer_cancel(t->world, &t->timer);
}

void hp_fragment_table_free(hp_fragment_table *t)
{
    if (t == NULL) {
        return;
    }
    hp_fragment_table_flush(t, true);
    g_hash_table_unref(t->datagrams);
    g_free(t);
}

size_t hp_fragment_table_memory(const hp_fragment_table *t)
{
    return sizeof *t + g_hash_table_size(t->datagrams) * (sizeof(hp_fragmented) + t->fate_size + 2 * sizeof(gpointer));
}

hp_fragmented *hp_fragment_find(const hp_fragment_table *t, unsigned side, const hp_packet *p)
{
    const datagram_key key = key_of(side, p);
    return g_hash_table_lookup(t->datagrams, &key);
}

hp_fragmented *hp_fragment_remember(hp_fragment_table *t, unsigned side, const hp_packet *p)
{
    hp_fragmented *d = hp_fragment_find(t, side, p);
    if (d != NULL) {
        g_queue_unlink(&t->by_age, &d->link);
    } else {
        if (g_hash_table_size(t->datagrams) >= MAX_DATAGRAMS) {
            discard(t, g_queue_peek_head(&t->by_age), false);
        }
        d = g_malloc0(sizeof *d + t->fate_size);
        d->key = key_of(side, p);
        d->link.data = d;
        g_hash_table_add(t->datagrams, d);
    }
    d->expires = hp_time_add(hp_world_now(t->world), FRAGMENT_TIMEOUT);
    g_queue_push_tail_link(&t->by_age, &d->link);
    arm(t);
    return d;
}

void hp_fragment_forget(hp_fragment_table *t, hp_fragmented *d)
{
    discard(t, d, false);
    arm(t);
}

void *hp_fragment_fate(hp_fragmented *d)
{
    return d->fate;
}

bool hp_fragment_is_decided(const hp_fragmented *d)
{
    return d->decided;
}

GQueue hp_fragment_decide(hp_fragment_table *t, hp_fragmented *d)
{
    GQueue held = d->held;
    g_queue_init(&d->held);
    t->n_held -= held.length;
    d->decided = true;
    return held;
}

bool hp_fragment_has_room(const hp_fragment_table *t, const hp_fragmented *d)
{
    return t->n_held < MAX_HELD && (d == NULL || d->held.length < MAX_HELD_OF_ONE);
}

void hp_fragment_hold(hp_fragment_table *t, hp_fragmented *d, hp_packet *p)
{
    assert(!d->decided && hp_fragment_has_room(t, d));
    g_queue_push_tail(&d->held, p);
    t->n_held++;
}
