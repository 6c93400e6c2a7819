/* Private to the firewall's files: the table of flows.
 *
 * Life of a flow
 * ==============
 *
 *   (none) --a packet that may pass--> alive --expired, evicted, flushed, reopened--> (none)
 *
 *   Birth   It stands in the index and in the heap of its timer.
 *   Alive   Refreshing writes one field and moves nothing. Changing the timer moves it from one heap to another.
 *   End     It leaves all of these at once, its id is reused. Nobody keeps an id or a pointer across a call that may
 *           create or end a flow.
 *
 * A flow is found by protocol, inside end and outside end. Ids are 1, 2, 3...; 0 means none.
 *
 * Expiry: one heap a timer, as all flows of one timer live for the same time after their last refresh; it orders by
 * the time of the refresh that an entry was queued with, which may be older than the flow's last. Who needs the true
 * head (hp_flow_first) puts stale heads back first. At one instant flows end by timer, then refresh, then id.
 *
 * Layout: 64 bytes a flow, one cache line, in chunks that never move; 8 to 32 bytes of index, 16 of heap. */
#ifndef HP_WORLD_FIREWALL_TABLE_H
#define HP_WORLD_FIREWALL_TABLE_H

#include <assert.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/time.h"

/* Which timeout holds. The order is also the order of expiry at one instant. */
typedef enum hp_flow_timer {
    HP_FLOW_UDP, /* UDP that was answered */
    HP_FLOW_UDP_UNREPLIED,
    HP_FLOW_UDP_WELL_KNOWN, /* answered, with a port below 1024 */
    HP_FLOW_TCP_TRANSITORY,
    HP_FLOW_TCP_ESTABLISHED,
    HP_FLOW_TCP_CLOSED,
    HP_FLOW_ICMP,
    HP_FLOW_OTHER,
    HP_FLOW_N_TIMERS,
} hp_flow_timer;

enum {
    HP_FLOW_OUT = 1 << 0, /* a packet went out */
    HP_FLOW_IN = 1 << 1, /* a packet came in */
    HP_FLOW_OPENS = 1 << 2, /* counted among the openings */
};

typedef struct hp_flow_key {
    hp_addr inside, outside;
    uint8_t proto; /* HP_PROTO_*; HP_PROTO_ICMP for both kinds of ICMP */
} hp_flow_key;

typedef struct hp_flow {
    hp_addr inside, outside; /* inside.family none: free */
    hp_time refreshed;
    uint32_t heap_index;
    uint32_t next_free;
    uint8_t proto, timer, tcp, flags; /* timer: hp_flow_timer; tcp: firewall_tcp.c */
    uint32_t reserved;
} hp_flow;
static_assert(sizeof(hp_flow) == 64, "one cache line");

typedef struct hp_flow_heap_entry {
    hp_time refreshed;
    uint32_t id;
} hp_flow_heap_entry;

typedef struct hp_flow_heap {
    hp_flow_heap_entry *entries;
    uint32_t n, capacity;
} hp_flow_heap;

typedef struct hp_flow_slot {
    uint32_t hash, id; /* id 0: empty */
} hp_flow_slot;

enum { HP_FLOW_CHUNK_SHIFT = 8, HP_FLOW_CHUNK = 1 << HP_FLOW_CHUNK_SHIFT };

/* Zero it to start. */
typedef struct hp_flow_table {
    hp_flow **chunks;
    uint32_t n_chunks, last_id, free_id, n;
    hp_flow_slot *slots;
    uint32_t mask; /* number of slots - 1; 0 without slots */
    hp_flow_heap heaps[HP_FLOW_N_TIMERS];
} hp_flow_table;

static inline hp_flow *hp_flow_at(const hp_flow_table *t, uint32_t id)
{
    return &t->chunks[(id - 1) >> HP_FLOW_CHUNK_SHIFT][(id - 1) & (HP_FLOW_CHUNK - 1)];
}

void hp_flow_table_clear(hp_flow_table *t);
/* 0 when there is none. */
uint32_t hp_flow_find(const hp_flow_table *t, const hp_flow_key *key);
/* Brings what hp_flow_find() begins with into the cache; with near, what that leads to. */
void hp_flow_prefetch(const hp_flow_table *t, const hp_flow_key *key, bool near);
/* There must be none of that key. */
uint32_t hp_flow_add(hp_flow_table *t, const hp_flow_key *key, hp_time now, hp_flow_timer timer);
void hp_flow_remove(hp_flow_table *t, uint32_t id);
/* Moves it to another timer's heap, if it is not there already. */
void hp_flow_set_timer(hp_flow_table *t, uint32_t id, hp_flow_timer timer);
/* The flow of that timer that was refreshed the longest ago; 0 when there is none. */
uint32_t hp_flow_first(hp_flow_table *t, hp_flow_timer timer);
/* A time no later than that flow's refresh; HP_NEVER when there is none. */
hp_time hp_flow_bound(const hp_flow_table *t, hp_flow_timer timer);

#endif
