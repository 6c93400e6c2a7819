/* The options of commands that run cases. GLib parses them as texts, so that every message about a value is ours and
 * names the option; what they mean is read afterwards, before anything is loaded. */
#include "cli/run_options.h"

#include <string.h>

#include "report/report.h"

enum { MOST_REPEATS = 100000 };

void hp_run_options_clear(hp_run_options *o)
{
    g_free(o->seed);
    g_free(o->shard);
    g_free(o->filter);
    g_free(o->tag);
    g_free(o->out);
    g_free(o->junit);
    g_free(o->html);
    g_free(o->evidence);
    g_free(o->jobs);
    g_free(o->hang);
    g_free(o->repeat);
    g_free(o->world);
    g_strfreev(o->paths);
    g_free(o->command);
    g_free(o->line);
}

static bool parse(hp_run_options *o, const char *synopsis, const char *about, const GOptionEntry *more, int *argc,
                  char ***argv)
{
    const GOptionEntry shared[] = {
        {"seed", 0, 0, G_OPTION_ARG_STRING, &o->seed, "use this seed instead of each scenario's own", "N"},
        {"jobs", 'j', 0, G_OPTION_ARG_STRING, &o->jobs, "runs at once (default: one a core; one in the live world)",
         "N"},
        {"world", 0, 0, G_OPTION_ARG_STRING, &o->world,
         "virtual (default), or live: real time, real kernels, one process a host", "WORLD"},
        {"out", 'o', 0, G_OPTION_ARG_FILENAME, &o->out, "keep results and evidence below this folder", "DIR"},
        {"evidence", 0, 0, G_OPTION_ARG_STRING, &o->evidence,
         o->batch.evidence == HP_EVIDENCE_ALL ? "all (default), failures or none" : "all, failures (default) or none",
         "WHICH"},
        {"junit", 0, 0, G_OPTION_ARG_FILENAME, &o->junit, "write a JUnit report", "FILE"},
        {"html", 0, 0, G_OPTION_ARG_FILENAME, &o->html, "write report.html, a page that shows the run (with --out)",
         "FILE"},
        {"tap", 0, 0, G_OPTION_ARG_NONE, &o->tap, "print TAP 14 instead of the readable report", NULL},
        {"github", 0, 0, G_OPTION_ARG_NONE, &o->github,
         "annotations for GitHub Actions, and a page for the step where GITHUB_STEP_SUMMARY is set", NULL},
        {"filter", 'f', 0, G_OPTION_ARG_STRING, &o->filter, "only cases whose name holds this, or matches this glob",
         "TEXT"},
        {"tag", 't', 0, G_OPTION_ARG_STRING, &o->tag, "only scenarios with this tag", "TAG"},
        {"shard", 0, 0, G_OPTION_ARG_STRING, &o->shard, "only the I-th of N parts of the cases", "I/N"},
        {"repeat", 0, 0, G_OPTION_ARG_STRING, &o->repeat, "every case N times, with its seed and those after it", "N"},
        {"fail-fast", 0, 0, G_OPTION_ARG_NONE, &o->fail_fast, "begin nothing more after the first failure", NULL},
        {"quiet", 'q', 0, G_OPTION_ARG_NONE, &o->quiet, "print failures and the summary only, no warnings", NULL},
        {"verbose", 'v', 0, G_OPTION_ARG_NONE, &o->verbose,
         "also what media came to in calls that passed, and how known bugs failed", NULL},
        {"hang-after", 0, 0, G_OPTION_ARG_STRING, &o->hang,
         "real seconds without progress until a run counts as hung (default 10)", "S"},
        {G_OPTION_REMAINING, 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &o->paths, NULL, "PATH..."},
        {NULL}};
    g_autoptr(GArray) entries = g_array_new(TRUE, TRUE, sizeof(GOptionEntry));
    for (const GOptionEntry *e = more; e != NULL && e->long_name != NULL; e++) {
        g_array_append_val(entries, *e);
    }
    g_array_append_vals(entries, shared, G_N_ELEMENTS(shared) - 1);
    return hp_cli_options(synopsis, about, (const GOptionEntry *)(const void *)entries->data, argc, argv);
}

bool hp_run_options_number(const hp_run_options *o, const char *name, const char *text, guint64 min, guint64 max,
                           guint64 *ret)
{
    if (text == NULL || g_ascii_string_to_unsigned(text, 10, min, max, ret, NULL)) {
        return true;
    }
    hp_cli_usage("%s: --%s takes a number from %" G_GUINT64_FORMAT " to %" G_GUINT64_FORMAT ", not `%s`", o->command,
                 name, min, max, text);
    return false;
}

static bool read_shard(const hp_run_options *o, hp_case_filter *filter)
{
    if (o->shard == NULL) {
        return true;
    }
    guint64 shard = 0, n_shards = 0;
    g_auto(GStrv) parts = g_strsplit(o->shard, "/", -1);
    if (g_strv_length(parts) != 2 || !g_ascii_string_to_unsigned(parts[1], 10, 1, G_MAXUINT, &n_shards, NULL) ||
        !g_ascii_string_to_unsigned(parts[0], 10, 1, n_shards, &shard, NULL)) {
        hp_cli_usage("%s: --shard takes I/N with 1 <= I <= N, not `%s`", o->command, o->shard);
        return false;
    }
    filter->shard = (unsigned)shard;
    filter->n_shards = (unsigned)n_shards;
    return true;
}

/* The seed's range is that of the scenario's key. */
static bool read_cases(hp_run_options *o)
{
    hp_case_filter *filter = &o->cases;
    filter->pattern = o->filter;
    filter->tag = o->tag;
    filter->has_seed = o->seed != NULL;
    guint64 repeat = 1;
    if (!hp_run_options_number(o, "repeat", o->repeat, 1, MOST_REPEATS, &repeat)) {
        return false;
    }
    filter->repeat = (unsigned)repeat;
    return hp_run_options_number(o, "seed", o->seed, 0, G_MAXINT64, &filter->seed) && read_shard(o, filter);
}

static bool read_evidence(hp_run_options *o)
{
    static const char *const names[] = {
        [HP_EVIDENCE_ALL] = "all", [HP_EVIDENCE_FAILURES] = "failures", [HP_EVIDENCE_NONE] = "none"};
    if (o->evidence == NULL) {
        return true;
    }
    for (unsigned i = 0; i < G_N_ELEMENTS(names); i++) {
        if (strcmp(o->evidence, names[i]) == 0) {
            o->batch.evidence = (hp_evidence)i;
            return true;
        }
    }
    hp_cli_usage("%s: --evidence takes all, failures or none, not `%s`", o->command, o->evidence);
    return false;
}

static bool read_batch(hp_run_options *o)
{
    guint64 jobs = 0, hang = 0;
    if (!hp_run_options_number(o, "jobs", o->jobs, 1, G_MAXINT, &jobs) ||
        !hp_run_options_number(o, "hang-after", o->hang, 1, 86400, &hang) || !read_evidence(o)) {
        return false;
    }
    /* Live runs share the machine's CPUs, and what one takes the other is late: side by side is for who asks for it. */
    o->batch.jobs = o->batch.live && jobs == 0 ? 1 : (unsigned)jobs;
    o->batch.hang_s = (unsigned)hang;
    o->batch.fail_fast = o->fail_fast;
    o->batch.out = o->out;
    return true;
}

/* argv[0] is the command's name. */
static char *command_line(int argc, char *const *argv)
{
    GString *line = g_string_new("hairpin");
    for (int i = 0; i < argc; i++) {
        hp_report_append_word(line, argv[i]);
    }
    return g_string_free(line, FALSE);
}

bool hp_run_options_read(const char *command, const char *synopsis, const char *about, const GOptionEntry *more,
                         int *argc, char ***argv, hp_run_options *ret)
{
    ret->command = g_strdup(command);
    ret->line = command_line(*argc, *argv);
    if (!parse(ret, synopsis, about, more, argc, argv)) {
        return false;
    }
    if (ret->paths == NULL && !ret->may_lack_paths) {
        hp_cli_usage("%s: which scenarios? Give a file or a folder, as `hairpin %s scenarios`", command, command);
        return false;
    }
    if (ret->html != NULL && ret->out == NULL) {
        hp_cli_usage("%s: --html needs --out: the page is made of what is kept there", command);
        return false;
    }
    if (ret->quiet && ret->verbose) {
        hp_cli_usage("%s: --quiet and --verbose exclude each other", command);
        return false;
    }
    return read_cases(ret) && hp_cli_world(command, ret->world, &ret->batch.live) && read_batch(ret);
}
