/* `matrix`: one file, many cases.
 *
 * A matrix maps paths, and words that stand for paths, to lists of values. A case is the file's tree with one value of
 * each set; trees share all that they have in common. Order is row-major: the last axis turns fastest. With
 * `matrix-reduce: pairwise` the cases are those of a covering array (matrix_pairwise.c), in the same order.
 *
 * The command line may add axes and exceptions, and replace axes of the file that set the same. Nodes made of its words
 * stand on line 0, so messages about them name the file alone.
 *
 * What a case is called: each axis by its word, or by the last two parts of its path (more where two paths would look
 * alike), and its value. The same short forms may be used in `when` and `matrix-except`. */
#include <string.h>

#include "scenario/matrix.h"

/* Nodes that all cases together may have to walk. */
#define MAX_WORK UINT64_C(20000000)
#define MAX_EXCEPTIONS 1000
#define MAX_PAIRWISE_VALUES 2000 /* of all axes together */

static const hp_tree nowhere = {.kind = HP_NODE_NULL, .text = ""}; /* for errors about the command line */

typedef struct expansion {
    hp_load *load;
    hp_arena *arena;
    const hp_tree *root;
    hp_axis axes[HP_MATRIX_MAX_AXES];
    unsigned n_axes;
    GPtrArray *except; /* of hp_tree, maps */
    bool failed; /* some case cannot be; which was reported */
    hp_case *cases;
    unsigned n_cases, n_allocated;
} expansion;

static void complain(hp_load *load, const hp_tree *at, const char *hint, const char *message)
{
    hp_matrix_complain(load, at, hint, "%s", message);
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
        bool unique = x->axes[i].kind != HP_AXIS_PATH; /* words do not need to grow */
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

/* Which of n assignments a (short) name means; -1 and a complaint when none or several. */
static int find_axis(hp_load *load, const hp_tree *name, const hp_assignment *list, unsigned n)
{
    int found = -1;

    for (unsigned i = 0; i < n; i++) {
        if (strcmp(list[i].path, name->text) == 0 || strcmp(list[i].name, name->text) == 0) {
            return (int)i;
        }
        if (is_suffix(name->text, list[i].path)) {
            if (found >= 0) {
                hp_matrix_complain(load, name, "give more of the path", "`%s` may mean several paths of the matrix",
                                   name->text);
                return -1;
            }
            found = (int)i;
        }
    }
    if (found < 0) {
        g_autoptr(GPtrArray) names = g_ptr_array_new();
        for (unsigned i = 0; i < n; i++) {
            g_ptr_array_add(names, (void *)list[i].path);
        }
        g_autofree char *hint = hp_loader_nearest(name->text, (const char *const *)names->pdata, n);
        hp_matrix_complain(load, name, hint, "`%s` is no path of the matrix", name->text);
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

static bool means(const char *name, const hp_axis *axis)
{
    return strcmp(name, axis->name) == 0 || is_suffix(name, axis->path);
}

/* A choice may be partial (UINT_MAX): an exception about what is not chosen yet does not apply yet. */
static bool is_allowed(const unsigned *chosen, void *user)
{
    const expansion *x = user;
    for (unsigned i = 0; i < x->except->len; i++) {
        const hp_tree *item = x->except->pdata[i];
        bool all = true;
        for (unsigned j = 0; j < item->n && all; j++) {
            for (unsigned k = 0; k < x->n_axes && all; k++) {
                if (means(item->pairs[j].key->text, &x->axes[k])) {
                    all = chosen[k] != UINT_MAX && is_among(x->axes[k].values[chosen[k]].name, item->pairs[j].value);
                }
            }
        }
        if (all) {
            return false;
        }
    }
    return true;
}

static void add_case(expansion *x, const hp_tree *tree, const unsigned *chosen)
{
    hp_case *c = &x->cases[x->n_cases];
    g_autoptr(GString) label = g_string_new(NULL);

    tree = hp_matrix_settle(x->load, x->arena, x->root, tree, x->axes, x->n_axes, chosen);
    if (tree == NULL) {
        x->failed = true;
        return;
    }
    c->tree = tree;
    c->n_assignments = x->n_axes;
    c->assignments = hp_arena_alloc(x->arena, x->n_axes * sizeof *c->assignments);
    for (unsigned i = 0; i < x->n_axes; i++) {
        const hp_tree *value = x->axes[i].values[chosen[i]].name;
        g_string_append_printf(label, "%s%s=", i > 0 ? ", " : "", x->axes[i].name);
        hp_tree_render(value, label);
        c->assignments[i] = (hp_assignment){x->axes[i].path, x->axes[i].name, value};
    }
    c->label = hp_arena_text(x->arena, label->str);
    x->n_cases++;
}

static const hp_tree *set_value(expansion *x, const hp_tree *tree, const hp_axis *axis, unsigned value)
{
    const hp_axis_value *v = &axis->values[value];
    for (unsigned i = 0; tree != NULL && i < v->n; i++) {
        const bool own = axis->kind == HP_AXIS_NAMED && v->settings[i].value->line > 0;
        tree = hp_matrix_set(x->load, x->arena, tree, &v->settings[i], own ? v->settings[i].value : axis->key);
    }
    return tree;
}

static bool expand(expansion *x, const hp_tree *tree, unsigned depth, unsigned *chosen)
{
    if (depth == x->n_axes) {
        if (is_allowed(chosen, x)) {
            add_case(x, tree, chosen);
        }
        return true;
    }
    for (unsigned i = 0; i < x->axes[depth].n; i++) {
        const hp_tree *changed = set_value(x, tree, &x->axes[depth], i);
        chosen[depth] = i;
        if (changed == NULL || !expand(x, changed, depth + 1, chosen)) {
            return false;
        }
    }
    return true;
}

static bool expand_rows(expansion *x, const unsigned *rows, unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        const hp_tree *tree = x->root;
        for (unsigned a = 0; tree != NULL && a < x->n_axes; a++) {
            tree = set_value(x, tree, &x->axes[a], rows[(size_t)i * x->n_axes + a]);
        }
        if (tree == NULL) {
            return false;
        }
        add_case(x, tree, rows + (size_t)i * x->n_axes);
    }
    return true;
}

/* ---- the command line ---- */

/* The axis that a name on the command line means: its name, its path or an end of it. n_axes when none, -1 and a
 * complaint when several. */
static int meant_axis(const expansion *x, const char *name)
{
    int found = (int)x->n_axes;
    for (unsigned i = 0; i < x->n_axes; i++) {
        if (strcmp(x->axes[i].name, name) == 0 || strcmp(x->axes[i].path, name) == 0) {
            return (int)i;
        }
    }
    for (unsigned i = 0; i < x->n_axes; i++) {
        if (is_suffix(name, x->axes[i].path)) {
            if (found < (int)x->n_axes) {
                hp_matrix_complain(x->load, &nowhere, "give more of the path",
                                   "--axis %s may mean several axes of the matrix: `%s`, `%s`", name,
                                   x->axes[found].path, x->axes[i].path);
                return -1;
            }
            found = (int)i;
        }
    }
    return found;
}

/* The axis that it replaces, or one more. */
static bool add_axis_of_command(expansion *x, const char *text)
{
    g_autofree char *name = NULL;
    const hp_tree *values = hp_command_axis(x->load, x->arena, text, &name);
    int at = values == NULL ? -1 : meant_axis(x, name);
    if (at < 0) {
        return false;
    }
    if (at == HP_MATRIX_MAX_AXES) {
        hp_matrix_complain(x->load, &nowhere, NULL, "a matrix may have at most %d axes", HP_MATRIX_MAX_AXES);
        return false;
    }
    /* A short form means the axis as the file wrote it. */
    const bool known = at < (int)x->n_axes;
    hp_tree *key = hp_tree_new(x->arena, HP_NODE_SCALAR, NULL);
    key->text = known ? x->axes[at].key->text : hp_arena_text(x->arena, name);
    hp_axis read;
    if (!hp_axis_read(x->load, x->arena, x->root, key, values, true, &read)) {
        return false;
    }
    for (unsigned i = 0; i < x->n_axes; i++) {
        at = strcmp(x->axes[i].path, read.path) == 0 ? (int)i : at; /* `home` and `network.nats.home.preset` */
    }
    if (at < (int)x->n_axes && x->axes[at].key->line == 0) {
        hp_matrix_complain(x->load, &nowhere, "give all its values at once", "--axis %s: the axis is there already",
                           name);
        return false;
    }
    x->axes[at] = read;
    x->n_axes = MAX(x->n_axes, (unsigned)at + 1);
    return true;
}

/* ---- reading ---- */

static bool read_axes(expansion *x, const hp_tree *matrix)
{
    const hp_matrix_request *request = x->load->request;
    bool good = true;

    if (matrix != NULL && (matrix->kind != HP_NODE_MAP || matrix->n == 0)) {
        complain(x->load, matrix, NULL, "`matrix` must be a map from paths to lists of values");
        return false;
    }
    if (matrix != NULL && matrix->n > HP_MATRIX_MAX_AXES) {
        complain(x->load, matrix, NULL, "`matrix` must have at most 16 paths");
        return false;
    }
    for (unsigned i = 0; matrix != NULL && i < matrix->n; i++) {
        hp_axis *axis = &x->axes[x->n_axes];
        if (hp_axis_read(x->load, x->arena, x->root, matrix->pairs[i].key, matrix->pairs[i].value, false, axis)) {
            x->n_axes++;
        } else {
            good = false;
        }
    }
    name_axes(x);
    for (unsigned i = 0; good && request != NULL && request->axes != NULL && request->axes[i] != NULL; i++) {
        good = add_axis_of_command(x, request->axes[i]);
    }
    if (good) {
        name_axes(x);
    }
    return good && hp_axes_agree(x->load, x->axes, x->n_axes);
}

/* Every value that an exception names is one of its axis: else it would never apply, and nobody would know. But what the
 * file excepts may be gone when the command line replaces an axis. */
static bool are_values(const expansion *x, const hp_axis *axis, const hp_tree *wanted)
{
    if ((axis->key->line == 0 && wanted->line > 0) || hp_axis_find(axis, wanted) >= 0) {
        return true;
    }
    if (wanted->kind != HP_NODE_LIST) {
        hp_axis_lacks(x->load, axis, wanted);
        return false;
    }
    bool good = true;
    for (unsigned i = 0; i < wanted->n; i++) {
        if (hp_axis_find(axis, wanted->items[i]) < 0) {
            hp_axis_lacks(x->load, axis, wanted->items[i]);
            good = false;
        }
    }
    return good;
}

static bool read_except(expansion *x, const hp_tree *except)
{
    const hp_matrix_request *request = x->load->request;
    hp_assignment axes[HP_MATRIX_MAX_AXES];
    bool good = true;

    if (except != NULL && (except->kind != HP_NODE_LIST || except->n > MAX_EXCEPTIONS)) {
        complain(x->load, except, NULL, "`matrix-except` must be a list of at most 1000 maps from paths to values");
        return false;
    }
    for (unsigned i = 0; except != NULL && i < except->n; i++) {
        g_ptr_array_add(x->except, (void *)except->items[i]);
    }
    for (unsigned i = 0; good && request != NULL && request->except != NULL && request->except[i] != NULL; i++) {
        const hp_tree *item = hp_command_except(x->load, x->arena, request->except[i]);
        good = item != NULL;
        if (good) {
            g_ptr_array_add(x->except, (void *)item);
        }
    }
    for (unsigned i = 0; i < x->n_axes; i++) {
        axes[i] = (hp_assignment){x->axes[i].path, x->axes[i].name, NULL};
    }
    for (unsigned i = 0; i < x->except->len; i++) {
        const hp_tree *item = x->except->pdata[i];
        if (item->kind != HP_NODE_MAP || item->n == 0) {
            complain(x->load, item, NULL, "an exception must be a map from paths to values");
            good = false;
            continue;
        }
        for (unsigned j = 0; j < item->n; j++) {
            const int axis = find_axis(x->load, item->pairs[j].key, axes, x->n_axes);
            good = axis >= 0 && are_values(x, &x->axes[axis], item->pairs[j].value) && good;
        }
    }
    return good;
}

static bool is_pairwise(const expansion *x)
{
    const hp_tree *reduce = hp_tree_get(x->root, "matrix-reduce");
    const hp_matrix_request *request = x->load->request;
    return (request != NULL && request->pairwise) || (reduce != NULL && strcmp(reduce->text, "pairwise") == 0);
}

static bool fits(const expansion *x, const hp_tree *matrix, uint64_t n)
{
    const hp_tree *at = x->axes[0].key;
    const uint64_t weight = x->root->weight - (matrix != NULL ? matrix->weight : 0); /* no case walks the matrix */
    if (n * weight > MAX_WORK) {
        complain(x->load, at, NULL, "the matrix is too large for a file of this size");
        return false;
    }
    return true;
}

static bool all_cases(expansion *x, const hp_tree *matrix)
{
    unsigned chosen[HP_MATRIX_MAX_AXES];
    uint64_t n = 1;

    for (unsigned i = 0; i < x->n_axes; i++) {
        n *= x->axes[i].n;
        if (n > HP_MATRIX_MAX_CASES) {
            complain(x->load, x->axes[i].key, "`matrix-reduce: pairwise` makes fewer",
                     "the matrix has more than 10000 cases");
            return false;
        }
    }
    if (!fits(x, matrix, n)) {
        return false;
    }
    x->cases = hp_arena_alloc(x->arena, n * sizeof *x->cases);
    return expand(x, x->root, 0, chosen);
}

static bool pairwise_cases(expansion *x, const hp_tree *matrix)
{
    unsigned sizes[HP_MATRIX_MAX_AXES], n_rows = 0, sum = 0;
    uint64_t least = 1;

    for (unsigned i = 0; i < x->n_axes; i++) {
        sizes[i] = x->axes[i].n;
        sum += sizes[i];
        for (unsigned j = 0; j < i; j++) {
            least = MAX(least, (uint64_t)sizes[i] * sizes[j]);
        }
    }
    if (sum > MAX_PAIRWISE_VALUES || least > HP_MATRIX_MAX_CASES) {
        complain(x->load, x->axes[0].key, NULL, "the matrix has more than 10000 cases");
        return false;
    }
    if (!fits(x, matrix, least)) {
        return false;
    }
    g_autofree unsigned *rows = hp_pairwise_rows(sizes, x->n_axes, is_allowed, x, HP_MATRIX_MAX_CASES, &n_rows);
    if (rows == NULL) {
        complain(x->load, x->axes[0].key, NULL,
                 "the exceptions are so entangled, or the cases so many, that no pairwise cases are found");
        return false;
    }
    x->cases = hp_arena_alloc(x->arena, MAX(n_rows, 1) * sizeof *x->cases);
    return fits(x, matrix, n_rows) && expand_rows(x, rows, n_rows);
}

static hp_case *without_matrix(expansion *x, const hp_tree *except, unsigned *ret_n)
{
    const hp_matrix_request *request = x->load->request;
    if (except != NULL) {
        complain(x->load, except, NULL, "`matrix-except` without `matrix`");
    }
    if (request != NULL && request->except != NULL && request->except[0] != NULL) {
        hp_matrix_complain(x->load, &nowhere, NULL, "--except without a matrix");
    }
    x->cases = hp_arena_alloc(x->arena, sizeof *x->cases);
    x->cases[0] = (hp_case){.tree = x->root, .label = hp_arena_text(x->arena, "")};
    *ret_n = 1;
    return x->cases;
}

hp_case *hp_matrix_expand(hp_load *load, hp_arena *arena, const hp_tree *root, unsigned *ret_n)
{
    g_autoptr(GPtrArray) exceptions = g_ptr_array_new();
    expansion x = {.load = load, .arena = arena, .root = root, .except = exceptions};
    const hp_tree *matrix = hp_tree_get(root, "matrix"), *except = hp_tree_get(root, "matrix-except");
    const hp_matrix_request *request = load->request;

    if (matrix == NULL && (request == NULL || request->axes == NULL || request->axes[0] == NULL)) {
        return without_matrix(&x, except, ret_n);
    }
    if (!read_axes(&x, matrix) || !read_except(&x, except)) {
        return NULL;
    }
    if (!(is_pairwise(&x) ? pairwise_cases(&x, matrix) : all_cases(&x, matrix)) || x.failed) {
        return NULL;
    }
    if (x.n_cases == 0) {
        complain(load, matrix != NULL ? matrix : &nowhere, NULL, "`matrix-except` leaves no case");
        return NULL;
    }
    *ret_n = x.n_cases;
    return x.cases;
}

bool hp_matrix_holds(hp_loader *l, const hp_tree *when)
{
    bool holds = true;

    if (when->kind != HP_NODE_MAP || when->n == 0) {
        hp_loader_error(l, when, NULL, "`when` must be a map from paths of the matrix to values");
        return true;
    }
    for (unsigned i = 0; i < when->n; i++) {
        int axis = find_axis(l->load, when->pairs[i].key, l->assignments, l->n_assignments);
        holds = holds && axis >= 0 && is_among(l->assignments[axis].value, when->pairs[i].value);
    }
    return holds;
}
