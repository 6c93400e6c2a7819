/* `matrix`: a value set at a path of a scenario's tree.
 *
 * A path is walked along the schema as well as along the tree. So it is known at once whether a key exists, shorthands
 * on the way are undone (`home: symmetric` becomes a map when a knob of home is set), maps of a fixed shape are made
 * where the file left them out, and a name that the file does not have is an error instead of a new NAT. The tree is
 * not changed: what is on the path is copied, all else is shared. */
#include <string.h>

#include "scenario/matrix.h"

const hp_tree hp_matrix_gone = {.kind = HP_NODE_NULL, .text = ""};

typedef struct walk {
    hp_load *load;
    hp_arena *arena;
    const hp_tree *at; /* for errors */
    const char *path;
    char **parts; /* NULL-terminated */
    const hp_tree *value; /* hp_matrix_gone: taken away */
} walk;

static const hp_tree *lost(const walk *w, unsigned depth, const char *const *candidates, size_t n, const char *what)
{
    g_autofree char *hint = hp_loader_nearest(w->parts[depth], candidates, n);
    hp_matrix_complain(w->load, w->at, hint, "path `%s`: no %s `%s`", w->path, what, w->parts[depth]);
    return NULL;
}

static const hp_tree *set_in_struct(const walk *w, const hp_schema *schema, const hp_tree *node, unsigned depth);

static const hp_tree *set_in_names(const walk *w, const hp_key *key, const hp_tree *node, unsigned depth)
{
    const char *name = w->parts[depth];
    const hp_tree *element = hp_tree_get(node, name);

    if (element == NULL) {
        g_autoptr(GPtrArray) names = g_ptr_array_new();
        for (unsigned i = 0; node->kind == HP_NODE_MAP && i < node->n; i++) {
            g_ptr_array_add(names, (void *)node->pairs[i].key->text);
        }
        g_autofree char *what = g_strdup_printf("%s called", key->sub->name);
        return lost(w, depth, (const char *const *)names->pdata, names->len, what);
    }
    const hp_tree *changed = set_in_struct(w, key->sub, element, depth + 1);
    return changed == NULL ? NULL : hp_tree_with(w->arena, node, name, changed);
}

static const hp_tree *set_in_list(const walk *w, const hp_key *key, const hp_tree *node, unsigned depth)
{
    guint64 index;

    if (key->lone && node->kind != HP_NODE_LIST && node->kind != HP_NODE_NULL) {
        /* The only item, without a list: its keys stand where the item's number would. */
        return set_in_struct(w, key->sub, node, depth);
    }
    if (node->kind != HP_NODE_LIST || node->n == 0 ||
        !g_ascii_string_to_unsigned(w->parts[depth], 10, 0, node->n - 1, &index, NULL)) {
        hp_matrix_complain(w->load, w->at, "items are counted from 0", "path `%s`: `%s` is no item of `%s`", w->path,
                           w->parts[depth], key->name);
        return NULL;
    }
    const hp_tree *changed = set_in_struct(w, key->sub, node->items[index], depth + 1);
    if (changed == NULL) {
        return NULL;
    }
    hp_tree *copy = hp_tree_new(w->arena, HP_NODE_LIST, node);
    const hp_tree **items = hp_arena_alloc(w->arena, node->n * sizeof *items);
    memcpy(items, node->items, node->n * sizeof *items);
    items[index] = changed;
    copy->items = items;
    copy->n = node->n;
    copy->weight = node->weight;
    return copy;
}

static const hp_tree *set_in_key(const walk *w, const hp_key *key, const hp_tree *node, unsigned depth)
{
    if (w->parts[depth] == NULL) {
        return w->value;
    }
    if (key->type == HP_V_MAP) {
        return set_in_struct(w, key->sub, node, depth);
    }
    if (key->type == HP_V_BY_NAME) {
        return set_in_names(w, key, node, depth);
    }
    if (key->type == HP_V_LIST) {
        return set_in_list(w, key, node, depth);
    }
    bool pairs = key->type == HP_V_PAIRS && node->kind == HP_NODE_MAP;
    if ((key->type == HP_V_WHERE || key->type == HP_V_PAIR_TYPES || key->type == HP_V_BEHIND || pairs) &&
        w->parts[depth + 1] == NULL) {
        const hp_tree *map = node->kind == HP_NODE_MAP ? node : hp_tree_new(w->arena, HP_NODE_MAP, w->at);
        return hp_tree_with(w->arena, map, w->parts[depth], w->value);
    }
    hp_matrix_complain(w->load, w->at, NULL, "path `%s`: `%s` has no keys of its own", w->path, key->name);
    return NULL;
}

/* The node as a map that a key can be set in. */
static const hp_tree *as_map(const walk *w, const hp_schema *schema, const hp_tree *node, const char *next)
{
    hp_arena *arena = w->arena;
    size_t offset = 0;

    if (node->kind == HP_NODE_MAP) {
        bool own = hp_schema_find(schema, next, &offset) != NULL;
        return schema->map_shorthand == NULL || own || hp_tree_get(node, schema->map_shorthand) != NULL
                   ? node
                   : hp_tree_wrap(arena, schema->map_shorthand, node);
    }
    if (node->kind == HP_NODE_SCALAR && hp_schema_find_variant(schema, node->text) != NULL) {
        return hp_tree_wrap(arena, node->text, hp_tree_new(arena, HP_NODE_NULL, node));
    }
    return node->kind != HP_NODE_NULL && schema->shorthand != NULL ? hp_tree_wrap(arena, schema->shorthand, node)
                                                                   : hp_tree_new(arena, HP_NODE_MAP, node);
}

static const hp_tree *set_in_struct(const walk *w, const hp_schema *schema, const hp_tree *node, unsigned depth)
{
    const char *name = w->parts[depth];
    size_t offset = 0;

    if (name == NULL) {
        return w->value;
    }
    const hp_key *key = hp_schema_find_variant(schema, name);
    if (key == NULL) {
        key = hp_schema_find(schema, name, &offset);
    }
    const hp_tree *map = as_map(w, schema, node, name);
    if (key == NULL && schema->map_shorthand != NULL) {
        /* `pair.alice`: the key that is left out is put in. */
        key = hp_schema_find(schema, schema->map_shorthand, &offset);
        const hp_tree *inner = hp_tree_get(map, schema->map_shorthand);
        const hp_tree *changed = inner == NULL ? NULL : set_in_key(w, key, inner, depth);
        return changed == NULL ? NULL : hp_tree_with(w->arena, map, schema->map_shorthand, changed);
    }
    if (key == NULL) {
        g_autoptr(GPtrArray) names = hp_schema_key_names(schema);
        return lost(w, depth, (const char *const *)names->pdata, names->len, "key");
    }
    if (key->type == HP_V_MATRIX || key->type == HP_V_MATRIX_EXCEPT || key->type == HP_V_WHEN ||
        (schema == &hp_schema_root && strcmp(name, "matrix-reduce") == 0)) {
        hp_matrix_complain(w->load, w->at, NULL, "path `%s`: a matrix cannot set `%s`", w->path, name);
        return NULL;
    }
    const hp_tree *child = hp_tree_get(map, name);
    const hp_tree *changed =
        set_in_key(w, key, child != NULL ? child : hp_tree_new(w->arena, HP_NODE_NULL, w->at), depth + 1);
    return changed == NULL              ? NULL
           : changed == &hp_matrix_gone ? hp_tree_without(w->arena, map, name)
                                        : hp_tree_with(w->arena, map, name, changed);
}

const hp_tree *hp_matrix_set(hp_load *load, hp_arena *arena, const hp_tree *root, const hp_setting *setting,
                             const hp_tree *at)
{
    g_auto(GStrv) split = g_strsplit(setting->path, ".", -1);
    char **parts = hp_arena_alloc(arena, (g_strv_length(split) + 1) * sizeof *parts);

    /* hp_tree_with keeps the names, so they must live as long as the tree. */
    for (guint i = 0; split[i] != NULL; i++) {
        parts[i] = hp_arena_text(arena, split[i]);
    }
    const walk w = {load, arena, at, setting->path, parts, setting->value};
    return set_in_struct(&w, &hp_schema_root, root, 0);
}

const hp_key *hp_matrix_key(const char *path)
{
    g_auto(GStrv) parts = g_strsplit(path, ".", -1);
    const hp_schema *schema = &hp_schema_root;
    const hp_key *key = NULL;

    for (guint i = 0; parts[i] != NULL; i++) {
        size_t offset = 0;
        if (schema == NULL) {
            return NULL;
        }
        key = hp_schema_find_variant(schema, parts[i]);
        key = key != NULL ? key : hp_schema_find(schema, parts[i], &offset);
        if (key == NULL) {
            return NULL;
        }
        schema = key->type == HP_V_MAP || key->type == HP_V_BY_NAME ? key->sub : NULL;
        if (key->type == HP_V_BY_NAME && parts[i + 1] != NULL) {
            i++; /* the name; the path does not end there, or it sets the whole */
            key = parts[i + 1] != NULL ? key : NULL;
        }
    }
    return key;
}
