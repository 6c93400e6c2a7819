/* Running cases for the command line.
 *
 * Cases end in any order and are printed in theirs: a case waits until all before it are over. Of a case that is over
 * two things stay: what the reports show of it, and its line of OUT/result.json (in a file, report/run_json.c). */
#include "cli/run_cases.h"

#include <errno.h>
#include <glib/gstdio.h>
#include <stdio.h>
#include <unistd.h>

#include "base/error.h"
#include "base/heap.h"
#include "cli/live_line.h"
#include "cli/run_output.h"
#include "cli/stop.h"
#include "report/page.h"
#include "report/run_json.h"
#include "seam/seam.h"

typedef struct progress {
    const hp_run_hooks *hooks; /* never NULL */
    hp_run_output output;
    hp_report_case **cases; /* by index; NULL until it is over */
    unsigned n_cases, n_printed;
    hp_run_json *run_json; /* NULL without --out */
    hp_live_line *line;
} progress;

static void one_begun(void *user, unsigned index)
{
    const progress *p = user;
    hp_live_line_begun(p->line, index);
}

static void while_idle(void *user)
{
    const progress *p = user;
    hp_live_line_draw(p->line);
}

static void one_done(void *user, unsigned index, const hp_result *result, const hp_trace *trace, const char *evidence)
{
    progress *p = user;
    p->cases[index] = hp_report_case_new(result, trace, evidence);
    if (p->run_json != NULL) {
        hp_run_json_add(p->run_json, index, result);
    }
    if (p->hooks->done != NULL) {
        p->hooks->done(p->hooks->user, index, result, trace, evidence);
    }
    hp_live_line_done(p->line, index, result->verdict, result->ended);
    while (p->n_printed < p->n_cases && p->cases[p->n_printed] != NULL) {
        const hp_report_case *c = p->cases[p->n_printed++];
        if (hp_run_output_tells(&p->output, c)) {
            hp_live_line_clear(p->line);
            hp_run_output_case(&p->output, c);
        }
    }
    hp_live_line_draw(p->line);
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
            hp_run_output_case(&p->output, p->cases[i]);
        }
        hp_report_add(report, p->cases[i]);
    }
    g_clear_pointer(&p->cases, g_free);
    return report;
}

/* Evidence first needs its folder: made now, so that an unwritable path is told before anything runs. What is there from
 * a run before goes, or would seem to belong to this one. */
static bool prepare_out(const char *out, const hp_cases *cases, hp_run_json **ret_json, GError **error)
{
    if (out == NULL) {
        return true;
    }
    if (g_mkdir_with_parents(out, 0777) != 0 || access(out, W_OK | X_OK) != 0) {
        g_set_error(error, HP_ERROR, HP_ERROR_IO, "%s: %s", out, g_strerror(errno));
        return false;
    }
    *ret_json = hp_run_json_new(out, cases->plans->len, error);
    g_autofree char *junit = g_build_filename(out, HP_RUN_OUTPUT_JUNIT, NULL);
    (void)g_unlink(junit);
    return *ret_json != NULL && hp_shard_write(&cases->shard, out, error);
}

static bool write_files(const hp_run_options *o, progress *p, const hp_report *report, GError **error)
{
    const hp_page_options page = {.command = o->line};
    return (p->run_json == NULL || hp_run_json_write(p->run_json, p->output.out, error)) &&
           (p->hooks->over == NULL || p->hooks->over(p->hooks->user, report, &p->output.style, error)) &&
           hp_run_output_files(&p->output, report, p->n_cases - report->cases->len, error) &&
           (o->html == NULL || hp_page_write(o->out, o->html, &page, NULL, error));
}

int hp_run_cases_exit(const hp_report *report)
{
    if (hp_report_is_good(report))
        return HP_EXIT_GOOD;
    return hp_report_says_nothing(report) ? HP_EXIT_ENVIRONMENT : HP_EXIT_FAILED;
}

int hp_run_cases(const hp_run_options *o, const hp_cases *cases, const hp_run_hooks *hooks)
{
    static const hp_run_hooks none;
    const unsigned n = cases->plans->len;
    g_autoptr(GError) error = NULL;
    g_autoptr(hp_run_json) run_json = NULL;
    /* What is set up from here on every run will touch. */
    g_autoptr(hp_heap_hold) hold G_GNUC_UNUSED = hp_heap_settle();
    if (!hp_seam_start(NULL, &error) || !prepare_out(o->out, cases, &run_json, &error)) {
        return hp_cli_fail(error);
    }
    hooks = hooks != NULL ? hooks : &none;
    hp_plan *const *plans = (hp_plan *const *)cases->plans->pdata;
    hp_live_line *line = hp_live_line_new(plans, n, !o->tap && !o->quiet);
    progress p = {.hooks = hooks,
                  .output = {.tap = o->tap,
                             .quiet = o->quiet,
                             .github = o->github,
                             .only_bad = hooks->only_bad,
                             .out = o->out,
                             .junit = o->junit,
                             .style = hp_run_output_style(o->verbose)},
                  .cases = g_new0(hp_report_case *, n),
                  .n_cases = n,
                  .run_json = run_json,
                  .line = line};
    hp_batch_options batch = o->batch;
    batch.done = one_done;
    batch.begun = one_begun;
    batch.idle = while_idle;
    batch.user = &p;
    g_auto(hp_stop) stop = {.fd = -1};
    hp_stop_begin(&stop);
    batch.stop = &stop.fd;
    const bool ran = hp_batch_run(plans, n, &batch, &error);
    g_clear_pointer(&line, hp_live_line_free);
    g_autoptr(hp_report) report = collect(&p);
    if (!ran) {
        hp_run_output_bail_out(&p.output, report, n, error->message);
        return hp_cli_fail(error); /* and of a signal, if it was one, the process ends on the way out */
    }
    hp_stop_end(&stop);
    const bool written = write_files(o, &p, report, &error);
    hp_run_output_summary(&p.output, report, n - report->cases->len);
    if (!written) {
        return hp_cli_fail(error);
    }
    return hp_run_cases_exit(report);
}

int hp_run_cases_admit(const hp_run_options *o, const hp_cases *cases, hp_diags *diags)
{
    const hp_run_output output = {.tap = o->tap, .quiet = o->quiet, .github = o->github};
    hp_run_output_diags(&output, diags);
    if (diags->n_errors > 0) {
        return hp_cli_usage("%u error%s; nothing was run", diags->n_errors, diags->n_errors == 1 ? "" : "s");
    }
    return cases->plans->len > 0 ? HP_EXIT_GOOD : hp_cli_usage("no scenario matches");
}
