/* The lines, the summary and the files of a report. */
#include "cli/run_output.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "report/github.h"

bool hp_run_output_has_colour(void)
{
    const char *none = getenv("NO_COLOR");
    return isatty(STDOUT_FILENO) && (none == NULL || *none == '\0') && g_strcmp0(getenv("TERM"), "dumb") != 0;
}

hp_report_style hp_run_output_style(bool verbose)
{
    return (hp_report_style){.colour = hp_run_output_has_colour(), .verbose = verbose};
}

bool hp_run_output_tells(const hp_run_output *output, const hp_report_case *c)
{
    const bool only_bad = output->quiet || output->only_bad;
    return !output->tap && !(only_bad && !hp_verdict_is_bad(c->verdict));
}

void hp_run_output_case(const hp_run_output *output, const hp_report_case *c)
{
    if (!hp_run_output_tells(output, c)) {
        return;
    }
    g_autofree char *text = hp_report_text_case(c, &output->style);
    fputs(text, stdout);
    (void)fflush(stdout);
}

static bool append_page(const char *path, const hp_report *report, unsigned n_not_run, GError **error)
{
    struct stat st;
    const size_t taken = stat(path, &st) == 0 ? (size_t)st.st_size : 0;
    const size_t room = taken < HP_GITHUB_SUMMARY_MAX ? HP_GITHUB_SUMMARY_MAX - taken : 0;
    g_autofree char *page = hp_github_summary(report, n_not_run, room);
    if (*page == '\0') {
        fprintf(stderr, "hairpin: %s: no room left for the summary of this run\n", path);
        return true;
    }
    FILE *file = fopen(path, "ae");
    const bool ok = file != NULL && fputs(page, file) >= 0 && fflush(file) == 0;
    if (!ok) {
        g_set_error(error, HP_ERROR, HP_ERROR_IO, "%s ($GITHUB_STEP_SUMMARY): %s", path, g_strerror(errno));
    }
    if (file != NULL) {
        (void)fclose(file);
    }
    return ok;
}

bool hp_run_output_files(const hp_run_output *output, const hp_report *report, unsigned n_not_run, GError **error)
{
    const char *page = output->github ? getenv("GITHUB_STEP_SUMMARY") : NULL;
    if (page != NULL && *page != '\0' && !append_page(page, report, n_not_run, error)) {
        return false;
    }
    g_autofree char *beside =
        output->junit == NULL && output->out != NULL ? g_build_filename(output->out, HP_RUN_OUTPUT_JUNIT, NULL) : NULL;
    const char *junit = output->junit != NULL ? output->junit : beside;
    return junit == NULL || hp_report_write_junit(report, junit, error);
}

/* GitHub reads commands from both; TAP has stdout for itself. */
static FILE *commands_to(const hp_run_output *output)
{
    return output->tap ? stderr : stdout;
}

void hp_run_output_diags(const hp_run_output *output, hp_diags *diags)
{
    if (diags->n_errors == 0 && output->quiet) {
        return;
    }
    hp_diags_sort(diags);
    g_autofree char *text = hp_diags_format(diags);
    fputs(text, stderr);
    if (output->github) {
        g_autofree char *commands = hp_github_diags(diags);
        fputs(commands, commands_to(output));
        (void)fflush(commands_to(output));
    }
}

static bool has_evidence(const hp_report *report)
{
    for (unsigned i = 0; i < report->cases->len; i++) {
        if (((const hp_report_case *)report->cases->pdata[i])->evidence != NULL) {
            return true;
        }
    }
    return false;
}

void hp_run_output_summary(const hp_run_output *output, const hp_report *report, unsigned n_not_run)
{
    if (output->github) {
        g_autofree char *annotations = hp_github_report(report);
        fputs(annotations, commands_to(output));
    }
    if (output->tap) {
        g_autofree char *tap = hp_report_tap(report);
        fputs(tap, stdout);
        if (n_not_run > 0) {
            printf("# %u not run (--fail-fast)\n", n_not_run);
        }
        return;
    }
    g_autofree char *summary = hp_report_text_summary(report, &output->style);
    fputs(summary, stdout);
    if (n_not_run > 0) {
        printf("%u not run (--fail-fast)\n", n_not_run);
    }
    if (has_evidence(report)) {
        printf("Evidence: %s/<case>/{trace.pcapng,events.jsonl,result.json}\n", output->out);
    }
}

void hp_run_output_bail_out(const hp_run_output *output, const hp_report *report, unsigned n_planned,
                            const char *reason)
{
    if (output->tap) {
        g_autofree char *tap = hp_report_tap_bail_out(report, n_planned, reason);
        fputs(tap, stdout);
        (void)fflush(stdout);
    }
}
