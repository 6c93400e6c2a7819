/* Private to the tables of raw peers: what they share. */
#ifndef HP_SCENARIO_TABLE_RAW_H
#define HP_SCENARIO_TABLE_RAW_H

#include "scenario/table.h"
#include "scenario/tree.h"

/* ---- table_raw_stun.c ---- */

extern const hp_schema hp_schema_raw_stun, hp_schema_raw_check;

/* ---- table_raw_text.c: of a map's keys. Those that are not there, or hold a variable, are good ---- */

/* Whether it holds a variable. text may be NULL. */
bool hp_loader_raw_is_open(const char *text);
/* Where to point: at the value, else at the element as a whole. */
const hp_tree *hp_loader_raw_at(const hp_tree *node, const char *key);
/* How many of these keys (NULL-terminated) are there. */
unsigned hp_loader_raw_count(const hp_tree *node, const char *const *keys);
/* Hexadecimal digits in pairs. */
void hp_loader_raw_hex(hp_loader *l, const hp_tree *node, const char *key);
/* Hexadecimal digits of n bytes, or `random`. */
void hp_loader_raw_bytes(hp_loader *l, const hp_tree *node, const char *key, unsigned n);
/* A number of 16 bits. */
void hp_loader_raw_number(hp_loader *l, const hp_tree *node, const char *key);

#endif
