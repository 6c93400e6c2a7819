/* `matrix`: what the command line says of axes and exceptions, as the trees that a file would have.
 *
 * Values are YAML in flow style. Nodes made of them stand on line 0: messages about them name the file alone, and it
 * shows which axes are not the file's own. */
#include <string.h>

#include "scenario/matrix.h"

static const hp_tree nowhere = {.kind = HP_NODE_NULL, .text = ""};

/* The same nodes on line 0. */
static const hp_tree *unplaced(hp_arena *arena, const hp_tree *node)
{
    hp_tree *copy = hp_arena_alloc(arena, sizeof *copy);
    *copy = *node;
    copy->line = copy->column = 0;
    if (node->kind == HP_NODE_MAP) {
        hp_tree_pair *pairs = hp_arena_alloc(arena, MAX(node->n, 1) * sizeof *pairs);
        for (unsigned i = 0; i < node->n; i++) {
            pairs[i] = (hp_tree_pair){unplaced(arena, node->pairs[i].key), unplaced(arena, node->pairs[i].value)};
        }
        copy->pairs = pairs;
    } else if (node->kind == HP_NODE_LIST) {
        const hp_tree **items = hp_arena_alloc(arena, MAX(node->n, 1) * sizeof *items);
        for (unsigned i = 0; i < node->n; i++) {
            items[i] = unplaced(arena, node->items[i]);
        }
        copy->items = items;
    }
    return copy;
}

static const hp_tree *parse(hp_load *load, hp_arena *arena, const char *option, const char *text)
{
    const hp_source source = {option, text, strlen(text)};
    const hp_tree *tree = hp_tree_parse(&source, arena, load->diags);
    if (tree == NULL) {
        load->n_errors++;
        return NULL;
    }
    return unplaced(arena, tree);
}

const hp_tree *hp_command_axis(hp_load *load, hp_arena *arena, const char *text, char **ret_name)
{
    const char *equals = strchr(text, '=');
    if (equals == NULL || equals == text || equals[1] == '\0') {
        hp_matrix_complain(load, &nowhere, "as `home=all` or `defaults.ice.trickle=true,false`",
                           "--axis takes NAME=VALUES, not `%s`", text);
        return NULL;
    }
    g_autofree char *flow = g_strdup_printf("[%s]", equals + 1);
    const hp_tree *values = parse(load, arena, "--axis", flow);
    if (values == NULL) {
        return NULL;
    }
    *ret_name = g_strndup(text, (gsize)(equals - text));
    const bool alone = values->kind == HP_NODE_LIST && values->n == 1 && values->items[0]->kind != HP_NODE_NULL &&
                       values->items[0]->kind != HP_NODE_MAP;
    return alone ? values->items[0] : values; /* alone: `all`, a range, or a list written as one */
}

/* As YAML: what stands before the first `=` of each item is its name. */
static char *flow_of(const char *text)
{
    GString *flow = g_string_new("{");
    int depth = 0;
    bool name = true;
    for (const char *p = text; *p != '\0'; p++) {
        depth += *p == '[' || *p == '{' ? 1 : *p == ']' || *p == '}' ? -1 : 0;
        if (*p == '=' && name) {
            g_string_append(flow, ": ");
            name = false;
        } else {
            g_string_append_c(flow, *p);
            name = name || (*p == ',' && depth == 0);
        }
    }
    g_string_append_c(flow, '}');
    return g_string_free(flow, FALSE);
}

const hp_tree *hp_command_except(hp_load *load, hp_arena *arena, const char *text)
{
    g_autofree char *flow = flow_of(text);
    const hp_tree *item = parse(load, arena, "--except", flow);
    if (item == NULL) {
        return NULL;
    }
    bool whole = item->kind == HP_NODE_MAP && item->n > 0;
    for (unsigned i = 0; whole && i < item->n; i++) {
        whole = item->pairs[i].value->kind != HP_NODE_NULL;
    }
    if (!whole) {
        hp_matrix_complain(load, &nowhere, "as `home=symmetric,servers=stun`",
                           "--except takes NAME=VALUE,NAME=VALUE, not `%s`", text);
    }
    return whole ? item : NULL;
}
