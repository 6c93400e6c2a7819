/* The tree: looking at it, copying it with a change, writing it as one line.
 *
 * Nodes never change once they are made, so subtrees may be shared by aliases and by the cases of a matrix; a change
 * is a copy of the maps and lists on the way to it. What is written in flow style reads back as the same tree. */
#include "scenario/tree.h"

#include <string.h>

/* The length of the line break at p, 0 where there is none: as YAML 1.2 counts them, a carriage return alone too. */
static size_t break_at(const char *p, const char *end)
{
    if (*p == '\r') {
        return p + 1 < end && p[1] == '\n' ? 2 : 1;
    }
    return *p == '\n' ? 1 : 0;
}

static const char *end_of_line(const char *p, const char *end)
{
    while (p < end && break_at(p, end) == 0) {
        p++;
    }
    return p;
}

char *hp_source_line(const hp_source *source, unsigned line)
{
    const char *p = source->text, *end = source->text + source->len;

    for (unsigned i = 1; i < line; i++) {
        p = end_of_line(p, end);
        if (p == end) {
            return NULL;
        }
        p += break_at(p, end);
    }
    if (line == 0 || (p == end && line > 1)) {
        return NULL;
    }
    size_t len = (size_t)(end_of_line(p, end) - p);
    return g_utf8_make_valid(p, (gssize)strnlen(p, len));
}

hp_tree *hp_tree_new(hp_arena *arena, hp_node_kind kind, const hp_tree *at)
{
    hp_tree *node = hp_arena_alloc(arena, sizeof *node);
    node->kind = kind;
    node->weight = 1;
    node->text = "";
    if (at != NULL) {
        node->line = at->line;
        node->column = at->column;
    }
    return node;
}

const hp_tree *hp_tree_get(const hp_tree *map, const char *key)
{
    for (unsigned i = 0; map != NULL && map->kind == HP_NODE_MAP && i < map->n; i++) {
        if (strcmp(map->pairs[i].key->text, key) == 0) {
            return map->pairs[i].value;
        }
    }
    return NULL;
}

const char *hp_tree_text(const hp_tree *map, const char *key)
{
    const hp_tree *value = hp_tree_get(map, key);
    return value == NULL || value->kind != HP_NODE_SCALAR ? NULL : value->text;
}

const hp_tree *hp_tree_wrap(hp_arena *arena, const char *key, const hp_tree *value)
{
    hp_tree *map = hp_tree_new(arena, HP_NODE_MAP, value), *name = hp_tree_new(arena, HP_NODE_SCALAR, value);
    hp_tree_pair *pair = hp_arena_alloc(arena, sizeof *pair);

    name->text = key;
    *pair = (hp_tree_pair){name, value};
    map->pairs = pair;
    map->n = 1;
    map->weight = value->weight + 2;
    return map;
}

const hp_tree *hp_tree_with(hp_arena *arena, const hp_tree *map, const char *key, const hp_tree *value)
{
    hp_tree *copy = hp_tree_new(arena, HP_NODE_MAP, map);
    hp_tree_pair *pairs = hp_arena_alloc(arena, (map->n + 1) * sizeof *pairs);
    bool found = false;

    copy->pairs = pairs;
    copy->weight = map->weight + value->weight;
    for (unsigned i = 0; i < map->n; i++) {
        pairs[i] = map->pairs[i];
        if (strcmp(pairs[i].key->text, key) == 0) {
            pairs[i].value = value;
            found = true;
        }
    }
    copy->n = map->n;
    if (!found) {
        hp_tree *name = hp_tree_new(arena, HP_NODE_SCALAR, value);
        name->text = key;
        pairs[copy->n++] = (hp_tree_pair){name, value};
    }
    return copy;
}

const hp_tree *hp_tree_without(hp_arena *arena, const hp_tree *map, const char *key)
{
    hp_tree *copy = hp_tree_new(arena, HP_NODE_MAP, map);
    hp_tree_pair *pairs = hp_arena_alloc(arena, (map->n + 1) * sizeof *pairs);

    copy->pairs = pairs;
    copy->weight = map->weight;
    for (unsigned i = 0; i < map->n; i++) {
        if (strcmp(map->pairs[i].key->text, key) != 0) {
            pairs[copy->n++] = map->pairs[i];
        }
    }
    return copy;
}

/* Whether a scalar can stand without quotes in flow style and still be read back as itself. */
static bool reads_back_plain(const char *text)
{
    if (*text == '\0' || strchr("-?:,[]{}#&*!|>'\"%@`< =", *text) != NULL || strcmp(text, "null") == 0 ||
        strcmp(text, "~") == 0) {
        return false;
    }
    for (const char *p = text; *p != '\0'; p++) {
        if ((unsigned char)*p < ' ' || strchr(",[]{}\"", *p) != NULL || (*p == ':' && (p[1] == ' ' || p[1] == '\0')) ||
            (*p == '#' && p[-1] == ' ') || (*p == ' ' && p[1] == '\0')) {
            return false;
        }
    }
    return true;
}

static void render_scalar(const char *text, GString *out)
{
    if (reads_back_plain(text)) {
        g_string_append(out, text);
        return;
    }
    g_string_append_c(out, '"');
    for (const char *p = text; *p != '\0'; p++) {
        if (*p == '"' || *p == '\\') {
            g_string_append_c(out, '\\');
            g_string_append_c(out, *p);
        } else if (*p == '\n') {
            g_string_append(out, "\\n");
        } else if ((unsigned char)*p < ' ') {
            g_string_append_printf(out, "\\x%02x", (unsigned char)*p);
        } else {
            g_string_append_c(out, *p);
        }
    }
    g_string_append_c(out, '"');
}

void hp_tree_render(const hp_tree *node, GString *out)
{
    switch (node->kind) {
    case HP_NODE_NULL:
        g_string_append(out, "null");
        break;
    case HP_NODE_SCALAR:
        render_scalar(node->text, out);
        break;
    case HP_NODE_MAP:
        g_string_append_c(out, '{');
        for (unsigned i = 0; i < node->n; i++) {
            g_string_append(out, i > 0 ? ", " : "");
            render_scalar(node->pairs[i].key->text, out);
            g_string_append(out, ": ");
            hp_tree_render(node->pairs[i].value, out);
        }
        g_string_append_c(out, '}');
        break;
    case HP_NODE_LIST:
        g_string_append_c(out, '[');
        for (unsigned i = 0; i < node->n; i++) {
            g_string_append(out, i > 0 ? ", " : "");
            hp_tree_render(node->items[i], out);
        }
        g_string_append_c(out, ']');
        break;
    }
}

bool hp_tree_equal(const hp_tree *a, const hp_tree *b)
{
    if (a->kind != b->kind || a->n != b->n || strcmp(a->text, b->text) != 0) {
        return false;
    }
    for (unsigned i = 0; i < a->n; i++) {
        if (a->kind == HP_NODE_LIST ? !hp_tree_equal(a->items[i], b->items[i])
                                    : (strcmp(a->pairs[i].key->text, b->pairs[i].key->text) != 0 ||
                                       !hp_tree_equal(a->pairs[i].value, b->pairs[i].value))) {
            return false;
        }
    }
    return true;
}
