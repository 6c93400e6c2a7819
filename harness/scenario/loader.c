/* The walk over tree and table that fills a scenario.
 *
 * A struct is filled in four moves: `start` (where the defaults are another struct), the defaults of its keys, the keys
 * that are given, in the table's order, and `finish`. A map inside a struct has had its defaults by then, so it only
 * adds to them; elements of arrays and variants of a union begin anew. Nothing stops at an error: a field that is wrong
 * keeps its default, and the walk goes on, so that one pass finds everything. A case with any error is thrown away.
 *
 * Shorthands are undone before anything is looked at: a schema never sees anything but a map. */
#include "scenario/loader.h"

#include <stdarg.h>
#include <string.h>

/* ---- diagnostics ---- */

void hp_load_report(hp_load *load, hp_severity severity, unsigned line, unsigned column, const char *hint,
                    const char *format, ...)
{
    va_list args;

    va_start(args, format);
    g_autofree char *message = g_strdup_vprintf(format, args);
    va_end(args);
    load->n_errors += severity == HP_SEVERITY_ERROR;
    char *key = g_strdup_printf("%u:%u:%s", line, column, message);
    if (!g_hash_table_add(load->seen, key) || hp_load_is_hopeless(load)) {
        return;
    }
    load->n_reported++;
    g_autofree char *text = line > 0 ? hp_source_line(&load->source, line) : NULL;
    hp_diags_add(load->diags, severity, (hp_mark){load->source.path, line, column}, text, hint, "%s", message);
}

void hp_loader_error(hp_loader *l, const hp_tree *at, const char *hint, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    g_autofree char *message = g_strdup_vprintf(format, args);
    va_end(args);
    hp_load_report(l->load, HP_SEVERITY_ERROR, at == NULL ? 0 : at->line, at == NULL ? 0 : at->column, hint, "%s",
                   message);
}

hp_mark hp_loader_mark(const hp_loader *l, const hp_tree *at)
{
    return (hp_mark){.file = l->root->scenario.file, .line = at->line, .column = at->column};
}

static void append_path(const hp_path *path, GString *out)
{
    if (path != NULL) {
        append_path(path->up, out);
        g_string_append_printf(out, "%s%s", out->len > 0 ? "." : "", path->name);
    }
}

char *hp_loader_path(const hp_loader *l)
{
    GString *out = g_string_new(NULL);
    append_path(l->path, out);
    if (out->len == 0) {
        g_string_append(out, "the scenario");
    }
    return g_string_free(out, FALSE);
}

char *hp_loader_nearest(const char *word, const char *const *candidates, size_t n)
{
    const char *nearest = hp_nearest_word(word, candidates, n);
    return nearest == NULL ? NULL : g_strdup_printf("did you mean `%s`?", nearest);
}

static void unknown_key(hp_loader *l, const hp_schema *schema, const hp_tree *key)
{
    g_autoptr(GPtrArray) names = hp_schema_key_names(schema);
    g_autofree char *path = hp_loader_path(l);
    g_autofree char *hint = hp_loader_nearest(key->text, (const char *const *)names->pdata, names->len);
    hp_loader_error(l, key, hint, "unknown key `%s` in %s", key->text, path);
}

/* ---- structs ---- */

/* "delay: 20ms" applied to a map's fields. */
static void apply_fallback(hp_loader *l, const hp_schema *schema, const char *fallback, void *base)
{
    hp_tree value = {.kind = HP_NODE_SCALAR, .weight = 1};
    const char *colon = strchr(fallback, ':');
    char name[32];
    size_t offset = 0;

    g_strlcpy(name, fallback, MIN(sizeof name, (size_t)(colon - fallback) + 1));
    value.text = colon + 2;
    const hp_key *key = hp_schema_find(schema, name, &offset);
    g_assert(key != NULL);
    hp_value_read(l, key, &value, (char *)base + offset);
}

void hp_loader_defaults(hp_loader *l, const hp_schema *schema, void *base)
{
    for (unsigned i = 0; i < schema->n_keys; i++) {
        const hp_key *key = &schema->keys[i];
        char *field = (char *)base + key->offset;
        if (key->type == HP_V_INCLUDE) {
            hp_loader_defaults(l, key->sub, field);
            if (key->count != 0) {
                hp_loader_defaults(l, key->sub, (char *)base + key->count);
            }
        } else if (key->type == HP_V_MAP) {
            if (key->overlay || key->sub->whole) {
                continue;
            }
            if (key->sub->start != NULL) {
                key->sub->start(l, field, base, NULL);
            }
            hp_loader_defaults(l, key->sub, field);
            if (key->fallback != NULL) {
                apply_fallback(l, key->sub, key->fallback, field);
            }
        } else if (key->fallback != NULL) {
            hp_tree value = {.kind = HP_NODE_SCALAR, .weight = 1, .text = key->fallback};
            hp_value_read(l, key, &value, base);
        }
    }
}

const hp_tree *hp_loader_as_map(hp_loader *l, const hp_schema *schema, const hp_tree *node)
{
    if (node->kind == HP_NODE_NULL) {
        return hp_tree_new(l->arena, HP_NODE_MAP, node);
    }
    if (node->kind == HP_NODE_MAP) {
        if (schema->map_shorthand == NULL || hp_tree_get(node, schema->map_shorthand) != NULL) {
            return node;
        }
        for (unsigned i = 0; i < schema->n_keys; i++) {
            if (schema->keys[i].name != NULL && hp_tree_get(node, schema->keys[i].name) != NULL) {
                return node; /* the long form, which lacks its main key: that is said later */
            }
        }
        return hp_tree_wrap(l->arena, schema->map_shorthand, node);
    }
    if (schema->shorthand != NULL) {
        return hp_tree_wrap(l->arena, schema->shorthand, node);
    }
    g_autofree char *path = hp_loader_path(l);
    hp_loader_error(l, node, NULL, "%s must be a map of keys and values", path);
    return NULL;
}

/* Values that another key of the same schema puts out of force. */
static void forget_others(const hp_schema *schema, const hp_key *key, void *base)
{
    for (const char *const *name = key->forgets; name != NULL && *name != NULL; name++) {
        size_t offset = 0;
        const hp_key *other = hp_schema_find(schema, *name, &offset);
        g_assert(other != NULL);
        memset((char *)base + offset + other->offset, 0, other->size);
        if (other->count != 0) {
            memset((char *)base + offset + other->count, 0, sizeof(unsigned));
        }
    }
}

static void given_keys(hp_loader *l, const hp_schema *schema, const hp_tree *map, void *base, bool loose)
{
    for (unsigned i = 0; i < schema->n_keys; i++) {
        const hp_key *key = &schema->keys[i];
        if (key->type == HP_V_INCLUDE) {
            given_keys(l, key->sub, map, (char *)base + key->offset, loose || key->loose);
            if (key->count != 0) {
                given_keys(l, key->sub, map, (char *)base + key->count, loose || key->loose);
            }
            continue;
        }
        const hp_tree *value = hp_tree_get(map, key->name);
        if (value != NULL) {
            if (value->kind != HP_NODE_NULL) {
                forget_others(schema, key, base);
            }
            hp_loader_key(l, key, value, base);
        } else if (key->required && !loose) {
            g_autofree char *path = hp_loader_path(l);
            hp_loader_error(l, map, NULL, "%s lacks `%s`", path, key->name);
        }
    }
}

static void finish(hp_loader *l, const hp_schema *schema, const hp_tree *map, void *base)
{
    for (unsigned i = 0; i < schema->n_keys; i++) {
        if (schema->keys[i].type == HP_V_INCLUDE && schema->keys[i].count == 0) {
            finish(l, schema->keys[i].sub, map, (char *)base + schema->keys[i].offset);
        }
    }
    if (schema->finish != NULL) {
        schema->finish(l, base, map);
    }
}

static void forget(const hp_schema *schema, void *base)
{
    for (unsigned i = 0; i < schema->n_keys; i++) {
        const hp_key *key = &schema->keys[i];
        memset((char *)base + key->offset, 0, key->size);
        if (key->flag != 0) {
            *(bool *)((char *)base + key->flag) = false;
        }
        if (key->count != 0) {
            memset((char *)base + key->count, 0, sizeof(unsigned));
        }
        if (key->type == HP_V_MAP) {
            forget(key->sub, (char *)base + key->offset);
        }
    }
}

static void load_union(hp_loader *l, const hp_schema *schema, const hp_tree *node, void *base, const void *parent);

void hp_loader_struct(hp_loader *l, const hp_schema *schema, const hp_tree *node, void *base, const void *parent,
                      bool overlay)
{
    if (schema->n_variants > 0) {
        load_union(l, schema, node, base, parent);
        return;
    }
    const hp_tree *map = hp_loader_as_map(l, schema, node);
    if (map == NULL) {
        map = hp_tree_new(l->arena, HP_NODE_MAP, node);
        if (!overlay && schema->start != NULL) {
            schema->start(l, base, parent, map);
        }
        return;
    }
    if (schema->whole) {
        forget(schema, base);
        overlay = false;
    }
    if (!overlay && schema->start != NULL) {
        schema->start(l, base, parent, map);
    }
    if (!overlay && !schema->inherits) {
        hp_loader_defaults(l, schema, base);
    }
    for (unsigned i = 0; i < map->n && !hp_load_is_hopeless(l->load); i++) {
        size_t offset = 0;
        if (hp_schema_find(schema, map->pairs[i].key->text, &offset) == NULL) {
            unknown_key(l, schema, map->pairs[i].key);
        }
    }
    given_keys(l, schema, map, base, false);
    finish(l, schema, map, base);
}

/* ---- unions ---- */

/* The one pair of the map that is a variant. Reports what is wrong. */
static const hp_tree_pair *find_variant(hp_loader *l, const hp_schema *schema, const hp_tree *map)
{
    const hp_tree_pair *found = NULL;
    bool unknown = false;

    for (unsigned i = 0; i < map->n && !hp_load_is_hopeless(l->load); i++) {
        const hp_tree_pair *pair = &map->pairs[i];
        size_t offset = 0;
        if (hp_schema_find_variant(schema, pair->key->text) != NULL) {
            if (found != NULL) {
                hp_loader_error(l, pair->key, "put it in an item of its own",
                                "a %s is one thing, and `%s` is there already", schema->name, found->key->text);
                continue;
            }
            found = pair;
        } else if (hp_schema_find(schema, pair->key->text, &offset) == NULL) {
            unknown_key(l, schema, pair->key);
            unknown = true;
        }
    }
    if (found == NULL && !unknown) {
        hp_loader_error(l, map, NULL, "this %s says not what it is", schema->name);
    }
    return found;
}

static void load_variant(hp_loader *l, const hp_schema *schema, const hp_key *variant, const hp_tree *value, void *base)
{
    hp_path path = {l->path, variant->name};

    memcpy((char *)base + schema->tag, &variant->tag, sizeof variant->tag);
    l->path = &path;
    if (variant->type == HP_V_MAP) {
        hp_loader_struct(l, variant->sub, value, (char *)base + variant->offset, base, false);
    } else {
        hp_value_read(l, variant, value, base);
    }
    l->path = path.up;
    if (variant->flag != 0) {
        *(bool *)((char *)base + variant->flag) = true;
    }
}

static void load_union(hp_loader *l, const hp_schema *schema, const hp_tree *node, void *base, const void *parent)
{
    if (schema->start != NULL) {
        schema->start(l, base, parent, node);
    }
    hp_loader_defaults(l, schema, base);
    if (node->kind == HP_NODE_SCALAR) {
        const hp_key *variant = hp_schema_find_variant(schema, node->text);
        if (variant != NULL) {
            load_variant(l, schema, variant, hp_tree_new(l->arena, HP_NODE_NULL, node), base);
            return;
        }
        g_autoptr(GPtrArray) names = hp_schema_key_names(schema);
        g_autofree char *hint = hp_loader_nearest(node->text, (const char *const *)names->pdata, names->len);
        hp_loader_error(l, node, hint, "`%s` is no %s", node->text, schema->name);
        return;
    }
    if (node->kind != HP_NODE_MAP) {
        g_autofree char *path = hp_loader_path(l);
        hp_loader_error(l, node, NULL, "%s must be a map with one key that says what it is", path);
        return;
    }
    const hp_tree_pair *pair = find_variant(l, schema, node);
    if (pair != NULL) {
        load_variant(l, schema, hp_schema_find_variant(schema, pair->key->text), pair->value, base);
    }
    given_keys(l, schema, node, base, false);
    finish(l, schema, node, base);
}

/* ---- arrays ---- */

static void set_array(const hp_key *key, void *base, void *elements, unsigned n)
{
    memcpy((char *)base + key->offset, &elements, sizeof elements);
    memcpy((char *)base + key->count, &n, sizeof n);
}

static void load_by_name(hp_loader *l, const hp_key *key, const hp_tree *node, void *base)
{
    if (node->kind == HP_NODE_NULL) {
        return;
    }
    if (node->kind != HP_NODE_MAP) {
        hp_loader_error(l, node, NULL, "`%s` must be a map from names to their properties", key->name);
        return;
    }
    if (node->n > HP_LOAD_MAX_NAMES) {
        hp_loader_error(l, node, NULL, "`%s` must have at most %d names, not %u", key->name, HP_LOAD_MAX_NAMES,
                        node->n);
        return;
    }
    char *elements = hp_arena_alloc(l->arena, node->n * key->sub->size);
    for (unsigned i = 0; i < node->n; i++) {
        const hp_tree_pair *pair = &node->pairs[i];
        char *element = elements + i * key->sub->size, *name = hp_arena_text(l->arena, pair->key->text);
        hp_path path = {l->path, name};

        if (key->sub->free_names && (*name == '\0' || strlen(name) > HP_LOAD_MAX_USER)) {
            hp_loader_error(l, pair->key, NULL, "a %s's name must have 1 to %d bytes", key->sub->name,
                            HP_LOAD_MAX_USER);
        } else if (!key->sub->free_names && !hp_name_is_valid(name)) {
            hp_loader_error(l, pair->key, "letters, digits, `-` and `_`, at most 63", "`%s` is not fit for a name",
                            name);
        }
        memcpy(element, &name, sizeof name);
        if (key->sub->mark != 0) {
            hp_mark mark = hp_loader_mark(l, pair->key);
            memcpy(element + key->sub->mark, &mark, sizeof mark);
        }
        l->path = &path;
        hp_loader_struct(l, key->sub, pair->value, element, base, false);
        l->path = path.up;
    }
    set_array(key, base, elements, node->n);
}

/* One element of a list of pairs: a name alone, or with what is said of it. */
static void load_pair(hp_loader *l, const hp_key *key, const hp_tree *name_node, const hp_tree *value, char *element)
{
    char *name = hp_arena_text(l->arena, name_node->text);
    hp_path path = {l->path, name};

    memcpy(element, &name, sizeof name);
    if (key->sub->mark != 0) {
        hp_mark mark = hp_loader_mark(l, name_node);
        memcpy(element + key->sub->mark, &mark, sizeof mark);
    }
    l->path = &path;
    hp_loader_struct(l, key->sub, value, element, NULL, false);
    l->path = path.up;
}

static void load_pairs(hp_loader *l, const hp_key *key, const hp_tree *node, void *base)
{
    if (node->kind == HP_NODE_NULL) {
        return;
    }
    if ((node->kind != HP_NODE_MAP && node->kind != HP_NODE_LIST) || node->n > HP_LOAD_MAX_LIST) {
        hp_loader_error(l, node, NULL, "`%s` must be a list of names and values, or a map, of at most %d", key->name,
                        HP_LOAD_MAX_LIST);
        return;
    }
    char *elements = hp_arena_alloc(l->arena, node->n * key->sub->size);
    for (unsigned i = 0; i < node->n; i++) {
        char *element = elements + i * key->sub->size;
        if (node->kind == HP_NODE_MAP) {
            load_pair(l, key, node->pairs[i].key, node->pairs[i].value, element);
            continue;
        }
        const hp_tree *item = node->items[i];
        if (item->kind == HP_NODE_SCALAR) {
            load_pair(l, key, item, hp_tree_new(l->arena, HP_NODE_NULL, item), element);
        } else if (item->kind == HP_NODE_MAP && item->n == 1) {
            load_pair(l, key, item->pairs[0].key, item->pairs[0].value, element);
        } else {
            hp_loader_error(l, item, NULL, "an item of `%s` must be a name, or one name and its value", key->name);
            return;
        }
    }
    set_array(key, base, elements, node->n);
}

static bool is_skipped(hp_loader *l, const hp_schema *schema, const hp_tree *item)
{
    size_t offset = 0;
    const hp_key *when = hp_schema_find(schema, "when", &offset);
    const hp_tree *value = when == NULL || when->type != HP_V_WHEN ? NULL : hp_tree_get(item, "when");
    return value != NULL && !hp_matrix_holds(l, value);
}

/* The count grows with the elements, so that one can look at those before it. */
static void load_list(hp_loader *l, const hp_key *key, const hp_tree *node, void *base)
{
    unsigned n = 0;

    if (node->kind == HP_NODE_NULL) {
        return;
    }
    if (key->lone && node->kind != HP_NODE_LIST) {
        hp_tree *list = hp_tree_new(l->arena, HP_NODE_LIST, node);
        const hp_tree **items = hp_arena_alloc(l->arena, sizeof *items);
        items[0] = node;
        list->items = items;
        list->n = 1;
        node = list;
    }
    if (node->kind != HP_NODE_LIST) {
        hp_loader_error(l, node, "each item begins with `- `", "`%s` must be a list", key->name);
        return;
    }
    if (node->n < key->min || node->n > key->max) {
        hp_loader_error(l, node, NULL, "`%s` must have %d to %d items, not %u", key->name, (int)key->min, (int)key->max,
                        node->n);
        return;
    }
    char *elements = hp_arena_alloc(l->arena, node->n * key->sub->size);
    set_array(key, base, elements, 0);
    for (unsigned i = 0; i < node->n; i++) {
        char number[16];
        hp_path path = {l->path, number};
        char *element = elements + n * key->sub->size;

        if (is_skipped(l, key->sub, node->items[i])) {
            continue;
        }
        g_snprintf(number, sizeof number, "%u", i);
        if (key->sub->mark != 0) {
            hp_mark mark = hp_loader_mark(l, node->items[i]);
            memcpy(element + key->sub->mark, &mark, sizeof mark);
        }
        l->path = &path;
        hp_loader_struct(l, key->sub, node->items[i], element, base, false);
        l->path = path.up;
        n++;
        memcpy((char *)base + key->count, &n, sizeof n);
    }
}

void hp_loader_key(hp_loader *l, const hp_key *key, const hp_tree *node, void *base)
{
    hp_path path = {l->path, key->name};
    bool good = true;

    l->path = &path;
    if (key->type == HP_V_MAP) {
        hp_loader_struct(l, key->sub, node, (char *)base + key->offset, base, true);
    } else if (key->type == HP_V_BY_NAME) {
        load_by_name(l, key, node, base);
    } else if (key->type == HP_V_LIST) {
        load_list(l, key, node, base);
    } else if (key->type == HP_V_PAIRS) {
        load_pairs(l, key, node, base);
    } else {
        good = hp_value_read(l, key, node, base);
    }
    l->path = path.up;
    if (good && key->flag != 0) {
        *(bool *)((char *)base + key->flag) = true;
    }
}

char *hp_loader_changes_text(hp_loader *l, const hp_tree *node, const char *const *but)
{
    g_autoptr(GString) text = g_string_new(NULL);
    for (unsigned i = 0; i < node->n; i++) {
        if (!g_strv_contains(but, node->pairs[i].key->text)) {
            g_string_append_printf(text, "%s%s: ", text->len > 0 ? ", " : "", node->pairs[i].key->text);
            hp_tree_render(node->pairs[i].value, text);
        }
    }
    return hp_arena_text(l->arena, text->str);
}
