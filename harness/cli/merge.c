/* `hairpin merge`: the results of the shards of a run as one run would have left them.
 *
 * Everything is read and compared before anything is written: the shards must be of one whole (shard.json beside the
 * results says so; results without it are taken as they are), and no case may be there twice with different results.
 * Then result.json is put together from the lines of the parts, in the order of names, evidence folders that are of these
 * results are linked, and the reports are made from the documents. */
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "cli/cli.h"
#include "cli/run_cases.h"
#include "cli/run_output.h"
#include "report/run_json.h"
#include "report/run_read.h"

typedef struct part {
    const char *folder;
    hp_run_file *file;
    hp_shard shard;
} part;

/* A case of one of the parts. */
typedef struct merged {
    const part *part;
    const hp_run_entry *entry;
} merged;

typedef struct options {
    char *out, *junit;
    gboolean quiet, verbose, tap, github, partial;
    char **folders;
} options;

static void options_clear(options *o)
{
    g_free(o->out);
    g_free(o->junit);
    g_strfreev(o->folders);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(options, options_clear)

static void clear_part(gpointer data)
{
    part *p = data;
    hp_run_file_free(p->file);
}

/* ---- do they fit together? ---- */

static bool read_parts(const options *o, GArray *parts)
{
    for (char **folder = o->folders; *folder != NULL; folder++) {
        g_autoptr(GError) error = NULL;
        part p = {.folder = *folder};
        p.file = hp_run_file_read(p.folder, NULL, NULL, &error);
        if (p.file == NULL || !hp_shard_read(p.folder, &p.shard, &error)) {
            hp_run_file_free(p.file);
            hp_cli_usage("merge: %s", error->message);
            return false;
        }
        g_array_append_val(parts, p);
        const part *first = &g_array_index(parts, part, 0);
        if (strcmp(first->file->version, p.file->version) != 0) {
            hp_cli_usage("merge: %s is of Hairpin %s, but %s of %s", first->folder, first->file->version, p.folder,
                         p.file->version);
            return false;
        }
        if (strcmp(p.file->version, HAIRPIN_VERSION) != 0) {
            hp_cli_usage("merge: %s is of Hairpin %s, and this is %s", p.folder, p.file->version, HAIRPIN_VERSION);
            return false;
        }
    }
    return true;
}

static const part *find_shard(const GArray *parts, unsigned index)
{
    for (unsigned i = 0; i < parts->len; i++) {
        const part *p = &g_array_index(parts, part, i);
        if (p->shard.index == index) {
            return p;
        }
    }
    return NULL;
}

static bool none_missing(const GArray *parts)
{
    const unsigned of = g_array_index(parts, part, 0).shard.of;
    g_autoptr(GString) missing = g_string_new(NULL);
    unsigned n = 0;
    for (unsigned i = 1; i <= of && n < 20; i++) {
        if (find_shard(parts, i) == NULL) {
            g_string_append_printf(missing, "%s%u/%u", n++ > 0 ? ", " : "", i, of);
        }
    }
    if (n > 0) {
        hp_cli_usage("merge: missing: %s (--partial merges without)", missing->str);
    }
    return n == 0;
}

/* Parts of one whole, each there once. */
static bool are_of_one_whole(const options *o, const GArray *parts)
{
    const part *first = &g_array_index(parts, part, 0);
    for (unsigned i = 1; i < parts->len; i++) {
        const part *p = &g_array_index(parts, part, i);
        if ((p->shard.of == 0) != (first->shard.of == 0)) {
            hp_cli_usage("merge: %s is a shard, %s is none", p->shard.of > 0 ? p->folder : first->folder,
                         p->shard.of > 0 ? first->folder : p->folder);
            return false;
        }
        if (p->shard.of != first->shard.of || strcmp(p->shard.list, first->shard.list) != 0) {
            hp_cli_usage("merge: %s (%u/%u of %u cases) and %s (%u/%u of %u cases) are not shards of the same run",
                         first->folder, first->shard.index, first->shard.of, first->shard.n_all, p->folder,
                         p->shard.index, p->shard.of, p->shard.n_all);
            return false;
        }
        const part *same = find_shard(parts, p->shard.index);
        if (p->shard.of > 0 && same != p) {
            hp_cli_usage("merge: %s and %s are both shard %u/%u", same->folder, p->folder, p->shard.index, p->shard.of);
            return false;
        }
    }
    return first->shard.of == 0 || o->partial || none_missing(parts);
}

static gint by_name(gconstpointer a, gconstpointer b)
{
    const merged *x = a, *y = b;
    return strcmp(x->entry->name, y->entry->name);
}

/* All cases in the order of their names, each once. NULL, told, when there are two results of one. */
static GArray *join(const GArray *parts)
{
    g_autoptr(GArray) all = g_array_new(FALSE, FALSE, sizeof(merged)), once = g_array_new(FALSE, FALSE, sizeof(merged));
    for (unsigned i = 0; i < parts->len; i++) {
        const part *p = &g_array_index(parts, part, i);
        for (unsigned k = 0; k < p->file->entries->len; k++) {
            const merged m = {p, &g_array_index(p->file->entries, hp_run_entry, k)};
            g_array_append_val(all, m);
        }
    }
    g_array_sort(all, by_name);
    for (unsigned i = 0; i < all->len; i++) {
        const merged *m = &g_array_index(all, merged, i), *before = m - 1;
        if (i == 0 || strcmp(before->entry->name, m->entry->name) != 0) {
            g_array_append_vals(once, m, 1);
        } else if (before->entry->length != m->entry->length ||
                   memcmp(before->entry->line, m->entry->line, m->entry->length) != 0) {
            hp_cli_usage("merge: `%s` is in %s and in %s, with different results", m->entry->name, before->part->folder,
                         m->part->folder);
            return NULL;
        }
    }
    return g_steal_pointer(&once);
}

/* ---- what comes out ---- */

/* The folder that comes out must not be one of those that go in: what is still to be read would go. */
static bool prepare_out(const options *o, GError **error)
{
    struct stat out, in;
    if (g_mkdir_with_parents(o->out, 0777) != 0 || access(o->out, W_OK | X_OK) != 0 || stat(o->out, &out) != 0) {
        g_set_error(error, HP_ERROR, HP_ERROR_IO, "%s: cannot write there", o->out);
        return false;
    }
    for (char **folder = o->folders; *folder != NULL; folder++) {
        if (stat(*folder, &in) == 0 && in.st_dev == out.st_dev && in.st_ino == out.st_ino) {
            g_set_error(error, HP_ERROR, HP_ERROR_SCENARIO, "merge: --out %s is one of the folders to be merged",
                        o->out);
            return false;
        }
    }
    const hp_shard whole = {0};
    return hp_shard_write(&whole, o->out, error);
}

/* Whether a folder is of this result, and not what an earlier run that kept evidence left there. */
static bool is_evidence_of(const char *folder, JsonNode *document)
{
    g_autofree char *path = g_build_filename(folder, "result.json", NULL);
    g_autoptr(JsonParser) parser = json_parser_new();
    JsonNode *root = json_parser_load_from_file(parser, path, NULL) ? json_parser_get_root(parser) : NULL;
    return root != NULL && json_node_equal(root, document);
}

static hp_report_case *adopt_case(const options *o, const merged *m, GError **error)
{
    g_autofree char *from = g_build_filename(m->part->folder, m->entry->name, NULL);
    g_autofree char *to = g_build_filename(o->out, m->entry->name, NULL);
    g_autoptr(JsonParser) parser = json_parser_new();
    if (!json_parser_load_from_data(parser, m->entry->line, (gssize)m->entry->length, error)) {
        return NULL;
    }
    JsonNode *document = json_parser_get_root(parser);
    const bool any = is_evidence_of(from, document);
    if (any ? !hp_report_adopt_evidence(from, to, error) : !hp_report_clear_evidence(to, error)) {
        return NULL;
    }
    return hp_report_case_of_document(json_node_get_object(document), any ? to : NULL, error);
}

static bool write_out(const options *o, const GArray *cases, unsigned n_not_run, const hp_run_output *output,
                      hp_report *report, GError **error)
{
    if (!prepare_out(o, error)) {
        return false;
    }
    g_autoptr(hp_run_json) run_json = hp_run_json_new(o->out, cases->len, error);
    if (run_json == NULL) {
        return false;
    }
    for (unsigned i = 0; i < cases->len; i++) {
        const merged *m = &g_array_index(cases, merged, i);
        hp_report_case *c = adopt_case(o, m, error);
        if (c == NULL) {
            return false;
        }
        hp_run_json_add_document(run_json, i, m->entry->verdict, m->entry->line, m->entry->length);
        hp_run_output_case(output, hp_report_add(report, c));
    }
    return hp_run_json_write(run_json, o->out, error) && hp_run_output_files(output, report, n_not_run, error);
}

static unsigned count_not_run(const GArray *parts)
{
    unsigned n = 0;
    for (unsigned i = 0; i < parts->len; i++) {
        const part *p = &g_array_index(parts, part, i);
        if (p->shard.of > 0 && p->shard.n_cases > p->file->entries->len) {
            n += p->shard.n_cases - p->file->entries->len;
        }
    }
    return n;
}

static int merge(const options *o, const GArray *parts)
{
    g_autoptr(GArray) cases = join(parts);
    if (cases == NULL) {
        return HP_EXIT_USAGE;
    }
    const hp_run_output output = {.tap = o->tap,
                                  .quiet = o->quiet,
                                  .github = o->github,
                                  .out = o->out,
                                  .junit = o->junit,
                                  .style = hp_run_output_style(o->verbose)};
    const unsigned n_not_run = count_not_run(parts);
    g_autoptr(hp_report) report = hp_report_new();
    g_autoptr(GError) error = NULL;
    if (!write_out(o, cases, n_not_run, &output, report, &error)) {
        return hp_cli_fail(error);
    }
    hp_run_output_summary(&output, report, n_not_run);
    return hp_run_cases_exit(report);
}

int hp_cmd_merge(int argc, char **argv)
{
    g_auto(options) o = {0};
    const GOptionEntry entries[] = {
        {"out", 'o', 0, G_OPTION_ARG_FILENAME, &o.out, "the folder for the whole", "DIR"},
        {"partial", 0, 0, G_OPTION_ARG_NONE, &o.partial, "also when shards are missing", NULL},
        {"junit", 0, 0, G_OPTION_ARG_FILENAME, &o.junit, "write the JUnit report there instead of into DIR", "FILE"},
        {"tap", 0, 0, G_OPTION_ARG_NONE, &o.tap, "print TAP 14 instead of the readable report", NULL},
        {"github", 0, 0, G_OPTION_ARG_NONE, &o.github, "as with `run`", NULL},
        {"quiet", 'q', 0, G_OPTION_ARG_NONE, &o.quiet, "print failures and the summary only", NULL},
        {"verbose", 'v', 0, G_OPTION_ARG_NONE, &o.verbose, "as with `run`", NULL},
        {G_OPTION_REMAINING, 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &o.folders, NULL, "DIR..."},
        {NULL}};
    if (!hp_cli_options("- put the results of shards together",
                        "Each DIR is the --out of a run of one shard. Nothing is written unless they fit together.",
                        entries, &argc, &argv)) {
        return HP_EXIT_USAGE;
    }
    if (o.folders == NULL || o.out == NULL) {
        return hp_cli_usage("merge: say what and where to, as `hairpin merge out1 out2 --out out`");
    }
    if (o.quiet && o.verbose) {
        return hp_cli_usage("merge: --quiet and --verbose exclude each other");
    }
    g_autoptr(GArray) parts = g_array_new(FALSE, FALSE, sizeof(part));
    g_array_set_clear_func(parts, clear_part);
    if (!read_parts(&o, parts) || !are_of_one_whole(&o, parts)) {
        return HP_EXIT_USAGE;
    }
    return merge(&o, parts);
}
