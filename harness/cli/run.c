/* `hairpin run`: loads everything first, and runs only when every file is right. */
#include <errno.h>
#include <glib/gstdio.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "cli/cli.h"
#include "report/report.h"
#include "run/batch.h"
#include "seam/seam.h"

typedef struct options {
    char *seed, *shard, *filter, *tag, *out, *junit, *evidence;
    char *jobs, *hang;
    gboolean fail_fast, quiet, verbose, tap;
    char **paths;
} options;

static void options_clear(options *o)
{
    g_free(o->seed);
    g_free(o->shard);
    g_free(o->filter);
    g_free(o->tag);
    g_free(o->out);
    g_free(o->junit);
    g_free(o->evidence);
    g_free(o->jobs);
    g_free(o->hang);
    g_strfreev(o->paths);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(options, options_clear)

static bool read_options(options *o, int *argc, char ***argv)
{
    const GOptionEntry entries[] = {
        {"seed", 0, 0, G_OPTION_ARG_STRING, &o->seed, "use this seed instead of each scenario's own", "N"},
        {"jobs", 'j', 0, G_OPTION_ARG_STRING, &o->jobs, "processes at once (default: one a core)", "N"},
        {"out", 'o', 0, G_OPTION_ARG_FILENAME, &o->out, "keep evidence below this folder", "DIR"},
        {"evidence", 0, 0, G_OPTION_ARG_STRING, &o->evidence, "all (default), failures or none", "WHICH"},
        {"junit", 0, 0, G_OPTION_ARG_FILENAME, &o->junit, "write a JUnit report", "FILE"},
        {"tap", 0, 0, G_OPTION_ARG_NONE, &o->tap, "print TAP 14 instead of the readable report", NULL},
        {"filter", 'f', 0, G_OPTION_ARG_STRING, &o->filter, "only cases whose name holds this, or matches this glob",
         "TEXT"},
        {"tag", 't', 0, G_OPTION_ARG_STRING, &o->tag, "only scenarios with this tag", "TAG"},
        {"shard", 0, 0, G_OPTION_ARG_STRING, &o->shard, "only the I-th of N parts of the cases", "I/N"},
        {"fail-fast", 0, 0, G_OPTION_ARG_NONE, &o->fail_fast, "begin nothing more after the first failure", NULL},
        {"quiet", 'q', 0, G_OPTION_ARG_NONE, &o->quiet, "print failures and the summary only, no warnings", NULL},
        {"verbose", 'v', 0, G_OPTION_ARG_NONE, &o->verbose,
         "also what media came to in calls that passed, and how known bugs failed", NULL},
        {"hang-after", 0, 0, G_OPTION_ARG_STRING, &o->hang,
         "real seconds without progress until a run counts as hung (default 10)", "S"},
        {G_OPTION_REMAINING, 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &o->paths, NULL, "PATH..."},
        {NULL}};
    return hp_cli_options("- run scenarios and judge them",
                          "Each PATH is a scenario file or a folder of them. Nothing runs unless every file is right.",
                          entries, argc, argv);
}

/* A whole number in a range, without sign or blanks; what is not given keeps its value. */
static bool read_number(const char *name, const char *text, guint64 min, guint64 max, guint64 *ret)
{
    if (!text || g_ascii_string_to_unsigned(text, 10, min, max, ret, NULL))
        return true;
    hp_cli_usage("run: --%s takes a number from %" G_GUINT64_FORMAT " to %" G_GUINT64_FORMAT ", not `%s`", name, min,
                 max, text);
    return false;
}

static bool read_shard(const char *text, hp_case_filter *filter)
{
    if (!text)
        return true;
    guint64 shard = 0, n_shards = 0;
    g_auto(GStrv) parts = g_strsplit(text, "/", -1);
    if (g_strv_length(parts) != 2 || !g_ascii_string_to_unsigned(parts[1], 10, 1, G_MAXUINT, &n_shards, NULL) ||
        !g_ascii_string_to_unsigned(parts[0], 10, 1, n_shards, &shard, NULL)) {
        hp_cli_usage("run: --shard takes I/N with 1 <= I <= N, not `%s`", text);
        return false;
    }
    filter->shard = (unsigned)shard;
    filter->n_shards = (unsigned)n_shards;
    return true;
}

/* The seed's range is that of the scenario's key. */
static bool read_filter(const options *o, hp_case_filter *filter)
{
    filter->pattern = o->filter;
    filter->tag = o->tag;
    filter->has_seed = o->seed != NULL;
    return read_number("seed", o->seed, 0, G_MAXINT64, &filter->seed) && read_shard(o->shard, filter);
}

static bool read_evidence(const char *text, hp_evidence *ret)
{
    static const char *const names[] = {"all", "failures", "none"};
    for (unsigned i = 0; i < G_N_ELEMENTS(names); i++) {
        if (!text || strcmp(text, names[i]) == 0) {
            *ret = (hp_evidence)i;
            return true;
        }
    }
    hp_cli_usage("run: --evidence takes all, failures or none, not `%s`", text);
    return false;
}

static bool read_batch(const options *o, hp_batch_options *batch)
{
    guint64 jobs = 0, hang = 0;
    if (!read_number("jobs", o->jobs, 1, G_MAXINT, &jobs) || !read_number("hang-after", o->hang, 1, 86400, &hang) ||
        !read_evidence(o->evidence, &batch->evidence))
        return false;
    batch->jobs = (unsigned)jobs;
    batch->hang_s = (unsigned)hang;
    batch->fail_fast = o->fail_fast;
    batch->out = o->out;
    return true;
}

/* Cases end in any order and are printed in theirs. */
typedef struct progress {
    const options *options;
    hp_report_style style;
    hp_report_case **cases; /* by index; NULL until it is over */
    unsigned n_cases, n_printed;
    bool any_evidence;
} progress;

static void print_case(const progress *p, const hp_report_case *c)
{
    if (p->options->tap || (p->options->quiet && hp_verdict_is_good(c->verdict)))
        return;
    g_autofree char *text = hp_report_text_case(c, &p->style);
    fputs(text, stdout);
    fflush(stdout);
}

static void one_done(void *user, unsigned index, const hp_result *result, const hp_trace *trace, const char *evidence)
{
    progress *p = user;
    p->cases[index] = hp_report_case_new(result, trace, evidence);
    p->any_evidence |= evidence != NULL;
    while (p->n_printed < p->n_cases && p->cases[p->n_printed])
        print_case(p, p->cases[p->n_printed++]);
}

/* Hands what has ended to a report, in order; what waited for a case that --fail-fast left out is printed now. */
static hp_report *collect(progress *p)
{
    hp_report *report = hp_report_new();
    for (unsigned i = 0; i < p->n_cases; i++) {
        if (!p->cases[i])
            continue;
        if (i >= p->n_printed)
            print_case(p, p->cases[i]);
        hp_report_add(report, p->cases[i]);
    }
    g_free(p->cases);
    return report;
}

/* Evidence first needs its folder: made now, so that an unwritable path is told before anything runs. */
static bool prepare_out(const char *out, GError **error)
{
    if (!out)
        return true;
    if (g_mkdir_with_parents(out, 0777) != 0 || access(out, W_OK | X_OK) != 0) {
        g_set_error(error, HP_ERROR, HP_ERROR_IO, "%s: %s", out, g_strerror(errno));
        return false;
    }
    return true;
}

static int finish(const options *o, const progress *p, const hp_report *report)
{
    g_autoptr(GError) error = NULL;
    if (o->tap) {
        g_autofree char *tap = hp_report_tap(report);
        fputs(tap, stdout);
    } else {
        g_autofree char *summary = hp_report_text_summary(report, &p->style);
        fputs(summary, stdout);
        if (p->n_cases > report->cases->len)
            printf("%u not run (--fail-fast)\n", p->n_cases - report->cases->len);
        if (p->any_evidence)
            printf("Evidence: %s/<case>/{trace.pcapng,events.jsonl,result.json}\n", o->out);
    }
    g_autofree char *beside = !o->junit && o->out ? g_build_filename(o->out, "junit.xml", NULL) : NULL;
    const char *junit = o->junit ? o->junit : beside;
    if (junit && !hp_report_write_junit(report, junit, &error))
        return hp_cli_fail(error);
    return hp_report_is_good(report) ? HP_EXIT_GOOD : HP_EXIT_FAILED;
}

static int run_cases(const options *o, const hp_cases *cases, hp_batch_options batch)
{
    g_autoptr(GError) error = NULL;
    if (!hp_seam_start(NULL, &error) || !prepare_out(o->out, &error))
        return hp_cli_fail(error);
    progress p = {.options = o,
                  .style = {.colour = isatty(STDOUT_FILENO) && !getenv("NO_COLOR"), .verbose = o->verbose},
                  .cases = g_new0(hp_report_case *, cases->plans->len),
                  .n_cases = cases->plans->len};
    batch.done = one_done;
    batch.user = &p;
    bool ok = hp_batch_run((hp_plan *const *)cases->plans->pdata, cases->plans->len, &batch, &error);
    g_autoptr(hp_report) report = collect(&p);
    return ok ? finish(o, &p, report) : hp_cli_fail(error);
}

int hp_cmd_run(int argc, char **argv)
{
    g_auto(options) o = {0};
    hp_case_filter filter = {0};
    hp_batch_options batch = {0};
    if (!read_options(&o, &argc, &argv))
        return HP_EXIT_USAGE;
    if (!o.paths)
        return hp_cli_usage("run: which scenarios? Give a file or a folder, as `hairpin run scenarios`");
    if (o.quiet && o.verbose)
        return hp_cli_usage("run: --quiet and --verbose exclude each other");
    if (!read_filter(&o, &filter) || !read_batch(&o, &batch))
        return HP_EXIT_USAGE;

    g_autoptr(hp_diags) diags = hp_diags_new();
    g_autoptr(GError) error = NULL;
    hp_cases cases = {0};
    if (!hp_cases_collect(o.paths, &filter, diags, &cases, &error)) {
        hp_cases_clear(&cases);
        return hp_cli_fail(error);
    }
    int code;
    if (diags->n_errors > 0 || !o.quiet) {
        hp_diags_sort(diags);
        g_autofree char *text = hp_diags_format(diags);
        fputs(text, stderr);
    }
    if (diags->n_errors > 0) {
        code = hp_cli_usage("%u error%s; nothing was run", diags->n_errors, diags->n_errors == 1 ? "" : "s");
    } else if (cases.plans->len == 0) {
        code = hp_cli_usage("no scenario matches");
    } else {
        code = run_cases(&o, &cases, batch);
    }
    hp_cases_clear(&cases);
    return code;
}
