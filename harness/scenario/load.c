/* From a file to scenarios: read it, parse it, expand its matrix, fill and check each case.
 *
 * The cases of a matrix are independent scenarios; each owns an arena with all of its strings and arrays, so that they
 * can be freed in any order. What they share are the text of the file and the arrays that links have from files of
 * their own, by reference counts. A mistake that is in every case is reported once. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "scenario/link_file.h"
#include "scenario/loader.h"
#include "trace/capture.h"

void hp_scenario_free(hp_scenario *scenario)
{
    if (scenario == NULL) {
        return;
    }
    if (scenario->source != NULL) {
        g_ref_string_release(scenario->source);
    }
    if (scenario->captures != NULL) {
        g_hash_table_unref(scenario->captures);
    }
    if (scenario->link_files != NULL) {
        g_hash_table_unref(scenario->link_files);
    }
    hp_arena_free(scenario->storage); /* the scenario itself lies there too */
}

char *hp_scenario_source_line(const hp_scenario *scenario, unsigned line)
{
    if (scenario->source == NULL) {
        return NULL;
    }
    hp_source source = {scenario->file, scenario->source, g_ref_string_length(scenario->source)};
    return hp_source_line(&source, line);
}

static char *stem(hp_arena *arena, const char *path)
{
    g_autofree char *name = g_path_get_basename(path);
    char *dot = strrchr(name, '.');
    if (dot != NULL && dot != name) {
        *dot = '\0';
    }
    return hp_arena_text(arena, name);
}

static void add_axes(hp_scenario *scenario, const hp_case *c)
{
    hp_arena *arena = scenario->storage;
    scenario->n_axes = c->n_assignments;
    scenario->axes = hp_arena_alloc(arena, MAX(c->n_assignments, 1) * sizeof *scenario->axes);
    for (unsigned i = 0; i < c->n_assignments; i++) {
        g_autoptr(GString) value = g_string_new(NULL);
        hp_tree_render(c->assignments[i].value, value);
        scenario->axes[i] = (hp_sc_axis){
            .path = hp_arena_text(arena, c->assignments[i].path),
            .name = hp_arena_text(arena, c->assignments[i].name),
            .value = hp_arena_text(arena, value->str),
        };
    }
}

/* NULL when there was an error. */
static hp_scenario *load_case(hp_load *load, const hp_case *c)
{
    hp_arena *arena = hp_arena_new();
    g_autoptr(GArray) refs = g_array_new(FALSE, FALSE, sizeof(hp_named_ref));
    g_autoptr(GArray) templates = g_array_new(FALSE, FALSE, sizeof(hp_template_ref));
    hp_root *root = hp_arena_alloc(arena, sizeof *root);
    hp_loader loader = {.load = load,
                        .arena = arena,
                        .root = root,
                        .refs = refs,
                        .templates = templates,
                        .assignments = c->assignments,
                        .n_assignments = c->n_assignments};
    unsigned n_errors = load->n_errors;

    root->scenario.storage = arena;
    root->scenario.source = g_ref_string_acquire(load->text);
    root->scenario.captures = g_hash_table_ref(load->captures);
    root->scenario.link_files = g_hash_table_ref(load->link_files);
    root->scenario.file = hp_arena_text(arena, load->source.path);
    root->scenario.name = stem(arena, load->source.path);
    root->scenario.label = hp_arena_text(arena, c->label);
    root->scenario.tags = hp_arena_alloc(arena, sizeof(char *));
    add_axes(&root->scenario, c);
    hp_loader_struct(&loader, &hp_schema_root, c->tree, root, NULL, false);
    hp_loader_check_refs(&loader);
    hp_loader_check_raw(&loader);
    if (load->n_errors != n_errors) {
        hp_scenario_free(&root->scenario);
        return NULL;
    }
    return &root->scenario;
}

static void free_scenario(void *scenario)
{
    hp_scenario_free(scenario);
}

static GPtrArray *load_cases(hp_load *load, const hp_case *cases, unsigned n)
{
    GPtrArray *scenarios = g_ptr_array_new_with_free_func(free_scenario);

    for (unsigned i = 0; i < n && !hp_load_is_hopeless(load); i++) {
        hp_scenario *scenario = load_case(load, &cases[i]);
        if (scenario != NULL) {
            g_ptr_array_add(scenarios, scenario);
        }
    }
    if (load->n_errors > 0) {
        g_ptr_array_unref(scenarios);
        return NULL;
    }
    return scenarios;
}

static GPtrArray *parse(hp_load *load)
{
    g_autoptr(hp_arena) arena = hp_arena_new();
    unsigned n_errors = load->diags->n_errors, n = 0;
    const hp_tree *tree = hp_tree_parse(&load->source, arena, load->diags);

    if (tree == NULL) {
        return NULL;
    }
    load->n_errors = load->n_reported =
        load->diags->n_errors - n_errors; /* duplicate keys: go on, to say what else is wrong */
    if (tree->kind != HP_NODE_MAP) {
        hp_load_report(load, HP_SEVERITY_ERROR, tree->line, tree->column, NULL,
                       "a scenario must be a map of keys and values");
        return NULL;
    }
    hp_case *cases = hp_matrix_expand(load, arena, tree, &n);
    if (cases == NULL) {
        /* Without its matrix the file still has keys to be checked. */
        const hp_case whole = {.tree = tree, .label = (char *)""};
        return load_cases(load, &whole, 1);
    }
    return load_cases(load, cases, n);
}

static void free_capture(void *capture)
{
    hp_capture_unref(capture);
}

static GPtrArray *parse_all(const char *path, const char *text, size_t len, const hp_matrix_request *request,
                            hp_diags *diags)
{
    g_autoptr(GHashTable) seen = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    g_autoptr(GHashTable) captures = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, free_capture);
    g_autoptr(GHashTable) link_files = hp_link_files_new();
    char *copy = g_ref_string_new_len(text, (gssize)len);
    hp_load load = {.source = {path, copy, len},
                    .text = copy,
                    .diags = diags,
                    .captures = captures,
                    .link_files = link_files,
                    .request = request,
                    .seen = seen};

    GPtrArray *scenarios = parse(&load);
    hp_diags_sort(diags);
    g_ref_string_release(copy);
    return scenarios;
}

static void cannot_read(const char *path, hp_diags *diags, const char *why)
{
    hp_diags_add(diags, HP_SEVERITY_ERROR, (hp_mark){.file = path}, NULL, NULL, "cannot be read: %s", why);
}

GPtrArray *hp_scenario_parse(const char *path, const char *text, size_t len, hp_diags *diags)
{
    return parse_all(path, text, len, NULL, diags);
}

static GPtrArray *load_file(const char *path, const hp_matrix_request *request, hp_diags *diags)
{
    FILE *file = fopen(path, "rbe");
    if (file == NULL) {
        cannot_read(path, diags, g_strerror(errno));
        return NULL;
    }
    /* One byte more than is allowed tells a file that is too large from one that is not, without reading all of it. */
    g_autofree char *text = g_malloc(HP_SOURCE_MAX + 1);
    size_t len = fread(text, 1, HP_SOURCE_MAX + 1, file);
    int failure = ferror(file) != 0 ? errno : 0;
    (void)fclose(file);
    if (failure != 0) {
        cannot_read(path, diags, g_strerror(failure));
        return NULL;
    }
    return parse_all(path, text, len, request, diags);
}

GPtrArray *hp_scenario_load(const char *path, hp_diags *diags)
{
    return load_file(path, NULL, diags);
}

GPtrArray *hp_scenario_load_matrix(const char *path, const char *text, const hp_matrix_request *request,
                                   hp_diags *diags)
{
    return text != NULL ? parse_all(path, text, strlen(text), request, diags) : load_file(path, request, diags);
}
