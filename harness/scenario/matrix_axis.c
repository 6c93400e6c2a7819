/* `matrix`: one axis, from what the file or the command line says of it.
 *
 *   network.nats.home.preset: [full-cone, symmetric]    a path and its values
 *   network.nats.home.mapping: all                      every word that the key knows
 *   seed: 1..20                                         of a key that is a whole number
 *   home: all                                           a word (matrix_words.c)
 *   walls: {none: {}, strict: {network.nats.home.firewall: strict, ...}}
 *                                                       values with names, each setting several paths
 *
 * Values are looked at here only so far as it takes to make cases of them: whether a preset exists is found when a case
 * is loaded, at the value's place. */
#include <string.h>

#include "scenario/matrix.h"

typedef struct reading {
    hp_load *load;
    hp_arena *arena;
    const hp_tree *root;
    hp_axis *axis;
} reading;

void hp_matrix_complain(hp_load *load, const hp_tree *at, const char *hint, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    g_autofree char *message = g_strdup_vprintf(format, args);
    va_end(args);
    hp_load_report(load, HP_SEVERITY_ERROR, at->line, at->column, hint, "%s", message);
}

static const hp_tree *scalar(hp_arena *arena, const hp_tree *at, const char *text)
{
    hp_tree *node = hp_tree_new(arena, HP_NODE_SCALAR, at);
    node->text = hp_arena_text(arena, text);
    return node;
}

static const hp_tree *list_of(hp_arena *arena, const hp_tree *at, const GPtrArray *items)
{
    const hp_tree **kept = hp_arena_alloc(arena, MAX(items->len, 1) * sizeof *kept);
    hp_tree *list = hp_tree_new(arena, HP_NODE_LIST, at);
    list->items = kept;
    list->n = items->len;
    list->weight = 1;
    for (unsigned i = 0; i < items->len; i++) {
        kept[i] = items->pdata[i];
        list->weight += kept[i]->weight;
    }
    return list;
}

/* Every word that a key knows; NULL when they are not words. */
static const hp_tree *all_of_key(const reading *r, const hp_tree *at)
{
    const hp_key *key = hp_matrix_key(r->axis->path);
    g_autoptr(GPtrArray) items = g_ptr_array_new();
    const hp_words *words = key == NULL ? NULL : key->type == HP_V_PRESET ? &hp_words_preset : key->words;
    hp_word word;
    if (key != NULL && key->type == HP_V_BOOL) {
        g_ptr_array_add(items, (void *)scalar(r->arena, at, "true"));
        g_ptr_array_add(items, (void *)scalar(r->arena, at, "false"));
        return list_of(r->arena, at, items);
    }
    if (words == NULL || (key->type != HP_V_ENUM && key->type != HP_V_NAME && key->type != HP_V_PRESET)) {
        return NULL;
    }
    for (unsigned i = 0; hp_words_at(words, i, &word); i++) {
        g_ptr_array_add(items, (void *)scalar(r->arena, at, word.name));
    }
    return list_of(r->arena, at, items);
}

/* `1..20` as a list; NULL: it is none, or too long for a matrix. */
static const hp_tree *range(const reading *r, const hp_tree *node)
{
    const hp_key *key = hp_matrix_key(r->axis->path);
    const char *dots = strstr(node->text, "..");
    guint64 first = 0, last = 0;
    if (key == NULL || key->type != HP_V_INT || dots == NULL) {
        return NULL;
    }
    g_autofree char *from = g_strndup(node->text, (gsize)(dots - node->text));
    if (!g_ascii_string_to_unsigned(from, 10, 0, INT64_MAX, &first, NULL) ||
        !g_ascii_string_to_unsigned(dots + 2, 10, first, INT64_MAX, &last, NULL) ||
        last - first >= HP_MATRIX_MAX_CASES) {
        return NULL;
    }
    g_autoptr(GPtrArray) items = g_ptr_array_new();
    for (guint64 i = first; i <= last; i++) {
        g_autofree char *text = g_strdup_printf("%" G_GUINT64_FORMAT, i);
        g_ptr_array_add(items, (void *)scalar(r->arena, node, text));
    }
    return list_of(r->arena, node, items);
}

static bool is_number(const char *text, gsize n)
{
    bool digits = n > 0;
    for (gsize i = 0; i < n; i++) {
        digits = digits && g_ascii_isdigit(text[i]);
    }
    return digits;
}

/* What looks like a range of numbers and is none that a matrix can take. True when an error was reported. */
static bool is_bad_range(const reading *r, const hp_tree *values)
{
    const char *dots = values->kind == HP_NODE_SCALAR ? strstr(values->text, "..") : NULL;
    const hp_key *key = hp_matrix_key(r->axis->path);
    if (dots == NULL || key == NULL || key->type != HP_V_INT ||
        !is_number(values->text, (gsize)(dots - values->text)) || !is_number(dots + 2, strlen(dots + 2)) ||
        range(r, values) != NULL) {
        return false;
    }
    hp_matrix_complain(r->load, values, NULL, "the range `%s` of `%s` must go upwards and have at most %d numbers",
                       values->text, r->axis->name, HP_MATRIX_MAX_CASES);
    return true;
}

/* The values as a list; NULL when they are none. */
static const hp_tree *as_list(const reading *r, const hp_tree *values)
{
    if (values->kind == HP_NODE_LIST) {
        return values;
    }
    if (values->kind != HP_NODE_SCALAR) {
        return NULL;
    }
    if (strcmp(values->text, "all") != 0) {
        return range(r, values);
    }
    return r->axis->kind == HP_AXIS_PATH || r->axis->kind == HP_AXIS_SEEDS
               ? all_of_key(r, values)
               : hp_axis_word_all(r->arena, r->axis, values);
}

int hp_axis_find(const hp_axis *axis, const hp_tree *name)
{
    for (unsigned i = 0; i < axis->n; i++) {
        if (hp_tree_equal(axis->values[i].name, name)) {
            return (int)i;
        }
    }
    return -1;
}

void hp_axis_lacks(hp_load *load, const hp_axis *axis, const hp_tree *name)
{
    g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func(g_free);
    g_autoptr(GString) text = g_string_new(NULL);
    hp_tree_render(name, text);
    for (unsigned i = 0; i < axis->n; i++) {
        GString *value = g_string_new(NULL);
        hp_tree_render(axis->values[i].name, value);
        g_ptr_array_add(names, g_string_free(value, FALSE));
    }
    g_autofree char *hint = hp_loader_nearest(text->str, (const char *const *)names->pdata, names->len);
    hp_matrix_complain(load, name, hint, "`%s` is no value of the axis `%s`", text->str, axis->name);
}

/* `yes` and `true`, `stun+turn` and `turn+stun`. */
static bool same_settings(const hp_axis_value *a, const hp_axis_value *b)
{
    bool same = a->n == b->n;
    for (unsigned i = 0; same && i < a->n; i++) {
        same = strcmp(a->settings[i].path, b->settings[i].path) == 0 &&
               hp_tree_equal(a->settings[i].value, b->settings[i].value);
    }
    return same;
}

static bool differ(const reading *r)
{
    const hp_axis *axis = r->axis;
    for (unsigned j = 1; j < axis->n; j++) {
        for (unsigned k = 0; k < j; k++) {
            if (same_settings(&axis->values[j], &axis->values[k])) {
                g_autoptr(GString) value = g_string_new(NULL);
                hp_tree_render(axis->values[j].name, value);
                hp_matrix_complain(r->load, axis->values[j].name, NULL, "`%s` of `%s`: this value is there already",
                                   value->str, axis->name);
                return false;
            }
        }
    }
    return true;
}

/* The paths that the values of an axis set, each once. */
static GHashTable *paths_set_by(const hp_axis *axis)
{
    GHashTable *paths = g_hash_table_new(g_str_hash, g_str_equal);
    for (unsigned i = 0; i < axis->n; i++) {
        for (unsigned k = 0; k < axis->values[i].n; k++) {
            g_hash_table_add(paths, (void *)axis->values[i].settings[k].path);
        }
    }
    return paths;
}

/* Whether setting `path` undoes one of what was set before: the same, or something in it. */
static const char *find_undone(GHashTable *before, const char *path)
{
    const size_t n = strlen(path);
    const char *found = NULL;
    GHashTableIter iter;
    gpointer key;
    g_hash_table_iter_init(&iter, before);
    while (g_hash_table_iter_next(&iter, &key, NULL)) {
        const char *other = key;
        if (strncmp(other, path, n) == 0 && (other[n] == '\0' || other[n] == '.') &&
            (found == NULL || strcmp(other, found) < 0)) { /* the first by name, not by its place in the table */
            found = other;
        }
    }
    return found;
}

static bool leaves_alone(hp_load *load, const hp_axis *axis, const hp_axis *earlier)
{
    g_autoptr(GHashTable) before = paths_set_by(earlier);
    const char *last = NULL;
    for (unsigned i = 0; i < axis->n; i++) {
        for (unsigned k = 0; k < axis->values[i].n; k++) {
            const char *path = axis->values[i].settings[k].path;
            const char *undone = path == last ? NULL : find_undone(before, path); /* most values set the same */
            if (undone != NULL) {
                hp_matrix_complain(load, axis->key, NULL, "the axis `%s` undoes what `%s` sets: %s", axis->name,
                                   earlier->name, undone);
                return false;
            }
            last = path;
        }
    }
    return true;
}

bool hp_axes_agree(hp_load *load, const hp_axis *axes, unsigned n)
{
    bool good = true;
    for (unsigned i = 1; i < n; i++) {
        for (unsigned j = 0; good && j < i; j++) {
            good = leaves_alone(load, &axes[i], &axes[j]);
        }
    }
    return good;
}

static bool read_list(const reading *r, const hp_tree *list)
{
    hp_axis *axis = r->axis;
    axis->n = MIN(list->n, HP_MATRIX_MAX_CASES + 1); /* more are too many cases, which is said then */
    axis->values = hp_arena_alloc(r->arena, MAX(axis->n, 1) * sizeof *axis->values);
    for (unsigned i = 0; i < axis->n; i++) {
        if (axis->kind == HP_AXIS_PATH) {
            hp_setting *setting = hp_arena_alloc(r->arena, sizeof *setting);
            *setting = (hp_setting){axis->path, list->items[i]};
            axis->values[i] = (hp_axis_value){list->items[i], setting, 1};
        } else if (!hp_axis_word_value(r->load, r->arena, r->root, axis, list->items[i], &axis->values[i])) {
            return false;
        }
    }
    return differ(r);
}

/* Names, and for each a map from paths to values; null: it sets nothing. */
static bool read_named(const reading *r, const hp_tree *values)
{
    hp_axis *axis = r->axis;
    axis->n = values->n;
    axis->values = hp_arena_alloc(r->arena, MAX(values->n, 1) * sizeof *axis->values);
    for (unsigned i = 0; i < values->n; i++) {
        const hp_tree *paths = values->pairs[i].value;
        if (paths->kind != HP_NODE_MAP && paths->kind != HP_NODE_NULL) {
            hp_matrix_complain(r->load, paths, NULL, "`%s` of `%s` must be a map from paths to values",
                               values->pairs[i].key->text, axis->name);
            return false;
        }
        hp_setting *settings = hp_arena_alloc(r->arena, MAX(paths->n, 1) * sizeof *settings);
        for (unsigned k = 0; k < paths->n; k++) {
            settings[k] = (hp_setting){paths->pairs[k].key->text, paths->pairs[k].value};
        }
        axis->values[i] = (hp_axis_value){values->pairs[i].key, settings, paths->n};
    }
    return true;
}

static bool is_root_key(const char *text)
{
    size_t offset = 0;
    return hp_schema_find(&hp_schema_root, text, &offset) != NULL;
}

static bool all_are_words(const hp_tree *values)
{
    bool words = values->kind == HP_NODE_LIST || values->kind == HP_NODE_SCALAR;
    for (unsigned i = 0; values->kind == HP_NODE_LIST && i < values->n; i++) {
        words = words && values->items[i]->kind == HP_NODE_SCALAR;
    }
    return words;
}

/* `servers` is a key too, whose values would be maps. */
static hp_axis_kind kind_of(const hp_tree *root, const hp_tree *key, const hp_tree *values)
{
    const hp_axis_kind word = hp_axis_word(root, key->text);
    if (strchr(key->text, '.') != NULL) {
        return HP_AXIS_PATH;
    }
    if (is_root_key(key->text)) {
        return word == HP_AXIS_SERVERS && all_are_words(values) ? HP_AXIS_SERVERS : HP_AXIS_PATH;
    }
    return word == HP_AXIS_N && values->kind == HP_NODE_MAP ? HP_AXIS_NAMED : word;
}

static const char *path_of(hp_arena *arena, hp_axis_kind kind, const char *text)
{
    g_autofree char *preset = g_strdup_printf("network.nats.%s.preset", text);
    switch (kind) {
    case HP_AXIS_NAT:
        return hp_arena_text(arena, preset);
    case HP_AXIS_SEEDS:
        return "seed";
    case HP_AXIS_TRICKLE:
        return "defaults.ice.trickle";
    case HP_AXIS_NOMINATION:
        return "defaults.ice.nomination";
    case HP_AXIS_PATH:
    case HP_AXIS_NAMED:
    case HP_AXIS_SERVERS:
    case HP_AXIS_FAMILIES:
    case HP_AXIS_N:
        break;
    }
    return text;
}

bool hp_axis_read(hp_load *load, hp_arena *arena, const hp_tree *root, const hp_tree *key, const hp_tree *values,
                  bool lenient, hp_axis *ret)
{
    const hp_axis_kind kind = kind_of(root, key, values);
    *ret = (hp_axis){.kind = kind, .path = path_of(arena, kind, key->text), .name = key->text, .key = key};
    const reading r = {load, arena, root, ret};

    if (kind == HP_AXIS_N) {
        g_autoptr(GPtrArray) names = hp_schema_key_names(&hp_schema_root);
        hp_axis_words(root, names);
        g_autofree char *hint = hp_loader_nearest(key->text, (const char *const *)names->pdata, names->len);
        hp_matrix_complain(load, key, hint, "path `%s`: no key, word or NAT is called so", key->text);
        return false;
    }
    if (kind == HP_AXIS_NAMED) {
        if (values->n == 0) {
            hp_matrix_complain(load, values, NULL, "`%s` needs a list of values", key->text);
        }
        return values->n > 0 && read_named(&r, values);
    }
    if (is_bad_range(&r, values)) {
        return false;
    }
    const hp_tree *list = as_list(&r, values);
    if (list == NULL && lenient && values->kind == HP_NODE_SCALAR) {
        g_autoptr(GPtrArray) one = g_ptr_array_new();
        g_ptr_array_add(one, (void *)values);
        list = list_of(arena, values, one);
    }
    if (list == NULL || list->n == 0) {
        hp_matrix_complain(load, values, NULL, "`%s` needs a list of values", key->text);
        return false;
    }
    return read_list(&r, list);
}
