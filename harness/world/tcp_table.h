/* The connections of a host by their four numbers: an open-addressing map, linear probing, at most half full, removal
 * by shifting back, as addr_map.h. Private to tcp*.c. */
#ifndef HP_WORLD_TCP_TABLE_H
#define HP_WORLD_TCP_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"

typedef struct hp_tcp_pair {
    hp_addr local, remote;
} hp_tcp_pair;

typedef struct hp_tcp_slot {
    hp_tcp_pair key;
    void *value; /* NULL: empty */
} hp_tcp_slot;

/* Zero it to start. */
typedef struct hp_tcp_table {
    hp_tcp_slot *slots;
    size_t mask, n;
} hp_tcp_table;

void hp_tcp_table_clear(hp_tcp_table *table);
/* The pair is not in the table yet; value is not NULL. */
void hp_tcp_table_add(hp_tcp_table *table, const hp_tcp_pair *key, void *value);
/* NULL when there is none. */
void *hp_tcp_table_find(const hp_tcp_table *table, const hp_tcp_pair *key);
void hp_tcp_table_remove(hp_tcp_table *table, const hp_tcp_pair *key);

#endif
