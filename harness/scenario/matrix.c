/* `matrix`: one file, many cases.
 *
 * A matrix maps paths to lists of values. A case is the file's tree with one value set at each path; trees share all
 * that they have in common, since setting a value copies only the maps and lists on its path. Order is row-major:
 * the last path turns fastest.
 *
 * A path is walked along the schema as well as along the tree. So it is known at once whether a key exists,
 * shorthands on the way are undone (`home: symmetric` becomes a map when a knob of home is set), maps of a fixed
 * shape are made where the file left them out, and a name that the file does not have is an error instead of a new
 * NAT.
 *
 * What a case is called: each path by its last two parts (more where two paths would look alike) and its value. The
 * same short forms may be used in `when` and `matrix-except`. */
#include <string.h>

#include "scenario/loader.h"

/* Nodes that all cases together may have to walk. */
#define MAX_WORK UINT64_C(20000000)
#define MAX_AXES 16
#define MAX_EXCEPTIONS 1000

typedef struct axis {
    const char *path;
    const char *name; /* the path as labels show it */
    const hp_tree *key;
    const hp_tree *values; /* a list */
} axis;

typedef struct expansion {
    hp_load *load;
    hp_arena *arena;
    axis *axes;
    unsigned n_axes;
    const hp_tree *except; /* a list of maps, or NULL */
    hp_case *cases;
    unsigned n_cases;
} expansion;

static void complain(hp_load *load, const hp_tree *at, const char *hint, const char *message)
{
    hp_load_report(load, HP_SEVERITY_ERROR, at->line, at->column, hint, "%s", message);
}

/* ---- setting a value at a path ---- */

typedef struct walk {
    expansion *x;
    const axis *axis;
    char **parts; /* NULL-terminated */
    const hp_tree *value;
} walk;

static const hp_tree *lost(const walk *w, unsigned depth, const char *const *candidates, size_t n, const char *what)
{
    g_autofree char *hint = hp_loader_nearest(w->parts[depth], candidates, n);
    g_autofree char *message = g_strdup_printf("path `%s`: no %s `%s`", w->axis->path, what, w->parts[depth]);
    complain(w->x->load, w->axis->key, hint, message);
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
    return changed == NULL ? NULL : hp_tree_with(w->x->arena, node, name, changed);
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
        g_autofree char *message =
            g_strdup_printf("path `%s`: `%s` is no item of `%s`", w->axis->path, w->parts[depth], key->name);
        complain(w->x->load, w->axis->key, "items are counted from 0", message);
        return NULL;
    }
    const hp_tree *changed = set_in_struct(w, key->sub, node->items[index], depth + 1);
    if (changed == NULL) {
        return NULL;
    }
    hp_tree *copy = hp_tree_new(w->x->arena, HP_NODE_LIST, node);
    const hp_tree **items = hp_arena_alloc(w->x->arena, node->n * sizeof *items);
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
        const hp_tree *map = node->kind == HP_NODE_MAP ? node : hp_tree_new(w->x->arena, HP_NODE_MAP, w->axis->key);
        return hp_tree_with(w->x->arena, map, w->parts[depth], w->value);
    }
    g_autofree char *message = g_strdup_printf("path `%s`: `%s` has no keys of its own", w->axis->path, key->name);
    complain(w->x->load, w->axis->key, NULL, message);
    return NULL;
}

/* The node as a map that a key can be set in. */
static const hp_tree *as_map(const walk *w, const hp_schema *schema, const hp_tree *node, const char *next)
{
    hp_arena *arena = w->x->arena;
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
        return changed == NULL ? NULL : hp_tree_with(w->x->arena, map, schema->map_shorthand, changed);
    }
    if (key == NULL) {
        g_autoptr(GPtrArray) names = hp_schema_key_names(schema);
        return lost(w, depth, (const char *const *)names->pdata, names->len, "key");
    }
    if (key->type == HP_V_MATRIX || key->type == HP_V_MATRIX_EXCEPT || key->type == HP_V_WHEN) {
        g_autofree char *message = g_strdup_printf("path `%s`: a matrix cannot set `%s`", w->axis->path, name);
        complain(w->x->load, w->axis->key, NULL, message);
        return NULL;
    }
    const hp_tree *child = hp_tree_get(map, name);
    const hp_tree *changed =
        set_in_key(w, key, child != NULL ? child : hp_tree_new(w->x->arena, HP_NODE_NULL, w->axis->key), depth + 1);
    return changed == NULL ? NULL : hp_tree_with(w->x->arena, map, name, changed);
}

static const hp_tree *set_path(expansion *x, const hp_tree *root, const axis *a, const hp_tree *value)
{
    g_auto(GStrv) split = g_strsplit(a->path, ".", -1);
    char **parts = hp_arena_alloc(x->arena, (g_strv_length(split) + 1) * sizeof *parts);

    /* hp_tree_with keeps the names, so they must live as long as the tree. */
    for (guint i = 0; split[i] != NULL; i++) {
        parts[i] = hp_arena_text(x->arena, split[i]);
    }
    const walk w = {x, a, parts, value};
    return set_in_struct(&w, &hp_schema_root, root, 0);
}

/* ---- paths and their short forms ---- */

/* Whether `name` is the path or ends it at a dot. */
static bool is_suffix(const char *name, const char *path)
{
    size_t n = strlen(name), m = strlen(path);
    return n > 0 && n <= m && strcmp(path + m - n, name) == 0 && (n == m || path[m - n - 1] == '.');
}

static const char *last_parts(const char *path, unsigned n)
{
    const char *p = path + strlen(path);
    while (p > path && (p[-1] != '.' || --n > 0)) {
        p--;
    }
    return p;
}

static void name_axes(expansion *x)
{
    for (unsigned i = 0; i < x->n_axes; i++) {
        bool unique = false;
        for (unsigned parts = 2; !unique; parts++) {
            x->axes[i].name = last_parts(x->axes[i].path, parts);
            unique = true;
            for (unsigned j = 0; j < x->n_axes; j++) {
                unique = unique && (j == i || !is_suffix(x->axes[i].name, x->axes[j].path));
            }
            unique = unique || x->axes[i].name == x->axes[i].path;
        }
    }
}

/* Which of n paths a (short) name means; -1 and a complaint when none or several. */
static int find_path(hp_load *load, const hp_tree *name, const char *const *paths, unsigned n)
{
    int found = -1;

    for (unsigned i = 0; i < n; i++) {
        if (strcmp(paths[i], name->text) == 0) {
            return (int)i;
        }
        if (is_suffix(name->text, paths[i])) {
            if (found >= 0) {
                g_autofree char *message = g_strdup_printf("`%s` may mean several paths of the matrix", name->text);
                complain(load, name, "give more of the path", message);
                return -1;
            }
            found = (int)i;
        }
    }
    if (found < 0) {
        g_autofree char *hint = hp_loader_nearest(name->text, paths, n);
        g_autofree char *message = g_strdup_printf("`%s` is no path of the matrix", name->text);
        complain(load, name, hint, message);
    }
    return found;
}

static bool is_among(const hp_tree *value, const hp_tree *wanted)
{
    if (hp_tree_equal(value, wanted)) {
        return true;
    }
    for (unsigned i = 0; wanted->kind == HP_NODE_LIST && i < wanted->n; i++) {
        if (hp_tree_equal(value, wanted->items[i])) {
            return true;
        }
    }
    return false;
}

/* ---- the cases ---- */

static bool is_excepted(const expansion *x, const hp_assignment *assignments)
{
    for (unsigned i = 0; x->except != NULL && i < x->except->n; i++) {
        const hp_tree *item = x->except->items[i];
        bool all = true;
        for (unsigned j = 0; j < item->n && all; j++) {
            for (unsigned k = 0; k < x->n_axes; k++) {
                if (is_suffix(item->pairs[j].key->text, x->axes[k].path)) {
                    all = all && is_among(assignments[k].value, item->pairs[j].value);
                }
            }
        }
        if (all) {
            return true;
        }
    }
    return false;
}

static void add_case(expansion *x, const hp_tree *tree, const hp_assignment *assignments)
{
    hp_case *c = &x->cases[x->n_cases];
    g_autoptr(GString) label = g_string_new(NULL);

    for (unsigned i = 0; i < x->n_axes; i++) {
        g_string_append_printf(label, "%s%s=", i > 0 ? ", " : "", x->axes[i].name);
        hp_tree_render(assignments[i].value, label);
    }
    c->tree = tree;
    c->label = hp_arena_text(x->arena, label->str);
    c->n_assignments = x->n_axes;
    c->assignments = hp_arena_alloc(x->arena, x->n_axes * sizeof *c->assignments);
    memcpy(c->assignments, assignments, x->n_axes * sizeof *assignments);
    x->n_cases++;
}

static bool expand(expansion *x, const hp_tree *tree, unsigned depth, hp_assignment *assignments)
{
    if (depth == x->n_axes) {
        if (!is_excepted(x, assignments)) {
            add_case(x, tree, assignments);
        }
        return true;
    }
    const axis *a = &x->axes[depth];
    for (unsigned i = 0; i < a->values->n; i++) {
        const hp_tree *changed = set_path(x, tree, a, a->values->items[i]);
        assignments[depth] = (hp_assignment){a->path, a->values->items[i]};
        if (changed == NULL || !expand(x, changed, depth + 1, assignments)) {
            return false;
        }
    }
    return true;
}

static bool read_axes(expansion *x, const hp_tree *matrix)
{
    bool good = true;

    if (matrix->kind != HP_NODE_MAP || matrix->n == 0) {
        complain(x->load, matrix, NULL, "`matrix` must be a map from paths to lists of values");
        return false;
    }
    if (matrix->n > MAX_AXES) {
        complain(x->load, matrix, NULL, "`matrix` must have at most 16 paths");
        return false;
    }
    x->n_axes = matrix->n;
    x->axes = hp_arena_alloc(x->arena, matrix->n * sizeof *x->axes);
    for (unsigned i = 0; i < matrix->n; i++) {
        const hp_tree_pair *pair = &matrix->pairs[i];
        x->axes[i] = (axis){pair->key->text, pair->key->text, pair->key, pair->value};
        if (pair->value->kind != HP_NODE_LIST || pair->value->n == 0) {
            g_autofree char *message = g_strdup_printf("`%s` needs a list of values", pair->key->text);
            complain(x->load, pair->value, NULL, message);
            good = false;
            continue;
        }
        for (unsigned j = 1; j < MIN(pair->value->n, HP_MATRIX_MAX_CASES); j++) {
            for (unsigned k = 0; k < j; k++) {
                if (hp_tree_equal(pair->value->items[j], pair->value->items[k])) {
                    complain(x->load, pair->value->items[j], NULL, "this value is there already");
                    return false;
                }
            }
        }
    }
    return good;
}

static bool read_except(expansion *x, const hp_tree *except)
{
    g_autoptr(GPtrArray) paths = g_ptr_array_new();
    bool good = true;

    if (except == NULL) {
        return true;
    }
    if (except->kind != HP_NODE_LIST || except->n > MAX_EXCEPTIONS) {
        complain(x->load, except, NULL, "`matrix-except` must be a list of at most 1000 maps from paths to values");
        return false;
    }
    for (unsigned i = 0; i < x->n_axes; i++) {
        g_ptr_array_add(paths, (void *)x->axes[i].path);
    }
    for (unsigned i = 0; i < except->n; i++) {
        const hp_tree *item = except->items[i];
        if (item->kind != HP_NODE_MAP || item->n == 0) {
            complain(x->load, item, NULL, "an exception must be a map from paths to values");
            good = false;
            continue;
        }
        for (unsigned j = 0; j < item->n; j++) {
            good = find_path(x->load, item->pairs[j].key, (const char *const *)paths->pdata, paths->len) >= 0 && good;
        }
    }
    x->except = except;
    return good;
}

static bool count_cases(expansion *x, const hp_tree *root, const hp_tree *matrix, unsigned *ret)
{
    uint64_t n = 1, weight = root->weight - matrix->weight; /* a case does not walk the matrix */

    for (unsigned i = 0; i < x->n_axes; i++) {
        n *= x->axes[i].values->n;
        if (n > HP_MATRIX_MAX_CASES) {
            complain(x->load, x->axes[i].key, NULL, "the matrix has more than 10000 cases");
            return false;
        }
    }
    if (n * weight > MAX_WORK) {
        complain(x->load, x->axes[0].key, NULL, "the matrix is too large for a file of this size");
        return false;
    }
    *ret = (unsigned)n;
    return true;
}

hp_case *hp_matrix_expand(hp_load *load, hp_arena *arena, const hp_tree *root, unsigned *ret_n)
{
    expansion x = {.load = load, .arena = arena};
    const hp_tree *matrix = hp_tree_get(root, "matrix"), *except = hp_tree_get(root, "matrix-except");
    unsigned n = 1;

    if (matrix == NULL) {
        if (except != NULL) {
            complain(load, except, NULL, "`matrix-except` without `matrix`");
        }
        x.cases = hp_arena_alloc(arena, sizeof *x.cases);
        x.cases[0] = (hp_case){.tree = root, .label = hp_arena_text(arena, "")};
        *ret_n = 1;
        return x.cases;
    }
    if (!read_axes(&x, matrix) || !read_except(&x, except) || !count_cases(&x, root, matrix, &n)) {
        return NULL;
    }
    name_axes(&x);
    x.cases = hp_arena_alloc(arena, n * sizeof *x.cases);
    hp_assignment *assignments = hp_arena_alloc(arena, x.n_axes * sizeof *assignments);
    if (!expand(&x, root, 0, assignments)) {
        return NULL;
    }
    if (x.n_cases == 0) {
        complain(load, matrix, NULL, "`matrix-except` leaves no case");
        return NULL;
    }
    *ret_n = x.n_cases;
    return x.cases;
}

bool hp_matrix_holds(hp_loader *l, const hp_tree *when)
{
    g_autoptr(GPtrArray) paths = g_ptr_array_new();
    bool holds = true;

    if (when->kind != HP_NODE_MAP || when->n == 0) {
        hp_loader_error(l, when, NULL, "`when` must be a map from paths of the matrix to values");
        return true;
    }
    for (unsigned i = 0; i < l->n_assignments; i++) {
        g_ptr_array_add(paths, (void *)l->assignments[i].path);
    }
    for (unsigned i = 0; i < when->n; i++) {
        int path = find_path(l->load, when->pairs[i].key, (const char *const *)paths->pdata, paths->len);
        holds = holds && path >= 0 && is_among(l->assignments[path].value, when->pairs[i].value);
    }
    return holds;
}
