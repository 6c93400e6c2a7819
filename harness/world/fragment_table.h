/* Private to world/: datagrams of which a middlebox has seen fragments, what has been decided about them, and the
 * fragments that wait for the first one. */
#ifndef HP_WORLD_FRAGMENT_TABLE_H
#define HP_WORLD_FRAGMENT_TABLE_H

#include "world/world.h"

typedef struct hp_fragment_table hp_fragment_table;
typedef struct hp_fragmented hp_fragmented; /* one datagram; it lives until it is forgotten */

/* Takes a packet that has waited in vain. */
typedef void (*hp_fragment_drop)(void *owner, hp_packet *p, const char *detail);

/* fate_size: bytes that the owner keeps of each datagram, zero at first. The timer is the node's. */
hp_fragment_table *hp_fragment_table_new(hp_node *node, size_t fate_size, hp_fragment_drop drop, void *owner);
/* Drops nothing: what waits is freed. t may be NULL. */
void hp_fragment_table_free(hp_fragment_table *t);
/* Forgets everything; what waits is dropped, or freed without a word when quiet. */
void hp_fragment_table_flush(hp_fragment_table *t, bool quiet);
/* Bytes it holds. */
size_t hp_fragment_table_memory(const hp_fragment_table *t);

/* The datagram that p, come in at `side`, is a fragment of; NULL when it is not known. It grows no younger. */
hp_fragmented *hp_fragment_find(const hp_fragment_table *t, unsigned side, const hp_packet *p);
/* The same, made when it is not known, and heard of now. */
hp_fragmented *hp_fragment_remember(hp_fragment_table *t, unsigned side, const hp_packet *p);
void hp_fragment_forget(hp_fragment_table *t, hp_fragmented *d);

/* The owner's bytes. */
void *hp_fragment_fate(hp_fragmented *d);
bool hp_fragment_is_decided(const hp_fragmented *d);
/* From now on it is decided. What waited, in order, is the caller's: taken out, so that it may come back to the table
 * while these leave. */
GQueue hp_fragment_decide(hp_fragment_table *t, hp_fragmented *d);

/* Whether one more may wait. d: its datagram, NULL when that is not known. */
bool hp_fragment_has_room(const hp_fragment_table *t, const hp_fragmented *d);
/* Takes p, for which there is room. */
void hp_fragment_hold(hp_fragment_table *t, hp_fragmented *d, hp_packet *p);

#endif
