/* The NAT's mapping table.
 *
 * Life of a mapping
 * =================
 *
 *   (none) --outbound packet, port found--> UNREPLIED --first packet let in--> REPLIED
 *                                               |                                  |
 *                                               +---- expired, lifetime, evicted, -+
 *                                                     reboot, renumber, rebind, icmp --> (none)
 *
 *   Birth     Only a packet from the inside makes a mapping (nat_mapping.c): never an ICMP error, never a packet from
 *             outside. (Or somebody asks for it: nat_explicit.h. Such a one has no timer, and nobody evicts it.) It
 *             gets an external address and port (nat_ports.c) and its first session, the remote that the packet was
 *             sent to. From here on it stands in all of: the inside index, the chain of its external port, the creation
 *             list, one timer heap; in the tuple index when ports may be overloaded; in its inside host's list when
 *             hosts are told apart.
 *   UNREPLIED No packet has come back. Times out by the unreplied timer. Legal: refresh, add a session, rebind, end.
 *   REPLIED   A packet was let in. Times out by the ordinary timer, or by the one for well-known ports when the packet
 *             that refreshed it last was to or from one. Legal: the same. It never goes back to UNREPLIED.
 *   Rebind    Another external port; key and sessions stay, its age starts anew. The trace shows an end and a birth.
 *   End       It leaves everything above at once, its id is reused. Nobody keeps an id or a pointer across a call that
 *             may create (a full table evicts) or end a mapping.
 *
 * What a mapping is found by (its kind, RFC 4787 section 4.1): the internal endpoint alone (and the remote's family);
 * with the remote's address; or with the remote's address and port. The kind is fixed at birth. The NAT's setting may
 * change at run time, so mappings of several kinds may live side by side; the narrowest that fits serves a packet
 * (nat_mapping.c). The key's remote is that of the oldest session: all sessions of a mapping share what its kind fixes.
 *
 * Layout: what every packet touches (64 bytes, one cache line) is apart from what only births and ends touch (48
 * bytes). Both lie in chunks that never move. Ids are 1, 2, 3...; 0 means none; at most HP_NAT_INDEX_MAX_ID. With the
 * heap entry (16), the inside index (5 to 10) and the port table (4 when ports are well used) a mapping costs about 145
 * bytes. Refreshing writes one field of the hot part and moves nothing: see nat_timer.c. */
#ifndef HP_WORLD_NAT_TABLE_H
#define HP_WORLD_NAT_TABLE_H

#include <assert.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/time.h"
#include "config/nat.h"
#include "wire/packet.h"
#include "world/nat_index.h"
#include "world/world.h"

/* Which timeout holds. The order is also the order of expiry at one instant. */
typedef enum hp_nat_timer {
    HP_NAT_TIMER_UDP, /* UDP that was answered */
    HP_NAT_TIMER_UNREPLIED, /* UDP that was not */
    HP_NAT_TIMER_WELL_KNOWN, /* last refreshed by a packet to or from a port below 1024 */
    HP_NAT_TIMER_ICMP,
    HP_NAT_TIMER_TCP, /* never: a TCP mapping ends with its last session (nat_tcp.h) */
    HP_NAT_TIMER_EXPLICIT, /* never: somebody asked for the mapping, and says when it ends (nat_explicit.h) */
    HP_NAT_N_TIMERS,
} hp_nat_timer;

/* Protocols that have ports or ids of their own to map; both ICMPs are one, told apart by family. */
typedef enum hp_nat_proto { HP_NAT_UDP, HP_NAT_ICMP, HP_NAT_TCP, HP_NAT_N_PROTOS } hp_nat_proto;

enum { HP_NAT_N_KINDS = HP_NAT_ADDRESS_AND_PORT_DEPENDENT + 1 };

enum {
    HP_NAT_REPLIED = 1 << 0,
    HP_NAT_TUPLED = 1 << 1, /* stands in the tuple index */
};

typedef struct hp_nat_mapping {
    hp_addr internal;
    hp_addr remote; /* the oldest session */
    uint32_t sessions; /* newest of the further sessions (nat_session.c), 0 = none */
    uint32_t n_sessions; /* all, the oldest included */
    hp_time refreshed;
    uint16_t external, port; /* index into the pool; external port or ICMP id */
    uint8_t proto, kind, timer, flags; /* hp_nat_proto, hp_nat_behaviour, hp_nat_timer */
} hp_nat_mapping;
static_assert(sizeof(hp_nat_mapping) == 64, "one cache line");

typedef struct hp_nat_links {
    uint32_t previous, next;
} hp_nat_links;

typedef struct hp_nat_mapping_cold {
    hp_time created;
    uint32_t heap_index;
    uint32_t host; /* 0 where hosts are not told apart */
    hp_nat_links by_creation; /* all mappings; next also chains free ids */
    hp_nat_links by_host; /* the inside host's, in order of creation */
    hp_nat_links by_port; /* that share one external port, newest first */
    uint32_t tcp, n_tcp; /* of TCP: its newest session (nat_tcp.h), and how many there are */
} hp_nat_mapping_cold;
static_assert(sizeof(hp_nat_mapping_cold) == 48, "counted in the 145 bytes above");

enum { HP_NAT_CHUNK_SHIFT = 8, HP_NAT_CHUNK = 1 << HP_NAT_CHUNK_SHIFT };

typedef struct hp_nat_chunk {
    hp_nat_mapping *hot;
    hp_nat_mapping_cold *cold;
} hp_nat_chunk;

typedef struct hp_nat_heap_entry {
    hp_time refreshed; /* of the mapping when it was queued; the mapping may have been refreshed since */
    uint32_t id;
} hp_nat_heap_entry;

typedef struct hp_nat_heap {
    hp_nat_heap_entry *entries;
    uint32_t n, capacity;
} hp_nat_heap;

/* A session beyond a mapping's first, or the count of a mapping's further sessions that share an address. */
typedef struct hp_nat_session {
    hp_addr remote; /* reserved: 1 for a count */
    uint32_t mapping;
    uint32_t next; /* the next newer one, of the newest: the oldest; a count: how many; a free record: the next free */
} hp_nat_session;

typedef struct hp_nat_sessions {
    hp_nat_session *records; /* [0] unused */
    uint32_t n, capacity, free;
    hp_nat_index index;
} hp_nat_sessions;

typedef struct hp_nat_table {
    hp_nat_chunk *chunks;
    uint32_t n_chunks, chunks_capacity;
    uint32_t n_ids; /* ids ever given, the unused 0 included */
    uint32_t free; /* chain of ids to use again, last freed first */
    uint32_t n; /* living mappings */
    uint32_t n_of_kind[HP_NAT_N_PROTOS][HP_NAT_N_KINDS];
    hp_nat_index inside, tuples;
    hp_nat_links by_creation; /* .next: oldest, .previous: newest */
    hp_nat_heap heaps[HP_NAT_N_TIMERS];
    hp_nat_sessions sessions;
} hp_nat_table;

static inline hp_nat_mapping *hp_nat_hot(const hp_nat_table *t, uint32_t id)
{
    return &t->chunks[id >> HP_NAT_CHUNK_SHIFT].hot[id & (HP_NAT_CHUNK - 1)];
}

/* Somebody asked for it: it neither idles out nor gives way (nat_explicit.h). */
static inline bool hp_nat_is_explicit(const hp_nat_table *t, uint32_t id)
{
    return hp_nat_hot(t, id)->timer == HP_NAT_TIMER_EXPLICIT;
}

static inline hp_nat_mapping_cold *hp_nat_cold(const hp_nat_table *t, uint32_t id)
{
    return &t->chunks[id >> HP_NAT_CHUNK_SHIFT].cold[id & (HP_NAT_CHUNK - 1)];
}

/* ---- nat_table.c ---- */

/* Takes *m (all but `sessions` filled in) into the table, the inside index, the creation list and its timer's heap.
 * Returns its id, 0 when ids have run out. The pointer to the mapping is hp_nat_hot(id). */
uint32_t hp_nat_table_add(hp_nat_table *t, const hp_nat_mapping *m, hp_time now);
/* The reverse; sessions go too. The caller has taken it out of its port's chain and its host's list. */
void hp_nat_table_remove(hp_nat_table *t, uint32_t id);
void hp_nat_table_clear(hp_nat_table *t);
size_t hp_nat_table_memory(const hp_nat_table *t);

/* A mapping of exactly that kind, 0 when there is none. */
uint32_t hp_nat_table_find(const hp_nat_table *t, hp_nat_behaviour kind, hp_nat_proto proto, const hp_addr *internal,
                           const hp_addr *remote);
/* Prefetches for hp_nat_table_find(): the index far ahead, the mapping when near. */
void hp_nat_table_hint(const hp_nat_table *t, hp_nat_behaviour kind, hp_nat_proto proto, const hp_addr *internal,
                       const hp_addr *remote, hp_hint hint);
/* Born now, as far as age and order of creation go. */
void hp_nat_table_renew(hp_nat_table *t, uint32_t id, hp_time now);

/* The tuple index: (external address and port, what the kind fixes of the remote). */
void hp_nat_tuple_add(hp_nat_table *t, uint32_t id);
void hp_nat_tuple_remove(hp_nat_table *t, uint32_t id);
uint32_t hp_nat_tuple_find(const hp_nat_table *t, hp_nat_behaviour kind, hp_nat_proto proto, uint16_t external,
                           uint16_t port, const hp_addr *remote);

/* Whether two remotes are the same as far as a kind tells them apart. Their family always tells: an IPv6 endpoint has a
 * mapping for IPv4 remotes (NAT64) beside one for its own kind. */
static inline bool hp_nat_same_remote(hp_nat_behaviour kind, const hp_addr *a, const hp_addr *b)
{
    switch (kind) {
    case HP_NAT_ENDPOINT_INDEPENDENT:
        return a->family == b->family;
    case HP_NAT_ADDRESS_DEPENDENT:
        return hp_addr_same_ip(a, b);
    case HP_NAT_ADDRESS_AND_PORT_DEPENDENT:
        return hp_addr_equal(a, b);
    }
    return false;
}

/* ---- nat_session.c ---- */

/* Whether the mapping's sessions hold that remote, as far as `by` looks at it. */
bool hp_nat_session_has(const hp_nat_table *t, uint32_t id, hp_nat_behaviour by, const hp_addr *remote);
/* Remembers a remote; with `max` of them already, the oldest is forgotten. */
void hp_nat_session_add(hp_nat_table *t, uint32_t id, const hp_addr *remote, uint32_t max);
void hp_nat_session_remove_all(hp_nat_table *t, uint32_t id);
void hp_nat_sessions_clear(hp_nat_sessions *s);
size_t hp_nat_sessions_memory(const hp_nat_sessions *s);

/* ---- nat_timer.c ---- */

void hp_nat_timer_add(hp_nat_table *t, uint32_t id);
void hp_nat_timer_remove(hp_nat_table *t, uint32_t id);
/* Moves a mapping to another timer. */
void hp_nat_timer_change(hp_nat_table *t, uint32_t id, hp_nat_timer timer);
/* A lower bound of `refreshed` over the timer's mappings, HP_NEVER when it has none. */
hp_time hp_nat_timer_bound(const hp_nat_table *t, hp_nat_timer timer);
/* The least recently refreshed mapping of the timer (of the lowest id among equals), 0 when it has none. */
uint32_t hp_nat_timer_first(hp_nat_table *t, hp_nat_timer timer);
void hp_nat_timers_clear(hp_nat_table *t);

#endif
