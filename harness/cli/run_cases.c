/* Running cases for the command line.
 *
 * Cases end in any order and are printed in theirs: a case waits until all before it are over. Of a case that is over
 * three things stay: what the reports show of it, its line of OUT/result.json (in a file, report/run_json.c), and
 * whether there is evidence. */
#include "cli/run_cases.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/error.h"
#include "report/run_json.h"
#include "seam/seam.h"

typedef struct progress {
    const hp_run_options *options;
    const hp_run_hooks *hooks; /* never NULL */
    hp_report_style style;
    hp_report_case **cases; /* by index; NULL until it is over */
    unsigned n_cases, n_printed;
    hp_run_json *run_json; /* NULL without --out */
    bool any_evidence;
} progress;

static void print_case(const progress *p, const hp_report_case *c)
{
    const bool only_bad = p->options->quiet || p->hooks->only_bad;
    if (p->options->tap || (only_bad && hp_verdict_is_good(c->verdict))) {
        return;
    }
    g_autofree char *text = hp_report_text_case(c, &p->style);
    fputs(text, stdout);
    (void)fflush(stdout);
}

static void one_done(void *user, unsigned index, const hp_result *result, const hp_trace *trace, const char *evidence)
{
    progress *p = user;
    p->cases[index] = hp_report_case_new(result, trace, evidence);
    p->any_evidence |= evidence != NULL;
    if (p->run_json != NULL) {
        hp_run_json_add(p->run_json, index, result);
    }
    if (p->hooks->done != NULL) {
        p->hooks->done(p->hooks->user, index, result, trace, evidence);
    }
    while (p->n_printed < p->n_cases && p->cases[p->n_printed] != NULL) {
        print_case(p, p->cases[p->n_printed++]);
    }
}

/* Hands what has ended to a report, in order; what waited for a case that --fail-fast left out is printed now. */
static hp_report *collect(progress *p)
{
    hp_report *report = hp_report_new();
    for (unsigned i = 0; i < p->n_cases; i++) {
        if (p->cases[i] == NULL) {
            continue;
        }
        if (i >= p->n_printed) {
            print_case(p, p->cases[i]);
        }
        hp_report_add(report, p->cases[i]);
    }
    g_clear_pointer(&p->cases, g_free);
    return report;
}

/* Evidence first needs its folder: made now, so that an unwritable path is told before anything runs. */
static bool prepare_out(const char *out, GError **error)
{
    if (out != NULL && (g_mkdir_with_parents(out, 0777) != 0 || access(out, W_OK | X_OK) != 0)) {
        g_set_error(error, HP_ERROR, HP_ERROR_IO, "%s: %s", out, g_strerror(errno));
        return false;
    }
    return true;
}

static void print_summary(const progress *p, const hp_report *report)
{
    if (p->options->tap) {
        g_autofree char *tap = hp_report_tap(report);
        fputs(tap, stdout);
        return;
    }
    g_autofree char *summary = hp_report_text_summary(report, &p->style);
    fputs(summary, stdout);
    if (p->n_cases > report->cases->len) {
        printf("%u not run (--fail-fast)\n", p->n_cases - report->cases->len);
    }
    if (p->any_evidence) {
        printf("Evidence: %s/<case>/{trace.pcapng,events.jsonl,result.json}\n", p->options->out);
    }
}

static bool write_reports(progress *p, const hp_report *report, GError **error)
{
    const hp_run_options *o = p->options;
    g_autofree char *beside = o->junit == NULL && o->out != NULL ? g_build_filename(o->out, "junit.xml", NULL) : NULL;
    const char *junit = o->junit != NULL ? o->junit : beside;
    return (p->run_json == NULL || hp_run_json_write(p->run_json, o->out, error)) &&
           (p->hooks->over == NULL || p->hooks->over(p->hooks->user, report, &p->style, error)) &&
           (junit == NULL || hp_report_write_junit(report, junit, error));
}

int hp_run_cases(const hp_run_options *o, const hp_cases *cases, const hp_run_hooks *hooks)
{
    static const hp_run_hooks none;
    const unsigned n = cases->plans->len;
    g_autoptr(GError) error = NULL;
    g_autoptr(hp_run_json) run_json = NULL;
    if (!hp_seam_start(NULL, &error) || !prepare_out(o->out, &error) ||
        (o->out != NULL && (run_json = hp_run_json_new(o->out, n, &error)) == NULL)) {
        return hp_cli_fail(error);
    }
    progress p = {.options = o,
                  .hooks = hooks != NULL ? hooks : &none,
                  .style = {.colour = isatty(STDOUT_FILENO) && getenv("NO_COLOR") == NULL, .verbose = o->verbose},
                  .cases = g_new0(hp_report_case *, n),
                  .n_cases = n,
                  .run_json = run_json};
    hp_batch_options batch = o->batch;
    batch.done = one_done;
    batch.user = &p;
    const bool ran = hp_batch_run((hp_plan *const *)cases->plans->pdata, n, &batch, &error);
    g_autoptr(hp_report) report = collect(&p);
    if (!ran) {
        return hp_cli_fail(error);
    }
    const bool written = write_reports(&p, report, &error);
    print_summary(&p, report);
    if (!written) {
        return hp_cli_fail(error);
    }
    return hp_report_is_good(report) ? HP_EXIT_GOOD : HP_EXIT_FAILED;
}

int hp_run_cases_admit(const hp_run_options *o, const hp_cases *cases, hp_diags *diags)
{
    if (diags->n_errors > 0 || !o->quiet) {
        hp_diags_sort(diags);
        g_autofree char *text = hp_diags_format(diags);
        fputs(text, stderr);
    }
    if (diags->n_errors > 0) {
        return hp_cli_usage("%u error%s; nothing was run", diags->n_errors, diags->n_errors == 1 ? "" : "s");
    }
    return cases->plans->len > 0 ? HP_EXIT_GOOD : hp_cli_usage("no scenario matches");
}
