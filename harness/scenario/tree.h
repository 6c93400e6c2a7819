/* Private to scenario/: a YAML document as a tree of maps, lists and scalars, each with its place in the text. */
#ifndef HP_SCENARIO_TREE_H
#define HP_SCENARIO_TREE_H

#include <glib.h>
#include <stdbool.h>

#include "base/diag.h"
#include "scenario/arena.h"

typedef enum hp_node_kind { HP_NODE_NULL, HP_NODE_SCALAR, HP_NODE_MAP, HP_NODE_LIST } hp_node_kind;

typedef struct hp_tree hp_tree; /* one node; the subtrees of an alias are shared, so a tree may be a DAG */
typedef struct hp_tree_pair {
    const hp_tree *key; /* always a scalar */
    const hp_tree *value;
} hp_tree_pair;

struct hp_tree {
    hp_node_kind kind;
    bool quoted; /* a scalar in quotes or a block */
    unsigned line, column; /* 1-based */
    unsigned weight; /* nodes below, aliases expanded, this one included */
    const char *text; /* of a scalar; "" for null */
    const hp_tree_pair *pairs; /* of a map, n of them */
    const hp_tree *const *items; /* of a list, n of them */
    unsigned n;
};

/* The text of a file, for diagnostics. */
typedef struct hp_source {
    const char *path;
    const char *text; /* ends in NUL; may hold NULs when it is no text at all */
    size_t len;
} hp_source;

#define HP_SOURCE_MAX ((size_t)1 << 20)
#define HP_TREE_MAX_DEPTH 48
#define HP_TREE_MAX_WEIGHT 200000
#define HP_TREE_MAX_ERRORS 200

/* Reads the one document of a file into the arena. NULL when it is no YAML or breaks a rule of the tree; the reasons
 * are in diags. Duplicate keys are reported but do not stop the reading: the first one counts. */
const hp_tree *hp_tree_parse(const hp_source *source, hp_arena *arena, hp_diags *diags);

/* The value of a key, or NULL. */
const hp_tree *hp_tree_get(const hp_tree *map, const char *key);
/* The text of a key's scalar; NULL when there is no such key, or it holds something else. */
const char *hp_tree_text(const hp_tree *map, const char *key);
/* Makes a node at the place of another one. */
hp_tree *hp_tree_new(hp_arena *arena, hp_node_kind kind, const hp_tree *at);
/* A map of one pair. */
const hp_tree *hp_tree_wrap(hp_arena *arena, const char *key, const hp_tree *value);
/* A copy of the map in which key has that value; the order of keys stays, a new key comes last. */
const hp_tree *hp_tree_with(hp_arena *arena, const hp_tree *map, const char *key, const hp_tree *value);
/* A copy of the map without that key. */
const hp_tree *hp_tree_without(hp_arena *arena, const hp_tree *map, const char *key);
/* As one line of YAML in flow style: "{within: 3s}". */
void hp_tree_render(const hp_tree *node, GString *out);
bool hp_tree_equal(const hp_tree *a, const hp_tree *b);

/* The text of a line (1-based), without its end; NULL past the last. Caller frees. */
char *hp_source_line(const hp_source *source, unsigned line);

#endif
