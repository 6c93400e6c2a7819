/* From paths to plans.
 *
 * A case is named by its file's path below the directory that was given, without the ending; a file given by itself is
 * named by its stem. A matrix adds its values in brackets, --repeat a number. Names become folders, so what a folder's
 * name cannot hold is replaced. Two files that would share a name are both told. */
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "base/error.h"
#include "base/heap.h"
#include "check/check.h"
#include "cli/cli.h"

typedef struct source {
    char *path, *name;
} source;

static void source_free(gpointer data)
{
    source *s = data;
    g_free(s->path);
    g_free(s->name);
    g_free(s);
}

static bool is_scenario_file(const char *name)
{
    return g_str_has_suffix(name, ".yaml") || g_str_has_suffix(name, ".yml");
}

static char *strip_ending(const char *path)
{
    const char *dot = strrchr(path, '.');
    return dot && is_scenario_file(path) ? g_strndup(path, (gsize)(dot - path)) : g_strdup(path);
}

static void add_source(GPtrArray *sources, const char *path, const char *relative)
{
    source *s = g_new0(source, 1);
    s->path = g_strdup(path);
    s->name = strip_ending(relative);
    g_ptr_array_add(sources, s);
}

static gint by_text(gconstpointer a, gconstpointer b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* A directory on the way down, so that a link that leads back up is not followed for ever. */
typedef struct way {
    dev_t device;
    ino_t inode;
    const struct way *up;
} way;

static bool is_on_way(const way *from, const struct stat *st)
{
    for (const way *w = from; w; w = w->up)
        if (w->device == st->st_dev && w->inode == st->st_ino)
            return true;
    return false;
}

/* The path of a file below a folder, or NULL when it is not in there. By the paths alone: links are not followed. */
static char *path_below(const char *path, const char *folder)
{
    g_autofree char *whole = folder ? g_canonicalize_filename(path, NULL) : NULL;
    g_autofree char *base = folder ? g_canonicalize_filename(folder, NULL) : NULL;
    if (!whole || !g_str_has_prefix(whole, base) || whole[strlen(base)] != '/')
        return NULL;
    return g_strdup(whole + strlen(base) + 1);
}

static bool walk(GPtrArray *sources, const char *path, const char *relative, const way *from, GError **error)
{
    struct stat st;
    if (stat(path, &st) != 0) {
        g_set_error(error, HP_ERROR, HP_ERROR_SCENARIO, "%s: %s", path, g_strerror(errno));
        return false;
    }
    if (!S_ISDIR(st.st_mode)) {
        g_autofree char *stem = g_path_get_basename(path);
        add_source(sources, path, relative ? relative : stem);
        return true;
    }
    if (is_on_way(from, &st))
        return true;
    const way here = {st.st_dev, st.st_ino, from};
    g_autoptr(GError) inner = NULL;
    g_autoptr(GDir) dir = g_dir_open(path, 0, &inner);
    if (!dir) {
        g_set_error(error, HP_ERROR, HP_ERROR_SCENARIO, "%s: %s", path, inner->message);
        return false;
    }
    g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func(g_free);
    for (const char *name = g_dir_read_name(dir); name; name = g_dir_read_name(dir))
        if (name[0] != '.')
            g_ptr_array_add(names, g_strdup(name));
    g_ptr_array_sort(names, by_text);
    for (unsigned i = 0; i < names->len; i++) {
        g_autofree char *child = g_build_filename(path, names->pdata[i], NULL);
        g_autofree char *child_relative =
            relative ? g_build_filename(relative, names->pdata[i], NULL) : g_strdup(names->pdata[i]);
        bool folder = g_file_test(child, G_FILE_TEST_IS_DIR);
        if ((folder || is_scenario_file(child)) && !walk(sources, child, child_relative, &here, error))
            return false;
    }
    return true;
}

/* A name as a path below out/: no dot-dot, nothing that a shell or a file system stumbles over. The blank behind a comma
 * is for readers of prose. */
static char *safe_name(const char *name)
{
    g_auto(GStrv) items = g_strsplit(name, ", ", -1);
    g_autofree char *safe = g_strjoinv(",", items);
    for (char *c = safe; *c; c++)
        if (!g_ascii_isalnum(*c) && !strchr("/._-+=,[]", *c))
            *c = '_';
    g_auto(GStrv) parts = g_strsplit(safe, "/", -1);
    g_autoptr(GPtrArray) kept = g_ptr_array_new();
    for (char **part = parts; *part; part++)
        if (**part && strcmp(*part, ".") != 0)
            g_ptr_array_add(kept, strcmp(*part, "..") == 0 ? (gpointer) "up" : *part);
    g_ptr_array_add(kept, NULL);
    return g_strjoinv("/", (char **)kept->pdata);
}

static bool has_tag(const hp_scenario *scenario, const char *tag)
{
    return !tag || (scenario->tags && g_strv_contains((const char *const *)scenario->tags, tag));
}

static bool is_wanted(const hp_case_filter *filter, const hp_scenario *scenario, const char *name)
{
    if (!has_tag(scenario, filter->tag) || (filter->only && !g_hash_table_contains(filter->only, name)))
        return false;
    if (!filter->pattern)
        return true;
    if (strstr(name, filter->pattern))
        return true;
    return strpbrk(filter->pattern, "*?") && g_pattern_match_simple(filter->pattern, name);
}

static gint by_case_name(gconstpointer a, gconstpointer b)
{
    return strcmp((*(hp_plan *const *)a)->case_name, (*(hp_plan *const *)b)->case_name);
}

/* The same case with the seeds after its own. Only the seed differs, so whatever there is to say of it was said. The
 * numbers are as wide as the last one: their order as texts is that of the seeds. `#` is in no other name. */
static void add_repeats(const hp_plan *plan, unsigned repeat, GPtrArray *plans)
{
    g_autoptr(hp_diags) told = hp_diags_new();
    g_autofree char *last = g_strdup_printf("%u", repeat);
    for (unsigned i = 0; i < repeat; i++) {
        g_autofree char *name = g_strdup_printf("%s#%0*u", plan->case_name, (int)strlen(last), i + 1);
        hp_plan *again = hp_plan_new(plan->scenario, name, (plan->seed + i) & G_MAXINT64, told);
        if (again != NULL)
            g_ptr_array_add(plans, again);
    }
}

static void plan_cases(const GPtrArray *scenarios, const char *name, const hp_case_filter *filter, hp_diags *diags,
                       GPtrArray *plans)
{
    g_autoptr(GPtrArray) all = g_ptr_array_new();
    for (unsigned i = 0; i < scenarios->len; i++) {
        const hp_scenario *scenario = scenarios->pdata[i];
        g_autofree char *labelled =
            *scenario->label ? g_strdup_printf("%s[%s]", name, scenario->label) : g_strdup(name);
        g_autofree char *case_name = safe_name(labelled);
        hp_check_filters(scenario, diags);
        hp_plan *plan = hp_plan_new(scenario, case_name, filter->has_seed ? filter->seed : scenario->seed, diags);
        if (!plan)
            continue;
        g_ptr_array_add(all, plan);
    }
    hp_plan_lint_cases((hp_plan *const *)all->pdata, all->len, diags);
    for (unsigned i = 0; i < all->len; i++) {
        hp_plan *plan = all->pdata[i];
        const bool wanted = is_wanted(filter, plan->scenario, plan->case_name);
        if (wanted && filter->repeat > 1)
            add_repeats(plan, filter->repeat, plans);
        if (wanted && filter->repeat <= 1)
            g_ptr_array_add(plans, plan);
        else
            hp_plan_free(plan);
    }
}

void hp_cases_keep_shard(hp_cases *cases, const hp_case_filter *filter)
{
    GPtrArray *plans = cases->plans;
    hp_shard_of_whole((hp_plan *const *)plans->pdata, plans->len, &cases->shard);
    if (filter->n_shards == 0)
        return;
    g_autoptr(GPtrArray) kept = g_ptr_array_new();
    for (unsigned i = 0; i < plans->len; i++) {
        if (i % filter->n_shards == filter->shard - 1)
            g_ptr_array_add(kept, plans->pdata[i]);
        else
            hp_plan_free(plans->pdata[i]);
    }
    g_ptr_array_set_free_func(plans, NULL);
    g_ptr_array_set_size(plans, 0);
    g_ptr_array_set_free_func(plans, (GDestroyNotify)hp_plan_free);
    g_ptr_array_extend(plans, kept, NULL, NULL);
    cases->shard.index = filter->shard;
    cases->shard.of = filter->n_shards;
    cases->shard.n_cases = plans->len;
}

/* Two cases of one name would overwrite each other's evidence. Both a file's name and a matrix value may become the same
 * once they are fit for a folder. */
static bool names_differ(const GPtrArray *plans, GError **error)
{
    for (unsigned i = 1; i < plans->len; i++) {
        const hp_plan *before = plans->pdata[i - 1], *plan = plans->pdata[i];
        if (strcmp(before->case_name, plan->case_name) != 0)
            continue;
        if (strcmp(before->scenario->label, plan->scenario->label) != 0)
            g_set_error(error, HP_ERROR, HP_ERROR_SCENARIO, "%s: the cases [%s] and [%s] would both be called `%s`",
                        plan->scenario->file, before->scenario->label, plan->scenario->label, plan->case_name);
        else
            g_set_error(
                error, HP_ERROR, HP_ERROR_SCENARIO,
                "%s and %s would both be called `%s`: give the directory that holds them instead, or rename one",
                before->scenario->file, plan->scenario->file, plan->case_name);
        return false;
    }
    return true;
}

GHashTable *hp_cases_read_names(const char *path, GError **error)
{
    g_autofree char *text = NULL;
    g_autoptr(GError) inner = NULL;
    if (!g_file_get_contents(path, &text, NULL, &inner)) {
        g_set_error(error, HP_ERROR, HP_ERROR_SCENARIO, "%s", inner->message);
        return NULL;
    }
    GHashTable *names = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
    for (char **line = lines; *line; line++)
        if (*g_strchomp(*line))
            g_hash_table_add(names, g_strdup(*line));
    return names;
}

/* A name that no case has would else go unnoticed. The first in the order of names is told. */
static bool all_found(const hp_case_filter *filter, const GPtrArray *plans, GError **error)
{
    if (!filter->only)
        return true;
    g_autoptr(GHashTable) found = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    for (unsigned i = 0; i < plans->len; i++) {
        const hp_plan *plan = plans->pdata[i];
        const char *number = filter->repeat > 1 ? strrchr(plan->case_name, '#') : NULL;
        g_hash_table_add(found, number ? g_strndup(plan->case_name, (gsize)(number - plan->case_name))
                                       : g_strdup(plan->case_name));
    }
    const char *missing = NULL;
    GHashTableIter iter;
    gpointer name;
    g_hash_table_iter_init(&iter, filter->only);
    while (g_hash_table_iter_next(&iter, &name, NULL))
        if (!g_hash_table_contains(found, name) && (!missing || strcmp(name, missing) < 0))
            missing = name;
    if (missing)
        g_set_error(error, HP_ERROR, HP_ERROR_SCENARIO,
                    "no case here is called `%s` (or the other filters leave it out)", missing);
    return !missing;
}

bool hp_cases_collect(char *const *paths, const hp_case_filter *filter, hp_diags *diags, hp_cases *ret, GError **error)
{
    hp_heap_reserve();
    g_autoptr(GPtrArray) sources = g_ptr_array_new_with_free_func(source_free);
    for (char *const *path = paths; *path; path++) {
        g_autofree char *below = path_below(*path, filter->base);
        if (filter->text)
            add_source(sources, *path, *path);
        else if (!walk(sources, *path, below, NULL, error))
            return false;
    }
    ret->files = g_ptr_array_new_with_free_func((GDestroyNotify)g_ptr_array_unref);
    ret->plans = g_ptr_array_new_with_free_func((GDestroyNotify)hp_plan_free);
    for (unsigned i = 0; i < sources->len; i++) {
        const source *s = sources->pdata[i];
        GPtrArray *scenarios = hp_scenario_load_matrix(s->path, filter->text, filter->request, diags);
        if (!scenarios)
            continue;
        g_ptr_array_add(ret->files, scenarios);
        plan_cases(scenarios, s->name, filter, diags, ret->plans);
    }
    g_ptr_array_sort(ret->plans, by_case_name);
    if (!names_differ(ret->plans, error) || (diags->n_errors == 0 && !all_found(filter, ret->plans, error)))
        return false;
    hp_cases_keep_shard(ret, filter);
    return true;
}

void hp_cases_clear(hp_cases *cases)
{
    g_clear_pointer(&cases->plans, g_ptr_array_unref);
    g_clear_pointer(&cases->files, g_ptr_array_unref);
}
